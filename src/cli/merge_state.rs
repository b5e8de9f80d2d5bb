//! `work merge-state BASE OURS THEIRS [PATH]`: what git runs to merge index.json and threads.json (DESIGN §3). Exit code 0:
//! merged; 1: a conflict is left in OURS; another: OURS is as it was.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Session, exit};
use crate::app::{MergeStateRequest, MergedState, merge_state};
use crate::wording::count;
use crate::words::settling;

/// The most names in a message.
const MAX_NAMES: usize = 10;

#[derive(Debug, clap::Args)]
#[command(after_help = "git runs it to merge work/index.json and work/*/threads.json, as .gitattributes says and as
work init has set up in this clone. What only one branch changed is taken from it, thread by
thread. What both changed differently is kept twice, between conflict markers.

Exit codes: 0 merged, 1 a conflict is left in OURS; with another one OURS is as it was.

Example, in the configuration of git:
  [merge \"work\"]
    driver = work merge-state %O %A %B %P")]
pub(super) struct Arguments {
    /// The version from which both come; an empty file if there is none (%O)
    #[arg(value_name = "BASE")]
    base: PathBuf,
    /// The version of this branch; the result takes its place (%A)
    #[arg(value_name = "OURS")]
    ours: PathBuf,
    /// The version of the other branch (%B)
    #[arg(value_name = "THEIRS")]
    theirs: PathBuf,
    /// The path of the file in the repository, for messages (%P)
    #[arg(value_name = "PATH")]
    path: Option<String>,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let path = self.path.clone().unwrap_or_else(|| self.ours.display().to_string());
        let request = MergeStateRequest { base: self.base, ours: self.ours, theirs: self.theirs, path: self.path };
        let message = match merge_state(&request) {
            Ok(MergedState::Clean) => return ExitCode::SUCCESS,
            Ok(MergedState::Conflict(what)) => {
                let mut names: Vec<String> = what.iter().take(MAX_NAMES).cloned().collect();
                if what.len() > MAX_NAMES {
                    names.push(count(what.len() - MAX_NAMES, "more", "more"));
                }
                let names = names.join(", ");
                format!(
                    "{path}: both branches changed {names}, each differently; both are kept between conflict markers (a side with nothing between them deleted or renamed it)"
                )
            }
            Ok(MergedState::Lines(why)) => {
                format!("{path}: {why}; so it is not merged, and both versions are kept between conflict markers")
            }
            Err(stopped) => return session.stopped(&stopped),
        };
        exit::conflict(&message, &settling(&path))
    }
}
