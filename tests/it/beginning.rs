//! From an empty folder to a workstream: `work init`, `work create`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::{Workspace, session};

#[test]
fn an_empty_repository_becomes_a_workspace() {
    let workspace = Workspace::empty();
    insta::assert_snapshot!(session(&workspace, &[
        "work status",
        "work init",
        "work init",
        "work status",
        "work list",
        "work create \"Search API\" --stages 2",
        "work create search-api",
        "work create ../..",
        "work create x --stages 0",
        "work create billing",
        "work list",
        "work approve plan",
        "work tree --workstream search-api",
    ]), @r#"
    $ work status
    exit 3
    stderr: error: no work/index.json and no work/*/PLAN.md in [workspace] or above it
    stderr: Hint: run it inside the repository, name the folder that holds work/ by --root, or make one with work init
    $ work init
    exit 0
    workspace [workspace]
      created  work/index.json
      created  work/agents.yaml
    Next: work create NAME --stages N
    $ work init
    exit 0
    workspace [workspace]
      kept     work/index.json
      kept     work/agents.yaml
    Next: work create NAME --stages N
    $ work status
    exit 3
    stderr: error: this workspace has no workstream
    stderr: Hint: run work create NAME --stages N; work list --all shows what is archived
    $ work list
    exit 0
    no workstreams yet
    Next: work create NAME --stages N
    $ work create "Search API" --stages 2
    exit 0
    001-search-api is created, and is the current workstream
    Next: write work/001-search-api/PLAN.md, then work validate and work approve plan
    $ work create search-api
    exit 1
    stderr: error: there is a workstream 001-search-api already
    stderr: Hint: choose another name, or go on with it: work current --set 001-search-api
    $ work create ../..
    exit 2
    stderr: error: "../.." cannot name a folder
    stderr: Hint: use letters, digits and dashes
    $ work create x --stages 0
    exit 2
    stderr: error: a plan cannot have 0 stages, but 1 to 999
    stderr: Hint: give another number by --stages
    $ work create billing
    exit 0
    002-billing is created, and is the current workstream
    Next: write work/002-billing/PLAN.md, then work validate and work approve plan
    $ work list
    exit 0
      001-search-api      0/2  settle the problems of PLAN.md (work validate), then work approve plan --workstream 001-search-api
    * 002-billing         0/1  settle the problems of PLAN.md (work validate), then work approve plan
    $ work approve plan
    exit 1
    stderr: error: PLAN.md has 5 problems to settle before it is approved
    stderr:   work/002-billing/PLAN.md:21:1: the template's text is still here: Name of
    stderr:     the stage
    stderr:     help: say what it is, or remove it
    stderr:   work/002-billing/PLAN.md:33:3: open question: What must be decided before
    stderr:     work begins? (Tick it or delete the line.)
    stderr:     help: answer it and tick it `- [x]`
    stderr:   work/002-billing/PLAN.md:37:1: the template's text is still here: Name of
    stderr:     the batch
    stderr:     help: say what it is, or remove it
    stderr:   work/002-billing/PLAN.md:41:1: the template's text is still here: Name of
    stderr:     the thread
    stderr:     help: say what it is, or remove it
    stderr:   work/002-billing/PLAN.md:43:14: the template's text is still here: One
    stderr:     sentence: what comes of it.
    stderr:     help: say what it is, or remove it
    stderr: Hint: fix PLAN.md, or approve it as it is with --force
    $ work tree --workstream search-api
    exit 0
    001-search-api  Search API (the plan is not approved)
    ├─ Stage 1: Name of the stage  0/1
    │  └─ 01.01 Name of the batch  0/1
    │     └─ [ ] 01.01.01 Name of the thread  default
    └─ Stage 2: Name of the stage  0/1
       └─ 02.01 Name of the batch  0/1
          └─ [ ] 02.01.01 Name of the thread  default
    "#);
    assert!(workspace.serve().call("workstream_status", &serde_json::json!({})).contains("002-billing"));
}

#[test]
fn what_is_there_stays_as_it_is() {
    let workspace = Workspace::empty();
    workspace.write("work/agents.yaml", "agents: [{name: me}]\n");
    insta::assert_snapshot!(session(&workspace, &["work init"]), @"
    $ work init
    exit 0
    workspace [workspace]
      created  work/index.json
      kept     work/agents.yaml
    Next: work create NAME --stages N
    ");
    assert_eq!(workspace.read("work/agents.yaml"), "agents: [{name: me}]\n");
    let index = workspace.read("work/index.json");
    workspace.work(&["init"]);
    assert_eq!(workspace.read("work/index.json"), index);
}

#[test]
fn a_workspace_is_made_at_the_git_root() {
    let workspace = Workspace::empty();
    workspace.write(".git/HEAD", "");
    workspace.write("src/deep/x", "");
    let output = workspace.command(&["init"]).current_dir(workspace.root().join("src/deep")).output().unwrap();
    assert!(workspace.seen(&output).starts_with("exit 0\nworkspace [workspace]\n"), "{}", workspace.seen(&output));
}

#[test]
fn a_workstream_that_was_begun_and_not_finished_is_begun_again() {
    let workspace = Workspace::empty();
    workspace.work(&["init"]);
    let entry =
        r#"{"streams": [{"id": "004-api", "name": "api", "status": "pending", "approval": {"status": "draft"}}]}"#;
    workspace.write("work/index.json", entry);
    workspace.write("work/004-api/.PLAN.md.tmp", "# Pl");
    assert!(workspace.work(&["create", "api"]).starts_with("exit 0\n004-api is created"));
    assert!(workspace.work(&["tree"]).contains("[ ] 01.01.01"));
    assert!(workspace.work(&["create", "other"]).starts_with("exit 0\n005-other is created"));
}

#[test]
fn a_new_workstream_takes_no_state_over_and_removes_none() {
    let workspace = Workspace::empty();
    workspace.work(&["init"]);
    workspace.write(
        "work/index.json",
        r#"{"streams": [{"id": "004-api", "name": "api", "status": "pending", "approval": {"status": "draft"}}]}"#,
    );
    let state = "{\"threads\": [{\"threadId\": \"01.01.01\", \"status\": \"completed\"}]}";
    workspace.write("work/004-api/threads.json", state);
    assert!(workspace.work(&["create", "api"]).starts_with("exit 0\n005-api is created"));
    assert!(workspace.work(&["tree"]).contains("[ ] 01.01.01"), "and inherits nothing");
    assert_eq!(workspace.read("work/004-api/threads.json"), state);
}

#[test]
fn a_new_workstream_inherits_no_approval() {
    let workspace = Workspace::empty();
    workspace.work(&["init"]);
    workspace.write(
        "work/index.json",
        r#"{"streams": [{"id": "003-api", "name": "api", "approval": {"status": "approved", "stages": {"1": {"status": "approved"}}}}]}"#,
    );
    assert!(workspace.work(&["create", "api"]).starts_with("exit 0\n004-api is created"));
    let next = workspace.serve().answer("next_batch", &serde_json::json!({}));
    assert_eq!(next["gate_command"], "!work approve plan");
}

#[test]
fn a_roster_for_plans_that_are_there_names_their_agents() {
    let workspace = Workspace::with_plan(crate::support::PLAN);
    workspace.work(&["assign", "--thread", "1.1.2", "--agent", "ann"]);
    workspace.work(&["init"]);
    let roster = workspace.read("work/agents.yaml");
    let agents = roster.split("\nagents:\n").nth(1).unwrap();
    assert_eq!(agents, "  - name: \"system-engineer-codex\"\n  - name: \"ann\"\n  - name: \"default\"\n");
    let validated = workspace.work(&["validate"]);
    assert!(validated.starts_with("exit 0\n") && !validated.contains("is not in work/agents.yaml"), "{validated}");
}

/// Runs every command that the README and the walk-through show, in an empty folder. Each must print what they show.
#[test]
fn the_commands_of_the_documents_run_as_printed() {
    for (document, wanted) in [("README.md", 4), ("docs/walkthrough.md", 12)] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
        let workspace = Workspace::empty();
        let mut commands = 0;
        for block in text.split("\n```").skip(1).step_by(2) {
            if let Some(plan) = block.strip_prefix("markdown\n").filter(|block| block.starts_with("# Plan:")) {
                workspace.write("work/001-search-api/PLAN.md", plan);
            }
            for shown in block.strip_prefix("console\n$ ").into_iter().flat_map(|block| block.split("\n$ ")) {
                let (command, expected) = shown.split_once('\n').unwrap_or((shown, ""));
                let seen = session(&workspace, &[command]);
                let printed = seen.strip_prefix(&format!("$ {command}\nexit 0"));
                let printed = printed.unwrap_or_else(|| panic!("{document}: {seen}")).trim();
                assert!(expected.is_empty() || printed == expected.trim(), "{document}: $ {command}\n{printed}");
                commands += 1;
            }
        }
        assert_eq!(commands, wanted, "{document} has as many commands as it had");
    }
}

/// Each `work …` in the documents has a command and options that there are.
#[test]
fn the_commands_that_documents_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents = documents.chain(["README.md", "SECURITY.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
    let workspace = Workspace::empty();
    let mut help = BTreeMap::new();
    let mut help_of = |command: String| {
        let asked: Vec<&str> = command.split(' ').chain(["--help"]).filter(|word| !word.is_empty()).collect();
        help.entry(command.clone()).or_insert_with(|| workspace.work(&asked)).clone()
    };
    let all = help_of(String::new());
    let is_command =
        |help: &str, word: &str| help.lines().any(|line| line.trim_start().starts_with(&format!("{word} ")));
    let mut found = 0;
    let mut wrong = Vec::new();
    for path in documents.filter(|path| path.extension().is_some_and(|ending| ending == "md")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let blocks = text.split("\n```").skip(1).step_by(2);
        let spans = text.split("\n```").step_by(2).flat_map(|part| part.split('`').skip(1).step_by(2));
        for code in blocks.flat_map(str::lines).chain(spans) {
            let Some(rest) = code.trim().trim_start_matches(['!', '$', ' ']).strip_prefix("work ") else { continue };
            let words: Vec<&str> = rest.split([' ', '\n', '[', ']', '|']).filter(|word| !word.is_empty()).collect();
            // `work 0.…`, `work `, `work $A plan`: the name of the program, and what the hook refuses.
            let Some(first) =
                words.first().filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
            else {
                continue;
            };
            if first.starts_with('-') || words.get(1) == Some(&"…") {
                continue;
            }
            found += 1;
            let told = || format!("{}: {code}", path.file_name().unwrap().to_string_lossy());
            if !is_command(&all, first) {
                wrong.push(told());
                continue;
            }
            let mut known = help_of((*first).to_owned());
            let is_word = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            if let Some(second) = words.get(1).filter(is_word).filter(|word| !word.starts_with('-'))
                && known.contains("Commands:")
            {
                if !is_command(&known, second) {
                    wrong.push(told());
                    continue;
                }
                known = help_of(format!("{first} {second}"));
            }
            let options: BTreeSet<&str> =
                known.split([' ', ',', '\n', '=', '[', '<']).filter(|word| word.starts_with("--")).collect();
            // An option stands before what the line says of it.
            let said = code.split("  ").next().unwrap_or(code);
            let named = said.split([' ', '[', ']', '|', '\n']).filter(|word| word.starts_with("--") && word.len() > 2);
            for option in named {
                let name = option.split(['=', ',', '.', '…', ';', ':', ')']).next().unwrap_or(option);
                if !options.contains(name) && name != "--HOST" {
                    wrong.push(format!("{} ({name})", told()));
                }
            }
        }
    }
    assert!(found > 150, "only {found} commands were found");
    // Both documents say how to install it, in the same words.
    for document in ["README.md", "docs/installing.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        assert!(text.contains("\n    cargo install --locked --path .\n"), "{document}");
    }
    assert!(wrong.is_empty(), "there is no such command or option:\n{}", wrong.join("\n"));
}
