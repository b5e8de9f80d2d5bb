//! What can be asked, by whom. The two enums are the two doors; see [`super`].

use serde::Serialize;

use super::facts::{Note, Omission, PersonCommand, Words};
use super::{
    Assignment, BatchOutcome, Brief, Current, Extent, Mapping, NextBatch, PlanApproved, PlanDiff, Released, Report,
    Retried, Revoked, StageApproved, StreamCompleted, StreamReopened, Updated, Validation, WorkstreamStatus,
};
use crate::board::{ReportedStatus, ServerId};
use crate::plan::{BatchId, StageNumber, ThreadId};

/// The longest report, in characters (DESIGN §5). Breadcrumbs and reasons have the same limit.
pub const MAX_REPORT_CHARS: usize = 2_000;

/// The most artifacts, or next steps, that one report may name.
pub const MAX_ITEMS: usize = 50;

/// The longest artifact or next step, in characters.
pub const MAX_ITEM_CHARS: usize = 500;

/// All that the agents' door can ask. It has no word for a gate, for deleting or for resetting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentRequest {
    /// `next_batch`
    NextBatch,
    /// `read_thread`, and how much of it.
    ReadThread(ThreadId, Extent),
    /// `assign_thread`
    AssignThread(AssignThread),
    /// `update_thread`
    UpdateThread(UpdateThread),
    /// `batch_outcome`, of a certain batch or of the one handed out last.
    BatchOutcome(Option<BatchId>),
    /// `workstream_status`
    WorkstreamStatus,
    /// The text of PLAN.md, a resource.
    PlanText,
    /// A workstream with all that happened, resources.
    Report(Scope),
}

impl AgentRequest {
    /// Returns the thread that it says something of, if it says something.
    pub fn changes(&self) -> Option<ThreadId> {
        match self {
            Self::AssignThread(AssignThread { thread, .. }) | Self::UpdateThread(UpdateThread { thread, .. }) => {
                Some(*thread)
            }
            Self::NextBatch
            | Self::ReadThread(..)
            | Self::BatchOutcome(_)
            | Self::WorkstreamStatus
            | Self::PlanText
            | Self::Report(_) => None,
        }
    }
}

/// All that the people's door can ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonRequest {
    /// `work status`
    Status,
    /// `work current`
    ShowCurrent,
    /// `work current --set`
    SetCurrent,
    /// `work read`
    ReadThread(ThreadId),
    /// `work report`, and what else shows a workstream with all that happened.
    Report(Scope),
    /// `work validate`
    Validate,
    /// `work diff`
    Diff,
    /// `work approve plan`
    ApprovePlan {
        /// Approve in spite of problems, and interrupt threads that would move.
        force: bool,
        /// Which thread is which.
        mapping: Mapping,
        /// Who approves.
        by: String,
    },
    /// `work approve stage N`
    ApproveStage {
        /// The stage.
        stage: StageNumber,
        /// Cancel what is open.
        force: bool,
        /// Who approves.
        by: String,
    },
    /// `work approve plan --revoke`
    RevokePlan {
        /// Who revokes.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// `work approve stage N --revoke`
    RevokeStage {
        /// The stage.
        stage: StageNumber,
        /// Who revokes.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// `work complete`
    Complete,
    /// `work complete --revoke`
    Reopen,
    /// `work release`
    Release,
    /// `work retry`, of one thread or of all that are blocked.
    Retry(Option<ThreadId>),
    /// `work assign`
    AssignThread(AssignThread),
    /// `work assign --clear`
    ClearAssignment(ClearAssignment),
    /// `work update`
    UpdateThread(UpdateThread),
}

/// What part of a workstream is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    Workstream,
    /// One stage.
    Stage(StageNumber),
    /// One batch.
    Batch(BatchId),
}

/// Whose assignment is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClearAssignment {
    /// The thread.
    pub thread: ThreadId,
    /// A person means it, whatever failover allows. It costs nothing.
    pub force: bool,
}

/// Who runs a thread from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignThread {
    /// The thread.
    pub thread: ThreadId,
    /// The agent; `None`: the first candidate of failover.
    pub agent: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// A person means it, whatever failover allows. It costs nothing.
    pub force: bool,
}

/// What happened to a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateThread {
    /// The thread.
    pub thread: ThreadId,
    /// What is status of it.
    pub status: ReportedStatus,
    /// The report; what a heartbeat says is a breadcrumb.
    pub report: Option<String>,
    /// Whether another run of the same agent could succeed.
    pub transient: bool,
    /// Files or links that came of it.
    pub artifacts: Option<Vec<String>>,
    /// What is left to do.
    pub next_steps: Option<Vec<String>>,
    /// The attempt that is meant, a fencing token; `None`: the latest.
    pub attempt: Option<u32>,
    /// A person means it, even where it undoes something.
    pub force: bool,
}

impl UpdateThread {
    /// Says so much of a thread and nothing else; an empty report is none.
    pub fn new(thread: ThreadId, said: ReportedStatus, report: &str) -> Self {
        Self {
            thread,
            status: said,
            report: (!report.is_empty()).then(|| report.to_owned()),
            transient: false,
            artifacts: None,
            next_steps: None,
            attempt: None,
            force: false,
        }
    }
}

