//! The supervisor of a check or a worker: this program, started as `work supervise`. It runs a command and ends all its
//! processes when the command has ended, and when the process that asked for it is gone, also by SIGKILL.
//!
//! It holds the reading end of a pipe whose other end its parent has: the end of the input is the end of the parent. A
//! signal at the parent's death would do on Linux only, and would reach the supervisor but not what it has started. The
//! command comes through the same pipe, and only from this program: as an argument it would be a shell for everybody who
//! may run `work`.
//!
//! How the processes of a command are found is in `unix` and `windows`, which have the same functions.

mod order;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "windows.rs")]
mod own;
mod running;

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

pub use self::order::SUPERVISE;
pub(super) use self::order::Supervised;
pub(super) use self::order::WORKER;
use self::order::{CHECK, Order};
pub(super) use self::running::{Exit, Running};
use crate::system::check_shell;

/// The exit code of a program that cannot be started, as shells have it. A command can have it, too.
pub(super) const NOT_STARTED: u8 = 127;

/// What the supervisor writes of such a program, behind its name.
pub(super) const CANNOT_RUN: &str = "cannot run the command";

/// Returns whether this process was started by a check.
pub fn is_in_check() -> bool {
    std::env::var_os(CHECK).is_some()
}

/// Returns whether this process was started by a worker of `work run`.
pub fn is_in_worker() -> bool {
    std::env::var_os(WORKER).is_some()
}

/// Reads a command from stdin, runs it to its end, and returns its exit code.
pub fn supervise() -> ExitCode {
    if !own::is_started_by_this_program() {
        report("work: this subcommand is for checks and workers of work itself");
        return ExitCode::from(2);
    }
    let Some(Order { run, passing }) = Order::read(std::io::stdin()) else { return ExitCode::from(2) };
    let mark = run.mark();
    let command = match run {
        Supervised::Check(command) => check_shell(&command),
        Supervised::Worker(words) => words.split_first().ok_or_else(String::new).map(|(program, arguments)| {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }),
    };
    let ended = command.and_then(|mut command| {
        command.stdin(Stdio::null());
        let name = command.get_program().display().to_string();
        own::run(command, mark).map_err(|error| format!("{name} {CANNOT_RUN}: {error}"))
    });
    match ended {
        Ok(0) => own::passed(passing),
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Err(why) => {
            report(&format!("work: {why}"));
            ExitCode::from(NOT_STARTED)
        }
    }
}

/// Returns the path of this program, by which it starts supervisors.
pub(super) fn this_program() -> PathBuf {
    // A program that was replaced while it runs has no path any more, but this one.
    let own = if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() };
    own.unwrap_or_else(|_| "work".into())
}

/// Returns an id that no other run of checks or of a worker has.
pub(super) fn run_id() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}-{}", std::process::id(), since.as_nanos(), RUNS.fetch_add(1, Ordering::Relaxed))
}

/// Does `ask` when the parent writes another byte, and `end` when the input of this process ends, in a thread of its own.
fn follow_input(ask: impl Fn() + Send + 'static, end: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut byte = [0];
        while input.read(&mut byte).is_ok_and(|read| read > 0) {
            ask();
        }
        end();
    });
}

/// Writes a line to the output of the command.
fn report(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{message}");
}
