//! A workstream as a store reads it at one instant. A [`Snapshot`] owns the data. A [`Scene`] borrows from it and is
//! what a decision sees.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use crate::board::{Board, Introduction, ServerId};
use crate::decide::{Basis, Scene};
use crate::format::tasks_json::TasksJson;
use crate::format::threads_json::{self, ThreadsJson, ThreadsText};
use crate::index::Index;
use crate::moment::Moment;
use crate::plan::{Plan, PlanHash, ThreadId, parse};
use crate::roster::Roster;

/// A workstream as a store reads it at one instant.
#[derive(Debug)]
pub struct Snapshot {
    /// What people are shown as the workspace: the folder that holds `work/`, or the address of the database.
    pub(super) workspace: String,
    /// The root of the linked git worktree from which the workspace, that of the main one, was reached.
    pub(super) worktree: Option<String>,
    /// The id of the workstream.
    pub(super) workstream: String,
    /// Whether a person's command that names no workstream means this one.
    pub(super) is_default: bool,
    pub(super) index: Arc<IndexFile>,
    pub(super) plan: Arc<PlanFile>,
    /// The text that a person approved last, if it is known and PLAN.md differs from it.
    pub(super) approved: Option<Arc<PlanFile>>,
    /// Whether the approved text is kept. A server does not look and says yes: only a person approves
    /// ([`Basis::Approved`]).
    pub(super) is_kept: bool,
    pub(super) roster: Arc<Roster>,
    pub(super) threads: Arc<ThreadsFile>,
    /// What the files of the state hold and the rules cannot use, one sentence each.
    pub(super) state_warnings: Vec<String>,
    /// The servers that the board names and that are alive, and the server of this process.
    pub(super) alive: BTreeSet<ServerId>,
    /// The servers of `alive` that only count as alive, since the system does not show whether they are (DESIGN §6a),
    /// each with the message of the system.
    pub(super) unseen: BTreeMap<ServerId, String>,
    /// What is known of the servers of `alive`, for people; empty for a server process.
    pub(super) introductions: BTreeMap<ServerId, Introduction>,
    /// The time of the read by the clock of the store. `None`: the store has no clock.
    pub(super) now: Option<Moment>,
}

/// index.json as it was parsed. `text` is `None` if there is no file.
#[derive(Debug, Default)]
pub(super) struct IndexFile {
    pub(super) index: Index,
    pub(super) text: Option<String>,
}

/// PLAN.md, or the approved text, as it was parsed.
#[derive(Debug)]
pub(super) struct PlanFile {
    pub(super) plan: Plan,
    /// The agents that the plan names, each once.
    pub(super) agents: Vec<String>,
    pub(super) text: String,
    pub(super) hash: PlanHash,
}

/// threads.json as it was parsed.
#[derive(Debug, Default)]
pub(super) struct ThreadsFile {
    pub(super) threads: ThreadsJson,
    /// The text of the file. `None`: there is no file, or `document` holds the text.
    pub(super) text: Option<String>,
    /// The text split into records. It is made when it is first needed, so that a plain read does not pay for it.
    document: OnceLock<ThreadsText>,
    /// Whether there is no tasks.json beside the file. Only then does a commit know what the next read returns, and may
    /// cache it.
    pub(super) is_alone: bool,
}

impl PlanFile {
    /// Parses a plan.
    pub(super) fn of(text: &str) -> Self {
        let plan = parse(text);
        Self { agents: plan.agents(), plan, text: text.to_owned(), hash: PlanHash::of(text) }
    }
}

#[cfg(feature = "postgres")]
impl ThreadsFile {
    /// Parses the text of a threads.json. The error has the line and the column.
    pub(super) fn of(text: &str) -> serde_json::Result<Self> {
        let threads = threads_json::read(Some(text), &TasksJson::default())?;
        Ok(Self::new(threads, Some(text.to_owned()), true))
    }

    /// Returns the file after other processes have changed it. `text` is a threads.json that has the records of the
    /// changed threads, and all other keys in full.
    pub(super) fn with_changes(&self, text: &str, stream_id: &str) -> serde_json::Result<Self> {
        let changed = threads_json::read(Some(text), &TasksJson::default())?;
        let mut threads = self.threads.board.threads.clone();
        for (id, thread) in changed.board.threads.iter() {
            threads.insert(id, thread.clone());
        }
        let cycles = changed.board.cycles().to_vec();
        let board = Board::new(threads, cycles).map_err(serde::de::Error::custom)?;
        let document = self.document(stream_id)?.with_changes(ThreadsText::read(Some(text), stream_id)?);
        Ok(Self::of_document(self, Arc::new(board), document))
    }
}

