//! Tests of what becomes of records when a plan with other numbers is approved (DESIGN §7).

use proptest::test_runner::RngSeed;

use super::*;
use crate::plan::edits::{Edit, Edited, Outline, edit, outline};

fn approved_world() -> World {
    let mut world = World::new();
    world.say("person approve-plan");
    world
}

/// Returns the records and cycles of the board in a short form.
fn records(world: &World) -> String {
    let mut out = String::new();
    for (id, thread) in world.board.threads.iter() {
        let attempts: Vec<String> = thread
            .attempts
            .iter()
            .map(|attempt| {
                let cycle = attempt.cycle.map_or("-".to_owned(), |cycle| cycle.to_string());
                format!("{}{} c{cycle}", attempt.agent.chars().next().unwrap_or('?'), attempt.number)
            })
            .collect();
        let name = thread.name.as_deref().unwrap_or("?");
        let _ = writeln!(out, "{id} {name}: {} {:?} {attempts:?}", thread.status, thread.report);
    }
    for cycle in world.board.cycles() {
        let open = if cycle.is_open() { "open" } else { "closed" };
        let left = if cycle.left { " left" } else { "" };
        let _ = writeln!(
            out,
            "cycle {}/{} {open}{left} {:?}",
            cycle.batch,
            cycle.number,
            cycle.budgets.keys().map(ToString::to_string).collect::<Vec<_>>()
        );
    }
    let stages = world.entry.as_ref().unwrap().approvals.stages.iter();
    for (number, approval) in stages {
        let _ = writeln!(out, "stage {number} {:?}", approval.status);
    }
    out
}

