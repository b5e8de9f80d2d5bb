//! Who is alive (DESIGN §6a). A server process that holds something keeps a lock on a file of its
//! name in `work/.run/`; the kernel frees the lock at the instant the process ends, however it ends.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::lock::{is_file_at, open, run_folder};
use crate::board::ServerId;
use crate::fault::Fault;

/// The locks by which this process shows that it lives, by workspace.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    held: Mutex<HashMap<PathBuf, File>>,
}

impl Liveness {
    /// Shows that `server` lives, from now until the process ends. The caller holds the workspace's
    /// lock, so that nobody tidies up in between.
    pub(super) fn announce(&self, root: &Path, server: ServerId) -> Result<(), Fault> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let path = run_folder(root).join(server.to_string());
        // Somebody may have cleaned the folder up (`git clean`): then the name is written anew.
        if held.get(root).is_some_and(|file| is_file_at(file, &path)) {
            return Ok(());
        }
        tidy(root);
        let file = open(&path).map_err(Fault::io("open", &path))?;
        file.lock().map_err(Fault::io("lock", &path))?;
        held.insert(root.to_owned(), file);
        Ok(())
    }
}

/// Returns those of `servers` that are alive.
pub(super) fn alive(root: &Path, servers: impl Iterator<Item = ServerId>) -> BTreeSet<ServerId> {
    let named: BTreeSet<ServerId> = servers.collect();
    named.into_iter().filter(|server| lives(&run_folder(root).join(server.to_string()))).collect()
}

/// Whoever asks takes a shared lock, so that two who ask at once do not take each other for the owner.
fn lives(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => file.try_lock_shared().is_err(),
        // What cannot be looked at may live: nobody is taken for dead on a guess.
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// Removes the files of processes that are gone.
fn tidy(root: &Path) {
    let Ok(files) = std::fs::read_dir(run_folder(root)) else { return };
    for file in files.filter_map(Result::ok) {
        let is_server = file.file_name().to_str().is_some_and(|name| name.parse::<ServerId>().is_ok());
        if is_server && !lives(&file.path()) {
            // One that stays is no harm: its lock is free.
            let _ = std::fs::remove_file(file.path());
        }
    }
}
