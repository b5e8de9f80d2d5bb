//! The gates (DESIGN §7): which batch may run next, what a person has to approve before it, and by which command.
//!
//! [`next`] alone decides whether work may be handed out, and [`Standing`] is the table of DESIGN §7. Nothing here may
//! change the board.

use schemars::JsonSchema;
use serde::Serialize;

use super::facts::{PauseReason, PersonAct, PersonCommand};
use super::refusal::Refusal;
use super::scene::{Scene, is_complete};
use crate::board::Board;
use crate::index::{ApprovalStatus, Entry, StreamStatus};
use crate::plan::{ApprovedPlan, Batch, BatchId, PlanApproval, PlanGate, StageNumber};

/// Where a batch stands: the key `batch_completion_status` of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum BatchCompletionStatus {
    /// A person has to pass a gate.
    AwaitingApproval,
    /// There is work to hand out, or it runs.
    InProgress,
    /// Nothing runs, and threads are blocked.
    Blocked,
    /// Every thread is completed or cancelled.
    Completed,
    /// Nothing is left to hand out.
    NoIncompleteBatch,
}

/// A batch that is ready (DESIGN §2): its plan is approved, all earlier batches are complete, and all earlier stages
/// are approved. Only [`next`] makes one, so code that hands out work cannot skip a gate.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadyBatch<'p> {
    batch: &'p Batch,
}

/// What `next_batch` may do in a workstream now.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next<'p> {
    /// This batch may be handed out.
    Batch(ReadyBatch<'p>),
    /// Nothing may be handed out.
    Pause(Pause),
}

/// Why nothing may be handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// The plan has no threads.
    NoThreads,
    /// A person has completed the workstream.
    StreamCompleted,
    /// The plan gate is shut.
    PlanGate(PlanGate),
    /// A person has put the workstream on hold.
    OnHold,
    /// A person has put the workstream away.
    Archived,
    /// This stage is complete and not approved, and a later stage waits for its approval.
    StageGate(StageNumber),
    /// All threads are done. The stage is the first that is not approved; `None`: all are.
    AllComplete(Option<StageNumber>),
}

impl<'p> ReadyBatch<'p> {
    /// Returns the batch.
    pub(super) fn batch(self) -> &'p Batch {
        self.batch
    }
}

impl Pause {
    /// Returns the reason for the answer's `warnings`, or `None` where the command for the person says enough.
    pub(super) fn reason(self, scene: &Scene<'_>) -> Option<PauseReason> {
        match self {
            Self::NoThreads => Some(PauseReason::NoThreads),
            Self::StreamCompleted => Some(PauseReason::StreamCompleted),
            Self::PlanGate(gate) => {
                let why = || scene.entry.and_then(|entry| entry.approvals.plan.revoked_reason.clone());
                Some(PauseReason::PlanGate(gate, if gate == PlanGate::Revoked { why() } else { None }))
            }
            Self::OnHold => Some(PauseReason::OnHold),
            Self::Archived => Some(PauseReason::Archived),
            Self::StageGate(stage) => {
                let approval = scene.entry.and_then(|entry| entry.stage_approval(stage))?;
                let why = approval.revoked_reason.clone().filter(|_| approval.status == ApprovalStatus::Revoked)?;
                Some(PauseReason::StageRevoked(stage, why))
            }
            Self::AllComplete(_) => None,
        }
    }
}

