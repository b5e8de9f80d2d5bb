//! The agent file of a worker: `.opencode/agent/NAME.md`.

use serde_json::Value;

use super::super::markdown::{about, front_matter, page, quoted};
use super::PREFIX;
use crate::prompts::IMPLEMENT_THREAD;
use crate::roster::Agent;

/// The rules that let a worker see two tools of the server. The last rule that matches counts, so the denial comes
/// first.
pub(super) const WORKER_TOOLS: [(&str, &str); 3] =
    [("work_*", "deny"), ("work_read_thread", "allow"), ("work_update_thread", "allow")];

/// Returns the text of an agent's file in the form of release 1. It must have no rules for the shell: they would come
/// after those of the project, and allow again what the project denies.
pub(super) fn release_one(agent: &Agent) -> String {
    let rules = WORKER_TOOLS.map(|(tool, action)| format!("\n  {}: {action}", quoted(tool)));
    file(agent, ("permission", rules.concat()))
}

/// As [`release_one`], in the form of release 2, which takes a file with any other key for one of release 1.
pub(super) fn release_two(agent: &Agent) -> String {
    let rules = WORKER_TOOLS
        .map(|(tool, effect)| format!("\n  - {{action: {}, resource: \"*\", effect: {effect}}}", quoted(tool)));
    file(agent, ("permissions", rules.concat()))
}

fn file(agent: &Agent, (key, rules): (&str, String)) -> String {
    let mut matter = vec![("description", quoted(&about(agent))), ("mode", "subagent".to_owned())];
    if let Some(model) = agent.models.first() {
        matter.push(("model", quoted(model)));
    }
    matter.push((key, rules));
    page(&matter, &IMPLEMENT_THREAD.text_with_prefix(PREFIX))
}

/// The rules in an agent file. Front matter that cannot be parsed counts as empty, because OpenCode leaves such an
/// agent out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AgentFile {
    permission: Value,
    permissions: Value,
    tools: Value,
}

/// The tools of the server that the rules of an agent let it see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restriction {
    /// Only the tools of a worker.
    Worker,
    /// All of them, because no rule concerns them.
    None,
    /// Another set, which its own rules name.
    Other,
}

impl AgentFile {
    /// Reads the text of an agent file.
    pub(super) fn read(text: &str) -> Self {
        let matter = front_matter(text);
        let of = |key: &str| matter.get(key).cloned().unwrap_or_default();
        Self { permission: of("permission"), permissions: of("permissions"), tools: of("tools") }
    }

    /// Returns the tools of the server that its rules let the agent see.
    pub(super) fn restriction(&self) -> Restriction {
        let is_of_server = |key: &str| key == "*" || key.starts_with("work_");
        let names_them =
            |rules: &Value| rules.as_object().is_some_and(|rules| rules.keys().any(|key| is_of_server(key)));
        let rules = self.permissions.as_array().into_iter().flatten();
        let mut actions = rules.filter_map(|rule| Some((rule.get("action")?.as_str()?, rule.get("effect")?.as_str()?)));
        let is_ours =
            WORKER_TOOLS.iter().all(|(tool, action)| self.permission.get(tool).is_some_and(|known| known == action))
                || actions.clone().filter(|(action, _)| is_of_server(action)).eq(WORKER_TOOLS);
        if is_ours {
            Restriction::Worker
        } else if names_them(&self.permission)
            || names_them(&self.tools)
            || self.permission.is_string()
            || actions.any(|(action, _)| is_of_server(action))
        {
            Restriction::Other
        } else {
            Restriction::None
        }
    }

    /// Returns whether its rules may allow commands in the shell that the project denies: by `permission`, by
    /// `permissions`, or by any entry for the shell under `tools`.
    pub(super) fn opens_the_shell(&self) -> bool {
        let is_on = |key| self.tools.get(key).is_some_and(|word| word.as_bool() != Some(false));
        opens_the_shell(&self.permission) || rules_open_the_shell(&self.permissions) || is_on("bash") || is_on("*")
    }
}

