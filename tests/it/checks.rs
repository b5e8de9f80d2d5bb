//! Checks with real processes: what they are given, how they end, and that nothing of them is left behind.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Server, Workspace, processes, until};

/// Returns an approved workspace whose threads have these checks, each a Markdown text behind `**Check:**`.
fn workspace(checks: &[&str]) -> Workspace {
    let threads: Vec<String> = checks
        .iter()
        .enumerate()
        .map(|(at, check)| {
            let field = if check.is_empty() { String::new() } else { format!("\n\n**Check:** {check}") };
            format!("###### Thread {}: T\n**Summary:** s\n\n**Details:** d{field}\n", at + 1)
        })
        .collect();
    let workspace =
        Workspace::with_draft(&format!("# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n{}", threads.concat()));
    workspace.stdout(&["approve", "plan"]);
    workspace
}

fn start(workspace: &Workspace) -> Server {
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    server
}

fn completed(more: &Value) -> Value {
    let mut arguments = json!({"thread_id": "1.1.1", "status": "completed", "report": "done"});
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    arguments
}

/// A command that runs for a time that no other command has, in the foreground, in the background, and in a session of
/// its own.
fn sleepers(seconds: u32) -> String {
    format!("`sleep {seconds} & setsid sleep {seconds} & sleep {seconds}`")
}

#[test]
fn a_check_fails_and_then_passes() {
    let workspace = workspace(&["`echo looking for it` and `test -f done.txt || { echo no done.txt; exit 3; }`"]);
    let mut server = start(&workspace);
    let brief = server.answer("read_thread", &json!({"thread_id": "1.1.1"}));
    assert_eq!(brief["checks"][0], "echo looking for it", "{brief}");
    let text = server.call("update_thread", &completed(&json!({})));
    insta::assert_snapshot!(text, @"
    error check_failed: check `test -f done.txt || { echo no done.txt; exit 3; }` ended with exit code 3. hint: fix it and report completed again; 4 more failures end the attempt. If a sibling's unfinished work is what fails, report blocked and name it
    the end of its output, the whole is in work/.run/checks/001-search.01.01.01.1.log:
    no done.txt
    ");
    let session = workspace.threads()["threads"][0]["sessions"][0].clone();
    assert_eq!((&session["failedChecks"], &session["status"]), (&json!(1), &json!("running")), "{session}");
    assert_eq!(session["checks"][1]["exit_code"], 3, "{session}");
    assert!(
        workspace
            .read("work/.run/checks/001-search.01.01.01.1.log")
            .contains("$ echo looking for it\nlooking for it\n")
    );
    workspace.write("done.txt", "");
    let answer = server.answer("update_thread", &completed(&json!({})));
    assert_eq!((&answer["status"], &answer["attempt"]), (&json!("completed"), &json!(1)));
    let session = workspace.threads()["threads"][0]["sessions"][0].clone();
    let codes: Vec<&Value> = session["checks"].as_array().unwrap().iter().map(|check| &check["exit_code"]).collect();
    assert_eq!((codes, &session["status"]), (vec![&json!(0), &json!(0)], &json!("completed")), "{session}");
    assert!(session["checks"][0]["seconds"].is_f64() && session["checks"][0]["at"].is_string(), "{session}");
}

#[test]
fn a_check_knows_its_thread_and_no_address_of_a_database() {
    let check = "`echo \"$WORK_WORKSTREAM $WORK_THREAD $WORK_ATTEMPT [$WORK_ROOT] [$USER]\"; pwd; cat; exit 1`";
    let workspace = workspace(&[check]);
    let root = workspace.root().canonicalize().unwrap();
    let mut server = workspace.serve_with("WORK_ROOT", root.to_str().unwrap());
    server.answer("next_batch", &json!({}));
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    let text = server.call("update_thread", &completed(&json!({})));
    assert!(text.ends_with(&format!(":\n001-search 01.01.01 1 [] [ann]\n{}", root.display())), "{text}");
}

#[test]
fn a_check_runs_in_the_root_or_in_a_worktree_of_its_repository_only() {
    if Command::new("git").arg("--version").output().is_err() {
        return crate::postgres_server::skipped("there is no git");
    }
    let workspace = workspace(&["`pwd; test -f made.txt`"]);
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args([
            "-C",
            workspace.root().to_str().unwrap(),
            "-c",
            "user.name=ann",
            "-c",
            "user.email=ann@example.org",
        ]);
        assert!(command.args(arguments).output().unwrap().status.success(), "{arguments:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "first"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let worktree = elsewhere.path().join("wt");
    git(&["worktree", "add", "-q", worktree.to_str().unwrap()]);
    std::fs::write(worktree.join("made.txt"), "").unwrap();
    let mut server = start(&workspace);
    let inside = workspace.root().join("work");
    let link = workspace.root().join("link");
    std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
    let hostile = [
        "/",
        "..",
        "work",
        inside.to_str().unwrap(),
        link.to_str().unwrap(),
        "link",
        "/no/such/folder",
        "a\u{0}b",
        "~",
        // The folder of a worker is not known, so a path from there on means nothing.
        ".",
    ];
    for directory in hostile {
        let text = server.call("update_thread", &completed(&json!({"directory": directory})));
        assert!(text.starts_with("error invalid_argument: directory "), "{directory}: {text}");
        assert!(text.contains(worktree.canonicalize().unwrap().to_str().unwrap()), "{text}");
    }
    for directory in ["", workspace.root().to_str().unwrap()] {
        let text = server.call("update_thread", &completed(&json!({"directory": directory})));
        assert!(text.starts_with("error check_failed: "), "{directory}: {text}");
    }
    // A folder that a repository names, and that does not name the repository, is no worktree of it.
    let forged = workspace.root().join(".git/worktrees/forged");
    std::fs::create_dir(&forged).unwrap();
    let victim = tempfile::tempdir().unwrap();
    std::fs::write(forged.join("gitdir"), victim.path().join(".git").to_str().unwrap()).unwrap();
    let text = server.call("update_thread", &completed(&json!({"directory": victim.path()})));
    assert!(text.starts_with("error invalid_argument: directory "), "{text}");
    let answer = server.answer("update_thread", &completed(&json!({"directory": worktree})));
    assert_eq!(answer["status"], "completed");
    // A stage is what was merged: its checks run in the root.
    let text = workspace.read("work/001-search/PLAN.md");
    let text = text.replace("##### Batch 1: B", "#### Stage Checks\n`pwd; exit 1`\n#### Batches\n##### Batch 1: B");
    workspace.write("work/001-search/PLAN.md", text);
    workspace.stdout(&["approve", "plan"]);
    let output = workspace.command(&["approve", "stage", "1"]).current_dir(&worktree).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("\n{}\n", workspace.root().canonicalize().unwrap().display())), "{told}");
    // On the command line a path begins in the working directory.
    let output = workspace.command(&["check", "1.1.1", "--directory", "."]).current_dir(&worktree).output().unwrap();
    assert!(output.status.success(), "{}", workspace.seen(&output));
}

