//! The parts that several formats share: ids, status words and sessions. serde parses them, so that its errors have the
//! line and the column of a bad one.

use serde::{Deserialize, Serialize};

use crate::board::{CheckResult, ServerId, Status, Usage, dollars};
use crate::moment::Moment;
use crate::plan::{BatchId, ThreadId};

/// A session: the record of an attempt (DESIGN §3).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub(crate) struct SessionRecord {
    pub(crate) agent_name: Option<String>,
    pub(crate) started_at: Option<String>,
    pub(crate) heard_at: Option<String>,
    pub(crate) completed_at: Option<String>,
    pub(crate) status: SessionWord,
    pub(crate) attempt: Option<Counter>,
    pub(crate) cycle: Option<Counter>,
    pub(crate) report: Option<String>,
    pub(crate) transient: Option<bool>,
    pub(crate) server: Option<ServerWord>,
    pub(crate) checks: Option<Vec<CheckRecord>>,
    pub(crate) failed_checks: Option<u32>,
    pub(crate) usage: Option<UsageWord>,
}

/// What an attempt used, as it stands in a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UsageWord(#[serde(with = "UsageRecord")] pub(crate) Usage);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Usage", rename_all = "camelCase", expecting = "an object")]
struct UsageRecord {
    input_tokens: u64,
    cached_tokens: u64,
    output_tokens: u64,
    #[serde(rename = "costUsd", default, with = "dollars", skip_serializing_if = "Option::is_none")]
    cost_microdollars: Option<u64>,
}

/// The result of a check, as it is read. It is written as [`CheckResult`] has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(expecting = "an object")]
pub(crate) struct CheckRecord {
    command: String,
    exit_code: Option<i32>,
    /// With three digits behind the point.
    seconds: f64,
    at: String,
}

impl CheckRecord {
    /// Returns the result; `None` if its time cannot be read.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast saturates")]
    pub(crate) fn result(self) -> Option<CheckResult> {
        let millis = (self.seconds * 1000.0).round() as u64;
        let at = Moment::parse(&self.at)?;
        Some(CheckResult { command: self.command, exit_code: self.exit_code, millis, at })
    }
}

/// The status of a session.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionWord {
    Running,
    Completed,
    Failed,
    Interrupted,
}

/// The number of an attempt or a cycle. Its limit keeps the next numbers within `u32`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct Counter(pub(crate) u32);

impl TryFrom<u32> for Counter {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        const MAX: u32 = 1_000_000;
        if number <= MAX { Ok(Self(number)) } else { Err(format!("{number} is over the limit of {MAX}")) }
    }
}

/// Defines the form in which a value of the core stands in a file: a string that serde parses by `FromStr`.
macro_rules! word {
    ($name:ident, $inner:ty) => {
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub(crate) struct $name(pub(crate) $inner);

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
