//! `work archive`, `work rename` and `work delete`: what a person does with workstreams that are over.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap_complete::engine::ArgValueCompleter;

use super::Session;
use super::check::refuse_in_check;
use super::completions::workstreams;
use super::page::printable;
use super::render::Form;
use crate::app::{Deleted, delete, rename, to_be_deleted};
use crate::clock::{Clock as _, SystemClock};
use crate::decide::{PersonRequest, Refusal};
use crate::fault::Error;
use crate::index::name_of;
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
#[command(
    after_help = "Its folder is removed with all that is in it: the plan, the reports, and files of others; git has
what was committed. On a terminal it asks first, elsewhere it needs --force. It is refused while anything of it runs.

Examples:
  work delete 001-search-api
  work delete 001-search-api --force       without a question"
)]
pub(super) struct Delete {
    /// The workstream, by its whole id or name
    #[arg(value_name = "WORKSTREAM", add = ArgValueCompleter::new(workstreams))]
    id: String,
    /// Ask nothing
    #[arg(long)]
    force: bool,
}

impl Archive {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        if !self.revoke {
            return session.carry_out_in(self.id.as_deref(), &PersonRequest::Archive, Form::Plain);
        }
        let id = match self.id {
            Some(id) => id,
            // The one that was archived is not the current one any more.
            None if session.place.named(None).is_none() => match only_archived(session) {
                Ok(id) => id,
                Err(code) => return code,
            },
            None => return session.carry_out(&PersonRequest::Restore, Form::Plain),
        };
        session.carry_out_in(Some(&id), &PersonRequest::Restore, Form::Plain)
    }
}

/// Returns the only workstream that is archived. A refusal is printed; the error is its exit code.
fn only_archived(session: &Session) -> Result<String, ExitCode> {
    let mut archived = session.store()?.list().map_err(|stopped| session.stopped(&stopped))?.archived;
    if archived.len() == 1 {
        return Ok(archived.remove(0));
    }
    let hint = if archived.is_empty() {
        "none is archived".to_owned()
    } else {
        format!("name one of {}", archived.join(", "))
    };
    Err(session
        .stopped(&Refusal::invalid("which workstream is to be taken out of the archive is not clear", hint).into()))
}

/// Refuses in a check, and where `--workstream` names another workstream than the argument.
fn require_one_name(session: &Session, given: &str) -> Result<(), Error> {
    refuse_in_check()?;
    match session.typed_workstream() {
        Some(typed) if typed != given && name_of(typed) != given => {
            let message = format!("--workstream names {typed}, and the argument {given}");
            Err(Refusal::invalid(message, "leave --workstream out").into())
        }
        _ => Ok(()),
    }
}

impl Rename {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        session.with_store(|store| {
            require_one_name(session, &self.id)?;
            let renamed = rename(store, &Session::full_id(store, &self.id)?, &self.name, SystemClock.now())?;
            if session.output.is_json() {
                return Ok(session.output.print_json(&renamed));
            }
            Ok(session.output.write(&printable(&format!("{} is {} now\n", renamed.from, renamed.to))))
        })
    }
}

impl Delete {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        session.with_store(|store| {
            Ok(match self.delete(session, store)? {
                None => session.output.write("nothing is deleted\n"),
                Some(deleted) if session.output.is_json() => session.output.print_json(&deleted),
                Some(deleted) => session.output.write(&printable(&format!("{} is deleted\n", deleted.workstream))),
            })
        })
    }

    /// Deletes it; `None`: the person does not want to.
    fn delete(&self, session: &Session, store: &dyn Store) -> Result<Option<Deleted>, Error> {
        require_one_name(session, &self.id)?;
        let id = Session::full_id(store, &self.id)?;
        // What cannot be undone asks for the whole name: said twice, a beginning would mean the next one.
        if id != self.id && name_of(&id) != self.id {
            let message = format!("{:?} is only the beginning of a name", self.id);
            return Err(Refusal::invalid(message, format!("name it as a whole: {id}")).into());
        }
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
