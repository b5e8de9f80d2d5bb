//! Who is alive (DESIGN §6a). A server process that holds something marks `work/` with a number of its own, and keeps a
//! lock on a file of its name in `work/.run/`. The kernel takes both away at the instant the process ends, however it
//! ends, and only then.
//!
//! The file can be removed while the process lives (`git clean -fdx`, `rm -rf work/.run`); the mark cannot, and whoever
//! may read `work/` may see it. The file is for systems and file systems that have no such marks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::disk::{Disk, Held};
use super::folders::{in_run_folder, run_folder};
use super::lock::{LAST_PLACE, until};
use crate::board::ServerId;
use crate::fault::Fault;
use crate::store::LOCK_WAIT;

/// That by which this process shows that it lives, by workspace.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    held: Mutex<HashMap<PathBuf, Signs>>,
}

#[derive(Debug)]
struct Signs {
    file: Box<dyn Held>,
    /// `None`: the folder could not be marked.
    mark: Option<Box<dyn Held>>,
}

impl Liveness {
    /// Shows that `server` lives, from now until the process ends. The caller holds the workspace's
    /// lock, so that nobody tidies up in between.
    pub(super) fn announce(&self, disk: &dyn Disk, root: &Path, server: ServerId) -> Result<(), Fault> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let path = run_folder(root).join(server.to_string());
        // Somebody may have cleaned the folder up, or put another `work/` in its place.
        let work = root.join("work");
        let is_marked = |signs: &Signs| signs.mark.as_ref().is_some_and(|mark| mark.stands_at(&work));
        if held.get(root).is_some_and(|signs| signs.file.stands_at(&path) && is_marked(signs)) {
            return Ok(());
        }
        // The mark first: there is no instant at which neither shows.
        let mark = disk.mark(&work, mark(server));
        if let Some(signs) = held.get_mut(root).filter(|signs| signs.file.stands_at(&path)) {
            signs.mark = mark;
            return Ok(());
        }
        tidy(disk, root);
        // Whoever asks whether the server lives holds the lock of the file for an instant.
        let file = until(Instant::now() + LOCK_WAIT, || in_run_folder(disk, root, || disk.lock(&path)));
        let file = file.map_err(Fault::io("lock", &path))?;
        held.insert(root.to_owned(), Signs { file: file.ok_or(Fault::Busy { path })?, mark });
        Ok(())
    }

    /// Takes all signs away: what the process holds can be taken over at once.
    pub(super) fn end(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Shows it again, where the process had shown it and somebody has put another `work/` in the place of the one that
    /// was marked. The file follows with the next write.
    pub(super) fn show_again(&self, disk: &dyn Disk, root: &Path, server: ServerId) {
        let work = root.join("work");
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signs) = held.get_mut(root)
            && signs.mark.as_ref().is_some_and(|mark| !mark.stands_at(&work))
        {
            signs.mark = disk.mark(&work, mark(server));
        }
    }
}

/// Returns the number with which a living server marks the folder.
fn mark(server: ServerId) -> u64 {
    LAST_PLACE + 1 + (server.number() & LAST_PLACE)
}

/// Who is alive, as far as that can be seen.
#[derive(Debug, Default)]
pub(super) struct Alive {
    pub(super) servers: BTreeSet<ServerId>,
    /// Those of them that count as alive because their file cannot be looked at, with what the system says.
    pub(super) unseen: BTreeMap<ServerId, String>,
}

/// Returns those of `servers` that are alive.
pub(super) fn alive(disk: &dyn Disk, root: &Path, servers: impl Iterator<Item = ServerId>) -> Alive {
    let named: BTreeSet<ServerId> = servers.collect();
    let mut alive = Alive::default();
    if named.is_empty() {
        return alive;
    }
    let numbers: Vec<u64> = named.iter().map(|server| mark(*server)).collect();
    let marks = disk.marks(&root.join("work"), &numbers);
    for server in named {
        if marks.as_ref().is_ok_and(|marks| marks.contains(&mark(server))) {
            alive.servers.insert(server);
            continue;
        }
        match disk.is_locked(&run_folder(root).join(server.to_string())) {
            Ok(false) => {}
            Ok(true) => drop(alive.servers.insert(server)),
            Err(error) => {
                alive.servers.insert(server);
                alive.unseen.insert(server, error.to_string());
            }
        }
    }
    alive
}

/// Removes the files of processes that are gone.
fn tidy(disk: &dyn Disk, root: &Path) {
    let folder = run_folder(root);
    for name in disk.names(&folder).unwrap_or_default() {
        let path = folder.join(&name);
        if name.parse::<ServerId>().is_ok() && disk.is_locked(&path).is_ok_and(|is_locked| !is_locked) {
            // One that stays is no harm: its lock is free.
            let _ = disk.remove(&path);
        }
    }
}
