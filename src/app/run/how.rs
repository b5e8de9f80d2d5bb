//! How each agent's workers are started: by the command line of a host, or by a command of agents.yaml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::RunRequest;
use crate::decide::Refusal;
use crate::fault::{Error, Fault};
use crate::hosts::{Host, ProjectFiles, WorkerStart, Workers, signs_of, worker_hosts, worker_prompt};
use crate::planner::Launch;
use crate::roster::{Agent, Roster, RunBy};
use crate::system::is_program;
use crate::wording::list;

/// How long a worker may run if nobody says it.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// What starts the workers of an agent.
#[derive(Debug, Clone)]
pub(super) enum Starter {
    /// The command line of a host, with arguments that a person adds.
    Host(&'static Host, &'static Workers, Vec<String>),
    /// A command with placeholders.
    Command(Vec<String>),
}

/// What a worker is told, and by which files and names its command may call it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'t> {
    pub(super) launch: &'t Launch,
    pub(super) workstream: &'t str,
    /// The folder in which it works.
    pub(super) folder: &'t Path,
    /// The file of its prompt, for a command.
    pub(super) prompt_file: &'t Path,
    /// What it is told beside the prompt of a worker.
    pub(super) more: &'t str,
}

/// The command line of a worker.
#[derive(Debug, Clone)]
pub(super) struct CommandLine {
    /// The program and its arguments.
    pub(super) words: Vec<String>,
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) prompt: String,
}

/// How the workers of a run are started. It is read once: a worker could change agents.yaml.
#[derive(Debug)]
pub(super) struct Starters {
    roster: Roster,
    /// For agents that say nothing of it themselves.
    default: Starter,
    /// By the names of those that do.
    own: BTreeMap<String, Starter>,
    timeout: Option<Duration>,
}

impl Starters {
    /// Reads how workers are started.
    ///
    /// # Errors
    ///
    /// If no host is named, and the project has signs of none, or of several; if a name is that of no host that runs
    /// workers.
    pub(super) fn of(roster: &Roster, request: &RunRequest, files: &dyn ProjectFiles) -> Result<Self, Error> {
        let default = match (&request.host, &roster.run.by) {
            (Some(name), Some(RunBy::Host { host, arguments })) if name == host => of_host(name, arguments)?,
            (Some(name), _) => of_host(name, &[])?,
            (None, Some(by)) => of(by)?,
            (None, None) => by_signs(files, roster)?,
        };
        let own = roster.agents.iter().filter_map(|agent| Some((agent.name.clone(), agent.run.by.as_ref()?)));
        let own = own.map(|(name, by)| Ok((name, of(by)?))).collect::<Result<_, Refusal>>()?;
        Ok(Self { roster: roster.clone(), default, own, timeout: request.timeout })
    }

    /// Returns what starts the workers of an agent.
    pub(super) fn of_agent(&self, agent: &str) -> &Starter {
        self.own.get(agent).unwrap_or(&self.default)
    }

    /// Returns how long a worker of an agent may run; `None`: of one of which nothing is known.
    pub(super) fn timeout(&self, agent: Option<&str>) -> Duration {
        let own = agent.and_then(|agent| self.roster.agent(agent)?.run.timeout);
        self.timeout.or(own).or(self.roster.run.timeout).unwrap_or(TIMEOUT)
    }

