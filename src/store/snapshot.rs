//! A workstream as a store has it at one instant, owned; a [`Scene`] borrows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use crate::board::{Board, ServerId};
use crate::clock::Moment;
use crate::decide::{Basis, Scene};
use crate::format::tasks_json::TasksJson;
use crate::format::threads_json::{self, ThreadsJson, ThreadsText};
use crate::index::Index;
use crate::plan::{Plan, PlanHash, ThreadId, parse};
use crate::roster::Roster;

/// A workstream as a store has it at one instant.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) workspace: String,
    /// The linked git worktree from which it was reached.
    pub(super) worktree: Option<String>,
    pub(super) workstream: String,
    pub(super) is_default: bool,
    pub(super) index: Arc<IndexFile>,
    pub(super) plan: Arc<PlanFile>,
    /// The text that a person approved last, where PLAN.md is another one by now and it is known.
    pub(super) approved: Option<Arc<PlanFile>>,
    /// Whether that text is kept, as far as somebody looked.
    pub(super) is_kept: bool,
    pub(super) roster: Arc<Roster>,
    pub(super) threads: Arc<ThreadsFile>,
    /// What stands there and means nothing, one sentence each.
    pub(super) state_warnings: Vec<String>,
    pub(super) alive: BTreeSet<ServerId>,
    /// Those of them that count as alive because nobody can see whether they are, with what the system says.
    pub(super) unseen: BTreeMap<ServerId, String>,
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
    pub(super) plan: Plan,
    /// The agents that it names, each once.
    pub(super) agents: Vec<String>,
    pub(super) text: String,
    pub(super) hash: PlanHash,
}

/// What threads.json says, and its text where there is the file.
#[derive(Debug, Default)]
pub(super) struct ThreadsFile {
    pub(super) threads: ThreadsJson,
    pub(super) text: Option<String>,
    /// The text taken apart, once somebody has changed something; then `text` is not needed any more.
    document: OnceLock<ThreadsText>,
    /// Whether there is no tasks.json that says something too.
    pub(super) is_alone: bool,
}

impl PlanFile {
    /// Reads a plan.
    pub(super) fn of(text: &str) -> Self {
        let plan = parse(text);
        Self { agents: plan.agents(), plan, text: text.to_owned(), hash: PlanHash::of(text) }
    }
}

#[cfg(feature = "postgres")]
impl ThreadsFile {
    /// Reads the text of a threads.json.
    pub(super) fn of(text: &str) -> serde_json::Result<Self> {
        let threads = threads_json::read(Some(text), &TasksJson::default())?;
        Ok(Self::new(threads, Some(text.to_owned()), true))
    }

    /// Returns the file after a change: `text` has the records of the threads that changed, and all the rest.
    pub(super) fn with_changes(&self, text: &str, stream_id: &str) -> serde_json::Result<Self> {
        let changed = threads_json::read(Some(text), &TasksJson::default())?;
        let mut board = Board::clone(&self.threads.board);
        for (id, thread) in changed.board.threads.iter() {
            board.threads.insert(id, thread.clone());
        }
        board.cycles.clone_from(&changed.board.cycles);
        let document = self.document(stream_id)?.with_changes(ThreadsText::read(Some(text), stream_id)?);
        Ok(Self::of_document(self, Arc::new(board), document))
    }
}

impl ThreadsFile {
    /// Returns the file as it was read.
    pub(super) fn new(threads: ThreadsJson, text: Option<String>, is_alone: bool) -> Self {
        Self { threads, text, document: OnceLock::new(), is_alone }
    }

    /// Returns the file with another board and its document.
    pub(super) fn of_document(before: &Self, board: Arc<Board>, document: ThreadsText) -> Self {
        let threads = ThreadsJson {
            board,
            warnings: before.threads.warnings.clone(),
            from_tasks: BTreeSet::new(),
            has_stateless_records: before.threads.has_stateless_records,
        };
        Self { threads, text: None, document: document.into(), is_alone: before.is_alone }
    }

    /// Returns the file with another board, as it was just written.
    pub(super) fn written(before: &Self, board: Arc<Board>, document: ThreadsText, text: &str) -> Self {
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
    pub(super) fn document(&self, stream_id: &str) -> serde_json::Result<&ThreadsText> {
        if self.document.get().is_none() {
            // Of two who do this at once, both have the same.
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

    /// Returns the threads whose state was read from tasks.json, which older releases wrote.
    pub fn from_tasks(&self) -> &BTreeSet<ThreadId> {
        &self.threads.threads.from_tasks
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
            state_warnings: &self.state_warnings,
        }
    }
}

/// Returns the plan that state and rules follow.
pub(super) fn followed<'p>(plan: &'p Arc<PlanFile>, approved: Option<&'p Arc<PlanFile>>) -> &'p PlanFile {
    approved.unwrap_or(plan)
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
