//! A workspace in PostgreSQL, for teams on several machines: the same tools, rules and answers, an engine
//! that exists (docs/teams.md).
//!
//! One short transaction per call locks the row of its workstream and nothing else; calls of other
//! workstreams do not wait for it. Where a server process is the only one that writes a workstream, that is one
//! statement: decided on what it knows, and written only if all of that is still so. Records are the text that the
//! files have, so that the same reader and writer serve both, and what nobody knows is kept. What was read is kept by
//! revision.

mod address;
mod change;
mod create;
mod engine;
mod failed;
#[cfg(test)]
mod for_tests;
mod lease;
mod migrate;
mod prune;
mod rows;
#[cfg(test)]
mod tests;
mod transfer;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::Object;

use self::address::DatabaseAddress;
use self::change::{RowChanges, Writer};
use self::engine::{ANSWER_TIMEOUT, Claimed, Engine};
#[cfg(test)]
pub(crate) use self::for_tests::{execute, postgres_for_tests};
pub use self::migrate::Migrated;
pub use self::prune::Pruned;
use self::rows::{CachedWorkstream, Opened};
use super::holds::Holds;
use super::place::{WorkspaceLocation, name};
use super::{Added, Concurrency, Listed, LockScope, Locked, NewWorkstream, Snapshot, Store, Watch};
use crate::board::{Board, ServerId};
use crate::decide::{Ledger, Refusal};
use crate::fault::{DatabaseRemedy, Error, Fault};
use crate::index::Index;
use crate::moment::Moment;

/// How many workstreams are kept as they were read.
const MAX_KEPT: usize = 1_000;

/// How long the database is waited for at the least.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Changes of so long a time are told together.
const NOTIFY_AFTER: Duration = Duration::from_millis(50);

/// A workspace in a database. Any number of processes on any number of hosts may use it at once.
#[derive(Debug)]
pub struct PostgresStore {
    address: DatabaseAddress,
    place: WorkspaceLocation,
    /// The server process that this store writes for; `None` on the command line.
    server: Option<ServerId>,
    /// Started when it is needed first: a server that nobody asks anything connects to nothing.
    engine: OnceLock<Arc<Engine>>,
    starting: Mutex<()>,
    /// The workstreams as they were read last, by key.
    kept: Mutex<HashMap<i64, Arc<CachedWorkstream>>>,
    /// Those that nobody else has written since this process did.
    known: Mutex<Optimistic>,
    holds: Holds,
    /// Somebody tells the listeners in a moment.
    is_notifying: Arc<AtomicBool>,
    /// The server process keeps its lease alive.
    has_lease: AtomicBool,
}

/// Workstreams that can be decided on without a lock.
#[derive(Debug, Default)]
struct Optimistic {
    /// Their keys, by what they are called.
    keys: HashMap<Option<String>, i64>,
    opened: HashMap<i64, Opened>,
}

/// A workstream to write.
struct OpenedRows<'s> {
    store: &'s PostgresStore,
    engine: Arc<Engine>,
    /// What it was called.
    named: Option<String>,
    /// The transaction that has locked its row, until it is committed or dropped; `None`: it is only known.
    client: Option<Claimed>,
    /// Until when the call waits for the database.
    end: Instant,
    opened: Opened,
    snapshot: Snapshot,
}

/// Returns until when a call waits for the database that begins now.
fn end() -> Instant {
    Instant::now() + ANSWER_TIMEOUT
}

impl PostgresStore {
    /// Makes a store for the database that the place names. Connects to nothing yet.
    pub fn new(place: WorkspaceLocation, server: Option<ServerId>) -> Result<Self, Fault> {
        Ok(Self {
            address: DatabaseAddress::parse(place.database().unwrap_or_default())?,
            place,
            server,
            engine: OnceLock::new(),
            starting: Mutex::default(),
            kept: Mutex::default(),
            known: Mutex::default(),
            holds: Holds::default(),
            is_notifying: Arc::default(),
            has_lease: AtomicBool::new(false),
        })
    }

