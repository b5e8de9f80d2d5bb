//! GitHub Copilot CLI.

use serde_json::json;

use super::claude::SERVERS;
use super::markdown::{AgentFiles, Names, SHARED_SKILLS, about, page, planner_skills, quoted, worker_skill};
use super::piece::Piece;
use super::server_entry::{IF_INSTALLED, SERVER};
use super::{Abilities, Host, PlannerTools, ProjectFiles, Refuses};
use crate::fault::Fault;
use crate::prompts::IMPLEMENT_THREAD;
use crate::roster::{Agent, Roster};

pub(super) const HOST: Host = Host {
    name: "copilot",
    title: "Copilot CLI",
    signs: &[".github/agents", ".github/hooks", ".github/mcp.json", ".github/copilot-instructions.md"],
    can: Abilities { planner_tools: PlannerTools::Hidden, refuses_gates: Refuses::Hook, holds_silent_workers: true },
    command: "/execute-next-batch",
    next_step: "start `copilot` in this folder, trust it, and allow the tools of `work` for good when it asks",
    known_from: "1.0.102, run",
    pieces,
    notes,
};

/// The agents, which VS Code reads too.
pub(super) const AGENTS: AgentFiles =
    AgentFiles { folder: ".github/agents", ending: ".agent.md", names: Names::Files, text: agent };

/// What an agent's file has in it if a worker sees two tools only, and how to say that it has not.
pub(super) const HIDES: (&str, &str) =
    ("work/read_thread", "list its tools, with work/read_thread and work/update_thread only");

fn pieces(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<Piece>, Fault> {
    // Copilot ignores the second file where the first one is there.
    let path = if files.text(SERVERS)?.is_none() && files.text(OWN_SERVERS)?.is_some() { OWN_SERVERS } else { SERVERS };
    let entry = json!({"type": "stdio", "command": "work", "args": ["mcp"]});
    let mut pieces = vec![Piece::Server { path, at: vec!["mcpServers", SERVER], entry }, github_hooks()];
    pieces.extend(AGENTS.pieces(roster));
    pieces.extend(planner_skills(".github/skills", "", &[]));
    pieces.push(worker_skill(SHARED_SKILLS, ""));
    Ok(pieces)
}

const OWN_SERVERS: &str = ".github/mcp.json";

/// The hooks in a form that Copilot CLI and VS Code both read.
pub(super) fn github_hooks() -> Piece {
    // Where this program is not installed, a hook that cannot start would refuse every tool.
    let hook = |event: &str| {
        let command = format!("work hook {event}");
        json!([{"type": "command", "bash": format!("{IF_INSTALLED}{command}"), "powershell": command}])
    };
    let hooks = json!({"version": 1, "hooks": {"preToolUse": hook("pre-tool"), "subagentStop": hook("subagent-stop")}});
    Piece::File { path: ".github/hooks/work.json".to_owned(), text: format!("{hooks:#}\n") }
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
    AGENTS.notes(files, roster, HIDES.0, HIDES.1)
}
