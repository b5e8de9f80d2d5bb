//! The agents' door: the calls of one server process, which share their commits.
//!
//! A sync takes longer than everything else together. So what has to be written while another commit is
//! under way waits for it, and goes into the next one: one lock, one write, two syncs for all of them. Each
//! is still decided on the state that those before it left, and answered only when it is durable.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::{require_a_clear_thread, retry_on_conflict, try_read_only};
use crate::board::ServerId;
use crate::clock::Clock;
use crate::decide::{Access, AgentAnswer, AgentRequest, Caller, Ledger, Refusal, Scene, decide_for_agent};
use crate::fault::{Error, Fault};
use crate::plan::ThreadId;
use crate::store::{Concurrency, LOCK_WAIT, LockScope, Locked, Snapshot, Store};

/// The most calls that one commit carries.
const MAX_GROUP: usize = 256;

/// How long a process that goes on writing leaves the lock to others. They ask for it again and again, with pauses, and
/// would hardly ever find it free.
const TURN: Duration = Duration::from_millis(1);

/// What an agent asks of a workstream.
#[derive(Clone)]
pub struct Ask {
    /// The workstream, by id or name; else the default.
    pub workstream: Option<String>,
    /// What it asks.
    pub request: AgentRequest,
    /// Whether it does not want it any more. What was cancelled before it was written is not.
    pub is_cancelled: Arc<dyn Fn() -> bool + Send + Sync>,
    /// When it came: its wait counts from then, whoever it waits behind.
    pub since: Instant,
}

impl Ask {
    /// Asks something that nobody cancels.
    pub fn new(workstream: Option<&str>, request: AgentRequest) -> Self {
        let workstream = workstream.map(str::to_owned);
        Self { workstream, request, is_cancelled: Arc::new(|| false), since: Instant::now() }
    }

    /// Returns the thread that it changes without saying of which workstream it is.
    fn unclear(&self) -> Option<ThreadId> {
        self.request.changes().filter(|_| self.workstream.is_none())
    }
}

/// The agents' door of one server process.
pub struct AgentDoor {
    store: Box<dyn Store>,
    clock: Box<dyn Clock>,
    server: ServerId,
    /// The calls that wait to be written, by line. There is a queue, if an empty one, as long as somebody has its lead.
    queues: Mutex<HashMap<QueueKey, Vec<Job>>>,
}

/// Calls of different lines do not wait for each other: where commits share one lock, as those of files do, there is
/// one line; else one for each workstream, as it is called.
type QueueKey = Option<String>;

/// What comes back from a call.
pub type Answer = Result<AgentAnswer, Error>;

/// A call that waits, and who is told its answer.
struct Job {
    ask: Ask,
    tell: Box<dyn FnOnce(Answer) + Send>,
}

impl AgentDoor {
    /// Opens the door of a server process to the workspace of a store.
    pub fn new(store: Box<dyn Store>, clock: Box<dyn Clock>, server: ServerId) -> Self {
        Self { store, clock, server, queues: Mutex::default() }
    }

    /// Returns the store behind the door.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Carries out what is asked, on this thread, and waits for others where it must.
    pub fn ask(&self, ask: Ask) -> Answer {
        if let Some(answer) = self.try_read_only(&ask)? {
            return Ok(answer);
        }
        let (sender, receiver) = mpsc::channel();
        let tell = move |answer| drop(sender.send(answer));
        if let Some(lead) = self.submit(ask, tell) {
            self.run_as_leader(lead);
        }
        // Nobody tells it if there is a bug on the way.
        receiver.recv().unwrap_or_else(|_| Err(Fault::bug().into()))
    }

    /// Lets a call that writes wait for the next commit of its line. Where nobody writes for the line, the caller has
    /// its lead from now on: it calls [`AgentDoor::run_as_leader`], on a thread that may wait.
    #[must_use]
    pub fn submit(&self, ask: Ask, tell: impl FnOnce(Answer) + Send + 'static) -> Option<Lead> {
        let line = match self.store.lock_scope() {
            LockScope::Workspace => None,
            LockScope::Workstream => ask.workstream.clone(),
        };
        let mut queues = self.queues();
        // Who leads removes the queue once it has come to its end.
        let leads = !queues.contains_key(&line);
        queues.entry(line.clone()).or_default().push(Job { ask, tell: Box::new(tell) });
        leads.then_some(Lead(line))
    }

