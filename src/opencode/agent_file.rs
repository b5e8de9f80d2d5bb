//! The agent file of a worker: `.opencode/agent/NAME.md`.

use crate::roster::Agent;

/// What a worker sees of the server's tools; the last rule that matches counts.
pub const WORKER_TOOLS: [(&str, &str); 3] =
    [("work_*", "deny"), ("work_read_thread", "allow"), ("work_update_thread", "allow")];

const BODY: &str = include_str!("worker.md");

/// Returns the text of the agent file. It has no rules for the shell: an agent's own come after the
/// project's and would let everything pass again.
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
    text + "---\n\n" + BODY
}

/// Returns whether an agent file says which of the server's tools its agent sees.
pub fn is_restricted(text: &str) -> bool {
    front_matter(text).contains("work_*")
}

/// Returns whether an agent file has rules for the shell, which come after those of the project.
pub fn has_rules_for_bash(text: &str) -> bool {
    front_matter(text).lines().any(|line| {
        let line = line.trim().replace(['"', '\''], "");
        line.starts_with("bash:") || line.starts_with("*:") || line == "permission: allow"
    })
}

fn front_matter(text: &str) -> &str {
    let Some(rest) = text.trim_start_matches('\u{feff}').strip_prefix("---") else { return "" };
    rest.split_once("\n---").map_or(rest, |(matter, _)| matter)
}

/// A string of JSON is one of YAML.
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
        assert!(is_restricted(&text) && !has_rules_for_bash(&text));
        assert!(agent_file(&Agent::named("x")).contains("\ndescription: \"Runs one thread of a workstream\"\nmode"));
    }

    #[test]
    fn rules_of_an_agents_own_are_seen() {
        assert!(has_rules_for_bash("---\npermission:\n  bash: allow\n---\n"));
        assert!(has_rules_for_bash("---\npermission:\n  \"*\": allow\n---\n"));
        assert!(has_rules_for_bash("---\r\npermission: allow\r\n---\r\n"));
        assert!(!has_rules_for_bash("---\ndescription: x\n---\nbash: run it\n"));
        assert!(!is_restricted("no front matter, work_*"));
    }

    #[test]
    fn the_texts_are_short() {
        for text in [BODY, super::super::EXECUTE_NEXT_BATCH] {
            assert!(text.split_whitespace().count() < 350, "{}", text.split_whitespace().count());
        }
    }
}
