//! Unix: Linux and macOS.

mod files;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use self::files::*;

/// The editor of a person who names none.
pub(crate) const EDITOR: &str = "vi";

/// The number of the signal that says that the terminal is gone.
pub(crate) const HANG_UP: i32 = signal_hook::consts::SIGHUP;

/// Returns a command line of the person, for the shell of the system.
#[cfg(feature = "watch")]
pub(crate) fn person_shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    command
}

/// Returns a command that opens a file in an editor, which may have arguments of its own.
pub(crate) fn editor(editor: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    // The path is an argument of the shell, so nothing in it is read as a command.
    command.args(["-c", &format!("{editor} \"$@\""), "sh"]).arg(path);
    command
}

/// Returns a check for the shell that checks are written for.
///
/// # Errors
///
/// Why there is no such shell.
#[expect(clippy::unnecessary_wraps, reason = "other systems may have none")]
pub(crate) fn check_shell(check: &str) -> Result<Command, String> {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(check);
    Ok(command)
}

/// Returns a path without links and without `..`.
pub(crate) fn real(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// Returns the folder of the user for what can be made again.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
}

/// Returns the user's file with the passwords of databases, where PostgreSQL's own programs have it.
#[cfg(feature = "postgres")]
pub(crate) fn password_file() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| Path::new(&home).join(".pgpass"))
}

/// Starts to listen for SIGTERM, SIGINT and SIGHUP. The future completes when one of them comes.
pub(crate) fn shutdown() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// Returns the signals that who started this process wants ignored, as a set of bits, as `nohup` does it; none where the
/// system does not show it.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default()
}

/// Starts to listen for what ends a program in a terminal. `tell` is called from another thread with the number of each
/// signal, until it returns false.
pub(crate) fn on_ending_signals(tell: impl Fn(i32) -> bool + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

    let ignored = ignored_signals();
    let ending = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = signal_hook::iterator::Signals::new(ending)?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if !tell(signal) {
                break;
            }
        }
    });
    Ok(())
}
