//! The pane with a list of threads: each with its name, its status and its last words.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Widget as _};

use super::super::page::{Tone, cut};
use super::super::render::{mark, proof_tone, tone};
use super::focus::Extent;
use super::paint::{lines_of, style, style_if, styled};
use crate::board::{AttemptStatus, Status};
use crate::decide::{DecisionAction, ProofState, ThreadReport};
use crate::document::{attempt_time, proof, run_time};
use crate::moment::Moment;
use crate::wording::duration;

/// The lines of a thread that are always there: its name and its status.
const FIXED: usize = 2;

/// The columns in front of the status and the last words of a thread.
const INDENT: usize = 6;

/// What the pane shows.
pub(super) struct List<'l> {
    pub(super) title: String,
    pub(super) threads: Vec<&'l ThreadReport>,
    /// The id of the selected thread, which is kept in view.
    pub(super) selected: Option<&'l str>,
    /// What is said if there are no threads.
    pub(super) empty: String,
}

impl List<'_> {
    /// Draws the list. Last words take as many lines as are free, first those that a person should read. If the
    /// threads do not fit all the same, the border says which one is selected, of how many.
    pub(super) fn draw(&self, now: Moment, area: Rect, buffer: &mut Buffer) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let block = Block::bordered().title(format!(" {} ", cut(&self.title, width.saturating_sub(2))));
        let height = usize::from(block.inner(area).height);
        if self.threads.is_empty() {
            let lines: Vec<Line> = lines_of(&self.empty, width).into_iter().map(Line::from).collect();
            Paragraph::new(lines).block(block).render(area, buffer);
            return Extent::default();
        }
        let words: Vec<Vec<String>> = self.threads.iter().map(|thread| words_of(thread, width)).collect();
        let wanted: Vec<(usize, bool)> =
            self.threads.iter().zip(&words).map(|(thread, words)| (words.len(), needs_a_person(thread))).collect();
        let given = share(&wanted, height);
        let at = self.threads.iter().position(|thread| Some(thread.thread_id.as_str()) == self.selected);
        let heights: Vec<usize> = given.iter().map(|given| FIXED + given).collect();
        // The lines before the middle of the selected thread.
        let middle = at.map_or(0, |at| heights[..at].iter().sum::<usize>() + heights[at] / 2);
        let mut lines = Vec::new();
        for ((thread, words), given) in self.threads.iter().zip(words).zip(given) {
            let is_selected = Some(thread.thread_id.as_str()) == self.selected;
            lines.extend(thread_lines(thread, is_selected, width, now));
            lines.extend(shortened(words, given, width).into_iter().map(|line| styled(line, Some(Tone::Faint))));
        }
        let hidden = lines.len().saturating_sub(height);
        let block = match at {
            Some(at) if hidden > 0 => {
                let place = format!(" {} of {} threads ", at + 1, self.threads.len());
                block.title_bottom(Line::from(place).right_aligned())
            }
            _ => block,
        };
        let page = (height * self.threads.len() / lines.len()).max(1);
        let scrolled = middle.saturating_sub(height / 2).min(hidden);
        let cells = |lines| u16::try_from(lines).unwrap_or(u16::MAX);
        Paragraph::new(lines).block(block).scroll((cells(scrolled), 0)).render(area, buffer);
        Extent { page: cells(page), last: 0 }
    }

    /// Returns how many lines the list needs on a screen of `width` columns to show in full what a person should read,
    /// and one line of the other last words.
    pub(super) fn height(&self, width: u16) -> usize {
        let lines = |thread: &&ThreadReport| {
            let words = words_of(thread, width.saturating_sub(2).into()).len();
            FIXED + if needs_a_person(thread) { words } else { words.min(1) }
        };
        self.threads.iter().map(lines).sum::<usize>().max(1)
    }
}

/// Returns the time that is shown of a thread: how long its running attempt has run, else how long all attempts ran.
pub(super) fn shown_time(thread: &ThreadReport, now: Moment) -> Option<Duration> {
    match thread.attempts.last() {
        Some(attempt) if attempt.status == AttemptStatus::Running => attempt_time(attempt, Some(now)),
        _ => run_time(thread, Some(now)),
    }
}

