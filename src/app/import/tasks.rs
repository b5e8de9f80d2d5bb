//! Imports a tasks.json of the 0.3 format: writes what it says to threads.json.

use super::{Imported, by_status, nothing_to_import};
use crate::fault::{Error, Fault};
use crate::format::tasks_json::{self, TasksJson};
use crate::moment::Moment;
use crate::store::files::unreadable;
use crate::store::{Folder, Store};
use crate::wording::count;

const TASKS: &str = "tasks.json";

/// Writes to threads.json what tasks.json says of the threads of a workstream. `work` is the folder `work/` of the
/// workspace.
///
/// # Errors
///
/// [`Refusal::Import`](crate::decide::Refusal::Import) if there is no tasks.json, or no thread in it.
pub fn import_tasks(store: &dyn Store, work: &Folder, wanted: Option<&str>, at: Moment) -> Result<Imported, Error> {
    let locked = store.lock(wanted)?;
    let snapshot = locked.snapshot();
    let workstream = snapshot.workstream().to_owned();
    let tasks = read_tasks(&work.inner(&workstream))?;
    if tasks.threads.is_empty() {
        return Err(nothing_to_import(&format!("work/{workstream}")).into());
    }
    let imported = Imported {
        from: format!("work/{workstream}/tasks.json"),
        unchanged: snapshot.from_tasks().is_empty(),
        threads: by_status(snapshot.board(), tasks.threads.keys().copied()),
        executed: None,
        left: left(tasks),
        workstream,
    };
    locked.write_down(at)?;
    Ok(imported)
}

/// Reads the tasks.json of a folder. Without the file it is empty.
fn read_tasks(folder: &Folder) -> Result<TasksJson, Fault> {
    match folder.read(TASKS)? {
        Some(text) => tasks_json::read(&text).map_err(|error| unreadable(&folder.path().join(TASKS), &error)),
        None => Ok(TasksJson::default()),
    }
}

/// Returns what of a tasks.json has no place in threads.json.
fn left(tasks: TasksJson) -> Vec<String> {
    let all: usize = tasks.threads.values().map(|thread| thread.tasks).sum();
    let mut left = vec![format!(
        "the names and times of {} of {}: each thread is one now, and its report names what is open",
        count(all, "task", "tasks"),
        count(tasks.threads.len(), "thread", "threads"),
    )];
    if tasks.threads.values().any(|thread| !thread.sessions.is_empty()) {
        left.push("the ids and models of the sessions that stand with tasks".to_owned());
    }
    for (id, thread) in tasks.threads {
        left.extend(thread.left.into_iter().map(|what| format!("{id}: {what}")));
    }
    left.extend(tasks.warnings);
    left
}
