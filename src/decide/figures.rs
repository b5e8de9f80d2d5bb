//! Figures of the agents: what each of them did, and how well. They are counted from the attempts of a report, and are
//! never kept.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::attempt_report::{AttemptEnd, AttemptReport, Follows};
use crate::board::Usage;

/// What an agent did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AgentFigures {
    /// The agent; empty for the attempts of which older software did not record it.
    pub agent: String,
    /// How many attempts it ran or runs.
    pub attempts: usize,
    /// How many of them run.
    pub running: usize,
    /// How many completed their thread.
    pub completed: usize,
    /// How many failed, and more was or can be tried.
    pub failed: usize,
    /// How many failed, and nothing more is tried.
    pub blocked: usize,
    /// How many were interrupted, which is nobody's failure.
    pub interrupted: usize,
    /// How many were retries: it tried again after its own failure.
    pub retries: usize,
    /// How many were reassignments: it took over from another agent.
    pub reassignments: usize,
    /// How many of 100 that came to an end of their own were completed; `None`: none came to one.
    pub success_percent: Option<usize>,
    /// How long they took all together, as far as both times are recorded. Answers say it in seconds.
    #[serde(rename = "seconds", serialize_with = "as_seconds")]
    pub time: Duration,
    /// What they used all together, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

fn as_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// Returns the figures of each agent that ran an attempt, those with the most attempts first, then by name.
pub(super) fn figures<'r>(
    attempts: impl Iterator<Item = (&'r AttemptReport, Option<AttemptEnd>)>,
) -> Vec<AgentFigures> {
    let mut agents: BTreeMap<&str, AgentFigures> = BTreeMap::new();
    for (attempt, end) in attempts {
        let unused = || AgentFigures { agent: attempt.agent.clone(), ..AgentFigures::default() };
        let figures = agents.entry(&attempt.agent).or_insert_with(unused);
        figures.attempts += 1;
        *match end {
            None => &mut figures.running,
            Some(AttemptEnd::Completed) => &mut figures.completed,
            Some(AttemptEnd::Failed) => &mut figures.failed,
            Some(AttemptEnd::Blocked) => &mut figures.blocked,
            Some(AttemptEnd::Interrupted) => &mut figures.interrupted,
        } += 1;
        match attempt.follows {
            Some(Follows::Retry) => figures.retries += 1,
            Some(Follows::Reassignment) => figures.reassignments += 1,
            None => {}
        }
        if let (Some(started), Some(ended)) = (attempt.started_at, attempt.completed_at) {
            figures.time += ended.since(started);
        }
        figures.usage = figures.usage.into_iter().chain(attempt.usage).reduce(Usage::and);
    }
    let mut figures: Vec<AgentFigures> = agents.into_values().collect();
    for figures in &mut figures {
        figures.success_percent = share_of_success(figures.completed, figures.failed + figures.blocked);
    }
    figures.sort_by_key(|figures| Reverse(figures.attempts));
    figures
}

/// Returns how many of 100 were completed; `None` if there are none.
fn share_of_success(completed: usize, failed: usize) -> Option<usize> {
    let ended = completed + failed;
    (completed * 100 + ended / 2).checked_div(ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::AttemptStatus;
    use crate::moment::Moment;

    fn attempt(agent: &str, follows: Option<Follows>, minutes: Option<u64>) -> AttemptReport {
        let started_at = Moment::parse("2026-11-26T22:00:00.000Z");
        AttemptReport {
            attempt: 1,
            agent: agent.to_owned(),
            status: AttemptStatus::Completed,
            follows,
            cycle: Some(1),
            transient: false,
            started_at,
            heard_at: None,
            completed_at: started_at.zip(minutes).map(|(at, minutes)| at.after(Duration::from_secs(60 * minutes))),
            report: String::new(),
            checks: Vec::new(),
            failed_checks: 0,
            usage: None,
        }
    }

    #[test]
    fn each_agent_is_counted_and_the_busiest_comes_first() {
        let attempts = [
            (attempt("b", None, Some(2)), Some(AttemptEnd::Failed)),
            (attempt("b", Some(Follows::Retry), Some(3)), Some(AttemptEnd::Completed)),
            (attempt("b", None, Some(1)), Some(AttemptEnd::Completed)),
            (attempt("c", None, None), None),
            (attempt("a", Some(Follows::Reassignment), None), Some(AttemptEnd::Interrupted)),
        ];
        let figures = figures(attempts.iter().map(|(attempt, end)| (attempt, *end)));
        insta::assert_snapshot!(serde_json::to_string_pretty(&figures).unwrap(), @r#"
        [
          {
            "agent": "b",
            "attempts": 3,
            "running": 0,
            "completed": 2,
            "failed": 1,
            "blocked": 0,
            "interrupted": 0,
            "retries": 1,
            "reassignments": 0,
            "success_percent": 67,
            "seconds": 360.0
          },
          {
            "agent": "a",
            "attempts": 1,
            "running": 0,
            "completed": 0,
            "failed": 0,
            "blocked": 0,
            "interrupted": 1,
            "retries": 0,
            "reassignments": 1,
            "success_percent": null,
            "seconds": 0.0
          },
          {
            "agent": "c",
            "attempts": 1,
            "running": 1,
            "completed": 0,
            "failed": 0,
            "blocked": 0,
            "interrupted": 0,
            "retries": 0,
            "reassignments": 0,
            "success_percent": null,
            "seconds": 0.0
          }
        ]
        "#);
    }

    #[test]
    fn what_an_agent_used_adds_up_as_far_as_it_is_known() {
        let with = |agent: &str, input_tokens: Option<u64>, cost_microdollars| {
            let usage = input_tokens.map(|input_tokens| Usage { input_tokens, cost_microdollars, ..Usage::default() });
            (AttemptReport { usage, ..attempt(agent, None, Some(1)) }, Some(AttemptEnd::Completed))
        };
        let attempts =
            [with("a", Some(3), None), with("a", None, None), with("a", Some(4), Some(5)), with("b", None, None)];
        let figures = figures(attempts.iter().map(|(attempt, end)| (attempt, *end)));
        let known = Usage { input_tokens: 7, cost_microdollars: Some(5), ..Usage::default() };
        assert_eq!(figures.iter().map(|figures| figures.usage).collect::<Vec<_>>(), [Some(known), None]);
    }

    #[test]
    fn a_share_of_success_is_rounded() {
        assert_eq!(
            [(2, 1), (1, 2), (0, 2)].map(|(completed, failed)| share_of_success(completed, failed)),
            [Some(67), Some(33), Some(0)]
        );
        assert_eq!(share_of_success(0, 0), None);
    }
}
