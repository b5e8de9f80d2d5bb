//! Other spellings of a plan, as people and models write them. Each one is read right, or is a problem that forbids
//! the approval and points at its line. None loses a thread or an agent in silence.

use proptest::prelude::*;

use super::super::{Problem, ThreadId, fixed};
use super::parse;
use crate::roster::Roster;

const ROWS: &str = "###### Thread 02: Rows";

const PLAN: &str = "\
# Plan: Demo

## Stages

### Stage 01: One

#### Stage Definition

First.

#### Stage Batches

##### Batch 01: Alpha

###### Thread 01: Schema

**Summary:** Define the schema.

**Details:** Tables.

###### Thread 02: Rows

**Summary:** Load the rows.

**Details:** All of them.

##### Batch 02: Beta

###### Thread 01: Queries

**Summary:** Queries.

### Stage 02: Two

##### Batch 01: Gamma

###### Thread 01: Docs

**Summary:** Docs.
";

/// Headings of a thread that the parser reads or `fixed` corrects.
const CERTAIN: &[&str] = &[
    "# Thread 02: Rows",
    "## Thread 02: Rows",
    "### Thread 02: Rows",
    "#### Thread 02: Rows",
    "####### Thread 02: Rows",
    "######Thread 02: Rows",
    "###### Thread 2. Rows",
    "###### Thread 2) Rows",
    "###### Thread-02: Rows",
    "###### Thread_02: Rows",
    "###### Thread02: Rows",
    "###### Thread #2: Rows",
    "###### Thread No. 2: Rows",
    "###### Thread 01.01.02 - Rows",
    "###### Thread 1.1.2: Rows",
    "###### Thread 1.2: Rows",
    "###### Thread 1-1-2: Rows",
    "###### 01.01.02 Rows",
    "###### 01.01.02: Rows",
    "###### Threads 02: Rows",
    "###### thread: 2: Rows",
    "###### Thread：02：Rows",
    "###### Thread 02：Rows",
    "###### Thread ０２: Rows",
    "＃＃＃＃＃＃ Thread 02: Rows",
    "###### Ｔｈｒｅａｄ 02: Rows",
    "######\u{a0}Thread 02: Rows",
    "\u{a0}###### Thread 02: Rows",
    "\u{200b}###### Thread 02: Rows",
    "\u{feff}###### Thread 02: Rows",
    "###### \u{200b}Thread 02: Rows",
    "###### Th\u{200b}read 02: Rows",
    "###### Thread\u{200b}02: Rows",
    "###### \u{feff}Thread 02: Rows",
    "######\u{3000}Thread 02: Rows",
    "###### ✅ Thread 02: Rows",
    "###### 🚀 Thread 02: Rows",
    "###### [ ] Thread 02: Rows",
    "###### - Thread 02: Rows",
    "###### 2. Thread 02: Rows",
    "###### **Thread 02: Rows**",
    "###### **Thread 02:** Rows",
    "###### **Thread 02**: Rows",
    "###### *Thread 02: Rows*",
    "###### __Thread 02: Rows__",
    "###### `Thread 02`: Rows",
    "###### `Thread 02: Rows`",
    "###### Thread **02**: Rows",
    "**Thread 02: Rows**",
    "*Thread 02: Rows*",
    "__Thread 02: Rows__",
    "**###### Thread 02: Rows**",
    "***Thread 02: Rows***",
    "<h6>Thread 02: Rows</h6>",
    "<h4>Thread 02: Rows</h4>\n",
    "Thread 02: Rows\n---------------",
    "Thread 02: Rows\n===============",
    "- ###### Thread 02: Rows",
    "- **Thread 02: Rows**",
    "1. ###### Thread 02: Rows",
    "* ###### Thread 02: Rows",
    "> ###### Thread 02: Rows",
    "    ###### Thread 02: Rows",
    "\t###### Thread 02: Rows",
    "\\###### Thread 02: Rows",
    "###### Thread two: Rows",
    "###### Thread II: Rows",
    "###### Thread Two - Rows",
    "###### Thread (2): Rows",
    "###### Thread [2]: Rows",
    "###### (Thread 02) Rows",
    "###### \"Thread 02\": Rows",
    "###### Thread 02 -> Rows",
    "###### Thread 02 → Rows",
    "###### Thread 02 | Rows",
    "###### Thread 02 . Rows",
    "###### Thread 02, Rows",
    "###### Thread 02; Rows",
    "###### Thread 02/Rows",
    "###### Thread number 2: Rows",
    "###### Thread nr 2: Rows",
    "###### ↳ Thread 02: Rows",
    "###### T\u{ad}hread 02: Rows",
    "###### <b>Thread 02: Rows</b>",
    "- [ ] ###### Thread 02: Rows",
    "#######Thread 02: Rows",
    "##Thread 02: Rows",
    "########## Thread 02: Rows",
    "###### Thread 02 :- Rows",
    "###### \u{202a}Thread 02: Rows",
    "###### Thread № 2: Rows",
    "###### 1.1.2 Thread: Rows",
    "###### 02: Rows",
    "###### 02 - Rows",
    "###### &nbsp;Thread 02: Rows",
    "###### Thread&nbsp;02: Rows",
    "###### Thread: 02 - Rows",
    "###### <a id=\"rows\"></a>Thread 02: Rows",
    "###### 🧵 Thread 02: Rows",
    "###### 1️⃣ Thread 02: Rows",
    "###### → Thread 02: Rows",
    "###### (2) Thread 02: Rows",
    "######  **`Thread 02`**: Rows",
    "  - ###### Thread 02: Rows",
    "**Thread ii: Rows**",
    "**Тhread 02: Rows**",
    "###### Thrеad 02: Rows",
    "###### Thread {02}: Rows",
    "###### Thread “02”: Rows",
    "###### Thread ID 02: Rows",
    "###### Thread n° 2: Rows",
    "###### Thread number two: Rows",
    "######\tThread-2: Rows",
];

