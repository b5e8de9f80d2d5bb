//! The `sh` of Git for Windows, with which checks run there. A plan is written and approved once for a whole team, so a
//! check has to mean the same on every machine. cmd and PowerShell would read it in another way, and `bash` in the system's
//! own folder is another system (WSL), which does not see the programs of this one.
#![cfg_attr(unix, allow(dead_code, reason = "what it does is tested on every system"))]

use std::path::{Path, PathBuf};

/// What is said where there is no such shell.
pub(super) const MISSING: &str =
    "there is no sh, in which checks run on every system: install Git for Windows, which brings one";

/// Where Git for Windows has its shell, seen from a folder in which its `git.exe` can be.
const BESIDE_GIT: [&str; 4] = ["../bin/sh.exe", "../usr/bin/sh.exe", "../../bin/sh.exe", "../../usr/bin/sh.exe"];

/// Returns the first `sh.exe` in the folders of `PATH`, or beside a git in one of them: usually only `git.exe` is on the
/// `PATH`. A relative folder is passed over, since a worker could put a program there.
pub(super) fn find(folders: impl Iterator<Item = PathBuf>, is_file: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = folders.filter(|folder| folder.is_absolute()).collect();
    let own = folders.iter().map(|folder| folder.join("sh.exe"));
    let gits = folders.iter().filter(|folder| is_file(&folder.join("git.exe")));
    let beside = gits.flat_map(|folder| BESIDE_GIT.map(|place| resolved(folder, place)));
    own.chain(beside).find(|path| is_file(path))
}

/// Joins a place to a folder. A `..` takes a folder away, as Windows does it.
fn resolved(folder: &Path, place: &str) -> PathBuf {
    place.split('/').fold(folder.to_owned(), |path, part| {
        if part == ".." { path.parent().map(Path::to_owned).unwrap_or_default() } else { path.join(part) }
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_shell_is_on_the_path_or_beside_git() {
        for (path, there, wanted) in [
            ("/git/cmd", &["/git/cmd/git.exe", "/git/bin/sh.exe"][..], Some("/git/bin/sh.exe")),
            ("/git/mingw64/bin", &["/git/mingw64/bin/git.exe", "/git/usr/bin/sh.exe"], Some("/git/usr/bin/sh.exe")),
            ("/a:/git/cmd:/b", &["/b/sh.exe", "/git/cmd/git.exe", "/git/bin/sh.exe"], Some("/b/sh.exe")),
            // Without git the shell beside is another program's.
            ("/git/cmd", &["/git/bin/sh.exe"], None),
            // What a worker put into the folder of the work.
            (".:bin:", &["./sh.exe", "bin/sh.exe", "sh.exe"], None),
            ("", &[], None),
        ] {
            let found = find(path.split(':').map(PathBuf::from), |path| there.iter().any(|it| Path::new(it) == path));
            assert_eq!(found.as_deref(), wanted.map(Path::new), "{path}");
        }
    }
}