/// Returns the ready batch, or why there is none.
pub(super) fn next<'s>(scene: &Scene<'s>, board: &Board) -> Next<'s> {
    let status = scene.entry.and_then(|entry| entry.status);
    if status == Some(StreamStatus::Completed) {
        return Next::Pause(Pause::StreamCompleted);
    }
    if status == Some(StreamStatus::Archived) {
        return Next::Pause(Pause::Archived);
    }
    if scene.plan.threads().next().is_none() {
        return Next::Pause(Pause::NoThreads);
    }
    let plan = match admit(scene) {
        Ok(plan) => plan,
        Err(gate) => return Next::Pause(Pause::PlanGate(gate)),
    };
    if status == Some(StreamStatus::OnHold) {
        return Next::Pause(Pause::OnHold);
    }
    // The batch comes out of the `ApprovedPlan`, so that nothing else can be handed out.
    let next = plan.plan().batches().find(|batch| !is_complete(board, batch));
    let before = next.map(|batch| batch.id.stage);
    match (first_unapproved(scene, before), next) {
        (None, Some(batch)) => Next::Batch(ReadyBatch { batch }),
        (Some(stage), Some(_)) => Next::Pause(Pause::StageGate(stage)),
        (stage, None) => Next::Pause(Pause::AllComplete(stage)),
    }
}

/// Refuses a change of a pending or blocked thread whose batch is not ready (DESIGN §5).
///
/// # Errors
///
/// [`Refusal::AwaitingApproval`] if a gate before the batch is shut; [`Refusal::BatchNotReady`] if an earlier batch is
/// incomplete, or the workstream is completed or has no threads.
pub(super) fn require_ready(scene: &Scene<'_>, board: &Board, batch: BatchId) -> Result<(), Refusal> {
    match next(scene, board) {
        Next::Pause(Pause::NoThreads | Pause::StreamCompleted) => Err(Refusal::BatchNotReady { batch, earlier: None }),
        Next::Pause(Pause::PlanGate(_)) => require_plan_gate(scene),
        Next::Pause(Pause::OnHold) => Err(Refusal::AwaitingApproval { reason: PauseReason::OnHold, command: None }),
        Next::Pause(Pause::Archived) => Err(archived(scene)),
        Next::Pause(Pause::StageGate(stage)) if stage < batch.stage => Err(Refusal::AwaitingApproval {
            reason: PauseReason::StageNotApproved(stage),
            command: Some(scene.command(PersonAct::ApproveStage(stage))),
        }),
        Next::Batch(ready) if ready.batch.id < batch => {
            Err(Refusal::BatchNotReady { batch, earlier: Some(ready.batch.id) })
        }
        Next::Pause(Pause::StageGate(_) | Pause::AllComplete(_)) | Next::Batch(_) => Ok(()),
    }
}

/// Returns the refusal of what an archived workstream does not do.
pub(super) fn archived(scene: &Scene<'_>) -> Refusal {
    let command = Some(scene.command(PersonAct::Restore));
    Refusal::AwaitingApproval { reason: PauseReason::Archived, command }
}

/// How an answer describes a batch: one row of the table of DESIGN §7.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) status: BatchCompletionStatus,
    pub(super) gate_command: Option<PersonCommand>,
    pub(super) next_user_command: Option<PersonCommand>,
}

impl Standing {
    /// Returns the row for a shut gate. The person's next command is the one that passes the gate.
    fn at_gate(scene: &Scene<'_>, status: BatchCompletionStatus, gate: PersonAct) -> Self {
        let gate = scene.command(gate);
        Self { status, gate_command: Some(gate.clone()), next_user_command: Some(gate) }
    }

    /// Returns the row where no gate is shut. There may still be a next command for the person, such as `work retry`.
    pub(super) fn without_gate(scene: &Scene<'_>, status: BatchCompletionStatus, next: Option<PersonAct>) -> Self {
        Self { status, gate_command: None, next_user_command: next.map(|next| scene.command(next)) }
    }

