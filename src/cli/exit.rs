//! What a person sees when there is no answer, and the exit code: 1 the rules say no, 2 wrong
//! arguments, 3 no such thing, 4 a file cannot be read, 5 busy, 6 the machine failed.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use super::page::printable;
use super::render::problem;
use crate::decide::{Code, Refusal, Validation};
use crate::fault::Error;
use crate::words::PersonWords;

/// The exit code of wrong arguments.
pub(super) const ARGUMENTS: u8 = 2;

/// The exit code of a failing machine.
pub(super) const IO: u8 = 6;

/// Tells why there is no answer: one line and a hint.
pub(super) fn stopped(stopped: &Error, words: &PersonWords) -> ExitCode {
    let mut message = stopped.to_string();
    if let Error::Refusal(Refusal::PlanHasProblems { workstream, problems }) = stopped {
        for one in problems {
            message.push('\n');
            message.push_str(&problem(workstream, one.line, one.column, &one.kind.to_string(), &one.kind.help()));
        }
    }
    if let Error::Fault(fault) = stopped
        && let Some(cause) = fault.source().and_then(|source| source.source())
    {
        let _ = write!(message, " ({cause})");
    }
    let hint = words.hint(stopped);
    fail(&message, Some(&hint), exit_code(stopped.code()))
}

/// Problems that forbid the approval of the plan are a no.
pub(super) fn validation(validation: &Validation) -> ExitCode {
    let is_no = validation.problems.iter().any(|problem| problem.forbids_approval);
    ExitCode::from(u8::from(is_no))
}

/// Returns the exit code of a refusal or a fault; 2 is also that of a line that cannot be parsed.
pub fn exit_code(code: Code) -> u8 {
    match code {
        Code::ReportRequired
        | Code::InvalidTransition
        | Code::BatchNotReady
        | Code::AwaitingApproval
        | Code::AlreadyRunning
        | Code::StaleAttempt
        | Code::ReassignmentRequired
        | Code::FailoverExhausted
        | Code::NotInFamily
        | Code::HeldByAnotherPlanner
        | Code::PlanHasProblems
        | Code::NotComplete
        | Code::ForceRequired
        | Code::AlreadyExists
        | Code::UnclearThreads => 1,
        Code::InvalidArgument => ARGUMENTS,
        Code::NoWorkspace
        | Code::NoCurrentWorkstream
        | Code::UnknownWorkstream
        | Code::UnknownBatch
        | Code::UnknownThread
        | Code::UnknownAgent
        | Code::UnknownStage => 3,
        Code::PlanUnreadable | Code::StateUnreadable => 4,
        Code::Busy => 5,
        Code::Io => IO,
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
        let _ = writeln!(text, "Hint: {}", printable(hint));
    }
    // If stderr is closed there is nobody to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
    ExitCode::from(code)
}
