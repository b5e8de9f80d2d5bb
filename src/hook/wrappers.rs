//! PURE. Programs that run other programs, and programs that write files: what their arguments say. Each arm knows one
//! program; what an argument of it means comes from its manual.

/// Stands in a word for text that is not known.
pub(super) const UNKNOWN: char = '\0';

/// The name of a program that is not known.
const UNKNOWN_NAME: &str = "\0";

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
    /// It does these, or one of them: where its text does not show which.
    Any(Vec<Step>),
    /// It is the program that runs in the end. It writes these files, and prints this text if that is known.
    Program { writes: Vec<String>, prints: Option<String> },
}

/// The name under which registries have this program. Those for one platform have its name behind it.
const PACKAGE: &str = "workstream-mcp";

/// Returns whether a name is one of those under which registries have this program.
fn is_package(name: &str) -> bool {
    let name = name.to_lowercase();
    let Some(rest) = name.strip_prefix(PACKAGE) else { return false };
    let mut parts = rest.split('-');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(""), None, ..) => true,
        (Some(""), Some(system), Some(machine), None) => {
            ["linux", "darwin", "win32"].contains(&system) && ["x64", "arm64"].contains(&machine)
        }
        // A package in a file: `workstream-mcp-0.2.0.tgz`.
        (Some(""), Some(version), None, _) => {
            version.starts_with(|c: char| c.is_ascii_digit()) && rest.split('.').next_back() == Some("tgz")
        }
        _ => false,
    }
}

/// Returns the name of a program, without its folder and what Windows has behind it. It is `work` for the packages of
/// this program too, with whatever a registry's client takes around their name: `w@npm:workstream-mcp@0.2.0`.
pub(super) fn program(word: &str) -> &str {
    let spec = word.rsplit_once("npm:").map_or(word, |(_, name)| name);
    let (spec, fragment) = spec.split_once('#').unwrap_or((spec, ""));
    let name = spec.rsplit(['/', '\\']).next().unwrap_or(spec);
    let dot = name.len().saturating_sub(4);
    let name = match name.get(dot..) {
        Some(end) if [".exe", ".cmd", ".ps1", ".bat"].iter().any(|known| end.eq_ignore_ascii_case(known)) => {
            let name = &name[..dot];
            // Windows takes names in any case.
            if name.eq_ignore_ascii_case("work") { "work" } else { name }
        }
        _ => name,
    };
    // `npx work@latest` names a version.
    let plain = name.split_once('@').map_or(name, |(name, _)| name);
    if is_package(plain.strip_suffix(".git").unwrap_or(plain)) || is_package(fragment) {
        return "work";
    }
    // A package of a scope is another one.
    if plain.is_empty() || word.starts_with('@') && plain == "work" { word } else { plain }
}

/// Returns whether a word names this program, also as a script that an interpreter is given.
pub(super) fn is_own(word: &str) -> bool {
    program(word) == "work" || word.ends_with("/work") || is_own_script("", word)
}

/// Returns whether a path in a folder is the script that starts this program: in the folder of the package, or the link
/// to it.
pub(super) fn is_own_script(folder: &str, path: &str) -> bool {
    let path = format!("{folder}/{path}").replace('\\', "/");
    let is_in_package = path.split('/').any(|part| program(part) == "work" && part != "work");
    let (folder, name) = path.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
    let is_link = name == "work" && (folder.ends_with("/bin") || folder.ends_with("/.bin"));
    is_link || is_in_package && (matches!(name, "work" | "work.js") || program(name) == "work")
}

/// Returns whether a program runs JavaScript.
pub(super) fn is_javascript(name: &str) -> bool {
    matches!(interpreter(name), "node" | "nodejs" | "bun" | "deno" | "dx" | "tsx" | "ts-node")
}

