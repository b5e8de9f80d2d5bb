//! The only room with a disk: the files of DESIGN §3, read as they are now and written whole.
//!
//! Reading takes no lock. Writing does, and there is no way around it: [`Store::lock`] gives a
//! [`Locked`], which owns the fresh read, and committing consumes it.
//!
//! How files are written is `commit`; what is asked of the file system is `disk`, which tests replace.
//!
//! Nothing here knows a rule. The files' formats are the three `*_json`/`*_yaml` modules; what they
//! do not know they keep, in its place.

mod agents_yaml;
mod cache;
mod commit;
#[cfg(test)]
mod contract_tests;
mod create;
pub(crate) mod disk;
mod file;
mod fix_plan;
mod holds;
mod import;
mod index_json;
mod json;
mod liveness;
mod lock;
mod opencode_files;
#[cfg(feature = "postgres")]
mod postgres;
mod snapshot;
mod tasks_json;
mod threads_json;
mod watch;
mod workspace;
mod worktree;

pub use create::{Created, Executed, Initialised};
pub use file::FileStore;
pub use fix_plan::FixedPlan;
pub use import::Imported;
pub use opencode_files::{Changed, SetUp};
#[cfg(feature = "postgres")]
pub use postgres::{Migrated, Moved, PostgresStore, Push};
#[cfg(all(test, feature = "postgres"))]
pub(crate) use postgres::{execute, postgres_for_tests};
pub use snapshot::{MAX_STATE_BYTES, Snapshot};
pub use workspace::Place;
pub use worktree::Linked;

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use self::commit::{create_folders, replace};
use self::disk::Disk;
use crate::board::{Board, ServerId};
use crate::decide::Ledger;
use crate::fault::{Fault, Stopped};

/// How long a call waits for others to write before it is told that the workspace is busy.
pub const LOCK_WAIT: Duration = Duration::from_secs(10);

/// A workspace, wherever it is kept. Any number of processes may use it at once.
pub trait Store: Debug + Send + Sync {
    /// Reads the workstream as it is now: the one that is `wanted` by id or name; else the one in which this process
    /// holds a cycle or runs an attempt, a refusal where there are several; else the default.
    fn read(&self, wanted: Option<&str>) -> Result<Snapshot, Stopped>;

    /// Reads it without waiting for anybody, also while this process holds the lock: what it returns can be half of a
    /// decision.
    fn glance(&self, wanted: Option<&str>) -> Result<Snapshot, Stopped> {
        self.read(wanted)
    }

    /// Takes the right to write, and reads the workstream as it is then. Who else writes is waited for no
    /// longer than `wait`.
    fn lock_within(&self, wanted: Option<&str>, wait: Duration) -> Result<Box<dyn Locked + '_>, Stopped>;

    /// The same, and waits as long as a call may.
    fn lock(&self, wanted: Option<&str>) -> Result<Box<dyn Locked + '_>, Stopped> {
        self.lock_within(wanted, LOCK_WAIT)
    }

    /// Returns the workstream as this process knows it, if it can be decided on without a lock: a commit is
    /// [`Fault::Overtaken`] where anything of it is not so any more.
    fn known(&self, _wanted: Option<&str>) -> Option<Box<dyn Locked + '_>> {
        None
    }

    /// Returns the workstreams of the workspace.
    fn list(&self) -> Result<Listed, Stopped>;

    /// Returns the id of the workstream that [`Store::read`] reads, also if what it holds cannot be read.
    fn selected(&self, wanted: Option<&str>) -> Result<String, Stopped>;

    /// Starts to follow the workspace; `tell` is called from another thread whenever something may have
    /// changed, also several times for one change. [`Watch::follow`] says which workstream.
    fn watch(&self, tell: Box<dyn Fn() + Send + Sync>) -> Result<Box<dyn Watch>, Stopped>;

    /// Returns whether it answers so fast that nothing else needs to go on meanwhile.
    fn is_near(&self) -> bool {
        true
    }

    /// Says that this process ends: what it holds can be taken over at once.
    fn end(&self) {}
}

/// A workstream that nobody else can change until this is dropped or committed; or, as [`Store::known`] has it,
/// whose change would be noticed.
pub trait Locked {
    /// Returns the workstream as it is.
    fn snapshot(&self) -> &Snapshot;

    /// Lets the next decision see a board that will be committed.
    fn see(&mut self, board: &Board);

    /// Writes what the ledger holds, all of it or nothing. When this returns, it is durable.
    fn commit(self: Box<Self>, ledger: &Ledger) -> Result<(), Fault>;
}

/// Follows a workspace until it is dropped.
pub trait Watch: Debug + Send {
    /// Follows what there is to follow by now of a workstream. Returns whether there was something new; what
    /// was read before can have changed unnoticed.
    fn follow(&mut self, workstream: Option<&str>) -> Result<bool, Fault>;
}

/// Opens the workspace at a place. Touches no file and connects to nothing yet.
pub fn open(place: Place, server: Option<ServerId>) -> Result<Box<dyn Store>, Fault> {
    match place.database() {
        #[cfg(feature = "postgres")]
        Some(_) => Ok(Box::new(PostgresStore::new(place, server)?)),
        #[cfg(not(feature = "postgres"))]
        Some(_) => Err(Fault::Database {
            database: "--store".to_owned(),
            why: "this build of work knows no databases".to_owned(),
            hint: "install one with the feature postgres",
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
    /// Folders that `work import` can make workstreams of, from the workspace on.
    pub importable: Vec<String>,
}

/// Writes a file of the project as a whole, in folders that are made where they are missing. Where a link
/// stands, what it points to is written, as long as it stands in the project too.
fn write_whole(disk: &dyn Disk, root: &Path, name: &str, text: &str) -> Result<(), Fault> {
    let path = root.join(name);
    // What there is of the path already says where it leads.
    let there = path.ancestors().find_map(|part| part.canonicalize().ok());
    let leads_out = there.zip(root.canonicalize().ok()).is_some_and(|(there, root)| !there.starts_with(root));
    if leads_out {
        let why = "a symbolic link leads out of the project; only what stands in it is written".to_owned();
        return Err(Fault::StateUnreadable { path, at: None, why });
    }
    create_folders(disk, path.parent().unwrap_or(root))?;
    replace(disk, root, &path.canonicalize().unwrap_or(path), text.as_bytes())
}

/// A file that was read but holds something that must not be written over, such as a key twice. The
/// place in the message can be that in a part of the file, so it is left out.
fn unwritable(path: &Path, error: &serde_json::Error) -> Fault {
    Fault::StateUnreadable { path: path.to_owned(), at: None, why: json::without_place(error) }
}
