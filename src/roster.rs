//! PURE. The roster: which agents there are, and which can stand in for which (DESIGN §2 "role family", §3, §6).

use std::collections::HashSet;
use std::time::Duration;

use crate::closest::{MAX_SUGGESTIONS, closest};

/// The agent of a thread that names none (DESIGN §4), and a candidate for every reassignment (DESIGN §6.2).
pub const DEFAULT_AGENT: &str = "default";

/// The prefixes of names that make role families, for a roster that lists none.
pub const DEFAULT_FAMILIES: [&str; 2] = ["system-engineer", "frontend-designer"];

/// An agent of the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The name that plans and calls use.
    pub name: String,
    /// Its role family in agents.yaml, which wins over the one that its name shows.
    pub family: Option<String>,
    /// What it is, in the words of agents.yaml.
    pub description: Option<String>,
    /// The work that it is best for.
    pub best_for: Option<String>,
    /// The models that agents.yaml lists for it, as `provider/model`, first choice first.
    pub models: Vec<String>,
    /// How `work run` starts its workers, where that differs from [`Roster::run`].
    pub run: Run,
}

/// The content of agents.yaml, or what takes its place if there is no such file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The agents, in the order of the file.
    pub agents: Vec<Agent>,
    /// The prefixes of names that make role families, without the `-`.
    pub families: Vec<String>,
    /// How many threads of a batch may be in progress at once; `None` for no limit.
    pub max_parallel: Option<usize>,
    /// How checks are run.
    pub checks: Checks,
    /// How `work run` starts workers.
    pub run: Run,
    /// Whether agents.yaml lists agents. If it does not, any agent name is accepted.
    pub declared: bool,
}

/// How `work run` starts workers (`execution.run`, and `run` of an agent, in agents.yaml; DESIGN §12).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// What runs them; `None`: nothing is said.
    pub by: Option<RunBy>,
    /// How long a worker may run; `None`: nothing is said.
    pub timeout: Option<Duration>,
}

/// What agents.yaml says of the start of workers, in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct StartOfWorkers<'r> {
    /// The agent whose workers they are; `None`: those of all agents that say nothing themselves.
    pub agent: Option<&'r str>,
    /// What runs them; `None`: nothing is said.
    pub by: Option<&'r RunBy>,
    /// Their models.
    pub models: &'r [String],
    /// How many seconds they may run; `None`: nothing is said.
    pub timeout: Option<u64>,
}

impl<'r> StartOfWorkers<'r> {
    fn of(agent: Option<&'r str>, run: &'r Run, models: &'r [String]) -> Self {
        Self { agent, by: run.by.as_ref(), models, timeout: run.timeout.map(|timeout| timeout.as_secs()) }
    }
}

/// What runs a worker.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunBy {
    /// The command line of a host.
    Host {
        /// The name of the host.
        host: String,
        /// Arguments beside those that it gets anyway.
        arguments: Vec<String>,
    },
    /// A program and its arguments, with placeholders. No shell reads them.
    Command(Vec<String>),
}

/// How checks are run (`execution` in agents.yaml, DESIGN §5b).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    /// Who runs them.
    pub by: ChecksBy,
    /// How long one check may run.
    pub timeout: Duration,
    /// How many threads of a workspace may be checked at once on one machine.
    pub max_parallel: usize,
}

/// Who runs the checks of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChecksBy {
    /// The process that gets the report.
    Server,
    /// The worker, by `work check` in its own shell.
    Worker,
    /// Nobody: a thread with checks can only be completed by a person.
    Off,
}

impl Default for Checks {
    fn default() -> Self {
        Self { by: ChecksBy::Server, timeout: Duration::from_secs(600), max_parallel: 1 }
    }
}

impl RunBy {
    /// Returns the words that start a worker, as far as they are known.
    pub fn words(&self) -> Vec<&str> {
        match self {
            Self::Host { host, arguments } => {
                std::iter::once(host.as_str()).chain(arguments.iter().map(String::as_str)).collect()
            }
            Self::Command(words) => words.iter().map(String::as_str).collect(),
        }
    }
}

impl Agent {
    /// Returns an agent of which only the name is known.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            family: None,
            description: None,
            best_for: None,
            models: Vec::new(),
            run: Run::default(),
        }
    }

    /// Returns the first model of a provider, without the provider's name, for a host that has only the models of one.
    pub fn model_of(&self, provider: &str) -> Option<&str> {
        self.models.iter().find_map(|model| model.strip_prefix(provider)?.strip_prefix('/'))
    }
}

impl Roster {
    /// Returns the roster of a workspace without agents.yaml: the `named` agents in their order, without duplicates,
    /// then `default`.
    pub fn undeclared<'n>(named: impl IntoIterator<Item = &'n str>) -> Self {
        let (mut seen, mut last) = (HashSet::new(), "");
        // Threads in a row often have the same agent. Comparing with the last name first saves most look-ups.
        let named = named.into_iter().chain([DEFAULT_AGENT]).filter(|name| {
            let is_new = *name != std::mem::replace(&mut last, *name) && seen.insert(*name);
            is_new && !name.is_empty()
        });
        let agents = named.map(Agent::named).collect();
        Self {
            agents,
            families: DEFAULT_FAMILIES.map(str::to_owned).to_vec(),
            max_parallel: None,
            checks: Checks::default(),
            run: Run::default(),
            declared: false,
        }
    }

    /// Returns the agent of this name, if agents.yaml has it.
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.name == name)
    }

    /// Returns what agents.yaml says of the start of workers: for all first, then agent by agent.
    pub fn starts_of_workers(&self) -> Vec<StartOfWorkers<'_>> {
        let all = std::iter::once(StartOfWorkers::of(None, &self.run, &[]));
        let own = self.agents.iter().map(|agent| StartOfWorkers::of(Some(&agent.name), &agent.run, &agent.models));
        all.chain(own).filter(|said| said.by.is_some() || !said.models.is_empty() || said.timeout.is_some()).collect()
    }

    /// Returns whether a thread may be given to the agent `name`.
    pub fn accepts(&self, name: &str) -> bool {
        !self.declared || self.agents.iter().any(|agent| agent.name == name)
    }

    /// Returns the names of the roster that are most similar to `name`, or its first names if none is similar.
    pub fn closest(&self, name: &str) -> Vec<String> {
        let names = || self.agents.iter().map(|agent| agent.name.as_str());
        let similar = closest(name, names());
        if similar.is_empty() { names().take(MAX_SUGGESTIONS).map(str::to_owned).collect() } else { similar }
    }

    /// Returns the role family of an agent: the one in agents.yaml, else the prefix of its name; `None` if it has
    /// neither.
    pub fn family<'r>(&'r self, name: &str) -> Option<&'r str> {
        let declared = self.agents.iter().find(|agent| agent.name == name).and_then(|agent| agent.family.as_deref());
        declared.or_else(|| {
            self.families
                .iter()
                .map(String::as_str)
                .find(|family| name.strip_prefix(*family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
        })
    }

    /// Returns whether `agent` may take over from `current`: it is another agent, of the same family or a `default*`.
    /// It need not be in the roster.
    pub fn can_stand_in(&self, agent: &str, current: &str) -> bool {
        let family = self.family(current);
        agent != current && (agent.starts_with(DEFAULT_AGENT) || family.is_some() && self.family(agent) == family)
    }

    /// Returns the agents that can stand in for `name`, best first: its family in roster order, then `default`, then
    /// the other `default*` in roster order (DESIGN §6.2). `name` itself is never among them.
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
