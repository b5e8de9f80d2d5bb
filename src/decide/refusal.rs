//! Refusals: the rules say no. A refusal must change nothing, and it must not name a command of a door; what to do next
//! is worded in `crate::words`.

use std::fmt;

use super::code::Code;
use super::facts::{
    AttemptHint, Exhausted, Field, ImportProblem, MappingProblem, PauseReason, PersonCommand, TextProblem,
    TransferProblem, UnclearThread, Wanted,
};
use super::proof::{CheckEnd, CheckFailed, CheckRun, Proof};
use super::request::{MAX_ITEM_CHARS, MAX_ITEMS, MAX_REPORT_CHARS};
use crate::board::{ReportedStatus, ServerId, Status};
use crate::plan::{BatchId, MAX_NUMBER, Problem, StageNumber, ThreadId};
use crate::roster::ChecksBy;
use crate::wording::{count, cut, duration, list};

/// A no of the rules. The fields are facts.
///
/// [`fmt::Display`] gives the message, the same for both doors. Each door adds its own hint (`crate::words`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the facts that their names say; the code has the meaning")]
pub enum Refusal {
    /// A workstream would be deleted, and the person has not confirmed it.
    DeletesReports {
        /// Its id.
        workstream: String,
        /// How many threads it has.
        threads: usize,
        /// How many of them are completed.
        completed: usize,
    },
    /// It would be archived, renamed or deleted, and something of it runs.
    StillRuns {
        /// Its id.
        workstream: String,
        /// The threads in progress.
        running: Vec<ThreadId>,
        /// The batch that a living planner holds.
        held: Option<BatchId>,
    },
    /// A door could not parse an argument. The door has worded message and hint itself.
    InvalidArgument {
        message: String,
        hint: String,
    },
    BadText {
        field: Field,
        problem: TextProblem,
    },
    BadAgentName {
        longest: usize,
    },
    AgentNeeded {
        thread: ThreadId,
        current: String,
    },
    InProgress {
        thread: ThreadId,
        agent: String,
    },
    NoSuchAttempt {
        thread: ThreadId,
        given: u32,
        hint: AttemptHint,
    },
    BadName {
        name: String,
    },
    BadStageCount {
        stages: u16,
    },
    AmbiguousName {
        name: String,
        ids: Vec<String>,
    },
    BadMapping(MappingProblem),
    Import {
        path: String,
        problem: ImportProblem,
    },
    Transfer(TransferProblem),
    NoWorkspace {
        searched: String,
    },
    NoCurrentWorkstream {
        known: Vec<String>,
    },
    WorksInSeveral {
        held: Vec<String>,
    },
    RunsElsewhere {
        thread: ThreadId,
        selected: String,
        running: Vec<String>,
    },
    UnknownWorkstream {
        given: String,
        known: Vec<String>,
    },
    UnknownStage {
        stage: StageNumber,
        known: Vec<StageNumber>,
    },
    UnknownBatch {
        batch: BatchId,
        known: Vec<String>,
    },
    UnknownThread {
        thread: ThreadId,
        closest: Vec<String>,
    },
    ThreadMoved {
        thread: ThreadId,
        now: Vec<(ThreadId, String)>,
    },
    UnknownAgent {
        agent: String,
        closest: Vec<String>,
    },
    ReportRequired {
        thread: ThreadId,
        said: ReportedStatus,
    },
    InvalidTransition {
        thread: ThreadId,
        now: Status,
        wanted: Wanted,
    },
    BatchNotReady {
        batch: BatchId,
        earlier: Option<BatchId>,
    },
    WaitsFor {
        thread: ThreadId,
        after: Vec<ThreadId>,
    },
    AwaitingApproval {
        reason: PauseReason,
        command: Option<PersonCommand>,
    },
    AlreadyRunning {
        thread: ThreadId,
        attempt: u32,
        agent: String,
    },
    StaleAttempt {
        thread: ThreadId,
        given: u32,
        latest: u32,
    },
    AnotherThread {
        thread: ThreadId,
        name: String,
        yours: Vec<(ThreadId, String)>,
        next: u32,
    },
    ReassignmentRequired {
        thread: ThreadId,
        candidate: String,
    },
    FailoverExhausted {
        thread: ThreadId,
        why: Exhausted,
        now: Status,
    },
    NotInFamily {
        agent: String,
        current: String,
        candidates: Vec<String>,
    },
    HeldByAnotherPlanner {
        batch: BatchId,
        holder: ServerId,
        command: PersonCommand,
    },
    PlanHasProblems {
        workstream: String,
        problems: Vec<Problem>,
    },
    StageNotComplete {
        stage: StageNumber,
        open: Vec<(ThreadId, Status)>,
    },
    StreamNotComplete {
        open: Vec<(ThreadId, Status)>,
        unapproved: Vec<StageNumber>,
    },
    ForceRequired {
        thread: ThreadId,
        now: Status,
        said: ReportedStatus,
    },
    /// A person has approved the stage of a thread that is done; `None`: has completed the workstream.
    SignedOff {
        thread: ThreadId,
        stage: Option<StageNumber>,
    },
    UnclearThreads {
        unclear: Vec<UnclearThread>,
        approved_text: bool,
    },
    RunningWouldMove {
        threads: Vec<(ThreadId, Option<ThreadId>)>,
    },
    NothingToRetry {
        thread: Option<(ThreadId, Status)>,
    },
    AlreadyExists {
        workstream: String,
    },
    CheckRequired {
        run: CheckRun,
        by: ChecksBy,
        /// Whether an attempt runs that can keep the results.
        runs: bool,
    },
    CheckFailed(Box<CheckFailed>),
    ChecksOff {
        thread: ThreadId,
    },
    NothingToCheck {
        thread: ThreadId,
    },
    WhichThread {
        running: Vec<ThreadId>,
    },
    BadDirectory {
        given: String,
        known: Vec<String>,
    },
}

