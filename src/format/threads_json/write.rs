//! Writes the changes of a board into a threads.json.

use std::collections::BTreeSet;

use serde::de::Error as _;

use super::document::ThreadsText;
use super::record::{BudgetRecord, CycleWord};
use crate::board::{Attempt, Board, Cycle, Moves, Thread};
use crate::format::json::{Object, laid_out, without_place};
use crate::format::words::{BatchWord, Counter, ServerWord, ThreadWord, UsageWord};
use crate::moment::Moment;
use crate::plan::ThreadId;

pub(crate) const THREAD_ORDER: [&str; 18] = [
    "threadId",
    "threadName",
    "stageName",
    "batchName",
    "status",
    "assignedAgent",
    "assignedAt",
    "report",
    "breadcrumb",
    "artifacts",
    "unproven",
    "nextSteps",
    "promptPath",
    "sessions",
    "attemptFloor",
    "formerIds",
    "createdAt",
    "updatedAt",
];
const SESSION_ORDER: [&str; 16] = [
    "sessionId",
    "agentName",
    "model",
    "startedAt",
    "heardAt",
    "completedAt",
    "status",
    "exitCode",
    "attempt",
    "cycle",
    "report",
    "transient",
    "checks",
    "failedChecks",
    "usage",
    "server",
];
pub(crate) const CYCLE_ORDER: [&str; 11] = [
    "batch",
    "left",
    "cycle",
    "status",
    "holder",
    "retryAsked",
    "openedAt",
    "takenOverAt",
    "releasedAt",
    "closedAt",
    "threads",
];

/// Returns the document with the changes from `before` to `after`.
///
/// `document` is the file from which `before` was read. With `moves`, both get the new ids first, and then the changes.
/// The threads of `unwritten` have their state in an older format only, so they are written even without a change. `at`
/// becomes the time of the last update.
///
/// # Errors
///
/// An error that names the thread whose record cannot be changed.
pub(crate) fn write(
    document: &ThreadsText,
    before: &Board,
    after: &Board,
    moves: Option<&Moves>,
    unwritten: &BTreeSet<ThreadId>,
    at: Moment,
) -> serde_json::Result<ThreadsText> {
    if let Some(moves) = moves {
        let (document, before) = (document.moved(moves)?, before.with_new_ids(moves));
        let unwritten = unwritten.iter().filter_map(|id| moves.of(*id)).collect();
        return write(&document, &before, after, None, &unwritten, at);
    }
    let mut written = document.clone();
    written.set("last_updated", &at.to_string())?;
    let mut changed = Vec::new();
    let mut write = |id: ThreadId, known: Option<&Thread>, thread: &Thread| -> serde_json::Result<()> {
        let record = match document.record(id) {
            Some(record) => {
                let record = serde_json::from_str(record).map_err(|error| in_record(id, &error))?;
                write_thread(record, id, known, thread, at)?
            }
            None => write_thread(Object::default(), id, None, thread, at)?,
        };
        changed.push((id, laid_out(&serde_json::to_string(&record)?, 2)?));
        Ok(())
    };
    if unwritten.is_empty() {
        for (id, known, thread) in after.threads.changed(&before.threads) {
            write(id, known, thread)?;
        }
    } else {
        for (id, thread) in after.threads.iter() {
            let known = before.threads.get(id);
            if unwritten.contains(&id) || known != Some(thread) {
                write(id, known, thread)?;
            }
        }
    }
    written.set_records(changed);
    if before.cycles() != after.cycles() {
        let mut records = written.get::<Vec<Object>>("cycles")?.unwrap_or_default();
        for (at, cycle) in after.cycles().iter().enumerate() {
            if before.cycles().get(at) == Some(cycle) {
                continue;
            }
            if records.len() <= at {
                records.push(Object::default());
            }
            write_cycle(&mut records[at], cycle)?;
        }
        written.set("cycles", &records)?;
    }
    Ok(written)
}

/// Returns the error with the id of the thread in place of line and column, which count from the start of the record.
fn in_record(id: ThreadId, error: &serde_json::Error) -> serde_json::Error {
    serde_json::Error::custom(format!("in the record of thread {id}: {}", without_place(error)))
}

