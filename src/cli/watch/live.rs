//! The loops of `work watch`: with a screen, and without one for `--notify`. They sleep until something wakes them up.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::super::Session;
use super::super::exit::{self, of_signal};
use super::super::page::{Page, one_line};
use super::super::report::read;
use super::focus::{Extent, Focus};
use super::notices::{Notice, notices};
use super::notifier::Notifier;
use super::screen::Screen;
use super::view::{Picture, View, stays_true_for};
use super::{Wake, send};
use crate::clock::{Clock as _, SystemClock};
use crate::decide::Report;
use crate::fault::{Error, Fault};
use crate::store::{Store, Watch};
use crate::system::HANG_UP;
use crate::words::{PersonWords, next_step};

/// How long to wait after a notification of the store before reading: one commit causes several of them.
const SETTLE: Duration = Duration::from_millis(40);

/// The number of the signal of Ctrl-C.
const INTERRUPT: i32 = 2;

/// How notices are given, beside the screen.
#[derive(Debug)]
pub(super) struct Alerts {
    /// Whether the terminal rings.
    pub(super) bell: bool,
    /// The command that is run.
    pub(super) notify: Option<String>,
}

/// What ends the board.
enum Leave {
    /// A key or a signal.
    AtOnce,
    /// The end of a run, which is sent the number of a signal where a key or a signal would end the board.
    WithRun(Sender<i32>),
}

/// The board beside a run, as the run sees it.
pub(in super::super) struct Beside(Sender<Wake>);

impl Beside {
    /// Shows a sentence in place of the keys.
    pub(in super::super) fn note(&self, told: String) {
        send(&self.0, Wake::Notified(Some(told)));
    }

    /// Closes the board: the run has ended.
    pub(in super::super) fn end(&self) {
        send(&self.0, Wake::RunEnded);
    }
}

/// The board on a screen.
struct Board<'b> {
    words: &'b PersonWords,
    focus: Focus,
    extent: Extent,
    /// Whether the terminal rings.
    bell: bool,
    notifier: Option<Notifier>,
    /// What went wrong beside the files.
    trouble: Option<String>,
    leave: Leave,
}

/// Shows the live board and returns the exit code. The terminal is given back before this returns.
pub(super) fn watch(store: &dyn Store, words: &PersonWords, alerts: Alerts) -> Result<ExitCode, Error> {
    show(store, words, alerts, Leave::AtOnce, |_| ())
}

/// Shows the live board until a run ends, which `start` starts. A key or a signal that would end the board is told to the
/// run by `to_run`: Ctrl-C is a key while a screen is open.
pub(in super::super) fn beside_run(
    store: &dyn Store,
    words: &PersonWords,
    to_run: Sender<i32>,
    start: impl FnOnce(Beside),
) -> Result<(), Error> {
    let alerts = Alerts { bell: false, notify: None };
    show(store, words, alerts, Leave::WithRun(to_run), |wakes| start(Beside(wakes))).map(drop)
}

/// Shows the live board. `opened` gets what wakes it up, once the screen is open.
fn show(
    store: &dyn Store,
    words: &PersonWords,
    alerts: Alerts,
    leave: Leave,
    opened: impl FnOnce(Sender<Wake>),
) -> Result<ExitCode, Error> {
    // If the report cannot be read now, the error is printed like that of any command, without a screen.
    let before = read(store)?;
    let (sender, wakes) = mpsc::channel();
    let tell = sender.clone();
    let mut files = store.watch(Box::new(move || {
        // An error means that the loop has ended.
        let _ = tell.send(Wake::Files);
    }))?;
    let tell = sender.clone();
    let tell = move |trouble| {
        send(&tell, Wake::Notified(trouble));
    };
    let mut screen = Screen::open(sender.clone()).map_err(Fault::io("open", "the terminal"))?;
    opened(sender);
    let mut board = Board {
        words,
        focus: Focus::default(),
        extent: Extent::default(),
        bell: alerts.bell,
        notifier: alerts.notify.map(|command| Notifier::start(command, tell)),
        trouble: None,
        leave,
    };
    let watched = board.run(store, before, files.as_mut(), &mut screen, &wakes);
    screen.close();
    watched
}

