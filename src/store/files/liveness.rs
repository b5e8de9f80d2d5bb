//! Which server processes are alive (DESIGN §6a). Cycles and attempts name the server that holds them. Another server
//! may take over only if that server is gone for certain: two planners on one batch would do the work twice.
//!
//! A server that holds something shows it by two signs:
//!
//! - **A mark**: an open-file-description lock of one byte of the folder `work/`. It cannot be removed without the
//!   state, and every user who may read `work/` can see it. A plain POSIX lock would not do: the kernel drops it as
//!   soon as the process closes any descriptor of the folder, and every write opens and closes the folder to lock it.
//! - **A lock of the file** `work/.run/<uuid>`. It is there because only Linux has such marks, and not on every file
//!   system. A clean-up can remove the file, and it can belong to another user who lets nobody open it.
//!
//! The file also says for people which client and process it is.
//!
//! The kernel frees both when the process ends, however it ends, and not before. So no timer is needed, and a server
//! that is slow or stopped is not taken for dead. One missing sign proves nothing: a server counts as gone only if it
//! shows neither, and as alive if the system does not say. The limit is a system without marks: there a server whose
//! file was removed counts as gone until its next write (docs/reliability.md).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::disk::{Disk, Held};
use super::folders::{in_run_folder, run_folder};
use super::lock::{LAST_PLACE, until};
use crate::board::{Introduction, ServerId};
use crate::fault::Fault;
use crate::format::server_json;
use crate::store::LOCK_WAIT;

/// The most that is read of a file with an introduction, in bytes.
const MAX_INTRODUCTION: u64 = 4096;

/// The signs of life of this process, by the root of the workspace.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    held: Mutex<HashMap<PathBuf, Signs>>,
}

/// The signs of life in one workspace.
#[derive(Debug)]
struct Signs {
    /// The lock of the file `work/.run/<uuid>`.
    file: Box<dyn Held>,
    /// The mark of `work/`. `None`: the folder could not be marked.
    mark: Option<Box<dyn Held>>,
}

impl Liveness {
    /// Shows from now on that `server` is alive. Does nothing while both signs are in place. The caller holds the lock
    /// of the workspace: otherwise another process could remove the new file, as that of a dead server, before it is
    /// locked.
    ///
    /// # Errors
    ///
    /// [`Fault::Busy`] if other processes keep the lock of the file for as long as a call may wait.
    pub(super) fn announce(
        &self,
        disk: &dyn Disk,
        root: &Path,
        server: ServerId,
        introduction: Option<&Introduction>,
    ) -> Result<(), Fault> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let path = run_folder(root).join(server.to_string());
        // Somebody may have removed the file, or put another folder in the place of `work/`.
        let work = root.join("work");
        let is_marked = |signs: &Signs| signs.mark.as_ref().is_some_and(|mark| mark.stands_at(&work));
        if held.get(root).is_some_and(|signs| signs.file.stands_at(&path) && is_marked(signs)) {
            return Ok(());
        }
        // The mark comes before the file, so that there is no instant without a sign.
        let mark = disk.mark(&work, mark(server));
        // Only the mark was missing.
        if let Some(signs) = held.get_mut(root).filter(|signs| signs.file.stands_at(&path)) {
            signs.mark = mark;
            return Ok(());
        }
        tidy(disk, root);
        // A process that asks whether this server is alive holds the lock of the file for an instant, so one try may
        // fail.
        let file = until(Instant::now() + LOCK_WAIT, || in_run_folder(disk, root, || disk.lock(&path)));
        let file = file.map_err(Fault::io("lock", &path))?;
        let file = file.ok_or(Fault::Busy { path })?;
        if let Some(text) = introduction.and_then(|introduction| serde_json::to_string(introduction).ok()) {
            file.note(&text);
        }
        // This drops the old signs, now that the new ones are in place.
        held.insert(root.to_owned(), Signs { file, mark });
        Ok(())
    }

    /// Removes all signs of life, so that other servers can take over at once what this process holds.
    pub(super) fn end(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Marks `work/` again if another folder has taken the place of the marked one. Makes no file: that follows with
    /// the next write, which holds the lock of the workspace.
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

/// Returns the number with which a server marks the folder: 62 random bits of its id, above all places of the queue.
fn mark(server: ServerId) -> u64 {
    LAST_PLACE + 1 + (server.number() & LAST_PLACE)
}

/// The servers that are alive, as far as the system shows it.
#[derive(Debug, Default)]
pub(super) struct Alive {
    /// The servers that are alive or count as alive.
    pub(super) servers: BTreeSet<ServerId>,
    /// Those of `servers` whose file cannot be looked at, with the message of the system. They count as alive.
    pub(super) unseen: BTreeMap<ServerId, String>,
}

/// Returns which of `servers` are alive.
pub(super) fn alive(disk: &dyn Disk, root: &Path, servers: impl Iterator<Item = ServerId>) -> Alive {
    let named: BTreeSet<ServerId> = servers.collect();
    let mut alive = Alive::default();
    if named.is_empty() {
        return alive;
    }
    let numbers: Vec<u64> = named.iter().map(|server| mark(*server)).collect();
    let marks = disk.marks(&root.join("work"), &numbers);
    for server in named {
        // If the folder cannot be asked for marks, the files decide.
        if marks.as_ref().is_ok_and(|marks| marks.contains(&mark(server))) {
            alive.servers.insert(server);
            continue;
        }
        match disk.is_locked(&run_folder(root).join(server.to_string())) {
            Ok(false) => {}
            Ok(true) => drop(alive.servers.insert(server)),
            Err(error) => {
                // In doubt it is alive: a take-over from a living server would do the work twice.
                alive.servers.insert(server);
                alive.unseen.insert(server, error.to_string());
            }
        }
    }
    alive
}

/// Returns what those of `servers` say of themselves whose file can be read.
pub(super) fn introductions<'s>(
    disk: &dyn Disk,
    root: &Path,
    servers: impl Iterator<Item = &'s ServerId>,
) -> BTreeMap<ServerId, Introduction> {
    let introduction = |server: &ServerId| {
        let bytes = disk.read(&run_folder(root).join(server.to_string()), MAX_INTRODUCTION).ok()?;
        let introduction = server_json::read(std::str::from_utf8(&bytes).ok()?)?;
        Some((*server, introduction))
    };
    servers.filter_map(introduction).collect()
}

/// Removes the files of servers that are gone. The caller holds the lock of the workspace.
fn tidy(disk: &dyn Disk, root: &Path) {
    let folder = run_folder(root);
    for name in disk.names(&folder).unwrap_or_default() {
        let path = folder.join(&name);
        if name.parse::<ServerId>().is_ok() && disk.is_locked(&path).is_ok_and(|is_locked| !is_locked) {
            // A file that cannot be removed does no harm: its lock is free.
            let _ = disk.remove(&path);
        }
    }
}
