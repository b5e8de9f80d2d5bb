//! The answer on stdout, as a page or as JSON.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::ColorChoice;
use serde::Serialize;

use super::exit;
use super::page::{Page, WIDTH, escaped};
use crate::decide::Code;

/// How answers are printed: as JSON or as text, with colours or without.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    json: bool,
    colour: bool,
}

impl Output {
    /// Returns the output for the options `--json` and `--color`. `--color auto` colours what goes to a terminal,
    /// unless the environment says otherwise (`NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM`).
    pub(super) fn new(json: bool, choice: ColorChoice) -> Self {
        let colour = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        };
        Self { json, colour }
    }

    pub(super) fn is_json(self) -> bool {
        self.json
    }

    pub(super) fn as_json(self) -> Self {
        Self { json: true, ..self }
    }

    pub(super) fn as_text(self) -> Self {
        Self { json: false, ..self }
    }

    /// Returns an empty page: as wide as [`WIDTH`] on a terminal, and without a limit elsewhere, so that no name is cut
    /// that a program reads.
    #[expect(clippy::unused_self, reason = "whoever prints has an output")]
    pub(super) fn page(self) -> Page {
        Page::of_width(if io::stdout().is_terminal() { WIDTH } else { usize::MAX })
    }

    /// Prints a page, and returns the exit code of [`Output::write`].
    pub(super) fn print(self, page: Page) -> ExitCode {
        self.write(&page.finish(self.colour))
    }

    /// Prints an answer as indented JSON, with characters escaped that a terminal must not get.
    pub(super) fn print_json(self, answer: &impl Serialize) -> ExitCode {
        match serde_json::to_string_pretty(answer) {
            Ok(json) => self.write(&(escaped(&json) + "\n")),
            Err(error) => exit::fail(self.json, Code::Io, &error.to_string(), None),
        }
    }

    /// Writes an answer as JSON in one line, and returns whether it was written.
    #[expect(clippy::unused_self, reason = "whoever prints has an output")]
    pub(super) fn write_json_line(self, answer: &impl Serialize) -> bool {
        serde_json::to_string(answer).is_ok_and(|json| written(&(escaped(&json) + "\n")).is_ok())
    }

    /// Writes a page, and returns whether it was written.
    pub(super) fn write_page(self, page: Page) -> bool {
        written(&page.finish(self.colour)).is_ok()
    }

    /// Writes a text to stdout and returns the exit code: 0, or 6 if it cannot be written. A closed pipe is no error:
    /// the reader, such as `head`, has enough.
    pub(super) fn write(self, text: &str) -> ExitCode {
        match written(text) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                exit::fail(self.json, Code::Io, &format!("it is done, but the answer cannot be printed: {error}"), None)
            }
            _ => ExitCode::SUCCESS,
        }
    }
}

/// Writes a text to stdout.
fn written(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}
