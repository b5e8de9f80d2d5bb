//! What the artifacts of a report claim is looked at, with real files and a real git.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Server, Workspace};

const PLAN: &str = "# Plan: P
## Stages
### Stage 1: S
##### Batch 1: B
###### Thread 1: Parser
**Summary:** s

**Details:** d

**Files:** `src/parser`, `docs/*.md`

###### Thread 2: Rest
**Summary:** s

**Details:** d
";

/// Runs git in a folder, and returns what it prints.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=ann", "-c", "user.email=ann@example.org"]).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(folder: &Path, files: &[&str]) -> String {
    for file in files {
        std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
        std::fs::write(folder.join(file), *file).unwrap();
    }
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-q", "-m", "work"]);
    git(folder, &["rev-parse", "HEAD"])
}

/// Returns an approved workspace in a git repository, and its server.
fn repository() -> Option<(Workspace, Server)> {
    if Command::new("git").arg("--version").output().is_err() {
        crate::postgres_server::skipped("there is no git");
        return None;
    }
    let workspace = Workspace::with_draft(PLAN);
    workspace.stdout(&["approve", "plan"]);
    git(workspace.root(), &["init", "-q"]);
    commit(workspace.root(), &["src/parser/mod.rs"]);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    Some((workspace, server))
}

/// Reports the thread 1 as completed with artifacts, and returns the warnings of the batch.
fn warned(server: &mut Server, artifacts: &[&str], directory: Option<&Path>) -> Vec<String> {
    let mut arguments = json!({"thread_id": "1.1.1", "status": "completed", "report": "done", "artifacts": artifacts});
    if let Some(directory) = directory {
        arguments["directory"] = json!(directory);
    }
    server.answer("update_thread", &arguments);
    let outcome = server.answer("batch_outcome", &json!({}));
    let about_it = |note: &&Value| note.as_str().unwrap().starts_with("01.01.01: ");
    outcome["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(about_it)
        .map(|note| note.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_is_not_there_is_told_until_a_report_puts_it_right() {
    let Some((workspace, mut server)) = repository() else { return };
    let within = commit(workspace.root(), &["src/parser/a.rs", "docs/a.md"]);
    let outside: Vec<String> = (1..=7).map(|n| format!("src/{n}.rs")).collect();
    let outside: Vec<&str> = outside.iter().map(String::as_str).collect();
    let outside = commit(workspace.root(), &outside);
    let short = &outside[..10];
    assert_eq!(warned(&mut server, &["src/parser/mod.rs", &within], None), Vec::<String>::new());
    let told =
        ["01.01.01: artifact src/none.rs did not exist when it was reported; git had no commit 1a2b3c4 when it was \
         reported; commit SHORT changes what is not in the **Files** of the thread: src/1.rs, src/2.rs, src/3.rs, \
         src/4.rs, src/5.rs and 2 more"
            .replace("SHORT", short)];
    assert_eq!(warned(&mut server, &["src/none.rs", "1a2b3c4", short, "docs/a.md"], None), told);
    // All doors tell it.
    let status = server.answer("workstream_status", &json!({}));
    assert!(status["warnings"].as_array().unwrap().contains(&json!(told[0])), "{status}");
    for (command, wanted) in [
        ("status", "artifact src/none.rs did not exist"),
        ("report", "Not proven:\n\n- 01.01.01: artifact src/none.rs"),
        ("tree", "Parser  default  claims what was not there"),
        ("export --format md", "completed, claims what was not there"),
    ] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let page = workspace.stdout(&arguments);
        assert!(page.contains(wanted), "{command}: {page}");
    }
    // A file that is gone later was there: nothing is looked at twice.
    assert_eq!(warned(&mut server, &["docs/a.md"], None), Vec::<String>::new());
    std::fs::remove_file(workspace.root().join("docs/a.md")).unwrap();
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "completed", "report": "again"}));
    let outcome = server.answer("batch_outcome", &json!({}));
    assert!(!outcome["warnings"].to_string().contains("docs/a.md"), "{outcome}");
    let thread = workspace.threads()["threads"][0].clone();
    assert_eq!(thread.get("unproven"), None, "{thread}");
}

