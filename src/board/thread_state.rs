//! The one table of what may happen to a thread (DESIGN §5). Budgets, gates and attempt numbers are
//! checked elsewhere; what this table refuses, nothing allows.

use std::fmt;
use std::str::FromStr;

/// The status of a thread, as threads.json has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not started, or waiting for its next attempt.
    #[default]
    Pending,
    /// An attempt runs.
    InProgress,
    /// Done.
    Completed,
    /// Error, with a reason.
    Blocked,
    /// A person has taken it out of the plan's work.
    Cancelled,
}

/// What someone says of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportedStatus {
    /// A worker works on it.
    InProgress,
    /// The work is done.
    Completed,
    /// The work cannot go on; the worker says why.
    Blocked,
    /// The attempt failed; the program decides what follows.
    Failed,
    /// A person gives the thread back, with fresh budgets.
    Pending,
    /// A person takes the thread out.
    Cancelled,
}

/// What follows from what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// An attempt starts, where failover allows one.
    Start,
    /// The running attempt is alive.
    Heartbeat,
    /// The thread is completed.
    Complete,
    /// The thread is blocked.
    Block,
    /// The attempt failed and failover decides.
    Fail,
    /// The thread stays as it is; its report may change.
    Amend,
    /// The thread goes back to pending.
    Reset,
    /// The thread is cancelled.
    Cancel,
    /// Not possible.
    Refuse,
}

impl Status {
    /// All statuses, in the order of a thread's life.
    pub const ALL: [Self; 5] = [Self::Pending, Self::InProgress, Self::Completed, Self::Blocked, Self::Cancelled];

    /// Returns the word on disk and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether nothing is left to do.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        let found = Self::ALL.into_iter().find(|status| status.word() == word);
        found.ok_or_else(|| UnknownStatus(word.chars().take(60).collect()))
    }
}

/// A word that is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status: there are {words}", words = Status::ALL.map(Status::word).join(", "))]
pub struct UnknownStatus(String);

impl ReportedStatus {
    /// All that can be said, the worker's words first.
    pub const ALL: [Self; 6] =
        [Self::InProgress, Self::Completed, Self::Blocked, Self::Failed, Self::Pending, Self::Cancelled];

    /// Returns the word in calls and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether it ends a thread's attempt, and so needs a report.
    pub fn is_report(self) -> bool {
        matches!(self, Self::Completed | Self::Blocked | Self::Failed)
    }

    /// Returns whether only a person may say it.
    pub fn is_a_persons(self) -> bool {
        matches!(self, Self::Pending | Self::Cancelled)
    }
}

/// Returns what follows when `said` is said of a thread that is `now`.
pub fn transition(now: Status, said: ReportedStatus) -> Transition {
    use Transition::{Amend, Block, Cancel, Complete, Fail, Heartbeat, Refuse, Reset, Start};
    match (now, said) {
        (Status::Pending | Status::Blocked, ReportedStatus::InProgress) => Start,
        (Status::InProgress, ReportedStatus::InProgress) => Heartbeat,

        (Status::Pending | Status::InProgress | Status::Blocked, ReportedStatus::Completed) => Complete,

        (Status::Pending | Status::InProgress | Status::Blocked, ReportedStatus::Blocked) => Block,
        (Status::Pending | Status::InProgress | Status::Blocked, ReportedStatus::Failed) => Fail,

        (
            Status::Pending | Status::InProgress | Status::Completed | Status::Blocked | Status::Cancelled,
            ReportedStatus::Pending,
        ) => Reset,
        (Status::Pending | Status::InProgress | Status::Blocked, ReportedStatus::Cancelled) => Cancel,
        (Status::Completed, ReportedStatus::Completed) | (Status::Cancelled, ReportedStatus::Cancelled) => Amend,

        (
            Status::Completed,
            ReportedStatus::InProgress | ReportedStatus::Blocked | ReportedStatus::Failed | ReportedStatus::Cancelled,
        )
        | (
            Status::Cancelled,
            ReportedStatus::InProgress | ReportedStatus::Completed | ReportedStatus::Blocked | ReportedStatus::Failed,
        ) => Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use std::fmt::Write as _;
        let mut grid = format!("{:<12}", "");
        for said in ReportedStatus::ALL {
            let _ = write!(grid, "{:<13}", said.word());
        }
        for now in Status::ALL {
            let _ = write!(grid, "\n{:<12}", now.word());
            for said in ReportedStatus::ALL {
                let _ = write!(grid, "{:<13}", format!("{:?}", transition(now, said)));
            }
        }
        let grid: Vec<&str> = grid.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(grid.join("\n"), @"
                    in_progress  completed    blocked      failed       pending      cancelled
        pending     Start        Complete     Block        Fail         Reset        Cancel
        in_progress Heartbeat    Complete     Block        Fail         Reset        Cancel
        completed   Refuse       Amend        Refuse       Refuse       Reset        Refuse
        blocked     Start        Complete     Block        Fail         Reset        Cancel
        cancelled   Refuse       Refuse       Refuse       Refuse       Reset        Amend
        ");
    }

    #[test]
    fn nothing_but_a_person_reopens_what_is_done() {
        for now in Status::ALL.into_iter().filter(|now| now.is_done()) {
            for said in ReportedStatus::ALL.into_iter().filter(|said| !said.is_a_persons()) {
                let follows = transition(now, said);
                assert!(matches!(follows, Transition::Refuse | Transition::Amend), "{now:?} {said:?}: {follows:?}");
            }
        }
    }
}
