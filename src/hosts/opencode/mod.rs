//! OpenCode, in the forms of its releases 1 and 2.
//!
//! How OpenCode 1.18 merges files and matches rules was found by running it (DESIGN §13.9): a later file wins key by
//! key, the last rule that matches counts, and the rules of an agent come after those of the project. Release 2 could
//! not be run here, so its form is as its sources and documentation say.

mod agent_file;
mod config;
mod denied;
mod notes;
mod release_two;

use std::collections::BTreeMap;

use super::markdown::{AgentFiles, Names, SHARED_SKILLS, worker_skill};
use super::piece::{Direction, Piece};
use super::{Abilities, Host, PlannerTools, ProjectFiles, Refuses};
use crate::fault::Fault;
use crate::prompts::{EXECUTE_NEXT_BATCH, Prompt, WRITE_PLAN};
use crate::roster::{Agent, Roster};
use agent_file::{AgentFile, Restriction};
use config::Config;

pub(super) const HOST: Host = Host {
    name: "opencode",
    title: "OpenCode",
    signs: &["opencode.json", "opencode.jsonc", ".opencode"],
    can: Abilities {
        planner_tools: PlannerTools::Hidden,
        refuses_gates: Refuses::HookOrPatterns,
        holds_silent_workers: false,
    },
    command: "/execute-next-batch",
    next_step: "start `opencode` in this folder; `opencode mcp list` shows the server",
    known_from: "1.18.33, run; 2, documentation",
    workers: Some(super::workers::OPENCODE),
    pieces,
    notes: notes::notes,
};

/// The files of a project's configuration. A later one wins over an earlier one.
const CONFIGS: [&str; 4] = ["opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"];

/// The configurations of the person, which the project's win over.
const GLOBAL_CONFIGS: [&str; 3] =
    ["~/.config/opencode/config.json", "~/.config/opencode/opencode.json", "~/.config/opencode/opencode.jsonc"];

/// The prefix that OpenCode puts before the names of this server's tools.
const PREFIX: &str = "work_";

/// The slash commands. The planner's runs as OpenCode's agent `plan`, as in the set-up of the user who described
/// planners. The one that writes a plan names no agent: it edits a file, which `plan` may not do.
const COMMANDS: [(Prompt, Option<&str>); 2] = [(EXECUTE_NEXT_BATCH, Some("plan")), (WRITE_PLAN, None)];

/// The plugin that asks `work hook` before each call of a tool. Release 2 has plugins of another form.
const PLUGIN_FILE: &str = ".opencode/plugin/work.js";
const PLUGIN: &str = include_str!("work.js");

/// OpenCode's own agents. A file of such a name would change what they are.
const BUILT_IN: [&str; 5] = ["build", "compaction", "plan", "summary", "title"];

/// The form of a project's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Release {
    One,
    Two,
}

/// What is there of a project.
struct Known {
    release: Release,
    /// The configuration that is completed: the one that wins over the `others`.
    config: Config,
    others: Vec<Config>,
    /// The person's own.
    global: Vec<Config>,
    /// The agent files by the name of the agent: the path, and what stands in it.
    agents: BTreeMap<String, (String, AgentFile)>,
}

impl Known {
    fn read(files: &dyn ProjectFiles) -> Result<Self, Fault> {
        let mut configs = read_configs(files, &CONFIGS)?;
        let global = read_configs(files, &GLOBAL_CONFIGS)?;
        let is_two = configs.iter().chain(&global).any(release_two::is_in);
        let config = configs.pop().unwrap_or_else(|| Config { path: CONFIGS[0].to_owned(), text: String::new() });
        let mut agents = BTreeMap::new();
        for top in [".opencode/agent", ".opencode/agents"] {
            for inner in files.below(top)? {
                let path = format!("{top}/{inner}");
                // An agent's name is the path of its file below the folder.
                if let Some(agent) = inner.strip_suffix(".md")
                    && let Some(text) = files.text(&path)?
                {
                    agents.insert(agent.to_owned(), (path, AgentFile::read(&text)));
                }
            }
        }
        Ok(Self { release: if is_two { Release::Two } else { Release::One }, config, others: configs, global, agents })
    }

    /// Returns the agents whose rules stand in the configuration and not in a file: those that have a record there, and
    /// those whose file has no rules for the tools of this server.
    fn restricted_in_config<'r>(&self, roster: &'r Roster) -> Vec<&'r str> {
        let names = roster.agents.iter().map(|agent| agent.name.as_str());
        names
            .filter(|name| match self.agents.get(*name) {
                Some((_, file)) => file.restriction() == Restriction::None,
                None => config::has_agent(&self.config, &self.others, name),
            })
            .collect()
    }
}

