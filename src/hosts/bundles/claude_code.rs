//! The plugin of Claude Code, and the marketplace that it is installed from: what `work init --claude` writes, without a
//! project.

use serde_json::{Value, json};

use super::{AUTHOR, BundleFile, PLUGIN, Release, SUMMARY, json_file, marketplace, skills, text_file, whole_files};
use crate::hosts::claude::{agent_file, hook};
use crate::hosts::markdown::{AgentFiles, Names};
use crate::hosts::server_entry::{SERVER, entry};
use crate::roster::{Agent, Roster};

/// The prefix that Claude Code puts before the names of the tools of a plugin's server: the plugin, and the server.
pub(super) const PREFIX: &str = "mcp__plugin_work_work__";

const AGENTS: AgentFiles = AgentFiles { folder: "claude-code/agents", ending: ".md", names: Names::Files, text: agent };

fn agent(agent: &Agent) -> String {
    // Hooks in the file of a plugin's agent are ignored. Those of the plugin hold in every folder.
    agent_file(agent, PREFIX, &[])
}

/// Returns the files of the plugin and of the marketplace.
pub(super) fn files(release: &Release<'_>, roster: &Roster) -> Vec<BundleFile> {
    let Release { version, licence, repository, .. } = release;
    let manifest = json!({
        "name": PLUGIN,
        "version": version,
        "description": SUMMARY,
        "author": {"name": AUTHOR},
        "homepage": repository,
        "license": licence,
    });
    let mut files = vec![
        marketplace(".claude-plugin/marketplace.json", release, "./claude-code"),
        json_file("claude-code/.claude-plugin/plugin.json", &manifest),
        json_file("claude-code/.mcp.json", &json!({"mcpServers": {SERVER: entry()}})),
        json_file("claude-code/hooks/hooks.json", &hooks()),
        text_file("claude-code/LICENSE", release.licence_text),
        text_file("claude-code/README.md", &readme(release)),
    ];
    files.extend(whole_files(AGENTS.pieces(roster)));
    files.extend(skills("claude-code/skills", PREFIX));
    files
}

fn hooks() -> Value {
    // A plugin can bring no rules of permission, and a worker in the background cannot ask the person. None of these
    // tools passes a gate, and a rule of the person that denies one comes before this.
    let allowed = json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}});
    let allow = json!({"type": "command", "command": format!("echo '{allowed}'")});
    json!({"hooks": {
        "PreToolUse": [hook("pre-tool"), {"matcher": format!("{PREFIX}.*"), "hooks": [allow]}],
        "SubagentStop": [hook("subagent-stop")],
    }})
}

fn readme(release: &Release<'_>) -> String {
    let Release { package, repository, .. } = release;
    format!(
        "# work, for Claude Code

A plan in a file of your repository, executed batch by batch: Claude Code launches one subagent per thread, `work` records
the results, decides retries and reassignments, and waits for your approval between stages.

Install the program, and then this plugin:

    npm install -g {package}
    claude plugin marketplace add FOLDER
    claude plugin install {PLUGIN}@{package}

FOLDER is the folder or the repository above this one. Then, in your repository: `work init`, `work create NAME`, write the
plan, `work approve plan`, and in Claude Code `/{PLUGIN}:execute-next-batch`.

It has the server `work mcp`, an agent for each of the roster that `work init` writes, the skills of planner, author and
worker, and hooks: `work hook` refuses commands that only a person may run, and sends a worker back that ends without a
report; another hook allows the server's own tools.

Agents of your own roster, rules that hold without hooks, and the files for your whole team come from
`work init --claude`. Use the one or the other. More is in docs/hosts.md of {repository}.
"
    )
}
