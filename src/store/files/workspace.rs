//! Finds the workspace and the workstream of a call (DESIGN §3). Every call asks again: nothing is remembered.

use std::path::{Path, PathBuf};

use super::disk::{Disk, Kind, MachineDisk};
use super::folders::{create_folders, make_run_folder, plain_folder};
use super::worktree::{GitRoot, Linked};
use crate::decide::Refusal;
use crate::fault::Fault;
use crate::index::{Entry, Index, is_folder_name};
use crate::plan::sha256;
use crate::store::place::{Selected, WorkspaceLocation};
use crate::system;

/// Returns the workspace of a location: the root that was named, else the nearest folder upwards that has a workspace,
/// not above the git root, else the same from each of the client's MCP roots. In a linked git worktree the workspace of the main worktree comes before that.
pub(super) fn workspace(place: &WorkspaceLocation, disk: &dyn Disk) -> Result<Workspace, Refusal> {
    if let Some(root) = named_root(place) {
        let is_there = is_workspace(disk, &root);
        return if is_there { Ok(Workspace::own(root)) } else { Err(no_workspace(root.display().to_string())) };
    }
    if let Some(workspace) = around(disk, &place.directory) {
        return Ok(workspace);
    }
    let roots = place.roots.get();
    roots.iter().find_map(|root| around(disk, root)).ok_or_else(|| {
        let searched: Vec<String> =
            std::iter::once(&place.directory).chain(&roots).map(|folder| folder.display().to_string()).collect();
        no_workspace(format!("{} or above {}", searched.join(", "), if roots.is_empty() { "it" } else { "them" }))
    })
}

/// Returns the workspace around a folder.
fn around(disk: &dyn Disk, folder: &Path) -> Option<Workspace> {
    let git_root = GitRoot::above(disk, folder);
    if let Some(linked) = git_root.and_then(|root| Linked::at(disk, root))
        && let Some(root) = nearest(disk, &linked.in_main(folder), Some(&linked.main))
    {
        return Some(Workspace { root, linked: Some(linked) });
    }
    nearest(disk, folder, git_root.map(|root| root.folder)).map(Workspace::own)
}

/// Returns the linked git worktree of a location, if the workspace of the main worktree is used there.
pub fn linked_worktree(place: &WorkspaceLocation) -> Option<Linked> {
    if place.database().is_some() { None } else { workspace(place, &MachineDisk).ok()?.linked }
}

/// Returns the linked git worktree of a location, if the main worktree has no workspace. Then the one that git checked
/// out here is used, and no other worktree sees what is written.
pub fn lone_worktree(place: &WorkspaceLocation) -> Option<Linked> {
    let is_looked_for = place.database().is_none() && named_root(place).is_none();
    let linked = Linked::at(&MachineDisk, GitRoot::above(&MachineDisk, &place.directory)?)?;
    let workspace = workspace(place, &MachineDisk).ok().filter(|_| is_looked_for)?;
    workspace.linked.is_none().then_some(linked)
}

/// Returns the folder in which the work of a workspace is done: its root. That of a workspace in a database is the root of
/// the git repository, or the working directory.
pub fn work_root(place: &WorkspaceLocation) -> PathBuf {
    home(place, &MachineDisk)
}

/// Returns a folder of the user for what can be made again.
fn private_folder() -> PathBuf {
    system::cache_folder().unwrap_or_else(std::env::temp_dir).join("work")
}

/// Returns the root of the workspace, and a folder of this name for what checks or workers leave on this machine, which it
/// makes. A workspace in a database has the root of the git repository, or the working directory, and a folder in the
/// user's cache.
pub fn run_folders(place: &WorkspaceLocation, name: &str) -> Result<(PathBuf, PathBuf), Fault> {
    let disk = MachineDisk;
    let root = work_root(place);
    let folder = if let Some(database) = place.database() {
        let key = [root.as_os_str().as_encoded_bytes(), database.as_bytes()].join(&0);
        let key: String = sha256(&key).chars().take(16).collect();
        private_folder().join(format!("{name}-{key}"))
    } else {
        make_run_folder(&disk, &root)?.join(name)
    };
    if !plain_folder(&disk, &folder)? {
        create_folders(&disk, &folder)?;
    }
    Ok((root, folder))
}

