//! The notices of a change: what has happened between two reports that a person should know who looks elsewhere. It
//! must know no terminal and no process.

use crate::board::Status;
use crate::decide::{BatchReport, PersonAct, Report};
use crate::wording::{count, cut, one_line, printable};
use crate::words::{PersonWords, next_step};

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// All threads of a batch are completed or cancelled.
    BatchEnded,
    /// Nothing of a batch runs or can be tried, and threads of it are blocked.
    Blocked,
    /// A person is to pass a gate: to approve the plan or a stage, or to complete the workstream.
    Gate,
}

/// A notice to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) event: Event,
    /// The id of the workstream.
    pub(super) workstream: String,
    /// The id of the batch that it is about; empty for a gate.
    pub(super) batch: String,
    /// What has happened, in one printable line that begins with the workstream.
    pub(super) message: String,
}

impl Event {
    /// Returns the word in `WORK_EVENT`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::BatchEnded => "batch_ended",
            Self::Blocked => "blocked",
            Self::Gate => "gate",
        }
    }
}

/// Returns the notices of what has happened between two reports, in the order in which it did. What was so before gives
/// none, and neither does a change to another workstream.
pub(super) fn notices(before: &Report, after: &Report, words: &PersonWords) -> Vec<Notice> {
    let workstream = &after.status.workstream;
    if before.status.workstream != *workstream {
        return Vec::new();
    }
    let notice = |event, batch: &str, told: &str| Notice {
        event,
        workstream: workstream.clone(),
        batch: batch.to_owned(),
        message: printable(&one_line(&format!("{workstream}: {}", cut(told)))),
    };
    let mut notices = Vec::new();
    for batch in after.batches().filter(|batch| is_complete(batch)) {
        // A batch of another name is another one that has the id now.
        let known = before.batches().find(|known| known.id == batch.id && known.name == batch.name);
        if known.is_some_and(|known| !is_complete(known)) {
            notices.push(notice(Event::BatchEnded, &batch.id, &format!("batch {} {} is done", batch.id, batch.name)));
        }
    }
    if let Some(batch) = blocked(after)
        && blocked(before).map(execution) != Some(execution(batch))
    {
        notices.push(notice(Event::Blocked, &batch.id, &why_blocked(batch)));
    }
    if let Some(gate) = gate(after)
        && Some(gate) != self::gate(before)
    {
        let next = next_step(&after.status, words);
        let told = match gate {
            PersonAct::ApprovePlan => format!("the plan waits for your approval: {next}"),
            PersonAct::ApproveStage(stage) => format!("stage {stage} waits for your approval: {next}"),
            _ => format!("everything is done: {next}"),
        };
        notices.push(notice(Event::Gate, "", &told));
    }
    notices
}

fn is_complete(batch: &BatchReport) -> bool {
    !batch.threads.is_empty() && batch.threads.iter().all(|thread| thread.status.is_done())
}

/// Returns the gate that a person is to pass.
fn gate(report: &Report) -> Option<PersonAct> {
    report.status.gate_command.as_ref().map(|command| command.act)
}

/// Returns the batch that is blocked: it is next, and only a person can have it executed again.
fn blocked(report: &Report) -> Option<&BatchReport> {
    let status = &report.status;
    let retry = status.next_user_command.as_ref().filter(|command| command.act == PersonAct::Retry);
    let next = retry.and(status.next_batch.as_ref())?;
    report.batches().find(|batch| batch.id == next.id)
}

/// Returns which execution of a batch the last one was.
fn execution(batch: &BatchReport) -> (&str, Option<u32>) {
    (&batch.id, batch.cycles.last().map(|cycle| cycle.cycle))
}

