//! The scene: everything that a decision may depend on, and what follows from it and the board alone, such as
//! "settled" and "complete" (DESIGN §2).
//!
//! A scene borrows from a snapshot and is never changed. Decisions must read nothing else but the board: no clock, no
//! disk, no environment.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::facts::{Note, PersonAct, PersonCommand};
use super::refusal::Refusal;
use super::request::Caller;
use crate::board::{Board, Cycle, Introduction, ServerId, Status, Unproven};
use crate::closest::closest;
use crate::index::Entry;
use crate::plan::{Batch, BatchId, Plan, PlanHash, Stage, StageNumber, Thread, ThreadId};
use crate::roster::{ChecksBy, DEFAULT_AGENT, Roster};

/// A workstream at one instant, without its board, which is in the [`Ledger`](super::Ledger).
#[derive(Debug, Clone, Copy)]
pub struct Scene<'s> {
    /// The folder that holds `work/`, or the address of the database. It is only shown, never opened.
    pub workspace: &'s str,
    /// The linked git worktree in which the caller is, if the workspace is that of the main worktree (DESIGN §3).
    pub worktree: Option<&'s str>,
    /// The id of the workstream.
    pub workstream: &'s str,
    /// Whether a command that names no workstream means this one, so that commands for the person need not name it.
    pub is_default: bool,
    /// The workstream that index.json says is current.
    pub current: Option<&'s str>,
    /// The entry of the workstream in index.json; `None`: the folder has no entry, so its plan is a draft.
    pub entry: Option<&'s Entry>,
    /// The plan that execution follows: the approved text if it is known, else PLAN.md as it is now.
    pub plan: &'s Plan,
    /// Which text `plan` was read from.
    pub basis: Basis<'s>,
    /// PLAN.md as it is now.
    pub plan_now: &'s Plan,
    /// The text of PLAN.md now.
    pub plan_text: &'s str,
    /// The hash of PLAN.md now.
    pub plan_hash: &'s PlanHash,
    /// The roster: the agents, their families, and `max_parallel`.
    pub roster: &'s Roster,
    /// The server processes that the board names and that count as alive (DESIGN §6a).
    pub alive: &'s BTreeSet<ServerId>,
    /// The servers in `alive` that count as alive only because the system does not show it, each with the reason.
    pub unseen: &'s BTreeMap<ServerId, String>,
    /// What is known of the servers in `alive`, for people; empty for a server process.
    pub introductions: &'s BTreeMap<ServerId, Introduction>,
    /// One sentence for each entry of threads.json that could not be understood. Such entries are kept.
    pub state_warnings: &'s [String],
}

/// Which text the plan of a scene was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis<'s> {
    /// PLAN.md now, because it is the approved text.
    Approved {
        /// Whether `.PLAN.approved.md` holds the text, so that a later PLAN.md can be compared with it. Only an
        /// approval needs to know; for a server this is `true` without a look.
        is_kept: bool,
    },
    /// The kept approved text, which is given here. PLAN.md has changed since.
    ApprovedBefore(&'s str),
    /// PLAN.md now, because no approved text is known.
    Unknown,
}

/// Where the agent of a thread comes from (DESIGN §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AgentSource {
    /// An assignment.
    Assigned,
    /// PLAN.md.
    Plan,
    /// Nobody named one.
    Default,
}

impl AgentSource {
    /// Returns the word in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Plan => "plan",
            Self::Default => "default",
        }
    }
}

impl<'s> Scene<'s> {
    /// Returns a command for the person. It names the workstream if the bare command would mean another one.
    pub(super) fn command(&self, act: PersonAct) -> PersonCommand {
        PersonCommand { act, workstream: (!self.is_default).then(|| self.workstream.to_owned()) }
    }

    /// Returns the refusal of a call about a batch whose cycle another living server holds.
    pub(super) fn held_by_another_planner(&self, batch: BatchId, holder: ServerId) -> Refusal {
        Refusal::HeldByAnotherPlanner { batch, holder, command: self.command(PersonAct::Release) }
    }

