//! Notices when the files of a workspace change, whoever changes them. It costs nothing while nothing
//! happens: the kernel tells.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::file::FileStore;
use super::lock::{LOCK, run_folder};
use crate::fault::{Fault, Stopped};

/// Follows the files of one workstream until it is dropped.
#[derive(Debug)]
pub struct Watch {
    watcher: RecommendedWatcher,
    root: PathBuf,
    followed: BTreeMap<PathBuf, u64>,
}

impl FileStore {
    /// Starts to follow the workspace; `tell` is called from another thread whenever something may have
    /// changed, also several times for one change. [`Watch::follow`] says which workstream.
    pub fn watch(&self, tell: impl Fn() + Send + 'static) -> Result<Watch, Stopped> {
        let root = self.workspace()?;
        let handler = move |event: notify::Result<Event>| {
            // An error can mean that events were lost.
            if event.is_ok_and(|event| !matters(&event)) {
                return;
            }
            tell();
        };
        let watcher = notify::recommended_watcher(handler).map_err(|error| unwatchable(&root, error))?;
        Ok(Watch { watcher, root, followed: BTreeMap::new() })
    }
}

impl Watch {
    /// Follows what there is to follow by now of a workstream: folders are made while time goes by.
    /// Returns whether there was something new; what was read before can have changed unnoticed.
    pub fn follow(&mut self, workstream: Option<&str>) -> Result<bool, Fault> {
        let mut is_new = false;
        let work = self.root.join("work");
        let folder = workstream.map(|id| work.join(id));
        for folder in [Some(run_folder(&self.root)), Some(work), folder].into_iter().flatten() {
            let Some(now) = identity(&folder) else { continue };
            if self.followed.get(&folder) != Some(&now) {
                // One of that name that was removed meanwhile is still followed, and says nothing more.
                let _ = self.watcher.unwatch(&folder);
                self.watcher
                    .watch(&folder, RecursiveMode::NonRecursive)
                    .map_err(|error| unwatchable(&folder, error))?;
                self.followed.insert(folder, now);
                is_new = true;
            }
        }
        Ok(is_new)
    }
}

/// Returns what tells a folder from another one that takes its name later.
fn identity(folder: &Path) -> Option<u64> {
    let metadata = folder.metadata().ok().filter(std::fs::Metadata::is_dir)?;
    #[cfg(unix)]
    let identity = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let identity = u64::from(metadata.is_dir());
    Some(identity)
}

/// Reading matters to nobody, and the lock and temporary files stand before the change that will. That
/// a process closes the file under its name means that it has ended.
fn matters(event: &Event) -> bool {
    let is_change = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Any
        | EventKind::Other => true,
        EventKind::Access(_) => false,
    };
    let is_aside = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == LOCK || name.ends_with(".tmp")
    };
    is_change && (event.paths.is_empty() || !event.paths.iter().all(is_aside))
}

fn unwatchable(path: &Path, error: notify::Error) -> Fault {
    let source = match error.kind {
        notify::ErrorKind::Io(source) => source,
        kind => std::io::Error::other(notify::Error::new(kind).to_string()),
    };
    Fault::io("watch", path)(source)
}
