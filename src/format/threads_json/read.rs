//! Reads a threads.json as a board.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::record::{BudgetRecord, CycleRecord, CycleWord, ThreadRecord, ThreadsRecord};
use crate::board::{Attempt, AttemptStatus, Board, Budget, Cycle, CycleState, Status, Thread, Threads};
use crate::format::tasks_json::{TaskThread, TasksJson};
use crate::format::words::{CheckRecord, SessionRecord, SessionWord, StatusWord};
use crate::moment::Moment;
use crate::plan::ThreadId;

/// What a threads.json says.
#[derive(Debug, Default)]
pub(crate) struct ThreadsJson {
    pub(crate) board: Arc<Board>,
    /// One sentence for each record that belongs to no thread.
    pub(crate) warnings: Vec<String>,
    /// The threads whose state was taken from tasks.json.
    pub(crate) from_tasks: BTreeSet<ThreadId>,
    /// Whether a record has no `status`.
    pub(crate) has_stateless_records: bool,
}

/// Reads a threads.json. The state of a thread whose record has no `status` is taken from `tasks`. Without a text, all
/// threads are those of `tasks`.
///
/// # Errors
///
/// An error with the line and the column of the mistake in `text`, or one that names the thread or the cycle that
/// contradicts another record.
pub(crate) fn read(text: Option<&str>, tasks: &TasksJson) -> serde_json::Result<ThreadsJson> {
    use serde::de::Error as _;

    let file: ThreadsRecord = match text {
        Some(text) => serde_json::from_str(text)?,
        None => ThreadsRecord { threads: None, cycles: None },
    };
    let mut read = ThreadsJson::default();
    let mut threads = Threads::default();
    let mut without_state: BTreeSet<ThreadId> = tasks.threads.keys().copied().collect();
    for mut record in file.threads.unwrap_or_default() {
        let Ok(id) = record.thread_id.parse::<ThreadId>() else {
            read.warnings.push(format!(
                "threads.json has a record of {:?}, which is no thread id; it is kept and ignored",
                record.thread_id.chars().take(60).collect::<String>()
            ));
            continue;
        };
        read.has_stateless_records |= record.status.is_none();
        if record.status.is_some() {
            without_state.remove(&id);
        } else if let Some(tasks) = tasks.threads.get(&id) {
            complete(&mut record, tasks);
        }
        if threads.insert(id, thread(record)) {
            return Err(serde_json::Error::custom(format!("thread {id} has two records")));
        }
    }
    for (id, tasks) in tasks.threads.iter().filter(|(id, _)| without_state.contains(id)) {
        if threads.get(*id).is_none() {
            let mut record = ThreadRecord::default();
            complete(&mut record, tasks);
            threads.insert(*id, thread(record));
        }
    }
    read.from_tasks = without_state;
    let cycles = file.cycles.unwrap_or_default().into_iter().map(cycle).collect();
    read.board = Arc::new(Board::new(threads, cycles).map_err(serde_json::Error::custom)?);
    Ok(read)
}

/// Sets the status of a record from tasks.json, and all other fields that the record does not have.
fn complete(record: &mut ThreadRecord, tasks: &TaskThread) {
    record.status = Some(StatusWord(tasks.status));
    record.thread_name = record.thread_name.take().or_else(|| tasks.name.clone());
    record.stage_name = record.stage_name.take().or_else(|| tasks.stage_name.clone());
    record.batch_name = record.batch_name.take().or_else(|| tasks.batch_name.clone());
    record.assigned_agent = record.assigned_agent.take().or_else(|| tasks.assigned_agent.clone());
    record.report = record.report.take().or_else(|| Some(tasks.report.clone()));
    record.breadcrumb = record.breadcrumb.take().or_else(|| Some(tasks.breadcrumb.clone()));
    let sessions = record.sessions.take().filter(|sessions| !sessions.is_empty());
    record.sessions = sessions.or_else(|| Some(tasks.sessions.clone()));
}

