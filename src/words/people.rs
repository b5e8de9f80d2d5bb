//! The words for people, who read them in a terminal: commands to type, with the flags that were typed before, so that
//! the next command means the same workspace and workstream.

use std::io;

use super::notes::{attempt_hint, command, cut_to, not_there, text_hint, waits};
use super::{names, what_counts};
use crate::board::Status;
use crate::decide::{
    CheckRun, Code, ImportProblem, MappingProblem, Note, Omission, PersonAct, PersonCommand, Proof, Refusal,
    TransferProblem, UnclearThread, Unsettled, Words, WorkstreamStatus,
};
use crate::fault::{DatabaseRemedy, Error, Fault, is_in_the_way};
use crate::plan::ThreadId;
use crate::roster::ChecksBy;
use crate::wording::quoted;

/// The words for people.
#[derive(Debug, Clone, Default)]
pub struct PersonWords {
    /// The flags by which a command means the same workspace: ` --root DIR` or ` --store URL` if they were typed, else
    /// empty. Begins with a blank, and has no password.
    pub location: String,
    /// The flag by which it means the same workstream: ` --workstream ID` if that was typed, else empty.
    pub workstream: String,
}

impl Words for PersonWords {
    fn command(&self, given: &PersonCommand) -> String {
        let workstream = given.workstream.as_ref().map(|id| format!(" --workstream {}", quoted(id)));
        format!("{}{}{}", command(given.act), workstream.unwrap_or_default(), self.location)
    }

