//! The rules: a scene and a request give an answer and events, or a refusal. There is one file per request.
//!
//! This room is pure. It must never read a clock, a disk, the environment or a network, so that the same state always
//! gives the same answer. All that a decision depends on is in its [`Scene`] and the board of its [`Ledger`]; all that
//! it changes is in the ledger's events.
//!
//! Each door has its own type of requests (DESIGN §7). [`AgentRequest`] is for the MCP server, and must never have a
//! variant that passes a gate. [`PersonRequest`] is for the command line.

mod answer;
mod approve;
mod assign_thread;
mod attempt_report;
mod batch_outcome;
mod brief;
mod brief_size;
mod checks;
mod code;
mod complete;
mod current;
mod cycles;
mod execution;
mod facts;
mod failover;
mod figures;
mod gates;
mod give_back;
mod ledger;
mod next_batch;
mod plan_diff;
mod proof;
mod put_away;
mod read_thread;
mod record_usage;
mod recorded;
mod refusal;
mod release;
mod report;
mod request;
mod retry;
mod scene;
mod sweep;
mod update_thread;
mod validate;
mod workstream_status;

pub use answer::{BatchName, BatchSummary, Outcome, StageName};
pub use approve::{
    PlanApproved, PlannedCheck, PlannedWorkers, Revoked, StageApproved, UnprovenThread, require_approved_workers,
};
pub use assign_thread::Assignment;
pub use attempt_report::{AttemptEnd, AttemptReport, Follows};
pub use batch_outcome::BatchOutcome;
pub use brief::{Brief, BriefPlan, BriefStage, DoneBefore, EarlierAttempt, Sibling};
pub use checks::ThreadChecked;
pub use code::Code;
pub use complete::{StreamCompleted, StreamReopened};
pub use current::Current;
pub use facts::{
    AttemptHint, Candidate, CutTo, Exhausted, Extent, Field, ImportProblem, MappingProblem, Note, Omission,
    PauseReason, PersonAct, PersonCommand, Section, TextProblem, TransferProblem, UnclearThread, Unsettled, Wanted,
    Words,
};
pub use failover::{Decision, DecisionAction, OpenDecision};
pub use figures::AgentFigures;
pub use gates::BatchCompletionStatus;
pub use ledger::Ledger;
pub use next_batch::{DispatchThread, NextBatch};
pub use plan_diff::{ApprovalFate, Consequence, Mapping, PlanDiff, StageChange, ThreadChange};
pub use proof::{
    CheckEnd, CheckFailed, CheckFailure, CheckRun, Checked, Evidence, MAX_FAILED_CHECKS, MAX_OUTPUT_CHARS, Proof,
};
pub use put_away::{Archived, require_idle};
pub use refusal::Refusal;
pub use release::Released;
pub use report::{
    Approved, Assigned, BatchReport, CycleReport, PlannerReport, ProofState, Report, Revocation, StageReport,
    ThreadReport,
};
pub use request::{
    Access, AgentAnswer, AgentRequest, AssignThread, Caller, ClearAssignment, GiveBack, MAX_ITEM_CHARS, MAX_ITEMS,
    MAX_REPORT_CHARS, PersonAnswer, PersonRequest, RecordUsage, Scope, UpdateThread,
};
pub use retry::Retried;
pub use scene::{AgentSource, Basis, Scene};
pub use update_thread::Updated;
pub use validate::{Finding, Fix, Validation};
pub use workstream_status::{BatchCounts, OpenThread, PlanProblem, StageStatus, WorkstreamStatus};

/// Decides a request of an agent. After a refusal, the ledger must be dropped: it may have events.
pub fn decide_for_agent(
    scene: &Scene<'_>,
    caller: Caller,
    request: &AgentRequest,
    ledger: &mut Ledger,
) -> Result<AgentAnswer, Refusal> {
    Ok(match request {
        AgentRequest::NextBatch => AgentAnswer::NextBatch(next_batch::decide(scene, caller, ledger)),
        AgentRequest::ReadThread(thread, extent) => {
            AgentAnswer::Brief(Box::new(read_thread::decide(scene, *thread, *extent, ledger)?))
        }
        AgentRequest::AssignThread(request) => {
            AgentAnswer::Assignment(assign_thread::decide(scene, caller, request, ledger)?)
        }
        AgentRequest::UpdateThread(request) => match update_thread::decide(scene, caller, request, ledger)? {
            Ok(updated) => AgentAnswer::Updated(updated),
            Err(failed) => AgentAnswer::CheckFailed(failed),
        },
        AgentRequest::GiveBack(request) => {
            give_back::decide(scene, caller, request, ledger)?;
            AgentAnswer::Recorded
        }
        AgentRequest::RecordUsage(request) => {
            record_usage::decide(scene, request, ledger)?;
            AgentAnswer::Recorded
        }
        AgentRequest::BatchOutcome(batch) => {
            AgentAnswer::BatchOutcome(batch_outcome::decide(scene, caller, *batch, ledger)?)
        }
        AgentRequest::PlanText => AgentAnswer::PlanText(scene.plan_text.to_owned()),
        AgentRequest::Report(scope) => AgentAnswer::Report(Box::new(report::decide(scene, caller, *scope, ledger)?)),
        AgentRequest::WorkstreamStatus => {
            AgentAnswer::WorkstreamStatus(workstream_status::decide(scene, caller, ledger))
        }
    })
}