#[test]
fn a_check_over_its_time_is_ended_with_all_that_it_started() {
    let workspace = workspace(&[&sleepers(61_001)]);
    workspace.write("work/agents.yaml", "execution: {check_timeout: 1s}\n");
    let mut server = start(&workspace);
    let text = server.call("update_thread", &completed(&json!({})));
    assert!(text.contains("was ended after its time limit of 1 s"), "{text}");
    assert_eq!(processes("61001"), Vec::<String>::new());
    assert_eq!(workspace.threads()["threads"][0]["sessions"][0]["checks"][0]["exit_code"], Value::Null);
}

#[test]
fn what_a_check_leaves_running_is_ended_with_it() {
    let workspace = workspace(&["`sleep 61002 & setsid sleep 61002 & env -i setsid -f sleep 61002; exit 0`"]);
    let mut server = start(&workspace);
    assert_eq!(server.answer("update_thread", &completed(&json!({})))["status"], "completed");
    assert_eq!(processes("sleep\u{0}61002"), Vec::<String>::new());
}

#[test]
fn while_a_check_runs_the_protocol_goes_on_and_a_cancelled_one_is_ended() {
    let workspace = workspace(&[&sleepers(61_003), ""]);
    let mut server = start(&workspace);
    let arguments = json!({"name": "update_thread", "arguments": completed(&json!({})), "_meta": {"progressToken": 7}});
    let id = server.send("tools/call", &arguments);
    let progress = server.receive();
    assert_eq!(progress["params"]["progressToken"], 7, "{progress}");
    let message = progress["params"]["message"].as_str().unwrap();
    assert!(message.starts_with("check runs for ") && message.contains("sleep 61003"), "{message}");
    // Other calls, also ones that write, wait for no check.
    let next = |server: &mut Server, id: u64| {
        loop {
            let message = server.receive();
            if message["id"] == json!(id) {
                return message;
            }
            assert_eq!(message["method"], "notifications/progress", "{message}");
        }
    };
    let ping = server.send("ping", &json!({}));
    next(&mut server, ping);
    let other =
        json!({"name": "update_thread", "arguments": {"thread_id": "1.1.2", "status": "completed", "report": "r"}});
    let other = server.send("tools/call", &other);
    assert_eq!(next(&mut server, other)["result"]["isError"], json!(false));
    assert!(!processes("sleep\u{0}61003").is_empty());
    server.notify("notifications/cancelled", &json!({"requestId": id}));
    until("a cancelled check is ended", || processes("61003").is_empty());
    let status = workspace.threads()["threads"][0]["status"].clone();
    assert_eq!(status, "in_progress");
}

