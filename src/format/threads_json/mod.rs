//! The format of threads.json (DESIGN §3): reads it as a [`Board`](crate::board::Board), and writes changes of a board
//! into it.
//!
//! Reading looks only at the fields that the rules need. Writing changes only the fields that changed; every other
//! value keeps its text and its place.

mod document;
mod read;
mod record;
mod write;

pub(crate) use document::{FILE_ORDER, ThreadsText, named};
#[cfg(feature = "postgres")]
pub(crate) use document::{Records, assembled};
pub(crate) use read::{ThreadsJson, read};
pub(crate) use write::{CYCLE_ORDER, THREAD_ORDER, write};
