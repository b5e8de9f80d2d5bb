//! GitHub Copilot CLI.

use serde_json::{Value, json};

use super::claude::{SERVERS, hidden_servers};
use super::markdown::{AgentFiles, Names, SHARED_SKILLS, about, names_in, page, planner_skills, quoted, worker_skill};
use super::piece::Piece;
use super::server_entry::{IF_INSTALLED, SERVER};
use super::{Abilities, Host, PlannerTools, ProjectFiles, Refuses};
use crate::fault::Fault;
use crate::prompts::IMPLEMENT_THREAD;
use crate::roster::{Agent, Roster};

pub(super) const HOST: Host = Host {
    name: "copilot",
    title: "Copilot CLI",
    // Its agents and hooks are VS Code's too.
    signs: &[".github/mcp.json", ".github/copilot", ".github/copilot-instructions.md"],
    can: Abilities { planner_tools: PlannerTools::Hidden, refuses_gates: Refuses::Hook, holds_silent_workers: true },
    command: "/execute-next-batch",
    next_step: "start `copilot` in this folder, trust it, and allow the tools of `work` for good when it asks",
    known_from: "1.0.102, run",
    workers: None,
    pieces,
    notes,
};

/// The agents, which VS Code reads too.
pub(super) const AGENTS: AgentFiles =
    AgentFiles { folder: ".github/agents", ending: ".agent.md", names: Names::Files, text: agent };

fn pieces(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<Piece>, Fault> {
    // Copilot ignores the second file where the first one is there.
    let path = if files.text(SERVERS)?.is_none() && files.text(OWN_SERVERS)?.is_some() { OWN_SERVERS } else { SERVERS };
    let entry = json!({"type": "stdio", "command": "work", "args": ["mcp"]});
    let server = |path| Piece::Server { path, at: vec!["mcpServers", SERVER], entry: entry.clone() };
    let other = if path == SERVERS { OWN_SERVERS } else { SERVERS };
    let mut pieces = vec![server(path), Piece::Former(Box::new(server(other))), github_hooks()];
    pieces.extend(AGENTS.pieces(roster));
    pieces.extend(planner_skills(".github/skills", "", &[]));
    pieces.push(worker_skill(SHARED_SKILLS));
    Ok(pieces)
}

const OWN_SERVERS: &str = ".github/mcp.json";

/// The file of hooks of a project that Copilot CLI and VS Code both read.
pub(super) fn github_hooks() -> Piece {
    Piece::Guard { path: ".github/hooks/work.json".to_owned(), text: github_hooks_text() }
}

/// Returns the hooks in the form of both.
pub(super) fn github_hooks_text() -> String {
    // Where this program is not installed, a hook that cannot start would refuse every tool.
    let hook = |event: &str| {
        let command = format!("work hook {event}");
        json!([{"type": "command", "bash": format!("{IF_INSTALLED}{command}"), "powershell": command}])
    };
    let hooks = json!({"version": 1, "hooks": {"preToolUse": hook("pre-tool"), "subagentStop": hook("subagent-stop")}});
    format!("{hooks:#}\n")
}

fn agent(agent: &Agent) -> String {
    let matter = [
        ("name", quoted(&agent.name)),
        ("description", quoted(&about(agent))),
        (
            "tools",
            r#"["read", "edit", "search", "execute", "skill", "work/read_thread", "work/update_thread"]"#.to_owned(),
        ),
    ];
    page(&matter, &IMPLEMENT_THREAD.text_with_prefix(""))
}

fn notes(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<String>, Fault> {
    let mut notes = agent_notes(files, roster)?;
    notes.extend(hidden_servers(files)?);
    Ok(notes)
}

/// Returns what a person should look at in the files of agents.
pub(super) fn agent_notes(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<String>, Fault> {
    let hides = |matter: &Value| {
        let shown = names_in(matter.get("tools").unwrap_or(&Value::Null));
        let all = ["*", "work", "work/*", "work/next_batch", "work-next_batch"];
        !shown.is_empty() && !shown.iter().any(|name| all.contains(&name.as_str()))
    };
    AGENTS.notes(files, roster, hides, "list its tools, with work/read_thread and work/update_thread only")
}
