//! What undoes the set-up of OpenCode: rules that stand behind ours or override them, in the project or in the person's
//! own configuration, each with the line to change.

use serde_json::Value;

use super::super::ProjectFiles;
use super::super::server_entry::conflict;
use super::super::settings::Settings;
use super::agent_file::{AgentFile, Restriction, WORKER_TOOLS, is_wide, opens_the_shell, rules_open_the_shell};
use super::config::{Config, effective_permission, has};
use super::denied::DENIED_COMMANDS;
use super::{BUILT_IN, CONFIGS, GLOBAL_CONFIGS, Known, Release, agent_files, read_configs};
use crate::fault::Fault;
use crate::roster::Roster;

/// The folders of the agents that a person has in all projects.
const GLOBAL_AGENTS: [&str; 2] = ["~/.config/opencode/agent", "~/.config/opencode/agents"];

/// What is told of an agent whose rules allow commands again.
const OVERRIDES: &str = "has rules for the shell, which override those of the project: take those for `work` out of it";

/// All configurations that hold in a project, in the order in which OpenCode reads them.
struct Configs(Vec<Config>);

impl Configs {
    fn read(files: &dyn ProjectFiles) -> Result<Self, Fault> {
        let mut configs = read_configs(files, &GLOBAL_CONFIGS)?;
        configs.extend(read_configs(files, &CONFIGS)?);
        Ok(Self(configs))
    }

    fn values(&self) -> Vec<Value> {
        self.0.iter().map(Config::value).collect()
    }

    /// Returns a note about a key, with the file and the line of the last configuration that has it.
    fn note(&self, at: &[&str], told: &str) -> String {
        let settings = self.0.iter().filter_map(|config| Settings::parse(&config.path, &config.text).ok());
        let with_key = settings.rev().find(|settings| settings.line(at).is_some());
        with_key.map_or_else(|| format!("{} {told}", at.join(".")), |settings| settings.note(at, told))
    }
}

/// Returns what a person should look at.
pub(super) fn notes(files: &dyn ProjectFiles, roster: &Roster) -> Result<Vec<String>, Fault> {
    let configs = Configs::read(files)?;
    let known = Known::read(files)?;
    let mut notes = of_servers(&configs);
    match known.release {
        Release::One => notes.extend(of_permission(&configs)),
        Release::Two => notes.extend(of_permissions(&configs)),
    }
    notes.extend(of_agents_in_configs(&configs, &known.restricted_in_config(roster), known.release));
    notes.extend(agent_files(files, known.release).without_file(roster));
    for agent in &roster.agents {
        match known.agents.get(&agent.name) {
            Some((path, file)) if file.restriction() == Restriction::Other => notes.push(format!(
                "{path}: it has rules of its own for the tools of this server; a worker needs work_read_thread and work_update_thread, and no other"
            )),
            None if BUILT_IN.contains(&agent.name.as_str()) => notes.push(format!(
                "{:?} is an agent of OpenCode itself, which a file would replace: give the one in agents.yaml another name",
                agent.name
            )),
            _ => {}
        }
    }
    let mut open: Vec<String> =
        known.agents.values().filter(|(_, file)| file.opens_the_shell()).map(|(path, _)| path.clone()).collect();
    for folder in GLOBAL_AGENTS {
        for inner in files.below(folder)? {
            let path = format!("{folder}/{inner}");
            if files.text(&path)?.is_some_and(|text| AgentFile::read(&text).opens_the_shell()) {
                open.push(path);
            }
        }
    }
    notes.extend(open.into_iter().map(|path| format!("{path}: it {OVERRIDES}")));
    Ok(notes)
}