/// Lines that may be a thread. They are reported, and a person or a model has to correct them.
const TOLD: &[&str] = &[
    "**New: Thread 02 - Rows**",
    "**NEW: Thread 2: Rows**",
    "- **Thread 02: Rows** (@default): Load the rows of the table.",
    "1. Thread 1.1.2: Rows - @default",
    "- Thread 02: Rows",
    "* Thread 02: Rows",
    "+ Thread 02 - Rows",
    "1. Thread 02: Rows",
    "2) Thread 02: Rows",
    "- [ ] Thread 02: Rows",
    "- [x] Thread 02: Rows",
    "###### [x] Thread 02: Rows",
    "> Thread 02: Rows",
    "> **Thread 02: Rows**",
    "Thread 02: Rows",
    " Thread 02: Rows",
    "    Thread 02: Rows",
    "Thread 2 - Rows",
    "Thread 2. Rows",
    "thread 02: Rows",
    "THREAD 02: ROWS",
    "Thread 02",
    "✅ Thread 02: Rows",
    "[ ] Thread 02: Rows",
    "2. **Thread 02**: Rows",
    "**Thread 02:** Rows",
    "**Thread 02** Rows",
    "**Thread 02** - Rows",
    "Thread **02**: Rows",
    "`Thread 02: Rows`",
    "~~Thread 02: Rows~~",
    "###### ~~Thread 02: Rows~~",
    "[Thread 02: Rows](#rows)",
    "###### [Thread 02: Rows](#rows)",
    "| Thread 02 | Rows |",
    "| Thread 02: Rows | codex |",
    "Thread 1.1.2: Rows",
    "Thread 01.01.02 Rows",
    "- Thread 1.1.2 Rows",
    "###### Task 2: Rows",
    "Task 2: Rows",
    "- Task 2: Rows",
    "**Task 2: Rows**",
    "###### Thread: Rows",
    "###### Thread A: Rows",
    "###### Thread 2a: Rows",
    "###### Thread 2000: Rows",
    "###### Thread 01: Rows",
    "###### Thread 1.2.2: Rows",
    "###### Thread 02.01.02: Rows",
    "###### Thread X2: Rows",
    "###### Thread ٢: Rows",
    "###### Thread 02:",
    "###### Thread 02",
    "###### Thread 1.1.1.2: Rows",
    "```\n\n###### Thread 02: Rows",
    "~~~sql\nCREATE\n\n###### Thread 02: Rows",
    "<!-- open\n\n###### Thread 02: Rows",
    "<details>\n###### Thread 02: Rows\n",
    "<pre>\n\n###### Thread 02: Rows",
    "<summary>Thread 02: Rows</summary>",
    "<details>\n<summary>Thread 02: Rows</summary>",
    "<strong>Thread 02: Rows</strong>",
    "## Notes\n\n###### Thread 02: Rows",
    "### Notes\n\n###### Thread 02: Rows",
    "# Plan: Again\n\n###### Thread 02: Rows",
    "```md\nExample\n```js\ncode\n```\nmore\n```\n\n###### Thread 02: Rows\n\n```\n",
    "  - Thread 02: Rows",
    "- **Thread 02:** Rows",
    "• Thread 02: Rows",
    "Threads 02: Rows",
    "Thread #2: Rows",
    "Thread-02: Rows",
    "Thread two: Rows",
    "###### Stage 02: Rows",
    "###### Batch 03: Rows",
    "###### Rows",
    "##### Rows",
    "**Details:** more.\nThread 02: Rows",
    "<div>\n###### Thread 02: Rows",
    "> 1. Thread 02: Rows",
    "- **Thread 02**",
    "A) Thread 02: Rows",
    "i. Thread 02: Rows",
    "(a) **Thread 02: Rows**",
    "1.1.2 - Thread 02: Rows",
    "h6. Thread 02: Rows",
    "**B1 · Thread 02: Rows**",
    "Thread n° 2: Rows",
    "Thread nº2: Rows",
    "Thread \"02\": Rows",
    "Thread <02>: Rows",
    "Thread {02}: Rows",
    "Thread→02: Rows",
    "Thread; 02: Rows",
    "Thread ID 02: Rows",
    "Thread number two: Rows",
    "###### Thread 02 & 03: Rows",
    "###### Thread 02 and Thread 03: Rows",
    "###### Thread 02, 03: Rows",
    "###### Thread 02+03: Rows",
    "###### Threads 02 and 03: Rows",
    "**Threads 02 & 03: Rows**",
    "###### Thread 02/03: Rows",
];

/// Spellings of an agent that are read.
const NAMED: &[&str] = &[
    "Rows @agent:NAME",
    "Rows @agent: NAME",
    "Rows @Agent:NAME",
    "Rows @AGENT:NAME",
    "Rows (@agent:NAME)",
    "Rows [@agent:NAME]",
    "Rows {@agent:NAME}",
    "Rows `@agent:NAME`",
    "Rows **@agent:NAME**",
    "Rows - @agent:NAME",
    "Rows – @agent:NAME",
    "Rows — @agent: NAME",
    "Rows, @agent:NAME",
    "Rows | @agent:NAME",
    "Rows (`@agent:NAME`)",
    "Rows (@agent: NAME)",
    "Rows @agent:`NAME`",
    "Rows @agent:@NAME",
    "Rows @agent:NAME.",
    "Rows @agent:NAME <!-- now -->",
    "@agent:NAME Rows",
    "Rows @agent :NAME",
    "Rows @agent：NAME",
    "Rows @agents:NAME",
    "Rows ＠agent:NAME",
    "Rows *@agent:NAME*",
    "Rows <@agent:NAME>",
    "Rows; @agent:NAME",
    "Rows @agent=NAME",
    "Rows @agent:[NAME]",
    "Rows @agent:NAME ######",
    "Rows\n@agent:NAME\n",
    "Rows\n\n@agent:NAME\n",
    "Rows\n- @agent:NAME\n",
    "Rows\n`@agent:NAME`\n",
    "Rows\n@agent: NAME.\n",
    "Rows\n**@agent:NAME**\n",
    "Rows\n> @agent:NAME\n",
    "Rows\n(@agent:NAME)\n",
    "Rows\n**Agent:** NAME\n",
    "Rows\n- **Agent:** NAME\n",
    "Rows\n**Agent:** @NAME\n",
    "Rows\n**Agent:** `NAME`\n",
    "Rows\n**Agent**: NAME\n",
    "Rows\nAgent: NAME\n",
    "Rows\n*Agent:* NAME\n",
    "Rows\n**agent:** NAME\n",
    "Rows\n**AGENT:** NAME\n",
    "Rows\n**Agent:** @agent:NAME\n",
    "Rows\n**Assigned agent:** NAME\n",
    "Rows\n**Assignee:** NAME\n",
    "Rows\n__Agent:__ NAME\n",
    "Rows\n**Agent:** NAME.\n",
    "Rows\n- Agent: NAME\n",
    "Rows\n* **Agent**: `@NAME`\n",
    "Rows\n**Agent：** NAME\n",
    "Rows\n**Agent:** **NAME**\n",
    "Rows\n**Agent** NAME\n",
    "Rows\n**Agents:** NAME\n",
    "Rows\n**Agent(s):** NAME\n",
    "Rows\nagent: NAME\n",
    "Rows\n[agent: NAME]\n",
    "Rows\n\n**Agent:** NAME <!-- x -->\n",
];

