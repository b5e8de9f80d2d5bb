//! The integration tests, in one binary: they run the real program as clients and people do.
// They send signals, make links, read /proc and start servers of PostgreSQL.
#![cfg(unix)]
#![expect(clippy::too_many_lines, reason = "a transcript is read in one piece")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod support;

mod beginning;
mod broken_files;
#[cfg(unix)]
mod checks;
mod choosing;
mod command_line;
mod counts;
mod edit;
mod eras;
#[cfg(unix)]
mod evidence;
mod flood;
mod hook;
mod hostile;
mod hosts;
mod import;
mod import_plans;
mod kill;
mod log;
mod merging;
mod migration;
mod next_commands;
mod old_files;
mod opencode;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_server;
mod prompts;
mod put_away;
mod race;
mod reading;
mod report;
mod resources;
mod run;
mod schemas;
mod stdio;
mod structure;
mod subscriptions;
mod take_over;
mod taking_back;
mod waits;
mod watch;
mod which_workstream;
