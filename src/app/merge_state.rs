//! `work merge-state`: merges the copies that git makes of a file of the state.
//!
//! It must never touch the file of a workspace itself: that is written under the lock, through the store.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::decide::Refusal;
use crate::fault::{Error, Fault};
use crate::format::markers::{lines, marked};
use crate::format::merge::{Mergeable, Merged, merge};
use crate::store::Folder;
use crate::system::{real, rename};

/// The files of a merge, as git names them.
#[derive(Debug, Clone)]
pub struct MergeStateRequest {
    /// The version from which both come; an empty file if there is none.
    pub base: PathBuf,
    /// The version of the branch into which the other one is merged. The result takes its place.
    pub ours: PathBuf,
    /// The version of the branch that is merged.
    pub theirs: PathBuf,
    /// The path of the file in the repository; `None`: it is told by what stands in it.
    pub path: Option<String>,
}

/// What came of the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergedState {
    /// Everything was merged.
    Clean,
    /// These were changed differently by both sides, and stand in the file twice, between conflict markers.
    Conflict(BTreeSet<String>),
    /// The file cannot be merged record by record, for this reason. Its lines have conflict markers.
    Lines(String),
}

/// Merges a file of the state, and writes the result over that of ours.
///
/// # Errors
///
/// [`Refusal::InvalidArgument`] if a version is missing, or ours is the file of a workspace; the faults of files that
/// cannot be read or written. Then ours is as it was.
pub fn merge_state(request: &MergeStateRequest) -> Result<MergedState, Error> {
    require_a_copy(&request.ours)?;
    let (base, ours, theirs) = (read(&request.base)?, read(&request.ours)?, read(&request.theirs)?);
    let merged = match Mergeable::of(request.path.as_deref().unwrap_or_default(), &ours) {
        Some(file) => merge(file, &base, &ours, &theirs),
        None => Merged::Lines(
            marked(&ours, &theirs, lines),
            "it is neither an index.json nor a threads.json of work".to_owned(),
        ),
    };
    let (text, merged) = match merged {
        Merged::Clean(text) => (text, MergedState::Clean),
        Merged::Conflict(text, what) => (text, MergedState::Conflict(what)),
        Merged::Lines(text, why) => (text, MergedState::Lines(why)),
    };
    if text != ours {
        write(&request.ours, &text)?;
    }
    Ok(merged)
}

/// Refuses to write over a file of a workspace: an approval that nobody gave could be merged into it.
fn require_a_copy(ours: &Path) -> Result<(), Refusal> {
    let real = real(ours).unwrap_or_else(|_| ours.to_owned());
    let name = real.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if ["index.json", "threads.json"].contains(&name) {
        let message = format!("{} is the file of a workspace: only a copy of it is written", ours.display());
        return Err(Refusal::invalid(message, "git makes one and calls this command with it"));
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Error> {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Folder::at(folder).read(&name)?.ok_or_else(|| {
        Refusal::invalid(format!("there is no file {}", path.display()), "git names three files: %O %A %B").into()
    })
}

/// Writes a file as a whole: whoever finds it after a failure finds all of the old one.
fn write(path: &Path, text: &str) -> Result<(), Fault> {
    let mut new = path.as_os_str().to_owned();
    new.push(".work");
    let written = fs::write(&new, text).and_then(|()| rename(Path::new(&new), path));
    written.map_err(|error| {
        let _ = fs::remove_file(&new);
        Fault::io("write", path)(error)
    })
}
