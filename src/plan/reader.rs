//! What the headings of a text mean, one after the other: the plan, and what is wrong with them.
//!
//! A heading that is not as it should be is told, and not part of the plan; but it counts where the
//! headings below it stand, so that each cause is told once.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::agents::{Named, named_in};
use super::id::{BatchId, StageNumber, ThreadId};
use super::label::{Label, label, strip_word};
use super::lines::{Line, Means};
use super::lookalike::{Look, bare_number, look};
use super::outline::Heading;
use super::problem::{Edit, Level, Problem, ProblemKind};
use super::questions::questions;
use super::sections::{Part, part};
use super::source::Source;
use super::template::is_of_template;
use super::thread_body::{agent_lines, thread_body, unlabelled};
use super::{Batch, Mention, NamedAgent, Plan, Stage, Thread};

/// The part of the plan whose text is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// Nothing may stand here.
    Silent,
    /// Text that reaches no worker.
    Unread,
    /// Text below something that is told already.
    Lost,
    Plan(Part),
    Stage(Part),
    BatchSummary,
    ThreadBody,
}

/// A heading of the structure, as it was found.
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
}

/// Where a heading stands, also below one that is not part of the plan.
#[derive(Debug, Default, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact about the headings above")]
struct Place {
    stage: Option<StageNumber>,
    batch: Option<BatchId>,
    /// The hashes of the stage's heading.
    stage_hashes: usize,
    stage_in_plan: bool,
    batch_in_plan: bool,
    thread_in_plan: bool,
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
        match self.mark_of(heading, &title, named) {
            Some(mark) if self.is_doubtful_task(&mark) => return self.weak_mark(&mark),
            Some(mark) => return self.mark(&mark),
            None => {}
        }
        match part(&title) {
            Some((part, of_stage)) if self.part(heading.range.end, &line, level, part, of_stage, &title) => {}
            _ => self.other_heading(heading, &line, &title),
        }
    }

    /// Reads a line that stands for a heading.
    pub(super) fn line(&mut self, line: &Line) {
        let text = &self.source.text[line.range.clone()];
        match &line.means {
            Means::Label(look) => {
                let named = named_in(&look.name);
                let mark = Mark {
                    line: line.range.clone(),
                    end: line.range.end,
                    level: look.level,
                    hashes: 0,
                    numbers: look.numbers.clone(),
                    name: named.rest.clone(),
                    source_name: look.name.clone(),
                    named,
                    is_spelled_right: false,
                    is_certain: line.is_certain,
                    is_task: look.is_task,
                };
                if let Some((html, ends)) = line.html {
                    let below = self.source.position(line.range.start).0;
                    let edit = ends.then(|| Edit {
                        range: line.range.start..line.range.start,
                        text: self.source.line_end().to_owned(),
                    });
                    self.problem(html, ProblemKind::HeadingInHtml(below), edit);
                    self.close_section(line.range.start, Section::Lost);
                    self.go_to(&mark, false);
                } else if line.is_strong && !self.is_doubtful_task(&mark) && !self.is_mention(&mark, text) {
                    self.mark(&mark);
                } else {
                    self.weak_mark(&mark);
                }
            }
            Means::Part(title) => {
                let title = title.clone();
                if title.len() >= 5 && title[..5].eq_ignore_ascii_case("plan:") {
                    let start = self.source.text[..line.range.start].trim_matches(['\u{feff}', '\n', '\r', ' ']);
                    if self.name.is_none() && start.is_empty() {
                        let wanted = format!("# Plan: {}", title[5..].trim());
                        let edit = Edit { range: line.range.clone(), text: wanted.clone() };
                        self.problem(line.range.start, ProblemKind::SectionSpelling(wanted), Some(edit));
                        self.name = Some(title[5..].trim().to_owned());
                    }
                } else if let Some((part, of_stage)) = part(&title) {
                    let is_plan_part = !part.is_of_stage() && (part != Part::Stages || self.has_stages);
                    // A bold `Summary` is a field of a thread.
                    let is_heading = text.trim_start().starts_with(['#', '＃']);
                    if line.is_certain && (is_heading || !is_plan_part) {
                        self.part(line.range.end, &line.range, 0, part, of_stage, &title);
                    }
                }
            }
        }
    }

    fn plan_heading(&mut self, heading: &Heading, name: &str) {
        self.leave_stages(heading.range.start, Section::Unread);
        if self.name.is_some() {
            self.problem(heading.range.start, ProblemKind::SecondPlanHeading, None);
        } else if !name.is_empty() {
            self.name = Some(name.to_owned());
        }
        self.section_start = heading.range.end;
    }

    /// Returns a heading as one of the structure, if it is meant as one.
    fn mark_of(&self, heading: &Heading, title: &str, named: Named) -> Option<Mark> {
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
            line,
        };
        let strict = label(title);
        let seen = look(text);
        mark.source_name = seen.as_ref().map(|look| look.name.clone()).unwrap_or_default();
        match (strict, seen) {
            (Some(Label { level, number: Some(number), name }), _) => {
                let source_name = if mark.source_name.is_empty() { name.clone() } else { mark.source_name };
                mark = Mark { level, numbers: vec![number], name, source_name, is_spelled_right: true, ..mark };
            }
            (_, Some(Look { level, numbers, name, is_task, is_separated, .. }))
                if !numbers.is_empty() || is_separated =>
            {
                // Struck out, or a link: what becomes of it is not plain.
                mark.is_certain = !text.contains("~~") && !text.contains("](");
                mark.named = named_in(&name);
                let name = mark.named.rest.clone();
                mark = Mark { level, numbers, name, is_task, ..mark };
            }
            (Some(Label { level, name, .. }), _) => mark = Mark { level, name, ..mark },
            (None, _) => {
                let (numbers, name) = bare_number(title)?;
                let level = self.numbered(usize::from(heading.level), &numbers, title.starts_with('0'))?;
                mark = Mark { level, numbers, source_name: name.clone(), name, ..mark };
            }
        }
        Some(mark)
    }

    /// Returns what a heading is that has only a number, by where it stands.
    fn numbered(&self, hashes: usize, numbers: &[u16], is_padded: bool) -> Option<Level> {
        let Place { stage, batch, .. } = self.place;
        match *numbers {
            [stage_of, batch_of, _] if self.in_stages && batch == Some(BatchId::new(stage_of, batch_of)) => {
                Some(Level::Thread)
            }
            [stage_of, _]
                if hashes == 5 && stage == Some(StageNumber(stage_of)) && self.section != Section::ThreadBody =>
            {
                Some(Level::Batch)
            }
            // `###### 2. Build` may be a part of a text, `###### 02: Build` is not.
            [number] if hashes == 6 && is_padded && batch.is_some_and(|batch| self.is_next(batch, number)) => {
                Some(Level::Thread)
            }
            [number] if hashes == 3 && self.in_stages && usize::from(number) == self.stages.len() + 1 => {
                Some(Level::Stage)
            }
            _ => None,
        }
    }

    /// Returns whether the next thread of a batch has that number.
    fn is_next(&self, batch: BatchId, number: u16) -> bool {
        let last = self.threads.range(ThreadId { batch, number: 0 }..).take_while(|(id, _)| id.batch == batch).last();
        last.map_or(1, |(id, _)| id.number + 1) == number
    }

    /// Returns whether this is rather a part of a thread: a task, below a thread that is not one.
    fn is_doubtful_task(&self, mark: &Mark) -> bool {
        mark.is_task && self.section == Section::ThreadBody && !self.tasks
    }

    /// Returns whether a line may only repeat what a heading says: a list of the stages above them, a name.
    fn is_mention(&self, mark: &Mark, text: &str) -> bool {
        let before_stages = self.has_stages && !self.in_stages && !self.had_stages;
        let is_named = self.names.contains(&(mark.level, mark.name.to_lowercase()));
        (before_stages || is_named) && !text.contains(['#', '＃'])
    }

    /// Keeps a line that may be prose until it is known what else there is.
    fn weak_mark(&mut self, mark: &Mark) {
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

    /// Reads a heading of the structure, right or wrong.
    fn mark(&mut self, mark: &Mark) {
        let at = mark.line.start;
        if mark.level == Level::Stage && !self.in_stages && !self.has_stages {
            let end = self.source.line_end();
            let edit = Edit { range: at..at, text: format!("## Stages{end}{end}") };
            self.problem(at, ProblemKind::NoStagesHeading, Some(edit));
            self.in_stages = true;
            self.had_stages = true;
        }
        let is_told = self.stray_is_told(mark);
        let legacy = mark.level == Level::Thread && self.place.batch.is_none();
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
            Ok(number) if !mark.is_spelled_right || !is_level_right => {
                is_right = false;
                let wanted = wanted(mark, hashes, number);
                let edit = (mark.is_certain && (has_place || mark.level != Level::Stage))
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
        if own.is_ok() && mark.name.is_empty() && !self.place.is_doubtful {
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

    /// Returns the number that a heading has among its neighbours.
    fn own_number(&self, mark: &Mark) -> Result<u16, ProblemKind> {
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

    /// Tells the heading that took a place away from what follows it; returns whether one did.
    fn stray_is_told(&mut self, mark: &Mark) -> bool {
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

    /// Opens a stage, batch or thread; one that is not right is no part of the plan.
    fn go_to(&mut self, mark: &Mark, is_right: bool) {
        let own = self.own_number(mark);
        self.names.insert((mark.level, mark.name.to_lowercase()));
        match mark.level {
            Level::Stage => self.open_stage(mark, own.ok(), is_right),
            Level::Batch => self.open_batch(mark, own.ok(), is_right),
            Level::Thread => self.open_thread(mark, own.ok(), is_right),
        }
        if mark.level != Level::Thread
            && let Some((agent, place)) = mark.named.agents.first()
        {
            let at = mark.line.start + place.start.min(mark.line.len());
            self.problem(self.floor(at), ProblemKind::AgentOfNobody(agent.clone()), None);
        }
    }

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
                batches: Vec::new(),
            });
        }
    }

    fn open_batch(&mut self, mark: &Mark, number: Option<u16>, is_right: bool) {
        let at = mark.line.start;
        self.place.batch = None;
        self.place.batch_in_plan = false;
        self.place.thread_in_plan = false;
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
            // Its threads would stand in the other one.
            self.place.batch = Some(id);
            self.place.is_doubtful = true;
            return;
        }
        self.place.is_doubtful &= !self.place.stage_in_plan;
        self.batches.insert(id, at);
        if is_right && self.place.stage_in_plan {
            self.place.batch_in_plan = true;
            self.push_batch(Batch { id, name: mark.name.clone(), summary: String::new(), threads: Vec::new() });
            self.section = Section::BatchSummary;
        }
    }

    fn open_thread(&mut self, mark: &Mark, number: Option<u16>, is_right: bool) {
        let at = mark.line.start;
        self.place.thread_in_plan = false;
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
        let agent = if mark.is_spelled_right { self.agent_of_heading(mark) } else { None };
        if is_right && self.place.batch_in_plan {
            self.place.thread_in_plan = true;
            let thread = Thread { id, name: mark.name.clone(), agent, summary: String::new(), details: String::new() };
            if let Some(batch) = self.batch_mut() {
                batch.threads.push(thread);
            }
            self.section = Section::ThreadBody;
        }
    }

    /// Returns the agent in a thread's heading, and tells what else of agents stands there.
    fn agent_of_heading(&mut self, mark: &Mark) -> Option<NamedAgent> {
        // The heading was read from its text on.
        let text = &self.source.text[mark.line.clone()];
        let base = mark.line.start + (text.len() - text.trim_start_matches(['#', ' ', '\t']).len());
        self.named(&mark.named, base)
    }

    fn named(&mut self, named: &Named, base: usize) -> Option<NamedAgent> {
        for (place, written) in &named.unreadable {
            let range = self.floor(base + place.start)..self.floor(base + place.end);
            let text = self.source.text[range.clone()].to_owned();
            let edit = written.as_ref().map(|text| Edit { range: range.clone(), text: text.clone() });
            self.problem(range.start, ProblemKind::UnreadableAgent(text), edit);
        }
        let mentions = named.mentions.iter().map(|mention| (mention, true));
        for ((name, place), has_sign) in mentions.chain(named.unsigned.iter().map(|name| (name, false))) {
            let range = self.floor(base + place.start)..self.floor(base + place.end);
            let (line, column) = self.source.position(range.start);
            self.plan.mentions.push(Mention { name: name.clone(), line, column, range, has_sign });
        }
        let mut agents = named.agents.iter();
        let (name, place) = agents.next()?;
        let at = self.floor(base + place.start);
        if let Some((other, _)) = agents.find(|(other, _)| other != name) {
            self.problem(at, ProblemKind::TwoAgents(name.clone(), other.clone()), None);
        }
        Some(self.source.named_agent(name.clone(), at))
    }

    /// Returns the boundary of characters at or before a place.
    fn floor(&self, at: usize) -> usize {
        let at = at.min(self.source.text.len());
        (0..=at).rev().find(|at| self.source.text.is_char_boundary(*at)).unwrap_or(0)
    }

    /// Opens batch 00 of the stage, which is made where there is none.
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

    fn push_batch(&mut self, batch: Batch) {
        if let Some(stage) = self.plan.stages.last_mut() {
            stage.batches.push(batch);
        }
    }

    fn batch_mut(&mut self) -> Option<&mut Batch> {
        let id = self.place.batch?;
        self.plan.stages.last_mut()?.batches.iter_mut().rev().find(|batch| batch.id == id)
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
        let is_of_stage = part.is_of_stage() && self.place.stage.is_some() && hashes != 2
            || part.is_of_stage()
                && self.place.stage_hashes != 3
                && self.place.stage_hashes != 0
                && self.place.stage.is_some();
        if part == Part::Stages {
            if hashes != 2 && (self.has_stages || self.in_stages) {
                return false;
            }
            self.respell(line, hashes, 2, title);
            self.leave_stages(line.start, Section::Unread);
            (self.in_stages, self.had_stages, self.has_stages) = (true, true, true);
            self.stray = None;
        } else if is_of_stage {
            let before_batches = self.place.batch.is_none() && self.section != Section::ThreadBody;
            if hashes != 4 && !of_stage && !before_batches {
                return false;
            }
            if hashes != 4 {
                self.respell(line, hashes, 4, title);
            }
            self.close_section(line.start, Section::Unread);
            self.place.batch = None;
            self.place.batch_in_plan = false;
            self.place.thread_in_plan = false;
            self.place.is_doubtful &= !self.place.stage_in_plan;
            self.section = if self.place.stage_in_plan { Section::Stage(part) } else { Section::Lost };
        } else if hashes == 2 || hashes == 0 && !self.in_stages {
            if hashes != 2 {
                self.respell(line, hashes, 2, title);
            }
            self.end_stages(line.start, title);
            let is_read = !part.is_of_stage() || part == Part::Questions;
            self.section = if is_read { Section::Plan(part) } else { Section::Unread };
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
                self.section = Section::Unread;
                self.section_start = line.start;
            }
            // The stage has a # too few, and its parts with it.
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

    fn end_stages(&mut self, at: usize, heading: &str) {
        let was_in_stages = self.in_stages;
        self.leave_stages(at, Section::Unread);
        if was_in_stages {
            self.stray = Some((at, heading.trim().to_owned()));
        }
    }

    fn leave_stages(&mut self, at: usize, section: Section) {
        self.leave_stage(at, section);
        self.in_stages = false;
    }

    fn leave_stage(&mut self, at: usize, section: Section) {
        self.close_section(at, section);
        self.place = Place::default();
    }

    fn close_section(&mut self, end: usize, next: Section) {
        let range = self.section_start.min(end)..end;
        let section = std::mem::replace(&mut self.section, next);
        self.section_start = end;
        match section {
            Section::Silent | Section::Lost | Section::Plan(Part::Stages) => {}
            Section::Unread | Section::Stage(Part::Batches) => self.unread(&range),
            Section::Plan(Part::Questions) | Section::Stage(Part::Questions) => self.questions(&range),
            Section::Plan(part) => {
                let text = self.source.span(range);
                let place = match part {
                    Part::Summary => &mut self.plan.summary,
                    Part::Conventions => &mut self.plan.conventions,
                    _ => &mut self.plan.references,
                };
                append(place, &text);
            }
            Section::Stage(part) => {
                let text = self.source.span(range);
                if let Some(stage) = self.plan.stages.last_mut() {
                    append(
                        if part == Part::Definition { &mut stage.definition } else { &mut stage.constitution },
                        &text,
                    );
                }
            }
            Section::BatchSummary => {
                for (place, named) in agent_lines(self.source, &range) {
                    for (name, _) in named.agents {
                        self.problem(place.start, ProblemKind::AgentOfNobody(name), None);
                    }
                }
                for (offset, wanted) in unlabelled(self.source, &range, true) {
                    self.problem(offset, ProblemKind::Lookalike { level: Level::Thread, wanted }, None);
                }
                let text = self.source.span(range);
                if let Some(batch) = self.batch_mut() {
                    batch.summary = text;
                }
            }
            Section::ThreadBody => self.thread_body(range),
        }
    }

    fn thread_body(&mut self, range: Range<usize>) {
        let (heading, body_range) = (range.start, range.clone());
        let body = thread_body(self.source, range);
        for (offset, kind, edit) in body.problems {
            self.problem(offset, kind, edit);
        }
        let mut agents = Vec::new();
        for (named, offset) in &body.named {
            agents.extend(self.named(named, *offset));
        }
        let text_of_template = [&body.summary, &body.details].into_iter().find(|text| is_of_template(text)).cloned();
        let Some(thread) = self.batch_mut().and_then(|batch| batch.threads.last_mut()) else { return };
        thread.summary = body.summary;
        thread.details = body.details;
        let (id, summary, details) = (thread.id, !thread.summary.is_empty(), !thread.details.is_empty());
        let mut two = None;
        for agent in agents {
            match &thread.agent {
                Some(first) if first.name != agent.name => {
                    two = Some((agent.line, agent.column, ProblemKind::TwoAgents(first.name.clone(), agent.name)));
                }
                Some(_) => {}
                None => thread.agent = Some(agent),
            }
        }
        if let Some((line, column, kind)) = two {
            self.plan.problems.push(Problem { line, column, kind, edit: None });
        }
        if let Some(text) = text_of_template {
            let at = self.source.text[body_range].find(text.lines().next().unwrap_or_default()).unwrap_or_default();
            self.problem(heading + at, ProblemKind::TemplateText(text), None);
        }
        if !summary || !details {
            let at = self.threads.get(&id).copied().unwrap_or(heading);
            self.problem(at, ProblemKind::Unsaid { thread: id, summary, details }, None);
        }
    }

    /// Tells text that reaches nobody: not what a program writes above and below a plan.
    fn unread(&mut self, range: &Range<usize>) {
        let text = self.source.masked(range.clone());
        let mut at = range.start;
        let mut first = None;
        for line in text.split_inclusive('\n') {
            let bare = line.trim();
            let is_said = bare.contains(char::is_alphanumeric) && !bare.starts_with('>') && !bare.starts_with('#');
            if bare.starts_with('#') && first.is_none() {
                first = Some((at, false));
            }
            if is_said {
                let start = first.map_or(at, |(start, _)| start);
                return self.problem(start, ProblemKind::Unread, None);
            }
            at += line.len();
        }
    }

    fn questions(&mut self, range: &Range<usize>) {
        let found = questions(self.source, range);
        for (offset, question) in found.open {
            self.problem(offset, ProblemKind::OpenQuestion(question), None);
        }
        if let Some(stage) = self.plan.stages.last_mut().filter(|_| self.place.stage_in_plan) {
            stage.answers.extend(found.answers);
        }
    }

    fn problem(&mut self, offset: usize, kind: ProblemKind, edit: Option<Edit>) {
        let (line, column) = self.source.position(offset);
        self.plan.problems.push(Problem { line, column, kind, edit });
    }

    /// Ends the text. What only the whole of it shows is told now.
    pub(super) fn finish(mut self) -> Plan {
        self.close_section(self.source.text.len(), Section::Silent);
        if self.name.is_none() {
            self.no_plan_heading();
        }
        for comment in self.source.outline.comments.iter().filter(|comment| !comment.closed) {
            self.problem(comment.range.start, ProblemKind::UnclosedComment, None);
        }
        for (offset, kind) in super::fences::fence_problems(self.source) {
            self.problem(offset, kind, None);
        }
        self.weak_lines();
        self.missing();
        self.gaps();
        let mut plan = self.plan;
        plan.name = self.name.unwrap_or_default();
        plan.stages.sort_by_key(|stage| stage.number);
        for stage in &mut plan.stages {
            stage.batches.sort_by_key(|batch| batch.id);
            for batch in &mut stage.batches {
                batch.threads.sort_by_key(|thread| thread.id);
            }
        }
        plan.problems.sort_by_key(|problem| (problem.line, problem.column));
        plan
    }

    fn no_plan_heading(&mut self) {
        let headings = &self.source.outline.headings;
        let first = headings.first();
        let edit = first.and_then(|heading| {
            let title = self.source.masked(heading.content.clone());
            let plan = strip_word(title.trim(), "plan").map(|rest| rest.trim_start_matches([':', '-', '–', '—', ' ']));
            let is_title = heading.level == 1 && label(&title).is_none() && part(&title).is_none();
            let name = match plan {
                Some("") => return None,
                Some(name) if heading.level == 1 || title.contains(':') => name,
                _ if is_title && !title.trim().is_empty() => title.trim(),
                _ => return None,
            };
            let has_comment = self.source.text[heading.range.clone()].contains("<!--");
            let edit = Edit { range: self.source.trimmed(heading.range.clone()), text: format!("# Plan: {name}") };
            (!has_comment).then_some(edit)
        });
        let at = edit.as_ref().map_or(0, |edit| edit.range.start);
        self.problem(at, ProblemKind::NoPlanHeading, edit);
    }

    /// Tells the lines that would be a part of the plan that nothing else is.
    fn weak_lines(&mut self) {
        for weak in std::mem::take(&mut self.weak) {
            let Weak { line, level, number, own, wanted } = weak;
            let is_known = number.is_some_and(|place| match level {
                Level::Stage => self.stages.contains_key(&StageNumber(own)),
                Level::Batch => match place.stage {
                    Some(stage) => self.batches.contains_key(&BatchId { stage, number: own }),
                    None => self.batches.keys().any(|id| id.number == own),
                },
                Level::Thread => match (place.batch, place.stage) {
                    (Some(batch), _) => self.threads.contains_key(&ThreadId { batch, number: own }),
                    (None, Some(stage)) => self.threads.keys().any(|id| id.number == own && id.batch.stage == stage),
                    (None, None) => self.threads.keys().any(|id| id.number == own),
                },
            });
            let is_kept =
                self.stages.get(&StageNumber(own)).is_some_and(|at| level == Level::Stage && *at == line.start)
                    || self.batches.values().any(|at| level == Level::Batch && *at == line.start);
            if !is_known || is_kept {
                self.problem(line.start, ProblemKind::Lookalike { level, wanted }, None);
            }
        }
    }

    fn missing(&mut self) {
        let empty: Vec<(usize, ProblemKind)> = self
            .batches
            .iter()
            .filter(|(id, _)| {
                let first = ThreadId { batch: **id, number: 0 };
                self.threads.range(first..).next().is_none_or(|(thread, _)| thread.batch != **id)
            })
            .map(|(id, at)| (*at, ProblemKind::BatchWithoutThreads(*id)))
            .chain(self.stages.iter().filter_map(|(number, at)| {
                let first = BatchId { stage: *number, number: 0 };
                let has_batch = self.batches.range(first..).next().is_some_and(|(batch, _)| batch.stage == *number);
                (!has_batch).then_some((*at, ProblemKind::StageWithoutBatches(*number)))
            }))
            .collect();
        self.style(empty);
        if self.threads.is_empty() {
            self.problem(0, ProblemKind::NoThreads, None);
        }
    }

    /// Tells where a number is left out.
    fn gaps(&mut self) {
        let stages = self.stages.iter().map(|(number, at)| ((0, 0), Level::Stage, number.0, *at));
        let batches = self.batches.iter().map(|(id, at)| ((1, u32::from(id.stage.0)), Level::Batch, id.number, *at));
        let threads = self.threads.iter().map(|(id, at)| {
            let batch = u32::from(id.batch.stage.0) * 1_000 + u32::from(id.batch.number);
            ((2, batch), Level::Thread, id.number, *at)
        });
        let mut gaps = Vec::new();
        let mut last = ((3, 0), 0);
        for (group, level, number, at) in stages.chain(batches).chain(threads) {
            let expected = if group == last.0 { last.1 + 1 } else { 1 };
            if number > expected {
                gaps.push((at, ProblemKind::Gap(level, expected)));
            }
            last = (group, number);
        }
        self.style(gaps);
    }

    /// Tells what is odd about headings, where nothing is wrong with them.
    fn style(&mut self, odd: Vec<(usize, ProblemKind)>) {
        let errors = self.plan.problems.iter().filter(|problem| problem.kind.forbids_approval());
        let lines: HashSet<usize> = errors.map(|problem| problem.line).collect();
        for (at, kind) in odd {
            if !lines.contains(&self.source.position(at).0) {
                self.problem(at, kind, None);
            }
        }
    }
}

/// Returns a heading as it is written.
fn wanted(mark: &Mark, hashes: usize, number: u16) -> String {
    let text = format!("{} {} {number:02}: {}", "#".repeat(hashes), mark.level.word(), mark.source_name);
    text.trim_end().to_owned()
}

fn append(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}
