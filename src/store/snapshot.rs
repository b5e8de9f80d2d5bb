//! A workstream as the files have it at one instant, owned; a [`Scene`] borrows from it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::cache::Cache;
use super::commit::{plain_folder, unreadable_file, unreadable_within, why_unread};
use super::disk::{Disk, Identity, Unread};
use super::json::without_place;
use super::liveness::{self, Alive};
use super::tasks_json::{self, TasksJson};
use super::threads_json::{self, Document, ThreadsJson};
use super::workspace::{Place, Selected, Workspace};
use super::{agents_yaml, index_json};
use crate::board::{Board, ServerId};
use crate::clock::Moment;
use crate::decide::{Basis, Scene};
use crate::fault::{Fault, Stopped};
use crate::index::Index;
use crate::plan::{MAX_PLAN_BYTES, Plan, PlanHash, parse};
use crate::roster::Roster;
use crate::wording::count;

/// The approved text of a plan, word for word. It is hidden, so that no agent takes it for the plan.
pub(super) const APPROVED_PLAN: &str = ".PLAN.approved.md";

const THREADS: &str = "threads.json";
const TASKS: &str = "tasks.json";

/// The largest index.json, threads.json or agents.yaml that is read, in bytes.
pub const MAX_STATE_BYTES: u64 = 64 * 1024 * 1024;

/// Some editors empty a file and write it then, piece by piece. A plan that was written less than this ago
/// is looked at again, so many times at the most.
const SAVE_TIME: Duration = Duration::from_millis(10);
const SAVE_WAITS: u32 = 4;

/// How long one call waits at the most for a plan that somebody is saving: one that is empty, or that changes each time
/// it is read. Hardly anybody wants a plan to be empty.
const PLAN_WAIT: Duration = Duration::from_secs(1);

/// How long a plan is waited for that is not there, since some editors rename the old one away first; and one that seems
/// to have been empty for longer than [`PLAN_WAIT`]: while a file is being emptied, its time is still the old one.
const MISSING_WAIT: Duration = Duration::from_millis(100);

/// How much is said of why a file cannot be read, in characters.
const MAX_WHY_CHARS: usize = 300;

/// A workstream as the files have it at one instant.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) root: PathBuf,
    pub(super) workspace: String,
    /// The linked git worktree from which it was reached.
    pub(super) worktree: Option<String>,
    pub(super) workstream: String,
    pub(super) is_default: bool,
    pub(super) flags: String,
    pub(super) index: Arc<IndexFile>,
    pub(super) plan: Arc<PlanFile>,
    /// The text that a person approved last, where PLAN.md is another one by now and it is known.
    pub(super) approved: Option<Arc<PlanFile>>,
    /// Whether that text is kept, as far as somebody looked.
    pub(super) is_kept: bool,
    pub(super) roster: Arc<Roster>,
    pub(super) threads: Arc<ThreadsFile>,
    /// What stands there and means nothing, one sentence each.
    pub(super) oddities: Vec<String>,
    pub(super) alive: BTreeSet<ServerId>,
    /// Those of them of which nobody can see whether they are.
    pub(super) unseen: BTreeSet<ServerId>,
    /// What time it was then, by the clock of the store, where it has one.
    pub(super) now: Option<Moment>,
}

/// What index.json says, and its text where there is the file.
#[derive(Debug, Default)]
pub(super) struct IndexFile {
    pub(super) index: Index,
    pub(super) text: Option<String>,
}

/// What PLAN.md says.
#[derive(Debug)]
pub(super) struct PlanFile {
    plan: Plan,
    /// The agents that it names, each once.
    agents: Vec<String>,
    text: String,
    hash: PlanHash,
}

/// What threads.json says, and its text where there is the file.
#[derive(Debug, Default)]
pub(super) struct ThreadsFile {
    pub(super) threads: ThreadsJson,
    pub(super) text: Option<String>,
    /// The text taken apart, once somebody has changed something; then `text` is not needed any more.
    document: OnceLock<Document>,
    /// Whether there is no tasks.json that says something too.
    pub(super) is_alone: bool,
}

impl PlanFile {
    /// Reads a plan.
    pub(super) fn of(text: &str) -> Self {
        let plan = parse(text);
        Self { agents: plan.agents(), plan, text: text.to_owned(), hash: PlanHash::of(text) }
    }

    /// Returns the hash of its text.
    pub(super) fn hash(&self) -> &PlanHash {
        &self.hash
    }
}

