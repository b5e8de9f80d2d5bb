use super::*;
use crate::format::spec_kit::read;
use crate::plan::{Plan, compose, fitted, parse};

const SOURCE: Source<'_> = Source { path: "specs/004-desk/tasks.md", name: "desk", documents: &[] };

fn mapped(text: &str) -> (Mapped, String, Plan) {
    let mapped = from_spec_kit(&read(text).unwrap(), SOURCE);
    let text = compose(&fitted(mapped.plan.clone()));
    let plan = parse(&text);
    let forbidding: Vec<_> = plan.problems.iter().filter(|problem| problem.kind.forbids_approval()).collect();
    assert!(forbidding.is_empty(), "{forbidding:?}\n{text}");
    assert_eq!(plan.threads().count(), mapped.statuses.len());
    (mapped, text, plan)
}

/// Returns the threads by the ids of their tasks, each with those that it waits for.
fn waits(plan: &Plan) -> Vec<String> {
    let id = |name: &str| name.split(' ').next().unwrap_or_default().to_owned();
    let batch = |batch: &crate::plan::Batch| {
        let thread = |thread: &crate::plan::Thread| {
            let after: Vec<String> = thread.after.iter().map(|after| id(&batch.thread(*after).unwrap().name)).collect();
            let after = if after.is_empty() { String::new() } else { format!("({})", after.join(" ")) };
            format!("{}{after}", id(&thread.name))
        };
        format!("{} {}", batch.id, batch.threads.iter().map(thread).collect::<Vec<_>>().join(" "))
    };
    plan.batches().map(batch).collect()
}

const DESK: &str = "\
# Tasks: Lending desk

**Input**: Design documents from `/specs/004-desk/`

## Format: `[ID] [P?] [Story] Description`

- **[P]**: Can run in parallel

## Path Conventions

### Layout

- `src/` and `tests/` at the root

## Phase 1: Setup (Shared Infrastructure)

**Purpose**: A place to work

- [X] T001 Create the crate per plan.md
- [ ] T002 Add the logger to `src/log.rs`
- [ ] T003 [P] Configure clippy in `clippy.toml`
- [ ] T004 [P] Configure rustfmt in `rustfmt.toml`

**Checkpoint**: It builds.

## Phase 3: User Story 1 - Lend a book (Priority: P1) 🎯 MVP

**Goal**: A reader takes a book home.

### Tests for User Story 1 ⚠️

> Write these first.

- [ ] T005 [P] [US1] Test the loan in tests/lend.rs
- [ ] T006 [P] [US1] Test the reminder in tests/lend.rs

### Implementation for User Story 1

- [ ] T007 [P] [US1] Model of a loan in src/loan.rs
- [-] T008 [P] [US1] Model of a reader in src/reader.rs (depends on T007)
- [ ] T009 [US1] Lend in src/desk.rs
  **Files**: `src/desk.rs`
  - @ann reviews it

**Checkpoint**: A book can be lent.

---

## Phase 4: User Story 2 - Give it back (Priority: P2)

- [ ] T010 [US2] Return in src/desk.rs

## Dependencies & Execution Order

- T009 blocks T010
- T002 depends on T010

## Notes

- Commit often
";

