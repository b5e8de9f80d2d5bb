//! The file with the whole output of a run of checks. The commands write to it themselves, so that no output is ever in
//! the memory of this process; only its end is read.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::decide::MAX_OUTPUT_CHARS;
use crate::fault::{Error, Fault};
use crate::system::{log_options, open_locked};
use crate::wording::printable;

/// How much of the end of the output is read, in bytes: enough for [`MAX_OUTPUT_CHARS`] among escape sequences.
const TAIL_BYTES: u64 = 32 * 1024;

/// The log of one run.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
}

/// Opens a file to write to its end, and makes it if it is not there; only its owner may read it. It is locked as long as
/// it is open; `None`: another process, or another check of this one, has it. A link in its place is an error: it could
/// lead out of the workspace.
pub(super) fn open(path: &Path) -> Result<Option<File>, Error> {
    Ok(open_locked(&mut log_options(), path).map_err(Fault::io("write", path))?)
}

impl Log {
    /// Makes the log, or empties that of an earlier run. `file` is its file, open.
    pub(super) fn begin_anew(path: PathBuf, file: File) -> Result<Self, Error> {
        file.set_len(0).map_err(Fault::io("write", &path))?;
        Ok(Self { path, file })
    }

    /// Writes the heading of a command, and returns the offset at which its output begins.
    pub(super) fn begin(&mut self, command: &str) -> Result<u64, Error> {
        let to_end = self.file.seek(SeekFrom::End(0));
        to_end.and_then(|_| writeln!(self.file, "$ {command}")).map_err(Fault::io("write", &self.path))?;
        Ok(self.length())
    }

    /// Returns the file for the output of a command.
    pub(super) fn output(&self) -> Result<File, Error> {
        Ok(self.file.try_clone().map_err(Fault::io("open", &self.path))?)
    }

    /// Returns the length so far, in bytes.
    pub(super) fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Returns the path for people: from the root on if that is the folder of the work, and the log is below it.
    pub(super) fn shown(&self, root: &Path, folder: &Path) -> String {
        let short = self.path.strip_prefix(root).ok().filter(|_| folder == root);
        short.unwrap_or(&self.path).display().to_string()
    }

    /// Returns the end of the output that begins at `start`, as text without colours: at most [`MAX_OUTPUT_CHARS`].
    pub(super) fn tail(&self, start: u64) -> String {
        let length = self.length();
        // A command can empty the file, as by `> /dev/stdout`: then all that is there came after that.
        let start = if start <= length { start } else { 0 };
        let from = start.max(length.saturating_sub(TAIL_BYTES));
        let mut bytes = Vec::new();
        let mut file = &self.file;
        let read = file.seek(SeekFrom::Start(from)).and_then(|_| file.take(TAIL_BYTES).read_to_end(&mut bytes));
        if let Err(error) = read {
            return format!("(its output cannot be read: {error})");
        }
        tail_of(&String::from_utf8_lossy(&bytes))
    }
}

fn tail_of(text: &str) -> String {
    let plain = anstream::adapter::strip_str(text).to_string();
    // Of a line that was drawn again and again, such as a progress bar, only the last one counts.
    let lines: Vec<&str> = plain
        .lines()
        .map(|line| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().trim_end())
        .collect();
    let text = printable(lines.join("\n").trim());
    let length = text.chars().count();
    if length <= MAX_OUTPUT_CHARS {
        return text;
    }
    let end: String = text.chars().skip(length - MAX_OUTPUT_CHARS + 1).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_output_is_plain_text() {
        assert_eq!(tail_of("\n\u{1b}[31merror\u{1b}[0m: x\n\nat y  \r\n"), "error: x\n\nat y");
        assert_eq!(tail_of("10 %\r50 %\r100 %\ndone\u{7}\n"), "100 %\ndone");
        let long = tail_of(&"ä\n".repeat(5_000));
        assert_eq!((long.chars().count(), long.starts_with('…')), (MAX_OUTPUT_CHARS, true));
    }
}
