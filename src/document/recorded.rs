//! What happened in a workstream, as the events of a database tell it. They have what the state of files forgets: every
//! assignment and take-over, and who wrote each of them.

use serde_json::Value;

use super::log::{Happened, Then, What};
use crate::decide::AttemptEnd;
use crate::moment::Moment;

/// An event as a store has recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// When.
    pub at: Moment,
    /// Who wrote it: `server` and its id, or the name of a person.
    pub actor: String,
    /// The event, as JSON.
    pub event: String,
}

/// Returns what happened, the latest first. `recorded` begins with the oldest. Events that nobody needs to be told, and
/// those of newer software, are left out.
pub(crate) fn log_of_events(recorded: &[Recorded]) -> Vec<Happened> {
    let mut told = Told::default();
    for recorded in recorded {
        if let Ok(event) = serde_json::from_str::<Value>(&recorded.event) {
            told.add(recorded, &event);
        }
    }
    told.log.reverse();
    told.log
}

/// What was told so far, and what the next events refer to.
#[derive(Debug, Default)]
struct Told {
    log: Vec<Happened>,
    /// The batch and the number of the open cycle.
    open: Option<(String, u32)>,
    /// The latest attempt of each thread, with its agent.
    latest: std::collections::BTreeMap<String, (u32, String)>,
}

impl Told {
    fn add(&mut self, recorded: &Recorded, event: &Value) {
        let text = |key: &str| event[key].as_str().map(str::to_owned);
        let number = |key: &str| event[key].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or_default();
        let stage = || u16::try_from(event["stage"].as_u64().unwrap_or_default()).unwrap_or_default();
        let thread_id = text("thread").unwrap_or_default();
        let (by, reason) = (text("by"), text("reason"));
        let what = match event["event"].as_str().unwrap_or_default() {
            "plan_approved" => What::PlanApproved { by },
            "plan_revoked" => What::PlanRevoked { by, reason },
            "stage_approved" => What::StageApproved { stage: stage(), by },
            "stage_revoked" => What::StageRevoked { stage: stage(), by, reason },
            "cycle_opened" => {
                let (batch, cycle) = (text("batch").unwrap_or_default(), number("number"));
                self.open = Some((batch.clone(), cycle));
                What::BatchOpened { batch, cycle }
            }
            "cycle_closed" => {
                let Some((batch, cycle)) = self.open.take() else { return };
                What::BatchClosed { batch, cycle }
            }
            "cycle_held" => {
                let Some((batch, cycle)) = self.open.clone() else { return };
                if event["holder"].is_null() {
                    What::Released { batch, cycle }
                } else {
                    What::TakenOver { batch, cycle }
                }
            }
            "agent_assigned" => What::Assigned { thread_id, agent: text("agent").unwrap_or_default(), reason: None },
            "attempt_started" => {
                let (attempt, agent) = (number("number"), text("agent").unwrap_or_default());
                self.latest.insert(thread_id.clone(), (attempt, agent.clone()));
                What::Started { thread_id, attempt, agent }
            }
            "checks_ran" => {
                let (attempt, _) = self.latest.get(&thread_id).cloned().unwrap_or_default();
                let checks = event["checks"].as_array().into_iter().flatten();
                let failed = checks.filter(|check| check["exit_code"] != 0).find_map(|check| check["command"].as_str());
                let failed = failed.map(str::to_owned);
                What::Checked { thread_id, attempt, passed: failed.is_none(), failed }
            }
            "attempt_ended" => {
                let (attempt, agent) = self.latest.get(&thread_id).cloned().unwrap_or_default();
                let status = match event["status"].as_str() {
                    Some("completed") => AttemptEnd::Completed,
                    Some("interrupted") => AttemptEnd::Interrupted,
                    _ => AttemptEnd::Failed,
                };
                let (transient, report) = (event["transient"] == true, text("report").unwrap_or_default());
                What::Ended { thread_id, attempt, agent, status, transient, report, then: None }
            }
            "usage_told" => {
                let Ok(usage) = serde_json::from_value(event["usage"].clone()) else { return };
                let attempt = number("attempt");
                let seconds = self.seconds_of(&thread_id, attempt);
                What::Used { thread_id, attempt, usage, seconds }
            }
            followed => return self.follow(recorded.at, followed, event, &thread_id),
        };
        self.log.push(Happened { at: recorded.at, actor: Some(recorded.actor.clone()), what });
    }

    /// Returns how long an attempt took, if it has ended.
    fn seconds_of(&self, thread: &str, number: u32) -> Option<u64> {
        let of_thread = self.log.iter().filter(|happened| happened.what.thread() == Some(thread));
        let (mut from, mut to) = (None, None);
        for happened in of_thread {
            match happened.what {
                What::Started { attempt, .. } if attempt == number => from = Some(happened.at),
                What::Ended { attempt, .. } if attempt == number => to = to.or(Some(happened.at)),
                _ => {}
            }
        }
        Some(to?.since(from?).as_secs())
    }

