//! Imports what other programs planned: a tasks.md of spec-kit, a tasks.json of task-master (DESIGN §3a). The content says
//! which it is, not the name of the file.

use std::path::Path;

use super::Imported;
use super::from_spec_kit::from_spec_kit;
use super::from_task_master::from_task_master;
use super::mapped::{Mapped, Source};
use super::stages::import_folder;
use crate::decide::{ImportProblem, Refusal};
use crate::fault::Error;
use crate::format::spec_kit::{self, TasksMd};
use crate::format::task_master::{self, TaskMasterJson};
use crate::index::name_of;
use crate::moment::Moment;
use crate::path_style::PathStyle;
use crate::store::files::unreadable;
use crate::store::{Folder, Store};

/// Where the tasks of a folder may be.
const IN_FOLDER: [&str; 4] = ["tasks.md", "tasks.json", "tasks/tasks.json", ".taskmaster/tasks/tasks.json"];

/// The documents that spec-kit keeps beside a tasks.md.
const DOCUMENTS: [&str; 7] =
    ["spec.md", "plan.md", "research.md", "data-model.md", "quickstart.md", "contracts", "checklists"];

/// The tag that task-master begins with.
const MASTER: &str = "master";

/// What is imported, and how.
#[derive(Debug, Clone, Copy)]
pub struct ImportRequest<'r> {
    /// The file or the folder.
    pub path: &'r Path,
    /// The same path as the person gave it.
    pub given: &'r Path,
    /// The folder that holds `work/`. Paths in it are told relative to it.
    pub root: Option<&'r Path>,
    /// What the workstream is called; `None`: as its source says.
    pub name: Option<&'r str>,
    /// The tag of a tasks.json that is meant.
    pub tag: Option<&'r str>,
}

/// A file that was recognised.
enum Found {
    SpecKit(TasksMd),
    TaskMaster(TaskMasterJson),
}

/// Adds a workstream with what stands at a path: the tasks.md of spec-kit, the tasks.json of task-master, a folder that
/// holds one of them, or a folder of the 0.9 format (`import_folder`). Nothing is approved.
///
/// # Errors
///
/// [`Refusal::Import`] says why it cannot be imported. The others are those of [`Store::add`], and a
/// [`Fault`](crate::fault::Fault) if the file cannot be read.
pub fn import_path(store: &dyn Store, request: &ImportRequest<'_>, at: Moment) -> Result<Imported, Error> {
    let ImportRequest { path, given, root, name, tag } = *request;
    let refused = |problem| Refusal::Import { path: given.display().to_string(), problem };
    let folder = Folder::at(path.to_owned());
    if folder.has_folder("stages") {
        return match tag {
            Some(_) => Err(refused(ImportProblem::NoTags).into()),
            None => import_folder(store, &folder, root, name, at),
        };
    }
    let (folder, file, found) = recognised(path)?.ok_or_else(|| {
        let is_there = path.exists();
        refused(if is_there { ImportProblem::UnknownForm } else { ImportProblem::Absent })
    })?;
    let shown = shown(request, &folder.path().join(&file));
    let mapped = match found {
        Found::SpecKit(_) if tag.is_some() => return Err(refused(ImportProblem::NoTags).into()),
        Found::SpecKit(tasks) => {
            let name = folder.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let of_folder = shown.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
            let documents = DOCUMENTS.iter().filter(|name| folder.has_file(name) || folder.has_folder(name));
            let documents: Vec<String> = documents.map(|name| format!("{of_folder}{name}")).collect();
            let source = Source { path: &shown, name: name_of(&name), documents: &documents };
            from_spec_kit(&tasks, source)
        }
        Found::TaskMaster(tasks) => {
            let chosen = tag_of(&tasks, tag).map_err(refused)?;
            let name = name.unwrap_or("task-master");
            from_task_master(&tasks, chosen, Source { path: &shown, name, documents: &[] })
        }
    };
    if mapped.statuses.is_empty() {
        return Err(refused(ImportProblem::NoTasks).into());
    }
    Mapped::add(mapped, store, &shown, name, at)
}

/// Returns the file that is meant by a path: its folder, its name in that, and what it holds.
fn recognised(path: &Path) -> Result<Option<(Folder, String, Found)>, Error> {
    if path.is_dir() {
        let folder = Folder::at(path.to_owned());
        for file in IN_FOLDER {
            if let Some(found) = read(&folder, file)? {
                let (inner, file) =
                    file.rsplit_once('/').map_or((folder.clone(), file), |(inner, file)| (folder.inner(inner), file));
                return Ok(Some((inner, file.to_owned(), found)));
            }
        }
        return Ok(None);
    }
    let (Some(parent), Some(file)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(None);
    };
    let folder = Folder::at(parent.to_owned());
    Ok(read(&folder, file)?.map(|found| (folder, file.to_owned(), found)))
}

/// Reads a file; `None` if there is none, or if it is of neither form.
fn read(folder: &Folder, file: &str) -> Result<Option<Found>, Error> {
    if !folder.has_file(file) {
        return Ok(None);
    }
    let Some(text) = folder.read(file)? else { return Ok(None) };
    if text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']) {
        let read = task_master::read(&text).map_err(|error| unreadable(&folder.path().join(file), &error))?;
        return Ok(read.map(Found::TaskMaster));
    }
    Ok(spec_kit::read(&text).map(Found::SpecKit))
}

/// Returns the place of the tag that is meant: the one that is named, else the only one with tasks, else `master`.
fn tag_of(file: &TaskMasterJson, wanted: Option<&str>) -> Result<usize, ImportProblem> {
    let names = || file.tags.iter().filter_map(|tag| tag.name.clone()).collect::<Vec<_>>();
    let place = |name: &str| file.tags.iter().position(|tag| tag.name.as_deref() == Some(name));
    if let Some(wanted) = wanted {
        return place(wanted).ok_or_else(|| ImportProblem::UnknownTag { tag: wanted.to_owned(), known: names() });
    }
    let mut filled = file.tags.iter().enumerate().filter(|(_, tag)| !tag.tasks.is_empty()).map(|(at, _)| at);
    match (filled.next(), filled.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(ImportProblem::NoTasks),
        (Some(_), Some(_)) => place(MASTER).ok_or_else(|| ImportProblem::SeveralTags { known: names() }),
    }
}

/// Returns a path as plans and pages name it: relative to the root, else as the person gave it. An absolute path of this
/// machine would mean nothing to others.
fn shown(request: &ImportRequest<'_>, file: &Path) -> String {
    let in_root = request.root.and_then(|root| file.strip_prefix(root).ok());
    let shown = match (in_root, file.strip_prefix(request.path)) {
        (Some(path), _) => path.to_owned(),
        (None, Ok(inner)) if !inner.as_os_str().is_empty() => request.given.join(inner),
        (None, _) => request.given.to_owned(),
    };
    PathStyle::HERE.portable(&shown.display().to_string()).into_owned()
}

/// Returns what stands at the usual places of spec-kit and task-master in a project, and can be imported: paths relative
/// to the project.
pub(super) fn importable(project: &Folder) -> Vec<String> {
    let mut found = Vec::new();
    let specs = project.inner("specs");
    let features = specs.names().unwrap_or_default().into_iter().map(|name| format!("specs/{name}/tasks.md"));
    for path in features.chain([".taskmaster/tasks/tasks.json".to_owned()]) {
        if matches!(read(project, &path), Ok(Some(_))) {
            found.push(path);
        }
    }
    found
}
