//! `update_thread`: a worker, a planner or a person reports what happened to a thread (DESIGN §5, §5a).
//!
//! This file checks the request: its texts, its thread, the transition, and the attempt number (`fence`). Then [`step`]
//! carries it out. A check must never record an event, except for the sweep.

mod fence;
mod step;
mod texts;

use schemars::JsonSchema;
use serde::Serialize;

use self::fence::{AttemptRef, fence};
pub(super) use self::fence::{not_in_plan, require_own_attempt};
use self::step::Step;
pub(super) use self::texts::check_text;
use self::texts::check_texts;
use super::checks::{Judgement, judge};
use super::cycles::name_thread;
use super::facts::Wanted;
use super::failover::Decision;
use super::ledger::Ledger;
use super::proof::{CheckEnd, CheckFailed, CheckFailure, Checked, MAX_FAILED_CHECKS};
use super::refusal::Refusal;
use super::request::{Caller, UpdateThread};
use super::scene::{Scene, attempt_in_answers, is_settled_with_blocked};
use super::sweep::sweep;
use crate::board::{Attempt, Board, Event, ReportedStatus, Status, Transition, transition};
use crate::plan::{BatchId, ThreadId};

/// The answer of `update_thread`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Updated {
    /// The thread.
    pub thread_id: String,
    /// The workstream that it stands in.
    pub workstream: String,
    /// Its status now.
    pub status: &'static str,
    /// The attempt that runs, comes next or was the last.
    pub attempt: u32,
    /// What to do about a failure; null where nothing failed.
    pub decision: Option<Decision>,
}

/// Decides an `update_thread` or a `work update`.
///
/// # Errors
///
/// A refusal of the texts, of an unknown thread, of the transition (DESIGN §5), of the attempt number (DESIGN §5a.7),
/// of a gate (DESIGN §7) or of failover (DESIGN §6).
pub(super) fn decide(
    scene: &Scene<'_>,
    caller: Caller,
    request: &UpdateThread,
    ledger: &mut Ledger,
) -> Result<Result<Updated, CheckFailed>, Refusal> {
    let report = check_texts(request)?;
    sweep(scene, ledger);
    let id = request.thread;
    let thread = ledger.board().thread(id).into_owned();
    if scene.plan.thread(id).is_none() && thread.running().is_none() {
        return Err(not_in_plan(scene, id, ledger.board()));
    }
    if needs_force(request, thread.status) {
        return Err(Refusal::ForceRequired { thread: id, now: thread.status, said: request.status });
    }
    let follows = transition(thread.status, request.status);
    let now = thread.status;
    let refused = || Refusal::InvalidTransition { thread: id, now, wanted: Wanted::Reported(request.status) };
    // In general the fence comes first, because a late worker should be told that its attempt is over. It has nothing
    // to add about a start, or about a thread that never ran.
    if follows == Transition::Refuse && (request.status == ReportedStatus::InProgress || thread.latest().is_none()) {
        return Err(refused());
    }
    let meant = fence(scene, id, &thread, request, ledger)?;
    if follows == Transition::Refuse {
        return Err(refused());
    }
    if request.status.is_report() && report.is_empty() {
        return Err(Refusal::ReportRequired { thread: id, said: request.status });
    }

    let needs_proof = follows == Transition::Complete && !request.force;
    let judged =
        if needs_proof { judge(scene, id, &thread, request.checked.as_ref()) } else { Ok(Judgement::NotNeeded) };
    let results = match judged {
        Ok(Judgement::NotNeeded) => Vec::new(),
        Ok(Judgement::Passed(results)) => results,
        Ok(Judgement::Failed(checked)) => return Ok(Err(check_failed(scene, caller, id, checked, ledger)?)),
        Err(refusal) => {
            // No command runs for a report that the other rules refuse.
            let mut trial = ledger.clone();
            let mut step = Step { scene, caller, request, report, id, thread, ledger: &mut trial };
            step.open_cycle_asked_for(meant);
            step.carry_out(meant)?;
            return Err(refusal);
        }
    };
    let mut step = Step { scene, caller, request, report, id, thread, ledger };
    step.open_cycle_asked_for(meant);
    let decision = step.carry_out(meant)?;
    if !results.is_empty() && ledger.board().thread(id).latest().is_some_and(|latest| latest.checks != results) {
        ledger.record(Event::ChecksRan { thread: id, checks: results, failed: false });
    }
    if let (Some(artifacts), Some(evidence)) = (&request.artifacts, &request.evidence) {
        let files = scene.plan.thread(id).map(|thread| thread.files.as_slice()).unwrap_or_default();
        // What failed or is blocked claims nothing.
        let is_claimed = ledger.board().status(id) == Status::Completed;
        let unproven = if is_claimed { evidence.unproven(files) } else { Vec::new() };
        // A report of an earlier attempt leaves the artifacts of the thread as they are.
        let is_of_these = ledger.board().thread(id).artifacts == *artifacts;
        if is_of_these && ledger.board().thread(id).unproven != unproven {
            ledger.record(Event::EvidenceSeen { thread: id, unproven });
        }
    }
    if request.status.is_a_persons() && now == Status::Blocked {
        a_person_acted(scene, id.batch, ledger);
    }
    let board = ledger.board();
    Ok(Ok(Updated {
        thread_id: id.to_string(),
        workstream: scene.workstream.to_owned(),
        status: board.status(id).word(),
        attempt: attempt_in_answers(board, id),
        decision,
    }))
}

