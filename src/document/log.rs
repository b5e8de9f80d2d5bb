//! What happened in a workstream, one entry after another, from what a report of it holds. There is no second record: an
//! entry exists because the state has its time.

use std::time::Duration;

use serde::Serialize;

use super::{attempt_time, used};
use crate::board::{CheckResult, Usage};
use crate::decide::{Assigned, AttemptEnd, AttemptReport, Report, Revocation, ThreadReport};
use crate::moment::Moment;
use crate::wording::duration;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Happened {
    /// When.
    pub at: Moment,
    /// Who wrote it, if the store has recorded that: `server` and its id, or the name of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened. Where texts are long, they are as they were reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum What {
    /// A person approved the plan.
    PlanApproved { by: Option<String> },
    /// A person approved a stage.
    StageApproved { stage: u16, by: Option<String> },
    /// A person took the approval of the plan back.
    PlanRevoked { by: Option<String>, reason: Option<String> },
    /// A person took the approval of a stage back.
    StageRevoked { stage: u16, by: Option<String>, reason: Option<String> },
    /// An execution of a batch began.
    BatchOpened { batch: String, cycle: u32 },
    /// Another planner took the execution over.
    TakenOver { batch: String, cycle: u32 },
    /// A person ended a planner's hold on the execution.
    Released { batch: String, cycle: u32 },
    /// An execution of a batch was closed.
    BatchClosed { batch: String, cycle: u32 },
    /// A thread was assigned to an agent, with the reason of a reassignment.
    Assigned { thread_id: String, agent: String, reason: Option<String> },
    /// A worker started.
    Started { thread_id: String, attempt: u32, agent: String },
    /// The last checks of an attempt ended, with the command that failed.
    Checked { thread_id: String, attempt: u32, passed: bool, failed: Option<String> },
    /// An attempt ended: completed, failed, blocked or interrupted.
    Ended {
        thread_id: String,
        attempt: u32,
        agent: String,
        status: AttemptEnd,
        transient: bool,
        report: String,
        then: Option<Then>,
    },
    /// It was told what an attempt used, with the seconds that it took if it has ended.
    Used { thread_id: String, attempt: u32, usage: Usage, seconds: Option<u64> },
}

/// What followed a failure: another attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(crate) enum Then {
    /// The same agent tried again.
    Retry { attempt: u32 },
    /// Another agent took over.
    Reassign { attempt: u32, agent: String },
}

/// Returns what happened, the latest first. What older software recorded without a time is left out.
pub(crate) fn log(report: &Report) -> Vec<Happened> {
    let mut log = Vec::new();
    let mut add = |at: Option<Moment>, what: What| log.extend(at.map(|at| Happened { at, actor: None, what }));
    let approved_at = |at: &Option<String>| at.as_deref().and_then(Moment::parse);
    if let Some(approval) = &report.approval {
        add(approved_at(&approval.at), What::PlanApproved { by: approval.by.clone() });
    }
    if let Some(Revocation { by, at, reason, of }) = &report.revocation {
        add(approved_at(&of.at), What::PlanApproved { by: of.by.clone() });
        add(approved_at(at), What::PlanRevoked { by: by.clone(), reason: reason.clone() });
    }
    for stage in &report.stages {
        if let Some(approval) = &stage.approval {
            add(approved_at(&approval.at), What::StageApproved { stage: stage.number, by: approval.by.clone() });
        }
        if let Some(Revocation { by, at, reason, of }) = &stage.revocation {
            let (stage, by, reason) = (stage.number, by.clone(), reason.clone());
            add(approved_at(&of.at), What::StageApproved { stage, by: of.by.clone() });
            add(approved_at(at), What::StageRevoked { stage, by, reason });
        }
        for batch in &stage.batches {
            for cycle in &batch.cycles {
                let (batch, cycle_number) = (batch.id.clone(), cycle.cycle);
                add(cycle.opened_at, What::BatchOpened { batch: batch.clone(), cycle: cycle_number });
                add(cycle.released_at, What::Released { batch: batch.clone(), cycle: cycle_number });
                add(cycle.taken_over_at, What::TakenOver { batch: batch.clone(), cycle: cycle_number });
                add(cycle.closed_at, What::BatchClosed { batch, cycle: cycle_number });
            }
            for thread in &batch.threads {
                if let Some(Assigned { agent, at }) = &thread.assigned {
                    let (thread_id, reason) = (thread.thread_id.clone(), thread.reason.clone());
                    add(Some(*at), What::Assigned { thread_id, agent: agent.clone(), reason });
                }
                for (at, (attempt, end)) in thread.ended().enumerate() {
                    of_attempt(thread, attempt, end, thread.attempts.get(at + 1), &mut add);
                }
            }
        }
    }
    // Stable: what happened at the same moment stays in the order of the plan, and of an attempt's life.
    log.reverse();
    log.sort_by_key(|happened| std::cmp::Reverse(happened.at));
    log
}

