//! `work report`, `work tree`, `work export`, `work watch` and the resources: all that happened in a workstream or a
//! part of it. They only read: what the sweep finds must not be written (DESIGN §5a.4).

use serde::Serialize;

use super::attempt_report::{AttemptEnd, AttemptReport, attempts};
use super::batch_outcome::unknown_batch;
use super::facts::{Note, PersonCommand, Words};
use super::failover::{Decision, open_decision};
use super::figures::{AgentFigures, figures};
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::request::{Caller, Scope};
use super::scene::{AgentSource, Scene, attempt_in_answers, waits_for};
use super::workstream_status::{self, WorkstreamStatus};
use crate::board::{AttemptStatus, Board, CheckResult, Cycle, Introduction, Status, Unproven, Usage};
use crate::index::{Approval, ApprovalStatus};
use crate::moment::Moment;
use crate::plan::{Batch, Stage, Thread};

/// The answer of `work report`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report<C = PersonCommand, N = Note> {
    /// The status of the whole workstream.
    pub status: WorkstreamStatus<C, N>,
    /// Who approved the plan, and when.
    pub approval: Option<Approved>,
    /// Who took the approval back, when and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// The server process whose planner executes a batch, if it lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planner: Option<PlannerReport>,
    /// The stages that were asked for.
    pub stages: Vec<StageReport>,
    /// What the agents did in these stages, the busiest first.
    pub agents: Vec<AgentFigures>,
    /// What all attempts in these stages used together, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl<C, N> Report<C, N> {
    /// Returns its batches, in the order of the plan.
    pub fn batches(&self) -> impl Iterator<Item = &BatchReport> {
        self.stages.iter().flat_map(|stage| &stage.batches)
    }

    /// Returns its threads, in the order of the plan.
    pub fn threads(&self) -> impl Iterator<Item = &ThreadReport> {
        self.batches().flat_map(|batch| &batch.threads)
    }
}

impl Report {
    /// Returns the answer in the words of a door.
    pub fn worded(self, words: &dyn Words) -> Report<String, String> {
        let Report { status, approval, revocation, planner, stages, agents, usage } = self;
        Report { status: status.worded(words), approval, revocation, planner, stages, agents, usage }
    }
}

/// The server process whose planner executes a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannerReport {
    /// Its id.
    pub server: String,
    /// The batch.
    pub batch: String,
    /// What else is known of it.
    #[serde(flatten)]
    pub introduction: Introduction,
}

/// A person's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approved {
    /// Who approved.
    pub by: Option<String>,
    /// When, in the form that index.json has.
    pub at: Option<String>,
}

/// A person's withdrawal of an approval, which had been given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// Who revoked.
    pub by: Option<String>,
    /// When, in the form that index.json has.
    pub at: Option<String>,
    /// Why, if a reason was given.
    pub reason: Option<String>,
    /// The approval that was taken back.
    pub of: Approved,
}

/// A stage and all that happened in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageReport {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// What it accomplishes.
    pub definition: String,
    /// How it works.
    pub constitution: String,
    /// The commands that must pass before it is approved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// Who approved it, and when; null if it is not approved.
    pub approval: Option<Approved>,
    /// Who took its approval back, when and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// Its batches.
    pub batches: Vec<BatchReport>,
}

/// A batch and all that happened in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BatchReport {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub summary: String,
    /// Its execution cycles.
    pub cycles: Vec<CycleReport>,
    /// Its threads.
    pub threads: Vec<ThreadReport>,
}

/// One execution of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CycleReport {
    /// Its number.
    pub cycle: u32,
    /// Whether it is open.
    pub open: bool,
    /// When it was opened.
    pub opened_at: Option<Moment>,
    /// When another planner took it over last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_over_at: Option<Moment>,
    /// When a person last ended a planner's hold on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Moment>,
    /// When it was closed.
    pub closed_at: Option<Moment>,
}

/// A thread and all that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThreadReport {
    /// The thread.
    pub thread_id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// If the thread is done, the agent that ran it last; else the one that runs it or would run it next.
    pub agent: String,
    /// Where the name of the agent that would run it comes from (DESIGN §4).
    pub agent_source: AgentSource,
    /// The agent that it is assigned to, and since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned: Option<Assigned>,
    /// The attempt that runs, comes next or was the last (DESIGN §5a.6); 0: it never ran.
    pub attempt: u32,
    /// The threads of its batch that must be complete before it starts (DESIGN §5c).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// The decision of failover that is not carried out yet.
    pub decision: Option<Decision>,
    /// Why it was given to another agent in its latest cycle.
    pub reason: Option<String>,
    /// Its last report.
    pub report: String,
    /// Its breadcrumb.
    pub breadcrumb: String,
    /// How many cycles used its retry, not counting those in which a person gave fresh budgets since.
    pub retries: usize,
    /// How many cycles used its reassignment, counted in the same way.
    pub reassignments: usize,
    /// Files or links that came of it.
    pub artifacts: Vec<String>,
    /// What its last report claims and what was not there when it came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unproven: Vec<Unproven>,
    /// What is left to do.
    pub next_steps: Vec<String>,
    /// The commands that must pass before it counts as completed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// Its attempts.
    pub attempts: Vec<AttemptReport>,
    /// What it is about.
    pub summary: String,
    /// What to do.
    pub details: String,
}