fn why_blocked(batch: &BatchReport) -> String {
    let blocked: Vec<_> = batch.threads.iter().filter(|thread| thread.status == Status::Blocked).collect();
    let first = blocked.first().map(|thread| format!(": {} {}: {}", thread.thread_id, thread.name, thread.report));
    let number = count(blocked.len(), "thread", "threads");
    format!("batch {} is blocked by {number}{}", batch.id, first.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::made::Made;
    use super::*;
    use crate::board::ReportedStatus::{Blocked, Completed, InProgress};
    use crate::decide::PersonRequest;
    use crate::plan::StageNumber;

    const PLAN: &str = "\
# Plan: Search
## Stages
### Stage 1: Index
##### Batch 1: Storage
###### Thread 1: Schema
###### Thread 2: Rows
##### Batch 2: Queries
###### Thread 1: Parser
";

    /// Returns the notices of what `change` does, a line each.
    fn notices_of(made: &Made, change: impl FnOnce()) -> String {
        let before = made.report();
        change();
        let after = made.report();
        let words = PersonWords::default();
        assert_eq!(notices(&after, &after, &words), [], "what was so before gives no notice");
        let notices = notices(&before, &after, &words);
        let lines =
            notices.iter().map(|notice| format!("{} [{}] {}", notice.event.word(), notice.batch, notice.message));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn notices_of_a_workstream_from_its_first_thread_to_its_end() {
        let made = Made::of(PLAN);
        assert_eq!(notices_of(&made, || made.update("01.01.01", InProgress, "")), "");
        assert_eq!(notices_of(&made, || made.update("01.01.01", Completed, "done")), "");
        assert_eq!(notices_of(&made, || made.update("01.01.02", InProgress, "")), "");
        let blocked = notices_of(&made, || made.update("01.01.02", Blocked, "no\u{1b}[31m disk\nis left"));
        insta::assert_snapshot!(blocked, @"blocked [01.01] 001-search: batch 01.01 is blocked by 1 thread: 01.01.02 Rows: no�[31m disk is left");
        assert_eq!(notices_of(&made, || made.person(&PersonRequest::Retry(None))), "");
        assert_eq!(notices_of(&made, || made.update("01.01.02", InProgress, "")), "");
        // Blocked again: another execution.
        let again = notices_of(&made, || made.update("01.01.02", Blocked, "no disk"));
        insta::assert_snapshot!(again, @"blocked [01.01] 001-search: batch 01.01 is blocked by 1 thread: 01.01.02 Rows: no disk");
        made.person(&PersonRequest::Retry(None));
        made.update("01.01.02", InProgress, "");
        let ended = notices_of(&made, || made.update("01.01.02", Completed, "done"));
        insta::assert_snapshot!(ended, @"batch_ended [01.01] 001-search: batch 01.01 Storage is done");
        made.update("01.02.01", InProgress, "");
        let ended = notices_of(&made, || made.update("01.02.01", Completed, "done"));
        insta::assert_snapshot!(ended, @"
        batch_ended [01.02] 001-search: batch 01.02 Queries is done
        gate [] 001-search: stage 1 waits for your approval: work approve stage 1
        ");
        let stage = StageNumber(1);
        let approve = PersonRequest::ApproveStage { stage, force: false, by: "ann".into(), checked: None };
        insta::assert_snapshot!(notices_of(&made, || made.person(&approve)), @"gate [] 001-search: everything is done: work complete");
        assert_eq!(notices_of(&made, || made.person(&PersonRequest::Complete)), "");
    }

    #[test]
    fn a_plan_that_changes_shuts_its_gate_once() {
        let made = Made::of(PLAN);
        let approve = PersonRequest::ApprovePlan {
            force: true,
            mapping: crate::decide::Mapping::default(),
            by: "ann".into(),
            seen: None,
        };
        made.person(&approve);
        let changed = notices_of(&made, || made.write("001-search/PLAN.md", &PLAN.replace("Rows", "Lines")));
        insta::assert_snapshot!(changed, @"gate [] 001-search: the plan waits for your approval: work approve plan");
        assert_eq!(notices_of(&made, || made.write("001-search/PLAN.md", &PLAN.replace("Rows", "Tables"))), "");
        assert_eq!(notices_of(&made, || made.person(&approve)), "");
    }

    #[test]
    fn another_workstream_gives_no_notices() {
        let made = Made::of(PLAN);
        let before = made.report();
        let mut other = before.clone();
        other.status.workstream = "002-other".to_owned();
        other.status.gate_command = Some(crate::decide::PersonCommand { act: PersonAct::Complete, workstream: None });
        assert_eq!(notices(&before, &other, &PersonWords::default()), []);
    }
}
