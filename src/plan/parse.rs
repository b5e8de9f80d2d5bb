//! Headings become stages, batches and threads. The one function here cannot fail.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::id::{BatchId, StageNumber, ThreadId};
use super::label::{Label, label, strip_word};
use super::outline::{Heading, Outline, outline};
use super::problem::{Level, Problem, ProblemKind};
use super::source::Source;
use super::thread_body::thread_body;
use super::{Batch, NamedAgent, Plan, Stage, Thread};

/// How much of an open question a problem tells, in characters.
const MAX_QUESTION_CHARS: usize = 300;

/// Reads a PLAN.md: a plan, and all that is wrong with its text.
///
/// What carries a problem that leaves its place in the plan unclear (no number, a number that is
/// already taken) is not part of the plan. A byte order mark is skipped.
pub fn parse(text: &str) -> Plan {
    let text = with_line_feeds(text.strip_prefix('\u{feff}').unwrap_or(text));
    let outline = outline(&text);
    let mut reader = Reader::new(&text, &outline);
    for heading in &outline.headings {
        reader.heading(heading);
    }
    reader.finish()
}

/// Returns the text with each carriage return that stands alone, a line end to `CommonMark`, as the line
/// feed that everything else here takes for one. Nothing moves: both have one byte.
pub(crate) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    let is_alone = |at: usize| !text[at + 1..].starts_with('\n');
    if !text.match_indices('\r').any(|(at, _)| is_alone(at)) {
        return Cow::Borrowed(text);
    }
    let mut chars = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        out.push(if c == '\r' && chars.peek() != Some(&'\n') { '\n' } else { c });
    }
    Cow::Owned(out)
}

/// The part of a stage, batch or thread whose text is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// Text that belongs to no part of the plan.
    Other,
    Definition,
    Constitution,
    Questions,
    BatchSummary,
    ThreadBody,
}

