//! The codes of all refusals and faults. Programs match on them, so a code must never change its word.

/// The machine-readable name of a refusal or a fault (DESIGN §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`meaning` says it, and tool-schemas/_refusals.json lists it")]
pub enum Code {
    InvalidArgument,
    NoWorkspace,
    NoCurrentWorkstream,
    UnknownWorkstream,
    UnknownBatch,
    UnknownThread,
    UnknownAgent,
    ReportRequired,
    InvalidTransition,
    BatchNotReady,
    AwaitingApproval,
    AlreadyRunning,
    StaleAttempt,
    ReassignmentRequired,
    FailoverExhausted,
    NotInFamily,
    HeldByAnotherPlanner,
    PlanHasProblems,
    NotComplete,
    ForceRequired,
    UnknownStage,
    AlreadyExists,
    UnclearThreads,
    CheckFailed,
    PlanUnreadable,
    StateUnreadable,
    Busy,
    Io,
}

impl Code {
    /// All codes: first those that an MCP call can get, then those of the command line only, then the faults.
    pub const ALL: [Self; 28] = [
        Self::InvalidArgument,
        Self::NoWorkspace,
        Self::NoCurrentWorkstream,
        Self::UnknownWorkstream,
        Self::UnknownBatch,
        Self::UnknownThread,
        Self::UnknownAgent,
        Self::ReportRequired,
        Self::InvalidTransition,
        Self::BatchNotReady,
        Self::AwaitingApproval,
        Self::AlreadyRunning,
        Self::StaleAttempt,
        Self::ReassignmentRequired,
        Self::FailoverExhausted,
        Self::NotInFamily,
        Self::HeldByAnotherPlanner,
        Self::PlanHasProblems,
        Self::NotComplete,
        Self::ForceRequired,
        Self::UnknownStage,
        Self::AlreadyExists,
        Self::UnclearThreads,
        Self::CheckFailed,
        Self::PlanUnreadable,
        Self::StateUnreadable,
        Self::Busy,
        Self::Io,
    ];

    /// Returns the word in answers (DESIGN §8).
    pub fn word(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::NoWorkspace => "no_workspace",
            Self::NoCurrentWorkstream => "no_current_workstream",
            Self::UnknownWorkstream => "unknown_workstream",
            Self::UnknownBatch => "unknown_batch",
            Self::UnknownThread => "unknown_thread",
            Self::UnknownAgent => "unknown_agent",
            Self::ReportRequired => "report_required",
            Self::InvalidTransition => "invalid_transition",
            Self::BatchNotReady => "batch_not_ready",
            Self::AwaitingApproval => "awaiting_approval",
            Self::AlreadyRunning => "already_running",
            Self::StaleAttempt => "stale_attempt",
            Self::ReassignmentRequired => "reassignment_required",
            Self::FailoverExhausted => "failover_exhausted",
            Self::NotInFamily => "not_in_family",
            Self::HeldByAnotherPlanner => "held_by_another_planner",
            Self::PlanHasProblems => "plan_has_problems",
            Self::NotComplete => "not_complete",
            Self::ForceRequired => "force_required",
            Self::UnknownStage => "unknown_stage",
            Self::AlreadyExists => "already_exists",
            Self::UnclearThreads => "unclear_threads",
            Self::CheckFailed => "check_failed",
            Self::PlanUnreadable => "plan_unreadable",
            Self::StateUnreadable => "state_unreadable",
            Self::Busy => "busy",
            Self::Io => "io",
        }
    }

    /// Returns the meaning as one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::InvalidArgument => "An argument is malformed, too long, or not known to the tool.",
            Self::NoWorkspace => "There is no folder with work/index.json or work/*/PLAN.md.",
            Self::NoCurrentWorkstream => "The call names no workstream, and there is none or several can be meant.",
            Self::UnknownWorkstream => "No workstream has that id or name.",
            Self::UnknownBatch => "PLAN.md has no such batch.",
            Self::UnknownThread => "PLAN.md has no such thread.",
            Self::UnknownAgent => "The roster has no such agent.",
            Self::ReportRequired => "completed, blocked and failed need a report.",
            Self::InvalidTransition => "The thread's status does not allow it.",
            Self::BatchNotReady => {
                "An earlier batch, or a thread that comes before, is not complete; or the workstream is."
            }
            Self::AwaitingApproval => "A person has to pass a gate first.",
            Self::AlreadyRunning => "Another living server process runs the attempt.",
            Self::StaleAttempt => {
                "The report is of an attempt that has a successor, or can be of a thread that had the id before."
            }
            Self::ReassignmentRequired => "The thread must be assigned to another agent first.",
            Self::FailoverExhausted => "The thread has used its retry and its reassignment.",
            Self::NotInFamily => "The agent can not stand in for this one.",
            Self::HeldByAnotherPlanner => "Another living planner executes the batch.",
            Self::PlanHasProblems => "The plan has problems that a person must settle before approving it.",
            Self::NotComplete => "Threads are open, or stages are not approved.",
            Self::ForceRequired => "It undoes something: a person confirms that it is meant.",
            Self::UnknownStage => "PLAN.md has no such stage.",
            Self::AlreadyExists => "There is a workstream of that name.",
            Self::UnclearThreads => "It cannot be told which thread of a changed plan is which; a person says so.",
            Self::CheckFailed => "A check of the plan has not passed.",
            Self::PlanUnreadable => "PLAN.md is missing, empty, too large or not UTF-8.",
            Self::StateUnreadable => "A file of the state cannot be read; it is left as it is.",
            Self::Busy => "The call could not be carried out in time; it changed nothing, and can be repeated.",
            Self::Io => "The machine failed; every file is the old one or the new one.",
        }
    }
}
