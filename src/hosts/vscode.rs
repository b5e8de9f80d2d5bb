//! VS Code, with its own agents.

use super::copilot::{AGENTS, agent_notes, github_hooks};
use super::markdown::{SHARED_SKILLS, planner_skills, worker_skill};
use super::piece::Piece;
use super::server_entry::{SERVER, entry};
use super::{Abilities, Host, PlannerTools, ProjectFiles, Refuses};
use crate::fault::Fault;
use crate::roster::Roster;

pub(super) const HOST: Host = Host {
    name: "vscode",
    title: "VS Code",
    signs: &[".vscode"],
    // The transcript in which a worker's calls stand has no stable form.
    can: Abilities { planner_tools: PlannerTools::Hidden, refuses_gates: Refuses::Hook, holds_silent_workers: false },
    command: "/execute-next-batch",
    next_step: "open this folder in VS Code, trust it, and start the server `work` in .vscode/mcp.json",
    known_from: "documentation",
    workers: None,
    pieces,
    notes: agent_notes,
};

fn pieces(_files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<Piece>, Fault> {
    let mut pieces =
        vec![Piece::Server { path: ".vscode/mcp.json", at: vec!["servers", SERVER], entry: entry() }, github_hooks()];
    pieces.extend(AGENTS.pieces(roster));
    pieces.extend(planner_skills(".github/skills", "", &[]));
    pieces.push(worker_skill(SHARED_SKILLS));
    Ok(pieces)
}
