//! What a person sees when there is no answer, and the exit codes: 1 the rules say no, 2 wrong arguments, 3 no such
//! thing, 4 a file cannot be read, 5 busy, 6 the machine failed (DESIGN §8).
//!
//! With `--json`, stderr has one JSON object per line in place of sentences: `{"error": …}` as the tools have it, with
//! code, message, hint and facts, and `{"note": …}`.
//!
//! Messages repeat what was typed and what stands in files, so they must pass through `printable`.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::page::{escaped, printable};
use super::render::problem;
use crate::decide::{Code, Refusal, Validation};
use crate::fault::Error;
use crate::words::PersonWords;

/// Prints why there is no answer, with a hint, and returns the exit code. A refusal of a plan lists the plan's
/// problems; a fault names its cause.
pub(super) fn stopped(json: bool, stopped: &Error, words: &PersonWords) -> ExitCode {
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
    let facts = match stopped {
        Error::Refusal(refusal) => words.for_programs().details(refusal),
        Error::Fault(_) => Map::new(),
    };
    print(json, stopped.code(), &message, Some(&words.hint(stopped)), facts)
}

/// Returns the exit code of `work validate`: 1 if a problem forbids the approval of the plan, else 0.
pub(super) fn validation(validation: &Validation) -> ExitCode {
    ExitCode::from(u8::from(validation.forbids_approval()))
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
        Code::InvalidArgument => 2,
        Code::NoWorkspace
        | Code::NoCurrentWorkstream
        | Code::UnknownWorkstream
        | Code::UnknownBatch
        | Code::UnknownThread
        | Code::UnknownAgent
        | Code::UnknownStage => 3,
        Code::PlanUnreadable | Code::StateUnreadable => 4,
        Code::Busy => 5,
        Code::Io => 6,
    }
}

/// Returns the exit code of a program that a signal has ended: 128 and its number, as shells have it.
pub(super) fn of_signal(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(1)
}

/// Prints the help or the version that was asked for, to stdout, and returns 0; or what is wrong with the arguments, to
/// stderr, and returns 2. The latter repeats what was typed, so it is made printable.
pub(super) fn wrong_arguments(json: bool, error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // An error means that stdout is closed: then nobody wants the help.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let told = error.render().to_string();
    if json {
        let message = told.strip_prefix("error: ").unwrap_or(&told);
        let message = message.split("\n\nUsage:").next().unwrap_or(message);
        let message = message.split("\n\nFor more information").next().unwrap_or(message);
        return fail(json, Code::InvalidArgument, message.trim_end(), Some("see --help"));
    }
    write(&told);
    ExitCode::from(exit_code(Code::InvalidArgument))
}

/// Prints `note: …` to stderr.
pub(super) fn note(json: bool, message: &str) {
    if json {
        write(&format!("{}\n", escaped(&json!({ "note": message }).to_string())));
    } else {
        write(&format!("note: {message}\n"));
    }
}

/// Prints an error, and a hint if it is not empty, to stderr, and returns the exit code of `code`.
pub(super) fn fail(json: bool, code: Code, message: &str, hint: Option<&str>) -> ExitCode {
    print(json, code, message, hint, Map::new())
}

/// Prints that a merge left a conflict, and returns the exit code by which git knows that: 1.
pub(super) fn conflict(message: &str, hint: &str) -> ExitCode {
    write(&format!("error: {message}\nHint: {hint}\n"));
    ExitCode::from(1)
}

/// Prints why a host must not carry a tool call out, and returns the exit code by which hosts know that: 2.
pub(super) fn refused(why: &str) -> ExitCode {
    write(&format!("error: {why}\n"));
    ExitCode::from(2)
}

fn print(json: bool, code: Code, message: &str, hint: Option<&str>, facts: Map<String, Value>) -> ExitCode {
    let hint = hint.filter(|hint| !hint.is_empty());
    if json {
        let mut error = Map::new();
        error.insert("code".to_owned(), code.word().into());
        error.insert("message".to_owned(), message.into());
        error.extend(hint.map(|hint| ("hint".to_owned(), hint.into())));
        error.extend(facts);
        write(&format!("{}\n", escaped(&json!({ "error": error }).to_string())));
    } else {
        let hint = hint.map(|hint| format!("Hint: {hint}\n")).unwrap_or_default();
        write(&format!("error: {message}\n{hint}"));
    }
    ExitCode::from(exit_code(code))
}

/// Writes to stderr. An error means that it is closed, and there is no other place to print to.
fn write(text: &str) {
    let _ = io::stderr().lock().write_all(printable(text).as_bytes());
}
