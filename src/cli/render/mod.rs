//! The pages of answers: plain text that fits 80 columns and can be read without colours.

mod brief;
mod csv;
mod list;
mod plan_diff;
mod status;
mod tree;
mod validation;

use std::fmt::Write as _;
use std::time::Duration;

pub(super) use list::{Row, first_step, list};
#[cfg(feature = "watch")]
pub(super) use status::next_try;
pub(super) use validation::{problem, write as validation};

use super::page::{Page, Tone, one_line};
use crate::board::Status;
use crate::decide::{
    Archived, Assignment, Decision, DecisionAction, PersonAnswer, PlanApproved, PlannedCheck, ProofState, Released,
    Retried, Revoked, StageApproved, ThreadReport, Updated, Words as _,
};
use crate::document::{write_document, write_page, write_summary};
use crate::moment::Moment;
use crate::plan::Counts;
use crate::roster::ChecksBy;
use crate::wording::{count, duration, quoted};
use crate::words::{PersonWords, next_step, not_there};

/// The form in which a report is shown. Other answers have one form only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Form {
    /// A tree; of other answers their only form.
    #[default]
    Plain,
    /// What runs, what is blocked and what failed, and what comes next.
    Status,
    /// The same, for a choice of threads: each with its status, and no counts.
    Threads,
    /// What comes next, in one line.
    Next,
    /// Each thread with its agent, and who named that agent.
    Assignments,
    /// Markdown for a pull request, with the outcome of each thread.
    Summary,
    /// Markdown with everything, the texts of the plan too.
    Document,
    /// A page of HTML with everything.
    Html,
    /// One row per thread.
    Csv,
}

/// Writes a difference in the unified format, in the usual colours.
pub(super) fn diff(page: &mut Page, diff: &str) {
    for line in diff.lines() {
        let tone = match line.as_bytes() {
            [b'+', b'+', ..] | [b'-', b'-', ..] | [b'@', ..] => Some(Tone::Faint),
            [b'+', ..] => Some(Tone::Good),
            [b'-', ..] => Some(Tone::Bad),
            _ => None,
        };
        page.paint_if(tone, line);
        let _ = writeln!(page);
    }
}

/// Returns `page` with an answer. An attempt that still runs is counted up to `now`.
pub(super) fn answer(mut page: Page, answer: &PersonAnswer, form: Form, now: Moment, words: &PersonWords) -> Page {
    match answer {
        PersonAnswer::Brief(brief) => brief::write(&mut page, brief),
        PersonAnswer::Report(report) => match form {
            Form::Plain => tree::write(&mut page, report),
            Form::Status => status::write(&mut page, report, now, words),
            Form::Threads => status::write_threads(&mut page, report, now),
            Form::Next => {
                let _ = page.write_str(&next_step(&report.status, words));
            }
            Form::Assignments => tree::write_assignments(&mut page, report),
            Form::Summary => write_summary(&mut page, report, Some(now), words),
            Form::Document => write_document(&mut page, report, Some(now)),
            Form::Html => write_page(&mut page, report, now, words),
            Form::Csv => csv::write(&mut page, report, now),
        },
        PersonAnswer::Validation(validation) => validation::write(&mut page, validation, &words.flags()),
        PersonAnswer::PlanDiff(diff) => plan_diff::write(&mut page, diff),
        PersonAnswer::PlanApproved(approved) => plan_approved(&mut page, approved),
        short => {
            let _ = page.write_str(&sentence(short, words));
        }
    }
    page
}

/// Returns the sentence of an answer that needs no more than that. The answers with a page of their own have none.
fn sentence(answer: &PersonAnswer, words: &PersonWords) -> String {
    match answer {
        PersonAnswer::Current(current) => current.workstream.clone(),
        PersonAnswer::StageApproved(approved) => stage_approved(approved),
        PersonAnswer::Revoked(revoked) => self::revoked(revoked),
        PersonAnswer::Completed(completed) if completed.unchanged => {
            format!("{} was completed already", completed.workstream)
        }
        PersonAnswer::Completed(completed) => format!("{} is completed", completed.workstream),
        PersonAnswer::Reopened(reopened) if reopened.unchanged => {
            format!("{} is not completed: nothing to revoke", reopened.workstream)
        }
        PersonAnswer::Reopened(reopened) => format!("{} is open again", reopened.workstream),
        PersonAnswer::Archived(archived) => self::archived(archived),
        PersonAnswer::Released(released) => self::released(released),
        PersonAnswer::Retried(retried) => self::retried(retried, words),
        PersonAnswer::Assignment(assignment) => self::assignment(assignment),
        PersonAnswer::Updated(updated) => self::updated(updated, &words.flags()),
        PersonAnswer::Checked(checked) => {
            let number = count(checked.checks.len(), "check", "checks");
            let kept = if checked.recorded {
                ", and its attempt keeps the result"
            } else {
                "; nothing was recorded, because the thread is not in progress"
            };
            format!("{} passed {number}{kept}", checked.thread_id)
        }
        PersonAnswer::Status(_)
        | PersonAnswer::Brief(_)
        | PersonAnswer::Report(_)
        | PersonAnswer::Validation(_)
        | PersonAnswer::PlanDiff(_)
        | PersonAnswer::CheckFailed(_)
        | PersonAnswer::PlanApproved(_) => String::new(),
    }
}

