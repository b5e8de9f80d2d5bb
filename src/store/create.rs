//! What begins: a workspace, a workstream in it.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::file::{FileStore, replace};
use super::lock::lock;
use super::opencode_files::set_up_opencode;
use super::snapshot::{read_index, read_roster, read_state, read_tasks, read_threads};
use super::workspace::known;
use super::{LOCK_WAIT, SetUp, index_json, unwritable, write_whole};
use crate::board::Board;
use crate::clock::Moment;
use crate::decide::Refusal;
use crate::fault::{Fault, Stopped};
use crate::index::{IndexEvent, name_of, slug};
use crate::plan::{MAX_NUMBER, MAX_PLAN_BYTES, Plan, parse, template};

/// The roster of a new workspace.
const ROSTER: &str = include_str!("agents.yaml");

const THREADS: &str = "threads.json";

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

impl Initialised {
    /// Writes a file that is not there yet.
    pub(super) fn write(
        &mut self,
        name: &str,
        path: &Path,
        text: impl FnOnce() -> Result<String, Fault>,
    ) -> Result<(), Fault> {
        if path.exists() {
            self.kept.push(name.to_owned());
        } else {
            write_whole(path, text()?.as_bytes())?;
            self.created.push(name.to_owned());
        }
        Ok(())
    }
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
    /// Makes a workspace, or completes the one that is there; with `opencode` also the project's OpenCode
    /// set-up. All of it happens under the lock, so that two at once do not write over each other.
    pub fn init(&self, opencode: bool, at: Moment) -> Result<SetUp, Stopped> {
        let root = self.place().home();
        let work = root.join("work");
        fs::create_dir_all(&work).map_err(Fault::io("create the folder", &work))?;
        let _lock = lock(&root, LOCK_WAIT)?;
        let index = work.join("index.json");
        let empty = index_json::empty(at).map_err(|error| unwritable(&index, &error))?;
        let mut initialised =
            Initialised { workspace: root.display().to_string(), created: Vec::new(), kept: Vec::new() };
        initialised.write("work/index.json", &index, || Ok(empty))?;
        initialised.write("work/agents.yaml", &work.join("agents.yaml"), || roster_for(&root))?;
        if opencode {
            let roster = read_roster(&work.join("agents.yaml"), &Plan::default(), &Board::default())?;
            return Ok(set_up_opencode(&root, &roster, initialised)?);
        }
        Ok(SetUp { workspace: initialised, changed: Vec::new(), warnings: Vec::new() })
    }

    /// Makes a workstream whose plan waits to be written, and makes it the current one.
    pub fn create(&self, name: &str, stages: u16, at: Moment) -> Result<Created, Stopped> {
        if !(1..=MAX_NUMBER).contains(&stages) {
            let hint = format!("a plan has 1 to {MAX_NUMBER}");
            return Err(Refusal::invalid(format!("a plan with {stages} stages is not possible"), hint).into());
        }
        let title = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let title = title.as_str();
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
            let short: String = name.chars().take(60).collect();
            Refusal::invalid(format!("{short:?} cannot name a folder"), "use letters, digits and dashes")
        })?;
        let root = self.workspace()?;
        let work = root.join("work");
        let _lock = lock(&root, LOCK_WAIT)?;
        let index = read_index(&root)?.0;
        if let Some(workstream) = known(&root, &index).into_iter().find(|id| name_of(id) == slug) {
            return Err(Refusal::AlreadyExists { workstream }.into());
        }
        let id = index.new_id(&slug, &folders(&work), |id| is_left_over(&work.join(id)));
        let beginning = begin(&id)?;
        if beginning.plan.len() as u64 > MAX_PLAN_BYTES {
            let path = work.join(&id).join("PLAN.md");
            return Err(Fault::TooLarge { path, bytes: beginning.plan.len(), limit: MAX_PLAN_BYTES }.into());
        }
        // The entry comes first: without one there would be a plan without a gate. Who dies in between
        // leaves an entry without a plan, which counts for nothing and is taken by the next try.
        if index.entry(&id).is_none() {
            write_index(&root, &id, &IndexEvent::Created, at)?;
        }
        let folder = work.join(&id);
        fs::create_dir_all(&folder).map_err(Fault::io("create the folder", &folder))?;
        let threads = folder.join(THREADS);
        match beginning.threads {
            Some(text) => replace(&threads, text.as_bytes())?,
            None if threads.exists() => fs::remove_file(&threads).map_err(Fault::io("remove", &threads))?,
            None => {}
        }
        replace(&folder.join("PLAN.md"), beginning.plan.as_bytes())?;
        write_index(&root, &id, &IndexEvent::CurrentSet, at)?;
        Ok(id)
    }
}

/// Returns the roster of a workspace that has none: the sample, or where there are plans the agents that
/// they and their states name, so that nobody who works there becomes a stranger.
fn roster_for(root: &Path) -> Result<String, Fault> {
    let mut named: Vec<String> = Vec::new();
    for id in known(root, &read_index(root)?.0) {
        let folder = root.join("work").join(&id);
        let plan = parse(&read_state(&folder.join("PLAN.md"))?.unwrap_or_default());
        let board = read_threads(&folder, &read_tasks(&folder)?)?.0.board;
        for agent in read_roster(Path::new(""), &plan, &board)?.agents {
            if !named.contains(&agent.name) {
                named.push(agent.name);
            }
        }
    }
    let (Some(at), false) = (ROSTER.find("\nagents:"), named.is_empty()) else { return Ok(ROSTER.to_owned()) };
    let mut text = format!("{}\nagents:\n", &ROSTER[..at]);
    for name in named {
        text += &format!("  - name: {}\n", serde_json::Value::from(name));
    }
    Ok(text)
}

fn write_index(root: &Path, id: &str, event: &IndexEvent, at: Moment) -> Result<(), Fault> {
    let path = root.join("work").join("index.json");
    let (_, text) = read_index(root)?;
    let text = index_json::write(text.as_deref(), id, std::slice::from_ref(event), at)
        .map_err(|error| unwritable(&path, &error))?;
    replace(&path, text.as_bytes())
}

/// Returns whether nothing is in a folder but what dies with who made it: temporary files, and the state
/// that an import writes before the plan.
fn is_left_over(folder: &Path) -> bool {
    folders(folder).iter().all(|name| name.starts_with('.') || name == THREADS)
}

fn folders(work: &Path) -> Vec<String> {
    let Ok(folders) = fs::read_dir(work) else { return Vec::new() };
    folders.filter_map(Result::ok).filter_map(|folder| folder.file_name().into_string().ok()).collect()
}
