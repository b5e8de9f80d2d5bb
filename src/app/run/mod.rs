//! `work run`: the planner's seat, taken by this program (DESIGN §12). What to do next is decided in [`crate::planner`],
//! by the answers that every planner gets; here it is done, and workers are processes.
//!
//! A run holds the batch as a server does. When it is gone, however it ended, its attempts count as interrupted, and its
//! workers are ended with it.

mod how;
mod launched;
mod log;
mod worker;
mod worktree;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use self::how::{CommandLine, Starters, Task};
pub(super) use self::launched::VARIABLE;
pub use self::launched::{LaunchedWorker, OwnWorktree};
use self::log::RunLog;
use self::worker::{Start, Worker};
use self::worktree::Worktrees;
use super::project_of_person::ProjectOfPerson;
use super::supervisor::{WORKER, this_program};
use crate::board::{Attempt, AttemptStatus, Introduction, ReportedStatus, ServerId, Status, Usage};
use crate::clock::{Clock as _, SystemClock};
use crate::decide::{
    AgentAnswer, AgentRequest, AssignThread, Assignment, BatchCompletionStatus, BatchOutcome, GiveBack, NextBatch,
    Note, PersonCommand, RecordUsage, Refusal, UpdateThread, require_approved_workers,
};
use crate::fault::{Error, Fault};
use crate::hosts::Workers;
use crate::plan::{BatchId, ThreadId};
use crate::planner::{Ended, How, Launch, Planner, Step, Stop, Until, Verdict, verdict};
use crate::store::{Folder, WorkspaceLocation, open, run_folders};
use crate::system::{HANG_UP, keep_folder_private};
use crate::transact::{AgentDoor, Ask};
use crate::wording::{count, list};

/// The variables by which a worker's MCP server knows whose worker it serves, and in which workspace.
const PASSED_ON: [&str; 5] = [VARIABLE, WORKER, "WORK_ROOT", "WORK_STORE", "WORK_STREAM"];

/// The pause between two looks at the workers.
const TICK: Duration = Duration::from_millis(100);

/// An answer of `next_batch` older than this is asked for again: some stores do not report every change.
const STALE: Duration = Duration::from_secs(10);

/// How many workers run at once if nobody says it.
const MAX_PARALLEL: usize = 4;

/// How long a failing workspace is tried again while workers run. Most faults pass, such as a half-edited file or a full disk,
/// and need not end the workers.
const PATIENCE: Duration = Duration::from_secs(300);

/// The same while none runs, for a store that is busy or away.
const PATIENCE_ALONE: Duration = Duration::from_secs(30);

/// How often launches may be refused in a row. Each follows an answer that said otherwise.
const MAX_REFUSED: u32 = 5;

/// What a person asks of a run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The name of the host whose command line runs workers; `None`: as agents.yaml says, or the project shows.
    pub host: Option<String>,
    /// How far it goes.
    pub until: Until,
    /// How many workers may run at once; `None`: as agents.yaml says.
    pub max_parallel: Option<usize>,
    /// How long a worker may run; `None`: as agents.yaml says.
    pub timeout: Option<Duration>,
    /// Whether each thread has a git worktree of its own.
    pub worktrees: bool,
}

/// Something that happened in a run.
#[derive(Debug)]
pub enum RunEvent {
    /// A batch is executed from now on.
    Began(Box<NextBatch>),
    /// A worker was started.
    Launched {
        /// What it works on.
        launch: Launch,
        /// The host, or the program of its command.
        host: String,
        /// The file of its output.
        log: PathBuf,
    },
    /// A worker has ended.
    Ended(WorkerEnd),
    /// A thread was given to the agent that takes over.
    Assigned(Assignment),
    /// What came of a batch.
    Outcomes(Box<BatchOutcome>),
    /// Something that a person should know, in a sentence.
    Noted(String),
}

