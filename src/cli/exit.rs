//! What a person sees when there is no answer, and the exit code: 1 the rules say no, 2 wrong
//! arguments, 3 no such thing, 4 a file cannot be read, 5 busy, 6 the machine failed.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use super::page::printable;
use super::render::problem;
use crate::board::Status;
use crate::decide::{Refusal, Validation, what_counts};
use crate::fault::{Fault, Stopped};

/// The exit code of wrong arguments.
pub(super) const ARGUMENTS: u8 = 2;

/// The exit code of a failing machine.
pub(super) const IO: u8 = 6;

/// Tells why there is no answer: one line and a hint. `flags` are what the next command must repeat to mean
/// the same workstream.
pub(super) fn stopped(stopped: &Stopped, flags: &str) -> ExitCode {
    let mut message = stopped.to_string();
    if let Stopped::Refusal(Refusal::PlanHasProblems { workstream, problems }) = stopped {
        for one in problems {
            message.push('\n');
            message.push_str(&problem(workstream, one.line, one.column, &one.kind.to_string(), &one.kind.help()));
        }
    }
    if let Stopped::Fault(fault) = stopped
        && let Some(cause) = fault.source().and_then(|source| source.source())
    {
        let _ = write!(message, " ({cause})");
    }
    let hint = match stopped {
        Stopped::Refusal(refusal) => hint_for_a_person(refusal, flags),
        Stopped::Fault(Fault::StateUnreadable { .. }) => {
            "mend the file, or restore it from git; it was left as it is".into()
        }
        Stopped::Fault(fault) => fault.hint().replace("ask the person to ", ""),
    };
    fail(&message, Some(&hint), stopped.code().exit_code())
}

/// Problems that forbid the approval of the plan are a no.
pub(super) fn validation(validation: &Validation) -> ExitCode {
    let is_no = validation.problems.iter().any(|problem| problem.forbids_approval);
    ExitCode::from(u8::from(is_no))
}

/// Refusals tell agents which tool to call next; a person has commands.
fn hint_for_a_person(refusal: &Refusal, flags: &str) -> String {
    match refusal {
        Refusal::NoWorkspace { .. } => {
            "run it inside the repository, name the folder that holds work/ by --root, or make one with work init"
                .into()
        }
        Refusal::NoCurrentWorkstream { known } if known.is_empty() => "run work create NAME --stages N".into(),
        Refusal::NoCurrentWorkstream { known } => {
            format!("pass --workstream, or run work current --set; there are {}", known.join(", "))
        }
        Refusal::UnknownWorkstream { known, .. } if known.is_empty() => {
            "see work list; a workstream of another version is taken over with work import".into()
        }
        Refusal::UnknownWorkstream { known, .. } => format!("there are {}", known.join(", ")),
        Refusal::UnknownThread { closest, .. } if closest.is_empty() => format!("see work tree{flags}"),
        Refusal::ReportRequired { .. } => "add --report with 1-2 sentences".into(),
        Refusal::InvalidTransition { thread, .. } => {
            format!("a person has it done again: work update --thread {thread} --status pending --force{flags}")
        }
        Refusal::BatchNotReady { earlier: Some(earlier), .. } => {
            format!("finish batch {earlier} first; see work status{flags}")
        }
        Refusal::AwaitingApproval { command: Some(command), .. } => format!("a person runs {command}"),
        Refusal::AwaitingApproval { command: None, .. } => "a person sets its status in work/index.json".into(),
        Refusal::BatchNotReady { earlier: None, .. } => {
            format!("a person lets it go on: work complete --revoke{flags}")
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
        Refusal::NotInFamily { candidates, .. } => {
            format!("use {}", candidates.join(", "))
        }
        Refusal::AlreadyRunning { .. } => "wait for its worker, or end the server that runs it".into(),
        Refusal::StaleAttempt { given, latest, .. } => what_counts(*given, *latest),
        Refusal::AnotherThread { thread, name, next, .. } => {
            format!("add --attempt {next} if {thread} {name:?} is meant")
        }
        Refusal::RunsElsewhere { selected, running, .. } => {
            format!("add --workstream {}, or --workstream {selected} if its thread is meant", running.join(" or "))
        }
        Refusal::StreamNotComplete { .. } => format!("see work status{flags}"),
        Refusal::WorksInSeveral { .. }
        | Refusal::InvalidArgument { .. }
        | Refusal::UnknownStage { .. }
        | Refusal::UnknownBatch { .. }
        | Refusal::UnknownThread { .. }
        | Refusal::ThreadMoved { .. }
        | Refusal::UnknownAgent { .. }
        | Refusal::HeldByAnotherPlanner { .. }
        | Refusal::PlanHasProblems { .. }
        | Refusal::StageNotComplete { .. }
        | Refusal::AlreadyExists { .. }
        | Refusal::ForceRequired { .. }
        | Refusal::UnclearThreads { .. }
        | Refusal::RunningWouldMove { .. }
        | Refusal::NothingToRetry { .. } => refusal.hint(),
    }
}

/// Prints the help or the version that was asked for, or what is wrong with the arguments. That repeats
/// what was typed, which can come from anywhere.
pub(super) fn wrong_arguments(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // If stdout is closed nobody wants it.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let _ = io::stderr().lock().write_all(printable(&error.render().to_string()).as_bytes());
    ExitCode::from(ARGUMENTS)
}

/// Prints a note to stderr.
pub(super) fn note(message: &str) {
    let _ = io::stderr().lock().write_all(format!("note: {}\n", printable(message)).as_bytes());
}

/// Prints an error and a hint to stderr.
pub(super) fn fail(message: &str, hint: Option<&str>, code: u8) -> ExitCode {
    let mut text = format!("error: {}\n", printable(message));
    if let Some(hint) = hint.filter(|hint| !hint.is_empty()) {
        let _ = writeln!(text, "Hint: {}", printable(&hint.replace("!work", "work")));
    }
    // If stderr is closed there is nobody to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
    ExitCode::from(code)
}
