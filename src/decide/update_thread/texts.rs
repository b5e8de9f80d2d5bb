//! The limits of what may be said.

use crate::decide::facts::{Field, TextProblem};
use crate::decide::refusal::Refusal;
use crate::decide::request::{MAX_ITEM_CHARS, MAX_ITEMS, MAX_REPORT_CHARS, UpdateThread};

/// Returns the report, trimmed; refuses texts over their limits.
pub(super) fn check_texts(request: &UpdateThread) -> Result<String, Refusal> {
    let report = request.report.as_deref().unwrap_or_default().trim();
    check_text(Field::Report, report)?;
    for (field, items) in [(Field::Artifacts, &request.artifacts), (Field::NextSteps, &request.next_steps)] {
        let items = items.as_deref().unwrap_or_default();
        if let Some(problem) = problem_of(items, request.status.is_report()) {
            return Err(Refusal::BadText { field, problem });
        }
    }
    Ok(report.to_owned())
}

/// Refuses a text of more than [`MAX_REPORT_CHARS`] characters, or with one that cannot be kept.
pub(in crate::decide) fn check_text(field: Field, text: &str) -> Result<(), Refusal> {
    if has_nul(text) {
        return Err(Refusal::BadText { field, problem: TextProblem::HasNul });
    }
    match text.chars().count() {
        length if length > MAX_REPORT_CHARS => Err(Refusal::BadText { field, problem: TextProblem::TooLong(length) }),
        _ => Ok(()),
    }
}

fn problem_of(items: &[String], ends: bool) -> Option<TextProblem> {
    if !ends && !items.is_empty() {
        return Some(TextProblem::OnlyAtTheEnd);
    }
    if items.len() > MAX_ITEMS {
        return Some(TextProblem::TooMany(items.len()));
    }
    let lengths = items.iter().map(|item| item.chars().count());
    if let Some(length) = lengths.into_iter().find(|length| *length > MAX_ITEM_CHARS) {
        return Some(TextProblem::LongEntry(length));
    }
    items.iter().any(|item| has_nul(item)).then_some(TextProblem::EntryHasNul)
}

/// U+0000: no database keeps it, and many programs that read a file end there.
fn has_nul(text: &str) -> bool {
    text.contains('\0')
}
