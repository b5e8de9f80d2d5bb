//! `work store push` and `work store pull`: copy a workspace between its files and a database (DESIGN §10).

use crate::fault::Error;
use crate::store::{Copied, FileStore, Overwrite, PostgresStore};

/// Copies the workspace in the files, or one workstream of it, to the database: all of it or nothing.
pub fn push(
    files: &FileStore,
    database: &PostgresStore,
    wanted: Option<&str>,
    overwrite: Overwrite,
) -> Result<Copied, Error> {
    database.copy_in(&files.copy_out(wanted)?, overwrite)
}

/// Copies the workspace in the database, or one workstream of it, to the files: all of it or nothing.
pub fn pull(
    database: &PostgresStore,
    files: &FileStore,
    wanted: Option<&str>,
    overwrite: Overwrite,
) -> Result<Copied, Error> {
    files.copy_in(database.copy_out(wanted)?, wanted.is_some(), overwrite)
}
