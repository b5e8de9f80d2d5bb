//! What the person looks at, and how the keys change that. It must draw nothing, and know no terminal.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::board::Status;
use crate::decide::{BatchReport, Report, ThreadReport};

/// The pane that has the keys.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pane {
    /// The threads of a batch, or all that a filter lets through.
    #[default]
    Threads,
    /// The stages and batches.
    Plan,
    /// All there is about one thread.
    Detail,
}

/// Which threads are listed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// Those of the batch in focus.
    #[default]
    Off,
    /// Those of any batch that are blocked.
    Blocked,
    /// Those of any batch that failed and are to be tried again.
    Failed,
    /// Those of any batch that are in progress.
    Running,
    /// Those of any batch that are pending and did not fail.
    Waiting,
}

/// What the person looks at.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Focus {
    pub(super) pane: Pane,
    /// The batch that is shown; `None` follows the one that runs or comes next.
    pub(super) batch: Option<String>,
    /// The id of the selected thread. It is kept while the plan does not have the thread. `None`: the first that is
    /// listed.
    pub(super) thread: Option<String>,
    pub(super) filter: Filter,
    /// How many lines of the thread's detail are scrolled out of view.
    pub(super) scrolled: u16,
    /// Whether the keys are explained, and how many lines of that are scrolled out of view.
    pub(super) help: Option<u16>,
}

/// How far the pane that has the keys can be scrolled, as it was drawn last.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// How many lines, or threads of the list, a page has.
    pub(super) page: u16,
    /// The most lines that can be scrolled out of view.
    pub(super) last: u16,
}

impl Filter {
    /// Returns the filter that a key sets.
    fn of_key(key: char) -> Option<Self> {
        match key {
            'a' => Some(Self::Off),
            'b' => Some(Self::Blocked),
            'x' => Some(Self::Failed),
            'r' => Some(Self::Running),
            'w' => Some(Self::Waiting),
            _ => None,
        }
    }

    /// Returns what the threads have in common that it lets through; empty if it is off.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Off => "",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Running => "in progress",
            Self::Waiting => "waiting",
        }
    }

    fn has(self, thread: &ThreadReport) -> bool {
        match self {
            Self::Off => true,
            Self::Blocked => thread.status == Status::Blocked,
            Self::Failed => thread.has_failed(),
            Self::Running => thread.status == Status::InProgress,
            Self::Waiting => thread.status == Status::Pending && !thread.has_failed(),
        }
    }
}

/// Returns the batch that is shown: that of the selected thread if a filter is on; else the one in focus, else the next
/// batch of the status, else the first that runs, else the first that is not complete, else the last.
pub(super) fn shown_batch<'r>(report: &'r Report, focus: &Focus) -> Option<&'r BatchReport> {
    let wanted = |id: &str| report.batches().find(|batch| batch.id == id);
    let of = |thread: &ThreadReport| {
        report.batches().find(|batch| batch.threads.iter().any(|known| known.thread_id == thread.thread_id))
    };
    if focus.filter != Filter::Off
        && let Some(thread) = selected(report, focus)
    {
        return of(thread);
    }
    let running =
        || report.batches().find(|batch| batch.threads.iter().any(|thread| thread.status == Status::InProgress));
    focus
        .batch
        .as_deref()
        .and_then(wanted)
        .or_else(|| wanted(&report.status.next_batch.as_ref()?.id))
        .or_else(running)
        .or_else(|| report.batches().find(|batch| !batch.threads.iter().all(|thread| thread.status.is_done())))
        .or_else(|| report.batches().last())
}

/// Returns the threads that are listed: those of the shown batch, or those of all batches that the filter lets through.
pub(super) fn listed<'r>(report: &'r Report, focus: &Focus) -> Vec<&'r ThreadReport> {
    match focus.filter {
        Filter::Off => shown_batch(report, focus).map(|batch| batch.threads.iter().collect()).unwrap_or_default(),
        filter => report.threads().filter(|thread| filter.has(thread)).collect(),
    }
}

/// Returns the listed thread that is selected. If it is no longer listed, this is the one before its place, or the
/// first.
pub(super) fn selected<'r>(report: &'r Report, focus: &Focus) -> Option<&'r ThreadReport> {
    let threads = listed(report, focus);
    let wanted = focus.thread.as_deref().unwrap_or_default();
    let exact = threads.iter().find(|thread| thread.thread_id == wanted);
    let before = || threads.iter().rfind(|thread| thread.thread_id.as_str() < wanted);
    exact.or_else(before).or(threads.first()).copied()
}

