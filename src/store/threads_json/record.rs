//! The records of the file, as they are written: words and ids are read strictly, so that an error has
//! a line and a column; what is not named here is kept by the writer and never seen.

use serde::{Deserialize, Serialize};

use crate::board::{ServerId, Status};
use crate::plan::{BatchId, ThreadId};

#[derive(Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct FileRecord {
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
    pub(super) report: Option<String>,
    pub(super) breadcrumb: Option<String>,
    pub(super) artifacts: Option<Vec<String>>,
    pub(super) next_steps: Option<Vec<String>>,
    pub(super) sessions: Option<Vec<SessionRecord>>,
    pub(super) attempt_floor: Option<Counter>,
    pub(super) former_ids: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(in crate::store) struct SessionRecord {
    pub(in crate::store) agent_name: Option<String>,
    pub(in crate::store) started_at: Option<String>,
    pub(in crate::store) completed_at: Option<String>,
    pub(in crate::store) status: SessionWord,
    pub(in crate::store) attempt: Option<Counter>,
    pub(in crate::store) cycle: Option<Counter>,
    pub(in crate::store) report: Option<String>,
    pub(in crate::store) transient: Option<bool>,
    pub(in crate::store) server: Option<ServerWord>,
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

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum SessionWord {
    Running,
    Completed,
    Failed,
    Interrupted,
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum CycleWord {
    Open,
    Closed,
}

/// The number of an attempt or a cycle, small enough to count on from.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub(in crate::store) struct Counter(pub(super) u32);

impl TryFrom<u32> for Counter {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        const MAX: u32 = 1_000_000;
        if number <= MAX { Ok(Self(number)) } else { Err(format!("{number} is over the limit of {MAX}")) }
    }
}

/// An id or a name that is read strictly, so that an error carries line and column.
macro_rules! word {
    ($name:ident, $inner:ty) => {
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub(in crate::store) struct $name(pub(in crate::store) $inner);

        impl TryFrom<String> for $name {
            type Error = <$inner as std::str::FromStr>::Err;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse().map(Self)
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.0.to_string()
            }
        }

        impl Clone for $name {
            fn clone(&self) -> Self {
                Self(self.0)
            }
        }
    };
}

word!(StatusWord, Status);
word!(ServerWord, ServerId);
word!(BatchWord, BatchId);
word!(ThreadWord, ThreadId);
