//! The files of a project's OpenCode set-up: read, completed by [`crate::opencode`], written whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;

use super::create::Initialised;
use super::disk::Disk;
use super::snapshot::read_state;
use super::write_whole;
use crate::fault::Fault;
use crate::opencode::{self, AgentFile, BadConfig, COMMANDS, Config, Restriction, agent_file};
use crate::plan::is_agent_char;
use crate::roster::{Agent, Roster};

/// What `work init` made and found.
#[derive(Debug, Serialize)]
pub struct SetUp {
    /// The workspace, and all files that were written or kept.
    #[serde(flatten)]
    pub workspace: Initialised,
    /// Files to which something was added.
    pub changed: Vec<Changed>,
    /// What a person should look at, one sentence each.
    pub warnings: Vec<String>,
}

/// A file to which something was added.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// The file, from the workspace on.
    pub file: String,
    /// What was added, in a few words each.
    pub added: Vec<String>,
}

/// The files from which OpenCode takes a project's configuration; a later one wins over an earlier one.
const CONFIGS: [&str; 4] = ["opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"];

/// How deep agent files lie in their folder, at the most.
const DEEPEST: usize = 4;

/// Completes the set-up. Nothing is written before everything that is there has been read and understood.
/// The caller holds the workspace's lock.
pub(super) fn set_up_opencode(
    disk: &dyn Disk,
    root: &Path,
    roster: &Roster,
    workspace: Initialised,
) -> Result<SetUp, Fault> {
    let mut answer = SetUp { workspace, changed: Vec::new(), warnings: Vec::new() };
    let mut configs: Vec<Config> = Vec::new();
    for path in CONFIGS {
        if let Some(text) = read_followed(disk, &root.join(path))? {
            configs.push(Config { path: path.to_owned(), text });
        }
    }
    let is_new = configs.is_empty();
    let config = configs.pop().unwrap_or_else(|| Config { path: CONFIGS[0].to_owned(), text: String::new() });
    let known = agent_files(disk, root)?;
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
            None if opencode::has_agent(&config, &configs, &agent.name) => restrict.push(&agent.name),
            None => new_files.push((format!("{}/{}.md", folder(root, "agent"), agent.name), agent_file(agent))),
        }
    }
    for (path, _) in known.values().filter(|(_, file)| file.opens_the_shell()) {
        answer.warnings.push(format!("{path}: it has rules for the shell, which override those of the project"));
    }
    for command in COMMANDS {
        let name = command.name();
        let paths = ["command", "commands"].map(|folder| format!(".opencode/{folder}/{name}.md"));
        match paths.iter().find(|path| root.join(path).exists()) {
            Some(path) => answer.workspace.kept.push(path.clone()),
            None if opencode::has_command(&config, &configs, name) => {}
            None => new_files.push((format!("{}/{name}.md", folder(root, "command")), command.file())),
        }
    }
    let merged = opencode::merge(&config, &configs, &restrict).map_err(|bad| unreadable(root, bad))?;
    answer.warnings.extend(merged.warnings);
    for (path, text) in new_files {
        write_whole(disk, root, &path, &text)?;
        answer.workspace.created.push(path);
    }
    if merged.added.is_empty() {
        answer.workspace.kept.push(config.path);
    } else {
        write_whole(disk, root, &config.path, &merged.text)?;
        if is_new {
            answer.workspace.created.push(config.path);
        } else {
            answer.changed.push(Changed { file: config.path, added: merged.added });
        }
    }
    Ok(answer)
}

/// Reads the agent files of a project, by the names of their agents. OpenCode reads `.opencode/agent` and
/// `.opencode/agents`; the name is the path below it.
fn agent_files(disk: &dyn Disk, root: &Path) -> Result<BTreeMap<String, (String, AgentFile)>, Fault> {
    let mut files = BTreeMap::new();
    for top in [".opencode/agent", ".opencode/agents"] {
        let mut open: Vec<String> = vec![String::new()];
        while let Some(below) = open.pop() {
            let folder = root.join(top).join(&below);
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
                Err(error) => return Err(Fault::io("read", &folder)(error)),
            };
            for entry in entries {
                let entry = entry.map_err(Fault::io("read", &folder))?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let inner = if below.is_empty() { name } else { format!("{below}/{name}") };
                if entry.path().is_dir() {
                    if inner.split('/').count() < DEEPEST {
                        open.push(inner);
                    }
                } else if let Some(agent) = inner.strip_suffix(".md")
                    && let Some(text) = read_followed(disk, &entry.path())?
                {
                    files.insert(agent.to_owned(), (format!("{top}/{inner}"), AgentFile::read(&text)));
                }
            }
        }
    }
    Ok(files)
}

/// Reads a file of the project; where a link stands, what it points to: these are the person's own files.
fn read_followed(disk: &dyn Disk, path: &Path) -> Result<Option<String>, Fault> {
    read_state(disk, &path.canonicalize().unwrap_or_else(|_| path.to_owned()))
}

/// Returns the folder that the project uses for its agents or commands.
fn folder(root: &Path, kind: &str) -> String {
    let plural = format!(".opencode/{kind}s");
    let singular = format!(".opencode/{kind}");
    if root.join(&plural).is_dir() && !root.join(&singular).is_dir() { plural } else { singular }
}

fn can_be_a_file(agent: &Agent) -> bool {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    agent.name.len() <= 100 && agent.name.chars().all(is_agent_char) && agent.name.split('/').all(is_plain)
}

fn unreadable(root: &Path, bad: BadConfig) -> Fault {
    Fault::StateUnreadable { path: root.join(bad.path), at: bad.at, why: bad.why }
}
