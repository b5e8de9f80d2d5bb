//! What a worker prints, kept in a file of a bounded size.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::system::{log_options, remove};

/// How much of a worker's output one file keeps, in bytes. There are two: when one is full it takes the place of the one
/// before, so at least as much of the end is kept.
const MAX_BYTES: u64 = 4 << 20;

/// How many files of earlier runs are kept.
const MAX_FILES: usize = 200;

/// The output of one worker.
#[derive(Debug)]
pub(super) struct RunLog {
    path: PathBuf,
    file: File,
    written: u64,
}

impl RunLog {
    /// Makes the file anew.
    pub(super) fn begin(path: PathBuf) -> Result<Self, Fault> {
        let file = made_anew(&path).map_err(Fault::io("write", &path))?;
        Ok(Self { path, file, written: 0 })
    }

    /// Returns its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a piece of output. A full disk must not end a worker, so an error is not told.
    pub(super) fn write(&mut self, piece: &[u8]) {
        if self.written > MAX_BYTES {
            let _ = std::fs::rename(&self.path, earlier(&self.path));
            if let Ok(file) = made_anew(&self.path) {
                (self.file, self.written) = (file, 0);
            }
        }
        let _ = self.file.write_all(piece);
        self.written += piece.len() as u64;
    }
}

/// Makes a file that only its owner may read. What is there in its place is removed and not followed: workers can write
/// this folder, and a link of one could lead to any file of the person.
pub(super) fn made_anew(path: &Path) -> io::Result<File> {
    match remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    log_options().create_new(true).open(path)
}

/// Returns where the output before the last [`MAX_BYTES`] is.
fn earlier(path: &Path) -> PathBuf {
    path.with_extension("log.1")
}

/// Removes the oldest files of a folder, so that it does not grow for ever. Files that cannot be looked at stay.
pub(super) fn remove_old(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    files.sort();
    let too_many = files.len().saturating_sub(MAX_FILES);
    for (_, path) in files.drain(..too_many) {
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_output_is_kept_in_a_bounded_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("001-x.01.01.01.1.log");
        let mut log = RunLog::begin(path.clone()).unwrap();
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            log.write(&piece);
        }
        log.write(b"the last words");
        let length = |path: &Path| std::fs::metadata(path).unwrap().len();
        assert!(length(&path) <= MAX_BYTES + (1 << 20), "{}", length(&path));
        assert!(length(&earlier(&path)) <= MAX_BYTES + (1 << 20), "{}", length(&earlier(&path)));
        assert!(std::fs::read(&path).unwrap().ends_with(b"the last words"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_in_place_of_a_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, path) = (folder.path().join("target"), folder.path().join("x.log"));
        for link in [std::os::unix::fs::symlink::<&Path, &Path>, |target, path| std::fs::hard_link(target, path)] {
            std::fs::write(&target, "mine").unwrap();
            link(&target, &path).unwrap();
            RunLog::begin(path.clone()).unwrap().write(b"output");
            assert_eq!(std::fs::read(&target).unwrap(), b"mine");
            assert_eq!(std::fs::read(&path).unwrap(), b"output");
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn the_oldest_files_go() {
        let folder = tempfile::tempdir().unwrap();
        for at in 0..MAX_FILES + 5 {
            std::fs::write(folder.path().join(format!("{at}.log")), "").unwrap();
            let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at as u64);
            File::open(folder.path().join(format!("{at}.log"))).unwrap().set_modified(long_ago).unwrap();
        }
        remove_old(folder.path());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), MAX_FILES);
        assert!(!folder.path().join("4.log").exists() && folder.path().join("5.log").exists());
    }
}
