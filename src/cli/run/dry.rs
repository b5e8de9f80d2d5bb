//! `work run --dry-run`: what would be started now.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use super::super::Session;
use super::super::page::{Tone, one_line};
use crate::app::Planned;
use crate::decide::{NextBatch, Refusal, Words as _};
use crate::wording::quoted;

/// Prints what a run would start first. The prompt is not repeated in each command line.
pub(super) fn print(
    session: &Session,
    answer: &NextBatch,
    planned: &[Planned],
    unapproved: Option<&Refusal>,
) -> ExitCode {
    if session.output.is_json() {
        let workers = planned.iter().map(|planned| {
            json!({
                "thread": planned.launch.thread.to_string(),
                "attempt": planned.launch.attempt,
                "agent": planned.launch.agent,
                "host": planned.host,
                "command": planned.command.as_ref().ok(),
                "problem": planned.command.as_ref().err(),
                "timeout_seconds": planned.timeout.as_secs(),
            })
        });
        let next_batch = answer.clone().worded(&session.words.for_programs());
        let unapproved = unapproved.map(ToString::to_string);
        let workers: Vec<_> = workers.collect();
        return session
            .output
            .print_json(&json!({"next_batch": next_batch, "workers": workers, "unapproved": unapproved}));
    }
    let mut page = session.output.page();
    match &answer.batch {
        Some(batch) => page.paint(Tone::Strong, format!("Batch {}: {}", batch.id, one_line(&batch.name))),
        None => page.paint(Tone::Strong, "Nothing would be started"),
    }
    for note in &answer.warnings {
        page.begin_line();
        let _ = write!(page, "{}", one_line(&session.words.note(note)));
    }
    for planned in planned {
        let (thread, attempt, agent) = (planned.launch.thread, planned.launch.attempt, one_line(&planned.launch.agent));
        page.begin_line();
        let _ = write!(page, "{thread} attempt {attempt}: {agent}, by {}\n  ", one_line(&planned.host));
        match &planned.command {
            Ok(words) => {
                let word = |word: &String| {
                    if *word == planned.prompt { "PROMPT".to_owned() } else { quoted(word) }
                };
                let words: Vec<String> = words.iter().map(word).collect();
                let _ = write!(page, "{}", one_line(&words.join(" ")));
            }
            Err(why) => page.paint(Tone::Bad, one_line(why)),
        }
    }
    let waiting = answer.dispatch.len().saturating_sub(planned.len());
    if waiting > 0 {
        page.begin_line();
        let _ = write!(page, "{waiting} more would follow, as workers end");
    }
    if let Some(refusal) = unapproved {
        page.begin_line();
        page.paint(Tone::Bad, format!("It would not begin: {refusal}"));
        page.begin_line();
        let _ = write!(page, "{}", session.words.hint(&refusal.clone().into()));
    }
    if let Some(command) = answer.gate_command.as_ref().or(answer.next_user_command.as_ref()) {
        page.begin_line();
        page.paint(Tone::Strong, "Next: ");
        let _ = write!(page, "{}", session.words.command(command));
    }
    session.output.print(page)
}
