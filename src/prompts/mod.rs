//! PURE. The prompts for planners, workers and authors of plans (DESIGN §8). The server offers them, and the files of
//! a host's set-up contain the same texts.
//!
//! They are plain templates. A client may fetch them with placeholders as arguments, which it fills in later
//! (DESIGN §13.7). So no argument is looked up or checked.

/// A prompt that the server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prompt {
    /// Its name. In OpenCode it is the command `/work:NAME`.
    pub name: &'static str,
    /// The name that people see.
    pub title: &'static str,
    /// What it is for, in one line.
    pub description: &'static str,
    /// Its arguments, in the order in which a command line gives them.
    pub arguments: &'static [Argument],
    text: &'static str,
}

/// An argument of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What the argument is, in one line.
    pub description: &'static str,
    /// Whether the prompt needs it.
    pub required: bool,
}

/// The prompt for a planner.
pub const EXECUTE_NEXT_BATCH: Prompt = Prompt {
    name: "execute-next-batch",
    title: "Execute the next batch",
    description: "Execute the next incomplete batch with planner-led subagents",
    arguments: &[],
    text: include_str!("execute-next-batch.md"),
};

/// The prompt for a worker.
pub const IMPLEMENT_THREAD: Prompt = Prompt {
    name: "implement-thread",
    title: "Implement a thread",
    description: "Run one thread of a batch and report on it",
    arguments: &[
        Argument { name: "thread_id", description: "The thread, such as 01.02.03.", required: true },
        Argument { name: "attempt", description: "The number of the attempt.", required: false },
        Argument { name: "workstream", description: "The workstream that it stands in.", required: false },
    ],
    text: include_str!("implement-thread.md"),
};

/// The prompt for the author of a plan.
pub const WRITE_PLAN: Prompt = Prompt {
    name: "write-plan",
    title: "Write a plan",
    description: "Write the PLAN.md of a workstream so that it validates at once",
    arguments: &[Argument { name: "topic", description: "What to plan.", required: false }],
    text: include_str!("write-plan.md"),
};

/// All prompts, by name.
pub const PROMPTS: [Prompt; 3] = [EXECUTE_NEXT_BATCH, IMPLEMENT_THREAD, WRITE_PLAN];

/// The names of tools that occur in the texts.
const TOOLS: [&str; 5] = ["next_batch", "read_thread", "assign_thread", "update_thread", "batch_outcome"];

impl Prompt {
    /// Returns the text, and below it the arguments for which `given` returns a value, unchanged.
    pub fn text<'a>(&self, given: impl Fn(&str) -> Option<&'a str>) -> String {
        let mut text = self.text.trim_end().to_owned();
        let mut between = "\n\n";
        for argument in self.arguments {
            if let Some(value) = given(argument.name) {
                text += &format!("{between}{}: {value}", argument.name);
                between = "\n";
            }
        }
        text + "\n"
    }

    /// Returns the text with `prefix` before each name of a tool, as some clients call the tools.
    pub fn text_with_prefix(&self, prefix: &str) -> String {
        TOOLS.iter().fold(self.text.to_owned(), |text, tool| text.replace(tool, &format!("{prefix}{tool}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{check, parse};
    use crate::roster::Roster;

    #[test]
    fn a_text_is_short_and_says_what_the_users_contract_says() {
        for prompt in PROMPTS {
            let words = prompt.text.split_whitespace().count();
            assert!(words < 400, "{}: {words} words", prompt.name);
        }
        for must in [
            "all in one answer",
            "`default`",
            "exactly as it was returned",
            "blocked threads",
            "gate_command",
            "Never answer with nothing",
            "its only one",
            "then stop",
        ] {
            assert!(EXECUTE_NEXT_BATCH.text.contains(must), "{must}");
        }
        assert!(IMPLEMENT_THREAD.text.contains("@agent/skills/implementing-workstreams/SKILL.md"));
    }

    #[test]
    fn the_example_of_a_plan_has_no_problems_and_is_short() {
        // At most 400 tokens, at four characters per token.
        assert!(WRITE_PLAN.text.len() < 1_600, "{}", WRITE_PLAN.text.len());
        let example = WRITE_PLAN.text.split("````").nth(1).and_then(|text| text.strip_prefix("markdown\n")).unwrap();
        let roster = Roster { declared: true, ..Roster::undeclared([]) };
        let plan = parse(example);
        assert_eq!(check(&plan, &roster), []);
        assert_eq!(
            (plan.counts().threads, plan.agents(), plan.conventions.is_empty()),
            (1, vec!["default".to_owned()], false)
        );
    }

    #[test]
    fn arguments_stand_as_they_came() {
        let given = [("thread_id", "$1"), ("attempt", "$2")];
        let text =
            IMPLEMENT_THREAD.text(|name| given.iter().find(|(known, _)| *known == name).map(|(_, value)| *value));
        assert!(text.ends_with("sees.\n\nthread_id: $1\nattempt: $2\n"), "{text}");
        assert!(IMPLEMENT_THREAD.text(|_| None).ends_with("sees.\n"));
        assert!(!EXECUTE_NEXT_BATCH.text(|_| Some("x")).contains(": x\n"));
    }

    #[test]
    fn tools_are_named_as_a_client_names_them() {
        let text = IMPLEMENT_THREAD.text_with_prefix("work_");
        assert!(text.contains("`work_read_thread`") && text.contains("`work_update_thread`"), "{text}");
        let text = EXECUTE_NEXT_BATCH.text_with_prefix("work_");
        assert!(text.contains("Call work_read_thread, do what it says") && !text.contains("work_work_"), "{text}");
    }
}
