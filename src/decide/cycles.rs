//! Events that several requests record in the same way: opening a cycle, interrupting an attempt, recording the names
//! of a thread. Nothing here checks a gate; the callers do.

use super::ledger::Ledger;
use super::refusal::Refusal;
use super::request::Caller;
use super::scene::{Scene, is_name, is_settled};
use crate::board::{AttemptStatus, Event, ServerId};
use crate::plan::{BatchId, ThreadId};

/// Opens the next cycle of a batch, closes the one that was open, and returns the number of the new one. The calling
/// server becomes its holder; the command line holds nothing (DESIGN §5a.2).
pub(super) fn open_cycle(batch: BatchId, caller: Caller, ledger: &mut Ledger) -> u32 {
    open_cycle_held_by(caller.server(), batch, ledger)
}

/// Opens the next cycle of a batch if a person has asked for one (DESIGN §5a.5). Requests that change the batch before
/// `next_batch` is called do this first, so that they count in the new cycle. The holder stays the same.
pub(super) fn open_cycle_asked_for(batch: BatchId, ledger: &mut Ledger) {
    if let Some(cycle) = ledger.board().open_cycle_of(batch).filter(|cycle| cycle.retry_asked) {
        open_cycle_held_by(cycle.holder(), batch, ledger);
    }
}

fn open_cycle_held_by(holder: Option<ServerId>, batch: BatchId, ledger: &mut Ledger) -> u32 {
    let number = ledger.board().latest_cycle_of(batch).map_or(1, |cycle| cycle.number + 1);
    if ledger.board().open_cycle().is_some() {
        ledger.record(Event::CycleClosed);
    }
    ledger.record(Event::CycleOpened { batch, number, holder });
    number
}

/// Returns the number of the open cycle of the batch, and opens one if there is none.
///
/// # Errors
///
/// [`Refusal::HeldByAnotherPlanner`] if that would close the unsettled cycle of another batch, which another living
/// server holds (DESIGN §5a.2). A person has to release it first.
pub(super) fn cycle_of(scene: &Scene<'_>, batch: BatchId, caller: Caller, ledger: &mut Ledger) -> Result<u32, Refusal> {
    let board = ledger.board();
    if let Some(cycle) = board.open_cycle_of(batch) {
        return Ok(cycle.number);
    }
    if let Some(cycle) = board.open_cycle().filter(|cycle| !cycle.retry_asked)
        && let Some(running) = scene.plan.batch(cycle.batch)
        && let Some(holder) = scene.held_elsewhere(cycle, caller)
        && !is_settled(board, running)
    {
        return Err(scene.held_by_another_planner(running.id, holder));
    }
    Ok(open_cycle(batch, caller, ledger))
}

/// Ends the running attempt of a thread, if there is one, as interrupted. That uses no budget.
pub(super) fn interrupt_running(id: ThreadId, report: &str, ledger: &mut Ledger) {
    if ledger.board().thread(id).running().is_some() {
        ledger.record(Event::AttemptEnded {
            thread: id,
            status: AttemptStatus::Interrupted,
            report: report.to_owned(),
            transient: false,
        });
    }
}

/// Records the names of a thread that is about to change, unless its record has a name already.
pub(super) fn name_thread(scene: &Scene<'_>, id: ThreadId, ledger: &mut Ledger) {
    let known = ledger.board().threads.get(id).and_then(|thread| thread.name.as_deref());
    if known.is_some_and(|name| is_name(id, name)) {
        return;
    }
    write_name(scene, id, ledger);
}

/// Records the names of a thread, of its stage and of its batch, as the plan has them.
pub(super) fn write_name(scene: &Scene<'_>, id: ThreadId, ledger: &mut Ledger) {
    let Some(thread) = scene.plan.thread(id) else { return };
    let stage_name = scene.plan.stage(id.batch.stage).map(|stage| stage.name.clone()).unwrap_or_default();
    let batch_name = scene.plan.batch(id.batch).map(|batch| batch.name.clone()).unwrap_or_default();
    ledger.record(Event::ThreadNamed { thread: id, name: thread.name.clone(), stage_name, batch_name });
}
