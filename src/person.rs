//! The name of the person at the command line.

use std::env;
use std::process::{Command, Stdio};

/// Returns the name that approvals and events carry: git's identity as `Ann <ann@example.org>`, or `Ann` without an
/// address; else the name of the account, else `user`. Anybody can set these, so the name proves nothing.
pub(crate) fn name() -> String {
    let of_git = || {
        let mut git = Command::new("git");
        git.args(["config", "--get-regexp", r"^user\.(name|email)$"]).stdin(Stdio::null());
        identity(&String::from_utf8(git.output().ok()?.stdout).ok()?)
    };
    let variable = |name| env::var(name).ok().filter(|name: &String| !name.is_empty());
    of_git()
        .or_else(|| variable("USER"))
        .or_else(|| variable("LOGNAME"))
        .or_else(|| variable("USERNAME"))
        .unwrap_or_else(|| "user".to_owned())
}

/// Reads the lines `user.name VALUE` and `user.email VALUE` of git. The last line of each counts, as for git. `None`:
/// there is no name.
fn identity(settings: &str) -> Option<String> {
    let value = |key: &str| {
        let mut values = settings.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        values.next_back().map(str::trim).filter(|value| !value.is_empty())
    };
    let name = value("user.name")?;
    Some(value("user.email").map_or_else(|| name.to_owned(), |email| format!("{name} <{email}>")))
}

#[cfg(test)]
mod tests {
    use super::identity;

    #[test]
    fn the_identity_of_git_has_an_address_where_there_is_one() {
        let table = [
            ("user.name Ann Example\nuser.email ann@example.org\n", Some("Ann Example <ann@example.org>")),
            ("user.name Ann\nuser.email a@x\nuser.name Ann of here\n", Some("Ann of here <a@x>")),
            ("user.name Ann\n", Some("Ann")),
            ("user.name  \nuser.email ann@example.org\n", None),
            ("user.email ann@example.org\n", None),
            ("", None),
        ];
        for (settings, expected) in table {
            assert_eq!(identity(settings).as_deref(), expected, "{settings:?}");
        }
    }
}
