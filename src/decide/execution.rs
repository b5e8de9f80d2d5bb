//! Whether a workstream is being executed, so that what a person begins beside it must not take its calls.

use super::scene::{Scene, is_complete};
use crate::board::{Board, Status};
use crate::plan::{BatchId, ThreadId};

impl Scene<'_> {
    /// Returns the batch that is executed: that of the open cycle, else one in which a thread is in progress, which
    /// takes no cycle.
    pub fn executed_batch(&self, board: &Board) -> Option<BatchId> {
        let of_cycle = board.open_cycle().and_then(|cycle| self.plan.batch(cycle.batch));
        let runs = || board.threads.iter().find(|(_, thread)| thread.status == Status::InProgress);
        of_cycle.map(|batch| batch.id).or_else(|| runs().map(|(id, _)| id.batch))
    }

    /// Returns whether a call about the thread can be one of an execution: it runs, or its batch is executed and not
    /// complete.
    pub fn is_executed(&self, board: &Board, thread: ThreadId) -> bool {
        let in_cycle = || {
            let batch = self.plan.batch(thread.batch).filter(|batch| batch.thread(thread).is_some());
            board.open_cycle_of(thread.batch).is_some() && batch.is_some_and(|batch| !is_complete(board, batch))
        };
        board.status(thread) == Status::InProgress || in_cycle()
    }
}
