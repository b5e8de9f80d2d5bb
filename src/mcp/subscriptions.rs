//! Subscriptions to resources: `resources/subscribe` of the legacy era, and `subscriptions/listen` of the modern one.
//! They fire when the text of a resource changes, whichever process changed it.
//!
//! The store says that something may have changed; then the subscribed resources are read again and compared with how
//! they were. Only the first subscription starts to follow the store, so a server without subscriptions pays nothing.
//!
//! A change may be reported twice, but must never be missed. Everywhere here the order is: follow, then read, then
//! compare.

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

/// The most resources that the legacy subscriptions together, or one listener, may have.
pub(super) const MAX_SUBSCRIPTIONS: usize = 1_000;

/// The most listeners at a time.
const MAX_LISTENERS: usize = 100;

/// The most listeners that may be acknowledged and not listening yet.
const MAX_ACCEPTED: usize = 16;

/// How long to wait after a notification of the store before reading: one commit causes several of them.
const SETTLE: Duration = Duration::from_millis(30);

/// How long to wait before reading again what could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// The subscribed resources by URI, each with the [`fingerprint`] of the text that was last reported.
type Seen = Arc<Mutex<BTreeMap<String, u64>>>;

/// All subscriptions of the server.
pub(super) struct Subscriptions {
    /// Counts the notifications of the store.
    changes: watch::Sender<u64>,
    /// Follows the store, from the first subscription on.
    files: Mutex<Option<Box<dyn Watch>>>,
    /// The subscriptions made by `resources/subscribe`.
    legacy: Seen,
    /// Listeners that were acknowledged and do not listen yet: their URIs, and the changes since the acknowledgment.
    accepted: Mutex<Vec<(Vec<String>, watch::Receiver<u64>)>>,
    /// Whether the task that notifies of legacy subscriptions runs.
    is_telling: Mutex<bool>,
    /// One permit per listener that may still come.
    listeners: Semaphore,
    /// Cancelled when the input has ended.
    ended: CancellationToken,
}

impl Subscriptions {
    /// Returns a server's subscriptions, none yet. `ended` must be cancelled when the input has ended: nobody listens
    /// then.
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

    /// Follows the workstreams that the resources belong to. Returns whether one of them was not followed before, so
    /// that earlier changes of it went unnoticed.
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
            // The client chose the name, so it must not be used as a path: `selected` checks it and returns the id.
            let id = door.store().selected(Some(&name)).ok();
            if let Some(files) = files.as_mut() {
                is_new |= files.follow(id.as_deref())?;
            }
        }
        Ok(is_new)
    }
}

