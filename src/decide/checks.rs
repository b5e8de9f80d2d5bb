//! Completed means proven (DESIGN §5b): which checks a report needs, and what their results mean.
//!
//! The rules never run a command. They refuse with [`Refusal::CheckRequired`], which says what has to be run; a door runs
//! it and asks again with the results ([`Checked`]).

use super::facts::{PauseReason, PersonAct};
use super::ledger::Ledger;
use super::proof::{CheckFailed, CheckRun, Checked, Proof};
use super::refusal::Refusal;
use super::scene::{Basis, Scene};
use crate::board::{Board, CheckResult, Event, Status, Thread};
use crate::index::ApprovalStatus;
use crate::plan::{StageNumber, ThreadId};
use crate::roster::ChecksBy;

/// What follows from the checks of a thread.
pub(super) enum Judgement {
    /// Nothing has to be proven.
    NotNeeded,
    /// All checks passed, with these results.
    Passed(Vec<CheckResult>),
    /// A check failed.
    Failed(Checked),
}

/// Returns what the checks say of a thread that is reported as completed.
///
/// # Errors
///
/// [`Refusal::CheckRequired`] if they have to run first; [`Refusal::ChecksOff`] if nobody may run them;
/// [`Refusal::StaleAttempt`] if they ran for another attempt; [`Refusal::AwaitingApproval`] if no person is known to have
/// approved them.
pub(super) fn judge(
    scene: &Scene<'_>,
    id: ThreadId,
    thread: &Thread,
    checked: Option<&Checked>,
) -> Result<Judgement, Refusal> {
    let commands = scene.plan.thread(id).map(|thread| thread.checks.as_slice()).unwrap_or_default();
    if commands.is_empty() {
        return Ok(Judgement::NotNeeded);
    }
    require_approved_text(scene)?;
    let (latest, runs) = (thread.latest_number(), thread.running().is_some());
    let required = || CheckRun::new(scene, Proof::Thread(id, latest), commands);
    match (scene.roster.checks.by, checked) {
        (ChecksBy::Off, _) => Err(Refusal::ChecksOff { thread: id }),
        (ChecksBy::Worker, _) => {
            let results = thread.running().map(|attempt| attempt.checks.as_slice()).unwrap_or_default();
            if has_passed(results, commands) {
                Ok(Judgement::Passed(results.to_vec()))
            } else {
                Err(Refusal::CheckRequired { run: required(), by: ChecksBy::Worker, runs })
            }
        }
        (ChecksBy::Server, None) => Err(Refusal::CheckRequired { run: required(), by: ChecksBy::Server, runs }),
        (ChecksBy::Server, Some(checked)) => match checked.of {
            Proof::Thread(of, attempt) if of == id && attempt != latest => {
                Err(Refusal::StaleAttempt { thread: id, given: attempt, latest })
            }
            Proof::Thread(of, _) if of == id && checked.failure.is_none() && has_passed(&checked.results, commands) => {
                Ok(Judgement::Passed(checked.results.clone()))
            }
            Proof::Thread(of, _) if of == id && checked.failure.is_some() && is_start(&checked.results, commands) => {
                Ok(Judgement::Failed(checked.clone()))
            }
            // The plan has other checks by now, so these results prove nothing.
            Proof::Thread(..) | Proof::Stage(_) => {
                Err(Refusal::CheckRequired { run: required(), by: ChecksBy::Server, runs })
            }
        },
    }
}

/// Returns whether the results are those of exactly these commands, and all passed.
fn has_passed(results: &[CheckResult], commands: &[String]) -> bool {
    results.len() == commands.len() && is_start(results, commands) && results.iter().all(CheckResult::has_passed)
}

fn is_start(results: &[CheckResult], commands: &[String]) -> bool {
    results.len() <= commands.len() && results.iter().zip(commands).all(|(result, command)| result.command == *command)
}

/// Refuses if the plan of the scene may be another text than a person approved: then somebody else may have written its
/// commands. Also refuses after the person has taken the approval back.
///
/// # Errors
///
/// [`Refusal::AwaitingApproval`].
pub(super) fn require_approved_text(scene: &Scene<'_>) -> Result<(), Refusal> {
    let is_revoked = scene.entry.is_some_and(|entry| entry.approvals.plan.status == ApprovalStatus::Revoked);
    match scene.basis {
        Basis::Approved { .. } | Basis::ApprovedBefore(_) if !is_revoked => Ok(()),
        _ => Err(Refusal::AwaitingApproval {
            reason: PauseReason::ChecksNotApproved,
            command: Some(scene.command(PersonAct::ApprovePlan)),
        }),
    }
}