/// A worker that has ended, and what its thread is now.
#[derive(Debug)]
pub struct WorkerEnd {
    /// The thread.
    pub thread: ThreadId,
    /// The number of the attempt.
    pub attempt: u32,
    /// The status of the thread.
    pub status: Status,
    /// How its process ended.
    pub how: How,
    /// The report that ended the attempt; empty: none did.
    pub report: String,
    /// How long it ran.
    pub time: Duration,
    /// What it used.
    pub usage: Option<Usage>,
    /// The file of its output.
    pub log: PathBuf,
}

/// A run that is over.
#[derive(Debug)]
pub struct RunEnded {
    /// Why.
    pub why: Stop,
    /// What is to be known of it beside that, such as why the host cannot be used.
    pub told: Option<String>,
    /// Where the workstream stands; `None`: it was not asked for.
    pub standing: Option<RunStanding>,
    /// The worktrees that are still there: their folders and branches.
    pub left: Vec<(PathBuf, String)>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// Where a workstream stands when a run of it ends.
#[derive(Debug)]
pub struct RunStanding {
    /// Where its batch stands.
    pub status: BatchCompletionStatus,
    /// The command by which a person passes the gate.
    pub gate_command: Option<PersonCommand>,
    /// The command for the person next.
    pub next_user_command: Option<PersonCommand>,
    /// What else to know.
    pub warnings: Vec<Note>,
}

impl From<NextBatch> for RunStanding {
    fn from(answer: NextBatch) -> Self {
        Self {
            status: answer.batch_completion_status,
            gate_command: answer.gate_command,
            next_user_command: answer.next_user_command,
            warnings: answer.warnings,
        }
    }
}

impl From<&BatchOutcome> for RunStanding {
    fn from(answer: &BatchOutcome) -> Self {
        Self {
            status: answer.batch_completion_status,
            gate_command: answer.gate_command.clone(),
            next_user_command: answer.next_user_command.clone(),
            warnings: answer.warnings.clone(),
        }
    }
}

/// A worker that a run would start now.
#[derive(Debug)]
pub struct Planned {
    /// What it would work on.
    pub launch: Launch,
    /// The host, or the program of its command.
    pub host: String,
    /// The program and its arguments; the error says why it cannot be started.
    pub command: Result<Vec<String>, String>,
    /// The prompt among the arguments.
    pub prompt: String,
    /// How long it may run.
    pub timeout: Duration,
}

/// A run.
pub struct Run<'t> {
    door: AgentDoor,
    server: ServerId,
    workstream: String,
    place: WorkspaceLocation,
    root: PathBuf,
    logs: PathBuf,
    /// This program, as it was when the run began.
    program: PathBuf,
    starters: Starters,
    planner: Planner,
    worktrees: Option<Worktrees>,
    project: ProjectOfPerson,
    workers: BTreeMap<ThreadId, Worker>,
    /// The hosts whose models have answered.
    answered: BTreeSet<&'static str>,
    /// Why no more workers are started.
    unusable: Option<String>,
    /// The signal after which no more workers are started.
    signal: Option<i32>,
    /// How many launches have been refused in a row.
    refused: u32,
    /// Since when threads are waited for that others run.
    waiting: Option<Instant>,
    /// Why it may not begin: a person has not approved how workers are started.
    unapproved: Option<Refusal>,
    tell: Box<dyn FnMut(RunEvent) + Send + 't>,
}

