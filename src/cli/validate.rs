//! `work validate [plan] [--fix]`: shows the problems of PLAN.md, and fixes those whose edit is certain.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use super::page::Page;
use super::render::{self, Form};
use super::{Session, exit};
use crate::app::{FixedPlan, fix_plan};
use crate::decide::{Finding, PersonAnswer, PersonRequest};
use crate::plan::Counts;
use crate::store::Store;
use crate::wording::count;

#[derive(Debug, clap::Args)]
#[command(after_help = "Errors forbid the approval of the plan, warnings do not. Exit code 1 with errors.

Examples:
  work validate
  work validate --all             the plans of all workstreams
  work validate --fix             fix what is certain, show the difference and what is left
  work validate --fix --dry-run   show it, and write nothing")]
pub(super) struct Arguments {
    /// What to check
    #[arg(value_name = "plan", value_parser = ["plan"], default_value = "plan", hide_default_value = true)]
    _what: String,
    /// Check the plans of all workstreams that are not archived
    #[arg(long, conflicts_with = "fix")]
    all: bool,
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
        if !self.fix && !self.all {
            return session.carry_out(&PersonRequest::Validate, Form::Plain);
        }
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        if self.all {
            return all(session, store.as_ref());
        }
        let fixed = match fix_plan(store.as_ref(), None, self.dry_run, None) {
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

/// Checks the plans of all workstreams. A plan that cannot be read is told on stderr. Returns the highest exit code.
fn all(session: &Session, store: &dyn Store) -> ExitCode {
    let listed = match store.list() {
        Ok(listed) => listed,
        Err(stopped) => return session.stopped(&stopped),
    };
    let (mut validations, mut code) = (Vec::new(), ExitCode::SUCCESS);
    for id in listed.workstreams.iter().filter(|id| !listed.archived.contains(id)) {
        match session.transact(store, Some(id), &PersonRequest::Validate) {
            Ok(PersonAnswer::Validation(validation)) => validations.push(validation),
            Ok(_) => {}
            Err(stopped) => code = session.stopped(&stopped),
        }
    }
    let printed = if session.output.is_json() {
        session.output.print_json(&validations)
    } else {
        let mut page = session.output.page();
        for validation in &validations {
            render::validation(&mut page, validation, &session.words.flags());
            page.begin_line();
        }
        session.output.print(page)
    };
    let problems = validations.iter().map(exit::validation).find(|code| *code != ExitCode::SUCCESS);
    [Some(printed), Some(code), problems].into_iter().flatten().find(|code| *code != ExitCode::SUCCESS).unwrap_or(code)
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
