//! PURE. What threads.json says, in memory: threads, attempts and cycles; what can happen to them
//! ([`Event`]) and how an event changes them ([`Board::apply`]).
//!
//! The board knows nothing of PLAN.md, of gates or of who may do what. What can be derived from it
//! (the next attempt's number, what a failure was answered with) is never stored.

mod apply;
mod event;
mod moves;
mod server_id;
mod thread_state;
mod threads;

use std::collections::BTreeMap;

pub use event::Event;
pub use moves::Moves;
pub use server_id::ServerId;
pub use thread_state::{ReportedStatus, Status, Transition, UnknownStatus, transition};
pub use threads::{Digest, Threads};

use crate::moment::Moment;
use crate::plan::{BatchId, ThreadId};

/// The execution state of one workstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Board {
    /// The threads that something has happened to. One that is missing is pending.
    pub threads: Threads,
    /// See [`Board::cycles`]. At most one is open.
    cycles: Vec<Cycle>,
}

/// More than one cycle of a board is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than one cycle is open")]
pub struct TwoOpenCycles;

/// The execution state of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thread {
    /// Its name in the plan when it was last written.
    pub name: Option<String>,
    /// The name of its stage then.
    pub stage_name: Option<String>,
    /// The name of its batch then.
    pub batch_name: Option<String>,
    /// Its status.
    pub status: Status,
    /// The agent it was assigned, which wins over the plan's.
    pub assigned_agent: Option<String>,
    /// The last report; empty where there is none.
    pub report: String,
    /// The last words of a heartbeat; empty where there are none.
    pub breadcrumb: String,
    /// The files or links that its worker named.
    pub artifacts: Vec<String>,
    /// What its worker said is left to do.
    pub next_steps: Vec<String>,
    /// Its attempts, by number.
    pub attempts: Vec<Attempt>,
    /// Attempts up to this number were another thread's, which had its id before: whoever names one is late.
    pub attempt_floor: u32,
    /// The ids that it was handed out under before it moved: its worker may not know a newer one.
    pub former_ids: Vec<ThreadId>,
}

/// One run of a thread by one agent; a session of threads.json.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number within the thread, from 1, never used twice.
    pub number: u32,
    /// The agent that ran it; empty where older software did not say.
    pub agent: String,
    /// How it is going.
    pub status: AttemptStatus,
    /// The cycle of the thread's batch in which it counts.
    pub cycle: Option<u32>,
    /// The report that ended it; empty while it runs.
    pub report: String,
    /// Whether its failure was said to be transient.
    pub transient: bool,
    /// The server process that started it; `None` when nobody owns it.
    pub server: Option<ServerId>,
    /// When it started; `None` where no release wrote it down.
    pub started_at: Option<Moment>,
    /// When it ended; `None` while it runs, or where no release wrote it down.
    pub completed_at: Option<Moment>,
}

/// The status of an attempt, as a session of threads.json has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// It runs.
    Running,
    /// It ended with the work done.
    Completed,
    /// It ended by `blocked` or `failed`.
    Failed,
    /// Its process went away, or a person ended it. It costs nothing.
    Interrupted,
}

/// One execution of one batch (DESIGN §5a).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The batch.
    pub batch: BatchId,
    /// Its number among the cycles of that batch, from 1.
    pub number: u32,
    /// Whether it is open, and who holds it then.
    pub state: CycleState,
    /// Whether a person has asked for another execution since it settled with blocked threads. Then whatever
    /// happens next opens a new cycle.
    pub retry_asked: bool,
    /// What its threads have used, where they have used anything.
    pub budgets: BTreeMap<ThreadId, Budget>,
    /// Whether its batch left the plan and another one has the id now: it is history, and of no batch.
    pub left: bool,
    /// When it was opened; `None` where that cannot be read.
    pub opened_at: Option<Moment>,
}

/// Whether a cycle is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleState {
    /// It is executed.
    Open {
        /// The server process whose planner executes it; `None`: the command line opened it, or a person released it.
        holder: Option<ServerId>,
    },
    /// It is over.
    Closed {
        /// When it was closed; `None` where that cannot be read.
        at: Option<Moment>,
    },
}

/// What a thread has used of its retry and its reassignment in a cycle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// The attempt whose failure the retry answered; `None`: the retry is unused.
    pub retried_after: Option<u32>,
    /// The last attempt before the reassignment, 0 for none; `None`: it is unused.
    pub reassigned_after: Option<u32>,
    /// The last attempt before a person gave the thread to an agent, 0 for none. It costs nothing.
    pub assigned_after: Option<u32>,
    /// Why it was reassigned, in the words of who did it.
    pub reason: Option<String>,
    /// Attempts up to this number do not count in the cycle: a person gave fresh budgets after it.
    pub fresh_after: u32,
    /// Its planner gave it up: it stays blocked in this cycle, though it may have no attempt in it.
    pub given_up: bool,
    /// The retry or the reassignment was used before a person gave fresh budgets.
    pub applied_before: bool,
}

impl Board {
    /// Returns a board with these threads and cycles.
    ///
    /// # Errors
    ///
    /// [`TwoOpenCycles`]: at most one may be open.
    pub fn new(threads: Threads, cycles: Vec<Cycle>) -> Result<Self, TwoOpenCycles> {
        let open = cycles.iter().filter(|cycle| cycle.is_open()).count();
        if open > 1 { Err(TwoOpenCycles) } else { Ok(Self { threads, cycles }) }
    }

