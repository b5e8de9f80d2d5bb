//! The process of one worker: its start, its output, its end.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::log::RunLog;
use crate::app::git::OF_GIT;
use crate::app::supervisor::{CANNOT_RUN, Exit, NOT_STARTED, Running, Supervised, run_id};
use crate::hosts::{Told, Workers};
use crate::planner::How;
use crate::wording::{one_line, printable};

/// How long a worker that was asked to end may take.
const GRACE: Duration = Duration::from_secs(10);

/// How long the last words of a worker that has ended are waited for. A process that it has left behind, and that nobody
/// could end, can hold the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The longest line that is read, in bytes. Those with figures and errors are short; a host puts what its tools answered
/// into a line, too, and parsed it would take many times its length.
const MAX_LINE: usize = 128 << 10;

/// The exit code of a process that SIGKILL has ended.
const KILLED: i32 = 128 + 9;

/// The longest end of what a worker printed to stderr that is kept for a report, in bytes.
const MAX_TAIL: usize = 600;

/// How a worker is started.
#[derive(Debug)]
pub(super) struct Start {
    /// The program and its arguments.
    pub(super) words: Vec<String>,
    /// Variables, beside those of this process.
    pub(super) variables: Vec<(&'static str, String)>,
    /// The folder in which it works.
    pub(super) folder: PathBuf,
    /// The file of its output, which is open.
    pub(super) log: RunLog,
    /// The host whose output it prints, if it is known.
    pub(super) host: Option<&'static Workers>,
    /// How long it may run.
    pub(super) timeout: Duration,
}

/// A worker that runs. Dropping it ends its processes.
pub(super) struct Worker {
    pub(super) attempt: u32,
    pub(super) host: Option<&'static Workers>,
    pub(super) log: PathBuf,
    pub(super) begun: Instant,
    timeout: Duration,
    running: Running,
    heard: Arc<Mutex<Heard>>,
    /// Closed when both pipes of its output are.
    ended: mpsc::Receiver<()>,
    /// When it was asked to end.
    asked: Option<Instant>,
    is_over_time: bool,
}

/// What a worker has printed so far.
#[derive(Debug)]
struct Heard {
    log: RunLog,
    told: Told,
    /// The end of what it printed to stderr.
    tail: Vec<u8>,
}

impl Worker {
    /// Starts a worker under a supervisor, which is `program`.
    ///
    /// # Errors
    ///
    /// How it ended that could not be started.
    pub(super) fn start(program: &Path, attempt: u32, start: Start) -> Result<Self, How> {
        let Start { words, variables, folder, log, host, timeout } = start;
        let path = log.path().to_owned();
        let heard = Arc::new(Mutex::new(Heard { log, told: Told::default(), tail: Vec::new() }));
        let started = Running::start(program, Supervised::Worker(words), run_id(), |supervisor| {
            for variable in OF_GIT {
                supervisor.env_remove(variable);
            }
            supervisor.current_dir(&folder).envs(variables).stdout(Stdio::piped()).stderr(Stdio::piped());
        });
        let mut running = match started {
            Ok(running) => running,
            Err(error) => return Err(How::NotStarted(error.to_string())),
        };
        let (open, ended) = mpsc::channel();
        let (stdout, stderr) = running.output();
        if let Some(stdout) = stdout {
            let (heard, open) = (Arc::clone(&heard), open.clone());
            std::thread::spawn(move || {
                read(stdout, &heard, host);
                drop(open);
            });
        }
        if let Some(stderr) = stderr {
            let heard = Arc::clone(&heard);
            std::thread::spawn(move || {
                read_errors(stderr, &heard);
                drop(open);
            });
        }
        let begun = Instant::now();
        let is_over_time = false;
        Ok(Self { attempt, host, log: path, begun, timeout, running, heard, ended, asked: None, is_over_time })
    }

    /// Returns whether the worker has ended, or has to be by now.
    pub(super) fn has_ended(&mut self) -> bool {
        self.running.poll().is_some() || self.is_due()
    }

    /// Returns whether it is over its time, or has not ended although it was asked to.
    fn is_due(&self) -> bool {
        match self.asked {
            Some(asked) => asked.elapsed() >= GRACE,
            None => self.begun.elapsed() >= self.timeout,
        }
    }

