//! The bundle of the Agent Plugins specification 1.0: a manifest, the server and the skills. The specification has no
//! agents and no hooks. Copilot CLI and VS Code read theirs from a folder of their own in it.

use serde_json::json;

use super::{AUTHOR, BundleFile, PLUGIN, Release, SUMMARY, json_file, marketplace, skills, text_file, whole_files};
use crate::hosts::copilot::{AGENTS, github_hooks_text};
use crate::hosts::markdown::AgentFiles;
use crate::hosts::server_entry::SERVER;
use crate::roster::Roster;

/// Where the specification keeps its schemas. They are identifiers: no host fetches them.
const SCHEMAS: &str = "https://agent-plugins.org/schemas/1.0.0";

/// The agents for Copilot CLI and VS Code.
const COPILOT_AGENTS: AgentFiles = AgentFiles { folder: "agent-plugin/com.github.copilot/agents", ..AGENTS };

/// Returns the files of the bundle.
pub(super) fn files(release: &Release<'_>, roster: &Roster) -> Vec<BundleFile> {
    let manifest = json!({
        "$schema": format!("{SCHEMAS}/plugin.schema.json"),
        "name": PLUGIN,
        "version": release.version,
        "description": SUMMARY,
        "author": {"name": AUTHOR},
        "repository": release.repository,
        "license": release.licence,
    });
    let servers = json!({
        "$schema": format!("{SCHEMAS}/mcp.schema.json"),
        "mcpServers": {SERVER: {"type": "stdio", "command": "work", "args": ["mcp"]}},
    });
    let mut files = vec![
        marketplace(".github/plugin/marketplace.json", release, "./agent-plugin"),
        json_file("agent-plugin/plugin.json", &manifest),
        json_file("agent-plugin/mcp.json", &servers),
        text_file("agent-plugin/com.github.copilot/hooks/hooks.json", &github_hooks_text()),
        text_file("agent-plugin/LICENSE", release.licence_text),
        text_file("agent-plugin/README.md", &readme(release)),
    ];
    files.extend(whole_files(COPILOT_AGENTS.pieces(roster)));
    files.extend(skills("agent-plugin/skills", ""));
    files
}

fn readme(release: &Release<'_>) -> String {
    let Release { package, repository, .. } = release;
    format!(
        "# work, as an Agent Plugin

A plan in a file of your repository, executed batch by batch by the subagents of your coding agent. This bundle has the
server `work mcp`, the skills of planner, author and worker, and for Copilot CLI and VS Code an agent for each of the
roster that `work init` writes, and the hooks that refuse commands which only a person may run. Install the program, and
then the bundle, here into Copilot CLI:

    npm install -g {package}
    copilot plugin marketplace add FOLDER
    copilot plugin install {PLUGIN}@{package}

FOLDER is the folder or the repository above this one.

**In other hosts nothing keeps an agent from your commands**: a bundle of this kind has hooks for those two only. `work init`
with your host sets them up; see docs/hosts.md of {repository}.

**The server finds your project** only if the host tells its folder as an MCP root, or if `WORK_ROOT` names it in the
environment of the host: such a server starts in the folder of the bundle.
"
    )
}
