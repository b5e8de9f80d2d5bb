//! What a person chooses to see, and how the shell helps: filters, beginnings of names, short options, completions,
//! manual pages, errors as JSON.

use crate::support::{PLAN, Workspace, session};

fn workspace() -> Workspace {
    let workspace = Workspace::with_plan(PLAN);
    workspace.work(&["create", "other"]);
    workspace.work(&["current", "--set", "001-search"]);
    for (thread, status) in [("1.1.1", "completed"), ("1.1.2", "blocked")] {
        workspace.work(&["update", "--thread", thread, "--status", status, "--report", "what was said"]);
    }
    workspace
}

#[test]
fn threads_are_shown_by_status_and_agent() {
    insta::assert_snapshot!(session(&workspace(), &[
        "work tree --status blocked",
        "work tree -s pending -a default",
        "work status --status completed",
        "work status -s in_progress",
        "work list --status blocked",
        "work list --agent nobody",
        "work tree --status done",
    ]), @"
    $ work tree --status blocked
    exit 0
    001-search  Search (approved)
    └─ Stage 1: Index  0/1
       └─ 01.01 Storage  0/1
          └─ [!] 01.01.02 Rows  default exhausted
    $ work tree -s pending -a default
    exit 0
    001-search  Search (approved)
    ├─ Stage 1: Index  0/1
    │  └─ 01.02 Queries  0/1
    │     └─ [ ] 01.02.01 Parser  default
    └─ Stage 2: API  0/1
       └─ 02.01 Routes  0/1
          └─ [ ] 02.01.01 Routes  default
    $ work status --status completed
    exit 0
    001-search  Search (approved)

    Completed
      01.01.01  Schema  system-engineer-codex #1
                what was said
    $ work status -s in_progress
    exit 0
    001-search: there are no such threads
    $ work list --status blocked
    exit 0
    * 001-search      1/4  look at the blocked threads of batch 01.01, then work retry
    $ work list --agent nobody
    exit 0
    no workstream has such threads
    $ work tree --status done
    exit 2
    stderr: error: invalid value 'done' for '--status <STATUS>'
    stderr:   [possible values: pending, in_progress, completed, blocked, cancelled]
    stderr: 
    stderr: For more information, try '--help'.
    ");
}

#[test]
fn the_beginning_of_a_name_is_enough_where_it_is_clear() {
    let workspace = workspace();
    workspace.work(&["create", "otherwise"]);
    insta::assert_snapshot!(session(&workspace, &[
        "work next -w sea",
        "work next -w 002",
        "work next -w oth",
        "work next -w other",
        "work next -w x",
        "work current --set 003",
    ]), @r#"
    $ work next -w sea
    exit 0
    look at the blocked threads of batch 01.01, then work retry
    $ work next -w 002
    exit 0
    settle the problems of PLAN.md (work validate), then work approve plan --workstream 002-other
    $ work next -w oth
    exit 2
    stderr: error: 2 workstreams are called "oth" or begin so
    stderr: Hint: name one by its id: 002-other, 003-otherwise
    $ work next -w other
    exit 0
    settle the problems of PLAN.md (work validate), then work approve plan --workstream 002-other
    $ work next -w x
    exit 3
    stderr: error: no workstream with a PLAN.md has the id or name "x"
    stderr: Hint: there are 001-search, 002-other, 003-otherwise
    $ work current --set 003
    exit 0
    003-otherwise
    "#);
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    insta::assert_snapshot!(session(&workspace(), &[
        "work read 9.9.9 --json",
        "work update 1.1.1 --json",
        "work status --nonsense --json",
        "work approve stage 1 --json",
        "work validate --all --json",
    ]), @r#######"
    $ work read 9.9.9 --json
    exit 3
    stderr: {"error":{"code":"unknown_thread","message":"PLAN.md has no thread 09.09.09","hint":"closest: 01.01.01, 01.01.02, 01.02.01","closest":["01.01.01","01.01.02","01.02.01"]}}
    $ work update 1.1.1 --json
    exit 2
    stderr: {"error":{"code":"invalid_argument","message":"the following required arguments were not provided:\n  --status <STATUS>","hint":"see --help"}}
    $ work status --nonsense --json
    exit 2
    stderr: {"error":{"code":"invalid_argument","message":"unexpected argument '--nonsense' found","hint":"see --help"}}
    $ work approve stage 1 --json
    exit 1
    stderr: {"error":{"code":"not_complete","message":"stage 1 is not complete: 01.01.02 is blocked, 01.02.01 is pending","hint":"finish them, or cancel them all with --force"}}
    $ work validate --all --json
    exit 1
    [
      {
        "workstream": "001-search",
        "counts": {
          "stages": 2,
          "batches": 3,
          "threads": 4
        },
        "problems": [
          {
            "forbids_approval": false,
            "line": 5,
            "column": 1,
            "source": "###### Thread 1: Schema @agent:system-engineer-codex",
            "message": "thread 01.01.01 has no details",
            "help": "add `**Details:**`: what to do, where, and how to check it",
            "fix": null
          },
          {
            "forbids_approval": false,
            "line": 7,
            "column": 1,
            "source": "###### Thread 2: Rows",
            "message": "thread 01.01.02 has neither summary nor details",
            "help": "add `**Summary:**` and one sentence: what comes of it",
            "fix": null
          },
          {
            "forbids_approval": false,
            "line": 9,
            "column": 1,
            "source": "###### Thread 1: Parser",
            "message": "thread 01.02.01 has neither summary nor details",
            "help": "add `**Summary:**` and one sentence: what comes of it",
            "fix": null
          },
          {
            "forbids_approval": false,
            "line": 12,
            "column": 1,
            "source": "###### Thread 1: Routes",
            "message": "thread 02.01.01 has neither summary nor details",
            "help": "add `**Summary:**` and one sentence: what comes of it",
            "fix": null
          }
        ]
      },
      {
        "workstream": "002-other",
        "counts": {
          "stages": 1,
          "batches": 1,
          "threads": 1
        },
        "problems": [
          {
            "forbids_approval": true,
            "line": 21,
            "column": 1,
            "source": "### Stage 01: Name of the stage",
            "message": "the template's text is still here: Name of the stage",
            "help": "say what it is, or remove it",
            "fix": null
          },
          {
            "forbids_approval": true,
            "line": 33,
            "column": 3,
            "source": "- [ ] What must be decided before work begins? (Tick it or delete the line.)",
            "message": "open question: What must be decided before work begins? (Tick it or delete the line.)",
            "help": "answer it and tick it `- [x]`",
            "fix": null
          },
          {
            "forbids_approval": true,
            "line": 37,
            "column": 1,
            "source": "##### Batch 01: Name of the batch",
            "message": "the template's text is still here: Name of the batch",
            "help": "say what it is, or remove it",
            "fix": null
          },
          {
            "forbids_approval": true,
            "line": 41,
            "column": 1,
            "source": "###### Thread 01: Name of the thread",
            "message": "the template's text is still here: Name of the thread",
            "help": "say what it is, or remove it",
            "fix": null
          },
          {
            "forbids_approval": true,
            "line": 43,
            "column": 14,
            "source": "**Summary:** One sentence: what comes of it.",
            "message": "the template's text is still here: One sentence: what comes of it.",
            "help": "say what it is, or remove it",
            "fix": null
          }
        ]
      }
    ]
    "#######);
}

#[test]
fn the_shell_completes_what_there_is() {
    let workspace = workspace();
    let complete = |words: &[&str]| {
        let mut command = workspace.command(&[&["--", "work"], words].concat());
        let index = words.len().to_string();
        command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", index).env("_CLAP_IFS", "\n");
        command.env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "true");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete(&["read", "01.0"]), "01.01.01\n01.01.02\n01.02.01");
    assert_eq!(complete(&["read", "--thread", "02"]), "02.01.01");
    assert_eq!(complete(&["assign", "1.1.1", "--agent", "sys"]), "system-engineer-codex");
    assert_eq!(complete(&["status", "--workstream", "0"]), "001-search\n002-other");
    assert_eq!(complete(&["tre"]), "tree");
    // Where there is no workspace there is nothing to complete, and nothing is printed about it.
    let empty = Workspace::empty();
    let mut command = empty.command(&["--", "work", "read", ""]);
    command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2").env("_CLAP_IFS", "\n");
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = workspace.stdout(&["completions", shell]);
        assert!(script.contains("COMPLETE"), "{shell}: {script}");
    }
}

#[test]
fn manual_pages_are_made_of_the_commands() {
    let workspace = Workspace::empty();
    assert!(workspace.stdout(&["man"]).contains(".TH work 1"));
    workspace.stdout(&["man", "--install", "pages"]);
    for page in ["work.1", "work-status.1", "work-approve-plan.1"] {
        assert!(workspace.read(&format!("pages/{page}")).contains(".SH SYNOPSIS"), "{page}");
    }
}
