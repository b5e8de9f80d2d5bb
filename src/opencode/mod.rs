//! PURE. What a project's OpenCode set-up needs so that planners and workers have their tools and no
//! agent's shell passes a gate: the configuration's changes, the agent files, the slash command.
//!
//! How OpenCode 1.18 merges files and matches rules was found by running it: later files win key by
//! key, the last rule that matches counts, and rules of an agent come after those of the project.

mod agent_file;
mod config;

pub use agent_file::{AgentFile, Restriction, WORKER_TOOLS, agent_file};
pub use config::{BadConfig, Config, DENIED_COMMANDS, Merged, SERVER, has_agent, has_command, merge};

use crate::prompts::{EXECUTE_NEXT_BATCH, Prompt, WRITE_PLAN};

/// The slash commands of a set-up. The planner's is for the agent that the user's own command is for; whoever
/// writes a plan edits a file, which that agent may not.
pub const COMMANDS: [SlashCommand; 2] = [
    SlashCommand { prompt: EXECUTE_NEXT_BATCH, agent: Some("plan") },
    SlashCommand { prompt: WRITE_PLAN, agent: None },
];

/// A slash command of the project.
#[derive(Debug, Clone, Copy)]
pub struct SlashCommand {
    prompt: Prompt,
    agent: Option<&'static str>,
}

impl SlashCommand {
    /// Returns its name: `/NAME`.
    pub fn name(&self) -> &'static str {
        self.prompt.name
    }

    /// Returns its file. It is carried out in the session in which it is called.
    pub fn file(&self) -> String {
        let agent = self.agent.map(|agent| format!("agent: {agent}\n")).unwrap_or_default();
        let (description, text) = (self.prompt.description, self.prompt.text_with_prefix(PREFIX));
        format!("---\ndescription: {description}\n{agent}subtask: false\n---\n\n{text}\n$ARGUMENTS\n")
    }
}

/// What OpenCode puts before the names of this server's tools.
const PREFIX: &str = "work_";
