//! The file system as the store sees it: a trait with one method per step, so that a test can stop between any two
//! steps.
//!
//! [`MachineDisk`] is the file system of the machine. Tests use `MemoryDisk`, which loses in a power cut what was not
//! synced, and `FaultyDisk`, which fails at a chosen step.

#[cfg(test)]
pub(crate) mod faulty;
mod machine;
#[cfg(any(test, fuzzing))]
pub(crate) mod memory;

use std::fmt;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

pub(crate) use machine::MachineDisk;

/// A file system. Relative paths start at the working directory of the process.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// Reads a file of at most `limit` bytes as a whole. A symbolic link at the end of the path is not followed.
    /// Anything else than a regular file is closed as soon as that is known.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError>;

    /// Returns whether the file has exactly these bytes. An implementation can do that without a copy of them.
    fn holds(&self, path: &Path, bytes: &[u8]) -> bool {
        self.read(path, bytes.len() as u64).is_ok_and(|read| read == bytes)
    }

    /// Returns what stands at the path, without following a symbolic link. `None`: nothing, or the system does not show
    /// it.
    fn kind(&self, path: &Path) -> Option<Kind>;

    /// Returns the identity of a regular file. `None`: there is no such file, or the file system has no identities.
    fn identity(&self, path: &Path) -> Option<Identity>;

    /// Returns the names in a folder that are UTF-8, in any order.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Makes a folder in an existing one, with the permissions of that one, whatever the process's umask.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes a file that must not exist yet. It gets the permissions of `like`, whatever the process's umask. If `like`
    /// does not exist, every user who may read or write its folder may do that to the file too.
    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn NewFile>>;

    /// Renames a file or a folder. A file that has the new name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Of a symbolic link it removes the link.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder with all that is in it. Of a symbolic link in it, it removes the link.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Takes the lock of a file without waiting, and makes the file if there is none. `None`: the lock is not free.
    /// Dropping the result frees it, and so does the end of the process.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Held>>>;

    /// Returns whether the lock of a file is held; no file, no lock. An error: the system does not show it.
    fn is_locked(&self, path: &Path) -> io::Result<bool>;

    /// Takes the lock of a folder without waiting. `None`: the lock is not free. Removing the files in the folder does
    /// not free it. On a file system without such locks every caller gets one.
    fn lock_folder(&self, folder: &Path) -> io::Result<Option<Box<dyn Held>>>;

    /// Marks a folder with a number of at most 63 bits, until the result is dropped or the process ends. Removing the
    /// files in the folder does not remove the mark, and every process that may read the folder can see it. Several
    /// marks can have the same number. `None`: the folder cannot be marked.
    fn mark(&self, folder: &Path, number: u64) -> Option<Box<dyn Held>>;

    /// Returns those of `numbers` that the folder is marked with.
    fn marks(&self, folder: &Path, numbers: &[u64]) -> io::Result<Vec<u64>>;
}

/// A file that is being written.
pub(crate) trait NewFile {
    /// Appends to the file.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A lock or a mark that is held. Dropping it frees it.
pub(crate) trait Held: fmt::Debug + Send + Sync {
    /// Returns whether its file or folder still stands at the path. The lock of a removed file keeps nobody out.
    fn stands_at(&self, path: &Path) -> bool;

    /// Returns whether this is a mark and the folder has another mark that is lower than `number`.
    fn is_behind(&self, number: u64) -> bool;

    /// Makes `text` the content of the locked file, for people to read. Nothing depends on it, so a failure is ignored.
    fn note(&self, text: &str);
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, a device, a socket.
    Other,
}

/// What a write of a file changes, so that equal identities mean an unchanged file. Times are in nanoseconds since
/// 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// When the text was changed (`mtime`). Programs can set it.
    pub(crate) modified: i128,
    /// When the text or the inode was changed (`ctime`). Only the kernel sets it.
    pub(crate) changed: i128,
}

impl Identity {
    /// Returns the time since the last change; if the clock was put back since then, the distance.
    pub(crate) fn age(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX);
        let nanoseconds = (now - self.changed).unsigned_abs();
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// Returns whether the next change will certainly have another time. Kernels tell time in steps of up to 10 ms.
    pub(crate) fn is_settled(&self) -> bool {
        self.age() > Duration::from_millis(20)
    }
}

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// There is no file.
    Absent,
    /// It is a symbolic link.
    Link,
    /// It is a folder, a pipe, a device.
    NoFile,
    /// It has more bytes than the limit, so many at least.
    TooLarge(u64),
    /// The operating system refused.
    Io(io::Error),
}
