//! Runs the checks of a thread or a stage (DESIGN §5b). The rules say which commands (`decide::checks`); here they run,
//! with a limit of time, and their results go back to the rules.
//!
//! A call of these functions blocks until all commands have ended, so it needs a thread of its own. No lock of the
//! workspace may be held meanwhile.

mod claims;
mod evidence;
mod folder;
mod log;
mod shell;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::log::Log;
use self::shell::{Ended, Shell};
use super::supervisor::{run_id, this_program};
use crate::board::CheckResult;
use crate::clock::Clock;
use crate::decide::{CheckEnd, CheckFailure, CheckRun, Checked, Evidence, Proof, UpdateThread};
use crate::fault::{Error, Fault};
use crate::path_style::PathStyle;
use crate::store::{WorkspaceLocation, run_folders, work_root};
use crate::system::keep_folder_private;

/// The pause between two looks at a command that runs.
const PAUSE: Duration = Duration::from_millis(25);

/// The pause between two tries to get a place among the checks that run.
const QUEUE_PAUSE: Duration = Duration::from_millis(100);

/// How much the checks of one run may print, in bytes. A check that prints without an end must not fill the disk.
const MAX_LOG_BYTES: u64 = 4 << 30;

/// Runs checks in the folders of one workspace.
#[derive(Debug, Clone)]
pub struct Checker {
    location: WorkspaceLocation,
    /// The program that supervises a command: this one.
    program: PathBuf,
}

/// What a run of checks asks of its caller, and tells it.
pub struct Watcher<'w> {
    /// Returns whether nobody wants the results any more. Then what runs is ended.
    pub is_cancelled: &'w dyn Fn() -> bool,
    /// Is told what happens, in one line.
    pub tell: &'w dyn Fn(String),
}

impl Checker {
    /// Returns the checker of a workspace. Touches no file.
    pub fn new(location: WorkspaceLocation) -> Self {
        Self { location, program: this_program() }
    }

    /// Looks at what the artifacts of a report claim. `directory` is the folder as a worker gave it; `None`: none is named.
    ///
    /// # Errors
    ///
    /// [`Refusal::BadDirectory`](crate::decide::Refusal::BadDirectory) if it is none of the allowed ones.
    fn look(&self, directory: Option<&str>, artifacts: &[String]) -> Result<Evidence, Error> {
        let directory = directory.filter(|directory| !directory.trim().is_empty());
        let root = work_root(&self.location);
        let folder = directory.map(|_| folder::of(&root, directory)).transpose()?;
        // A root that is gone is a fault of the request itself, which the store reports.
        let root = folder::real(&root).unwrap_or(root);
        Ok(evidence::seen(&root, folder.as_deref(), artifacts))
    }

    /// Looks at what a report claims, before it is decided, and writes its paths as they are stored. Does nothing if it
    /// names neither artifacts nor a folder.
    ///
    /// # Errors
    ///
    /// [`Refusal::BadDirectory`](crate::decide::Refusal::BadDirectory): a folder that may not be named is refused at once, also if no check would run in it.
    pub fn prepare(&self, update: &mut UpdateThread) -> Result<(), Error> {
        for artifact in update.artifacts.iter_mut().flatten() {
            *artifact = claims::portable(artifact, PathStyle::HERE);
        }
        let artifacts = update.artifacts.as_deref().unwrap_or_default();
        if update.directory.is_some() || !artifacts.is_empty() {
            update.evidence = Some(Box::new(self.look(update.directory.as_deref(), artifacts)?));
        } else if update.artifacts.is_some() {
            update.evidence = Some(Box::default());
        }
        Ok(())
    }

