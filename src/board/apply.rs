//! How an event changes the board. Here are no rules: [`crate::decide`] has checked them before it records an event.

use super::{Attempt, AttemptStatus, Board, Budget, Cycle, CycleState, Event};
use crate::moment::Moment;
use crate::plan::ThreadId;

/// Returns what the event changes. If that is missing from the board, the program has a bug: a debug build panics, and
/// a release build leaves the board as it is.
fn fitting<T>(event: &Event, found: Option<T>) -> Option<T> {
    debug_assert!(found.is_some(), "nothing on the board fits the event: {event:?}");
    found
}

impl Board {
    /// Changes the board as the event says. `at` is the time of the event.
    #[expect(clippy::too_many_lines, reason = "one arm per event reads best in one place")]
    pub fn apply(&mut self, event: &Event, at: Moment) {
        match event {
            Event::CycleOpened { batch, number, holder } => {
                self.close_cycle(at);
                self.cycles.push(Cycle {
                    batch: *batch,
                    number: *number,
                    state: CycleState::Open { holder: *holder },
                    retry_asked: false,
                    budgets: std::collections::BTreeMap::new(),
                    left: false,
                    opened_at: Some(at),
                    taken_over_at: None,
                    released_at: None,
                });
            }
            Event::RecordsMoved(moves) => self.move_records(moves),
            Event::CycleClosed => self.close_cycle(at),
            Event::CycleHeld { holder } => {
                if let Some(cycle) = fitting(event, self.open_cycle_mut()) {
                    cycle.state = CycleState::Open { holder: *holder };
                    match holder {
                        Some(_) => cycle.taken_over_at = Some(at),
                        None => cycle.released_at = Some(at),
                    }
                }
            }
            Event::RetryAsked => {
                if let Some(cycle) = fitting(event, self.open_cycle_mut()) {
                    cycle.retry_asked = true;
                }
            }
            Event::ThreadNamed { thread, name, stage_name, batch_name } => {
                let thread = self.thread_mut(*thread);
                thread.name = Some(name.clone());
                thread.stage_name = Some(stage_name.clone());
                thread.batch_name = Some(batch_name.clone());
            }
            Event::AttemptStarted { thread, number, agent, server, cycle } => {
                self.take_up_again(*thread);
                self.thread_mut(*thread).attempts.push(Attempt {
                    number: *number,
                    agent: agent.clone(),
                    status: AttemptStatus::Running,
                    cycle: *cycle,
                    report: String::new(),
                    transient: false,
                    server: *server,
                    started_at: Some(at),
                    heard_at: None,
                    completed_at: None,
                    checks: Vec::new(),
                    failed_checks: 0,
                    usage: None,
                });
            }
            Event::AttemptAdopted { thread, server } => {
                if let Some(attempt) = fitting(event, self.latest_attempt_mut(*thread)) {
                    attempt.server = Some(*server);
                }
            }
            Event::AttemptJoined { thread, cycle, agent } => {
                if let Some(attempt) = fitting(event, self.latest_attempt_mut(*thread)) {
                    attempt.cycle = Some(*cycle);
                    attempt.agent.clone_from(agent);
                }
            }
            Event::AttemptEnded { thread, status, report, transient } => {
                if let Some(attempt) = fitting(event, self.latest_attempt_mut(*thread)) {
                    // A later change of the report does not change when the attempt ended.
                    if attempt.status == AttemptStatus::Running {
                        attempt.completed_at = Some(at);
                    }
                    attempt.status = *status;
                    attempt.report.clone_from(report);
                    attempt.transient = *transient;
                }
            }
            Event::ChecksRan { thread, checks, failed } => {
                if let Some(attempt) = fitting(event, self.latest_attempt_mut(*thread)) {
                    attempt.checks.clone_from(checks);
                    attempt.failed_checks = attempt.failed_checks.saturating_add(u32::from(*failed));
                }
            }
            Event::AttemptUncounted { thread } => {
                if let Some(attempt) = fitting(event, self.latest_attempt_mut(*thread)) {
                    attempt.cycle = None;
                }
            }
            Event::UsageTold { thread, attempt, usage } => {
                if let Some(attempt) = fitting(event, self.attempt_mut(*thread, *attempt)) {
                    attempt.usage = Some(*usage);
                }
            }
            Event::EvidenceSeen { thread, unproven } => {
                self.thread_mut(*thread).unproven.clone_from(unproven);
            }
            Event::BreadcrumbLeft { thread, text } => {
                self.thread_mut(*thread).breadcrumb.clone_from(text);
                if let Some(attempt) = self.latest_attempt_mut(*thread) {
                    attempt.heard_at = Some(at);
                }
            }
            Event::ThreadBecame { thread, status, report, artifacts, next_steps } => {
                let thread = self.thread_mut(*thread);
                thread.status = *status;
                if let Some(report) = report {
                    thread.report.clone_from(report);
                }
                if let Some(artifacts) = artifacts {
                    thread.artifacts.clone_from(artifacts);
                }
                if let Some(next_steps) = next_steps {
                    thread.next_steps.clone_from(next_steps);
                }
            }
            Event::AgentAssigned { thread, agent } => {
                let thread = self.thread_mut(*thread);
                thread.assigned_agent = Some(agent.clone());
                thread.assigned_at = Some(at);
            }
            Event::AssignmentCleared { thread } => {
                let thread = self.thread_mut(*thread);
                thread.assigned_agent = None;
                thread.assigned_at = None;
            }
            Event::RetryUsed { thread, after } => {
                if let Some(budget) = fitting(event, self.budget_mut(*thread)) {
                    budget.retried_after = Some(*after);
                }
            }
            Event::ReassignmentUsed { thread, after, reason } => {
                self.take_up_again(*thread);
                if let Some(budget) = fitting(event, self.budget_mut(*thread)) {
                    budget.reassigned_after = Some(*after);
                    budget.reason.clone_from(reason);
                }
            }
            Event::AssignedByPerson { thread, after, reason } => {
                self.take_up_again(*thread);
                if let Some(budget) = fitting(event, self.budget_mut(*thread)) {
                    budget.assigned_after = Some(*after);
                    budget.reason.clone_from(reason);
                }
            }
            Event::GivenUp { thread } => {
                if let Some(budget) = fitting(event, self.budget_mut(*thread)) {
                    budget.given_up = true;
                }
            }
            Event::BudgetsReset { thread, after } => {
                if let Some(budget) = fitting(event, self.budget_mut(*thread)) {
                    *budget = budget.renewed(*after);
                }
            }
        }
    }

