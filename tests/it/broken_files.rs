//! A file that cannot be read is reported with line and column, and never overwritten.

use serde_json::json;

use crate::support::{PLAN, Workspace};

const STATE: &str = "work/001-search/threads.json";

/// Writes a file, makes two calls that write, and returns their answers. The file must not change.
fn said_of(path: &str, text: &[u8]) -> String {
    let workspace = Workspace::with_plan(PLAN);
    workspace.write("work/001-search/threads.json", "{\"version\":\"1.0.0\",\"threads\":[]}");
    workspace.write(path, text);
    let mut server = workspace.serve();
    let said = server.call("next_batch", &json!({}));
    let again = server.call("update_thread", &json!({"thread_id": "1.1.1", "status": "completed", "report": "x"}));
    assert_eq!(said, again, "both calls meet the same file");
    assert_eq!(std::fs::read(workspace.root().join(path)).unwrap(), text, "{path} was written over");
    workspace.without_chance(&said)
}

#[test]
fn each_is_reported_with_its_place() {
    let mut said = String::new();
    let conflict = b"{\n  \"version\": \"1.0.0\",\n<<<<<<< HEAD\n  \"threads\": []\n=======\n".as_slice();
    let cases: [(&str, &[u8]); 16] = [
        (STATE, b""),
        (STATE, conflict),
        (STATE, b"{\n  \"threads\": [\n    {\"threadId\": \"01.01.01\""),
        (STATE, b"{\"version\": \"2.0.0\", \"threads\": {}}"),
        (STATE, b"{\"threads\": [\n  {\"threadId\": \"01.01.01\", \"status\": \"done\"}\n]}"),
        (STATE, b"{\"threads\": [{\"threadId\": \"01.01.01\"},\n{\"threadId\": \"1.1.1\"}]}"),
        (STATE, b"{\"threads\": [], \"x\": 1, \"x\": 2}"),
        (STATE, b"{\"threads\": [],\n \"cycles\": [{\"batch\": \"../x\", \"cycle\": 1, \"status\": \"open\"}]}"),
        (STATE, b"{\"threads\": [{\"threadId\": \"\xff\"}]}"),
        ("work/index.json", b"{\"streams\": [\n}"),
        ("work/index.json", b"{\"streams\": [{\"id\": \"001-search\", \"approval\": {\"status\": \"maybe\"}}]}"),
        ("work/agents.yaml", b"agents:\n  - name: [\n"),
        ("work/index.json", b"{\n=======\n"),
        ("work/agents.yaml", b"agents:\n<<<<<<< HEAD\n  - name: x\n=======\n>>>>>>> b\n"),
        ("work/agents.yaml", b"agents:\n  - nam: x\n"),
        ("work/001-search/PLAN.md", b"# Plan: P\n\xff\n"),
    ];
    for (path, text) in cases {
        let shown = String::from_utf8_lossy(text).replace('\n', "\\n");
        said += &format!("{path}: {shown}\n    {}\n", said_of(path, text));
    }
    insta::assert_snapshot!(said.trim_end(), @r#"
    work/001-search/threads.json: 
        error state_unreadable: [workspace]/work/001-search/threads.json:1:1: EOF while parsing a value. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/001-search/threads.json: {\n  "version": "1.0.0",\n<<<<<<< HEAD\n  "threads": []\n=======\n
        error state_unreadable: [workspace]/work/001-search/threads.json:3: it has conflict markers of a git merge. hint: ask the person to settle the merge of this file; it was left as it is
    work/001-search/threads.json: {\n  "threads": [\n    {"threadId": "01.01.01"
        error state_unreadable: [workspace]/work/001-search/threads.json:3:27: EOF while parsing an object. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/001-search/threads.json: {"version": "2.0.0", "threads": {}}
        error state_unreadable: [workspace]/work/001-search/threads.json: its version is "2.0.0", this program knows 1.x. hint: use the release of work that wrote it; it was left as it is
    work/001-search/threads.json: {"threads": [\n  {"threadId": "01.01.01", "status": "done"}\n]}
        error state_unreadable: [workspace]/work/001-search/threads.json:2:44: "done" is no status: there are pending, in_progress, completed, blocked, cancelled. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/001-search/threads.json: {"threads": [{"threadId": "01.01.01"},\n{"threadId": "1.1.1"}]}
        error state_unreadable: [workspace]/work/001-search/threads.json: thread 01.01.01 has two records. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/001-search/threads.json: {"threads": [], "x": 1, "x": 2}
        error state_unreadable: [workspace]/work/001-search/threads.json: the key "x" stands here twice. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/001-search/threads.json: {"threads": [],\n "cycles": [{"batch": "../x", "cycle": 1, "status": "open"}]}
        error state_unreadable: [workspace]/work/001-search/threads.json:2:28: `../x` is not a batch id such as 01.02. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/001-search/threads.json: {"threads": [{"threadId": "�"}]}
        error state_unreadable: [workspace]/work/001-search/threads.json:1:28: it is not UTF-8. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/index.json: {"streams": [\n}
        error state_unreadable: [workspace]/work/index.json:2:1: expected value. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/index.json: {"streams": [{"id": "001-search", "approval": {"status": "maybe"}}]}
        error state_unreadable: [workspace]/work/index.json:1:64: unknown variant `maybe`, expected one of `draft`, `approved`, `revoked`. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/agents.yaml: agents:\n  - name: [\n
        error state_unreadable: [workspace]/work/agents.yaml:2:11: a text belongs here. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/index.json: {\n=======\n
        error state_unreadable: [workspace]/work/index.json:2: it has conflict markers of a git merge. hint: ask the person to settle the merge of this file; it was left as it is
    work/agents.yaml: agents:\n<<<<<<< HEAD\n  - name: x\n=======\n>>>>>>> b\n
        error state_unreadable: [workspace]/work/agents.yaml:2: it has conflict markers of a git merge. hint: ask the person to settle the merge of this file; it was left as it is
    work/agents.yaml: agents:\n  - nam: x\n
        error state_unreadable: [workspace]/work/agents.yaml:2:5: each agent needs a `name`. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/001-search/PLAN.md: # Plan: P\n�\n
        error plan_unreadable: [workspace]/work/001-search/PLAN.md: it is not UTF-8 at line 2, column 1. hint: ask the person to fix the file
    "#);
}

#[test]
fn a_plan_that_is_gone_or_too_large() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.write("work/index.json", "{\"current_stream\": \"001-search\", \"streams\": [{\"id\": \"001-search\"}]}");
    let mut server = workspace.serve();
    workspace.write("work/001-search/PLAN.md", vec![b'x'; 9 * 1024 * 1024]);
    let large = workspace.without_chance(&server.call("next_batch", &json!({})));
    // An editor may be in the middle of a save, so the server waits a moment; but not for minutes.
    let plan = std::fs::File::create(workspace.root().join("work/001-search/PLAN.md")).unwrap();
    plan.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60)).unwrap();
    let empty = workspace.without_chance(&server.call("read_thread", &json!({"thread_id": "1.1.1"})));
    std::fs::remove_file(workspace.root().join("work/001-search/PLAN.md")).unwrap();
    let gone = workspace.without_chance(&server.call("next_batch", &json!({})));
    insta::assert_snapshot!(format!("{large}\n{empty}\n{gone}"), @"
    error plan_unreadable: [workspace]/work/001-search/PLAN.md: it has 9437184 bytes, the limit is 8388608. hint: ask the person to fix the file
    error plan_unreadable: [workspace]/work/001-search/PLAN.md: it is empty. hint: ask the person to fix the file
    error plan_unreadable: [workspace]/work/001-search/PLAN.md: it does not exist. hint: ask the person to fix the file
    ");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_leaves_everything_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;

    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let before = workspace.read(STATE);
    // A folder in the place of the temporary file stops every user, root too.
    let obstacle = workspace.root().join("work/.run/threads.json.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    std::fs::set_permissions(&obstacle, std::fs::Permissions::from_mode(0o700)).unwrap();
    let refused = server.call("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    assert!(refused.starts_with("error io: cannot write "), "{refused}");
    assert_eq!(workspace.read(STATE), before);
    std::fs::remove_dir(&obstacle).unwrap();
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
}
