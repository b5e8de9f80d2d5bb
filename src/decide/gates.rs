//! Where the workstream stands between its gates (DESIGN §7): which batch is next, what a person must
//! approve first, and the exact command for it.

use schemars::JsonSchema;
use serde::Serialize;

use super::refusal::Refusal;
use super::scene::{Scene, is_complete};
use crate::board::Board;
use crate::index::{Entry, StreamStatus};
use crate::plan::{ApprovedPlan, Batch, BatchId, PlanApproval, PlanGate, Stage, StageNumber};

/// The first word of an answer about a batch.
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

/// The commands for people, as OpenCode's chat takes them.
pub(super) const STATUS_COMMAND: &str = "!work status";
pub(super) const RELEASE_COMMAND: &str = "!work release";
pub(super) const COMPLETE_COMMAND: &str = "!work complete";
const APPROVE_PLAN_COMMAND: &str = "!work approve plan";

/// A batch that may be handed out: its plan is approved, what comes before it is complete and
/// approved. Only [`next`] makes one.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadyBatch<'p> {
    plan: ApprovedPlan<'p>,
    batch: &'p Batch,
}

/// What comes next in a workstream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next<'p> {
    /// The plan has no threads, or the workstream is completed.
    Nothing,
    /// The plan gate is shut.
    PlanGate(PlanGate),
    /// A person has paused the workstream.
    OnHold,
    /// A stage is complete and a later one waits for its approval.
    StageGate(StageNumber),
    /// A batch can run.
    Batch(ReadyBatch<'p>),
    /// All is complete; the first stage that nobody has approved.
    AllComplete(Option<StageNumber>),
}

impl<'p> ReadyBatch<'p> {
    /// Returns the batch.
    pub(super) fn batch(self) -> &'p Batch {
        self.batch
    }

    /// Returns the stage the batch stands in.
    pub(super) fn stage(self) -> Option<&'p Stage> {
        self.plan.plan().stage(self.batch.id.stage)
    }
}

/// Returns what comes next.
pub(super) fn next<'s>(scene: &Scene<'s>, board: &Board) -> Next<'s> {
    let status = scene.entry.and_then(|entry| entry.status);
    if status == Some(StreamStatus::Completed) || scene.plan.threads().next().is_none() {
        return Next::Nothing;
    }
    let plan = match admit(scene) {
        Ok(plan) => plan,
        Err(gate) => return Next::PlanGate(gate),
    };
    if status == Some(StreamStatus::OnHold) {
        return Next::OnHold;
    }
    let next = scene.plan.batches().find(|batch| !is_complete(board, batch));
    let before = next.map(|batch| batch.id.stage);
    match (first_unapproved(scene, before), next) {
        (None, Some(batch)) => Next::Batch(ReadyBatch { plan, batch }),
        (Some(stage), Some(_)) => Next::StageGate(stage),
        (stage, None) => Next::AllComplete(stage),
    }
}

/// Returns the refusal for a pending or blocked thread of a batch that is not ready, if it is not.
pub(super) fn require_ready(scene: &Scene<'_>, board: &Board, batch: BatchId) -> Result<(), Refusal> {
    let awaiting = |reason: String, command: Option<String>| Err(Refusal::AwaitingApproval { reason, command });
    match next(scene, board) {
        Next::Nothing => Err(Refusal::BatchNotReady { batch, earlier: None }),
        Next::PlanGate(_) => require_plan_gate(scene),
        Next::OnHold => awaiting(ON_HOLD.to_owned(), None),
        Next::StageGate(stage) if stage < batch.stage => {
            // The gate is before this batch, unless a batch between them is not complete either.
            awaiting(format!("stage {stage} is complete and not approved"), Some(approve_stage_command(stage)))
        }
        Next::Batch(ready) if ready.batch.id < batch => {
            Err(Refusal::BatchNotReady { batch, earlier: Some(ready.batch.id) })
        }
        Next::StageGate(_) | Next::Batch(_) | Next::AllComplete(_) => Ok(()),
    }
}

