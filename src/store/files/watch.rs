//! Watches the files of a workspace for changes by any process. The kernel reports them, so a watch costs nothing while
//! nothing changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::folders::run_folder;
use super::lock::LOCK;
use crate::fault::Fault;
use crate::store::Watch;

/// A watch on the files of a workspace. Dropping it ends the watch.
#[derive(Debug)]
pub(super) struct FileWatch {
    watcher: RecommendedWatcher,
    root: PathBuf,
    /// The folders that the kernel watches.
    followed: BTreeSet<PathBuf>,
    /// Folders that were removed or renamed. The kernel's watch stays with the old folder, so a new one of that name
    /// needs a watch of its own.
    gone: Arc<Mutex<Vec<PathBuf>>>,
}

/// Starts to watch the workspace at `root`. Reports nothing before the first [`Watch::follow`].
pub(super) fn watch(root: &Path, tell: Box<dyn Fn() + Send + Sync>) -> Result<FileWatch, Fault> {
    let gone = Arc::new(Mutex::new(Vec::new()));
    let seen_gone = Arc::clone(&gone);
    let handler = move |event: notify::Result<Event>| {
        // An error can mean that events were lost, so it counts as a change.
        if let Ok(event) = event {
            if !is_relevant(&event) {
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
    // It is called again and again, since a folder that does not exist yet cannot be watched.
    fn follow(&mut self, workstream: Option<&str>) -> Result<bool, Fault> {
        for path in self.gone.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The folders in a folder that was moved have moved with it.
            let moved: Vec<PathBuf> = self.followed.iter().filter(|one| one.starts_with(&path)).cloned().collect();
            for path in moved {
                self.followed.remove(&path);
                // The kernel has ended the watch of a folder that was removed. Then this fails, and that is fine.
                let _ = self.watcher.unwatch(&path);
            }
        }
        let mut is_new = false;
        let work = self.root.join("work");
        let folder = workstream.map(|id| work.join(id));
        // While there is no `work/`, only the folder above it reports that it is made.
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
                // The folder was removed between the check and the call.
                Err(_) if !folder.is_dir() => {}
                Err(error) => return Err(unwatchable(&folder, error)),
            }
        }
        // `work/` was made after the check, and before the folder above was watched: no event has told of it.
        if waits_for_work && self.root.join("work").is_dir() {
            return self.follow(workstream).map(|_| true);
        }
        Ok(is_new)
    }
}

/// Returns whether an event can be a change for a reader. Reading a file is no change. Neither is an event of the lock
/// or a temporary file: the rename that follows it is the change. Closing a file counts: a server that ends closes the
/// file of its name in `work/.run`.
fn is_relevant(event: &Event) -> bool {
    let is_change = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Any
        | EventKind::Other => true,
        EventKind::Access(_) => false,
    };
    let is_temporary = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == LOCK || name.ends_with(".tmp")
    };
    is_change && (event.paths.is_empty() || !event.paths.iter().all(is_temporary))
}

/// Returns the fault of a folder that cannot be watched.
fn unwatchable(path: &Path, error: notify::Error) -> Fault {
    let source = match error.kind {
        notify::ErrorKind::Io(source) => source,
        kind => std::io::Error::other(notify::Error::new(kind).to_string()),
    };
    Fault::io("watch", path)(source)
}
