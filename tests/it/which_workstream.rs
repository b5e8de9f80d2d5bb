//! A report goes to the workstream in which its thread runs, even if another one has become current (DESIGN §3).

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{PLAN, Server, Workspace, initialize, session};

const INDEX: &str = r#"{"version": "1.0.0", "current_stream": "001-search", "streams": [
    {"id": "001-search", "name": "search", "order": 1, "approval": {"status": "approved"}},
    {"id": "002-api", "name": "api", "order": 2, "approval": {"status": "approved"}}]}"#;

/// Makes two workstreams with threads of the same ids, of which the first one is current.
fn two() -> Workspace {
    let workspace = Workspace::with_plan(PLAN);
    workspace.write("work/002-api/PLAN.md", PLAN);
    workspace.write("work/index.json", INDEX);
    workspace
}

fn workstream(server: &mut Server, tool: &str, arguments: &Value) -> String {
    server.answer(tool, arguments)["workstream"].as_str().unwrap().to_owned()
}

#[test]
fn a_planner_goes_on_where_it_is_at_work() {
    let workspace = two();
    let mut server = workspace.serve();
    assert_eq!(workstream(&mut server, "next_batch", &json!({})), "001-search");
    workspace.stdout(&["current", "--set", "api"]);
    let started = json!({"thread_id": "1.1.1", "status": "in_progress"});
    for (tool, arguments) in [
        ("update_thread", started.clone()),
        ("read_thread", json!({"thread_id": "1.1.1"})),
        ("assign_thread", json!({"thread_id": "1.1.2", "agent": "default"})),
        ("update_thread", json!({"thread_id": "1.1.1", "status": "completed", "report": "done"})),
        ("update_thread", json!({"thread_id": "1.1.2", "status": "completed", "report": "done"})),
        // The batch is complete, but its outcome has not been read yet.
        ("batch_outcome", json!({})),
        ("workstream_status", json!({})),
    ] {
        assert_eq!(workstream(&mut server, tool, &arguments), "001-search", "{tool} {arguments}");
    }
    // Another process holds nothing and runs nothing.
    assert_eq!(workstream(&mut workspace.serve(), "workstream_status", &json!({})), "002-api");
    // A call that names a workstream means it. From then on this process is at work in two.
    assert_eq!(
        workstream(
            &mut server,
            "update_thread",
            &json!({"thread_id": "1.1.1", "status": "in_progress", "workstream": "api"})
        ),
        "002-api"
    );
    assert_eq!(
        server.call("update_thread", &started),
        "error no_current_workstream: this server executes 2 workstreams and the call names none. \
         hint: pass workstream: one of 001-search, 002-api"
    );
    // A person ends one hold. Then calls mean the other workstream.
    workspace.stdout(&["release", "--workstream", "001-search"]);
    assert_eq!(workstream(&mut server, "workstream_status", &json!({})), "002-api");
}

/// A planner whose workstream was moved away must not go on in another one.
#[test]
fn a_workstream_that_is_gone_is_not_exchanged_for_another() {
    let workspace = two();
    let mut server = workspace.serve();
    assert_eq!(workstream(&mut server, "next_batch", &json!({})), "001-search");
    workspace.stdout(&["current", "--set", "api"]);
    let (there, aside) = (workspace.root().join("work/001-search"), workspace.root().join("aside"));
    std::fs::rename(&there, &aside).unwrap();
    let report = json!({"thread_id": "1.1.1", "status": "completed", "report": "done"});
    assert_eq!(
        server.call("update_thread", &report),
        "error unknown_workstream: no workstream with a PLAN.md has the id or name \"001-search\". \
         hint: pass one of 002-api"
    );
    std::fs::rename(&aside, &there).unwrap();
    assert_eq!(workstream(&mut server, "update_thread", &report), "001-search");
}

/// A worker with its own server process repeats a report after the end of its attempt. The process is at work nowhere
/// then, and the report must not go to another workstream.
#[test]
fn a_report_that_is_repeated_does_not_land_in_another_workstream() {
    let workspace = two();
    let (mut planner, mut worker) = (workspace.serve(), workspace.serve());
    assert_eq!(workstream(&mut planner, "next_batch", &json!({})), "001-search");
    let report = json!({"thread_id": "1.1.1", "status": "completed", "report": "done", "attempt": 1});
    assert_eq!(workstream(&mut worker, "update_thread", &report), "001-search");
    workspace.stdout(&["current", "--set", "api"]);
    let refused = "error invalid_argument: 01.01.01 is not executed in 002-api, but in 001-search. \
                   hint: pass workstream: 001-search, or 002-api if its thread is meant";
    assert_eq!(worker.call("update_thread", &report), refused);
    assert_eq!(worker.call("assign_thread", &json!({"thread_id": "1.1.1", "agent": "default"})), refused);
    // The same if the environment of the shell names a workstream: no call names one.
    let mut command = workspace.command(&["update", "--thread", "1.1.1", "--status", "completed", "--report", "done"]);
    let output = command.env("WORK_STREAM", "002-api").output().unwrap();
    assert!(workspace.seen(&output).contains("01.01.01 is not executed in 002-api, but in 001-search"));
}

