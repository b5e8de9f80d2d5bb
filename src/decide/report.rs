//! `work report`, `work tree`, `work export` and `work watch`: a workstream or a part of it with all
//! that happened, for the doors to show in their forms. It changes nothing.

use serde::Serialize;

use super::batch_outcome::unknown_batch;
use super::facts::{Note, PersonCommand, Words};
use super::failover::{Decision, open_decision};
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::request::{Caller, Scope};
use super::scene::{AgentSource, Scene, attempt_in_answers};
use super::workstream_status::{self, WorkstreamStatus};
use crate::board::{Attempt, AttemptStatus, Board, Cycle, Status};
use crate::index::{Approval, ApprovalStatus};
use crate::moment::Moment;
use crate::plan::{Batch, Stage, Thread};

/// The answer of `work report`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report<C = PersonCommand, N = Note> {
    /// How it stands with the whole workstream.
    pub status: WorkstreamStatus<C, N>,
    /// Who approved the plan, and when.
    pub approval: Option<Approved>,
    /// The stages that were asked for.
    pub stages: Vec<StageReport>,
}

impl Report {
    /// Returns it in a door's words.
    pub fn worded(self, words: &dyn Words) -> Report<String, String> {
        Report { status: self.status.worded(words), approval: self.approval, stages: self.stages }
    }
}

/// A person's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approved {
    /// Who approved.
    pub by: Option<String>,
    /// When, as it stands on disk.
    pub at: Option<String>,
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
    /// Who approved it, and when; null where nobody has.
    pub approval: Option<Approved>,
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
    /// The agent that ran it last where it is done, else the one that runs it or would.
    pub agent: String,
    /// Where the name of the agent that would run it comes from.
    pub agent_source: AgentSource,
    /// The attempt that runs, comes next or was the last; 0: it never ran.
    pub attempt: u32,
    /// What was decided after a failure and waits to be carried out.
    pub decision: Option<Decision>,
    /// Why it was given to another agent in its latest cycle.
    pub reason: Option<String>,
    /// Its last report.
    pub report: String,
    /// The last words of a heartbeat.
    pub breadcrumb: String,
    /// How many failures were answered with a retry, in all cycles since a person gave it fresh budgets.
    pub retries: usize,
    /// How many times a planner reassigned it, likewise.
    pub reassignments: usize,
    /// Files or links that came of it.
    pub artifacts: Vec<String>,
    /// What is left to do.
    pub next_steps: Vec<String>,
    /// Its attempts.
    pub attempts: Vec<AttemptReport>,
    /// What it is about.
    pub summary: String,
    /// What to do.
    pub details: String,
}

/// One run of a thread by one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptReport {
    /// Its number.
    pub attempt: u32,
    /// The agent that ran it.
    pub agent: String,
    /// How it is going, or how it ended.
    pub status: AttemptStatus,
    /// The cycle in which it counts.
    pub cycle: Option<u32>,
    /// Whether its failure was said to be transient.
    pub transient: bool,
    /// When it started.
    pub started_at: Option<Moment>,
    /// When it ended.
    pub completed_at: Option<Moment>,
    /// The report that ended it.
    pub report: String,
}

/// Decides the request.
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
        approval: scene.entry.and_then(|entry| approved(entry.stage_approval(stage.number)?)),
        batches: stage
            .batches
            .iter()
            .filter(|batch| if let Scope::Batch(id) = scope { batch.id == id } else { true })
            .map(|batch| of_batch(scene, board, batch, seen_at))
            .collect(),
    };
    Ok(Report {
        status,
        approval: scene.entry.and_then(|entry| approved(&entry.approvals.plan)),
        stages: stages.map(of_stage).collect(),
    })
}

fn approved(approval: &Approval) -> Option<Approved> {
    (approval.status == ApprovalStatus::Approved).then(|| Approved { by: approval.by.clone(), at: approval.at.clone() })
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
    ThreadReport {
        thread_id: id.to_string(),
        name: planned.name.clone(),
        status: thread.status,
        agent: if thread.status.is_done() { scene.agent_used(board, id) } else { scene.current_agent(board, id) },
        agent_source: scene.agent(board, id).1,
        attempt: attempt_in_answers(board, id),
        decision: open_decision(scene, board, id),
        reason: cycles.last().and_then(|cycle| cycle.budgets.get(&id)?.reason.clone()),
        report: thread.report.clone(),
        breadcrumb: thread.breadcrumb.clone(),
        retries: used(|budget| budget.retried_after.is_some()),
        reassignments: used(|budget| budget.reassigned_after.is_some()),
        artifacts: thread.artifacts.clone(),
        next_steps: thread.next_steps.clone(),
        attempts: thread.attempts.iter().map(|attempt| of_attempt(scene, board, planned, attempt, seen_at)).collect(),
        summary: planned.summary.clone(),
        details: planned.details.clone(),
    }
}

fn of_attempt(scene: &Scene<'_>, board: &Board, planned: &Thread, attempt: &Attempt, seen_at: Moment) -> AttemptReport {
    // Older software does not say who runs a thread.
    let is_unnamed = attempt.agent.is_empty() && attempt.status == AttemptStatus::Running;
    AttemptReport {
        attempt: attempt.number,
        agent: if is_unnamed { scene.current_agent(board, planned.id) } else { attempt.agent.clone() },
        status: attempt.status,
        cycle: attempt.cycle,
        transient: attempt.transient,
        started_at: attempt.started_at,
        // That a process is gone is found out just now; when it went, nobody knows.
        completed_at: attempt.completed_at.filter(|at| *at != seen_at),
        report: attempt.report.clone(),
    }
}
