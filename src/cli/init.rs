//! `work init [--opencode]`

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::page::{Page, Tone, wrapped};
use super::{Session, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::fault::{Fault, Stopped};
use crate::opencode::{self, BadConfig, Config, EXECUTE_NEXT_BATCH, agent_file, has_rules_for_bash, is_restricted};
use crate::plan::is_agent_char;
use crate::roster::{Agent, Roster};
use crate::store::{FileStore, Initialised, write_whole};

#[derive(Debug, clap::Args)]
#[command(after_help = "What is there already stays as it is, so it can be run again.

--opencode adds to opencode.json or opencode.jsonc, comments and keys kept: the MCP server, and rules by which
agents' shells cannot run work approve, complete, release and update --force (your own !work … in the chat can).
It writes .opencode/agent/NAME.md for each agent of work/agents.yaml, which sees only work_read_thread and
work_update_thread, and the slash command /execute-next-batch.

Examples:
  work init
  work init --opencode")]
pub(super) struct Arguments {
    /// Set the project up for OpenCode too
    #[arg(long)]
    opencode: bool,
}

/// What there is now, and what was there.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    workspace: Initialised,
    /// Files to which something was added.
    changed: Vec<Changed>,
    /// What a person should look at.
    warnings: Vec<String>,
    /// Whether there is a workstream to go on with.
    #[serde(skip)]
    has_workstream: bool,
}

/// A file to which something was added.
#[derive(Debug, Serialize)]
struct Changed {
    file: String,
    added: Vec<String>,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let store = FileStore::new(session.place.clone(), None);
        let answer = match self.carry_out(&store) {
            Ok(answer) => answer,
            Err(stopped) => return exit::stopped(&stopped),
        };
        if session.output.is_json() { session.output.print_json(&answer) } else { session.output.print(page(&answer)) }
    }

    fn carry_out(self, store: &FileStore) -> Result<Answer, Stopped> {
        let workspace = store.init(SystemClock.now())?;
        let has_workstream = !store.list()?.workstreams.is_empty();
        let mut answer = Answer { workspace, changed: Vec::new(), warnings: Vec::new(), has_workstream };
        if self.opencode {
            let root = PathBuf::from(&answer.workspace.workspace);
            set_up_opencode(&root, &store.roster()?, &mut answer)?;
        }
        Ok(answer)
    }
}

fn page(answer: &Answer) -> Page {
    let mut page = Page::default();
    let _ = writeln!(page, "workspace {}", answer.workspace.workspace);
    for file in &answer.workspace.created {
        let _ = writeln!(page, "  created  {file}");
    }
    for Changed { file, added } in &answer.changed {
        let _ = writeln!(page, "  changed  {file}");
        for what in added {
            let _ = writeln!(page, "             + {what}");
        }
    }
    for file in &answer.workspace.kept {
        let _ = writeln!(page, "  kept     {file}");
    }
    for warning in &answer.warnings {
        for (at, line) in wrapped(warning, 9).into_iter().enumerate() {
            page.paint(Tone::Bad, if at == 0 { "warning: " } else { "         " });
            let _ = writeln!(page, "{line}");
        }
    }
    page.paint(Tone::Strong, "Next: ");
    let _ = write!(page, "{}", if answer.has_workstream { "work status" } else { "work create NAME --stages N" });
    page
}

/// The files from which OpenCode takes a project's configuration; a later one wins over an earlier one.
const CONFIGS: [&str; 4] = ["opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"];

/// Nothing is written before everything that is there has been read and understood.
fn set_up_opencode(root: &Path, roster: &Roster, answer: &mut Answer) -> Result<(), Stopped> {
    let mut configs: Vec<Config> = Vec::new();
    for path in CONFIGS {
        if let Some(text) = read(&root.join(path))? {
            configs.push(Config { path: path.to_owned(), text });
        }
    }
    let is_new = configs.is_empty();
    let config = configs.pop().unwrap_or_else(|| Config { path: CONFIGS[0].to_owned(), text: String::new() });
    let mut new_files: Vec<(String, String)> = Vec::new();
    let mut restrict: Vec<&str> = Vec::new();
    for agent in &roster.agents {
        match existing(root, "agent", &agent.name)? {
            _ if !can_be_a_file(agent) => {
                answer.warnings.push(format!("{:?} cannot be the name of an agent file: make one by hand", agent.name));
            }
            Some((path, text)) => {
                if has_rules_for_bash(&text) {
                    let told =
                        "it has rules for the shell, which override those of the project: let it not run work approve";
                    answer.warnings.push(format!("{path}: {told}"));
                }
                if !is_restricted(&text) {
                    restrict.push(&agent.name);
                }
                answer.workspace.kept.push(path);
            }
            None if opencode::has_agent(&config, &configs, &agent.name) => restrict.push(&agent.name),
            None => new_files.push((format!("{}/{}.md", folder(root, "agent"), agent.name), agent_file(agent))),
        }
    }
    match existing(root, "command", "execute-next-batch")? {
        Some((path, _)) => answer.workspace.kept.push(path),
        None => {
            let path = format!("{}/execute-next-batch.md", folder(root, "command"));
            new_files.push((path, EXECUTE_NEXT_BATCH.to_owned()));
        }
    }
    let merged = opencode::merge(&config, &configs, &restrict).map_err(|bad| unreadable(root, bad))?;
    answer.warnings.extend(merged.warnings);
    for (path, text) in new_files {
        write_whole(&root.join(&path), text.as_bytes())?;
        answer.workspace.created.push(path);
    }
    if merged.added.is_empty() {
        answer.workspace.kept.push(config.path);
    } else {
        write_whole(&root.join(&config.path), merged.text.as_bytes())?;
        if is_new {
            answer.workspace.created.push(config.path);
        } else {
            answer.changed.push(Changed { file: config.path, added: merged.added });
        }
    }
    Ok(())
}

/// OpenCode reads `.opencode/agent` and `.opencode/agents`, and so with commands.
fn existing(root: &Path, kind: &str, name: &str) -> Result<Option<(String, String)>, Stopped> {
    for folder in [format!(".opencode/{kind}"), format!(".opencode/{kind}s")] {
        let path = format!("{folder}/{name}.md");
        if let Some(text) = read(&root.join(&path))? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}

/// Returns the folder that the project uses for its agents or commands.
fn folder(root: &Path, kind: &str) -> String {
    let plural = format!(".opencode/{kind}s");
    let singular = format!(".opencode/{kind}");
    if root.join(&plural).is_dir() && !root.join(&singular).is_dir() { plural } else { singular }
}

fn can_be_a_file(agent: &Agent) -> bool {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    agent.name.chars().all(is_agent_char) && agent.name.split('/').all(is_plain)
}

fn read(path: &Path) -> Result<Option<String>, Fault> {
    match fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => {
                Err(Fault::StateUnreadable { path: path.to_owned(), at: None, why: "it is not UTF-8".to_owned() })
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::io("read", path)(error)),
    }
}

fn unreadable(root: &Path, bad: BadConfig) -> Fault {
    Fault::StateUnreadable { path: root.join(bad.path), at: bad.at, why: bad.why }
}
