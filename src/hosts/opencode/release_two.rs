//! The configuration of release 2: servers under `mcp.servers`, rules in one list, of which the last that matches
//! counts.

use serde_json::{Value, json};

use super::super::changed::Changed;
use super::super::server_entry::SERVER;
use super::super::settings::{Settings, parse_json};
use super::agent_file::WORKER_TOOLS;
use super::config::{Config, entry_two, has};
use super::denied::DENIED_COMMANDS;
use crate::fault::Fault;
use crate::wording::count;

/// Returns whether a configuration has the form of release 2.
pub(super) fn is_in(config: &Config) -> bool {
    let config = config.value();
    let has_servers = config.pointer("/mcp/servers").is_some();
    config.get("permissions").is_some() || has_servers && config.get("permission").is_none()
}

/// Returns the rules that deny gate commands.
fn denials() -> impl Iterator<Item = Value> {
    DENIED_COMMANDS.into_iter().map(|pattern| json!({"action": "shell", "resource": pattern, "effect": "deny"}))
}

/// Returns the rules that let a worker see two tools.
fn worker_rules() -> [Value; 3] {
    WORKER_TOOLS.map(|(tool, effect)| json!({"action": tool, "resource": "*", "effect": effect}))
}

/// Adds what is missing to `config`, as [`super::config::merge`] does in the form of release 1.
///
/// # Errors
///
/// If a file cannot be parsed, or something else stands where an object or an array belongs.
pub(super) fn merge(config: &Config, others: &[Config], restrict: &[String]) -> Result<Changed, Fault> {
    let mut settings = Settings::parse(&config.path, &config.text)?;
    for other in others {
        parse_json(&other.path, &other.text)?;
    }
    let everywhere: Vec<Value> = others.iter().chain([config]).map(Config::value).collect();
    let mut added = Vec::new();
    if !everywhere.iter().any(|config| config.pointer("/mcp/servers/work").is_some()) {
        settings.set(&["mcp", "servers", SERVER], &entry_two())?;
        added.push("mcp.servers.work".to_owned());
    }
    let is_there = |rule: &Value| {
        everywhere
            .iter()
            .any(|config| config.get("permissions").and_then(Value::as_array).is_some_and(|rules| rules.contains(rule)))
    };
    let missing: Vec<Value> = denials().filter(|rule| !is_there(rule)).collect();
    for rule in &missing {
        settings.push(&["permissions"], rule)?;
    }
    if !missing.is_empty() {
        added.push(format!("permissions ({})", count(missing.len(), "rule", "rules")));
    }
    for name in restrict.iter().filter(|name| everywhere.iter().any(|config| has(config, "agents", name))) {
        let at = ["agents", name, "permissions"];
        let known = settings.elements(&at);
        if worker_rules().iter().any(|rule| !known.contains(rule)) {
            for rule in worker_rules() {
                settings.push(&at, &rule)?;
            }
            added.push(at.join("."));
        }
    }
    let text = if added.is_empty() { config.text.clone() } else { settings.text() };
    Ok(Changed { text: Some(text), what: added, notes: Vec::new() })
}

/// Takes back what [`merge`] adds. What was changed since stays.
///
/// # Errors
///
/// If the file cannot be parsed.
pub(super) fn unmerge(config: &Config, restrict: &[String]) -> Result<Changed, Fault> {
    let mut settings = Settings::parse(&config.path, &config.text)?;
    let mut what = Vec::new();
    let mut notes = Vec::new();
    let at = ["mcp", "servers", SERVER];
    match settings.get(&at) {
        Some(known) if known == entry_two() => {
            settings.remove(&at);
            what.push(at.join("."));
        }
        Some(_) => notes.push(settings.note(&at, "is not as this program writes it: remove it by hand")),
        None => {}
    }
    let before = settings.get(&["permissions"]);
    for rule in denials() {
        settings.pull(&["permissions"], &rule);
    }
    if settings.get(&["permissions"]) != before {
        what.push("permissions".to_owned());
    }
    for name in restrict {
        let at = ["agents", name, "permissions"];
        let before = settings.get(&at);
        for rule in worker_rules() {
            settings.pull(&at, &rule);
        }
        if settings.get(&at) != before {
            what.push(at.join("."));
        }
    }
    Ok(settings.ended(what, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config { path: "opencode.jsonc".into(), text: text.into() }
    }

    const TEAM: &str = "\
{
  \"$schema\": \"https://opencode.ai/config.json\",
  // the browser
  \"mcp\": {\"servers\": {\"browser\": {\"type\": \"local\", \"command\": [\"browser\"]}}},
  \"permissions\": [
    {\"action\": \"shell\", \"resource\": \"*\", \"effect\": \"ask\"}, // we look at every command
  ],
  \"agents\": {\"me\": {\"model\": \"a/b\"}},
}
";

    #[test]
    fn rules_are_appended_and_taken_back() {
        let restrict = ["me".to_owned()];
        let made = merge(&config(TEAM), &[], &restrict).unwrap();
        let text = made.text.unwrap();
        // Of the rules for commands, which are alike, the first one stands for all.
        let all = format!("{:#}", config(&text).value()["permissions"]);
        let alike = text[text.find("work approve").unwrap()..text.find("approve stage").unwrap()].to_owned();
        assert_eq!((all.matches("deny").count(), alike.matches("shell").count()), (22, 21));
        insta::assert_snapshot!(text.replace(&alike, "[…]"), @r#"
        {
          "$schema": "https://opencode.ai/config.json",
          // the browser
          "mcp": {"servers": {
              "browser": {"type": "local", "command": ["browser"]},
              "work": {
                "type": "local",
                "command": ["work", "mcp"],
                "codemode": false,
                "protocol": "auto"
              }
            }},
          "permissions": [
            {"action": "shell", "resource": "*", "effect": "ask"}, // we look at every command
            {
              "action": "shell",
              "resource": "*[…]approve stage*",
              "effect": "deny",
            },
          ],
          "agents": {"me": {
              "model": "a/b",
              "permissions": [
                {
                  "action": "work_*",
                  "resource": "*",
                  "effect": "deny"
                },
                {
                  "action": "work_read_thread",
                  "resource": "*",
                  "effect": "allow"
                },
                {
                  "action": "work_update_thread",
                  "resource": "*",
                  "effect": "allow"
                }
              ]
            }},
        }
        "#);
        assert_eq!(made.what, ["mcp.servers.work", "permissions (22 rules)", "agents.me.permissions"]);
        assert!(merge(&config(&text), &[], &restrict).unwrap().what.is_empty(), "a second run changes nothing");
        let back = unmerge(&config(&text), &restrict).unwrap();
        assert_eq!(config(&back.text.unwrap()).value(), config(TEAM).value());
        assert_eq!(back.what, ["mcp.servers.work", "permissions", "agents.me.permissions"]);
    }

    #[test]
    fn the_form_of_a_file_is_seen() {
        for two in ["{\"permissions\": []}", "{\"mcp\": {\"servers\": {}}}", TEAM] {
            assert!(is_in(&config(two)), "{two}");
        }
        for one in ["", "{}", "{\"permission\": {}, \"mcp\": {\"servers\": {}}}", "{\"mcp\": {\"x\": {}}}", "{"] {
            assert!(!is_in(&config(one)), "{one}");
        }
    }
}