/// Returns what keeps the server from starting.
fn of_servers(configs: &Configs) -> Vec<String> {
    let mut notes = Vec::new();
    for at in [["mcp", "work"].as_slice(), ["mcp", "servers", "work"].as_slice()] {
        let entries = configs.values().into_iter().filter_map(|config| {
            let entry = at.iter().try_fold(&config, |value, key| value.get(key));
            entry.cloned()
        });
        // A later file wins key by key.
        let mut merged = Value::Null;
        entries.for_each(|entry| super::config::merge_into(&mut merged, &entry));
        if merged.get("command").is_some_and(Value::is_string) {
            notes.push(configs.note(
                at,
                "has a command that is no list, with which OpenCode does not start: write [\"work\", \"mcp\"]",
            ));
        } else if merged.is_object() && merged.get("type").is_none() && merged.get("command").is_some() {
            notes.push(configs.note(at, "has no type, with which OpenCode does not start: add \"type\": \"local\""));
        } else if !merged.is_null()
            && let Some(conflict) = conflict(&merged)
        {
            notes.push(configs.note(at, &conflict));
        }
    }
    notes
}

/// Returns the rules of release 1 that undo the denials.
fn of_permission(configs: &Configs) -> Vec<String> {
    let mut notes = Vec::new();
    let values = configs.values();
    let permission = effective_permission(&values.iter().collect::<Vec<_>>());
    let permission = permission.as_object().into_iter().flatten();
    let at = |key: &str| permission.clone().position(|(known, _)| known == key);
    if at("*") > at("bash") {
        notes.push(configs.note(&["permission", "*"], "stands behind \"bash\" and overrides it: move it to the front"));
    }
    let rules = permission.clone().find(|(key, _)| *key == "bash").and_then(|(_, rules)| rules.as_object());
    let is_ours = |pattern: &str| DENIED_COMMANDS.contains(&pattern);
    let behind = rules.into_iter().flatten().skip_while(|(pattern, _)| !is_ours(pattern));
    for (pattern, action) in behind.filter(|(_, action)| *action != "deny") {
        let at = ["permission", "bash", pattern.as_str()];
        if is_ours(pattern) {
            notes.push(configs.note(&at, &format!("is {action} and was left so: a gate needs \"deny\"")));
        } else if is_wide(pattern) {
            notes.push(configs.note(&at, "stands behind the denials and overrides them: move it to the front"));
        }
    }
    notes
}

/// Returns the rules of release 2 that undo the denials: those that stand behind them.
fn of_permissions(configs: &Configs) -> Vec<String> {
    let mut notes = Vec::new();
    for config in &configs.0 {
        let value = config.value();
        let rules = value.get("permissions").and_then(Value::as_array).into_iter().flatten();
        let is_ours = |rule: &Value| {
            rule.get("effect").is_some_and(|effect| effect == "deny")
                && rule
                    .get("resource")
                    .and_then(Value::as_str)
                    .is_some_and(|pattern| DENIED_COMMANDS.contains(&pattern))
        };
        for rule in rules.skip_while(|rule| !is_ours(rule)) {
            if rules_open_the_shell(&Value::Array(vec![rule.clone()])) {
                let told = format!("has {rule} behind the denials, which it overrides: move it to the front");
                notes.push(configs.note(&["permissions"], &told));
            }
        }
    }
    notes
}

/// Returns the records of agents that open the shell or the server to them.
fn of_agents_in_configs(configs: &Configs, restrict: &[&str], release: Release) -> Vec<String> {
    let mut notes = Vec::new();
    let values = configs.values();
    if release == Release::One {
        for name in restrict.iter().filter(|name| values.iter().any(|config| has(config, "agents", name))) {
            let told = "is in the newer form, which was left alone: let it see only the tools work_read_thread and work_update_thread";
            notes.push(configs.note(&["agents", name], told));
        }
    }
    for (section, key) in [("agent", "permission"), ("agents", "permissions")] {
        for (name, agent) in values.iter().filter_map(|config| config.get(section)?.as_object()).flatten() {
            let rules = agent.get(key).unwrap_or_default();
            if opens_the_shell(rules) || rules_open_the_shell(rules) {
                notes.push(configs.note(&[section, name, key], OVERRIDES));
            }
            let all = rules.get(WORKER_TOOLS[0].0);
            if restrict.contains(&name.as_str()) && all.is_some_and(|action| action != "deny") {
                let told = "was left so; a worker needs no more than two tools";
                notes.push(configs.note(&[section, name, key], told));
            }
        }
    }
    notes
}
