//! Which thread of PLAN.md a record belongs to, if there is no other text to compare with (DESIGN §7): PLAN.md is the
//! approved text itself ([`as_approved`]), or no approved text is known ([`by_names`]).
//!
//! As in [`crate::plan::follow`], what is in doubt is unclear, and a person decides.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::{Scene, is_name};
use crate::board::{Board, Status, Thread as Record};
use crate::plan::{Batch, BatchId, Fate, Followed, Plan, Stage, StageNumber, Thread, ThreadId, follow_names};

/// Returns the fate that a person has decided. `None`: the thread left.
fn said(told: Option<ThreadId>) -> Fate {
    told.map_or(Fate::Left, Fate::Is)
}

/// Returns the recorded name of a thread, if there is one.
pub(super) fn recorded_name(id: ThreadId, record: &Record) -> Option<&str> {
    record.name.as_deref().filter(|name| is_name(id, name))
}

/// Returns what became of the records if PLAN.md is the approved text: each belongs to the thread with its id. The
/// exception is a record whose name only threads with other ids have, as after a merge of two threads.json. It is
/// unclear.
pub(super) fn as_approved(scene: &Scene<'_>, board: &Board, told: &BTreeMap<ThreadId, Option<ThreadId>>) -> Followed {
    let mut now: BTreeMap<&str, Vec<ThreadId>> = BTreeMap::new();
    for thread in scene.plan_now.threads() {
        now.entry(&thread.name).or_default().push(thread.id);
    }
    let fate = |id: ThreadId| {
        if let Some(told) = told.get(&id) {
            return said(*told);
        }
        let here = scene.plan_now.thread(id);
        let name = board.threads.get(id).and_then(|record| recorded_name(id, record));
        match name.and_then(|name| now.get(name)) {
            Some(elsewhere) if !elsewhere.contains(&id) => {
                let candidates = elsewhere.iter().copied().chain(here.map(|thread| thread.id));
                Fate::Unclear(candidates.collect::<BTreeSet<_>>().into_iter().collect())
            }
            _ if here.is_some() => Fate::Is(id),
            _ => Fate::Left,
        }
    };
    let same = |number: StageNumber| (number, number);
    let mut followed = Followed {
        stages: scene.plan.stages.iter().map(|stage| same(stage.number)).collect(),
        batches: scene.plan.batches().map(|batch| (batch.id, batch.id)).collect(),
        threads: known(scene, board).into_iter().map(|id| (id, fate(id))).collect(),
    };
    make_way(board, &mut followed, told);
    followed
}

/// Returns the ids of the threads of the plan and of the records. A record that only has a floor is not that of a
/// thread.
fn known(scene: &Scene<'_>, board: &Board) -> BTreeSet<ThreadId> {
    let recorded = board.threads.iter().filter(|(_, record)| record.name.is_some() || has_state(record));
    scene.plan.threads().map(|thread| thread.id).chain(recorded.map(|(id, _)| id)).collect()
}

/// Handles records that would have the same new id as one that a person mapped: such a record is unclear if it has
/// state, and forgotten otherwise.
fn make_way(board: &Board, followed: &mut Followed, told: &BTreeMap<ThreadId, Option<ThreadId>>) {
    let taken: BTreeSet<ThreadId> = told.values().flatten().copied().collect();
    followed.threads.retain(|id, fate| {
        let is_in_the_way = !told.contains_key(id) && matches!(fate, Fate::Is(now) if taken.contains(now));
        if is_in_the_way {
            *fate = Fate::Unclear(Vec::new());
        }
        !is_in_the_way || board.threads.get(*id).is_some_and(has_state)
    });
}

