//! `work archive`, `work rename` and `work delete`.

use serde_json::json;

use crate::support::{PLAN, PROGRAM, Workspace, session};

#[test]
fn an_archived_workstream_hands_out_nothing_until_it_is_taken_out() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    insta::assert_snapshot!(session(&workspace, &["work archive"]), @"
    $ work archive
    exit 1
    stderr: error: something of 001-search runs: a planner executes batch 01.01
    stderr: Hint: wait for it, or end it: work release --workstream 001-search
    ");
    drop(server);
    insta::assert_snapshot!(session(&workspace, &[
        "work archive",
        "work archive 001-search",
        "work list",
        "work list --all",
        "work status",
        "work update --thread 1.1.1 --status in_progress --workstream 001-search",
    ]), @"
    $ work archive
    exit 0
    001-search is archived
    $ work archive 001-search
    exit 0
    001-search was archived already
    $ work list
    exit 0
    all are archived: work list --all
    $ work list --all
    exit 0
      001-search      0/4  archived
    $ work status
    exit 3
    stderr: error: this workspace has no workstream
    stderr: Hint: run work create NAME --stages N; work list --all shows what is archived
    $ work update --thread 1.1.1 --status in_progress --workstream 001-search
    exit 1
    stderr: error: the workstream is archived
    stderr: Hint: a person runs work archive --revoke --workstream 001-search
    ");
    let mut server = workspace.serve();
    let next = server.answer("next_batch", &json!({"workstream": "001-search"}));
    assert_eq!(next["batch_completion_status"], "awaiting_approval");
    assert_eq!(next["next_user_command"], "!work archive --revoke --workstream 001-search");
    insta::assert_snapshot!(session(&workspace, &[
        "work archive 001 --revoke",
        "work archive 001 --revoke",
        "work list",
    ]), @"
    $ work archive 001 --revoke
    exit 0
    001-search is out of the archive
    $ work archive 001 --revoke
    exit 0
    001-search is not archived: nothing to revoke
    $ work list
    exit 0
    * 001-search      0/4  let a planner execute batch 01.01: /execute-next-batch
    ");
}

#[test]
fn a_renamed_workstream_keeps_its_number_and_all_that_happened() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.work(&["create", "other"]);
    workspace.work(&["current", "--set", "001"]);
    workspace.work(&["update", "1.1.1", "-s", "completed", "-r", "The schema is there."]);
    insta::assert_snapshot!(session(&workspace, &[
        "work rename 001 other",
        "work rename 001 ///",
        "work rename nothing catalogue",
        "work rename search \"Die Suche\"",
        "work current",
        "work list",
        "work log",
    ]).replace(&workspace.root().display().to_string(), "[root]").lines().map(|line| {
        if line.starts_with("20") { format!("[time] {}", &line[19..]) } else { line.to_owned() }
    }).collect::<Vec<_>>().join("\n"), @r#"
    $ work rename 001 other
    exit 1
    stderr: error: there is a workstream 002-other already
    stderr: Hint: choose another name, or go on with it: work current --set 002-other
    $ work rename 001 ///
    exit 2
    stderr: error: "///" cannot name a folder
    stderr: Hint: use letters, digits and dashes
    $ work rename nothing catalogue
    exit 3
    stderr: error: no workstream with a PLAN.md has the id or name "nothing"
    stderr: Hint: there are 001-search, 002-other
    $ work rename search "Die Suche"
    exit 0
    001-search is 001-die-suche now
    $ work current
    exit 0
    001-die-suche
    $ work list
    exit 0
    * 001-die-suche      1/4  let a planner execute batch 01.01: /execute-next-batch
      002-other          0/1  settle the problems of PLAN.md (work validate), then work approve plan --workstream 002-other
    $ work log
    exit 0
    [time]   01.01.01 #1 completed (system-engineer-codex): The schema
                         is there.
    [time]   01.01.01 #1 started by system-engineer-codex
    [time]   01.01 begins
    "#);
    assert!(!workspace.root().join("work/001-search").exists());
    let threads = workspace.read("work/001-die-suche/threads.json");
    assert!(threads.contains("\"stream_id\": \"001-die-suche\""), "{threads}");
}

#[test]
fn a_workstream_is_deleted_only_by_a_clear_word() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.work(&["create", "other"]);
    workspace.work(&["update", "1.1.1", "-s", "in_progress", "-w", "001"]);
    insta::assert_snapshot!(
        session(
            &workspace,
            &[
                "work delete search --force",
                "work update 1.1.1 -s completed -r done -w 001",
                "work delete search",
                "work delete 001-search --json",
                "work delete 001 --force",
                "work delete 001-search --force -w other",
                "work delete \"\" --force",
                "work delete 001-search --force",
                "work delete 001-search --force",
                "work list",
                "work delete other --force --json",
                "work list",
            ]
        ),
        @r#"
    $ work delete search --force
    exit 1
    stderr: error: something of 001-search runs: 01.01.01 in progress
    stderr: Hint: wait for it, or end it: work update --thread 01.01.01 --status pending --force --workstream 001-search
    $ work update 1.1.1 -s completed -r done -w 001
    exit 0
    01.01.01 of 001-search is completed, attempt 1
    $ work delete search
    exit 1
    stderr: error: 001-search with 4 threads and their reports, 1 completed, is not deleted without --force
    stderr: Hint: keep it with work archive 001-search, or add --force
    $ work delete 001-search --json
    exit 1
    stderr: {"error":{"code":"force_required","message":"001-search with 4 threads and their reports, 1 completed, is not deleted without --force","hint":"keep it with work archive 001-search, or add --force"}}
    $ work delete 001 --force
    exit 2
    stderr: error: "001" is only the beginning of a name
    stderr: Hint: name it as a whole: 001-search
    $ work delete 001-search --force -w other
    exit 2
    stderr: error: --workstream names other, and the argument 001-search
    stderr: Hint: leave --workstream out
    $ work delete "" --force
    exit 2
    stderr: error: the name of the workstream is empty
    stderr: Hint: see work list
    $ work delete 001-search --force
    exit 0
    001-search is deleted
    $ work delete 001-search --force
    exit 3
    stderr: error: no workstream with a PLAN.md has the id or name "001-search"
    stderr: Hint: there are 002-other
    $ work list
    exit 0
    * 002-other      0/1  settle the problems of PLAN.md (work validate), then work approve plan
    $ work delete other --force --json
    exit 0
    {
      "workstream": "002-other",
      "threads": 1,
      "completed": 0
    }
    $ work list
    exit 0
    no workstreams yet
    Next: work create NAME --stages N
    "#
    );
    assert!(!workspace.root().join("work/001-search").exists() && !workspace.root().join("work/002-other").exists());
}

#[test]
fn the_only_archived_one_is_taken_out_without_its_name() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.work(&["create", "other"]);
    insta::assert_snapshot!(
        session(
            &workspace,
            &[
                "work archive --revoke",
                "work archive search",
                "work current --set search",
                "work next -w search",
                "work archive --revoke",
                "work rename search \"\"",
            ]
        ),
        @r#"
    $ work archive --revoke
    exit 2
    stderr: error: which workstream is to be taken out of the archive is not clear
    stderr: Hint: none is archived
    $ work archive search
    exit 0
    001-search is archived
    $ work current --set search
    exit 1
    stderr: error: the workstream is archived
    stderr: Hint: a person runs work archive --revoke --workstream 001-search
    $ work next -w search
    exit 0
    nothing, it is archived: work archive --revoke --workstream 001-search
    $ work archive --revoke
    exit 0
    001-search is out of the archive
    $ work rename search ""
    exit 2
    stderr: error: "" cannot name a folder
    stderr: Hint: use letters, digits and dashes
    "#
    );
}

#[test]
fn a_check_puts_nothing_away() {
    let plan = format!("{PLAN}**Check:** `work delete other --force || work rename other x || work edit`\n");
    let workspace = Workspace::with_draft(&plan);
    workspace.work(&["create", "other"]);
    workspace.work(&["current", "--set", "001"]);
    workspace.stdout(&["approve", "plan"]);
    let folder = std::path::Path::new(PROGRAM).parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let output = workspace.command(&["check", "2.1.1"]).env("PATH", path).output().unwrap();
    let seen = workspace.seen(&output);
    assert_eq!(seen.matches("a check may not decide anything").count(), 3, "{seen}");
    assert!(workspace.root().join("work/002-other").exists());
}
