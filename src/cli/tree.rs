//! `work tree [--stage N | --batch ID]`: shows stages, batches and threads with their status and agents.

use super::filter::Filter;
use super::report::Part;
use crate::decide::PersonRequest;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Marks: [ ] pending, [~] in progress, [x] completed, [!] blocked, [-] cancelled. #2 is the second attempt.

Examples:
  work tree
  work tree --batch 01.02
  work tree --status blocked --agent default"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    filter: Filter,
}

impl Arguments {
    /// Returns the request, and which threads of its answer are shown.
    pub(super) fn into_request(self) -> (PersonRequest, Filter) {
        (PersonRequest::Report(self.part.scope()), self.filter)
    }
}
