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
fn a_format_wins_over_json_as_in_an_export() {
    let workspace = Workspace::with_plan(PLAN);
    assert!(workspace.stdout(&["report", "--format", "html", "--json"]).starts_with("<!DOCTYPE html>"));
    assert!(workspace.stdout(&["report", "--format", "md", "--json"]).starts_with("# Search"));
    assert_eq!(workspace.stdout(&["report", "--format", "json"]), workspace.stdout(&["report", "--json"]));
    // Nothing was attempted, so there is nothing to count.
    assert!(!workspace.stdout(&["report"]).contains("Agents"));
}