impl<'t> Run<'t> {
    /// Makes a run in the workstream that a location means. It has not begun.
    ///
    /// # Errors
    ///
    /// If there is no such workstream, or it is not clear how workers are started.
    pub fn new(
        place: &WorkspaceLocation,
        request: &RunRequest,
        tell: impl FnMut(RunEvent) + Send + 't,
    ) -> Result<Self, Error> {
        let server = ServerId::from(Uuid::new_v4());
        let store = open(place.clone(), Some(server))?;
        let snapshot = store.read(None)?;
        let (workstream, roster) = (snapshot.workstream().to_owned(), snapshot.scene().roster.clone());
        let unapproved = require_approved_workers(&snapshot.scene()).err();
        let (root, logs) = run_folders(place, "logs")?;
        if root.to_str().is_none() {
            let told = format!("the path of the project is not in UTF-8: {}", root.display());
            return Err(Refusal::invalid(told, "move it: workers are told it by names that have to be text").into());
        }
        let worktrees = if request.worktrees {
            Some(Worktrees::of(&root, run_folders(place, "worktrees")?.1, &workstream)?)
        } else {
            None
        };
        let project = ProjectOfPerson::at(Folder::at(root.clone()));
        let starters = Starters::of(&roster, request, &project)?;
        let max_parallel = request.max_parallel.or(roster.max_parallel).unwrap_or(MAX_PARALLEL);
        Ok(Self {
            door: AgentDoor::new(store, Box::new(SystemClock), server),
            server,
            workstream,
            place: place.clone(),
            root,
            logs,
            // The server of a worker is started by another process, so the path must be one there too.
            program: std::env::current_exe().unwrap_or_else(|_| "work".into()),
            starters,
            planner: Planner::new(request.until, max_parallel),
            worktrees,
            project,
            workers: BTreeMap::new(),
            answered: BTreeSet::new(),
            unusable: None,
            signal: None,
            refused: 0,
            waiting: None,
            unapproved,
            tell: Box::new(tell),
        })
    }

    /// Returns the workstream.
    pub fn workstream(&self) -> &str {
        &self.workstream
    }

    /// Returns why the run may not begin, if a person has to approve how workers are started.
    pub fn unapproved(&self) -> Option<&Refusal> {
        self.unapproved.as_ref()
    }

    /// Returns what the run would do first. Changes nothing.
    ///
    /// # Errors
    ///
    /// If the workstream, or a file of a host, cannot be read.
    pub fn planned(&mut self) -> Result<(NextBatch, Vec<Planned>), Error> {
        let answer = self.look()?;
        let steps = self.planner.clone().next(&answer, &BTreeSet::new());
        let launches = steps.into_iter().filter_map(|step| match step {
            Step::Launch(launch) => Some(launch),
            _ => None,
        });
        let mut planned = Vec::new();
        for launch in launches {
            let folder = match &self.worktrees {
                Some(worktrees) => worktrees.of_thread(launch.thread).place,
                None => self.root.clone(),
            };
            let line = self.command_line(&launch, &folder, "")?;
            let (command, prompt) = match line {
                Ok(line) => (Ok(line.words), line.prompt),
                Err(why) => (Err(why), String::new()),
            };
            let (host, timeout) =
                (self.starters.of_agent(&launch.agent).name(), self.starters.timeout(Some(&launch.agent)));
            planned.push(Planned { launch, host, command, prompt, timeout });
        }
        Ok((answer, planned))
    }

    /// Carries the run out to its end. `signals` brings what would end a program: at the first one the workers are asked
    /// to end, at the second one they are ended.
    ///
    /// # Errors
    ///
    /// If the workspace cannot be read or written: the workers are ended then. [`Refusal::AwaitingApproval`], before
    /// anything was begun, if a person has to approve how workers are started.
    pub fn carry_out(mut self, signals: &Receiver<i32>) -> Result<RunEnded, Error> {
        if let Some(refusal) = self.unapproved.take() {
            return Err(refusal.into());
        }
        self.door.store().introduce(Introduction {
            client: Some("work run".to_owned()),
            process: Some(std::process::id()),
            address: None,
            started_at: Some(SystemClock.now()),
        });
        let ended = match self.ends_at_once() {
            Ok(None) => self.go_on(signals),
            Ok(Some(ended)) => Ok(ended),
            Err(error) => Err(error),
        };
        self.workers.clear();
        self.door.store().end();
        ended
    }

