//! `work init`: makes a workspace, and sets the project up for hosts.

use serde::Serialize;

use super::git_set_up::{ATTRIBUTES, GitSetUp, git_set_up};
use super::installed::missing;
use super::project_of_person::{ProjectOfPerson, with_moved_home};
use crate::fault::Error;
use crate::hosts::{Direction, Edit, Host, HostsSetUp, set_up, signs_of};
use crate::moment::Moment;
#[cfg(feature = "postgres")]
use crate::store::PostgresStore;
use crate::store::{FileStore, Initialised};

/// Which hosts a project is set up for.
#[derive(Debug, Clone)]
pub enum Chosen {
    /// These.
    These(Vec<&'static Host>),
    /// Those of which the project shows signs.
    BySigns,
}

/// What `work init` does.
#[derive(Debug, Clone)]
pub struct InitRequest {
    /// The hosts.
    pub hosts: Chosen,
    /// Whether their set-up is made or taken back.
    pub direction: Direction,
    /// Whether nothing is written.
    pub dry_run: bool,
}

/// The result of `work init`.
#[derive(Debug, Serialize)]
pub struct SetUp {
    /// The workspace, and the files that were written or kept.
    #[serde(flatten)]
    pub workspace: Initialised,
    /// The files that were there and got something added or removed.
    pub changed: Vec<Changed>,
    /// The files that were removed.
    pub removed: Vec<String>,
    /// The kept files of hosts that differ from what this program writes now.
    pub differing: Vec<String>,
    /// What a person should look at, one sentence each.
    pub warnings: Vec<String>,
    /// The hosts that were set up.
    pub hosts: Vec<HostSetUp>,
    /// The changes of files in the unified format, if nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// A file that was there and changed.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// Its path, relative to the root of the workspace.
    pub file: String,
    /// What was added or removed, a few words each.
    pub what: Vec<String>,
}

/// A host that was set up.
#[derive(Debug, Serialize)]
pub struct HostSetUp {
    /// Its name.
    pub title: &'static str,
    /// The step that only a person can take.
    pub next_step: &'static str,
}

/// Makes the workspace, or completes the one that is there, has git merge its files with this program (DESIGN §3), and
/// sets the project up for hosts (DESIGN §11). All of it
/// happens under the lock, so two set-ups at once cannot write over each other's files. A set-up that is taken back
/// leaves the workspace alone.
///
/// # Errors
///
/// If a file cannot be read, understood or written. Files of hosts are written only after all of them were understood.
pub fn init(files: &FileStore, request: &InitRequest, at: Moment) -> Result<SetUp, Error> {
    let writes_workspace = request.direction == Direction::Add && !request.dry_run;
    let (mut workspace, project) =
        if writes_workspace { files.initialise(at)? } else { files.look_at_project(!request.dry_run)? };
    if request.direction == Direction::Remove {
        (workspace.created, workspace.kept) = (Vec::new(), Vec::new());
    }
    let known = ProjectOfPerson::at(project.folder());
    let roster = project.roster()?;
    let hosts = match &request.hosts {
        Chosen::These(hosts) => hosts.clone(),
        Chosen::BySigns => signs_of(&known, &roster),
    };
    let HostsSetUp { edits, kept, differing, notes } = set_up(&hosts, &known, &roster, request.direction)?;
    // Before the first one is written, none of them may turn out to be one that cannot be.
    for edit in &edits {
        project.require_inside(&edit.path)?;
    }
    let git = match request.direction {
        Direction::Add => git_set_up(&project, request.dry_run),
        Direction::Remove => GitSetUp::default(),
    };
    let edits: Vec<Edit> = git.edit.into_iter().chain(edits).collect();
    let mut answer = SetUp {
        workspace,
        changed: Vec::new(),
        removed: Vec::new(),
        differing,
        warnings: notes.iter().map(|note| with_moved_home(note)).chain(git.notes).collect(),
        hosts: hosts.iter().map(|host| HostSetUp { title: host.title, next_step: host.next_step }).collect(),
        diff: request.dry_run.then(|| edits.iter().map(Edit::diff).collect()),
    };
    answer.workspace.kept.extend(kept);
    answer.workspace.kept.extend(git.is_kept.then(|| ATTRIBUTES.to_owned()));
    for Edit { path, before, after, what } in edits {
        if !request.dry_run && path != ATTRIBUTES {
            match &after {
                Some(text) => project.write(&path, text)?,
                None => project.remove(&path)?,
            }
        }
        match (before, after) {
            (None, _) => answer.workspace.created.push(path),
            (Some(_), None) => answer.removed.push(path),
            (Some(_), Some(_)) => answer.changed.push(Changed { file: path, what }),
        }
    }
    if request.direction == Direction::Add && !hosts.is_empty() {
        answer.warnings.extend(missing());
    }
    answer.changed.extend(git.configured.map(|(file, what)| Changed { file, what }));
    Ok(answer)
}

/// Makes the workspace in a database, with a sample roster. A workspace that is there stays as it is.
#[cfg(feature = "postgres")]
pub fn init_database(database: &PostgresStore, at: Moment) -> Result<SetUp, Error> {
    let is_new = database.make_workspace(at)?;
    let files = ["index.json", "agents.yaml"].map(str::to_owned).to_vec();
    let (created, kept) = if is_new { (files, Vec::new()) } else { (Vec::new(), files) };
    Ok(SetUp {
        workspace: Initialised { workspace: database.workspace(), created, kept },
        changed: Vec::new(),
        removed: Vec::new(),
        differing: Vec::new(),
        warnings: Vec::new(),
        hosts: Vec::new(),
        diff: None,
    })
}
