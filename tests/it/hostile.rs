//! Malicious input: each case gets one clear refusal, changes nothing, and the next call works.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{PLAN, Workspace};

/// Returns everything below a folder, as paths and texts. Entries that are no files are marked.
fn everything(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let name = entry.path().display().to_string();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push((name, String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned()));
            } else {
                found.push((name, format!("{kind:?}")));
            }
        }
    }
    found.retain(|(name, _)| !name.contains("/work/.run/"));
    found.sort();
    found
}

#[test]
fn arguments_name_nothing_outside_of_the_workspace() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.write("secret/PLAN.md", PLAN);
    workspace.write("secret/threads.json", "{\"threads\": []}");
    let before = everything(workspace.root());
    let mut server = workspace.serve();
    let long = "9".repeat(1_000_000);
    let names =
        ["../secret", "../../etc", "/etc", "001-search/../../secret", ".run", "..", "a\0b", "\u{1b}[31m", &long];
    for name in names {
        let said = server.call("next_batch", &json!({"workstream": name}));
        assert!(said.starts_with("error unknown_workstream: "), "{said:.200}");
        assert!(said.len() < 500, "{said:.600}");
        assert!(!said.contains(char::is_control), "{said:?}");
        for id in [name, &format!("{name}.1.1"), "1.1", "1.1.1.1", "-1.1.1", "1.1.99999999999999999999"] {
            let said = server.call("read_thread", &json!({"thread_id": id}));
            assert!(said.starts_with("error invalid_argument: "), "{said:.200}");
            assert!(said.len() < 500 && !said.contains(char::is_control), "{said:?}");
        }
        let encoded = name.replace('/', "%2f");
        for uri in
            [format!("work://{name}/plan.md"), format!("work://{encoded}/plan.md"), format!("work://001-search/{name}")]
        {
            let answer = server.request("resources/read", &json!({"uri": uri}));
            assert!(answer["error"].is_object(), "{answer}");
        }
    }
    for key in ["x\u{1b}[31m", "x\u{9b}31m", "x\u{202e}y", "x\ny"] {
        let said = server.call("next_batch", &json!({key: 1}));
        assert!(said.starts_with("error invalid_argument: ") && !said.contains(key), "{said:?}");
    }
    assert_eq!(everything(workspace.root()), before);
    assert!(server.call("next_batch", &json!({})).contains("\"dispatch\":[\"01.01.01\""));
}

#[test]
fn a_report_of_sixteen_mebibytes_is_refused() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    let said = |server: &mut crate::support::Server, length: usize| {
        let arguments = json!({"thread_id": "1.1.1", "status": "completed", "report": "x".repeat(length)});
        server.request("tools/call", &json!({"name": "update_thread", "arguments": arguments}))
    };
    let refused = said(&mut server, 15 * 1024 * 1024)["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(refused.starts_with("error invalid_argument: report has 15728640 characters"), "{refused:.200}");
    for (name, value) in
        [("report", json!("binary output: \0")), ("artifacts", json!(["a\0b"])), ("next_steps", json!(["\0"]))]
    {
        let mut update = json!({"thread_id": "1.1.1", "status": "completed", "report": "done"});
        update[name] = value;
        let refused = server.call("update_thread", &update);
        assert!(refused.starts_with("error invalid_argument: ") && refused.contains("U+0000"), "{name}: {refused}");
    }
    let refused = server.call("assign_thread", &json!({"thread_id": "1.1.1", "agent": "default", "reason": "\0"}));
    assert!(refused.starts_with("error invalid_argument: reason contains the character U+0000"), "{refused}");
    // This is over the limit of a line.
    assert_eq!(said(&mut server, 16 * 1024 * 1024)["error"]["code"], -32600);
    assert!(!workspace.root().join("work/001-search/threads.json").exists());
    server.answer("next_batch", &json!({}));
}

