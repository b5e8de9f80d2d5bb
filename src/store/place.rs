//! The location that a process was given: which workspace, and which workstream of it (DESIGN §3).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::closest::closest;
use crate::decide::Refusal;
use crate::index::Index;

/// What the flags, the environment and the working directory say of the workspace and the workstream. Nothing of it has
/// been looked up yet.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceLocation {
    /// `--root` or `WORK_ROOT`: the folder that holds `work/`.
    pub root: Option<PathBuf>,
    /// The working directory. Without `root` the workspace is looked for from here upwards.
    pub directory: PathBuf,
    /// `--workstream` or `WORK_STREAM`: the workstream of calls that name none.
    pub workstream: Option<String>,
    /// `WORK_STREAM` in the shell in which the person runs the next command. `None` in a server: it does not know that
    /// shell.
    pub shell_workstream: Option<String>,
    /// `--store` or `WORK_STORE`: the URL of the database that holds the workspace. `None` or blank: it is in files.
    pub store: Option<String>,
    /// The folders that the client of a server works in.
    pub roots: ClientRoots,
}

/// The MCP roots of a client: where the workspace is looked for if neither `root` nor the working directory has one.
/// Empty until the client has told them. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct ClientRoots(Arc<Mutex<Vec<PathBuf>>>);

impl ClientRoots {
    /// Replaces the roots.
    pub fn set(&self, roots: Vec<PathBuf>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = roots;
    }

    pub(super) fn get(&self) -> Vec<PathBuf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl WorkspaceLocation {
    /// Returns the URL of the database; `None` if the workspace is in files.
    pub fn database(&self) -> Option<&str> {
        self.store.as_deref().map(str::trim).filter(|url| !url.is_empty())
    }

    /// Returns the workstream that a call means, of those with the ids `known`. The errors are those of
    /// [`WorkspaceLocation::choose`].
    #[cfg(feature = "postgres")]
    pub(super) fn select(&self, wanted: Option<&str>, index: &Index, known: &[String]) -> Result<Selected, Refusal> {
        self.choose(wanted, index, |id| known.iter().any(|known| known == id), || known.to_vec())
    }

    /// Returns the id or name of the workstream that a call gives: `wanted`, else `--workstream` or `WORK_STREAM`.
    /// `None`: it gives none.
    pub fn named(&self, wanted: Option<&str>) -> Option<String> {
        name(wanted).or_else(|| name(self.workstream.as_deref()))
    }

    /// Returns the workstream that a call means: the named one, else the current one, else the only one
    /// that is not archived (DESIGN §3).
    /// `has_plan` tells whether an id is that of a workstream, and `known` lists all such ids.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownWorkstream`]; [`Refusal::NoCurrentWorkstream`] if there is none or several; an invalid
    /// argument if two workstreams have the name.
    pub(super) fn choose(
        &self,
        wanted: Option<&str>,
        index: &Index,
        has_plan: impl Fn(&str) -> bool + Copy,
        known: impl Fn() -> Vec<String>,
    ) -> Result<Selected, Refusal> {
        let named = self.named(wanted);
        let current = name(index.current.as_deref());
        let live = || known().into_iter().filter(|id| !index.is_archived(id)).collect::<Vec<_>>();
        if let Some(wanted) = named.as_ref().or(current.as_ref()) {
            let workstream = find(wanted, index, has_plan, &known)?;
            // A bare command means what `WORK_STREAM` says in the person's shell, else the current workstream, else the
            // only one.
            let is_default = match (name(self.shell_workstream.as_deref()), &index.current) {
                (Some(in_shell), _) => find(&in_shell, index, has_plan, &known).is_ok_and(|id| id == workstream),
                (None, Some(current)) => *current == workstream,
                (None, None) => live().as_slice() == [workstream.as_str()],
            };
            return Ok(Selected { workstream, is_default });
        }
        let mut live = live();
        match live.len() {
            1 => Ok(Selected { workstream: live.remove(0), is_default: true }),
            _ => Err(Refusal::NoCurrentWorkstream { known: live }),
        }
    }
}

/// Trims a name. Returns `None` for a blank one: an environment variable that is set to nothing counts as not set.
pub(super) fn name(name: Option<&str>) -> Option<String> {
    name.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The workstream that a call means.
pub(super) struct Selected {
    /// Its id.
    pub(super) workstream: String,
    /// Whether a person's command that names no workstream means this one.
    pub(super) is_default: bool,
}

/// Returns the id of the workstream with the id `wanted`, else of the one with that name.
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
    // A folder without an entry in index.json has its name behind its number.
    let is_called = |id: &str| match index.entry(id) {
        Some(entry) => entry.name == wanted,
        None => id.split_once('-').is_some_and(|(order, name)| order.parse::<u32>().is_ok() && name == wanted),
    };
    let called: Vec<&str> = known.iter().map(String::as_str).filter(|id| is_called(id)).collect();
    match called[..] {
        [] => {}
        [id] => return Ok(id.to_owned()),
        _ => {
            let ids = called.into_iter().map(str::to_owned).collect();
            return Err(Refusal::AmbiguousName { name: wanted.to_owned(), ids });
        }
    }
    let similar = closest(wanted, known.iter().map(String::as_str));
    let rest = known.iter().filter(|id| !similar.contains(id)).cloned();
    let known = similar.iter().cloned().chain(rest).collect();
    Err(Refusal::UnknownWorkstream { given: wanted.chars().take(100).collect(), known })
}
