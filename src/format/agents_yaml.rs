//! The format of agents.yaml (DESIGN §3): reads it as a [`Roster`]. People write this file; the program must never
//! change it, and only writes the first one of a workspace.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::json::without_place;
use crate::moment::length_of_time;
use crate::roster::{Agent, Checks, ChecksBy, DEFAULT_FAMILIES, Roster, Run, RunBy};

/// The agents.yaml of a new workspace.
const SAMPLE: &str = include_str!("agents.yaml");

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
struct AgentsRecord {
    agents: Option<Vec<AgentRecord>>,
    execution: Option<ExecutionRecord>,
    families: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
struct AgentRecord {
    name: String,
    family: Option<String>,
    // No rule needs these. So any value is accepted, and one that is no text counts as absent.
    description: Option<Value>,
    best_for: Option<Value>,
    models: Option<Value>,
    run: Option<RunWord>,
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
struct ExecutionRecord {
    max_parallel: Option<usize>,
    checks: Option<ChecksWord>,
    check_timeout: Option<TimeoutWord>,
    max_parallel_checks: Option<usize>,
    run: Option<RunWord>,
}

/// How workers are started. A word that is misspelt must not start another program than the person meant, so an unknown
/// key is an error here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a mapping")]
struct RunRecord {
    host: Option<String>,
    arguments: Option<Vec<String>>,
    command: Option<CommandWords>,
    timeout: Option<TimeoutWord>,
}

/// A command as its words. One text would need a shell to be read.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct CommandWords(Vec<String>);

impl TryFrom<Value> for CommandWords {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let words = value.as_array().map(|words| words.iter().map(|word| word.as_str().map(str::to_owned)).collect());
        match words {
            Some(Some(words)) if !Vec::is_empty(&words) => Ok(Self(words)),
            _ => {
                Err("a list of the program and its arguments belongs here, such as `[my-agent, --task, \"{prompt}\"]`")
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "RunRecord")]
struct RunWord(Run);

impl TryFrom<RunRecord> for RunWord {
    type Error = &'static str;

    fn try_from(record: RunRecord) -> Result<Self, Self::Error> {
        let by = match (record.host, record.command, record.arguments) {
            (Some(_), Some(_), _) => return Err("`run` has either `host` or `command`"),
            (None, _, Some(_)) => return Err("`arguments` of `run` belong to a `host`: name it, or use `command`"),
            (Some(host), None, arguments) => Some(RunBy::Host { host, arguments: arguments.unwrap_or_default() }),
            (None, Some(CommandWords(words)), None) => Some(RunBy::Command(words)),
            (None, None, None) => None,
        };
        Ok(Self(Run { by, timeout: record.timeout.map(|word| word.0) }))
    }
}

// YAML has other words for `off`, which its readers take for `false`.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct ChecksWord(ChecksBy);

impl TryFrom<Value> for ChecksWord {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::Bool(false) => Ok(Self(ChecksBy::Off)),
            Value::String(word) if word == "off" => Ok(Self(ChecksBy::Off)),
            Value::String(word) if word == "worker" => Ok(Self(ChecksBy::Worker)),
            Value::String(word) if word == "server" => Ok(Self(ChecksBy::Server)),
            _ => Err("`server`, `worker` or `off` belongs here"),
        }
    }
}

/// A length of time, as [`length_of_time`] reads it.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct TimeoutWord(Duration);

impl TryFrom<Value> for TimeoutWord {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let text = match &value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => String::new(),
        };
        length_of_time(&text).map(Self).ok_or("a length of time belongs here, such as `90s`, `10m` or `1h`")
    }
}

/// The reason why an agents.yaml cannot be read. `at`: line and column, from 1.
#[derive(Debug)]
pub(crate) struct BadYaml {
    pub(crate) at: Option<(usize, usize)>,
    pub(crate) why: String,
}

/// Returns the text of a first agents.yaml: the sample. If `named` has agents, they take the place of the sample's.
pub(crate) fn sample(named: &[String]) -> String {
    let (Some(at), false) = (SAMPLE.find("\nagents:"), named.is_empty()) else { return SAMPLE.to_owned() };
    let mut text = format!("{}\nagents:\n", &SAMPLE[..at]);
    for name in named {
        text += &format!("  - name: {}\n", Value::from(name.as_str()));
    }
    text
}

