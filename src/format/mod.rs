//! PURE. The formats of the files of the state (DESIGN §3): reads a text into the types of the core, and writes changes
//! of these types into the text. Both backends use it; a row of the database holds the text of one record.
//!
//! Writing must never lose what this program does not know. Other programs write these files too, so unknown keys and
//! records keep their text and their place. For the same reason a text that cannot be read is an error, never a guess.
//! The formats of other programs (`spec_kit`, `task_master`) are read for an import and never written.

pub(crate) mod agents_yaml;
pub(crate) mod index_json;
pub(crate) mod json;
pub(crate) mod markers;
pub(crate) mod merge;
pub(crate) mod server_json;
pub(crate) mod spec_kit;
pub(crate) mod task_master;
pub(crate) mod tasks_json;
pub(crate) mod threads_json;
mod words;
