//! Files of Markdown with front matter: agents, skills and commands.

use serde_json::Value;

use super::ProjectFiles;
use super::piece::Piece;
use crate::fault::Fault;
use crate::plan::is_agent_char;
use crate::prompts::{EXECUTE_NEXT_BATCH, IMPLEMENT_THREAD, Prompt, WRITE_PLAN};
use crate::roster::{Agent, Roster};

/// The name of the worker's skill. Projects of this family have one with their own rules under this name.
const WORKER_SKILL: &str = "implementing-workstreams";

/// Returns a file of Markdown: the front matter, whose values are YAML, and the text.
pub(super) fn page(matter: &[(&str, String)], text: &str) -> String {
    let mut lines = String::new();
    for (key, value) in matter {
        // A value of several lines begins with a line end.
        let between = if value.starts_with('\n') { "" } else { " " };
        lines.extend([key, ":", between, value, "\n"]);
    }
    format!("---\n{lines}---\n\n{}\n", text.trim_end())
}

/// Returns a text as a string of YAML. Every JSON string is one.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns what an agent is, in a line.
pub(super) fn about(agent: &Agent) -> String {
    let about: Vec<&str> = [agent.description.as_deref(), agent.best_for.as_deref()]
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .collect();
    if about.is_empty() { "Runs one thread of a workstream".to_owned() } else { about.join(": ") }
}

/// Returns the front matter of a text, parsed; `Null` if it has none, or it is no YAML.
pub(super) fn front_matter(text: &str) -> Value {
    let rest = text.trim_start_matches('\u{feff}').strip_prefix("---");
    let matter = rest.map(|rest| rest.split_once("\n---").map_or(rest, |(matter, _)| matter));
    matter.and_then(|matter| serde_saphyr::from_str(matter).ok()).unwrap_or_default()
}

/// Returns the names in a list of front matter, which is one of YAML or a text with commas.
pub(super) fn names_in(list: &Value) -> Vec<String> {
    match list {
        Value::String(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The folder of skills that most hosts read.
pub(super) const SHARED_SKILLS: &str = ".agents/skills";

/// Returns the skills of planners and authors in a folder that a host reads, with `prefix` before the names of tools.
/// They must not be in [`SHARED_SKILLS`]: Gemini CLI would rename its own commands for the server's prompts.
/// `more` is front matter for the host.
pub(super) fn planner_skills(folder: &str, prefix: &str, more: &[(&str, String)]) -> [Piece; 2] {
    [EXECUTE_NEXT_BATCH, WRITE_PLAN].map(|prompt| skill(folder, prompt.name, prompt, prefix, more))
}

/// Returns the worker's skill in a folder that a host reads. It is the same for all: folders of skills are often links to
/// one another.
pub(super) fn worker_skill(folder: &str) -> Piece {
    skill(folder, WORKER_SKILL, IMPLEMENT_THREAD, "", &[])
}

fn skill(folder: &str, name: &str, prompt: Prompt, prefix: &str, more: &[(&str, String)]) -> Piece {
    let mut matter = vec![("name", name.to_owned()), ("description", quoted(prompt.description))];
    matter.extend(more.iter().cloned());
    let text = page(&matter, &prompt.text_with_prefix(prefix));
    Piece::File { path: format!("{folder}/{name}/SKILL.md"), text }
}

/// The names of agents that a host accepts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Names {
    /// Those of files, in folders too.
    Paths,
    /// Those of files.
    Files,
    /// Small letters of ASCII, digits, `-` and `_`.
    Slugs,
}

/// How a host wants the files of its agents.
pub(super) struct AgentFiles {
    /// Their folder.
    pub folder: &'static str,
    /// How their names end.
    pub ending: &'static str,
    /// Which names of agents the host accepts.
    pub names: Names,
    /// Returns the text of an agent's file.
    pub text: fn(&Agent) -> String,
}

impl AgentFiles {
    /// Returns the files of the agents of a roster whose names can be those of files.
    pub(super) fn pieces(&self, roster: &Roster) -> Vec<Piece> {
        let named = roster.agents.iter().filter(|agent| self.can_have_file(agent));
        named.map(|agent| Piece::File { path: self.path(agent), text: (self.text)(agent) }).collect()
    }

    /// Returns what a person should look at: agents without a file, and files of others whose front matter does not hide
    /// the planner's tools, as `hides` sees it, with what to change.
    pub(super) fn notes(
        &self,
        files: &dyn ProjectFiles,
        roster: &Roster,
        hides: impl Fn(&Value) -> bool,
        told: &str,
    ) -> Result<Vec<String>, Fault> {
        let mut notes = self.without_file(roster);
        for agent in roster.agents.iter().filter(|agent| self.can_have_file(agent)) {
            let path = self.path(agent);
            if files.text(&path)?.is_some_and(|text| !hides(&front_matter(&text))) {
                notes.push(format!("{path}: it sees all tools of this server; {told}"));
            }
        }
        Ok(notes)
    }

    /// Returns a sentence for each agent whose name cannot be that of a file.
    pub(super) fn without_file(&self, roster: &Roster) -> Vec<String> {
        let unnamed = roster.agents.iter().filter(|agent| !self.can_have_file(agent));
        let told = |agent: &Agent| {
            let name = &agent.name;
            match self.names {
                Names::Slugs => format!(
                    "{name:?}: {} takes small letters, digits, - and _ only: it gets no agent there",
                    self.folder
                ),
                _ => format!("{name:?} cannot be the name of an agent's file: make one by hand"),
            }
        };
        unnamed.map(told).collect()
    }

    /// Returns the path of an agent's file.
    pub(super) fn path(&self, agent: &Agent) -> String {
        format!("{}/{}{}", self.folder, agent.name, self.ending)
    }

    /// Returns whether the agent's name can be the path of a file that stays in the folder.
    pub(super) fn can_have_file(&self, agent: &Agent) -> bool {
        let is_plain = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']);
        agent.name.len() <= 100
            && agent.name.chars().all(is_agent_char)
            && agent.name.split('/').all(is_plain)
            && match self.names {
                Names::Paths => true,
                Names::Files => !agent.name.contains('/'),
                Names::Slugs => {
                    agent.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
                }
            }
    }
}
