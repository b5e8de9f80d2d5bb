use super::*;
use crate::format::task_master::read;
use crate::plan::{Plan, compose, fitted, parse};

const SOURCE: Source<'_> = Source { path: ".taskmaster/tasks/tasks.json", name: "task-master", documents: &[] };

fn mapped(text: &str) -> (Mapped, String, Plan) {
    let mapped = from_task_master(&read(text).unwrap().unwrap(), 0, SOURCE);
    let text = compose(&fitted(mapped.plan.clone()));
    let plan = parse(&text);
    let forbidding: Vec<_> = plan.problems.iter().filter(|problem| problem.kind.forbids_approval()).collect();
    assert!(forbidding.is_empty(), "{forbidding:?}\n{text}");
    assert_eq!(plan.threads().count(), mapped.statuses.len());
    (mapped, text, plan)
}

fn names(plan: &Plan) -> Vec<String> {
    let name = |thread: &crate::plan::Thread| thread.name.clone();
    plan.batches()
        .map(|batch| format!("{} {}", batch.id, batch.threads.iter().map(name).collect::<Vec<_>>().join(" ")))
        .collect()
}

const READER: &str = r###"{
  "master": {
    "tasks": [
      {"id": 1, "title": "Read the feed", "description": "Fetch and parse it.", "status": "done", "dependencies": [],
       "priority": "high", "details": "- retry\n- cache", "testStrategy": "Unit tests with files.",
       "subtasks": [
         {"id": 1, "title": "Fetch", "description": "Over HTTP.", "status": "done", "dependencies": []},
         {"id": 2, "title": "Parse", "details": "## Dates\n\nAll of them.", "dependencies": [1], "status": "in-progress"}]},
      {"id": 2, "title": "Keep it", "description": "In a file.", "status": "in-progress", "dependencies": [1], "priority": "low", "complexity": 3},
      {"id": 3, "title": "Show it", "description": "", "status": "pending", "dependencies": ["1", 9]},
      {"id": 4, "title": "Share it", "description": "By mail.", "status": "deferred", "dependencies": [2]},
      {"id": 5, "title": "Count shares", "description": "Per day.", "status": "pending", "dependencies": [4, 3]},
      {"id": 6, "title": "Old idea", "description": "No more.", "status": "cancelled", "dependencies": []}
    ],
    "metadata": {"created": "2026-01-02T03:04:05Z", "description": "A reader of feeds"}
  },
  "mobile": {"tasks": [{"id": 1, "title": "Swipe"}], "metadata": {}}
}"###;

