//! What `work --version` says beside the version: the commit of a release build, and its date.

use std::path::Path;
use std::process::Command;

fn main() {
    let version = env("CARGO_PKG_VERSION");
    let folder = env("CARGO_MANIFEST_DIR");
    let folder = Path::new(&folder);
    println!("cargo:rerun-if-changed=build.rs");
    // A build for development has no commit: to keep it true, each commit would build the whole program anew.
    let built = if env("PROFILE") == "release" { commit(folder) } else { Some("debug build".to_owned()) };
    match built {
        Some(built) => println!("cargo:rustc-env=WORK_VERSION={version} ({built})"),
        None => println!("cargo:rustc-env=WORK_VERSION={version}"),
    }
}

/// Returns the commit that is built: `93f7216ab 2026-11-27`, with `-dirty` behind the hash if files differ from it.
fn commit(folder: &Path) -> Option<String> {
    if let Ok(published) = std::fs::read_to_string(folder.join(".cargo_vcs_info.json")) {
        // The package of a registry. Cargo writes this file, with the hash as the only text of 40 digits.
        let hash =
            published.split('"').find(|text| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let dirty = if published.contains("\"dirty\": true") { "-dirty" } else { "" };
        return hash.map(|hash| format!("{}{dirty}", &hash[..9]));
    }
    // Not the repository around the sources of somebody who unpacked them there.
    if !folder.join(".git").exists() {
        return None;
    }
    for changing in ["src", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={changing}");
    }
    // Grows with each commit and each switch of branches.
    if let Some(log) = git(folder, &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
    let hash = git(folder, &["describe", "--always", "--abbrev=9", "--exclude=*", "--dirty"])?;
    let date = git(folder, &["log", "-1", "--format=%cs"])?;
    Some(format!("{hash} {date}"))
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    // A hook of git names another repository by these.
    git.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    let output = git.arg("-C").arg(folder).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name} for a build script"))
}
