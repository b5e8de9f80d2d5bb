//! Lines that may be prose. They are reported only if nothing else in the plan is what they name.

use std::collections::HashSet;

use super::super::id::{BatchId, StageNumber, ThreadId};
use super::super::lines::begins;
use super::super::outline::BlockKind;
use super::super::problem::{Level, ProblemKind};
use super::{Mark, Place, Reader, Section, Weak, wanted};

impl Reader<'_, '_> {
    /// Keeps a line that may be prose until the whole text is known.
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
        let is_prose = self.is_prose(mark);
        let line = mark.line.clone();
        self.weak.push(Weak { line, level: mark.level, number: number.map(|_| place), own, wanted, is_prose });
        let is_known = match (mark.level, number, place) {
            (Level::Stage, Some(number), _) => self.stages.contains_key(&StageNumber(number)),
            (Level::Batch, Some(number), Place { stage: Some(stage), .. }) => {
                self.batches.contains_key(&BatchId { stage, number })
            }
            _ => true,
        };
        // A stage or batch of this number is missing so far. Read what follows as if this line opened it.
        if !is_known && self.in_stages && self.section != Section::ThreadBody {
            self.go_to(mark, false);
        }
    }

    /// Returns whether a line is more likely a sentence: it is in the text of a thread or outside the stages, and
    /// what follows it is not what follows such a heading.
    fn is_prose(&self, mark: &Mark) -> bool {
        let block = self.source.outline.block_at(mark.line.start);
        let is_underlined = block.is_some_and(|block| block.kind == BlockKind::Underlined);
        if is_underlined || begins(self.source, mark.line.end, mark.level) {
            return false;
        }
        let is_bold = self.source.text[mark.line.clone()].contains("**");
        let name = mark.name.trim();
        let is_title = name.starts_with(char::is_uppercase)
            && !name.ends_with(['.', '!', '?', ',', ';'])
            && name.split_whitespace().count() <= 8;
        let is_next = |batch| mark.numbers.last().is_some_and(|number| self.is_next(batch, *number));
        let counts_on = mark.level == Level::Thread && !mark.is_task && self.place.batch.is_some_and(is_next);
        match self.section {
            Section::ThreadBody => !(counts_on && (is_title || mark.numbers.len() == 3)),
            _ if self.in_stages => false,
            _ => self.had_stages || !is_bold,
        }
    }

    /// Reports the kept lines that name a stage, batch or thread that no heading has.
    pub(super) fn weak_lines(&mut self) {
        let places: HashSet<usize> = self.stages.values().chain(self.batches.values()).copied().collect();
        let batches: HashSet<u16> = self.batches.keys().map(|id| id.number).collect();
        let threads: HashSet<u16> = self.threads.keys().map(|id| id.number).collect();
        let of_stages: HashSet<_> = self.threads.keys().map(|id| (id.batch.stage, id.number)).collect();
        for weak in std::mem::take(&mut self.weak) {
            let Weak { line, level, number, own, wanted, is_prose } = weak;
            let is_known = number.is_some_and(|Place { stage, batch, .. }| match (level, stage, batch) {
                (Level::Stage, ..) => self.stages.contains_key(&StageNumber(own)),
                (Level::Batch, Some(stage), _) => self.batches.contains_key(&BatchId { stage, number: own }),
                (Level::Batch, None, _) => batches.contains(&own),
                (Level::Thread, _, Some(batch)) => self.threads.contains_key(&ThreadId { batch, number: own }),
                (Level::Thread, Some(stage), None) => of_stages.contains(&(stage, own)),
                (Level::Thread, None, None) => threads.contains(&own),
            });
            // The stage or batch of this number is the line itself: `weak_mark` opened it.
            let is_kept = places.contains(&line.start);
            if is_prose && !is_known {
                self.problem(line.start, ProblemKind::MaybeHeading { level, wanted }, None);
            } else if !is_known || is_kept {
                self.problem(line.start, ProblemKind::Lookalike { level, wanted }, None);
            }
        }
    }
}
