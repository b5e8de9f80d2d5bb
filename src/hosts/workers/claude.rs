//! Workers of Claude Code: `claude -p --output-format stream-json`, which prints a JSON object for each event.

use serde_json::{Value, json};

use super::{Told, WorkerCommand, WorkerStart, Workers, microdollars, number, sum};
use crate::board::Usage;
use crate::fault::Fault;
use crate::hosts::ProjectFiles;
use crate::hosts::server_entry::SERVER;

pub(in crate::hosts) const WORKERS: Workers = Workers {
    program: "claude",
    log_in: "run `claude` and log in, or set ANTHROPIC_API_KEY",
    prefix: "mcp__work__",
    has_profile,
    command,
    line,
    noise: &[],
};

fn has_profile(files: &dyn ProjectFiles, agent: &str) -> Result<bool, Fault> {
    let file = format!(".claude/agents/{agent}.md");
    Ok(files.has(&file) || files.text(&format!("~/{file}"))?.is_some())
}

fn command(start: &WorkerStart<'_>) -> WorkerCommand {
    let server = json!({"mcpServers": {SERVER: {"command": start.program, "args": ["mcp"]}}}).to_string();
    let mut arguments = vec!["-p".to_owned(), start.prompt.to_owned()];
    if start.has_profile {
        arguments.push(format!("--agent={}", start.agent.name));
    } else if let Some(model) = start.agent.model_of("anthropic") {
        arguments.push(format!("--model={model}"));
    }
    // Nobody is there to be asked: edits are let through, and what else is not allowed by a rule is refused.
    let fixed =
        ["--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits", "--mcp-config", &server];
    arguments.extend(fixed.map(str::to_owned));
    arguments.extend(["--allowedTools".to_owned(), format!("mcp__{SERVER}")]);
    arguments.extend_from_slice(start.arguments);
    WorkerCommand { arguments, variables: Vec::new() }
}

fn line(line: &Value, told: &mut Told) {
    match line.get("type").and_then(Value::as_str) {
        // The errors of a provider come as words of a model of this name.
        Some("assistant") if line.pointer("/message/model").and_then(Value::as_str) != Some("<synthetic>") => {
            told.answered();
            return;
        }
        Some("result") => {}
        _ => return,
    }
    if let Some(usage) = line.get("usage") {
        let cached = number(usage, "cache_read_input_tokens");
        let input = sum([number(usage, "input_tokens"), number(usage, "cache_creation_input_tokens"), cached]);
        let output = number(usage, "output_tokens");
        if input > 0 || output > 0 {
            let cost = line.get("total_cost_usd").and_then(microdollars);
            told.add(Usage {
                input_tokens: input,
                cached_tokens: cached,
                output_tokens: output,
                cost_microdollars: cost,
            });
        }
    }
    if line.get("is_error").and_then(Value::as_bool) == Some(true) {
        let subtype = line.get("subtype").and_then(Value::as_str).unwrap_or("an error without a message");
        let message =
            line.get("result").and_then(Value::as_str).map_or_else(|| subtype.replace('_', " "), str::to_owned);
        told.failed(&message, line.get("api_error_status").and_then(Value::as_u64));
        told.is_final = subtype.starts_with("error_max_");
    }
}