    /// Returns the execution cycles of all batches, in the order in which they were opened.
    pub fn cycles(&self) -> &[Cycle] {
        &self.cycles
    }

    /// Returns the thread, or a pending one where nothing has happened to it yet.
    pub fn thread(&self, id: ThreadId) -> std::borrow::Cow<'_, Thread> {
        match self.threads.get(id) {
            Some(thread) => std::borrow::Cow::Borrowed(thread),
            None => std::borrow::Cow::Owned(Thread::default()),
        }
    }

    /// Returns the status of the thread.
    pub fn status(&self, id: ThreadId) -> Status {
        self.threads.get(id).map(|thread| thread.status).unwrap_or_default()
    }

    /// Returns the open cycle, of whichever batch.
    pub fn open_cycle(&self) -> Option<&Cycle> {
        self.cycles.iter().rev().find(|cycle| cycle.is_open())
    }

    /// Returns the open cycle where it is one of this batch.
    pub fn open_cycle_of(&self, batch: BatchId) -> Option<&Cycle> {
        self.open_cycle().filter(|cycle| cycle.batch == batch && !cycle.left)
    }

    /// Returns the latest cycle of the batch, open or closed.
    pub fn latest_cycle_of(&self, batch: BatchId) -> Option<&Cycle> {
        self.cycles.iter().rev().find(|cycle| cycle.batch == batch && !cycle.left)
    }

    /// Returns the threads of a batch that something has happened to.
    pub fn threads_of(&self, batch: BatchId) -> impl Iterator<Item = (ThreadId, &Thread)> {
        self.threads.of(batch)
    }

    /// Returns the thread to change it; one that nothing has happened to yet is added.
    pub fn thread_mut(&mut self, id: ThreadId) -> &mut Thread {
        self.threads.get_or_add(id)
    }

    /// Returns the threads with an attempt that runs under a server process, by id.
    pub fn running(&self) -> impl Iterator<Item = (ThreadId, ServerId)> {
        self.threads.digests().flat_map(|(_, digest)| digest.running.iter().copied())
    }

    /// Returns the server processes that the board says hold or run something.
    pub fn servers(&self) -> impl Iterator<Item = ServerId> {
        let holder = self.open_cycle().and_then(Cycle::holder);
        holder.into_iter().chain(self.running().map(|(_, server)| server))
    }

    /// Returns whether the board says that this server process holds or runs something.
    pub fn names(&self, server: ServerId) -> bool {
        self.servers().any(|named| named == server)
    }
}

impl Thread {
    /// Returns the latest attempt.
    pub fn latest(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Returns the number of the latest attempt; 0: it never ran.
    pub fn latest_number(&self) -> u32 {
        self.latest().map_or(0, |attempt| attempt.number)
    }

    /// Returns the number of the attempt to come.
    pub fn next_number(&self) -> u32 {
        self.latest_number().max(self.attempt_floor) + 1
    }

    /// Returns whether workers of another thread, which had its id before, may still report, and nobody has
    /// started this one since: a call must say by its number that this thread is meant.
    pub fn is_fenced(&self) -> bool {
        self.attempt_floor > 0 && self.latest_number() <= self.attempt_floor
    }

    /// Returns the attempt that runs.
    pub fn running(&self) -> Option<&Attempt> {
        self.latest().filter(|attempt| attempt.status == AttemptStatus::Running)
    }

    /// Returns the attempts that belong to a cycle and that no person has written off.
    pub fn attempts_in<'t>(&'t self, id: ThreadId, cycle: &Cycle) -> impl DoubleEndedIterator<Item = &'t Attempt> {
        let number = cycle.number;
        let fresh_after = cycle.budget(id).fresh_after;
        self.attempts.iter().filter(move |attempt| attempt.cycle == Some(number) && attempt.number > fresh_after)
    }
}

impl Cycle {
    /// Returns whether it is executed.
    pub fn is_open(&self) -> bool {
        matches!(self.state, CycleState::Open { .. })
    }

    /// Returns the server process whose planner executes it; nobody executes one that is closed.
    pub fn holder(&self) -> Option<ServerId> {
        match self.state {
            CycleState::Open { holder } => holder,
            CycleState::Closed { .. } => None,
        }
    }

    /// Returns when it was closed, if it was and that is known.
    pub fn closed_at(&self) -> Option<Moment> {
        match self.state {
            CycleState::Open { .. } => None,
            CycleState::Closed { at } => at,
        }
    }

    /// Returns what the thread has used.
    pub fn budget(&self, id: ThreadId) -> Budget {
        self.budgets.get(&id).cloned().unwrap_or_default()
    }
}

impl Budget {
    /// Returns the last attempt before the thread was given to another agent, by whomever.
    pub fn carried_out_after(&self) -> Option<u32> {
        self.reassigned_after.max(self.assigned_after)
    }

    /// Returns whether the retry or the reassignment was used in the cycle.
    pub fn failover_applied(&self) -> bool {
        self.applied_before || self.retried_after.is_some() || self.reassigned_after.is_some()
    }

    /// Returns the budget that a person renews after an attempt.
    #[must_use]
    pub fn renewed(&self, after: u32) -> Self {
        Self { fresh_after: after, applied_before: self.failover_applied(), ..Self::default() }
    }
}

impl AttemptStatus {
    /// Returns the word on disk and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}
