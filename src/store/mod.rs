//! The stores: where the state of a workspace is kept.
//!
//! [`Store`] is the interface. It means the same for both backends: [`FileStore`], the files of one machine
//! (DESIGN §3), and `PostgresStore`, a database that a team on several machines shares (DESIGN §10).
//!
//! Reading takes no lock. A decision is written through [`Store::begin`], which returns a [`PendingWrite`]. The [`PendingWrite`]
//! owns a snapshot that was read under the lock, and committing consumes it. So no caller can write a decision that was
//! made on an older read. With [`Concurrency::Optimistic`] there is no lock; there the commit itself detects the
//! conflict.
//!
//! A store knows no rule of the execution. It must never judge what it reads or writes: the rules are in
//! [`crate::decide`], and the formats of files and rows are in `crate::format`.

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
pub use files::{
    FileStore, Folder, Initialised, Linked, MAX_STATE_BYTES, Project, linked_worktree, lone_worktree, run_folders,
    work_root, worktrees,
};
pub use place::{ClientRoots, WorkspaceLocation};
#[cfg(feature = "postgres")]
pub use postgres::{Migrated, PostgresStore, Pruned};
#[cfg(all(test, feature = "postgres"))]
pub(crate) use postgres::{execute, postgres_for_tests};
pub use snapshot::Snapshot;

use std::fmt::Debug;
use std::time::Duration;

use serde::Serialize;

use crate::board::{Board, Introduction, ServerId};
use crate::decide::{Ledger, Refusal};
use crate::document::Recorded;
#[cfg(not(feature = "postgres"))]
use crate::fault::DatabaseRemedy;
use crate::fault::{Error, Fault};
use crate::index::{Index, name_of, renamed_id, slug};
use crate::moment::Moment;
use crate::plan::BatchId;

/// How long a call waits for other writers before it fails as [`Fault::Busy`].
pub const LOCK_WAIT: Duration = Duration::from_secs(10);

/// A workspace in one of the backends. Any number of processes may use it at once.
pub trait Store: Debug + Send + Sync {
    /// Reads the workstream as it is now. The first of these is meant (DESIGN §3): the one that `wanted` gives by id or
    /// name; the one of `--workstream` or `WORK_STREAM`; the one in which this process holds a cycle or runs an
    /// attempt; the current one; the only one.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownWorkstream`], [`Refusal::WorksInSeveral`] or [`Refusal::NoCurrentWorkstream`] if that gives no
    /// workstream or several; a [`Fault`] if something of it cannot be read.
    fn read(&self, wanted: Option<&str>) -> Result<Snapshot, Error>;

    /// Reads the workstream without waiting, even while this process holds the lock. The result can contain half of a
    /// commit that is under way, so it must not be the basis of a write.
    fn glance(&self, wanted: Option<&str>) -> Result<Snapshot, Error> {
        self.read(wanted)
    }

    /// Begins a write: takes the right to change the workstream and reads it as it is now. Waits at most `wait` for
    /// other writers, then fails as [`Fault::Busy`]. `wanted` and the other errors are those of [`Store::read`].
    fn begin(
        &self,
        wanted: Option<&str>,
        wait: Duration,
        concurrency: Concurrency,
    ) -> Result<Box<dyn PendingWrite + '_>, Error>;

    /// Begins a write under the lock. Waits at most [`LOCK_WAIT`] for other writers.
    fn lock(&self, wanted: Option<&str>) -> Result<Box<dyn PendingWrite + '_>, Error> {
        self.begin(wanted, LOCK_WAIT, Concurrency::Locked)
    }

    /// Returns what the lock of one commit covers.
    fn lock_scope(&self) -> LockScope;

    /// Returns the ids of the workstreams, and which of them is the current one.
    fn list(&self) -> Result<Listed, Error>;

    /// Returns the id of the workstream that [`Store::read`] reads. Its plan and its board need not be readable.
    fn selected(&self, wanted: Option<&str>) -> Result<String, Error>;

    /// Returns all that was recorded of the workstream, the oldest first. `None`: this store records no events.
    fn events(&self, _wanted: Option<&str>) -> Result<Option<Vec<Recorded>>, Error> {
        Ok(None)
    }

    /// Adds a workstream as a draft, all of it or nothing. It becomes the current one unless a batch of the current one
    /// is executed.
    ///
    /// # Errors
    ///
    /// [`Refusal::AlreadyExists`] if a workstream has the name, [`Refusal::BadName`] if the name can name no folder.
    fn add(&self, new: &NewWorkstream<'_>, at: Moment) -> Result<Added, Error>;

    /// Starts to watch the workspace. The watch calls `tell` from another thread whenever something may have changed,
    /// sometimes several times for one change. [`Watch::follow`] chooses the workstream.
    fn watch(&self, tell: Box<dyn Fn() + Send + Sync>) -> Result<Box<dyn Watch>, Error>;

    /// Keeps who the server process of this store is. People are shown it once the process holds something. Only the
    /// first introduction counts.
    fn introduce(&self, introduction: Introduction);

    /// Removes the signs that this process is alive (DESIGN §6a), so that other servers can take over at once what it
    /// holds.
    fn end(&self);
}

/// How a write deals with other writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// Optimistic concurrency. A store may decide on the state that this process knows and lock nothing. The commit
    /// then fails as [`Fault::Overtaken`] if that state has changed since, and writes nothing. A store for which the
    /// lock is the cheaper way takes it all the same.
    Optimistic,
    /// Other writers wait until the write is committed or dropped.
    Locked,
}

