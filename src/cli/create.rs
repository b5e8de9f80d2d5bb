//! `work create NAME --stages N`: makes a workstream with a plan to fill in.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::Session;
use super::page::{Page, Tone};
use crate::app::create;
use crate::clock::{Clock as _, SystemClock};
use crate::store::{Executed, linked_worktree};
use crate::wording::quoted;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  work create search-api --stages 2
  work create \"Search API\"")]
pub(super) struct Arguments {
    /// What the workstream is called; its folder has a number in front
    #[arg(value_name = "NAME")]
    name: String,
    /// How many stages its plan has to begin with
    #[arg(long, value_name = "N", default_value_t = 1)]
    stages: u16,
}

/// Returns the sentence that the workstream `id` was made, and which workstream is current now. `how` is a participle
/// such as `created`. `executed` is the current workstream, if it stays current because a batch of it is executed.
pub(super) fn made(id: &str, how: &str, executed: Option<&Executed>, session: &Session) -> String {
    let Some(Executed { workstream, batch }) = executed else {
        return format!("{id} is {how}, and is the current workstream");
    };
    let flags = &session.words.location;
    format!(
        "{id} is {how}; {workstream} stays the current one while its batch {batch} is executed: \
         work current --set {}{flags}",
        quoted(id)
    )
}

/// Returns the flags by which the next command means the workstream that was made: it is not the current one while a
/// batch of another is executed.
pub(super) fn flags_for(session: &Session, id: &str, executed: Option<&Executed>) -> String {
    let flags = &session.words.location;
    if executed.is_some() { format!(" --workstream {}{flags}", quoted(id)) } else { flags.clone() }
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        let created = match create(store.as_ref(), &self.name, self.stages, SystemClock.now()) {
            Ok(created) => created,
            Err(stopped) => return session.stopped(&stopped),
        };
        if created.current {
            session.note_that_the_shell_wins();
        }
        if session.output.is_json() {
            return session.output.print_json(&created);
        }
        let flags = &flags_for(session, &created.workstream, created.executed.as_ref());
        let mut page = Page::default();
        let _ = writeln!(page, "{}", made(&created.workstream, "created", created.executed.as_ref(), session));
        page.paint(Tone::Strong, "Next: ");
        // In a linked worktree the relative path would name a file of that worktree. The plan is in the main one.
        let main = linked_worktree(&session.place).map(|linked| linked.main.join(&created.plan));
        let plan = main.map_or(created.plan, |plan| plan.display().to_string());
        let checks = format!("work validate{flags} and work approve plan{flags}");
        if session.place.database().is_some() {
            // The plan is in the database. The person needs it as a file to write it.
            let id = format!(" --workstream {}{}", quoted(&created.workstream), session.words.location);
            let _ = write!(page, "work store pull{id}, write {plan}, work store push --plan{id}, then {checks}");
        } else {
            let _ = write!(page, "write {plan}, then {checks}");
        }
        session.output.print(page)
    }
}