    fn engine(&self) -> Result<&Arc<Engine>, Fault> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.engine.get().is_none() {
            let _ = self.engine.set(Arc::new(Engine::start(self.address.clone())?));
        }
        self.engine.get().ok_or_else(Fault::bug)
    }

    /// Makes the tables, or brings them up to date.
    pub fn migrate(&self) -> Result<Migrated, Fault> {
        let engine = self.engine()?;
        engine.wait(async {
            let mut client = engine.own_connection().await.map_err(|failed| engine.fault(failed))?;
            migrate::migrate(&mut client).await.map_err(|failed| engine.fault(failed))
        })
    }

    /// What people are shown as the workspace.
    fn shown(&self) -> String {
        format!("{}?workspace={}", self.address.shown, self.address.workspace)
    }

    /// Returns what a call names that names `wanted`; where that is nothing, the workstream in which this process
    /// is at work.
    fn meant(&self, wanted: Option<&str>, end: Instant) -> Result<Option<String>, Error> {
        let (None, Some(own)) = (self.place.named(wanted), self.server) else { return Ok(wanted.map(str::to_owned)) };
        self.holds.only(|id| {
            let opened = self.open_one(Some(id), None, end)?;
            Ok(opened.is_some_and(|(_, opened)| opened.board().names(own)))
        })
    }

    /// Returns what a call means, and what it is called, if nobody else has written it since this process did. What
    /// is decided on it is written only if it still is as it is known.
    fn meant_and_known(&self, wanted: Option<&str>) -> Option<(Option<String>, Opened)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = |named: Option<String>| {
            let opened = known.opened.get(known.keys.get(&named)?)?.clone();
            Some((named, opened))
        };
        let named = self.place.named(wanted);
        let (None, Some(own)) = (&named, self.server) else { return opened(named) };
        match self.holds.noted().as_slice() {
            [] => opened(None),
            [one] => opened(Some(one.clone())).filter(|(_, opened)| opened.board().names(own)),
            // Whoever takes the lock looks at each.
            _ => None,
        }
    }

    /// Reads the workstream, and locks it if it is to be written, waiting so long for others. The connection holds the
    /// transaction then.
    fn open(
        &self,
        wanted: Option<&str>,
        lock: Option<Duration>,
        end: Instant,
    ) -> Result<(Option<Claimed>, Opened), Error> {
        let named = self.place.named(wanted);
        // Asked before anything is locked.
        let in_shell = name(self.place.shell_workstream.as_deref()).map(|_| self.selected_in_shell());
        if let Some((client, mut opened)) = self.open_one(named.as_deref(), lock, end)? {
            opened.is_default = match (in_shell, &opened.current) {
                (Some(selected), _) => selected.as_ref() == Some(&opened.workstream),
                (None, Some(current)) => *current == opened.workstream,
                (None, None) => opened.is_only,
            };
            return Ok((client, opened));
        }
        // By its name, or there is none: then the refusal names those there are.
        let (index, known) = self.catalogue()?;
        let selected = self.place.select(wanted, &index, &known)?;
        match self.open_one(Some(&selected.workstream), lock, end)? {
            Some((client, mut opened)) => {
                opened.is_default = selected.is_default;
                Ok((client, opened))
            }
            None => Err(Refusal::UnknownWorkstream { given: selected.workstream, known }.into()),
        }
    }

    /// The same, of the workstream with this id, else of the current one; `None` where there is none.
    fn open_one(
        &self,
        id: Option<&str>,
        lock: Option<Duration>,
        end: Instant,
    ) -> Result<Option<(Option<Claimed>, Opened)>, Fault> {
        let engine = self.engine()?;
        engine.ask_until(end, async |client: Object| {
            let client = Claimed::new(client);
            let grace = engine.contact().grace();
            let opened = rows::open(&client, &self.address.workspace, id, lock, grace, &self.kept).await?;
            if lock.is_some() && opened.is_some() {
                return Ok(opened.map(|opened| (Some(client), opened)));
            }
            if lock.is_some() {
                client.batch_execute("ROLLBACK").await?;
            }
            client.release();
            Ok(opened.map(|opened| (None, opened)))
        })
    }

    /// Returns the workstream that a bare command means in the person's shell.
    fn selected_in_shell(&self) -> Option<String> {
        let (index, known) = self.catalogue().ok()?;
        let wanted = self.place.shell_workstream.as_deref();
        self.place.select(wanted, &index, &known).ok().map(|selected| selected.workstream)
    }

    fn snapshot(&self, opened: &Opened) -> Result<Snapshot, Error> {
        let mut alive = opened.alive.clone();
        alive.extend(self.server);
        let roster = rows::roster(opened, &self.shown())?;
        Ok(Snapshot {
            workspace: self.shown(),
            worktree: None,
            workstream: opened.workstream.clone(),
            is_default: opened.is_default,
            index: Arc::clone(&opened.index),
            plan: Arc::clone(&opened.kept.plan),
            approved: opened.kept.approved().map(Arc::clone),
            is_kept: true,
            roster,
            state_warnings: opened.kept.threads.threads.warnings.clone(),
            threads: Arc::clone(&opened.kept.threads),
            alive,
            unseen: BTreeMap::new(),
            now: Some(opened.now),
        })
    }

    /// Keeps what is known of a workstream after a commit. It can be decided on without a lock, if nobody else has
    /// written it in between: two processes that write in turn would only overtake each other.
    fn learn(&self, locked: &OpenedRows<'_>, change: RowChanges, written: &Result<i64, Fault>, own: Option<ServerId>) {
        let key = locked.opened.key;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.opened.remove(&key);
        let Ok(revision) = written else { return };
        let is_known = change.is_next(*revision) && !change.changes_index() && !locked.opened.is_news;
        let kept = Arc::new(change.into_kept(&locked.opened, *revision));
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&kept));
        if !is_known {
            return;
        }
        if known.keys.len() >= MAX_KEPT {
            *known = Optimistic::default();
        }
        let mut opened = locked.opened.clone();
        opened.kept = kept;
        opened.alive.extend(own);
        known.keys.insert(locked.named.clone(), key);
        // It is called by its id, too, once this process is at work in it.
        known.keys.insert(Some(opened.workstream.clone()), key);
        known.opened.insert(key, opened);
    }

    fn no_workspace(&self) -> Fault {
        Fault::Database {
            database: self.address.shown.clone(),
            why: format!("it has no workspace {:?}", self.address.workspace),
            remedy: DatabaseRemedy::MakeWorkspace,
        }
    }

    fn catalogue(&self) -> Result<(Index, Vec<String>), Error> {
        let engine = self.engine()?;
        let catalogue = engine.ask(async |client: Object| rows::catalogue(&**client, &self.address.workspace).await)?;
        catalogue.ok_or_else(|| self.no_workspace().into())
    }

    /// Returns who writes, as the program says.
    fn actor(&self) -> String {
        match self.server {
            Some(server) => format!("server {server}"),
            None => crate::person::name(),
        }
    }

    /// Tells all hosts that something has changed.
    fn tell_others(&self, engine: &Arc<Engine>) {
        if self.server.is_some() {
            self.notify(engine);
        } else {
            // The command line ends before that, so it waits, for at most a second.
            let _ = engine.wait(async { tokio::time::timeout(Duration::from_secs(1), watch::tell(engine)).await });
        }
    }

    /// Begins to write what this process knows, if nobody else has written it since.
    fn known(&self, wanted: Option<&str>) -> Option<Box<dyn Locked + '_>> {
        let (named, mut opened) = self.meant_and_known(wanted)?;
        opened.come_to_now();
        let (engine, snapshot) = (Arc::clone(self.engine().ok()?), self.snapshot(&opened).ok()?);
        Some(Box::new(OpenedRows { store: self, engine, named, client: None, end: end(), opened, snapshot }))
    }

    /// Tells the listeners on all hosts, in a moment and without anybody waiting for it: inside of the commit it
    /// would make all commits of the database wait for each other.
    fn notify(&self, engine: &Arc<Engine>) {
        if self.is_notifying.swap(true, Ordering::AcqRel) {
            return;
        }
        let (engine, flag) = (Arc::clone(engine), Arc::clone(&self.is_notifying));
        let handle = engine.handle.clone();
        handle.spawn(async move {
            tokio::time::sleep(NOTIFY_AFTER).await;
            flag.store(false, Ordering::Release);
            watch::tell(&engine).await;
        });
    }
}