#[test]
fn a_new_stage_and_a_new_batch_before_completed_ones() {
    let mut world = approved_world();
    let mut out = world.transcript(
        "
        A next
        A in_progress 01.01.01
        A failed~ 01.01.01 timeout
        A in_progress 01.01.01
        A completed 01.01.01 a
        A completed 01.01.02 b
        A blocked 01.01.03 c
        A next
    ",
    );
    world.text = PLAN
        .replace("### Stage 1: Index\n", "### Stage 1: Security\n##### Batch 1: Patch\n###### Thread 1: Rotate\n### Stage 2: Index\n##### Batch 1: First\n###### Thread 1: New\n")
        .replace("### Stage 2: API", "### Stage 3: API")
        .replace("##### Batch 2: Queries", "##### Batch 3: Queries")
        .replace("##### Batch 1: Storage", "##### Batch 2: Storage");
    out += "\n-- PLAN.md changes\n";
    out += &world.transcript(
        "
        A next
        A blocked 01.01.03 by the ids that were approved
        person diff
        person approve-plan
        person approve-plan
        A next
    ",
    );
    out += "\n";
    out += &records(&world);
    insta::assert_snapshot!(out, @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A failed~ 01.01.01 timeout
        01.01.01#2 pending -> Retry system-engineer-codex#2
    A in_progress 01.01.01
        01.01.01#2 in_progress
    A completed 01.01.01 a
        01.01.01#2 completed
    A completed 01.01.02 b
        01.01.02#1 completed
    A blocked 01.01.03 c
        01.01.03#0 blocked -> Block default#0
    A next
        blocked 01.01 cycle 1 resumed threads [01.01.01#2 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#0 blocked default] dispatch [] next `!work retry` warnings ["settled with blocked threads: only a person has it executed again"] (no change)
    -- PLAN.md changes
    A next
        awaiting_approval gate `!work approve plan` next `!work approve plan` warnings ["PLAN.md has changed since it was approved"] (no change)
    A blocked 01.01.03 by the ids that were approved
        error awaiting_approval: PLAN.md has changed since it was approved. hint: ask the person to run !work approve plan, then call next_batch
    person diff
        {"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[{"before":null,"now":1,"name":"Security","renamed_from":null,"approval":null},{"before":1,"now":2,"name":"Index","renamed_from":null,"approval":null},{"before":2,"now":3,"name":"API","renamed_from":null,"approval":null}],"threads":[{"before":null,"now":"01.01.01","name":"Rotate","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":null,"now":"02.01.01","name":"New","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.01","now":"02.02.01","name":"Schema","renamed_from":null,"status":"completed","attempts":2,"edited":[],"consequence":"moves_along"},{"before":"01.01.02","now":"02.02.02","name":"Rows","renamed_from":null,"status":"completed","attempts":1,"edited":[],"consequence":"moves_along"},{"before":"01.01.03","now":"02.02.03","name":"Notes","renamed_from":null,"status":"blocked","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true},{"before":"01.02.01","now":"02.03.01","name":"Parser","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along"},{"before":"02.01.01","now":"03.01.01","name":"Routes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along"}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -1,12 +1,17 @@\n # Plan: Search\n ## Stages\n-### Stage 1: Index\n-##### Batch 1: Storage\n+### Stage 1: Security\n+##### Batch 1: Patch\n+###### Thread 1: Rotate\n+### Stage 2: Index\n+##### Batch 1: First\n+###### Thread 1: New\n+##### Batch 2: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n ###### Thread 2: Rows @agent:frontend-designer-grok\n ###### Thread 3: Notes\n-##### Batch 2: Queries\n+##### Batch 3: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n-### Stage 2: API\n+### Stage 3: API\n ##### Batch 1: Routes\n ###### Thread 1: Routes @agent:system-engineer-opus\n"} (no change)
    person approve-plan
        {"workstream":"001-search","plan_hash":"91724de05768d4c08dcaa0d386183bdddc2a783ae3f647380519caf7e44c4791","counts":{"stages":3,"batches":5,"threads":7},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[{"before":null,"now":1,"name":"Security","renamed_from":null,"approval":null},{"before":1,"now":2,"name":"Index","renamed_from":null,"approval":null},{"before":2,"now":3,"name":"API","renamed_from":null,"approval":null}],"threads":[{"before":null,"now":"01.01.01","name":"Rotate","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":null,"now":"02.01.01","name":"New","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.01","now":"02.02.01","name":"Schema","renamed_from":null,"status":"completed","attempts":2,"edited":[],"consequence":"moves_along"},{"before":"01.01.02","now":"02.02.02","name":"Rows","renamed_from":null,"status":"completed","attempts":1,"edited":[],"consequence":"moves_along"},{"before":"01.01.03","now":"02.02.03","name":"Notes","renamed_from":null,"status":"blocked","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true},{"before":"01.02.01","now":"02.03.01","name":"Parser","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along"},{"before":"02.01.01","now":"03.01.01","name":"Routes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along"}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -1,12 +1,17 @@\n # Plan: Search\n ## Stages\n-### Stage 1: Index\n-##### Batch 1: Storage\n+### Stage 1: Security\n+##### Batch 1: Patch\n+###### Thread 1: Rotate\n+### Stage 2: Index\n+##### Batch 1: First\n+###### Thread 1: New\n+##### Batch 2: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n ###### Thread 2: Rows @agent:frontend-designer-grok\n ###### Thread 3: Notes\n-##### Batch 2: Queries\n+##### Batch 3: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n-### Stage 2: API\n+### Stage 3: API\n ##### Batch 1: Routes\n ###### Thread 1: Routes @agent:system-engineer-opus\n"},"interrupted":[]}
    person approve-plan
        {"workstream":"001-search","plan_hash":"91724de05768d4c08dcaa0d386183bdddc2a783ae3f647380519caf7e44c4791","counts":{"stages":3,"batches":5,"threads":7},"unchanged":true,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[],"unclear":[],"text":""},"interrupted":[]} (no change)
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#3 pending default] dispatch ["01.01.01"]
    01.01.01 Rotate: pending "" []
    01.01.02 ?: pending "" []
    01.01.03 ?: pending "" []
    02.01.01 New: pending "" []
    02.02.01 Schema: completed "a" ["s1 c1", "s2 c1"]
    02.02.02 Rows: completed "b" ["f1 c1"]
    02.02.03 Notes: blocked "c" []
    02.03.01 Parser: pending "" []
    03.01.01 Routes: pending "" []
    cycle 02.02/1 closed ["02.02.01", "02.02.03"]
    cycle 01.01/1 open []
    "#);
}

#[test]
fn approving_a_plan_with_a_new_thread_also_executes_the_blocked_one_again() {
    let mut world = approved_world();
    let mut out = world.transcript(
        "
        A next
        A completed 01.01.01 a
        A completed 01.01.02 b
        A in_progress 01.01.03
        A failed 01.01.03 which notes
        A assign 01.01.03
        A in_progress 01.01.03
        A failed 01.01.03#2 which notes indeed
    ",
    );
    world.text = PLAN.replace("##### Batch 2: Queries", "###### Thread 4: Extra\n##### Batch 2: Queries");
    out += "\n-- PLAN.md changes\n";
    out += &world.transcript(
        "
        person approve-plan
        A in_progress 01.01.03
        A next
    ",
    );
    let out: Vec<&str> = out.lines().skip_while(|line| !line.starts_with("-- ")).skip(3).collect();
    insta::assert_snapshot!(out.join("\n"), @r#"
    A in_progress 01.01.03
        01.01.03#3 in_progress
    A next
        in_progress 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#3 in_progress default-minimax, 01.01.04#1 pending default] dispatch ["01.01.04"] (no change)
    "#);
}

#[test]
fn running_threads_do_not_move() {
    let mut world = approved_world();
    let mut out = world.transcript(
        "
        A next
        A in_progress 01.01.01
        A in_progress 01.01.02
    ",
    );
    world.text = PLAN
        .replace("###### Thread 1: Schema @agent:system-engineer-codex\n", "")
        .replace("Thread 2: Rows", "Thread 1: Rows");
    out += "\n-- Schema leaves, and Rows has its number\n";
    out += &world.transcript(
        "
        person approve-plan
        A in_progress 01.01.02 still at it
        person approve-plan!
        A next
        A completed 01.01.01 rows by their new number
    ",
    );
    out += "\n";
    out += &records(&world);
    insta::assert_snapshot!(out, @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A in_progress 01.01.02
        01.01.02#1 in_progress
    -- Schema leaves, and Rows has its number
    person approve-plan
        error already_running: threads in progress do not move: 01.01.01 would leave the plan, 01.01.02 would become 01.01.01. hint: wait until they have reported, or interrupt them with --force
    A in_progress 01.01.02 still at it
        01.01.02#1 in_progress
    person approve-plan!
        {"workstream":"001-search","plan_hash":"6235d0ec414ae870a269ae17f2c36c6404e28851e5350febdc4075b2fe8443dd","counts":{"stages":2,"batches":3,"threads":4},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":"01.01.02","now":"01.01.01","name":"Rows","renamed_from":null,"status":"in_progress","attempts":1,"edited":[],"consequence":"moves_along","was_handed_out":true},{"before":"01.01.01","now":null,"name":"Schema","renamed_from":null,"status":"in_progress","attempts":1,"edited":[],"consequence":"counts_for_nothing","was_handed_out":true}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -3,6 +3,5 @@\n ### Stage 1: Index\n ##### Batch 1: Storage\n-###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n+###### Thread 1: Rows @agent:frontend-designer-grok\n ###### Thread 3: Notes\n ##### Batch 2: Queries\n"},"interrupted":["01.01.01","01.01.02"]}
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#3 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.03"] (no change)
    A completed 01.01.01 rows by their new number
        error stale_attempt: 01.01.01 is another thread since the plan was approved again ("Rows"). hint: pass attempt 3 if 01.01.01 "Rows" is meant
    01.01.01 Rows: pending "" ["f1 c1"]
    01.01.02 ?: pending "" []
    01.01.03 Notes: pending "" []
    01.02.01 Parser: pending "" []
    02.01.01 Routes: pending "" []
    cycle 01.01/1 open []
    "#);
}

/// The attempts of a server that is gone run no more, so they stand in no approval's way.
#[test]
fn an_approval_ends_the_attempts_of_dead_servers_first() {
    let mut world = approved_world();
    world.transcript("A next\nA in_progress 01.01.01");
    world.text = PLAN
        .replace("###### Thread 1: Schema @agent:system-engineer-codex\n", "")
        .replace("Thread 2: Rows", "Thread 1: Rows");
    let refused = world.say("person approve-plan");
    assert!(refused.starts_with("error already_running"), "{refused}");
    world.say("A dies");
    let shown = world.say("person diff");
    assert!(shown.contains(r#""status":"pending""#) && !shown.contains("in_progress"), "{shown}");
    let approved = world.say("person approve-plan");
    assert!(approved.contains(r#""interrupted":[]"#), "{approved}");
}

/// The command lines of the user's contract name no attempt, so these calls have no number.
#[test]
fn a_worker_of_a_former_thread_cannot_report_on_the_thread_with_its_id() {
    let mut world = approved_world();
    world.transcript("A next\nA in_progress 01.01.01");
    world.say("A blocked 01.01.01 b");
    world.text = PLAN
        .replace("###### Thread 3: Notes", "###### Thread 4: Notes")
        .replace("###### Thread 2: Rows", "###### Thread 3: Rows")
        .replace("###### Thread 1: Schema", "###### Thread 1: New\n###### Thread 2: Schema");
    world.say("person approve-plan");
    let mut out = world.transcript(
        "
        A in_progress 01.01.01
        A completed 01.01.02 rows are there
        A completed 01.01.02#1 rows are there
        person completed 01.01.02 rows are there
        A failed 01.01.03 no notes
        A completed 01.01.04 notes, by their own number
        A next
        A in_progress 01.01.01#2
        A completed 01.01.01#1 schema is there
        A completed 01.01.01 new is there
        A completed 01.01.02#2 schema is there
    ",
    );
    // Rows and Notes leave the plan. Later, other threads get their numbers.
    world.text = PLAN
        .replace("###### Thread 1: Schema", "###### Thread 1: New\n###### Thread 2: Schema")
        .replace("###### Thread 2: Rows @agent:frontend-designer-grok\n###### Thread 3: Notes\n", "");
    world.say("person approve-plan!");
    let late =
        PLAN.replace("##### Batch 1: Storage", "##### Batch 1: First\n###### Thread 1: First\n##### Batch 2: Storage");
    let mut moved = approved_world();
    moved.say("A next");
    moved.text = late.replace("Batch 2: Queries", "Batch 3: Queries");
    moved.say("person approve-plan");
    out += "\n-- a number that is no thread's\n";
    out += &moved.transcript("A completed 01.01.02 rows are there\nA completed 01.02.02 rows are there");
    world.text = world.text.replace("##### Batch 2", "###### Thread 3: Late\n##### Batch 2");
    out += "\n-- a number that was free\n";
    world.say("person approve-plan");
    out += &world.transcript("A completed 01.01.03 rows are there\nA completed 01.01.03#2 late is there");
    out += "\n";
    out += &records(&world);
    insta::assert_snapshot!(out, @r#"
    A in_progress 01.01.01
        error stale_attempt: 01.01.01 is another thread since the plan was approved again ("New"); yours may be 01.01.02 "Schema" now. hint: pass attempt 3 if 01.01.01 "New" is meant
    A completed 01.01.02 rows are there
        error stale_attempt: 01.01.02 is another thread since the plan was approved again ("Schema"); yours may be 01.01.03 "Rows" now. hint: pass attempt 2 if 01.01.02 "Schema" is meant
    A completed 01.01.02#1 rows are there
        error stale_attempt: 01.01.02 is another thread since the plan was approved again ("Schema"); yours may be 01.01.03 "Rows" now. hint: pass attempt 2 if 01.01.02 "Schema" is meant
    person completed 01.01.02 rows are there
        error stale_attempt: 01.01.02 is another thread since the plan was approved again ("Schema"); yours may be 01.01.03 "Rows" now. hint: add --attempt 2 if 01.01.02 "Schema" is meant
    A failed 01.01.03 no notes
        error stale_attempt: 01.01.03 is another thread since the plan was approved again ("Rows"); yours may be 01.01.04 "Notes" now. hint: pass attempt 2 if 01.01.03 "Rows" is meant
    A completed 01.01.04 notes, by their own number
        01.01.04#1 completed
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#3 pending default, 01.01.02#1 blocked system-engineer-codex, 01.01.03#2 pending frontend-designer-grok, 01.01.04#1 completed default] dispatch ["01.01.01", "01.01.03"] {01.01.02 Reassign system-engineer-opus#2} (no change)
    A in_progress 01.01.01#2
        error stale_attempt: 01.01.01 is another thread since the plan was approved again ("New"); yours may be 01.01.02 "Schema" now. hint: pass attempt 3 if 01.01.01 "New" is meant
    A completed 01.01.01#1 schema is there
        error stale_attempt: 01.01.01 is another thread since the plan was approved again ("New"); yours may be 01.01.02 "Schema" now. hint: pass attempt 3 if 01.01.01 "New" is meant
    A completed 01.01.01 new is there
        error stale_attempt: 01.01.01 is another thread since the plan was approved again ("New"); yours may be 01.01.02 "Schema" now. hint: pass attempt 3 if 01.01.01 "New" is meant
    A completed 01.01.02#2 schema is there
        01.01.02#2 completed
    -- a number that is no thread's
    A completed 01.01.02 rows are there
        error unknown_thread: PLAN.md has no thread 01.01.02 since the plan was approved again. hint: yours may be 01.02.02 "Rows"
    A completed 01.02.02 rows are there
        error batch_not_ready: batch 01.02 waits for batch 01.01. hint: finish 01.01 first: call next_batch
    -- a number that was free
    A completed 01.01.03 rows are there
        error stale_attempt: 01.01.03 is another thread since the plan was approved again ("Late"). hint: pass attempt 3 if 01.01.03 "Late" is meant
    A completed 01.01.03#2 late is there
        error stale_attempt: 01.01.03 is another thread since the plan was approved again ("Late"). hint: pass attempt 3 if 01.01.03 "Late" is meant
    01.01.01 New: pending "" []
    01.01.02 Schema: completed "schema is there" ["s1 c1", "s2 c1"]
    01.01.03 Late: pending "" []
    01.01.04 Notes: completed "notes, by their own number" ["d1 c1"]
    01.02.01 Parser: pending "" []
    02.01.01 Routes: pending "" []
    cycle 01.01/1 open []
    "#);
}

#[test]
fn what_was_used_goes_to_the_thread_that_ran_and_to_no_other() {
    let mut world = approved_world();
    let mut out = world.transcript(
        "
        A completed 01.01.01 a
        A completed 01.01.02 b
        A in_progress 01.01.03
    ",
    );
    // Schema becomes 01.01.02, a new thread has its id, and the other two leave the plan.
    world.text = PLAN.replace(
        "###### Thread 1: Schema @agent:system-engineer-codex\n###### Thread 2: Rows @agent:frontend-designer-grok\n###### Thread 3: Notes",
        "###### Thread 1: New\n###### Thread 2: Schema @agent:system-engineer-codex",
    );
    out += "\n-- PLAN.md changes\n";
    out += &world.transcript(
        "
        person approve-plan
        A used 01.01.01#1 10
        A used 01.01.02#1 10
        A completed 01.01.03 c
        A used 01.01.03#1 30
        A completed 01.01.01#2 n
        A used 01.01.01#1 10
        A used 01.01.01#2 20
    ",
    );
    out += "\n-- ";
    out += &usages(&world);
    insta::assert_snapshot!(out, @r#"
    A completed 01.01.01 a
        01.01.01#1 completed
    A completed 01.01.02 b
        01.01.02#1 completed
    A in_progress 01.01.03
        01.01.03#1 in_progress
    -- PLAN.md changes
    person approve-plan
        {"workstream":"001-search","plan_hash":"034c8de36f5783eda30bb793910e8fa1a90f5003789593fe5cb7f9eff7aaef48","counts":{"stages":2,"batches":3,"threads":4},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":null,"now":"01.01.01","name":"New","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.01","now":"01.01.02","name":"Schema","renamed_from":null,"status":"completed","attempts":1,"edited":[],"consequence":"moves_along"},{"before":"01.01.02","now":null,"name":"Rows","renamed_from":null,"status":"completed","attempts":1,"edited":[],"consequence":"counts_for_nothing"},{"before":"01.01.03","now":null,"name":"Notes","renamed_from":null,"status":"in_progress","attempts":1,"edited":[],"consequence":"counts_for_nothing"}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -3,7 +3,6 @@\n ### Stage 1: Index\n ##### Batch 1: Storage\n-###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 1: New\n+###### Thread 2: Schema @agent:system-engineer-codex\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"},"interrupted":[]}
    A used 01.01.01#1 10
        error stale_attempt: 01.01.01 is another thread since the plan was approved again ("New"); yours may be 01.01.02 "Schema" now. hint: pass attempt 2 if 01.01.01 "New" is meant
    A used 01.01.02#1 10
        error stale_attempt: 01.01.02 is another thread since the plan was approved again ("Schema"). hint: pass attempt 2 if 01.01.02 "Schema" is meant
    A completed 01.01.03 c
        01.01.03#1 completed
    A used 01.01.03#1 30
        recorded
    A completed 01.01.01#2 n
        01.01.01#2 completed
    A used 01.01.01#1 10
        error stale_attempt: attempt 1 of 01.01.01 is over, the latest is 2. hint: stop working on it; only reports of attempt 2 or later count
    A used 01.01.01#2 20
        recorded
    -- 01.01.01#2 completed 20, 01.01.02#1 completed -, 01.01.03#1 completed 30
    "#);
}

#[test]
fn where_it_cannot_be_told_a_person_says_it() {
    let told = |what: &str| {
        let mut world = approved_world();
        world.transcript("A next\nA completed 01.01.02 rows are there");
        world.text = PLAN.replace(
            "###### Thread 2: Rows @agent:frontend-designer-grok\n###### Thread 3: Notes\n",
            "###### Thread 2: Lines\n###### Thread 3: Columns\n###### Thread 4: Notes\n",
        );
        let mut out = world.transcript(&format!("person diff\nperson approve-plan {what}"));
        out += "\n";
        out += &records(&world);
        out
    };
    insta::assert_snapshot!(
        ["", "01.01.02=01.01.03", "01.01.02=-", "keep-ids", "01.01.09=01.01.02", "01.01.02=01.01.01,01.01.01=01.01.01"]
            .map(told)
            .join("\n----\n"),
        @r#"
    person diff
        {"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":null,"now":"01.01.02","name":"Lines","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":null,"now":"01.01.03","name":"Columns","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.03","now":"01.01.04","name":"Notes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true}],"unclear":[{"thread_id":"01.01.02","name":"Rows","status":"completed","candidates":[{"thread_id":"01.01.02","name":"Lines"},{"thread_id":"01.01.03","name":"Columns"}],"suggested":"01.01.02"}],"text":"--- approved\n+++ PLAN.md\n@@ -4,6 +4,7 @@\n ##### Batch 1: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 2: Lines\n+###### Thread 3: Columns\n+###### Thread 4: Notes\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"} (no change)
    person approve-plan
        error unclear_threads: PLAN.md has other threads than the text that was approved, and it cannot be told where the records of 1 thread belong: 01.01.02 "Rows" (completed) can be 01.01.02 "Lines" or 01.01.03 "Columns". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.02=01.01.02; or --keep-ids
    01.01.01 Schema: pending "" []
    01.01.02 Rows: completed "rows are there" ["f1 c1"]
    01.01.03 Notes: pending "" []
    01.02.01 Parser: pending "" []
    02.01.01 Routes: pending "" []
    cycle 01.01/1 open []

    ----
    person diff
        {"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":null,"now":"01.01.02","name":"Lines","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":null,"now":"01.01.03","name":"Columns","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.03","now":"01.01.04","name":"Notes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true}],"unclear":[{"thread_id":"01.01.02","name":"Rows","status":"completed","candidates":[{"thread_id":"01.01.02","name":"Lines"},{"thread_id":"01.01.03","name":"Columns"}],"suggested":"01.01.02"}],"text":"--- approved\n+++ PLAN.md\n@@ -4,6 +4,7 @@\n ##### Batch 1: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 2: Lines\n+###### Thread 3: Columns\n+###### Thread 4: Notes\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"} (no change)
    person approve-plan 01.01.02=01.01.03
        {"workstream":"001-search","plan_hash":"9171fa3fb1408de52ebd11c78db11c6361aaa3966ff4ba38c092160ea3bba8ba","counts":{"stages":2,"batches":3,"threads":6},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":null,"now":"01.01.02","name":"Lines","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.02","now":"01.01.03","name":"Columns","renamed_from":"Rows","status":"completed","attempts":1,"edited":["agent"],"consequence":"moves_along"},{"before":"01.01.03","now":"01.01.04","name":"Notes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -4,6 +4,7 @@\n ##### Batch 1: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 2: Lines\n+###### Thread 3: Columns\n+###### Thread 4: Notes\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"},"interrupted":[]}
    01.01.01 Schema: pending "" []
    01.01.02 Lines: pending "" []
    01.01.03 Columns: completed "rows are there" ["f1 c1"]
    01.01.04 Notes: pending "" []
    01.02.01 Parser: pending "" []
    02.01.01 Routes: pending "" []
    cycle 01.01/1 open []

    ----
    person diff
        {"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":null,"now":"01.01.02","name":"Lines","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":null,"now":"01.01.03","name":"Columns","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.03","now":"01.01.04","name":"Notes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true}],"unclear":[{"thread_id":"01.01.02","name":"Rows","status":"completed","candidates":[{"thread_id":"01.01.02","name":"Lines"},{"thread_id":"01.01.03","name":"Columns"}],"suggested":"01.01.02"}],"text":"--- approved\n+++ PLAN.md\n@@ -4,6 +4,7 @@\n ##### Batch 1: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 2: Lines\n+###### Thread 3: Columns\n+###### Thread 4: Notes\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"} (no change)
    person approve-plan 01.01.02=-
        {"workstream":"001-search","plan_hash":"9171fa3fb1408de52ebd11c78db11c6361aaa3966ff4ba38c092160ea3bba8ba","counts":{"stages":2,"batches":3,"threads":6},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":null,"now":"01.01.02","name":"Lines","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":null,"now":"01.01.03","name":"Columns","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.03","now":"01.01.04","name":"Notes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true},{"before":"01.01.02","now":null,"name":"Rows","renamed_from":null,"status":"completed","attempts":1,"edited":[],"consequence":"counts_for_nothing"}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -4,6 +4,7 @@\n ##### Batch 1: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 2: Lines\n+###### Thread 3: Columns\n+###### Thread 4: Notes\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"},"interrupted":[]}
    01.01.01 Schema: pending "" []
    01.01.02 Lines: pending "" []
    01.01.03 Columns: pending "" []
    01.01.04 Notes: pending "" []
    01.02.01 Parser: pending "" []
    02.01.01 Routes: pending "" []
    cycle 01.01/1 open []

    ----
    person diff
        {"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":null,"now":"01.01.02","name":"Lines","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":null,"now":"01.01.03","name":"Columns","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.03","now":"01.01.04","name":"Notes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true}],"unclear":[{"thread_id":"01.01.02","name":"Rows","status":"completed","candidates":[{"thread_id":"01.01.02","name":"Lines"},{"thread_id":"01.01.03","name":"Columns"}],"suggested":"01.01.02"}],"text":"--- approved\n+++ PLAN.md\n@@ -4,6 +4,7 @@\n ##### Batch 1: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 2: Lines\n+###### Thread 3: Columns\n+###### Thread 4: Notes\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"} (no change)
    person approve-plan keep-ids
        {"workstream":"001-search","plan_hash":"9171fa3fb1408de52ebd11c78db11c6361aaa3966ff4ba38c092160ea3bba8ba","counts":{"stages":2,"batches":3,"threads":6},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":"01.01.02","now":"01.01.02","name":"Lines","renamed_from":"Rows","status":"completed","attempts":1,"edited":["agent"],"consequence":"stays"},{"before":"01.01.03","now":"01.01.03","name":"Columns","renamed_from":"Notes","status":"pending","attempts":0,"edited":[],"consequence":"stays"},{"before":null,"now":"01.01.04","name":"Notes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -4,6 +4,7 @@\n ##### Batch 1: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 2: Lines\n+###### Thread 3: Columns\n+###### Thread 4: Notes\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"},"interrupted":[]}
    01.01.01 Schema: pending "" []
    01.01.02 Lines: completed "rows are there" ["f1 c1"]
    01.01.03 Columns: pending "" []
    01.01.04 Notes: pending "" []
    01.02.01 Parser: pending "" []
    02.01.01 Routes: pending "" []
    cycle 01.01/1 open []

    ----
    person diff
        {"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":null,"now":"01.01.02","name":"Lines","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":null,"now":"01.01.03","name":"Columns","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.03","now":"01.01.04","name":"Notes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true}],"unclear":[{"thread_id":"01.01.02","name":"Rows","status":"completed","candidates":[{"thread_id":"01.01.02","name":"Lines"},{"thread_id":"01.01.03","name":"Columns"}],"suggested":"01.01.02"}],"text":"--- approved\n+++ PLAN.md\n@@ -4,6 +4,7 @@\n ##### Batch 1: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 2: Lines\n+###### Thread 3: Columns\n+###### Thread 4: Notes\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"} (no change)
    person approve-plan 01.01.09=01.01.02
        error invalid_argument: 01.01.09 cannot be mapped: no such thread was approved. hint: see work diff
    01.01.01 Schema: pending "" []
    01.01.02 Rows: completed "rows are there" ["f1 c1"]
    01.01.03 Notes: pending "" []
    01.02.01 Parser: pending "" []
    02.01.01 Routes: pending "" []
    cycle 01.01/1 open []

    ----
    person diff
        {"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":null,"now":"01.01.02","name":"Lines","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":null,"now":"01.01.03","name":"Columns","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.03","now":"01.01.04","name":"Notes","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along","was_handed_out":true}],"unclear":[{"thread_id":"01.01.02","name":"Rows","status":"completed","candidates":[{"thread_id":"01.01.02","name":"Lines"},{"thread_id":"01.01.03","name":"Columns"}],"suggested":"01.01.02"}],"text":"--- approved\n+++ PLAN.md\n@@ -4,6 +4,7 @@\n ##### Batch 1: Storage\n ###### Thread 1: Schema @agent:system-engineer-codex\n-###### Thread 2: Rows @agent:frontend-designer-grok\n-###### Thread 3: Notes\n+###### Thread 2: Lines\n+###### Thread 3: Columns\n+###### Thread 4: Notes\n ##### Batch 2: Queries\n ###### Thread 1: Parser @agent:system-engineer-codex\n"} (no change)
    person approve-plan 01.01.02=01.01.01,01.01.01=01.01.01
        error invalid_argument: two threads are mapped to 01.01.01. hint: map each thread to one of its own
    01.01.01 Schema: pending "" []
    01.01.02 Rows: completed "rows are there" ["f1 c1"]
    01.01.03 Notes: pending "" []
    01.02.01 Parser: pending "" []
    02.01.01 Routes: pending "" []
    cycle 01.01/1 open []
    "#
    );
}

#[test]
fn the_approval_of_a_stage_follows_the_stage() {
    let mut world = World::new();
    world.text = "# Plan: P\n## Stages\n### Stage 1: One\n##### Batch 1: A\n###### Thread 1: T\n\
                  ### Stage 2: Two\n##### Batch 1: B\n###### Thread 1: U\n### Stage 3: Three\n##### Batch 1: C\n###### Thread 1: V\n"
        .to_owned();
    let text = world.text.clone();
    world.transcript("person approve-plan\nperson completed 01.01.01 t\nperson approve-stage 1\nperson completed 02.01.01 u\nperson approve-stage 2");
    let mut out = String::new();
    for (what, now) in [
        (
            "a stage in front",
            text.replace("### Stage 2", "### Stage 4")
                .replace("### Stage 1", "### Stage 2")
                .replace("## Stages\n", "## Stages\n### Stage 1: Zero\n##### Batch 1: Z\n###### Thread 1: Y\n"),
        ),
        ("a thread in an approved one", text.replace("###### Thread 1: U", "###### Thread 1: U\n###### Thread 2: W")),
        (
            "the first one leaves",
            text.replace("### Stage 1: One\n##### Batch 1: A\n###### Thread 1: T\n", "")
                .replace("Stage 2", "Stage 1")
                .replace("Stage 3", "Stage 2"),
        ),
        ("a stage is renamed", text.replace("Stage 2: Two", "Stage 2: Another")),
    ] {
        let mut world = World {
            text: now,
            board: world.board.clone(),
            entry: world.entry.clone(),
            approved: Some(text.clone()),
            ..World::new()
        };
        out += &format!("-- {what}\n{}\n{}\n", world.transcript("person approve-plan"), records(&world));
    }
    insta::assert_snapshot!(out, @r#"
    -- a stage in front
    person approve-plan
        {"workstream":"001-search","plan_hash":"e5aa6d8a302d55f30aca2a56abd6ffa9fc51d592e904fda08d462fe0775ba204","counts":{"stages":4,"batches":4,"threads":4},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[{"before":null,"now":1,"name":"Zero","renamed_from":null,"approval":null},{"before":1,"now":2,"name":"One","renamed_from":null,"approval":"kept"},{"before":2,"now":4,"name":"Two","renamed_from":null,"approval":"kept"}],"threads":[{"before":null,"now":"01.01.01","name":"Y","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"},{"before":"01.01.01","now":"02.01.01","name":"T","renamed_from":null,"status":"completed","attempts":1,"edited":[],"consequence":"moves_along"},{"before":"02.01.01","now":"04.01.01","name":"U","renamed_from":null,"status":"completed","attempts":1,"edited":[],"consequence":"moves_along"}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -1,8 +1,11 @@\n # Plan: P\n ## Stages\n-### Stage 1: One\n+### Stage 1: Zero\n+##### Batch 1: Z\n+###### Thread 1: Y\n+### Stage 2: One\n ##### Batch 1: A\n ###### Thread 1: T\n-### Stage 2: Two\n+### Stage 4: Two\n ##### Batch 1: B\n ###### Thread 1: U\n"},"interrupted":[]}
    01.01.01 Y: pending "" []
    02.01.01 T: completed "t" ["d1 c1"]
    03.01.01 V: pending "" []
    04.01.01 U: completed "u" ["d1 c1"]
    cycle 02.01/1 closed []
    cycle 04.01/1 open []
    stage 2 Approved
    stage 4 Approved

    -- a thread in an approved one
    person approve-plan
        {"workstream":"001-search","plan_hash":"3a37cb357c8e4bc5361ca10dcff60c26c7ad104eecd804b4c2a5567398d6b56d","counts":{"stages":3,"batches":3,"threads":4},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[{"before":2,"now":2,"name":"Two","renamed_from":null,"approval":"taken_back"}],"threads":[{"before":null,"now":"02.01.02","name":"W","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"new"}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -7,4 +7,5 @@\n ##### Batch 1: B\n ###### Thread 1: U\n+###### Thread 2: W\n ### Stage 3: Three\n ##### Batch 1: C\n"},"interrupted":[]}
    01.01.01 T: completed "t" ["d1 c1"]
    02.01.01 U: completed "u" ["d1 c1"]
    02.01.02 W: pending "" []
    03.01.01 V: pending "" []
    cycle 01.01/1 closed []
    cycle 02.01/1 open []
    stage 1 Approved
    stage 2 Revoked

    -- the first one leaves
    person approve-plan
        {"workstream":"001-search","plan_hash":"adaf1ddd1b4776a8dce4e9326e47858807ea1d107d3621391c5af1d829a17e88","counts":{"stages":2,"batches":2,"threads":2},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[{"before":2,"now":1,"name":"Two","renamed_from":null,"approval":"kept"},{"before":3,"now":2,"name":"Three","renamed_from":null,"approval":null},{"before":1,"now":null,"name":"One","renamed_from":null,"approval":"taken_back"}],"threads":[{"before":"02.01.01","now":"01.01.01","name":"U","renamed_from":null,"status":"completed","attempts":1,"edited":[],"consequence":"moves_along"},{"before":"03.01.01","now":"02.01.01","name":"V","renamed_from":null,"status":"pending","attempts":0,"edited":[],"consequence":"moves_along"},{"before":"01.01.01","now":null,"name":"T","renamed_from":null,"status":"completed","attempts":1,"edited":[],"consequence":"counts_for_nothing"}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -1,11 +1,8 @@\n # Plan: P\n ## Stages\n-### Stage 1: One\n-##### Batch 1: A\n-###### Thread 1: T\n-### Stage 2: Two\n+### Stage 1: Two\n ##### Batch 1: B\n ###### Thread 1: U\n-### Stage 3: Three\n+### Stage 2: Three\n ##### Batch 1: C\n ###### Thread 1: V\n"},"interrupted":[]}
    01.01.01 U: completed "u" ["d1 c1"]
    02.01.01 V: pending "" []
    cycle 01.01/1 closed left []
    cycle 01.01/1 open []
    stage 1 Approved

    -- a stage is renamed
    person approve-plan
        {"workstream":"001-search","plan_hash":"82ab4964d9e13da0bf532d61ebc0df29cbbbe02ecd5e63b134e254a399bee394","counts":{"stages":3,"batches":3,"threads":3},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[{"before":2,"now":2,"name":"Another","renamed_from":"Two","approval":"kept"}],"threads":[],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -4,5 +4,5 @@\n ##### Batch 1: A\n ###### Thread 1: T\n-### Stage 2: Two\n+### Stage 2: Another\n ##### Batch 1: B\n ###### Thread 1: U\n"},"interrupted":[]}
    01.01.01 T: completed "t" ["d1 c1"]
    02.01.01 U: completed "u" ["d1 c1"]
    03.01.01 V: pending "" []
    cycle 01.01/1 closed []
    cycle 02.01/1 open []
    stage 1 Approved
    stage 2 Approved
    "#);
}

/// Approves the plan, and returns the changes in a short form, or the whole refusal.
fn approve(world: &mut World, what: &str) -> String {
    let came = world.say(&format!("person approve-plan {what}"));
    let Ok(answer) = serde_json::from_str::<serde_json::Value>(came.trim_end_matches(" (no change)")) else {
        return came;
    };
    let mut out = String::from("approved\n");
    for key in ["stages", "threads"] {
        for change in answer["changes"][key].as_array().unwrap() {
            let then = &change["consequence"].as_str().or(change["approval"].as_str()).unwrap_or_default();
            let renamed = change["renamed_from"].as_str().map(|from| format!(" from {from}")).unwrap_or_default();
            let (before, now) = (&change["before"], &change["now"]);
            let _ = writeln!(out, "  {before} -> {now} {}{renamed}: {then}", change["name"]);
        }
    }
    out + &records(world)
}

/// Brings the world into the state that a release before 0.2.0 left: no approved text, and no records of threads to
/// which nothing happened.
fn forget_text_and_pending(world: &mut World) {
    world.approved = None;
    let pending: Vec<ThreadId> = world
        .board
        .threads
        .iter()
        .filter(|(_, thread)| **thread == crate::board::Thread { ..named_only(thread) })
        .map(|(id, _)| id)
        .collect();
    for id in pending {
        Arc::make_mut(&mut world.board).threads.remove(id);
    }
}

fn named_only(thread: &crate::board::Thread) -> crate::board::Thread {
    crate::board::Thread {
        name: thread.name.clone(),
        stage_name: thread.stage_name.clone(),
        batch_name: thread.batch_name.clone(),
        ..crate::board::Thread::default()
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table, with what comes of each row below it")]
fn without_an_approved_text_the_recorded_names_tell_which_is_which() {
    let plan = "# Plan: P\n## Stages\n### Stage 1: One\n##### Batch 1: A\n###### Thread 1: S\n###### Thread 2: T\n\
                ### Stage 2: Two\n##### Batch 1: B\n###### Thread 1: U\n";
    let without_s = plan.replace("###### Thread 1: S\n", "").replace("Thread 2: T", "Thread 1: T");
    let without_one = "# Plan: P\n## Stages\n### Stage 1: Two\n##### Batch 1: B\n###### Thread 1: U\n";
    let s_and_t = plan.replace("Thread 2: T", "Thread 3: T").replace("Thread 1: S", "Thread 2: S");
    let mut out = String::new();
    for (what, said, now, mapping) in [
        ("nothing", "", plan.to_owned(), ""),
        ("S leaves", "", without_s.clone(), ""),
        ("S leaves, as a person says", "", without_s.clone(), "01.01.01=-"),
        ("S is T now, as a person says", "", without_s.clone(), "01.01.01=01.01.01"),
        ("the ids stay, as a person says", "", without_s, "keep-ids"),
        ("S has another name", "", plan.replace("1: S", "1: R"), ""),
        ("R comes first", "", s_and_t.replace("Thread 2: S", "Thread 1: R\n###### Thread 2: S"), ""),
        ("S and T change places", "", plan.replace("1: S", "1: x").replace("2: T", "2: S").replace("1: x", "1: T"), ""),
        ("the first stage leaves", "person completed 01.01.02 t\nperson approve-stage 1", without_one.to_owned(), ""),
        (
            "the first stage leaves, as a person says",
            "person completed 01.01.02 t\nperson approve-stage 1",
            without_one.to_owned(),
            "01.01.01=-",
        ),
        (
            "a stage in front of one that is approved",
            "person completed 01.01.02 t\nperson approve-stage 1",
            plan.replace("Stage 2", "Stage 3")
                .replace("Stage 1: One", "Stage 1: Zero\n##### Batch 1: Z\n###### Thread 1: Z\n### Stage 2: One"),
            "",
        ),
        (
            "a thread in a stage that is approved",
            "person completed 01.01.02 t\nperson approve-stage 1",
            plan.replace("2: T\n", "2: T\n###### Thread 3: V\n"),
            "",
        ),
    ] {
        for is_old in [false, true] {
            let mut world = World { text: plan.to_owned(), ..World::new() };
            world.transcript(&format!("person approve-plan\nperson completed 01.01.01 s\n{said}"));
            world.approved = None;
            if is_old {
                forget_text_and_pending(&mut world);
            }
            world.text.clone_from(&now);
            let left = if is_old { "by 0.1.0" } else { "by 0.2.0, its text is lost" };
            let _ = writeln!(out, "-- {what}, {left}\n{}", approve(&mut world, mapping));
        }
    }
    insta::assert_snapshot!(out, @r#"
    -- nothing, by 0.2.0, its text is lost
    approved
    01.01.01 S: completed "s" ["d1 c1"]
    01.01.02 T: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- nothing, by 0.1.0
    approved
    01.01.01 S: completed "s" ["d1 c1"]
    01.01.02 T: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- S leaves, by 0.2.0, its text is lost
    approved
      "01.01.02" -> "01.01.01" "T": moves_along
      "01.01.01" -> null "S": counts_for_nothing
    01.01.01 T: pending "" []
    01.01.02 ?: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- S leaves, by 0.1.0
    error unclear_threads: PLAN.md has other threads than those that were recorded, the text that was approved is not known here, and it cannot be told where the records of 1 thread belong: 01.01.01 "S" (completed) can be 01.01.01 "T". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=-; or --keep-ids
    -- S leaves, as a person says, by 0.2.0, its text is lost
    approved
      "01.01.02" -> "01.01.01" "T": moves_along
      "01.01.01" -> null "S": counts_for_nothing
    01.01.01 T: pending "" []
    01.01.02 ?: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- S leaves, as a person says, by 0.1.0
    approved
      null -> "01.01.01" "T": new
      "01.01.01" -> null "S": counts_for_nothing
    01.01.01 T: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- S is T now, as a person says, by 0.2.0, its text is lost
    approved
      "01.01.01" -> "01.01.01" "T" from S: stays
      "01.01.02" -> null "T": counts_for_nothing
    01.01.01 T: completed "s" ["d1 c1"]
    01.01.02 T: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- S is T now, as a person says, by 0.1.0
    approved
      "01.01.01" -> "01.01.01" "T" from S: stays
    01.01.01 T: completed "s" ["d1 c1"]
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- the ids stay, as a person says, by 0.2.0, its text is lost
    approved
      "01.01.01" -> "01.01.01" "T" from S: stays
      "01.01.02" -> null "T": counts_for_nothing
    01.01.01 T: completed "s" ["d1 c1"]
    01.01.02 T: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- the ids stay, as a person says, by 0.1.0
    approved
      "01.01.01" -> "01.01.01" "T" from S: stays
    01.01.01 T: completed "s" ["d1 c1"]
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- S has another name, by 0.2.0, its text is lost
    error unclear_threads: PLAN.md has other threads than those that were recorded, the text that was approved is not known here, and it cannot be told where the records of 1 thread belong: 01.01.01 "S" (completed) can be 01.01.01 "R". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=-; or --keep-ids
    -- S has another name, by 0.1.0
    error unclear_threads: PLAN.md has other threads than those that were recorded, the text that was approved is not known here, and it cannot be told where the records of 1 thread belong: 01.01.01 "S" (completed) can be 01.01.01 "R" or 01.01.02 "T". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=-; or --keep-ids
    -- R comes first, by 0.2.0, its text is lost
    approved
      null -> "01.01.01" "R": new
      "01.01.01" -> "01.01.02" "S": moves_along
      "01.01.02" -> "01.01.03" "T": moves_along
    01.01.01 R: pending "" []
    01.01.02 S: completed "s" ["d1 c1"]
    01.01.03 T: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- R comes first, by 0.1.0
    approved
      null -> "01.01.01" "R": new
      "01.01.01" -> "01.01.02" "S": moves_along
    01.01.01 R: pending "" []
    01.01.02 S: completed "s" ["d1 c1"]
    01.01.03 T: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- S and T change places, by 0.2.0, its text is lost
    approved
      "01.01.02" -> "01.01.01" "T": moves_along
      "01.01.01" -> "01.01.02" "S": moves_along
    01.01.01 T: pending "" []
    01.01.02 S: completed "s" ["d1 c1"]
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- S and T change places, by 0.1.0
    approved
      null -> "01.01.01" "T": new
      "01.01.01" -> "01.01.02" "S": moves_along
    01.01.01 T: pending "" []
    01.01.02 S: completed "s" ["d1 c1"]
    02.01.01 U: pending "" []
    cycle 01.01/1 open []

    -- the first stage leaves, by 0.2.0, its text is lost
    approved
      1 -> null "One": taken_back
      "02.01.01" -> "01.01.01" "U": moves_along
      "01.01.01" -> null "S": counts_for_nothing
      "01.01.02" -> null "T": counts_for_nothing
    01.01.01 U: pending "" []
    01.01.02 T: completed "t" ["d1 c1"]
    cycle 01.01/1 closed left []

    -- the first stage leaves, by 0.1.0
    error unclear_threads: PLAN.md has other threads than those that were recorded, the text that was approved is not known here, and it cannot be told where the records of 1 thread belong: 01.01.01 "S" (completed) can be 01.01.01 "U". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=-; or --keep-ids
    -- the first stage leaves, as a person says, by 0.2.0, its text is lost
    approved
      1 -> null "One": taken_back
      "02.01.01" -> "01.01.01" "U": moves_along
      "01.01.01" -> null "S": counts_for_nothing
      "01.01.02" -> null "T": counts_for_nothing
    01.01.01 U: pending "" []
    01.01.02 T: completed "t" ["d1 c1"]
    cycle 01.01/1 closed left []

    -- the first stage leaves, as a person says, by 0.1.0
    approved
      1 -> null "One": taken_back
      null -> "01.01.01" "U": new
      "01.01.01" -> null "S": counts_for_nothing
      "01.01.02" -> null "T": counts_for_nothing
    01.01.01 U: pending "" []
    01.01.02 T: completed "t" ["d1 c1"]
    cycle 01.01/1 closed left []

    -- a stage in front of one that is approved, by 0.2.0, its text is lost
    approved
      1 -> 2 "One": kept
      null -> "01.01.01" "Z": new
      "01.01.01" -> "02.01.01" "S": moves_along
      "01.01.02" -> "02.01.02" "T": moves_along
      "02.01.01" -> "03.01.01" "U": moves_along
    01.01.01 Z: pending "" []
    01.01.02 ?: pending "" []
    02.01.01 S: completed "s" ["d1 c1"]
    02.01.02 T: completed "t" ["d1 c1"]
    03.01.01 U: pending "" []
    cycle 02.01/1 open []
    stage 2 Approved

    -- a stage in front of one that is approved, by 0.1.0
    approved
      1 -> 2 "One": kept
      null -> "01.01.01" "Z": new
      "01.01.01" -> "02.01.01" "S": moves_along
      "01.01.02" -> "02.01.02" "T": moves_along
    01.01.01 Z: pending "" []
    01.01.02 ?: pending "" []
    02.01.01 S: completed "s" ["d1 c1"]
    02.01.02 T: completed "t" ["d1 c1"]
    03.01.01 U: pending "" []
    cycle 02.01/1 open []
    stage 2 Approved

    -- a thread in a stage that is approved, by 0.2.0, its text is lost
    approved
      1 -> 1 "One": taken_back
    01.01.01 S: completed "s" ["d1 c1"]
    01.01.02 T: completed "t" ["d1 c1"]
    01.01.03 V: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []
    stage 1 Revoked

    -- a thread in a stage that is approved, by 0.1.0
    approved
      1 -> 1 "One": taken_back
    01.01.01 S: completed "s" ["d1 c1"]
    01.01.02 T: completed "t" ["d1 c1"]
    01.01.03 V: pending "" []
    02.01.01 U: pending "" []
    cycle 01.01/1 open []
    stage 1 Revoked
    "#);
}

#[test]
fn suggested_mappings_are_accepted() {
    let texts = [
        ("###### Thread 1: S\n###### Thread 2: T\n", "###### Thread 1: V\n"),
        ("###### Thread 1: S\n###### Thread 2: T\n", "###### Thread 1: V\n###### Thread 2: W\n"),
        ("###### Thread 1: S\n###### Thread 2: S\n", "###### Thread 1: S\n"),
    ];
    let mut out = String::new();
    for (then, now) in texts {
        for is_known in [true, false] {
            let text = |threads: &str| format!("# Plan: P\n## Stages\n### Stage 1: One\n##### Batch 1: A\n{threads}");
            let mut world = World { text: text(then), ..World::new() };
            world.transcript("person approve-plan\nperson completed 01.01.01 s\nperson completed 01.01.02 t");
            world.approved = world.approved.filter(|_| is_known);
            world.text = text(now);
            let refused = approve(&mut world, "");
            let hint = refused.rsplit_once("such as ").unwrap().1.split_once("; or").unwrap().0;
            let said = hint.replace("--map ", "").replace(' ', ",");
            let _ = writeln!(out, "{refused}\n{}", approve(&mut world, &said));
        }
    }
    insta::assert_snapshot!(out, @r#"
    error unclear_threads: PLAN.md has other threads than the text that was approved, and it cannot be told where the records of 2 threads belong: 01.01.01 "S" (completed) can be 01.01.01 "V"; 01.01.02 "T" (completed) can be 01.01.01 "V". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=01.01.01 --map 01.01.02=-; or --keep-ids
    approved
      "01.01.01" -> "01.01.01" "V" from S: stays
      "01.01.02" -> null "T": counts_for_nothing
    01.01.01 V: completed "s" ["d1 c1"]
    01.01.02 T: completed "t" ["d1 c1"]
    cycle 01.01/1 open []

    error unclear_threads: PLAN.md has other threads than those that were recorded, the text that was approved is not known here, and it cannot be told where the records of 2 threads belong: 01.01.01 "S" (completed) can be 01.01.01 "V"; 01.01.02 "T" (completed) can be 01.01.01 "V". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=- --map 01.01.02=-; or --keep-ids
    approved
      null -> "01.01.01" "V": new
      "01.01.01" -> null "S": counts_for_nothing
      "01.01.02" -> null "T": counts_for_nothing
    01.01.01 V: pending "" []
    01.01.02 T: completed "t" ["d1 c1"]
    cycle 01.01/1 open []

    error unclear_threads: PLAN.md has other threads than the text that was approved, and it cannot be told where the records of 2 threads belong: 01.01.01 "S" (completed) can be 01.01.01 "V" or 01.01.02 "W"; 01.01.02 "T" (completed) can be 01.01.01 "V" or 01.01.02 "W". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=01.01.01 --map 01.01.02=01.01.02; or --keep-ids
    approved
      "01.01.01" -> "01.01.01" "V" from S: stays
      "01.01.02" -> "01.01.02" "W" from T: stays
    01.01.01 V: completed "s" ["d1 c1"]
    01.01.02 W: completed "t" ["d1 c1"]
    cycle 01.01/1 open []

    error unclear_threads: PLAN.md has other threads than those that were recorded, the text that was approved is not known here, and it cannot be told where the records of 2 threads belong: 01.01.01 "S" (completed) can be 01.01.01 "V" or 01.01.02 "W"; 01.01.02 "T" (completed) can be 01.01.01 "V" or 01.01.02 "W". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=- --map 01.01.02=-; or --keep-ids
    approved
      null -> "01.01.01" "V": new
      null -> "01.01.02" "W": new
      "01.01.01" -> null "S": counts_for_nothing
      "01.01.02" -> null "T": counts_for_nothing
    01.01.01 V: pending "" []
    01.01.02 W: pending "" []
    cycle 01.01/1 open []

    error unclear_threads: PLAN.md has other threads than the text that was approved, and it cannot be told where the records of 2 threads belong: 01.01.01 "S" (completed) can be 01.01.01 "S"; 01.01.02 "S" (completed) can be 01.01.01 "S". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=01.01.01 --map 01.01.02=-; or --keep-ids
    approved
      "01.01.02" -> null "S": counts_for_nothing
    01.01.01 S: completed "s" ["d1 c1"]
    01.01.02 S: completed "t" ["d1 c1"]
    cycle 01.01/1 open []

    error unclear_threads: PLAN.md has other threads than those that were recorded, the text that was approved is not known here, and it cannot be told where the records of 2 threads belong: 01.01.01 "S" (completed) can be 01.01.01 "S"; 01.01.02 "S" (completed) can be 01.01.01 "S". hint: say which is which by --map OLD=NEW, or OLD=- where it left the plan, such as --map 01.01.01=01.01.01 --map 01.01.02=-; or --keep-ids
    approved
      "01.01.02" -> null "S": counts_for_nothing
    01.01.01 S: completed "s" ["d1 c1"]
    01.01.02 S: completed "t" ["d1 c1"]
    cycle 01.01/1 open []
    "#);
}

#[test]
fn an_empty_or_contradictory_mapping_is_refused() {
    let mut world = approved_world();
    world.say("person completed 01.01.02 rows");
    let mut out = world.transcript("person approve-plan 01.01.02=01.01.01");
    world.text = PLAN.replace("Rows", "Lines");
    out += "\n";
    out += &world.transcript(
        "person approve-plan 01.01.02=01.01.01,01.01.02=-\nperson approve-plan 01.01.02=01.01.02,01.01.02=01.01.02",
    );
    insta::assert_snapshot!(out, @"
    person approve-plan 01.01.02=01.01.01
        error invalid_argument: nothing is to be mapped: PLAN.md is approved as it is, and no record is unclear. hint: leave --map out: it says where records go when a plan is approved that has changed
    person approve-plan 01.01.02=01.01.01,01.01.02=-
        error invalid_argument: 01.01.02 is mapped twice. hint: give --map once for each thread
    person approve-plan 01.01.02=01.01.02,01.01.02=01.01.02
        error invalid_argument: 01.01.02 is mapped twice. hint: give --map once for each thread
    ");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// After any edits, each report, attempt, assignment and approval belongs to its own thread or stage, or to
    /// none, or the approval is refused.
    #[test]
    fn no_record_is_found_under_another_thread(
        outline in outline(),
        edits in proptest::collection::vec(edit(), 0..6),
        done in proptest::collection::vec(0..3_u8, 60),
        force in any::<bool>(),
        known in 0..3_u8,
    ) {
        check_records(&outline, &edits, &done, force, known)?;
    }
}

/// Checks one such case. `known` says what is known of the plan before: its text (0), its names (1), or the names of
/// threads to which something happened (2).
fn check_records(outline: &Outline, edits: &[Edit], done: &[u8], force: bool, known: u8) -> Result<(), TestCaseError> {
    let mut edited = Edited::of(outline);
    let (text, was) = edited.text();
    let mut world = World { text, ..World::new() };
    world.say("person approve-plan!");
    let mut number = 0;
    let ids: Vec<ThreadId> = parse(&world.text).threads().map(|thread| thread.id).collect();
    for (id, done) in ids.iter().zip(done.iter().cycle()) {
        let identity = was[id];
        match done {
            0 => continue,
            1 => drop(world.say(&format!("person completed {id} done by {identity}"))),
            _ => drop(world.say(&format!("person assign {id} default-minimax"))),
        }
        number += 1;
    }
    let cycles_then: Vec<(String, u32)> =
        world.board.cycles().iter().map(|cycle| (cycle.batch.to_string(), cycle.number)).collect();
    for edit in edits {
        let _ = edited.apply(edit);
    }
    let old = parse(&world.text);
    match known {
        0 => {}
        1 => world.approved = None,
        _ => forget_text_and_pending(&mut world),
    }
    let before = Arc::clone(&world.board);
    let (text, is) = edited.text();
    world.text = text;
    let came = world.say(if force { "person approve-plan!" } else { "person approve-plan" });
    if came.starts_with("error") {
        prop_assert_eq!(&before, &world.board, "a refusal changes nothing");
        return Ok(());
    }
    prop_assert_eq!(world.board.cycles().len(), cycles_then.len());
    // Late workers still use the old ids. No report of theirs may reach another thread.
    let name = |plan: &crate::plan::Plan, id: ThreadId| plan.thread(id).map(|thread| thread.name.clone());
    let new = parse(&world.text);
    for id in ids {
        let thread = before.thread(id);
        let was_told =
            !thread.attempts.is_empty() || before.open_cycle_of(id.batch).is_some() && !thread.status.is_done();
        let was_alone = is.get(&id).is_none_or(|identity| was[&id] != *identity);
        for call in ["#1 done by a zombie", " done by a zombie"].into_iter().filter(|_| was_told) {
            let came = world.say(&format!("A completed {id}{call}"));
            prop_assert!(
                !was_alone || came.starts_with("error") || name(&old, id) == name(&new, id),
                "{id}{call}: {came} {edits:?}"
            );
        }
    }
    let mut found = 0;
    for (id, thread) in world.board.threads.iter() {
        let Some(identity) = is.get(&id).filter(|_| new.thread(id).is_some()) else { continue };
        if !thread.report.is_empty() {
            prop_assert!(
                thread.report.ends_with("a zombie")
                    || thread.report == format!("done by {identity}")
                    || is_twin(&old, &before, &thread.report, thread.name.as_deref()),
                "{id} has {:?} and is {identity}: {edits:?}",
                thread.report
            );
            found += usize::from(!thread.report.ends_with("a zombie"));
        }
        for attempt in thread.attempts.iter().filter_map(|attempt| attempt.cycle) {
            prop_assert!(
                world
                    .board
                    .cycles()
                    .iter()
                    .any(|cycle| cycle.batch == id.batch && !cycle.left && cycle.number == attempt),
                "{id}: an attempt of a cycle that its batch has not"
            );
        }
    }
    prop_assert!(found <= number);
    let open = world.board.cycles().iter().filter(|cycle| cycle.is_open()).count();
    prop_assert!(open <= 1);
    Ok(())
}

/// Returns whether the report is of another thread with the same name. Threads with the same name and text are
/// interchangeable.
fn is_twin(old: &crate::plan::Plan, before: &Board, report: &str, name: Option<&str>) -> bool {
    before.threads.iter().any(|(_, thread)| thread.report == report && thread.name.as_deref() == name)
        && old.threads().filter(|thread| Some(thread.name.as_str()) == name).count() > 1
}
