//! Where the state is kept. [`Store`] means the same for every backend: the files of one machine (DESIGN §3) and
//! PostgreSQL, which a team on several machines shares.
//!
//! Reading takes no lock. Writing does, and there is no way around it: [`Store::begin`] returns a [`Locked`], which
//! owns a fresh read, and committing consumes it.
//!
//! Nothing here knows a rule. What files and rows say is read and written by `crate::format`.

#[cfg(test)]
mod contract_tests;
#[cfg(feature = "postgres")]
mod copy;
pub(crate) mod files;
mod holds;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod snapshot;

#[cfg(feature = "postgres")]
pub use copy::{Copied, Overwrite, WorkspaceCopy};
pub use files::{FileStore, Folder, Initialised, Linked, MAX_STATE_BYTES, Project, linked_worktree, lone_worktree};
pub use place::WorkspaceLocation;
#[cfg(feature = "postgres")]
pub use postgres::{Migrated, PostgresStore};
#[cfg(all(test, feature = "postgres"))]
pub(crate) use postgres::{execute, postgres_for_tests};
pub use snapshot::Snapshot;

use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;

use crate::board::{Board, ServerId};
use crate::clock::Moment;
use crate::decide::{Ledger, Refusal};
#[cfg(not(feature = "postgres"))]
use crate::fault::DatabaseRemedy;
use crate::fault::{Error, Fault};
use crate::index::{Index, name_of, slug};
use crate::plan::BatchId;

/// How long a call waits for other writers before it is told that the workspace is busy.
pub const LOCK_WAIT: Duration = Duration::from_secs(10);

/// A workspace, wherever it is kept. Any number of processes may use it at once.
pub trait Store: Debug + Send + Sync {
    /// Reads the workstream as it is now: the one that is `wanted` by id or name; else the one in which this process
    /// holds a cycle or runs an attempt, a refusal where there are several; else the default.
    fn read(&self, wanted: Option<&str>) -> Result<Snapshot, Error>;

    /// Reads it without waiting for anybody, also while this process holds the lock: what it returns can be half of a
    /// decision.
    fn glance(&self, wanted: Option<&str>) -> Result<Snapshot, Error> {
        self.read(wanted)
    }

    /// Begins to write: reads the workstream as it is now, and holds the right to change it. Waits at most `wait` for
    /// other writers.
    fn begin(
        &self,
        wanted: Option<&str>,
        wait: Duration,
        concurrency: Concurrency,
    ) -> Result<Box<dyn Locked + '_>, Error>;

    /// Begins to write under the lock, and waits for other writers as long as a call may.
    fn lock(&self, wanted: Option<&str>) -> Result<Box<dyn Locked + '_>, Error> {
        self.begin(wanted, LOCK_WAIT, Concurrency::Locked)
    }

    /// Returns what one commit keeps other writers from.
    fn lock_scope(&self) -> LockScope;

    /// Returns the workstreams of the workspace.
    fn list(&self) -> Result<Listed, Error>;

    /// Returns the id of the workstream that [`Store::read`] reads, also if what it holds cannot be read.
    fn selected(&self, wanted: Option<&str>) -> Result<String, Error>;

    /// Adds a workstream as a draft. It becomes the current one unless a batch of the current one is executed.
    ///
    /// # Errors
    ///
    /// [`Refusal::AlreadyExists`] where a workstream has the name, [`Refusal::BadName`] where it can name no folder.
    fn add(&self, new: &NewWorkstream<'_>, at: Moment) -> Result<Added, Error>;

    /// Starts to follow the workspace. `tell` is called from another thread whenever something may have changed, also
    /// several times for one change. [`Watch::follow`] says which workstream.
    fn watch(&self, tell: Box<dyn Fn() + Send + Sync>) -> Result<Box<dyn Watch>, Error>;

    /// Says that this process ends: what it holds can be taken over at once.
    fn end(&self);
}

/// How a write keeps out of the way of other writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// Optimistic concurrency: a store may begin on what this process knows and lock nothing. A commit then is
    /// [`Fault::Overtaken`] where anything of that is not so any more.
    Optimistic,
    /// Nobody else writes until the write is committed or dropped.
    Locked,
}