/// What a workstream on hold says of itself.
pub(super) const ON_HOLD: &str =
    "the workstream is on hold: its status in work/index.json is on_hold, and a person takes it off";

/// The status of a batch, the command for the gate it stands at, and the command for the person next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) status: BatchCompletionStatus,
    pub(super) gate_command: Option<String>,
    pub(super) next_user_command: Option<String>,
}

impl Standing {
    pub(super) fn new(status: BatchCompletionStatus, gate: Option<String>, next: Option<&str>) -> Self {
        let next_user_command = next.map(str::to_owned).or_else(|| gate.clone());
        Self { status, gate_command: gate, next_user_command }
    }

    /// Returns how `next_batch` answers when it hands out nothing (the table of DESIGN §7).
    pub(super) fn of_nothing_to_hand_out(next: &Next<'_>) -> Option<Self> {
        use BatchCompletionStatus::{AwaitingApproval, NoIncompleteBatch};
        Some(match next {
            Next::Batch(_) => return None,
            Next::Nothing => Self::new(NoIncompleteBatch, None, Some(STATUS_COMMAND)),
            Next::PlanGate(_) => Self::new(AwaitingApproval, Some(APPROVE_PLAN_COMMAND.to_owned()), None),
            Next::OnHold => Self::new(AwaitingApproval, None, Some(STATUS_COMMAND)),
            Next::StageGate(stage) => Self::new(AwaitingApproval, Some(approve_stage_command(*stage)), None),
            Next::AllComplete(Some(stage)) => {
                Self::new(NoIncompleteBatch, Some(approve_stage_command(*stage)), Some(STATUS_COMMAND))
            }
            Next::AllComplete(None) => Self::new(NoIncompleteBatch, Some(COMPLETE_COMMAND.to_owned()), None),
        })
    }

    /// Returns how `batch_outcome` answers for a batch (the same table).
    pub(super) fn of_batch(scene: &Scene<'_>, board: &Board, batch: &Batch, settled: bool) -> Self {
        use BatchCompletionStatus::{AwaitingApproval, Blocked, Completed, InProgress};
        let next = next(scene, board);
        match &next {
            Next::Nothing | Next::PlanGate(_) | Next::OnHold | Next::AllComplete(None) => {
                return Self::of_nothing_to_hand_out(&next).unwrap_or_else(|| Self::new(InProgress, None, None));
            }
            Next::StageGate(_) | Next::Batch(_) | Next::AllComplete(Some(_)) => {}
        }
        if is_complete(board, batch) {
            let gate = scene
                .plan
                .stage(batch.id.stage)
                .filter(|stage| stage.batches.iter().all(|batch| is_complete(board, batch)))
                .filter(|stage| !is_approved(scene, stage.number))
                .map(|stage| approve_stage_command(stage.number));
            Self::new(Completed, gate, None)
        } else if settled {
            Self::new(Blocked, None, Some(STATUS_COMMAND))
        } else if let Next::StageGate(stage) = next {
            Self::new(AwaitingApproval, Some(approve_stage_command(stage)), None)
        } else {
            Self::new(InProgress, None, None)
        }
    }
}

/// Refuses while the plan is not approved.
pub(super) fn require_plan_gate(scene: &Scene<'_>) -> Result<(), Refusal> {
    admit(scene).map(|_| ()).map_err(|gate| Refusal::AwaitingApproval {
        reason: gate.reason().to_owned(),
        command: Some(APPROVE_PLAN_COMMAND.to_owned()),
    })
}

/// Returns the plan as approved, or why it is not.
pub(super) fn admit<'s>(scene: &Scene<'s>) -> Result<ApprovedPlan<'s>, PlanGate> {
    let approval = scene.entry.map_or(PlanApproval::Ungated, Entry::plan_approval);
    approval.admit(scene.plan, scene.plan_hash)
}

/// Returns the stages with threads that nobody has approved, of those before `before` if given.
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

pub(super) fn approve_stage_command(stage: StageNumber) -> String {
    format!("!work approve stage {stage}")
}
