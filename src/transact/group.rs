//! The agents' door: the calls of one server process, which share their commits.
//!
//! A sync takes longer than everything else together. So what has to be written while another commit is
//! under way waits for it, and goes into the next one: one lock, one write, two syncs for all of them. Each
//! is still decided on the state that those before it left, and answered only when it is durable.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::look;
use crate::board::ServerId;
use crate::clock::Clock;
use crate::decide::{AgentAnswer, AgentRequest, Caller, Ledger, Refusal, Scene, decide_for_agent};
use crate::fault::{Fault, Stopped};
use crate::store::{FileStore, LOCK_WAIT, Locked};

/// The most calls that one commit carries.
const MAX_GROUP: usize = 256;

/// What an agent asks of a workstream.
#[derive(Clone)]
pub struct Ask {
    /// The workstream, by id or name; else the default.
    pub workstream: Option<String>,
    /// What it asks.
    pub request: AgentRequest,
    /// Whether it does not want it any more. What was cancelled before it was written is not.
    pub is_cancelled: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Ask {
    /// Asks something that nobody cancels.
    pub fn new(workstream: Option<&str>, request: AgentRequest) -> Self {
        Self { workstream: workstream.map(str::to_owned), request, is_cancelled: Arc::new(|| false) }
    }
}

/// The agents' door of one server process.
pub struct AgentDoor {
    store: FileStore,
    clock: Box<dyn Clock>,
    server: ServerId,
    /// The calls that wait to be written.
    waiting: Mutex<Vec<Job>>,
    /// Held by the one who writes for all.
    leading: Mutex<()>,
}

type Answer = Result<AgentAnswer, Stopped>;

/// A call that waits, and where its answer goes.
struct Job {
    ask: Ask,
    answer: Arc<Mutex<Option<Answer>>>,
}

impl AgentDoor {
    /// Opens the door of a server process to the workspace of a store.
    pub fn new(store: FileStore, clock: Box<dyn Clock>, server: ServerId) -> Self {
        Self { store, clock, server, waiting: Mutex::default(), leading: Mutex::default() }
    }

    /// Returns the store behind the door.
    pub fn store(&self) -> &FileStore {
        &self.store
    }

    /// Carries out what is asked, and waits for others where it must.
    pub fn ask(&self, ask: Ask) -> Answer {
        if let Some(answer) = self.look(&ask)? {
            return Ok(answer);
        }
        let answer = Arc::new(Mutex::new(None));
        lock(&self.waiting).push(Job { ask, answer: Arc::clone(&answer) });
        loop {
            // Whoever has waited for another one's commit finds the answer here.
            let leading = lock(&self.leading);
            if let Some(answer) = lock(&answer).take() {
                return answer;
            }
            let mut jobs = std::mem::take(&mut *lock(&self.waiting));
            let rest = jobs.split_off(jobs.len().min(MAX_GROUP));
            lock(&self.waiting).splice(0..0, rest);
            self.write_for_all(&jobs);
            drop(leading);
        }
    }

    /// Carries out what is asked if nobody has to be waited for. `None`: somebody has to.
    pub fn ask_at_once(&self, ask: &Ask) -> Option<Answer> {
        match self.look(ask) {
            Ok(Some(answer)) => return Some(Ok(answer)),
            Ok(None) => {}
            Err(stopped) => return Some(Err(stopped)),
        }
        let _leading = match self.leading.try_lock() {
            Ok(leading) => leading,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        match self.write(&[ask], Duration::ZERO) {
            Err(Stopped::Fault(Fault::Busy { .. })) => None,
            Err(stopped) => Some(Err(stopped)),
            Ok(answers) => answers.into_iter().next(),
        }
    }

    fn look(&self, ask: &Ask) -> Result<Option<AgentAnswer>, Stopped> {
        let access = ask.request.access();
        look(&self.store, self.clock.as_ref(), ask.workstream.as_deref(), access, |scene, ledger| {
            self.decide(ask, scene, ledger)
        })
    }

    fn decide(&self, ask: &Ask, scene: &Scene<'_>, ledger: &mut Ledger) -> Result<AgentAnswer, Refusal> {
        decide_for_agent(scene, Caller::Server(self.server), &ask.request, ledger)
    }

    /// Answers all jobs. Those of one workstream share a commit; if that fails each is tried alone, so that
    /// nobody fails because of another one's report.
    fn write_for_all(&self, jobs: &[Job]) {
        let mut from = 0;
        while let Some(first) = jobs.get(from) {
            let same = |job: &&Job| job.ask.workstream == first.ask.workstream;
            let group = &jobs[from..from + jobs[from..].iter().take_while(same).count()];
            from += group.len();
            let asks: Vec<&Ask> = group.iter().map(|job| &job.ask).collect();
            let answers = match self.write(&asks, LOCK_WAIT) {
                Ok(answers) => answers,
                Err(stopped) if group.len() == 1 => vec![Err(stopped)],
                Err(_) => asks.iter().map(|ask| self.write_alone(ask)).collect(),
            };
            for (job, answer) in group.iter().zip(answers) {
                *lock(&job.answer) = Some(answer);
            }
        }
    }

    fn write_alone(&self, ask: &Ask) -> Answer {
        let mut answers = self.write(&[ask], LOCK_WAIT)?;
        answers.pop().unwrap_or_else(|| Err(Fault::Internal("a call has no answer".to_owned()).into()))
    }

    /// Decides what is asked of one workstream, one after the other, and commits all of it at once.
    fn write(&self, asks: &[&Ask], wait: Duration) -> Result<Vec<Answer>, Stopped> {
        let workstream = asks.first().and_then(|ask| ask.workstream.as_deref());
        let mut locked = self.store.lock_within(workstream, wait)?;
        let mut board = Arc::clone(locked.snapshot().board());
        let mut last: Option<Ledger> = None;
        let mut answers = Vec::with_capacity(asks.len());
        for ask in asks {
            let mut ledger = Ledger::new(&board, self.clock.now());
            let answer = self.decide_one(ask, &locked, &mut ledger);
            if answer.is_ok() && !ledger.is_empty() {
                board = Arc::clone(ledger.board());
                locked.see(&board);
                last = Some(ledger);
            }
            answers.push(answer);
        }
        if let Some(ledger) = last {
            locked.commit(&ledger)?;
        }
        Ok(answers)
    }

    /// A bug in one decision is no other call's.
    fn decide_one(&self, ask: &Ask, locked: &Locked, ledger: &mut Ledger) -> Answer {
        if (ask.is_cancelled)() {
            return Err(Fault::Cancelled.into());
        }
        match catch_unwind(AssertUnwindSafe(|| self.decide(ask, &locked.snapshot().scene(), ledger))) {
            Ok(decided) => Ok(decided?),
            Err(_) => Err(Fault::bug().into()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
