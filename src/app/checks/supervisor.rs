//! The supervisor of a check: this program, started as `work supervise-check`. It runs a command in a shell and ends all
//! its processes when the command has ended, and when the process that asked for it is gone, also by SIGKILL.
//!
//! It holds the reading end of a pipe whose other end its parent has: the end of the input is the end of the parent. A
//! signal at the parent's death would do on Linux only, and would reach the supervisor but not what it has started. The
//! command comes through the same pipe, and only from this program: as an argument it would be a shell for everybody who
//! may run `work`.

use std::process::ExitCode;

/// The hidden subcommand that supervises.
pub const SUPERVISE: &str = "supervise-check";

/// The variable that marks all processes of one run of checks, by an id that no other run has.
pub(super) const MARK: &str = "WORK_CHECK";

/// The exit code of a shell that cannot be started, as shells have it.
#[cfg(unix)]
const NO_SHELL: u8 = 127;

/// Returns whether this process was started by a check.
pub fn is_in_check() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Returns a command in the form in which the supervisor reads it.
#[cfg(unix)]
pub(super) fn framed(command: &str) -> Vec<u8> {
    let length = u32::try_from(command.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend_from_slice(command.as_bytes());
    bytes
}

/// Reads a command from stdin, runs it to its end, and returns its exit code.
#[cfg(unix)]
pub fn supervise() -> ExitCode {
    use std::io::Read as _;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{Command, Stdio};

    if !is_started_by_this_program() {
        report("work: this subcommand is for checks of work itself");
        return ExitCode::from(2);
    }
    let mut input = std::io::stdin();
    let mut length = [0; 4];
    let mut command = Vec::new();
    let told = input
        .read_exact(&mut length)
        .and_then(|()| input.by_ref().take(u64::from(u32::from_le_bytes(length))).read_to_end(&mut command));
    let Some(command) = told.ok().and_then(|_| String::from_utf8(command).ok()) else { return ExitCode::from(2) };
    // Processes that leave the group and lose their parent become children of this process, and are found by that.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).process_group(0);
    let mut child = match shell.spawn() {
        Ok(child) => child,
        Err(error) => {
            report(&format!("work: /bin/sh cannot run the command: {error}"));
            return ExitCode::from(NO_SHELL);
        }
    };
    let group = i32::try_from(child.id()).map(nix::unistd::Pid::from_raw);
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        let _ = std::io::stdin().lock().read_to_end(&mut rest);
        end_all(group.ok());
    });
    let status = child.wait();
    end_all(group.ok());
    match status.map(|status| status.code().or_else(|| status.signal().map(|signal| 128 + signal))) {
        Ok(Some(code)) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Ok(None) | Err(_) => ExitCode::FAILURE,
    }
}

/// Returns whether the parent runs the same program. Other systems than Linux do not say.
#[cfg(unix)]
fn is_started_by_this_program() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let file = |process: &str| std::fs::metadata(format!("/proc/{process}/exe")).map(|it| (it.dev(), it.ino()));
    match file("self") {
        Ok(own) => file(&std::os::unix::process::parent_id().to_string()).is_ok_and(|parent| parent == own),
        Err(_) => true,
    }
}

/// Ends the processes of a group, and those that have left it.
#[cfg(unix)]
fn end_all(group: Option<nix::unistd::Pid>) {
    use nix::sys::signal::{Signal, killpg};
    if let Some(group) = group {
        // An error means that there is none left.
        let _ = killpg(group, Signal::SIGKILL);
    }
    if let Ok(mark) = std::env::var(MARK) {
        end_marked(&mark);
    }
}

/// Ends all processes that have this mark in their environment, but not this one. Does nothing where the system does not
/// show environments.
#[cfg(unix)]
pub(super) fn end_marked(mark: &str) {
    use nix::sys::signal::{Signal, kill};
    use std::time::Duration;
    const ROUNDS: u32 = 200;
    let wanted = format!("{MARK}={mark}");
    for _ in 0..ROUNDS {
        let found = marked(wanted.as_bytes());
        if found.is_empty() {
            return;
        }
        for process in found {
            let _ = kill(nix::unistd::Pid::from_raw(process), Signal::SIGKILL);
        }
        // What they started meanwhile is found in the next round.
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(unix)]
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

/// Supervises nothing: other systems start the shell directly.
#[cfg(not(unix))]
pub fn supervise() -> ExitCode {
    report("work: there is no supervisor on this system");
    ExitCode::FAILURE
}

/// Writes a line to the output of the check.
fn report(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{message}");
}
