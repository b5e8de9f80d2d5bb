//! The board: the execution state of one workstream, which threads.json holds. It has threads, attempts and cycles.
//! An [`Event`] says what happens to them, and [`Board::apply`] changes the board accordingly.
//!
//! This room is pure. It must not know PLAN.md, gates or failover: those rules are in [`crate::decide`]. It never
//! stores what can be derived, such as the number of the next attempt or the decision after a failure.

mod apply;
mod event;
mod moves;
mod server_id;
mod thread_state;
mod threads;
mod usage;

use std::collections::BTreeMap;

pub use event::Event;
pub use moves::Moves;
pub use server_id::{Introduction, ServerId};
pub use thread_state::{ReportedStatus, Status, Transition, UnknownStatus, transition};
pub use threads::{Digest, Threads};
pub use usage::Usage;
pub(crate) use usage::dollars;

use crate::moment::Moment;
use crate::plan::{BatchId, ThreadId};

/// The execution state of one workstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Board {
    /// The records of threads. A thread without a record is pending.
    pub threads: Threads,
    /// The cycles, in the order in which they were opened. At most one is open, see [`Board::new`].
    cycles: Vec<Cycle>,
}

/// The error of [`Board::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than one cycle is open")]
pub struct TwoOpenCycles;

/// The record of a thread: all that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thread {
    /// The name of the thread in the plan when it was last recorded; `None` in records of older software.
    pub name: Option<String>,
    /// The name of its stage then.
    pub stage_name: Option<String>,
    /// The name of its batch then.
    pub batch_name: Option<String>,
    /// Its status.
    pub status: Status,
    /// The assigned agent, which wins over the agent that the plan names (DESIGN §4). An empty name counts as none.
    pub assigned_agent: Option<String>,
    /// When it was assigned to that agent; `None` if nobody assigned it, or it was not recorded.
    pub assigned_at: Option<Moment>,
    /// The last report; empty if there is none.
    pub report: String,
    /// The text of the last heartbeat that had one; empty if there is none.
    pub breadcrumb: String,
    /// The files or links that its worker named.
    pub artifacts: Vec<String>,
    /// What its last report claims and what was not there when it came (DESIGN §5b).
    pub unproven: Vec<Unproven>,
    /// What its worker said is left to do.
    pub next_steps: Vec<String>,
    /// Its attempts, by ascending number.
    pub attempts: Vec<Attempt>,
    /// The highest attempt number that a worker of a former thread with this id may name (DESIGN §5a.7); 0: no thread
    /// had the id before. A call with such a number is late.
    pub attempt_floor: u32,
    /// The ids under which the thread was handed out before its record moved. A worker may still name one of them.
    pub former_ids: Vec<ThreadId>,
}

/// One agent's work on one thread, from start to end; a session of threads.json.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 1, unique over the life of the thread (DESIGN §5a.6).
    pub number: u32,
    /// The agent that ran it; empty if older software did not record it.
    pub agent: String,
    /// Whether it runs, or how it ended.
    pub status: AttemptStatus,
    /// The number of the cycle in which it counts, among the cycles of its batch; `None`: it counts in none.
    pub cycle: Option<u32>,
    /// The report that ended it; empty while it runs.
    pub report: String,
    /// Whether its failure was reported as transient.
    pub transient: bool,
    /// The server process that owns it; `None` if the command line or older software started it.
    pub server: Option<ServerId>,
    /// When it started; `None` if it was not recorded or cannot be read.
    pub started_at: Option<Moment>,
    /// When its worker last said where it is; `None`: it has said nothing since the start.
    pub heard_at: Option<Moment>,
    /// When it ended; `None` while it runs, and if it was not recorded or cannot be read.
    pub completed_at: Option<Moment>,
    /// The results of its latest checks, in the order in which they ran (DESIGN §5b).
    pub checks: Vec<CheckResult>,
    /// How often its checks failed after it was reported as completed.
    pub failed_checks: u32,
    /// What it used; `None`: nobody has told it.
    pub usage: Option<Usage>,
}

/// A claim of a report that did not hold when the report came (DESIGN §5b).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unproven {
    /// An artifact that is a path, at which there is nothing.
    Missing(String),
    /// An artifact that is a commit, which git does not have.
    UnknownCommit(String),
    /// An artifact that is a commit, which changes files that the thread may not touch.
    OutsideFiles {
        /// The commit, as it was given.
        commit: String,
        /// The first of these files, as paths from the root of the workspace.
        files: Vec<String>,
        /// How many there are.
        of: usize,
    },
}

