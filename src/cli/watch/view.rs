//! What `work watch` shows: it draws a report into the cells of a screen. It must know no terminal, no file and no
//! clock.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Widget as _};

use super::super::page::{Tone, cut, fit};
use super::super::render::{mark, progress, proof_tone, tone};
use crate::board::{AttemptStatus, Status};
use crate::decide::{BatchReport, Report, StageReport, ThreadReport, Words as _};
use crate::document::{attempt_time, proof, run_time};
use crate::moment::Moment;
use crate::wording::{count, duration};
use crate::words::{PersonWords, next_step};

/// The narrowest screen, in columns, that has room for the plan beside the threads.
const TWO_COLUMNS: u16 = 60;

/// What the person looks at.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Focus {
    /// The batch whose threads are shown; `None` follows the one that runs or comes next.
    pub(super) batch: Option<String>,
    /// How many lines of the threads are scrolled out of view.
    pub(super) scrolled: u16,
}

/// What is shown: a report, or why there is none.
pub(super) type View = Result<Report, String>;

/// Draws a screen: the title, the plan on the left, the threads of a batch on the right, and the footer. `keys` is the
/// help on keys in the footer, empty if there are no keys.
pub(super) fn draw(
    area: Rect,
    buffer: &mut Buffer,
    view: &View,
    focus: &Focus,
    keys: &str,
    now: Moment,
    words: &PersonWords,
) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    match view {
        Err(why) => {
            let lines: Vec<Line> =
                why.lines().map(|line| styled(cut(line, area.width.into()), Some(Tone::Bad))).collect();
            Paragraph::new(lines).render(body, buffer);
            title("work watch", "", head, buffer);
            footer("", &format!("it goes on when the files can be read again   {keys}"), foot, buffer);
        }
        Ok(report) => {
            let status = &report.status;
            let holder = status
                .held_by
                .as_deref()
                .map(|holder| format!("planner {}", holder.split('-').next().unwrap_or_default()));
            title(&format!("{}  {}", status.workstream, status.name), &holder.unwrap_or_default(), head, buffer);
            let shown = shown_batch(report, focus);
            let right = if area.width < TWO_COLUMNS {
                body
            } else {
                let [left, right] = Layout::horizontal([Constraint::Percentage(38), Constraint::Fill(1)]).areas(body);
                plan(report, shown.map(|batch| batch.id.as_str()), left, buffer);
                right
            };
            match shown {
                Some(batch) => threads(batch, focus.scrolled, now, right, buffer),
                None => Block::bordered().title(" no batches ").render(right, buffer),
            }
            let warning = match (status.problems.len(), status.warnings.first()) {
                (0, None) => keys.to_owned(),
                (0, Some(warning)) => words.note(warning),
                (problems, _) => format!("{}: work validate", count(problems, "problem", "problems")),
            };
            footer(&next_step(status, words), &warning, foot, buffer);
        }
    }
}

/// Returns the height in lines that a screen of `width` needs to show everything.
pub(super) fn height(view: &View, focus: &Focus, width: u16) -> u16 {
    const BORDERS: usize = 2;
    let lines = match view {
        Err(why) => why.lines().count(),
        Ok(report) => {
            let plan = if width < TWO_COLUMNS { 0 } else { plan_lines(report, None, 80).len() };
            let threads = shown_batch(report, focus).map_or(0, |batch| batch.threads.iter().map(lines_of).sum());
            plan.max(threads) + BORDERS
        }
    };
    u16::try_from(lines + 2).unwrap_or(u16::MAX)
}

/// Returns the largest number of lines of threads that can be scrolled out of view on a screen of `height` lines.
pub(super) fn last_scroll(report: &Report, focus: &Focus, height: u16) -> u16 {
    const AROUND: u16 = 4;
    let lines: usize = shown_batch(report, focus).map_or(0, |batch| batch.threads.iter().map(lines_of).sum());
    u16::try_from(lines).unwrap_or(u16::MAX).saturating_sub(height.saturating_sub(AROUND))
}

/// Returns the batch whose threads are shown: the one in focus, else the next batch of the status, else the first that
/// runs, else the first that is not complete, else the last.
pub(super) fn shown_batch<'r>(report: &'r Report, focus: &Focus) -> Option<&'r BatchReport> {
    let wanted = |id: &str| report.batches().find(|batch| batch.id == id);
    let running =
        || report.batches().find(|batch| batch.threads.iter().any(|thread| thread.status == Status::InProgress));
    focus
        .batch
        .as_deref()
        .and_then(wanted)
        .or_else(|| wanted(&report.status.next_batch.as_ref()?.id))
        .or_else(running)
        .or_else(|| report.batches().find(|batch| !is_complete(batch)))
        .or_else(|| report.batches().last())
}

