//! `work validate --fix`: applies the certain edits of the problems until none is left.

use super::check::all_problems;
use super::parse::parse;
use super::problem::{Edit, Problem};
use crate::roster::Roster;

/// The maximum number of rounds. Fixing one level of the structure lets the parser see the next one.
const MAX_ROUNDS: usize = 32;

/// A text to which the certain edits were applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The text.
    pub text: String,
    /// How many edits were applied.
    pub applied: usize,
}

/// Applies the certain edits until none is left. Everything else stays byte for byte, also the line ends of the file.
///
/// Two promises hold for any edit. No word is lost, except one that only marks a heading: such an edit is skipped. No
/// thread is lost: a round of edits that would lose one is not applied. What is not fixed stays a problem.
pub fn fixed(text: &str, roster: &Roster) -> Fixed {
    let mut fixed = Fixed { text: text.to_owned(), applied: 0 };
    let mut plan = parse(text);
    for _ in 0..MAX_ROUNDS {
        let problems = all_problems(&plan, roster);
        let Some((text, applied)) = applied(&fixed.text, &problems) else { break };
        let next = parse(&text);
        if next.counts().threads < plan.counts().threads {
            break;
        }
        fixed = Fixed { text, applied: fixed.applied + applied };
        plan = next;
    }
    fixed
}

/// Returns the text with its edits applied, and their number; `None` if that changes nothing. Of two edits that
/// overlap, the first one is applied.
fn applied(text: &str, problems: &[Problem]) -> Option<(String, usize)> {
    let mut edits: Vec<&Edit> = problems.iter().filter_map(|problem| problem.edit.as_ref()).collect();
    edits.retain(|edit| edit.keeps_text(text));
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let (mut out, mut at, mut number) = (String::with_capacity(text.len()), 0, 0);
    for Edit { range, text: new } in edits {
        if range.start >= at && range.end <= text.len() {
            out.push_str(&text[at..range.start]);
            out.push_str(new);
            at = range.end;
            number += 1;
        }
    }
    out.push_str(&text[at..]);
    (number > 0 && out != text).then_some((out, number))
}

#[cfg(test)]
#[path = "fix_tests.rs"]
mod tests;
