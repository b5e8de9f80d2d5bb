//! `work read THREAD`: shows what a worker is told about a thread.

use crate::decide::PersonRequest;
use crate::plan::ThreadId;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  work read 01.02.03")]
pub(super) struct Arguments {
    /// The thread, such as 01.02.03
    #[arg(value_name = "THREAD")]
    thread: ThreadId,
}

impl Arguments {
    pub(super) fn into_request(self) -> PersonRequest {
        PersonRequest::ReadThread(self.thread)
    }
}