/// Records that a check of a thread failed which was reported as completed. The running attempt goes on, so that its
/// worker can fix it; after the last failure it ends as failed, and failover decides (DESIGN §5b). If no attempt runs,
/// nothing is recorded.
fn check_failed(
    scene: &Scene<'_>,
    caller: Caller,
    id: ThreadId,
    checked: Checked,
    ledger: &mut Ledger,
) -> Result<CheckFailed, Refusal> {
    let thread = ledger.board().thread(id).into_owned();
    // What kept a check from running to its end is not the worker's fault.
    let counts = !matches!(checked.failure, Some(CheckFailure { end: CheckEnd::Broken(_), .. }));
    let failures = |attempt: &Attempt| attempt.failed_checks + u32::from(counts);
    let left = thread.running().map(|attempt| MAX_FAILED_CHECKS.saturating_sub(failures(attempt)));
    if left.is_some() && counts {
        name_thread(scene, id, ledger);
        ledger.record(Event::ChecksRan { thread: id, checks: checked.results.clone(), failed: true });
    }
    let of = checked.of;
    let broken =
        || CheckFailure { end: CheckEnd::Broken("it has no result".into()), output: String::new(), log: String::new() };
    let failed = CheckFailed::of(checked, left).unwrap_or_else(|| CheckFailed {
        of,
        command: String::new(),
        failure: broken(),
        left,
    });
    if left == Some(0) {
        let report = format!(
            "its checks failed {MAX_FAILED_CHECKS} times; at last: {}",
            Refusal::CheckFailed(Box::new(failed.clone()))
        );
        let request = UpdateThread::new(id, ReportedStatus::Failed, &report);
        let thread = ledger.board().thread(id).into_owned();
        let mut step = Step { scene, caller, request: &request, report, id, thread, ledger };
        step.carry_out(AttemptRef::Latest)?;
    }
    Ok(failed)
}

/// Returns whether the batch is settled with blocked threads and waits for a person to have it executed again.
pub(super) fn waits_for_a_person(scene: &Scene<'_>, batch: BatchId, board: &Board) -> bool {
    board.open_cycle_of(batch).is_some_and(|cycle| !cycle.retry_asked)
        && scene.plan.batch(batch).is_some_and(|batch| is_settled_with_blocked(board, batch))
}

/// Asks for another execution of a batch that is still settled with blocked threads after a person has acted on it
/// (DESIGN §5a.5).
pub(super) fn a_person_acted(scene: &Scene<'_>, batch: BatchId, ledger: &mut Ledger) {
    if waits_for_a_person(scene, batch, ledger.board()) {
        ledger.record(Event::RetryAsked);
    }
}

/// Returns whether the request needs `--force`: `pending` and `cancelled` undo reports or give fresh budgets
/// (DESIGN §5). Repeating a cancellation undoes nothing.
fn needs_force(request: &UpdateThread, now: Status) -> bool {
    let repeats = request.status == ReportedStatus::Cancelled && now == Status::Cancelled;
    request.status.is_a_persons() && !request.force && !repeats
}