    /// Returns the end of a run that cannot begin. Changes nothing.
    ///
    /// # Errors
    ///
    /// If the workspace, or a file of a host, cannot be read.
    pub fn ends_at_once(&mut self) -> Result<Option<RunEnded>, Error> {
        // A planner that comes after one that is gone gets a new cycle, with fresh budgets. A program that is started
        // again and again, such as by cron, would give a thread that cannot be done new ones for ever. So here only a
        // person has blocked threads tried again.
        let outcome = self.batch_outcome(None)?;
        if outcome.batch_completion_status == BatchCompletionStatus::Blocked {
            let standing = RunStanding::from(&outcome);
            (self.tell)(RunEvent::Outcomes(Box::new(outcome)));
            return Ok(Some(self.ended(Stop::Blocked, None, Some(standing))));
        }
        let (answer, planned) = self.planned()?;
        if let Some(why) = planned.into_iter().find_map(|planned| planned.command.err()) {
            return Ok(Some(self.ended(Stop::HostUnusable, Some(why), Some(answer.into()))));
        }
        Ok(None)
    }

    /// Does one thing after another, until the run is over.
    fn go_on(&mut self, signals: &Receiver<i32>) -> Result<RunEnded, Error> {
        let mut failing: Option<Instant> = None;
        // Without a watch the answers only get old.
        let news = Arc::new(AtomicBool::new(true));
        let tell = Arc::clone(&news);
        let mut watch = self.door.store().watch(Box::new(move || tell.store(true, Ordering::Relaxed))).ok();
        let mut asked = Instant::now();
        loop {
            let is_over = self.is_ending() && self.workers.is_empty();
            let has_ended = self.workers.values_mut().any(Worker::has_ended);
            if has_ended || is_over || news.swap(false, Ordering::Relaxed) || asked.elapsed() > STALE {
                if let Some(watch) = &mut watch {
                    let _ = watch.follow(Some(&self.workstream));
                }
                asked = Instant::now();
                match self.round(signals) {
                    Ok(Some(ended)) => return Ok(ended),
                    Ok(None) => failing = None,
                    Err(Error::Fault(fault)) if !self.workers.is_empty() || may_pass(&fault) => {
                        let since = *failing.get_or_insert_with(|| {
                            (self.tell)(RunEvent::Noted(format!("trying again: {fault}")));
                            Instant::now()
                        });
                        let lives = self.workers.values_mut().any(|worker| !worker.has_ended());
                        if since.elapsed() > self.patience(lives) {
                            return Err(fault.into());
                        }
                        news.store(true, Ordering::Relaxed);
                    }
                    Err(error) => return Err(error),
                }
            }
            self.wait(signals);
        }
    }

    /// Returns how long a failing workspace is tried again. `lives`: whether a worker does.
    fn patience(&self, lives: bool) -> Duration {
        match (lives, self.signal) {
            (true, None) => PATIENCE,
            (true, Some(_)) | (false, None) => PATIENCE_ALONE,
            // Nobody waits for anything any more.
            (false, Some(_)) => Duration::ZERO,
        }
    }

    /// Returns whether no more workers are started.
    fn is_ending(&self) -> bool {
        self.signal.is_some() || self.unusable.is_some()
    }

