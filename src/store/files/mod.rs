//! The store of one machine: the files of DESIGN §3. Every call reads them as they are now, and every file is written
//! as a whole.
//!
//! The work is divided like this:
//!
//! - `workspace` and `worktree` find the workspace and the workstream of a call.
//! - `read` parses the files, and `cache` saves parsing what has not changed.
//! - `lock` gives the right to write, and `liveness` shows other processes that this one is alive.
//! - `commit` writes one file by a rename, and several through a write-ahead journal.
//! - `project`, `transfer` and `watch` set a project up, copy a workspace to a database, and watch for changes.
//! - `disk` is the file system behind a trait, which tests replace by one that fails at a chosen step.
//!
//! This store must never write a file of the state that it cannot read, and never follow a symbolic link in the place
//! of one.

mod cache;
mod commit;
pub(crate) mod disk;
mod folders;
mod liveness;
mod lock;
mod project;
mod read;
#[cfg(feature = "postgres")]
mod transfer;
mod unread;
mod watch;
mod workspace;
mod worktree;

pub use project::{Folder, Initialised, Project};
pub use unread::MAX_STATE_BYTES;
pub(crate) use unread::{unreadable, unwritable};
pub use workspace::{linked_worktree, lone_worktree, run_folders, work_root};
pub use worktree::{Linked, worktrees};

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::commit::{APPROVED_PLAN, FileChange, commit, is_under_way};
use self::disk::{Disk, MachineDisk};
use self::folders::plain_folder;
use self::liveness::Liveness;
use self::lock::{Locks, lock};
use self::read::Files;
use self::watch::watch;
use self::workspace::{Workspace, has_plan, known, workspace, workstream};
use super::holds::Holds;
use super::place::WorkspaceLocation;
use super::snapshot::{Snapshot, ThreadsFile};
use super::{
    Added, Concurrency, Executed, LOCK_WAIT, Listed, LockScope, NewWorkstream, PendingWrite, Store, Watch, another_id,
    new_id,
};
use crate::board::{Board, Introduction, Moves, ServerId};
use crate::decide::{Ledger, Refusal};
use crate::fault::{Error, Fault};
use crate::format::tasks_json::TasksJson;
use crate::format::threads_json::ThreadsText;
use crate::format::{index_json, threads_json};
use crate::index::{Index, IndexEvent};
use crate::moment::Moment;
use crate::plan::MAX_PLAN_BYTES;

/// A workspace in files. Any number of processes may use it at once.
#[derive(Debug)]
pub struct FileStore {
    disk: Arc<dyn Disk>,
    place: WorkspaceLocation,
    files: Files,
    /// The server process that uses this store; `None` on the command line.
    server: Option<ServerId>,
    introduction: OnceLock<Introduction>,
    liveness: Liveness,
    holds: Holds,
}

/// A write that has begun: the workstream as it was read under the locks.
#[derive(Debug)]
struct LockedFiles<'s> {
    root: PathBuf,
    snapshot: Snapshot,
    store: &'s FileStore,
    _locks: Locks,
}

impl FileStore {
    /// Makes a store on the machine's file system. Touches no file.
    pub fn new(place: WorkspaceLocation, server: Option<ServerId>) -> Self {
        Self::on(Arc::new(MachineDisk), place, server)
    }

    /// Makes a store on the file system `disk`. Touches no file.
    pub(crate) fn on(disk: Arc<dyn Disk>, place: WorkspaceLocation, server: Option<ServerId>) -> Self {
        Self {
            disk,
            place,
            files: Files::default(),
            server,
            introduction: OnceLock::new(),
            liveness: Liveness::default(),
            holds: Holds::default(),
        }
    }

    fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Returns the folder that holds `work/`.
    fn root(&self) -> Result<PathBuf, Error> {
        Ok(self.workspace()?.root)
    }

