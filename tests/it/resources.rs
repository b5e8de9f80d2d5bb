//! The resources: their list, their content, and the completion of their arguments.

use serde_json::{Value, json};

use crate::eras::modern_meta;
use crate::support::{PLAN, Server, Workspace};

fn read(server: &mut Server, uri: &str) -> String {
    let answer = server.request("resources/read", &json!({"uri": uri}));
    let contents = &answer["result"]["contents"][0];
    assert_eq!(contents["uri"], uri, "{answer}");
    let mime_type = if uri.split('.').next_back() == Some("json") { "application/json" } else { "text/markdown" };
    assert_eq!(contents["mimeType"], mime_type);
    contents["text"].as_str().unwrap().to_owned()
}

fn uris(answer: &Value) -> Vec<String> {
    let resources = answer["result"]["resources"].as_array().unwrap_or_else(|| panic!("{answer}"));
    resources.iter().map(|resource| resource["uri"].as_str().unwrap().to_owned()).collect()
}

/// Makes a workstream in which a batch ended with a blocked thread.
fn ended(server: &mut Server) {
    server.answer("next_batch", &json!({}));
    let done = json!({"thread_id": "1.1.1", "status": "completed", "report": "a | b", "artifacts": ["a.sql"]});
    server.answer("update_thread", &done);
    server.answer("update_thread", &json!({"thread_id": "1.1.2", "status": "blocked", "report": "unclear"}));
}