/// Reads those of some configurations that are there.
fn read_configs(files: &dyn ProjectFiles, paths: &[&str]) -> Result<Vec<Config>, Fault> {
    let mut configs = Vec::new();
    for path in paths {
        if let Some(text) = files.text(path)? {
            configs.push(Config { path: (*path).to_owned(), text });
        }
    }
    Ok(configs)
}

/// Returns how the files of agents are named and what stands in them.
fn agent_files(files: &dyn ProjectFiles, release: Release) -> AgentFiles {
    let text = match release {
        Release::One => agent_file::release_one,
        Release::Two => agent_file::release_two,
    };
    let folder = if is_plural(files, "agent") { ".opencode/agents" } else { ".opencode/agent" };
    AgentFiles { folder, ending: ".md", names: Names::Paths, text }
}

/// Returns whether a project has the plural of the two folders that OpenCode reads, and not the singular.
fn is_plural(files: &dyn ProjectFiles, kind: &str) -> bool {
    files.has(&format!(".opencode/{kind}s")) && !files.has(&format!(".opencode/{kind}"))
}

fn pieces(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<Piece>, Fault> {
    let known = Known::read(files)?;
    let mut pieces = Vec::new();
    let agents = agent_files(files, known.release);
    let former = agent_files(files, if known.release == Release::One { Release::Two } else { Release::One });
    let with_file = |agent: &&Agent| agents.can_have_file(agent) && !BUILT_IN.contains(&agent.name.as_str());
    for agent in roster.agents.iter().filter(with_file) {
        let path = match known.agents.get(&agent.name) {
            Some((path, _)) => path.clone(),
            None if config::has_agent(&known.config, &known.others, &agent.name) => continue,
            None => agents.path(agent),
        };
        // The file of an earlier set-up has the form of the other release.
        let former = Piece::File { path: path.clone(), text: (former.text)(agent) };
        pieces.push(Piece::Former(Box::new(former)));
        pieces.push(Piece::File { path, text: (agents.text)(agent) });
    }
    for (prompt, agent) in COMMANDS {
        if config::has_command(&known.config, &known.others, prompt.name) {
            continue;
        }
        let plural = format!(".opencode/commands/{}.md", prompt.name);
        let singular = format!(".opencode/command/{}.md", prompt.name);
        let is_plural =
            files.text(&plural)?.is_some() || is_plural(files, "command") && files.text(&singular)?.is_none();
        pieces.push(Piece::File { path: if is_plural { plural } else { singular }, text: command_file(prompt, agent) });
    }
    pieces.push(worker_skill(SHARED_SKILLS));
    let plugin = Piece::Guard { path: PLUGIN_FILE.to_owned(), text: PLUGIN.to_owned() };
    pieces.push(if known.release == Release::One { plugin } else { Piece::Former(Box::new(plugin)) });
    let restrict: Vec<String> = known.restricted_in_config(roster).into_iter().map(str::to_owned).collect();
    let Known { release, config, others, global, .. } = known;
    // A set-up of a time when another file won.
    for other in &others {
        let (path, restrict) = (other.path.clone(), restrict.clone());
        let change = move |text: Option<&str>, _: Direction| {
            let config = Config { path: path.clone(), text: text.unwrap_or_default().to_owned() };
            if release_two::is_in(&config) {
                release_two::unmerge(&config, &restrict)
            } else {
                config::unmerge(&config, &restrict)
            }
        };
        let piece = Piece::Custom { path: other.path.clone(), change: Box::new(change) };
        pieces.push(Piece::Former(Box::new(piece)));
    }
    let path = config.path.clone();
    let change = move |text: Option<&str>, direction: Direction| {
        let config = Config { path: config.path.clone(), text: text.unwrap_or_default().to_owned() };
        match (release, direction) {
            (Release::One, Direction::Add) => config::merge(&config, &others, &global, &restrict),
            (Release::One, Direction::Remove) => config::unmerge(&config, &restrict),
            (Release::Two, Direction::Add) => release_two::merge(&config, &others, &restrict),
            (Release::Two, Direction::Remove) => release_two::unmerge(&config, &restrict),
        }
    };
    pieces.push(Piece::Custom { path, change: Box::new(change) });
    Ok(pieces)
}

/// Returns the file of a slash command. It runs in the session that calls it (`subtask: false`).
fn command_file(prompt: Prompt, agent: Option<&str>) -> String {
    let agent = agent.map(|agent| format!("agent: {agent}\n")).unwrap_or_default();
    let (description, text) = (prompt.description, prompt.text_with_prefix(PREFIX));
    format!("---\ndescription: {description}\n{agent}subtask: false\n---\n\n{text}\n$ARGUMENTS\n")
}
