//! The configuration of release 1: adds what is missing behind what is there, and takes it back. Comments, other keys
//! and the layout stay as they are.

use jsonc_parser::cst::{CstInputValue, CstNode, CstObject};
use serde_json::{Value, json};

use super::super::changed::Changed;
use super::super::server_entry::{SERVER, is_same};
use super::super::settings::{Settings, bad, input, parse_json, require_single_keys};
use super::agent_file::WORKER_TOOLS;
use super::denied::DENIED_COMMANDS;
use crate::fault::Fault;
use crate::wording::count;

const SCHEMA: &str = "https://opencode.ai/config.json";

/// A configuration file.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// Its path relative to the project; of a global one, from `~/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Config {
    /// Returns what stands in it. One that cannot be parsed counts as empty here; [`merge`] reports it.
    pub(super) fn value(&self) -> Value {
        parse_json(&self.path, &self.text).ok().and_then(|root| root.to_serde_value()).unwrap_or_default()
    }
}

/// Returns the entry of the server.
pub(super) fn entry() -> Value {
    json!({"type": "local", "command": ["work", "mcp"], "environment": {}, "enabled": true})
}

/// Returns the entry of the server in the form of release 2. Without `codemode` its tools stand behind a tool that runs
/// code; `auto` lets both eras of the protocol meet.
pub(super) fn entry_two() -> Value {
    json!({"type": "local", "command": ["work", "mcp"], "codemode": false, "protocol": "auto"})
}

/// Adds what is missing to `config`, which wins over the `others` of the project. `restrict` names the agents that
/// are to see the two tools of a worker only, and whose rules stand here. The person's `global` configurations hold
/// where the project's say nothing.
///
/// # Errors
///
/// If a file cannot be parsed, or something stands in it where an object belongs.
pub(super) fn merge(
    config: &Config,
    others: &[Config],
    global: &[Config],
    restrict: &[String],
) -> Result<Changed, Fault> {
    let root = parse_json(&config.path, &config.text)?;
    require_single_keys(&config.path, &config.text)?;
    for other in others {
        parse_json(&other.path, &other.text)?;
    }
    let known: Vec<Value> = others.iter().map(Config::value).collect();
    let own = root.to_serde_value().unwrap_or_default();
    let bad = |why: &str| bad(&config.path, None, why);
    let object = root.object_value_or_create().ok_or_else(|| bad("it is no object"))?;
    let mut added = Vec::new();
    if own.get("$schema").is_none() {
        object.insert(0, "$schema", SCHEMA.into());
        added.push("$schema".to_owned());
    }
    // In the order in which OpenCode reads them: `config` comes last and wins.
    let everywhere: Vec<&Value> = known.iter().chain([&own]).collect();
    let is_there = |pointer: &str| everywhere.iter().any(|config| config.pointer(pointer).is_some());
    if !is_there("/mcp/work") && !is_there("/mcp/servers/work") {
        let servers = object.object_value_or_create("mcp").ok_or_else(|| bad("mcp is no object"))?;
        // Release 2 reads the rules of release 1 too, and has the servers one level further down.
        if let Some(servers) = servers.object_value("servers") {
            servers.append(SERVER, input(&entry_two()));
            added.push("mcp.servers.work".to_owned());
        } else {
            servers.append(SERVER, input(&entry()));
            added.push("mcp.work".to_owned());
        }
    }
    let hidden: Vec<Value> = global.iter().chain(others).map(Config::value).collect();
    add_denials(&object, &hidden, &everywhere, &bad, &mut added)?;
    restrict_agents(&object, restrict, &everywhere, &bad, &mut added)?;
    let text = if added.is_empty() { config.text.clone() } else { root.to_string() };
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
    for (at, entry) in [(vec!["mcp", SERVER], entry()), (vec!["mcp", "servers", SERVER], entry_two())] {
        match settings.get(&at) {
            Some(known) if is_same(&known, &entry) => {
                settings.remove(&at);
                what.push(at.join("."));
            }
            Some(_) => notes.push(settings.note(&at, "is not as this program writes it: remove it by hand")),
            None => {}
        }
    }
    let is_denied = |settings: &Settings, pattern: &&str| {
        settings.get(&["permission", "bash", pattern]).is_some_and(|action| action == "deny")
    };
    let denied: Vec<&str> = DENIED_COMMANDS.into_iter().filter(|pattern| is_denied(&settings, pattern)).collect();
    for pattern in &denied {
        settings.remove(&["permission", "bash", pattern]);
    }
    if !denied.is_empty() {
        what.push(format!("permission.bash ({})", count(denied.len(), "rule", "rules")));
    }
    for name in restrict {
        let mut removed = false;
        for (tool, action) in WORKER_TOOLS {
            let at = ["agent", name, "permission", tool];
            if settings.get(&at).is_some_and(|known| known == action) {
                settings.remove(&at);
                removed = true;
            }
        }
        if removed {
            what.push(format!("agent.{name}.permission"));
        }
    }
    Ok(settings.ended(what, notes))
}

