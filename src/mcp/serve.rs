//! The server process: its runtime, its threads, its signals and its end. stdin and stdout carry the protocol, stderr
//! carries lines for people.
//!
//! The end must never wait for the client, for stdin or for stderr without a bound (DESIGN §13.8).

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
use uuid::Uuid;

use super::WorkServer;
use super::diagnostics::Diagnostics;
use super::wire::Wire;
use crate::app::LaunchedWorker;
use crate::board::ServerId;
use crate::clock::{Clock as _, SystemClock};
use crate::store::{Linked, WorkspaceLocation, linked_worktree, open};
use crate::system;
use crate::words::AgentWords;

/// How many blocking threads the runtime may have: one each for stdin and stdout. tokio reads and writes these on such
/// threads, unless both are pipes.
const STREAMS: usize = 2;

/// How long those threads stay without work: a year, so always. The system may refuse a new thread in place of one that
/// ended.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3_600);

/// How long those threads may take to start on a busy machine.
const TO_START: Duration = Duration::from_secs(1);

/// How long the end waits for lines that are queued for stderr.
const LAST_LINES: Duration = Duration::from_millis(50);

/// For whom a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seat {
    /// A planner and its workers.
    Any,
    /// A worker, which gets no tool of a planner.
    Worker,
    /// A worker that `work run` has started. Its server speaks for that process, which holds its attempt, and lives no
    /// longer than it.
    Launched(LaunchedWorker),
}

impl Seat {
    /// Returns whether it is that of a worker.
    pub(super) fn is_a_workers(&self) -> bool {
        *self != Self::Any
    }
}

/// Serves MCP on stdin and stdout until the input ends or a signal comes. Returns the exit code: 0 then, 1 if the
/// server could not start or failed.
///
/// The process exits without waiting for its other threads: a read of stdin cannot be cancelled. All that was
/// acknowledged is durable by then, and a commit that is cut off leaves the old state or the new one.
pub fn serve(place: WorkspaceLocation, words: AgentWords, seat: Seat) -> ExitCode {
    let level = std::env::var("WORK_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN);
    let diagnostics = Diagnostics::start();
    let lines = diagnostics.clone();
    tracing_subscriber::fmt().with_max_level(level).with_writer(move || lines.clone()).with_ansi(false).init();
    // The default hook writes to stderr itself, and so blocks if nobody reads it.
    std::panic::set_hook(Box::new(|panicked| tracing::error!("{panicked}")));
    let code = serve_on_stdio(place, words, seat, diagnostics.clone());
    diagnostics.finish(LAST_LINES);
    code
}

/// Starts the runtime, opens the store and serves. Reports each failure as a line and returns exit code 1.
fn serve_on_stdio(place: WorkspaceLocation, words: AgentWords, seat: Seat, mut diagnostics: Diagnostics) -> ExitCode {
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
    let (id, own) = match &seat {
        Seat::Launched(worker) => (worker.server, None),
        Seat::Any | Seat::Worker => {
            let drawn = ServerId::from(Uuid::new_v4());
            (drawn, Some(drawn))
        }
    };
    let store = match open(place.clone(), own) {
        Ok(store) => store,
        Err(fault) => {
            tracing::error!(%fault, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let mut server = WorkServer::new(store, Box::new(SystemClock), id, words, place.clone()).in_seat(seat);
    server.started_at = Some(SystemClock.now());
    // On a worker thread, because it reads files of git, and a disk can stand still.
    server.workers.run(move |_| warn_of_a_linked_worktree(&place));
    let code = runtime.block_on(run(server.clone()));
    // Other servers may take over at once what this one holds; with a database they would else wait for its lease.
    server.door.store().end();
    // Does not wait for the thread that reads stdin.
    runtime.shutdown_background();
    code
}

/// Starts the runtime's [`STREAMS`] threads and returns whether the system gave them. This must come before any call:
/// calls could take the last threads that the system gives, and tokio would then queue the write of an answer behind
/// the one thread that it has, which blocks on stdin.
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
                // Each waits for the others. If the first one were done sooner, its thread would run the second one
                // too, and there would be only one thread.
                has_all(&started)
            })
        });
        // tokio panics if it cannot start its first blocking thread.
        if catch_unwind(start).is_err() {
            return false;
        }
    }
    has_all(&started)
}

/// Warns on stderr if the server was started in a linked git worktree and uses the workspace of the main worktree
/// (DESIGN §3).
fn warn_of_a_linked_worktree(place: &WorkspaceLocation) {
    if let Some(Linked { worktree, main }) = linked_worktree(place) {
        let (worktree, main) = (worktree.display(), main.display());
        tracing::warn!(
            "{worktree} is a linked git worktree: the workspace of the main worktree, {main}, is used (WORK_ROOT or --root names another)"
        );
    }
}

/// Serves until the input ends or a signal comes. The signals are caught before anything is read, because their default
/// action ends the process at once and would skip [`crate::store::Store::end`].
async fn run(server: WorkServer) -> ExitCode {
    let shutdown_signal = match system::shutdown() {
        Ok(shutdown_signal) => shutdown_signal,
        Err(error) => {
            tracing::error!(%error, "cannot listen for signals");
            return ExitCode::FAILURE;
        }
    };
    tokio::select! {
        code = serve_until_end_of_input(server) => code,
        () = shutdown_signal => ExitCode::SUCCESS,
    }
}

/// Serves one client until its input ends.
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
        // The input ended before the first request, which is no failure.
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "no session");
            ExitCode::FAILURE
        }
    }
}
