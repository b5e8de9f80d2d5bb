//! The problems of a PLAN.md: where they are, what is wrong, what to do about it, and the edit that does it.
//!
//! A problem is data. Parsing never fails; it finds all problems at once.

use std::fmt;
use std::ops::Range;

use super::id::{BatchId, MAX_NUMBER, StageNumber, ThreadId};

/// One thing that is wrong in PLAN.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: ProblemKind,
    /// The edit that fixes it, where it is certain what the author meant.
    pub edit: Option<Edit>,
}

/// A change of the text that fixes a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The range that is replaced, in bytes of the text that was passed to `parse`.
    pub range: Range<usize>,
    /// The text that takes its place. Its lines end as those of the file do.
    pub text: String,
}

/// What is wrong. The text of `Display` says it, and [`ProblemKind::help`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// There is no `# Plan: NAME` heading, or its name is empty.
    NoPlanHeading,
    /// A second `# Plan:` heading.
    SecondPlanHeading,
    /// There are stages, but no `## Stages` above them.
    NoStagesHeading,
    /// A heading of the plan's structure has no number, or one that is out of range.
    MissingNumber(Level),
    /// A heading of the plan's structure has a number but no name.
    EmptyName(Level),
    /// A stage has the number of an earlier one; it is not part of the plan.
    DuplicateStage(StageNumber),
    /// A batch has the number of an earlier one of its stage; it is not part of the plan.
    DuplicateBatch(BatchId),
    /// A thread has the number of an earlier one of its batch; it is not part of the plan.
    DuplicateThread(ThreadId),
    /// A heading of the plan's structure is at a place where it means nothing.
    Misplaced(Level),
    /// A heading of the plan's structure has the wrong number of hashes.
    WrongLevel {
        /// The level of the heading.
        level: Level,
        /// The number of hashes that it has.
        found: usize,
        /// The heading in the right spelling.
        wanted: String,
    },
    /// A line looks like a heading of the plan's structure, but is not read as one.
    Lookalike {
        /// The level that it looks like.
        level: Level,
        /// The heading in the right spelling.
        wanted: String,
    },
    /// A heading names more than one stage, batch or thread.
    SeveralInOne(Level),
    /// A line begins like a heading of the plan's structure, but is probably a sentence.
    MaybeHeading {
        /// The level that it would have.
        level: Level,
        /// The heading that it would be.
        wanted: String,
    },
    /// The id in a heading names another place than the one where the heading stands.
    ForeignId {
        /// The level of the heading.
        level: Level,
        /// The id in the heading.
        said: String,
        /// The place where it stands, such as `batch 01.02`.
        place: String,
    },
    /// A heading outside the structure ends the stage or all stages, but structure follows it.
    Stray {
        /// The heading.
        heading: String,
        /// The number of the line in which structure follows.
        below: usize,
    },
    /// The heading of a part of the plan or of a stage is not spelled like this.
    SectionSpelling(String),
    /// A code block is never closed, so the rest of the file is part of it.
    UnclosedFence,
    /// In this line a second code block seems to begin inside the first one. What should end the second one ends the
    /// first.
    FenceInFence(usize),
    /// A comment is never closed, so the rest of the file is part of it.
    UnclosedComment,
    /// This line is a conflict marker: git could not merge the file.
    ConflictMarker,
    /// The whole plan is in a code block, which is closed in this line if it is closed at all.
    PlanInFence(Option<usize>),
    /// HTML without a blank line behind it runs on over the heading in this line.
    HeadingInHtml(usize),
    /// This text of a template is still there.
    TemplateText(String),
    /// This question is not answered.
    OpenQuestion(String),
    /// A thread names these two agents.
    TwoAgents(String, String),
    /// This text is meant to name an agent, but cannot be read.
    UnreadableAgent(String),
    /// This agent is named where it runs nothing: for no thread, or below a thread's details.
    AgentOfNobody(String),
    /// This agent is written as `@NAME`, without `agent:`.
    BareAgent(String),
    /// This agent is named without `@agent:`.
    AgentByName(String),
    /// This `@NAME` is not an agent. The list has the most similar names of agents.
    UnknownMention(String, Vec<String>),
    /// This agent of a thread is not in work/agents.yaml. The list has the most similar names of agents.
    UnknownAgent(String, Vec<String>),
    /// A check has no command that could be run.
    CheckWithoutCommand,
    /// A command of a check is too long, or has a character that no command can have.
    UnreadableCheck,
    /// This text after `**Files:**` is not clearly a path.
    UnreadableFiles(String),
    /// This text after `**After:**` names no thread that can be read.
    UnreadableAfter(String),
    /// A thread waits for this thread, which the plan does not have.
    AfterUnknown(ThreadId),
    /// A thread waits for this thread, which runs in a later batch.
    AfterLater(ThreadId),
    /// These threads wait for each other.
    AfterCycle(Vec<ThreadId>),
    /// A thread may change the same file as another one that runs at the same time.
    FilesOverlap {
        /// The other thread.
        other: ThreadId,
        /// The path or glob of this thread.
        file: String,
    },
    /// The plan has no thread, so there is nothing to approve.
    NoThreads,
    /// A stage has no batch.
    StageWithoutBatches(StageNumber),
    /// A batch has no thread.
    BatchWithoutThreads(BatchId),
    /// This number is left out before the heading.
    Gap(Level, u16),
    /// A thread has no summary or no details.
    Unspecified {
        /// The thread.
        thread: ThreadId,
        /// Whether it has a summary.
        summary: bool,
        /// Whether it has details.
        details: bool,
    },
    /// A heading of the plan's structure is in a closed code block, so that it is text.
    HeadingInFence(Level),
    /// A text that reaches no worker.
    Unread,
    /// More problems are left out of the list.
    More {
        /// The number of problems that are left out.
        number: usize,
        /// Whether one of them forbids the approval.
        forbid: bool,
    },
}

