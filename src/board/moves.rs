//! Records that follow their threads to other ids (DESIGN §7: state follows the thread, not its number).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Board;
use crate::plan::{BatchId, ThreadId};

/// Where records go when a plan with other numbers is approved. What is not named stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Moves {
    /// The threads whose records move, by their ids before; null: out of the way, since the thread left the plan
    /// and its id is another thread's now.
    pub threads: BTreeMap<ThreadId, Option<ThreadId>>,
    /// The threads, by their ids after, that stand in another batch than before: no cycle there is one of theirs.
    pub detached: BTreeSet<ThreadId>,
    /// The highest attempt, by ids after, that a worker of another thread may name that had the id before.
    pub floors: BTreeMap<ThreadId, u32>,
    /// The batches whose cycles move, by their ids before; null: they belong to no batch of the plan any more.
    pub batches: BTreeMap<BatchId, Option<BatchId>>,
}

impl Moves {
    /// Returns whether all stays where it is.
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty() && self.detached.is_empty() && self.floors.is_empty() && self.batches.is_empty()
    }

    /// Returns where the record of a thread is now; `None`: out of the way.
    pub fn of(&self, thread: ThreadId) -> Option<ThreadId> {
        self.threads.get(&thread).copied().unwrap_or(Some(thread))
    }
}

impl Board {
    /// Returns the board with all records where `moves` says. What is out of the way is on it no more.
    #[must_use]
    pub fn moved(&self, moves: &Moves) -> Self {
        let mut board = self.clone();
        board.move_records(moves);
        board
    }

    /// Returns the board with its threads under their new ids and nothing else: what was written of them before.
    pub(crate) fn with_new_ids(&self, moves: &Moves) -> Self {
        let mut board = self.clone();
        board.change_ids(moves);
        board
    }

    fn change_ids(&mut self, moves: &Moves) {
        // All are taken out first: they may change places.
        let taken: Vec<_> = moves.threads.keys().filter_map(|id| Some((*id, self.threads.remove(*id)?))).collect();
        for (from, record) in taken {
            if let Some(to) = moves.of(from) {
                self.threads.insert(to, record);
            }
        }
    }

    pub(super) fn move_records(&mut self, moves: &Moves) {
        self.change_ids(moves);
        // Only an id that a worker may have been told is worth remembering.
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
            let budgets = std::mem::take(&mut cycle.budgets).into_iter();
            let budgets = budgets.filter_map(|(id, budget)| Some((moves.of(id)?, budget)));
            cycle.budgets = budgets.filter(|(id, _)| id.batch == cycle.batch && !moves.detached.contains(id)).collect();
        }
    }
}
