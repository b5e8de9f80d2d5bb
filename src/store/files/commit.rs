//! How files are written. After a crash or a power cut at any instant the workspace has the old state or the new one.
//!
//! **One file** is written under a temporary name, synced, and renamed over the old one ([`replace`]). A rename is
//! atomic, so a reader sees the whole old text or the whole new one.
//!
//! **Several files** need a write-ahead journal, since several renames together are not atomic. First all new texts are
//! staged in `work/.run` and synced. Then a journal that names them is renamed into place. Before that rename nothing
//! has changed; from then on the commit has happened, and only the renames of the staged files are left. If the process
//! dies, the next one that takes the lock, or reads, does them ([`recover`]). A commit is never rolled back. Recovery
//! skips what is done already, so it can itself die at any point and be repeated (idempotent).
//!
//! **Why the journal names files** and does not hold the texts: a rename needs no room on the disk. So once the journal
//! is in place, a full disk cannot stop the commit half-way.
//!
//! Editors and git take no lock. So the journal has the SHA-256 of every file as it was before, and recovery must never
//! write over a file that has neither that text nor the new one.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk::{Disk, Kind, ReadError};
use super::folders::{create_folders, in_run_folder, run_folder};
use super::unread::{MAX_STATE_BYTES, unreadable, unreadable_file, unreadable_within};
use crate::fault::Fault;
use crate::index::is_folder_name;
use crate::plan::sha256;

/// The largest journal that is read, in bytes. Journals of release 0.1.0 hold the texts of a commit, escaped.
const MAX_JOURNAL_BYTES: u64 = 4 * MAX_STATE_BYTES;

/// The name of the copy of the approved text, byte for byte. The file is hidden, so that no agent takes it for the
/// plan.
pub(super) const APPROVED_PLAN: &str = ".PLAN.approved.md";

/// The new text of one file.
#[derive(Debug)]
pub(super) struct FileChange {
    /// The path of the file, relative to `work/`.
    pub(super) path: String,
    /// The text that it gets.
    pub(super) text: String,
}

/// Writes all changes or none. They are durable when this returns. The caller holds the lock of the workspace.
///
/// After an error the changes may still happen, all of them: a failed sync does not tell whether the rename before it
/// lasts, and a journal that is in place will be finished ([`Fault::WillHappen`]).
pub(super) fn commit(disk: &dyn Disk, root: &Path, changes: &[FileChange]) -> Result<(), Fault> {
    let work = root.join("work");
    for FileChange { path, text } in changes {
        if text.len() as u64 > MAX_STATE_BYTES {
            // No process could read such a file again.
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
        // Recovery writes over this text only, and over nothing that an editor has put in its place meanwhile.
        let before = read_now(disk, &whole)?.as_deref().map(sha256);
        require_a_file(disk, &whole)?;
        // The name depends on the position alone. So a file that a dead process left is written over, and none pile up.
        let staged = format!("{number}.staged.tmp");
        let temporary = folder.join(&staged);
        in_run_folder(disk, root, || write_and_sync(disk, &temporary, &whole, text.as_bytes()))
            .map_err(Fault::io("write", &whole))?;
        let after = Some(sha256(text.as_bytes()));
        journal.files.push(JournalFile { path: path.clone(), before, after, staged: Some(staged), text: None });
    }
    // The staged files must be durable before the journal is: a journal whose files are missing could not be finished.
    in_run_folder(disk, root, || disk.sync_folder(&folder)).map_err(Fault::io("sync", &folder))?;
    let text = serde_json::to_string(&journal).map_err(|error| Fault::Internal(error.to_string()))?;
    replace(disk, root, &journal_path(root), text.as_bytes())?;
    // The commit has happened. From here on an error can only delay the renames.
    match finish(disk, root, &journal, changes) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fault::Overtaken { place: work.display().to_string() }),
        Err(fault) => Err(Fault::WillHappen { why: Box::new(fault) }),
    }
}

/// Returns whether there is a journal: a commit of several files is under way, or its process died in the middle of it.
pub(super) fn is_under_way(disk: &dyn Disk, root: &Path) -> bool {
    disk.kind(&journal_path(root)).is_some()
}