/// Replaces a file or a folder, and returns the answers of both doors.
#[cfg(unix)]
fn said_with(path: &str, put: impl Fn(&Path, &Path)) -> String {
    let outside = tempfile::tempdir().unwrap();
    let workspace = Workspace::with_plan(PLAN);
    workspace.write("work/index.json", "{\"version\": \"1.0.0\", \"streams\": []}");
    workspace.write("work/agents.yaml", "agents: [{name: default}]\n");
    workspace.write("work/001-search/threads.json", "{\"version\": \"1.0.0\", \"threads\": []}");
    let place = workspace.root().join(path);
    // A symbolic link to the original is followed.
    let target = outside.path().join("target");
    if place.exists() {
        std::fs::rename(&place, &target).unwrap();
    } else {
        std::fs::create_dir_all(&target).unwrap();
    }
    put(&place, &target);
    let before = (everything(workspace.root()), everything(outside.path()));
    let said = workspace.serve().call("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    let seen = workspace.work(&["update", "--thread", "1.1.1", "--status", "in_progress"]);
    assert_eq!(seen.lines().filter(|line| line.starts_with("stderr: error: ")).count(), 1, "{path}: {seen}");
    assert_eq!((everything(workspace.root()), everything(outside.path())), before, "{path}");
    format!("{path}: {}", workspace.without_chance(&said))
}

#[cfg(unix)]
#[test]
fn what_is_no_file_of_the_workspace_is_neither_followed_nor_waited_for() {
    let link = |place: &Path, target: &Path| std::os::unix::fs::symlink(target, place).unwrap();
    let dangling = |place: &Path, target: &Path| std::os::unix::fs::symlink(target.join("nowhere"), place).unwrap();
    let zero = |place: &Path, _: &Path| std::os::unix::fs::symlink("/dev/zero", place).unwrap();
    let pipe = |place: &Path, _: &Path| assert!(Command::new("mkfifo").arg(place).status().unwrap().success());
    let folder = |place: &Path, _: &Path| std::fs::create_dir(place).unwrap();
    let mut said = Vec::new();
    for path in ["work", "work/001-search", "work/.run"] {
        said.push(said_with(path, link));
    }
    for path in ["work/index.json", "work/agents.yaml", "work/001-search/PLAN.md", "work/001-search/threads.json"] {
        said.push(said_with(path, link));
        let whole = said.last().unwrap().clone();
        assert!(said_with(path, zero).contains("symbolic link") && whole.contains("symbolic link"), "{whole}");
        assert!(said_with(path, dangling).contains("symbolic link"));
        assert!(said_with(path, pipe).contains("it is no regular file"));
        if !path.ends_with("PLAN.md") {
            assert!(said_with(path, folder).contains("no regular file") || path.ends_with("index.json"));
        }
    }
    insta::assert_snapshot!(said.join("\n"), @"
    work: error state_unreadable: [workspace]/work: it is a symbolic link; only what stands in the workspace itself is read or written. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/001-search: error state_unreadable: [workspace]/work/001-search: it is a symbolic link; only what stands in the workspace itself is read or written. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/.run: error state_unreadable: [workspace]/work/.run: it is a symbolic link; only what stands in the workspace itself is read or written. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/index.json: error state_unreadable: [workspace]/work/index.json: it is a symbolic link; only what stands in the workspace itself is read or written. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/agents.yaml: error state_unreadable: [workspace]/work/agents.yaml: it is a symbolic link; only what stands in the workspace itself is read or written. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    work/001-search/PLAN.md: error plan_unreadable: [workspace]/work/001-search/PLAN.md: it is a symbolic link; only what stands in the workspace itself is read or written. hint: ask the person to fix the file
    work/001-search/threads.json: error state_unreadable: [workspace]/work/001-search/threads.json: it is a symbolic link; only what stands in the workspace itself is read or written. hint: ask the person to fix the file, or to restore it from git; it was left as it is
    ");
}

#[cfg(unix)]
#[test]
fn the_set_up_of_a_project_stays_in_the_project() {
    let outside = tempfile::tempdir().unwrap();
    let workspace = Workspace::with_plan(PLAN);
    std::os::unix::fs::symlink(outside.path(), workspace.root().join(".opencode")).unwrap();
    let seen = workspace.work(&["init", "--opencode"]);
    assert!(seen.contains("a symbolic link leads out of the project"), "{seen}");
    assert_eq!(everything(outside.path()), []);
}

#[test]
fn what_was_typed_cannot_drive_a_terminal() {
    let workspace = Workspace::with_plan(PLAN);
    for line in [
        vec!["frob\u{1b}]52;c;eA==\u{7}"],
        vec!["update", "--thread", "1.1.1", "--status", "x\u{1b}]0;owned\u{7}\u{1b}[8m"],
        vec!["update", "--thread", "\u{9b}31m", "--status", "completed"],
        vec!["approve", "stage", "\u{202e}1"],
        vec!["tree", "--batch", "\u{1b}[2J"],
        vec!["--root", "\u{1b}[2J", "status"],
        vec!["--workstream", "\u{1b}[2J", "status"],
        vec!["assign", "--thread", "1.1.1", "--agent", "\u{1b}[2J"],
        vec!["export", "--format", "\u{1b}[2J"],
    ] {
        let output = workspace.command(&line).output().unwrap();
        let seen = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!output.status.success());
        let hidden = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!seen.contains(hidden), "{line:?}: {seen:?}");
    }
}

