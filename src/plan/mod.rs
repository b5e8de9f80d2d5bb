//! PURE. Parses the text of a PLAN.md into a [`Plan`] and a list of problems (DESIGN §3).
//!
//! The parser reads neither files nor the clock, and it never fails: whatever is wrong with a text becomes a
//! [`Problem`]. It does not know what has happened to a thread; the board records that.

mod agents;
mod approval;
mod before;
mod check;
mod compose;
mod difference;
mod fences;
mod fields;
mod files;
mod fix;
mod follow;
mod id;
mod kept;
mod label;
mod lines;
mod lookalike;
mod outline;
mod parse;
mod problem;
mod questions;
mod reader;
mod sections;
mod source;
mod stage_plans;
mod template;
mod thread_body;

use serde::Serialize;

pub use agents::is_agent_char;
pub use approval::{ApprovedPlan, PlanApproval, PlanGate, PlanHash, SoundPlan, sha256};
pub use check::{MAX_PROBLEMS, check};
pub use compose::{
    BatchTexts, MAX_NAME_CHARS, MAX_SIBLINGS, PlanTexts, StageTexts, ThreadTexts, compose, fitted, short, tidy,
};
pub use difference::unified;
pub use files::{may_overlap, touches};
pub use fix::{Fixed, fixed};
#[cfg(test)]
pub(crate) use follow::tests as edits;
pub use follow::{Fate, Followed, follow, follow_names};
pub use id::{BatchId, MAX_NUMBER, MalformedId, StageNumber, ThreadId};
pub use parse::parse;
pub(crate) use parse::with_line_feeds;
pub use problem::{Edit, Level, Problem, ProblemKind};
pub use stage_plans::{Assembled, StagePlan, assemble};
pub use template::template;

/// The size limit of a PLAN.md, in bytes. A larger file is refused as `plan_unreadable` (DESIGN §8).
pub const MAX_PLAN_BYTES: u64 = 8 * 1024 * 1024;

/// The maximum length of an agent's name, in characters.
pub const MAX_AGENT_CHARS: usize = 100;

/// The content of a PLAN.md. Stages, batches and threads are sorted by number. No number occurs twice among siblings.
///
/// A text "as in the source" is a byte-for-byte copy without the blank lines around it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The name in `# Plan: NAME`; empty if there is none.
    pub name: String,
    /// The text of `## Summary`, as in the source but without HTML comments.
    pub summary: String,
    /// The text of `## Conventions` in the same form: the rules for every thread.
    pub conventions: String,
    /// The text of `## References` in the same form.
    pub references: String,
    /// The stages, by number.
    pub stages: Vec<Stage>,
    /// Names that may be meant as agents. [`check()`] compares them with the roster.
    pub mentions: Vec<Mention>,
    /// The problems that the text alone shows, in the order of the file. [`check()`] adds those that need the roster.
    pub problems: Vec<Problem>,
}

/// A stage: batches that run one after another. A person approves it when all of them are complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its number.
    pub number: StageNumber,
    /// Its name.
    pub name: String,
    /// The text of `#### Stage Definition`, Markdown as in the source: what the stage accomplishes.
    pub definition: String,
    /// The text of `#### Stage Constitution`, Markdown as in the source: how the stage works.
    pub constitution: String,
    /// The answered questions, each with its answer: Markdown as in the source.
    pub answers: Vec<String>,
    /// The commands of `#### Stage Checks`, which must pass before a person approves the stage (DESIGN §5b).
    pub checks: Vec<String>,
    /// Its batches, by number.
    pub batches: Vec<Batch>,
}

/// A batch: threads that run in parallel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// Its name. Batch 00 of an old plan has the name of its stage.
    pub name: String,
    /// The text before its first thread, as in the source.
    pub summary: String,
    /// Its threads, by number.
    pub threads: Vec<Thread>,
}

/// A thread: the work of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// Its name, without the `@agent:` part.
    pub name: String,
    /// The agent that the plan names for it; `None` if it names none.
    pub agent: Option<NamedAgent>,
    /// The text after `**Summary:**`, as in the source but without HTML comments.
    pub summary: String,
    /// The text after `**Details:**` in the same form.
    pub details: String,
    /// The commands of `**Check:**`, which must pass before the thread counts as completed (DESIGN §5b).
    pub checks: Vec<String>,
    /// The paths and globs of `**Files:**`: what the thread may touch. Empty: the plan does not say.
    pub files: Vec<String>,
    /// The threads of `**After:**`, which must be complete before this one starts (DESIGN §5c).
    pub after: Vec<ThreadId>,
}

/// How many stages, batches and threads a plan has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are what they count")]
pub struct Counts {
    pub stages: usize,
    pub batches: usize,
    pub threads: usize,
}

/// An agent's name in the plan, and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAgent {
    /// The name.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// A name that may be meant as an agent: an `@NAME`, or a name without the sign such as the `(NAME)` at the end of a
/// heading. [`check()`] decides with the roster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// Whether it is written with `@`. Without the sign it counts only if the roster has an agent of this name.
    pub has_sign: bool,
    /// Whether it stands in a heading of the plan's structure or in the text of a thread.
    pub of_thread: bool,
    /// The edit that turns it into `@agent:NAME`, where that is certain.
    pub edit: Option<Edit>,
}

impl Plan {
    /// Returns the batches of all stages, in the order in which they run.
    pub fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.stages.iter().flat_map(|stage| &stage.batches)
    }

    /// Returns the threads of all batches, in the order of their ids.
    pub fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.batches().flat_map(|batch| &batch.threads)
    }

    /// Returns the agents that the threads name, without duplicates, in the order of their first appearance.
    pub fn agents(&self) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let named = self.threads().filter_map(|thread| thread.agent.as_ref());
        named.filter(|agent| seen.insert(&agent.name)).map(|agent| agent.name.clone()).collect()
    }

    /// Returns how many stages, batches and threads the plan has.
    pub fn counts(&self) -> Counts {
        Counts { stages: self.stages.len(), batches: self.batches().count(), threads: self.threads().count() }
    }

    /// Returns the stage with this number.
    pub fn stage(&self, number: StageNumber) -> Option<&Stage> {
        let at = self.stages.binary_search_by_key(&number, |stage| stage.number).ok()?;
        self.stages.get(at)
    }

    /// Returns the batch with this id.
    pub fn batch(&self, id: BatchId) -> Option<&Batch> {
        let batches = &self.stage(id.stage)?.batches;
        batches.get(batches.binary_search_by_key(&id, |batch| batch.id).ok()?)
    }

    /// Returns the thread with this id.
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.batch(id.batch)?.thread(id)
    }
}

impl Batch {
    /// Returns the thread of this batch with this id.
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.threads.get(self.threads.binary_search_by_key(&id, |thread| thread.id).ok()?)
    }
}

impl Stage {
    /// Returns whether any batch of the stage has a thread. A stage without threads needs no approval (DESIGN §7).
    pub fn has_threads(&self) -> bool {
        self.batches.iter().any(|batch| !batch.threads.is_empty())
    }
}
