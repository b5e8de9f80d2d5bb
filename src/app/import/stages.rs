//! Imports a workstream of the 0.9 format, which has a plan per stage and its state in one file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{Imported, by_status, nothing_to_import};
use crate::fault::{Error, Fault};
use crate::format::json::{Object, close, open};
use crate::format::tasks_json::TasksJson;
use crate::format::threads_json;
use crate::index::{is_folder_name, name_of};
use crate::moment::Moment;
use crate::plan::{Plan, StagePlan, ThreadId, assemble, parse};
use crate::store::files::{unreadable, unwritable};
use crate::store::{Added, Folder, NewWorkstream, Store};
use crate::wording::count;

const STATE: &str = "workstream-state.json";

/// Adds a workstream with the stages and the state of a folder of the 0.9 format.
///
/// It gets the name `name`, else the one that the folder has. `root` is the folder that holds `work/`; paths in the
/// result are relative to it.
///
/// # Errors
///
/// [`Refusal::Import`](crate::decide::Refusal::Import) if the folder has no stage with a plan, and those of
/// [`Store::add`].
pub(super) fn import_folder(
    store: &dyn Store,
    folder: &Folder,
    root: Option<&Path>,
    name: Option<&str>,
    at: Moment,
) -> Result<Imported, Error> {
    let path = folder.path();
    let folder_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.unwrap_or_else(|| name_of(&folder_name));
    let stages = read_stages(folder)?;
    if stages.is_empty() {
        return Err(nothing_to_import(&path.display().to_string()).into());
    }
    let origin = root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path).display().to_string();
    let readme = folder.read("README.md")?;
    let assembled = assemble(name, readme.as_deref(), &stages, &origin);
    let plan = parse(&assembled.text);
    let state = State::read(folder)?;
    let mut left = assembled.left;
    left.extend(state.left(folder));
    left.push("the approvals: the plan has a new text, and stages are approved again".to_owned());
    let state_path = path.join(STATE);
    let threads = state.threads_json(&plan, at, &mut left).map_err(|error| unwritable(&state_path, &error))?;
    // Reading the new threads.json proves that the store can read it later. Nothing has been written yet.
    let read = threads_json::read(Some(&threads), &TasksJson::default());
    let board = read.map_err(|error| unreadable(&state_path, &error))?.board;
    let new = NewWorkstream { name, plan: &assembled.text, threads: Some(&threads) };
    let Added { id: workstream, executed } = store.add(&new, at)?;
    left.extend(files_left(folder, &stages));
    let threads = by_status(&board, plan.threads().map(|thread| thread.id));
    Ok(Imported { workstream, from: origin, unchanged: false, threads, executed, left })
}

/// Returns the folders in `work/` that have a plan per stage and no PLAN.md of their own, relative to the root of the
/// workspace.
pub(super) fn importable(work: &Folder) -> Vec<String> {
    let mut names = work.names().unwrap_or_default();
    names.retain(|name| {
        let folder = work.inner(name);
        is_folder_name(name) && folder.has_folder("stages") && !folder.has_file("PLAN.md")
    });
    names.into_iter().map(|name| format!("work/{name}")).collect()
}

/// Reads the stages in the order in which the 0.9 format runs them: 01, 01-r1, 02.
fn read_stages(folder: &Folder) -> Result<Vec<StagePlan>, Fault> {
    let stages = folder.inner("stages");
    let mut names: Vec<((u32, u32), String)> =
        stages.names()?.into_iter().filter_map(|name| Some((order_of(&name)?, name))).collect();
    names.sort();
    let mut read = Vec::new();
    for (_, name) in names {
        let stage = stages.inner(&name);
        if let Some(plan) = stage.read("PLAN.md")? {
            let requirements = stage.read("REQUIREMENTS.md")?;
            read.push(StagePlan { folder: name, plan, requirements });
        }
    }
    Ok(read)
}

