//! PURE. Programs that run other programs, and programs that write files: what their arguments say. Each arm knows one
//! program; what an argument of it means comes from its manual.

/// Stands in a word for text that is not known.
pub(super) const UNKNOWN: char = '\0';

/// What the arguments of a program come to.
pub(super) enum Step {
    /// It runs this program, with these arguments.
    Inner(Vec<String>),
    /// It runs this text as a shell does, with these arguments from `$0` on.
    Script { text: String, arguments: Vec<String> },
    /// It sets variables of the shell.
    Sets(Vec<(String, String)>),
    /// It changes to this folder.
    Folder(String),
    /// It reads this text, of another language or a patch.
    Foreign(String),
    /// It runs something that this text names.
    Search(String),
    /// It is the program that runs in the end. It writes these files, and prints this text if that is known.
    Program { writes: Vec<String>, prints: Option<String> },
}

/// The start of the names under which registries have this program: of the package, and of those for one platform.
const PACKAGE: &str = "workstream-mcp";

/// Returns the name of a program, without its folder. It is `work` for the packages of this program too.
pub(super) fn program(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let name = name.strip_prefix("npm:").unwrap_or(name);
    if name.starts_with(PACKAGE) {
        return "work";
    }
    // `npx work@latest` names a version.
    name.split_once('@').map_or(name, |(name, _)| if name.is_empty() { word } else { name })
}

/// Returns what a program with its arguments comes to. `words` has at least the program.
pub(super) fn step(words: &[String], input: Option<&str>) -> Step {
    let (name, rest) = (program(&words[0]), &words[1..]);
    if matches!(interpreter(name), "node" | "nodejs" | "bun" | "deno" | "tsx")
        && let Some(words) = own_script(rest)
    {
        return Step::Inner(words);
    }
    match name {
        "env" => env(rest),
        // Options with a value, then the words that stand before the command.
        "sudo" | "doas" => {
            inner(rest, &["-u", "-g", "-C", "-h", "-p", "-r", "-t", "-T", "-U", "-D", "--user", "--group"], 0)
        }
        "timeout" | "gtimeout" => inner(rest, &["-k", "-s", "--kill-after", "--signal"], 1),
        "nice" => inner(rest, &["-n", "--adjustment"], 0),
        "ionice" => inner(rest, &["-c", "-n", "-p"], 0),
        "taskset" if rest.first().is_some_and(|word| word == "-c") => inner(rest, &["-c"], 0),
        "taskset" | "chrt" | "faketime" => inner(rest, &["-p"], 1),
        // The options of the shell's own `time`.
        name if name.starts_with('-') => inner(words, &["-f", "-o"], 0),
        "flock" => flock(rest),
        "stdbuf" => inner(rest, &["-i", "-o", "-e"], 0),
        "exec" => inner(rest, &["-a"], 0),
        "watch" => shell_words(rest, &["-n", "-d", "-q", "--interval"]),
        "strace" | "ltrace" => inner(rest, &["-o", "-e", "-s", "-p", "-u"], 0),
        "time" | "nohup" | "setsid" | "builtin" | "chronic" | "unbuffer" | "caffeinate" | "noglob" | "nocorrect"
        | "busybox" | "!" => inner(rest, &["-f", "-o"], 0),
        // `command -v` only looks.
        "command" if rest.first().is_some_and(|word| matches!(word.as_str(), "-v" | "-V")) => finished(Vec::new()),
        "command" => inner(rest, &[], 0),
        "npx" | "bunx" | "pnpx" | "uvx" => in_package(name, rest),
        "npm" | "pnpm" | "yarn" | "bun" => package_manager(name, rest),
        "uv" | "poetry" | "pipenv" | "rye" | "pdm" | "hatch" => after_verb(rest, &["run"], &["--with", "--python"]),
        // A tool that it installs may stand before the `--`.
        "mise" | "rtx" if rest.iter().any(|word| word == "--") => after_word(rest, &["--"]),
        "mise" | "rtx" | "asdf" => after_verb(rest, &["exec", "x"], &[]),
        "direnv" => skip_one(after_verb(rest, &["exec"], &[])),
        "nix" | "devbox" | "devenv" => after_word(rest, &["-c", "--command", "run", "--"]),
        // What they run is in their arguments, in a form of their own: it is searched.
        "ssh" | "tmux" | "screen" | "su" | "at" | "batch" | "systemd-run" | "hyperfine" | "expect" | "csh" | "tcsh"
        | "nu" | "cmd" | "powershell" | "pwsh" | "wsl" | "iex" => {
            Step::Search(rest.iter().map(String::as_str).chain(input).collect::<Vec<_>>().join(" "))
        }
        "git"
            if rest.iter().any(|word| {
                word.contains("=!")
                    || word.starts_with('!')
                    || matches!(word.as_str(), "--exec" | "-x" | "foreach" | "bisect" | "config")
            }) =>
        {
            Step::Search(rest.join(" "))
        }
        // A container may have the folder of the workspace, and the image may be this program.
        "docker" | "podman" | "nerdctl" if rest.iter().any(|word| matches!(word.as_str(), "run" | "exec")) => {
            Step::Search(
                rest.iter().map(|word| if is_own_image(word) { "work" } else { word }).collect::<Vec<_>>().join(" "),
            )
        }
        "docker" | "podman" | "nerdctl" | "entr" => finished(Vec::new()),
        "cargo" => cargo(rest),
        "xargs" => xargs(rest, input),
        "parallel" => parallel(rest, input),
        "find" | "fd" | "fdfind" => find(rest),
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" | "fish" | "mksh" => shell(rest, input),
        "eval" => Step::Script { text: rest.join(" "), arguments: Vec::new() },
        "trap" => script_at(rest, 0),
        "script" => script(rest),
        "cd" | "pushd" => Step::Folder(rest.iter().find(|word| !word.starts_with('-')).cloned().unwrap_or_default()),
        "export" | "declare" | "local" | "readonly" | "typeset" | "alias" => sets(rest),
        "set" => match rest.iter().position(|word| word == "--") {
            Some(at) => {
                let given = rest[at + 1..].iter().enumerate();
                Step::Sets(given.map(|(at, word)| ((at + 1).to_string(), word.clone())).collect())
            }
            None => finished(Vec::new()),
        },
        // Code on the stdin of an interpreter.
        _ if input.is_some() && is_interpreter(name) && !rest.iter().any(|word| !word.starts_with('-')) => {
            Step::Foreign(input.unwrap_or_default().to_owned())
        }
        "apply_patch" => Step::Foreign(rest.iter().map(String::as_str).chain(input).collect::<Vec<_>>().join("\n")),
        "git" | "patch" if input.is_some_and(|text| text.contains("+++ ")) => {
            Step::Foreign(input.unwrap_or_default().to_owned())
        }
        _ => Step::Program { writes: writes(name, rest), prints: prints(name, rest, input) },
    }
}

