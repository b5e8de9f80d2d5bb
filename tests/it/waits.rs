//! Obstacles: a lock that is held, a disk that hangs, a stderr that nobody reads, a clean-up of files. The protocol
//! goes on, and no acknowledged change is lost. (`postgres` has the tests of a database that hangs.)

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::postgres_server::skipped;
use crate::support::{PLAN, PROGRAM, Server, Workspace, cannot_be_traced, comes_to_be_traced};

/// The bound for what must happen at once: far more than a loaded machine needs, and less than any wait of the program.
const SOON: Duration = Duration::from_secs(4);

/// Sends a ping while the call `id` waits, then ends the server. Neither may wait for the call.
fn goes_on_and_ends(mut server: Server, id: u64, what: &str) {
    goes_on(&mut server, id, what);
    ends(server, what);
}

fn goes_on(server: &mut Server, id: u64, what: &str) {
    let begun = Instant::now();
    let ping = server.send("ping", &json!({}));
    let first = server.receive();
    assert_eq!((&first["id"], &first["result"]), (&json!(ping), &json!({})), "{what}: the call is {id}: {first}");
    let answered = begun.elapsed();
    assert!(answered < SOON, "{what}: ping after {answered:?}");
}

fn ends(mut server: Server, what: &str) {
    let begun = Instant::now();
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    let code = server.child.wait().unwrap().code();
    let ended = begun.elapsed();
    assert!(code == Some(0) && ended < SOON, "{what}: SIGTERM: {code:?} after {ended:?}");
}

fn begin(server: &mut Server, tool: &str, arguments: &Value) -> u64 {
    let id = server.send("tools/call", &json!({"name": tool, "arguments": arguments}));
    // Give the call the time to reach its wait.
    thread::sleep(Duration::from_millis(200));
    id
}

#[test]
fn a_lock_that_stands_still_stops_no_protocol() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.serve().answer("next_batch", &json!({}));
    let lock = std::fs::File::open(workspace.root().join("work/.run/lock")).unwrap();
    lock.lock().unwrap();
    let mut server = workspace.serve();
    let id = begin(&mut server, "update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    goes_on_and_ends(server, id, "a lock, a call that writes");
    // The journal of a process that is stopped in the middle of a commit: readers wait for the end of that commit.
    workspace.write("work/.run/journal.json", r#"{"files":[]}"#);
    let mut server = workspace.serve();
    let id = begin(&mut server, "read_thread", &json!({"thread_id": "1.1.1"}));
    goes_on_and_ends(server, id, "a lock and a journal, a call that reads");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_stands_still_stops_no_protocol() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    // Every system call on agents.yaml takes 20 seconds, as on a disk that hangs.
    let path = workspace.root().join("work/agents.yaml");
    let Some(strace) = strace(&server, &["-P", path.to_str().unwrap(), "-e", "inject=all:delay_enter=20000000"]) else {
        cannot_be_traced();
        return;
    };
    let id = begin(&mut server, "read_thread", &json!({"thread_id": "1.1.1"}));
    goes_on(&mut server, id, "a disk");
    // A traced process cannot end while strace delays it.
    drop(strace);
    ends(server, "a disk");
}

/// A running strace. Dropping it ends it.
struct Strace(Child);

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Attaches strace to a server. `None`: it cannot attach.
fn strace(server: &Server, how: &[&str]) -> Option<Strace> {
    let pid = server.child.id().to_string();
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null"]).args(how).args(["-p", &pid]);
    let mut strace = Strace(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?);
    if !comes_to_be_traced(server, &mut strace.0) {
        return None;
    }
    Some(strace)
}

#[test]
fn stderr_that_nobody_reads_or_that_is_closed_stops_no_protocol() {
    let workspace = Workspace::with_plan(PLAN);
    for is_closed in [false, true] {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut server = workspace.serve_to(writer);
        if is_closed {
            drop(reader);
        } else {
            // Full, before anything is said.
            for _ in 0..600 {
                let refused = server.request("tools/call", &json!({"name": "no_such_tool"}));
                assert_eq!(refused["error"]["code"], -32602, "{refused}");
            }
            server.answer("next_batch", &json!({}));
            goes_on_and_ends(server, 0, "stderr that nobody reads");
            let mut said = String::new();
            reader.read_to_string(&mut said).unwrap();
            assert!(said.contains("no_such_tool"), "{said:.300}");
            continue;
        }
        workspace.write("work/001-search/threads.json", "{");
        for _ in 0..50 {
            assert!(server.call("workstream_status", &json!({})).starts_with("error state_unreadable"));
        }
        std::fs::remove_file(workspace.root().join("work/001-search/threads.json")).unwrap();
        server.answer("workstream_status", &json!({}));
        goes_on_and_ends(server, 0, "stderr that is closed");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_wait_that_runs_out_says_so_and_leaves_no_thread_and_no_file_behind() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let lock = std::fs::File::open(workspace.root().join("work/.run/lock")).unwrap();
    lock.lock().unwrap();
    let pid = server.child.id();
    let counts = || {
        let number = |of: &str| std::fs::read_dir(format!("/proc/{pid}/{of}")).unwrap().count();
        (number("task"), number("fd"))
    };
    let before = counts();
    let update = json!({"thread_id": "1.1.1", "status": "in_progress"});
    let begun = Instant::now();
    let waiting: Vec<u64> =
        (0..3).map(|_| server.send("tools/call", &json!({"name": "update_thread", "arguments": update}))).collect();
    for _ in &waiting {
        let answer = server.receive();
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("error busy: "), "{text}");
    }
    // The calls waited at the same time, not one after another.
    assert!(begun.elapsed() < Duration::from_secs(16), "{:?}", begun.elapsed());
    let after = counts();
    assert!(after.0 <= before.0 + 1 && after.1 <= before.1, "threads and files: {before:?} before, {after:?} after");
    drop(lock);
    server.answer("update_thread", &update);
}

#[test]
fn calls_that_read_wait_together_however_many_there_are() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let lock = std::fs::File::open(workspace.root().join("work/.run/lock")).unwrap();
    lock.lock().unwrap();
    workspace.write("work/.run/journal.json", r#"{"files":[]}"#);
    let begun = Instant::now();
    let tools = ["workstream_status", "next_batch", "batch_outcome"];
    for number in 0..40 {
        server.send("tools/call", &json!({"name": tools[number % 3], "arguments": {}}));
    }
    for _ in 0..40 {
        let answer = server.receive();
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("error busy: "), "{text}");
    }
    assert!(begun.elapsed() < Duration::from_secs(16), "{:?}", begun.elapsed());
    drop(lock);
    server.answer("workstream_status", &json!({}));
}