#[cfg(feature = "postgres")]
impl PlanFile {
    /// Returns the agents that it names, each once.
    pub(super) fn agents(&self) -> &[String] {
        &self.agents
    }
}

#[cfg(feature = "postgres")]
impl ThreadsFile {
    /// Reads the text of a threads.json.
    pub(super) fn of(text: &str) -> serde_json::Result<Self> {
        let threads = threads_json::read(Some(text), &TasksJson::default())?;
        Ok(Self { threads, text: Some(text.to_owned()), is_alone: true, ..Self::default() })
    }

    /// Returns the file after a change: `text` has the records of the threads that changed, and all the rest.
    pub(super) fn with_changes(&self, text: &str, stream_id: &str) -> serde_json::Result<Self> {
        let changed = threads_json::read(Some(text), &TasksJson::default())?;
        let mut board = Board::clone(&self.threads.board);
        for (id, thread) in changed.board.threads.iter() {
            board.threads.insert(id, thread.clone());
        }
        board.cycles.clone_from(&changed.board.cycles);
        let document = self.document(stream_id)?.with_changes(Document::read(Some(text), stream_id)?);
        Ok(Self::of_document(self, Arc::new(board), document))
    }
}

impl ThreadsFile {
    /// Returns the file with another board and its document.
    pub(super) fn of_document(before: &Self, board: Arc<Board>, document: Document) -> Self {
        let threads = ThreadsJson {
            board,
            oddities: before.threads.oddities.clone(),
            from_tasks: BTreeSet::new(),
            has_stateless_records: before.threads.has_stateless_records,
        };
        Self { threads, text: None, document: document.into(), is_alone: before.is_alone }
    }

    /// Returns the file with another board, as it was just written.
    pub(super) fn written(before: &Self, board: Arc<Board>, document: Document, text: &str) -> Self {
        let written = Self::of_document(before, board, document);
        // Nobody must be able to tell what is kept from what is read.
        debug_assert_eq!(
            threads_json::read(Some(text), &TasksJson::default()).ok().map(|read| read.board),
            Some(Arc::clone(&written.threads.board)),
            "{text}"
        );
        written
    }

    /// Returns the text taken apart.
    pub(super) fn document(&self, stream_id: &str) -> serde_json::Result<&Document> {
        if self.document.get().is_none() {
            // Of two who do this at once, both have the same.
            let _ = self.document.set(Document::read(self.text.as_deref(), stream_id)?);
        }
        self.document.get().ok_or_else(|| serde::ser::Error::custom("there is no document"))
    }
}

/// The files of a workspace as they were parsed last.
#[derive(Debug, Default)]
pub(super) struct Files {
    index: Cache<IndexFile>,
    agents: Cache<Roster>,
    plans: Cache<PlanFile>,
    approved: Cache<PlanFile>,
    pub(super) threads: Cache<ThreadsFile>,
}

impl Snapshot {
    /// Reads the files of a workspace as they are now. The asking server is `own`.
    pub(super) fn read(
        files: &Files,
        disk: &dyn Disk,
        workspace: Workspace,
        place: &Place,
        wanted: Option<&str>,
        own: Option<ServerId>,
    ) -> Result<Self, Stopped> {
        let Workspace { root, linked } = workspace;
        let work = root.join("work");
        let index = files.index(disk, &root)?;
        let Selected { workstream, is_default } = place.workstream(disk, &root, wanted, &index.index)?;
        let folder = work.join(&workstream);
        plain_folder(disk, &folder)?;
        let plan = files.plan(disk, &folder.join("PLAN.md"))?;
        let hash = index.index.entry(&workstream).and_then(|entry| entry.approvals.plan_hash.as_deref());
        let is_another = hash.is_some_and(|hash| !plan.hash.is(hash));
        let kept = match hash {
            Some(hash) if is_another || own.is_none() => files.approved(disk, &folder.join(APPROVED_PLAN), hash)?,
            _ => None,
        };
        let is_kept = kept.is_some() || own.is_some();
        let approved = kept.filter(|_| is_another);
        let threads = files.state_of(disk, &folder)?;
        let roster = files.roster(
            disk,
            &work.join("agents.yaml"),
            &followed(&plan, approved.as_ref()).agents,
            &threads.threads.board,
        )?;
        let mut oddities = threads.threads.oddities.clone();
        if !roster.declared && disk.kind(&work.join("agents.yml")).is_some() {
            oddities.push("work/agents.yml is not read: call it work/agents.yaml".to_owned());
        }
        let others = threads.threads.board.servers().filter(|server| Some(*server) != own);
        let Alive { servers: mut alive, unseen } = liveness::alive(disk, &root, others);
        for (server, why) in &unseen {
            oddities.push(format!(
                "nobody can see whether server {server} lives, so it counts as alive ({why}); if it has ended, a person runs !work release"
            ));
        }
        // Whoever asks lives, whatever became of its file.
        alive.extend(own);
        Ok(Self {
            workspace: root.display().to_string(),
            worktree: linked.map(|linked| linked.worktree.display().to_string()),
            root,
            workstream,
            is_default,
            flags: place.flags.clone(),
            index,
            plan,
            approved,
            is_kept,
            roster,
            threads,
            oddities,
            alive,
            unseen: unseen.into_iter().map(|(server, _)| server).collect(),
            now: None,
        })
    }

