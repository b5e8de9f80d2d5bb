//! `work approve plan` and `work approve stage N`, and their `--revoke`: a person passes a gate or shuts it again
//! (DESIGN §7). Only requests of the command line may come here.

use std::collections::BTreeMap;

use serde::Serialize;

use super::checks;
use super::cycles::{interrupt_running, name_thread, write_name};
use super::facts::{Field, MappingProblem, PauseReason, PersonAct, PersonCommand, Words};
use super::gates::{admit, is_approved};
use super::ledger::Ledger;
use super::plan_diff::{Mapping, PlanDiff, Revision, revise};
use super::proof::{CheckFailed, Checked};
use super::refusal::Refusal;
use super::scene::{Basis, Scene, is_complete, unproven};
use super::sweep::sweep;
use super::update_thread::{check_text, waits_for_a_person};
use super::workstream_status::PlanProblem;
use crate::board::{Board, Event, Status, Unproven};
use crate::index::{ApprovalStatus, Approvals, IndexEvent};
use crate::plan::{Counts, Plan, ProblemKind, SoundPlan, Stage, StageNumber, Thread, ThreadId, check, sha256};
use crate::roster::{ChecksBy, Roster, RunBy, StartOfWorkers};

/// The answer of `work approve plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanApproved {
    /// The workstream.
    pub workstream: String,
    /// The hash of the approved text.
    pub plan_hash: String,
    /// How many stages, batches and threads the plan has.
    pub counts: Counts,
    /// Whether this text was approved already. Then nothing was written.
    pub unchanged: bool,
    /// What has changed since the text approved before, and what became of the records.
    pub changes: PlanDiff,
    /// The threads in progress that `--force` interrupted, by their ids before.
    pub interrupted: Vec<String>,
    /// What to look at in the text although it does not forbid the approval: files that two threads may change at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<PlanProblem>,
    /// The commands that will run for this plan, each once, in the order of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<PlannedCheck>,
    /// Who runs those of threads: `server`, `worker` or `off`; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks_by: Option<ChecksBy>,
    /// What starts the workers of `work run`, as far as agents.yaml says it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<PlannedWorkers>,
}

/// What starts workers of `work run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedWorkers {
    /// The agent whose workers they are; null: those of all agents that say nothing themselves.
    pub agent: Option<String>,
    /// The host and more arguments for it, or a program and its arguments; empty: agents.yaml does not say it.
    pub words: Vec<String>,
    /// Their models, first choice first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// How many seconds they may run; absent: agents.yaml does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
}

/// A command that will run for a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedCheck {
    /// The command.
    pub command: String,
    /// The threads that it checks, by id.
    pub threads: Vec<String>,
    /// The stages before whose approval it runs.
    pub stages: Vec<u16>,
}

/// The answer of `work approve stage N`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageApproved<C = PersonCommand> {
    /// The workstream.
    pub workstream: String,
    /// The stage.
    pub stage: u16,
    /// Whether it was approved already. Then nothing was written.
    pub unchanged: bool,
    /// The threads that `--force` cancelled.
    pub cancelled: Vec<String>,
    /// The threads whose reports claim what was not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unproven: Vec<UnprovenThread>,
    /// The next command for the person; null if a planner can go on.
    pub next_user_command: Option<C>,
}

/// A thread whose report claims what was not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnprovenThread {
    /// The thread.
    pub thread_id: String,
    /// What was not there.
    pub claims: Vec<Unproven>,
}

impl StageApproved {
    /// Returns the answer in the words of a door.
    pub fn worded(self, words: &dyn Words) -> StageApproved<String> {
        let Self { workstream, stage, unchanged, cancelled, unproven, next_user_command } = self;
        let next_user_command = next_user_command.map(|command| words.command(&command));
        StageApproved { workstream, stage, unchanged, cancelled, unproven, next_user_command }
    }
}

/// The answer of `work approve … --revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revoked {
    /// The workstream.
    pub workstream: String,
    /// The stage; null: the plan.
    pub stage: Option<u16>,
    /// Whether there was no approval to revoke. Then nothing was written.
    pub unchanged: bool,
}