/// Returns the name of an interpreter without its version: `python3.12` is `python`.
pub(super) fn interpreter(name: &str) -> &str {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if plain == "pypy" || plain == "py" { "python" } else { plain }
}

fn is_interpreter(name: &str) -> bool {
    let known = ["python", "node", "deno", "bun", "perl", "ruby", "php", "lua", "osascript"];
    known.contains(&interpreter(name))
}

fn finished(writes: Vec<String>) -> Step {
    Step::Program { writes, prints: None }
}

/// Returns what comes behind the options of a wrapper and the `leading` words after them. `valued`: the options whose
/// value is the next word.
fn inner(words: &[String], valued: &[&str], leading: usize) -> Step {
    Step::Inner(words[options(words, valued)..].iter().skip(leading).cloned().collect())
}

/// Returns how many words the options at the start take.
fn options(words: &[String], valued: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" {
            return at + 1;
        }
        if !word.starts_with('-') || word == "-" {
            break;
        }
        at += if valued.contains(&word.as_str()) { 2 } else { 1 };
    }
    at.min(words.len())
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn env(words: &[String]) -> Step {
    // `-S` has a whole command in one word.
    for (at, word) in words.iter().enumerate() {
        if let Some(text) = word.strip_prefix("--split-string=").or_else(|| word.strip_prefix("-S")) {
            let text = if text.is_empty() { words.get(at + 1).cloned().unwrap_or_default() } else { text.to_owned() };
            return Step::Script { text, arguments: Vec::new() };
        }
        if !word.starts_with('-') && !is_assignment(word) {
            break;
        }
    }
    let rest = &words[options(words, &["-u", "-C", "--unset", "--chdir"])..];
    Step::Inner(rest.iter().skip_while(|word| is_assignment(word)).cloned().collect())
}

