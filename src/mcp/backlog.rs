//! What the client has not read yet, and how much of it there may be.
//!
//! Answers wait here as bytes, not as tasks, and one task writes them. Where too much waits, nothing more is
//! read and nothing more is begun: a client that does not read stops itself, not the machine.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How much may wait before nothing more is read, in bytes: more than ten thousand answers as they usually
/// are.
pub(super) const MAX_UNREAD_BYTES: usize = 16 * 1024 * 1024;

/// How much the requests that are being carried out may take together, in KiB.
const MAX_IN_FLIGHT_KIB: u32 = 64 * 1024;

/// What a request takes besides its text, in KiB, generously: 512 small ones at a time.
const REQUEST_KIB: u32 = 128;

/// About how much is written at once, in bytes: what a pipe holds.
const AT_ONCE_BYTES: usize = 64 * 1024;

/// How long the end waits for a client that reads nothing.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a request takes of the room for all, given back when the last copy goes.
#[derive(Clone)]
#[expect(dead_code, reason = "it is held, not read")]
pub(super) struct InFlight(Option<Arc<OwnedSemaphorePermit>>);

/// The lines that wait to be written, and the room for what will be.
#[derive(Debug)]
pub(super) struct Backlog {
    waiting: Mutex<VecDeque<Vec<u8>>>,
    /// Something waits.
    filled: Notify,
    /// Something was written.
    drained: Notify,
    /// How many bytes wait or are being written.
    unread: AtomicU64,
    /// Nobody reads any more.
    deaf: CancellationToken,
    /// Room for the requests that are being carried out, in KiB.
    in_flight: Arc<Semaphore>,
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            unread: AtomicU64::new(0),
            deaf: CancellationToken::new(),
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT_KIB as usize)),
        }
    }
}

impl Backlog {
    /// Lets one task write what waits, until nobody reads any more.
    pub(super) fn write_to<W: AsyncWrite + Unpin + Send + 'static>(self: &Arc<Self>, mut output: W) {
        let backlog = Arc::clone(self);
        tokio::spawn(async move {
            let mut lines = Vec::with_capacity(AT_ONCE_BYTES);
            loop {
                while !backlog.take(&mut lines) {
                    backlog.filled.notified().await;
                }
                if let Err(error) = write(&mut output, &lines, &backlog).await {
                    tracing::debug!(%error, "nobody reads the answers");
                    // A server that nobody hears must not go on holding what it holds.
                    backlog.deaf.cancel();
                    return;
                }
                lines.clear();
                // What one large answer needed is not kept for ever.
                lines.shrink_to(AT_ONCE_BYTES);
            }
        });
    }

    /// Adds a line, which has its line end.
    pub(super) fn push(&self, line: Vec<u8>) {
        self.unread.fetch_add(line.len() as u64, Ordering::Relaxed);
        self.lines().push_back(line);
        self.filled.notify_one();
    }

    /// Takes lines that can be written at once. Returns whether there were any.
    fn take(&self, lines: &mut Vec<u8>) -> bool {
        let mut waiting = self.lines();
        while lines.len() < AT_ONCE_BYTES
            && let Some(line) = waiting.pop_front()
        {
            lines.extend_from_slice(&line);
        }
        !lines.is_empty()
    }

    /// Waits until the client has read so much that more may be begun, or reads no more.
    pub(super) async fn wait_for_capacity(&self) {
        loop {
            let drained = self.drained.notified();
            if self.unread() < MAX_UNREAD_BYTES as u64 {
                return;
            }
            tokio::select! {
                () = drained => {}
                () = self.deaf.cancelled() => return,
            }
        }
    }

    /// Takes room for a request whose text has so many KiB, once there is some. It is given back when the
    /// last copy goes.
    pub(super) async fn take_in(&self, kib: u32) -> InFlight {
        let kib = kib.saturating_add(REQUEST_KIB).min(MAX_IN_FLIGHT_KIB);
        // Nobody closes it.
        InFlight(Arc::clone(&self.in_flight).acquire_many_owned(kib).await.ok().map(Arc::new))
    }

    /// Waits until nobody reads any more.
    pub(super) async fn peer_closed(&self) {
        self.deaf.cancelled().await;
    }

    /// Waits until everything is written, as long as the client goes on reading.
    pub(super) async fn finish(&self) -> io::Result<()> {
        loop {
            let drained = self.drained.notified();
            let unread = self.unread();
            if unread == 0 {
                return Ok(());
            }
            if self.deaf.is_cancelled() || timeout(PATIENCE, drained).await.is_err() && self.unread() == unread {
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
