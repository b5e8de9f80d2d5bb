//! The store of one machine: the files themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::commit::{Change, commit, is_under_way, plain_folder};
use super::disk::{Disk, MachineDisk};
use super::holds::Holds;
use super::import::importable;
use super::liveness::Liveness;
use super::lock::{Locks, lock};
use super::snapshot::{APPROVED_PLAN, Files, Snapshot, ThreadsFile};
use super::tasks_json::TasksJson;
use super::watch::watch;
use super::workspace::{Place, Workspace, has_plan, known};
use super::{LOCK_WAIT, Listed, Locked, Store, Watch, index_json, threads_json, unwritable};
use crate::board::{Board, Moves, ServerId};
use crate::clock::Moment;
use crate::decide::Ledger;
use crate::fault::{Fault, Stopped};

/// The files of a workspace. Any number of processes may use them at once.
#[derive(Debug)]
pub struct FileStore {
    disk: Arc<dyn Disk>,
    place: Place,
    files: Files,
    /// The server process that this store writes for; `None` on the command line.
    server: Option<ServerId>,
    liveness: Liveness,
    holds: Holds,
}

/// A workstream of which this process holds the lock.
#[derive(Debug)]
pub(super) struct LockedFiles<'s> {
    snapshot: Snapshot,
    store: &'s FileStore,
    _locks: Locks,
}

impl FileStore {
    /// Makes a store. Touches no file.
    pub fn new(place: Place, server: Option<ServerId>) -> Self {
        Self::on(Arc::new(MachineDisk), place, server)
    }

    /// Makes a store on a file system.
    pub(crate) fn on(disk: Arc<dyn Disk>, place: Place, server: Option<ServerId>) -> Self {
        Self { disk, place, files: Files::default(), server, liveness: Liveness::default(), holds: Holds::default() }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Returns the workspace, whose `work/` is a folder and no link to one.
    pub(super) fn root(&self) -> Result<PathBuf, Stopped> {
        Ok(self.workspace()?.root)
    }

    fn workspace(&self) -> Result<Workspace, Stopped> {
        let workspace = self.place.workspace(self.disk())?;
        plain_folder(self.disk(), &workspace.root.join("work"))?;
        Ok(workspace)
    }

    /// Returns whether what was just read without the lock can be half of a commit of several files: one is under way,
    /// or was meanwhile. Each of them changes index.json.
    fn is_torn(&self, root: &Path, read: &Result<Snapshot, Stopped>) -> Result<bool, Fault> {
        if is_under_way(self.disk(), root) {
            return Ok(true);
        }
        let Ok(snapshot) = read else { return Ok(false) };
        let now = self.files.index(self.disk(), root)?;
        // Of two threads that parse it at once, each has its own.
        Ok(!Arc::ptr_eq(&now, &snapshot.index) && now.text != snapshot.index.text)
    }

    fn snapshot(&self, workspace: Workspace, wanted: Option<&str>) -> Result<Snapshot, Stopped> {
        let meant = self.meant(&workspace.root, wanted)?;
        Snapshot::read(&self.files, self.disk(), workspace, &self.place, meant.as_deref(), self.server)
    }

    /// Returns what a call names that names `wanted`; where that is nothing, the workstream in which this process
    /// is at work.
    fn meant(&self, root: &Path, wanted: Option<&str>) -> Result<Option<String>, Stopped> {
        if let (None, Some(own)) = (self.place.named(wanted), self.server) {
            let work = root.join("work");
            // One whose folder is gone, or has another name now, is refused by its name: another one is not meant.
            return self.holds.only(|id| {
                Ok(!has_plan(self.disk(), root, id) || self.files.board(self.disk(), &work.join(id))?.names(own))
            });
        }
        Ok(wanted.map(str::to_owned))
    }

    /// Takes the lock, and reads the workstream as it is then.
    pub(super) fn lock_files(&self, wanted: Option<&str>, wait: Duration) -> Result<LockedFiles<'_>, Stopped> {
        let workspace = self.workspace()?;
        let locks = lock(self.disk(), &workspace.root, wait)?;
        let snapshot = self.snapshot(workspace, wanted)?;
        Ok(LockedFiles { snapshot, store: self, _locks: locks })
    }
}

