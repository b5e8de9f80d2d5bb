//! Headings of the structure: their level, their number, and what is wrong with them.

use super::super::agents::{Named, named_in};
use super::super::id::{BatchId, MAX_NUMBER, StageNumber, ThreadId};
use super::super::label::{Label, label};
use super::super::lookalike::{Look, bare_number, look, other_number};
use super::super::outline::Heading;
use super::super::problem::{Edit, Level, ProblemKind};
use super::super::template::is_of_template;
use super::{Mark, Place, Reader, Section, wanted};

impl Reader<'_, '_> {
    /// Returns the heading as one of the structure, or `None` if it is not meant as one.
    pub(super) fn mark_of(&self, heading: &Heading, title: &str, named: Named) -> Option<Mark> {
        let line = self.source.trimmed(heading.range.clone());
        let text = &self.source.text[line.clone()];
        let mut mark = Mark {
            end: heading.range.end,
            level: Level::Stage,
            hashes: usize::from(heading.level),
            numbers: Vec::new(),
            name: String::new(),
            source_name: String::new(),
            named,
            is_spelled_right: false,
            is_certain: true,
            is_task: false,
            is_several: false,
            line,
        };
        let strict = label(title);
        let seen = look(text);
        mark.source_name = seen.as_ref().map(|look| look.name.clone()).unwrap_or_default();
        if let Some(Look { level, numbers, is_several: true, .. }) = seen {
            let named = Named::default();
            return Some(Mark {
                level,
                numbers,
                named,
                is_certain: false,
                is_several: true,
                source_name: String::new(),
                ..mark
            });
        }
        match (strict, seen) {
            (Some(Label { level, number: Some(number), name }), _) => {
                let source_name = if mark.source_name.is_empty() { name.clone() } else { mark.source_name };
                mark = Mark { level, numbers: vec![number], name, source_name, is_spelled_right: true, ..mark };
            }
            (_, Some(Look { level, numbers, name, is_task, is_separated, .. }))
                if !numbers.is_empty() || is_separated =>
            {
                // Where it is struck out or a link, the author's wish is unclear, so it gets no edit.
                mark.is_certain = !text.contains("~~") && !text.contains("](");
                mark.named = named_in(&name);
                let name = mark.named.rest.clone();
                mark = Mark { level, numbers, name, is_task, ..mark };
            }
            (Some(Label { level, name, .. }), _) => mark = Mark { level, name, ..mark },
            (None, _) => {
                let hashes = usize::from(heading.level);
                let bare = bare_number(title).and_then(|(numbers, name)| {
                    let (level, is_certain) = self.numbered(hashes, &numbers, title.starts_with('0'))?;
                    Some((level, numbers, name, is_certain))
                });
                let (level, numbers, name, is_certain) = bare.or_else(|| {
                    let (level, numbers, name) = other_number(title)?;
                    Some((self.other(hashes, level, &numbers)?, numbers, name, false))
                })?;
                mark = Mark { level, numbers, source_name: name.clone(), name, is_certain, ..mark };
            }
        }
        Some(mark)
    }

    /// Returns the level of a heading that has a number but no word, judged by its place, and whether that is
    /// certain.
    fn numbered(&self, hashes: usize, numbers: &[u16], is_padded: bool) -> Option<(Level, bool)> {
        let Place { stage, batch, .. } = self.place;
        let in_body = self.section == Section::ThreadBody;
        match *numbers {
            _ if !self.in_stages => None,
            [stage_of, batch_of, _] if batch == Some(BatchId::new(stage_of, batch_of)) => Some((Level::Thread, true)),
            [stage_of, ..] if numbers.len() == 3 && stage == Some(StageNumber(stage_of)) => {
                (!in_body || hashes > 4).then_some((Level::Thread, false))
            }
            [stage_of, number] if stage == Some(StageNumber(stage_of)) => {
                // In the text of a thread it is a chapter of that text, unless its number is that of the next batch.
                let is_one = !in_body || (3..6).contains(&hashes) && self.is_next_batch(number);
                is_one.then_some((Level::Batch, hashes == 5 && !in_body))
            }
            // `###### 02: Build` is a thread. `###### 2. Build` may be a chapter of a thread's text.
            [number] if hashes == 6 && is_padded && batch.is_some_and(|batch| self.is_next(batch, number)) => {
                Some((Level::Thread, true))
            }
            [number] => {
                let level = self.other(hashes, None, numbers)?;
                Some((level, level == Level::Stage && usize::from(number) == self.stages.len() + 1))
            }
            _ => None,
        }
    }

