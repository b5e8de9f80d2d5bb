//! The folders of a workspace: made durable, never followed through a symbolic link.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::disk::{Disk, Kind, ReadError};
use super::unread::unreadable_file;
use crate::fault::Fault;

/// How often [`run_folder`] is made again that somebody removes.
const MAX_REMOVALS: usize = 20;

/// The folder for what is this machine's and no repository's: locks, files that are being written, and a commit that is
/// under way. git ignores all of it.
pub(super) fn run_folder(root: &Path) -> PathBuf {
    root.join("work").join(".run")
}

/// Makes [`run_folder`], which tells git to ignore itself.
pub(super) fn make_run_folder(disk: &dyn Disk, root: &Path) -> Result<PathBuf, Fault> {
    let folder = run_folder(root);
    if !plain_folder(disk, &folder)? {
        // A journal can only be found again if its folder is.
        create_folders(disk, &folder)?;
    }
    ignore_run_folder(disk, root)?;
    Ok(folder)
}

/// Lets git ignore [`run_folder`], if it does not yet.
fn ignore_run_folder(disk: &dyn Disk, root: &Path) -> Result<(), Fault> {
    let ignore = run_folder(root).join(".gitignore");
    if disk.kind(&ignore).is_none() {
        match disk.create(&ignore, &ignore).and_then(|mut file| file.write(b"*\n")) {
            // Another process was faster, or somebody has removed the folder again.
            Err(error) if [ErrorKind::AlreadyExists, ErrorKind::NotFound].contains(&error.kind()) => {}
            Err(error) => return Err(Fault::io("write", &ignore)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Does something in [`run_folder`], and makes the folder again where somebody removes it meanwhile.
pub(super) fn in_run_folder<T>(disk: &dyn Disk, root: &Path, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut removals = 0;
    loop {
        match work() {
            Err(error) if error.kind() == ErrorKind::NotFound && removals < MAX_REMOVALS => {
                removals += 1;
                // What is in the way of the folder is in the way of the work, too.
                let _ = make_run_folder(disk, root);
            }
            done => return done,
        }
    }
}

/// Makes a folder, and those above it, durable.
pub(super) fn create_folders(disk: &dyn Disk, folder: &Path) -> Result<(), Fault> {
    if disk.kind(folder).is_some() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folders(disk, above)?;
    match disk.create_folder(folder) {
        // Another process was faster.
        Err(_) if disk.kind(folder).is_some() => {}
        Err(error) => return Err(Fault::io("create the folder", folder)(error)),
        Ok(()) => {}
    }
    disk.sync_folder(above).map_err(Fault::io("sync", above))
}

/// Returns whether there is this folder of the workspace. A link in its place is refused: it could lead
/// anywhere.
pub(super) fn plain_folder(disk: &dyn Disk, folder: &Path) -> Result<bool, Fault> {
    match disk.kind(folder) {
        Some(Kind::Link) => Err(unreadable_file(folder, ReadError::Link)),
        kind => Ok(kind.is_some()),
    }
}
