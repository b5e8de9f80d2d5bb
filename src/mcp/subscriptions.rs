//! Subscriptions to resources, in the legacy form (`resources/subscribe`) and as `subscriptions/listen`.
//! They fire when the text of a resource is another one, whichever process changed it.
//!
//! The kernel tells that files changed; what was subscribed is then read again and compared. Who has no
//! subscription pays nothing: the first one starts to follow the files.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::{ResourceUpdatedNotificationParam, SubscriptionFilter};
use rmcp::service::SubscriptionContext;
use rmcp::{ErrorData, Peer, RoleServer};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::WorkServer;
use super::resources::{ResourceAddress, read, text};
use crate::fault::Error;
use crate::store::Watch;
use crate::transact::AgentDoor;
use crate::words::AgentWords;

/// The most resources that one client may be subscribed to.
pub(super) const MAX_SUBSCRIPTIONS: usize = 1_000;

/// How many listeners one client may have.
const MAX_LISTENERS: usize = 100;

/// How many listeners may be on their way at once.
const MAX_ACCEPTED: usize = 16;

/// How long to wait for more after a change: one change is several notifications.
const SETTLE: Duration = Duration::from_millis(30);

/// How long until it is looked again what could not be looked at.
const AGAIN: Duration = Duration::from_secs(1);

/// What a client is subscribed to: each resource and what its text was like when it last looked.
type Seen = Arc<Mutex<BTreeMap<String, u64>>>;

/// All subscriptions of the server.
pub(super) struct Subscriptions {
    /// Counts the changes of files.
    changes: watch::Sender<u64>,
    files: Mutex<Option<Box<dyn Watch>>>,
    legacy: Seen,
    /// Listeners that were acknowledged and have not begun to listen: what they listen to, and the changes
    /// since then.
    accepted: Mutex<Vec<(Vec<String>, watch::Receiver<u64>)>>,
    /// Whether the task that tells legacy clients runs.
    is_telling: Mutex<bool>,
    listeners: Semaphore,
    ended: CancellationToken,
}

impl Subscriptions {
    /// `ended` is cancelled when the input has ended: nobody listens any more.
    pub(super) fn new(ended: CancellationToken) -> Self {
        Self {
            changes: watch::Sender::new(0),
            files: Mutex::default(),
            legacy: Seen::default(),
            accepted: Mutex::default(),
            is_telling: Mutex::default(),
            listeners: Semaphore::new(MAX_LISTENERS),
            ended,
        }
    }

    /// Follows the files of the workstreams that the resources belong to. Returns whether one of them was not followed
    /// before: what changed until now was not noticed.
    fn follow<'u>(&self, door: &AgentDoor, uris: impl Iterator<Item = &'u str>) -> Result<bool, Error> {
        let mut files = lock(&self.files);
        let mut is_new = files.is_none();
        if files.is_none() {
            let changes = self.changes.clone();
            *files = Some(door.store().watch(Box::new(move || changes.send_modify(|count| *count += 1)))?);
        }
        let names: BTreeSet<String> =
            uris.filter_map(|uri| Some(uri.parse::<ResourceAddress>().ok()?.workstream().to_owned())).collect();
        for name in names {
            // By its id: a name that a client chose is no path.
            let id = door.store().selected(Some(&name)).ok();
            if let Some(files) = files.as_mut() {
                is_new |= files.follow(id.as_deref())?;
            }
        }
        Ok(is_new)
    }
}

