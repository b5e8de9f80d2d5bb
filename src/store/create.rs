//! What begins: a workspace, a workstream in it.

use std::path::Path;

use serde::Serialize;

use super::commit::{Change, commit, create_folders, plain_folder};
use super::disk::Disk;
use super::file::FileStore;
use super::lock::lock;
use super::opencode_files::set_up_opencode;
use super::snapshot::{Files, Snapshot, read_state, read_tasks, read_threads, undeclared};
use super::workspace::{Place, known};
use super::{LOCK_WAIT, SetUp, index_json, unwritable, write_whole};
use crate::board::Board;
use crate::clock::Moment;
use crate::decide::Refusal;
use crate::fault::{Fault, Stopped};
use crate::index::{Index, IndexEvent, name_of, slug};
use crate::plan::{MAX_NUMBER, MAX_PLAN_BYTES, parse, template};

/// The roster of a new workspace.
const ROSTER: &str = include_str!("agents.yaml");

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
        disk: &dyn Disk,
        root: &Path,
        name: &str,
        text: impl FnOnce() -> Result<String, Fault>,
    ) -> Result<(), Fault> {
        if disk.kind(&root.join(name)).is_some() {
            self.kept.push(name.to_owned());
        } else {
            write_whole(disk, root, name, &text()?)?;
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
    /// Whether it is the current one.
    pub current: bool,
    /// The one that stays the current one.
    pub executed: Option<Executed>,
}

/// A workstream that stays the current one, as a batch of it is executed: what names none must go on to mean it.
#[derive(Debug, Clone, Serialize)]
pub struct Executed {
    /// Its id.
    pub workstream: String,
    /// The batch.
    pub batch: String,
}

/// A workstream that was added.
pub(super) struct Added {
    pub(super) id: String,
    /// The one that stays the current one.
    pub(super) executed: Option<Executed>,
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
        let disk = self.disk();
        let root = self.place().home(disk);
        let work = root.join("work");
        if !plain_folder(disk, &work)? {
            create_folders(disk, &work)?;
        }
        let _lock = lock(disk, &root, LOCK_WAIT)?;
        // One of another program's is refused by name, not kept in silence.
        self.files().index(disk, &root)?;
        let index = work.join("index.json");
        let empty = index_json::empty(at).map_err(|error| unwritable(&index, &error))?;
        let mut initialised =
            Initialised { workspace: root.display().to_string(), created: Vec::new(), kept: Vec::new() };
        initialised.write(disk, &root, "work/index.json", || Ok(empty))?;
        initialised.write(disk, &root, "work/agents.yaml", || roster_for(disk, &root))?;
        if opencode {
            let roster = self.files().roster(disk, &work.join("agents.yaml"), &[], &Board::default())?;
            return Ok(set_up_opencode(disk, &root, &roster, initialised)?);
        }
        Ok(SetUp { workspace: initialised, changed: Vec::new(), warnings: Vec::new() })
    }

    /// Makes a workstream whose plan waits to be written, and makes it the current one unless a batch of the current
    /// one is executed.
    pub fn create(&self, name: &str, stages: u16, at: Moment) -> Result<Created, Stopped> {
        if !(1..=MAX_NUMBER).contains(&stages) {
            let hint = format!("a plan has 1 to {MAX_NUMBER}");
            return Err(Refusal::invalid(format!("a plan with {stages} stages is not possible"), hint).into());
        }
        let title = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let title = title.as_str();
        let begin = |_: &str| Ok(Beginning { plan: template(title, stages), threads: None });
        let Added { id, executed } = self.add_workstream(title, at, begin)?;
        let (plan, current) = (format!("work/{id}/PLAN.md"), executed.is_none());
        Ok(Created { plan, workstream: id, stages, current, executed })
    }

    /// Adds a workstream that begins with the files that `begin` gives for its id, as a draft, and makes it the
    /// current one unless a batch of the current one is executed.
    pub(super) fn add_workstream(
        &self,
        name: &str,
        at: Moment,
        begin: impl FnOnce(&str) -> Result<Beginning, Stopped>,
    ) -> Result<Added, Stopped> {
        let slug = slug(name).ok_or_else(|| {
            let short: String = name.chars().take(60).collect();
            Refusal::invalid(format!("{short:?} cannot name a folder"), "use letters, digits and dashes")
        })?;
        let (root, disk) = (self.root()?, self.disk());
        let work = root.join("work");
        let _lock = lock(disk, &root, LOCK_WAIT)?;
        let file = self.files().index(disk, &root)?;
        let index = &file.index;
        if let Some(workstream) = known(disk, &root, index).into_iter().find(|id| name_of(id) == slug) {
            return Err(Refusal::AlreadyExists { workstream }.into());
        }
        let folders = disk.names(&work).unwrap_or_default();
        let id = index.new_id(&slug, &folders, |id| is_left_over(disk, &work.join(id)));
        plain_folder(disk, &work.join(&id))?;
        let beginning = begin(&id)?;
        if beginning.plan.len() as u64 > MAX_PLAN_BYTES {
            let path = work.join(&id).join("PLAN.md");
            return Err(Fault::TooLarge { path, bytes: beginning.plan.len(), limit: MAX_PLAN_BYTES }.into());
        }
        let executed = self.executed(index);
        let current = executed.as_ref().map_or(&id, |executed| &executed.workstream);
        let created: &[IndexEvent] = if index.entry(&id).is_none() { &[IndexEvent::Created] } else { &[] };
        let index = index_json::write(file.text.as_deref(), &id, created, at)
            .and_then(|text| index_json::write(Some(&text), current, &[IndexEvent::CurrentSet], at))
            .map_err(|error| unwritable(&work.join("index.json"), &error))?;
        let mut changes = vec![Change { path: "index.json".to_owned(), text: index }];
        if let Some(text) = beginning.threads {
            changes.push(Change { path: format!("{id}/threads.json"), text });
        }
        changes.push(Change { path: format!("{id}/PLAN.md"), text: beginning.plan });
        commit(disk, &root, &changes)?;
        Ok(Added { id, executed })
    }

    /// Returns the current workstream of the workspace, or the only one, if a batch of it is executed. Nobody
    /// executes one that cannot be read.
    fn executed(&self, index: &Index) -> Option<Executed> {
        // What this shell or this command line names says nothing about the calls of others.
        let anyones = Place { workstream: None, shell_workstream: None, ..self.place().clone() };
        let workspace = anyones.workspace(self.disk()).ok()?;
        let current = anyones.workstream(self.disk(), &workspace.root, None, index).ok()?.workstream;
        let snapshot = Snapshot::read(self.files(), self.disk(), workspace, &anyones, Some(&current), None).ok()?;
        let batch = snapshot.scene().executed_batch(snapshot.board())?.to_string();
        Some(Executed { workstream: current, batch })
    }
}

/// Returns the roster of a workspace that has none: the sample, or where there are plans the agents that
/// they and their states name, so that nobody who works there becomes a stranger.
fn roster_for(disk: &dyn Disk, root: &Path) -> Result<String, Fault> {
    let mut named: Vec<String> = Vec::new();
    for id in known(disk, root, &Files::default().index(disk, root)?.index) {
        let folder = root.join("work").join(&id);
        let plan = parse(&read_state(disk, &folder.join("PLAN.md"))?.unwrap_or_default());
        let board = read_threads(disk, &folder, &read_tasks(disk, &folder)?)?.0.board;
        for agent in undeclared(&plan.agents(), &board).agents {
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

/// Returns whether nothing is in a folder but what dies with who made it: temporary files.
fn is_left_over(disk: &dyn Disk, folder: &Path) -> bool {
    disk.names(folder).unwrap_or_default().iter().all(|name| name.starts_with('.'))
}