    /// Returns the thread of the plan.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownThread`] with the closest ids.
    pub fn thread(&self, id: ThreadId) -> Result<&'s Thread, Refusal> {
        self.plan.thread(id).ok_or_else(|| self.unknown_thread(id))
    }

    /// Returns the stage of the plan.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownStage`] with the numbers that there are.
    pub fn stage(&self, number: StageNumber) -> Result<&'s Stage, Refusal> {
        self.plan.stage(number).ok_or_else(|| {
            let known = self.plan.stages.iter().map(|stage| stage.number).collect();
            Refusal::UnknownStage { stage: number, known }
        })
    }

    /// Returns the refusal for a thread that the plan does not have, with the closest ids.
    pub fn unknown_thread(&self, id: ThreadId) -> Refusal {
        let known: Vec<String> = self.plan.threads().map(|thread| thread.id.to_string()).collect();
        let closest = closest(&id.to_string(), known.iter().map(String::as_str));
        Refusal::UnknownThread { thread: id, closest }
    }

    /// Returns the agent that would run the next attempt of the thread, and where its name comes from (DESIGN §4).
    pub fn agent(&self, board: &Board, id: ThreadId) -> (String, AgentSource) {
        let assigned = board.threads.get(id).and_then(|thread| thread.assigned_agent.clone());
        if let Some(agent) = assigned.filter(|agent| !agent.is_empty()) {
            return (agent, AgentSource::Assigned);
        }
        self.planned_agent(id)
    }

    /// Returns the same as [`Self::agent`], but ignores the assignment.
    pub fn planned_agent(&self, id: ThreadId) -> (String, AgentSource) {
        match self.plan.thread(id).and_then(|thread| thread.agent.as_ref()) {
            Some(agent) => (agent.name.clone(), AgentSource::Plan),
            None => (DEFAULT_AGENT.to_owned(), AgentSource::Default),
        }
    }

    /// Returns the agent of the latest attempt, running or ended, else the one that would run the next attempt.
    pub fn agent_used(&self, board: &Board, id: ThreadId) -> String {
        let thread = board.thread(id);
        match thread.latest() {
            Some(attempt) if !attempt.agent.is_empty() => attempt.agent.clone(),
            _ => self.agent(board, id).0,
        }
    }

    /// Returns the holder of the cycle if it is alive.
    pub fn living_holder(&self, cycle: &Cycle) -> Option<ServerId> {
        cycle.holder().filter(|holder| self.alive.contains(holder))
    }

    /// Returns the holder of the cycle if it is alive and is not the caller.
    pub fn held_elsewhere(&self, cycle: &Cycle, caller: Caller) -> Option<ServerId> {
        self.living_holder(cycle).filter(|holder| caller.server() != Some(*holder))
    }

    /// Returns the agent of the running attempt, else the one that would run the next attempt.
    pub fn current_agent(&self, board: &Board, id: ThreadId) -> String {
        match board.thread(id).running() {
            Some(attempt) if !attempt.agent.is_empty() => attempt.agent.clone(),
            _ => self.agent(board, id).0,
        }
    }

    /// Returns the ids of the fallback threads of a batch (DESIGN §4): `default` runs them, as nobody named an agent.
    pub fn fallback_threads(&self, board: &Board, batch: &Batch) -> Vec<String> {
        let by_default = |thread: &&Thread| self.agent(board, thread.id).1 == AgentSource::Default;
        batch.threads.iter().filter(by_default).map(|thread| thread.id.to_string()).collect()
    }

    /// Returns the notes for the answer's `warnings` about a batch: unknown agents, records under another name, threads
    /// that left the plan, and the notes on the whole state.
    pub fn warnings(&self, board: &Board, batch: &Batch) -> Vec<Note> {
        let mut warnings = Vec::new();
        for thread in &batch.threads {
            let (agent, _) = self.agent(board, thread.id);
            if !self.roster.accepts(&agent) {
                warnings.push(Note::StrangeAgent { thread: thread.id, agent });
            }
            let known = board.threads.get(thread.id).and_then(|known| known.name.as_deref());
            if let Some(known) = known
                && known != thread.name
                && is_name(thread.id, known)
            {
                let (planned, recorded) = (thread.name.clone(), known.to_owned());
                warnings.push(Note::OtherName { thread: thread.id, planned, recorded });
            }
        }
        warnings.extend(unproven(board, batch).map(|(id, claims)| Note::Unproven(id, claims)));
        let checks_by = self.entry.and_then(|entry| entry.approvals.checks_by);
        if (checks_by, self.roster.checks.by) == (Some(ChecksBy::Server), ChecksBy::Worker) {
            warnings.push(Note::ChecksLeftToWorkers);
        }
        let gone = self.left_the_plan(board);
        if !gone.is_empty() {
            warnings.push(Note::LeftThePlan(gone));
        }
        warnings.extend(self.notes_on_state());
        warnings
    }

    /// Returns the notes on the state as a whole: entries that were not understood, and servers that may be gone.
    pub(super) fn notes_on_state(&self) -> impl Iterator<Item = Note> {
        let unrecognized = self.state_warnings.iter().cloned().map(Note::Unrecognized);
        let unseen = self.unseen.iter();
        unrecognized.chain(unseen.map(|(server, why)| Note::UnseenServer { server: *server, why: why.clone() }))
    }

    fn left_the_plan(&self, board: &Board) -> Vec<ThreadId> {
        let mut gone = Vec::new();
        for (batch, digest) in board.threads.digests().filter(|(_, digest)| !digest.touched.is_empty()) {
            let planned = self.plan.batch(batch);
            let has = |id: &ThreadId| planned.is_some_and(|batch| batch.thread(*id).is_some());
            // An approval writes a record for each thread of the plan. Only threads to which more has happened are
            // worth a warning; these are the "touched" ones.
            gone.extend(digest.touched.iter().copied().filter(|id| !has(id)));
        }
        gone
    }
}