    fn open_cycle_mut(&mut self) -> Option<&mut Cycle> {
        self.cycles.iter_mut().rev().find(|cycle| cycle.is_open())
    }

    fn close_cycle(&mut self, at: Moment) {
        if let Some(cycle) = self.open_cycle_mut() {
            cycle.state = CycleState::Closed { at: Some(at) };
        }
    }

    /// Takes back that the thread was given up: it has an attempt or an agent again.
    fn take_up_again(&mut self, thread: ThreadId) {
        let cycle = self.open_cycle_mut().filter(|cycle| cycle.batch == thread.batch);
        if let Some(budget) = cycle.and_then(|cycle| cycle.budgets.get_mut(&thread)) {
            budget.given_up = false;
        }
    }

    fn latest_attempt_mut(&mut self, thread: ThreadId) -> Option<&mut Attempt> {
        self.threads.get_mut(thread)?.attempts.last_mut()
    }

    fn attempt_mut(&mut self, thread: ThreadId, number: u32) -> Option<&mut Attempt> {
        self.threads.get_mut(thread)?.attempts.iter_mut().find(|attempt| attempt.number == number)
    }

    /// Returns the budget of the thread in the open cycle of its batch. It adds one if there is none.
    fn budget_mut(&mut self, thread: ThreadId) -> Option<&mut Budget> {
        let cycle = self.open_cycle_mut().filter(|cycle| cycle.batch == thread.batch)?;
        Some(cycle.budgets.entry(thread).or_default())
    }
}
