//! Both eras of the protocol: `initialize`, and `server/discover` with self-contained requests.

use serde_json::{Value, json};

use crate::support::{PLAN, Workspace, initialize};

pub(crate) fn modern_meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    })
}

#[test]
fn a_legacy_client_gets_the_version_it_asks_for() {
    let workspace = Workspace::with_plan(PLAN);
    for version in ["2025-06-18", "2025-11-25"] {
        let mut server = workspace.start();
        let answer = server.request("initialize", &initialize(version));
        assert_eq!(answer["result"]["protocolVersion"], version);
        assert_eq!(answer["result"]["serverInfo"]["name"], "work");
        assert_eq!(
            answer["result"]["capabilities"],
            json!({"completions": {}, "prompts": {}, "resources": {"subscribe": true}, "tools": {}})
        );
        server.notify("notifications/initialized", &json!({}));
        assert_eq!(server.request("ping", &json!({}))["result"], json!({}));
        assert_eq!(server.request("tools/list", &json!({}))["result"]["tools"].as_array().unwrap().len(), 6);
        assert_eq!(server.answer("next_batch", &json!({}))["batch"]["id"], "01.01");
    }
}

#[test]
fn a_client_of_an_unknown_future_is_offered_a_version_that_exists() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.start();
    let answer = server.request("initialize", &initialize("2099-01-01"));
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
}

#[test]
fn a_modern_client_discovers_and_calls_without_a_session() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.start();
    let discovered = server.request("server/discover", &json!({"_meta": modern_meta()}));
    let versions = discovered["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{discovered}");
    let listed = server.request("tools/list", &json!({"_meta": modern_meta()}));
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 6, "{listed}");
    let called = server.request("tools/call", &json!({"name": "next_batch", "arguments": {}, "_meta": modern_meta()}));
    assert_eq!(called["result"]["resultType"], "complete", "{called}");
    assert_eq!(called["result"]["structuredContent"]["dispatch"], json!(["01.01.01", "01.01.02"]));
}

#[test]
fn a_client_that_gives_up_probing_may_still_initialize() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.start();
    server.notify("notifications/cancelled", &json!({"requestId": 0, "reason": "timed out"}));
    server.notify("notifications/vendor/hello", &json!({}));
    let probed = server.request("server/discover", &json!({}));
    assert_eq!(probed["error"]["code"], -32602, "{probed}");
    server.notify("notifications/cancelled", &json!({"requestId": 1}));
    let answer = server.request("initialize", &initialize("2025-11-25"));
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
}

#[test]
fn a_modern_answer_says_how_long_it_keeps_and_who_gave_it() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.start();
    let mut kept = |method: &str, params: Value| {
        let mut params = params;
        params["_meta"] = modern_meta();
        let answer = server.request(method, &params);
        let result = &answer["result"];
        assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "work", "{answer}");
        assert_eq!(result["resultType"], "complete", "{answer}");
        json!([result["ttlMs"], result["cacheScope"]])
    };
    let uri = "work://001-search/plan.md";
    for (method, params, expected) in [
        ("server/discover", json!({}), json!([3_600_000, "public"])),
        ("tools/list", json!({}), json!([3_600_000, "public"])),
        ("prompts/list", json!({}), json!([3_600_000, "public"])),
        ("resources/templates/list", json!({}), json!([3_600_000, "public"])),
        ("resources/list", json!({}), json!([0, "private"])),
        ("resources/read", json!({"uri": uri}), json!([0, "private"])),
        ("tools/call", json!({"name": "workstream_status"}), json!([null, null])),
        ("tools/call", json!({"name": "read_thread", "arguments": {"thread_id": "9.9.9"}}), json!([null, null])),
        ("prompts/get", json!({"name": "execute-next-batch"}), json!([null, null])),
    ] {
        assert_eq!(kept(method, params), expected, "{method}");
    }
    // A legacy client gets none of it: every session pays for these tokens (DESIGN §13.3).
    let mut legacy = workspace.serve();
    for (method, params) in [
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/read", json!({"uri": uri})),
        ("tools/call", json!({"name": "workstream_status"})),
    ] {
        let answer = legacy.request(method, &params);
        let text = answer.to_string();
        for modern in ["ttlMs", "cacheScope", "resultType", "serverInfo"] {
            assert!(!text.contains(modern), "{method} has {modern}");
        }
    }
}

