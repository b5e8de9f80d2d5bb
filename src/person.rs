//! The name of the person at the command line.

use std::env;
use std::process::{Command, Stdio};

/// Returns the name that approvals and events carry: git's `user.name`, else that of the account, else `user`.
/// Anybody can set these, so the name proves nothing.
pub(crate) fn name() -> String {
    let of_git = || {
        let git = Command::new("git").args(["config", "user.name"]).stdin(Stdio::null()).output().ok()?;
        let name = String::from_utf8(git.stdout).ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    };
    let variable = |name| env::var(name).ok().filter(|name: &String| !name.is_empty());
    of_git()
        .or_else(|| variable("USER"))
        .or_else(|| variable("LOGNAME"))
        .or_else(|| variable("USERNAME"))
        .unwrap_or_else(|| "user".to_owned())
}