impl Focus {
    /// Changes as a key says, and returns whether the key ends the program. While there is no report, keys move nothing.
    pub(super) fn press(&mut self, key: KeyEvent, report: Option<&Report>, extent: Extent) -> bool {
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'd'));
        }
        match key.code {
            KeyCode::Char('q') => return true,
            KeyCode::Esc => return self.back(),
            KeyCode::Char('?') | KeyCode::F(1) => self.help = if self.help.is_some() { None } else { Some(0) },
            code => match (&mut self.help, report) {
                (Some(scrolled), _) => *scrolled = scroll(*scrolled, code, extent),
                (None, Some(report)) => self.moves(code, report, extent),
                (None, None) => {}
            },
        }
        false
    }

    /// Goes back one level. Returns whether there is none.
    fn back(&mut self) -> bool {
        if self.help.take().is_some() {
            return false;
        }
        if self.pane != Pane::Threads {
            self.pane = Pane::Threads;
            return false;
        }
        std::mem::take(&mut self.filter) == Filter::Off
    }

    fn moves(&mut self, code: KeyCode, report: &Report, extent: Extent) {
        match code {
            KeyCode::Char('f') => *self = Self::default(),
            KeyCode::Char('p') if self.pane == Pane::Plan => self.pane = Pane::Threads,
            KeyCode::Char('p') => {
                // The plan has no filter: it opens at the batch of the selected thread.
                if self.filter != Filter::Off
                    && let Some(batch) = shown_batch(report, self)
                {
                    self.batch = Some(batch.id.clone());
                }
                (self.filter, self.pane) = (Filter::Off, Pane::Plan);
            }
            KeyCode::Char(key) if Filter::of_key(key).is_some() => {
                (self.filter, self.pane) = (Filter::of_key(key).unwrap_or_default(), Pane::Threads);
            }
            _ => match self.pane {
                Pane::Threads => self.moves_in_threads(code, report, extent),
                Pane::Plan => self.moves_in_plan(code, report, extent),
                Pane::Detail => match code {
                    KeyCode::Left | KeyCode::BackTab | KeyCode::Char('h' | '[') => self.step(report, -1),
                    KeyCode::Right | KeyCode::Tab | KeyCode::Char('l' | ']') => self.step(report, 1),
                    _ => self.scrolled = scroll(self.scrolled, code, extent),
                },
            },
        }
    }

    fn moves_in_threads(&mut self, code: KeyCode, report: &Report, extent: Extent) {
        let page = isize::try_from(extent.page.max(1)).unwrap_or(1);
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.step(report, -1),
            KeyCode::Down | KeyCode::Char('j') => self.step(report, 1),
            KeyCode::PageUp => self.jump(report, -page),
            KeyCode::PageDown | KeyCode::Char(' ') => self.jump(report, page),
            KeyCode::Home | KeyCode::Char('g') => self.select(report, listed(report, self).first().copied()),
            KeyCode::End | KeyCode::Char('G') => self.select(report, listed(report, self).last().copied()),
            KeyCode::Left | KeyCode::BackTab | KeyCode::Char('h' | '[') => self.other_batch(report, -1),
            KeyCode::Right | KeyCode::Tab | KeyCode::Char('l' | ']') => self.other_batch(report, 1),
            KeyCode::Enter => {
                if let Some(thread) = selected(report, self) {
                    self.select(report, Some(thread));
                    self.pane = Pane::Detail;
                }
            }
            _ => {}
        }
    }

    fn moves_in_plan(&mut self, code: KeyCode, report: &Report, extent: Extent) {
        let page = isize::try_from(extent.page.max(1)).unwrap_or(1);
        match code {
            KeyCode::Up | KeyCode::Left | KeyCode::BackTab | KeyCode::Char('k' | 'h' | '[') => {
                self.other_batch(report, -1);
            }
            KeyCode::Down | KeyCode::Right | KeyCode::Tab | KeyCode::Char('j' | 'l' | ']') => {
                self.other_batch(report, 1);
            }
            KeyCode::PageUp => self.other_batch(report, -page),
            KeyCode::PageDown | KeyCode::Char(' ') => self.other_batch(report, page),
            KeyCode::Home | KeyCode::Char('g') => self.other_batch(report, isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.other_batch(report, isize::MAX),
            KeyCode::Enter => self.pane = Pane::Threads,
            _ => {}
        }
    }

    /// Selects a thread, and shows its batch.
    fn select(&mut self, report: &Report, thread: Option<&ThreadReport>) {
        let Some(thread) = thread else { return };
        let is_it = |known: &ThreadReport| known.thread_id == thread.thread_id;
        let batch = report.batches().find(|batch| batch.threads.iter().any(is_it));
        self.batch = batch.map(|batch| batch.id.clone());
        self.thread = Some(thread.thread_id.clone());
        self.scrolled = 0;
    }

    /// Selects the next thread or the one before, also in another batch. Does nothing at either end.
    fn step(&mut self, report: &Report, step: isize) {
        let threads: Vec<&ThreadReport> = report.threads().filter(|thread| self.filter.has(thread)).collect();
        let at = match selected(report, self) {
            Some(selected) => threads.iter().position(|thread| thread.thread_id == selected.thread_id),
            // The shown batch has no threads.
            None => {
                let shown = shown_batch(report, self).map(|batch| batch.id.as_str());
                let before = report.batches().take_while(|batch| Some(batch.id.as_str()) != shown);
                let before: usize = before.map(|batch| batch.threads.len()).sum();
                // One step forward from the last thread before it leads to the first one after it.
                if step > 0 { before.checked_sub(1) } else { Some(before) }
            }
        };
        let next = match at {
            Some(at) => at.checked_add_signed(step),
            None => Some(0),
        };
        self.select(report, next.and_then(|next| threads.get(next)).copied());
    }

    /// Moves so many threads in the list, as far as it goes; from its end into the next batch.
    fn jump(&mut self, report: &Report, step: isize) {
        let threads = listed(report, self);
        let at = selected(report, self)
            .and_then(|selected| threads.iter().position(|thread| thread.thread_id == selected.thread_id));
        let next = at.map(|at| at.saturating_add_signed(step).min(threads.len() - 1));
        if next == at {
            self.step(report, step.signum());
        } else {
            self.select(report, next.and_then(|next| threads.get(next)).copied());
        }
    }

    /// Shows the batch so many further on, as far as there are any; with a filter only batches that it lets threads
    /// through of. Its first thread becomes the selected one.
    fn other_batch(&mut self, report: &Report, step: isize) {
        let has = |thread: &&ThreadReport| self.filter.has(thread);
        let batches: Vec<&BatchReport> = report
            .batches()
            .filter(|batch| self.filter == Filter::Off || batch.threads.iter().any(|thread| has(&thread)))
            .collect();
        let Some(shown) = shown_batch(report, self) else { return };
        let Some(at) = batches.iter().position(|batch| batch.id == shown.id) else { return };
        let next = at.saturating_add_signed(step).min(batches.len() - 1);
        if next != at {
            self.batch = Some(batches[next].id.clone());
            self.thread = batches[next].threads.iter().find(has).map(|thread| thread.thread_id.clone());
        }
    }
}