/// Returns how long the screen stays right without a change of the state: until the first running time on it has to
/// show another second, or minute. `None` if no thread runs.
pub(super) fn stays_true_for(view: &View, now: Moment) -> Option<Duration> {
    let report = view.as_ref().ok()?;
    report
        .batches()
        .flat_map(|batch| &batch.threads)
        .filter(|thread| thread.status == Status::InProgress)
        .filter_map(|thread| shown_time(thread, now))
        .map(|time| {
            // A time is shown in seconds up to a minute, then in minutes.
            let step = if time < Duration::from_secs(60) { 1_000 } else { 60_000 };
            let into_step = u64::try_from(time.as_millis() % step).unwrap_or_default();
            Duration::from_millis(u64::try_from(step).unwrap_or(1_000) - into_step)
        })
        .min()
}

fn is_complete(batch: &BatchReport) -> bool {
    batch.threads.iter().all(|thread| thread.status.is_done())
}

/// Draws the title line. `right` may take up to half of it.
fn title(left: &str, right: &str, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let right = cut(right, width / 2);
    let left = fit(left, width.saturating_sub(right.chars().count()));
    let line = Line::from(vec![Span::styled(left, style(Tone::Strong)), Span::styled(right, style(Tone::Faint))]);
    line.render(area, buffer);
}

/// Draws the footer: what is next, then the rest of the line, as far as there is room.
fn footer(next: &str, rest: &str, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let mut spans = Vec::new();
    let mut used = 0;
    if !next.is_empty() {
        let next = cut(&format!("Next: {next}"), width);
        used = next.chars().count() + 3;
        spans.push(Span::styled(next, style(Tone::Strong)));
        spans.push(Span::raw("   "));
    }
    spans.push(Span::styled(cut(rest, width.saturating_sub(used)), style(Tone::Faint)));
    Line::from(spans).render(area, buffer);
}

/// Draws the plan: each stage with a bar of its progress, and its batches. `shown` is the batch that the threads are
/// of.
fn plan(report: &Report, shown: Option<&str>, area: Rect, buffer: &mut Buffer) {
    let title = cut(report.status.plan, usize::from(area.width).saturating_sub(4));
    let block = Block::bordered().title(format!(" {title} "));
    let inner = block.inner(area);
    let lines = plan_lines(report, shown, inner.width.into());
    let at = lines.iter().position(|line| line.is_shown).unwrap_or_default();
    // Scroll so that the shown batch stays in view.
    let scroll = (at + 1).saturating_sub(usize::from(inner.height));
    let lines: Vec<Line> = lines.into_iter().map(|line| line.line).collect();
    Paragraph::new(lines).block(block).scroll((u16::try_from(scroll).unwrap_or(u16::MAX), 0)).render(area, buffer);
}

/// A line of the plan.
struct PlanLine {
    line: Line<'static>,
    /// Whether it is the line of the batch whose threads are shown.
    is_shown: bool,
}

fn plan_lines(report: &Report, shown: Option<&str>, width: usize) -> Vec<PlanLine> {
    let plain = |line: Line<'static>| PlanLine { line, is_shown: false };
    let mut lines = Vec::new();
    for stage in &report.stages {
        lines.push(plain(styled(cut(&format!("Stage {}: {}", stage.number, stage.name), width), Some(Tone::Strong))));
        lines.push(plain(bar(stage, width)));
        for batch in &stage.batches {
            let is_shown = shown == Some(batch.id.as_str());
            let status = status_of(batch);
            let (done, all) = progress(batch.threads.iter());
            let counts = format!(" {done}/{all}");
            let name_width = width.saturating_sub(2 + 4 + counts.len());
            let name = fit(&format!("{} {}", batch.id, batch.name), name_width);
            let line = Line::from(vec![
                Span::raw(if is_shown { "> " } else { "  " }),
                Span::styled(mark(status), tone(status).map(style).unwrap_or_default()),
                Span::styled(format!(" {name}"), if is_shown { style(Tone::Strong) } else { Style::new() }),
                Span::raw(counts),
            ]);
            lines.push(PlanLine { line, is_shown });
        }
    }
    lines
}

/// Returns the status that stands for a batch: in progress if a thread is, else blocked if a thread is, else completed
/// if it has threads and all are done, else pending.
fn status_of(batch: &BatchReport) -> Status {
    let any = |status| batch.threads.iter().any(|thread| thread.status == status);
    if any(Status::InProgress) {
        Status::InProgress
    } else if any(Status::Blocked) {
        Status::Blocked
    } else if is_complete(batch) && !batch.threads.is_empty() {
        Status::Completed
    } else {
        Status::Pending
    }
}

