//! `work report`: its formats, and the figures of the agents.

use serde_json::{Value, json};
use workstream::plan::sha256;

use crate::support::{PLAN, Workspace};

/// `tests/clients/run pictures` makes the pictures anew, and this file with the hash of what they show.
#[test]
fn the_pictures_of_the_readme_show_the_page_as_it_is() {
    let page = Workspace::copied_from("night").stdout(&["report", "--format", "html"]);
    let (shown, _) = page.split_once("<footer>").unwrap();
    let hash = sha256(shown.as_bytes());
    let kept = include_str!("../../docs/images/report.sha256");
    assert!(kept.trim_end() == hash, "docs/images has an old report: run tests/clients/run pictures, and look at it");
}

#[test]
fn what_each_agent_did_stands_in_every_format() {
    let workspace = Workspace::copied_from("night");
    let text = workspace.stdout(&["report"]);
    insta::assert_snapshot!(&text[text.find("## Agents").unwrap()..], @"
    ## Agents

    | agent | attempts | completed | failed | blocked | interrupted | retries | reassigned to it | time | success |
    |---|---|---|---|---|---|---|---|---|---|
    | system-engineer-opus | 6 | 4 | 1 | – | 1 | 1 | 1 | 2 h 34 min | 80 % |
    | system-engineer-codex | 4 | 2 | 1 | 1 | – | – | – | 1 h 05 min | 50 % |
    | frontend-designer-grok | 1 | 1 | – | – | – | – | – | 25 min | 100 % |

    **Next:** look at the blocked threads of batch 02.01, then work retry
    ");
    let json: Value = serde_json::from_str(&workspace.stdout(&["report", "--json"])).unwrap();
    let opus = json!({
        "agent": "system-engineer-opus", "attempts": 6, "running": 0, "completed": 4, "failed": 1, "blocked": 0,
        "interrupted": 1, "retries": 1, "reassignments": 1, "success_percent": 80, "seconds": 9257.0,
    });
    assert_eq!(json["agents"][0], opus);
    let attempts = &json["stages"][0]["batches"][1]["threads"][1]["attempts"];
    assert_eq!((&attempts[1]["follows"], attempts[2].get("follows")), (&json!("reassignment"), None));
    let page = workspace.stdout(&["report", "--format", "html"]);
    let row = "<tr><th scope=\"row\" dir=\"auto\">system-engineer-opus</th><td>6</td><td>4</td>";
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">") && page.contains(row), "{page}");
    // Only the stage that was asked for.
    let stage: Value = serde_json::from_str(&workspace.stdout(&["report", "--stage", "2", "--json"])).unwrap();
    let agents: Vec<&Value> = stage["agents"].as_array().unwrap().iter().map(|figures| &figures["agent"]).collect();
    assert_eq!(agents, ["frontend-designer-grok", "system-engineer-codex", "system-engineer-opus"]);
    let page = workspace.stdout(&["report", "--format", "html", "--stage", "2"]);
    assert!(page.contains("This page shows 3 of 8 threads.") && !page.contains("01.01.01"), "{page}");
}

