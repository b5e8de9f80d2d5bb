//! `work diff`: what has changed between the approved text and PLAN.md, thread by thread, and what becomes of the
//! records (DESIGN §7). `work approve plan` shows the same and carries it out. Nothing here may record an event.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::facts::{Candidate, MappingProblem, UnclearThread};
use super::ledger::Ledger;
use super::recorded::{as_approved, by_names, has_state, recorded_name, recorded_names};
use super::refusal::Refusal;
use super::scene::{Basis, Scene};
use super::sweep::sweep;
use crate::board::{Board, Moves, Status};
use crate::index::ApprovalStatus;
use crate::plan::{Fate, Followed, Plan, Stage, StageNumber, Thread, ThreadId, follow, unified};

/// A person's word on which thread is which: `--map` and `--keep-ids`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// Whether all records stay at their ids.
    pub keep_ids: bool,
    /// The old ids, each with the new one; `None`: the thread left the plan.
    pub map: Vec<(ThreadId, Option<ThreadId>)>,
}

/// The answer of `work diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanDiff {
    /// The workstream.
    pub workstream: String,
    /// Whether the approved text is known. If not, only recorded names are compared.
    pub approved_text: bool,
    /// Whether a person has ever approved a text.
    pub was_approved: bool,
    /// The stages that have changed.
    pub stages: Vec<StageChange>,
    /// The threads that have changed, by their new ids, then those that left.
    pub threads: Vec<ThreadChange>,
    /// The threads with records of which the program cannot tell which thread they are now.
    pub unclear: Vec<UnclearThread>,
    /// The difference of the texts, as `diff -u` prints it; empty if there is none or no approved text is known.
    pub text: String,
}

/// A stage that has changed.
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
    /// What becomes of its approval; null: there was none.
    pub approval: Option<ApprovalFate>,
}

/// What becomes of the approval of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalFate {
    /// The stage stays approved, under its new number.
    Kept,
    /// The stage is not approved any more: it gained threads that are not done, or it left.
    TakenBack,
}

/// A thread that has changed.
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
    /// What has changed in its text: `summary`, `details`, `agent`, `checks`, `files`, `after`.
    pub edited: Vec<&'static str>,
    /// What becomes of its record.
    pub consequence: Consequence,
    /// Whether a worker may still use the old id, which is another thread's now. Its reports under that id are refused
    /// (DESIGN §5a.7).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_handed_out: bool,
}

/// What becomes of a thread's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Consequence {
    /// There is none, so the thread is pending.
    New,
    /// It stays at its id.
    Stays,
    /// It moves to the new id of the thread.
    MovesAlong,
    /// It stays in threads.json and counts for nothing.
    CountsForNothing,
}

/// The answer of `work diff`, and what an approval of PLAN.md would do.
pub(super) struct Revision {
    pub(super) diff: PlanDiff,
    pub(super) moves: Moves,
    /// The new numbers of stages with an approval, by their old numbers, where they differ; `None`: the approval
    /// belongs to no stage any more.
    pub(super) stages: BTreeMap<StageNumber, Option<StageNumber>>,
    /// The new numbers of the stages whose approval is revoked.
    pub(super) taken_back: Vec<StageNumber>,
    /// The old ids of the threads in progress whose records would move.
    pub(super) running: Vec<ThreadId>,
}

/// Decides a `work diff`.
pub(super) fn decide(scene: &Scene<'_>, ledger: &mut Ledger) -> Result<PlanDiff, Refusal> {
    sweep(scene, ledger);
    Ok(revise(scene, ledger.board(), &Mapping::default())?.diff)
}