/// Returns whether one of the configurations has a slash command of this name.
pub(super) fn has_command(config: &Config, others: &[Config], name: &str) -> bool {
    others.iter().chain([config]).any(|config| has(&config.value(), "command", name))
}

/// Returns whether one of the configurations has a record of this agent.
pub(super) fn has_agent(config: &Config, others: &[Config], name: &str) -> bool {
    others.iter().chain([config]).any(|config| {
        let config = config.value();
        has(&config, "agent", name) || has(&config, "agents", name)
    })
}

/// Returns whether a section of a configuration has a key of this name.
pub(super) fn has(config: &Value, section: &str, name: &str) -> bool {
    config.get(section).and_then(|section| section.get(name)).is_some()
}

/// Adds the denials that the files together do not have.
fn add_denials(
    object: &CstObject,
    others: &[Value],
    everywhere: &[&Value],
    bad: &impl Fn(&str) -> Fault,
    added: &mut Vec<String>,
) -> Result<(), Fault> {
    let effective = effective_permission(everywhere);
    let bash = effective.get("bash").and_then(Value::as_object);
    let missing: Vec<&str> =
        DENIED_COMMANDS.into_iter().filter(|pattern| bash.is_none_or(|rules| !rules.contains_key(*pattern))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    // A single word, such as `"permission": "ask"`, holds for everything. The object that replaces it gets the word
    // as its first rule. A word in a file over which this one wins is copied, since the new object hides it.
    let last_word = |pointer: &str| others.iter().rev().find_map(|config| config.pointer(pointer)?.as_str());
    let permission = rules(object, "permission", last_word("/permission"))
        .ok_or_else(|| bad("permission is neither a word nor an object"))?;
    let bash = rules(&permission, "bash", last_word("/permission/bash"))
        .ok_or_else(|| bad("permission.bash is neither a word nor an object"))?;
    for pattern in &missing {
        bash.append(pattern, "deny".into());
    }
    added.push(format!("permission.bash ({})", count(missing.len(), "rule", "rules")));
    Ok(())
}

/// Returns the object of rules under a key, which is created if it is missing. A single word there, or else the
/// `inherited` one, becomes the rule for `*`. Returns `None` if something else is there.
fn rules(object: &CstObject, key: &str, inherited: Option<&str>) -> Option<CstObject> {
    let for_all = |word: &str| CstInputValue::Object(vec![("*".to_owned(), word.into())]);
    match object.get(key) {
        None => {
            let rules = inherited.map_or(CstInputValue::Object(Vec::new()), for_all);
            object.append(key, rules).object_value()
        }
        Some(property) => {
            if let Some(CstNode::Leaf(_)) = property.value() {
                let word = property.value()?.as_string_lit()?.decoded_value().ok()?;
                property.set_value(for_all(&word));
            }
            property.object_value()
        }
    }
}

/// Adds rules to the records of agents, so that these see no more than the tools of a worker.
fn restrict_agents(
    object: &CstObject,
    restrict: &[String],
    everywhere: &[&Value],
    bad: &impl Fn(&str) -> Fault,
    added: &mut Vec<String>,
) -> Result<(), Fault> {
    for name in restrict {
        let has_rule = |config: &&Value| {
            let rules = config.get("agent").and_then(|agents| agents.get(name)?.get("permission")).unwrap_or_default();
            rules.as_object().is_some_and(|rules| rules.contains_key(WORKER_TOOLS[0].0))
        };
        // OpenCode 1.18 ignores a record under `agents` beside one under `agent`, so leave it alone and warn.
        if everywhere.iter().any(has_rule) || everywhere.iter().any(|config| has(config, "agents", name)) {
            continue;
        }
        let not_an_object = |key: &str| bad(&format!("{key} is no object"));
        let agents = object.object_value_or_create("agent").ok_or_else(|| not_an_object("agent"))?;
        let agent = agents.object_value_or_create(name).ok_or_else(|| not_an_object(&format!("agent.{name}")))?;
        let rules =
            rules(&agent, "permission", None).ok_or_else(|| not_an_object(&format!("agent.{name}.permission")))?;
        // The rule for all tools comes first, because the last one that matches counts.
        let [(all, deny), tools @ ..] = WORKER_TOOLS;
        rules.insert(0, all, deny.into());
        for (tool, action) in tools {
            if rules.get(tool).is_none() {
                rules.append(tool, action.into());
            }
        }
        added.push(format!("agent.{name}.permission"));
    }
    Ok(())
}

/// Returns the permissions of all files together, merged as OpenCode does it: key by key, a later file over an
/// earlier one. A key keeps the place where it stood first.
pub(super) fn effective_permission(configs: &[&Value]) -> Value {
    let mut merged = Value::Null;
    for permission in configs.iter().filter_map(|config| config.get("permission")) {
        merge_into(&mut merged, permission);
    }
    merged
}

/// Merges `over` into `base`: objects key by key, any other value as a whole.
pub(super) fn merge_into(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge_into(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config { path: "opencode.json".into(), text: text.into() }
    }

    fn merged(text: &str, others: &[&str], restrict: &[&str]) -> Changed {
        let others: Vec<Config> = others.iter().map(|text| config(text)).collect();
        let restrict: Vec<String> = restrict.iter().map(|name| (*name).to_owned()).collect();
        let merged = merge(&config(text), &others, &[], &restrict).unwrap();
        let again = merge(&config(merged.text.as_ref().unwrap()), &others, &[], &restrict).unwrap();
        assert_eq!((&again.text, &again.what), (&merged.text, &Vec::new()), "a second run changes nothing");
        merged
    }

    fn after(changed: &Changed) -> &str {
        changed.text.as_deref().unwrap()
    }

    fn value(changed: &Changed) -> Value {
        config(after(changed)).value()
    }

    /// Returns the merged text without most of the denials, which are the same everywhere.
    fn shown(merged: &Changed) -> String {
        let is_shown = |line: &&str| !DENIED_COMMANDS[1..20].iter().any(|denied| line.contains(&format!("{denied:?}")));
        let lines: Vec<&str> = after(merged).lines().filter(is_shown).collect();
        format!("{}\n-- {:?}", lines.join("\n"), merged.what)
    }

    #[test]
    fn an_empty_configuration_gets_everything() {
        insta::assert_snapshot!(shown(&merged("", &[], &[])), @r#"
        {
          "$schema": "https://opencode.ai/config.json",
          "mcp": {
            "work": {
              "type": "local",
              "command": ["work", "mcp"],
              "environment": {},
              "enabled": true
            }
          },
          "permission": {
            "bash": {
              "*work approve *": "deny",
              "* approve plan*": "deny",
              "* approve stage*": "deny"
            }
          }
        }
        -- ["$schema", "mcp.work", "permission.bash (22 rules)"]
        "#);
    }

    #[test]
    fn comments_keys_and_layout_stay() {
        let text = "\
// The team's set-up.
{
    \"$schema\": \"https://opencode.ai/config.json\",
    \"theme\": \"system\", // dark at night
    \"mcp\": {
        /* the browser */
        \"browser\": {\"type\": \"local\", \"command\": [\"browser\"]},
    },
    \"permission\": {
        \"edit\": \"ask\",
        \"bash\": {
            \"*\": \"ask\", // we look at every command
            \"git status\": \"allow\",
        },
    },
}
";
        let merged = merged(text, &[], &["default"]);
        insta::assert_snapshot!(shown(&merged), @r#"
        // The team's set-up.
        {
            "$schema": "https://opencode.ai/config.json",
            "theme": "system", // dark at night
            "mcp": {
                /* the browser */
                "browser": {"type": "local", "command": ["browser"]},
                "work": {
                    "type": "local",
                    "command": ["work", "mcp"],
                    "environment": {},
                    "enabled": true,
                },
            },
            "permission": {
                "edit": "ask",
                "bash": {
                    "*": "ask", // we look at every command
                    "git status": "allow",
                    "*work approve *": "deny",
                    "* approve plan*": "deny",
                    "* approve stage*": "deny",
                },
            },
            "agent": {
                "default": {
                    "permission": {
                        "work_*": "deny",
                        "work_read_thread": "allow",
                        "work_update_thread": "allow"
                    }
                }
            },
        }
        -- ["mcp.work", "permission.bash (22 rules)", "agent.default.permission"]
        "#);
        for line in text.lines().filter(|line| line.contains("//") || line.contains("/*")) {
            assert!(after(&merged).contains(line), "{line}");
        }
    }

    #[test]
    fn a_word_becomes_the_first_rule() {
        insta::assert_snapshot!(shown(&merged("{\"$schema\": \"x\", \"mcp\": {\"servers\": {\"work\": {}}}, \"permission\": \"allow\"}", &[], &[])), @r#"
        {"$schema": "x", "mcp": {"servers": {"work": {}}}, "permission": {
            "*": "allow",
            "bash": {
              "*work approve *": "deny",
              "* approve plan*": "deny",
              "* approve stage*": "deny"
            }
          }}
        -- ["permission.bash (22 rules)"]
        "#);
        let bash = merged("{\"permission\": {\"bash\": \"ask\"}}", &[], &[]);
        assert_eq!(value(&bash)["permission"]["bash"]["*"], "ask");
        let global = [config("{\"permission\": {\"bash\": \"deny\"}}")];
        let global = merge(&config("{}"), &[], &global, &[]).unwrap();
        assert_eq!(value(&global)["permission"]["bash"]["*"], "deny");
        let inherited = merged("{}", &["{\"permission\": {\"bash\": \"ask\"}}"], &[]);
        assert_eq!(value(&inherited)["permission"]["bash"]["*"], "ask");
    }

    #[test]
    fn what_another_file_has_is_not_added_again() {
        let all = merged("{}", &[], &["me"]);
        let rest = merged("{\"$schema\": \"x\"}", &[after(&all)], &["me"]);
        assert_eq!(rest.what, Vec::<String>::new());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_changed() {
        let refused = |text: &str| merge(&config(text), &[], &[], &["me".to_owned()]).err().unwrap();
        let told = [
            "{\"a\": }",
            "[]",
            "{\"mcp\": []}",
            "{\"permission\": {\"bash\": 3}}",
            "{\"permission\": []}",
            "{\"agent\": {\"me\": 1}}",
            "{'a': 1}",
            "{} x",
        ]
        .map(|text| format!("{text}  {}", refused(text)));
        insta::assert_snapshot!(told.join("\n"), @r#"
        {"a": }  opencode.json:1:7: Unexpected close brace
        []  opencode.json: it is no object
        {"mcp": []}  opencode.json: mcp is no object
        {"permission": {"bash": 3}}  opencode.json: permission.bash is neither a word nor an object
        {"permission": []}  opencode.json: permission is neither a word nor an object
        {"agent": {"me": 1}}  opencode.json: agent.me is no object
        {'a': 1}  opencode.json:1:2: Single-quoted strings are not allowed
        {} x  opencode.json:1:4: Text cannot contain more than one JSON value
        "#);
    }

    #[test]
    fn a_file_that_wins_cannot_switch_the_denials_off_unseen() {
        let all = merged("{}", &[], &[]);
        for own in ["{\"permission\": \"allow\"}", "{\"permission\": {\"bash\": \"allow\"}}"] {
            let merged = merged(own, &[after(&all)], &[]);
            assert!(merged.what.contains(&"permission.bash (22 rules)".to_owned()), "{own}: {:?}", merged.what);
        }
    }

    #[test]
    fn a_rule_for_all_tools_comes_before_those_that_are_there() {
        let text = "{\"agent\": {\"me\": {\"permission\": {\"work_read_thread\": \"allow\"}}}}";
        let value = value(&merged(text, &[], &["me"]));
        let rules: Vec<&String> = value["agent"]["me"]["permission"].as_object().unwrap().keys().collect();
        assert_eq!(rules, ["work_*", "work_read_thread", "work_update_thread"]);
    }

    #[test]
    fn what_was_added_is_taken_back_and_nothing_else() {
        let before = "\
{
  // ours
  \"theme\": \"system\",
  \"mcp\": {\"browser\": {\"type\": \"local\"}},
  \"permission\": {\"bash\": {\"*\": \"ask\", \"rm *\": \"deny\"}},
  \"agent\": {\"me\": {\"mode\": \"all\"}}
}
";
        let restrict = ["me".to_owned()];
        let made = merge(&config(before), &[], &[], &restrict).unwrap();
        let back = unmerge(&config(after(&made)), &restrict).unwrap();
        insta::assert_snapshot!(format!("{}{:?} {:?}", after(&back), back.what, back.notes), @r#"
        {
          "$schema": "https://opencode.ai/config.json",
          // ours
          "theme": "system",
          "mcp": {
            "browser": {"type": "local"}
          },
          "permission": {"bash": {
              "*": "ask",
              "rm *": "deny"
            }},
          "agent": {"me": {
              "mode": "all"
            }}
        }
        ["mcp.work", "permission.bash (22 rules)", "agent.me.permission"] []
        "#);
        // What was never there before goes as a whole.
        assert_eq!(unmerge(&config(after(&merged("", &[], &[]))), &[]).unwrap().text, None);
        assert_eq!(unmerge(&config(before), &restrict).unwrap().what, Vec::<String>::new());
    }
}
