//! Sets a project up for OpenCode: reads its files, lets [`crate::opencode`] complete them, and writes them as a whole
//! (DESIGN §11).

use std::collections::BTreeMap;

use super::set_up::{Changed, SetUp};
use crate::fault::Fault;
use crate::opencode::{self, AgentFile, BadConfig, COMMANDS, Config, Restriction, agent_file};
use crate::plan::is_agent_char;
use crate::roster::{Agent, Roster};
use crate::store::Project;

/// The files of a project's OpenCode configuration. A later one wins over an earlier one.
const CONFIGS: [&str; 4] = ["opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"];

/// How deep below their folder agent files are looked for.
const DEEPEST: usize = 4;

/// Completes the set-up of a project, and adds to `answer` what was done. Writes nothing before all files that are
/// there were read and understood. Repeating it changes nothing.
pub(super) fn set_up_opencode(project: &Project<'_>, roster: &Roster, answer: &mut SetUp) -> Result<(), Fault> {
    let folder = project.folder();
    let mut configs: Vec<Config> = Vec::new();
    for path in CONFIGS {
        if let Some(text) = project.read(path)? {
            configs.push(Config { path: path.to_owned(), text });
        }
    }
    let is_new = configs.is_empty();
    // The last configuration wins over the others, so it is the one to complete.
    let config = configs.pop().unwrap_or_else(|| Config { path: CONFIGS[0].to_owned(), text: String::new() });
    let known = agent_files(project)?;
    let mut new_files: Vec<(String, String)> = Vec::new();
    let mut restrict: Vec<&str> = Vec::new();
    for agent in &roster.agents {
        match known.get(&agent.name) {
            Some((path, file)) => {
                match file.restriction() {
                    Restriction::Worker => {}
                    Restriction::None => restrict.push(&agent.name),
                    Restriction::Other => answer.warnings.push(format!(
                        "{path}: it has rules of its own for the tools of this server; a worker needs work_read_thread and work_update_thread, and no other"
                    )),
                }
                answer.workspace.kept.push(path.clone());
            }
            None if !can_be_a_file(agent) => {
                answer.warnings.push(format!("{:?} cannot be the name of an agent file: make one by hand", agent.name));
            }
            // The configuration has this agent, so its rules go there and it gets no file.
            None if opencode::has_agent(&config, &configs, &agent.name) => restrict.push(&agent.name),
            None => new_files.push((format!("{}/{}.md", folder_for(project, "agent"), agent.name), agent_file(agent))),
        }
    }
    for (path, _) in known.values().filter(|(_, file)| file.opens_the_shell()) {
        answer.warnings.push(format!("{path}: it has rules for the shell, which override those of the project"));
    }
    for command in COMMANDS {
        let name = command.name();
        let paths = ["command", "commands"].map(|folder| format!(".opencode/{folder}/{name}.md"));
        match paths.iter().find(|path| folder.has_file(path)) {
            Some(path) => answer.workspace.kept.push(path.clone()),
            None if opencode::has_command(&config, &configs, name) => {}
            None => new_files.push((format!("{}/{name}.md", folder_for(project, "command")), command.file())),
        }
    }
    let merged = opencode::merge(&config, &configs, &restrict).map_err(|bad| unreadable(project, bad))?;
    answer.warnings.extend(merged.warnings);
    for (path, text) in new_files {
        project.write(&path, &text)?;
        answer.workspace.created.push(path);
    }
    if merged.added.is_empty() {
        answer.workspace.kept.push(config.path);
    } else {
        project.write(&config.path, &merged.text)?;
        if is_new {
            answer.workspace.created.push(config.path);
        } else {
            answer.changed.push(Changed { file: config.path, added: merged.added });
        }
    }
    Ok(())
}

/// Reads the agent files of a project, by the name of the agent. OpenCode looks in `.opencode/agent` and
/// `.opencode/agents`; an agent's name is the path of its file below that folder.
fn agent_files(project: &Project<'_>) -> Result<BTreeMap<String, (String, AgentFile)>, Fault> {
    let mut files = BTreeMap::new();
    for top in [".opencode/agent", ".opencode/agents"] {
        for inner in project.folder().inner(top).files_below(DEEPEST, true)? {
            let path = format!("{top}/{inner}");
            if let Some(agent) = inner.strip_suffix(".md")
                && let Some(text) = project.read(&path)?
            {
                files.insert(agent.to_owned(), (path, AgentFile::read(&text)));
            }
        }
    }
    Ok(files)
}

/// Returns the folder that the project uses for its agents or commands. OpenCode reads the singular and the plural
/// name.
fn folder_for(project: &Project<'_>, kind: &str) -> String {
    let folder = project.folder();
    let plural = format!(".opencode/{kind}s");
    let singular = format!(".opencode/{kind}");
    if folder.has_folder(&plural) && !folder.has_folder(&singular) { plural } else { singular }
}

/// Returns whether the agent's name can be the path of a file that stays in the folder.
fn can_be_a_file(agent: &Agent) -> bool {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    agent.name.len() <= 100 && agent.name.chars().all(is_agent_char) && agent.name.split('/').all(is_plain)
}

fn unreadable(project: &Project<'_>, bad: BadConfig) -> Fault {
    Fault::StateUnreadable { path: project.root().join(bad.path), at: bad.at, why: bad.why }
}
