//! Supervision on Windows: a job has what a command started, and what that has started, and nothing can leave it. The system
//! ends the processes of the job when the supervisor's handle of it is closed, so also when the supervisor is killed.

use std::io;
use std::os::windows::process::CommandExt as _;
use std::process::{Command, ExitCode};

use process_wrap::tokio::{CommandWrap, JobObject, KillOnDrop};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::follow_input;

/// A console of its own, without a window.
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// Keeps the keys of a console from a supervisor: Ctrl-C ends its parent, which ends the command in order.
pub(super) fn detach(supervisor: &mut Command) {
    supervisor.creation_flags(CREATE_NO_WINDOW);
}

/// Returns the exit code of a supervisor whose command passed: another one for each, and none that a program usually has.
/// Whoever ends a process here chooses its exit code, and a check that ended its supervisor with 0 must not have passed.
pub(super) fn passing_code() -> i32 {
    let number = Uuid::new_v4().as_u64_pair().0 & 0x3fff_ffff;
    i32::try_from(number).unwrap_or_default() | 0x100
}

/// Ends this process with the exit code that says so. The standard library returns none that has more than 8 bits.
#[expect(clippy::exit, reason = "the process has nothing left to do")]
pub(super) fn passed(passing: i32) -> ExitCode {
    std::process::exit(passing)
}

/// Returns whether the parent runs the same program. Windows does not say.
pub(super) fn is_started_by_this_program() -> bool {
    true
}

/// Runs a command until it ends or the input of this process does. Ends all that it has started, and returns its exit
/// code. No process can be asked to end here: it goes on until the input ends.
pub(super) fn run(command: Command, _mark: &'static str) -> io::Result<i32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut command = CommandWrap::from(tokio::process::Command::from(command));
        command.wrap(KillOnDrop).wrap(JobObject);
        let mut child = command.spawn()?;
        let (sender, end_of_input) = oneshot::channel();
        follow_input(
            || {},
            move || {
                // An error means that the command has ended.
                let _ = sender.send(());
            },
        );
        // Only the command itself is waited for: the job may have processes that never end.
        let code = tokio::select! {
            status = child.inner_mut().wait() => status?.code(),
            _ = end_of_input => None,
        };
        child.start_kill()?;
        Ok(code.unwrap_or(1))
    })
}

/// Ends what is left of a run: nothing, since the job is gone with its supervisor.
pub(super) fn end_left(_mark: &str, _id: &str) {}
