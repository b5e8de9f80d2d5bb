//! `work complete` and its `--revoke`: the last gate (DESIGN §7).

use serde::Serialize;

use super::approve::open_threads;
use super::gates::{require_plan_gate, unapproved};
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::scene::Scene;
use crate::board::Event;
use crate::index::{IndexEvent, StreamStatus};

/// The answer of `work complete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamCompleted {
    /// The workstream.
    pub workstream: String,
    /// Whether it was completed already. Then nothing was written.
    pub unchanged: bool,
}

/// The answer of `work complete --revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamReopened {
    /// The workstream.
    pub workstream: String,
    /// Whether it was not completed. Then nothing was written.
    pub unchanged: bool,
}

/// Decides a `work complete`.
///
/// # Errors
///
/// [`Refusal::AwaitingApproval`] if the gate of the plan is shut; [`Refusal::StreamNotComplete`] if threads are open,
/// stages are not approved, or the plan has no threads.
pub(super) fn decide(scene: &Scene<'_>, ledger: &mut Ledger) -> Result<StreamCompleted, Refusal> {
    let workstream = scene.workstream.to_owned();
    if scene.entry.is_some_and(|entry| entry.status == Some(StreamStatus::Completed)) {
        return Ok(StreamCompleted { workstream, unchanged: true });
    }
    require_plan_gate(scene)?;
    let open: Vec<_> = scene.plan.stages.iter().flat_map(|stage| open_threads(ledger.board(), stage)).collect();
    let unapproved: Vec<_> = unapproved(scene, None).collect();
    let no_threads = scene.plan.threads().next().is_none();
    if no_threads || !open.is_empty() || !unapproved.is_empty() {
        return Err(Refusal::StreamNotComplete { open, unapproved });
    }
    // Closing the cycle ends the hold of its server. Else calls of that server without a workstream would still mean
    // this one.
    if ledger.board().open_cycle().is_some() {
        ledger.record(Event::CycleClosed);
    }
    ledger.record_in_index(IndexEvent::Completed);
    Ok(StreamCompleted { workstream, unchanged: false })
}

/// Takes the completion back. Plan and stages stay approved.
pub(super) fn reopen(scene: &Scene<'_>, ledger: &mut Ledger) -> StreamReopened {
    let unchanged = scene.entry.is_none_or(|entry| entry.status != Some(StreamStatus::Completed));
    if !unchanged {
        ledger.record_in_index(IndexEvent::Reopened);
    }
    StreamReopened { workstream: scene.workstream.to_owned(), unchanged }
}