/// Puts control sequences for terminals into every text that an agent or a plan can give.
#[test]
fn what_agents_wrote_cannot_drive_a_terminal() {
    let evil = "\u{1b}[2J\u{1b}]52;c;eA==\u{7}\u{9b}31m\u{202e}\r\u{8}\u{7f}";
    let plan = format!(
        "# Plan: P{evil}\n## Stages\n### Stage 1: S{evil}\n#### Stage Questions\n- [ ] q{evil}\n##### Batch 1: B{evil}\n\
         ###### Thread 1: T{evil}\n**Summary:** s{evil}\n**Details:** d{evil}\n"
    );
    let workspace = Workspace::with_plan(&plan);
    let mut server = workspace.serve();
    server
        .answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress", "report": format!("b{evil}")}));
    let report = json!({"thread_id": "1.1.1", "status": "blocked", "report": format!("r{evil}"),
        "artifacts": [format!("a{evil}")], "next_steps": [format!("n{evil}")]});
    server.answer("update_thread", &report);
    for line in [
        vec!["status"],
        vec!["tree"],
        vec!["list"],
        vec!["read", "1.1.1"],
        vec!["validate"],
        vec!["report"],
        vec!["export", "--format", "json"],
        vec!["export", "--format", "csv"],
        vec!["export", "--format", "md"],
        vec!["assign", "--list"],
        vec!["watch", "--once"],
        vec!["current"],
        vec!["status", "--json"],
        vec!["read", "1.1.1", "--json"],
        vec!["report", "--json"],
        vec!["approve", "plan"],
        vec!["complete"],
    ] {
        let output = workspace.command(&line).output().unwrap();
        let seen = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        // Lines of CSV end with CR and LF.
        let seen = if line.contains(&"csv") { seen.replace("\r\n", "\n") } else { seen };
        let hidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t') || c == '\u{202e}';
        assert!(!seen.contains(hidden), "{line:?}: {seen:?}");
    }
}

#[test]
fn deep_and_wide_files_are_refused_or_read_in_time() {
    let state = "work/001-search/threads.json";
    let deep = |depth: usize| format!("{{\"threads\": [], \"x\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    let keys: Vec<String> = (0..200_000).map(|key| format!("\"k{key}\": 1")).collect();
    let threads: Vec<String> =
        (0..200_000).map(|n| format!("{{\"threadId\": \"1.{}.{}\"}}", n / 999 + 1, n % 999 + 1)).collect();
    let anchors: Vec<String> =
        (b'a'..=b'z').map(|c| format!("{0}: &{0} [*{1}, *{1}]\n", char::from(c), char::from(c + 1))).collect();
    for (path, text) in [
        (state, deep(100_000)),
        (state, deep(130)),
        (state, format!("{{\"threads\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000))),
        (state, format!("{{\"threads\": [], {}}}", keys.join(", "))),
        (state, format!("{{\"threads\": [{}]}}", threads.join(", "))),
        (state, "{\"version\": 1e400, \"threads\": []}".to_owned()),
        (state, "{\"version\": \"9\", \"version\": \"1.0.0\", \"threads\": []}".to_owned()),
        (state, "{\"threads\": [{\"threadId\": \"1.1.1\\u0000\"}], \"a\": \"\\ud800\"}".to_owned()),
        ("work/index.json", deep(100_000)),
        ("work/index.json", "[]".to_owned()),
        ("work/agents.yaml", format!("agents: {}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("work/agents.yaml", anchors.concat()),
        ("work/agents.yaml", "agents: !!python/object:os.system [x]".to_owned()),
        ("work/agents.yaml", format!("x: !!float \"{}\"", "9".repeat(1_000_000))),
    ] {
        let workspace = Workspace::with_plan(PLAN);
        workspace.write(path, &text);
        let mut server = workspace.serve();
        let said = server.call("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
        if said.starts_with("error ") {
            assert!(said.starts_with("error state_unreadable: ") && said.len() < 700, "{path}: {said:.900}");
            assert_eq!(workspace.read(path), text, "{path} was written over");
            assert!(!said.contains("struct "), "{said}");
        } else {
            let written = workspace.read(path);
            assert!(written.len() < 10 * text.len() + 10_000, "{path}: {} bytes became {}", text.len(), written.len());
        }
        assert!(server.request("tools/list", &json!({}))["result"].is_object());
    }
}

#[test]
fn plans_made_to_be_slow_are_read_in_time() {
    let head = "# Plan: x\n## Stages\n### Stage 1: x\n##### Batch 1: b\n###### Thread 1: t\n";
    let size = 200_000;
    let repeat = |text: &str| text.repeat(size / text.len());
    for body in [
        repeat("**a** "),
        repeat("<div><!--\n\n") + "x" + &" ".repeat(size),
        format!("#### Stage Questions\n{}", repeat("- [ ] q\r")),
        format!("#### Stage Questions\n{}", repeat("- [ ] q\n")),
        repeat("### Stage 1: x\r"),
        repeat("###### Thread 1: x\r"),
        repeat("> "),
        repeat("- "),
        repeat("["),
        repeat("*_"),
        repeat("<!--"),
        repeat("`a"),
        repeat("![a]("),
        repeat("@agent:x "),
        repeat("**Summary:** "),
        repeat("**Agent:** a\n\n"),
    ] {
        let workspace = Workspace::with_plan(&(head.to_owned() + &body));
        let answer: Value = workspace.serve().answer("workstream_status", &json!({}));
        assert!(answer.to_string().len() < 100_000, "{:.60}: {} bytes", body, answer.to_string().len());
        let seen = workspace.work(&["validate"]);
        assert!(seen.lines().count() < 1_000, "{:.60}: {} lines", body, seen.lines().count());
    }
}
