//! The ways in which the rules say no. A refusal changes nothing and names what to do next.

use std::fmt;

use serde_json::{Map, Value};

use super::code::Code;
use super::plan_diff::UnclearThread;
use crate::board::{Said, ServerId, Status};
use crate::plan::{BatchId, Problem, StageNumber, ThreadId};
use crate::wording::{count, quoted};

/// The rules say no. The fields are facts; [`fmt::Display`], [`Refusal::hint`] and
/// [`Refusal::details`] make the answer of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the facts that their names say; the code has the meaning")]
pub enum Refusal {
    InvalidArgument { message: String, hint: String },
    NoWorkspace { searched: String },
    NoCurrentWorkstream { known: Vec<String> },
    WorksInSeveral { held: Vec<String> },
    RunsElsewhere { thread: ThreadId, selected: String, running: Vec<String> },
    UnknownWorkstream { given: String, known: Vec<String> },
    UnknownStage { stage: StageNumber, known: Vec<StageNumber> },
    UnknownBatch { batch: BatchId, known: Vec<String> },
    UnknownThread { thread: ThreadId, closest: Vec<String> },
    ThreadMoved { thread: ThreadId, now: Vec<(ThreadId, String)> },
    UnknownAgent { agent: String, closest: Vec<String> },
    ReportRequired { thread: ThreadId, said: Said },
    InvalidTransition { thread: ThreadId, now: Status, wanted: String },
    BatchNotReady { batch: BatchId, earlier: Option<BatchId> },
    AwaitingApproval { reason: String, command: Option<String> },
    AlreadyRunning { thread: ThreadId, attempt: u32, agent: String },
    StaleAttempt { thread: ThreadId, given: u32, latest: u32 },
    AnotherThread { thread: ThreadId, name: String, yours: Vec<(ThreadId, String)>, next: u32 },
    ReassignmentRequired { thread: ThreadId, candidate: String },
    FailoverExhausted { thread: ThreadId, why: String, now: Status },
    NotInFamily { agent: String, current: String, candidates: Vec<String> },
    HeldByAnotherPlanner { batch: BatchId, holder: ServerId, command: String },
    PlanHasProblems { workstream: String, problems: Vec<Problem> },
    StageNotComplete { stage: StageNumber, open: Vec<(ThreadId, Status)> },
    StreamNotComplete { open: Vec<(ThreadId, Status)>, unapproved: Vec<StageNumber> },
    ForceRequired { thread: ThreadId, now: Status, said: Said },
    UnclearThreads { unclear: Vec<UnclearThread>, approved_text: bool },
    RunningWouldMove { threads: Vec<(ThreadId, Option<ThreadId>)> },
    NothingToRetry { thread: Option<(ThreadId, Status)> },
    AlreadyExists { workstream: String },
}

impl Refusal {
    /// Returns a refusal of an argument.
    pub fn invalid(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::InvalidArgument { message: message.into(), hint: hint.into() }
    }

    /// Returns the machine-readable name.
    pub fn code(&self) -> Code {
        match self {
            Self::InvalidArgument { .. } | Self::RunsElsewhere { .. } => Code::InvalidArgument,
            Self::NoWorkspace { .. } => Code::NoWorkspace,
            Self::NoCurrentWorkstream { .. } | Self::WorksInSeveral { .. } => Code::NoCurrentWorkstream,
            Self::UnknownWorkstream { .. } => Code::UnknownWorkstream,
            Self::UnknownStage { .. } => Code::UnknownStage,
            Self::UnknownBatch { .. } => Code::UnknownBatch,
            Self::UnknownThread { .. } | Self::ThreadMoved { .. } => Code::UnknownThread,
            Self::UnknownAgent { .. } => Code::UnknownAgent,
            Self::ReportRequired { .. } => Code::ReportRequired,
            Self::InvalidTransition { .. } | Self::NothingToRetry { .. } => Code::InvalidTransition,
            Self::BatchNotReady { .. } => Code::BatchNotReady,
            Self::AwaitingApproval { .. } => Code::AwaitingApproval,
            Self::AlreadyRunning { .. } | Self::RunningWouldMove { .. } => Code::AlreadyRunning,
            Self::StaleAttempt { .. } | Self::AnotherThread { .. } => Code::StaleAttempt,
            Self::ReassignmentRequired { .. } => Code::ReassignmentRequired,
            Self::FailoverExhausted { .. } => Code::FailoverExhausted,
            Self::NotInFamily { .. } => Code::NotInFamily,
            Self::HeldByAnotherPlanner { .. } => Code::HeldByAnotherPlanner,
            Self::PlanHasProblems { .. } => Code::PlanHasProblems,
            Self::StageNotComplete { .. } | Self::StreamNotComplete { .. } => Code::NotComplete,
            Self::ForceRequired { .. } => Code::ForceRequired,
            Self::UnclearThreads { .. } => Code::UnclearThreads,
            Self::AlreadyExists { .. } => Code::AlreadyExists,
        }
    }