#[test]
fn no_acknowledged_update_is_lost_while_the_lock_is_removed_again_and_again() {
    const SERVERS: usize = 3;
    const UPDATES: usize = 60;
    let threads: Vec<String> = (1..=SERVERS * UPDATES).map(|n| format!("###### Thread {n}: Part {n}\n")).collect();
    let plan = format!("# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n{}", threads.concat());
    let workspace = Workspace::with_plan(&plan);
    let servers: Vec<Server> = (0..SERVERS).map(|_| workspace.serve()).collect();
    let is_over = AtomicBool::new(false);
    let removals = thread::scope(|scope| {
        let lanes: Vec<_> = servers
            .into_iter()
            .enumerate()
            .map(|(lane, mut server)| {
                scope.spawn(move || {
                    for update in 0..UPDATES {
                        let id = format!("1.1.{}", lane * UPDATES + update + 1);
                        let done =
                            json!({"thread_id": id, "status": "completed", "report": format!("{lane} {update}")});
                        server.answer("update_thread", &done);
                    }
                })
            })
            .collect();
        let cleaner = scope.spawn(|| {
            let mut removals = 0;
            while !is_over.load(Ordering::Relaxed) {
                // Every second time the whole folder, as `git clean -fdx` does.
                let run = workspace.root().join("work/.run");
                let removed = match removals % 2 {
                    0 => std::fs::remove_dir_all(run),
                    _ => std::fs::remove_file(run.join("lock")),
                };
                removals += u32::from(removed.is_ok());
                thread::sleep(Duration::from_millis(1));
            }
            removals
        });
        let lanes: Vec<_> = lanes.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Ordering::Relaxed);
        for lane in lanes {
            lane.unwrap();
        }
        cleaner.join().unwrap()
    });
    assert!(removals > 50, "{removals}");
    let state = workspace.threads();
    let lost: Vec<&Value> =
        state["threads"].as_array().unwrap().iter().filter(|thread| thread["status"] != "completed").collect();
    assert_eq!((state["threads"].as_array().unwrap().len(), lost), (SERVERS * UPDATES, Vec::new()));
}

