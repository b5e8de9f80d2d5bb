//! Small pieces of the page that more than one part of it has.

use maud::{Markup, html};

use crate::board::Status;
use crate::decide::{Approved, AttemptEnd, AttemptReport, Follows};
use crate::moment::Moment;

/// A longer text is shown by its beginning, and can be opened.
const MAX_OPEN_CHARS: usize = 700;

/// So many characters of a longer text are shown.
const BEGINNING_CHARS: usize = 200;

/// Returns a minute in UTC, as `2026-11-22 12:05`.
pub(super) fn minute(at: Moment) -> String {
    format!("{} {}", at.day(), at.clock_time())
}

/// Returns the mark of a status of a thread.
pub(super) fn mark(status: Status) -> &'static str {
    match status {
        Status::Pending => "○",
        Status::InProgress => "▸",
        Status::Completed => "✓",
        Status::Blocked => "!",
        Status::Cancelled => "–",
    }
}

/// Returns a status with its mark, in its colour.
pub(super) fn marked(status: Status) -> Markup {
    html! { span.mark.(status.word()) aria-hidden="true" { (mark(status)) } " " (status.word().replace('_', " ")) }
}

/// Returns how an attempt ended, as a class of the style sheet; `None`: it runs.
pub(super) fn end_word(end: Option<AttemptEnd>) -> &'static str {
    end.map_or("running", AttemptEnd::word)
}

/// Returns the mark of an end.
pub(super) fn end_mark(end: Option<AttemptEnd>) -> &'static str {
    match end {
        None => "▸",
        Some(AttemptEnd::Completed) => "✓",
        Some(AttemptEnd::Failed) => "✗",
        Some(AttemptEnd::Blocked) => "!",
        Some(AttemptEnd::Interrupted) => "⊘",
    }
}

/// Returns what an attempt was after a failure, with its mark.
pub(super) fn follows(follows: Follows) -> (&'static str, &'static str) {
    match follows {
        Follows::Retry => ("↻", "retry"),
        Follows::Reassignment => ("⇄", "reassigned"),
    }
}

/// Returns the name of the agent of an attempt; older software did not record it.
pub(super) fn agent(attempt: &AttemptReport) -> &str {
    if attempt.agent.is_empty() { "an agent that was not recorded" } else { &attempt.agent }
}

/// Returns `approved by NAME on DAY at TIME`, as far as that is known.
pub(super) fn approved(approval: &Approved) -> Markup {
    html! {
        "approved"
        @if let Some(by) = &approval.by { " by " bdi { (by) } }
        @if let Some(at) = approval.at.as_deref().and_then(Moment::parse) { " on " (minute(at)) }
    }
}

/// Returns a text of an agent or a plan with its lines. A long one is closed, and shows its beginning.
pub(super) fn text(text: &str) -> Markup {
    let text = text.trim();
    html! {
        @if text.chars().nth(MAX_OPEN_CHARS).is_some() {
            details.long {
                summary dir="auto" { (text.chars().take(BEGINNING_CHARS).collect::<String>()) "…" }
                div.text dir="auto" { (text) }
            }
        } @else {
            div.text dir="auto" { (text) }
        }
    }
}