/// Through which door a request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A server process, which can hold cycles and attempts.
    Server(ServerId),
    /// The command line, which holds nothing.
    CommandLine,
}

/// An answer of the agents' door; on the wire it is the answer of the verb itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant is named after the answer it carries")]
pub enum AgentAnswer<C = PersonCommand, N = Note, O = Omission> {
    NextBatch(NextBatch<C, N>),
    Brief(Brief<O>),
    Assignment(Assignment),
    Updated(Updated),
    BatchOutcome(BatchOutcome<C, N>),
    WorkstreamStatus(WorkstreamStatus<C, N>),
    PlanText(String),
    Report(Report<C, N>),
}

impl AgentAnswer {
    /// Returns it in a door's words.
    pub fn worded(self, words: &dyn Words) -> AgentAnswer<String, String, String> {
        match self {
            Self::NextBatch(answer) => AgentAnswer::NextBatch(answer.worded(words)),
            Self::Brief(answer) => AgentAnswer::Brief(answer.worded(words)),
            Self::Assignment(answer) => AgentAnswer::Assignment(answer),
            Self::Updated(answer) => AgentAnswer::Updated(answer),
            Self::BatchOutcome(answer) => AgentAnswer::BatchOutcome(answer.worded(words)),
            Self::WorkstreamStatus(answer) => AgentAnswer::WorkstreamStatus(answer.worded(words)),
            Self::PlanText(text) => AgentAnswer::PlanText(text),
            Self::Report(answer) => AgentAnswer::Report(answer.worded(words)),
        }
    }
}

/// An answer of the people's door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant is named after the answer it carries")]
pub enum PersonAnswer<C = PersonCommand, N = Note, O = Omission> {
    Status(WorkstreamStatus<C, N>),
    Current(Current),
    Brief(Brief<O>),
    Report(Report<C, N>),
    Validation(Validation),
    PlanDiff(PlanDiff),
    PlanApproved(PlanApproved),
    StageApproved(StageApproved<C>),
    Revoked(Revoked),
    Completed(StreamCompleted),
    Reopened(StreamReopened),
    Released(Released),
    Retried(Retried<C>),
    Assignment(Assignment),
    Updated(Updated),
}

impl PersonAnswer {
    /// Returns it in a door's words.
    pub fn worded(self, words: &dyn Words) -> PersonAnswer<String, String, String> {
        match self {
            Self::Status(answer) => PersonAnswer::Status(answer.worded(words)),
            Self::Current(answer) => PersonAnswer::Current(answer),
            Self::Brief(answer) => PersonAnswer::Brief(answer.worded(words)),
            Self::Report(answer) => PersonAnswer::Report(answer.worded(words)),
            Self::Validation(answer) => PersonAnswer::Validation(answer),
            Self::PlanDiff(answer) => PersonAnswer::PlanDiff(answer),
            Self::PlanApproved(answer) => PersonAnswer::PlanApproved(answer),
            Self::StageApproved(answer) => PersonAnswer::StageApproved(answer.worded(words)),
            Self::Revoked(answer) => PersonAnswer::Revoked(answer),
            Self::Completed(answer) => PersonAnswer::Completed(answer),
            Self::Reopened(answer) => PersonAnswer::Reopened(answer),
            Self::Released(answer) => PersonAnswer::Released(answer),
            Self::Retried(answer) => PersonAnswer::Retried(answer.worded(words)),
            Self::Assignment(answer) => PersonAnswer::Assignment(answer),
            Self::Updated(answer) => PersonAnswer::Updated(answer),
        }
    }
}

/// What carrying out a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only reads: what its decision finds out about the dead is left for a request that writes.
    Reads,
    /// It mostly reads; where its decision turns out to change something, it is made again under the
    /// lock.
    MayWrite,
    /// It mostly writes, so the lock is taken at once.
    Writes,
}

impl AgentRequest {
    /// Returns what carrying it out takes.
    pub fn access(&self) -> Access {
        match self {
            Self::ReadThread(..)
            | Self::BatchOutcome(_)
            | Self::WorkstreamStatus
            | Self::PlanText
            | Self::Report(_) => Access::Reads,
            Self::NextBatch => Access::MayWrite,
            Self::AssignThread(_) | Self::UpdateThread(_) => Access::Writes,
        }
    }
}

impl PersonRequest {
    /// Returns what carrying it out takes.
    pub fn access(&self) -> Access {
        match self {
            Self::Status | Self::ShowCurrent | Self::ReadThread(_) | Self::Report(_) | Self::Validate | Self::Diff => {
                Access::Reads
            }
            Self::SetCurrent
            | Self::ApprovePlan { .. }
            | Self::ApproveStage { .. }
            | Self::RevokePlan { .. }
            | Self::RevokeStage { .. }
            | Self::Complete
            | Self::Reopen
            | Self::Release
            | Self::Retry(_)
            | Self::AssignThread(_)
            | Self::ClearAssignment(_)
            | Self::UpdateThread(_) => Access::Writes,
        }
    }
}

impl Caller {
    /// Returns the server process, where it is one.
    pub fn server(self) -> Option<ServerId> {
        match self {
            Self::Server(server) => Some(server),
            Self::CommandLine => None,
        }
    }
}
