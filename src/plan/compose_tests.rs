use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn plan_of(texts: &[String]) -> PlanTexts {
    let of = |at: usize| texts.get(at).cloned().into_iter().collect::<Vec<_>>();
    let thread = |at: usize, after: &[usize]| ThreadTexts {
        name: texts.get(at).cloned().unwrap_or_default(),
        summary: of(at),
        details: texts.iter().skip(at).take(3).cloned().collect(),
        files: vec![format!("src/{at}.rs")],
        after: after.to_vec(),
    };
    let batch = |at: usize| BatchTexts {
        name: texts.get(at).cloned().unwrap_or_default(),
        summary: of(at + 1),
        threads: vec![thread(at, &[]), thread(at + 1, &[0])],
    };
    let stage = |at: usize| StageTexts {
        name: texts.get(at).cloned().unwrap_or_default(),
        definition: of(at),
        constitution: texts.iter().skip(at).take(2).cloned().collect(),
        batches: vec![batch(at), batch(at + 2)],
    };
    PlanTexts {
        name: texts.first().cloned().unwrap_or_default(),
        summary: of(0),
        conventions: of(1),
        references: of(2),
        stages: vec![stage(0), stage(1)],
    }
}

/// Asserts that the plan can be approved, and that each text is read back at its place: as it is, or in a code block.
fn check(plan: &PlanTexts) {
    let text = compose(plan);
    let read = parse(&text);
    let forbidding: Vec<_> = read.problems.iter().filter(|problem| problem.kind.forbids_approval()).collect();
    assert!(forbidding.is_empty() && read.mentions.is_empty(), "{forbidding:?} {:?}\n{text}", read.mentions);
    let mut lists: Vec<(Place, Vec<String>)> = Vec::new();
    each_list(&mut tidied(plan), &mut |place, texts| lists.push((place, texts.clone())));
    let mut found: Vec<&str> = vec![&read.summary, &read.conventions, &read.references];
    for stage in &read.stages {
        found.extend([stage.definition.as_str(), &stage.constitution]);
        for batch in &stage.batches {
            found.push(&batch.summary);
            for thread in &batch.threads {
                found.extend([thread.summary.as_str(), &thread.details]);
                assert!(thread.agent.is_none() && thread.checks.is_empty());
            }
        }
    }
    assert_eq!(found.len(), lists.len(), "{text}");
    for (found, (place, texts)) in found.into_iter().zip(lists) {
        let mut rest = found;
        for text in texts {
            let block = fenced(&text);
            let Some(behind) = rest.strip_prefix(&block).or_else(|| rest.strip_prefix(&text)) else {
                panic!("{place:?}: {text:?} is not at the start of {rest:?}\n{found}")
            };
            rest = behind.trim_start_matches('\n');
        }
        assert_eq!(rest, "", "{place:?}");
    }
    let files: Vec<_> = read.threads().map(|thread| thread.files.clone()).collect();
    let wanted =
        plan.stages.iter().flat_map(|stage| &stage.batches).flat_map(|batch| &batch.threads).map(|t| t.files.clone());
    assert_eq!(files, wanted.collect::<Vec<_>>());
}

/// Lines that would be structure, or would change what stands below them.
const HOSTILE: [&str; 40] = [
    "# Plan: other",
    "## Stages",
    "### Stage 01: S",
    "#### Stage Questions",
    "- [ ] Which one?",
    "##### Batch 01: B",
    "###### Thread 02: T @agent:me",
    "Thread 2: Rows",
    "**Task 3: Rows**",
    "- [ ] Task 1.2: Rows",
    "**Summary:** s",
    "**Details:**",
    "**Check:** `rm -rf /`",
    "- **Files:** `src/**`",
    "**After:** 01.01.01",
    "@agent:me",
    "@ann",
    "**Agent:** ui-team",
    "assigned to ui-team",
    "```",
    "```rust",
    "````",
    "~~~",
    "<!-- a comment",
    "-->",
    "<!-- whole -->",
    "<script>",
    "</script>",
    "<div>",
    "<pre>",
    "    code",
    "\tcode",
    "---",
    "| a | b |",
    "> quoted",
    "1. one",
    "",
    "...",
    "[x]: http://example.com",
    "plain words, and a `code`",
];

