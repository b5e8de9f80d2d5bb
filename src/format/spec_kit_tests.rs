use super::*;

/// The form of 2026: phases of user stories, sub-headings, checkpoints, wrapped lines.
const STORIES: &str = "\
---
description: \"Tasks of the lending desk\"
---

# Tasks: Lending desk

**Input**: Design documents from `/specs/004-lending-desk/`

## Format: `[ID] [P?] [Story] Description`

- **[P]**: Can run in parallel

<!-- - [ ] T900 A sample
     - [ ] T901 Another -->

---

## Phase 1: Setup

**Purpose**: A place to work

- [X] T001 Create the crate per plan.md
- [ ] T002 [P] Configure clippy in `clippy.toml`

---

## Phase 2: User Story 1 - Lend a book (Priority: P1) 🎯 MVP

**Goal**: A reader takes a book home.

### Tests for User Story 1

> Write these first.

- [ ] T003 [P] [US1] Test that a reader
      who owes books gets none, in
      tests/lend.rs

### Implementation

- [ ] T004 [US1] Write src/lend.rs (depends on T003)
  - [ ] one loan per copy
  - a due date

      let due = today + 28;

  ```sh
- [ ] T999 not a task
  ```
- [~] T005 [US1] Write the receipt
**Checkpoint**: A book can be lent.

## Notes

- Commit often
";

