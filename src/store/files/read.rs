//! Reads the files of a workspace as they are now, and parses what has changed. Never writes anything.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cache::Cache;
use super::commit::APPROVED_PLAN;
use super::disk::{Disk, Identity, ReadError};
use super::folders::plain_folder;
use super::liveness::{self, Alive};
use super::unread::{
    MAX_STATE_BYTES, MAX_WHY_CHARS, conflicted, unreadable, unreadable_file, unreadable_within, why_unread,
};
use super::workspace::{Workspace, workstream};
use crate::board::{Board, ServerId};
use crate::fault::{Error, Fault};
use crate::format::json::unknown_version;
use crate::format::tasks_json::{self, TasksJson};
use crate::format::threads_json::{self, ThreadsJson};
use crate::format::{agents_yaml, index_json};
use crate::plan::MAX_PLAN_BYTES;
use crate::roster::Roster;
use crate::store::place::{Selected, WorkspaceLocation};
use crate::store::snapshot::{IndexFile, PlanFile, Snapshot, ThreadsFile, completed, followed};
use crate::wording::count;

const THREADS: &str = "threads.json";
const TASKS: &str = "tasks.json";

/// Some editors empty a file and then write it piece by piece. So a plan that was written less than this ago is looked
/// at again after a pause of the same length.
const SAVE_TIME: Duration = Duration::from_millis(10);
/// How often a plan is looked at again because it was written just now.
const SAVE_WAITS: u32 = 4;

/// How long one call waits at most for a plan that is empty, or that changes during each read. Most likely somebody is
/// saving it: hardly anybody wants an empty plan.
const PLAN_WAIT: Duration = Duration::from_secs(1);

/// How long one call waits for a plan that does not exist, since some editors first rename the old file away. Also the
/// least wait for an empty plan: at the instant at which a file is emptied, its time is still the old one.
const MISSING_WAIT: Duration = Duration::from_millis(100);

/// The parse caches of a workspace, one for each kind of file.
#[derive(Debug, Default)]
pub(super) struct Files {
    index: Cache<IndexFile>,
    agents: Cache<Roster>,
    plans: Cache<PlanFile>,
    approved: Cache<PlanFile>,
    pub(super) threads: Cache<ThreadsFile>,
}

impl Files {
    /// Reads a workstream as it is now. `own` is the server process that asks; `None` on the command line.
    pub(super) fn snapshot(
        &self,
        disk: &dyn Disk,
        workspace: Workspace,
        place: &WorkspaceLocation,
        wanted: Option<&str>,
        own: Option<ServerId>,
    ) -> Result<Snapshot, Error> {
        let Workspace { root, linked } = workspace;
        let work = root.join("work");
        // index.json comes first: after the read, the store compares it with the one that is there then.
        let index = self.index(disk, &root)?;
        let Selected { workstream, is_default } = workstream(place, disk, &root, wanted, &index.index)?;
        let folder = work.join(&workstream);
        plain_folder(disk, &folder)?;
        let plan = self.plan(disk, &folder.join("PLAN.md"))?;
        let hash = index.index.entry(&workstream).and_then(|entry| entry.approvals.plan_hash.as_deref());
        let is_another = hash.is_some_and(|hash| !plan.hash.is(hash));
        // The approved text takes the place of a PLAN.md that differs. A person's command also asks whether the text is
        // kept at all, since the next approval compares with it.
        let kept = match hash {
            Some(hash) if is_another || own.is_none() => self.approved(disk, &folder.join(APPROVED_PLAN), hash)?,
            _ => None,
        };
        let is_kept = kept.is_some() || own.is_some();
        let approved = kept.filter(|_| is_another);
        let threads = self.state_of(disk, &folder)?;
        let roster = self.roster(
            disk,
            &work.join("agents.yaml"),
            &followed(&plan, approved.as_ref()).agents,
            &threads.threads.board,
        )?;
        let mut state_warnings = threads.threads.warnings.clone();
        if !roster.declared && disk.kind(&work.join("agents.yml")).is_some() {
            state_warnings.push("work/agents.yml is not read: call it work/agents.yaml".to_owned());
        }
        let others = threads.threads.board.servers().filter(|server| Some(*server) != own);
        let Alive { servers: mut alive, unseen } = liveness::alive(disk, &root, others);
        // Only people are shown them.
        let introductions = match own {
            None => liveness::introductions(disk, &root, alive.iter()),
            Some(_) => BTreeMap::new(),
        };
        // The process that asks is alive, whatever became of its signs.
        alive.extend(own);
        Ok(Snapshot {
            workspace: root.display().to_string(),
            worktree: linked.map(|linked| linked.worktree.display().to_string()),
            workstream,
            is_default,
            index,
            plan,
            approved,
            is_kept,
            roster,
            threads,
            state_warnings,
            alive,
            unseen,
            introductions,
            now: None,
        })
    }

