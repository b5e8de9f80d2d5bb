//! What follows when the process of a worker has ended (DESIGN §12).

use std::time::Duration;

use crate::hosts::Told;
use crate::wording::{cut, duration};

/// The highest number of a signal.
const SIGNALS: i32 = 64;

/// The process of a worker that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub how: How,
    /// What its output told.
    pub told: Told,
    /// Whether its program is the command line of a host, whose output is known.
    pub is_of_host: bool,
    /// Whether its attempt is over: it has reported, or a person has decided something.
    pub is_over: bool,
    /// Whether the model of this host has answered a worker of this run.
    pub host_has_answered: bool,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// With this exit code. Over 128 it is 128 and the number of the signal that ended it, as shells have it.
    Exited(i32),
    /// It was ended, since it ran for longer than this.
    TimedOut(Duration),
    /// It could not be started, for this reason.
    NotStarted(String),
    /// Nobody knows, for this reason.
    Unknown(String),
}

/// What a run does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: its attempt is over.
    Over,
    /// Report the attempt as failed.
    Failed {
        /// Why.
        report: String,
        /// Whether another attempt of the same agent could succeed.
        transient: bool,
    },
    /// End the run, and charge no attempt: each worker of this host would end in the same way.
    HostUnusable {
        /// Why.
        why: String,
        /// Whether the provider of the model refuses, so that logging in or waiting may help.
        is_refused: bool,
    },
}

impl How {
    /// Returns it in words, after "the worker".
    pub fn words(&self) -> String {
        match self {
            Self::Exited(0) => "ended".to_owned(),
            Self::Exited(code) if (129..=128 + SIGNALS).contains(code) => format!("was ended by signal {}", code - 128),
            Self::Exited(code) => format!("exited with {code}"),
            Self::TimedOut(limit) => format!("ran for longer than {} and was ended", duration(*limit)),
            Self::NotStarted(why) => format!("could not be started: {why}"),
            Self::Unknown(why) => format!("is gone: {why}"),
        }
    }
}

/// Returns what follows when a worker has ended.
pub fn verdict(ended: &Ended) -> Verdict {
    if ended.is_over {
        return Verdict::Over;
    }
    let told = &ended.told;
    if let Some(why) = &told.refused {
        return Verdict::HostUnusable { why: cut(why), is_refused: true };
    }
    let how = ended.how.words();
    let why = match &told.error {
        Some(error) => format!("the worker {how}, without a report: {}", cut(error)),
        None => format!("the worker {how}, without a report"),
    };
    // A program that never reaches a model is set up wrongly, and would use up the budgets of all threads.
    let says_failed = told.error.is_some() && ended.how == How::Exited(0);
    let has_failed = says_failed || matches!(ended.how, How::Exited(1..=128) | How::TimedOut(_));
    let is_silent = ended.is_of_host && !told.has_answered && !ended.host_has_answered;
    if matches!(ended.how, How::NotStarted(_)) || has_failed && is_silent {
        return Verdict::HostUnusable { why, is_refused: false };
    }
    // Who ended in order would do so again.
    let transient = says_failed || ended.how != How::Exited(0);
    Verdict::Failed { report: why, transient: transient && !told.is_final }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(how: How) -> Ended {
        let told = Told { has_answered: true, ..Told::default() };
        Ended { how, told, is_of_host: true, is_over: false, host_has_answered: true }
    }

    fn told(ended: &Ended) -> String {
        match verdict(ended) {
            Verdict::Over => "over".to_owned(),
            Verdict::Failed { report, transient } => format!("failed, transient {transient}: {report}"),
            Verdict::HostUnusable { why, is_refused } => format!("unusable, refused {is_refused}: {why}"),
        }
    }

    #[test]
    fn each_end_has_its_report() {
        let minutes = Duration::from_secs(1_800);
        for (how, wanted) in [
            (How::Exited(0), "failed, transient false: the worker ended, without a report"),
            (How::Exited(1), "failed, transient true: the worker exited with 1, without a report"),
            (How::Exited(137), "failed, transient true: the worker was ended by signal 9, without a report"),
            (
                How::TimedOut(minutes),
                "failed, transient true: the worker ran for longer than 30 min and was ended, without a report",
            ),
            (How::Unknown("x".to_owned()), "failed, transient true: the worker is gone: x, without a report"),
            (
                How::NotStarted("no such file".to_owned()),
                "unusable, refused false: the worker could not be started: no such file, without a report",
            ),
        ] {
            assert_eq!(told(&ended(how)), wanted);
        }
        assert_eq!(told(&Ended { is_over: true, ..ended(How::Exited(1)) }), "over");
    }

    #[test]
    fn a_host_that_refuses_all_costs_no_attempt() {
        let refused = Told { refused: Some("Not logged in".to_owned()), ..Told::default() };
        let worker = Ended { told: refused, ..ended(How::Exited(1)) };
        assert_eq!(told(&worker), "unusable, refused true: Not logged in");
        // A host that never reached a model is set up wrongly; one that did before has only failed now.
        let silent = Told { error: Some("unknown option".to_owned()), ..Told::default() };
        let worker = Ended { told: silent, host_has_answered: false, ..ended(How::Exited(2)) };
        let why = "the worker exited with 2, without a report: unknown option";
        assert_eq!(told(&worker), format!("unusable, refused false: {why}"));
        assert_eq!(
            told(&Ended { host_has_answered: true, ..worker.clone() }),
            format!("failed, transient true: {why}")
        );
        // Some hosts exit with 0 after an error, or hang.
        for how in [How::Exited(0), How::TimedOut(Duration::from_secs(60))] {
            assert!(told(&Ended { how, ..worker.clone() }).starts_with("unusable, refused false: "));
        }
        let bounded =
            Told { has_answered: true, is_final: true, error: Some("error max turns".to_owned()), ..Told::default() };
        let bounded = Ended { told: bounded, ..ended(How::Exited(1)) };
        assert!(told(&bounded).starts_with("failed, transient false: "));
        // Who ended it by a signal is not the host.
        let killed = Ended { how: How::Exited(137), ..worker.clone() };
        assert!(told(&killed).starts_with("failed, transient true: "));
        // Of a program whose output nobody knows it cannot be said.
        let unknown = Ended { is_of_host: false, ..worker };
        assert_eq!(told(&unknown), format!("failed, transient true: {why}"));
    }
}
