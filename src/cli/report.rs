//! `work report [--format md|html|json] [--stage N | --batch ID]`: prints the outcome of each thread, as Markdown for a
//! pull request or as a page for a browser.

use clap::ValueEnum;

use super::output::Output;
use super::render::Form;
use crate::clock::SystemClock;
use crate::decide::{PersonAnswer, PersonRequest, Report, Scope};
use crate::fault::{Error, Fault};
use crate::plan::{BatchId, StageNumber};
use crate::store::Store;
use crate::transact::transact_for_person;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  work report --stage 1 | gh pr create --title 'Stage 1' --body-file -
  work report --batch 01.02 > report.md
  work report --format html > report.html     one page with everything, to open in a browser")]
pub(super) struct Arguments {
    /// The form; default: md
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    #[command(flatten)]
    part: Part,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// The outcomes and what is next, as Markdown
    Md,
    /// Everything, as one page that needs no network
    Html,
    /// Everything, for programs
    Json,
}

/// Which part of the workstream is meant.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(super) struct Part {
    /// Only this stage
    #[arg(long, value_name = "N")]
    stage: Option<StageNumber>,
    /// Only this batch, such as 01.02
    #[arg(long, value_name = "ID")]
    batch: Option<BatchId>,
}

impl Arguments {
    /// Returns the request, the form of its answer, and how that is printed. A format wins over `--json`, as in
    /// `work export`: it says more exactly what is wanted.
    pub(super) fn into_request(self, output: Output) -> (PersonRequest, Form, Output) {
        let (form, output) = match self.format {
            None => (Form::Summary, output),
            Some(Format::Md) => (Form::Summary, output.as_text()),
            Some(Format::Html) => (Form::Html, output.as_text()),
            Some(Format::Json) => (Form::Plain, output.as_json()),
        };
        (PersonRequest::Report(self.part.scope()), form, output)
    }
}

/// Reads the report of the whole workstream that the command line means, for the commands that make more of it.
pub(super) fn read(store: &dyn Store) -> Result<Report, Error> {
    match transact_for_person(store, &SystemClock, None, &PersonRequest::Report(Scope::Workstream))? {
        PersonAnswer::Report(report) => Ok(*report),
        other => Err(Fault::Internal(format!("a report was asked for, {other:?} came")).into()),
    }
}

impl Part {
    pub(super) fn scope(self) -> Scope {
        match (self.stage, self.batch) {
            (_, Some(batch)) => Scope::Batch(batch),
            (Some(stage), None) => Scope::Stage(stage),
            (None, None) => Scope::Workstream,
        }
    }
}
