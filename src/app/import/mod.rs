//! `work import`: workstreams in the older and newer formats of this family. The originals stay as they
//! are, and what has no place in the formats of DESIGN §3 is listed.

mod stages;
mod tasks;

use serde::{Serialize, Serializer};

pub use stages::{import_folder, importable};
pub use tasks::import_tasks;

use crate::board::{Board, Status};
use crate::decide::Refusal;
use crate::plan::ThreadId;
use crate::store::Executed;

/// What an import did.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// The workstream that has it now.
    pub workstream: String,
    /// Where it was.
    pub from: String,
    /// Whether there was nothing to import; then nothing was written.
    pub unchanged: bool,
    /// How many threads have which status, in the order of a thread's life.
    #[serde(serialize_with = "as_map")]
    pub threads: Vec<(&'static str, usize)>,
    /// The workstream that stays the current one; null where the new one is, or none is new.
    pub executed: Option<Executed>,
    /// What was not carried over, one sentence each. It stays where it was.
    pub left: Vec<String>,
}

fn as_map<S: Serializer>(threads: &[(&'static str, usize)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(threads.iter().copied())
}

fn nothing_to_import(folder: &str) -> Refusal {
    Refusal::NothingToImport { folder: folder.to_owned() }
}

fn by_status(board: &Board, threads: impl Iterator<Item = ThreadId>) -> Vec<(&'static str, usize)> {
    let statuses: Vec<Status> = threads.map(|id| board.status(id)).collect();
    let count = |wanted: Status| statuses.iter().filter(|status| **status == wanted).count();
    Status::ALL.map(|status| (status.word(), count(status))).into_iter().filter(|(_, number)| *number > 0).collect()
}
