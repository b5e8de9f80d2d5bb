//! The agents' door: the calls of one server process, which share their commits.
//!
//! A sync takes longer than everything else together. So what has to be written while another commit is
//! under way waits for it, and goes into the next one: one lock, one write, two syncs for all of them. Each
//! is still decided on the state that those before it left, and answered only when it is durable.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use super::{look, not_overtaken, require_a_clear_thread};
use crate::board::ServerId;
use crate::clock::Clock;
use crate::decide::{Access, AgentAnswer, AgentRequest, Caller, Ledger, Refusal, Scene, decide_for_agent};
use crate::fault::{Fault, Stopped};
use crate::plan::ThreadId;
use crate::store::{LOCK_WAIT, Locked, Snapshot, Store};

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
    queues: Mutex<HashMap<Line, Queue>>,
}

/// Calls of different lines do not wait for each other: where commits share one lock, as those of files do, there is
/// one line; else one for each workstream, as it is called.
pub type Line = Option<String>;

/// The calls that wait to be written.
#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    /// Somebody writes for all.
    is_led: bool,
}

/// What comes back from a call.
pub type Answer = Result<AgentAnswer, Stopped>;

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

    /// Carries out what is asked, and waits for others where it must.
    pub fn ask(&self, ask: Ask) -> Answer {
        if let Some(answer) = self.look(&ask)? {
            return Ok(answer);
        }
        let (sender, receiver) = mpsc::channel();
        let tell = move |answer| drop(sender.send(answer));
        if let Some(line) = self.submit(ask, tell) {
            self.lead(&line);
        }
        // Nobody tells it if there is a bug on the way.
        receiver.recv().unwrap_or_else(|_| Err(Fault::bug().into()))
    }

    /// Carries out what is asked if nobody has to be waited for. `None`: somebody has to.
    pub fn ask_at_once(&self, ask: &Ask) -> Option<Answer> {
        match self.look(ask) {
            Ok(Some(answer)) => return Some(Ok(answer)),
            Ok(None) => {}
            Err(stopped) => return Some(Err(stopped)),
        }
        let line = self.line(ask);
        let leading = self.take_the_lead(&line)?;
        let written = self.write(&[ask], Duration::ZERO);
        drop(leading);
        // Who came meanwhile has found the lead taken.
        if self.has_jobs(&line) {
            self.lead(&line);
        }
        match written {
            Err(Stopped::Fault(Fault::Busy { .. })) => None,
            Err(stopped) => Some(Err(stopped)),
            Ok(answers) => answers.into_iter().next(),
        }
    }

    /// Lets a call that writes wait for the next commit of its line. Returns the line if nobody writes for it:
    /// then the caller calls [`AgentDoor::lead`], from a thread that may wait.
    pub fn submit(&self, ask: Ask, tell: impl FnOnce(Answer) + Send + 'static) -> Option<Line> {
        let line = self.line(&ask);
        let mut queues = self.queues();
        let queue = queues.entry(line.clone()).or_default();
        queue.jobs.push(Job { ask, tell: Box::new(tell) });
        (!queue.is_led).then_some(line)
    }

    /// Writes for all of the line until nobody waits.
    pub fn lead(&self, line: &Line) {
        loop {
            let Some(leading) = self.take_the_lead(line) else { return };
            loop {
                let jobs: Vec<Job> = {
                    let mut queues = self.queues();
                    let queue = queues.entry(line.clone()).or_default();
                    let number = queue.jobs.len().min(MAX_GROUP);
                    queue.jobs.drain(..number).collect()
                };
                if jobs.is_empty() {
                    break;
                }
                self.write_for_all(jobs);
            }
            // Who came after the last look and before the lead was given back has found it taken.
            drop(leading);
            if !self.has_jobs(line) {
                return;
            }
        }
    }

    fn line(&self, ask: &Ask) -> Line {
        if self.store.is_near() { None } else { ask.workstream.clone() }
    }

    fn take_the_lead<'d>(&'d self, line: &'d Line) -> Option<Lead<'d>> {
        let was_led = std::mem::replace(&mut self.queues().entry(line.clone()).or_default().is_led, true);
        (!was_led).then_some(Lead { door: self, line })
    }

    fn has_jobs(&self, line: &Line) -> bool {
        self.queues().get(line).is_some_and(|queue| !queue.jobs.is_empty())
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<Line, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides without the lock what changes nothing. `None`: it is to be written.
    pub fn look(&self, ask: &Ask) -> Result<Option<AgentAnswer>, Stopped> {
        if let Some(thread) = ask.unclear().filter(|_| !self.store.is_near()) {
            require_a_clear_thread(self.store.as_ref(), thread)?;
        }
        let access = ask.request.access();
        look(self.store.as_ref(), self.clock.as_ref(), ask.workstream.as_deref(), access, |scene, ledger| {
            self.decide(ask, scene, ledger)
        })
    }

    /// Returns whether there is something to look at before it is written.
    pub fn is_looked_at(&self, ask: &Ask) -> bool {
        ask.request.access() != Access::Writes || !self.store.is_near() && ask.unclear().is_some()
    }

    fn decide(&self, ask: &Ask, scene: &Scene<'_>, ledger: &mut Ledger) -> Result<AgentAnswer, Refusal> {
        decide_for_agent(scene, Caller::Server(self.server), &ask.request, ledger)
    }

    /// Answers all jobs. Those of one workstream share a commit; if that fails each is tried alone, so that
    /// nobody fails because of another one's report.
    fn write_for_all(&self, jobs: Vec<Job>) {
        let mut jobs = jobs.into_iter().peekable();
        while let Some(first) = jobs.next() {
            let mut group = vec![first];
            while let Some(job) = jobs.next_if(|job| job.ask.workstream == group[0].ask.workstream) {
                group.push(job);
            }
            let asks: Vec<&Ask> = group.iter().map(|job| &job.ask).collect();
            let answers = match self.write(&asks, LOCK_WAIT) {
                Ok(answers) => answers,
                Err(stopped) if group.len() == 1 => vec![Err(stopped)],
                Err(stopped) => {
                    let answer = |ask| stopped.of_all().map_or_else(|| self.write_alone(ask), |same| Err(same.into()));
                    asks.iter().map(|ask| answer(*ask)).collect()
                }
            };
            for (job, answer) in group.into_iter().zip(answers) {
                (job.tell)(answer);
            }
        }
    }

    fn write_alone(&self, ask: &Ask) -> Answer {
        let mut answers = self.write(&[ask], LOCK_WAIT)?;
        answers.pop().unwrap_or_else(|| Err(Fault::Internal("a call has no answer".to_owned()).into()))
    }

    /// Decides what is asked of one workstream, one after the other, and commits all of it at once: first on what is
    /// known, where nothing has to be locked for it.
    fn write(&self, asks: &[&Ask], wait: Duration) -> Result<Vec<Answer>, Stopped> {
        let workstream = asks.first().and_then(|ask| ask.workstream.as_deref());
        if let Some(known) = self.store.known(workstream) {
            match self.decide_and_commit(asks, known) {
                // What was refused may be known wrongly, unless it was written beside something else.
                Ok((_, false)) | Err(Fault::Overtaken { .. }) => {}
                Ok((answers, true)) => return Ok(answers),
                Err(fault) => return Err(fault.into()),
            }
        }
        not_overtaken(|| Ok(self.decide_and_commit(asks, self.store.lock_within(workstream, wait)?)?.0))
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
        // A database is asked before its rows are locked, as its connection is in use while they are.
        if let Some(thread) = ask.unclear().filter(|_| self.store.is_near())
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

/// Held by the one who writes for all of a line.
struct Lead<'d> {
    door: &'d AgentDoor,
    line: &'d Line,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queues = self.door.queues();
        match queues.get_mut(self.line) {
            // A name that nobody calls any more is forgotten.
            Some(queue) if queue.jobs.is_empty() => drop(queues.remove(self.line)),
            Some(queue) => queue.is_led = false,
            None => {}
        }
    }
}
