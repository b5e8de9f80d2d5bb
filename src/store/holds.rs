//! Where this process is at work (DESIGN §3, which workstream): what a call means that names no workstream.
//!
//! The uuid of a server process is drawn for it alone, so only a workstream that this very process has written can
//! name it. Those are kept here, as hints: whether it still holds anything in one is asked of what is stored now.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::decide::Refusal;
use crate::fault::Error;

/// The workstreams in which this process has held a cycle or run an attempt when it last wrote them.
#[derive(Debug, Default)]
pub(super) struct Holds {
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// Counts the writes.
    writes: u64,
    /// Which of them was the last, by the id of the workstream.
    last: BTreeMap<String, u64>,
}

impl Holds {
    /// Keeps that the process holds something in a workstream that it has just written.
    pub(super) fn note(&self, workstream: &str) {
        let mut written = self.written();
        written.writes += 1;
        let write = written.writes;
        written.last.insert(workstream.to_owned(), write);
    }

    /// Returns all in which the process may hold something.
    #[cfg(feature = "postgres")]
    pub(super) fn noted(&self) -> Vec<String> {
        self.written().last.keys().cloned().collect()
    }

    /// Returns the workstream in which the process holds something, as `holds` finds out for each that it can be; a
    /// refusal where there are several.
    pub(super) fn only(&self, mut holds: impl FnMut(&str) -> Result<bool, Error>) -> Result<Option<String>, Error> {
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

    /// A write that came after the look may have taken hold again: then it stays.
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
    fn one_is_meant_and_several_are_refused() {
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
    fn what_is_written_during_a_look_is_not_forgotten() {
        let holds = Holds::default();
        holds.note("001-a");
        // The look finds nothing; meanwhile another call takes hold.
        let looked = holds.only(|id| {
            holds.note(id);
            Ok(false)
        });
        assert_eq!(looked.unwrap(), None);
        assert_eq!(holds.only(|_| Ok(true)).unwrap().as_deref(), Some("001-a"));
        holds.only(|_| Ok(false)).unwrap();
        assert_eq!(holds.only(|_| Ok(true)).unwrap(), None, "it is not asked for any more");
    }
}
