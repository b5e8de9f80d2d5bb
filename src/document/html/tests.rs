//! Tests of the page: whatever plans and agents write, it is text, and the same report gives the same page.

use super::*;
use crate::board::{AttemptStatus, CheckResult, Unproven, Usage};
use crate::decide::{
    AgentSource, Approved, AttemptReport, BatchCounts, BatchReport, CycleReport, Decision, DecisionAction, Follows,
    StageReport, StageStatus, WorkstreamStatus,
};

fn at(minute: u64) -> Moment {
    Moment::parse("2026-11-26T22:00:00.000Z").unwrap().after(Duration::from_secs(60 * minute))
}

fn attempt(number: u32, agent: &str, status: AttemptStatus, from: Option<u64>, to: Option<u64>) -> AttemptReport {
    AttemptReport {
        attempt: number,
        agent: agent.to_owned(),
        status,
        follows: (number > 1).then_some(Follows::Retry),
        cycle: Some(1),
        transient: false,
        started_at: from.map(at),
        heard_at: None,
        completed_at: to.map(at),
        report: String::new(),
        checks: Vec::new(),
        failed_checks: 0,
        usage: None,
    }
}

/// Returns a thread in which each text is `text`.
fn thread(id: &str, text: &str, status: Status, attempts: Vec<AttemptReport>) -> ThreadReport {
    ThreadReport {
        thread_id: id.to_owned(),
        name: text.to_owned(),
        status,
        agent: text.to_owned(),
        agent_source: AgentSource::Plan,
        assigned: None,
        attempt: 1,
        waits_for: Vec::new(),
        decision: Some(Decision { action: DecisionAction::Retry, agent: text.to_owned(), attempt: 2 }),
        reason: Some(text.to_owned()),
        report: text.to_owned(),
        breadcrumb: text.to_owned(),
        retries: 1,
        reassignments: 0,
        artifacts: vec![text.to_owned()],
        unproven: vec![Unproven::Missing(text.to_owned())],
        next_steps: vec![text.to_owned()],
        checks: vec![text.to_owned()],
        attempts,
        summary: text.to_owned(),
        details: text.to_owned(),
    }
}

fn report(text: &str, threads: Vec<ThreadReport>) -> Report {
    let approval = || Some(Approved { by: Some(text.to_owned()), at: Some(text.to_owned()) });
    let batch = BatchCounts {
        id: "01.01".to_owned(),
        name: text.to_owned(),
        pending: 0,
        in_progress: 0,
        completed: threads.len(),
        blocked: 0,
        cancelled: 0,
    };
    let figures = AgentFigures { agent: text.to_owned(), attempts: 1, ..AgentFigures::default() };
    Report {
        status: WorkstreamStatus {
            workspace: "/project".to_owned(),
            workstream: text.to_owned(),
            name: text.to_owned(),
            plan: "approved",
            stages: vec![StageStatus { number: 1, name: text.to_owned(), approved: true, batches: vec![batch] }],
            next_batch: None,
            held_by: None,
            open_threads: Vec::new(),
            gate_command: None,
            next_user_command: None,
            problems: Vec::new(),
            warnings: vec![crate::decide::Note::Unrecognized(text.to_owned())],
        },
        approval: approval(),
        revocation: None,
        planner: None,
        stages: vec![StageReport {
            number: 1,
            name: text.to_owned(),
            definition: text.to_owned(),
            constitution: text.to_owned(),
            checks: vec![text.to_owned()],
            approval: approval(),
            revocation: None,
            batches: vec![BatchReport {
                id: "01.01".to_owned(),
                name: text.to_owned(),
                summary: text.to_owned(),
                cycles: vec![CycleReport {
                    cycle: 1,
                    open: true,
                    opened_at: Some(at(0)),
                    taken_over_at: None,
                    released_at: None,
                    closed_at: None,
                }],
                threads,
            }],
        }],
        agents: vec![figures],
        usage: None,
    }
}

fn page(report: &Report) -> String {
    let mut page = String::new();
    write_page(&mut page, report, at(60), &PersonWords::default());
    page
}

/// Returns the page for a hostile text in each place in which a plan or an agent can write.
fn page_of(text: &str) -> String {
    let check = CheckResult { command: text.to_owned(), exit_code: Some(1), millis: 1_000, at: at(1) };
    let mut failed = attempt(1, text, AttemptStatus::Failed, Some(0), Some(2));
    failed.report = format!("{text} ");
    failed.checks = vec![check];
    let running = attempt(2, text, AttemptStatus::Running, Some(3), None);
    let threads = vec![
        thread("01.01.01", text, Status::InProgress, vec![failed.clone(), running]),
        thread("01.01.02", text, Status::Blocked, vec![failed]),
        thread("01.01.03", text, Status::Pending, Vec::new()),
    ];
    page(&report(text, threads))
}

