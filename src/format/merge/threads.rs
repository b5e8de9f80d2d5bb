//! The merge of two threads.json.
//!
//! What happened to a thread is one story: its status, its report and its sessions are those of one side, never of both.
//! What belongs to the thread but not to that story, such as its assignment, is merged by itself.

use serde_json::value::{RawValue, to_raw_value};

use super::three::{Merger, Side, Three, Value, comparable};
use crate::format::json::Object;
use crate::format::threads_json::{CYCLE_ORDER, FILE_ORDER, THREAD_ORDER};
use crate::moment::Moment;
use crate::plan::{BatchId, ThreadId};

/// The keys of the story of a thread, each with what it counts as where a record does not have it.
const STORY: [(&str, &str); 9] = [
    ("status", "\"pending\""),
    ("report", "\"\""),
    ("breadcrumb", "\"\""),
    ("artifacts", "[]"),
    ("unproven", "[]"),
    ("nextSteps", "[]"),
    ("sessions", "[]"),
    ("attemptFloor", "0"),
    ("formerIds", "[]"),
];

/// Merges two threads.json.
pub(super) fn merge(merger: &mut Merger, three: Three<&Object>) -> serde_json::Result<Object> {
    let known = cycles_of(three.base)?.len();
    let mut whole = merger.object(three, &FILE_ORDER, |merger, key, three| match key {
        "last_updated" => merger.later(three),
        "threads" => merger.or_else(three, |merger| {
            let id = |record: &Object| Ok(record.get::<String>("threadId")?.unwrap_or_default());
            let records = merger.records(three, id, |ids, id| place(ids, id), thread)?;
            list(merger, "the list of threads", three, records)
        }),
        "cycles" => merger.or_else(three, |merger| {
            let cycles = merger.records(three, cycle_id, |ids, _| ids.len(), cycle)?;
            let cycles = cycles.map(|cycles| in_order(cycles, known)).transpose()?;
            list(merger, "the list of cycles", three, cycles)
        }),
        // Records that left the plan are only kept.
        "left" => merger.or_else(three, |_| both_added(three)),
        key => merger.plain(&format!("the key {key:?}"), three),
    })?;
    leave_one_cycle_open(&mut whole)?;
    Ok(whole)
}

/// Returns a merged list as a value; if its records could not be told apart, that of one side.
fn list(
    merger: &mut Merger,
    what: &str,
    three: Three<&RawValue>,
    records: Option<Vec<Object>>,
) -> serde_json::Result<Value> {
    match records {
        Some(records) => to_raw_value(&records).map(Some),
        None => Ok(three.of(merger.conflict(what)).map(ToOwned::to_owned)),
    }
}

/// Returns the place of the record of a thread: behind the last one with a smaller id. What is no thread goes to the end.
fn place(ids: &[String], id: &str) -> usize {
    let Ok(own) = id.parse::<ThreadId>() else { return ids.len() };
    ids.iter().rposition(|id| id.parse().is_ok_and(|id: ThreadId| id < own)).map_or(0, |at| at + 1)
}

/// Merges the records of one thread, which both sides changed.
fn thread(merger: &mut Merger, id: &String, three: Three<&Object>) -> serde_json::Result<Option<Object>> {
    let what = format!("thread {id}");
    let (Some(ours), Some(theirs)) = (three.ours, three.theirs) else {
        // One side removed it, or moved it to another id.
        return Ok(three.of(merger.conflict(&what)).cloned());
    };
    // A thread that has two names is perhaps not the same one: the plan has changed, and gave its id to another.
    let names =
        [three.base, Some(ours), Some(theirs)].into_iter().flatten().filter_map(|record| record.raw("threadName"));
    let mut names: Vec<&str> = names.map(RawValue::get).collect();
    names.dedup();
    let is_renamed = names.len() > 1;
    let story = |record: Option<&Object>| {
        let of = |(key, default): (&str, &str)| {
            let text = record.and_then(|record| record.raw(key)).map(comparable);
            text.filter(|text| text != "null").unwrap_or_else(|| default.to_owned())
        };
        let name = record.and_then(|record| record.raw("threadName")).filter(|_| is_renamed).map(comparable);
        Some((STORY.map(of), name))
    };
    let stories = Three { base: story(three.base), ours: story(Some(ours)), theirs: story(Some(theirs)) };
    let teller = match stories.settled() {
        Some(side) => side,
        None => match (is_swept(three.base, ours)?, is_swept(three.base, theirs)?) {
            (true, false) => Side::Theirs,
            (true, true) if stories.ours < stories.theirs => Side::Theirs,
            (_, true) => Side::Ours,
            (false, false) => return Ok(three.of(merger.conflict(&what)).cloned()),
        },
    };
    let whole = merger.object(three, &THREAD_ORDER, |merger, key, three| match key {
        key if STORY.iter().any(|(known, _)| *known == key) => Ok(three.of(teller).map(ToOwned::to_owned)),
        "createdAt" => merger.earlier(three),
        "updatedAt" | "assignedAt" => merger.later(three),
        _ => merger.plain(&what, three),
    })?;
    Ok(Some(whole))
}

