//! `work init [--opencode]`: makes a workspace, and sets the project up for OpenCode (DESIGN §11).

use std::fmt::Write as _;
use std::process::ExitCode;

use super::page::{Page, Tone, wrapped};
use super::{Session, exit};
#[cfg(feature = "postgres")]
use crate::app::init_database;
use crate::app::{Changed, SetUp, init};
use crate::clock::{Clock as _, SystemClock};
#[cfg(feature = "postgres")]
use crate::decide::Refusal;
use crate::fault::Error;
use crate::store::FileStore;
#[cfg(feature = "postgres")]
use crate::store::PostgresStore;

#[derive(Debug, clap::Args)]
#[command(after_help = "What is there already stays as it is, so it can be run again.

--opencode adds to opencode.json or opencode.jsonc, comments and keys kept: the MCP server, and rules that stop agents' shells from running what only a person decides: work approve, complete, release, retry, update --force and assign --force (your own !work … in the chat can).
It writes .opencode/agent/NAME.md for each agent of work/agents.yaml, which sees only work_read_thread and work_update_thread, and the slash commands /execute-next-batch and /write-plan.

Examples:
  work init
  work init --opencode")]
pub(super) struct Arguments {
    /// Set the project up for OpenCode too
    #[arg(long)]
    opencode: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        let set_up = match self.set_up(session) {
            Ok(set_up) => set_up,
            Err(stopped) => return exit::stopped(&stopped, &session.words),
        };
        if session.output.is_json() {
            return session.output.print_json(&set_up);
        }
        let has_workstream = store.list().is_ok_and(|listed| !listed.workstreams.is_empty());
        session.output.print(page(&set_up, if has_workstream { "work status" } else { "work create NAME --stages N" }))
    }
}

impl Arguments {
    /// Makes what is missing, in files or in the database. `--opencode` with a database is refused.
    fn set_up(&self, session: &Session) -> Result<SetUp, Error> {
        #[cfg(feature = "postgres")]
        if session.place.database().is_some() {
            if self.opencode {
                let message = "--opencode writes files of the project, and the workspace is in a database";
                let hint = "leave --store and WORK_STORE out for it";
                return Err(Refusal::invalid(message, hint).into());
            }
            return init_database(&PostgresStore::new(session.place.clone(), None)?, SystemClock.now());
        }
        init(&FileStore::new(session.place.clone(), None), self.opencode, SystemClock.now())
    }
}

/// Returns the page of what was created, changed and kept, with warnings and `next`, the command to run.
fn page(set_up: &SetUp, next: &str) -> Page {
    let mut page = Page::default();
    let _ = writeln!(page, "workspace {}", set_up.workspace.workspace);
    for file in &set_up.workspace.created {
        let _ = writeln!(page, "  created  {file}");
    }
    for Changed { file, added } in &set_up.changed {
        let _ = writeln!(page, "  changed  {file}");
        for what in added {
            let _ = writeln!(page, "             + {what}");
        }
    }
    for file in &set_up.workspace.kept {
        let _ = writeln!(page, "  kept     {file}");
    }
    for warning in &set_up.warnings {
        for (at, line) in wrapped(warning, 9).into_iter().enumerate() {
            page.paint(Tone::Bad, if at == 0 { "warning: " } else { "         " });
            let _ = writeln!(page, "{line}");
        }
    }
    page.paint(Tone::Strong, "Next: ");
    let _ = write!(page, "{next}");
    page
}
