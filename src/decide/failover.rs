//! What follows a failure (DESIGN §6): one retry with the same agent where the failure is transient,
//! one reassignment within the family, then the end. Per thread and cycle.

use schemars::JsonSchema;
use serde::Serialize;

use super::ledger::Ledger;
use super::scene::{Scene, is_given_up};
use crate::board::{AttemptStatus, Board, Cycle, Event, Status, Thread};
use crate::plan::{Batch, ThreadId};

/// How much of a reason is repeated elsewhere: in the report of an exhausted thread, in the warning of
/// a new cycle. In characters.
const MAX_REASON_CHARS: usize = 300;

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

/// What the rules say of a failure, before it is worded for anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Retry,
    Reassign(String),
    Block,
}

/// The rule itself (DESIGN §6, 1 to 3).
pub(super) fn verdict(transient: bool, retry_used: bool, reassignment_used: bool, candidate: Option<&str>) -> Verdict {
    match candidate {
        _ if transient && !retry_used => Verdict::Retry,
        Some(candidate) if !reassignment_used => Verdict::Reassign(candidate.to_owned()),
        _ => Verdict::Block,
    }
}

/// Returns the agents that may take the thread over, best first, without those that were tried in the
/// cycle.
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

/// Returns what the rules say of the thread now, given how its latest attempt in the cycle ended.
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

/// Returns the decision that is open for a thread: carried out for a pending one by its next attempt
/// or by `assign_thread`, advice for a blocked one. `None`: nothing failed in the open cycle, or what
/// was decided is done, or a person has asked for another cycle.
pub(super) fn open_decision(scene: &Scene<'_>, board: &Board, id: ThreadId) -> Option<Decision> {
    let cycle = board.open_cycle_of(id.batch).filter(|cycle| !cycle.retry_asked)?;
    let thread = board.thread(id);
    let budget = cycle.budget(id);
    if is_given_up(board, id) {
        return Some(worded(scene, board, id, Verdict::Block));
    }
    let latest = thread.attempts_in(id, cycle).next_back()?;
    if latest.number != thread.latest_number() {
        return None;
    }
    let verdict = match thread.status {
        Status::Pending if latest.status != AttemptStatus::Failed => return None,
        Status::Pending if budget.carried_out_after() >= Some(latest.number) => return None,
        Status::Pending if budget.retried_after == Some(latest.number) => Verdict::Retry,
        // The retry is for the failure that it answered, so for this one it no longer counts.
        Status::Pending => verdict_now(scene, board, id, cycle, false),
        Status::Blocked => verdict_now(scene, board, id, cycle, latest.transient),
        Status::InProgress | Status::Completed | Status::Cancelled => return None,
    };
    Some(worded(scene, board, id, verdict))
}

/// Returns the open decisions of a batch that somebody can carry out.
pub(super) fn open_decisions(scene: &Scene<'_>, board: &Board, batch: &Batch) -> Vec<OpenDecision> {
    let decision = |id: ThreadId| {
        let Decision { action, agent, attempt } = open_decision(scene, board, id)?;
        (action != DecisionAction::Block).then(|| OpenDecision { thread_id: id.to_string(), action, agent, attempt })
    };
    batch.threads.iter().filter_map(|thread| decision(thread.id)).collect()
}

/// Decides what follows the failure that the thread's latest attempt has just ended with, and records
/// it. Without a cycle there are no budgets: the thread is blocked, and the next cycle hands it out.
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
        Verdict::Reassign(_) => ledger.record(Event::status_set(id, Status::Pending, Some(report.to_owned()))),
        Verdict::Block => {
            let reasons = all_reasons(ledger.board(), id).unwrap_or_else(|| report.to_owned());
            ledger.record(Event::status_set(id, Status::Blocked, Some(reasons)));
        }
    }
    decision
}

/// Returns the report of a thread that has no attempt left: the reason of each attempt of the cycle.
/// `None` where no cycle is open.
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

/// Returns a reason cut to the length in which it is repeated.
pub(super) fn cut(reason: &str) -> String {
    if reason.chars().count() <= MAX_REASON_CHARS {
        return reason.to_owned();
    }
    let mut cut: String = reason.chars().take(MAX_REASON_CHARS - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_retry_where_it_is_transient_then_one_reassignment_then_the_end() {
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

    #[test]
    fn a_reason_is_cut_to_300_characters() {
        assert_eq!(cut(&"ä".repeat(300)).chars().count(), 300);
        let long = cut(&"ä".repeat(301));
        assert_eq!((long.chars().count(), long.ends_with('…')), (300, true));
    }
}
