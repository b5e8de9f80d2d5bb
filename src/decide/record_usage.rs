//! `RecordUsage`: what an attempt used is kept with it, as the program that ran it was told by the host.
//!
//! It tells of the past and decides nothing. So it must not look at a gate, a cycle or a status, and must not change
//! one: it does not even sweep, and the number comes too where the plan was revoked or the stage approved meanwhile.

use super::facts::AttemptHint;
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::request::RecordUsage;
use super::scene::Scene;
use super::update_thread::{not_in_plan, require_own_attempt};
use crate::board::Event;

/// Decides a `RecordUsage`. Told again, it changes nothing; told otherwise, the last word counts.
///
/// # Errors
///
/// A refusal of a thread that neither the plan nor the board has, or of an attempt that is not recorded, or that may be
/// one of another thread (DESIGN §5a.7).
pub(super) fn decide(scene: &Scene<'_>, request: &RecordUsage, ledger: &mut Ledger) -> Result<(), Refusal> {
    let RecordUsage { thread: id, attempt: given, usage } = *request;
    let board = ledger.board();
    let thread = board.thread(id);
    // The attempts of a thread that has left the plan stay on the board.
    if thread.attempts.is_empty() && scene.plan.thread(id).is_none() {
        return Err(not_in_plan(scene, id, board));
    }
    let hint = match (given, thread.latest_number()) {
        (0, _) => AttemptHint::FromOne,
        (_, 0) => AttemptHint::Start(thread.next_number()),
        (_, latest) => AttemptHint::Latest(latest),
    };
    let unknown = || Refusal::NoSuchAttempt { thread: id, given, hint };
    if given == 0 {
        return Err(unknown());
    }
    require_own_attempt(scene, id, &thread, given, board)?;
    let known = thread.attempts.iter().find(|attempt| attempt.number == given).ok_or_else(unknown)?;
    if known.usage != Some(usage) {
        ledger.record(Event::UsageTold { thread: id, attempt: given, usage });
    }
    Ok(())
}
