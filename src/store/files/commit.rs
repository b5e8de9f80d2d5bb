//! How files are written: each as a whole, and several as one.
//!
//! One file is written under another name, where git does not look, and replaces the old one by a rename. Where a
//! decision changes several, all are written so, and a journal names them: from then on only renames are left, which
//! take no room on the disk. Whoever takes the lock next finishes what a process that died has left of it. So there is
//! the old state or the new one, and nothing between, after whatever happened at whatever instant.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk::{Disk, Kind, ReadError};
use super::folders::{create_folders, in_run_folder, run_folder};
use super::unread::{MAX_STATE_BYTES, unreadable, unreadable_file, unreadable_within};
use crate::fault::Fault;
use crate::index::is_folder_name;
use crate::plan::sha256;

/// The largest journal that is read, in bytes: every text of the largest commit, escaped.
const MAX_JOURNAL_BYTES: u64 = 4 * MAX_STATE_BYTES;

/// The approved text of a plan, word for word. It is hidden, so that no agent takes it for the plan.
pub(super) const APPROVED_PLAN: &str = ".PLAN.approved.md";

/// A file as it will be.
#[derive(Debug)]
pub(super) struct FileChange {
    /// Where it is, from `work/` on.
    pub(super) path: String,
    /// The text that it gets.
    pub(super) text: String,
}

/// Makes all changes, or none. When this returns, they are durable. The caller holds the lock.
///
/// After an error the changes may still happen, all of them: the disk did not say what became of them.
pub(super) fn commit(disk: &dyn Disk, root: &Path, changes: &[FileChange]) -> Result<(), Fault> {
    let work = root.join("work");
    for FileChange { path, text } in changes {
        if text.len() as u64 > MAX_STATE_BYTES {
            // Nobody could read it again.
            return Err(Fault::TooLarge { path: work.join(path), bytes: text.len(), limit: MAX_STATE_BYTES });
        }
    }
    if let [change] = changes {
        return put(disk, root, &change.path, &change.text);
    }
    let mut journal = Journal { files: Vec::new() };
    let folder = run_folder(root);
    for (number, FileChange { path, text }) in changes.iter().enumerate() {
        let whole = work.join(path);
        let before = read_now(disk, &whole)?.as_deref().map(sha256);
        require_a_file(disk, &whole)?;
        let staged = format!("{number}.staged.tmp");
        let temporary = folder.join(&staged);
        in_run_folder(disk, root, || write_and_sync(disk, &temporary, &whole, text.as_bytes()))
            .map_err(Fault::io("write", &whole))?;
        let after = Some(sha256(text.as_bytes()));
        journal.files.push(JournalFile { path: path.clone(), before, after, staged: Some(staged), text: None });
    }
    // The journal must not arrive before what it names.
    in_run_folder(disk, root, || disk.sync_folder(&folder)).map_err(Fault::io("sync", &folder))?;
    let text = serde_json::to_string(&journal).map_err(|error| Fault::Internal(error.to_string()))?;
    replace(disk, root, &journal_path(root), text.as_bytes())?;
    finish(disk, root, &journal, changes).map_err(|fault| Fault::WillHappen { why: Box::new(fault) })
}

/// Returns whether a commit of several files is under way, or was when its process died.
pub(super) fn is_under_way(disk: &dyn Disk, root: &Path) -> bool {
    disk.kind(&journal_path(root)).is_some()
}

/// Finishes the commit of a process that died in the middle of it. The caller holds the lock.
pub(super) fn recover(disk: &dyn Disk, root: &Path) -> Result<(), Fault> {
    let path = journal_path(root);
    if disk.kind(&path).is_none() {
        return Ok(());
    }
    let bytes =
        disk.read(&path, MAX_JOURNAL_BYTES).map_err(|unread| unreadable_within(&path, unread, MAX_JOURNAL_BYTES))?;
    let journal: Journal = serde_json::from_slice(&bytes).map_err(|error| unreadable(&path, &error))?;
    let is_odd =
        |file: &&JournalFile| !is_ours(&file.path) || file.staged.as_ref().is_some_and(|it| !is_folder_name(it));
    if let Some(odd) = journal.files.iter().find(is_odd) {
        let why = format!("{:?} is no file of the state", odd.path);
        return Err(Fault::StateUnreadable { path, at: None, why });
    }
    finish(disk, root, &journal, &[])
}

#[derive(Serialize, Deserialize)]
struct Journal {
    files: Vec<JournalFile>,
}