/// Returns the root that was named, as an absolute path if the working directory is one.
fn named_root(place: &WorkspaceLocation) -> Option<PathBuf> {
    let root = place.root.as_ref().filter(|root| !root.as_os_str().is_empty())?;
    Some(place.directory.join(root))
}

/// Returns the root for a new workspace: the root that was named, else that of the workspace that is found, else the
/// git root, else the working directory.
pub(super) fn home(place: &WorkspaceLocation, disk: &dyn Disk) -> PathBuf {
    if let Some(root) = named_root(place) {
        return root;
    }
    let found = workspace(place, disk).ok().map(|workspace| workspace.root);
    let git_root = || GitRoot::above(disk, &place.directory).map_or(place.directory.as_path(), |root| root.folder);
    found.unwrap_or_else(|| git_root().to_owned())
}

/// Returns the workstream that a call means. The errors are those of [`WorkspaceLocation::choose`].
pub(super) fn workstream(
    place: &WorkspaceLocation,
    disk: &dyn Disk,
    root: &Path,
    wanted: Option<&str>,
    index: &Index,
) -> Result<Selected, Refusal> {
    // A workstream of the index counts without its PLAN.md too, if its folder is there: somebody is saving the plan, or
    // has moved it away. Without that, its calls would go to another workstream.
    let is_there = |id: &str| {
        let has_folder = || disk.kind(&root.join("work").join(id)) == Some(Kind::Folder);
        has_plan(disk, root, id) || index.entry(id).is_some() && is_folder_name(id) && has_folder()
    };
    place.choose(wanted, index, is_there, || {
        let mut known = known(disk, root, index);
        let without_plan = |entry: &&Entry| !known.contains(&entry.id) && is_there(&entry.id);
        let moved_away: Vec<String> = index.entries.iter().filter(without_plan).map(|entry| entry.id.clone()).collect();
        known.extend(moved_away);
        known
    })
}

/// A workspace that was found.
#[derive(Debug)]
pub(super) struct Workspace {
    /// The folder that holds `work/`.
    pub(super) root: PathBuf,
    /// The linked git worktree from which the workspace of the main worktree was reached; `None` if it was reached
    /// directly.
    pub(super) linked: Option<Linked>,
}

impl Workspace {
    fn own(root: PathBuf) -> Self {
        Self { root, linked: None }
    }
}

fn no_workspace(searched: String) -> Refusal {
    Refusal::NoWorkspace { searched }
}

/// Returns the nearest folder upwards that has a workspace. Does not look above `top`.
fn nearest(disk: &dyn Disk, folder: &Path, top: Option<&Path>) -> Option<PathBuf> {
    for folder in folder.ancestors() {
        if is_workspace(disk, folder) {
            return Some(folder.to_owned());
        }
        if Some(folder) == top {
            return None;
        }
    }
    None
}

/// Returns whether a folder has a workspace. A folder `work/` alone does not count, since other programs have one too:
/// there must be an index or a plan.
fn is_workspace(disk: &dyn Disk, folder: &Path) -> bool {
    let work = folder.join("work");
    is_there(disk, &work.join("index.json")) || !plans(disk, &work).is_empty()
}

/// Returns the ids of all workstreams that have a plan: those of the index in its order, then the folders without an
/// entry, by name.
pub(super) fn known(disk: &dyn Disk, root: &Path, index: &Index) -> Vec<String> {
    let mut known: Vec<String> =
        index.entries.iter().map(|entry| entry.id.clone()).filter(|id| has_plan(disk, root, id)).collect();
    for id in plans(disk, &root.join("work")) {
        if !known.contains(&id) {
            known.push(id);
        }
    }
    known
}

