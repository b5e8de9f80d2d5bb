//! `work log`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{PLAN, Workspace, session};

fn report(workspace: &Workspace, thread: &str, status: &str, more: &[&str]) {
    let mut arguments = vec!["update", "--thread", thread, "--status", status];
    arguments.extend(more);
    workspace.stdout(&arguments);
}

#[test]
fn what_happened_is_told_latest_first() {
    let workspace = Workspace::with_plan(PLAN);
    insta::assert_snapshot!(session(&workspace, &["work log"]), @"
    $ work log
    exit 0
    001-search: nothing has happened
    ");
    workspace.stdout(&["approve", "plan"]);
    report(&workspace, "1.1.1", "in_progress", &[]);
    report(&workspace, "1.1.1", "failed", &["--report", "the database timed out", "--transient"]);
    report(&workspace, "1.1.1", "in_progress", &[]);
    report(&workspace, "1.1.1", "failed", &["--report", "still \u{1b}[31mno database"]);
    workspace.stdout(&["assign", "--thread", "1.1.1", "--agent", "system-engineer-opus"]);
    report(&workspace, "1.1.1", "in_progress", &[]);
    report(
        &workspace,
        "1.1.1",
        "completed",
        &["--report", "It works with another database, which took a while to set up."],
    );
    report(&workspace, "1.1.2", "in_progress", &[]);
    let told =
        session(&workspace, &["work log", "work log --thread 1.1.2", "work log --since 2001-01-01 --thread 1.1.1"]);
    insta::assert_snapshot!(without_times(&told), @"
    $ work log
    exit 0
    [time]  01.01.02 #1 started by default
    [time]  01.01.01 #3 completed (system-engineer-opus): It works with
                         another database, which took a while to set up.
    [time]  01.01.01 #3 started by system-engineer-opus
    [time]  01.01.01 assigned to system-engineer-opus
    [time]  01.01.01 #2 failed (system-engineer-codex) →
                         system-engineer-opus, #3: still �[31mno database
    [time]  01.01.01 #2 started by system-engineer-codex
    [time]  01.01.01 #1 failed (system-engineer-codex, transient) →
                         retry, #2: the database timed out
    [time]  01.01.01 #1 started by system-engineer-codex
    [time]  01.01 begins
    [time]  plan approved by ann
    $ work log --thread 1.1.2
    exit 0
    [time]  01.01.02 #1 started by default
    $ work log --since 2001-01-01 --thread 1.1.1
    exit 0
    [time]  01.01.01 #3 completed (system-engineer-opus): It works with
                         another database, which took a while to set up.
    [time]  01.01.01 #3 started by system-engineer-opus
    [time]  01.01.01 assigned to system-engineer-opus
    [time]  01.01.01 #2 failed (system-engineer-codex) →
                         system-engineer-opus, #3: still �[31mno database
    [time]  01.01.01 #2 started by system-engineer-codex
    [time]  01.01.01 #1 failed (system-engineer-codex, transient) →
                         retry, #2: the database timed out
    [time]  01.01.01 #1 started by system-engineer-codex
    ");
    insta::assert_snapshot!(session(&workspace, &["work log --thread 9.9.9", "work log --since yesterday", "work log --since 0s"]), @"
    $ work log --thread 9.9.9
    exit 3
    stderr: error: PLAN.md has no thread 09.09.09
    stderr: Hint: closest: 01.01.01, 01.01.02, 01.02.01
    $ work log --since yesterday
    exit 2
    stderr: error: invalid value 'yesterday' for '--since <WHEN>': it is no time: write 30m, 2h, 3d, a day such as 2026-11-26, or 2026-11-26 18:00:00
    stderr: 
    stderr: For more information, try '--help'.
    $ work log --since 0s
    exit 0
    001-search: nothing has happened since then
    ");
    let all: Value = serde_json::from_str(&workspace.stdout(&["log", "--json"])).unwrap();
    let ended = all.as_array().unwrap().iter().find(|entry| entry["then"]["action"] == "reassign").unwrap();
    assert_eq!(
        (&ended["event"], &ended["status"], &ended["then"]["agent"]),
        (&json!("ended"), &json!("failed"), &json!("system-engineer-opus"))
    );
}

/// Replaces the times at the beginnings of lines: several entries can have the same second or not.
fn without_times(text: &str) -> String {
    let is_time = |line: &str| line.len() > 19 && line.as_bytes()[4] == b'-' && line.as_bytes()[13] == b':';
    let lines = text.lines().map(|line| if is_time(line) { format!("[time]{}", &line[19..]) } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_log_can_be_followed() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.stdout(&["approve", "plan"]);
    let mut command = workspace.command(&["log", "--follow", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["event"], "plan_approved");
    report(&workspace, "1.1.1", "in_progress", &[]);
    let events = [next(), next()].map(|entry| entry["event"].as_str().unwrap().to_owned());
    assert_eq!(events, ["batch_opened", "started"]);
    drop(lines);
    report(&workspace, "1.1.1", "completed", &["--report", "done"]);
    // Nobody reads any more, so it ends.
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_status_shows_what_failed_and_what_is_tried_next() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.stdout(&["approve", "plan"]);
    report(&workspace, "1.1.1", "in_progress", &[]);
    report(&workspace, "1.1.1", "failed", &["--report", "the database timed out", "--transient"]);
    let failures = |workspace: &Workspace| {
        let status = workspace.stdout(&["status"]);
        status.split("\n\n").find(|part| part.starts_with("Failed")).unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(failures(&workspace), @"
    Failed, to be tried again
      01.01.01  Schema  retry with system-engineer-codex, attempt 2
                the database timed out
    ");
    report(&workspace, "1.1.1", "in_progress", &[]);
    assert_eq!(failures(&workspace), "");
    report(&workspace, "1.1.1", "failed", &["--report", "it is no good"]);
    insta::assert_snapshot!(failures(&workspace), @"
    Failed, to be tried again
      01.01.01  Schema  to be reassigned to default, attempt 3
                it is no good
    ");
    insta::assert_snapshot!(session(&workspace, &["work next"]), @"
    $ work next
    exit 0
    let a planner execute batch 01.01: /execute-next-batch
    ");
}