/// Approves PLAN.md as it is now. Records move with their threads (DESIGN §7).
///
/// # Errors
///
/// [`Refusal::PlanHasProblems`] without `force`; [`Refusal::UnclearThreads`] if the program cannot tell which thread is
/// which; [`Refusal::RunningWouldMove`] without `force`; [`Refusal::BadMapping`].
pub(super) fn plan(
    scene: &Scene<'_>,
    force: bool,
    mapping: &Mapping,
    by: &str,
    ledger: &mut Ledger,
) -> Result<PlanApproved, Refusal> {
    sweep(scene, ledger);
    let plan = SoundPlan::examine(scene.plan_now, scene.roster, force)
        .map_err(|problems| Refusal::PlanHasProblems { workstream: scene.workstream.to_owned(), problems })?;
    let is_approved = scene.entry.is_some_and(|entry| entry.approvals.plan.status == ApprovalStatus::Approved)
        && scene.basis == (Basis::Approved { is_kept: true });
    // An approved text is not enough: after a merge of two threads.json, a record can be at a wrong id. Then the
    // approval is the way in which a person puts it right.
    let overlaps = check(scene.plan_now, scene.roster);
    let overlaps = overlaps.iter().filter(|problem| matches!(problem.kind, ProblemKind::FilesOverlap { .. }));
    let overlaps = overlaps.map(PlanProblem::of).collect();
    let checks = planned_checks(scene.plan_now);
    let checks_by = (!checks.is_empty()).then_some(scene.roster.checks.by);
    let settings = Settings { checks_by, workers_hash: workers_hash(scene.roster) };
    let is_approved = is_approved && scene.entry.is_some_and(|entry| settings.are_those_of(&entry.approvals));
    let unchanged = is_approved && revise(scene, ledger.board(), &Mapping::default())?.diff.unclear.is_empty();
    if unchanged && !mapping.map.is_empty() {
        return Err(Refusal::BadMapping(MappingProblem::NotNeeded));
    }
    let revision = revise(scene, ledger.board(), mapping)?;
    if !revision.diff.unclear.is_empty() {
        let PlanDiff { unclear, approved_text, .. } = revision.diff;
        return Err(Refusal::UnclearThreads { unclear, approved_text });
    }
    if !revision.running.is_empty() && !force {
        let of = |id: &ThreadId| (*id, revision.moves.of(*id));
        return Err(Refusal::RunningWouldMove { threads: revision.running.iter().map(of).collect() });
    }
    if !unchanged {
        carry_out(scene, &revision, by, settings, ledger);
    }
    Ok(PlanApproved {
        workstream: scene.workstream.to_owned(),
        plan_hash: scene.plan_hash.as_str().to_owned(),
        counts: plan.counts(),
        unchanged,
        interrupted: revision.running.iter().map(ToString::to_string).collect(),
        changes: revision.diff,
        overlaps,
        checks,
        checks_by,
        workers: planned_workers(scene.roster),
    })
}

/// What a person approves beside the text.
struct Settings {
    checks_by: Option<ChecksBy>,
    workers_hash: Option<String>,
}

impl Settings {
    fn are_those_of(&self, approvals: &Approvals) -> bool {
        (self.checks_by, &self.workers_hash) == (approvals.checks_by, &approvals.workers_hash)
    }
}

/// Returns the hash of how workers are started; `None`: agents.yaml says nothing of it.
fn workers_hash(roster: &Roster) -> Option<String> {
    let starts = roster.starts_of_workers();
    let text = serde_json::to_string(&starts).ok().filter(|_| !starts.is_empty())?;
    Some(sha256(text.as_bytes()))
}

/// Fails if the plan is approved, and agents.yaml has workers started in another way than it did then: whoever could
/// change that file could have any program started, such as a worker.
///
/// # Errors
///
/// [`Refusal::AwaitingApproval`].
pub fn require_approved_workers(scene: &Scene<'_>) -> Result<(), Refusal> {
    let Some(entry) = scene.entry else { return Ok(()) };
    let is_approved = entry.approvals.plan.status == ApprovalStatus::Approved;
    if !is_approved || entry.approvals.workers_hash == workers_hash(scene.roster) {
        return Ok(());
    }
    Err(Refusal::AwaitingApproval {
        reason: PauseReason::WorkersChanged,
        command: Some(scene.command(PersonAct::ApprovePlan)),
    })
}

fn planned_workers(roster: &Roster) -> Vec<PlannedWorkers> {
    let planned = |start: StartOfWorkers<'_>| PlannedWorkers {
        agent: start.agent.map(str::to_owned),
        words: start.by.map(RunBy::words).unwrap_or_default().into_iter().map(str::to_owned).collect(),
        models: start.models.to_vec(),
        timeout: start.timeout,
    };
    roster.starts_of_workers().into_iter().map(planned).collect()
}

