//! Answers as a person reads them: plain text that fits 80 columns and needs no colour.

use std::fmt::Write as _;

use crate::decide::{
    Assignment, BatchCounts, Decision, DecisionAction, PersonAnswer, PlanApproved, Released, StageApproved, Updated,
    WorkstreamStatus,
};
use crate::wording::count;

/// Returns the text of an answer, with a line end.
pub(super) fn answer(answer: &PersonAnswer) -> String {
    let text = match answer {
        PersonAnswer::Status(status) => self::status(status),
        PersonAnswer::Current(current) => current.workstream.clone(),
        PersonAnswer::PlanApproved(approved) => plan_approved(approved),
        PersonAnswer::StageApproved(approved) => stage_approved(approved),
        PersonAnswer::Completed(completed) if completed.unchanged => {
            format!("{} was completed already", completed.workstream)
        }
        PersonAnswer::Completed(completed) => format!("{} is completed", completed.workstream),
        PersonAnswer::Released(released) => self::released(released),
        PersonAnswer::Assignment(assignment) => self::assignment(assignment),
        PersonAnswer::Updated(updated) => self::updated(updated),
    };
    printable(text.trim_end()) + "\n"
}

/// Returns a text that a terminal takes as text: what agents wrote cannot move the cursor or set colours.
pub(super) fn printable(text: &str) -> String {
    let shown = |c: char| if is_hidden(c) && !matches!(c, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(shown).collect()
}

/// Returns a text of one line, whatever agents wrote into it: they cannot forge a line of their own.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r', '\u{2028}', '\u{2029}']).collect::<Vec<_>>().join(" ")
}

/// Returns JSON whose characters a terminal shows, with the others escaped.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) && c != '\n' {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Controls, and marks that turn the reading direction around or end a line unseen: they could make one
/// text look like another.
fn is_hidden(c: char) -> bool {
    let is_mark = matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || is_mark
}

/// Returns a problem of PLAN.md with its place, as compilers print them.
pub(super) fn problem(workstream: &str, line: usize, column: usize, message: &str, help: &str) -> String {
    format!("  work/{workstream}/PLAN.md:{line}:{column}: {}\n    help: {help}", one_line(message))
}

fn status(status: &WorkstreamStatus) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: &str| {
        let value = one_line(value);
        let _ = writeln!(text, "{name:<11}{value}");
    };
    field("workstream", &status.workstream);
    field("plan", &format!("{} ({})", status.name, status.plan));
    field("workspace", &status.workspace);
    if let Some(holder) = &status.held_by {
        field("planner", &format!("server {holder}"));
    }
    for stage in &status.stages {
        let approved = if stage.approved { "  approved" } else { "" };
        let _ = write!(text, "\nStage {}: {}{approved}\n", stage.number, stage.name);
        let width = stage.batches.iter().map(|batch| batch.name.chars().count()).max().unwrap_or(0).min(30);
        for batch in &stage.batches {
            let mark = match &status.next_batch {
                Some(next) if next.id == batch.id => '>',
                _ => ' ',
            };
            let _ = writeln!(text, "{mark} {}  {:<width$}  {}", batch.id, batch.name, counts(batch));
        }
    }
    if !status.open_threads.is_empty() {
        text.push_str("\nOpen threads\n");
    }
    for thread in &status.open_threads {
        let _ = writeln!(
            text,
            "  {}  {:<11}  {}, attempt {}  {}",
            thread.thread_id,
            thread.status,
            one_line(&thread.agent),
            thread.attempt,
            one_line(&thread.name)
        );
        for line in thread.report.lines() {
            let _ = writeln!(text, "            {line}");
        }
    }
    if !status.problems.is_empty() {
        text.push_str("\nProblems\n");
    }
    for one in &status.problems {
        let _ = writeln!(text, "{}", problem(&status.workstream, one.line, one.column, &one.message, &one.help));
    }
    if !status.warnings.is_empty() {
        text.push_str("\nWarnings\n");
    }
    for warning in &status.warnings {
        let _ = writeln!(text, "  {}", one_line(warning));
    }
    let _ = write!(text, "\nNext: {}", next(status));
    text
}

/// Returns what is next, in the words of a terminal: the answers' `!` is for OpenCode's chat.
fn next(status: &WorkstreamStatus) -> String {
    let command = |command: &str| command.trim_start_matches('!').to_owned();
    match (&status.gate_command, &status.next_batch, &status.held_by) {
        (Some(gate), ..) => command(gate),
        (None, Some(batch), _) if status.next_user_command.is_some() => {
            format!("look at the blocked threads of batch {}; a planner can execute it again", batch.id)
        }
        (None, Some(batch), Some(_)) => format!("a planner executes batch {}", batch.id),
        (None, Some(batch), None) => format!("let a planner execute batch {} (tool next_batch)", batch.id),
        (None, None, _) => "nothing".to_owned(),
    }
}

fn counts(batch: &BatchCounts) -> String {
    let counts = [
        (batch.completed, "completed"),
        (batch.in_progress, "in progress"),
        (batch.blocked, "blocked"),
        (batch.cancelled, "cancelled"),
        (batch.pending, "pending"),
    ];
    let shown: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if shown.is_empty() { "no threads".to_owned() } else { shown.join(", ") }
}

fn plan_approved(approved: &PlanApproved) -> String {
    if approved.unchanged {
        return format!("the plan of {} was approved already, as it is now", approved.workstream);
    }
    let [stages, batches, threads] = approved.counts;
    let mut text = format!(
        "the plan of {} is approved: {}, {}, {}\n",
        approved.workstream,
        count(stages, "stage", "stages"),
        count(batches, "batch", "batches"),
        count(threads, "thread", "threads"),
    );
    let is_first = approved.added.len() == threads;
    if !is_first && !approved.added.is_empty() {
        let _ = writeln!(text, "  added: {}", approved.added.join(", "));
    }
    if !approved.removed.is_empty() {
        let _ = writeln!(text, "  removed: {}", approved.removed.join(", "));
    }
    for [id, then, now] in &approved.renamed {
        let _ = writeln!(text, "  renamed: {id} from {then:?} to {now:?}");
    }
    text
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
    if let Some(next) = &approved.next_user_command {
        let _ = writeln!(text, "Next: {}", next.trim_start_matches('!'));
    }
    text
}

fn released(released: &Released) -> String {
    match (&released.batch, &released.held_by) {
        (Some(batch), Some(holder)) => format!("batch {batch} is no longer held by server {holder}"),
        _ => "no planner holds a batch".to_owned(),
    }
}

fn assignment(assignment: &Assignment) -> String {
    format!("{} is assigned to {} ({})", assignment.thread_id, assignment.agent, assignment.status)
}

fn updated(updated: &Updated) -> String {
    let mut text = format!("{} is {}, attempt {}", updated.thread_id, updated.status, updated.attempt);
    if let Some(Decision { action, agent, attempt }) = &updated.decision {
        let _ = match action {
            DecisionAction::Retry => write!(text, "\nNext: retry with {agent}, attempt {attempt}"),
            DecisionAction::Reassign => {
                write!(text, "\nNext: work assign --thread {} --agent {agent}", updated.thread_id)
            }
            DecisionAction::Block => write!(text, "\nNo attempt is left in this cycle"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_wrote_cannot_drive_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\rc\u{202e}d\n\te"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\n\te");
        assert_eq!(one_line("agent\nNext: work approve stage 1"), "agent Next: work approve stage 1");
        assert_eq!(escaped("{\n \"a\": \"\u{9b}31m\u{202e}\"}"), "{\n \"a\": \"\\u009b31m\\u202e\"}");
    }
}
