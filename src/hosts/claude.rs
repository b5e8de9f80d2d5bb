//! Claude Code.

use serde_json::{Value, json};

use super::markdown::{AgentFiles, Names, about, names_in, page, planner_skills, quoted, worker_skill};
use super::piece::Piece;
use super::server_entry::{SERVER, conflict, entry};
use super::settings::Settings;
use super::{Abilities, Host, PlannerTools, ProjectFiles, Refuses};
use crate::fault::Fault;
use crate::prompts::IMPLEMENT_THREAD;
use crate::roster::{Agent, Roster};

pub(super) const HOST: Host = Host {
    name: "claude",
    title: "Claude Code",
    signs: &[".claude", "CLAUDE.md"],
    can: Abilities { planner_tools: PlannerTools::Hidden, refuses_gates: Refuses::Hook, holds_silent_workers: true },
    command: "/execute-next-batch",
    next_step: "run `claude` once in this folder, and choose \"Yes, I trust this folder\"",
    known_from: "2.1.332, run",
    workers: Some(super::workers::CLAUDE),
    pieces,
    notes,
};

/// The file of the servers, which Copilot CLI reads too.
pub(super) const SERVERS: &str = ".mcp.json";

/// The file of hooks and permissions.
const SETTINGS: &str = ".claude/settings.json";

/// The prefix that Claude Code puts before the names of this server's tools.
const PREFIX: &str = "mcp__work__";

/// The tools of this server that a worker does not see.
const HIDDEN: [&str; 4] = ["next_batch", "assign_thread", "batch_outcome", "workstream_status"];

/// What refuses the plain spellings of gate commands where hooks are switched off, or the folder is not trusted yet.
const DENIED: [&str; 9] = [
    "Bash(work approve:*)",
    "Bash(work archive:*)",
    "Bash(work complete:*)",
    "Bash(work delete:*)",
    "Bash(work edit:*)",
    "Bash(work release:*)",
    "Bash(work rename:*)",
    "Bash(work retry:*)",
    "Bash(work store:*)",
];

/// The hook of an agent or a skill: a session that was started in a subfolder reads these files, and not [`SETTINGS`].
const OWN_HOOK: &str = "\n  PreToolUse:\n    - hooks:\n        - type: command\n          command: work hook pre-tool";

const PLANNER_TOOLS: [&str; 3] = ["mcp__work__next_batch", "mcp__work__assign_thread", "mcp__work__batch_outcome"];

const WORKER_TOOLS: [&str; 2] = ["mcp__work__read_thread", "mcp__work__update_thread"];

const AGENTS: AgentFiles = AgentFiles { folder: ".claude/agents", ending: ".md", names: Names::Paths, text: agent };

