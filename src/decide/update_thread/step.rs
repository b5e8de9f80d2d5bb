//! What an update does to the board: one table, and one function for each of its rows.

use super::fence::AttemptRef;
use crate::board::{Attempt, AttemptStatus, Event, ReportedStatus, Status, Thread};
use crate::decide::cycles::{cycle_of, interrupt_running, name_thread, open_cycle_asked_for};
use crate::decide::facts::{Exhausted, Wanted};
use crate::decide::failover::{Decision, DecisionAction, all_reasons, decide_failure, open_decision};
use crate::decide::gates::require_ready;
use crate::decide::ledger::Ledger;
use crate::decide::refusal::Refusal;
use crate::decide::request::{Caller, UpdateThread};
use crate::decide::scene::{Scene, is_given_up};
use crate::plan::ThreadId;

/// One update on its way: the thread as it was when the request came, and the ledger.
pub(super) struct Step<'a, 's> {
    pub(super) scene: &'a Scene<'s>,
    pub(super) caller: Caller,
    pub(super) request: &'a UpdateThread,
    pub(super) report: String,
    pub(super) id: ThreadId,
    pub(super) thread: Thread,
    pub(super) ledger: &'a mut Ledger,
}

impl Step<'_, '_> {
    /// Carries the update out: one row for each status of the thread and each status that is reported (DESIGN §5).
    pub(super) fn carry_out(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        use ReportedStatus as Reported;
        use Status::{Blocked, Cancelled, Completed, InProgress, Pending};
        match (self.thread.status, self.request.status) {
            (Pending | Blocked, Reported::InProgress) => self.start(),
            (InProgress, Reported::InProgress) => self.heartbeat(),

            (InProgress, Reported::Completed) => self.complete_running(),
            (Pending, Reported::Completed) => self.complete_pending(meant),
            (Blocked, Reported::Completed) => self.complete_blocked(meant),

            (InProgress, Reported::Blocked) => self.block_running(),
            (Pending, Reported::Blocked) => self.give_up(meant),
            (Blocked, Reported::Blocked) => self.block_again(meant),

            (InProgress, Reported::Failed) => self.fail_running(),
            (Pending, Reported::Failed) => self.fail_pending(meant),
            (Blocked, Reported::Failed) => self.fail_blocked(meant),

            (Completed, Reported::Completed) | (Cancelled, Reported::Cancelled) => self.amend(),
            (Pending | InProgress | Blocked | Completed | Cancelled, Reported::Pending) => self.reset(),
            (Pending | InProgress | Blocked, Reported::Cancelled) => self.cancel(),

            (Completed, Reported::InProgress | Reported::Blocked | Reported::Failed | Reported::Cancelled)
            | (Cancelled, Reported::InProgress | Reported::Completed | Reported::Blocked | Reported::Failed) => {
                let (now, wanted) = (self.thread.status, Wanted::Reported(self.request.status));
                Err(Refusal::InvalidTransition { thread: self.id, now, wanted })
            }
        }
    }

    /// A report of a run that nobody recorded, of a blocked thread that a person had executed again, is of the cycle
    /// that was asked for.
    pub(super) fn open_cycle_asked_for(&mut self, meant: AttemptRef) {
        let of_next = match meant {
            AttemptRef::Next => true,
            AttemptRef::Latest => false,
            AttemptRef::Unspecified if self.request.status == ReportedStatus::Completed => {
                self.thread.latest().is_none()
            }
            AttemptRef::Unspecified => !self.was_tried(),
        };
        if of_next && self.request.status.is_report() && self.thread.status == Status::Blocked {
            open_cycle_asked_for(self.id.batch, self.ledger);
        }
    }

    fn start(&mut self) -> Result<Option<Decision>, Refusal> {
        self.require_ready()?;
        open_cycle_asked_for(self.id.batch, self.ledger);
        let cycle = self.open_cycle()?;
        let retries = self.require_a_run()?.is_some();
        if retries && self.thread.status == Status::Blocked {
            // The retry after a worker's own `blocked` is used when it starts.
            self.ledger.record(Event::RetryUsed { thread: self.id, after: self.thread.latest_number() });
        }
        self.record_start(cycle, self.caller);
        self.set_status(Status::InProgress, None);
        self.leave_breadcrumb();
        Ok(None)
    }

