//! The people's door: a command line. One file per subcommand that has arguments, each only arguments →
//! request.
//!
//! stdout is the answer, stderr the diagnostics, the exit code says which kind (see `exit`).

mod approve;
mod assign;
mod current;
mod exit;
mod render;
mod update;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::clock::SystemClock;
use crate::decide::{PersonAnswer, PersonRequest};
use crate::store::{FileStore, Place};
use crate::transact::transact_for_person;

/// Executes a plan batch by batch: an MCP server for planners and workers, and the gates that a person
/// passes.
#[derive(Debug, Parser)]
#[command(name = "work", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  work status                 where the workstream stands, and what is next
  work approve plan           let planners execute PLAN.md as it is now
  work approve stage 1        let planners go on to stage 2
  work complete               the end of a workstream

Exit codes: 0 done, 1 the rules say no, 2 wrong arguments, 3 no such workspace, workstream, batch,
thread or agent, 4 a file cannot be read, 5 busy, 6 the machine failed.";

#[derive(Debug, clap::Args)]
struct Common {
    /// The folder that holds work/; default: the nearest one upwards
    #[arg(long, global = true, env = "WORK_ROOT", value_name = "DIR")]
    root: Option<OsString>,
    /// The workstream, by id or name; default: the current one
    #[arg(long, global = true, env = "WORK_STREAM", value_name = "ID")]
    workstream: Option<String>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP on stdin and stdout, for planners and workers
    Mcp,
    /// Show where the workstream stands and what is next
    Status,
    /// Show or set the current workstream
    Current(current::Arguments),
    /// Pass a gate: let planners execute the plan, or go on to the next stage
    #[command(subcommand)]
    Approve(approve::Arguments),
    /// Complete the workstream, when everything is complete and approved
    Complete,
    /// End a planner's hold on the batch that it executes
    Release,
    /// Give a thread to an agent
    Assign(assign::Arguments),
    /// Say what happened to a thread
    Update(update::Arguments),
}

impl Command {
    /// Returns what is asked, or `None` for the server.
    fn into_request(self) -> Option<PersonRequest> {
        Some(match self {
            Self::Mcp => return None,
            Self::Status => PersonRequest::Status,
            Self::Current(arguments) => arguments.into_request(),
            Self::Approve(arguments) => arguments.into_request(),
            Self::Complete => PersonRequest::Complete,
            Self::Release => PersonRequest::Release,
            Self::Assign(arguments) => arguments.into_request(),
            Self::Update(arguments) => arguments.into_request(),
        })
    }
}

/// Carries out a command line and returns its exit code.
pub fn run(arguments: Arguments) -> ExitCode {
    let Arguments { command, common } = arguments;
    let directory = match std::env::current_dir() {
        Ok(directory) => directory,
        Err(error) => return exit::fail(&format!("the working directory is gone: {error}"), None, exit::IO),
    };
    let set_current = match &command {
        Command::Current(arguments) => arguments.set.clone(),
        _ => None,
    };
    let place = Place { root: common.root.map(PathBuf::from), directory, workstream: common.workstream };
    let Some(request) = command.into_request() else { return crate::mcp::serve(place) };
    let store = FileStore::new(place, None);
    match transact_for_person(&store, &SystemClock, set_current.as_deref(), &request) {
        Ok(answer) => print(&answer, common.json),
        Err(stopped) => exit::stopped(&stopped),
    }
}

fn print(answer: &PersonAnswer, json: bool) -> ExitCode {
    let text = if json {
        match serde_json::to_string_pretty(answer) {
            Ok(json) => render::escaped(&json) + "\n",
            Err(error) => return exit::fail(&error.to_string(), None, exit::IO),
        }
    } else {
        render::answer(answer)
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            exit::fail(&format!("it is done, but the answer cannot be printed: {error}"), None, exit::IO)
        }
        _ => ExitCode::SUCCESS,
    }
}