/// Returns the status of a thread in words, with what is tried next if it failed, or what it waits for.
pub(super) fn status_of(thread: &ThreadReport) -> String {
    match &thread.decision {
        _ if !thread.has_failed() && thread.waits_for.is_empty() => thread.status.word().replace('_', " "),
        _ if !thread.has_failed() => format!("{}, waits for {}", thread.status.word(), thread.waits_for.join(", ")),
        Some(decision) if decision.action == DecisionAction::Retry => "failed, retry next".to_owned(),
        Some(decision) if decision.action == DecisionAction::Reassign => "failed, to be reassigned".to_owned(),
        _ => "failed, to be tried again".to_owned(),
    }
}

/// Returns the number of the attempt of a thread that runs, comes next or was the last; empty if it never ran.
pub(super) fn number_of(thread: &ThreadReport) -> String {
    if thread.attempts.is_empty() { String::new() } else { format!(" · #{}", thread.attempt) }
}

/// Returns the tone of a thread's status.
pub(super) fn tone_of_status(thread: &ThreadReport) -> Option<Tone> {
    if thread.has_failed() { Some(Tone::Bad) } else { tone(thread.status) }
}

/// Returns whether a person should read why a thread is as it is.
fn needs_a_person(thread: &ThreadReport) -> bool {
    thread.status == Status::Blocked || thread.has_failed()
}

/// Returns how many lines each thread may have for its last words. `wanted` has the number of lines that there are,
/// and whether they matter most. Each has one of them at least; what is left of `height` goes round, line by line, first
/// among those that matter most.
fn share(wanted: &[(usize, bool)], height: usize) -> Vec<usize> {
    let mut given: Vec<usize> = wanted.iter().map(|(lines, _)| (*lines).min(1)).collect();
    let mut free = height.saturating_sub(given.iter().map(|given| FIXED + given).sum());
    for matters in [true, false] {
        loop {
            let before = free;
            for ((lines, _), given) in wanted.iter().zip(&mut given).filter(|((_, most), _)| *most == matters) {
                if free > 0 && *given < *lines {
                    *given += 1;
                    free -= 1;
                }
            }
            if free == before {
                break;
            }
        }
    }
    given
}

/// Returns the name and the status of a thread.
fn thread_lines(thread: &ThreadReport, is_selected: bool, width: usize, now: Moment) -> [Line<'static>; FIXED] {
    let colour = style_if(tone_of_status(thread));
    let name = cut(&format!(" {} {}", thread.thread_id, thread.name), width.saturating_sub(5));
    let time = shown_time(thread, now).map(|time| format!(" · {}", duration(time))).unwrap_or_default();
    let status = cut(&status_of(thread), width.saturating_sub(INDENT));
    // That there are checks matters less than why it stopped.
    let proven = thread.proof().filter(|state| !(needs_a_person(thread) && matches!(state, ProofState::Planned(_))));
    let proven = proven.map(|state| (format!(" · {}", proof(state)), style(proof_tone(state))));
    let (proven, proven_style) = proven.unwrap_or_default();
    let room = width.saturating_sub(INDENT + status.chars().count() + proven.chars().count());
    [
        Line::from(vec![
            Span::raw(if is_selected { "> " } else { "  " }),
            Span::styled(mark(thread.status), colour),
            Span::styled(name, style_if(is_selected.then_some(Tone::Strong))),
        ]),
        Line::from(vec![
            Span::styled(format!("{:INDENT$}{status}", ""), colour),
            Span::styled(proven, proven_style),
            Span::raw(cut(&format!("{time}{} · {}", number_of(thread), thread.agent), room)),
        ]),
    ]
}

/// Returns the lines of a thread's last words: the breadcrumb of one in progress, else the report.
fn words_of(thread: &ThreadReport, width: usize) -> Vec<String> {
    let words = match thread.attempts.last() {
        _ if thread.status == Status::InProgress => &thread.breadcrumb,
        Some(last) if thread.has_failed() => &last.report,
        _ => &thread.report,
    };
    lines_of(words, width.saturating_sub(INDENT))
}

/// Returns the first `given` lines, indented. An ellipsis says that there are more.
fn shortened(words: Vec<String>, given: usize, width: usize) -> Vec<String> {
    let is_cut = given < words.len();
    let mut lines: Vec<String> =
        words.into_iter().take(given).map(|line| format!("{:INDENT$}{}", "", line.trim_end())).collect();
    if is_cut && let Some(last) = lines.last_mut() {
        *last = cut(&format!("{last} …"), width);
    }
    lines
}
