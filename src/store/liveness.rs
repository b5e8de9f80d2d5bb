//! Who is alive (DESIGN §6a). A server process that holds something keeps a lock on a file of its
//! name in `work/.run/`; the kernel frees the lock at the instant the process ends, however it ends.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::LOCK_WAIT;
use super::disk::{Disk, Held};
use super::lock::{ignore_run_folder, run_folder};
use crate::board::ServerId;
use crate::fault::Fault;

/// The locks by which this process shows that it lives, by workspace.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    held: Mutex<HashMap<PathBuf, Box<dyn Held>>>,
}

impl Liveness {
    /// Shows that `server` lives, from now until the process ends. The caller holds the workspace's
    /// lock, so that nobody tidies up in between.
    pub(super) fn announce(&self, disk: &dyn Disk, root: &Path, server: ServerId) -> Result<(), Fault> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let path = run_folder(root).join(server.to_string());
        // Somebody may have cleaned the folder up (`git clean`): then the name is written anew.
        if held.get(root).is_some_and(|lock| lock.stands_at(&path)) {
            return Ok(());
        }
        ignore_run_folder(disk, root)?;
        tidy(disk, root);
        // Whoever asks whether the server lives holds the lock for an instant.
        let lock = disk.lock(&path, LOCK_WAIT).map_err(Fault::io("lock", &path))?;
        held.insert(root.to_owned(), lock.ok_or(Fault::Busy { path })?);
        Ok(())
    }
}

/// Returns those of `servers` that are alive.
pub(super) fn alive(disk: &dyn Disk, root: &Path, servers: impl Iterator<Item = ServerId>) -> BTreeSet<ServerId> {
    let named: BTreeSet<ServerId> = servers.collect();
    named.into_iter().filter(|server| disk.is_locked(&run_folder(root).join(server.to_string()))).collect()
}

/// Removes the files of processes that are gone.
fn tidy(disk: &dyn Disk, root: &Path) {
    let folder = run_folder(root);
    for name in disk.names(&folder).unwrap_or_default() {
        let path = folder.join(&name);
        if name.parse::<ServerId>().is_ok() && !disk.is_locked(&path) {
            // One that stays is no harm: its lock is free.
            let _ = disk.remove(&path);
        }
    }
}
