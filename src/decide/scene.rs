//! All that a decision may depend on, and what can be derived from it without any rule.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::facts::{Note, PersonAct, PersonCommand};
use super::refusal::Refusal;
use super::request::Caller;
use crate::board::{Board, Cycle, ServerId, Status};
use crate::closest::closest;
use crate::index::Entry;
use crate::plan::{Batch, BatchId, Plan, PlanHash, Stage, StageNumber, Thread, ThreadId};
use crate::roster::{DEFAULT_AGENT, Roster};

/// A workstream as it stands at one instant.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'s> {
    /// The folder that holds `work/`, for people.
    pub workspace: &'s str,
    /// The linked git worktree from which the workspace, that of the main one, was reached.
    pub worktree: Option<&'s str>,
    /// The id of the workstream.
    pub workstream: &'s str,
    /// Whether a command that names no workstream means this one.
    pub is_default: bool,
    /// The workstream that index.json says is current.
    pub current: Option<&'s str>,
    /// Its entry in index.json.
    pub entry: Option<&'s Entry>,
    /// The plan that state and rules follow: the text that a person approved last, where it is known, else
    /// PLAN.md as it is now.
    pub plan: &'s Plan,
    /// Where that plan is from.
    pub basis: Basis<'s>,
    /// PLAN.md as it is now.
    pub plan_now: &'s Plan,
    /// The text of that file.
    pub plan_text: &'s str,
    /// The hash of that file.
    pub plan_hash: &'s PlanHash,
    /// Who there is.
    pub roster: &'s Roster,
    /// The server processes that the board names and that are alive.
    pub alive: &'s BTreeSet<ServerId>,
    /// Those of them that count as alive because nobody can see whether they are, with what the system says.
    pub unseen: &'s BTreeMap<ServerId, String>,
    /// What the state's file holds and nobody can make sense of, one sentence each.
    pub state_warnings: &'s [String],
}

/// Which text the plan of a scene was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis<'s> {
    /// PLAN.md, which is the approved text.
    Approved {
        /// Whether the text is kept, so that a later one can be compared with it. Only a person approves, so
        /// servers do not look.
        is_kept: bool,
    },
    /// The approved text, which is kept beside PLAN.md; that is another one by now.
    ApprovedBefore(&'s str),
    /// PLAN.md, since no approved text is known.
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
    /// Returns a command for the person. It names the workstream where a bare command would mean another one.
    pub(super) fn command(&self, act: PersonAct) -> PersonCommand {
        PersonCommand { act, workstream: (!self.is_default).then(|| self.workstream.to_owned()) }
    }

    /// Returns the refusal of a call about a batch that another planner executes.
    pub(super) fn held_by_another_planner(&self, batch: BatchId, holder: ServerId) -> Refusal {
        Refusal::HeldByAnotherPlanner { batch, holder, command: self.command(PersonAct::Release) }
    }

    /// Returns the thread of the plan, or a refusal that names the closest ids.
    pub fn thread(&self, id: ThreadId) -> Result<&'s Thread, Refusal> {
        self.plan.thread(id).ok_or_else(|| self.unknown_thread(id))
    }

    /// Returns the stage of the plan, or a refusal that names those there are.
    pub fn stage(&self, number: StageNumber) -> Result<&'s Stage, Refusal> {
        self.plan.stage(number).ok_or_else(|| {
            let known = self.plan.stages.iter().map(|stage| stage.number).collect();
            Refusal::UnknownStage { stage: number, known }
        })
    }

    /// Returns the refusal for a thread that PLAN.md does not have.
    pub fn unknown_thread(&self, id: ThreadId) -> Refusal {
        let known: Vec<String> = self.plan.threads().map(|thread| thread.id.to_string()).collect();
        let closest = closest(&id.to_string(), known.iter().map(String::as_str));
        Refusal::UnknownThread { thread: id, closest }
    }

    /// Returns the agent that would run the thread next, and where its name comes from.
    pub fn agent(&self, board: &Board, id: ThreadId) -> (String, AgentSource) {
        let assigned = board.threads.get(id).and_then(|thread| thread.assigned_agent.clone());
        if let Some(agent) = assigned.filter(|agent| !agent.is_empty()) {
            return (agent, AgentSource::Assigned);
        }
        self.planned_agent(id)
    }

    /// Returns the agent that would run the thread if it were not assigned, and where its name comes from.
    pub fn planned_agent(&self, id: ThreadId) -> (String, AgentSource) {
        match self.plan.thread(id).and_then(|thread| thread.agent.as_ref()) {
            Some(agent) => (agent.name.clone(), AgentSource::Plan),
            None => (DEFAULT_AGENT.to_owned(), AgentSource::Default),
        }
    }

    /// Returns the agent of the thread's latest attempt, else the one that would run it.
    pub fn agent_used(&self, board: &Board, id: ThreadId) -> String {
        let thread = board.thread(id);
        match thread.latest() {
            Some(attempt) if !attempt.agent.is_empty() => attempt.agent.clone(),
            _ => self.agent(board, id).0,
        }
    }

    /// Returns the server process that holds the cycle, if it lives.
    pub fn living_holder(&self, cycle: &Cycle) -> Option<ServerId> {
        cycle.holder().filter(|holder| self.alive.contains(holder))
    }

    /// Returns the server process that holds the cycle, if it lives and is not the caller.
    pub fn held_elsewhere(&self, cycle: &Cycle, caller: Caller) -> Option<ServerId> {
        self.living_holder(cycle).filter(|holder| caller.server() != Some(*holder))
    }

    /// Returns the agent that runs the thread, else the one that would.
    pub fn current_agent(&self, board: &Board, id: ThreadId) -> String {
        match board.thread(id).running() {
            Some(attempt) if !attempt.agent.is_empty() => attempt.agent.clone(),
            _ => self.agent(board, id).0,
        }
    }

    /// Returns the threads of the batch that nobody named an agent for.
    pub fn fallback_threads(&self, board: &Board, batch: &Batch) -> Vec<String> {
        let by_default = |thread: &&Thread| self.agent(board, thread.id).1 == AgentSource::Default;
        batch.threads.iter().filter(by_default).map(|thread| thread.id.to_string()).collect()
    }

    /// Returns what a planner must be told about the state of a batch that is not an error.
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
        let gone = self.left_the_plan(board);
        if !gone.is_empty() {
            warnings.push(Note::LeftThePlan(gone));
        }
        warnings.extend(self.notes_on_state());
        warnings
    }

    /// Returns what must be told about the state as a whole.
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
            // Approving a plan writes all its threads down; one to which nothing has happened holds nothing.
            gone.extend(digest.touched.iter().copied().filter(|id| !has(id)));
        }
        gone
    }
}

