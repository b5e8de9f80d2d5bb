//! `work init`: makes a workspace, and sets the project up for OpenCode.

use super::opencode::set_up_opencode;
use super::set_up::SetUp;
use crate::fault::Error;
use crate::moment::Moment;
use crate::store::FileStore;
#[cfg(feature = "postgres")]
use crate::store::{Initialised, PostgresStore};

/// Makes the workspace, or completes the one that is there. With `opencode` it also completes the project's OpenCode
/// set-up (DESIGN §11). All of it happens under the lock, so two set-ups at once cannot write over each other's files.
pub fn init(files: &FileStore, opencode: bool, at: Moment) -> Result<SetUp, Error> {
    let (workspace, project) = files.initialise(at)?;
    let mut set_up = SetUp { workspace, changed: Vec::new(), warnings: Vec::new() };
    if opencode {
        let roster = project.roster()?;
        set_up_opencode(&project, &roster, &mut set_up)?;
    }
    Ok(set_up)
}

/// Makes the workspace in a database, with a sample roster. A workspace that is there stays as it is.
#[cfg(feature = "postgres")]
pub fn init_database(database: &PostgresStore, at: Moment) -> Result<SetUp, Error> {
    let is_new = database.make_workspace(at)?;
    let files = ["index.json", "agents.yaml"].map(str::to_owned).to_vec();
    let (created, kept) = if is_new { (files, Vec::new()) } else { (Vec::new(), files) };
    let workspace = Initialised { workspace: database.workspace(), created, kept };
    Ok(SetUp { workspace, changed: Vec::new(), warnings: Vec::new() })
}
