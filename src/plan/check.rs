//! What can only be checked against the roster.

use super::{Plan, Problem, ProblemKind};
use crate::roster::Roster;

/// Returns all problems of a plan: those of its text and the agents that the roster does not have,
/// in the order of the file.
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
    problems
}
