//! Workstreams that other versions of this family made: tasks.json (0.3), a plan per stage (0.9).

use serde_json::{Value, json};

use crate::support::{Workspace, session, without_times};

#[test]
fn tasks_are_read_as_threads_and_imported() {
    let workspace = Workspace::copied_from("tasks");
    let tasks = workspace.read("work/000-search-api/tasks.json");
    let seen = session(&workspace, &["work tree", "work import", "work import", "work status"]);
    // How long ago that was grows.
    let (before, after) = seen.split_once(" UTC (").unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    insta::assert_snapshot!(format!("{before} UTC\n{after}"), @"
    $ work tree
    exit 0
    000-search-api  Search Api (approved)
    ├─ Stage 1: Foundation  3/5
    │  ├─ 01.01 Ground work  2/2
    │  │  ├─ [x] 01.01.01 Index schema    systems-engineer #2
    │  │  └─ [x] 01.01.02 Article reader  default
    │  └─ 01.02 Build  1/3
    │     ├─ [!] 01.02.01 First build     default
    │     ├─ [~] 01.02.02 Follow changes  frontend-speedster #1
    │     └─ [x] 01.02.03 Compaction      default
    └─ Stage 2: Endpoint  0/1
       └─ 02.01 HTTP  0/1
          └─ [ ] 02.01.01 GET /search     frontend-speedster
    $ work import
    exit 0
    work/000-search-api/threads.json has what work/000-search-api/tasks.json says
    threads: 1 pending, 1 in progress, 3 completed, 1 blocked

    Not carried over; it stays where it was:
      - the names and times of 11 tasks of 6 threads: each thread is one now, and
        its report names what is open

    Next: work status
    $ work import
    exit 0
    work/000-search-api/threads.json has all that work/000-search-api/tasks.json says already
    $ work status
    exit 0
    000-search-api  Search Api (approved)
    [workspace]
    Next: let a planner execute batch 01.02: /execute-next-batch

    Blocked
      01.02.01  First build  default #1
                Segments are built.
                The store refuses reads of more than 100 MB.
                Open tasks: Resume after a stop; Measure the build.

    In progress
      01.02.02  Follow changes  frontend-speedster #1
                since 2026-11-22 15:38 UTC
                order is by sequence number

    Stage 1: Foundation  [======    ] 3/5
      01.01  Ground work  2 completed
    > 01.02  Build        1 completed, 1 in progress, 1 blocked

    Stage 2: Endpoint  [          ] 0/1
      02.01  HTTP         1 pending
    ");
    assert_eq!(workspace.read("work/000-search-api/tasks.json"), tasks, "the original is kept");
    let threads = workspace.read("work/000-search-api/threads.json");
    without_times().bind(|| {
        insta::assert_snapshot!(threads, @r#"
        {
          "version": "1.0.0",
          "stream_id": "000-search-api",
          "last_updated": "[time]",
          "threads": [
            {
              "threadId": "01.01.01",
              "threadName": "Index schema",
              "stageName": "Foundation",
              "batchName": "Ground work",
              "status": "completed",
              "assignedAgent": "systems-engineer",
              "report": "Title, body, tags.\n\nWeights 3, 1, 2.",
              "sessions": [
                {
                  "sessionId": "ses_4134023a1ffe1",
                  "agentName": "systems-engineer",
                  "model": "anthropic/claude-opus-4-5",
                  "startedAt": "[time]",
                  "status": "failed",
                  "completedAt": "[time]",
                  "exitCode": 1
                },
                {
                  "sessionId": "ses_4134023a1ffe2",
                  "agentName": "systems-engineer",
                  "model": "anthropic/claude-opus-4-5",
                  "startedAt": "[time]",
                  "status": "completed",
                  "completedAt": "[time]",
                  "exitCode": 0
                }
              ],
              "promptPath": "000-search-api/prompts/01-foundation/01-ground-work/index-schema.md",
              "updatedAt": "[time]",
              "synthesis": {
                "sessionId": "ses_syn1",
                "output": "Both tasks are done.",
                "completedAt": "[time]"
              }
            },
            {
              "threadId": "01.01.02",
              "threadName": "Article reader",
              "stageName": "Foundation",
              "batchName": "Ground work",
              "status": "completed",
              "assignedAgent": "default",
              "report": "Pages of 500.",
              "sessions": [],
              "promptPath": "000-search-api/prompts/01-foundation/01-ground-work/article-reader.md",
              "updatedAt": "[time]"
            },
            {
              "threadId": "01.02.01",
              "threadName": "First build",
              "stageName": "Foundation",
              "batchName": "Build",
              "status": "blocked",
              "report": "Segments are built.\n\nThe store refuses reads of more than 100 MB.\n\nOpen tasks: Resume after a stop; Measure the build.",
              "breadcrumb": "tried 50 MB",
              "sessions": [
                {
                  "sessionId": "ses_mws046o4_d30c9f",
                  "agentName": "default",
                  "model": "anthropic/claude-sonnet-4-5",
                  "startedAt": "[time]",
                  "status": "interrupted",
                  "completedAt": "[time]"
                }
              ],
              "promptPath": "000-search-api/prompts/01-foundation/02-build/first-build.md",
              "updatedAt": "[time]"
            },
            {
              "threadId": "01.02.02",
              "threadName": "Follow changes",
              "stageName": "Foundation",
              "batchName": "Build",
              "status": "in_progress",
              "assignedAgent": "frontend-speedster",
              "report": "Feed is read.\n\nOpen tasks: Apply in order.",
              "breadcrumb": "order is by sequence number",
              "sessions": [
                {
                  "sessionId": "ses_mws046o6_ysdqkl",
                  "agentName": "frontend-speedster",
                  "model": "anthropic/claude-sonnet-4-5",
                  "startedAt": "[time]",
                  "status": "running",
                  "attempt": 1
                }
              ],
              "promptPath": "000-search-api/prompts/01-foundation/02-build/follow-changes.md",
              "updatedAt": "[time]",
              "currentSessionId": "ses_mws046o6_ysdqkl",
              "opencodeSessionId": "ses_413402385ffe4rhZzbpafvjAUc"
            },
            {
              "threadId": "01.02.03",
              "threadName": "Compaction",
              "stageName": "Foundation",
              "batchName": "Build",
              "status": "completed",
              "assignedAgent": "default",
              "sessions": [],
              "promptPath": "000-search-api/prompts/01-foundation/02-build/compaction.md",
              "updatedAt": "[time]"
            },
            {
              "threadId": "02.01.01",
              "threadName": "GET /search",
              "stageName": "Endpoint",
              "batchName": "HTTP",
              "status": "pending",
              "assignedAgent": "frontend-speedster",
              "sessions": [],
              "promptPath": "000-search-api/prompts/02-endpoint/01-http/get--search.md",
              "updatedAt": "[time]"
            }
          ]
        }
        "#);
    });
}

#[test]
fn the_first_change_writes_down_what_was_read_from_tasks() {
    let workspace = Workspace::copied_from("tasks");
    let before = workspace.work(&["tree"]);
    let mut server = workspace.serve();
    assert_eq!(server.answer("read_thread", &json!({"thread_id": "01.01.01"}))["status"], "completed");
    server.answer("update_thread", &json!({"thread_id": "01.02.02", "status": "completed", "report": "done"}));
    drop(server);
    let threads: Value = serde_json::from_str(&workspace.read("work/000-search-api/threads.json")).unwrap();
    let statuses: Vec<&str> =
        threads["threads"].as_array().unwrap().iter().map(|thread| thread["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["completed", "completed", "blocked", "completed", "completed", "pending"]);
    workspace.write("work/000-search-api/tasks.json", "no longer read: not even JSON");
    assert!(workspace.work(&["status"]).contains("tasks.json cannot be read, and is not needed any more"));
    let before =
        before.replace("[~] 01.02.02", "[x] 01.02.02").replace(" #1", "").replace("1/3", "2/3").replace("3/5", "4/5");
    assert_eq!(workspace.work(&["tree"]), before);
}

#[test]
fn tasks_that_cannot_be_read_stop_what_needs_them() {
    let workspace = Workspace::copied_from("tasks");
    workspace.write("work/000-search-api/tasks.json", "{\"tasks\": [\n<<<<<<< HEAD");
    assert!(workspace.serve().call("next_batch", &json!({})).starts_with("error state_unreadable: "));
    assert!(workspace.work(&["import"]).contains("tasks.json:2: it has conflict markers"));
}

#[test]
fn nothing_is_imported_where_there_is_nothing() {
    let workspace = Workspace::copied_from("half-way");
    insta::assert_snapshot!(session(&workspace, &[
        "work import",
        "work import work/nowhere",
        "work import work/002-billing",
    ]), @"
    $ work import
    exit 3
    stderr: error: there are 2 workstreams and none is current
    stderr: Hint: pass --workstream, or run work current --set; there are 001-old, 002-billing
    $ work import work/nowhere
    exit 2
    stderr: error: there is no work/nowhere
    stderr: Hint: name a tasks.md of spec-kit with tasks such as `- [ ] T001 Do it`, a tasks.json of task-master, a folder with one of them, or a folder with stages/*/PLAN.md
    $ work import work/002-billing
    exit 2
    stderr: error: work/002-billing is nothing that can be imported
    stderr: Hint: name a tasks.md of spec-kit with tasks such as `- [ ] T001 Do it`, a tasks.json of task-master, a folder with one of them, or a folder with stages/*/PLAN.md
    ");
}

#[test]
fn a_plan_per_stage_becomes_one_plan() {
    let workspace = Workspace::copied_from("stages");
    insta::assert_snapshot!(session(&workspace, &[
        "work list",
        "work import work/000-search-api",
        "work import work/000-search-api",
        "work validate",
        "work tree",
    ]), @r#"
    $ work list
    exit 0
    no workstreams yet
    Next: work import work/000-search-api
    $ work import work/000-search-api
    exit 0
    001-search-api is made of work/000-search-api, and is the current workstream
    threads: 3 pending, 4 completed, 1 cancelled

    Not carried over; it stays where it was:
      - stages/03: nobody has filled it in; later stages move up, as they did before
      - 1 record of a batch run
      - the approvals: the plan has a new text, and stages are approved again
      - 02.01.01: its state (completed) is of "GET /search", the plan calls it
        "Replay"
      - resources/ (1 file)
      - stages/02/specs/ (1 file)

    Next: work validate, then work approve plan
    $ work import work/000-search-api
    exit 1
    stderr: error: there is a workstream 001-search-api already
    stderr: Hint: choose another name, or go on with it: work current --set 001-search-api
    $ work validate
    exit 0
    work/001-search-api/PLAN.md: no problems in 3 stages, 4 batches, 8 threads
    $ work tree
    exit 0
    001-search-api  Search Api (the plan is not approved)
    ├─ Stage 1: Foundation  5/5
    │  ├─ 01.01 Ground work  2/2
    │  │  ├─ [x] 01.01.01 Index schema    systems-engineer #2
    │  │  └─ [x] 01.01.02 Article reader  default
    │  └─ 01.02 Build  3/3
    │     ├─ [x] 01.02.01 First build     default #2
    │     ├─ [x] 01.02.02 Follow changes  frontend-speedster #2
    │     └─ [-] 01.02.03 Compaction      default #2
    ├─ Stage 2: Load test  0/1
    │  └─ 02.01 Measure  0/1
    │     └─ [ ] 02.01.01 Replay          default
    └─ Stage 3: Endpoint  0/2
       └─ 03.01 HTTP  0/2
          ├─ [ ] 03.01.01 GET /search     default
          └─ [ ] 03.01.02 Rate limit      default
    "#);
    insta::assert_snapshot!(workspace.read("work/001-search-api/PLAN.md"), @"
    # Plan: Search Api

    ## Summary

    People find articles by words, typos included. The search answers within 100 ms on one million articles.

    The old endpoint stays until release 4.

    ## References

    - imported from work/000-search-api

    Stream ID: `000-search-api`

    **Deliverables**

    - `GET /search` with paging and highlights
    - A benchmark that anybody can repeat

    **Dependencies**

    - `src/search.rs`

    **Resources**

    - `resources/query-log.md`
    - `https://example.com/ranking`

    **Stage 1: Foundation**

    - `src/search.rs`
    - resources/query-log.md

    **Stage 2: Load test**

    - `src/search.rs`

    **Stage 3: Endpoint**

    - `src/search.rs`

    ## Stages

    ### Stage 01: Foundation

    #### Stage Definition

    Build the index and the store behind it.

    It has to survive a restart.

    #### Stage Constitution

    **Requirements**

    The index is built from the article store and kept current.

    **Deliverables**

    - An index of all articles
    - A job that follows changes

    **Dependencies**

    - `src/search.rs`

    **Resources**

    - `resources/query-log.md` — the most frequent queries
    - `https://example.com/ranking`

    #### Stage Questions

    - [x] Which tokenizer? The one of the old endpoint.
    - [x] One index per language? Yes.

    #### Stage Batches

    ##### Batch 01: Ground work

    Everything that the rest needs.

    ###### Thread 01: Index schema

    **Summary:**
    Decide fields and their weights.

    **Details:**
    - Fields: title, body, tags
    - Weights come from `resources/query-log.md`

    ```rust
    struct Schema { title: Field }
    ```

    ###### Thread 02: Article reader @agent:systems-engineer

    **Summary:**
    Read the store in pages.

    **Details:**
    Pages of 500 articles. Deleted articles are tombstones.

    ##### Batch 02: Build

    Build the index once and keep it current.

    ###### Thread 01: First build

    **Summary:** Build the index from nothing.

    **Details:** Run by hand, resumable.

    ###### Thread 02: Follow changes

    **Summary:**
    Apply changes within a minute.

    **Details:**
    1. Read the change feed
    2. Apply in order

    ###### Thread 03: Compaction

    **Summary:**
    Merge small segments at night.

    **Details:**
    Only when fewer than 10 queries a second arrive.

    ### Stage 02: Load test

    #### Stage Definition

    Measure the index under load.

    #### Stage Constitution

    **Deliverables**

    - Replace with a concrete stage deliverable

    **Dependencies**

    - `packages/workstreams/src/lib/generate.ts`

    **Resources**

    - `resources/example-notes.md`

    #### Stage Questions

    - [x] How many queries? One million.

    #### Stage Batches

    ##### Batch 01: Measure

    Replay the log.

    ###### Thread 01: Replay

    **Summary:**
    Replay one million queries.

    **Details:**
    From `resources/query-log.md`.

    ### Stage 03: Endpoint

    #### Stage Definition

    Answer queries over HTTP.

    #### Stage Constitution

    **Requirements**

    People can search.

    **Deliverables**

    - The endpoint

    **Dependencies**

    - `src/search.rs`

    **Resources**

    - `resources/query-log.md`

    #### Stage Questions

    - [x] How many results per page? Twenty.

    #### Stage Batches

    ##### Batch 01: HTTP

    The endpoint and its limits.

    ###### Thread 01: GET /search

    **Summary:**
    Parse the query, answer with highlights.

    **Details:**
    Limits as in the old endpoint.

    ###### Thread 02: Rate limit

    **Summary:**
    Ten queries a second per person.

    **Details:**
    A token bucket.
    ");
    let threads: Value = serde_json::from_str(&workspace.read("work/001-search-api/threads.json")).unwrap();
    let first = &threads["threads"][0];
    assert_eq!(first["sessions"].as_array().unwrap().len(), 2);
    assert_eq!((&first["threadName"], &first["status"]), (&json!("Index schema"), &json!("completed")));
    assert!(threads["threads"].as_array().unwrap().iter().all(|thread| thread["threadId"] != "02.01.01"));
    // `next_batch` hands out nothing before a person has approved the new plan.
    let next = workspace.serve().answer("next_batch", &json!({}));
    assert_eq!((&next["gate_command"], &next["dispatch"]), (&json!("!work approve plan"), &json!([])));
}
