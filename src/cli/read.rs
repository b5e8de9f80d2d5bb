//! `work read THREAD`: shows what a worker is told about a thread.

use super::thread::OneThread;
use crate::decide::PersonRequest;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  work read 01.02.03")]
pub(super) struct Arguments {
    #[command(flatten)]
    thread: OneThread,
}

impl Arguments {
    pub(super) fn into_request(self) -> PersonRequest {
        PersonRequest::ReadThread(self.thread.0)
    }
}