#[test]
fn a_server_that_dies_in_a_check_leaves_no_process_and_the_thread_as_it_was() {
    let workspace = workspace(&[&sleepers(61_004)]);
    let mut server = start(&workspace);
    let before = workspace.read("work/001-search/threads.json");
    server.send("tools/call", &json!({"name": "update_thread", "arguments": completed(&json!({}))}));
    until("the check runs", || processes("sleep\u{0}61004").len() == 3);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    until("the check is ended", || processes("61004").is_empty());
    assert_eq!(workspace.read("work/001-search/threads.json"), before);
}

#[test]
fn a_check_that_prints_much_costs_no_memory() {
    let workspace = workspace(&["`head -c 300000000 /dev/zero | tr '\\0' x; echo the end; exit 1`"]);
    let mut server = start(&workspace);
    let text = server.call("update_thread", &completed(&json!({})));
    assert!(text.ends_with("xthe end") && text.chars().count() <= 2_500, "{}", text.len());
    let log = workspace.root().join("work/.run/checks/001-search.01.01.01.1.log");
    assert!(std::fs::metadata(log).unwrap().len() > 300_000_000);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").trim().parse().unwrap();
    assert!(kib < 64 * 1024, "{kib} KiB");
}

#[test]
fn one_thread_is_checked_at_a_time() {
    // Fails if two run at once.
    let check = "`mkdir busy && sleep 0.2 && rmdir busy`";
    let workspace = workspace(&[check, check, check]);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let ids: Vec<u64> = (1..=3)
        .map(|n| {
            let arguments = json!({"thread_id": format!("1.1.{n}"), "status": "completed", "report": "r"});
            server.send("tools/call", &json!({"name": "update_thread", "arguments": arguments}))
        })
        .collect();
    for _ in ids {
        let answer = server.receive();
        assert_eq!(answer["result"]["isError"], json!(false), "{answer}");
    }
}