    /// Returns the workspace of the location. A symbolic link in place of `work/` is refused.
    fn workspace(&self) -> Result<Workspace, Error> {
        let workspace = workspace(&self.place, self.disk())?;
        plain_folder(self.disk(), &workspace.root.join("work"))?;
        Ok(workspace)
    }

    /// Returns whether a read without the lock can have seen half of a commit of several files: such a commit is under
    /// way, or was during the read. Every decision that changes several files changes index.json, so another index.json
    /// shows it.
    fn is_torn(&self, root: &Path, read: &Result<Snapshot, Error>) -> Result<bool, Fault> {
        if is_under_way(self.disk(), root) {
            return Ok(true);
        }
        let Ok(snapshot) = read else { return Ok(false) };
        let now = self.files.index(self.disk(), root)?;
        // Other `Arc`s can hold the same text: two threads may have parsed the file at the same time.
        Ok(!Arc::ptr_eq(&now, &snapshot.index) && now.text != snapshot.index.text)
    }

    /// Reads the workstream that a call means.
    fn snapshot(&self, workspace: Workspace, wanted: Option<&str>) -> Result<Snapshot, Error> {
        let meant = self.meant(&workspace.root, wanted)?;
        self.files.snapshot(self.disk(), workspace, &self.place, meant.as_deref(), self.server)
    }

    /// Returns the id or name of the workstream that a call means: `wanted`; else, if the location names none either,
    /// the one in which this process is at work. `None`: the location or the current workstream decides.
    fn meant(&self, root: &Path, wanted: Option<&str>) -> Result<Option<String>, Error> {
        if let (None, Some(own)) = (self.place.named(wanted), self.server) {
            let work = root.join("work");
            // A workstream whose PLAN.md is missing counts as held. So the call fails under its name, rather than
            // changing another workstream.
            return self.holds.only(|id| {
                Ok(!has_plan(self.disk(), root, id) || self.files.board(self.disk(), &work.join(id))?.names(own))
            });
        }
        Ok(wanted.map(str::to_owned))
    }

    /// Returns the current workstream, or the only one, if a batch of it is executed. Returns `None` too if it cannot
    /// be read: then no server can execute it.
    fn executed(&self, index: &Index) -> Option<Executed> {
        // Flags and environment of this process must not matter here: the calls of other processes do not have them.
        let neutral = WorkspaceLocation { workstream: None, shell_workstream: None, ..self.place.clone() };
        let workspace = workspace(&neutral, self.disk()).ok()?;
        let current = workstream(&neutral, self.disk(), &workspace.root, None, index).ok()?.workstream;
        let snapshot = self.files.snapshot(self.disk(), workspace, &neutral, Some(&current), None).ok()?;
        Executed::of(&snapshot)
    }
}

impl Store for FileStore {
    fn read(&self, wanted: Option<&str>) -> Result<Snapshot, Error> {
        let workspace = self.workspace()?;
        let root = workspace.root.clone();
        if let Some(server) = self.server {
            // A checkout or a restored copy can have replaced the folder that this server had marked.
            self.liveness.show_again(self.disk(), &root, server);
        }
        let read = self.snapshot(workspace, wanted);
        if !self.is_torn(&root, &read)? {
            return read;
        }
        // Under the lock the commit is over: its process has finished it, or `lock` has done so.
        let _end = lock(self.disk(), &root, LOCK_WAIT)?;
        self.snapshot(self.workspace()?, wanted)
    }

    fn glance(&self, wanted: Option<&str>) -> Result<Snapshot, Error> {
        self.snapshot(self.workspace()?, wanted)
    }

