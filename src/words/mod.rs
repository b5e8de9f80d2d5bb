//! PURE. The words of the two doors: facts → sentences, commands and hints, in one table per reader. Nothing below the
//! doors knows a command, a flag or the name of a tool.

mod agents;
mod notes;
mod people;

pub use agents::AgentWords;
pub(crate) use people::map_argument;
pub use people::{PersonWords, next_step, only_people_meet};

use crate::plan::ThreadId;

impl AgentWords {
    /// Returns the words for a person who reads an answer about the same workspace.
    pub fn for_people(&self) -> PersonWords {
        PersonWords { location: self.location.clone(), workstream: String::new() }
    }
}

impl PersonWords {
    /// Returns the words of `--json`, which prints the answers as the tools give them.
    pub fn for_programs(&self) -> AgentWords {
        AgentWords { location: self.location.clone() }
    }
}

/// Returns threads as `01.01.01 "Rows" or 01.01.02 "Lines"`.
fn names(threads: &[(ThreadId, String)]) -> String {
    threads.iter().map(|(id, name)| format!("{id} {name:?}")).collect::<Vec<_>>().join(" or ")
}

/// Returns what is accepted after attempt `given`, which is over.
fn what_counts(given: u32, latest: u32) -> String {
    if given < latest {
        format!("only reports of attempt {latest} or later count")
    } else {
        format!("the next run of the thread is attempt {}", latest + 1)
    }
}
