//! `work init`: a workspace, and what a host needs beside it.

use serde::Serialize;

use super::opencode::set_up_opencode;
use crate::clock::Moment;
use crate::fault::Error;
#[cfg(feature = "postgres")]
use crate::store::PostgresStore;
use crate::store::{FileStore, Initialised};

/// What `work init` made and found.
#[derive(Debug, Serialize)]
pub struct SetUp {
    /// The workspace, and all files that were written or kept.
    #[serde(flatten)]
    pub workspace: Initialised,
    /// Files to which something was added.
    pub changed: Vec<Changed>,
    /// What a person should look at, one sentence each.
    pub warnings: Vec<String>,
}

/// A file to which something was added.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// The file, from the workspace on.
    pub file: String,
    /// What was added, in a few words each.
    pub added: Vec<String>,
}

/// Makes a workspace, or completes the one that is there; with `opencode` also the project's OpenCode set-up. All of it
/// happens under the lock, so that two at once do not write over each other.
pub fn init(files: &FileStore, opencode: bool, at: Moment) -> Result<SetUp, Error> {
    let (workspace, project) = files.initialise(at)?;
    let mut set_up = SetUp { workspace, changed: Vec::new(), warnings: Vec::new() };
    if opencode {
        let roster = project.roster()?;
        set_up_opencode(&project, &roster, &mut set_up)?;
    }
    Ok(set_up)
}

/// Makes the workspace of a database, with a roster to begin with, or leaves the one that is there as it is.
#[cfg(feature = "postgres")]
pub fn init_database(database: &PostgresStore, at: Moment) -> Result<SetUp, Error> {
    let is_new = database.make_workspace(at)?;
    let files = ["index.json", "agents.yaml"].map(str::to_owned).to_vec();
    let (created, kept) = if is_new { (files, Vec::new()) } else { (Vec::new(), files) };
    let workspace = Initialised { workspace: database.workspace(), created, kept };
    Ok(SetUp { workspace, changed: Vec::new(), warnings: Vec::new() })
}