#[test]
#[expect(clippy::too_many_lines, reason = "a snapshot is read in one piece")]
fn phases_parts_and_tasks_are_read() {
    let read = read(STORIES).unwrap();
    insta::assert_debug_snapshot!(read, @r#"
    TasksMd {
        title: "Lending desk",
        preface: "**Input**: Design documents from `/specs/004-lending-desk/`",
        sections: [
            Section {
                title: "Format: `[ID] [P?] [Story] Description`",
                parts: [
                    Part {
                        title: "",
                        intro: "- **[P]**: Can run in parallel",
                        tasks: [],
                        notes: "",
                    },
                ],
            },
            Section {
                title: "Phase 1: Setup",
                parts: [
                    Part {
                        title: "",
                        intro: "**Purpose**: A place to work",
                        tasks: [
                            Task {
                                id: "T001",
                                tick: Done,
                                is_parallel: false,
                                labels: [],
                                text: "Create the crate per plan.md",
                                body: "",
                            },
                            Task {
                                id: "T002",
                                tick: Open,
                                is_parallel: true,
                                labels: [],
                                text: "Configure clippy in `clippy.toml`",
                                body: "",
                            },
                        ],
                        notes: "",
                    },
                ],
            },
            Section {
                title: "Phase 2: User Story 1 - Lend a book (Priority: P1) 🎯 MVP",
                parts: [
                    Part {
                        title: "",
                        intro: "**Goal**: A reader takes a book home.",
                        tasks: [],
                        notes: "",
                    },
                    Part {
                        title: "Tests for User Story 1",
                        intro: "> Write these first.",
                        tasks: [
                            Task {
                                id: "T003",
                                tick: Open,
                                is_parallel: true,
                                labels: [
                                    "US1",
                                ],
                                text: "Test that a reader\nwho owes books gets none, in\ntests/lend.rs",
                                body: "",
                            },
                        ],
                        notes: "",
                    },
                    Part {
                        title: "Implementation",
                        intro: "",
                        tasks: [
                            Task {
                                id: "T004",
                                tick: Open,
                                is_parallel: false,
                                labels: [
                                    "US1",
                                ],
                                text: "Write src/lend.rs (depends on T003)",
                                body: "  - [ ] one loan per copy\n  - a due date\n\n      let due = today + 28;\n\n  ```sh\n- [ ] T999 not a task\n  ```",
                            },
                            Task {
                                id: "T005",
                                tick: Other(
                                    '~',
                                ),
                                is_parallel: false,
                                labels: [
                                    "US1",
                                ],
                                text: "Write the receipt",
                                body: "",
                            },
                        ],
                        notes: "**Checkpoint**: A book can be lent.",
                    },
                ],
            },
            Section {
                title: "Notes",
                parts: [
                    Part {
                        title: "",
                        intro: "- Commit often",
                        tasks: [],
                        notes: "",
                    },
                ],
            },
        ],
        has_front_matter: true,
        comments: 1,
    }
    "#);
}

/// The form of 2025: numbered sub-phases, tasks in bold with fields below them.
const FIELDS: &str = "\
# Tasks: Static site

## Phase 3.1: Setup
- [x] **T001** [P] Create the folders

  **File**: `site/`

  **Verification**:
  - the folders exist

- [ ] **T002**: Write the config
## Phase 3.2: Tests First (TDD) ⚠️ MUST COMPLETE BEFORE 3.3
**CRITICAL: they must fail**
* [ ] T003: [P] Check links in tests/links.rs [P]
1. [ ] T-4 odd id
- [ ] ~~T005 Drop it~~
- [ ] TXXX no id
- [ ] No id at all
";

#[test]
fn the_older_form_is_read() {
    let read = read(FIELDS).unwrap();
    let tasks: Vec<_> = read.phases().flat_map(|phase| &phase.parts).flat_map(|part| &part.tasks).collect();
    let seen: Vec<_> =
        tasks.iter().map(|task| (task.id.as_str(), task.tick, task.is_parallel, task.text.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("T001", Tick::Done, true, "Create the folders"),
            ("T002", Tick::Open, false, "Write the config"),
            ("T003", Tick::Open, true, "Check links in tests/links.rs"),
            ("T-4", Tick::Open, false, "odd id"),
            ("T005", Tick::StruckOut, false, "Drop it"),
        ]
    );
    assert_eq!(tasks[0].body, "**File**: `site/`\n\n**Verification**:\n- the folders exist");
    let second = &read.sections[1].parts[0];
    assert_eq!(
        (second.intro.as_str(), second.notes.as_str()),
        ("**CRITICAL: they must fail**", "- [ ] TXXX no id\n- [ ] No id at all")
    );
}

#[test]
fn line_ends_tabs_and_marks_change_nothing() {
    let windows = format!("\u{feff}{}", STORIES.replace('\n', "\r\n"));
    assert_eq!(read(&windows), read(STORIES));
    let tabs = "# Tasks\n## Phase 1\n-\t[ ]\tT001\t[P]\tDo it\n\t- deep\n\t\tdeeper\n";
    let task = &read(tabs).unwrap().sections[0].parts[0].tasks[0];
    assert_eq!((task.text.as_str(), task.body.as_str(), task.is_parallel), ("Do it", "- deep\n\tdeeper", true));
}

#[test]
fn headings_of_any_level_and_none_divide() {
    let titles = |text: &str| {
        let read = read(text).unwrap();
        read.phases().map(|phase| format!("{}({})", phase.title, phase.parts.len())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(titles("- [ ] T001 a\n"), "(1)");
    assert_eq!(titles("# Tasks: x\n\n- [ ] T001 a\n\n## Later\n- [ ] T002 b\n"), "(1) Later(1)");
    assert_eq!(titles("# T\n## Tasks\n### Setup\n- [ ] T001 a\n### Core\n- [ ] T002 b\n"), "Tasks(3)");
    assert_eq!(
        titles("# T\n## Tasks\n### Phase 1: A\n- [ ] T001 a\n### Phase 2: B\n- [ ] T002 b\n"),
        "Phase 1: A(1) Phase 2: B(1)"
    );
    assert_eq!(titles("# T\n##Phase1:A\n- [ ] T001A a\n##Phased plan\n- [ ] T002 b\n"), "Phase1:A(1) Phased plan(1)");
    assert_eq!(titles("# Tasks\n## 阶段 1\n- [ ] T001 a\n"), "阶段 1(1)");
}

#[test]
fn a_text_without_tasks_is_none_of_these() {
    for text in
        ["", "# Plan: x\n\n- [ ] buy milk\n", "```\n- [ ] T001 a\n```\n", "<!-- - [ ] T001 a -->\n", "- T001 a\n"]
    {
        assert_eq!(read(text), None, "{text:?}");
    }
}

#[test]
fn ten_thousand_lines_are_read_and_nothing_is_lost() {
    use std::fmt::Write as _;
    let mut text = String::from("# Tasks: Many\n");
    for number in 0..10_000 {
        match number % 10 {
            0 => writeln!(text, "## Phase {number}: P").unwrap(),
            1 => writeln!(text, "word{number} <!-- {number} -->").unwrap(),
            9 => writeln!(text, "  - word{number}").unwrap(),
            _ => writeln!(text, "- [ ] T{number} word{number} ` and <!--").unwrap(),
        }
    }
    let read = read(&text).unwrap();
    let seen = format!("{read:?}");
    // The backtick makes code of `<!--`, so nothing is a comment there.
    assert_eq!(read.phases().count(), 1_000);
    assert!((0..10_000).filter(|number| number % 10 != 0).all(|number| seen.contains(&format!("word{number}"))));
}
