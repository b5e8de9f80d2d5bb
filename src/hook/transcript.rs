//! PURE. What a worker has reported, from the transcript that its host keeps: one JSON object per line.

use serde_json::Value;

/// The attempt that a worker started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The thread, as the worker named it.
    pub thread: String,
    /// The number of the attempt, if the worker gave it.
    pub attempt: Option<u32>,
    /// The workstream, if the worker named it.
    pub workstream: Option<String>,
}

/// How deep a line is searched for calls.
const DEEPEST: usize = 8;

/// Returns the attempts that a worker started, the last one first. Whether it has reported on them, the state knows
/// better: a report can have been refused. In a transcript that many share, only the lines with the name `of` are its.
pub fn started(transcript: &str, of: Option<&str>) -> Vec<Started> {
    let mut starts: Vec<(String, Started)> = Vec::new();
    let mut refused: Vec<String> = Vec::new();
    for line in transcript.lines() {
        let is_call = line.contains("update_thread");
        if !is_call && !line.contains("is_error") {
            continue;
        }
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        if of.is_some_and(|of| line.get("agentId").is_none_or(|agent| agent != of)) {
            continue;
        }
        if is_call {
            calls(&line, DEEPEST, &mut |id, arguments, is_refused| {
                let (Some(thread), Some("in_progress")) = (
                    arguments.get("thread_id").and_then(Value::as_str),
                    arguments.get("status").and_then(Value::as_str),
                ) else {
                    return;
                };
                let attempt = arguments.get("attempt").and_then(Value::as_u64);
                let start = Started {
                    thread: thread.to_owned(),
                    attempt: attempt.and_then(|number| u32::try_from(number).ok()),
                    workstream: arguments.get("workstream").and_then(Value::as_str).map(str::to_owned),
                };
                starts.retain(|(_, known)| *known != start);
                if !is_refused {
                    starts.push((id.to_owned(), start));
                }
            });
        }
        errors(&line, DEEPEST, &mut refused);
    }
    // A start that was refused is another worker's attempt.
    let is_own = |(id, _): &(String, Started)| id.is_empty() || !refused.contains(id);
    starts.into_iter().filter(is_own).map(|(_, start)| start).rev().collect()
}

/// Collects the ids of calls that ended with an error.
fn errors(value: &Value, depth: usize, ids: &mut Vec<String>) {
    match value {
        Value::Array(items) if depth > 0 => items.iter().for_each(|item| errors(item, depth - 1, ids)),
        Value::Object(fields) if depth > 0 => {
            if fields.get("is_error").and_then(Value::as_bool) == Some(true) {
                ids.extend(fields.get("tool_use_id").and_then(Value::as_str).map(str::to_owned));
            }
            fields.values().for_each(|value| errors(value, depth - 1, ids));
        }
        _ => {}
    }
}

/// Calls `found` with the id and the arguments of each call of `update_thread`, whatever the prefix that the host gives
/// the tool, and with whether the same record says that it was refused.
fn calls(value: &Value, depth: usize, found: &mut impl FnMut(&str, &Value, bool)) {
    match value {
        Value::Array(items) if depth > 0 => items.iter().for_each(|item| calls(item, depth - 1, found)),
        Value::Object(fields) if depth > 0 => {
            // Codex has a record of each call by the name `tool`, also of those that a model makes in a script; Copilot
            // has one by the name `toolName`.
            let name = ["name", "tool", "toolName"].iter().find_map(|key| fields.get(*key));
            let is_ours = name.and_then(Value::as_str).is_some_and(|name| name.ends_with("update_thread"));
            let result = fields.get("result").and_then(|result| result.get("isError"));
            let is_refused = result.and_then(Value::as_bool) == Some(true);
            if let Some(arguments) = fields.get("input").or_else(|| fields.get("arguments")).filter(|_| is_ours) {
                // Codex has the arguments as a text of JSON.
                let id = ["id", "call_id"].iter().find_map(|key| fields.get(*key)?.as_str()).unwrap_or_default();
                match arguments.as_str().map(serde_json::from_str::<Value>) {
                    Some(Ok(parsed)) => found(id, &parsed, is_refused),
                    _ => found(id, arguments, is_refused),
                }
                return;
            }
            fields.values().for_each(|value| calls(value, depth - 1, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_found_and_refused_ones_are_not_the_workers() {
        let call = |id: &str, thread: &str, attempt: u32, status: &str| {
            serde_json::json!({"message": {"content": [{"type": "tool_use", "id": id, "name": "mcp__work__update_thread",
                "input": {"thread_id": thread, "attempt": attempt, "status": status, "workstream": "001-s"}}]}})
            .to_string()
        };
        let refused = |id: &str| {
            serde_json::json!({"message": {"content": [{"type": "tool_result", "tool_use_id": id, "is_error": true}]}})
                .to_string()
        };
        let codex = r#"{"payload":{"type":"function_call","name":"update_thread","arguments":"{\"thread_id\":\"01.01.03\",\"status\":\"in_progress\"}"}}"#;
        let item = |thread: &str, is_error: bool| {
            serde_json::json!({"type": "event_msg", "payload": {"type": "item_completed", "item": {"type": "McpToolCall",
                "server": "work", "tool": "update_thread", "status": "completed", "result": {"isError": is_error},
                "arguments": {"thread_id": thread, "attempt": 1, "status": "in_progress"}}}})
            .to_string()
        };
        let scripted = [item("01.01.04", false), item("01.01.05", true)].join("\n");
        assert_eq!(
            started(&scripted, None).iter().map(|start| start.thread.as_str()).collect::<Vec<_>>(),
            ["01.01.04"]
        );
        let lines = [
            call("a", "01.01.01", 2, "in_progress"),
            call("b", "01.01.02", 1, "in_progress"),
            refused("b"),
            call("c", "01.01.01", 2, "completed"),
            refused("c"),
            codex.to_owned(),
            "{broken update_thread".to_owned(),
        ];
        let found = started(&lines.join("\n"), None);
        let told: Vec<_> = found.iter().map(|start| (start.thread.as_str(), start.attempt)).collect();
        assert_eq!(told, [("01.01.03", None), ("01.01.01", Some(2))]);
        assert_eq!(found[1].workstream.as_deref(), Some("001-s"));
        assert_eq!(started("", None), []);
        let copilot = |agent: &str, thread: &str| {
            serde_json::json!({"type": "tool.execution_start", "agentId": agent, "data": {"toolName": "work-update_thread",
                "arguments": {"thread_id": thread, "attempt": 1, "status": "in_progress"}}})
            .to_string()
        };
        let shared = [copilot("one", "01.01.01"), copilot("two", "01.01.02")].join("\n");
        assert_eq!(
            started(&shared, Some("two")).iter().map(|start| start.thread.as_str()).collect::<Vec<_>>(),
            ["01.01.02"]
        );
    }
}
