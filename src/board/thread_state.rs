//! The table of transitions of a thread (DESIGN §5). What it refuses, no other rule may allow. Budgets, gates and
//! attempt numbers are checked in [`crate::decide`].

use std::fmt;
use std::str::FromStr;

/// The status of a thread. threads.json has the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has not started, or waits for its next attempt.
    #[default]
    Pending,
    /// An attempt runs.
    InProgress,
    /// The work is done.
    Completed,
    /// It stopped with a reason.
    Blocked,
    /// A person has decided that it is not done.
    Cancelled,
}

/// The status that a worker, a planner or a person reports for a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportedStatus {
    /// A worker works on it.
    InProgress,
    /// The work is done.
    Completed,
    /// The work cannot go on, for the reason in the report.
    Blocked,
    /// The attempt failed, and failover decides what follows.
    Failed,
    /// A person has the thread executed again, with fresh budgets.
    Pending,
    /// A person decides that the thread is not done.
    Cancelled,
}

/// What follows from a report.
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
    /// The status stays, and only the texts may change.
    Amend,
    /// The thread goes back to pending.
    Reset,
    /// The thread is cancelled.
    Cancel,
    /// The report is refused as `invalid_transition`.
    Refuse,
}

impl Status {
    /// All statuses, in the order of the table in DESIGN §5.
    pub const ALL: [Self; 5] = [Self::Pending, Self::InProgress, Self::Completed, Self::Blocked, Self::Cancelled];

    /// Returns the word in threads.json and in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether the thread is completed or cancelled.
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

/// The error for a word that is not a status. It has at most 60 characters of the word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status: there are {words}", words = Status::ALL.map(Status::word).join(", "))]
pub struct UnknownStatus(String);

impl ReportedStatus {
    /// All reported statuses, those of workers first.
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

    /// Returns whether it ends an attempt, and so needs the text of a report.
    pub fn is_report(self) -> bool {
        matches!(self, Self::Completed | Self::Blocked | Self::Failed)
    }

    /// Returns whether only a person may report it.
    pub fn is_a_persons(self) -> bool {
        matches!(self, Self::Pending | Self::Cancelled)
    }
}

/// Returns what follows if `said` is reported for a thread whose status is `now` (the table of DESIGN §5).
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
    fn only_a_person_reopens_a_thread_that_is_done() {
        for now in Status::ALL.into_iter().filter(|now| now.is_done()) {
            for said in ReportedStatus::ALL.into_iter().filter(|said| !said.is_a_persons()) {
                let follows = transition(now, said);
                assert!(matches!(follows, Transition::Refuse | Transition::Amend), "{now:?} {said:?}: {follows:?}");
            }
        }
    }
}
