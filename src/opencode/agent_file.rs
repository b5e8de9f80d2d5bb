//! The agent file of a worker: `.opencode/agent/NAME.md`.

use serde_json::Value;

use super::PREFIX;
use crate::prompts::IMPLEMENT_THREAD;
use crate::roster::Agent;

/// The rules that let a worker see two tools of the server. The last rule that matches counts, so the denial comes
/// first.
pub const WORKER_TOOLS: [(&str, &str); 3] =
    [("work_*", "deny"), ("work_read_thread", "allow"), ("work_update_thread", "allow")];

/// Returns the text of an agent's file. It must have no rules for the shell: they would come after those of the
/// project, and allow again what the project denies.
pub fn agent_file(agent: &Agent) -> String {
    let about: Vec<&str> = [agent.description.as_deref(), agent.best_for.as_deref()]
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .collect();
    let about = if about.is_empty() { "Runs one thread of a workstream".to_owned() } else { about.join(": ") };
    let mut text = format!("---\ndescription: {}\nmode: subagent\n", quoted(&about));
    if let Some(model) = &agent.model {
        text += &format!("model: {}\n", quoted(model));
    }
    text += "permission:\n";
    for (tool, action) in WORKER_TOOLS {
        text += &format!("  {}: {action}\n", quoted(tool));
    }
    text + "---\n\n" + &IMPLEMENT_THREAD.text_with_prefix(PREFIX)
}

/// The rules in an agent file. Front matter that cannot be parsed counts as empty, because OpenCode leaves such an
/// agent out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentFile {
    permission: Value,
    tools: Value,
}

/// The tools of the server that the rules of an agent let it see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restriction {
    /// Only the tools of a worker.
    Worker,
    /// All of them, because no rule concerns them.
    None,
    /// Another set, which its own rules name.
    Other,
}

impl AgentFile {
    /// Reads the text of an agent file.
    pub fn read(text: &str) -> Self {
        let matter: Option<Value> = serde_saphyr::from_str(front_matter(text)).ok();
        let of = |key: &str| matter.as_ref().and_then(|matter| matter.get(key)).cloned().unwrap_or_default();
        Self { permission: of("permission"), tools: of("tools") }
    }

    /// Returns the tools of the server that its rules let the agent see.
    pub fn restriction(&self) -> Restriction {
        let names_them = |rules: &Value| {
            rules.as_object().is_some_and(|rules| rules.keys().any(|key| key == "*" || key.starts_with("work_")))
        };
        if WORKER_TOOLS.iter().all(|(tool, action)| self.permission.get(tool).is_some_and(|known| known == action)) {
            Restriction::Worker
        } else if names_them(&self.permission) || names_them(&self.tools) || self.permission.is_string() {
            Restriction::Other
        } else {
            Restriction::None
        }
    }

    /// Returns whether its rules may allow commands in the shell that the project denies: by `permission`, or by any
    /// entry for the shell under `tools`.
    pub fn opens_the_shell(&self) -> bool {
        let is_on = |key| self.tools.get(key).is_some_and(|word| word.as_bool() != Some(false));
        opens_the_shell(&self.permission) || is_on("bash") || is_on("*")
    }
}

/// Returns whether the rules of an agent allow commands that the rules of the project deny.
pub(super) fn opens_the_shell(permission: &Value) -> bool {
    let opens = |rule: &Value| match rule {
        Value::String(word) => word != "deny",
        Value::Object(rules) => {
            rules.iter().any(|(pattern, word)| (pattern == "*" || pattern.contains("work")) && word != "deny")
        }
        _ => false,
    };
    match permission {
        Value::String(_) => opens(permission),
        _ => ["bash", "*"].into_iter().filter_map(|key| permission.get(key)).any(opens),
    }
}

/// Returns the YAML between the lines `---` at the start of a text; empty if there is none.
fn front_matter(text: &str) -> &str {
    let Some(rest) = text.trim_start_matches('\u{feff}').strip_prefix("---") else { return "" };
    rest.split_once("\n---").map_or(rest, |(matter, _)| matter)
}

/// Returns a text as a string of YAML. Every JSON string is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_sees_two_tools() {
        let agent = Agent {
            description: Some("Backend: \"APIs\"".into()),
            best_for: Some("databases".into()),
            model: Some("openai/gpt-5".into()),
            ..Agent::named("system-engineer-codex")
        };
        let text = agent_file(&agent);
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
        assert!(agent_file(&Agent::named("x")).contains("\ndescription: \"Runs one thread of a workstream\"\nmode"));
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
        ] {
            for text in [format!("---\n{matter}\n---\nbash: run it\n"), format!("---\r\n{matter}\r\n---\r\n")] {
                let file = AgentFile::read(&text);
                assert_eq!((file.restriction(), file.opens_the_shell()), (restriction, opens), "{matter}");
            }
        }
        assert_eq!(AgentFile::read("no front matter").restriction(), None);
    }
}
