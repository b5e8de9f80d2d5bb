//! What an update does to the board: one table, and one function for each of its rows.

use super::fence::AttemptRef;
use crate::board::{Attempt, AttemptStatus, Event, ReportedStatus, Status, Thread};
use crate::decide::cycles::{cycle_of, interrupt_running, name_thread, open_cycle_asked_for};
use crate::decide::facts::{Exhausted, Wanted};
use crate::decide::failover::{Decision, DecisionAction, all_reasons, decide_failure, open_decision};
use crate::decide::gates::{is_approved, require_ready};
use crate::decide::ledger::Ledger;
use crate::decide::refusal::Refusal;
use crate::decide::request::{Caller, UpdateThread};
use crate::decide::scene::{Scene, is_given_up, waits_for};
use crate::index::StreamStatus;
use crate::plan::ThreadId;

/// One update that is being carried out.
///
/// `thread` is the record before the update, `report` the trimmed text of the request. The functions record events in
/// `ledger`, and ask its board what has changed since.
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

            (InProgress, Reported::Completed) => Ok(self.complete_running()),
            (Pending, Reported::Completed) => self.complete_pending(meant),
            (Blocked, Reported::Completed) => self.complete_blocked(meant),

            (InProgress, Reported::Blocked) => Ok(self.block_running()),
            (Pending, Reported::Blocked) => self.give_up(meant),
            (Blocked, Reported::Blocked) => self.block_again(meant),

            (InProgress, Reported::Failed) => Ok(Some(self.fail_running())),
            (Pending, Reported::Failed) => self.fail_pending(meant),
            (Blocked, Reported::Failed) => self.fail_blocked(meant),

            (Completed, Reported::Completed) | (Cancelled, Reported::Cancelled) => self.amend(),
            (Pending | InProgress | Blocked | Completed | Cancelled, Reported::Pending) => Ok(self.reset()),
            (Pending | InProgress | Blocked, Reported::Cancelled) => Ok(self.cancel()),

            (Completed, Reported::InProgress | Reported::Blocked | Reported::Failed | Reported::Cancelled)
            | (Cancelled, Reported::InProgress | Reported::Completed | Reported::Blocked | Reported::Failed) => {
                let (now, wanted) = (self.thread.status, Wanted::Reported(self.request.status));
                Err(Refusal::InvalidTransition { thread: self.id, now, wanted })
            }
        }
    }

    /// Opens the cycle that a person asked for, if this is a report on a blocked thread and about an attempt that
    /// nobody recorded. Such an attempt was made after the person asked, so it counts in the new cycle.
    pub(super) fn open_cycle_asked_for(&mut self, meant: AttemptRef) {
        let of_next = match meant {
            AttemptRef::Next => true,
            AttemptRef::Latest => false,
            // A late success belongs to the latest attempt, if there is one (DESIGN §5a.6).
            AttemptRef::Unspecified if self.request.status == ReportedStatus::Completed => {
                self.thread.latest().is_none()
            }
            AttemptRef::Unspecified => !self.was_tried(),
        };
        if of_next && self.request.status.is_report() && self.thread.status == Status::Blocked {
            open_cycle_asked_for(self.id.batch, self.ledger);
        }
    }

    /// Starts the next attempt, if the gates and failover allow one.
    fn start(&mut self) -> Result<Option<Decision>, Refusal> {
        self.require_ready()?;
        open_cycle_asked_for(self.id.batch, self.ledger);
        let cycle = self.open_cycle()?;
        let retries = self.require_a_run()?.is_some();
        if retries && self.thread.status == Status::Blocked {
            // After a worker's `blocked` the retry is only advice, so it is used when it starts (DESIGN §5a.9).
            self.ledger.record(Event::RetryUsed { thread: self.id, after: self.thread.latest_number() });
        }
        self.record_start(cycle, self.caller);
        self.set_status(Status::InProgress, None);
        self.leave_breadcrumb();
        Ok(None)
    }

    /// Keeps the running attempt going. An attempt without an owner becomes the calling server's; one of another living
    /// server is refused, as there may be only one worker. The sweep has already ended those of dead servers.
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

    fn complete_running(&mut self) -> Option<Decision> {
        self.join_cycle();
        self.completed()
    }

    /// Completes a pending thread: the attempt ran, but its start was never reported.
    fn complete_pending(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        self.prepare_report(self.resolved(meant))?;
        Ok(self.completed())
    }

    /// Completes a blocked thread. The success is that of its latest attempt (DESIGN §5a.6), unless the caller names
    /// the next one or the thread never ran.
    fn complete_blocked(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        if meant != AttemptRef::Next && self.thread.latest().is_some() {
            self.require_ready()?;
            self.open_cycle()?;
            name_thread(self.scene, self.id, self.ledger);
        } else {
            self.prepare_report(AttemptRef::Next)?;
        }
        Ok(self.completed())
    }

    /// Ends the latest attempt and the thread as completed.
    fn completed(&mut self) -> Option<Decision> {
        self.end_latest(AttemptStatus::Completed, false);
        self.set_status(Status::Completed, Some(self.report.clone()));
        None
    }

    fn block_running(&mut self) -> Option<Decision> {
        self.join_cycle();
        self.blocked()
    }

    /// Carries out `blocked` reported of a pending thread: its planner gives it up in this cycle, even while it waits
    /// for a reassignment. No attempt is recorded, because none was made (DESIGN §5).
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

    /// Carries out `blocked` reported of a blocked thread: it changes the report of an attempt, or records an attempt
    /// that nobody has reported.
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
        Ok(self.blocked())
    }

    /// Ends the latest attempt as failed and the thread as blocked. The open decision is advice to the planner.
    fn blocked(&mut self) -> Option<Decision> {
        self.end_latest(AttemptStatus::Failed, self.request.transient);
        self.set_status(Status::Blocked, Some(self.report.clone()));
        open_decision(self.scene, self.ledger.board(), self.id)
    }

    fn is_given_up(&self) -> bool {
        is_given_up(self.ledger.board(), self.id)
    }

    /// Carries out `blocked` or `failed` reported of a thread that was given up: only its texts change.
    fn amend_given_up(&mut self) -> Result<Option<Decision>, Refusal> {
        self.require_ready()?;
        if self.report != self.thread.report || !self.names_nothing_new() {
            self.set_status(Status::Blocked, Some(self.report.clone()));
        }
        Ok(open_decision(self.scene, self.ledger.board(), self.id))
    }

    fn fail_running(&mut self) -> Decision {
        self.join_cycle();
        self.failed()
    }

    /// Carries out `failed` reported of a pending thread (DESIGN §5a.8). The question is whether this is a new failure
    /// or one that was reported before: a worker and its planner often both report the same one.
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
        Ok(Some(self.failed()))
    }

    /// Carries out `failed` reported of a blocked thread. If it was tried in this cycle, its failure is known already.
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
        Ok(Some(self.failed()))
    }

    /// Ends the latest attempt as failed, and lets failover decide what follows.
    fn failed(&mut self) -> Decision {
        self.end_latest(AttemptStatus::Failed, self.request.transient);
        let decision = decide_failure(self.scene, self.id, &self.report, self.ledger);
        // Failover sets status and report, but knows nothing of the lists in the request.
        if self.request.artifacts.is_some() || self.request.next_steps.is_some() {
            self.set_status(self.ledger.board().status(self.id), None);
        }
        decision
    }

    /// Returns the attempt that is meant if the caller named none: after a reassignment that has not started it is the
    /// new agent's attempt, not the one that failed before (DESIGN §5a.7).
    fn resolved(&self, meant: AttemptRef) -> AttemptRef {
        if meant == AttemptRef::Unspecified && self.is_given_away() { AttemptRef::Next } else { meant }
    }

    /// Returns the reassignment, if the report names the attempt after which the thread was given to another agent.
    /// Such a report comes late or twice, and must not take the thread away from its new agent.
    fn taken_over(&self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        if meant != AttemptRef::Latest || !self.is_given_away() {
            return Ok(None);
        }
        self.require_ready()?;
        Ok(Some(self.given_away()))
    }

    /// Returns whether the thread was given to another agent that has not started it yet.
    fn is_given_away(&self) -> bool {
        let cycle = self.ledger.board().open_cycle_of(self.id.batch);
        let given_after = cycle.and_then(|cycle| cycle.budget(self.id).carried_out_after());
        self.thread.status == Status::Pending && given_after == Some(self.thread.latest_number())
    }

    /// Returns the reassignment that was carried out, as the decision that is answered again.
    fn given_away(&self) -> Decision {
        Decision {
            action: DecisionAction::Reassign,
            agent: self.scene.agent(self.ledger.board(), self.id).0,
            attempt: self.thread.next_number(),
        }
    }

    /// Carries out `failed` reported of a blocked thread that was tried in this cycle: only the texts change.
    fn amend_failure(&mut self, meant: AttemptRef) -> Result<Option<Decision>, Refusal> {
        if !self.amends_nothing(meant)? {
            let exhausted = self.decision_is(DecisionAction::Block);
            let was_transient = self.thread.latest().is_some_and(|latest| latest.transient);
            // If failover has already decided `block`, a later `transient` must not lead to another decision.
            self.end_latest(AttemptStatus::Failed, if exhausted { was_transient } else { self.request.transient });
            let report = if exhausted { all_reasons(self.ledger.board(), self.id) } else { None };
            self.set_status(Status::Blocked, Some(report.unwrap_or_else(|| self.report.clone())));
        }
        Ok(open_decision(self.scene, self.ledger.board(), self.id))
    }

    /// Returns the decision that was answered before, if worker and planner report the same failure of a pending thread
    /// (DESIGN §5a.8). `None`: it is a new failure.
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
            // The decision was carried out already: the thread was reassigned.
            None if same => Some(self.given_away()),
            _ => None,
        }
    }

    /// Changes the texts of a completed or cancelled thread. A call that says nothing new records nothing. What a person
    /// has signed off changes by a person's `--force` only (DESIGN §5).
    fn amend(&mut self) -> Result<Option<Decision>, Refusal> {
        let same_report = self.report.is_empty() || self.report == self.thread.report;
        if same_report && self.names_nothing_new() {
            return Ok(None);
        }
        if !self.request.force {
            self.require_not_signed_off()?;
        }
        if self.thread.status == Status::Completed {
            self.end_latest(AttemptStatus::Completed, false);
        }
        self.set_status(self.thread.status, self.new_report());
        Ok(None)
    }

    fn require_not_signed_off(&self) -> Result<(), Refusal> {
        let stage = self.id.batch.stage;
        let is_completed = self.scene.entry.is_some_and(|entry| entry.status == Some(StreamStatus::Completed));
        let stage = is_approved(self.scene, stage).then_some(stage);
        if is_completed || stage.is_some() {
            return Err(Refusal::SignedOff { thread: self.id, stage });
        }
        Ok(())
    }

    /// Makes the thread pending, as a person asked, with fresh budgets if a cycle of its batch is open (DESIGN §5a.5).
    fn reset(&mut self) -> Option<Decision> {
        if self.thread.status == Status::Blocked {
            open_cycle_asked_for(self.id.batch, self.ledger);
        }
        let after = self.thread.latest_number();
        // A pending thread whose budgets are fresh needs nothing: the call is idempotent.
        let has_cycle = match self.ledger.board().open_cycle_of(self.id.batch) {
            Some(cycle) if cycle.budget(self.id) != cycle.budget(self.id).renewed(after) => true,
            _ if self.thread.status == Status::Pending => return None,
            cycle => cycle.is_some(),
        };
        name_thread(self.scene, self.id, self.ledger);
        self.interrupt("set to pending by a person");
        if has_cycle {
            self.ledger.record(Event::BudgetsReset { thread: self.id, after });
        }
        self.set_status(Status::Pending, self.new_report());
        None
    }

    fn cancel(&mut self) -> Option<Decision> {
        name_thread(self.scene, self.id, self.ledger);
        self.interrupt("cancelled by a person");
        self.set_status(Status::Cancelled, self.new_report());
        None
    }

    fn new_report(&self) -> Option<String> {
        (!self.report.is_empty()).then(|| self.report.clone())
    }

    fn interrupt(&mut self, reason: &str) {
        let report = if self.report.is_empty() { reason } else { &self.report };
        interrupt_running(self.id, report, self.ledger);
    }

    /// Refuses while a gate or an earlier batch stands before the thread, or it waits for other threads of its batch
    /// (DESIGN §5c). A planner may give up a thread that waits.
    fn require_ready(&self) -> Result<(), Refusal> {
        let board = self.ledger.board();
        require_ready(self.scene, board, self.id.batch)?;
        let thread = self.scene.plan.batch(self.id.batch).and_then(|batch| Some((batch, batch.thread(self.id)?)));
        let after = thread.map(|(batch, thread)| waits_for(board, batch, thread)).unwrap_or_default();
        let waits = !after.is_empty() && self.request.status != ReportedStatus::Blocked && !self.request.force;
        if waits { Err(Refusal::WaitsFor { thread: self.id, after }) } else { Ok(()) }
    }

    fn open_cycle(&mut self) -> Result<u32, Refusal> {
        cycle_of(self.scene, self.id.batch, self.caller, self.ledger)
    }

    /// Returns whether the thread has an attempt that counts in the open cycle of its batch.
    fn was_tried(&self) -> bool {
        let cycle = self.ledger.board().open_cycle_of(self.id.batch);
        cycle.is_some_and(|cycle| self.thread.attempts_in(self.id, cycle).next().is_some())
    }

    fn decision_is(&self, action: DecisionAction) -> bool {
        open_decision(self.scene, self.ledger.board(), self.id).is_some_and(|decision| decision.action == action)
    }

    /// Returns whether a report on a blocked thread repeats the one before, so that nothing must change.
    ///
    /// # Errors
    ///
    /// Those of [`require_ready`]: while a gate is shut, even a repeated report is refused.
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

    /// Returns whether the request has no artifacts and next steps but those that are recorded.
    fn names_nothing_new(&self) -> bool {
        let same = |given: &Option<Vec<String>>, known: &Vec<String>| given.as_ref().is_none_or(|given| given == known);
        same(&self.request.artifacts, &self.thread.artifacts) && same(&self.request.next_steps, &self.thread.next_steps)
    }

    /// Returns whether the report names an attempt that does not count in the open cycle: it is of an earlier cycle, or
    /// a person has given fresh budgets since. Then only its text may change: no decision follows and no budget is
    /// used.
    fn is_history(&self, meant: AttemptRef) -> bool {
        meant == AttemptRef::Latest && self.thread.latest().is_some() && !self.was_tried()
    }

    /// Changes the report of an attempt that does not count any more, if it failed.
    fn amend_history(&mut self) {
        let is_amended = |latest: &Attempt| latest.status == AttemptStatus::Failed && latest.report != self.report;
        if self.thread.latest().is_some_and(is_amended) {
            self.end_latest(AttemptStatus::Failed, self.request.transient);
        }
    }

    /// Makes the running attempt count in the open cycle of its batch. If there is none, a cycle is opened, provided
    /// that the batch is ready and no other planner holds another one. Else the attempt counts in no cycle: an attempt
    /// that runs may always report (DESIGN §5), so this never refuses.
    fn join_cycle(&mut self) {
        if self.ledger.board().open_cycle_of(self.id.batch).is_none() {
            let is_planned = self.scene.plan.thread(self.id).is_some();
            let is_ready = || require_ready(self.scene, self.ledger.board(), self.id.batch).is_ok();
            if !is_planned || !is_ready() || self.open_cycle().is_err() {
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

    /// Prepares a report on a pending or blocked thread. If the attempt that is meant is not recorded in the open
    /// cycle, it records the start of one (DESIGN §5a.6); the caller ends it at once, so it has no length.
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

    /// Returns the open decision, if it allows an attempt.
    ///
    /// # Errors
    ///
    /// [`Refusal::ReassignmentRequired`] if `assign_thread` comes first; [`Refusal::FailoverExhausted`] if the thread
    /// stays blocked in this cycle.
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

    /// Records the start of the next attempt. The command line as `owner` means that nobody owns it.
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

    /// Ends the latest attempt with the report of the request, or changes how it ended.
    fn end_latest(&mut self, status: AttemptStatus, transient: bool) {
        self.ledger.record(Event::AttemptEnded { thread: self.id, status, report: self.report.clone(), transient });
    }

    fn leave_breadcrumb(&mut self) {
        if !self.report.is_empty() && self.report != self.thread.breadcrumb {
            name_thread(self.scene, self.id, self.ledger);
            self.ledger.record(Event::BreadcrumbLeft { thread: self.id, text: self.report.clone() });
        }
    }

    /// Sets the status, and the report if one is given; artifacts and next steps come from the request.
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