/// Returns whether the rules of an agent allow commands that the rules of the project deny.
pub(super) fn opens_the_shell(permission: &Value) -> bool {
    let opens = |rule: &Value| match rule {
        Value::String(word) => word != "deny",
        Value::Object(rules) => rules.iter().any(|(pattern, word)| is_wide(pattern) && word != "deny"),
        _ => false,
    };
    match permission {
        Value::String(_) => opens(permission),
        _ => ["bash", "*"].into_iter().filter_map(|key| permission.get(key)).any(opens),
    }
}

/// As [`opens_the_shell`], for the rules of release 2.
pub(super) fn rules_open_the_shell(rules: &Value) -> bool {
    rules.as_array().into_iter().flatten().any(|rule| {
        let of = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
        ["shell", "bash", "*"].contains(&of("action")) && is_wide(of("resource")) && of("effect") != "deny"
    })
}

/// Returns whether a pattern for commands may match one of this program.
pub(super) fn is_wide(pattern: &str) -> bool {
    pattern == "*" || pattern.contains("work")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_sees_two_tools() {
        let agent = Agent {
            description: Some("Backend: \"APIs\"".into()),
            best_for: Some("databases".into()),
            models: vec!["openai/gpt-5".into()],
            ..Agent::named("system-engineer-codex")
        };
        let text = release_one(&agent);
        insta::assert_snapshot!(text.split("\n\n").next().unwrap(), @r#"
        ---
        description: "Backend: \"APIs\": databases"
        mode: subagent
        model: "openai/gpt-5"
        permission:
          "work_*": deny
          "work_read_thread": allow
          "work_update_thread": allow
        ---
        "#);
        let file = AgentFile::read(&text);
        assert_eq!((file.restriction(), file.opens_the_shell()), (Restriction::Worker, false));
        assert!(release_one(&Agent::named("x")).contains("\ndescription: \"Runs one thread of a workstream\"\nmode"));
    }

    #[test]
    fn release_two_has_rules_in_a_list() {
        let text = release_two(&Agent::named("default"));
        insta::assert_snapshot!(text.split("\n\n").next().unwrap(), @r#"
        ---
        description: "Runs one thread of a workstream"
        mode: subagent
        permissions:
          - {action: "work_*", resource: "*", effect: deny}
          - {action: "work_read_thread", resource: "*", effect: allow}
          - {action: "work_update_thread", resource: "*", effect: allow}
        ---
        "#);
        assert_eq!(AgentFile::read(&text).restriction(), Restriction::Worker);
    }

    #[test]
    fn an_agents_own_rules_are_recognised() {
        use Restriction::{None, Other, Worker};
        for (matter, restriction, opens) in [
            ("description: about work_* and bash", None, false),
            ("permission: {work_*: deny, work_read_thread: allow, work_update_thread: allow}", Worker, false),
            ("permission: {\"work_*\": allow}", Other, false),
            ("tools: {work_*: false}", Other, false),
            ("permission:\n  bash: allow", None, true),
            ("permission: {bash: {\"git *\": allow}}", None, false),
            ("permission: {bash: {\"*\": allow, \"work approve*\": deny}}", None, true),
            ("permission: {bash: deny}", None, false),
            ("permission: {\"*\": allow}", Other, true),
            ("permission: allow", Other, true),
            ("tools: {bash: true}", None, true),
            ("permission: [", None, false),
            ("permissions: [{action: shell, resource: '*', effect: allow}]", None, true),
            ("permissions: [{action: 'work_*', resource: '*', effect: allow}]", Other, false),
        ] {
            for text in [format!("---\n{matter}\n---\nbash: run it\n"), format!("---\r\n{matter}\r\n---\r\n")] {
                let file = AgentFile::read(&text);
                assert_eq!((file.restriction(), file.opens_the_shell()), (restriction, opens), "{matter}");
            }
        }
        assert_eq!(AgentFile::read("no front matter").restriction(), None);
    }
}