/// Returns the tone in which the proof of a thread is shown.
pub(super) fn proof_tone(state: ProofState) -> Tone {
    match state {
        ProofState::Unproven | ProofState::Failed(_) => Tone::Bad,
        ProofState::Passed => Tone::Good,
        ProofState::NotChecked | ProofState::Planned(_) => Tone::Faint,
    }
}

/// Returns the mark of a status. The other programs of this family use the same marks.
pub(super) fn mark(status: Status) -> &'static str {
    match status {
        Status::Pending => "[ ]",
        Status::InProgress => "[~]",
        Status::Completed => "[x]",
        Status::Blocked => "[!]",
        Status::Cancelled => "[-]",
    }
}

/// Returns the colour of a status, if it has one.
pub(super) fn tone(status: Status) -> Option<Tone> {
    match status {
        Status::Pending => None,
        Status::InProgress => Some(Tone::Busy),
        Status::Completed => Some(Tone::Good),
        Status::Blocked => Some(Tone::Bad),
        Status::Cancelled => Some(Tone::Faint),
    }
}

/// Returns how many of the threads are done (completed or cancelled), and how many there are.
pub(super) fn progress<'t>(threads: impl Iterator<Item = &'t ThreadReport>) -> (usize, usize) {
    threads.fold((0, 0), |(done, all), thread| (done + usize::from(thread.status.is_done()), all + 1))
}

/// Writes the answer of `work approve plan`: what changed since the previous approval, if there was one, which threads
/// were interrupted, and what the plan has.
fn plan_approved(page: &mut Page, approved: &PlanApproved) {
    if approved.unchanged {
        let _ = write!(page, "the plan of {} was approved already, as it is now", approved.workstream);
        checks(page, approved);
        workers(page, approved);
        return;
    }
    let changes = &approved.changes;
    if changes.stages.is_empty() && changes.threads.is_empty() && changes.text.is_empty() {
        plan_diff::write_basis(page, changes);
    } else {
        plan_diff::write(page, changes);
        let _ = writeln!(page);
    }
    for id in &approved.interrupted {
        let _ = writeln!(page, "interrupted: {id}");
    }
    for one in &approved.overlaps {
        let _ = writeln!(page, "{}", problem(&approved.workstream, one.line, one.column, &one.message, &one.help));
    }
    let _ = write!(page, "the plan of {} is approved: {}", approved.workstream, counts(approved.counts));
    checks(page, approved);
    workers(page, approved);
}

/// Writes what starts the workers of `work run`, if agents.yaml says it, with their models and their time.
fn workers(page: &mut Page, approved: &PlanApproved) {
    // Models alone are for the set-up of hosts, too, and most rosters have some.
    if approved.workers.iter().all(|workers| workers.words.is_empty()) {
        return;
    }
    let _ = write!(page, "\nWorkers of work run are started by (work/agents.yaml):");
    let all = if approved.workers.len() == 1 { "all agents" } else { "all other agents" };
    for workers in &approved.workers {
        // A line end in a word must not look like a blank.
        let shown = |word: &String| if word.contains(char::is_control) { format!("{word:?}") } else { quoted(word) };
        let command = workers.words.iter().map(shown).collect::<Vec<_>>().join(" ");
        let command = if command.is_empty() { "the same".to_owned() } else { command };
        let models = workers.models.iter().map(|model| format!(", {model}"));
        let time = workers.timeout.map(|seconds| format!(", {}", duration(Duration::from_secs(seconds))));
        let _ = write!(page, "\n  {}\n      of ", one_line(&command));
        page.paint(Tone::Faint, one_line(workers.agent.as_deref().unwrap_or(all)));
        page.paint(Tone::Faint, one_line(&models.chain(time).collect::<String>()));
    }
}

