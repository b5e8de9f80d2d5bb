//! PURE. What a host tells its hook about a tool call: JSON, in a form that differs from host to host. Only its commands
//! and the files that it changes are read.

use serde_json::Value;

use super::gate::{Effort, Gate, judge_command, judge_path, judge_words};

/// The words that stand in a file of hooks as long as the hook is there.
const HOOK_COMMAND: &str = "work hook";

/// The prefix of this server's tools in the hosts that say who calls.
const SERVER_PREFIX: &str = "mcp__work__";

/// The tools that a worker has no use for.
const PLANNERS_TOOLS: [&str; 3] = ["next_batch", "assign_thread", "batch_outcome"];

/// How deep an input is searched for paths.
const DEEPEST: usize = 6;

/// Returns why a tool call may not run; `None`: it may.
///
/// # Errors
///
/// If the text is no JSON object.
pub fn judge_call(text: &str, effort: Effort) -> Result<Option<Gate>, serde_json::Error> {
    let call: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))?;
    let call = if call.is_object() { call } else { return Err(serde::de::Error::custom("it is no object")) };
    let name = ["tool_name", "toolName", "tool"].iter().find_map(|key| call.get(key)?.as_str()).unwrap_or_default();
    let input =
        ["tool_input", "toolInput", "toolArgs", "input", "arguments", "args"].iter().find_map(|key| call.get(key));
    // Copilot has the arguments as a text of JSON. Cursor has them beside the name of the event.
    let parsed = input.and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let input = parsed.as_ref().or(input).unwrap_or(&call);
    // In PowerShell a backslash is part of a path.
    let is_powershell = ["powershell", "pwsh"].iter().any(|word| name.to_lowercase().contains(word));
    let slashed = is_powershell.then(|| with_slashes(input));
    let input = slashed.as_ref().unwrap_or(input);
    let folder =
        ["workdir", "cwd", "dir_path"].iter().find_map(|key| input.get(key).or_else(|| call.get(key))?.as_str());
    let typed = is_shell(name).then(|| input.as_str().or_else(|| input.get("input")?.as_str())).flatten();
    Ok(judge_commands(input, folder.unwrap_or_default(), effort)
        .or_else(|| judge_command(typed?, effort))
        .or_else(|| judge_changes(name, input)))
}

/// Returns the arguments of a shell with `/` in place of each backslash of its command.
fn with_slashes(input: &Value) -> Value {
    let mut slashed = input.clone();
    if let Some(command) = slashed.get_mut("command") {
        *command = command.as_str().map_or(Value::Null, |text| Value::from(text.replace('\\', "/")));
    }
    slashed
}

/// Returns whether a tool is a shell, by its name.
fn is_shell(name: &str) -> bool {
    let name = name.to_lowercase();
    ["bash", "shell", "terminal", "powershell", "exec"].iter().any(|word| name.contains(word))
}

/// The form in which a host wants to be told why something is refused. All but two show stderr to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// On stderr.
    Stderr,
    /// On stdout, as Copilot CLI has it.
    Copilot,
    /// On stdout, as Cursor has it.
    Cursor,
}

/// Returns the form for the host that an event is from.
pub fn told_by(event: &Value) -> Told {
    if event.get("cursor_version").is_some() {
        Told::Cursor
    } else if event.get("toolName").is_some() || event.get("transcriptPath").is_some() {
        Told::Copilot
    } else {
        Told::Stderr
    }
}

/// A call of a planner's tool by a subagent.
#[derive(Debug, PartialEq, Eq)]
pub struct PlannersCall {
    /// The profile of the subagent.
    pub agent: String,
    /// The tool, without the prefix that the host gives it.
    pub tool: String,
}

/// Returns the call of a planner's tool that a subagent makes, where the host says so; `None` for any other call. Some
/// hosts have no way to hide tools from an agent.
pub fn planners_call(text: &str) -> Option<PlannersCall> {
    // Most calls are of other tools, and some are long.
    if !text.contains(SERVER_PREFIX) {
        return None;
    }
    let call: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let field = |key: &str| call.get(key).and_then(Value::as_str);
    let tool = field("tool_name")?.strip_prefix(SERVER_PREFIX)?;
    field("agent_id")?;
    let agent = field("agent_type")?;
    PLANNERS_TOOLS.contains(&tool).then(|| PlannersCall { agent: agent.to_owned(), tool: tool.to_owned() })
}

