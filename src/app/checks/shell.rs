//! Starts one command in a shell, and ends it with all the processes that it has started.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::supervisor::{SUPERVISE, detach, end_left, framed, passing_code};
use crate::system::check_shell;

/// The variables that say where this program finds its workspace. A database's address can hold a password, and a check
/// that calls `work` should mean the workspace of its folder.
const HIDDEN: [&str; 3] = ["WORK_STORE", "WORK_ROOT", "WORK_STREAM"];

/// How long a supervisor may take to end what it supervises.
const PATIENCE: Duration = Duration::from_secs(2);

/// A command that is to run.
pub(super) struct Shell<'s> {
    /// This program, which supervises the command.
    pub(super) program: &'s Path,
    pub(super) folder: &'s Path,
    pub(super) command: &'s str,
    pub(super) environment: Vec<(&'static str, String)>,
    /// The mark of its processes, which is in the environment too.
    pub(super) mark: &'s str,
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this exit code. That of a process ended by a signal is 128 and the number of the signal, as shells have it.
    Exited(i32),
    TimedOut,
    TooMuchOutput,
    Cancelled,
    Broken(String),
}

/// A command that runs. Dropping it ends it.
pub(super) struct Running {
    child: Child,
    mark: String,
    /// The exit code with which the supervisor says that the command exited with 0.
    passing: i32,
}

impl Shell<'_> {
    /// Starts the command. Its output goes to `log`, and its stdin is empty.
    pub(super) fn start(&self, log: File) -> io::Result<Running> {
        use std::io::Write as _;

        // Asked here too: a machine without a shell is no failure of the work.
        check_shell(self.command).map_err(io::Error::other)?;
        let mut command = self.supervised();
        command.current_dir(self.folder).stdout(log.try_clone()?).stderr(log);
        for variable in HIDDEN {
            command.env_remove(variable);
        }
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        let passing = passing_code();
        let mut running = Running { child: command.spawn()?, mark: self.mark.to_owned(), passing };
        if let Some(pipe) = &mut running.child.stdin {
            pipe.write_all(&framed(self.command, passing))?;
        }
        Ok(running)
    }

    /// Returns the command line of a supervisor, which ends the command when this process ends, however it ends: then
    /// the pipe to it closes.
    fn supervised(&self) -> Command {
        let mut command = Command::new(self.program);
        command.arg(SUPERVISE).stdin(Stdio::piped());
        detach(&mut command);
        command
    }
}

impl Running {
    /// Returns how the command ended; `None`: it runs.
    pub(super) fn poll(&mut self) -> Option<Ended> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => {
                let ended = ended(status.code(), self.passing);
                if matches!(ended, Ended::Broken(_)) {
                    end_left(&self.mark);
                }
                Some(ended)
            }
            Err(error) => Some(Ended::Broken(error.to_string())),
        }
    }

    /// Ends the command with all its processes.
    pub(super) fn end(&mut self) {
        // The supervisor sees the end of its stdin, ends the group and exits.
        drop(self.child.stdin.take());
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A supervisor that was stopped, or that a check kept from seeing the end of its stdin, has left some.
        end_left(&self.mark);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end();
        }
    }
}

/// Returns how a command ended, by the exit code of its supervisor; `None`: a signal ended that.
fn ended(code: Option<i32>, passing: i32) -> Ended {
    match code {
        Some(code) if code == passing => Ended::Exited(0),
        None | Some(0) => Ended::Broken("its supervisor was ended by another program".to_owned()),
        Some(code) => Ended::Exited(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_passes_only_by_the_word_of_its_supervisor() {
        for (code, passing, wanted) in [
            (Some(0), 0, Some(0)),
            (Some(3), 0, Some(3)),
            (None, 0, None),
            // Where who ends a process chooses its exit code.
            (Some(0x1234_5678), 0x1234_5678, Some(0)),
            (Some(0), 0x1234_5678, None),
            (Some(3), 0x1234_5678, Some(3)),
        ] {
            let exited = match ended(code, passing) {
                Ended::Exited(code) => Some(code),
                _ => None,
            };
            assert_eq!(exited, wanted, "{code:?} {passing}");
        }
    }
}