/// Returns whether all that a side did to a thread is that it ended an attempt whose server is gone. Whoever looks next
/// does that, on every branch, so it is no work that could be lost.
fn is_swept(base: Option<&Object>, side: &Object) -> serde_json::Result<bool> {
    let Some(base) = base else { return Ok(false) };
    let word = |record: &Object| record.get::<String>("status");
    if word(base)?.as_deref() != Some("in_progress") || word(side)?.as_deref() != Some("pending") {
        return Ok(false);
    }
    for (key, _) in STORY.iter().filter(|(key, _)| !["status", "sessions"].contains(key)) {
        if base.raw(key).map(comparable) != side.raw(key).map(comparable) {
            return Ok(false);
        }
    }
    let sessions = |record: &Object| record.get::<Vec<Object>>("sessions").map(Option::unwrap_or_default);
    let (mut before, mut after) = (sessions(base)?, sessions(side)?);
    let (Some(running), Some(ended)) = (before.last_mut(), after.last_mut()) else { return Ok(false) };
    if word(running)?.as_deref() != Some("running") || word(ended)?.as_deref() != Some("interrupted") {
        return Ok(false);
    }
    for key in ["status", "completedAt", "report", "transient"] {
        running.remove(key);
        ended.remove(key);
    }
    Ok(serde_json::to_string(&before)? == serde_json::to_string(&after)?)
}

/// What a cycle is known by: its batch, its number among the cycles of the batch, and whether its batch left the plan.
type CycleId = (String, u32, bool);

fn cycle_id(cycle: &Object) -> serde_json::Result<CycleId> {
    let batch = cycle.get::<String>("batch")?.unwrap_or_default();
    Ok((batch, cycle.get("cycle")?.unwrap_or_default(), cycle.get("left")?.unwrap_or_default()))
}

/// Merges the records of one cycle, which both sides opened or changed.
fn cycle(merger: &mut Merger, id: &CycleId, three: Three<&Object>) -> serde_json::Result<Option<Object>> {
    let what = format!("cycle {} of batch {}", id.1, id.0);
    if three.ours.is_none() || three.theirs.is_none() {
        return Ok(three.of(merger.conflict(&what)).cloned());
    }
    let mut whole = merger.object(three, &CYCLE_ORDER, |merger, key, three| match key {
        // Once closed, a cycle stays so.
        "status" => merger.or_else(three, |_| to_raw_value("closed").map(Some)),
        // A server that holds it for the other branch is one of another machine, or is gone. Ours may live.
        "holder" => merger.or_else(three, |_| Ok(three.ours.map(ToOwned::to_owned))),
        "retryAsked" => merger.or_else(three, |_| to_raw_value(&true).map(Some)),
        "openedAt" => merger.earlier(three),
        "takenOverAt" | "releasedAt" | "closedAt" => merger.later(three),
        "threads" => merger.or_else(three, |merger| {
            let id = |budget: &Object| Ok(budget.get::<String>("threadId")?.unwrap_or_default());
            let budgets = merger.records(three, id, |ids, id| place(ids, id), budget)?;
            list(merger, &what, three, budgets)
        }),
        _ => merger.plain(&what, three),
    })?;
    if whole.get::<String>("status")?.as_deref() == Some("closed") {
        whole.set("holder", &None::<&str>, &CYCLE_ORDER)?;
    }
    Ok(Some(whole))
}

