//! Carries out requests: lock, read, decide, commit, answer.
//!
//! The rules are in [`crate::decide`], which is pure; this room gives it a snapshot and writes the ledger that comes
//! back. It must never answer before the change is durable, and a refusal must never change anything.
//!
//! A person's request has a commit of its own ([`transact_for_person`]). The calls of agents share commits
//! ([`AgentDoor`]).

mod group;

pub use group::{AgentDoor, Answer, Ask, Lead};

use crate::clock::Clock;
use crate::decide::{Access, Ledger, PersonAnswer, PersonRequest, Refusal, Scene, decide_for_person};
use crate::fault::{Error, Fault};
use crate::plan::ThreadId;
use crate::store::{Snapshot, Store};

/// How often one request is decided at most, if other processes change the workstream before its commit (DESIGN §10).
const MAX_DECISIONS: usize = 4;

/// Carries out a request of the command line.
///
/// # Errors
///
/// The refusal of the rules; a fault of the store. Nothing was written then, except with [`Fault::Uncertain`], where
/// that is not known.
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

/// Checks a call that names a thread but no workstream. Workstreams have threads of the same ids, so the report of a
/// worker could land on the thread of another workstream.
///
/// Takes no lock: the question is what the caller meant, not what is written.
///
/// # Errors
///
/// [`Refusal::RunsElsewhere`] if the thread is not executed in the workstream that the call would mean, but a thread of
/// its id is executed in another one; the errors of [`Store::selected`] and [`Store::list`].
pub fn require_a_clear_thread(store: &dyn Store, thread: ThreadId) -> Result<(), Error> {
    let runs = |snapshot: &Snapshot| snapshot.scene().is_executed(snapshot.board(), thread);
    let selected = store.selected(None)?;
    // If this workstream cannot be read, the decision reports that.
    if store.glance(Some(&selected)).is_ok_and(|snapshot| runs(&snapshot)) {
        return Ok(());
    }
    // A workstream that cannot be read must not stop a report on another one.
    let runs_in = |id: &String| *id != selected && store.glance(Some(id)).is_ok_and(|snapshot| runs(&snapshot));
    let running: Vec<String> = store.list()?.workstreams.into_iter().filter(runs_in).collect();
    if running.is_empty() { Ok(()) } else { Err(Refusal::RunsElsewhere { thread, selected, running }.into()) }
}

/// Calls `decide` again while it fails as [`Fault::Overtaken`], at most [`MAX_DECISIONS`] times in all.
fn retry_on_conflict<A>(decide: impl Fn() -> Result<A, Error>) -> Result<A, Error> {
    for _ in 1..MAX_DECISIONS {
        match decide() {
            Err(Error::Fault(Fault::Overtaken { .. })) => {}
            decided => return decided,
        }
    }
    decide()
}

/// Decides a request that may need no write, without the lock. `None`: the request writes, so it has to be decided
/// under the lock.
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

/// Returns an empty ledger on the board of the snapshot. Its time is that of the store, if the store has a clock of its
/// own (the database), else the machine's.
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