/// The three levels of structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// `### Stage N: NAME` below `## Stages`.
    Stage,
    /// `##### Batch N: NAME` below a stage.
    Batch,
    /// `###### Thread N: NAME` below a batch.
    Thread,
}

impl ProblemKind {
    /// Returns whether a person must settle it before the plan can be approved, or overrule it with `--force`: the
    /// structure is in doubt, or a question is open (DESIGN §7).
    pub fn forbids_approval(&self) -> bool {
        match self {
            Self::NoPlanHeading
            | Self::SecondPlanHeading
            | Self::NoStagesHeading
            | Self::MissingNumber(_)
            | Self::EmptyName(_)
            | Self::DuplicateStage(_)
            | Self::DuplicateBatch(_)
            | Self::DuplicateThread(_)
            | Self::Misplaced(_)
            | Self::WrongLevel { .. }
            | Self::Lookalike { .. }
            | Self::SeveralInOne(_)
            | Self::ForeignId { .. }
            | Self::Stray { .. }
            | Self::SectionSpelling(_)
            | Self::UnclosedFence
            | Self::FenceInFence(_)
            | Self::UnclosedComment
            | Self::ConflictMarker
            | Self::PlanInFence(_)
            | Self::HeadingInHtml(_)
            | Self::TemplateText(_)
            | Self::OpenQuestion(_)
            | Self::TwoAgents(..)
            | Self::UnreadableAgent(_)
            | Self::AgentOfNobody(_)
            | Self::BareAgent(_)
            | Self::AgentByName(_)
            | Self::CheckWithoutCommand
            | Self::UnreadableCheck
            | Self::UnreadableAfter(_)
            | Self::AfterUnknown(_)
            | Self::AfterLater(_)
            | Self::AfterCycle(_)
            | Self::NoThreads => true,
            Self::UnknownMention(..)
            | Self::UnknownAgent(..)
            | Self::MaybeHeading { .. }
            | Self::StageWithoutBatches(_)
            | Self::BatchWithoutThreads(_)
            | Self::Gap(..)
            | Self::Unspecified { .. }
            | Self::HeadingInFence(_)
            | Self::FilesOverlap { .. }
            | Self::UnreadableFiles(_)
            | Self::Unread => false,
            Self::More { forbid, .. } => *forbid,
        }
    }

