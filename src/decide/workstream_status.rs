//! `workstream_status` and `work status`: the state of the whole workstream. They only
//! read: what the sweep finds must not be written (DESIGN §5a.4).

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::BatchName;
use super::facts::{Note, PauseReason, PersonAct, PersonCommand, Words};
use super::gates::{BatchCompletionStatus, Next, Standing, admit, is_approved, next};
use super::ledger::Ledger;
use super::request::Caller;
use super::scene::{Scene, attempt_in_answers, is_complete, is_settled, unproven};
use super::sweep::sweep;
use crate::board::{Board, Status};
use crate::plan::{Batch, Problem, Stage, check};

/// The answer of `workstream_status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "WorkstreamStatus")]
pub struct WorkstreamStatus<C = PersonCommand, N = Note> {
    /// The folder that holds work/.
    pub workspace: String,
    /// The workstream.
    pub workstream: String,
    /// The name of its plan.
    pub name: String,
    /// Whether the plan may be executed; else why not.
    pub plan: &'static str,
    /// Its stages.
    pub stages: Vec<StageStatus>,
    /// The batch that is executed or comes next.
    pub next_batch: Option<BatchName>,
    /// The server process of another planner that executes it.
    pub held_by: Option<String>,
    /// The threads that are in progress or blocked.
    pub open_threads: Vec<OpenThread>,
    /// The command by which a person passes the gate.
    pub gate_command: Option<C>,
    /// The command for the person next.
    pub next_user_command: Option<C>,
    /// What is wrong in PLAN.md.
    pub problems: Vec<PlanProblem>,
    /// What else to know.
    pub warnings: Vec<N>,
}

/// A stage, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct StageStatus {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// Whether a person has approved it.
    pub approved: bool,
    /// Its batches.
    pub batches: Vec<BatchCounts>,
}

/// A batch, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
#[expect(missing_docs, reason = "the fields are the status words")]
pub struct BatchCounts {
    pub id: String,
    pub name: String,
    pub pending: usize,
    pub in_progress: usize,
    pub completed: usize,
    pub blocked: usize,
    pub cancelled: usize,
}

/// A thread that somebody works on, or that somebody has to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct OpenThread {
    /// Its id.
    pub thread_id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    #[schemars(with = "String")]
    pub status: Status,
    /// The agent that runs it, or ran it last.
    pub agent: String,
    /// Its attempt.
    pub attempt: u32,
    /// Its breadcrumb while it runs, its report when it is blocked.
    pub report: String,
}

/// A problem of PLAN.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct PlanProblem {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl WorkstreamStatus {
    /// Returns the answer in the words of a door.
    pub fn worded(self, words: &dyn Words) -> WorkstreamStatus<String, String> {
        WorkstreamStatus {
            workspace: self.workspace,
            workstream: self.workstream,
            name: self.name,
            plan: self.plan,
            stages: self.stages,
            next_batch: self.next_batch,
            held_by: self.held_by,
            open_threads: self.open_threads,
            gate_command: self.gate_command.map(|command| words.command(&command)),
            next_user_command: self.next_user_command.map(|command| words.command(&command)),
            problems: self.problems,
            warnings: self.warnings.iter().map(|note| words.note(note)).collect(),
        }
    }
}

