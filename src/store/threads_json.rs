//! threads.json: text → [`Board`], and a board's changes → text (DESIGN §3).
//!
//! Reading knows the fields that the rules need. Writing changes the fields that changed and leaves
//! every other byte of a record as it stands, in its place.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::json::{Object, pretty};
use crate::board::{Attempt, AttemptStatus, Board, Budget, Cycle, ServerId, Status, Thread};
use crate::clock::Moment;
use crate::plan::{BatchId, ThreadId};

/// The version that new files are written with. Files of other 1.x versions keep theirs.
pub(super) const VERSION: &str = "1.0.0";

const FILE_ORDER: [&str; 5] = ["version", "stream_id", "last_updated", "threads", "cycles"];
const THREAD_ORDER: [&str; 14] = [
    "threadId",
    "threadName",
    "stageName",
    "batchName",
    "status",
    "assignedAgent",
    "report",
    "breadcrumb",
    "artifacts",
    "nextSteps",
    "promptPath",
    "sessions",
    "createdAt",
    "updatedAt",
];
const SESSION_ORDER: [&str; 12] = [
    "sessionId",
    "agentName",
    "model",
    "startedAt",
    "completedAt",
    "status",
    "exitCode",
    "attempt",
    "cycle",
    "report",
    "transient",
    "server",
];
const CYCLE_ORDER: [&str; 8] = ["batch", "cycle", "status", "holder", "read", "openedAt", "closedAt", "threads"];

/// What a threads.json says.
#[derive(Debug, Default)]
pub(super) struct ThreadsJson {
    pub(super) board: Board,
    /// Records that stand for no thread, one sentence each.
    pub(super) oddities: Vec<String>,
}

