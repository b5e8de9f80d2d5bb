//! Parse cache, validated by file identity. It only saves parsing: every call looks at every file, and a cached value
//! is used only if the file is certainly still the one that was parsed.
//!
//! **Why identity.** Other processes, editors and git write these files and tell nobody. The identity of a file
//! (device, inode, size, times) costs one system call. Notifications of the kernel would cost a thread, and one can be
//! lost.
//!
//! **Why not identity alone.** Kernels tell time in steps of up to 10 ms. If a file is written twice within a step,
//! both texts can have the same identity. So an identity counts only if the last change is older than a step
//! ([`Identity::is_settled`]). Otherwise, as right after a commit, the bytes are read and compared with the cached
//! ones. That costs a fraction of parsing them (docs/performance.md).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, Identity, ReadError};

/// The most files of one kind in the cache: more workstreams than one server usually serves.
const MAX_FILES: usize = 8;

/// The files of one kind, each with the value that it was parsed into.
#[derive(Debug)]
pub(super) struct Cache<T> {
    files: Mutex<HashMap<PathBuf, CachedFile<T>>>,
}

#[derive(Debug)]
struct CachedFile<T> {
    /// The identity at the last read. `None`: the last change was too recent for the identity to count. Then only the
    /// bytes do.
    identity: Option<Identity>,
    bytes: Arc<Vec<u8>>,
    parsed: Arc<T>,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self { files: Mutex::default() }
    }
}

impl<T> Cache<T> {
    /// Returns the value of the file as it is now; `None` if there is no file. Reads at most `limit` bytes. `unread`
    /// makes the error of a file that cannot be read, `parse` the value.
    ///
    /// The caller asks for `identity` before this call. If the file changes in between, the cache has an old identity
    /// for new bytes; the next call sees another identity and looks again. An identity that is asked after the read
    /// would hide such a change.
    pub(super) fn get<E>(
        &self,
        disk: &dyn Disk,
        path: &Path,
        identity: Option<Identity>,
        limit: u64,
        unread: impl FnOnce(ReadError) -> E,
        parse: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Option<Arc<T>>, E> {
        let known =
            self.files().get(path).map(|kept| (kept.identity, Arc::clone(&kept.bytes), Arc::clone(&kept.parsed)));
        if let (Some(now), Some((Some(then), _, parsed))) = (identity, &known)
            && now == *then
        {
            return Ok(Some(Arc::clone(parsed)));
        }
        // The next change could have the same time as this one. Until that is impossible, later calls compare the
        // bytes.
        let identity = identity.filter(Identity::is_settled);
        let (bytes, parsed) = match known {
            Some((_, known, parsed)) if disk.holds(path, &known) => (known, parsed),
            _ => {
                let bytes = match disk.read(path, limit) {
                    Ok(bytes) => bytes,
                    Err(ReadError::Absent) => return Ok(None),
                    Err(why) => return Err(unread(why)),
                };
                let parsed = Arc::new(parse(&bytes)?);
                (Arc::new(bytes), parsed)
            }
        };
        self.keep(path, CachedFile { identity, bytes, parsed: Arc::clone(&parsed) });
        Ok(Some(parsed))
    }

    /// Caches a file that this process has just written. The next call compares the bytes, in case another process has
    /// written the file since.
    pub(super) fn put(&self, path: &Path, bytes: Vec<u8>, parsed: Arc<T>) {
        self.keep(path, CachedFile { identity: None, bytes: Arc::new(bytes), parsed });
    }

    /// Adds a file. A full cache is emptied: so many files are rare, and they are only parsed again.
    fn keep(&self, path: &Path, kept: CachedFile<T>) {
        let mut files = self.files();
        if files.len() >= MAX_FILES && !files.contains_key(path) {
            files.clear();
        }
        files.insert(path.to_owned(), kept);
    }

    fn files(&self) -> MutexGuard<'_, HashMap<PathBuf, CachedFile<T>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
