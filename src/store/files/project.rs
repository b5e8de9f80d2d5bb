//! The project around a workspace: the files that a set-up makes or completes, and the folders that an import reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::FileStore;
use super::commit::replace;
use super::disk::{Disk, Kind, MachineDisk};
use super::folders::{create_folders, plain_folder};
use super::lock::{Locks, lock};
use super::read::{Files, read_state, read_tasks, read_threads};
use super::unread::unwritable;
use super::workspace::{home, known, workspace};
use crate::board::Board;
use crate::fault::{Error, Fault};
use crate::format::{agents_yaml, index_json};
use crate::moment::Moment;
use crate::plan::parse;
use crate::roster::Roster;
use crate::store::LOCK_WAIT;
use crate::store::place::WorkspaceLocation;
use crate::store::snapshot::undeclared;
use crate::system::real;

/// A workspace that was made, or was there already.
#[derive(Debug, Serialize)]
pub struct Initialised {
    /// The folder that holds `work/`.
    pub workspace: String,
    /// The files that were written.
    pub created: Vec<String>,
    /// The files that were there already and stay as they are.
    pub kept: Vec<String>,
}

/// A project whose workspace is locked until this is dropped. So two set-ups at once cannot write over each other's
/// files.
#[derive(Debug)]
pub struct Project<'s> {
    store: &'s FileStore,
    root: PathBuf,
    /// `None` if there is no workspace to lock, or nothing is written.
    _locks: Option<Locks>,
}

impl FileStore {
    /// Makes the workspace, or completes the one that is there. Returns it, and the project around it.
    pub fn initialise(&self, at: Moment) -> Result<(Initialised, Project<'_>), Error> {
        let disk = self.disk();
        let root = home(&self.place, disk);
        let work = root.join("work");
        if !plain_folder(disk, &work)? {
            create_folders(disk, &work)?;
        }
        let locks = lock(disk, &root, LOCK_WAIT)?;
        // An index.json of another program is refused by name. Without this check it would be kept as the index of the
        // workspace.
        self.files.index(disk, &root)?;
        let index = work.join("index.json");
        let empty = index_json::empty(at).map_err(|error| unwritable(&index, &error))?;
        let project = Project { store: self, root, _locks: Some(locks) };
        let mut initialised =
            Initialised { workspace: project.root.display().to_string(), created: Vec::new(), kept: Vec::new() };
        project.make(&mut initialised, "work/index.json", || Ok(empty))?;
        project.make(&mut initialised, "work/agents.yaml", || {
            Ok(agents_yaml::sample(&named_agents(disk, &project.root)?))
        })?;
        Ok((initialised, project))
    }

    /// Returns the project without making a workspace, and what [`FileStore::initialise`] would write or keep. With
    /// `to_write` the workspace is locked, if there is one.
    pub fn look_at_project(&self, to_write: bool) -> Result<(Initialised, Project<'_>), Error> {
        let disk = self.disk();
        let root = home(&self.place, disk);
        let locks = if to_write && plain_folder(disk, &root.join("work"))? {
            Some(lock(disk, &root, LOCK_WAIT)?)
        } else {
            None
        };
        let project = Project { store: self, root, _locks: locks };
        let is_there = |name: &&str| disk.kind(&project.root.join(name)).is_some();
        let (kept, created): (Vec<&str>, Vec<&str>) = WORKSPACE_FILES.into_iter().partition(is_there);
        let named = |files: Vec<&str>| files.into_iter().map(str::to_owned).collect();
        let workspace = project.root.display().to_string();
        Ok((Initialised { workspace, created: named(created), kept: named(kept) }, project))
    }
}

/// The files without which a folder is no workspace.
const WORKSPACE_FILES: [&str; 2] = ["work/index.json", "work/agents.yaml"];