/// Reads an agents.yaml. Unknown keys are ignored. If the file has no `agents`, the roster has none and `declared` is
/// false; the store then fills in the agents of plan and board.
pub(crate) fn read(text: &str) -> Result<Roster, BadYaml> {
    let bad = |error: &serde_saphyr::Error| {
        let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        BadYaml {
            at: error.location().map(|location| (place(location.line()), place(location.column()))),
            why: plain(&without_place(error.without_snippet())),
        }
    };
    let file: Option<AgentsRecord> = serde_saphyr::from_str(text).map_err(|error| bad(&error))?;
    let file = file.unwrap_or(AgentsRecord { agents: None, execution: None, families: None });
    let declared = file.agents.is_some();
    Ok(Roster {
        agents: match file.agents {
            Some(agents) => agents
                .into_iter()
                .map(|agent| Agent {
                    name: agent.name.trim().to_owned(),
                    family: agent.family.map(|family| prefix(&family)),
                    description: agent.description.as_ref().and_then(Value::as_str).map(str::to_owned),
                    best_for: agent.best_for.as_ref().and_then(Value::as_str).map(str::to_owned),
                    models: agent.models.as_ref().map(models).unwrap_or_default(),
                    run: agent.run.map(|run| run.0).unwrap_or_default(),
                })
                .collect(),
            None => Vec::new(),
        },
        families: match file.families {
            Some(families) => families.iter().map(|family| prefix(family)).collect(),
            None => DEFAULT_FAMILIES.map(str::to_owned).to_vec(),
        },
        max_parallel: file.execution.as_ref().and_then(|execution| execution.max_parallel).map(|limit| limit.max(1)),
        checks: file.execution.as_ref().map(checks).unwrap_or_default(),
        run: file.execution.and_then(|execution| execution.run).map(|run| run.0).unwrap_or_default(),
        declared,
    })
}

fn checks(execution: &ExecutionRecord) -> Checks {
    let default = Checks::default();
    Checks {
        by: execution.checks.as_ref().map_or(default.by, |word| word.0),
        timeout: execution.check_timeout.as_ref().map_or(default.timeout, |word| word.0),
        max_parallel: execution.max_parallel_checks.map_or(default.max_parallel, |limit| limit.max(1)),
    }
}

/// Parts of the YAML library's messages, and the sentence for the person who wrote the file.
const COMPLAINTS: [(&str, &str); 6] = [
    ("expected sequence start", "a list belongs here, such as `- name: default`"),
    ("expected mapping start", "keys with values belong here, such as `name: default`"),
    ("expected string scalar", "a text belongs here"),
    ("cannot deserialize null into string", "a text belongs here, and there is none"),
    ("missing field `name`", "each agent needs a `name`"),
    ("invalid u64", "a whole number belongs here"),
];

fn plain(complaint: &str) -> String {
    let known = COMPLAINTS.iter().find(|(known, _)| complaint.starts_with(known));
    known.map_or(complaint, |(_, plain)| plain).to_owned()
}

/// Returns the models of an agent, which are names, or records of a name and a variant.
fn models(models: &Value) -> Vec<String> {
    let named = |model: &Value| model.as_str().or_else(|| model.get("model")?.as_str()).map(str::to_owned);
    models.as_array().into_iter().flatten().filter_map(named).collect()
}

