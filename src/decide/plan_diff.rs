//! `work diff`: what changed between the text that a person approved and PLAN.md as it is now, thread by
//! thread, and what becomes of their records (DESIGN §7). `work approve plan` shows the same and carries it out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::refusal::Refusal;
use super::scene::{Basis, Scene, is_name};
use crate::board::{Board, Moves, Status, Thread as Record};
use crate::plan::{Fate, Followed, StageNumber, Thread, ThreadId, follow, unified};

/// What a person says of threads that have other numbers or names by now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// All records stay at the ids where they are.
    pub keep_ids: bool,
    /// The ids now, by the ids before; `None`: the thread left the plan.
    pub map: BTreeMap<ThreadId, Option<ThreadId>>,
}

/// The answer of `work diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanDiff {
    /// The workstream.
    pub workstream: String,
    /// Whether the text that was approved is known; else only names that were recorded are compared.
    pub approved_text: bool,
    /// The stages that are not what they were.
    pub stages: Vec<StageChange>,
    /// The threads that are not what they were, by their ids now, then those that left.
    pub threads: Vec<ThreadChange>,
    /// The threads with records of which nobody can tell which they are now.
    pub unclear: Vec<UnclearThread>,
    /// The difference of the texts, as `diff -u` prints it; empty where there is none, or no approved text.
    pub text: String,
}

/// A stage that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageChange {
    /// Its number before; null: it is new.
    pub before: Option<u16>,
    /// Its number now; null: it left.
    pub now: Option<u16>,
    /// Its name, the last one that it had.
    pub name: String,
    /// Its name before, where it was another one.
    pub renamed_from: Option<String>,
    /// What becomes of a person's approval of it; null: there was none.
    pub approval: Option<ApprovalFate>,
}

/// What becomes of the approval of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalFate {
    /// It stays approved, under its number now.
    Kept,
    /// It is not approved any more: threads were added that are not done, or it left.
    TakenBack,
}

/// A thread that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThreadChange {
    /// Its id before; null: it is new.
    pub before: Option<String>,
    /// Its id now; null: it left.
    pub now: Option<String>,
    /// Its name, the last one that it had.
    pub name: String,
    /// Its name before, where it was another one.
    pub renamed_from: Option<String>,
    /// Its status.
    pub status: Status,
    /// How many attempts it had.
    pub attempts: usize,
    /// What is another in its text: `summary`, `details`, `agent`.
    pub edited: Vec<&'static str>,
    /// What becomes of its record.
    pub consequence: Consequence,
}

/// What becomes of a thread's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// There is none: the thread is pending.
    New,
    /// It stays at its id.
    Stays,
    /// It moves along, to the id now.
    MovesAlong,
    /// It stays in threads.json and counts for nothing.
    CountsForNothing,
}

/// A thread of which nobody can tell which it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnclearThread {
    /// Its id before.
    pub thread_id: ThreadId,
    /// Its name before.
    pub name: String,
    /// Its status.
    pub status: Status,
    /// The threads that it can be now.
    pub candidates: Vec<ThreadId>,
}

/// The answer, and what approving the plan would do.
pub(super) struct Revision {
    pub(super) diff: PlanDiff,
    pub(super) moves: Moves,
    /// The numbers now of the stages that moved, of those that a person has approved.
    pub(super) stages: BTreeMap<StageNumber, Option<StageNumber>>,
    /// The stages, by their numbers now, whose approval is taken back.
    pub(super) taken_back: Vec<StageNumber>,
    /// The threads in progress whose records would move, by their ids before.
    pub(super) running: Vec<ThreadId>,
}

/// Decides `work diff`.
pub(super) fn decide(scene: &Scene<'_>, board: &Board) -> Result<PlanDiff, Refusal> {
    Ok(revise(scene, board, &Mapping::default())?.diff)
}