    /// Returns the command line of a worker. `program` is this one.
    ///
    /// # Errors
    ///
    /// If a file of the host cannot be read. The inner error says why the program cannot be started.
    pub(super) fn command_line(
        &self,
        task: &Task<'_>,
        program: &Path,
        files: &dyn ProjectFiles,
    ) -> Result<Result<CommandLine, String>, Fault> {
        let Launch { thread, attempt, agent: name, .. } = task.launch;
        let (thread, attempt) = (thread.to_string(), attempt.to_string());
        let workstream = task.workstream;
        let folder = task.folder.display().to_string();
        Ok(Ok(match self.of_agent(name) {
            Starter::Host(host, workers, arguments) => {
                let Some(found) = found(workers.program) else {
                    return Ok(Err(format!(
                        "{} is not installed: no program `{}` is on the PATH",
                        host.title, workers.program
                    )));
                };
                let agent = self.roster.agent(name).cloned().unwrap_or_else(|| Agent::named(name));
                let prompt = workers.prompt(&thread, &attempt, workstream) + task.more;
                let start = WorkerStart {
                    agent: &agent,
                    has_profile: (workers.has_profile)(files, name)?,
                    prompt: &prompt,
                    program: &program.display().to_string(),
                    folder: &folder,
                    passed_on: &super::PASSED_ON,
                    arguments,
                    variable: &|name| std::env::var(name).ok(),
                };
                let command = (workers.command)(&start);
                let words = std::iter::once(found.display().to_string()).chain(command.arguments).collect();
                CommandLine { words, variables: command.variables, prompt }
            }
            Starter::Command(template) => {
                let prompt = worker_prompt("", &thread, &attempt, workstream) + task.more;
                let prompt_file = task.prompt_file.display().to_string();
                let values = [
                    ("{thread}", thread.as_str()),
                    ("{attempt}", &attempt),
                    ("{workstream}", workstream),
                    ("{agent}", name),
                    ("{folder}", &folder),
                    ("{prompt_file}", &prompt_file),
                    ("{prompt}", &prompt),
                ];
                let words: Vec<String> = template.iter().map(|word| filled(word, &values)).collect();
                if let Some(why) = words.first().and_then(|program| missing(program, task.folder)) {
                    return Ok(Err(why));
                }
                CommandLine { words, variables: Vec::new(), prompt }
            }
        }))
    }
}

impl Starter {
    /// Returns its name, as people are told it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Host(host, ..) => host.name.to_owned(),
            Self::Command(words) => words.first().cloned().unwrap_or_default(),
        }
    }

    /// Returns the host whose output its workers print.
    pub(super) fn workers(&self) -> Option<&'static Workers> {
        match self {
            Self::Host(_, workers, _) => Some(workers),
            Self::Command(_) => None,
        }
    }
}

/// Returns a word of a command with its placeholders filled in. What is filled in is not looked at again, and other words
/// in braces stay.
fn filled(word: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        filled += &rest[..at];
        rest = &rest[at..];
        let (name, value) = values.iter().find(|(name, _)| rest.starts_with(name)).copied().unwrap_or(("{", "{"));
        filled += value;
        rest = &rest[name.len()..];
    }
    filled + rest
}

fn of(by: &RunBy) -> Result<Starter, Refusal> {
    match by {
        RunBy::Host { host, arguments } => of_host(host, arguments),
        RunBy::Command(words) => Ok(Starter::Command(words.clone())),
    }
}

fn of_host(name: &str, arguments: &[String]) -> Result<Starter, Refusal> {
    let found = worker_hosts().find(|(host, _)| host.name == name);
    let (host, workers) = found.ok_or_else(|| {
        Refusal::invalid(
            format!("work run starts no workers of {name:?}"),
            format!("name one of {}, or give a `command` in work/agents.yaml", names()),
        )
    })?;
    Ok(Starter::Host(host, workers, arguments.to_vec()))
}

/// Returns the only host that runs workers and of which the project has signs.
fn by_signs(files: &dyn ProjectFiles, roster: &Roster) -> Result<Starter, Refusal> {
    let signs = signs_of(files, roster);
    let mut known = worker_hosts().filter(|(host, _)| signs.iter().any(|sign| sign.name == host.name));
    match (known.next(), known.next()) {
        (Some((host, workers)), None) => Ok(Starter::Host(host, workers, Vec::new())),
        (none_or_several, _) => {
            let what = if none_or_several.is_none() { "no host" } else { "several hosts" };
            Err(Refusal::invalid(
                format!("the project is set up for {what}, so it is not clear which one runs the workers"),
                format!("name it by --host, or in work/agents.yaml as `execution: {{run: {{host: …}}}}`: {}", names()),
            ))
        }
    }
}

fn names() -> String {
    list(&worker_hosts().map(|(host, _)| host.name).collect::<Vec<_>>())
}

/// Returns why a program of agents.yaml cannot be started; `None`: it can, as far as that can be seen. One with a slash is a
/// path from the folder of the worker on.
fn missing(program: &str, folder: &Path) -> Option<String> {
    let is_path = program.contains(std::path::is_separator);
    // The worktree of a worker can be still to be made.
    let is_there =
        if is_path { !folder.is_dir() || is_program(&folder.join(program)) } else { found(program).is_some() };
    let place = if is_path { "" } else { " on the PATH" };
    (!is_there).then(|| format!("there is no program {program:?}{place}, which work/agents.yaml names"))
}

