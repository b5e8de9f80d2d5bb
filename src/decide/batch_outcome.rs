//! `batch_outcome`: what came of a batch, in the form that the user's contract prescribes (DESIGN §8).

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{BatchName, Outcome};
use super::facts::{Note, PersonAct, PersonCommand, Unsettled, Words};
use super::failover::{OpenDecision, open_decisions};
use super::gates::{BatchCompletionStatus, Next, Pause, Standing, next};
use super::ledger::Ledger;
use super::next_batch::dispatch;
use super::refusal::Refusal;
use super::request::Caller;
use super::scene::{Scene, attempt_in_answers, awaits_its_cycle, is_complete, is_settled, waits_for};
use super::sweep::sweep;
use crate::board::{Board, Status};
use crate::plan::{Batch, BatchId, Thread, ThreadId};

/// The answer of `batch_outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "BatchOutcome")]
pub struct BatchOutcome<C = PersonCommand, N = Note> {
    /// Where the batch stands.
    pub batch_completion_status: BatchCompletionStatus,
    /// The workstream.
    pub workstream: String,
    /// The batch.
    pub batch: Option<BatchName>,
    /// One outcome per thread, by id.
    pub outcomes: Vec<Outcome>,
    /// The threads that are blocked.
    pub blocked_threads: Vec<String>,
    /// The threads that no one named an agent for.
    pub fallback_threads: Vec<String>,
    /// Decisions that wait to be carried out.
    pub failover: Vec<OpenDecision>,
    /// The command by which a person passes the gate.
    pub gate_command: Option<C>,
    /// The command for the person next.
    pub next_user_command: Option<C>,
    /// What else to know.
    pub warnings: Vec<N>,
}

impl BatchOutcome {
    /// Returns the answer in the words of a door.
    pub fn worded(self, words: &dyn Words) -> BatchOutcome<String, String> {
        BatchOutcome {
            batch_completion_status: self.batch_completion_status,
            workstream: self.workstream,
            batch: self.batch,
            outcomes: self.outcomes,
            blocked_threads: self.blocked_threads,
            fallback_threads: self.fallback_threads,
            failover: self.failover,
            gate_command: self.gate_command.map(|command| words.command(&command)),
            next_user_command: self.next_user_command.map(|command| words.command(&command)),
            warnings: self.warnings.iter().map(|note| words.note(note)).collect(),
        }
    }
}

/// Decides a `batch_outcome`. `None`: of the batch handed out last, else of the next incomplete one.
///
/// # Errors
///
/// [`Refusal::UnknownBatch`] if the plan has no such batch.
pub(super) fn decide(
    scene: &Scene<'_>,
    caller: Caller,
    batch: Option<BatchId>,
    ledger: &mut Ledger,
) -> Result<BatchOutcome, Refusal> {
    sweep(scene, ledger);
    let batch = match batch {
        Some(id) => Some(scene.plan.batch(id).ok_or_else(|| unknown_batch(scene, id))?),
        None => latest_batch(scene, ledger.board()),
    };
    let Some(batch) = batch else { return Ok(of_no_batch(scene)) };
    let board = ledger.board();
    let settled = is_settled(board, batch);
    let cycle = board.latest_cycle_of(batch.id);
    let outcome = |id: ThreadId| {
        let thread = board.thread(id);
        Outcome {
            thread_id: id.to_string(),
            status: thread.status.word(),
            report: thread.report.clone(),
            agent_used: scene.agent_used(board, id),
            failover_applied: cycle.is_some_and(|cycle| cycle.budget(id).failover_applied()),
            artifacts: thread.artifacts.clone(),
            next_steps: thread.next_steps.clone(),
        }
    };
    let blocked = batch.threads.iter().filter(|thread| board.status(thread.id) == Status::Blocked);
    // Only the planner that executes the batch is told what its workers have left to do. Others get one note.
    let elsewhere = board.open_cycle_of(batch.id).and_then(|cycle| scene.held_elsewhere(cycle, caller));
    let next = next(scene, board);
    let mut standing = Standing::of_batch(scene, board, next, batch, settled);
    if elsewhere.is_some() && standing.status == BatchCompletionStatus::InProgress {
        standing = Standing::without_gate(scene, standing.status, Some(PersonAct::Release));
    }
    let mut warnings: Vec<Note> = match elsewhere {
        Some(holder) if !settled => vec![Note::NotSettledElsewhere(holder)],
        _ => unsettled(scene, board, next, batch),
    };
    warnings.extend(scene.warnings(board, batch));
    if let Next::Pause(pause) = next {
        warnings.extend(pause.reason(scene).map(Note::Paused));
    }
    Ok(BatchOutcome {
        batch_completion_status: standing.status,
        workstream: scene.workstream.to_owned(),
        batch: Some(BatchName::of(batch)),
        outcomes: batch.threads.iter().map(|thread| outcome(thread.id)).collect(),
        blocked_threads: blocked.map(|thread| thread.id.to_string()).collect(),
        fallback_threads: scene.fallback_threads(board, batch),
        failover: open_decisions(scene, board, batch),
        gate_command: standing.gate_command,
        next_user_command: standing.next_user_command,
        warnings,
    })
}

