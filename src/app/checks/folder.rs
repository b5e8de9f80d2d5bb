//! The folder in which a check runs: the root of the workspace, or the same place in a linked git worktree of its
//! repository. A worker names it, so nothing else is accepted.

use std::path::{Path, PathBuf};

use crate::decide::Refusal;
use crate::fault::{Error, Fault};
use crate::store::worktrees;
pub(super) use crate::system::real;

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
    // The folder of a worker is not known here, so a path from there on means nothing.
    let wanted = Some(Path::new(given)).filter(|given| given.is_absolute()).and_then(|given| real(given).ok());
    if wanted.as_ref() == Some(&own) {
        return Ok(own);
    }
    let linked = linked(&own);
    let is_meant =
        |(worktree, place): &&(PathBuf, PathBuf)| [worktree, place].into_iter().any(|it| Some(it) == wanted.as_ref());
    if let Some((_, place)) = linked.iter().find(is_meant) {
        return Ok(place.clone());
    }
    let mut known: Vec<String> = std::iter::once(&own)
        .chain(linked.iter().map(|(_, place)| place))
        .map(|folder| folder.display().to_string())
        .collect();
    known.dedup();
    known.truncate(MAX_NAMED);
    Err(Refusal::BadDirectory { given: given.chars().take(200).collect(), known }.into())
}

/// Returns the worktrees of the repository around a workspace, each with the place in it that is that of the workspace.
/// `root` has no links.
pub(super) fn linked(root: &Path) -> Vec<(PathBuf, PathBuf)> {
    let Some((top, worktrees)) = worktrees(root) else { return Vec::new() };
    // A workspace below the root of its repository is at the same place in each worktree.
    let inside = real(&top).ok().and_then(|top| root.strip_prefix(top).ok().map(Path::to_owned)).unwrap_or_default();
    let place = |worktree: PathBuf| {
        let worktree = real(&worktree).ok()?;
        let place = real(&worktree.join(&inside)).ok()?;
        // A link in the worktree must not lead out of it.
        place.starts_with(&worktree).then_some((worktree, place))
    };
    worktrees.into_iter().filter_map(place).collect()
}