fn flock(words: &[String]) -> Step {
    let rest = &words[options(words, &["-w", "-E", "--timeout"])..];
    // The file, then a command, or `-c` and a text.
    match rest.get(1).map(String::as_str) {
        Some("-c") => script_at(rest, 2),
        _ => Step::Inner(rest.iter().skip(1).cloned().collect()),
    }
}

fn shell_words(words: &[String], valued: &[&str]) -> Step {
    Step::Script { text: words[options(words, valued)..].join(" "), arguments: Vec::new() }
}

fn script_at(words: &[String], at: usize) -> Step {
    Step::Script { text: words.get(at).cloned().unwrap_or_default(), arguments: Vec::new() }
}

/// Returns the command behind one of the verbs of a program, such as `npm exec`.
fn after_verb(words: &[String], verbs: &[&str], valued: &[&str]) -> Step {
    match words.iter().position(|word| !word.starts_with('-')) {
        Some(at) if verbs.contains(&words[at].as_str()) => inner(&words[at + 1..], valued, 0),
        _ => finished(Vec::new()),
    }
}

/// The options of package managers whose value is the next word.
const PACKAGE_OPTIONS: [&str; 17] = [
    "-p",
    "--package",
    "--workspace",
    "-F",
    "--filter",
    "-C",
    "--dir",
    "--prefix",
    "--cwd",
    "--registry",
    "--cache",
    "--userconfig",
    "--loglevel",
    "--node-options",
    "--with",
    "--from",
    // For npm alone. For pnpm it is the root of the project.
    "-w",
];

/// Returns the options of a package manager, or of its runner, whose value is the next word.
fn package_options(name: &str) -> &'static [&'static str] {
    let (_, others) = PACKAGE_OPTIONS.split_last().unwrap_or((&"", &[]));
    if name.starts_with("np") { &PACKAGE_OPTIONS } else { others }
}

/// What a runner of packages runs: the program behind its options, or the text behind `-c`.
fn in_package(name: &str, words: &[String]) -> Step {
    let end = options(words, package_options(name));
    let call = |word: &String| matches!(word.as_str(), "-c" | "--call");
    if let Some(at) = words[..end].iter().position(call) {
        return script_at(words, at + 1);
    }
    match words[..end].iter().find_map(|word| word.strip_prefix("--call=")) {
        Some(text) => Step::Script { text: text.to_owned(), arguments: Vec::new() },
        None => Step::Inner(words[end..].to_vec()),
    }
}

/// What `npm exec`, `pnpm dlx` and their like run. All but npm also run a program of the project by its name alone.
fn package_manager(name: &str, words: &[String]) -> Step {
    let at = options(words, package_options(name));
    let by_name = name != "npm";
    match words.get(at).map(String::as_str) {
        Some("exec" | "x" | "dlx") => in_package(name, &words[at + 1..]),
        Some("run") if by_name => in_package(name, &words[at + 1..]),
        // `yarn workspace NAME …` does in a part of the project what `yarn …` does.
        Some("workspace") if by_name => package_manager(name, words.get(at + 2..).unwrap_or_default()),
        Some(word) if by_name && program(word) == "work" => Step::Inner(words[at..].to_vec()),
        _ => finished(Vec::new()),
    }
}

/// Returns `work` with its arguments, if an interpreter of JavaScript runs the script that starts it: `work.js` of the
/// package, or the link to it.
fn own_script(words: &[String]) -> Option<Vec<String>> {
    let verbs = usize::from(words.first().is_some_and(|word| word == "run" || word == "x"));
    let at = verbs + options(&words[verbs..], &["-r", "--require", "--import", "--loader", "--env-file", "-C"]);
    let script = words.get(at)?.trim_start_matches("./");
    let is_in_package = script.split(['/', '\\']).any(|part| part.trim_start_matches("npm:").starts_with(PACKAGE));
    let is_own = program(script) == "work" || script == "work.js" || is_in_package && script.ends_with("/work.js");
    is_own.then(|| std::iter::once("work".to_owned()).chain(words[at + 1..].iter().cloned()).collect())
}

