//! The table of the agents' figures, the same for every kind of document.

use super::used;
use crate::decide::AgentFigures;
use crate::wording::duration;

/// The columns after the agent.
const COLUMNS: [&str; 9] =
    ["attempts", "completed", "failed", "blocked", "interrupted", "retries", "reassigned to it", "time", "success"];

/// The last column, where it is known of an agent what it used.
const USED: &str = "used";

/// What stands in a cell with nothing in it, so that the others are seen.
const NOTHING: &str = "–";

/// What stands in place of an agent that older software did not record.
pub(super) const UNRECORDED: &str = "not recorded";

/// Returns the columns after the agent.
pub(super) fn columns(agents: &[AgentFigures]) -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().chain(has_usage(agents).then_some(USED))
}

/// Returns the agents, each with its cells after the name.
pub(super) fn rows(agents: &[AgentFigures]) -> impl Iterator<Item = (&AgentFigures, Vec<String>)> {
    let has_usage = has_usage(agents);
    agents.iter().map(move |figures| {
        let usage = has_usage.then(|| figures.usage.map_or_else(|| NOTHING.to_owned(), used));
        (figures, row(figures).into_iter().chain(usage).collect())
    })
}

fn has_usage(agents: &[AgentFigures]) -> bool {
    agents.iter().any(|figures| figures.usage.is_some())
}

fn row(figures: &AgentFigures) -> [String; 9] {
    let number = |number: usize| if number == 0 { NOTHING.to_owned() } else { number.to_string() };
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
