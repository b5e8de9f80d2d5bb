//! `work validate`: all that is wrong with PLAN.md, at once.

use serde::Serialize;

use super::scene::Scene;
use crate::plan::{Counts, check, with_line_feeds};

/// The answer of `work validate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// The workstream.
    pub workstream: String,
    /// How many stages, batches and threads the plan has.
    pub counts: Counts,
    /// The problems, in the order of the file.
    pub problems: Vec<Finding>,
}

/// A problem of PLAN.md and the line it stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it forbids the approval of the plan.
    pub forbids_approval: bool,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line itself, without its end.
    pub source: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// Decides the request.
pub(super) fn decide(scene: &Scene<'_>) -> Validation {
    let text = with_line_feeds(scene.plan_text);
    let lines: Vec<&str> = text.lines().collect();
    let finding = |problem: crate::plan::Problem| Finding {
        forbids_approval: problem.kind.forbids_approval(),
        line: problem.line,
        column: problem.column,
        source: source_of(lines.get(problem.line.saturating_sub(1)).copied().unwrap_or_default(), problem.column),
        message: problem.kind.to_string(),
        help: problem.kind.help(),
    };
    Validation {
        workstream: scene.workstream.to_owned(),
        counts: scene.plan.counts(),
        problems: check(scene.plan, scene.roster).into_iter().map(finding).collect(),
    }
}

/// Returns the line that a problem stands in; of one longer than any screen as much as shows the place.
fn source_of(line: &str, column: usize) -> String {
    const MAX_CHARS: usize = 1_000;
    if column > MAX_CHARS { String::new() } else { line.chars().take(MAX_CHARS).collect() }
}
