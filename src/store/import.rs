//! `work import`: workstreams in the older and newer formats of this family. The originals stay as they
//! are, and what has no place in the formats of DESIGN §3 is listed.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::create::Beginning;
use super::file::FileStore;
use super::json::{Object, close, open};
use super::snapshot::{read_state, read_tasks, unreadable};
use super::tasks_json::TasksJson;
use super::{threads_json, unwritable};
use crate::board::{Board, Status};
use crate::clock::Moment;
use crate::decide::Refusal;
use crate::fault::{Fault, Stopped};
use crate::plan::{Plan, StagePlan, ThreadId, assemble, parse};
use crate::wording::count;

/// What an import did.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// The workstream that has it now.
    pub workstream: String,
    /// Where it was.
    pub from: String,
    /// Whether there was nothing to import; then nothing was written.
    pub unchanged: bool,
    /// How many threads have which status, in the order of a thread's life.
    pub threads: Vec<(&'static str, usize)>,
    /// What was not carried over, one sentence each. It stays where it was.
    pub left: Vec<String>,
}

impl FileStore {
    /// Writes to threads.json what tasks.json (0.3) says of the threads of a workstream.
    pub fn import_tasks(&self, wanted: Option<&str>, at: Moment) -> Result<Imported, Stopped> {
        let locked = self.lock(wanted)?;
        let snapshot = locked.snapshot();
        let workstream = snapshot.workstream.clone();
        let folder = snapshot.root.join("work").join(&workstream);
        let tasks = read_tasks(&folder)?;
        if tasks.threads.is_empty() {
            return Err(nothing_to_import(&format!("work/{workstream}")).into());
        }
        let from_tasks = &snapshot.threads.from_tasks;
        let unchanged = from_tasks.is_empty();
        let imported = Imported {
            from: format!("work/{workstream}/tasks.json"),
            unchanged,
            threads: by_status(snapshot.board(), |id| tasks.threads.contains_key(&id)),
            left: tasks_left(tasks),
            workstream,
        };
        if !unchanged {
            locked.write_threads(locked.snapshot().board(), at)?;
        }
        Ok(imported)
    }

    /// Makes a workstream of a folder of the 0.9 format, with a plan per stage.
    pub fn import_stages(&self, folder: &Path, at: Moment) -> Result<Imported, Stopped> {
        let folder = self.place().directory.join(folder);
        let from = folder.display().to_string();
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = match name.split_once('-') {
            Some((number, rest)) if number.parse::<u32>().is_ok() => rest.to_owned(),
            _ => name,
        };
        let stages = read_stages(&folder)?;
        if stages.is_empty() {
            return Err(nothing_to_import(&from).into());
        }
        let root = self.workspace()?;
        let origin = folder.strip_prefix(&root).unwrap_or(&folder).display().to_string();
        let readme = read_state(&folder.join("README.md"))?;
        let assembled = assemble(&name, readme.as_deref(), &stages, &origin);
        let plan = parse(&assembled.text);
        let state = State::read(&folder)?;
        let mut left = state.left(&folder);
        left.extend(assembled.unfilled.iter().map(|stage| {
            format!("stages/{stage}: nobody has filled it in; the stages after it move up, as they did before")
        }));
        left.push("the approvals: the plan has a new text, and stages are approved again (work approve)".to_owned());
        let mut board = Board::default();
        let workstream = self.add_workstream(&name, at, |id| {
            let path = folder.join(STATE);
            let threads = state.threads_json(id, &plan, at, &mut left).map_err(|error| unwritable(&path, &error))?;
            board = threads_json::read(Some(&threads), &TasksJson::default())
                .map_err(|error| unreadable(&path, &error))?
                .board;
            Ok(Beginning { plan: assembled.text, threads: Some(threads) })
        })?;
        left.extend(files_left(&folder));
        let mut threads = by_status(&board, |id| plan.thread(id).is_some());
        let unknown = plan.threads().filter(|thread| !board.threads.contains_key(&thread.id)).count();
        if unknown > 0 {
            match threads.first_mut() {
                Some((word, number)) if *word == Status::Pending.word() => *number += unknown,
                _ => threads.insert(0, (Status::Pending.word(), unknown)),
            }
        }
        Ok(Imported { workstream, from: origin, unchanged: false, threads, left })
    }
}

/// Returns the folders of the workspace that have a plan per stage and none of their own.
pub(super) fn importable(root: &Path) -> Vec<String> {
    let work = root.join("work");
    let mut names: Vec<String> = fs::read_dir(&work)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| work.join(name).join("stages").is_dir() && !work.join(name).join("PLAN.md").exists())
        .map(|name| format!("work/{name}"))
        .collect();
    names.sort();
    names
}

const STATE: &str = "workstream-state.json";

fn nothing_to_import(folder: &str) -> Refusal {
    Refusal::invalid(
        format!("{folder} has neither a tasks.json with tasks nor stages/*/PLAN.md"),
        "name the folder of a workstream that another version made",
    )
}

fn by_status(board: &Board, is_meant: impl Fn(ThreadId) -> bool) -> Vec<(&'static str, usize)> {
    let count = |status| board.threads.iter().filter(|(id, thread)| is_meant(**id) && thread.status == status).count();
    Status::ALL.map(|status| (status.word(), count(status))).into_iter().filter(|(_, number)| *number > 0).collect()
}

fn tasks_left(tasks: TasksJson) -> Vec<String> {
    let all: usize = tasks.threads.values().map(|thread| thread.tasks).sum();
    let mut left = vec![format!(
        "the names and times of {} of {}: they are one each; names of open ones are next steps",
        count(all, "task", "tasks"),
        count(tasks.threads.len(), "thread", "threads"),
    )];
    left.extend(tasks.oddities);
    left
}

