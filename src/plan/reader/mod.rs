//! Reads the headings of a text one after another and builds the plan and its problems.
//!
//! A heading with a structural problem is reported and left out of the plan. It still sets the place of the headings
//! below it, so that each cause is reported once.

mod agents;
mod marks;
mod opening;
mod order;
mod text;
mod weak;
mod whole;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::Plan;
use super::agents::{Named, named_in};
use super::id::{BatchId, StageNumber, ThreadId};
use super::lines::{Line, Means};
use super::lookalike::strip_word;
use super::outline::Heading;
use super::problem::{Edit, Level, Problem, ProblemKind};
use super::sections::{Part, is_about_questions, part};
use super::source::Source;

/// The part of the plan whose text is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// Text here is ignored.
    Silent,
    /// Text here reaches no worker and is reported.
    Unread,
    /// Text here belongs to something that has been reported already; it is ignored.
    Lost,
    Plan(Part),
    Stage(Part),
    BatchSummary,
    ThreadBody,
}

/// A heading of the structure, or a line that stands for one, as it was found.
#[expect(clippy::struct_excessive_bools, reason = "each is one fact about the heading")]
struct Mark {
    /// The range that an edit replaces.
    line: Range<usize>,
    /// The offset at which the text below it begins.
    end: usize,
    level: Level,
    /// The number of its hashes; 0 for a line that is not a heading.
    hashes: usize,
    /// Its number, or the parts of its id; empty if it has none that can be read.
    numbers: Vec<u16>,
    name: String,
    /// The name as the source has it, with agents. An edit writes this one.
    source_name: String,
    named: Named,
    /// Whether it has the form `Stage N: NAME`.
    is_spelled_right: bool,
    /// Whether it is certain what the author meant, so that an edit may rewrite it.
    is_certain: bool,
    /// Whether it is called a task.
    is_task: bool,
    /// Whether it names more than one: `Thread 02 and 03`.
    is_several: bool,
}

/// The stage and the batch that the text at hand belongs to. They may be missing in the plan.
#[derive(Debug, Default, Clone, Copy)]
struct Place {
    stage: Option<StageNumber>,
    batch: Option<BatchId>,
    /// The number of hashes of the stage's heading.
    stage_hashes: usize,
    /// Whether the stage is part of the plan.
    stage_in_plan: bool,
    /// Whether the batch is part of the plan.
    batch_in_plan: bool,
    /// Whether problems of headings below are not reported: their cause has been reported, or nothing can be said
    /// because the number of their stage or batch is unknown.
    is_doubtful: bool,
}

/// A line that is either prose or a heading. `weak_lines` decides when the whole text is known.
struct Weak {
    line: Range<usize>,
    level: Level,
    /// Its place, if it has a number.
    number: Option<Place>,
    /// Its number among its siblings; 0 if it has none.
    own: u16,
    /// The heading that it would be.
    wanted: String,
    /// Whether it is more likely a sentence.
    is_prose: bool,
}

