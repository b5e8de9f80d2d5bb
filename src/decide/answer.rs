//! The parts that several answers share. They are serialized as they are here, so names and order of fields are part of
//! the contract (DESIGN §8).

use schemars::JsonSchema;
use serde::Serialize;

use crate::plan::{Batch, Stage};

/// A stage, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct StageName {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: String,
}

/// A batch, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct BatchSummary {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub summary: String,
}

/// A batch, by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct BatchName {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What came of a thread. Exactly these seven keys in this order (DESIGN §8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Outcome {
    /// The thread.
    pub thread_id: String,
    /// Its status.
    pub status: &'static str,
    /// Its last report.
    pub report: String,
    /// The agent of its last attempt, or the one that would run it.
    pub agent_used: String,
    /// Whether the latest cycle used its retry or its reassignment.
    pub failover_applied: bool,
    /// Files or links that came of it.
    pub artifacts: Vec<String>,
    /// What is left to do.
    pub next_steps: Vec<String>,
}

impl StageName {
    pub(super) fn of(stage: &Stage) -> Self {
        Self { number: stage.number.0, name: stage.name.clone() }
    }
}

impl BatchSummary {
    pub(super) fn of(batch: &Batch) -> Self {
        Self { id: batch.id.to_string(), name: batch.name.clone(), summary: batch.summary.clone() }
    }
}

impl BatchName {
    pub(super) fn of(batch: &Batch) -> Self {
        Self { id: batch.id.to_string(), name: batch.name.clone() }
    }
}
