//! Cursor, the editor and its command line.

use serde_json::json;

use super::markdown::{AgentFiles, Names, SHARED_SKILLS, about, page, planner_skills, quoted, worker_skill};
use super::piece::Piece;
use super::server_entry::{SERVER, entry};
use super::{Abilities, Host, PlannerTools, ProjectFiles, Refuses};
use crate::fault::Fault;
use crate::prompts::IMPLEMENT_THREAD;
use crate::roster::{Agent, Roster};

pub(super) const HOST: Host = Host {
    name: "cursor",
    title: "Cursor",
    signs: &[".cursor", ".cursorrules"],
    // Its agents inherit all tools of all servers, and no key of their files takes one away.
    can: Abilities { planner_tools: PlannerTools::Open, refuses_gates: Refuses::Hook, holds_silent_workers: true },
    command: "/execute-next-batch",
    next_step: "switch the server `work` on in Cursor's settings for MCP, or run `cursor-agent mcp enable work`",
    known_from: "documentation",
    workers: None,
    pieces,
    notes,
};

const HOOKS: &str = ".cursor/hooks.json";

const AGENTS: AgentFiles = AgentFiles { folder: ".cursor/agents", ending: ".md", names: Names::Files, text: agent };

fn pieces(_files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<Piece>, Fault> {
    let hook = |at: &'static str, event: &str, mark| Piece::Element {
        path: HOOKS,
        at: vec!["hooks", at],
        value: json!({"command": format!("work hook {event}")}),
        mark,
    };
    let mut pieces = vec![
        Piece::Server { path: ".cursor/mcp.json", at: vec!["mcpServers", SERVER], entry: entry() },
        Piece::Base { path: HOOKS, key: "version", value: json!(1) },
        hook("preToolUse", "pre-tool", "work hook pre-tool"),
        hook("subagentStop", "subagent-stop", "work hook subagent-stop"),
    ];
    pieces.extend(AGENTS.pieces(roster));
    pieces.extend(planner_skills(".cursor/skills", "", &[]));
    pieces.push(worker_skill(SHARED_SKILLS));
    Ok(pieces)
}

fn agent(agent: &Agent) -> String {
    let matter = [("name", quoted(&agent.name)), ("description", quoted(&about(agent)))];
    page(&matter, &IMPLEMENT_THREAD.text_with_prefix(""))
}

fn notes(_files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<String>, Fault> {
    Ok(AGENTS.without_file(roster))
}
