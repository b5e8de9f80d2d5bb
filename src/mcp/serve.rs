//! The server process: stdin and stdout are the protocol's, stderr is for people.

use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;
use tracing::level_filters::LevelFilter;

use super::wire::Wire;
use super::{MAX_CALLS, WorkServer};
use crate::board::ServerId;
use crate::clock::SystemClock;
use crate::store::{Linked, Place, open};
use crate::wording::{one_line, printable};

/// The longest line on stderr, in characters.
const MAX_EVENT_CHARS: usize = 2_000;

/// How many threads there may be besides that of the protocol: one for each call that is carried out, and
/// some for what the runtime does itself.
const MAX_BLOCKING_THREADS: usize = MAX_CALLS + 4;

/// Serves MCP on stdin and stdout until the input ends or the process is told to end.
///
/// Nothing waits for the thread that reads stdin, since such a read cannot be cancelled: the process
/// ends under it. What was acknowledged is durable by then, and a commit that is cut off leaves the
/// old state or the new one.
pub fn serve(place: Place) -> ExitCode {
    let level = std::env::var("WORK_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN);
    tracing_subscriber::fmt().with_max_level(level).with_writer(|| Diagnostics).with_ansi(false).init();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    if io::stdin().is_terminal() {
        let _ =
            writeln!(io::stderr(), "work mcp talks to programs: an MCP client starts it. Ctrl-D or Ctrl-C ends it.");
    }
    if let Some(Linked { worktree, main }) = place.linked_worktree() {
        let (worktree, main) = (worktree.display(), main.display());
        tracing::warn!(
            "{worktree} is a linked git worktree: the workspace of the main worktree, {main}, is used (WORK_ROOT or --root names another)"
        );
    }
    let id = ServerId::draw();
    let store = match open(place, Some(id)) {
        Ok(store) => store,
        Err(fault) => {
            tracing::error!(%fault, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let server = WorkServer::new(store, Box::new(SystemClock), id);
    let code = runtime.block_on(run(server.clone()));
    server.door.store().end();
    runtime.shutdown_background();
    code
}

/// stderr, one line per event. What a client sent stands in some of them: it can neither drive a terminal,
/// nor forge a line, nor fill a disk.
struct Diagnostics;

impl io::Write for Diagnostics {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line: String = printable(&one_line(text.trim_end())).chars().take(MAX_EVENT_CHARS).collect();
        io::stderr().write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

async fn run(server: WorkServer) -> ExitCode {
    let told_to_end = match told_to_end() {
        Ok(told_to_end) => told_to_end,
        Err(error) => {
            tracing::error!(%error, "cannot listen for signals");
            return ExitCode::FAILURE;
        }
    };
    tokio::select! {
        code = serve_until_end_of_input(server) => code,
        () = told_to_end => ExitCode::SUCCESS,
    }
}

async fn serve_until_end_of_input(server: WorkServer) -> ExitCode {
    let (input, output) = stdio_pipes();
    let transport = Wire::new(input, output, Arc::clone(&server.backlog), server.ended.clone());
    match server.serve(transport).await {
        Ok(running) => match running.waiting().await {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "the server died");
                ExitCode::FAILURE
            }
        },
        // The input ended before the first request.
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "no session");
            ExitCode::FAILURE
        }
    }
}

/// Listens for SIGTERM and SIGINT from now on; the future ends when one comes.
#[cfg(unix)]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Listens for Ctrl-C; the future ends when it comes.
#[cfg(not(unix))]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
