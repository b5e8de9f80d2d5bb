//! The folder in which a check runs: the root of the workspace, or the same place in a linked git worktree of its
//! repository. A worker names it, so nothing else is accepted.

use std::path::{Path, PathBuf};

use crate::decide::Refusal;
use crate::fault::{Error, Fault};
use crate::store::worktrees;

/// The most folders that a refusal names.
const MAX_NAMED: usize = 10;

/// Returns the folder that a worker named; `None`: the root.
///
/// # Errors
///
/// [`Refusal::BadDirectory`] if it is none of the allowed ones.
pub(super) fn of(root: &Path, directory: Option<&str>) -> Result<PathBuf, Error> {
    let own = real(root).map_err(Fault::io("find", root))?;
    let Some(given) = directory.map(str::trim).filter(|directory| !directory.is_empty()) else { return Ok(own) };
    let wanted = real(&own.join(given)).ok();
    let mut known = vec![own.clone()];
    if wanted.as_ref() == Some(&own) {
        return Ok(own);
    }
    if let Some((top, others)) = worktrees(&own) {
        // A workspace below the root of its repository is at the same place in each worktree.
        let inside = real(&top).ok().and_then(|top| own.strip_prefix(top).ok().map(Path::to_owned)).unwrap_or_default();
        for worktree in others {
            let Ok(worktree) = real(&worktree) else { continue };
            let Ok(place) = real(&worktree.join(&inside)) else { continue };
            // A link in the worktree must not lead out of it.
            if !place.starts_with(&worktree) {
                continue;
            }
            if wanted.as_ref().is_some_and(|wanted| *wanted == worktree || *wanted == place) {
                return Ok(place);
            }
            known.push(place);
        }
    }
    known.dedup();
    let known = known.iter().take(MAX_NAMED).map(|folder| folder.display().to_string()).collect();
    Err(Refusal::BadDirectory { given: given.chars().take(200).collect(), known }.into())
}

/// Returns a path without links and without `..`.
fn real(path: &Path) -> std::io::Result<PathBuf> {
    std::fs::canonicalize(path)
}
