//! `work log`: shows what happened, the latest first.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap_complete::engine::ArgValueCompleter;

use super::Session;
use super::completions::threads;
use super::page::{Page, Tone, one_line, wrapped};
use super::report::read;
use crate::clock::{Clock as _, SystemClock};
use crate::closest::closest;
use crate::decide::Refusal;
use crate::document::{Happened, log, log_of_events};
use crate::fault::Error;
use crate::moment::Moment;
use crate::plan::ThreadId;
use crate::store::Store;

/// How often `--follow` looks.
const LOOK: Duration = Duration::from_secs(1);

/// Columns of the time and of what follows it.
const INDENT: usize = 21;

#[derive(Debug, clap::Args)]
#[command(after_help = "Times are in UTC. What older software recorded without a time is not there. A workspace in a
database has more: all its events, and who wrote them.

Examples:
  work log
  work log --thread 01.02.03
  work log --since 2h
  work log --follow --json    a JSON object a line, as it happens")]
pub(super) struct Arguments {
    /// Only of this thread
    #[arg(long, short, value_name = "ID", add = ArgValueCompleter::new(threads))]
    thread: Option<ThreadId>,
    /// Only since then: 30m, 2h, 3d, 2026-11-26, or a time as the log has it
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Since>,
    /// Go on, and print what happens, the latest last
    #[arg(long, short)]
    follow: bool,
}

/// The beginning of what is shown.
#[derive(Debug, Clone, Copy)]
enum Since {
    /// A moment.
    At(Moment),
    /// So long ago.
    Ago(Duration),
}

/// Reads `--since`.
fn since(text: &str) -> Result<Since, String> {
    let day = format!("{text}T00:00:00Z");
    let time = text.replacen(' ', "T", 1);
    let time = if time.ends_with('Z') { time } else { time + "Z" };
    if let Some(at) = [text, &day, &time].into_iter().find_map(Moment::parse) {
        return Ok(Since::At(at));
    }
    let seconds = |unit: char| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(86_400),
        'w' => Some(604_800),
        _ => None,
    };
    let unit = text.chars().last().and_then(seconds);
    let number = text.get(..text.len().saturating_sub(1)).and_then(|number| number.parse::<u64>().ok());
    let ago = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    let ago = ago.ok_or("it is no time: write 30m, 2h, 3d, a day such as 2026-11-26, or 2026-11-26 18:00:00")?;
    Ok(Since::Ago(Duration::from_secs(ago)))
}

impl Arguments {
    /// Prints the log, and with `--follow` goes on until it is interrupted.
    pub(super) fn run(self, session: &Session) -> ExitCode {
        session.with_store(|store| self.show(session, store))
    }

    fn show(&self, session: &Session, store: &dyn Store) -> Result<ExitCode, Error> {
        let (workstream, mut shown) = self.read(store)?;
        if !self.follow {
            if session.output.is_json() {
                return Ok(session.output.print_json(&shown));
            }
            return Ok(session.output.print(self.page(&workstream, &shown)));
        }
        let mut goes_on = Self::print(session, shown.iter().rev());
        while goes_on {
            std::thread::sleep(LOOK);
            let (_, now) = self.read(store)?;
            goes_on = Self::print(session, now.iter().rev().filter(|happened| !shown.contains(happened)));
            shown = now;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Reads what is to be shown, and the id of the workstream.
    fn read(&self, store: &dyn Store) -> Result<(String, Vec<Happened>), Error> {
        let report = read(store)?;
        let of = self.thread.map(|thread| thread.to_string());
        let known: Vec<&str> = report.threads().map(|thread| thread.thread_id.as_str()).collect();
        if let (Some(thread), Some(of)) = (self.thread, &of)
            && !known.contains(&of.as_str())
        {
            return Err(Refusal::UnknownThread { thread, closest: closest(of, known) }.into());
        }
        let since = match self.since {
            None => None,
            Some(Since::At(at)) => Some(at),
            Some(Since::Ago(ago)) => Some(SystemClock.now().before(ago)),
        };
        let mut happened = match store.events(None)? {
            Some(recorded) => log_of_events(&recorded),
            None => log(&report),
        };
        happened.retain(|happened| {
            of.as_deref().is_none_or(|of| happened.what.thread() == Some(of))
                && since.is_none_or(|since| happened.at >= since)
        });
        Ok((report.status.workstream, happened))
    }

    /// Returns the page of a log.
    fn page(&self, workstream: &str, happened: &[Happened]) -> Page {
        let mut page = Page::default();
        if happened.is_empty() {
            let of = self.thread.map(|thread| format!(" to {thread}")).unwrap_or_default();
            let since = if self.since.is_some() { " since then" } else { "" };
            let _ = writeln!(page, "{workstream}: nothing has happened{of}{since}");
        }
        for happened in happened {
            entry(&mut page, happened);
        }
        page
    }

    /// Prints entries, a line or a JSON object each. Returns whether somebody still reads them.
    fn print<'h>(session: &Session, mut entries: impl Iterator<Item = &'h Happened>) -> bool {
        entries.all(|happened| {
            if session.output.is_json() {
                session.output.write_json_line(happened)
            } else {
                let mut page = Page::default();
                entry(&mut page, happened);
                session.output.write_page(page)
            }
        })
    }
}

/// Writes an entry, wrapped.
fn entry(page: &mut Page, happened: &Happened) {
    let time = happened.at.to_string();
    let time = time.get(..19).unwrap_or(&time).replace('T', " ");
    for (at, line) in wrapped(&one_line(&happened.told()), INDENT).into_iter().enumerate() {
        page.paint(Tone::Faint, if at == 0 { &time } else { "                   " });
        let _ = writeln!(page, "  {line}");
    }
}
