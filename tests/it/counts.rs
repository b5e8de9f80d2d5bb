//! The costs of a call that do not depend on the machine: system calls, syncs, allocations and bytes.

use allocation_counter::measure;
use serde_json::{Value, json};
use workstream::board::ServerId;
use workstream::clock::SystemClock;
use workstream::decide::AgentRequest;
use workstream::store::{FileStore, WorkspaceLocation};
use workstream::transact::{AgentDoor, Ask};

use crate::support::{Server, Workspace, cannot_be_traced, comes_to_be_traced};

fn plan(threads: usize) -> String {
    let headings: Vec<String> = (1..=threads)
        .map(|n| format!("###### Thread {n}: Part {n} @agent:system-engineer-codex\n**Summary:** Define part {n} and its migrations.\n"))
        .collect();
    format!(
        "# Plan: P\n## Stages\n### Stage 1: Index\n##### Batch 1: Storage\nHow it is stored.\n{}",
        headings.concat()
    )
}

#[test]
fn answers_stay_small() {
    // 350 tokens for three threads and 40 for an update; a token has some four bytes here.
    let workspace = Workspace::with_plan(&plan(3));
    let mut server = workspace.serve();
    let next = server.call("next_batch", &json!({}));
    assert!(next.len() <= 1_100, "{} bytes: {next}", next.len());
    let update = |said: &str| json!({"thread_id": "1.1.1", "status": said, "report": "r", "transient": true});
    for said in ["failed", "completed"] {
        let answer = server.call("update_thread", &update(said));
        assert!(answer.len() <= 160, "{} bytes: {answer}", answer.len());
    }
}

/// Calls `work` under strace, and returns the names of the server's system calls. `None`: strace cannot attach.
#[cfg(target_os = "linux")]
fn counted(server: &mut Server, folder: &std::path::Path, work: impl FnOnce(&mut Server)) -> Option<Vec<String>> {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    let log = folder.join("strace.txt");
    let pid = server.child.id().to_string();
    let mut strace = Command::new("strace")
        .args(["-f", "-qq", "-o", log.to_str().unwrap(), "-p", &pid])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    if !comes_to_be_traced(server, &mut strace) {
        return None;
    }
    work(server);
    std::thread::sleep(Duration::from_millis(50));
    let _ = Command::new("kill").args(["-s", "INT", &strace.id().to_string()]).status();
    let _ = strace.wait();
    let text = std::fs::read_to_string(log).ok()?;
    let calls = text.lines().filter(|line| !line.contains("resumed>")).filter_map(|line| {
        let call = line.split_whitespace().nth(1)?;
        Some(call.split('(').next()?.to_owned())
    });
    // A wait that the attaching of strace interrupted goes on by this call.
    Some(calls.filter(|call| call != "restart_syscall").collect())
}

#[test]
fn a_read_allocates_no_more_among_many_threads() {
    let allocated = |batches: usize| {
        let heads: Vec<String> = (2..=batches)
            .map(|n| format!("##### Batch {n}: Later\n###### Thread 1: Part {n} @agent:default\n**Summary:** Later.\n"))
            .collect();
        let workspace = Workspace::with_plan(&(plan(3) + &heads.concat()));
        let place = WorkspaceLocation { root: Some(workspace.root().to_owned()), ..WorkspaceLocation::default() };
        let server = ServerId::fixed(1);
        let door = AgentDoor::new(Box::new(FileStore::new(place, Some(server))), Box::new(SystemClock), server);
        let next_batch = || door.ask(Ask::new(None, AgentRequest::NextBatch)).unwrap();
        next_batch();
        // The parse cache trusts the times of a file only when the file is a little old.
        std::thread::sleep(std::time::Duration::from_millis(60));
        next_batch();
        measure(|| drop(next_batch())).count_total
    };
    let (few, many) = (allocated(2), allocated(900));
    assert!(few <= 150, "{few} allocations");
    assert!(many <= few + 10, "{many} allocations among 900 batches, {few} among 2");
}

#[cfg(target_os = "linux")]
#[test]
fn a_call_takes_few_system_calls_and_a_commit_two_syncs() {
    let workspace = Workspace::with_plan(&plan(100));
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let update = |n: usize| json!({"thread_id": format!("1.1.{n}"), "status": "completed", "report": "r"});
    server.answer("update_thread", &update(1));
    std::thread::sleep(std::time::Duration::from_millis(60));
    server.answer("next_batch", &json!({}));
    let folder = tempfile::tempdir().unwrap();
    // A loaded machine adds system calls, such as those of waits. So this takes the smallest of several counts.
    let mut least = |work: &dyn Fn(&mut Server)| {
        (0..4).filter_map(|_| counted(&mut server, folder.path(), work)).min_by_key(Vec::len)
    };
    let Some(read) = least(&|server| drop(server.answer("next_batch", &json!({})))) else {
        cannot_be_traced();
        return;
    };
    let number = |calls: &[String], name: &str| calls.iter().filter(|call| *call == name).count();
    // They include the search for a git worktree and the check of what this process holds. About six pass the call to a
    // thread that may block, and the answer back.
    assert!(read.len() <= 44, "{} system calls to read: {read:?}", read.len());
    assert_eq!(number(&read, "fsync") + number(&read, "flock"), 0, "reading takes no lock: {read:?}");
    let rounds = std::cell::Cell::new(2);
    let written = least(&|server| {
        rounds.set(rounds.get() + 1);
        server.answer("update_thread", &update(rounds.get()));
    });
    let written = written.unwrap();
    assert!(written.len() <= 74, "{} system calls to write: {written:?}", written.len());
    assert_eq!(number(&written, "fsync"), 2, "{written:?}");
    // A hundred calls at once share commits (group commit).
    let together = counted(&mut server, folder.path(), |server| {
        for n in 1..=100 {
            let arguments = json!({"thread_id": format!("1.1.{n}"), "status": "completed", "report": "together"});
            server.send("tools/call", &json!({"name": "update_thread", "arguments": arguments}));
        }
        for _ in 1..=100 {
            let answer: Value = server.receive();
            assert_ne!(answer["result"]["isError"], json!(true), "{answer}");
        }
    })
    .unwrap();
    let syncs = number(&together, "fsync");
    assert!(syncs <= 60, "{syncs} syncs for a hundred calls at once");
    let state = workspace.threads();
    assert!(state["threads"].as_array().unwrap().iter().all(|thread| thread["report"] == "together"));
}
