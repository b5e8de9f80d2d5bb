//! Whether hosts find this program: their settings name it `work`, and they look for it on the `PATH`.

use std::path::{Path, PathBuf};

/// The folders that a runner of packages puts on the `PATH` for one command. No host has them.
const PASSING: &str = "node_modules/.bin";

/// Returns what a person should do before a host can start this program, in a sentence; `None`: nothing.
pub(super) fn missing() -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::env::current_exe().and_then(|own| own.canonicalize()).ok();
    told(std::env::split_paths(&path), own.as_deref())
}

fn told(folders: impl Iterator<Item = PathBuf>, own: Option<&Path>) -> Option<String> {
    let name = format!("work{}", std::env::consts::EXE_SUFFIX);
    // npm has scripts beside one another on Windows: `work`, and `work.cmd` for the shells.
    let names = [name.as_str(), "work.cmd"];
    let lasting = folders.filter(|folder| !folder.ends_with(PASSING));
    let found = lasting
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_absolute() && file.is_file());
    let Some(found) = found else {
        let told = "no program `work` is on the PATH, so hosts can start neither the server nor the hook that refuses gate commands";
        return Some(format!("{told}: install it, such as with `npm install -g workstream-mcp`"));
    };
    // The package of npm starts this program by a script in a folder of its own.
    let real = found.canonicalize().unwrap_or_else(|_| found.clone());
    let is_packaged = real.iter().any(|part| part.to_string_lossy().starts_with("workstream-mcp"));
    let is_own = own.is_none_or(|own| own == real) || is_packaged || found.extension().is_some_and(|end| end == "cmd");
    (!is_own).then(|| {
        let found = found.display();
        format!("the program `work` that hosts start is {found}, and this is another one: put this one before it on the PATH, or remove that one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_counts_that_hosts_find_too() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let path =
                folder.path().canonicalize().unwrap().join(path).join(format!("work{}", std::env::consts::EXE_SUFFIX));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let (own, other) = (put("own"), put("other"));
        let (passing, packaged) = (put("_npx/1/node_modules/.bin"), put("lib/workstream-mcp"));
        let told = |files: &[&Path]| told(files.iter().map(|file| file.parent().unwrap().to_owned()), Some(&own));
        assert_eq!(told(&[&own, &other]), None);
        assert_eq!(told(&[&packaged]), None);
        let missing = told(&[&passing]).unwrap();
        assert!(missing.contains("npm install -g workstream-mcp"), "{missing}");
        assert_eq!(told(&[]), Some(missing));
        let another = told(&[&passing, &other, &own]).unwrap();
        assert!(another.contains(&format!("hosts start is {}, and", other.display())), "{another}");
    }
}