    fn heartbeat(&mut self) -> Result<Option<Decision>, Refusal> {
        let owner = self.thread.running().and_then(|attempt| attempt.server);
        match (owner, self.caller) {
            (Some(owner), Caller::Server(server)) if owner != server => {
                let attempt = self.thread.latest_number();
                let agent = self.scene.agent_used(self.ledger.board(), self.id);
                return Err(Refusal::AlreadyRunning { thread: self.id, attempt, agent });
            }
            (None, Caller::Server(server)) => {
                name_thread(self.scene, self.id, self.ledger);
                self.join_cycle();
                self.ledger.record(Event::AttemptAdopted { thread: self.id, server });
            }
            _ => {}
        }
        self.leave_breadcrumb();
        Ok(None)
    }

    fn complete_running(&mut self) -> Result<Option<Decision>, Refusal> {
        self.join_cycle();
        self.completed()
    }

    /// A run that nobody recorded.
    fn complete_pending(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        self.prepare_report(self.resolved(meant))?;
        self.completed()
    }

    /// The late success of a blocked thread is that of its latest attempt (DESIGN §5a.6), unless the caller names the
    /// next one or the thread never ran.
    fn complete_blocked(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        if meant != AttemptRef::Next && self.thread.latest().is_some() {
            self.require_ready()?;
            self.open_cycle()?;
            name_thread(self.scene, self.id, self.ledger);
        } else {
            self.prepare_report(AttemptRef::Next)?;
        }
        self.completed()
    }

    fn completed(&mut self) -> Result<Option<Decision>, Refusal> {
        self.end_latest(AttemptStatus::Completed, false);
        self.set_status(Status::Completed, Some(self.report.clone()));
        Ok(None)
    }

    fn block_running(&mut self) -> Result<Option<Decision>, Refusal> {
        self.join_cycle();
        self.blocked()
    }

    /// `blocked` reported of a thread that does not run: its planner stops its retries, also while a reassignment is
    /// open. No attempt says so, since none was made (DESIGN §5).
    fn give_up(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        if let Some(taken_over) = self.taken_over(meant)? {
            return Ok(Some(taken_over));
        }
        self.require_ready()?;
        if self.is_history(meant) {
            self.amend_history();
            return Ok(open_decision(self.scene, self.ledger.board(), self.id));
        }
        self.open_cycle()?;
        name_thread(self.scene, self.id, self.ledger);
        self.ledger.record(Event::GivenUp { thread: self.id });
        self.set_status(Status::Blocked, Some(self.report.clone()));
        Ok(open_decision(self.scene, self.ledger.board(), self.id))
    }

    fn block_again(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        if self.is_given_up() {
            return self.amend_given_up();
        }
        if self.amends_nothing(meant)? {
            return Ok(open_decision(self.scene, self.ledger.board(), self.id));
        }
        if self.is_history(meant) {
            self.amend_history();
            return Ok(open_decision(self.scene, self.ledger.board(), self.id));
        }
        self.prepare_report(meant)?;
        self.blocked()
    }

    fn blocked(&mut self) -> Result<Option<Decision>, Refusal> {
        self.end_latest(AttemptStatus::Failed, self.request.transient);
        self.set_status(Status::Blocked, Some(self.report.clone()));
        Ok(open_decision(self.scene, self.ledger.board(), self.id))
    }

    fn is_given_up(&self) -> bool {
        is_given_up(self.ledger.board(), self.id)
    }

    /// What is said of a thread that was given up changes its reason, no more.
    fn amend_given_up(&mut self) -> Result<Option<Decision>, Refusal> {
        self.require_ready()?;
        if self.report != self.thread.report || !self.names_nothing_new() {
            self.set_status(Status::Blocked, Some(self.report.clone()));
        }
        Ok(open_decision(self.scene, self.ledger.board(), self.id))
    }