    /// Completes what was told of the same moment by an event that follows it.
    fn follow(&mut self, at: Moment, followed: &str, event: &Value, thread: &str) {
        let told = self.log.iter_mut().rev().take_while(|happened| happened.at == at);
        for happened in told.filter(|happened| happened.what.thread() == Some(thread)) {
            match (&mut happened.what, followed) {
                (What::Ended { then, attempt, .. }, "retry_used") => {
                    *then = Some(Then::Retry { attempt: *attempt + 1 });
                }
                (What::Ended { status: status @ AttemptEnd::Failed, .. }, "thread_became")
                    if event["status"] == "blocked" =>
                {
                    *status = AttemptEnd::Blocked;
                }
                (What::Assigned { reason, .. }, "reassignment_used" | "assigned_by_person") => {
                    *reason = event["reason"].as_str().map(str::to_owned);
                }
                _ => continue,
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_tell_who_did_what() {
        let events = [
            (1, "ann", r#"{"event":"plan_approved","hash":"x","by":"ann","checks_by":null}"#),
            (2, "server a", r#"{"event":"cycle_opened","batch":"01.01","number":1,"holder":"a"}"#),
            (
                3,
                "server a",
                r#"{"event":"attempt_started","thread":"01.01.01","number":1,"agent":"codex","server":"a"}"#,
            ),
            (
                4,
                "server a",
                r#"{"event":"attempt_ended","thread":"01.01.01","status":"failed","report":"timeout","transient":true}"#,
            ),
            (4, "server a", r#"{"event":"retry_used","thread":"01.01.01","after":1}"#),
            (4, "server a", r#"{"event":"thread_became","thread":"01.01.01","status":"pending"}"#),
            (5, "server b", r#"{"event":"cycle_held","holder":"b"}"#),
            (6, "server b", r#"{"event":"agent_assigned","thread":"01.01.01","agent":"opus"}"#),
            (6, "server b", r#"{"event":"reassignment_used","thread":"01.01.01","after":1,"reason":"it knows more"}"#),
            (
                7,
                "server b",
                r#"{"event":"attempt_started","thread":"01.01.01","number":2,"agent":"opus","server":"b"}"#,
            ),
            (
                7,
                "server b",
                r#"{"event":"checks_ran","thread":"01.01.01","checks":[{"command":"true","exit_code":0},{"command":"cargo test","exit_code":null}],"failed":true}"#,
            ),
            (
                8,
                "server b",
                r#"{"event":"attempt_ended","thread":"01.01.01","status":"failed","report":"no","transient":false}"#,
            ),
            (8, "server b", r#"{"event":"thread_became","thread":"01.01.01","status":"blocked"}"#),
            (
                9,
                "server b",
                r#"{"event":"usage_told","thread":"01.01.01","attempt":2,"usage":{"input_tokens":12400,"cached_tokens":9920,"output_tokens":1200,"cost_usd":0.041}}"#,
            ),
            (9, "server b", r#"{"event":"usage_told","thread":"01.01.01","attempt":2,"usage":"of newer software"}"#),
            (9, "bob", r#"{"event":"cycle_held","holder":null}"#),
            (9, "bob", r#"{"event":"something_new","thread":"01.01.01"}"#),
            (9, "bob", "no JSON"),
            (9, "bob", r#"{"event":"cycle_closed"}"#),
        ];
        let recorded = events.map(|(minute, actor, event)| Recorded {
            at: Moment::parse(&format!("2026-11-26T22:0{minute}:00Z")).unwrap(),
            actor: actor.to_owned(),
            event: event.to_owned(),
        });
        let told: Vec<String> = log_of_events(&recorded)
            .iter()
            .map(|happened| format!("{} {}", happened.at.clock_time(), happened.told()))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        22:09 execution of 01.01 ends (bob)
        22:09 01.01 released (bob)
        22:09 01.01.01 #2 took 1 min and used 12.4k tokens in (80 % cached), 1.2k out, $0.04
        22:08 01.01.01 #2 blocked (opus): no
        22:07 01.01.01 #2 check failed: cargo test
        22:07 01.01.01 #2 started by opus
        22:06 01.01.01 assigned to opus: it knows more
        22:05 01.01 taken over by a planner
        22:04 01.01.01 #1 failed (codex, transient) → retry, #2: timeout
        22:03 01.01.01 #1 started by codex
        22:02 01.01 begins
        22:01 plan approved by ann
        ");
    }
}