/// The assignment of a thread to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assigned {
    /// The agent.
    pub agent: String,
    /// When.
    pub at: Moment,
}

/// What is known of the proof that a thread is done (DESIGN §5b).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofState {
    /// Its report claims what was not there.
    Unproven,
    /// It is completed, and its checks passed.
    Passed,
    /// It is completed, and its checks have not passed: a person completed it, or the plan had none then.
    NotChecked,
    /// Its running attempt was reported as completed so many times, and its checks failed.
    Failed(u32),
    /// It is not completed, and has so many checks.
    Planned(usize),
}

impl ThreadReport {
    /// Returns whether its last attempt failed and another one is to follow.
    pub fn has_failed(&self) -> bool {
        self.status == Status::Pending && self.attempts.last().is_some_and(|last| last.status == AttemptStatus::Failed)
    }

    /// Returns its attempts, each with how it ended; `None`: it runs.
    pub fn ended(&self) -> impl Iterator<Item = (&AttemptReport, Option<AttemptEnd>)> {
        let last = self.attempts.len().saturating_sub(1);
        self.attempts.iter().enumerate().map(move |(at, attempt)| {
            let end = match attempt.status {
                AttemptStatus::Running => return (attempt, None),
                AttemptStatus::Completed => AttemptEnd::Completed,
                AttemptStatus::Interrupted => AttemptEnd::Interrupted,
                AttemptStatus::Failed if at == last && self.status == Status::Blocked => AttemptEnd::Blocked,
                AttemptStatus::Failed => AttemptEnd::Failed,
            };
            (attempt, Some(end))
        })
    }

    /// Returns what is known of the proof that it is done; `None`: nothing was asked for, and nothing is amiss.
    pub fn proof(&self) -> Option<ProofState> {
        let last = self.attempts.last();
        let has_passed = |attempt: &AttemptReport| {
            let commands = attempt.checks.iter().map(|check| &check.command);
            commands.eq(&self.checks) && attempt.checks.iter().all(CheckResult::has_passed)
        };
        match (self.status, last) {
            (Status::Completed, _) if !self.unproven.is_empty() => Some(ProofState::Unproven),
            _ if self.checks.is_empty() => None,
            (Status::Completed, Some(last)) if has_passed(last) => Some(ProofState::Passed),
            (Status::Completed, _) => Some(ProofState::NotChecked),
            (Status::InProgress, Some(last)) if last.failed_checks > 0 => Some(ProofState::Failed(last.failed_checks)),
            (Status::Cancelled, _) => None,
            _ => Some(ProofState::Planned(self.checks.len())),
        }
    }
}

/// Decides a `work report`, or a resource with all that happened.
///
/// # Errors
///
/// [`Refusal::UnknownStage`] or [`Refusal::UnknownBatch`].
pub(super) fn decide(scene: &Scene<'_>, caller: Caller, scope: Scope, ledger: &mut Ledger) -> Result<Report, Refusal> {
    let status = workstream_status::decide(scene, caller, ledger);
    match scope {
        Scope::Workstream => {}
        Scope::Stage(number) => {
            scene.stage(number)?;
        }
        Scope::Batch(id) => {
            scene.plan.batch(id).ok_or_else(|| unknown_batch(scene, id))?;
        }
    }
    let seen_at = ledger.at();
    let board = ledger.board();
    let stages = scene.plan.stages.iter().filter(|stage| match scope {
        Scope::Workstream => true,
        Scope::Stage(number) => stage.number == number,
        Scope::Batch(id) => stage.number == id.stage,
    });
    let of_stage = |stage: &Stage| StageReport {
        number: stage.number.0,
        name: stage.name.clone(),
        definition: stage.definition.clone(),
        constitution: stage.constitution.clone(),
        checks: stage.checks.clone(),
        approval: scene.entry.and_then(|entry| approved(entry.stage_approval(stage.number)?)),
        revocation: scene.entry.and_then(|entry| revoked(entry.stage_approval(stage.number)?)),
        batches: stage
            .batches
            .iter()
            .filter(|batch| if let Scope::Batch(id) = scope { batch.id == id } else { true })
            .map(|batch| of_batch(scene, board, batch, seen_at))
            .collect(),
    };
    let stages: Vec<StageReport> = stages.map(of_stage).collect();
    let threads = stages.iter().flat_map(|stage| &stage.batches).flat_map(|batch| &batch.threads);
    let agents = figures(threads.flat_map(ThreadReport::ended));
    Ok(Report {
        status,
        approval: scene.entry.and_then(|entry| approved(&entry.approvals.plan)),
        revocation: scene.entry.and_then(|entry| revoked(&entry.approvals.plan)),
        planner: planner(scene, board),
        usage: agents.iter().filter_map(|figures| figures.usage).reduce(Usage::and),
        agents,
        stages,
    })
}

