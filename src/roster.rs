//! PURE. The agents there are, and which can stand in for which (DESIGN §2 "role family", §3).

use std::collections::HashSet;

use crate::closest::{MAX_SUGGESTIONS, closest};

/// The agent that runs a thread which nobody assigned, and everybody's last resort.
pub const DEFAULT_AGENT: &str = "default";

/// The families of a roster that names none.
pub const DEFAULT_FAMILIES: [&str; 2] = ["system-engineer", "frontend-designer"];

/// An agent of agents.yaml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The name by which plans and calls name it.
    pub name: String,
    /// The family that the file gives it, in place of the one its name shows.
    pub family: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// What to give it to.
    pub best_for: Option<String>,
    /// Its first choice of a model, as `provider/model`.
    pub model: Option<String>,
}

/// What agents.yaml says, or what takes its place where there is no such file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The agents, in the order of the file.
    pub agents: Vec<Agent>,
    /// The prefixes that make families, without the `-`.
    pub families: Vec<String>,
    /// How many threads may run at once; `None`: as many as the batch has.
    pub max_parallel: Option<usize>,
    /// Whether there is a file. Without one any agent name is accepted.
    pub declared: bool,
}

impl Agent {
    /// Returns an agent of which nothing but the name is known.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), family: None, description: None, best_for: None, model: None }
    }
}

impl Roster {
    /// Returns the roster of a workspace without agents.yaml: `named` in their order, each once,
    /// then `default`.
    pub fn undeclared<'n>(named: impl IntoIterator<Item = &'n str>) -> Self {
        let (mut seen, mut last) = (HashSet::new(), "");
        // Neighbours often have one agent.
        let named = named.into_iter().chain([DEFAULT_AGENT]).filter(|name| {
            let is_new = *name != std::mem::replace(&mut last, *name) && seen.insert(*name);
            is_new && !name.is_empty()
        });
        let agents = named.map(Agent::named).collect();
        Self { agents, families: DEFAULT_FAMILIES.map(str::to_owned).to_vec(), max_parallel: None, declared: false }
    }

    /// Returns whether a thread may be given to `name`.
    pub fn accepts(&self, name: &str) -> bool {
        !self.declared || self.agents.iter().any(|agent| agent.name == name)
    }

    /// Returns the names that are closest to one that the roster does not have; where none is similar,
    /// its first ones.
    pub fn closest(&self, name: &str) -> Vec<String> {
        let names = || self.agents.iter().map(|agent| agent.name.as_str());
        let similar = closest(name, names());
        if similar.is_empty() { names().take(MAX_SUGGESTIONS).map(str::to_owned).collect() } else { similar }
    }

    /// Returns the family of an agent: what the file says, else the prefix that its name starts with.
    pub fn family<'r>(&'r self, name: &str) -> Option<&'r str> {
        let declared = self.agents.iter().find(|agent| agent.name == name).and_then(|agent| agent.family.as_deref());
        declared.or_else(|| {
            self.families
                .iter()
                .map(String::as_str)
                .find(|family| name.strip_prefix(*family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
        })
    }

    /// Returns whether `agent` may take over from `current`: it is of the same family, or a default
    /// agent. Without agents.yaml it need not be known.
    pub fn can_stand_in(&self, agent: &str, current: &str) -> bool {
        let family = self.family(current);
        agent != current && (agent.starts_with(DEFAULT_AGENT) || family.is_some() && self.family(agent) == family)
    }

    /// Returns who can stand in for `name`, best first: its family in roster order, then `default`,
    /// then the other `default*` in roster order (DESIGN §6). Never `name` itself.
    pub fn stand_ins(&self, name: &str) -> Vec<&str> {
        let family = self.family(name);
        let in_family = |agent: &&Agent| family.is_some() && self.family(&agent.name) == family;
        let is_default = |agent: &&Agent| agent.name.starts_with(DEFAULT_AGENT);
        let mut found: Vec<&str> = Vec::new();
        let family_first = self.agents.iter().filter(in_family);
        let then_default = self.agents.iter().filter(|agent| agent.name == DEFAULT_AGENT);
        let then_defaults = self.agents.iter().filter(is_default);
        for agent in family_first.chain(then_default).chain(then_defaults) {
            if agent.name != name && !found.contains(&agent.name.as_str()) {
                found.push(&agent.name);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(names: &[&str]) -> Roster {
        Roster { declared: true, ..Roster::undeclared(names.iter().copied()) }
    }

    #[test]
    fn the_family_stands_in_first_and_default_before_its_variants() {
        let roster = roster(&[
            "default-minimax",
            "system-engineer-codex",
            "frontend-designer-grok",
            "system-engineer-opus",
            "default",
        ]);
        assert_eq!(roster.stand_ins("system-engineer-codex"), ["system-engineer-opus", "default", "default-minimax"]);
        assert_eq!(roster.stand_ins("frontend-designer-grok"), ["default", "default-minimax"]);
        assert_eq!(roster.stand_ins("writer"), ["default", "default-minimax"]);
        assert_eq!(roster.stand_ins("default"), ["default-minimax"]);
    }

    #[test]
    fn a_declared_family_wins_over_the_name() {
        let mut roster = roster(&["system-engineer-a", "reviewer"]);
        roster.agents[1].family = Some("system-engineer".to_owned());
        assert_eq!(roster.stand_ins("reviewer"), ["system-engineer-a", "default"]);
    }

    #[test]
    fn a_family_is_a_prefix_up_to_a_dash() {
        let roster = roster(&[]);
        assert_eq!(roster.family("system-engineer-x"), Some("system-engineer"));
        assert_eq!(roster.family("system-engineering"), None);
    }
}
