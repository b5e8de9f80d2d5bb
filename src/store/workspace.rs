//! Which workspace, which workstream (DESIGN §3). Asked anew at every call: nothing is remembered.

use std::path::{Path, PathBuf};

use super::disk::{Disk, Kind, MachineDisk};
use super::worktree::{GitRoot, Linked};
use crate::closest::closest;
use crate::decide::Refusal;
use crate::index::{Entry, Index};
use crate::wording::is_hidden;

/// Where a process was told to look.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// `--root` or `WORK_ROOT`: the folder that holds `work/`.
    pub root: Option<PathBuf>,
    /// The working directory, from which the workspace is searched upwards without a root.
    pub directory: PathBuf,
    /// `--workstream` or `WORK_STREAM`: what is meant when a call names none.
    pub workstream: Option<String>,
    /// What `WORK_STREAM` says in the shell in which a person runs the next command; a server does not
    /// know it.
    pub shell_workstream: Option<String>,
    /// `--store` or `WORK_STORE`: the URL of a database that holds the workspace in place of files.
    pub store: Option<String>,
    /// What the next command must say too to mean the same workspace: ` --root DIR` where it was typed.
    pub flags: String,
}

impl Place {
    /// Returns the URL of the database, where the workspace is in one.
    pub fn database(&self) -> Option<&str> {
        self.store.as_deref().map(str::trim).filter(|url| !url.is_empty())
    }

    /// Returns the workspace: the root that was named, else the nearest folder upwards that has one, not above the
    /// git root where there is one. In a linked git worktree that of the main worktree comes first.
    pub(super) fn workspace(&self, disk: &dyn Disk) -> Result<Workspace, Refusal> {
        if let Some(root) = self.named_root() {
            let is_there = is_workspace(disk, &root);
            return if is_there { Ok(Workspace::own(root)) } else { Err(no_workspace(root.display().to_string())) };
        }
        let git_root = GitRoot::above(disk, &self.directory);
        if let Some(linked) = git_root.and_then(|root| Linked::at(disk, root))
            && let Some(root) = nearest(disk, &linked.in_main(&self.directory), Some(&linked.main))
        {
            return Ok(Workspace { root, linked: Some(linked) });
        }
        match nearest(disk, &self.directory, git_root.map(|root| root.folder)) {
            Some(root) => Ok(Workspace::own(root)),
            None => Err(no_workspace(format!("{} or above it", self.directory.display()))),
        }
    }

    /// Returns the linked git worktree that this place is in, where the workspace of the main one is used.
    pub fn linked_worktree(&self) -> Option<Linked> {
        if self.database().is_some() { None } else { self.workspace(&MachineDisk).ok()?.linked }
    }

    /// Returns the linked git worktree that this place is in, where the main one has no workspace and the copy that
    /// was checked out here is used, which no other worktree sees.
    pub fn lone_worktree(&self) -> Option<Linked> {
        let is_looked_for = self.database().is_none() && self.named_root().is_none();
        let linked = Linked::at(&MachineDisk, GitRoot::above(&MachineDisk, &self.directory)?)?;
        let workspace = self.workspace(&MachineDisk).ok().filter(|_| is_looked_for)?;
        workspace.linked.is_none().then_some(linked)
    }

    fn named_root(&self) -> Option<PathBuf> {
        let root = self.root.as_ref().filter(|root| !root.as_os_str().is_empty())?;
        Some(self.directory.join(root))
    }

    /// Returns where a workspace is made: the root that was named, else the one there is, else the git
    /// root, else the working directory.
    pub(super) fn home(&self, disk: &dyn Disk) -> PathBuf {
        if let Some(root) = self.named_root() {
            return root;
        }
        let found = self.workspace(disk).ok().map(|workspace| workspace.root);
        let git_root = || GitRoot::above(disk, &self.directory).map_or(self.directory.as_path(), |root| root.folder);
        found.unwrap_or_else(|| git_root().to_owned())
    }

