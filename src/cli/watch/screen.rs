//! The terminal: taken over as a whole, and given back however the program ends.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::Sender;

use ratatui::DefaultTerminal;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{Clear, ClearType};
use ratatui::layout::Rect;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Wake, send};

/// The whole terminal, until this is closed or dropped. A panic gives it back too.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    is_open: bool,
}

impl Screen {
    /// Returns whether there is a terminal to draw on and to hear keys from.
    pub(super) fn is_possible() -> bool {
        io::stdout().is_terminal() && io::stdin().is_terminal()
    }

    /// Takes the terminal over; its keys and sizes, and the signals that end a program, are told to `wakes`.
    pub(super) fn open(wakes: Sender<Wake>) -> io::Result<Self> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
        // One that is half taken over is given back.
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore())?;
        let of_signals = wakes.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                if !send(&of_signals, Wake::Signal(signal)) {
                    break;
                }
            }
        });
        std::thread::spawn(move || listen(&wakes));
        Ok(Self { terminal, is_open: true })
    }

    /// Draws what has changed.
    pub(super) fn draw(&mut self, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame.area(), frame.buffer_mut()))?;
        Ok(())
    }

    /// Returns how many lines it has.
    pub(super) fn height(&self) -> u16 {
        self.terminal.size().map_or(24, |size| size.height)
    }

    /// Gives the terminal back.
    pub(super) fn close(&mut self) {
        if std::mem::take(&mut self.is_open) {
            // If the terminal is gone there is nothing to give back. What is drawn is wiped first: some
            // terminals keep it when they have grown meanwhile.
            let _ = execute!(io::stdout(), Clear(ClearType::All));
            let _ = ratatui::try_restore();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
    }
}

fn listen(wakes: &Sender<Wake>) {
    loop {
        let wake = match event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => Wake::Key(key),
            Ok(Event::Resize(..)) => Wake::Resized,
            Ok(_) => continue,
            // No more keys; when the terminal itself goes, the kernel says so by a signal.
            Err(_) => break,
        };
        if !send(wakes, wake) {
            break;
        }
    }
}
