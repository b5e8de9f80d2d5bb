//! argv → door → exit code.

use std::process::ExitCode;

use workstream::cli;

fn main() -> ExitCode {
    cli::run()
}
