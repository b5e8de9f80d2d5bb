//! `work init --opencode` in projects that have a configuration already.

use crate::support::{Workspace, data, session};

fn team() -> String {
    std::fs::read_to_string(data().join("opencode/team.jsonc")).unwrap()
}

#[test]
fn a_project_without_a_set_up_gets_one() {
    let workspace = Workspace::empty();
    insta::assert_snapshot!(session(&workspace, &["work init --opencode", "work init --opencode"]), @"
    $ work init --opencode
    exit 0
    workspace [workspace]
      created  work/index.json
      created  work/agents.yaml
      created  .opencode/agent/default.md
      created  .opencode/agent/system-engineer-codex.md
      created  .opencode/agent/system-engineer-opus.md
      created  .opencode/agent/frontend-designer-opus.md
      created  .opencode/agent/frontend-designer-gemini.md
      created  .opencode/command/execute-next-batch.md
      created  .opencode/command/write-plan.md
      created  .agents/skills/implementing-workstreams/SKILL.md
      created  .opencode/plugin/work.js
      created  opencode.json
    OpenCode: start `opencode` in this folder; `opencode mcp list` shows the server
    Next: work create NAME --stages N
    $ work init --opencode
    exit 0
    workspace [workspace]
      kept     work/index.json
      kept     work/agents.yaml
      kept     .opencode/agent/default.md
      kept     .opencode/agent/system-engineer-codex.md
      kept     .opencode/agent/system-engineer-opus.md
      kept     .opencode/agent/frontend-designer-opus.md
      kept     .opencode/agent/frontend-designer-gemini.md
      kept     .opencode/command/execute-next-batch.md
      kept     .opencode/command/write-plan.md
      kept     .agents/skills/implementing-workstreams/SKILL.md
      kept     .opencode/plugin/work.js
      kept     opencode.json
    OpenCode: start `opencode` in this folder; `opencode mcp list` shows the server
    Next: work create NAME --stages N
    ");
    insta::assert_snapshot!(workspace.read("opencode.json"), @r#"
    {
      "$schema": "https://opencode.ai/config.json",
      "mcp": {
        "work": {
          "type": "local",
          "command": ["work", "mcp"],
          "environment": {},
          "enabled": true
        }
      },
      "permission": {
        "bash": {
          "*work approve *": "deny",
          "*work archive*": "deny",
          "*work complete*": "deny",
          "*work delete*": "deny",
          "*work release*": "deny",
          "*work retry*": "deny",
          "*work store p*": "deny",
          "*work -*approve*": "deny",
          "*work -* complete*": "deny",
          "*work -* release*": "deny",
          "*work -* retry*": "deny",
          "*work -* store p*": "deny",
          "*work *update *--force*": "deny",
          "*work *assign *--force*": "deny",
          "*work init *--remove*": "deny",
          "*workstream-mcp* archive*": "deny",
          "*workstream-mcp* complete*": "deny",
          "*workstream-mcp* delete*": "deny",
          "*workstream-mcp* release*": "deny",
          "*workstream-mcp* retry*": "deny",
          "* approve plan*": "deny",
          "* approve stage*": "deny"
        }
      }
    }
    "#);
    insta::assert_snapshot!(workspace.read(".opencode/agent/system-engineer-codex.md"), @r#"
    ---
    description: "Backend engineer: APIs, databases, algorithms, tests"
    mode: subagent
    permission:
      "work_*": deny
      "work_read_thread": allow
      "work_update_thread": allow
    ---

    You run one thread of a plan. You were told its id, the number of your attempt, and the workstream: name id and workstream in every call.

    1. Call `work_read_thread` with the id: it has what to do, the plan and its conventions, what the stage and the batch are about, who works beside you, what was done and tried before, and the attempt, if you were told none. What was cut stands in `more`: ask for it with `section`.
    2. Call `work_update_thread` with `in_progress` and your attempt. If it is refused, stop and say why.
    3. Do the work of this thread, and no other's: others work beside you in the same repository. Where the project has @agent/skills/implementing-workstreams/SKILL.md, or a skill of that name that says more than this, follow it. In long work call `work_update_thread` with `in_progress` and one line on where you are.
    4. End with one `work_update_thread` with your attempt:
       - `completed`, with a report of 1-2 sentences, at most 240 characters, `artifacts` (paths or links) and `next_steps` that are left. If you worked in a git worktree, pass its absolute path as `directory`. On `check_failed` do what it says, and report again;
       - `blocked`, when it cannot be done, with the reason and what it depends on;
       - `failed`, when your run broke; `transient` true only for a timeout, a crash or a lost connection.

    Your last message repeats the report: it is all that the planner sees.
    "#);
    insta::assert_snapshot!(workspace.read(".opencode/command/execute-next-batch.md"), @r#"
    ---
    description: Execute the next incomplete batch with planner-led subagents
    agent: plan
    subtask: false
    ---

    You are the planner of a workstream, its only one. Execute its next incomplete batch with the `work` tools, then stop. Calling these tools and launching workers is what you are asked to do, also in plan mode; you do not edit files yourself.

    1. Call `work_next_batch`, and name the `workstream` that it answers in every later call. With `held_by`, `awaiting_approval` or `no_incomplete_batch` touch nothing and go to step 5; else with an empty `dispatch` to step 4.
    2. A thread's `agent` is its worker's profile. If you have no such profile, first call `work_assign_thread` with one that you have, of the same family if you can.
    3. Launch one worker for each thread in `dispatch`, all in one answer, in parallel. Tell each: "Thread ID, attempt N of workstream W. Call work_read_thread, do what it says and nothing else, and report with work_update_thread and the attempt. Name thread and workstream in every call."
    4. When all have ended, call `work_batch_outcome`. It is your answer (step 5) once its `batch_completion_status` is no longer `in_progress` and `failover` names nothing that you would still carry out. Else, thread by thread:
       - waits for others, as a warning says: call `work_next_batch` again when those are complete.
       - else still `pending` or `in_progress`, and not in `failover`: its worker is lost. Call `work_update_thread` with `failed`, its attempt and the reason, and carry out the decision. `transient`: only a timeout, a crash or a lost connection. If none was launched: call `work_next_batch` again.
       - `retry`: launch it again. `reassign`: call `work_assign_thread`, then launch it with the agent that it answers. For a `blocked` thread judge first whether another agent would help: an unclear plan needs a person.
       - nothing more to try: report it `blocked`, with the reason and what it depends on.

       Then repeat step 4. Try nothing else.
    5. Answer with
       - `batch_completion_status`,
       - `outcomes` as a JSON array, exactly as it was returned (`[]` where there is none),
       - `fallback_threads`: those that nobody named an agent for, run by `default`,
       - the blocked threads with their reasons, and what `warnings` says was not there,
       - `gate_command`, else `next_user_command`, word for word: the person runs it. You cannot pass a gate.

    Never answer with nothing.

    $ARGUMENTS
    "#);
}

#[test]
fn a_set_up_with_comments_keeps_them() {
    let workspace = Workspace::empty();
    workspace.write("opencode.jsonc", team());
    workspace.write(".opencode/agents/default.md", "---\ndescription: Ours\nmode: subagent\n---\nBe nice.\n");
    workspace.write(".opencode/commands/execute-next-batch.md", "---\nagent: plan\n---\nOurs.\n");
    workspace.write("work/agents.yaml", "agents: [{name: default}, {name: system-engineer-opus}, {name: writer}]\n");
    insta::assert_snapshot!(session(&workspace, &["work init --opencode"]), @"
    $ work init --opencode
    exit 0
    workspace [workspace]
      created  work/index.json
      created  .opencode/agents/writer.md
      created  .opencode/commands/write-plan.md
      created  .agents/skills/implementing-workstreams/SKILL.md
      created  .opencode/plugin/work.js
      changed  opencode.jsonc
                 + mcp.work
                 + permission.bash (22 rules)
                 + agent.default.permission
                 + agent.system-engineer-opus.permission
      kept     work/agents.yaml
      kept     .opencode/agents/default.md  (not as it is written now)
      kept     .opencode/commands/execute-next-batch.md  (not as it is written now)
    OpenCode: start `opencode` in this folder; `opencode mcp list` shows the server
    Next: work create NAME --stages N
    ");
    let text = workspace.read("opencode.jsonc");
    insta::assert_snapshot!(difference(&team(), &text), @r#"
    @@ -19,2 +19,8 @@
     		"docs": { "type": "remote", "url": "https://docs.example.com/mcp" },
    +		"work": {
    +			"type": "local",
    +			"command": ["work", "mcp"],
    +			"environment": {},
    +			"enabled": true,
    +		},
     	},
    @@ -29,2 +35,24 @@
     			"rm *": "deny", // once was enough
    +			"*work approve *": "deny",
    +			"*work archive*": "deny",
    +			"*work complete*": "deny",
    +			"*work delete*": "deny",
    +			"*work release*": "deny",
    +			"*work retry*": "deny",
    +			"*work store p*": "deny",
    +			"*work -*approve*": "deny",
    +			"*work -* complete*": "deny",
    +			"*work -* release*": "deny",
    +			"*work -* retry*": "deny",
    +			"*work -* store p*": "deny",
    +			"*work *update *--force*": "deny",
    +			"*work *assign *--force*": "deny",
    +			"*work init *--remove*": "deny",
    +			"*workstream-mcp* archive*": "deny",
    +			"*workstream-mcp* complete*": "deny",
    +			"*workstream-mcp* delete*": "deny",
    +			"*workstream-mcp* release*": "deny",
    +			"*workstream-mcp* retry*": "deny",
    +			"* approve plan*": "deny",
    +			"* approve stage*": "deny",
     		},
    @@ -35,3 +63,15 @@
     			"model": "anthropic/claude-opus-4-5",
    -			"permission": { "edit": "allow" }
    +			"permission": {
    +				"work_*": "deny",
    +				"edit": "allow",
    +				"work_read_thread": "allow",
    +				"work_update_thread": "allow"
    +			}
    +		},
    +		"default": {
    +			"permission": {
    +				"work_*": "deny",
    +				"work_read_thread": "allow",
    +				"work_update_thread": "allow"
    +			}
     		}
    "#);
    assert_eq!(
        workspace.read(".opencode/agents/default.md"),
        "---\ndescription: Ours\nmode: subagent\n---\nBe nice.\n"
    );
    assert!(workspace.read(".opencode/agents/writer.md").contains("\"work_*\": deny\n"));
    insta::assert_snapshot!(session(&workspace, &["work init --opencode"]), @"
    $ work init --opencode
    exit 0
    workspace [workspace]
      kept     work/index.json
      kept     work/agents.yaml
      kept     .opencode/agents/default.md  (not as it is written now)
      kept     .opencode/agents/writer.md
      kept     .opencode/commands/execute-next-batch.md  (not as it is written now)
      kept     .opencode/commands/write-plan.md
      kept     .agents/skills/implementing-workstreams/SKILL.md
      kept     .opencode/plugin/work.js
      kept     opencode.jsonc
    OpenCode: start `opencode` in this folder; `opencode mcp list` shows the server
    Next: work create NAME --stages N
    ");
    assert_eq!(workspace.read("opencode.jsonc"), text, "a second run changes nothing");
}

#[test]
fn of_two_files_the_one_that_wins_is_changed() {
    let workspace = Workspace::empty();
    let server = "{\"mcp\": {\"work\": {\"type\": \"local\", \"command\": [\"/opt/work\", \"mcp\"]}}}\n";
    workspace.write("opencode.json", server);
    workspace.write("opencode.jsonc", "// empty\r\n{\r\n}\r\n");
    assert!(
        workspace
            .work(&["init", "--opencode"])
            .contains("changed  opencode.jsonc\n             + $schema\n             + permission.bash (22 rules)\n")
    );
    assert_eq!(workspace.read("opencode.json"), server);
    let text = workspace.read("opencode.jsonc");
    assert!(text.starts_with("// empty\r\n{") && !text.contains("\"mcp\""), "{text}");
    assert!(
        text.lines().count() > 18 && text.split('\n').all(|line| line.is_empty() || line.ends_with('\r')),
        "{text:?}"
    );
}

#[test]
fn a_set_up_that_cannot_be_read_is_left_alone() {
    let workspace = Workspace::empty();
    workspace.write("opencode.json", "{\n  \"mcp\": {,}\n}\n");
    insta::assert_snapshot!(session(&workspace, &["work init --opencode"]), @"
    $ work init --opencode
    exit 4
    stderr: error: opencode.json:2:11: Unexpected token in object
    stderr: Hint: fix the file, or restore it from git; it was left as it is
    ");
    assert_eq!(workspace.read("opencode.json"), "{\n  \"mcp\": {,}\n}\n");
    assert!(!workspace.root().join(".opencode").exists(), "nothing else was written either");
}

#[test]
fn strange_names_of_agents_make_no_files() {
    let workspace = Workspace::empty();
    workspace.write("work/agents.yaml", "agents: [{name: ../../evil}, {name: 'a b'}, {name: team/ann}]\n");
    insta::assert_snapshot!(session(&workspace, &["work init --opencode"]), @r#"
    $ work init --opencode
    exit 0
    workspace [workspace]
      created  work/index.json
      created  .opencode/agent/team/ann.md
      created  .opencode/command/execute-next-batch.md
      created  .opencode/command/write-plan.md
      created  .agents/skills/implementing-workstreams/SKILL.md
      created  .opencode/plugin/work.js
      created  opencode.json
      kept     work/agents.yaml
    warning: "../../evil" cannot be the name of an agent's file: make one by hand
    warning: "a b" cannot be the name of an agent's file: make one by hand
    OpenCode: start `opencode` in this folder; `opencode mcp list` shows the server
    Next: work create NAME --stages N
    "#);
    assert!(workspace.root().join(".opencode/agent/team/ann.md").exists());
}

/// Returns the lines that only one of the two texts has.
fn difference(before: &str, after: &str) -> String {
    let difference = similar::TextDiff::from_lines(before, after);
    difference.unified_diff().context_radius(1).to_string()
}