/// Returns the commands of the plan as it is now.
fn planned_checks(plan: &Plan) -> Vec<PlannedCheck> {
    let mut checks: Vec<PlannedCheck> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut place = |command| {
        *places.entry(command).or_insert_with(|| {
            checks.push(PlannedCheck { command: command.to_owned(), threads: Vec::new(), stages: Vec::new() });
            checks.len() - 1
        })
    };
    let threads: Vec<(usize, ThreadId)> = plan
        .threads()
        .flat_map(|thread| thread.checks.iter().map(move |command| (command, thread.id)))
        .map(|(command, id)| (place(command), id))
        .collect();
    let stages: Vec<(usize, StageNumber)> = plan
        .stages
        .iter()
        .flat_map(|stage| stage.checks.iter().map(move |command| (command, stage.number)))
        .map(|(command, number)| (place(command), number))
        .collect();
    for (at, id) in threads {
        checks[at].threads.push(id.to_string());
    }
    for (at, number) in stages {
        checks[at].stages.push(number.0);
    }
    checks
}

/// Records the approval and all that follows from it.
fn carry_out(scene: &Scene<'_>, revision: &Revision, by: &str, settings: Settings, ledger: &mut Ledger) {
    let board = ledger.board();
    let waits = board.open_cycle().is_some_and(|cycle| waits_for_a_person(scene, cycle.batch, board));
    // The moves come first, so that all other events can use the new ids.
    if !revision.moves.is_empty() {
        ledger.record(Event::RecordsMoved(revision.moves.clone()));
    }
    for id in revision.running.iter().filter_map(|id| revision.moves.of(*id)) {
        interrupt_running(id, "the plan was approved with another number for it", ledger);
        ledger.record(Event::status_set(id, Status::Pending, None));
    }
    if ledger.board().open_cycle().is_some_and(|cycle| cycle.left) {
        ledger.record(Event::CycleClosed);
    }
    // The names of all threads are recorded now. They are the only evidence if the approved text is lost later.
    let now = Scene { plan: scene.plan_now, ..*scene };
    let is_unwritten = |thread: &&Thread| {
        let Some(known) = ledger.board().threads.get(thread.id) else { return true };
        let stage = now.plan.stage(thread.id.batch.stage).map(|stage| stage.name.as_str());
        let batch = now.plan.batch(thread.id.batch).map(|batch| batch.name.as_str());
        known.name.as_deref() != Some(thread.name.as_str())
            || known.stage_name.as_deref() != stage
            || known.batch_name.as_deref() != batch
    };
    let unwritten: Vec<ThreadId> = now.plan.threads().filter(is_unwritten).map(|thread| thread.id).collect();
    for id in unwritten {
        write_name(&now, id, ledger);
    }
    // Approving the plan anew is one of the ways to have a blocked batch executed again (DESIGN §5a.5). That also holds
    // if the batch got new threads and so is not settled any more.
    let batch = ledger.board().open_cycle().and_then(|cycle| now.plan.batch(cycle.batch));
    if waits && batch.is_some_and(|batch| !is_complete(ledger.board(), batch)) {
        ledger.record(Event::RetryAsked);
    }
    let hash = scene.plan_hash.as_str().to_owned();
    let Settings { checks_by, workers_hash } = settings;
    ledger.record_in_index(IndexEvent::PlanApproved { hash, by: by.to_owned(), checks_by, workers_hash });
    if !revision.stages.is_empty() {
        ledger.record_in_index(IndexEvent::StagesMoved { stages: revision.stages.clone() });
    }
    for stage in &revision.taken_back {
        let reason = Some("the plan has new threads in it".to_owned());
        ledger.record_in_index(IndexEvent::StageRevoked { stage: *stage, by: by.to_owned(), reason });
    }
}

