//! The door for agents: the calls of one server process, with group commit by a leader.
//!
//! **What for.** One server process serves a planner and all its workers, and their calls come in bursts. A sync of the
//! disk, or a round trip to the database, takes longer than everything else in a call. So calls that arrive during a
//! commit wait for it and share the next one: one lock, one write and one pair of syncs for all of them. With a commit
//! for each call the last of a hundred workers would wait for a hundred commits. Each call is still decided on the
//! state that the call before it left, and answered only when the change is durable.
//!
//! **How.** The calls wait in queues ([`QueueKey`]). The first call that finds no queue makes one and becomes the
//! leader ([`Lead`]): its thread takes the waiting calls, writes for all of them, and repeats that until the queue is
//! empty. Then it removes the queue, so that the next call leads. There is no thread of its own that would have to be
//! started, watched and ended.
//!
//! **What it costs.** The leader's own call is delayed: its thread works for the others too. If the shared commit
//! fails, each call of the group is tried alone. A panic must never leave a call without an answer: see `decide_one`
//! and the `Drop` of `Leading`.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::{begin, require_a_clear_thread, retry_on_conflict, try_read_only};
use crate::board::ServerId;
use crate::clock::Clock;
use crate::decide::{Access, AgentAnswer, AgentRequest, Caller, Ledger, Refusal, Scene, decide_for_agent};
use crate::fault::{Error, Fault};
use crate::plan::ThreadId;
use crate::store::{Concurrency, LOCK_WAIT, LockScope, PendingWrite, Snapshot, Store};

/// The most calls that share one commit.
const MAX_GROUP: usize = 256;

/// The pause between two commits of one leader, in which other processes can take the lock. They poll for it with
/// pauses (`store::files`), and without this they would hardly ever find it free.
const TURN: Duration = Duration::from_millis(1);

/// A call of an agent.
#[derive(Clone)]
pub struct Ask {
    /// The workstream, by id or name; `None`: the call names none.
    pub workstream: Option<String>,
    /// The request.
    pub request: AgentRequest,
    /// Returns whether the client has cancelled the call. A call that is cancelled before it is decided is not written.
    pub is_cancelled: Arc<dyn Fn() -> bool + Send + Sync>,
    /// When the call arrived. Its wait for the lock counts from then, also the part in the queue.
    pub since: Instant,
}

impl Ask {
    /// Makes a call that arrives now and is never cancelled.
    pub fn new(workstream: Option<&str>, request: AgentRequest) -> Self {
        let workstream = workstream.map(str::to_owned);
        Self { workstream, request, is_cancelled: Arc::new(|| false), since: Instant::now() }
    }

    /// Returns the thread that the call changes, if it does not say of which workstream.
    fn unclear(&self) -> Option<ThreadId> {
        self.request.changes().filter(|_| self.workstream.is_none())
    }
}

/// The door for agents of one server process.
pub struct AgentDoor {
    store: Box<dyn Store>,
    clock: Box<dyn Clock>,
    server: ServerId,
    /// The calls that wait for a commit. A queue exists, even if it is empty, as long as it has a leader.
    queues: Mutex<HashMap<QueueKey, Vec<Job>>>,
}

/// Which queue a call waits in. If one lock covers the workspace (files), there is one queue: `None`. Else each
/// workstream has its own, by the name that the call gives it. Calls of different queues do not wait for each other.
type QueueKey = Option<String>;

/// The result of a call.
pub type Answer = Result<AgentAnswer, Error>;

/// A call that waits, and the function that takes its answer.
struct Job {
    ask: Ask,
    tell: Box<dyn FnOnce(Answer) + Send>,
}

impl AgentDoor {
    /// Makes the door of the server process `server` to a store.
    pub fn new(store: Box<dyn Store>, clock: Box<dyn Clock>, server: ServerId) -> Self {
        Self { store, clock, server, queues: Mutex::default() }
    }

