//! The file system of the machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

#[cfg(target_os = "linux")]
use nix::fcntl::FcntlArg;

use super::{Disk, Held, Identity, Kind, NewFile, ReadError};

/// The file system of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MachineDisk;

impl Disk for MachineDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let mut options = OpenOptions::new();
        let file = match no_follow(options.read(true)).open(path) {
            Ok(file) => file,
            // A symbolic link fails with another error, even one that leads nowhere. So nothing stands at the path.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(ReadError::Absent),
            Err(error) => return Err(read_error(self.kind(path), error)),
        };
        // Asked of the open file: what stands at the path can change at any time.
        let metadata = file.metadata().map_err(ReadError::Io)?;
        if !metadata.is_file() {
            return Err(if metadata.is_symlink() { ReadError::Link } else { ReadError::NoFile });
        }
        if metadata.len() > limit {
            return Err(ReadError::TooLarge(metadata.len()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
        // The file can grow while it is read. It must not fill the memory then.
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(ReadError::Io)? as u64;
        if read > limit { Err(ReadError::TooLarge(read)) } else { Ok(bytes) }
    }

    fn holds(&self, path: &Path, bytes: &[u8]) -> bool {
        let Ok(mut file) = no_follow(OpenOptions::new().read(true)).open(path) else { return false };
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
        // This program gives no names that are not UTF-8.
        Ok(fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)?;
        if let Some(permissions) = folder.parent().and_then(|above| fs::metadata(above).ok()).map(|it| it.permissions())
        {
            // If that is not allowed, the folder keeps the permissions that the system gave it.
            let _ = fs::set_permissions(folder, permissions);
        }
        Ok(())
    }

    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        copy_permissions(&file, like)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)
    }

    /// On Unix a rename is durable once its folder is synced. Windows has no such call and needs none.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Held>>> {
        lock_at(path, || open_or_create(path))
    }

    /// Asks by a shared lock: with an exclusive one, two processes that ask at once would each see a holder.
    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        let file = match no_follow(OpenOptions::new().read(true)).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock_folder(&self, folder: &Path) -> io::Result<Option<Box<dyn Held>>> {
        lock_at(folder, || open_folder(folder))
            .or_else(|error| if has_no_locks(&error) { Ok(Some(Box::new(NoLock) as _)) } else { Err(error) })
    }

    #[cfg(target_os = "linux")]
    fn mark(&self, folder: &Path, number: u64) -> Option<Box<dyn Held>> {
        let file = open_folder(folder).ok()?;
        // A read lock: several processes can have the same number, and the folder need not be writable.
        nix::fcntl::fcntl(&file, FcntlArg::F_OFD_SETLK(&byte_range(number, 1, libc::F_RDLCK)?)).ok()?;
        Some(Box::new(file))
    }

    #[cfg(not(target_os = "linux"))]
    fn mark(&self, _folder: &Path, _number: u64) -> Option<Box<dyn Held>> {
        None
    }

    #[cfg(target_os = "linux")]
    fn marks(&self, folder: &Path, numbers: &[u64]) -> io::Result<Vec<u64>> {
        let file = open_folder(folder)?;
        let mut marks = Vec::new();
        for number in numbers {
            if is_marked(&file, *number, 1)? {
                marks.push(*number);
            }
        }
        Ok(marks)
    }

    #[cfg(not(target_os = "linux"))]
    fn marks(&self, _folder: &Path, _numbers: &[u64]) -> io::Result<Vec<u64>> {
        Ok(Vec::new())
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
            // On other systems an open file cannot be removed.
            path.exists()
        }
    }

    #[cfg(target_os = "linux")]
    fn is_behind(&self, number: u64) -> bool {
        // No number is lower than 0, and a range of length 0 would mean all of them. If the system does not tell, the
        // waiter acts as if it were first.
        number > 0 && is_marked(self, 0, number).unwrap_or_default()
    }

    #[cfg(not(target_os = "linux"))]
    fn is_behind(&self, _number: u64) -> bool {
        false
    }

    fn note(&self, text: &str) {
        let mut file = self;
        let _ = file.write_all(text.as_bytes()).and_then(|()| file.set_len(text.len() as u64));
    }
}