/// Returns the tags of a page with their attributes, as they are written.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).map(|part| part.split_once('>').map_or(part, |(tag, _)| tag)).collect()
}

#[test]
fn whatever_is_written_adds_no_markup() {
    // A harmless text of the same kind tells which tags the page has of its own.
    let plain = page_of("x");
    let names = |page: &str| -> Vec<String> {
        tags(page).iter().map(|tag| tag.split([' ', '\n']).next().unwrap_or_default().to_owned()).collect()
    };
    for hostile in [
        "<script>alert(1)</script>",
        "</style><script>alert(1)</script>",
        "</title></head><body onload=alert(1)>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "\" onfocus=\"alert(1)\" autofocus=\"",
        "<!-- ",
        "<![CDATA[",
        "&lt;script&gt;",
        "{{7*7}}<svg/onload=alert(1)>",
        "\u{0}<\u{0}script>",
    ] {
        let page = page_of(hostile);
        assert_eq!(names(&page), names(&plain), "{hostile:?}");
        // No attribute of ours begins with `on`, and each value ends where we end it.
        let has_handler = |tag: &&str| tag.split('"').step_by(2).any(|outside| outside.contains(" on"));
        assert!(!tags(&page).iter().any(has_handler), "{hostile:?}");
    }
}

#[test]
fn no_link_runs_or_hides_anything() {
    for hostile in [
        "javascript:alert(1)",
        " JaVaScRiPt:alert(1)",
        "data:text/html,<script>1</script>",
        "vbscript:x",
        "//evil.example",
    ] {
        let page = page_of(hostile);
        for target in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default()) {
            assert!(target.starts_with("#t-01.01.0"), "{hostile:?}: {target}");
        }
    }
    let web = page_of("https://git.example/?a=1&b=\u{202e}2");
    assert!(!web.contains("href=\"https"), "what is hidden is in no link");
    let mut thread = thread("01.01.01", "x", Status::Completed, Vec::new());
    thread.artifacts = vec!["https://git.example/?a=1&b=2".to_owned(), "src/a b.rs".to_owned(), "src/ab.rs".to_owned()];
    let page = page(&report("x", vec![thread]));
    assert!(page.contains("<a href=\"https://git.example/?a=1&amp;b=2\" rel=\"noopener noreferrer nofollow\">"));
    assert!(page.contains("<a href=\"./src/ab.rs\">") && !page.contains("a%20b"));
}

#[test]
fn what_a_reader_cannot_see_is_replaced() {
    let page = page_of("a\u{202e}b\u{0}c\u{1b}[31md\r\ne\u{2066}f\u{fffe}");
    assert!(!page.contains(['\u{202e}', '\u{0}', '\u{1b}', '\r', '\u{2066}']), "{page}");
    assert!(page.contains("a\u{fffd}b\u{fffd}c\u{fffd}[31md\ne\u{fffd}f"));
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let page = page_of("x");
    let style_end = page.find("</style>").unwrap();
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('<'));
    assert!(page[style_end..].find("<style").is_none() && !page.contains("<script") && !page.contains(" src="));
    let policy = format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">");
    assert!(page.contains(&policy) && page.find(&policy) < page.find("<style"), "{page}");
}

#[test]
fn long_texts_are_closed_and_hidden_from_nobody() {
    let long = "word ".repeat(20_000);
    let mut thread = thread("01.01.01", "x", Status::Completed, Vec::new());
    thread.report.clone_from(&long);
    let page = page(&report("x", vec![thread]));
    let beginning = format!("<details class=\"long\"><summary dir=\"auto\">{}", &long[..200]);
    assert!(page.contains(&beginning) && page.contains(long.trim()));
}

#[test]
fn the_same_report_gives_the_same_page() {
    assert_eq!(page_of("x"), page_of("x"));
    // Nothing was attempted, no thread is there: a page all the same.
    let mut empty = report("x", Vec::new());
    empty.agents.clear();
    let page = page(&empty);
    assert!(page.contains("No threads.") && !page.contains("Timeline") && !page.contains("id=\"agents\""));
}

