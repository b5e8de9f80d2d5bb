//! The words for models, who read them through the MCP door. They name tools and arguments; what only a person may do
//! is a command that the model shows to the person, never one that it runs.

use std::io;

use serde_json::{Map, Value};

use super::notes::{attempt_hint, command, cut_to, not_there, text_hint, waits};
use super::{names, what_counts};
use crate::board::Status;
use crate::decide::{
    CheckEnd, CheckFailed, CheckRun, Note, Omission, PersonCommand, Proof, Refusal, Unsettled, Wanted, Words,
};
use crate::fault::{DatabaseRemedy, Error, Fault, is_in_the_way};
use crate::roster::ChecksBy;
use crate::wording::quoted;

/// The words for models. A command for the person begins with `!`, because OpenCode's chat runs such a line
/// (DESIGN §7).
#[derive(Debug, Clone, Default)]
pub struct AgentWords {
    /// The flags by which a command means the workspace of this server: ` --root DIR` or ` --store URL` if the server
    /// was started with them, else empty. Begins with a blank, and has no password.
    pub location: String,
}

impl Words for AgentWords {
    fn command(&self, given: &PersonCommand) -> String {
        let workstream = given.workstream.as_ref().map(|id| format!(" --workstream {}", quoted(id)));
        format!("!{}{}{}", command(given.act), workstream.unwrap_or_default(), self.location)
    }

    fn note(&self, note: &Note) -> String {
        match note {
            Note::StrangeAgent { thread, agent } => format!("{thread}: agent {agent} is not in work/agents.yaml"),
            Note::OtherName { thread, planned, recorded } => {
                format!("{thread}: PLAN.md calls it {planned:?}, the recorded state is of {recorded:?}")
            }
            Note::ChecksLeftToWorkers => format!(
                "work/agents.yaml leaves the checks to workers now, and the plan was approved with the server running them: a person looks at it and runs !work approve plan{}",
                self.location
            ),
            Note::Unproven(thread, unproven) => format!("{thread}: {}", not_there(unproven)),
            Note::LeftThePlan(threads) => format!("no longer in PLAN.md, kept and ignored: {}", listed(threads)),
            Note::Unrecognized(sentence) => sentence.clone(),
            Note::UnseenServer { server, why } => format!(
                "nobody can see whether server {server} lives, so it counts as alive ({why}); if it has ended, a person runs !work release{}",
                self.location
            ),
            Note::Paused(reason) => reason.to_string(),
            Note::CycleWithoutBatch { cycle, batch } => {
                format!("cycle {cycle} of batch {batch} is closed: PLAN.md no longer has the batch")
            }
            Note::CycleOutOfTurn { cycle, batch, first } => {
                format!("cycle {cycle} of batch {batch} is closed: batch {first} comes before it")
            }
            Note::PreviousReasons { cycle, reasons } => {
                let reasons: Vec<String> = reasons.iter().map(|(id, reason)| format!("{id}: {reason}")).collect();
                format!("cycle {cycle} ended with blocked threads, this is a new cycle. {}", reasons.join("; "))
            }
            Note::HeldElsewhere => "another planner executes it: leave its threads alone".to_owned(),
            Note::NotSettledElsewhere(holder) => {
                format!("not settled: another planner executes it, server {holder}")
            }
            Note::SettledWithBlocked { has_decisions } => {
                let open = if *has_decisions { "; what stands in failover can still be carried out" } else { "" };
                format!("settled with blocked threads: only a person has it executed again{open}")
            }
            Note::NotStarted(threads) => {
                let told = threads.iter().map(|(id, attempt)| format!("{id} (attempt {attempt})"));
                format!(
                    "not started: {}. If you have launched its worker it is lost: report it failed with that attempt; else call next_batch",
                    told.collect::<Vec<_>>().join(", ")
                )
            }
            Note::Unsettled(thread, how) => {
                let how = match how {
                    Unsettled::Waits(threads) => return waits(*thread, threads),
                    Unsettled::Pending => "is pending",
                    Unsettled::InProgress => {
                        "is in progress: if its worker has ended without a report, report it failed"
                    }
                    Unsettled::TryAgain => "was blocked and is to be tried again: call next_batch",
                    Unsettled::TriedLater => "was blocked and is to be tried again",
                };
                format!("{thread} {how}")
            }
            Note::MainWorktree { linked, workspace } => format!(
                "{linked} is a linked git worktree: the workspace of the main worktree, {workspace}, is used (--root or WORK_ROOT names another)"
            ),
        }
    }

