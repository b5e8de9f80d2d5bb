//! PURE. The formats of the state's files: text → what it says, and what changed → text. Files and databases share them.
//!
//! What a file holds beyond what is known here is kept: in its place, to the last byte.

pub(crate) mod agents_yaml;
pub(crate) mod index_json;
pub(crate) mod json;
pub(crate) mod tasks_json;
pub(crate) mod threads_json;
mod words;
