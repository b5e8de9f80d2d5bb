//! What can happen to a board. Small steps, so that one request is a list of them.

use super::{AttemptStatus, Moves, ServerId, Status};
use serde::Serialize;

use crate::plan::{BatchId, ThreadId};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A cycle was opened; any that was open is closed before.
    CycleOpened {
        /// Its batch.
        batch: BatchId,
        /// Its number among the cycles of the batch.
        number: u32,
        /// The server process that holds it.
        holder: Option<ServerId>,
    },
    /// The open cycle was closed.
    CycleClosed,
    /// The open cycle got another holder, or none.
    CycleHeld {
        /// The server process that holds it from now on.
        holder: Option<ServerId>,
    },
    /// A person asked for another execution of the batch of the open cycle, which has settled.
    RetryAsked,
    /// A plan with other numbers was approved, and the records followed their threads.
    RecordsMoved(Moves),
    /// A thread of the plan is written down for the first time, or under its new names.
    ThreadNamed {
        /// The thread.
        thread: ThreadId,
        /// Its name in the plan.
        name: String,
        /// The name of its stage.
        stage_name: String,
        /// The name of its batch.
        batch_name: String,
    },
    /// An attempt started.
    AttemptStarted {
        /// The thread.
        thread: ThreadId,
        /// The number of the attempt.
        number: u32,
        /// The agent that runs it.
        agent: String,
        /// The server process that owns it.
        server: Option<ServerId>,
        /// The cycle in which it counts.
        cycle: Option<u32>,
    },
    /// A server took over the running attempt that nobody owned.
    AttemptAdopted {
        /// The thread.
        thread: ThreadId,
        /// The server process that owns it from now on.
        server: ServerId,
    },
    /// The running attempt, which counted in no cycle or in one that is closed, counts in this one.
    AttemptJoined {
        /// The thread.
        thread: ThreadId,
        /// The cycle.
        cycle: u32,
        /// The agent, where older software did not write it down.
        agent: String,
    },
    /// The latest attempt ended, or what ended it was amended.
    AttemptEnded {
        /// The thread.
        thread: ThreadId,
        /// How it ended; not [`AttemptStatus::Running`].
        status: AttemptStatus,
        /// The report.
        report: String,
        /// Whether the failure was said to be transient.
        transient: bool,
    },
    /// The running attempt left word of where it is.
    BreadcrumbLeft {
        /// The thread.
        thread: ThreadId,
        /// Its words.
        text: String,
    },
    /// A thread has a status, and perhaps a new report, artifacts and next steps.
    ThreadBecame {
        /// The thread.
        thread: ThreadId,
        /// Its status.
        status: Status,
        /// Its report, where it changes.
        report: Option<String>,
        /// Its artifacts, where they change.
        artifacts: Option<Vec<String>>,
        /// Its next steps, where they change.
        next_steps: Option<Vec<String>>,
    },
    /// A thread was assigned to an agent.
    AgentAssigned {
        /// The thread.
        thread: ThreadId,
        /// The agent.
        agent: String,
    },
    /// A person took the thread's assignment back.
    AssignmentCleared {
        /// The thread.
        thread: ThreadId,
    },
    /// A failure was answered with the retry.
    RetryUsed {
        /// The thread.
        thread: ThreadId,
        /// The attempt that failed.
        after: u32,
    },
    /// The thread was reassigned.
    ReassignmentUsed {
        /// The thread.
        thread: ThreadId,
        /// The latest attempt then, 0 for none.
        after: u32,
        /// Why, in the planner's words.
        reason: Option<String>,
    },
    /// A person gave the thread to an agent, which is free.
    AssignedByPerson {
        /// The thread.
        thread: ThreadId,
        /// The latest attempt then, 0 for none.
        after: u32,
        /// Why, in the person's words.
        reason: Option<String>,
    },
    /// Its planner gave the thread up in the open cycle, without an attempt that says so.
    GivenUp {
        /// The thread.
        thread: ThreadId,
    },
    /// A person gave the thread fresh budgets.
    BudgetsReset {
        /// The thread.
        thread: ThreadId,
        /// The latest attempt then; up to it, none counts any more.
        after: u32,
    },
}

impl Event {
    /// Returns the event of a thread that has a status, and perhaps a new report.
    pub fn status_set(thread: ThreadId, status: Status, report: Option<String>) -> Self {
        Self::ThreadBecame { thread, status, report, artifacts: None, next_steps: None }
    }

    /// Returns the thread that it happened to.
    pub fn thread(&self) -> Option<ThreadId> {
        match self {
            Self::CycleOpened { .. }
            | Self::CycleClosed
            | Self::CycleHeld { .. }
            | Self::RetryAsked
            | Self::RecordsMoved(_) => None,
            Self::ThreadNamed { thread, .. }
            | Self::AttemptStarted { thread, .. }
            | Self::AttemptAdopted { thread, .. }
            | Self::AttemptJoined { thread, .. }
            | Self::AttemptEnded { thread, .. }
            | Self::BreadcrumbLeft { thread, .. }
            | Self::ThreadBecame { thread, .. }
            | Self::AgentAssigned { thread, .. }
            | Self::AssignmentCleared { thread }
            | Self::RetryUsed { thread, .. }
            | Self::ReassignmentUsed { thread, .. }
            | Self::AssignedByPerson { thread, .. }
            | Self::GivenUp { thread }
            | Self::BudgetsReset { thread, .. } => Some(*thread),
        }
    }
}