    /// Returns the row for `next_batch` when it may not hand out anything (DESIGN §7).
    pub(super) fn of_pause(scene: &Scene<'_>, pause: Pause) -> Self {
        use BatchCompletionStatus::{AwaitingApproval, NoIncompleteBatch};
        match pause {
            Pause::NoThreads | Pause::StreamCompleted => {
                Self::without_gate(scene, NoIncompleteBatch, Some(PersonAct::Status))
            }
            Pause::PlanGate(_) => Self::at_gate(scene, AwaitingApproval, PersonAct::ApprovePlan),
            Pause::OnHold => Self::without_gate(scene, AwaitingApproval, Some(PersonAct::Status)),
            Pause::Archived => Self::without_gate(scene, AwaitingApproval, Some(PersonAct::Restore)),
            Pause::StageGate(stage) => Self::at_gate(scene, AwaitingApproval, PersonAct::ApproveStage(stage)),
            Pause::AllComplete(Some(stage)) => Self {
                next_user_command: Some(scene.command(PersonAct::Status)),
                ..Self::at_gate(scene, NoIncompleteBatch, PersonAct::ApproveStage(stage))
            },
            Pause::AllComplete(None) => Self::at_gate(scene, NoIncompleteBatch, PersonAct::Complete),
        }
    }

    /// Returns the row for `batch_outcome` about a batch (DESIGN §7). `settled` says whether that batch is settled.
    pub(super) fn of_batch(scene: &Scene<'_>, board: &Board, next: Next<'_>, batch: &Batch, settled: bool) -> Self {
        use BatchCompletionStatus::{Blocked, Completed, InProgress};
        match next {
            // A complete batch is `completed`, also while a stage waits for its approval. The other pauses are about
            // the whole workstream, so they win.
            Next::Pause(pause @ (Pause::StageGate(_) | Pause::AllComplete(Some(_)))) => {
                if !is_complete(board, batch) {
                    return Self::of_pause(scene, pause);
                }
            }
            Next::Pause(pause) => return Self::of_pause(scene, pause),
            Next::Batch(_) => {}
        }
        if !is_complete(board, batch) {
            return if settled {
                Self::without_gate(scene, Blocked, Some(PersonAct::Retry))
            } else {
                Self::without_gate(scene, InProgress, None)
            };
        }
        let awaits_approval = scene.plan.stage(batch.id.stage).is_some_and(|stage| {
            stage.batches.iter().all(|batch| is_complete(board, batch)) && !is_approved(scene, stage.number)
        });
        if awaits_approval {
            Self::at_gate(scene, Completed, PersonAct::ApproveStage(batch.id.stage))
        } else {
            Self::without_gate(scene, Completed, None)
        }
    }
}

/// Refuses with [`Refusal::AwaitingApproval`] while the gate of the plan is shut.
pub(super) fn require_plan_gate(scene: &Scene<'_>) -> Result<(), Refusal> {
    admit(scene).map(|_| ()).map_err(|gate| Refusal::AwaitingApproval {
        reason: PauseReason::PlanGate(gate, None),
        command: Some(scene.command(PersonAct::ApprovePlan)),
    })
}

/// Returns the proof that the plan is approved, or why its gate is shut.
pub(super) fn admit<'s>(scene: &Scene<'s>) -> Result<ApprovedPlan<'s>, PlanGate> {
    let approval = scene.entry.map_or(PlanApproval::Draft, Entry::plan_approval);
    approval.admit(scene.plan, scene.plan_hash)
}

/// Returns the stages that have threads and are not approved, in plan order; only those before `before`, if given.
pub(super) fn unapproved<'s>(scene: &Scene<'s>, before: Option<StageNumber>) -> impl Iterator<Item = StageNumber> + 's {
    let scene = *scene;
    scene
        .plan
        .stages
        .iter()
        .filter(move |stage| stage.has_threads() && before.is_none_or(|before| stage.number < before))
        .map(|stage| stage.number)
        .filter(move |stage| !is_approved(&scene, *stage))
}

fn first_unapproved(scene: &Scene<'_>, before: Option<StageNumber>) -> Option<StageNumber> {
    unapproved(scene, before).next()
}

pub(super) fn is_approved(scene: &Scene<'_>, stage: StageNumber) -> bool {
    scene.entry.is_some_and(|entry| entry.stage_approved(stage))
}