#[derive(Serialize, Deserialize)]
struct JournalFile {
    /// Where it is, from `work/` on.
    path: String,
    /// The SHA-256 of the text that was there, where there was one: nothing is written over what somebody
    /// else wrote since.
    before: Option<String>,
    /// The SHA-256 of the text that it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// The file in [`run_folder`] that has this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    staged: Option<String>,
    /// The text itself, in a journal of release 0.1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

fn journal_path(root: &Path) -> PathBuf {
    run_folder(root).join("journal.json")
}

/// Writes the files of a journal that are as they were, and removes it. If one was changed since by
/// something that takes no lock (an editor, git), that wins, and nothing more is written.
///
/// `known` are the texts, where it is this process that began: somebody may clean the folder up meanwhile.
fn finish(disk: &dyn Disk, root: &Path, journal: &Journal, known: &[FileChange]) -> Result<(), Fault> {
    let work = root.join("work");
    let mut left: Vec<&JournalFile> = Vec::new();
    let mut is_ours = true;
    for file in &journal.files {
        let now = read_now(disk, &work.join(&file.path))?.as_deref().map(sha256);
        let after = file.after.clone().or_else(|| Some(sha256(file.text.as_ref()?.as_bytes())));
        if now == after {
            continue;
        }
        is_ours &= now == file.before;
        left.push(file);
    }
    if is_ours {
        for file in left {
            let path = work.join(&file.path);
            create_folder_of(disk, &path)?;
            let renamed = match &file.staged {
                Some(staged) => disk.rename(&run_folder(root).join(staged), &path),
                None => Err(ErrorKind::NotFound.into()),
            };
            let known = known.iter().find(|change| change.path == file.path).map(|change| change.text.clone());
            // Of another process, which wrote it on another disk than the one where it belongs.
            let staged = || {
                let bytes = disk.read(&run_folder(root).join(file.staged.as_ref()?), MAX_STATE_BYTES).ok()?;
                String::from_utf8(bytes).ok()
            };
            match (renamed, file.text.clone().or(known).or_else(staged)) {
                (Err(error), Some(text))
                    if [ErrorKind::NotFound, ErrorKind::CrossesDevices].contains(&error.kind()) =>
                {
                    put(disk, root, &file.path, &text)?;
                }
                (renamed, _) => {
                    renamed.map_err(Fault::io("replace", &path))?;
                    let folder = path.parent().unwrap_or(&work);
                    disk.sync_folder(folder).map_err(Fault::io("sync", folder))?;
                }
            }
        }
    }
    let path = journal_path(root);
    match disk.remove(&path) {
        // Somebody has cleaned the folder up.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Fault::io("remove", &path)),
    }
}

fn read_now(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, Fault> {
    match disk.read(path, MAX_STATE_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::Absent) => Ok(None),
        Err(unread) => Err(unreadable_file(path, unread)),
    }
}

/// Returns whether a path, from `work/` on, is one that commits write.
fn is_ours(path: &str) -> bool {
    match path.split_once('/') {
        None => path == "index.json",
        Some((workstream, file)) => {
            is_folder_name(workstream) && ["PLAN.md", APPROVED_PLAN, "threads.json"].contains(&file)
        }
    }
}

fn put(disk: &dyn Disk, root: &Path, path: &str, text: &str) -> Result<(), Fault> {
    let path = root.join("work").join(path);
    create_folder_of(disk, &path)?;
    replace(disk, root, &path, text.as_bytes())
}

fn create_folder_of(disk: &dyn Disk, path: &Path) -> Result<(), Fault> {
    path.parent().map_or(Ok(()), |folder| create_folders(disk, folder))
}

/// Replaces a file as a whole: after a power cut at any instant there is the old text or the new one.
///
/// Both syncs are needed. Without the first, a power cut can leave the new name on a file whose text
/// never arrived; without the second, the old file under the name, after the answer was sent.
///
/// The temporary file has one name, which is safe under the workspace's lock, so that a process that
/// dies here leaves at most one behind, and the next write takes it over. It stands in [`run_folder`], where neither git
/// nor a backup sees it, and is written anew if that is cleaned up meanwhile.
pub(super) fn replace(disk: &dyn Disk, root: &Path, path: &Path, text: &[u8]) -> Result<(), Fault> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Fault::Internal(format!("{} names no file", path.display())));
    };
    require_a_file(disk, path)?;
    let name = name.to_string_lossy();
    let write_at = |temporary: &Path| {
        write_and_sync(disk, temporary, path, text)?;
        disk.rename(temporary, path)
    };
    let temporary = run_folder(root).join(format!("{name}.tmp"));
    let mut written = in_run_folder(disk, root, || write_at(&temporary));
    if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::CrossesDevices) {
        // A file that is on another disk than `work/.run`.
        let beside = folder.join(format!(".{name}.tmp"));
        written = write_at(&beside).inspect_err(|_| drop(disk.remove(&beside)));
    }
    if written.is_err() {
        let _ = disk.remove(&temporary);
    }
    written.map_err(Fault::io("write", path))?;
    disk.sync_folder(folder).map_err(Fault::io("sync", folder))
}

fn require_a_file(disk: &dyn Disk, path: &Path) -> Result<(), Fault> {
    match disk.kind(path) {
        Some(Kind::Link) => Err(unreadable_file(path, ReadError::Link)),
        Some(Kind::Folder | Kind::Other) => Err(unreadable_file(path, ReadError::NoFile)),
        Some(Kind::File) | None => Ok(()),
    }
}

/// Writes a text to a file, durable. The file that it will replace says who may read it.
fn write_and_sync(disk: &dyn Disk, temporary: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = match disk.create(temporary, path) {
        // Of a process that died.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            disk.remove(temporary)?;
            disk.create(temporary, path)
        }
        created => created,
    }?;
    file.write(text)?;
    file.sync()
}
