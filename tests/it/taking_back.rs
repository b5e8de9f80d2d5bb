//! Revocations by a person: of approvals, assignments and a completion.

use serde_json::{Value, json};

use crate::support::{PLAN, Workspace, session, without_times};

#[test]
fn a_gate_that_is_revoked_shuts() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.write("work/index.json", r#"{"streams": [{"id": "001-search", "name": "search", "note": 1.50}]}"#);
    let gate = |workspace: &Workspace| {
        let next = workspace.serve().answer("next_batch", &json!({}));
        json!([next["batch_completion_status"], next["gate_command"], next["warnings"]])
    };
    let seen = session(&workspace, &["work approve plan --revoke", "work approve plan"]);
    assert!(seen.contains("nothing to revoke"), "{seen}");
    assert_eq!(gate(&workspace)[0], "in_progress");
    insta::assert_snapshot!(session(&workspace, &[
        "work approve plan --revoke --reason \"the API changes first\"",
        "work approve plan --revoke",
        "work update --thread 1.1.1 --status in_progress",
        "work status",
        "work approve plan --force --revoke",
        "work approve plan --reason x",
    ]), @r#"
    $ work approve plan --revoke --reason "the API changes first"
    exit 0
    the approval of the plan of 001-search is revoked
    What already runs may still report; nothing new is handed out behind this gate
    $ work approve plan --revoke
    exit 0
    the plan of 001-search is not approved: nothing to revoke
    $ work update --thread 1.1.1 --status in_progress
    exit 1
    stderr: error: the approval of the plan was revoked
    stderr: Hint: a person runs work approve plan
    $ work status
    exit 0
    001-search  Search (the approval of the plan was revoked)
    [workspace]
    Next: work approve plan

    Stage 1: Index  [          ] 0/3
      01.01  Storage  2 pending
      01.02  Queries  1 pending

    Stage 2: API  [          ] 0/1
      02.01  Routes   1 pending

    Warnings
      the approval of the plan was revoked: the API changes first
    $ work approve plan --force --revoke
    exit 2
    stderr: error: the argument '--force' cannot be used with '--revoke'
    stderr: 
    stderr: Usage: work approve plan --force
    stderr: 
    stderr: For more information, try '--help'.
    $ work approve plan --reason x
    exit 2
    stderr: error: the following required arguments were not provided:
    stderr:   --revoke
    stderr: 
    stderr: Usage: work approve plan --revoke --reason <TEXT>
    stderr: 
    stderr: For more information, try '--help'.
    "#);
    insta::assert_snapshot!(gate(&workspace), @r#"["awaiting_approval","!work approve plan",["the approval of the plan was revoked: the API changes first"]]"#);
    without_times().bind(|| {
        insta::assert_snapshot!(workspace.read("work/index.json"), @r#"
        {
          "last_updated": "[time]",
          "streams": [
            {
              "id": "001-search",
              "name": "search",
              "approval": {
                "status": "revoked",
                "approved_at": "[time]",
                "approved_by": "ann",
                "revoked_at": "[time]",
                "revoked_by": "ann",
                "revoked_reason": "the API changes first",
                "plan_hash": "85420bd6e6117e251d6090e14292bb938f9b1cd3e274e905c1642a3af9312db6"
              },
              "updated_at": "[time]",
              "note": 1.50
            }
          ]
        }
        "#);
    });
    // Another approval removes everything that the revocation wrote.
    workspace.work(&["approve", "plan"]);
    let index = workspace.read("work/index.json");
    assert!(!index.contains("revoked"), "{index}");
    // The same for a stage: attempts that run may report, later batches wait.
    session(&workspace, &["work approve stage 1 --force"]);
    workspace.work(&["update", "--thread", "2.1.1", "--status", "in_progress"]);
    insta::assert_snapshot!(session(&workspace, &[
        "work approve stage 1 --revoke --reason \"limits were missed\"",
        "work approve stage 1 --revoke",
        "work update --thread 2.1.1 --status blocked --report x",
        "work update --thread 2.1.1 --status in_progress",
        "work approve stage 7 --revoke",
    ]), @r#"
    $ work approve stage 1 --revoke --reason "limits were missed"
    exit 0
    the approval of stage 1 of 001-search is revoked
    What already runs may still report; nothing new is handed out behind this gate
    $ work approve stage 1 --revoke
    exit 0
    stage 1 of 001-search is not approved: nothing to revoke
    $ work update --thread 2.1.1 --status blocked --report x
    exit 0
    02.01.01 of 001-search is blocked, attempt 1
    No attempt is left in this cycle
    $ work update --thread 2.1.1 --status in_progress
    exit 1
    stderr: error: stage 1 is complete and not approved
    stderr: Hint: a person runs work approve stage 1
    $ work approve stage 7 --revoke
    exit 3
    stderr: error: PLAN.md has no stage 7
    stderr: Hint: use one of 1, 2
    "#);
    insta::assert_snapshot!(gate(&workspace), @r#"["awaiting_approval","!work approve stage 1",["the approval of stage 1 was revoked: limits were missed"]]"#);
}

#[test]
fn a_plan_without_an_entry_gets_a_gate_when_it_is_revoked() {
    let workspace = Workspace::with_plan(PLAN);
    assert!(
        workspace
            .work(&["approve", "plan", "--revoke"])
            .starts_with("exit 0\nthe approval of the plan of 001-search is revoked")
    );
    let next = workspace.serve().answer("next_batch", &json!({}));
    assert_eq!((&next["gate_command"], &next["dispatch"]), (&json!("!work approve plan"), &json!([])));
}

#[test]
fn an_assignment_that_is_cleared_leaves_the_plans_agent() {
    let workspace = Workspace::with_plan(PLAN);
    let before = "work assign --thread 1.1.1 --agent ann";
    insta::assert_snapshot!(session(&workspace, &[
        before,
        "work assign --thread 1.1.1 --clear",
        "work assign --thread 1.1.1 --clear",
        "work assign --thread 1.1.2 --agent ann",
        "work update --thread 1.1.2 --status in_progress",
        "work assign --thread 1.1.2 --clear",
        "work update --thread 1.1.2 --status blocked --report x",
        "work assign --thread 1.1.2 --clear",
        "work update --thread 1.1.2 --status completed --report x",
        "work assign --thread 1.1.2 --clear",
        "work assign --list",
        "work assign --thread 1.1.1",
        "work assign --agent ann",
        "work assign --thread 1.1.1 --list",
    ]), @"
    $ work assign --thread 1.1.1 --agent ann
    exit 0
    01.01.01 of 001-search is assigned to ann (pending, attempt 1)
    $ work assign --thread 1.1.1 --clear
    exit 0
    01.01.01 of 001-search is assigned to system-engineer-codex (pending, attempt 1)
    $ work assign --thread 1.1.1 --clear
    exit 0
    01.01.01 of 001-search is assigned to system-engineer-codex (pending, attempt 1)
    $ work assign --thread 1.1.2 --agent ann
    exit 0
    01.01.02 of 001-search is assigned to ann (pending, attempt 1)
    $ work update --thread 1.1.2 --status in_progress
    exit 0
    01.01.02 of 001-search is in_progress, attempt 1
    $ work assign --thread 1.1.2 --clear
    exit 2
    stderr: error: 01.01.02 is in progress: ann runs it
    stderr: Hint: wait for its report, or give it to another agent
    $ work update --thread 1.1.2 --status blocked --report x
    exit 0
    01.01.02 of 001-search is blocked, attempt 1
    Next: work assign --thread 01.01.02 --agent default
    $ work assign --thread 1.1.2 --clear
    exit 0
    01.01.02 of 001-search is assigned to default (pending, attempt 2)
    $ work update --thread 1.1.2 --status completed --report x
    exit 0
    01.01.02 of 001-search is completed, attempt 2
    $ work assign --thread 1.1.2 --clear
    exit 1
    stderr: error: 01.01.02 is completed and cannot become assigned
    stderr: Hint: a person can reset it to pending: work update --thread 01.01.02 --status pending --force
    $ work assign --list
    exit 0
    [ ] 01.01.01 Schema  system-engineer-codex  plan
    [x] 01.01.02 Rows    default                default
    [ ] 01.02.01 Parser  default                default
    [ ] 02.01.01 Routes  default                default
    $ work assign --thread 1.1.1
    exit 2
    stderr: error: the following required arguments were not provided:
    stderr:   <--agent <NAME>|--clear|--list>
    stderr: 
    stderr: Usage: work assign --thread <ID> <--agent <NAME>|--clear|--list> [THREAD]
    stderr: 
    stderr: For more information, try '--help'.
    $ work assign --agent ann
    exit 2
    stderr: error: the following required arguments were not provided:
    stderr:   <THREAD|--thread <ID>>
    stderr: 
    stderr: Usage: work assign <--agent <NAME>|--clear|--list> <THREAD|--thread <ID>>
    stderr: 
    stderr: For more information, try '--help'.
    $ work assign --thread 1.1.1 --list
    exit 2
    stderr: error: the argument '--list' cannot be used with:
    stderr:   [THREAD]
    stderr:   --thread <ID>
    stderr: 
    stderr: Usage: work assign <--agent <NAME>|--clear|--list> [THREAD]
    stderr: 
    stderr: For more information, try '--help'.
    ");
    let threads: Value = workspace.threads();
    assert!(threads["threads"][0].get("assignedAgent").is_none(), "{threads}");
}

#[test]
fn a_completed_workstream_is_opened_again() {
    let workspace =
        Workspace::with_plan("# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n###### Thread 1: T\n");
    insta::assert_snapshot!(session(&workspace, &[
        "work update --thread 1.1.1 --status completed --report \"- a dash\n- and another\"",
        "work approve stage 1",
        "work complete",
        "work complete",
        "work update --thread 1.1.1 --status pending --force",
        "work update --thread 1.1.1 --status in_progress",
        "work complete --revoke",
        "work complete --revoke",
        "work update --thread 1.1.1 --status in_progress",
    ]), @r#"
    $ work update --thread 1.1.1 --status completed --report "- a dash
    - and another"
    exit 0
    01.01.01 of 001-search is completed, attempt 1
    $ work approve stage 1
    exit 0
    stage 1 of 001-search is approved
    Next: work complete
    $ work complete
    exit 0
    001-search is completed
    $ work complete
    exit 0
    001-search was completed already
    $ work update --thread 1.1.1 --status pending --force
    exit 0
    01.01.01 of 001-search is pending, attempt 2
    $ work update --thread 1.1.1 --status in_progress
    exit 1
    stderr: error: batch 01.01 belongs to a workstream that is completed
    stderr: Hint: a person can reopen it: work complete --revoke
    $ work complete --revoke
    exit 0
    001-search is open again
    $ work complete --revoke
    exit 0
    001-search is not completed: nothing to revoke
    $ work update --thread 1.1.1 --status in_progress
    exit 0
    01.01.01 of 001-search is in_progress, attempt 2
    "#);
}
