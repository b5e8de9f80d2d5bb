//! How long attempts and threads ran, by the times that are recorded.

use std::time::Duration;

use crate::board::AttemptStatus;
use crate::decide::{AttemptReport, ThreadReport};
use crate::moment::Moment;

/// Returns how long the attempts of a thread ran, all together; `None` if that is known of none of them.
pub(crate) fn run_time(thread: &ThreadReport, now: Option<Moment>) -> Option<Duration> {
    let times: Vec<Duration> = thread.attempts.iter().filter_map(|attempt| attempt_time(attempt, now)).collect();
    (!times.is_empty()).then(|| times.iter().sum())
}

/// Returns when the worker of an attempt last gave a sign of life: its start, its last words, its last check.
pub(crate) fn last_sign(attempt: &AttemptReport) -> Option<Moment> {
    let checked = attempt.checks.last().map(|check| check.at);
    [attempt.started_at, attempt.heard_at, checked].into_iter().flatten().max()
}

/// Returns how long an attempt ran, or has run until `now`; `None` if its times are not known, or it runs and there is
/// no `now`.
pub(crate) fn attempt_time(attempt: &AttemptReport, now: Option<Moment>) -> Option<Duration> {
    let started = attempt.started_at?;
    let ended = match attempt.completed_at {
        Some(at) => at,
        None if attempt.status == AttemptStatus::Running => now?,
        None => return None,
    };
    Some(ended.since(started))
}
