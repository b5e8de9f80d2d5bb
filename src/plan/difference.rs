//! The difference between two texts, for people.

use std::time::Duration;

use similar::TextDiff;

/// The time limit of the search for a short difference. For thousands of changed lines the shortest one takes
/// minutes; after the limit a longer one is returned, which is correct too.
const DIFFERENCE_WAIT: Duration = Duration::from_millis(500);

/// Returns the difference from `old` to `new` as `diff -u` prints it, with the two names in its header. Equal texts
/// give an empty text.
pub fn unified(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let mut lines = TextDiff::configure();
    let lines = lines.timeout(DIFFERENCE_WAIT).diff_lines(old, new);
    lines.unified_diff().context_radius(2).header(old_name, new_name).to_string()
}
