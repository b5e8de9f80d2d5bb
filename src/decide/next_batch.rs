//! `next_batch`: the next incomplete batch, and which of its threads the planner must launch now (DESIGN §5a, §8).
//!
//! Only here does a planner come to hold a cycle by asking. It must never hand out a thread without a [`ReadyBatch`],
//! and never give fresh budgets to a planner that merely calls again.

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{BatchSummary, Outcome, StageName};
use super::cycles::open_cycle;
use super::facts::{Note, PersonAct, PersonCommand, Words};
use super::failover::{OpenDecision, open_decision, open_decisions};
use super::gates::{BatchCompletionStatus, Next, Pause, ReadyBatch, Standing, next};
use super::ledger::Ledger;
use super::request::Caller;
use super::scene::{AgentSource, Scene, attempt_in_answers, awaits_its_cycle, is_complete, is_settled, waits_for};
use super::sweep::sweep;
use crate::board::{Board, Cycle, Event, ServerId, Status};
use crate::plan::{Batch, ThreadId};
use crate::wording::cut;

/// The answer of `next_batch`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "NextBatch")]
pub struct NextBatch<C = PersonCommand, N = Note> {
    /// Where the batch stands.
    pub batch_completion_status: BatchCompletionStatus,
    /// The workstream.
    pub workstream: String,
    /// The stage of the batch.
    pub stage: Option<StageName>,
    /// The batch.
    pub batch: Option<BatchSummary>,
    /// The number of the execution cycle.
    pub cycle: Option<u32>,
    /// Whether the cycle was open already.
    pub resumed: bool,
    /// The server process of another planner that executes the batch.
    pub held_by: Option<String>,
    /// The outcomes of no batch at all, so that this answer can be returned as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Vec<Outcome>>,
    /// All threads of the batch.
    pub threads: Vec<DispatchThread>,
    /// The threads to launch now, in parallel.
    pub dispatch: Vec<String>,
    /// The threads that wait for others of the batch.
    pub waiting: Vec<Waiting>,
    /// Decisions that wait to be carried out.
    pub failover: Vec<OpenDecision>,
    /// The threads that no one named an agent for.
    pub fallback_threads: Vec<String>,
    /// The command by which a person passes the gate.
    pub gate_command: Option<C>,
    /// The command for the person next.
    pub next_user_command: Option<C>,
    /// What else to know.
    pub warnings: Vec<N>,
}

/// A thread as the planner needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DispatchThread {
    /// Its id.
    pub thread_id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: &'static str,
    /// The agent that runs it.
    pub agent: String,
    /// Where the agent comes from.
    pub agent_source: AgentSource,
    /// The attempt that runs, comes next or was the last.
    pub attempt: u32,
    /// What it is about, of one that is to be launched now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// A thread that waits for others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Waiting {
    /// Its id.
    pub thread_id: String,
    /// The threads that are not complete yet.
    #[serde(rename = "for")]
    pub predecessors: Vec<String>,
}

impl NextBatch {
    /// Returns the answer with the commands and notes in the words of a door.
    pub fn worded(self, words: &dyn Words) -> NextBatch<String, String> {
        NextBatch {
            batch_completion_status: self.batch_completion_status,
            workstream: self.workstream,
            stage: self.stage,
            batch: self.batch,
            cycle: self.cycle,
            resumed: self.resumed,
            held_by: self.held_by,
            outcomes: self.outcomes,
            threads: self.threads,
            dispatch: self.dispatch,
            waiting: self.waiting,
            failover: self.failover,
            fallback_threads: self.fallback_threads,
            gate_command: self.gate_command.map(|command| words.command(&command)),
            next_user_command: self.next_user_command.map(|command| words.command(&command)),
            warnings: self.warnings.iter().map(|note| words.note(note)).collect(),
        }
    }
}

