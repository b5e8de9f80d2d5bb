//! A supervised command, as the process sees it that has started its supervisor.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::order::{Order, SUPERVISE, Supervised};
use super::own::{detach, end_left, passing_code};

/// How long a supervisor may take to end what it supervises.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Exit {
    /// With this exit code. That of a process ended by a signal is 128 and the number of the signal, as shells have it.
    Code(i32),
    /// Nobody knows, for this reason.
    Unknown(String),
}

/// A command that runs. Dropping it ends it.
pub(in super::super) struct Running {
    child: Child,
    /// The variable that marks its processes, and its value.
    mark: (&'static str, String),
    passing: i32,
}

impl Running {
    /// Starts a command under a supervisor, which ends it when this process ends, however it ends: then the pipe to it
    /// closes. `program` is this one. `prepare` says where its output goes, its folder and its variables. `id` is one that
    /// no other run has.
    pub(in super::super) fn start(
        program: &Path,
        run: Supervised,
        id: String,
        prepare: impl FnOnce(&mut Command),
    ) -> io::Result<Self> {
        let mark = (run.mark(), id);
        let mut command = Command::new(program);
        prepare(&mut command);
        command.arg(SUPERVISE).env(mark.0, &mark.1).stdin(Stdio::piped());
        detach(&mut command);
        let passing = passing_code();
        let order = Order { run, passing }.framed()?;
        let mut running = Self { child: command.spawn()?, mark, passing };
        running.write(&order)?;
        Ok(running)
    }

    /// Returns the pipes of its output, if it has some.
    pub(in super::super) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Returns how the command ended; `None`: it runs.
    pub(in super::super) fn poll(&mut self) -> Option<Exit> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => {
                let ended = ended(status.code(), self.passing);
                if matches!(ended, Exit::Unknown(_)) {
                    end_left(self.mark.0, &self.mark.1);
                }
                Some(ended)
            }
            Err(error) => Some(Exit::Unknown(error.to_string())),
        }
    }

    /// Asks the command to end, as Ctrl-C does. Where a system knows no such request, it goes on.
    pub(in super::super) fn ask_to_end(&mut self) {
        // A supervisor that is gone has ended it.
        let _ = self.write(&[0]);
    }

    /// Ends the command with all its processes.
    pub(in super::super) fn end(&mut self) {
        // The supervisor sees the end of its stdin, ends the group and exits.
        drop(self.child.stdin.take());
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A supervisor that was stopped, or that a command kept from seeing the end of its stdin, has left some.
        end_left(self.mark.0, &self.mark.1);
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.child.stdin.as_mut().map_or(Ok(()), |pipe| pipe.write_all(bytes))
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
fn ended(code: Option<i32>, passing: i32) -> Exit {
    match code {
        Some(code) if code == passing => Exit::Code(0),
        None | Some(0) => Exit::Unknown("its supervisor was ended by another program".to_owned()),
        Some(code) => Exit::Code(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_passes_only_by_the_word_of_its_supervisor() {
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
                Exit::Code(code) => Some(code),
                Exit::Unknown(_) => None,
            };
            assert_eq!(exited, wanted, "{code:?} {passing}");
        }
    }
}
