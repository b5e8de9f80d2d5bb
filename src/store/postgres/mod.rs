//! The backend in PostgreSQL, for teams on several machines (DESIGN §10, docs/teams.md). Tools, rules and answers are
//! those of files.
//!
//! **Writing.** A call that writes locks the row of its workstream, in one short transaction. Calls of other
//! workstreams do not wait for it. A server process that was the last to write a workstream uses optimistic concurrency
//! instead: it decides on its own copy and sends one statement, which writes only if nothing has changed since
//! (`change`).
//!
//! **Reading.** A process keeps what it has read, by revision, and reads only the records that changed (`rows`).
//!
//! **Records.** A row holds the same text that the file would hold. So one reader and one writer (`crate::format`)
//! serve both backends, and keys that this program does not know are kept.
//!
//! The wall clock of a machine must never enter a lease or a decision: the clocks of a team's machines differ, so the
//! time is the database's.

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
mod put_away;
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
use self::failed::Failed;
#[cfg(test)]
pub(crate) use self::for_tests::{execute, postgres_for_tests};
pub use self::migrate::Migrated;
pub use self::prune::Pruned;
use self::rows::{CachedWorkstream, Opened};
use super::holds::Holds;
use super::place::{WorkspaceLocation, name};
use super::{Added, Concurrency, Listed, LockScope, NewWorkstream, PendingWrite, Snapshot, Store, Watch, another_id};
use crate::board::{Board, Introduction, ServerId};
use crate::decide::{Ledger, Refusal};
use crate::document::Recorded;
use crate::fault::{DatabaseRemedy, Error, Fault};
use crate::index::Index;
use crate::moment::Moment;

/// How many workstreams each of the two caches of a store holds. A cache that is full is emptied.
const MAX_KEPT: usize = 1_000;

/// The least time that a call may wait for the database, even if it has waited long before: enough for one answer.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// The pause before listeners are notified. All changes of this time share one notification.
const NOTIFY_AFTER: Duration = Duration::from_millis(50);

/// A workspace in a database. Any number of processes on any number of hosts may use it at once.
#[derive(Debug)]
pub struct PostgresStore {
    address: DatabaseAddress,
    place: WorkspaceLocation,
    /// The server process that this store writes for; `None` on the command line.
    server: Option<ServerId>,
    /// Started by the first call, so that a server without calls connects to nothing.
    engine: OnceLock<Arc<Engine>>,
    /// Held while the engine starts, so that two first calls start one engine.
    starting: Mutex<()>,
    /// The parse cache: the workstreams as they were read last, by `workstream_id`.
    kept: Mutex<HashMap<i64, Arc<CachedWorkstream>>>,
    /// The workstreams that this process was the last to write, as far as it knows.
    known: Mutex<Optimistic>,
    holds: Holds,
    /// Whether a notification of the listeners is already due, [`NOTIFY_AFTER`] after the first change.
    is_notifying: Arc<AtomicBool>,
    /// Whether this server process has a lease and renews it.
    has_lease: AtomicBool,
}

/// The workstreams on which this process can decide without a lock.
#[derive(Debug, Default)]
struct Optimistic {
    /// The `workstream_id`, by the name that a call gave; `None`: a call that named no workstream.
    keys: HashMap<Option<String>, i64>,
    /// The state after this process's last commit, by `workstream_id`.
    opened: HashMap<i64, Opened>,
}

/// A write that has begun: the [`PendingWrite`] of this backend.
struct OpenedRows<'s> {
    store: &'s PostgresStore,
    engine: Arc<Engine>,
    /// The name that the call gave the workstream; `None`: it gave none.
    named: Option<String>,
    /// The connection whose transaction has locked the row, until this is committed or dropped. `None`: nothing is
    /// locked, and the commit is optimistic.
    client: Option<Claimed>,
    /// The instant at which the call stops waiting for the database.
    end: Instant,
    opened: Opened,
    snapshot: Snapshot,
}

/// Returns the instant at which a call that begins now stops waiting for the database.
fn end() -> Instant {
    Instant::now() + ANSWER_TIMEOUT
}

impl PostgresStore {
    /// Makes a store for the database that the location names. Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// [`Fault::Database`] if the address cannot be read.
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

    /// Returns the engine, which the first call starts.
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

    /// Makes the tables, or brings them up to date. Returns the version before and after.
    pub fn migrate(&self) -> Result<Migrated, Fault> {
        let engine = self.engine()?;
        engine.wait(async {
            let mut client = engine.own_connection().await.map_err(|failed| engine.fault(failed))?;
            migrate::migrate(&mut client).await.map_err(|failed| engine.fault(failed))
        })
    }

    /// Returns the workspace in the form that people are shown: the address without user and password, and the name.
    fn shown(&self) -> String {
        format!("{}?workspace={}", self.address.shown, self.address.workspace)
    }

