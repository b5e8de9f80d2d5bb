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

/// Returns the attempt that the worker started last and has not reported on; `None`: there is none.
pub fn unreported(transcript: &str) -> Option<Started> {
    let mut open: Option<Started> = None;
    for line in transcript.lines().filter(|line| line.contains("update_thread")) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        calls(&line, DEEPEST, &mut |arguments| {
            let Some(thread) = arguments.get("thread_id").and_then(Value::as_str) else { return };
            match arguments.get("status").and_then(Value::as_str) {
                Some("in_progress") => {
                    let attempt = arguments.get("attempt").and_then(Value::as_u64);
                    open = Some(Started {
                        thread: thread.to_owned(),
                        attempt: attempt.and_then(|number| u32::try_from(number).ok()),
                        workstream: arguments.get("workstream").and_then(Value::as_str).map(str::to_owned),
                    });
                }
                Some(_) => drop(open.take_if(|open| open.thread == thread)),
                None => {}
            }
        });
    }
    open
}

/// Calls `found` with the arguments of each call of `update_thread`, whatever the prefix that the host gives the tool.
fn calls(value: &Value, depth: usize, found: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(items) if depth > 0 => items.iter().for_each(|item| calls(item, depth - 1, found)),
        Value::Object(fields) if depth > 0 => {
            let is_ours =
                fields.get("name").and_then(Value::as_str).is_some_and(|name| name.ends_with("update_thread"));
            if let Some(arguments) = fields.get("input").or_else(|| fields.get("arguments")).filter(|_| is_ours) {
                // Codex has the arguments as a text of JSON.
                match arguments.as_str().map(serde_json::from_str::<Value>) {
                    Some(Ok(parsed)) => found(&parsed),
                    _ => found(arguments),
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
    fn an_attempt_is_open_until_its_report() {
        let started = r#"{"message":{"content":[{"type":"tool_use","name":"mcp__work__update_thread","input":{"thread_id":"01.01.01","attempt":2,"status":"in_progress","workstream":"001-s"}}]}}"#;
        let ended = r#"{"payload":{"type":"function_call","name":"update_thread","arguments":"{\"thread_id\":\"01.01.01\",\"status\":\"blocked\",\"report\":\"x\"}"}}"#;
        let other = r#"{"message":{"content":[{"type":"tool_result","content":"call update_thread with completed"}]}}"#;
        let open = Some(Started { thread: "01.01.01".into(), attempt: Some(2), workstream: Some("001-s".into()) });
        assert_eq!(unreported(&[started, other, "{broken update_thread"].join("\n")), open);
        assert_eq!(unreported(&[started, ended].join("\n")), None);
        assert_eq!(unreported(&[ended, started].join("\n")), open);
        assert_eq!(unreported(""), None);
    }
}