impl Refusal {
    /// Returns an [`InvalidArgument`](Self::InvalidArgument) with this message and hint.
    pub fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::InvalidArgument { message: message.into(), hint: hint.into() }
    }

    /// Returns the machine-readable name of the refusal.
    pub fn code(&self) -> Code {
        match self {
            Self::InvalidArgument { .. }
            | Self::RunsElsewhere { .. }
            | Self::BadText { .. }
            | Self::BadAgentName { .. }
            | Self::AgentNeeded { .. }
            | Self::InProgress { .. }
            | Self::NoSuchAttempt { .. }
            | Self::BadName { .. }
            | Self::BadStageCount { .. }
            | Self::AmbiguousName { .. }
            | Self::BadMapping(_)
            | Self::Import { .. }
            | Self::NothingToCheck { .. }
            | Self::WhichThread { .. }
            | Self::BadDirectory { .. }
            | Self::Transfer(_) => Code::InvalidArgument,
            Self::NoWorkspace { .. } => Code::NoWorkspace,
            Self::NoCurrentWorkstream { .. } | Self::WorksInSeveral { .. } => Code::NoCurrentWorkstream,
            Self::UnknownWorkstream { .. } => Code::UnknownWorkstream,
            Self::UnknownStage { .. } => Code::UnknownStage,
            Self::UnknownBatch { .. } => Code::UnknownBatch,
            Self::UnknownThread { .. } | Self::ThreadMoved { .. } => Code::UnknownThread,
            Self::UnknownAgent { .. } => Code::UnknownAgent,
            Self::ReportRequired { .. } => Code::ReportRequired,
            Self::InvalidTransition { .. } | Self::SignedOff { .. } | Self::NothingToRetry { .. } => {
                Code::InvalidTransition
            }
            Self::BatchNotReady { .. } | Self::WaitsFor { .. } => Code::BatchNotReady,
            Self::AwaitingApproval { .. } => Code::AwaitingApproval,
            Self::AlreadyRunning { .. } | Self::RunningWouldMove { .. } | Self::StillRuns { .. } => {
                Code::AlreadyRunning
            }
            Self::StaleAttempt { .. } | Self::AnotherThread { .. } => Code::StaleAttempt,
            Self::ReassignmentRequired { .. } => Code::ReassignmentRequired,
            Self::FailoverExhausted { .. } => Code::FailoverExhausted,
            Self::NotInFamily { .. } => Code::NotInFamily,
            Self::HeldByAnotherPlanner { .. } => Code::HeldByAnotherPlanner,
            Self::PlanHasProblems { .. } => Code::PlanHasProblems,
            Self::StageNotComplete { .. } | Self::StreamNotComplete { .. } => Code::NotComplete,
            Self::ForceRequired { .. } | Self::DeletesReports { .. } => Code::ForceRequired,
            Self::UnclearThreads { .. } => Code::UnclearThreads,
            Self::AlreadyExists { .. } => Code::AlreadyExists,
            Self::CheckRequired { .. } | Self::CheckFailed(_) | Self::ChecksOff { .. } => Code::CheckFailed,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidArgument { message, .. } => f.write_str(message),
            Self::BadText { field, problem } => bad_text(f, *field, *problem),
            Self::BadAgentName { longest } => {
                write!(f, "agent: not a name of up to {longest} letters, digits and - _ . /")
            }
            Self::AgentNeeded { thread, .. } => {
                write!(f, "agent is needed: no cycle of batch {} is open", thread.batch)
            }
            Self::InProgress { thread, agent } => write!(f, "{thread} is in progress: {agent} runs it"),
            Self::NoSuchAttempt { thread, given, .. } => write!(f, "{thread} has no attempt {given}"),
            Self::BadName { name } => write!(f, "{name:?} cannot name a folder"),
            Self::BadStageCount { stages } => write!(f, "a plan cannot have {stages} stages, but 1 to {MAX_NUMBER}"),
            Self::AmbiguousName { name, ids } => write!(f, "{} workstreams are called {name:?} or begin so", ids.len()),
            Self::BadMapping(problem) => bad_mapping(f, *problem),
            Self::Import { path, problem } => import(f, path, problem),
            Self::Transfer(problem) => transfer(f, problem),
            Self::NoWorkspace { searched } => {
                write!(f, "no work/index.json and no work/*/PLAN.md in {searched}")
            }
            Self::NoCurrentWorkstream { known } if known.is_empty() => write!(f, "this workspace has no workstream"),
            Self::NoCurrentWorkstream { known } => {
                write!(f, "there are {} workstreams and none is current", known.len())
            }
            Self::WorksInSeveral { held } => {
                write!(f, "this server executes {} workstreams and the call names none", held.len())
            }
            Self::RunsElsewhere { thread, selected, running } => {
                write!(f, "{thread} is not executed in {selected}, but in {}", running.join(" and in "))
            }
            Self::UnknownWorkstream { given, .. } => {
                write!(f, "no workstream with a PLAN.md has the id or name {given:?}")
            }
            Self::UnknownStage { stage, .. } => write!(f, "PLAN.md has no stage {stage}"),
            Self::UnknownBatch { batch, .. } => write!(f, "PLAN.md has no batch {batch}"),
            Self::ThreadMoved { thread, .. } => {
                write!(f, "PLAN.md has no thread {thread} since the plan was approved again")
            }
            Self::UnknownThread { thread, .. } => write!(f, "PLAN.md has no thread {thread}"),
            Self::UnknownAgent { agent, .. } => write!(f, "work/agents.yaml has no agent {agent:?}"),
            Self::ReportRequired { thread, said } => write!(f, "status {} for {thread} needs a report", said.word()),
            Self::InvalidTransition { thread, now, wanted } => {
                write!(f, "{thread} is {} and cannot become {}", now.word(), wanted.word())
            }
            Self::BatchNotReady { batch, earlier: Some(earlier) } => {
                write!(f, "batch {batch} waits for batch {earlier}")
            }
            Self::BatchNotReady { batch, earlier: None } => {
                write!(f, "batch {batch} belongs to a workstream that is completed")
            }
            Self::WaitsFor { thread, after } => write!(f, "{thread} waits for {}", list(after)),
            Self::AwaitingApproval { reason, .. } => reason.fmt(f),
            Self::AlreadyRunning { thread, attempt, agent } => {
                write!(f, "attempt {attempt} of {thread} is run by {agent} through another server process")
            }
            Self::StaleAttempt { thread, given, latest, .. } => {
                write!(f, "attempt {given} of {thread} is over")?;
                if given < latest { write!(f, ", the latest is {latest}") } else { Ok(()) }
            }
            Self::AnotherThread { thread, name, yours, .. } => {
                write!(f, "{thread} is another thread since the plan was approved again ({name:?})")?;
                if yours.is_empty() {
                    return Ok(());
                }
                write!(f, "; yours may be {} now", names(yours))
            }
            Self::ReassignmentRequired { thread, .. } => {
                write!(f, "{thread} must be reassigned before its next attempt")
            }
            Self::FailoverExhausted { thread, why, .. } => write!(f, "{thread}: {}", exhausted(*why)),
            Self::NotInFamily { agent, current, .. } => {
                write!(f, "{agent} is neither in the family of {current} nor a default agent")
            }
            Self::HeldByAnotherPlanner { batch, holder, .. } => {
                write!(f, "batch {batch} is executed by another planner, server {holder}")
            }
            Self::PlanHasProblems { problems, .. } => {
                write!(
                    f,
                    "PLAN.md has {} to settle before it is approved",
                    count(problems.len(), "problem", "problems")
                )
            }
            Self::StageNotComplete { stage, open } => {
                write!(f, "stage {stage} is not complete: {}", open_threads(open))
            }
            Self::StreamNotComplete { open, unapproved } => {
                let mut parts = Vec::new();
                if !open.is_empty() {
                    parts.push(open_threads(open));
                }
                for stage in unapproved {
                    parts.push(format!("stage {stage} is not approved"));
                }
                if parts.is_empty() {
                    parts.push("PLAN.md has no threads".to_owned());
                }
                write!(f, "the workstream is not complete: {}", parts.join("; "))
            }
            Self::AlreadyExists { workstream } => write!(f, "there is a workstream {workstream} already"),
            Self::NothingToRetry { thread: Some((thread, now)) } => {
                write!(f, "{thread} is {}: only a blocked thread is retried", now.word())
            }
            Self::NothingToRetry { thread: None } => write!(f, "no thread is blocked"),
            Self::UnclearThreads { unclear, approved_text } => {
                let told = unclear.iter().map(|thread| {
                    let (id, name, status) = (thread.thread_id, &thread.name, thread.status);
                    format!("{id} {name:?} ({status}) can be {}", thread.candidates())
                });
                let compared = if *approved_text {
                    "PLAN.md has other threads than the text that was approved"
                } else {
                    "PLAN.md has other threads than those that were recorded, the text that was approved is not known here"
                };
                write!(
                    f,
                    "{compared}, and it cannot be told where the records of {} belong: {}",
                    count(unclear.len(), "thread", "threads"),
                    told.collect::<Vec<_>>().join("; ")
                )
            }
            Self::RunningWouldMove { threads } => {
                let told = threads.iter().map(|(then, now)| match now {
                    Some(now) => format!("{then} would become {now}"),
                    None => format!("{then} would leave the plan"),
                });
                write!(f, "threads in progress do not move: {}", told.collect::<Vec<_>>().join(", "))
            }
            Self::ForceRequired { thread, now, said } => {
                write!(f, "{thread} is {}; setting it to {} is a person's decision", now.word(), said.word())
            }
            Self::SignedOff { thread, stage: Some(stage) } => {
                write!(f, "stage {stage} is approved with the report of {thread} as it is")
            }
            Self::SignedOff { thread, stage: None } => {
                write!(f, "the workstream is completed with the report of {thread} as it is")
            }
            Self::CheckRequired { run: CheckRun { of: Proof::Thread(thread, _), .. }, .. } => {
                write!(f, "the checks of {thread} have not passed")
            }
            Self::CheckRequired { run: CheckRun { of: Proof::Stage(stage), .. }, .. } => {
                write!(f, "the checks of stage {stage} have not passed")
            }
            Self::CheckFailed(failed) => {
                let command = cut(&failed.command);
                match &failed.failure.end {
                    CheckEnd::Exited(code @ 129..=159) => {
                        write!(f, "check `{command}` was ended by signal {} (exit code {code})", code - 128)
                    }
                    CheckEnd::Exited(code) => write!(f, "check `{command}` ended with exit code {code}"),
                    CheckEnd::TimedOut(limit) if limit.as_secs() % 60 != 0 => {
                        write!(f, "check `{command}` was ended after its time limit of {} s", limit.as_secs())
                    }
                    CheckEnd::TimedOut(limit) => {
                        write!(f, "check `{command}` was ended after its time limit of {}", duration(*limit))
                    }
                    CheckEnd::TooMuchOutput(bytes) => {
                        write!(f, "check `{command}` was ended, because it printed more than {bytes} bytes")
                    }
                    CheckEnd::Broken(why) => write!(f, "check `{command}` could not be run to its end: {why}"),
                }
            }
            Self::DeletesReports { workstream, threads, completed } => {
                let threads = count(*threads, "thread", "threads");
                write!(
                    f,
                    "{workstream} with {threads} and their reports, {completed} completed, is not deleted without --force"
                )
            }
            Self::StillRuns { workstream, running, held } => {
                let mut told: Vec<String> = Vec::new();
                if !running.is_empty() {
                    told.push(format!("{} in progress", list(running)));
                }
                if let Some(batch) = held {
                    told.push(format!("a planner executes batch {batch}"));
                }
                write!(f, "something of {workstream} runs: {}", told.join("; "))
            }
            Self::ChecksOff { thread } => {
                write!(f, "{thread} has checks, and work/agents.yaml has them off")
            }
            Self::WhichThread { running } if running.is_empty() => {
                f.write_str("no thread that is in progress has checks")
            }
            Self::WhichThread { running } => write!(f, "several threads in progress have checks: {}", list(running)),
            Self::NothingToCheck { thread } => write!(f, "{thread} has no checks"),
            Self::BadDirectory { given, .. } => {
                write!(f, "directory {given:?} is neither the root of the workspace nor a worktree of its repository")
            }
        }
    }
}

