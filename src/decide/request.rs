//! The requests and answers of the two doors (see [`super`]). [`AgentRequest`] must never have a word for a gate, for
//! deleting or for resetting.

use serde::Serialize;

use super::facts::{Note, Omission, PersonCommand, Words};
use super::{
    Archived, Assignment, BatchOutcome, Brief, CheckFailed, Checked, Current, Evidence, Extent, Mapping, NextBatch,
    PlanApproved, PlanDiff, Proof, Released, Report, Retried, Revoked, StageApproved, StreamCompleted, StreamReopened,
    ThreadChecked, Updated, Validation, WorkstreamStatus,
};
use crate::board::{ReportedStatus, ServerId, Usage};
use crate::plan::{BatchId, PlanHash, StageNumber, ThreadId};

/// The longest report, in characters (DESIGN §5). It also holds for breadcrumbs and reasons.
pub const MAX_REPORT_CHARS: usize = 2_000;

/// The highest number of artifacts, and of next steps, in one report.
pub const MAX_ITEMS: usize = 50;

/// The longest artifact or next step, in characters.
pub const MAX_ITEM_CHARS: usize = 500;

/// A request of an agent, through the MCP server, or of the program that runs its workers. It has no variant for passing
/// a gate, deleting or resetting.
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
    /// What an attempt used. No MCP tool makes this request: only the program that ran the worker knows it.
    RecordUsage(RecordUsage),
    /// A planner gives back a thread whose worker could not work. No MCP tool makes this request.
    GiveBack(GiveBack),
    /// `batch_outcome`. `None`: of the batch handed out last, else of the next incomplete one.
    BatchOutcome(Option<BatchId>),
    /// `workstream_status`
    WorkstreamStatus,
    /// The resource with the text of PLAN.md.
    PlanText,
    /// The resources with all that happened in a workstream, or in a part of it.
    Report(Scope),
}

impl AgentRequest {
    /// Returns the thread that the request changes, if it changes one.
    pub fn changes(&self) -> Option<ThreadId> {
        match self {
            Self::AssignThread(AssignThread { thread, .. })
            | Self::UpdateThread(UpdateThread { thread, .. })
            | Self::RecordUsage(RecordUsage { thread, .. })
            | Self::GiveBack(GiveBack { thread, .. }) => Some(*thread),
            Self::NextBatch
            | Self::ReadThread(..)
            | Self::BatchOutcome(_)
            | Self::WorkstreamStatus
            | Self::PlanText
            | Self::Report(_) => None,
        }
    }
}

/// A request of a person, through the command line.
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
    /// `work report`, and the other commands that show all that happened in a workstream.
    Report(Scope),
    /// `work validate`
    Validate,
    /// `work diff`
    Diff,
    /// `work approve plan`
    ApprovePlan {
        /// Approve in spite of problems, and interrupt running threads that would move.
        force: bool,
        /// The person's word on which thread is which.
        mapping: Mapping,
        /// Who approves.
        by: String,
        /// The text that the person has seen; `None`: the one that is there counts.
        seen: Option<PlanHash>,
    },
    /// `work approve stage N`
    ApproveStage {
        /// The stage.
        stage: StageNumber,
        /// Cancel the open threads.
        force: bool,
        /// Who approves.
        by: String,
        /// The results of the stage's checks, once they have run.
        checked: Option<Checked>,
    },
    /// `work check`
    Check {
        /// The thread; `None`: the only one in progress that has checks.
        thread: Option<ThreadId>,
        /// The folder in which they run, as it was given.
        directory: Option<String>,
        /// The results, once the checks have run.
        checked: Option<Checked>,
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
    /// `work archive`
    Archive,
    /// `work archive --revoke`
    Restore,
    /// `work release`
    Release,
    /// `work retry`. `None`: of all blocked threads of the batch at hand.
    Retry(Option<ThreadId>),
    /// `work assign`
    AssignThread(AssignThread),
    /// `work assign --clear`
    ClearAssignment(ClearAssignment),
    /// `work update`
    UpdateThread(UpdateThread),
}

/// The part of a workstream that a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    Workstream,
    /// One stage.
    Stage(StageNumber),
    /// One batch.
    Batch(BatchId),
}

