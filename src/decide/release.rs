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
    /// The batch that was released; null if no server held one.
    pub batch: Option<String>,
    /// The server process that held it.
    pub held_by: Option<String>,
}

/// Decides a `work release`. A batch that is settled with blocked threads will be executed again (DESIGN §5a.5).
///
/// Running attempts of a living server go on, because their workers may still report. A server that counts as alive
/// only because the system does not show it counts as gone now, since a person says so (DESIGN §6a).
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
