//! `--status` and `--agent`: which threads a command shows.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap_complete::engine::ArgValueCompleter;

use super::completions::agents;
use crate::board::Status;
use crate::decide::{PersonAnswer, Report, ThreadReport};

/// Which threads are shown; all, if nothing was asked for.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Filter {
    /// Only threads with this status; may be repeated
    #[arg(
        help = "Only threads with this status: pending, in_progress, completed, blocked or cancelled; may be repeated",
        long, short, value_name = "STATUS", value_parser = statuses(), hide_possible_values = true)]
    status: Vec<Status>,
    /// Only threads of this agent; may be repeated
    #[arg(long, short, value_name = "NAME", add = ArgValueCompleter::new(agents))]
    agent: Vec<String>,
}

/// Returns what reads the word of a status, and lets shells complete it.
fn statuses() -> impl TypedValueParser<Value = Status> {
    let words = PossibleValuesParser::new(Status::ALL.map(Status::word));
    words.map(|word| Status::ALL.into_iter().find(|status| status.word() == word).unwrap_or_default())
}

impl Filter {
    /// Returns whether all threads are shown.
    pub(super) fn is_empty(&self) -> bool {
        self.status.is_empty() && self.agent.is_empty()
    }

    /// Returns whether a thread with this status and agent is shown.
    fn has(&self, status: Status, agent: &str) -> bool {
        (self.status.is_empty() || self.status.contains(&status))
            && (self.agent.is_empty() || self.agent.iter().any(|named| named == agent))
    }

    /// Returns whether the thread is shown.
    pub(super) fn fits(&self, thread: &ThreadReport) -> bool {
        self.has(thread.status, &thread.agent)
    }

    /// Leaves out the threads that are not shown, and the stages and batches without any.
    pub(super) fn apply(&self, report: &mut Report) {
        if self.is_empty() {
            return;
        }
        for stage in &mut report.stages {
            for batch in &mut stage.batches {
                batch.threads.retain(|thread| self.fits(thread));
            }
            stage.batches.retain(|batch| !batch.threads.is_empty());
        }
        report.stages.retain(|stage| !stage.batches.is_empty());
    }

    /// Does the same with the threads of an answer.
    pub(super) fn apply_to(&self, answer: &mut PersonAnswer) {
        match answer {
            PersonAnswer::Report(report) => self.apply(report),
            PersonAnswer::Status(status) => status.open_threads.retain(|open| self.has(open.status, &open.agent)),
            _ => {}
        }
    }
}