/// Returns the prefix of a family, with its `-`. People write `system-engineer`, `system-engineer-` or
/// `system-engineer-*`.
fn prefix(family: &str) -> String {
    family.trim().trim_end_matches(['*', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roster_as_the_family_writes_it() {
        let text = "\
# who there is
agents:
  - name: system-engineer-codex
    description: \"Backend\"
    best_for: \"APIs\"
    models:
      - \"openai/gpt-5\"
      - { model: anthropic/claude, variant: low }
  - name: reviewer
    family: system-engineer-*
synthesis_agents: []
execution:
  backend: tmux
  max_parallel: 4
families: [system-engineer-, writer]
";
        let roster = read(text).unwrap();
        assert_eq!(
            roster.agents.iter().map(|agent| agent.name.as_str()).collect::<Vec<_>>(),
            ["system-engineer-codex", "reviewer"]
        );
        assert_eq!(roster.family("reviewer"), Some("system-engineer"));
        assert_eq!(roster.agents[0].models, ["openai/gpt-5", "anthropic/claude"]);
        assert_eq!(roster.agents[0].description.as_deref(), Some("Backend"));
        assert_eq!((roster.max_parallel, roster.families.len(), roster.declared), (Some(4), 2, true));
    }

    #[test]
    fn a_file_without_agents_declares_none() {
        let roster = read("execution: {max_parallel: 2}\n").unwrap();
        assert_eq!((roster.agents.len(), roster.declared, roster.max_parallel), (0, false, Some(2)));
    }

    #[test]
    fn checks_have_a_runner_a_limit_of_time_and_one_of_number() {
        let checks = |text: &str| read(&format!("execution: {{{text}}}\n")).map(|roster| roster.checks);
        assert_eq!(checks("max_parallel: 1").unwrap(), Checks::default());
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let wanted = Checks { by: ChecksBy::Worker, timeout: minutes(2), max_parallel: 3 };
        assert_eq!(checks("checks: worker, check_timeout: 2m, max_parallel_checks: 3").unwrap(), wanted);
        for off in ["off", "'off'", "false"] {
            assert_eq!(checks(&format!("checks: {off}")).unwrap().by, ChecksBy::Off);
        }
        for (text, timeout) in [("90", 90), ("90s", 90), ("1h", 3600), ("10 min", 600)] {
            assert_eq!(checks(&format!("check_timeout: {text}")).unwrap().timeout.as_secs(), timeout);
        }
        for text in ["checks: on", "checks: sometimes", "check_timeout: 0", "check_timeout: soon", "check_timeout: 99h"]
        {
            let bad = checks(text).err().unwrap();
            assert!(bad.why.ends_with("belongs here") || bad.why.contains("length of time"), "{text}: {}", bad.why);
            assert_eq!(bad.at.map(|(line, _)| line), Some(1), "{text}");
        }
    }

    #[test]
    fn workers_are_run_by_a_host_or_by_a_command() {
        let run = |text: &str| read(&format!("execution:\n  run: {{{text}}}\n")).map(|roster| roster.run);
        let host = |host: &str, arguments: &[&str]| RunBy::Host {
            host: host.to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        };
        let said = run("host: claude, arguments: [--model, opus], timeout: 45m").unwrap();
        assert_eq!(said.by, Some(host("claude", &["--model", "opus"])));
        assert_eq!(said.timeout, Some(Duration::from_secs(45 * 60)));
        assert_eq!(run("host: codex").unwrap().by, Some(host("codex", &[])));
        let words = ["agent", "--task", "{prompt}"].map(str::to_owned).to_vec();
        assert_eq!(run("command: [agent, --task, '{prompt}']").unwrap().by, Some(RunBy::Command(words)));
        assert_eq!(run("").unwrap(), Run::default());
        let own = read("agents: [{name: a, run: {host: codex}}, {name: b}]").unwrap();
        assert_eq!(own.agents[0].run.by, Some(host("codex", &[])));
        assert_eq!(own.agents[1].run, Run::default());
        for (text, why) in [
            ("command: agent --task", "a list of the program and its arguments belongs here"),
            ("command: []", "a list of the program and its arguments belongs here"),
            ("host: claude, command: [agent]", "either `host` or `command`"),
            ("arguments: [-v]", "belong to a `host`"),
            ("hots: claude", "unknown field `hots`"),
            ("timeout: soon", "a length of time belongs here"),
        ] {
            let bad = run(text).err().unwrap();
            assert!(bad.why.contains(why), "{text}: {}", bad.why);
            assert!(bad.at.is_some_and(|(line, _)| line == 2), "{text}: {:?}", bad.at);
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_the_file() {
        let told = |text: &str| read(text).err().map(|bad| (bad.why, bad.at.unwrap_or_default().1)).unwrap_or_default();
        for (text, why) in [
            ("agents: 5", "a list belongs here, such as `- name: default`"),
            ("agents: [x]", "keys with values belong here, such as `name: default`"),
            ("agents: [{name: null}]", "a text belongs here, and there is none"),
            ("agents: [{name: [x]}]", "a text belongs here"),
            ("agents: [{nam: x}]", "each agent needs a `name`"),
            ("execution: {max_parallel: many}", "a whole number belongs here"),
        ] {
            assert_eq!(told(text).0, why, "{text}");
        }
    }

    #[test]
    fn a_broken_file_is_reported_with_its_place() {
        let bad = read("agents:\n  - nam: x\n").err().unwrap();
        assert_eq!(bad.at.map(|(line, _)| line), Some(2), "{bad:?}");
        let bomb = format!("a: &a [x,x,x,x,x,x,x,x,x]\n{}agents: *i\n", {
            let mut names = String::new();
            for (from, to) in "abcdefgh".chars().zip("bcdefghi".chars()) {
                let items = vec![format!("*{from}"); 9].join(",");
                names += &format!("{to}: &{to} [{items}]\n");
            }
            names
        });
        assert!(read(&bomb).is_err());
    }
}