impl WorkServer {
    /// Subscribes to a resource in the legacy way, and starts the task that notifies, unless it runs. A resource that
    /// does not exist, or is one too many, is an error.
    pub(super) async fn subscribe_to(&self, uri: String, peer: Peer<RoleServer>) -> Result<(), ErrorData> {
        // Before the first read: a change during that read counts as one that is still to be reported.
        let mut changes = self.subscriptions.changes.subscribe();
        let seen = Arc::clone(&self.subscriptions.legacy);
        self.look_at(&seen, vec![uri]).await?;
        // One task serves all legacy subscriptions: the first one starts it.
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

    /// Ends a legacy subscription. Does nothing if there is none.
    pub(super) fn unsubscribe_from(&self, uri: &str) {
        lock(&self.subscriptions.legacy).remove(uri);
    }

    /// Keeps what a listener asks for, before it is acknowledged: it must learn of every change from then on. This runs
    /// on the protocol's thread, so it reads nothing; [`Self::listen_to`] does.
    pub(super) fn accept(&self, filter: &SubscriptionFilter) {
        let uris = filter.resource_subscriptions.clone().unwrap_or_default();
        let changes = self.subscriptions.changes.subscribe();
        let mut accepted = lock(&self.subscriptions.accepted);
        // Some listeners never come: forget the oldest one.
        if accepted.len() >= MAX_ACCEPTED {
            accepted.remove(0);
        }
        accepted.push((uris, changes));
    }

    /// Notifies a listener of changes until it is cancelled or the input has ended.
    pub(super) async fn listen_to(&self, context: &SubscriptionContext) -> Result<(), ErrorData> {
        let uris = context.accepted().resource_subscriptions.clone().unwrap_or_default();
        let accepted = {
            let mut accepted = lock(&self.subscriptions.accepted);
            // Listeners with the same URIs can stand in for each other.
            let at = accepted.iter().position(|(known, _)| *known == uris);
            at.map(|at| accepted.remove(at).1)
        };
        let Ok(_listener) = self.subscriptions.listeners.try_acquire() else {
            return Err(ErrorData::invalid_request(format!("there are {MAX_LISTENERS} listeners already"), None));
        };
        let mut changes = accepted.unwrap_or_else(|| self.subscriptions.changes.subscribe());
        let seen = Seen::default();
        let is_new = self.look_at(&seen, uris.clone()).await?;
        // A change since the acknowledgment may be part of that look already. Then it is reported once too often, which
        // is better than never.
        let mut news = if is_new || changes.has_changed().unwrap_or_default() { uris } else { Vec::new() };
        loop {
            for uri in news {
                // Once the input has ended, rmcp takes no notification any more: do not wait for that.
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

    /// Keeps the fingerprints of resources, which must exist. Returns whether one of their workstreams is followed only
    /// from now on. Too many resources are `invalid_params`.
    async fn look_at(&self, seen: &Seen, uris: Vec<String>) -> Result<bool, ErrorData> {
        if lock(seen).len() + uris.len() > MAX_SUBSCRIPTIONS {
            let message = format!("there are {MAX_SUBSCRIPTIONS} subscriptions already");
            return Err(ErrorData::invalid_params(message, None));
        }
        let subscriptions = Arc::clone(&self.subscriptions);
        let words = Arc::clone(&self.words);
        let looked = self.blocking(move |door| {
            // Follow first, then read: a change in between is noticed. The other way round it would be missed.
            let is_new = subscriptions.follow(door, uris.iter().map(String::as_str))?;
            let looks =
                uris.into_iter().map(|uri| read(door, &words, &uri).map(|_| (fingerprint(door, &words, &uri), uri)));
            Ok((is_new, looks.collect::<Vec<_>>()))
        });
        let looked = looked.await.map_err(|stopped| ErrorData::internal_error(stopped.to_string(), None));
        let (is_new, looked) = looked?;
        for found in looked {
            let (fingerprint, uri) = found?;
            lock(seen).insert(uri, fingerprint);
        }
        Ok(is_new)
    }

    /// Waits for a notification of the store and returns the resources whose text has changed, maybe none. `None`: the
    /// input has ended.
    async fn news(&self, seen: &Seen, changes: &mut watch::Receiver<u64>) -> Option<Vec<String>> {
        tokio::select! {
            told = changes.changed() => told.ok()?,
            () = self.subscriptions.ended.cancelled() => return None,
        }
        tokio::time::sleep(SETTLE).await;
        // Before reading: what changes from here on is a new notification.
        changes.mark_unchanged();
        let uris: Vec<String> = lock(seen).keys().cloned().collect();
        let subscriptions = Arc::clone(&self.subscriptions);
        let words = Arc::clone(&self.words);
        let looked = self.blocking(move |door| {
            subscriptions.follow(door, uris.iter().map(String::as_str))?;
            Ok(uris.into_iter().map(|uri| (fingerprint(door, &words, &uri), uri)).collect::<Vec<_>>())
        });
        let looked = match looked.await {
            Ok(looked) => looked,
            Err(stopped) => {
                tracing::warn!(%stopped, "cannot follow the files of a subscription");
                // The change is still to be reported: mark it as new, so that the next call reads again.
                tokio::time::sleep(AGAIN).await;
                changes.mark_changed();
                return Some(Vec::new());
            }
        };
        let mut seen = lock(seen);
        let mut news = Vec::new();
        for (fingerprint, uri) in looked {
            // The client may have unsubscribed during the read.
            if let Some(known) = seen.get_mut(&uri)
                && *known != fingerprint
            {
                *known = fingerprint;
                news.push(uri);
            }
        }
        Some(news)
    }
}

/// Returns a hash of the text of a resource; one that cannot be read counts as a text of its own.
fn fingerprint(door: &AgentDoor, words: &AgentWords, uri: &str) -> u64 {
    let text = uri.parse::<ResourceAddress>().ok().and_then(|address| text(door, words, &address).ok());
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Locks a mutex, also one that a panic has poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