    /// Asks what to do, and does it. Returns the end of the run, if it is over.
    fn round(&mut self, signals: &Receiver<i32>) -> Result<Option<RunEnded>, Error> {
        self.see_who_ended()?;
        if self.is_ending() {
            let why = if self.signal.is_some() { Stop::Cancelled } else { Stop::HostUnusable };
            return Ok(self.workers.is_empty().then(|| self.ended(why, None, None)));
        }
        loop {
            let running: BTreeSet<ThreadId> = self.workers.keys().copied().collect();
            let (answer, steps) = self.ask_what_to_do(&running)?;
            let mut asks_again = false;
            if !steps.iter().any(|step| matches!(step, Step::WaitForOthers(_))) {
                self.waiting = None;
            }
            for step in steps {
                // A start can take a while, since git can.
                if let Ok(signal) = signals.try_recv() {
                    self.obey(signal);
                }
                match step {
                    Step::Begin { resumed } => {
                        (self.tell)(RunEvent::Began(Box::new(NextBatch { resumed, ..answer.clone() })));
                    }
                    Step::Outcomes(batch) => self.tell_outcomes(batch)?,
                    Step::Assign(thread) => asks_again |= self.assign(thread)?,
                    Step::Launch(launch) if !self.is_ending() => match self.launch(&launch) {
                        Ok(Launched::Running) => self.refused = 0,
                        Ok(Launched::LeftOut) => asks_again = true,
                        Err(Error::Refusal(refusal)) if self.refused < MAX_REFUSED => {
                            self.refused += 1;
                            let told = format!("thread {} is not started: {refusal}", launch.thread);
                            (self.tell)(RunEvent::Noted(told));
                            asks_again = true;
                        }
                        Err(error) => return Err(error),
                    },
                    Step::Launch(_) => {}
                    Step::WaitForOthers(threads) => {
                        let since = *self.waiting.get_or_insert_with(|| {
                            (self.tell)(RunEvent::Noted(format!("waiting for {}, which others run", list(&threads))));
                            Instant::now()
                        });
                        if since.elapsed() > self.starters.timeout(None) {
                            let told = format!("{} was not reported on in time", list(&threads));
                            return Ok(Some(self.ended(Stop::Stuck, Some(told), Some(answer.into()))));
                        }
                    }
                    Step::Stop(why) => return Ok(Some(self.ended(why, None, Some(answer.into())))),
                }
            }
            if !asks_again {
                return Ok(None);
            }
        }
    }

    /// Asks what to do. Looks first where the run may be over, since asking opens the next batch.
    fn ask_what_to_do(&mut self, running: &BTreeSet<ThreadId>) -> Result<(NextBatch, Vec<Step>), Error> {
        if running.is_empty() && self.planner.batch().is_some() {
            let seen = self.look()?;
            let steps = self.planner.clone().next(&seen, running);
            if steps.contains(&Step::Stop(Stop::Until)) {
                return Ok((seen, steps));
            }
        }
        let answer = next_batch(self.ask(AgentRequest::NextBatch)?)?;
        let steps = self.planner.next(&answer, running);
        Ok((answer, steps))
    }

    /// Returns what `next_batch` would answer. Changes nothing.
    fn look(&self) -> Result<NextBatch, Error> {
        next_batch(self.door.would(&self.ask_of(AgentRequest::NextBatch))?)
    }

    /// Waits a moment, or for a signal.
    fn wait(&mut self, signals: &Receiver<i32>) {
        match signals.recv_timeout(TICK) {
            Ok(signal) => self.obey(signal),
            Err(RecvTimeoutError::Timeout) => {}
            // Nobody can end it any more but by killing it.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
        }
    }

    /// Asks the workers to end at the first signal, and ends them at the second.
    fn obey(&mut self, signal: i32) {
        // The end of a terminal is told by the system, and by the board that has lost it.
        if signal == HANG_UP && self.signal == Some(HANG_UP) {
            return;
        }
        if self.signal.is_some() {
            return self.workers.values_mut().for_each(Worker::end);
        }
        self.signal = Some(signal);
        self.workers.values_mut().for_each(Worker::ask_to_end);
        if !self.workers.is_empty() {
            let workers = count(self.workers.len(), "worker", "workers");
            (self.tell)(RunEvent::Noted(format!("asked {workers} to end; a second time ends them at once")));
        }
    }

    /// Reports for workers that have ended without a report, and keeps what they used.
    fn see_who_ended(&mut self) -> Result<(), Error> {
        let ended: Vec<(ThreadId, How)> =
            self.workers.iter_mut().filter_map(|(thread, worker)| Some((*thread, worker.poll()?))).collect();
        for (thread, how) in ended {
            // What cannot be reported now is tried again: a worker that has ended says so each time.
            self.report_end(thread, how)?;
            self.workers.remove(&thread);
        }
        self.end_the_needless()
    }

