//! A copy of a workspace, as `work store push` and `work store pull` move it between files and a database. It holds the
//! texts of the files, so that keys which the program does not know are copied too.

use serde::Serialize;

use crate::format::index_json;
use crate::format::json::{Object, close};

/// A workspace, or one workstream of it, in the texts of its files.
#[derive(Debug)]
pub struct WorkspaceCopy {
    /// The id of the current workstream.
    pub(super) current: Option<String>,
    /// The text of agents.yaml; `None` if there is none.
    pub(super) roster: Option<String>,
    /// index.json without `current_stream` and without the entries of [`WorkspaceCopy::workstreams`].
    pub(super) rest: String,
    pub(super) workstreams: Vec<WorkstreamCopy>,
}

/// A workstream of a [`WorkspaceCopy`].
#[derive(Debug)]
pub(super) struct WorkstreamCopy {
    pub(super) id: String,
    /// Its position among the workstreams of its workspace, from 0.
    pub(super) position: usize,
    /// Its entry in index.json, as JSON; `None` if it has none.
    pub(super) entry: Option<String>,
    /// The text of PLAN.md.
    pub(super) plan: String,
    /// The text that a person approved last; `None` if it is not known.
    pub(super) approved: Option<String>,
    /// The text of threads.json.
    pub(super) threads: String,
}

/// What of the target may be overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Nothing. The copy is refused if the target has a workstream in another state, or, in files, a file that differs.
    Nothing,
    /// Plans and roster of what the target has; the state stays. It is for a database; files treat it as `Nothing`.
    Plans,
    /// Everything.
    All,
}

/// What was copied.
#[derive(Debug, Default, Serialize)]
pub struct Copied {
    /// The target: the address of the database's workspace, or the folder that holds `work/`.
    pub to: String,
    /// The ids of the workstreams that are new or changed in the target.
    pub written: Vec<String>,
    /// The ids of the workstreams that the target had already.
    pub unchanged: Vec<String>,
}

impl WorkspaceCopy {
    /// Returns the text of index.json for the target. `own` is the index.json that the target has: it keeps its current
    /// workstream and its other entries. Without it the text is that of the source.
    pub(super) fn index(&self, own: Option<&str>) -> serde_json::Result<String> {
        let order = &index_json::FILE_ORDER;
        let mut file: Object = serde_json::from_str(own.unwrap_or(&self.rest))?;
        let mut streams = file.get::<Vec<Object>>("streams")?.unwrap_or_default();
        for entry in self.workstreams.iter().filter_map(|workstream| workstream.entry.as_ref()) {
            let entry: Object = serde_json::from_str(entry)?;
            let id = entry.get::<String>("id")?;
            let mut known = None;
            for (at, stream) in streams.iter().enumerate() {
                if stream.get::<String>("id")? == id {
                    known = Some(at);
                }
            }
            match known {
                // Replaced in its place, so that the order of the file stays.
                Some(at) => streams[at] = entry,
                None => streams.push(entry),
            }
        }
        if own.is_none() {
            file.set("current_stream", &self.current, order)?;
        }
        file.set("streams", &streams, order)?;
        close(&file, own)
    }
}
