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