/// Returns how many lines are scrolled out of view after a key.
fn scroll(scrolled: u16, code: KeyCode, extent: Extent) -> u16 {
    let scrolled = scrolled.min(extent.last);
    let moved = match code {
        KeyCode::Up | KeyCode::Char('k') => scrolled.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => scrolled.saturating_add(1),
        KeyCode::PageUp => scrolled.saturating_sub(extent.page),
        KeyCode::PageDown | KeyCode::Char(' ') => scrolled.saturating_add(extent.page),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => extent.last,
        _ => scrolled,
    };
    moved.min(extent.last)
}

#[cfg(test)]
mod tests {
    use super::super::made::Made;
    use super::*;

    const PLAN: &str = "\
# Plan: Search
## Stages
### Stage 1: Index
##### Batch 1: Storage
###### Thread 1: Schema
###### Thread 2: Rows
##### Batch 2: Empty
##### Batch 3: Queries
###### Thread 1: Parser
###### Thread 2: Ranking
";

    /// Presses keys and returns the pane, the shown batch and the selected thread.
    fn after(focus: &mut Focus, report: &Report, keys: &str) -> String {
        for key in keys.chars() {
            let code = match key {
                '^' => KeyCode::Home,
                '$' => KeyCode::End,
                '<' => KeyCode::PageUp,
                '>' => KeyCode::PageDown,
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '!' => KeyCode::Esc,
                key => KeyCode::Char(key),
            };
            let ends = focus.press(KeyEvent::new(code, KeyModifiers::NONE), Some(report), Extent { page: 9, last: 30 });
            assert!(!ends, "{key:?} ends");
        }
        let batch = shown_batch(report, focus).map(|batch| batch.id.as_str()).unwrap_or_default();
        let thread = selected(report, focus).map(|thread| thread.thread_id.as_str()).unwrap_or_default();
        format!("{:?} {batch} {thread}", focus.pane)
    }