impl fmt::Display for PauseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThreads => f.write_str("PLAN.md has no threads"),
            Self::StreamCompleted => f.write_str("the workstream is completed: its status in work/index.json says so"),
            Self::PlanGate(gate, None) => f.write_str(gate.reason()),
            Self::PlanGate(gate, Some(why)) => write!(f, "{}: {why}", gate.reason()),
            Self::WorkersChanged => {
                f.write_str("work/agents.yaml has workers started in another way than when the plan was approved")
            }
            Self::ChecksNotApproved => {
                f.write_str("only checks that a person has approved may run, and the plan is not approved")
            }
            Self::OnHold => {
                f.write_str("the workstream is on hold: to resume it, a person changes its status in work/index.json")
            }
            Self::Archived => f.write_str("the workstream is archived"),
            Self::StageNotApproved(stage) => write!(f, "stage {stage} is complete and not approved"),
            Self::StageRevoked(stage, why) => write!(f, "the approval of stage {stage} was revoked: {why}"),
        }
    }
}

fn exhausted(why: Exhausted) -> &'static str {
    match why {
        Exhausted::ReassignmentUsed => "its reassignment is used in this cycle",
        Exhausted::NobodyLeft => "nobody else can take it",
        Exhausted::FamilyTried => "no other agent of its family and no default agent is left",
        Exhausted::GivenUp => "its planner gave it up in this cycle",
        Exhausted::BudgetsUsed => "its retry and its reassignment are used, or nobody else can take it",
    }
}

