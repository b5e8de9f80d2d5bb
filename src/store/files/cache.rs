//! Files as they were parsed last. Nobody can tell that they are kept: a file is parsed again as soon as
//! it is another one.
//!
//! A file is the same if its identity (device, inode, size, times) is, and its last change lies so far back
//! that a later one could not have got the same time. If it does not lie so far back, as right after a
//! commit, the bytes are read and compared, which costs a fraction of parsing them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, Identity, ReadError};

/// How many files of one kind are kept: more workstreams than one server usually serves.
const MAX_FILES: usize = 8;

/// The files of one kind, each with what it was parsed into.
#[derive(Debug)]
pub(super) struct Cache<T> {
    files: Mutex<HashMap<PathBuf, CachedFile<T>>>,
}

#[derive(Debug)]
struct CachedFile<T> {
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
    /// Returns what the file is parsed into as it is now; `None` where there is none. `identity` was asked
    /// before this: what changes in between changes it.
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
        // What changed so lately that the next change could have the same time is compared again.
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

    /// Keeps what was just written.
    pub(super) fn put(&self, path: &Path, bytes: Vec<u8>, parsed: Arc<T>) {
        self.keep(path, CachedFile { identity: None, bytes: Arc::new(bytes), parsed });
    }

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
