//! The server process: stdin and stdout are the protocol's, stderr is for people.

use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;
use tokio::runtime::Runtime;
use tracing::level_filters::LevelFilter;

use super::WorkServer;
use super::diagnostics::Diagnostics;
use super::wire::Wire;
use crate::board::ServerId;
use crate::clock::SystemClock;
use crate::store::{Linked, WorkspaceLocation, linked_worktree, open};
use crate::words::AgentWords;

/// How many threads the runtime may have besides that of the protocol: one for each of the standard streams, where
/// these are no pipes. They stay: one that ended could not be had again where the system gives no more.
const STREAMS: usize = 2;
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3_600);

/// How long the start of a thread may take, on a machine that is busy.
const TO_START: Duration = Duration::from_secs(1);

/// How long the end waits for lines on their way to stderr.
const LAST_LINES: Duration = Duration::from_millis(50);

/// Serves MCP on stdin and stdout until the input ends or the process is told to end.
///
/// Nothing waits for the thread that reads stdin, since such a read cannot be cancelled: the process
/// ends under it. What was acknowledged is durable by then, and a commit that is cut off leaves the
/// old state or the new one.
pub fn serve(place: WorkspaceLocation, words: AgentWords) -> ExitCode {
    let level = std::env::var("WORK_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN);
    let diagnostics = Diagnostics::start();
    let lines = diagnostics.clone();
    tracing_subscriber::fmt().with_max_level(level).with_writer(move || lines.clone()).with_ansi(false).init();
    // The hook of the standard library waits for stderr.
    std::panic::set_hook(Box::new(|panicked| tracing::error!("{panicked}")));
    let code = serve_on_stdio(place, words, diagnostics.clone());
    diagnostics.finish(LAST_LINES);
    code
}

fn serve_on_stdio(place: WorkspaceLocation, words: AgentWords, mut diagnostics: Diagnostics) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(STREAMS)
        .thread_keep_alive(FOR_EVER)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    if !has_threads(&runtime) {
        tracing::error!(
            "cannot start: the system gives no more threads; end other processes, or raise the limit of their number"
        );
        return ExitCode::FAILURE;
    }
    if io::stdin().is_terminal() {
        let _ = diagnostics.write(b"work mcp talks to programs: an MCP client starts it. Ctrl-D or Ctrl-C ends it.");
    }
    let id = ServerId::draw();
    let store = match open(place.clone(), Some(id)) {
        Ok(store) => store,
        Err(fault) => {
            tracing::error!(%fault, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let server = WorkServer::new(store, Box::new(SystemClock), id, words);
    server.workers.run(move |_| warn_of_a_linked_worktree(&place));
    let code = runtime.block_on(run(server.clone()));
    server.door.store().end();
    runtime.shutdown_background();
    code
}

/// Lets the runtime start its threads now, before those of calls take the last that the system gives: an answer for
/// which none can be had would wait behind the one that reads stdin. Returns whether it has them.
fn has_threads(runtime: &Runtime) -> bool {
    let started = Arc::new(AtomicUsize::new(0));
    let has_all = |started: &AtomicUsize| {
        let end = Instant::now() + TO_START;
        while started.load(Ordering::Acquire) < STREAMS && Instant::now() < end {
            std::thread::yield_now();
        }
        started.load(Ordering::Acquire) == STREAMS
    };
    for _ in 0..STREAMS {
        let started = Arc::clone(&started);
        let start = AssertUnwindSafe(|| {
            runtime.spawn_blocking(move || {
                started.fetch_add(1, Ordering::AcqRel);
                // One that ended sooner would carry out the other one's start, too.
                has_all(&started)
            })
        });
        // Where there is not even one, the runtime panics.
        if catch_unwind(start).is_err() {
            return false;
        }
    }
    has_all(&started)
}

/// Says so where the workspace is that of another worktree.
fn warn_of_a_linked_worktree(place: &WorkspaceLocation) {
    if let Some(Linked { worktree, main }) = linked_worktree(place) {
        let (worktree, main) = (worktree.display(), main.display());
        tracing::warn!(
            "{worktree} is a linked git worktree: the workspace of the main worktree, {main}, is used (WORK_ROOT or --root names another)"
        );
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

/// Listens for SIGTERM, SIGINT and SIGHUP from now on; the future ends when one comes.
#[cfg(unix)]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
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
