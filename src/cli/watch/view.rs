//! What `work watch` shows: it draws a report into the cells of a screen. It must know no terminal, no file and no
//! clock.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _};
use unicode_width::UnicodeWidthStr as _;

use super::super::page::{Tone, cut, fit};
use super::focus::{Extent, Filter, Focus, Pane, listed, selected, shown_batch};
use super::list::{List, shown_time};
use super::paint::{lines_of, style, styled};
use super::{detail, help, plan};
use crate::board::Status;
use crate::decide::{Report, Words as _};
use crate::moment::Moment;
use crate::wording::count;
use crate::words::{PersonWords, next_step};

/// The narrowest screen, in columns, that has room for the plan beside the threads.
const TWO_COLUMNS: u16 = 70;

/// The narrowest screen that has room for the plan beside all there is about a thread.
const WIDE: u16 = 100;

/// The lowest screen, in lines, that has room for two lines of footer.
const TWO_FOOTERS: u16 = 10;

/// What is shown: a report, or why there is none.
pub(super) type View = Result<Report, String>;

/// All that a screen is drawn from.
#[derive(Clone, Copy)]
pub(super) struct Picture<'p> {
    pub(super) view: &'p View,
    pub(super) focus: &'p Focus,
    /// Whether somebody can press keys: then one thread is marked as selected, and the footer names keys.
    pub(super) has_keys: bool,
    /// What went wrong beside the files.
    pub(super) trouble: Option<&'p str>,
    pub(super) now: Moment,
    pub(super) words: &'p PersonWords,
}

