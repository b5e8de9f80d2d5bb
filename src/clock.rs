//! The only place that asks what time it is. Everything else is handed a [`Moment`].

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// An instant, written as RFC 3339 in UTC with milliseconds, the form that the files of this family
/// have (`2026-11-22T12:00:00.000Z`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(Timestamp);

impl Moment {
    /// Returns the instant that a file of this family names; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// Returns how long after `earlier` this is; nothing, where the clock was put back in between.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0).try_into().unwrap_or_default()
    }

    /// Returns the instant so much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time).unwrap_or(Timestamp::MAX))
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

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

/// Something that can be asked for the time.
pub trait Clock: Send + Sync {
    /// Returns the time now.
    fn now(&self) -> Moment;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        // A clock that stands in the year 10000 is wrong, and stops nothing.
        Moment(Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MAX))
    }
}

/// A clock for tests: it starts at 2026-01-01T00:00:00Z and steps one second per call.
#[derive(Debug, Default)]
pub struct SteppingClock {
    asked: AtomicI64,
}

impl Clock for SteppingClock {
    fn now(&self) -> Moment {
        const START: i64 = 1_767_225_600;
        let second = START + self.asked.fetch_add(1, Ordering::Relaxed);
        Moment(Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_files_have_it() {
        let clock = SteppingClock::default();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00.000Z");
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:01.000Z");
    }
}
