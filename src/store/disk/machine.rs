//! The file system of the machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::{Disk, Held, Identity, Kind, NewFile, Unread};

/// The file system of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MachineDisk;

impl Disk for MachineDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, Unread> {
        let mut options = OpenOptions::new();
        let file = match unfollowed(options.read(true)).open(path) {
            Ok(file) => file,
            // A link would not have been found to be none.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Unread::Absent),
            Err(error) => return Err(unread(self.kind(path), error)),
        };
        let metadata = file.metadata().map_err(Unread::Io)?;
        if !metadata.is_file() {
            return Err(if metadata.is_symlink() { Unread::Link } else { Unread::NoFile });
        }
        if metadata.len() > limit {
            return Err(Unread::TooLarge(metadata.len()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
        // One that grows while it is read does not fill the memory either.
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(Unread::Io)? as u64;
        if read > limit { Err(Unread::TooLarge(read)) } else { Ok(bytes) }
    }

    fn holds(&self, path: &Path, bytes: &[u8]) -> bool {
        let Ok(mut file) = unfollowed(OpenOptions::new().read(true)).open(path) else { return false };
        if !file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes.len() as u64) {
            return false;
        }
        let mut buffer = [0; 16 * 1024];
        let mut rest = bytes;
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return rest.is_empty(),
                Ok(read) if rest.starts_with(&buffer[..read]) => rest = &rest[read..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return false,
            }
        }
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let kind = fs::symlink_metadata(path).ok()?.file_type();
        Some(match () {
            () if kind.is_file() => Kind::File,
            () if kind.is_dir() => Kind::Folder,
            () if kind.is_symlink() => Kind::Link,
            () => Kind::Other,
        })
    }

    #[cfg(unix)]
    fn identity(&self, path: &Path) -> Option<Identity> {
        use std::os::unix::fs::MetadataExt as _;

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

    #[cfg(not(unix))]
    fn identity(&self, _path: &Path) -> Option<Identity> {
        None
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        // A name that is not UTF-8 is none that this program gave.
        Ok(fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        if let Ok(metadata) = fs::metadata(like)
            && file.metadata()?.permissions() != metadata.permissions()
        {
            file.set_permissions(metadata.permissions())?;
        }
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// A rename is durable once its folder is. Windows has no such call and needs none.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    /// Whoever has to wait does so in the kernel, which wakes waiters at the instant the lock is free; a
    /// thread of its own does, because the kernel's wait has no end.
    fn lock(&self, path: &Path, wait: Duration) -> io::Result<Option<Box<dyn Held>>> {
        loop {
            let mut options = OpenOptions::new();
            let file = unfollowed(options.read(true).write(true).create(true).truncate(false)).open(path)?;
            let Some(file) = locked(file, wait)? else { return Ok(None) };
            // Whoever waited for a file that was removed meanwhile holds a lock that nobody else sees.
            if file.stands_at(path) {
                return Ok(Some(Box::new(file)));
            }
        }
    }

    /// Whoever asks takes a shared lock, so that two who ask at once do not take each other for the holder.
    fn is_locked(&self, path: &Path) -> bool {
        match unfollowed(OpenOptions::new().read(true)).open(path) {
            Ok(file) => file.try_lock_shared().is_err(),
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }
}

impl NewFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Held for File {
    fn stands_at(&self, path: &Path) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;

            let (Ok(open), Ok(there)) = (self.metadata(), path.symlink_metadata()) else { return false };
            (open.dev(), open.ino()) == (there.dev(), there.ino())
        }
        #[cfg(not(unix))]
        {
            // There an open file cannot be removed.
            path.exists()
        }
    }
}

/// Opens no symbolic link, and does not wait for the other end of a pipe.
fn unfollowed(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options
}

fn unread(there: Option<Kind>, error: io::Error) -> Unread {
    match there {
        Some(Kind::Link) => Unread::Link,
        Some(Kind::Folder | Kind::Other) => Unread::NoFile,
        _ => Unread::Io(error),
    }
}

fn locked(file: File, wait: Duration) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => return Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if wait.is_zero() {
        return Ok(None);
    }
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let locked = file.lock().map(|()| file);
        // If nobody waits any more the file comes back here and is unlocked at once.
        let _ = sender.send(locked);
    });
    match receiver.recv_timeout(wait) {
        Ok(locked) => locked.map(Some),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(None),
    }
}