impl Board<'_> {
    /// Reads and draws, again and again, until a key or a signal ends it. A report that cannot be read is shown as an
    /// error on the screen, until it can be read again.
    fn run(
        &mut self,
        store: &dyn Store,
        mut before: Report,
        files: &mut dyn Watch,
        screen: &mut Screen,
        wakes: &Receiver<Wake>,
    ) -> Result<ExitCode, Error> {
        loop {
            // Follow first, then read: a change in between is noticed. The other way round it would be missed.
            let followed = files.follow(store.selected(None).ok().as_deref());
            // A run does not end because the board cannot follow it.
            if let Leave::AtOnce = self.leave {
                followed?;
            }
            let view = read(store).map_err(|stopped| stopped.to_string());
            if let Ok(report) = &view {
                self.tell(notices(&before, report, self.words), screen);
            }
            if let Some(code) = self.show(&view, screen, wakes)? {
                return Ok(code);
            }
            if let Ok(report) = view {
                before = report;
            }
        }
    }

    /// Draws the same report again after a key, after a new size, and when a time has to show another value. Returns
    /// when the files change, or with the exit code.
    fn show(&mut self, view: &View, screen: &mut Screen, wakes: &Receiver<Wake>) -> Result<Option<ExitCode>, Error> {
        loop {
            let (focus, trouble) = (&self.focus, self.trouble.as_deref());
            let picture = Picture { view, focus, has_keys: true, trouble, now: SystemClock.now(), words: self.words };
            let mut extent = Extent::default();
            screen
                .draw(|area, buffer| extent = picture.draw(area, buffer))
                .map_err(Fault::io("draw on", "the terminal"))?;
            self.extent = extent;
            match wait(wakes, stays_true_for(view, SystemClock.now())) {
                None => {}
                Some(Wake::Files) => {
                    // Wait until the changes have settled, but not for ever: where something changes all the time, the
                    // screen must be drawn too.
                    let last = Instant::now() + SETTLE * 5;
                    while let Some(wake) = wait(wakes, Some(SETTLE)) {
                        if let Some(code) = self.wakes_up(wake, view) {
                            return Ok(Some(code));
                        }
                        if Instant::now() >= last {
                            break;
                        }
                    }
                    return Ok(None);
                }
                Some(wake) => {
                    if let Some(code) = self.wakes_up(wake, view) {
                        return Ok(Some(code));
                    }
                }
            }
        }
    }

    /// Does what a wake-up asks for that needs no new report. Returns the exit code if it ends the program.
    fn wakes_up(&mut self, wake: Wake, view: &View) -> Option<ExitCode> {
        match wake {
            Wake::Files | Wake::Resized => None,
            Wake::Notified(trouble) => {
                self.trouble = trouble;
                None
            }
            Wake::RunEnded => Some(ExitCode::SUCCESS),
            Wake::Signal(signal) => self.asked_to_end(signal, ExitCode::from(of_signal(signal))),
            Wake::Key(key) => {
                let ends = self.focus.press(key, view.as_ref().ok(), self.extent);
                if ends { self.asked_to_end(INTERRUPT, ExitCode::SUCCESS) } else { None }
            }
        }
    }

    /// Returns the exit code, or tells the run beside the board that it should end.
    fn asked_to_end(&self, signal: i32, code: ExitCode) -> Option<ExitCode> {
        match &self.leave {
            Leave::AtOnce => Some(code),
            Leave::WithRun(run) => run.send(signal).is_err().then_some(code),
        }
    }

    /// Gives notices to the person.
    fn tell(&mut self, notices: Vec<Notice>, screen: &mut Screen) {
        if self.bell && !notices.is_empty() {
            screen.ring();
        }
        for notice in notices {
            if let Some(notifier) = &self.notifier {
                self.trouble = notifier.notify(notice).or_else(|| self.trouble.take());
            }
        }
    }
}

/// Without a terminal: prints each notice in a line and runs the command for it, until a signal comes or nobody reads the
/// lines any more.
pub(super) fn notify(store: &dyn Store, session: &Session, command: String) -> Result<ExitCode, Error> {
    let mut before = read(store)?;
    let (sender, wakes) = mpsc::channel();
    let tell = sender.clone();
    let mut files = store.watch(Box::new(move || {
        let _ = tell.send(Wake::Files);
    }))?;
    let notifier = Notifier::start(command, move |trouble| {
        send(&sender, Wake::Notified(trouble));
    });
    // Where it stands, in place of a screen. From here on a change is noticed.
    let next = next_step(&before.status, &session.words);
    if !print(session, &format!("{}: next: {next}", before.status.workstream)) {
        return Ok(ExitCode::SUCCESS);
    }
    let mut trouble = None;
    loop {
        files.follow(store.selected(None).ok().as_deref())?;
        let now = match read(store) {
            Ok(report) => {
                for notice in notices(&before, &report, &session.words) {
                    if !print(session, &notice.message) {
                        return Ok(ExitCode::SUCCESS);
                    }
                    trouble_of(notifier.notify(notice));
                }
                before = report;
                None
            }
            Err(stopped) => Some(stopped.to_string()),
        };
        if now != trouble {
            trouble_of(now.clone());
            trouble = now;
        }
        // Wait for a change of the files, then until the changes have settled.
        loop {
            match wait(&wakes, None) {
                Some(Wake::Notified(trouble)) => trouble_of(trouble),
                Some(Wake::Files) => break,
                _ => {}
            }
        }
        let last = Instant::now() + SETTLE * 5;
        while Instant::now() < last {
            match wait(&wakes, Some(SETTLE)) {
                Some(Wake::Notified(trouble)) => trouble_of(trouble),
                Some(_) => {}
                None => break,
            }
        }
    }
}

/// Prints a line. Returns whether somebody still reads.
fn print(session: &Session, line: &str) -> bool {
    let mut page = Page::default();
    let _ = page.write_str(&one_line(line));
    session.output.write_page(page)
}

/// Says on stderr what went wrong.
fn trouble_of(trouble: Option<String>) {
    if let Some(trouble) = trouble {
        exit::note(false, &trouble);
    }
}

/// Waits for the next wake-up; `None` if none comes within `time`. If no sender is left, nothing can wake the loop any
/// more, so that counts as SIGHUP.
fn wait(wakes: &Receiver<Wake>, time: Option<Duration>) -> Option<Wake> {
    match time {
        Some(time) => match wakes.recv_timeout(time) {
            Ok(wake) => Some(wake),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Wake::Signal(HANG_UP)),
        },
        None => Some(wakes.recv().unwrap_or(Wake::Signal(HANG_UP))),
    }
}
