//! `work hook`, as the hooks of hosts call it.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::json;

use crate::support::Workspace;

fn hook(workspace: &Workspace, event: &str, input: &[u8]) -> Output {
    let mut command = workspace.command(&["hook", event]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Returns the exit code, and what the model is told.
fn told(output: &Output) -> (i32, String) {
    assert!(output.stdout.is_empty());
    (output.status.code().unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn a_gate_is_refused_and_everything_else_passes() {
    let workspace = Workspace::empty();
    let call = |command: &str| json!({"tool_name": "Bash", "tool_input": {"command": command}}).to_string();
    let seen = |text: &str| told(&hook(&workspace, "pre-tool", text.as_bytes()));
    insta::assert_snapshot!(seen(&call("W=work; $W approve plan")).1, @"error: this would run `work approve`, which is a person's decision, so it was not run. Do not try it in another way: name the command to the person, and stop.");
    assert_eq!(seen(&call("W=work; $W approve plan")).0, 2);
    insta::assert_snapshot!(seen(&call("echo '{}' > work/index.json")).1, @"error: this would change work/index.json, which keeps what a person approved. Leave it, and ask the person.");
    assert_eq!(seen(&call("git commit -m 'document work approve plan'")), (0, String::new()));
    // A hook that cannot read what it is given must not stop all work.
    for broken in ["", "no JSON", "[1]"] {
        let (code, told) = seen(broken);
        assert!(code == 0 && told.starts_with("note: work hook lets this through: "), "{told}");
    }
    assert_eq!(told(&hook(&workspace, "pre-tool", b"\xff\xfe")).0, 0);
}

/// The parser takes very long for some texts, and very deep for others. The host runs what a hook that crashed was asked.
#[test]
fn any_command_gets_an_answer() {
    let workspace = Workspace::empty();
    let ends = |command: &str| {
        let call = json!({"tool_name": "Bash", "tool_input": {"command": command}}).to_string();
        told(&hook(&workspace, "pre-tool", call.as_bytes())).0
    };
    let loops = format!("{}work complete{}", "while :; do ".repeat(600), "; done".repeat(600));
    assert_eq!(ends(&loops), 2);
    assert_eq!(ends(&format!("{}work complete", "((".repeat(16))), 2);
    for text in [
        "((((".repeat(5_000),
        "$(".repeat(5_000),
        "sh -c '".repeat(2_000),
        "case a in a) ".repeat(18),
        "coproc ".repeat(700),
        format!("[[ {}a ]]", "! ".repeat(9_000)),
        "x='eval $x; eval $x; eval $x; eval $x'; eval $x".to_owned(),
        format!("A=aaaaaaaaaa; {}", "A=$A$A; ".repeat(40)),
        "for i in 1 2 3 4 5 6 7 8 9 10; do ".repeat(8) + "A=$A$A$i; " + &"done; ".repeat(8),
    ] {
        assert_eq!(ends(&text), 0, "{}", &text[..12]);
    }
}

#[test]
fn a_worker_without_a_report_is_held_once() {
    let workspace = Workspace::with_plan(crate::support::PLAN);
    workspace.stdout(&["approve", "plan"]);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let start = json!({"thread_id": "01.01.01", "attempt": 1, "status": "in_progress"});
    let line =
        json!({"message": {"content": [{"type": "tool_use", "name": "mcp__work__update_thread", "input": start}]}});
    workspace.write("transcript.jsonl", format!("{line}\n"));
    let transcript = workspace.root().join("transcript.jsonl");
    let stop = |was_held: bool| json!({"agent_transcript_path": transcript, "stop_hook_active": was_held}).to_string();
    let seen = |text: &str| told(&hook(&workspace, "subagent-stop", text.as_bytes()));
    // The worker says that it starts, and does not.
    assert_eq!(seen(&stop(false)), (0, String::new()));
    server.answer("update_thread", &start);
    let (code, told) = seen(&stop(false));
    assert_eq!(code, 2);
    insta::assert_snapshot!(told, @"error: attempt 1 of thread 01.01.01 has no report. Call update_thread with thread_id 01.01.01, attempt 1 and completed, blocked or failed, and a report of 1-2 sentences. Then end.");
    assert_eq!(seen(&stop(true)), (0, String::new()));
    // Somebody else has reported on it.
    server.answer(
        "update_thread",
        &json!({"thread_id": "1.1.1", "status": "failed", "report": "gone", "transient": true}),
    );
    assert_eq!(seen(&stop(false)), (0, String::new()));
    // A workspace that is broken holds nobody.
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    workspace.write("work/001-search/threads.json", "<<<<<<< ours");
    let (code, told) = seen(&stop(false));
    assert!(code == 0 && told.starts_with("note: work hook lets this through: "), "{told}");
    for event in [json!({}), json!({"transcript_path": "/no/such/file"}), json!([])] {
        assert_eq!(seen(&event.to_string()).0, 0, "{event}");
    }
}

#[test]
fn a_host_is_told_in_its_own_form() {
    let workspace = Workspace::with_plan(crate::support::PLAN);
    workspace.stdout(&["approve", "plan"]);
    let mut server = workspace.serve();
    server.answer("next_batch", &json!({}));
    let start = json!({"thread_id": "01.01.01", "attempt": 1, "status": "in_progress"});
    server.answer("update_thread", &start);
    // Copilot has one transcript for all agents, and writes it late.
    let line = |agent: &str| {
        json!({"type": "tool.execution_start", "agentId": agent,
            "data": {"toolName": "work-update_thread", "arguments": start}})
        .to_string()
    };
    let transcript = workspace.root().join("late.jsonl");
    let (path, late) = (transcript.clone(), line("one"));
    let writer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(200));
        std::fs::write(path, late).unwrap();
    });
    let stop = |agent: &str| json!({"transcriptPath": transcript, "agentId": agent, "sessionId": "s"}).to_string();
    let output = hook(&workspace, "subagent-stop", stop("one").as_bytes());
    writer.join().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["decision"], "block");
    assert!(answer["reason"].as_str().unwrap().starts_with("attempt 1 of thread 01.01.01 has no report."), "{answer}");
    assert_eq!(hook(&workspace, "subagent-stop", stop("another").as_bytes()).status.code(), Some(0));
    let gate = |more: &str| format!(r#"{{"toolName":"bash","toolArgs":{{"command":"work complete"}}{more}}}"#);
    let output = hook(&workspace, "pre-tool", gate("").as_bytes());
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &answer["permissionDecision"]), (Some(2), &json!("deny")));
    // Cursor counts what it is told only where the hook did not fail.
    let output = hook(&workspace, "pre-tool", gate(r#","cursor_version":"3.9""#).as_bytes());
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &answer["permission"]), (Some(0), &json!("deny")));
    assert!(answer["agent_message"].as_str().unwrap().contains("a person's decision"), "{answer}");
}

#[test]
fn a_worker_has_no_use_for_a_planners_tool() {
    let workspace = Workspace::with_plan(crate::support::PLAN);
    let call = |tool: &str, agent: &str| {
        json!({"tool_name": format!("mcp__work__{tool}"), "tool_input": {}, "agent_id": "a1", "agent_type": agent,
            "cwd": workspace.root()})
        .to_string()
    };
    let seen = |text: &str| told(&hook(&workspace, "pre-tool", text.as_bytes()));
    let (code, told) = seen(&call("next_batch", "default"));
    assert_eq!(code, 2);
    insta::assert_snapshot!(told, @"error: next_batch is a planner's tool, and default is a worker: call read_thread and update_thread, and no other tool of this server.");
    for fine in [call("update_thread", "default"), call("next_batch", "some-planner")] {
        assert_eq!(seen(&fine), (0, String::new()), "{fine}");
    }
}
