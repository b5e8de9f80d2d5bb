//! The attempt number as a fencing token (DESIGN §5a.7): a worker that was taken for dead cannot overwrite the report
//! of its successor, and a worker of a former thread cannot report on the thread that has its id now (DESIGN §7).
//!
//! Nothing here may change the board.

use crate::board::{Board, ReportedStatus, Status, Thread};
use crate::decide::facts::AttemptHint;
use crate::decide::ledger::Ledger;
use crate::decide::refusal::Refusal;
use crate::decide::request::UpdateThread;
use crate::decide::scene::{Scene, attempt_in_answers, is_given_up};
use crate::plan::ThreadId;

/// The attempt that a request is about, as the caller named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttemptRef {
    /// The caller named the latest attempt, running or ended.
    Latest,
    /// The caller named the attempt that has not been recorded yet: the next one.
    Next,
    /// The caller named no attempt.
    Unspecified,
}

/// Checks the attempt number of a request (DESIGN §5a.7).
///
/// # Errors
///
/// [`Refusal::StaleAttempt`] if the attempt is over; [`Refusal::NoSuchAttempt`] if it is none that can be reported;
/// [`Refusal::AnotherThread`] if the caller may mean the thread that had the id before.
pub(super) fn fence(
    scene: &Scene<'_>,
    id: ThreadId,
    thread: &Thread,
    request: &UpdateThread,
    ledger: &Ledger,
) -> Result<AttemptRef, Refusal> {
    let Some(given) = request.attempt else {
        // Without a number, a late worker of the thread that had this id before cannot be told from a worker of this
        // one.
        let is_late = thread.is_fenced() && !request.status.is_a_persons();
        return if is_late {
            Err(another_thread(scene, id, thread, ledger.board()))
        } else {
            Ok(AttemptRef::Unspecified)
        };
    };
    let (latest, next) = (thread.latest_number(), thread.next_number());
    let stale = || Refusal::StaleAttempt { thread: id, given, latest };
    let invalid = |hint| Refusal::NoSuchAttempt { thread: id, given, hint };
    if given == 0 {
        return Err(invalid(AttemptHint::FromOne));
    }
    require_own_attempt(scene, id, thread, given, ledger.board())?;
    let runs = thread.running().is_some();
    if request.status == ReportedStatus::InProgress {
        return match given {
            _ if runs && given == latest => Ok(AttemptRef::Latest),
            _ if !runs && given == next => Ok(AttemptRef::Next),
            _ if given <= latest => Err(stale()),
            _ if runs => Err(invalid(AttemptHint::Runs(latest))),
            _ => Err(invalid(AttemptHint::Start(next))),
        };
    }
    let can_be_next = match thread.status {
        // Nobody has started this thread under its new id. Its latest number is not above the floor and was refused, so
        // a report can only be on the next one.
        _ if thread.is_fenced() => true,
        Status::Pending => true,
        // The call that gave the thread up is idempotent: it may be repeated with the number that it named then.
        Status::Blocked => attempt_in_answers(ledger.board(), id) == next || is_given_up(ledger.board(), id),
        Status::InProgress | Status::Completed | Status::Cancelled => false,
    };
    match given {
        _ if given < latest => Err(stale()),
        _ if given == latest => Ok(AttemptRef::Latest),
        _ if given == next && can_be_next => Ok(AttemptRef::Next),
        _ if latest == 0 => Err(invalid(AttemptHint::PassOrLeaveOut(next))),
        _ => Err(invalid(AttemptHint::Latest(latest))),
    }
}

/// Checks that an attempt number cannot be one of a former thread with this id.
///
/// # Errors
///
/// [`Refusal::AnotherThread`] if the thread has not started under this id yet, else [`Refusal::StaleAttempt`].
pub(in crate::decide) fn require_own_attempt(
    scene: &Scene<'_>,
    id: ThreadId,
    thread: &Thread,
    given: u32,
    board: &Board,
) -> Result<(), Refusal> {
    match given {
        given if given > thread.attempt_floor => Ok(()),
        _ if thread.is_fenced() => Err(another_thread(scene, id, thread, board)),
        given => Err(Refusal::StaleAttempt { thread: id, given, latest: thread.latest_number() }),
    }
}

/// Returns the refusal of a call for a thread that the plan does not have.
pub(in crate::decide) fn not_in_plan(scene: &Scene<'_>, id: ThreadId, board: &Board) -> Refusal {
    // If records with this id moved, the new ids help the worker more than ids that look alike.
    let moved = moved_from(scene, board, id);
    if moved.is_empty() { scene.unknown_thread(id) } else { Refusal::ThreadMoved { thread: id, now: moved } }
}

/// Returns the refusal of a call that may come from a worker of the thread that had the id before. It says where that
/// thread is now.
fn another_thread(scene: &Scene<'_>, id: ThreadId, thread: &Thread, board: &Board) -> Refusal {
    Refusal::AnotherThread {
        thread: id,
        name: scene.plan.thread(id).map(|thread| thread.name.clone()).unwrap_or_default(),
        yours: moved_from(scene, board, id),
        next: thread.next_number(),
    }
}

/// Returns the threads that were handed out under this id before they moved, with their ids and names now. There may be
/// several, if the plan was renumbered more than once.
fn moved_from(scene: &Scene<'_>, board: &Board, id: ThreadId) -> Vec<(ThreadId, String)> {
    let moved = board.threads.iter().filter(|(now, record)| *now != id && record.former_ids.contains(&id));
    moved.filter_map(|(now, _)| Some((now, scene.plan.thread(now)?.name.clone()))).collect()
}
