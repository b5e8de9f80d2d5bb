use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::check::all_problems;
use super::super::{Plan, Problem, ProblemKind, ThreadId, fixed};
use super::{parse, with_line_feeds};
use crate::roster::Roster;

/// Returns a plan and its problems as text.
fn shown(text: &str) -> String {
    let plan = parse(text);
    let mut out = format!("plan {:?}\n", plan.name);
    for stage in &plan.stages {
        let _ = writeln!(out, "stage {} {:?}", stage.number, stage.name);
        for (name, text) in [("definition", &stage.definition), ("constitution", &stage.constitution)] {
            if !text.is_empty() {
                let _ = writeln!(out, "  {name}: {text:?}");
            }
        }
        for batch in &stage.batches {
            let _ = writeln!(out, "  batch {} {:?} {:?}", batch.id, batch.name, batch.summary);
            for thread in &batch.threads {
                let agent =
                    thread.agent.as_ref().map(|agent| format!("@{} {}:{}", agent.name, agent.line, agent.column));
                let _ = writeln!(out, "    thread {} {:?} {}", thread.id, thread.name, agent.unwrap_or_default());
                let _ = writeln!(out, "      {:?} | {:?}", thread.summary, thread.details);
            }
        }
    }
    for problem in &plan.problems {
        let _ = writeln!(out, "{}:{}: {} -> {}", problem.line, problem.column, problem.kind, problem.kind.help());
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Returns the problems of a plan that forbid the approval.
fn errors(plan: &Plan) -> Vec<Problem> {
    plan.problems.iter().filter(|problem| problem.kind.forbids_approval()).cloned().collect()
}

/// Returns the first thread of a plan whose only batch has this text.
fn thread(text: &str) -> super::super::Thread {
    let plan = parse(&format!("# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n{text}"));
    plan.threads().next().cloned().unwrap()
}

#[test]
fn a_whole_plan() {
    insta::assert_snapshot!(shown(include_str!("../../tests/data/plans/search-api.md")), @r#"
    plan "Search API"
    stage 1 "Index"
      definition: "What it is: an index.\n\n- one\n  - nested"
      constitution: "How it works."
      batch 01.01 "Storage" "Where rows live.\nOver two lines."
        thread 01.01.01 "Schema" @system-engineer-codex 40:26
          "Define the schema." | "- tables\n  1. nested\n\n```sql\n-- ###### Thread 09: not a thread\nCREATE TABLE x ();\n```\n\n**Open ends:** none"
        thread 01.01.02 "Rows" @system-engineer-opus 60:1
          "Rows,\ntwice." | "see above"
      batch 01.02 "Queries" ""
        thread 01.02.01 "Parser für Abfragen" @frontend-designer-grok 71:12
          "Parse." | ""
    stage 2 "API"
      definition: "Second."
      batch 02.01 "Endpoints" ""
        thread 02.01.01 "Routes"
          "" | "Just text.\n\n---\n\n*Last updated: 2026-02-20*"
    70:1: thread 01.02.01 has no details -> add `**Details:**`: what to do, where, and how to check it
    84:1: thread 02.01.01 has no summary -> add `**Summary:**` and one sentence: what comes of it
    "#);
}

#[test]
fn an_old_plan_without_batches() {
    insta::assert_snapshot!(shown(include_str!("../../tests/data/plans/without-batches.md")), @r#"
    plan "Old"
    stage 1 "Setup"
      batch 01.00 "Setup" ""
        thread 01.00.01 "Tools"
          "Install." | ""
        thread 01.00.02 "Repository" @default 13:28
          "" | "d"
    stage 2 "Work"
      batch 02.00 "Work" ""
        thread 02.00.01 "Code"
          "" | ""
    9:1: thread 01.00.01 has no details -> add `**Details:**`: what to do, where, and how to check it
    13:1: thread 01.00.02 has no summary -> add `**Summary:**` and one sentence: what comes of it
    19:1: thread 02.00.01 has neither summary nor details -> add `**Summary:**` and one sentence: what comes of it
    "#);
}

#[test]
fn a_template_that_nobody_has_filled_in() {
    insta::assert_snapshot!(shown(include_str!("../../tests/data/plans/template.md")), @r#"
    plan "Search Api"
    stage 1 ""
      constitution: "Describe how this stage operates."
      batch 01.01 "" ""
        thread 01.01.01 ""
          "" | ""
    17:1: this stage has no name -> put a name after `### Stage N:`
    34:1: this batch has no name -> put a name after `##### Batch N:`
    38:1: this thread has no name -> put a name after `###### Thread N:`
    38:1: thread 01.01.01 has neither summary nor details -> add `**Summary:**` and one sentence: what comes of it
    "#);
}

#[test]
fn all_that_can_be_wrong() {
    insta::assert_snapshot!(shown(include_str!("../../tests/data/plans/wrong.md")), @r#"
    plan ""
    stage 1 "One"
      batch 01.01 "First" ""
        thread 01.01.01 "A"
          "" | ""
        thread 01.01.03 ""
          "" | ""
      batch 01.03 "empty" ""
    stage 3 "Last"
      batch 03.01 "B" ""
        thread 03.01.01 "T"
          "" | ""
    1:1: there is no `# Plan: NAME` heading -> start the file with `# Plan: NAME`
    3:1: a stage heading means nothing here -> use `### Stage N: NAME` below `## Stages`
    7:1: a batch heading means nothing here -> use `##### Batch N: NAME` below a stage
    9:1: this stage has no number, or one that is not allowed -> write `### Stage N: NAME` with a number up to 999
    17:3: open question: Which -> answer it and tick it `- [x]`
    24:1: thread 01.01.01 has neither summary nor details -> add `**Summary:**` and one sentence: what comes of it
    25:1: thread 01.01.01 is defined here a second time -> give it a number of its own; until then it is not part of the plan
    26:1: this thread has no number, or one that is not allowed -> write `###### Thread N: NAME` with a number up to 999
    27:1: this thread has no number, or one that is not allowed -> write `###### Thread N: NAME` with a number up to 999
    28:1: this thread has no name -> put a name after `###### Thread N:`
    28:1: thread 01.01.03 has neither summary nor details -> add `**Summary:**` and one sentence: what comes of it
    30:1: this batch heading has 4 #, a batch has 5 -> write `##### Batch 02: one hash too few`
    34:1: batch 01.01 is defined here a second time -> give it a number of its own; until then it is not part of the plan
    38:1: batch 01.03 has no threads -> add a `###### Thread 01: NAME` below it, or remove the batch
    40:1: this stage heading has 6 #, a stage has 3 -> write `### Stage 02: too deep`
    42:1: stage 1 is defined here a second time -> give it a number of its own; until then it is not part of the plan
    46:1: a thread heading means nothing here -> use `###### Thread N: NAME` below a batch
    49:1: thread 03.01.01 has neither summary nor details -> add `**Summary:**` and one sentence: what comes of it
    51:1: this comment is never closed: the rest of the file is part of it -> close it with `-->`
    "#);
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(shown(""), @r#"
    plan ""
    1:1: there is no `# Plan: NAME` heading -> start the file with `# Plan: NAME`
    1:1: there are no threads in this plan -> write `## Stages`, below it `### Stage 01: NAME`, `##### Batch 01: NAME`, `###### Thread 01: NAME`
    "#);
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing_but_the_bytes_of_the_texts() {
    let text = include_str!("../../tests/data/plans/search-api.md");
    let unix = parse(text);
    let windows = parse(&format!("\u{feff}{}", text.replace('\n', "\r\n")));
    let without_cr = |plan: &Plan| {
        let mut plan = plan.clone();
        for stage in &mut plan.stages {
            stage.definition = stage.definition.replace('\r', "");
            stage.constitution = stage.constitution.replace('\r', "");
            for batch in &mut stage.batches {
                batch.summary = batch.summary.replace('\r', "");
                for thread in &mut batch.threads {
                    thread.summary = thread.summary.replace('\r', "");
                    thread.details = thread.details.replace('\r', "");
                }
            }
        }
        plan
    };
    assert_eq!(without_cr(&windows), unix);
    assert!(windows.threads().any(|thread| thread.details.contains("\r\n")), "the source's own bytes");
}

#[test]
fn an_agent_is_named_in_any_of_three_places() {
    let name = |text: &str| thread(text).agent.map(|agent| agent.name);
    for text in [
        "###### Thread 1: T @agent:codex",
        "###### Thread 1: T @agent:codex <!-- for now -->",
        "###### Thread 1: @agent:codex T ######",
        "###### Thread 1: T\n@agent:codex\n\n**Summary:** s",
        "###### Thread 1: T\n\n@agent:codex\n**Summary:** s",
        "###### Thread 1: T\n**Agent:** codex\n**Summary:** s",
        "###### Thread 1: T\n**Summary:** s\n**Agent:** `codex`\n\n**Details:** d",
        "###### Thread 1: T\n**Agent**: @agent:codex",
        "###### Thread 1: T\n<!-- for now -->\n@agent:codex <!-- see\n#12 -->\n**Summary:** s",
    ] {
        assert_eq!(name(text).as_deref(), Some("codex"), "{text:?}");
    }
    for text in [
        "###### Thread 1: T @agent:",
        "###### Thread 1: T\n**Details:** d\n@agent:codex",
        "###### Thread 1: T\n**Details:** d\n\n**Agent:** codex",
        "###### Thread 1: T <!-- @agent:codex -->",
        "###### Thread 1: T\n```\n@agent:codex\n```",
    ] {
        assert_eq!(name(text), None, "{text:?}");
    }
}

#[test]
fn summary_and_details_are_the_sources_own_bytes() {
    let summary_and_details = |text: &str| {
        let thread = thread(&format!("###### Thread 1: T\n{text}"));
        (thread.summary, thread.details)
    };
    for (text, summary, details) in [
        ("**Summary:** a  b\n**Details:** c", "a  b", "c"),
        (
            "**Summary:**\n<!-- hint -->\nkept\n\n**Details:**\n\n    code\n\n- x\n  - y\n",
            "kept",
            "    code\n\n- x\n  - y",
        ),
        (
            "**Summary**: a\n\n**Details**:\n\n**Notes:** n\n\n**Summary:** again",
            "a",
            "**Notes:** n\n\n**Summary:** again",
        ),
        ("no markers at all", "", "no markers at all"),
        ("intro\n\n**Details:** d", "intro", "d"),
        ("**Summary:** only", "only", ""),
        (
            "**Summary:** s\n\n**Details:**\n```md\n###### Thread 2: not one\n<!-- kept -->\n```",
            "s",
            "```md\n###### Thread 2: not one\n<!-- kept -->\n```",
        ),
        (
            "**Details:** a <!-- gone --> b\n\n###### A heading of its own\n\nc",
            "",
            "a  b\n\n###### A heading of its own\n\nc",
        ),
        ("**Details** are below\n\n**Details:** d", "**Details** are below", "d"),
        ("**Summary:** s\n---\n**Details:** d\n# install\n#### Notes\n- f", "s\n---", "d\n# install\n#### Notes\n- f"),
        ("<details>\n<!-- open\n\n</details>", "", "<details>\n<!-- open\n\n</details>"),
        ("- **Summary:** in a list is text", "", "- **Summary:** in a list is text"),
        ("text with **Summary:** inside", "", "text with **Summary:** inside"),
    ] {
        assert_eq!(summary_and_details(text), (summary.to_owned(), details.to_owned()), "{text:?}");
    }
}

#[test]
fn headings_in_fences_comments_quotes_and_lists_are_not_structure() {
    let plan = parse(
        "# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n###### Thread 1: T\n**Details:**\n\
         ~~~\n### Stage 2: no\n~~~\n<!--\n### Stage 3: no\n-->\n> ### Stage 4: no\n\n- ### Stage 5: no\n\n    ### Stage 6: no\n",
    );
    assert_eq!(plan.stages.len(), 1);
    // Those in a fence, in a comment and in indented code are text on purpose. The others may be mistakes.
    assert_eq!(errors(&plan).iter().map(|problem| problem.line).collect::<Vec<_>>(), [13, 15]);
}

#[test]
fn nothing_is_left_out_in_silence() {
    let problems = |text: &str| {
        let plan = parse(text);
        let problems: Vec<String> =
            errors(&plan).iter().map(|problem| format!("{}: {}", problem.line, problem.kind)).collect();
        (plan.threads().count(), problems.join("; "))
    };
    let start = "# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n###### Thread 1: T\n";
    for (text, expected) in [
        (
            "## Steps\n###### Thread 2: U\n###### Thread 3: V\n",
            (1, "6: `## Steps` ends what is above it, so line 7 belongs to nothing"),
        ),
        ("## Steps\n##### Batch 2: C\n", (1, "6: `## Steps` ends what is above it, so line 7 belongs to nothing")),
        ("### Notes\n###### Thread 2: U\n", (1, "6: `### Notes` ends what is above it, so line 7 belongs to nothing")),
        ("text\n---\n###### Thread 2: U\n", (2, "")),
        ("# install\n###### Thread 2: U\n", (2, "")),
        ("#### Batches\n##### Thread 2: old\n", (2, "")),
    ] {
        assert_eq!(problems(&format!("{start}{text}")), (expected.0, expected.1.to_owned()), "{text:?}");
    }
    let legacy = parse(
        "# Plan: P\n## Stages\n### Stage 1: S\n##### Thread 1: A\n##### Batch 1: B\n###### Thread 1: T\n#### Threads\n##### Thread 2: C\n",
    );
    let ids: Vec<String> = legacy.threads().map(|thread| thread.id.to_string()).collect();
    assert_eq!(ids, ["01.00.01", "01.00.02", "01.01.01"]);
}

#[test]
fn ordinary_headings_that_start_with_a_word_of_the_structure_are_text() {
    let plan = parse(
        "# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n###### Thread 1: T\n**Details:**\n\
         ###### Thread safety: notes\n###### Thread safety\n##### Batching\n#### Staging area\n",
    );
    assert_eq!(errors(&plan), []);
    assert!(plan.threads().next().unwrap().details.contains("Thread safety: notes"));
}

#[test]
fn sixty_threads_in_four_stages() {
    let mut text = "# Plan: Großes – 計画\n## Stages\n".to_owned();
    for stage in 1..=4 {
        let _ = write!(text, "### Stage {stage:02}: Étape {stage}\n#### Stage Batches\n");
        for batch in 1..=3 {
            let _ = writeln!(text, "##### Batch {batch:02}: Los {batch}");
            for thread in 1..=5 {
                let _ = write!(text, "###### Thread {thread:02}: Фаза {thread} @agent:a-{thread}\n**Summary:** ça\n");
            }
        }
    }
    let plan = parse(&text);
    assert_eq!(plan.threads().count(), 60);
    assert_eq!(errors(&plan), []);
    let last = plan.thread(ThreadId::new(4, 3, 5)).unwrap();
    assert_eq!((last.name.as_str(), last.agent.as_ref().unwrap().column), ("Фаза 5", 26));
}

#[test]
fn a_file_of_one_mebibyte() {
    let mut text = "# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n".to_owned();
    let mut number = 0;
    while text.len() < 1024 * 1024 {
        number += 1;
        let _ = write!(
            text,
            "###### Thread {number}: T\n**Details:**\n{}\n<!-- c -->\n",
            "- *item* `code` [x](y)\n".repeat(60)
        );
    }
    let plan = parse(&text);
    assert_eq!((plan.threads().count(), errors(&plan).len()), (number, 0));
}

/// Pieces of text that cost much to parse when they are repeated.
const HOSTILE: [&str; 39] = [
    "@agent:x ",
    "@agent:x\n",
    "Agent: x-y\n",
    "assigned to x-y ",
    "Open questions:\n\n- [ ] Which\n",
    "| a | b\n",
    "answer: ",
    "A) Thread 2, 3, 4, ",
    "#### 2.1 Box @x-y\n",
    "### Phase 2 - x-y\n",
    "    Thread 9: x\n",
    "**Thread 2: x**\n\n",
    "-> ~ ",
    "- Thread 02: Rows\n",
    "**Stage 3: x**\n\n",
    "- [ ] - [ ] ",
    "- [x] a\n  - [ ] b\n",
    "> ",
    "- - - ",
    "<b>###### Thread 1: T\n",
    "###### Thread 1: T\n",
    "@agent: ",
    "agent:x ",
    "@a ",
    "[",
    "<!-- ",
    "```\n###### Thread 1: T\n",
    "```js\n",
    "######Thread 2: T\n",
    "Thread 1.1.1.1.1",
    "1.",
    "\u{200b}",
    "**",
    "</b>",
    "#### Questions\n- [- [\n",
    "###### 02: x\n",
    "##### Batch 1: x\n- Thread 7: y\n",
    "&nbsp;",
    "1. Batch 7: y\n\n**Summary:** s\n",
];

#[test]
#[ignore = "it times: cargo test --lib -- --ignored in_time_linear"]
#[expect(clippy::disallowed_methods, reason = "it asks the clock")]
fn any_text_is_read_and_fixed_in_time_linear_in_it() {
    const START: &str = "# Plan: P\n## Stages\n### Stage 1: S\n#### Questions\n";
    let time = |piece: &str, bytes: usize| {
        let text = format!(
            "{START}{}\n##### Batch 1: B\n###### Thread 1: {}",
            piece.repeat(bytes / piece.len() / 2),
            piece.repeat(bytes / piece.len() / 2)
        );
        let start = std::time::Instant::now();
        std::hint::black_box(parse(&text));
        start.elapsed()
    };
    for piece in HOSTILE {
        // For four times the text, sixteen times the time would be quadratic. Five tries even out a busy machine.
        let is_linear = |_| {
            let (small, large) = (time(piece, 64 * 1024), time(piece, 256 * 1024));
            large < small * 9
        };
        assert!((0..5).any(is_linear), "{piece:?}");
    }
}

/// Lines that matter to the parser, in any order.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("# Plan: P".to_owned()),
        Just("## Stages".to_owned()),
        "#{1,6} (Stage|Batch|Thread|Definition|Questions) ?[0-9]{0,4}:? ?(é|@agent:x|<!-- y -->)?",
        Just("**Summary:** s".to_owned()),
        Just("**Details:**".to_owned()),
        Just("**Agent:** a".to_owned()),
        Just("@agent:b".to_owned()),
        Just("- [ ] why".to_owned()),
        Just("```".to_owned()),
        Just("<!--".to_owned()),
        Just("-->".to_owned()),
        "[ \\PC\r]{0,12}",
    ];
    proptest::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

/// Lines of a plan in other spellings.
fn other_lines() -> impl Strategy<Value = String> {
    let label = "(Stage|Batch|Thread|Task|THREAD) ?[-#]?(0?[0-4]|1\\.[12]|1\\.1\\.[1-3])?[:.) -]{0,2}(\\*\\*)?(Rows|é|@agent: x|\\(@default\\))?";
    let line = prop_oneof![
        Just("# My plan".to_owned()),
        Just("### Stages".to_owned()),
        Just("<details>".to_owned()),
        Just("Text of the author.".to_owned()),
        Just(String::new()),
        Just("```".to_owned()),
        Just("### Definition".to_owned()),
        Just("**Open Questions**".to_owned()),
        ("( {0,5}|- |> |\u{a0}|\u{200b}|1\\. )?(#{0,7}|\\*\\*|<h4>|\\\\#)( |✅ |\\[ \\] )?", label)
            .prop_map(|(before, label)| before + &label),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n")];
    (proptest::collection::vec(line, 0..30), end).prop_map(|(lines, end)| lines.join(end))
}

proptest! {
    #[test]
    fn fixing_ends_and_keeps_what_it_does_not_fix(text in prop_oneof![other_lines(), lines(), "[\\s\\S]{0,200}"]) {
        let roster = Roster::undeclared(["x"]);
        for problem in parse(&text).problems {
            if let Some(edit) = problem.edit {
                prop_assert!(text.get(edit.range.clone()).is_some(), "{edit:?}");
            }
        }
        let after_fix = fixed(&text, &roster);
        let left = all_problems(&parse(&after_fix.text), &roster).into_iter().find_map(|problem| problem.edit);
        prop_assert_eq!(left, None, "{}", after_fix.text);
        prop_assert_eq!(&fixed(&after_fix.text, &roster).text, &after_fix.text);
        let times = |text: &str| text.matches("Text of the author.").count();
        prop_assert_eq!(times(&after_fix.text), times(&text));
        prop_assert!(after_fix.text.contains("\r\n") || !text.contains("\r\n"));
    }

    #[test]
    fn parsing_never_panics_and_texts_are_in_the_source(text in prop_oneof![lines(), "\\PC*", "[\\s\\S]{0,200}"]) {
        let plan = parse(&text);
        let text = with_line_feeds(&text);
        let mut ids: Vec<ThreadId> = plan.threads().map(|thread| thread.id).collect();
        for id in &ids {
            prop_assert!(plan.thread(*id).is_some());
        }
        let count = ids.len();
        ids.dedup();
        prop_assert_eq!(ids.len(), count, "each id once, in order");
        for thread in plan.threads() {
            if !text.contains("<!--") {
                prop_assert!(thread.summary.is_empty() || text.contains(&thread.summary));
            }
        }
        for problem in &plan.problems {
            prop_assert!(problem.line >= 1 && problem.column >= 1);
            prop_assert!(problem.line <= text.matches('\n').count() + 1);
        }
    }
}

#[test]
fn a_conflict_of_git_is_called_so() {
    let conflict = "<<<<<<< HEAD\nOne.\n=======\nTwo.\n>>>>>>> other\n";
    let plan = |text: &str| {
        format!("# Plan: P\n## Stages\n### Stage 1: A\n##### Batch 1: B\n###### Thread 1: C\n**Details:**\n{text}")
    };
    let found = |text: &str| {
        let problems = parse(&plan(text)).problems;
        problems
            .into_iter()
            .filter(|problem| problem.kind == ProblemKind::ConflictMarker)
            .map(|problem| problem.line)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&format!("{conflict}\n{conflict}")), [7, 13]);
    assert_eq!(found(&format!("```text\n{conflict}```\n")), Vec::<usize>::new());
    assert_eq!(found("<<<<<<< is a sign\n"), Vec::<usize>::new());
    assert!(ProblemKind::ConflictMarker.forbids_approval());
}
