//! The ids of stages, batches and threads: numbers in memory, one strict text form outside.
//!
//! This file reads and writes ids. It accepts `1.2.3` as people type it and writes `01.02.03`. It must never know
//! whether a stage, batch or thread of that id exists.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The largest number of a stage, batch or thread: three digits.
pub const MAX_NUMBER: u16 = 999;

/// The number of a stage, 0 to [`MAX_NUMBER`]. Alone, also on disk, it is plain decimal (`1`); in ids it has two
/// digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageNumber(pub u16);

/// The id of a batch, `SS.BB`. Batch 00 holds the threads of a stage in old plans, which have no batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    /// The stage of the batch.
    pub stage: StageNumber,
    /// The number of the batch within its stage.
    pub number: u16,
}

/// The id of a thread, `SS.BB.TT`. Ids sort in the order in which the plan runs: by stage, then batch, then thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId {
    /// The batch of the thread.
    pub batch: BatchId,
    /// The number of the thread within its batch.
    pub number: u16,
}

/// The error for a text that is not an id. Its message says which form was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {expected}")]
pub struct MalformedId {
    /// The text, cut to 60 characters so that it fits in a message.
    pub given: String,
    /// The expected form, as part of a sentence: `a thread id such as 01.02.03`.
    pub expected: &'static str,
}

impl ThreadId {
    /// Returns the id of thread `number` in batch `batch` of stage `stage`.
    pub fn new(stage: u16, batch: u16, number: u16) -> Self {
        Self { batch: BatchId::new(stage, batch), number }
    }
}

impl BatchId {
    /// Returns the id of batch `number` in stage `stage`.
    pub fn new(stage: u16, number: u16) -> Self {
        Self { stage: StageNumber(stage), number }
    }
}

impl Serialize for StageNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for StageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for BatchId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}.{:02}", self.stage.0, self.number)
    }
}

impl Serialize for ThreadId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.batch, self.number)
    }
}

impl FromStr for StageNumber {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let [number] = numbers(text, "a stage number such as 1")?;
        Ok(Self(number))
    }
}

impl FromStr for BatchId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let [stage, number] = numbers(text, "a batch id such as 01.02")?;
        Ok(Self::new(stage, number))
    }
}

impl FromStr for ThreadId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let [stage, batch, number] = numbers(text, "a thread id such as 01.02.03")?;
        Ok(Self::new(stage, batch, number))
    }
}

/// Parses a number of a heading or an id: ASCII digits, at most [`MAX_NUMBER`], with any number of leading zeros.
pub(crate) fn number(text: &str) -> Option<u16> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = text.trim_start_matches('0');
    let number = if significant.is_empty() { 0 } else { significant.parse().ok()? };
    (number <= MAX_NUMBER).then_some(number)
}

/// Parses exactly `N` numbers with dots between them. Whitespace around the whole text is ignored.
fn numbers<const N: usize>(text: &str, expected: &'static str) -> Result<[u16; N], MalformedId> {
    let malformed = || MalformedId { given: text.chars().take(60).collect(), expected };
    let mut found = [0; N];
    let mut parts = text.trim().split('.');
    for slot in &mut found {
        *slot = parts.next().and_then(number).ok_or_else(malformed)?;
    }
    if parts.next().is_some() { Err(malformed()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_printed_padded_whatever_was_typed() {
        for (typed, printed) in
            [("1.2.3", "01.02.03"), ("01.02.03", "01.02.03"), (" 1.0.123 ", "01.00.123"), ("0001.10.5", "01.10.05")]
        {
            assert_eq!(typed.parse::<ThreadId>().map(|id| id.to_string()), Ok(printed.to_owned()));
        }
        assert_eq!("1.2".parse::<BatchId>().map(|id| id.to_string()), Ok("01.02".to_owned()));
        assert_eq!("007".parse(), Ok(StageNumber(7)));
    }

    #[test]
    fn text_that_is_not_an_id_is_refused() {
        for text in ["", "1", "1.2", "1.2.3.4", "1..3", "a.b.c", "1.2.-3", "1.2.1000", "../../etc", "1.2.٣"] {
            assert!(text.parse::<ThreadId>().is_err(), "{text:?} was accepted");
        }
        let refused = "../../etc".parse::<ThreadId>().unwrap_err();
        assert_eq!(refused.to_string(), "`../../etc` is not a thread id such as 01.02.03");
    }

    #[test]
    fn ids_sort_in_the_order_in_which_the_plan_runs() {
        let ordered = ["01.00.01", "01.02.09", "01.02.10", "01.10.01", "02.01.01"];
        let mut ids: Vec<ThreadId> = ordered.iter().rev().map(|id| id.parse().unwrap()).collect();
        ids.sort();
        assert_eq!(ids.iter().map(ToString::to_string).collect::<Vec<_>>(), ordered);
    }
}