    fn begin(
        &self,
        wanted: Option<&str>,
        wait: Duration,
        // A lock costs less here than a decision that is made twice, so this store always locks.
        _concurrency: Concurrency,
    ) -> Result<Box<dyn PendingWrite + '_>, Error> {
        let workspace = self.workspace()?;
        let root = workspace.root.clone();
        let locks = lock(self.disk(), &root, wait)?;
        let snapshot = self.snapshot(workspace, wanted)?;
        Ok(Box::new(LockedFiles { root, snapshot, store: self, _locks: locks }))
    }

    fn lock_scope(&self) -> LockScope {
        LockScope::Workspace
    }

    fn list(&self) -> Result<Listed, Error> {
        let (root, disk) = (self.root()?, self.disk());
        let index = &self.files.index(disk, &root)?.index;
        let meant = self.meant(&root, None).ok();
        let selected = meant.and_then(|meant| workstream(&self.place, disk, &root, meant.as_deref(), index).ok());
        let current = selected.map(|selected| selected.workstream);
        let workstreams = known(disk, &root, index);
        let archived = workstreams.iter().filter(|id| index.is_archived(id)).cloned().collect();
        Ok(Listed { workstreams, current, archived })
    }

    fn selected(&self, wanted: Option<&str>) -> Result<String, Error> {
        let root = self.root()?;
        let index = &self.files.index(self.disk(), &root)?.index;
        let meant = self.meant(&root, wanted)?;
        Ok(workstream(&self.place, self.disk(), &root, meant.as_deref(), index)?.workstream)
    }

    fn watch(&self, tell: Box<dyn Fn() + Send + Sync>) -> Result<Box<dyn Watch>, Error> {
        Ok(Box::new(watch(&self.root()?, tell)?))
    }

    fn add(&self, new: &NewWorkstream<'_>, at: Moment) -> Result<Added, Error> {
        let (root, disk) = (self.root()?, self.disk());
        let work = root.join("work");
        let _lock = lock(disk, &root, LOCK_WAIT)?;
        let file = self.files.index(disk, &root)?;
        let index = &file.index;
        let folders = disk.names(&work).unwrap_or_default();
        let is_left_over = |id: &str| is_left_over(disk, &work.join(id));
        let id = new_id(new.name, index, &known(disk, &root, index), &folders, is_left_over)?;
        plain_folder(disk, &work.join(&id))?;
        if new.plan.len() as u64 > MAX_PLAN_BYTES {
            let path = work.join(&id).join("PLAN.md");
            return Err(Fault::TooLarge { path, bytes: new.plan.len(), limit: MAX_PLAN_BYTES }.into());
        }
        let executed = self.executed(index);
        let current = executed.as_ref().map_or(&id, |executed| &executed.workstream);
        // An entry whose plan was never written is used again as it is.
        let created: &[IndexEvent] = if index.entry(&id).is_none() { &[IndexEvent::Created] } else { &[] };
        let index = index_json::write(file.text.as_deref(), &id, created, at)
            .and_then(|text| index_json::write(Some(&text), current, &[IndexEvent::CurrentSet], at))
            .map_err(|error| unwritable(&work.join("index.json"), &error))?;
        let mut changes = vec![FileChange { path: "index.json".to_owned(), text: index }];
        if let Some(threads) = new.threads {
            let path = format!("{id}/threads.json");
            let text = threads_json::named(threads, &id).map_err(|error| unwritable(&work.join(&path), &error))?;
            changes.push(FileChange { path, text });
        }
        changes.push(FileChange { path: format!("{id}/PLAN.md"), text: new.plan.to_owned() });
        commit(disk, &root, &changes)?;
        Ok(Added { id, executed })
    }

    fn introduce(&self, introduction: Introduction) {
        let _ = self.introduction.set(introduction);
    }

    fn end(&self) {
        self.liveness.end();
    }
}

