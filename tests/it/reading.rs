//! The commands that only read, run by the real program in all their forms.

use crate::support::{PLAN, Workspace, session, without_times};

/// Makes a workstream with every kind of state.
fn busy() -> Workspace {
    let workspace = Workspace::with_plan(PLAN);
    session(
        &workspace,
        &[
            "work approve plan",
            "work update --thread 1.1.1 --status in_progress",
            "work update --thread 1.1.1 --status failed --report \"the server | timed out\" --transient",
            "work update --thread 1.1.1 --status in_progress",
            "work update --thread 1.1.1 --status completed --report \"Rows and postings; see #12\" --artifact src/a_b.rs --next-step \"index it\"",
            "work assign --thread 1.1.2 --agent system-engineer-opus --force",
            "work update --thread 1.1.2 --status in_progress",
            "work update --thread 1.1.2 --status in_progress",
            "work update --thread 1.1.2 --status blocked --report \"needs the schema of the warehouse, which nobody has sent yet although everybody was asked for it twice\"",
        ],
    );
    workspace
}

#[test]
fn trees_and_briefs() {
    insta::assert_snapshot!(session(&busy(), &[
        "work tree",
        "work tree --batch 1.2",
        "work tree --stage 2",
        "work tree --batch 1.9",
        "work tree --stage 7",
        "work read 1.1.1",
        "work read 1.1.7",
        "work list",
        "work assign --list",
        "work status",
    ]), @"
    $ work tree
    exit 0
    001-search  Search (approved)
    ├─ Stage 1: Index  1/3
    │  ├─ 01.01 Storage  1/2
    │  │  ├─ [x] 01.01.01 Schema  system-engineer-codex #2  claims what was not there
    │  │  └─ [!] 01.01.02 Rows    system-engineer-opus reassign
    │  └─ 01.02 Queries  0/1
    │     └─ [ ] 01.02.01 Parser  default
    └─ Stage 2: API  0/1
       └─ 02.01 Routes  0/1
          └─ [ ] 02.01.01 Routes  default
    $ work tree --batch 1.2
    exit 0
    001-search  Search (approved)
    └─ Stage 1: Index  0/1
       └─ 01.02 Queries  0/1
          └─ [ ] 01.02.01 Parser  default
    $ work tree --stage 2
    exit 0
    001-search  Search (approved)
    └─ Stage 2: API  0/1
       └─ 02.01 Routes  0/1
          └─ [ ] 02.01.01 Routes  default
    $ work tree --batch 1.9
    exit 3
    stderr: error: PLAN.md has no batch 01.09
    stderr: Hint: use one of 01.01, 01.02, 02.01
    $ work tree --stage 7
    exit 3
    stderr: error: PLAN.md has no stage 7
    stderr: Hint: use one of 1, 2
    $ work read 1.1.1
    exit 0
    01.01.01 Schema

    status  completed, attempt 2
    agent   system-engineer-codex
    stage   1: Index
    batch   01.01 Storage

    Summary
    Define the schema.

    Attempts that ended
      1 system-engineer-codex failed
        the server | timed out
      2 system-engineer-codex completed
        Rows and postings; see #12

    Beside it
      01.01.02 Rows  blocked (system-engineer-opus)
    $ work read 1.1.7
    exit 3
    stderr: error: PLAN.md has no thread 01.01.07
    stderr: Hint: closest: 01.01.01, 01.01.02, 01.02.01
    $ work list
    exit 0
    * 001-search      1/4  look at the blocked threads of batch 01.01, then work retry
    $ work assign --list
    exit 0
    [x] 01.01.01 Schema  system-engineer-codex  plan
    [!] 01.01.02 Rows    system-engineer-opus   assigned
    [ ] 01.02.01 Parser  default                default
    [ ] 02.01.01 Routes  default                default
    $ work status
    exit 0
    001-search  Search (approved)
    [workspace]
    Next: look at the blocked threads of batch 01.01, then work retry

    Blocked
      01.01.02  Rows  system-engineer-opus #1
                needs the schema of the warehouse, which nobody has sent yet
                although everybody was asked for it twice

    Stage 1: Index  [===       ] 1/3
    > 01.01  Storage  1 completed, 1 blocked
      01.02  Queries  1 pending

    Stage 2: API  [          ] 0/1
      02.01  Routes   1 pending

    Warnings
      01.01.01: artifact src/a_b.rs did not exist when it was reported
    ");
}

#[test]
fn reports_and_exports() {
    let workspace = busy();
    let seen = session(
        &workspace,
        &["work report --batch 1.1", "work export --format csv --stage 1", "work export --format md --batch 1.1"],
    );
    // The test takes less than a second, so the durations do not differ from run to run.
    without_times().bind(|| insta::assert_snapshot!(seen.replace('\u{200b}', "<no width>"), @r#"
    $ work report --batch 1.1
    exit 0
    # Search

    `001-search` · **1 of 2 threads completed, 1 blocked** · 3 attempts, 1 retry, 0 reassignments

    Plan, approved by ann on [day].

    ## Stage 1: Index

    ### 01.01 Storage

    | thread | outcome | agent | attempts | time | report |
    |---|---|---|---|---|---|
    | 01.01.01 Schema | completed, claims what was not there | system-engineer-codex | 2 (1 retry) | 0 s | Rows and postings; see \#<no width>12 |
    | 01.01.02 Rows | blocked | system-engineer-opus | 1 | 0 s | needs the schema of the warehouse, which nobody has sent yet although everybody was asked for it twice |

    Not proven:

    - 01.01.01: artifact src/a\_b.rs did not exist when it was reported

    Artifacts:

    - 01.01.01: src/a\_b.rs

    Next steps:

    - 01.01.01: index it

    Attempts that failed:

    - 01.01.01 attempt 1 by system-engineer-codex: failed after 0 s (transient): the server \| timed out
    - 01.01.02 attempt 1 by system-engineer-opus: failed after 0 s: needs the schema of the warehouse, which nobody has sent yet although everybody was asked for it twice

    ## Agents

    | agent | attempts | completed | failed | blocked | interrupted | retries | reassigned to it | time | success |
    |---|---|---|---|---|---|---|---|---|---|
    | system-engineer-codex | 2 | 1 | 1 | – | – | 1 | – | 0 s | 50 % |
    | system-engineer-opus | 1 | – | – | 1 | – | – | – | 0 s | 0 % |

    **Next:** look at the blocked threads of batch 01.01, then work retry
    $ work export --format csv --stage 1
    exit 0
    "thread_id","thread","stage","batch","status","agent","agent_source","attempt","attempts","retries","reassignments","started_at","completed_at","seconds","report","artifacts","next_steps"
    "01.01.01","Schema","Index","Storage","completed","system-engineer-codex","plan","2","2","1","0","[time]","[time]","0","Rows and postings; see #12","src/a_b.rs","index it"
    "01.01.02","Rows","Index","Storage","blocked","system-engineer-opus","assigned","1","1","0","0","[time]","[time]","0","needs the schema of the warehouse, which nobody has sent yet although everybody was asked for it twice","",""
    "01.02.01","Parser","Index","Queries","pending","default","default","1","0","0","0","","","","","",""
    $ work export --format md --batch 1.1
    exit 0
    # Search

    `001-search` · **1 of 2 threads completed, 1 blocked** · 3 attempts, 1 retry, 0 reassignments

    Plan, approved by ann on [day].

    ## Stage 1: Index

    ### 01.01 Storage

    #### 01.01.01 Schema

    **completed, claims what was not there** · system-engineer-codex (plan) · 2 attempts · 0 s

    Report: Rows and postings; see \#<no width>12

    Not proven:

    - artifact src/a\_b.rs did not exist when it was reported

    Artifacts:

    - src/a\_b.rs

    Next steps:

    - index it

    Attempts:

    - attempt 1 by system-engineer-codex: failed after 0 s (transient): the server \| timed out
    - attempt 2 by system-engineer-codex: completed after 0 s: Rows and postings; see \#<no width>12

    Summary:

    > Define the schema.

    #### 01.01.02 Rows

    **blocked** · system-engineer-opus (assigned) · 1 attempt · 0 s

    Report: needs the schema of the warehouse, which nobody has sent yet although everybody was asked for it twice

    Attempts:

    - attempt 1 by system-engineer-opus: failed after 0 s: needs the schema of the warehouse, which nobody has sent yet although everybody was asked for it twice
    "#));
    let json: serde_json::Value = serde_json::from_str(&workspace.stdout(&["export"])).unwrap();
    let attempts = json["stages"][0]["batches"][0]["threads"][0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0]["report"], "the server | timed out");
}

/// `work validate --fix` applies the edits that are certain, shows them, and changes nothing else.
#[test]
fn what_is_certain_is_mended_and_shown() {
    let workspace = Workspace::with_plan(
        "# Search\r\n\r\n## Stage 1: Index\r\n\r\n### Batch 1.1: Storage\r\n\r\n#### Thread 1.1.1: Schema @default\r\n\r\n**Summary:** s\r\n\r\n**Details:** d\r\n",
    );
    let before = workspace.read("work/001-search/PLAN.md");
    insta::assert_snapshot!(session(&workspace, &["work validate --fix --dry-run"]), @"
    $ work validate --fix --dry-run
    exit 0
    --- work/001-search/PLAN.md
    +++ work/001-search/PLAN.md
    @@ -1,9 +1,11 @@
    -# Search
    +# Plan: Search

    -## Stage 1: Index
    +## Stages
    +
    +### Stage 01: Index

    -### Batch 1.1: Storage
    +##### Batch 01: Storage

    -#### Thread 1.1.1: Schema @default
    +###### Thread 01: Schema @agent:default

     **Summary:** s
    would fix 6 places; nothing is written

    work/001-search/PLAN.md: no problems in 1 stage, 1 batch, 1 thread
    ");
    assert_eq!(workspace.read("work/001-search/PLAN.md"), before);
    assert!(workspace.work(&["validate", "--fix"]).contains("fixed 6 places"));
    let after = workspace.read("work/001-search/PLAN.md");
    assert!(after.contains("### Stage 01: Index\r\n") && after.matches('\n').count() == after.matches("\r\n").count());
    let again = workspace.work(&["validate", "--fix", "--json"]);
    let again: serde_json::Value = serde_json::from_str(again.strip_prefix("exit 0\n").unwrap()).unwrap();
    assert_eq!((&again["fixed"], &again["diff"], &again["counts"]["threads"]), (&0.into(), &"".into(), &1.into()));
    assert!(workspace.work(&["validate", "--dry-run"]).starts_with("exit 2"));
}

#[test]
fn problems_are_shown_as_compilers_show_them() {
    let workspace = Workspace::with_plan(
        "# Plan: P\n## Stages\n### Stage 1: S\n#### Questions\n- [ ] Why?\n##### Batch 1: B\n\
         ###### Thread 1: Größe @agent:nobody and more\n###### Thread 1: \tT\n##### Batch 2:\n",
    );
    workspace.write("work/agents.yaml", "agents: [{name: default}]\n");
    insta::assert_snapshot!(session(&workspace, &["work validate"]), @"
    $ work validate
    exit 1
    error: open question: Why?
     --> work/001-search/PLAN.md:5:3
      |
    5 | - [ ] Why?
      |   ^^^^^^^^
      |
      = help: answer it and tick it `- [x]`

    warning: thread 01.01.01 has neither summary nor details
     --> work/001-search/PLAN.md:7:1
      |
    7 | ###### Thread 1: Größe @agent:nobody and more
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `**Summary:**` and one sentence: what comes of it

    warning: agent `nobody` is not in work/agents.yaml
     --> work/001-search/PLAN.md:7:24
      |
    7 | ###### Thread 1: Größe @agent:nobody and more
      |                        ^^^^^^^^^^^^^
      |
      = help: add it to work/agents.yaml, or use default

    error: thread 01.01.01 is defined here a second time
     --> work/001-search/PLAN.md:8:1
      |
    8 | ###### Thread 1:  T
      | ^^^^^^^^^^^^^^^^^^^
      |
      = help: give it a number of its own; until then it is not part of the plan

    error: this batch has no name
     --> work/001-search/PLAN.md:9:1
      |
    9 | ##### Batch 2:
      | ^^^^^^^^^^^^^^
      |
      = help: put a name after `##### Batch N:`

    work/001-search/PLAN.md: 3 errors, 2 warnings
    ");
    let plan = "# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n###### Thread 1: Schema @agent:system-engineer-codex\n**Summary:** s\n\n**Details:** d\n\n#### Thread 2: Rows\n";
    workspace.write("work/001-search/PLAN.md", plan);
    workspace.write("work/agents.yaml", "agents: [{name: default}, {name: system-engineer-opus}]\n");
    insta::assert_snapshot!(session(&workspace, &["work validate plan", "work validate --json"]), @r#######"
    $ work validate plan
    exit 1
    warning: agent `system-engineer-codex` is not in work/agents.yaml
     --> work/001-search/PLAN.md:5:25
      |
    5 | ###### Thread 1: Schema @agent:system-engineer-codex
      |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add it to work/agents.yaml, or use system-engineer-opus

    error: this thread heading has 4 #, a thread has 6
      --> work/001-search/PLAN.md:10:1
       |
    10 | #### Thread 2: Rows
       | ^^^^^^^^^^^^^^^^^^^
       |
       = help: write `###### Thread 02: Rows`

    work/001-search/PLAN.md: 1 error, 1 warning
    work validate --fix fixes 1 of them
    $ work validate --json
    exit 1
    {
      "workstream": "001-search",
      "counts": {
        "stages": 1,
        "batches": 1,
        "threads": 1
      },
      "problems": [
        {
          "forbids_approval": false,
          "line": 5,
          "column": 25,
          "source": "###### Thread 1: Schema @agent:system-engineer-codex",
          "message": "agent `system-engineer-codex` is not in work/agents.yaml",
          "help": "add it to work/agents.yaml, or use system-engineer-opus",
          "fix": null
        },
        {
          "forbids_approval": true,
          "line": 10,
          "column": 1,
          "source": "#### Thread 2: Rows",
          "message": "this thread heading has 4 #, a thread has 6",
          "help": "write `###### Thread 02: Rows`",
          "fix": {
            "line": 10,
            "column": 1,
            "end_line": 10,
            "end_column": 20,
            "text": "###### Thread 02: Rows"
          }
        }
      ]
    }
    "#######);
}

#[test]
fn a_list_shows_also_what_cannot_be_read() {
    let workspace = busy();
    workspace.write("work/002-broken/PLAN.md", PLAN);
    workspace.write("work/002-broken/threads.json", "{\"threads\": [\n<<<<<<< HEAD\n");
    workspace.write("work/003-a-workstream-with-quite-a-long-name-of-its-own/PLAN.md", "# Plan: Empty\n");
    insta::assert_snapshot!(session(&workspace, &["work current --set 001-search", "work list"]), @"
    $ work current --set 001-search
    exit 0
    001-search
    $ work list
    exit 0
    * 001-search                                1/4  look at the blocked threads of batch 01.01, then work retry
      002-broken                                  ?  unreadable: work status --workstream 002-broken
      003-a-workstream-with-quite-a-long-name-of-its-own      0/0  nothing
    ");
}

#[test]
fn colours_are_for_who_wants_them() {
    let workspace = busy();
    let coloured = |arguments: &[&str], variable: (&str, &str)| {
        let output = workspace.command(arguments).env(variable.0, variable.1).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\u{1b}')
    };
    assert!(!coloured(&["tree"], ("TERM", "xterm")), "a pipe");
    assert!(coloured(&["tree", "--color", "always"], ("TERM", "xterm")));
    assert!(coloured(&["tree"], ("CLICOLOR_FORCE", "1")));
    assert!(!coloured(&["tree", "--color", "never"], ("CLICOLOR_FORCE", "1")));
    assert!(!coloured(&["tree"], ("NO_COLOR", "1")));
    assert!(!coloured(&["status", "--json", "--color", "always"], ("TERM", "xterm")), "JSON has none");
}

#[test]
fn what_agents_wrote_runs_no_formula_in_a_spreadsheet() {
    let workspace = Workspace::with_plan(PLAN);
    let report = "--report==HYPERLINK(\"x\");=1+1";
    workspace.work(&["update", "--thread", "1.1.1", "--status", "completed", report, "--artifact", "-x"]);
    let csv = workspace.stdout(&["export", "--format", "csv", "--batch", "1.1"]);
    assert!(csv.contains(r#","'=HYPERLINK(""x"");=1+1","'-x","#), "{csv}");
}

#[test]
fn every_command_explains_itself() {
    let workspace = Workspace::empty();
    let help = workspace.stdout(&["--help"]);
    insta::assert_snapshot!(help, @"
    Executes a plan batch by batch: an MCP server for planners and workers, and the gates that a person
    passes

    Usage: work [OPTIONS] <COMMAND>

    Commands:
      init         Make a workspace: work/ with an index and a roster of agents; set hosts up
      create       Make a workstream with a plan to fill in
      edit         Edit PLAN.md, then check it and approve it
      validate     Check PLAN.md: all problems at once, each with its place
      diff         Show what changed in PLAN.md since it was approved, thread by thread and as text
      approve      Pass a gate, or shut it again: the plan, or a stage
      status       Show where the workstream stands and what is next
      run          Execute the plan without a planner: from gate to gate, with workers as processes
      next         Print what comes next, in one line
      watch        Watch the board live in the terminal
      log          Show what happened, the latest first
      tree         Show stages, batches and threads with their status and agents
      read         Show what a worker is told about a thread
      list         List the workstreams
      current      Show or set the current workstream
      assign       Give a thread to an agent
      check        Run the checks of a thread
      update       Say what happened to a thread
      release      End a planner's hold on the batch that it executes
      retry        Have blocked threads executed again, with fresh budgets
      complete     Complete the workstream, when everything is complete and approved
      archive      Put a workstream away, or take it out again
      rename       Give a workstream another name
      delete       Delete a workstream
      report       Print what came of the threads, as Markdown or as a page for a browser
      export       Print all there is about the workstream
      import       Import a workstream of another version, or a plan of spec-kit or task-master
      store        Keep the workspace in a database, for teams on several machines
      mcp          Serve MCP on stdin and stdout, for planners and workers
      hook         Answer the hooks of hosts: refuse tool calls that pass a gate
      merge-state  Merge a file of work/ for git, thread by thread
      man          Print the manual page, or install the pages of all commands
      completions  Print the completions for a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
          --root <DIR>       The folder that holds work/; default: the nearest one upwards [env:
                             WORK_ROOT]
          --store <URL>      The database that holds the workspace, in place of files [env: WORK_STORE]
      -w, --workstream <ID>  The workstream, by id, name, or the beginning of either; default: the
                             current one [env: WORK_STREAM]
      -j, --json             Print the answer as JSON
          --color <WHEN>     When to use colours [default: auto] [possible values: auto, always, never]
      -h, --help             Print help
      -V, --version          Print version

    Examples:
      work init --claude          set the repository up, here for Claude Code
      work create search --stages 2
      work validate               what is wrong with PLAN.md
      work approve plan           let planners execute PLAN.md as it is now
      work status                 where the workstream stands, and what is next
      work watch                  the same, live
      work approve stage 1        let planners go on to stage 2
      work complete               the end of a workstream

    Exit codes: 0 done, 1 the rules say no, 2 wrong arguments, 3 no such workspace, workstream, stage,
    batch, thread or agent, 4 a file cannot be read, 5 busy, 6 the machine failed.
    ");
    let commands = help.split("\nCommands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    for command in commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|word| *word != "help") {
        let help = workspace.stdout(&[command, "--help"]);
        assert!(help.contains(&format!("work {command}")), "{help}");
        assert!(help.contains("\nExample") || help.contains("Commands:"), "{command} has no example\n{help}");
    }
}

#[test]
fn a_report_can_come_from_a_file_or_from_stdin() {
    use std::io::Write as _;
    use std::process::Stdio;

    let workspace = Workspace::with_plan(PLAN);
    workspace.stdout(&["approve", "plan"]);
    workspace.write("report.txt", "The parser \"reads\" queries.\n\n");
    let update = |thread: &str, report: &str| {
        workspace.work(&["update", "--thread", thread, "--status", "completed", "--report", report])
    };
    assert!(update("1.1.1", "@report.txt").contains("is completed"));
    assert_eq!(workspace.threads()["threads"][0]["report"], "The parser \"reads\" queries.");
    let mut child = workspace
        .command(&["update", "--thread", "1.1.2", "--status", "completed", "--report", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"From a pipe.\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(workspace.threads()["threads"][1]["report"], "From a pipe.");
    let refused = update("1.1.1", "@nowhere.txt");
    assert!(refused.contains("nowhere.txt: No such file") && refused.contains("write @@nowhere.txt"), "{refused}");
    workspace.write("long.txt", "x".repeat(70_000));
    assert!(update("1.1.1", "@long.txt").contains("it has more than 65536 bytes"));
    assert!(update("1.1.1", "@@ann says that it works").contains("is completed"));
    assert_eq!(workspace.threads()["threads"][0]["report"], "@ann says that it works");
}
