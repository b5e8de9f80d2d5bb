//! `work init --HOST`, through the program. What becomes of each file is tested beside `hosts::set_up`.

use crate::support::{Workspace, session};
use workstream::hosts::{HOSTS, PlannerTools, Refuses};

/// A workspace with one agent, so that a set-up has few files.
fn small() -> Workspace {
    let workspace = Workspace::empty();
    workspace.write("work/agents.yaml", "agents: [{name: default}]\n");
    workspace
}

#[test]
fn a_host_is_set_up_and_taken_back() {
    let workspace = small();
    workspace.write(".claude/settings.json", "{\n  // ours\n  \"model\": \"opus\"\n}\n");
    insta::assert_snapshot!(session(&workspace, &["work init --claude --codex", "work init --claude", "work init --remove --hosts"]), @r#"
    $ work init --claude --codex
    exit 0
    workspace [workspace]
      created  work/index.json
      created  .mcp.json
      created  .claude/agents/default.md
      created  .claude/skills/execute-next-batch/SKILL.md
      created  .claude/skills/write-plan/SKILL.md
      created  .claude/skills/implementing-workstreams/SKILL.md
      created  .codex/config.toml
      created  .codex/hooks.json
      created  .codex/rules/work.rules
      created  .codex/agents/default.toml
      created  .codex/skills/execute-next-batch/SKILL.md
      created  .codex/skills/write-plan/SKILL.md
      created  .agents/skills/implementing-workstreams/SKILL.md
      changed  .claude/settings.json
                 + enabledMcpjsonServers: work
                 + permissions.allow: mcp__work
                 + permissions.deny: Bash(work approve:*)
                 + permissions.deny: Bash(work archive:*)
                 + permissions.deny: Bash(work complete:*)
                 + permissions.deny: Bash(work delete:*)
                 + permissions.deny: Bash(work edit:*)
                 + permissions.deny: Bash(work release:*)
                 + permissions.deny: Bash(work rename:*)
                 + permissions.deny: Bash(work retry:*)
                 + permissions.deny: Bash(work store:*)
                 + hooks.PreToolUse: work hook pre-tool
                 + hooks.SubagentStop: work hook subagent-stop
                 + env.CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS
      kept     work/agents.yaml
    Claude Code: run `claude` once in this folder, and choose "Yes, I trust this folder"
    Codex: start `codex` in this folder, trust it, and then trust its hooks: in each clone, and when they change
    Next: work create NAME --stages N
    $ work init --claude
    exit 0
    workspace [workspace]
      kept     work/index.json
      kept     work/agents.yaml
      kept     .mcp.json
      kept     .claude/settings.json
      kept     .claude/agents/default.md
      kept     .claude/skills/execute-next-batch/SKILL.md
      kept     .claude/skills/write-plan/SKILL.md
      kept     .claude/skills/implementing-workstreams/SKILL.md
    Claude Code: run `claude` once in this folder, and choose "Yes, I trust this folder"
    Next: work create NAME --stages N
    $ work init --remove --hosts
    exit 0
    workspace [workspace]
      changed  .claude/settings.json
                 - enabledMcpjsonServers: work
                 - permissions.allow: mcp__work
                 - permissions.deny: Bash(work approve:*)
                 - permissions.deny: Bash(work archive:*)
                 - permissions.deny: Bash(work complete:*)
                 - permissions.deny: Bash(work delete:*)
                 - permissions.deny: Bash(work edit:*)
                 - permissions.deny: Bash(work release:*)
                 - permissions.deny: Bash(work rename:*)
                 - permissions.deny: Bash(work retry:*)
                 - permissions.deny: Bash(work store:*)
                 - hooks.PreToolUse: work hook pre-tool
                 - hooks.SubagentStop: work hook subagent-stop
                 - env.CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS
      removed  .mcp.json
      removed  .claude/agents/default.md
      removed  .claude/skills/execute-next-batch/SKILL.md
      removed  .claude/skills/write-plan/SKILL.md
      removed  .claude/skills/implementing-workstreams/SKILL.md
      removed  .codex/config.toml
      removed  .codex/hooks.json
      removed  .codex/rules/work.rules
      removed  .codex/agents/default.toml
      removed  .codex/skills/execute-next-batch/SKILL.md
      removed  .codex/skills/write-plan/SKILL.md
      removed  .agents/skills/implementing-workstreams/SKILL.md
    "#);
    assert_eq!(workspace.read(".claude/settings.json"), "{\n  // ours\n  \"model\": \"opus\"\n}\n");
    for gone in [".mcp.json", ".claude/agents", ".claude/skills", ".codex", ".agents"] {
        assert!(!workspace.root().join(gone).exists(), "{gone}");
    }
}

#[test]
fn nothing_is_written_in_a_dry_run() {
    let workspace = Workspace::empty();
    workspace.write(".vscode/mcp.json", "{\n  \"servers\": {\"work\": {\"command\": \"tracker\"}}\n}\n");
    let seen = session(&workspace, &["work init --hosts --dry-run"]);
    assert!(seen.contains("+++ .github/hooks/work.json\n@@ -0,0 +1,"), "{seen}");
    let told: Vec<&str> = seen.lines().filter(|line| !line.starts_with(['+', '-', '@'])).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    $ work init --hosts --dry-run
    exit 0
    workspace [workspace]
      would be created  work/index.json
      would be created  work/agents.yaml
      would be created  .github/hooks/work.json
      would be created  .github/agents/default.agent.md
      would be created  .github/agents/system-engineer-codex.agent.md
      would be created  .github/agents/system-engineer-opus.agent.md
      would be created  .github/agents/frontend-designer-opus.agent.md
      would be created  .github/agents/frontend-designer-gemini.agent.md
      would be created  .github/skills/execute-next-batch/SKILL.md
      would be created  .github/skills/write-plan/SKILL.md
      would be created  .agents/skills/implementing-workstreams/SKILL.md
      kept     .vscode/mcp.json
    warning: .vscode/mcp.json:2: servers.work starts `tracker`, not `work mcp`:
             rename it, or delete it and run this command again
    nothing was written
    ");
    let left: Vec<_> = std::fs::read_dir(workspace.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".vscode"]);
    insta::assert_snapshot!(session(&small(), &["work init --hosts --dry-run", "work init --remove", "work init --hosts --claude"]), @"
    $ work init --hosts --dry-run
    exit 0
    workspace [workspace]
      no host has left a sign here; name one: --opencode, --claude, --codex, --vscode, --copilot, --cursor, --gemini
      would be created  work/index.json
      kept     work/agents.yaml
    nothing was written
    $ work init --remove
    exit 2
    stderr: error: --remove takes back the set-up of hosts, and none is named
    stderr: Hint: name the hosts, such as --claude, or give --hosts for all that the project shows signs of
    $ work init --hosts --claude
    exit 2
    stderr: error: the argument '--hosts' cannot be used with '--claude'
    stderr: 
    stderr: Usage: work init --hosts
    stderr: 
    stderr: For more information, try '--help'.
    ");
}

#[test]
fn another_ones_entry_is_said_and_left() {
    let workspace = small();
    let other = "{\"mcpServers\": {\n\"work\": {\"command\": \"tracker\", \"args\": [\"serve\"]}}}\n";
    workspace.write(".mcp.json", other);
    let told = workspace.work(&["init", "--claude"]);
    assert!(
        told.contains(
            "warning: .mcp.json:2: mcpServers.work starts `tracker serve`, not `work mcp`:\n         rename it, or delete it and run this command again\n"
        ),
        "{told}"
    );
    assert_eq!(workspace.read(".mcp.json"), other);
    let json: serde_json::Value = serde_json::from_str(&workspace.stdout(&["init", "--claude", "--json"])).unwrap();
    assert_eq!(json["hosts"][0]["title"], "Claude Code");
    assert!(json["warnings"][0].as_str().unwrap().starts_with(".mcp.json:2: "), "{json}");
}

#[cfg(unix)]
#[test]
fn nothing_outside_of_the_project_is_changed() {
    use std::os::unix::fs::symlink;

    let outside = small();
    outside.stdout(&["init", "--claude"]);
    let workspace = small();
    symlink(outside.root().join(".claude"), workspace.root().join(".claude")).unwrap();
    let refused = |arguments: &[&str]| {
        let seen = workspace.work(arguments);
        assert!(seen.contains("a symbolic link leads out of the project"), "{seen}");
    };
    refused(&["init", "--remove", "--claude"]);
    symlink(outside.root().join("work"), workspace.root().join(".gemini")).unwrap();
    refused(&["init", "--codex", "--gemini", "--dry-run"]);
    refused(&["init", "--codex", "--gemini"]);
    assert!(!workspace.root().join(".codex").exists(), "nothing else was written either");
    assert!(outside.root().join(".claude/settings.json").exists());
    // A link within the project is followed, and stays.
    let workspace = small();
    workspace.write("config/servers.json", "{}");
    symlink("config/servers.json", workspace.root().join(".mcp.json")).unwrap();
    workspace.stdout(&["init", "--claude"]);
    assert!(workspace.read("config/servers.json").contains("work"));
    workspace.stdout(&["init", "--claude", "--remove"]);
    assert_eq!(workspace.read("config/servers.json"), "{}\n");
    assert!(workspace.root().join(".mcp.json").is_symlink());
}

/// The tables of what a host can do are the one in the code.
#[test]
fn the_documents_say_what_each_host_can_do() {
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    let rows = HOSTS.map(|host| {
        let gates = match host.can.refuses_gates {
            Refuses::Hook => "by `work hook`",
            Refuses::HookOrPatterns => "by `work hook`; in 2 by patterns",
        };
        let tools = match host.can.planner_tools {
            PlannerTools::Hidden => "hidden",
            PlannerTools::Refused => "refused",
            PlannerTools::Open => "open",
        };
        format!(
            "| {} | `--{}` | {} | {gates} | {} | `{}` | {} |",
            host.title,
            host.name,
            tools,
            yes(host.can.holds_silent_workers),
            host.command,
            host.known_from
        )
    });
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let short = HOSTS.map(|host| {
        format!("| {} | `work init --{}` | `{}` | {} |", host.title, host.name, host.command, host.known_from)
    });
    for (document, rows) in [("README.md", short), ("docs/hosts.md", rows)] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        assert!(text.contains(&rows.join("\n")), "{document} must have\n{}", rows.join("\n"));
    }
    let steps = HOSTS.map(|host| format!("- **{}**: {}.", host.title, host.next_step));
    let text = std::fs::read_to_string(root.join("docs/hosts.md")).unwrap();
    assert!(text.contains(&steps.join("\n")), "docs/hosts.md must have\n{}", steps.join("\n"));
}

