//! The merge of two index.json.
//!
//! An approval is one decision of a person, and is taken as a whole: never the status of one side with the hash of the
//! other.

use serde_json::value::to_raw_value;

use super::three::{Merger, Objects, Side, Three, comparable};
use crate::format::index_json::{APPROVAL_ORDER, FILE_ORDER, STREAM_ORDER};
use crate::format::json::Object;
use crate::moment::Moment;

const STAGES: &str = "stages";

/// Who decided it and when.
const BY_WHOM: [&str; 4] = ["approved_at", "approved_by", "revoked_at", "revoked_by"];

/// Merges two index.json.
pub(super) fn merge(merger: &mut Merger, three: Three<&Object>) -> serde_json::Result<Object> {
    merger.object(three, &FILE_ORDER, |merger, key, three| match key {
        "last_updated" => merger.later(three),
        // Which one is current is the choice of whoever works here.
        "current_stream" => merger.or_else(three, |_| Ok(three.ours.map(ToOwned::to_owned))),
        "streams" => merger.or_else(three, |merger| {
            let id = |stream: &Object| Ok(stream.get::<String>("id")?.unwrap_or_default());
            match merger.records(three, id, |ids, _| ids.len(), stream)? {
                Some(streams) => to_raw_value(&streams).map(Some),
                None => Ok(three.of(merger.conflict("the list of workstreams")).map(ToOwned::to_owned)),
            }
        }),
        key => merger.plain(&format!("the key {key:?}"), three),
    })
}

/// Merges the entries of one workstream, which both sides changed or created.
fn stream(merger: &mut Merger, id: &String, three: Three<&Object>) -> serde_json::Result<Option<Object>> {
    let what = format!("workstream {id}");
    if three.ours.is_none() || three.theirs.is_none() {
        return Ok(three.of(merger.conflict(&what)).cloned());
    }
    let whole = merger.object(three, &STREAM_ORDER, |merger, key, three| match key {
        "created_at" => merger.earlier(three),
        "updated_at" => merger.later(three),
        "approval" => merger.or_else(three, |merger| {
            let objects = Objects::read(three)?;
            approval(merger, id, objects.three())?.as_ref().map(to_raw_value).transpose()
        }),
        _ => merger.plain(&what, three),
    })?;
    Ok(Some(whole))
}

/// Merges the approvals of a workstream: that of its plan, and those of its stages.
fn approval(merger: &mut Merger, id: &str, three: Three<&Object>) -> serde_json::Result<Option<Object>> {
    let plan = |approval: &Object| {
        let mut plan = Object::default();
        for (key, value) in approval.entries().filter(|(key, _)| is_of_the_plan(key)) {
            plan.push(key.to_owned(), value.to_owned());
        }
        Some(plan)
    };
    let plans = three.map(plan);
    let plans = Three { base: plans.base.as_ref(), ours: plans.ours.as_ref(), theirs: plans.theirs.as_ref() };
    let hash = three.map(|approval| approval.raw("plan_hash").map(comparable));
    let stages = three.map(|approval| approval.raw(STAGES).map(comparable));
    // The numbers of stages are those of the approved plan. Under another plan they would approve other stages.
    let is_crossed = hash.ours != hash.theirs
        && (hash.ours != hash.base && stages.theirs != stages.base
            || hash.theirs != hash.base && stages.ours != stages.base);
    let plan_of = match decided(plans)? {
        Some(side) if !is_crossed => side,
        _ => return Ok(three.of(merger.conflict(&format!("the approval of the plan of {id}"))).cloned()),
    };
    let whole = merger.object(three, &APPROVAL_ORDER, |merger, key, three| match key {
        STAGES => merger.or_else(three, |merger| {
            let stages = Objects::read(three)?;
            let stages = merger.object(stages.three(), &[], |merger, number, three| {
                let records = Objects::read(three)?;
                let side = decided(records.three())?
                    .unwrap_or_else(|| merger.conflict(&format!("the approval of stage {number} of {id}")));
                Ok(three.of(side).map(ToOwned::to_owned))
            })?;
            to_raw_value(&stages).map(Some)
        }),
        key if is_of_the_plan(key) => Ok(three.of(plan_of).map(ToOwned::to_owned)),
        key => merger.plain(&format!("the key {key:?} of {id}"), three),
    })?;
    Ok(Some(whole))
}

/// Returns whether a key of an approval is part of the decision about the plan.
fn is_of_the_plan(key: &str) -> bool {
    key != STAGES && APPROVAL_ORDER.contains(&key)
}

/// Returns the side whose decision holds: the one that decided; where both decided the same, the one that did so first.
/// `None`: they decided differently.
fn decided(three: Three<&Object>) -> serde_json::Result<Option<Side>> {
    let text = |record: &Object| {
        let text = serde_json::to_string(record).unwrap_or_default();
        // No decision yet.
        (!matches!(&*text, "{}" | r#"{"status":"draft"}"#)).then_some(text)
    };
    if let Some(side) = three.map(text).settled() {
        return Ok(Some(side));
    }
    let (Some(ours), Some(theirs)) = (three.ours, three.theirs) else { return Ok(None) };
    let what = |record: &Object| {
        let mut what = record.clone();
        for key in BY_WHOM {
            what.remove(key);
        }
        text(&what)
    };
    if what(ours) != what(theirs) {
        return Ok(None);
    }
    let when = |record: &Object| -> serde_json::Result<_> {
        let at = record.get::<String>("revoked_at")?.or(record.get("approved_at")?);
        Ok((at.as_deref().and_then(Moment::parse), text(record)))
    };
    Ok(Some(if when(theirs)? < when(ours)? { Side::Theirs } else { Side::Ours }))
}
