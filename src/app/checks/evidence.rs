//! Looks whether what the artifacts of a report claim is there (DESIGN §5b): paths in the folder of the work, commits in
//! git.

use std::path::{Path, PathBuf};

use super::claims::{Claim, claims};
use super::folder;
use crate::app::git::git;
use crate::decide::Evidence;
use crate::path_style::PathStyle;

/// The most files of a commit that are looked at.
const MAX_CHANGED: usize = 10_000;

/// The most artifacts that are looked at as commits. Each costs two calls of git.
const MAX_COMMITS: usize = 10;

/// Returns what was seen of the artifacts. `root` is that of the workspace; `folder` is where the work was done, if the
/// report says so. What cannot be looked at counts as there.
pub(super) fn seen(root: &Path, folder: Option<&Path>, artifacts: &[String]) -> Evidence {
    let mut evidence = Evidence::default();
    let places = Places::new(root, folder);
    evidence.inside.clone_from(&places.inside);
    let mut commits = 0;
    for artifact in artifacts {
        // A name can have spaces, and then is no list of names.
        if places.have(artifact.trim().trim_matches('`')) {
            continue;
        }
        for claim in claims(artifact, PathStyle::HERE) {
            match claim {
                Claim::Path(path) if places.have(path) => {}
                Claim::Path(path) => evidence.missing.push(path.to_owned()),
                Claim::Commit(commit) if commits < MAX_COMMITS => {
                    commits += 1;
                    match changed(folder.unwrap_or(root), root, commit) {
                        Ok(files) => evidence.commits.push((commit.to_owned(), Some(files))),
                        Err(true) => evidence.commits.push((commit.to_owned(), None)),
                        Err(false) => {}
                    }
                }
                Claim::Commit(_) => {}
            }
        }
    }
    // What a commit of the same report changes is there, also if only its branch has it.
    let in_commits: Vec<&String> = evidence.commits.iter().filter_map(|(_, files)| files.as_ref()).flatten().collect();
    evidence.missing.retain(|path| {
        let is_it = |file: &&&String| file.ends_with(path.trim_start_matches("./"));
        !in_commits.iter().any(|file| is_it(&file)) && !is_branch(folder.unwrap_or(root), path)
    });
    evidence
}

/// The folders in which an artifact can be.
struct Places<'p> {
    root: &'p Path,
    /// The folders to look in: that of the work, the same place in the worktrees if none was named, and above each the
    /// top of its repository, from which git shows paths.
    folders: Vec<PathBuf>,
    /// All places of the workspace that this machine has.
    all: Vec<PathBuf>,
    /// The folder of the workspace in its repository, with a slash at the end; empty: it is the top.
    inside: String,
}

impl<'p> Places<'p> {
    fn new(root: &'p Path, folder: Option<&Path>) -> Self {
        let linked = folder::linked(root);
        let tops = linked.iter().map(|(top, _)| top.clone());
        let all: Vec<PathBuf> =
            std::iter::once(root.to_owned()).chain(linked.iter().map(|(_, place)| place.clone())).chain(tops).collect();
        let folders = match folder {
            None => all.clone(),
            Some(folder) => {
                let top = linked.iter().find(|(_, place)| place == folder).map(|(top, _)| top.clone());
                std::iter::once(folder.to_owned()).chain(top).collect()
            }
        };
        let inside = linked.iter().find_map(|(top, place)| place.strip_prefix(top).ok());
        let inside = inside
            .map(|inside| PathStyle::HERE.portable(&inside.display().to_string()).into_owned())
            .filter(|inside| !inside.is_empty());
        Self { root, folders, all, inside: inside.map(|inside| inside + "/").unwrap_or_default() }
    }

    /// Returns whether there is something at a path. One that leads out of all these folders counts as there: nothing is
    /// looked at, so that an answer tells nothing about the rest of the disk.
    fn have(&self, path: &str) -> bool {
        let path = &*PathStyle::HERE.portable(path);
        if Path::new(path).is_absolute() {
            let within = self.all.iter().any(|place| plain(Path::new(path)).starts_with(place));
            return !within || exists(Path::new("/"), path);
        }
        let is_outside = |folder: &PathBuf| !self.all.iter().any(|place| plain(&folder.join(path)).starts_with(place));
        if self.folders.iter().all(is_outside) {
            return true;
        }
        // `git diff` puts `a/` and `b/` before paths.
        let without_side = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/"));
        let names = || std::iter::once(path).chain(without_side);
        if self.folders.iter().any(|folder| names().any(|name| exists(folder, name))) {
            return true;
        }
        // The state of this program is in the root, wherever the work was done.
        if path.starts_with("work/") && exists(self.root, path) {
            return true;
        }
        // A worktree inside of the repository may be gone after its branch was merged.
        let ends = path.match_indices('/').map(|(at, _)| &path[at + 1..]).filter(|end| !end.is_empty());
        path.contains("worktree") && ends.into_iter().any(|end| self.all.iter().any(|place| exists(place, end)))
    }
}

/// Returns a path without `.` and `..`, as far as its text says.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Returns whether there is something at a path, or nobody can say.
fn exists(folder: &Path, path: &str) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match std::fs::symlink_metadata(folder.join(path)) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), NotFound | NotADirectory),
    }
}

/// Returns whether a branch has this name.
fn is_branch(folder: &Path, name: &str) -> bool {
    let patterns = ["heads", "remotes"].map(|kind| format!("refs/{kind}/{}", name.trim_end_matches('/')));
    let is_plain = name.contains('/') && !name.starts_with(['.', '/']);
    is_plain
        && git(folder, &["for-each-ref", "--count=1", &patterns[0], &patterns[1]]).is_ok_and(|found| !found.is_empty())
}

/// Returns the files that a commit changes, as paths from the root of the workspace; of a merge none.
///
/// # Errors
///
/// Whether git is sure that it does not have the commit.
fn changed(folder: &Path, root: &Path, commit: &str) -> Result<Vec<String>, bool> {
    let about = git(folder, &["rev-parse", "--is-shallow-repository", "--show-prefix"]).map_err(|_| false)?;
    let (is_shallow, inside) = about.split_once('\n').unwrap_or((&about, ""));
    let inside = inside.trim_end_matches('\n');
    let object = format!("{commit}^{{commit}}");
    let listed = git(folder, &["diff-tree", "--no-commit-id", "--name-only", "-r", "-z", "--root", &object, "--"]);
    // A short name can mean several commits, and a shallow clone does not have all.
    let listed = listed.map_err(|why| !why.contains("is ambiguous") && is_shallow != "true")?;
    if is_shallow == "true" {
        return Ok(Vec::new());
    }
    // The state of this program, which may be committed with the work, is no work.
    let is_state = |file: &String| file.starts_with("work/") && root.join("work/index.json").exists();
    let from_root = |file: &str| file.strip_prefix(inside).unwrap_or(file).to_owned();
    let files = listed.split('\0').filter(|file| !file.is_empty()).take(MAX_CHANGED);
    Ok(files.map(from_root).filter(|file| !is_state(file)).collect())
}
