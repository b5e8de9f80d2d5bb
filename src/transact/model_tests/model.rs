//! A second, naive implementation of the rules of docs/design.md: DESIGN §4, §5, §5a, §6, §6a and §7 with its table. It
//! is the oracle of the property tests in `super`.
//!
//! It shares no code with the program and is simple rather than fast: plain lists, and everything is computed anew by
//! loops. It is changed together with the program at each change of a rule, by the same people. So a difference between
//! the two shows a slip in either of them; a misunderstanding that both share is not found. Where docs/design.md leaves
//! something open, the comment is marked `CHOICE`.
//!
//! The world is fixed: an approved plan that never changes, the roster below, no `max_parallel`. So an open cycle is
//! always the last one of the list: opening a cycle closes the one before it.
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::collapsible_if, reason = "an oracle is plain, not polished")]

use std::collections::{BTreeMap, BTreeSet};

pub(super) type Id = (u16, u16, u16);
type Batch = (u16, u16);

pub(super) const ROSTER: [&str; 6] = [
    "default",
    "system-engineer-codex",
    "system-engineer-opus",
    "frontend-designer-grok",
    "frontend-designer-flash",
    "default-minimax",
];
const FAMILIES: [&str; 2] = ["system-engineer-", "frontend-designer-"];

#[derive(Clone, Debug)]
pub(super) enum Caller {
    Server(u8),
    Person,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    InProgress,
    Completed,
    Blocked,
    Failed,
    Pending,
    Cancelled,
}

#[derive(Clone, Debug)]
pub(super) enum Call {
    Next,
    Update {
        thread: Id,
        said: Said,
        report: Option<String>,
        transient: bool,
        attempt: Option<u32>,
        force: bool,
        /// Whether the checks of the thread pass, if they run.
        passes: bool,
    },
    Assign {
        thread: Id,
        agent: Option<String>,
        force: bool,
    },
    Clear {
        thread: Id,
        force: bool,
    },
    /// It is told what an attempt used.
    Used {
        thread: Id,
        attempt: u32,
        tokens: u64,
    },
    Retry(Option<Id>),
    Outcome,
    ApproveStage {
        stage: u16,
        force: bool,
    },
    Release,
    Complete,
}

/// The answer as a line of text; `Err`: the code of the refusal.
pub(super) type Answer = Result<String, &'static str>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Pending,
    InProgress,
    Completed,
    Blocked,
    Cancelled,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::InProgress => "in_progress",
            Status::Completed => "completed",
            Status::Blocked => "blocked",
            Status::Cancelled => "cancelled",
        }
    }

    fn done(self) -> bool {
        self == Status::Completed || self == Status::Cancelled
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Running,
    Completed,
    Failed,
    Interrupted,
}