#[test]
fn a_bar_stands_where_its_attempt_ran_and_says_so_in_words() {
    let threads = vec![
        thread(
            "01.01.01",
            "Schema",
            Status::Completed,
            vec![
                attempt(1, "system-engineer-codex", AttemptStatus::Failed, Some(0), Some(10)),
                attempt(2, "system-engineer-codex", AttemptStatus::Completed, Some(10), Some(40)),
            ],
        ),
        thread(
            "01.01.02",
            "Rows",
            Status::InProgress,
            vec![
                attempt(1, "", AttemptStatus::Interrupted, None, None),
                attempt(2, "system-engineer-opus", AttemptStatus::Interrupted, Some(20), None),
                attempt(3, "system-engineer-opus", AttemptStatus::Running, Some(30), None),
            ],
        ),
    ];
    let mut report = report("x", threads);
    report.agents = ["system-engineer-codex", "system-engineer-opus", ""]
        .map(|agent| AgentFigures { agent: agent.to_owned(), ..AgentFigures::default() })
        .to_vec();
    let page = page(&report);
    let lanes: Vec<&str> =
        page.split("<div class=\"lane\">").skip(1).filter_map(|rest| rest.split("</div>").next()).collect();
    insta::assert_snapshot!(lanes.join("\n").replace("<a ", "\n<a ").replace(" title", "\n  title"), @r##"
    <span class="waits" style="left:0.00%;width:66.66%"></span>
    <a class="bar failed" href="#t-01.01.01-1" style="left:0.00%;width:16.66%"
      title="attempt 1 by system-engineer-codex: failed after 10 min, 2026-11-26 22:00 – 22:10"><span aria-hidden="true">✗ codex</span></a>
    <a class="bar completed" href="#t-01.01.01-2" style="left:16.66%;width:50.00%"
      title="attempt 2 (retry) by system-engineer-codex: completed after 30 min, 2026-11-26 22:10 – 22:40"><span aria-hidden="true">↻✓ codex</span></a>
    <span class="waits" style="left:0.00%;width:100.00%"></span>
    <a class="bar interrupted open" href="#t-01.01.02-2" style="left:33.33%;width:0.00%"
      title="attempt 2 (retry) by system-engineer-opus: interrupted, began 2026-11-26 22:20; its end is not known"><span aria-hidden="true">↻⊘ opus</span></a>
    <a class="bar running open" href="#t-01.01.02-3" style="left:50.00%;width:50.00%"
      title="attempt 3 (retry) by system-engineer-opus: running for 30 min, 2026-11-26 22:30 – 23:00"><span aria-hidden="true">↻▸ opus</span></a>
    "##);
}

#[test]
fn what_was_used_is_told_at_each_attempt_and_as_a_sum() {
    let usage =
        Usage { input_tokens: 12_400, cached_tokens: 9_920, output_tokens: 1_200, cost_microdollars: Some(40_000) };
    let mut completed = attempt(1, "codex", AttemptStatus::Completed, Some(0), Some(10));
    completed.usage = Some(usage);
    let mut report = report("x", vec![thread("01.01.01", "x", Status::Completed, vec![completed])]);
    assert!(!page(&report).contains("<dt>Used</dt>"), "the sum is not known");
    report.usage = Some(usage.and(usage));
    report.agents[0].usage = Some(usage);
    let page = page(&report);
    let lines = page.replace('<', "\n<");
    let told = lines.lines().filter(|line| line.contains("tokens in") || line.contains(">used")).collect::<Vec<_>>();
    insta::assert_snapshot!(told.join("\n"), @r##"
    <dd>24.8k tokens in (80 % cached), 2.4k out, $0.08
    <a class="bar completed" href="#t-01.01.01-1" style="left:0.00%;width:100.00%" title="attempt 1 by codex: completed after 10 min, 2026-11-26 22:00 – 22:10; 12.4k tokens in (80 % cached), 1.2k out, $0.04">
    <th scope="col">used
    <td>12.4k tokens in (80 % cached), 1.2k out, $0.04
    <span>12.4k tokens in (80 % cached), 1.2k out, $0.04
    <span>12.4k tokens in (80 % cached), 1.2k out, $0.04
    "##);
}

#[test]
fn a_shut_gate_is_told_also_where_the_plan_was_approved() {
    let mut report = report("ann", Vec::new());
    assert!(!page(&report).contains("Nothing is handed out"));
    report.status.plan = "PLAN.md has changed since it was approved";
    let page = page(&report);
    assert!(page.contains("Plan approved by <bdi>ann</bdi>. Nothing is handed out: PLAN.md has changed"), "{page}");
}
