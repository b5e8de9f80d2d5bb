//! Lines that may be prose: told where nothing else in the plan is what they name.

use std::collections::HashSet;

use super::super::id::{BatchId, StageNumber, ThreadId};
use super::super::problem::{Level, ProblemKind};
use super::{Mark, Place, Reader, Section, Weak, wanted};

impl Reader<'_, '_> {
    /// Keeps a line that may be prose until it is known what else there is.
    pub(super) fn weak_mark(&mut self, mark: &Mark) {
        let number = mark.numbers.last().copied();
        let own = number.unwrap_or_default();
        let mut place = self.place;
        match (mark.level, mark.numbers.as_slice()) {
            (Level::Batch, [stage, _]) => place.stage = Some(StageNumber(*stage)),
            (Level::Thread, [stage, batch, _]) => place.batch = Some(BatchId::new(*stage, *batch)),
            _ => {}
        }
        let wanted = wanted(mark, mark.level.hashes(), own.max(1));
        self.weak.push(Weak { line: mark.line.clone(), level: mark.level, number: number.map(|_| place), own, wanted });
        let is_known = match (mark.level, number, place) {
            (Level::Stage, Some(number), _) => self.stages.contains_key(&StageNumber(number)),
            (Level::Batch, Some(number), Place { stage: Some(stage), .. }) => {
                self.batches.contains_key(&BatchId { stage, number })
            }
            _ => true,
        };
        // What stands below it is read as if it were there.
        if !is_known && self.in_stages && self.section != Section::ThreadBody {
            self.go_to(mark, false);
        }
    }

    /// Tells the lines that would be a part of the plan that nothing else is.
    pub(super) fn weak_lines(&mut self) {
        let places: HashSet<usize> = self.stages.values().chain(self.batches.values()).copied().collect();
        let batches: HashSet<u16> = self.batches.keys().map(|id| id.number).collect();
        let threads: HashSet<u16> = self.threads.keys().map(|id| id.number).collect();
        let of_stages: HashSet<_> = self.threads.keys().map(|id| (id.batch.stage, id.number)).collect();
        for weak in std::mem::take(&mut self.weak) {
            let Weak { line, level, number, own, wanted } = weak;
            let is_known = number.is_some_and(|Place { stage, batch, .. }| match (level, stage, batch) {
                (Level::Stage, ..) => self.stages.contains_key(&StageNumber(own)),
                (Level::Batch, Some(stage), _) => self.batches.contains_key(&BatchId { stage, number: own }),
                (Level::Batch, None, _) => batches.contains(&own),
                (Level::Thread, _, Some(batch)) => self.threads.contains_key(&ThreadId { batch, number: own }),
                (Level::Thread, Some(stage), None) => of_stages.contains(&(stage, own)),
                (Level::Thread, None, None) => threads.contains(&own),
            });
            // It is what it names itself.
            let is_kept = places.contains(&line.start);
            if !is_known || is_kept {
                self.problem(line.start, ProblemKind::Lookalike { level, wanted }, None);
            }
        }
    }
}
