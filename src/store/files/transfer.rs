//! Copies a workspace from files for another store, and from another store into files.

use serde_json::value::RawValue;

use super::FileStore;
use super::commit::{APPROVED_PLAN, FileChange, commit};
use super::folders::{create_folders, plain_folder};
use super::lock::lock;
use super::read::read_state;
use super::unread::unwritable;
use super::workspace::{home, known};
use crate::decide::{Basis, Refusal, TransferProblem};
use crate::fault::{Error, Fault};
use crate::format::index_json;
use crate::format::json::Object;
use crate::format::threads_json::ThreadsText;
use crate::index::is_folder_name;
use crate::store::copy::{Copied, Overwrite, WorkspaceCopy, WorkstreamCopy};
use crate::store::{LOCK_WAIT, Store as _};

impl FileStore {
    /// Copies the workspace, or one workstream of it, as it is at one instant.
    pub fn copy_out(&self, wanted: Option<&str>) -> Result<WorkspaceCopy, Error> {
        let wanted = wanted.map(|wanted| self.selected(Some(wanted))).transpose()?;
        let (root, disk) = (self.root()?, self.disk());
        let work = root.join("work");
        let _lock = lock(disk, &root, LOCK_WAIT)?;
        let index = self.files.index(disk, &root)?;
        let all = known(disk, &root, &index.index);
        let at = work.join("index.json");
        let (rest, current) = index_rest(index.text.as_deref(), &all).map_err(|error| unwritable(&at, &error))?;
        let mut workstreams = Vec::new();
        for (position, id) in all.iter().enumerate() {
            if wanted.as_ref().is_none_or(|wanted| wanted == id) {
                workstreams.push(self.copy_of(id, position)?);
            }
        }
        Ok(WorkspaceCopy { current, roster: read_state(disk, &work.join("agents.yaml"))?, rest, workstreams })
    }

    /// Copies one workstream. The caller holds the lock of the workspace.
    fn copy_of(&self, id: &str, position: usize) -> Result<WorkstreamCopy, Error> {
        let workspace = self.workspace()?;
        let work = workspace.root.join("work");
        let snapshot = self.files.snapshot(self.disk(), workspace, &self.place, Some(id), self.server)?;
        // A copy has no place for tasks.json. An import has to write its state to threads.json first.
        if !snapshot.from_tasks().is_empty() {
            return Err(Refusal::Transfer(TransferProblem::StateInTasks { workstream: id.to_owned() }).into());
        }
        let path = work.join(id).join("threads.json");
        let threads = snapshot.threads.document(id).and_then(ThreadsText::text);
        let mut entry = None;
        if let Some(text) = &snapshot.index.text {
            entry = entry_of(text, id).map_err(|error| unwritable(&work.join("index.json"), &error))?;
        }
        let scene = snapshot.scene();
        let approved = match scene.basis {
            Basis::Approved { .. } => Some(scene.plan_text.to_owned()),
            Basis::ApprovedBefore(text) => Some(text.to_owned()),
            Basis::Unknown => None,
        };
        Ok(WorkstreamCopy {
            id: id.to_owned(),
            position,
            entry,
            plan: scene.plan_text.to_owned(),
            approved,
            threads: threads.map_err(|error| unwritable(&path, &error))?,
        })
    }

    /// Writes a copy to the files, all of it or nothing. With `is_part` the copy is one workstream, and an index.json
    /// that is there keeps its other entries.
    pub fn copy_in(&self, copy: WorkspaceCopy, is_part: bool, overwrite: Overwrite) -> Result<Copied, Error> {
        let disk = self.disk();
        let root = home(&self.place, disk);
        let work = root.join("work");
        if !plain_folder(disk, &work)? {
            create_folders(disk, &work)?;
        }
        let _lock = lock(disk, &root, LOCK_WAIT)?;
        let mut copied = Copied { to: root.display().to_string(), ..Copied::default() };
        let (mut changes, mut in_the_way) = (Vec::new(), Vec::new());
        // It only collects what differs. Nothing is written before everything was read and compared.
        let mut take = |path: String, text: String| -> Result<bool, Fault> {
            let there = read_state(disk, &work.join(&path))?;
            if there.as_deref() == Some(text.as_str()) {
                return Ok(false);
            }
            if there.is_some() {
                in_the_way.push(format!("work/{path}"));
            }
            changes.push(FileChange { path, text });
            Ok(true)
        };
        let own = if is_part { read_state(disk, &work.join("index.json"))? } else { None };
        let index = copy.index(own.as_deref()).map_err(|error| unwritable(&work.join("index.json"), &error))?;
        take("index.json".to_owned(), index)?;
        if let Some(roster) = copy.roster {
            take("agents.yaml".to_owned(), roster)?;
        }
        for WorkstreamCopy { id, plan, approved, threads, .. } in copy.workstreams {
            // The id comes from a database, so it may be no name of a folder.
            if !is_folder_name(&id) {
                return Err(Refusal::Transfer(TransferProblem::BadId { workstream: id }).into());
            }
            plain_folder(disk, &work.join(&id))?;
            let path = format!("{id}/threads.json");
            let threads = ThreadsText::read(Some(&threads), &id).and_then(|document| document.text());
            let threads = threads.map_err(|error| unwritable(&work.join(&path), &error))?;
            let mut is_new = take(path, threads)? | take(format!("{id}/PLAN.md"), plan)?;
            if let Some(approved) = approved {
                is_new |= take(format!("{id}/{APPROVED_PLAN}"), approved)?;
            }
            if is_new { copied.written.push(id) } else { copied.unchanged.push(id) }
        }
        // An index.json that only gets the entry of the workstream is not in the way.
        in_the_way.retain(|path| !is_part || path != "work/index.json");
        if overwrite != Overwrite::All && !in_the_way.is_empty() {
            return Err(Refusal::Transfer(TransferProblem::FilesInTheWay { files: in_the_way }).into());
        }
        if !changes.is_empty() {
            commit(disk, &root, &changes)?;
        }
        Ok(copied)
    }
}

/// Returns index.json without the entries of the workstreams `known` and without `current_stream`, and the value of
/// that.
fn index_rest(text: Option<&str>, known: &[String]) -> serde_json::Result<(String, Option<String>)> {
    let mut file: Object = serde_json::from_str(text.unwrap_or(r#"{"version":"1.0.0"}"#))?;
    let current = file.get::<String>("current_stream")?;
    file.remove("current_stream");
    let mut others = Vec::new();
    for stream in file.get::<Vec<Object>>("streams")?.unwrap_or_default() {
        if stream.get::<String>("id")?.is_none_or(|id| !known.contains(&id)) {
            others.push(stream);
        }
    }
    file.remove("streams");
    if !others.is_empty() {
        file.set("streams", &others, &index_json::FILE_ORDER)?;
    }
    Ok((serde_json::to_string(&file)?, current))
}

/// Returns the entry of a workstream in index.json, in its exact text; `None` if there is none.
fn entry_of(index: &str, id: &str) -> serde_json::Result<Option<String>> {
    let file: Object = serde_json::from_str(index)?;
    for stream in file.get::<Vec<Box<RawValue>>>("streams")?.unwrap_or_default() {
        let entry: Object = serde_json::from_str(stream.get())?;
        if entry.get::<String>("id")?.as_deref() == Some(id) {
            return Ok(Some(stream.get().to_owned()));
        }
    }
    Ok(None)
}
