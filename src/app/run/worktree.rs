//! A git worktree per thread (`work run --worktrees`, DESIGN §12): workers of one batch then do not get in each other's
//! way. What they commit is on a branch, and merging it is left to a person, or to a thread of the plan.

use std::path::{Path, PathBuf};

use crate::app::git::{git, git_change};
use crate::decide::Refusal;
use crate::plan::ThreadId;
use crate::system::real;

/// The worktrees of the threads of one workstream.
#[derive(Debug)]
pub(super) struct Worktrees {
    /// The root of the repository.
    top: PathBuf,
    /// The path of the workspace's root below that.
    inside: PathBuf,
    /// The folder of the worktrees.
    folder: PathBuf,
    workstream: String,
}

/// The worktree of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Worktree {
    /// Its root.
    pub(super) top: PathBuf,
    /// The place in it that is that of the workspace's root.
    pub(super) place: PathBuf,
    pub(super) branch: String,
}

impl Worktrees {
    /// Returns the worktrees of a workstream, of which none needs to exist.
    ///
    /// # Errors
    ///
    /// A refusal, if the root of the workspace is in no repository that has a commit.
    pub(super) fn of(root: &Path, folder: PathBuf, workstream: &str) -> Result<Self, Refusal> {
        let refused = |why: String| {
            let why = why.trim().to_owned();
            Refusal::invalid(
                format!(
                    "--worktrees needs a git repository with a commit: {}",
                    if why.is_empty() { "there is no git" } else { &why }
                ),
                "leave it away, or make a commit first",
            )
        };
        git(root, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
            .map_err(|why| refused(if why.is_empty() { "HEAD names none".to_owned() } else { why }))?;
        let top = git(root, &["rev-parse", "--show-toplevel"]).map_err(refused)?;
        let top = PathBuf::from(top.trim_end());
        let top = real(&top).unwrap_or(top);
        let own = real(root).unwrap_or_else(|_| root.to_owned());
        let inside = own.strip_prefix(&top).map(Path::to_owned).unwrap_or_default();
        Ok(Self { top, inside, folder, workstream: workstream.to_owned() })
    }

    /// Returns the worktree of a thread, which need not exist.
    pub(super) fn of_thread(&self, thread: ThreadId) -> Worktree {
        let top = self.folder.join(format!("{}.{thread}", self.workstream));
        let place = if self.inside.as_os_str().is_empty() { top.clone() } else { top.join(&self.inside) };
        Worktree { place, top, branch: format!("work/{}/{thread}", self.workstream) }
    }

    /// Makes the worktree of a thread, or finds that of an earlier attempt, which goes on there. A new one has the commit
    /// of HEAD.
    ///
    /// # Errors
    ///
    /// What git says.
    pub(super) fn make(&self, thread: ThreadId) -> Result<Worktree, String> {
        let made = self.of_thread(thread);
        let path = made.top.display().to_string();
        let is_whole = self.mark_of(thread);
        if made.top.join(".git").exists() && is_whole.exists() {
            return Ok(made);
        }
        // One that git was ended in before all files were there, or that a person has removed by hand: git still knows it.
        let _ = git_change(&self.top, &["worktree", "remove", "--force", "--force", &path]);
        let _ = std::fs::remove_file(&is_whole);
        let reference = format!("refs/heads/{}", made.branch);
        let added = if git(&self.top, &["rev-parse", "--verify", "--quiet", &reference]).is_ok() {
            git_change(&self.top, &["worktree", "add", &path, &made.branch])
        } else {
            git_change(&self.top, &["worktree", "add", "-b", &made.branch, &path, "HEAD"])
        };
        added.map_err(|why| why.trim().to_owned())?;
        std::fs::write(&is_whole, "").map_err(|error| error.to_string())?;
        Ok(made)
    }

    /// Returns the file that says that the worktree of a thread is whole.
    fn mark_of(&self, thread: ThreadId) -> PathBuf {
        self.folder.join(format!("{}.{thread}.whole", self.workstream))
    }

    /// Removes the worktree of a thread, if all that is in it is committed on its branch. The branch stays.
    pub(super) fn remove_if_clean(&self, thread: ThreadId) {
        let made = self.of_thread(thread);
        // What is committed without a branch would be lost.
        let head = git(&made.top, &["symbolic-ref", "--short", "HEAD"]).unwrap_or_default();
        if head.trim() != made.branch {
            return;
        }
        // git itself refuses to remove one with changes, or with files that it does not know.
        if git_change(&self.top, &["worktree", "remove", &made.top.display().to_string()]).is_ok() {
            let _ = std::fs::remove_file(self.mark_of(thread));
        }
    }

    /// Returns the worktrees of the workstream that are there.
    pub(super) fn left(&self) -> Vec<Worktree> {
        let names = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let threads = names.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_prefix(&self.workstream)?.strip_prefix('.')?.parse::<ThreadId>().ok()
        });
        let mut left: Vec<Worktree> = threads.map(|thread| self.of_thread(thread)).collect();
        left.sort_by(|one, other| one.top.cmp(&other.top));
        left
    }
}

impl Worktree {
    /// Returns what a worker is told of it.
    pub(super) fn told(&self) -> String {
        format!(
            "\nYou work in a git worktree of your own, {}, on branch {}. Commit your work there; do not merge it.\n",
            self.place.display(),
            self.branch
        )
    }
}
