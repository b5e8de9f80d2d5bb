//! `work mcp`: the server for agents.

use std::process::ExitCode;

use super::Session;
use crate::app::LaunchedWorker;
use crate::mcp::{Seat, serve};
use crate::store::WorkspaceLocation;
use crate::words::AgentWords;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Offer only what a worker needs: `read_thread` and `update_thread`
    #[arg(long)]
    worker: bool,
}

impl Arguments {
    pub(super) fn run(self, session: Session) -> ExitCode {
        let seat = match LaunchedWorker::of_this_process() {
            Ok(Some(worker)) => Seat::Launched(worker),
            Ok(None) if self.worker => Seat::Worker,
            Ok(None) => Seat::Any,
            Err(refusal) => return session.stopped(&refusal.into()),
        };
        // The person runs the commands that a server names in another shell, whose WORK_STREAM is not known here.
        let words = AgentWords { location: session.words.location };
        serve(WorkspaceLocation { shell_workstream: None, ..session.place }, words, seat)
    }
}
