//! The attempt number as a fencing token: a worker that everybody thought dead cannot overwrite its
//! successor (DESIGN §5a.7).

use crate::board::{Board, ReportedStatus, Status, Thread};
use crate::decide::facts::AttemptHint;
use crate::decide::ledger::Ledger;
use crate::decide::refusal::Refusal;
use crate::decide::request::UpdateThread;
use crate::decide::scene::{Scene, attempt_in_answers, is_given_up};
use crate::plan::ThreadId;

/// Which attempt a report means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttemptRef {
    /// The caller named the latest one.
    Latest,
    /// The caller named the one that would come next.
    Next,
    /// The caller named none.
    Unspecified,
}

/// Checks the attempt number as a fencing token (DESIGN §5a.7).
pub(super) fn fence(
    scene: &Scene<'_>,
    id: ThreadId,
    thread: &Thread,
    request: &UpdateThread,
    ledger: &Ledger,
) -> Result<AttemptRef, Refusal> {
    let Some(given) = request.attempt else {
        // Whoever was handed out the thread that had the id before says the same words.
        let is_late = thread.is_fenced() && !request.status.is_a_persons();
        return if is_late { Err(another_thread(scene, id, thread, ledger)) } else { Ok(AttemptRef::Unspecified) };
    };
    let (latest, next) = (thread.latest_number(), thread.next_number());
    let stale = || Refusal::StaleAttempt { thread: id, given, latest };
    let invalid = |hint| Refusal::NoSuchAttempt { thread: id, given, hint };
    if given == 0 {
        return Err(invalid(AttemptHint::FromOne));
    }
    if given <= thread.attempt_floor {
        return Err(if thread.is_fenced() { another_thread(scene, id, thread, ledger) } else { stale() });
    }
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
        // Its latest number is one that the other thread's worker may name.
        _ if thread.is_fenced() => true,
        Status::Pending => true,
        // The call that gave a thread up may be repeated with the number it named.
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

/// Refuses what can be the word of a worker of the thread that had the id before, and says where that one is now.
fn another_thread(scene: &Scene<'_>, id: ThreadId, thread: &Thread, ledger: &Ledger) -> Refusal {
    Refusal::AnotherThread {
        thread: id,
        name: scene.plan.thread(id).map(|thread| thread.name.clone()).unwrap_or_default(),
        yours: moved_from(scene, ledger.board(), id),
        next: thread.next_number(),
    }
}

/// Returns the threads that a worker may know by this id, with their ids and names now.
pub(super) fn moved_from(scene: &Scene<'_>, board: &Board, id: ThreadId) -> Vec<(ThreadId, String)> {
    let moved = board.threads.iter().filter(|(now, record)| *now != id && record.former_ids.contains(&id));
    moved.filter_map(|(now, _)| Some((now, scene.plan.thread(now)?.name.clone()))).collect()
}
