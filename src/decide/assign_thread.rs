//! `assign_thread` and `work assign`: a thread gets another agent (DESIGN §6).
//!
//! In an open cycle this uses the one reassignment of the thread, through either door: a planner's shell cannot be told
//! from a person's. Only `--force` goes past that, and uses no budget.

use schemars::JsonSchema;
use serde::Serialize;

use super::cycles::{name_thread, open_cycle_asked_for};
use super::facts::{Exhausted, Field, Wanted};
use super::failover::{Decision, DecisionAction, candidates, open_decision};
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::request::{AssignThread, Caller, ClearAssignment};
use super::scene::{Scene, attempt_in_answers, is_given_up};
use super::sweep::sweep;
use super::update_thread::check_text;
use crate::board::{AttemptStatus, Board, Cycle, Event, Status, Thread};
use crate::plan::{MAX_AGENT_CHARS, ThreadId, is_agent_char};

/// The answer of `assign_thread`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Assignment {
    /// The thread.
    pub thread_id: String,
    /// The workstream that it stands in.
    pub workstream: String,
    /// The agent that runs it next.
    pub agent: String,
    /// Its status now.
    pub status: &'static str,
    /// The attempt that runs, comes next or was the last.
    pub attempt: u32,
    /// Whether the thread has used its retry or its reassignment in this cycle.
    pub failover_applied: bool,
}

/// Decides an `assign_thread` or a `work assign`.
///
/// # Errors
///
/// A refusal of the thread, of its status, of the agent, of another planner's hold or of failover (DESIGN §6).
pub(super) fn decide(
    scene: &Scene<'_>,
    caller: Caller,
    request: &AssignThread,
    ledger: &mut Ledger,
) -> Result<Assignment, Refusal> {
    let reason = request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    check_text(Field::Reason, reason.unwrap_or_default())?;
    let id = request.thread;
    scene.thread(id)?;
    sweep(scene, ledger);
    let thread = ledger.board().thread(id).into_owned();
    if thread.status.is_done() {
        return Err(Refusal::InvalidTransition { thread: id, now: thread.status, wanted: Wanted::Assigned });
    }
    open_cycle_asked_for(id.batch, ledger);
    if let Some(agent) = choose(scene, caller, request, &thread, ledger)? {
        let given = Given { agent: &agent, is_cleared: false, reason, is_forced: request.force };
        record(scene, id, &thread, given, ledger);
    }
    Ok(answer(scene, id, ledger.board()))
}

/// Decides a `work assign --clear`: removes the assignment, so that the agent of the plan or `default` runs the thread.
/// If that changes the agent in an open cycle, it uses the reassignment like any other assignment.
///
/// # Errors
///
/// [`Refusal::InProgress`] while an attempt runs; else those of [`decide`].
pub(super) fn clear(scene: &Scene<'_>, request: ClearAssignment, ledger: &mut Ledger) -> Result<Assignment, Refusal> {
    let ClearAssignment { thread: id, force } = request;
    scene.thread(id)?;
    sweep(scene, ledger);
    let thread = ledger.board().thread(id).into_owned();
    match thread.status {
        Status::Completed | Status::Cancelled => {
            return Err(Refusal::InvalidTransition { thread: id, now: thread.status, wanted: Wanted::Assigned });
        }
        Status::InProgress => {
            let agent = scene.current_agent(ledger.board(), id);
            return Err(Refusal::InProgress { thread: id, agent });
        }
        Status::Pending | Status::Blocked => {}
    }
    if thread.assigned_agent.is_none() {
        return Ok(answer(scene, id, ledger.board()));
    }
    open_cycle_asked_for(id.batch, ledger);
    let (current, planned) = (scene.current_agent(ledger.board(), id), scene.planned_agent(id).0);
    match ledger.board().open_cycle_of(id.batch) {
        Some(cycle) if current != planned => {
            if !force {
                within_budget(scene, id, Some(&planned), &current, cycle, ledger)?;
            }
            let given = Given { agent: &planned, is_cleared: true, reason: None, is_forced: force };
            record(scene, id, &thread, given, ledger);
        }
        _ => ledger.record(Event::AssignmentCleared { thread: id }),
    }
    Ok(answer(scene, id, ledger.board()))
}

fn answer(scene: &Scene<'_>, id: ThreadId, board: &Board) -> Assignment {
    let cycle = board.open_cycle_of(id.batch);
    Assignment {
        thread_id: id.to_string(),
        workstream: scene.workstream.to_owned(),
        agent: scene.current_agent(board, id),
        status: board.status(id).word(),
        attempt: attempt_in_answers(board, id),
        failover_applied: cycle.is_some_and(|cycle| cycle.budget(id).failover_applied()),
    }
}

