//! What an answer tells a reader beside its data, as facts: the doors have the words for them (`crate::words`).

use serde::Serialize;

use crate::board::{ReportedStatus, ServerId, Status};
use crate::plan::{BatchId, PlanGate, StageNumber, ThreadId};

/// A command for the person next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonCommand {
    /// What it does.
    pub act: PersonAct,
    /// The workstream, where a command that names none would mean another one.
    pub workstream: Option<String>,
}

/// What a person can do about a workstream that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the command of the same name")]
pub enum PersonAct {
    Status,
    Release,
    Retry,
    ApprovePlan,
    ApproveStage(StageNumber),
    Complete,
}

/// Why nothing can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseReason {
    /// The plan has no threads.
    NoThreads,
    /// A person has completed the workstream.
    StreamCompleted,
    /// The plan gate is shut; with what a person said of it.
    PlanGate(PlanGate, Option<String>),
    /// A person has put the workstream on hold.
    OnHold,
    /// A stage is complete and waits for its approval.
    StageNotApproved(StageNumber),
    /// The approval of a stage was revoked; with why.
    StageRevoked(StageNumber, String),
}

/// What else to know about an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The roster does not have the agent of a thread.
    StrangeAgent {
        /// The thread.
        thread: ThreadId,
        /// Its agent.
        agent: String,
    },
    /// The recorded state of a thread is of another name than its own.
    OtherName {
        /// The thread.
        thread: ThreadId,
        /// Its name in the plan.
        planned: String,
        /// The name that was recorded.
        recorded: String,
    },
    /// Something has happened to threads that the plan does not have any more.
    LeftThePlan(Vec<ThreadId>),
    /// What the state's file holds and nobody can make sense of, as one sentence.
    Unrecognized(String),
    /// Nobody can see whether a server lives, so it counts as alive; with what the system says.
    UnseenServer {
        /// The server.
        server: ServerId,
        /// What the system says.
        why: String,
    },
    /// Why nothing can run.
    Paused(PauseReason),
    /// The open cycle was closed: the plan does not have its batch any more.
    CycleWithoutBatch {
        /// Its number.
        cycle: u32,
        /// The batch.
        batch: BatchId,
    },
    /// The open cycle was closed: another batch comes before its own.
    CycleOutOfTurn {
        /// Its number.
        cycle: u32,
        /// Its batch.
        batch: BatchId,
        /// The batch that comes first.
        first: BatchId,
    },
    /// The cycle before this one ended with blocked threads, for these reasons.
    PreviousReasons {
        /// Its number.
        cycle: u32,
        /// The threads that were blocked, each with its reason.
        reasons: Vec<(ThreadId, String)>,
    },
    /// Another planner executes the batch.
    HeldElsewhere,
    /// The batch is not settled: another planner executes it.
    NotSettledElsewhere(ServerId),
    /// The batch is settled with blocked threads.
    SettledWithBlocked {
        /// Whether decisions are open that can be carried out.
        has_decisions: bool,
    },
    /// Threads that were handed out have not started, each with the attempt to come.
    NotStarted(Vec<(ThreadId, u32)>),
    /// A thread keeps the batch from being settled.
    Unsettled(ThreadId, Unsettled),
    /// The workspace is that of the main worktree.
    MainWorktree {
        /// The linked worktree from which it was reached.
        linked: String,
        /// The workspace.
        workspace: String,
    },
}

/// How a thread keeps its batch from being settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// It is pending, and not handed out.
    Pending,
    /// It is in progress.
    InProgress,
    /// It was blocked, and is handed out to be tried again.
    TryAgain,
    /// It was blocked, and is to be tried again once it is handed out.
    TriedLater,
}

/// How much of a brief is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// As much as a worker is told at once.
    Brief,
    /// One section as a whole, and no other.
    Section(Section),
    /// All of it: a document for people and programs.
    Whole,
}

/// The parts of a brief that can be long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after the field that it is")]
pub enum Section {
    Details,
    Summary,
    Conventions,
    Batch,
    Definition,
    Constitution,
    Answers,
    Plan,
    References,
    DoneBefore,
    EarlierAttempts,
    Siblings,
}

impl Section {
    /// All sections, what a worker needs most first.
    pub const ALL: [Self; 12] = [
        Self::Details,
        Self::Summary,
        Self::Conventions,
        Self::Batch,
        Self::Definition,
        Self::Constitution,
        Self::Answers,
        Self::EarlierAttempts,
        Self::DoneBefore,
        Self::Plan,
        Self::References,
        Self::Siblings,
    ];

    /// Returns the word by which it is asked for.
    pub fn word(self) -> &'static str {
        match self {
            Self::Details => "details",
            Self::Summary => "summary",
            Self::Conventions => "conventions",
            Self::Batch => "batch",
            Self::Definition => "definition",
            Self::Constitution => "constitution",
            Self::Answers => "answers",
            Self::Plan => "plan",
            Self::References => "references",
            Self::DoneBefore => "done_before",
            Self::EarlierAttempts => "earlier_attempts",
            Self::Siblings => "siblings",
        }
    }
}