    /// Asks workers to end whose attempts a person has ended: nobody wants their work any more.
    fn end_the_needless(&mut self) -> Result<(), Error> {
        if self.workers.is_empty() {
            return Ok(());
        }
        let snapshot = self.door.store().read(Some(&self.workstream))?;
        for (thread, worker) in &mut self.workers {
            let is_ended =
                |attempt: &Attempt| attempt.number == worker.attempt && attempt.status == AttemptStatus::Interrupted;
            if snapshot.board().thread(*thread).attempts.iter().any(is_ended) {
                worker.ask_to_end();
            }
        }
        Ok(())
    }

    fn report_end(&mut self, thread: ThreadId, how: How) -> Result<(), Error> {
        let Some(worker) = self.workers.get(&thread) else { return Ok(()) };
        let (attempt, host, time, log) = (worker.attempt, worker.host, worker.begun.elapsed(), worker.log.clone());
        let told = worker.told(&how);
        let usage = told.usage;
        if let Some(usage) = usage {
            self.try_to(AgentRequest::RecordUsage(RecordUsage { thread, attempt, usage }))?;
        }
        let status = self.read_attempt(thread, attempt)?.1.map(|attempt| attempt.status);
        let is_over = status != Some(AttemptStatus::Running);
        let has_reported = is_over && status != Some(AttemptStatus::Interrupted);
        if let Some(host) = host.filter(|_| told.has_answered || has_reported) {
            self.answered.insert(host.program);
        }
        let host_has_answered = host.is_some_and(|host| self.has_answered(host));
        let ended = Ended { how, told, is_of_host: host.is_some(), is_over, host_has_answered };
        match verdict(&ended) {
            Verdict::Over => {}
            _ if self.signal.is_some() => self.give_back(thread, attempt, "the run was ended")?,
            Verdict::Failed { report, transient } => {
                let failed = UpdateThread {
                    transient,
                    attempt: Some(attempt),
                    ..UpdateThread::new(thread, ReportedStatus::Failed, &report)
                };
                self.try_to(AgentRequest::UpdateThread(failed))?;
            }
            Verdict::HostUnusable { why, is_refused } => {
                let help = host.filter(|_| is_refused).map(|host| format!("; {}", host.log_in));
                let program = host.map_or_else(String::new, |host| format!("{}: ", host.program));
                self.give_back(thread, attempt, &why)?;
                self.unusable.get_or_insert(format!("{program}{why}{}", help.unwrap_or_default()));
            }
        }
        let (status, known) = self.read_attempt(thread, attempt)?;
        if let (Some(worktrees), Status::Completed) = (&self.worktrees, status) {
            worktrees.remove_if_clean(thread);
        }
        let (how, report) = (ended.how, known.map(|attempt| attempt.report).unwrap_or_default());
        (self.tell)(RunEvent::Ended(WorkerEnd { thread, attempt, status, how, report, time, usage, log }));
        Ok(())
    }

    /// Carries a request out, and says why it was refused, such as because a person has decided something about its thread
    /// meanwhile.
    fn try_to(&mut self, request: AgentRequest) -> Result<(), Error> {
        let thread = request.changes();
        match self.ask(request) {
            Err(Error::Refusal(refusal)) => {
                let thread = thread.map(|thread| format!("{thread}: ")).unwrap_or_default();
                (self.tell)(RunEvent::Noted(format!("{thread}{refusal}")));
                Ok(())
            }
            answered => answered.map(drop),
        }
    }

    /// Returns whether the model of a host has answered a worker of this run.
    fn has_answered(&self, host: &Workers) -> bool {
        let is_of_host = |worker: &&Worker| worker.host.is_some_and(|of| of.program == host.program);
        self.answered.contains(host.program) || self.workers.values().filter(is_of_host).any(Worker::has_answered)
    }