/// Finishes the commit of a process that died in the middle of it. Does nothing without a journal. The caller holds the
/// lock of the workspace.
pub(super) fn recover(disk: &dyn Disk, root: &Path) -> Result<(), Fault> {
    let path = journal_path(root);
    if disk.kind(&path).is_none() {
        return Ok(());
    }
    let bytes =
        disk.read(&path, MAX_JOURNAL_BYTES).map_err(|unread| unreadable_within(&path, unread, MAX_JOURNAL_BYTES))?;
    let journal: Journal = serde_json::from_slice(&bytes).map_err(|error| unreadable(&path, &error))?;
    // The journal is a file that other programs can change. Its paths must not lead out of the state.
    let is_foreign =
        |file: &&JournalFile| !is_state_file(&file.path) || file.staged.as_ref().is_some_and(|it| !is_folder_name(it));
    if let Some(foreign) = journal.files.iter().find(is_foreign) {
        let why = format!("{:?} is no file of the state", foreign.path);
        return Err(Fault::StateUnreadable { path, at: None, why });
    }
    // What a dead process had decided and somebody has changed since is dropped: nobody was told that it is written.
    finish(disk, root, &journal, &[]).map(drop)
}

/// The write-ahead journal of a commit of several files.
#[derive(Serialize, Deserialize)]
struct Journal {
    files: Vec<JournalFile>,
}

/// One file of a [`Journal`].
#[derive(Serialize, Deserialize)]
struct JournalFile {
    /// The path of the file, relative to `work/`.
    path: String,
    /// The SHA-256 of the text before the commit; `None`: there was no file.
    before: Option<String>,
    /// The SHA-256 of the new text; `None` in a journal of release 0.1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// The name of the file in [`run_folder`] that holds the new text; `None` in a journal of release 0.1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    staged: Option<String>,
    /// The new text itself, in a journal of release 0.1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

fn journal_path(root: &Path) -> PathBuf {
    run_folder(root).join("journal.json")
}

/// Renames the staged files of a journal into place, and removes the journal. Files that have their new text already
/// are left out. If a program that takes no lock (an editor, git) has changed one of the others, its change wins: the
/// journal is dropped, and nothing more is written. Returns whether the files have their new texts.
///
/// `known` are the new texts, if this process began the commit. They take the place of staged files that somebody
/// removed.
fn finish(disk: &dyn Disk, root: &Path, journal: &Journal, known: &[FileChange]) -> Result<bool, Fault> {
    let work = root.join("work");
    let mut remaining: Vec<&JournalFile> = Vec::new();
    let mut is_unchanged = true;
    for file in &journal.files {
        let now = read_now(disk, &work.join(&file.path))?.as_deref().map(sha256);
        let after = file.after.clone().or_else(|| Some(sha256(file.text.as_ref()?.as_bytes())));
        if now == after {
            continue;
        }
        is_unchanged &= now == file.before;
        remaining.push(file);
    }
    // No file is touched before all of them were checked.
    if is_unchanged {
        for file in remaining {
            let path = work.join(&file.path);
            create_folder_of(disk, &path)?;
            let renamed = match &file.staged {
                Some(staged) => disk.rename(&run_folder(root).join(staged), &path),
                None => Err(ErrorKind::NotFound.into()),
            };
            let known = known.iter().find(|change| change.path == file.path).map(|change| change.text.clone());
            // If a dead process staged the text on another disk than that of the file, only a copy is possible.
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
                    // Every rename has to be durable before the journal is removed.
                    disk.sync_folder(folder).map_err(Fault::io("sync", folder))?;
                }
            }
        }
    }
    // The removal need not be synced. A journal that a power cut brings back finds no file with its old text, so it
    // changes none.
    let path = journal_path(root);
    match disk.remove(&path) {
        // Somebody has removed the folder meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(is_unchanged),
        removed => removed.map(|()| is_unchanged).map_err(Fault::io("remove", &path)),
    }
}

/// Returns the bytes of a file; `None` if there is none.
fn read_now(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, Fault> {
    match disk.read(path, MAX_STATE_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::Absent) => Ok(None),
        Err(unread) => Err(unreadable_file(path, unread)),
    }
}

