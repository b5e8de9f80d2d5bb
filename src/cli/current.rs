//! `work current [--set ID]`: shows or sets the current workstream.

use clap_complete::engine::ArgValueCompleter;

use super::completions::workstreams;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  work current
  work current --set 002-billing")]
pub(super) struct Arguments {
    /// Make this workstream the current one, by id or name
    #[arg(long, value_name = "ID", add = ArgValueCompleter::new(workstreams))]
    pub(super) set: Option<String>,
}
