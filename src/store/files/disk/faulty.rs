//! A file system that fails at a chosen step and keeps a log of the steps. Tests use it.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Disk, Held, Identity, Kind, NewFile, ReadError};

/// How a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The process dies before the step; half of a write is done. All later steps fail too.
    Death,
    /// The step fails with this error number of the operating system; half of a write is done.
    Once(i32),
    /// The step and all later ones fail with this error number of the operating system.
    FromThenOn(i32),
}

/// A file system on which one step fails. An operation that can change the disk is a step.
#[derive(Debug, Clone)]
pub(crate) struct FaultyDisk {
    disk: Arc<dyn Disk>,
    script: Arc<Mutex<Script>>,
}

#[derive(Debug)]
struct Script {
    /// The number of the step that fails, from 0, and how it fails.
    failure: Option<(usize, Failure)>,
    log: Vec<String>,
    /// What is called once, just before a file of this name is read.
    before_read: Option<(&'static str, Hook)>,
}

/// A function that is called once.
struct Hook(Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

impl FaultyDisk {
    /// Wraps a file system on which nothing fails.
    pub(crate) fn sound(disk: Arc<dyn Disk>) -> Self {
        Self { disk, script: Arc::new(Mutex::new(Script { failure: None, log: Vec::new(), before_read: None })) }
    }

    /// Wraps a file system on which the step with this number fails, counted from 0.
    pub(crate) fn failing(disk: Arc<dyn Disk>, step: usize, failure: Failure) -> Self {
        let faulty = Self::sound(disk);
        faulty.fail_in(step, failure);
        faulty
    }

    /// Makes a later step fail; with 0 steps in between it is the next one.
    pub(crate) fn fail_in(&self, steps: usize, failure: Failure) {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.failure = Some((script.log.len() + steps, failure));
    }

    /// Calls `hook` once, just before a file of this name is read.
    pub(crate) fn before_read(&self, name: &'static str, hook: impl FnOnce() + Send + 'static) {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.before_read = Some((name, Hook(Box::new(hook))));
    }

    /// Returns the steps so far, each as an operation and a file name.
    pub(crate) fn log(&self) -> Vec<String> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).log.clone()
    }

    /// Does a step: `whole`, or `half` of it if this is the step that fails.
    fn step<T>(
        &self,
        what: &str,
        path: &Path,
        half: impl FnOnce(),
        whole: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let step = script.log.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        script.log.push(format!("{what} {name}"));
        let failure = script.failure;
        drop(script);
        match failure {
            Some((at, Failure::Once(error))) if at == step => {
                half();
                Err(io::Error::from_raw_os_error(error))
            }
            Some((at, failure)) if at <= step && !matches!(failure, Failure::Once(_)) => {
                if at == step {
                    half();
                }
                Err(match failure {
                    Failure::FromThenOn(error) => io::Error::from_raw_os_error(error),
                    _ => io::Error::other("the process is dead"),
                })
            }
            _ => whole(),
        }
    }
}

impl Disk for FaultyDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let hook = script.before_read.take_if(|(name, _)| path.ends_with(name));
        drop(script);
        if let Some((_, Hook(hook))) = hook {
            hook();
        }
        self.disk.read(path, limit)
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        self.disk.kind(path)
    }

    fn identity(&self, path: &Path) -> Option<Identity> {
        self.disk.identity(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.disk.names(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.step("create folder", folder, || {}, || self.disk.create_folder(folder))
    }

    fn create(&self, path: &Path, like: &Path) -> io::Result<Box<dyn NewFile>> {
        let file = self.step("create", path, || {}, || self.disk.create(path, like))?;
        Ok(Box::new(FaultyFile { file, path: path.to_owned(), disk: self.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename to", to, || {}, || self.disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step("remove", path, || {}, || self.disk.remove(path))
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.step("remove folder", folder, || {}, || self.disk.remove_folder(folder))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step("sync folder", folder, || {}, || self.disk.sync_folder(folder))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Held>>> {
        self.step("lock", path, || {}, || self.disk.lock(path))
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        self.disk.is_locked(path)
    }

    // The kernel forgets locks and marks with the process. They change nothing on the disk, so they are no steps.
    fn lock_folder(&self, folder: &Path) -> io::Result<Option<Box<dyn Held>>> {
        self.disk.lock_folder(folder)
    }

    fn mark(&self, folder: &Path, number: u64) -> Option<Box<dyn Held>> {
        self.disk.mark(folder, number)
    }

    fn marks(&self, folder: &Path, numbers: &[u64]) -> io::Result<Vec<u64>> {
        self.disk.marks(folder, numbers)
    }
}

struct FaultyFile {
    file: Box<dyn NewFile>,
    path: std::path::PathBuf,
    disk: FaultyDisk,
}

impl NewFile for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = std::cell::RefCell::new(&mut self.file);
        let half = || drop(file.borrow_mut().write(&bytes[..bytes.len() / 2]));
        self.disk.step("write", &self.path, half, || file.borrow_mut().write(bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        let file = &mut self.file;
        self.disk.step("sync", &self.path, || {}, || file.sync())
    }
}
