//! Looks whether what the artifacts of a report claim is there (DESIGN §5b): paths in the folder of the work, commits in
//! git.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::claims::{Claim, claims};
use super::folder;
use crate::decide::Evidence;

/// The most files of a commit that are looked at.
const MAX_CHANGED: usize = 10_000;

/// Returns what was seen of the artifacts. `root` is that of the workspace; `folder` is where the work was done, if the
/// report says so. What cannot be looked at counts as there.
pub(super) fn seen(root: &Path, folder: Option<&Path>, artifacts: &[String]) -> Evidence {
    let mut evidence = Evidence::default();
    let mut places = Places { root, folder, linked: None };
    for artifact in artifacts {
        for claim in claims(artifact) {
            match claim {
                Claim::Path(path) if places.have(path) => {}
                Claim::Path(path) => evidence.missing.push(path.to_owned()),
                Claim::Commit(commit) => match changed(folder.unwrap_or(root), root, commit) {
                    Ok(files) => evidence.commits.push((commit.to_owned(), Some(files))),
                    Err(true) => evidence.commits.push((commit.to_owned(), None)),
                    Err(false) => {}
                },
            }
        }
    }
    evidence
}

/// The folders in which an artifact can be.
struct Places<'p> {
    root: &'p Path,
    folder: Option<&'p Path>,
    /// The places of the workspace in the worktrees of its repository, once they were asked for.
    linked: Option<Vec<PathBuf>>,
}

impl Places<'_> {
    /// Returns whether there is something at a path.
    fn have(&mut self, path: &str) -> bool {
        if exists(self.folder.unwrap_or(self.root), path) {
            return true;
        }
        // A worktree may be gone after its branch was merged: then its files are in the other ones.
        let is_in_worktree = Path::new(path).is_absolute() || path.starts_with("../") || path.contains("worktree");
        if self.folder.is_some() && !is_in_worktree {
            return false;
        }
        let root = self.root;
        let linked = self.linked.get_or_insert_with(|| {
            folder::linked(root).into_iter().map(|(_, place)| place).chain([root.to_owned()]).collect()
        });
        if self.folder.is_none() && linked.iter().any(|place| exists(place, path)) {
            return true;
        }
        let is_below = |start: &PathBuf| Path::new(path).starts_with(start);
        if !is_in_worktree || linked.iter().any(is_below) {
            return false;
        }
        let ends = path.match_indices('/').map(|(at, _)| &path[at + 1..]).filter(|end| !end.is_empty());
        ends.into_iter().any(|end| linked.iter().any(|place| exists(place, end)))
    }
}

/// Returns whether there is something at a path, or nobody can say.
fn exists(folder: &Path, path: &str) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match std::fs::symlink_metadata(folder.join(path)) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), NotFound | NotADirectory),
    }
}

/// Returns the files that a commit changes, as paths from the root of the workspace; of a merge none.
///
/// # Errors
///
/// Whether git is sure that it does not have the commit.
fn changed(folder: &Path, root: &Path, commit: &str) -> Result<Vec<String>, bool> {
    let inside = git(folder, &["rev-parse", "--show-prefix"]).map_err(|_| false)?;
    let inside = inside.trim_end_matches('\n');
    let listed = git(folder, &["diff-tree", "--no-commit-id", "--name-only", "-r", "-z", "--root", commit, "--"]);
    // A short name can mean several commits.
    let listed = listed.map_err(|why| !why.contains("is ambiguous"))?;
    // The state of this program, which may be committed with the work, is no work.
    let is_state = |file: &String| file.starts_with("work/") && root.join("work/index.json").exists();
    let from_root = |file: &str| file.strip_prefix(inside).map_or_else(|| format!("/{file}"), str::to_owned);
    let files = listed.split('\0').filter(|file| !file.is_empty()).take(MAX_CHANGED);
    Ok(files.map(from_root).filter(|file| !is_state(file)).collect())
}

/// Returns what a command of git prints.
///
/// # Errors
///
/// The message of git, which is empty if there is no git.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        // A look must not fetch anything, and must not write.
        .envs([("GIT_NO_LAZY_FETCH", "1"), ("GIT_OPTIONAL_LOCKS", "0"), ("LC_ALL", "C")])
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .stdin(Stdio::null())
        .output()
        .map_err(|_| String::new())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