/// Decides a `next_batch`. It is never refused: a shut gate is an answer.
pub(super) fn decide(scene: &Scene<'_>, caller: Caller, ledger: &mut Ledger) -> NextBatch {
    sweep(scene, ledger);
    let ready = match next(scene, ledger.board()) {
        Next::Batch(ready) => ready,
        Next::Pause(pause) => return nothing_to_hand_out(scene, pause),
    };
    let mut warnings = Vec::new();
    let hand = take_cycle(scene, caller, ready, ledger, &mut warnings);
    let board = ledger.board();
    let shown = match hand {
        CycleClaim::HeldElsewhere { batch, .. } | CycleClaim::Settled(batch) | CycleClaim::Open { batch, .. } => batch,
    };
    warnings.extend(scene.warnings(board, shown));
    let standing = match hand {
        CycleClaim::Open { .. } => Standing::without_gate(scene, BatchCompletionStatus::InProgress, None),
        CycleClaim::HeldElsewhere { .. } => {
            Standing::without_gate(scene, BatchCompletionStatus::InProgress, Some(PersonAct::Release))
        }
        CycleClaim::Settled(_) => Standing::without_gate(scene, BatchCompletionStatus::Blocked, Some(PersonAct::Retry)),
    };
    let dispatch = match hand {
        CycleClaim::Open { batch, .. } => dispatch(scene, board, batch),
        CycleClaim::HeldElsewhere { .. } | CycleClaim::Settled(_) => Vec::new(),
    };
    // A planner pays tokens for each answer, so summaries are only for the threads that it launches now.
    let of = |thread: &crate::plan::Thread| {
        let is_launched = dispatch.binary_search(&thread.id).is_ok();
        DispatchThread::of(scene, board, thread, is_launched)
    };
    let mut batch = BatchSummary::of(shown);
    if dispatch.is_empty() {
        batch.summary.clear();
    }
    NextBatch {
        batch_completion_status: standing.status,
        workstream: scene.workstream.to_owned(),
        stage: scene.plan.stage(shown.id.stage).map(StageName::of),
        batch: Some(batch),
        cycle: board.open_cycle_of(shown.id).map(|cycle| cycle.number),
        resumed: !matches!(hand, CycleClaim::Open { resumed: false, .. }),
        held_by: match hand {
            CycleClaim::HeldElsewhere { holder, .. } => Some(holder.to_string()),
            CycleClaim::Open { .. } | CycleClaim::Settled(_) => None,
        },
        outcomes: None,
        threads: shown.threads.iter().map(of).collect(),
        dispatch: dispatch.iter().map(ToString::to_string).collect(),
        waiting: waiting(board, shown),
        failover: open_decisions(scene, board, shown),
        fallback_threads: scene.fallback_threads(board, shown),
        gate_command: standing.gate_command,
        next_user_command: standing.next_user_command,
        warnings,
    }
}

/// What the caller may do with the open cycle.
#[derive(Debug, Clone, Copy)]
enum CycleClaim<'p> {
    /// The caller may execute it. `resumed`: it was open before this call.
    Open { batch: &'p Batch, resumed: bool },
    /// Another living server holds it.
    HeldElsewhere { batch: &'p Batch, holder: ServerId },
    /// It is settled with blocked threads, and no person has asked for another execution.
    Settled(&'p Batch),
}

/// Opens, resumes or takes over a cycle: the table of DESIGN §5a.5, row by row. Opening one closes the one before.
/// Notes for the answer are added to `warnings`.
fn take_cycle<'p>(
    scene: &Scene<'p>,
    caller: Caller,
    ready: ReadyBatch<'p>,
    ledger: &mut Ledger,
    warnings: &mut Vec<Note>,
) -> CycleClaim<'p> {
    let batch = ready.batch();
    let Some(cycle) = ledger.board().open_cycle().cloned() else {
        open_cycle(batch.id, caller, ledger);
        return CycleClaim::Open { batch, resumed: false };
    };
    let holder = scene.living_holder(&cycle);
    let Some(running) = scene.plan.batch(cycle.batch) else {
        warnings.push(Note::CycleWithoutBatch { cycle: cycle.number, batch: cycle.batch });
        open_cycle(batch.id, caller, ledger);
        return CycleClaim::Open { batch, resumed: false };
    };
    let board = ledger.board();
    let settled = is_settled(board, running);
    // A settled cycle is not over just because its planner calls again: that would give fresh budgets without end. It
    // is over if a person asked for another execution, or if its holder is gone.
    let holder_is_gone = cycle.holder().is_some() && holder.is_none();
    let over = is_complete(board, running) || cycle.retry_asked || settled && holder_is_gone;
    if over {
        if running.id == batch.id {
            warnings.extend(previous_reasons(board, running, &cycle));
        }
        open_cycle(batch.id, caller, ledger);
        return CycleClaim::Open { batch, resumed: false };
    }
    if let Some(holder) = scene.held_elsewhere(&cycle, caller)
        && !settled
    {
        warnings.push(Note::HeldElsewhere);
        return CycleClaim::HeldElsewhere { batch: running, holder };
    }
    if running.id != batch.id {
        // The approved plan has changed: an earlier batch is incomplete now, so the batch of the cycle is not ready.
        warnings.push(Note::CycleOutOfTurn { cycle: cycle.number, batch: running.id, first: batch.id });
        open_cycle(batch.id, caller, ledger);
        return CycleClaim::Open { batch, resumed: false };
    }
    if settled {
        let has_decisions = !open_decisions(scene, board, batch).is_empty();
        warnings.push(Note::SettledWithBlocked { has_decisions });
        return CycleClaim::Settled(batch);
    }
    if let Some(server) = caller.server()
        && holder.is_none()
    {
        ledger.record(Event::CycleHeld { holder: Some(server) });
    }
    CycleClaim::Open { batch, resumed: true }
}