    /// Returns whether planners are told: it forbids the approval, or it concerns who runs a thread. The rest is
    /// style, and a model pays for each problem in tokens.
    pub fn concerns_planner(&self) -> bool {
        self.forbids_approval() || matches!(self, Self::UnknownAgent(..) | Self::UnknownMention(..))
    }

    /// Returns what to do about it, as a clause without a full stop.
    pub fn help(&self) -> String {
        match self {
            Self::NoPlanHeading => "start the file with `# Plan: NAME`".to_owned(),
            Self::SecondPlanHeading => {
                "a file holds one plan: remove this heading, or move what is below it".to_owned()
            }
            Self::NoStagesHeading => "write `## Stages` above the first stage".to_owned(),
            Self::MissingNumber(level) => {
                format!("write `{} N: NAME` with a number up to {MAX_NUMBER}", level.heading())
            }
            Self::EmptyName(level) => format!("put a name after `{} N:`", level.heading()),
            Self::DuplicateStage(_) | Self::DuplicateBatch(_) | Self::DuplicateThread(_) => {
                "give it a number of its own; until then it is not part of the plan".to_owned()
            }
            Self::Misplaced(level) => format!("use `{} N: NAME` {}", level.heading(), level.place()),
            Self::WrongLevel { wanted, .. } | Self::SectionSpelling(wanted) => format!("write {}", quoted(wanted)),
            Self::Lookalike { wanted, .. } => {
                format!("write {}; if it is only text, begin the line with another word", quoted(wanted))
            }
            Self::SeveralInOne(level) => format!("write a `{} N: NAME` for each of them", level.heading()),
            Self::MaybeHeading { wanted, .. } => format!("nothing to do, if it is text; else write {}", quoted(wanted)),
            Self::ForeignId { level, .. } => {
                format!("give it the number that it has here, or move it {}", level.place())
            }
            Self::Stray { .. } => "move it behind the last thread, or give it the four # of a stage's part".to_owned(),
            Self::UnclosedFence => "close it with a line of the same characters".to_owned(),
            Self::FenceInFence(_) => "use four backticks for the outer one, or close it before that line".to_owned(),
            Self::UnclosedComment => "close it with `-->`".to_owned(),
            Self::ConflictMarker => {
                "decide which of the two texts stays, and remove the markers; then git add the file".to_owned()
            }
            Self::PlanInFence(Some(line)) => format!("remove this line and the closing fence in line {line}"),
            Self::PlanInFence(None) => "remove this line".to_owned(),
            Self::HeadingInHtml(line) => format!("close the HTML, and put a blank line before line {line}"),
            Self::TemplateText(_) => "say what it is, or remove it".to_owned(),
            Self::OpenQuestion(_) => "answer it and tick it `- [x]`".to_owned(),
            Self::TwoAgents(..) => "name one `@agent:NAME` behind the thread's heading".to_owned(),
            Self::UnreadableAgent(_) => {
                "write `@agent:NAME` behind the thread's heading, with a name of work/agents.yaml".to_owned()
            }
            Self::AgentOfNobody(name) => format!(
                "write `@agent:{name}` behind the heading of each thread that it runs; if this is one, write \
                 `###### Thread N: NAME @agent:{name}`"
            ),
            Self::BareAgent(name) => format!("write `@agent:{name}`"),
            Self::AgentByName(name) => format!("write `@agent:{name}` behind the name of the thread"),
            Self::UnknownMention(_, closest) if closest.is_empty() => {
                "if it is an agent, write `@agent:NAME`".to_owned()
            }
            Self::UnknownMention(_, closest) => {
                format!("if it is an agent, write `@agent:NAME`, such as {}", closest.join(" or "))
            }
            Self::UnknownAgent(_, closest) if closest.is_empty() => {
                "add it to work/agents.yaml or name an agent that is there".to_owned()
            }
            Self::UnknownAgent(_, closest) => {
                format!("add it to work/agents.yaml, or use {}", closest.join(" or "))
            }
            Self::CheckWithoutCommand => {
                "write the command between backticks: **Check:** `cargo test`; several, or a code block, are run in order"
                    .to_owned()
            }
            Self::UnreadableCheck => "put it into a script of the repository, and run that".to_owned(),
            Self::UnreadableFiles(_) => {
                "write each path or glob between backticks: **Files:** `src/a.rs`, `docs/`".to_owned()
            }
            Self::UnreadableAfter(_) => "write ids of threads, such as `**After:** 01.02.01, 01.02.03`".to_owned(),
            Self::AfterUnknown(_) => "name a thread of the same batch".to_owned(),
            Self::AfterLater(_) => "batches run one after another: move one of the two threads".to_owned(),
            Self::AfterCycle(_) => "remove one of their `**After:**`".to_owned(),
            Self::FilesOverlap { other, .. } => format!(
                "nothing to do, if they do not touch the same lines; else write `**After:** {other}`, or give each its own files"
            ),
            Self::NoThreads => {
                "write `## Stages`, below it `### Stage 01: NAME`, `##### Batch 01: NAME`, `###### Thread 01: NAME`"
                    .to_owned()
            }
            Self::StageWithoutBatches(_) => "add a `##### Batch 01: NAME` below it, or remove the stage".to_owned(),
            Self::BatchWithoutThreads(_) => "add a `###### Thread 01: NAME` below it, or remove the batch".to_owned(),
            Self::Gap(level, 1) => format!("numbers begin with 01 in each {}", level.whole()),
            Self::Gap(..) => "nothing to do, if nothing is missing".to_owned(),
            Self::Unspecified { summary: true, .. } => {
                "add `**Details:**`: what to do, where, and how to check it".to_owned()
            }
            Self::Unspecified { .. } => "add `**Summary:**` and one sentence: what comes of it".to_owned(),
            Self::HeadingInFence(_) => "nothing to do, if it is an example".to_owned(),
            Self::Unread => {
                "move it below `## Summary` or `## Conventions`, `#### Stage Definition`, or into a thread's \
                             `**Details:**`"
                    .to_owned()
            }
            Self::More { .. } => "fix the ones above first".to_owned(),
        }
    }
}

