//! git merges branches on which work went on: with `work merge-state` as its merge driver, as `work init` sets it up.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::{PLAN, PROGRAM, Workspace, session};

/// A `PATH` with the program, and git.
fn path() -> String {
    let program = Path::new(PROGRAM).parent().unwrap().display();
    format!("{program}:{}", std::env::var("PATH").unwrap())
}

/// Runs git in the workspace, with the configuration of the repository alone.
fn run(workspace: &Workspace, path: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(workspace.root()).env_clear().env("PATH", path);
    for (name, value) in [("NAME", "ann"), ("EMAIL", "ann@example.org")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").env("LC_ALL", "C");
    command.output().unwrap()
}

fn git(workspace: &Workspace, arguments: &[&str]) -> String {
    let output = run(workspace, &path(), arguments);
    assert!(output.status.success(), "{arguments:?}: {}", workspace.seen(&output));
    workspace.seen(&output)
}

fn commit(workspace: &Workspace, message: &str) {
    git(workspace, &["add", "-A"]);
    git(workspace, &["commit", "-q", "-m", message]);
}

/// Returns a repository with the approved workstream `001-search`, set up by `work init`. `None`: there is no git.
fn repository() -> Option<Workspace> {
    if Command::new("git").arg("--version").output().is_err() {
        crate::postgres_server::skipped("there is no git");
        return None;
    }
    let workspace = Workspace::empty();
    git(&workspace, &["init", "-q", "-b", "main"]);
    workspace.work(&["init"]);
    workspace.work(&["create", "search"]);
    workspace.write("work/001-search/PLAN.md", PLAN);
    workspace.stdout(&["approve", "plan", "--force"]);
    commit(&workspace, "plan");
    Some(workspace)
}

/// Begins a branch at the tip of `main`.
fn branch(workspace: &Workspace, name: &str) {
    git(workspace, &["switch", "-q", "-c", name, "main"]);
}

/// A planner begins the next batch, and a worker completes a thread of it.
fn complete(workspace: &Workspace, workstream: &str, thread: &str, report: &str) {
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({"workstream": workstream}));
    for (status, report) in [("in_progress", ""), ("completed", report)] {
        let call = json!({"workstream": workstream, "thread_id": thread, "status": status, "report": report});
        server.answer("update_thread", &call);
    }
}

