//! `work edit`, with an editor that is a script.

use std::io::{Read as _, Write as _};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::support::{PLAN, PROGRAM, Workspace, session};

/// Runs `work edit` with `editor` and returns what it printed.
fn edit(workspace: &Workspace, editor: &str, arguments: &[&str]) -> String {
    let output = workspace.command(&[&["edit"], arguments].concat()).env("EDITOR", editor).output().unwrap();
    workspace.seen(&output)
}

#[test]
fn an_edited_plan_is_checked_and_compared() {
    let workspace = Workspace::with_plan(PLAN);
    workspace.work(&["approve", "plan"]);
    insta::assert_snapshot!(edit(&workspace, "sed -i 's/Define the schema/Draw the schema/'", &[]), @r#"
    exit 0
    warning: thread 01.01.01 has no details
     --> work/001-search/PLAN.md:5:1
      |
    5 | ###### Thread 1: Schema @agent:system-engineer-codex
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `**Details:**`: what to do, where, and how to check it

    warning: thread 01.01.02 has neither summary nor details
     --> work/001-search/PLAN.md:7:1
      |
    7 | ###### Thread 2: Rows
      | ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `**Summary:**` and one sentence: what comes of it

    warning: thread 01.02.01 has neither summary nor details
     --> work/001-search/PLAN.md:9:1
      |
    9 | ###### Thread 1: Parser
      | ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `**Summary:**` and one sentence: what comes of it

    warning: thread 02.01.01 has neither summary nor details
      --> work/001-search/PLAN.md:12:1
       |
    12 | ###### Thread 1: Routes
       | ^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: add `**Summary:**` and one sentence: what comes of it

    work/001-search/PLAN.md: 0 errors, 4 warnings; it can be approved
    edited 01.01.01 "Schema", other summary (pending)

    --- approved
    +++ PLAN.md
    @@ -4,5 +4,5 @@
     ##### Batch 1: Storage
     ###### Thread 1: Schema @agent:system-engineer-codex
    -**Summary:** Define the schema.
    +**Summary:** Draw the schema.
     ###### Thread 2: Rows
     ##### Batch 2: Queries
    Next: work approve plan
    "#);
    // Without a terminal nothing is asked, so nothing is approved.
    insta::assert_snapshot!(session(&workspace, &["work next"]), @"
    $ work next
    exit 0
    work approve plan
    ");
    insta::assert_snapshot!(edit(&workspace, "sed -i 's/^###### Thread 2: Rows/#### Thread 2: Rows/'", &[]), @"
    exit 1
    --- work/001-search/PLAN.md
    +++ work/001-search/PLAN.md
    @@ -5,5 +5,5 @@
     ###### Thread 1: Schema @agent:system-engineer-codex
     **Summary:** Draw the schema.
    -#### Thread 2: Rows
    +###### Thread 02: Rows
     ##### Batch 2: Queries
     ###### Thread 1: Parser
    warning: thread 01.01.01 has no details
     --> work/001-search/PLAN.md:5:1
      |
    5 | ###### Thread 1: Schema @agent:system-engineer-codex
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `**Details:**`: what to do, where, and how to check it

    error: this thread heading has 4 #, a thread has 6
     --> work/001-search/PLAN.md:7:1
      |
    7 | #### Thread 2: Rows
      | ^^^^^^^^^^^^^^^^^^^
      |
      = help: write `###### Thread 02: Rows`

    warning: thread 01.02.01 has neither summary nor details
     --> work/001-search/PLAN.md:9:1
      |
    9 | ###### Thread 1: Parser
      | ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `**Summary:**` and one sentence: what comes of it

    warning: thread 02.01.01 has neither summary nor details
      --> work/001-search/PLAN.md:12:1
       |
    12 | ###### Thread 1: Routes
       | ^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: add `**Summary:**` and one sentence: what comes of it

    work/001-search/PLAN.md: 1 error, 3 warnings
    work validate --fix fixes 1 of them
    ");
    insta::assert_snapshot!(edit(&workspace, "true", &["--fix"]), @r#"
    exit 0
    --- work/001-search/PLAN.md
    +++ work/001-search/PLAN.md
    @@ -5,5 +5,5 @@
     ###### Thread 1: Schema @agent:system-engineer-codex
     **Summary:** Draw the schema.
    -#### Thread 2: Rows
    +###### Thread 02: Rows
     ##### Batch 2: Queries
     ###### Thread 1: Parser
    warning: thread 01.01.01 has no details
     --> work/001-search/PLAN.md:5:1
      |
    5 | ###### Thread 1: Schema @agent:system-engineer-codex
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `**Details:**`: what to do, where, and how to check it

    warning: thread 01.01.02 has neither summary nor details
     --> work/001-search/PLAN.md:7:1
      |
    7 | ###### Thread 02: Rows
      | ^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `**Summary:**` and one sentence: what comes of it

    warning: thread 01.02.01 has neither summary nor details
     --> work/001-search/PLAN.md:9:1
      |
    9 | ###### Thread 1: Parser
      | ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: add `**Summary:**` and one sentence: what comes of it

    warning: thread 02.01.01 has neither summary nor details
      --> work/001-search/PLAN.md:12:1
       |
    12 | ###### Thread 1: Routes
       | ^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: add `**Summary:**` and one sentence: what comes of it

    work/001-search/PLAN.md: 0 errors, 4 warnings; it can be approved
    edited 01.01.01 "Schema", other summary (pending)

    --- approved
    +++ PLAN.md
    @@ -4,6 +4,6 @@
     ##### Batch 1: Storage
     ###### Thread 1: Schema @agent:system-engineer-codex
    -**Summary:** Define the schema.
    -###### Thread 2: Rows
    +**Summary:** Draw the schema.
    +###### Thread 02: Rows
     ##### Batch 2: Queries
     ###### Thread 1: Parser
    Next: work approve plan
    "#);
    insta::assert_snapshot!(edit(&workspace, "false", &[]), @r#"
    exit 2
    stderr: error: the editor "false" ended with exit status: 1
    stderr: Hint: [workspace]/work/001-search/PLAN.md is as the editor left it; nothing is approved
    "#);
    insta::assert_snapshot!(edit(&workspace, "no-such-editor --wait", &[]), @r#"
    exit 2
    stderr: sh: 1: no-such-editor: not found
    stderr: error: the editor "no-such-editor --wait" ended with exit status: 127
    stderr: Hint: set VISUAL or EDITOR to a program that is there
    "#);
}

/// Runs `work edit` on a terminal, and answers the question whether to approve with `y` after `meanwhile`.
fn edit_and_approve(workspace: &Workspace, editor: &str, meanwhile: impl FnOnce()) -> String {
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(PROGRAM);
    command.arg("edit");
    command.cwd(workspace.root());
    command.env_clear();
    for (name, value) in [("EDITOR", editor), ("PATH", &std::env::var("PATH").unwrap()), ("USER", "ann")] {
        command.env(name, value);
    }
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let (mut reader, mut keys) = (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
    let mut seen = String::new();
    let mut meanwhile = Some(meanwhile);
    let mut buffer = [0; 4096];
    // The end of the terminal is an error on Linux.
    while let Ok(read @ 1..) = reader.read(&mut buffer) {
        seen += &String::from_utf8_lossy(&buffer[..read]);
        if seen.contains("Approve it as it is now? [y/N]")
            && let Some(meanwhile) = meanwhile.take()
        {
            meanwhile();
            keys.write_all(b"y\n").unwrap();
        }
    }
    child.wait().unwrap();
    seen
}

#[test]
fn only_the_text_that_was_shown_is_approved() {
    let workspace = Workspace::with_draft(PLAN);
    let path = "work/001-search/PLAN.md";
    let changed = || workspace.write(path, workspace.read(path) + "**Check:** `true`\n");
    let seen = edit_and_approve(&workspace, "true", changed);
    assert!(seen.contains("PLAN.md has changed since it was shown"), "{seen}");
    assert_eq!(workspace.work(&["next"]), "exit 0\nwork approve plan");
    // Another workstream that becomes the current one while the editor is open is not meant.
    workspace.write("work/002-other/PLAN.md", PLAN);
    workspace.work(&["current", "--set", "001-search"]);
    let editor = format!("true \"$@\"; {PROGRAM} current --set 002-other >/dev/null; true");
    let seen = edit_and_approve(&workspace, &editor, || {});
    assert!(seen.contains("the plan of 001-search is approved"), "{seen}");
    assert_eq!(workspace.work(&["next", "-w", "002"]), "exit 0\nwork approve plan");
}