/// Compares the plans, and finds out where the records go.
///
/// # Errors
///
/// [`Refusal::BadMapping`].
pub(super) fn revise(scene: &Scene<'_>, board: &Board, mapping: &Mapping) -> Result<Revision, Refusal> {
    let told = told(scene, board, mapping)?;
    let names;
    let (old, followed) = match scene.basis {
        Basis::ApprovedBefore(_) => (scene.plan, follow(scene.plan, scene.plan_now, &told)),
        Basis::Approved { .. } => (scene.plan, as_approved(scene, board, &told)),
        Basis::Unknown => {
            names = recorded_names(scene, board);
            (&names, by_names(scene, board, &names, &told))
        }
    };
    let followed = if mapping.keep_ids { unmoved(scene, &followed) } else { followed };
    let mut revision = Revision {
        moves: moves(scene, board, (!mapping.keep_ids).then_some(old), &followed),
        diff: PlanDiff {
            workstream: scene.workstream.to_owned(),
            approved_text: scene.basis != Basis::Unknown,
            was_approved: scene.entry.is_some_and(|entry| {
                entry.approvals.plan.status == ApprovalStatus::Approved || entry.approvals.plan_hash.is_some()
            }),
            stages: Vec::new(),
            threads: Vec::new(),
            unclear: unclear(scene, board, old, &followed),
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
    revision.diff.threads = thread_changes(scene, board, old, &followed, &revision.moves);
    stage_changes(scene, board, old, &followed, &mut revision);
    Ok(revision)
}

/// Returns the mapping by old id. Refuses one that names unknown threads, or names one twice.
fn told(scene: &Scene<'_>, board: &Board, mapping: &Mapping) -> Result<BTreeMap<ThreadId, Option<ThreadId>>, Refusal> {
    let mut told = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (from, to) in &mapping.map {
        if scene.plan.thread(*from).is_none() && board.threads.get(*from).is_none() {
            return Err(Refusal::BadMapping(MappingProblem::NotApproved(*from)));
        }
        if told.insert(*from, *to).is_some() {
            return Err(Refusal::BadMapping(MappingProblem::MappedTwice(*from)));
        }
        let Some(to) = to else { continue };
        if scene.plan_now.thread(*to).is_none() {
            return Err(Refusal::BadMapping(MappingProblem::NoSuchThread { from: *from, to: *to }));
        }
        if !taken.insert(to) {
            return Err(Refusal::BadMapping(MappingProblem::TakenTwice(*to)));
        }
    }
    Ok(told)
}

/// Returns the result of `--keep-ids`: each thread, batch and stage is the one that has its number now.
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

fn unclear(scene: &Scene<'_>, board: &Board, old: &Plan, followed: &Followed) -> Vec<UnclearThread> {
    let mut taken: BTreeSet<ThreadId> = befores(followed).into_keys().collect();
    let of = |(id, fate): (&ThreadId, &Fate)| {
        let Fate::Unclear(candidates) = fate else { return None };
        let record = board.threads.get(*id).filter(|record| has_state(record))?;
        let name = old.thread(*id).map(|thread| thread.name.clone()).or_else(|| record.name.clone());
        let name = name.unwrap_or_default();
        let candidates = candidates.iter().filter_map(|id| scene.plan_now.thread(*id));
        let candidates: Vec<Candidate> =
            candidates.map(|thread| Candidate { thread_id: thread.id, name: thread.name.clone() }).collect();
        // If only names are known, a thread with another name would be a bad suggestion.
        let has_name = |candidate: &&Candidate| candidate.name == name;
        let free = || candidates.iter().filter(|candidate| !taken.contains(&candidate.thread_id));
        let guess = || free().next().filter(|_| scene.basis != Basis::Unknown);
        let suggested = free().find(has_name).or_else(guess);
        let suggested = suggested.map(|candidate| candidate.thread_id);
        taken.extend(suggested);
        Some(UnclearThread { thread_id: *id, name, status: record.status, candidates, suggested })
    };
    followed.threads.iter().filter_map(of).collect()
}

fn moves(scene: &Scene<'_>, board: &Board, old: Option<&Plan>, followed: &Followed) -> Moves {
    let mut moves = Moves::default();
    let is_taken = |id: ThreadId| scene.plan_now.thread(id).is_some();
    for (id, _) in board.threads.iter() {
        let now = match followed.threads.get(&id) {
            Some(Fate::Is(now)) => Some(*now),
            // The record of a thread that left stays at its id, unless another thread has that id now.
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
    moves.floors = floors(scene, board, old, followed);
    for batch in board.cycles().iter().filter(|cycle| !cycle.left).map(|cycle| cycle.batch) {
        match followed.batches.get(&batch) {
            Some(now) if *now == batch => {}
            Some(now) => drop(moves.batches.insert(batch, Some(*now))),
            None if scene.plan_now.batch(batch).is_some() => drop(moves.batches.insert(batch, None)),
            None => {}
        }
    }
    moves
}

/// Returns the new `attemptFloor` of threads (DESIGN §7): a worker that was given an id must not be taken for a worker
/// of the thread that has the id now or gets it later. `old` is `None` if a person has said that all ids stay the same.
fn floors(scene: &Scene<'_>, board: &Board, old: Option<&Plan>, followed: &Followed) -> BTreeMap<ThreadId, u32> {
    let recorded = board.threads.iter().map(|(id, _)| id);
    let mut ids: BTreeSet<ThreadId> = followed.threads.keys().copied().chain(recorded).collect();
    if scene.basis == Basis::Unknown {
        ids.extend(scene.plan_now.threads().map(|thread| thread.id));
    }
    // Without a recorded name it is not known to which thread a worker's id belonged.
    let is_unknown = |id: ThreadId| {
        scene.basis == Basis::Unknown
            && old.is_some_and(|old| old.thread(id).is_none())
            && board.open_cycle_of(id.batch).is_some()
    };
    let is_another = |id: &ThreadId| match followed.threads.get(id) {
        Some(Fate::Is(now)) => now != id || is_unknown(*id),
        // The record of a thread that left stays at its id, unless another thread gets that id.
        Some(Fate::Left | Fate::Unclear(_)) => scene.plan_now.thread(*id).is_some(),
        None => scene.plan_now.thread(*id).is_some() && (board.threads.get(*id).is_some() || is_unknown(*id)),
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

/// Returns the old ids of the threads, by their new ones.
fn befores(followed: &Followed) -> BTreeMap<ThreadId, ThreadId> {
    let before = |(then, fate): (&ThreadId, &Fate)| match fate {
        Fate::Is(now) => Some((*now, *then)),
        Fate::Left | Fate::Unclear(_) => None,
    };
    followed.threads.iter().filter_map(before).collect()
}

fn thread_changes(
    scene: &Scene<'_>,
    board: &Board,
    old_plan: &Plan,
    followed: &Followed,
    moves: &Moves,
) -> Vec<ThreadChange> {
    let before = befores(followed);
    let change = |then: Option<ThreadId>, now: Option<&Thread>| {
        let old = then.and_then(|id| old_plan.thread(id));
        let record = then.map(|id| board.thread(id));
        let recorded = then.zip(record.as_ref()).and_then(|(id, record)| recorded_name(id, record));
        let name_then = old.map(|thread| thread.name.as_str()).or(recorded).map(str::to_owned);
        let name = now.map(|thread| thread.name.clone()).or_else(|| name_then.clone()).unwrap_or_default();
        ThreadChange {
            before: then.map(|id| id.to_string()),
            now: now.map(|thread| thread.id.to_string()),
            renamed_from: name_then.filter(|then| *then != name),
            name,
            status: record.as_ref().map(|record| record.status).unwrap_or_default(),
            attempts: record.as_ref().map_or(0, |record| record.attempts.len()),
            edited: match scene.basis {
                Basis::Unknown => Vec::new(),
                Basis::Approved { .. } | Basis::ApprovedBefore(_) => {
                    old.zip(now).map(|(old, now)| edited(old, now, &before)).unwrap_or_default()
                }
            },
            consequence: match (then, now) {
                (None, _) => Consequence::New,
                (Some(_), None) => Consequence::CountsForNothing,
                (Some(then), Some(_)) if moves.threads.contains_key(&then) => Consequence::MovesAlong,
                (Some(_), Some(_)) => Consequence::Stays,
            },
            was_handed_out: then.is_some_and(|then| {
                now.is_none_or(|now| now.id != then)
                    && !board.status(then).is_done()
                    && moves.floors.contains_key(&then)
            }),
        }
    };
    let is_change = |change: &ThreadChange| {
        change.before != change.now || change.renamed_from.is_some() || !change.edited.is_empty()
    };
    let there = scene.plan_now.threads().map(|now| change(before.get(&now.id).copied(), Some(now)));
    // Unclear threads with state are in the list of their own.
    let has_left = |id: &ThreadId, fate: &Fate| match fate {
        Fate::Is(_) => false,
        Fate::Left => true,
        Fate::Unclear(_) => !board.threads.get(*id).is_some_and(has_state),
    };
    let left = followed.threads.iter().filter(|(id, fate)| has_left(id, fate));
    let left = left.map(|(id, _)| change(Some(*id), None));
    there.chain(left).filter(is_change).collect()
}

/// Returns what has changed in the text of a thread. `before` has the ids of threads before, by their ids now.
fn edited(old: &Thread, new: &Thread, before: &BTreeMap<ThreadId, ThreadId>) -> Vec<&'static str> {
    let agent = |thread: &'_ Thread| thread.agent.as_ref().map(|agent| agent.name.clone());
    // Other numbers of the same threads are no change.
    let mut after: Vec<ThreadId> = new.after.iter().map(|id| before.get(id).copied().unwrap_or(*id)).collect();
    after.sort_unstable();
    [
        ("summary", old.summary != new.summary),
        ("details", old.details != new.details),
        ("agent", agent(old) != agent(new)),
        ("checks", old.checks != new.checks),
        ("files", old.files != new.files),
        ("after", old.after != after),
    ]
    .into_iter()
    .filter_map(|(part, differs)| differs.then_some(part))
    .collect()
}

/// Adds the stages that have changed, and what becomes of their approvals: these follow the name of the stage, and are
/// revoked if the stage gained open threads (DESIGN §7).
fn stage_changes(scene: &Scene<'_>, board: &Board, old: &Plan, followed: &Followed, revision: &mut Revision) {
    let moved = board.moved(&revision.moves);
    let before: BTreeMap<StageNumber, StageNumber> = followed.stages.iter().map(|(then, now)| (*now, *then)).collect();
    let threads_before: BTreeMap<ThreadId, ThreadId> = befores(followed);
    let stage_before = |id: ThreadId| threads_before.get(&id).map(|then| then.batch.stage);
    let is_approved = |number: StageNumber| scene.entry.is_some_and(|entry| entry.stage_approved(number));
    let name = |plan: &Plan, number: StageNumber| plan.stage(number).map(|stage| stage.name.clone());
    for stage in &scene.plan_now.stages {
        let then = before.get(&stage.number).copied();
        let gained = || {
            let mut threads = stage.batches.iter().flat_map(|batch| &batch.threads);
            threads.any(|thread| {
                let is_new = scene.basis == Basis::Unknown || stage_before(thread.id) != then;
                is_new && !moved.status(thread.id).is_done()
            })
        };
        let approval = then
            .filter(|then| is_approved(*then))
            .map(|_| if gained() { ApprovalFate::TakenBack } else { ApprovalFate::Kept });
        if approval == Some(ApprovalFate::TakenBack) {
            revision.taken_back.push(stage.number);
        }
        let renamed_from = then.and_then(|then| name(old, then)).filter(|then| *then != stage.name);
        let is_change =
            then != Some(stage.number) || renamed_from.is_some() || approval == Some(ApprovalFate::TakenBack);
        if is_change && (scene.basis != Basis::Unknown || approval.is_some()) {
            revision.diff.stages.push(StageChange {
                before: then.map(|number| number.0),
                now: Some(stage.number.0),
                name: stage.name.clone(),
                renamed_from,
                approval,
            });
        }
    }
    let has_left = |stage: &&Stage| {
        !followed.stages.contains_key(&stage.number) && (scene.basis != Basis::Unknown || is_approved(stage.number))
    };
    for stage in old.stages.iter().filter(has_left) {
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
        // An approval of a number that had no stage must not become that of a stage which gets the number now.
        let is_reused = scene.plan_now.stage(number).is_some();
        if now != Some(number) && (now.is_some() || is_reused) {
            revision.stages.insert(number, now);
        }
    }
}
