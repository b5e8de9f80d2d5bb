//! `work assign`: gives a thread to an agent, takes that back (`--clear`), or shows who runs what (`--list`).

use clap_complete::engine::ArgValueCompleter;

use super::completions::agents;
use super::given_text::given_text;
use super::render::Form;
use super::thread::MaybeThread;
use crate::decide::{AssignThread, ClearAssignment, PersonRequest, Scope};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "While a batch is executed this is the one reassignment that a thread has: to an agent of its family
or a default one, and once. --force is a person's way past that.

Examples:
  work assign --thread 01.02.03 --agent system-engineer-opus
  work assign --thread 01.02.03 --agent writer --force
  work assign --thread 01.02.03 --clear    whom PLAN.md names runs it again
  work assign --list                       who runs what, and who said so"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    thread: MaybeThread,
    #[command(flatten)]
    what: What,
    /// Why. - reads stdin, @FILE a file
    #[arg(long, value_name = "TEXT", requires = "agent", allow_hyphen_values = true, value_parser = given_text)]
    reason: Option<String>,
    /// Give it to any agent, whatever failover allows; it costs nothing
    #[arg(long, conflicts_with = "list")]
    force: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The agent that runs it from now on
    #[arg(long, short, value_name = "NAME", requires = "which_thread", add = ArgValueCompleter::new(agents))]
    agent: Option<String>,
    /// Take the assignment back
    #[arg(long, requires = "which_thread")]
    clear: bool,
    /// Show who runs which thread
    #[arg(long, conflicts_with = "which_thread")]
    list: bool,
}

impl Arguments {
    /// Returns the request and the form of its answer. Without a thread, `--list` was given: clap requires one of
    /// them.
    pub(super) fn into_request(self) -> (PersonRequest, Form) {
        let Self { thread, what, reason, force } = self;
        match thread.given() {
            None => (PersonRequest::Report(Scope::Workstream), Form::Assignments),
            Some(thread) if what.clear => {
                (PersonRequest::ClearAssignment(ClearAssignment { thread, force }), Form::Plain)
            }
            Some(thread) => {
                (PersonRequest::AssignThread(AssignThread { thread, agent: what.agent, reason, force }), Form::Plain)
            }
        }
    }
}
