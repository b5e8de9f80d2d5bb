//! agents.yaml: text → [`Roster`] (DESIGN §3). Written by people; this program only writes the one to begin with.

use serde::Deserialize;
use serde_json::Value;

use super::json::without_place;
use crate::roster::{Agent, DEFAULT_FAMILIES, Roster};

/// The roster of a new workspace.
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
    // No rule needs these: whatever they hold, the file can be read.
    description: Option<Value>,
    best_for: Option<Value>,
    models: Option<Value>,
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
struct ExecutionRecord {
    max_parallel: Option<usize>,
}

/// Why an agents.yaml cannot be read, and where.
#[derive(Debug)]
pub(crate) struct BadYaml {
    pub(crate) at: Option<(usize, usize)>,
    pub(crate) why: String,
}

/// Returns the agents.yaml of a workspace that has none: the sample, or where agents are named already, these.
pub(crate) fn sample(named: &[String]) -> String {
    let (Some(at), false) = (SAMPLE.find("\nagents:"), named.is_empty()) else { return SAMPLE.to_owned() };
    let mut text = format!("{}\nagents:\n", &SAMPLE[..at]);
    for name in named {
        text += &format!("  - name: {}\n", Value::from(name.as_str()));
    }
    text
}

/// Reads an agents.yaml. Keys that mean nothing here are ignored. A file that has no `agents` declares
/// none: whoever reads it fills them in.
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
                    model: agent.models.as_ref().and_then(first_model),
                })
                .collect(),
            None => Vec::new(),
        },
        families: match file.families {
            Some(families) => families.iter().map(|family| prefix(family)).collect(),
            None => DEFAULT_FAMILIES.map(str::to_owned).to_vec(),
        },
        max_parallel: file.execution.and_then(|execution| execution.max_parallel).map(|limit| limit.max(1)),
        declared,
    })
}

/// What the reader of YAML says to programmers, and what it means to whoever wrote the file.
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

/// Models are names, or records of a name and a variant.
fn first_model(models: &Value) -> Option<String> {
    let first = models.get(0)?;
    first.as_str().or_else(|| first.get("model")?.as_str()).map(str::to_owned)
}

/// People write families as `system-engineer`, `system-engineer-` or `system-engineer-*`.
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
        assert_eq!(roster.agents[0].model.as_deref(), Some("openai/gpt-5"));
        assert_eq!(roster.agents[0].description.as_deref(), Some("Backend"));
        assert_eq!((roster.max_parallel, roster.families.len(), roster.declared), (Some(4), 2, true));
    }

    #[test]
    fn a_file_without_agents_declares_none() {
        let roster = read("execution: {max_parallel: 2}\n").unwrap();
        assert_eq!((roster.agents.len(), roster.declared, roster.max_parallel), (0, false, Some(2)));
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
