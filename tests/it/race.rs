//! Several processes on one workspace lose nothing.

use std::thread;

use serde_json::json;
use workstream::decide::MAX_REPORT_CHARS;

use crate::support::{Server, Workspace};

const PROCESSES: usize = 4;
const UPDATES: usize = 25;

fn plan(threads: usize) -> String {
    let headings: Vec<String> = (1..=threads).map(|number| format!("###### Thread {number}: T{number}\n")).collect();
    let headings = headings.concat();
    format!("# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n{headings}")
}

#[test]
fn four_processes_of_twenty_five_updates_each_are_all_kept() {
    let workspace = Workspace::with_plan(&plan(PROCESSES * UPDATES));
    let servers: Vec<Server> = (0..PROCESSES).map(|_| workspace.serve()).collect();
    thread::scope(|scope| {
        for (process, mut server) in servers.into_iter().enumerate() {
            scope.spawn(move || {
                for update in 0..UPDATES {
                    let id = format!("1.1.{}", process * UPDATES + update + 1);
                    let report = format!("process {process}, update {update}");
                    server.answer("update_thread", &json!({"thread_id": id, "status": "completed", "report": report}));
                }
            });
        }
    });
    let state = workspace.threads();
    let threads = state["threads"].as_array().unwrap();
    assert_eq!(threads.len(), PROCESSES * UPDATES);
    for (at, thread) in threads.iter().enumerate() {
        let report = format!("process {}, update {}", at / UPDATES, at % UPDATES);
        assert_eq!((&thread["status"], &thread["report"]), (&json!("completed"), &json!(report)));
    }
    let strays: Vec<String> = std::fs::read_dir(workspace.root().join("work/001-search"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "PLAN.md" && name != "threads.json")
        .collect();
    assert_eq!(strays, Vec::<String>::new());
}

#[test]
fn of_many_who_want_one_thread_one_gets_it() {
    let workspace = Workspace::with_plan(&plan(1));
    let servers: Vec<Server> = (0..PROCESSES).map(|_| workspace.serve()).collect();
    let answers: Vec<String> = thread::scope(|scope| {
        let calls: Vec<_> = servers
            .into_iter()
            .map(|mut server| {
                // The server lives on until all have asked: a dead one's attempt would be free again.
                scope.spawn(move || {
                    let text = server.call("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
                    (text, server)
                })
            })
            .collect();
        let done: Vec<(String, Server)> = calls.into_iter().map(|call| call.join().unwrap()).collect();
        done.into_iter().map(|(text, _)| text).collect()
    });
    let refused = answers.iter().filter(|answer| answer.starts_with("error already_running")).count();
    assert_eq!(refused, PROCESSES - 1, "{answers:?}");
    assert_eq!(workspace.threads()["threads"][0]["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn the_command_line_and_a_server_share_the_state() {
    let workspace = Workspace::with_plan(&plan(2 * UPDATES));
    let mut server = workspace.serve();
    thread::scope(|scope| {
        let workspace = &workspace;
        scope.spawn(move || {
            for update in 1..=UPDATES {
                let id = update.to_string();
                let seen = workspace.work(&[
                    "update",
                    "--thread",
                    &format!("1.1.{id}"),
                    "--status",
                    "completed",
                    "--report",
                    "by hand",
                ]);
                assert!(seen.starts_with("exit 0"), "{seen}");
            }
        });
        for update in UPDATES + 1..=2 * UPDATES {
            let id = format!("1.1.{update}");
            let report = "x".repeat(MAX_REPORT_CHARS);
            server.answer("update_thread", &json!({"thread_id": id, "status": "completed", "report": report}));
        }
    });
    let state = workspace.threads();
    let done = state["threads"].as_array().unwrap().iter().filter(|thread| thread["status"] == "completed").count();
    assert_eq!(done, 2 * UPDATES);
}
