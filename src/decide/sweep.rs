//! The sweep: ends the attempts of dead servers before every decision (DESIGN §6a).
//!
//! It must come first in a decision. Otherwise the rules would treat an attempt as running although its process is
//! gone.

use super::cycles::interrupt_running;
use super::failover::{DecisionAction, all_reasons, decide_failure, open_decision};
use super::ledger::Ledger;
use super::scene::Scene;
use crate::board::{AttemptStatus, Event, Status};
use crate::plan::ThreadId;

/// The first interruption of a thread in one cycle that counts as a failure (DESIGN §5a.9).
const COUNTED_INTERRUPTION: usize = 3;

const INTERRUPTED: &str = "interrupted: the server process that ran it is gone";
const INTERRUPTED_TOO_OFTEN: &str =
    "interrupted for the third time in this cycle: the server process that ran it is gone";

/// Ends the running attempts whose server process is gone. Their threads become pending, or what failover decides.
pub(super) fn sweep(scene: &Scene<'_>, ledger: &mut Ledger) {
    let running = ledger.board().running();
    let gone: Vec<ThreadId> = running.filter(|(_, server)| !scene.alive.contains(server)).map(|(id, _)| id).collect();
    for id in gone {
        interrupt(scene, id, ledger);
    }
    block_hopeless(scene, ledger);
}

/// Blocks threads that wait for a reassignment for which no candidate is left (DESIGN §6), because agents.yaml or the
/// plan has changed since. They would wait for ever.
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

/// Ends the running attempt of a thread as interrupted; the third time in a cycle as a transient failure.
fn interrupt(scene: &Scene<'_>, id: ThreadId, ledger: &mut Ledger) {
    let board = ledger.board();
    let interruptions = board.open_cycle_of(id.batch).map_or(0, |cycle| {
        let thread = board.thread(id);
        let interrupted =
            thread.attempts_in(id, cycle).filter(|attempt| attempt.status == AttemptStatus::Interrupted).count();
        // An attempt that counts in no cycle or in an earlier one must not use a budget of this cycle.
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
