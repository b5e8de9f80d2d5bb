//! `GiveBack`: a planner returns a thread whose worker was ended, or could not work, for a reason that is none of the
//! thread's (DESIGN §12).
//!
//! It uses no budget, not even that of interruptions (DESIGN §5a.9): a person may end a run as often as is needed. Only who
//! holds the attempt can do it, and no tool makes the request: a planner that can judge could save itself budgets by it.

use super::cycles::interrupt_running;
use super::facts::Field;
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::request::{Caller, GiveBack};
use super::scene::Scene;
use super::sweep::sweep;
use super::update_thread::check_text;
use crate::board::{Event, Status};

/// Decides a `GiveBack`. An attempt that has ended in another way stays as it is.
///
/// # Errors
///
/// A refusal of the text.
pub(super) fn decide(
    scene: &Scene<'_>,
    caller: Caller,
    request: &GiveBack,
    ledger: &mut Ledger,
) -> Result<(), Refusal> {
    check_text(Field::Report, &request.report)?;
    sweep(scene, ledger);
    let thread = ledger.board().thread(request.thread);
    let runs = thread.running().is_some_and(|attempt| {
        attempt.number == request.attempt && attempt.server.is_some() && attempt.server == caller.server()
    });
    if runs {
        interrupt_running(request.thread, &request.report, ledger);
        ledger.record(Event::AttemptUncounted { thread: request.thread });
        ledger.record(Event::status_set(request.thread, Status::Pending, None));
    }
    Ok(())
}