#[test]
fn a_persons_report_on_a_thread_that_runs_elsewhere_is_refused() {
    let workspace = two();
    insta::assert_snapshot!(session(&workspace, &[
        "work update --thread 1.1.1 --status in_progress",
        "work current --set api",
        "work update --thread 1.1.1 --status completed --report done",
        "work update --thread 1.1.1 --status pending --force",
        "work update --thread 1.1.2 --status completed --report done",
        "work update --thread 1.1.1 --status completed --report done --workstream 001-search",
        "work update --thread 1.1.1 --status completed --report done",
    ]), @"
    $ work update --thread 1.1.1 --status in_progress
    exit 0
    01.01.01 of 001-search is in_progress, attempt 1
    $ work current --set api
    exit 0
    002-api
    $ work update --thread 1.1.1 --status completed --report done
    exit 2
    stderr: error: 01.01.01 is not executed in 002-api, but in 001-search
    stderr: Hint: add --workstream 001-search, or --workstream 002-api if its thread is meant
    $ work update --thread 1.1.1 --status pending --force
    exit 2
    stderr: error: 01.01.01 is not executed in 002-api, but in 001-search
    stderr: Hint: add --workstream 001-search, or --workstream 002-api if its thread is meant
    $ work update --thread 1.1.2 --status completed --report done
    exit 2
    stderr: error: 01.01.02 is not executed in 002-api, but in 001-search
    stderr: Hint: add --workstream 001-search, or --workstream 002-api if its thread is meant
    $ work update --thread 1.1.1 --status completed --report done --workstream 001-search
    exit 0
    01.01.01 of 001-search is completed, attempt 1
    $ work update --thread 1.1.1 --status completed --report done
    exit 2
    stderr: error: 01.01.01 is not executed in 002-api, but in 001-search
    stderr: Hint: add --workstream 001-search, or --workstream 002-api if its thread is meant
    ");
}

#[test]
fn a_new_workstream_is_not_the_current_one_while_a_batch_is_executed() {
    let workspace = two();
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    insta::assert_snapshot!(session(&workspace, &["work create Next", "work create Other --json", "work current"]), @r#"
    $ work create Next
    exit 0
    003-next is created; 001-search stays the current one while its batch 01.01 is executed: work current --set 003-next
    Next: write work/003-next/PLAN.md, then work validate --workstream 003-next and work approve plan --workstream 003-next
    $ work create Other --json
    exit 0
    {
      "workstream": "004-other",
      "plan": "work/004-other/PLAN.md",
      "stages": 1,
      "current": false,
      "executed": {
        "workstream": "001-search",
        "batch": "01.01"
      }
    }
    $ work current
    exit 0
    001-search
    "#);
    // The planner still has to read the outcome of the complete batch and to ask for the next one.
    for id in ["1.1.1", "1.1.2"] {
        server.answer("update_thread", &json!({"thread_id": id, "status": "completed", "report": "done"}));
    }
    assert!(workspace.stdout(&["create", "Soon"]).contains("001-search stays the current one"));
    workspace.stdout(&["approve", "stage", "1", "--force"]);
    workspace.stdout(&["approve", "stage", "2", "--force"]);
    workspace.stdout(&["complete", "--workstream", "001-search"]);
    let created = workspace.stdout(&["create", "Later"]);
    assert!(created.starts_with("006-later is created, and is the current workstream\n"), "{created}");
}

/// The only workstream is the current one although index.json names none. A second workstream must not change that.
#[test]
fn the_only_workstream_becomes_the_current_one_while_it_is_executed() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.write(
        "work/index.json",
        "{\"version\": \"1.0.0\", \"streams\": [{\"id\": \"001-search\", \"approval\": {\"status\": \"approved\"}}]}",
    );
    workspace.stdout(&["update", "--thread", "1.1.1", "--status", "in_progress"]);
    workspace.stdout(&["create", "next"]);
    assert_eq!(workspace.stdout(&["current"]), "001-search\n");
}

#[test]
fn all_worktrees_share_the_workspace_of_the_main_one() {
    let folder = Workspace::empty();
    let git = |arguments: &[&str]| {
        let name = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"];
        let done =
            Command::new("git").args(name).args(arguments).current_dir(folder.root().join("main")).output().unwrap();
        assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    folder.write("main/work/001-search/PLAN.md", PLAN);
    folder.write("main/src/lib.rs", "");
    folder.write("main/work/index.json", INDEX);
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-qm", "plan"]);
    git(&["worktree", "add", "-q", "../wt"]);
    let update = ["update", "--thread", "1.1.1", "--status", "completed", "--report", "done"];
    let run = |arguments: &[&str]| {
        let output = folder.command(arguments).current_dir(folder.root().join("wt/src")).output().unwrap();
        folder.seen(&output)
    };
    insta::assert_snapshot!(run(&update), @"
    exit 0
    01.01.01 of 001-search is completed, attempt 1
    stderr: note: [workspace]/wt: this is a linked worktree; the workspace of the main worktree [workspace]/main is used (--root . for the one here)
    ");
    assert!(folder.read("main/work/001-search/threads.json").contains("\"completed\""));
    assert!(!folder.root().join("wt/work/001-search/threads.json").exists());
    let status: Value = serde_json::from_slice(
        &folder.command(&["status", "--json"]).current_dir(folder.root().join("wt")).output().unwrap().stdout,
    )
    .unwrap();
    insta::assert_snapshot!(folder.without_chance(status["warnings"][0].as_str().unwrap()), @"[workspace]/wt is a linked git worktree: the workspace of the main worktree, [workspace]/main, is used (--root or WORK_ROOT names another)");
    // A call that names a root means it.
    insta::assert_snapshot!(run(&[&["--root", ".."], &update[..]].concat()), @"
    exit 0
    01.01.01 of 001-search is completed, attempt 1
    ");
    assert!(folder.root().join("wt/work/001-search/threads.json").exists());
}

#[test]
fn arguments_are_read_as_clients_send_them() {
    let workspace = two();
    let mut server = workspace.serve();
    let update = |key: &str, value: Value| {
        let mut arguments = json!({"thread_id": " 1.1.1 ", "status": "completed", "report": "done"});
        arguments[key] = value;
        arguments
    };
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress", "attempt": 1.0}));
    for (key, value) in [
        ("attempt", json!("1")),
        ("transient", json!("True")),
        ("artifacts", json!("[\"src/a.rs\"]")),
        ("next_steps", json!(null)),
    ] {
        server.answer("update_thread", &update(key, value));
    }
    assert!(workspace.read("work/001-search/threads.json").contains("src/a.rs"));
    let refused =
        [("attempt", json!(1.5)), ("transient", json!(1)), ("artifacts", json!("src/a.rs")), ("artefacts", json!([]))]
            .map(|(key, value)| server.call("update_thread", &update(key, value)));
    insta::assert_snapshot!(refused.join("\n"), @r#"
    error invalid_argument: attempt: 1.5 is not a whole number. hint: call again with arguments that fit the tool's schema
    error invalid_argument: transient: 1 is not true or false. hint: call again with arguments that fit the tool's schema
    error invalid_argument: artifacts: "src/a.rs" is not a list of texts; pass a list such as ["…"]. hint: call again with arguments that fit the tool's schema
    error invalid_argument: artefacts: unknown field `artefacts`, expected one of `thread_id`, `status`, `report`, `transient`, `artifacts`, `next_steps`, `attempt`, `directory`, `workstream`. hint: closest: artifacts
    "#);
    let words = server.call("update_thread", &json!({"thread_id": "1.1.1", "status": "Completed", "report": "done"}));
    assert!(words.contains("expected one of `in_progress`, `completed`, `blocked`, `failed`"), "{words}");
}

/// Starts a server in an empty folder, with a client that works in the folder `root`.
fn serve_with_root(workspace: &Workspace, root: &str) -> Server {
    let mut server = workspace.start();
    let mut parameters = initialize("2025-11-25");
    parameters["capabilities"] = json!({"roots": {"listChanged": true}});
    server.request("initialize", &parameters);
    server.notify("notifications/initialized", &json!({}));
    tell_roots(&mut server, root);
    server
}

fn tell_roots(server: &mut Server, root: &str) {
    let asked = server.receive();
    assert_eq!(asked["method"], "roots/list", "{asked}");
    let told = json!({"roots": [{"uri": "https://example.com/x"}, {"uri": root}]});
    server.line(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": told}).to_string());
}

#[test]
fn the_clients_roots_are_looked_at_where_the_folder_has_no_workspace() {
    let workspace = Workspace::with_plan(PLAN);
    let inner = workspace.root().join("src/deep");
    std::fs::create_dir_all(&inner).unwrap();
    let empty = Workspace::empty();
    let mut server = serve_with_root(&empty, &format!("file://{}", inner.display()));
    assert_eq!(workstream(&mut server, "workstream_status", &json!({})), "001-search");
    // Where the client works is told anew.
    server.notify("notifications/roots/list_changed", &json!({}));
    assert_eq!(workstream(&mut server, "next_batch", &json!({})), "001-search");
    let mut lost = serve_with_root(&empty, &format!("file://{}", empty.root().display()));
    let refused = lost.call("next_batch", &json!({}));
    assert!(refused.starts_with("error no_workspace: ") && refused.contains("or above them"), "{refused}");
    lost.notify("notifications/roots/list_changed", &json!({}));
    tell_roots(&mut lost, &format!("file://{}", inner.display()));
    assert_eq!(workstream(&mut lost, "workstream_status", &json!({})), "001-search");
    // A client without roots is not asked, and neither is one whose folder has a workspace.
    let mut plain = empty.serve();
    assert!(plain.call("next_batch", &json!({})).starts_with("error no_workspace: "));
    let mut own = workspace.start();
    let mut parameters = initialize("2025-11-25");
    parameters["capabilities"] = json!({"roots": {}});
    own.request("initialize", &parameters);
    own.notify("notifications/initialized", &json!({}));
    assert_eq!(workstream(&mut own, "workstream_status", &json!({})), "001-search");
}
