//! The file system of the machine. What Unix and Windows have in another way is in `unix` and `windows`, which have the
//! same functions.

#[cfg(target_os = "linux")]
mod marks;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "windows.rs")]
mod own;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use super::{Disk, Held, Identity, Kind, NewFile, ReadError};
use crate::system;

/// The file system of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MachineDisk;

impl Disk for MachineDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let file = match system::open(OpenOptions::new().read(true), path) {
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
        let Ok(mut file) = system::open(OpenOptions::new().read(true), path) else { return false };
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

    fn identity(&self, path: &Path) -> Option<Identity> {
        own::identity(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        // This program gives no names that are not UTF-8.
        Ok(fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)?;
        own::open_as_above(folder);
        Ok(())
    }

    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = system::create_new(path)?;
        own::copy_permissions(&file, like)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        system::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        system::remove(path)
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        system::sync_folder(folder)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Held>>> {
        Ok(held_at(path, own::lock(path)?))
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        system::is_locked(path)
            .or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(false) } else { Err(error) })
    }

    fn lock_folder(&self, folder: &Path) -> io::Result<Option<Box<dyn Held>>> {
        match own::lock_folder(folder) {
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Some(Box::new(NoLock))),
            locked => Ok(held_at(folder, locked?)),
        }
    }

    fn mark(&self, folder: &Path, number: u64) -> Option<Box<dyn Held>> {
        own::mark(folder, number).map(|file| Box::new(file) as _)
    }

    fn marks(&self, folder: &Path, numbers: &[u64]) -> io::Result<Vec<u64>> {
        own::marks(folder, numbers)
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
        own::stands_at(self, path)
    }

    fn is_behind(&self, number: u64) -> bool {
        own::is_behind(self, number)
    }

    fn note(&self, text: &str) {
        let mut file = self;
        let _ = file.write_all(text.as_bytes()).and_then(|()| file.set_len(text.len() as u64));
    }
}

/// Returns why a file was not read, by what stands at its path.
fn read_error(there: Option<Kind>, error: io::Error) -> ReadError {
    match there {
        Some(Kind::Link) => ReadError::Link,
        Some(Kind::Folder | Kind::Other) => ReadError::NoFile,
        _ => ReadError::Io(error),
    }
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

/// Returns a lock that was taken, unless the path led to another file by the time it was: the lock of a removed file keeps
/// nobody out.
fn held_at(path: &Path, locked: Option<File>) -> Option<Box<dyn Held>> {
    locked.filter(|file| file.stands_at(path)).map(|file| Box::new(file) as _)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
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

    #[cfg(windows)]
    #[test]
    fn a_locked_file_can_be_read_and_cannot_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = MachineDisk.lock(&path).unwrap().unwrap();
        held.note("by a test");
        assert!(MachineDisk.lock(&path).unwrap().is_none());
        assert!(MachineDisk.is_locked(&path).unwrap());
        assert_eq!(MachineDisk.read(&path, 100).unwrap(), b"by a test");
        assert!(std::fs::remove_file(&path).is_err());
        assert!(held.stands_at(&path));
        drop(held);
        assert!(!MachineDisk.is_locked(&path).unwrap());
        assert!(MachineDisk.lock(&path).unwrap().is_some());
        assert!(MachineDisk.lock_folder(folder.path()).unwrap().is_some(), "every caller gets one");
        std::fs::remove_file(&path).unwrap();
        assert!(!MachineDisk.is_locked(&path).unwrap());
    }

    /// A system may refuse to replace a file while somebody reads it. That must not last.
    #[cfg_attr(windows, ignore = "Wine 8 refuses it for longer; Windows has to show it")]
    #[test]
    fn a_file_that_is_read_again_and_again_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        std::fs::write(&old, "0").unwrap();
        std::thread::scope(|scope| {
            let writes = scope.spawn(|| {
                for number in 1..50 {
                    std::fs::write(&new, number.to_string()).unwrap();
                    MachineDisk.rename(&new, &old).unwrap();
                }
            });
            while !writes.is_finished() {
                let text = MachineDisk.read(&old, 100).unwrap();
                assert!(String::from_utf8(text).unwrap().parse::<u8>().is_ok());
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        assert_eq!(MachineDisk.read(&old, 100).unwrap(), b"49");
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