    /// Returns the workstream that a call means.
    pub(super) fn workstream(
        &self,
        disk: &dyn Disk,
        root: &Path,
        wanted: Option<&str>,
        index: &Index,
    ) -> Result<Selected, Refusal> {
        // One of the index whose folder is there is meant even if its plan is not: somebody saves it, or has moved it
        // away. Another one in its place would get its calls.
        let is_there = |id: &str| {
            let has_folder = || disk.kind(&root.join("work").join(id)) == Some(Kind::Folder);
            has_plan(disk, root, id) || index.entry(id).is_some() && is_folder_name(id) && has_folder()
        };
        self.choose(wanted, index, is_there, || {
            let mut known = known(disk, root, index);
            let without_plan = |entry: &&Entry| !known.contains(&entry.id) && is_there(&entry.id);
            let moved_away: Vec<String> =
                index.entries.iter().filter(without_plan).map(|entry| entry.id.clone()).collect();
            known.extend(moved_away);
            known
        })
    }

    /// The same, among the workstreams of these ids.
    #[cfg(feature = "postgres")]
    pub(super) fn select(&self, wanted: Option<&str>, index: &Index, known: &[String]) -> Result<Selected, Refusal> {
        self.choose(wanted, index, |id| known.iter().any(|known| known == id), || known.to_vec())
    }

    /// Returns what the workstream is called that a call means; `None`: the current one.
    pub fn named(&self, wanted: Option<&str>) -> Option<String> {
        name(wanted).or_else(|| name(self.workstream.as_deref()))
    }

    fn choose(
        &self,
        wanted: Option<&str>,
        index: &Index,
        has_plan: impl Fn(&str) -> bool + Copy,
        known: impl Fn() -> Vec<String>,
    ) -> Result<Selected, Refusal> {
        let named = self.named(wanted);
        let current = name(index.current.as_deref());
        if let Some(wanted) = named.as_ref().or(current.as_ref()) {
            let workstream = find(wanted, index, has_plan, &known)?;
            let is_default = match (name(self.shell_workstream.as_deref()), &index.current) {
                (Some(in_shell), _) => find(&in_shell, index, has_plan, &known).is_ok_and(|id| id == workstream),
                (None, Some(current)) => *current == workstream,
                (None, None) => known().as_slice() == [workstream.as_str()],
            };
            return Ok(Selected { workstream, is_default });
        }
        let mut known = known();
        match known.len() {
            1 => Ok(Selected { workstream: known.remove(0), is_default: true }),
            _ => Err(Refusal::NoCurrentWorkstream { known }),
        }
    }
}

/// A workspace that was found.
#[derive(Debug)]
pub(super) struct Workspace {
    /// The folder that holds `work/`.
    pub(super) root: PathBuf,
    /// The linked git worktree from which it was reached, if it is that of the main one.
    pub(super) linked: Option<Linked>,
}

impl Workspace {
    fn own(root: PathBuf) -> Self {
        Self { root, linked: None }
    }
}