/// Writes each command that will run, where it is a check, and who runs it.
fn checks(page: &mut Page, approved: &PlanApproved) {
    /// The most threads that are named for a command.
    const NAMED: usize = 6;
    let Some(by) = approved.checks_by else { return };
    let by = match by {
        ChecksBy::Server => {
            "run when a worker reports completed, outside of your agents' sandboxes, in the worker's worktree or in the root"
        }
        ChecksBy::Worker => "run by each worker, with work check in its own shell, before it reports completed",
        ChecksBy::Off => "not run (execution.checks is off): only you can complete these threads",
    };
    let threads = |check: &PlannedCheck| {
        let mut ids: Vec<String> = check.threads.iter().take(NAMED).cloned().collect();
        if check.threads.len() > NAMED {
            ids.push(count(check.threads.len() - NAMED, "more thread", "more threads"));
        }
        ids.join(", ")
    };
    let stages =
        |check: &PlannedCheck| check.stages.iter().map(|stage| format!("stage {stage}")).collect::<Vec<_>>().join(", ");
    let of_threads = approved.checks.iter().map(|check| (&check.command, threads(check)));
    let of_stages = approved.checks.iter().map(|check| (&check.command, stages(check)));
    list_checks(page, &format!("Checks of threads, {by}:"), of_threads);
    list_checks(page, "Checks of stages, run by work approve stage in the root:", of_stages);
}

/// Writes commands with the places that they check; nothing if there are none.
fn list_checks<'c>(page: &mut Page, title: &str, checks: impl Iterator<Item = (&'c String, String)>) {
    let mut checks = checks.filter(|(_, places)| !places.is_empty()).peekable();
    if checks.peek().is_some() {
        let _ = write!(page, "\n{title}");
    }
    for (command, places) in checks {
        let _ = write!(page, "\n  {}\n      of ", one_line(command));
        page.paint(Tone::Faint, places);
    }
}

/// Returns the counts of a plan, as `2 stages, 3 batches, 4 threads`.
fn counts(Counts { stages, batches, threads }: Counts) -> String {
    format!(
        "{}, {}, {}",
        count(stages, "stage", "stages"),
        count(batches, "batch", "batches"),
        count(threads, "thread", "threads")
    )
}

fn stage_approved(approved: &StageApproved) -> String {
    let mut text = if approved.unchanged {
        format!("stage {} of {} was approved already\n", approved.stage, approved.workstream)
    } else {
        format!("stage {} of {} is approved\n", approved.stage, approved.workstream)
    };
    if !approved.cancelled.is_empty() {
        let _ = writeln!(text, "  cancelled: {}", approved.cancelled.join(", "));
    }
    for thread in &approved.unproven {
        let _ = writeln!(text, "  not proven: {}: {}", thread.thread_id, not_there(&thread.claims));
    }
    text
}

fn revoked(revoked: &Revoked) -> String {
    let what = revoked.stage.map_or_else(|| "the plan".to_owned(), |stage| format!("stage {stage}"));
    if revoked.unchanged {
        format!("{what} of {} is not approved: nothing to revoke", revoked.workstream)
    } else {
        format!(
            "the approval of {what} of {} is revoked\nWhat already runs may still report; nothing new is handed out behind this gate",
            revoked.workstream
        )
    }
}

fn archived(archived: &Archived) -> String {
    let Archived { workstream, archived, unchanged } = archived;
    match (archived, unchanged) {
        (true, false) => format!("{workstream} is archived"),
        (true, true) => format!("{workstream} was archived already"),
        (false, false) => format!("{workstream} is out of the archive"),
        (false, true) => format!("{workstream} is not archived: nothing to revoke"),
    }
}

fn released(released: &Released) -> String {
    match (&released.batch, &released.held_by) {
        (Some(batch), Some(holder)) => format!("batch {batch} is no longer held by server {holder}"),
        _ => "no planner holds a batch".to_owned(),
    }
}

fn retried(retried: &Retried, words: &PersonWords) -> String {
    let again = if retried.unchanged { "is executed again already" } else { "is executed again" };
    let first = retried.next_user_command.as_ref().map(|command| format!("{}, then ", words.command(command)));
    format!(
        "batch {} of {} {again}, with fresh budgets: {}\nNext: {}let a planner execute it: /execute-next-batch",
        retried.batch,
        retried.workstream,
        retried.threads.join(", "),
        first.unwrap_or_default()
    )
}

fn assignment(assignment: &Assignment) -> String {
    let (id, agent, status) = (&assignment.thread_id, one_line(&assignment.agent), assignment.status);
    format!("{id} of {} is assigned to {agent} ({status}, attempt {})", assignment.workstream, assignment.attempt)
}

fn updated(updated: &Updated, flags: &str) -> String {
    let Updated { thread_id, workstream, status, attempt, decision } = updated;
    let mut text = format!("{thread_id} of {workstream} is {status}, attempt {attempt}");
    if let Some(Decision { action, agent, attempt }) = decision {
        let _ = match action {
            DecisionAction::Retry => write!(text, "\nNext: retry with {agent}, attempt {attempt}"),
            DecisionAction::Reassign => {
                write!(text, "\nNext: work assign --thread {thread_id} --agent {agent}{flags}")
            }
            DecisionAction::Block => write!(text, "\nNo attempt is left in this cycle"),
        };
    }
    text
}