    /// Runs the commands, in order, until one fails. `directory` is the folder as a worker gave it. Returns `None`, and
    /// runs nothing, if the same was being checked already: then the rules may have another answer by now.
    ///
    /// # Errors
    ///
    /// [`Refusal::BadDirectory`](crate::decide::Refusal::BadDirectory); [`Fault::Cancelled`]; a fault if the output
    /// cannot be kept.
    pub fn run(
        &self,
        run: &CheckRun,
        directory: Option<&str>,
        clock: &dyn Clock,
        watcher: &Watcher<'_>,
    ) -> Result<Option<Checked>, Error> {
        let (root, logs) = run_folders(&self.location, "checks")?;
        keep_private(&logs)?;
        let folder = folder::of(&root, directory)?;
        let name = match run.of {
            Proof::Thread(thread, attempt) => format!("{}.{thread}.{attempt}", run.workstream),
            Proof::Stage(stage) => format!("{}.stage-{stage}", run.workstream),
        };
        let path = logs.join(format!("{name}.log"));
        // The log is locked while checks write it: two reports of one attempt must not run in each other's way.
        let Some(file) = log::open(&path)? else {
            while log::open(&path)?.is_none() {
                watcher.wait_for("the checks of another report on the same thread")?;
            }
            return Ok(None);
        };
        let _place = place(&logs, run.max_parallel, watcher)?;
        let mut log = Log::begin_anew(path, file)?;
        let id = run_id();
        let mut results = Vec::new();
        for (at, command) in run.commands.iter().enumerate() {
            let start = log.begin(command)?;
            let begun = Instant::now();
            let environment = environment(run);
            let shell = Shell { program: &self.program, folder: &folder, command, environment, id: &id };
            let of =
                if run.commands.len() > 1 { format!(" {} of {}", at + 1, run.commands.len()) } else { String::new() };
            let ended = follow(&shell, &log, run.timeout, &of, watcher)?;
            let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let (exit_code, end) = match ended {
                Ended::Exited(0) => (Some(0), None),
                Ended::Exited(code) => (Some(code), Some(CheckEnd::Exited(code))),
                Ended::TimedOut => (None, Some(CheckEnd::TimedOut(run.timeout))),
                Ended::TooMuchOutput => (None, Some(CheckEnd::TooMuchOutput(MAX_LOG_BYTES))),
                Ended::Broken(why) => (None, Some(CheckEnd::Broken(why))),
                Ended::Cancelled => return Err(Fault::Cancelled.into()),
            };
            results.push(CheckResult { command: command.clone(), exit_code, millis, at: clock.now() });
            if let Some(end) = end {
                let failure = CheckFailure { end, output: log.tail(start), log: log.shown(&root, &folder) };
                return Ok(Some(Checked { of: run.of, results, failure: Some(failure) }));
            }
        }
        Ok(Some(Checked { of: run.of, results, failure: None }))
    }
}

impl Watcher<'_> {
    /// Tells what is waited for, and waits a moment.
    ///
    /// # Errors
    ///
    /// [`Fault::Cancelled`].
    fn wait_for(&self, what: &str) -> Result<(), Error> {
        if (self.is_cancelled)() {
            return Err(Fault::Cancelled.into());
        }
        (self.tell)(format!("waiting for {what}"));
        std::thread::sleep(QUEUE_PAUSE);
        Ok(())
    }
}

/// Lets only the owner into the folder of the logs: checks can print what their environment has.
fn keep_private(logs: &Path) -> Result<(), Error> {
    keep_folder_private(logs).map_err(Fault::io("change the permissions of", logs))?;
    Ok(())
}

/// Runs one command to its end, and tells how long it runs. `of`: its place among several.
///
/// # Errors
///
/// A fault if it cannot be started.
fn follow(shell: &Shell<'_>, log: &Log, timeout: Duration, of: &str, watcher: &Watcher<'_>) -> Result<Ended, Error> {
    let begun = Instant::now();
    let mut running = match shell.start(log.output()?) {
        Ok(running) => running,
        Err(error) => return Ok(Ended::Broken(error.to_string())),
    };
    loop {
        let elapsed = begun.elapsed();
        (watcher.tell)(format!("check{of} runs for {} s: {}", elapsed.as_secs(), shell.command));
        let over = if (watcher.is_cancelled)() {
            Some(Ended::Cancelled)
        } else if elapsed >= timeout {
            Some(Ended::TimedOut)
        } else if log.length() > MAX_LOG_BYTES {
            Some(Ended::TooMuchOutput)
        } else {
            None
        };
        if let Some(over) = over {
            running.end();
            return Ok(over);
        }
        if let Some(ended) = running.poll() {
            return Ok(ended.into());
        }
        // The first checks are often short ones.
        std::thread::sleep(if elapsed < Duration::from_millis(200) { PAUSE / 5 } else { PAUSE });
    }
}

/// Returns the variables that a check has beside those of this process.
fn environment(run: &CheckRun) -> Vec<(&'static str, String)> {
    let mut variables = vec![("WORK_WORKSTREAM", run.workstream.clone())];
    match run.of {
        Proof::Thread(thread, attempt) => {
            variables.push(("WORK_THREAD", thread.to_string()));
            variables.push(("WORK_ATTEMPT", attempt.to_string()));
        }
        Proof::Stage(stage) => variables.push(("WORK_STAGE", stage.to_string())),
    }
    variables
}

/// Waits for a place among the checks of the workspace that run on this machine, and returns the lock that holds it.
fn place(logs: &Path, places: usize, watcher: &Watcher<'_>) -> Result<File, Error> {
    loop {
        for number in 0..places.max(1) {
            if let Some(file) = log::open(&logs.join(format!("place-{number}.lock")))? {
                return Ok(file);
            }
        }
        watcher.wait_for("the checks of another thread")?;
    }
}
