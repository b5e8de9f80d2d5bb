//! `work hook`: what the hooks of hosts call (DESIGN §11). They give it a tool call on stdin as JSON. Exit code 2 refuses
//! the call, and the host shows stderr to the model; every other exit code lets it through.

use std::io::Read as _;
use std::panic::catch_unwind;
use std::process::ExitCode;

use serde_json::Value;

use super::{Session, exit};
use crate::board::Status;
use crate::clock::SystemClock;
use crate::decide::{PersonAnswer, PersonRequest};
use crate::hook::{Gate, judge_call, unreported};
use crate::plan::ThreadId;
use crate::store::open;
use crate::transact::transact_for_person;

/// The exit code that stops a tool call, in all hosts that have hooks.
const REFUSED: u8 = 2;

/// The most that is read of a call, in bytes. A longer one is let through: no command is that long.
const MAX_BYTES: u64 = 16 << 20;

#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(super) enum Arguments {
    /// Refuse a tool call that passes a gate, or changes what keeps one shut
    PreTool,
    /// Hold a worker that ends without a report, once
    SubagentStop,
}

impl Arguments {
    /// Judges what stands on stdin. What cannot be read is let through, with a word on stderr: a hook that fails must not
    /// stop all work.
    pub(super) fn run(self, session: &Session) -> ExitCode {
        let mut text = String::new();
        if let Err(error) = std::io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text) {
            return let_through(&format!("stdin cannot be read: {error}"));
        }
        match self {
            Self::PreTool => pre_tool(&text),
            Self::SubagentStop => match held(session, &text) {
                Ok(Some(told)) => exit::fail(&told, None, REFUSED),
                Ok(None) => ExitCode::SUCCESS,
                Err(why) => let_through(&why),
            },
        }
    }
}

fn let_through(why: &str) -> ExitCode {
    exit::note(&format!("work hook lets this through: {why}"));
    ExitCode::SUCCESS
}

fn pre_tool(text: &str) -> ExitCode {
    // The parser is another's: a panic in it must not look like a refusal.
    match catch_unwind(|| judge_call(text)) {
        Ok(Ok(None)) => ExitCode::SUCCESS,
        Ok(Ok(Some(gate))) => exit::fail(&told(&gate), None, REFUSED),
        Ok(Err(error)) => let_through(&format!("stdin has no tool call: {error}")),
        Err(_) => let_through("the call could not be judged"),
    }
}

/// Returns what a worker is told that ends without a report; `None`: it may end.
///
/// # Errors
///
/// Why that cannot be found out.
fn held(session: &Session, text: &str) -> Result<Option<String>, String> {
    let event: Value = serde_json::from_str(text).map_err(|error| format!("stdin has no event: {error}"))?;
    // Whoever was held once may end: it may have nothing to say.
    if event.get("stop_hook_active").and_then(Value::as_bool) == Some(true) {
        return Ok(None);
    }
    let path = ["agent_transcript_path", "transcript_path"].iter().find_map(|key| event.get(key)?.as_str());
    let Some(path) = path else { return Ok(None) };
    let mut transcript = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut transcript))
        .map_err(|error| format!("the transcript cannot be read: {error}"))?;
    let Some(started) = unreported(&String::from_utf8_lossy(&transcript)) else { return Ok(None) };
    let Ok(thread) = started.thread.parse::<ThreadId>() else { return Ok(None) };
    let store = open(session.place.clone(), None).map_err(|fault| fault.to_string())?;
    let request = PersonRequest::ReadThread(thread);
    let brief = transact_for_person(store.as_ref(), &SystemClock, started.workstream.as_deref(), &request);
    match brief.map_err(|error| error.to_string())? {
        PersonAnswer::Brief(brief)
            if brief.status == Status::InProgress && started.attempt.is_none_or(|number| number == brief.attempt) =>
        {
            Ok(Some(format!(
                "attempt {} of thread {thread} has no report. Call update_thread with thread_id {thread}, attempt {} and completed, blocked or failed, and a report of 1-2 sentences. Then end.",
                brief.attempt, brief.attempt
            )))
        }
        _ => Ok(None),
    }
}

/// Returns what a model is told.
fn told(gate: &Gate) -> String {
    match gate {
        Gate::Command(command) => format!(
            "`{command}` is a person's decision, and was not run. Do not try it in another way: name the command to the person, and stop."
        ),
        Gate::Approvals(path) => {
            format!("{path} keeps what a person approved, and only `work` writes it. Leave it, and ask the person.")
        }
        Gate::Hook(path) => {
            format!("{path} has the hook `work hook`, and only a person takes it out. Leave that line as it is.")
        }
    }
}