/// Returns whether a recorded name is really a name. Other programs write the id if they know no name.
pub(super) fn is_name(id: ThreadId, name: &str) -> bool {
    !name.is_empty() && name.parse() != Ok(id)
}

/// Returns whether every thread of the batch is completed or cancelled (DESIGN §2 "complete").
pub(super) fn is_complete(board: &Board, batch: &Batch) -> bool {
    let done = board.threads.digest(batch.id).map_or(&[][..], |digest| &digest.done);
    batch.threads.len() <= done.len() && batch.threads.iter().all(|thread| done.binary_search(&thread.id).is_ok())
}

/// Returns whether the thread is blocked and will be handed out again (DESIGN §5a.3): in the open cycle of its batch it
/// has no attempt and was not given up, or a person has asked for another execution.
pub(super) fn awaits_its_cycle(board: &Board, id: ThreadId) -> bool {
    let Some(cycle) = board.open_cycle_of(id.batch) else { return false };
    let is_untried = || board.thread(id).attempts_in(id, cycle).next().is_none();
    board.status(id) == Status::Blocked && (cycle.retry_asked || !cycle.budget(id).given_up && is_untried())
}

/// Returns whether the planner gave the thread up in the open cycle of its batch (DESIGN §5). A person's request for
/// another execution ends that.
pub(super) fn is_given_up(board: &Board, id: ThreadId) -> bool {
    let is_given_up = |cycle: &Cycle| cycle.budget(id).given_up && !cycle.retry_asked;
    board.status(id) == Status::Blocked && board.open_cycle_of(id.batch).is_some_and(is_given_up)
}

/// Returns the threads that must be complete before this one starts, and are not (DESIGN §5c). Only threads of its
/// batch count: when a batch is ready, all earlier ones are complete.
pub(super) fn waits_for(board: &Board, batch: &Batch, thread: &Thread) -> Vec<ThreadId> {
    let is_open = |id: &ThreadId| batch.thread(*id).is_some() && !board.status(*id).is_done();
    thread.after.iter().copied().filter(is_open).collect()
}

/// Returns whether nothing in the batch is left to run (DESIGN §2 "settled"): no thread is in progress, and no other one
/// will be handed out, because it is done, is blocked, or waits for one that is.
pub(super) fn is_settled(board: &Board, batch: &Batch) -> bool {
    let waits = |thread| !waits_for(board, batch, thread).is_empty();
    batch.threads.iter().all(|thread| match board.status(thread.id) {
        Status::InProgress => false,
        Status::Pending => waits(thread),
        Status::Blocked => !awaits_its_cycle(board, thread.id) || waits(thread),
        Status::Completed | Status::Cancelled => true,
    })
}

/// Returns whether the batch is settled but not complete. Then only a person can have it executed again.
pub(super) fn is_settled_with_blocked(board: &Board, batch: &Batch) -> bool {
    is_settled(board, batch) && !is_complete(board, batch)
}

/// Returns the number that answers give as a thread's `attempt` (DESIGN §5a.6).
pub(super) fn attempt_in_answers(board: &Board, id: ThreadId) -> u32 {
    let thread = board.thread(id);
    match thread.status {
        Status::Pending => thread.next_number(),
        Status::Blocked if awaits_its_cycle(board, id) => thread.next_number(),
        Status::Blocked | Status::InProgress | Status::Completed | Status::Cancelled => thread.latest_number(),
    }
}

/// Returns the completed threads of a batch whose reports claim what was not there when they came.
pub(super) fn unproven(board: &Board, batch: &Batch) -> impl Iterator<Item = (ThreadId, Vec<Unproven>)> {
    let ids = board.threads.digest(batch.id).map(|digest| digest.unproven.as_slice()).unwrap_or_default();
    let ids = ids.iter().filter(|id| batch.thread(**id).is_some());
    let done = ids.filter(|id| board.status(**id) == Status::Completed);
    done.filter_map(|id| Some((*id, board.threads.get(*id)?.unproven.clone())))
}