/// Takes the budgets of one side for a thread. They are part of its story.
#[expect(clippy::unnecessary_wraps, reason = "other records can be unreadable")]
fn budget(merger: &mut Merger, id: &String, three: Three<&Object>) -> serde_json::Result<Option<Object>> {
    Ok(three.of(merger.conflict(&format!("thread {id}"))).cloned())
}

fn opened_at(cycle: &Object) -> serde_json::Result<Option<Moment>> {
    Ok(cycle.get::<String>("openedAt")?.as_deref().and_then(Moment::parse))
}

/// Sorts the cycles behind the first `known`, which both sides had: by the time at which they were opened, and those of a
/// batch by their numbers.
fn in_order(mut cycles: Vec<Object>, known: usize) -> serde_json::Result<Vec<Object>> {
    let added = cycles.split_off(known.min(cycles.len()));
    let mut keyed = Vec::new();
    for cycle in added {
        keyed.push((opened_at(&cycle)?, cycle_id(&cycle)?, cycle));
    }
    keyed.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    // A clock that was put back must not put cycle 2 before cycle 1.
    for at in 1..keyed.len() {
        let is_later =
            |other: &(Option<Moment>, CycleId, Object)| other.1.0 == keyed[at].1.0 && other.1.1 > keyed[at].1.1;
        if let Some(first) = keyed[..at].iter().position(is_later) {
            keyed[first..=at].rotate_right(1);
        }
    }
    cycles.extend(keyed.into_iter().map(|(_, _, cycle)| cycle));
    Ok(cycles)
}

fn cycles_of(file: Option<&Object>) -> serde_json::Result<Vec<Object>> {
    Ok(file.map_or(Ok(None), |file| file.get("cycles"))?.unwrap_or_default())
}

/// Closes all open cycles but one, as the opening of a cycle does: a board has at most one (DESIGN §5a.1). That of the
/// earliest batch in which a thread is open goes on, since a planner would execute that batch next; else the last one.
fn leave_one_cycle_open(file: &mut Object) -> serde_json::Result<()> {
    let mut cycles = cycles_of(Some(file))?;
    let mut open = Vec::new();
    for (at, cycle) in cycles.iter().enumerate() {
        if cycle.get::<String>("status")?.as_deref() == Some("open") {
            open.push((cycle.get::<String>("batch")?.and_then(|batch| batch.parse::<BatchId>().ok()), at));
        }
    }
    if open.len() < 2 {
        return Ok(());
    }
    let mut unfinished = Vec::new();
    for record in file.get::<Vec<Object>>("threads")?.unwrap_or_default() {
        let status = record.get::<String>("status")?;
        if !matches!(status.as_deref(), Some("completed" | "cancelled"))
            && let Some(id) = record.get::<String>("threadId")?.and_then(|id| id.parse::<ThreadId>().ok())
        {
            unfinished.push(id.batch);
        }
    }
    let earliest = open.iter().filter(|(batch, _)| batch.is_some_and(|batch| unfinished.contains(&batch))).min();
    let stays = earliest.or(open.last()).map(|(_, at)| *at);
    let mut last = None;
    for (_, at) in &open {
        last = last.max(opened_at(&cycles[*at])?);
    }
    for (_, at) in open.into_iter().filter(|(_, at)| Some(*at) != stays) {
        cycles[at].set("status", &"closed", &CYCLE_ORDER)?;
        cycles[at].set("holder", &None::<&str>, &CYCLE_ORDER)?;
        if let Some(last) = last {
            cycles[at].set("closedAt", &last, &CYCLE_ORDER)?;
        }
    }
    file.set("cycles", &cycles, &FILE_ORDER)
}

/// Returns a list that has what is in ours, and what theirs added to the base.
fn both_added(three: Three<&RawValue>) -> serde_json::Result<Value> {
    let read = |list: Option<&RawValue>| -> serde_json::Result<Vec<Box<RawValue>>> {
        Ok(list.map_or(Ok(None), |list| serde_json::from_str(list.get()))?.unwrap_or_default())
    };
    let (base, mut whole) = (read(three.base)?, read(three.ours)?);
    for value in read(three.theirs)? {
        let is_known = |list: &[Box<RawValue>]| list.iter().any(|known| comparable(known) == comparable(&value));
        if !is_known(&base) && !is_known(&whole) {
            whole.push(value);
        }
    }
    to_raw_value(&whole).map(Some)
}