/// Returns the number and the revision of a stage, by the name of its folder.
fn order_of(name: &str) -> Option<(u32, u32)> {
    match name.split_once("-r") {
        Some((number, revision)) => Some((number.parse().ok()?, revision.parse().ok()?)),
        None => Some((name.parse().ok()?, 0)),
    }
}

/// workstream-state.json of the 0.9 format.
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

/// The structure of the plan when it was approved.
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
    fn read(folder: &Folder) -> Result<Self, Fault> {
        let path = folder.path().join(STATE);
        match folder.read(STATE)? {
            Some(text) => serde_json::from_str(&text).map_err(|error| unreadable(&path, &error)),
            None => Ok(Self { is_missing: true, ..Self::default() }),
        }
    }

    /// Returns what of the state has no place in threads.json.
    fn left(&self, folder: &Folder) -> Vec<String> {
        let mut left = Vec::new();
        if self.is_missing && folder.path().parent().is_some_and(|work| work.join("db.sqlite").is_file()) {
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
        // PLAN.md and `work approve` take the place of these.
        let known = ["version", "streamId", "approvals"];
        let others = self.others.keys().filter(|key| !known.contains(&key.as_str()));
        left.extend(others.map(|key| format!("{STATE}: {key}")));
        left
    }

    /// Returns the text of threads.json. Keys of a record that are not known here stay as they are.
    fn threads_json(&self, plan: &Plan, at: Moment, left: &mut Vec<String>) -> serde_json::Result<String> {
        const FILE_ORDER: [&str; 4] = ["version", "stream_id", "last_updated", "threads"];
        const THREAD_ORDER: [&str; 5] = ["threadId", "threadName", "stageName", "batchName", "promptPath"];
        let mut records = Vec::new();
        for known in &self.thread_runtime {
            let mut record = known.clone();
            let text = record.get::<String>("threadId")?.unwrap_or_default();
            let then = record.get::<String>("itemName")?.unwrap_or_default();
            record.remove("itemName");
            match text.parse::<ThreadId>().ok().and_then(|id| plan.thread(id)) {
                // The 0.9 format renumbers threads and leaves their state behind. So this state may be another
                // thread's, and work that was not done must not count as done.
                Some(thread) if !is_name_of(&then, &thread.name) => {
                    let status = record.get::<String>("status")?.unwrap_or_default();
                    let line = format!("its state ({status}) is of {then:?}, the plan calls it {:?}", thread.name);
                    left.push(format!("{text}: {line}"));
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
        file.set("last_updated", &at.to_string(), &FILE_ORDER)?;
        file.set("threads", &records, &FILE_ORDER)?;
        close(&file, None)
    }
}

/// Returns whether a recorded name is that of a thread. The 0.9 format records the `@agent:` with the name.
fn is_name_of(recorded: &str, name: &str) -> bool {
    recorded.is_empty() || recorded.split("@agent:").next().map(str::trim) == Some(name)
}

/// Returns the files that are not imported, counted by folder.
fn files_left(folder: &Folder, stages: &[StagePlan]) -> Vec<String> {
    const DEEPEST: usize = 8;
    let mut read: BTreeSet<String> = ["README.md", STATE].map(str::to_owned).into();
    for stage in stages {
        read.extend(["PLAN.md", "REQUIREMENTS.md"].map(|name| format!("stages/{}/{name}", stage.folder)));
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for file in folder.files_below(DEEPEST, false).unwrap_or_default() {
        if read.contains(&file) {
            continue;
        }
        let path: Vec<&str> = file.split('/').collect();
        let group = match path.as_slice() {
            ["stages", stage, inner, _, ..] => format!("stages/{stage}/{inner}/"),
            ["stages", ..] | [_] => file.clone(),
            [top, ..] => format!("{top}/"),
            [] => continue,
        };
        *counts.entry(group).or_default() += 1;
    }
    let line = |(group, number): (String, usize)| {
        if group.ends_with('/') { format!("{group} ({})", count(number, "file", "files")) } else { group }
    };
    counts.into_iter().map(line).collect()
}
