//! PURE. The planner as a program (DESIGN §12): what `work run` does after each answer of `next_batch`, and what it
//! reports for a worker that ended without a report.
//!
//! It does what the prompt of a planner says, and has no more rights than one. It must never work out by itself which
//! thread may run, or what follows a failure: both stand in the answers.

mod ended;

use std::collections::BTreeSet;

pub use self::ended::{Ended, How, Verdict, verdict};
use crate::board::Status;
use crate::decide::{BatchCompletionStatus, DecisionAction, DispatchThread, NextBatch};
use crate::plan::{BatchId, ThreadId};

/// How far a run goes before it stops by itself. A gate always stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To the end of one batch.
    Batch,
    /// To the end of one stage.
    Stage,
    /// To the next gate, or the end of the plan.
    Gate,
}

/// What a run does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Say that this batch is executed from now on.
    Begin {
        /// Whether its cycle was open before this run.
        resumed: bool,
    },
    /// Say what came of a batch.
    Outcomes(BatchId),
    /// Give a thread to the agent that takes over.
    Assign(ThreadId),
    /// Start a worker.
    Launch(Launch),
    /// Threads run whose workers others have started, and there is nothing else to do.
    WaitForOthers(Vec<ThreadId>),
    /// End the run.
    Stop(Stop),
}

/// A worker to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Its thread.
    pub thread: ThreadId,
    /// The name of the thread.
    pub name: String,
    /// The number of its attempt.
    pub attempt: u32,
    /// Its agent.
    pub agent: String,
}

/// Why a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// A person has to pass a gate.
    Gate,
    /// Nothing is left to hand out.
    End,
    /// It has gone as far as it was asked to.
    Until,
    /// A batch ended with blocked threads.
    Blocked,
    /// Another planner executes the batch.
    Held,
    /// Nothing can be handed out, and nobody works.
    Stuck,
    /// The host refuses all, or cannot be started.
    HostUnusable,
    /// A person ended it.
    Cancelled,
}

/// The planner of one run.
#[derive(Debug, Clone)]
pub struct Planner {
    until: Until,
    /// How many workers may run at once.
    max_parallel: usize,
    /// The batch that is executed, and the number of its stage.
    at: Option<(BatchId, u16)>,
    /// The batch whose cycle this run has opened last.
    opened: Option<BatchId>,
    /// The threads for which no worker can be started.
    left_out: BTreeSet<ThreadId>,
}

impl Planner {
    /// Returns the planner of a run that has done nothing yet. At most `max_parallel` workers, and at least one, run at
    /// once.
    pub fn new(until: Until, max_parallel: usize) -> Self {
        Self { until, max_parallel: max_parallel.max(1), at: None, opened: None, left_out: BTreeSet::new() }
    }

    /// Returns the batch that is executed.
    pub fn batch(&self) -> Option<BatchId> {
        self.at.map(|(batch, _)| batch)
    }

    /// Leaves a thread out from now on: no worker can be started for it.
    pub fn leave_out(&mut self, thread: ThreadId) {
        self.left_out.insert(thread);
    }

    /// Returns what to do after an answer of `next_batch`. `running` are the threads whose workers of this run live; they
    /// can have reported already. Empty: wait until something changes.
    pub fn next<C, N>(&mut self, answer: &NextBatch<C, N>, running: &BTreeSet<ThreadId>) -> Vec<Step> {
        let batch = answer.batch.as_ref().and_then(|batch| batch.id.parse::<BatchId>().ok());
        let stage = answer.stage.as_ref().map_or(0, |stage| stage.number);
        if !answer.resumed {
            self.opened = batch;
        }
        let mut steps = Vec::new();
        if let Some((before, of_stage)) = self.at.filter(|(before, _)| Some(*before) != batch) {
            // A worker that has reported may still write its last words.
            if !running.is_empty() {
                return steps;
            }
            self.at = None;
            steps.push(Step::Outcomes(before));
            let is_enough = match self.until {
                Until::Batch => true,
                Until::Stage => batch.is_some() && stage != of_stage,
                Until::Gate => false,
            };
            if is_enough {
                steps.push(Step::Stop(Stop::Until));
                return steps;
            }
        }
        let stop = match (answer.batch_completion_status, batch) {
            _ if answer.held_by.is_some() => Some(Stop::Held),
            (BatchCompletionStatus::AwaitingApproval, _) => Some(Stop::Gate),
            // The last stage has no batch behind its gate.
            (BatchCompletionStatus::NoIncompleteBatch, _) if answer.gate_command.is_some() => Some(Stop::Gate),
            (BatchCompletionStatus::Blocked, _) => Some(Stop::Blocked),
            (BatchCompletionStatus::InProgress, Some(_)) => None,
            (
                BatchCompletionStatus::InProgress
                | BatchCompletionStatus::Completed
                | BatchCompletionStatus::NoIncompleteBatch,
                _,
            ) => Some(Stop::End),
        };
        if let Some(stop) = stop {
            if running.is_empty() {
                steps.extend(self.at.take().map(|(batch, _)| Step::Outcomes(batch)));
                steps.push(Step::Stop(stop));
            }
            return steps;
        }
        if self.at.is_none() {
            self.at = batch.map(|batch| (batch, stage));
            steps.push(Step::Begin { resumed: self.opened != batch });
        }
        steps.extend(self.hand_out(answer, running));
        steps
    }

