//! argv → door → exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let directory = std::env::current_dir().unwrap_or_default();
    workstream::mcp::serve(workstream::store::Place { directory, ..Default::default() })
}