#[expect(clippy::struct_excessive_bools, reason = "each is one fact about the heading above")]
struct Reader<'t> {
    source: Source<'t>,
    name: Option<String>,
    stages: Vec<Stage>,
    problems: Vec<Problem>,
    in_stages: bool,
    /// There was a `## Stages`: structure behind its end is a mistake.
    had_stages: bool,
    /// Below a heading that carries a problem: what hangs on it is left out without a word.
    skipping: bool,
    stage_open: bool,
    /// The batch at hand, by its place in the stage at hand.
    open_batch: Option<usize>,
    section: Section,
    section_start: usize,
    seen_stages: HashSet<StageNumber>,
    /// Each batch and where its heading stands.
    seen_batches: HashMap<BatchId, usize>,
    seen_threads: HashSet<ThreadId>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, outline: &'t Outline) -> Self {
        Self {
            source: Source::new(text, outline),
            name: None,
            stages: Vec::new(),
            problems: Vec::new(),
            in_stages: false,
            had_stages: false,
            skipping: false,
            stage_open: false,
            open_batch: None,
            section: Section::Other,
            section_start: 0,
            seen_stages: HashSet::new(),
            seen_batches: HashMap::new(),
            seen_threads: HashSet::new(),
        }
    }

    fn heading(&mut self, heading: &Heading) {
        let (title, agent) = self.source.title(heading);
        match heading.level {
            // Any other heading of this level is text: a worker's details may hold one.
            1 => {
                let name = strip_word(&title, "plan").and_then(|rest| rest.trim_start().strip_prefix(':'));
                if let Some(name) = name {
                    self.leave_stage(heading, false);
                    self.in_stages = false;
                    if self.name.is_none() && !name.trim().is_empty() {
                        self.name = Some(name.trim().to_owned());
                    }
                }
            }
            2 => {
                self.leave_stage(heading, false);
                self.in_stages = title.trim_end_matches(':').eq_ignore_ascii_case("stages");
                self.had_stages |= self.in_stages;
            }
            level => match (level, label(&title)) {
                (3, Some(Label { level: Level::Stage, number, name })) => {
                    if self.in_stages {
                        self.stage(heading, number, name);
                    } else if number.is_some() {
                        self.problem(heading.range.start, ProblemKind::Misplaced(Level::Stage));
                    }
                }
                (5, Some(Label { level: Level::Batch, number, name })) if self.in_stages => {
                    self.batch(heading, number, name);
                }
                // A thread straight under a stage is how plans looked before there were batches.
                (5 | 6, Some(Label { level: Level::Thread, number, name })) if self.in_stages => {
                    self.thread(heading, number, name, agent);
                }
                (_, Some(Label { level: misplaced, number: Some(_), .. })) if self.in_stages => {
                    if !std::mem::replace(&mut self.skipping, true) {
                        self.problem(heading.range.start, ProblemKind::Misplaced(misplaced));
                    }
                    // What hangs on it is left out; after a batch or thread the stage goes on.
                    self.close_section(heading.range.start);
                    self.open_batch = None;
                    self.stage_open &= misplaced != Level::Stage;
                }
                (5, Some(Label { level: misplaced @ Level::Batch, number: Some(_), .. }))
                | (6, Some(Label { level: misplaced @ Level::Thread, number: Some(_), .. }))
                    if self.had_stages && !self.skipping =>
                {
                    self.skipping = true;
                    self.problem(heading.range.start, ProblemKind::Misplaced(misplaced));
                }
                (3, _) => self.leave_stage(heading, false),
                (4, _) => self.stage_section(heading, &title),
                // Any other heading below a section is part of its text.
                _ => {}
            },
        }
    }

    fn stage(&mut self, heading: &Heading, number: Option<u16>, name: String) {
        let Some(number) = number.map(StageNumber) else {
            self.leave_stage(heading, true);
            return self.problem(heading.range.start, ProblemKind::MissingNumber(Level::Stage));
        };
        if !self.seen_stages.insert(number) {
            self.leave_stage(heading, true);
            return self.problem(heading.range.start, ProblemKind::DuplicateStage(number));
        }
        self.leave_stage(heading, false);
        self.name_expected(heading, &name, Level::Stage);
        self.stage_open = true;
        self.stages.push(Stage {
            number,
            name,
            definition: String::new(),
            constitution: String::new(),
            batches: Vec::new(),
        });
    }

    fn stage_section(&mut self, heading: &Heading, title: &str) {
        let title = title.trim_end_matches(':').to_lowercase();
        let section = match title.strip_prefix("stage ").unwrap_or(&title).trim() {
            "definition" => Section::Definition,
            "constitution" => Section::Constitution,
            "questions" => Section::Questions,
            "batches" | "threads" => Section::Other,
            // A heading that means nothing here is text, where there is text that it can belong to.
            _ if matches!(self.section, Section::ThreadBody | Section::BatchSummary) => return,
            _ => Section::Other,
        };
        self.close_section(heading.range.start);
        self.open_batch = None;
        if !self.stage_open {
            return;
        }
        self.skipping = false;
        self.open_section(section, heading);
    }

    fn batch(&mut self, heading: &Heading, number: Option<u16>, name: String) {
        let Some(stage) = self.parent_stage(heading, Level::Batch) else { return };
        self.open_batch = None;
        self.skipping = true;
        let Some(number) = number else {
            return self.problem(heading.range.start, ProblemKind::MissingNumber(Level::Batch));
        };
        let id = BatchId { stage, number };
        if self.seen_batches.contains_key(&id) {
            return self.problem(heading.range.start, ProblemKind::DuplicateBatch(id));
        }
        self.seen_batches.insert(id, heading.range.start);
        self.skipping = false;
        self.name_expected(heading, &name, Level::Batch);
        self.push_batch(Batch { id, name, summary: String::new(), threads: Vec::new() });
        self.open_section(Section::BatchSummary, heading);
    }

    fn thread(&mut self, heading: &Heading, number: Option<u16>, name: String, agent: Option<NamedAgent>) {
        let below_something_bad = self.skipping && self.open_batch.is_none();
        let Some(stage) = self.parent_stage(heading, Level::Thread) else { return };
        let legacy = heading.level == 5 && self.open_batch.is_none();
        if below_something_bad {
            return;
        }
        if !legacy && self.open_batch.is_none() {
            return self.problem(heading.range.start, ProblemKind::Misplaced(Level::Thread));
        }
        let Some(number) = number else {
            return self.problem(heading.range.start, ProblemKind::MissingNumber(Level::Thread));
        };
        if legacy {
            self.open_legacy_batch(stage, heading);
        }
        let Some(batch) = self.batch_mut().map(|batch| batch.id) else { return };
        let id = ThreadId { batch, number };
        if !self.seen_threads.insert(id) {
            return self.problem(heading.range.start, ProblemKind::DuplicateThread(id));
        }
        self.name_expected(heading, &name, Level::Thread);
        if let Some(batch) = self.batch_mut() {
            batch.threads.push(Thread { id, name, agent, summary: String::new(), details: String::new() });
        }
        self.open_section(Section::ThreadBody, heading);
    }

    /// Opens batch 00 of the stage, which is made where there is none.
    fn open_legacy_batch(&mut self, stage: StageNumber, heading: &Heading) {
        let id = BatchId { stage, number: 0 };
        let batches = self.stages.last().map(|stage| stage.batches.as_slice()).unwrap_or_default();
        self.open_batch = batches.iter().position(|batch| batch.id == id);
        if self.open_batch.is_none() {
            self.seen_batches.insert(id, heading.range.start);
            let name = self.stages.last().map(|stage| stage.name.clone()).unwrap_or_default();
            self.push_batch(Batch { id, name, summary: String::new(), threads: Vec::new() });
        }
    }

    /// Returns the stage that a batch or thread heading stands in, and ends the text before it.
    fn parent_stage(&mut self, heading: &Heading, level: Level) -> Option<StageNumber> {
        self.close_section(heading.range.start);
        if self.stage_open {
            return self.stages.last().map(|stage| stage.number);
        }
        if !self.skipping {
            self.problem(heading.range.start, ProblemKind::Misplaced(level));
            self.skipping = true;
        }
        None
    }

    fn push_batch(&mut self, batch: Batch) {
        if let Some(stage) = self.stages.last_mut() {
            stage.batches.push(batch);
            self.open_batch = Some(stage.batches.len() - 1);
        }
    }

    fn batch_mut(&mut self) -> Option<&mut Batch> {
        self.stages.last_mut()?.batches.get_mut(self.open_batch?)
    }

    fn name_expected(&mut self, heading: &Heading, name: &str, level: Level) {
        if name.is_empty() {
            self.problem(heading.range.start, ProblemKind::EmptyName(level));
        }
    }

    fn leave_stage(&mut self, heading: &Heading, skipping: bool) {
        self.close_section(heading.range.start);
        self.stage_open = false;
        self.open_batch = None;
        self.skipping = skipping;
    }

    fn open_section(&mut self, section: Section, heading: &Heading) {
        self.section = section;
        self.section_start = heading.range.end;
    }

    fn close_section(&mut self, end: usize) {
        let range = self.section_start.min(end)..end;
        let section = std::mem::replace(&mut self.section, Section::Other);
        self.section_start = end;
        match section {
            Section::Other => {}
            Section::Definition | Section::Constitution => {
                let text = self.source.span(range);
                if let Some(stage) = self.stages.last_mut() {
                    let part =
                        if section == Section::Definition { &mut stage.definition } else { &mut stage.constitution };
                    if part.is_empty() {
                        *part = text;
                    }
                }
            }
            Section::Questions => self.questions(&range),
            Section::BatchSummary => {
                let text = self.source.span(range);
                if let Some(batch) = self.batch_mut() {
                    batch.summary = text;
                }
            }
            Section::ThreadBody => {
                let body = thread_body(&self.source, range);
                if let Some(thread) = self.batch_mut().and_then(|batch| batch.threads.last_mut()) {
                    thread.summary = body.summary;
                    thread.details = body.details;
                    thread.agent = thread.agent.take().or(body.agent);
                }
            }
        }
    }

    fn questions(&mut self, range: &Range<usize>) {
        let boxes = &self.source.outline.boxes;
        let first = boxes.partition_point(|check_box| check_box.range.start < range.start);
        for check_box in boxes[first..].iter().take_while(|check_box| check_box.range.start < range.end) {
            if check_box.checked {
                continue;
            }
            let line = self.source.text[check_box.range.end..].lines().next().unwrap_or_default();
            let question = self.source.span(check_box.range.end..check_box.range.end + line.len());
            let question: String = question.chars().take(MAX_QUESTION_CHARS).collect();
            // A template's empty box asks nothing.
            if !question.is_empty() {
                self.problem(check_box.range.start, ProblemKind::OpenQuestion(question));
            }
        }
    }

    fn problem(&mut self, offset: usize, kind: ProblemKind) {
        let (line, column) = self.source.position(offset);
        self.problems.push(Problem { line, column, kind });
    }

    fn finish(mut self) -> Plan {
        self.close_section(self.source.text.len());
        if self.name.is_none() {
            self.problem(0, ProblemKind::NoPlanHeading);
        }
        for comment in self.source.outline.comments.iter().filter(|comment| !comment.closed) {
            self.problem(comment.range.start, ProblemKind::UnclosedComment);
        }
        self.batches_without_threads();
        if self.stages.iter().all(|stage| !stage.has_threads()) {
            self.problem(0, ProblemKind::NoThreads);
        }
        self.stages.sort_by_key(|stage| stage.number);
        for stage in &mut self.stages {
            stage.batches.sort_by_key(|batch| batch.id);
            for batch in &mut stage.batches {
                batch.threads.sort_by_key(|thread| thread.id);
            }
        }
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        Plan { name: self.name.unwrap_or_default(), stages: self.stages, problems: self.problems }
    }

    fn batches_without_threads(&mut self) {
        let empty: Vec<BatchId> = self
            .stages
            .iter()
            .flat_map(|stage| &stage.batches)
            .filter(|batch| batch.threads.is_empty())
            .map(|batch| batch.id)
            .collect();
        for id in empty {
            let offset = self.seen_batches.get(&id).copied().unwrap_or_default();
            self.problem(offset, ProblemKind::BatchWithoutThreads(id));
        }
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
