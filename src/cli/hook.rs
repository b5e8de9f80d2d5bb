//! `work hook`: what the hooks of hosts call (DESIGN §11). They give it a tool call on stdin as JSON. Exit code 2 refuses
//! the call, and the host shows stderr to the model; every other exit code lets it through.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Session, exit};
use crate::board::Status;
use crate::clock::SystemClock;
use crate::decide::{PersonAnswer, PersonRequest};
use crate::hook::{Effort, Gate, PlannersCall, Started, Told, judge_call, planners_call, started, told_by};
use crate::plan::ThreadId;
use crate::store::{FileStore, Folder, WorkspaceLocation, open};
use crate::transact::transact_for_person;

/// The stack of the thread that parses. The parser calls itself for each level of a command.
const STACK_BYTES: usize = 1 << 28;

/// How long parsing may take.
const DEADLINE: Duration = Duration::from_millis(400);

/// How long a transcript is waited for that a host writes late.
const TRANSCRIPT_WAIT: Duration = Duration::from_secs(1);

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
        let judged = match self {
            Self::PreTool => pre_tool(session, &text),
            Self::SubagentStop => held(session, &text),
        };
        match judged {
            Ok(Some(told)) => self.refuse(session, &text, &told),
            Ok(None) => ExitCode::SUCCESS,
            Err(why) => let_through(&why),
        }
    }

    /// Refuses, in the form of the host: exit code 2, and on stderr why. Cursor counts the answer on stdout only where the
    /// exit code is 0, and Copilot shows nothing else to the model.
    fn refuse(self, session: &Session, event: &str, told: &str) -> ExitCode {
        let event: Value = serde_json::from_str(event).unwrap_or_default();
        let answer = match (told_by(&event), self) {
            (Told::Stderr, _) => Value::Null,
            (Told::Copilot, Self::PreTool) => json!({"permissionDecision": "deny", "permissionDecisionReason": told}),
            (Told::Copilot, Self::SubagentStop) => json!({"decision": "block", "reason": told}),
            (Told::Cursor, Self::PreTool) => {
                json!({"permission": "deny", "user_message": told, "agent_message": told})
            }
            (Told::Cursor, Self::SubagentStop) => json!({"followup_message": told}),
        };
        if !answer.is_null() {
            session.output.print_json(&answer);
        }
        if told_by(&event) == Told::Cursor { ExitCode::SUCCESS } else { exit::refused(told) }
    }
}

fn let_through(why: &str) -> ExitCode {
    exit::note(false, &format!("work hook lets this through: {why}"));
    ExitCode::SUCCESS
}

/// Returns why a tool call may not run; `None`: it may.
///
/// # Errors
///
/// Why that cannot be found out.
fn pre_tool(session: &Session, text: &str) -> Result<Option<String>, String> {
    if let Some(PlannersCall { agent, tool }) = planners_call(text).filter(|call| is_worker(session, text, &call.agent))
    {
        return Ok(Some(format!(
            "{tool} is a planner's tool, and {agent} is a worker: call read_thread and update_thread, and no other tool of this server."
        )));
    }
    let judged = judged(text).map_err(|error| format!("stdin is not the JSON of a tool call: {error}"))?;
    Ok(judged.as_ref().map(told))
}

/// Returns whether a profile of agents is one of the workspace around a call. Where there is none, nobody is a worker.
fn is_worker(session: &Session, call: &str, agent: &str) -> bool {
    let call: Value = serde_json::from_str(call).unwrap_or_default();
    let place = WorkspaceLocation { directory: directory_of(&call, session), ..session.place.clone() };
    Folder::of_workspace(&place).is_some()
        && FileStore::new(place, None).look_at_project(false).is_ok_and(|(_, project)| {
            project.roster().is_ok_and(|roster| roster.agents.iter().any(|known| known.name == agent))
        })
}

/// Returns the folder in which an event happened.
fn directory_of(event: &Value, session: &Session) -> PathBuf {
    let directory = event.get("cwd").and_then(Value::as_str).map(PathBuf::from).filter(|cwd| cwd.is_absolute());
    directory.unwrap_or_else(|| session.place.directory.clone())
}

