//! `work completions`, and what it completes: besides commands and options, the workstreams, threads and agents that there
//! are. The shell asks this program for them, by the variable `COMPLETE`.
//!
//! A completion must print nothing but candidates: where the workspace cannot be read, there are none.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};

use super::page::one_line;
use super::report::read;
use super::{Arguments, Session, exit};
use crate::decide::{Code, Report};
use crate::store::{ClientRoots, Store, WorkspaceLocation, open};

/// The variable by which a script of completions asks this program.
const VARIABLE: &str = "COMPLETE";

/// Answers a script of completions and ends the process, if one asks. Call it before anything is printed.
pub(super) fn answer_if_asked() {
    CompleteEnv::with_factory(Arguments::command).var(VARIABLE).complete();
}

/// Prints the script for a shell.
pub(super) fn print(shell: clap_complete::Shell, session: &Session) -> ExitCode {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let written = shells
        .completer(&shell.to_string())
        .map(|shell| shell.write_registration(VARIABLE, "work", "work", "work", &mut script));
    match written {
        Some(Ok(())) => session.output.write(&String::from_utf8_lossy(&script)),
        Some(Err(error)) => exit::fail(session.output.is_json(), Code::Io, &error.to_string(), None),
        None => exit::fail(session.output.is_json(), Code::InvalidArgument, "there are no completions for it", None),
    }
}

/// Returns the ids of the threads of the workstream that a bare command means, with names and statuses.
pub(super) fn threads(typed: &OsStr) -> Vec<CompletionCandidate> {
    let thread = |report: Report| {
        let threads = report.threads().map(|thread| {
            let help = format!("{} ({})", one_line(&thread.name), thread.status);
            CompletionCandidate::new(&thread.thread_id).help(Some(help.into()))
        });
        threads.collect::<Vec<_>>()
    };
    matching(typed, report().map(thread).unwrap_or_default())
}

/// Returns the names of the agents that the roster, the plan or the state names.
pub(super) fn agents(typed: &OsStr) -> Vec<CompletionCandidate> {
    let names = store().and_then(|store| {
        Some(store.read(None).ok()?.scene().roster.agents.iter().map(|agent| agent.name.clone()).collect::<Vec<_>>())
    });
    matching(typed, names.unwrap_or_default().into_iter().map(CompletionCandidate::new).collect())
}

/// Returns the ids of the workstreams.
pub(super) fn workstreams(typed: &OsStr) -> Vec<CompletionCandidate> {
    let listed = store().and_then(|store| store.list().ok());
    let ids = listed.map(|listed| listed.workstreams).unwrap_or_default();
    matching(typed, ids.into_iter().map(CompletionCandidate::new).collect())
}

/// Returns the candidates that begin with what was typed.
fn matching(typed: &OsStr, mut candidates: Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    candidates.retain(|candidate| candidate.get_value().to_string_lossy().starts_with(typed.as_ref()));
    candidates
}

fn report() -> Option<Report> {
    read(store()?.as_ref()).ok()
}

/// Opens the workspace that the environment and the working directory mean. What was typed before is not known here.
fn store() -> Option<Box<dyn Store>> {
    let place = WorkspaceLocation {
        root: std::env::var_os("WORK_ROOT").map(PathBuf::from),
        directory: std::env::current_dir().ok()?,
        workstream: std::env::var("WORK_STREAM").ok(),
        shell_workstream: std::env::var("WORK_STREAM").ok(),
        store: std::env::var("WORK_STORE").ok(),
        roots: ClientRoots::default(),
    };
    open(place, None).ok()
}
