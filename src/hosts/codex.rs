//! Codex.

use serde_json::{Value, json};

use super::markdown::{AgentFiles, Names, SHARED_SKILLS, about, planner_skills, quoted, worker_skill};
use super::piece::Piece;
use super::server_entry::{SERVER, entry};
use super::settings::Settings;
use super::{Abilities, Host, PlannerTools, ProjectFiles, Refuses};
use crate::fault::Fault;
use crate::prompts::IMPLEMENT_THREAD;
use crate::roster::{Agent, Roster};

pub(super) const HOST: Host = Host {
    name: "codex",
    title: "Codex",
    signs: &[".codex"],
    // No key of an agent's file takes a tool away, so a worker sees all of them. The hook refuses a planner's tools.
    can: Abilities { planner_tools: PlannerTools::Refused, refuses_gates: Refuses::Hook, holds_silent_workers: true },
    command: "$execute-next-batch",
    next_step: "start `codex` in this folder, trust it, and then trust its hooks: in each clone, and when they change",
    known_from: "0.171.0, run",
    workers: Some(super::workers::CODEX),
    pieces,
    notes,
};

const SETTINGS: &str = ".codex/config.toml";

const HOOKS: &str = ".codex/hooks.json";

/// How many subagents may run at once. Codex's own limit is 3 or 6, which depends on the model, and a worker over it is
/// not started.
const MAX_THREADS: u8 = 12;

const AGENTS: AgentFiles = AgentFiles { folder: ".codex/agents", ending: ".toml", names: Names::Paths, text: agent };

/// What refuses the plain spellings where a person has trusted the folder, and not yet the hooks in it.
const RULES: &str = r#"# Decisions of a person. `work hook`, in hooks.json, sees other spellings too.
prefix_rule(
    pattern = ["work", ["approve", "archive", "complete", "delete", "edit", "release", "rename", "retry", "store"]],
    decision = "forbidden",
    justification = "This is a person's decision. Name the command to the person, and stop.",
    match = ["work approve plan", "work complete"],
    not_match = ["work status", "work validate"],
)
"#;

/// Where Codex is told which tools a model gets at once. It hides all others behind a search, as of 0.171.
pub(super) const DIRECT: [&str; 3] = ["features", "code_mode", "direct_only_tool_namespaces"];

/// The tools of this server, and those by which a planner launches workers.
pub(super) const DIRECT_TOOLS: [&str; 2] = ["mcp__work", "multi_agent_v1"];

fn pieces(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<Piece>, Fault> {
    let hook = |at: &'static str, event: &str, mark| -> Piece {
        let command: Value = json!({"type": "command", "command": format!("work hook {event}"), "timeout": 10});
        Piece::Element { path: HOOKS, at: vec!["hooks", at], value: json!({"hooks": [command]}), mark }
    };
    let mut pieces = vec![
        Piece::Server { path: SETTINGS, at: vec!["mcp_servers", SERVER], entry: entry() },
        Piece::Default { path: SETTINGS, at: vec!["agents", "max_threads"], value: json!(MAX_THREADS) },
        hook("PreToolUse", "pre-tool", "work hook pre-tool"),
        hook("SubagentStop", "subagent-stop", "work hook subagent-stop"),
        Piece::File { path: ".codex/rules/work.rules".to_owned(), text: RULES.to_owned() },
    ];
    let settings = Settings::parse(SETTINGS, &files.text(SETTINGS)?.unwrap_or_default())?;
    if !has_plain_code_mode(&settings) {
        let direct = |tools| Piece::Element { path: SETTINGS, at: DIRECT.to_vec(), value: json!(tools), mark: tools };
        pieces.extend(DIRECT_TOOLS.map(direct));
    }
    pieces.extend(AGENTS.pieces(roster));
    pieces.extend(planner_skills(".codex/skills", "", &[]));
    pieces.push(worker_skill(SHARED_SKILLS));
    Ok(pieces)
}

fn agent(agent: &Agent) -> String {
    let mut text = format!("name = {}\ndescription = {}\n", quoted(&agent.name), quoted(&about(agent)));
    if let Some(model) = agent.model_of("openai") {
        text += &format!("model = {}\n", quoted(model));
    }
    text + &format!("developer_instructions = '''\n{}'''\n", IMPLEMENT_THREAD.text_with_prefix(""))
}

/// Returns whether the settings have `code_mode` as a word, beside which no list can stand.
fn has_plain_code_mode(settings: &Settings) -> bool {
    settings.get(&DIRECT[..2]).is_some_and(|mode| mode.is_boolean())
}

fn notes(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<String>, Fault> {
    let mut notes = AGENTS.without_file(roster);
    for path in [SETTINGS, "~/.codex/config.toml"] {
        let Some(settings) = Settings::seen(files, path)? else { continue };
        let at = ["features", "hooks"];
        if settings.get(&at) == Some(json!(false)) {
            notes.push(settings.note(&at, "switches off the hook that refuses gate commands: remove it"));
        }
    }
    if let Some(settings) = Settings::seen(files, SETTINGS)?.filter(has_plain_code_mode) {
        let told =
            "hides this server's tools behind a search: write it as a table with `enabled`, and run this command again";
        notes.push(settings.note(&DIRECT[..2], told));
    }
    Ok(notes)
}
