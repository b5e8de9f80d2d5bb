//! For any plan, `fixed` loses no word and no thread.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::kept::{is_marker, words};
use super::*;

const PLAN: &str = "\
# Plan: X

## Stages

### Stage 01: One

##### Batch 01: B

###### Thread 01: Alpha

**Summary:** a

**Details:**

- work
";

/// Lines that combine to headings, code, quotations and text.
const LINES: &[&str] = &[
    "# Plan: X",
    "## Stages",
    "## Summary",
    "### Stage 01: One",
    "### Stage 2: Two",
    "## Stage 2: Two",
    "##### Batch 01: B",
    "#### Batch 2: C",
    "**Batch 2: D**",
    "###### Thread 01: A",
    "###### Thread 02: Bee @system-engineer-codex",
    "##### Thread 2: Cee",
    "**Thread 3: Dee**",
    "- **Thread 04: Eff** (@system-engineer-codex)",
    "Thread 5: Gee",
    "1. Thread 06: Hay",
    "```",
    "~~~",
    "````md",
    "<!--",
    "-->",
    "<div>",
    "</div>",
    "> ###### Thread 07: Ice",
    "| Thread 08 | Jay |",
    "#### Stage Questions",
    "Questions:",
    "- [ ] Which?",
    "#### Stage Batches",
    "**Summary:** sss",
    "**Details:**",
    "- item",
    "    code",
    "    # Thread 3: inde",
    "\t### Stage 3: tabbed",
    "",
    "",
    "",
    "text word",
    "**Agent:** default",
    "Thread 10: L",
    "Write it with care.",
    "====",
    "---",
    "***",
    "###### Thread 1.2.3: M",
    "### 3. Three",
    "#### 3.1 Parts",
    "##### 3.1.1 Box @agent:default",
    "###### [x] Thread 11: N",
    "<h6 data-agent=\"codex\">Thread 12: O</h6>",
    "\u{200b}Thread 13: P",
    "Ｔｈｒｅａｄ 14：Q",
    "###### Thread 15, 16: R",
    "x\r### Stage 4: S",
    "&#35; Thread 17: T",
    "[^1]: Thread 18",
    "######Thread 20:V",
    "- ###### Thread 21: W",
    "##### Alpha -> system-engineer-codex",
    "h6. Thread 22: Y",
];

fn roster() -> Roster {
    Roster { declared: true, ..Roster::undeclared(["system-engineer-codex"]) }
}

