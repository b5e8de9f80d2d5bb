//! What a report says of an attempt: how it came about, how it went, and how it ended. It tells the past and must never
//! ask the rules what they would say now.

use serde::Serialize;

use crate::board::{Attempt, AttemptStatus, CheckResult, Cycle, Thread, Usage};
use crate::moment::Moment;
use crate::plan::ThreadId;

/// An attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptReport {
    /// Its number.
    pub attempt: u32,
    /// The agent that ran it.
    pub agent: String,
    /// How it is going, or how it ended.
    pub status: AttemptStatus,
    /// What it was after a failure, or an assignment, in the same cycle; `None`: neither came before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<Follows>,
    /// The cycle in which it counts.
    pub cycle: Option<u32>,
    /// Whether its failure was reported as transient.
    pub transient: bool,
    /// When it started.
    pub started_at: Option<Moment>,
    /// When its worker last said where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Moment>,
    /// When it ended.
    pub completed_at: Option<Moment>,
    /// The report that ended it.
    pub report: String,
    /// The results of its latest checks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
    /// How often its checks failed after it was reported as completed.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed_checks: u32,
    /// What it used, as far as its host told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What an attempt was after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Follows {
    /// The same agent tried again.
    Retry,
    /// Another agent took over.
    Reassignment,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The work is done.
    Completed,
    /// It failed, and more was or can be tried.
    Failed,
    /// It failed, and nothing more is tried.
    Blocked,
    /// Its server was gone, or a person ended it.
    Interrupted,
}

impl AttemptEnd {
    /// Returns it in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Interrupted => "interrupted",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde has it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Returns the reports of the attempts of a thread. `cycles` are those of its batch, `current_agent` runs it if nobody
/// recorded who does, and `seen_at` is the time of this very decision.
pub(super) fn attempts(
    id: ThreadId,
    thread: &Thread,
    cycles: &[&Cycle],
    current_agent: &str,
    seen_at: Moment,
) -> Vec<AttemptReport> {
    let before = std::iter::once(None).chain(thread.attempts.iter().map(Some));
    let of_attempt = |(attempt, before): (&Attempt, Option<&Attempt>)| {
        let cycle = cycles.iter().find(|cycle| Some(cycle.number) == attempt.cycle);
        let reassigned_after = cycle.and_then(|cycle| cycle.budgets.get(&id)?.reassigned_after);
        // Older software did not record the agent of an attempt.
        let is_unnamed = attempt.agent.is_empty() && attempt.status == AttemptStatus::Running;
        AttemptReport {
            attempt: attempt.number,
            agent: if is_unnamed { current_agent.to_owned() } else { attempt.agent.clone() },
            status: attempt.status,
            follows: follows(before, attempt, reassigned_after),
            cycle: attempt.cycle,
            transient: attempt.transient,
            started_at: attempt.started_at,
            heard_at: attempt.heard_at,
            // The sweep of this very decision ended it now, but when its process died is not known.
            completed_at: attempt.completed_at.filter(|at| *at != seen_at),
            report: attempt.report.clone(),
            checks: attempt.checks.clone(),
            failed_checks: attempt.failed_checks,
            usage: attempt.usage,
        }
    };
    thread.attempts.iter().zip(before).map(of_attempt).collect()
}

/// Returns what an attempt was after the one before it. The budgets alone do not tell it: a person can give fresh ones.
fn follows(before: Option<&Attempt>, attempt: &Attempt, reassigned_after: Option<u32>) -> Option<Follows> {
    let has_failed = |before: &&Attempt| before.status == AttemptStatus::Failed && before.cycle == attempt.cycle;
    match before.filter(has_failed) {
        Some(before) if before.agent == attempt.agent => Some(Follows::Retry),
        Some(_) => Some(Follows::Reassignment),
        // A planner can give a thread to another agent before it ever ran.
        None if reassigned_after == Some(before.map_or(0, |before| before.number)) => Some(Follows::Reassignment),
        None => None,
    }
}
