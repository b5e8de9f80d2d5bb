//! The limits of the texts that a caller gives (DESIGN §5).

use crate::decide::facts::{Field, TextProblem};
use crate::decide::refusal::Refusal;
use crate::decide::request::{MAX_ITEM_CHARS, MAX_ITEMS, MAX_REPORT_CHARS, UpdateThread};

/// Returns the trimmed report; empty if there is none.
///
/// # Errors
///
/// [`Refusal::BadText`] if the report, an artifact or a next step is over its limit, or has a character that cannot be
/// stored.
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

/// Refuses a text of more than [`MAX_REPORT_CHARS`] characters, or with the character U+0000.
pub(in crate::decide) fn check_text(field: Field, text: &str) -> Result<(), Refusal> {
    if has_nul(text) {
        return Err(Refusal::BadText { field, problem: TextProblem::HasNul });
    }
    match text.chars().count() {
        length if length > MAX_REPORT_CHARS => Err(Refusal::BadText { field, problem: TextProblem::TooLong(length) }),
        _ => Ok(()),
    }
}

/// Returns what is wrong with a list of artifacts or next steps. Only a request that `ends` the attempt may have any.
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

/// Returns whether the text has U+0000. PostgreSQL cannot store it, and many programs stop reading a file there.
fn has_nul(text: &str) -> bool {
    text.contains('\0')
}