    /// Reads index.json as it is now. Without the file it is empty.
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

    /// Reads PLAN.md as it is now, but waits while somebody seems to be saving it.
    fn plan(&self, disk: &dyn Disk, path: &Path) -> Result<Arc<PlanFile>, Fault> {
        let unreadable = |why: String| Fault::PlanUnreadable { path: path.to_owned(), why };
        let begun = Instant::now();
        // The loop ends: after `PLAN_WAIT` a change during the read does not count any more.
        loop {
            let identity = saved(disk, path, begun);
            let is_torn = Cell::new(false);
            let unread = |unread| match why_unread(unread, MAX_PLAN_BYTES) {
                Ok(why) => unreadable(why),
                Err(error) => Fault::io("read", path)(error),
            };
            let read = self.plans.get(disk, path, identity, MAX_PLAN_BYTES, unread, |bytes| {
                // A process that began to save the file meanwhile may have written half of `bytes`.
                if begun.elapsed() < PLAN_WAIT && disk.identity(path) != identity {
                    is_torn.set(true);
                    return Err(unreadable("it changes while it is read".to_owned()));
                }
                let text = std::str::from_utf8(bytes).map_err(|error| {
                    let (line, column) = end_position(&bytes[..error.valid_up_to()]);
                    unreadable(format!("it is not UTF-8 at line {line}, column {column}"))
                })?;
                // An empty plan has no threads, and a planner would believe the answer that its thread does not exist.
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

    /// Reads the approved text. Returns `None` if the file does not have the approved hash: it was lost, merged or
    /// edited.
    fn approved(&self, disk: &dyn Disk, path: &Path, hash: &str) -> Result<Option<Arc<PlanFile>>, Fault> {
        let unread = |unread| unreadable_within(path, unread, MAX_PLAN_BYTES);
        let read = self.approved.get(disk, path, disk.identity(path), MAX_PLAN_BYTES, unread, |bytes| {
            // Bytes that are not UTF-8 are replaced, which changes the hash, so that such a file does not count.
            Ok(PlanFile::of(&String::from_utf8_lossy(bytes)))
        })?;
        Ok(read.filter(|plan| plan.hash.is(hash)))
    }

    /// Reads the board of the workstream in `folder` as it is now. Without the files it is empty.
    pub(super) fn board(&self, disk: &dyn Disk, folder: &Path) -> Result<Arc<Board>, Fault> {
        Ok(Arc::clone(&self.state_of(disk, folder)?.threads.board))
    }

    /// Reads threads.json, and from tasks.json what threads.json does not say of a thread's state. Once threads.json
    /// says everything, a tasks.json that cannot be read is only a warning.
    fn state_of(&self, disk: &dyn Disk, folder: &Path) -> Result<Arc<ThreadsFile>, Fault> {
        if disk.kind(&folder.join(TASKS)).is_none() {
            let path = folder.join(THREADS);
            let unread = |unread| unreadable_file(&path, unread);
            let read = self.threads.get(disk, &path, disk.identity(&path), MAX_STATE_BYTES, unread, |bytes| {
                let text = text_of(&path, bytes)?;
                require_version(&path, text)?;
                let threads = threads_json::read(Some(text), &TasksJson::default());
                let threads = threads.map_err(|error| unreadable(&path, &error))?;
                Ok(ThreadsFile::new(threads, Some(text.to_owned()), true))
            });
            let none = || Arc::new(ThreadsFile::new(ThreadsJson::default(), None, true));
            return Ok(read?.unwrap_or_else(none));
        }
        // With a tasks.json the result depends on two files. That is rare, so it is not cached.
        let (mut threads, text) = match read_tasks(disk, folder) {
            Ok(tasks) => {
                let (mut threads, text) = read_threads(disk, folder, &tasks)?;
                if !threads.from_tasks.is_empty() {
                    threads.warnings.extend(tasks.warnings);
                }
                (threads, text)
            }
            Err(fault) => {
                let (mut threads, text) = read_threads(disk, folder, &TasksJson::default())?;
                if threads.board.threads.is_empty() || threads.has_stateless_records {
                    return Err(fault);
                }
                threads.warnings.push("tasks.json cannot be read, and is not needed any more".to_owned());
                (threads, text)
            }
        };
        if !threads.from_tasks.is_empty() {
            let number = count(threads.from_tasks.len(), "thread is", "threads are");
            threads
                .warnings
                .push(format!("{number} read from tasks.json, until an import writes them to threads.json"));
        }
        Ok(Arc::new(ThreadsFile::new(threads, text, false)))
    }

    /// Reads agents.yaml. Without the file, or without agents in it, the agents of the plan and of `board` take their
    /// place.
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
                let text = text_of(path, bytes)?;
                agents_yaml::read(text).map_err(|bad| {
                    conflicted(path, text).unwrap_or_else(|| Fault::StateUnreadable {
                        path: path.to_owned(),
                        at: bad.at,
                        why: bad.why.chars().take(MAX_WHY_CHARS).collect(),
                    })
                })
            },
        );
        Ok(completed(read?.as_ref(), planned, board))
    }
}

/// Waits while somebody seems to be saving the plan, within the bounds above. Returns the identity of the file after
/// that.
fn saved(disk: &dyn Disk, path: &Path, begun: Instant) -> Option<Identity> {
    let mut waits = 0;
    loop {
        let (identity, waited) = (disk.identity(path), begun.elapsed());
        let is_being_saved = match identity {
            // What is no regular file has no identity either, and there is nothing to wait for.
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

/// Reads threads.json as it is now, with its text; the text is `None` if there is no file. The state that it does not
/// say is taken from `tasks`.
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

/// Reads tasks.json, which older releases wrote. Without the file it is empty.
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

/// Reads a file of the state as text; `None` if there is no file.
pub(super) fn read_state(disk: &dyn Disk, path: &Path) -> Result<Option<String>, Fault> {
    match disk.read(path, MAX_STATE_BYTES) {
        Ok(bytes) => Ok(Some(text_of(path, &bytes)?.to_owned())),
        Err(ReadError::Absent) => Ok(None),
        Err(unread) => Err(unreadable_file(path, unread)),
    }
}

/// Returns a file of the state as text, without a byte order mark.
fn text_of<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, Fault> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let at = Some(end_position(&bytes[..error.valid_up_to()]));
            Err(Fault::StateUnreadable { path: path.to_owned(), at, why: "it is not UTF-8".to_owned() })
        }
    }
}

/// Fails as [`Fault::UnknownFormat`] if the version is not 1.x. It is asked before the file is parsed: a message about
/// a field of an unknown version would mislead. The whole text is read for it, so conflict markers are met here.
fn require_version(path: &Path, text: &str) -> Result<(), Fault> {
    match unknown_version(text) {
        Ok(None) => Ok(()),
        Ok(Some(version)) => Err(Fault::UnknownFormat { path: path.to_owned(), version }),
        Err(error) => Err(conflicted(path, text).unwrap_or_else(|| unreadable(path, &error))),
    }
}

/// Returns the line and the column that follow the text `valid`, both from 1.
fn end_position(valid: &[u8]) -> (usize, usize) {
    let text = String::from_utf8_lossy(valid);
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
