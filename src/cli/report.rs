//! `work report [--stage N | --batch ID]`: prints the outcome of each thread, as Markdown for a pull request.

use crate::clock::SystemClock;
use crate::decide::{PersonAnswer, PersonRequest, Report, Scope};
use crate::fault::{Error, Fault};
use crate::plan::{BatchId, StageNumber};
use crate::store::Store;
use crate::transact::transact_for_person;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  work report --stage 1 | gh pr create --title 'Stage 1' --body-file -
  work report --batch 01.02 > report.md")]
pub(super) struct Arguments {
    #[command(flatten)]
    part: Part,
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
    pub(super) fn into_request(self) -> PersonRequest {
        PersonRequest::Report(self.part.scope())
    }
}

/// Reads the report of the whole workstream that the command line means, for the commands that make more of it.
pub(super) fn read(store: &dyn Store) -> Result<Report, Error> {
    match transact_for_person(store, &SystemClock, None, &PersonRequest::Report(Scope::Workstream))? {
        PersonAnswer::Report(report) => Ok(report),
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
