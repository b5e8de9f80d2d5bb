//! Supervision on Unix: a process group has what a command started. On Linux what has left the group is found by its
//! environment, and by having become a child of the supervisor.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::follow_input;

/// How often is looked for processes that are left.
const ROUNDS: u32 = 200;

const PAUSE: Duration = Duration::from_millis(2);

/// Does nothing: a supervisor leaves the terminal itself, as soon as it runs.
pub(super) fn detach(_supervisor: &mut Command) {}

/// Returns the exit code of a supervisor whose command passed. The system tells when a signal has ended it.
pub(super) fn passing_code() -> i32 {
    0
}

/// Returns the exit code that says so.
pub(super) fn passed(_passing: i32) -> ExitCode {
    ExitCode::SUCCESS
}

/// Returns whether the parent runs the same program. Other systems than Linux do not say.
pub(super) fn is_started_by_this_program() -> bool {
    let file = |process: &str| std::fs::metadata(format!("/proc/{process}/exe")).map(|it| (it.dev(), it.ino()));
    match file("self") {
        Ok(own) => file(&std::os::unix::process::parent_id().to_string()).is_ok_and(|parent| parent == own),
        Err(_) => true,
    }
}

/// Runs a command until it ends or the input of this process does. Ends all that it has started, and returns its exit
/// code. That of a command ended by a signal is 128 and the number of the signal. `mark` is the variable that marks its
/// processes.
pub(super) fn run(mut command: Command, mark: &'static str) -> io::Result<i32> {
    // Ctrl-C is for the parent, which ends the command in order. And without a terminal nothing can stop to ask somebody for
    // a password who is not there.
    let _ = nix::unistd::setsid();
    // Processes that leave the group and lose their parent become children of this process.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let mut child = command.process_group(0).spawn()?;
    let group = i32::try_from(child.id()).map(Pid::from_raw).ok();
    let ask = move || {
        // An error means that there is none left.
        let _ = group.map(|group| killpg(group, Signal::SIGTERM));
    };
    follow_input(ask, move || end_all(group, mark));
    let status = child.wait();
    end_all(group, mark);
    end_children();
    let code = status.map(|status| status.code().or_else(|| status.signal().map(|signal| 128 + signal)));
    Ok(code.ok().flatten().unwrap_or(1))
}

/// Ends the processes of a group, and those that have left it.
fn end_all(group: Option<Pid>, mark: &str) {
    if let Some(group) = group {
        // An error means that there is none left.
        let _ = killpg(group, Signal::SIGKILL);
    }
    if let Ok(id) = std::env::var(mark) {
        end_left(mark, &id);
    }
}

/// Ends what is left of a run: all processes that have this mark in their environment, but not this one. Does nothing
/// where the system does not show environments.
pub(super) fn end_left(mark: &str, id: &str) {
    let wanted = format!("{mark}={id}");
    kill_while_found(|| marked(wanted.as_bytes()));
}

/// Ends the children of this process, and what becomes a child by that: on Linux all that a command has started, also what
/// has left its group and lost its mark. Must come after the command was waited for: it takes the status of every child.
fn end_children() {
    kill_while_found(|| {
        // One that is dead stays a child until its status is taken.
        while waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok_and(|status| status != WaitStatus::StillAlive) {}
        children()
    });
}

/// Kills what `find` finds, and looks again: it may have started others meanwhile.
fn kill_while_found(find: impl Fn() -> Vec<i32>) {
    for _ in 0..ROUNDS {
        let found = find();
        if found.is_empty() {
            return;
        }
        for process in found {
            let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Returns the children of this process; none where the system does not show them.
fn children() -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let of_thread = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("children")).ok();
    let lists: Vec<String> = threads.flatten().filter_map(of_thread).collect();
    lists.iter().flat_map(|list| list.split_whitespace()).filter_map(|id| id.parse().ok()).collect()
}

fn marked(wanted: &[u8]) -> Vec<i32> {
    let own = std::process::id();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_marked = |id: &u32| {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        *id != own && environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
    };
    ids.filter(is_marked).filter_map(|id| i32::try_from(id).ok()).collect()
}
