//! The result of a set-up: what was made, kept and changed.

use serde::Serialize;

use crate::store::Initialised;

/// The result of `work init`.
#[derive(Debug, Serialize)]
pub struct SetUp {
    /// The workspace, and the files that were written or kept.
    #[serde(flatten)]
    pub workspace: Initialised,
    /// The files that were there and got something added.
    pub changed: Vec<Changed>,
    /// What a person should look at, one sentence each.
    pub warnings: Vec<String>,
}

/// A file that was there and got something added.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// Its path, relative to the root of the workspace.
    pub file: String,
    /// What was added, a few words each.
    pub added: Vec<String>,
}
