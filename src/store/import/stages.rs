//! A workstream of the 0.9 format, with a plan per stage and its state in one file, becomes a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Imported, by_status, nothing_to_import};
use crate::board::Board;
use crate::clock::Moment;
use crate::fault::{Fault, Stopped};
use crate::index::name_of;
use crate::plan::{Plan, StagePlan, ThreadId, assemble, parse};
use crate::store::create::{Added, Beginning};
use crate::store::disk::Disk;
use crate::store::file::FileStore;
use crate::store::json::{Object, close, open};
use crate::store::snapshot::{read_state, unreadable};
use crate::store::tasks_json::TasksJson;
use crate::store::workspace::is_folder_name;
use crate::store::{threads_json, unwritable};
use crate::wording::count;

const STATE: &str = "workstream-state.json";

impl FileStore {
    /// Makes a workstream of a folder of the 0.9 format, with a plan per stage. It keeps its name, unless it
    /// gets another one.
    pub fn import_stages(&self, folder: &Path, name: Option<&str>, at: Moment) -> Result<Imported, Stopped> {
        let folder = self.place().directory.join(folder);
        let from = folder.display().to_string();
        let folder_name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = name.unwrap_or_else(|| name_of(&folder_name));
        let stages = read_stages(self.disk(), &folder)?;
        if stages.is_empty() {
            return Err(nothing_to_import(&from).into());
        }
        let root = self.root()?;
        let origin = folder.strip_prefix(&root).unwrap_or(&folder).display().to_string();
        let readme = read_state(self.disk(), &folder.join("README.md"))?;
        let assembled = assemble(name, readme.as_deref(), &stages, &origin);
        let plan = parse(&assembled.text);
        let state = State::read(self.disk(), &folder)?;
        let mut left = assembled.left;
        left.extend(state.left(&folder));
        left.push("the approvals: the plan has a new text, and stages are approved again (work approve)".to_owned());
        let mut board = Arc::new(Board::default());
        let Added { id: workstream, executed } = self.add_workstream(name, at, |id| {
            let path = folder.join(STATE);
            let threads = state.threads_json(id, &plan, at, &mut left).map_err(|error| unwritable(&path, &error))?;
            board = threads_json::read(Some(&threads), &TasksJson::default())
                .map_err(|error| unreadable(&path, &error))?
                .board;
            Ok(Beginning { plan: assembled.text, threads: Some(threads) })
        })?;
        left.extend(files_left(&folder, &stages));
        let threads = by_status(&board, plan.threads().map(|thread| thread.id));
        Ok(Imported { workstream, from: origin, unchanged: false, threads, executed, left })
    }
}

/// Returns the folders of the workspace that have a plan per stage and none of their own.
pub(in crate::store) fn importable(root: &Path) -> Vec<String> {
    let work = root.join("work");
    let mut names: Vec<String> = fs::read_dir(&work)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_folder_name(name))
        .filter(|name| work.join(name).join("stages").is_dir() && !work.join(name).join("PLAN.md").exists())
        .map(|name| format!("work/{name}"))
        .collect();
    names.sort();
    names
}

/// Reads the stage folders, in the order in which that version ran them: 01, 01-r1, 02.
fn read_stages(disk: &dyn Disk, folder: &Path) -> Result<Vec<StagePlan>, Fault> {
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
        if let Some(plan) = read_state(disk, &stages.join(&name).join("PLAN.md"))? {
            let requirements = read_state(disk, &stages.join(&name).join("REQUIREMENTS.md"))?;
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
    hierarchy: Hierarchy,
    thread_runtime: Vec<Object>,
    batch_runs: Vec<Object>,
    supervision: Option<BTreeMap<String, Value>>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
    #[serde(skip)]
    is_missing: bool,
}

/// The plan's structure as it was when it was approved.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Hierarchy {
    threads: Vec<HierarchyThread>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HierarchyThread {
    id: String,
    prompt_path: Option<String>,
}

impl State {
    fn read(disk: &dyn Disk, folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(STATE);
        match read_state(disk, &path)? {
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
        // The plan and `work approve` take the place of these.
        let known = ["version", "streamId", "approvals"];
        let others = self.others.keys().filter(|key| !known.contains(&key.as_str()));
        left.extend(others.map(|key| format!("{STATE}: {key}")));
        left
    }

    /// Returns the text of threads.json. Keys that it does not know are kept as they are.
    fn threads_json(&self, id: &str, plan: &Plan, at: Moment, left: &mut Vec<String>) -> serde_json::Result<String> {
        const FILE_ORDER: [&str; 4] = ["version", "stream_id", "last_updated", "threads"];
        const THREAD_ORDER: [&str; 5] = ["threadId", "threadName", "stageName", "batchName", "promptPath"];
        let mut records = Vec::new();
        for known in &self.thread_runtime {
            let mut record = known.clone();
            let text = record.get::<String>("threadId")?.unwrap_or_default();
            let then = record.get::<String>("itemName")?.unwrap_or_default();
            record.remove("itemName");
            match text.parse::<ThreadId>().ok().and_then(|id| plan.thread(id)) {
                // That version renumbers threads and leaves their state behind: what was not done must
                // not count as done.
                Some(thread) if !is_name_of(&then, &thread.name) => {
                    let status = record.get::<String>("status")?.unwrap_or_default();
                    let told = format!("its state ({status}) is of {then:?}, the plan calls it {:?}", thread.name);
                    left.push(format!("{text}: {told}"));
                    continue;
                }
                Some(thread) => {
                    let stage = plan.stage(thread.id.batch.stage).map(|stage| stage.name.clone());
                    let batch = plan.batch(thread.id.batch).map(|batch| batch.name.clone());
                    record.set("threadName", &thread.name, &THREAD_ORDER)?;
                    record.set("stageName", &stage, &THREAD_ORDER)?;
                    record.set("batchName", &batch, &THREAD_ORDER)?;
                }
                None => {
                    record.set("threadName", &then, &THREAD_ORDER)?;
                    left.push(format!("{text}: it is in no plan; its state is kept and counts for nothing"));
                }
            }
            let prompt = self.hierarchy.threads.iter().find(|thread| thread.id == text);
            if let (Some(path), false) =
                (prompt.and_then(|thread| thread.prompt_path.as_ref()), record.has("promptPath"))
            {
                record.set("promptPath", path, &THREAD_ORDER)?;
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

/// Returns whether a recorded name is that of a thread; there an agent was part of the name.
fn is_name_of(recorded: &str, name: &str) -> bool {
    recorded.is_empty() || recorded.split("@agent:").next().map(str::trim) == Some(name)
}

/// Returns the files that stay where they are, counted by folder; not those that were read.
fn files_left(folder: &Path, stages: &[StagePlan]) -> Vec<String> {
    const DEEPEST: usize = 8;
    let mut read: BTreeSet<String> = ["README.md", STATE].map(str::to_owned).into();
    for stage in stages {
        read.extend(["PLAN.md", "REQUIREMENTS.md"].map(|name| format!("stages/{}/{name}", stage.folder)));
    }
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
            if read.contains(&path.join("/")) {
                continue;
            }
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let group = match path.as_slice() {
                ["stages", stage, inner, _, ..] => format!("stages/{stage}/{inner}/"),
                ["stages", ..] | [_] => path.join("/"),
                [top, ..] => format!("{top}/"),
                [] => continue,
            };
            *counts.entry(group).or_default() += 1;
        }
    }
    let told = |(group, number): (String, usize)| {
        if group.ends_with('/') { format!("{group} ({})", count(number, "file", "files")) } else { group }
    };
    counts.into_iter().map(told).collect()
}
