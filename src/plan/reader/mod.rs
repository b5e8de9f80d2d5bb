//! What the headings of a text mean, one after the other: the plan, and what is wrong with them.
//!
//! A heading that is not as it should be is told, and not part of the plan; but it counts where the
//! headings below it stand, so that each cause is told once.

mod agents;
mod marks;
mod opening;
mod text;
mod weak;
mod whole;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::Plan;
use super::agents::{Named, named_in};
use super::id::{BatchId, StageNumber, ThreadId};
use super::label::strip_word;
use super::lines::{Line, Means};
use super::outline::Heading;
use super::problem::{Edit, Level, Problem, ProblemKind};
use super::sections::{Part, is_about_questions, part};
use super::source::Source;

/// The part of the plan whose text is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// Nothing may stand here.
    Silent,
    /// Text that reaches no worker.
    ReadError,
    /// Text below something that is told already.
    Lost,
    Plan(Part),
    Stage(Part),
    BatchSummary,
    ThreadBody,
}

/// A heading of the structure, as it was found.
#[expect(clippy::struct_excessive_bools, reason = "each is one fact about the heading")]
struct Mark {
    /// What an edit replaces.
    line: Range<usize>,
    /// Where the text below it begins.
    end: usize,
    level: Level,
    /// Its hashes; none for a line that is no heading.
    hashes: usize,
    numbers: Vec<u16>,
    name: String,
    /// The name as an edit keeps it.
    source_name: String,
    named: Named,
    is_spelled_right: bool,
    is_certain: bool,
    is_task: bool,
    /// It counts more than one.
    is_several: bool,
}

/// Where a heading stands, also below one that is not part of the plan.
#[derive(Debug, Default, Clone, Copy)]
struct Place {
    stage: Option<StageNumber>,
    batch: Option<BatchId>,
    /// The hashes of the stage's heading.
    stage_hashes: usize,
    stage_in_plan: bool,
    batch_in_plan: bool,
    /// What is below is told with its cause, or cannot be: the number of what it hangs on is not known.
    is_doubtful: bool,
}

/// A line that may be prose, and what it would be.
struct Weak {
    line: Range<usize>,
    level: Level,
    number: Option<Place>,
    own: u16,
    wanted: String,
    /// It is rather a sentence.
    is_prose: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is one fact about the headings above")]
pub(super) struct Reader<'s, 't> {
    source: &'s Source<'t>,
    name: Option<String>,
    plan: Plan,
    /// There is a `## Stages` somewhere.
    has_stages: bool,
    in_stages: bool,
    had_stages: bool,
    place: Place,
    /// The heading that ended the stage, where it is none that should.
    stray: Option<(usize, String)>,
    section: Section,
    section_start: usize,
    /// What there is, also what is not part of the plan, each with its place.
    stages: BTreeMap<StageNumber, usize>,
    batches: BTreeMap<BatchId, usize>,
    threads: BTreeMap<ThreadId, usize>,
    /// The names of what there is.
    names: HashSet<(Level, String)>,
    weak: Vec<Weak>,
    /// The last thread was called a task.
    tasks: bool,
    /// Where questions are read.
    question_spans: Vec<Range<usize>>,
    /// Where the stages are.
    stage_spans: Vec<Range<usize>>,
    /// The lines whose agents are read, or told.
    agent_lines: HashSet<usize>,
}

impl<'s, 't> Reader<'s, 't> {
    pub(super) fn new(source: &'s Source<'t>) -> Self {
        let is_stages = |heading: &Heading| {
            heading.level == 2 && matches!(part(&source.masked(heading.content.clone())), Some((Part::Stages, _)))
        };
        Self {
            source,
            name: None,
            plan: Plan::default(),
            has_stages: source.outline.headings.iter().any(is_stages),
            in_stages: false,
            had_stages: false,
            place: Place::default(),
            stray: None,
            section: Section::Silent,
            section_start: 0,
            stages: BTreeMap::new(),
            batches: BTreeMap::new(),
            threads: BTreeMap::new(),
            names: HashSet::new(),
            weak: Vec::new(),
            tasks: false,
            question_spans: Vec::new(),
            stage_spans: Vec::new(),
            agent_lines: HashSet::new(),
        }
    }