/// Returns whether a recorded name is one: other programs write the id where they know no name.
pub(super) fn is_name(id: ThreadId, name: &str) -> bool {
    !name.is_empty() && name.parse() != Ok(id)
}

/// Returns whether every thread of the batch is completed or cancelled (DESIGN §2 "complete").
pub(super) fn is_complete(board: &Board, batch: &Batch) -> bool {
    let done = board.threads.digest(batch.id).map_or(&[][..], |digest| &digest.done);
    batch.threads.len() <= done.len() && batch.threads.iter().all(|thread| done.binary_search(&thread.id).is_ok())
}

/// Returns whether the thread is blocked and handed out all the same (DESIGN §5a.3): it was neither tried nor given
/// up yet in the open cycle of its batch, or a person has asked for another one.
pub(super) fn awaits_its_cycle(board: &Board, id: ThreadId) -> bool {
    let Some(cycle) = board.open_cycle_of(id.batch) else { return false };
    let is_untried = || board.thread(id).attempts_in(id, cycle).next().is_none();
    board.status(id) == Status::Blocked && (cycle.retry_asked || !cycle.budget(id).given_up && is_untried())
}

/// Returns whether the thread's planner has stopped its retries in the open cycle of its batch (DESIGN §5).
pub(super) fn is_given_up(board: &Board, id: ThreadId) -> bool {
    let is_given_up = |cycle: &Cycle| cycle.budget(id).given_up && !cycle.retry_asked;
    board.status(id) == Status::Blocked && board.open_cycle_of(id.batch).is_some_and(is_given_up)
}

/// Returns whether nothing of the batch is pending, in progress or handed out (DESIGN §2 "settled").
/// A blocked thread that a new cycle has handed out again is not settled before it was tried.
pub(super) fn is_settled(board: &Board, batch: &Batch) -> bool {
    batch.threads.iter().all(|thread| match board.status(thread.id) {
        Status::Pending | Status::InProgress => false,
        Status::Blocked => !awaits_its_cycle(board, thread.id),
        Status::Completed | Status::Cancelled => true,
    })
}

/// Returns whether the batch is settled and not complete: only a person has it executed again.
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
