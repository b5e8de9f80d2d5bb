//! Use-cases of the command line that are more than one decision: set a project up, create or import a workstream, fix
//! a plan, copy a workspace between files and a database, merge files of the state for git. Each is a function over a
//! [`Store`](crate::store::Store) or over the project's files.
//!
//! A use-case must never write a file of the state by itself, but only through the store. It prints nothing.

mod bundles;
mod checks;
mod create;
mod edit;
mod git;
mod git_set_up;
mod import;
mod init;
mod installed;
mod merge_state;
mod project_of_person;
mod put_away;
mod run;
mod supervisor;
#[cfg(feature = "postgres")]
mod transfer;

pub use bundles::sample_bundles;
pub use checks::{Checker, Watcher};
pub use create::{Created, create};
pub use edit::{FixedPlan, fix_plan};
pub use import::{ImportRequest, Imported, import_path, import_tasks, importable};
#[cfg(feature = "postgres")]
pub use init::init_database;
pub use init::{Changed, Chosen, HostSetUp, InitRequest, SetUp, init};
pub use merge_state::{MergeStateRequest, MergedState, merge_state};
pub use put_away::{Deleted, Renamed, delete, rename, to_be_deleted};
pub use run::{LaunchedWorker, OwnWorktree, Planned, Run, RunEnded, RunEvent, RunRequest, RunStanding, WorkerEnd};
pub use supervisor::{SUPERVISE, is_in_check, is_in_worker, supervise};
#[cfg(feature = "postgres")]
pub use transfer::{pull, push};
