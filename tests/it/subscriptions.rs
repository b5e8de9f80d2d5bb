//! Subscriptions to resources: they fire when something changes, whichever process changed it.

use serde_json::{Value, json};

use crate::eras::modern_meta;
use crate::support::{PLAN, Server, Workspace};

const THREAD: &str = "work://001-search/threads/01.01.01.md";
const BATCH: &str = "work://001-search/batches/01.01.md";
const PLAN_TEXT: &str = "work://001-search/plan.md";

fn subscribe(server: &mut Server, uri: &str) {
    let answer = server.request("resources/subscribe", &json!({"uri": uri}));
    assert_eq!(answer["result"], json!({}), "{answer}");
}

/// Returns the resources that the next notifications name.
fn updated(server: &mut Server, number: usize) -> Vec<String> {
    let mut uris: Vec<String> = (0..number)
        .map(|_| {
            let message = server.receive();
            assert_eq!(message["method"], "notifications/resources/updated", "{message}");
            message["params"]["uri"].as_str().unwrap().to_owned()
        })
        .collect();
    uris.sort();
    uris
}

#[test]
fn a_legacy_client_is_told_of_changes_by_whomever() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    for uri in [THREAD, BATCH, PLAN_TEXT] {
        subscribe(&mut server, uri);
    }
    // Another process changes something.
    workspace.work(&["update", "--thread", "1.1.1", "--status", "in_progress"]);
    assert_eq!(updated(&mut server, 2), [BATCH, THREAD]);
    // A person edits the plan.
    workspace.write("work/001-search/PLAN.md.new", PLAN.replace("Define the schema.", "Define all tables."));
    let plan = workspace.root().join("work/001-search/PLAN.md");
    std::fs::rename(plan.with_extension("md.new"), &plan).unwrap();
    assert_eq!(updated(&mut server, 3), [BATCH, PLAN_TEXT, THREAD]);
    // Another server is killed, so its thread becomes pending.
    let mut other = workspace.serve();
    let adopted = json!({"thread_id": "1.1.1", "status": "in_progress"});
    other.answer("update_thread", &adopted);
    other.kill();
    assert_eq!(updated(&mut server, 2), [BATCH, THREAD]);
    // No notification comes after `unsubscribe`, or for a resource that does not change.
    assert_eq!(server.request("resources/unsubscribe", &json!({"uri": BATCH}))["result"], json!({}));
    workspace.work(&["update", "--thread", "1.1.1", "--status", "completed", "--report", "done"]);
    assert_eq!(updated(&mut server, 1), [THREAD]);
    let pong = server.request("ping", &json!({}));
    assert_eq!(pong["result"], json!({}), "and nothing else came");
    let refused = server.request("resources/subscribe", &json!({"uri": "work://001-search/threads/09.09.09.md"}));
    assert_eq!(refused["error"]["code"], json!(-32002), "{refused}");
    assert_eq!(server.end(), (0, String::new()));
}

#[test]
fn a_modern_client_listens() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.start();
    let params = json!({"notifications": {"resourceSubscriptions": [THREAD, BATCH]}, "_meta": modern_meta()});
    let id = server.send("subscriptions/listen", &params);
    let acknowledged = server.receive();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged", "{acknowledged}");
    workspace.work(&["update", "--thread", "1.1.1", "--status", "completed", "--report", "done"]);
    let mut told = std::collections::BTreeSet::new();
    while told.len() < 2 {
        let message = server.receive();
        assert_eq!(message["method"], "notifications/resources/updated", "{message}");
        assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], json!(id), "{message}");
        told.insert(message["params"]["uri"].as_str().unwrap().to_owned());
    }
    assert_eq!(told.iter().map(String::as_str).collect::<Vec<_>>(), [BATCH, THREAD]);
    // The server still answers, and the end of its input ends it at once, with exit code 0.
    let id_of_list = server.send("tools/list", &json!({"_meta": modern_meta()}));
    let listed = loop {
        let message = server.receive();
        if message["id"] == json!(id_of_list) {
            break message;
        }
    };
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 6);
    let (code, rest) = server.end();
    let last = rest.lines().last().unwrap_or_default();
    let last: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {rest:?}"));
    assert_eq!((code, &last["id"], &last["result"]["resultType"]), (0, &json!(id), &json!("complete")), "{last}");
}

#[test]
fn what_comes_back_in_the_place_of_the_whole_folder_is_told() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    subscribe(&mut server, PLAN_TEXT);
    let (work, away) = (workspace.root().join("work"), workspace.root().join("away"));
    // This is what git does when it checks out a branch without the workstream, and then the first branch again.
    for _ in 0..2 {
        std::fs::rename(&work, &away).unwrap();
        assert_eq!(updated(&mut server, 1), [PLAN_TEXT]);
        std::fs::rename(&away, &work).unwrap();
        assert_eq!(updated(&mut server, 1), [PLAN_TEXT]);
    }
    workspace.write("work/001-search/PLAN.md", PLAN.replace("Define the schema.", "Define all tables."));
    assert_eq!(updated(&mut server, 1), [PLAN_TEXT]);
}

#[test]
fn many_changes_at_once_are_few_notifications() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    subscribe(&mut server, BATCH);
    let mut worker = workspace.serve();
    worker.answer("next_batch", &json!({}));
    for number in 0..50 {
        let step =
            json!({"thread_id": "1.1.1", "status": "in_progress", "attempt": 1, "report": format!("step {number}")});
        worker.answer("update_thread", &step);
    }
    let read = |server: &mut Server| {
        let id = server.send("resources/read", &json!({"uri": BATCH}));
        let mut notifications = 0;
        loop {
            let message = server.receive();
            if message["id"] == json!(id) {
                return (notifications, message["result"]["contents"][0]["text"].to_string());
            }
            notifications += 1;
        }
    };
    let mut all = 0;
    loop {
        let (notifications, text) = read(&mut server);
        all += notifications;
        if text.contains("step 49") && all > 0 {
            break;
        }
    }
    assert!(all < 50, "{all} notifications of 51 changes");
}
