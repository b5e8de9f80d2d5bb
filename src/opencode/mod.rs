//! PURE. What a project's OpenCode set-up needs so that planners and workers have their tools and no
//! agent's shell passes a gate: the configuration's changes, the agent files, the slash command.
//!
//! How OpenCode 1.18 merges files and matches rules was found by running it: later files win key by
//! key, the last rule that matches counts, and rules of an agent come after those of the project.

mod agent_file;
mod config;

pub use agent_file::{AgentFile, Restriction, WORKER_TOOLS, agent_file};
pub use config::{BadConfig, Config, DENIED_COMMANDS, Merged, SERVER, has_agent, has_command, merge};

use crate::prompts::EXECUTE_NEXT_BATCH;

/// Returns the file of the slash command `/execute-next-batch`: for the agent that the user's own
/// command is for, and in the session in which it is called.
pub fn command_file() -> String {
    let description = EXECUTE_NEXT_BATCH.description;
    let text = EXECUTE_NEXT_BATCH.text_with_prefix(PREFIX);
    format!("---\ndescription: {description}\nagent: plan\nsubtask: false\n---\n\n{text}\n$ARGUMENTS\n")
}

/// What OpenCode puts before the names of this server's tools.
const PREFIX: &str = "work_";