/// What the lock of a store covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockScope {
    /// All of the workspace: commits of its workstreams wait for each other.
    Workspace,
    /// One workstream: commits of different ones go on side by side.
    Workstream,
}

/// A workstream that nobody else can change until this is dropped or committed; or, with
/// [`Concurrency::Optimistic`], whose change would be noticed.
pub trait Locked {
    /// Returns how it keeps out of the way of others: not always as it was asked for.
    fn concurrency(&self) -> Concurrency;

    /// Returns the workstream as it is.
    fn snapshot(&self) -> &Snapshot;

    /// Lets the next decision see a board that will be committed.
    fn see(&mut self, board: &Board);

    /// Writes what the ledger holds, all of it or nothing. When this returns, it is durable.
    fn commit(self: Box<Self>, ledger: &Ledger) -> Result<(), Fault>;

    /// Replaces the text of the plan. When this returns, it is durable.
    fn write_plan(self: Box<Self>, text: &str) -> Result<(), Fault>;

    /// Writes down what the snapshot has from elsewhere than the store's own records ([`Snapshot::from_tasks`]); where
    /// there is nothing, it does nothing.
    fn write_down(self: Box<Self>, at: Moment) -> Result<(), Fault>;
}

/// Follows a workspace until it is dropped.
pub trait Watch: Debug + Send {
    /// Follows what there is to follow by now of a workstream. Returns whether there was something new; what
    /// was read before can have changed unnoticed.
    fn follow(&mut self, workstream: Option<&str>) -> Result<bool, Fault>;
}

/// Opens the workspace at a place. Touches no file and connects to nothing yet.
pub fn open(place: WorkspaceLocation, server: Option<ServerId>) -> Result<Box<dyn Store>, Fault> {
    match place.database() {
        #[cfg(feature = "postgres")]
        Some(_) => Ok(Box::new(PostgresStore::new(place, server)?)),
        #[cfg(not(feature = "postgres"))]
        Some(url) => Err(Fault::Database {
            // It can hold a password.
            database: url.split("://").next().unwrap_or_default().to_owned(),
            why: "this build of work knows no databases".to_owned(),
            remedy: DatabaseRemedy::InstallWithPostgres,
        }),
        None => Ok(Box::new(FileStore::new(place, server))),
    }
}

/// The workstreams of a workspace.
#[derive(Debug)]
pub struct Listed {
    /// The ids of those that have a plan, in the order of the index; then those that it lacks, by name.
    pub workstreams: Vec<String>,
    /// The one that is meant when nobody names one.
    pub current: Option<String>,
}

/// A workstream to add.
#[derive(Debug, Clone, Copy)]
pub struct NewWorkstream<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The text of its PLAN.md.
    pub plan: &'a str,
    /// The text of its threads.json, whose `stream_id` is not known yet; `None`: nothing has happened to its threads.
    pub threads: Option<&'a str>,
}

/// A workstream that was added.
#[derive(Debug)]
pub struct Added {
    /// Its id.
    pub id: String,
    /// The one that stays the current one; `None`: the new one is.
    pub executed: Option<Executed>,
}

/// A workstream that stays the current one, as a batch of it is executed: what names none must go on to mean it.
#[derive(Debug, Clone, Serialize)]
pub struct Executed {
    /// Its id.
    pub workstream: String,
    /// The batch.
    pub batch: BatchId,
}

impl Executed {
    /// Returns the workstream if a batch of it is executed.
    fn of(snapshot: &Snapshot) -> Option<Self> {
        let batch = snapshot.scene().executed_batch(snapshot.board())?;
        Some(Self { workstream: snapshot.workstream.clone(), batch })
    }
}

/// Returns the id that a new workstream gets, among the `known` ones and the folders that there are.
fn new_id(
    name: &str,
    index: &Index,
    known: &[String],
    folders: &[String],
    is_left_over: impl Fn(&str) -> bool,
) -> Result<String, Refusal> {
    let slug = slug(name).ok_or_else(|| Refusal::BadName { name: name.chars().take(60).collect() })?;
    if let Some(workstream) = known.iter().find(|id| name_of(id) == slug) {
        return Err(Refusal::AlreadyExists { workstream: workstream.clone() });
    }
    Ok(index.new_id(&slug, folders, is_left_over))
}
