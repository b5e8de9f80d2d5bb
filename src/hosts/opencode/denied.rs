//! The patterns by which OpenCode refuses gate commands where no plugin can ask `work hook`: in release 2, with `--pure`,
//! and where this program is not on the `PATH` of OpenCode.

/// Patterns of the commands that agents' shells may not run. OpenCode matches each command of a line alone and as a
/// whole; `*` stands for any text. They are few and wide: a harmless command that talks about a gate is refused too,
/// and some spellings get past every pattern (docs/hosts.md lists both).
pub(super) const DENIED_COMMANDS: [&str; 22] = [
    "*work approve *",
    "*work archive*",
    "*work complete*",
    "*work delete*",
    "*work release*",
    "*work retry*",
    "*work store p*",
    "*work -*approve*",
    "*work -* complete*",
    "*work -* release*",
    "*work -* retry*",
    "*work -* store p*",
    "*work *update *--force*",
    "*work *assign *--force*",
    "*work init *--remove*",
    // Its package, by whatever runs packages.
    "*workstream-mcp* archive*",
    "*workstream-mcp* complete*",
    "*workstream-mcp* delete*",
    "*workstream-mcp* release*",
    "*workstream-mcp* retry*",
    "* approve plan*",
    "* approve stage*",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether a pattern matches a command as in OpenCode: as a whole, `*` for any text, `?` for one
    /// character. A space and a star at the end may be missing.
    fn matches(pattern: &str, command: &str) -> bool {
        fn all(pattern: &[char], command: &[char]) -> bool {
            match (pattern, command) {
                ([], []) => true,
                (['*', rest @ ..], _) => {
                    all(rest, command) || command.split_first().is_some_and(|(_, command)| all(pattern, command))
                }
                (['?', rest @ ..], [_, command @ ..]) => all(rest, command),
                ([c, rest @ ..], [d, command @ ..]) => c == d && all(rest, command),
                _ => false,
            }
        }
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        all(&chars(pattern), &chars(command))
            || pattern.strip_suffix(" *").is_some_and(|pattern| all(&chars(pattern), &chars(command)))
    }

    #[test]
    fn gates_are_denied_and_work_is_not() {
        let denied = |command: &str| DENIED_COMMANDS.iter().any(|pattern| matches(pattern, command));
        for command in [
            "work approve plan",
            "work approve stage 1 --force",
            "work --json approve plan",
            "work --root . approve stage 2",
            "work approve plan --revoke",
            "./work approve plan",
            "/usr/bin/work approve stage 1",
            "env X=1 work approve plan",
            "WORK_ROOT=. work approve plan",
            "npx work approve plan",
            "sh -c \"work approve plan\"",
            "work complete",
            "work complete --json",
            "work --json complete",
            "work --root . complete --json",
            "./work complete",
            "sudo work complete",
            "CI=1 work complete --json",
            "timeout 60 work complete --json",
            "bash -lc 'work complete'",
            "work release",
            "sudo work release --workstream x",
            "work --workstream x release",
            "sh -c 'work release'",
            "work retry",
            "work retry --thread 1.1.1",
            "sudo work retry",
            "work --workstream x retry --thread 1.1.1",
            "bash -c 'work retry'",
            "work assign --thread 1.1.1 --agent default --force",
            "work update --thread 1.1.1 --status pending --force",
            "npx -y workstream-mcp approve plan",
            "npx workstream-mcp@0.2.0 complete",
            "npm exec -- workstream-mcp retry",
            "node node_modules/workstream-mcp/work.js release",
            "docker run ghcr.io/owner/workstream-mcp:0.2.0 approve stage 1",
            "/opt/work --json update --force --thread 1.1.1 --status cancelled",
        ] {
            assert!(denied(command), "{command}");
        }
        for command in [
            "work status",
            "work tree",
            "work read 01.01.01",
            "work report --stage 1",
            "work watch --once",
            "work assign --thread 1.1.1 --agent system-engineer-opus",
            "work update --thread 1.1.1 --status in_progress",
            "work update --thread 1.1.1 --status blocked --report \"I did retry\"",
            "work update --thread \"01.01.01\" --status completed --report \"the work is complete and approved\"",
            "work update --thread 1.1.1 --status blocked --report \"needs work on the release\"",
            "git commit -m \"complete the work\"",
            "echo framework approved",
            "cargo build --release",
            "git push --force",
            "npx -y workstream-mcp status",
            "npm install -g workstream-mcp",
            "cargo build -p workstream-mcp --release",
        ] {
            assert!(!denied(command), "{command}");
        }
    }
}
