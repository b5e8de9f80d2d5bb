//! `work rename` and `work delete`. Both are refused while anything of the workstream runs.

use serde::Serialize;

use crate::board::Status;
use crate::decide::{Ledger, require_idle};
use crate::fault::Error;
use crate::moment::Moment;
use crate::store::{PendingWrite, Store};

/// A workstream that has another name.
#[derive(Debug, Serialize)]
pub struct Renamed {
    /// Its id before.
    pub from: String,
    /// Its id now.
    pub to: String,
}

/// A workstream that is deleted, or is to be.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// Its id.
    pub workstream: String,
    /// How many threads its plan has.
    pub threads: usize,
    /// How many of them are completed.
    pub completed: usize,
}

/// Gives the workstream `wanted` another name, and the id that follows from it.
///
/// # Errors
///
/// [`Refusal::StillRuns`](crate::decide::Refusal::StillRuns), and those of [`PendingWrite::rename`].
pub fn rename(store: &dyn Store, wanted: &str, name: &str, at: Moment) -> Result<Renamed, Error> {
    let locked = idle(store, wanted, at)?;
    let from = locked.snapshot().workstream().to_owned();
    Ok(Renamed { to: locked.rename(name, at)?, from })
}

/// Deletes the workstream `wanted` with all its records, if it is as the person saw it: `seen`.
///
/// # Errors
///
/// [`Refusal::StillRuns`](crate::decide::Refusal::StillRuns), and those of [`PendingWrite::delete`].
pub fn delete(store: &dyn Store, wanted: &str, at: Moment) -> Result<Deleted, Error> {
    let locked = idle(store, wanted, at)?;
    let deleted = seen(locked.as_ref());
    locked.delete(at)?;
    Ok(deleted)
}

/// Returns what [`delete`] would delete. Refuses what it would refuse.
pub fn to_be_deleted(store: &dyn Store, wanted: &str, at: Moment) -> Result<Deleted, Error> {
    Ok(seen(idle(store, wanted, at)?.as_ref()))
}

fn idle<'s>(store: &'s dyn Store, wanted: &str, at: Moment) -> Result<Box<dyn PendingWrite + 's>, Error> {
    let locked = store.lock(Some(wanted))?;
    let snapshot = locked.snapshot();
    let mut ledger = Ledger::new(snapshot.board(), snapshot.now().unwrap_or(at));
    require_idle(&snapshot.scene(), &mut ledger)?;
    Ok(locked)
}

fn seen(locked: &dyn PendingWrite) -> Deleted {
    let (snapshot, scene) = (locked.snapshot(), locked.snapshot().scene());
    let completed = scene.plan.threads().filter(|thread| snapshot.board().status(thread.id) == Status::Completed);
    Deleted {
        workstream: snapshot.workstream().to_owned(),
        threads: scene.plan.threads().count(),
        completed: completed.count(),
    }
}
