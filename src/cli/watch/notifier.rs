//! Runs the person's command of `--notify`, one at a time, in a thread of its own. It must never keep the board waiting.
//!
//! The command line is the person's own text. What a plan or an agent wrote reaches it in variables of its environment
//! only, so it cannot become a part of the command.

use std::process::Stdio;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::notices::Notice;
use crate::system::person_shell;

/// How many notices may wait for a command that still runs. Any more are left out: what they say is on the board.
const WAITING: usize = 16;

/// Where notices go. Dropping it lets a command that runs go on.
pub(super) struct Notifier {
    notices: SyncSender<Notice>,
}

impl Notifier {
    /// Begins. `tell` is called from another thread after each command, with what went wrong.
    pub(super) fn start(command: String, tell: impl Fn(Option<String>) + Send + 'static) -> Self {
        let (sender, notices) = sync_channel::<Notice>(WAITING);
        std::thread::spawn(move || {
            for notice in notices {
                tell(run(&command, &notice));
            }
        });
        Self { notices: sender }
    }

    /// Has the command run for a notice, after those for earlier notices. Returns what went wrong.
    pub(super) fn notify(&self, notice: Notice) -> Option<String> {
        let left_out = |_| "--notify: the command still runs, and too many notices wait for it".to_owned();
        self.notices.try_send(notice).err().map(left_out)
    }
}

/// Runs the command and waits for its end. Returns what went wrong.
fn run(command: &str, notice: &Notice) -> Option<String> {
    let run = person_shell(command)
        .env("WORK_EVENT", notice.event.word())
        .env("WORK_MESSAGE", &notice.message)
        .env("WORK_WORKSTREAM", &notice.workstream)
        .env("WORK_BATCH", &notice.batch)
        // The screen is the board's.
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match run {
        Ok(status) if status.success() => None,
        Ok(status) => Some(match status.code() {
            Some(code) => format!("--notify: the command ended with exit code {code}"),
            None => "--notify: a signal ended the command".to_owned(),
        }),
        Err(error) => Some(format!("--notify: the shell cannot be started: {error}")),
    }
}