    /// Returns the name of the workstream that a call with `wanted` means. Without `wanted` that is the workstream in
    /// which this process holds a cycle or runs an attempt. `None`: the current one (DESIGN §3).
    fn meant(&self, wanted: Option<&str>, end: Instant) -> Result<Option<String>, Error> {
        let (None, Some(own)) = (self.place.named(wanted), self.server) else { return Ok(wanted.map(str::to_owned)) };
        self.holds.only(|id| {
            let opened = self.open_one(Some(id), None, end)?;
            Ok(opened.is_some_and(|(_, opened)| opened.board().names(own)))
        })
    }

    /// Returns the workstream that a call means, and the name that it gave, from this process's own copy. `None`: there
    /// is no copy, or the call has to look at several workstreams. The copy may be out of date; the commit checks it.
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
            // Several candidates have to be read to choose one. The way with the lock does that.
            _ => None,
        }
    }

    /// Reads the workstream that `wanted` means. With `lock` it also locks the row, and waits at most that long for
    /// other writers. Then the returned connection holds the open transaction; without `lock` there is none.
    ///
    /// # Errors
    ///
    /// [`Fault::Busy`] if the row is not free in time, the refusals of [`Store::read`], and faults of the database.
    fn open(
        &self,
        wanted: Option<&str>,
        lock: Option<Duration>,
        end: Instant,
    ) -> Result<(Option<Claimed>, Opened), Error> {
        let named = self.place.named(wanted);
        // Before the lock: this is a query on another connection, and others would wait for it.
        let in_shell = name(self.place.shell_workstream.as_deref()).map(|_| self.selected_in_shell());
        if let Some((client, mut opened)) = self.open_one(named.as_deref(), lock, end)? {
            opened.is_default = match (in_shell, &opened.current) {
                (Some(selected), _) => selected.as_ref() == Some(&opened.workstream),
                (None, Some(current)) => *current == opened.workstream,
                (None, None) => opened.is_only,
            };
            return Ok((client, opened));
        }
        // No workstream has this id. `wanted` can be its name; else the refusal lists the workstreams.
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

    /// Reads, and with `lock` locks, the workstream of this id; without an id the current one. `None`: there is no such
    /// workstream.
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
            // There is no such workstream. The transaction is still open.
            if lock.is_some() {
                client.batch_execute("ROLLBACK").await?;
            }
            client.release();
            Ok(opened.map(|opened| (None, opened)))
        })
    }

    /// Returns the workstream that a command without `--workstream` means in the person's shell.
    fn selected_in_shell(&self) -> Option<String> {
        let (index, known) = self.catalogue().ok()?;
        let wanted = self.place.shell_workstream.as_deref();
        self.place.select(wanted, &index, &known).ok().map(|selected| selected.workstream)
    }

    /// Returns what a decision may depend on. Fails if agents.yaml cannot be read.
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
            introductions: opened.introductions.clone(),
            now: Some(opened.now),
        })
    }

    /// Keeps the state that a commit has written, for the next read and for optimistic concurrency.
    ///
    /// The next call is optimistic only if no other process has written since this process read or wrote the workstream
    /// before. Two processes that write in turn would overtake each other each time, and decide twice for each commit.
    fn learn(&self, locked: &OpenedRows<'_>, change: RowChanges, written: &Result<i64, Fault>, own: Option<ServerId>) {
        let key = locked.opened.key;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.opened.remove(&key);
        // A fault can leave the commit undone or uncertain, so the next call reads.
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
        // A later call without a workstream looks it up by its id, since this process is at work in it now.
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

    /// Returns the index and the ids of all workstreams. Fails if there is no such workspace.
    fn catalogue(&self) -> Result<(Index, Vec<String>), Error> {
        let engine = self.engine()?;
        let catalogue = engine.ask(async |client: Object| rows::catalogue(&**client, &self.address.workspace).await)?;
        catalogue.ok_or_else(|| self.no_workspace().into())
    }

    /// Returns the writer's identity for the column `actor` of events: the server's id, or the person's name.
    fn actor(&self) -> String {
        match self.server {
            Some(server) => format!("server {server}"),
            None => crate::person::name(),
        }
    }

    /// Notifies the listeners on all hosts that something has changed.
    fn tell_others(&self, engine: &Arc<Engine>) {
        if self.server.is_some() {
            self.notify(engine);
        } else {
            // A command would end before a notification in the background is sent. So it waits, at most a second.
            let _ = engine.wait(async { tokio::time::timeout(Duration::from_secs(1), watch::tell(engine)).await });
        }
    }

    /// Begins an optimistic write on this process's own copy. `None`: there is no copy.
    fn known(&self, wanted: Option<&str>) -> Option<Box<dyn PendingWrite + '_>> {
        let (named, mut opened) = self.meant_and_known(wanted)?;
        opened.come_to_now();
        let (engine, snapshot) = (Arc::clone(self.engine().ok()?), self.snapshot(&opened).ok()?);
        Some(Box::new(OpenedRows { store: self, engine, named, client: None, end: end(), opened, snapshot }))
    }

    /// Notifies the listeners on all hosts after [`NOTIFY_AFTER`], without making the call wait.
    ///
    /// This is not a part of the commit: PostgreSQL takes a lock of the whole database for the commit of a transaction
    /// that has notified, so all commits would wait for each other.
    fn notify(&self, engine: &Arc<Engine>) {
        if self.is_notifying.swap(true, Ordering::AcqRel) {
            return;
        }
        let (engine, flag) = (Arc::clone(engine), Arc::clone(&self.is_notifying));
        let handle = engine.handle.clone();
        handle.spawn(async move {
            tokio::time::sleep(NOTIFY_AFTER).await;
            // Before the message: a change that comes while it is sent asks for another one.
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
    ) -> Result<Box<dyn PendingWrite + '_>, Error> {
        if concurrency == Concurrency::Optimistic
            && let Some(known) = self.known(wanted)
        {
            return Ok(known);
        }
        // A call that has used up its wait behind other calls still gets the time for one answer.
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
        let archived = known.iter().filter(|id| index.is_archived(id)).cloned().collect();
        Ok(Listed { workstreams: known, current, archived })
    }

    fn events(&self, wanted: Option<&str>) -> Result<Option<Vec<Recorded>>, Error> {
        let (id, name) = (self.selected(wanted)?, &self.address.workspace);
        Ok(Some(self.engine()?.ask(async |client: Object| rows::events(&**client, name, &id).await)?))
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

    // The database knows the address of a server, which is enough to find it.
    fn introduce(&self, _introduction: Introduction) {}

    fn end(&self) {
        if let (Some(engine), Some(server), true) =
            (self.engine.get(), self.server, self.has_lease.load(Ordering::Acquire))
        {
            lease::give_back(engine, server);
        }
    }
}

impl PendingWrite for OpenedRows<'_> {
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
        let actor = self.store.actor();
        let written = change::write_plan(&client, key, text, &actor);
        let written = engine.wait(async { tokio::time::timeout_at(self.end.into(), written).await });
        self.ended(&engine, client, written)
    }

    fn rename(mut self: Box<Self>, name: &str, at: Moment) -> Result<String, Error> {
        let engine = Arc::clone(&self.engine);
        let Some(client) = self.client.take() else { return Err(engine.overtaken().into()) };
        let (_, known) = self.store.catalogue()?;
        let (to, name) = another_id(&self.opened.workstream, name, &known)?;
        let renaming = put_away::Renaming::of(&self.opened, &to, &name, at)?;
        let actor = self.store.actor();
        let renamed = put_away::rename(&client, &self.opened, &renaming, &actor);
        let renamed = engine.wait(async { tokio::time::timeout_at(self.end.into(), renamed).await });
        self.ended(&engine, client, renamed)?;
        Ok(to)
    }

    fn delete(mut self: Box<Self>, _at: Moment) -> Result<(), Fault> {
        let engine = Arc::clone(&self.engine);
        let Some(client) = self.client.take() else { return Err(engine.overtaken()) };
        let actor = self.store.actor();
        let deleted = put_away::delete(&client, &self.opened, &actor);
        let deleted = engine.wait(async { tokio::time::timeout_at(self.end.into(), deleted).await });
        self.ended(&engine, client, deleted)
    }

    fn write_down(self: Box<Self>, _at: Moment) -> Result<(), Fault> {
        // Nothing to do: the state in a database is always in rows, never in an older format.
        Ok(())
    }
}

impl OpenedRows<'_> {
    /// Releases the connection after a write that has ended its transaction, and tells other processes of it.
    fn ended(
        &self,
        engine: &Arc<Engine>,
        client: Claimed,
        written: Result<Result<(), Failed>, tokio::time::error::Elapsed>,
    ) -> Result<(), Fault> {
        match written {
            Ok(Ok(())) => client.release(),
            // The database has refused it and has undone everything.
            Ok(Err(failed)) if failed.is_no() => return Err(engine.fault(failed)),
            // The connection broke, or nothing came back: it may have been committed.
            Ok(Err(_)) | Err(_) => return Err(Fault::Uncertain { database: engine.address.shown.clone() }),
        }
        self.store.tell_others(engine);
        Ok(())
    }
}

impl Drop for OpenedRows<'_> {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        // Frees the row. A connection that does not answer in time is closed instead of released, which frees it too.
        let ended = self
            .engine
            .wait(async { tokio::time::timeout(Duration::from_secs(1), client.batch_execute("ROLLBACK")).await });
        if matches!(ended, Ok(Ok(()))) {
            client.release();
        }
    }
}