/// Sets options so that a symbolic link is not opened, and a pipe is opened without a wait for its other end.
fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options
}

/// Returns why a file was not read, by what stands at its path.
fn read_error(there: Option<Kind>, error: io::Error) -> ReadError {
    match there {
        Some(Kind::Link) => ReadError::Link,
        Some(Kind::Folder | Kind::Other) => ReadError::NoFile,
        _ => ReadError::Io(error),
    }
}

/// Opens a folder. A symbolic link to one fails.
fn open_folder(folder: &Path) -> io::Result<File> {
    no_follow(OpenOptions::new().read(true)).open(folder)
}

/// Returns whether an error means that folders cannot be locked. On Windows a folder cannot be opened as a file, and
/// many network file systems only lock what is open for writing.
fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        let codes = [libc::EBADF, libc::EINVAL, libc::EISDIR, libc::ENOSYS, libc::ENOTSUP, libc::EOPNOTSUPP];
        error.raw_os_error().is_some_and(|code| codes.contains(&code))
    }
    #[cfg(not(unix))]
    {
        error.kind() != ErrorKind::NotFound
    }
}

/// Opens a lock file, or makes it. The file of another user may be closed to writes; most file systems lock it all the
/// same.
fn open_or_create(path: &Path) -> io::Result<File> {
    let open = |write: bool| {
        let mut options = OpenOptions::new();
        no_follow(options.read(true).write(write)).open(path)
    };
    match open(true) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => open(false),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut options = OpenOptions::new();
            match no_follow(options.read(true).write(true).create_new(true)).open(path) {
                // Another process made it first.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => open(true),
                Err(error) => Err(error),
                Ok(file) => copy_permissions(&file, path).map(|()| file),
            }
        }
        opened => opened,
    }
}

/// Gives a new file the permissions of `like`. If `like` does not exist or is the new file itself, gives it the read
/// and write permissions of its folder.
fn copy_permissions(file: &File, like: &Path) -> io::Result<()> {
    let mut wanted = fs::metadata(like).ok().map(|metadata| metadata.permissions());
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

        let own = file.metadata()?;
        let is_own = |there: &fs::Metadata| (there.dev(), there.ino()) == (own.dev(), own.ino());
        // A lock file is made with itself as `like`.
        if fs::metadata(like).map_or(true, |there| is_own(&there)) {
            // A folder that does not exist yet will get the permissions of the one above it.
            let folder = like.ancestors().skip(1).find_map(|folder| fs::metadata(folder).ok());
            wanted = folder.map(|folder| fs::Permissions::from_mode(folder.mode() & 0o666));
        }
    }
    if let Some(wanted) = wanted
        && file.metadata()?.permissions() != wanted
    {
        // If that is not allowed, the file keeps the permissions that the system gave it.
        let _ = file.set_permissions(wanted);
    }
    Ok(())
}

/// Takes the place of a lock on a file system that has none.
#[derive(Debug)]
struct NoLock;

impl Held for NoLock {
    fn stands_at(&self, _path: &Path) -> bool {
        true
    }

    fn is_behind(&self, _number: u64) -> bool {
        false
    }

    fn note(&self, _text: &str) {}
}

/// Locks the file or folder at the path, without waiting. `None`: the lock is not free, or the path led to another file
/// by the time it was locked. The lock of a removed file keeps nobody out.
fn lock_at(path: &Path, open: impl Fn() -> io::Result<File>) -> io::Result<Option<Box<dyn Held>>> {
    let file = open()?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file).filter(|file| file.stands_at(path)).map(|file| Box::new(file) as _)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Returns a lock of the bytes that stand for `count` numbers from `first`. A folder has no bytes to lock; the kernel
