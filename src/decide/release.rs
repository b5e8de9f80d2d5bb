//! `work release`: a person ends a planner's hold on a batch (DESIGN §6a).

use serde::Serialize;

use super::ledger::Ledger;
use super::scene::Scene;
use super::sweep::sweep;
use super::update_thread::a_person_acted;
use crate::board::Event;

/// The answer of `work release`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Released {
    /// The workstream.
    pub workstream: String,
    /// The batch whose hold has ended; null where nobody held one.
    pub batch: Option<String>,
    /// The server process that held it.
    pub held_by: Option<String>,
}

/// Decides the request. A batch that has settled with blocked threads may then be executed again. Running attempts of
/// a server that lives are left alone: their workers may still report. A server of which nobody can see whether it
/// lives does not, now that a person says so.
pub(super) fn decide(scene: &Scene<'_>, ledger: &mut Ledger) -> Released {
    let alive = scene.alive.iter().copied().filter(|server| !scene.unseen.contains_key(server)).collect();
    let scene = &Scene { alive: &alive, ..*scene };
    sweep(scene, ledger);
    let held = ledger.board().open_cycle().and_then(|cycle| Some((cycle.batch, cycle.holder()?)));
    if let Some((batch, _)) = held {
        ledger.record(Event::CycleHeld { holder: None });
        a_person_acted(scene, batch, ledger);
    }
    Released {
        workstream: scene.workstream.to_owned(),
        batch: held.map(|(batch, _)| batch.to_string()),
        held_by: held.map(|(_, holder)| holder.to_string()),
    }
}
