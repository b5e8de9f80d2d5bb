//! Failover: what follows a failure (DESIGN §6). Per thread and cycle there is one retry with the same agent, for a
//! transient failure, and one reassignment to another agent of the family. After that the thread is blocked.
//!
//! What failover decided is not stored: [`open_decision`] works it out from the attempts and the budgets. So what a
//! planner is told always fits the board.

use schemars::JsonSchema;
use serde::Serialize;

use super::ledger::Ledger;
use super::scene::{Scene, is_given_up};
use crate::board::{AttemptStatus, Board, Cycle, Event, Status, Thread};
use crate::plan::{Batch, ThreadId};
use crate::wording::cut;

/// What to do about a thread that failed or is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Decision {
    /// What to do.
    pub action: DecisionAction,
    /// The agent that runs the thread next; for `block` the one that ran it last.
    pub agent: String,
    /// The number of the attempt to come; for `block` of the last one.
    pub attempt: u32,
}

/// The three answers of failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DecisionAction {
    /// Launch the same agent again.
    Retry,
    /// Call `assign_thread`, then launch the agent it gives.
    Reassign,
    /// Nothing more: the thread stays blocked.
    Block,
}

/// A decision that waits to be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct OpenDecision {
    /// The thread.
    pub thread_id: String,
    /// What to do.
    pub action: DecisionAction,
    /// The agent that runs the thread next.
    pub agent: String,
    /// The number of the attempt to come.
    pub attempt: u32,
}

/// What the rules of failover say, before it becomes a [`Decision`]. `Reassign` has the agent that takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Retry,
    Reassign(String),
    Block,
}

/// Returns what the rules of DESIGN §6.1 to §6.3 say. `candidate` is the first agent that could take over.
pub(super) fn verdict(transient: bool, retry_used: bool, reassignment_used: bool, candidate: Option<&str>) -> Verdict {
    match candidate {
        _ if transient && !retry_used => Verdict::Retry,
        Some(candidate) if !reassignment_used => Verdict::Reassign(candidate.to_owned()),
        _ => Verdict::Block,
    }
}

/// Returns the agents that may take the thread over, best first (DESIGN §6.2), without those that were tried in
/// `cycle`.
pub(super) fn candidates(scene: &Scene<'_>, board: &Board, id: ThreadId, cycle: Option<&Cycle>) -> Vec<String> {
    let thread = board.thread(id);
    let current = scene.current_agent(board, id);
    let tried: Vec<&str> = cycle
        .into_iter()
        .flat_map(|cycle| thread.attempts_in(id, cycle))
        .filter(|attempt| attempt.status != AttemptStatus::Interrupted)
        .map(|attempt| attempt.agent.as_str())
        .collect();
    let stand_ins = scene.roster.stand_ins(&current).into_iter();
    stand_ins.filter(|agent| !tried.contains(agent)).map(str::to_owned).collect()
}

/// Returns what the rules say with the budgets that the thread has now. `transient` is that of its latest failure.
fn verdict_now(scene: &Scene<'_>, board: &Board, id: ThreadId, cycle: &Cycle, transient: bool) -> Verdict {
    let budget = cycle.budget(id);
    let candidates = candidates(scene, board, id, Some(cycle));
    verdict(
        transient,
        budget.retried_after.is_some(),
        budget.reassigned_after.is_some(),
        candidates.first().map(String::as_str),
    )
}

/// Returns the decision that is not carried out yet. For a pending thread it binds: the next attempt or `assign_thread`
/// carries it out. For a blocked thread it is advice to the planner (DESIGN §6).
///
/// `None`: nothing failed in the open cycle, or the decision was carried out, or a person has asked for another
/// execution.
pub(super) fn open_decision(scene: &Scene<'_>, board: &Board, id: ThreadId) -> Option<Decision> {
    let cycle = board.open_cycle_of(id.batch).filter(|cycle| !cycle.retry_asked)?;
    let thread = board.thread(id);
    let budget = cycle.budget(id);
    if is_given_up(board, id) {
        return Some(worded(scene, board, id, Verdict::Block));
    }
    let latest = thread.attempts_in(id, cycle).next_back()?;
    // A later attempt, which does not count in this cycle, has overtaken the failure.
    if latest.number != thread.latest_number() {
        return None;
    }
    let verdict = match thread.status {
        Status::Pending if latest.status != AttemptStatus::Failed => return None,
        Status::Pending if budget.carried_out_after() >= Some(latest.number) => return None,
        Status::Pending if budget.retried_after == Some(latest.number) => Verdict::Retry,
        // The failure was not answered with a retry: that would be recorded under its number. So it must not become
        // one now, although it may be transient.
        Status::Pending => verdict_now(scene, board, id, cycle, false),
        Status::Blocked => verdict_now(scene, board, id, cycle, latest.transient),
        Status::InProgress | Status::Completed | Status::Cancelled => return None,
    };
    Some(worded(scene, board, id, verdict))
}

