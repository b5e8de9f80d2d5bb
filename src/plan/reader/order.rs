//! Problems of the fields that name other threads or share files with them (DESIGN §5c). Only the whole text shows them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::files::may_overlap;
use super::super::id::ThreadId;
use super::super::problem::ProblemKind;
use super::super::{Batch, Thread};
use super::Reader;
use crate::path_style::PathStyle;

/// How many pairs of files are compared at most. A plan with more is not written by anybody, and only warnings are lost.
const MAX_PAIRS: usize = 200_000;

impl Reader<'_, '_> {
    /// Reports threads that wait for one that is not there, that comes later, or that waits for them.
    pub(super) fn order(&mut self) {
        let mut found = Vec::new();
        let known: BTreeSet<ThreadId> = self.threads.keys().copied().collect();
        for (id, _, place) in &self.fields {
            let (Some(place), Some(thread)) =
                (*place, self.plan.batches().find_map(|batch| batch.thread_unsorted(*id)))
            else {
                continue;
            };
            for other in &thread.after {
                if !known.contains(other) {
                    found.push((place, ProblemKind::AfterUnknown(*other)));
                } else if other.batch > id.batch {
                    found.push((place, ProblemKind::AfterLater(*other)));
                }
            }
        }
        let place_of =
            |id: &ThreadId| self.fields.iter().find(|(known, ..)| known == id).and_then(|(.., place)| *place);
        for batch in self.plan.batches().filter(|batch| batch.threads.iter().any(|thread| !thread.after.is_empty())) {
            if let Some(circle) = circle(batch)
                && let Some(place) = circle.first().and_then(place_of)
            {
                found.push((place, ProblemKind::AfterCycle(circle)));
            }
        }
        for (place, kind) in found {
            self.problem(place, kind, None);
        }
    }

    /// Reports threads of one batch that may change the same file at the same time.
    pub(super) fn overlaps(&mut self) {
        let mut found = Vec::new();
        let mut left = MAX_PAIRS;
        for batch in self.plan.batches() {
            let threads: Vec<&Thread> = batch.threads.iter().filter(|thread| !thread.files.is_empty()).collect();
            for (n, thread) in threads.iter().enumerate() {
                let earlier = threads[..n].iter().find_map(|other| {
                    left = left.checked_sub(thread.files.len() * other.files.len())?;
                    let is_shared =
                        |file: &&String| other.files.iter().any(|other| may_overlap(file, other, PathStyle::HERE));
                    let file = thread.files.iter().find(is_shared)?;
                    left = left.checked_sub(batch.threads.len())?;
                    (!is_ordered(batch, thread.id, other.id)).then(|| (other.id, file.clone()))
                });
                if let Some((other, file)) = earlier {
                    found.push((thread.id, ProblemKind::FilesOverlap { other, file }));
                }
            }
        }
        for (id, kind) in found {
            let place = self.fields.iter().find(|(known, ..)| *known == id).and_then(|(_, place, _)| *place);
            if let Some(place) = place {
                self.problem(place, kind, None);
            }
        }
    }
}

/// Returns threads of a batch that wait for each other, in the order of their ids, or `None` if there are none.
fn circle(batch: &Batch) -> Option<Vec<ThreadId>> {
    // Threads that can run are taken away, again and again. Those that stay are in a circle or wait for one.
    let mut rest: BTreeMap<ThreadId, Vec<ThreadId>> = batch.threads.iter().map(|t| (t.id, t.after.clone())).collect();
    let mut followers: BTreeMap<ThreadId, Vec<ThreadId>> = BTreeMap::new();
    let mut open: BTreeMap<ThreadId, usize> = BTreeMap::new();
    for (id, after) in &rest {
        let own: Vec<&ThreadId> = after.iter().filter(|other| rest.contains_key(other)).collect();
        open.insert(*id, own.len());
        for other in own {
            followers.entry(*other).or_default().push(*id);
        }
    }
    let mut free: VecDeque<ThreadId> = open.iter().filter(|(_, number)| **number == 0).map(|(id, _)| *id).collect();
    while let Some(id) = free.pop_front() {
        rest.remove(&id);
        for follower in followers.remove(&id).unwrap_or_default() {
            if let Some(number) = open.get_mut(&follower) {
                *number -= 1;
                if *number == 0 {
                    free.push_back(follower);
                }
            }
        }
    }
    // From any of them, one step back at a time, the way comes to a circle.
    let mut way = vec![*rest.keys().next()?];
    loop {
        let next = *rest.get(way.last()?)?.iter().find(|other| rest.contains_key(other))?;
        if let Some(start) = way.iter().position(|id| *id == next) {
            let mut circle = way.split_off(start);
            circle.sort_unstable();
            return Some(circle);
        }
        way.push(next);
    }
}

/// Returns whether one of two threads waits for the other one, perhaps through other threads.
fn is_ordered(batch: &Batch, one: ThreadId, other: ThreadId) -> bool {
    let waits = |from: ThreadId, to: ThreadId| {
        let mut seen = BTreeSet::from([from]);
        let mut next = VecDeque::from([from]);
        while let Some(id) = next.pop_front() {
            let after = batch.thread_unsorted(id).map(|thread| thread.after.as_slice()).unwrap_or_default();
            if after.contains(&to) {
                return true;
            }
            next.extend(after.iter().filter(|id| seen.insert(**id)));
        }
        false
    };
    waits(one, other) || waits(other, one)
}

impl Batch {
    /// Returns the thread with this id. The threads are sorted only when the whole text has been read.
    fn thread_unsorted(&self, id: ThreadId) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.id == id)
    }
}
