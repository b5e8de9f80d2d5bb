//! Which thread of PLAN.md each record is of, where no other text is known that it could be compared with: by the
//! ids of a text that is approved as it is, else by the names that were recorded.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::{Scene, is_name};
use crate::board::{Board, Status, Thread as Record};
use crate::plan::{Batch, BatchId, Fate, Followed, Plan, Stage, StageNumber, Thread, ThreadId, follow_names};

fn said(told: Option<ThreadId>) -> Fate {
    told.map_or(Fate::Left, Fate::Is)
}

/// Returns the name that was recorded of a thread, if one was.
pub(super) fn recorded_name(id: ThreadId, record: &Record) -> Option<&str> {
    record.name.as_deref().filter(|name| is_name(id, name))
}

/// Who has approved the text has approved its ids. Only a record whose name stands at other ids alone, as after a
/// merge of two files, needs a person to say which it is.
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

/// Returns the threads of the plan and of the records. Where only a floor is recorded there is none.
fn known(scene: &Scene<'_>, board: &Board) -> BTreeSet<ThreadId> {
    let recorded = board.threads.iter().filter(|(_, record)| record.name.is_some() || has_state(record));
    scene.plan.threads().map(|thread| thread.id).chain(recorded.map(|(id, _)| id)).collect()
}

/// Where a person says that a thread is another one now, what is recorded there is not that one's.
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

/// Without an approved text (a workstream of a release before 0.2.0, a text that was lost or merged) the names that
/// were recorded are all that is known of the plan before.
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
        // Its id has another name now. Whether it left or was renamed cannot be told.
        if *fate == Fate::Left && !is_told(id) && scene.plan_now.thread(*id).is_some() && !taken.contains(id) {
            *fate = Fate::Unclear(vec![*id]);
        }
    }
    // Where no name was recorded the id is all there is.
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

/// Returns the plan before, as far as its names were recorded.
pub(super) fn recorded_names(scene: &Scene<'_>, board: &Board) -> Plan {
    let mut plan = Plan::default();
    for (id, record) in board.threads.iter() {
        let Some(name) = recorded_name(id, record) else { continue };
        let name_of = |recorded: &Option<String>, now: Option<&String>| {
            recorded.clone().filter(|name| !name.is_empty()).or_else(|| now.cloned()).unwrap_or_default()
        };
        // Threads come by id, so that each stage and each batch is the last one or a new one.
        let number = id.batch.stage;
        if plan.stages.last().is_none_or(|stage| stage.number != number) {
            let now = scene.plan_now.stage(number).map(|stage| &stage.name);
            plan.stages.push(Stage {
                number,
                name: name_of(&record.stage_name, now),
                definition: String::new(),
                constitution: String::new(),
                answers: Vec::new(),
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
        let (summary, details) = (String::new(), String::new());
        batch.threads.push(Thread { id, name: name.to_owned(), agent: None, summary, details });
    }
    plan
}

/// Returns whether something has happened to a thread that must not be found under another one.
pub(super) fn has_state(record: &Record) -> bool {
    record.status != Status::Pending
        || !record.attempts.is_empty()
        || record.assigned_agent.is_some()
        || !record.report.is_empty()
}
