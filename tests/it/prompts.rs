//! The prompts, as clients of both eras fetch them.

use serde_json::json;

use crate::eras::modern_meta;
use crate::support::{PLAN, Workspace};

#[test]
fn prompts_are_templates_in_both_eras() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    let listed = server.request("prompts/list", &json!({}));
    insta::assert_snapshot!(serde_json::to_string_pretty(&listed["result"]).unwrap(), @r#"
    {
      "prompts": [
        {
          "name": "execute-next-batch",
          "title": "Execute the next batch",
          "description": "Execute the next incomplete batch with planner-led subagents"
        },
        {
          "name": "implement-thread",
          "title": "Implement a thread",
          "description": "Run one thread of a batch and report on it",
          "arguments": [
            {
              "name": "thread_id",
              "description": "The thread, such as 01.02.03.",
              "required": true
            },
            {
              "name": "attempt",
              "description": "The number of the attempt.",
              "required": false
            },
            {
              "name": "workstream",
              "description": "The workstream that it stands in.",
              "required": false
            }
          ]
        },
        {
          "name": "write-plan",
          "title": "Write a plan",
          "description": "Write the PLAN.md of a workstream so that it validates at once",
          "arguments": [
            {
              "name": "topic",
              "description": "What to plan.",
              "required": false
            }
          ]
        }
      ]
    }
    "#);
    // OpenCode asks with placeholders and fills them in itself.
    let asked = json!({"name": "implement-thread", "arguments": {"thread_id": "$1", "attempt": "$2"}});
    let got = server.request("prompts/get", &asked);
    let message = &got["result"]["messages"][0];
    assert_eq!(message["role"], "user");
    let text = message["content"]["text"].as_str().unwrap();
    assert!(text.ends_with("\n\nthread_id: $1\nattempt: $2\n"), "{text}");
    let got = server.request("prompts/get", &json!({"name": "execute-next-batch"}));
    insta::assert_snapshot!(got["result"]["messages"][0]["content"]["text"].as_str().unwrap(), @r#"
    You are the planner of a workstream, its only one. Execute its next incomplete batch with the `work` tools, then stop. Calling these tools and launching workers is what you are asked to do, also in plan mode; you do not edit files yourself.

    1. Call `next_batch`, and name the `workstream` that it answers in every later call. With `held_by`, `awaiting_approval` or `no_incomplete_batch` touch nothing and go to step 5; else with an empty `dispatch` to step 4.
    2. A thread's `agent` is its worker's profile. If you have no such profile, first call `assign_thread` with one that you have, of the same family if you can.
    3. Launch one worker for each thread in `dispatch`, all in one answer, in parallel. Tell each: "Thread ID, attempt N of workstream W. Call read_thread, do what it says and nothing else, and report with update_thread and the attempt. Name thread and workstream in every call."
    4. When all have ended, call `batch_outcome`. It is your answer (step 5) once its `batch_completion_status` is no longer `in_progress` and `failover` names nothing that you would still carry out. Else, thread by thread:
       - waits for others, as a warning says: call `next_batch` again when those are complete.
       - else still `pending` or `in_progress`, and not in `failover`: its worker is lost. Call `update_thread` with `failed`, its attempt and the reason, and carry out the decision. `transient`: only a timeout, a crash or a lost connection. If none was launched: call `next_batch` again.
       - `retry`: launch it again. `reassign`: call `assign_thread`, then launch it with the agent that it answers. For a `blocked` thread judge first whether another agent would help: an unclear plan needs a person.
       - nothing more to try: report it `blocked`, with the reason and what it depends on.

       Then repeat step 4. Try nothing else.
    5. Answer with
       - `batch_completion_status`,
       - `outcomes` as a JSON array, exactly as it was returned (`[]` where there is none),
       - `fallback_threads`: those that nobody named an agent for, run by `default`,
       - the blocked threads with their reasons, and what `warnings` says was not there,
       - `gate_command`, else `next_user_command`, word for word: the person runs it. You cannot pass a gate.

    Never answer with nothing.
    "#);
    let modern = workspace.start().request("prompts/list", &json!({"_meta": modern_meta()}));
    assert_eq!(modern["result"]["prompts"], listed["result"]["prompts"]);
    let asked = json!({"name": "execute-next-batch", "_meta": modern_meta()});
    let modern = workspace.start().request("prompts/get", &asked);
    assert_eq!(modern["result"]["resultType"], "complete", "{modern}");
}

#[test]
fn a_prompt_needs_no_workspace() {
    let workspace = Workspace::empty();
    let mut server = workspace.serve();
    let got = server.request("prompts/get", &json!({"name": "execute-next-batch"}));
    assert!(got["result"]["messages"][0]["content"]["text"].is_string(), "{got}");
}

#[test]
fn wrong_requests_are_told_what_is_wrong() {
    let workspace = Workspace::with_plan(PLAN);
    let mut server = workspace.serve();
    let error = |server: &mut crate::support::Server, params: serde_json::Value| {
        let answer = server.request("prompts/get", &params);
        (answer["error"]["code"].clone(), answer["error"]["message"].as_str().unwrap().to_owned())
    };
    for (params, expected) in [
        (
            json!({"name": "execute"}),
            "there is no prompt \"execute\"; the prompts are execute-next-batch, implement-thread, write-plan",
        ),
        (json!({"name": "implement-thread"}), "implement-thread needs thread_id"),
        (json!({"name": 1}), "malformed params for prompts/get"),
        (json!({}), "malformed params for prompts/get"),
    ] {
        assert_eq!(error(&mut server, params), (json!(-32602), expected.to_owned()));
    }
}