/// Judges what a shell is to run.
fn judge_commands(input: &Value, folder: &str, effort: Effort) -> Option<Gate> {
    // A patch in place of a command is no script.
    let is_patch = |command: &&Value| !command.as_str().is_some_and(|text| text.starts_with("*** Begin Patch"));
    if let (Some(command), Some(arguments)) =
        (input.get("command").and_then(Value::as_str), input.get("args").and_then(Value::as_array))
    {
        let arguments = arguments.iter().filter_map(Value::as_str).map(str::to_owned);
        let words: Vec<String> = std::iter::once(command.to_owned()).chain(arguments).collect();
        return judge_words(&words);
    }
    let commands =
        ["command", "cmd", "script", "commands", "chars"].iter().filter_map(|key| input.get(key)).filter(is_patch);
    commands.into_iter().find_map(|command| match command {
        // A shell that starts in the folder of the approvals.
        Value::String(command) if folder.ends_with("/work") => {
            judge_command(&format!("cd {folder:?}\n{command}"), effort)
        }
        Value::String(command) => judge_command(command, effort),
        Value::Array(calls) if calls.iter().any(Value::is_object) => {
            calls.iter().find_map(|call| judge_commands(call, folder, effort))
        }
        Value::Array(words) => {
            let words: Vec<String> = words.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            judge_words(&words)
        }
        _ => None,
    })
}

/// Judges the files that a tool changes. Tools that read have paths too, so only those whose name says that they write
/// are looked at.
fn judge_changes(name: &str, input: &Value) -> Option<Gate> {
    let name = name.to_lowercase();
    let writes =
        ["write", "edit", "create", "patch", "replace", "insert", "delete", "remove", "rename", "move", "update"];
    if name.contains("read_")
        || name == "read"
        || input.get("command").and_then(Value::as_str) == Some("view")
        || !writes.iter().any(|verb| name.contains(verb))
    {
        return None;
    }
    let mut paths = Vec::new();
    let mut texts = Vec::new();
    collect(input, DEEPEST, &mut paths, &mut texts);
    for text in &texts {
        // The form of patches that Codex and others use.
        let marks = ["*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: ", "+++ ", "--- "];
        paths.extend(text.lines().filter_map(|line| marks.iter().find_map(|mark| line.strip_prefix(mark))));
    }
    paths.into_iter().find_map(|path| match judge_path(path.trim()) {
        // The plugin is all hook.
        Some(Gate::Hook(path)) if !path.ends_with("work.js") && !loses_hook(input, &texts) => None,
        gate => gate,
    })
}

/// What else must stay where it stands in a file of hooks.
const HOOK_EVENTS: [&str; 5] = ["PreToolUse", "preToolUse", "BeforeTool", "SubagentStop", "subagentStop"];

/// Returns whether a change of a file of hooks takes the hook out of it.
fn loses_hook(input: &Value, texts: &[&str]) -> bool {
    let has = |text: &str| text.contains(HOOK_COMMAND);
    let loses = |old: &str, new: &str| {
        let mut marks = HOOK_EVENTS.iter().chain([&HOOK_COMMAND]);
        marks.any(|mark| old.contains(mark) && !new.contains(mark))
    };
    if let Some(edits) = ["edits", "replacements"].iter().find_map(|key| input.get(key)?.as_array()) {
        return edits.iter().any(|edit| loses_hook(edit, &[]));
    }
    let text = |keys: &[&str]| keys.iter().find_map(|key| input.get(key)?.as_str());
    let switches = ["disableAllHooks", "hooksConfig", "work@workstream-mcp"];
    if texts.iter().any(|text| switches.iter().any(|switch| text.contains(switch))) {
        return true;
    }
    let (old, new) = (text(&["old_string", "oldString", "old_str"]), text(&["new_string", "newString", "new_str"]));
    match (old, new, text(&["content", "file_text", "contents"])) {
        (Some(old), new, _) => loses(old, new.unwrap_or_default()),
        (None, _, Some(whole)) => !has(whole),
        // In a patch, a line of it goes and none comes.
        _ => {
            let lines =
                |sign: char| texts.iter().flat_map(|text| text.lines()).any(|line| line.starts_with(sign) && has(line));
            lines('-') && !lines('+')
        }
    }
}

/// Collects the paths that an input names, and all its texts.
fn collect<'v>(value: &'v Value, depth: usize, paths: &mut Vec<&'v str>, texts: &mut Vec<&'v str>) {
    let names = [
        "file_path",
        "filePath",
        "path",
        "paths",
        "notebook_path",
        "target_file",
        "file",
        "files",
        "filename",
        "uri",
        "old_path",
        "new_path",
        "source",
        "destination",
    ];
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) if depth > 0 => items.iter().for_each(|item| collect(item, depth - 1, paths, texts)),
        Value::Object(fields) if depth > 0 => {
            for (key, value) in fields {
                if names.contains(&key.as_str()) {
                    paths.extend(value.as_str());
                    paths.extend(value.as_array().into_iter().flatten().filter_map(Value::as_str));
                }
                collect(value, depth - 1, paths, texts);
            }
        }
        _ => {}
    }
}