fn write_thread(
    mut record: Object,
    id: ThreadId,
    before: Option<&Thread>,
    after: &Thread,
    at: Moment,
) -> serde_json::Result<Object> {
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
        match text {
            _ if known == text => {}
            Some(text) => record.set(key, text, order)?,
            None => record.remove(key),
        }
    }
    match after.assigned_at {
        at if before.assigned_at == at => {}
        Some(at) => record.set("assignedAt", &at.to_string(), order)?,
        None => record.remove("assignedAt"),
    }
    if is_new || before.status != after.status || !record.has("status") {
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
    match (&before.unproven, &after.unproven) {
        (before, after) if before == after => {}
        (_, after) if after.is_empty() => record.remove("unproven"),
        (_, after) => record.set("unproven", after, order)?,
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
    if before.attempt_floor != after.attempt_floor {
        record.set("attemptFloor", &counter(after.attempt_floor)?, order)?;
    }
    if before.former_ids != after.former_ids {
        let ids: Vec<String> = after.former_ids.iter().map(ToString::to_string).collect();
        record.set("formerIds", &ids, order)?;
    }
    if is_new && !record.has("createdAt") {
        record.set("createdAt", &at.to_string(), order)?;
    }
    record.set("updatedAt", &at.to_string(), order)?;
    Ok(record)
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
        // Other programs of the family expect a model. Only the host knows which one it was.
        session.set("model", &"", order)?;
        session.set("startedAt", &after.started_at.map(|at| at.to_string()).unwrap_or_default(), order)?;
    }
    session.set("agentName", &after.agent, order)?;
    session.set("status", &after.status.word(), order)?;
    session.set("attempt", &counter(after.number)?, order)?;
    for (key, time) in [("heardAt", after.heard_at), ("completedAt", after.completed_at)] {
        if let Some(time) = time {
            set_time(session, key, time, order)?;
        }
    }
    match after.cycle {
        Some(cycle) => session.set("cycle", &counter(cycle)?, order)?,
        None => session.remove("cycle"),
    }
    if !after.report.is_empty() || before.is_some_and(|before| !before.report.is_empty()) {
        session.set("report", &after.report, order)?;
    }
    if after.transient || before.is_some_and(|before| before.transient) {
        session.set("transient", &after.transient, order)?;
    }
    if before.map_or(&[][..], |before| &before.checks) != after.checks {
        session.set("checks", &after.checks, order)?;
    }
    if after.failed_checks != before.map_or(0, |before| before.failed_checks) {
        session.set("failedChecks", &after.failed_checks, order)?;
    }
    if let Some(usage) = after.usage.filter(|_| before.is_none_or(|before| before.usage != after.usage)) {
        session.set("usage", &UsageWord(usage), order)?;
    }
    if let Some(server) = after.server {
        session.set("server", &server.to_string(), order)?;
    }
    Ok(())
}

/// Sets a time, unless the record has the same time already: other programs write it with more or fewer digits, and
/// that text should stay.
fn set_time(record: &mut Object, key: &str, time: Moment, order: &[&str]) -> serde_json::Result<()> {
    let known = record.get::<Option<String>>(key).ok().flatten().flatten();
    if known.as_deref().and_then(Moment::parse) == Some(time) {
        return Ok(());
    }
    record.set(key, &time.to_string(), order)
}

/// Returns the number as it is written; an error if it is over the limit of [`Counter`], since the file could not be
/// read again.
fn counter(number: u32) -> serde_json::Result<Counter> {
    Counter::try_from(number).map_err(serde_json::Error::custom)
}

fn write_cycle(record: &mut Object, cycle: &Cycle) -> serde_json::Result<()> {
    let order = &CYCLE_ORDER;
    record.set("batch", &BatchWord(cycle.batch), order)?;
    record.set("cycle", &counter(cycle.number)?, order)?;
    record.set("status", if cycle.is_open() { &CycleWord::Open } else { &CycleWord::Closed }, order)?;
    record.set("holder", &cycle.holder().map(ServerWord), order)?;
    for (key, value) in [("retryAsked", cycle.retry_asked), ("left", cycle.left)] {
        if value || record.has(key) {
            record.set(key, &value, order)?;
        }
    }
    for (key, time) in [
        ("openedAt", cycle.opened_at),
        ("takenOverAt", cycle.taken_over_at),
        ("releasedAt", cycle.released_at),
        ("closedAt", cycle.closed_at()),
    ] {
        if let Some(time) = time {
            set_time(record, key, time, order)?;
        }
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
            given_up: budget.given_up.then_some(true),
            applied_before: budget.applied_before.then_some(true),
        })
        .collect();
    record.set("threads", &budgets, order)
}

#[cfg(test)]
mod tests {
    use allocation_counter::{AllocationInfo, measure};

    use super::*;
    use crate::board::{Event, Status, Usage};
    use crate::format::tasks_json::TasksJson;
    use crate::format::threads_json;