impl CheckRun {
    pub(super) fn new(scene: &Scene<'_>, of: Proof, commands: &[String]) -> Self {
        let checks = scene.roster.checks;
        Self {
            of,
            workstream: scene.workstream.to_owned(),
            commands: commands.to_vec(),
            timeout: checks.timeout,
            max_parallel: checks.max_parallel,
        }
    }
}

/// Refuses to approve a stage whose checks have not passed. `None`: they have, or there are none.
///
/// # Errors
///
/// [`Refusal::CheckRequired`] if they have to run first.
pub(super) fn of_stage(
    scene: &Scene<'_>,
    stage: StageNumber,
    commands: &[String],
    checked: Option<&Checked>,
) -> Result<Option<CheckFailed>, Refusal> {
    if commands.is_empty() {
        return Ok(None);
    }
    require_approved_text(scene)?;
    let of = Proof::Stage(stage);
    match checked.filter(|checked| checked.of == of && is_start(&checked.results, commands)) {
        Some(checked) if checked.failure.is_some() => Ok(CheckFailed::of(checked.clone(), None)),
        Some(checked) if has_passed(&checked.results, commands) => Ok(None),
        _ => Err(Refusal::CheckRequired { run: CheckRun::new(scene, of, commands), by: ChecksBy::Server, runs: true }),
    }
}

/// Returns the thread that is in progress and has checks, if there is exactly one.
fn only_one(scene: &Scene<'_>, board: &Board) -> Result<ThreadId, Refusal> {
    let has_checks = |thread: &&crate::plan::Thread| !thread.checks.is_empty();
    let runs = |thread: &&crate::plan::Thread| board.status(thread.id) == Status::InProgress;
    let running: Vec<ThreadId> = scene.plan.threads().filter(has_checks).filter(runs).map(|thread| thread.id).collect();
    match running[..] {
        [id] => Ok(id),
        _ => Err(Refusal::WhichThread { running }),
    }
}

/// The answer of `work check`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ThreadChecked {
    /// The thread.
    pub thread_id: String,
    /// The results, one for each command that ran.
    pub checks: Vec<CheckResult>,
    /// Whether the running attempt has them now.
    pub recorded: bool,
}

/// Decides a `work check`: which commands have to be run, and with their results, whether they are recorded. A failure
/// changes no status, and does not count against the attempt.
///
/// # Errors
///
/// [`Refusal::CheckRequired`] without results; [`Refusal::NothingToCheck`] if the thread has no checks;
/// [`Refusal::WhichThread`] if none is named, and not exactly one can be meant.
pub(super) fn decide(
    scene: &Scene<'_>,
    thread: Option<ThreadId>,
    checked: Option<&Checked>,
    ledger: &mut Ledger,
) -> Result<Result<ThreadChecked, CheckFailed>, Refusal> {
    let id = match thread {
        Some(id) => id,
        None => only_one(scene, ledger.board())?,
    };
    let commands = scene.thread(id)?.checks.as_slice();
    if commands.is_empty() {
        return Err(Refusal::NothingToCheck { thread: id });
    }
    require_approved_text(scene)?;
    let (latest, runs) = {
        let thread = ledger.board().thread(id);
        (thread.latest_number(), thread.running().is_some())
    };
    let of = Proof::Thread(id, latest);
    let Some(checked) = checked.filter(|checked| checked.of == of && is_start(&checked.results, commands)) else {
        return Err(Refusal::CheckRequired {
            run: CheckRun::new(scene, of, commands),
            by: ChecksBy::Server,
            runs: true,
        });
    };
    if runs {
        ledger.record(Event::ChecksRan { thread: id, checks: checked.results.clone(), failed: false });
    }
    if let Some(failed) = CheckFailed::of(checked.clone(), None) {
        return Ok(Err(failed));
    }
    Ok(Ok(ThreadChecked { thread_id: id.to_string(), checks: checked.results.clone(), recorded: runs }))
}