impl Picture<'_> {
    /// Draws a screen: the title, the plan on the left, the threads of a batch on the right, and the footer. On a narrow
    /// screen only the pane that has the keys is shown.
    pub(super) fn draw(self, area: Rect, buffer: &mut Buffer) -> Extent {
        let footers = if self.has_keys && area.height >= TWO_FOOTERS { 2 } else { 1 };
        let [head, body, foot] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(footers)]).areas(area);
        let (next, rest) = match self.view {
            Err(_) => (String::new(), "it goes on when the files can be read again".to_owned()),
            Ok(report) => (next_step(&report.status, self.words), self.warning(report)),
        };
        self.footer(&next, &rest, foot, buffer);
        match (self.view, self.focus.help) {
            (Err(_), _) => title("work watch", "", head, buffer),
            (Ok(report), _) => {
                let holder = report.status.held_by.as_deref();
                let holder = holder.map(|holder| format!("planner {}", holder.split('-').next().unwrap_or_default()));
                let name = format!("{}  {}", report.status.workstream, report.status.name);
                title(&name, &holder.unwrap_or_default(), head, buffer);
            }
        }
        match (self.focus.help, self.view) {
            (Some(scrolled), _) => help::draw(scrolled, body, buffer),
            (None, Err(why)) => {
                let lines = lines_of(why, area.width.into());
                let lines: Vec<Line> = lines.into_iter().map(|line| styled(line, Some(Tone::Bad))).collect();
                Paragraph::new(lines).render(body, buffer);
                Extent::default()
            }
            (None, Ok(report)) => self.panes(report, body, buffer),
        }
    }

    /// Returns the height in lines that a screen of `width` needs.
    pub(super) fn height(self, width: u16) -> u16 {
        const BORDERS: usize = 2;
        const TITLE_AND_FOOTER: usize = 2;
        let lines = match self.view {
            Err(why) => lines_of(why, width.into()).len(),
            Ok(report) => {
                let (left, right) = columns(width);
                let plan = if left == 0 { 0 } else { plan::height(report) };
                plan.max(self.list(report).height(right)) + BORDERS
            }
        };
        u16::try_from(lines + TITLE_AND_FOOTER).unwrap_or(u16::MAX)
    }

    /// Draws the panes, and returns the extent of the one that has the keys.
    fn panes(self, report: &Report, body: Rect, buffer: &mut Buffer) -> Extent {
        let shown = shown_batch(report, self.focus).map(|batch| batch.id.as_str());
        let (left, _) = columns(body.width);
        let [left, right] = Layout::horizontal([Constraint::Length(left), Constraint::Fill(1)]).areas(body);
        match self.focus.pane {
            Pane::Plan => plan::draw(report, shown, body, buffer),
            Pane::Threads => {
                if left.width > 0 {
                    plan::draw(report, shown, left, buffer);
                }
                self.list(report).draw(self.now, right, buffer)
            }
            Pane::Detail => {
                let id = self.focus.thread.as_deref().unwrap_or_default();
                let area = if body.width >= WIDE { right } else { body };
                if body.width >= WIDE {
                    plan::draw(report, shown, left, buffer);
                }
                detail::draw(report, id, self.focus.scrolled, self.now, self.words, area, buffer)
            }
        }
    }

    /// Returns the list of threads that is shown.
    fn list(self, report: &Report) -> List<'_> {
        let threads = listed(report, self.focus);
        let all = report.threads().count();
        let (title, empty) = match (self.focus.filter, shown_batch(report, self.focus)) {
            (Filter::Off, None) => ("no batches".to_owned(), "the plan has no batches".to_owned()),
            (Filter::Off, Some(batch)) => {
                let cycle = batch.cycles.last().map(|cycle| format!(" · cycle {}", cycle.cycle)).unwrap_or_default();
                (format!("{} {}{cycle}", batch.id, batch.name), "the batch has no threads".to_owned())
            }
            (filter, _) => (
                format!("only {}: {} of {}", filter.word(), threads.len(), count(all, "thread", "threads")),
                format!("no thread is {}; a or Esc shows all again", filter.word()),
            ),
        };
        let selected = selected(report, self.focus).filter(|_| self.has_keys).map(|thread| thread.thread_id.as_str());
        List { title, threads, selected, empty }
    }

    /// Returns what a person should know beside what is next.
    fn warning(self, report: &Report) -> String {
        match (report.status.problems.len(), report.status.warnings.first()) {
            (0, None) => String::new(),
            (0, Some(warning)) => self.words.note(warning),
            (problems, _) => format!("{}: work validate", count(problems, "problem", "problems")),
        }
    }

    /// Draws the footer: what is next, then the rest as far as there is room; in a line of their own the keys, or in
    /// place of them what went wrong. On a low screen those two are shown only where there is room.
    fn footer(self, next: &str, rest: &str, area: Rect, buffer: &mut Buffer) {
        let width = usize::from(area.width);
        let mut first = Vec::new();
        let mut room = width;
        if !next.is_empty() {
            let next = cut(&format!("Next: {next}"), width);
            room = room.saturating_sub(next.width() + 3);
            first.push(Span::styled(next, style(Tone::Strong)));
            first.push(Span::raw("   "));
        }
        let keys = |width| match self.trouble {
            Some(trouble) => Span::styled(cut(trouble, width), style(Tone::Bad)),
            None if self.has_keys => {
                Span::styled(help::hints(self.focus, self.view.is_ok(), width), style(Tone::Faint))
            }
            None => Span::default(),
        };
        let is_low = area.height < 2;
        if is_low && (rest.is_empty() || self.trouble.is_some()) {
            first.push(keys(room));
        } else {
            first.push(Span::styled(cut(rest, room), style(Tone::Faint)));
        }
        let second = if is_low { Span::default() } else { keys(width) };
        Paragraph::new(vec![Line::from(first), Line::from(second)]).render(area, buffer);
    }
}

/// Returns how wide the plan and the threads are on a screen of `width` columns. A narrow one has no room for the plan.
fn columns(width: u16) -> (u16, u16) {
    let left = if width < TWO_COLUMNS { 0 } else { width / 8 * 3 };
    (left, width - left)
}

/// Draws the title line. `right` may take up to half of it.
fn title(left: &str, right: &str, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let right = cut(right, width / 2);
    let left = fit(left, width.saturating_sub(right.width()));
    let line = Line::from(vec![Span::styled(left, style(Tone::Strong)), Span::styled(right, style(Tone::Faint))]);
    line.render(area, buffer);
}

/// Returns how long the screen stays right without a change of the state: until the first running time on it has to
/// show another second, or minute. `None` if no thread runs.
pub(super) fn stays_true_for(view: &View, now: Moment) -> Option<Duration> {
    let report = view.as_ref().ok()?;
    report
        .threads()
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
