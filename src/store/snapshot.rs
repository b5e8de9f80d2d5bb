//! A workstream as the files have it at one instant, owned; a [`Scene`] borrows from it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::commit::{plain_folder, unreadable_file, why_unread};
use super::disk::{Disk, Unread};
use super::json::without_place;
use super::tasks_json::{self, TasksJson};
use super::threads_json::{self, ThreadsJson};
use super::workspace::{Place, Selected};
use super::{agents_yaml, index_json, liveness};
use crate::board::{Board, ServerId};
use crate::decide::Scene;
use crate::fault::{Fault, Stopped};
use crate::index::Index;
use crate::plan::{MAX_PLAN_BYTES, Plan, parse, plan_hash};
use crate::roster::Roster;
use crate::wording::count;

/// The largest index.json, threads.json or agents.yaml that is read, in bytes.
pub const MAX_STATE_BYTES: u64 = 64 * 1024 * 1024;

/// Some editors empty a file and write it then, piece by piece. A plan that is empty, or was written less
/// than this ago, is read again, so many times at the most.
const SAVE_TIME: Duration = Duration::from_millis(10);
const SAVE_WAITS: u32 = 4;

/// How much is said of why a file cannot be read, in characters.
const MAX_WHY_CHARS: usize = 300;

/// A workstream as the files have it at one instant.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) root: PathBuf,
    workspace: String,
    pub(super) workstream: String,
    is_default: bool,
    flags: String,
    index: Index,
    plan: Plan,
    plan_text: String,
    plan_hash: String,
    roster: Roster,
    pub(super) threads: ThreadsJson,
    alive: BTreeSet<ServerId>,
    pub(super) threads_text: Option<String>,
    pub(super) index_text: Option<String>,
}

impl Snapshot {
    /// Reads the files of the workspace at `root` as they are now. The asking server is `own`.
    pub(super) fn read(
        disk: &dyn Disk,
        root: PathBuf,
        place: &Place,
        wanted: Option<&str>,
        own: Option<ServerId>,
    ) -> Result<Self, Stopped> {
        let work = root.join("work");
        let (index, index_text) = read_index(disk, &root)?;
        let Selected { workstream, is_default } = place.workstream(disk, &root, wanted, &index)?;
        let folder = work.join(&workstream);
        plain_folder(disk, &folder)?;
        let (plan_text, plan_hash) = read_plan(disk, &folder.join("PLAN.md"))?;
        let plan = parse(&plan_text);
        let (mut threads, threads_text) = read_state_of(disk, &folder)?;
        if !threads.from_tasks.is_empty() {
            let number = count(threads.from_tasks.len(), "thread is", "threads are");
            threads.oddities.push(format!("{number} read from tasks.json; `work import` writes them to threads.json"));
        }
        let roster = read_roster(disk, &work.join("agents.yaml"), &plan, &threads.board)?;
        let mut alive = liveness::alive(disk, &root, threads.board.servers());
        // Whoever asks lives, whatever became of its file.
        alive.extend(own);
        Ok(Self {
            workspace: root.display().to_string(),
            root,
            workstream,
            is_default,
            flags: place.flags.clone(),
            index,
            plan,
            plan_text,
            plan_hash,
            roster,
            threads,
            alive,
            threads_text,
            index_text,
        })
    }

    /// Returns the board.
    pub fn board(&self) -> &Board {
        &self.threads.board
    }

    /// Returns all that a decision may depend on.
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            workspace: &self.workspace,
            workstream: &self.workstream,
            is_default: self.is_default,
            flags: &self.flags,
            current: self.index.current.as_deref(),
            entry: self.index.entry(&self.workstream),
            plan: &self.plan,
            plan_text: &self.plan_text,
            plan_hash: &self.plan_hash,
            roster: &self.roster,
            alive: &self.alive,
            oddities: &self.threads.oddities,
        }
    }
}

/// Reads index.json as it is now, and its text where there is the file.
pub(super) fn read_index(disk: &dyn Disk, root: &Path) -> Result<(Index, Option<String>), Fault> {
    let path = root.join("work").join("index.json");
    let text = read_state(disk, &path)?;
    let index = match &text {
        Some(text) => {
            require_version(&path, text)?;
            index_json::read(text).map_err(|error| unreadable(&path, &error))?
        }
        None => Index::default(),
    };
    Ok((index, text))
}

/// Reads what threads.json, and where it says nothing tasks.json, say of the threads. A tasks.json that
/// cannot be read stops nothing once threads.json says it all.
fn read_state_of(disk: &dyn Disk, folder: &Path) -> Result<(ThreadsJson, Option<String>), Fault> {
    match read_tasks(disk, folder) {
        Ok(tasks) => {
            let (mut threads, text) = read_threads(disk, folder, &tasks)?;
            if !threads.from_tasks.is_empty() {
                threads.oddities.extend(tasks.oddities);
            }
            Ok((threads, text))
        }
        Err(fault) => {
            let (mut threads, text) = read_threads(disk, folder, &TasksJson::default())?;
            if threads.board.threads.is_empty() || threads.has_stateless_records {
                return Err(fault);
            }
            threads.oddities.push("tasks.json cannot be read, and is not needed any more".to_owned());
            Ok((threads, text))
        }
    }
}

