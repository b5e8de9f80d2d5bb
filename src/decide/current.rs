//! `work current`: shows or sets the current workstream (DESIGN §3).

use serde::Serialize;

use super::gates::archived;
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::scene::Scene;
use crate::index::{IndexEvent, StreamStatus};

/// The answer of `work current`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Current {
    /// The folder that holds `work/`.
    pub workspace: String,
    /// The workstream.
    pub workstream: String,
}

/// Returns the workstream of the scene, and changes nothing.
pub(super) fn show(scene: &Scene<'_>) -> Current {
    Current { workspace: scene.workspace.to_owned(), workstream: scene.workstream.to_owned() }
}

/// Makes the workstream of the scene the current one.
///
/// # Errors
///
/// [`Refusal::AwaitingApproval`] if it is archived.
pub(super) fn set(scene: &Scene<'_>, ledger: &mut Ledger) -> Result<Current, Refusal> {
    if scene.entry.is_some_and(|entry| entry.status == Some(StreamStatus::Archived)) {
        return Err(archived(scene));
    }
    if scene.current != Some(scene.workstream) {
        ledger.record_in_index(IndexEvent::CurrentSet);
    }
    Ok(show(scene))
}