/// The arguments of `work assign --clear`: remove the assignment of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClearAssignment {
    /// The thread.
    pub thread: ThreadId,
    /// A person overrules failover with `--force`. That uses no budget.
    pub force: bool,
}

/// The arguments of `assign_thread` and `work assign`: give a thread to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignThread {
    /// The thread.
    pub thread: ThreadId,
    /// The agent; `None`: the first candidate of failover.
    pub agent: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// A person overrules failover with `--force`. That uses no budget.
    pub force: bool,
}

/// The arguments of `update_thread` and `work update`: report what happened to a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateThread {
    /// The thread.
    pub thread: ThreadId,
    /// The status that is reported.
    pub status: ReportedStatus,
    /// The report; in a heartbeat, the breadcrumb.
    pub report: Option<String>,
    /// Whether the failure is transient: another attempt of the same agent could succeed.
    pub transient: bool,
    /// Files or links that came of it.
    pub artifacts: Option<Vec<String>>,
    /// What is left to do.
    pub next_steps: Option<Vec<String>>,
    /// The number of the attempt, as a fencing token; `None`: the latest is meant (DESIGN §5a.7).
    pub attempt: Option<u32>,
    /// A person confirms with `--force` that it may undo something, and need not be proven.
    pub force: bool,
    /// The folder in which the worker worked, as it was given; `None`: the root of the workspace (DESIGN §5b).
    pub directory: Option<String>,
    /// The results of the thread's checks, once a door has run them.
    pub checked: Option<Checked>,
    /// What a door saw of the artifacts; `None`: nobody looked.
    pub evidence: Option<Box<Evidence>>,
}

/// A thread to give back, whose worker was ended, or could not work, for a reason that is none of the thread's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveBack {
    /// The thread.
    pub thread: ThreadId,
    /// The number of the attempt, which runs.
    pub attempt: u32,
    /// Why.
    pub report: String,
}

/// What an attempt used, to be kept with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordUsage {
    /// The thread.
    pub thread: ThreadId,
    /// The number of the attempt, running or ended.
    pub attempt: u32,
    /// What it used from its start on. It takes the place of what was recorded before.
    pub usage: Usage,
}

impl UpdateThread {
    /// Returns a request with this status and report and nothing else. An empty `report` counts as none.
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
            directory: None,
            checked: None,
            evidence: None,
        }
    }

    /// Makes a report without a number one of the attempt for which checks were asked, if it `runs`: when they have
    /// ended, another one can be the latest.
    pub fn fix_attempt(&mut self, of: Proof, runs: bool) {
        if let (Proof::Thread(_, attempt), true) = (of, runs) {
            self.attempt.get_or_insert(attempt);
        }
    }
}

/// The origin of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A server process, which can hold cycles and attempts.
    Server(ServerId),
    /// The command line, which holds nothing.
    CommandLine,
}

/// An answer for an agent. It is serialized as the answer that it carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant is named after the answer it carries")]
pub enum AgentAnswer<C = PersonCommand, N = Note, O = Omission> {
    NextBatch(NextBatch<C, N>),
    Brief(Box<Brief<O>>),
    Assignment(Assignment),
    Updated(Updated),
    #[serde(skip)]
    CheckFailed(CheckFailed),
    #[serde(skip)]
    Recorded,
    BatchOutcome(BatchOutcome<C, N>),
    WorkstreamStatus(WorkstreamStatus<C, N>),
    PlanText(String),
    Report(Box<Report<C, N>>),
}

impl AgentAnswer {
    /// Returns the answer in the words of a door.
    pub fn worded(self, words: &dyn Words) -> AgentAnswer<String, String, String> {
        match self {
            Self::NextBatch(answer) => AgentAnswer::NextBatch(answer.worded(words)),
            Self::Brief(answer) => AgentAnswer::Brief(Box::new(answer.worded(words))),
            Self::Assignment(answer) => AgentAnswer::Assignment(answer),
            Self::Updated(answer) => AgentAnswer::Updated(answer),
            Self::CheckFailed(answer) => AgentAnswer::CheckFailed(answer),
            Self::Recorded => AgentAnswer::Recorded,
            Self::BatchOutcome(answer) => AgentAnswer::BatchOutcome(answer.worded(words)),
            Self::WorkstreamStatus(answer) => AgentAnswer::WorkstreamStatus(answer.worded(words)),
            Self::PlanText(text) => AgentAnswer::PlanText(text),
            Self::Report(answer) => AgentAnswer::Report(Box::new(answer.worded(words))),
        }
    }
}