    /// Reads a heading.
    pub(super) fn heading(&mut self, heading: &Heading) {
        let line = self.source.trimmed(heading.range.clone());
        let named = named_in(self.source.masked(heading.content.clone()).trim());
        let title = named.rest.clone();
        let level = usize::from(heading.level);
        if level == 1
            && let Some(name) = strip_word(&title, "plan").and_then(|rest| rest.trim_start().strip_prefix(':'))
        {
            return self.plan_heading(heading, name.trim());
        }
        match self.mark_of(heading, &title, named.clone()) {
            Some(mark) if self.is_doubtful_task(&mark) => return self.weak_mark(&mark),
            Some(mark) => return self.mark(&mark),
            None => {}
        }
        match part(&title).or_else(|| self.questions_part(level, &title)) {
            Some((part, of_stage)) if self.part(heading.range.end, &line, level, part, of_stage, &title) => {}
            _ => {
                self.mentioned(&named, &line);
                self.other_heading(heading, &line, &title);
            }
        }
    }

    /// Reads a line that stands for a heading.
    pub(super) fn line(&mut self, line: &Line) {
        let text = &self.source.text[line.range.clone()];
        match &line.means {
            Means::Label(look) => {
                let named = named_in(&look.name);
                let mut mark = Mark {
                    line: line.range.clone(),
                    end: line.range.end,
                    level: look.level,
                    hashes: 0,
                    numbers: look.numbers.clone(),
                    name: named.rest.clone(),
                    source_name: look.name.clone(),
                    named,
                    is_spelled_right: false,
                    is_certain: line.is_certain && !look.is_several,
                    is_task: look.is_task,
                    is_several: look.is_several,
                };
                if look.is_several {
                    mark.source_name.clear();
                }
                if let Some((html, ends)) = line.html {
                    let below = self.source.position(line.range.start).0;
                    let edit = ends.then(|| Edit { range: line.range.start..line.range.start, text: "\n".to_owned() });
                    self.problem(html, ProblemKind::HeadingInHtml(below), edit);
                    self.close_section(line.range.start, Section::Lost);
                    self.go_to(&mark, false);
                } else if line.is_strong && !self.is_doubtful_task(&mark) && !self.is_mention(&mark, text) {
                    self.mark(&mark);
                } else if line.is_strong && line.is_alone && self.is_second(&mark) {
                    self.mark(&Mark { is_certain: false, ..mark });
                } else {
                    self.weak_mark(&mark);
                }
            }
            Means::Part(title) => {
                let name = strip_word(title, "plan").and_then(|rest| rest.strip_prefix(':'));
                if let Some(name) = name.map(str::trim) {
                    let start = self.source.text[..line.range.start].trim_start();
                    if self.name.is_none() && start.is_empty() {
                        let wanted = format!("# Plan: {name}");
                        let edit = Edit { range: line.range.clone(), text: wanted.clone() };
                        self.problem(line.range.start, ProblemKind::SectionSpelling(wanted), Some(edit));
                        self.name = Some(name.to_owned());
                    }
                } else if let Some((part, of_stage)) = part(title).or_else(|| self.questions_part(0, title)) {
                    let is_plan_part = !part.is_of_stage() && (part != Part::Stages || self.has_stages);
                    // A plain `Questions:` is a label in a stage only.
                    let is_plain = !text.trim_start().starts_with(['#', '＃', '*', '_', '<']);
                    // A bold `Summary` is a field of a thread.
                    let is_heading = text.trim_start().starts_with(['#', '＃']);
                    if line.is_certain && (is_heading || !is_plan_part) && !(is_plain && self.place.stage.is_none()) {
                        self.part(line.range.end, &line.range, 0, part, of_stage, title);
                    }
                }
            }
        }
    }

    /// Returns the questions of a stage, where a heading or a label names them in other words.
    fn questions_part(&self, hashes: usize, title: &str) -> Option<(Part, bool)> {
        let of_stage = self.place.stage.is_some() && self.place.batch.is_none() && self.section != Section::ThreadBody;
        (of_stage && hashes != 2 && is_about_questions(title)).then_some((Part::Questions, false))
    }

    fn plan_heading(&mut self, heading: &Heading, name: &str) {
        self.leave_stages(heading.range.start, Section::ReadError);
        if self.name.is_some() {
            self.problem(heading.range.start, ProblemKind::SecondPlanHeading, None);
        } else if !name.is_empty() {
            self.name = Some(name.to_owned());
        }
        self.section_start = heading.range.end;
    }