fn planner(scene: &Scene<'_>, board: &Board) -> Option<PlannerReport> {
    let cycle = board.open_cycle()?;
    let server = cycle.holder().filter(|server| scene.alive.contains(server))?;
    Some(PlannerReport {
        server: server.to_string(),
        batch: cycle.batch.to_string(),
        introduction: scene.introductions.get(&server).cloned().unwrap_or_default(),
    })
}

fn approved(approval: &Approval) -> Option<Approved> {
    (approval.status == ApprovalStatus::Approved).then(|| Approved { by: approval.by.clone(), at: approval.at.clone() })
}

fn revoked(approval: &Approval) -> Option<Revocation> {
    (approval.status == ApprovalStatus::Revoked).then(|| Revocation {
        by: approval.revoked_by.clone(),
        at: approval.revoked_at.clone(),
        reason: approval.revoked_reason.clone(),
        of: Approved { by: approval.by.clone(), at: approval.at.clone() },
    })
}

fn of_batch(scene: &Scene<'_>, board: &Board, batch: &Batch, seen_at: Moment) -> BatchReport {
    let cycles: Vec<&Cycle> = board.cycles().iter().filter(|cycle| cycle.batch == batch.id).collect();
    BatchReport {
        id: batch.id.to_string(),
        name: batch.name.clone(),
        summary: batch.summary.clone(),
        cycles: cycles
            .iter()
            .map(|cycle| CycleReport {
                cycle: cycle.number,
                open: cycle.is_open(),
                opened_at: cycle.opened_at,
                taken_over_at: cycle.taken_over_at,
                released_at: cycle.released_at,
                closed_at: cycle.closed_at(),
            })
            .collect(),
        threads: batch.threads.iter().map(|thread| of_thread(scene, board, &cycles, thread, seen_at)).collect(),
    }
}

fn of_thread(scene: &Scene<'_>, board: &Board, cycles: &[&Cycle], planned: &Thread, seen_at: Moment) -> ThreadReport {
    let id = planned.id;
    let thread = board.thread(id);
    let used = |is_used: fn(&crate::board::Budget) -> bool| {
        cycles.iter().filter(|cycle| cycle.budgets.get(&id).is_some_and(is_used)).count()
    };
    let batch = scene.plan.batch(id.batch);
    let waits = batch.map(|batch| waits_for(board, batch, planned)).unwrap_or_default();
    let waits: Vec<String> = waits.iter().map(ToString::to_string).collect();
    ThreadReport {
        thread_id: id.to_string(),
        name: planned.name.clone(),
        status: thread.status,
        agent: if thread.status.is_done() { scene.agent_used(board, id) } else { scene.current_agent(board, id) },
        agent_source: scene.agent(board, id).1,
        assigned: thread.assigned_agent.clone().zip(thread.assigned_at).map(|(agent, at)| Assigned { agent, at }),
        attempt: attempt_in_answers(board, id),
        waits_for: if thread.status == Status::Pending { waits } else { Vec::new() },
        decision: open_decision(scene, board, id),
        reason: cycles.last().and_then(|cycle| cycle.budgets.get(&id)?.reason.clone()),
        report: thread.report.clone(),
        breadcrumb: thread.breadcrumb.clone(),
        retries: used(|budget| budget.retried_after.is_some()),
        reassignments: used(|budget| budget.reassigned_after.is_some()),
        artifacts: thread.artifacts.clone(),
        unproven: thread.unproven.clone(),
        next_steps: thread.next_steps.clone(),
        checks: planned.checks.clone(),
        attempts: attempts(id, &thread, cycles, &scene.current_agent(board, id), seen_at),
        summary: planned.summary.clone(),
        details: planned.details.clone(),
    }
}
