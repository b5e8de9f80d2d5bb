//! argv → door → exit code.

use std::process::ExitCode;

use clap::Parser as _;
use workstream::cli;

fn main() -> ExitCode {
    cli::run(cli::Arguments::parse())
}
