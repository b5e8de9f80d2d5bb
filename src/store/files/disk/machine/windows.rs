//! The file system on Windows.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::super::Identity;
use crate::system::open_locked;

/// There is none that only a change of the file changes. So files are compared by their bytes.
pub(super) fn identity(_path: &Path) -> Option<Identity> {
    None
}

/// Does nothing: a folder has the rights of the one above it.
pub(super) fn open_as_above(_folder: &Path) {}

/// Does nothing: a file has the rights of its folder.
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
pub(super) fn copy_permissions(_file: &File, _like: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a lock file, or makes it, and locks it. `None`: the lock is not free.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    open_locked(OpenOptions::new().read(true).write(true).create(true).truncate(false), path)
}

/// Folders have no locks. They need none: a locked file cannot be removed, nor can the folders above it.
pub(super) fn lock_folder(folder: &Path) -> io::Result<Option<File>> {
    let kind = folder.symlink_metadata()?;
    Err(if kind.is_dir() { ErrorKind::Unsupported } else { ErrorKind::NotADirectory }.into())
}

/// Returns whether a locked file still stands at the path. It cannot be removed.
pub(super) fn stands_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Marks a folder with a number. Windows has nothing that does for that.
pub(super) fn mark(_folder: &Path, _number: u64) -> Option<File> {
    None
}

/// Returns those of `numbers` that the folder is marked with.
#[expect(clippy::unnecessary_wraps, reason = "where there are marks it can fail")]
pub(super) fn marks(_folder: &Path, _numbers: &[u64]) -> io::Result<Vec<u64>> {
    Ok(Vec::new())
}

/// Returns whether the folder has another mark that is lower than `number`.
pub(super) fn is_behind(_folder: &File, _number: u64) -> bool {
    false
}
