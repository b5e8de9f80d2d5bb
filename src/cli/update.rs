//! `work update --thread ID --status S [--report R]`: says what happened to a thread (DESIGN §5).

use clap::ValueEnum;

use super::given_text::given_text;
use super::thread::OneThread;
use crate::board::ReportedStatus;
use crate::decide::{PersonRequest, UpdateThread};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  work update --thread 01.02.03 --status in_progress
  work update --thread 01.02.03 --status completed --report 'The parser reads queries.'
  work update 01.02.03 -s blocked -r @reason.md
  work update --thread 01.02.03 --status failed --report 'timeout' --transient
  work update --thread 01.02.03 --status pending --force     fresh budgets, from any status")]
pub(super) struct Arguments {
    #[command(flatten)]
    thread: OneThread,
    /// What happened to it
    #[arg(long, short, value_name = "STATUS")]
    status: StatusWord,
    /// 1-2 sentences; required for completed, blocked and failed. - reads stdin, @FILE a file
    #[arg(long, short, value_name = "TEXT", allow_hyphen_values = true, value_parser = given_text)]
    report: Option<String>,
    /// Another attempt by the same agent may succeed
    #[arg(long)]
    transient: bool,
    /// A file or link that came of it; may be repeated
    #[arg(long = "artifact", value_name = "PATH", allow_hyphen_values = true)]
    artifacts: Vec<String>,
    /// Something that is left to do; may be repeated
    #[arg(long = "next-step", value_name = "TEXT", allow_hyphen_values = true)]
    next_steps: Vec<String>,
    /// The attempt; default: the latest. Required if the id was another thread's before and this one has not started
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Needed for pending and cancelled, which only a person sets
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    folder: super::check::Folder,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum StatusWord {
    /// A worker is on it
    InProgress,
    /// The work is done
    Completed,
    /// The work cannot go on
    Blocked,
    /// The attempt failed; failover decides what follows
    Failed,
    /// Give it back with fresh budgets (needs --force)
    Pending,
    /// Take it out (needs --force)
    Cancelled,
}

impl Arguments {
    pub(super) fn into_request(self) -> PersonRequest {
        let given = |items: Vec<String>| (!items.is_empty()).then_some(items);
        PersonRequest::UpdateThread(UpdateThread {
            thread: self.thread.0,
            status: match self.status {
                StatusWord::InProgress => ReportedStatus::InProgress,
                StatusWord::Completed => ReportedStatus::Completed,
                StatusWord::Blocked => ReportedStatus::Blocked,
                StatusWord::Failed => ReportedStatus::Failed,
                StatusWord::Pending => ReportedStatus::Pending,
                StatusWord::Cancelled => ReportedStatus::Cancelled,
            },
            report: self.report,
            transient: self.transient,
            artifacts: given(self.artifacts),
            next_steps: given(self.next_steps),
            attempt: self.attempt,
            force: self.force,
            directory: self.folder.named(),
            checked: None,
            evidence: None,
        })
    }
}