#[test]
fn git_sees_no_file_that_is_being_written() {
    let workspace = Workspace::with_plan(PLAN);
    let git = |arguments: &[&str]| {
        let name = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"];
        Command::new("git").args(name).args(arguments).current_dir(workspace.root()).output()
    };
    if !git(&["init", "-q"]).is_ok_and(|done| done.status.success()) {
        skipped("there is no git");
        return;
    }
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for step in 0_u32.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let report = format!("step {step}");
                server
                    .answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress", "report": report}));
            }
        });
        let mut failures = Vec::new();
        for _ in 0..40 {
            let added = git(&["add", "-A"]).unwrap();
            if !added.status.success() {
                failures.push(String::from_utf8_lossy(&added.stderr).into_owned());
            }
            git(&["commit", "-qm", "x", "--allow-empty"]).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(failures, Vec::<String>::new());
        writer.join().unwrap();
    });
    let names = git(&["log", "--name-only", "--format="]).unwrap();
    let names = String::from_utf8(names.stdout).unwrap();
    let mut names: Vec<&str> = names.lines().collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["work/001-search/PLAN.md", "work/001-search/threads.json", "work/index.json"]);
}

#[test]
fn a_plan_that_is_being_saved_is_waited_for_and_one_that_stays_empty_is_told() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.write("work/index.json", r#"{"version":"1.0.0","current_stream":"001-search","streams":[{"id":"001-search","name":"search","approval":{"status":"approved"}}]}"#);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let (plan, aside) = ["PLAN.md", "PLAN.md~"].map(|name| workspace.root().join("work/001-search").join(name)).into();
    // Some editors rename the old file away and then write a new one.
    for _ in 0..5 {
        std::fs::rename(&plan, &aside).unwrap();
        let id = server.send("tools/call", &json!({"name": "workstream_status", "arguments": {}}));
        thread::sleep(Duration::from_millis(10));
        std::fs::write(&plan, PLAN).unwrap();
        let answer = server.receive();
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(id), &json!(false)), "{answer}");
    }
    // If the plan is moved away, the fault names it, and the calls do not go to another workstream.
    workspace.write("work/002-other/PLAN.md", PLAN);
    std::fs::rename(&plan, &aside).unwrap();
    let gone = server.call("workstream_status", &json!({}));
    assert!(
        gone.starts_with("error plan_unreadable: ") && gone.contains("001-search/PLAN.md: it does not exist"),
        "{gone}"
    );
    std::fs::rename(&aside, &plan).unwrap();
    // A process empties the file again and again.
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                std::fs::write(&plan, "").unwrap();
                thread::sleep(Duration::from_millis(100));
            }
        });
        thread::sleep(Duration::from_millis(50));
        let begun = Instant::now();
        let empty = server.request("tools/call", &json!({"name": "workstream_status", "arguments": {}}));
        let empty = empty["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        is_over.store(true, Ordering::Relaxed);
        assert!(empty.starts_with("error plan_unreadable: ") && empty.contains("it is empty"), "{empty}");
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    });
}

/// New files get the permissions of their folder, so that files of one user do not stop the program of another user.
#[cfg(unix)]
#[test]
fn what_a_strict_umask_would_hide_is_as_open_as_its_folder() {
    use std::os::unix::fs::PermissionsExt as _;

    let workspace = Workspace::with_plan(PLAN);
    for folder in ["work", "work/001-search"] {
        let mode = std::fs::Permissions::from_mode(0o775);
        std::fs::set_permissions(workspace.root().join(folder), mode).unwrap();
    }
    let script = format!("umask 077 && exec {PROGRAM} update --thread 1.1.1 --status completed --report done");
    let done = Command::new("sh").args(["-c", &script]).current_dir(workspace.root()).output().unwrap();
    assert!(done.status.success());
    let mode = |path: &str| workspace.root().join(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("work/.run"), 0o775);
    for file in ["work/.run/lock", "work/.run/.gitignore", "work/001-search/threads.json"] {
        assert_eq!(mode(file), 0o664, "{file}");
    }
}

#[cfg(unix)]
#[test]
fn a_hang_up_ends_the_server_in_order() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-s", "HUP", &pid]).status().unwrap().success());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
