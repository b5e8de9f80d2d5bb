//! PURE. Which commands pass a gate, and which files keep approvals.

use fast_glob::glob_match;

use super::shell::{Found, read, read_words};
use super::wrappers::{UNKNOWN, interpreter, is_javascript, is_own, is_own_script, program};

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
const HOOK_FILES: [&str; 19] = [
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
    ".claude/plugins/marketplaces/workstream-mcp/claude-code/hooks/hooks.json",
    ".claude/plugins/installed_plugins.json",
    ".claude/plugins/known_marketplaces.json",
    ".copilot/settings.json",
    ".copilot/config.json",
    ".copilot/installed-plugins/workstream-mcp/work/com.github.copilot/hooks/hooks.json",
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
    let is_hook = |pattern: &&&str| glob_match(**pattern, end_of(&path, pattern));
    if let Some(folder) = path.strip_suffix("/**") {
        return HOOK_FILES.iter().find(|file| is_above(folder, file)).map(|_| Gate::Hook(folder.to_owned()));
    }
    HOOK_FILES.iter().find(|file| is_hook(file) || may_be(file)).map(|_| Gate::Hook(path.clone()))
}

/// Returns whether a folder is one of those above a file of a project.
fn is_above(folder: &str, file: &str) -> bool {
    let mut above = file.match_indices('/').map(|(at, _)| &file[..at]);
    above.any(|above| glob_match(above, end_of(folder, above)))
}

/// Returns the last parts of a path, as many as a pattern has.
fn end_of<'p>(path: &'p str, pattern: &str) -> &'p str {
    let mut slashes = path.rmatch_indices('/').map(|(at, _)| at + 1);
    slashes.nth(pattern.matches('/').count()).map_or(path, |at| &path[at..])
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
    if let Some(gate) = judge_unknown(name, rest) {
        return Some(gate);
    }
    let code = match interpreter(program(name)) {
        "python" => values_of(rest, "c", &[]),
        _ if is_javascript(program(name)) => values_of(rest, "ep", &["--eval", "--print", "eval"]),
        "perl" | "ruby" | "lua" | "osascript" => values_of(rest, "eE", &[]),
        "php" => values_of(rest, "r", &[]),
        "zx" => values_of(rest, "e", &["--eval"]),
        "awk" | "gawk" | "mawk" => {
            rest.iter().find(|word| !word.starts_with('-')).map(String::as_str).into_iter().collect()
        }
        _ => Vec::new(),
    };
    code.into_iter().find_map(judge_foreign)
}

/// Programs that do nothing with their words but to look for them, or to print or keep them.
const QUIET: [&str; 40] = [
    "echo",
    "printf",
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "ag",
    "ack",
    "git",
    "gh",
    "glab",
    "cat",
    "less",
    "head",
    "tail",
    "ls",
    "sed",
    "test",
    "[",
    "man",
    "which",
    "type",
    "command",
    "code",
    "open",
    "jq",
    "say",
    "notify-send",
    "logger",
    "cp",
    "mv",
    "rm",
    "mkdir",
    "touch",
    "find",
    "fd",
    "awk",
    "cut",
    "return",
    "read",
];

/// Returns why a program may not run that is not known, but whose words are those of a gate that no other program has:
/// `work approve plan` and `work approve stage`. Most programs with such words run them.
fn judge_unknown(name: &str, words: &[String]) -> Option<Gate> {
    if QUIET.contains(&program(name)) {
        return None;
    }
    let gate = Some(Gate::Command("work approve".to_owned()));
    let runs_unknown = is_javascript(program(name))
        && words.iter().any(|word| {
            word == "-" || word.contains(UNKNOWN) || word.contains("workstream-mcp") || word.ends_with("work.js")
        });
    // The name is what the shell makes it, or the script what the program reads.
    if (name.contains(UNKNOWN) || runs_unknown) && words.windows(2).any(|pair| is_approval(&pair[0], &pair[1])) {
        return gate;
    }
    // A gate has few words.
    let next = |at: usize| &words[at + 1..words.len().min(at + 32)];
    let is_named = |(at, word): (usize, &String)| is_own(word) && approves(next(at));
    if is_own(name) && approves(words) || words.iter().enumerate().any(is_named) {
        return gate;
    }
    // The script of this program by its path, with any gate behind it; or read by other code.
    let is_script = |(at, word): (usize, &String)| {
        let reads = is_javascript(program(name)) && word.contains("workstream-mcp/work.js");
        let mut ends = (0..next(at).len()).map(|skipped| &next(at)[skipped..]);
        let is_path = ["/work", "/work.js"].iter().any(|end| word.ends_with(end));
        is_path && is_own_script("", word) && judge_work(next(at)).is_some()
            || reads && ends.any(|end| !end[0].starts_with('-') && judge_work(end).is_some())
    };
    if words.iter().enumerate().any(is_script) {
        return Some(Gate::Command("work".to_owned()));
    }
    // A whole command in one word, if it is no text of an option such as `--message`.
    let runs = ["-c", "-x", "-e", "--command", "--exec", "--call", "--run", "--cmd", "--eval", "--shell-mode"];
    let is_interpreter = is_javascript(program(name)) || interpreter(program(name)) == "python";
    let texts = words.iter().enumerate().filter(|(at, word)| {
        let before = at.checked_sub(1).map_or("", |at| words[at].as_str());
        !is_interpreter && word.contains(' ') && (!before.starts_with('-') || runs.contains(&before))
    });
    let is_gate = |text: &str| {
        let found = if text.contains("approve") { read(text).unwrap_or_default() } else { Vec::new() };
        found.iter().any(|found| matches!(found, Found::Runs(words) if is_own(&words[0]) && approves(&words[1..])))
    };
    if texts.into_iter().any(|(_, text)| is_gate(text)) { gate } else { None }
}

