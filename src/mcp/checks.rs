//! Runs the checks that a report needs before it counts (DESIGN §5b), on a thread of its own: they may take minutes, and
//! the few threads of `workers` are for calls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::WorkServer;
use crate::app::Watcher;
use crate::clock::SystemClock;
use crate::decide::{AgentAnswer, AgentRequest, CheckRun, Checked, Refusal};
use crate::fault::{Error, Fault};
use crate::roster::ChecksBy;
use crate::transact::Ask;

/// How many reports may wait for checks at once. Each has a thread.
const MAX_WAITING: usize = 64;

/// What a call is doing, in one line, for progress notifications. Clones share the line.
#[derive(Debug, Clone, Default)]
pub(super) struct Doing(Arc<Mutex<Option<String>>>);

impl Doing {
    pub(super) fn tell(&self, line: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }

    pub(super) fn told(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl WorkServer {
    /// Carries out a call. If the rules ask for checks, runs them and asks again with their results. They run once: if
    /// the plan got other checks meanwhile, the caller is told so.
    pub(super) async fn ask_proven(&self, mut ask: Ask, doing: &Doing) -> Result<AgentAnswer, Error> {
        self.look(&mut ask).await?;
        let mut has_run = false;
        loop {
            let (run, runs) = match self.ask(ask.clone()).await {
                Err(Error::Refusal(Refusal::CheckRequired { run, by: ChecksBy::Server, runs })) if !has_run => {
                    (run, runs)
                }
                Ok(AgentAnswer::CheckFailed(failed)) => return Err(Refusal::CheckFailed(Box::new(failed)).into()),
                answered => return answered,
            };
            ask.workstream = Some(run.workstream.clone());
            let (of, checked) = (run.of, self.run_checks(run, &ask, doing).await?);
            ask.since = Instant::now();
            let AgentRequest::UpdateThread(update) = &mut ask.request else { continue };
            update.fix_attempt(of, runs);
            if checked.is_some() {
                update.checked = checked;
                has_run = true;
                // A check can make what the report names, such as a file with its results.
                self.look(&mut ask).await?;
            }
        }
    }

    /// Looks at what a report claims.
    async fn look(&self, ask: &mut Ask) -> Result<(), Error> {
        let AgentRequest::UpdateThread(update) = &mut ask.request else { return Ok(()) };
        if update.directory.is_some() || update.artifacts.is_some() {
            let (checker, mut prepared) = (self.checker.clone(), update.clone());
            *update = self.blocking(move |_| checker.prepare(&mut prepared).map(|()| prepared)).await?;
        }
        Ok(())
    }

    /// Runs checks on a thread of their own. They are ended when the client cancels the call or is gone.
    async fn run_checks(&self, run: CheckRun, ask: &Ask, doing: &Doing) -> Result<Option<Checked>, Error> {
        static WAITING: AtomicUsize = AtomicUsize::new(0);
        struct Place;
        impl Drop for Place {
            fn drop(&mut self) {
                WAITING.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let is_full = WAITING.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING;
        let place = Place;
        if is_full {
            return Err(Fault::NoThread { why: format!("{MAX_WAITING} reports wait for their checks") }.into());
        }
        let directory = match &ask.request {
            AgentRequest::UpdateThread(update) => update.directory.clone(),
            _ => None,
        };
        let (is_cancelled, server_ended) = (Arc::clone(&ask.is_cancelled), self.ended.clone());
        let (checker, doing) = (self.checker.clone(), doing.clone());
        let (sender, receiver) = oneshot::channel();
        let work = move || {
            let _place = place;
            let is_cancelled = || is_cancelled() || server_ended.is_cancelled();
            let watcher = Watcher { is_cancelled: &is_cancelled, tell: &|line| doing.tell(line) };
            let run = || checker.run(&run, directory.as_deref(), &SystemClock, &watcher);
            let ended = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(Fault::bug().into()));
            // Sending fails only if the caller has stopped waiting.
            drop(sender.send(ended));
        };
        std::thread::Builder::new()
            .name("check".to_owned())
            .spawn(work)
            .map_err(|error| Fault::NoThread { why: error.to_string() })?;
        receiver.await.unwrap_or_else(|_| Err(Fault::bug().into()))
    }
}