    /// Writes for all of the line until nobody waits.
    pub fn run_as_leader(&self, lead: Lead) {
        let mut leading = Leading { door: self, line: lead.0, is_over: false };
        let mut is_first = true;
        while let Some(jobs) = leading.next_jobs() {
            if !is_first && self.store.lock_scope() == LockScope::Workspace {
                std::thread::sleep(TURN);
            }
            is_first = false;
            let early = self.write_for_all(jobs);
            leading.put_back(early);
        }
    }

    /// Answers all of the line in place of writing: nothing can be written now.
    pub fn refuse_as_leader(&self, lead: Lead, fault: impl Fn() -> Fault) {
        let mut leading = Leading { door: self, line: lead.0, is_over: false };
        while let Some(jobs) = leading.next_jobs() {
            for job in jobs {
                (job.tell)(Err(fault().into()));
            }
        }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<QueueKey, Vec<Job>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides without the lock what changes nothing. `None`: it is to be written.
    pub fn try_read_only(&self, ask: &Ask) -> Result<Option<AgentAnswer>, Error> {
        if let Some(thread) = self.unclear_before_the_lock(ask) {
            require_a_clear_thread(self.store.as_ref(), thread)?;
        }
        let access = ask.request.access();
        try_read_only(self.store.as_ref(), self.clock.as_ref(), ask.workstream.as_deref(), access, |scene, ledger| {
            self.decide(ask, scene, ledger)
        })
    }

    /// Returns whether there is something to look at before it is written.
    pub fn may_be_read_only(&self, ask: &Ask) -> bool {
        ask.request.access() != Access::Writes || self.unclear_before_the_lock(ask).is_some()
    }

    /// Returns the thread of which it must be clear, before anything is locked, which workstream it is of. Where the lock
    /// covers all workstreams, that is asked under it, and only of a thread that is not executed in the one that is meant.
    fn unclear_before_the_lock(&self, ask: &Ask) -> Option<ThreadId> {
        ask.unclear().filter(|_| self.store.lock_scope() == LockScope::Workstream)
    }

    fn decide(&self, ask: &Ask, scene: &Scene<'_>, ledger: &mut Ledger) -> Result<AgentAnswer, Refusal> {
        decide_for_agent(scene, Caller::Server(self.server), &ask.request, ledger)
    }

    /// Answers all jobs. Those of one workstream share a commit; if that fails each is tried alone, so that
    /// nobody fails because of another one's report. Returns those that have not waited long enough to be told that the
    /// workspace is busy.
    fn write_for_all(&self, jobs: Vec<Job>) -> Vec<Job> {
        let mut early = Vec::new();
        let mut jobs = jobs.into_iter().peekable();
        while let Some(first) = jobs.next() {
            let mut group = vec![first];
            while let Some(job) = jobs.next_if(|job| job.ask.workstream == group[0].ask.workstream) {
                group.push(job);
            }
            let asks: Vec<&Ask> = group.iter().map(|job| &job.ask).collect();
            // Each has waited since it came, whoever it waited behind.
            let longest = group.iter().map(|job| job.ask.since.elapsed()).max().unwrap_or_default();
            let wait = LOCK_WAIT.saturating_sub(longest);
            let answers = match self.write(&asks, wait) {
                Ok(answers) => answers,
                Err(Error::Fault(Fault::Busy { path })) => {
                    for job in group {
                        if job.ask.since.elapsed() < LOCK_WAIT {
                            early.push(job);
                        } else {
                            (job.tell)(Err(Fault::Busy { path: path.clone() }.into()));
                        }
                    }
                    continue;
                }
                Err(stopped) if group.len() == 1 => vec![Err(stopped)],
                Err(stopped) => {
                    let alone = |ask: &Ask| self.write_alone(ask, LOCK_WAIT.saturating_sub(ask.since.elapsed()));
                    let answer = |ask| stopped.shared_by_group().map_or_else(|| alone(ask), |same| Err(same.into()));
                    asks.iter().map(|ask| answer(*ask)).collect()
                }
            };
            for (job, answer) in group.into_iter().zip(answers) {
                (job.tell)(answer);
            }
        }
        early
    }

    fn write_alone(&self, ask: &Ask, wait: Duration) -> Answer {
        let mut answers = self.write(&[ask], wait)?;
        answers.pop().unwrap_or_else(|| Err(Fault::Internal("a call has no answer".to_owned()).into()))
    }

    /// Decides what is asked of one workstream, one after the other, and commits all of it at once: first on what is
    /// known, where nothing has to be locked for it and there is time for two attempts.
    fn write(&self, asks: &[&Ask], wait: Duration) -> Result<Vec<Answer>, Error> {
        let workstream = asks.first().and_then(|ask| ask.workstream.as_deref());
        if wait > LOCK_WAIT / 2 {
            let begun = self.store.begin(workstream, wait, Concurrency::Optimistic)?;
            let is_locked = begun.concurrency() == Concurrency::Locked;
            match self.decide_and_commit(asks, begun) {
                // What was refused may have been known wrongly, unless it was written beside something else.
                Ok((answers, is_written)) if is_written || is_locked => return Ok(answers),
                Ok(_) | Err(Fault::Overtaken { .. }) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        let locked = || self.store.begin(workstream, wait, Concurrency::Locked);
        retry_on_conflict(|| Ok(self.decide_and_commit(asks, locked()?)?.0))
    }

    /// Returns the answers, and whether anything was written.
    fn decide_and_commit(&self, asks: &[&Ask], mut locked: Box<dyn Locked + '_>) -> Result<(Vec<Answer>, bool), Fault> {
        let mut board = Arc::clone(locked.snapshot().board());
        let mut written: Option<Ledger> = None;
        let mut answers = Vec::with_capacity(asks.len());
        for ask in asks {
            let at = locked.snapshot().now().unwrap_or_else(|| self.clock.now());
            let mut ledger = Ledger::new(&board, at);
            let answer = self.decide_one(ask, locked.snapshot(), &mut ledger);
            if answer.is_ok() && !ledger.is_empty() {
                board = Arc::clone(ledger.board());
                locked.see(&board);
                written = Some(match written {
                    Some(before) => before.followed_by(ledger),
                    None => ledger,
                });
            }
            answers.push(answer);
        }
        let Some(ledger) = written else { return Ok((answers, false)) };
        locked.commit(&ledger)?;
        Ok((answers, true))
    }

    /// A bug in one decision is no other call's.
    fn decide_one(&self, ask: &Ask, snapshot: &Snapshot, ledger: &mut Ledger) -> Answer {
        if (ask.is_cancelled)() {
            return Err(Fault::Cancelled.into());
        }
        if let Some(thread) = ask.unclear().filter(|_| self.store.lock_scope() == LockScope::Workspace)
            && !snapshot.scene().is_executed(ledger.board(), thread)
        {
            require_a_clear_thread(self.store.as_ref(), thread)?;
        }
        match catch_unwind(AssertUnwindSafe(|| self.decide(ask, &snapshot.scene(), ledger))) {
            Ok(decided) => Ok(decided?),
            Err(_) => Err(Fault::bug().into()),
        }
    }
}

/// The lead of a line: whoever has it writes for all who wait there. There is one for each line.
#[derive(Debug)]
pub struct Lead(QueueKey);

/// A lead that is being carried out.
struct Leading<'d> {
    door: &'d AgentDoor,
    line: QueueKey,
    /// Nobody waited any more, and whoever came next has the lead.
    is_over: bool,
}

impl Leading<'_> {
    /// Takes the jobs of the next commit; `None`: there are none.
    fn next_jobs(&mut self) -> Option<Vec<Job>> {
        let mut queues = self.door.queues();
        let queue = queues.get_mut(&self.line).filter(|queue| !queue.is_empty());
        let Some(queue) = queue else {
            queues.remove(&self.line);
            self.is_over = true;
            return None;
        };
        let number = queue.len().min(MAX_GROUP);
        Some(queue.drain(..number).collect())
    }

    /// Lets jobs wait again, before those that came since.
    fn put_back(&self, jobs: Vec<Job>) {
        if let Some(queue) = self.door.queues().get_mut(&self.line) {
            queue.splice(0..0, jobs);
        }
    }
}

impl Drop for Leading<'_> {
    /// After a panic on the way nobody is left waiting: with its job, each loses who would have told it.
    fn drop(&mut self) {
        if !self.is_over {
            drop(self.door.queues().remove(&self.line));
        }
    }
}