/// Returns the open decisions of a batch that a planner can carry out, `retry` and `reassign`, by thread id.
pub(super) fn open_decisions(scene: &Scene<'_>, board: &Board, batch: &Batch) -> Vec<OpenDecision> {
    let decision = |id: ThreadId| {
        let Decision { action, agent, attempt } = open_decision(scene, board, id)?;
        (action != DecisionAction::Block).then(|| OpenDecision { thread_id: id.to_string(), action, agent, attempt })
    };
    batch.threads.iter().filter_map(|thread| decision(thread.id)).collect()
}

/// Decides what follows after the latest attempt of the thread has just ended as failed, and records it.
///
/// Without an open cycle of the batch there are no budgets, so the thread is blocked; the next cycle hands it out
/// again.
pub(super) fn decide_failure(scene: &Scene<'_>, id: ThreadId, report: &str, ledger: &mut Ledger) -> Decision {
    let board = ledger.board();
    let thread = board.thread(id);
    let transient = thread.latest().is_some_and(|attempt| attempt.transient);
    let verdict = match board.open_cycle_of(id.batch) {
        Some(cycle) => verdict_now(scene, board, id, cycle, transient),
        None => Verdict::Block,
    };
    let after = thread.latest_number();
    let decision = worded(scene, board, id, verdict.clone());
    match verdict {
        Verdict::Retry => {
            ledger.record(Event::RetryUsed { thread: id, after });
            ledger.record(Event::status_set(id, Status::Pending, Some(report.to_owned())));
        }
        // `assign_thread` uses the reassignment, not this decision (DESIGN §5a.9).
        Verdict::Reassign(_) => ledger.record(Event::status_set(id, Status::Pending, Some(report.to_owned()))),
        Verdict::Block => {
            let reasons = all_reasons(ledger.board(), id).unwrap_or_else(|| report.to_owned());
            ledger.record(Event::status_set(id, Status::Blocked, Some(reasons)));
        }
    }
    decision
}

/// Returns the report of a thread that failover has blocked: one line for each failed attempt of the open cycle, each
/// each cut to 300 characters (DESIGN §5). `None`: no cycle of the batch is open, or nothing failed in it.
pub(super) fn all_reasons(board: &Board, id: ThreadId) -> Option<String> {
    let cycle = board.open_cycle_of(id.batch)?;
    let thread: &Thread = &board.thread(id);
    let reasons: Vec<String> = thread
        .attempts_in(id, cycle)
        .filter(|attempt| attempt.status == AttemptStatus::Failed)
        .map(|attempt| format!("attempt {} ({}): {}", attempt.number, attempt.agent, cut(&attempt.report)))
        .collect();
    (!reasons.is_empty()).then(|| reasons.join("\n"))
}

/// Returns the decision with the agent and the attempt number that belong to it.
fn worded(scene: &Scene<'_>, board: &Board, id: ThreadId, verdict: Verdict) -> Decision {
    let (latest, next) = (board.thread(id).latest_number(), board.thread(id).next_number());
    match verdict {
        Verdict::Retry => Decision { action: DecisionAction::Retry, agent: scene.agent(board, id).0, attempt: next },
        Verdict::Reassign(agent) => Decision { action: DecisionAction::Reassign, agent, attempt: next },
        Verdict::Block => {
            Decision { action: DecisionAction::Block, agent: scene.agent_used(board, id), attempt: latest }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transient_failure_is_retried_once_then_reassigned_once_then_blocked() {
        use Verdict::{Block, Reassign, Retry};
        let other = || Reassign("other".to_owned());
        for (transient, retry_used, reassignment_used, candidate, expected) in [
            (true, false, false, Some("other"), Retry),
            (true, false, true, None, Retry),
            (true, true, false, Some("other"), other()),
            (false, false, false, Some("other"), other()),
            (false, false, false, None, Block),
            (true, true, true, Some("other"), Block),
            (false, false, true, Some("other"), Block),
        ] {
            assert_eq!(verdict(transient, retry_used, reassignment_used, candidate), expected);
        }
    }
}
