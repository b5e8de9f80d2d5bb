//! Gemini CLI.

use serde_json::{Value, json};

use super::markdown::{AgentFiles, Names, SHARED_SKILLS, about, names_in, page, quoted, worker_skill};
use super::piece::Piece;
use super::server_entry::{IF_INSTALLED, SERVER, entry};
use super::settings::Settings;
use super::{Abilities, Host, PlannerTools, ProjectFiles, Refuses};
use crate::fault::Fault;
use crate::prompts::IMPLEMENT_THREAD;
use crate::roster::{Agent, Roster};

pub(super) const HOST: Host = Host {
    name: "gemini",
    title: "Gemini CLI",
    signs: &[".gemini", "GEMINI.md"],
    can: Abilities { planner_tools: PlannerTools::Hidden, refuses_gates: Refuses::Hook, holds_silent_workers: false },
    command: "/execute-next-batch",
    next_step: "start `gemini` in this folder, choose \"Trust folder\", then \"Acknowledge and Enable\" for the agents",
    known_from: "0.61.0, run",
    workers: None,
    pieces,
    notes,
};

const SETTINGS: &str = ".gemini/settings.json";

const AGENTS: AgentFiles = AgentFiles { folder: ".gemini/agents", ending: ".md", names: Names::Slugs, text: agent };

fn pieces(_files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<Piece>, Fault> {
    let command = format!("{IF_INSTALLED}work hook pre-tool");
    let hook: Value = json!({"hooks": [{"type": "command", "command": command}]});
    let mut pieces = vec![
        Piece::Server { path: SETTINGS, at: vec!["mcpServers", SERVER], entry: entry() },
        Piece::Element { path: SETTINGS, at: vec!["hooks", "BeforeTool"], value: hook, mark: "work hook pre-tool" },
    ];
    pieces.extend(AGENTS.pieces(roster));
    // The server's prompts are its commands /execute-next-batch and /write-plan. Files of these names would rename them.
    pieces.push(worker_skill(SHARED_SKILLS));
    Ok(pieces)
}

/// The tools of a worker. An agent without a list has all tools of all servers.
const TOOLS: [&str; 10] = [
    "read_file",
    "list_directory",
    "glob",
    "grep_search",
    "write_file",
    "replace",
    "run_shell_command",
    "activate_skill",
    "mcp_work_read_thread",
    "mcp_work_update_thread",
];

fn agent(agent: &Agent) -> String {
    let tools = format!("\n  - {}", TOOLS.join("\n  - "));
    let matter = [("name", quoted(&agent.name)), ("description", quoted(&about(agent))), ("tools", tools)];
    page(&matter, &IMPLEMENT_THREAD.text_with_prefix(""))
}

/// Returns what voids the set-up: files of agents that show a worker all tools, and settings of the project or the person.
fn notes(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<String>, Fault> {
    let hides = |matter: &Value| {
        let shown = names_in(matter.get("tools").unwrap_or(&Value::Null));
        let all = ["*", "mcp_*", "mcp_work_*", "mcp_work_next_batch"];
        !shown.is_empty() && !shown.iter().any(|name| all.contains(&name.as_str()))
    };
    let told = "list its tools, with mcp_work_read_thread and mcp_work_update_thread only";
    let mut notes = AGENTS.notes(files, roster, hides, told)?;
    for path in [SETTINGS, "~/.gemini/settings.json"] {
        let Some(settings) = Settings::seen(files, path)? else { continue };
        let at = ["hooksConfig", "enabled"];
        if settings.get(&at) == Some(json!(false)) {
            notes.push(settings.note(&at, "switches off the hook that refuses gate commands: remove it"));
        }
        if settings.lists(&["mcp", "excluded"], &[SERVER]) {
            notes.push(
                settings.note(&["mcp", "excluded"], "names this server, which does not start then: remove it there"),
            );
        }
    }
    Ok(notes)
}
