//! `read_thread`: a worker's brief, all that it needs to know and no more (DESIGN §8).

use schemars::JsonSchema;
use serde::Serialize;

use super::answer::BatchSummary;
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::scene::{Scene, attempt_in_answers};
use super::sweep::sweep;
use crate::board::{Attempt, AttemptStatus, Status};
use crate::plan::ThreadId;

/// The answer of `read_thread`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Brief {
    /// The thread.
    pub thread_id: String,
    /// The workstream that it stands in.
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
    /// The stage it stands in.
    pub stage: BriefStage,
    /// The batch it stands in.
    pub batch: BatchSummary,
    /// What it is about.
    pub summary: String,
    /// What to do.
    pub details: String,
    /// The threads that run beside it.
    pub siblings: Vec<Sibling>,
    /// The attempts before this one.
    pub earlier_attempts: Vec<EarlierAttempt>,
}

impl Brief {
    /// Returns the texts that are not empty, each with its title, in the order in which they are read.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("Summary", self.summary.as_str()),
            ("Details", &self.details),
            ("Batch", &self.batch.summary),
            ("Stage definition", &self.stage.definition),
            ("Stage constitution", &self.stage.constitution),
        ]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
    }
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

/// Decides the request.
pub(super) fn decide(scene: &Scene<'_>, id: ThreadId, ledger: &mut Ledger) -> Result<Brief, Refusal> {
    sweep(scene, ledger);
    let thread = scene.thread(id)?;
    let (Some(stage), Some(batch)) = (scene.plan.stage(id.batch.stage), scene.plan.batch(id.batch)) else {
        return Err(scene.unknown_thread(id));
    };
    let board = ledger.board();
    let ended = |attempt: &&Attempt| attempt.status != AttemptStatus::Running;
    Ok(Brief {
        thread_id: id.to_string(),
        workstream: scene.workstream.to_owned(),
        name: thread.name.clone(),
        status: board.status(id),
        agent: scene.current_agent(board, id),
        attempt: attempt_in_answers(board, id),
        stage: BriefStage {
            number: stage.number.0,
            name: stage.name.clone(),
            definition: stage.definition.clone(),
            constitution: stage.constitution.clone(),
        },
        batch: BatchSummary::of(batch),
        summary: thread.summary.clone(),
        details: thread.details.clone(),
        siblings: batch
            .threads
            .iter()
            .filter(|sibling| sibling.id != id)
            .map(|sibling| Sibling {
                thread_id: sibling.id.to_string(),
                name: sibling.name.clone(),
                status: board.status(sibling.id),
                agent: scene.current_agent(board, sibling.id),
            })
            .collect(),
        earlier_attempts: board
            .thread(id)
            .attempts
            .iter()
            .filter(ended)
            .map(|attempt| EarlierAttempt {
                attempt: attempt.number,
                agent: attempt.agent.clone(),
                status: attempt.status.word(),
                report: attempt.report.clone(),
            })
            .collect(),
    })
}