/// Spellings of an agent that are reported.
const UNNAMED: &[&str] = &[
    "Rows @NAME",
    "Rows (@NAME)",
    "Rows [@NAME]",
    "Rows - @NAME",
    "Rows `@NAME`",
    "Rows\n@NAME\n",
    "Rows\n- @NAME\n",
    "Rows @agent NAME",
    "Rows @agent(NAME)",
    "Rows agent:NAME",
    "Rows (agent: NAME)",
    "Rows [agent:NAME]",
    "Rows @agent:",
    "Rows @agent: ",
    "Rows @agent:NAME!x",
    "Rows @agent:NAME @agent:default",
    "Rows @agent:NAME\n**Agent:** default\n",
    "Rows\n**Agent:**\n",
    "Rows\n**Agent:** NAME (or default)\n",
    "Rows @agent: system engineer codex",
    "Rows @agent:NAME, default",
    "Rows\n@agent:\n",
    "Rows (NAME)",
    "Rows - NAME",
    "Rows [NAME]",
    "Rows\nAgent: NAME or default\n",
    "Rows (agent NAME)",
    "Rows, agent NAME",
    "Rows 🤖 NAME",
    "Rows 👤NAME",
    "Rows by NAME",
    "Rows assigned to NAME",
    "Rows using NAME",
    "Rows owner: NAME",
    "Rows ~NAME",
    "Rows -> NAME",
    "Rows [agent](NAME)",
    "Rows @agent:NAME or default",
    "Rows @agent:NAME and default",
    "Rows #agent:NAME",
];

/// Texts that name an agent at a place where no agent is read.
const ELSEWHERE: &[&str] = &[
    "**01.01.02 Zebra** @agent:NAME",
    "**Zebra** @agent:NAME",
    "Zebra @agent:NAME",
    "- Zebra @agent:NAME",
    "1. Zebra (@agent: NAME)",
    "**Subtask 2: Zebra** @agent:NAME",
    "**New: Thread 02 - Zebra** @agent:NAME",
    "| Thread | Name | Agent |\n|---|---|---|\n| 02 | Zebra | @agent:NAME |",
    "#### Zebra @agent:NAME",
    "###### Zebra (NAME)",
    "Agent: NAME",
    "*Assigned to NAME*",
    "**Assigned to:** @NAME",
    "See above. **Agent:** NAME",
    "- Agent: NAME",
];

#[test]
fn an_agent_outside_a_thread_does_not_vanish() {
    let mut lost = Vec::new();
    for spelling in ELSEWHERE {
        let line = spelling.replace("NAME", "system-engineer-codex");
        let text = PLAN.replace("**Details:** All of them.", &format!("**Details:** All of them.\n\n{line}"));
        let plan = parse(&text);
        let told_at = 27 + line.matches('\n').count();
        let problems = super::super::check(&plan, &roster());
        if !problems.iter().any(|problem| problem.kind.forbids_approval() && problem.line == told_at) {
            lost.push(format!("{spelling:?}: {problems:?}"));
        }
    }
    assert_eq!(lost, Vec::<String>::new());
    for prose in
        ["Uses `@agent:foo` here.", "    @agent:foo", "```\n@agent:foo\n```", "The agent: Smith", "Agent: default"]
    {
        let text = PLAN.replace("**Details:** All of them.", &format!("**Details:** All of them.\n\n{prose}"));
        let problems = super::super::check(&parse(&text), &roster());
        assert!(problems.iter().all(|problem| !problem.kind.forbids_approval()), "{prose:?}: {problems:?}");
    }
}

#[test]
fn a_fixed_agent_leaves_nothing_of_its_mark_in_the_name() {
    for heading in UNNAMED.iter().chain(NAMED).filter(|heading| heading.starts_with("Rows ")) {
        let heading = heading.replace("NAME", "system-engineer-codex");
        let text = PLAN.replace(ROWS, &format!("###### Thread 02: {heading}"));
        let after_fix = fixed(&text, &roster());
        let plan = parse(&after_fix.text);
        let thread = plan.thread(ThreadId::new(1, 1, 2)).unwrap();
        if super::super::check(&plan, &roster()).iter().all(|problem| !problem.kind.forbids_approval()) {
            assert_eq!(thread.name, "Rows", "{heading:?} became {:?}", after_fix.text.lines().nth(20));
        } else {
            assert_eq!(after_fix.applied, 0, "{heading:?}");
        }
    }
    for heading in ["Rows@agent:system-engineer-codex", "Rows @@agent:system-engineer-codex"] {
        let plan = parse(&PLAN.replace(ROWS, &format!("###### Thread 02: {heading}")));
        let thread = plan.thread(ThreadId::new(1, 1, 2)).unwrap();
        assert_eq!((thread.name.as_str(), thread.agent.is_some()), ("Rows", true), "{heading:?}");
    }
    let sharp = parse(&PLAN.replace(ROWS, "###### Thread 02: C++ and C# @agent:x"));
    assert_eq!(sharp.thread(ThreadId::new(1, 1, 2)).unwrap().name, "C++ and C#");
}

#[test]
fn a_thread_that_is_written_twice_is_told() {
    let text = PLAN.replace(ROWS, "**Thread 02: Rows**\n\n**Thread 02: Rows**");
    for text in [fixed(&text, &roster()).text, text] {
        let problems = parse(&text).problems;
        let is_told = |line: usize| problems.iter().any(|one| one.line == line && one.kind.forbids_approval());
        assert!(is_told(23), "{problems:?}");
    }
}

