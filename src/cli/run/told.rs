//! What a run tells: a line per event, in sentences or as JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::super::Session;
use super::super::exit::exit_code;
use super::super::page::{Page, Tone, one_line};
use super::code;
use crate::app::{RunEnded, RunEvent, RunStanding, WorkerEnd};
use crate::board::Status;
use crate::decide::{BatchOutcome, PersonCommand, Words as _};
use crate::document::used;
use crate::fault::Error;
use crate::planner::Stop;
use crate::wording::duration;

/// Tells what happens in a run, on stdout. When nobody reads it any more, the run goes on.
pub(super) struct Teller<'s> {
    session: &'s Session,
}

impl<'s> Teller<'s> {
    pub(super) fn new(session: &'s Session) -> Self {
        Self { session }
    }

    pub(super) fn tell(&self, happened: &RunEvent) {
        if self.session.output.is_json() {
            self.session.output.write_json_line(&self.event(happened));
        } else {
            self.session.output.write_page(self.lines(happened));
        }
    }

    pub(super) fn tell_end(&self, ended: &RunEnded) {
        if self.session.output.is_json() {
            self.session.output.write_json_line(&self.end_event(ended));
        } else {
            self.session.output.write_page(self.end(ended));
        }
    }

    /// Tells programs that the run was refused, or has failed. People are told it on stderr, like all errors.
    pub(super) fn tell_stopped(&self, stopped: &Error) {
        if self.session.output.is_json() {
            let code = exit_code(stopped.code());
            let why = if matches!(stopped, Error::Refusal(_)) { "refused" } else { "fault" };
            let event = json!({"event": "finished", "why": why, "told": stopped.to_string(), "exit_code": code});
            self.session.output.write_json_line(&event);
        }
    }

    /// Returns an event as JSON. Answers in it have the words of the tools.
    fn event(&self, happened: &RunEvent) -> Value {
        let words = self.session.words.for_programs();
        match happened {
            RunEvent::Began(answer) => json!({
                "event": "batch",
                "workstream": answer.workstream,
                "stage": answer.stage,
                "batch": answer.batch.as_ref().map(|batch| json!({"id": batch.id, "name": batch.name})),
                "cycle": answer.cycle,
                "resumed": answer.resumed,
                "warnings": answer.warnings.iter().map(|note| words.note(note)).collect::<Vec<_>>(),
            }),
            RunEvent::Launched { launch, host, log } => json!({
                "event": "launched",
                "thread": launch.thread.to_string(),
                "name": launch.name,
                "attempt": launch.attempt,
                "agent": launch.agent,
                "host": host,
                "log": log.display().to_string(),
            }),
            RunEvent::Ended(end) => json!({
                "event": "ended",
                "thread": end.thread.to_string(),
                "attempt": end.attempt,
                "status": end.status,
                "how": end.how.words(),
                "report": end.report,
                "seconds": end.time.as_secs(),
                "usage": end.usage,
                "log": end.log.display().to_string(),
            }),
            RunEvent::Assigned(assigned) => with_event("assigned", json!(assigned)),
            RunEvent::Outcomes(outcome) => with_event("outcomes", json!(BatchOutcome::clone(outcome).worded(&words))),
            RunEvent::Noted(told) => json!({"event": "note", "note": told}),
        }
    }

    fn end_event(&self, ended: &RunEnded) -> Value {
        let words = self.session.words.for_programs();
        let standing = ended.standing.as_ref();
        let command = |command: fn(&RunStanding) -> &Option<PersonCommand>| {
            standing.and_then(|standing| command(standing).as_ref()).map(|command| words.command(command))
        };
        let left =
            ended.left.iter().map(|(folder, branch)| json!({"folder": folder.display().to_string(), "branch": branch}));
        json!({
            "event": "finished",
            "why": ended.why,
            "told": ended.told,
            "batch_completion_status": standing.map(|standing| standing.status),
            "gate_command": command(|standing| &standing.gate_command),
            "next_user_command": command(|standing| &standing.next_user_command),
            "warnings": standing.map(|standing| standing.warnings.iter().map(|note| words.note(note)).collect::<Vec<_>>()),
            "worktrees": left.collect::<Vec<_>>(),
            "exit_code": code(ended),
        })
    }

