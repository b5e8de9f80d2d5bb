//! PURE. Which commands pass a gate, and which files keep approvals.

use fast_glob::glob_match;

use super::shell::{Found, read, read_words};
use super::wrappers::{UNKNOWN, interpreter, program};

/// The longest command that is parsed, in bytes. A longer one is only searched.
const MAX_BYTES: usize = 200_000;

/// How a command is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// As a shell reads it. Some texts that nobody writes take the parser very long, or very deep.
    Parse,
    /// Its words are searched.
    Search,
}

/// Why a tool call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// It runs this command, such as `work approve`.
    Command(String),
    /// It changes this file, which has what persons approved.
    Approvals(String),
    /// It changes this file, which has the hook.
    Hook(String),
}

/// Files of hosts that say which hooks run.
const HOOK_FILES: [&str; 13] = [
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".codex/config.toml",
    ".codex/hooks.json",
    ".cursor/hooks.json",
    ".cursor/cli.json",
    ".gemini/settings.json",
    ".github/hooks/*",
    ".github/copilot/settings.json",
    ".github/copilot/settings.local.json",
    ".codex/rules/*",
    ".opencode/plugin/work.js",
    ".claude/plugins/cache/workstream-mcp/work/*/hooks/hooks.json",
];

/// Returns why a shell command may not run; `None`: it may.
pub(super) fn judge_command(command: &str, effort: Effort) -> Option<Gate> {
    let found = if effort == Effort::Search || command.len() > MAX_BYTES { None } else { read(command).ok() };
    match found {
        Some(found) => judge_found(&found),
        // What cannot be parsed is searched. A shell may run a line of it before the mistake.
        None => judge_code(command),
    }
}

/// Returns why a program may not run with these arguments, which no shell expands.
pub(super) fn judge_words(words: &[String]) -> Option<Gate> {
    read_words(words).map_or_else(|_| judge_code(&words.join(" ")), |found| judge_found(&found))
}

fn judge_found(found: &[Found]) -> Option<Gate> {
    found.iter().find_map(|found| match found {
        Found::Runs(words) => judge_run(words),
        Found::Writes(path) => judge_path(path),
        Found::Searched(text) => judge_code(text),
        Found::Foreign(text) => judge_foreign(text),
    })
}

/// Returns why a file may not be changed; `None`: it may.
pub(super) fn judge_path(path: &str) -> Option<Gate> {
    let path = normal(path);
    let is_at = |file: &str| path == file || path.ends_with(&format!("/{file}"));
    let may_be = |file: &str| path.contains(['*', '?', '[']) && glob_match(path.trim_start_matches("**/"), file);
    let name = path.rsplit('/').next().unwrap_or(&path);
    if is_at("work/index.json") || may_be("work/index.json") || name == ".PLAN.approved.md" {
        return Some(Gate::Approvals(path));
    }
    let is_hook = |pattern: &&&str| {
        let depth = pattern.matches('/').count() + 1;
        let end: Vec<&str> = path.rsplit('/').take(depth).collect();
        let end = end.into_iter().rev().collect::<Vec<_>>().join("/");
        glob_match(**pattern, &end)
    };
    if let Some(folder) = path.strip_suffix("/**") {
        return HOOK_FILES.iter().find(|file| is_above(folder, file)).map(|_| Gate::Hook(folder.to_owned()));
    }
    HOOK_FILES.iter().find(|file| is_hook(file) || may_be(file)).map(|_| Gate::Hook(path.clone()))
}

/// Returns whether a folder is one of those above a file of a project.
fn is_above(folder: &str, file: &str) -> bool {
    let above = file.match_indices('/').map(|(at, _)| &file[..at]);
    above.into_iter().any(|above| folder == above || folder.ends_with(&format!("/{above}")))
}

/// Returns a path without `.`, `..` and double slashes.
fn normal(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// Returns why a program may not run with its arguments.
fn judge_run(words: &[String]) -> Option<Gate> {
    let (name, rest) = words.split_first()?;
    if program(name) == "work" {
        return judge_work(rest);
    }
    if let Some(gate) = judge_plugins(program(name), rest) {
        return Some(gate);
    }
    // A program whose name is not known, with the arguments of a gate and of nothing else.
    let is_unknown = name.contains(UNKNOWN);
    if is_unknown && rest.windows(2).any(|pair| pair[0] == "approve" && matches!(pair[1].as_str(), "plan" | "stage")) {
        return Some(Gate::Command("work approve".to_owned()));
    }
    let code = match interpreter(program(name)) {
        "python" => value_of(rest, &["-c", "-uc", "-Ic", "-Bc"]),
        "node" | "deno" | "bun" | "tsx" => value_of(rest, &["-e", "--eval", "-p", "-pe", "eval"]),
        "perl" | "ruby" | "lua" | "osascript" => value_of(rest, &["-e", "-E", "-ne", "-le", "-we"]),
        "php" => value_of(rest, &["-r"]),
        "awk" | "gawk" | "mawk" => rest.iter().find(|word| !word.starts_with('-')),
        _ => None,
    };
    code.and_then(|code| judge_foreign(code))
}

/// Returns why a host may not be told to give up the plugin that has the hook, or the place that it came from.
fn judge_plugins(host: &str, words: &[String]) -> Option<Gate> {
    let has = |known: &[&str]| words.iter().find(|word| known.contains(&word.as_str()));
    let verb = has(&["disable", "uninstall", "remove", "rm"])?;
    let is_ours = |word: &String| word == "work" || word.starts_with("work@") || word == "workstream-mcp";
    let gives_up = ["claude", "codex", "copilot"].contains(&host)
        && has(&["plugin", "plugins"]).is_some()
        && words.iter().any(is_ours);
    gives_up.then(|| Gate::Command(format!("{host} plugin {verb}")))
}

/// Returns the word behind one of the options.
fn value_of<'w>(words: &'w [String], options: &[&str]) -> Option<&'w String> {
    let at = words.iter().position(|word| options.contains(&word.as_str()))?;
    words.get(at + 1)
}

