//! The only room with a disk: the files of DESIGN §3, read as they are now and written whole.
//!
//! Reading takes no lock. Writing does, and there is no way around it: [`FileStore::lock`] gives a
//! [`Locked`], which owns the fresh read, and committing consumes it.
//!
//! Nothing here knows a rule. The files' formats are the three `*_json`/`*_yaml` modules; what they
//! do not know they keep, in its place.

mod agents_yaml;
mod create;
mod file;
mod import;
mod index_json;
mod json;
mod liveness;
mod lock;
mod opencode_files;
mod snapshot;
mod tasks_json;
mod threads_json;
mod watch;
mod workspace;

pub use create::{Created, Initialised};
pub use file::{FileStore, LOCK_WAIT, Listed, Locked};
pub use import::Imported;
pub use opencode_files::{Changed, SetUp};
pub use snapshot::{MAX_STATE_BYTES, Snapshot};
pub use watch::Watch;
pub use workspace::Place;

use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// Writes a file as a whole, in folders that are made where they are missing. Where a link stands, what
/// it points to is written.
pub fn write_whole(path: &Path, text: &[u8]) -> Result<(), Fault> {
    let path: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Fault::io("create the folder", folder))?;
    }
    file::replace(&path, text)
}

/// A file that was read but holds something that must not be written over, such as a key twice. The
/// place in the message can be that in a part of the file, so it is left out.
fn unwritable(path: &Path, error: &serde_json::Error) -> Fault {
    Fault::StateUnreadable { path: path.to_owned(), at: None, why: json::without_place(error) }
}
