//! PURE. Answers as documents: Markdown for pull requests, archives and readers of the server's resources.
//! What still runs has run until `now`; without a `now` its time is left out, so that the same state gives
//! the same text.

mod brief;
mod markdown;
mod time;

pub(crate) use brief::write_brief;
pub(crate) use markdown::{write_document, write_summary};
pub(crate) use time::{attempt_time, run_time};
