//! tasks.json of the 0.3 format of this family: tasks `SS.BB.TT.NN`, several per thread. Read where
//! threads.json does not say what became of a thread; never written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::threads_json::StatusWord;
use crate::board::Status;
use crate::plan::ThreadId;

/// What the tasks of a thread say of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TaskThread {
    pub(super) name: Option<String>,
    pub(super) stage_name: Option<String>,
    pub(super) batch_name: Option<String>,
    pub(super) status: Status,
    pub(super) assigned_agent: Option<String>,
    pub(super) report: String,
    pub(super) breadcrumb: String,
    /// The names of the tasks that are not done, where there were several.
    pub(super) open_tasks: Vec<String>,
    /// How many tasks it had.
    pub(super) tasks: usize,
}

/// What a tasks.json says.
#[derive(Debug, Default)]
pub(super) struct TasksJson {
    pub(super) threads: BTreeMap<ThreadId, TaskThread>,
    /// Tasks that belong to no thread, one sentence each.
    pub(super) oddities: Vec<String>,
}

#[derive(Deserialize)]
struct FileRecord {
    tasks: Option<Vec<TaskRecord>>,
}

#[derive(Deserialize)]
struct TaskRecord {
    id: String,
    name: Option<String>,
    thread_name: Option<String>,
    batch_name: Option<String>,
    stage_name: Option<String>,
    status: Option<StatusWord>,
    report: Option<String>,
    breadcrumb: Option<String>,
    assigned_agent: Option<String>,
}

/// Reads a tasks.json. The error's line and column are those of `text`.
pub(super) fn read(text: &str) -> serde_json::Result<TasksJson> {
    let file: FileRecord = serde_json::from_str(text)?;
    let mut read = TasksJson::default();
    let mut by_thread: BTreeMap<ThreadId, BTreeMap<u32, TaskRecord>> = BTreeMap::new();
    for task in file.tasks.unwrap_or_default() {
        let place =
            task.id.rsplit_once('.').and_then(|(thread, number)| Some((thread.parse().ok()?, number.parse().ok()?)));
        let Some((thread, number)) = place else {
            read.oddities.push(format!("tasks.json has a task {:?}, which belongs to no thread", short(&task.id)));
            continue;
        };
        if let Some(twice) = by_thread.entry(thread).or_default().insert(number, task) {
            read.oddities.push(format!("tasks.json has two tasks {:?}; the later one counts", short(&twice.id)));
        }
    }
    read.threads =
        by_thread.into_iter().map(|(id, tasks)| (id, thread(&tasks.into_values().collect::<Vec<_>>()))).collect();
    Ok(read)
}

fn short(id: &str) -> String {
    id.chars().take(60).collect()
}

fn thread(tasks: &[TaskRecord]) -> TaskThread {
    let statuses: Vec<Status> =
        tasks.iter().map(|task| task.status.as_ref().map(|word| word.0).unwrap_or_default()).collect();
    let first = |of: fn(&TaskRecord) -> &Option<String>| {
        tasks.iter().find_map(|task| of(task).clone().filter(|text| !text.trim().is_empty()))
    };
    let mut reports: Vec<&str> = Vec::new();
    for report in tasks.iter().filter_map(|task| task.report.as_deref()).map(str::trim) {
        if !report.is_empty() && !reports.contains(&report) {
            reports.push(report);
        }
    }
    let open = tasks.iter().zip(&statuses).filter(|(_, status)| !status.is_done());
    TaskThread {
        name: first(|task| &task.thread_name),
        stage_name: first(|task| &task.stage_name),
        batch_name: first(|task| &task.batch_name),
        status: combined(&statuses),
        assigned_agent: first(|task| &task.assigned_agent),
        report: reports.join("\n\n"),
        breadcrumb: first(|task| &task.breadcrumb).unwrap_or_default(),
        open_tasks: if tasks.len() > 1 { open.filter_map(|(task, _)| task.name.clone()).collect() } else { Vec::new() },
        tasks: tasks.len(),
    }
}

/// Returns the status of a thread with tasks of these: what is open decides, the worst first. Tasks
/// that were cancelled do not undo those that were completed.
fn combined(statuses: &[Status]) -> Status {
    let any = |wanted| statuses.contains(&wanted);
    if any(Status::Blocked) {
        Status::Blocked
    } else if any(Status::InProgress) {
        Status::InProgress
    } else if any(Status::Pending) || statuses.is_empty() {
        Status::Pending
    } else if any(Status::Completed) {
        Status::Completed
    } else {
        Status::Cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Blocked, Cancelled, Completed, InProgress, Pending};

    #[test]
    fn what_is_open_decides() {
        let table: [(&[Status], Status); 8] = [
            (&[], Pending),
            (&[Completed, Completed], Completed),
            (&[Completed, Cancelled], Completed),
            (&[Cancelled, Cancelled], Cancelled),
            (&[Completed, Pending], Pending),
            (&[Pending, InProgress, Completed], InProgress),
            (&[InProgress, Blocked], Blocked),
            (&[Cancelled, Pending], Pending),
        ];
        for (statuses, expected) in table {
            assert_eq!(combined(statuses), expected, "{statuses:?}");
        }
    }

    #[test]
    fn tasks_of_a_thread_become_one() {
        let text = r#"{"tasks": [
            {"id": "1.2.3.2", "name": "Second", "status": "in_progress", "report": " same "},
            {"id": "01.02.03.01", "name": "First", "thread_name": "Parser", "status": "completed", "report": "same", "assigned_agent": "me"},
            {"id": "01.02.03.03", "name": "Third", "report": "other", "breadcrumb": "at line 4"},
            {"id": "01.02.03", "name": "odd"}, {"id": "", "name": "odd"}]}"#;
        let read = read(text).unwrap();
        assert_eq!(read.threads.keys().map(ToString::to_string).collect::<Vec<_>>(), ["01.02.03"]);
        assert_eq!(
            read.threads.values().next().unwrap(),
            &TaskThread {
                name: Some("Parser".into()),
                status: InProgress,
                assigned_agent: Some("me".into()),
                report: "same\n\nother".into(),
                breadcrumb: "at line 4".into(),
                open_tasks: vec!["Second".into(), "Third".into()],
                tasks: 3,
                ..TaskThread::default()
            }
        );
        assert_eq!(read.oddities.len(), 2);
    }
}
