//! A worker's brief: the answer of `read_thread` (DESIGN §8).

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::BatchSummary;
use super::facts::{Omission, Words};
use crate::board::Status;

/// The answer of `read_thread`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Brief")]
pub struct Brief<O = Omission> {
    /// The thread.
    pub thread_id: String,
    /// The workstream, to be named in every call.
    pub workstream: String,
    /// Its name.
    pub name: String,
    /// Its status.
    #[schemars(with = "String")]
    pub status: Status,
    /// The agent that runs it.
    pub agent: String,
    /// The attempt that runs, comes next or was the last.
    pub attempt: u32,
    /// What it is about.
    pub summary: String,
    /// What to do.
    pub details: String,
    /// The commands that must pass before it counts as completed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// What it may touch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// What holds for the whole plan.
    pub plan: BriefPlan,
    /// The stage it stands in.
    pub stage: BriefStage,
    /// The batch it stands in.
    pub batch: BatchSummary,
    /// The threads that run beside it.
    pub siblings: Vec<Sibling>,
    /// The threads that are done before it, and what they reported.
    pub done_before: Vec<DoneBefore>,
    /// The attempts before this one.
    pub earlier_attempts: Vec<EarlierAttempt>,
    /// What was left out, and how to get it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<O>,
}

impl<O> Brief<O> {
    /// Returns the brief with another `more`.
    pub(super) fn with_more<P>(self, more: Vec<P>) -> Brief<P> {
        Brief {
            thread_id: self.thread_id,
            workstream: self.workstream,
            name: self.name,
            status: self.status,
            agent: self.agent,
            attempt: self.attempt,
            summary: self.summary,
            details: self.details,
            checks: self.checks,
            files: self.files,
            plan: self.plan,
            stage: self.stage,
            batch: self.batch,
            siblings: self.siblings,
            done_before: self.done_before,
            earlier_attempts: self.earlier_attempts,
            more,
        }
    }

    /// Returns the texts that are not empty, each with its title, in the order in which a document shows them.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, String)> {
        let codes = |texts: &[String]| texts.iter().map(|text| code(text)).collect::<Vec<_>>().join("\n");
        let answers: Vec<String> = self.stage.answers.iter().map(|answer| format!("- {answer}")).collect();
        [
            ("Summary", self.summary.clone()),
            ("Details", self.details.clone()),
            ("Checks", codes(&self.checks)),
            ("Files", codes(&self.files)),
            ("Batch", self.batch.summary.clone()),
            ("Stage definition", self.stage.definition.clone()),
            ("Stage constitution", self.stage.constitution.clone()),
            ("Questions and answers", answers.join("\n")),
            ("Plan", self.plan.summary.clone()),
            ("Conventions", self.plan.conventions.clone()),
            ("References", self.plan.references.clone()),
        ]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
    }
}

/// Returns a command or a path as an item of a list, between as many backticks as it needs.
fn code(text: &str) -> String {
    let marks = if text.contains('`') { "``" } else { "`" };
    let space = if text.contains('`') { " " } else { "" };
    format!("- {marks}{space}{text}{space}{marks}")
}

impl Brief {
    /// Returns the answer in the words of a door.
    pub fn worded(self, words: &dyn Words) -> Brief<String> {
        let more = self.more.iter().map(|omission| words.omission(omission)).collect();
        self.with_more(more)
    }
}

/// The plan, for a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct BriefPlan {
    /// Its name.
    pub name: String,
    /// What the workstream achieves.
    pub summary: String,
    /// What holds for every thread.
    pub conventions: String,
    /// Documents and code that matter.
    pub references: String,
}

/// A stage, for a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct BriefStage {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// What it accomplishes.
    pub definition: String,
    /// How it works.
    pub constitution: String,
    /// The questions that a person has answered, with their answers.
    pub answers: Vec<String>,
}

/// A thread of the same batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Sibling {
    /// Its id.
    pub thread_id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    #[schemars(with = "String")]
    pub status: Status,
    /// The agent that runs it.
    pub agent: String,
    /// What it may touch.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// A thread that was done before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DoneBefore {
    /// Its id.
    pub thread_id: String,
    /// Its name.
    pub name: String,
    /// What it reported; cut to the length in which reports are repeated.
    pub report: String,
    /// What came of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<String>,
    /// What it left to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next_steps: Vec<String>,
}

/// An attempt that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct EarlierAttempt {
    /// Its number.
    pub attempt: u32,
    /// The agent that ran it.
    pub agent: String,
    /// How it ended.
    pub status: &'static str,
    /// Its report.
    pub report: String,
}