    /// Returns how the worker ended; `None`: it runs. One that is over its time is asked to end, and one that does not
    /// within [`GRACE`] is ended.
    pub(super) fn poll(&mut self) -> Option<How> {
        if let Some(exit) = self.running.poll() {
            // An error means that both pipes are closed.
            let _ = self.ended.recv_timeout(LAST_WORDS);
            return Some(self.how(exit));
        }
        if !self.is_due() {
            return None;
        }
        if self.asked.is_none() {
            self.is_over_time = true;
            self.ask_to_end();
            return None;
        }
        self.end();
        Some(self.how(Exit::Code(KILLED)))
    }

    /// Asks the worker to end, as Ctrl-C does.
    pub(super) fn ask_to_end(&mut self) {
        if self.asked.is_none() {
            self.running.ask_to_end();
            self.asked = Some(Instant::now());
        }
    }

    /// Ends the worker with all its processes.
    pub(super) fn end(&mut self) {
        self.running.end();
    }

    /// Returns whether the model has answered it so far.
    pub(super) fn has_answered(&self) -> bool {
        self.heard().told.has_answered
    }

    /// Returns what its output has told. If it has failed by itself, the last line of stderr stands for an error where the
    /// output has none.
    pub(super) fn told(&self, how: &How) -> Told {
        let heard = self.heard();
        let mut told = heard.told.clone();
        if told.error.is_none() && matches!(how, How::Exited(1..=128)) {
            told.error = last_line(&heard.tail, self.host);
        }
        told
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn how(&self, exit: Exit) -> How {
        match exit {
            _ if self.is_over_time => How::TimedOut(self.timeout),
            Exit::Code(code) => match not_started(code, &self.heard().tail) {
                Some(why) => How::NotStarted(why),
                None => How::Exited(code),
            },
            Exit::Unknown(why) => How::Unknown(why),
        }
    }
}

/// Returns why a program was not started, as the supervisor says it; `None`: the exit code is its own.
fn not_started(code: i32, tail: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(tail);
    let why = said.trim_end().lines().last()?.strip_prefix("work: ")?;
    (code == i32::from(NOT_STARTED) && why.contains(CANNOT_RUN)).then(|| why.to_owned())
}

/// Returns the last line that names an error, else the last that explains something.
fn last_line(tail: &[u8], host: Option<&Workers>) -> Option<String> {
    let tail = anstream::adapter::strip_str(&String::from_utf8_lossy(tail)).to_string();
    let explains = |line: &&str| !line.is_empty() && !host.is_some_and(|host| host.is_noise(line));
    let lines = || tail.lines().rev().map(str::trim).filter(explains);
    let error = lines().find(|line| line.to_ascii_lowercase().starts_with("error"));
    error.or_else(|| lines().next()).map(|line| printable(&one_line(line)))
}

/// Keeps what a worker prints, and reads its lines as those of a host, to the end of the output.
fn read(mut output: impl Read, heard: &Mutex<Heard>, host: Option<&Workers>) {
    let mut line = Vec::new();
    let mut is_too_long = false;
    pieces(&mut output, |piece| {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.log.write(piece);
        let Some(host) = host else { return };
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            is_too_long |= line.len() + part.len() > MAX_LINE;
            if !is_too_long {
                line.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                host.line(&String::from_utf8_lossy(&line), &mut heard.told);
                line.clear();
                is_too_long = false;
            }
        }
    });
    // The last line may have no end.
    if let (Some(host), false) = (host, line.is_empty()) {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        host.line(&String::from_utf8_lossy(&line), &mut heard.told);
    }
}

/// Keeps what a worker prints to stderr, to the end of it.
fn read_errors(mut output: impl Read, heard: &Mutex<Heard>) {
    pieces(&mut output, |piece| {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.log.write(piece);
        heard.tail.extend_from_slice(piece);
        let too_many = heard.tail.len().saturating_sub(MAX_TAIL);
        heard.tail.drain(..too_many);
    });
}

fn pieces(output: &mut impl Read, mut take: impl FnMut(&[u8])) {
    let mut buffer = [0; 4096];
    loop {
        match output.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => take(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
