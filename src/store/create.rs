//! What begins: a workspace, a workstream in it.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::file::{FileStore, replace};
use super::lock::lock;
use super::snapshot::{read_index, read_roster};
use super::workspace::known;
use super::{LOCK_WAIT, index_json, unwritable};
use crate::board::Board;
use crate::clock::Moment;
use crate::decide::Refusal;
use crate::fault::{Fault, Stopped};
use crate::index::{Index, IndexEvent};
use crate::plan::{MAX_NUMBER, Plan, template};
use crate::roster::Roster;

/// The roster of a new workspace.
const ROSTER: &str = include_str!("agents.yaml");

/// The longest name of a workstream's folder, in characters.
const MAX_NAME_CHARS: usize = 60;

/// A workspace that was made, or found.
#[derive(Debug, Serialize)]
pub struct Initialised {
    /// The folder that holds `work/`.
    pub workspace: String,
    /// The files that were written.
    pub created: Vec<String>,
    /// The files that were there already, which are as they were.
    pub kept: Vec<String>,
}

/// A workstream that was made.
#[derive(Debug, Serialize)]
pub struct Created {
    /// Its id.
    pub workstream: String,
    /// Its plan, from the workspace on.
    pub plan: String,
    /// How many stages the plan has.
    pub stages: u16,
}

/// The files with which a workstream begins.
pub(super) struct Beginning {
    pub(super) plan: String,
    pub(super) threads: Option<String>,
}

impl FileStore {
    /// Makes a workspace, or completes the one that is there.
    pub fn init(&self, at: Moment) -> Result<Initialised, Stopped> {
        let root = self.place().home();
        let work = root.join("work");
        fs::create_dir_all(&work).map_err(Fault::io("create the folder", &work))?;
        let _lock = lock(&root, LOCK_WAIT)?;
        let (mut created, mut kept) = (Vec::new(), Vec::new());
        let index = work.join("index.json");
        let empty = index_json::empty(at).map_err(|error| unwritable(&index, &error))?;
        for (name, text) in [("index.json", empty.as_str()), ("agents.yaml", ROSTER)] {
            let path = work.join(name);
            if path.exists() {
                kept.push(format!("work/{name}"));
            } else {
                replace(&path, text.as_bytes())?;
                created.push(format!("work/{name}"));
            }
        }
        Ok(Initialised { workspace: root.display().to_string(), created, kept })
    }

    /// Returns who there is, as agents.yaml says.
    pub fn roster(&self) -> Result<Roster, Stopped> {
        let path = self.workspace()?.join("work").join("agents.yaml");
        Ok(read_roster(&path, &Plan::default(), &Board::default())?)
    }

    /// Makes a workstream whose plan waits to be written, and makes it the current one.
    pub fn create(&self, name: &str, stages: u16, at: Moment) -> Result<Created, Stopped> {
        if !(1..=MAX_NUMBER).contains(&stages) {
            let hint = format!("a plan has 1 to {MAX_NUMBER}");
            return Err(Refusal::invalid(format!("a plan with {stages} stages is not possible"), hint).into());
        }
        let title = name.trim();
        let id = self.add_workstream(title, at, |_| Ok(Beginning { plan: template(title, stages), threads: None }))?;
        Ok(Created { plan: format!("work/{id}/PLAN.md"), workstream: id, stages })
    }

    /// Adds a workstream that begins with the files that `begin` gives for its id, as a draft, and makes
    /// it the current one. Returns its id.
    pub(super) fn add_workstream(
        &self,
        name: &str,
        at: Moment,
        begin: impl FnOnce(&str) -> Result<Beginning, Stopped>,
    ) -> Result<String, Stopped> {
        let slug = slug(name).ok_or_else(|| {
            Refusal::invalid(format!("{name:?} cannot name a folder"), "use letters, digits and dashes")
        })?;
        let root = self.workspace()?;
        let _lock = lock(&root, LOCK_WAIT)?;
        let index = read_index(&root)?.0;
        let id = new_id(&root, &index, &slug)?;
        let beginning = begin(&id)?;
        // The entry comes first: without one there would be a plan without a gate. Who dies in between
        // leaves an entry without a plan, which counts for nothing and is taken by the next try.
        if index.entry(&id).is_none() {
            write_index(&root, &id, &IndexEvent::Created, at)?;
        }
        let folder = root.join("work").join(&id);
        fs::create_dir_all(&folder).map_err(Fault::io("create the folder", &folder))?;
        if let Some(threads) = beginning.threads {
            replace(&folder.join("threads.json"), threads.as_bytes())?;
        }
        replace(&folder.join("PLAN.md"), beginning.plan.as_bytes())?;
        write_index(&root, &id, &IndexEvent::CurrentSet, at)?;
        Ok(id)
    }
}

fn write_index(root: &Path, id: &str, event: &IndexEvent, at: Moment) -> Result<(), Fault> {
    let path = root.join("work").join("index.json");
    let (_, text) = read_index(root)?;
    let text = index_json::write(text.as_deref(), id, std::slice::from_ref(event), at)
        .map_err(|error| unwritable(&path, &error))?;
    replace(&path, text.as_bytes())
}

/// Returns the id of a new workstream: the next number and the name.
fn new_id(root: &Path, index: &Index, slug: &str) -> Result<String, Refusal> {
    let number = |id: &str| id.split_once('-').and_then(|(number, _)| number.parse::<u32>().ok());
    let is_called = |id: &str| id == slug || id.split_once('-').is_some_and(|(_, name)| name == slug);
    let known = known(root, index);
    if let Some(id) = known.iter().find(|id| is_called(id)) {
        let hint = format!("choose another name, or go on with it: work current --set {id}");
        return Err(Refusal::invalid(format!("there is a workstream {id} already"), hint));
    }
    let entries = || index.entries.iter().map(|entry| entry.id.as_str());
    let is_left_over = |id: &str| is_called(id) && number(id).is_some() && is_empty(&root.join("work").join(id));
    if let Some(id) = entries().find(|id| is_left_over(id)) {
        return Ok(id.to_owned());
    }
    let folders = folders(&root.join("work"));
    let taken = entries().chain(folders.iter().map(String::as_str)).filter_map(number).max().unwrap_or(0);
    Ok(format!("{:03}-{slug}", taken.saturating_add(1)))
}

/// Returns whether nothing but temporary files is in a folder.
fn is_empty(folder: &Path) -> bool {
    folders(folder).iter().all(|name| name.starts_with('.'))
}

fn folders(work: &Path) -> Vec<String> {
    let Ok(folders) = fs::read_dir(work) else { return Vec::new() };
    folders.filter_map(Result::ok).filter_map(|folder| folder.file_name().into_string().ok()).collect()
}

/// Returns a name as a folder has it: `Search API` is `search-api`. `None` where nothing is left.
fn slug(name: &str) -> Option<String> {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.chars().take(MAX_NAME_CHARS).collect();
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_folders() {
        let table = [
            ("Search API", Some("search-api")),
            ("search-api", Some("search-api")),
            (" --a__b!! ", Some("a-b")),
            ("../../etc", Some("etc")),
            ("Größe", Some("größe")),
            ("..", None),
            ("", None),
        ];
        for (name, expected) in table {
            assert_eq!(slug(name).as_deref(), expected, "{name:?}");
        }
        assert_eq!(slug(&"x".repeat(300)).map(|slug| slug.len()), Some(MAX_NAME_CHARS));
    }
}