/// Returns the path of a program that is on the `PATH`.
fn found(program: &str) -> Option<PathBuf> {
    // A program of npm is a script on Windows.
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd", ".bat"] } else { &[""] };
    let path = std::env::var_os("PATH")?;
    let files = std::env::split_paths(&path)
        .flat_map(|folder| endings.iter().map(move |end| folder.join(format!("{program}{end}"))));
    files.map(|file| std::path::absolute(&file).unwrap_or(file)).find(|file| is_program(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::Until;
    use crate::roster::Run;

    struct Files(&'static str);

    impl ProjectFiles for Files {
        fn text(&self, _path: &str) -> Result<Option<String>, Fault> {
            Ok(None)
        }

        fn root(&self) -> String {
            String::new()
        }

        fn below(&self, _folder: &str) -> Result<Vec<String>, Fault> {
            Ok(Vec::new())
        }

        fn has(&self, path: &str) -> bool {
            path == self.0
        }
    }

    #[test]
    fn an_agents_own_word_comes_before_the_command_line_and_that_before_the_file() {
        let host = |host: &str, arguments: &[&str]| {
            let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
            Run { by: Some(RunBy::Host { host: host.to_owned(), arguments }), timeout: None }
        };
        let told = |general: &Run, named: Option<&str>, sign: &'static str| {
            let mut roster = Roster { run: general.clone(), ..Roster::undeclared(["writer", "own"]) };
            roster.agents[1].run =
                Run { by: Some(RunBy::Command(vec!["mine".to_owned()])), timeout: Some(Duration::from_secs(7)) };
            let request = RunRequest {
                host: named.map(str::to_owned),
                until: Until::Gate,
                max_parallel: None,
                timeout: None,
                worktrees: false,
            };
            let starters = Starters::of(&roster, &request, &Files(sign)).map_err(|error| error.to_string())?;
            assert_eq!(starters.of_agent("own").name(), "mine");
            assert_eq!((starters.timeout(Some("own")).as_secs(), starters.timeout(Some("writer"))), (7, TIMEOUT));
            Ok(match starters.of_agent("writer") {
                Starter::Host(host, _, arguments) => format!("{} {arguments:?}", host.name),
                Starter::Command(words) => format!("{words:?}"),
            })
        };
        let nothing = Run::default();
        for (general, named, sign, wanted) in [
            (&host("claude", &["-v"]), None, "", Ok("claude [\"-v\"]")),
            (&host("claude", &["-v"]), Some("claude"), "", Ok("claude [\"-v\"]")),
            // Arguments are those of their host.
            (&host("claude", &["-v"]), Some("codex"), "", Ok("codex []")),
            (&nothing, Some("opencode"), "CLAUDE.md", Ok("opencode []")),
            (&nothing, None, "CLAUDE.md", Ok("claude []")),
            // A host that is set up, and runs no workers.
            (
                &nothing,
                None,
                "GEMINI.md",
                Err("the project is set up for no host, so it is not clear which one runs the workers"),
            ),
            (&host("gemini", &[]), None, "", Err("work run starts no workers of \"gemini\"")),
        ] {
            let told: Result<String, String> = told(general, named, sign);
            assert_eq!(told.as_deref().map_err(String::as_str), wanted, "{named:?} {sign}");
        }
    }

    #[test]
    fn placeholders_are_filled_in_once() {
        let values = [("{thread}", "01.01.01"), ("{prompt_file}", "/x/{thread}"), ("{prompt}", "do {thread}")];
        for (word, wanted) in [
            ("{thread}", "01.01.01"),
            ("--task={prompt_file}:{thread}", "--task=/x/{thread}:01.01.01"),
            ("{prompt}", "do {thread}"),
            (r#"{"a": {thread}}"#, r#"{"a": 01.01.01}"#),
            ("{unknown} {", "{unknown} {"),
            ("", ""),
        ] {
            assert_eq!(filled(word, &values), wanted, "{word}");
        }
    }
}
