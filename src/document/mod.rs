//! PURE. Answers as Markdown documents, for pull requests, for archives and for the server's resources.
//!
//! An attempt that still runs is counted up to the parameter `now`. Without a `now` its time is left out, so that the
//! same state gives the same text. Nothing here may read a clock.

mod brief;
mod markdown;
mod time;

pub(crate) use brief::write_brief;
pub(crate) use markdown::{write_document, write_summary};
pub(crate) use time::{attempt_time, run_time};