impl PendingWrite for LockedFiles<'_> {
    fn concurrency(&self) -> Concurrency {
        Concurrency::Locked
    }

    fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn see(&mut self, board: &Board) {
        self.snapshot.see(board);
    }

    fn commit(self: Box<Self>, ledger: &Ledger) -> Result<(), Fault> {
        let (root, Snapshot { workstream, index, .. }) = (&self.root, &self.snapshot);
        let own = self.store.server.filter(|server| ledger.board().names(*server));
        // Before the write: other servers ask whether this one is alive as soon as the board names it.
        if let Some(server) = own {
            self.store.liveness.announce(self.store.disk(), root, server, self.store.introduction.get())?;
        }
        let mut changes = Vec::new();
        let mut written = None;
        // threads.json comes first in `changes`: the cache below relies on it.
        if !ledger.events().is_empty() {
            let (change, threads) = self.threads_change(ledger.board(), ledger.moves(), ledger.at())?;
            changes.push(change);
            written = threads;
        }
        if !ledger.index_events().is_empty() {
            let text = index_json::write(index.text.as_deref(), workstream, ledger.index_events(), ledger.at())
                .map_err(|error| unwritable(&root.join("work/index.json"), &error))?;
            changes.push(FileChange { path: "index.json".to_owned(), text });
        }
        if ledger.approves_plan() {
            let text = self.snapshot.scene().plan_text.to_owned();
            changes.push(FileChange { path: format!("{workstream}/{APPROVED_PLAN}"), text });
        }
        commit(self.store.disk(), root, &changes)?;
        // After the write: a call that looked before it would find no hold in the stored state, and forget the note.
        if own.is_some() {
            self.store.holds.note(workstream);
        }
        if let (Some(threads), Some(change)) = (written, changes.into_iter().next()) {
            let path = root.join("work").join(change.path);
            self.store.files.threads.put(&path, change.text.into_bytes(), Arc::new(threads));
        }
        Ok(())
    }

    fn write_plan(self: Box<Self>, text: &str) -> Result<(), Fault> {
        let path = format!("{}/PLAN.md", self.snapshot.workstream);
        commit(self.store.disk(), &self.root, &[FileChange { path, text: text.to_owned() }])
    }

    fn rename(self: Box<Self>, name: &str, at: Moment) -> Result<String, Error> {
        let (disk, root, from) = (self.store.disk(), &self.root, &self.snapshot.workstream);
        let (work, index) = (root.join("work"), &self.snapshot.index);
        let (to, name) = another_id(from, name, &known(disk, root, &index.index))?;
        let unwritable_index = |error| unwritable(&work.join("index.json"), &error);
        let mut changes = Vec::new();
        if let Some(text) = &index.text {
            let text = index_json::renamed(text, from, &to, &name, at).map_err(unwritable_index)?;
            changes.push(FileChange { path: "index.json".to_owned(), text });
        }
        if to == *from {
            commit(disk, root, &changes)?;
            return Ok(to);
        }
        let (old, new) = (work.join(from), work.join(&to));
        if disk.kind(&new).is_some() {
            let message = format!("work/{to} is there already, and is no workstream");
            return Err(Refusal::invalid(message, "move it away, or choose another name").into());
        }
        let threads = old.join("threads.json");
        if disk.kind(&threads).is_some() {
            let unwritable = |error| unwritable(&threads, &error);
            let document = self.snapshot.threads.document(from).and_then(ThreadsText::text);
            let text = document.and_then(|text| threads_json::named(&text, &to)).map_err(unwritable)?;
            changes.push(FileChange { path: format!("{to}/threads.json"), text });
        }
        // The folder first: an entry without a folder would keep the name, while a folder without an entry is a draft,
        // from which nothing runs.
        disk.rename(&old, &new).map_err(Fault::io("rename", &old))?;
        disk.sync_folder(&work).map_err(Fault::io("sync", &work))?;
        if let Err(fault) = commit(disk, root, &changes) {
            // If that fails, too, the folder and the message are all that is left to say it.
            let _ = disk.rename(&new, &old);
            return Err(fault.into());
        }
        Ok(to)
    }

    fn delete(self: Box<Self>, at: Moment) -> Result<(), Fault> {
        let (disk, root, id) = (self.store.disk(), &self.root, &self.snapshot.workstream);
        let work = root.join("work");
        // The entry first: if the process dies in between, the folder is left as a draft, from which nothing runs.
        if let Some(text) = &self.snapshot.index.text {
            let text = index_json::without(text, id, at);
            let text = text.map_err(|error| unwritable(&work.join("index.json"), &error))?;
            commit(disk, root, &[FileChange { path: "index.json".to_owned(), text }])?;
        }
        let folder = work.join(id);
        disk.remove_folder(&folder).map_err(Fault::io("remove", &folder))?;
        disk.sync_folder(&work).map_err(Fault::io("sync", &work))
    }

    fn write_down(self: Box<Self>, at: Moment) -> Result<(), Fault> {
        if self.snapshot.from_tasks().is_empty() {
            return Ok(());
        }
        let (change, _) = self.threads_change(self.snapshot.board(), None, at)?;
        commit(self.store.disk(), &self.root, &[change])
    }
}