/// Returns whether a journal may name this path, which is relative to `work/`.
fn is_state_file(path: &str) -> bool {
    match path.split_once('/') {
        None => ["index.json", "agents.yaml"].contains(&path),
        Some((workstream, file)) => {
            is_folder_name(workstream) && ["PLAN.md", APPROVED_PLAN, "threads.json"].contains(&file)
        }
    }
}

/// Writes one file, by its path relative to `work/`. Makes its folder if there is none.
fn put(disk: &dyn Disk, root: &Path, path: &str, text: &str) -> Result<(), Fault> {
    let path = root.join("work").join(path);
    create_folder_of(disk, &path)?;
    replace(disk, root, &path, text.as_bytes())
}

/// Makes the folder of a file if there is none.
fn create_folder_of(disk: &dyn Disk, path: &Path) -> Result<(), Fault> {
    path.parent().map_or(Ok(()), |folder| create_folders(disk, folder))
}

/// Replaces a file as a whole: after a power cut at any instant there is the old text or the new one.
///
/// Both syncs are needed. Without the sync of the file, a power cut can leave the new name on a file whose text never
/// arrived. Without the sync of the folder, it can leave the old file under the name after the answer was sent.
///
/// The temporary file has a fixed name. That is safe under the lock of the workspace, and a process that dies here
/// leaves at most one such file, which the next write takes over. The file is in [`run_folder`], which git ignores. If
/// somebody removes that folder meanwhile, the file is written again.
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
        // The file is on another disk than `work/.run`, so the temporary file has to be beside it.
        let beside = folder.join(format!(".{name}.tmp"));
        written = write_at(&beside).inspect_err(|_| drop(disk.remove(&beside)));
    }
    if written.is_err() {
        let _ = disk.remove(&temporary);
    }
    written.map_err(Fault::io("write", path))?;
    disk.sync_folder(folder).map_err(Fault::io("sync", folder))
}

/// Refuses to replace a symbolic link, a folder or a device.
fn require_a_file(disk: &dyn Disk, path: &Path) -> Result<(), Fault> {
    match disk.kind(path) {
        Some(Kind::Link) => Err(unreadable_file(path, ReadError::Link)),
        Some(Kind::Folder | Kind::Other) => Err(unreadable_file(path, ReadError::NoFile)),
        Some(Kind::File) | None => Ok(()),
    }
}

/// Writes the file `temporary` and syncs it. It gets the permissions of `path`, the file that it will replace.
fn write_and_sync(disk: &dyn Disk, temporary: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = match disk.create(temporary, path) {
        // Left by a process that died.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            disk.remove(temporary)?;
            disk.create(temporary, path)
        }
        created => created,
    }?;
    file.write(text)?;
    file.sync()
}

#[cfg(test)]
mod tests {
    use super::super::disk::memory::MemoryDisk;
    use super::*;

    #[test]
    fn a_commit_that_an_editor_overtook_writes_nothing_and_says_so() {
        let disk = MemoryDisk::with(&[("/w/work/index.json", "edited"), ("/w/work/.run/0.staged.tmp", "new")]);
        let file = |before: &str| JournalFile {
            path: "index.json".to_owned(),
            before: Some(sha256(before.as_bytes())),
            after: Some(sha256(b"new")),
            staged: Some("0.staged.tmp".to_owned()),
            text: None,
        };
        let root = Path::new("/w");
        for (before, is_written, text) in [("old", false, "edited"), ("edited", true, "new")] {
            disk.put("/w/work/.run/journal.json", "{}");
            let journal = Journal { files: vec![file(before)] };
            assert_eq!(finish(&disk, root, &journal, &[]).unwrap(), is_written);
            assert_eq!(disk.bytes("/w/work/index.json").unwrap(), text.as_bytes());
            assert!(!is_under_way(&disk, root), "the journal is removed");
        }
    }

    #[test]
    fn a_journal_of_each_file_that_is_written_can_be_finished() {
        for path in ["index.json", "agents.yaml", "001-a/PLAN.md", "001-a/threads.json", "001-a/.PLAN.approved.md"] {
            assert!(is_state_file(path), "{path}");
        }
        for path in ["", "x", "../index.json", "001-a/../index.json", ".run/lock", "001-a/notes.md"] {
            assert!(!is_state_file(path), "{path}");
        }
    }
}
