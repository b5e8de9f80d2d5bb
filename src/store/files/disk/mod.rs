//! What the store asks of a file system, one step each, so that a test can stop between any two of them.
//!
//! [`MachineDisk`] is the machine's. The tests have one in memory that forgets in a power cut what was not
//! synced, and one that fails at a chosen step.

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

/// A file system. Paths are absolute, or mean the working directory of the process.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// Reads a file of at most `limit` bytes as a whole. A symbolic link at the end of the path is not
    /// followed, and nothing but a regular file is opened for longer than it takes to see that.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError>;

    /// Returns whether the file holds just these bytes, without a copy of them.
    fn holds(&self, path: &Path, bytes: &[u8]) -> bool {
        self.read(path, bytes.len() as u64).is_ok_and(|read| read == bytes)
    }

    /// Returns what stands at the path; a symbolic link is not followed. `None`: nothing does, or what
    /// does cannot be seen.
    fn kind(&self, path: &Path) -> Option<Kind>;

    /// Returns what changes whenever the file does; `None` where that is not known.
    fn identity(&self, path: &Path) -> Option<Identity>;

    /// Returns the names in a folder, in no order.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Makes a folder in one that exists, and has the same permissions, whatever the process's umask.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes a file that must not exist yet, with the permissions of `like` where that exists; else whoever may
    /// read or write the folder of `like` may do that to the file too, whatever the process's umask.
    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn NewFile>>;

    /// Gives a file another name; what has that name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, or a symbolic link itself.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Takes the lock of the file, which is made where there is none; `None`: somebody else has it. It is free again
    /// when it is dropped or the process ends.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Held>>>;

    /// Returns whether somebody holds the lock of the file; an error where that cannot be seen.
    fn is_locked(&self, path: &Path) -> io::Result<bool>;

    /// Takes the lock of a folder; `None`: somebody else has it. No clean-up of what is in the folder frees it. Where
    /// the file system has no such locks, everybody gets one.
    fn lock_folder(&self, folder: &Path) -> io::Result<Option<Box<dyn Held>>>;

    /// Marks a folder with a number of at most 63 bits until that is dropped or the process ends: something that no
    /// clean-up removes and whoever may read the folder may see. `None` where the file system has no such marks.
    fn mark(&self, folder: &Path, number: u64) -> Option<Box<dyn Held>>;

    /// Returns which of the numbers somebody marks the folder with.
    fn marks(&self, folder: &Path, numbers: &[u64]) -> io::Result<Vec<u64>>;
}

/// A file that is being written.
pub(crate) trait NewFile {
    /// Adds to the file.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was written durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A lock that is held.
pub(crate) trait Held: fmt::Debug + Send + Sync {
    /// Returns whether its file still has this path: the lock of one that was removed stops nobody.
    fn stands_at(&self, path: &Path) -> bool;

    /// Returns whether it is a mark and somebody else marks the folder with a lower number than this.
    fn is_behind(&self, number: u64) -> bool;
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

/// What changes whenever a file does. Times are in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified: i128,
    pub(crate) changed: i128,
}

impl Identity {
    /// Returns how long ago the file was changed. Where the clock was put back, how far.
    pub(crate) fn age(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX);
        let nanoseconds = (now - self.changed).unsigned_abs();
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// Returns whether a change from now on cannot have the time of the last one: kernels tell time in
    /// steps of up to 10 ms.
    pub(crate) fn is_settled(&self) -> bool {
        self.age() > Duration::from_millis(20)
    }
}

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// There is none.
    Absent,
    /// It is a symbolic link.
    Link,
    /// It is a folder, a pipe, a device.
    NoFile,
    /// It has so many bytes.
    TooLarge(u64),
    /// The operating system refused.
    Io(io::Error),
}