/// Reads the stage folders, in the order in which that version ran them: 01, 01-r1, 02.
fn read_stages(folder: &Path) -> Result<Vec<StagePlan>, Fault> {
    let stages = folder.join("stages");
    let entries = match fs::read_dir(&stages) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(Fault::io("read", &stages)(error)),
    };
    let mut names: Vec<((u32, u32), String)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| Some((place(&name)?, name)))
        .collect();
    names.sort();
    let mut read = Vec::new();
    for (_, name) in names {
        if let Some(plan) = read_state(&stages.join(&name).join("PLAN.md"))? {
            let requirements = read_state(&stages.join(&name).join("REQUIREMENTS.md"))?;
            read.push(StagePlan { folder: name, plan, requirements });
        }
    }
    Ok(read)
}

/// Returns the number and the revision of a stage's folder.
fn place(name: &str) -> Option<(u32, u32)> {
    match name.split_once("-r") {
        Some((number, revision)) => Some((number.parse().ok()?, revision.parse().ok()?)),
        None => Some((name.parse().ok()?, 0)),
    }
}

/// What workstream-state.json says.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct State {
    thread_runtime: Vec<Object>,
    batch_runs: Vec<Object>,
    supervision: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(skip)]
    is_missing: bool,
}

impl State {
    fn read(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(STATE);
        match read_state(&path)? {
            Some(text) => serde_json::from_str(&text).map_err(|error| unreadable(&path, &error)),
            None => Ok(Self { is_missing: true, ..Self::default() }),
        }
    }

    /// Returns what of it has no place in threads.json.
    fn left(&self, folder: &Path) -> Vec<String> {
        let mut left = Vec::new();
        if self.is_missing && folder.parent().is_some_and(|work| work.join("db.sqlite").is_file()) {
            left.push(format!("work/db.sqlite is not read, and there is no {STATE}: all threads are pending"));
        }
        if !self.batch_runs.is_empty() {
            left.push(count(self.batch_runs.len(), "record of a batch run", "records of batch runs"));
        }
        let lists = self.supervision.iter().flatten();
        let entries: usize = lists.filter_map(|(_, value)| value.as_array()).map(Vec::len).sum();
        if entries > 0 {
            left.push(count(entries, "record of the supervision", "records of the supervision"));
        }
        left
    }

    /// Returns the text of threads.json. Keys that it does not know are kept as they are.
    fn threads_json(&self, id: &str, plan: &Plan, at: Moment, left: &mut Vec<String>) -> serde_json::Result<String> {
        const FILE_ORDER: [&str; 4] = ["version", "stream_id", "last_updated", "threads"];
        const THREAD_ORDER: [&str; 4] = ["threadId", "threadName", "stageName", "batchName"];
        let mut records = Vec::new();
        for known in &self.thread_runtime {
            let mut record = known.clone();
            let text = record.get::<String>("threadId")?.unwrap_or_default();
            let then = record.get::<String>("itemName")?.unwrap_or_default();
            record.remove("itemName");
            let planned = text.parse::<ThreadId>().ok().and_then(|id| plan.thread(id));
            match planned {
                // That version renumbers threads and leaves their state behind: what was not done must
                // not count as done.
                Some(thread)
                    if !then.is_empty() && then.split("@agent:").next().map(str::trim) != Some(&thread.name) =>
                {
                    let status = record.get::<String>("status")?.unwrap_or_default();
                    left.push(format!(
                        "{text}: its state ({status}) is of {then:?}, the plan calls it {:?}",
                        thread.name
                    ));
                    continue;
                }
                Some(thread) => {
                    let stage = plan.stage(thread.id.batch.stage).map(|stage| stage.name.clone());
                    let batch = plan.batch(thread.id.batch).map(|batch| batch.name.clone());
                    record.set("threadName", &thread.name, &THREAD_ORDER)?;
                    record.set("stageName", &stage, &THREAD_ORDER)?;
                    record.set("batchName", &batch, &THREAD_ORDER)?;
                }
                None => left.push(format!("{text}: it is in no plan; its state is kept and counts for nothing")),
            }
            records.push(record);
        }
        let mut file = open(None, &FILE_ORDER)?;
        file.set("stream_id", &id, &FILE_ORDER)?;
        file.set("last_updated", &at.to_string(), &FILE_ORDER)?;
        file.set("threads", &records, &FILE_ORDER)?;
        close(&file, None)
    }
}

/// Returns the files that stay where they are, counted by folder.
fn files_left(folder: &Path) -> Vec<String> {
    const DEEPEST: usize = 8;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut open = vec![(folder.to_owned(), Vec::<String>::new())];
    while let Some((folder, path)) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let mut path = path.clone();
            path.push(entry.file_name().to_string_lossy().into_owned());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && path.len() < DEEPEST {
                open.push((entry.path(), path));
                continue;
            }
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let group = match path.as_slice() {
                ["README.md" | STATE] | ["stages", _, "PLAN.md" | "REQUIREMENTS.md"] => continue,
                ["stages", stage, inner, _, ..] => format!("stages/{stage}/{inner}/"),
                [top, _, ..] => format!("{top}/"),
                file => file.join("/"),
            };
            *counts.entry(group).or_default() += 1;
        }
    }
    counts
        .into_iter()
        .map(
            |(group, number)| {
                if group.ends_with('/') { format!("{group} ({})", count(number, "file", "files")) } else { group }
            },
        )
        .collect()
}