impl ThreadsFile {
    /// Returns a file that was just read.
    pub(super) fn new(threads: ThreadsJson, text: Option<String>, is_alone: bool) -> Self {
        Self { threads, text, document: OnceLock::new(), is_alone }
    }

    /// Returns the file with another board. `document` is the text of that board.
    pub(super) fn of_document(before: &Self, board: Arc<Board>, document: ThreadsText) -> Self {
        let threads = ThreadsJson {
            board,
            warnings: before.threads.warnings.clone(),
            from_tasks: BTreeSet::new(),
            has_stateless_records: before.threads.has_stateless_records,
        };
        Self { threads, text: None, document: document.into(), is_alone: before.is_alone }
    }

    /// Returns the file as this process has just written it. `text` is the text of `document`.
    pub(super) fn written(before: &Self, board: Arc<Board>, document: ThreadsText, text: &str) -> Self {
        let written = Self::of_document(before, board, document);
        // What is cached after a commit must equal what a fresh read would give. Debug builds, and so all tests, check
        // it.
        debug_assert_eq!(
            threads_json::read(Some(text), &TasksJson::default()).ok().map(|read| read.board),
            Some(Arc::clone(&written.threads.board)),
            "{text}"
        );
        written
    }

    /// Returns the text split into records. Splits it in the first call.
    pub(super) fn document(&self, stream_id: &str) -> serde_json::Result<&ThreadsText> {
        if self.document.get().is_none() {
            // Two threads can get here at once. Both have the same document, so it does not matter which one is stored.
            let _ = self.document.set(ThreadsText::read(self.text.as_deref(), stream_id)?);
        }
        self.document.get().ok_or_else(|| serde::ser::Error::custom("there is no document"))
    }
}

impl Snapshot {
    /// Returns the board.
    pub fn board(&self) -> &Arc<Board> {
        &self.threads.threads.board
    }

    /// Returns the id of the workstream.
    pub fn workstream(&self) -> &str {
        &self.workstream
    }

    /// Returns the threads whose state was read from a tasks.json, which older releases wrote.
    pub fn from_tasks(&self) -> &BTreeSet<ThreadId> {
        &self.threads.threads.from_tasks
    }

    /// Returns the time of the read by the clock of the store. `None`: the store has no clock.
    pub fn now(&self) -> Option<Moment> {
        self.now
    }

    /// Updates the roster for the next decision of the same commit. A workspace without agents.yaml knows its agents
    /// from the plan and the board, and `board` can name new ones.
    pub(super) fn see(&mut self, board: &Board) {
        self.roster = completed(Some(&self.roster), &followed(&self.plan, self.approved.as_ref()).agents, board);
    }

    /// Returns the view of the snapshot that a decision gets: everything that it may depend on.
    pub fn scene(&self) -> Scene<'_> {
        let entry = self.index.index.entry(&self.workstream);
        let approved_hash = entry.and_then(|entry| entry.approvals.plan_hash.as_deref());
        // `approved` is set only while PLAN.md differs from the approved text, so it is decided first.
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
            introductions: &self.introductions,
            state_warnings: &self.state_warnings,
        }
    }
}

/// Returns the plan that execution follows: `approved` if PLAN.md differs from it, else PLAN.md.
pub(super) fn followed<'p>(plan: &'p Arc<PlanFile>, approved: Option<&'p Arc<PlanFile>>) -> &'p PlanFile {
    approved.unwrap_or(plan)
}

/// Returns the roster of a workspace that declares none: the agents of its plan, then those of its board, then
/// `default`.
pub(super) fn undeclared(planned: &[String], board: &Board) -> Roster {
    let named = board.threads.digests().flat_map(|(_, digest)| digest.agents.iter().map(String::as_str));
    Roster::undeclared(planned.iter().map(String::as_str).chain(named))
}

/// Returns the declared roster. If it lists no agents, or there is none, the agents of plan and board take their place.
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