    fn omission(&self, omission: &Omission) -> String {
        match omission {
            Omission::AllBut(section) => format!("only {} is told here", section.word()),
            Omission::LongNames(bytes) => format!("names of more than {bytes} bytes are cut: PLAN.md has them"),
            Omission::Cut(section, to) => {
                let word = section.word();
                format!("{word}: {}; call read_thread with section {word}", cut_to(*to))
            }
        }
    }
}

impl AgentWords {
    /// Returns the hint of a refusal or fault: the next call to make, or the valid values. Never a command that
    /// destroys (DESIGN §8).
    pub fn hint(&self, stopped: &Error) -> String {
        match stopped {
            Error::Refusal(refusal) => self.of_refusal(refusal),
            Error::Fault(fault) => of_fault(fault),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm per refusal reads best in one place")]
    fn of_refusal(&self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::InvalidArgument { hint, .. } => hint.clone(),
            Refusal::BadText { problem, .. } => text_hint(*problem).into(),
            Refusal::BadAgentName { .. } => "pass the name of an agent".into(),
            Refusal::AgentNeeded { thread, current } => format!("pass agent; {current} runs {thread} as it is"),
            Refusal::InProgress { .. } => "wait for its report, or give it to another agent".into(),
            Refusal::NoSuchAttempt { hint, .. } => attempt_hint(*hint),
            Refusal::AmbiguousName { ids, .. } => format!("name one by its id: {}", ids.join(", ")),
            Refusal::NoWorkspace { .. } => {
                "start the server inside the repository, or set WORK_ROOT or --root to the folder that holds work/"
                    .into()
            }
            Refusal::NoCurrentWorkstream { known } if known.is_empty() => {
                "ask the person to run work create NAME".into()
            }
            Refusal::UnknownWorkstream { known, .. } if known.is_empty() => {
                "ask the person whether its PLAN.md was moved away: no folder in work/ has one".into()
            }
            Refusal::NoCurrentWorkstream { known } | Refusal::WorksInSeveral { held: known } => {
                format!("pass workstream: one of {}", known.join(", "))
            }
            Refusal::RunsElsewhere { selected, running, .. } => {
                format!("pass workstream: {}, or {selected} if its thread is meant", running.join(" or "))
            }
            Refusal::UnknownWorkstream { known, .. } => format!("pass one of {}", known.join(", ")),
            Refusal::BadDirectory { known, .. } => format!("pass one of {}, or leave directory out", known.join(", ")),
            Refusal::UnknownStage { known, .. } if known.is_empty() => "it has no stages".into(),
            Refusal::UnknownStage { known, .. } => format!("use one of {}", listed(known)),
            Refusal::UnknownBatch { known, .. } if known.is_empty() => {
                "PLAN.md has no batches; see workstream_status".into()
            }
            Refusal::UnknownBatch { known, .. } => format!("use one of {}", known.join(", ")),
            Refusal::ThreadMoved { now, .. } => format!("yours may be {}", names(now)),
            Refusal::UnknownThread { closest, .. } if closest.is_empty() => "use the thread_id you were given".into(),
            Refusal::UnknownAgent { closest, .. } if closest.is_empty() => "work/agents.yaml names none".into(),
            Refusal::UnknownThread { closest, .. } | Refusal::UnknownAgent { closest, .. } => {
                format!("closest: {}", closest.join(", "))
            }
            Refusal::ReportRequired { .. } => "pass report: 1-2 sentences on what was done, or the reason".into(),
            Refusal::InvalidTransition { now: Status::Completed, wanted: Wanted::Reported(_), .. } => {
                "it is done; report completed again to amend its report".into()
            }
            Refusal::InvalidTransition { .. } | Refusal::SignedOff { .. } => "leave it as it is".into(),
            Refusal::BatchNotReady { earlier: Some(earlier), .. } => format!("finish {earlier} first: call next_batch"),
            Refusal::BatchNotReady { earlier: None, .. } => "call workstream_status".into(),
            Refusal::WaitsFor { .. } => "call next_batch when they are complete".into(),
            Refusal::CheckFailed(failed) => check_hint(failed),
            Refusal::CheckRequired {
                run: CheckRun { of: Proof::Thread(thread, _), .. },
                by: ChecksBy::Worker,
                runs,
            } => {
                let first = if *runs { "" } else { "report in_progress, then " };
                format!(
                    "{first}run `work check --thread {thread}` in your shell, where you worked; when it passes, report completed again"
                )
            }
            Refusal::CheckRequired { .. } => "the plan has changed meanwhile: report completed again".into(),
            Refusal::ChecksOff { .. } => {
                "report blocked, and say that the work is done: only a person can complete it".into()
            }
            Refusal::NothingToCheck { .. } | Refusal::WhichThread { .. } => "report completed".into(),
            Refusal::AwaitingApproval { command: Some(command), .. } => {
                format!("ask the person to run {}, then call next_batch", self.command(command))
            }
            Refusal::AwaitingApproval { command: None, .. } => "stop; a person decides when it goes on".into(),
            Refusal::AlreadyRunning { .. } => "leave the thread to its worker".into(),
            Refusal::StaleAttempt { latest, given, .. } => {
                format!("stop working on it; {}", what_counts(*given, *latest))
            }
            Refusal::AnotherThread { thread, name, next, .. } => {
                format!("pass attempt {next} if {thread} {name:?} is meant")
            }
            Refusal::ReassignmentRequired { thread, candidate } => {
                format!("call assign_thread with thread_id {thread}; it takes {candidate}")
            }
            Refusal::FailoverExhausted { now: Status::Pending, .. } => {
                "launch its next attempt with the agent it has: call next_batch".into()
            }
            Refusal::FailoverExhausted { thread, now: Status::InProgress, .. } => {
                format!("if its worker is gone, call update_thread with thread_id {thread} and status failed")
            }
            Refusal::FailoverExhausted { thread, .. } => {
                format!("leave {thread} blocked and call batch_outcome; a person decides")
            }
            Refusal::NotInFamily { candidates, .. } if candidates.is_empty() => {
                "no other agent is left; keep the one it has, or report it blocked".into()
            }
            Refusal::NotInFamily { candidates, .. } => {
                format!("use one that your host has a profile for: {}", candidates.join(", "))
            }
            Refusal::HeldByAnotherPlanner { command, .. } => {
                format!("let that planner finish, or ask the person to run {}", self.command(command))
            }
            // No tool asks for what these refuse. They are listed, so that a new refusal has to be considered here.
            Refusal::BadName { .. }
            | Refusal::BadStageCount { .. }
            | Refusal::BadMapping(_)
            | Refusal::Import { .. }
            | Refusal::Transfer(_)
            | Refusal::PlanHasProblems { .. }
            | Refusal::StageNotComplete { .. }
            | Refusal::StreamNotComplete { .. }
            | Refusal::AlreadyExists { .. }
            | Refusal::StillRuns { .. }
            | Refusal::DeletesReports { .. }
            | Refusal::ForceRequired { .. }
            | Refusal::UnclearThreads { .. }
            | Refusal::RunningWouldMove { .. }
            | Refusal::NothingToRetry { .. } => "leave it to the person".into(),
        }
    }

    /// Returns the facts of a refusal that programs may want, by key, for its copy in `_meta` (DESIGN §8). Most
    /// refusals have none.
    pub fn details(&self, refusal: &Refusal) -> Map<String, Value> {
        let (key, value): (&str, Value) = match refusal {
            Refusal::NoCurrentWorkstream { known }
            | Refusal::WorksInSeveral { held: known }
            | Refusal::RunsElsewhere { running: known, .. }
            | Refusal::UnknownWorkstream { known, .. } => ("workstreams", known.clone().into()),
            Refusal::UnknownThread { closest, .. } | Refusal::UnknownAgent { closest, .. } => {
                ("closest", closest.clone().into())
            }
            Refusal::AwaitingApproval { command: Some(command), .. } => ("gate_command", self.command(command).into()),
            Refusal::StaleAttempt { latest, .. } => ("latest_attempt", (*latest).into()),
            Refusal::AnotherThread { next, .. } => ("next_attempt", (*next).into()),
            Refusal::ReassignmentRequired { candidate, .. } => ("candidate", candidate.clone().into()),
            Refusal::NotInFamily { candidates, .. } => ("candidates", candidates.clone().into()),
            Refusal::HeldByAnotherPlanner { holder, .. } => ("held_by", holder.to_string().into()),
            _ => return Map::new(),
        };
        std::iter::once((key.to_owned(), value)).collect()
    }
}

/// Returns the items with commas between.
fn listed(of: &[impl ToString]) -> String {
    of.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Returns what a worker does about a check that failed.
fn check_hint(failed: &CheckFailed) -> String {
    if let CheckEnd::Broken(_) = failed.failure.end {
        return "report completed again; if this comes again report blocked with this message: a person must look at it".into();
    }
    let ends = match (failed.left, failed.of) {
        (Some(0), _) => {
            return "that was one failure too many: the attempt has ended as failed. Stop, and tell your planner"
                .into();
        }
        (Some(1), _) => "one more failure ends".to_owned(),
        (Some(left), _) => format!("{left} more failures end"),
        (None, Proof::Thread(_, attempt)) if attempt > 0 => {
            return format!("attempt {attempt} has ended: stop, and tell your planner");
        }
        (None, _) => return "report in_progress, fix it, then report completed again".into(),
    };
    format!(
        "fix it and report completed again; {ends} the attempt. If a sibling's unfinished work is what fails, report blocked and name it"
    )
}

fn of_fault(fault: &Fault) -> String {
    match fault {
        Fault::PlanUnreadable { .. } => "ask the person to fix the file",
        Fault::StateUnreadable { .. } => {
            "ask the person to fix the file, or to restore it from git; it was left as it is"
        }
        Fault::Conflicted { .. } => "ask the person to settle the merge of this file; it was left as it is",
        Fault::UnknownFormat { .. } => "use the release of work that wrote it; it was left as it is",
        Fault::TooLarge { .. } => "say less in reports, or start a new workstream",
        Fault::Busy { .. } => "call again; if this continues, ask the person to look for a process that hangs",
        Fault::WillHappen { why } => return of_fault(why),
        Fault::NoThread { .. } => {
            "call again; if this continues, ask the person to end other processes, or to raise the limit of their number"
        }
        Fault::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            "ask the person to make it writable, then call again"
        }
        Fault::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
        {
            "ask the person to free disk space, then call again"
        }
        Fault::Io { source, .. } if crate::system::is_out_of_files(source) => {
            "call again; if this continues, ask the person to close other programs, or to raise the limit of open files"
        }
        Fault::Io { source, .. } if is_in_the_way(source.kind()) => {
            "ask the person to check that path: something is missing or in the way; then call again"
        }
        Fault::Database { remedy, .. } => of_database(*remedy),
        Fault::Uncertain { .. } => "check whether the change is there before you call again",
        Fault::Io { .. } | Fault::Overtaken { .. } | Fault::Cancelled => "call again",
        Fault::Internal(_) => "call again; if this continues, report it with the server's stderr",
    }
    .to_owned()
}

fn of_database(remedy: DatabaseRemedy) -> &'static str {
    match remedy {
        DatabaseRemedy::InstallWithPostgres => "ask the person to install a build of work with PostgreSQL",
        DatabaseRemedy::GiveUrl => "ask the person to give it as postgres://USER@HOST/DATABASE?workspace=NAME",
        DatabaseRemedy::MakeWorkspace => {
            "ask the person to run work init or work store push, or to name another workspace by ?workspace=NAME"
        }
        DatabaseRemedy::Migrate => {
            "ask the person to install the same version of work on all machines, then run work store migrate"
        }
        DatabaseRemedy::Address => "ask the person to look at the database's address and certificates",
        DatabaseRemedy::Certificates => "ask the person to name the certificates by sslrootcert=FILE",
        DatabaseRemedy::Password => {
            "ask the person to fix user and password: in the URL, PGPASSWORD or the password file"
        }
        DatabaseRemedy::SessionPooling => {
            "ask the person to connect to the server itself, or to let the pooler keep sessions: docs/teams.md"
        }
        DatabaseRemedy::Grant => "ask the person to grant the role its rights: docs/teams.md",
        DatabaseRemedy::IsItRunning => {
            "call again; if this continues, ask the person to check that the database is running and reachable"
        }
        DatabaseRemedy::LookAtIt => "call again; if this continues, ask the person to look at the database",
        DatabaseRemedy::CallAgain => "call again",
    }
}
