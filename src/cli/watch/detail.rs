//! The pane with all there is about one thread, in the order in which a person asks: how it stands and why, what it
//! said, what was tried, and what it is about.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Widget as _};
use unicode_width::UnicodeWidthStr as _;

use super::super::page::{Tone, cut};
use super::super::render::{mark, next_try, proof_tone};
use super::focus::Extent;
use super::list::{number_of, shown_time, status_of, tone_of_status};
use super::paint::{lines_of, style, style_if, styled};
use crate::board::{AttemptStatus, CheckResult, Status};
use crate::decide::{AgentSource, AttemptReport, DecisionAction, Report, ThreadReport};
use crate::document::{attempt_time, proof, used};
use crate::moment::Moment;
use crate::wording::duration;
use crate::words::{PersonWords, not_there};

/// The columns of a field's name.
const FIELD: usize = 12;

/// The columns in front of what belongs to an attempt.
const HANGING: usize = 5;

/// Draws the thread with this id.
pub(super) fn draw(
    report: &Report,
    id: &str,
    scrolled: u16,
    now: Moment,
    words: &PersonWords,
    area: Rect,
    buffer: &mut Buffer,
) -> Extent {
    let width = usize::from(area.width.saturating_sub(2));
    let (title, lines) = match report.threads().find(|thread| thread.thread_id == id) {
        Some(thread) => (format!("{id} {}", thread.name), lines(report, thread, width, now, words)),
        None => {
            let gone = lines_of("The plan no longer has this thread. Esc goes back to the list.", width);
            (id.to_owned(), gone.into_iter().map(Line::from).collect())
        }
    };
    scrolling(&title, lines, scrolled, area, buffer)
}

/// Draws lines in a pane that can be scrolled. If they do not fit, the border says which of them are in view.
pub(super) fn scrolling(
    title: &str,
    lines: Vec<Line<'static>>,
    scrolled: u16,
    area: Rect,
    buffer: &mut Buffer,
) -> Extent {
    let width = usize::from(area.width.saturating_sub(4));
    let block = Block::bordered().title(format!(" {} ", cut(title, width)));
    let height = block.inner(area).height;
    let all = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let last = all.saturating_sub(height);
    let scrolled = scrolled.min(last);
    let block = match last {
        0 => block,
        _ => {
            let place = format!(" {}-{} of {all} lines ", scrolled + 1, scrolled + height);
            block.title_bottom(Line::from(cut(&place, width)).right_aligned())
        }
    };
    Paragraph::new(lines).block(block).scroll((scrolled, 0)).render(area, buffer);
    // One line of the page before stays in view.
    Extent { page: height.saturating_sub(1).max(1), last }
}

/// Lines under construction.
struct Lines {
    lines: Vec<Line<'static>>,
    width: usize,
}

impl Lines {
    /// Adds a field: its name, and its value beside it, wrapped. A blank value is left out.
    fn field(&mut self, name: &str, value: &str, tone: Option<Tone>) {
        for (at, line) in lines_of(value, self.width.saturating_sub(FIELD)).into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            self.lines.push(Line::from(vec![
                Span::styled(format!("{name:<FIELD$}"), style(Tone::Faint)),
                Span::styled(line, style_if(tone)),
            ]));
        }
    }

    /// Adds a title behind a blank line.
    fn title(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(styled(title.to_owned(), Some(Tone::Strong)));
    }

    /// Adds a text, wrapped and indented.
    fn text(&mut self, text: &str, indent: usize, tone: Option<Tone>) {
        for line in lines_of(text, self.width.saturating_sub(indent)) {
            self.lines.push(styled(format!("{:indent$}{line}", ""), tone));
        }
    }

    /// Adds the line of an entry, wrapped, with what follows further in.
    fn entry(&mut self, text: &str, tone: Option<Tone>) {
        for (at, line) in lines_of(text, self.width.saturating_sub(HANGING)).into_iter().enumerate() {
            let indent = if at == 0 { 2 } else { HANGING };
            self.lines.push(styled(format!("{:indent$}{line}", ""), tone));
        }
    }

    /// Adds a section, if there is something in it.
    fn section(&mut self, title: &str, text: &str) {
        if !text.trim().is_empty() {
            self.title(title);
            self.text(text, 2, None);
        }
    }

    /// Adds a section with a list.
    fn list(&mut self, title: &str, items: &[String]) {
        let items: Vec<String> = items.iter().map(|item| format!("- {item}")).collect();
        self.section(title, &items.join("\n"));
    }
}

fn lines(report: &Report, thread: &ThreadReport, width: usize, now: Moment, words: &PersonWords) -> Vec<Line<'static>> {
    let mut lines = Lines { lines: Vec::new(), width };
    if thread.thread_id.width() + 1 + thread.name.width() + 2 > width {
        // The title of the pane is cut.
        lines.field("name", &thread.name, Some(Tone::Strong));
    }
    fields(&mut lines, report, thread, now);
    if thread.status == Status::InProgress {
        lines.section("Breadcrumb", &thread.breadcrumb);
    }
    if !thread.unproven.is_empty() {
        lines.section("Not proven", &not_there(&thread.unproven));
    }
    let said = if thread.has_failed() { last_report(thread) } else { &thread.report };
    lines.section(if thread.status == Status::InProgress { "Last report" } else { "Report" }, said);
    checks(&mut lines, thread);
    attempts(&mut lines, thread, said, now);
    lines.list("Next steps", &thread.next_steps);
    lines.list("Artifacts", &thread.artifacts);
    lines.section("Summary", &thread.summary);
    lines.section("Details", &thread.details);
    lines.lines.push(Line::default());
    let all = format!("all that its worker is told: work read {}{}", thread.thread_id, words.flags());
    lines.text(&all, 0, Some(Tone::Faint));
    lines.lines
}

