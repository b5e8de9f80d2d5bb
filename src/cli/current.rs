//! `work current [--set ID]`

use crate::decide::PersonRequest;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Make this workstream the current one, by id or name
    #[arg(long, value_name = "ID")]
    pub(super) set: Option<String>,
}

impl Arguments {
    pub(super) fn into_request(self) -> PersonRequest {
        match self.set {
            Some(_) => PersonRequest::SetCurrent,
            None => PersonRequest::ShowCurrent,
        }
    }
}
