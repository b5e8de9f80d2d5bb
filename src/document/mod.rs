//! PURE. Answers as documents: Markdown for pull requests, for archives and for the server's resources, HTML for a
//! browser.
//!
//! An attempt that still runs is counted up to the parameter `now`. Without a `now` its time is left out, so that the
//! same state gives the same text. Nothing here may read a clock.

mod brief;
mod figures;
mod html;
mod log;
mod markdown;
mod recorded;
mod time;
mod usage;

pub(crate) use brief::write_brief;
pub(crate) use html::write_page;
pub(crate) use log::{Happened, log};
pub(crate) use markdown::{write_document, write_summary};
pub(crate) use recorded::{Recorded, log_of_events};
pub(crate) use time::{attempt_time, last_sign, run_time};
pub(crate) use usage::{thread_usage, used};

use crate::decide::ProofState;
use crate::wording::count;

/// Returns what is known of the proof of a thread, in a few words.
pub(crate) fn proof(state: ProofState) -> String {
    match state {
        ProofState::Unproven => "claims what was not there".to_owned(),
        ProofState::Passed => "checks passed".to_owned(),
        ProofState::NotChecked => "not checked".to_owned(),
        ProofState::Failed(times) => format!("checks failed {times}×"),
        ProofState::Planned(number) => count(number, "check", "checks"),
    }
}
