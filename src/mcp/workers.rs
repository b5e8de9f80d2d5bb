//! The threads on which calls wait: for a disk, a lock, a database. The protocol's own thread never does.
//!
//! Not tokio's own pool: where stdin is no pipe, a thread of that pool reads it for as long as the server lives. Where
//! the system gives no more threads, that pool would let a call wait for that one, and panic where there is none.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::fault::Fault;

/// How many calls are carried out at once; others wait for a thread.
const MAX_THREADS: usize = 16;

/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(10);

/// What is carried out, or told why it cannot be.
type Job = Box<dyn FnOnce(Result<(), Fault>) + Send>;

/// What a thread runs.
type Thread = Box<dyn FnOnce() + Send>;

/// Threads that are started when there is work and end when there is none.
#[derive(Debug, Clone, Default)]
pub(super) struct Workers {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// There is a job.
    filled: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    /// Those of them that wait for a job.
    idle: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} jobs, {} threads", self.jobs.len(), self.threads)
    }
}

impl Workers {
    /// Carries out a job, which does not panic, on a thread of its own as soon as one is free. Where the system gives
    /// no thread, and there is none that could come to it later, the job is told so at once: [`Fault::NoThread`].
    pub(super) fn run(&self, job: impl FnOnce(Result<(), Fault>) + Send + 'static) {
        self.run_on(Box::new(job), |work| std::thread::Builder::new().name("call".to_owned()).spawn(work).map(drop));
    }

    fn run_on(&self, job: Job, spawn: impl FnOnce(Thread) -> io::Result<()>) {
        let mut state = self.shared.state();
        if state.idle <= state.jobs.len() && state.threads < MAX_THREADS {
            let shared = Arc::clone(&self.shared);
            match spawn(Box::new(move || shared.work())) {
                Ok(()) => state.threads += 1,
                // Those that there are come to it in the end: each wait of theirs has a bound.
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
    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job(Ok(()));
                state = self.state();
                continue;
            }
            state.idle += 1;
            let (woken, timeout) = self.filled.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
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
            // One whose thread waits again is carried out by that one.
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
    fn without_a_thread_a_job_is_told_so_and_with_one_it_waits() {
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
