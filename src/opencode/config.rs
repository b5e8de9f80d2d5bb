//! Completes opencode.json or opencode.jsonc: adds what is missing behind what is there. Comments, other keys and the
//! layout stay as they are.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::Value;

use super::agent_file::{WORKER_TOOLS, opens_the_shell};
use crate::wording::count;

/// The name of the server in the configuration. OpenCode derives the prefix of its tools from it.
pub const SERVER: &str = "work";

/// Patterns of the commands that agents' shells may not run. OpenCode matches each command of a line alone and as a
/// whole; `*` stands for any text. The patterns cover the forms in which models write these commands. No pattern
/// covers everything that a shell can be made to do (README, "What a gate does not prevent").
pub const DENIED_COMMANDS: [&str; 28] = [
    "work approve*",
    "*work approve plan*",
    "*work approve stage*",
    "*work -* approve plan*",
    "*work -* approve stage*",
    "work complete*",
    "*/work complete*",
    "* work complete",
    "* work complete --*",
    "*work -* complete",
    "*work -* complete --*",
    "*sh -*c ?work complete*",
    "work release*",
    "*/work release*",
    "* work release",
    "* work release --*",
    "*work -* release",
    "*work -* release --*",
    "*sh -*c ?work release*",
    "work retry*",
    "*/work retry*",
    "* work retry",
    "* work retry --*",
    "*work -* retry",
    "*work -* retry --*",
    "*sh -*c ?work retry*",
    "*work *update* --force*",
    "*work *assign* --force*",
];

const SCHEMA: &str = "https://opencode.ai/config.json";

/// A configuration file of the project.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its path relative to the project.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A configuration that was completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The text, unchanged if nothing was missing.
    pub text: String,
    /// The keys that were added, such as `mcp.work` or `permission.bash (28 rules)`.
    pub added: Vec<String>,
    /// What a person should look at, one sentence each.
    pub warnings: Vec<String>,
}

/// The error for a configuration that cannot be read or completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadConfig {
    /// The path of the file.
    pub path: String,
    /// The line and the column of the mistake, both from 1; `None` if it has no single place.
    pub at: Option<(usize, usize)>,
    /// What is wrong.
    pub why: String,
}

/// Adds what is missing to `config`, which wins over the `others` of the project. `restrict` names the agents that
/// must not see the planner's tools but have no rules for them in an agent file.
///
/// Fails if one of the files cannot be parsed, or if `config` has something else where an object belongs.
pub fn merge(config: &Config, others: &[Config], restrict: &[&str]) -> Result<Merged, BadConfig> {
    let (bom, text) = match config.text.strip_prefix('\u{feff}') {
        Some(text) => ("\u{feff}", text),
        None => ("", config.text.as_str()),
    };
    let root = parse(&config.path, if text.trim().is_empty() { "{}\n" } else { text })?;
    let known: Vec<Value> = others
        .iter()
        .map(|other| Ok(parse(&other.path, &other.text)?.to_serde_value().unwrap_or_default()))
        .collect::<Result<_, BadConfig>>()?;
    let own = root.to_serde_value().unwrap_or_default();
    let bad = |why: &str| BadConfig { path: config.path.clone(), at: None, why: why.to_owned() };
    let object = root.object_value_or_create().ok_or_else(|| bad("it is no object"))?;
    let mut added = Vec::new();
    if own.get("$schema").is_none() {
        object.insert(0, "$schema", SCHEMA.into());
        added.push("$schema".to_owned());
    }
    // In the order in which OpenCode reads them: `config` comes last and wins.
    let everywhere: Vec<&Value> = known.iter().chain([&own]).collect();
    add_server(&object, &everywhere, &bad, &mut added)?;
    add_denials(&object, &known, &everywhere, &bad, &mut added)?;
    restrict_agents(&object, restrict, &everywhere, &bad, &mut added)?;
    let now = root.to_serde_value().unwrap_or_default();
    let warnings = warnings(&known.iter().chain([&now]).collect::<Vec<_>>(), restrict);
    let text = if added.is_empty() { config.text.clone() } else { format!("{bom}{root}") };
    Ok(Merged { text, added, warnings })
}