    /// Returns the store.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Carries out a call and returns its answer. Blocks this thread, which can become the leader.
    pub fn ask(&self, ask: Ask) -> Answer {
        if let Some(answer) = self.try_read_only(&ask)? {
            return Ok(answer);
        }
        let (sender, receiver) = mpsc::channel();
        let tell = move |answer| drop(sender.send(answer));
        if let Some(lead) = self.submit(ask, tell) {
            self.run_as_leader(lead);
        }
        // The sender is dropped without an answer only if the leader panicked.
        receiver.recv().unwrap_or_else(|_| Err(Fault::bug().into()))
    }

    /// Puts a call that writes into its queue. `tell` gets the answer, on the leader's thread.
    ///
    /// If the queue has no leader, the caller gets the [`Lead`] and must call [`AgentDoor::run_as_leader`] with it, on
    /// a thread that may block. `None`: another thread leads and will answer the call.
    #[must_use]
    pub fn submit(&self, ask: Ask, tell: impl FnOnce(Answer) + Send + 'static) -> Option<Lead> {
        let key = match self.store.lock_scope() {
            LockScope::Workspace => None,
            LockScope::Workstream => ask.workstream.clone(),
        };
        let mut queues = self.queues();
        // A leader removes its queue in the same critical section in which it finds it empty. So a queue that exists
        // has a leader that will see this call.
        let leads = !queues.contains_key(&key);
        queues.entry(key.clone()).or_default().push(Job { ask, tell: Box::new(tell) });
        leads.then_some(Lead(key))
    }

    /// Commits the calls of the queue, group by group, until it is empty.
    pub fn run_as_leader(&self, lead: Lead) {
        let mut leading = Leading { door: self, queue: lead.0, is_over: false };
        let mut is_first = true;
        while let Some(jobs) = leading.next_jobs() {
            if !is_first && self.store.lock_scope() == LockScope::Workspace {
                std::thread::sleep(TURN);
            }
            is_first = false;
            // Calls whose own wait is not over yet go back: the group waits only as long as its oldest call may.
            let early = self.write_for_all(jobs);
            leading.put_back(early);
        }
    }