    /// Returns the next call to make, or the valid values; never a command that destroys.
    pub fn hint(&self) -> String {
        match self {
            Self::InvalidArgument { hint, .. } => hint.clone(),
            Self::NoWorkspace { .. } => {
                "start the server inside the repository, or set WORK_ROOT or --root to the folder that holds work/"
                    .into()
            }
            Self::NoCurrentWorkstream { known } if known.is_empty() => "ask the person to run work create NAME".into(),
            Self::UnknownWorkstream { known, .. } if known.is_empty() => {
                "ask the person whether its PLAN.md was moved away: no folder in work/ has one".into()
            }
            Self::NoCurrentWorkstream { known } | Self::WorksInSeveral { held: known } => {
                format!("pass workstream: one of {}", known.join(", "))
            }
            Self::RunsElsewhere { selected, running, .. } => {
                format!("pass workstream: {}, or {selected} if its thread is meant", running.join(" or "))
            }
            Self::UnknownWorkstream { known, .. } => format!("pass one of {}", known.join(", ")),
            Self::UnknownStage { known, .. } if known.is_empty() => "it has no stages".into(),
            Self::UnknownStage { known, .. } => {
                format!("use one of {}", known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            Self::UnknownBatch { known, .. } if known.is_empty() => {
                "PLAN.md has no batches; see workstream_status".into()
            }
            Self::UnknownBatch { known, .. } => format!("use one of {}", known.join(", ")),
            Self::ThreadMoved { now, .. } => format!("yours may be {}", names(now)),
            Self::UnknownThread { closest, .. } if closest.is_empty() => "use the thread_id you were given".into(),
            Self::UnknownAgent { closest, .. } if closest.is_empty() => "work/agents.yaml names none".into(),
            Self::UnknownThread { closest, .. } | Self::UnknownAgent { closest, .. } => {
                format!("closest: {}", closest.join(", "))
            }
            Self::ReportRequired { .. } => "pass report: 1-2 sentences on what was done, or the reason".into(),
            Self::InvalidTransition { now: Status::Completed, wanted, .. } if wanted != "assigned" => {
                "it is done; report completed again to amend its report".into()
            }
            Self::InvalidTransition { .. } => "leave it as it is".into(),
            Self::BatchNotReady { earlier: Some(earlier), .. } => {
                format!("finish {earlier} first: call next_batch")
            }
            Self::BatchNotReady { earlier: None, .. } => "call workstream_status".into(),
            Self::AwaitingApproval { command: Some(command), .. } => {
                format!("ask the person to run {command}, then call next_batch")
            }
            Self::AwaitingApproval { command: None, .. } => "stop; a person decides when it goes on".into(),
            Self::AlreadyRunning { .. } => "leave the thread to its worker".into(),
            Self::StaleAttempt { latest, given, .. } => {
                format!("stop working on it; {}", what_counts(*given, *latest))
            }
            Self::AnotherThread { thread, name, next, .. } => {
                format!("pass attempt {next} if {thread} {name:?} is meant")
            }
            Self::ReassignmentRequired { thread, candidate } => {
                format!("call assign_thread with thread_id {thread}; it takes {candidate}")
            }
            Self::FailoverExhausted { now: Status::Pending, .. } => {
                "launch its next attempt with the agent it has: call next_batch".into()
            }
            Self::FailoverExhausted { thread, now: Status::InProgress, .. } => {
                format!("if its worker is gone, call update_thread with thread_id {thread} and status failed")
            }
            Self::FailoverExhausted { thread, .. } => {
                format!("leave {thread} blocked and call batch_outcome; a person decides")
            }
            Self::NotInFamily { candidates, .. } if candidates.is_empty() => {
                "no other agent is left; keep the one it has, or report it blocked".into()
            }
            Self::NotInFamily { candidates, .. } => {
                format!("use one that your host has a profile for: {}", candidates.join(", "))
            }
            Self::HeldByAnotherPlanner { command, .. } => {
                format!("let that planner finish, or ask the person to run {command}")
            }
            Self::PlanHasProblems { .. } => "mend PLAN.md; a person approves it as it is with --force".into(),
            Self::StageNotComplete { .. } => "finish them; a person cancels them all with --force".into(),
            Self::AlreadyExists { workstream } => {
                format!("choose another name, or go on with it: work current --set {}", quoted(workstream))
            }
            Self::ForceRequired { .. } => "a person says so with --force".into(),
            Self::NothingToRetry { thread: Some((thread, now)) } if now.is_done() => {
                format!("a person has it done again: work update --thread {thread} --status pending --force")
            }
            Self::NothingToRetry { .. } | Self::StreamNotComplete { .. } => "see work status".into(),
            Self::UnclearThreads { unclear, .. } => {
                let maps = unclear.iter().map(UnclearThread::argument);
                format!(
                    "say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as {}; or --keep-ids",
                    maps.collect::<Vec<_>>().join(" ")
                )
            }
            Self::RunningWouldMove { .. } => "wait until they have reported, or interrupt them with --force".into(),
        }
    }

    /// Returns the facts that programs may want, for the machine-readable copy.
    pub fn details(&self) -> Map<String, Value> {
        let mut details = Map::new();
        match self {
            Self::NoCurrentWorkstream { known }
            | Self::WorksInSeveral { held: known }
            | Self::RunsElsewhere { running: known, .. }
            | Self::UnknownWorkstream { known, .. } => {
                details.insert("workstreams".into(), known.clone().into());
            }
            Self::UnknownThread { closest, .. } | Self::UnknownAgent { closest, .. } => {
                details.insert("closest".into(), closest.clone().into());
            }
            Self::AwaitingApproval { command: Some(command), .. } => {
                details.insert("gate_command".into(), command.clone().into());
            }
            Self::StaleAttempt { latest, .. } => {
                details.insert("latest_attempt".into(), (*latest).into());
            }
            Self::AnotherThread { next, .. } => {
                details.insert("next_attempt".into(), (*next).into());
            }
            Self::ReassignmentRequired { candidate, .. } => {
                details.insert("candidate".into(), candidate.clone().into());
            }
            Self::NotInFamily { candidates, .. } => {
                details.insert("candidates".into(), candidates.clone().into());
            }
            Self::HeldByAnotherPlanner { holder, .. } => {
                details.insert("held_by".into(), holder.to_string().into());
            }
            _ => {}
        }
        details
    }
}

/// Returns what is accepted after attempt `given`, which is over.
pub fn what_counts(given: u32, latest: u32) -> String {
    if given < latest {
        format!("only reports of attempt {latest} or later count")
    } else {
        format!("the next run of the thread is attempt {}", latest + 1)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidArgument { message, .. } => f.write_str(message),
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
            Self::ReportRequired { thread, said } => write!(f, "{} of {thread} needs a report", said.word()),
            Self::InvalidTransition { thread, now, wanted } => {
                write!(f, "{thread} is {} and cannot become {wanted}", now.word())
            }
            Self::BatchNotReady { batch, earlier: Some(earlier) } => {
                write!(f, "batch {batch} waits for batch {earlier}")
            }
            Self::BatchNotReady { batch, earlier: None } => {
                write!(f, "batch {batch} belongs to a workstream that is completed")
            }
            Self::AwaitingApproval { reason, .. } => f.write_str(reason),
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
            Self::FailoverExhausted { thread, why, .. } => write!(f, "{thread}: {why}"),
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
        }
    }
}

fn names(threads: &[(ThreadId, String)]) -> String {
    threads.iter().map(|(id, name)| format!("{id} {name:?}")).collect::<Vec<_>>().join(" or ")
}

fn open_threads(open: &[(ThreadId, Status)]) -> String {
    const SHOWN: usize = 10;
    let mut text: Vec<String> =
        open.iter().take(SHOWN).map(|(id, status)| format!("{id} is {}", status.word())).collect();
    if open.len() > SHOWN {
        text.push(format!("and {} more", open.len() - SHOWN));
    }
    text.join(", ")
}