    /// Returns what to do in a batch that may be executed.
    fn hand_out<C, N>(&self, answer: &NextBatch<C, N>, running: &BTreeSet<ThreadId>) -> Vec<Step> {
        let has_status = |id: ThreadId, status: Status| {
            answer.threads.iter().any(|thread| id_of(thread) == Some(id) && thread.status == status.word())
        };
        let is_free = |id: &ThreadId| !running.contains(id) && !self.left_out.contains(id);
        // What is said of a blocked thread is advice to a planner that can judge. A program cannot.
        let reassigned = answer.failover.iter().filter(|decision| decision.action == DecisionAction::Reassign);
        let reassigned = reassigned.filter_map(|decision| decision.thread_id.parse::<ThreadId>().ok());
        let assign: Vec<Step> =
            reassigned.filter(|id| is_free(id) && has_status(*id, Status::Pending)).map(Step::Assign).collect();
        // Then the answer names other agents, and more threads to launch.
        if !assign.is_empty() {
            return assign;
        }
        let dispatched = answer.threads.iter().filter(|thread| answer.dispatch.contains(&thread.thread_id));
        let launches = dispatched.filter_map(|thread| {
            let id = id_of(thread).filter(is_free)?;
            let (name, agent) = (thread.name.clone(), thread.agent.clone());
            Some(Step::Launch(Launch { thread: id, name, attempt: thread.attempt, agent }))
        });
        let steps: Vec<Step> = launches.take(self.max_parallel.saturating_sub(running.len())).collect();
        if !steps.is_empty() || !running.is_empty() {
            return steps;
        }
        let others = answer.threads.iter().filter_map(id_of).filter(|id| has_status(*id, Status::InProgress));
        let others: Vec<ThreadId> = others.collect();
        vec![if others.is_empty() { Step::Stop(Stop::Stuck) } else { Step::WaitForOthers(others) }]
    }
}