#[test]
fn nothing_is_told_of_what_cannot_be_known() {
    let Some((workspace, mut server)) = repository() else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let worktree = elsewhere.path().join("repo-parser");
    git(workspace.root(), &["worktree", "add", "-q", "-b", "feature/parser", worktree.to_str().unwrap()]);
    commit(&worktree, &["src/parser/new.rs"]);
    let absolute = worktree.join("src/parser/new.rs").display().to_string();
    let none = Vec::<String>::new();
    // A worker that did not say where it worked, and one that did.
    assert_eq!(warned(&mut server, &["src/parser/new.rs", &absolute], None), none);
    assert_eq!(warned(&mut server, &["src/parser/new.rs"], Some(&worktree)), none);
    assert_eq!(warned(&mut server, &["src/parser/new.rs"], Some(workspace.root())).len(), 1);
    // Merged, and the worktree is gone.
    git(workspace.root(), &["merge", "-q", "--no-ff", "-m", "merge", "feature/parser"]);
    let merge = git(workspace.root(), &["rev-parse", "HEAD"]);
    git(workspace.root(), &["worktree", "remove", worktree.to_str().unwrap()]);
    let inside = ".worktrees/parser/src/parser/new.rs";
    let links =
        ["https://example.org/pull/12/a.html", "PR #12", "feature/parser", "src/**/*.rs", "the parser, in a.rs"];
    let artifacts: Vec<&str> = links.into_iter().chain([absolute.as_str(), inside, &merge]).collect();
    assert_eq!(warned(&mut server, &artifacts, None), none);
    // Nothing tells a worker what there is elsewhere on the disk.
    assert_eq!(warned(&mut server, &["/no/such/file.rs", "../none/of/this.rs", "/etc/none.md"], None), none);
    // Only its branch has the file, and a commit of the same report shows that.
    git(workspace.root(), &["switch", "-q", "-c", "fix/config.json"]);
    let only_there = commit(workspace.root(), &["src/parser/only.rs"]);
    git(workspace.root(), &["switch", "-q", "-"]);
    assert_eq!(warned(&mut server, &["src/parser/only.rs", &only_there, "fix/config.json"], None), none);
    assert_eq!(warned(&mut server, &["src/parser/only.rs"], None).len(), 1);
}

/// Git shows paths from the top of the repository, and plans name them from the workspace or from there.
#[test]
fn a_workspace_below_the_top_of_its_repository_is_looked_at_from_both() {
    let Some((workspace, _)) = repository() else { return };
    let inner = workspace.root().join("svc");
    std::fs::create_dir_all(inner.join("src")).unwrap();
    let run = |arguments: &[&str]| {
        let output = workspace.command(arguments).current_dir(&inner).output().unwrap();
        assert!(output.status.success(), "{}", workspace.seen(&output));
    };
    run(&["--root", ".", "init"]);
    run(&["--root", ".", "create", "inner", "--stages", "1"]);
    let plan = PLAN.replace("`src/parser`, `docs/*.md`", "`svc/src/`");
    std::fs::write(inner.join("work/001-inner/PLAN.md"), plan).unwrap();
    run(&["--root", ".", "approve", "plan"]);
    commit(workspace.root(), &[]);
    let made = commit(workspace.root(), &["svc/src/a.rs"]);
    let update = ["update", "--thread", "1.1.1", "--status", "completed", "--report", "r"];
    let artifacts = ["svc/src/a.rs", "src/a.rs", "src/parser/mod.rs", made.as_str()];
    let named = artifacts.iter().flat_map(|artifact| ["--artifact", artifact]);
    let arguments: Vec<&str> = ["--root", "."].into_iter().chain(update).chain(named).collect();
    run(&arguments);
    let threads: Value =
        serde_json::from_str(&std::fs::read_to_string(inner.join("work/001-inner/threads.json")).unwrap()).unwrap();
    assert_eq!(threads["threads"][0].get("unproven"), None, "{threads}");
}

/// A report can name what its checks make.
#[test]
fn what_a_check_makes_is_there() {
    let Some((workspace, _)) = repository() else { return };
    let text = workspace.read("work/001-search/PLAN.md");
    let text = text.replace("**Files:**", "**Check:** `mkdir -p out; echo 1 > out/coverage.json`\n\n**Files:**");
    workspace.write("work/001-search/PLAN.md", text);
    workspace.stdout(&["approve", "plan"]);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    assert_eq!(warned(&mut server, &["out/coverage.json"], None), Vec::<String>::new());
    // The same for a report of the command line.
    std::fs::remove_dir_all(workspace.root().join("out")).unwrap();
    workspace.stdout(&["update", "--thread", "1.1.1", "--status", "pending", "--force"]);
    let report = ["update", "--thread", "1.1.1", "--status", "completed", "--report", "r", "--artifact"];
    workspace.stdout(&[&report[..], &["out/coverage.json"]].concat());
    let threads = workspace.threads();
    assert_eq!(threads["threads"][0].get("unproven"), None, "{threads}");
}
