//! Starts one check in a shell.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::app::run::VARIABLE;
use crate::app::supervisor::{Exit, Running, Supervised, WORKER};
use crate::system::check_shell;

/// The variables that say where this program finds its workspace, and that it runs in a worker. A database's address can
/// hold a password, and a check that calls `work` should mean the workspace of its folder, as a person's.
const HIDDEN: [&str; 5] = ["WORK_STORE", "WORK_ROOT", "WORK_STREAM", VARIABLE, WORKER];

/// A command that is to run.
pub(super) struct Shell<'s> {
    /// This program, which supervises the command.
    pub(super) program: &'s Path,
    pub(super) folder: &'s Path,
    pub(super) command: &'s str,
    pub(super) environment: Vec<(&'static str, String)>,
    /// What no other run has.
    pub(super) id: &'s str,
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Exited(i32),
    TimedOut,
    TooMuchOutput,
    Cancelled,
    Broken(String),
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Self::Exited(code),
            Exit::Unknown(why) => Self::Broken(why),
        }
    }
}

impl Shell<'_> {
    /// Starts the command. Its output goes to `log`, and its stdin is empty.
    pub(super) fn start(&self, log: File) -> io::Result<Running> {
        // Asked here too: a machine without a shell is no failure of the work.
        check_shell(self.command).map_err(io::Error::other)?;
        let stdout = log.try_clone()?;
        Running::start(self.program, Supervised::Check(self.command.to_owned()), self.id.to_owned(), |supervisor| {
            supervisor.current_dir(self.folder).stdout(stdout).stderr(log);
            for variable in HIDDEN {
                supervisor.env_remove(variable);
            }
            supervisor.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        })
    }
}
