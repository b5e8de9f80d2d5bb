//! `work mcp`: the server for agents.

use std::process::ExitCode;

use super::{Session, exit};
use crate::app::{LaunchedWorker, is_in_worker};
use crate::decide::Code;
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
            Some(Ok(worker)) => Seat::Launched(worker),
            Some(Err(why)) => return exit::fail(false, Code::InvalidArgument, &why, None),
            None if is_in_worker() => {
                let why =
                    "this is a worker of work run, and WORK_WORKER does not say which one: hand it on to the server";
                return exit::fail(false, Code::InvalidArgument, why, None);
            }
            None if self.worker => Seat::Worker,
            None => Seat::Any,
        };
        // The person runs the commands that a server names in another shell, whose WORK_STREAM is not known here.
        let words = AgentWords { location: session.words.location };
        serve(WorkspaceLocation { shell_workstream: None, ..session.place }, words, seat)
    }
}
