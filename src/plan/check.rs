//! Checks a plan against the roster, and limits how many problems are listed.

use super::{Plan, Problem, ProblemKind};
use crate::roster::{DEFAULT_AGENT, Roster};

/// The maximum number of problems in a list. Nobody fixes more before checking again, and a model pays for each in
/// tokens.
pub const MAX_PROBLEMS: usize = 100;

/// Returns the problems of a plan in the order of the file: those that the text alone shows, and those of agents, for
/// which the roster is needed.
///
/// The list has at most [`MAX_PROBLEMS`], and warnings are left out before errors are. If any are left out,
/// [`ProblemKind::More`] follows at the end and counts them.
pub fn check(plan: &Plan, roster: &Roster) -> Vec<Problem> {
    let mut problems = all_problems(plan, roster);
    if problems.len() > MAX_PROBLEMS {
        problems.sort_by_key(|problem| !problem.kind.forbids_approval());
        let rest = problems.split_off(MAX_PROBLEMS);
        problems.sort_by_key(|problem| (problem.line, problem.column));
        let forbid = rest.iter().any(|more| more.kind.forbids_approval());
        let first = rest.iter().min_by_key(|problem| (problem.line, problem.column));
        let kind = ProblemKind::More { number: rest.len(), forbid };
        problems.extend(first.map(|first| Problem { line: first.line, column: first.column, kind, edit: None }));
    }
    problems
}

/// Returns all problems of a plan, without a limit on their number.
pub(super) fn all_problems(plan: &Plan, roster: &Roster) -> Vec<Problem> {
    let mut problems = plan.problems.clone();
    for agent in plan.threads().filter_map(|thread| thread.agent.as_ref()) {
        if !roster.accepts(&agent.name) {
            let kind = ProblemKind::UnknownAgent(agent.name.clone(), roster.closest(&agent.name));
            problems.push(Problem { line: agent.line, column: agent.column, kind, edit: None });
        }
    }
    for mention in &plan.mentions {
        // Outside a thread, or without the `@`, only a name in the roster is an agent. Any other name is prose.
        let is_known = roster.agents.iter().any(|agent| agent.name == mention.name);
        if !(is_known || mention.has_sign && mention.of_thread) {
            continue;
        }
        let is_agent = is_known || mention.name.starts_with(DEFAULT_AGENT) || roster.family(&mention.name).is_some();
        let (kind, edit) = if !mention.of_thread {
            (ProblemKind::AgentOfNobody(mention.name.clone()), None)
        } else if is_agent && !mention.has_sign {
            (ProblemKind::AgentByName(mention.name.clone()), mention.edit.clone())
        } else if is_agent {
            (ProblemKind::BareAgent(mention.name.clone()), mention.edit.clone())
        } else {
            (ProblemKind::UnknownMention(mention.name.clone(), roster.closest(&mention.name)), None)
        };
        problems.push(Problem { line: mention.line, column: mention.column, kind, edit });
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::{SoundPlan, parse};
    use super::*;

    const START: &str = "# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n";

    #[test]
    fn an_agent_of_a_stage_or_a_batch_has_no_fix() {
        let roster = Roster { declared: true, ..Roster::undeclared(["reviewer"]) };
        let thread = "###### Thread 1: T\n**Summary:** s\n\n**Details:** d\n";
        for start in [START.replace("Stage 1: S", "Stage 1: S @reviewer"), START.replace("1: B", "1: B @reviewer")] {
            let [problem] = &check(&parse(&(start.clone() + thread)), &roster)[..] else { panic!("{start}") };
            assert!(matches!(&problem.kind, ProblemKind::AgentOfNobody(name) if name == "reviewer"), "{problem:?}");
            assert!(problem.edit.is_none(), "{problem:?}");
        }
    }

    #[test]
    fn an_agent_without_its_word_forbids_the_approval() {
        let roster = Roster { declared: true, ..Roster::undeclared(["reviewer"]) };
        for (name, is_agent) in [("reviewer", true), ("default-x", true), ("system-engineer-x", true), ("ann", false)] {
            let text = format!("{START}###### Thread 1: T @{name}\n**Summary:** s\n\n**Details:** d\n");
            let plan = parse(&text);
            let [problem] = &check(&plan, &roster)[..] else { panic!("{name}") };
            assert_eq!((problem.line, problem.column, problem.edit.is_some()), (5, 20, is_agent), "{name}");
            assert_eq!(SoundPlan::examine(&plan, &roster, false).is_err(), is_agent, "{name}");
            assert!(problem.kind.concerns_planner() && SoundPlan::examine(&plan, &roster, true).is_ok());
        }
    }

    #[test]
    fn warnings_take_no_place_from_errors() {
        let mut text = START.to_owned();
        for number in 1..=150 {
            let _ = writeln!(text, "###### Thread {number}: T");
        }
        text += "###### Thread 150: again\n";
        let problems = check(&parse(&text), &Roster::undeclared([]));
        assert_eq!(problems.len(), MAX_PROBLEMS + 1);
        assert!(problems.iter().any(|problem| matches!(problem.kind, ProblemKind::DuplicateThread(_))));
        assert!(matches!(problems[MAX_PROBLEMS].kind, ProblemKind::More { number: 51, forbid: false }));
    }
}