/// Returns a bar of a stage's progress, at most 24 columns wide, with its counts.
fn bar(stage: &StageReport, width: usize) -> Line<'static> {
    let (done, all) = progress(stage.batches.iter().flat_map(|batch| &batch.threads));
    let counts = format!(" {done}/{all}{}", if stage.approval.is_some() { " approved" } else { "" });
    let room = width.saturating_sub(counts.len()).min(24);
    let full = (done * room).checked_div(all).unwrap_or_default();
    Line::from(vec![
        Span::styled("━".repeat(full), style(Tone::Good)),
        Span::styled("─".repeat(room - full), style(Tone::Faint)),
        Span::raw(cut(&counts, width - room)),
    ])
}

/// Draws the threads of a batch. If they do not fit, the border says which lines are in view.
fn threads(batch: &BatchReport, scrolled: u16, now: Moment, area: Rect, buffer: &mut Buffer) {
    let cycle = batch.cycles.last().map(|cycle| format!(" · cycle {}", cycle.cycle)).unwrap_or_default();
    let width = usize::from(area.width.saturating_sub(2));
    let block = Block::bordered()
        .title(format!(" {}{cycle} ", cut(&format!("{} {}", batch.id, batch.name), width.saturating_sub(14))));
    let lines: Vec<Line> = batch.threads.iter().flat_map(|thread| thread_lines(thread, width, now)).collect();
    let height = block.inner(area).height;
    let last = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_sub(height);
    let scrolled = scrolled.min(last);
    let block = match last {
        0 => block,
        _ => block.title_bottom(
            Line::from(format!(" {}-{} of {} lines ", scrolled + 1, scrolled + height, lines.len())).right_aligned(),
        ),
    };
    Paragraph::new(lines).block(block).scroll((scrolled, 0)).render(area, buffer);
}

/// Returns the time that is shown of a thread: how long its running attempt has run, else how long all attempts ran.
fn shown_time(thread: &ThreadReport, now: Moment) -> Option<Duration> {
    match thread.attempts.last() {
        Some(attempt) if attempt.status == AttemptStatus::Running => attempt_time(attempt, Some(now)),
        _ => run_time(thread, Some(now)),
    }
}

/// Returns how many lines [`thread_lines`] has for a thread.
fn lines_of(thread: &ThreadReport) -> usize {
    if last_words(thread).is_empty() { 2 } else { 3 }
}

/// Returns the lines of a thread: its name, its status, and its last words if it has any.
fn thread_lines(thread: &ThreadReport, width: usize, now: Moment) -> Vec<Line<'static>> {
    let colour = tone(thread.status).map(style).unwrap_or_default();
    let name = cut(&format!(" {} {}", thread.thread_id, thread.name), width.saturating_sub(4));
    let time = shown_time(thread, now).map(|time| format!(" · {}", duration(time))).unwrap_or_default();
    let attempt = if thread.attempt > 0 { format!(" · #{}", thread.attempt) } else { String::new() };
    let status = thread.status.word().replace('_', " ");
    let proven = thread.proof().map(|state| (format!(" · {}", proof(state)), style(proof_tone(state))));
    let (proven, proven_style) = proven.unwrap_or_default();
    let room = width.saturating_sub(4 + status.len() + proven.chars().count());
    let mut lines = vec![
        Line::from(vec![Span::styled(mark(thread.status), colour), Span::raw(name)]),
        Line::from(vec![
            Span::styled(format!("    {status}"), colour),
            Span::styled(proven, proven_style),
            Span::raw(cut(&format!("{time}{attempt} · {}", thread.agent), room)),
        ]),
    ];
    let words = last_words(thread);
    if !words.is_empty() {
        lines.push(styled(format!("    {}", cut(words, width.saturating_sub(4))), Some(Tone::Faint)));
    }
    lines
}

/// Returns the breadcrumb of a thread in progress, else the report.
fn last_words(thread: &ThreadReport) -> &str {
    if thread.status == Status::InProgress { &thread.breadcrumb } else { &thread.report }
}

fn styled(text: String, tone: Option<Tone>) -> Line<'static> {
    Line::from(Span::styled(text, tone.map(style).unwrap_or_default()))
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Strong => Style::new().add_modifier(Modifier::BOLD),
        Tone::Faint => Style::new().add_modifier(Modifier::DIM),
        Tone::Good => Style::new().fg(Color::Green),
        Tone::Busy => Style::new().fg(Color::Cyan),
        Tone::Bad => Style::new().fg(Color::Red),
    }
}

/// Returns the tone that a style of [`draw`] stands for.
pub(super) fn tone_of(style: Style) -> Option<Tone> {
    [Tone::Strong, Tone::Faint, Tone::Good, Tone::Busy, Tone::Bad].into_iter().find(|tone| {
        let wanted = self::style(*tone);
        match wanted.fg {
            Some(_) => style.fg == wanted.fg,
            None => style.add_modifier.contains(wanted.add_modifier),
        }
    })
}