/// The result of one check (DESIGN §5b).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CheckResult {
    /// The command.
    pub command: String,
    /// The exit code; `None`: it ran out of time, or could not be started.
    pub exit_code: Option<i32>,
    /// How long it ran, in milliseconds. Answers and threads.json say it in seconds.
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub millis: u64,
    /// When it ended.
    pub at: Moment,
}

impl CheckResult {
    /// Returns whether the check passed.
    pub fn has_passed(&self) -> bool {
        self.exit_code == Some(0)
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::trivially_copy_pass_by_ref,
    reason = "as serde has it; no check runs for 285,000 years"
)]
fn as_seconds<S: serde::Serializer>(millis: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*millis as f64 / 1000.0)
}

/// The status of an attempt. threads.json has the same words in its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// It runs.
    Running,
    /// The work is done.
    Completed,
    /// It ended with `blocked` or `failed`.
    Failed,
    /// Its server process is gone, or a person ended it. It uses no budget.
    Interrupted,
}

/// One execution of one batch (DESIGN §5a).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The batch.
    pub batch: BatchId,
    /// Its number among the cycles of that batch, from 1.
    pub number: u32,
    /// Whether it is open, and the holder of an open one.
    pub state: CycleState,
    /// Whether a person has asked for another execution after it settled with blocked threads. Then the next change
    /// of the batch opens a new cycle (DESIGN §5a.5).
    pub retry_asked: bool,
    /// What each thread has used. A thread without an entry has used nothing.
    pub budgets: BTreeMap<ThreadId, Budget>,
    /// Whether its batch left the plan and another batch has the id now. Then it is a cycle of no batch, and is only
    /// kept.
    pub left: bool,
    /// When it was opened; `None` if that cannot be read.
    pub opened_at: Option<Moment>,
    /// When another planner took it over last; `None`: none did.
    pub taken_over_at: Option<Moment>,
    /// When a person last ended a planner's hold on it; `None`: nobody did.
    pub released_at: Option<Moment>,
}

/// Whether a cycle is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycleState {
    /// It is open.
    Open {
        /// The server process whose planner executes it; `None`: the command line opened it, or a person released
        /// it.
        holder: Option<ServerId>,
    },
    /// It is closed.
    Closed {
        /// When it was closed; `None` if that cannot be read.
        at: Option<Moment>,
    },
}

/// What a thread has used of its retry and its reassignment in one cycle (DESIGN §5a.9). Attempts are given by their
/// numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// The attempt after whose failure the retry was used; `None`: it is unused.
    pub retried_after: Option<u32>,
    /// The last attempt before the reassignment, 0 if there was none; `None`: the reassignment is unused.
    pub reassigned_after: Option<u32>,
    /// The last attempt before a person assigned the thread with `--force`, 0 if there was none; `None`: nobody did.
    /// That uses no budget.
    pub assigned_after: Option<u32>,
    /// The reason that the caller gave for the last assignment.
    pub reason: Option<String>,
    /// Attempts up to this number do not count in the cycle, because a person gave fresh budgets after it; 0: all
    /// count.
    pub fresh_after: u32,
    /// Whether the planner gave the thread up. Then it stays blocked in this cycle, even without an attempt in it.
    pub given_up: bool,
    /// Whether the retry or the reassignment was used before a person gave fresh budgets.
    pub applied_before: bool,
}

impl Board {
    /// Returns a board with these threads and cycles; the cycles are in the order in which they were opened.
    ///
    /// # Errors
    ///
    /// [`TwoOpenCycles`] if more than one cycle is open.
    pub fn new(threads: Threads, cycles: Vec<Cycle>) -> Result<Self, TwoOpenCycles> {
        let open = cycles.iter().filter(|cycle| cycle.is_open()).count();
        if open > 1 { Err(TwoOpenCycles) } else { Ok(Self { threads, cycles }) }
    }

    /// Returns the cycles of all batches, in the order in which they were opened.
    pub fn cycles(&self) -> &[Cycle] {
        &self.cycles
    }

