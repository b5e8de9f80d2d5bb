//! threads.json: text → [`Board`], and a board's changes → text (DESIGN §3).
//!
//! Reading knows the fields that the rules need. Writing changes the fields that changed and leaves
//! every other byte of a record as it stands, in its place.

mod document;
mod read;
mod record;
mod write;

pub(super) use document::Document;
pub(super) use read::read;
pub(super) use record::{SessionRecord, StatusWord};
pub(super) use write::write;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::board::Board;
use crate::plan::ThreadId;

/// What a threads.json says.
#[derive(Debug, Default)]
pub(super) struct ThreadsJson {
    pub(super) board: Arc<Board>,
    /// Records that stand for no thread, one sentence each.
    pub(super) oddities: Vec<String>,
    /// The threads whose state stands in tasks.json and not here.
    pub(super) from_tasks: BTreeSet<ThreadId>,
    /// Whether a record says nothing of its thread's status.
    pub(super) has_stateless_records: bool,
}
