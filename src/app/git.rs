//! Runs git.

use std::path::Path;
use std::process::{Command, Stdio};

/// The variables by which git finds another repository than that of its folder. A hook of git has them set.
pub(super) const OF_GIT: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"];

/// Returns what a command of git prints that only looks, and runs in a folder.
///
/// # Errors
///
/// The message of git, which is empty if there is no git.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    // A look must not fetch anything, and must not write.
    run(folder, arguments, &[("GIT_NO_LAZY_FETCH", "1"), ("GIT_OPTIONAL_LOCKS", "0")])
}

/// Carries out a command of git that changes something. The rest is as with [`git`]. No hooks are run: a worker may have
/// written them.
pub(super) fn git_change(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    run(folder, &[&["-c", "core.hooksPath=/dev/null"], arguments].concat(), &[])
}

fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<String, String> {
    let mut command = Command::new("git");
    for variable in OF_GIT {
        command.env_remove(variable);
    }
    let output = command
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .envs(variables.iter().copied())
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|_| String::new())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