impl Store for PostgresStore {
    fn read(&self, wanted: Option<&str>) -> Result<Snapshot, Error> {
        let end = end();
        let (_client, opened) = self.open(self.meant(wanted, end)?.as_deref(), None, end)?;
        self.snapshot(&opened)
    }

    fn begin(
        &self,
        wanted: Option<&str>,
        wait: Duration,
        concurrency: Concurrency,
    ) -> Result<Box<dyn Locked + '_>, Error> {
        if concurrency == Concurrency::Optimistic
            && let Some(known) = self.known(wanted)
        {
            return Ok(known);
        }
        // Who has no time left is given enough for one answer.
        let end = Instant::now() + wait.clamp(LEAST_WAIT, ANSWER_TIMEOUT);
        let engine = Arc::clone(self.engine()?);
        let meant = self.meant(wanted, end)?;
        let (client, opened) = self.open(meant.as_deref(), Some(wait), end)?;
        let snapshot = self.snapshot(&opened)?;
        Ok(Box::new(OpenedRows {
            store: self,
            engine,
            named: self.place.named(meant.as_deref()),
            client,
            end,
            opened,
            snapshot,
        }))
    }

    fn lock_scope(&self) -> LockScope {
        LockScope::Workstream
    }

    fn list(&self) -> Result<Listed, Error> {
        let (index, known) = self.catalogue()?;
        let meant = self.meant(None, end()).ok();
        let selected = meant.and_then(|meant| self.place.select(meant.as_deref(), &index, &known).ok());
        let current = selected.map(|selected| selected.workstream);
        Ok(Listed { workstreams: known, current })
    }

    fn selected(&self, wanted: Option<&str>) -> Result<String, Error> {
        let (index, known) = self.catalogue()?;
        let meant = self.meant(wanted, end())?;
        Ok(self.place.select(meant.as_deref(), &index, &known)?.workstream)
    }

    fn watch(&self, tell: Box<dyn Fn() + Send + Sync>) -> Result<Box<dyn Watch>, Error> {
        Ok(Box::new(watch::watch(self.engine()?, tell)))
    }

    fn add(&self, new: &NewWorkstream<'_>, at: Moment) -> Result<Added, Error> {
        let added = create::add(self, new, at);
        if let (Ok(_), Some(engine)) = (&added, self.engine.get()) {
            self.tell_others(engine);
        }
        added
    }

    fn end(&self) {
        if let (Some(engine), Some(server), true) =
            (self.engine.get(), self.server, self.has_lease.load(Ordering::Acquire))
        {
            lease::give_back(engine, server);
        }
    }
}

