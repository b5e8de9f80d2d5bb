//! Moves of records: state follows the thread, not its number (DESIGN §7). Which record goes where is decided elsewhere
//! (`decide::plan_diff`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Board;
use crate::plan::{BatchId, ThreadId};

/// Where records and cycles go when a plan with other numbers is approved. What is not listed stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Moves {
    /// The new ids of the records that move, by their old ids; null: the thread left the plan and another thread has
    /// its id now, so the record goes to `left` in threads.json.
    pub threads: BTreeMap<ThreadId, Option<ThreadId>>,
    /// The new ids of threads that are in another batch than before. Their attempts count in no cycle of that batch.
    pub detached: BTreeSet<ThreadId>,
    /// The new `attemptFloor` of threads, by their new ids: the highest attempt number that a worker of the former
    /// thread with that id may name.
    pub floors: BTreeMap<ThreadId, u32>,
    /// The new ids of the batches whose cycles move, by their old ids; null: the batch left the plan and another one
    /// has its id now.
    pub batches: BTreeMap<BatchId, Option<BatchId>>,
}

impl Moves {
    /// Returns whether nothing moves.
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty() && self.detached.is_empty() && self.floors.is_empty() && self.batches.is_empty()
    }

    /// Returns the new id of the record of a thread; `None`: the record leaves the board.
    pub fn of(&self, thread: ThreadId) -> Option<ThreadId> {
        self.threads.get(&thread).copied().unwrap_or(Some(thread))
    }
}

impl Board {
    /// Returns a copy of the board in which the moves are carried out. Records that go to `left` are not in it.
    #[must_use]
    pub fn moved(&self, moves: &Moves) -> Self {
        let mut board = self.clone();
        board.move_records(moves);
        board
    }

    /// Returns a copy of the board in which records have their new ids and nothing else is changed. It shows what the
    /// stored records say, so that a store can write the differences only.
    pub(crate) fn with_new_ids(&self, moves: &Moves) -> Self {
        let mut board = self.clone();
        board.change_ids(moves);
        board
    }

    fn change_ids(&mut self, moves: &Moves) {
        // All are taken out before any is put back, because two threads may exchange their ids.
        let taken: Vec<_> = moves.threads.keys().filter_map(|id| Some((*id, self.threads.remove(*id)?))).collect();
        for (from, record) in taken {
            if let Some(to) = moves.of(from) {
                self.threads.insert(to, record);
            }
        }
    }

    pub(super) fn move_records(&mut self, moves: &Moves) {
        self.change_ids(moves);
        // Only an id with a floor was ever handed out, so only such an id can be named by a late worker.
        for (from, to) in moves.threads.iter().filter(|(from, _)| moves.floors.contains_key(from)) {
            if let Some(thread) =
                to.and_then(|to| self.threads.get_mut(to)).filter(|thread| !thread.former_ids.contains(from))
            {
                thread.former_ids.push(*from);
            }
        }
        for id in &moves.detached {
            for attempt in self.threads.get_mut(*id).into_iter().flat_map(|thread| &mut thread.attempts) {
                attempt.cycle = None;
            }
        }
        for (id, floor) in &moves.floors {
            let thread = self.threads.get_or_add(*id);
            thread.attempt_floor = thread.attempt_floor.max(*floor);
        }
        for cycle in &mut self.cycles {
            match moves.batches.get(&cycle.batch) {
                _ if cycle.left => {}
                None => {}
                Some(Some(batch)) => cycle.batch = *batch,
                Some(None) => cycle.left = true,
            }
            // A thread that went to another batch has used nothing in the cycles of its new one.
            let budgets = std::mem::take(&mut cycle.budgets).into_iter();
            let budgets = budgets.filter_map(|(id, budget)| Some((moves.of(id)?, budget)));
            cycle.budgets = budgets.filter(|(id, _)| id.batch == cycle.batch && !moves.detached.contains(id)).collect();
        }
    }
}
