//! The PLAN.md of a new workstream: every part is there, and each stage has an open question, so that
//! nobody approves it before somebody has written it.

use std::fmt::Write as _;

/// Returns the text of a new plan with stages 1 to `stages`.
pub fn template(name: &str, stages: u16) -> String {
    let mut text = format!(
        "\
# Plan: {name}

## Summary

<!-- What this workstream achieves, in a few sentences. -->

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

    #[test]
    fn a_new_plan_has_all_its_parts_and_cannot_be_approved_before_it_is_written() {
        let plan = parse(&template("Search API", 12));
        assert_eq!((plan.name.as_str(), plan.counts().threads), ("Search API", 12));
        assert_eq!(plan.stages[11].number.0, 12);
        let problems: Vec<String> = plan.problems.iter().map(|problem| problem.kind.to_string()).collect();
        assert_eq!(problems.len(), 12);
        assert!(problems.iter().all(|problem| problem.starts_with("open question: ")), "{problems:?}");
        assert!(SoundPlan::examine(&plan, false).is_err());
    }
}
