//! The file system on Unix: Linux and macOS.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::super::Identity;
use crate::system::{locked, open, open_locked};

#[cfg(target_os = "linux")]
pub(super) use super::marks::{is_behind, mark, marks};

/// Returns the identity of a regular file.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    Some(Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    })
}

/// Gives a new folder the permissions of the one above it. If that is not allowed, it keeps those that the system gave it.
pub(super) fn open_as_above(folder: &Path) {
    if let Some(permissions) = folder.parent().and_then(|above| fs::metadata(above).ok()).map(|it| it.permissions()) {
        let _ = fs::set_permissions(folder, permissions);
    }
}

/// Gives a new file the permissions of `like`. If `like` does not exist or is the new file itself, gives it the read
/// and write permissions of its folder.
pub(super) fn copy_permissions(file: &File, like: &Path) -> io::Result<()> {
    let own = file.metadata()?;
    let is_own = |there: &fs::Metadata| (there.dev(), there.ino()) == (own.dev(), own.ino());
    let wanted = match fs::metadata(like) {
        Ok(there) if !is_own(&there) => Some(there.permissions()),
        // A lock file is made with itself as `like`. A folder that does not exist yet will get the permissions of the one
        // above it.
        _ => {
            let folder = like.ancestors().skip(1).find_map(|folder| fs::metadata(folder).ok());
            folder.map(|folder| fs::Permissions::from_mode(folder.mode() & 0o666))
        }
    };
    if let Some(wanted) = wanted
        && own.permissions() != wanted
    {
        // If that is not allowed, the file keeps the permissions that the system gave it.
        let _ = file.set_permissions(wanted);
    }
    Ok(())
}

/// Opens a lock file, or makes it, and locks it. `None`: the lock is not free. The file of another user may be closed to
/// writes; most file systems lock it all the same.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    let lock = |write: bool| open_locked(OpenOptions::new().read(true).write(write), path);
    match lock(true) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => lock(false),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            match open(OpenOptions::new().read(true).write(true).create_new(true), path) {
                // Another process made it first.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => lock(true),
                Err(error) => Err(error),
                Ok(file) => copy_permissions(&file, path).and_then(|()| locked(file)),
            }
        }
        locked => locked,
    }
}

/// Locks a folder. `None`: the lock is not free. The error [`ErrorKind::Unsupported`]: folders have no locks there.
pub(super) fn lock_folder(folder: &Path) -> io::Result<Option<File>> {
    // Many network file systems only lock what is open for writing.
    let codes = [libc::EBADF, libc::EINVAL, libc::EISDIR, libc::ENOSYS, libc::ENOTSUP, libc::EOPNOTSUPP];
    let has_none = |error: &io::Error| error.raw_os_error().is_some_and(|code| codes.contains(&code));
    open_locked(OpenOptions::new().read(true), folder)
        .map_err(|error| if has_none(&error) { ErrorKind::Unsupported.into() } else { error })
}

/// Returns whether an open file or folder still stands at the path.
pub(super) fn stands_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (file.metadata(), path.symlink_metadata()) else { return false };
    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

/// Marks a folder with a number. Only Linux has locks that do for that.
#[cfg(not(target_os = "linux"))]
pub(super) fn mark(_folder: &Path, _number: u64) -> Option<File> {
    None
}

/// Returns those of `numbers` that the folder is marked with.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "where there are marks it can fail")]
pub(super) fn marks(_folder: &Path, _numbers: &[u64]) -> io::Result<Vec<u64>> {
    Ok(Vec::new())
}

/// Returns whether the folder has another mark that is lower than `number`.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_behind(_folder: &File, _number: u64) -> bool {
    false
}