#[test]
fn a_host_that_would_not_find_the_program_is_told() {
    let workspace = small();
    let init = |path: &str, arguments: &[&str]| {
        workspace.seen(&workspace.command(arguments).env("PATH", path).output().unwrap())
    };
    let told = init("/nowhere", &["init", "--gemini"]);
    let warning: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("warning")).collect();
    insta::assert_snapshot!(warning.join("\n"), @r#"
    warning: no program `work` is on the PATH, so hosts can start neither the server
             nor the hook that refuses gate commands: install it, such as with `npm
             install -g workstream-mcp`
    Gemini CLI: start `gemini` in this folder, choose "Trust folder", then "Acknowledge and Enable" for the agents
    Next: work create NAME --stages N
    "#);
    // A runner of packages has it on the PATH for itself alone.
    let program = workspace.root().join("node_modules/.bin/work");
    workspace.write("node_modules/.bin/work", "");
    let passing = program.parent().unwrap().display().to_string();
    assert!(init(&passing, &["init", "--gemini"]).contains("no program `work` is on the PATH"));
    // Without a host there is nothing to find, and nothing is added by --remove.
    for arguments in [["init", "--json"].as_slice(), &["init", "--gemini", "--remove"]] {
        assert!(!init("/nowhere", arguments).contains("on the PATH"), "{arguments:?}");
    }
}
