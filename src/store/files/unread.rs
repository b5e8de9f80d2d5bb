//! Faults of files of the state that cannot be read or must not be written. They name the file and the place in it.

use std::io;
use std::path::Path;

use super::disk::ReadError;
use crate::fault::Fault;
use crate::format::json::without_place;
use crate::format::markers::marker_line;

/// The largest file of the state that is read or written, in bytes: index.json, threads.json, agents.yaml or
/// tasks.json.
pub const MAX_STATE_BYTES: u64 = 64 * 1024 * 1024;

/// The longest reason in such a fault, in characters.
pub(super) const MAX_WHY_CHARS: usize = 300;

/// The reason for a symbolic link in the place of a file or folder of the workspace.
const LINKED: &str = "it is a symbolic link; only what stands in the workspace itself is read or written";

/// Returns the fault of a file of the state that was not read.
pub(super) fn unreadable_file(path: &Path, unread: ReadError) -> Fault {
    unreadable_within(path, unread, MAX_STATE_BYTES)
}

/// Returns the fault of a file that was not read; `limit` is the most bytes that it may have. A failure of the system
/// is [`Fault::Io`], since the file is not to blame.
pub(super) fn unreadable_within(path: &Path, unread: ReadError, limit: u64) -> Fault {
    match why_unread(unread, limit) {
        Ok(why) => Fault::StateUnreadable { path: path.to_owned(), at: None, why },
        Err(error) => Fault::io("read", path)(error),
    }
}

/// Returns what is wrong with the file. If the system failed, returns its error.
pub(super) fn why_unread(unread: ReadError, limit: u64) -> io::Result<String> {
    Ok(match unread {
        ReadError::Absent => "it does not exist".to_owned(),
        ReadError::Link => LINKED.to_owned(),
        ReadError::NoFile => "it is no regular file".to_owned(),
        ReadError::TooLarge(bytes) => format!("it has {bytes} bytes, the limit is {limit}"),
        ReadError::Io(error) => return Err(error),
    })
}

/// Returns the fault of a file with conflict markers; `None` if it has none.
pub(super) fn conflicted(path: &Path, text: &str) -> Option<Fault> {
    marker_line(text).map(|line| Fault::Conflicted { path: path.to_owned(), line })
}

/// Returns the fault of a file whose JSON cannot be used, with the line and the column.
pub(crate) fn unreadable(path: &Path, error: &serde_json::Error) -> Fault {
    let at = (error.line() > 0).then(|| (error.line(), error.column().max(1)));
    let why = if at.is_some() { without_place(error) } else { error.to_string() };
    // A message can repeat a text of the file, and that can be long.
    let why = why.chars().take(MAX_WHY_CHARS).collect();
    Fault::StateUnreadable { path: path.to_owned(), at, why }
}

/// Returns the fault of a file that was read, but must not be written over: it has a key twice, for example. The fault
/// has no place, since that of the error can be one in a part of the file.
pub(crate) fn unwritable(path: &Path, error: &serde_json::Error) -> Fault {
    Fault::StateUnreadable { path: path.to_owned(), at: None, why: without_place(error) }
}
