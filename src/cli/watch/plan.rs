//! The pane with the plan: stages with their progress, and batches.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Widget as _};

use super::super::page::{Tone, cut, fit};
use super::super::render::{mark, progress, tone};
use super::focus::Extent;
use super::paint::{style, style_if, styled};
use crate::board::Status;
use crate::decide::{BatchReport, PersonAct, Report, StageReport};

/// Draws the plan: each stage with a bar of its progress, and its batches. `shown` is the batch that the threads are
/// of; it is kept in view.
pub(super) fn draw(report: &Report, shown: Option<&str>, area: Rect, buffer: &mut Buffer) -> Extent {
    let title = cut(&format!("plan: {}", report.status.plan), usize::from(area.width).saturating_sub(4));
    let block = Block::bordered().title(format!(" {title} "));
    let inner = block.inner(area);
    let lines = lines(report, shown, inner.width.into());
    let at = lines.iter().position(|line| line.is_shown).unwrap_or_default();
    let scroll = (at + 1).saturating_sub(usize::from(inner.height));
    let lines: Vec<Line> = lines.into_iter().map(|line| line.line).collect();
    Paragraph::new(lines).block(block).scroll((u16::try_from(scroll).unwrap_or(u16::MAX), 0)).render(area, buffer);
    Extent { page: inner.height, last: 0 }
}

/// Returns how many lines the plan has.
pub(super) fn height(report: &Report) -> usize {
    report.stages.iter().map(|stage| 2 + stage.batches.len()).sum()
}

/// A line of the plan.
struct PlanLine {
    line: Line<'static>,
    /// Whether it is the line of the batch whose threads are shown.
    is_shown: bool,
}

fn lines(report: &Report, shown: Option<&str>, width: usize) -> Vec<PlanLine> {
    let plain = |line: Line<'static>| PlanLine { line, is_shown: false };
    let gate = report.status.gate_command.as_ref().map(|command| command.act);
    let mut lines = Vec::new();
    for stage in &report.stages {
        let waits = matches!(gate, Some(PersonAct::ApproveStage(number)) if number.0 == stage.number);
        lines.push(plain(styled(cut(&format!("Stage {}: {}", stage.number, stage.name), width), Some(Tone::Strong))));
        lines.push(plain(bar(stage, waits, width)));
        for batch in &stage.batches {
            let is_shown = shown == Some(batch.id.as_str());
            let status = status_of(batch);
            let (done, all) = progress(batch.threads.iter());
            let counts = format!(" {done}/{all}");
            let name_width = width.saturating_sub(2 + 4 + counts.len());
            let name = fit(&format!("{} {}", batch.id, batch.name), name_width);
            let line = Line::from(vec![
                Span::raw(if is_shown { "> " } else { "  " }),
                Span::styled(mark(status), style_if(tone(status))),
                Span::styled(format!(" {name}"), style_if(is_shown.then_some(Tone::Strong))),
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
    } else if batch.threads.iter().all(|thread| thread.status.is_done()) && !batch.threads.is_empty() {
        Status::Completed
    } else {
        Status::Pending
    }
}

/// Returns a bar of a stage's progress, at most 24 columns wide, with its counts, and with what is known of its gate.
fn bar(stage: &StageReport, waits: bool, width: usize) -> Line<'static> {
    let (done, all) = progress(stage.batches.iter().flat_map(|batch| &batch.threads));
    let counts = format!(" {done}/{all}");
    let (gate, tone) = match (&stage.approval, waits) {
        (Some(_), _) => (" approved", None),
        (None, true) => (" to be approved", Some(Tone::Bad)),
        (None, false) => ("", None),
    };
    let room = width.saturating_sub(counts.len() + gate.len()).min(24);
    let full = (done * room).checked_div(all).unwrap_or_default();
    Line::from(vec![
        Span::styled("━".repeat(full), style(Tone::Good)),
        Span::styled("─".repeat(room - full), style(Tone::Faint)),
        Span::raw(cut(&counts, width - room)),
        Span::styled(cut(gate, (width - room).saturating_sub(counts.len())), style_if(tone)),
    ])
}
