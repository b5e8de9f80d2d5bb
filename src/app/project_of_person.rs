//! The files of a project and of the person's home, as the hosts see them.

use std::path::PathBuf;

use crate::fault::Fault;
use crate::hosts::ProjectFiles;
use crate::store::Folder;

/// How deep below their folder agent files are looked for.
const DEEPEST: usize = 4;

/// A project in the hands of a person, who has settings at home too.
pub(super) struct ProjectOfPerson {
    folder: Folder,
}

impl ProjectOfPerson {
    /// Returns the project in a folder.
    pub(super) fn at(folder: Folder) -> Self {
        Self { folder }
    }
}

impl ProjectFiles for ProjectOfPerson {
    fn text(&self, path: &str) -> Result<Option<String>, Fault> {
        match at_home(path) {
            // What stands in the home is only looked at, so nothing there stops a set-up.
            Some((folder, name)) => Ok(folder.read(&name).unwrap_or_default()),
            None if path.starts_with("~/") => Ok(None),
            None => self.folder.read_through(path),
        }
    }

    fn root(&self) -> String {
        self.folder.path().display().to_string()
    }

    fn below(&self, folder: &str) -> Result<Vec<String>, Fault> {
        match at_home(folder) {
            Some((top, name)) => Ok(top.inner(&name).files_below(DEEPEST, true).unwrap_or_default()),
            None if folder.starts_with("~/") => Ok(Vec::new()),
            None => self.folder.inner(folder).files_below(DEEPEST, true),
        }
    }

    fn has(&self, path: &str) -> bool {
        self.folder.has_file(path) || self.folder.has_folder(path)
    }
}

/// Returns the path below a folder, or the path itself if it is that of one file.
fn below<'p>(path: &'p str, top: &str) -> Option<&'p str> {
    if path == top { Some(path) } else { path.strip_prefix(top).filter(|_| top.ends_with('/')) }
}

/// Returns the folder and the name below it of a path that begins with `~/`; `None` for one of the project, or if there
/// is no home.
fn at_home(path: &str) -> Option<(Folder, String)> {
    let path = path.strip_prefix("~/")?;
    let moved = MOVED.into_iter().find_map(|(top, variable)| Some((moved(variable)?, below(path, top)?)));
    let (folder, name) = moved.or_else(|| Some((std::env::home_dir()?, path)))?;
    Some((Folder::at(folder), name.to_owned()))
}

/// Returns a note with the real path, if a variable has moved the file that it begins with.
pub(super) fn with_moved_home(note: &str) -> String {
    let moved = || {
        let (path, told) = note.split_once(':')?;
        let (folder, name) = at_home(path)?;
        let is_moved = std::env::home_dir().is_none_or(|home| folder.path() != home);
        is_moved.then(|| format!("{}:{told}", folder.path().join(name).display()))
    };
    moved().unwrap_or_else(|| note.to_owned())
}

/// The parts of the home that hosts move, each with its variable. The last one is a file, which stands in the folder that
/// the variable names, and else beside it.
const MOVED: [(&str, &str); 4] = [
    (".config/", "XDG_CONFIG_HOME"),
    (".claude/", "CLAUDE_CONFIG_DIR"),
    (".codex/", "CODEX_HOME"),
    (".claude.json", "CLAUDE_CONFIG_DIR"),
];

/// Returns the folder that a variable names.
fn moved(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