impl Run {
    fn word(self) -> &'static str {
        match self {
            Run::Running => "running",
            Run::Completed => "completed",
            Run::Failed => "failed",
            Run::Interrupted => "interrupted",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Retry,
    Reassign,
    Block,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Decision {
    action: Action,
    agent: String,
    attempt: u32,
}

impl Decision {
    fn text(&self) -> String {
        let action = match self.action {
            Action::Retry => "retry",
            Action::Reassign => "reassign",
            Action::Block => "block",
        };
        format!("{action} {} #{}", self.agent, self.attempt)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Attempt {
    number: u32,
    agent: String,
    run: Run,
    /// Index into `Model::cycles`.
    cycle: Option<usize>,
    /// The server that runs it. `None`: the command line started it, or a report recorded it without a run.
    owner: Option<u8>,
    report: String,
    transient: bool,
    /// How often its checks failed (§5b).
    failed_checks: u32,
    /// The decision that answered its failure, to give the same answer if the failure is told twice (§5a.8).
    decided: Option<Decision>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Thread {
    status: Status,
    assigned: Option<String>,
    attempts: Vec<Attempt>,
    /// Attempts up to this number do not count: they are older than a person's `pending` (§5a.9).
    floor: u32,
    /// The retry or reassignment that a pending thread waits for (§6).
    waits: Option<Decision>,
    breadcrumb: String,
    note: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Budget {
    retries: u32,
    reassigns: u32,
    /// The number of assignments by a person. They use no budget, and each may give one more run.
    free: u32,
    /// Whether the agent was changed in this cycle and no attempt has begun since.
    moved: bool,
    /// Whether its planner gave it up, without an attempt (§5).
    given_up: bool,
    /// Whether the retry or the reassignment was used before a person gave fresh budgets.
    applied_before: bool,
}

impl Budget {
    fn applied(&self) -> bool {
        self.applied_before || self.retries > 0 || self.reassigns > 0
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cycle {
    batch: Batch,
    number: u32,
    open: bool,
    holder: Option<u8>,
    /// Whether a person asked for another execution after it settled (§5a.5).
    asked: bool,
    budgets: BTreeMap<Id, Budget>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    plan: Vec<(Id, Option<&'static str>)>,
    /// The threads that have a check (§5b).
    checked: BTreeSet<Id>,
    /// The threads that wait for another one (§5c).
    after: BTreeMap<Id, Id>,
    threads: BTreeMap<Id, Thread>,
    /// What attempts used, by thread and number.
    used: BTreeMap<(Id, u32), u64>,
    cycles: Vec<Cycle>,
    approved: BTreeSet<u16>,
    finished: bool,
}

/// The attempt that a report is about (§5a.7, §5a.8).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Latest,
    Next,
}

fn batch_of(id: Id) -> Batch {
    (id.0, id.1)
}

fn show(id: Id) -> String {
    format!("{:02}.{:02}.{:02}", id.0, id.1, id.2)
}

fn show_batch(batch: Option<Batch>) -> String {
    batch.map_or("-".to_owned(), |batch| format!("{:02}.{:02}", batch.0, batch.1))
}

fn server(caller: &Caller) -> Option<u8> {
    match caller {
        Caller::Server(server) => Some(*server),
        Caller::Person => None,
    }
}

fn lives(who: Option<u8>, alive: &BTreeSet<u8>) -> bool {
    who.is_some_and(|who| alive.contains(&who))
}

/// §6: a family is a prefix.
fn same_family(a: &str, b: &str) -> bool {
    FAMILIES.iter().any(|family| a.starts_with(family) && b.starts_with(family))
}

impl Model {
    pub(super) fn new(mut plan: Vec<(Id, Option<&'static str>)>) -> Model {
        plan.sort();
        let fresh = Thread {
            status: Status::Pending,
            assigned: None,
            attempts: Vec::new(),
            floor: 0,
            waits: None,
            breadcrumb: String::new(),
            note: String::new(),
        };
        let threads = plan.iter().map(|(id, _)| (*id, fresh.clone())).collect();
        Model {
            plan,
            checked: BTreeSet::from([(1, 1, 2)]),
            after: BTreeMap::from([((1, 1, 3), (1, 1, 1))]),
            threads,
            used: BTreeMap::new(),
            cycles: Vec::new(),
            approved: BTreeSet::new(),
            finished: false,
        }
    }

    /// Returns a model of the plan in `super`.
    pub(super) fn usual() -> Model {
        Model::new(vec![
            ((1, 1, 1), Some("system-engineer-codex")),
            ((1, 1, 2), Some("frontend-designer-grok")),
            ((1, 1, 3), None),
            ((1, 2, 1), Some("system-engineer-codex")),
            ((2, 1, 1), Some("system-engineer-opus")),
        ])
    }

    pub(super) fn call(&mut self, caller: &Caller, alive: &BTreeSet<u8>, call: &Call) -> Answer {
        // §5a.10: it is about no decision, so nothing is swept, and no status, cycle or gate matters.
        if let Call::Used { thread, attempt, tokens } = call {
            if *attempt == 0 || *attempt > self.latest(*thread) {
                return Err("invalid_argument");
            }
            self.used.insert((*thread, *attempt), *tokens);
            return Ok("recorded".to_owned());
        }
        // §6a: before each decision, running attempts of processes that are gone become interrupted. Answers show that
        // at once; the next call that writes and is not refused stores it (§5a.4).
        let mut seen = self.clone();
        seen.sweep(alive);
        let mut after = seen.clone();
        let answer = match call {
            Call::Next => after.next(caller, alive),
            Call::Update { thread, said, report, transient, attempt, force, passes } => {
                let words = report.as_deref().unwrap_or("").trim();
                let force = *force && server(caller).is_none();
                let unchecked = after.clone();
                let answer = after.update(caller, alive, *thread, *said, words, *transient, *attempt, force);
                // §5b: what the other rules refuse needs no check. An amended report needs none either.
                let completes = *said == Said::Completed && seen.thread(*thread).status != Status::Completed;
                if answer.is_ok() && completes && !force && !passes && seen.checked.contains(thread) {
                    after = unchecked;
                    after.check_failed(caller, alive, *thread);
                    *self = after;
                    return Err("check_failed");
                }
                answer
            }
            Call::Assign { thread, agent, force } => after.assign(caller, alive, *thread, agent.as_deref(), *force),
            Call::Clear { thread, force } => after.clear(*thread, *force),
            Call::Used { .. } => unreachable!(),
            Call::Retry(thread) => after.retry(caller, *thread),
            Call::Outcome => after.outcome(),
            Call::ApproveStage { stage, force } => after.approve_stage(caller, *stage, *force),
            Call::Release => after.release(caller),
            Call::Complete => after.complete(caller),
        }?;
        // §5a.5: if a person gives back or cancels a blocked thread, and the batch is then settled and still has
        // blocked threads, the person asks for another execution.
        if let Call::Update { thread, said: Said::Pending | Said::Cancelled, .. } = call {
            if seen.thread(*thread).status == Status::Blocked {
                after.a_person_acted(batch_of(*thread));
            }
        }
        // §5a.4: `batch_outcome` only reads. The next request that writes stores what the sweep found.
        if !matches!(call, Call::Outcome) {
            *self = after;
        }
        Ok(answer)
    }

    /// Returns whether a person has asked for another execution of the batch (§5a.5).
    fn asked(&self, batch: Batch) -> bool {
        self.cycle_of(batch).is_some_and(|open| self.cycles[open].asked)
    }

    /// Opens the cycle that a person has asked for, if there is such a request (§5a.5). CHOICE: the holder of the old
    /// cycle holds the new one.
    fn open_what_was_asked(&mut self, batch: Batch) {
        if self.asked(batch) {
            let open = self.cycle_of(batch).unwrap();
            self.open_cycle(batch, self.cycles[open].holder);
        }
    }

    /// Marks the open cycle of a settled batch with blocked threads: a person asks for another execution (§5a.5).
    fn a_person_acted(&mut self, batch: Batch) {
        if let Some(open) = self.cycle_of(batch) {
            if self.settled(batch) && !self.batch_complete(batch) {
                self.cycles[open].asked = true;
            }
        }
    }

    /// Counts a failed check. The fifth one ends the attempt as failed, not transient (§5b).
    fn check_failed(&mut self, caller: &Caller, alive: &BTreeSet<u8>, id: Id) {
        if self.thread(id).status != Status::InProgress {
            return;
        }
        let running = self.at(id).attempts.last_mut().unwrap();
        running.failed_checks += 1;
        if running.failed_checks == 5 {
            let words = "\u{0}its checks failed";
            self.report(caller, alive, id, Said::Failed, words, false, None, false).unwrap();
        }
    }

    // ---- queries ----

    /// Returns whether the thread waits for another one of its batch (§5c).
    fn waits(&self, id: Id) -> bool {
        self.after.get(&id).is_some_and(|before| !self.thread(*before).status.done())
    }

    /// Returns whether an update of the thread is in order now: its batch is ready, and it waits for no other thread. A
    /// planner may give up a thread that waits, and a person may overrule (§5c).
    fn thread_ready(&self, id: Id, said: Said, force: bool) -> Result<(), &'static str> {
        self.ready(batch_of(id))?;
        if self.waits(id) && said != Said::Blocked && !force { Err("batch_not_ready") } else { Ok(()) }
    }

    fn thread(&self, id: Id) -> &Thread {
        &self.threads[&id]
    }

    fn at(&mut self, id: Id) -> &mut Thread {
        self.threads.get_mut(&id).unwrap()
    }

    fn latest(&self, id: Id) -> u32 {
        self.thread(id).attempts.last().map_or(0, |attempt| attempt.number)
    }

    fn open_index(&self) -> Option<usize> {
        self.cycles.iter().position(|cycle| cycle.open)
    }

    /// Returns the index of the open cycle, if it is of this batch.
    fn cycle_of(&self, batch: Batch) -> Option<usize> {
        self.cycles.iter().position(|cycle| cycle.open && cycle.batch == batch)
    }

    fn latest_cycle_of(&self, batch: Batch) -> Option<usize> {
        self.cycles.iter().rposition(|cycle| cycle.batch == batch)
    }

    fn budget(&self, id: Id) -> Budget {
        let cycle = self.cycle_of(batch_of(id));
        cycle.and_then(|cycle| self.cycles[cycle].budgets.get(&id).cloned()).unwrap_or_default()
    }

    fn budget_mut(&mut self, id: Id) -> &mut Budget {
        let cycle = self.cycle_of(batch_of(id)).expect("budgets belong to an open cycle");
        self.cycles[cycle].budgets.entry(id).or_default()
    }

    /// Returns the attempts of the open cycle that count: those after the last fresh budgets.
    fn current(&self, id: Id) -> Vec<&Attempt> {
        let Some(cycle) = self.cycle_of(batch_of(id)) else { return Vec::new() };
        let thread = self.thread(id);
        let of_this = |attempt: &&Attempt| attempt.cycle == Some(cycle) && attempt.number > thread.floor;
        thread.attempts.iter().filter(of_this).collect()
    }

    /// Returns whether the latest attempt belongs to the open cycle. Else it is history and uses no budget.
    fn latest_is_current(&self, id: Id) -> bool {
        let latest = self.latest(id);
        self.current(id).iter().any(|attempt| attempt.number == latest)
    }

    /// Returns the agent that runs the thread (§4).
    fn agent(&self, id: Id) -> String {
        if let Some(assigned) = &self.thread(id).assigned {
            return assigned.clone();
        }
        let planned = self.plan.iter().find(|(planned, _)| *planned == id).and_then(|(_, agent)| *agent);
        planned.unwrap_or("default").to_owned()
    }

    fn batches(&self) -> Vec<Batch> {
        let mut batches: Vec<Batch> = self.plan.iter().map(|(id, _)| batch_of(*id)).collect();
        batches.dedup();
        batches
    }

    fn threads_of(&self, batch: Batch) -> Vec<Id> {
        self.plan.iter().map(|(id, _)| *id).filter(|id| batch_of(*id) == batch).collect()
    }

    fn batch_complete(&self, batch: Batch) -> bool {
        self.threads_of(batch).into_iter().all(|id| self.thread(id).status.done())
    }

    fn first_incomplete(&self) -> Option<Batch> {
        self.batches().into_iter().find(|batch| !self.batch_complete(*batch))
    }

    /// Returns whether a gate before the stage is shut: an earlier stage with threads is not approved (§7).
    fn gate_before(&self, stage: u16) -> bool {
        self.plan.iter().any(|(id, _)| id.0 < stage && !self.approved.contains(&id.0))
    }

    fn all_approved(&self) -> bool {
        !self.gate_before(u16::MAX)
    }

    /// Returns whether the batch is ready (§2). Else the refusal is `batch_not_ready` if an earlier batch is
    /// incomplete, or `awaiting_approval` if a gate is shut (§5). CHOICE: the earlier batch comes first.
    fn ready(&self, batch: Batch) -> Result<(), &'static str> {
        if self.finished {
            return Err("awaiting_approval"); // CHOICE: as for a workstream on hold
        }
        if self.first_incomplete() != Some(batch) {
            return Err("batch_not_ready");
        }
        if self.gate_before(batch.0) {
            return Err("awaiting_approval");
        }
        Ok(())
    }

    /// Returns whether the batch is settled (§2): no thread is pending, in progress, or blocked and handed out again.
    fn settled(&self, batch: Batch) -> bool {
        self.threads_of(batch).into_iter().all(|id| match self.thread(id).status {
            Status::Completed | Status::Cancelled => true,
            Status::Blocked => {
                let over = !self.current(id).is_empty() || self.budget(id).given_up;
                self.cycle_of(batch).is_none() || over && !self.asked(batch) || self.waits(id)
            }
            // §5c: it cannot start.
            Status::Pending => self.waits(id),
            Status::InProgress => false,
        })
    }

    /// Returns the candidates for a reassignment (§6): the same family in the order of the roster, then `default`, then
    /// the other agents whose name begins with `default`. Neither the agent that the thread has nor one that was tried
    /// in this cycle is one.
    fn candidates(&self, id: Id) -> Vec<String> {
        let now = self.agent(id);
        let mut found: Vec<String> = Vec::new();
        let mut all: Vec<&str> = ROSTER.iter().copied().filter(|agent| same_family(agent, &now)).collect();
        all.push("default");
        all.extend(ROSTER.iter().copied().filter(|agent| agent.starts_with("default")));
        for agent in all {
            // An interrupted attempt costs nothing (§5a.9), so its agent does not count as tried.
            let tried = |attempt: &&Attempt| attempt.agent == agent && attempt.run != Run::Interrupted;
            let tried = self.current(id).iter().any(tried);
            if agent != now && !tried && !found.iter().any(|other| other == agent) {
                found.push(agent.to_owned());
            }
        }
        found
    }

    /// Returns failover's decision about the latest attempt, which has failed (§6).
    fn decide(&self, id: Id) -> Decision {
        let latest = self.thread(id).attempts.last().expect("an attempt that ended");
        let budget = self.budget(id);
        let (action, agent, attempt) = if !self.latest_is_current(id) {
            // A failure that belongs to no open cycle is answered with `block`, such as one of a batch that left the
            // plan.
            (Action::Block, self.agent(id), latest.number)
        } else if latest.transient && budget.retries == 0 {
            (Action::Retry, self.agent(id), latest.number + 1)
        } else if budget.reassigns == 0 && !self.candidates(id).is_empty() {
            (Action::Reassign, self.candidates(id)[0].clone(), latest.number + 1)
        } else {
            (Action::Block, self.agent(id), latest.number)
        };
        Decision { action, agent, attempt }
    }

    /// Returns the decision that is not carried out yet. For a blocked thread it is advice and is computed anew.
    fn open_decision(&self, id: Id) -> Option<Decision> {
        if self.asked(batch_of(id)) {
            return None;
        }
        if self.given_up(id) {
            let last = self.thread(id).attempts.last().map(|attempt| attempt.agent.clone());
            let agent = last.unwrap_or_else(|| self.agent(id));
            return Some(Decision { action: Action::Block, agent, attempt: self.latest(id) });
        }
        if !self.latest_is_current(id) {
            return None;
        }
        match self.thread(id).status {
            Status::Pending => self.thread(id).waits.clone(),
            Status::Blocked => Some(self.decide(id)),
            _ => None,
        }
    }

    /// Returns whether the planner has given the thread up in the open cycle (§5).
    fn given_up(&self, id: Id) -> bool {
        self.thread(id).status == Status::Blocked && self.budget(id).given_up && !self.asked(batch_of(id))
    }

    /// Returns whether the thread is blocked and handed out: it was not tried in this cycle (§5a.3).
    fn blocked_dispatched(&self, id: Id) -> bool {
        let batch = batch_of(id);
        !self.given_up(id)
            && self.thread(id).status == Status::Blocked
            && self.ready(batch).is_ok()
            && (self.current(id).is_empty() || self.asked(batch))
    }

    /// Returns `attempt` of answers (§5a.6).
    fn shown_attempt(&self, id: Id) -> u32 {
        let latest = self.latest(id);
        match self.thread(id).status {
            Status::InProgress | Status::Completed | Status::Cancelled => latest,
            Status::Pending => latest + 1,
            Status::Blocked if self.blocked_dispatched(id) => latest + 1,
            Status::Blocked => latest,
        }
    }

    /// Returns whether the latest cycle used the thread's retry or reassignment (§8, "An outcome").
    fn failover_applied(&self, id: Id) -> bool {
        let cycle = self.latest_cycle_of(batch_of(id));
        let budget = cycle.and_then(|cycle| self.cycles[cycle].budgets.get(&id));
        budget.is_some_and(Budget::applied)
    }

    // ---- changes ----

    /// Interrupts the running attempts whose server is gone (§6a). An interruption costs nothing, but the third one of
    /// a thread in a cycle is a transient failure (§5a.9). CHOICE: that attempt is then `failed`, so the next
    /// interruption is the third again; attempts before fresh budgets do not count.
    fn sweep(&mut self, alive: &BTreeSet<u8>) {
        let ids: Vec<Id> = self.threads.keys().copied().collect();
        for id in ids {
            if self.thread(id).status != Status::InProgress {
                continue;
            }
            let running = self.at(id).attempts.last_mut().unwrap();
            if running.owner.is_none_or(|owner| alive.contains(&owner)) {
                continue;
            }
            running.run = Run::Interrupted;
            let thread = self.at(id);
            thread.status = Status::Pending;
            thread.waits = None;
            let interrupted = self.current(id).iter().filter(|attempt| attempt.run == Run::Interrupted).count();
            if self.latest_is_current(id) && interrupted >= 3 {
                let latest = self.at(id).attempts.last_mut().unwrap();
                latest.transient = true;
                latest.report = "\u{0}interrupted three times".to_owned();
                self.fail_latest(id);
            }
        }
    }

    /// Opens a cycle, and closes the one that was open (§5a.2).
    fn open_cycle(&mut self, batch: Batch, holder: Option<u8>) {
        for cycle in &mut self.cycles {
            cycle.open = false;
        }
        let number = 1 + self.cycles.iter().filter(|cycle| cycle.batch == batch).count() as u32;
        self.cycles.push(Cycle { batch, number, open: true, holder, asked: false, budgets: BTreeMap::new() });
    }

    /// Opens a cycle for a start or a report in a ready batch without one (§5a.2). Refuses if that would close the
    /// unsettled cycle of another living planner.
    fn ensure_cycle(&mut self, batch: Batch, holder: Option<u8>, alive: &BTreeSet<u8>) -> Result<(), &'static str> {
        if self.cycle_of(batch).is_some() || self.ready(batch).is_err() {
            return Ok(());
        }
        if let Some(open) = self.open_index() {
            let cycle = &self.cycles[open];
            let is_theirs = cycle.holder != holder && lives(cycle.holder, alive);
            if is_theirs && !cycle.asked && !self.settled(cycle.batch) {
                return Err("held_by_another_planner");
            }
        }
        self.open_cycle(batch, holder);
        Ok(())
    }

    /// Records the next attempt of a thread, by the agent of §4.
    fn push_attempt(&mut self, id: Id, run: Run, owner: Option<u8>) {
        let attempt = Attempt {
            number: self.latest(id) + 1,
            agent: self.agent(id),
            run,
            cycle: self.cycle_of(batch_of(id)),
            owner,
            report: String::new(),
            transient: false,
            failed_checks: 0,
            decided: None,
        };
        let thread = self.at(id);
        thread.attempts.push(attempt);
        thread.waits = None;
        if self.cycle_of(batch_of(id)).is_some() {
            self.budget_mut(id).moved = false;
            self.budget_mut(id).given_up = false;
        }
    }

    /// Ends the latest attempt as failed, and carries out failover's decision (§5, §6).
    fn fail_latest(&mut self, id: Id) -> Decision {
        self.at(id).attempts.last_mut().unwrap().run = Run::Failed;
        let decision = self.decide(id);
        if decision.action == Action::Retry {
            self.budget_mut(id).retries += 1; // §5a.9
        }
        let thread = self.at(id);
        thread.attempts.last_mut().unwrap().decided = Some(decision.clone());
        let over = decision.action == Action::Block;
        thread.status = if over { Status::Blocked } else { Status::Pending };
        thread.waits = if over { None } else { Some(decision.clone()) };
        decision
    }

    /// Returns whether another attempt may begin (§6). `Ok(true)`: it uses the retry.
    fn may_start(&self, id: Id) -> Result<bool, &'static str> {
        let Some(decision) = self.open_decision(id) else { return Ok(false) };
        match decision.action {
            Action::Reassign => Err("reassignment_required"),
            Action::Block => Err("failover_exhausted"),
            // `failed` has used the retry already. The start after a worker's own transient `blocked` uses it (§5a.9).
            Action::Retry => Ok(self.thread(id).status == Status::Blocked),
        }
    }

    // ---- update_thread ----

    #[allow(clippy::too_many_arguments)]
    fn update(
        &mut self,
        caller: &Caller,
        alive: &BTreeSet<u8>,
        id: Id,
        said: Said,
        words: &str,
        transient: bool,
        attempt: Option<u32>,
        force: bool,
    ) -> Answer {
        // CHOICE: the order in which the reasons for a refusal are checked.
        if !self.threads.contains_key(&id) {
            return Err("unknown_thread");
        }
        let persons = matches!(said, Said::Pending | Said::Cancelled);
        if persons && matches!(caller, Caller::Server(_)) {
            return Err("invalid_argument"); // §5: only a person sets these
        }
        if words.chars().count() > 2000 {
            return Err("invalid_argument");
        }
        let status = self.thread(id).status;
        if persons && !force && (said, status) != (Said::Cancelled, Status::Cancelled) {
            return Err("force_required");
        }
        // §5, the table.
        let refused = match (status, said) {
            (Status::Completed, Said::Completed | Said::Pending) => false,
            (Status::Completed, _) => true,
            (Status::Cancelled, Said::Cancelled | Said::Pending) => false,
            (Status::Cancelled, _) => true,
            _ => false,
        };
        if (refused && self.latest(id) > 0 || persons) && said != Said::InProgress {
            self.of(id, said, words, attempt)?; // CHOICE: a wrong number is refused before the status
        }
        if refused {
            return Err("invalid_transition");
        }
        // §5: 1 to 2,000 characters, trimmed.
        if matches!(said, Said::Completed | Said::Blocked | Said::Failed) && words.is_empty() {
            return Err("report_required");
        }
        if persons {
            // CHOICE: a person's decision needs no ready batch and looks at no attempt number.
            return if said == Said::Pending { self.give_back(id) } else { self.cancel(id, words) };
        }
        if said == Said::InProgress {
            return self.start(caller, alive, id, words, attempt, force);
        }
        self.report(caller, alive, id, said, words, transient, attempt, force)
    }

    /// Sets a thread to pending for a person, with fresh budgets (§5a.9). A running attempt ends as interrupted (§5).
    fn give_back(&mut self, id: Id) -> Answer {
        if self.thread(id).status == Status::Blocked {
            self.open_what_was_asked(batch_of(id));
        }
        let latest = self.latest(id);
        let thread = self.at(id);
        if let Some(attempt) = thread.attempts.last_mut() {
            if attempt.run == Run::Running {
                attempt.run = Run::Interrupted;
            }
        }
        thread.status = Status::Pending;
        thread.waits = None;
        thread.floor = latest;
        if let Some(cycle) = self.cycle_of(batch_of(id)) {
            let applied_before = self.cycles[cycle].budgets.get(&id).is_some_and(Budget::applied);
            self.cycles[cycle].budgets.insert(id, Budget { applied_before, ..Budget::default() });
        }
        // CHOICE: a completed workstream stays completed until a person opens it again.
        self.updated(id, None)
    }

    /// Cancels a thread for a person. A running attempt ends as interrupted (§5).
    fn cancel(&mut self, id: Id, words: &str) -> Answer {
        let thread = self.at(id);
        if let Some(attempt) = thread.attempts.last_mut() {
            if attempt.run == Run::Running {
                attempt.run = Run::Interrupted;
            }
        }
        thread.status = Status::Cancelled;
        thread.waits = None;
        if !words.is_empty() {
            thread.note = words.to_owned();
        }
        self.updated(id, None)
    }

    fn updated(&self, id: Id, decision: Option<Decision>) -> Answer {
        let decision = decision.map(|decision| format!(" {}", decision.text())).unwrap_or_default();
        Ok(format!("{} #{}{decision}", self.thread(id).status.word(), self.shown_attempt(id)))
    }

    /// Carries out `in_progress`: a start or a heartbeat.
    fn start(
        &mut self,
        caller: &Caller,
        alive: &BTreeSet<u8>,
        id: Id,
        words: &str,
        attempt: Option<u32>,
        force: bool,
    ) -> Answer {
        let latest = self.latest(id);
        let me = server(caller);
        let runs = self.thread(id).status == Status::InProgress;
        // §5a.7: the next number is a start, that of the running attempt a heartbeat.
        let expected = if runs { latest } else { latest + 1 };
        match attempt {
            Some(0) => return Err("invalid_argument"),
            Some(number) if number < expected => return Err("stale_attempt"),
            Some(number) if number > expected => return Err("invalid_argument"),
            _ => {}
        }
        if runs {
            // §5: an attempt belongs to the server that started it. A server adopts one that belongs to nobody. A
            // person may report on any attempt.
            let running = self.at(id).attempts.last_mut().unwrap();
            match (running.owner, me) {
                (Some(owner), Some(me)) if owner != me && alive.contains(&owner) => return Err("already_running"),
                (_, Some(me)) => running.owner = Some(me),
                (_, None) => {}
            }
        } else {
            // §5: any update of a pending or blocked thread needs a ready batch.
            self.thread_ready(id, Said::InProgress, force)?;
            self.open_what_was_asked(batch_of(id));
            let with_the_retry = self.may_start(id)?;
            self.ensure_cycle(batch_of(id), me, alive)?;
            if with_the_retry {
                self.budget_mut(id).retries += 1;
            }
            self.push_attempt(id, Run::Running, me);
            self.at(id).status = Status::InProgress;
        }
        if !words.is_empty() {
            self.at(id).breadcrumb = words.to_owned(); // §5: the breadcrumb
        }
        self.updated(id, None)
    }

    /// Returns which attempt a report is about (§5a.7, §5a.8).
    fn of(&self, id: Id, said: Said, words: &str, attempt: Option<u32>) -> Result<Of, &'static str> {
        let latest = self.latest(id);
        let status = self.thread(id).status;
        // §5a.7: there is a next attempt if the thread is pending, handed out or given up.
        let waiting = status == Status::Pending || self.blocked_dispatched(id) || self.given_up(id);
        match attempt {
            Some(0) => return Err("invalid_argument"),
            Some(number) if number < latest => return Err("stale_attempt"),
            Some(number) if number == latest => return Ok(Of::Latest),
            Some(number) if number == latest + 1 && waiting => return Ok(Of::Next),
            Some(_) => return Err("invalid_argument"),
            None => {}
        }
        let current = self.latest_is_current(id);
        Ok(match status {
            Status::InProgress | Status::Completed | Status::Cancelled => Of::Latest,
            // §5a.6: a late success is of the latest attempt. Another report records an attempt if this cycle has none.
            Status::Blocked if said == Said::Completed && latest == 0 => Of::Next,
            Status::Blocked if said == Said::Completed || current => Of::Latest,
            Status::Blocked => Of::Next,
            // §5a.6: a report on a thread without an attempt in this cycle records one.
            Status::Pending if !current => Of::Next,
            Status::Pending if said == Said::Failed => {
                // §5a.8: the same report is the same failure told twice; another report is the next failure. After an
                // interruption the report is of the interrupted attempt (§5a.7: without a number the latest is meant).
                let last = self.thread(id).attempts.last().unwrap();
                let same = last.run == Run::Failed && last.report == words;
                let interrupted = last.run != Run::Failed && !self.budget(id).moved;
                if same || interrupted { Of::Latest } else { Of::Next }
            }
            Status::Pending if self.budget(id).moved => Of::Next,
            Status::Pending => Of::Latest,
        })
    }

    /// Carries out `completed`, `blocked` and `failed`.
    #[expect(clippy::too_many_arguments, reason = "what a report says, and who is there")]
    fn report(
        &mut self,
        caller: &Caller,
        alive: &BTreeSet<u8>,
        id: Id,
        said: Said,
        words: &str,
        transient: bool,
        attempt: Option<u32>,
        force: bool,
    ) -> Answer {
        let of = self.of(id, said, words, attempt)?;
        let status = self.thread(id).status;
        let batch = batch_of(id);
        let me = server(caller);
        let mut use_retry = false;
        if matches!(status, Status::Pending | Status::Blocked) {
            self.thread_ready(id, said, force)?;
            if of == Of::Next && status == Status::Blocked {
                self.open_what_was_asked(batch);
            }
            if self.given_up(id) && said != Said::Completed {
                return self.updated(id, self.open_decision(id)); // §5: changes the text only
            }
            let gives_up = status == Status::Pending && said == Said::Blocked;
            if of == Of::Next && said != Said::Completed && !gives_up {
                // A report of an attempt that could not have begun is refused. Completed work is accepted all the same
                // (§5).
                use_retry = self.may_start(id)?;
            }
        }
        if status == Status::Completed {
            // §5: the same report changes nothing, another one amends. CHOICE: this opens no cycle. What a person has
            // signed off stays as it is, but for the person.
            let is_same = self.at(id).attempts.last().unwrap().report == words;
            if !is_same && !force && (self.finished || self.approved.contains(&id.0)) {
                return Err("invalid_transition");
            }
            self.at(id).attempts.last_mut().unwrap().report = words.to_owned();
            return self.updated(id, None);
        }
        // The thread was reassigned since that attempt. A late report on the attempt does not change the reassignment.
        if of == Of::Latest && status == Status::Pending && said != Said::Completed && attempt.is_some() {
            if self.cycle_of(batch).is_some() && self.budget(id).moved {
                let decision =
                    Decision { action: Action::Reassign, agent: self.agent(id), attempt: self.latest(id) + 1 };
                return self.updated(id, Some(decision));
            }
        }
        if status == Status::Pending && said == Said::Blocked && (of == Of::Next || self.latest_is_current(id)) {
            // §5: the planner gives up; no attempt is recorded for it.
            self.ensure_cycle(batch, me, alive)?;
            self.budget_mut(id).given_up = true;
            let thread = self.at(id);
            thread.status = Status::Blocked;
            thread.waits = None;
            return self.updated(id, self.open_decision(id));
        }
        let history = of == Of::Latest && status != Status::InProgress && !self.latest_is_current(id);
        if history && said != Said::Completed {
            // §5a.8: a report on an attempt of an earlier cycle changes at most the text: that of a blocked thread is
            // amended, a pending thread does not change.
            if status == Status::Blocked {
                self.at(id).attempts.last_mut().unwrap().report = words.to_owned();
            }
            return self.updated(id, None);
        }
        if of == Of::Latest && status == Status::Pending && said == Said::Failed {
            let last = self.thread(id).attempts.last().unwrap();
            if last.run == Run::Failed {
                // §5a.8: the same failure, told twice: the same decision, and nothing changes.
                let decided = last.decided.clone();
                return self.updated(id, decided);
            }
        }
        if status == Status::Blocked && of == Of::Latest && said != Said::Completed {
            let last = self.thread(id).attempts.last().unwrap();
            if last.report == words && last.transient == transient {
                return self.updated(id, self.open_decision(id)); // §5: repeating a call changes nothing
            }
        }
        match self.ensure_cycle(batch, me, alive) {
            // §5: an attempt that runs may always report. Here it counts in no cycle.
            Err(_) if status == Status::InProgress => {}
            ensured => ensured?,
        }
        // CHOICE: after the decision `block`, another report on the same failure does not change the decision.
        let over = status == Status::Blocked && self.open_decision(id).is_some_and(|it| it.action == Action::Block);
        if of == Of::Next {
            if use_retry {
                self.budget_mut(id).retries += 1;
            }
            self.push_attempt(id, Run::Failed, None);
        }
        let thread = self.at(id);
        let last = thread.attempts.last_mut().unwrap();
        last.report = words.to_owned();
        match said {
            Said::Completed => {
                last.run = Run::Completed;
                thread.status = Status::Completed;
                thread.waits = None;
                self.updated(id, None)
            }
            // §5: an update of a blocked thread amends it. This can change the advice.
            Said::Failed if status == Status::Blocked && of == Of::Latest => {
                // CHOICE: an attempt that was interrupted before its planner gave the thread up has failed, if so told.
                last.run = Run::Failed;
                last.transient = if over { last.transient } else { transient };
                self.updated(id, self.open_decision(id))
            }
            Said::Failed => {
                last.transient = transient;
                let decision = self.fail_latest(id);
                self.updated(id, Some(decision))
            }
            _ => {
                // §6: after a worker's own `blocked` the decision is advice.
                last.transient = transient;
                last.run = Run::Failed;
                last.decided = None;
                thread.status = Status::Blocked;
                thread.waits = None;
                self.updated(id, self.open_decision(id))
            }
        }
    }

    // ---- assign_thread ----

    fn assign(&mut self, caller: &Caller, alive: &BTreeSet<u8>, id: Id, agent: Option<&str>, force: bool) -> Answer {
        // CHOICE: the order of the checks is the thread, the agent, the status, the hold, no change, the budget, the
        // family.
        if !self.threads.contains_key(&id) {
            return Err("unknown_thread");
        }
        if agent.is_some_and(|agent| !ROSTER.contains(&agent)) {
            return Err("unknown_agent");
        }
        if self.thread(id).status.done() {
            return Err("invalid_transition");
        }
        let me = server(caller);
        self.open_what_was_asked(batch_of(id));
        let cycle = self.cycle_of(batch_of(id));
        let now = self.agent(id);
        let Some(cycle) = cycle else {
            // §6: without an open cycle of its batch this is a plain assignment, to any agent, and uses no budget.
            let Some(agent) = agent else { return Err("invalid_argument") };
            if agent != now {
                self.change_agent(id, agent);
            }
            return self.assigned(id);
        };
        let holder = self.cycles[cycle].holder;
        if me.is_some() && holder != me && lives(holder, alive) {
            return Err("held_by_another_planner"); // §6a
        }
        // §6: nothing changes if the thread has this agent already, or if no agent is named and a reassignment has not
        // started. CHOICE: also after a reassignment by a person, and also for a thread whose failover is exhausted.
        let unstarted = self.budget(id).moved && self.thread(id).status == Status::Pending;
        // CHOICE: a person who assigns a blocked thread to its own agent wants it to run again.
        let runs_again = force && self.thread(id).status == Status::Blocked;
        if agent == Some(now.as_str()) && !runs_again || (agent.is_none() && unstarted) {
            return self.assigned(id);
        }
        if force {
            // §5a.9: `--force` is a person's way past the budgets. It uses none, and carries out an open decision.
            let Some(agent) = agent else { return Err("invalid_argument") };
            self.change_agent(id, agent);
            self.redecide(id, agent);
            let budget = self.budget_mut(id);
            budget.free += 1;
            budget.moved = true;
            budget.given_up = false;
            return self.assigned(id);
        }
        if self.budget(id).reassigns > 0 {
            return Err("failover_exhausted");
        }
        if self.thread(id).status == Status::Blocked
            && !self.given_up(id)
            && self.open_decision(id).is_some_and(|decision| decision.action == Action::Block)
        {
            return Err("failover_exhausted"); // §6
        }
        let agent = match agent {
            None => self.candidates(id).first().cloned().ok_or("failover_exhausted")?,
            Some(agent) => {
                if !same_family(agent, &now) && !agent.starts_with("default") {
                    return Err("not_in_family");
                }
                agent.to_owned()
            }
        };
        self.change_agent(id, &agent);
        self.redecide(id, &agent);
        let budget = self.budget_mut(id);
        budget.reassigns += 1; // §5a.9: used by the assignment, not by the start
        budget.moved = true;
        budget.given_up = false;
        self.assigned(id)
    }

    /// Takes an assignment back (`work assign --clear`). With an open cycle this is an assignment to the plan's agent.
    fn clear(&mut self, id: Id, force: bool) -> Answer {
        match self.thread(id).status {
            Status::Completed | Status::Cancelled => return Err("invalid_transition"),
            Status::InProgress => return Err("invalid_argument"),
            Status::Pending | Status::Blocked => {}
        }
        if self.thread(id).assigned.is_some() {
            let now = self.agent(id);
            let assigned = self.at(id).assigned.take();
            let planned = self.agent(id);
            self.at(id).assigned = assigned;
            self.open_what_was_asked(batch_of(id));
            if now != planned && self.cycle_of(batch_of(id)).is_some() {
                self.assign(&Caller::Person, &BTreeSet::new(), id, Some(&planned), force)?;
            }
            self.at(id).assigned = None;
        }
        self.assigned(id)
    }

    /// Makes a failure before an assignment answer with the new agent if it is told again.
    fn redecide(&mut self, id: Id, agent: &str) {
        let attempt = self.latest(id) + 1;
        let current = self.latest_is_current(id);
        if let Some(last) = self.at(id).attempts.last_mut() {
            if current && last.run == Run::Failed {
                last.decided = Some(Decision { action: Action::Reassign, agent: agent.to_owned(), attempt });
            }
        }
    }

    /// Changes the agent (§6). A blocked thread becomes pending; the attempt of one in progress ends as failed.
    fn change_agent(&mut self, id: Id, agent: &str) {
        let thread = self.at(id);
        thread.assigned = Some(agent.to_owned());
        if thread.status == Status::InProgress {
            thread.attempts.last_mut().unwrap().run = Run::Failed;
        }
        thread.status = Status::Pending;
        thread.waits = None;
    }

    fn assigned(&self, id: Id) -> Answer {
        let (agent, status) = (self.agent(id), self.thread(id).status.word());
        // An assignment outside of an open cycle uses no budget, so it is no failover.
        let budget = self.budget(id);
        Ok(format!("{agent} {status} #{} {}", self.shown_attempt(id), budget.applied()))
    }

    // ---- next_batch, batch_outcome ----

    fn next(&mut self, caller: &Caller, alive: &BTreeSet<u8>) -> Answer {
        let Some(me) = server(caller) else { return Err("invalid_argument") }; // the command line has no `next`
        let nothing = |status: &str| Ok(format!("{status} - cycle - resumed=false held=false dispatch=[] failover=[]"));
        // DESIGN §7, the table. Gated and empty answers open and close nothing (§5a.2).
        let batch = match self.first_incomplete() {
            Some(batch) if !self.finished => batch,
            _ => return nothing("no_incomplete_batch"),
        };
        if self.gate_before(batch.0) {
            return nothing("awaiting_approval");
        }
        let (mut status, mut resumed, mut held) = ("in_progress", false, false);
        // §5a.5: another living planner keeps its unsettled cycle, even if an earlier batch became incomplete.
        let mut batch = batch;
        match self.open_index() {
            None => self.open_cycle(batch, Some(me)),
            Some(open) => {
                let (running, holder) = (self.cycles[open].batch, self.cycles[open].holder);
                let settled = self.settled(running);
                let over = self.batch_complete(running) // §5a.5: closes, and the ready batch gets a cycle
                    || self.cycles[open].asked
                    || settled && holder.is_some() && !lives(holder, alive); // §5a.5: settled, and its holder is gone
                if over {
                    self.open_cycle(batch, Some(me));
                } else if !settled && holder != Some(me) && lives(holder, alive) {
                    (resumed, held, batch) = (true, true, running); // §6a
                } else if running != batch {
                    self.open_cycle(batch, Some(me)); // an earlier batch is incomplete again
                } else if settled {
                    (status, resumed) = ("blocked", true);
                } else {
                    self.cycles[open].holder = Some(me); // §6a: takes over at once
                    resumed = true;
                }
            }
        }
        let open = self.cycle_of(batch).unwrap();
        let mut dispatch = Vec::new();
        let mut failover = Vec::new();
        for id in self.threads_of(batch) {
            let decision = self.open_decision(id);
            // §5a.3: the threads to launch now.
            let hand_out = match self.thread(id).status {
                Status::Pending => decision.as_ref().is_none_or(|decision| decision.action != Action::Reassign),
                Status::Blocked => self.current(id).is_empty() && !self.given_up(id),
                _ => false,
            };
            if hand_out && !self.waits(id) && !held && status == "in_progress" {
                dispatch.push(show(id));
            }
            // §6. `block` is the end and not listed.
            if let Some(decision) = decision.filter(|decision| decision.action != Action::Block) {
                failover.push(format!("{} {}", show(id), decision.text()));
            }
        }
        Ok(format!(
            "{status} {} cycle {} resumed={resumed} held={held} dispatch=[{}] failover=[{}]",
            show_batch(Some(batch)),
            self.cycles[open].number,
            dispatch.join(", "),
            failover.join(", ")
        ))
    }

    fn outcome(&self) -> Answer {
        let first = self.first_incomplete();
        // §8: the batch that was handed out last, else the next incomplete one.
        let batch = self.cycles.last().map(|cycle| cycle.batch).or(first).or(self.batches().last().copied());
        let status = if self.finished || (first.is_none() && self.all_approved()) {
            "no_incomplete_batch"
        } else {
            match batch {
                None => "completed", // every thread was cancelled, and a stage is not approved
                Some(batch) if self.batch_complete(batch) => "completed",
                Some(batch) if self.gate_before(batch.0) => "awaiting_approval",
                Some(batch) if self.settled(batch) => "blocked",
                Some(_) => "in_progress",
            }
        };
        let ids = batch.map(|batch| self.threads_of(batch)).unwrap_or_default();
        let outcomes: Vec<String> = ids
            .into_iter()
            .map(|id| {
                // §8: `agent_used` is the agent of the last attempt, else the one that would run.
                let last = self.thread(id).attempts.last().map(|attempt| attempt.agent.clone());
                let agent = last.unwrap_or_else(|| self.agent(id));
                format!("{} {} {agent} {}", show(id), self.thread(id).status.word(), self.failover_applied(id))
            })
            .collect();
        Ok(format!("{status} {} [{}]", show_batch(batch), outcomes.join(", ")))
    }

    // ---- requests of persons ----

    fn approve_stage(&mut self, caller: &Caller, stage: u16, force: bool) -> Answer {
        if matches!(caller, Caller::Server(_)) {
            return Err("invalid_argument"); // §7: no MCP tool can pass a gate
        }
        let ids: Vec<Id> = self.plan.iter().map(|(id, _)| *id).filter(|id| id.0 == stage).collect();
        if ids.is_empty() {
            return Err("unknown_stage");
        }
        for id in ids {
            if self.thread(id).status.done() {
                continue;
            }
            if !force {
                return Err("not_complete");
            }
            self.cancel(id, "approved with --force")?;
        }
        self.approved.insert(stage);
        Ok("ok".to_owned())
    }

    /// Ends a hold (`work release`, §6a).
    fn release(&mut self, caller: &Caller) -> Answer {
        if matches!(caller, Caller::Server(_)) {
            return Err("invalid_argument");
        }
        if let Some(open) = self.open_index() {
            if self.cycles[open].holder.take().is_some() {
                self.a_person_acted(self.cycles[open].batch); // §5a.5: this asks for another execution
            }
        }
        Ok("ok".to_owned())
    }

    /// Has blocked threads executed again (`work retry`, §5a.5).
    fn retry(&mut self, caller: &Caller, thread: Option<Id>) -> Answer {
        if matches!(caller, Caller::Server(_)) {
            return Err("invalid_argument");
        }
        if let Some(id) = thread {
            if self.thread(id).status != Status::Blocked {
                return Err("invalid_transition");
            }
            self.give_back(id)?;
            return Ok("ok".to_owned());
        }
        // The batch that is executed, else the next incomplete one.
        let executed = self.open_index().map(|open| self.cycles[open].batch);
        let batch = executed.filter(|batch| !self.batch_complete(*batch)).or(self.first_incomplete());
        let Some(batch) = batch else { return Err("invalid_transition") };
        let blocked = |id: &Id| self.thread(*id).status == Status::Blocked;
        let blocked: Vec<Id> = self.threads_of(batch).into_iter().filter(blocked).collect();
        if blocked.is_empty() {
            return Err("invalid_transition");
        }
        match self.cycle_of(batch) {
            None => {}
            Some(open) if self.cycles[open].asked => {}
            Some(_) if self.settled(batch) => self.a_person_acted(batch),
            Some(_) => {
                for id in blocked {
                    self.give_back(id)?;
                }
            }
        }
        Ok("ok".to_owned())
    }

    /// Completes the workstream, if everything is complete and approved (§7).
    fn complete(&mut self, caller: &Caller) -> Answer {
        if matches!(caller, Caller::Server(_)) {
            return Err("invalid_argument");
        }
        if !self.finished && (self.first_incomplete().is_some() || !self.all_approved()) {
            return Err("not_complete");
        }
        for cycle in &mut self.cycles {
            cycle.open = false; // §5a.5; its holder is free for another workstream
        }
        self.finished = true;
        Ok("ok".to_owned())
    }

    /// Returns whether the holder of the open cycle is gone.
    pub(super) fn has_a_dead_holder(&self, alive: &BTreeSet<u8>) -> bool {
        let holder = self.open_index().and_then(|open| self.cycles[open].holder);
        holder.is_some_and(|holder| !alive.contains(&holder))
    }

    // ---- printing ----

    pub(super) fn state(&self) -> String {
        let mut lines = Vec::new();
        for (id, thread) in &self.threads {
            if thread.status == Status::Pending && thread.assigned.is_none() && thread.attempts.is_empty() {
                continue;
            }
            let attempts: Vec<String> = thread
                .attempts
                .iter()
                .map(|attempt| {
                    let cycle = attempt.cycle.map_or("-".to_owned(), |cycle| self.cycles[cycle].number.to_string());
                    let failed = attempt.failed_checks;
                    let used = self.used.get(&(*id, attempt.number)).map_or("-".to_owned(), |used| used.to_string());
                    format!("{} {} {} c{cycle} f{failed} u{used}", attempt.number, attempt.agent, attempt.run.word())
                })
                .collect();
            let assigned = thread.assigned.as_deref().unwrap_or("-");
            let status = thread.status.word();
            lines.push(format!("{} {status} assigned={assigned} attempts=[{}]", show(*id), attempts.join(", ")));
        }
        for cycle in &self.cycles {
            let open = if cycle.open { "open" } else { "closed" };
            let holder = cycle.holder.filter(|_| cycle.open).map_or("-".to_owned(), |holder| holder.to_string());
            let (batch, number, asked) = (show_batch(Some(cycle.batch)), cycle.number, cycle.asked);
            lines.push(format!("cycle {batch}/{number} {open} holder={holder} asked={asked}"));
        }
        lines.join("\n")
    }
}

/// Checks what docs/design.md promises of each state and of each step. The error says which promise is broken.
pub(super) fn invariants(before: &Model, after: &Model, by_person: bool, others_died: bool) -> Result<(), String> {
    // §5a.1: a workstream has at most one open cycle, and the cycles of a batch are numbered 1, 2, …
    let open: Vec<&Cycle> = after.cycles.iter().filter(|cycle| cycle.open).collect();
    if open.len() > 1 {
        return Err(format!("{} cycles are open", open.len()));
    }
    for (index, cycle) in after.cycles.iter().enumerate() {
        let earlier = after.cycles[..index].iter().filter(|other| other.batch == cycle.batch).count();
        if cycle.number as usize != earlier + 1 {
            return Err(format!("cycle {} of {:?} is the {}th", cycle.number, cycle.batch, earlier + 1));
        }
        if let Some(was) = before.cycles.get(index) {
            if (was.batch, was.number) != (cycle.batch, cycle.number) {
                return Err(format!("cycle {index} has become another"));
            }
            if !was.open && cycle.open {
                return Err(format!("cycle {index} is open again"));
            }
        }
        // §5a.5: another execution can be asked for only of a settled batch. After that a person can set threads to
        // pending, and free one that waited for another one (§5c). They start in the next execution.
        let is_open = |id: Id| after.thread(id).status == Status::InProgress;
        if cycle.open && cycle.asked && after.threads_of(cycle.batch).into_iter().any(is_open) {
            return Err(format!("cycle {index} is asked for and not settled"));
        }
        // §5a.5: a batch with blocked threads gets a new cycle only by a person, or because its holder is gone.
        if let Some(earlier) = before.cycles.iter().find(|was| was.open && was.batch == cycle.batch) {
            let is_new = index >= before.cycles.len();
            if is_new && !by_person && !before.batch_complete(cycle.batch) && !earlier.asked && !others_died {
                return Err(format!("cycle {index} was opened without a person"));
            }
        }
        // §6: one retry, one reassignment per thread and cycle.
        for (id, budget) in &cycle.budgets {
            if budget.retries > 1 || budget.reassigns > 1 {
                return Err(format!("{}: {} retries, {} reassignments", show(*id), budget.retries, budget.reassigns));
            }
        }
    }
    if after.cycles.len() < before.cycles.len() {
        return Err("a cycle is lost".to_owned());
    }
    for (id, thread) in &after.threads {
        let name = show(*id);
        let was = &before.threads[id];
        // §5: at most one running attempt, and exactly one of a thread in progress, the last.
        let running: Vec<usize> =
            (0..thread.attempts.len()).filter(|at| thread.attempts[*at].run == Run::Running).collect();
        let expected: Vec<usize> =
            if thread.status == Status::InProgress { vec![thread.attempts.len().wrapping_sub(1)] } else { vec![] };
        if running != expected {
            return Err(format!("{name} is {} and runs {running:?}", thread.status.word()));
        }
        // §5a.6: attempts are numbered 1, 2, … over the whole life of the thread.
        for (at, attempt) in thread.attempts.iter().enumerate() {
            if attempt.number as usize != at + 1 {
                return Err(format!("{name}: attempt {} stands at {}", attempt.number, at + 1));
            }
        }
        // Attempts keep agent, number and cycle, and an attempt that ended does not run again.
        if thread.attempts.len() < was.attempts.len() {
            return Err(format!("{name}: an attempt is lost"));
        }
        for (old, new) in was.attempts.iter().zip(&thread.attempts) {
            if (old.number, &old.agent, old.cycle) != (new.number, &new.agent, new.cycle) {
                return Err(format!("{name}: attempt {} has changed", old.number));
            }
            if old.run != Run::Running && new.run == Run::Running {
                return Err(format!("{name}: attempt {} runs again", old.number));
            }
            if old.run == Run::Completed && new.run != Run::Completed {
                return Err(format!("{name}: attempt {} is no longer completed", old.number));
            }
        }
        // §5a.9: at most three attempts count in a cycle, besides those that a person assigned.
        for (index, cycle) in after.cycles.iter().enumerate() {
            let counts = |attempt: &&Attempt| {
                attempt.cycle == Some(index) && attempt.number > thread.floor && attempt.run != Run::Interrupted
            };
            let counted = thread.attempts.iter().filter(counts).count() as u32;
            let free = cycle.budgets.get(id).map_or(0, |budget| budget.free);
            if cycle.open && counted > 3 + free {
                return Err(format!("{name}: {counted} attempts count in cycle {index}"));
            }
        }
        // §5: only a person reopens a thread that is done.
        if was.status.done() && thread.status != was.status && !by_person {
            return Err(format!("{name}: {} became {}", was.status.word(), thread.status.word()));
        }
        // §7: a stage starts only when the stage before it is approved.
        let touched = thread.status != was.status || thread.attempts != was.attempts;
        if touched && !by_person && before.gate_before(id.0) {
            return Err(format!("{name} was touched before its gate"));
        }
    }
    // §7: only a person passes a gate.
    if !by_person && (before.approved != after.approved || before.finished != after.finished) {
        return Err("a gate was passed without a person".to_owned());
    }
    Ok(())
}
