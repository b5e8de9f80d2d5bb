//! Notices when the files of a workspace change, whoever changes them. It costs nothing while nothing
//! happens: the kernel tells.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::folders::run_folder;
use super::lock::LOCK;
use crate::fault::Fault;
use crate::store::Watch;

/// Follows the files of one workstream until it is dropped.
#[derive(Debug)]
pub(super) struct FileWatch {
    watcher: RecommendedWatcher,
    root: PathBuf,
    followed: BTreeSet<PathBuf>,
    /// Folders that were removed or renamed: what takes their name has to be followed anew.
    gone: Arc<Mutex<Vec<PathBuf>>>,
}

/// Starts to follow the workspace at `root`.
pub(super) fn watch(root: &Path, tell: Box<dyn Fn() + Send + Sync>) -> Result<FileWatch, Fault> {
    let gone = Arc::new(Mutex::new(Vec::new()));
    let seen_gone = Arc::clone(&gone);
    let handler = move |event: notify::Result<Event>| {
        // An error can mean that events were lost.
        if let Ok(event) = event {
            if !matters(&event) {
                return;
            }
            if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) {
                seen_gone.lock().unwrap_or_else(PoisonError::into_inner).extend(event.paths);
            }
        }
        tell();
    };
    let watcher = notify::recommended_watcher(handler).map_err(|error| unwatchable(root, error))?;
    Ok(FileWatch { watcher, root: root.to_owned(), followed: BTreeSet::new(), gone })
}

impl Watch for FileWatch {
    // Folders are made while time goes by.
    fn follow(&mut self, workstream: Option<&str>) -> Result<bool, Fault> {
        for path in self.gone.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // What is in a folder that was moved has moved with it.
            let moved: Vec<PathBuf> = self.followed.iter().filter(|one| one.starts_with(&path)).cloned().collect();
            for path in moved {
                self.followed.remove(&path);
                // The kernel has forgotten one that was removed already.
                let _ = self.watcher.unwatch(&path);
            }
        }
        let mut is_new = false;
        let work = self.root.join("work");
        let folder = workstream.map(|id| work.join(id));
        // While there is no `work/`, what comes in its place is told by the folder above.
        let above = (!work.is_dir()).then(|| self.root.clone());
        let waits_for_work = above.is_some();
        if above.is_none() && self.followed.remove(&self.root) {
            let _ = self.watcher.unwatch(&self.root);
        }
        for folder in [above, Some(work), Some(run_folder(&self.root)), folder].into_iter().flatten() {
            if self.followed.contains(&folder) || !folder.is_dir() {
                continue;
            }
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => is_new |= self.followed.insert(folder),
                // It went between the look and the call.
                Err(_) if !folder.is_dir() => {}
                Err(error) => return Err(unwatchable(&folder, error)),
            }
        }
        // It came between the look and the call.
        if waits_for_work && self.root.join("work").is_dir() {
            return self.follow(workstream).map(|_| true);
        }
        Ok(is_new)
    }
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
