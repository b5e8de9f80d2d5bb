//! The events that change a board. They are small, so that one request is a list of them. No event may carry a time:
//! all events of a decision happen at the moment of its ledger.

use super::{AttemptStatus, CheckResult, Moves, ServerId, Status, Unproven, Usage};
use serde::Serialize;

use crate::plan::{BatchId, ThreadId};

/// One thing that happened to a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A cycle was opened. A cycle that was open is closed.
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
    /// A person asked for another execution of the batch of the open cycle.
    RetryAsked,
    /// A plan with other numbers was approved, and the records moved with their threads.
    RecordsMoved(Moves),
    /// The names of a thread were recorded, for the first time or anew.
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
        /// The server process that owns it; `None`: nobody.
        server: Option<ServerId>,
        /// The cycle in which it counts.
        cycle: Option<u32>,
    },
    /// A server became the owner of a running attempt that had none.
    AttemptAdopted {
        /// The thread.
        thread: ThreadId,
        /// The server process that owns it from now on.
        server: ServerId,
    },
    /// The running attempt counts in this cycle from now on. Before, it counted in none or in a closed one.
    AttemptJoined {
        /// The thread.
        thread: ThreadId,
        /// The cycle.
        cycle: u32,
        /// The agent that runs it, since older software may not have recorded it.
        agent: String,
    },
    /// The latest attempt ended, or the way in which it had ended was changed.
    AttemptEnded {
        /// The thread.
        thread: ThreadId,
        /// How it ended; not [`AttemptStatus::Running`].
        status: AttemptStatus,
        /// The report.
        report: String,
        /// Whether the failure was reported as transient.
        transient: bool,
    },
    /// The latest attempt counts in no cycle any more.
    AttemptUncounted {
        /// The thread.
        thread: ThreadId,
    },
    /// The checks of the latest attempt ran.
    ChecksRan {
        /// The thread.
        thread: ThreadId,
        /// Their results, which take the place of earlier ones.
        checks: Vec<CheckResult>,
        /// Whether one failed, so that a report as completed did not count.
        failed: bool,
    },
    /// It was told what an attempt used, which need not be the latest one.
    UsageTold {
        /// The thread.
        thread: ThreadId,
        /// The number of the attempt.
        attempt: u32,
        /// What it used. It takes the place of what was told before.
        usage: Usage,
    },
    /// What the artifacts of a report claim was looked at.
    EvidenceSeen {
        /// The thread.
        thread: ThreadId,
        /// What was not there. It takes the place of what an earlier report claimed.
        unproven: Vec<Unproven>,
    },
    /// The running attempt left a breadcrumb.
    BreadcrumbLeft {
        /// The thread.
        thread: ThreadId,
        /// The breadcrumb.
        text: String,
    },
    /// The status of a thread was set, perhaps with other texts.
    ThreadBecame {
        /// The thread.
        thread: ThreadId,
        /// Its status.
        status: Status,
        /// The new report; `None`: it stays.
        report: Option<String>,
        /// The new artifacts; `None`: they stay.
        artifacts: Option<Vec<String>>,
        /// The new next steps; `None`: they stay.
        next_steps: Option<Vec<String>>,
    },
    /// A thread was assigned to an agent.
    AgentAssigned {
        /// The thread.
        thread: ThreadId,
        /// The agent.
        agent: String,
    },
    /// A person removed the thread's assignment.
    AssignmentCleared {
        /// The thread.
        thread: ThreadId,
    },
    /// The retry of the thread was used.
    RetryUsed {
        /// The thread.
        thread: ThreadId,
        /// The attempt that failed.
        after: u32,
    },
    /// The reassignment of the thread was used.
    ReassignmentUsed {
        /// The thread.
        thread: ThreadId,
        /// The latest attempt then, 0 for none.
        after: u32,
        /// Why, in the planner's words.
        reason: Option<String>,
    },
    /// A person assigned the thread with `--force`, which uses no budget.
    AssignedByPerson {
        /// The thread.
        thread: ThreadId,
        /// The latest attempt then, 0 for none.
        after: u32,
        /// Why, in the person's words.
        reason: Option<String>,
    },
    /// The planner gave the thread up in the open cycle. No attempt was recorded.
    GivenUp {
        /// The thread.
        thread: ThreadId,
    },
    /// A person gave the thread fresh budgets.
    BudgetsReset {
        /// The thread.
        thread: ThreadId,
        /// The latest attempt then. It and all before it do not count in the cycle any more.
        after: u32,
    },
}

impl Event {
    /// Returns a [`ThreadBecame`](Self::ThreadBecame) that leaves artifacts and next steps as they are.
    pub fn status_set(thread: ThreadId, status: Status, report: Option<String>) -> Self {
        Self::ThreadBecame { thread, status, report, artifacts: None, next_steps: None }
    }

    /// Returns the thread of the event; `None` if it is about a cycle or about the whole board.
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
            | Self::ChecksRan { thread, .. }
            | Self::AttemptUncounted { thread }
            | Self::UsageTold { thread, .. }
            | Self::EvidenceSeen { thread, .. }
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