impl LockedFiles<'_> {
    /// Returns threads.json with the board `after`, and the parsed file for the cache. The state that was read from
    /// tasks.json is written with the first change; from then on threads.json says everything. The parsed file is
    /// `None` if there is a tasks.json, since the next read depends on that too.
    fn threads_change(
        &self,
        after: &Arc<Board>,
        moves: Option<&Moves>,
        at: Moment,
    ) -> Result<(FileChange, Option<ThreadsFile>), Fault> {
        let Snapshot { workstream, threads: file, .. } = &self.snapshot;
        let path = self.root.join("work").join(workstream).join("threads.json");
        let unwritable = |error| unwritable(&path, &error);
        let alone;
        // The board of the snapshot has the state of tasks.json already. The change is taken against threads.json
        // alone, or that state would look unchanged and would not be written.
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
        let change = FileChange { path: format!("{workstream}/threads.json"), text };
        let written = file.is_alone.then(|| ThreadsFile::written(file, Arc::clone(after), document, &change.text));
        Ok((change, written))
    }
}

/// Returns whether a folder holds only hidden files, such as the temporary file of a process that died.
fn is_left_over(disk: &dyn Disk, folder: &Path) -> bool {
    disk.names(folder).unwrap_or_default().iter().all(|name| name.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::disk::faulty::{Failure, FaultyDisk};
    use super::disk::memory::MemoryDisk;
    use super::*;
    use crate::clock::SteppingClock;
    use crate::decide::PersonRequest;
    use crate::transact::{require_a_clear_thread, transact_for_person};

    const PLAN: &str = "# Plan: P\n## Stages\n### Stage 1: A\n##### Batch 1: B\n###### Thread 1: C\n### Stage 2: D\n";

    fn store(disk: Arc<dyn Disk>) -> FileStore {
        FileStore::on(disk, WorkspaceLocation { root: Some("/w".into()), ..WorkspaceLocation::default() }, None)
    }

    /// Cancels the thread of the first stage and approves the stage: a commit of two files.
    fn approve(disk: Arc<dyn Disk>) -> Result<(), Error> {
        let request = PersonRequest::ApproveStage {
            stage: "1".parse().unwrap(),
            force: true,
            by: "ann".to_owned(),
            checked: None,
        };
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
    fn a_glance_under_the_own_lock_does_not_wait() {
        let disk = workspace();
        let store = store(Arc::new(disk.clone()));
        let _locked = store.lock(None).unwrap();
        // A commit seems to be under way, so a plain read would wait for the lock.
        disk.put("/w/work/.run/journal.json", r#"{"files":[]}"#);
        let begun = std::time::Instant::now();
        require_a_clear_thread(&store, "1.1.1".parse().unwrap()).unwrap();
        assert!(begun.elapsed() < LOCK_WAIT / 2, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_reader_sees_all_of_a_decision_or_nothing_of_it() {
        for file in ["index.json", "PLAN.md", "threads.json"] {
            // The whole commit happens just before this file is read.
            let memory = workspace();
            let disk = Arc::new(FaultyDisk::sound(Arc::new(memory.clone())));
            disk.before_read(file, move || approve(Arc::new(memory)).unwrap());
            assert_eq!(seen(&disk), (true, true), "{file}");
            // The process of the commit dies at one of its steps. The read then finishes the commit, if it has begun.
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