/// Returns whether one of the configurations has a slash command of this name.
pub fn has_command(config: &Config, others: &[Config], name: &str) -> bool {
    others.iter().chain([config]).any(|config| has(&lenient(config), "command", name))
}

/// Returns whether one of the configurations has a record of this agent.
pub fn has_agent(config: &Config, others: &[Config], name: &str) -> bool {
    others.iter().chain([config]).any(|config| {
        let config = lenient(config);
        has(&config, "agent", name) || has(&config, "agents", name)
    })
}

/// Parses a configuration. One that cannot be parsed counts as empty here; [`merge`] reports it.
fn lenient(config: &Config) -> Value {
    parse(&config.path, &config.text).ok().and_then(|root| root.to_serde_value()).unwrap_or_default()
}

/// Returns whether a section of a configuration has a key of this name.
fn has(config: &Value, section: &str, name: &str) -> bool {
    config.get(section).and_then(|section| section.get(name)).is_some()
}

/// Parses what OpenCode accepts: JSON with comments and trailing commas.
fn parse(path: &str, text: &str) -> Result<CstRootNode, BadConfig> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let text = text.trim_start_matches('\u{feff}');
    let text = if text.trim().is_empty() { "{}" } else { text };
    CstRootNode::parse(text, &options).map_err(|error| BadConfig {
        path: path.to_owned(),
        at: Some((error.line_display(), error.column_display())),
        why: error.kind().to_string(),
    })
}

/// Adds the entry of the server, unless one of the files has it.
fn add_server(
    object: &CstObject,
    everywhere: &[&Value],
    bad: &impl Fn(&str) -> BadConfig,
    added: &mut Vec<String>,
) -> Result<(), BadConfig> {
    let is_there =
        |config: &&Value| config.pointer("/mcp/work").is_some() || config.pointer("/mcp/servers/work").is_some();
    if everywhere.iter().any(is_there) {
        return Ok(());
    }
    let servers = object.object_value_or_create("mcp").ok_or_else(|| bad("mcp is no object"))?;
    let command = vec![CstInputValue::from("work"), CstInputValue::from("mcp")];
    servers.append(
        SERVER,
        CstInputValue::Object(vec![
            ("type".to_owned(), "local".into()),
            ("command".to_owned(), CstInputValue::Array(command)),
            ("enabled".to_owned(), true.into()),
        ]),
    );
    added.push("mcp.work".to_owned());
    Ok(())
}