/// What the lock of a store covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockScope {
    /// The whole workspace: commits of all its workstreams wait for each other.
    Workspace,
    /// One workstream: commits of different workstreams do not wait for each other.
    Workstream,
}

/// A write that has begun. Until it is committed or dropped, no other process can change the workstream. With
/// [`Concurrency::Optimistic`] others can, and the commit detects it.
pub trait PendingWrite {
    /// Returns how this write deals with other writers. It can be stricter than [`Store::begin`] was asked to be.
    fn concurrency(&self) -> Concurrency;

    /// Returns the workstream as it was read when the write began.
    fn snapshot(&self) -> &Snapshot;

    /// Prepares the snapshot for the next decision of the same commit. `board` is the board that the decisions so far
    /// leave.
    fn see(&mut self, board: &Board);

    /// Writes what the ledger holds, all of it or nothing. The change is durable when this returns.
    fn commit(self: Box<Self>, ledger: &Ledger) -> Result<(), Fault>;

    /// Replaces the text of PLAN.md. The change is durable when this returns.
    fn write_plan(self: Box<Self>, text: &str) -> Result<(), Fault>;

    /// Gives the workstream another name, and the id that follows from it. Returns the id. The change is durable when
    /// this returns.
    ///
    /// # Errors
    ///
    /// [`Refusal::AlreadyExists`] if another workstream has the name, [`Refusal::BadName`] if it can name no folder.
    fn rename(self: Box<Self>, name: &str, at: Moment) -> Result<String, Error>;

    /// Deletes the workstream with all its records. The change is durable when this returns.
    fn delete(self: Box<Self>, at: Moment) -> Result<(), Fault>;

    /// Writes to the store's own records what the snapshot read from an older format ([`Snapshot::from_tasks`]). Does
    /// nothing if there is no such state. The change is durable when this returns.
    fn write_down(self: Box<Self>, at: Moment) -> Result<(), Fault>;
}

/// A watch on a workspace. Dropping it ends the watch.
pub trait Watch: Debug + Send {
    /// Starts to watch what exists by now of the workspace and of `workstream`. Returns whether the watch covers
    /// something new. Then an earlier change of that may have gone unnoticed, and the caller should read again.
    fn follow(&mut self, workstream: Option<&str>) -> Result<bool, Fault>;
}

/// Opens the workspace at a location. Touches no file and opens no connection.
pub fn open(place: WorkspaceLocation, server: Option<ServerId>) -> Result<Box<dyn Store>, Fault> {
    match place.database() {
        #[cfg(feature = "postgres")]
        Some(_) => Ok(Box::new(PostgresStore::new(place, server)?)),
        #[cfg(not(feature = "postgres"))]
        Some(url) => Err(Fault::Database {
            // Only the scheme is shown: the rest of the URL can hold a password.
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
    /// The ids of the workstreams that have a plan: first in the order of index.json, then those without an entry, by
    /// name.
    pub workstreams: Vec<String>,
    /// The workstream that a call means when it names none. `None`: there is none, or it is unclear.
    pub current: Option<String>,
    /// Those of `workstreams` that a person has put away.
    pub archived: Vec<String>,
}

/// A workstream to add.
#[derive(Debug, Clone, Copy)]
pub struct NewWorkstream<'a> {
    /// Its name. [`Store::add`] derives the id from it.
    pub name: &'a str,
    /// The text of its PLAN.md.
    pub plan: &'a str,
    /// The text of its threads.json. [`Store::add`] sets its `stream_id`. `None`: nothing has happened to its threads.
    pub threads: Option<&'a str>,
}

/// A workstream that was added.
#[derive(Debug)]
pub struct Added {
    /// Its id.
    pub id: String,
    /// The workstream that stays the current one, since a batch of it is executed. `None`: the new one is current.
    pub executed: Option<Executed>,
}

/// The current workstream, if a batch of it is executed. It stays the current one: the calls of its planner and workers
/// may name no workstream, and have to reach it.
#[derive(Debug, Clone, Serialize)]
pub struct Executed {
    /// Its id.
    pub workstream: String,
    /// The batch that is executed.
    pub batch: BatchId,
}

impl Executed {
    /// Returns the workstream of the snapshot if a batch of it is executed.
    fn of(snapshot: &Snapshot) -> Option<Self> {
        let batch = snapshot.scene().executed_batch(snapshot.board())?;
        Some(Self { workstream: snapshot.workstream.clone(), batch })
    }
}

/// Returns the id and the name that the workstream `id` gets by another name. `known` are the ids that exist.
fn another_id(id: &str, name: &str, known: &[String]) -> Result<(String, String), Refusal> {
    let slug = slug(name).ok_or_else(|| Refusal::BadName { name: name.chars().take(60).collect() })?;
    let new = renamed_id(id, &slug);
    if let Some(other) = known.iter().find(|other| *other != id && (name_of(other) == slug || **other == new)) {
        return Err(Refusal::AlreadyExists { workstream: other.clone() });
    }
    Ok((new, slug))
}

/// Returns the id of a new workstream: a number and the slug of its name.
///
/// `known` are the ids that exist, `folders` the names of all folders in `work/`. `is_left_over` tells whether a folder
/// holds nothing of a workstream, so that an entry whose plan was never written can be used again.
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
