//! `work archive` and its `--revoke`, and the condition under which a workstream may be archived, renamed or deleted:
//! nothing of it runs.

use serde::Serialize;

use super::ledger::Ledger;
use super::refusal::Refusal;
use super::scene::Scene;
use super::sweep::sweep;
use crate::board::{Event, Status};
use crate::index::{IndexEvent, StreamStatus};

/// The answer of `work archive` and of its `--revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Archived {
    /// The workstream.
    pub workstream: String,
    /// Whether it is archived now.
    pub archived: bool,
    /// Whether it was so before. Then nothing was written.
    pub unchanged: bool,
}

/// Decides a `work archive`.
///
/// # Errors
///
/// [`Refusal::StillRuns`].
pub(super) fn archive(scene: &Scene<'_>, ledger: &mut Ledger) -> Result<Archived, Refusal> {
    let unchanged = is_archived(scene);
    if !unchanged {
        require_idle(scene, ledger)?;
        // As with `work complete`: a server that held it must not mean it any more.
        if ledger.board().open_cycle().is_some() {
            ledger.record(Event::CycleClosed);
        }
        ledger.record_in_index(IndexEvent::Archived);
    }
    Ok(Archived { workstream: scene.workstream.to_owned(), archived: true, unchanged })
}

/// Takes the workstream out of the archive. Its approvals are as they were.
pub(super) fn restore(scene: &Scene<'_>, ledger: &mut Ledger) -> Archived {
    let unchanged = !is_archived(scene);
    if !unchanged {
        ledger.record_in_index(IndexEvent::Restored);
    }
    Archived { workstream: scene.workstream.to_owned(), archived: false, unchanged }
}

/// Refuses while a thread is in progress or a living planner holds a batch.
///
/// # Errors
///
/// [`Refusal::StillRuns`].
pub fn require_idle(scene: &Scene<'_>, ledger: &mut Ledger) -> Result<(), Refusal> {
    sweep(scene, ledger);
    let board = ledger.board();
    let running = board.threads.iter().filter(|(_, thread)| thread.status == Status::InProgress).map(|(id, _)| id);
    let running: Vec<_> = running.collect();
    let is_held = |cycle: &&crate::board::Cycle| cycle.holder().is_some_and(|holder| scene.alive.contains(&holder));
    let held = board.open_cycle().filter(is_held).map(|cycle| cycle.batch);
    if running.is_empty() && held.is_none() {
        return Ok(());
    }
    Err(Refusal::StillRuns { workstream: scene.workstream.to_owned(), running, held })
}

fn is_archived(scene: &Scene<'_>) -> bool {
    scene.entry.is_some_and(|entry| entry.status == Some(StreamStatus::Archived))
}
