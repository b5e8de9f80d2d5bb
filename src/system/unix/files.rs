//! Files on Unix.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Opens a file or a folder. A symbolic link in its place is an error, and a pipe is opened without a wait for its other
/// end.
pub(crate) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

/// Opens a file as [`open`] does, and takes its lock, until it is closed or its process ends. `None`: another has it.
pub(crate) fn open_locked(options: &mut OpenOptions, path: &Path) -> io::Result<Option<File>> {
    locked(open(options, path)?)
}

/// Takes the lock of an open file.
pub(crate) fn locked(file: File) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Returns whether the lock of a file is held. An error: there is no file, or the system does not show it.
pub(crate) fn is_locked(path: &Path) -> io::Result<bool> {
    let file = open(OpenOptions::new().read(true), path)?;
    // A shared lock: with an exclusive one, two processes that ask at once would each see a holder.
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Returns how a file is opened to which several processes write, each to its end. Only its owner may read it.
pub(crate) fn log_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    options
}

/// Lets only its owner into a folder.
pub(crate) fn keep_folder_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

/// Returns whether a file can be started.
pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Makes a file that must not exist yet.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    File::create_new(path)
}

/// Removes a file. Of a symbolic link it removes the link.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Renames a file or a folder. A file that has the new name is replaced.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Makes the names in a folder durable. On macOS, where a plain `fsync` leaves data in the cache of the disk, the standard
/// library asks for `F_FULLFSYNC`.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Returns whether the error means that the process or the system has too many files open.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| [libc::EMFILE, libc::ENFILE].contains(&code))
}
