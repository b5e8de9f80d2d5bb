//! The right to write: one operating-system lock per workspace.
//!
//! The lock file is never deleted, so that nobody can hold a lock on a file that is no longer there.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::commit::{create_folders, plain_folder, recover};
use super::disk::{Disk, Held};
use crate::fault::Fault;

/// The name of the lock file.
pub(super) const LOCK: &str = "lock";

/// The folder for what is this machine's and no repository's: locks, and a commit that is under way.
pub(super) fn run_folder(root: &Path) -> PathBuf {
    root.join("work").join(".run")
}

/// Makes [`run_folder`], which tells git to ignore itself.
fn make_run_folder(disk: &dyn Disk, root: &Path) -> Result<PathBuf, Fault> {
    let folder = run_folder(root);
    if !plain_folder(disk, &folder)? {
        // A journal can only be found again if its folder is.
        create_folders(disk, &folder)?;
        ignore_run_folder(disk, root)?;
    }
    Ok(folder)
}

/// Lets git ignore [`run_folder`], if it does not yet.
pub(super) fn ignore_run_folder(disk: &dyn Disk, root: &Path) -> Result<(), Fault> {
    let ignore = run_folder(root).join(".gitignore");
    if disk.kind(&ignore).is_none() {
        match disk.create(&ignore, &ignore).and_then(|mut file| file.write(b"*\n")) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(Fault::io("write", &ignore)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Takes the lock of the workspace, or gives up after `wait`, and finishes what a process that died in
/// the middle of a commit has left. Dropping the lock frees it.
pub(super) fn lock(disk: &dyn Disk, root: &Path, wait: Duration) -> Result<Box<dyn Held>, Fault> {
    let path = make_run_folder(disk, root)?.join(LOCK);
    let lock = disk.lock(&path, wait).map_err(Fault::io("lock", &path))?;
    let lock = lock.ok_or(Fault::Busy { path })?;
    recover(disk, root)?;
    Ok(lock)
}