#[test]
fn tasks_are_threads_in_the_order_of_what_they_depend_on() {
    let (mapped, text, _) = mapped(READER);
    insta::assert_snapshot!(text, @"
    # Plan: task-master

    ## Summary

    A reader of feeds

    ## References

    - imported from `.taskmaster/tasks/tasks.json`, tag master

    ## Stages

    ### Stage 01: Tasks

    #### Stage Definition

    The tasks of `.taskmaster/tasks/tasks.json`, tag master.

    #### Stage Batches

    ##### Batch 01: Level 1 of 2

    What depends on nothing.

    ###### Thread 01: Read the feed

    **Summary:** Fetch and parse it.

    **Details:**

    - retry
    - cache

    **Test strategy**

    Unit tests with files.

    **Subtasks**, in this order unless they say otherwise:

    - [x] 1.1 Fetch

    Over HTTP.

    - [ ] 1.2 Parse (in-progress, after 1)

    ```text
    ## Dates

    All of them.
    ```

    Id 1 in `.taskmaster/tasks/tasks.json`, priority high.

    ###### Thread 02: Old idea

    **Summary:** No more.

    **Details:**

    Id 6 in `.taskmaster/tasks/tasks.json`.

    ##### Batch 02: Level 2 of 2

    What depends only on the batches before it.

    ###### Thread 01: Show it

    **Summary:** Show it

    **Details:**

    Id 3 in `.taskmaster/tasks/tasks.json`.

    ###### Thread 02: Keep it

    **Summary:** In a file.

    **Details:**

    Id 2 in `.taskmaster/tasks/tasks.json`, priority low.

    ### Stage 02: Deferred

    #### Stage Definition

    The tasks that are deferred in `.taskmaster/tasks/tasks.json`, and those that depend on them.

    #### Stage Batches

    ##### Batch 01: Share it

    ###### Thread 01: Share it

    **Summary:** By mail.

    **Details:**

    Id 4 in `.taskmaster/tasks/tasks.json`.

    ##### Batch 02: Count shares

    ###### Thread 01: Count shares

    **Summary:** Per day.

    **Details:**

    Id 5 in `.taskmaster/tasks/tasks.json`.
    ");
    insta::assert_debug_snapshot!(mapped.left, @r#"
    [
        "that 3 depends on 9: there is no such task",
        "the status \"deferred\" of 4: pending here, in the last stage",
        "the status \"in-progress\" of 2: pending here",
        "the statuses of 2 subtasks: boxes in the details of their threads",
        "the field \"complexity\" of 1 task",
        "the metadata: created",
        "the tag mobile (1 task): import it with --tag",
    ]
    "#);
}

#[test]
fn circles_unknown_ids_and_ids_twice_are_told() {
    let text = r#"{"tasks": [
        {"id": 1, "title": "A", "dependencies": [3]}, {"id": 2, "title": "B", "dependencies": [1]},
        {"id": 3, "title": "C", "dependencies": [2, 3]}, {"id": 4, "title": "D", "dependencies": [3, "x.1"]},
        {"id": 5, "title": "E"}, {"id": 5, "title": "F"}, {"id": 6, "title": "G", "dependencies": ["5.2"]},
        {"title": "H", "dependencies": [6], "subtasks": [{"id": 1, "title": "s", "dependencies": ["4.1", 1]}]}]}"#;
    let (mapped, _, plan) = mapped(text);
    assert_eq!(names(&plan), ["01.01 A E F", "01.02 B G", "01.03 C", "01.04 D", "01.05 H"]);
    insta::assert_debug_snapshot!(mapped.left, @r#"
    [
        "2 tasks have the id 5: each is a thread, and what depends on 5 waits for all",
        "1 task has no id, so nothing can wait for it",
        "that 4 depends on x.1: there is no such task",
        "that 1 depends on 3: they wait for each other",
        "that 3 depends on itself",
        "the statuses of 1 subtask: boxes in the details of their threads",
    ]
    "#);
}

#[test]
fn hostile_titles_and_texts_are_kept() {
    let text = r#"{"tasks": [
        {"id": 1, "title": "Stage 2: ### @agent:me\n**Files:** `x`", "description": "- [ ] Task 1.2: go\n\n```", "details": "<!-- x\n###### Thread 9: T",
         "testStrategy": "**Check:** `rm -rf /`", "subtasks": [{"id": 1, "title": "**After:** 01.01.01", "details": "@agent:me"}]},
        {"id": 2, "title": "", "description": ""}, {"id": 3, "title": "...", "description": "..."}]}"#;
    let (_, text, plan) = mapped(text);
    let first = plan.threads().next().unwrap();
    assert!(first.agent.is_none() && first.checks.is_empty() && first.files.is_empty() && first.after.is_empty());
    for kept in [
        "- [ ] Task 1.2: go\n\n```",
        "<!-- x\n###### Thread 9: T",
        "**Check:** `rm -rf /`",
        "**After:** 01.01.01",
        "@agent:me",
    ] {
        assert!(format!("{}\n{}", first.summary, first.details).contains(kept), "{kept}\n{text}");
    }
}

#[test]
fn many_tasks_without_order_are_split() {
    let task = |id: usize| format!(r#"{{"id": {id}, "title": "T{id}"}}"#);
    let tasks: Vec<String> = (1..=250).map(task).collect();
    let (_, _, plan) = mapped(&format!(r#"{{"tasks": [{}]}}"#, tasks.join(",")));
    let sizes: Vec<usize> = plan.batches().map(|batch| batch.threads.len()).collect();
    assert_eq!(sizes, [99, 99, 52]);
}
