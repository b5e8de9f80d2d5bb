//! `work validate`: all that is wrong with PLAN.md, at once.

use serde::Serialize;

use super::scene::Scene;
use crate::plan::{Counts, check};

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
    let lines: Vec<&str> = scene.plan_text.lines().collect();
    let finding = |problem: crate::plan::Problem| Finding {
        forbids_approval: problem.kind.forbids_approval(),
        line: problem.line,
        column: problem.column,
        source: lines.get(problem.line.saturating_sub(1)).copied().unwrap_or_default().to_owned(),
        message: problem.kind.to_string(),
        help: problem.kind.help(),
    };
    Validation {
        workstream: scene.workstream.to_owned(),
        counts: scene.plan.counts(),
        problems: check(scene.plan, scene.roster).into_iter().map(finding).collect(),
    }
}
