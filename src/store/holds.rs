//! The workstreams in which this process is at work: where it holds a cycle or runs an attempt. A call that names no
//! workstream means that one (DESIGN §3, "Which workspace, which workstream").
//!
//! A server draws its id at its start, so a stored state can name the server only if this process wrote it. So it is
//! enough to remember the workstreams that this process has written. The memory can be out of date: another call or a
//! person may have ended the hold since. So the stored state is asked again before a remembered workstream is used.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::decide::Refusal;
use crate::fault::Error;

/// The workstreams that this process has written, and in which it was at work after its last write.
#[derive(Debug, Default)]
pub(super) struct Holds {
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// How many writes were noted.
    writes: u64,
    /// The number of the last write to each workstream, by id.
    last: BTreeMap<String, u64>,
}

impl Holds {
    /// Remembers that the process was at work in `workstream` after a write. Call it after the commit.
    pub(super) fn note(&self, workstream: &str) {
        let mut written = self.written();
        written.writes += 1;
        let write = written.writes;
        written.last.insert(workstream.to_owned(), write);
    }

    /// Returns all remembered workstreams. The process may hold nothing in them any more.
    #[cfg(feature = "postgres")]
    pub(super) fn noted(&self) -> Vec<String> {
        self.written().last.keys().cloned().collect()
    }

    /// Returns the workstream in which the process is at work; `None` if there is none. `holds` asks the stored state
    /// of one workstream whether it names the process.
    ///
    /// # Errors
    ///
    /// [`Refusal::WorksInSeveral`] if there are several.
    pub(super) fn only(&self, mut holds: impl FnMut(&str) -> Result<bool, Error>) -> Result<Option<String>, Error> {
        // The memory is copied, since `holds` may read a disk or a database, and other calls must not wait for that.
        let noted = self.written().last.clone();
        let mut held = Vec::new();
        for (workstream, write) in noted {
            if holds(&workstream)? {
                held.push(workstream);
            } else {
                self.forget(&workstream, write);
            }
        }
        if held.len() > 1 {
            return Err(Refusal::WorksInSeveral { held }.into());
        }
        Ok(held.pop())
    }

    /// Forgets a workstream in which nothing was found. If another write was noted during the check, the process may
    /// hold something again, and the workstream stays.
    fn forget(&self, workstream: &str, write: u64) {
        let mut written = self.written();
        if written.last.get(workstream) == Some(&write) {
            written.last.remove(workstream);
        }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hold_is_meant_and_several_are_refused() {
        let holds = Holds::default();
        assert_eq!(holds.only(|_| Ok(true)).unwrap(), None);
        holds.note("001-a");
        assert_eq!(holds.only(|_| Ok(true)).unwrap().as_deref(), Some("001-a"));
        holds.note("002-b");
        let refused = holds.only(|_| Ok(true)).unwrap_err();
        assert!(
            matches!(&refused, Error::Refusal(Refusal::WorksInSeveral { held }) if held == &["001-a", "002-b"]),
            "{refused}"
        );
        assert_eq!(holds.only(|id| Ok(id == "002-b")).unwrap().as_deref(), Some("002-b"));
    }

    #[test]
    fn a_write_during_the_check_is_not_forgotten() {
        let holds = Holds::default();
        holds.note("001-a");
        // The check finds nothing; meanwhile another call takes hold.
        let checked = holds.only(|id| {
            holds.note(id);
            Ok(false)
        });
        assert_eq!(checked.unwrap(), None);
        assert_eq!(holds.only(|_| Ok(true)).unwrap().as_deref(), Some("001-a"));
        holds.only(|_| Ok(false)).unwrap();
        assert_eq!(holds.only(|_| Ok(true)).unwrap(), None, "it is not asked for any more");
    }
}