#[cfg(feature = "postgres")]
impl FileStore {
    /// Reads a workstream of the workspace that the caller has locked.
    pub(super) fn read_locked(&self, id: &str) -> Result<Snapshot, Stopped> {
        Snapshot::read(&self.files, self.disk(), self.workspace()?, &self.place, Some(id), self.server)
    }
}

impl Store for FileStore {
    fn read(&self, wanted: Option<&str>) -> Result<Snapshot, Stopped> {
        let workspace = self.workspace()?;
        let root = workspace.root.clone();
        if let Some(server) = self.server {
            self.liveness.show_again(self.disk(), &root, server);
        }
        let read = self.snapshot(workspace, wanted);
        if !self.is_torn(&root, &read)? {
            return read;
        }
        let _end = lock(self.disk(), &root, LOCK_WAIT)?;
        self.snapshot(self.workspace()?, wanted)
    }

    fn glance(&self, wanted: Option<&str>) -> Result<Snapshot, Stopped> {
        self.snapshot(self.workspace()?, wanted)
    }

    fn lock_within(&self, wanted: Option<&str>, wait: Duration) -> Result<Box<dyn Locked + '_>, Stopped> {
        Ok(Box::new(self.lock_files(wanted, wait)?))
    }

    fn list(&self) -> Result<Listed, Stopped> {
        let (root, disk) = (self.root()?, self.disk());
        let index = &self.files.index(disk, &root)?.index;
        let meant = self.meant(&root, None).ok();
        let selected = meant.and_then(|meant| self.place.workstream(disk, &root, meant.as_deref(), index).ok());
        let current = selected.map(|selected| selected.workstream);
        Ok(Listed { workstreams: known(disk, &root, index), current, importable: importable(&root) })
    }

    fn selected(&self, wanted: Option<&str>) -> Result<String, Stopped> {
        let root = self.root()?;
        let index = &self.files.index(self.disk(), &root)?.index;
        let meant = self.meant(&root, wanted)?;
        Ok(self.place.workstream(self.disk(), &root, meant.as_deref(), index)?.workstream)
    }

    fn watch(&self, tell: Box<dyn Fn() + Send + Sync>) -> Result<Box<dyn Watch>, Stopped> {
        Ok(Box::new(watch(&self.root()?, tell)?))
    }
}

impl Locked for LockedFiles<'_> {
    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn see(&mut self, board: &Board) {
        self.snapshot.see(board);
    }

    fn commit(self: Box<Self>, ledger: &Ledger) -> Result<(), Fault> {
        let Snapshot { root, workstream, index, .. } = &self.snapshot;
        let own = self.store.server.filter(|server| ledger.board().names(*server));
        if let Some(server) = own {
            self.store.liveness.announce(self.store.disk(), root, server)?;
        }
        let mut changes = Vec::new();
        let mut written = None;
        if !ledger.events().is_empty() {
            let (change, threads) = self.threads_change(ledger.board(), ledger.moves(), ledger.at())?;
            changes.push(change);
            written = threads;
        }
        if !ledger.index_events().is_empty() {
            let text = index_json::write(index.text.as_deref(), workstream, ledger.index_events(), ledger.at())
                .map_err(|error| unwritable(&root.join("work/index.json"), &error))?;
            changes.push(Change { path: "index.json".to_owned(), text });
        }
        if ledger.approves_plan() {
            let text = self.snapshot.scene().plan_text.to_owned();
            changes.push(Change { path: format!("{workstream}/{APPROVED_PLAN}"), text });
        }
        commit(self.store.disk(), root, &changes)?;
        // After the write: whoever looks before that finds the hint and not what it hints at.
        if own.is_some() {
            self.store.holds.note(workstream);
        }
        if let (Some(threads), Some(change)) = (written, changes.into_iter().next()) {
            let path = root.join("work").join(change.path);
            self.store.files.threads.put(&path, change.text.into_bytes(), Arc::new(threads));
        }
        Ok(())
    }
}