#[derive(Deserialize)]
struct FileRecord {
    threads: Option<Vec<ThreadRecord>>,
    cycles: Option<Vec<CycleRecord>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThreadRecord {
    thread_id: String,
    thread_name: Option<String>,
    stage_name: Option<String>,
    batch_name: Option<String>,
    status: Option<StatusWord>,
    assigned_agent: Option<String>,
    report: Option<String>,
    breadcrumb: Option<String>,
    artifacts: Option<Vec<String>>,
    next_steps: Option<Vec<String>>,
    sessions: Option<Vec<SessionRecord>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionRecord {
    agent_name: Option<String>,
    started_at: Option<String>,
    completed_at: Option<String>,
    status: SessionWord,
    attempt: Option<Counter>,
    cycle: Option<Counter>,
    report: Option<String>,
    transient: Option<bool>,
    server: Option<ServerWord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CycleRecord {
    batch: BatchWord,
    cycle: Counter,
    status: CycleWord,
    holder: Option<ServerWord>,
    read: Option<bool>,
    opened_at: Option<String>,
    closed_at: Option<String>,
    threads: Option<Vec<BudgetRecord>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BudgetRecord {
    thread_id: ThreadWord,
    #[serde(skip_serializing_if = "Option::is_none")]
    retried_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reassigned_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh_after: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusWord {
    Pending,
    InProgress,
    Completed,
    Blocked,
    Cancelled,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SessionWord {
    Running,
    Completed,
    Failed,
    Interrupted,
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum CycleWord {
    Open,
    Closed,
}

/// The number of an attempt or a cycle, small enough to count on from.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
struct Counter(u32);

impl TryFrom<u32> for Counter {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        const MAX: u32 = 1_000_000;
        if number <= MAX { Ok(Self(number)) } else { Err(format!("{number} is over the limit of {MAX}")) }
    }
}

/// An id or a name that is read strictly, so that an error carries line and column.
macro_rules! word {
    ($name:ident, $inner:ty) => {
        #[derive(Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        struct $name($inner);

        impl TryFrom<String> for $name {
            type Error = <$inner as std::str::FromStr>::Err;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse().map(Self)
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.0.to_string()
            }
        }

        impl Clone for $name {
            fn clone(&self) -> Self {
                Self(self.0)
            }
        }
    };
}

word!(ServerWord, ServerId);
word!(BatchWord, BatchId);
word!(ThreadWord, ThreadId);

/// Reads a threads.json. The error's line and column are those of `text`.
pub(super) fn read(text: &str) -> serde_json::Result<ThreadsJson> {
    use serde::de::Error as _;

    let file: FileRecord = serde_json::from_str(text)?;
    let mut read = ThreadsJson::default();
    for record in file.threads.unwrap_or_default() {
        let Ok(id) = record.thread_id.parse::<ThreadId>() else {
            read.oddities.push(format!(
                "threads.json has a record of {:?}, which is no thread id; it is kept and ignored",
                record.thread_id.chars().take(60).collect::<String>()
            ));
            continue;
        };
        if read.board.threads.insert(id, thread(record)).is_some() {
            return Err(serde_json::Error::custom(format!("thread {id} has two records")));
        }
    }
    read.board.cycles = file.cycles.unwrap_or_default().into_iter().map(cycle).collect();
    if read.board.cycles.iter().filter(|cycle| cycle.open).count() > 1 {
        return Err(serde_json::Error::custom("more than one cycle is open"));
    }
    Ok(read)
}

/// Returns the text of threads.json with what changed between `before` and `after`. `text` is the file
/// as it was, which `before` was read from.
pub(super) fn write(
    text: Option<&str>,
    stream_id: &str,
    before: &Board,
    after: &Board,
    at: Moment,
) -> serde_json::Result<String> {
    let mut file: Object = if let Some(text) = text {
        serde_json::from_str(text)?
    } else {
        let mut file = Object::default();
        file.set("version", &VERSION, &FILE_ORDER)?;
        file.set("stream_id", &stream_id, &FILE_ORDER)?;
        file
    };
    file.set("last_updated", &at.to_string(), &FILE_ORDER)?;
    let mut records: Vec<(Option<ThreadId>, Box<RawValue>)> = file
        .get::<Vec<Box<RawValue>>>("threads")?
        .unwrap_or_default()
        .into_iter()
        .map(|raw| Ok((serde_json::from_str::<IdOnly>(raw.get())?.thread_id.parse().ok(), raw)))
        .collect::<serde_json::Result<_>>()?;
    for (id, thread) in &after.threads {
        let known = before.threads.get(id);
        if known == Some(thread) {
            continue;
        }
        match records.iter_mut().find(|(record, _)| *record == Some(*id)) {
            Some((_, raw)) => *raw = write_thread(serde_json::from_str(raw.get())?, *id, known, thread, at)?,
            None => {
                let raw = write_thread(Object::default(), *id, None, thread, at)?;
                let behind = records.iter().rposition(|(record, _)| record.is_some_and(|record| record < *id));
                records.insert(behind.map_or(0, |behind| behind + 1), (Some(*id), raw));
            }
        }
    }
    let records: Vec<Box<RawValue>> = records.into_iter().map(|(_, raw)| raw).collect();
    file.set("threads", &records, &FILE_ORDER)?;
    if before.cycles != after.cycles {
        let mut records = file.get::<Vec<Object>>("cycles")?.unwrap_or_default();
        for (at, cycle) in after.cycles.iter().enumerate() {
            if before.cycles.get(at) == Some(cycle) {
                continue;
            }
            if records.len() <= at {
                records.push(Object::default());
            }
            write_cycle(&mut records[at], cycle)?;
        }
        file.set("cycles", &records, &FILE_ORDER)?;
    }
    let mut out = pretty(&serde_json::to_string(&file)?);
    if text.is_none_or(|text| text.ends_with('\n')) {
        out.push('\n');
    }
    Ok(out)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdOnly {
    thread_id: String,
}

fn thread(record: ThreadRecord) -> Thread {
    let status = match record.status {
        None | Some(StatusWord::Pending) => Status::Pending,
        Some(StatusWord::InProgress) => Status::InProgress,
        Some(StatusWord::Completed) => Status::Completed,
        Some(StatusWord::Blocked) => Status::Blocked,
        Some(StatusWord::Cancelled) => Status::Cancelled,
    };
    let mut attempts: Vec<Attempt> = Vec::new();
    for session in record.sessions.unwrap_or_default() {
        // Older sessions count by position; numbers never repeat and never go back.
        let next = attempts.last().map_or(1, |attempt| attempt.number + 1);
        attempts.push(attempt(session, next));
    }
    let last = attempts.len().saturating_sub(1);
    for (at, attempt) in attempts.iter_mut().enumerate() {
        // Only the latest session of a thread in progress can be one that runs.
        if attempt.status == AttemptStatus::Running && (at != last || status != Status::InProgress) {
            attempt.status = AttemptStatus::Interrupted;
        }
    }
    if status == Status::InProgress && attempts.last().is_none_or(|attempt| attempt.status != AttemptStatus::Running) {
        // Older software sets the status without a session: an attempt that belongs to nobody.
        attempts.push(Attempt {
            number: attempts.last().map_or(1, |attempt| attempt.number + 1),
            agent: String::new(),
            status: AttemptStatus::Running,
            cycle: None,
            report: String::new(),
            transient: false,
            server: None,
            started_at: None,
            completed_at: None,
        });
    }
    Thread {
        name: record.thread_name,
        stage_name: record.stage_name,
        batch_name: record.batch_name,
        status,
        assigned_agent: record.assigned_agent,
        report: record.report.unwrap_or_default(),
        breadcrumb: record.breadcrumb.unwrap_or_default(),
        artifacts: record.artifacts.unwrap_or_default(),
        next_steps: record.next_steps.unwrap_or_default(),
        attempts,
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
        started_at: record.started_at,
        completed_at: record.completed_at,
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
        };
        (record.thread_id.0, budget)
    };
    Cycle {
        batch: record.batch.0,
        number: record.cycle.0,
        open: record.status == CycleWord::Open,
        holder: record.holder.map(|holder| holder.0),
        read: record.read.unwrap_or_default(),
        budgets: record.threads.unwrap_or_default().into_iter().map(budget).collect(),
        opened_at: record.opened_at,
        closed_at: record.closed_at,
    }
}

fn write_thread(
    mut record: Object,
    id: ThreadId,
    before: Option<&Thread>,
    after: &Thread,
    at: Moment,
) -> serde_json::Result<Box<RawValue>> {
    let order = &THREAD_ORDER;
    let is_new = before.is_none();
    let new = Thread::default();
    let before = before.unwrap_or(&new);
    if is_new {
        record.set("threadId", &id.to_string(), order)?;
    }
    for (key, known, text) in [
        ("threadName", &before.name, &after.name),
        ("stageName", &before.stage_name, &after.stage_name),
        ("batchName", &before.batch_name, &after.batch_name),
        ("assignedAgent", &before.assigned_agent, &after.assigned_agent),
    ] {
        if known != text {
            record.set(key, text, order)?;
        }
    }
    if is_new || before.status != after.status {
        record.set("status", &after.status.word(), order)?;
    }
    if before.report != after.report {
        record.set("report", &after.report, order)?;
    }
    if before.breadcrumb != after.breadcrumb {
        record.set("breadcrumb", &after.breadcrumb, order)?;
    }
    if before.artifacts != after.artifacts {
        record.set("artifacts", &after.artifacts, order)?;
    }
    if before.next_steps != after.next_steps {
        record.set("nextSteps", &after.next_steps, order)?;
    }
    let mut sessions = record.get::<Vec<Object>>("sessions")?.unwrap_or_default();
    for (at, attempt) in after.attempts.iter().enumerate() {
        match sessions.get_mut(at) {
            Some(_) if before.attempts.get(at) == Some(attempt) => {}
            Some(session) => write_attempt(session, id, before.attempts.get(at), attempt)?,
            None => {
                let mut session = Object::default();
                write_attempt(&mut session, id, None, attempt)?;
                sessions.push(session);
            }
        }
    }
    record.set("sessions", &sessions, order)?;
    if is_new {
        record.set("createdAt", &at.to_string(), order)?;
    }
    record.set("updatedAt", &at.to_string(), order)?;
    to_raw_value(&record)
}

fn write_attempt(
    session: &mut Object,
    id: ThreadId,
    before: Option<&Attempt>,
    after: &Attempt,
) -> serde_json::Result<()> {
    let order = &SESSION_ORDER;
    if before.is_none() {
        session.set("sessionId", &format!("{id}#{}", after.number), order)?;
        // The other programs of the family expect a model; which one it was is the client's to know.
        session.set("model", &"", order)?;
        session.set("startedAt", &after.started_at.clone().unwrap_or_default(), order)?;
    }
    session.set("agentName", &after.agent, order)?;
    session.set("status", &after.status.word(), order)?;
    session.set("attempt", &after.number, order)?;
    if let Some(ended) = &after.completed_at {
        session.set("completedAt", ended, order)?;
    }
    if let Some(cycle) = after.cycle {
        session.set("cycle", &cycle, order)?;
    }
    if !after.report.is_empty() || before.is_some_and(|before| !before.report.is_empty()) {
        session.set("report", &after.report, order)?;
    }
    if after.transient || before.is_some_and(|before| before.transient) {
        session.set("transient", &after.transient, order)?;
    }
    if let Some(server) = after.server {
        session.set("server", &server.to_string(), order)?;
    }
    Ok(())
}

fn write_cycle(record: &mut Object, cycle: &Cycle) -> serde_json::Result<()> {
    let order = &CYCLE_ORDER;
    record.set("batch", &BatchWord(cycle.batch), order)?;
    record.set("cycle", &cycle.number, order)?;
    record.set("status", if cycle.open { &CycleWord::Open } else { &CycleWord::Closed }, order)?;
    record.set("holder", &cycle.holder.map(ServerWord), order)?;
    record.set("read", &cycle.read, order)?;
    record.set("openedAt", &cycle.opened_at, order)?;
    if cycle.closed_at.is_some() {
        record.set("closedAt", &cycle.closed_at, order)?;
    }
    let budgets: Vec<BudgetRecord> = cycle
        .budgets
        .iter()
        .map(|(id, budget)| BudgetRecord {
            thread_id: ThreadWord(*id),
            retried_after: budget.retried_after,
            reassigned_after: budget.reassigned_after,
            assigned_after: budget.assigned_after,
            reason: budget.reason.clone(),
            fresh_after: (budget.fresh_after > 0).then_some(budget.fresh_after),
        })
        .collect();
    record.set("threads", &budgets, order)
}