    /// Reads the heading of a part of the plan or of a stage; returns whether it is one here.
    fn part(
        &mut self,
        end: usize,
        line: &Range<usize>,
        hashes: usize,
        part: Part,
        of_stage: bool,
        title: &str,
    ) -> bool {
        // `## Questions` ends the stages, unless the stage itself has a # too few.
        let is_shifted = !matches!(self.place.stage_hashes, 0 | 3);
        let is_of_stage = part.is_of_stage() && self.place.stage.is_some() && (hashes != 2 || is_shifted);
        let is_above_stages = !self.had_stages && matches!(self.section, Section::ReadError | Section::Silent);
        if part == Part::Stages {
            if hashes != 2 && (self.has_stages || self.in_stages) {
                return false;
            }
            self.respell(line, hashes, 2, title);
            self.leave_stages(line.start, Section::ReadError);
            self.enter_stages(line.start);
            self.has_stages = true;
            self.stray = None;
        } else if is_of_stage {
            let before_batches = self.place.batch.is_none() && self.section != Section::ThreadBody;
            if hashes != 4 && !of_stage && !before_batches {
                return false;
            }
            if hashes != 4 {
                self.respell(line, hashes, 4, title);
            }
            self.close_section(line.start, Section::ReadError);
            self.place.batch = None;
            self.place.batch_in_plan = false;
            self.place.is_doubtful &= !self.place.stage_in_plan;
            self.section = if self.place.stage_in_plan { Section::Stage(part) } else { Section::Lost };
        } else if hashes == 2 || hashes == 0 && !self.in_stages || is_above_stages && !part.is_of_stage() {
            if hashes != 2 {
                self.respell(line, hashes, 2, title);
            }
            self.end_stages(line.start, title);
            let is_read = !part.is_of_stage() || part == Part::Questions;
            self.section = if is_read { Section::Plan(part) } else { Section::ReadError };
        } else {
            return false;
        }
        self.section_start = end;
        true
    }

    /// Tells that the heading of a part is not spelled as it should be.
    fn respell(&mut self, line: &Range<usize>, hashes: usize, wanted: usize, title: &str) {
        if hashes != wanted {
            let title = title.trim().trim_end_matches([':', '：']).trim_end();
            let wanted = format!("{} {title}", "#".repeat(wanted));
            let edit = Edit { range: line.clone(), text: wanted.clone() };
            self.problem(line.start, ProblemKind::SectionSpelling(wanted), Some(edit));
        }
    }

    /// Reads a heading that is no part of the structure.
    fn other_heading(&mut self, heading: &Heading, line: &Range<usize>, title: &str) {
        let in_text = matches!(self.section, Section::ThreadBody | Section::BatchSummary);
        let is_in_wrong_stage = self.place.stage.is_some() && (1..3).contains(&self.place.stage_hashes);
        match heading.level {
            2 if !(is_in_wrong_stage && self.place.stage_hashes == 1) => {
                self.end_stages(line.start, &self.source.text[line.clone()]);
                self.section = Section::ReadError;
                self.section_start = line.start;
            }
            // The stage has a # too few, and its parts with it.
            2 | 3 if is_in_wrong_stage => self.respell(line, usize::from(heading.level), 4, title),
            3 if self.in_stages => {
                self.leave_stage(line.start, Section::ReadError);
                self.stray = Some((line.start, self.source.text[line.clone()].trim().to_owned()));
            }
            4 if !in_text && self.place.stage.is_some() => {
                self.close_section(line.start, Section::ReadError);
                self.section_start = line.start;
            }
            // Any other heading below a section is part of its text.
            _ => {}
        }
    }

    fn end_stages(&mut self, at: usize, heading: &str) {
        let was_in_stages = self.in_stages;
        self.leave_stages(at, Section::ReadError);
        if was_in_stages {
            self.stray = Some((at, heading.trim().to_owned()));
        }
    }

    fn enter_stages(&mut self, at: usize) {
        (self.in_stages, self.had_stages) = (true, true);
        self.stage_spans.push(at..usize::MAX);
    }

    fn leave_stages(&mut self, at: usize, section: Section) {
        self.leave_stage(at, section);
        if std::mem::take(&mut self.in_stages)
            && let Some(span) = self.stage_spans.last_mut()
        {
            span.end = at;
        }
    }

    fn leave_stage(&mut self, at: usize, section: Section) {
        self.close_section(at, section);
        self.place = Place::default();
    }

    fn problem(&mut self, offset: usize, kind: ProblemKind, edit: Option<Edit>) {
        let (line, column) = self.source.position(offset);
        self.plan.problems.push(Problem { line, column, kind, edit });
    }
}

/// Returns a heading as it is written.
fn wanted(mark: &Mark, hashes: usize, number: u16) -> String {
    // What nobody can know is for a person to write.
    let name = if mark.source_name.is_empty() && !mark.is_certain { "NAME" } else { &mark.source_name };
    // `` `@agent:NAME` `` and the like are read without what is around them.
    let name = name.split(' ').map(|word| match word.trim_matches('`') {
        agent if agent.starts_with('@') => agent,
        _ => word,
    });
    let name = name.collect::<Vec<_>>().join(" ");
    let text = format!("{} {} {number:02}: {name}", "#".repeat(hashes), mark.level.word());
    text.trim_end().to_owned()
}
