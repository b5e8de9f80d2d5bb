//! The limits of what may be said.

use crate::decide::refusal::Refusal;
use crate::decide::request::{MAX_ITEM_CHARS, MAX_ITEMS, MAX_REPORT_CHARS, UpdateThread};

/// Returns the report, trimmed; refuses texts over their limits.
pub(super) fn check_texts(request: &UpdateThread) -> Result<String, Refusal> {
    let report = request.report.as_deref().unwrap_or_default().trim();
    check_text("report", report)?;
    let ends = request.said.is_report();
    for (name, items) in [("artifacts", &request.artifacts), ("next_steps", &request.next_steps)] {
        if !ends && items.as_ref().is_some_and(|items| !items.is_empty()) {
            return Err(Refusal::invalid(
                format!("{name} belongs to completed, blocked or failed"),
                "say it when the work ends; report is for progress",
            ));
        }
        let items = items.as_deref().unwrap_or_default();
        if items.len() > MAX_ITEMS {
            return Err(Refusal::invalid(
                format!("{name} has {} entries, the limit is {MAX_ITEMS}", items.len()),
                "name the ones that matter",
            ));
        }
        if let Some(long) = items.iter().find(|item| item.chars().count() > MAX_ITEM_CHARS) {
            let length = long.chars().count();
            return Err(Refusal::invalid(
                format!("an entry of {name} has {length} characters, the limit is {MAX_ITEM_CHARS}"),
                "give a path, a link or one sentence",
            ));
        }
        for item in items {
            check_characters(&format!("an entry of {name}"), item)?;
        }
    }
    Ok(report.to_owned())
}

/// Refuses a text of more than [`MAX_REPORT_CHARS`] characters, or with one that cannot be kept.
pub(in crate::decide) fn check_text(name: &str, text: &str) -> Result<(), Refusal> {
    check_characters(name, text)?;
    let length = text.chars().count();
    if length > MAX_REPORT_CHARS {
        return Err(Refusal::invalid(
            format!("{name} has {length} characters, the limit is {MAX_REPORT_CHARS}"),
            "say it in 1-2 sentences",
        ));
    }
    Ok(())
}

/// Refuses U+0000: no database keeps it, and many programs that read a file end there.
fn check_characters(name: &str, text: &str) -> Result<(), Refusal> {
    if text.contains('\0') {
        return Err(Refusal::invalid(
            format!("{name} contains the character U+0000"),
            "leave it out: say in words what binary output was about",
        ));
    }
    Ok(())
}
