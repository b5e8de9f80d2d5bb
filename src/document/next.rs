//! What is next in a workstream, for a person.

use crate::decide::WorkstreamStatus;

/// Returns what is next, in the words of a terminal.
pub(crate) fn next(status: &WorkstreamStatus) -> String {
    match (&status.gate_command, &status.next_batch, &status.next_user_command) {
        (Some(gate), ..) if gate.contains("approve plan") && !status.problems.is_empty() => {
            format!("settle the problems of PLAN.md (work validate), then {}", command(gate))
        }
        (Some(gate), ..) => command(gate).to_owned(),
        (None, Some(batch), Some(next)) => {
            format!("look at the blocked threads of batch {}, then {}", batch.id, command(next))
        }
        (None, Some(batch), None) if status.held_by.is_some() => format!("a planner executes batch {}", batch.id),
        (None, Some(batch), None) => format!("let a planner execute batch {} (tool next_batch)", batch.id),
        (None, None, _) => "nothing".to_owned(),
    }
}

/// Returns a command in the words of a terminal: the `!` of the answers is for OpenCode's chat.
pub(crate) fn command(command: &str) -> &str {
    command.trim_start_matches('!')
}
