//! `work create NAME --stages N`

use std::fmt::Write as _;
use std::process::ExitCode;

use super::page::{Page, Tone};
use super::{Session, exit};
use crate::clock::{Clock as _, SystemClock};

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

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let store = match session.files() {
            Ok(store) => store,
            Err(code) => return code,
        };
        let created = match store.create(&self.name, self.stages, SystemClock.now()) {
            Ok(created) => created,
            Err(stopped) => return exit::stopped(&stopped, &session.flags),
        };
        session.note_that_the_shell_wins();
        if session.output.is_json() {
            return session.output.print_json(&created);
        }
        let flags = &session.place.flags;
        let mut page = Page::default();
        let _ = writeln!(page, "{} is created, and is the current workstream", created.workstream);
        page.paint(Tone::Strong, "Next: ");
        let _ = write!(page, "write {}, then work validate{flags} and work approve plan{flags}", created.plan);
        session.output.print(page)
    }
}