impl WorkServer {
    pub(super) async fn subscribe_to(&self, uri: String, peer: Peer<RoleServer>) -> Result<(), ErrorData> {
        let mut changes = self.subscriptions.changes.subscribe();
        let seen = Arc::clone(&self.subscriptions.legacy);
        self.look_at(&seen, vec![uri]).await?;
        if std::mem::replace(&mut *lock(&self.subscriptions.is_telling), true) {
            return Ok(());
        }
        let server = self.clone();
        tokio::spawn(async move {
            while let Some(news) = server.news(&seen, &mut changes).await {
                for uri in news {
                    if peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(())
    }

    pub(super) fn unsubscribe_from(&self, uri: &str) {
        lock(&self.subscriptions.legacy).remove(uri);
    }

    /// Remembers what a listener asks for, before it is acknowledged: what changes from then on is told. This runs on
    /// the protocol's thread, so the files are left to [`Self::listen_to`].
    pub(super) fn accept(&self, filter: &SubscriptionFilter) {
        let uris = filter.resource_subscriptions.clone().unwrap_or_default();
        let changes = self.subscriptions.changes.subscribe();
        let mut accepted = lock(&self.subscriptions.accepted);
        // One that never came to listen is forgotten.
        if accepted.len() >= MAX_ACCEPTED {
            accepted.remove(0);
        }
        accepted.push((uris, changes));
    }

    /// Tells a listener until it, or the client, has ended.
    pub(super) async fn listen_to(&self, context: &SubscriptionContext) -> Result<(), ErrorData> {
        let uris = context.accepted().resource_subscriptions.clone().unwrap_or_default();
        let accepted = {
            let mut accepted = lock(&self.subscriptions.accepted);
            let at = accepted.iter().position(|(known, _)| *known == uris);
            at.map(|at| accepted.remove(at).1)
        };
        let Ok(_listener) = self.subscriptions.listeners.try_acquire() else {
            return Err(ErrorData::invalid_request(format!("there are {MAX_LISTENERS} listeners already"), None));
        };
        let mut changes = accepted.unwrap_or_else(|| self.subscriptions.changes.subscribe());
        let seen = Seen::default();
        let is_new = self.look_at(&seen, uris.clone()).await?;
        // What changed since the acknowledgment may be in that look already: better told twice than never.
        let mut news = if is_new || changes.has_changed().unwrap_or_default() { uris } else { Vec::new() };
        loop {
            for uri in news {
                // Once the input has ended nobody takes a notification any more.
                tokio::select! {
                    told = context.sink().notify_resource_updated(uri) => if told.is_err() { return Ok(()) },
                    () = self.subscriptions.ended.cancelled() => return Ok(()),
                }
            }
            let next = tokio::select! {
                news = self.news(&seen, &mut changes) => news,
                () = context.cancelled() => None,
            };
            let Some(next) = next else { return Ok(()) };
            news = next;
        }
    }

    /// Remembers how resources look now; they must exist. Returns whether files are followed only since then.
    async fn look_at(&self, seen: &Seen, uris: Vec<String>) -> Result<bool, ErrorData> {
        if lock(seen).len() + uris.len() > MAX_SUBSCRIPTIONS {
            let message = format!("there are {MAX_SUBSCRIPTIONS} subscriptions already");
            return Err(ErrorData::invalid_params(message, None));
        }
        let subscriptions = Arc::clone(&self.subscriptions);
        let words = Arc::clone(&self.words);
        let looked = self.blocking(move |door| {
            // Follow first, then look: what changes in between is told.
            let is_new = subscriptions.follow(door, uris.iter().map(String::as_str))?;
            let looks = uris.into_iter().map(|uri| read(door, &words, &uri).map(|_| (look(door, &words, &uri), uri)));
            Ok((is_new, looks.collect::<Vec<_>>()))
        });
        let looked = looked.await.map_err(|stopped| ErrorData::internal_error(stopped.to_string(), None));
        let (is_new, looked) = looked?;
        for found in looked {
            let (look, uri) = found?;
            lock(seen).insert(uri, look);
        }
        Ok(is_new)
    }

    /// Waits for a change of the files and returns the resources that look different now. `None`: nobody
    /// listens any more.
    async fn news(&self, seen: &Seen, changes: &mut watch::Receiver<u64>) -> Option<Vec<String>> {
        tokio::select! {
            told = changes.changed() => told.ok()?,
            () = self.subscriptions.ended.cancelled() => return None,
        }
        tokio::time::sleep(SETTLE).await;
        changes.mark_unchanged();
        let uris: Vec<String> = lock(seen).keys().cloned().collect();
        let subscriptions = Arc::clone(&self.subscriptions);
        let words = Arc::clone(&self.words);
        let looked = self.blocking(move |door| {
            subscriptions.follow(door, uris.iter().map(String::as_str))?;
            Ok(uris.into_iter().map(|uri| (look(door, &words, &uri), uri)).collect::<Vec<_>>())
        });
        let looked = match looked.await {
            Ok(looked) => looked,
            Err(stopped) => {
                tracing::warn!(%stopped, "cannot follow the files of a subscription");
                // What has changed is still to be told.
                tokio::time::sleep(AGAIN).await;
                changes.mark_changed();
                return Some(Vec::new());
            }
        };
        let mut seen = lock(seen);
        let mut news = Vec::new();
        for (look, uri) in looked {
            // Who has unsubscribed meanwhile is told nothing.
            if let Some(known) = seen.get_mut(&uri)
                && *known != look
            {
                *known = look;
                news.push(uri);
            }
        }
        Some(news)
    }
}

/// Returns a number that is another one when the text of a resource is.
fn look(door: &AgentDoor, words: &AgentWords, uri: &str) -> u64 {
    let text = uri.parse::<ResourceAddress>().ok().and_then(|address| text(door, words, &address).ok());
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