/// Returns the agent that takes the thread over. `None`: the call changes nothing.
fn choose(
    scene: &Scene<'_>,
    caller: Caller,
    request: &AssignThread,
    thread: &Thread,
    ledger: &Ledger,
) -> Result<Option<String>, Refusal> {
    let id = request.thread;
    let board = ledger.board();
    let current = scene.current_agent(board, id);
    let wanted = request.agent.as_deref().map(str::trim);
    // Without agents.yaml any name is accepted, so at least its form is checked.
    if let Some(agent) = wanted
        && !scene.roster.agents.iter().any(|known| known.name == agent)
    {
        check_agent_name(agent)?;
    }
    if let Some(agent) = wanted
        && !scene.roster.accepts(agent)
    {
        return Err(Refusal::UnknownAgent { agent: agent.to_owned(), closest: scene.roster.closest(agent) });
    }
    let cycle = board.open_cycle_of(id.batch);
    if let Some(cycle) = cycle
        && !request.force
    {
        // The hold keeps out other servers only. On the command line this may be the planner's own shell.
        if let (Caller::Server(_), Some(holder)) = (caller, scene.held_elsewhere(cycle, caller)) {
            return Err(scene.held_by_another_planner(id.batch, holder));
        }
        let budget = cycle.budget(id);
        let not_started =
            thread.status == Status::Pending && budget.carried_out_after() == Some(thread.latest_number());
        if wanted == Some(&current) || wanted.is_none() && not_started {
            return Ok(None);
        }
        return within_budget(scene, id, wanted, &current, cycle, ledger).map(Some);
    }
    match wanted {
        // With `--force`, a person may give a blocked thread to the agent that it has, to have it run again.
        Some(agent) if agent == current && !(cycle.is_some() && thread.status == Status::Blocked) => Ok(None),
        Some(agent) => Ok(Some(agent.to_owned())),
        // Candidates are those of failover, and without an open cycle there is no failure.
        None => Err(Refusal::AgentNeeded { thread: id, current: current.clone() }),
    }
}

/// Refuses a name that PLAN.md could not give to an agent either.
fn check_agent_name(agent: &str) -> Result<(), Refusal> {
    if !agent.is_empty() && agent.chars().count() <= MAX_AGENT_CHARS && agent.chars().all(is_agent_char) {
        return Ok(());
    }
    Err(Refusal::BadAgentName { longest: MAX_AGENT_CHARS })
}

/// Returns the agent that failover allows in an open cycle: `wanted`, or the first candidate.
///
/// # Errors
///
/// [`Refusal::FailoverExhausted`] or [`Refusal::NotInFamily`].
fn within_budget(
    scene: &Scene<'_>,
    id: ThreadId,
    wanted: Option<&str>,
    current: &str,
    cycle: &Cycle,
    ledger: &Ledger,
) -> Result<String, Refusal> {
    let exhausted = |why| Err(Refusal::FailoverExhausted { thread: id, why, now: ledger.board().status(id) });
    if cycle.budget(id).reassigned_after.is_some() {
        return exhausted(Exhausted::ReassignmentUsed);
    }
    let board = ledger.board();
    // A planner may take up a thread again that it gave up, while the reassignment is unused (DESIGN §5).
    let is_over = |decision: Decision| decision.action == DecisionAction::Block && !is_given_up(board, id);
    if board.status(id) == Status::Blocked && open_decision(scene, board, id).is_some_and(is_over) {
        return exhausted(Exhausted::NobodyLeft);
    }
    match wanted {
        None => first_candidate(scene, id, Some(cycle), ledger),
        Some(agent) if scene.roster.can_stand_in(agent, current) => Ok(agent.to_owned()),
        Some(agent) => Err(Refusal::NotInFamily {
            agent: agent.to_owned(),
            current: current.to_owned(),
            candidates: candidates(scene, ledger.board(), id, Some(cycle)),
        }),
    }
}

fn first_candidate(scene: &Scene<'_>, id: ThreadId, cycle: Option<&Cycle>, ledger: &Ledger) -> Result<String, Refusal> {
    candidates(scene, ledger.board(), id, cycle).into_iter().next().ok_or_else(|| Refusal::FailoverExhausted {
        thread: id,
        why: Exhausted::FamilyTried,
        now: ledger.board().status(id),
    })
}

/// An assignment that is to be recorded.
#[derive(Debug, Clone, Copy)]
struct Given<'a> {
    agent: &'a str,
    /// Whether the assignment is removed. Then `agent` is the agent of the plan, or `default`.
    is_cleared: bool,
    reason: Option<&'a str>,
    is_forced: bool,
}

/// Records an assignment. It ends a running attempt as failed, and makes the thread pending.
fn record(scene: &Scene<'_>, id: ThreadId, thread: &Thread, given: Given<'_>, ledger: &mut Ledger) {
    let Given { agent, is_cleared, reason, is_forced } = given;
    name_thread(scene, id, ledger);
    let after = thread.latest_number();
    let cycle = ledger.board().open_cycle_of(id.batch);
    let number = cycle.map(|cycle| cycle.number);
    let runs = thread.running().is_some();
    if runs {
        // The attempt must count in the cycle: its agent was tried, and must not become a candidate again.
        if let Some(cycle) = number {
            let agent = scene.current_agent(ledger.board(), id);
            ledger.record(Event::AttemptJoined { thread: id, cycle, agent });
        }
        let report = reason.map_or_else(|| format!("given up: reassigned to {agent}"), str::to_owned);
        ledger.record(Event::AttemptEnded { thread: id, status: AttemptStatus::Failed, report, transient: false });
    }
    ledger.record(if is_cleared {
        Event::AssignmentCleared { thread: id }
    } else {
        Event::AgentAssigned { thread: id, agent: agent.to_owned() }
    });
    if number.is_some() {
        let reason = reason.map(str::to_owned);
        // Both carry out an open decision; only the second uses the reassignment.
        ledger.record(if is_forced {
            Event::AssignedByPerson { thread: id, after, reason }
        } else {
            Event::ReassignmentUsed { thread: id, after, reason }
        });
    }
    if thread.status != Status::Pending {
        ledger.record(Event::status_set(id, Status::Pending, None));
    }
}