/// only compares the ranges.
#[cfg(target_os = "linux")]
fn byte_range(first: u64, count: u64, kind: i32) -> Option<libc::flock> {
    Some(libc::flock {
        l_type: kind.try_into().ok()?,
        l_whence: libc::SEEK_SET.try_into().ok()?,
        l_start: first.try_into().ok()?,
        l_len: count.try_into().ok()?,
        l_pid: 0,
    })
}

/// Returns whether another mark of the folder has one of these numbers. It asks the kernel which lock would conflict
/// with a write lock of the range. The write lock is never taken.
#[cfg(target_os = "linux")]
fn is_marked(folder: &File, first: u64, count: u64) -> io::Result<bool> {
    let Some(mut asked) = byte_range(first, count, libc::F_WRLCK) else { return Ok(false) };
    nix::fcntl::fcntl(folder, FcntlArg::F_OFD_GETLK(&mut asked))?;
    Ok(i32::from(asked.l_type) != libc::F_UNLCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_of_a_folder_is_not_that_of_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = MachineDisk.lock(&path).unwrap().unwrap();
        assert!(MachineDisk.lock(&path).unwrap().is_none());
        assert!(MachineDisk.is_locked(&path).unwrap());
        let of_folder = MachineDisk.lock_folder(folder.path()).unwrap().unwrap();
        assert!(MachineDisk.lock_folder(folder.path()).unwrap().is_none());
        std::fs::remove_file(&path).unwrap();
        assert!(!held.stands_at(&path));
        assert!(MachineDisk.lock(&path).unwrap().is_some(), "it is another file");
        assert!(of_folder.stands_at(folder.path()), "what is removed in it frees nothing");
        assert!(MachineDisk.lock_folder(folder.path()).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_not_locked() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(MachineDisk.lock_folder(&link).is_err());
        assert!(MachineDisk.mark(&link, 1).is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_mark_stays_as_long_as_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let marks = |numbers: &[u64]| MachineDisk.marks(folder.path(), numbers).unwrap();
        assert_eq!(marks(&[1, 2]), [0; 0]);
        let last = u64::MAX >> 1;
        let held = [1, last].map(|number| MachineDisk.mark(folder.path(), number).unwrap());
        // A second mark with the same number is allowed, and its end does not end the first.
        drop(MachineDisk.mark(folder.path(), 1).unwrap());
        assert_eq!(marks(&[1, 2, last - 1, last]), [1, last]);
        let locked = MachineDisk.lock_folder(folder.path()).unwrap();
        assert!(locked.is_some(), "the lock of the folder is another thing");
        assert!(!held[0].is_behind(1), "its own is none that is lower");
        assert!(held[1].is_behind(last));
        drop(held);
        assert_eq!(marks(&[1, 2, last]), [0; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn new_files_get_the_permissions_of_their_folder() {
        use std::os::unix::fs::PermissionsExt as _;

        let above = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        for (of_folder, of_file) in [(0o775, 0o664), (0o2770, 0o660), (0o700, 0o600)] {
            let folder = above.path().join(format!("{of_folder:o}"));
            std::fs::create_dir(&folder).unwrap();
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(of_folder)).unwrap();
            MachineDisk.create_folder(&folder.join(".run")).unwrap();
            assert_eq!(mode(&folder.join(".run")), of_folder);
            drop(MachineDisk.lock(&folder.join("lock")).unwrap());
            drop(MachineDisk.create(&folder.join("a.tmp"), &folder.join("a")).unwrap());
            assert_eq!((mode(&folder.join("lock")), mode(&folder.join("a.tmp"))), (of_file, of_file));
            std::fs::set_permissions(folder.join("lock"), std::fs::Permissions::from_mode(0o640)).unwrap();
            drop(MachineDisk.create(&folder.join("b.tmp"), &folder.join("lock")).unwrap());
            assert_eq!(mode(&folder.join("b.tmp")), 0o640, "as the file that it replaces");
        }
    }
}
