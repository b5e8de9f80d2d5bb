//! Workers of OpenCode: `opencode run --format json`, which prints a JSON object for each event.

use serde_json::{Value, json};

use super::{Told, WorkerCommand, WorkerStart, Workers, microdollars, number, sum};
use crate::board::Usage;
use crate::fault::Fault;
use crate::hosts::ProjectFiles;
use crate::hosts::server_entry::SERVER;

pub(in crate::hosts) const WORKERS: Workers = Workers {
    program: "opencode",
    log_in: "run `opencode auth login`",
    prefix: "work_",
    has_profile,
    command,
    line,
    noise: &[],
};

/// The variable with a configuration that wins over those in files. A person can have one.
const CONFIG: &str = "OPENCODE_CONFIG_CONTENT";

fn has_profile(files: &dyn ProjectFiles, agent: &str) -> Result<bool, Fault> {
    let folders = [".opencode/agent", ".opencode/agents"];
    Ok(folders.iter().any(|folder| files.has(&format!("{folder}/{agent}.md"))))
}

fn command(start: &WorkerStart<'_>) -> WorkerCommand {
    let name = &start.agent.name;
    let mut arguments = vec!["run".to_owned(), format!("--agent={name}"), "--format=json".to_owned()];
    // A profile names its model itself.
    if let Some(model) = start.agent.models.first().filter(|_| !start.has_profile) {
        arguments.push(format!("--model={model}"));
    }
    arguments.extend_from_slice(start.arguments);
    arguments.push(start.prompt.to_owned());
    // The profiles of a set-up are for subagents. With one that is for subagents only, no session can be.
    let mut config =
        (start.variable)(CONFIG).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(|| json!({}));
    let server = json!({"type": "local", "command": [start.program, "mcp"], "enabled": true});
    lay_over(&mut config, json!({"mcp": {SERVER: server}, "agent": {name: {"mode": "all"}}}));
    // OpenCode takes the folder from `PWD` rather than from the system.
    let variables = vec![(CONFIG, config.to_string()), ("PWD", start.folder.to_owned())];
    WorkerCommand { arguments, variables }
}

/// Lays a value over another one: objects key by key, and all else in whole.
fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                lay_over(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

fn line(line: &Value, told: &mut Told) {
    match line.get("type").and_then(Value::as_str) {
        Some("text" | "tool_use") => told.answered(),
        Some("step_finish") => {
            let Some(tokens) = line.pointer("/part/tokens") else { return };
            let cache = tokens.get("cache").unwrap_or(&Value::Null);
            let cached = number(cache, "read");
            told.add(Usage {
                input_tokens: sum([number(tokens, "input"), number(cache, "write"), cached]),
                cached_tokens: cached,
                output_tokens: sum([number(tokens, "output"), number(tokens, "reasoning")]),
                cost_microdollars: line.pointer("/part/cost").and_then(microdollars),
            });
        }
        Some("error") => {
            let error = line.get("error").unwrap_or(&Value::Null);
            let name = error.get("name").and_then(Value::as_str).unwrap_or("an error");
            let message = error.pointer("/data/message").and_then(Value::as_str).unwrap_or(name);
            // Whom a provider does not know has no status.
            let status = error.pointer("/data/statusCode").and_then(Value::as_u64);
            told.failed(message, status.or_else(|| (name == "ProviderAuthError").then_some(401)));
        }
        _ => {}
    }
}
