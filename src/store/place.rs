//! Where a process was told to look: which workspace, which workstream (DESIGN §3).

use std::path::PathBuf;

use crate::closest::closest;
use crate::decide::Refusal;
use crate::index::Index;

/// Where a process was told to look.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceLocation {
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
}

impl WorkspaceLocation {
    /// Returns the URL of the database, where the workspace is in one.
    pub fn database(&self) -> Option<&str> {
        self.store.as_deref().map(str::trim).filter(|url| !url.is_empty())
    }

    /// Returns the workstream that a call means, among those of these ids.
    #[cfg(feature = "postgres")]
    pub(super) fn select(&self, wanted: Option<&str>, index: &Index, known: &[String]) -> Result<Selected, Refusal> {
        self.choose(wanted, index, |id| known.iter().any(|known| known == id), || known.to_vec())
    }

    /// Returns what the workstream is called that a call means; `None`: the current one.
    pub fn named(&self, wanted: Option<&str>) -> Option<String> {
        name(wanted).or_else(|| name(self.workstream.as_deref()))
    }

    /// Returns the workstream that a call means, of those of which `has_plan` knows.
    pub(super) fn choose(
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