    /// Starts a worker, and reports its start first: then its thread is nobody else's.
    fn launch(&mut self, launch: &Launch) -> Result<Launched, Error> {
        let host = self.starters.of_agent(&launch.agent);
        let worktree = match &self.worktrees {
            Some(worktrees) => match worktrees.make(launch.thread) {
                Ok(worktree) => Some(worktree),
                Err(why) => {
                    let told = format!("thread {} is left out, since it gets no worktree: {why}", launch.thread);
                    (self.tell)(RunEvent::Noted(told));
                    self.planner.leave_out(launch.thread);
                    return Ok(Launched::LeftOut);
                }
            },
            None => None,
        };
        let folder = worktree.as_ref().map_or(&self.root, |worktree| &worktree.place).clone();
        let more = worktree.as_ref().map(worktree::Worktree::told).unwrap_or_default();
        let line = match self.command_line(launch, &folder, &more)? {
            Ok(line) => line,
            Err(why) => {
                self.unusable = Some(why);
                return Ok(Launched::LeftOut);
            }
        };
        let (thread, attempt) = (launch.thread, launch.attempt);
        let begun =
            UpdateThread { attempt: Some(attempt), ..UpdateThread::new(thread, ReportedStatus::InProgress, "") };
        // What can fail comes before the start is recorded.
        let log = self.begin_log(launch, host.workers().is_none().then_some(&line.prompt))?;
        self.ask(AgentRequest::UpdateThread(begun))?;
        let own = worktree
            .map(|worktree| OwnWorktree { directory: worktree.place.display().to_string(), branch: worktree.branch });
        let mut variables = line.variables;
        variables.extend(self.variables(launch, own));
        let start = Start {
            words: line.words,
            variables,
            folder,
            log,
            host: host.workers(),
            timeout: self.starters.timeout(Some(&launch.agent)),
        };
        match Worker::start(&this_program(), attempt, start) {
            Ok(worker) => {
                let log = worker.log.clone();
                (self.tell)(RunEvent::Launched { launch: launch.clone(), host: host.name(), log });
                self.workers.insert(thread, worker);
            }
            Err(how) => {
                let why = format!("the worker {}", how.words());
                self.give_back(thread, attempt, &why)?;
                self.unusable = Some(why);
                return Ok(Launched::LeftOut);
            }
        }
        Ok(Launched::Running)
    }

    /// Begins the file of a worker's output, and writes that of its prompt, if there is to be one.
    fn begin_log(&self, launch: &Launch, prompt: Option<&String>) -> Result<RunLog, Fault> {
        // Somebody can have removed the folder, such as by `git clean`.
        let (_, logs) = run_folders(&self.place, "logs")?;
        keep_folder_private(&logs).map_err(Fault::io("change the permissions of", &logs))?;
        if let Some(prompt) = prompt {
            let path = self.file_of(launch, "prompt.md");
            let written = log::made_anew(&path).and_then(|mut file| file.write_all(prompt.as_bytes()));
            written.map_err(Fault::io("write", &path))?;
        }
        log::remove_old(&logs);
        RunLog::begin(self.file_of(launch, "log"))
    }

    /// Gives a thread back that its worker has not failed at.
    fn give_back(&self, thread: ThreadId, attempt: u32, why: &str) -> Result<(), Error> {
        let report = format!("given back: {why}");
        self.ask(AgentRequest::GiveBack(GiveBack { thread, attempt, report })).map(drop)
    }

    /// Returns the variables of a worker, beside those of this process and those of its host.
    fn variables(&self, launch: &Launch, worktree: Option<OwnWorktree>) -> Vec<(&'static str, String)> {
        let worker = LaunchedWorker {
            server: self.server,
            workstream: self.workstream.clone(),
            thread: launch.thread,
            attempt: launch.attempt,
            worktree,
        };
        let mut variables = vec![
            (VARIABLE, worker.text()),
            ("WORK_ROOT", self.root.display().to_string()),
            ("WORK_STREAM", self.workstream.clone()),
            ("WORK_WORKSTREAM", self.workstream.clone()),
            ("WORK_THREAD", launch.thread.to_string()),
            ("WORK_ATTEMPT", launch.attempt.to_string()),
            ("WORK_AGENT", launch.agent.clone()),
        ];
        variables.extend(self.place.database().map(|url| ("WORK_STORE", url.to_owned())));
        variables
    }

