//! The difference of two texts, for people.

use similar::TextDiff;

/// Returns what changed from `old` to `new` as `diff -u` prints it; empty where nothing did.
pub fn unified(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    TextDiff::from_lines(old, new).unified_diff().context_radius(2).header(old_name, new_name).to_string()
}