/// Compares the plans, and works out where the records go.
pub(super) fn revise(scene: &Scene<'_>, board: &Board, mapping: &Mapping) -> Result<Revision, Refusal> {
    require_sense(scene, board, mapping)?;
    let followed = match scene.basis {
        Basis::ApprovedBefore(_) => follow(scene.plan, scene.plan_now, &mapping.map),
        Basis::Approved { .. } | Basis::Unknown => recorded(scene, board, mapping),
    };
    let followed = if mapping.keep_ids { unmoved(scene, &followed) } else { followed };
    let mut revision = Revision {
        moves: moves(scene, board, &followed),
        diff: PlanDiff {
            workstream: scene.workstream.to_owned(),
            approved_text: scene.basis != Basis::Unknown,
            stages: Vec::new(),
            threads: Vec::new(),
            unclear: unclear(scene, board, &followed),
            text: match scene.basis {
                Basis::ApprovedBefore(text) => unified("approved", "PLAN.md", text, scene.plan_text),
                Basis::Approved { .. } | Basis::Unknown => String::new(),
            },
        },
        stages: BTreeMap::new(),
        taken_back: Vec::new(),
        running: Vec::new(),
    };
    revision.running =
        revision.moves.threads.keys().copied().filter(|id| board.status(*id) == Status::InProgress).collect();
    revision.diff.threads = thread_changes(scene, board, &followed, &revision.moves);
    stage_changes(scene, board, &followed, &mut revision);
    Ok(revision)
}

/// Refuses a mapping of threads that are not there, or of two to one.
fn require_sense(scene: &Scene<'_>, board: &Board, mapping: &Mapping) -> Result<(), Refusal> {
    let mut taken = BTreeSet::new();
    for (from, to) in &mapping.map {
        if scene.plan.thread(*from).is_none() && board.threads.get(*from).is_none() {
            return Err(Refusal::invalid(format!("--map {from}: no such thread was approved"), "see work diff"));
        }
        let Some(to) = to else { continue };
        if scene.plan_now.thread(*to).is_none() {
            return Err(Refusal::invalid(format!("--map {from}={to}: PLAN.md has no thread {to}"), "see work diff"));
        }
        if !taken.insert(to) {
            return Err(Refusal::invalid(format!("--map: {to} stands twice"), "map each thread to one of its own"));
        }
    }
    Ok(())
}

/// Without an approved text records stay where they are (a workstream of a release before 0.2.0), unless the name
/// that was recorded stands at another id by now: then a person has to say which it is.
fn recorded(scene: &Scene<'_>, board: &Board, mapping: &Mapping) -> Followed {
    let mut now: BTreeMap<&str, Vec<ThreadId>> = BTreeMap::new();
    for thread in scene.plan_now.threads() {
        now.entry(&thread.name).or_default().push(thread.id);
    }
    let fate = |id: ThreadId| {
        if let Some(told) = mapping.map.get(&id) {
            return told.map_or(Fate::Left, Fate::Is);
        }
        let here = scene.plan_now.thread(id);
        let name = board.threads.get(id).and_then(|record| record.name.as_deref()).filter(|name| is_name(id, name));
        match name.and_then(|name| now.get(name)) {
            Some(elsewhere) if !elsewhere.contains(&id) => {
                let candidates: BTreeSet<ThreadId> =
                    elsewhere.iter().copied().chain(here.map(|thread| thread.id)).collect();
                Fate::Unclear(candidates.into_iter().collect())
            }
            _ if here.is_some() => Fate::Is(id),
            _ => Fate::Left,
        }
    };
    // Where only a floor is recorded there is no thread.
    let is_one = |record: &Record| record.name.is_some() || has_state(record);
    let recorded = board.threads.iter().filter(|(_, record)| is_one(record)).map(|(id, _)| id);
    let ids = scene.plan.threads().map(|thread| thread.id).chain(recorded);
    let same = |number: StageNumber| (number, number);
    Followed {
        stages: scene.plan.stages.iter().map(|stage| same(stage.number)).collect(),
        batches: scene.plan.batches().map(|batch| (batch.id, batch.id)).collect(),
        threads: ids.map(|id| (id, fate(id))).collect(),
    }
}

/// Everything is what has its number now.
fn unmoved(scene: &Scene<'_>, followed: &Followed) -> Followed {
    let now = scene.plan_now;
    let stays = |id: &ThreadId| now.thread(*id).map_or(Fate::Left, |thread| Fate::Is(thread.id));
    let stages = scene.plan.stages.iter().map(|stage| stage.number).filter(|number| now.stage(*number).is_some());
    let batches = scene.plan.batches().map(|batch| batch.id).filter(|id| now.batch(*id).is_some());
    Followed {
        stages: stages.map(|number| (number, number)).collect(),
        batches: batches.map(|id| (id, id)).collect(),
        threads: followed.threads.keys().map(|id| (*id, stays(id))).collect(),
    }
}

/// Returns whether something has happened to a thread that must not be found under another one.
fn has_state(record: &Record) -> bool {
    record.status != Status::Pending
        || !record.attempts.is_empty()
        || record.assigned_agent.is_some()
        || !record.report.is_empty()
}