fn of_attempt(
    thread: &ThreadReport,
    attempt: &AttemptReport,
    end: Option<AttemptEnd>,
    next: Option<&AttemptReport>,
    add: &mut impl FnMut(Option<Moment>, What),
) {
    let thread_id = || thread.thread_id.clone();
    let (number, agent) = (attempt.attempt, attempt.agent.clone());
    add(attempt.started_at, What::Started { thread_id: thread_id(), attempt: number, agent: agent.clone() });
    if let Some(last) = attempt.checks.last() {
        let failed = attempt.checks.iter().find(|check| !CheckResult::has_passed(check));
        let failed = failed.map(|check| check.command.clone());
        let passed = failed.is_none();
        add(Some(last.at), What::Checked { thread_id: thread_id(), attempt: number, passed, failed });
    }
    let Some(status) = end else { return };
    let then = next.filter(|_| status == AttemptEnd::Failed).map(|next| {
        if next.agent == agent {
            Then::Retry { attempt: next.attempt }
        } else {
            Then::Reassign { attempt: next.attempt, agent: next.agent.clone() }
        }
    });
    let (transient, report) = (attempt.transient, attempt.report.clone());
    add(
        attempt.completed_at,
        What::Ended { thread_id: thread_id(), attempt: number, agent, status, transient, report, then },
    );
    // The state does not hold when that was told. It is usually told right after the end.
    if let Some(usage) = attempt.usage {
        let seconds = attempt_time(attempt, None).map(|time| time.as_secs());
        add(attempt.completed_at, What::Used { thread_id: thread_id(), attempt: number, usage, seconds });
    }
}

impl Happened {
    /// Returns it in a line, without the time. A person who wrote it is named, a server is not.
    pub(crate) fn told(&self) -> String {
        let person = self.actor.as_deref().filter(|actor| !actor.starts_with("server ") && !self.what.names_who());
        person.map_or_else(|| self.what.told(), |person| format!("{} ({person})", self.what.told()))
    }
}

impl What {
    /// Returns whether it says itself who did it.
    fn names_who(&self) -> bool {
        matches!(
            self,
            Self::PlanApproved { .. }
                | Self::StageApproved { .. }
                | Self::PlanRevoked { .. }
                | Self::StageRevoked { .. }
        )
    }

    /// Returns the thread that it is about.
    pub(crate) fn thread(&self) -> Option<&str> {
        match self {
            Self::Assigned { thread_id, .. }
            | Self::Started { thread_id, .. }
            | Self::Checked { thread_id, .. }
            | Self::Ended { thread_id, .. }
            | Self::Used { thread_id, .. } => Some(thread_id),
            Self::PlanApproved { .. }
            | Self::StageApproved { .. }
            | Self::PlanRevoked { .. }
            | Self::StageRevoked { .. }
            | Self::BatchOpened { .. }
            | Self::TakenOver { .. }
            | Self::Released { .. }
            | Self::BatchClosed { .. } => None,
        }
    }

    /// Returns it in a line, without the time.
    pub(crate) fn told(&self) -> String {
        let by = |by: &Option<String>| by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let why = |reason: &Option<String>| reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        match self {
            Self::PlanApproved { by: who } => format!("plan approved{}", by(who)),
            Self::StageApproved { stage, by: who } => format!("stage {stage} approved{}", by(who)),
            Self::PlanRevoked { by: who, reason } => format!("approval of the plan revoked{}{}", by(who), why(reason)),
            Self::StageRevoked { stage, by: who, reason } => {
                format!("approval of stage {stage} revoked{}{}", by(who), why(reason))
            }
            Self::BatchOpened { batch, cycle: 1 } => format!("{batch} begins"),
            Self::BatchOpened { batch, cycle } => format!("{batch} begins again, cycle {cycle}"),
            Self::TakenOver { batch, .. } => format!("{batch} taken over by a planner"),
            Self::Released { batch, .. } => format!("{batch} released"),
            Self::BatchClosed { batch, .. } => format!("execution of {batch} ends"),
            Self::Assigned { thread_id, agent, reason } => {
                format!("{thread_id} assigned to {agent}{}", why(reason))
            }
            Self::Started { thread_id, attempt, agent } => format!("{thread_id} #{attempt} started by {agent}"),
            Self::Checked { thread_id, attempt, failed: None, .. } => format!("{thread_id} #{attempt} checks passed"),
            Self::Checked { thread_id, attempt, failed: Some(command), .. } => {
                format!("{thread_id} #{attempt} check failed: {command}")
            }
            Self::Used { thread_id, attempt, usage, seconds } => {
                let time = seconds.map(|seconds| format!("took {} and ", duration(Duration::from_secs(seconds))));
                format!("{thread_id} #{attempt} {}used {}", time.unwrap_or_default(), used(*usage))
            }
            Self::Ended { thread_id, attempt, agent, status, transient, report, then } => {
                let transient = if *transient { ", transient" } else { "" };
                let then = match then {
                    None => String::new(),
                    Some(Then::Retry { attempt }) => format!(" → retry, #{attempt}"),
                    Some(Then::Reassign { attempt, agent }) => format!(" → {agent}, #{attempt}"),
                };
                format!("{thread_id} #{attempt} {} ({agent}{transient}){then}: {report}", status.word())
            }
        }
    }
}