    /// Returns the board.
    pub fn board(&self) -> &Arc<Board> {
        &self.threads.threads.board
    }

    /// Returns what time it was then, where the store has a clock of its own.
    pub fn now(&self) -> Option<Moment> {
        self.now
    }

    /// Lets the next decision see a board that will be committed: without a roster agents are known by
    /// what the board names.
    pub(super) fn see(&mut self, board: &Board) {
        self.roster = completed(Some(&self.roster), &followed(&self.plan, self.approved.as_ref()).agents, board);
    }

    /// Returns all that a decision may depend on.
    pub fn scene(&self) -> Scene<'_> {
        let entry = self.index.index.entry(&self.workstream);
        let approved_hash = entry.and_then(|entry| entry.approvals.plan_hash.as_deref());
        let basis = match (&self.approved, approved_hash) {
            (Some(approved), _) => Basis::ApprovedBefore(&approved.text),
            (None, Some(hash)) if self.plan.hash.is(hash) => Basis::Approved { is_kept: self.is_kept },
            (None, _) => Basis::Unknown,
        };
        Scene {
            workspace: &self.workspace,
            worktree: self.worktree.as_deref(),
            workstream: &self.workstream,
            is_default: self.is_default,
            flags: &self.flags,
            current: self.index.index.current.as_deref(),
            entry,
            plan: &followed(&self.plan, self.approved.as_ref()).plan,
            basis,
            plan_now: &self.plan.plan,
            plan_text: &self.plan.text,
            plan_hash: &self.plan.hash,
            roster: &self.roster,
            alive: &self.alive,
            unseen: &self.unseen,
            oddities: &self.oddities,
        }
    }
}

impl Files {
    /// Reads index.json as it is now.
    pub(super) fn index(&self, disk: &dyn Disk, root: &Path) -> Result<Arc<IndexFile>, Fault> {
        let path = root.join("work").join("index.json");
        let read = self.index.get(
            disk,
            &path,
            disk.identity(&path),
            MAX_STATE_BYTES,
            |unread| unreadable_file(&path, unread),
            |bytes| {
                let text = text_of(&path, bytes)?;
                require_version(&path, text)?;
                let index = index_json::read(text).map_err(|error| unreadable(&path, &error))?;
                Ok(IndexFile { index, text: Some(text.to_owned()) })
            },
        );
        read.map(Option::unwrap_or_default)
    }

    /// Reads the plan, when nobody is just saving it.
    fn plan(&self, disk: &dyn Disk, path: &Path) -> Result<Arc<PlanFile>, Fault> {
        let unreadable = |why: String| Fault::PlanUnreadable { path: path.to_owned(), why };
        let begun = Instant::now();
        loop {
            let identity = saved(disk, path, begun);
            let is_torn = Cell::new(false);
            let unread = |unread| match why_unread(unread, MAX_PLAN_BYTES) {
                Ok(why) => unreadable(why),
                Err(error) => Fault::io("read", path)(error),
            };
            let read = self.plans.get(disk, path, identity, MAX_PLAN_BYTES, unread, |bytes| {
                // Who began to save it meanwhile may have written half of what was read.
                if begun.elapsed() < PLAN_WAIT && disk.identity(path) != identity {
                    is_torn.set(true);
                    return Err(unreadable("it changes while it is read".to_owned()));
                }
                let text = std::str::from_utf8(bytes).map_err(|error| {
                    let (line, column) = end_position(&bytes[..error.valid_up_to()]);
                    unreadable(format!("it is not UTF-8 at line {line}, column {column}"))
                })?;
                // Whoever is told instead that it has no such thread would take that for an answer.
                if text.is_empty() {
                    return Err(unreadable("it is empty".to_owned()));
                }
                Ok(PlanFile::of(text))
            });
            if is_torn.get() {
                continue;
            }
            return read?.ok_or_else(|| unreadable("it does not exist".to_owned()));
        }
    }