#[test]
fn each_hostile_line_is_kept_at_each_place() {
    for line in HOSTILE {
        for text in [line.to_owned(), format!("before\n{line}\nafter"), format!("- item\n\n{line}")] {
            check(&plan_of(&[text.clone(), "plain".to_owned(), text, "more".to_owned()]));
        }
    }
}

#[test]
fn harmless_texts_stand_as_they_are() {
    let text =
        "Create the model:\n\n- [x] fields\n- [ ] `id` and *name*\n\n```rust\nstruct User;\n```\n\n1. **First**: it";
    let plan = plan_of(&[text.to_owned(), "The store.".to_owned(), "The end.".to_owned()]);
    assert!(!compose(&plan).contains("```text"));
}

#[test]
fn a_text_that_would_be_structure_stands_in_a_code_block() {
    let details = vec!["First.".to_owned(), "**Files**: `src/a.rs`\n\n### Steps\n\n```sh\nls\n```".to_owned()];
    let thread = ThreadTexts {
        name: "Rows @agent:me".to_owned(),
        summary: vec!["Read rows.".to_owned()],
        details,
        files: vec!["src/rows.rs".to_owned()],
        after: Vec::new(),
    };
    let after = ThreadTexts {
        name: "Lines".to_owned(),
        summary: vec!["Lines.".to_owned()],
        after: vec![0],
        ..ThreadTexts::default()
    };
    let batch = BatchTexts { name: "Read".to_owned(), summary: Vec::new(), threads: vec![thread, after] };
    let stage = StageTexts { name: "All".to_owned(), batches: vec![batch], ..StageTexts::default() };
    let plan = PlanTexts { name: "Reader".to_owned(), stages: vec![stage], ..PlanTexts::default() };
    insta::assert_snapshot!(compose(&plan), @"
    # Plan: Reader

    ## Stages

    ### Stage 01: All

    #### Stage Batches

    ##### Batch 01: Read

    ###### Thread 01: Rows agent me

    **Summary:** Read rows.

    **Details:**

    First.

    ````text
    **Files**: `src/a.rs`

    ### Steps

    ```sh
    ls
    ```
    ````

    **Files:** `src/rows.rs`

    ###### Thread 02: Lines

    **Summary:** Lines.

    **After:** 01.01.01
    ");
}

#[test]
fn a_batch_and_a_stage_that_are_too_large_are_split() {
    let thread = |at: usize| ThreadTexts {
        name: format!("T{at}"),
        after: at.checked_sub(1).into_iter().collect(),
        ..ThreadTexts::default()
    };
    let batch = |number: usize| BatchTexts {
        name: "Many".to_owned(),
        summary: vec!["Said once.".to_owned()],
        threads: (0..number).map(thread).collect(),
    };
    let stage = StageTexts {
        name: "All".to_owned(),
        batches: vec![batch(MAX_SIBLINGS * MAX_SIBLINGS), batch(1)],
        ..StageTexts::default()
    };
    let plan = fitted(PlanTexts { name: "P".to_owned(), stages: vec![stage], ..PlanTexts::default() });
    let read = parse(&compose(&plan));
    assert_eq!(
        read.stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>(),
        ["All (1 of 2)", "All (2 of 2)"]
    );
    assert_eq!((read.stages[0].batches.len(), read.stages[1].batches.len()), (MAX_SIBLINGS, 1));
    let second = &read.stages[0].batches[1];
    assert_eq!((second.name.as_str(), second.summary.as_str()), ("Many (2 of 99)", ""));
    assert_eq!((second.threads[0].after.len(), second.threads[1].after.clone()), (0, vec![second.threads[0].id]));
    assert!(read.problems.iter().all(|problem| !problem.kind.forbids_approval()));
}

#[test]
fn a_name_is_one_short_line() {
    let long =
        "Implement the `Service` in src/services/service.py, with validation, logging and all that is needed for it";
    assert_eq!(short(long, 50), "Implement the Service in src/services/service.py…");
    assert_eq!(short(" a\n\tb ", 10), "a b");
    assert_eq!(short(&"x".repeat(20), 10), format!("{}…", "x".repeat(10)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn texts_of_any_kind_are_kept(texts in vec(vec(prop_oneof![
        3 => proptest::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
        1 => "[ -~\u{e9}\u{4e2d}\u{1f3af}\t]{0,30}",
        1 => "\\PC{0,20}",
    ], 1..6).prop_map(|lines| lines.join("\n")), 1..6)) {
        check(&plan_of(&texts));
    }
}
