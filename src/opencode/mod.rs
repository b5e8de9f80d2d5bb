//! PURE. What a project's OpenCode set-up needs so that planners and workers have their tools and no
//! agent's shell passes a gate: the configuration's changes, the agent files, the slash command.
//!
//! How OpenCode 1.18 merges files and matches rules was found by running it: later files win key by
//! key, the last rule that matches counts, and rules of an agent come after those of the project.

mod agent_file;
mod config;

pub use agent_file::{AgentFile, Restriction, WORKER_TOOLS, agent_file};
pub use config::{BadConfig, Config, DENIED_COMMANDS, Merged, SERVER, has_agent, merge, with_command};

/// The slash command `/execute-next-batch`.
pub const EXECUTE_NEXT_BATCH: &str = include_str!("execute-next-batch.md");
