//! `work archive`, `work rename` and `work delete`: what a person does with workstreams that are over.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap_complete::engine::ArgValueCompleter;

use super::Session;
use super::completions::workstreams;
use super::page::printable;
use super::render::Form;
use crate::app::{Deleted, delete, rename, to_be_deleted};
use crate::clock::{Clock as _, SystemClock};
use crate::decide::{PersonRequest, Refusal};
use crate::fault::Error;
use crate::store::Store;
use crate::wording::count;

#[derive(Debug, clap::Args)]
#[command(after_help = "An archived workstream stays where it is and hands out nothing; work list leaves it out.
It is refused while anything of it runs.

Examples:
  work archive 001-search-api
  work archive 001-search-api --revoke     it is as it was before")]
pub(super) struct Archive {
    /// The workstream, by id or name; default: the current one
    #[arg(value_name = "WORKSTREAM", add = ArgValueCompleter::new(workstreams))]
    id: Option<String>,
    /// Take it out of the archive
    #[arg(long)]
    revoke: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Its number stays, and its folder is called after the new name. It is refused while anything of it
runs.

Example:
  work rename 001-search-api catalogue     its id is 001-catalogue then"
)]
pub(super) struct Rename {
    /// The workstream, by id or name
    #[arg(value_name = "WORKSTREAM", add = ArgValueCompleter::new(workstreams))]
    id: String,
    /// Its new name
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Its plan, its reports and its approvals are deleted with it; git has what was committed. On a
terminal it asks first, elsewhere it needs --force. It is refused while anything of it runs.

Examples:
  work delete 001-search-api
  work delete 001-search-api --force       without a question")]
pub(super) struct Delete {
    /// The workstream, by id or name
    #[arg(value_name = "WORKSTREAM", add = ArgValueCompleter::new(workstreams))]
    id: String,
    /// Ask nothing
    #[arg(long)]
    force: bool,
}

impl Archive {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let request = if self.revoke { PersonRequest::Restore } else { PersonRequest::Archive };
        session.carry_out_in(self.id.as_deref(), &request, Form::Plain)
    }
}

impl Rename {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        match Session::full_id(store.as_ref(), &self.id)
            .and_then(|id| rename(store.as_ref(), &id, &self.name, SystemClock.now()))
        {
            Ok(renamed) if session.output.is_json() => session.output.print_json(&renamed),
            Ok(renamed) => session.output.write(&printable(&format!("{} is {} now\n", renamed.from, renamed.to))),
            Err(stopped) => session.stopped(&stopped),
        }
    }
}

impl Delete {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        match self.delete(session, store.as_ref()) {
            Ok(None) => session.output.write("nothing is deleted\n"),
            Ok(Some(deleted)) if session.output.is_json() => session.output.print_json(&deleted),
            Ok(Some(deleted)) => session.output.write(&printable(&format!("{} is deleted\n", deleted.workstream))),
            Err(stopped) => session.stopped(&stopped),
        }
    }

    /// Deletes it; `None`: the person does not want to.
    fn delete(&self, session: &Session, store: &dyn Store) -> Result<Option<Deleted>, Error> {
        let id = Session::full_id(store, &self.id)?;
        if !self.force {
            let found = to_be_deleted(store, &id, SystemClock.now())?;
            if !io::stdin().is_terminal() || session.output.is_json() {
                let Deleted { workstream, threads, completed } = found;
                return Err(Refusal::DeletesReports { workstream, threads, completed }.into());
            }
            let threads = count(found.threads, "thread", "threads");
            let of = format!("with {threads} and their reports, {} completed", found.completed);
            if !asked(&format!("Delete {} {of}?", found.workstream)) {
                return Ok(None);
            }
        }
        delete(store, &id, SystemClock.now()).map(Some)
    }
}

/// Asks the person on the terminal. Only `y` and `yes` mean yes.
pub(super) fn asked(question: &str) -> bool {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(printable(&format!("{question} [y/N] ")).as_bytes()).and_then(|()| stderr.flush());
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
}
