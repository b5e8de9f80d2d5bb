//! The threads of a board, batch by batch.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{ServerId, Status, Thread};
use crate::plan::{BatchId, ThreadId};

/// The threads that something has happened to, by id.
///
/// They are shared with the boards that this one was made from: who changes a thread copies its batch and
/// nothing else, and what is said of a batch is worked out once until then. So neither a change nor a question
/// looks at the threads of batches that it does not concern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Threads(BTreeMap<BatchId, Arc<BatchThreads>>);

#[derive(Clone, Default)]
struct BatchThreads {
    threads: BTreeMap<ThreadId, Arc<Thread>>,
    /// Worked out when it is asked for; a change forgets it.
    digest: OnceLock<Digest>,
}

/// What is said of the threads of a batch.
#[derive(Debug, Clone, Default)]
pub struct Digest {
    /// Those that are completed or cancelled, by id.
    pub done: Vec<ThreadId>,
    /// Those whose record says more than a name, by id.
    pub touched: Vec<ThreadId>,
    /// Those with an attempt that runs under a server process, by id.
    pub running: Vec<(ThreadId, ServerId)>,
    /// The agents that they are assigned or were run by, in order; neighbours differ.
    pub agents: Vec<String>,
}

impl Threads {
    /// Returns whether nothing has happened to any thread.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the thread, if something has happened to it.
    pub fn get(&self, id: ThreadId) -> Option<&Thread> {
        self.0.get(&id.batch)?.threads.get(&id).map(Arc::as_ref)
    }

    /// Returns all of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = (ThreadId, &Thread)> {
        self.0.values().flat_map(|batch| batch.iter())
    }

    /// Returns those of a batch, by id.
    pub fn of(&self, batch: BatchId) -> impl Iterator<Item = (ThreadId, &Thread)> {
        self.0.get(&batch).into_iter().flat_map(|batch| batch.iter())
    }

    /// Returns what is said of the threads of a batch, if something has happened to any.
    pub fn digest(&self, batch: BatchId) -> Option<&Digest> {
        self.0.get(&batch).map(|batch| batch.digest())
    }

    /// Returns what is said of the threads of each batch.
    pub fn digests(&self) -> impl Iterator<Item = (BatchId, &Digest)> {
        self.0.iter().map(|(id, batch)| (*id, batch.digest()))
    }

    /// Returns the threads that are not as they were `before`, by id, each with what it was.
    pub fn changed<'t>(&'t self, before: &'t Self) -> impl Iterator<Item = (ThreadId, Option<&'t Thread>, &'t Thread)> {
        let batches = self.0.iter().filter(|(id, batch)| before.0.get(id).is_none_or(|was| !Arc::ptr_eq(was, batch)));
        batches.flat_map(|(_, batch)| batch.iter()).filter_map(|(id, thread)| {
            let was = before.get(id);
            was.is_none_or(|was| !std::ptr::eq(was, thread) && was != thread).then_some((id, was, thread))
        })
    }

    /// Returns the thread to change it, if something has happened to it.
    pub fn get_mut(&mut self, id: ThreadId) -> Option<&mut Thread> {
        let batch = self.0.get_mut(&id.batch).filter(|batch| batch.threads.contains_key(&id))?;
        Arc::make_mut(batch).change().get_mut(&id).map(Arc::make_mut)
    }

    /// Returns the thread to change it; one that nothing has happened to yet is added.
    pub fn get_or_add(&mut self, id: ThreadId) -> &mut Thread {
        let batch = Arc::make_mut(self.0.entry(id.batch).or_default());
        Arc::make_mut(batch.change().entry(id).or_default())
    }

    /// Takes the thread out, if something has happened to it.
    pub fn remove(&mut self, id: ThreadId) -> Option<Thread> {
        let batch = self.0.get_mut(&id.batch).filter(|batch| batch.threads.contains_key(&id))?;
        let thread = Arc::make_mut(batch).change().remove(&id)?;
        if batch.threads.is_empty() {
            self.0.remove(&id.batch);
        }
        Some(Arc::unwrap_or_clone(thread))
    }

    /// Sets the thread. Returns whether there was one.
    pub fn insert(&mut self, id: ThreadId, thread: Thread) -> bool {
        let batch = Arc::make_mut(self.0.entry(id.batch).or_default());
        batch.change().insert(id, Arc::new(thread)).is_some()
    }
}

impl BatchThreads {
    fn iter(&self) -> impl Iterator<Item = (ThreadId, &Thread)> {
        self.threads.iter().map(|(id, thread)| (*id, &**thread))
    }

    fn change(&mut self) -> &mut BTreeMap<ThreadId, Arc<Thread>> {
        self.digest.take();
        &mut self.threads
    }

    fn digest(&self) -> &Digest {
        self.digest.get_or_init(|| Digest::of(self.iter()))
    }
}

/// What was worked out of the threads says nothing that they do not.
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
    fn a_change_copies_its_batch_and_forgets_what_was_said_of_it() {
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
