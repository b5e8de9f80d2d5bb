//! `work retry`: a person has blocked threads executed again, with fresh budgets (DESIGN §5a.5).

use serde::Serialize;

use super::cycles::{name_thread, open_cycle_asked_for};
use super::facts::{PersonCommand, Words};
use super::gates::{Next, Standing, next};
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::scene::{Scene, is_complete, is_settled};
use super::sweep::sweep;
use crate::board::{Board, Event, Status};
use crate::plan::{Batch, ThreadId};

/// The answer of `work retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retried<C = PersonCommand> {
    /// The workstream.
    pub workstream: String,
    /// The batch whose threads are executed again.
    pub batch: String,
    /// The blocked threads that the next `next_batch` hands out, by id.
    pub threads: Vec<String>,
    /// Whether they would have been handed out anyway. Then nothing was written.
    pub unchanged: bool,
    /// The command that the person has to run first, if a gate is shut.
    pub next_user_command: Option<C>,
}

impl Retried {
    /// Returns the answer in the words of a door.
    pub fn worded(self, words: &dyn Words) -> Retried<String> {
        let Self { workstream, batch, threads, unchanged, next_user_command } = self;
        let next_user_command = next_user_command.map(|command| words.command(&command));
        Retried { workstream, batch, threads, unchanged, next_user_command }
    }
}

/// Decides a `work retry`, of one thread or of all blocked threads of the batch at hand.
///
/// One thread is given back to the open cycle. A whole settled batch gets a new cycle, which the next change of the
/// batch opens, because the command line cannot hold a cycle.
///
/// # Errors
///
/// [`Refusal::UnknownThread`]; [`Refusal::NothingToRetry`] if nothing is blocked.
pub(super) fn decide(scene: &Scene<'_>, thread: Option<ThreadId>, ledger: &mut Ledger) -> Result<Retried, Refusal> {
    sweep(scene, ledger);
    let next_user_command = match next(scene, ledger.board()) {
        Next::Batch(_) => None,
        Next::Pause(pause) => Standing::of_pause(scene, pause).next_user_command,
    };
    let answer = |batch: &Batch, threads: &[ThreadId], unchanged| Retried {
        workstream: scene.workstream.to_owned(),
        batch: batch.id.to_string(),
        threads: threads.iter().map(ToString::to_string).collect(),
        unchanged,
        next_user_command: next_user_command.clone(),
    };
    if let Some(id) = thread {
        scene.thread(id)?;
        let now = ledger.board().status(id);
        let Some(batch) = scene.plan.batch(id.batch).filter(|_| now == Status::Blocked) else {
            return Err(Refusal::NothingToRetry { thread: Some((id, now)) });
        };
        give_back(scene, id, ledger);
        return Ok(answer(batch, &[id], false));
    }
    let Some(batch) = batch_at_hand(scene, ledger.board()) else {
        return Err(Refusal::NothingToRetry { thread: None });
    };
    let board = ledger.board();
    let is_blocked = |id: &ThreadId| board.status(*id) == Status::Blocked;
    let blocked: Vec<ThreadId> = batch.threads.iter().map(|thread| thread.id).filter(is_blocked).collect();
    if blocked.is_empty() {
        return Err(Refusal::NothingToRetry { thread: None });
    }
    let unchanged = match board.open_cycle_of(batch.id) {
        // The next cycle hands out all threads that an earlier one left blocked, with fresh budgets.
        None => true,
        Some(cycle) => cycle.retry_asked,
    };
    if !unchanged && is_settled(board, batch) {
        ledger.record(Event::RetryAsked);
    } else if !unchanged {
        for id in &blocked {
            give_back(scene, *id, ledger);
        }
    }
    Ok(answer(batch, &blocked, unchanged))
}

/// Makes a blocked thread pending, with fresh budgets if a cycle of its batch is open.
fn give_back(scene: &Scene<'_>, id: ThreadId, ledger: &mut Ledger) {
    name_thread(scene, id, ledger);
    open_cycle_asked_for(id.batch, ledger);
    let after = ledger.board().thread(id).latest_number();
    if ledger.board().open_cycle_of(id.batch).is_some() {
        ledger.record(Event::BudgetsReset { thread: id, after });
    }
    ledger.record(Event::status_set(id, Status::Pending, None));
}

/// Returns the incomplete batch of the open cycle, else the first incomplete batch.
fn batch_at_hand<'s>(scene: &Scene<'s>, board: &Board) -> Option<&'s Batch> {
    let executed = board.open_cycle().and_then(|cycle| scene.plan.batch(cycle.batch));
    let executed = executed.filter(|batch| !is_complete(board, batch));
    executed.or_else(|| scene.plan.batches().find(|batch| !is_complete(board, batch)))
}
