//! `work run`: executes the plan without a planner (DESIGN §12), with the live board on a terminal, and with one line per
//! event elsewhere.

#[cfg(feature = "watch")]
mod board;
mod dry;
mod told;

use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValuesParser;

use self::told::Teller;
use super::check::refuse_in_check;
use super::{Session, exit};
use crate::app::{Run, RunEnded, RunRequest};
use crate::fault::{Error, Fault};
use crate::hosts::worker_hosts;
use crate::moment::length_of_time;
use crate::planner::{Stop, Until};
use crate::system::on_ending_signals;

#[derive(Debug, clap::Args)]
#[command(after_help = "It starts one process per thread, several at once, by the host's own command line, follows the
rules that a planner follows, and stops where a person must decide. Ctrl-C asks the workers to
end, a second one ends them; run it again to go on. docs/unattended.md has the rest.

In work/agents.yaml, for all agents or under one of them; work approve plan approves it:
  execution:
    run: { host: claude, arguments: [--max-turns, \"200\"], timeout: 45m }
or, with no shell, and also {thread} {attempt} {workstream} {agent} {prompt_file} {folder}:
    run: { command: [my-agent, --task, \"{prompt}\"] }

Exit codes: 0 at a gate or the end, 1 blocked, 2 wrong use, 3 the host cannot be used, and those
of other commands; 128 and the number of the signal that ended it.

Examples:
  work run --dry-run
  work run --host claude --max-parallel 3
  work run --until batch --timeout 20m --json")]
pub(super) struct Arguments {
    /// The host whose command line runs workers; default: as work/agents.yaml says, or the one the project is set up for
    #[arg(long, value_name = "HOST", value_parser = hosts())]
    host: Option<String>,
    /// Stop after this batch, or stage; default: at the next gate
    #[arg(long, value_name = "WHAT")]
    until: Option<UntilWord>,
    /// How many workers may run at once, and never more than work/agents.yaml allows; default: that, else 4
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    max_parallel: Option<u16>,
    /// How long a worker may run, such as 90s, 30m or 1h; default: as work/agents.yaml says, else 1h
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
    /// Give each thread a git worktree and a branch of its own
    #[arg(long)]
    worktrees: bool,
    /// Show what would be started now, and start nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum UntilWord {
    /// The end of the batch at hand
    Batch,
    /// The end of its stage
    Stage,
}

fn hosts() -> PossibleValuesParser {
    PossibleValuesParser::new(worker_hosts().map(|(host, _)| host.name))
}

fn time(text: &str) -> Result<Duration, &'static str> {
    length_of_time(text).ok_or("a length of time is wanted, such as 90s, 10m or 1h")
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> ExitCode {
        self.carry_out(session).unwrap_or_else(|stopped| session.stopped(&stopped))
    }

    fn carry_out(self, session: &Session) -> Result<ExitCode, Error> {
        refuse_in_check()?;
        let request = RunRequest {
            host: self.host,
            until: self.until.map_or(Until::Gate, |until| match until {
                UntilWord::Batch => Until::Batch,
                UntilWord::Stage => Until::Stage,
            }),
            max_parallel: self.max_parallel.map(usize::from),
            timeout: self.timeout,
            worktrees: self.worktrees,
        };
        if self.dry_run {
            let mut run = Run::new(&session.place, &request, |_| ())?;
            if let Some(ended) = run.ends_at_once()? {
                Teller::new(session).tell_end(&ended);
                return Ok(exit_code(&ended));
            }
            let (answer, planned) = run.planned()?;
            return Ok(dry::print(session, &answer, &planned, run.unapproved()));
        }
        #[cfg(feature = "watch")]
        if !session.output.is_json() && super::watch::is_possible() {
            return board::run(session, &request);
        }
        let teller = Teller::new(session);
        let ended = signals()
            .map_err(Error::from)
            .and_then(|signals| Run::new(&session.place, &request, |event| teller.tell(&event))?.carry_out(&signals));
        let ended = ended.inspect_err(|stopped| teller.tell_stopped(stopped))?;
        teller.tell_end(&ended);
        Ok(exit_code(&ended))
    }
}

/// Returns the signals that would end this process, from now on.
fn signals() -> Result<Receiver<i32>, Fault> {
    let (sender, signals) = mpsc::channel();
    on_ending_signals(move |signal| sender.send(signal).is_ok()).map_err(Fault::io("listen to", "signals"))?;
    Ok(signals)
}

/// Returns the exit code of a run.
fn exit_code(ended: &RunEnded) -> ExitCode {
    ExitCode::from(code(ended))
}

fn code(ended: &RunEnded) -> u8 {
    match ended.why {
        Stop::Gate | Stop::End | Stop::Until => 0,
        Stop::Blocked | Stop::Held | Stop::Stuck => 1,
        Stop::HostUnusable => 3,
        Stop::Cancelled => exit::of_signal(ended.signal.unwrap_or_default()),
    }
}