/// Returns what a program with its arguments comes to, in this folder. `words` has at least the program.
pub(super) fn step(words: &[String], input: Option<&str>, folder: &str) -> Step {
    let (name, rest) = (program(&words[0]), &words[1..]);
    if is_javascript(name)
        && let Some(words) = own_script(rest, folder)
    {
        return Step::Any(vec![Step::Inner(words), finished(Vec::new())]);
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
        "taskset" | "chrt" | "faketime" | "chroot" | "runas" => inner(rest, &["-p"], 1),
        // The options of the shell's own `time`.
        name if name.starts_with('-') => inner(words, &["-f", "-o"], 0),
        "flock" => flock(rest),
        "stdbuf" => inner(rest, &["-i", "-o", "-e"], 0),
        "exec" => inner(rest, &["-a"], 0),
        "watch" => shell_words(rest, &["-n", "-d", "-q", "--interval"]),
        "strace" | "ltrace" => inner(rest, &["-o", "-e", "-s", "-p", "-u"], 0),
        "time" | "nohup" | "setsid" | "builtin" | "chronic" | "unbuffer" | "caffeinate" | "noglob" | "nocorrect"
        | "busybox" | "entr" | "watchexec" | "nodemon" | "dotenv" | "corepack" | "rlwrap" | "fakeroot" | "pkexec"
        | "flatpak-spawn" | "unshare" | "setpriv" | "prlimit" | "valgrind" | "firejail" | "proot" | "runuser"
        | "gdb" | "wine" | "lima" | "!" => inner(rest, &["-f", "-o", "-e", "-w"], 0),
        "cross-env" | "cross-env-shell" | "env-cmd" => env(rest),
        "concurrently" => any(rest, (0..rest.len()).map(|at| script_at(rest, at))),
        // `command -v` only looks.
        "command" if rest.first().is_some_and(|word| matches!(word.as_str(), "-v" | "-V")) => finished(Vec::new()),
        "command" => inner(rest, &[], 0),
        "npx" | "bunx" | "pnpx" | "uvx" => in_package(name, rest),
        "npm" | "pnpm" | "yarn" | "yarnpkg" | "bun" => package_manager(name, rest),
        // A tool that they install, or what they run it in, may stand before the `--`.
        "mise" | "rtx" | "asdf" | "nodenv" | "rbenv" | "pyenv" | "bundle" | "composer" | "uv" | "pipx" | "poetry"
        | "pipenv" | "rye" | "pdm" | "hatch" | "volta" | "fnm" | "conda" | "micromamba" | "pixi" | "doppler" | "op"
        | "dotenvx" | "infisical" | "snap" | "devcontainer" | "toolbox" | "lerna" | "nx" => {
            let verbs: &[&str] = match name {
                // What these run by the name alone is a task of the project.
                "mise" | "rtx" | "lerna" | "nx" | "pixi" => &["exec", "x"],
                _ => &["run", "exec", "x"],
            };
            after_verb(rest, verbs, 0)
        }
        // A folder, a version or a profile stands before the command.
        "direnv" | "nvm" | "n" | "chamber" | "aws-vault" => after_verb(rest, &["exec", "run"], 1),
        "nix" | "devbox" | "devenv" => nix(rest),
        "nix-shell" => behind(rest, &["--run", "--command"], script_at),
        "kubectl" | "oc" | "distrobox" => behind(rest, &["--"], |words, at| in_container("", &words[at..])),
        // What they run is in their arguments, in a form of their own: it is searched.
        "su" => Step::Any(vec![
            behind(rest, &["-c", "--command"], script_at),
            Step::Search(input.unwrap_or_default().to_owned()),
        ]),
        // The names of sessions are no programs.
        "tmux" | "screen" => {
            let is_name = |at: usize| at > 0 && matches!(rest[at - 1].as_str(), "-s" | "-t" | "-S" | "-n" | "-r");
            let words = rest.iter().enumerate().map(|(at, word)| if is_name(at) { "-" } else { word });
            Step::Search(words.chain(input).collect::<Vec<_>>().join(" "))
        }
        "ssh" | "at" | "batch" | "systemd-run" | "hyperfine" | "expect" | "csh" | "tcsh" | "nu" | "cmd"
        | "powershell" | "pwsh" | "wsl" | "iex" | "start" | "Start-Process" | "saps" => {
            Step::Search(rest.iter().map(String::as_str).chain(input).collect::<Vec<_>>().join(" "))
        }
        "git" if input.is_none_or(|text| !text.contains("+++ ")) => git(rest, input),
        // A container may have the folder of the workspace, and the image may be this program.
        "docker" | "podman" | "nerdctl" | "docker-compose" | "podman-compose" | "podman-remote" | "container"
        | "buildah" => container(rest),
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
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    if plain == "pypy" || plain == "py" { "python" } else { plain }
}

fn is_interpreter(name: &str) -> bool {
    let known = ["python", "node", "nodejs", "deno", "bun", "perl", "ruby", "php", "lua", "osascript"];
    known.contains(&interpreter(name))
}

/// Returns a program with its arguments.
fn call(name: &str, arguments: &[String]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(arguments.iter().cloned()).collect()
}

fn finished(writes: Vec<String>) -> Step {
    Step::Program { writes, prints: None }
}

/// Returns what comes behind the options of a wrapper and the `leading` words after them. `valued`: the options whose
/// value is the next word. Other long options may have one too.
fn inner(words: &[String], valued: &[&str], leading: usize) -> Step {
    let starts = starts(words, valued, |option| option.starts_with("--"));
    any(words, starts.into_iter().map(|at| command(words.get(at + leading..).unwrap_or_default())))
}

/// The most places at which a command may start.
const MAX_STARTS: usize = 32;

/// Returns one of these steps, that is all of them. Of very many, the words are searched.
fn any(words: &[String], steps: impl Iterator<Item = Step>) -> Step {
    let steps: Vec<Step> = steps.take(MAX_STARTS).collect();
    if steps.len() < MAX_STARTS { Step::Any(steps) } else { Step::Search(words.join(" ")) }
}

/// Returns what words come to as a command: one with blanks in its first word is a text for a shell.
fn command(words: &[String]) -> Step {
    match words.first() {
        Some(text) if text.trim().contains(char::is_whitespace) => {
            Step::Script { text: text.clone(), arguments: Vec::new() }
        }
        _ => Step::Inner(words.to_vec()),
    }
}

/// Options of any program that have no value.
const FLAGS: [&str; 14] = [
    "--yes",
    "--quiet",
    "--silent",
    "--verbose",
    "--bun",
    "--offline",
    "--force",
    "--global",
    "--all",
    "--recursive",
    "--parallel",
    "--workspaces",
    "--ignore-existing",
    "--json",
];

/// Returns where the first word behind the options may stand. An option that `may_have_value` says so of leaves two
/// places: behind it, and one word later.
fn starts(words: &[String], valued: &[&str], may_have_value: impl Fn(&str) -> bool) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = 0;
    let mut is_open = false;
    while let Some(word) = words.get(at) {
        if word == "--" {
            starts.push(at + 1);
            break;
        }
        let is_option = word.starts_with('-') && word.len() > 1;
        if !is_option {
            starts.push(at);
            if !is_open {
                break;
            }
        }
        // Short options can stand together: the last one has the value.
        let last = word.char_indices().next_back().map_or("", |(at, _)| &word[at..]);
        let is_bundle = is_option && word.len() > 2 && word[1..].chars().all(char::is_alphabetic);
        let is_valued = valued.contains(&word.as_str())
            || is_bundle && valued.iter().any(|option| option.len() == 2 && option.ends_with(last));
        let is_flag = FLAGS.contains(&word.as_str()) || word.starts_with("--no-") || word.contains('=');
        let has_text = words.get(at + 1).is_some_and(|next| next.trim().contains(char::is_whitespace));
        is_open = is_option && !is_valued && !is_flag && (has_text || may_have_value(word));
        at += if is_valued { 2 } else { 1 };
    }
    starts
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
    command(&rest[rest.iter().take_while(|word| is_assignment(word)).count()..])
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

/// Returns the command behind one of the verbs of a program, such as `volta run`, and behind `leading` words more; and
/// the one behind `--`.
fn after_verb(words: &[String], verbs: &[&str], leading: usize) -> Step {
    let is_long = |option: &str| option.starts_with("--");
    let mut steps = Vec::new();
    for at in starts(words, &["-C", "-n"], is_long) {
        // `uv tool run`
        let at = at + usize::from(words.get(at).is_some_and(|word| word == "tool"));
        if words.get(at).is_some_and(|verb| verbs.contains(&verb.as_str())) {
            let rest = &words[at + 1..];
            steps.push(inner(rest, &["-n", "-p", "-e"], leading));
            steps.push(behind(rest, &["--"], |words, at| command(&words[at..])));
            steps.push(behind(rest, &["-c", "--command"], script_at));
        }
    }
    any(words, steps.into_iter().chain([finished(Vec::new())]))
}

/// Returns what comes behind the first one of these words.
fn behind(words: &[String], marks: &[&str], read: impl Fn(&[String], usize) -> Step) -> Step {
    match words.iter().position(|word| marks.contains(&word.as_str())) {
        Some(at) => read(words, at + 1),
        None => finished(Vec::new()),
    }
}

/// `nix run FLAKE#NAME -- ARGUMENTS`, and the programs behind `-c`.
fn nix(words: &[String]) -> Step {
    let names_us =
        |word: &&String| word.rsplit_once('#').is_some_and(|(_, name)| name == "work") || program(word) == "work";
    let name = if words.iter().any(|word| names_us(&word)) { "work" } else { "" };
    let first = words.iter().position(|word| word == "run").and_then(|at| words.get(at + 1..)).unwrap_or_default();
    Step::Any(vec![
        behind(words, &["--"], |words, at| in_container(name, &words[at..])),
        behind(words, &["-c", "--command"], |words, at| command(&words[at..])),
        command(first),
    ])
}

/// What runs in a container: the program that the image has, with these arguments, or the program that they name. `own`
/// is `work` if the image is known to have it.
fn in_container(own: &str, words: &[String]) -> Step {
    let name = if own.is_empty() { UNKNOWN_NAME } else { own };
    Step::Any(vec![Step::Inner(call(name, words)), Step::Inner(words.to_vec())])
}

/// Options of containers whose value is the next word.
const CONTAINER_OPTIONS: [&str; 16] = [
    "-v",
    "--volume",
    "-e",
    "--env",
    "-w",
    "--workdir",
    "-u",
    "--user",
    "-p",
    "--name",
    "--network",
    "--hostname",
    "--mount",
    "--platform",
    "--entrypoint",
    "--env-file",
];

/// `docker run IMAGE …`, `docker compose exec SERVICE …` and their like.
fn container(words: &[String]) -> Step {
    let verb = words.iter().position(|word| matches!(word.as_str(), "run" | "exec" | "create"));
    let Some(rest) = verb.map(|at| &words[at + 1..]) else { return finished(Vec::new()) };
    let entry = rest.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--entrypoint") {
        Some("") => rest.get(at + 1).map(String::as_str),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    let steps = starts(rest, &CONTAINER_OPTIONS, |option| option.starts_with("--")).into_iter().map(|at| {
        let image = rest.get(at).map_or("", String::as_str);
        let own = entry.unwrap_or(if is_own_image(image) { "work" } else { "" });
        in_container(own, rest.get(at + 1..).unwrap_or_default())
    });
    any(rest, steps)
}

/// What git runs: now, or later if a setting or an alias says so.
fn git(words: &[String], input: Option<&str>) -> Step {
    // The ends of settings whose value is a command.
    let ends = ["editor", "pager", "driver", "textconv", "clean", "smudge", "process", "cmd", "command", "program"];
    let is_command = |key: &str| ends.iter().any(|end| key.to_lowercase().ends_with(end));
    let before = |at: usize| at.checked_sub(1).map_or("", |at| words[at].as_str());
    let text = |(at, word): (usize, &String)| match word.split_once('=') {
        _ if before(at) == "--exec" || before(at) == "-x" => Some(word.clone()),
        _ if word.starts_with('!') || is_command(before(at)) => Some(word.trim_start_matches('!').to_owned()),
        Some((key, value)) if value.starts_with('!') || key == "--exec" || is_command(key) => {
            Some(value.trim_start_matches('!').to_owned())
        }
        _ => None,
    };
    let scripts = words.iter().enumerate().filter_map(text);
    let mut steps: Vec<Step> = scripts.map(|text| Step::Script { text, arguments: Vec::new() }).collect();
    match words.iter().position(|word| matches!(word.as_str(), "bisect" | "submodule")) {
        Some(at) if words.get(at + 1).is_some_and(|word| word == "run" || word == "foreach") => {
            steps.push(inner(&words[at + 2..], &[], 0));
        }
        _ => {}
    }
    steps.push(Step::Program { writes: writes("git", words), prints: prints("git", words, input) });
    Step::Any(steps)
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

/// What a runner of packages runs: the program behind its options, or the text of one.
fn in_package(name: &str, words: &[String]) -> Step {
    match words.iter().find_map(|word| word.strip_prefix("--call=")) {
        Some(text) => Step::Script { text: text.to_owned(), arguments: Vec::new() },
        None => inner(words, package_options(name), 0),
    }
}

/// What `npm exec`, `pnpm dlx` and their like run.
fn package_manager(name: &str, words: &[String]) -> Step {
    let starts = starts(words, package_options(name), |option| option.starts_with("--"));
    let steps = starts.into_iter().filter_map(|at| package_verb(name, words.get(at..)?));
    any(words, steps.chain([finished(Vec::new())]))
}

/// What a verb of a package manager runs. All but npm also run a program of the project by its name alone.
fn package_verb(name: &str, words: &[String]) -> Option<Step> {
    let (verb, rest) = words.split_first()?;
    // npm takes what is left of a verb if it can be no other.
    let is_short = |whole: &str, least: usize| name == "npm" && verb.len() >= least && whole.starts_with(verb.as_str());
    let is_run = |word: &str| matches!(word, "run" | "run-script" | "rum" | "urn");
    let again = |words: &[String]| Step::Inner(call(name, words));
    Some(match verb.as_str() {
        "exec" | "x" | "dlx" | "tool" => in_package(name, rest),
        _ if is_short("exec", 3) => in_package(name, rest),
        _ if is_short("explore", 4) => behind(rest, &["--"], |words, at| explored(rest, &words[at..])),
        // What stands in every project.
        word if name == "npm" && is_run(word) && rest.first().is_some_and(|word| word == "env") => env(&rest[1..]),
        word if name != "npm" && is_run(word) => in_package(name, rest),
        // `yarn workspace NAME …` does in a part of the project what `yarn …` does.
        "workspace" if name != "npm" => again(rest.get(1..).unwrap_or_default()),
        "workspaces" | "foreach" | "recursive" | "m" | "multi" if name != "npm" => again(rest),
        "node" if name != "npm" => Step::Inner(words.to_vec()),
        // For bun it is a file.
        word if !matches!(name, "npm" | "bun") && program(word) == "work" => Step::Inner(words.to_vec()),
        _ => return None,
    })
}

/// What `npm explore PACKAGE -- COMMAND` runs in the folder of the package.
fn explored(before: &[String], words: &[String]) -> Step {
    let is_ours = before.first().is_some_and(|word| program(word) == "work");
    match words.iter().position(|word| is_ours && word.ends_with("work.js")) {
        Some(at) => Step::Inner(call("work", &words[at + 1..])),
        None => command(words),
    }
}

/// Returns `work` with its arguments, if an interpreter of JavaScript runs the script that starts it.
fn own_script(words: &[String], folder: &str) -> Option<Vec<String>> {
    let verbs = usize::from(words.first().is_some_and(|word| word == "run" || word == "x"));
    let words = &words[verbs..];
    let is_ours = |at: &usize| {
        let word = words.get(*at).map_or("", String::as_str);
        is_own_script(folder, word) || word != "work" && word.contains("npm:") && program(word) == "work"
    };
    let at = starts(words, &[], |_| true).into_iter().find(is_ours)?;
    Some(call("work", &words[at + 1..]))
}

/// Returns whether a word names an image of this program, with or without a registry and a tag.
fn is_own_image(word: &str) -> bool {
    !word.starts_with(['-', '/', '.'])
        && word.rsplit('/').next().is_some_and(|name| {
            let name = name.split([':', '@']).next().unwrap_or_default();
            is_package(name)
        })
}

/// `cargo run … -- ARGUMENTS` of this very program, or of the one that a folder has.
fn cargo(words: &[String]) -> Step {
    let runs = words.iter().any(|word| word == "run" || word == "r");
    let at = words.iter().position(|word| word == "--");
    let Some(at) = at.filter(|_| runs) else { return finished(Vec::new()) };
    let names = ["--bin", "-p", "--package", "--example"];
    let target = words[..at].iter().enumerate().find_map(|(at, word)| match word.split_once('=') {
        Some((option, name)) if names.contains(&option) => Some((option, name)),
        _ if names.contains(&word.as_str()) => Some((word.as_str(), words.get(at + 1)?.as_str())),
        _ => None,
    });
    let name = match target {
        Some(("--bin", "work")) => "work",
        Some(("-p" | "--package", name)) if name != "work" && program(name) == "work" => "work",
        Some(_) => return finished(Vec::new()),
        None => UNKNOWN_NAME,
    };
    Step::Inner(call(name, &words[at + 1..]))
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
            // A new branch may have any name.
            if !has(&["-b", "-B", "--orphan"]) && paths()
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
