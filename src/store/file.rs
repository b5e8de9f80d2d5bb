//! The store of one machine: the files themselves.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::import::importable;
use super::liveness::Liveness;
use super::lock::lock;
use super::snapshot::{MAX_STATE_BYTES, Snapshot, read_index};
use super::tasks_json::TasksJson;
use super::workspace::{Place, known};
use super::{index_json, threads_json, unwritable};
use crate::board::{Board, ServerId};
use crate::clock::Moment;
use crate::decide::{Ledger, Refusal};
use crate::fault::{Fault, Stopped};

/// How long a call waits for the lock before it is told that the workspace is busy.
pub const LOCK_WAIT: Duration = Duration::from_secs(10);

/// The files of a workspace. Any number of processes may use them at once.
#[derive(Debug)]
pub struct FileStore {
    place: Place,
    /// The server process that this store writes for; `None` on the command line.
    server: Option<ServerId>,
    liveness: Liveness,
    /// Calls of this process take their turns here, so that only one of them waits for other processes.
    turn: Mutex<()>,
}

/// The workstreams of a workspace.
#[derive(Debug)]
pub struct Listed {
    /// The ids of those that have a plan: in the order of index.json, then by name.
    pub workstreams: Vec<String>,
    /// The one that is meant when nobody names one.
    pub current: Option<String>,
    /// Folders that `work import` can make workstreams of, from the workspace on.
    pub importable: Vec<String>,
}

/// A workstream that nobody else can change until this is dropped or committed.
#[derive(Debug)]
pub struct Locked<'s> {
    snapshot: Snapshot,
    store: &'s FileStore,
    _lock: File,
    _turn: MutexGuard<'s, ()>,
}

impl FileStore {
    /// Makes a store. Touches no file.
    pub fn new(place: Place, server: Option<ServerId>) -> Self {
        Self { place, server, liveness: Liveness::default(), turn: Mutex::new(()) }
    }

    /// Reads the workstream as it is now: the one that is `wanted` by id or name, else the default.
    pub fn read(&self, wanted: Option<&str>) -> Result<Snapshot, Stopped> {
        Snapshot::read(self.place.workspace()?, &self.place, wanted, self.server)
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn workspace(&self) -> Result<PathBuf, Refusal> {
        self.place.workspace()
    }

    /// Returns the workstreams of the workspace.
    pub fn list(&self) -> Result<Listed, Stopped> {
        let root = self.place.workspace()?;
        let (index, _) = read_index(&root)?;
        let current = self.place.workstream(&root, None, &index).ok().map(|selected| selected.workstream);
        Ok(Listed { workstreams: known(&root, &index), current, importable: importable(&root) })
    }

    /// Returns the id of the workstream that is `wanted` by id or name, else of the default, also if its
    /// files cannot be read.
    pub fn selected(&self, wanted: Option<&str>) -> Result<String, Stopped> {
        let root = self.place.workspace()?;
        let (index, _) = read_index(&root)?;
        Ok(self.place.workstream(&root, wanted, &index)?.workstream)
    }

    /// Takes the right to write, and reads the workstream as it is then.
    pub fn lock(&self, wanted: Option<&str>) -> Result<Locked<'_>, Stopped> {
        let root = self.place.workspace()?;
        let asked = Instant::now();
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = lock(&root, LOCK_WAIT.saturating_sub(asked.elapsed()))?;
        let snapshot = Snapshot::read(root, &self.place, wanted, self.server)?;
        Ok(Locked { snapshot, store: self, _lock: lock, _turn: turn })
    }
}

impl Locked<'_> {
    /// Returns the workstream as it is.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Writes what the ledger holds. When this returns, it is durable.
    ///
    /// A decision of a person that changes both files writes the threads first: what dies in between
    /// leaves threads cancelled and no approval, and the same command finishes it.
    pub fn commit(self, ledger: &Ledger) -> Result<(), Fault> {
        let Snapshot { root, workstream, index_text, .. } = &self.snapshot;
        if let Some(server) = self.store.server
            && ledger.board().servers().any(|holder| holder == server)
        {
            self.store.liveness.announce(root, server)?;
        }
        if !ledger.events().is_empty() {
            self.write_threads(ledger.board(), ledger.at())?;
        }
        if !ledger.index_events().is_empty() {
            let path = root.join("work").join("index.json");
            let text = index_json::write(index_text.as_deref(), workstream, ledger.index_events(), ledger.at())
                .map_err(|error| unwritable(&path, &error))?;
            replace(&path, text.as_bytes())?;
        }
        Ok(())
    }

    /// Writes threads.json. What was read from tasks.json is written down with the first change: from
    /// then on there is one file to read.
    pub(super) fn write_threads(&self, after: &Board, at: Moment) -> Result<(), Fault> {
        let Snapshot { root, workstream, threads, threads_text, .. } = &self.snapshot;
        let path = root.join("work").join(workstream).join("threads.json");
        let text = threads_text.as_deref();
        let alone;
        let before = if threads.from_tasks.is_empty() {
            &threads.board
        } else {
            alone = threads_json::read(text, &TasksJson::default()).map_err(|error| unwritable(&path, &error))?;
            &alone.board
        };
        let text = threads_json::write(text, workstream, before, after, &threads.from_tasks, at)
            .map_err(|error| unwritable(&path, &error))?;
        replace(&path, text.as_bytes())
    }
}

/// Replaces a file as a whole: after a power cut at any instant there is the old text or the new one.
///
/// The temporary file has one name, which is safe under the workspace's lock, so that a process that
/// dies here leaves at most one behind, and the next write takes it over.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<(), Fault> {
    if text.len() as u64 > MAX_STATE_BYTES {
        // Nobody could read it again.
        return Err(Fault::TooLarge { path: path.to_owned(), bytes: text.len(), limit: MAX_STATE_BYTES });
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Fault::Internal(format!("{} names no file", path.display())));
    };
    let temporary = folder.join(format!(".{}.tmp", name.to_string_lossy()));
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Fault::io("remove", &temporary)(error));
        }
        _ => {}
    }
    let written = write_and_sync(&temporary, path, text)
        .and_then(|()| fs::rename(&temporary, path).map_err(Fault::io("replace", path)));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_folder(folder)
}

fn write_and_sync(temporary: &Path, path: &Path, text: &[u8]) -> Result<(), Fault> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(temporary).map_err(Fault::io("create", temporary))?;
    if let Ok(metadata) = fs::metadata(path) {
        file.set_permissions(metadata.permissions()).map_err(Fault::io("set the permissions of", temporary))?;
    }
    file.write_all(text).map_err(Fault::io("write", temporary))?;
    file.sync_all().map_err(Fault::io("sync", temporary))
}

/// A rename is durable once its folder is. Windows has no such call and needs none.
fn sync_folder(folder: &Path) -> Result<(), Fault> {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(Fault::io("sync", folder))?;
    }
    Ok(())
}
