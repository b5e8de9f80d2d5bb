//! What can be wrong with a PLAN.md, where, and what to do about it.
//!
//! Problems are data: parsing never fails, it finds problems, all of them at once.

use std::fmt;

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
}

/// What is wrong; the text says it, [`ProblemKind::help`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// There is no `# Plan: NAME` heading, or its name is empty.
    NoPlanHeading,
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
    /// A heading of the plan's structure stands where it means nothing.
    Misplaced(Level),
    /// A batch has no thread.
    BatchWithoutThreads(BatchId),
    /// A question of the stage is not answered.
    OpenQuestion(String),
    /// The agent of a thread is not in work/agents.yaml; the closest names that are.
    UnknownAgent(String, Vec<String>),
    /// There is no thread anywhere, so there is nothing to approve.
    NoThreads,
    /// A comment is never closed, so the rest of the file is part of it.
    UnclosedComment,
    /// There are so many more problems; whether one of them forbids the approval.
    More {
        /// How many.
        number: usize,
        /// Whether one of them forbids the approval.
        forbid: bool,
    },
}

/// The three levels of structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `### Stage N: NAME` below `## Stages`.
    Stage,
    /// `##### Batch N: NAME` below a stage.
    Batch,
    /// `###### Thread N: NAME` below a batch.
    Thread,
}

impl ProblemKind {
    /// Returns whether the plan's structure itself is in doubt, or a question is open: what a
    /// person must settle, or overrule with `--force`, before approving the plan (DESIGN §7).
    pub fn forbids_approval(&self) -> bool {
        match self {
            Self::MissingNumber(_)
            | Self::DuplicateStage(_)
            | Self::DuplicateBatch(_)
            | Self::DuplicateThread(_)
            | Self::Misplaced(_)
            | Self::OpenQuestion(_)
            | Self::NoThreads
            | Self::UnclosedComment => true,
            Self::NoPlanHeading | Self::EmptyName(_) | Self::BatchWithoutThreads(_) | Self::UnknownAgent(..) => false,
            Self::More { forbid, .. } => *forbid,
        }
    }

    /// Returns what to do about it, as one sentence.
    pub fn help(&self) -> String {
        match self {
            Self::NoPlanHeading => "start the file with `# Plan: NAME`".to_owned(),
            Self::MissingNumber(level) => {
                format!("write `{} N: NAME` with a number up to {MAX_NUMBER}", level.heading())
            }
            Self::EmptyName(level) => format!("put a name after `{} N:`", level.heading()),
            Self::DuplicateStage(_) | Self::DuplicateBatch(_) | Self::DuplicateThread(_) => {
                "give it a number of its own; until then it is not part of the plan".to_owned()
            }
            Self::Misplaced(level) => format!("use `{} N: NAME` {}", level.heading(), level.place()),
            Self::BatchWithoutThreads(_) => "add a `###### Thread 01: NAME` below it, or remove the batch".to_owned(),
            Self::OpenQuestion(_) => "answer it and tick it `- [x]`".to_owned(),
            Self::UnknownAgent(_, closest) if closest.is_empty() => {
                "add it to work/agents.yaml or name an agent that is there".to_owned()
            }
            Self::UnknownAgent(_, closest) => {
                format!("add it to work/agents.yaml, or use {}", closest.join(" or "))
            }
            Self::NoThreads => {
                "write `## Stages`, below it `### Stage 01: NAME`, `##### Batch 01: NAME`, `###### Thread 01: NAME`"
                    .to_owned()
            }
            Self::UnclosedComment => "close it with `-->`".to_owned(),
            Self::More { .. } => "mend the ones above first".to_owned(),
        }
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlanHeading => write!(f, "there is no `# Plan: NAME` heading"),
            Self::MissingNumber(level) => write!(f, "this {level} has no number, or none that is allowed"),
            Self::EmptyName(level) => write!(f, "this {level} has no name"),
            Self::DuplicateStage(number) => write!(f, "stage {number} stands here a second time"),
            Self::DuplicateBatch(id) => write!(f, "batch {id} stands here a second time"),
            Self::DuplicateThread(id) => write!(f, "thread {id} stands here a second time"),
            Self::Misplaced(level) => write!(f, "a {level} heading means nothing here"),
            Self::BatchWithoutThreads(id) => write!(f, "batch {id} has no threads"),
            Self::OpenQuestion(question) => write!(f, "open question: {question}"),
            Self::UnknownAgent(name, _) => write!(f, "agent `{name}` is not in work/agents.yaml"),
            Self::NoThreads => write!(f, "there are no threads in this plan"),
            Self::More { number, .. } => write!(f, "and {number} more from here on"),
            Self::UnclosedComment => write!(f, "this comment is never closed: the rest of the file is part of it"),
        }
    }
}

impl Level {
    fn heading(self) -> &'static str {
        match self {
            Self::Stage => "### Stage",
            Self::Batch => "##### Batch",
            Self::Thread => "###### Thread",
        }
    }

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