#[test]
fn a_numbered_stage_batch_or_thread_is_told() {
    for (below, expected) in [
        ("### 2. UI\n\n#### 2.1 Components\n\n##### 2.1.1 Box\n", vec![33, 35, 37]),
        ("### Stage 02: UI\n\n#### 2.1 Components\n\n##### 2.1.1 Box\n", vec![35, 37]),
        ("### Phase 2\n\n#### Group 1\n\n##### Box\n", vec![33, 35]),
        ("### Phase 2: UI\n", vec![33]),
        ("### Milestone II - UI\n", vec![33]),
        ("### S2: UI\n\n#### B1\n\n##### T1: Box\n", vec![33, 35, 37]),
        ("### 7. UI\n", vec![33]),
        ("##### 1.3 More\n\n###### 1.3.1 Box\n", vec![33, 35]),
        ("#### B3: More\n\n##### T1: Box\n", vec![33, 35]),
    ] {
        let (start, _) = PLAN.split_once("### Stage 02: Two").unwrap();
        let text = format!("{start}{below}");
        let told = |text: &str| {
            let errors = parse(text).problems.into_iter().filter(|problem| problem.kind.forbids_approval());
            errors.map(|problem| problem.line).collect::<Vec<_>>()
        };
        let mut lines = told(&text);
        lines.dedup();
        assert_eq!(lines, expected, "{below:?}");
        let after_fix = fixed(&text, &roster()).text;
        assert!(!told(&after_fix).is_empty() || parse(&after_fix).stages.len() == 2, "{after_fix}");
    }
    for chapter in ["#### 1. First", "##### 2. Then", "#### Step 1: do it", "#### 1.1 Aims", "##### Phase 2"] {
        let text = PLAN.replace("All of them.", &format!("All.\n\n{chapter}\n\ntext"));
        let plan = parse(&text);
        assert!(plan.problems.iter().all(|problem| !problem.kind.forbids_approval()), "{chapter}: {:?}", plan.problems);
    }
}

fn roster() -> Roster {
    Roster { declared: true, ..Roster::undeclared(["system-engineer-codex", "frontend-designer-grok"]) }
}

/// What the parser made of a spelling.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Read,
    Told(Vec<Problem>),
    Lost(String),
}

/// Returns what the parser makes of thread 01.01.02 if its heading is `spelling`. A problem in any line of the
/// spelling counts as told.
fn fate(spelling: &str) -> Fate {
    let text = PLAN.replace(ROWS, spelling);
    fate_in(&text, spelling, "Rows")
}

fn fate_in(text: &str, spelling: &str, name: &str) -> Fate {
    let plan = parse(text);
    let errors: Vec<Problem> =
        plan.problems.iter().filter(|problem| problem.kind.forbids_approval()).cloned().collect();
    let read = plan.thread(ThreadId::new(1, 1, 2));
    if errors.is_empty() && plan.counts().threads == 4 && read.is_some_and(|thread| thread.name == name) {
        return Fate::Read;
    }
    let first = text[..text.find(spelling).unwrap_or_default()].matches('\n').count() + 1;
    let lines = first..=first + spelling.trim_end().matches('\n').count();
    if errors.iter().any(|problem| lines.contains(&problem.line)) {
        return Fate::Told(errors);
    }
    Fate::Lost(format!("{spelling:?}: {:?} {errors:?}", read.map(|thread| &thread.name)))
}

#[test]
fn no_spelling_of_a_thread_is_lost() {
    let (mut read, mut fixable, mut lost) = (0, 0, Vec::new());
    for spelling in CERTAIN {
        match fate(spelling) {
            Fate::Read => read += 1,
            Fate::Told(_) => {
                fixable += 1;
                let text = PLAN.replace(ROWS, spelling);
                let after_fix = fixed(&text, &roster()).text;
                if fate_in(&after_fix, "######", "Rows") != Fate::Read {
                    lost.push(format!("not fixed: {spelling:?}: {:?}", fate_in(&after_fix, "######", "Rows")));
                }
            }
            Fate::Lost(what) => lost.push(what),
        }
    }
    for spelling in TOLD {
        match fate(spelling) {
            Fate::Told(_) => {}
            Fate::Read => lost.push(format!("read: {spelling:?}")),
            Fate::Lost(what) => lost.push(what),
        }
    }
    assert_eq!(
        lost,
        Vec::<String>::new(),
        "{} lost of {}, {read} read, {fixable} fixed",
        lost.len(),
        CERTAIN.len() + TOLD.len()
    );
    assert!(CERTAIN.len() + TOLD.len() >= 120 && NAMED.len() + UNNAMED.len() >= 50);
}

#[test]
fn line_ends_and_a_byte_order_mark_lose_nothing_either() {
    let mut lost = Vec::new();
    for spelling in CERTAIN.iter().chain(TOLD) {
        for end in ["\r\n", "\r"] {
            let with_ends = |text: &str| text.replace('\n', end);
            let text = format!("\u{feff}{}", with_ends(&PLAN.replace(ROWS, spelling)));
            let unix = fate(spelling);
            let lines = |fate: Fate| match fate {
                Fate::Told(problems) => problems.iter().map(|problem| problem.line).collect(),
                _ => vec![],
            };
            let plan = parse(&text);
            let errors = plan.problems.iter().filter(|problem| problem.kind.forbids_approval());
            let seen: Vec<usize> = errors.map(|problem| problem.line).collect();
            if seen != lines(unix) {
                lost.push(format!("{spelling:?} {end:?}: {seen:?}"));
            }
            let after_fix = fixed(&text, &roster()).text;
            if end == "\r\n" && after_fix.matches('\n').count() != after_fix.matches(end).count() {
                lost.push(format!("{spelling:?}: another line end"));
            }
        }
    }
    assert_eq!(lost, Vec::<String>::new());
}

