//! The shell, on one screen: lock → read fresh → decide → commit → answer.
//!
//! An answer leaves here only when what it says is durable. A refusal leaves everything as it was.

use crate::board::ServerId;
use crate::clock::Clock;
use crate::decide::{
    Access, AgentAnswer, AgentRequest, Caller, Ledger, PersonAnswer, PersonRequest, Refusal, Scene, decide_for_agent,
    decide_for_person,
};
use crate::fault::{Fault, Stopped};
use crate::store::FileStore;

/// Carries out a request of the agents' door. One that is cancelled before it writes writes nothing.
pub fn transact_for_agent(
    store: &FileStore,
    clock: &dyn Clock,
    server: ServerId,
    is_cancelled: &dyn Fn() -> bool,
    workstream: Option<&str>,
    request: &AgentRequest,
) -> Result<AgentAnswer, Stopped> {
    transact(store, clock, is_cancelled, workstream, request.access(), |scene, ledger| {
        decide_for_agent(scene, Caller::Server(server), request, ledger)
    })
}

/// Carries out a request of the people's door.
pub fn transact_for_person(
    store: &FileStore,
    clock: &dyn Clock,
    workstream: Option<&str>,
    request: &PersonRequest,
) -> Result<PersonAnswer, Stopped> {
    transact(store, clock, &|| false, workstream, request.access(), |scene, ledger| {
        decide_for_person(scene, request, ledger)
    })
}

fn transact<A>(
    store: &FileStore,
    clock: &dyn Clock,
    is_cancelled: &dyn Fn() -> bool,
    workstream: Option<&str>,
    access: Access,
    decide: impl Fn(&Scene<'_>, &mut Ledger) -> Result<A, Refusal>,
) -> Result<A, Stopped> {
    if access != Access::Writes {
        let snapshot = store.read(workstream)?;
        let mut ledger = Ledger::new(snapshot.board(), clock.now());
        let answer = decide(&snapshot.scene(), &mut ledger)?;
        if access == Access::Reads || ledger.is_empty() {
            return Ok(answer);
        }
    }
    let locked = store.lock(workstream)?;
    if is_cancelled() {
        return Err(Fault::Cancelled.into());
    }
    let mut ledger = Ledger::new(locked.snapshot().board(), clock.now());
    let answer = decide(&locked.snapshot().scene(), &mut ledger)?;
    if !ledger.is_empty() {
        locked.commit(&ledger)?;
    }
    Ok(answer)
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod model_tests;