#[test]
fn a_modern_request_must_say_which_era_it_is_of() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.start();
    let mut future = modern_meta();
    future["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let answer = server.request("tools/list", &json!({"_meta": future}));
    assert_eq!(answer["error"]["code"], json!(-32022), "{answer}");
    assert_eq!(answer["error"]["data"]["requested"], "2099-01-01", "{answer}");
    assert!(answer["error"]["data"]["supported"].as_array().unwrap().contains(&json!("2026-07-28")), "{answer}");
    let mut half = modern_meta();
    half.as_object_mut().unwrap().remove("io.modelcontextprotocol/clientCapabilities");
    let answer = server.request("tools/list", &json!({"_meta": half}));
    assert_eq!(answer["error"]["code"], json!(-32602), "{answer}");
    let listed = server.request("tools/list", &json!({"_meta": modern_meta()}));
    assert!(listed["result"]["tools"].is_array(), "{listed}");
    for removed in ["ping", "initialize", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"] {
        let answer = server.request(removed, &json!({"uri": "x", "level": "info", "_meta": modern_meta()}));
        assert_eq!(answer["error"]["code"], json!(-32601), "{removed}: {answer}");
        let bare = server.request(removed, &json!({"_meta": modern_meta()}));
        assert_eq!(bare["error"]["code"], json!(-32601), "{removed}: {bare}");
    }
}

#[test]
fn lists_are_the_same_for_everybody() {
    let workspace = Workspace::with_plan(PLAN);
    for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        let list = || workspace.serve().request(method, &json!({}))["result"].to_string();
        assert_eq!(list(), list(), "{method}");
    }
}

/// OpenCode sends this after every answer (DESIGN §13.6).
#[test]
fn a_call_that_was_answered_cannot_be_cancelled() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    for (number, thread) in ["1.1.1", "1.1.2"].iter().enumerate() {
        let done = json!({"thread_id": thread, "status": "completed", "report": "done"});
        let id = server.send("tools/call", &json!({"name": "update_thread", "arguments": done}));
        assert_eq!(server.receive()["id"], json!(id));
        let reason = "AbortError: The operation was aborted.";
        server.notify("notifications/cancelled", &json!({"requestId": id, "reason": reason}));
        assert_eq!(workspace.threads()["threads"][number]["status"], "completed");
    }
    assert_eq!(server.answer("batch_outcome", &json!({}))["batch_completion_status"], "completed");
}

#[test]
fn a_call_that_waits_tells_so_and_can_be_cancelled() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.work(&["assign", "--thread", "1.1.2", "--agent", "ann"]);
    let lock = std::fs::File::open(workspace.root().join("work/.run/lock")).unwrap();
    lock.lock().unwrap();
    let mut server = workspace.serve();
    let done = json!({"thread_id": "1.1.1", "status": "completed", "report": "done"});
    let params = json!({"name": "update_thread", "arguments": done, "_meta": {"progressToken": "t"}});
    let id = server.send("tools/call", &params);
    let progress = server.receive();
    assert_eq!(
        (&progress["method"], &progress["params"]["progressToken"]),
        (&json!("notifications/progress"), &json!("t"))
    );
    server.notify("notifications/cancelled", &json!({"requestId": id, "reason": "enough"}));
    // The server has read the cancellation when it answers the request behind it.
    assert_eq!(server.request("ping", &json!({}))["result"], json!({}));
    drop(lock);
    let other = json!({"thread_id": "1.1.2", "status": "completed", "report": "done"});
    assert_eq!(server.answer("update_thread", &other)["status"], "completed");
    let status = server.answer("read_thread", &json!({"thread_id": "1.1.1"}))["status"].clone();
    assert_eq!(status, "pending", "what was cancelled was not written");
    assert_eq!(server.end(), (0, String::new()), "and not answered");
}