/// Returns the note with the reasons of the threads that the cycle left blocked, if any.
fn previous_reasons(board: &Board, batch: &Batch, cycle: &Cycle) -> Option<Note> {
    let blocked = batch.threads.iter().filter(|thread| board.status(thread.id) == Status::Blocked);
    let reasons: Vec<(ThreadId, String)> =
        blocked.map(|thread| (thread.id, cut(&board.thread(thread.id).report))).collect();
    (!reasons.is_empty()).then_some(Note::PreviousReasons { cycle: cycle.number, reasons })
}

/// Returns the threads of the batch that wait for others (DESIGN §5c).
fn waiting(board: &Board, batch: &Batch) -> Vec<Waiting> {
    let is_open = |thread: &&crate::plan::Thread| matches!(board.status(thread.id), Status::Pending | Status::Blocked);
    let of = |thread: &crate::plan::Thread| {
        let predecessors: Vec<String> = waits_for(board, batch, thread).iter().map(ToString::to_string).collect();
        (!predecessors.is_empty()).then(|| Waiting { thread_id: thread.id.to_string(), predecessors })
    };
    batch.threads.iter().filter(|thread| !thread.after.is_empty()).filter(is_open).filter_map(of).collect()
}

/// Returns the threads to launch now, by id (DESIGN §5a.3): at most `max_parallel`, less those in progress. A thread
/// that waits for others is not among them (DESIGN §5c).
pub(super) fn dispatch(scene: &Scene<'_>, board: &Board, batch: &Batch) -> Vec<ThreadId> {
    use super::failover::DecisionAction::Retry;
    let running = batch.threads.iter().filter(|thread| board.status(thread.id) == Status::InProgress).count();
    let free = scene.roster.max_parallel.map_or(usize::MAX, |limit| limit.saturating_sub(running));
    let waits = |id: ThreadId| match board.status(id) {
        Status::Pending => open_decision(scene, board, id).is_none_or(|decision| decision.action == Retry),
        Status::Blocked => awaits_its_cycle(board, id),
        Status::InProgress | Status::Completed | Status::Cancelled => false,
    };
    let is_free = |thread: &&crate::plan::Thread| waits(thread.id) && waits_for(board, batch, thread).is_empty();
    batch.threads.iter().filter(is_free).map(|thread| thread.id).take(free).collect()
}

/// Returns the answer without a batch, with the reason and the command for the person.
fn nothing_to_hand_out(scene: &Scene<'_>, pause: Pause) -> NextBatch {
    let standing = Standing::of_pause(scene, pause);
    let none_left = standing.status == BatchCompletionStatus::NoIncompleteBatch;
    NextBatch {
        batch_completion_status: standing.status,
        workstream: scene.workstream.to_owned(),
        stage: None,
        batch: None,
        cycle: None,
        resumed: false,
        held_by: None,
        outcomes: none_left.then(Vec::new),
        threads: Vec::new(),
        dispatch: Vec::new(),
        waiting: Vec::new(),
        failover: Vec::new(),
        fallback_threads: Vec::new(),
        gate_command: standing.gate_command,
        next_user_command: standing.next_user_command,
        warnings: pause.reason(scene).map(Note::Paused).into_iter().collect(),
    }
}

impl DispatchThread {
    fn of(scene: &Scene<'_>, board: &Board, thread: &crate::plan::Thread, is_launched: bool) -> Self {
        let (agent, agent_source) = scene.agent(board, thread.id);
        Self {
            thread_id: thread.id.to_string(),
            name: thread.name.clone(),
            status: board.status(thread.id).word(),
            agent,
            agent_source,
            attempt: attempt_in_answers(board, thread.id),
            summary: is_launched.then(|| cut(&thread.summary)),
        }
    }
}
