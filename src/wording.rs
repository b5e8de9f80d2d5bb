//! PURE. The little grammar that messages need.

use std::time::Duration;

/// Returns `1 batch`, `2 batches`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Returns a name or a path as a shell takes it: whoever makes folders does not choose what a person runs.
pub(crate) fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

/// Returns a text that a terminal takes as text: what agents wrote cannot move the cursor or set colours.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// Returns a character as a terminal may have it.
pub(crate) fn shown(c: char) -> char {
    if is_hidden(c) && !matches!(c, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { c }
}

/// Controls, marks that turn the reading direction around or end a line unseen, and characters that show
/// nothing: they could make one text look like another. The joiners U+200B to U+200D stay, which words of
/// some languages need.
pub(crate) fn is_hidden(c: char) -> bool {
    let turns_or_ends =
        matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}');
    let shows_nothing = matches!(
        c,
        '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{2060}'
            ..='\u{2065}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    c.is_control() || turns_or_ends || shows_nothing
}

/// Returns a text of one line, whatever agents wrote into it: they cannot forge a line of their own.
pub(crate) fn one_line(text: &str) -> String {
    text.split(['\n', '\r', '\t', '\u{2028}', '\u{2029}']).collect::<Vec<_>>().join(" ")
}

/// Returns a duration as people say it, in the unit that matters: `42 s`, `3 min`, `2 h 05 min`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_the_unit_that_matters() {
        let told = [0, 59, 60, 3599, 3600, 90_061].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(told, ["0 s", "59 s", "1 min", "59 min", "1 h 00 min", "25 h 01 min"]);
    }
}
