//! `work run` on a terminal: the live board, and what came of it when that is closed.

use std::process::ExitCode;
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};

use super::super::Session;
use super::super::watch::{Beside, beside_run};
use super::exit_code;
use super::told::Teller;
use crate::app::{Run, RunEvent, RunRequest};
use crate::fault::{Error, Fault};
use crate::store::{WorkspaceLocation, open};

/// Carries a run out beside the board. Keys and signals that would end the board go to the run, and its end closes it.
pub(super) fn run(session: &Session, request: &RunRequest) -> Result<ExitCode, Error> {
    let (to_run, signals) = mpsc::channel();
    let board = OnceLock::<Beside>::new();
    // What is told when the board is closed: the screen keeps nothing.
    let kept = Mutex::new(Vec::new());
    let run = Run::new(&session.place, request, |happened| match happened {
        RunEvent::Noted(told) => {
            if let Some(board) = board.get() {
                board.note(told);
            }
        }
        happened @ (RunEvent::Outcomes(_) | RunEvent::Ended(_)) => {
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(happened);
        }
        RunEvent::Began(_) | RunEvent::Launched { .. } | RunEvent::Assigned(_) => {}
    })?;
    // The board shows the workstream of the run, whatever becomes the current one.
    let workstream = Some(run.workstream().to_owned());
    let store = open(WorkspaceLocation { workstream, ..session.place.clone() }, None)?;
    let (ended, shown) = std::thread::scope(|scope| {
        let mut running = None;
        let shown = beside_run(store.as_ref(), &session.words, to_run.clone(), |beside| {
            let board = board.get_or_init(|| beside);
            running = Some(scope.spawn(move || {
                let ended = run.carry_out(&signals);
                board.end();
                ended
            }));
        });
        if shown.is_err() {
            // Without a board nobody could end it by a key.
            let _ = to_run.send(crate::system::HANG_UP);
        }
        let ended = running.map(|running| running.join().unwrap_or_else(|_| Err(Fault::bug().into())));
        (ended, shown)
    });
    let teller = Teller::new(session);
    for event in kept.into_inner().unwrap_or_else(PoisonError::into_inner) {
        teller.tell(&event);
    }
    // Without a board there is no run, and a board that has failed has ended it.
    if let Err(stopped) = shown {
        session.stopped(&stopped);
    }
    let ended = ended.unwrap_or_else(|| Err(Fault::bug().into()))?;
    teller.tell_end(&ended);
    Ok(exit_code(&ended))
}