#[test]
fn no_agent_is_lost() {
    let name = "system-engineer-codex";
    let mut lost = Vec::new();
    for spelling in NAMED {
        let text = PLAN.replace(ROWS, &format!("###### Thread 02: {}", spelling.replace("NAME", name)));
        let plan = parse(&text);
        let thread = plan.thread(ThreadId::new(1, 1, 2)).unwrap();
        let read =
            (thread.name.as_str(), thread.agent.as_ref().map(|agent| agent.name.as_str()), thread.summary.as_str());
        let errors = plan.problems.iter().filter(|problem| problem.kind.forbids_approval()).count();
        if read != ("Rows", Some(name), "Load the rows.") || errors > 0 || !plan.mentions.is_empty() {
            lost.push(format!("{spelling:?}: {read:?} {errors} {:?}", plan.mentions));
        }
    }
    for spelling in UNNAMED {
        let text = PLAN.replace(ROWS, &format!("###### Thread 02: {}", spelling.replace("NAME", name)));
        let plan = parse(&text);
        let problems = super::super::check(&plan, &roster());
        if !problems.iter().any(|problem| problem.kind.forbids_approval() && (21..=23).contains(&problem.line)) {
            lost.push(format!("{spelling:?}: {problems:?}"));
        }
    }
    let bare = parse(&PLAN.replace("##### Batch 02: Beta", "##### Batch 02: Beta (@system-engineer-codex)"));
    assert_eq!(bare.mentions.len(), 1);
    let of_batch = PLAN.replace("##### Batch 02: Beta", "##### Batch 02: Beta\n\n**Agent:** default\n");
    assert!(parse(&of_batch).problems.iter().any(|problem| problem.line == 29 && problem.kind.forbids_approval()));
    let long = PLAN.replace(ROWS, &format!("{ROWS} @agent:{}", "x".repeat(101)));
    assert!(parse(&long).problems.iter().any(|problem| problem.kind.forbids_approval()));
    assert_eq!(lost, Vec::<String>::new(), "{} lost", lost.len());
}

/// An outline of a model that has not seen the format.
const OUTLINE: &str = "\
# Search API

## Summary

Find things.

## Stage 1: Index

### Definition

The index.

### Open Questions

- [x] Which tokenizer? The catalogue's.

### Risks

- it may be slow

### Batch 1.1: Storage

Where rows live.

#### Thread 1.1.1: Schema @system-engineer-codex

**Summary:** Define the schema.

**Details:**
- tables

#### Thread 1.1.2: Rows (@system-engineer-codex)

##### Summary

Load the rows.

##### Details

All of them.

### Batch 1.2: Queries

#### Thread 1.2.1: Parser @agent:frontend-designer-grok

**Summary:** Parse.

**Details:** Whole lines.

## Stage 2: API

### Batch 2.1: Endpoints

#### Thread 2.1.1: Routes @agent: system-engineer-codex

**Summary:** Routes.

**Details:** All.
";

#[test]
fn an_outline_becomes_a_plan_by_its_edits_alone() {
    let shift = |by: usize| {
        let line = |line: &str| match line.find(' ') {
            Some(at) if line.starts_with("##") && !line.starts_with("## Summary") => {
                format!("{}{}", "#".repeat(at - by), &line[at..])
            }
            _ => line.to_owned(),
        };
        OUTLINE.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
    };
    let with_stages = OUTLINE.replace("## Stage 1", "## Stages\n\n## Stage 1");
    let with_plan = OUTLINE.replace("# Search API", "# Plan: Search API");
    let dashes = OUTLINE.replace(": ", " - ").replace("@agent - ", "@agent:");
    let upper = OUTLINE.replace("Stage ", "STAGE ").replace("Thread ", "THREAD ").replace("Batch ", "BATCH ");
    let windows = OUTLINE.replace('\n', "\r\n");
    let bold = OUTLINE
        .replace("#### Thread", "**Thread")
        .replace("Schema @system-engineer-codex", "Schema** @system-engineer-codex");
    let bold = bold
        .replace("(@system-engineer-codex)", "(@system-engineer-codex)**")
        .replace("Parser ", "Parser** ")
        .replace("Routes @", "Routes** @");
    for text in [OUTLINE.to_owned(), shift(1), with_stages, with_plan, dashes, upper, windows, bold] {
        let after_fix = fixed(&text, &roster());
        let plan = parse(&after_fix.text);
        let problems: Vec<String> = super::super::check(&plan, &roster())
            .iter()
            .map(|problem| format!("{}: {} {}", problem.line, problem.kind, problem.kind.help()))
            .filter(|problem| !problem.contains("no worker is told this text"))
            .collect();
        assert_eq!(problems, Vec::<String>::new(), "{}", after_fix.text);
        let threads: Vec<String> = plan
            .threads()
            .map(|thread| {
                let agent = thread.agent.as_ref().map(|agent| agent.name.as_str()).unwrap_or_default();
                format!("{} {} {agent} {}", thread.id, thread.name, thread.summary)
            })
            .collect();
        assert_eq!(
            threads,
            [
                "01.01.01 Schema system-engineer-codex Define the schema.",
                "01.01.02 Rows system-engineer-codex Load the rows.",
                "01.02.01 Parser frontend-designer-grok Parse.",
                "02.01.01 Routes system-engineer-codex Routes.",
            ],
            "{}",
            after_fix.text
        );
        assert_eq!((plan.name.as_str(), plan.summary.as_str()), ("Search API", "Find things."));
        assert_eq!(plan.stages[0].definition, "The index.");
        assert_eq!(plan.stages[0].answers, ["Which tokenizer? The catalogue's."]);
        assert_eq!(after_fix.text.contains('\r'), text.contains('\r'));
        assert_eq!(after_fix.text.matches("\r\n").count(), after_fix.text.matches('\r').count());
        assert_eq!(fixed(&after_fix.text, &roster()), super::super::Fixed { text: after_fix.text.clone(), applied: 0 });
    }
}