    /// Reads the text that was approved last. It counts only while it has the approved hash: one that was lost,
    /// merged or edited is none.
    fn approved(&self, disk: &dyn Disk, path: &Path, hash: &str) -> Result<Option<Arc<PlanFile>>, Fault> {
        let unread = |unread| unreadable_within(path, unread, MAX_PLAN_BYTES);
        let read = self.approved.get(disk, path, disk.identity(path), MAX_PLAN_BYTES, unread, |bytes| {
            Ok(PlanFile::of(&String::from_utf8_lossy(bytes)))
        })?;
        Ok(read.filter(|plan| plan.hash.is(hash)))
    }

    /// Reads the board of the workstream in a folder as it is now; there is nothing on it where there is no folder.
    pub(super) fn board(&self, disk: &dyn Disk, folder: &Path) -> Result<Arc<Board>, Fault> {
        Ok(Arc::clone(&self.state_of(disk, folder)?.threads.board))
    }

    /// Reads what threads.json, and where it says nothing tasks.json, say of the threads. A tasks.json that
    /// cannot be read stops nothing once threads.json says it all.
    fn state_of(&self, disk: &dyn Disk, folder: &Path) -> Result<Arc<ThreadsFile>, Fault> {
        if disk.kind(&folder.join(TASKS)).is_none() {
            let path = folder.join(THREADS);
            let unread = |unread| unreadable_file(&path, unread);
            let read = self.threads.get(disk, &path, disk.identity(&path), MAX_STATE_BYTES, unread, |bytes| {
                let text = text_of(&path, bytes)?;
                require_version(&path, text)?;
                let threads = threads_json::read(Some(text), &TasksJson::default());
                let threads = threads.map_err(|error| unreadable(&path, &error))?;
                Ok(ThreadsFile { threads, text: Some(text.to_owned()), is_alone: true, ..ThreadsFile::default() })
            });
            let none = || Arc::new(ThreadsFile { is_alone: true, ..ThreadsFile::default() });
            return Ok(read?.unwrap_or_else(none));
        }
        let (mut threads, text) = match read_tasks(disk, folder) {
            Ok(tasks) => {
                let (mut threads, text) = read_threads(disk, folder, &tasks)?;
                if !threads.from_tasks.is_empty() {
                    threads.oddities.extend(tasks.oddities);
                }
                (threads, text)
            }
            Err(fault) => {
                let (mut threads, text) = read_threads(disk, folder, &TasksJson::default())?;
                if threads.board.threads.is_empty() || threads.has_stateless_records {
                    return Err(fault);
                }
                threads.oddities.push("tasks.json cannot be read, and is not needed any more".to_owned());
                (threads, text)
            }
        };
        if !threads.from_tasks.is_empty() {
            let number = count(threads.from_tasks.len(), "thread is", "threads are");
            threads.oddities.push(format!("{number} read from tasks.json; `work import` writes them to threads.json"));
        }
        Ok(Arc::new(ThreadsFile { threads, text, ..ThreadsFile::default() }))
    }

    /// Reads the roster; without agents.yaml it is whom the plan and `board` name.
    pub(super) fn roster(
        &self,
        disk: &dyn Disk,
        path: &Path,
        planned: &[String],
        board: &Board,
    ) -> Result<Arc<Roster>, Fault> {
        let read = self.agents.get(
            disk,
            path,
            disk.identity(path),
            MAX_STATE_BYTES,
            |unread| unreadable_file(path, unread),
            |bytes| {
                agents_yaml::read(text_of(path, bytes)?).map_err(|bad| Fault::StateUnreadable {
                    path: path.to_owned(),
                    at: bad.at,
                    why: bad.why.chars().take(MAX_WHY_CHARS).collect(),
                })
            },
        );
        Ok(completed(read?.as_ref(), planned, board))
    }
}

/// Returns the plan that state and rules follow.
fn followed<'p>(plan: &'p Arc<PlanFile>, approved: Option<&'p Arc<PlanFile>>) -> &'p PlanFile {
    approved.unwrap_or(plan)
}

/// Waits until nobody seems to be saving the plan, but not for too long, and returns what it is then.
fn saved(disk: &dyn Disk, path: &Path, begun: Instant) -> Option<Identity> {
    let mut waits = 0;
    loop {
        let (identity, waited) = (disk.identity(path), begun.elapsed());
        let is_being_saved = match identity {
            None => waited < MISSING_WAIT && disk.kind(path).is_none(),
            Some(identity) if identity.size == 0 => {
                waited < MISSING_WAIT || waited < PLAN_WAIT && identity.age() < PLAN_WAIT
            }
            Some(identity) => waited < PLAN_WAIT && waits < SAVE_WAITS && identity.age() < SAVE_TIME,
        };
        if !is_being_saved {
            return identity;
        }
        std::thread::sleep(SAVE_TIME);
        waits += 1;
    }
}

