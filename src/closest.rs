//! PURE. Suggestions ("did you mean …"): the known names that are most similar to an unknown one.

/// The maximum number of names in a hint. A model pays for each in tokens.
pub const MAX_SUGGESTIONS: usize = 3;

/// Returns up to [`MAX_SUGGESTIONS`] names of `known` that are similar to `given`, the most similar first. Equally
/// similar ones keep the order of `known`. The list is empty if none is similar.
pub fn closest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<String> {
    const SIMILAR: f64 = 0.7;
    // The comparison takes time quadratic in the length, so a long name is cut.
    let given: String = given.chars().take(100).flat_map(char::to_lowercase).collect();
    let mut ranked: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&given, &name.to_lowercase()), name))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .collect();
    ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    ranked.into_iter().take(MAX_SUGGESTIONS).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_comes_first_and_others_are_left_out() {
        let known = ["system-engineer-codex", "system-engineer-opus", "default"];
        assert_eq!(closest("system-enginer-opus", known)[0], "system-engineer-opus");
        assert_eq!(closest("zzz", known), Vec::<String>::new());
    }
}
