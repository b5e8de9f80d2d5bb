//! The table of the agents' figures, the same for every kind of document.

use crate::decide::AgentFigures;
use crate::wording::duration;

/// The columns after the agent.
pub(super) const COLUMNS: [&str; 9] =
    ["attempts", "completed", "failed", "blocked", "interrupted", "retries", "reassigned to it", "time", "success"];

/// What stands in place of an agent that older software did not record.
pub(super) const UNRECORDED: &str = "not recorded";

/// Returns the cells of an agent after its name. A number of nothing is a dash, so that the others are seen.
pub(super) fn row(figures: &AgentFigures) -> [String; 9] {
    let number = |number: usize| if number == 0 { "–".to_owned() } else { number.to_string() };
    let attempts = match figures.running {
        0 => number(figures.attempts),
        running => format!("{} ({running} running)", figures.attempts),
    };
    [
        attempts,
        number(figures.completed),
        number(figures.failed),
        number(figures.blocked),
        number(figures.interrupted),
        number(figures.retries),
        number(figures.reassignments),
        duration(figures.time),
        figures.success_percent.map_or_else(|| number(0), |percent| format!("{percent} %")),
    ]
}