/// Decides a `workstream_status` or a `work status`.
pub(super) fn decide(scene: &Scene<'_>, caller: Caller, ledger: &mut Ledger) -> WorkstreamStatus {
    sweep(scene, ledger);
    let board = ledger.board();
    let (linked, workspace) = (scene.worktree.map(str::to_owned), scene.workspace.to_owned());
    let mut warnings: Vec<Note> = linked.map(|linked| Note::MainWorktree { linked, workspace }).into_iter().collect();
    let elsewhere = board
        .open_cycle()
        .and_then(|cycle| Some((scene.held_elsewhere(cycle, caller)?, scene.plan.batch(cycle.batch)?)))
        .filter(|(_, batch)| !is_complete(board, batch));
    let next = next(scene, board);
    let (mut standing, mut shown) = match next {
        Next::Batch(ready) => {
            let batch = ready.batch();
            (Standing::of_batch(scene, board, next, batch, is_settled(board, batch)), Some(batch))
        }
        Next::Pause(pause) => {
            // The field `plan` tells the gate of the plan already. Only a person's reason is added here.
            let reason = pause.reason(scene);
            warnings
                .extend(reason.filter(|reason| !matches!(reason, PauseReason::PlanGate(_, None))).map(Note::Paused));
            (Standing::of_pause(scene, pause), None)
        }
    };
    if let (Some((_, held)), Some(_)) = (elsewhere, shown) {
        shown = Some(held);
        if caller.server().is_some() && standing.status == BatchCompletionStatus::InProgress {
            standing = Standing::without_gate(scene, standing.status, Some(PersonAct::Release));
        }
    }
    match shown {
        Some(batch) => warnings.extend(scene.warnings(board, batch)),
        None => warnings.extend(scene.notes_on_state()),
    }
    // Who has approved a stage has seen what was not there.
    let others =
        scene.plan.stages.iter().filter(|stage| !is_approved(scene, stage.number)).flat_map(|stage| &stage.batches);
    let others = others.filter(|batch| shown.is_none_or(|shown| shown.id != batch.id));
    let others = others.flat_map(|batch| unproven(board, batch));
    warnings.extend(others.map(|(id, claims)| Note::Unproven(id, claims)));
    WorkstreamStatus {
        workspace: scene.workspace.to_owned(),
        workstream: scene.workstream.to_owned(),
        name: scene.plan.name.clone(),
        plan: match admit(scene) {
            Ok(_) => "approved",
            Err(gate) => gate.reason(),
        },
        stages: scene.plan.stages.iter().map(|stage| counted(scene, board, stage)).collect(),
        next_batch: shown.map(BatchName::of),
        held_by: elsewhere.map(|(holder, _)| holder.to_string()),
        open_threads: scene.plan.batches().flat_map(|batch| open_threads(scene, board, batch)).collect(),
        gate_command: standing.gate_command,
        next_user_command: standing.next_user_command,
        // Problems that do not concern a planner, such as style, would cost it tokens in every session.
        problems: check(scene.plan_now, scene.roster)
            .iter()
            .filter(|problem| problem.kind.concerns_planner())
            .map(PlanProblem::of)
            .collect(),
        warnings,
    }
}

fn counted(scene: &Scene<'_>, board: &Board, stage: &Stage) -> StageStatus {
    let counts = |batch: &Batch| {
        let count = |status| batch.threads.iter().filter(|thread| board.status(thread.id) == status).count();
        BatchCounts {
            id: batch.id.to_string(),
            name: batch.name.clone(),
            pending: count(Status::Pending),
            in_progress: count(Status::InProgress),
            completed: count(Status::Completed),
            blocked: count(Status::Blocked),
            cancelled: count(Status::Cancelled),
        }
    };
    StageStatus {
        number: stage.number.0,
        name: stage.name.clone(),
        approved: is_approved(scene, stage.number),
        batches: stage.batches.iter().map(counts).collect(),
    }
}

fn open_threads(scene: &Scene<'_>, board: &Board, batch: &Batch) -> Vec<OpenThread> {
    let open = |thread: &crate::plan::Thread| {
        let state = board.threads.get(thread.id)?;
        let report = match state.status {
            Status::InProgress => &state.breadcrumb,
            Status::Blocked => &state.report,
            Status::Pending | Status::Completed | Status::Cancelled => return None,
        };
        Some(OpenThread {
            thread_id: thread.id.to_string(),
            name: thread.name.clone(),
            status: state.status,
            agent: scene.current_agent(board, thread.id),
            attempt: attempt_in_answers(board, thread.id),
            report: report.clone(),
        })
    };
    batch.threads.iter().filter_map(open).collect()
}

impl PlanProblem {
    pub(super) fn of(problem: &Problem) -> Self {
        Self {
            line: problem.line,
            column: problem.column,
            message: problem.kind.to_string(),
            help: problem.kind.help(),
        }
    }
}
