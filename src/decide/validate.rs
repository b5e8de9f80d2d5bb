//! `work validate`: all problems of PLAN.md (DESIGN §3).

use serde::Serialize;

use super::scene::Scene;
use crate::plan::{Counts, Edit, Plan, Problem, check, with_line_feeds};
use crate::roster::Roster;

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

/// A problem of PLAN.md, with the line in which it is.
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
    /// The edit that fixes it, if it is certain. `work validate --fix` applies it.
    pub fix: Option<Fix>,
}

/// An edit in the form that editors use: a range of the text, and the new text for it. The end is exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// The line where it starts, from 1.
    pub line: usize,
    /// The column where it starts, in characters from 1.
    pub column: usize,
    /// The line where it ends, from 1.
    pub end_line: usize,
    /// The column after its last character.
    pub end_column: usize,
    /// The new text.
    pub text: String,
}

/// Decides a `work validate`.
pub(super) fn decide(scene: &Scene<'_>) -> Validation {
    Validation::of(scene.workstream, scene.plan_now, scene.plan_text, scene.roster)
}

impl Validation {
    /// Returns whether a problem forbids the approval of the plan.
    pub fn forbids_approval(&self) -> bool {
        self.problems.iter().any(|problem| problem.forbids_approval)
    }

    /// Returns the problems of `plan`, which must have been parsed from `text`.
    pub fn of(workstream: &str, plan: &Plan, text: &str, roster: &Roster) -> Self {
        let text = with_line_feeds(text);
        let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
        let places = Places::of(&text);
        let finding = |problem: Problem| Finding {
            forbids_approval: problem.kind.forbids_approval(),
            line: problem.line,
            column: problem.column,
            source: source_of(lines.get(problem.line.saturating_sub(1)).copied().unwrap_or_default(), problem.column),
            message: problem.kind.to_string(),
            help: problem.kind.help(),
            fix: problem.edit.map(|edit| places.fix(edit)),
        };
        Self {
            workstream: workstream.to_owned(),
            counts: plan.counts(),
            problems: check(plan, roster).into_iter().map(finding).collect(),
        }
    }
}

/// The places at which the lines of a text start, as byte offsets.
struct Places<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn of(text: &'t str) -> Self {
        // Columns do not count a byte order mark.
        let first = text.len() - text.trim_start_matches('\u{feff}').len();
        Self { text, starts: std::iter::once(first).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect() }
    }

    fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1].min(offset);
        (line, self.text.get(start..offset).unwrap_or_default().chars().count() + 1)
    }

    fn fix(&self, Edit { range, text }: Edit) -> Fix {
        let ((line, column), (end_line, end_column)) = (self.place(range.start), self.place(range.end));
        Fix { line, column, end_line, end_column, text }
    }
}

/// Returns the line of a problem. A very long line is cut around the column.
fn source_of(line: &str, column: usize) -> String {
    const MAX_CHARS: usize = 1_000;
    if column > MAX_CHARS { String::new() } else { line.chars().take(MAX_CHARS).collect() }
}
