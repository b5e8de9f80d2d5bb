//! `work list`: all workstreams of the workspace, one line each.

use std::process::ExitCode;

use super::filter::Filter;
use super::import::importable_in;
use super::render::Row;
use super::{Session, render};
use crate::clock::SystemClock;
use crate::decide::{PersonAnswer, PersonRequest, Scope};
use crate::fault::Error;
use crate::store::Store;
use crate::transact::transact_for_person;

#[derive(Debug, clap::Args)]
#[command(after_help = "The current one has a star.

Examples:
  work list
  work list --status blocked      those that have blocked threads
  work list --all                 the archived ones, too")]
pub(super) struct Arguments {
    /// The archived ones, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        session.with_store(|store| self.list(session, store))
    }

    fn list(&self, session: &Session, store: &dyn Store) -> Result<ExitCode, Error> {
        let listed = store.list()?;
        let row = |workstream: &String| {
            // A workstream that cannot be read must not hide the others: its row has the error instead.
            let report = PersonRequest::Report(Scope::Workstream);
            let (status, error) = match transact_for_person(store, &SystemClock, Some(workstream), &report) {
                Ok(PersonAnswer::Report(report)) if !self.filter.is_empty() => {
                    let fits = report.threads().any(|thread| self.filter.fits(thread));
                    (fits.then_some(report.status), None)
                }
                Ok(PersonAnswer::Report(report)) => (Some(report.status), None),
                Ok(_) => (None, None),
                Err(stopped) => (None, Some(stopped.to_string())),
            };
            let current = listed.current.as_ref() == Some(workstream);
            Row {
                archived: listed.archived.contains(workstream),
                workstream: workstream.clone(),
                current,
                status,
                error,
            }
        };
        let shown = listed.workstreams.iter().filter(|id| self.all || !listed.archived.contains(id));
        let rows: Vec<Row> = shown.map(row).filter(|row| row.status.is_some() || row.error.is_some()).collect();
        if session.output.is_json() {
            let words = session.words.for_programs();
            let worded = |row: Row| Row {
                workstream: row.workstream,
                current: row.current,
                archived: row.archived,
                status: row.status.map(|status| status.worded(&words)),
                error: row.error,
            };
            return Ok(session.output.print_json(&rows.into_iter().map(worded).collect::<Vec<_>>()));
        }
        if rows.is_empty() && !listed.workstreams.is_empty() {
            let told = if self.filter.is_empty() {
                "all are archived: work list --all\n"
            } else {
                "no workstream has such threads\n"
            };
            return Ok(session.output.write(told));
        }
        Ok(session.output.print(render::list(&rows, &importable_in(session), &session.words)))
    }
}
