//! The threads of a board, grouped by batch, with copy-on-write and a cached digest per batch.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{ServerId, Status, Thread};
use crate::plan::{BatchId, ThreadId};

/// The records of threads, by id.
///
/// Copies share their batches. A change copies the batch of its thread and nothing else (copy-on-write), and the digest
/// of a batch is computed once until the batch changes. So the cost of a change or a question does not grow with the
/// batches that it does not concern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Threads(BTreeMap<BatchId, Arc<BatchThreads>>);

#[derive(Clone, Default)]
struct BatchThreads {
    threads: BTreeMap<ThreadId, Arc<Thread>>,
    /// Computed at the first question. Each change resets it.
    digest: OnceLock<Digest>,
}

/// Answers about the threads of a batch that the rules need often.
#[derive(Debug, Clone, Default)]
pub struct Digest {
    /// The threads that are completed or cancelled, by id.
    pub done: Vec<ThreadId>,
    /// The threads that have another status than pending, an attempt or an assignment, by id.
    pub touched: Vec<ThreadId>,
    /// The threads whose running attempt is owned by a server process, by id.
    pub running: Vec<(ThreadId, ServerId)>,
    /// The threads whose reports claim what was not there, by id.
    pub unproven: Vec<ThreadId>,
    /// The agents to which threads are assigned or which ran them, by thread. Names may occur again, but not twice in a
    /// row.
    pub agents: Vec<String>,
}

impl Threads {
    /// Returns whether no thread has a record.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the record of the thread, if there is one.
    pub fn get(&self, id: ThreadId) -> Option<&Thread> {
        self.0.get(&id.batch)?.threads.get(&id).map(Arc::as_ref)
    }

    /// Returns all records, by id.
    pub fn iter(&self) -> impl Iterator<Item = (ThreadId, &Thread)> {
        self.0.values().flat_map(|batch| batch.iter())
    }

    /// Returns the records of a batch, by id.
    pub fn of(&self, batch: BatchId) -> impl Iterator<Item = (ThreadId, &Thread)> {
        self.0.get(&batch).into_iter().flat_map(|batch| batch.iter())
    }

    /// Returns the digest of a batch; `None` if no thread of it has a record.
    pub fn digest(&self, batch: BatchId) -> Option<&Digest> {
        self.0.get(&batch).map(|batch| batch.digest())
    }

    /// Returns the digests of all batches that have records, by id.
    pub fn digests(&self) -> impl Iterator<Item = (BatchId, &Digest)> {
        self.0.iter().map(|(id, batch)| (*id, batch.digest()))
    }

    /// Returns the records that differ from those in `before`, by id: each with the record before, if there was one,
    /// and the record now. Shared batches are skipped without a look at their threads. Removed records are not
    /// reported.
    pub fn changed<'t>(&'t self, before: &'t Self) -> impl Iterator<Item = (ThreadId, Option<&'t Thread>, &'t Thread)> {
        let batches = self.0.iter().filter(|(id, batch)| before.0.get(id).is_none_or(|was| !Arc::ptr_eq(was, batch)));
        batches.flat_map(|(_, batch)| batch.iter()).filter_map(|(id, thread)| {
            let was = before.get(id);
            was.is_none_or(|was| !std::ptr::eq(was, thread) && was != thread).then_some((id, was, thread))
        })
    }

    /// Returns the record of the thread for a change, if there is one.
    pub fn get_mut(&mut self, id: ThreadId) -> Option<&mut Thread> {
        let batch = self.0.get_mut(&id.batch).filter(|batch| batch.threads.contains_key(&id))?;
        Arc::make_mut(batch).change().get_mut(&id).map(Arc::make_mut)
    }

    /// Returns the record of the thread for a change. It adds one if there is none.
    pub fn get_or_add(&mut self, id: ThreadId) -> &mut Thread {
        let batch = Arc::make_mut(self.0.entry(id.batch).or_default());
        Arc::make_mut(batch.change().entry(id).or_default())
    }

    /// Removes and returns the record of the thread, if there is one.
    pub fn remove(&mut self, id: ThreadId) -> Option<Thread> {
        let batch = self.0.get_mut(&id.batch).filter(|batch| batch.threads.contains_key(&id))?;
        let thread = Arc::make_mut(batch).change().remove(&id)?;
        if batch.threads.is_empty() {
            self.0.remove(&id.batch);
        }
        Some(Arc::unwrap_or_clone(thread))
    }

    /// Sets the record of the thread. Returns whether it replaced one.
    pub fn insert(&mut self, id: ThreadId, thread: Thread) -> bool {
        let batch = Arc::make_mut(self.0.entry(id.batch).or_default());
        batch.change().insert(id, Arc::new(thread)).is_some()
    }
}

impl BatchThreads {
    fn iter(&self) -> impl Iterator<Item = (ThreadId, &Thread)> {
        self.threads.iter().map(|(id, thread)| (*id, &**thread))
    }

    /// Returns the records for a change, and resets the digest.
    fn change(&mut self) -> &mut BTreeMap<ThreadId, Arc<Thread>> {
        self.digest.take();
        &mut self.threads
    }

    fn digest(&self) -> &Digest {
        self.digest.get_or_init(|| Digest::of(self.iter()))
    }
}

/// Compares the records only. The digest follows from them, and may not be computed yet.
impl PartialEq for BatchThreads {
    fn eq(&self, other: &Self) -> bool {
        self.threads == other.threads
    }
}

impl Eq for BatchThreads {}

impl fmt::Debug for BatchThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.threads.fmt(f)
    }
}

impl Digest {
    fn of<'t>(threads: impl Iterator<Item = (ThreadId, &'t Thread)>) -> Self {
        let mut digest = Self::default();
        for (id, thread) in threads {
            if thread.status.is_done() {
                digest.done.push(id);
            }
            if thread.status != Status::Pending || !thread.attempts.is_empty() || thread.assigned_agent.is_some() {
                digest.touched.push(id);
            }
            if !thread.unproven.is_empty() {
                digest.unproven.push(id);
            }
            if let Some(server) = thread.running().and_then(|attempt| attempt.server) {
                digest.running.push((id, server));
            }
            let ran = thread.attempts.iter().map(|attempt| attempt.agent.as_str());
            for agent in thread.assigned_agent.as_deref().into_iter().chain(ran) {
                if digest.agents.last().is_none_or(|last| last != agent) {
                    digest.agents.push(agent.to_owned());
                }
            }
        }
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_copies_its_batch_and_resets_the_digest() {
        let (one, other) = (ThreadId::new(1, 1, 1), ThreadId::new(1, 2, 1));
        let mut before = Threads::default();
        before.get_or_add(one).status = Status::Completed;
        before.get_or_add(other).status = Status::Completed;
        assert_eq!(before.digest(one.batch).unwrap().done, [one]);

        let mut after = before.clone();
        after.get_mut(one).unwrap().status = Status::Pending;
        assert!(after.digest(one.batch).unwrap().done.is_empty());
        assert!(std::ptr::eq(before.get(other).unwrap(), after.get(other).unwrap()));
        let changed: Vec<ThreadId> = after.changed(&before).map(|(id, ..)| id).collect();
        assert_eq!(changed, [one]);

        after.get_mut(one).unwrap().status = Status::Completed;
        assert_eq!(after, before);
        assert_eq!(after.changed(&before).count(), 0, "a change and its opposite are none");
        assert!(after.get_mut(ThreadId::new(1, 1, 2)).is_none());
    }
}
