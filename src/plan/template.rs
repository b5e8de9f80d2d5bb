//! The PLAN.md of a new workstream. It has every part, and an open question in each stage, so that it cannot be
//! approved before somebody has written it.

use std::fmt::Write as _;

/// The placeholder texts of new plans, of this program and of others, in lower case. Somebody has to replace them.
const TEXTS: [&str; 11] = [
    "name of the stage",
    "name of the batch",
    "name of the thread",
    "one sentence: what comes of it",
    "what to do, where, and how to check it",
    "stage name",
    "batch name",
    "thread name",
    "short description of this parallelizable work unit",
    "...",
    "…",
];

/// Returns whether a name or a text is still a placeholder.
pub(super) fn is_of_template(text: &str) -> bool {
    let text = text.trim();
    let bare = text.trim_matches(|c: char| c.is_whitespace() || "-*<>[]{}().:".contains(c)).to_lowercase();
    TEXTS.contains(&text) || TEXTS.contains(&bare.as_str())
}

/// Returns the text of a new plan with stages 1 to `stages`.
pub fn template(name: &str, stages: u16) -> String {
    let mut text = format!(
        "\
# Plan: {name}

## Summary

<!-- What this workstream achieves, in a few sentences. -->

## Conventions

<!-- What holds for every thread; each worker reads it. -->

## References

<!-- Documents and code that matter, one per line. -->

## Stages

<!-- Stages run one after another; a person approves each. Batches run one after another. The threads of
     a batch run in parallel, one worker each, so they must not wait for each other. Who runs a thread is
     named behind its heading: @agent:NAME, a name of work/agents.yaml; without it the agent is `default`. -->
"
    );
    for number in 1..=stages {
        let _ = write!(
            text,
            "
### Stage {number:02}: Name of the stage

#### Stage Definition

<!-- What is true when this stage is done. -->

#### Stage Constitution

<!-- What holds for all its threads: inputs, outputs, rules, how work is checked. -->

#### Stage Questions

- [ ] What must be decided before work begins? (Tick it or delete the line.)

#### Stage Batches

##### Batch 01: Name of the batch

<!-- What the batch is about. -->

###### Thread 01: Name of the thread

**Summary:** One sentence: what comes of it.

**Details:**

- What to do, where, and how to check it.
"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{SoundPlan, parse};
    use crate::roster::Roster;

    #[test]
    fn a_new_plan_has_all_its_parts_and_cannot_be_approved_before_it_is_written() {
        let plan = parse(&template("Search API", 12));
        assert_eq!((plan.name.as_str(), plan.counts().threads), ("Search API", 12));
        assert_eq!(plan.stages[11].number.0, 12);
        let kinds: Vec<String> = plan.problems.iter().map(|problem| problem.kind.to_string()).collect();
        let told = |start: &str| kinds.iter().filter(|kind| kind.starts_with(start)).count();
        // Four placeholders and one question per stage: the names of stage, batch and thread, and the summary or
        // details of the thread.
        assert_eq!((told("the template's text"), told("open question: "), kinds.len()), (48, 12, 60), "{kinds:?}");
        assert!(plan.problems.iter().all(|problem| problem.kind.forbids_approval()));
        assert!(SoundPlan::examine(&plan, &Roster::undeclared([]), false).is_err());
    }
}
