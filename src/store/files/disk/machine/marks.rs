//! Marks of a folder, which only Linux has: open file description locks of single bytes. A folder has no bytes to lock; the
//! kernel only compares the ranges.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use nix::fcntl::{FcntlArg, fcntl};

use crate::system::open;

/// Marks a folder with a number, until the result is closed.
pub(super) fn mark(folder: &Path, number: u64) -> Option<File> {
    let file = open(OpenOptions::new().read(true), folder).ok()?;
    // A read lock: several processes can have the same number, and the folder need not be writable.
    fcntl(&file, FcntlArg::F_OFD_SETLK(&byte_range(number, 1, libc::F_RDLCK)?)).ok()?;
    Some(file)
}

/// Returns those of `numbers` that the folder is marked with.
pub(super) fn marks(folder: &Path, numbers: &[u64]) -> io::Result<Vec<u64>> {
    let file = open(OpenOptions::new().read(true), folder)?;
    let mut marks = Vec::new();
    for number in numbers {
        if is_marked(&file, *number, 1)? {
            marks.push(*number);
        }
    }
    Ok(marks)
}

/// Returns whether the folder has another mark that is lower than `number`.
pub(super) fn is_behind(folder: &File, number: u64) -> bool {
    // No number is lower than 0, and a range of length 0 would mean all of them. If the system does not tell, the
    // waiter acts as if it were first.
    number > 0 && is_marked(folder, 0, number).unwrap_or_default()
}

/// Returns a lock of the bytes that stand for `count` numbers from `first`.
fn byte_range(first: u64, count: u64, kind: i32) -> Option<libc::flock> {
    Some(libc::flock {
        l_type: kind.try_into().ok()?,
        l_whence: libc::SEEK_SET.try_into().ok()?,
        l_start: first.try_into().ok()?,
        l_len: count.try_into().ok()?,
        l_pid: 0,
    })
}

/// Returns whether another mark of the folder has one of these numbers. It asks the kernel which lock would conflict
/// with a write lock of the range. The write lock is never taken.
fn is_marked(folder: &File, first: u64, count: u64) -> io::Result<bool> {
    let Some(mut asked) = byte_range(first, count, libc::F_WRLCK) else { return Ok(false) };
    fcntl(folder, FcntlArg::F_OFD_GETLK(&mut asked))?;
    Ok(i32::from(asked.l_type) != libc::F_UNLCK)
}
