//! Whether a workstream is being executed. The rules about which workstream a call means depend on it (DESIGN §3).

use super::scene::{Scene, is_complete};
use crate::board::{Board, Status};
use crate::plan::{BatchId, ThreadId};

impl Scene<'_> {
    /// Returns the batch that is executed: that of the open cycle, else one with a thread in progress. Such a thread
    /// may run outside a cycle.
    pub fn executed_batch(&self, board: &Board) -> Option<BatchId> {
        let of_cycle = board.open_cycle().and_then(|cycle| self.plan.batch(cycle.batch));
        let runs = || board.threads.iter().find(|(_, thread)| thread.status == Status::InProgress);
        of_cycle.map(|batch| batch.id).or_else(|| runs().map(|(id, _)| id.batch))
    }

    /// Returns whether a call about this thread may come from an execution: the thread is in progress, or it is in the
    /// incomplete batch of the open cycle.
    pub fn is_executed(&self, board: &Board, thread: ThreadId) -> bool {
        let in_cycle = || {
            let batch = self.plan.batch(thread.batch).filter(|batch| batch.thread(thread).is_some());
            board.open_cycle_of(thread.batch).is_some() && batch.is_some_and(|batch| !is_complete(board, batch))
        };
        board.status(thread) == Status::InProgress || in_cycle()
    }
}