    /// Returns an event as lines for people.
    fn lines(&self, happened: &RunEvent) -> Page {
        let mut page = Page::default();
        match happened {
            RunEvent::Began(answer) => {
                let (id, name) =
                    answer.batch.as_ref().map(|batch| (batch.id.as_str(), batch.name.as_str())).unwrap_or_default();
                page.paint(Tone::Strong, format!("Batch {id}: {}", one_line(name)));
                let _ = write!(page, "{}", if answer.resumed { ", resumed" } else { "" });
                for note in &answer.warnings {
                    write_line(&mut page, &one_line(&self.session.words.note(note)));
                }
            }
            RunEvent::Launched { launch, host, .. } => {
                let (thread, attempt, agent) = (launch.thread, launch.attempt, &launch.agent);
                let _ = write!(page, "{thread} attempt {attempt}: {} runs it, by {}", one_line(agent), one_line(host));
            }
            RunEvent::Ended(end) => write_end(&mut page, end),
            RunEvent::Assigned(assigned) => {
                let _ = write!(
                    page,
                    "{} attempt {}: given to {}",
                    assigned.thread_id,
                    assigned.attempt,
                    one_line(&assigned.agent)
                );
            }
            RunEvent::Outcomes(outcome) => write_outcomes(&mut page, outcome),
            RunEvent::Noted(told) => write_line(&mut page, told),
        }
        page
    }

    /// Returns the end of a run for people.
    fn end(&self, ended: &RunEnded) -> Page {
        let mut page = Page::default();
        let tone = if code(ended) == 0 { Tone::Good } else { Tone::Bad };
        page.paint(tone, why(ended.why));
        if let Some(told) = &ended.told {
            let _ = write!(page, ": {}", one_line(told));
        }
        for (folder, branch) in &ended.left {
            let folder = one_line(&folder.display().to_string());
            write_line(&mut page, &format!("worktree {folder} with branch {branch} is still there"));
        }
        let standing = ended.standing.as_ref();
        for note in standing.iter().flat_map(|standing| &standing.warnings) {
            write_line(&mut page, &one_line(&self.session.words.note(note)));
        }
        let next = standing.and_then(|standing| standing.gate_command.as_ref().or(standing.next_user_command.as_ref()));
        let next = match (next, ended.why) {
            (Some(command), _) => Some(self.session.words.command(command)),
            (None, Stop::Held) => Some(format!("work release{}, if that planner is gone", self.session.words.flags())),
            (None, Stop::Until | Stop::HostUnusable | Stop::Cancelled) => {
                Some(format!("work run{}", self.session.words.flags()))
            }
            (None, _) => None,
        };
        if let Some(next) = next {
            page.begin_line();
            page.paint(Tone::Strong, "Next: ");
            let _ = write!(page, "{}", one_line(&next));
        }
        page
    }
}

/// Returns why a run ended, in words.
fn why(stop: Stop) -> &'static str {
    match stop {
        Stop::Gate => "A person has to pass a gate",
        Stop::End => "Nothing is left to do",
        Stop::Until => "Done as far as it was asked for",
        Stop::Blocked => "The batch ended with blocked threads",
        Stop::Held => "Another planner executes the batch",
        Stop::Stuck => "Nothing can be handed out, and nobody works",
        Stop::HostUnusable => "The host cannot be used",
        Stop::Cancelled => "Ended by a signal",
    }
}

fn write_end(page: &mut Page, end: &WorkerEnd) {
    let _ = write!(page, "{} attempt {}: ", end.thread, end.attempt);
    let tone = match end.status {
        Status::Completed => Tone::Good,
        Status::Blocked | Status::Cancelled => Tone::Bad,
        Status::Pending | Status::InProgress => Tone::Busy,
    };
    page.paint(tone, end.status.word());
    let used = end.usage.map(|usage| format!(", {}", used(usage))).unwrap_or_default();
    let _ = write!(page, " after {}{used}", duration(end.time));
    let told = if end.report.is_empty() { format!("the worker {}", end.how.words()) } else { end.report.clone() };
    let _ = write!(page, ": {}", one_line(&told));
}

fn write_outcomes(page: &mut Page, outcome: &BatchOutcome) {
    let (id, name) = outcome.batch.as_ref().map(|batch| (batch.id.as_str(), batch.name.as_str())).unwrap_or_default();
    page.paint(Tone::Strong, format!("What came of batch {id}: {}", one_line(name)));
    for thread in &outcome.outcomes {
        let (id, status, agent) = (&thread.thread_id, thread.status, one_line(&thread.agent_used));
        write_line(page, &format!("  {id} {status}, by {agent}: {}", one_line(&thread.report)));
        for artifact in &thread.artifacts {
            write_line(page, &format!("    made: {}", one_line(artifact)));
        }
        for step in &thread.next_steps {
            write_line(page, &format!("    left: {}", one_line(step)));
        }
    }
}

fn write_line(page: &mut Page, line: &str) {
    page.begin_line();
    let _ = write!(page, "{line}");
}

/// Returns an answer as an event.
fn with_event(event: &str, answer: Value) -> Value {
    let mut keys = Map::from_iter([("event".to_owned(), Value::from(event))]);
    if let Value::Object(answer) = answer {
        keys.extend(answer);
    }
    Value::Object(keys)
}