    fn fail_running(&mut self) -> Result<Option<Decision>, Refusal> {
        self.join_cycle();
        self.failed()
    }

    /// A failure of a run that nobody recorded, or one that is reported a second time.
    fn fail_pending(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        self.require_ready()?;
        if let Some(taken_over) = self.taken_over(meant)? {
            return Ok(Some(taken_over));
        }
        if self.is_history(meant) {
            self.amend_history();
            return Ok(None);
        }
        if let Some(same) = self.same_failure(meant) {
            return Ok(Some(same));
        }
        self.prepare_report(self.resolved(meant))?;
        self.failed()
    }

    fn fail_blocked(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        if self.is_given_up() {
            return self.amend_given_up();
        }
        if self.was_tried() {
            return self.amend_failure(meant);
        }
        self.require_ready()?;
        if self.is_history(meant) {
            self.amend_history();
            return Ok(None);
        }
        self.prepare_report(meant)?;
        self.failed()
    }

    /// Lets failover decide what follows.
    fn failed(&mut self) -> Result<Option<Decision>, Refusal> {
        self.end_latest(AttemptStatus::Failed, self.request.transient);
        let decision = decide_failure(self.scene, self.id, &self.report, self.ledger);
        if self.request.artifacts.is_some() || self.request.next_steps.is_some() {
            self.set_status(self.ledger.board().status(self.id), None);
        }
        Ok(Some(decision))
    }

    /// A report that names no attempt, of a thread that was reassigned and not started since, is of the
    /// new agent's run, not of the attempt that failed before.
    fn resolved(&self, meant: AttemptRef) -> AttemptRef {
        if meant == AttemptRef::Unspecified && self.is_given_away() { AttemptRef::Next } else { meant }
    }

    /// Returns who has the thread now, where the report names an attempt after which the thread was given
    /// to another agent: told again or told late, it does not take the thread away from its new agent.
    fn taken_over(&self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        if meant != AttemptRef::Latest || !self.is_given_away() {
            return Ok(None);
        }
        self.require_ready()?;
        Ok(Some(self.given_away()))
    }

    /// Returns whether the thread waits for its first run by another agent.
    fn is_given_away(&self) -> bool {
        let cycle = self.ledger.board().open_cycle_of(self.id.batch);
        let given_after = cycle.and_then(|cycle| cycle.budget(self.id).carried_out_after());
        self.thread.status == Status::Pending && given_after == Some(self.thread.latest_number())
    }

    fn given_away(&self) -> Decision {
        Decision {
            action: DecisionAction::Reassign,
            agent: self.scene.agent(self.ledger.board(), self.id).0,
            attempt: self.thread.next_number(),
        }
    }

    /// `failed` said of a blocked thread that was tried in this cycle: the report changes, no more.
    fn amend_failure(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        if !self.amends_nothing(meant)? {
            let exhausted = self.decision_is(DecisionAction::Block);
            let was_transient = self.thread.latest().is_some_and(|latest| latest.transient);
            // What was decided to be the end is not decided anew.
            self.end_latest(AttemptStatus::Failed, if exhausted { was_transient } else { self.request.transient });
            let report = if exhausted { all_reasons(self.ledger.board(), self.id) } else { None };
            self.set_status(Status::Blocked, Some(report.unwrap_or_else(|| self.report.clone())));
        }
        Ok(open_decision(self.scene, self.ledger.board(), self.id))
    }

    /// Returns the decision that stands, where a pending thread's failure is told a second time, by
    /// its worker and by the planner (DESIGN §5a.8).
    fn same_failure(&self, meant: AttemptRef) -> Option<Decision> {
        let board = self.ledger.board();
        let cycle = board.open_cycle_of(self.id.batch)?;
        let latest = self.thread.attempts_in(self.id, cycle).next_back()?;
        if latest.status != AttemptStatus::Failed {
            return None;
        }
        let open = open_decision(self.scene, board, self.id);
        let same = match meant {
            AttemptRef::Latest => true,
            AttemptRef::Next => false,
            AttemptRef::Unspecified => latest.report == self.report,
        };
        match open {
            Some(decision) if same => Some(decision),
            // What was decided is done already: the thread was reassigned.
            None if same => Some(self.given_away()),
            _ => None,
        }
    }