/// Decides a request of a person. After a refusal, the ledger must be dropped: it may have events.
pub fn decide_for_person(
    scene: &Scene<'_>,
    request: &PersonRequest,
    ledger: &mut Ledger,
) -> Result<PersonAnswer, Refusal> {
    let caller = Caller::CommandLine;
    Ok(match request {
        PersonRequest::Status => PersonAnswer::Status(workstream_status::decide(scene, caller, ledger)),
        PersonRequest::ShowCurrent => PersonAnswer::Current(current::show(scene)),
        PersonRequest::SetCurrent => PersonAnswer::Current(current::set(scene, ledger)?),
        PersonRequest::ReadThread(thread) => {
            PersonAnswer::Brief(Box::new(read_thread::decide(scene, *thread, Extent::Whole, ledger)?))
        }
        PersonRequest::Report(scope) => PersonAnswer::Report(Box::new(report::decide(scene, caller, *scope, ledger)?)),
        PersonRequest::Validate => PersonAnswer::Validation(validate::decide(scene)),
        PersonRequest::Diff => PersonAnswer::PlanDiff(plan_diff::decide(scene, ledger)?),
        PersonRequest::ApprovePlan { force, mapping, by, seen } => {
            if seen.as_ref().is_some_and(|seen| seen != scene.plan_hash) {
                let message = "PLAN.md has changed since it was shown, so it is not approved";
                return Err(Refusal::invalid(message, "look at it again"));
            }
            PersonAnswer::PlanApproved(approve::plan(scene, *force, mapping, by, ledger)?)
        }
        PersonRequest::ApproveStage { stage, force, by, checked } => {
            match approve::stage(scene, *stage, *force, by, checked.as_ref(), ledger)? {
                Ok(approved) => PersonAnswer::StageApproved(approved),
                Err(failed) => PersonAnswer::CheckFailed(failed),
            }
        }
        PersonRequest::Check { thread, checked, directory: _ } => {
            match checks::decide(scene, *thread, checked.as_ref(), ledger)? {
                Ok(checked) => PersonAnswer::Checked(checked),
                Err(failed) => PersonAnswer::CheckFailed(failed),
            }
        }
        PersonRequest::RevokePlan { by, reason } => {
            PersonAnswer::Revoked(approve::revoke_plan(scene, by, reason.as_deref(), ledger)?)
        }
        PersonRequest::RevokeStage { stage, by, reason } => {
            PersonAnswer::Revoked(approve::revoke_stage(scene, *stage, by, reason.as_deref(), ledger)?)
        }
        PersonRequest::Complete => PersonAnswer::Completed(complete::decide(scene, ledger)?),
        PersonRequest::Reopen => PersonAnswer::Reopened(complete::reopen(scene, ledger)),
        PersonRequest::Archive => PersonAnswer::Archived(put_away::archive(scene, ledger)?),
        PersonRequest::Restore => PersonAnswer::Archived(put_away::restore(scene, ledger)),
        PersonRequest::Release => PersonAnswer::Released(release::decide(scene, ledger)),
        PersonRequest::Retry(thread) => PersonAnswer::Retried(retry::decide(scene, *thread, ledger)?),
        PersonRequest::AssignThread(request) => {
            PersonAnswer::Assignment(assign_thread::decide(scene, caller, request, ledger)?)
        }
        PersonRequest::ClearAssignment(request) => {
            PersonAnswer::Assignment(assign_thread::clear(scene, *request, ledger)?)
        }
        PersonRequest::UpdateThread(request) => match update_thread::decide(scene, caller, request, ledger)? {
            Ok(updated) => PersonAnswer::Updated(updated),
            Err(failed) => PersonAnswer::CheckFailed(failed),
        },
    })
}

#[cfg(test)]
mod tests;