    fn command_line(&self, launch: &Launch, folder: &Path, more: &str) -> Result<Result<CommandLine, String>, Fault> {
        let prompt_file = self.file_of(launch, "prompt.md");
        let task = Task { launch, workstream: &self.workstream, folder, prompt_file: &prompt_file, more };
        self.starters.command_line(&task, &self.program, &self.project)
    }

    fn file_of(&self, launch: &Launch, ending: &str) -> PathBuf {
        self.logs.join(format!("{}.{}.{}.{ending}", self.workstream, launch.thread, launch.attempt))
    }

    /// Gives a thread to the agent that takes over. Returns whether that was done.
    fn assign(&mut self, thread: ThreadId) -> Result<bool, Error> {
        let request = AssignThread { thread, agent: None, reason: None, force: false };
        match self.ask(AgentRequest::AssignThread(request)) {
            Ok(AgentAnswer::Assignment(assigned)) => {
                (self.tell)(RunEvent::Assigned(assigned));
                Ok(true)
            }
            Ok(_) => Err(Fault::bug().into()),
            // A person was faster. What is so now stands in the next answer.
            Err(Error::Refusal(refusal)) => {
                (self.tell)(RunEvent::Noted(format!("{thread}: {refusal}")));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn batch_outcome(&self, batch: Option<BatchId>) -> Result<BatchOutcome, Error> {
        match self.ask(AgentRequest::BatchOutcome(batch))? {
            AgentAnswer::BatchOutcome(outcome) => Ok(outcome),
            _ => Err(Fault::bug().into()),
        }
    }

    fn tell_outcomes(&mut self, batch: BatchId) -> Result<(), Error> {
        match self.batch_outcome(Some(batch)) {
            Ok(outcome) => (self.tell)(RunEvent::Outcomes(Box::new(outcome))),
            // The plan was changed, and no longer has the batch.
            Err(Error::Refusal(refusal)) => (self.tell)(RunEvent::Noted(refusal.to_string())),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Returns the status of a thread, and an attempt of it, if it has one of this number.
    fn read_attempt(&self, thread: ThreadId, number: u32) -> Result<(Status, Option<Attempt>), Error> {
        let snapshot = self.door.store().read(Some(&self.workstream))?;
        let thread = snapshot.board().thread(thread);
        Ok((thread.status, thread.attempts.iter().find(|attempt| attempt.number == number).cloned()))
    }

    fn ask(&self, request: AgentRequest) -> Result<AgentAnswer, Error> {
        self.door.ask(self.ask_of(request))
    }

    fn ask_of(&self, request: AgentRequest) -> Ask {
        Ask::new(Some(&self.workstream), request)
    }

    fn ended(&self, why: Stop, told: Option<String>, standing: Option<RunStanding>) -> RunEnded {
        let left = self.worktrees.as_ref().map(Worktrees::left).unwrap_or_default();
        RunEnded {
            why,
            told: self.unusable.clone().or(told),
            standing,
            left: left.into_iter().map(|worktree| (worktree.top, worktree.branch)).collect(),
            signal: self.signal,
        }
    }
}

/// What came of a launch.
enum Launched {
    /// The worker runs.
    Running,
    /// None was started, and the next answer has to do without the thread.
    LeftOut,
}

/// Returns the answer to a `next_batch`.
fn next_batch(answer: AgentAnswer) -> Result<NextBatch, Error> {
    match answer {
        AgentAnswer::NextBatch(answer) => Ok(answer),
        _ => Err(Fault::bug().into()),
    }
}

/// Returns whether a fault can be over at the next try.
fn may_pass(fault: &Fault) -> bool {
    matches!(fault, Fault::Busy { .. } | Fault::Overtaken { .. } | Fault::Database { .. } | Fault::Uncertain { .. })
}
