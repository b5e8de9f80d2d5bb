//! Opens stages, batches and threads: each becomes part of the plan, or only the place of the headings below it.

use std::ops::Range;

use super::super::agents::{Named, is_opening};
use super::super::id::{BatchId, StageNumber, ThreadId};
use super::super::problem::{Edit, Level, Problem, ProblemKind};
use super::super::{Batch, Mention, NamedAgent, Stage, Thread};
use super::{Mark, Place, Reader, Section};

impl Reader<'_, '_> {
    /// Opens a stage, batch or thread. With `is_right` false it sets the place but does not become part of the plan.
    pub(super) fn go_to(&mut self, mark: &Mark, is_right: bool) {
        let own = self.own_number(mark);
        self.names.insert((mark.level, mark.name.to_lowercase()));
        match mark.level {
            Level::Stage => self.open_stage(mark, own.ok(), is_right),
            Level::Batch => self.open_batch(mark, own.ok(), is_right),
            Level::Thread => self.open_thread(mark, own.ok(), is_right),
        }
        // Only threads have agents.
        if mark.level != Level::Thread
            && let Some(agent) = self.agent_of_heading(mark)
        {
            let NamedAgent { name, line, column } = agent;
            self.plan.problems.push(Problem { line, column, kind: ProblemKind::AgentOfNobody(name), edit: None });
        }
    }

    /// Opens a stage. A second stage of the same number is a problem and not part of the plan.
    fn open_stage(&mut self, mark: &Mark, number: Option<u16>, is_right: bool) {
        let at = mark.line.start;
        self.stray = None;
        self.place =
            Place { stage_hashes: mark.hashes, is_doubtful: number.is_none() || !self.in_stages, ..Place::default() };
        let Some(number) = number.map(StageNumber) else { return };
        self.place.stage = Some(number);
        if self.stages.contains_key(&number) {
            self.place.is_doubtful = true;
            return self.problem(at, ProblemKind::DuplicateStage(number), None);
        }
        if self.in_stages {
            self.stages.insert(number, at);
        }
        self.place.stage_in_plan = is_right;
        self.section = if is_right { Section::Unread } else { Section::Lost };
        if is_right {
            self.plan.stages.push(Stage {
                number,
                name: mark.name.clone(),
                definition: String::new(),
                constitution: String::new(),
                answers: Vec::new(),
                checks: Vec::new(),
                batches: Vec::new(),
            });
        }
    }

    /// Opens a batch of the current stage. A second batch of the same id is a problem and not part of the plan.
    fn open_batch(&mut self, mark: &Mark, number: Option<u16>, is_right: bool) {
        let at = mark.line.start;
        self.place.batch = None;
        self.place.batch_in_plan = false;
        let (Some(stage), Some(number)) = (self.place.stage, number) else {
            self.place.is_doubtful = true;
            return;
        };
        let id = BatchId { stage, number };
        self.place.batch = Some(id);
        if self.batches.contains_key(&id) {
            if !self.place.is_doubtful {
                self.problem(at, ProblemKind::DuplicateBatch(id), None);
            }
            // The threads below it would be taken for those of the first batch, so nothing about them is reported.
            self.place.batch = Some(id);
            self.place.is_doubtful = true;
            return;
        }
        // The doubts about the batch before end with it. Those about a stage outside the plan remain.
        self.place.is_doubtful &= !self.place.stage_in_plan;
        self.batches.insert(id, at);
        if is_right && self.place.stage_in_plan {
            self.place.batch_in_plan = true;
            self.push_batch(Batch { id, name: mark.name.clone(), summary: String::new(), threads: Vec::new() });
            self.section = Section::BatchSummary;
        }
    }

    /// Opens a thread of the current batch, or of batch 00 if it stands directly in a stage as in old plans.
    fn open_thread(&mut self, mark: &Mark, number: Option<u16>, is_right: bool) {
        let at = mark.line.start;
        if self.place.batch.is_none() && mark.hashes != 6 && !self.place.is_doubtful {
            self.open_legacy_batch(at);
        }
        let (Some(batch), Some(number)) = (self.place.batch, number) else { return };
        let id = ThreadId { batch, number };
        if self.threads.contains_key(&id) {
            if !self.place.is_doubtful {
                self.problem(at, ProblemKind::DuplicateThread(id), None);
            }
            return;
        }
        if self.place.is_doubtful {
            return;
        }
        self.threads.insert(id, at);
        let agent = self.agent_of_heading(mark);
        if is_right && self.place.batch_in_plan {
            let thread = Thread {
                id,
                name: mark.name.clone(),
                agent,
                summary: String::new(),
                details: String::new(),
                checks: Vec::new(),
                files: Vec::new(),
                after: Vec::new(),
            };
            if let Some(batch) = self.batch_mut() {
                batch.threads.push(thread);
            }
            self.section = Section::ThreadBody;
        }
    }

