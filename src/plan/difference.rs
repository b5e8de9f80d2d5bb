//! The difference of two texts, for people.

use std::time::Duration;

use similar::TextDiff;

/// How long a short difference is looked for: of thousands of edits the best one takes minutes, and any will do.
const DIFFERENCE_WAIT: Duration = Duration::from_millis(500);

/// Returns what changed from `old` to `new` as `diff -u` prints it; empty where nothing did.
pub fn unified(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let mut lines = TextDiff::configure();
    let lines = lines.timeout(DIFFERENCE_WAIT).diff_lines(old, new);
    lines.unified_diff().context_radius(2).header(old_name, new_name).to_string()
}
