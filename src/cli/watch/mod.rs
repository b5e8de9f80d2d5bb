//! `work watch [--once]`: the live board.
//!
//! It sleeps until the store reports a change, a key is pressed, a signal comes, the terminal changes its size, or a
//! time on the screen is out of date. It must never poll, and it must never write to the workspace.

mod screen;
mod view;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use signal_hook::consts::SIGHUP;

use self::screen::Screen;
use self::view::{Focus, View, draw, height, last_scroll, shown_batch, stays_true_for, tone_of};
use super::page::{Page, WIDTH};
use super::report::read;
use super::{Session, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::decide::{Code, PersonRequest, Scope};
use crate::fault::{Error, Fault};
use crate::store::{Store, Watch};
use crate::words::PersonWords;

/// The keys, as the footer shows them.
const KEYS: &str = "q quit  ↑↓ batch  PgUp PgDn  f follow";

/// How long to wait after a notification of the store before reading: one commit causes several of them.
const SETTLE: Duration = Duration::from_millis(40);

#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Keys: q, Esc or Ctrl-C quit; up and down look at other batches, f goes back to the one that runs;
page up and page down scroll its threads.

Examples:
  work watch
  work watch --once | less"
)]
pub(super) struct Arguments {
    /// Print one frame and leave
    #[arg(long)]
    once: bool,
}

/// What wakes the loop up.
#[derive(Debug)]
enum Wake {
    /// The workspace may have changed.
    Files,
    Key(KeyEvent),
    /// The terminal has a new size.
    Resized,
    /// A signal whose default action ends a program.
    Signal(i32),
}

impl Arguments {
    /// Watches until a person quits or a signal comes. With `--json` or `--once` it prints once, and needs no terminal.
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        if session.output.is_json() {
            return session.carry_out(&PersonRequest::Report(Scope::Workstream), super::render::Form::Plain);
        }
        if self.once {
            return match read(store.as_ref()) {
                Ok(report) => session.output.print(frame(&Ok(report), &session.words)),
                Err(stopped) => session.stopped(&stopped),
            };
        }
        if !Screen::is_possible() {
            let hint = "print one frame with work watch --once, or see work status";
            return exit::fail(
                session.output.is_json(),
                Code::InvalidArgument,
                "work watch needs a terminal",
                Some(hint),
            );
        }
        match watch(store.as_ref(), &session.words) {
            Ok(code) => code,
            Err(stopped) => session.stopped(&stopped),
        }
    }
}

/// Returns one frame as a page. It is drawn into a buffer as for a screen, and the cells are then written out.
fn frame(view: &View, words: &PersonWords) -> Page {
    let width = u16::try_from(WIDTH).unwrap_or(80);
    let focus = Focus::default();
    let area = Rect::new(0, 0, width, height(view, &focus, width));
    let mut buffer = Buffer::empty(area);
    draw(area, &mut buffer, view, &focus, "", SystemClock.now(), words);
    let mut page = Page::default();
    for y in 0..area.height {
        let mut row = String::new();
        let mut tone = None;
        let mut skip = 0_usize;
        for x in 0..area.width {
            // A wide character is in its first cell. The cell after it belongs to it and has no text of its own.
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let Some(cell) = buffer.cell((x, y)) else { continue };
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
            if tone_of(cell.style()) != tone {
                page.paint_if(tone, std::mem::take(&mut row));
                tone = tone_of(cell.style());
            }
            row.push_str(cell.symbol());
        }
        page.paint_if(tone, row.trim_end());
        let _ = page.write_char('\n');
    }
    page
}

/// Shows the live board and returns the exit code. The terminal is given back before this returns.
fn watch(store: &dyn Store, words: &PersonWords) -> Result<ExitCode, Error> {
    // If the report cannot be read now, the error is printed like that of any command, without a screen.
    read(store)?;
    let (sender, wakes) = mpsc::channel();
    let tell = sender.clone();
    let mut files = store.watch(Box::new(move || {
        // An error means that the loop has ended.
        let _ = tell.send(Wake::Files);
    }))?;
    let mut screen = Screen::open(sender).map_err(Fault::io("open", "the terminal"))?;
    let watched = run_loop(store, files.as_mut(), &mut screen, &wakes, words);
    screen.close();
    watched
}

