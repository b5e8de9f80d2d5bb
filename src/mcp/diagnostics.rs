//! The server's diagnostics: one line on stderr per event.
//!
//! The client that started the server may close stderr, never read it, or send it to a full disk. So lines are queued,
//! and a thread of their own writes them. Lines for which the queue has no room are counted and left out. No other
//! thread may ever wait for stderr, or fail because of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::wording::{one_line, printable};

/// The longest line, in characters. The rest of a line is cut off.
const MAX_LINE_CHARS: usize = 2_000;

/// The most lines that are queued. If all are of full length, they have 512,000 characters.
const MAX_LINES: usize = 256;

/// A writer of lines to stderr. Clones share one queue.
#[derive(Debug, Clone)]
pub(super) struct Diagnostics {
    lines: SyncSender<String>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Lines that are queued or being written.
    unwritten: AtomicUsize,
    /// Lines that were left out since the last line was written.
    left_out: AtomicUsize,
}

impl Diagnostics {
    /// Starts the thread that writes to stderr. If the system gives no thread, nothing is ever written.
    pub(super) fn start() -> Self {
        Self::to(io::stderr())
    }

    /// The same for any output; the tests pass their own.
    fn to(output: impl io::Write + Send + 'static) -> Self {
        let (lines, waiting) = sync_channel(MAX_LINES);
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let _ = std::thread::Builder::new().name("stderr".to_owned()).spawn(move || write(output, &waiting, &counted));
        Self { lines, counts }
    }

    /// Waits until everything is written, but at most for `wait`.
    pub(super) fn finish(&self, wait: Duration) {
        let end = Instant::now() + wait;
        while self.counts.unwritten.load(Ordering::Acquire) > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The body of the thread that writes. It ends when the last [`Diagnostics`] is dropped.
fn write(mut output: impl io::Write, waiting: &Receiver<String>, counts: &Counts) {
    while let Ok(line) = waiting.recv() {
        // An error means that stderr is closed or its disk is full. There is no other place to report that.
        let _ = writeln!(output, "{line}");
        let left_out = counts.left_out.swap(0, Ordering::AcqRel);
        if left_out > 0 {
            let _ = writeln!(output, "{left_out} more lines were left out: stderr was not read in time");
        }
        counts.unwritten.fetch_sub(1, Ordering::AcqRel);
    }
}

impl io::Write for Diagnostics {
    /// Queues one event as one line, and never blocks or fails. Events can repeat what a client sent, so line ends and
    /// control characters are replaced, and the length is bounded: a client can neither forge a line nor drive a
    /// terminal.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line: String = printable(&one_line(text.trim_end())).chars().take(MAX_LINE_CHARS).collect();
        // Before the line is queued: the writing thread could else count it as written first, and the count would wrap.
        self.counts.unwritten.fetch_add(1, Ordering::AcqRel);
        if self.lines.try_send(line).is_err() {
            self.counts.unwritten.fetch_sub(1, Ordering::AcqRel);
            self.counts.left_out.fetch_add(1, Ordering::AcqRel);
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    /// An output that blocks until the sender of `go` is dropped, and keeps what is written to it.
    struct BlockedOutput {
        go: Receiver<()>,
        written: Arc<Mutex<String>>,
    }

    impl io::Write for BlockedOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Nothing is ever sent. Once the sender is dropped, this returns at once.
            let _ = self.go.recv();
            self.written.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_blocks_blocks_nobody_and_gets_the_number_of_lines_left_out() {
        let (let_go, go) = channel();
        let written = Arc::default();
        let mut diagnostics = Diagnostics::to(BlockedOutput { go, written: Arc::clone(&written) });
        for number in 0..10 * MAX_LINES {
            diagnostics.write_all(format!("line {number}\nforged\x1b[2J\n").as_bytes()).unwrap();
        }
        diagnostics.finish(Duration::from_millis(5));
        assert_eq!(written.lock().unwrap().as_str(), "");
        drop(let_go);
        diagnostics.finish(Duration::from_secs(60));
        let written = written.lock().unwrap();
        assert!(written.starts_with("line 0 forged"), "{written:.100}");
        let left_out = |line: &&str| line.ends_with("more lines were left out: stderr was not read in time");
        let told = written.lines().find(left_out).unwrap();
        let number: usize = told.split(' ').next().unwrap().parse().unwrap();
        assert_eq!(written.lines().count() - 1 + number, 10 * MAX_LINES, "{told}");
    }

    #[test]
    fn an_output_that_fails_is_no_failure() {
        struct Closed;
        impl io::Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut diagnostics = Diagnostics::to(Closed);
        diagnostics.write_all(b"nobody reads this").unwrap();
        diagnostics.finish(Duration::from_secs(60));
        assert_eq!(diagnostics.counts.unwritten.load(Ordering::Acquire), 0);
    }
}