fn unclear(scene: &Scene<'_>, board: &Board, followed: &Followed) -> Vec<UnclearThread> {
    let of = |(id, fate): (&ThreadId, &Fate)| {
        let Fate::Unclear(candidates) = fate else { return None };
        let record = board.threads.get(*id).filter(|record| has_state(record))?;
        let name = scene.plan.thread(*id).map(|thread| thread.name.clone()).or_else(|| record.name.clone());
        Some(UnclearThread {
            thread_id: *id,
            name: name.unwrap_or_default(),
            status: record.status,
            candidates: candidates.clone(),
        })
    };
    followed.threads.iter().filter_map(of).collect()
}

fn moves(scene: &Scene<'_>, board: &Board, followed: &Followed) -> Moves {
    let mut moves = Moves::default();
    let is_taken = |id: ThreadId| scene.plan_now.thread(id).is_some();
    for (id, _) in board.threads.iter() {
        let now = match followed.threads.get(&id) {
            Some(Fate::Is(now)) => Some(*now),
            // What is recorded of a thread that left stays, unless another thread has its id.
            Some(Fate::Left | Fate::Unclear(_)) | None if is_taken(id) => None,
            _ => continue,
        };
        if now != Some(id) {
            moves.threads.insert(id, now);
        }
        if let Some(now) = now
            && followed.batches.get(&id.batch) != Some(&now.batch)
        {
            moves.detached.insert(now);
        }
    }
    moves.floors = floors(scene, board, followed);
    for batch in board.cycles.iter().filter(|cycle| !cycle.left).map(|cycle| cycle.batch) {
        match followed.batches.get(&batch) {
            Some(now) if *now == batch => {}
            Some(now) => drop(moves.batches.insert(batch, Some(*now))),
            None if scene.plan_now.batch(batch).is_some() => drop(moves.batches.insert(batch, None)),
            None => {}
        }
    }
    moves
}

/// Whoever was told an id and a number before must not be taken for a worker of the thread that has the id now, or
/// that gets it later.
fn floors(scene: &Scene<'_>, board: &Board, followed: &Followed) -> BTreeMap<ThreadId, u32> {
    let recorded = board.threads.iter().map(|(id, _)| id);
    let ids: BTreeSet<ThreadId> = followed.threads.keys().copied().chain(recorded).collect();
    let is_another = |id: &ThreadId| match followed.threads.get(id) {
        Some(Fate::Is(now)) => now != id,
        // What is recorded of one that left stays there, unless another thread comes.
        Some(Fate::Left | Fate::Unclear(_)) | None => scene.plan_now.thread(*id).is_some(),
    };
    let floor = |id: ThreadId| {
        let record = board.thread(id);
        let was_handed_out = !record.status.is_done() && board.latest_cycle_of(id.batch).is_some();
        let floor =
            if was_handed_out { record.next_number() } else { record.latest_number().max(record.attempt_floor) };
        (floor > 0).then_some((id, floor))
    };
    ids.into_iter().filter(is_another).filter_map(floor).collect()
}

/// Returns the ids of threads before, by their ids now.
fn befores(followed: &Followed) -> BTreeMap<ThreadId, ThreadId> {
    let before = |(then, fate): (&ThreadId, &Fate)| match fate {
        Fate::Is(now) => Some((*now, *then)),
        Fate::Left | Fate::Unclear(_) => None,
    };
    followed.threads.iter().filter_map(before).collect()
}