    /// Returns the agent in a heading, and reports what else it says of agents. A heading in another spelling gives
    /// `None`: its spelling is reported first, and the ranges in `mark.named` do not fit it.
    fn agent_of_heading(&mut self, mark: &Mark) -> Option<NamedAgent> {
        if !mark.is_spelled_right {
            return None;
        }
        self.named(&mark.named, self.start_of_text(&mark.line), mark.level == Level::Thread)
    }

    /// Returns the offset at which the text of a heading begins, behind its hashes.
    pub(super) fn start_of_text(&self, line: &Range<usize>) -> usize {
        let text = &self.source.text[line.clone()];
        line.end - text.trim_start_matches(['#', ' ', '\t']).len()
    }

    /// Keeps names that may be agents for `check`, which knows the roster. `base` is the offset of the text that
    /// `named` was read from.
    pub(super) fn mentions(&mut self, named: &Named, base: usize, of_thread: bool) {
        let signed = named.mentions.iter().map(|(name, place)| (name, place, Some(place), true));
        let unsigned = named.unsigned.iter().map(|one| (&one.name, &one.place, one.replaced.as_ref(), false));
        for (name, place, replaced, has_sign) in signed.chain(unsigned) {
            let at = self.floor(base + place.start);
            let (line, column) = self.source.position(at);
            let edit = replaced.filter(|_| of_thread).map(|range| {
                let range = self.floor(base + range.start)..self.floor(base + range.end);
                // Keep the agent apart from the word before it.
                let is_apart = self.source.text[..range.start].ends_with(|c: char| c.is_whitespace() || is_opening(c));
                Edit { range, text: format!("{}@agent:{name}", if is_apart { "" } else { " " }) }
            });
            self.plan.mentions.push(Mention { name: name.clone(), line, column, has_sign, of_thread, edit });
        }
    }

    /// Reports agents that cannot be read and a second agent, keeps mentions, and returns the first agent. `base` is
    /// the offset of the text that `named` was read from. `of_thread`: the text is of a thread, which may have an agent.
    pub(super) fn named(&mut self, named: &Named, base: usize, of_thread: bool) -> Option<NamedAgent> {
        for (place, written) in &named.unreadable {
            let range = self.floor(base + place.start)..self.floor(base + place.end);
            let text = self.source.text[range.clone()].to_owned();
            let edit = written.as_ref().map(|text| Edit { range: range.clone(), text: text.clone() });
            self.problem(range.start, ProblemKind::UnreadableAgent(text), edit);
        }
        self.mentions(named, base, of_thread);
        let mut agents = named.agents.iter();
        let (name, place) = agents.next()?;
        let at = self.floor(base + place.start);
        if let Some((other, _)) = agents.find(|(other, _)| other != name) {
            self.problem(at, ProblemKind::TwoAgents(name.clone(), other.clone()), None);
        }
        self.agent_lines.insert(self.source.line_number(at));
        Some(self.source.named_agent(name.clone(), at))
    }

    /// Returns the last character boundary at or before an offset. An offset that was computed in a trimmed copy of a
    /// text can fall inside a character.
    pub(super) fn floor(&self, at: usize) -> usize {
        let at = at.min(self.source.text.len());
        (0..=at).rev().find(|at| self.source.text.is_char_boundary(*at)).unwrap_or(0)
    }

    /// Opens batch 00 of the current stage. Its first thread creates it, with the name of the stage.
    fn open_legacy_batch(&mut self, at: usize) {
        let Some(stage) = self.place.stage else { return };
        let id = BatchId { stage, number: 0 };
        self.place.batch = Some(id);
        self.place.batch_in_plan = self.place.stage_in_plan;
        if self.batches.insert(id, at).is_none() && self.place.stage_in_plan {
            let name = self.plan.stages.last().map(|stage| stage.name.clone()).unwrap_or_default();
            self.push_batch(Batch { id, name, summary: String::new(), threads: Vec::new() });
        }
    }

    /// Adds a batch to the last stage of the plan.
    fn push_batch(&mut self, batch: Batch) {
        if let Some(stage) = self.plan.stages.last_mut() {
            stage.batches.push(batch);
        }
    }

    /// Returns the current batch, or `None` if it is not part of the plan.
    pub(super) fn batch_mut(&mut self) -> Option<&mut Batch> {
        let id = self.place.batch?;
        self.plan.stages.last_mut()?.batches.iter_mut().rev().find(|batch| batch.id == id)
    }
}