/// Approves a stage whose checks have passed. `force` needs no checks, and cancels its open threads first.
///
/// # Errors
///
/// [`Refusal::UnknownStage`]; [`Refusal::StageNotComplete`] if threads are open and `force` is not given;
/// [`Refusal::CheckRequired`] if its checks have to run first.
pub(super) fn stage(
    scene: &Scene<'_>,
    number: StageNumber,
    force: bool,
    by: &str,
    checked: Option<&Checked>,
    ledger: &mut Ledger,
) -> Result<Result<StageApproved, CheckFailed>, Refusal> {
    sweep(scene, ledger);
    let stage = scene.stage(number)?;
    let open = open_threads(ledger.board(), stage);
    if !open.is_empty() && !force {
        return Err(Refusal::StageNotComplete { stage: number, open });
    }
    let unchanged = open.is_empty() && is_approved(scene, number);
    if !force
        && !unchanged
        && let Some(failed) = checks::of_stage(scene, number, &stage.checks, checked)?
    {
        return Ok(Err(failed));
    }
    for (id, _) in &open {
        cancel(scene, *id, number, ledger);
    }
    if !unchanged {
        ledger.record_in_index(IndexEvent::StageApproved { stage: number, by: by.to_owned() });
    }
    let others_open = scene
        .plan
        .stages
        .iter()
        .filter(|stage| stage.has_threads() && stage.number != number)
        .any(|stage| !open_threads(ledger.board(), stage).is_empty() || !is_approved(scene, stage.number));
    let unproven = stage.batches.iter().flat_map(|batch| unproven(ledger.board(), batch));
    let unproven = unproven.map(|(thread, claims)| UnprovenThread { thread_id: thread.to_string(), claims });
    Ok(Ok(StageApproved {
        workstream: scene.workstream.to_owned(),
        unproven: unproven.collect(),
        stage: number.0,
        unchanged,
        cancelled: open.iter().map(|(id, _)| id.to_string()).collect(),
        next_user_command: (!others_open && admit(scene).is_ok()).then(|| scene.command(PersonAct::Complete)),
    }))
}

/// Revokes the approval of the plan. From then on nothing is handed out.
///
/// # Errors
///
/// [`Refusal::BadText`] if the reason is too long.
pub(super) fn revoke_plan(
    scene: &Scene<'_>,
    by: &str,
    reason: Option<&str>,
    ledger: &mut Ledger,
) -> Result<Revoked, Refusal> {
    check_text(Field::Reason, reason.unwrap_or_default())?;
    let was = scene.entry.map_or(ApprovalStatus::Approved, |entry| entry.approvals.plan.status);
    let event = IndexEvent::PlanRevoked { by: by.to_owned(), reason: reason.map(str::to_owned) };
    Ok(revoke(scene, None, was, event, ledger))
}

/// Revokes the approval of a stage. From then on nothing of later stages is handed out.
///
/// # Errors
///
/// [`Refusal::UnknownStage`]; [`Refusal::BadText`] if the reason is too long.
pub(super) fn revoke_stage(
    scene: &Scene<'_>,
    number: StageNumber,
    by: &str,
    reason: Option<&str>,
    ledger: &mut Ledger,
) -> Result<Revoked, Refusal> {
    scene.stage(number)?;
    check_text(Field::Reason, reason.unwrap_or_default())?;
    let approval = scene.entry.and_then(|entry| entry.stage_approval(number));
    let was = approval.map(|approval| approval.status).unwrap_or_default();
    let event = IndexEvent::StageRevoked { stage: number, by: by.to_owned(), reason: reason.map(str::to_owned) };
    Ok(revoke(scene, Some(number), was, event, ledger))
}

/// Records a revocation, unless there is no approval to revoke. `stage` is `None` for the plan.
fn revoke(
    scene: &Scene<'_>,
    stage: Option<StageNumber>,
    was: ApprovalStatus,
    event: IndexEvent,
    ledger: &mut Ledger,
) -> Revoked {
    let unchanged = was != ApprovalStatus::Approved;
    if !unchanged {
        ledger.record_in_index(event);
    }
    Revoked { workstream: scene.workstream.to_owned(), stage: stage.map(|stage| stage.0), unchanged }
}

/// Cancels an open thread of a stage that is approved with `--force`.
fn cancel(scene: &Scene<'_>, id: ThreadId, stage: StageNumber, ledger: &mut Ledger) {
    let report = format!("stage {stage} was approved although this was open");
    name_thread(scene, id, ledger);
    interrupt_running(id, &report, ledger);
    ledger.record(Event::status_set(id, Status::Cancelled, Some(report)));
}

/// Returns the threads of a stage that are neither completed nor cancelled, by id, with their statuses.
pub(super) fn open_threads(board: &Board, stage: &Stage) -> Vec<(ThreadId, Status)> {
    let threads = stage.batches.iter().flat_map(|batch| &batch.threads);
    threads.map(|thread| (thread.id, board.status(thread.id))).filter(|(_, status)| !status.is_done()).collect()
}