#[test]
#[expect(clippy::too_many_lines, reason = "a snapshot is read in one piece")]
fn phases_are_stages_and_tasks_are_threads() {
    let (mapped, text, _) = mapped(DESK);
    insta::assert_snapshot!(text, @"
    # Plan: Lending desk

    ## Summary

    **Input**: Design documents from `/specs/004-desk/`

    ## Conventions

    **Path Conventions**

    **Layout**

    - `src/` and `tests/` at the root

    **Notes**

    - Commit often

    ## References

    - imported from `specs/004-desk/tasks.md`

    ## Stages

    ### Stage 01: Setup (Shared Infrastructure)

    #### Stage Definition

    **Purpose**: A place to work

    #### Stage Constitution

    **Checkpoint**: It builds.

    #### Stage Batches

    ##### Batch 01: Setup (Shared Infrastructure)

    ###### Thread 01: T001 Create the crate per plan.md

    **Summary:** Create the crate per plan.md

    **Details:**

    T001 in `specs/004-desk/tasks.md`.

    ###### Thread 02: T002 Add the logger to src/log.rs

    **Summary:** Add the logger to `src/log.rs`

    **Details:**

    T002 in `specs/004-desk/tasks.md`.

    **Files:** `src/log.rs`

    **After:** 01.01.01

    ###### Thread 03: T003 Configure clippy in clippy.toml

    **Summary:** Configure clippy in `clippy.toml`

    **Details:**

    T003 in `specs/004-desk/tasks.md`.

    **Files:** `clippy.toml`

    **After:** 01.01.02

    ###### Thread 04: T004 Configure rustfmt in rustfmt.toml

    **Summary:** Configure rustfmt in `rustfmt.toml`

    **Details:**

    T004 in `specs/004-desk/tasks.md`.

    **Files:** `rustfmt.toml`

    **After:** 01.01.02

    ### Stage 02: Phase 3: User Story 1 - Lend a book (Priority: P1) 🎯 MVP

    #### Stage Definition

    **Goal**: A reader takes a book home.

    #### Stage Constitution

    **Checkpoint**: A book can be lent.

    #### Stage Batches

    ##### Batch 01: Tests for User Story 1 ⚠️

    > Write these first.

    ###### Thread 01: T005 Test the loan in tests/lend.rs

    **Summary:** Test the loan in tests/lend.rs

    **Details:**

    T005 in `specs/004-desk/tasks.md`, US1.

    **Files:** `tests/lend.rs`

    ###### Thread 02: T006 Test the reminder in tests/lend.rs

    **Summary:** Test the reminder in tests/lend.rs

    **Details:**

    T006 in `specs/004-desk/tasks.md`, US1.

    **Files:** `tests/lend.rs`

    **After:** 02.01.01

    ##### Batch 02: Implementation for User Story 1

    ###### Thread 01: T007 Model of a loan in src/loan.rs

    **Summary:** Model of a loan in src/loan.rs

    **Details:**

    T007 in `specs/004-desk/tasks.md`, US1.

    **Files:** `src/loan.rs`

    ###### Thread 02: T008 Model of a reader in src/reader.rs (depends on T007)

    **Summary:** Model of a reader in src/reader.rs (depends on T007)

    **Details:**

    T008 in `specs/004-desk/tasks.md`, US1.

    **Files:** `src/reader.rs`

    **After:** 02.02.01

    ###### Thread 03: T009 Lend in src/desk.rs

    **Summary:** Lend in src/desk.rs

    **Details:**

    T009 in `specs/004-desk/tasks.md`, US1.

    ```text
    **Files**: `src/desk.rs`
    - @ann reviews it
    ```

    **Files:** `src/desk.rs`

    **After:** 02.02.01, 02.02.02

    ### Stage 03: Phase 4: User Story 2 - Give it back (Priority: P2)

    #### Stage Batches

    ##### Batch 01: Phase 4: User Story 2 - Give it back (Priority: P2)

    ###### Thread 01: T010 Return in src/desk.rs

    **Summary:** Return in src/desk.rs

    **Details:**

    T010 in `specs/004-desk/tasks.md`, US2.

    **Files:** `src/desk.rs`
    ");
    insta::assert_debug_snapshot!(mapped.left, @r#"
    [
        "that T002 comes after T010, which stands in a later part of the file",
        "the box [-] of T008: the thread is pending",
        "that T006 may run at once with tasks before them: they name a file of these",
        "that user stories may run at once: stages run one after another",
        "the section \"Format: `[ID] [P?] [Story] Description`\" (1 line)",
        "the section \"Dependencies & Execution Order\" (2 lines)",
    ]
    "#);
    assert_eq!(mapped.statuses.iter().filter(|status| **status == Status::Completed).count(), 1);
}

#[test]
fn the_order_of_the_list_is_kept_and_parallel_tasks_run_at_once() {
    let text = "# Tasks\n## Phase 1: A\n\
                - [ ] T001 [P] a\n- [ ] T002 [P] b\n- [ ] T003 c\n- [ ] T004 [P] d\n- [ ] T005 [P] e (after T006)\n\
                - [ ] T006 [P] f\n- [ ] T007 g (depends on T001)\n- [ ] T008 h\n\
                ### More\n- [ ] T009 [P] i (depends on T008)\n- [ ] T010 [P] j\n";
    let (mapped, _, plan) = mapped(text);
    assert_eq!(
        waits(&plan),
        [
            "01.01 T001 T002 T003(T001 T002) T004(T003) T006(T003) T005(T003 T006) T007(T001 T004 T006 T005) T008(T007)",
            "01.02 T009 T010",
        ]
    );
    assert!(mapped.left.is_empty(), "{:?}", mapped.left);
}

#[test]
fn what_cannot_be_kept_is_told() {
    let text = "# Tasks\n## Phase 1: A\n- [ ] T001 a (depends on T002)\n- [ ] T002 b (depends on T009)\n\
                - [?] T003 c (depends on T004)\n- [x] T003 again\n\
                ## Phase 2: B\n- [ ] T004 d\n## Phase 3: None\nNothing to do.\n";
    let (mapped, _, plan) = mapped(text);
    assert_eq!(waits(&plan), ["01.01 T001 T002(T001) T003(T002) T003(T003)", "02.01 T004"]);
    insta::assert_debug_snapshot!(mapped.left, @r#"
    [
        "T003 stands there more than once: each is a thread, and what waits for T003 waits for all",
        "that T003 comes after T004, which stands in a later part of the file",
        "that T002 comes after T009: there is no task T009",
        "that T001 comes after T002: the list has it the other way",
        "the box [?] of T003: the thread is pending",
        "the section \"Phase 3: None\" (1 line): it has no tasks, so it is no stage",
    ]
    "#);
}

#[test]
fn workers_do_not_fight_over_a_file() {
    let text = "# Tasks\n## Phase 1: A\n- [ ] T001 [P] a in src/x/a.rs\n- [ ] T002 [P] b in src/x/b.rs\n\
                - [ ] T003 [P] c in src/x/a.rs\n- [ ] T004 [P] all of src/x/\n- [ ] T005 [P] e in `docs/a.md`\n";
    let (mapped, _, plan) = mapped(text);
    assert_eq!(waits(&plan), ["01.01 T001 T002 T003(T001) T004(T002 T003) T005"]);
    assert_eq!(mapped.left, ["that T003, T004 may run at once with tasks before them: they name a file of these"]);
    assert!(plan.problems.is_empty(), "{:?}", plan.problems);
}

#[test]
fn a_phase_with_thousands_of_tasks_is_split_in_order() {
    use std::fmt::Write as _;
    let mut text = "# Tasks\n## Phase 1: A\n".to_owned();
    for number in 0..3_000 {
        let mark = if number % 3 == 0 { "" } else { "[P] " };
        let _ = writeln!(text, "- [ ] T{number} {mark}Do {number} in src/{number}.rs");
    }
    let (_, _, plan) = mapped(&text);
    assert_eq!((plan.stages.len(), plan.batches().count()), (1, 31));
    assert!(plan.batches().all(|batch| batch.threads.len() <= 99));
    let numbers: Vec<String> = plan.threads().map(|thread| thread.name.split(' ').next().unwrap().to_owned()).collect();
    assert!(numbers.iter().enumerate().all(|(at, id)| *id == format!("T{at}")));
}

#[test]
fn what_looks_like_a_task_and_is_none_is_listed() {
    let text = "# Tasks: Desk\n## Phase 1: Setup\n- [ ] T001 Create the crate\n\n- [ ] Say nothing of a number\n- T003 Without a box\n* [x] t004 in small letters\n- a plain item\n";
    let (mapped, text, plan) = mapped(text);
    let listed: Vec<&String> = mapped.left.iter().filter(|left| left.contains("no thread")).collect();
    assert_eq!(plan.threads().count(), 1, "{text}");
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert!(listed[0].starts_with("\"[ ] Say nothing of a number\" has no number"), "{listed:?}");
}
