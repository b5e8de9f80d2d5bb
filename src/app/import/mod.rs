//! `work import`: takes over workstreams in other formats of this family, and plans of other programs (DESIGN §3a). The
//! originals stay as they are. What the formats of DESIGN §3 have no place for is listed for the person.

mod foreign;
mod from_spec_kit;
mod from_task_master;
mod mapped;
mod order;
mod paths;
mod said;
mod stages;
mod tasks;

use serde::{Serialize, Serializer};

pub use foreign::{ImportRequest, import_path};
pub use tasks::import_tasks;

use crate::board::{Board, Status};
use crate::decide::{ImportProblem, Refusal};
use crate::plan::ThreadId;
use crate::store::{Executed, Folder};

/// The result of an import.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// The id of the workstream that has it now.
    pub workstream: String,
    /// Where it was: the path of the folder or file, relative to the root of the workspace if it is in there.
    pub from: String,
    /// Whether everything was imported before. Then nothing was written.
    pub unchanged: bool,
    /// The number of threads by status, in the order of a thread's life; statuses without threads are left out.
    #[serde(serialize_with = "as_map")]
    pub threads: Vec<(&'static str, usize)>,
    /// The workstream that stays the current one; null if the new one is current, or none is new.
    pub executed: Option<Executed>,
    /// What was not taken over, one sentence each. It is still in the original.
    pub left: Vec<String>,
}

fn as_map<S: Serializer>(threads: &[(&'static str, usize)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(threads.iter().copied())
}

/// Returns the paths that can be imported, relative to the root of the workspace: folders of `work/`, and what other
/// programs keep at their usual places.
pub fn importable(work: &Folder) -> Vec<String> {
    let mut found = stages::importable(work);
    if let Some(root) = work.path().parent() {
        found.extend(foreign::importable(&Folder::at(root.to_owned())));
    }
    found
}

fn nothing_to_import(folder: &str) -> Refusal {
    Refusal::Import { path: folder.to_owned(), problem: ImportProblem::NothingThere }
}

/// Counts the threads by their status on the board.
fn by_status(board: &Board, threads: impl Iterator<Item = ThreadId>) -> Vec<(&'static str, usize)> {
    let statuses: Vec<Status> = threads.map(|id| board.status(id)).collect();
    let count = |wanted: Status| statuses.iter().filter(|status| **status == wanted).count();
    Status::ALL.map(|status| (status.word(), count(status))).into_iter().filter(|(_, number)| *number > 0).collect()
}