fn bad_text(f: &mut fmt::Formatter<'_>, field: Field, problem: TextProblem) -> fmt::Result {
    let name = field.word();
    match problem {
        TextProblem::OnlyAtTheEnd => write!(f, "{name} is accepted only with status completed, blocked or failed"),
        TextProblem::TooMany(number) => write!(f, "{name} has {number} entries, the limit is {MAX_ITEMS}"),
        TextProblem::LongEntry(length) => {
            write!(f, "an entry of {name} has {length} characters, the limit is {MAX_ITEM_CHARS}")
        }
        TextProblem::TooLong(length) => write!(f, "{name} has {length} characters, the limit is {MAX_REPORT_CHARS}"),
        TextProblem::HasNul => write!(f, "{name} contains the character U+0000"),
        TextProblem::EntryHasNul => write!(f, "an entry of {name} contains the character U+0000"),
    }
}

fn bad_mapping(f: &mut fmt::Formatter<'_>, problem: MappingProblem) -> fmt::Result {
    match problem {
        MappingProblem::NotNeeded => {
            write!(f, "nothing is to be mapped: PLAN.md is approved as it is, and no record is unclear")
        }
        MappingProblem::NotApproved(from) => write!(f, "{from} cannot be mapped: no such thread was approved"),
        MappingProblem::MappedTwice(from) => write!(f, "{from} is mapped twice"),
        MappingProblem::NoSuchThread { from, to } => write!(f, "{from} cannot be {to}: PLAN.md has no thread {to}"),
        MappingProblem::TakenTwice(to) => write!(f, "two threads are mapped to {to}"),
    }
}

