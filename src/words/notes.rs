//! The words that models and people share.

use crate::board::Unproven;
use crate::decide::{AttemptHint, CutTo, PersonAct, TextProblem};
use crate::plan::ThreadId;
use crate::wording::{cut, list};

/// Returns a command of the person, without flags and without the `!` of the chat.
pub(super) fn command(act: PersonAct) -> String {
    match act {
        PersonAct::Status => "work status".to_owned(),
        PersonAct::Release => "work release".to_owned(),
        PersonAct::Retry => "work retry".to_owned(),
        PersonAct::ApprovePlan => "work approve plan".to_owned(),
        PersonAct::ApproveStage(stage) => format!("work approve stage {stage}"),
        PersonAct::Complete => "work complete".to_owned(),
        PersonAct::Restore => "work archive --revoke".to_owned(),
    }
}

/// Returns what to do about a text that was refused.
pub(super) fn text_hint(problem: TextProblem) -> &'static str {
    match problem {
        TextProblem::OnlyAtTheEnd => "pass it when the work ends; until then describe progress in report",
        TextProblem::TooMany(_) => "name the ones that matter",
        TextProblem::LongEntry(_) => "give a path, a link or one sentence",
        TextProblem::TooLong(_) => "say it in 1-2 sentences",
        TextProblem::HasNul | TextProblem::EntryHasNul => "leave it out: say in words what binary output was about",
    }
}

/// Returns which attempt number to pass.
pub(super) fn attempt_hint(hint: AttemptHint) -> String {
    match hint {
        AttemptHint::FromOne => "attempts are numbered from 1".to_owned(),
        AttemptHint::Runs(latest) => format!("attempt {latest} runs"),
        AttemptHint::Start(next) => format!("start attempt {next}"),
        AttemptHint::PassOrLeaveOut(next) => format!("pass attempt {next}, or leave it out"),
        AttemptHint::Latest(latest) => format!("the latest attempt is {latest}"),
    }
}

/// Returns how much of a section that was cut is still there.
pub(super) fn cut_to(to: CutTo) -> String {
    match to {
        CutTo::Start { of } => format!("{of} bytes in all"),
        CutTo::Last { kept, of } => format!("the last {kept} of {of}"),
        CutTo::ShortReports => "longer reports are cut".to_owned(),
    }
}

/// Returns what a thread waits for.
pub(super) fn waits(thread: ThreadId, threads: &[ThreadId]) -> String {
    format!("{thread} waits for {}", list(threads))
}

/// Returns what a report claims and what was not there.
pub(crate) fn not_there(claims: &[Unproven]) -> String {
    let one = |claim: &Unproven| match claim {
        Unproven::Missing(path) => format!("artifact {path} did not exist when it was reported"),
        Unproven::UnknownCommit(commit) => format!("git had no commit {commit} when it was reported"),
        Unproven::OutsideFiles { commit, files, of } => {
            let more = match of.saturating_sub(files.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("commit {commit} changes what is not in the **Files** of the thread: {}{more}", files.join(", "))
        }
    };
    claims.iter().map(|claim| cut(&one(claim))).collect::<Vec<_>>().join("; ")
}
