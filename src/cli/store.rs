//! `work store migrate|push|pull`: makes the tables of a database, and copies a workspace between files and the
//! database (DESIGN §10).

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Subcommand;

use super::page::Page;
use super::{Session, exit};
use crate::app::{pull, push};
use crate::decide::Code;
use crate::fault::Error;
use crate::store::{Copied, FileStore, Overwrite, PostgresStore};
use crate::wording::count;

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  export WORK_STORE='postgres://work@db.example/team?workspace=search'
  work store migrate          make the tables, or bring them up to date
  work store push             copy work/ to the database
  work store push --plan      only PLAN.md and agents.yaml, after a change
  work store pull             copy it back
  work store prune --days 90  remove what happened more than 90 days ago")]
pub(super) enum Arguments {
    /// Make the tables, or bring them up to date
    Migrate,
    /// Remove old events of all workspaces in the database; the state stays
    Prune {
        /// Keep the events of the last N days
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        days: u16,
    },
    /// Copy the workspace, or the workstream of --workstream, from the files to the database
    Push {
        /// Copy only PLAN.md and agents.yaml of what is there already
        #[arg(long, conflicts_with = "force")]
        plan: bool,
        /// Overwrite what the database has
        #[arg(long)]
        force: bool,
    },
    /// Copy the workspace, or the workstream of --workstream, from the database to the files
    Pull {
        /// Overwrite files that differ
        #[arg(long)]
        force: bool,
    },
}

impl Arguments {
    /// Carries the command out. Without `--store` or `WORK_STORE` there is nothing to do it with: exit code 2.
    pub(super) fn run(self, session: &Session) -> ExitCode {
        if session.place.database().is_none() {
            let hint = "--store postgres://USER@HOST/DATABASE?workspace=NAME, or set WORK_STORE";
            return exit::fail(session.output.is_json(), Code::InvalidArgument, "no database is named", Some(hint));
        }
        match self.carry_out(session) {
            Ok(code) => code,
            Err(stopped) => session.stopped(&stopped),
        }
    }

    fn carry_out(self, session: &Session) -> Result<ExitCode, Error> {
        let store = PostgresStore::new(session.place.clone(), None)?;
        let files = FileStore::new(session.place.clone(), None);
        let workstream = session.place.workstream.as_deref();
        let moved = match self {
            Self::Migrate => {
                let migrated = store.migrate()?;
                if session.output.is_json() {
                    return Ok(session.output.print_json(&migrated));
                }
                let mut page = Page::default();
                let _ = match (migrated.from, migrated.to) {
                    (from, to) if from == to => writeln!(page, "the tables have version {to} already"),
                    (0, to) => writeln!(page, "the tables are there, version {to}"),
                    (from, to) => writeln!(page, "the tables went from version {from} to {to}"),
                };
                return Ok(session.output.print(page));
            }
            Self::Prune { days } => {
                let pruned = store.prune(days)?;
                if session.output.is_json() {
                    return Ok(session.output.print_json(&pruned));
                }
                let mut page = Page::default();
                let _ = writeln!(
                    page,
                    "removed {}",
                    count(usize::try_from(pruned.events).unwrap_or(usize::MAX), "event", "events")
                );
                return Ok(session.output.print(page));
            }
            Self::Push { plan, force } => {
                let overwrite = match (plan, force) {
                    (true, _) => Overwrite::Plans,
                    (_, true) => Overwrite::All,
                    (false, false) => Overwrite::Nothing,
                };
                push(&files, &store, workstream, overwrite)?
            }
            Self::Pull { force } => {
                let overwrite = if force { Overwrite::All } else { Overwrite::Nothing };
                pull(&store, &files, workstream, overwrite)?
            }
        };
        if session.output.is_json() {
            return Ok(session.output.print_json(&moved));
        }
        Ok(session.output.print(page(&moved)))
    }
}

/// Returns the page of a copy: where it went, and what of each workstream was written.
fn page(moved: &Copied) -> Page {
    let mut page = Page::default();
    let _ = writeln!(page, "to {}", moved.to);
    for (ids, what) in [(&moved.written, "written"), (&moved.unchanged, "the same already")] {
        for id in ids {
            let _ = writeln!(page, "  {id}: {what}");
        }
    }
    page
}