#[test]
fn prose_stays_free_of_errors() {
    let details = |text: &str| PLAN.replace("**Details:** Tables.", &format!("**Details:**\n\n{text}"));
    for text in [
        "###### Thread safety: notes",
        "###### Thread pool",
        "##### Batching",
        "#### Staging area",
        "Stage 1 must be done before this.\nThen the rest.",
        "As said in the text,\nThread 2 depends on the schema, and\nThread 2: the rows, too.",
        "Thread 2 depends on this thread.",
        "**Thread 2** depends on this thread.",
        "```\n###### Thread 02: an example\n```",
        "````md\n```js\ncode\n```\n````",
        "<!-- ###### Thread 09: later -->",
        "<!--\n###### Thread 09: later\n### Stage 9: x\n-->",
        "- Thread 02: Rows waits for it",
        "- Stage 2: Two needs it",
        "- Stage 1 and stage 2 share it",
        "# install\n\n## \nrun it",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "Task force: three people",
        "- a task 2: b",
        "1. first\n2. second",
        "Batch size: 3",
        "Stages: two",
        "user-agent: x",
        "mail ann@example.org",
        "- [ ] a box in the details",
        "Thread: 2 rows",
        "`Stage 1`",
        "In stage 2: two.",
        "text\n---\nmore",
        "**Notes:** x",
        "<b>bold</b> text",
        "Two threads 2: x",
        "**Threads:** 4",
        "Thread 2's lock",
        "Thread 9, see above",
        "Stage A",
        "- Thread A: holds the lock\n- Thread B: waits",
        "- Stage 3: `FROM debian`",
        "- Stage 1: `FROM rust`\n- Stage 7: `FROM debian`",
        "    Thread 7: panicked",
        "- [ ] Task 1: write the tests\n- [ ] Task 7: make them pass",
        "1. Task 7: Make them pass",
        "Batch 500 rows at a time.",
        "Task 3 in the tracker is the parent.",
        "**Task 1.** Do this.",
        "Threads 1 and 2 race.",
        "Thread 1 reads, thread 2 writes.",
        "#### Task 7",
    ] {
        let plan = parse(&details(text));
        let errors: Vec<String> = plan
            .problems
            .iter()
            .filter(|problem| problem.kind.forbids_approval())
            .map(|problem| problem.kind.to_string())
            .collect();
        // A heading of the second level ends the stages anywhere.
        if text.contains("## \n") {
            continue;
        }
        assert_eq!((errors, plan.counts().threads), (vec![], 4), "{text:?}");
    }
    for text in ["## Summary\n\n- Stage 1: One\n- Stage 7: Seven comes later\n\n## Stages", "## Stages"] {
        let text = PLAN.replace("## Stages", text) + "\n## Out of scope\n\n- Stage 8: Eight, see the next plan\n";
        let errors = parse(&text).problems.into_iter().filter(|problem| problem.kind.forbids_approval());
        assert_eq!(errors.collect::<Vec<_>>(), [], "{text}");
    }
    let summary = PLAN.replace(
        "## Stages",
        "## Summary\n\n- Stage 1: builds the index\n- **Stage 2:** the API\n- Stage 1 comes first\n\n## Stages",
    );
    assert!(parse(&summary).problems.iter().all(|problem| !problem.kind.forbids_approval()));
    let lost = summary.replace("Stage 2:**", "Stage 3:**");
    assert!(parse(&lost).problems.iter().any(|problem| problem.line == 6 && problem.kind.forbids_approval()));
}

/// Headings and labels above the questions of a stage.
const QUESTION_HEADINGS: &[&str] = &[
    "#### Stage Questions",
    "#### Questions",
    "#### Open Questions",
    "#### Stage Open Questions:",
    "#### QUESTIONS",
    "### Questions",
    "##### Open Questions",
    "**Open Questions**",
    "####Stage Questions",
    "Questions:",
    "Open questions:",
    "<h4>Stage Questions</h4>",
    "#### **Stage Questions**",
    "#### ❓ Questions",
    "#### Questions for the user",
    "#### Open questions (stage)",
    "#### Outstanding questions",
    "#### Question",
    "#### Questions / Decisions",
    "**Questions for the user:**",
];

/// Texts with one open question.
const OPEN_QUESTIONS: &[&str] = &[
    "- Which?",
    "- [ ] Which?",
    "- [] Which?",
    "- [ ]Which?",
    "- [?] Which?",
    "- [-] Which?",
    "- [~] Which?",
    "* Which",
    "+ Which",
    "1. Which",
    "2) Which?",
    "1. [ ] Which",
    "Which database?",
    "**Which database?**",
    "- **Which?**",
    "- [ ] **Which?** soon",
    "- Which\n  - this\n  - that",
    "- [ ] Which\n  - [x] this",
    "- [x] Done\n  - [ ] Which?",
    "> - [ ] Which?",
    "- TBD",
    "Some text.\nWhich database?",
    "- [Which?](x)",
    "- - [ ] Which?",
    "##### Which?",
    "\\[ ] Which?",
    "- [\u{a0}] Which?",
    "•\u{a0}Which?",
    "[ ] Which tokenizer",
    "-[ ] Which",
    "☐ Which",
    "-\n  [ ] Which",
    "• Which",
    "a. Which",
    "(1) Which",
    "Which? (ask Bob)",
    "Which tokenizer",
    "| Question | Answer |\n|---|---|\n| Which | |",
    "    - [ ] Which",
    "TBD",
    "Which? Answer: TBD",
];

/// Texts without an open question.
const ANSWERED_QUESTIONS: &[&str] = &[
    "- None",
    "- none.",
    "None.",
    "n/a",
    "-",
    "- [ ]",
    "- [ ] None",
    "- No open questions",
    "No open questions.",
    "- *None*",
    "- N/A",
    "* [ ] ",
    "None at this time.",
    "There are none so far.",
    "All questions are answered.",
    "- [x] Which?",
    "- [X] Which?",
    "1. [x] Which?",
    "<!-- - [ ] Which? -->",
    "- [x] Which?\n  - ours\n  - plain",
    "- Engines:\n  - [x] Which?",
    "Which? Answer: ours.",
    "**Q:** Which\n**A:** ours",
    "- Which?\n  Answer: ours",
    "[x] Which",
    "| Question | Answer |\n|---|---|\n| Which | ours |",
    "Engines:\n\n- [x] Which?",
    "- [x] Which?\n\nBob and Ann agreed on this.",
];

#[test]
fn no_spelling_of_a_question_is_missed() {
    let read = |heading: &str, text: &str| {
        let text = PLAN.replace("First.", &format!("First.\n\n{heading}\n\n{text}"));
        let plan = parse(&text);
        let open = plan
            .problems
            .iter()
            .filter(|problem| matches!(problem.kind, super::super::ProblemKind::OpenQuestion(_)))
            .count();
        (open, plan.stages[0].answers.clone())
    };
    for heading in QUESTION_HEADINGS {
        for text in OPEN_QUESTIONS {
            assert_eq!(
                read(heading, text),
                (1, if text.contains("[x] Done") { read(heading, text).1 } else { vec![] }),
                "{heading} {text:?}"
            );
        }
        for text in ANSWERED_QUESTIONS {
            assert_eq!(read(heading, text).0, 0, "{heading} {text:?}");
        }
    }
    let answers = read("#### Stage Questions", "- [x] Which tokenizer? The catalogue's.\n- [X] And\n  - this one\n").1;
    assert_eq!(answers, ["Which tokenizer? The catalogue's.", "And\n  - this one"]);
}