    /// Returns what one change allocates in a board of so many threads, layout included, and the bytes of the file.
    fn one_change_of(threads: u16) -> (AllocationInfo, u64) {
        let now = Moment::parse("2026-07-28T09:00:00Z").unwrap();
        let id = |at: u16| ThreadId::new(1, at / 10 + 1, at % 10 + 1);
        let mut all = Board::default();
        for at in 0..threads {
            all.thread_mut(id(at)).report = format!("what was done in thread {at}");
        }
        let new = ThreadsText::read(None, "001-search").unwrap();
        let text = write(&new, &Board::default(), &all, None, &BTreeSet::new(), now).unwrap().text().unwrap();
        let document = ThreadsText::read(Some(&text), "001-search").unwrap();
        let before = threads_json::read(Some(&text), &TasksJson::default()).unwrap().board;
        let allocated = measure(|| {
            let mut after = Board::clone(&before);
            after.thread_mut(id(7)).status = Status::Completed;
            let written = write(&document, &before, &after, None, &BTreeSet::new(), now).unwrap();
            assert!(written.text().unwrap().len() > text.len());
        });
        (allocated, text.len() as u64)
    }

    /// Returns a threads.json with one session.
    fn with_session(session: &str) -> String {
        let record = format!(r#"{{"threadId": "01.01.01", "status": "completed", "sessions": [{session}]}}"#);
        format!(r#"{{"version": "1.0.0", "threads": [{record}]}}"#)
    }

    #[test]
    fn what_an_attempt_used_stands_behind_its_checks() {
        let text =
            with_session(r#"{"status": "completed", "attempt": 1, "failedChecks": 1, "theirs": 1.0, "server": null}"#);
        let now = Moment::parse("2026-07-28T09:00:00Z").unwrap();
        let document = ThreadsText::read(Some(&text), "001-search").unwrap();
        let before = threads_json::read(Some(&text), &TasksJson::default()).unwrap().board;
        let mut after = Board::clone(&before);
        let (thread, attempt) = (ThreadId::new(1, 1, 1), 1);
        let usage =
            Usage { input_tokens: 12_400, cached_tokens: 9_900, output_tokens: 1_200, cost_microdollars: Some(12_300) };
        after.apply(&Event::UsageTold { thread, attempt, usage }, now);
        let written = write(&document, &before, &after, None, &BTreeSet::new(), now).unwrap().text().unwrap();
        insta::assert_snapshot!(written, @r#"
        {
          "version": "1.0.0",
          "last_updated": "2026-07-28T09:00:00.000Z",
          "threads": [
            {
              "threadId": "01.01.01",
              "status": "completed",
              "sessions": [
                {
                  "agentName": "",
                  "status": "completed",
                  "attempt": 1,
                  "failedChecks": 1,
                  "usage": {
                    "inputTokens": 12400,
                    "cachedTokens": 9900,
                    "outputTokens": 1200,
                    "costUsd": 0.0123
                  },
                  "theirs": 1.0,
                  "server": null
                }
              ],
              "updatedAt": "2026-07-28T09:00:00.000Z"
            }
          ]
        }
        "#);
        assert_eq!(*threads_json::read(Some(&written), &TasksJson::default()).unwrap().board, after);
    }

    #[test]
    fn a_usage_that_is_none_or_no_usage() {
        let read = |usage: &str| {
            let session = format!(r#"{{"status": "completed", "usage": {usage}}}"#);
            let read = threads_json::read(Some(&with_session(&session)), &TasksJson::default());
            read.map(|read| read.board.thread(ThreadId::new(1, 1, 1)).attempts[0].usage)
        };
        assert_eq!(read("null").unwrap(), None);
        let known = Usage { input_tokens: 3, cached_tokens: 2, output_tokens: 1, cost_microdollars: None };
        let tokens = r#""inputTokens": 3, "cachedTokens": 2, "outputTokens": 1"#;
        for more in ["", r#", "costUsd": null"#, r#", "theirs": {}"#] {
            assert_eq!(read(&format!("{{{tokens}{more}}}")).unwrap(), Some(known), "{more}");
        }
        // As with the results of checks: what is not of its type makes the file unreadable, and nothing is guessed.
        for bad in ["5", "{}", r#"{"inputTokens": -3, "cachedTokens": 0, "outputTokens": 1}"#] {
            assert!(read(bad).unwrap_err().line() > 0, "{bad}");
        }
        assert!(read(&format!(r#"{{{tokens}, "costUsd": "0.01"}}"#)).is_err());
    }

    #[test]
    fn a_change_copies_the_text_once_and_nothing_else_that_grows() {
        let (few, _) = one_change_of(20);
        let (many, length) = one_change_of(2_000);
        assert!(few.count_total <= 150, "{few:?}");
        assert!(many.count_total <= few.count_total + 50, "{many:?} against {few:?}");
        assert!(many.bytes_total <= length * 3 / 2, "{many:?} for a file of {length} bytes");
    }
}