    /// Answers all calls of the queue with a fault instead of writing them.
    pub fn refuse_as_leader(&self, lead: Lead, fault: impl Fn() -> Fault) {
        let mut leading = Leading { door: self, queue: lead.0, is_over: false };
        while let Some(jobs) = leading.next_jobs() {
            for job in jobs {
                (job.tell)(Err(fault().into()));
            }
        }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<QueueKey, Vec<Job>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides a call that may need no write, without the lock. `None`: the call writes, so it has to be submitted.
    pub fn try_read_only(&self, ask: &Ask) -> Result<Option<AgentAnswer>, Error> {
        if let Some(thread) = self.unclear_before_the_lock(ask) {
            require_a_clear_thread(self.store.as_ref(), thread)?;
        }
        let access = ask.request.access();
        try_read_only(self.store.as_ref(), self.clock.as_ref(), ask.workstream.as_deref(), access, |scene, ledger| {
            self.decide(ask, scene, ledger)
        })
    }

    /// Decides a call on what is there now, and writes nothing: for a person who wants to see what would happen.
    pub fn would(&self, ask: &Ask) -> Answer {
        let snapshot = self.store.read(ask.workstream.as_deref())?;
        let mut ledger = begin(&snapshot, self.clock.as_ref());
        Ok(self.decide(ask, &snapshot.scene(), &mut ledger)?)
    }

    /// Returns whether [`AgentDoor::try_read_only`] has something to do for this call. It reads, so the thread of the
    /// protocol must not call it.
    pub fn may_be_read_only(&self, ask: &Ask) -> bool {
        ask.request.access() != Access::Writes || self.unclear_before_the_lock(ask).is_some()
    }

    /// Returns the thread for which [`require_a_clear_thread`] has to run before a lock is taken. If one lock covers
    /// the workspace, the check runs under it instead (`decide_one`), where most calls need no further read.
    fn unclear_before_the_lock(&self, ask: &Ask) -> Option<ThreadId> {
        ask.unclear().filter(|_| self.store.lock_scope() == LockScope::Workstream)
    }

    /// Decides the call as one of this server.
    fn decide(&self, ask: &Ask, scene: &Scene<'_>, ledger: &mut Ledger) -> Result<AgentAnswer, Refusal> {
        decide_for_agent(scene, Caller::Server(self.server), &ask.request, ledger)
    }

    /// Commits and answers the jobs. Neighbours in the queue that name the same workstream share a commit. If it fails,
    /// each is tried alone, so that no call fails because of another one.
    ///
    /// Returns the jobs that found the lock busy but have not waited [`LOCK_WAIT`] yet. They are not answered.
    fn write_for_all(&self, jobs: Vec<Job>) -> Vec<Job> {
        let mut early = Vec::new();
        let mut jobs = jobs.into_iter().peekable();
        while let Some(first) = jobs.next() {
            let mut group = vec![first];
            while let Some(job) = jobs.next_if(|job| job.ask.workstream == group[0].ask.workstream) {
                group.push(job);
            }
            let asks: Vec<&Ask> = group.iter().map(|job| &job.ask).collect();
            // The time in the queue counts as waiting, so the oldest call bounds the wait of the group.
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

    /// Decides and commits one call.
    fn write_alone(&self, ask: &Ask, wait: Duration) -> Answer {
        let mut answers = self.write(&[ask], wait)?;
        answers.pop().unwrap_or_else(|| Err(Fault::Internal("a call has no answer".to_owned()).into()))
    }

    /// Decides the calls of one workstream, one after another, and commits them together. Returns their answers in
    /// order.
    ///
    /// If there is time for two attempts, the first one is optimistic. The others hold the lock.
    fn write(&self, asks: &[&Ask], wait: Duration) -> Result<Vec<Answer>, Error> {
        let workstream = asks.first().and_then(|ask| ask.workstream.as_deref());
        if wait > LOCK_WAIT / 2 {
            let begun = self.store.begin(workstream, wait, Concurrency::Optimistic)?;
            let is_locked = begun.concurrency() == Concurrency::Locked;
            match self.decide_and_commit(asks, begun) {
                // Without a commit nothing has checked that this process's copy is up to date. So a refusal, or an
                // answer without changes, is decided again under the lock.
                Ok((answers, is_written)) if is_written || is_locked => return Ok(answers),
                Ok(_) | Err(Fault::Overtaken { .. }) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        let locked = || self.store.begin(workstream, wait, Concurrency::Locked);
        retry_on_conflict(|| Ok(self.decide_and_commit(asks, locked()?)?.0))
    }

    /// Decides the calls on the snapshot of a write, and commits. Returns the answers, and whether anything was
    /// written.
    fn decide_and_commit(
        &self,
        asks: &[&Ask],
        mut locked: Box<dyn PendingWrite + '_>,
    ) -> Result<(Vec<Answer>, bool), Fault> {
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

    /// Decides one call. A panic becomes the fault of this call alone; the others of its group go on.
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

/// The duty to commit the calls of one queue. Each queue has exactly one.
#[derive(Debug)]
pub struct Lead(QueueKey);

/// A leader at work.
struct Leading<'d> {
    door: &'d AgentDoor,
    queue: QueueKey,
    /// Whether the queue was empty and is removed. Another leader may have made it anew.
    is_over: bool,
}

impl Leading<'_> {
    /// Takes the jobs of the next commit, at most [`MAX_GROUP`]. `None`: the queue was empty, and is removed.
    fn next_jobs(&mut self) -> Option<Vec<Job>> {
        let mut queues = self.door.queues();
        let queue = queues.get_mut(&self.queue).filter(|queue| !queue.is_empty());
        let Some(queue) = queue else {
            queues.remove(&self.queue);
            self.is_over = true;
            return None;
        };
        let number = queue.len().min(MAX_GROUP);
        Some(queue.drain(..number).collect())
    }

    /// Puts jobs back at the head of the queue.
    fn put_back(&self, jobs: Vec<Job>) {
        if let Some(queue) = self.door.queues().get_mut(&self.queue) {
            queue.splice(0..0, jobs);
        }
    }
}

impl Drop for Leading<'_> {
    /// After a panic of the leader, removes the queue with its jobs. Dropping a job drops its `tell`, by which the
    /// waiting call learns that no answer will come.
    fn drop(&mut self) {
        if !self.is_over {
            drop(self.door.queues().remove(&self.queue));
        }
    }
}