/// Adds the denials that the files together do not have.
fn add_denials(
    object: &CstObject,
    others: &[Value],
    everywhere: &[&Value],
    bad: &impl Fn(&str) -> BadConfig,
    added: &mut Vec<String>,
) -> Result<(), BadConfig> {
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
    restrict: &[&str],
    everywhere: &[&Value],
    bad: &impl Fn(&str) -> BadConfig,
    added: &mut Vec<String>,
) -> Result<(), BadConfig> {
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
fn effective_permission(configs: &[&Value]) -> Value {
    let mut merged = Value::Null;
    for permission in configs.iter().filter_map(|config| config.get("permission")) {
        merge_into(&mut merged, permission);
    }
    merged
}

/// Merges `over` into `base`: objects key by key, any other value as a whole.
fn merge_into(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge_into(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}

/// Returns warnings about rules in any file that undo the denials or the restrictions of agents.
fn warnings(configs: &[&Value], restrict: &[&str]) -> Vec<String> {
    let mut warnings = Vec::new();
    let permission = effective_permission(configs);
    let permission = permission.as_object().into_iter().flatten();
    let at = |key: &str| permission.clone().position(|(known, _)| known == key);
    if at("*") > at("bash") {
        warnings.push("permission: \"*\" stands behind \"bash\" and overrides it: move it to the front".to_owned());
    }
    let rules = permission.clone().find(|(key, _)| *key == "bash").and_then(|(_, rules)| rules.as_object());
    let rules = rules.into_iter().flatten();
    let is_ours = |pattern: &str| DENIED_COMMANDS.contains(&pattern);
    for (pattern, action) in rules.skip_while(|(pattern, _)| !is_ours(pattern)).filter(|(_, action)| *action != "deny")
    {
        if is_ours(pattern) {
            warnings.push(format!("permission.bash: {pattern:?} is {action}, it was left so"));
        } else if pattern == "*" || pattern.contains("work") {
            let told = "stands behind the denials and overrides them: move it to the front";
            warnings.push(format!("permission.bash: {pattern:?} {told}"));
        }
    }
    for name in restrict {
        if configs.iter().any(|config| has(config, "agents", name)) {
            let told = "let it see only the tools work_read_thread and work_update_thread";
            warnings.push(format!("agents.{name} is in the newer form, which was left alone: {told}"));
        }
    }
    for (name, agent) in configs.iter().filter_map(|config| config.get("agent")?.as_object()).flatten() {
        let permission = agent.get("permission").unwrap_or_default();
        if opens_the_shell(permission) {
            warnings
                .push(format!("agent.{name}.permission has rules for the shell, which override those of the project"));
        }
        let all = permission.get(WORKER_TOOLS[0].0);
        if restrict.contains(&name.as_str()) && all.is_some_and(|action| action != "deny") {
            warnings.push(format!("agent.{name}.permission: it was left so; a worker needs no more than two tools"));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config { path: "opencode.json".into(), text: text.into() }
    }

    fn merged(text: &str, others: &[&str], restrict: &[&str]) -> Merged {
        let others: Vec<Config> = others.iter().map(|text| config(text)).collect();
        let merged = merge(&config(text), &others, restrict).unwrap();
        let again = merge(&config(&merged.text), &others, restrict).unwrap();
        assert_eq!((&again.text, &again.added), (&merged.text, &Vec::new()), "a second run changes nothing");
        merged
    }

    /// Returns the merged text without most of the denials, which are the same everywhere.
    fn shown(merged: &Merged) -> String {
        let is_shown = |line: &&str| !DENIED_COMMANDS[1..19].iter().any(|denied| line.contains(&format!("{denied:?}")));
        let text: Vec<&str> = merged.text.lines().filter(is_shown).collect();
        format!("{}\n-- {:?} {:?}", text.join("\n"), merged.added, merged.warnings)
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
              "enabled": true
            }
          },
          "permission": {
            "bash": {
              "work approve*": "deny",
              "work retry*": "deny",
              "*/work retry*": "deny",
              "* work retry": "deny",
              "* work retry --*": "deny",
              "*work -* retry": "deny",
              "*work -* retry --*": "deny",
              "*sh -*c ?work retry*": "deny",
              "*work *update* --force*": "deny",
              "*work *assign* --force*": "deny"
            }
          }
        }
        -- ["$schema", "mcp.work", "permission.bash (28 rules)"] []
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
                    "enabled": true,
                },
            },
            "permission": {
                "edit": "ask",
                "bash": {
                    "*": "ask", // we look at every command
                    "git status": "allow",
                    "work approve*": "deny",
                    "work retry*": "deny",
                    "*/work retry*": "deny",
                    "* work retry": "deny",
                    "* work retry --*": "deny",
                    "*work -* retry": "deny",
                    "*work -* retry --*": "deny",
                    "*sh -*c ?work retry*": "deny",
                    "*work *update* --force*": "deny",
                    "*work *assign* --force*": "deny",
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
        -- ["mcp.work", "permission.bash (28 rules)", "agent.default.permission"] []
        "#);
        for line in text.lines().filter(|line| line.contains("//") || line.contains("/*")) {
            assert!(merged.text.contains(line), "{line}");
        }
    }

    #[test]
    fn a_word_becomes_the_first_rule() {
        insta::assert_snapshot!(shown(&merged("{\"$schema\": \"x\", \"mcp\": {\"servers\": {\"work\": {}}}, \"permission\": \"allow\"}", &[], &[])), @r#"
        {"$schema": "x", "mcp": {"servers": {"work": {}}}, "permission": {
            "*": "allow",
            "bash": {
              "work approve*": "deny",
              "work retry*": "deny",
              "*/work retry*": "deny",
              "* work retry": "deny",
              "* work retry --*": "deny",
              "*work -* retry": "deny",
              "*work -* retry --*": "deny",
              "*sh -*c ?work retry*": "deny",
              "*work *update* --force*": "deny",
              "*work *assign* --force*": "deny"
            }
          }}
        -- ["permission.bash (28 rules)"] []
        "#);
        let bash = merged("{\"permission\": {\"bash\": \"ask\"}}", &[], &[]);
        assert_eq!(parse("", &bash.text).unwrap().to_serde_value().unwrap()["permission"]["bash"]["*"], "ask");
        let inherited = merged("{}", &["{\"permission\": {\"bash\": \"ask\"}}"], &[]);
        assert_eq!(parse("", &inherited.text).unwrap().to_serde_value().unwrap()["permission"]["bash"]["*"], "ask");
    }

    #[test]
    fn what_another_file_has_is_not_added_again() {
        let all = merged("{}", &[], &["me"]);
        let rest = merged("{\"$schema\": \"x\"}", &[&all.text], &["me"]);
        assert_eq!(rest.added, Vec::<String>::new());
    }

    #[test]
    fn rules_that_undo_the_denials_are_reported() {
        let all = merged("{}", &[], &[]).text;
        let opened = all.replacen("\"deny\"", "\"ask\"", 1).replace(
            "\"*work *update* --force*\": \"deny\"",
            "\"*work *update* --force*\": \"deny\", \"work *\": \"allow\", \"git *\": \"allow\"",
        );
        let opened = opened.trim_end().strip_suffix('}').unwrap().to_owned()
            + ", \"agent\": {\"me\": {\"permission\": {\"bash\": \"allow\"}}, \"you\": {\"permission\": {\"edit\": \"deny\"}}}}";
        let behind = "{\"permission\": {\"bash\": {}, \"*\": \"allow\"}}";
        insta::assert_snapshot!([merged(&opened, &[], &[]), merged(behind, &[], &[])].map(|merged| merged.warnings.join("\n")).join("\n--\n"), @r#"
        permission.bash: "work approve*" is "ask", it was left so
        permission.bash: "work *" stands behind the denials and overrides them: move it to the front
        agent.me.permission has rules for the shell, which override those of the project
        --
        permission: "*" stands behind "bash" and overrides it: move it to the front
        "#);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_changed() {
        let refused = |text: &str| merge(&config(text), &[], &["me"]).unwrap_err();
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
        .map(|text| {
            let BadConfig { at, why, .. } = refused(text);
            format!("{text}  {at:?} {why}")
        });
        insta::assert_snapshot!(told.join("\n"), @r#"
        {"a": }  Some((1, 7)) Unexpected close brace
        []  None it is no object
        {"mcp": []}  None mcp is no object
        {"permission": {"bash": 3}}  None permission.bash is neither a word nor an object
        {"permission": []}  None permission is neither a word nor an object
        {"agent": {"me": 1}}  None agent.me is no object
        {'a': 1}  Some((1, 2)) Single-quoted strings are not allowed
        {} x  Some((1, 4)) Text cannot contain more than one JSON value
        "#);
    }

    #[test]
    fn a_file_that_wins_cannot_switch_the_denials_off_unseen() {
        let all = merged("{}", &[], &[]).text;
        for own in ["{\"permission\": \"allow\"}", "{\"permission\": {\"bash\": \"allow\"}}"] {
            let merged = merged(own, &[&all], &[]);
            assert!(merged.added.contains(&"permission.bash (28 rules)".to_owned()), "{own}: {:?}", merged.added);
        }
        // OpenCode keeps the places of the other file, so the rule for `*` comes last and wins.
        let behind = merged("{\"permission\": {\"bash\": {\"*\": \"allow\"}}}", &[&all], &[]);
        assert_eq!(behind.warnings.len(), 1, "{:?}", behind.warnings);
    }

    #[test]
    fn a_rule_for_all_tools_comes_before_those_that_are_there() {
        let text = "{\"agent\": {\"me\": {\"permission\": {\"work_read_thread\": \"allow\"}}}}";
        let value = parse("", &merged(text, &[], &["me"]).text).unwrap().to_serde_value().unwrap();
        let rules: Vec<&String> = value["agent"]["me"]["permission"].as_object().unwrap().keys().collect();
        assert_eq!(rules, ["work_*", "work_read_thread", "work_update_thread"]);
        let left = merged("{\"agent\": {\"me\": {\"permission\": {\"work_*\": \"ask\"}}}}", &[], &["me"]);
        assert!(left.warnings[0].starts_with("agent.me.permission: "), "{:?}", left.warnings);
    }

    /// Returns whether a pattern matches a command as in OpenCode: as a whole, `*` for any text, `?` for one
    /// character. A space and a star at the end may be missing.
    fn matches(pattern: &str, command: &str) -> bool {
        fn all(pattern: &[char], command: &[char]) -> bool {
            match (pattern, command) {
                ([], []) => true,
                (['*', rest @ ..], _) => {
                    all(rest, command) || command.split_first().is_some_and(|(_, command)| all(pattern, command))
                }
                (['?', rest @ ..], [_, command @ ..]) => all(rest, command),
                ([c, rest @ ..], [d, command @ ..]) => c == d && all(rest, command),
                _ => false,
            }
        }
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        all(&chars(pattern), &chars(command))
            || pattern.strip_suffix(" *").is_some_and(|pattern| all(&chars(pattern), &chars(command)))
    }

    #[test]
    fn gates_are_denied_and_work_is_not() {
        let denied = |command: &str| DENIED_COMMANDS.iter().any(|pattern| matches(pattern, command));
        for command in [
            "work approve plan",
            "work approve stage 1 --force",
            "work --json approve plan",
            "work --root . approve stage 2",
            "work approve plan --revoke",
            "./work approve plan",
            "/usr/bin/work approve stage 1",
            "env X=1 work approve plan",
            "WORK_ROOT=. work approve plan",
            "npx work approve plan",
            "sh -c \"work approve plan\"",
            "work complete",
            "work complete --json",
            "work --json complete",
            "work --root . complete --json",
            "./work complete",
            "sudo work complete",
            "CI=1 work complete --json",
            "timeout 60 work complete --json",
            "bash -lc 'work complete'",
            "work release",
            "sudo work release --workstream x",
            "work --workstream x release",
            "sh -c 'work release'",
            "work retry",
            "work retry --thread 1.1.1",
            "sudo work retry",
            "work --workstream x retry --thread 1.1.1",
            "bash -c 'work retry'",
            "work assign --thread 1.1.1 --agent default --force",
            "work update --thread 1.1.1 --status pending --force",
            "/opt/work --json update --force --thread 1.1.1 --status cancelled",
        ] {
            assert!(denied(command), "{command}");
        }
        for command in [
            "work status",
            "work tree",
            "work read 01.01.01",
            "work report --stage 1",
            "work watch --once",
            "work assign --thread 1.1.1 --agent system-engineer-opus",
            "work update --thread 1.1.1 --status in_progress",
            "work update --thread 1.1.1 --status blocked --report \"I did retry\"",
            "work update --thread \"01.01.01\" --status completed --report \"the work is complete and approved\"",
            "work update --thread 1.1.1 --status blocked --report \"needs work on the release\"",
            "git commit -m \"complete the work\"",
            "echo framework approved",
            "cargo build --release",
            "git push --force",
        ] {
            assert!(!denied(command), "{command}");
        }
    }
}
