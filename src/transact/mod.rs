//! The shell, on one screen: lock → read fresh → decide → commit → answer.
//!
//! An answer leaves here only when what it says is durable. A refusal leaves everything as it was.

mod group;

pub use group::{AgentDoor, Answer, Ask};

use crate::clock::Clock;
use crate::decide::{Access, Ledger, PersonAnswer, PersonRequest, Refusal, Scene, decide_for_person};
use crate::fault::Stopped;
use crate::store::FileStore;

/// Carries out a request of the people's door.
pub fn transact_for_person(
    store: &FileStore,
    clock: &dyn Clock,
    workstream: Option<&str>,
    request: &PersonRequest,
) -> Result<PersonAnswer, Stopped> {
    let decide = |scene: &Scene<'_>, ledger: &mut Ledger| decide_for_person(scene, request, ledger);
    if let Some(answer) = look(store, clock, workstream, request.access(), decide)? {
        return Ok(answer);
    }
    let locked = store.lock(workstream)?;
    let mut ledger = Ledger::new(locked.snapshot().board(), clock.now());
    let answer = decide(&locked.snapshot().scene(), &mut ledger)?;
    if !ledger.is_empty() {
        locked.commit(&ledger)?;
    }
    Ok(answer)
}

/// Decides without the lock what changes nothing. `None`: it takes the lock.
fn look<A>(
    store: &FileStore,
    clock: &dyn Clock,
    workstream: Option<&str>,
    access: Access,
    decide: impl Fn(&Scene<'_>, &mut Ledger) -> Result<A, Refusal>,
) -> Result<Option<A>, Stopped> {
    if access == Access::Writes {
        return Ok(None);
    }
    let snapshot = store.read(workstream)?;
    let mut ledger = Ledger::new(snapshot.board(), clock.now());
    let answer = decide(&snapshot.scene(), &mut ledger)?;
    Ok((access == Access::Reads || ledger.is_empty()).then_some(answer))
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod model_tests;
