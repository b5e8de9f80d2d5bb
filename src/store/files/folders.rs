//! The folders of a workspace. They are durable once they are made, and a symbolic link in the place of one is refused.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::disk::{Disk, Kind, ReadError};
use super::unread::unreadable_file;
use crate::fault::Fault;

/// How often [`run_folder`] is made again during one operation, if somebody keeps removing it.
const MAX_REMOVALS: usize = 20;

/// Returns the folder `work/.run`, for locks, temporary files and the journal. All of it belongs to this machine and
/// not to the repository: git ignores it.
pub(super) fn run_folder(root: &Path) -> PathBuf {
    root.join("work").join(".run")
}

/// Makes [`run_folder`] with its `.gitignore`, unless they are there.
pub(super) fn make_run_folder(disk: &dyn Disk, root: &Path) -> Result<PathBuf, Fault> {
    let folder = run_folder(root);
    if !plain_folder(disk, &folder)? {
        // The folder must be durable. If a power cut took it away, the journal in it would be lost.
        create_folders(disk, &folder)?;
    }
    ignore_run_folder(disk, root)?;
    Ok(folder)
}

/// Writes the `.gitignore` of [`run_folder`], unless it is there.
fn ignore_run_folder(disk: &dyn Disk, root: &Path) -> Result<(), Fault> {
    let ignore = run_folder(root).join(".gitignore");
    if disk.kind(&ignore).is_none() {
        match disk.create(&ignore, &ignore).and_then(|mut file| file.write(b"*\n")) {
            // Another process made the file first, or somebody has removed the folder again.
            Err(error) if [ErrorKind::AlreadyExists, ErrorKind::NotFound].contains(&error.kind()) => {}
            Err(error) => return Err(Fault::io("write", &ignore)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Does `work`, which uses [`run_folder`]. If somebody removes the folder meanwhile, makes it again and repeats `work`.
pub(super) fn in_run_folder<T>(disk: &dyn Disk, root: &Path, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut removals = 0;
    loop {
        match work() {
            Err(error) if error.kind() == ErrorKind::NotFound && removals < MAX_REMOVALS => {
                removals += 1;
                // If the folder cannot be made, `work` fails once more, and that error is returned.
                let _ = make_run_folder(disk, root);
            }
            done => return done,
        }
    }
}

/// Makes a folder and the missing ones above it. Each is durable when this returns.
pub(super) fn create_folders(disk: &dyn Disk, folder: &Path) -> Result<(), Fault> {
    if disk.kind(folder).is_some() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folders(disk, above)?;
    match disk.create_folder(folder) {
        // Another process made it first.
        Err(_) if disk.kind(folder).is_some() => {}
        Err(error) => return Err(Fault::io("create the folder", folder)(error)),
        Ok(()) => {}
    }
    disk.sync_folder(above).map_err(Fault::io("sync", above))
}

/// Returns whether this folder of the workspace exists. A symbolic link in its place is refused, since it could lead
/// anywhere.
pub(super) fn plain_folder(disk: &dyn Disk, folder: &Path) -> Result<bool, Fault> {
    match disk.kind(folder) {
        Some(Kind::Link) => Err(unreadable_file(folder, ReadError::Link)),
        kind => Ok(kind.is_some()),
    }
}