#[test]
fn an_empty_box_below_a_label_about_questions_is_open_anywhere() {
    let box_below = "\n\nOpen questions:\n\nPlease answer these.\n\n- [ ] Which?\n";
    for place in ["First.", "##### Batch 01: Alpha", "Tables.", "**Summary:** Docs."] {
        let text = PLAN.replace(place, &format!("{place}{box_below}"));
        let is_open = |text: &str| {
            parse(text).problems.iter().any(|one| matches!(one.kind, super::super::ProblemKind::OpenQuestion(_)))
        };
        assert!(is_open(&text), "{place:?}");
        assert!(!is_open(&text.replace("[ ]", "[x]")), "{place:?}");
        assert!(!is_open(&text.replace("Open questions:", "Steps:")), "{place:?}");
    }
}

#[test]
fn a_word_about_questions_asks_nothing() {
    for (place, text) in [
        ("## Stages", "## Notes\n\nQuestions:\n\n- go to Ann\n\n## Stages"),
        ("## Stages", "## Questions that this answers\n\nWhere things are.\n\n## Stages"),
        (ROWS, "###### Thread 02: Questions page\n\n- [ ] first\n"),
    ] {
        let problems = parse(&PLAN.replace(place, text)).problems;
        assert!(problems.iter().all(|one| !one.kind.forbids_approval()), "{text:?}: {problems:?}");
    }
}

#[test]
fn text_below_the_answers_is_told() {
    let questions = "First.\n\n#### Stage Questions\n\n- [x] Which? Ours.\n\nBob and Ann agreed on this.\n";
    let plan = parse(&PLAN.replace("First.", questions));
    let unread = plan.problems.iter().filter(|one| one.kind == super::super::ProblemKind::Unread);
    assert_eq!(unread.map(|problem| problem.line).collect::<Vec<_>>(), [15]);
}

#[test]
fn no_spelling_of_a_stage_or_batch_is_lost() {
    let told = |from: &str, spelling: &str| {
        let text = PLAN.replace(from, spelling);
        let first = text[..text.find(spelling).unwrap_or_default()].matches('\n').count() + 1;
        let plan = parse(&text);
        let lines: Vec<usize> = plan
            .problems
            .iter()
            .filter(|problem| problem.kind.forbids_approval())
            .map(|problem| problem.line)
            .collect();
        let after_fix = parse(&fixed(&text, &roster()).text);
        let is_right = after_fix.counts() == parse(PLAN).counts()
            && after_fix.problems.iter().all(|problem| !problem.kind.forbids_approval());
        let right_names =
            is_right && after_fix.stages[1].name == "Two" && after_fix.stages[0].batches[1].name == "Beta";
        (lines.first().copied() == Some(first), lines.is_empty() && right_names, right_names)
    };
    let mut lost = Vec::new();
    for (from, word) in [("### Stage 02: Two", "Stage 02: Two"), ("##### Batch 02: Beta", "Batch 02: Beta")] {
        for (form, is_certain) in [
            ("# {}", true),
            ("## {}", true),
            ("#### {}", true),
            ("###### {}", true),
            ("####### {}", true),
            ("###{}", true),
            ("**{}**", true),
            ("### **{}**", true),
            ("### ✅ {}", true),
            ("<h3>{}</h3>\n", true),
            ("{}\n======", true),
            ("- ### {}", true),
            ("> ### {}", true),
            ("- {}", false),
            ("{}", false),
            ("    {}", false),
            ("1. **{}**", true),
            ("| {} |", false),
            ("\\### {}", true),
            ("＃＃＃ {}", true),
        ] {
            let spelling = form.replace("{}", word);
            let (is_told, is_read, is_fixed) = told(from, &spelling);
            if !is_told && !is_read || is_certain && !is_fixed {
                lost.push((spelling, is_told, is_read, is_fixed));
            }
        }
    }
    for (from, spelling) in [
        ("## Stages", ""),
        ("## Stages", "# Stages"),
        ("## Stages", "### Stages"),
        ("## Stages", "##Stages"),
        ("## Stages", "**Stages**"),
        ("## Stages", "Stages\n------"),
        ("# Plan: Demo", "# Demo"),
        ("# Plan: Demo", "#Plan: Demo"),
        ("# Plan: Demo", "## Plan: Demo"),
        ("# Plan: Demo", "# Plan - Demo"),
        ("# Plan: Demo", "# Plan Demo"),
        ("## Stages", "### Summary\n\nText.\n\n## Stages"),
        ("# Plan: Demo", "# Plan: Demo\n\n# Summary\n\nText.\n\n# References\n\nText."),
    ] {
        let text = PLAN.replace(from, spelling);
        let after_fix = parse(&fixed(&text, &roster()).text);
        if after_fix.counts() != parse(PLAN).counts()
            || after_fix.name != "Demo"
            || after_fix.problems.iter().any(|problem| problem.kind.forbids_approval())
        {
            lost.push((spelling.to_owned(), false, false, false));
        }
    }
    assert_eq!(lost, vec![]);
}

