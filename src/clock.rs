//! The clock. Only this file reads the time of day; other code is passed a [`Moment`].

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use jiff::Timestamp;

use crate::moment::Moment;

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Moment;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        // A clock past the year 9999 is wrong, but must not stop anything.
        Moment::of(Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MAX))
    }
}

/// A clock for tests. It starts at 2026-01-01T00:00:00Z and advances by one second per call.
#[derive(Debug, Default)]
pub struct SteppingClock {
    asked: AtomicI64,
}

impl Clock for SteppingClock {
    fn now(&self) -> Moment {
        const START: i64 = 1_767_225_600;
        let second = START + self.asked.fetch_add(1, Ordering::Relaxed);
        Moment::of(Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH))
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
