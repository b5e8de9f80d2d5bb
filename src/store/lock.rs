//! The right to write: one operating-system lock per workspace.
//!
//! The lock file is never deleted, so that nobody can hold a lock on a file that is no longer there.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::fault::Fault;

/// The name of the lock file.
pub(super) const LOCK: &str = "lock";

/// The folder for what is this machine's and no repository's: locks.
pub(super) fn run_folder(root: &Path) -> PathBuf {
    root.join("work").join(".run")
}

/// Makes [`run_folder`], which tells git to ignore itself.
fn make_run_folder(root: &Path) -> Result<PathBuf, Fault> {
    let folder = run_folder(root);
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        std::fs::create_dir_all(&folder).map_err(Fault::io("create the folder", &folder))?;
        std::fs::write(&ignore, "*\n").map_err(Fault::io("write", &ignore))?;
    }
    Ok(folder)
}

/// Takes the lock of the workspace, or gives up after `wait`. Dropping the file unlocks it.
///
/// Whoever has to wait does so in the kernel, which serves waiters in turn; a thread of its own does,
/// because the kernel's wait has no end.
pub(super) fn lock(root: &Path, wait: Duration) -> Result<File, Fault> {
    loop {
        let path = make_run_folder(root)?.join(LOCK);
        let file = lock_file(&path, wait)?;
        // Whoever waited for a file that was removed meanwhile holds a lock that nobody else sees.
        if is_file_at(&file, &path) {
            return Ok(file);
        }
    }
}

fn lock_file(path: &Path, wait: Duration) -> Result<File, Fault> {
    let file = open(path).map_err(Fault::io("open", path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(source)) => return Err(Fault::io("lock", path)(source)),
    }
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let locked = file.lock().map(|()| file);
        // If nobody waits any more the file comes back here and is unlocked at once.
        let _ = sender.send(locked);
    });
    match receiver.recv_timeout(wait) {
        Ok(locked) => locked.map_err(Fault::io("lock", path)),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(Fault::Busy { path: path.to_owned() }),
    }
}

/// Returns whether the open file is the one that stands at the path now.
pub(super) fn is_file_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;

        let (Ok(open), Ok(there)) = (file.metadata(), path.metadata()) else { return false };
        (open.dev(), open.ino()) == (there.dev(), there.ino())
    }
    #[cfg(not(unix))]
    {
        // There an open file cannot be removed.
        let _ = file;
        path.exists()
    }
}

/// Opens a lock file, which is made where there is none.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}
