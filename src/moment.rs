//! PURE. An instant as the files of the state have it.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// An instant, written as RFC 3339 in UTC with milliseconds, the form that the files of this family
/// have (`2026-11-22T12:00:00.000Z`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

impl Moment {
    /// Returns the millisecond in which an instant lies. What is in memory must be what can be read again.
    pub(crate) fn of(timestamp: Timestamp) -> Self {
        Self(Timestamp::from_millisecond(timestamp.as_millisecond()).unwrap_or(timestamp))
    }

    /// Returns the instant that a file of this family names; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::of)
    }

    /// Returns how long after `earlier` this is; nothing, where the clock was put back in between.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0).try_into().unwrap_or_default()
    }

    /// Returns the instant so much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self::of(self.0.saturating_add(time).unwrap_or(Timestamp::MAX))
    }

    /// Returns the instant so much earlier.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        Self::of(self.0.saturating_sub(time).unwrap_or(Timestamp::MIN))
    }

    /// Returns the milliseconds since the first of January 1970 in UTC; negative before it.
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Returns the time of the day in UTC, as `12:05`.
    pub fn clock_time(self) -> String {
        self.0.strftime("%H:%M").to_string()
    }

    /// Returns the time of the day in UTC, as `12:05:42`.
    pub fn clock_time_with_seconds(self) -> String {
        self.0.strftime("%H:%M:%S").to_string()
    }

    /// Returns the day, as `2026-11-22`.
    pub fn day(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }
}

impl From<Moment> for SystemTime {
    fn from(moment: Moment) -> Self {
        moment.0.into()
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

/// Returns the length of time that a person wrote: seconds, or a number with its unit, such as `90s`, `10m` or `1h`. `None`
/// for everything else, for 0, and for more than a day, which is a slip of the pen.
pub fn length_of_time(text: &str) -> Option<Duration> {
    const DAY: u64 = 86_400;
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" | "s" | "sec" | "seconds" => 1,
        "m" | "min" | "minutes" => 60,
        "h" | "hours" => 3600,
        _ => return None,
    };
    let seconds = digits.parse::<u64>().ok().filter(|seconds| *seconds > 0)?.checked_mul(unit)?;
    (seconds <= DAY).then(|| Duration::from_secs(seconds))
}