/// Judges a call on a thread with a deep stack. If that panics or takes too long, the words are searched: the parser is
/// another's, and takes very long for some texts that nobody writes.
fn judged(text: &str) -> Result<Option<Gate>, serde_json::Error> {
    let (sender, receiver) = mpsc::channel();
    let parsed = text.to_owned();
    let work = move || drop(sender.send(judge_call(&parsed, Effort::Parse)));
    // The thread ends with the process.
    let is_started = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).is_ok();
    match receiver.recv_timeout(DEADLINE) {
        Ok(judged) if is_started => judged,
        _ => judge_call(text, Effort::Search),
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
    let was_held = event.get("stop_hook_active").and_then(Value::as_bool) == Some(true)
        || event.get("loop_count").and_then(Value::as_u64).is_some_and(|count| count > 0);
    if was_held {
        return Ok(None);
    }
    let starts = starts(&event)?;
    if starts.is_empty() {
        return Ok(None);
    }
    let directory = directory_of(&event, session);
    let store =
        open(WorkspaceLocation { directory, ..session.place.clone() }, None).map_err(|fault| fault.to_string())?;
    for start in starts {
        let Ok(thread) = start.thread.parse::<ThreadId>() else { continue };
        let request = PersonRequest::ReadThread(thread);
        let brief = transact_for_person(store.as_ref(), &SystemClock, start.workstream.as_deref(), &request);
        let PersonAnswer::Brief(brief) = brief.map_err(|error| error.to_string())? else { continue };
        if brief.status == Status::InProgress && start.attempt.is_none_or(|number| number == brief.attempt) {
            return Ok(Some(format!(
                "attempt {} of thread {thread} has no report. Call update_thread with thread_id {thread}, attempt {} and completed, blocked or failed, and a report of 1-2 sentences. Then end.",
                brief.attempt, brief.attempt
            )));
        }
    }
    Ok(None)
}

/// Returns the attempts that the worker of an event started.
///
/// # Errors
///
/// Why its transcript cannot be read.
fn starts(event: &Value) -> Result<Vec<Started>, String> {
    let field = |key: &str| event.get(key).and_then(Value::as_str);
    let unread = |error: std::io::Error| format!("the transcript cannot be read: {error}");
    if let Some(path) = field("agent_transcript_path") {
        return Ok(started(&end_of(Path::new(path)).map_err(unread)?, None));
    }
    // Copilot writes what all agents do into one transcript, and may do so after it has asked.
    let (Some(path), Some(agent)) = (field("transcriptPath"), field("agentId")) else { return Ok(Vec::new()) };
    let since = Instant::now();
    loop {
        let late = since.elapsed() >= TRANSCRIPT_WAIT;
        let starts = end_of(Path::new(path)).map(|transcript| started(&transcript, Some(agent)));
        match starts {
            Ok(starts) if late || !starts.is_empty() => return Ok(starts),
            Err(error) if late => return Err(unread(error)),
            _ => std::thread::sleep(TRANSCRIPT_WAIT / 20),
        }
    }
}

/// Returns the end of a file, at most [`MAX_BYTES`] of it.
fn end_of(path: &Path) -> std::io::Result<String> {
    // A pipe would be waited for.
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let length = metadata.len();
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_BYTES)))?;
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Returns what a model is told.
fn told(gate: &Gate) -> String {
    match gate {
        Gate::Command(command) => format!(
            "this would run `{command}`, which is a person's decision, so it was not run. Do not try it in another way: name the command to the person, and stop."
        ),
        Gate::Approvals(path) => {
            let path = path.replace('\0', "…");
            format!("this would change {path}, which keeps what a person approved. Leave it, and ask the person.")
        }
        Gate::Hook(path) => {
            let path = path.replace('\0', "…");
            format!(
                "this could take `work hook` out of {path}, and only a person does that. Change other lines with your tool for editing files."
            )
        }
    }
}
