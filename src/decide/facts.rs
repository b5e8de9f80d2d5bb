//! The facts in answers and refusals: commands for the person, notes, reasons. They must not be worded for a door here;
//! `crate::words` has the words.

use serde::Serialize;

use crate::board::{ReportedStatus, ServerId, Status, Unproven};
use crate::plan::{BatchId, PlanGate, StageNumber, ThreadId};

/// A command that a person should run next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonCommand {
    /// What the command does.
    pub act: PersonAct,
    /// The workstream to name; `None`: the bare command means the right one.
    pub workstream: Option<String>,
}

/// A command by which a person can let a workstream go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the command of the same name")]
pub enum PersonAct {
    Status,
    Release,
    Retry,
    ApprovePlan,
    ApproveStage(StageNumber),
    Complete,
    Restore,
}

/// Why nothing is handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseReason {
    /// The plan has no threads.
    NoThreads,
    /// A person has completed the workstream.
    StreamCompleted,
    /// The gate of the plan is shut. The text is the reason that a person gave for revoking the approval.
    PlanGate(PlanGate, Option<String>),
    /// A person has put the workstream on hold.
    OnHold,
    /// A person has put the workstream away.
    Archived,
    /// The stage is complete and not approved.
    StageNotApproved(StageNumber),
    /// The approval of the stage was revoked, for this reason.
    StageRevoked(StageNumber, String),
    /// The plan has checks, and its approved text is not known (DESIGN §5b).
    ChecksNotApproved,
    /// agents.yaml has workers started in another way than when a person approved the plan (DESIGN §12).
    WorkersChanged,
}

/// A fact that an answer tells beside its data. It becomes a sentence in `warnings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The roster does not have the agent of the thread.
    StrangeAgent {
        /// The thread.
        thread: ThreadId,
        /// Its agent.
        agent: String,
    },
    /// The record of the thread has another name than the plan: it may be that of another thread.
    OtherName {
        /// The thread.
        thread: ThreadId,
        /// Its name in the plan.
        planned: String,
        /// The name that was recorded.
        recorded: String,
    },
    /// Workers run the checks now, and the server was to run them when a person approved the plan (DESIGN §5b).
    ChecksLeftToWorkers,
    /// The report of the thread claims what was not there when it came (DESIGN §5b).
    Unproven(ThreadId, Vec<Unproven>),
    /// These threads have left the plan, although something has happened to them.
    LeftThePlan(Vec<ThreadId>),
    /// An entry of threads.json could not be understood. This is the sentence that says so.
    Unrecognized(String),
    /// The system does not show whether the server is alive, so it counts as alive (DESIGN §6a).
    UnseenServer {
        /// The server.
        server: ServerId,
        /// The reason, as the system gives it.
        why: String,
    },
    /// Nothing is handed out, for this reason.
    Paused(PauseReason),
    /// The open cycle was closed, because its batch left the plan.
    CycleWithoutBatch {
        /// Its number.
        cycle: u32,
        /// The batch.
        batch: BatchId,
    },
    /// The open cycle was closed, because an earlier batch became incomplete.
    CycleOutOfTurn {
        /// Its number.
        cycle: u32,
        /// Its batch.
        batch: BatchId,
        /// The earlier batch.
        first: BatchId,
    },
    /// The previous cycle of the batch ended with blocked threads.
    PreviousReasons {
        /// Its number.
        cycle: u32,
        /// The blocked threads, each with its report, cut to 300 characters.
        reasons: Vec<(ThreadId, String)>,
    },
    /// Another living server holds the batch.
    HeldElsewhere,
    /// The batch is not settled, and this other living server holds it.
    NotSettledElsewhere(ServerId),
    /// The batch is settled with blocked threads.
    SettledWithBlocked {
        /// Whether a planner can still carry out a decision.
        has_decisions: bool,
    },
    /// These threads were handed out and have not started. The number is that of their next attempt.
    NotStarted(Vec<(ThreadId, u32)>),
    /// The thread keeps its batch from being settled.
    Unsettled(ThreadId, Unsettled),
    /// The caller is in a linked git worktree, and the workspace is that of the main worktree (DESIGN §3).
    MainWorktree {
        /// The linked worktree.
        linked: String,
        /// The workspace.
        workspace: String,
    },
}

/// Why a thread keeps its batch from being settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// It is pending, and not handed out.
    Pending,
    /// It waits for these threads of its batch (DESIGN §5c).
    Waits(Vec<ThreadId>),
    /// It is in progress.
    InProgress,
    /// It is blocked, and `dispatch` hands it out again.
    TryAgain,
    /// It is blocked, and will be handed out again later.
    TriedLater,
}

/// How much of a brief a caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// As much as fits into one answer to a worker.
    Brief,
    /// One whole section and no other.
    Section(Section),
    /// The whole brief, for documents and for the command line.
    Whole,
}

