//! `work run` with real processes: what it starts, how it ends them, and where it stops. The workers are scripts; those of
//! real hosts are in tests/clients.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output};

use serde_json::{Value, json};

use crate::support::{Workspace, processes, until, without_times};

/// Two batches and a stage behind a gate. Thread 3 names no agent.
const PLAN: &str = "\
# Plan: Search
## Stages
### Stage 1: Core
##### Batch 1: Index
###### Thread 1: Tokens @agent:writer-a
**Summary:** s

**Details:** d
###### Thread 2: Terms @agent:writer-a
**Summary:** s

**Details:** d
###### Thread 3: Ranks
**Summary:** s

**Details:** d
##### Batch 2: Queries
###### Thread 1: Parser @agent:writer-b
**Summary:** s

**Details:** d
### Stage 2: API
##### Batch 1: Routes
###### Thread 1: Routes @agent:writer-a
**Summary:** s

**Details:** d
";

/// The roster, and how workers are started.
fn agents(run: &str) -> String {
    format!(
        "agents: [{{name: default}}, {{name: writer-a}}, {{name: writer-b}}]\nfamilies: [writer]\nexecution:\n  run: {run}\n"
    )
}

/// Returns an approved workspace in which `script` runs the workers, with the thread and the attempt as arguments.
fn workspace(script: &str) -> Workspace {
    let workspace = Workspace::with_draft(PLAN);
    program(&workspace, "worker.sh", script);
    workspace.write("work/agents.yaml", agents("{command: [./worker.sh, '{thread}', '{attempt}']}"));
    workspace.stdout(&["approve", "plan"]);
    workspace
}