/// Adds how the thread stands, and why.
fn fields(lines: &mut Lines, report: &Report, thread: &ThreadReport, now: Moment) {
    let time = shown_time(thread, now).map(|time| format!(" · {}", duration(time))).unwrap_or_default();
    let status = if thread.has_failed() { "failed".to_owned() } else { thread.status.word().replace('_', " ") };
    let status = format!("{} {status}{time}{}", mark(thread.status), number_of(thread));
    lines.field("status", &status, tone_of_status(thread));
    let source = match thread.agent_source {
        _ if thread.status.is_done() => "",
        AgentSource::Assigned => " (assigned)",
        AgentSource::Plan => " (named in PLAN.md)",
        AgentSource::Default => " (nobody named one)",
    };
    lines.field("agent", &format!("{}{source}", thread.agent), None);
    lines.field("reassigned", thread.reason.as_deref().unwrap_or_default(), None);
    if thread.has_failed() {
        lines.field("next", &next_try(thread), Some(Tone::Bad));
    } else if thread.decision.as_ref().is_some_and(|decision| decision.action == DecisionAction::Block) {
        lines.field("next", "nothing more is tried: a person decides", Some(Tone::Bad));
    }
    let waits = thread.waits_for.iter().map(|id| {
        let other = report.threads().find(|other| other.thread_id == *id);
        other.map_or_else(|| id.clone(), |other| format!("{id} {} ({})", other.name, status_of(other)))
    });
    lines.field("waits for", &waits.collect::<Vec<_>>().join("\n"), None);
    if let Some(state) = thread.proof() {
        lines.field("proof", &proof(state), Some(proof_tone(state)));
    }
}

fn last_report(thread: &ThreadReport) -> &str {
    thread.attempts.last().map(|last| last.report.as_str()).unwrap_or_default()
}

/// Adds the checks, each with its result in the last attempt.
fn checks(lines: &mut Lines, thread: &ThreadReport) {
    if !thread.checks.is_empty() {
        lines.title("Checks");
    }
    let results = thread.attempts.last().map(|last| last.checks.as_slice()).unwrap_or_default();
    for command in &thread.checks {
        let result = results.iter().find(|result| result.command == *command);
        let (told, tone) = match result {
            None => ("not run in this attempt".to_owned(), Tone::Faint),
            Some(result) => told(result),
        };
        lines.text(command, 2, None);
        lines.text(&told, 4, Some(tone));
    }
}

/// Returns how a check went.
fn told(result: &CheckResult) -> (String, Tone) {
    let time = duration(std::time::Duration::from_millis(result.millis));
    match result.exit_code {
        Some(0) => (format!("passed · {time}"), Tone::Good),
        Some(code) => (format!("failed with exit code {code} · {time}"), Tone::Bad),
        None => (format!("did not end by itself · {time}"), Tone::Bad),
    }
}

/// Adds the attempts, the latest first. `said` is the report that is shown above.
fn attempts(lines: &mut Lines, thread: &ThreadReport, said: &str, now: Moment) {
    if !thread.attempts.is_empty() {
        lines.title("Attempts");
    }
    for attempt in thread.attempts.iter().rev() {
        lines.entry(&attempt_line(attempt, now), Some(tone_of(attempt.status)));
        if attempt.report == said && !said.is_empty() {
            lines.text("its report is above", HANGING, Some(Tone::Faint));
        } else {
            lines.text(&attempt.report, HANGING, None);
        }
    }
}

/// Returns an attempt in a line: how it went, how long, by whom, since when, and what it used.
fn attempt_line(attempt: &AttemptReport, now: Moment) -> String {
    let mut parts = vec![format!("#{} {}", attempt.attempt, word(attempt.status))];
    if attempt.transient {
        parts.push("transient".to_owned());
    }
    if attempt.failed_checks > 0 {
        parts.push(format!("checks failed {}×", attempt.failed_checks));
    }
    parts.extend(attempt_time(attempt, Some(now)).map(duration));
    parts.push(attempt.agent.clone());
    parts.extend(attempt.started_at.map(|at| format!("{} {} UTC", at.day(), at.clock_time())));
    parts.extend(attempt.usage.map(used));
    parts.join(" · ")
}

fn word(status: AttemptStatus) -> &'static str {
    match status {
        AttemptStatus::Running => "running",
        AttemptStatus::Completed => "completed",
        AttemptStatus::Failed => "failed",
        AttemptStatus::Interrupted => "interrupted",
    }
}

fn tone_of(status: AttemptStatus) -> Tone {
    match status {
        AttemptStatus::Running => Tone::Busy,
        AttemptStatus::Completed => Tone::Good,
        AttemptStatus::Failed => Tone::Bad,
        AttemptStatus::Interrupted => Tone::Faint,
    }
}
