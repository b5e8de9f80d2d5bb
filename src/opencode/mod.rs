//! PURE. The OpenCode set-up of a project (DESIGN §11): the changes of its configuration, the files of its agents,
//! and its slash commands. With them planners and workers have their tools, and the shells of agents cannot pass a
//! gate by the usual commands.
//!
//! How OpenCode 1.18 merges files and matches rules was found by running it (DESIGN §13.9): a later file wins key by
//! key, the last rule that matches counts, and the rules of an agent come after those of the project.

mod agent_file;
mod config;

pub use agent_file::{AgentFile, Restriction, WORKER_TOOLS, agent_file};
pub use config::{BadConfig, Config, DENIED_COMMANDS, Merged, SERVER, has_agent, has_command, merge};

use crate::prompts::{EXECUTE_NEXT_BATCH, Prompt, WRITE_PLAN};

/// The slash commands of a set-up. The planner's command runs as OpenCode's agent `plan`, as in the set-up of the
/// user who described planners. The command that writes a plan names no agent: it edits a file, which `plan` may not
/// do.
pub const COMMANDS: [SlashCommand; 2] = [
    SlashCommand { prompt: EXECUTE_NEXT_BATCH, agent: Some("plan") },
    SlashCommand { prompt: WRITE_PLAN, agent: None },
];

/// A slash command of a project: a prompt, and the agent that runs it if it names one.
#[derive(Debug, Clone, Copy)]
pub struct SlashCommand {
    prompt: Prompt,
    agent: Option<&'static str>,
}

impl SlashCommand {
    /// Returns the name by which it is called, without the `/`.
    pub fn name(&self) -> &'static str {
        self.prompt.name
    }

    /// Returns the text of its file. The command runs in the session that calls it (`subtask: false`).
    pub fn file(&self) -> String {
        let agent = self.agent.map(|agent| format!("agent: {agent}\n")).unwrap_or_default();
        let (description, text) = (self.prompt.description, self.prompt.text_with_prefix(PREFIX));
        format!("---\ndescription: {description}\n{agent}subtask: false\n---\n\n{text}\n$ARGUMENTS\n")
    }
}

/// The prefix that OpenCode puts before the names of this server's tools.
const PREFIX: &str = "work_";