#[test]
fn what_attempts_used_is_shown_wherever_it_is_known() {
    let workspace = Workspace::copied_from("night");
    let path = "work/001-search-api/threads.json";
    let mut file: Value = serde_json::from_str(&workspace.read(path)).unwrap();
    let sessions = file["threads"][1]["sessions"].as_array_mut().unwrap();
    let usage = |input: u64, cached: u64, output: u64| json!({"inputTokens": input, "cachedTokens": cached, "outputTokens": output});
    sessions[0]["usage"] = usage(812_000, 640_100, 21_400);
    sessions[1]["usage"] = usage(1_204_000, 1_100_000, 30_050);
    sessions[1]["usage"]["costUsd"] = json!(1.2345);
    workspace.write(path, file.to_string());

    let text = workspace.stdout(&["report", "--batch", "1.1"]);
    let told: Vec<&str> = text.lines().filter(|line| line.contains("used") || line.contains("tokens in")).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    `001-search-api` · **3 of 3 threads completed** · 4 attempts, 1 retry, 0 reassignments · 2.0M tokens in (86 % cached), 51.5k out, \$1.23
    | thread | outcome | agent | attempts | time | used | report |
    | 01.01.02 Import of rows | completed, checks passed | system-engineer-opus | 2 (1 retry) | 39 min | 2.0M tokens in (86 % cached), 51.5k out, \$1.23 | All 48,210 rows of the export are in. The load stops at the first bad row and names it. |
    - 01.01.02 attempt 1 by system-engineer-opus: failed after 9 min (transient), 812.0k tokens in (79 % cached), 21.4k out: The catalogue's server timed out after 2,000 rows.
    | agent | attempts | completed | failed | blocked | interrupted | retries | reassigned to it | time | success | used |
    | system-engineer-opus | 2 | 1 | 1 | – | – | 1 | – | 39 min | 50 % | 2.0M tokens in (86 % cached), 51.5k out, \$1.23 |
    ");
    insta::assert_snapshot!(workspace.stdout(&["log", "--thread", "1.1.2"]), @"
    2026-11-26 22:44:31  01.01.02 #2 took 30 min and used 1.2M tokens in (91 %
                         cached), 30.1k out, $1.23
    2026-11-26 22:44:31  01.01.02 #2 completed (system-engineer-opus): All 48,210
                         rows of the export are in. The load stops at the first bad
                         row and names it.
    2026-11-26 22:44:30  01.01.02 #2 checks passed
    2026-11-26 22:14:02  01.01.02 #2 started by system-engineer-opus
    2026-11-26 22:13:20  01.01.02 #1 took 9 min and used 812.0k tokens in (79 %
                         cached), 21.4k out
    2026-11-26 22:13:20  01.01.02 #1 failed (system-engineer-opus, transient) →
                         retry, #2: The catalogue's server timed out after 2,000
                         rows.
    2026-11-26 22:04:06  01.01.02 #1 started by system-engineer-opus
    ");
    let csv = workspace.stdout(&["export", "--format", "csv", "--batch", "1.1"]);
    assert!(
        csv.starts_with("\"thread_id\",")
            && csv.contains("\"input_tokens\",\"cached_tokens\",\"output_tokens\",\"cost_usd\"\n")
    );
    assert!(
        csv.contains(",\"2016000\",\"1740100\",\"51450\",\"1.2345\"\n") && csv.ends_with(",\"\",\"\",\"\",\"\"\n"),
        "{csv}"
    );
    let json: Value = serde_json::from_str(&workspace.stdout(&["report", "--json"])).unwrap();
    let all =
        json!({"input_tokens": 2_016_000, "cached_tokens": 1_740_100, "output_tokens": 51_450, "cost_usd": 1.2345});
    assert_eq!(json["usage"], all);
    let used: Vec<Option<&Value>> = json["agents"].as_array().unwrap().iter().map(|agent| agent.get("usage")).collect();
    let attempts = &json["stages"][0]["batches"][0]["threads"][1]["attempts"];
    assert_eq!(used, [Some(&all), None, None]);
    let first = json!({"input_tokens": 812_000, "cached_tokens": 640_100, "output_tokens": 21_400});
    assert_eq!(attempts[0]["usage"], first);
    // Where nothing is known of the part that was asked for, nothing is said.
    let second = workspace.stdout(&["report", "--stage", "2"]);
    assert!(!second.contains("tokens") && !second.contains("used |"), "{second}");
    let log: Value = serde_json::from_str(&workspace.stdout(&["log", "--thread", "1.1.2", "--json"])).unwrap();
    let used = json!({"at": "2026-11-26T22:44:31.000Z", "event": "used", "thread_id": "01.01.02", "attempt": 2,
        "usage": attempts[1]["usage"], "seconds": 1_829});
    assert_eq!(log[0], used);
}

#[test]
fn a_format_wins_over_json_as_in_an_export() {
    let workspace = Workspace::with_plan(PLAN);
    assert!(workspace.stdout(&["report", "--format", "html", "--json"]).starts_with("<!DOCTYPE html>"));
    assert!(workspace.stdout(&["report", "--format", "md", "--json"]).starts_with("# Search"));
    assert_eq!(workspace.stdout(&["report", "--format", "json"]), workspace.stdout(&["report", "--json"]));
    // Nothing was attempted, so there is nothing to count.
    assert!(!workspace.stdout(&["report"]).contains("Agents"));
}