    #[test]
    fn keys_move_the_selection() {
        let report = Made::of(PLAN).report();
        let table = [
            // Beyond the end of a batch is the next one that has threads.
            ("", "Threads 01.01 01.01.01"),
            ("j", "Threads 01.01 01.01.02"),
            ("jj", "Threads 01.03 01.03.01"),
            ("jjk", "Threads 01.01 01.01.02"),
            ("jjjjjj", "Threads 01.03 01.03.02"),
            ("k", "Threads 01.01 01.01.01"),
            // From an empty batch to both sides.
            ("l", "Threads 01.02 "),
            ("lj", "Threads 01.03 01.03.01"),
            ("lk", "Threads 01.01 01.01.02"),
            ("l\n", "Threads 01.02 "),
            ("\t]", "Threads 01.03 01.03.01"),
            ("]]]h[[", "Threads 01.01 01.01.01"),
            // Pages end with the batch, then go on.
            (">", "Threads 01.01 01.01.02"),
            (">>", "Threads 01.03 01.03.01"),
            (">><", "Threads 01.01 01.01.02"),
            ("$", "Threads 01.01 01.01.02"),
            ("$^", "Threads 01.01 01.01.01"),
            // In the detail they scroll, and the sides are other threads.
            ("\njj", "Detail 01.01 01.01.01"),
            ("\nlll", "Detail 01.03 01.03.02"),
            ("\nl!", "Threads 01.01 01.01.02"),
            // In the plan they move from batch to batch.
            ("pj", "Plan 01.02 "),
            ("p$\n", "Threads 01.03 01.03.01"),
            ("p>^p", "Threads 01.01 01.01.01"),
            // Following again.
            ("jj\nf", "Threads 01.01 01.01.01"),
            // What a filter hides cannot be selected.
            ("jbj\n", "Threads 01.01 "),
            ("jj?jk?", "Threads 01.03 01.03.01"),
        ];
        for (keys, expected) in table {
            assert_eq!(after(&mut Focus::default(), &report, keys), expected, "{keys:?}");
        }
    }

    #[test]
    fn the_detail_scrolls_as_far_as_there_are_lines() {
        let report = Made::of(PLAN).report();
        for (keys, scrolled) in
            [("jj", 2), ("jjk", 1), ("k", 0), (">", 9), (">>>>>", 30), ("$<", 21), ("$^", 0), ("$l", 0)]
        {
            let mut focus = Focus::default();
            after(&mut focus, &report, "\n");
            after(&mut focus, &report, keys);
            assert_eq!(focus.scrolled, scrolled, "{keys:?}");
        }
    }

    #[test]
    fn only_plain_keys_move_and_some_end_it() {
        let report = Made::of(PLAN).report();
        let press = |code, modifiers| {
            let mut focus = Focus::default();
            let ends = focus.press(KeyEvent::new(code, modifiers), Some(&report), Extent::default());
            (ends, focus == Focus::default())
        };
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), (true, true));
        assert_eq!(press(KeyCode::Char('b'), KeyModifiers::CONTROL), (false, true));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::ALT), (false, true));
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::SHIFT), (false, false));
        assert_eq!(press(KeyCode::Esc, KeyModifiers::NONE), (true, true));
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::NONE), (true, true));
    }

    #[test]
    fn the_selection_survives_changes_of_the_plan() {
        let made = Made::of(PLAN);
        let mut focus = Focus::default();
        after(&mut focus, &made.report(), "jj");
        // Its batch stays, it goes: the thread before its place, or the first.
        made.write("001-search/PLAN.md", &PLAN.replace("###### Thread 1: Parser\n", ""));
        assert_eq!(after(&mut focus, &made.report(), ""), "Threads 01.03 01.03.02");
        // The batch goes too: the one that comes next.
        let (short, _) = PLAN.split_once("##### Batch 3").unwrap();
        made.write("001-search/PLAN.md", short);
        assert_eq!(after(&mut focus, &made.report(), ""), "Threads 01.01 01.01.02");
        made.write("001-search/PLAN.md", "# Plan: Nothing\n");
        assert_eq!(after(&mut focus, &made.report(), "jkl>$"), "Threads  ");
        // All comes back.
        made.write("001-search/PLAN.md", PLAN);
        assert_eq!(after(&mut focus, &made.report(), ""), "Threads 01.03 01.03.01");
    }
}
