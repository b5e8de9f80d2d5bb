//! `read_thread` and `work read`: puts the brief of a worker together (DESIGN §8). It must have all that the worker
//! needs, and nothing that it does not.

use super::answer::BatchSummary;
use super::brief::{Brief, BriefPlan, BriefStage, DoneBefore, EarlierAttempt, Sibling};
use super::brief_size::within;
use super::facts::Extent;
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::scene::{Scene, attempt_in_answers};
use super::sweep::sweep;
use crate::board::{Attempt, AttemptStatus, Board, Status};
use crate::plan::{Batch, Thread, ThreadId};

/// Decides a `read_thread` or a `work read`.
///
/// # Errors
///
/// [`Refusal::UnknownThread`] if the plan has no such thread.
pub(super) fn decide(scene: &Scene<'_>, id: ThreadId, extent: Extent, ledger: &mut Ledger) -> Result<Brief, Refusal> {
    sweep(scene, ledger);
    let thread = scene.thread(id)?;
    let (Some(stage), Some(batch)) = (scene.plan.stage(id.batch.stage), scene.plan.batch(id.batch)) else {
        return Err(scene.unknown_thread(id));
    };
    let board = ledger.board();
    let ended = |attempt: &&Attempt| attempt.status != AttemptStatus::Running;
    let whole: Brief = Brief {
        thread_id: id.to_string(),
        workstream: scene.workstream.to_owned(),
        name: thread.name.clone(),
        status: board.status(id),
        agent: scene.current_agent(board, id),
        attempt: attempt_in_answers(board, id),
        summary: thread.summary.clone(),
        details: thread.details.clone(),
        checks: thread.checks.clone(),
        files: thread.files.clone(),
        plan: BriefPlan {
            name: scene.plan.name.clone(),
            summary: scene.plan.summary.clone(),
            conventions: scene.plan.conventions.clone(),
            references: scene.plan.references.clone(),
        },
        stage: BriefStage {
            number: stage.number.0,
            name: stage.name.clone(),
            definition: stage.definition.clone(),
            constitution: stage.constitution.clone(),
            answers: stage.answers.clone(),
        },
        batch: BatchSummary::of(batch),
        siblings: batch
            .threads
            .iter()
            .filter(|sibling| sibling.id != id)
            .map(|sibling| Sibling {
                thread_id: sibling.id.to_string(),
                name: sibling.name.clone(),
                status: board.status(sibling.id),
                agent: scene.current_agent(board, sibling.id),
                files: sibling.files.clone(),
            })
            .collect(),
        done_before: done_before(scene, board, batch, thread),
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
        more: Vec::new(),
    };
    Ok(within(whole, extent))
}

/// Returns what the completed threads before a thread reported: those of all earlier batches of its stage, those of the
/// last batch with threads before it, even if that is in another stage, and those of its batch that it comes after.
fn done_before(scene: &Scene<'_>, board: &Board, own: &Batch, thread: &Thread) -> Vec<DoneBefore> {
    let id = own.id;
    let earlier: Vec<&Batch> = scene.plan.batches().take_while(|batch| batch.id < id).collect();
    let right_before = earlier.iter().rposition(|batch| !batch.threads.is_empty());
    let is_told = |(at, batch): &(usize, &&Batch)| batch.id.stage == id.stage || Some(*at) == right_before;
    let threads = earlier.iter().enumerate().filter(is_told).flat_map(|(_, batch)| &batch.threads);
    let threads = threads.chain(own.threads.iter().filter(|other| thread.after.contains(&other.id)));
    let told = |thread: &Thread| {
        let record = board.threads.get(thread.id).filter(|record| record.status == Status::Completed)?;
        Some(DoneBefore {
            thread_id: thread.id.to_string(),
            name: thread.name.clone(),
            report: record.report.clone(),
            artifacts: record.artifacts.clone(),
            next_steps: record.next_steps.clone(),
        })
    };
    threads.filter_map(told).collect()
}
