//! Tries again what fails because another program looks at a file.
#![cfg_attr(unix, allow(dead_code, reason = "what it does is tested on every system"))]

use std::io;
use std::time::Duration;

/// The pauses between tries: half a second together.
pub(super) const SHORT: [Duration; 9] = {
    let milliseconds = Duration::from_millis;
    [
        milliseconds(1),
        milliseconds(2),
        milliseconds(4),
        milliseconds(8),
        milliseconds(16),
        milliseconds(32),
        milliseconds(64),
        milliseconds(128),
        milliseconds(256),
    ]
};

/// Does `work`. If it fails in a way that passes, does it again after each of the pauses. Returns its last result.
pub(super) fn patiently<T>(
    pauses: impl IntoIterator<Item = Duration>,
    is_passing: impl Fn(&io::Error) -> bool,
    mut work: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut result = work();
    for pause in pauses {
        if !result.as_ref().is_err_and(&is_passing) {
            break;
        }
        std::thread::sleep(pause);
        result = work();
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_tried_again_and_not_for_ever() {
        let is_passing = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        let tries = |kind: io::ErrorKind, failures: u32| {
            let mut tries = 0;
            let result = patiently([Duration::ZERO; 3], is_passing, || {
                tries += 1;
                if tries <= failures { Err(io::Error::from(kind)) } else { Ok(()) }
            });
            (tries, result.is_ok())
        };
        assert_eq!(tries(io::ErrorKind::PermissionDenied, 0), (1, true));
        assert_eq!(tries(io::ErrorKind::PermissionDenied, 2), (3, true));
        assert_eq!(tries(io::ErrorKind::PermissionDenied, 9), (4, false));
        assert_eq!(tries(io::ErrorKind::NotFound, 1), (1, false));
        assert_eq!(SHORT.iter().sum::<Duration>(), Duration::from_millis(511));
    }
}