/// Returns a line between backticks: two on each side if it contains some itself.
fn quoted(line: &str) -> String {
    if line.contains('`') { format!("`` {line} ``") } else { format!("`{line}`") }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlanHeading => write!(f, "there is no `# Plan: NAME` heading"),
            Self::SecondPlanHeading => write!(f, "this is a second `# Plan:` heading"),
            Self::NoStagesHeading => write!(f, "there is no `## Stages` above the first stage"),
            Self::MissingNumber(level) => write!(f, "this {level} has no number, or one that is not allowed"),
            Self::EmptyName(level) => write!(f, "this {level} has no name"),
            Self::DuplicateStage(number) => write!(f, "stage {number} is defined here a second time"),
            Self::DuplicateBatch(id) => write!(f, "batch {id} is defined here a second time"),
            Self::DuplicateThread(id) => write!(f, "thread {id} is defined here a second time"),
            Self::Misplaced(level) => write!(f, "a {level} heading means nothing here"),
            Self::WrongLevel { level, found, .. } => {
                write!(f, "this {level} heading has {found} #, a {level} has {}", level.hashes())
            }
            Self::Lookalike { level, .. } => write!(f, "this looks like a {level} but is not read as one"),
            Self::SeveralInOne(level) => write!(f, "this heading names more than one {level}"),
            Self::MaybeHeading { level, .. } => write!(f, "this begins like a {level} and is read as text"),
            Self::ForeignId { level, said, place } => write!(f, "this {level} says {said} and stands in {place}"),
            Self::Stray { heading, below } => {
                write!(f, "`{heading}` ends what is above it, so line {below} belongs to nothing")
            }
            Self::SectionSpelling(_) => write!(f, "this heading is not read as what it says"),
            Self::UnclosedFence => write!(f, "this code block is never closed: what follows is part of it"),
            Self::FenceInFence(line) => {
                write!(f, "in this code block another one begins, in line {line}: the first ends where the second does")
            }
            Self::UnclosedComment => write!(f, "this comment is never closed: the rest of the file is part of it"),
            Self::ConflictMarker => write!(f, "this is a conflict marker of a git merge"),
            Self::PlanInFence(_) => write!(f, "the whole plan is in a code block"),
            Self::HeadingInHtml(line) => {
                write!(f, "this HTML goes on over line {line}, so the heading there is part of it")
            }
            Self::TemplateText(text) => write!(f, "the template's text is still here: {text}"),
            Self::OpenQuestion(question) => write!(f, "open question: {question}"),
            Self::TwoAgents(first, second) => write!(f, "this thread is given to `{first}` and to `{second}`"),
            Self::UnreadableAgent(text) => write!(f, "this cannot be read as the name of an agent: {text}"),
            Self::AgentOfNobody(name) => write!(f, "agent `{name}` is named here for no thread"),
            Self::BareAgent(name) => write!(f, "`@{name}` assigns no agent: `agent:` is missing"),
            Self::AgentByName(name) => write!(f, "`{name}` is named here but not assigned"),
            Self::UnknownMention(name, _) => write!(f, "`@{name}` is read as text: no agent has this name"),
            Self::UnknownAgent(name, _) => write!(f, "agent `{name}` is not in work/agents.yaml"),
            Self::CheckWithoutCommand => write!(f, "this check has no command"),
            Self::UnreadableCheck => write!(f, "this check is no command that could be run"),
            Self::UnreadableFiles(text) => {
                write!(f, "`{text}` is not clearly a path, so these files are not looked at")
            }
            Self::UnreadableAfter(text) => write!(f, "`{text}` names no thread"),
            Self::AfterUnknown(id) => write!(f, "this waits for thread {id}, which the plan does not have"),
            Self::AfterLater(id) => write!(f, "this waits for thread {id}, which runs in a later batch"),
            Self::AfterCycle(ids) if ids.len() == 1 => write!(f, "this thread waits for itself"),
            Self::AfterCycle(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                write!(f, "these threads wait for each other: {}", ids.join(", "))
            }
            Self::FilesOverlap { other, file } => {
                write!(f, "`{file}` may be changed by thread {other} at the same time")
            }
            Self::NoThreads => write!(f, "there are no threads in this plan"),
            Self::StageWithoutBatches(number) => write!(f, "stage {number} has no batches"),
            Self::BatchWithoutThreads(id) => write!(f, "batch {id} has no threads"),
            Self::Gap(level, number) => write!(f, "there is no {level} {number:02} before this one"),
            Self::Unspecified { thread, summary: true, .. } => write!(f, "thread {thread} has no details"),
            Self::Unspecified { thread, details: true, .. } => write!(f, "thread {thread} has no summary"),
            Self::Unspecified { thread, .. } => write!(f, "thread {thread} has neither summary nor details"),
            Self::HeadingInFence(level) => write!(f, "this {level} heading is in a code block: it is text"),
            Self::Unread => write!(f, "no worker is told this text"),
            Self::More { number, .. } => write!(f, "and {number} more from here on"),
        }
    }
}

impl Level {
    /// Returns how many hashes a heading of this level has.
    pub(super) fn hashes(self) -> usize {
        match self {
            Self::Stage => 3,
            Self::Batch => 5,
            Self::Thread => 6,
        }
    }

    /// Returns the word that a heading of this level begins with.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Stage => "Stage",
            Self::Batch => "Batch",
            Self::Thread => "Thread",
        }
    }

    /// Returns the start of a heading of this level, `##### Batch`.
    fn heading(self) -> String {
        format!("{} {}", "#".repeat(self.hashes()), self.word())
    }

    /// Returns the unit within which this level is numbered.
    fn whole(self) -> &'static str {
        match self {
            Self::Stage => "plan",
            Self::Batch => "stage",
            Self::Thread => "batch",
        }
    }

    /// Returns where a heading of this level belongs, as part of a sentence.
    fn place(self) -> &'static str {
        match self {
            Self::Stage => "below `## Stages`",
            Self::Batch => "below a stage",
            Self::Thread => "below a batch",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stage => "stage",
            Self::Batch => "batch",
            Self::Thread => "thread",
        })
    }
}