/// Reads and draws, again and again, until a key or a signal ends it. A report that cannot be read is shown as an error
/// on the screen, until it can be read again.
fn run_loop(
    store: &dyn Store,
    files: &mut dyn Watch,
    screen: &mut Screen,
    wakes: &Receiver<Wake>,
    words: &PersonWords,
) -> Result<ExitCode, Error> {
    let mut focus = Focus::default();
    loop {
        // Follow first, then read: a change in between is noticed. The other way round it would be missed.
        files.follow(store.selected(None).ok().as_deref())?;
        let view = read(store).map_err(|stopped| stopped.to_string());
        // Until the files change, the same report is drawn again: after a key, after a new size, and when a time has to
        // show another value.
        loop {
            let now = SystemClock.now();
            screen
                .draw(|area, buffer| draw(area, buffer, &view, &focus, KEYS, now, words))
                .map_err(Fault::io("draw on", "the terminal"))?;
            match wait(wakes, stays_true_for(&view, SystemClock.now())) {
                None | Some(Wake::Resized) => {}
                Some(Wake::Files) => {
                    // Wait until the changes have settled, but not for ever: where something changes all the time, the
                    // screen must be drawn too.
                    let last = Instant::now() + SETTLE * 5;
                    while let Some(wake) = wait(wakes, Some(SETTLE)) {
                        match wake {
                            Wake::Files | Wake::Resized => {}
                            Wake::Signal(signal) => return Ok(ended_by(signal)),
                            Wake::Key(key) if quits(key) => return Ok(ExitCode::SUCCESS),
                            Wake::Key(key) => move_focus(key, &view, &mut focus, screen.height()),
                        }
                        if Instant::now() >= last {
                            break;
                        }
                    }
                    break;
                }
                Some(Wake::Signal(signal)) => return Ok(ended_by(signal)),
                Some(Wake::Key(key)) if quits(key) => return Ok(ExitCode::SUCCESS),
                Some(Wake::Key(key)) => move_focus(key, &view, &mut focus, screen.height()),
            }
        }
    }
}

/// Waits for the next wake-up; `None` if none comes within `time`. If no sender is left, nothing can wake the loop any
/// more, so that counts as SIGHUP.
fn wait(wakes: &Receiver<Wake>, time: Option<Duration>) -> Option<Wake> {
    match time {
        Some(time) => match wakes.recv_timeout(time) {
            Ok(wake) => Some(wake),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Wake::Signal(SIGHUP)),
        },
        None => Some(wakes.recv().unwrap_or(Wake::Signal(SIGHUP))),
    }
}

/// Returns the exit code of a program that a signal has ended: 128 and its number, as shells have it.
fn ended_by(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
}

/// Returns whether a key ends the program.
fn quits(key: KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
        || key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'd'))
}

/// Moves the focus as a key says, on a screen of `height` lines. Does nothing while no report is shown.
fn move_focus(key: KeyEvent, view: &View, focus: &mut Focus, height: u16) {
    // What the screen shows of the threads, less one line, which stays in view.
    let page = height.saturating_sub(5).max(1);
    let Ok(report) = view else { return };
    // The id of the batch that is `step` after the shown one; `None` at either end.
    let other = |step: isize| {
        let ids: Vec<&str> = report.batches().map(|batch| batch.id.as_str()).collect();
        let shown = shown_batch(report, focus)?;
        let at = ids.iter().position(|id| *id == shown.id)?;
        Some((*ids.get(at.checked_add_signed(step)?)?).to_owned())
    };
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => {
            if let Some(batch) = other(-1) {
                *focus = Focus { batch: Some(batch), scrolled: 0 };
            }
        }
        KeyCode::Down | KeyCode::Char('j') => {
            if let Some(batch) = other(1) {
                *focus = Focus { batch: Some(batch), scrolled: 0 };
            }
        }
        KeyCode::PageUp => focus.scrolled = focus.scrolled.saturating_sub(page),
        KeyCode::PageDown | KeyCode::Char(' ') => {
            focus.scrolled = focus.scrolled.saturating_add(page).min(last_scroll(report, focus, height));
        }
        KeyCode::Char('f') | KeyCode::Home => *focus = Focus::default(),
        _ => {}
    }
}

/// Sends a wake-up. Returns whether the loop still runs.
fn send(sender: &Sender<Wake>, wake: Wake) -> bool {
    sender.send(wake).is_ok()
}