fn import(f: &mut fmt::Formatter<'_>, path: &str, problem: &ImportProblem) -> fmt::Result {
    match problem {
        ImportProblem::NothingThere => write!(f, "{path} has neither a tasks.json with tasks nor stages/*/PLAN.md"),
        ImportProblem::Absent => write!(f, "there is no {path}"),
        ImportProblem::UnknownForm => write!(f, "{path} is nothing that can be imported"),
        ImportProblem::NoTasks => write!(f, "{path} has no tasks"),
        ImportProblem::NoTags => write!(f, "{path} has no tags"),
        ImportProblem::UnknownTag { tag, .. } => write!(f, "{path} has no tag {tag:?}"),
        ImportProblem::SeveralTags { known } => write!(f, "{path} has {} tags", known.len()),
        ImportProblem::TooManyStages { stages } => {
            write!(f, "{path} would make a plan of {stages} stages, and {MAX_NUMBER} are the most")
        }
    }
}

fn transfer(f: &mut fmt::Formatter<'_>, problem: &TransferProblem) -> fmt::Result {
    match problem {
        TransferProblem::PlanHasNul { workstream } => {
            write!(f, "work/{workstream}/PLAN.md has a NUL, which a database cannot keep")
        }
        TransferProblem::StateInTasks { workstream } => write!(f, "{workstream} keeps its state in tasks.json"),
        TransferProblem::NotInDatabase { workstream } => {
            write!(f, "{workstream} is not in the database; nothing was pushed")
        }
        TransferProblem::Differs { workstream } => {
            write!(f, "{workstream} has another state or plan in the database; nothing was pushed")
        }
        TransferProblem::BadId { workstream } => write!(f, "{workstream:?} cannot name a folder"),
        TransferProblem::FilesInTheWay { files } => {
            write!(f, "other files are there: {}; nothing was pulled", files.join(", "))
        }
    }
}

/// Returns the threads as `01.01.01 "Rows" or 01.01.02 "Lines"`.
fn names(threads: &[(ThreadId, String)]) -> String {
    threads.iter().map(|(id, name)| format!("{id} {name:?}")).collect::<Vec<_>>().join(" or ")
}

/// Returns the threads with their statuses. After ten it only counts the rest, so that the message stays short.
fn open_threads(open: &[(ThreadId, Status)]) -> String {
    const SHOWN: usize = 10;
    let mut text: Vec<String> =
        open.iter().take(SHOWN).map(|(id, status)| format!("{id} is {}", status.word())).collect();
    if open.len() > SHOWN {
        text.push(format!("and {} more", open.len() - SHOWN));
    }
    text.join(", ")
}
