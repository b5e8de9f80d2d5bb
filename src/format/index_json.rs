//! The format of index.json (DESIGN §3): reads it as an [`Index`], and writes the decisions of persons into it.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;

use super::json::{Object, close, open};
use crate::index::{Approval, ApprovalStatus, Approvals, Entry, Index, IndexEvent, StreamStatus};
use crate::moment::Moment;
use crate::plan::StageNumber;
use crate::roster::ChecksBy;

pub(crate) const FILE_ORDER: [&str; 4] = ["version", "last_updated", "current_stream", "streams"];
pub(crate) const STREAM_ORDER: [&str; 8] =
    ["id", "name", "order", "status", "approval", "path", "created_at", "updated_at"];
pub(crate) const APPROVAL_ORDER: [&str; 10] = [
    "status",
    "approved_at",
    "approved_by",
    "revoked_at",
    "revoked_by",
    "revoked_reason",
    "plan_hash",
    "checks_by",
    "workers_hash",
    "stages",
];

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct IndexRecord {
    current_stream: Option<String>,
    streams: Option<Vec<StreamRecord>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct StreamRecord {
    id: String,
    name: Option<String>,
    status: Option<String>,
    approval: Option<ApprovalRecord>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ApprovalRecord {
    status: Option<ApprovalWord>,
    approved_at: Option<String>,
    approved_by: Option<String>,
    revoked_at: Option<String>,
    revoked_by: Option<String>,
    revoked_reason: Option<String>,
    plan_hash: Option<String>,
    checks_by: Option<String>,
    workers_hash: Option<String>,
    stages: Option<BTreeMap<String, StageRecord>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct StageRecord {
    status: Option<ApprovalWord>,
    approved_at: Option<String>,
    approved_by: Option<String>,
    revoked_at: Option<String>,
    revoked_by: Option<String>,
    revoked_reason: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ApprovalWord {
    Draft,
    Approved,
    Revoked,
}

/// Reads an index.json.
///
/// # Errors
///
/// An error with the line and the column of the mistake, or one that says why the file belongs to another program:
/// `index.json` is a common name.
pub(crate) fn read(text: &str) -> serde_json::Result<Index> {
    if let Some(why) = foreign(text) {
        return Err(serde_json::Error::custom(format!(
            "it is another program's: {why}; move it away, or use another folder"
        )));
    }
    let file: IndexRecord = serde_json::from_str(text)?;
    let mut ids = HashSet::new();
    if let Some(twice) = file.streams.iter().flatten().find(|stream| !ids.insert(&stream.id)) {
        return Err(serde_json::Error::custom(format!("workstream {:?} stands here twice", twice.id)));
    }
    Ok(Index {
        current: file.current_stream.filter(|current| !current.is_empty()),
        entries: file.streams.unwrap_or_default().into_iter().map(entry).collect(),
    })
}

/// Returns why the file belongs to another program; `None`: it is an index of workstreams. A file with an unknown
/// top-level key is an index only if it has `streams`, and either a `version` or a workstream with a key of ours.
fn foreign(text: &str) -> Option<String> {
    let Ok(file) = serde_json::from_str::<Object>(text) else {
        let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
        return is_json.then(|| "it holds no object".to_owned());
    };
    let (key, _) = file.entries().find(|(key, _)| !FILE_ORDER.contains(key))?;
    let is_own = |stream: &Object| STREAM_ORDER[2..].iter().any(|key| stream.has(key));
    let streams = file.get::<Vec<Object>>("streams").ok().flatten().unwrap_or_default();
    let is_ours = file.has("streams") && (file.has("version") || streams.iter().any(is_own));
    (!is_ours).then(|| format!("it has {key:?}, and nothing that only an index of workstreams has"))
}

/// Returns the new text of index.json after the events of one workstream. `text` is the text before; `None`: there is
/// no file yet.
pub(crate) fn write(
    text: Option<&str>,
    stream_id: &str,
    events: &[IndexEvent],
    at: Moment,
) -> serde_json::Result<String> {
    let mut file = open(text, &FILE_ORDER)?;
    let at = at.to_string();
    file.set("last_updated", &at, &FILE_ORDER)?;
    let mut streams = file.get::<Vec<Object>>("streams")?.unwrap_or_default();
    for event in events {
        if *event == IndexEvent::CurrentSet {
            file.set("current_stream", &stream_id, &FILE_ORDER)?;
            continue;
        }
        if *event == IndexEvent::Archived {
            leave(&mut file, stream_id)?;
        }
        let stream = stream_mut(&mut streams, stream_id, &at)?;
        let mut approval = stream.get::<Object>("approval")?.unwrap_or_default();
        match event {
            IndexEvent::CurrentSet => {}
            IndexEvent::Created => {
                stream.set("status", &"pending", &STREAM_ORDER)?;
                approval.set("status", &"draft", &APPROVAL_ORDER)?;
            }
            IndexEvent::PlanApproved { hash, by, checks_by, workers_hash } => {
                approve(&mut approval, &at, by)?;
                approval.set("plan_hash", hash, &APPROVAL_ORDER)?;
                match checks_by {
                    Some(by) => approval.set("checks_by", by, &APPROVAL_ORDER)?,
                    None => approval.remove("checks_by"),
                }
                match workers_hash {
                    Some(hash) => approval.set("workers_hash", hash, &APPROVAL_ORDER)?,
                    None => approval.remove("workers_hash"),
                }
            }
            IndexEvent::StagesMoved { stages } => move_stages(&mut approval, stages)?,
            IndexEvent::PlanRevoked { by, reason } => revoke(&mut approval, &at, by, reason.as_deref())?,
            IndexEvent::StageApproved { stage, by } => {
                with_stage(&mut approval, *stage, |record| approve(record, &at, by))?;
            }
            IndexEvent::StageRevoked { stage, by, reason } => {
                with_stage(&mut approval, *stage, |record| revoke(record, &at, by, reason.as_deref()))?;
            }
            IndexEvent::Reopened => stream.set("status", &"in_progress", &STREAM_ORDER)?,
            IndexEvent::Completed => stream.set("status", &"completed", &STREAM_ORDER)?,
            IndexEvent::Archived => {
                let before = stream.get::<String>("status")?.unwrap_or_else(|| "pending".to_owned());
                stream.set("status", &"archived", &STREAM_ORDER)?;
                stream.set(BEFORE_ARCHIVED, &before, &STREAM_ORDER)?;
            }
            IndexEvent::Restored => {
                let before = stream.get::<String>(BEFORE_ARCHIVED)?.unwrap_or_else(|| "pending".to_owned());
                stream.set("status", &before, &STREAM_ORDER)?;
                stream.remove(BEFORE_ARCHIVED);
            }
        }
        stream.set("approval", &approval, &STREAM_ORDER)?;
        stream.set("updated_at", &at, &STREAM_ORDER)?;
    }
    file.set("streams", &streams, &FILE_ORDER)?;
    close(&file, text)
}

/// The status that an archived workstream had.
const BEFORE_ARCHIVED: &str = "status_before";

/// Leaves the workstreams without a current one if `id` is the current one.
fn leave(file: &mut Object, id: &str) -> serde_json::Result<()> {
    if file.get::<Option<String>>("current_stream")?.flatten().as_deref() == Some(id) {
        file.set("current_stream", &None::<&str>, &FILE_ORDER)?;
    }
    Ok(())
}

/// Returns the text of index.json after the workstream `from` got another id and name.
pub(crate) fn renamed(text: &str, from: &str, to: &str, name: &str, at: Moment) -> serde_json::Result<String> {
    let mut file = open(Some(text), &FILE_ORDER)?;
    file.set("last_updated", &at.to_string(), &FILE_ORDER)?;
    if file.get::<Option<String>>("current_stream")?.flatten().as_deref() == Some(from) {
        file.set("current_stream", &to, &FILE_ORDER)?;
    }
    let mut streams = file.get::<Vec<Object>>("streams")?.unwrap_or_default();
    for stream in &mut streams {
        if stream.get::<String>("id")?.as_deref() == Some(from) {
            stream.set("id", &to, &STREAM_ORDER)?;
            stream.set("name", &name, &STREAM_ORDER)?;
            stream.set("path", &format!("work/{to}"), &STREAM_ORDER)?;
            stream.set("updated_at", &at.to_string(), &STREAM_ORDER)?;
        }
    }
    file.set("streams", &streams, &FILE_ORDER)?;
    close(&file, Some(text))
}

/// Returns the text of index.json without the workstream.
pub(crate) fn without(text: &str, id: &str, at: Moment) -> serde_json::Result<String> {
    let mut file = open(Some(text), &FILE_ORDER)?;
    file.set("last_updated", &at.to_string(), &FILE_ORDER)?;
    leave(&mut file, id)?;
    let mut kept = Vec::new();
    for stream in file.get::<Vec<Object>>("streams")?.unwrap_or_default() {
        if stream.get::<String>("id")?.as_deref() != Some(id) {
            kept.push(stream);
        }
    }
    file.set("streams", &kept, &FILE_ORDER)?;
    close(&file, Some(text))
}

/// Returns the text of an index.json without workstreams.
pub(crate) fn empty(at: Moment) -> serde_json::Result<String> {
    let mut file = open(None, &FILE_ORDER)?;
    file.set("last_updated", &at.to_string(), &FILE_ORDER)?;
    file.set("current_stream", &None::<&str>, &FILE_ORDER)?;
    file.set("streams", &[(); 0], &FILE_ORDER)?;
    close(&file, None)
}

/// Sets an approval, of the plan or of a stage, and removes what an earlier revocation left.
fn approve(record: &mut Object, at: &str, by: &str) -> serde_json::Result<()> {
    for key in ["revoked_at", "revoked_by", "revoked_reason"] {
        record.remove(key);
    }
    record.set("status", &"approved", &APPROVAL_ORDER)?;
    record.set("approved_at", &at, &APPROVAL_ORDER)?;
    record.set("approved_by", &by, &APPROVAL_ORDER)
}

/// Revokes an approval. The keys of the approval stay: they tell who approved and when.
fn revoke(record: &mut Object, at: &str, by: &str, reason: Option<&str>) -> serde_json::Result<()> {
    record.set("status", &"revoked", &APPROVAL_ORDER)?;
    record.set("revoked_at", &at, &APPROVAL_ORDER)?;
    record.set("revoked_by", &by, &APPROVAL_ORDER)?;
    match reason {
        Some(reason) => record.set("revoked_reason", &reason, &APPROVAL_ORDER),
        None => {
            record.remove("revoked_reason");
            Ok(())
        }
    }
}

/// Moves the approvals of stages to their new numbers. The approval of a stage that is gone is removed.
fn move_stages(approval: &mut Object, moved: &BTreeMap<StageNumber, Option<StageNumber>>) -> serde_json::Result<()> {
    let stages = approval.get::<Object>("stages")?.unwrap_or_default();
    let mut now: Vec<(String, &RawValue)> = Vec::new();
    for (key, record) in stages.entries() {
        match key.parse().ok().and_then(|number: StageNumber| moved.get(&number)) {
            None => now.push((key.to_owned(), record)),
            Some(Some(number)) => now.push((number.to_string(), record)),
            Some(None) => {}
        }
    }
    now.sort_by_key(|(key, _)| key.parse::<StageNumber>().ok());
    let mut stages = Object::default();
    for (key, record) in now {
        stages.set(&key, &record, &[])?;
    }
    approval.set("stages", &stages, &APPROVAL_ORDER)
}

/// Changes the record of one stage's approval, which is made if there is none.
fn with_stage(
    approval: &mut Object,
    stage: StageNumber,
    change: impl FnOnce(&mut Object) -> serde_json::Result<()>,
) -> serde_json::Result<()> {
    let mut stages = approval.get::<Object>("stages")?.unwrap_or_default();
    let mut record = stages.get::<Object>(&stage.to_string())?.unwrap_or_default();
    change(&mut record)?;
    stages.set(&stage.to_string(), &record, &[])?;
    approval.set("stages", &stages, &APPROVAL_ORDER)
}

fn entry(record: StreamRecord) -> Entry {
    let stage = |record: StageRecord| Approval {
        status: status(record.status),
        by: record.approved_by,
        at: record.approved_at,
        revoked_by: record.revoked_by,
        revoked_at: record.revoked_at,
        revoked_reason: record.revoked_reason,
    };
    let approvals = record.approval.map(|record| Approvals {
        plan: Approval {
            status: status(record.status),
            by: record.approved_by,
            at: record.approved_at,
            revoked_by: record.revoked_by,
            revoked_at: record.revoked_at,
            revoked_reason: record.revoked_reason,
        },
        plan_hash: record.plan_hash,
        checks_by: match record.checks_by.as_deref() {
            Some("server") => Some(ChecksBy::Server),
            Some("worker") => Some(ChecksBy::Worker),
            Some("off") => Some(ChecksBy::Off),
            _ => None,
        },
        workers_hash: record.workers_hash,
        stages: record
            .stages
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(number, record)| Some((number.parse().ok()?, stage(record))))
            .collect(),
    });
    Entry {
        name: record.name.unwrap_or_else(|| record.id.clone()),
        id: record.id,
        status: match record.status.as_deref() {
            Some("pending") => Some(StreamStatus::Pending),
            Some("in_progress") => Some(StreamStatus::InProgress),
            Some("completed") => Some(StreamStatus::Completed),
            Some("on_hold") => Some(StreamStatus::OnHold),
            Some("archived") => Some(StreamStatus::Archived),
            // Other programs of the family write other words. Only those above have a rule.
            _ => None,
        },
        approvals: approvals.unwrap_or_default(),
    }
}

fn status(word: Option<ApprovalWord>) -> ApprovalStatus {
    match word {
        None | Some(ApprovalWord::Draft) => ApprovalStatus::Draft,
        Some(ApprovalWord::Approved) => ApprovalStatus::Approved,
        Some(ApprovalWord::Revoked) => ApprovalStatus::Revoked,
    }
}

/// Returns the record of the workstream. If there is none, it makes one as a draft: nothing may run from a plan that no
/// person approved (DESIGN §7).
fn stream_mut<'f>(streams: &'f mut Vec<Object>, id: &str, at: &str) -> serde_json::Result<&'f mut Object> {
    let mut found = None;
    for (position, stream) in streams.iter().enumerate() {
        if stream.get::<String>("id")?.as_deref() == Some(id) {
            found = Some(position);
            break;
        }
    }
    let position = match found {
        Some(position) => position,
        None => {
            streams.push(new_stream(id, at)?);
            streams.len() - 1
        }
    };
    Ok(&mut streams[position])
}

fn new_stream(id: &str, at: &str) -> serde_json::Result<Object> {
    let (order, name) = match id.split_once('-') {
        Some((number, name)) => (number.parse::<u32>().ok(), name),
        None => (None, id),
    };
    let name = if order.is_some() { name } else { id };
    let mut stream = Object::default();
    stream.set("id", &id, &STREAM_ORDER)?;
    stream.set("name", &name, &STREAM_ORDER)?;
    stream.set("order", &order.unwrap_or_default(), &STREAM_ORDER)?;
    stream.set("status", &"in_progress", &STREAM_ORDER)?;
    let mut approval = Object::default();
    approval.set("status", &"draft", &APPROVAL_ORDER)?;
    stream.set("approval", &approval, &STREAM_ORDER)?;
    stream.set("path", &format!("work/{id}"), &STREAM_ORDER)?;
    stream.set("created_at", &at, &STREAM_ORDER)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_another_program_is_told_from_ours() {
        for foreign in [
            r#"{"files": ["a.md"]}"#,
            r#"{"title": "Work", "streams": []}"#,
            r#"{"total": 1, "streams": [{"id": "42", "name": "live", "url": "rtmp://x"}]}"#,
            "[]",
            "null",
        ] {
            let refused = read(foreign).unwrap_err().to_string();
            assert!(refused.starts_with("it is another program's: it "), "{foreign}: {refused}");
        }
        for own in [
            "{}",
            r#"{"streams": []}"#,
            r#"{"version": "1.0.0", "x-note": 1, "streams": []}"#,
            r#"{"x-note": 1, "streams": [{"id": "001-a", "approval": {"status": "draft"}}]}"#,
            r#"{"current_stream": "001-a", "streams": [{"id": "001-a"}]}"#,
        ] {
            assert!(read(own).is_ok(), "{own}");
        }
    }

    #[test]
    fn an_approval_of_an_empty_hash_is_of_no_text() {
        let text = r#"{"streams": [{"id": "001-a", "approval": {"status": "approved", "plan_hash": ""}}]}"#;
        assert_eq!(read(text).unwrap().entries[0].approvals.plan_hash.as_deref(), Some(""));
    }
}
