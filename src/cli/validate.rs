//! `work validate [plan] [--fix]`: shows the problems of PLAN.md, and fixes those whose edit is certain.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use super::page::Page;
use super::render::{self, Form};
use super::{Session, exit};
use crate::app::{FixedPlan, fix_plan};
use crate::decide::{Finding, PersonRequest};
use crate::plan::Counts;
use crate::wording::count;

#[derive(Debug, clap::Args)]
#[command(after_help = "Errors forbid the approval of the plan, warnings do not. Exit code 1 with errors.

Examples:
  work validate
  work validate --fix             fix what is certain, show the difference and what is left
  work validate --fix --dry-run   show it, and write nothing")]
pub(super) struct Arguments {
    /// What to check
    #[arg(value_name = "plan", value_parser = ["plan"], default_value = "plan", hide_default_value = true)]
    _what: String,
    /// Fix PLAN.md where it is certain what was meant
    #[arg(long)]
    fix: bool,
    /// Show what --fix would do, and write nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
}

/// The answer of `--fix` as JSON. The difference is in the unified format.
#[derive(Serialize)]
struct Answer<'a> {
    workstream: &'a str,
    fixed: usize,
    diff: &'a str,
    counts: Counts,
    problems: &'a [Finding],
}

impl Arguments {
    /// Carries the command out. Returns exit code 1 if problems are left that forbid the approval.
    pub(super) fn run(self, session: &Session) -> ExitCode {
        if !self.fix {
            return session.carry_out(&PersonRequest::Validate, Form::Plain);
        }
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        let fixed = match fix_plan(store.as_ref(), None, self.dry_run) {
            Ok(fixed) => fixed,
            Err(stopped) => return session.stopped(&stopped),
        };
        let printed = if session.output.is_json() {
            let FixedPlan { fixed, diff, validation } = &fixed;
            session.output.print_json(&Answer {
                workstream: &validation.workstream,
                fixed: *fixed,
                diff,
                counts: validation.counts,
                problems: &validation.problems,
            })
        } else {
            session.output.print(page(&fixed, self.dry_run, &session.words.flags()))
        };
        if printed == ExitCode::SUCCESS { exit::validation(&fixed.validation) } else { printed }
    }
}

/// Returns the page of `--fix`: the difference, how many places it fixed, and the problems that are left.
fn page(fixed: &FixedPlan, dry_run: bool, flags: &str) -> Page {
    let mut page = Page::default();
    render::diff(&mut page, &fixed.diff);
    let _ = match (fixed.fixed, dry_run) {
        (0, _) => writeln!(page, "nothing that is certain is to be fixed"),
        (edits, true) => writeln!(page, "would fix {}; nothing is written", count(edits, "place", "places")),
        (edits, false) => writeln!(page, "fixed {}", count(edits, "place", "places")),
    };
    let _ = writeln!(page);
    render::validation(&mut page, &fixed.validation, flags);
    page
}
