//! PURE. Reads from prose which task of spec-kit comes before which: `T014 depends on T012, T013`, `T016 blocks T017`,
//! `Tests (T004-T007) before implementation (T008-T014)`. Only English is understood; elsewhere the order of the list
//! holds, which is the stricter one.

use crate::format::spec_kit::id;

/// The longest range of ids that is read. A longer one is about phases, which are in order anyway.
const MAX_RANGE: usize = 100;

/// The words between tasks, and whether the tasks in front of them come first. Longer ones stand first.
const WORDS: [(&str, bool); 12] = [
    ("blocked by", false),
    ("depends on", false),
    ("depend on", false),
    ("dependent on", false),
    ("requires", false),
    ("require ", false),
    ("needs", false),
    ("blocks", true),
    ("before", true),
    ("after", false),
    ("->", true),
    ("→", true),
];

/// Returns the pairs (before, after) of ids that a text demands. `own` is the task whose text it is: it is meant where no
/// other task is named in front of the word.
pub(super) fn pairs(text: &str, own: Option<&str>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // A sentence, or a part of one, speaks of one order.
    for clause in text.split(['\n', ';']).flat_map(|line| line.split(". ")) {
        if !clause.contains('T') || is_denied(clause) {
            continue;
        }
        let mut rest = clause;
        let mut subjects: Option<Vec<String>> = None;
        let mut word: Option<bool> = None;
        loop {
            let next = next_word(rest);
            let ids = ids(&rest[..next.map_or(rest.len(), |(at, _, _)| at)]);
            let ids =
                if subjects.is_none() && ids.is_empty() { own.map(str::to_owned).into_iter().collect() } else { ids };
            if let (Some(is_before), Some(subjects)) = (word, &subjects) {
                for one in subjects {
                    for other in &ids {
                        let (before, after) = if is_before { (one, other) } else { (other, one) };
                        if before != after {
                            found.push((before.clone(), after.clone()));
                        }
                    }
                }
            }
            let Some((at, length, is_before)) = next else { break };
            // `T001 → T002 → T003` goes on from T002. `T005 after T003 and before T007` stays with T005.
            if word.is_none() || word == Some(true) && is_before {
                subjects = Some(ids);
            }
            word = Some(is_before);
            rest = &rest[at + length..];
        }
    }
    found
}

/// Returns whether a clause says that there is no order.
fn is_denied(clause: &str) -> bool {
    let clause = clause.to_ascii_lowercase();
    ["not depend", "n't depend", "no depend", "independent", "not block", "not require"]
        .iter()
        .any(|no| clause.contains(no))
}

/// Returns the first word between tasks: its offset, its length, and whether what stands in front of it comes first.
fn next_word(text: &str) -> Option<(usize, usize, bool)> {
    let lower = text.to_ascii_lowercase();
    let is_whole = |at: usize, word: &str| {
        let is_letter = |c: char| c.is_alphanumeric();
        !word.starts_with(is_letter)
            || !lower[..at].ends_with(is_letter) && !lower[at + word.len()..].starts_with(is_letter)
    };
    let found = WORDS.iter().filter_map(|(word, is_before)| {
        let at = lower.match_indices(word).map(|(at, _)| at).find(|at| is_whole(*at, word.trim_end()))?;
        Some((at, word.len(), *is_before))
    });
    found.min_by_key(|(at, ..)| *at)
}

/// Returns the ids in a text. `T004-T007` and `T004 to T007` are a range.
fn ids(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    let mut last_end: Option<&str> = None;
    while let Some(at) = rest.find('T') {
        let is_start = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let Some((id, behind)) = id(&rest[at..]).filter(|_| is_start) else {
            rest = &rest[at + 1..];
            continue;
        };
        let between = last_end.map(|end| end[..end.len() - rest.len() + at].trim());
        if between.is_some_and(|between| matches!(between, "-" | "–" | "—" | "to" | "through" | ".." | "…")) {
            found.extend(range(found.last(), id));
        }
        found.push(id.to_owned());
        (rest, last_end) = (behind, Some(behind));
    }
    found
}

/// Returns the ids between two, without both.
fn range(from: Option<&String>, to: &str) -> Vec<String> {
    let number = |id: &str| id.strip_prefix('T')?.parse::<usize>().ok();
    let (Some(from), Some(end)) = (from, number(to)) else { return Vec::new() };
    let Some(start) = number(from) else { return Vec::new() };
    let width = from.len() - 1;
    let between = start + 1..end;
    if between.len() > MAX_RANGE { Vec::new() } else { between.map(|number| format!("T{number:0width$}")).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, own: Option<&str>) -> String {
        pairs(text, own).iter().map(|(before, after)| format!("{before}<{after}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn orders_in_the_ways_that_people_write_them() {
        for (text, own, wanted) in [
            ("Implement the service (depends on T012, T013)", Some("T014"), "T012<T014 T013<T014"),
            ("T016 blocks T017", None, "T016<T017"),
            ("- Tests (T004-T006) before implementation (T008)", None, "T004<T008 T005<T008 T006<T008"),
            ("T001 → T002 -> T003", None, "T001<T002 T002<T003"),
            ("T005 requires T003, after T004", None, "T003<T005 T004<T005"),
            ("T001 to T003 block nothing; T004 after T001", None, "T001<T004"),
            ("Run it after T030 and before T040", Some("T031"), "T030<T031 T031<T040"),
            ("T005 does not depend on T004", None, ""),
            ("Add logging before the request ends", Some("T001"), ""),
            ("after GET_T001 and XT002", Some("T009"), ""),
            ("Thereafter T002", Some("T001"), ""),
            ("T001 before T0001", None, "T001<T0001"),
        ] {
            assert_eq!(told(text, own), wanted, "{text}");
        }
    }

    #[test]
    fn a_range_without_end_is_not_spelled_out() {
        assert_eq!(told("T001-T9999999999 before T5", None).split(' ').count(), 2);
        assert_eq!(told("T99999999999999999999999999 before T5", None).split(' ').count(), 1);
    }
}