/// Returns whether a word names an image of this program, with or without a registry and a tag.
fn is_own_image(word: &str) -> bool {
    !word.starts_with(['-', '/', '.']) && word.rsplit('/').next().is_some_and(|name| name.starts_with(PACKAGE))
}

fn after_word(words: &[String], marks: &[&str]) -> Step {
    match words.iter().rposition(|word| marks.contains(&word.as_str())) {
        Some(at) => Step::Inner(words[at + 1..].to_vec()),
        None => finished(Vec::new()),
    }
}

fn skip_one(step: Step) -> Step {
    match step {
        Step::Inner(words) => Step::Inner(words.into_iter().skip(1).collect()),
        other => other,
    }
}

/// `cargo run … -- ARGUMENTS` of this very program.
fn cargo(words: &[String]) -> Step {
    let is_ours = words.iter().any(|word| matches!(word.as_str(), "work" | "workstream-mcp" | "--bin=work"));
    match words.iter().position(|word| word == "--").filter(|_| is_ours && words.iter().any(|word| word == "run")) {
        Some(at) => Step::Inner(std::iter::once("work".to_owned()).chain(words[at + 1..].iter().cloned()).collect()),
        None => finished(Vec::new()),
    }
}

/// Returns the words of a text on stdin; one unknown word if it is not known.
fn words_of(input: Option<&str>) -> Vec<String> {
    match input {
        Some(text) => text.split_whitespace().map(str::to_owned).collect(),
        None => vec![UNKNOWN.to_string()],
    }
}

fn xargs(words: &[String], input: Option<&str>) -> Step {
    let valued =
        ["-n", "-I", "-P", "-d", "-L", "-s", "-a", "-E", "-J", "-R", "--max-args", "--max-procs", "--delimiter"];
    let replaced = words.iter().position(|word| word == "-I").and_then(|at| words.get(at + 1)).cloned();
    let rest = &words[options(words, &valued)..];
    let given = words_of(input);
    Step::Inner(match replaced {
        Some(mark) => rest.iter().map(|word| word.replace(&mark, &given.join(" "))).collect(),
        None => rest.iter().cloned().chain(given).collect(),
    })
}

fn parallel(words: &[String], input: Option<&str>) -> Step {
    let rest = &words[options(words, &["-j", "--jobs", "-n", "-N"])..];
    let end = rest.iter().position(|word| word.starts_with(":::")).unwrap_or(rest.len());
    let given = if end < rest.len() { rest[end + 1..].to_vec() } else { words_of(input) };
    let command: Vec<String> = rest[..end].iter().map(|word| word.replace("{}", &given.join(" "))).collect();
    let text = if command == rest[..end] { [command, given].concat().join(" ") } else { command.join(" ") };
    Step::Script { text, arguments: Vec::new() }
}

fn find(words: &[String]) -> Step {
    let starts =
        |word: &String| matches!(word.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X" | "--exec");
    match words.iter().position(starts) {
        Some(at) => Step::Inner(
            words[at + 1..].iter().take_while(|word| !matches!(word.as_str(), ";" | "+")).cloned().collect(),
        ),
        None if words.iter().any(|word| word == "-delete") => finished(words.to_vec()),
        None => finished(Vec::new()),
    }
}

fn shell(words: &[String], input: Option<&str>) -> Step {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let is_option = (word.starts_with('-') || word.starts_with('+')) && word.len() > 1;
        if !is_option {
            break;
        }
        if matches!(word.as_str(), "-s" | "--") {
            at += 1;
            break;
        }
        if !word.starts_with("--") && word.contains('c') {
            // `-c`, also among others as in `-lc`. Options may stand between it and the text.
            let rest = &words[at + 1..];
            let rest = &rest[options(rest, &["-o", "-O"])..];
            let arguments = rest.iter().skip(1).cloned().collect();
            return Step::Script { text: rest.first().cloned().unwrap_or_default(), arguments };
        }
        let has_value = !word.starts_with("--") && word.ends_with(['o', 'O']);
        at += if has_value || matches!(word.as_str(), "--rcfile" | "--init-file") { 2 } else { 1 };
    }
    let reads = words.get(at).is_none_or(|word| matches!(word.as_str(), "-" | "/dev/stdin"))
        || words.iter().take(at).any(|word| word == "-s");
    match (reads, input) {
        (true, Some(text)) => {
            let given = words.iter().skip(at).filter(|word| !matches!(word.as_str(), "--" | "-" | "/dev/stdin"));
            let arguments = std::iter::once("sh".to_owned()).chain(given.cloned()).collect();
            Step::Script { text: text.to_owned(), arguments }
        }
        _ => finished(Vec::new()),
    }
}

