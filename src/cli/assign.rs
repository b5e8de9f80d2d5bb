//! `work assign --thread ID --agent NAME`

use crate::decide::{AssignThread, PersonRequest};
use crate::plan::ThreadId;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The thread, such as 01.02.03
    #[arg(long, value_name = "ID")]
    thread: ThreadId,
    /// The agent that runs it from now on
    #[arg(long, value_name = "NAME")]
    agent: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Arguments {
    pub(super) fn into_request(self) -> PersonRequest {
        let Self { thread, agent, reason } = self;
        PersonRequest::AssignThread(AssignThread { thread, agent: Some(agent), reason })
    }
}
