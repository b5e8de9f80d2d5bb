//! Folders that other programs of the family wrote. They work as they are, and a commit changes only the lines that it
//! has to change.

use serde_json::json;
use similar::{ChangeTag, TextDiff};

use crate::support::Workspace;

/// Returns the lines that changed, without times and ids of servers.
fn difference(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut out = String::new();
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        let line = change.value().trim_end_matches('\n');
        out += &format!(
            "{sign}{}{}\n",
            without_chance(line),
            if change.missing_newline() { " (no line end)" } else { "" }
        );
    }
    out.trim_end().to_owned()
}

fn without_chance(line: &str) -> String {
    let Some((key, value)) = line.split_once(": \"") else { return line.to_owned() };
    let value = value.trim_end_matches(['"', ',']);
    let is_server = value.len() == 36 && value.matches('-').count() == 4;
    let is_now =
        value.len() == 24 && value.ends_with('Z') && !value.starts_with("2026-02-") && !value.starts_with("2026-03-");
    match (is_server, is_now) {
        (true, _) => format!("{key}: [server]"),
        (_, true) => format!("{key}: [now]"),
        _ => line.to_owned(),
    }
}

#[test]
fn a_workspace_as_it_was_created() {
    let workspace = Workspace::copied_from("as-created");
    let file = "work/001-search-api/threads.json";
    let (before, index) = (workspace.read(file), workspace.read("work/index.json"));
    let mut server = workspace.serve();
    let next = server.answer("next_batch", &json!({}));
    assert_eq!((&next["dispatch"], &next["warnings"]), (&json!(["01.01.01", "01.01.02"]), &json!([])));
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    server.answer(
        "update_thread",
        &json!({"thread_id": "1.1.1", "status": "completed", "report": "there", "artifacts": ["a.sql"]}),
    );
    insta::assert_snapshot!(difference(&before, &workspace.read(file)), @r#"
    -  "last_updated": "2026-02-22T16:41:00.000Z",
    +  "last_updated": [now]
    -      "status": "pending",
    -      "sessions": [],
    +      "status": "completed",
    +      "report": "there",
    +      "artifacts": [
    +        "a.sql"
    +      ],
    +      "unproven": [
    +        {
    +          "missing": "a.sql"
    +        }
    +      ],
    +      "sessions": [
    +        {
    +          "sessionId": "01.01.01#1",
    +          "agentName": "system-engineer-codex",
    +          "model": "",
    +          "startedAt": [now]
    +          "completedAt": [now]
    +          "status": "completed",
    +          "attempt": 1,
    +          "cycle": 1,
    +          "report": "there",
    +          "server": [server]
    +        }
    +      ],
    -      "updatedAt": "2026-02-22T16:41:00.000Z"
    +      "updatedAt": [now]
    +  ],
    +  "cycles": [
    +    {
    +      "batch": "01.01",
    +      "cycle": 1,
    +      "status": "open",
    +      "holder": [server]
    +      "openedAt": [now]
    +      "threads": []
    +    }
    "#);
    assert_eq!(workspace.read("work/index.json"), index, "nothing of it changed");
    server.answer("update_thread", &json!({"thread_id": "1.1.2", "status": "completed", "report": "there"}));
    assert_eq!(server.answer("batch_outcome", &json!({}))["gate_command"], "!work approve stage 1");
    assert_eq!(workspace.work(&["approve", "stage", "1"]).lines().next(), Some("exit 0"));
    insta::assert_snapshot!(difference(&index, &workspace.read("work/index.json")), @r#"
    -  "last_updated": "2026-02-22T16:40:11.020Z",
    +  "last_updated": [now]
    -      "updated_at": "2026-02-22T16:40:11.020Z",
    +      "updated_at": [now]
    +        "stages": {
    +          "1": {
    +            "status": "approved",
    +            "approved_at": [now]
    +            "approved_by": "ann"
    +          }
    +        },
    "#);
}

#[test]
fn a_workspace_in_the_middle_of_its_work() {
    let workspace = Workspace::copied_from("half-way");
    let file = "work/002-billing/threads.json";
    let before = workspace.read(file);
    let mut server = workspace.serve();
    let refused = server.call("next_batch", &json!({}));
    assert_eq!(
        refused,
        "error no_current_workstream: there are 2 workstreams and none is current. hint: pass workstream: one of 001-old, 002-billing"
    );
    let next = server.answer("next_batch", &json!({"workstream": "billing"}));
    insta::assert_snapshot!(serde_json::to_string_pretty(&json!({
        "threads": next["threads"], "dispatch": next["dispatch"], "warnings": next["warnings"],
    })).unwrap(), @r#"
    {
      "threads": [
        {
          "thread_id": "01.01.01",
          "name": "Amounts",
          "status": "completed",
          "agent": "system-engineer-opus",
          "agent_source": "assigned",
          "attempt": 2
        },
        {
          "thread_id": "01.01.02",
          "name": "Taxes",
          "status": "in_progress",
          "agent": "system-engineer-opus",
          "agent_source": "plan",
          "attempt": 1
        },
        {
          "thread_id": "01.01.03",
          "name": "Currencies",
          "status": "in_progress",
          "agent": "default",
          "agent_source": "default",
          "attempt": 1
        }
      ],
      "dispatch": [],
      "warnings": [
        "no longer in PLAN.md, kept and ignored: 01.02.01",
        "threads.json has a record of \"notes\", which is no thread id; it is kept and ignored"
      ]
    }
    "#);
    let stream = "002-billing";
    // An attempt of older software belongs to no server. A server adopts it, and a report ends it (DESIGN §5).
    server.answer("update_thread", &json!({"workstream": stream, "thread_id": "1.1.3", "status": "in_progress"}));
    server.answer("update_thread", &json!({"workstream": stream, "thread_id": "1.1.2", "status": "failed", "report": "no rates", "transient": true}));
    insta::assert_snapshot!(difference(&before, &workspace.read(file)), @r#"
    -  "last_updated": "2026-03-01T09:30:00.000Z",
    +  "last_updated": [now]
    -      "status": "in_progress",
    +      "status": "pending",
    +      "report": "no rates",
    -          "status": "running",
    +          "completedAt": [now]
    +          "status": "failed",
    +          "attempt": 1,
    +          "cycle": 1,
    +          "report": "no rates",
    +          "transient": true,
    -      "updatedAt": "2026-03-01T09:00:00.000Z",
    +      "updatedAt": [now]
    -      "status": "in_progress"
    +      "threadName": "Currencies",
    +      "stageName": "Model",
    +      "batchName": "Types",
    +      "status": "in_progress",
    +      "sessions": [
    +        {
    +          "sessionId": "01.01.03#1",
    +          "agentName": "default",
    +          "model": "",
    +          "startedAt": "",
    +          "status": "running",
    +          "attempt": 1,
    +          "cycle": 1,
    +          "server": [server]
    +        }
    +      ],
    +      "updatedAt": [now]
    +  "cycles": [
    +    {
    +      "batch": "01.01",
    +      "cycle": 1,
    +      "status": "open",
    +      "holder": [server]
    +      "openedAt": [now]
    +      "threads": [
    +        {
    +          "threadId": "01.01.02",
    +          "retriedAfter": 1
    +        }
    +      ]
    +    }
    +  ],
    "#);
}

#[test]
fn a_plan_without_batches_and_a_file_of_one_line() {
    let workspace = Workspace::copied_from("old-plan");
    let mut server = workspace.serve();
    let next = server.answer("next_batch", &json!({}));
    assert_eq!(next["gate_command"], "!work approve plan", "there is no index, so nobody has approved it");
    workspace.stdout(&["approve", "plan", "--force"]);
    let mut server = workspace.serve();
    let next = server.answer("next_batch", &json!({}));
    assert_eq!((&next["batch"]["id"], &next["dispatch"]), (&json!("01.00"), &json!(["01.00.01"])));
    assert_eq!(next["threads"][0]["attempt"], 2, "an interrupted session counts");
    server.answer("update_thread", &json!({"thread_id": "1.0.1", "status": "completed", "report": "done"}));
    let text = workspace.read("work/legacy/threads.json");
    let text: String = text.lines().map(|line| without_chance(line) + "\n").collect();
    insta::assert_snapshot!(text.trim_end(), @r#"
    {
      "stream_id": "legacy",
      "last_updated": [now]
      "threads": [
        {
          "threadId": "01.00.02",
          "threadName": "Repository",
          "stageName": "Setup",
          "batchName": "Setup",
          "status": "completed",
          "sessions": [],
          "report": null,
          "updatedAt": [now]
        },
        {
          "threadId": "01.00.01",
          "threadName": "Tools",
          "stageName": "Setup",
          "batchName": "Setup",
          "status": "completed",
          "report": "done",
          "sessions": [
            {
              "sessionId": "s",
              "agentName": "",
              "model": "",
              "startedAt": "",
              "status": "interrupted"
            },
            {
              "sessionId": "01.00.01#2",
              "agentName": "default",
              "model": "",
              "startedAt": [now]
              "completedAt": [now]
              "status": "completed",
              "attempt": 2,
              "cycle": 1,
              "report": "done"
            }
          ],
          "updatedAt": [now]
        },
        {
          "threadId": "02.00.01",
          "threadName": "Code",
          "stageName": "Work",
          "batchName": "Work",
          "status": "pending",
          "sessions": [],
          "createdAt": [now]
          "updatedAt": [now]
        }
      ],
      "cycles": [
        {
          "batch": "01.00",
          "cycle": 1,
          "status": "open",
          "holder": [server]
          "openedAt": [now]
          "threads": []
        }
      ]
    }
    "#);
}

#[test]
fn reading_writes_nothing() {
    for name in ["as-created", "half-way", "old-plan"] {
        let workspace = Workspace::copied_from(name);
        let stream = if name == "half-way" { "002-billing" } else { "" };
        let mut server = workspace.serve();
        server.answer("workstream_status", &json!({"workstream": stream}));
        server.answer("batch_outcome", &json!({"workstream": stream}));
        assert!(workspace.command(&["status", "--workstream", stream]).status().unwrap().success());
        assert!(!workspace.root().join("work/.run").exists(), "{name}: not even a lock");
    }
}