/// What is left out of a brief.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Omission {
    /// Only this section is told.
    AllBut(Section),
    /// Names of more bytes are cut.
    LongNames(usize),
    /// A section is cut.
    Cut(Section, CutTo),
}

/// How much of a section is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutTo {
    /// The start of a text of so many bytes.
    Start {
        /// How many bytes it has in all.
        of: usize,
    },
    /// The last entries.
    Last {
        /// How many.
        kept: usize,
        /// Of how many.
        of: usize,
    },
    /// All entries, with shorter reports.
    ShortReports,
}

/// The words that a door has for facts.
pub trait Words {
    /// Returns a command as the reader takes it.
    fn command(&self, command: &PersonCommand) -> String;

    /// Returns a note as a sentence.
    fn note(&self, note: &Note) -> String;

    /// Returns what was left out, and how the reader gets it.
    fn omission(&self, omission: &Omission) -> String;
}

/// A status of a thread that a refusal names as one that it cannot get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// What was said of it.
    Reported(ReportedStatus),
    /// To be assigned.
    Assigned,
}

impl Wanted {
    /// Returns the word in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reported(said) => said.word(),
            Self::Assigned => "assigned",
        }
    }
}

/// Why failover has nothing more for a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// Its reassignment is used in this cycle.
    ReassignmentUsed,
    /// Nobody else can take it.
    NobodyLeft,
    /// All of its family and all default agents were tried.
    FamilyTried,
    /// Its planner gave it up in this cycle.
    GivenUp,
    /// Its retry and its reassignment are used, or nobody else can take it.
    BudgetsUsed,
}

/// A text that a caller gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the argument of the same name")]
pub enum Field {
    Report,
    Reason,
    Artifacts,
    NextSteps,
}

impl Field {
    /// Returns the word in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Reason => "reason",
            Self::Artifacts => "artifacts",
            Self::NextSteps => "next_steps",
        }
    }
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextProblem {
    /// Only a report that ends the work has it.
    OnlyAtTheEnd,
    /// It has so many entries.
    TooMany(usize),
    /// An entry has so many characters.
    LongEntry(usize),
    /// It has so many characters.
    TooLong(usize),
    /// It contains U+0000.
    HasNul,
    /// An entry contains U+0000.
    EntryHasNul,
}

/// What an attempt number that a caller gave should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptHint {
    /// A number from 1 on.
    FromOne,
    /// This one, which runs.
    Runs(u32),
    /// This one, which is to be started.
    Start(u32),
    /// This one or none: the thread never ran.
    PassOrLeaveOut(u32),
    /// At most this one, the latest.
    Latest(u32),
}

/// What is wrong with what a person says about which thread is which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingProblem {
    /// The plan is approved as it is, and no record is unclear.
    NotNeeded,
    /// No such thread was approved.
    NotApproved(ThreadId),
    /// The thread is mapped twice.
    MappedTwice(ThreadId),
    /// The plan has no such thread.
    NoSuchThread {
        /// The thread that is mapped.
        from: ThreadId,
        /// What it should be.
        to: ThreadId,
    },
    /// Two threads are mapped to this one.
    TakenTwice(ThreadId),
}

/// Why a workspace cannot be copied between files and a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferProblem {
    /// A plan has a character that a database cannot keep.
    PlanHasNul {
        /// The workstream.
        workstream: String,
    },
    /// The state of a workstream is in tasks.json.
    StateInTasks {
        /// The workstream.
        workstream: String,
    },
    /// The database does not have the workstream.
    NotInDatabase {
        /// The workstream.
        workstream: String,
    },
    /// The database has another state or plan of the workstream.
    Differs {
        /// The workstream.
        workstream: String,
    },
    /// The id of a workstream of the database cannot name a folder.
    BadId {
        /// The workstream.
        workstream: String,
    },
    /// Files say something else.
    FilesInTheWay {
        /// The files, from the workspace on.
        files: Vec<String>,
    },
}

/// A thread of which nobody can tell which it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnclearThread {
    /// Its id before.
    pub thread_id: ThreadId,
    /// Its name before.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// The threads that it can be now, if it did not leave.
    pub candidates: Vec<Candidate>,
    /// What the hint says: one of them that no other one is said to be, or null, that it left.
    pub suggested: Option<ThreadId>,
}

/// A thread that another one can be now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Its id now.
    pub thread_id: ThreadId,
    /// Its name now.
    pub name: String,
}

impl UnclearThread {
    /// Returns the candidates as `01.01.01 "Rows" or 01.01.02 "Lines"`.
    pub fn candidates(&self) -> String {
        let of = |candidate: &Candidate| format!("{} {:?}", candidate.thread_id, candidate.name);
        let candidates: Vec<String> = self.candidates.iter().map(of).collect();
        if candidates.is_empty() { "none of those there are".to_owned() } else { candidates.join(" or ") }
    }
}