#[test]
fn numbers_names_and_gaps() {
    let kinds = |from: &str, to: &str| {
        let plan = parse(&PLAN.replace(from, to));
        let mut found = plan.problems;
        found.retain(|problem| !matches!(problem.kind, super::super::ProblemKind::Unspecified { .. }));
        found.iter().map(|problem| format!("{}: {}", problem.line, problem.kind)).collect::<Vec<_>>().join("; ")
    };
    for (from, to, expected) in [
        (ROWS, "###### Thread 03: Rows", "21: there is no thread 02 before this one"),
        ("### Stage 02: Two", "### Stage 04: Two", "33: there is no stage 02 before this one"),
        (ROWS, "###### Thread 01: Rows", "21: thread 01.01.01 is defined here a second time"),
        (ROWS, "###### Thread 01.02.02: Rows", "21: this thread says 01.02.02 and stands in batch 01.01"),
        (ROWS, "###### Thread 02: Name of the thread", "21: the template's text is still here: Name of the thread"),
        (
            "Load the rows.",
            "One sentence: what comes of it.",
            "23: the template's text is still here: One sentence: what comes of it.",
        ),
        ("**Summary:** Load", "Text.\n\n**Summary:** Load", "23: no worker is told this text"),
        ("#### Stage Definition", "#### Stage Risks", "7: no worker is told this text"),
        ("## Stages", "## Timeline\n\nsoon\n\n## Stages", "3: no worker is told this text"),
        ("#### Stage Definition\n", "", "8: no worker is told this text"),
        ("# Plan: Demo", "# Plan:", "1: there is no `# Plan: NAME` heading"),
        ("## Stages", "## Summary\nA\n## Conventions:\nB\n## references\nC\n## Stages", ""),
    ] {
        assert_eq!(kinds(from, to), expected, "{to:?}");
    }
    let plan = parse(
        &PLAN.replace("## Stages", "## Summary\nA <!-- x -->\n### D\n## Conventions:\nB\n## references\nC\n## Stages"),
    );
    assert_eq!((plan.summary.as_str(), plan.conventions.as_str(), plan.references.as_str()), ("A \n### D", "B", "C"));
}

fn any_of(choices: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(choices)
}

/// Spellings that combine what may stand before, in and behind a label. No sentence looks like them.
fn mixed() -> impl Strategy<Value = String> {
    let before = any_of(&["", " ", "   ", "\u{a0}", "\u{200b}", "- ", "* ", "1. ", "> ", "- [ ] ", "    ", "\t", "\\"]);
    let hashes = any_of(&[
        "#",
        "##",
        "###",
        "####",
        "#####",
        "######",
        "#######",
        "＃＃＃",
        "**",
        "<h4>",
        "__",
        "### **",
        "###### *",
    ]);
    let after = any_of(&["", " ", "  ", "\t", "\u{a0}", " ✅ ", " [ ] ", " 2. ", " 🚀", " \u{200b}"]);
    let word = any_of(&["Thread", "THREAD", "thread", "Threads", "Ｔｈｒｅａｄ", "Th\u{ad}read"]);
    let gap = any_of(&["", " ", "-", "_", " #", " No. ", "  ", "\u{a0}", " **", ": "]);
    let number = any_of(&["2", "02", "1.2", "1.1.2", "01.01.02", "０２", "1-1-2"]);
    let separator = any_of(&[": ", "：", " - ", ". ", ") ", " – ", " — ", ":", " | ", " → ", "**: ", ":** "]);
    let end = any_of(&["", "**", " ######", "  ", ":", " @agent:default", " (@default)", "</h4>"]);
    (before, hashes, after, word, gap, number, separator, end).prop_map(
        |(before, hashes, after, word, gap, number, separator, end)| {
            format!("{before}{hashes}{after}{word}{gap}{number}{separator}Rows{end}")
        },
    )
}

proptest! {
    #[test]
    fn no_mixed_spelling_is_lost(spelling in mixed()) {
        let text = PLAN.replace(ROWS, &spelling);
        let plan = parse(&text);
        let errors: Vec<&Problem> = plan.problems.iter().filter(|problem| problem.kind.forbids_approval()).collect();
        let is_read = plan.thread(ThreadId::new(1, 1, 2)).is_some_and(|thread| thread.name.contains("Rows"));
        prop_assert!(is_read || errors.iter().any(|problem| problem.line == 21), "{spelling:?}: {errors:?}");
        // What `fixed` corrects is read, and keeps the text around it.
        let after_fix = parse(&fixed(&text, &roster()).text);
        let is_clean = after_fix.problems.iter().all(|problem| !problem.kind.forbids_approval());
        prop_assert!(!is_clean || after_fix.thread(ThreadId::new(1, 1, 2)).is_some_and(|thread| thread.details == "All of them."), "{spelling:?}");
    }
}

#[test]
fn messages_say_what_to_do() {
    let told = |text: &str| {
        let plan = parse(text);
        let problems = super::super::check(&plan, &roster());
        let line = |one: &Problem| format!("{}: {}: {}", one.line, one.kind, one.kind.help());
        problems.iter().map(line).filter(|line| !line.contains("has no details")).collect::<Vec<_>>()
    };
    for (text, expected) in [
        (
            format!("```markdown\n{PLAN}```\n"),
            "1: the whole plan is in a code block: remove this line and the closing fence in line 41",
        ),
        (
            PLAN.replace(ROWS, &format!("{ROWS} (system-engineer-codex)")),
            "21: `system-engineer-codex` is named here but not assigned: \
             write `@agent:system-engineer-codex` behind the name of the thread",
        ),
        (
            PLAN.replace(ROWS, "- Thread 02: Rows `@agent:x`"),
            "21: this looks like a thread but is not read as one: \
             write `###### Thread 02: Rows @agent:x`; if it is only text, begin the line with another word",
        ),
        (
            PLAN.replace(ROWS, "- Thread 02: Rows of `t`"),
            "21: this looks like a thread but is not read as one: \
             write `` ###### Thread 02: Rows of `t` ``; if it is only text, begin the line with another word",
        ),
        (
            PLAN.replace("##### Batch 01: Gamma", "##### Batch 03: Gamma"),
            "35: there is no batch 01 before this one: numbers begin with 01 in each stage",
        ),
        (
            "# Plan: P\n\n## Stages\n\n| T1 | Rows |\n".to_owned(),
            "5: there are no threads in this plan: write `## Stages`, below it `### Stage 01: NAME`, \
             `##### Batch 01: NAME`, `###### Thread 01: NAME`",
        ),
    ] {
        assert!(told(&text).contains(&expected.to_owned()), "{:#?}", told(&text));
    }
    assert_eq!(told(&format!("```markdown\n{PLAN}```\n")).len(), 1);
    let wide = PLAN.replace("**Summary:** Load", "**Summary：** Load").replace("**Details:** All", "**Details**： All");
    let thread = parse(&wide).thread(ThreadId::new(1, 1, 2)).unwrap().clone();
    assert_eq!((thread.summary.as_str(), thread.details.as_str()), ("Load the rows.", "All of them."));
}