fn thread(record: ThreadRecord) -> Thread {
    let status = record.status.map(|word| word.0).unwrap_or_default();
    let mut attempts: Vec<Attempt> = Vec::new();
    for session in record.sessions.unwrap_or_default() {
        // Sessions of older software have no number and count by position (DESIGN §5a.6). A number that would repeat or
        // go back is raised.
        let next = attempts.last().map_or(1, |attempt| attempt.number + 1);
        attempts.push(attempt(session, next));
    }
    let last = attempts.len().saturating_sub(1);
    for (at, attempt) in attempts.iter_mut().enumerate() {
        // Only the last attempt of a thread in progress can be running. Another one was never ended properly.
        if attempt.status == AttemptStatus::Running && (at != last || status != Status::InProgress) {
            attempt.status = AttemptStatus::Interrupted;
        }
    }
    if status == Status::InProgress && attempts.last().is_none_or(|attempt| attempt.status != AttemptStatus::Running) {
        // Older software sets the status without a session. That is a running attempt without a server, which the next
        // server adopts (DESIGN §5).
        attempts.push(Attempt {
            number: attempts.last().map_or(1, |attempt| attempt.number + 1),
            agent: String::new(),
            status: AttemptStatus::Running,
            cycle: None,
            report: String::new(),
            transient: false,
            server: None,
            started_at: None,
            heard_at: None,
            completed_at: None,
            checks: Vec::new(),
            failed_checks: 0,
            usage: None,
        });
    }
    Thread {
        name: record.thread_name,
        stage_name: record.stage_name,
        batch_name: record.batch_name,
        status,
        assigned_agent: record.assigned_agent,
        assigned_at: record.assigned_at.as_deref().and_then(Moment::parse),
        report: record.report.unwrap_or_default(),
        breadcrumb: record.breadcrumb.unwrap_or_default(),
        artifacts: record.artifacts.unwrap_or_default(),
        unproven: record.unproven.unwrap_or_default(),
        next_steps: record.next_steps.unwrap_or_default(),
        attempts,
        attempt_floor: record.attempt_floor.map_or(0, |floor| floor.0),
        former_ids: record.former_ids.iter().flatten().filter_map(|id| id.parse().ok()).collect(),
    }
}

fn attempt(record: SessionRecord, next: u32) -> Attempt {
    Attempt {
        number: record.attempt.map_or(next, |number| number.0.max(next)),
        agent: record.agent_name.unwrap_or_default(),
        status: match record.status {
            SessionWord::Running => AttemptStatus::Running,
            SessionWord::Completed => AttemptStatus::Completed,
            SessionWord::Failed => AttemptStatus::Failed,
            SessionWord::Interrupted => AttemptStatus::Interrupted,
        },
        cycle: record.cycle.map(|cycle| cycle.0),
        report: record.report.unwrap_or_default(),
        transient: record.transient.unwrap_or_default(),
        server: record.server.map(|server| server.0),
        // Older software writes an empty text if it does not know the time.
        started_at: record.started_at.as_deref().and_then(Moment::parse),
        heard_at: record.heard_at.as_deref().and_then(Moment::parse),
        completed_at: record.completed_at.as_deref().and_then(Moment::parse),
        checks: record.checks.unwrap_or_default().into_iter().filter_map(CheckRecord::result).collect(),
        failed_checks: record.failed_checks.unwrap_or_default(),
        usage: record.usage.map(|usage| usage.0),
    }
}

fn cycle(record: CycleRecord) -> Cycle {
    let budget = |record: BudgetRecord| {
        let budget = Budget {
            retried_after: record.retried_after,
            reassigned_after: record.reassigned_after,
            assigned_after: record.assigned_after,
            reason: record.reason,
            fresh_after: record.fresh_after.unwrap_or_default(),
            given_up: record.given_up.unwrap_or_default(),
            applied_before: record.applied_before.unwrap_or_default(),
        };
        (record.thread_id.0, budget)
    };
    Cycle {
        batch: record.batch.0,
        number: record.cycle.0,
        state: match record.status {
            CycleWord::Open => CycleState::Open { holder: record.holder.map(|holder| holder.0) },
            CycleWord::Closed => CycleState::Closed { at: record.closed_at.as_deref().and_then(Moment::parse) },
        },
        retry_asked: record.retry_asked.unwrap_or_default(),
        left: record.left.unwrap_or_default(),
        budgets: record.threads.unwrap_or_default().into_iter().map(budget).collect(),
        opened_at: record.opened_at.as_deref().and_then(Moment::parse),
        taken_over_at: record.taken_over_at.as_deref().and_then(Moment::parse),
        released_at: record.released_at.as_deref().and_then(Moment::parse),
    }
}
