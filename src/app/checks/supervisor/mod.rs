//! The supervisor of a check: this program, started as `work supervise-check`. It runs a command in a shell and ends all
//! its processes when the command has ended, and when the process that asked for it is gone, also by SIGKILL.
//!
//! It holds the reading end of a pipe whose other end its parent has: the end of the input is the end of the parent. A
//! signal at the parent's death would do on Linux only, and would reach the supervisor but not what it has started. The
//! command comes through the same pipe, and only from this program: as an argument it would be a shell for everybody who
//! may run `work`.
//!
//! How the processes of a command are found is in `unix` and `windows`, which have the same functions.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "windows.rs")]
mod own;

use std::io::Read as _;
use std::process::{ExitCode, Stdio};

pub(super) use self::own::{detach, end_left, passing_code};
use crate::system::check_shell;

/// The hidden subcommand that supervises.
pub const SUPERVISE: &str = "supervise-check";

/// The variable that marks all processes of one run of checks, by an id that no other run has.
pub(super) const MARK: &str = "WORK_CHECK";

/// The exit code of a shell that cannot be started, as shells have it.
const NO_SHELL: u8 = 127;

/// Returns whether this process was started by a check.
pub fn is_in_check() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Returns a command in the form in which the supervisor reads it. `passing` is the exit code with which the supervisor says
/// that the command exited with 0.
pub(super) fn framed(command: &str, passing: i32) -> Vec<u8> {
    let length = u32::try_from(command.len()).unwrap_or(u32::MAX);
    [&passing.to_le_bytes(), &length.to_le_bytes(), command.as_bytes()].concat()
}

/// Reads a command from stdin, runs it to its end, and returns its exit code.
pub fn supervise() -> ExitCode {
    if !own::is_started_by_this_program() {
        report("work: this subcommand is for checks of work itself");
        return ExitCode::from(2);
    }
    let mut input = std::io::stdin();
    let (mut passing, mut length) = ([0; 4], [0; 4]);
    let mut command = Vec::new();
    let told = input
        .read_exact(&mut passing)
        .and_then(|()| input.read_exact(&mut length))
        .and_then(|()| input.by_ref().take(u64::from(u32::from_le_bytes(length))).read_to_end(&mut command));
    let Some(command) = told.ok().and_then(|_| String::from_utf8(command).ok()) else { return ExitCode::from(2) };
    let run = check_shell(&command).and_then(|mut shell| {
        shell.stdin(Stdio::null());
        let name = shell.get_program().display().to_string();
        own::run(shell).map_err(|error| format!("{name} cannot run the command: {error}"))
    });
    match run {
        Ok(0) => own::passed(i32::from_le_bytes(passing)),
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Err(why) => {
            report(&format!("work: {why}"));
            ExitCode::from(NO_SHELL)
        }
    }
}

/// Does `work` when the input of this process ends, in a thread of its own.
fn at_end_of_input(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        let _ = std::io::stdin().lock().read_to_end(&mut rest);
        work();
    });
}

/// Writes a line to the output of the check.
fn report(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{message}");
}
