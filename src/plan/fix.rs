//! `work validate --fix`: the edits that are certain, until none is left.

use super::check::all_problems;
use super::parse::parse;
use super::problem::{Edit, Problem};
use crate::roster::Roster;

/// How often the edits are applied: fixing one thing shows the next, a level of the structure at a time.
const MAX_ROUNDS: usize = 32;

/// A text whose certain problems are fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The text.
    pub text: String,
    /// How many edits were applied.
    pub applied: usize,
}

/// Applies the edits that are certain. What they do not touch stays byte for byte, and with it the line
/// ends of the file.
///
/// Two things hold whatever the edits are: no word goes that is more than the mark of a heading, and no
/// thread goes. What would break one of them is left as it is, and its problem is told.
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

/// Returns the text with the edits of its problems; of two that overlap the first one.
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
