//! The supervisor of a check: this program, started as `work supervise-check COMMAND`. It runs the command in a shell and
//! ends all its processes when the command has ended, and when the process that asked for it is gone, also by SIGKILL.
//!
//! It holds the reading end of a pipe whose other end its parent has: the end of the input is the end of the parent. A
//! signal at the parent's death would do on Linux only, and would reach the supervisor but not what it has started.

use std::process::ExitCode;

/// The hidden subcommand that supervises.
pub const SUPERVISE: &str = "supervise-check";

/// The exit code of a shell that cannot be started, as shells have it.
const NO_SHELL: u8 = 127;

/// Runs a command to its end, and returns its exit code.
#[cfg(unix)]
pub fn supervise(command: &str) -> ExitCode {
    use std::io::Read as _;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{Command, Stdio};

    // Processes that leave the group and lose their parent become children of this process, and are found by that.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).process_group(0);
    let mut child = match shell.spawn() {
        Ok(child) => child,
        Err(error) => {
            report(&format!("work: /bin/sh cannot be started: {error}"));
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

/// Ends the processes of a group, and those that have left it.
#[cfg(unix)]
fn end_all(group: Option<nix::unistd::Pid>) {
    use nix::sys::signal::{Signal, killpg};
    if let Some(group) = group {
        // An error means that there is none left.
        let _ = killpg(group, Signal::SIGKILL);
    }
    #[cfg(target_os = "linux")]
    for _ in 0..100 {
        let left = children();
        if left.is_empty() {
            return;
        }
        for child in left {
            let _ = nix::sys::signal::kill(child, Signal::SIGKILL);
            // Only those that are children are waited for, and the shell's end is left to its own wait.
            if Some(child) != group {
                let _ = nix::sys::wait::waitpid(child, Some(nix::sys::wait::WaitPidFlag::WNOHANG));
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        if children().iter().all(|child| Some(*child) == group) {
            return;
        }
    }
}

/// Returns the children of this process.
#[cfg(target_os = "linux")]
fn children() -> Vec<nix::unistd::Pid> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .map(nix::unistd::Pid::from_raw)
        .collect()
}

/// Supervises nothing: other systems start the shell directly.
#[cfg(not(unix))]
pub fn supervise(_command: &str) -> ExitCode {
    report("work: there is no supervisor on this system");
    ExitCode::FAILURE
}

/// Writes a line to the output of the check.
fn report(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{message}");
}
