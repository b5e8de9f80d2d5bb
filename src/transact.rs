//! The shell, on one screen: lock → read fresh → decide → commit → answer.
//!
//! An answer leaves here only when what it says is durable. A refusal leaves everything as it was.

use crate::board::ServerId;
use crate::clock::Clock;
use crate::decide::{
    AgentAnswer, AgentRequest, Caller, Ledger, PersonAnswer, PersonRequest, Refusal, Scene, decide_for_agent,
    decide_for_person,
};
use crate::fault::Stopped;
use crate::store::FileStore;

/// Carries out a request of the agents' door.
pub fn transact_for_agent(
    store: &FileStore,
    clock: &dyn Clock,
    server: ServerId,
    workstream: Option<&str>,
    request: &AgentRequest,
) -> Result<AgentAnswer, Stopped> {
    let mode = Mode::of(request.only_reads(), request.usually_writes());
    transact(store, clock, workstream, mode, |scene, ledger| {
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
    let mode = Mode::of(request.only_reads(), request.usually_writes());
    transact(store, clock, workstream, mode, |scene, ledger| decide_for_person(scene, request, ledger))
}

/// Whether a request takes the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Never: what its decision finds out about the dead is left for a request that writes.
    Reads,
    /// Only when the decision on an unlocked read turns out to change something; then it is made again.
    MayWrite,
    /// At once.
    Writes,
}

impl Mode {
    fn of(only_reads: bool, usually_writes: bool) -> Self {
        match (only_reads, usually_writes) {
            (true, _) => Self::Reads,
            (false, true) => Self::Writes,
            (false, false) => Self::MayWrite,
        }
    }
}

fn transact<A>(
    store: &FileStore,
    clock: &dyn Clock,
    workstream: Option<&str>,
    mode: Mode,
    decide: impl Fn(&Scene<'_>, &mut Ledger) -> Result<A, Refusal>,
) -> Result<A, Stopped> {
    if mode != Mode::Writes {
        let snapshot = store.read(workstream)?;
        let mut ledger = Ledger::new(snapshot.board(), clock.now());
        let answer = decide(&snapshot.scene(), &mut ledger)?;
        if mode == Mode::Reads || ledger.is_empty() {
            return Ok(answer);
        }
    }
    let locked = store.lock(workstream)?;
    let mut ledger = Ledger::new(locked.snapshot().board(), clock.now());
    let answer = decide(&locked.snapshot().scene(), &mut ledger)?;
    if !ledger.is_empty() {
        locked.commit(&ledger)?;
    }
    Ok(answer)
}
