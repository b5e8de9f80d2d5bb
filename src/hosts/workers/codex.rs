//! Workers of Codex: `codex exec --json`, which prints a JSON object for each event.

use serde_json::{Value, json};

use super::{Told, WorkerCommand, WorkerStart, Workers, number};
use crate::board::Usage;
use crate::fault::Fault;
use crate::hosts::ProjectFiles;
use crate::hosts::codex::{DIRECT, DIRECT_TOOLS};
use crate::hosts::server_entry::SERVER;

pub(in crate::hosts) const WORKERS: Workers = Workers {
    program: "codex",
    log_in: "run `codex login`",
    prefix: "",
    has_profile,
    command,
    line,
    // Said whenever stdin is no terminal.
    noise: &["Reading additional input from stdin"],
};

/// A session of Codex has no profile: its agents are for subagents only.
fn has_profile(_files: &dyn ProjectFiles, _agent: &str) -> Result<bool, Fault> {
    Ok(false)
}

fn command(start: &WorkerStart<'_>) -> WorkerCommand {
    // The folder is the one in which a person started `work run`, so whether it is a repository is not asked again.
    let mut arguments =
        ["exec", "--json", "--sandbox", "workspace-write", "--skip-git-repo-check"].map(str::to_owned).to_vec();
    // Codex hands a server only the variables that are named. A JSON value of these kinds is one of TOML, too.
    for (key, value) in
        [("command", json!(start.program)), ("args", json!(["mcp"])), ("env_vars", json!(start.passed_on))]
    {
        arguments.extend(["-c".to_owned(), format!("mcp_servers.{SERVER}.{key}={value}")]);
    }
    // Else it hides the tools behind a search.
    arguments.extend(["-c".to_owned(), format!("{}={}", DIRECT.join("."), json!([DIRECT_TOOLS[0]]))]);
    if let Some(model) = start.agent.model_of("openai") {
        arguments.push(format!("--model={model}"));
    }
    arguments.extend_from_slice(start.arguments);
    arguments.push(start.prompt.to_owned());
    WorkerCommand { arguments, variables: Vec::new() }
}

fn line(line: &Value, told: &mut Told) {
    match line.get("type").and_then(Value::as_str) {
        Some("item.started" | "item.completed") => told.answered(),
        Some("turn.completed") => {
            let Some(usage) = line.get("usage") else { return };
            told.add(Usage {
                input_tokens: number(usage, "input_tokens"),
                cached_tokens: number(usage, "cached_input_tokens"),
                output_tokens: number(usage, "output_tokens"),
                cost_microdollars: None,
            });
        }
        Some("turn.failed") => {
            let message = line.pointer("/error/message").and_then(Value::as_str).unwrap_or("a turn failed");
            told.failed(message, status_in(message));
        }
        _ => {}
    }
}

/// Returns the status of HTTP that a message names, as in `unexpected status 401` and `last status: 429`.
fn status_in(message: &str) -> Option<u64> {
    let mut numbers = message.split("status").skip(1).map(|rest| rest.trim_start_matches([':', ' ']));
    numbers.find_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
}