/// Returns what became of the records if no approved text is known: a release before 0.2.0 approved it, or the text was
/// lost or merged. Then the recorded names are all that is known of the plan before.
pub(super) fn by_names(
    scene: &Scene<'_>,
    board: &Board,
    names: &Plan,
    told: &BTreeMap<ThreadId, Option<ThreadId>>,
) -> Followed {
    let mut followed = follow_names(names, scene.plan_now, told);
    make_way(board, &mut followed, told);
    let is = |fate: &Fate| if let Fate::Is(now) = fate { Some(*now) } else { None };
    let is_told = |id: &ThreadId| told.contains_key(id);
    let mut taken: BTreeSet<ThreadId> =
        followed.threads.values().filter_map(is).chain(told.values().flatten().copied()).collect();
    for (id, fate) in &mut followed.threads {
        // The thread with its id has another name: the record may be that of a thread that left, or that was renamed.
        if *fate == Fate::Left && !is_told(id) && scene.plan_now.thread(*id).is_some() && !taken.contains(id) {
            *fate = Fate::Unclear(vec![*id]);
        }
    }
    // A record without a name has only its id as evidence.
    for id in known(scene, board).into_iter().filter(|id| names.thread(*id).is_none()) {
        let fate = match told.get(&id) {
            Some(told) => said(*told),
            None if scene.plan_now.thread(id).is_none() => Fate::Left,
            None if taken.insert(id) => Fate::Is(id),
            None if board.threads.get(id).is_some_and(has_state) => Fate::Unclear(Vec::new()),
            None => continue,
        };
        followed.threads.insert(id, fate);
    }
    let taken: BTreeSet<StageNumber> = followed.stages.values().copied().collect();
    let stages = scene.plan_now.stages.iter().map(|stage| stage.number);
    let is_unknown = |number: &StageNumber| names.stage(*number).is_none() && !taken.contains(number);
    followed.stages.extend(stages.filter(is_unknown).map(|number| (number, number)));
    let taken: BTreeSet<BatchId> = followed.batches.values().copied().collect();
    let batches = scene.plan_now.batches().map(|batch| batch.id);
    let is_unknown = |id: &BatchId| names.batch(*id).is_none() && !taken.contains(id);
    followed.batches.extend(batches.filter(is_unknown).map(|id| (id, id)));
    followed
}

/// Returns the plan before, as far as the recorded names show it. It has no texts.
pub(super) fn recorded_names(scene: &Scene<'_>, board: &Board) -> Plan {
    let mut plan = Plan::default();
    for (id, record) in board.threads.iter() {
        let Some(name) = recorded_name(id, record) else { continue };
        let name_of = |recorded: &Option<String>, now: Option<&String>| {
            recorded.clone().filter(|name| !name.is_empty()).or_else(|| now.cloned()).unwrap_or_default()
        };
        // Records come by id, so the stage and the batch of a record are either the last ones or new.
        let number = id.batch.stage;
        if plan.stages.last().is_none_or(|stage| stage.number != number) {
            let now = scene.plan_now.stage(number).map(|stage| &stage.name);
            plan.stages.push(Stage {
                number,
                name: name_of(&record.stage_name, now),
                definition: String::new(),
                constitution: String::new(),
                answers: Vec::new(),
                checks: Vec::new(),
                batches: Vec::new(),
            });
        }
        let Some(stage) = plan.stages.last_mut() else { continue };
        if stage.batches.last().is_none_or(|batch| batch.id != id.batch) {
            let now = scene.plan_now.batch(id.batch).map(|batch| &batch.name);
            stage.batches.push(Batch {
                id: id.batch,
                name: name_of(&record.batch_name, now),
                summary: String::new(),
                threads: Vec::new(),
            });
        }
        let Some(batch) = stage.batches.last_mut() else { continue };
        batch.threads.push(Thread {
            id,
            name: name.to_owned(),
            agent: None,
            summary: String::new(),
            details: String::new(),
            checks: Vec::new(),
            files: Vec::new(),
            after: Vec::new(),
        });
    }
    plan
}

/// Returns whether the record has state that must not get under another thread. Names alone are no state.
pub(super) fn has_state(record: &Record) -> bool {
    record.status != Status::Pending
        || !record.attempts.is_empty()
        || record.assigned_agent.is_some()
        || !record.report.is_empty()
}
