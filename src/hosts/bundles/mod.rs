//! PURE. Bundles: the set-up of hosts in the forms in which registries and marketplaces hand it out, made from the same
//! sources as `work init` (DESIGN §11). `cargo run --example bundles -- FOLDER` writes them.
//!
//! All of them call `work` by its name: the hooks run before each call of a tool, which a runner of packages would slow
//! down, and a person needs the command on the `PATH` anyway, to pass the gates.

mod agent_plugin;
mod claude_code;
mod server_json;

use serde_json::{Value, json};

use super::markdown::{planner_skills, worker_skill};
use super::piece::Piece;
use crate::roster::Roster;

/// The release that the bundles belong to.
#[derive(Debug, Clone, Copy)]
pub struct Release<'r> {
    /// The name of the package, on npm too.
    pub package: &'r str,
    /// The version.
    pub version: &'r str,
    /// The licence, as SPDX names it.
    pub licence: &'r str,
    /// The text of the licence.
    pub licence_text: &'r str,
    /// The address of the repository, `https://HOST/OWNER/NAME`.
    pub repository: &'r str,
}

/// A file of the bundles.
#[derive(Debug, PartialEq, Eq)]
pub struct BundleFile {
    /// Its path, relative to the folder of the bundles.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The name of the plugins. Hosts put it before the names of their agents and skills.
const PLUGIN: &str = "work";

/// What the program is, in a line. The registry of MCP takes at most 100 characters.
const SUMMARY: &str = "Executes a written plan batch by batch: planners, workers, failover, and gates for a person.";

/// Who has made it, as in LICENSE.
const AUTHOR: &str = "The workstream-mcp authors";

/// Returns all files: the plugin of Claude Code and an Agent Plugins bundle, each with a marketplace that names it, and the
/// entry for the registry of MCP. `None`: the address of the repository is none from which a name can be made.
pub fn bundles(release: &Release<'_>, roster: &Roster) -> Option<Vec<BundleFile>> {
    let server = server_json::file(release)?;
    let plugins = [claude_code::files(release, roster), agent_plugin::files(release, roster)];
    Some(plugins.into_iter().flatten().chain([server]).collect())
}

/// What the planner's prompt says of an agent's profile, and what is true of it where a plugin has the profiles.
const PROFILE: [&str; 2] = [
    "A thread's `agent` is its worker's profile.",
    "A thread's `agent` NAME is the profile `NAME` if you have one, else `work:NAME`.",
];

/// Returns the skills of planners, authors and workers in a folder, with `prefix` before the names of tools.
fn skills(folder: &str, prefix: &str) -> impl Iterator<Item = BundleFile> {
    let pieces = planner_skills(folder, prefix, &[]).into_iter().chain([worker_skill(folder)]);
    whole_files(pieces).map(|file| BundleFile { text: file.text.replace(PROFILE[0], PROFILE[1]), ..file })
}

/// Returns a file of JSON.
fn json_file(path: &str, value: &Value) -> BundleFile {
    text_file(path, &format!("{value:#}\n"))
}

/// Returns the file by which the folder of the bundles is a marketplace, with one plugin from the folder `source`.
fn marketplace(path: &str, release: &Release<'_>, source: &str) -> BundleFile {
    let plugin = json!({"name": PLUGIN, "source": source, "description": SUMMARY});
    let owner = json!({"name": AUTHOR});
    json_file(path, &json!({"name": release.package, "description": SUMMARY, "owner": owner, "plugins": [plugin]}))
}

fn text_file(path: &str, text: &str) -> BundleFile {
    BundleFile { path: path.to_owned(), text: text.to_owned() }
}

/// Returns the whole files among the pieces of a set-up.
fn whole_files(pieces: impl IntoIterator<Item = Piece>) -> impl Iterator<Item = BundleFile> {
    pieces.into_iter().filter_map(|piece| match piece {
        Piece::File { path, text } => Some(BundleFile { path, text }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::Agent;

    const RELEASE: Release<'_> = Release {
        package: "workstream-mcp",
        version: "1.2.3",
        licence: "MIT",
        licence_text: "Free.\n",
        repository: "https://github.com/Owner/workstream-mcp.git",
    };

    fn made() -> Vec<BundleFile> {
        let agents = vec![Agent::named("default"), Agent::named("back-end")];
        bundles(&RELEASE, &Roster { agents, ..Roster::undeclared([]) }).unwrap()
    }

    fn text(path: &str) -> String {
        made().into_iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}")).text
    }

    #[test]
    fn the_files_are_those_that_hosts_read() {
        let paths: Vec<String> = made().into_iter().map(|file| file.path).collect();
        insta::assert_snapshot!(paths.join("\n"), @"
        .claude-plugin/marketplace.json
        claude-code/.claude-plugin/plugin.json
        claude-code/.mcp.json
        claude-code/hooks/hooks.json
        claude-code/LICENSE
        claude-code/README.md
        claude-code/agents/default.md
        claude-code/agents/back-end.md
        claude-code/skills/execute-next-batch/SKILL.md
        claude-code/skills/write-plan/SKILL.md
        claude-code/skills/implementing-workstreams/SKILL.md
        .github/plugin/marketplace.json
        agent-plugin/plugin.json
        agent-plugin/mcp.json
        agent-plugin/com.github.copilot/hooks/hooks.json
        agent-plugin/LICENSE
        agent-plugin/README.md
        agent-plugin/com.github.copilot/agents/default.agent.md
        agent-plugin/com.github.copilot/agents/back-end.agent.md
        agent-plugin/skills/execute-next-batch/SKILL.md
        agent-plugin/skills/write-plan/SKILL.md
        agent-plugin/skills/implementing-workstreams/SKILL.md
        server.json
        ");
    }

    #[test]
    fn manifests() {
        let paths = [
            ".claude-plugin/marketplace.json",
            ".github/plugin/marketplace.json",
            "claude-code/.claude-plugin/plugin.json",
            "claude-code/.mcp.json",
            "claude-code/hooks/hooks.json",
            "agent-plugin/plugin.json",
            "agent-plugin/mcp.json",
            "agent-plugin/com.github.copilot/hooks/hooks.json",
            "server.json",
        ];
        let compact = |path: &str| {
            let value: Value = serde_json::from_str(&text(path)).unwrap();
            format!("{path}\n{}", value.to_string().replace(SUMMARY, "[summary]"))
        };
        insta::assert_snapshot!(paths.map(compact).join("\n"), @r#"
        .claude-plugin/marketplace.json
        {"name":"workstream-mcp","description":"[summary]","owner":{"name":"The workstream-mcp authors"},"plugins":[{"name":"work","source":"./claude-code","description":"[summary]"}]}
        .github/plugin/marketplace.json
        {"name":"workstream-mcp","description":"[summary]","owner":{"name":"The workstream-mcp authors"},"plugins":[{"name":"work","source":"./agent-plugin","description":"[summary]"}]}
        claude-code/.claude-plugin/plugin.json
        {"name":"work","version":"1.2.3","description":"[summary]","author":{"name":"The workstream-mcp authors"},"homepage":"https://github.com/Owner/workstream-mcp.git","license":"MIT"}
        claude-code/.mcp.json
        {"mcpServers":{"work":{"command":"work","args":["mcp"]}}}
        claude-code/hooks/hooks.json
        {"hooks":{"PreToolUse":[{"hooks":[{"type":"command","command":"work hook pre-tool"}]},{"matcher":"mcp__plugin_work_work__.*","hooks":[{"type":"command","command":"echo '{\"hookSpecificOutput\":{\"hookEventName\":\"PreToolUse\",\"permissionDecision\":\"allow\"}}'"}]}],"SubagentStop":[{"hooks":[{"type":"command","command":"work hook subagent-stop"}]}]}}
        agent-plugin/plugin.json
        {"$schema":"https://agent-plugins.org/schemas/1.0.0/plugin.schema.json","name":"work","version":"1.2.3","description":"[summary]","author":{"name":"The workstream-mcp authors"},"repository":"https://github.com/Owner/workstream-mcp.git","license":"MIT"}
        agent-plugin/mcp.json
        {"$schema":"https://agent-plugins.org/schemas/1.0.0/mcp.schema.json","mcpServers":{"work":{"type":"stdio","command":"work","args":["mcp"]}}}
        agent-plugin/com.github.copilot/hooks/hooks.json
        {"version":1,"hooks":{"preToolUse":[{"type":"command","bash":"command -v work >/dev/null || exit 0; work hook pre-tool","powershell":"work hook pre-tool"}],"subagentStop":[{"type":"command","bash":"command -v work >/dev/null || exit 0; work hook subagent-stop","powershell":"work hook subagent-stop"}]}}
        server.json
        {"$schema":"https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json","name":"io.github.Owner/workstream-mcp","title":"Workstreams","description":"[summary]","repository":{"url":"https://github.com/Owner/workstream-mcp.git","source":"github"},"version":"1.2.3","packages":[{"registryType":"npm","identifier":"workstream-mcp","version":"1.2.3","runtimeHint":"npx","transport":{"type":"stdio"},"packageArguments":[{"type":"positional","value":"mcp"}],"environmentVariables":[{"name":"WORK_ROOT","description":"The folder that holds work/. Default: the nearest one upwards.","format":"filepath"},{"name":"WORK_STREAM","description":"The workstream, by id or name. Default: the current one."},{"name":"WORK_STORE","description":"The database that holds the workspace, in place of files: postgres://…","isSecret":true},{"name":"WORK_LOG","description":"How much it says on stderr.","choices":["off","error","warn","info","debug","trace"],"default":"warn"}]}]}
        "#);
    }

    #[test]
    fn what_the_plugin_of_claude_code_says_has_the_names_that_its_server_has() {
        let agent = text("claude-code/agents/back-end.md");
        insta::assert_snapshot!(agent.split("\n\n").next().unwrap(), @r#"
        ---
        name: "back-end"
        description: "Runs one thread of a workstream"
        disallowedTools: mcp__plugin_work_work__next_batch, mcp__plugin_work_work__assign_thread, mcp__plugin_work_work__batch_outcome, mcp__plugin_work_work__workstream_status, Agent
        ---
        "#);
        let files = made();
        let of_claude = files.iter().filter(|file| file.path.starts_with("claude-code/"));
        for file in of_claude.filter(|file| !file.path.contains("implementing-workstreams")) {
            for tool in ["next_batch", "assign_thread", "batch_outcome", "read_thread", "update_thread"] {
                let (all, ours) = (
                    file.text.matches(tool).count(),
                    file.text.matches(&format!("{}{tool}", claude_code::PREFIX)).count(),
                );
                assert_eq!(all, ours, "{}: {tool}", file.path);
            }
        }
    }

    #[test]
    fn a_planner_is_told_how_the_profiles_of_a_plugin_are_called() {
        for plugin in ["claude-code", "agent-plugin"] {
            assert!(text(&format!("{plugin}/skills/execute-next-batch/SKILL.md")).contains(PROFILE[1]), "{plugin}");
        }
    }

    #[test]
    fn a_name_for_the_registry_comes_from_the_repository() {
        let name = |repository| server_json::name(&Release { repository, ..RELEASE });
        assert_eq!(name("https://github.com/Owner/x").as_deref(), Some("io.github.Owner/workstream-mcp"));
        assert_eq!(name("https://git.example.org/OWNER/x").as_deref(), Some("org.example.git/workstream-mcp"));
        for bad in ["", "https://github.com/", "https://github.com", "git@github.com:Owner/x", "https://a:1/b/c"] {
            assert_eq!(name(bad), None, "{bad}");
        }
        assert!(SUMMARY.len() <= 100, "{}", SUMMARY.len());
    }
}
