//! Attempts whose server process is gone (DESIGN §6a). Every decision starts here, so that none is
//! made on the word of the dead.

use super::cycles::interrupt_running;
use super::failover::{DecisionAction, all_reasons, decide_failure, open_decision};
use super::ledger::Ledger;
use super::scene::Scene;
use crate::board::{AttemptStatus, Event, Status};
use crate::plan::ThreadId;

/// The interruption of a thread in one cycle that counts as a failure (DESIGN §5a.9).
const COUNTED_INTERRUPTION: usize = 3;

const INTERRUPTED: &str = "interrupted: the server process that ran it is gone";
const INTERRUPTED_TOO_OFTEN: &str =
    "interrupted for the third time in this cycle: the server process that ran it is gone";

/// Ends the running attempts whose server process is gone; their threads are pending again.
pub(super) fn sweep(scene: &Scene<'_>, ledger: &mut Ledger) {
    let running = ledger.board().running();
    let gone: Vec<ThreadId> = running.filter(|(_, server)| !scene.alive.contains(server)).map(|(id, _)| id).collect();
    for id in gone {
        interrupt(scene, id, ledger);
    }
    block_hopeless(scene, ledger);
}

/// A thread waits for a reassignment for which nobody is left since agents.yaml or PLAN.md changed:
/// then it waits for nothing.
fn block_hopeless(scene: &Scene<'_>, ledger: &mut Ledger) {
    let board = ledger.board();
    let Some(cycle) = board.open_cycle() else { return };
    let is_hopeless = |id: &ThreadId| {
        board.status(*id) == Status::Pending
            && open_decision(scene, board, *id).is_some_and(|decision| decision.action == DecisionAction::Block)
    };
    let hopeless: Vec<ThreadId> = board.threads_of(cycle.batch).map(|(id, _)| id).filter(is_hopeless).collect();
    for id in hopeless {
        let report = all_reasons(ledger.board(), id);
        ledger.record(Event::status_set(id, Status::Blocked, report));
    }
}

fn interrupt(scene: &Scene<'_>, id: ThreadId, ledger: &mut Ledger) {
    let board = ledger.board();
    let interruptions = board.open_cycle_of(id.batch).map_or(0, |cycle| {
        let thread = board.thread(id);
        let interrupted =
            thread.attempts_in(id, cycle).filter(|attempt| attempt.status == AttemptStatus::Interrupted).count();
        let counts_here =
            thread.attempts_in(id, cycle).next_back().is_some_and(|attempt| attempt.number == thread.latest_number());
        if counts_here { interrupted + 1 } else { 0 }
    });
    if interruptions >= COUNTED_INTERRUPTION {
        ledger.record(Event::AttemptEnded {
            thread: id,
            status: AttemptStatus::Failed,
            report: INTERRUPTED_TOO_OFTEN.to_owned(),
            transient: true,
        });
        decide_failure(scene, id, INTERRUPTED_TOO_OFTEN, ledger);
    } else {
        interrupt_running(id, INTERRUPTED, ledger);
        ledger.record(Event::status_set(id, Status::Pending, None));
    }
}
