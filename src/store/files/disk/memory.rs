//! A file system in memory, whose power can be cut. Tests and fuzzers use it.

#![cfg_attr(not(test), allow(dead_code, reason = "the fuzzers cut no power"))]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, Held, Identity, Kind, NewFile, ReadError};
use crate::path_style::PathStyle;

/// The file system of a machine in memory. Clones share the machine, as processes do.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryDisk {
    machine: Arc<Machine>,
}

#[derive(Debug, Default)]
struct Machine {
    state: Mutex<State>,
}

#[derive(Debug, Clone, Default)]
struct State {
    files: Vec<File>,
    /// The names as processes see them.
    names: BTreeMap<PathBuf, Node>,
    /// The names after a power cut, if only what was synced has arrived.
    durable_names: BTreeMap<PathBuf, Node>,
    /// The files whose lock is held, by their number.
    locked: BTreeSet<usize>,
    /// The folders whose lock is held.
    locked_folders: BTreeSet<PathBuf>,
    /// How often each folder is marked with each number.
    marks: BTreeMap<(PathBuf, u64), usize>,
}

#[derive(Debug, Clone, Default)]
struct File {
    text: Vec<u8>,
    durable_text: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

/// What survives a power cut although it was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrived {
    Nothing,
    /// The names without the texts: the usual surprise after a rename without a sync.
    Names,
    /// Half of each text that was not synced, without the names.
    HalfTexts,
    Everything,
}

impl Arrived {
    pub(crate) const ALL: [Self; 4] = [Self::Nothing, Self::Names, Self::HalfTexts, Self::Everything];
}