    /// Returns the level of a numbered heading, judged by its hashes and its place. `said` is the level that its
    /// letter states, as in `B1`.
    fn other(&self, hashes: usize, said: Option<Level>, numbers: &[u16]) -> Option<Level> {
        let Place { stage, batch, stage_hashes, .. } = self.place;
        let number = *numbers.last()?;
        let is_next_thread = batch.is_some_and(|batch| self.is_next(batch, number));
        match (self.section, hashes) {
            _ if !self.in_stages => None,
            (_, 3) if matches!(stage_hashes, 0 | 3) => Some(said.unwrap_or(Level::Stage)),
            _ if stage.is_none() => None,
            // The chapters of a thread's text may be numbered too. So a heading counts only if it has a letter and
            // the number that comes next.
            (Section::ThreadBody, _) => said.filter(|level| match level {
                Level::Stage => false,
                Level::Batch => self.is_next_batch(number),
                Level::Thread => hashes > 4 && is_next_thread,
            }),
            (Section::BatchSummary, 5 | 6) if is_next_thread => Some(said.unwrap_or(Level::Thread)),
            (Section::BatchSummary, _) => said,
            (_, 3..=5) => Some(said.unwrap_or(Level::Batch)),
            _ => said,
        }
    }

    /// Returns whether `number` is the one after the last batch of the current stage.
    fn is_next_batch(&self, number: u16) -> bool {
        let Some(stage) = self.place.stage else { return false };
        let of_stage = BatchId { stage, number: 0 }..=BatchId { stage, number: MAX_NUMBER };
        self.batches.range(of_stage).next_back().map_or(1, |(id, _)| id.number + 1) == number
    }

    /// Returns whether `number` is the one after the last thread of a batch.
    pub(super) fn is_next(&self, batch: BatchId, number: u16) -> bool {
        let of_batch = ThreadId { batch, number: 0 }..=ThreadId { batch, number: MAX_NUMBER };
        self.threads.range(of_batch).next_back().map_or(1, |(id, _)| id.number + 1) == number
    }

    /// Returns whether this is probably a part of the thread above: it is called a task, and that thread is not.
    pub(super) fn is_doubtful_task(&self, mark: &Mark) -> bool {
        mark.is_task && self.section == Section::ThreadBody && !self.tasks
    }

    /// Returns whether a line may only repeat what a heading says: it stands before the stages, as in an overview, or
    /// its name is that of an earlier heading. A line with hashes never does.
    pub(super) fn is_mention(&self, mark: &Mark, text: &str) -> bool {
        let before_stages = self.has_stages && !self.in_stages && !self.had_stages;
        let is_named = self.names.contains(&(mark.level, mark.name.to_lowercase()));
        (before_stages || is_named) && !text.contains(['#', '＃'])
    }

    /// Reads a heading of the structure: reports its problems, and opens it as part of the plan if it has none.
    pub(super) fn mark(&mut self, mark: &Mark) {
        let at = mark.line.start;
        if mark.level == Level::Stage && !self.in_stages && !self.has_stages {
            let edit = Edit { range: at..at, text: "## Stages\n\n".to_owned() };
            self.problem(at, ProblemKind::NoStagesHeading, Some(edit));
            self.enter_stages(at);
        }
        let is_told = self.stray_is_told(mark);
        // Old plans have threads directly in a stage, with five hashes (DESIGN §3).
        let legacy = mark.level == Level::Thread && self.place.batch.is_none_or(|batch| batch.number == 0);
        let is_level_right = mark.hashes == mark.level.hashes() || mark.level == Level::Thread && mark.hashes == 5;
        let has_place = match mark.level {
            Level::Stage => self.in_stages,
            Level::Batch => self.place.stage.is_some(),
            Level::Thread => self.place.batch.is_some() || self.place.stage.is_some() && mark.hashes != 6,
        };
        let own = self.own_number(mark);
        let hashes = if legacy { 5 } else { mark.level.hashes() };
        let mut is_right = true;
        match own {
            _ if mark.is_several => {
                self.problem(at, ProblemKind::SeveralInOne(mark.level), None);
                is_right = false;
            }
            Ok(number) if !mark.is_spelled_right || !is_level_right => {
                is_right = false;
                let wanted = wanted(mark, hashes, number);
                // No edit may make a second heading of a number, or a stage outside `## Stages`: it would not become
                // part of the plan.
                let edit = (mark.is_certain
                    && !self.is_taken(mark.level, number)
                    && (has_place || mark.level != Level::Stage))
                    .then(|| Edit { range: mark.line.clone(), text: wanted.clone() });
                let level = mark.level;
                let kind = if mark.hashes > 0 && !is_level_right {
                    ProblemKind::WrongLevel { level, found: mark.hashes, wanted }
                } else {
                    ProblemKind::Lookalike { level, wanted }
                };
                self.problem(at, kind, edit);
            }
            Ok(_) => {}
            Err(ref kind) => {
                if !(self.place.is_doubtful && mark.level != Level::Stage) {
                    self.problem(at, kind.clone(), None);
                }
                is_right = false;
            }
        }
        if !has_place && is_right && !is_told && !self.place.is_doubtful {
            self.problem(at, ProblemKind::Misplaced(mark.level), None);
        }
        if own.is_ok() && mark.name.is_empty() && mark.is_spelled_right && !self.place.is_doubtful {
            self.problem(at, ProblemKind::EmptyName(mark.level), None);
        }
        if is_of_template(&mark.name) {
            self.problem(at, ProblemKind::TemplateText(mark.name.clone()), None);
        }
        let is_right = is_right && has_place && !is_told;
        self.close_section(at, Section::Lost);
        self.section_start = mark.end;
        self.tasks = mark.level == Level::Thread && mark.is_task;
        self.go_to(mark, is_right);
    }

