//! The real process, fed what clients send on bad days: every byte on stdout is JSON-RPC, every request
//! is answered once, and the process ends when it is told to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{PLAN, Server, Workspace};

#[test]
fn garbage_is_answered_or_dropped_and_the_next_call_works() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    for garbage in
        ["", "   ", "not json", "{\"half\":", "[]", "[1,2]", "\"text\"", "{}", "{\"jsonrpc\":\"2.0\"}", "\u{0}"]
    {
        server.line(garbage);
    }
    let id = server.send("tools/call", &json!({"name": "next_batch"}));
    // Whatever is said of the garbage carries no id of a request.
    let answer = loop {
        let message = server.receive();
        if message["id"] == json!(id) {
            break message;
        }
        assert!(message["error"].is_object() && message["id"].is_null(), "{message}");
    };
    assert_eq!(answer["result"]["structuredContent"]["batch"]["id"], "01.01", "{answer}");
}

#[test]
fn what_cannot_be_parsed_is_answered_by_its_id() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let large = "x".repeat(17 * 1024 * 1024);
    for (line, id, code) in [
        (format!(r#"{{"jsonrpc":"2.0","id":71,"method":"tools/call","params":{{"a":{deep}}}}}"#), json!(71), -32700),
        (format!(r#"{{"method":"tools/call","params":{{"a":"{large}"}},"jsonrpc":"2.0","id":72}}"#), json!(72), -32600),
        (
            format!(r#"{{"jsonrpc":"2.0","id":"head","method":"tools/call","params":{{"a":"{large}"}}}}"#),
            json!("head"),
            -32600,
        ),
        (r#"{"jsonrpc":"2.0","id":73,"method":"ping"} trailing"#.to_owned(), json!(73), -32700),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#.to_owned(), json!(null), -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.to_owned(), json!(null), -32600),
        (r#"{"jsonrpc":"1.0","id":74,"method":"ping"}"#.to_owned(), json!(74), -32600),
        (r#"{"jsonrpc":"2.0","id":75}"#.to_owned(), json!(75), -32600),
    ] {
        server.line(&line);
        let answer = server.receive();
        let start: String = line.chars().take(80).collect();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(code)), "{start}: {answer}");
    }
    // Nobody waits for an answer to these; the next request is answered as if they had not been.
    for line in [
        format!(r#"{{"jsonrpc":"2.0","result":{{"a":{deep}}},"id":5}}"#),
        r#"{"jsonrpc":"2.0","method":"notifications/x","params":{"id":7}"#.to_owned(),
        // Neither is the id of another request.
        r#"{"jsonrpc":"2.0","id":5.7,"method":"x","#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"x","id":12"#.to_owned(),
        format!(r#"{{"method":"notifications/x","params":{{"a":"{large}"}},"jsonrpc":"2.0"}}"#),
    ] {
        server.line(&line);
    }
    // JavaScript cuts an emoji in two without a thought.
    server.line(r#"{"jsonrpc":"2.0","id":76,"method":"tools/call","params":{"name":"update_thread","arguments":{"thread_id":"1.1.1","status":"completed","report":"cut \ud83d"}}}"#);
    assert_eq!(server.receive()["result"]["structuredContent"]["status"], "completed");
    assert_eq!(workspace.threads()["threads"][0]["report"], "cut \u{fffd}");
}

#[test]
fn malformed_calls_are_answered() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    let code = |answer: &Value| answer["error"]["code"].as_i64();
    for params in [json!({"name": "next_batch", "arguments": [1]}), json!({"arguments": {}}), json!([]), json!(null)] {
        let answer = server.request("tools/call", &params);
        assert_eq!(code(&answer), Some(-32602), "{params}: {answer}");
    }
    let unknown = server.request("tools/call", &json!({"name": "approve_stage", "arguments": {}}));
    assert_eq!(code(&unknown), Some(-32602));
    assert!(unknown["error"]["message"].as_str().unwrap().contains("next_batch"), "{unknown}");
    assert_eq!(code(&server.request("no/such/method", &json!({}))), Some(-32601));
}

#[test]
fn arguments_that_do_not_fit_are_refused_by_name() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    let mut said = String::new();
    for (tool, arguments) in [
        ("next_batch", json!({"stage": 1})),
        ("read_thread", json!({})),
        ("read_thread", json!({"thread_id": "1.1"})),
        ("read_thread", json!({"thread_id": "1.1.9"})),
        ("read_thread", json!({"thread_id": "../../etc/passwd"})),
        ("update_thread", json!({"thread_id": "1.1.1", "status": "cancelled"})),
        ("update_thread", json!({"thread_id": "1.1.1", "status": "completed"})),
        ("update_thread", json!({"thread_id": "1.1.1", "status": "completed", "report": " \n"})),
        ("update_thread", json!({"thread_id": "1.1.1", "status": "completed", "report": 7})),
        ("update_thread", json!({"thread_id": "1.1.1", "status": "completed", "report": "x", "artifacts": ["a", 2]})),
        ("update_thread", json!({"thread_id": "1.1.1", "status": "completed", "report": "x".repeat(2001)})),
        ("update_thread", json!({"thread_id": "1.1.1", "status": "completed", "report": "x", "attempt": -1})),
        ("update_thread", json!({"thread_id": "1.2.1", "status": "in_progress"})),
        ("batch_outcome", json!({"batch": "9"})),
        ("batch_outcome", json!({"batch": "9.9"})),
        ("workstream_status", json!({"workstream": "../elsewhere"})),
    ] {
        let short = arguments.to_string().replace(&"x".repeat(2001), "xxx…");
        said += &format!("{tool} {short}\n    {}\n", server.call(tool, &arguments));
    }
    insta::assert_snapshot!(said.trim_end(), @r#"
    next_batch {"stage":1}
        error invalid_argument: stage: unknown field `stage`, expected `workstream`. hint: call again with arguments that fit the tool's schema
    read_thread {}
        error invalid_argument: missing field `thread_id`. hint: call again with arguments that fit the tool's schema
    read_thread {"thread_id":"1.1"}
        error invalid_argument: thread_id: `1.1` is not a thread id such as 01.02.03. hint: use the thread_id you were given
    read_thread {"thread_id":"1.1.9"}
        error unknown_thread: PLAN.md has no thread 01.01.09. hint: closest: 01.01.01, 01.01.02, 01.02.01
    read_thread {"thread_id":"../../etc/passwd"}
        error invalid_argument: thread_id: `../../etc/passwd` is not a thread id such as 01.02.03. hint: use the thread_id you were given
    update_thread {"thread_id":"1.1.1","status":"cancelled"}
        error invalid_argument: status: unknown variant `cancelled`, expected one of `in_progress`, `completed`, `blocked`, `failed`. hint: call again with arguments that fit the tool's schema
    update_thread {"thread_id":"1.1.1","status":"completed"}
        error report_required: status completed for 01.01.01 needs a report. hint: pass report: 1-2 sentences on what was done, or the reason
    update_thread {"thread_id":"1.1.1","status":"completed","report":" \n"}
        error report_required: status completed for 01.01.01 needs a report. hint: pass report: 1-2 sentences on what was done, or the reason
    update_thread {"thread_id":"1.1.1","status":"completed","report":7}
        error invalid_argument: report: invalid type: integer `7`, expected a string. hint: call again with arguments that fit the tool's schema
    update_thread {"thread_id":"1.1.1","status":"completed","report":"x","artifacts":["a",2]}
        error invalid_argument: artifacts: ["a",2] is not a list of texts; pass a list such as ["…"]. hint: call again with arguments that fit the tool's schema
    update_thread {"thread_id":"1.1.1","status":"completed","report":"xxx…"}
        error invalid_argument: report has 2001 characters, the limit is 2000. hint: say it in 1-2 sentences
    update_thread {"thread_id":"1.1.1","status":"completed","report":"x","attempt":-1}
        error invalid_argument: attempt: -1 is not a whole number. hint: call again with arguments that fit the tool's schema
    update_thread {"thread_id":"1.2.1","status":"in_progress"}
        error batch_not_ready: batch 01.02 waits for batch 01.01. hint: finish 01.01 first: call next_batch
    batch_outcome {"batch":"9"}
        error invalid_argument: batch: `9` is not a batch id such as 01.02. hint: leave it out for the batch handed out last
    batch_outcome {"batch":"9.9"}
        error unknown_batch: PLAN.md has no batch 09.09. hint: use one of 01.01, 01.02, 02.01
    workstream_status {"workstream":"../elsewhere"}
        error unknown_workstream: no workstream with a PLAN.md has the id or name "../elsewhere". hint: pass one of 001-search
    "#);
}

#[test]
fn what_comes_before_a_session_is_answered_or_dropped_and_ends_nothing() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.start();
    // Without a session and without the version that the modern era wants in each request.
    let id = server.send("tools/list", &json!({}));
    let refused = server.receive();
    assert!(refused["id"] == json!(id) && refused["error"].is_object(), "{refused}");
    server.notify("notifications/initialized", &json!({}));
    server.line(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    let client =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let id = server.send("initialize", &client);
    assert_eq!(server.receive()["id"], json!(id));
    server.notify("notifications/initialized", &json!({}));
    server.answer("next_batch", &json!({}));
}

#[test]
fn null_and_absent_arguments_are_the_same() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    let absent = server.call("workstream_status", &json!({}));
    assert_eq!(server.call("workstream_status", &json!({"workstream": null})), absent);
}

#[test]
fn every_request_is_answered_once_whatever_order_they_come_in() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    let mut open: BTreeMap<u64, u32> = BTreeMap::new();
    for round in 0..25 {
        open.insert(server.send("tools/call", &json!({"name": "next_batch", "arguments": {}})), 0);
        let update = json!({"thread_id": "1.1.1", "status": "in_progress", "report": format!("step {round}")});
        open.insert(server.send("tools/call", &json!({"name": "update_thread", "arguments": update})), 0);
        open.insert(server.send("tools/list", &json!({})), 0);
        open.insert(server.send("ping", &json!({})), 0);
        // OpenCode says this after every call that was answered (DESIGN §13.6).
        server.notify("notifications/cancelled", &json!({"requestId": 1, "reason": "AbortError"}));
    }
    for _ in 0..open.len() {
        let answer = server.receive();
        assert!(answer["result"].is_object(), "{answer}");
        *open.get_mut(&answer["id"].as_u64().unwrap()).unwrap() += 1;
    }
    assert!(open.values().all(|answers| *answers == 1));
    assert_eq!(server.end(), (0, String::new()), "nothing else was said");
}

#[test]
fn the_process_ends_with_its_input_and_answers_what_it_was_asked_before() {
    let workspace = Workspace::with_plan(PLAN);
    assert_eq!(workspace.start().end(), (0, String::new()), "before the first request");
    let mut server = workspace.serve();
    let id = server.send("tools/call", &json!({"name": "next_batch", "arguments": {}}));
    let (code, rest) = server.end();
    assert_eq!(code, 0);
    let answer: Value = serde_json::from_str(&rest).unwrap();
    assert_eq!(answer["id"], json!(id));
}

#[cfg(unix)]
#[test]
fn the_process_ends_when_it_is_told_to_although_its_input_stays_open() {
    let workspace = Workspace::with_plan(PLAN);
    for signal in ["TERM", "INT"] {
        let mut server = workspace.serve();
        server.answer("next_batch", &json!({}));
        let pid = server.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        // A bound, not a measurement: what it must not do is wait for its input.
        let told = Instant::now();
        let status = loop {
            if let Some(status) = server.child.try_wait().unwrap() {
                break status;
            }
            assert!(told.elapsed() < Duration::from_secs(5), "SIG{signal} was ignored");
            std::thread::yield_now();
        };
        assert_eq!(status.code(), Some(0), "SIG{signal}");
    }
}

#[test]
fn a_server_started_in_a_subfolder_finds_the_workspace_and_one_started_elsewhere_says_so() {
    let workspace = Workspace::with_plan(PLAN);
    std::fs::create_dir_all(workspace.root().join("src/deep")).unwrap();
    let status =
        workspace.command(&["status", "--json"]).current_dir(workspace.root().join("src/deep")).output().unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["workstream"], "001-search");
    let nowhere = tempfile::tempdir().unwrap();
    std::fs::create_dir(nowhere.path().join(".git")).unwrap();
    let refused = workspace.command(&["status"]).current_dir(nowhere.path()).output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
}

#[test]
fn a_server_for_a_worker_offers_what_a_worker_needs() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve_a_worker();
    let names = |server: &mut Server, what: &str| {
        let listed = server.request(&format!("{what}/list"), &json!({}));
        let listed = listed["result"][what].as_array().unwrap().clone();
        listed.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&mut server, "tools"), ["read_thread", "update_thread"]);
    assert_eq!(names(&mut server, "prompts"), ["implement-thread"]);
    let refused = server.request("tools/call", &json!({"name": "next_batch", "arguments": {}}));
    let told = "there is no tool \"next_batch\"; the tools are read_thread, update_thread";
    assert_eq!(refused["error"]["message"], told);
    let started = json!({"thread_id": "01.01.01", "status": "in_progress"});
    assert_eq!(server.answer("update_thread", &started)["attempt"], 1);
}
