//! Merges two versions of a file of the state that have a common origin, as git asks for it (DESIGN §3). Threads,
//! cycles, workstreams and approvals are merged one by one.
//!
//! It never loses anything: what both sides changed differently stays in the text twice, between conflict markers.

mod index;
mod threads;
mod three;

use std::collections::BTreeSet;

use self::three::{Merger, Side, Three};
use super::json::{Object, close, unknown_version, without_place};
use super::markers::{lines, marked, marker_line, records};
use super::tasks_json::TasksJson;
use super::{index_json, threads_json};

/// A file of the state that can be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mergeable {
    /// index.json.
    Index,
    /// threads.json of a workstream.
    Threads,
}

/// What came of a merge.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Merged {
    /// One text that can be read.
    Clean(String),
    /// A text with conflict markers, and what both sides changed differently, each as a person calls it.
    Conflict(String, BTreeSet<String>),
    /// The lines of both sides with conflict markers, because the file cannot be merged record by record; and why.
    Lines(String, String),
}

impl Mergeable {
    /// Returns the file of a path; without a path that tells, the one that a text looks like.
    pub(crate) fn of(path: &str, text: &str) -> Option<Self> {
        match path.rsplit(['/', '\\']).next() {
            Some("index.json") => return Some(Self::Index),
            Some("threads.json") => return Some(Self::Threads),
            _ => {}
        }
        let file: Object = serde_json::from_str(text).ok()?;
        [(Self::Index, "streams"), (Self::Threads, "threads")]
            .into_iter()
            .find_map(|(known, key)| file.has(key).then_some(known))
    }
}

/// Merges two texts of a file. `base` is the text from which both come; it is empty if both sides added the file.
pub(crate) fn merge(file: Mergeable, base: &str, ours: &str, theirs: &str) -> Merged {
    if ours == theirs || theirs == base {
        return Merged::Clean(ours.to_owned());
    }
    if ours == base {
        return Merged::Clean(theirs.to_owned());
    }
    match by_records(file, base, ours, theirs) {
        Ok(merged) => merged,
        Err(why) => Merged::Lines(marked(ours, theirs, lines), why),
    }
}

/// Merges the texts as documents.
///
/// # Errors
///
/// Why one of them, or what would come of them, cannot be read.
fn by_records(file: Mergeable, base: &str, ours: &str, theirs: &str) -> Result<Merged, String> {
    let read = |whose: &str, text: &str| file.object(text).map_err(|why| format!("{whose} cannot be read: {why}"));
    let base = if base.trim().is_empty() { None } else { Some(read("the common origin", base)?) };
    let (our, their) = (read("ours", ours)?, read("theirs", theirs)?);
    let three = Three { base: base.as_ref(), ours: Some(&our), theirs: Some(&their) };
    let with = |prefer: Side| {
        let mut merger = Merger::new(prefer);
        let whole = match file {
            Mergeable::Index => index::merge(&mut merger, three),
            Mergeable::Threads => threads::merge(&mut merger, three),
        };
        let text = whole.and_then(|whole| close(&whole, Some(ours))).map_err(|error| without_place(&error))?;
        // What nobody could read would stop all work without a word of a conflict.
        file.object(&text).map_err(|why| format!("what comes of both cannot be read: {why}"))?;
        Ok::<_, String>((text, merger.conflicts))
    };
    let (text, conflicts) = with(Side::Ours)?;
    if conflicts.is_empty() {
        return Ok(Merged::Clean(text));
    }
    let (other, _) = with(Side::Theirs)?;
    Ok(Merged::Conflict(marked(&text, &other, records), conflicts))
}

impl Mergeable {
    /// Reads a text as the program does, and returns it as an object.
    fn object(self, text: &str) -> Result<Object, String> {
        if let Some(line) = marker_line(text) {
            return Err(format!("line {line} is a conflict marker"));
        }
        let told = |error: serde_json::Error| error.to_string();
        if let Some(version) = unknown_version(text).map_err(told)? {
            return Err(format!("its version is {version:?}, this program knows 1.x"));
        }
        match self {
            Self::Index => drop(index_json::read(text).map_err(told)?),
            Self::Threads => drop(threads_json::read(Some(text), &TasksJson::default()).map_err(told)?),
        }
        serde_json::from_str(text).map_err(told)
    }
}

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod tests;
