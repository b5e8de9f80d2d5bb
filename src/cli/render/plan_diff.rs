//! What changed in a plan since it was approved: the page of `work diff`, and a part of that of `work approve plan`.

use std::fmt::Write as _;

use super::super::page::{Page, Tone, one_line, wrapped};
use crate::board::Status;
use crate::decide::{ApprovalFate, Consequence, PlanDiff, StageChange, ThreadChange, UnclearThread};
use crate::wording::count;
use crate::words::map_argument;

/// The sentence about a comparison for which the approved text is not known.
const UNKNOWN: &str = "the text that was approved is not known here (.PLAN.approved.md is missing, or of another \
                       approval): PLAN.md is compared with the names that were recorded";

/// Writes what changed, thread by thread and as text; one sentence if nothing did.
pub(super) fn write(page: &mut Page, diff: &PlanDiff) {
    if diff.stages.is_empty() && diff.threads.is_empty() && diff.unclear.is_empty() && diff.text.is_empty() {
        let what = match (diff.approved_text, diff.was_approved) {
            (true, _) => "PLAN.md is the text that was approved",
            (false, true) => UNKNOWN,
            (false, false) => "no text was approved yet that PLAN.md could be compared with",
        };
        let _ = write!(page, "{}: {what}", diff.workstream);
        return;
    }
    write_basis(page, diff);
    write_changes(page, diff);
    if !diff.text.is_empty() {
        let _ = writeln!(page);
        super::diff(page, &diff.text);
    }
}

/// Writes what PLAN.md was compared with, unless that is the approved text.
pub(super) fn write_basis(page: &mut Page, diff: &PlanDiff) {
    if !diff.approved_text && diff.was_approved {
        for line in wrapped(UNKNOWN, 0) {
            let _ = writeln!(page, "{line}");
        }
    }
}

/// Writes a line per stage and thread that changed, and per thread that is unclear.
pub(super) fn write_changes(page: &mut Page, diff: &PlanDiff) {
    for stage in &diff.stages {
        item(page, Tone::Strong, &stage_change(stage));
    }
    for thread in &diff.threads {
        let tone = match thread.consequence {
            Consequence::New => Tone::Good,
            Consequence::CountsForNothing => Tone::Bad,
            Consequence::Stays | Consequence::MovesAlong => Tone::Busy,
        };
        item(page, tone, &thread_change(thread));
    }
    for unclear in &diff.unclear {
        item(page, Tone::Bad, &unclear_thread(unclear));
    }
}

/// Writes an item of the list, wrapped. Its first word, which says what happened, has the colour.
fn item(page: &mut Page, tone: Tone, text: &str) {
    for (at, line) in wrapped(&one_line(text), 4).into_iter().enumerate() {
        if at > 0 {
            let _ = writeln!(page, "    {line}");
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        page.paint(tone, word);
        let _ = writeln!(page, " {rest}");
    }
}

fn stage_change(stage: &StageChange) -> String {
    let what = match (stage.before, stage.now) {
        (None, Some(now)) => format!("added stage {now} {:?}", stage.name),
        (Some(before), None) => format!("removed stage {before} {:?}", stage.name),
        (Some(before), Some(now)) if before != now => format!("moved stage {before} {:?} to {now}", stage.name),
        (_, now) => format!("changed stage {} {:?}", now.unwrap_or_default(), stage.name),
    };
    let renamed = stage.renamed_from.as_ref().map(|from| format!(", called {from:?} before")).unwrap_or_default();
    let approval = match stage.approval {
        None => "",
        Some(ApprovalFate::Kept) => ": it stays approved",
        Some(ApprovalFate::TakenBack) if stage.now.is_none() => ": its approval goes with it",
        Some(ApprovalFate::TakenBack) => ": it has new threads, so it is not approved any more",
    };
    what + &renamed + approval
}

fn thread_change(thread: &ThreadChange) -> String {
    let (before, now) = (thread.before.as_deref(), thread.now.as_deref());
    let verb = match (before, now) {
        (None, _) => "added",
        (_, None) => "removed",
        (Some(before), Some(now)) if before != now => "moved",
        _ if thread.renamed_from.is_some() => "renamed",
        _ => "edited",
    };
    let mut text = format!("{verb} {} {:?}", before.or(now).unwrap_or_default(), thread.name);
    if let (Some(before), Some(now)) = (before, now)
        && before != now
    {
        let _ = write!(text, " to {now}");
    }
    if let Some(from) = &thread.renamed_from {
        let _ = write!(text, ", called {from:?} before");
    }
    if !thread.edited.is_empty() {
        let _ = write!(text, ", other {}", thread.edited.join(", "));
    }
    let status = thread.status.word().replace('_', " ");
    let attempts = match thread.attempts {
        0 => String::new(),
        attempts => format!(", {}", count(attempts, "attempt", "attempts")),
    };
    let _ = write!(text, " ({status}{attempts})");
    text += consequence(thread);
    if let Some(before) = before.filter(|_| thread.was_handed_out) {
        let _ = write!(text, "; whoever reports of it as {before} is refused");
    }
    text
}

/// Returns what the change means for the thread's record; nothing if there is no record to speak of.
fn consequence(thread: &ThreadChange) -> &'static str {
    let has_record = thread.status != Status::Pending || thread.attempts > 0;
    match thread.consequence {
        Consequence::CountsForNothing if thread.status == Status::InProgress => {
            ": its worker may still report, which counts for nothing"
        }
        Consequence::CountsForNothing if has_record => ": its record is kept and counts for nothing",
        Consequence::MovesAlong if has_record => ": its record moves along",
        Consequence::Stays if thread.status == Status::InProgress && !thread.edited.is_empty() => {
            ": its worker read the text before"
        }
        Consequence::Stays if thread.status == Status::Completed && !thread.edited.is_empty() => {
            ": it stays completed, by the text before"
        }
        _ => "",
    }
}

fn unclear_thread(thread: &UnclearThread) -> String {
    let (id, name, status) = (thread.thread_id, &thread.name, thread.status.word().replace('_', " "));
    let which = match thread.suggested {
        Some(_) => format!("say which, such as {}", map_argument(thread)),
        None => format!("say which with --map {id}=NEW"),
    };
    format!(
        "unclear {id} {name:?} ({status}) can be {}: {which}, --map {id}=- if it left the plan, or --keep-ids",
        thread.candidates()
    )
}
