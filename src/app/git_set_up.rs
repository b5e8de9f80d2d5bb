//! How `work init` has git merge the files of the state: `.gitattributes` names the merge driver for them, and the
//! configuration of the clone says what that runs (DESIGN §3).
//!
//! git reads no commands from files of a repository, so each clone needs the second part by itself. What is missing is a
//! note and never a failure: without a driver git merges line by line.

use std::path::Path;

use super::git::git;
use crate::fault::Fault;
use crate::hosts::Edit;
use crate::store::{Project, worktrees};

/// The file that names the driver for a path.
pub(super) const ATTRIBUTES: &str = ".gitattributes";

/// The key of the driver in git's configuration.
const DRIVER_KEY: &str = "merge.work.driver";

/// What git runs. Where there is no program `work`, or an older one, git merges line by line as usual: a driver that
/// fails would leave the file of one side, with no marker in it. Only 1 says that a conflict was left.
const DRIVER: &str = "work merge-state %O %A %B %P || { test $? != 1 && git merge-file %A %O %B; }";

/// How git calls the driver in messages.
const NAME: &str = "the state of work, thread by thread";

/// The paths that the driver merges, from the folder that holds `work/`.
const PATHS: [&str; 2] = ["work/index.json", "work/*/threads.json"];

/// What the set-up of git changes.
#[derive(Debug, Default)]
pub(super) struct GitSetUp {
    /// The change of `.gitattributes`, which is made; `None`: it has what it needs, or there is no repository.
    pub(super) edit: Option<Edit>,
    /// Whether `.gitattributes` is there and stays as it is.
    pub(super) is_kept: bool,
    /// The file of git's configuration, if it was changed, and what was set there.
    pub(super) configured: Option<(String, Vec<String>)>,
    /// What a person should look at.
    pub(super) notes: Vec<String>,
}

/// Sets git up for a project, unless nothing is to be written.
pub(super) fn git_set_up(project: &Project<'_>, dry_run: bool) -> GitSetUp {
    let (root, mut set_up) = (project.root(), GitSetUp::default());
    // No repository, or one whose state is none of git's business.
    if worktrees(root).is_none() || git(root, &["check-ignore", "-q", "--", PATHS[0]]).is_ok() {
        return set_up;
    }
    if let Err(fault) = set_attributes(project, dry_run, &mut set_up) {
        set_up.notes.push(format!("{fault}; without {ATTRIBUTES} git merges work/ line by line"));
    }
    configure(root, dry_run, &mut set_up);
    set_up
}

/// Completes `.gitattributes`.
fn set_attributes(project: &Project<'_>, dry_run: bool, set_up: &mut GitSetUp) -> Result<(), Fault> {
    let before = project.folder().read_through(ATTRIBUTES)?;
    let (after, notes) = with_driver(before.as_deref());
    set_up.notes = notes;
    let Some(after) = after else {
        set_up.is_kept = before.is_some();
        return Ok(());
    };
    if dry_run {
        project.require_inside(ATTRIBUTES)?;
    } else {
        project.write(ATTRIBUTES, &after)?;
    }
    let what = vec!["merge=work for work/index.json and work/*/threads.json".to_owned()];
    set_up.edit = Some(Edit { path: ATTRIBUTES.to_owned(), before, after: Some(after), what });
    Ok(())
}

/// Sets the driver in the configuration of the clone, unless there is one.
fn configure(root: &Path, dry_run: bool, set_up: &mut GitSetUp) {
    let failed = |why: String| {
        let why = if why.is_empty() { "there is no git".to_owned() } else { why.trim().replace('\n', " ") };
        format!("git cannot be told how to merge work/: {why}; run the command that {ATTRIBUTES} has for it")
    };
    let known = match git(root, &["config", "--default", "", "--get", DRIVER_KEY]) {
        Ok(known) => known,
        Err(why) => return set_up.notes.push(failed(why)),
    };
    match known.trim_end_matches('\n') {
        DRIVER => return,
        "" => {}
        other => {
            let note =
                format!("{DRIVER_KEY} of git is {other:?}, and stays so; docs/design.md has that of this program");
            return set_up.notes.push(note);
        }
    }
    let file = git(root, &["rev-parse", "--git-path", "config"]);
    let done = file.and_then(|file| {
        if !dry_run {
            git(root, &["config", DRIVER_KEY, DRIVER])?;
            git(root, &["config", "merge.work.name", NAME])?;
        }
        Ok(file)
    });
    match done {
        Ok(file) => set_up.configured = Some((file.trim_end().to_owned(), vec![DRIVER_KEY.to_owned()])),
        Err(why) => set_up.notes.push(failed(why)),
    }
}

/// Returns the text of a `.gitattributes` that names the driver, and what is in its way. `None`: nothing is missing, or
/// another driver is named already.
fn with_driver(before: Option<&str>) -> (Option<String>, Vec<String>) {
    let before = before.unwrap_or_default();
    let (mut missing, mut notes) = (Vec::new(), Vec::new());
    for path in PATHS {
        // The last line that says something of the attribute counts.
        let said = before.lines().enumerate().filter_map(|(at, line)| Some((at + 1, merge_of(line, path)?))).last();
        match said {
            None => missing.push(path),
            Some((_, "merge=work")) => {}
            Some((line, other)) => notes.push(format!(
                "{ATTRIBUTES}:{line}: {path} has {other}, and keeps it; with merge=work this program would merge it"
            )),
        }
    }
    if missing.is_empty() {
        return (None, notes);
    }
    let mut after = before.to_owned();
    if !after.is_empty() && !after.ends_with('\n') {
        after.push('\n');
    }
    if missing.len() == PATHS.len() {
        after += "# `work` merges its files, thread by thread. Each clone needs this once: work init\n";
        after += &format!("# or: git config {DRIVER_KEY} '{DRIVER}'\n");
    }
    for path in missing {
        after += &format!("{path} merge=work\n");
    }
    (Some(after), notes)
}

/// Returns what a line of `.gitattributes` says of the attribute `merge` of a path: `merge=work`, `-merge`, `binary`.
fn merge_of<'l>(line: &'l str, path: &str) -> Option<&'l str> {
    let mut words = line.split_ascii_whitespace();
    if words.next()?.trim_start_matches('/') != path {
        return None;
    }
    words.rfind(|word| word.starts_with("merge=") || ["merge", "-merge", "!merge", "binary"].contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_and_what_is_missing_is_added() {
        let (after, notes) = with_driver(Some("*.png binary\nwork/index.json text eol=lf"));
        insta::assert_snapshot!(after.as_deref().unwrap(), @"
        *.png binary
        work/index.json text eol=lf
        # `work` merges its files, thread by thread. Each clone needs this once: work init
        # or: git config merge.work.driver 'work merge-state %O %A %B %P || { test $? != 1 && git merge-file %A %O %B; }'
        work/index.json merge=work
        work/*/threads.json merge=work
        ");
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(with_driver(after.as_deref()), (None, Vec::new()), "once more changes nothing");
        assert_eq!(with_driver(None), with_driver(Some("")));
    }

    #[test]
    fn another_driver_is_left_and_named() {
        let (after, notes) = with_driver(Some("/work/index.json merge=ours\n"));
        assert_eq!(after.unwrap(), "/work/index.json merge=ours\nwork/*/threads.json merge=work\n");
        assert_eq!(
            notes,
            [
                ".gitattributes:1: work/index.json has merge=ours, and keeps it; with merge=work this program would merge it"
            ]
        );
    }
}
