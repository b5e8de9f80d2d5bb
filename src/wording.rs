//! PURE. The little grammar that messages need.

/// Returns `1 batch`, `2 batches`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