impl MemoryDisk {
    /// Makes a machine with these files. All are durable.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let disk = Self::default();
        for (path, text) in files {
            disk.put(path, text);
        }
        disk
    }

    /// Writes a file as a person does. It is durable at once.
    pub(crate) fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        let mut state = self.state();
        let path = Path::new(path);
        for folder in path.ancestors().skip(1) {
            state.names.insert(folder.to_owned(), Node::Folder);
        }
        let text = text.as_ref().to_vec();
        state.files.push(File { durable_text: text.clone(), text });
        let file = Node::File(state.files.len() - 1);
        state.names.insert(path.to_owned(), file);
        state.durable_names = state.names.clone();
    }

    /// Returns the bytes of a file; `None` if there is no file.
    pub(crate) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let file = state.file(Path::new(path)).ok()?;
        Some(state.files[file].text.clone())
    }

    /// Returns the text of all files, by path with `/` between its parts.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        let state = self.state();
        let text = |(path, node): (&PathBuf, &Node)| match node {
            Node::Folder => None,
            Node::File(file) => {
                let path = PathStyle::HERE.portable(&path.display().to_string()).into_owned();
                Some((path, String::from_utf8_lossy(&state.files[*file].text).into_owned()))
            }
        };
        state.names.iter().filter_map(text).collect()
    }

    /// Returns the number of all marks of all folders.
    #[cfg(test)]
    pub(crate) fn number_of_marks(&self) -> usize {
        self.state().marks.values().sum()
    }

    /// Returns another machine in the same state.
    pub(crate) fn copy(&self) -> Self {
        let state = self.state().clone();
        Self { machine: Arc::new(Machine { state: Mutex::new(state) }) }
    }

    /// Returns the machine as it is after a power cut at this moment. No lock is held.
    pub(crate) fn after_power_cut(&self, arrived: Arrived) -> Self {
        let mut state = self.state().clone();
        if matches!(arrived, Arrived::Nothing | Arrived::HalfTexts) {
            state.names = state.durable_names.clone();
        }
        for file in &mut state.files {
            match arrived {
                Arrived::Nothing | Arrived::Names => file.text = file.durable_text.clone(),
                Arrived::HalfTexts if file.text != file.durable_text => file.text.truncate(file.text.len() / 2),
                Arrived::HalfTexts | Arrived::Everything => {}
            }
            file.durable_text = file.text.clone();
        }
        // A name in a folder that did not survive is lost with the folder.
        let names = state.names.clone();
        state.names.retain(|path, _| path.ancestors().skip(1).all(|folder| names.contains_key(folder)));
        state.durable_names = state.names.clone();
        state.locked.clear();
        state.locked_folders.clear();
        state.marks.clear();
        Self { machine: Arc::new(Machine { state: Mutex::new(state) }) }
    }

    /// Makes everything durable, as a kernel does by itself after a while.
    pub(crate) fn write_back(&self) {
        let mut state = self.state();
        state.durable_names = state.names.clone();
        for file in &mut state.files {
            file.durable_text = file.text.clone();
        }
    }

    fn hold(&self, of: Of) -> Box<dyn Held> {
        Box::new(Lock { disk: self.clone(), of })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.machine.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the folder itself and all that is in it.
    fn below(&self, folder: &Path) -> Vec<(PathBuf, Node)> {
        let names = self.names.iter().filter(|(path, _)| path.starts_with(folder));
        names.map(|(path, node)| (path.clone(), *node)).collect()
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.names.get(path) {
            Some(Node::File(file)) => Ok(*file),
            Some(Node::Folder) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        if self.names.get(folder) != Some(&Node::Folder) {
            return Err(ErrorKind::NotFound.into());
        }
        if self.names.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.names.insert(path.to_owned(), node);
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> io::Result<usize> {
        self.files.push(File::default());
        let file = self.files.len() - 1;
        self.add(path, Node::File(file)).map(|()| file)
    }
}

impl Disk for MemoryDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let state = self.state();
        match state.names.get(path) {
            None => Err(ReadError::Absent),
            Some(Node::Folder) => Err(ReadError::NoFile),
            Some(Node::File(file)) => {
                let text = &state.files[*file].text;
                if text.len() as u64 > limit { Err(ReadError::TooLarge(text.len() as u64)) } else { Ok(text.clone()) }
            }
        }
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        self.state().names.get(path).map(|node| match node {
            Node::Folder => Kind::Folder,
            Node::File(_) => Kind::File,
        })
    }

    fn identity(&self, _path: &Path) -> Option<Identity> {
        None
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.state().add(folder, Node::Folder)
    }

    fn create(&self, path: &Path, _like: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = self.state().add_file(path)?;
        Ok(Box::new(Open { disk: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        if matches!(state.names.get(from), Some(Node::Folder)) {
            for (path, node) in state.below(from) {
                state.names.remove(&path);
                let rest = path.strip_prefix(from).unwrap_or(&path);
                state.names.insert(if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) }, node);
            }
            return Ok(());
        }
        let file = state.file(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), Node::File(file));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.file(path)?;
        state.names.remove(path);
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        for (path, _) in state.below(folder) {
            state.names.remove(&path);
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        let inside = |path: &Path| path.parent() == Some(folder);
        state.durable_names.retain(|path, _| !inside(path));
        let now: Vec<(PathBuf, Node)> =
            state.names.iter().filter(|(path, _)| inside(path)).map(|(path, node)| (path.clone(), *node)).collect();
        // On the disk a rename between folders is one step: once the new name is durable, the old one is gone.
        let renamed = |node: &Node| matches!(node, Node::File(_)) && now.iter().any(|(_, there)| there == node);
        let names = state.names.clone();
        state.durable_names.retain(|path, node| !renamed(node) || names.contains_key(path));
        state.durable_names.extend(now);
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Held>>> {
        let mut state = self.state();
        let file = state.file(path).or_else(|_| state.add_file(path))?;
        Ok(state.locked.insert(file).then(|| self.hold(Of::File(file))))
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        let state = self.state();
        Ok(state.file(path).is_ok_and(|file| state.locked.contains(&file)))
    }

    fn lock_folder(&self, folder: &Path) -> io::Result<Option<Box<dyn Held>>> {
        let is_free = self.state().locked_folders.insert(folder.to_owned());
        Ok(is_free.then(|| self.hold(Of::Folder(folder.to_owned()))))
    }

    fn mark(&self, folder: &Path, number: u64) -> Option<Box<dyn Held>> {
        let mark = (folder.to_owned(), number);
        *self.state().marks.entry(mark.clone()).or_default() += 1;
        Some(self.hold(Of::Mark(mark)))
    }

    fn marks(&self, folder: &Path, numbers: &[u64]) -> io::Result<Vec<u64>> {
        let state = self.state();
        Ok(numbers.iter().copied().filter(|number| state.marks.contains_key(&(folder.to_owned(), *number))).collect())
    }
}

/// A file that is being written.
struct Open {
    disk: MemoryDisk,
    file: usize,
}

impl NewFile for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.state().files[self.file].text.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let file = &mut self.disk.state().files[self.file];
        file.durable_text = file.text.clone();
        Ok(())
    }
}

/// A lock or a mark that is held.
#[derive(Debug)]
struct Lock {
    disk: MemoryDisk,
    of: Of,
}

/// What a [`Lock`] holds.
#[derive(Debug)]
enum Of {
    File(usize),
    Folder(PathBuf),
    Mark((PathBuf, u64)),
}

impl Held for Lock {
    fn stands_at(&self, path: &Path) -> bool {
        match &self.of {
            Of::File(file) => self.disk.state().file(path).is_ok_and(|there| there == *file),
            Of::Folder(folder) | Of::Mark((folder, _)) => folder == path,
        }
    }

    fn is_behind(&self, number: u64) -> bool {
        let Of::Mark((folder, _)) = &self.of else { return false };
        self.disk.state().marks.range((folder.clone(), 0)..(folder.clone(), number)).next().is_some()
    }

    fn note(&self, _text: &str) {}
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        match &self.of {
            Of::File(file) => {
                state.locked.remove(file);
            }
            Of::Folder(folder) => {
                state.locked_folders.remove(folder);
            }
            Of::Mark(mark) => match state.marks.get_mut(mark) {
                Some(number) if *number > 1 => *number -= 1,
                _ => drop(state.marks.remove(mark)),
            },
        }
    }
}