#[test]
fn branches_that_executed_different_threads_and_created_workstreams_merge() {
    let Some(workspace) = repository() else { return };
    branch(&workspace, "rows");
    complete(&workspace, "001-search", "01.01.02", "All rows are in.");
    workspace.stdout(&["create", "billing"]);
    workspace.stdout(&["current", "--set", "002-billing"]);
    commit(&workspace, "rows");
    branch(&workspace, "schema");
    complete(&workspace, "001-search", "01.01.01", "The schema is there.");
    workspace.stdout(&["create", "api"]);
    workspace.stdout(&["current", "--set", "002-api"]);
    commit(&workspace, "schema");

    let merged = git(&workspace, &["merge", "-q", "-m", "both", "rows"]);
    assert_eq!(merged, "exit 0\nAuto-merging work/001-search/threads.json\nAuto-merging work/index.json");
    assert_eq!(git(&workspace, &["status", "--porcelain"]), "exit 0");
    insta::assert_snapshot!(session(&workspace, &[
        "work list",
        "work tree --workstream 001-search",
        "work create one-more",
    ]), @"
    $ work list
    exit 0
      001-search       2/4  let a planner execute batch 01.02: /execute-next-batch
    * 002-api          0/1  settle the problems of PLAN.md (work validate), then work approve plan
      002-billing      0/1  settle the problems of PLAN.md (work validate), then work approve plan --workstream 002-billing
    $ work tree --workstream 001-search
    exit 0
    001-search  Search (approved)
    ├─ Stage 1: Index  2/3
    │  ├─ 01.01 Storage  2/2
    │  │  ├─ [x] 01.01.01 Schema  system-engineer-codex
    │  │  └─ [x] 01.01.02 Rows    default
    │  └─ 01.02 Queries  0/1
    │     └─ [ ] 01.02.01 Parser  default
    └─ Stage 2: API  0/1
       └─ 02.01 Routes  0/1
          └─ [ ] 02.01.01 Routes  default
    $ work create one-more
    exit 0
    003-one-more is created, and is the current workstream
    Next: write work/003-one-more/PLAN.md, then work validate and work approve plan
    ");
    assert!(workspace.read("work/index.json").contains("\"current_stream\": \"003-one-more\""));
    // The other way round.
    git(&workspace, &["reset", "-q", "--hard"]);
    git(&workspace, &["clean", "-q", "-fd"]);
    git(&workspace, &["switch", "-q", "-c", "other", "rows"]);
    git(&workspace, &["merge", "-q", "-m", "both", "schema~1"]);
    assert!(workspace.read("work/index.json").contains("\"current_stream\": \"002-billing\""));
    let next = workspace.serve().answer("next_batch", &json!({"workstream": "001-search"}));
    assert_eq!(next["batch"]["id"], "01.02");
}

#[test]
fn what_both_did_is_kept_twice_and_called_by_its_name() {
    let Some(workspace) = repository() else { return };
    for (name, report) in [("one", "The schema has 3 tables."), ("two", "The schema has 4 tables.")] {
        branch(&workspace, name);
        complete(&workspace, "001-search", "01.01.01", report);
        commit(&workspace, name);
    }
    let merge = run(&workspace, &path(), &["merge", "-q", "one"]);
    insta::assert_snapshot!(workspace.seen(&merge), @"
    exit 1
    Auto-merging work/001-search/threads.json
    CONFLICT (content): Merge conflict in work/001-search/threads.json
    Automatic merge failed; fix conflicts and then commit the result.
    stderr: error: work/001-search/threads.json: both branches changed thread 01.01.01, each differently; both are kept between conflict markers (a side with nothing between them deleted or renamed it)
    stderr: Hint: edit it: keep one of the two versions between each pair of markers, then git add work/001-search/threads.json. git checkout --ours would also drop what was merged
    ");
    let conflict = workspace.read("work/001-search/threads.json");
    assert!(conflict.contains("has 3 tables") && conflict.contains("has 4 tables"), "{conflict}");
    insta::assert_snapshot!(session(&workspace, &["work status", "work next"]), @"
    $ work status
    exit 4
    stderr: error: [workspace]/work/001-search/threads.json:6: it has conflict markers of a git merge
    stderr: Hint: edit it: keep one of the two versions between each pair of markers, then git add [workspace]/work/001-search/threads.json. git checkout --ours would also drop what was merged. If git did not use work for the merge: work init, then git checkout --merge [workspace]/work/001-search/threads.json
    $ work next
    exit 4
    stderr: error: [workspace]/work/001-search/threads.json:6: it has conflict markers of a git merge
    stderr: Hint: edit it: keep one of the two versions between each pair of markers, then git add [workspace]/work/001-search/threads.json. git checkout --ours would also drop what was merged. If git did not use work for the merge: work init, then git checkout --merge [workspace]/work/001-search/threads.json
    ");
    let refused = workspace.serve().call("next_batch", &json!({}));
    insta::assert_snapshot!(workspace.without_chance(&refused), @"error state_unreadable: [workspace]/work/001-search/threads.json:6: it has conflict markers of a git merge. hint: ask the person to settle the merge of this file; it was left as it is");
    // The way out that the hint names.
    git(&workspace, &["checkout", "--theirs", "work/001-search/threads.json"]);
    git(&workspace, &["add", "work/001-search/threads.json"]);
    git(&workspace, &["commit", "-q", "-m", "merged"]);
    assert!(workspace.stdout(&["tree"]).contains("[x] 01.01.01"));
    assert_eq!(workspace.threads()["threads"][0]["report"], "The schema has 3 tables.");
}

#[test]
fn a_merge_without_work_can_be_merged_again_with_it() {
    let Some(workspace) = repository() else { return };
    for (name, thread) in [("one", "01.01.01"), ("two", "01.01.02")] {
        branch(&workspace, name);
        complete(&workspace, "001-search", thread, name);
        commit(&workspace, name);
    }
    // A clone that nobody has set up, and a graphical client that does not find the program.
    let all = std::env::var("PATH").unwrap();
    let without = std::env::join_paths(std::env::split_paths(&all).filter(|folder| !folder.join("work").exists()));
    let without = without.unwrap().into_string().unwrap();
    for is_configured in [false, true] {
        if is_configured {
            workspace.stdout(&["init"]);
        } else {
            git(&workspace, &["config", "--remove-section", "merge.work"]);
        }
        let merge = run(&workspace, &without, &["merge", "-q", "one"]);
        assert_eq!(merge.status.code(), Some(1), "{}", workspace.seen(&merge));
        let seen = workspace.work(&["status"]);
        assert!(seen.contains("threads.json:4: it has conflict markers of a git merge"), "{seen}");
        if !is_configured {
            git(&workspace, &["merge", "--abort"]);
        }
    }
    git(&workspace, &["checkout", "--merge", "work/001-search/threads.json"]);
    assert!(workspace.stdout(&["tree"]).contains("01.01 Storage  2/2"), "{}", workspace.work(&["tree"]));
}

#[test]
fn init_tells_git_and_leaves_what_is_there() {
    let Some(workspace) = repository() else { return };
    let fresh = Workspace::empty();
    git(&fresh, &["clone", "-q", workspace.root().to_str().unwrap(), "."]);
    insta::assert_snapshot!(session(&fresh, &["work init --dry-run", "work init", "work init"]), @"
    $ work init --dry-run
    exit 0
    workspace [workspace]
      would be changed  .git/config
                 + merge.work.driver
      kept     work/index.json
      kept     work/agents.yaml
      kept     .gitattributes
    nothing was written
    $ work init
    exit 0
    workspace [workspace]
      changed  .git/config
                 + merge.work.driver
      kept     work/index.json
      kept     work/agents.yaml
      kept     .gitattributes
    Next: work status
    $ work init
    exit 0
    workspace [workspace]
      kept     work/index.json
      kept     work/agents.yaml
      kept     .gitattributes
    Next: work status
    ");
    insta::assert_snapshot!(fresh.read(".gitattributes"), @"
    # `work` merges its files, thread by thread. Each clone needs this once: work init
    # or: git config merge.work.driver 'work merge-state %O %A %B %P || { test $? != 1 && git merge-file %A %O %B; }'
    work/index.json merge=work
    work/*/threads.json merge=work
    ");
    git(&fresh, &["config", "merge.work.driver", "mine %A"]);
    fresh.write(".gitattributes", "work/index.json -merge\nwork/*/threads.json merge=work");
    insta::assert_snapshot!(session(&fresh, &["work init"]), @r#"
    $ work init
    exit 0
    workspace [workspace]
      kept     work/index.json
      kept     work/agents.yaml
      kept     .gitattributes
    warning: .gitattributes:1: work/index.json has -merge, and keeps it; with
             merge=work this program would merge it
    warning: merge.work.driver of git is "mine %A", and stays so; docs/design.md has
             that of this program
    Next: work status
    "#);

    // In a part of a repository; where git ignores the workspace; where there is no repository that git knows.
    std::fs::create_dir(fresh.root().join("part")).unwrap();
    assert!(fresh.work(&["init", "--root", "part"]).contains("\n  created  .gitattributes\n"));
    assert!(fresh.read("part/.gitattributes").contains("\nwork/index.json merge=work\n"));
    fresh.write("ignored/.gitignore", "work/\n");
    assert!(!fresh.work(&["init", "--root", "ignored"]).contains(".gitattributes"));
    let unknown = Workspace::empty();
    unknown.write(".git/HEAD", "");
    insta::assert_snapshot!(session(&unknown, &["work init"]), @"
    $ work init
    exit 0
    workspace [workspace]
      created  work/index.json
      created  work/agents.yaml
      created  .gitattributes
    warning: git cannot be told how to merge work/: fatal: not a git repository (or
             any of the parent directories): .git; run the command that
             .gitattributes has for it
    Next: work create NAME --stages N
    ");
}

#[test]
fn the_driver_says_what_it_cannot_do() {
    let workspace = Workspace::empty();
    for (name, text) in
        [("base", "{\"streams\": []}"), ("ours", "{\"streams\": [}"), ("theirs", "{\"streams\": [], \"x\": 1}")]
    {
        workspace.write(name, text);
    }
    workspace.write("index.json", "{}");
    workspace.write("binary", b"\xff");
    workspace.write("empty", "");
    insta::assert_snapshot!(session(&workspace, &[
        "work merge-state base ours theirs work/index.json",
        "work merge-state base theirs base",
        "work merge-state empty base ours package.json",
        "work merge-state base index.json theirs work/index.json",
        "work merge-state base nothing theirs work/index.json",
        "work merge-state base binary theirs work/index.json",
        "work merge-state base",
    ]), @"
    $ work merge-state base ours theirs work/index.json
    exit 1
    stderr: error: work/index.json: ours cannot be read: expected value at line 1 column 14; so it is not merged, and both versions are kept between conflict markers
    stderr: Hint: edit it: keep one of the two versions between each pair of markers, then git add work/index.json. git checkout --ours would also drop what was merged
    $ work merge-state base theirs base
    exit 0
    $ work merge-state empty base ours package.json
    exit 1
    stderr: error: package.json: theirs cannot be read: line 1 is a conflict marker; so it is not merged, and both versions are kept between conflict markers
    stderr: Hint: edit it: keep one of the two versions between each pair of markers, then git add package.json. git checkout --ours would also drop what was merged
    $ work merge-state base index.json theirs work/index.json
    exit 2
    stderr: error: index.json is the file of a workspace: only a copy of it is written
    stderr: Hint: git makes one and calls this command with it
    $ work merge-state base nothing theirs work/index.json
    exit 2
    stderr: error: there is no file nothing
    stderr: Hint: git names three files: %O %A %B
    $ work merge-state base binary theirs work/index.json
    exit 4
    stderr: error: binary:1:1: it is not UTF-8
    stderr: Hint: fix the file, or restore it from git; it was left as it is
    $ work merge-state base
    exit 2
    stderr: error: the following required arguments were not provided:
    stderr:   <OURS>
    stderr:   <THEIRS>
    stderr: 
    stderr: Usage: work merge-state <BASE> <OURS> <THEIRS> [PATH]
    stderr: 
    stderr: For more information, try '--help'.
    ");
    assert_eq!(workspace.read("index.json"), "{}");
}
