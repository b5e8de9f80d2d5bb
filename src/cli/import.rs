//! `work import [PATH]`: takes over a workstream that another version of this family made, or the tasks that another
//! program planned.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use super::Session;
use super::create::{flags_for, made};
use super::page::{Page, Tone, wrapped};
use crate::app::{ImportRequest, Imported, import_path, import_tasks, importable};
use crate::clock::{Clock as _, SystemClock};
use crate::store::Folder;

#[derive(Debug, clap::Args)]
#[command(after_help = "The originals stay as they are. What has no place in the new files is listed.

Examples:
  work import                             tasks.json of the current workstream becomes threads.json
  work import work/000-search-api         a workstream with stages/NN/PLAN.md becomes a new one
  work import specs/001-login             tasks.md of spec-kit becomes a plan: a stage per phase
  work import .taskmaster --tag master    tasks.json of task-master becomes a plan

Nothing is approved by it: read the new PLAN.md first. What was done is completed, what was begun is pending.")]
pub(super) struct Arguments {
    /// A tasks.md of spec-kit, a tasks.json of task-master, a folder with one, or the folder of a workstream with a plan
    /// per stage; default: the current workstream's tasks.json
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// What the new workstream is called; default: as it was
    #[arg(long, value_name = "NAME", requires = "path")]
    name: Option<String>,
    /// The tag of a tasks.json of task-master; default: the only one with tasks, else master
    #[arg(long, value_name = "NAME", requires = "path")]
    tag: Option<String>,
}

impl Arguments {
    /// Imports PATH as a new workstream; without it, the tasks.json of the current workstream. Prints what was taken
    /// over and what was not.
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        let work = Folder::of_workspace(&session.place);
        let imported = match &self.path {
            Some(given) => {
                let request = ImportRequest {
                    path: &session.place.directory.join(given),
                    given,
                    root: work.as_ref().and_then(|work| work.path().parent()),
                    name: self.name.as_deref(),
                    tag: self.tag.as_deref(),
                };
                import_path(store.as_ref(), &request, SystemClock.now())
            }
            None => {
                let work = work.unwrap_or_else(|| Folder::at(session.place.directory.join("work")));
                import_tasks(store.as_ref(), &work, None, SystemClock.now())
            }
        };
        match imported {
            Ok(imported) if session.output.is_json() => session.output.print_json(&imported),
            Ok(imported) => {
                let is_new = self.path.is_some();
                let next = if is_new {
                    if imported.executed.is_none() {
                        session.note_that_the_shell_wins();
                    }
                    let flags = flags_for(session, &imported.workstream, imported.executed.as_ref());
                    format!("work validate{flags}, then work approve plan{flags}")
                } else {
                    format!("work status{}", session.words.flags())
                };
                session.output.print(page(&imported, is_new, &next, session))
            }
            Err(stopped) => session.stopped(&stopped),
        }
    }
}

/// Returns the paths in the workspace that can be imported.
pub(super) fn importable_in(session: &Session) -> Vec<String> {
    Folder::of_workspace(&session.place).map(|work| importable(&work)).unwrap_or_default()
}

/// Returns the page of an import: what is there now, what was not carried over, and `next`, the command to run.
fn page(imported: &Imported, is_new: bool, next: &str, session: &Session) -> Page {
    let mut page = Page::default();
    let Imported { workstream, from, .. } = imported;
    if imported.unchanged {
        let _ = writeln!(page, "work/{workstream}/threads.json has all that {from} says already");
        return page;
    }
    let _ = if is_new {
        let how = format!("made of {from}");
        writeln!(page, "{}", made(workstream, &how, imported.executed.as_ref(), session))
    } else {
        writeln!(page, "work/{workstream}/threads.json has what {from} says")
    };
    let counts: Vec<String> =
        imported.threads.iter().map(|(word, number)| format!("{number} {}", word.replace('_', " "))).collect();
    let _ = writeln!(page, "threads: {}\n", if counts.is_empty() { "none".to_owned() } else { counts.join(", ") });
    if !imported.left.is_empty() {
        page.paint(Tone::Strong, "Not carried over; it stays where it was:");
        let _ = writeln!(page);
        for item in &imported.left {
            for (at, line) in wrapped(item, 4).into_iter().enumerate() {
                let _ = writeln!(page, "  {} {line}", if at == 0 { '-' } else { ' ' });
            }
        }
        let _ = writeln!(page);
    }
    page.paint(Tone::Strong, "Next: ");
    let _ = write!(page, "{next}");
    page
}