#[test]
fn what_there_is_is_listed_and_can_be_read() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    ended(&mut server);
    let listed = server.request("resources/list", &json!({}));
    insta::assert_snapshot!(uris(&listed).join("\n"), @"
    work://001-search/plan.md
    work://001-search/plan.json
    work://001-search/batches/01.01.md
    work://001-search/outcomes/01.01.md
    work://001-search/threads/01.01.01.md
    work://001-search/threads/01.01.02.md
    work://001-search/batches/01.02.md
    work://001-search/threads/01.02.01.md
    work://001-search/batches/02.01.md
    work://001-search/threads/02.01.01.md
    ");
    for uri in uris(&listed) {
        assert!(!read(&mut server, &uri).is_empty(), "{uri}");
    }
    assert_eq!(read(&mut server, "work://001-search/plan.md"), PLAN);
    insta::assert_snapshot!(read(&mut server, "work://001-search/batches/01.01.md"), @r"
    # Search

    `001-search` · **1 of 2 threads completed, 1 blocked** · 1 attempt, 0 retries, 0 reassignments

    Plan, approved.

    ## Stage 1: Index

    ### 01.01 Storage

    #### 01.01.01 Schema

    **completed, claims what was not there** · system-engineer-codex (plan) · 1 attempt · 0 s

    Report: a \| b

    Not proven:

    - artifact a.sql did not exist when it was reported

    Artifacts:

    - a.sql

    Attempts:

    - attempt 1 by system-engineer-codex: completed after 0 s: a \| b

    Summary:

    > Define the schema.

    #### 01.01.02 Rows

    **blocked** · default (default) · 0 attempts

    Report: unclear
    ");
    insta::assert_snapshot!(read(&mut server, "work://001-search/outcomes/01.01.md"), @r"
    # Search

    `001-search` · **1 of 2 threads completed, 1 blocked** · 1 attempt, 0 retries, 0 reassignments

    Plan, approved.

    ## Stage 1: Index

    ### 01.01 Storage

    | thread | outcome | agent | attempts | time | report |
    |---|---|---|---|---|---|
    | 01.01.01 Schema | completed, claims what was not there | system-engineer-codex | 1 | 0 s | a \| b |
    | 01.01.02 Rows | blocked | default | 0 |  | unclear |

    Not proven:

    - 01.01.01: artifact a.sql did not exist when it was reported

    Artifacts:

    - 01.01.01: a.sql

    ## Agents

    | agent | attempts | completed | failed | blocked | interrupted | retries | reassigned to it | time | success |
    |---|---|---|---|---|---|---|---|---|---|
    | system-engineer-codex | 1 | 1 | – | – | – | – | – | 0 s | 100 % |

    **Next:** look at the blocked threads of batch 01.01, then work retry
    ");
    insta::assert_snapshot!(read(&mut server, "work://001-search/threads/01.01.02.md"), @"
    # 01.01.02 Rows

    **blocked** · default · no attempt · stage 1: Index · batch 01.01 Storage

    ## Beside it

    - 01.01.01 Schema: completed (system-engineer-codex)
    ");
    let json = |server: &mut Server, uri: &str| serde_json::from_str::<Value>(&read(server, uri)).unwrap();
    let plan = json(&mut server, "work://001-search/plan.json");
    assert_eq!(plan["stages"][0]["batches"][0]["threads"][0]["report"], "a | b");
    assert_eq!(json(&mut server, "work://001-search/threads/01.01.01.json")["status"], "completed");
    let templates = server.request("resources/templates/list", &json!({}));
    insta::assert_snapshot!(serde_json::to_string_pretty(&templates["result"]).unwrap(), @r#"
    {
      "resourceTemplates": [
        {
          "uriTemplate": "work://{workstream}/plan.{format}",
          "name": "plan",
          "description": "The plan: its text, or all that happened as JSON."
        },
        {
          "uriTemplate": "work://{workstream}/batches/{batch}.{format}",
          "name": "batch",
          "description": "A batch with its threads and attempts."
        },
        {
          "uriTemplate": "work://{workstream}/threads/{thread}.{format}",
          "name": "thread",
          "description": "What a worker is told about a thread."
        },
        {
          "uriTemplate": "work://{workstream}/outcomes/{batch}.{format}",
          "name": "outcome",
          "description": "What came of a batch."
        }
      ]
    }
    "#);
}

#[test]
fn reading_an_outcome_is_not_reading_it_as_its_planner() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    ended(&mut server);
    let before = workspace.read("work/001-search/threads.json");
    let outcome: Value = serde_json::from_str(&read(&mut server, "work://001-search/outcomes/01.01.json")).unwrap();
    assert_eq!(outcome["blocked_threads"], json!(["01.01.02"]));
    assert_eq!(workspace.read("work/001-search/threads.json"), before, "a resource marks nothing as read");
    assert_eq!(server.answer("next_batch", &json!({}))["batch_completion_status"], "blocked");
    assert_eq!(server.answer("batch_outcome", &json!({})), outcome);
}

#[test]
fn what_is_not_there_is_the_eras_own_error() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    let mut modern = workspace.start();
    for uri in [
        "work://001-search/threads/09.09.09.md",
        "work://nobody/plan.md",
        "work://001-search/plan.txt",
        "file:///etc/passwd",
        "",
    ] {
        let legacy = server.request("resources/read", &json!({"uri": uri}));
        assert_eq!(
            (&legacy["error"]["code"], &legacy["error"]["data"]["uri"]),
            (&json!(-32002), &json!(uri)),
            "{legacy}"
        );
        let modern = modern.request("resources/read", &json!({"uri": uri, "_meta": modern_meta()}));
        assert_eq!(
            (&modern["error"]["code"], &modern["error"]["data"]["uri"]),
            (&json!(-32602), &json!(uri)),
            "{modern}"
        );
    }
    workspace.write("work/001-search/threads.json", "<<<<<<< HEAD\n");
    let broken = server.request("resources/read", &json!({"uri": "work://001-search/plan.json"}));
    assert_eq!(broken["error"]["code"], json!(-32603), "{broken}");
    assert!(
        broken["error"]["message"].as_str().unwrap().contains("threads.json:1: it has conflict markers"),
        "{broken}"
    );
    let malformed = server.request("resources/read", &json!({"uri": 1}));
    assert_eq!(malformed["error"]["message"], "malformed params for resources/read");
}

#[test]
fn long_lists_come_in_pages() {
    let threads = (1..=250).map(|number| format!("###### Thread {number}: T{number}\n")).collect::<Vec<_>>().concat();
    let workspace = Workspace::with_plan(&format!("# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n{threads}"));
    let mut server = workspace.serve();
    let mut all = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({"cursor": cursor}) };
        let listed = server.request("resources/list", &params);
        all.extend(uris(&listed));
        cursor = listed["result"]["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(all.len(), 253);
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 253, "each once");
    assert_eq!(server.request("resources/list", &json!({"cursor": "x"}))["error"]["code"], json!(-32602));
    assert_eq!(uris(&server.request("resources/list", &json!({"cursor": "999999"}))).len(), 0);
    let empty = Workspace::empty();
    let mut nowhere = empty.serve();
    assert_eq!(uris(&nowhere.request("resources/list", &json!({}))).len(), 0, "nothing to list is no error");
}

#[test]
fn ids_are_completed() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.write("work/002 b/PLAN.md", "# Plan: Other\n");
    workspace.write("work/index.json", r#"{"current_stream": "001-search", "streams": []}"#);
    let mut server = workspace.serve();
    let template = json!({"type": "ref/resource", "uri": "work://{workstream}/threads/{thread}.{format}"});
    let prompt = json!({"type": "ref/prompt", "name": "implement-thread"});
    let mut complete = |reference: &Value, name: &str, value: &str, context: Value| {
        let params =
            json!({"ref": reference, "argument": {"name": name, "value": value}, "context": {"arguments": context}});
        let answer = server.request("completion/complete", &params);
        answer["result"]["completion"]["values"].clone()
    };
    assert_eq!(complete(&prompt, "thread_id", "01.0", json!({})), json!(["01.01.01", "01.01.02", "01.02.01"]));
    assert_eq!(complete(&prompt, "thread_id", "02", json!({})), json!(["02.01.01"]));
    assert_eq!(complete(&prompt, "attempt", "", json!({"thread_id": "01.01.01"})), json!(["1"]));
    assert_eq!(complete(&template, "workstream", "", json!({})), json!(["001-search", "002%20b"]));
    assert_eq!(complete(&template, "thread", "01.02", json!({"workstream": "001-search"})), json!(["01.02.01"]));
    assert_eq!(complete(&template, "batch", "", json!({"workstream": "002 b"})), json!([]));
    assert_eq!(complete(&template, "format", "j", json!({})), json!(["json"]));
    assert_eq!(complete(&template, "nothing", "", json!({})), json!([]));
    let nowhere = Workspace::empty();
    let params = json!({"ref": prompt, "argument": {"name": "thread_id", "value": ""}});
    let answer = nowhere.serve().request("completion/complete", &params);
    assert_eq!(answer["result"]["completion"]["values"], json!([]));
}
