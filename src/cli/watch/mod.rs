//! `work watch [--once] [--bell] [--notify COMMAND]`: the live board.
//!
//! It sleeps until the store reports a change, a key is pressed, a signal comes, the terminal changes its size, a
//! command of `--notify` has ended, or a time on the screen is out of date. It must never poll, and it must never write
//! to the workspace.

mod detail;
#[cfg(test)]
mod drawing;
mod focus;
mod help;
mod list;
mod live;
#[cfg(test)]
mod made;
mod notices;
mod notifier;
mod once;
mod paint;
mod plan;
mod screen;
#[cfg(test)]
mod tests;
mod view;

use std::process::ExitCode;
use std::sync::mpsc::Sender;

use ratatui::crossterm::event::KeyEvent;

use self::live::Alerts;
pub(super) use self::live::{Beside, beside_run};
use self::screen::Screen;
use super::report::read;
use super::{Session, exit};
use crate::clock::{Clock as _, SystemClock};
use crate::decide::{Code, PersonRequest, Scope};

const AFTER_KEYS: &str = "
A notice is given when a gate opens, when a batch is blocked, and when a batch ends.
The command of --notify runs in a shell, with these variables in its environment:
  WORK_EVENT        gate, blocked or batch_ended
  WORK_MESSAGE      what has happened, in one line
  WORK_WORKSTREAM   the workstream
  WORK_BATCH        the batch; empty for a gate
Without a terminal, --notify goes on until it is ended, and prints each message in a line.

Examples:
  work watch
  work watch --bell
  work watch --notify 'notify-send work \"$WORK_MESSAGE\"'
  nohup work watch --notify 'test $WORK_EVENT != gate || mail -s \"$WORK_MESSAGE\" ann </dev/null' &
  work watch --once | less";

#[derive(Debug, Default, clap::Args)]
#[command(after_help = help::text() + AFTER_KEYS)]
pub(super) struct Arguments {
    /// Print one frame and leave
    #[arg(long)]
    once: bool,
    /// Ring the terminal's bell when a gate opens, a batch is blocked or a batch ends
    #[arg(long, conflicts_with = "once")]
    bell: bool,
    /// Run a command in a shell when a gate opens, a batch is blocked or a batch ends
    #[arg(long, value_name = "COMMAND", conflicts_with = "once")]
    notify: Option<String>,
}

/// What wakes the loop up.
#[derive(Debug)]
enum Wake {
    /// The workspace may have changed.
    Files,
    Key(KeyEvent),
    /// The terminal has a new size.
    Resized,
    /// A command of `--notify` has ended, with what went wrong.
    Notified(Option<String>),
    /// A signal whose default action ends a program.
    Signal(i32),
    /// The run beside which the board is shown has ended.
    RunEnded,
}

/// Returns whether the board can be shown.
pub(super) fn is_possible() -> bool {
    Screen::is_possible()
}

impl Arguments {
    /// Watches until a person quits or a signal comes. With `--json` or `--once` it prints once, and needs no terminal.
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let alerts = Alerts { bell: self.bell, notify: self.notify };
        if session.output.is_json() && (alerts.bell || alerts.notify.is_some()) {
            let hint = "leave --json away, or --bell and --notify";
            return exit::fail(true, Code::InvalidArgument, "--json prints once and gives no notices", Some(hint));
        }
        let store = match session.store() {
            Ok(store) => store,
            Err(code) => return code,
        };
        if session.output.is_json() {
            return session.carry_out(&PersonRequest::Report(Scope::Workstream), super::render::Form::Plain);
        }
        if self.once {
            return match read(store.as_ref()) {
                Ok(report) => session.output.print(once::frame(&Ok(report), SystemClock.now(), &session.words)),
                Err(stopped) => session.stopped(&stopped),
            };
        }
        let ended = match alerts.notify {
            _ if Screen::is_possible() => live::watch(store.as_ref(), &session.words, alerts),
            Some(command) => live::notify(store.as_ref(), session, command),
            None => {
                let hint = "print one frame with work watch --once, or see work status";
                return exit::fail(false, Code::InvalidArgument, "work watch needs a terminal", Some(hint));
            }
        };
        ended.unwrap_or_else(|stopped| session.stopped(&stopped))
    }
}

/// Sends a wake-up. Returns whether the loop still runs.
fn send(sender: &Sender<Wake>, wake: Wake) -> bool {
    sender.send(wake).is_ok()
}