fn id_of(thread: &DispatchThread) -> Option<ThreadId> {
    thread.thread_id.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{AgentSource, BatchSummary, OpenDecision, StageName};

    type Answer = NextBatch<String, String>;

    /// Returns an answer for batch `batch`, with threads as `01 pending`, `02 in_progress` and so on. The pending ones are
    /// to be launched.
    fn answer(batch: &str, threads: &[(&str, &'static str)]) -> Answer {
        let id = |thread: &str| format!("{batch}.{thread}");
        let thread = |(thread, status): &(&str, &'static str)| DispatchThread {
            thread_id: id(thread),
            name: format!("Thread {thread}"),
            status,
            agent: "default".to_owned(),
            agent_source: AgentSource::Plan,
            attempt: 1,
            summary: None,
        };
        Answer {
            batch_completion_status: BatchCompletionStatus::InProgress,
            workstream: "001-x".to_owned(),
            stage: Some(StageName { number: batch[..2].parse().unwrap(), name: "S".to_owned() }),
            batch: Some(BatchSummary { id: batch.to_owned(), name: "B".to_owned(), summary: String::new() }),
            cycle: Some(1),
            resumed: false,
            held_by: None,
            outcomes: None,
            threads: threads.iter().map(thread).collect(),
            dispatch: threads.iter().filter(|(_, status)| *status == "pending").map(|(thread, _)| id(thread)).collect(),
            waiting: Vec::new(),
            failover: Vec::new(),
            fallback_threads: Vec::new(),
            gate_command: None,
            next_user_command: None,
            warnings: Vec::new(),
        }
    }

    fn last_gate() -> Answer {
        Answer { gate_command: Some("!work approve".to_owned()), ..pause(BatchCompletionStatus::NoIncompleteBatch) }
    }

    fn pause(status: BatchCompletionStatus) -> Answer {
        Answer { batch_completion_status: status, batch: None, stage: None, ..answer("01.01", &[]) }
    }

    fn running(ids: &[&str]) -> BTreeSet<ThreadId> {
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    /// Returns the steps in short.
    fn told(steps: &[Step]) -> Vec<String> {
        let told = |step: &Step| match step {
            Step::Begin { resumed: false } => "begin".to_owned(),
            Step::Begin { resumed: true } => "go on".to_owned(),
            Step::Outcomes(batch) => format!("outcomes {batch}"),
            Step::Assign(thread) => format!("assign {thread}"),
            Step::Launch(launch) => format!("launch {} {} {}", launch.thread, launch.attempt, launch.agent),
            Step::WaitForOthers(threads) => format!("wait {}", threads.len()),
            Step::Stop(stop) => format!("stop {stop:?}"),
        };
        steps.iter().map(told).collect()
    }

    #[test]
    fn a_batch_is_handed_out_up_to_the_limit() {
        let mut planner = Planner::new(Until::Gate, 2);
        let three = [("01", "pending"), ("02", "pending"), ("03", "pending")];
        let steps = planner.next(&answer("01.01", &three), &running(&[]));
        assert_eq!(told(&steps), ["begin", "launch 01.01.01 1 default", "launch 01.01.02 1 default"]);
        let two_run = [("01", "in_progress"), ("02", "in_progress"), ("03", "pending")];
        assert_eq!(planner.next(&answer("01.01", &two_run), &running(&["01.01.01", "01.01.02"])), []);
        // The worker of 01 has failed, and its process still runs: neither a second one, nor one over the limit.
        let one_failed = [("01", "pending"), ("02", "in_progress"), ("03", "pending")];
        assert_eq!(planner.next(&answer("01.01", &one_failed), &running(&["01.01.01", "01.01.02"])), []);
        let steps = planner.next(&answer("01.01", &one_failed), &running(&["01.01.02"]));
        assert_eq!(told(&steps), ["launch 01.01.01 1 default"]);
    }

    #[test]
    fn decisions_on_pending_threads_are_carried_out_and_advice_on_blocked_ones_is_not() {
        let mut planner = Planner::new(Until::Gate, 4);
        let mut failed = answer("01.01", &[("01", "pending"), ("02", "blocked"), ("03", "in_progress")]);
        failed.dispatch.clear();
        failed.failover = ["01.01.01", "01.01.02"]
            .map(|thread| OpenDecision {
                thread_id: thread.to_owned(),
                action: DecisionAction::Reassign,
                agent: "other".to_owned(),
                attempt: 2,
            })
            .to_vec();
        assert_eq!(told(&planner.next(&failed, &running(&["01.01.03"]))), ["begin", "assign 01.01.01"]);
        // Its worker still runs.
        assert_eq!(planner.next(&failed, &running(&["01.01.01", "01.01.03"])), []);
    }

    #[test]
    fn a_run_goes_on_to_the_next_batch_and_stops_where_it_was_asked_to() {
        let rest = [("01", "pending")];
        for (until, next, wanted) in [
            (Until::Gate, "01.02", vec!["outcomes 01.01", "begin", "launch 01.02.01 1 default"]),
            (Until::Stage, "01.02", vec!["outcomes 01.01", "begin", "launch 01.02.01 1 default"]),
            (Until::Stage, "02.01", vec!["outcomes 01.01", "stop Until"]),
            (Until::Batch, "01.02", vec!["outcomes 01.01", "stop Until"]),
        ] {
            let mut planner = Planner::new(until, 1);
            planner.next(&answer("01.01", &rest), &running(&[]));
            // The last worker has reported, and still runs.
            assert_eq!(planner.next(&answer(next, &rest), &running(&["01.01.01"])), []);
            assert_eq!(told(&planner.next(&answer(next, &rest), &running(&[]))), wanted, "{until:?} {next}");
        }
    }

    #[test]
    fn what_was_open_before_is_gone_on_with() {
        let resumed = |batch| Answer { resumed: true, ..answer(batch, &[("01", "pending")]) };
        let mut planner = Planner::new(Until::Gate, 1);
        assert_eq!(told(&planner.next(&resumed("01.01"), &running(&[])))[0], "go on");
        // Opened while the last worker of the batch before wrote its last words.
        planner.next(&answer("01.02", &[("01", "pending")]), &running(&["01.01.01"]));
        assert_eq!(told(&planner.next(&resumed("01.02"), &running(&[])))[1], "begin");
    }

    #[test]
    fn a_run_stops_when_nothing_of_it_runs_any_more() {
        use BatchCompletionStatus::{AwaitingApproval, Blocked, NoIncompleteBatch};
        let blocked = Answer { batch_completion_status: Blocked, ..answer("01.01", &[("01", "blocked")]) };
        let held = Answer { held_by: Some("x".to_owned()), ..answer("01.01", &[("01", "in_progress")]) };
        for (stopped, wanted) in [
            (pause(AwaitingApproval), "Gate"),
            (pause(NoIncompleteBatch), "End"),
            (last_gate(), "Gate"),
            (blocked, "Blocked"),
            (held, "Held"),
        ] {
            let mut planner = Planner::new(Until::Gate, 1);
            assert_eq!(told(&planner.next(&stopped, &running(&[]))), [format!("stop {wanted}")]);
            planner.next(&answer("01.01", &[("01", "pending")]), &running(&[]));
            assert_eq!(planner.next(&stopped, &running(&["01.01.01"])), []);
            let steps = planner.next(&stopped, &running(&[]));
            assert_eq!(told(&steps), ["outcomes 01.01".to_owned(), format!("stop {wanted}")]);
        }
    }

    #[test]
    fn others_are_waited_for_and_nothing_else() {
        let mut planner = Planner::new(Until::Gate, 1);
        let theirs = answer("01.01", &[("01", "in_progress"), ("02", "completed")]);
        assert_eq!(told(&planner.next(&theirs, &running(&[]))), ["begin", "wait 1"]);
        let stuck = answer("01.01", &[("01", "blocked"), ("02", "completed")]);
        assert_eq!(told(&planner.next(&stuck, &running(&[]))), ["stop Stuck"]);
    }
}