impl LockedFiles<'_> {
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Writes threads.json with this board.
    pub(super) fn write_threads(&self, after: &Arc<Board>, at: Moment) -> Result<(), Fault> {
        let (change, _) = self.threads_change(after, None, at)?;
        commit(self.store.disk(), &self.snapshot.root, &[change])
    }

    /// Returns threads.json with this board, and what it will say where that is known. What was read from
    /// tasks.json is written down with the first change: from then on there is one file to read.
    fn threads_change(
        &self,
        after: &Arc<Board>,
        moves: Option<&Moves>,
        at: Moment,
    ) -> Result<(Change, Option<ThreadsFile>), Fault> {
        let Snapshot { root, workstream, threads: file, .. } = &self.snapshot;
        let path = root.join("work").join(workstream).join("threads.json");
        let unwritable = |error| unwritable(&path, &error);
        let alone;
        let before = if file.threads.from_tasks.is_empty() {
            &file.threads.board
        } else {
            alone = threads_json::read(file.text.as_deref(), &TasksJson::default()).map_err(unwritable)?;
            &alone.board
        };
        let document = file.document(workstream).map_err(unwritable)?;
        let document = threads_json::write(document, before, after, moves, &file.threads.from_tasks, at);
        let document = document.map_err(unwritable)?;
        let text = document.text().map_err(unwritable)?;
        let change = Change { path: format!("{workstream}/threads.json"), text };
        let written = file.is_alone.then(|| ThreadsFile::written(file, Arc::clone(after), document, &change.text));
        Ok((change, written))
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::faulty::{Failure, FaultyDisk};
    use super::super::disk::memory::MemoryDisk;
    use super::*;
    use crate::clock::SteppingClock;
    use crate::decide::PersonRequest;
    use crate::transact::{require_a_clear_thread, transact_for_person};

    const PLAN: &str = "# Plan: P\n## Stages\n### Stage 1: A\n##### Batch 1: B\n###### Thread 1: C\n### Stage 2: D\n";

    fn store(disk: Arc<dyn Disk>) -> FileStore {
        FileStore::on(disk, Place { root: Some("/w".into()), ..Place::default() }, None)
    }

    /// Cancels the thread of the first stage and approves the stage: two files.
    fn approve(disk: Arc<dyn Disk>) -> Result<(), Stopped> {
        let request = PersonRequest::ApproveStage { stage: "1".parse().unwrap(), force: true, by: "ann".to_owned() };
        transact_for_person(&store(disk), &SteppingClock::default(), None, &request).map(drop)
    }

    fn workspace() -> MemoryDisk {
        let index = r#"{"streams":[{"id":"001-p","name":"p","approval":{"status":"approved"}}]}"#;
        let threads = r#"{"threads":[]}"#;
        MemoryDisk::with(&[
            ("/w/work/index.json", index),
            ("/w/work/001-p/PLAN.md", PLAN),
            ("/w/work/001-p/threads.json", threads),
        ])
    }

    /// Returns whether the thread is cancelled, and whether its stage is approved.
    fn seen(disk: &Arc<FaultyDisk>) -> (bool, bool) {
        let snapshot = store(Arc::<FaultyDisk>::clone(disk)).read(None).unwrap();
        let scene = snapshot.scene();
        let is_cancelled = snapshot.board().status("1.1.1".parse().unwrap()) == crate::board::Status::Cancelled;
        (is_cancelled, scene.entry.unwrap().stage_approved("1".parse().unwrap()))
    }

    #[test]
    fn who_holds_the_lock_looks_at_another_workstream_without_waiting_for_itself() {
        let disk = workspace();
        let store = store(Arc::new(disk.clone()));
        let _locked = store.lock(None).unwrap();
        disk.put("/w/work/.run/journal.json", r#"{"files":[]}"#);
        let begun = std::time::Instant::now();
        require_a_clear_thread(&store, "1.1.1".parse().unwrap()).unwrap();
        assert!(begun.elapsed() < LOCK_WAIT / 2, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_reader_sees_all_of_a_decision_or_nothing_of_it() {
        for file in ["index.json", "PLAN.md", "threads.json"] {
            // The whole decision, just before this file is read.
            let memory = workspace();
            let disk = Arc::new(FaultyDisk::sound(Arc::new(memory.clone())));
            disk.before_read(file, move || approve(Arc::new(memory)).unwrap());
            assert_eq!(seen(&disk), (true, true), "{file}");
            // As much of it as a process gets done that dies at one of its steps: who reads then finishes it.
            for step in 0..40 {
                let memory = workspace();
                let disk = Arc::new(FaultyDisk::sound(Arc::new(memory.clone())));
                disk.before_read(file, move || {
                    drop(approve(Arc::new(FaultyDisk::failing(Arc::new(memory), step, Failure::Death))));
                });
                let (is_cancelled, is_approved) = seen(&disk);
                assert_eq!(is_cancelled, is_approved, "{file}, step {step}");
            }
        }
    }
}
