//! What a person asks that is more than one decision: to set a project up, to begin or import a workstream, to fix a
//! plan, to copy a workspace between files and a database. Each is a function over a [`Store`](crate::store::Store) or
//! over the project's files.

mod create;
mod edit;
mod import;
mod init;
mod opencode;
#[cfg(feature = "postgres")]
mod transfer;

pub use create::{Created, create};
pub use edit::{FixedPlan, fix_plan};
pub use import::{Imported, import_folder, import_tasks, importable};
#[cfg(feature = "postgres")]
pub use init::init_database;
pub use init::{Changed, SetUp, init};
#[cfg(feature = "postgres")]
pub use transfer::{pull, push};
