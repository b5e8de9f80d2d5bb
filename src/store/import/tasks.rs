//! tasks.json of the 0.3 format: its threads are written to threads.json.

use super::super::LOCK_WAIT;
use super::{Imported, by_status, nothing_to_import};
use crate::clock::Moment;
use crate::fault::Stopped;
use crate::store::file::FileStore;
use crate::store::snapshot::read_tasks;
use crate::store::tasks_json::TasksJson;
use crate::wording::count;

impl FileStore {
    /// Writes to threads.json what tasks.json says of the threads of a workstream.
    pub fn import_tasks(&self, wanted: Option<&str>, at: Moment) -> Result<Imported, Stopped> {
        let locked = self.lock_files(wanted, LOCK_WAIT)?;
        let snapshot = locked.snapshot();
        let workstream = snapshot.workstream.clone();
        let folder = snapshot.root.join("work").join(&workstream);
        let tasks = read_tasks(self.disk(), &folder)?;
        if tasks.threads.is_empty() {
            return Err(nothing_to_import(&format!("work/{workstream}")).into());
        }
        let imported = Imported {
            from: format!("work/{workstream}/tasks.json"),
            unchanged: snapshot.threads.threads.from_tasks.is_empty(),
            threads: by_status(snapshot.board(), tasks.threads.keys().copied()),
            executed: None,
            left: left(tasks),
            workstream,
        };
        if !imported.unchanged {
            locked.write_threads(locked.snapshot().board(), at)?;
        }
        Ok(imported)
    }
}

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
    left.extend(tasks.oddities);
    left
}