/// A part of a brief that can be long, and that can be asked for alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after the field that it is")]
pub enum Section {
    Details,
    Summary,
    Checks,
    Files,
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
    /// All sections; those that a worker needs most come first.
    pub const ALL: [Self; 14] = [
        Self::Details,
        Self::Summary,
        Self::Checks,
        Self::Files,
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

    /// Returns the value of the argument `section`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Details => "details",
            Self::Summary => "summary",
            Self::Checks => "checks",
            Self::Files => "files",
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

/// Something that was left out of a brief. It becomes a sentence in `more`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Omission {
    /// Everything but this section.
    AllBut(Section),
    /// Names were cut to this many bytes.
    LongNames(usize),
    /// A section was cut.
    Cut(Section, CutTo),
}

/// How much of a section is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutTo {
    /// The start of the text.
    Start {
        /// The length of the whole text in bytes.
        of: usize,
    },
    /// The last entries of the list.
    Last {
        /// The number of entries that are left.
        kept: usize,
        /// The number of all entries.
        of: usize,
    },
    /// All entries, but their reports are cut.
    ShortReports,
}

/// The words of a door: how it tells its readers the facts (`crate::words`).
pub trait Words {
    /// Returns a command as the reader can run it.
    fn command(&self, command: &PersonCommand) -> String;

    /// Returns a note as a sentence.
    fn note(&self, note: &Note) -> String;

    /// Returns a sentence that says what was left out, and how to get it.
    fn omission(&self, omission: &Omission) -> String;
}

/// What a thread cannot become, in a refusal of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The status that was reported.
    Reported(ReportedStatus),
    /// Assigned to another agent.
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

/// Why failover allows neither a retry nor a reassignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// The reassignment of the thread is used in this cycle.
    ReassignmentUsed,
    /// No candidate is left for a reassignment.
    NobodyLeft,
    /// The whole family and all default agents were tried in this cycle.
    FamilyTried,
    /// Its planner gave it up in this cycle.
    GivenUp,
    /// Its retry and its reassignment are used, or nobody else can take it.
    BudgetsUsed,
}

/// An argument that is a text.
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
    /// Only a report that ends an attempt may have it.
    OnlyAtTheEnd,
    /// It has this many entries, which is too many.
    TooMany(usize),
    /// An entry has this many characters, which is too many.
    LongEntry(usize),
    /// It has this many characters, which is too many.
    TooLong(usize),
    /// It contains U+0000.
    HasNul,
    /// An entry contains U+0000.
    EntryHasNul,
}

/// Which attempt number the caller should have given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptHint {
    /// A number from 1 on.
    FromOne,
    /// This number, because that attempt runs.
    Runs(u32),
    /// This number, because that attempt is started next.
    Start(u32),
    /// This number or none, because the thread never ran.
    PassOrLeaveOut(u32),
    /// At most this number, which is the latest.
    Latest(u32),
}

/// What is wrong with a mapping (`--map`, DESIGN §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingProblem {
    /// There is nothing to map: PLAN.md is approved as it is, and no record is unclear.
    NotNeeded,
    /// The approved text has no such thread.
    NotApproved(ThreadId),
    /// The thread is mapped twice.
    MappedTwice(ThreadId),
    /// PLAN.md has no thread `to`.
    NoSuchThread {
        /// The thread that is mapped.
        from: ThreadId,
        /// The id that it should have now.
        to: ThreadId,
    },
    /// Two threads are mapped to this one.
    TakenTwice(ThreadId),
}

/// Why `work import` can make nothing of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportProblem {
    /// The folder is none of a workstream of another version.
    NothingThere,
    /// There is neither a file nor a folder.
    Absent,
    /// It is of no form that is known.
    UnknownForm,
    /// It is of a known form, and has no task.
    NoTasks,
    /// A tag was named, and its form has none.
    NoTags,
    /// It does not have the tag that was named.
    UnknownTag {
        /// The name.
        tag: String,
        /// The tags that it has.
        known: Vec<String>,
    },
    /// It has several tags with tasks, and none was named.
    SeveralTags {
        /// The tags that it has.
        known: Vec<String>,
    },
    /// The plan would have more stages than a plan can have.
    TooManyStages {
        /// Their number.
        stages: usize,
    },
}

/// Why a workspace cannot be copied between files and a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferProblem {
    /// PLAN.md has U+0000, which a database cannot store.
    PlanHasNul {
        /// The workstream.
        workstream: String,
    },
    /// The state of the workstream is still in tasks.json.
    StateInTasks {
        /// The workstream.
        workstream: String,
    },
    /// The database does not have the workstream.
    NotInDatabase {
        /// The workstream.
        workstream: String,
    },
    /// The database has another state or another plan for the workstream.
    Differs {
        /// The workstream.
        workstream: String,
    },
    /// The id that the workstream has in the database cannot be the name of a folder.
    BadId {
        /// The workstream.
        workstream: String,
    },
    /// There are files with other content.
    FilesInTheWay {
        /// Their paths, relative to the workspace.
        files: Vec<String>,
    },
}

/// A thread of which the program cannot tell which thread of PLAN.md it is now (DESIGN §7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnclearThread {
    /// Its id before.
    pub thread_id: ThreadId,
    /// Its name before.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// The threads of PLAN.md that it may be, if it did not leave the plan.
    pub candidates: Vec<Candidate>,
    /// The candidate that the hint suggests, each for one thread only; null: the hint suggests that it left.
    pub suggested: Option<ThreadId>,
}

/// A thread of PLAN.md that an unclear thread may be.
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
        if candidates.is_empty() { "none of the threads in PLAN.md".to_owned() } else { candidates.join(" or ") }
    }
}
