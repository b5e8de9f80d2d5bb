//! What a person sees when there is no answer, and the exit codes: 1 the rules say no, 2 wrong arguments, 3 no such
//! thing, 4 a file cannot be read, 5 busy, 6 the machine failed (DESIGN §8).
//!
//! Messages repeat what was typed and what stands in files, so they must pass through `printable`.

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

/// The exit code when the machine failed.
pub(super) const IO: u8 = 6;

/// Prints why there is no answer, with a hint, and returns the exit code. A refusal of a plan lists the plan's
/// problems; a fault names its cause.
pub(super) fn stopped(stopped: &Error, words: &PersonWords) -> ExitCode {
    let mut message = stopped.to_string();
    if let Error::Refusal(Refusal::PlanHasProblems { workstream, problems }) = stopped {
        for one in problems {
            message.push('\n');
            message.push_str(&problem(workstream, one.line, one.column, &one.kind.to_string(), &one.kind.help()));
        }
    }
    if let Error::Refusal(Refusal::CheckFailed(failed)) = stopped {
        let (output, log) = (&failed.failure.output, &failed.failure.log);
        let end_of_line = if output.is_empty() { "" } else { "\n" };
        let _ = write!(message, "\n{output}{end_of_line}the whole output: {log}");
    }
    // The message of a fault has its direct source already. The source of that is still missing.
    if let Error::Fault(fault) = stopped
        && let Some(cause) = fault.source().and_then(|source| source.source())
    {
        let _ = write!(message, " ({cause})");
    }
    let hint = words.hint(stopped);
    fail(&message, Some(&hint), exit_code(stopped.code()))
}

/// Returns the exit code of `work validate`: 1 if a problem forbids the approval of the plan, else 0.
pub(super) fn validation(validation: &Validation) -> ExitCode {
    let is_no = validation.problems.iter().any(|problem| problem.forbids_approval);
    ExitCode::from(u8::from(is_no))
}

/// Returns the exit code of a refusal or a fault, from 1 to 6 (DESIGN §8). 2 is also that of a command line that cannot
/// be parsed.
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
        | Code::CheckFailed
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

/// Prints the help or the version that was asked for, to stdout, and returns 0; or what is wrong with the arguments, to
/// stderr, and returns 2. The latter repeats what was typed, so it is made printable.
pub(super) fn wrong_arguments(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // An error means that stdout is closed: then nobody wants the help.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let _ = io::stderr().lock().write_all(printable(&error.render().to_string()).as_bytes());
    ExitCode::from(ARGUMENTS)
}

/// Prints `note: …` to stderr.
pub(super) fn note(message: &str) {
    let _ = io::stderr().lock().write_all(format!("note: {}\n", printable(message)).as_bytes());
}

/// Prints an error, and a hint if it is not empty, to stderr, and returns the exit code `code`.
pub(super) fn fail(message: &str, hint: Option<&str>, code: u8) -> ExitCode {
    let mut text = format!("error: {}\n", printable(message));
    if let Some(hint) = hint.filter(|hint| !hint.is_empty()) {
        let _ = writeln!(text, "Hint: {}", printable(hint));
    }
    // An error means that stderr is closed. There is no other place to print to.
    let _ = io::stderr().lock().write_all(text.as_bytes());
    ExitCode::from(code)
}
