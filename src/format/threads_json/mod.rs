//! threads.json: text → [`Board`](crate::board::Board), and a board's changes → text (DESIGN §3).
//!
//! Reading knows the fields that the rules need. Writing changes the fields that changed and leaves
//! every other byte of a record as it stands, in its place.

mod document;
mod read;
mod record;
mod write;

#[cfg(feature = "postgres")]
pub(crate) use document::{Records, assembled};
pub(crate) use document::{ThreadsText, named};
pub(crate) use read::{ThreadsJson, read};
pub(crate) use write::write;
