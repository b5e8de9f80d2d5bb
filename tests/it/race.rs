//! Several processes on one workspace lose nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

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
                // The server lives until all have asked. Else its attempt would be interrupted, and another one could
                // start.
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
fn of_many_planners_one_gets_the_batch_and_when_it_dies_another_one() {
    let workspace = Workspace::with_plan(&plan(3));
    let mut servers: Vec<Server> = (0..PROCESSES).map(|_| workspace.serve()).collect();
    while !servers.is_empty() {
        let calls: Vec<(Server, serde_json::Value)> = thread::scope(|scope| {
            let calls: Vec<_> = servers
                .drain(..)
                .map(|mut server| {
                    scope.spawn(move || {
                        let next = server.answer("next_batch", &json!({}));
                        (server, next)
                    })
                })
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let got = |next: &serde_json::Value| next["dispatch"] == json!(["01.01.01", "01.01.02", "01.01.03"]);
        assert_eq!(calls.iter().filter(|(_, next)| got(next)).count(), 1, "{calls:?}");
        for (server, next) in calls {
            if got(&next) {
                server.kill();
            } else {
                assert_eq!((&next["dispatch"], next["held_by"].is_string()), (&json!([]), true));
                servers.push(server);
            }
        }
    }
}

/// Counts down when it is dropped.
struct Over<'c>(&'c AtomicUsize);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs servers and commands of people at once, while an editor saves PLAN.md again and again.
#[test]
fn eight_processes_and_an_editor_lose_nothing_and_wait_in_turn() {
    const SERVERS: usize = 5;
    const PEOPLE: usize = 3;
    const UPDATES: usize = 100;
    let text = plan((SERVERS + PEOPLE) * UPDATES);
    let workspace = Workspace::with_plan(&text);
    let servers: Vec<Server> = (0..SERVERS).map(|_| workspace.serve()).collect();
    let path = workspace.root().join("work/001-search/PLAN.md");
    let left = AtomicUsize::new(SERVERS + PEOPLE);
    // The lane of each acknowledged update, in order.
    let turns: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let (workspace, left, turns, text) = (&workspace, &left, &turns, &text);
        // Dropped also if the lane panics, so that the other loops end.
        let lane_over = || Over(left);
        for (lane, mut server) in servers.into_iter().enumerate() {
            let over = lane_over();
            scope.spawn(move || {
                let _over = over;
                for update in 0..UPDATES {
                    let id = format!("1.1.{}", lane * UPDATES + update + 1);
                    if update % 10 == 0 {
                        server.answer("update_thread", &json!({"thread_id": id, "status": "in_progress"}));
                    }
                    let report = format!("server {lane}, update {update}");
                    server.answer("update_thread", &json!({"thread_id": id, "status": "completed", "report": report}));
                    turns.lock().unwrap().push(lane);
                }
            });
        }
        for lane in SERVERS..SERVERS + PEOPLE {
            let over = lane_over();
            scope.spawn(move || {
                let _over = over;
                for update in 0..UPDATES {
                    let id = format!("1.1.{}", lane * UPDATES + update + 1);
                    let report = format!("person {lane}, update {update}");
                    let line = ["update", "--thread", &id, "--status", "completed", "--report", &report];
                    let seen = workspace.work(&line);
                    assert!(seen.starts_with("exit 0"), "{seen}");
                    turns.lock().unwrap().push(lane);
                }
            });
        }
        scope.spawn(move || {
            // Some editors rename a new file over the old one, others empty it and write.
            let aside = path.with_extension("swp");
            for save in 0_u32.. {
                if left.load(Ordering::Relaxed) == 0 {
                    break;
                }
                let text = format!("{text}\nsaved {save} times\n");
                if save % 2 == 0 {
                    std::fs::write(&aside, text).unwrap();
                    std::fs::rename(&aside, &path).unwrap();
                } else {
                    std::fs::write(&path, text).unwrap();
                }
                thread::sleep(Duration::from_millis(100));
            }
        });
    });
    let state = workspace.threads();
    let threads = state["threads"].as_array().unwrap();
    assert_eq!(threads.len(), (SERVERS + PEOPLE) * UPDATES);
    for (at, thread) in threads.iter().enumerate() {
        let (lane, update) = (at / UPDATES, at % UPDATES);
        let who = if lane < SERVERS { "server" } else { "person" };
        let report = format!("{who} {lane}, update {update}");
        assert_eq!((&thread["status"], &thread["report"]), (&json!("completed"), &json!(report)));
        let running = thread["sessions"].as_array().unwrap().iter().filter(|session| session["status"] == "running");
        assert_eq!(running.count(), 0, "{thread}");
    }
    // Fairness: when the first server has finished, every other one has had at least half of its updates.
    let turns = turns.into_inner().unwrap();
    let had = |lane: usize, until: usize| turns[..until].iter().filter(|turn| **turn == lane).count();
    let first = (1..=turns.len()).find(|until| (0..SERVERS).any(|lane| had(lane, *until) == UPDATES)).unwrap();
    let shares: Vec<usize> = (0..SERVERS).map(|lane| had(lane, first)).collect();
    println!("{shares:?}");
    assert!(shares.iter().all(|share| *share >= UPDATES / 2), "{shares:?}");
}