fn pieces(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<Piece>, Fault> {
    let element =
        |at: &[&'static str], value: Value, mark| Piece::Element { path: SETTINGS, at: at.to_vec(), value, mark };
    let known = Settings::seen(files, SERVERS)?.and_then(|servers| servers.get(&["mcpServers", SERVER]));
    let is_foreign = known.is_some_and(|known| conflict(&known).is_some());
    let let_through = [
        // Without it a second question follows that of trust, and the answer that it offers first is no.
        element(&["enabledMcpjsonServers"], json!(SERVER), SERVER),
        // A worker in the background cannot ask the person, so the tools must be allowed before.
        element(&["permissions", "allow"], json!("mcp__work"), "mcp__work"),
    ];
    let mut pieces = vec![Piece::Server { path: SERVERS, at: vec!["mcpServers", SERVER], entry: entry() }];
    // The names would let through whatever program has taken this one's place.
    pieces.extend(let_through.map(|piece| if is_foreign { Piece::Former(Box::new(piece)) } else { piece }));
    pieces.extend(DENIED.map(|pattern| element(&["permissions", "deny"], json!(pattern), pattern)));
    pieces.extend([
        element(&["hooks", "PreToolUse"], hook("pre-tool"), "work hook pre-tool"),
        element(&["hooks", "SubagentStop"], hook("subagent-stop"), "work hook subagent-stop"),
        // `claude -p` ends workers ten minutes after the planner's last word, unless this is 0.
        Piece::Default { path: SETTINGS, at: vec!["env", "CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS"], value: json!("0") },
    ]);
    pieces.extend(AGENTS.pieces(roster));
    pieces.extend(planner_skills(".claude/skills", PREFIX, &[("hooks", OWN_HOOK.to_owned())]));
    pieces.push(worker_skill(".claude/skills"));
    Ok(pieces)
}

/// Returns the element of a list of hooks that asks `work hook` about an event.
pub(super) fn hook(event: &str) -> Value {
    json!({"hooks": [{"type": "command", "command": format!("work hook {event}")}]})
}

/// Returns the value that takes the planner's tools from an agent, and the one that launches subagents: a subagent of
/// its own would see all of the server's again.
fn disallowed(prefix: &str) -> String {
    HIDDEN.map(|tool| format!("{prefix}{tool}")).join(", ") + ", Agent"
}

fn agent(agent: &Agent) -> String {
    agent_file(agent, PREFIX, &[("hooks", OWN_HOOK.to_owned())])
}

/// Returns the file of an agent, with `prefix` before the names of this server's tools. `more` is front matter.
pub(super) fn agent_file(agent: &Agent, prefix: &str, more: &[(&'static str, String)]) -> String {
    let mut matter = vec![("name", quoted(&agent.name)), ("description", quoted(&about(agent)))];
    if let Some(model) = agent.model_of("anthropic") {
        matter.push(("model", quoted(model)));
    }
    matter.push(("disallowedTools", disallowed(prefix)));
    matter.extend(more.iter().cloned());
    page(&matter, &IMPLEMENT_THREAD.text_with_prefix(prefix))
}

/// Returns what voids the set-up: files of agents that show a worker all tools, and settings of the project or the person.
fn notes(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<String>, Fault> {
    let mut notes =
        AGENTS.notes(files, roster, hides_tools, &format!("add `disallowedTools: {}`", disallowed(PREFIX)))?;
    for path in [SETTINGS, ".claude/settings.local.json", "~/.claude/settings.json"] {
        let Some(settings) = Settings::seen(files, path)? else { continue };
        if settings.get(&["disableAllHooks"]) == Some(json!(true)) {
            let told = "switches off the hook that refuses gate commands: remove it";
            notes.push(settings.note(&["disableAllHooks"], told));
        }
        for at in [["disabledMcpjsonServers"].as_slice(), &["permissions", "deny"], &["permissions", "ask"]] {
            if settings
                .lists(at, &[&[SERVER, "mcp__work", "mcp__work__*"], PLANNER_TOOLS.as_slice(), &WORKER_TOOLS].concat())
            {
                notes.push(
                    settings
                        .note(at, "names this server or a tool of it, which cannot be called then: remove it there"),
                );
            }
        }
    }
    if let Some(settings) = Settings::seen(files, "~/.claude.json")? {
        let root = files.root();
        let project = ["projects", root.as_str()];
        let at = [project[0], project[1], "mcpServers", SERVER];
        if let Some(conflict) = settings.get(&at).as_ref().and_then(conflict) {
            notes.push(settings.note(&at, &format!("comes before {SERVERS}, and {conflict}")));
        }
        let at = [project[0], project[1], "disabledMcpjsonServers"];
        if settings.lists(&at, &[SERVER]) {
            notes.push(settings.note(&at, "names this server, which does not start then: remove it there"));
        }
    }
    notes.extend(hidden_servers(files)?);
    Ok(notes)
}

/// Returns whether the front matter of an agent hides the planner's tools.
fn hides_tools(matter: &Value) -> bool {
    let names = |key: &str| names_in(matter.get(key).unwrap_or(&Value::Null));
    let (shown, hidden) = (names("tools"), names("disallowedTools"));
    let has = |list: &[String], name: &str| {
        list.iter().any(|known| [name, "mcp__work", "mcp__work__*"].contains(&known.as_str()))
    };
    PLANNER_TOOLS.iter().all(|tool| has(&hidden, tool) || !shown.is_empty() && !has(&shown, tool))
}

/// Returns a note about the servers of `.github/mcp.json`, which Copilot CLI reads only where `.mcp.json` is not there.
pub(super) fn hidden_servers(files: &dyn ProjectFiles) -> Result<Option<String>, Fault> {
    let has_both = files.text(SERVERS)?.is_some() && files.text(".github/mcp.json")?.is_some();
    Ok(has_both
        .then(|| format!(".github/mcp.json: Copilot CLI does not read it beside {SERVERS}: move its servers there")))
}