fn thread_changes(scene: &Scene<'_>, board: &Board, followed: &Followed, moves: &Moves) -> Vec<ThreadChange> {
    let before = befores(followed);
    let change = |then: Option<ThreadId>, now: Option<&Thread>| {
        let old = then.and_then(|id| scene.plan.thread(id));
        let record = then.map(|id| board.thread(id));
        let recorded = record.as_ref().and_then(|record| record.name.clone());
        // Without an approved text only the name that was recorded tells what it was.
        let name_then = match scene.basis {
            Basis::Unknown => recorded.filter(|name| then.is_some_and(|id| is_name(id, name))),
            Basis::Approved { .. } | Basis::ApprovedBefore(_) => old.map(|thread| thread.name.clone()).or(recorded),
        };
        let name = now.map(|thread| thread.name.clone()).or_else(|| name_then.clone()).unwrap_or_default();
        ThreadChange {
            before: then.map(|id| id.to_string()),
            now: now.map(|thread| thread.id.to_string()),
            renamed_from: name_then.filter(|then| *then != name),
            name,
            status: record.as_ref().map(|record| record.status).unwrap_or_default(),
            attempts: record.as_ref().map_or(0, |record| record.attempts.len()),
            edited: old.zip(now).map(|(old, now)| edited(old, now)).unwrap_or_default(),
            consequence: match (then, now) {
                (None, _) => Consequence::New,
                (Some(_), None) => Consequence::CountsForNothing,
                (Some(then), Some(_)) if moves.threads.contains_key(&then) => Consequence::MovesAlong,
                (Some(_), Some(_)) => Consequence::Stays,
            },
        }
    };
    let knows_all = scene.basis != Basis::Unknown || !board.threads.is_empty();
    let is_change = |change: &ThreadChange| {
        change.before != change.now || change.renamed_from.is_some() || !change.edited.is_empty()
    };
    let there =
        scene.plan_now.threads().filter(|_| knows_all).map(|now| change(before.get(&now.id).copied(), Some(now)));
    // What is unclear is told as that, where it matters.
    let has_left = |id: &ThreadId, fate: &Fate| match fate {
        Fate::Is(_) => false,
        Fate::Left => true,
        Fate::Unclear(_) => !board.threads.get(*id).is_some_and(has_state),
    };
    let left = followed.threads.iter().filter(|(id, fate)| has_left(id, fate));
    let left = left.map(|(id, _)| change(Some(*id), None));
    there.chain(left).filter(is_change).collect()
}

fn edited(old: &Thread, new: &Thread) -> Vec<&'static str> {
    let agent = |thread: &'_ Thread| thread.agent.as_ref().map(|agent| agent.name.clone());
    [
        ("summary", old.summary != new.summary),
        ("details", old.details != new.details),
        ("agent", agent(old) != agent(new)),
    ]
    .into_iter()
    .filter_map(|(part, differs)| differs.then_some(part))
    .collect()
}

/// Approvals follow the stage's name. One that gained threads that are not done is not approved any more.
fn stage_changes(scene: &Scene<'_>, board: &Board, followed: &Followed, revision: &mut Revision) {
    let moved = board.moved(&revision.moves);
    let before: BTreeMap<StageNumber, StageNumber> = followed.stages.iter().map(|(then, now)| (*now, *then)).collect();
    let threads_before: BTreeMap<ThreadId, ThreadId> = befores(followed);
    let stage_before = |id: ThreadId| threads_before.get(&id).map(|then| then.batch.stage);
    let is_approved = |number: StageNumber| scene.entry.is_some_and(|entry| entry.stage_approved(number));
    let name = |plan: &crate::plan::Plan, number: StageNumber| plan.stage(number).map(|stage| stage.name.clone());
    for stage in &scene.plan_now.stages {
        let then = before.get(&stage.number).copied();
        let gained = || {
            let mut threads = stage.batches.iter().flat_map(|batch| &batch.threads);
            threads.any(|thread| !moved.status(thread.id).is_done() && stage_before(thread.id) != then)
        };
        let approval = then
            .filter(|then| is_approved(*then))
            .map(|_| if gained() { ApprovalFate::TakenBack } else { ApprovalFate::Kept });
        if approval == Some(ApprovalFate::TakenBack) {
            revision.taken_back.push(stage.number);
        }
        let renamed_from = then.and_then(|then| name(scene.plan, then)).filter(|then| *then != stage.name);
        let is_change =
            then != Some(stage.number) || renamed_from.is_some() || approval == Some(ApprovalFate::TakenBack);
        if is_change && scene.basis != Basis::Unknown {
            revision.diff.stages.push(StageChange {
                before: then.map(|number| number.0),
                now: Some(stage.number.0),
                name: stage.name.clone(),
                renamed_from,
                approval,
            });
        }
    }
    for stage in scene.plan.stages.iter().filter(|stage| !followed.stages.contains_key(&stage.number)) {
        revision.diff.stages.push(StageChange {
            before: Some(stage.number.0),
            now: None,
            name: stage.name.clone(),
            renamed_from: None,
            approval: is_approved(stage.number).then_some(ApprovalFate::TakenBack),
        });
    }
    let approvals = scene.entry.into_iter().flat_map(|entry| entry.approvals.stages.keys().copied());
    for number in approvals {
        let now = followed.stages.get(&number).copied();
        // A number that stood for no stage stands for none now, where another stage has come to it.
        let is_reused = scene.plan_now.stage(number).is_some();
        if now != Some(number) && (now.is_some() || is_reused) {
            revision.stages.insert(number, now);
        }
    }
}
