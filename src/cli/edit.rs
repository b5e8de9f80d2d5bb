//! `work edit`: opens the plan in the person's editor. When the editor is closed it checks the plan, offers the certain
//! fixes, shows what changed since the approval, and asks whether to approve.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use super::check::refuse_in_check;
use super::put_away::asked;
use super::render::{self, Form};
use super::{Session, exit};
use crate::app::{FixedPlan, fix_plan};
use crate::clock::{Clock as _, SystemClock};
use crate::decide::{Mapping, PersonAnswer, PersonRequest, Refusal};
use crate::fault::{Error, Fault};
use crate::person;
use crate::store::{Folder, Store};
use crate::system;
use crate::wording::count;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The editor is $VISUAL, else $EDITOR, else vi (on Windows notepad). Questions are asked on a terminal only.

Examples:
  work edit
  EDITOR='code --wait' work edit"
)]
pub(super) struct Arguments {
    /// Fix what is certain without asking
    #[arg(long)]
    fix: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        session.with_store(|store| self.edit(session, store))
    }

    fn edit(&self, session: &Session, store: &dyn Store) -> Result<ExitCode, Error> {
        refuse_in_check()?;
        let asks = io::stdin().is_terminal() && !session.output.is_json();
        // Once: another workstream may become the current one while the editor is open.
        let id = store.selected(None)?;
        loop {
            edit_plan(session, store, &id)?;
            self.fix(session, store, &id, asks)?;
            let PersonAnswer::Validation(validation) = session.transact(store, Some(&id), &PersonRequest::Validate)?
            else {
                return Err(Fault::bug().into());
            };
            if session.output.is_json() {
                session.output.print_json(&validation);
                return Ok(exit::validation(&validation));
            }
            let mut page = session.output.page();
            render::validation(&mut page, &validation, &session.words.flags());
            session.output.print(page);
            if !validation.forbids_approval() {
                return approve(session, store, &id, asks);
            }
            if !asks || !asked("Edit it again?") {
                return Ok(exit::validation(&validation));
            }
        }
    }

    /// Fixes what is certain, if the person wants to.
    fn fix(&self, session: &Session, store: &dyn Store, id: &str, asks: bool) -> Result<(), Error> {
        let FixedPlan { fixed, diff, .. } = fix_plan(store, Some(id), true, None)?;
        if fixed == 0 || session.output.is_json() && !self.fix {
            return Ok(());
        }
        if !session.output.is_json() {
            let mut page = session.output.page();
            render::diff(&mut page, &diff);
            session.output.print(page);
        }
        let places = count(fixed, "place", "places");
        if self.fix || asks && asked(&format!("Fix {places} so?")) {
            fix_plan(store, Some(id), false, Some(&diff))?;
        }
        Ok(())
    }
}

/// Shows what changed since the approval, and asks whether to approve. Only the text that was shown can be approved.
fn approve(session: &Session, store: &dyn Store, id: &str, asks: bool) -> Result<ExitCode, Error> {
    let seen = store.read(Some(id))?.scene().plan_hash.clone();
    // A plan that was never approved has nothing to compare with.
    if let Ok(diff) = session.transact(store, Some(id), &PersonRequest::Diff) {
        let (now, page) = (SystemClock.now(), session.output.page());
        session.output.print(render::answer(page, &diff, Form::Plain, now, &session.words));
    }
    let PersonAnswer::Status(status) = session.transact(store, Some(id), &PersonRequest::Status)? else {
        return Err(Fault::bug().into());
    };
    let mut page = session.output.page();
    if asks && status.plan != "approved" && asked("Approve it as it is now?") {
        let (mapping, by, seen) = (Mapping::default(), person::name(), Some(seen));
        let request = PersonRequest::ApprovePlan { force: false, mapping, by, seen };
        session.transact(store, Some(id), &request)?;
        let _ = writeln!(page, "the plan of {id} is approved");
    }
    session.write_next(&mut page, store, Some(id));
    Ok(session.output.print(page))
}

/// Opens the plan in the editor and waits until it is closed. The plan of a workspace in a database is edited as a copy,
/// and refused if somebody else has changed it meanwhile.
fn edit_plan(session: &Session, store: &dyn Store, id: &str) -> Result<(), Error> {
    if session.place.database().is_none() {
        // Not read first: a plan that cannot be read is one to be edited, too.
        let work = Folder::of_workspace(&session.place);
        let path = work.map(|work| work.inner(id).path().join("PLAN.md"));
        return open_editor(&path.unwrap_or_else(|| PathBuf::from("PLAN.md")));
    }
    let before = store.read(Some(id))?.scene().plan_text.to_owned();
    let folder = std::env::temp_dir().join(format!("work-edit-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(Fault::io("create the folder", &folder))?;
    let path = folder.join(format!("{id}.PLAN.md"));
    fs::write(&path, &before).map_err(Fault::io("write", &path))?;
    open_editor(&path)?;
    let after = fs::read_to_string(&path).map_err(Fault::io("read", &path))?;
    if after != before {
        let locked = store.lock(Some(id))?;
        if locked.snapshot().scene().plan_text != before {
            let message = "somebody else has changed the plan while it was edited";
            return Err(Refusal::invalid(message, format!("take over from {} what is yours", path.display())).into());
        }
        locked.write_plan(&after)?;
    }
    // What cannot be removed is a copy in a folder for such.
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}

/// Runs the editor. It may be a command with arguments, as other programs have it.
fn open_editor(path: &Path) -> Result<(), Error> {
    let set = |name| std::env::var(name).ok().filter(|editor| !editor.trim().is_empty());
    let editor = match set("VISUAL").or_else(|| set("EDITOR")) {
        Some(editor) => editor,
        None if io::stdin().is_terminal() && io::stdout().is_terminal() => system::EDITOR.to_owned(),
        None => {
            let message = format!("no editor is named, and there is no terminal for {}", system::EDITOR);
            return Err(Refusal::invalid(message, "set VISUAL or EDITOR").into());
        }
    };
    let mut command = system::editor(&editor, path);
    let status = command.stdout(Stdio::inherit()).status().map_err(Fault::io("run the editor for", path))?;
    if status.success() {
        return Ok(());
    }
    let message = format!("the editor {editor:?} ended with {status}");
    let hint = match status.code() {
        Some(127) => "set VISUAL or EDITOR to a program that is there".to_owned(),
        _ => format!("{} is as the editor left it; nothing is approved", path.display()),
    };
    Err(Refusal::invalid(message, hint).into())
}