fn script(words: &[String]) -> Step {
    // `script -qc 'COMMAND' FILE`, and on macOS `script FILE COMMAND …`.
    match words.iter().position(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('c')) {
        Some(at) => script_at(words, at + 1),
        None => inner(words, &[], 1),
    }
}

fn sets(words: &[String]) -> Step {
    let pairs = words.iter().filter_map(|word| word.split_once('='));
    Step::Sets(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Returns whether one of the short options, which can stand together, has this letter.
fn bundled(words: &[String], letter: char) -> bool {
    let is_short = |word: &&String| word.starts_with('-') && !word.starts_with("--");
    words.iter().filter(is_short).any(|word| word.contains(letter))
}

/// Returns the files that a program writes or removes.
fn writes(name: &str, words: &[String]) -> Vec<String> {
    let has = |options: &[&str]| words.iter().any(|word| options.iter().any(|option| word.starts_with(option)));
    let paths = || words.iter().filter(|word| !word.starts_with('-')).cloned();
    match name {
        // A folder goes with all that is in it.
        "rm" | "mv" => paths().flat_map(|path| [format!("{}/**", path.trim_end_matches('/')), path]).collect(),
        "tee" | "sponge" | "unlink" | "shred" | "truncate" | "ed" | "ex" | "vi" | "vim" | "nvim" | "nano" | "emacs"
        | "patch" | "touch" => paths().collect(),
        // Into a folder, under the same name.
        "cp" | "install" | "ln" | "rsync" => {
            let all: Vec<String> = paths().collect();
            let target = all.last().cloned().unwrap_or_default();
            let inside = all.iter().rev().skip(1).map(|source| {
                let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                format!("{}/{name}", target.trim_end_matches('/'))
            });
            inside.chain([target.clone()]).collect()
        }
        "sed" | "gsed" if has(&["--in-place"]) || bundled(words, 'i') => paths().collect(),
        "perl" | "ruby" if bundled(words, 'i') => paths().collect(),
        "yq" | "dasel" if has(&["--inplace"]) || bundled(words, 'i') => paths().collect(),
        "awk" | "gawk" if has(&["inplace"]) => paths().collect(),
        "dd" => words.iter().filter_map(|word| word.strip_prefix("of=")).map(str::to_owned).collect(),
        "curl" | "wget" => words
            .windows(2)
            .filter(|pair| matches!(pair[0].as_str(), "-o" | "-O" | "--output"))
            .map(|pair| pair[1].clone())
            .collect(),
        "git"
            if paths()
                .next()
                .is_some_and(|verb| matches!(verb.as_str(), "checkout" | "restore" | "rm" | "mv" | "reset")) =>
        {
            paths().skip(1).flat_map(|path| [format!("{}/**", path.trim_end_matches('/')), path]).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns what a program prints, if its arguments say so.
fn prints(name: &str, words: &[String], input: Option<&str>) -> Option<String> {
    let is_known = |text: String| (!text.contains(UNKNOWN)).then_some(text);
    match name {
        "echo" => is_known(words[options(words, &[])..].join(" ").replace("\\n", "\n")),
        "printf" => {
            let (format, arguments) = words.split_first()?;
            let mut text = format.replace("\\n", "\n").replace("\\t", "\t");
            for argument in arguments {
                text =
                    if text.contains("%s") { text.replacen("%s", argument, 1) } else { format!("{text} {argument}") };
            }
            is_known(text)
        }
        "cat" | "tee" if words.iter().all(|word| word.starts_with('-') || name == "tee") => input.map(str::to_owned),
        _ => None,
    }
}