/// Returns the batch that was handed out last, else the next incomplete one, else the last one that has threads.
fn latest_batch<'s>(scene: &Scene<'s>, board: &Board) -> Option<&'s Batch> {
    let handed_out = board.cycles().iter().rev().find_map(|cycle| scene.plan.batch(cycle.batch));
    let incomplete = || scene.plan.batches().find(|batch| !is_complete(board, batch));
    let last = || scene.plan.batches().filter(|batch| !batch.threads.is_empty()).last();
    handed_out.or_else(incomplete).or_else(last)
}

/// Returns a note for each thread that keeps the batch from being settled, so that the planner knows what to do next.
fn unsettled(scene: &Scene<'_>, board: &Board, next: Next<'_>, batch: &Batch) -> Vec<Note> {
    let launched = match next {
        Next::Batch(ready) if ready.batch().id == batch.id => dispatch(scene, board, batch),
        Next::Batch(_) | Next::Pause(_) => Vec::new(),
    };
    let is_launched = |id: &ThreadId| launched.binary_search(id).is_ok();
    let ids = || batch.threads.iter().map(|thread| thread.id);
    let not_started = |id: &ThreadId| is_launched(id) && board.status(*id) == Status::Pending;
    let not_started: Vec<(ThreadId, u32)> =
        ids().filter(not_started).map(|id| (id, attempt_in_answers(board, id))).collect();
    let told = |thread: &Thread| {
        let id = thread.id;
        let waits_for = waits_for(board, batch, thread);
        let how = match board.status(id) {
            Status::Pending | Status::Blocked if !waits_for.is_empty() => Unsettled::Waits(waits_for),
            Status::Pending if is_launched(&id) => return None,
            Status::Pending => Unsettled::Pending,
            Status::InProgress => Unsettled::InProgress,
            Status::Blocked if awaits_its_cycle(board, id) && is_launched(&id) => Unsettled::TryAgain,
            Status::Blocked if awaits_its_cycle(board, id) => Unsettled::TriedLater,
            Status::Blocked | Status::Completed | Status::Cancelled => return None,
        };
        Some(Note::Unsettled(id, how))
    };
    // A worker can die before its first call. Without this note its planner would launch the thread again and again.
    let lost = (!not_started.is_empty()).then_some(Note::NotStarted(not_started));
    lost.into_iter().chain(batch.threads.iter().filter_map(told)).collect()
}

fn of_no_batch(scene: &Scene<'_>) -> BatchOutcome {
    let standing = Standing::of_pause(scene, Pause::NoThreads);
    BatchOutcome {
        batch_completion_status: standing.status,
        workstream: scene.workstream.to_owned(),
        batch: None,
        outcomes: Vec::new(),
        blocked_threads: Vec::new(),
        fallback_threads: Vec::new(),
        failover: Vec::new(),
        gate_command: standing.gate_command,
        next_user_command: standing.next_user_command,
        warnings: Pause::NoThreads.reason(scene).map(Note::Paused).into_iter().collect(),
    }
}

/// Returns the refusal for a batch that the plan does not have, with the ids that there are.
pub(super) fn unknown_batch(scene: &Scene<'_>, batch: BatchId) -> Refusal {
    let known = scene.plan.batches().map(|batch| batch.id.to_string()).collect();
    Refusal::UnknownBatch { batch, known }
}
