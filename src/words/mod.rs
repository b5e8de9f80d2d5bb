//! PURE. The words of the two doors. Answers, refusals and faults carry facts; the tables here turn them into
//! sentences, commands and hints, one table per reader. So nothing below the doors has to know a command, a flag or the
//! name of a tool.
//!
//! Nothing here may decide anything. The table for models names a command that passes a gate only for the person to
//! run, and never `--force`.

mod agents;
mod notes;
mod people;

pub use agents::AgentWords;
pub(crate) use notes::not_there;
pub use people::{PersonWords, next_step, only_people_meet};
pub(crate) use people::{map_argument, settling};

use crate::plan::ThreadId;

impl AgentWords {
    /// Returns the words for people, about the same workspace. They are for resources, which are documents for people.
    pub fn for_people(&self) -> PersonWords {
        PersonWords { location: self.location.clone(), workstream: String::new() }
    }
}

impl PersonWords {
    /// Returns the words of `--json`. Its answers have the words of the tools, about the same workspace.
    pub fn for_programs(&self) -> AgentWords {
        AgentWords { location: self.location.clone() }
    }
}

/// Returns threads as `01.01.01 "Rows" or 01.01.02 "Lines"`.
fn names(threads: &[(ThreadId, String)]) -> String {
    threads.iter().map(|(id, name)| format!("{id} {name:?}")).collect::<Vec<_>>().join(" or ")
}

/// Returns which attempt of a thread counts, for a caller that named `given`, which is over. `latest` is the highest
/// number that the thread has had.
fn what_counts(given: u32, latest: u32) -> String {
    if given < latest {
        format!("only reports of attempt {latest} or later count")
    } else {
        format!("the thread's next attempt is {}", latest + 1)
    }
}
