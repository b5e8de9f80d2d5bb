//! How long things took, from the times that stand on disk.

use std::time::Duration;

use crate::board::AttemptStatus;
use crate::clock::Moment;
use crate::decide::{AttemptReport, ThreadReport};

/// Returns how long the attempts of a thread ran, all together; `None` where no file says it.
pub(crate) fn run_time(thread: &ThreadReport, now: Option<Moment>) -> Option<Duration> {
    let times: Vec<Duration> = thread.attempts.iter().filter_map(|attempt| attempt_time(attempt, now)).collect();
    (!times.is_empty()).then(|| times.iter().sum())
}

/// Returns how long an attempt ran, or runs; `None` where no file says it.
pub(crate) fn attempt_time(attempt: &AttemptReport, now: Option<Moment>) -> Option<Duration> {
    let started = Moment::parse(attempt.started_at.as_deref()?)?;
    let ended = match &attempt.completed_at {
        Some(at) => Moment::parse(at)?,
        None if attempt.status == AttemptStatus::Running => now?,
        None => return None,
    };
    Some(ended.since(started))
}