#[test]
fn people_run_checks_too() {
    let workspace = workspace(&["`test -f done.txt`", ""]);
    let text = workspace.read("work/001-search/PLAN.md");
    let text = text.replace("##### Batch 1: B", "#### Stage Checks\n`test -f all.txt`\n#### Batches\n##### Batch 1: B");
    workspace.write("work/001-search/PLAN.md", text);
    workspace.stdout(&["approve", "plan"]);
    let seen = |arguments: &[&str]| workspace.work(arguments);
    let mut out = String::new();
    for (line, file) in [
        ("check", None),
        ("check --thread 1.1.1", None),
        ("update --thread 1.1.1 --status completed --report r", None),
        ("check --thread 1.1.2", None),
        ("check --thread 1.1.1 --json", Some("done.txt")),
        ("update --thread 1.1.1 --status completed --report r", None),
        ("update --thread 1.1.2 --status completed --report r", None),
        ("approve stage 1", None),
        ("approve stage 1", Some("all.txt")),
    ] {
        if let Some(file) = file {
            workspace.write(file, "");
        }
        let arguments: Vec<&str> = line.split(' ').collect();
        out += &format!("$ work {line}\n{}\n", seen(&arguments));
    }
    let mut settings = crate::support::without_times();
    settings.add_filter(r"\d+ ms", "[n] ms");
    settings.add_filter(r#""seconds": [\d.]+"#, r#""seconds": [n]"#);
    settings.bind(|| {
        insta::assert_snapshot!(out.trim_end(), @r#"
    $ work check
    exit 2
    stderr: error: no thread that is in progress has checks
    stderr: Hint: name one with --thread ID
    $ work check --thread 1.1.1
    exit 1
    stderr: note: check: test -f done.txt
    stderr: error: check `test -f done.txt` ended with exit code 1
    stderr: the whole output: work/.run/checks/001-search.01.01.01.0.log
    stderr: Hint: fix it, and run it again
    $ work update --thread 1.1.1 --status completed --report r
    exit 1
    stderr: note: check: test -f done.txt
    stderr: error: check `test -f done.txt` ended with exit code 1
    stderr: the whole output: work/.run/checks/001-search.01.01.01.0.log
    stderr: Hint: fix it, and run it again
    $ work check --thread 1.1.2
    exit 2
    stderr: error: 01.01.02 has no checks
    stderr: Hint: see the checks of the plan with work read ID
    $ work check --thread 1.1.1 --json
    exit 0
    {
      "thread_id": "01.01.01",
      "checks": [
        {
          "command": "test -f done.txt",
          "exit_code": 0,
          "seconds": [n],
          "at": "[time]"
        }
      ],
      "recorded": false
    }
    stderr: {"note":"check: test -f done.txt"}
    stderr: {"note":"passed after [n] ms: test -f done.txt"}
    $ work update --thread 1.1.1 --status completed --report r
    exit 0
    01.01.01 of 001-search is completed, attempt 1
    stderr: note: check: test -f done.txt
    stderr: note: passed after [n] ms: test -f done.txt
    $ work update --thread 1.1.2 --status completed --report r
    exit 0
    01.01.02 of 001-search is completed, attempt 1
    $ work approve stage 1
    exit 1
    stderr: note: check: test -f all.txt
    stderr: error: check `test -f all.txt` ended with exit code 1
    stderr: the whole output: work/.run/checks/001-search.stage-1.log
    stderr: Hint: fix it, or approve the stage all the same with --force
    $ work approve stage 1
    exit 0
    stage 1 of 001-search is approved
    Next: work complete
    stderr: note: check: test -f all.txt
    stderr: note: passed after [n] ms: test -f all.txt
    "#);
    });
}

/// A link in place of the log could lead out of the workspace.
#[test]
fn a_log_follows_no_link() {
    let workspace = workspace(&["`true`"]);
    let target = workspace.root().join("precious.txt");
    std::fs::write(&target, "mine").unwrap();
    let mut server = start(&workspace);
    std::fs::create_dir_all(workspace.root().join("work/.run/checks")).unwrap();
    std::os::unix::fs::symlink(&target, workspace.root().join("work/.run/checks/001-search.01.01.01.1.log")).unwrap();
    let text = server.call("update_thread", &completed(&json!({})));
    assert!(text.starts_with("error io: "), "{text}");
    assert_eq!(std::fs::read_to_string(Path::new(&target)).unwrap(), "mine");
}

#[test]
fn a_check_decides_nothing() {
    let workspace = workspace(&[&format!(
        "`for command in 'approve plan --force' 'check 1.1.1' 'update --thread 1.1.1 --status completed --report r --force'; do {} $command 2>&1; done; exit 1`",
        env!("CARGO_BIN_EXE_work")
    )]);
    let mut server = start(&workspace);
    let text = server.call("update_thread", &completed(&json!({})));
    assert_eq!(text.matches("error: a check may not decide anything").count(), 3, "{text}");
    assert_eq!(workspace.threads()["threads"][0]["status"], "in_progress");
}

/// The subcommand that supervises is no shell for who may run `work`.
#[test]
fn only_work_starts_a_supervisor() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_work"))
        .arg("supervise")
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended already, without a look at what is asked: then nobody reads the pipe.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"\x05\0\0\0id -u");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

/// What a check does to its supervisor saves nothing from its end.
#[test]
fn a_check_that_kills_or_holds_its_supervisor_is_ended() {
    let kills = "`(setsid sleep 61005 &) ; kill -9 $PPID; sleep 61005`";
    let holds = "`exec 5>/proc/$PPID/fd/0; sleep 61006`";
    let stops = "`(setsid sleep 61007 &) ; kill -STOP $PPID; sleep 61007`";
    let workspace = workspace(&[kills, holds, stops]);
    workspace.write("work/agents.yaml", "execution: {check_timeout: 1s}\n");
    let mut server = start(&workspace);
    for (number, seconds, wanted) in
        [(1, "61005", "could not be run to its end"), (2, "61006", "time limit"), (3, "61007", "time limit")]
    {
        let thread = format!("1.1.{number}");
        server.answer("update_thread", &json!({"thread_id": thread, "status": "in_progress"}));
        let text = server.call("update_thread", &json!({"thread_id": thread, "status": "completed", "report": "r"}));
        assert!(text.contains(wanted), "{text}");
        assert_eq!(processes(seconds), Vec::<String>::new(), "{thread}");
    }
    // What is not the worker's fault does not count against its attempt.
    assert_eq!(workspace.threads()["threads"][0]["sessions"][0].get("failedChecks"), None);
}

/// A client may repeat a call.
#[test]
fn two_reports_of_one_attempt_do_not_run_in_each_others_way() {
    let workspace = workspace(&["`echo ran >> runs.txt; sleep 0.3`"]);
    workspace.write("work/agents.yaml", "execution: {max_parallel_checks: 4}\n");
    let mut server = start(&workspace);
    for _ in 0..3 {
        server.send("tools/call", &json!({"name": "update_thread", "arguments": completed(&json!({}))}));
    }
    for _ in 0..3 {
        let answer = server.receive();
        assert_eq!(answer["result"]["structuredContent"]["status"], json!("completed"), "{answer}");
    }
    assert_eq!(workspace.read("runs.txt"), "ran\n");
}

/// While checks run another attempt can become the latest one. It is not the one that was checked.
#[test]
fn a_report_is_of_the_attempt_whose_checks_ran() {
    let workspace = workspace(&["`sleep 0.5`"]);
    let mut server = start(&workspace);
    server.send("tools/call", &json!({"name": "update_thread", "arguments": completed(&json!({}))}));
    until("the check runs", || !processes("sleep\u{0}0.5").is_empty());
    workspace.stdout(&["assign", "--thread", "1.1.1", "--agent", "system-engineer-opus", "--force"]);
    server.receive();
    let sessions = workspace.threads()["threads"][0]["sessions"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions}");
}

#[test]
fn a_worker_may_run_its_checks_itself() {
    let workspace = workspace(&["`true`"]);
    workspace.write("work/agents.yaml", "execution: {checks: worker}\n");
    let mut server = workspace.serve();
    let next = server.answer("next_batch", &json!({}));
    assert!(next["warnings"].to_string().contains("leaves the checks to workers now"), "{next}");
    let approved = workspace.stdout(&["approve", "plan"]);
    assert!(approved.contains("run by each worker, with work check in its own shell"), "{approved}");
    let next = server.answer("next_batch", &json!({}));
    assert!(!next["warnings"].to_string().contains("leaves the checks"), "{next}");
    let text = server.call("update_thread", &completed(&json!({})));
    assert!(text.contains("hint: report in_progress, then run `work check --thread 01.01.01`"), "{text}");
    assert!(workspace.stdout(&["check", "1.1.1"]).contains("nothing was recorded"));
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    workspace.stdout(&["check"]);
    assert_eq!(server.answer("update_thread", &completed(&json!({})))["status"], "completed");
}

#[test]
fn nothing_runs_after_the_approval_was_taken_back() {
    let workspace = workspace(&["`echo ran > ran.txt`"]);
    let mut server = start(&workspace);
    workspace.stdout(&["approve", "plan", "--revoke"]);
    let text = server.call("update_thread", &completed(&json!({})));
    assert!(text.starts_with("error awaiting_approval: "), "{text}");
    assert!(!workspace.root().join("ran.txt").exists());
}
