//! The format of tasks.json, of version 0.3 of this family: tasks with ids `SS.BB.TT.NN`, several per thread. It is
//! read for threads whose state is not in threads.json, and must never be written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::words::{SessionRecord, StatusWord};
use crate::board::Status;
use crate::plan::ThreadId;

/// The state of a thread, put together from its tasks.
#[derive(Debug, Default)]
pub(crate) struct TaskThread {
    pub(crate) name: Option<String>,
    pub(crate) stage_name: Option<String>,
    pub(crate) batch_name: Option<String>,
    pub(crate) status: Status,
    pub(crate) assigned_agent: Option<String>,
    pub(crate) report: String,
    pub(crate) breadcrumb: String,
    /// The sessions of all its tasks, by their start.
    pub(crate) sessions: Vec<SessionRecord>,
    /// The number of its tasks.
    pub(crate) tasks: usize,
    /// What is lost because a thread has no place for it, one clause each.
    pub(crate) left: Vec<String>,
}

/// The content of a tasks.json.
#[derive(Debug, Default)]
pub(crate) struct TasksJson {
    pub(crate) threads: BTreeMap<ThreadId, TaskThread>,
    /// One sentence for each task that belongs to no thread, or that another task replaces.
    pub(crate) warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct TasksRecord {
    tasks: Option<Vec<TaskRecord>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
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
    sessions: Option<Vec<SessionRecord>>,
    github_issue: Option<IgnoredAny>,
}

/// Reads a tasks.json.
///
/// # Errors
///
/// An error with the line and the column of the mistake.
pub(crate) fn read(text: &str) -> serde_json::Result<TasksJson> {
    let file: TasksRecord = serde_json::from_str(text)?;
    let mut read = TasksJson::default();
    let mut by_thread: BTreeMap<ThreadId, BTreeMap<u32, TaskRecord>> = BTreeMap::new();
    for task in file.tasks.unwrap_or_default() {
        let place =
            task.id.rsplit_once('.').and_then(|(thread, number)| Some((thread.parse().ok()?, number.parse().ok()?)));
        let Some((thread, number)) = place else {
            read.warnings.push(format!("tasks.json has a task {:?}, which belongs to no thread", short(&task.id)));
            continue;
        };
        if let Some(twice) = by_thread.entry(thread).or_default().insert(number, task) {
            read.warnings.push(format!("tasks.json has two tasks {:?}; the later one counts", short(&twice.id)));
        }
    }
    read.threads = by_thread.into_iter().map(|(id, tasks)| (id, thread(tasks.into_values().collect()))).collect();
    Ok(read)
}

fn short(id: &str) -> String {
    id.chars().take(60).collect()
}

fn thread(tasks: Vec<TaskRecord>) -> TaskThread {
    let statuses: Vec<Status> = tasks.iter().map(TaskRecord::status).collect();
    let mut left = Vec::new();
    let mut one_of = |what: &str, of: fn(&TaskRecord) -> &Option<String>| {
        let mut texts: Vec<&str> = Vec::new();
        for text in tasks.iter().filter_map(|task| of(task).as_deref()).map(str::trim) {
            if !text.is_empty() && !texts.contains(&text) {
                texts.push(text);
            }
        }
        if let [first, others @ ..] = texts.as_slice()
            && !others.is_empty()
        {
            left.push(format!("its tasks name several {what}: {first} was taken, not {}", others.join(", ")));
        }
        texts.first().map(|text| (*text).to_owned())
    };
    let name = one_of("names", |task| &task.thread_name);
    let stage_name = one_of("stage names", |task| &task.stage_name);
    let batch_name = one_of("batch names", |task| &task.batch_name);
    let assigned_agent = one_of("agents", |task| &task.assigned_agent);
    let breadcrumb = one_of("breadcrumbs", |task| &task.breadcrumb).unwrap_or_default();
    if tasks.iter().any(|task| task.github_issue.is_some()) {
        left.push("the links of its tasks to GitHub issues".to_owned());
    }
    let report = report(&tasks, &statuses);
    let count = tasks.len();
    let mut sessions: Vec<SessionRecord> =
        tasks.into_iter().flat_map(|task| task.sessions.unwrap_or_default()).collect();
    sessions.sort_by(|a, b| a.started_at.cmp(&b.started_at));
    TaskThread {
        name,
        stage_name,
        batch_name,
        status: combined(&statuses),
        assigned_agent,
        report,
        breadcrumb,
        sessions,
        tasks: count,
        left,
    }
}

/// Returns the different reports of the tasks as paragraphs. If there are several tasks, a last paragraph names the
/// open ones.
fn report(tasks: &[TaskRecord], statuses: &[Status]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for report in tasks.iter().filter_map(|task| task.report.as_deref()).map(|report| report.trim().to_owned()) {
        if !report.is_empty() && !parts.contains(&report) {
            parts.push(report);
        }
    }
    let open = tasks.iter().zip(statuses).filter(|(_, status)| !status.is_done());
    let open: Vec<&str> = open.filter_map(|(task, _)| task.name.as_deref()).collect();
    if tasks.len() > 1 && !open.is_empty() {
        parts.push(format!("Open tasks: {}.", open.join("; ")));
    }
    parts.join("\n\n")
}

impl TaskRecord {
    fn status(&self) -> Status {
        self.status.as_ref().map(|word| word.0).unwrap_or_default()
    }
}

/// Returns the status of a thread whose tasks have these: the first that occurs of blocked, in progress, pending,
/// completed, cancelled. So a cancelled task does not undo a completed one.
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
            {"id": "01.02.03.01", "name": "First", "thread_name": "Parser", "status": "completed", "report": "same", "assigned_agent": "me",
             "sessions": [{"startedAt": "2026-01-02", "status": "completed"}]},
            {"id": "01.02.03.03", "name": "Third", "report": "other", "breadcrumb": "at line 4", "assigned_agent": "you",
             "sessions": [{"startedAt": "2026-01-01", "status": "failed"}]},
            {"id": "01.02.03", "name": "odd"}, {"id": "", "name": "odd"}]}"#;
        let read = read(text).unwrap();
        assert_eq!(read.threads.keys().map(ToString::to_string).collect::<Vec<_>>(), ["01.02.03"]);
        let thread = read.threads.values().next().unwrap();
        assert_eq!((thread.status, thread.tasks, thread.name.as_deref()), (InProgress, 3, Some("Parser")));
        assert_eq!(thread.report, "same\n\nother\n\nOpen tasks: Second; Third.");
        assert_eq!((thread.assigned_agent.as_deref(), thread.breadcrumb.as_str()), (Some("me"), "at line 4"));
        assert_eq!(thread.left, ["its tasks name several agents: me was taken, not you"]);
        let started: Vec<_> = thread.sessions.iter().filter_map(|session| session.started_at.as_deref()).collect();
        assert_eq!(started, ["2026-01-01", "2026-01-02"]);
        assert_eq!(read.warnings.len(), 2);
    }
}
