//! Files on Windows.
//!
//! **Locks** are made of share modes: whoever opens a file says what others may do with it meanwhile. `LockFileEx`, which
//! the standard library uses, would keep others from reading the file, and a check from writing its log through the handle
//! that it inherits. A locked file cannot be removed or replaced either, so a clean-up cannot take it away. The system
//! closes what a process has open when it ends, however it ends.
//!
//! **Other programs** that look at a file, such as a scanner for viruses, can keep it from being opened, renamed or removed
//! for some milliseconds. So these steps are tried again for a while.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

use super::super::patience::{SHORT, patiently};

/// Others may read the file. They may not write, rename or remove it.
const FILE_SHARE_READ: u32 = 1;

const ERROR_TOO_MANY_OPEN_FILES: i32 = 4;
const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_SHARING_VIOLATION: i32 = 32;
const ERROR_LOCK_VIOLATION: i32 = 33;
const ERROR_DELETE_PENDING: i32 = 303;
const ERROR_USER_MAPPED_FILE: i32 = 1224;

/// Opens a file. A symbolic link in its place is an error, and so is a folder.
pub(crate) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    refuse_link(path)?;
    patiently(SHORT, is_passing, || options.open(path))
}

/// Opens a file as [`open`] does, and takes its lock, until it is closed or its process ends. `None`: another has it.
pub(crate) fn open_locked(options: &mut OpenOptions, path: &Path) -> io::Result<Option<File>> {
    refuse_link(path)?;
    match options.share_mode(FILE_SHARE_READ).open(path) {
        Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Returns whether the lock of a file is held. An error: there is no file, or the system does not show it.
pub(crate) fn is_locked(path: &Path) -> io::Result<bool> {
    // It asks for a right that only a holder keeps from others, and keeps none itself.
    match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => Ok(true),
        opened => opened.map(|_| false),
    }
}

/// Returns how a file is opened to which several processes write, each to its end. They inherit the open file and with it
/// the place in it. To open it for its end alone would not let it be emptied. It has the rights of its folder.
pub(crate) fn log_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options
}

/// A folder has the rights of the one above it.
#[expect(clippy::unnecessary_wraps, reason = "other systems can refuse it")]
pub(crate) fn keep_folder_private(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns whether a file can be started, as far as the system says it.
pub(crate) fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// Makes a file that must not exist yet.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    patiently(SHORT, is_passing, || File::create_new(path))
}

/// Removes a file. Of a symbolic link it removes the link.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    patiently(SHORT, is_passing, || std::fs::remove_file(path))
}

/// Renames a file or a folder. A file that has the new name is replaced.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(SHORT, is_passing, || std::fs::rename(from, to))?;
    // There is no sync of a folder. A sync of the file writes the journal of the file system, which has the new name.
    match OpenOptions::new().write(true).open(to) {
        Ok(file) => file.sync_all(),
        // A folder, or a file that another program holds.
        Err(_) => Ok(()),
    }
}

/// Does nothing: [`rename`] has made the names durable.
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns whether the error means that the process or the system has too many files open.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_TOO_MANY_OPEN_FILES)
}

/// Fails if there is a symbolic link or a junction at the path. Only an administrator, or a developer who has allowed it,
/// can make a link between this look and what follows it.
fn refuse_link(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(there) if there.is_symlink() => Err(io::Error::other("it is a symbolic link")),
        // Opening it would fail as if another program held it.
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ => Ok(()),
    }
}

/// Returns whether an error can be due to a program that looks at the file, and over in a moment.
fn is_passing(error: &io::Error) -> bool {
    let codes = [
        ERROR_ACCESS_DENIED,
        ERROR_SHARING_VIOLATION,
        ERROR_LOCK_VIOLATION,
        ERROR_DELETE_PENDING,
        ERROR_USER_MAPPED_FILE,
    ];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