/// An answer for a person. It is serialized as the answer that it carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant is named after the answer it carries")]
pub enum PersonAnswer<C = PersonCommand, N = Note, O = Omission> {
    Status(WorkstreamStatus<C, N>),
    Current(Current),
    Brief(Box<Brief<O>>),
    Report(Box<Report<C, N>>),
    Validation(Validation),
    PlanDiff(PlanDiff),
    PlanApproved(PlanApproved),
    StageApproved(StageApproved<C>),
    Revoked(Revoked),
    Completed(StreamCompleted),
    Reopened(StreamReopened),
    Archived(Archived),
    Released(Released),
    Retried(Retried<C>),
    Assignment(Assignment),
    Updated(Updated),
    Checked(ThreadChecked),
    #[serde(skip)]
    CheckFailed(CheckFailed),
}

impl PersonAnswer {
    /// Returns the answer in the words of a door.
    pub fn worded(self, words: &dyn Words) -> PersonAnswer<String, String, String> {
        match self {
            Self::Status(answer) => PersonAnswer::Status(answer.worded(words)),
            Self::Current(answer) => PersonAnswer::Current(answer),
            Self::Brief(answer) => PersonAnswer::Brief(Box::new(answer.worded(words))),
            Self::Report(answer) => PersonAnswer::Report(Box::new(answer.worded(words))),
            Self::Validation(answer) => PersonAnswer::Validation(answer),
            Self::PlanDiff(answer) => PersonAnswer::PlanDiff(answer),
            Self::PlanApproved(answer) => PersonAnswer::PlanApproved(answer),
            Self::StageApproved(answer) => PersonAnswer::StageApproved(answer.worded(words)),
            Self::Revoked(answer) => PersonAnswer::Revoked(answer),
            Self::Completed(answer) => PersonAnswer::Completed(answer),
            Self::Reopened(answer) => PersonAnswer::Reopened(answer),
            Self::Archived(answer) => PersonAnswer::Archived(answer),
            Self::Released(answer) => PersonAnswer::Released(answer),
            Self::Retried(answer) => PersonAnswer::Retried(answer.worded(words)),
            Self::Assignment(answer) => PersonAnswer::Assignment(answer),
            Self::Updated(answer) => PersonAnswer::Updated(answer),
            Self::Checked(answer) => PersonAnswer::Checked(answer),
            Self::CheckFailed(answer) => PersonAnswer::CheckFailed(answer),
        }
    }
}

/// Whether a request needs the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It only reads. Its events, such as those of the sweep, show in its answer and are not written (DESIGN §5a.4).
    Reads,
    /// It often changes nothing. So it is first decided without the lock; if that gives events, it is decided again
    /// under the lock.
    MayWrite,
    /// It usually changes something, so the lock is taken at once.
    Writes,
}

impl AgentRequest {
    /// Returns whether the request needs the lock.
    pub fn access(&self) -> Access {
        match self {
            Self::ReadThread(..)
            | Self::BatchOutcome(_)
            | Self::WorkstreamStatus
            | Self::PlanText
            | Self::Report(_) => Access::Reads,
            Self::NextBatch => Access::MayWrite,
            Self::AssignThread(_) | Self::UpdateThread(_) | Self::RecordUsage(_) | Self::GiveBack(_) => Access::Writes,
        }
    }
}

impl PersonRequest {
    /// Returns whether the request needs the lock.
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
            | Self::Archive
            | Self::Restore
            | Self::Release
            | Self::Retry(_)
            | Self::AssignThread(_)
            | Self::ClearAssignment(_)
            | Self::Check { .. }
            | Self::UpdateThread(_) => Access::Writes,
        }
    }
}

impl Caller {
    /// Returns the server process; `None` for the command line.
    pub fn server(self) -> Option<ServerId> {
        match self {
            Self::Server(server) => Some(server),
            Self::CommandLine => None,
        }
    }
}
