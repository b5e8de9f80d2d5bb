//! A workspace on its way between two stores, with all that nobody knows.

use serde::Serialize;

use crate::format::index_json;
use crate::format::json::{Object, close};

/// A workspace, or one workstream of it, as the files would have it.
#[derive(Debug)]
pub struct WorkspaceCopy {
    /// The current workstream.
    pub(super) current: Option<String>,
    /// The text of agents.yaml, where there is one.
    pub(super) roster: Option<String>,
    /// index.json without the current workstream and the entries of [`WorkspaceCopy::workstreams`].
    pub(super) rest: String,
    pub(super) workstreams: Vec<WorkstreamCopy>,
}

/// A workstream of a [`WorkspaceCopy`].
#[derive(Debug)]
pub(super) struct WorkstreamCopy {
    pub(super) id: String,
    /// Where it stands among the workstreams of its workspace, from 0.
    pub(super) position: usize,
    /// Its entry of index.json, where it has one.
    pub(super) entry: Option<String>,
    pub(super) plan: String,
    /// The text that a person approved last, where it is known.
    pub(super) approved: Option<String>,
    /// The text of threads.json.
    pub(super) threads: String,
}

/// What may be written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Nothing: a workstream whose state is another one there is refused.
    Nothing,
    /// The plans and the roster of what is there; states stay as they are.
    Plans,
    /// Everything.
    All,
}

/// What was copied.
#[derive(Debug, Default, Serialize)]
pub struct Copied {
    /// Where to: the database's workspace, or the folder that holds `work/`.
    pub to: String,
    /// The workstreams that are new there, or another one than before.
    pub written: Vec<String>,
    /// Those that were the same on both sides.
    pub unchanged: Vec<String>,
}

impl WorkspaceCopy {
    /// Returns index.json: as it was copied, or with `own`, the one that is there, with the entries in it.
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