/// What is set but empty, as an environment variable can be, is not set.
pub(super) fn name(name: Option<&str>) -> Option<String> {
    name.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The workstream that a call means.
pub(super) struct Selected {
    /// Its id.
    pub(super) workstream: String,
    /// Whether a command that names none means this one.
    pub(super) is_default: bool,
}

fn no_workspace(searched: String) -> Refusal {
    Refusal::NoWorkspace { searched }
}

/// Returns the nearest folder upwards that has a workspace, not above `top`.
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

/// Other folders called `work` do not count: there must be an index or a plan.
fn is_workspace(disk: &dyn Disk, folder: &Path) -> bool {
    let work = folder.join("work");
    is_there(disk, &work.join("index.json")) || !plans(disk, &work).is_empty()
}

fn find(
    wanted: &str,
    index: &Index,
    has_plan: impl Fn(&str) -> bool,
    known: impl Fn() -> Vec<String>,
) -> Result<String, Refusal> {
    if has_plan(wanted) {
        return Ok(wanted.to_owned());
    }
    let known = known();
    // A folder without an index entry has its name behind its number all the same.
    let is_called = |id: &str| match index.entry(id) {
        Some(entry) => entry.name == wanted,
        None => id.split_once('-').is_some_and(|(order, name)| order.parse::<u32>().is_ok() && name == wanted),
    };
    let called: Vec<&str> = known.iter().map(String::as_str).filter(|id| is_called(id)).collect();
    match called[..] {
        [] => {}
        [id] => return Ok(id.to_owned()),
        _ => {
            let message = format!("{} workstreams have the name {wanted:?}", called.len());
            return Err(Refusal::invalid(message, format!("name one by its id: {}", called.join(", "))));
        }
    }
    let similar = closest(wanted, known.iter().map(String::as_str));
    let rest = known.iter().filter(|id| !similar.contains(id)).cloned();
    let known = similar.iter().cloned().chain(rest).collect();
    Err(Refusal::UnknownWorkstream { given: wanted.chars().take(100).collect(), known })
}

/// Returns the ids of all workstreams that have a plan: those of the index in its order, then the
/// folders that it lacks.
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

pub(super) fn has_plan(disk: &dyn Disk, root: &Path, id: &str) -> bool {
    is_folder_name(id) && is_there(disk, &root.join("work").join(id).join("PLAN.md"))
}

/// Returns whether there is such a file. A link counts, so that whoever reads it is told that it is one.
fn is_there(disk: &dyn Disk, path: &Path) -> bool {
    disk.kind(path).is_some_and(|kind| kind != Kind::Folder)
}

/// Returns the names of the folders in `work/` that hold a PLAN.md, sorted.
fn plans(disk: &dyn Disk, work: &Path) -> Vec<String> {
    let mut plans: Vec<String> = disk.names(work).unwrap_or_default();
    plans.retain(|name| is_folder_name(name) && is_there(disk, &work.join(name).join("PLAN.md")));
    plans.sort();
    plans
}

/// Returns whether a text can name a folder inside `work/` and nothing else: no path, no hidden name, and
/// no character by which two names could look like one.
pub(super) fn is_folder_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(['.', '-'])
        && text.len() <= 255
        && !text.contains(|c: char| matches!(c, '/' | '\\' | ':' | '\u{200b}'..='\u{200d}') || is_hidden(c))
}

#[cfg(test)]
mod tests {
    use super::super::disk::memory::MemoryDisk;
    use super::*;

    #[test]
    fn only_plain_names_are_folders() {
        for name in ["001-search-api", "été", "a b"] {
            assert!(is_folder_name(name), "{name:?}");
        }
        for name in [
            "",
            ".",
            "..",
            ".run",
            "-x",
            "../x",
            "a/b",
            "a\\b",
            "C:",
            "a\0b",
            "a\nb",
            "a\u{200b}b",
            "a\u{202e}b",
            "a\u{3164}b",
        ] {
            assert!(!is_folder_name(name), "{name:?}");
        }
    }

    #[test]
    fn the_workspace_is_the_nearest_one_below_the_git_root() {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("repo");
        let deep = repo.join("src/work/deep");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir_all(folder.path().join("work/above")).unwrap();
        std::fs::write(folder.path().join("work/above/PLAN.md"), "").unwrap();
        let place = Place { directory: deep, ..Place::default() };
        let found = || place.workspace(&MachineDisk).ok().map(|workspace| workspace.root);
        assert_eq!(found(), Some(folder.path().to_owned()));
        std::fs::create_dir(repo.join(".git")).unwrap();
        assert!(matches!(place.workspace(&MachineDisk), Err(Refusal::NoWorkspace { .. })));
        std::fs::create_dir_all(repo.join("work/001-a")).unwrap();
        assert!(place.workspace(&MachineDisk).is_err(), "a folder called work without a plan does not count");
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
            let workspace = Place { root, directory: directory.into(), ..Place::default() }.workspace(&disk).unwrap();
            (workspace.root.display().to_string(), workspace.linked.is_some())
        };
        assert_eq!(found("/wt/part", None), ("/wt/part".to_owned(), false), "the main one has no workspace");
        disk.put("/main/work/001-a/PLAN.md", "# Plan: A\n");
        assert_eq!(found("/wt", None), ("/main".to_owned(), true));
        assert_eq!(found("/wt/part/deep", None), ("/main".to_owned(), true));
        disk.put("/main/part/work/001-a/PLAN.md", "# Plan: A\n");
        assert_eq!(found("/wt/part/deep", None), ("/main/part".to_owned(), true));
        assert_eq!(found("/wt", Some("/wt")), ("/wt".to_owned(), false), "who names a root means it");
        assert_eq!(found("/main", None), ("/main".to_owned(), false));
    }
}