impl Locked for OpenedRows<'_> {
    fn concurrency(&self) -> Concurrency {
        if self.client.is_some() { Concurrency::Locked } else { Concurrency::Optimistic }
    }

    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn see(&mut self, board: &Board) {
        self.snapshot.see(board);
    }

    fn commit(mut self: Box<Self>, ledger: &Ledger) -> Result<(), Fault> {
        let (store, engine) = (self.store, Arc::clone(&self.engine));
        let own = store.server.filter(|server| ledger.board().names(*server));
        let client = self.client.take();
        let writer = Writer {
            actor: store.actor(),
            announces: own.filter(|server| !self.opened.alive.contains(server)),
            has_lock: client.is_some(),
            shown: store.shown(),
        };
        let change = RowChanges::of(&self.opened, ledger, &writer)?;
        let written = engine.wait(change.commit(&engine, client, self.end));
        store.learn(&self, change, &written, own);
        written?;
        if own.is_some() {
            store.holds.note(&self.opened.workstream);
        }
        if let Some(server) = own
            && !store.has_lease.swap(true, Ordering::AcqRel)
        {
            lease::keep(&engine, server);
        }
        store.tell_others(&engine);
        Ok(())
    }

    fn write_plan(mut self: Box<Self>, text: &str) -> Result<(), Fault> {
        let engine = Arc::clone(&self.engine);
        let Some(client) = self.client.take() else { return Err(engine.overtaken()) };
        let key = self.opened.key;
        let written = engine.wait(async { change::write_plan(&client, key, text, &self.store.actor()).await });
        written.map_err(|failed| engine.fault(failed))?;
        client.release();
        self.store.tell_others(&engine);
        Ok(())
    }

    fn write_down(self: Box<Self>, _at: Moment) -> Result<(), Fault> {
        // Rows are all that a database reads.
        Ok(())
    }
}

impl Drop for OpenedRows<'_> {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let ended = self
            .engine
            .wait(async { tokio::time::timeout(Duration::from_secs(1), client.batch_execute("ROLLBACK")).await });
        if matches!(ended, Ok(Ok(()))) {
            client.release();
        }
    }
}