    fn amend(&mut self) -> Result<Option<Decision>, Refusal> {
        let same_report = self.report.is_empty() || self.report == self.thread.report;
        if !(same_report && self.names_nothing_new()) {
            if self.thread.status == Status::Completed {
                self.end_latest(AttemptStatus::Completed, false);
            }
            self.set_status(self.thread.status, self.new_report());
        }
        Ok(None)
    }

    fn reset(&mut self) -> Result<Option<Decision>, Refusal> {
        if self.thread.status == Status::Blocked {
            open_cycle_asked_for(self.id.batch, self.ledger);
        }
        let after = self.thread.latest_number();
        let has_cycle = match self.ledger.board().open_cycle_of(self.id.batch) {
            Some(cycle) if cycle.budget(self.id) != cycle.budget(self.id).renewed(after) => true,
            _ if self.thread.status == Status::Pending => return Ok(None),
            cycle => cycle.is_some(),
        };
        name_thread(self.scene, self.id, self.ledger);
        self.interrupt("set to pending by a person");
        if has_cycle {
            self.ledger.record(Event::BudgetsReset { thread: self.id, after });
        }
        self.set_status(Status::Pending, self.new_report());
        Ok(None)
    }

    fn cancel(&mut self) -> Result<Option<Decision>, Refusal> {
        name_thread(self.scene, self.id, self.ledger);
        self.interrupt("cancelled by a person");
        self.set_status(Status::Cancelled, self.new_report());
        Ok(None)
    }

    fn new_report(&self) -> Option<String> {
        (!self.report.is_empty()).then(|| self.report.clone())
    }

    fn interrupt(&mut self, reason: &str) {
        let report = if self.report.is_empty() { reason } else { &self.report };
        interrupt_running(self.id, report, self.ledger);
    }

    fn require_ready(&self) -> Result<(), Refusal> {
        require_ready(self.scene, self.ledger.board(), self.id.batch)
    }

    fn open_cycle(&mut self) -> Result<u32, Refusal> {
        cycle_of(self.scene, self.id.batch, self.caller, self.ledger)
    }

    /// Returns whether an attempt of the thread counts in the open cycle.
    fn was_tried(&self) -> bool {
        let cycle = self.ledger.board().open_cycle_of(self.id.batch);
        cycle.is_some_and(|cycle| self.thread.attempts_in(self.id, cycle).next().is_some())
    }

    fn decision_is(&self, action: DecisionAction) -> bool {
        open_decision(self.scene, self.ledger.board(), self.id).is_some_and(|decision| decision.action == action)
    }

    /// Returns whether a report of a blocked thread says nothing new; a gate that is shut refuses it.
    fn amends_nothing(&self, meant: AttemptRef) -> Result<bool, Refusal> {
        self.require_ready()?;
        let Some(latest) = self.thread.latest() else { return Ok(false) };
        Ok(self.thread.status == Status::Blocked
            && meant != AttemptRef::Next
            && self.was_tried()
            && latest.report == self.report
            && latest.transient == self.request.transient
            && self.names_nothing_new())
    }

    /// Returns whether the artifacts and next steps, where any are given, are the ones that are known.
    fn names_nothing_new(&self) -> bool {
        let same = |given: &Option<Vec<String>>, known: &Vec<String>| given.as_ref().is_none_or(|given| given == known);
        same(&self.request.artifacts, &self.thread.artifacts) && same(&self.request.next_steps, &self.thread.next_steps)
    }

    /// Returns whether a report is about an attempt that was named and that counts in no open cycle, or only in one that
    /// a person has written off. It is history: nothing is decided and nothing is charged.
    fn is_history(&self, meant: AttemptRef) -> bool {
        meant == AttemptRef::Latest && self.thread.latest().is_some() && !self.was_tried()
    }

