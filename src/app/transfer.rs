//! `work store push` and `work store pull`: a workspace on its way between the files and a database.

use crate::fault::Error;
use crate::store::{Copied, FileStore, Overwrite, PostgresStore};

/// Copies the workspace of the files, or one workstream of it, to the database, all of it or nothing.
pub fn push(
    files: &FileStore,
    database: &PostgresStore,
    wanted: Option<&str>,
    overwrite: Overwrite,
) -> Result<Copied, Error> {
    database.copy_in(&files.copy_out(wanted)?, overwrite)
}

/// Copies the workspace of the database, or one workstream of it, to the files, all of it or nothing.
pub fn pull(
    database: &PostgresStore,
    files: &FileStore,
    wanted: Option<&str>,
    overwrite: Overwrite,
) -> Result<Copied, Error> {
    files.copy_in(database.copy_out(wanted)?, wanted.is_some(), overwrite)
}