/// Returns how often each word occurs in a text, without words that may only mark a heading.
fn counted(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in words(text).into_iter().filter(|word| !is_marker(word) && word != "h6") {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// Returns the words that occur less often in `new` than in `old`.
fn lost(old: &str, new: &str) -> Vec<String> {
    let new = counted(new);
    counted(old).into_iter().filter(|(word, times)| new.get(word) < Some(times)).map(|(word, _)| word).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn no_word_and_no_thread_is_lost(
        lines in proptest::collection::vec(proptest::sample::select(LINES), 1..22),
        has_plan in any::<bool>(),
        end in proptest::sample::select(&["\n", "\r\n", "\r"][..]),
    ) {
        let start = if has_plan { PLAN } else { "" };
        let text = format!("{start}{}", lines.join("\n")).replace('\n', end);
        let after_fix = fixed(&text, &roster());
        prop_assert_eq!(lost(&text, &after_fix.text), Vec::<String>::new(), "{:?} -> {:?}", text, after_fix.text);
        let threads = |text: &str| parse(text).counts().threads;
        prop_assert!(threads(&after_fix.text) >= threads(&text), "{text:?} -> {:?}", after_fix.text);
        prop_assert_eq!(fixed(&after_fix.text, &roster()).applied, 0, "{:?}", after_fix.text);
    }
}

#[test]
fn text_above_dashes_stays() {
    for text in [
        "**Thread 02: Zebra**\n**Summary:** do b\nWrite the migrations with care.\n---\n",
        "Thread 02: Zebra\nAgent: system-engineer-codex\nWrite the migrations with care.\n---\n",
        "Thread 02: Zebra\nWrite it.\n===\n",
        "###### Thread 02: Zebra\nThread 03: Yak\nWrite it.\n---\n",
        "\u{200b}Thread 02: Zebra\nWrite it.\n---\n",
        "Batch 02: Zebra\nWrite it.\n---\n",
        "Stage 2: Zebra\nWrite it.\n---\n",
    ] {
        let text = format!("{PLAN}\n{text}");
        let after_fix = fixed(&text, &roster()).text;
        assert_eq!(lost(&text, &after_fix), Vec::<String>::new(), "{text:?}");
        let plan = parse(&after_fix);
        let is_told = plan.problems.iter().any(|problem| problem.kind.forbids_approval());
        assert!(is_told || plan.counts().threads == 2, "{after_fix}");
    }
    let bold = fixed(&format!("{PLAN}\n**Thread 02: Zebra**\n**Summary:** do b\nWith care.\n---\n"), &roster()).text;
    assert_eq!(parse(&bold).threads().nth(1).unwrap().summary, "do b\nWith care.\n---");
}

#[test]
fn code_stays_code() {
    for code in [
        "Run:\n\n    # Task 2: build\n\nthen",
        "Run:\n    # Task 2: build\n    make",
        "Run:\n\n    #!/bin/sh\n    # Task 2: build the index\n    make index\n\nThen check it.",
        "```\nx\n```\n\n    # Thread 2: comment\n",
        "> q\n\n    # Thread 2: c\n",
        "- a\n\n      # Thread 2: c\n\n- b",
        "- Do:\n\n      # Thread 2: pool\n      make\n\n- after",
        "Example config:\n\n    Stage 2: deploy\n",
        "Log line:\n\n    Thread 7: panicked\n",
        "Example:\n\n    ### Stage 2: deploy\n\nDo not forget the tests.",
        "    ###### Thread 02: example heading",
        "\t##### Batch 02: example heading",
    ] {
        let text = PLAN.replace("- work", code);
        let plan = parse(&text);
        assert_eq!(fixed(&text, &roster()).text, text);
        assert!(plan.problems.is_empty(), "{code:?}: {:?}", plan.problems);
        assert_eq!(plan.threads().next().unwrap().details, code.trim_end(), "{code:?}");
    }
    // An edit would move what is below to another stage, so a person has to decide.
    let stage = format!("{PLAN}\n    ### Stage 2: deploy\n\n##### Batch 01: Other\n\n###### Thread 01: x\n");
    assert!(parse(&stage).problems.iter().any(|problem| problem.line == 17 && problem.kind.forbids_approval()));
    assert_eq!(fixed(&stage, &roster()).text, stage);
}

#[test]
fn a_tick_an_attribute_and_a_comment_stay() {
    for line in [
        "###### [x] Thread 02: Zebra",
        "<h6 data-agent=\"codex\">Thread 02: Zebra</h6>",
        "###### Thread-02: Zebra <!-- keep me -->",
    ] {
        let text = format!("{PLAN}\n{line}\n\n**Summary:** z\n");
        let after_fix = fixed(&text, &roster()).text;
        assert_eq!(lost(&text, &after_fix), Vec::<String>::new(), "{line:?}: {after_fix}");
    }
}

#[test]
fn a_new_line_ends_as_the_others_do() {
    for end in ["\n", "\r\n", "\r"] {
        let text = PLAN.replace("## Stages\n\n", "").replace('\n', end);
        assert_eq!(fixed(&text, &roster()).text, PLAN.replace('\n', end));
    }
}

#[test]
#[ignore = "it times: cargo test --lib -- --ignored in_time_linear"]
#[expect(clippy::disallowed_methods, reason = "it asks the clock")]
fn any_text_is_fixed_in_time_linear_in_it() {
    let time = |unit: &str, bytes: usize| {
        let text = format!("{PLAN}\n{}", unit.repeat(bytes / unit.len()));
        let start = std::time::Instant::now();
        std::hint::black_box(fixed(&text, &roster()));
        start.elapsed()
    };
    for unit in ["<div>\n###### Thread 2: x\n</div>\n\n", "> ###### Thread 2: x\n", "**Thread 2: x**\n\n", "### 3. x\n"]
    {
        // For four times the text, sixteen times the time would be quadratic.
        let is_linear = |_| time(unit, 256 * 1024) < time(unit, 64 * 1024) * 9;
        assert!((0..5).any(is_linear), "{unit:?}");
    }
}