impl Project<'_> {
    /// Returns the folder that holds `work/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the roster of the workspace, or the one that a new workspace would have.
    pub fn roster(&self) -> Result<Arc<Roster>, Fault> {
        let path = self.root.join("work/agents.yaml");
        let disk = self.store.disk();
        if disk.kind(&path).is_none() {
            let sample = agents_yaml::sample(&named_agents(disk, &self.root)?);
            let roster = agents_yaml::read(&sample);
            return roster.map(Arc::new).map_err(|bad| Fault::StateUnreadable { path, at: bad.at, why: bad.why });
        }
        self.store.files.roster(self.store.disk(), &path, &[], &Board::default())
    }

    /// Writes a file of the project as a whole, and makes the folders that are missing. Follows a symbolic link, but
    /// refuses one that leads out of the project.
    pub fn write(&self, name: &str, text: &str) -> Result<(), Fault> {
        self.require_inside(name)?;
        let path = self.root.join(name);
        let disk = self.store.disk();
        create_folders(disk, path.parent().unwrap_or(&self.root))?;
        replace(disk, &self.root, &real(&path).unwrap_or(path), text.as_bytes())
    }

    /// Fails if a symbolic link leads from a file of the project to a place outside of it.
    pub fn require_inside(&self, name: &str) -> Result<(), Fault> {
        let path = self.root.join(name);
        // The part of the path that exists already shows where the rest of it would go.
        let there = path.ancestors().find_map(|part| real(part).ok());
        let leads_out = there.zip(real(&self.root).ok()).is_some_and(|(there, root)| !there.starts_with(root));
        if leads_out {
            let why = "a symbolic link leads out of the project; only what stands in it is changed".to_owned();
            return Err(Fault::StateUnreadable { path, at: None, why });
        }
        Ok(())
    }

    /// Removes a file of the project, and the folders that it leaves empty. Refuses one outside, to which a symbolic link
    /// leads. A link itself stays, and what it leads to is emptied.
    pub fn remove(&self, name: &str) -> Result<(), Fault> {
        self.require_inside(name)?;
        let path = self.root.join(name);
        if self.store.disk().kind(&path) == Some(Kind::Link) {
            let empty = if name.ends_with("json") || name.ends_with("jsonc") { "{}\n" } else { "" };
            return self.write(name, empty);
        }
        self.store.disk().remove(&path).map_err(Fault::io("remove", &path))?;
        let above = path.ancestors().skip(1).take_while(|folder| *folder != self.root);
        // A folder that still has something in it cannot be removed, and ends this.
        above.take_while(|folder| std::fs::remove_dir(folder).is_ok()).count();
        Ok(())
    }

    /// Returns the root of the project as a folder to read.
    pub fn folder(&self) -> Folder {
        Folder::at(self.root.clone())
    }

    /// Writes a file unless it is there already, and notes which of the two it was.
    fn make(
        &self,
        initialised: &mut Initialised,
        name: &str,
        text: impl FnOnce() -> Result<String, Fault>,
    ) -> Result<(), Fault> {
        if self.store.disk().kind(&self.root.join(name)).is_some() {
            initialised.kept.push(name.to_owned());
        } else {
            self.write(name, &text()?)?;
            initialised.created.push(name.to_owned());
        }
        Ok(())
    }
}

/// Returns the agents that the plans and boards of a workspace name, each once. A new agents.yaml lists them, since a
/// roster without them would not accept agents that are in use.
fn named_agents(disk: &dyn Disk, root: &Path) -> Result<Vec<String>, Fault> {
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
    Ok(named)
}

/// A folder that is only read. Its files are read like those of the state: only regular files, up to a size.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Returns the folder at a path. It need not exist.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Returns `work/` of the workspace at a location; `None` if there is none.
    pub fn of_workspace(place: &WorkspaceLocation) -> Option<Self> {
        let workspace = workspace(place, &MachineDisk).ok()?;
        Some(Self { path: workspace.root.join("work") })
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a folder in it. It need not exist.
    #[must_use]
    pub fn inner(&self, name: &str) -> Self {
        Self { path: self.path.join(name) }
    }

    /// Reads a file in it as a whole; `None` if there is none.
    pub fn read(&self, name: &str) -> Result<Option<String>, Fault> {
        read_state(&MachineDisk, &self.path.join(name))
    }

    /// Reads a file in it, and follows symbolic links: for the person's own files.
    pub fn read_through(&self, name: &str) -> Result<Option<String>, Fault> {
        let path = self.path.join(name);
        read_state(&MachineDisk, &real(&path).unwrap_or(path))
    }

    /// Returns whether it has such a file, or a link to one.
    pub fn has_file(&self, name: &str) -> bool {
        self.path.join(name).is_file()
    }

    /// Returns whether it has such a folder, or a link to one.
    pub fn has_folder(&self, name: &str) -> bool {
        self.path.join(name).is_dir()
    }

    /// Returns the names in it, sorted; none if there is no folder. A name that is not UTF-8 is left out: no program of
    /// this family gives one.
    pub fn names(&self) -> Result<Vec<String>, Fault> {
        use std::io::ErrorKind::{NotADirectory, NotFound};
        let mut names = match MachineDisk.names(&self.path) {
            Ok(names) => names,
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Vec::new(),
            Err(error) => return Err(Fault::io("read", &self.path)(error)),
        };
        names.sort();
        Ok(names)
    }

    /// Returns the paths of all files below it, relative to it and sorted. A folder `deepest` levels down is not
    /// entered; its path is returned with a slash at its end. Links to folders are followed only with `follow_links`.
    pub fn files_below(&self, deepest: usize, follow_links: bool) -> Result<Vec<String>, Fault> {
        let mut files = Vec::new();
        let mut open = vec![String::new()];
        while let Some(below) = open.pop() {
            let folder = if below.is_empty() { self.clone() } else { self.inner(&below) };
            for name in folder.names()? {
                let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
                // A circle of links ends at `deepest`.
                let is_folder = match MachineDisk.kind(&folder.path.join(&name)) {
                    Some(Kind::Link) if follow_links => folder.has_folder(&name),
                    kind => kind == Some(Kind::Folder),
                };
                if !is_folder {
                    files.push(path);
                } else if path.split('/').count() < deepest {
                    open.push(path);
                } else {
                    files.push(format!("{path}/"));
                }
            }
        }
        files.sort();
        Ok(files)
    }
}
