//! Ten thousand calls, and a client that does not read.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::support::{PLAN, Workspace};

const CALLS: usize = 10_000;

/// Returns the peak memory of the process, in MiB.
#[cfg(target_os = "linux")]
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_does_not_read_fills_its_pipe_and_not_the_memory() {
    let workspace = Workspace::with_plan(PLAN);
    for method in ["tools/list", "no/such/method", "tools/call"] {
        let mut server = workspace.serve();
        let pid = server.child.id();
        let mut input = server.take_input();
        let params =
            if method == "tools/call" { json!({"name": "workstream_status", "arguments": {}}) } else { json!({}) };
        let lines: String = (1..=CALLS)
            .map(|id| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string() + "\n")
            .collect();
        let sending = std::thread::spawn(move || {
            input.write_all(lines.as_bytes()).unwrap();
            input
        });
        // Wait until the server uses no more CPU time: backpressure has stopped it.
        let mut last = (0, 0);
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(100));
            let ticks = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            let ticks: u64 = ticks.split(' ').skip(13).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
            if last.0 == ticks && last.1 >= 2 {
                break;
            }
            last = (ticks, if last.0 == ticks { last.1 + 1 } else { 0 });
        }
        assert!(peak(pid) < 96, "{method}: {} MiB", peak(pid));
        let mut seen = vec![false; CALLS + 1];
        for _ in 0..CALLS {
            let id = usize::try_from(server.receive()["id"].as_u64().unwrap()).unwrap();
            assert!(!std::mem::replace(&mut seen[id], true), "{method}: two answers to {id}");
        }
        drop(sending.join().unwrap());
        assert_eq!(server.end(), (0, String::new()));
    }
}

/// A client that never reads must not keep the process alive.
#[test]
fn the_end_of_the_input_ends_a_server_whose_answers_nobody_reads() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    for _ in 0..200 {
        server.send("tools/list", &json!({}));
    }
    drop(server.take_input());
    server.child.wait().unwrap();
}
