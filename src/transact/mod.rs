//! The shell, on one screen: lock → read fresh → decide → commit → answer.
//!
//! An answer leaves here only when what it says is durable. A refusal leaves everything as it was.

mod group;

pub use group::{AgentDoor, Answer, Ask, Lead};

use crate::clock::Clock;
use crate::decide::{Access, Ledger, PersonAnswer, PersonRequest, Refusal, Scene, decide_for_person};
use crate::fault::{Error, Fault};
use crate::plan::ThreadId;
use crate::store::{Snapshot, Store};

/// How often one request is decided at the most, with what others have written in between.
const MAX_DECISIONS: usize = 4;

/// Carries out a request of the people's door.
pub fn transact_for_person(
    store: &dyn Store,
    clock: &dyn Clock,
    workstream: Option<&str>,
    request: &PersonRequest,
) -> Result<PersonAnswer, Error> {
    let decide = |scene: &Scene<'_>, ledger: &mut Ledger| decide_for_person(scene, request, ledger);
    if let Some(answer) = try_read_only(store, clock, workstream, request.access(), decide)? {
        return Ok(answer);
    }
    retry_on_conflict(|| {
        let locked = store.lock(workstream)?;
        let mut ledger = begin(locked.snapshot(), clock);
        let answer = decide(&locked.snapshot().scene(), &mut ledger)?;
        if !ledger.is_empty() {
            locked.commit(&ledger)?;
        }
        Ok(answer)
    })
}

/// Refuses a call whose thread may be another one: it is not executed in the workstream that is meant because nobody
/// named one, and one of its id is executed in another. No lock is taken: this is about what the caller had in mind.
pub fn require_a_clear_thread(store: &dyn Store, thread: ThreadId) -> Result<(), Error> {
    let runs = |snapshot: &Snapshot| snapshot.scene().is_executed(snapshot.board(), thread);
    let selected = store.selected(None)?;
    // Whatever is wrong with the one that is meant is said by the decision.
    if store.glance(Some(&selected)).is_ok_and(|snapshot| runs(&snapshot)) {
        return Ok(());
    }
    // One that cannot be read stops no report on another one.
    let runs_in = |id: &String| *id != selected && store.glance(Some(id)).is_ok_and(|snapshot| runs(&snapshot));
    let running: Vec<String> = store.list()?.workstreams.into_iter().filter(runs_in).collect();
    if running.is_empty() { Ok(()) } else { Err(Refusal::RunsElsewhere { thread, selected, running }.into()) }
}

/// Decides anew what was overtaken, within a bound.
fn retry_on_conflict<A>(decide: impl Fn() -> Result<A, Error>) -> Result<A, Error> {
    for _ in 1..MAX_DECISIONS {
        match decide() {
            Err(Error::Fault(Fault::Overtaken { .. })) => {}
            decided => return decided,
        }
    }
    decide()
}

/// Decides without the lock what changes nothing. `None`: it takes the lock.
fn try_read_only<A>(
    store: &dyn Store,
    clock: &dyn Clock,
    workstream: Option<&str>,
    access: Access,
    decide: impl Fn(&Scene<'_>, &mut Ledger) -> Result<A, Refusal>,
) -> Result<Option<A>, Error> {
    if access == Access::Writes {
        return Ok(None);
    }
    let snapshot = store.read(workstream)?;
    let mut ledger = begin(&snapshot, clock);
    let answer = decide(&snapshot.scene(), &mut ledger)?;
    Ok((access == Access::Reads || ledger.is_empty()).then_some(answer))
}

/// Begins with the board as it is, at the time that the store says, where it has a clock of its own.
fn begin(snapshot: &Snapshot, clock: &dyn Clock) -> Ledger {
    Ledger::new(snapshot.board(), snapshot.now().unwrap_or_else(|| clock.now()))
}

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
#[cfg(feature = "postgres")]
mod cut_tests;
#[cfg(test)]
mod model_tests;
