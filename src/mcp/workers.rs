//! The worker threads, on which calls wait for a disk, a lock or a database. The protocol's own thread must never do
//! that.
//!
//! tokio's blocking pool would not do. If stdin is no pipe, one thread of that pool reads it as long as the server
//! lives. If the system gives no more threads, tokio would queue a call behind that thread, where it waits for ever,
//! and would panic if it had no thread at all. Here such a call is refused at once.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::fault::Fault;

/// How many calls run at once. Further calls queue.
const MAX_THREADS: usize = 16;

/// How long a thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// What a worker thread runs. The argument says whether it may wait: a fault means that there is no thread for it.
type Job = Box<dyn FnOnce(Result<(), Fault>) + Send>;

/// The body of a worker thread.
type Thread = Box<dyn FnOnce() + Send>;

/// A pool of threads, which start when there is work and end when there is none. Clones share the pool.
#[derive(Debug, Clone, Default)]
pub(super) struct Workers {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Notified when a job is queued.
    filled: Condvar,
}

#[derive(Default)]
struct State {
    /// The jobs that no thread has taken yet.
    jobs: VecDeque<Job>,
    /// How many threads there are.
    threads: usize,
    /// How many of them wait for a job. One that was notified counts until it has woken up.
    idle: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} jobs, {} threads", self.jobs.len(), self.threads)
    }
}

impl Workers {
    /// Queues a job, which must not panic, for the next free thread. If the pool has no thread and the system gives
    /// none, the job is called at once, on the thread of the caller, with [`Fault::NoThread`]. So it must not block
    /// when its argument is a fault.
    pub(super) fn run(&self, job: impl FnOnce(Result<(), Fault>) + Send + 'static) {
        self.run_on(Box::new(job), |work| std::thread::Builder::new().name("call".to_owned()).spawn(work).map(drop));
    }

    /// Queues a job and starts a thread with `spawn` if all threads are taken. The tests pass a `spawn` that fails.
    fn run_on(&self, job: Job, spawn: impl FnOnce(Thread) -> io::Result<()>) {
        let mut state = self.shared.state();
        // The queued jobs will take as many idle threads; is one left for this job?
        if state.idle <= state.jobs.len() && state.threads < MAX_THREADS {
            let shared = Arc::clone(&self.shared);
            match spawn(Box::new(move || shared.work())) {
                Ok(()) => state.threads += 1,
                // The existing threads come to the job later: each of their waits has a bound.
                Err(_) if state.threads > 0 => {}
                Err(error) => {
                    drop(state);
                    return job(Err(Fault::NoThread { why: error.to_string() }));
                }
            }
        }
        state.jobs.push_back(job);
        drop(state);
        self.shared.filled.notify_one();
    }
}

impl Shared {
    /// Runs jobs until none has come for [`IDLE`].
    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                // Not under the lock: a job may block for seconds, and the protocol's thread queues the next one.
                drop(state);
                job(Ok(()));
                state = self.state();
                continue;
            }
            state.idle += 1;
            let (woken, timeout) = self.filled.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            // A job may have been queued just as the wait ran out: `run_on` then counted on this thread.
            if timeout.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::decide::Code;

    const TOO_LONG: Duration = Duration::from_secs(60);

    #[test]
    fn there_are_no_more_threads_than_jobs_and_no_more_than_the_limit() {
        let workers = Workers::default();
        let (tell, told) = channel();
        let run = |number: usize| {
            let tell = tell.clone();
            workers.run(move |_| tell.send(number).unwrap());
        };
        for number in 0..100 {
            run(number);
            told.recv_timeout(TOO_LONG).unwrap();
            // Once the thread is idle again, the next job needs no other one.
            while workers.shared.state().idle == 0 {
                std::thread::yield_now();
            }
        }
        assert_eq!(workers.shared.state().threads, 1);
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.lock().unwrap();
        for _ in 0..100 {
            let gate = Arc::clone(&gate);
            workers.run(move |_| drop(gate.lock()));
        }
        assert_eq!(workers.shared.state().threads, MAX_THREADS);
        drop(closed);
        run(7);
        assert_eq!(told.recv_timeout(TOO_LONG), Ok(7));
    }

    #[test]
    fn without_a_thread_a_job_gets_a_fault_and_with_one_it_waits() {
        let workers = Workers::default();
        let none = |_: Thread| Err(io::ErrorKind::WouldBlock.into());
        let (tell, told) = channel();
        let job = || {
            let tell = tell.clone();
            Box::new(move |go: Result<(), Fault>| tell.send(go.map_err(|fault| fault.code())).unwrap())
        };
        workers.run_on(job(), none);
        assert_eq!(told.recv_timeout(TOO_LONG), Ok(Err(Code::Busy)));
        let (let_go, go) = channel::<()>();
        workers.run(move |_| assert!(go.recv().is_err()));
        workers.run_on(job(), none);
        drop(let_go);
        assert_eq!(told.recv_timeout(TOO_LONG), Ok(Ok(())));
    }
}
