//! The commands that the program tells a person to run next mean the same workspace and workstream in that person's
//! shell.

use serde_json::json;

use crate::support::{PLAN, Workspace, session};

/// Makes two workstreams, of which the second one is current.
fn two() -> Workspace {
    let workspace = Workspace::with_plan(PLAN);
    workspace.write("work/002-other/PLAN.md", PLAN);
    workspace.write(
        "work/index.json",
        r#"{"current_stream": "002-other", "streams": [{"id": "001-search", "name": "search"}, {"id": "002-other"}]}"#,
    );
    session(&workspace, &["work approve plan", "work approve plan --workstream search"]);
    workspace
}

#[test]
fn what_was_typed_is_repeated() {
    let workspace = two();
    insta::assert_snapshot!(session(&workspace, &[
        "work update --workstream search --thread 1.1.1 --status failed --report x",
        "work update --workstream search --thread 1.1.1 --status in_progress",
        "work update --workstream search --thread 2.1.1 --status in_progress",
        "work complete --workstream search",
    ]), @"
    $ work update --workstream search --thread 1.1.1 --status failed --report x
    exit 0
    01.01.01 of 001-search is pending, attempt 2
    Next: work assign --thread 01.01.01 --agent default --workstream search
    $ work update --workstream search --thread 1.1.1 --status in_progress
    exit 1
    stderr: error: 01.01.01 must be reassigned before its next attempt
    stderr: Hint: run work assign --thread 01.01.01 --agent default --workstream search
    $ work update --workstream search --thread 2.1.1 --status in_progress
    exit 1
    stderr: error: batch 02.01 waits for batch 01.01
    stderr: Hint: finish batch 01.01 first; see work status --workstream search
    $ work complete --workstream search
    exit 1
    stderr: error: the workstream is not complete: 01.01.01 is pending, 01.01.02 is pending, 01.02.01 is pending, 02.01.01 is pending; stage 1 is not approved; stage 2 is not approved
    stderr: Hint: see work status --workstream search
    ");
    let elsewhere = tempfile::tempdir().unwrap();
    let from_elsewhere = |arguments: &[&str]| {
        let output = workspace.command(arguments).current_dir(elsewhere.path()).output().unwrap();
        workspace.seen(&output)
    };
    let root = workspace.root().to_str().unwrap();
    workspace.work(&["approve", "plan", "--revoke"]);
    let status = from_elsewhere(&["status", "--root", root]);
    assert!(status.contains("Next: work approve plan --root [workspace]\n"), "{status}");
    let list = from_elsewhere(&["list", "--root", root]);
    assert!(list.contains("work approve plan --root [workspace]"), "{list}");
    let refused = from_elsewhere(&["--root", root, "update", "--thread", "2.1.1", "--status", "in_progress"]);
    assert!(refused.ends_with("Hint: a person runs work approve plan --root [workspace]"), "{refused}");
}

#[test]
fn the_shell_has_a_word_too() {
    let workspace = two();
    let in_shell = |arguments: &[&str]| {
        let output = workspace.command(arguments).env("WORK_STREAM", "001-search").output().unwrap();
        workspace.seen(&output)
    };
    session(&workspace, &["work approve plan --revoke", "work approve plan --revoke --workstream search"]);
    assert!(in_shell(&["status"]).contains("Next: work approve plan\n"));
    let list = in_shell(&["list"]);
    assert!(
        list.contains("work approve plan\n") && list.contains("work approve plan --workstream 002-other"),
        "{list}"
    );
    assert!(in_shell(&["current", "--set", "002-other"]).contains("note: WORK_STREAM=001-search wins"));
    assert!(in_shell(&["create", "third"]).contains("note: WORK_STREAM=001-search wins"));
}

#[test]
fn a_chat_knows_nothing_of_the_servers_environment() {
    let workspace = two();
    workspace.work(&["approve", "plan", "--revoke", "--workstream", "search"]);
    let mut server = workspace.serve();
    let next = server.answer("next_batch", &json!({"workstream": "search"}));
    assert_eq!(next["gate_command"], "!work approve plan --workstream 001-search");
    let mut server = workspace.serve_with("WORK_STREAM", "001-search");
    let next = server.answer("next_batch", &json!({}));
    assert_eq!(next["gate_command"], "!work approve plan --workstream 001-search");
}
