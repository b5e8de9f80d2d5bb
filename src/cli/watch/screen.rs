//! The terminal, which `work watch` takes over as a whole. However the program ends, it must be given back as it was.

use std::io::{self, IsTerminal as _};
use std::mem::ManuallyDrop;
use std::sync::mpsc::Sender;

use ratatui::DefaultTerminal;
use ratatui::buffer::Buffer;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::crossterm::execute;
use ratatui::crossterm::style::Print;
use ratatui::crossterm::terminal::{Clear, ClearType};
use ratatui::layout::Rect;

use super::{Wake, send};
use crate::system;

/// The whole terminal, until this is closed or dropped. A panic gives it back too.
pub(super) struct Screen {
    /// Never dropped: that shows the cursor, and panics where the terminal is gone.
    terminal: ManuallyDrop<DefaultTerminal>,
    /// Whether it is not given back yet.
    is_open: bool,
}

impl Screen {
    /// Returns whether stdout is a terminal to draw on, and stdin one to read keys from.
    pub(super) fn is_possible() -> bool {
        io::stdout().is_terminal() && io::stdin().is_terminal()
    }

    /// Takes the terminal over. From then on keys, new sizes and the signals that end a program are sent to `wakes`.
    pub(super) fn open(wakes: Sender<Wake>) -> io::Result<Self> {
        // Before the terminal is taken over: the default action of a signal would leave it as it is.
        let of_signals = wakes.clone();
        system::on_ending_signals(move |signal| send(&of_signals, Wake::Signal(signal)))?;
        // Taking over has several steps. If one fails, undo those before it.
        let terminal = ratatui::try_init().inspect_err(|_| ratatui::restore())?;
        std::thread::spawn(move || listen(&wakes));
        Ok(Self { terminal: ManuallyDrop::new(terminal), is_open: true })
    }

    /// Draws a frame. Only the cells that changed are written to the terminal.
    pub(super) fn draw(&mut self, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame.area(), frame.buffer_mut()))?;
        Ok(())
    }

    /// Rings the bell. The terminal decides what that is: a sound, a flash, a mark at its window.
    pub(super) fn ring(&mut self) {
        // An error means that the terminal is gone, which the next frame says.
        let _ = execute!(self.terminal.backend_mut(), Print('\u{7}'));
    }

    /// Gives the terminal back. Does nothing the second time.
    pub(super) fn close(&mut self) {
        if std::mem::take(&mut self.is_open) {
            // Clear the screen first: a terminal that has grown meanwhile may keep what was drawn. The errors can be
            // ignored: they mean that the terminal is gone, and there is nothing to give back.
            let _ = execute!(io::stdout(), Clear(ClearType::All), Show);
            let _ = ratatui::try_restore();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
    }
}

/// Sends keys and new sizes to the loop, until the loop or the terminal has ended.
fn listen(wakes: &Sender<Wake>) {
    loop {
        let wake = match event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => Wake::Key(key),
            Ok(Event::Resize(..)) => Wake::Resized,
            Ok(_) => continue,
            // There are no more keys. If the terminal is gone, the kernel sends SIGHUP, which ends the loop.
            Err(_) => break,
        };
        if !send(wakes, wake) {
            break;
        }
    }
}
