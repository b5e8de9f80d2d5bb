//! Windows. Any other system that is no Unix does not compile here, and there is none for which this program would.

mod files;

use std::future::Future;
use std::io;
use std::os::windows::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use self::files::*;
use super::git_shell;
use crate::path_style::without_verbatim_prefix;

/// The editor of a person who names none.
pub(crate) const EDITOR: &str = "notepad";

/// The number of the signal that says that the terminal is gone. Windows has no such signals; the numbers are those that
/// shells know.
pub(crate) const HANG_UP: i32 = 1;

/// Returns a command line of the person, for the shell of the system.
#[cfg(feature = "watch")]
pub(crate) fn person_shell(line: &str) -> Command {
    cmd(line)
}

/// Returns a command that opens a file in an editor, which may have arguments of its own.
pub(crate) fn editor(editor: &str, path: &Path) -> Command {
    // What a variable holds is not read as a command, and no path has a quote.
    let mut command = cmd(&format!("{editor} \"%WORK_EDIT%\""));
    command.env("WORK_EDIT", path);
    command
}

/// Returns a line for cmd, which has rules of its own for quotes: with `/S` it takes all between the outer ones as it is.
fn cmd(line: &str) -> Command {
    let mut command = Command::new("cmd");
    command.raw_arg(format!("/D /S /C \"{line}\""));
    command
}

/// Returns a check for the shell that checks are written for.
///
/// # Errors
///
/// Why there is no such shell.
pub(crate) fn check_shell(check: &str) -> Result<Command, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let shell = git_shell::find(std::env::split_paths(&path), Path::is_file).ok_or(git_shell::MISSING)?;
    let mut command = Command::new(shell);
    // As an argument the text would go through the rules of Windows for quotes, and then through those of the shell's
    // runtime, which has others and expands globs.
    command.args(["-c", "eval \"$WORK_CHECK_TEXT\""]).env("WORK_CHECK_TEXT", check);
    Ok(command)
}

/// Returns a path without links and without `..`.
pub(crate) fn real(path: &Path) -> io::Result<PathBuf> {
    let real = path.canonicalize()?;
    Ok(real.to_str().map_or_else(|| real.clone(), |path| without_verbatim_prefix(path).into_owned().into()))
}

/// Returns the folder of the user for what can be made again.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    std::env::var_os("LOCALAPPDATA").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Returns the user's file with the passwords of databases, where PostgreSQL's own programs have it.
#[cfg(feature = "postgres")]
pub(crate) fn password_file() -> Option<PathBuf> {
    std::env::var_os("APPDATA").map(|data| Path::new(&data).join("postgresql").join("pgpass.conf"))
}

/// Starts to listen for Ctrl-C, Ctrl-Break, and the end of the console, the session or the system. The future completes
/// when one of them comes.
pub(crate) fn shutdown() -> io::Result<impl Future<Output = ()>> {
    let ending = ending()?;
    Ok(async move {
        ending.await;
    })
}

/// Starts to listen for what ends a program in a terminal. `tell` is called from another thread with the number of each
/// signal, until it returns false.
///
/// While a screen is open Ctrl-C is a key.
pub(crate) fn on_ending_signals(tell: impl Fn(i32) -> bool + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let first = {
        let _context = runtime.enter();
        ending()?
    };
    std::thread::spawn(move || {
        let mut next = Ok(runtime.block_on(first));
        while let Ok(signal) = next
            && tell(signal)
        {
            next = runtime.block_on(async { Ok::<_, io::Error>(ending()?.await) });
        }
    });
    Ok(())
}

/// Starts to listen. The future completes with the number of the signal that another system would have sent.
fn ending() -> io::Result<impl Future<Output = i32>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};

    const INTERRUPT: i32 = 2;
    const TERMINATE: i32 = 15;
    let (mut interrupt, mut end) = (ctrl_c()?, ctrl_break()?);
    let (mut close, mut logoff, mut shutdown) = (ctrl_close()?, ctrl_logoff()?, ctrl_shutdown()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => INTERRUPT,
            _ = end.recv() => TERMINATE,
            _ = close.recv() => 1,
            _ = logoff.recv() => TERMINATE,
            _ = shutdown.recv() => TERMINATE,
        }
    })
}