fn is_approval(verb: &str, what: &str) -> bool {
    verb == "approve" && matches!(what, "plan" | "stage")
}

/// Returns whether these arguments of `work` approve a plan or a stage.
fn approves(words: &[String]) -> bool {
    let is_ours =
        words.iter().any(|word| word == "approve") && words.iter().any(|word| word == "plan" || word == "stage");
    is_ours && matches!(judge_work(words), Some(Gate::Command(gate)) if gate.starts_with("work approve"))
}

/// Programs that put other programs on a computer, and take them away.
const MANAGERS: [&str; 12] =
    ["npm", "pnpm", "yarn", "yarnpkg", "bun", "brew", "cargo", "pip", "pipx", "uv", "volta", "mise"];

/// Returns why the plugin that has the hook may not be given up, or the place that it came from, or the program.
fn judge_plugins(program_name: &str, words: &[String]) -> Option<Gate> {
    let has = |known: &[&str]| words.iter().position(|word| known.contains(&word.as_str()));
    let at = has(&["disable", "uninstall", "remove", "rm", "un", "unlink"])?;
    let verb = &words[at];
    // Behind these options it is the part of the project in which another package is removed.
    let places = ["-p", "--package", "-w", "--workspace", "-F", "--filter", "-C", "--dir", "--prefix", "--cwd"];
    let is_package = |pair: &[String]| {
        !places.contains(&pair[0].as_str()) && program(&pair[1]) == "work" && pair[1].contains("workstream-mcp")
    };
    if MANAGERS.contains(&program_name) && words[at..].windows(2).any(is_package) {
        return Some(Gate::Command(format!("{program_name} {verb}")));
    }
    let host = program_name.strip_suffix("-code").unwrap_or(program_name);
    let is_ours = |word: &String| word == "work" || word.starts_with("work@") || word == "workstream-mcp";
    let gives_up = ["claude", "codex", "copilot"].contains(&host)
        && has(&["plugin", "plugins"]).is_some()
        && (words.iter().any(is_ours) || has(&["--all", "-a"]).is_some());
    gives_up.then(|| Gate::Command(format!("{host} plugin {verb}")))
}

/// Returns the code that options have: behind them, behind `=`, or in the same word. `letters`: the short options, which
/// can stand with others.
fn values_of<'w>(words: &'w [String], letters: &str, names: &[&str]) -> Vec<&'w str> {
    let value = |(at, word): (usize, &'w String)| {
        let next = || words.get(at + 1).map(String::as_str);
        if names.contains(&word.as_str()) {
            return next();
        }
        if let Some((name, value)) = word.split_once('=').filter(|(name, _)| names.contains(name)) {
            return (!name.is_empty()).then_some(value);
        }
        let short = word.strip_prefix('-').filter(|short| !short.starts_with('-'))?;
        let is_letters = short.chars().all(|c| c.is_ascii_alphabetic());
        match short.rfind(|c| letters.contains(c)) {
            Some(end) if is_letters && end + 1 == short.len() => next(),
            _ if !is_letters && short.starts_with(|c| letters.contains(c)) => Some(&short[1..]),
            _ => None,
        }
    };
    words.iter().enumerate().filter_map(value).collect()
}

/// Returns why `work` may not run with these arguments where no person has typed them.
pub fn judge_work(words: &[String]) -> Option<Gate> {
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
        // `edit` asks whether to approve, and runs any command as an editor. `run` takes the planner's seat, with workers that
        // have what rights agents.yaml gives them.
        "approve" | "complete" | "retry" | "release" | "store" | "archive" | "delete" | "rename" | "edit" | "run" => {
            true
        }
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
    let starts = [
        "system",
        "exec",
        "spawn",
        "popen",
        "Popen",
        "open2",
        "open3",
        "run(",
        "run ",
        "call(",
        "check_",
        "`",
        "$(",
        "%x",
        "do shell script",
        "Command(",
    ];
    // What Perl opens can be a program.
    let opens_pipe = code.contains("open") && code.contains('|');
    match judge_code(code) {
        Some(Gate::Command(_)) if !(starts.iter().any(|word| code.contains(word)) || opens_pipe) => None,
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
    let gate = runs.find_map(|(at, _)| {
        let next = &words[at + 1..words.len().min(at + 8)];
        let approves = next.windows(2).any(|pair| is_approval(&pair[0], &pair[1]));
        judge_work(next).or_else(|| approves.then(|| Gate::Command("work approve".to_owned())))
    });
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
