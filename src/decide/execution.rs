//! Whether a workstream is being executed, so that what a person begins beside it must not take its calls.

use super::scene::{Scene, is_complete};
use crate::board::{Board, Status};
use crate::plan::BatchId;

impl Scene<'_> {
    /// Returns the batch that is executed: that of the open cycle until it is complete, else one in which a thread
    /// is in progress, which takes no cycle.
    pub fn executed_batch(&self, board: &Board) -> Option<BatchId> {
        let of_cycle = board.open_cycle().and_then(|cycle| self.plan.batch(cycle.batch));
        let of_cycle = of_cycle.filter(|batch| !is_complete(board, batch)).map(|batch| batch.id);
        let runs = || board.threads.iter().find(|(_, thread)| thread.status == Status::InProgress);
        of_cycle.or_else(|| runs().map(|(id, _)| id.batch))
    }
}
