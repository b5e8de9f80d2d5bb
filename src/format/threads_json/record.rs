//! The records of threads.json as serde reads them. Words and ids are parsed here, so that an error has the line and
//! the column of the mistake. Keys without a field here are not read; `write` keeps them.

use serde::{Deserialize, Serialize};

use crate::board::Unproven;
use crate::format::words::{BatchWord, Counter, ServerWord, SessionRecord, StatusWord, ThreadWord};

#[derive(Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct ThreadsRecord {
    pub(super) threads: Option<Vec<ThreadRecord>>,
    pub(super) cycles: Option<Vec<CycleRecord>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(super) struct ThreadRecord {
    pub(super) thread_id: String,
    pub(super) thread_name: Option<String>,
    pub(super) stage_name: Option<String>,
    pub(super) batch_name: Option<String>,
    pub(super) status: Option<StatusWord>,
    pub(super) assigned_agent: Option<String>,
    pub(super) assigned_at: Option<String>,
    pub(super) report: Option<String>,
    pub(super) breadcrumb: Option<String>,
    pub(super) artifacts: Option<Vec<String>>,
    pub(super) unproven: Option<Vec<Unproven>>,
    pub(super) next_steps: Option<Vec<String>>,
    pub(super) sessions: Option<Vec<SessionRecord>>,
    pub(super) attempt_floor: Option<Counter>,
    pub(super) former_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(super) struct CycleRecord {
    pub(super) batch: BatchWord,
    pub(super) cycle: Counter,
    pub(super) status: CycleWord,
    pub(super) holder: Option<ServerWord>,
    pub(super) retry_asked: Option<bool>,
    pub(super) left: Option<bool>,
    pub(super) opened_at: Option<String>,
    pub(super) taken_over_at: Option<String>,
    pub(super) released_at: Option<String>,
    pub(super) closed_at: Option<String>,
    pub(super) threads: Option<Vec<BudgetRecord>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(super) struct BudgetRecord {
    pub(super) thread_id: ThreadWord,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retried_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reassigned_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assigned_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fresh_after: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) given_up: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) applied_before: Option<bool>,
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum CycleWord {
    Open,
    Closed,
}
