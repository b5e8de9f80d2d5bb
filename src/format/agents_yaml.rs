//! The format of agents.yaml (DESIGN §3): reads it as a [`Roster`]. People write this file; the program must never
//! change it, and only writes the first one of a workspace.

use serde::Deserialize;
use serde_json::Value;

use super::json::without_place;
use crate::roster::{Agent, DEFAULT_FAMILIES, Roster};

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
}

#[derive(Deserialize)]
#[serde(expecting = "a mapping")]
struct ExecutionRecord {
    max_parallel: Option<usize>,
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

/// Returns the first model. Models are names, or records of a name and a variant.
fn first_model(models: &Value) -> Option<String> {
    let first = models.get(0)?;
    first.as_str().or_else(|| first.get("model")?.as_str()).map(str::to_owned)
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
