//! Plans of other programs: a tasks.md of spec-kit, a tasks.json of task-master (DESIGN §3a).

use serde_json::{Value, json};

use crate::support::{Workspace, session};

const TASKS_MD: &str = "\
# Tasks: Lending desk

**Input**: Design documents from `/specs/004-lending-desk/`

## Format: `[ID] [P?] [Story] Description`

- **[P]**: Can run in parallel

## Phase 1: Setup (Shared Infrastructure)

**Purpose**: A place to work

- [X] T001 Create the crate per plan.md
- [ ] T002 [P] Configure clippy in `clippy.toml`
- [ ] T003 [P] Configure rustfmt in `rustfmt.toml`
- [ ] T004 Build once and fix what is found

**Checkpoint**: It builds.

## Phase 2: User Story 1 - Lend a book (Priority: P1) 🎯 MVP

**Goal**: A reader takes a book home.

### Tests for User Story 1

- [ ] T005 [P] [US1] Test the loan in tests/lend.rs

### Implementation for User Story 1

- [ ] T006 [US1] Lend in src/desk.rs (depends on T005)

## Notes

- Commit often
";

const TASKS_JSON: &str = r#"{
  "master": {
    "tasks": [
      {"id": 1, "title": "Read the feed", "description": "Fetch and parse it.", "status": "done", "dependencies": [], "priority": "high"},
      {"id": 2, "title": "Keep it", "description": "In a file.", "status": "in-progress", "dependencies": [1], "priority": "low",
       "testStrategy": "Restart and look.", "subtasks": [{"id": 1, "title": "Write", "status": "done"}, {"id": 2, "title": "Read", "status": "pending"}]},
      {"id": 3, "title": "Show it", "description": "As a page.", "status": "pending", "dependencies": [1], "priority": "high"},
      {"id": 4, "title": "Share it", "description": "By mail.", "status": "pending", "dependencies": [2, 3]},
      {"id": 5, "title": "Print it", "description": "On paper.", "status": "cancelled", "dependencies": [3]}
    ],
    "metadata": {"created": "2026-01-02T03:04:05Z", "description": "A reader of feeds"}
  },
  "mobile": {"tasks": [{"id": 1, "title": "Swipe"}], "metadata": {}}
}
"#;

