//! PURE. Pieces of messages: counts, durations, and texts that are safe to print.

use std::time::Duration;

/// The longest form, in characters, in which a report is repeated in another text, such as the report of a blocked
/// thread or the warning of a new cycle (DESIGN §5).
const MAX_REASON_CHARS: usize = 300;

/// Returns a number with its noun: `1 batch`, `2 batches`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Returns things with commas between them.
pub(crate) fn list<T: ToString>(things: &[T]) -> String {
    things.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// Returns a name or a path quoted for a shell. Without the quotes, the name of a folder could add commands to one
/// that a person copies.
pub(crate) fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

/// Returns a text that is safe for a terminal: text of agents cannot move the cursor or set colours.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// Returns a character, or U+FFFD in place of a hidden one that is neither a line feed nor a tab.
pub(crate) fn shown(c: char) -> char {
    if is_hidden(c) && !matches!(c, '\n' | '\t') { char::REPLACEMENT_CHARACTER } else { c }
}

/// Returns whether a character could make a text look like another one: controls, marks that change the reading
/// direction or end a line unseen, and characters that show nothing. The joiners U+200B to U+200D are not among them,
/// because words of some languages need them.
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

/// Returns a text as one line: text of agents cannot add a line to an answer.
pub(crate) fn one_line(text: &str) -> String {
    text.split(['\n', '\r', '\t', '\u{2028}', '\u{2029}']).collect::<Vec<_>>().join(" ")
}

/// Returns a text of another place, cut to [`MAX_REASON_CHARS`] with an ellipsis at the end.
pub(crate) fn cut(reason: &str) -> String {
    if reason.chars().count() <= MAX_REASON_CHARS {
        return reason.to_owned();
    }
    let mut cut: String = reason.chars().take(MAX_REASON_CHARS - 1).collect();
    cut.push('…');
    cut
}

/// Returns a duration in the unit that matters: `42 s`, `3 min`, `2 h 05 min`, `3 d 4 h`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_unit_that_matters() {
        let told = [0, 59, 60, 3599, 3600, 90_061, 219_600].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(told, ["0 s", "59 s", "1 min", "59 min", "1 h 00 min", "25 h 01 min", "2 d 13 h"]);
    }

    #[test]
    fn a_reason_is_cut_to_300_characters() {
        assert_eq!(cut(&"ä".repeat(300)).chars().count(), 300);
        let long = cut(&"ä".repeat(301));
        assert_eq!((long.chars().count(), long.ends_with('…')), (300, true));
    }
}