    /// Returns whether this is a thread whose number its batch has already.
    pub(super) fn is_second(&self, mark: &Mark) -> bool {
        let number = mark.numbers.last().copied();
        mark.level == Level::Thread && self.in_stages && number.is_some_and(|number| self.is_taken(mark.level, number))
    }

    /// Returns whether a number is taken among the siblings at the current place.
    fn is_taken(&self, level: Level, number: u16) -> bool {
        let Place { stage, batch, .. } = self.place;
        match (level, stage, batch) {
            (Level::Stage, ..) => self.stages.contains_key(&StageNumber(number)),
            (Level::Batch, Some(stage), _) => self.batches.contains_key(&BatchId { stage, number }),
            (Level::Thread, _, Some(batch)) => self.threads.contains_key(&ThreadId { batch, number }),
            _ => false,
        }
    }

    /// Returns the number of a heading among its siblings. Fails if it has none, or if its id names another place.
    pub(super) fn own_number(&self, mark: &Mark) -> Result<u16, ProblemKind> {
        let foreign = |place: String| {
            let said: Vec<String> = mark.numbers.iter().map(|number| format!("{number:02}")).collect();
            ProblemKind::ForeignId { level: mark.level, said: said.join("."), place }
        };
        let Place { stage, batch, .. } = self.place;
        match (mark.level, mark.numbers.as_slice()) {
            (_, []) => Err(ProblemKind::MissingNumber(mark.level)),
            (_, [number]) => Ok(*number),
            (Level::Batch, [of, number]) => match stage {
                Some(stage) if stage.0 != *of => Err(foreign(format!("stage {stage}"))),
                _ => Ok(*number),
            },
            (Level::Thread, [of, number]) => match (stage, batch) {
                // In `Thread 2.3` the 2 may be the batch or the stage.
                (_, Some(batch)) if batch.number != *of && batch.stage.0 != *of => {
                    Err(foreign(format!("batch {batch}")))
                }
                (Some(stage), None) if stage.0 != *of => Err(foreign(format!("stage {stage}"))),
                _ => Ok(*number),
            },
            (Level::Thread, [of, within, number]) => match (stage, batch) {
                (_, Some(batch)) if batch != BatchId::new(*of, *within) => Err(foreign(format!("batch {batch}"))),
                (Some(stage), None) if stage.0 != *of || *within > 0 => Err(foreign(format!("stage {stage}"))),
                _ => Ok(*number),
            },
            (Level::Stage | Level::Batch, _) => Err(foreign("another place".to_owned())),
            (Level::Thread, _) => Err(ProblemKind::MissingNumber(mark.level)),
        }
    }

    /// Reports the heading above that took this one's place away. Returns whether there is one.
    pub(super) fn stray_is_told(&mut self, mark: &Mark) -> bool {
        let is_below = match mark.level {
            Level::Stage => !self.in_stages && self.had_stages,
            Level::Batch | Level::Thread => true,
        };
        let Some((offset, heading)) = self.stray.take().filter(|_| is_below) else { return false };
        let below = self.source.position(mark.line.start).0;
        self.problem(offset, ProblemKind::Stray { heading, below }, None);
        self.place.is_doubtful = true;
        true
    }
}