/// The state of reading one text.
#[expect(clippy::struct_excessive_bools, reason = "each is one fact about the headings above")]
pub(super) struct Reader<'s, 't> {
    source: &'s Source<'t>,
    /// The name of the plan, once its heading was read.
    name: Option<String>,
    plan: Plan,
    /// Whether there is a `## Stages` anywhere in the text.
    has_stages: bool,
    /// Whether the current place is below `## Stages`.
    in_stages: bool,
    /// Whether the stages have begun, and perhaps ended.
    had_stages: bool,
    place: Place,
    /// The offset and the text of a heading that ended the stage or all stages and perhaps should not.
    stray: Option<(usize, String)>,
    section: Section,
    /// The offset at which the text of the current section begins.
    section_start: usize,
    /// The offset of every stage, batch and thread that was found, also of those that are not part of the plan.
    stages: BTreeMap<StageNumber, usize>,
    batches: BTreeMap<BatchId, usize>,
    threads: BTreeMap<ThreadId, usize>,
    /// The levels and lower-case names of all headings of the structure.
    names: HashSet<(Level, String)>,
    weak: Vec<Weak>,
    /// Whether the last thread's heading called it a task.
    tasks: bool,
    /// The ranges in which questions were read.
    question_spans: Vec<Range<usize>>,
    /// The ranges below `## Stages`.
    stage_spans: Vec<Range<usize>>,
    /// Where the `**Files:**` and the `**After:**` of each thread stand.
    fields: Vec<(ThreadId, Option<usize>, Option<usize>)>,
    /// The numbers of the lines whose agents were read as the agent of a heading or a thread.
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
            fields: Vec::new(),
            agent_lines: HashSet::new(),
        }
    }

    /// Reads a heading of any kind.
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

    /// Reads a line that is not a heading to CommonMark but stands for one.
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
                    // The HTML above runs on over this line. Where a blank line ends such HTML, putting one before
                    // this line is certain to help.
                    let below = self.source.position(line.range.start).0;
                    let edit = ends.then(|| Edit { range: line.range.start..line.range.start, text: "\n".to_owned() });
                    self.problem(html, ProblemKind::HeadingInHtml(below), edit);
                    self.close_section(line.range.start, Section::Lost);
                    self.go_to(&mark, false);
                } else if line.is_strong && !self.is_doubtful_task(&mark) && !self.is_mention(&mark, text) {
                    self.mark(&mark);
                } else if line.is_strong && line.is_alone && self.is_second(&mark) {
                    // A paragraph that repeats the number of a thread is a second thread. A person has to decide
                    // about it.
                    self.mark(&Mark { is_certain: false, ..mark });
                } else {
                    self.weak_mark(&mark);
                }
            }
            Means::Part(title) => {
                let name = strip_word(title, "plan").and_then(|rest| rest.strip_prefix(':'));
                if let Some(name) = name.map(str::trim) {
                    // Only the first text of the file can be its title.
                    let start = self.source.text[..line.range.start].trim_start();
                    if self.name.is_none() && start.is_empty() {
                        let wanted = format!("# Plan: {name}");
                        let edit = Edit { range: line.range.clone(), text: wanted.clone() };
                        self.problem(line.range.start, ProblemKind::SectionSpelling(wanted), Some(edit));
                        self.name = Some(name.to_owned());
                    }
                } else if let Some((part, of_stage)) = part(title).or_else(|| self.questions_part(0, title)) {
                    let is_plan_part = !part.is_of_stage() && (part != Part::Stages || self.has_stages);
                    // Outside a stage, a plain `Questions:` is ordinary text.
                    let is_plain = !text.trim_start().starts_with(['#', '＃', '*', '_', '<']);
                    // A bold `Summary` is a field of a thread, so a part of the plan needs hashes.
                    let is_heading = text.trim_start().starts_with(['#', '＃']);
                    if line.is_certain && (is_heading || !is_plan_part) && !(is_plain && self.place.stage.is_none()) {
                        self.part(line.range.end, &line.range, 0, part, of_stage, title);
                    }
                }
            }
        }
    }

    /// Returns `Questions` if a heading or a label directly in a stage names the questions in other words, such as
    /// `Questions for Bob`.
    fn questions_part(&self, hashes: usize, title: &str) -> Option<(Part, bool)> {
        let of_stage = self.place.stage.is_some() && self.place.batch.is_none() && self.section != Section::ThreadBody;
        (of_stage && hashes != 2 && is_about_questions(title)).then_some((Part::Questions, false))
    }

    /// Reads a `# Plan:` heading. It ends the stages, and a second one is a problem.
    fn plan_heading(&mut self, heading: &Heading, name: &str) {
        self.leave_stages(heading.range.start, Section::Unread);
        if self.name.is_some() {
            self.problem(heading.range.start, ProblemKind::SecondPlanHeading, None);
        } else if !name.is_empty() {
            self.name = Some(name.to_owned());
        }
        self.section_start = heading.range.end;
    }

    /// Reads the heading of a part of the plan or of a stage. Returns false if the heading is not one at this place.
    fn part(
        &mut self,
        end: usize,
        line: &Range<usize>,
        hashes: usize,
        part: Part,
        of_stage: bool,
        title: &str,
    ) -> bool {
        // A part with two hashes ends the stages, unless the heading of the stage itself has a wrong number of
        // hashes.
        let is_shifted = !matches!(self.place.stage_hashes, 0 | 3);
        let is_of_stage = part.is_of_stage() && self.place.stage.is_some() && (hashes != 2 || is_shifted);
        let is_above_stages = !self.had_stages && matches!(self.section, Section::Unread | Section::Silent);
        if part == Part::Stages {
            if hashes != 2 && (self.has_stages || self.in_stages) {
                return false;
            }
            self.respell(line, hashes, 2, title);
            self.leave_stages(line.start, Section::Unread);
            self.enter_stages(line.start);
            self.has_stages = true;
            self.stray = None;
        } else if is_of_stage {
            let before_batches = self.place.batch.is_none() && self.section != Section::ThreadBody;
            // Below a batch, a plain `Checks` is a heading of a thread's text.
            if (hashes != 4 || part == Part::Checks) && !of_stage && !before_batches {
                return false;
            }
            if hashes != 4 {
                self.respell(line, hashes, 4, title);
            }
            self.close_section(line.start, Section::Unread);
            self.place.batch = None;
            self.place.batch_in_plan = false;
            // The doubts about a batch end with it. Those about a stage outside the plan remain.
            self.place.is_doubtful &= !self.place.stage_in_plan;
            self.section = if self.place.stage_in_plan { Section::Stage(part) } else { Section::Lost };
        } else if hashes == 2 || hashes == 0 && !self.in_stages || is_above_stages && !part.is_of_stage() {
            if hashes != 2 {
                self.respell(line, hashes, 2, title);
            }
            self.end_stages(line.start, title);
            // Outside a stage, questions are still checked for open ones. The other parts of a stage mean nothing
            // here.
            let is_read = !part.is_of_stage() || part == Part::Questions;
            self.section = if is_read { Section::Plan(part) } else { Section::Unread };
        } else {
            return false;
        }
        self.section_start = end;
        true
    }

    /// Reports a heading of a part whose number of hashes is not `wanted`, with the edit that rewrites it.
    fn respell(&mut self, line: &Range<usize>, hashes: usize, wanted: usize, title: &str) {
        if hashes != wanted {
            let title = title.trim().trim_end_matches([':', '：']).trim_end();
            let wanted = format!("{} {title}", "#".repeat(wanted));
            let edit = Edit { range: line.clone(), text: wanted.clone() };
            self.problem(line.start, ProblemKind::SectionSpelling(wanted), Some(edit));
        }
    }

    /// Reads a heading that is not part of the structure. It may end a section, the stage, or all stages.
    fn other_heading(&mut self, heading: &Heading, line: &Range<usize>, title: &str) {
        let in_text = matches!(self.section, Section::ThreadBody | Section::BatchSummary);
        let is_in_wrong_stage = self.place.stage.is_some() && (1..3).contains(&self.place.stage_hashes);
        match heading.level {
            2 if !(is_in_wrong_stage && self.place.stage_hashes == 1) => {
                self.end_stages(line.start, &self.source.text[line.clone()]);
                self.section = Section::Unread;
                self.section_start = line.start;
            }
            // The heading of the stage has too few hashes, and so have the headings of its parts.
            2 | 3 if is_in_wrong_stage => self.respell(line, usize::from(heading.level), 4, title),
            3 if self.in_stages => {
                self.leave_stage(line.start, Section::Unread);
                self.stray = Some((line.start, self.source.text[line.clone()].trim().to_owned()));
            }
            4 if !in_text && self.place.stage.is_some() => {
                self.close_section(line.start, Section::Unread);
                self.section_start = line.start;
            }
            // Any other heading below a section is part of its text.
            _ => {}
        }
    }

    /// Ends the stages at a heading that may be a mistake. If structure follows, that heading is reported.
    fn end_stages(&mut self, at: usize, heading: &str) {
        let was_in_stages = self.in_stages;
        self.leave_stages(at, Section::Unread);
        if was_in_stages {
            self.stray = Some((at, heading.trim().to_owned()));
        }
    }

    /// Begins the stages. The end of their range is set by `leave_stages`.
    fn enter_stages(&mut self, at: usize) {
        (self.in_stages, self.had_stages) = (true, true);
        self.stage_spans.push(at..usize::MAX);
    }

    /// Ends the stage and all stages at `at`, and begins a section.
    fn leave_stages(&mut self, at: usize, section: Section) {
        self.leave_stage(at, section);
        if std::mem::take(&mut self.in_stages)
            && let Some(span) = self.stage_spans.last_mut()
        {
            span.end = at;
        }
    }

    /// Ends the stage at `at`, and begins a section.
    fn leave_stage(&mut self, at: usize, section: Section) {
        self.close_section(at, section);
        self.place = Place::default();
    }

    /// Adds a problem at an offset.
    fn problem(&mut self, offset: usize, kind: ProblemKind, edit: Option<Edit>) {
        let (line, column) = self.source.position(offset);
        self.plan.problems.push(Problem { line, column, kind, edit });
    }
}

/// Returns a heading in the right spelling: `hashes` hashes, the word of its level, `number`, and its name.
fn wanted(mark: &Mark, hashes: usize, number: u16) -> String {
    // Without a certain name, leave a placeholder for a person to fill in.
    let name = if mark.source_name.is_empty() && !mark.is_certain { "NAME" } else { &mark.source_name };
    // The right spelling of an agent has no backticks around it.
    let name = name.split(' ').map(|word| match word.trim_matches('`') {
        agent if agent.starts_with('@') => agent,
        _ => word,
    });
    let name = name.collect::<Vec<_>>().join(" ");
    let text = format!("{} {} {number:02}: {name}", "#".repeat(hashes), mark.level.word());
    text.trim_end().to_owned()
}
