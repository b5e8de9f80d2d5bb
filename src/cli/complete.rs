//! `work complete`

use crate::decide::PersonRequest;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

impl Arguments {
    #[expect(clippy::unused_self, reason = "every command has this form")]
    pub(super) fn into_request(self) -> PersonRequest {
        PersonRequest::Complete
    }
}