/// Returns why `work` may not run with these arguments.
fn judge_work(words: &[String]) -> Option<Gate> {
    let is_help = |word: &str| matches!(word, "--help" | "-h" | "--version" | "-V");
    // The word behind an option can be its value: `--report -h` asks for no help.
    let before = |at: usize| at.checked_sub(1).and_then(|at| words.get(at)).map_or("", String::as_str);
    let is_value = |at: usize| {
        let before = before(at);
        takes_a_word(before)
            || before.starts_with("--") && !before.contains('=') && before != "--force" && before != "--json"
    };
    let is_asking = words.iter().enumerate().any(|(at, word)| is_help(word) && !is_value(at));
    let mut rest = words.iter();
    let verb = loop {
        let word = rest.next()?;
        match word.as_str() {
            "--root" | "--store" | "--workstream" | "--color" => drop(rest.next()),
            word if takes_a_word(word) => drop(rest.next()),
            word if word.starts_with('-') => {}
            word => break word,
        }
    };
    // What a watch runs when something happens.
    let notified = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--notify") {
        Some("") => words.get(at + 1).map(String::as_str),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    if let Some(gate) = notified.and_then(|command| judge_command(command, Effort::Parse)) {
        return Some(gate);
    }
    let forced = words.iter().any(|word| word == "--force");
    let removes = words.iter().any(|word| word == "--remove");
    let is_gate = match verb {
        // `edit` asks whether to approve, and runs any command as an editor.
        "approve" | "complete" | "retry" | "release" | "store" | "archive" | "delete" | "rename" | "edit" => true,
        "update" | "assign" => forced,
        "init" => removes,
        _ => false,
    };
    let option = if forced {
        " --force"
    } else if removes {
        " --remove"
    } else {
        ""
    };
    (is_gate && !is_asking).then(|| Gate::Command(format!("work {verb}{option}")))
}

/// Returns whether the next word is the value of this short option, or of the last one of several: `-jw ID`.
fn takes_a_word(word: &str) -> bool {
    const VALUED: [char; 5] = ['w', 't', 's', 'r', 'a'];
    match word.strip_prefix('-') {
        Some(letters) if !letters.starts_with('-') => letters.find(VALUED).is_some_and(|at| at + 1 == letters.len()),
        _ => false,
    }
}

/// Returns why a text of another language may not run. One that starts no program only talks about a gate.
fn judge_foreign(code: &str) -> Option<Gate> {
    let starts =
        ["system", "exec", "spawn", "open", "run(", "run ", "call(", "check_", "`", "$(", "%x", "do shell script"];
    match judge_code(code) {
        Some(Gate::Command(_)) if !starts.iter().any(|word| code.contains(word)) => None,
        gate => gate,
    }
}

/// Returns why a text that cannot be followed may not run: it has `work` and the words of a gate one after another, or
/// writes a file with approvals.
fn judge_code(code: &str) -> Option<Gate> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '=');
    let words: Vec<String> = code.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let mut runs = words.iter().enumerate().filter(|(_, word)| program(word) == "work");
    // Only the next words count: a program is a list of many commands.
    let gate = runs.find_map(|(at, _)| judge_work(&words[at + 1..words.len().min(at + 8)]));
    let writes = [
        "write(",
        "write_text",
        "writeFile",
        "dump(",
        "'w'",
        "\"w\"",
        "'wb",
        "\"wb",
        "'w+",
        "unlink(",
        "remove(",
        "rename(",
        "renameSync",
        "os.replace",
        "copy",
        "move(",
        "truncate(",
        "'a'",
        "\"a\"",
        "r+",
    ];
    gate.or_else(|| {
        // A patch names the file that it changes.
        let marks = ["*** Update File: ", "*** Add File: ", "*** Delete File: ", "+++ b/"];
        let patched = code.lines().filter_map(|line| marks.iter().find_map(|mark| line.strip_prefix(mark)));
        let is_written = writes.iter().any(|word| code.contains(word));
        let named = words.iter().filter(|_| is_written).map(String::as_str);
        patched.chain(named).find_map(|path| judge_path(path.trim()))
    })
}