    /// Returns the record of the thread, or that of a pending thread if there is none.
    pub fn thread(&self, id: ThreadId) -> std::borrow::Cow<'_, Thread> {
        match self.threads.get(id) {
            Some(thread) => std::borrow::Cow::Borrowed(thread),
            None => std::borrow::Cow::Owned(Thread::default()),
        }
    }

    /// Returns the status of the thread; pending if it has no record.
    pub fn status(&self, id: ThreadId) -> Status {
        self.threads.get(id).map(|thread| thread.status).unwrap_or_default()
    }

    /// Returns the open cycle of the workstream.
    pub fn open_cycle(&self) -> Option<&Cycle> {
        self.cycles.iter().rev().find(|cycle| cycle.is_open())
    }

    /// Returns the open cycle, if it belongs to this batch.
    pub fn open_cycle_of(&self, batch: BatchId) -> Option<&Cycle> {
        self.open_cycle().filter(|cycle| cycle.batch == batch && !cycle.left)
    }

    /// Returns the latest cycle of the batch, open or closed.
    pub fn latest_cycle_of(&self, batch: BatchId) -> Option<&Cycle> {
        self.cycles.iter().rev().find(|cycle| cycle.batch == batch && !cycle.left)
    }

    /// Returns the threads of a batch that have a record, by id.
    pub fn threads_of(&self, batch: BatchId) -> impl Iterator<Item = (ThreadId, &Thread)> {
        self.threads.of(batch)
    }

    /// Returns the record of the thread, for a change. It adds one if there is none.
    pub fn thread_mut(&mut self, id: ThreadId) -> &mut Thread {
        self.threads.get_or_add(id)
    }

    /// Returns the threads whose running attempt is owned by a server process, by id.
    pub fn running(&self) -> impl Iterator<Item = (ThreadId, ServerId)> {
        self.threads.digests().flat_map(|(_, digest)| digest.running.iter().copied())
    }

    /// Returns the server processes that hold the open cycle or own a running attempt. One may occur several times.
    pub fn servers(&self) -> impl Iterator<Item = ServerId> {
        let holder = self.open_cycle().and_then(Cycle::holder);
        holder.into_iter().chain(self.running().map(|(_, server)| server))
    }

    /// Returns whether this server process holds the open cycle or owns a running attempt.
    pub fn names(&self, server: ServerId) -> bool {
        self.servers().any(|named| named == server)
    }
}

impl Thread {
    /// Returns the latest attempt, running or ended.
    pub fn latest(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Returns the number of the latest attempt; 0 if the thread never ran.
    pub fn latest_number(&self) -> u32 {
        self.latest().map_or(0, |attempt| attempt.number)
    }

    /// Returns the number of the next attempt. It is above the floor, so that workers of a former thread cannot name
    /// it.
    pub fn next_number(&self) -> u32 {
        self.latest_number().max(self.attempt_floor) + 1
    }

    /// Returns whether a call must give an attempt number (DESIGN §5a.7): another thread had this id before, so its
    /// workers may still report, and this thread has not started since.
    pub fn is_fenced(&self) -> bool {
        self.attempt_floor > 0 && self.latest_number() <= self.attempt_floor
    }

    /// Returns the running attempt.
    pub fn running(&self) -> Option<&Attempt> {
        self.latest().filter(|attempt| attempt.status == AttemptStatus::Running)
    }

    /// Returns the attempts that count in a cycle: those of the cycle after a person last gave fresh budgets. `id` is
    /// the id of this thread.
    pub fn attempts_in<'t>(&'t self, id: ThreadId, cycle: &Cycle) -> impl DoubleEndedIterator<Item = &'t Attempt> {
        let number = cycle.number;
        let fresh_after = cycle.budget(id).fresh_after;
        self.attempts.iter().filter(move |attempt| attempt.cycle == Some(number) && attempt.number > fresh_after)
    }
}

impl Cycle {
    /// Returns whether the cycle is open.
    pub fn is_open(&self) -> bool {
        matches!(self.state, CycleState::Open { .. })
    }

    /// Returns the server process that holds the cycle. A closed cycle has no holder.
    pub fn holder(&self) -> Option<ServerId> {
        match self.state {
            CycleState::Open { holder } => holder,
            CycleState::Closed { .. } => None,
        }
    }

    /// Returns when the cycle was closed; `None` if it is open or that is not known.
    pub fn closed_at(&self) -> Option<Moment> {
        match self.state {
            CycleState::Open { .. } => None,
            CycleState::Closed { at } => at,
        }
    }

    /// Returns what the thread has used in this cycle.
    pub fn budget(&self, id: ThreadId) -> Budget {
        self.budgets.get(&id).cloned().unwrap_or_default()
    }
}

impl Budget {
    /// Returns the last attempt before the thread was given to another agent, by a reassignment or by a person.
    pub fn carried_out_after(&self) -> Option<u32> {
        self.reassigned_after.max(self.assigned_after)
    }

    /// Returns whether the retry or the reassignment was used in the cycle, also before fresh budgets (DESIGN §8).
    pub fn failover_applied(&self) -> bool {
        self.applied_before || self.retried_after.is_some() || self.reassigned_after.is_some()
    }

    /// Returns the fresh budget that a person gives after the attempt of this number.
    #[must_use]
    pub fn renewed(&self, after: u32) -> Self {
        Self { fresh_after: after, applied_before: self.failover_applied(), ..Self::default() }
    }
}

impl AttemptStatus {
    /// Returns the word in threads.json and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}