#[test]
fn a_feature_of_spec_kit_becomes_a_plan_that_runs() {
    let workspace = Workspace::empty();
    workspace.work(&["init"]);
    workspace.write("specs/004-lending-desk/tasks.md", TASKS_MD);
    workspace.write("specs/004-lending-desk/spec.md", "# Feature: Lending desk\n");
    workspace.write("specs/004-lending-desk/contracts/desk.yaml", "openapi: 3.1.0\n");
    insta::assert_snapshot!(session(&workspace, &[
        "work init",
        "work list",
        "work import specs/004-lending-desk",
        "work import specs/004-lending-desk/tasks.md",
        "work validate",
        "work tree",
        "work approve plan",
    ]), @r#"
    $ work init
    exit 0
    workspace [workspace]
      kept     work/index.json
      kept     work/agents.yaml
    Next: work import specs/004-lending-desk/tasks.md
    $ work list
    exit 0
    no workstreams yet
    Next: work import specs/004-lending-desk/tasks.md
    $ work import specs/004-lending-desk
    exit 0
    001-lending-desk is made of specs/004-lending-desk/tasks.md, and is the current workstream
    threads: 5 pending, 1 completed

    Not carried over; it stays where it was:
      - the section "Format: `[ID] [P?] [Story] Description`" (1 line)

    Next: work validate, then work approve plan
    $ work import specs/004-lending-desk/tasks.md
    exit 1
    stderr: error: there is a workstream 001-lending-desk already
    stderr: Hint: choose another name, or go on with it: work current --set 001-lending-desk
    $ work validate
    exit 0
    work/001-lending-desk/PLAN.md: no problems in 2 stages, 3 batches, 6 threads
    $ work tree
    exit 0
    001-lending-desk  Lending desk (the plan is not approved)
    ├─ Stage 1: Setup (Shared Infrastructure)  1/4
    │  └─ 01.01 Setup (Shared Infrastructure)  1/4
    │     ├─ [x] 01.01.01 T001 Create the crate per plan.md           default
    │     ├─ [ ] 01.01.02 T002 Configure clippy in clippy.toml        default
    │     ├─ [ ] 01.01.03 T003 Configure rustfmt in rustfmt.toml      default
    │     └─ [ ] 01.01.04 T004 Build once and fix what is found       default  waits for 01.01.02, 01.01.03
    └─ Stage 2: User Story 1 - Lend a book (Priority: P1) 🎯 MVP  0/2
       ├─ 02.01 Tests for User Story 1  0/1
       │  └─ [ ] 02.01.01 T005 Test the loan in tests/lend.rs         default
       └─ 02.02 Implementation for User Story 1  0/1
          └─ [ ] 02.02.01 T006 Lend in src/desk.rs (depends on T005)  default
    $ work approve plan
    exit 0
    the plan of 001-lending-desk is approved: 2 stages, 3 batches, 6 threads
    Next: let a planner execute batch 01.01: /execute-next-batch
    "#);
    assert_eq!(workspace.read("specs/004-lending-desk/tasks.md"), TASKS_MD, "the original is kept");
    let plan = workspace.read("work/001-lending-desk/PLAN.md");
    assert!(
        plan.contains("- imported from `specs/004-lending-desk/tasks.md`\n- `specs/004-lending-desk/spec.md`\n"),
        "{plan}"
    );
    let threads: Value = serde_json::from_str(&workspace.read("work/001-lending-desk/threads.json")).unwrap();
    let first = &threads["threads"][0];
    assert_eq!((&first["threadId"], &first["status"]), (&json!("01.01.01"), &json!("completed")));
    assert_eq!(first["report"], "done in specs/004-lending-desk/tasks.md before the import");
    // What was done is not handed out; what may run at once is; the rest waits.
    let next = workspace.serve().answer("next_batch", &json!({}));
    assert_eq!(next["dispatch"], json!(["01.01.02", "01.01.03"]));
    assert_eq!(next["waiting"][0]["thread_id"], "01.01.04");
    assert_eq!(next["stage"]["name"], "Setup (Shared Infrastructure)");
}

#[test]
fn tasks_of_task_master_become_a_plan_that_runs() {
    let workspace = Workspace::empty();
    workspace.work(&["init"]);
    workspace.write(".taskmaster/tasks/tasks.json", TASKS_JSON);
    insta::assert_snapshot!(session(&workspace, &[
        "work list",
        "work import .taskmaster --tag web",
        "work import .taskmaster --name \"Feed reader\"",
        "work import .taskmaster/tasks/tasks.json --name feed-reader",
        "work import .taskmaster/tasks/tasks.json --tag mobile",
        "work current --set feed-reader",
        "work validate",
        "work tree",
        "work approve plan",
    ]), @r#"
    $ work list
    exit 0
    no workstreams yet
    Next: work import .taskmaster/tasks/tasks.json
    $ work import .taskmaster --tag web
    exit 2
    stderr: error: .taskmaster has no tag "web"
    stderr: Hint: choose one by --tag: master, mobile
    $ work import .taskmaster --name "Feed reader"
    exit 0
    001-feed-reader is made of .taskmaster/tasks/tasks.json, and is the current workstream
    threads: 3 pending, 1 completed, 1 cancelled

    Not carried over; it stays where it was:
      - the status "in-progress" of 2: pending here
      - the statuses of 2 subtasks: boxes in the details of their threads
      - the metadata: created
      - the tag mobile (1 task): import it with --tag

    Next: work validate, then work approve plan
    $ work import .taskmaster/tasks/tasks.json --name feed-reader
    exit 1
    stderr: error: there is a workstream 001-feed-reader already
    stderr: Hint: choose another name, or go on with it: work current --set 001-feed-reader
    $ work import .taskmaster/tasks/tasks.json --tag mobile
    exit 0
    002-mobile is made of .taskmaster/tasks/tasks.json, and is the current workstream
    threads: 1 pending

    Not carried over; it stays where it was:
      - the tag master (5 tasks): import it with --tag

    Next: work validate, then work approve plan
    $ work current --set feed-reader
    exit 0
    001-feed-reader
    $ work validate
    exit 0
    work/001-feed-reader/PLAN.md: no problems in 1 stage, 3 batches, 5 threads
    $ work tree
    exit 0
    001-feed-reader  Feed reader (the plan is not approved)
    └─ Stage 1: Tasks  2/5
       ├─ 01.01 Read the feed  1/1
       │  └─ [x] 01.01.01 Read the feed  default
       ├─ 01.02 Level 2 of 3  0/2
       │  ├─ [ ] 01.02.01 Show it        default
       │  └─ [ ] 01.02.02 Keep it        default
       └─ 01.03 Level 3 of 3  1/2
          ├─ [ ] 01.03.01 Share it       default
          └─ [-] 01.03.02 Print it       default
    $ work approve plan
    exit 0
    the plan of 001-feed-reader is approved: 1 stage, 3 batches, 5 threads
    Next: let a planner execute batch 01.02: /execute-next-batch
    "#);
    assert_eq!(workspace.read(".taskmaster/tasks/tasks.json"), TASKS_JSON, "the original is kept");
    let mut server = workspace.serve();
    let next = server.answer("next_batch", &json!({}));
    // Batch 01.01 was done before. The thread with the higher priority is the first of the next one.
    assert_eq!((&next["batch"]["id"], &next["dispatch"]), (&json!("01.02"), &json!(["01.02.01", "01.02.02"])));
    assert_eq!(next["threads"][0]["name"], "Show it");
    let brief = server.answer("read_thread", &json!({"thread_id": "01.02.02"}));
    let details = brief["details"].as_str().unwrap();
    assert!(
        details.contains("**Test strategy**\n\nRestart and look.") && details.contains("- [x] 2.1 Write"),
        "{details}"
    );
}

#[test]
fn what_is_nothing_of_these_is_refused_with_what_can_be_imported() {
    let workspace = Workspace::empty();
    workspace.work(&["init"]);
    workspace.write("notes/tasks.md", "# Tasks\n\n- [ ] buy milk\n");
    workspace.write("notes/tasks.json", "{\"version\": \"2.0.0\", \"tasks\": [{\"label\": \"build\"}]}");
    workspace.write("empty.json", "{\"master\": {\"tasks\": [], \"metadata\": {}}}");
    workspace.write("half.json", "{\"tasks\": [\n<<<<<<< HEAD");
    workspace.write("twice.json", "{\"tasks\": [{\"title\": \"a\", \"title\": \"b\"}]}");
    workspace.write("two.json", "{\"a\": {\"tasks\": [{\"title\": \"x\"}]}, \"b\": {\"tasks\": [{\"title\": \"y\"}]}}");
    workspace.write("specs/001-x/tasks.md", TASKS_MD);
    workspace.write("binary.md", b"- [ ] T001 \xff\xfe\0");
    insta::assert_snapshot!(session(&workspace, &[
        "work import nowhere.md",
        "work import notes",
        "work import notes/tasks.md",
        "work import empty.json",
        "work import half.json",
        "work import twice.json",
        "work import two.json",
        "work import specs/001-x --tag master",
        "work import --tag master",
        "work import binary.md",
        "work list",
    ]), @r#"
    $ work import nowhere.md
    exit 2
    stderr: error: there is no nowhere.md
    stderr: Hint: name a tasks.md of spec-kit with tasks such as `- [ ] T001 Do it`, a tasks.json of task-master, a folder with one of them, or a folder with stages/*/PLAN.md
    $ work import notes
    exit 2
    stderr: error: notes is nothing that can be imported
    stderr: Hint: name a tasks.md of spec-kit with tasks such as `- [ ] T001 Do it`, a tasks.json of task-master, a folder with one of them, or a folder with stages/*/PLAN.md
    $ work import notes/tasks.md
    exit 2
    stderr: error: notes/tasks.md is nothing that can be imported
    stderr: Hint: name a tasks.md of spec-kit with tasks such as `- [ ] T001 Do it`, a tasks.json of task-master, a folder with one of them, or a folder with stages/*/PLAN.md
    $ work import empty.json
    exit 2
    stderr: error: empty.json has no tasks
    stderr: Hint: name a tasks.md of spec-kit with tasks such as `- [ ] T001 Do it`, a tasks.json of task-master, a folder with one of them, or a folder with stages/*/PLAN.md
    $ work import half.json
    exit 4
    stderr: error: [workspace]/half.json:2:1: expected value
    stderr: Hint: fix the file, or restore it from git; it was left as it is
    $ work import twice.json
    exit 4
    stderr: error: [workspace]/twice.json: the key "title" stands here twice
    stderr: Hint: fix the file, or restore it from git; it was left as it is
    $ work import two.json
    exit 2
    stderr: error: two.json has 2 tags
    stderr: Hint: choose one by --tag: a, b
    $ work import specs/001-x --tag master
    exit 2
    stderr: error: specs/001-x has no tags
    stderr: Hint: leave --tag out: only a tasks.json of task-master has tags
    $ work import --tag master
    exit 2
    stderr: error: the following required arguments were not provided:
    stderr:   <PATH>
    stderr: 
    stderr: Usage: work import --tag <NAME> <PATH>
    stderr: 
    stderr: For more information, try '--help'.
    $ work import binary.md
    exit 4
    stderr: error: [workspace]/binary.md:1:12: it is not UTF-8
    stderr: Hint: fix the file, or restore it from git; it was left as it is
    $ work list
    exit 0
    no workstreams yet
    Next: work import specs/001-x/tasks.md
    "#);
}

#[test]
fn a_plan_without_a_workspace_is_not_imported() {
    let workspace = Workspace::empty();
    workspace.write("specs/001-x/tasks.md", TASKS_MD);
    insta::assert_snapshot!(workspace.work(&["import", "specs/001-x"]), @"
    exit 3
    stderr: error: no work/index.json and no work/*/PLAN.md in [workspace] or above it
    stderr: Hint: run it inside the repository, name the folder that holds work/ by --root, or make one with work init
    ");
}

#[test]
fn answers_for_programs_have_the_same_facts() {
    let workspace = Workspace::empty();
    workspace.work(&["init"]);
    workspace.write("plans/tasks.md", "# Tasks\n- [x] T001 Done before\n- [ ] T002 Open\n");
    let imported: Value = serde_json::from_str(&workspace.stdout(&["import", "plans", "--json"])).unwrap();
    assert_eq!(
        imported,
        json!({
            "workstream": "001-plans", "from": "plans/tasks.md", "unchanged": false,
            "threads": {"pending": 1, "completed": 1}, "executed": null, "left": [],
        })
    );
}