    /// Changes the report of an attempt that is history, if it failed.
    fn amend_history(&mut self) {
        let is_amended = |latest: &Attempt| latest.status == AttemptStatus::Failed && latest.report != self.report;
        if self.thread.latest().is_some_and(is_amended) {
            self.end_latest(AttemptStatus::Failed, self.request.transient);
        }
    }

    /// Lets the running attempt count in the open cycle of its batch, which is opened where the batch
    /// is ready and no other planner is in the way. Else the attempt counts in none.
    fn join_cycle(&mut self) {
        if self.ledger.board().open_cycle_of(self.id.batch).is_none() {
            let is_planned = self.scene.plan.thread(self.id).is_some();
            if !is_planned || self.require_ready().is_err() || self.open_cycle().is_err() {
                return;
            }
        }
        let board = self.ledger.board();
        let Some(cycle) = board.open_cycle_of(self.id.batch).map(|cycle| cycle.number) else { return };
        let agent = self.scene.current_agent(board, self.id);
        let joins = self.thread.latest().is_some_and(|latest| latest.cycle != Some(cycle) || latest.agent != agent);
        if joins {
            self.ledger.record(Event::AttemptJoined { thread: self.id, cycle, agent });
        }
    }

    /// Prepares a report on a thread that is pending or blocked: where the attempt that is meant is none that the thread
    /// has in the open cycle, it records one of no length (DESIGN §5a.6). The caller ends it.
    fn prepare_report(&mut self, meant: AttemptRef) -> Result<(), Refusal> {
        self.require_ready()?;
        let cycle = self.open_cycle()?;
        name_thread(self.scene, self.id, self.ledger);
        let is_unspecified = meant == AttemptRef::Unspecified;
        let latest_failed = self.thread.latest().is_some_and(|latest| latest.status == AttemptStatus::Failed);
        let another_failure = is_unspecified && self.request.status == ReportedStatus::Failed && latest_failed;
        let was_not_tried = is_unspecified && !self.was_tried();
        if meant == AttemptRef::Next || another_failure || was_not_tried {
            if self.request.status != ReportedStatus::Completed {
                self.require_a_run()?;
            }
            self.record_start(cycle, Caller::CommandLine);
        }
        Ok(())
    }

    /// Refuses a run that could not have been: the thread waits for its reassignment, or for nothing.
    fn require_a_run(&self) -> Result<Option<Decision>, Refusal> {
        let decision = open_decision(self.scene, self.ledger.board(), self.id);
        match decision {
            Some(Decision { action: DecisionAction::Reassign, agent, .. }) => {
                Err(Refusal::ReassignmentRequired { thread: self.id, candidate: agent })
            }
            Some(Decision { action: DecisionAction::Block, .. }) => Err(Refusal::FailoverExhausted {
                thread: self.id,
                why: if self.is_given_up() { Exhausted::GivenUp } else { Exhausted::BudgetsUsed },
                now: self.thread.status,
            }),
            decision => Ok(decision),
        }
    }

    fn record_start(&mut self, cycle: u32, owner: Caller) {
        name_thread(self.scene, self.id, self.ledger);
        let (agent, _) = self.scene.agent(self.ledger.board(), self.id);
        self.ledger.record(Event::AttemptStarted {
            thread: self.id,
            number: self.thread.next_number(),
            agent,
            server: owner.server(),
            cycle: Some(cycle),
        });
    }

    fn end_latest(&mut self, status: AttemptStatus, transient: bool) {
        self.ledger.record(Event::AttemptEnded { thread: self.id, status, report: self.report.clone(), transient });
    }

    fn leave_breadcrumb(&mut self) {
        if !self.report.is_empty() && self.report != self.thread.breadcrumb {
            name_thread(self.scene, self.id, self.ledger);
            self.ledger.record(Event::BreadcrumbLeft { thread: self.id, text: self.report.clone() });
        }
    }

    fn set_status(&mut self, status: Status, report: Option<String>) {
        let is_report = self.request.status.is_report();
        self.ledger.record(Event::ThreadBecame {
            thread: self.id,
            status,
            report,
            artifacts: self.request.artifacts.clone().filter(|_| is_report),
            next_steps: self.request.next_steps.clone().filter(|_| is_report),
        });
    }
}
