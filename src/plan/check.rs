//! What can only be checked against the roster.

use super::{Plan, Problem, ProblemKind};
use crate::roster::Roster;

/// How many problems are told one by one: nobody mends more before looking again, and models pay for each.
pub const MAX_PROBLEMS: usize = 100;

/// Returns the problems of a plan: those of its text and the agents that the roster does not have,
/// in the order of the file. Behind [`MAX_PROBLEMS`] one says how many more there are.
pub fn check(plan: &Plan, roster: &Roster) -> Vec<Problem> {
    let mut problems = plan.problems.clone();
    for agent in plan.threads().filter_map(|thread| thread.agent.as_ref()) {
        if !roster.accepts(&agent.name) {
            problems.push(Problem {
                line: agent.line,
                column: agent.column,
                kind: ProblemKind::UnknownAgent(agent.name.clone(), roster.closest(&agent.name)),
            });
        }
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    if problems.len() > MAX_PROBLEMS {
        let rest = problems.split_off(MAX_PROBLEMS);
        let kind =
            ProblemKind::More { number: rest.len(), forbid: rest.iter().any(|more| more.kind.forbids_approval()) };
        problems.extend(rest.first().map(|first| Problem { line: first.line, column: first.column, kind }));
    }
    problems
}
