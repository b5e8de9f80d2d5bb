//! `work tree [--stage N | --batch ID]`: shows stages, batches and threads with their status and agents.

use super::report::Part;
use crate::decide::PersonRequest;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Marks: [ ] pending, [~] in progress, [x] completed, [!] blocked, [-] cancelled. #2 is the second attempt.

Examples:
  work tree
  work tree --batch 01.02"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    part: Part,
}

impl Arguments {
    pub(super) fn into_request(self) -> PersonRequest {
        PersonRequest::Report(self.part.scope())
    }
}