/// Returns whether there is a PLAN.md in the folder of a workstream. An id that is no plain folder name has none: it
/// could lead out of `work/`.
pub(super) fn has_plan(disk: &dyn Disk, root: &Path, id: &str) -> bool {
    is_folder_name(id) && is_there(disk, &root.join("work").join(id).join("PLAN.md"))
}

/// Returns whether something other than a folder stands at the path. A link counts, so that the read can refuse it by
/// name.
fn is_there(disk: &dyn Disk, path: &Path) -> bool {
    disk.kind(path).is_some_and(|kind| kind != Kind::Folder)
}

/// Returns the names of the folders in `work/` that have a PLAN.md, sorted.
fn plans(disk: &dyn Disk, work: &Path) -> Vec<String> {
    let mut plans: Vec<String> = disk.names(work).unwrap_or_default();
    plans.retain(|name| is_folder_name(name) && is_there(disk, &work.join(name).join("PLAN.md")));
    plans.sort();
    plans
}

#[cfg(test)]
mod tests {
    use super::super::disk::memory::MemoryDisk;
    use super::*;

    #[test]
    fn the_workspace_is_the_nearest_one_below_the_git_root() {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("repo");
        let deep = repo.join("src/work/deep");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir_all(folder.path().join("work/above")).unwrap();
        std::fs::write(folder.path().join("work/above/PLAN.md"), "").unwrap();
        let place = WorkspaceLocation { directory: deep, ..WorkspaceLocation::default() };
        let found = || workspace(&place, &MachineDisk).ok().map(|workspace| workspace.root);
        assert_eq!(found(), Some(folder.path().to_owned()));
        std::fs::create_dir(repo.join(".git")).unwrap();
        assert!(matches!(workspace(&place, &MachineDisk), Err(Refusal::NoWorkspace { .. })));
        std::fs::create_dir_all(repo.join("work/001-a")).unwrap();
        assert!(workspace(&place, &MachineDisk).is_err(), "a folder called work without a plan does not count");
        std::fs::write(repo.join("work/001-a/PLAN.md"), "").unwrap();
        assert_eq!(found(), Some(repo));
    }

    #[test]
    fn worktrees_share_the_workspace_of_the_main_one() {
        let disk = MemoryDisk::with(&[
            ("/main/.git/index", "DIRC"),
            ("/main/.git/worktrees/wt/commondir", "../..\n"),
            ("/wt/.git", "gitdir: /main/.git/worktrees/wt\n"),
            ("/wt/part/work/001-a/PLAN.md", "# Plan: A\n"),
            ("/wt/work/001-a/PLAN.md", "# Plan: A\n"),
        ]);
        let found = |directory: &str, root: Option<&str>| {
            let root = root.map(PathBuf::from);
            let workspace = workspace(
                &WorkspaceLocation { root, directory: directory.into(), ..WorkspaceLocation::default() },
                &disk,
            )
            .unwrap();
            (workspace.root, workspace.linked.is_some())
        };
        assert_eq!(found("/wt/part", None), (PathBuf::from("/wt/part"), false), "the main one has no workspace");
        disk.put("/main/work/001-a/PLAN.md", "# Plan: A\n");
        assert_eq!(found("/wt", None), (PathBuf::from("/main"), true));
        assert_eq!(found("/wt/part/deep", None), (PathBuf::from("/main"), true));
        disk.put("/main/part/work/001-a/PLAN.md", "# Plan: A\n");
        assert_eq!(found("/wt/part/deep", None), (PathBuf::from("/main/part"), true));
        assert_eq!(found("/wt", Some("/wt")), (PathBuf::from("/wt"), false), "who names a root means it");
        assert_eq!(found("/main", None), (PathBuf::from("/main"), false));
    }
}