/// Returns the roster of a workspace that declares none: whom its plan and its board name.
pub(super) fn undeclared(planned: &[String], board: &Board) -> Roster {
    let named = board.threads.digests().flat_map(|(_, digest)| digest.agents.iter().map(String::as_str));
    Roster::undeclared(planned.iter().map(String::as_str).chain(named))
}

/// Returns the roster that is declared. One that declares no agents has those that the plan and the board name.
pub(super) fn completed(declared: Option<&Arc<Roster>>, planned: &[String], board: &Board) -> Arc<Roster> {
    if let Some(declared) = declared.filter(|roster| roster.declared) {
        return Arc::clone(declared);
    }
    let named = undeclared(planned, board);
    Arc::new(match declared {
        Some(declared) => Roster { agents: named.agents, ..Roster::clone(declared) },
        None => named,
    })
}

/// Reads threads.json as it is now, and its text where there is the file. What it does not say of a
/// thread's state is taken from `tasks`.
pub(super) fn read_threads(
    disk: &dyn Disk,
    folder: &Path,
    tasks: &TasksJson,
) -> Result<(ThreadsJson, Option<String>), Fault> {
    let path = folder.join(THREADS);
    let text = read_state(disk, &path)?;
    if let Some(text) = &text {
        require_version(&path, text)?;
    }
    let threads = threads_json::read(text.as_deref(), tasks).map_err(|error| unreadable(&path, &error))?;
    Ok((threads, text))
}

/// Reads the tasks.json of an older workstream; there is nothing in it where there is none.
pub(super) fn read_tasks(disk: &dyn Disk, folder: &Path) -> Result<TasksJson, Fault> {
    let path = folder.join(TASKS);
    match read_state(disk, &path)? {
        Some(text) => {
            require_version(&path, &text)?;
            tasks_json::read(&text).map_err(|error| unreadable(&path, &error))
        }
        None => Ok(TasksJson::default()),
    }
}

/// Reads a file of the state; `None` where there is none.
pub(super) fn read_state(disk: &dyn Disk, path: &Path) -> Result<Option<String>, Fault> {
    match disk.read(path, MAX_STATE_BYTES) {
        Ok(bytes) => Ok(Some(text_of(path, &bytes)?.to_owned())),
        Err(Unread::Absent) => Ok(None),
        Err(unread) => Err(unreadable_file(path, unread)),
    }
}

/// Returns the text of a file of the state. A byte order mark is skipped.
fn text_of<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, Fault> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let at = Some(end_position(&bytes[..error.valid_up_to()]));
            Err(Fault::StateUnreadable { path: path.to_owned(), at, why: "it is not UTF-8".to_owned() })
        }
    }
}

/// Refuses a version other than 1.x, before anything else of the file can puzzle the reader.
fn require_version(path: &Path, text: &str) -> Result<(), Fault> {
    #[derive(serde::Deserialize)]
    #[serde(expecting = "an object")]
    struct Version {
        version: Option<serde_json::Value>,
    }

    let read: Version = serde_json::from_str(text).map_err(|error| unreadable(path, &error))?;
    let Some(version) = read.version else { return Ok(()) };
    match version.as_str() {
        Some(version) if version == "1" || version.starts_with("1.") => Ok(()),
        Some(version) => Err(Fault::UnknownFormat { path: path.to_owned(), version: version.to_owned() }),
        None if version.as_f64().is_some_and(|version| (1.0..2.0).contains(&version)) => Ok(()),
        None => Err(Fault::UnknownFormat { path: path.to_owned(), version: version.to_string() }),
    }
}

pub(super) fn unreadable(path: &Path, error: &serde_json::Error) -> Fault {
    let at = (error.line() > 0).then(|| (error.line(), error.column().max(1)));
    let why = if at.is_some() { without_place(error) } else { error.to_string() };
    // A message can repeat what stands in the file, however long that is.
    let why = why.chars().take(MAX_WHY_CHARS).collect();
    Fault::StateUnreadable { path: path.to_owned(), at, why }
}

fn end_position(valid: &[u8]) -> (usize, usize) {
    let text = String::from_utf8_lossy(valid);
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
