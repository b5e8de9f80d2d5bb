//! PURE. Text in, [`Plan`] and problems out: what PLAN.md says (DESIGN §3).
//!
//! Never reads a file, never asks for the time, never fails. It does not know what has happened
//! to a thread: that is the board's business.

mod agents;
mod approval;
mod before;
mod check;
mod difference;
mod fences;
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
pub use difference::unified;
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

/// The largest PLAN.md that is read, in bytes.
pub const MAX_PLAN_BYTES: u64 = 8 * 1024 * 1024;

/// The longest name of an agent, in characters.
pub const MAX_AGENT_CHARS: usize = 100;

/// What a PLAN.md says. Stages, batches and threads are sorted by number, each number once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The name in `# Plan: NAME`; empty where there is none.
    pub name: String,
    /// The text of `## Summary`, the source's own bytes without HTML comments.
    pub summary: String,
    /// The text of `## Conventions`, likewise: what holds for every thread.
    pub conventions: String,
    /// The text of `## References`, likewise.
    pub references: String,
    /// The stages.
    pub stages: Vec<Stage>,
    /// Each `@NAME` where an agent could be named; whether it is one, the roster says.
    pub mentions: Vec<Mention>,
    /// What is wrong with the text itself, in the order of the file.
    pub problems: Vec<Problem>,
}

/// A stage: batches that run one after another, with a person's approval at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its number.
    pub number: StageNumber,
    /// Its name.
    pub name: String,
    /// What the stage accomplishes: Markdown, the source's own bytes.
    pub definition: String,
    /// How the stage works: Markdown, the source's own bytes.
    pub constitution: String,
    /// The questions that are answered, each with its answer: Markdown, the source's own bytes.
    pub answers: Vec<String>,
    /// Its batches.
    pub batches: Vec<Batch>,
}

/// A batch: threads that run in parallel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// Its name; that of the stage for the batch 00 of an old plan.
    pub name: String,
    /// The text before its first thread, the source's own bytes.
    pub summary: String,
    /// Its threads.
    pub threads: Vec<Thread>,
}

/// A thread: one worker's task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// Its name, without the agent.
    pub name: String,
    /// The agent that the plan names for it.
    pub agent: Option<NamedAgent>,
    /// The text after `**Summary:**`, the source's own bytes without HTML comments.
    pub summary: String,
    /// The text after `**Details:**`, the source's own bytes without HTML comments.
    pub details: String,
}

/// How much a plan has of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are what they count")]
pub struct Counts {
    pub stages: usize,
    pub batches: usize,
    pub threads: usize,
}

/// An agent that the plan names, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAgent {
    /// The name.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// An `@NAME` in a thread's heading or where its agent stands, or a `(NAME)` behind the heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// It has the `@`; without it only a name of the roster is one.
    pub has_sign: bool,
    /// It stands in the heading of a thread, or where its agent stands.
    pub of_thread: bool,
    /// What makes it the thread's agent, where that is certain.
    pub edit: Option<Edit>,
}

impl Plan {
    /// Returns the batches of all stages, in the order in which they run.
    pub fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.stages.iter().flat_map(|stage| &stage.batches)
    }

    /// Returns the threads of all batches, by id.
    pub fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.batches().flat_map(|batch| &batch.threads)
    }

    /// Returns the agents that its threads name, each once, in the order in which they are named first.
    pub fn agents(&self) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let named = self.threads().filter_map(|thread| thread.agent.as_ref());
        named.filter(|agent| seen.insert(&agent.name)).map(|agent| agent.name.clone()).collect()
    }

    /// Returns how many stages, batches and threads it has.
    pub fn counts(&self) -> Counts {
        Counts { stages: self.stages.len(), batches: self.batches().count(), threads: self.threads().count() }
    }

    /// Returns the stage with that number.
    pub fn stage(&self, number: StageNumber) -> Option<&Stage> {
        let at = self.stages.binary_search_by_key(&number, |stage| stage.number).ok()?;
        self.stages.get(at)
    }

    /// Returns the batch with that id.
    pub fn batch(&self, id: BatchId) -> Option<&Batch> {
        let batches = &self.stage(id.stage)?.batches;
        batches.get(batches.binary_search_by_key(&id, |batch| batch.id).ok()?)
    }

    /// Returns the thread with that id.
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.batch(id.batch)?.thread(id)
    }
}

impl Batch {
    /// Returns the thread of the batch with that id.
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.threads.get(self.threads.binary_search_by_key(&id, |thread| thread.id).ok()?)
    }
}

impl Stage {
    /// Returns whether any batch of the stage has a thread; a stage without needs no approval.
    pub fn has_threads(&self) -> bool {
        self.batches.iter().any(|batch| !batch.threads.is_empty())
    }
}
