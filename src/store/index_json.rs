//! index.json: text → [`Index`], and a person's decisions → text (DESIGN §3).

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde::de::Error as _;

use super::json::{Object, close, open};
use crate::clock::Moment;
use crate::index::{Approval, ApprovalStatus, Entry, Index, IndexEvent, StreamStatus};

const FILE_ORDER: [&str; 4] = ["version", "last_updated", "current_stream", "streams"];
const STREAM_ORDER: [&str; 8] = ["id", "name", "order", "status", "approval", "path", "created_at", "updated_at"];
const APPROVAL_ORDER: [&str; 5] = ["status", "approved_at", "approved_by", "plan_hash", "stages"];

#[derive(Deserialize)]
struct FileRecord {
    current_stream: Option<String>,
    streams: Option<Vec<StreamRecord>>,
}

#[derive(Deserialize)]
struct StreamRecord {
    id: String,
    name: Option<String>,
    status: Option<String>,
    approval: Option<ApprovalRecord>,
}

#[derive(Deserialize)]
struct ApprovalRecord {
    status: Option<ApprovalWord>,
    plan_hash: Option<String>,
    stages: Option<BTreeMap<String, StageRecord>>,
}

#[derive(Deserialize)]
struct StageRecord {
    status: Option<ApprovalWord>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ApprovalWord {
    Draft,
    Approved,
    Revoked,
}

/// Reads an index.json. The error's line and column are those of `text`.
pub(super) fn read(text: &str) -> serde_json::Result<Index> {
    let file: FileRecord = serde_json::from_str(text)?;
    let mut ids = HashSet::new();
    if let Some(twice) = file.streams.iter().flatten().find(|stream| !ids.insert(&stream.id)) {
        return Err(serde_json::Error::custom(format!("workstream {:?} stands here twice", twice.id)));
    }
    Ok(Index {
        current: file.current_stream.filter(|current| !current.is_empty()),
        entries: file.streams.unwrap_or_default().into_iter().map(entry).collect(),
    })
}

/// Returns the text of index.json with what happened to a workstream. `text` is the file as it was.
pub(super) fn write(
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
        let stream = stream_mut(&mut streams, stream_id, &at)?;
        let mut approval = stream.get::<Object>("approval")?.unwrap_or_default();
        match event {
            IndexEvent::CurrentSet => {}
            IndexEvent::PlanApproved { hash, by } => {
                approval.set("status", &"approved", &APPROVAL_ORDER)?;
                approval.set("approved_at", &at, &APPROVAL_ORDER)?;
                approval.set("approved_by", by, &APPROVAL_ORDER)?;
                approval.set("plan_hash", hash, &APPROVAL_ORDER)?;
            }
            IndexEvent::StageApproved { stage, by } => {
                let mut stages = approval.get::<Object>("stages")?.unwrap_or_default();
                let mut record = stages.get::<Object>(&stage.to_string())?.unwrap_or_default();
                record.set("status", &"approved", &APPROVAL_ORDER)?;
                record.set("approved_at", &at, &APPROVAL_ORDER)?;
                record.set("approved_by", by, &APPROVAL_ORDER)?;
                stages.set(&stage.to_string(), &record, &[])?;
                approval.set("stages", &stages, &APPROVAL_ORDER)?;
            }
            IndexEvent::Completed => stream.set("status", &"completed", &STREAM_ORDER)?,
        }
        stream.set("approval", &approval, &STREAM_ORDER)?;
        stream.set("updated_at", &at, &STREAM_ORDER)?;
    }
    file.set("streams", &streams, &FILE_ORDER)?;
    close(&file, text)
}

fn entry(record: StreamRecord) -> Entry {
    let approval = record.approval.map(|approval| Approval {
        status: status(approval.status),
        plan_hash: approval.plan_hash.filter(|hash| !hash.is_empty()),
        stages: approval
            .stages
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(number, record)| Some((number.parse().ok()?, status(record.status))))
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
            // Other programs of the family have other words; none of them stops anything.
            _ => None,
        },
        approval: approval.unwrap_or_default(),
    }
}

fn status(word: Option<ApprovalWord>) -> ApprovalStatus {
    match word {
        None | Some(ApprovalWord::Draft) => ApprovalStatus::Draft,
        Some(ApprovalWord::Approved) => ApprovalStatus::Approved,
        Some(ApprovalWord::Revoked) => ApprovalStatus::Revoked,
    }
}

/// Returns the record of the workstream, which is made where there is none. A workstream without a
/// record had no plan gate, so its new record has a plan that counts as approved, without a hash.
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
    approval.set("status", &"approved", &APPROVAL_ORDER)?;
    stream.set("approval", &approval, &STREAM_ORDER)?;
    stream.set("path", &format!("work/{id}"), &STREAM_ORDER)?;
    stream.set("created_at", &at, &STREAM_ORDER)?;
    Ok(stream)
}