    fn note(&self, note: &Note) -> String {
        match note {
            Note::StrangeAgent { thread, agent } => format!("{thread}: agent {agent} is not in work/agents.yaml"),
            Note::OtherName { thread, planned, recorded } => {
                format!("{thread}: PLAN.md calls it {planned:?}, the recorded state is of {recorded:?}")
            }
            Note::ChecksLeftToWorkers => format!(
                "work/agents.yaml leaves the checks to workers now, and the plan was approved with the server running them: if that is meant, run work approve plan{}",
                self.flags()
            ),
            Note::Unproven(thread, unproven) => format!("{thread}: {}", not_there(unproven)),
            Note::LeftThePlan(threads) => {
                let threads: Vec<String> = threads.iter().map(ToString::to_string).collect();
                format!("no longer in PLAN.md, kept and ignored: {}", threads.join(", "))
            }
            Note::Unrecognized(sentence) => sentence.clone(),
            Note::UnseenServer { server, why } => format!(
                "nobody can see whether server {server} lives, so it counts as alive ({why}); if it has ended, run work release{}",
                self.flags()
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
            Note::HeldElsewhere => "a planner executes it".to_owned(),
            Note::NotSettledElsewhere(holder) => format!("not settled: a planner executes it, server {holder}"),
            Note::SettledWithBlocked { .. } => {
                format!("settled with blocked threads: work retry{} has it executed again", self.flags())
            }
            Note::NotStarted(threads) => {
                let told = threads.iter().map(|(id, attempt)| format!("{id} (attempt {attempt})"));
                format!("not started: {}", told.collect::<Vec<_>>().join(", "))
            }
            Note::Unsettled(thread, how) => {
                let how = match how {
                    Unsettled::Waits(threads) => return waits(*thread, threads),
                    Unsettled::Pending => "is pending",
                    Unsettled::InProgress => "is in progress",
                    Unsettled::TryAgain | Unsettled::TriedLater => "was blocked and is to be tried again",
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
            Omission::Cut(section, to) => format!("{}: {}", section.word(), cut_to(*to)),
        }
    }
}

impl PersonWords {
    /// Returns the flags that the next command must repeat to mean the same workstream. Empty, or begins with a blank.
    pub fn flags(&self) -> String {
        format!("{}{}", self.workstream, self.location)
    }

    /// Returns the hint of a refusal or fault: what to do next. Unlike a model's hint it may name `--force`.
    pub fn hint(&self, stopped: &Error) -> String {
        match stopped {
            Error::Refusal(refusal) => self.of_refusal(refusal),
            Error::Fault(fault) => of_fault(fault),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm per refusal reads best in one place")]
    fn of_refusal(&self, refusal: &Refusal) -> String {
        let flags = self.flags();
        match refusal {
            Refusal::InvalidArgument { hint, .. } => hint.clone(),
            Refusal::BadText { problem, .. } => text_hint(*problem).into(),
            Refusal::BadAgentName { .. } => "give the name of an agent".into(),
            Refusal::AgentNeeded { thread, current } => format!("add --agent; {current} runs {thread} as it is"),
            Refusal::InProgress { .. } => "wait for its report, or give it to another agent".into(),
            Refusal::NoSuchAttempt { hint, .. } => attempt_hint(*hint),
            Refusal::BadName { .. } => "use letters, digits and dashes".into(),
            Refusal::BadStageCount { .. } => "give another number by --stages".into(),
            Refusal::AmbiguousName { ids, .. } => format!("name one by its id: {}", ids.join(", ")),
            Refusal::BadMapping(problem) => of_mapping(*problem, &flags),
            Refusal::Import { problem, .. } => of_import(problem),
            Refusal::Transfer(problem) => of_transfer(problem),
            Refusal::NoWorkspace { .. } => {
                "run it inside the repository, name the folder that holds work/ by --root, or make one with work init"
                    .into()
            }
            Refusal::NoCurrentWorkstream { known } if known.is_empty() => {
                "run work create NAME --stages N; work list --all shows what is archived".into()
            }
            Refusal::NoCurrentWorkstream { known } => {
                format!("pass --workstream, or run work current --set; there are {}", known.join(", "))
            }
            Refusal::WorksInSeveral { held } => format!("add --workstream: one of {}", held.join(", ")),
            Refusal::UnknownWorkstream { known, .. } if known.is_empty() => {
                "see work list; a workstream of another version is taken over with work import".into()
            }
            Refusal::UnknownWorkstream { known, .. } => format!("there are {}", known.join(", ")),
            Refusal::UnknownStage { known, .. } if known.is_empty() => "it has no stages".into(),
            Refusal::UnknownStage { known, .. } => {
                format!("use one of {}", known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            Refusal::UnknownBatch { known, .. } if known.is_empty() => {
                format!("PLAN.md has no batches; see work tree{flags}")
            }
            Refusal::UnknownBatch { known, .. } | Refusal::BadDirectory { known, .. } => {
                format!("use one of {}", known.join(", "))
            }
            Refusal::ThreadMoved { now, .. } => format!("it may be {}", names(now)),
            Refusal::UnknownThread { closest, .. } if closest.is_empty() => format!("see work tree{flags}"),
            Refusal::UnknownAgent { closest, .. } if closest.is_empty() => "work/agents.yaml names none".into(),
            Refusal::UnknownThread { closest, .. } | Refusal::UnknownAgent { closest, .. } => {
                format!("closest: {}", closest.join(", "))
            }
            Refusal::ReportRequired { .. } => "add --report with 1-2 sentences".into(),
            Refusal::InvalidTransition { thread, .. } => {
                format!(
                    "a person can reset it to pending: work update --thread {thread} --status pending --force{flags}"
                )
            }
            Refusal::BatchNotReady { earlier: Some(earlier), .. } => {
                format!("finish batch {earlier} first; see work status{flags}")
            }
            Refusal::BatchNotReady { earlier: None, .. } => {
                format!("a person can reopen it: work complete --revoke{flags}")
            }
            Refusal::CheckFailed(failed) => match (failed.of, failed.left) {
                (Proof::Stage(_), _) => "fix it, or approve the stage all the same with --force".into(),
                (Proof::Thread(..), Some(0)) => {
                    format!("the attempt has ended as failed; see work status{flags}")
                }
                // An agent reads this too, so it names no way past the checks.
                (Proof::Thread(..), _) => "fix it, and run it again".into(),
            },
            Refusal::CheckRequired {
                run: CheckRun { of: Proof::Thread(thread, _), .. },
                by: ChecksBy::Worker,
                runs,
            } => {
                let first = if *runs { "" } else { "report in_progress, then " };
                format!("{first}run work check --thread {thread}{flags}, or add --force")
            }
            Refusal::CheckRequired { .. } => "the plan has changed meanwhile: run it again".into(),
            Refusal::ChecksOff { .. } => "add --force if it is complete".into(),
            Refusal::NothingToCheck { .. } => format!("see the checks of the plan with work read ID{flags}"),
            Refusal::WhichThread { .. } => "name one with --thread ID".into(),
            Refusal::WaitsFor { .. } => format!("finish those first; see work status{flags}"),
            Refusal::AwaitingApproval { command: Some(command), .. } => {
                format!("a person runs {}", self.command(command))
            }
            Refusal::AwaitingApproval { command: None, .. } => "a person sets its status in work/index.json".into(),
            Refusal::AlreadyRunning { .. } => "wait for its worker, or end the server that runs it".into(),
            Refusal::StaleAttempt { given, latest, .. } => what_counts(*given, *latest),
            Refusal::AnotherThread { thread, name, next, .. } => {
                format!("add --attempt {next} if {thread} {name:?} is meant")
            }
            Refusal::RunsElsewhere { selected, running, .. } => {
                format!("add --workstream {}, or --workstream {selected} if its thread is meant", running.join(" or "))
            }
            Refusal::ReassignmentRequired { thread, candidate } => {
                format!("run work assign --thread {thread} --agent {candidate}{flags}")
            }
            Refusal::FailoverExhausted { thread, now: Status::Blocked, .. } => {
                format!("leave it blocked; a person runs work retry --thread {thread}{flags}")
            }
            Refusal::FailoverExhausted { thread, .. } => {
                format!("launch the next attempt of {thread} with the agent that it has, or report it blocked")
            }
            Refusal::NotInFamily { candidates, .. } if candidates.is_empty() => {
                "no other agent is left; keep the one it has, or report it blocked".into()
            }
            Refusal::NotInFamily { candidates, .. } => format!("use {}", candidates.join(", ")),
            Refusal::HeldByAnotherPlanner { command, .. } => {
                format!("let that planner finish, or run {}", self.command(command))
            }
            Refusal::PlanHasProblems { .. } => "fix PLAN.md, or approve it as it is with --force".into(),
            Refusal::StageNotComplete { .. } => "finish them, or cancel them all with --force".into(),
            Refusal::AlreadyExists { workstream } => {
                format!("choose another name, or go on with it: work current --set {}", quoted(workstream))
            }
            Refusal::DeletesReports { workstream, .. } => {
                format!("keep it with work archive {}{flags}, or add --force", quoted(workstream))
            }
            Refusal::StillRuns { workstream, running, held } => {
                // The command may have named another one than a bare command means.
                let flags = format!(" --workstream {}{}", quoted(workstream), self.location);
                still_runs(running, held.is_some(), &flags)
            }
            Refusal::ForceRequired { .. } | Refusal::SignedOff { .. } => "add --force if that is meant".into(),
            Refusal::UnclearThreads { unclear, .. } => {
                let maps: Vec<String> = unclear.iter().map(map_argument).collect();
                format!(
                    "say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as {}; or --keep-ids",
                    maps.join(" ")
                )
            }
            Refusal::RunningWouldMove { .. } => "wait until they have reported, or interrupt them with --force".into(),
            Refusal::NothingToRetry { thread: Some((thread, now)) } if now.is_done() => {
                format!(
                    "a person can reset it to pending: work update --thread {thread} --status pending --force{flags}"
                )
            }
            Refusal::StreamNotComplete { .. } | Refusal::NothingToRetry { .. } => format!("see work status{flags}"),
        }
    }
}

/// Returns the argument of `work approve plan` that accepts what is suggested for an unclear thread: `--map OLD=NEW`,
/// or `--map OLD=-` if nothing is.
pub(crate) fn map_argument(unclear: &UnclearThread) -> String {
    let now = unclear.suggested.map_or("-".to_owned(), |id| id.to_string());
    format!("--map {}={now}", unclear.thread_id)
}

/// Returns how what runs of a workstream can be ended.
fn still_runs(running: &[ThreadId], is_held: bool, flags: &str) -> String {
    let released = is_held.then(|| format!("work release{flags}"));
    let reset = running.first().map(|id| format!("work update --thread {id} --status pending --force{flags}"));
    let commands: Vec<String> = released.into_iter().chain(reset).collect();
    format!("wait for it, or end it: {}", commands.join(", "))
}

/// Returns the hint on a `--map` that does not fit the plan.
fn of_mapping(problem: MappingProblem, flags: &str) -> String {
    match problem {
        MappingProblem::NotNeeded => {
            "leave --map out: it says where records go when a plan is approved that has changed".to_owned()
        }
        MappingProblem::NotApproved(_) | MappingProblem::NoSuchThread { .. } => format!("see work diff{flags}"),
        MappingProblem::MappedTwice(_) => "give --map once for each thread".to_owned(),
        MappingProblem::TakenTwice(_) => "map each thread to one of its own".to_owned(),
    }
}

/// Returns the hint on a refused `work store push` or `pull`.
fn of_import(problem: &ImportProblem) -> String {
    match problem {
        ImportProblem::NothingThere => "name the folder of a workstream that another version made".to_owned(),
        ImportProblem::Absent | ImportProblem::UnknownForm | ImportProblem::NoTasks => {
            "name a tasks.md of spec-kit with tasks such as `- [ ] T001 Do it`, a tasks.json of task-master, a folder with one \
             of them, or a folder with stages/*/PLAN.md"
                .to_owned()
        }
        ImportProblem::NoTags => "leave --tag out: only a tasks.json of task-master has tags".to_owned(),
        ImportProblem::UnknownTag { known, .. } if known.is_empty() => "leave --tag out: it has no tags".to_owned(),
        ImportProblem::UnknownTag { known, .. } | ImportProblem::SeveralTags { known } => {
            format!("choose one by --tag: {}", known.join(", "))
        }
        ImportProblem::TooManyStages { .. } => "divide the file into several".to_owned(),
    }
}

fn of_transfer(problem: &TransferProblem) -> String {
    match problem {
        TransferProblem::PlanHasNul { .. } => "remove it".to_owned(),
        TransferProblem::StateInTasks { .. } => "run work import first".to_owned(),
        TransferProblem::NotInDatabase { workstream } => {
            format!("push it as a whole first: work store push --workstream {}", quoted(workstream))
        }
        TransferProblem::Differs { .. } => {
            "push only plans and roster with --plan, or overwrite the database with --force; work store pull copies it here"
                .to_owned()
        }
        TransferProblem::BadId { .. } => "rename it in the database".to_owned(),
        TransferProblem::FilesInTheWay { .. } => {
            "commit them and pull with --force, or pull into another --root".to_owned()
        }
    }
}

/// Returns how a conflict of git in a file is settled.
pub(crate) fn settling(path: &str) -> String {
    let path = quoted(path);
    format!(
        "edit it: keep one of the two versions between each pair of markers, then git add {path}. git checkout --ours would also drop what was merged"
    )
}

/// Returns what to do about a file with conflict markers. `git checkout --merge` merges it anew, by this program if git
/// has been told of it meanwhile.
fn of_conflict(path: &str) -> String {
    let settling = settling(path);
    if !path.ends_with("index.json") && !path.ends_with("threads.json") {
        return settling;
    }
    let path = quoted(path);
    format!("{settling}. If git did not use work for the merge: work init, then git checkout --merge {path}")
}

fn of_fault(fault: &Fault) -> String {
    match fault {
        Fault::PlanUnreadable { why, .. } if why == "it does not exist" => {
            "restore it from git, or from .PLAN.approved.md beside it, which has the approved text"
        }
        Fault::PlanUnreadable { .. } => "fix the file; it was left as it is",
        Fault::StateUnreadable { .. } => "fix the file, or restore it from git; it was left as it is",
        Fault::Conflicted { path, .. } => return of_conflict(&path.display().to_string()),
        Fault::UnknownFormat { .. } => "use the release of work that wrote it; it was left as it is",
        Fault::TooLarge { .. } => "start a new workstream, or make the texts shorter",
        Fault::Busy { .. } => "run it again; if this continues, look for a process that hangs",
        Fault::WillHappen { why } => return of_fault(why),
        Fault::NoThread { .. } => "end other processes, or raise the limit of their number, and run it again",
        Fault::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            "make it writable, then run it again"
        }
        Fault::Io { source, .. }
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
        {
            "free disk space, then run it again"
        }
        Fault::Io { source, .. } if crate::system::is_out_of_files(source) => {
            "close other programs, or raise the limit of open files, and run it again"
        }
        Fault::Io { source, .. } if is_in_the_way(source.kind()) => {
            "check that path: something is missing or in the way; then run it again"
        }
        Fault::Database { remedy, .. } => of_database(*remedy),
        Fault::Uncertain { .. } => "check whether the change is there before you run it again",
        Fault::Io { .. } | Fault::Overtaken { .. } | Fault::Cancelled => "run it again",
        Fault::Internal(_) => "run it again; if this continues, report it with what stands on stderr",
    }
    .to_owned()
}

fn of_database(remedy: DatabaseRemedy) -> &'static str {
    match remedy {
        DatabaseRemedy::InstallWithPostgres => "install a build with the feature postgres",
        DatabaseRemedy::GiveUrl => "give it as postgres://USER@HOST/DATABASE?workspace=NAME",
        DatabaseRemedy::MakeWorkspace => {
            "make it with work init, copy one there with work store push, or name another by ?workspace=NAME"
        }
        DatabaseRemedy::Migrate => "install the same version of work on all machines, then run work store migrate",
        DatabaseRemedy::Address => "look at the database's address and certificates",
        DatabaseRemedy::Certificates => "name the certificates by sslrootcert=FILE",
        DatabaseRemedy::Password => "fix user and password: in the URL, PGPASSWORD or the password file",
        DatabaseRemedy::SessionPooling => {
            "connect to the server itself, or let the pooler keep sessions (pool_mode = session): docs/teams.md"
        }
        DatabaseRemedy::Grant => "run it as the owner of the tables, or grant the role its rights: docs/teams.md",
        DatabaseRemedy::IsItRunning => "check that the database is running and reachable, then run it again",
        DatabaseRemedy::LookAtIt => "look at the database, then run it again",
        DatabaseRemedy::CallAgain => "run it again",
    }
}

/// Returns what a person does next in a workstream, as one line: a command, or what to wait for.
pub fn next_step(status: &WorkstreamStatus, words: &PersonWords) -> String {
    match (&status.gate_command, &status.next_batch, &status.next_user_command) {
        (Some(gate), ..) if gate.act == PersonAct::ApprovePlan && !status.problems.is_empty() => {
            format!("settle the problems of PLAN.md (work validate), then {}", words.command(gate))
        }
        (Some(gate), ..) => words.command(gate),
        (None, Some(batch), Some(next)) => {
            format!("look at the blocked threads of batch {}, then {}", batch.id, words.command(next))
        }
        (None, Some(batch), None) if status.held_by.is_some() => format!("a planner executes batch {}", batch.id),
        (None, Some(batch), None) => {
            // Who had to name the workstream must tell the planner, too.
            let of = if words.workstream.is_empty() { String::new() } else { format!(" of {}", status.workstream) };
            format!("let a planner execute batch {}{of}: /execute-next-batch", batch.id)
        }
        (None, None, Some(next)) if next.act == PersonAct::Restore => {
            format!("nothing, it is archived: {}", words.command(next))
        }
        (None, None, _) if is_all_done(status) => "nothing, it is completed".to_owned(),
        (None, None, _) => "nothing".to_owned(),
    }
}

/// Returns whether all stages are approved, which no stage without threads is.
fn is_all_done(status: &WorkstreamStatus) -> bool {
    !status.stages.is_empty() && status.stages.iter().all(|stage| stage.approved)
}

/// Returns whether a code occurs on the command line only, because no tool asks for what it refuses: the codes marked *
/// in DESIGN §8.
pub fn only_people_meet(code: Code) -> bool {
    matches!(
        code,
        Code::PlanHasProblems
            | Code::NotComplete
            | Code::ForceRequired
            | Code::UnknownStage
            | Code::AlreadyExists
            | Code::UnclearThreads
    )
}
