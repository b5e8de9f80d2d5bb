//! `work export --format json|csv|md`: prints all there is about a workstream, or about a part of it.

use clap::ValueEnum;

use super::render::Form;
use super::report::Part;
use crate::decide::PersonRequest;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  work export --format csv > threads.csv
  work export --format md --stage 1 > stage-1.md")]
pub(super) struct Arguments {
    /// The form
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    #[command(flatten)]
    part: Part,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Everything, for programs
    Json,
    /// One row per thread
    Csv,
    /// Everything, for people
    Md,
}

impl Arguments {
    /// Returns the request and the form of its answer. [`Form::Plain`] stands for JSON, which the caller prints.
    pub(super) fn into_request(self) -> (PersonRequest, Form) {
        let form = match self.format {
            Format::Json => Form::Plain,
            Format::Csv => Form::Csv,
            Format::Md => Form::Document,
        };
        (PersonRequest::Report(self.part.scope()), form)
    }
}
