//! `work assign`: gives a thread to an agent, takes that back (`--clear`), or shows who runs what (`--list`).

use super::given_text::given_text;
use super::render::Form;
use crate::decide::{AssignThread, ClearAssignment, PersonRequest, Scope};
use crate::plan::ThreadId;

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
    /// The thread, such as 01.02.03
    #[arg(long, value_name = "ID", required_unless_present = "list", conflicts_with = "list")]
    thread: Option<ThreadId>,
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
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Take the assignment back
    #[arg(long)]
    clear: bool,
    /// Show who runs which thread
    #[arg(long)]
    list: bool,
}

impl Arguments {
    /// Returns the request and the form of its answer. Without `--thread`, `--list` was given: clap requires one of
    /// them.
    pub(super) fn into_request(self) -> (PersonRequest, Form) {
        let Self { thread, what, reason, force } = self;
        match thread {
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