/// Writes a program of the shell.
fn program(workspace: &Workspace, path: &str, script: &str) {
    workspace.write(path, format!("#!/bin/sh\n{script}"));
    let path = workspace.root().join(path);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The threads of its first batch.
const THREADS: [&str; 3] = ["01.01.01", "01.01.02", "01.01.03"];

const DONE: &str =
    "work update --thread $1 --attempt $2 --status completed --report \"done by $WORK_AGENT\" > /dev/null\n";

/// Runs `work run`, and returns what a person sees, without lengths of time.
fn run(workspace: &Workspace, arguments: &[&str]) -> String {
    workspace.work(&[&["run"], arguments].concat())
}

/// Returns the events of a run with `--json`, and its exit code. Programs of the workspace's own are in `bin`.
fn events(workspace: &Workspace, arguments: &[&str]) -> (Vec<Value>, i32) {
    let program = env!("CARGO_BIN_EXE_work").trim_end_matches("/work");
    let path = format!("{}/bin:{program}:/usr/local/bin:/usr/bin:/bin", workspace.root().display());
    let output = workspace.command(&[&["run", "--json"], arguments].concat()).env("PATH", path).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let events = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (events, output.status.code().unwrap())
}

/// Returns the events of one kind.
fn of_kind<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

/// Starts `work run`.
fn start(workspace: &Workspace, arguments: &[&str]) -> Child {
    workspace.command(&[&["run"], arguments].concat()).spawn().unwrap()
}

/// Waits until the workers of the first batch have begun, each of which makes a file.
fn until_begun(workspace: &Workspace) {
    until("the workers begin", || {
        THREADS.iter().all(|thread| workspace.root().join(format!("{thread}.begun")).exists())
    });
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Returns the attempts of a thread as `number status`.
fn attempts(workspace: &Workspace, thread: &str) -> Vec<String> {
    let threads = workspace.threads();
    let of = |thread: &Value| {
        let sessions = thread["sessions"].as_array().unwrap().iter();
        sessions.map(|it| format!("{} {}", it["attempt"], it["status"].as_str().unwrap())).collect()
    };
    threads["threads"].as_array().unwrap().iter().find(|it| it["threadId"] == thread).map(of).unwrap_or_default()
}

fn seen(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn it_goes_from_gate_to_gate_by_the_rules_of_failover() {
    let workspace =
        workspace(&format!("case $1.$2 in 01.01.02.1 | 01.01.02.2) kill -9 $$ ;; 01.01.03.1) exit 0 ;; esac\n{DONE}"));
    let mut settings = without_times();
    settings.add_filter(r"after \d+ s", "after [time]");
    settings.bind(|| {
        insta::assert_snapshot!(run(&workspace, &["--max-parallel", "1"]), @"
        exit 1
        Batch 01.01: Index
        01.01.01 attempt 1: writer-a runs it, by ./worker.sh
        01.01.01 attempt 1: completed after [time]: done by writer-a
        01.01.02 attempt 1: writer-a runs it, by ./worker.sh
        01.01.02 attempt 1: pending after [time]: the worker was ended by signal 9, without a report
        01.01.02 attempt 2: writer-a runs it, by ./worker.sh
        01.01.02 attempt 2: pending after [time]: the worker was ended by signal 9, without a report
        01.01.02 attempt 3: given to writer-b
        01.01.02 attempt 3: writer-b runs it, by ./worker.sh
        01.01.02 attempt 3: completed after [time]: done by writer-b
        01.01.03 attempt 1: default runs it, by ./worker.sh
        01.01.03 attempt 1: blocked after [time]: the worker ended, without a report
        What came of batch 01.01: Index
          01.01.01 completed, by writer-a: done by writer-a
          01.01.02 completed, by writer-b: done by writer-b
          01.01.03 blocked, by default: attempt 1 (default): the worker ended, without a report
        The batch ended with blocked threads
        settled with blocked threads: work retry has it executed again
        Next: work retry
        ");
        insta::assert_snapshot!(run(&workspace, &[]), @"
        exit 1
        What came of batch 01.01: Index
          01.01.01 completed, by writer-a: done by writer-a
          01.01.02 completed, by writer-b: done by writer-b
          01.01.03 blocked, by default: attempt 1 (default): the worker ended, without a report
        The batch ended with blocked threads
        Next: work retry
        ");
        workspace.stdout(&["retry"]);
        insta::assert_snapshot!(run(&workspace, &[]), @"
        exit 0
        Batch 01.01: Index
        cycle 1 ended with blocked threads, this is a new cycle. 01.01.03: attempt 1 (default): the worker ended, without a report
        01.01.03 attempt 2: default runs it, by ./worker.sh
        01.01.03 attempt 2: completed after [time]: done by default
        What came of batch 01.01: Index
          01.01.01 completed, by writer-a: done by writer-a
          01.01.02 completed, by writer-b: done by writer-b
          01.01.03 completed, by default: done by default
        Batch 01.02: Queries
        01.02.01 attempt 1: writer-b runs it, by ./worker.sh
        01.02.01 attempt 1: completed after [time]: done by writer-b
        What came of batch 01.02: Queries
          01.02.01 completed, by writer-b: done by writer-b
        A person has to pass a gate
        Next: work approve stage 1
        ");
        insta::assert_snapshot!(run(&workspace, &[]), @"
        exit 0
        A person has to pass a gate
        Next: work approve stage 1
        ");
        workspace.stdout(&["approve", "stage", "1"]);
        insta::assert_snapshot!(run(&workspace, &[]), @"
        exit 0
        Batch 02.01: Routes
        02.01.01 attempt 1: writer-a runs it, by ./worker.sh
        02.01.01 attempt 1: completed after [time]: done by writer-a
        What came of batch 02.01: Routes
          02.01.01 completed, by writer-a: done by writer-a
        A person has to pass a gate
        Next: work approve stage 2
        ");
    });
    assert_eq!(attempts(&workspace, "01.01.02"), ["1 failed", "2 failed", "3 completed"]);
    assert_eq!(attempts(&workspace, "01.01.03"), ["1 failed", "2 completed"]);
}

#[test]
fn workers_run_at_once_and_a_run_stops_where_it_was_asked_to() {
    // Each worker of the first batch waits until all three have begun.
    let workspace = workspace(&format!(
        "touch begun.$1\ncase $1 in 01.01.*) while [ ! -f begun.01.01.01 ] || [ ! -f begun.01.01.02 ] || [ ! -f begun.01.01.03 ]; do sleep 0.02; done ;; esac\n{DONE}"
    ));
    let (first, code) = events(&workspace, &["--until", "batch", "--timeout", "20s"]);
    assert_eq!(code, 0, "{first:?}");
    assert_eq!(of_kind(&first, "launched").len(), 3);
    assert_eq!(of_kind(&first, "outcomes")[0]["outcomes"].as_array().unwrap().len(), 3);
    let end = first.last().unwrap();
    assert_eq!((&end["why"], &end["exit_code"]), (&json!("until"), &json!(0)), "{end}");
    let (second, code) = events(&workspace, &["--until", "stage"]);
    assert_eq!((code, of_kind(&second, "launched").len()), (0, 1), "{second:?}");
    let end = second.last().unwrap();
    assert_eq!((&end["why"], &end["gate_command"]), (&json!("gate"), &json!("!work approve stage 1")), "{end}");
}

#[test]
fn a_run_that_is_killed_leaves_no_worker_and_the_next_one_goes_on() {
    let workspace = workspace(&format!(
        "echo begun > $1.begun\n[ -f go ] || {{ (sleep 7001 &) ; setsid sleep 7001 & env -i sleep 7001 & trap '' TERM; sleep 7001; }}\n{DONE}"
    ));
    let mut child = start(&workspace, &[]);
    until("the workers begin", || processes("sleep\x007001").len() == 12);
    child.kill().unwrap();
    child.wait().unwrap();
    until("the workers end with the run", || processes("sleep\x007001").is_empty());
    workspace.write("go", "");
    let (events, code) = events(&workspace, &["--until", "batch"]);
    assert_eq!(code, 0, "{events:?}");
    assert_eq!(of_kind(&events, "batch")[0]["resumed"], true);
    assert_eq!(attempts(&workspace, "01.01.01"), ["1 interrupted", "2 completed"]);
}

#[test]
fn the_first_signal_asks_workers_to_end_and_the_second_ends_them() {
    // In their own words if they want to, or never.
    let workspace = workspace(
        "trap 'echo asked > $1.asked; exit 0' TERM\n[ ! -f deaf ] || trap '' TERM\necho $$ > $1.begun\nwhile :; do sleep 0.05; done\n",
    );
    for (is_deaf, signals) in [(false, 1), (true, 2)] {
        if is_deaf {
            workspace.write("deaf", "");
        }
        let child = start(&workspace, &["--json"]);
        let begun = |thread: &str| workspace.root().join(format!("{thread}.begun")).exists();
        until("three workers begin", || THREADS.iter().all(|thread| begun(thread)));
        for _ in 0..signals {
            std::thread::sleep(std::time::Duration::from_millis(300));
            signal(&child, "-INT");
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", seen(&output));
        let last: Value =
            serde_json::from_str(String::from_utf8_lossy(&output.stdout).lines().last().unwrap()).unwrap();
        assert_eq!(last["why"], "cancelled", "{last}");
        assert_eq!(workspace.root().join("01.01.01.asked").exists(), !is_deaf);
        let _ = std::fs::remove_file(workspace.root().join("01.01.01.asked"));
        for thread in THREADS {
            let begun = format!("{thread}.begun");
            let process = workspace.read(&begun);
            assert!(!Path::new("/proc").join(process.trim()).exists(), "{thread} still runs: {process}");
            std::fs::remove_file(workspace.root().join(begun)).unwrap();
        }
    }
    // Nothing was charged, and that is so however often somebody ends a run.
    for thread in THREADS {
        assert_eq!(attempts(&workspace, thread), ["1 interrupted", "2 interrupted"]);
        assert!(workspace.threads().to_string().contains("given back: the run was ended"));
    }
}

#[test]
fn a_worker_over_its_time_is_ended_and_tried_again() {
    let workspace = workspace(&format!("[ $2 -gt 1 ] || while :; do sleep 0.05; done\n{DONE}"));
    let (events, code) = events(&workspace, &["--until", "batch", "--timeout", "1s"]);
    assert_eq!(code, 0, "{events:?}");
    let first = of_kind(&events, "ended").into_iter().find(|it| it["attempt"] == 1).unwrap();
    assert_eq!(first["report"], "the worker ran for longer than 1 s and was ended, without a report", "{first}");
    assert_eq!(attempts(&workspace, "01.01.03"), ["1 failed", "2 completed"]);
}

#[test]
fn a_blocked_batch_is_tried_again_by_a_person_only() {
    let workspace = workspace("work update --thread $1 --attempt $2 --status blocked --report 'no access' > /dev/null");
    let (first, code) = events(&workspace, &[]);
    assert_eq!((code, &first.last().unwrap()["why"]), (1, &json!("blocked")), "{first:?}");
    for _ in 0..2 {
        let (again, code) = events(&workspace, &[]);
        assert_eq!((code, of_kind(&again, "launched").len()), (1, 0), "{again:?}");
        assert_eq!(of_kind(&again, "outcomes")[0]["blocked_threads"].as_array().unwrap().len(), 3);
        assert_eq!(again.last().unwrap()["next_user_command"], "!work retry");
    }
    workspace.stdout(&["retry", "--thread", "1.1.2"]);
    let (retried, _) = events(&workspace, &[]);
    let launched: Vec<&Value> = of_kind(&retried, "launched").into_iter().map(|it| &it["thread"]).collect();
    assert_eq!(launched, [&json!("01.01.02")], "{retried:?}");
}

#[test]
fn what_passes_ends_no_worker() {
    let workspace = workspace(&format!("echo begun > $1.begun\nwhile [ ! -f go ]; do sleep 0.05; done\n{DONE}"));
    let child = start(&workspace, &["--until", "batch", "--json"]);
    until_begun(&workspace);
    // As while a person edits it.
    let agents = workspace.read("work/agents.yaml");
    workspace.write("work/agents.yaml", "agents: [");
    std::thread::sleep(std::time::Duration::from_millis(500));
    workspace.write("work/agents.yaml", agents);
    workspace.write("go", "");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
    assert_eq!(attempts(&workspace, "01.01.01"), ["1 completed"]);
}

#[test]
fn a_person_decides_while_it_runs() {
    let workspace = workspace(&format!(
        "echo begun > $1.begun\n[ $1.$2 != 01.01.01.1 ] || sleep 7003\nwhile [ ! -f go ]; do sleep 0.05; done\n{DONE}"
    ));
    let child = start(&workspace, &["--until", "batch", "--json"]);
    until_begun(&workspace);
    // Nobody wants the work of a cancelled thread.
    workspace.stdout(&["update", "1.1.1", "--status", "cancelled", "--force"]);
    until("its worker ends", || processes("sleep\x007003").is_empty());
    // The other threads get other numbers, and start again; those who worked on them report on what is no longer theirs.
    let renumbered = PLAN
        .replace(
            "###### Thread 1: Tokens",
            "###### Thread 1: New\n**Summary:** s\n\n**Details:** d\n###### Thread 4: Tokens",
        )
        .replace("###### Thread 3: Ranks", "###### Thread 5: Ranks");
    workspace.write("work/001-search/PLAN.md", renumbered);
    workspace.stdout(&["approve", "plan", "--force"]);
    workspace.write("go", "");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
    assert_eq!(attempts(&workspace, "01.01.04"), ["1 interrupted"]);
    assert_eq!(attempts(&workspace, "01.01.02"), ["1 completed"]);
    assert_eq!(attempts(&workspace, "01.01.05"), ["1 interrupted", "2 completed"]);
}

#[test]
fn a_signal_that_is_to_be_ignored_is_ignored() {
    let workspace = workspace(&format!("echo begun > $1.begun\nwhile [ ! -f go ]; do sleep 0.05; done\n{DONE}"));
    // As nohup starts it.
    let script = "trap '' HUP; exec work run --until batch";
    let command = workspace.command(&[]);
    let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path).unwrap().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(workspace.root()).env("PATH", path);
    let child = shell.stdout(std::process::Stdio::piped()).spawn().unwrap();
    until_begun(&workspace);
    signal(&child, "-HUP");
    std::thread::sleep(std::time::Duration::from_millis(300));
    workspace.write("go", "");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
}

#[test]
fn what_starts_workers_needs_the_approval_of_a_person() {
    let workspace = workspace("echo started >> started");
    // As a worker could, for the next run.
    workspace.write("work/agents.yaml", agents("{command: [sh, -c, 'echo stolen > stolen']}"));
    insta::assert_snapshot!(run(&workspace, &[]), @"
    exit 1
    stderr: error: work/agents.yaml has workers started in another way than when the plan was approved
    stderr: Hint: a person runs work approve plan
    ");
    assert!(!workspace.root().join("stolen").exists());
    insta::assert_snapshot!(run(&workspace, &["--dry-run", "--max-parallel", "1"]), @"
    exit 0
    Batch 01.01: Index
    01.01.01 attempt 1: writer-a, by sh
      sh -c 'echo stolen > stolen'
    2 more would follow, as workers end
    It would not begin: work/agents.yaml has workers started in another way than when the plan was approved
    a person runs work approve plan
    ");
    insta::assert_snapshot!(workspace.work(&["approve", "plan"]), @"
    exit 0
    the plan of 001-search is approved: 2 stages, 3 batches, 5 threads
    Workers of work run are started by (work/agents.yaml):
      sh -c 'echo stolen > stolen'
          of all agents
    Next: let a planner execute batch 01.01: /execute-next-batch
    ");
    assert!(workspace.work(&["approve", "plan"]).contains("approved already"));
    run(&workspace, &[]);
    assert!(workspace.root().join("stolen").exists());
}

/// A `claude` that says what a test wants.
fn with_claude(script: &str) -> Workspace {
    let workspace = Workspace::with_draft(PLAN);
    program(&workspace, "bin/claude", script);
    workspace.write("work/agents.yaml", agents("{host: claude, arguments: [--max-turns, '9']}"));
    workspace.stdout(&["approve", "plan"]);
    workspace
}

#[test]
fn a_host_that_refuses_all_stops_the_run_and_costs_no_attempt() {
    for (script, told) in [
        (
            r#"echo '{"type":"result","is_error":true,"result":"Not logged in · Please run /login","usage":{}}'; exit 1"#,
            "claude: Not logged in · Please run /login; run `claude` and log in, or set ANTHROPIC_API_KEY",
        ),
        (
            "echo 'error: unknown option --max-turns' >&2; exit 1",
            "claude: the worker exited with 1, without a report: error: unknown option --max-turns",
        ),
    ] {
        let workspace = with_claude(script);
        let (events, code) = events(&workspace, &[]);
        let end = events.last().unwrap();
        assert_eq!((code, &end["why"], &end["told"]), (3, &json!("host_unusable"), &json!(told)), "{end}");
        for thread in THREADS {
            assert_eq!(attempts(&workspace, thread), ["1 interrupted"]);
        }
        // The next planner hands them out again, as if nobody had tried.
        let mut server = workspace.serve();
        let answer = server.answer("next_batch", &json!({}));
        assert_eq!(answer["dispatch"].as_array().unwrap().len(), 3, "{answer}");
        assert_eq!(answer["failover"], json!([]));
    }
}

#[test]
fn a_host_that_is_not_there_is_told_before_anything_is_written() {
    let workspace = Workspace::with_draft(PLAN);
    workspace.write("work/agents.yaml", agents("{host: codex}"));
    workspace.stdout(&["approve", "plan"]);
    let before = workspace.threads();
    insta::assert_snapshot!(run(&workspace, &[]), @"
    exit 3
    The host cannot be used: Codex is not installed: no program `codex` is on the PATH
    Next: work run
    ");
    assert_eq!(workspace.threads(), before);
    insta::assert_snapshot!(run(&workspace, &["--host", "gemini"]), @"
    exit 2
    stderr: error: invalid value 'gemini' for '--host <HOST>'
    stderr:   [possible values: opencode, claude, codex]
    stderr: 
    stderr: For more information, try '--help'.
    ");
    workspace.write("work/agents.yaml", "agents: [{name: default}, {name: writer-a}, {name: writer-b}]\n");
    insta::assert_snapshot!(run(&workspace, &[]), @"
    exit 2
    stderr: error: the project is set up for no host, so it is not clear which one runs the workers
    stderr: Hint: name it by --host, or in work/agents.yaml as `execution: {run: {host: …}}`: opencode, claude, codex
    ");
    workspace.write("work/agents.yaml", agents("{hosts: codex}"));
    insta::assert_snapshot!(run(&workspace, &[]), @"
    exit 4
    stderr: error: [workspace]/work/agents.yaml:4:9: unknown field `hosts`, expected one of host, arguments, command, timeout
    stderr: Hint: fix the file, or restore it from git; it was left as it is
    ");
}

#[test]
fn what_a_host_says_of_its_use_is_kept_with_the_attempt() {
    let workspace = with_claude(
        r#"work update --thread $WORK_THREAD --status completed --report done > /dev/null
echo '{"type":"result","is_error":false,"result":"done","total_cost_usd":0.25,"usage":{"input_tokens":1000,"cache_read_input_tokens":3000,"output_tokens":500}}'"#,
    );
    let (events, code) = events(&workspace, &["--until", "batch"]);
    assert_eq!(code, 0, "{events:?}");
    let used = json!({"input_tokens": 4000, "cached_tokens": 3000, "output_tokens": 500, "cost_usd": 0.25});
    assert_eq!(of_kind(&events, "ended")[0]["usage"], used);
    let session = &workspace.threads()["threads"][0]["sessions"][0];
    assert_eq!(
        session["usage"],
        json!({"inputTokens": 4000, "cachedTokens": 3000, "outputTokens": 500, "costUsd": 0.25})
    );
}

#[test]
fn a_dry_run_shows_the_command_lines_and_changes_nothing() {
    let workspace = with_claude("exit 1");
    let before = workspace.threads();
    let path = format!("{}/bin:/usr/bin:/bin", workspace.root().display());
    let output = workspace.command(&["run", "--dry-run", "--max-parallel", "2"]).env("PATH", path).output().unwrap();
    let program = format!(r#""{}""#, env!("CARGO_BIN_EXE_work"));
    insta::assert_snapshot!(workspace.seen(&output).replace(&program, r#""[program]""#), @r#"
    exit 0
    Batch 01.01: Index
    01.01.01 attempt 1: writer-a, by claude
      [workspace]/bin/claude -p PROMPT --output-format stream-json --verbose --permission-mode acceptEdits --mcp-config '{"mcpServers":{"work":{"command":"[program]","args":["mcp"]}}}' --allowedTools mcp__work --max-turns 9
    01.01.02 attempt 1: writer-a, by claude
      [workspace]/bin/claude -p PROMPT --output-format stream-json --verbose --permission-mode acceptEdits --mcp-config '{"mcpServers":{"work":{"command":"[program]","args":["mcp"]}}}' --allowedTools mcp__work --max-turns 9
    1 more would follow, as workers end
    "#);
    assert_eq!(workspace.threads(), before);
}

#[test]
fn the_server_of_a_worker_has_two_tools_and_keeps_it_to_its_thread() {
    let workspace = workspace("exit 0");
    let mut planner = workspace.serve();
    planner.answer("next_batch", &json!({}));
    planner.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress", "attempt": 1}));
    let server = workspace.threads()["cycles"][0]["holder"].as_str().unwrap().to_owned();
    let worker = json!({"server": server, "workstream": "001-search", "thread": "01.01.01", "attempt": 1});
    let mut worker = workspace.serve_with("WORK_WORKER", &worker.to_string());
    let tools = worker.request("tools/list", &json!({}));
    let names: Vec<&Value> = tools["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["read_thread", "update_thread"]);
    let other = worker.call("update_thread", &json!({"thread_id": "1.1.2", "status": "completed", "report": "x"}));
    assert!(
        other.starts_with("error invalid_argument: you run thread 01.01.01 of 001-search, attempt 1, and no other"),
        "{other}"
    );
    // It speaks for the planner that holds the attempt, so its start is no second one, and it need not name the number.
    let going =
        worker.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress", "report": "half"}));
    assert_eq!((&going["status"], &going["attempt"]), (&json!("in_progress"), &json!(1)), "{going}");
    let done = worker.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "completed", "report": "x"}));
    assert_eq!(done["status"], "completed", "{done}");
    drop(worker);
    for arguments in [&["mcp"][..], &["update", "1.1.2", "--status", "completed", "--report", "x"]] {
        for (variable, value) in [("WORK_WORKER", "yes"), ("WORK_WORKER_ID", "1")] {
            let broken = workspace.command(arguments).env(variable, value).output().unwrap();
            assert_eq!(broken.status.code(), Some(2), "{arguments:?}: {}", seen(&broken));
        }
    }
}

#[test]
fn a_worker_passes_no_gate_by_the_command_line() {
    let script = "for gate in 'approve plan' 'retry' 'run' 'update --thread 1.1.2 --status pending --force' 'complete'; do\n\
         work $gate >> told 2>&1 && echo PASSED >> told\ndone\n\
         work update --thread 1.2.1 --status completed --report x >> told 2>&1 && echo PASSED >> told\n\
         work status > /dev/null || echo REFUSED >> told\n";
    let workspace = workspace(&format!("{script}{DONE}"));
    run(&workspace, &["--until", "batch", "--max-parallel", "1"]);
    let told = workspace.read("told");
    assert!(!told.contains("PASSED") && !told.contains("REFUSED"), "{told}");
    let person = "error: a worker of work run may only read, and report on its own thread";
    assert_eq!(told.lines().filter(|line| *line == person).count(), 15, "{told}");
    assert!(told.contains("error: you run thread 01.01.01 of 001-search, attempt 1, and no other"), "{told}");
}

fn git(workspace: &Workspace, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(workspace.root()).args(["-c", "user.name=a", "-c", "user.email=a@b.c"]).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", seen(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_thread_can_have_a_worktree_of_its_own() {
    let workspace = workspace(&format!(
        "echo $1 > made.txt\n[ $1 = 01.01.03 ] || {{ git add made.txt && git -c user.name=a -c user.email=a@b.c commit -qm \"$1\"; }}\n{DONE}"
    ));
    // A check that only passes in the worktree, and in a worker would see the variables of one.
    let plan = PLAN.replace(
        "**Details:** d\n##### Batch 2",
        "**Details:** d\n\n**Check:** `test -f made.txt && test -z \"$WORK_WORKER$WORK_WORKER_ID\"`\n##### Batch 2",
    );
    workspace.write("work/001-search/PLAN.md", plan);
    let refused = run(&workspace, &["--worktrees"]);
    assert!(refused.contains("--worktrees needs a git repository with a commit"), "{refused}");
    git(&workspace, &["init", "-q"]);
    git(&workspace, &["add", "."]);
    git(&workspace, &["commit", "-qm", "first"]);
    workspace.stdout(&["approve", "plan"]);
    let (events, code) = events(&workspace, &["--worktrees", "--until", "batch"]);
    assert_eq!(code, 0, "{events:?}");
    // What is committed is on the branch of the thread, and its worktree is gone.
    let outcomes = of_kind(&events, "outcomes")[0];
    assert_eq!(outcomes["outcomes"][0]["artifacts"], json!(["work/001-search/01.01.01"]), "{outcomes}");
    assert_eq!(git(&workspace, &["show", "work/001-search/01.01.02:made.txt"]), "01.01.02\n");
    assert!(!workspace.root().join("made.txt").exists());
    let folder = "work/.run/worktrees/001-search.01.01.03";
    assert!(workspace.root().join(folder).join("made.txt").exists());
    let left = &events.last().unwrap()["worktrees"];
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left[0]["branch"], "work/001-search/01.01.03");
    assert!(left[0]["folder"].as_str().unwrap().ends_with(folder), "{left}");
}

#[test]
fn a_worktree_keeps_what_is_on_no_branch_and_is_whole() {
    let workspace = workspace(&format!(
        "case $1 in 01.01.01) git checkout -q --detach; echo x > x; git add x; git -c user.name=a -c user.email=a@b.c commit -qm x ;; esac\nls > $WORK_ROOT/$1.files\n{DONE}"
    ));
    let command = format!("{{command: ['{}/worker.sh', '{{thread}}', '{{attempt}}']}}", workspace.root().display());
    workspace.write("work/agents.yaml", agents(&command));
    git(&workspace, &["init", "-q"]);
    git(&workspace, &["add", "."]);
    git(&workspace, &["commit", "-qm", "first"]);
    workspace.stdout(&["approve", "plan"]);
    // What git leaves that is ended in the middle: a worktree with some of its files.
    let half = "work/.run/worktrees/001-search.01.01.02";
    git(&workspace, &["worktree", "add", "-q", "-b", "work/001-search/01.01.02", half]);
    std::fs::remove_file(workspace.root().join(half).join("worker.sh")).unwrap();
    // A branch that a person looks at.
    git(&workspace, &["worktree", "add", "-q", "-b", "work/001-search/01.01.03", "elsewhere"]);
    let (events, code) = events(&workspace, &["--worktrees", "--until", "batch"]);
    assert_eq!((code, &events.last().unwrap()["why"]), (1, &json!("stuck")), "{events:?}");
    let notes: Vec<String> = of_kind(&events, "note").iter().map(|event| event["note"].to_string()).collect();
    assert!(notes.iter().any(|note| note.contains("thread 01.01.03 is left out")), "{notes:?}");
    assert!(workspace.read("01.01.02.files").contains("worker.sh"));
    let left: Vec<&Value> =
        events.last().unwrap()["worktrees"].as_array().unwrap().iter().map(|left| &left["branch"]).collect();
    assert_eq!(left, ["work/001-search/01.01.01"]);
    git(&workspace, &["-C", "work/.run/worktrees/001-search.01.01.01", "show", "HEAD:x"]);
}

#[test]
fn a_run_ended_by_a_signal_of_another_kind_is_told_so() {
    let workspace = workspace("exec sleep 7002");
    let child = start(&workspace, &[]);
    until("a worker begins", || processes("sleep\x007002").len() == 3);
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.status.signal()), (Some(143), None), "{}", seen(&output));
    until("nothing is left", || processes("sleep\x007002").is_empty());
}
