//! Linked git worktrees (`git worktree add`). All worktrees of a repository use the workspace of the main one
//! (DESIGN §3).
//!
//! git checks `work/` out in each of them. If each used its own copy, none would see what the others write.

use std::path::{Component, Path, PathBuf};

use super::disk::{Disk, Kind};
use crate::system::real;

/// The largest pointer file of git that is read, in bytes. Such a file holds one path.
const MAX_POINTER_BYTES: u64 = 16 * 1024;

/// A linked worktree, and the main one of its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The root of the linked worktree.
    pub worktree: PathBuf,
    /// The root of the main worktree.
    pub main: PathBuf,
}

impl Linked {
    /// Returns the linked worktree that has this root. `None`: it is not a linked one, or there is no main worktree, as
    /// with a bare repository or a submodule.
    pub(super) fn at(disk: &dyn Disk, GitRoot { folder: worktree, kind }: GitRoot<'_>) -> Option<Self> {
        // In a main worktree `.git` is a folder, and there is nothing to read.
        if kind != Kind::File {
            return None;
        }
        let pointer = line(disk, &worktree.join(".git"))?;
        let own = joined(worktree, pointer.strip_prefix("gitdir:")?.trim());
        let common = joined(&own, &line(disk, &own.join("commondir"))?);
        // A bare repository can be called `.git` too. It has no index, since nothing is checked out of it.
        if common.file_name()? != ".git" || disk.kind(&common.join("index")).is_none() {
            return None;
        }
        Some(Self { worktree: worktree.to_owned(), main: common.parent()?.to_owned() })
    }

    /// Returns the folder of the main worktree that corresponds to `folder` of the linked one.
    pub(super) fn in_main(&self, folder: &Path) -> PathBuf {
        // Joining an empty path would add a slash at the end, which people would see.
        let inside = folder.strip_prefix(&self.worktree).ok().filter(|inside| !inside.as_os_str().is_empty());
        inside.map_or_else(|| self.main.clone(), |inside| self.main.join(inside))
    }
}

/// Returns the root of the git worktree around a folder, and the roots of all worktrees of its repository. `None`: there
/// is no repository.
pub fn worktrees(folder: &Path) -> Option<(PathBuf, Vec<PathBuf>)> {
    let disk = &super::disk::MachineDisk;
    let GitRoot { folder: top, kind } = GitRoot::above(disk, folder)?;
    let common = if kind == Kind::File {
        let own = joined(top, line(disk, &top.join(".git"))?.strip_prefix("gitdir:")?.trim());
        line(disk, &own.join("commondir")).map_or(own.clone(), |common| joined(&own, &common))
    } else {
        top.join(".git")
    };
    let mut roots = vec![top.to_owned()];
    // A bare repository has no main worktree.
    if common.file_name()? == ".git" && disk.kind(&common.join("index")).is_some() {
        roots.extend(common.parent().map(Path::to_owned));
    }
    let linked = common.join("worktrees");
    for name in disk.names(&linked).unwrap_or_default() {
        // The file names the `.git` of the worktree.
        let own = linked.join(name);
        let Some(pointer) = line(disk, &own.join("gitdir")).map(|pointer| joined(&own, &pointer)) else { continue };
        // The worktree names the repository too. Else the folder is another one by now.
        let back = line(disk, &pointer);
        let back = back.as_deref().and_then(|back| back.strip_prefix("gitdir:"));
        if let (Some(worktree), Some(back)) = (pointer.parent(), back)
            && is_same(&joined(worktree, back.trim()), &own)
        {
            roots.push(worktree.to_owned());
        }
    }
    Some((top.to_owned(), roots))
}

/// Returns whether two paths lead to the same place.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((real(one), real(other)), (Ok(one), Ok(other)) if one == other)
}

/// The root of a git worktree, main or linked.
#[derive(Debug, Clone, Copy)]
pub(super) struct GitRoot<'f> {
    pub(super) folder: &'f Path,
    /// What its `.git` is: a folder in a main worktree, a file in a linked one.
    kind: Kind,
}

impl<'f> GitRoot<'f> {
    /// Returns the nearest root, from `folder` upwards.
    pub(super) fn above(disk: &dyn Disk, folder: &'f Path) -> Option<Self> {
        folder.ancestors().find_map(|folder| Some(Self { folder, kind: disk.kind(&folder.join(".git"))? }))
    }
}

/// Returns the line of a file that has exactly one, trimmed; else `None`.
fn line(disk: &dyn Disk, path: &Path) -> Option<String> {
    let text = String::from_utf8(disk.read(path, MAX_POINTER_BYTES).ok()?).ok()?;
    let line = text.trim();
    (!line.is_empty() && !line.contains(['\n', '\0'])).then(|| line.to_owned())
}

/// Joins a path that git wrote to a folder, and resolves the `.` and `..` in it.
fn joined(folder: &Path, path: &str) -> PathBuf {
    let mut joined = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => drop(joined.pop()),
            Component::CurDir => {}
            part => joined.push(part),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::super::disk::memory::MemoryDisk;
    use super::*;

    const REPOSITORY: [(&str, &str); 4] = [
        ("/main/.git/index", "DIRC"),
        ("/main/.git/worktrees/wt/commondir", "../..\n"),
        ("/wt/.git", "gitdir: /main/.git/worktrees/wt\n"),
        ("/wt/src/lib.rs", ""),
    ];

    fn around(disk: &MemoryDisk, folder: &str) -> Option<Linked> {
        Linked::at(disk, GitRoot::above(disk, Path::new(folder))?)
    }

    #[test]
    fn a_linked_worktree_knows_its_main_one() {
        let disk = MemoryDisk::with(&REPOSITORY);
        let linked = Linked { worktree: "/wt".into(), main: "/main".into() };
        assert_eq!(around(&disk, "/wt").as_ref(), Some(&linked));
        assert_eq!(around(&disk, "/wt/src").as_ref(), Some(&linked));
        assert_eq!(linked.in_main(Path::new("/wt/src")), Path::new("/main/src"));
        assert_eq!(linked.in_main(Path::new("/wt")).as_os_str(), "/main");
        assert_eq!(around(&disk, "/main"), None);
        // git writes this with worktree.useRelativePaths.
        disk.put("/wt/.git", "gitdir: ../main/.git/worktrees/wt\n");
        assert_eq!(around(&disk, "/wt/src").as_ref(), Some(&linked));
    }

    #[test]
    fn what_has_no_main_worktree_is_not_linked() {
        for (path, text) in [
            // A submodule has no `commondir`.
            ("/wt/.git", "gitdir: ../main/.git/modules/wt\n"),
            // A bare repository that is not called `.git`.
            ("/main/.git/worktrees/wt/commondir", "/main/bare.git\n"),
            // A bare repository that is called `.git`.
            ("/main/.git/worktrees/wt/commondir", "/bare/.git\n"),
            ("/main/.git/worktrees/wt/commondir", "\n"),
            ("/wt/.git", "gitdir:\n"),
            ("/wt/.git", "something else\n"),
            ("/wt/.git", "gitdir: /main/.git/worktrees/wt\nand more\n"),
            ("/wt/.git", &"x".repeat(100_000)),
        ] {
            let disk = MemoryDisk::with(&REPOSITORY);
            disk.put(path, text);
            assert_eq!(around(&disk, "/wt"), None, "{path}: {text:.60}");
        }
    }
}
