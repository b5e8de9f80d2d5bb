//! A workstream of release 0.1.0 in the middle of its execution: an open cycle, a running attempt, an open
//! reassignment, and the hash of an approved plan whose text was not kept.

use serde_json::json;

use crate::support::{Workspace, session};

const PLAN: &str = "work/001-billing/PLAN.md";

#[test]
fn a_workstream_of_the_release_before_goes_on() {
    let workspace = Workspace::copied_from("release-0.1.0");
    let mut server = workspace.serve();
    let next = server.answer("next_batch", &json!({}));
    // Its server is gone. The next one takes the cycle over, the running attempt is interrupted, and budgets do not
    // change.
    assert_eq!((&next["cycle"], &next["resumed"]), (&json!(1), &json!(true)));
    assert_eq!(next["dispatch"], json!(["01.01.03"]));
    assert_eq!(next["failover"][0]["action"], "reassign");
    server.answer("update_thread", &json!({"thread_id": "1.1.3", "status": "in_progress", "attempt": 2}));

    // The plan is edited while a worker runs: its report counts, and nothing new is handed out.
    let plan = workspace.read(PLAN);
    workspace.write(PLAN, plan.replace("Per country.", "Per country and year.").replace("03: Rates", "03: Tax rates"));
    let gated = server.answer("next_batch", &json!({}));
    assert_eq!((&gated["dispatch"], &gated["gate_command"]), (&json!([]), &json!("!work approve plan")));
    server.answer(
        "update_thread",
        &json!({"thread_id": "1.1.3", "status": "completed", "report": "Rates.", "attempt": 2}),
    );
    let renamed = "work approve plan --map 01.01.03=01.01.03";
    let commands = ["work diff", "work approve plan", renamed, "work tree", "work diff"];
    insta::assert_snapshot!(session(&workspace, &commands), @r#"
    $ work diff
    exit 0
    the text that was approved is not known here (.PLAN.approved.md is missing, or
    of another approval): PLAN.md is compared with the names that were recorded
    added 01.01.03 "Tax rates" (pending)
    unclear 01.01.03 "Rates" (completed) can be 01.01.03 "Tax rates": say which
        with --map 01.01.03=NEW, --map 01.01.03=- if it left the plan, or --keep-ids
    $ work approve plan
    exit 1
    stderr: error: PLAN.md has other threads than those that were recorded, the text that was approved is not known here, and it cannot be told where the records of 1 thread belong: 01.01.03 "Rates" (completed) can be 01.01.03 "Tax rates"
    stderr: Hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.03=-; or --keep-ids
    $ work approve plan --map 01.01.03=01.01.03
    exit 0
    the text that was approved is not known here (.PLAN.approved.md is missing, or
    of another approval): PLAN.md is compared with the names that were recorded
    renamed 01.01.03 "Tax rates", called "Rates" before (completed, 2 attempts)

    the plan of 001-billing is approved: 2 stages, 2 batches, 4 threads
    Next: a planner executes batch 01.01
    $ work tree
    exit 0
    001-billing  Billing (approved)
    ├─ Stage 1: Ledger  2/3
    │  └─ 01.01 Base  2/3
    │     ├─ [x] 01.01.01 Accounts   system-engineer-codex
    │     ├─ [ ] 01.01.02 Postings   system-engineer-opus reassign
    │     └─ [x] 01.01.03 Tax rates  default #2
    └─ Stage 2: Invoices  0/1
       └─ 02.01 Page  0/1
          └─ [ ] 02.01.01 Layout     frontend-designer-gemini
    $ work diff
    exit 0
    001-billing: PLAN.md is the text that was approved
    "#);
    let kept = workspace.read("work/001-billing/.PLAN.approved.md");
    assert_eq!(kept, workspace.read(PLAN), "from the first approval on, word for word");

    // The second approval compares with the text of the first one.
    workspace.write(PLAN, kept.replace("###### Thread 01: Accounts", "###### Thread 09: Accounts"));
    insta::assert_snapshot!(session(&workspace, &["work approve plan", "work tree"]), @r#"
    $ work approve plan
    exit 0
    moved 01.01.01 "Accounts" to 01.01.09 (completed, 1 attempt): its record
        moves along

    --- approved
    +++ PLAN.md
    @@ -9,5 +9,5 @@
     ##### Batch 01: Base

    -###### Thread 01: Accounts @agent:system-engineer-codex
    +###### Thread 09: Accounts @agent:system-engineer-codex

     **Summary:** The accounts.

    the plan of 001-billing is approved: 2 stages, 2 batches, 4 threads
    Next: a planner executes batch 01.01
    $ work tree
    exit 0
    001-billing  Billing (approved)
    ├─ Stage 1: Ledger  2/3
    │  └─ 01.01 Base  2/3
    │     ├─ [ ] 01.01.02 Postings   system-engineer-opus reassign
    │     ├─ [x] 01.01.03 Tax rates  default #2
    │     └─ [x] 01.01.09 Accounts   system-engineer-codex
    └─ Stage 2: Invoices  0/1
       └─ 02.01 Page  0/1
          └─ [ ] 02.01.01 Layout     frontend-designer-gemini
    "#);
    let assigned = server.answer("assign_thread", &json!({"thread_id": "1.1.2"}));
    assert_eq!(assigned["agent"], "system-engineer-codex");
}

#[test]
fn an_approval_without_a_text_is_kept_by_approving_again() {
    let workspace = Workspace::copied_from("release-0.1.0");
    let approved = workspace.read("work/index.json");
    assert!(workspace.stdout(&["approve", "plan"]).contains("is approved: "));
    assert_eq!(workspace.read("work/001-billing/.PLAN.approved.md"), workspace.read(PLAN));
    assert_ne!(workspace.read("work/index.json"), approved);
    assert!(workspace.stdout(&["approve", "plan"]).contains("approved already"));
    // A lost or damaged approved text is ignored, and another approval writes it again.
    workspace.write("work/001-billing/.PLAN.approved.md", "<<<<<<< HEAD\n");
    assert!(workspace.stdout(&["approve", "plan"]).contains("is approved: "));
    assert_eq!(workspace.read("work/001-billing/.PLAN.approved.md"), workspace.read(PLAN));
    // After a merge of two approvals, the answer says with which text the plan is compared.
    workspace.write("work/001-billing/.PLAN.approved.md", "<<<<<<< HEAD\n");
    workspace.write(PLAN, workspace.read(PLAN) + "\nMerged.\n");
    for command in ["diff", "approve plan"] {
        let said = workspace.stdout(&command.split(' ').collect::<Vec<_>>()).replace('\n', " ");
        assert!(said.contains("text that was approved is not known here"), "{said}");
        assert!(said.contains("compared with the names that were recorded"), "{said}");
    }
    workspace.write("work/001-billing/.PLAN.approved.md", "x".repeat(8 * 1024 * 1024 + 1));
    let refused = session(&workspace, &["work approve plan"]);
    assert!(refused.contains("it has 8388609 bytes, the limit is 8388608"), "{refused}");
}

#[test]
fn an_approval_of_other_line_ends_counts() {
    let workspace = Workspace::copied_from("release-0.1.0");
    workspace.stdout(&["approve", "plan"]);
    for path in [PLAN, "work/001-billing/.PLAN.approved.md"] {
        workspace.write(path, workspace.read(path).replace('\n', "\r\n"));
    }
    assert!(workspace.work(&["status"]).contains("Billing (approved)"));
    assert!(workspace.stdout(&["approve", "plan"]).contains("approved already"));
    // A later plan is compared with that text.
    workspace.write(PLAN, workspace.read(PLAN).replace("Thread 01: Accounts", "Thread 09: Accounts"));
    assert!(workspace.stdout(&["diff"]).contains("moved 01.01.01 \"Accounts\" to 01.01.09"));
}
