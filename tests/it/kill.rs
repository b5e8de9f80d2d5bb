//! SIGKILL at random instants under load. Every acknowledged change must be there, and every file must be readable.
//!
//! `WORK_KILL_ROUNDS` sets the number of rounds, 300 by default. A failure names its seed; `WORK_KILL_SEED` repeats it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::{Server, Workspace};

const SERVERS: usize = 2;
const THREADS: usize = 12;

/// A small generator of random numbers.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn id(server: usize, thread: usize) -> String {
    format!("01.01.{:02}", server * THREADS + thread + 1)
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_instant() {
    let rounds = from_environment("WORK_KILL_ROUNDS").unwrap_or(300);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = from_environment("WORK_KILL_SEED").unwrap_or(u64::from(now.subsec_nanos()));
    let mut chance = Chance(seed);
    let headings: Vec<String> = (1..=SERVERS * THREADS).map(|n| format!("###### Thread {n}: T{n}\n")).collect();
    let workspace =
        Workspace::with_plan(&format!("# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n{}", headings.concat()));
    let mut reports: BTreeMap<String, String> = BTreeMap::new();
    let mut cut_in_the_middle = 0;
    let mut acknowledged_in_all = 0;
    for round in 0..rounds {
        let mut servers: Vec<Server> = (0..SERVERS).map(|_| workspace.serve()).collect();
        let report = format!("round {round}");
        let mut sent: BTreeMap<(usize, u64), String> = BTreeMap::new();
        for (at, server) in servers.iter_mut().enumerate() {
            for thread in 0..THREADS {
                let arguments = json!({"thread_id": id(at, thread), "status": "completed", "report": report});
                let call = server.send("tools/call", &json!({"name": "update_thread", "arguments": arguments}));
                sent.insert((at, call), id(at, thread));
            }
        }
        // Each server dies a random time after a random one of its answers.
        let mut acknowledged: Vec<String> = Vec::new();
        for (at, mut server) in servers.into_iter().enumerate() {
            let mut answers: Vec<Value> = Vec::new();
            for _ in 0..chance.below(THREADS as u64) {
                answers.push(server.receive());
            }
            std::thread::sleep(Duration::from_micros(chance.below(3_000)));
            answers.extend(server.kill_and_hear());
            if (1..THREADS).contains(&answers.len()) {
                cut_in_the_middle += 1;
            }
            for answer in answers {
                assert!(answer["result"]["isError"] != json!(true), "seed {seed}, round {round}: {answer}");
                acknowledged.push(sent[&(at, answer["id"].as_u64().unwrap())].clone());
            }
        }
        let state = workspace.threads();
        let now: BTreeMap<String, String> = state["threads"]
            .as_array()
            .unwrap()
            .iter()
            .map(|thread| (thread["threadId"].as_str().unwrap().into(), thread["report"].as_str().unwrap().into()))
            .collect();
        for id in &acknowledged {
            assert_eq!(now.get(id), Some(&report), "seed {seed}, round {round}: {id} was acknowledged and is lost");
        }
        for (id, text) in &now {
            let is_new = *text == report;
            assert!(is_new || reports.get(id) == Some(text), "seed {seed}, round {round}: {id} says {text:?}");
        }
        assert!(reports.keys().all(|id| now.contains_key(id)), "seed {seed}, round {round}: a thread is gone");
        acknowledged_in_all += acknowledged.len();
        reports = now;
        let strays = files(&workspace, "work/001-search");
        let known = ["PLAN.md", "threads.json", ".threads.json.tmp"];
        assert!(strays.iter().all(|name| known.contains(&name.as_str())), "seed {seed}, round {round}: {strays:?}");
    }
    // The next writer removes the temporary files of the servers that died last.
    let report = "the end";
    workspace.serve().answer("update_thread", &json!({"thread_id": "1.1.1", "status": "completed", "report": report}));
    assert!(!files(&workspace, "work/001-search").contains(&".threads.json.tmp".to_owned()), "seed {seed}");
    let run = files(&workspace, "work/.run");
    assert!(run.len() <= 2 + SERVERS, "seed {seed}: they pile up: {run:?}");
    // The test shows something only if it hits commits. The bound is low, because a loaded machine hits them less
    // often.
    println!(
        "seed {seed}: {rounds} rounds, {acknowledged_in_all} acknowledged and kept, {cut_in_the_middle} servers cut in the middle"
    );
    assert!(cut_in_the_middle * 10 >= rounds, "only {cut_in_the_middle} of {rounds} rounds hit the middle");
}

fn files(workspace: &Workspace, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(workspace.root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
