//! The queue of answers that the client has not read yet, and the budget of the requests in flight: backpressure.
//!
//! Answers wait here as bytes, and one task writes them. When too many bytes wait, no further message is read and no
//! further call is begun. A client that sends and does not read then blocks on its own full pipe.
//!
//! The stock transport of rmcp 3.9.0 has neither bound (see `wire`). It starts a task for each answer, and these wait
//! for the writer one behind the other: 10,000 calls whose answers nobody read took 2.4 GB before there was a bound
//! (docs/reliability.md). And at the end of the input rmcp waits up to five seconds for those tasks. Here the process
//! ends once the client has read nothing for [`PATIENCE`].
//!
//! This file must never drop an answer, or change the order of answers, as long as the client reads.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How many bytes may wait before nothing more is read or begun. It is room for more than ten thousand usual answers.
pub(super) const MAX_UNREAD_BYTES: usize = 16 * 1024 * 1024;

/// The memory budget of all requests in flight together, in KiB.
const MAX_IN_FLIGHT_KIB: u32 = 64 * 1024;

/// What a request takes of the budget besides its text, in KiB. It is a generous estimate: 512 small requests fit.
const REQUEST_KIB: u32 = 128;

/// About how many bytes one write has: the capacity of a pipe on Linux.
const AT_ONCE_BYTES: usize = 64 * 1024;

/// How long [`Backlog::finish`] waits for a client that reads nothing.
const PATIENCE: Duration = Duration::from_millis(100);

/// The share of the budget that a request in flight takes. It is given back when the last clone is dropped.
#[derive(Clone)]
#[expect(dead_code, reason = "it is held, not read")]
pub(super) struct InFlight(Option<Arc<OwnedSemaphorePermit>>);

/// The lines that wait to be written, and the budget of the requests in flight.
#[derive(Debug)]
pub(super) struct Backlog {
    waiting: Mutex<VecDeque<Vec<u8>>>,
    /// Notified when a line is queued.
    filled: Notify,
    /// Notified when bytes were written.
    drained: Notify,
    /// How many bytes are queued or being written.
    unread: AtomicU64,
    /// Cancelled when a write has failed: the peer has closed its end.
    closed: CancellationToken,
    /// The budget of the requests in flight; one permit is one KiB.
    in_flight: Arc<Semaphore>,
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            unread: AtomicU64::new(0),
            closed: CancellationToken::new(),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT_KIB as usize)),
        }
    }
}

impl Backlog {
    /// Starts the task that writes queued lines to `output`, until the peer has closed its end. Must be called once,
    /// and inside a runtime.
    pub(super) fn write_to<W: AsyncWrite + Unpin + Send + 'static>(self: &Arc<Self>, mut output: W) {
        let backlog = Arc::clone(self);
        tokio::spawn(async move {
            let mut lines = Vec::with_capacity(AT_ONCE_BYTES);
            loop {
                // A line that is queued between these two calls is not missed: `notify_one` leaves a permit.
                while !backlog.take(&mut lines) {
                    backlog.filled.notified().await;
                }
                if let Err(error) = write(&mut output, &lines, &backlog).await {
                    tracing::debug!(%error, "nobody reads the answers");
                    // Ends the server: one that nobody hears must not keep its cycle and its attempts from others.
                    backlog.closed.cancel();
                    return;
                }
                lines.clear();
                // Give back what a large answer needed.
                lines.shrink_to(AT_ONCE_BYTES);
            }
        });
    }

    /// Queues a line. It must end in a line end, and have no other.
    pub(super) fn push(&self, line: Vec<u8>) {
        self.unread.fetch_add(line.len() as u64, Ordering::Relaxed);
        self.lines().push_back(line);
        self.filled.notify_one();
    }

    /// Moves queued lines into `lines`, up to about [`AT_ONCE_BYTES`]. Returns whether there were any.
    fn take(&self, lines: &mut Vec<u8>) -> bool {
        let mut waiting = self.lines();
        while lines.len() < AT_ONCE_BYTES
            && let Some(line) = waiting.pop_front()
        {
            lines.extend_from_slice(&line);
        }
        !lines.is_empty()
    }

    /// Waits until fewer than [`MAX_UNREAD_BYTES`] wait, or the peer has closed its end.
    pub(super) async fn wait_for_capacity(&self) {
        loop {
            // Before the check: `notify_waiters` reaches only futures that exist, so a write that comes between the
            // check and the wait would be missed.
            let drained = self.drained.notified();
            if self.unread() < MAX_UNREAD_BYTES as u64 {
                return;
            }
            tokio::select! {
                () = drained => {}
                () = self.closed.cancelled() => return,
            }
        }
    }

    /// Waits until the budget has room for a request whose text has `kib` KiB, and takes it.
    pub(super) async fn take_in(&self, kib: u32) -> InFlight {
        // At most the whole budget: a request that needs more would wait for ever.
        let kib = kib.saturating_add(REQUEST_KIB).min(MAX_IN_FLIGHT_KIB);
        // Acquiring fails only on a closed semaphore, and nobody closes this one.
        InFlight(Arc::clone(&self.in_flight).acquire_many_owned(kib).await.ok().map(Arc::new))
    }

    /// Waits until a write has failed because the peer has closed its end.
    pub(super) async fn peer_closed(&self) {
        self.closed.cancelled().await;
    }

    /// Waits until everything is written. Returns `TimedOut` if the peer has closed its end, or has read nothing for
    /// [`PATIENCE`].
    pub(super) async fn finish(&self) -> io::Result<()> {
        loop {
            // Before the check, as in `wait_for_capacity`.
            let drained = self.drained.notified();
            let unread = self.unread();
            if unread == 0 {
                return Ok(());
            }
            if self.closed.is_cancelled() || timeout(PATIENCE, drained).await.is_err() && self.unread() == unread {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    fn unread(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes `lines`, and counts each part as read as soon as the pipe has taken it: so a slow client is told from one
/// that reads nothing.
async fn write<W: AsyncWrite + Unpin>(output: &mut W, mut lines: &[u8], backlog: &Backlog) -> io::Result<()> {
    while !lines.is_empty() {
        let written = output.write(lines).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        lines = &lines[written..];
        backlog.unread.fetch_sub(written as u64, Ordering::Relaxed);
        backlog.drained.notify_waiters();
    }
    output.flush().await
}
