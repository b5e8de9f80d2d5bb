//! The only room with a disk: the files of DESIGN §3, read as they are now and written whole.
//!
//! Reading takes no lock. Writing does, and there is no way around it: [`FileStore::lock`] gives a
//! [`Locked`], which owns the fresh read, and committing consumes it.
//!
//! How files are written is `commit`; what is asked of the file system is `disk`, which tests replace.
//!
//! Nothing here knows a rule. The files' formats are the three `*_json`/`*_yaml` modules; what they
//! do not know they keep, in its place.

mod agents_yaml;
mod cache;
mod commit;
mod create;
pub(crate) mod disk;
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

use std::path::Path;

use self::commit::{create_folders, replace};
use self::disk::Disk;
use crate::fault::Fault;

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
    replace(disk, &path.canonicalize().unwrap_or(path), text.as_bytes())
}

/// A file that was read but holds something that must not be written over, such as a key twice. The
/// place in the message can be that in a part of the file, so it is left out.
fn unwritable(path: &Path, error: &serde_json::Error) -> Fault {
    Fault::StateUnreadable { path: path.to_owned(), at: None, why: json::without_place(error) }
}