/// Reads threads.json as it is now, and its text where there is the file. What it does not say of a
/// thread's state is taken from `tasks`.
pub(super) fn read_threads(
    disk: &dyn Disk,
    folder: &Path,
    tasks: &TasksJson,
) -> Result<(ThreadsJson, Option<String>), Fault> {
    let path = folder.join("threads.json");
    let text = read_state(disk, &path)?;
    if let Some(text) = &text {
        require_version(&path, text)?;
    }
    let threads = threads_json::read(text.as_deref(), tasks).map_err(|error| unreadable(&path, &error))?;
    Ok((threads, text))
}

/// Reads the tasks.json of an older workstream; there is nothing in it where there is none.
pub(super) fn read_tasks(disk: &dyn Disk, folder: &Path) -> Result<TasksJson, Fault> {
    let path = folder.join("tasks.json");
    match read_state(disk, &path)? {
        Some(text) => {
            require_version(&path, &text)?;
            tasks_json::read(&text).map_err(|error| unreadable(&path, &error))
        }
        None => Ok(TasksJson::default()),
    }
}

/// Reads a file of the state; `None` where there is none. A byte order mark is skipped.
pub(super) fn read_state(disk: &dyn Disk, path: &Path) -> Result<Option<String>, Fault> {
    let bytes = match disk.read(path, MAX_STATE_BYTES) {
        Ok(bytes) => bytes,
        Err(Unread::Absent) => return Ok(None),
        Err(unread) => return Err(unreadable_file(path, unread)),
    };
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            Ok(Some(text))
        }
        Err(error) => {
            let at = Some(end_position(&error.as_bytes()[..error.utf8_error().valid_up_to()]));
            Err(Fault::StateUnreadable { path: path.to_owned(), at, why: "it is not UTF-8".to_owned() })
        }
    }
}

fn read_plan(disk: &dyn Disk, path: &Path) -> Result<(String, String), Fault> {
    let unreadable = |why: String| Fault::PlanUnreadable { path: path.to_owned(), why };
    let read = || disk.read(path, MAX_PLAN_BYTES).map_err(|unread| unreadable(why_unread(unread, MAX_PLAN_BYTES)));
    let mut bytes = read()?;
    for _ in 0..SAVE_WAITS {
        let is_fresh = disk.age(path).is_some_and(|age| age < SAVE_TIME);
        if !bytes.is_empty() && !is_fresh {
            break;
        }
        std::thread::sleep(SAVE_TIME);
        bytes = read()?;
    }
    let hash = plan_hash(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| {
        let (line, column) = end_position(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        unreadable(format!("it is not UTF-8 at line {line}, column {column}"))
    })?;
    Ok((text, hash))
}

/// Reads the roster; without agents.yaml it is what `plan` and `board` name.
pub(super) fn read_roster(disk: &dyn Disk, path: &Path, plan: &Plan, board: &Board) -> Result<Roster, Fault> {
    let undeclared = || {
        let planned = plan.threads().filter_map(|thread| thread.agent.as_ref()).map(|agent| agent.name.as_str());
        let assigned = board.threads.values().flat_map(|thread| {
            let ran = thread.attempts.iter().map(|attempt| attempt.agent.as_str());
            thread.assigned_agent.as_deref().into_iter().chain(ran)
        });
        Roster::undeclared(planned.chain(assigned))
    };
    let Some(text) = read_state(disk, path)? else { return Ok(undeclared()) };
    agents_yaml::read(&text, undeclared).map_err(|bad| Fault::StateUnreadable {
        path: path.to_owned(),
        at: bad.at,
        why: bad.why.chars().take(MAX_WHY_CHARS).collect(),
    })
}

/// Refuses a version other than 1.x, before anything else of the file can puzzle the reader.
fn require_version(path: &Path, text: &str) -> Result<(), Fault> {
    #[derive(serde::Deserialize)]
    #[serde(expecting = "an object")]
    struct Version {
        version: Option<serde_json::Value>,
    }

    let read: Version = serde_json::from_str(text).map_err(|error| unreadable(path, &error))?;
    let Some(version) = read.version else { return Ok(()) };
    match version.as_str() {
        Some(version) if version == "1" || version.starts_with("1.") => Ok(()),
        Some(version) => Err(Fault::UnknownFormat { path: path.to_owned(), version: version.to_owned() }),
        None if version.as_f64().is_some_and(|version| (1.0..2.0).contains(&version)) => Ok(()),
        None => Err(Fault::UnknownFormat { path: path.to_owned(), version: version.to_string() }),
    }
}

pub(super) fn unreadable(path: &Path, error: &serde_json::Error) -> Fault {
    let at = (error.line() > 0).then(|| (error.line(), error.column().max(1)));
    let why = if at.is_some() { without_place(error) } else { error.to_string() };
    // A message can repeat what stands in the file, however long that is.
    let why = why.chars().take(MAX_WHY_CHARS).collect();
    Fault::StateUnreadable { path: path.to_owned(), at, why }
}

fn end_position(valid: &[u8]) -> (usize, usize) {
    let text = String::from_utf8_lossy(valid);
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
