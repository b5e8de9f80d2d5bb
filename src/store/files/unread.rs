//! Why a file of the state cannot be read or written, as a fault that names the file and the place in it.

use std::io;
use std::path::Path;

use super::disk::ReadError;
use crate::fault::Fault;
use crate::format::json::without_place;

/// The largest index.json, threads.json or agents.yaml that is read, in bytes.
pub const MAX_STATE_BYTES: u64 = 64 * 1024 * 1024;

/// How much is said of why a file cannot be read, in characters.
pub(super) const MAX_WHY_CHARS: usize = 300;

/// What is said of a symbolic link where a file or a folder of the workspace should stand.
const LINKED: &str = "it is a symbolic link; only what stands in the workspace itself is read or written";

/// Why a file of the state cannot be used.
pub(super) fn unreadable_file(path: &Path, unread: ReadError) -> Fault {
    unreadable_within(path, unread, MAX_STATE_BYTES)
}

/// Returns the fault of a file that was to be read up to `limit` bytes. Where the system fails, the file is not to
/// blame.
pub(super) fn unreadable_within(path: &Path, unread: ReadError, limit: u64) -> Fault {
    match why_unread(unread, limit) {
        Ok(why) => Fault::StateUnreadable { path: path.to_owned(), at: None, why },
        Err(error) => Fault::io("read", path)(error),
    }
}

/// Returns what is wrong with a file; the error where the system fails.
pub(super) fn why_unread(unread: ReadError, limit: u64) -> io::Result<String> {
    Ok(match unread {
        ReadError::Absent => "it does not exist".to_owned(),
        ReadError::Link => LINKED.to_owned(),
        ReadError::NoFile => "it is no regular file".to_owned(),
        ReadError::TooLarge(bytes) => format!("it has {bytes} bytes, the limit is {limit}"),
        ReadError::Io(error) => return Err(error),
    })
}

/// Returns the fault of a file whose JSON does not say what it should.
pub(crate) fn unreadable(path: &Path, error: &serde_json::Error) -> Fault {
    let at = (error.line() > 0).then(|| (error.line(), error.column().max(1)));
    let why = if at.is_some() { without_place(error) } else { error.to_string() };
    // A message can repeat what stands in the file, however long that is.
    let why = why.chars().take(MAX_WHY_CHARS).collect();
    Fault::StateUnreadable { path: path.to_owned(), at, why }
}

/// A file that was read but holds something that must not be written over, such as a key twice. The
/// place in the message can be that in a part of the file, so it is left out.
pub(crate) fn unwritable(path: &Path, error: &serde_json::Error) -> Fault {
    Fault::StateUnreadable { path: path.to_owned(), at: None, why: without_place(error) }
}
