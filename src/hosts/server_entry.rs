//! The entry of this server in the settings of a host, in whichever form a host has it.

use serde_json::{Value, json};

/// The name of the server. Hosts derive the names of its tools from it.
pub(super) const SERVER: &str = "work";

/// What stands before the command of a hook in hosts that refuse every tool where a hook cannot start, so that people
/// without this program can work.
pub(super) const IF_INSTALLED: &str = "command -v work >/dev/null || exit 0; ";

/// Returns whether two entries differ at most in keys that say what is so without them.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    let bare = |entry: &Value| {
        let mut entry = entry.clone();
        if let Some(keys) = entry.as_object_mut() {
            let says_nothing = |key: &str, value: &Value| {
                key == "type" && value == "stdio" || value.as_object().is_some_and(serde_json::Map::is_empty)
            };
            keys.retain(|key, value| !says_nothing(key, value));
        }
        entry
    };
    bare(one) == bare(other)
}

/// Returns the entry that most hosts have: a program and its arguments.
pub(super) fn entry() -> Value {
    json!({"command": "work", "args": ["mcp"]})
}

/// Returns what keeps an entry from starting this server, and what to change; `None`: nothing does. It follows
/// the file, the line and the key.
pub(super) fn conflict(entry: &Value) -> Option<String> {
    let again = "or delete it and run this command again";
    let Some(keys) = entry.as_object() else {
        return Some(format!("is {entry} and no object, so no server starts: delete it and run this command again"));
    };
    let is = |key: &str, value: bool| keys.get(key).and_then(Value::as_bool) == Some(value);
    let kind = keys.get("type").and_then(Value::as_str).unwrap_or_default();
    if ["url", "httpUrl", "serverUrl"].iter().any(|key| keys.contains_key(*key))
        || ["remote", "http", "sse", "streamable-http"].contains(&kind)
    {
        return Some(format!("is a remote server, and this one is a local program: rename it, {again}"));
    }
    let words = words(entry);
    if !starts_this_program(&words) {
        if words.len() == 1 && words[0].contains(' ') {
            return Some(format!(
                "has the whole command in one word: write \"command\": \"work\", \"args\": [\"mcp\"], {again}"
            ));
        }
        let told =
            if words.is_empty() { "names no program".to_owned() } else { format!("starts `{}`", words.join(" ")) };
        return Some(format!("{told}, not `work mcp`: rename it, {again}"));
    }
    if is("enabled", false) || is("disabled", true) {
        let (key, value) = if is("enabled", false) { ("enabled", true) } else { ("disabled", false) };
        return Some(format!("is switched off: set \"{key}\" to {value}, {again}"));
    }
    None
}

/// Returns the words of the command that an entry starts.
fn words(entry: &Value) -> Vec<String> {
    ["command", "args"]
        .iter()
        .filter_map(|key| entry.get(key))
        .flat_map(|value| match value {
            Value::Array(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(word) => vec![word.clone()],
            _ => Vec::new(),
        })
        .collect()
}

/// Returns whether a command starts this server: directly, by a path, or by a program that starts programs.
fn starts_this_program(words: &[String]) -> bool {
    let is_ours = |word: &String| {
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = name.strip_suffix(".exe").unwrap_or(name);
        name == "work" || name.starts_with("workstream-mcp")
    };
    let is_there = |words: &[String]| {
        let at = words.iter().position(is_ours);
        at.is_some_and(|at| words[at..].iter().any(|word| word == "mcp"))
    };
    // A shell gets the command as one word.
    let script = words.iter().skip(1).find(|word| word.contains(' '));
    let inner: Option<Vec<String>> = script.map(|script| script.split_whitespace().map(str::to_owned).collect());
    is_there(words) || inner.is_some_and(|inner| is_there(&inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_does_not_start_this_server_is_told() {
        let told = [
            json!("work"),
            json!({"command": "work", "args": ["mcp"], "disabled": true}),
            json!({"type": "local", "command": ["work", "mcp"], "enabled": false}),
            json!({"type": "http", "url": "https://work.example.com/mcp"}),
            json!({"command": "node", "args": ["tracker.js"]}),
            json!({"command": ["/opt/work/bin/tracker", "mcp"]}),
            json!({"command": "work mcp"}),
            json!({}),
        ]
        .map(|entry| conflict(&entry).unwrap());
        insta::assert_snapshot!(told.join("\n"), @r#"
        is "work" and no object, so no server starts: delete it and run this command again
        is switched off: set "disabled" to false, or delete it and run this command again
        is switched off: set "enabled" to true, or delete it and run this command again
        is a remote server, and this one is a local program: rename it, or delete it and run this command again
        starts `node tracker.js`, not `work mcp`: rename it, or delete it and run this command again
        starts `/opt/work/bin/tracker mcp`, not `work mcp`: rename it, or delete it and run this command again
        has the whole command in one word: write "command": "work", "args": ["mcp"], or delete it and run this command again
        names no program, not `work mcp`: rename it, or delete it and run this command again
        "#);
        for fine in [
            json!({"command": "work", "args": ["mcp"]}),
            json!({"type": "stdio", "command": "/opt/work", "args": ["mcp", "--root", "."]}),
            json!({"type": "local", "command": ["npx", "-y", "workstream-mcp", "mcp"], "enabled": true}),
            json!({"command": "cmd", "args": ["/c", "C:\\tools\\work.exe", "mcp"], "env": {}}),
            json!({"command": "sh", "args": ["-c", "exec work mcp"]}),
            json!({"command": "env", "args": ["WORK_ROOT=.", "work", "--root", ".", "mcp"]}),
        ] {
            assert_eq!(conflict(&fine), None, "{fine}");
        }
    }
}
