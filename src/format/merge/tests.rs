use super::*;

const THREADS: Mergeable = Mergeable::Threads;
const INDEX: Mergeable = Mergeable::Index;

/// Returns a merged text, which must be clean, in one line.
fn clean(file: Mergeable, base: &str, ours: &str, theirs: &str) -> String {
    match merge(file, base, ours, theirs) {
        Merged::Clean(text) => serde_json::from_str::<serde_json::Value>(&text).unwrap().to_string(),
        other => panic!("{other:?}"),
    }
}

/// Returns what both sides changed differently.
fn conflicts(file: Mergeable, base: &str, ours: &str, theirs: &str) -> Vec<String> {
    match merge(file, base, ours, theirs) {
        Merged::Conflict(_, what) => what.into_iter().collect(),
        other => panic!("{other:?}"),
    }
}

fn threads(cycles: &str, records: &str) -> String {
    format!(r#"{{"version": "1.0.0", "threads": [{records}], "cycles": [{cycles}]}}"#)
}

fn index(streams: &str) -> String {
    format!(r#"{{"version": "1.0.0", "streams": [{streams}]}}"#)
}

#[test]
fn a_batch_that_both_began_is_one_batch() {
    let ours = threads(
        r#"{"batch": "01.01", "cycle": 1, "status": "open", "holder": null, "openedAt": "2026-01-01T10:00:00.000Z", "threads": []}"#,
        r#"{"threadId": "01.01.01", "status": "completed", "report": "a", "updatedAt": "2026-01-01T11:00:00.000Z"}"#,
    );
    let theirs = threads(
        r#"{"batch": "01.01", "cycle": 1, "status": "closed", "holder": null, "openedAt": "2026-01-01T09:00:00.000Z", "closedAt": "2026-01-01T12:00:00.000Z", "threads": []},
           {"batch": "01.02", "cycle": 1, "status": "open", "holder": null, "openedAt": "2026-01-01T12:00:00.000Z", "threads": []}"#,
        r#"{"threadId": "01.01.02", "status": "completed", "report": "b"}, {"threadId": "00", "x": 1}"#,
    );
    insta::assert_snapshot!(clean(THREADS, "", &ours, &theirs).replace("},{", "},\n{"), @r#"
    {"version":"1.0.0","threads":[{"threadId":"01.01.01","status":"completed","report":"a","updatedAt":"2026-01-01T11:00:00.000Z"},
    {"threadId":"01.01.02","status":"completed","report":"b"},
    {"threadId":"00","x":1}],"cycles":[{"batch":"01.01","cycle":1,"status":"closed","holder":null,"openedAt":"2026-01-01T09:00:00.000Z","closedAt":"2026-01-01T12:00:00.000Z","threads":[]},
    {"batch":"01.02","cycle":1,"status":"open","holder":null,"openedAt":"2026-01-01T12:00:00.000Z","threads":[]}]}
    "#);
}

#[test]
fn a_thread_has_the_story_of_one_side() {
    let base = threads("", r#"{"threadId": "01.01.01", "status": "pending", "sessions": []}"#);
    let done = |agent: &str, report: &str| {
        let session = format!(r#"{{"attempt": 1, "status": "completed", "agentName": "{agent}"}}"#);
        threads(
            "",
            &format!(
                r#"{{"threadId": "01.01.01", "status": "completed", "report": "{report}", "sessions": [{session}]}}"#
            ),
        )
    };
    let assigned =
        threads("", r#"{"threadId": "01.01.01", "status": "pending", "assignedAgent": "x", "sessions": []}"#);
    insta::assert_snapshot!(clean(THREADS, &base, &done("a", "A"), &assigned), @r#"{"version":"1.0.0","threads":[{"threadId":"01.01.01","status":"completed","assignedAgent":"x","report":"A","sessions":[{"attempt":1,"status":"completed","agentName":"a"}]}],"cycles":[]}"#);
    assert_eq!(conflicts(THREADS, &base, &done("a", "A"), &done("b", "B")), ["thread 01.01.01"]);
    assert_eq!(conflicts(THREADS, &done("a", "A"), &threads("", ""), &done("a", "B")), ["thread 01.01.01"], "one left");
}

#[test]
fn an_attempt_whose_server_is_gone_is_no_work() {
    let with = |status: &str, sessions: &str| {
        threads("", &format!(r#"{{"threadId": "01.01.01", "status": "{status}", "sessions": [{sessions}]}}"#))
    };
    let running = r#"{"attempt": 1, "status": "running"}"#;
    let gone = |at: &str| {
        format!(r#"{{"attempt": 1, "completedAt": "2026-01-01T0{at}:00:00.000Z", "status": "interrupted"}}"#)
    };
    let base = with("in_progress", running);
    let swept = with("pending", &gone("3"));
    let done = with("completed", &format!(r#"{}, {{"attempt": 2, "status": "completed"}}"#, gone("2")));
    assert_eq!(clean(THREADS, &base, &swept, &done), clean(THREADS, "", &done, &done));
    assert_eq!(clean(THREADS, &base, &done, &swept), clean(THREADS, "", &done, &done));
    let other = with("pending", &gone("4"));
    assert_eq!(clean(THREADS, &base, &swept, &other), clean(THREADS, &base, &other, &swept));
    let failed = with("blocked", &format!(r#"{}, {{"attempt": 2, "status": "failed"}}"#, gone("4")));
    assert_eq!(conflicts(THREADS, &base, &done, &failed), ["thread 01.01.01"]);
}

#[test]
fn what_an_attempt_used_is_part_of_the_story() {
    let with = |status: &str, session: &str| {
        threads(
            "",
            &format!(r#"{{"threadId": "01.01.01", "status": "{status}", "sessions": [{{"attempt": 1, {session}}}]}}"#),
        )
    };
    let usage = |tokens: u32| format!(r#""usage": {{"inputTokens": {tokens}, "cachedTokens": 0, "outputTokens": 2}}"#);
    let base = with("completed", r#""status": "completed""#);
    let used = |tokens: u32| with("completed", &format!(r#""status": "completed", {}"#, usage(tokens)));
    assert_eq!(clean(THREADS, &base, &used(1), &base), clean(THREADS, "", &used(1), &used(1)));
    assert_eq!(conflicts(THREADS, &base, &used(1), &used(2)), ["thread 01.01.01"]);
    // A side that was told what the attempt used has done more than to end it.
    let running = with("in_progress", r#""status": "running""#);
    let swept = with("pending", r#""status": "interrupted""#);
    let told = with("pending", &format!(r#""status": "interrupted", {}"#, usage(1)));
    assert_eq!(clean(THREADS, &running, &swept, &told), clean(THREADS, "", &told, &told));
    assert_eq!(clean(THREADS, &running, &told, &swept), clean(THREADS, "", &told, &told));
}

#[test]
fn a_record_that_has_another_name_is_not_the_same_thread() {
    let named = |name: &str, status: &str| {
        threads("", &format!(r#"{{"threadId": "01.01.01", "threadName": "{name}", "status": "{status}"}}"#))
    };
    let base = named("Rows", "pending");
    assert_eq!(conflicts(THREADS, &base, &named("Lines", "pending"), &named("Rows", "completed")), ["thread 01.01.01"]);
    assert_eq!(conflicts(THREADS, "", &named("Lines", "completed"), &named("Rows", "pending")), ["thread 01.01.01"]);
}

#[test]
fn one_cycle_stays_open() {
    let cycle = |batch: &str, number: u8, status: &str, hour: u8| {
        format!(
            r#"{{"batch": "{batch}", "cycle": {number}, "status": "{status}", "openedAt": "2026-01-01T0{hour}:00:00.000Z"}}"#
        )
    };
    let records = r#"{"threadId": "01.01.01", "status": "pending"}, {"threadId": "01.02.01", "status": "completed"}"#;
    let base = threads(&cycle("01.02", 1, "open", 1), records);
    let back = threads(&format!("{}, {}", cycle("01.02", 1, "closed", 1), cycle("01.01", 2, "open", 2)), records);
    let on = threads(&format!("{}, {}", cycle("01.02", 1, "closed", 1), cycle("01.03", 1, "open", 3)), records);
    let merged = clean(THREADS, &base, &back, &on);
    assert_eq!(merged, clean(THREADS, &base, &on, &back));
    insta::assert_snapshot!(merged.split("cycles").nth(1).unwrap().replace("},{", "},\n{"), @r#"
    ":[{"batch":"01.02","cycle":1,"status":"closed","openedAt":"2026-01-01T01:00:00.000Z"},
    {"batch":"01.01","cycle":2,"status":"open","openedAt":"2026-01-01T02:00:00.000Z"},
    {"batch":"01.03","cycle":1,"status":"closed","holder":null,"openedAt":"2026-01-01T03:00:00.000Z","closedAt":"2026-01-01T03:00:00.000Z"}]}
    "#);
}

#[test]
fn workstreams_of_both_are_there_and_the_current_one_is_ours() {
    let with = |current: &str, id: &str, day: u8| {
        format!(
            r#"{{"version": "1.0.0", "last_updated": "2026-01-0{day}T00:00:00.000Z", "current_stream": "{current}", "streams": [{{"id": "001-a"}}, {{"id": "{id}", "order": 2}}]}}"#
        )
    };
    let base = r#"{"version": "1.0.0", "last_updated": "2026-01-01T00:00:00.000Z", "current_stream": "001-a", "streams": [{"id": "001-a"}]}"#;
    insta::assert_snapshot!(clean(INDEX, base, &with("002-b", "002-b", 3), &with("002-c", "002-c", 2)), @r#"{"version":"1.0.0","last_updated":"2026-01-03T00:00:00.000Z","current_stream":"002-b","streams":[{"id":"001-a"},{"id":"002-b","order":2},{"id":"002-c","order":2}]}"#);
    insta::assert_snapshot!(clean(INDEX, base, &with("001-a", "002-b", 3), &with("002-c", "002-c", 4)), @r#"{"version":"1.0.0","last_updated":"2026-01-04T00:00:00.000Z","current_stream":"002-c","streams":[{"id":"001-a"},{"id":"002-b","order":2},{"id":"002-c","order":2}]}"#);
}

#[test]
fn approvals_are_taken_as_a_whole() {
    let with = |approval: &str| index(&format!(r#"{{"id": "001-a", "approval": {approval}}}"#));
    let plan = |status: &str, hash: &str, stages: &str| {
        with(&format!(r#"{{"status": "{status}", "plan_hash": "{hash}", "stages": {{{stages}}}}}"#))
    };
    let one = r#""1": {"status": "approved", "approved_at": "2026-01-02T00:00:00.000Z", "approved_by": "ann"}"#;
    let by_ben = r#""1": {"status": "approved", "approved_at": "2026-01-01T00:00:00.000Z", "approved_by": "ben"}"#;
    let two = r#""2": {"status": "approved", "approved_by": "ben"}"#;
    let back = r#""1": {"status": "revoked", "approved_at": "2026-01-02T00:00:00.000Z", "approved_by": "ann"}"#;
    let base = plan("approved", "h", "");
    let merged = |ours: &str, theirs: &str| {
        let text = clean(INDEX, &base, ours, theirs);
        assert_eq!(text.len(), clean(INDEX, &base, theirs, ours).len());
        text.split("approval\":").nth(1).unwrap().to_owned()
    };
    // Of one side each.
    insta::assert_snapshot!(merged(&plan("revoked", "h", ""), &plan("approved", "h", two)), @r#"{"status":"revoked","plan_hash":"h","stages":{"2":{"status":"approved","approved_by":"ben"}}}}]}"#);
    // The same decision: the first one holds.
    insta::assert_snapshot!(merged(&plan("approved", "h", one), &plan("approved", "h", by_ben)), @r#"{"status":"approved","plan_hash":"h","stages":{"1":{"status":"approved","approved_at":"2026-01-01T00:00:00.000Z","approved_by":"ben"}}}}]}"#);
    // What one side revoked, and the other did not touch, is revoked.
    let approved = plan("approved", "h", one);
    let others = plan("approved", "h", &format!("{one}, {two}"));
    insta::assert_snapshot!(clean(INDEX, &approved, &others, &plan("approved", "h", back)).split("stages").nth(1).unwrap(), @r#"":{"1":{"status":"revoked","approved_at":"2026-01-02T00:00:00.000Z","approved_by":"ann"},"2":{"status":"approved","approved_by":"ben"}}}}]}"#);
    // Two decisions.
    assert_eq!(
        conflicts(INDEX, &base, &plan("approved", "i", ""), &plan("approved", "j", "")),
        ["the approval of the plan of 001-a"]
    );
    assert_eq!(
        conflicts(INDEX, &approved, &plan("approved", "h", back), &plan("approved", "h", by_ben)),
        ["the approval of stage 1 of 001-a"]
    );
    // Under the plan of one side, the number of a stage means perhaps another one.
    assert_eq!(
        conflicts(INDEX, &base, &plan("approved", "i", ""), &plan("approved", "h", one)),
        ["the approval of the plan of 001-a"]
    );
}

#[test]
fn what_no_one_knows_is_kept() {
    let with = |x: &str, tags: &str| format!(r#"{{"version": "1.0.0", "x": {x}, "streams": [], "tags": {tags}}}"#);
    let base = with(r#"{"a": 1.10, "b": 2}"#, "[1]");
    let merged =
        clean(INDEX, &base, &with(r#"{"a": 1.20, "b": 2}"#, "[1]"), &with(r#"{"a": 1.10, "b": 2, "c": 3}"#, "[1, 2]"));
    insta::assert_snapshot!(merged, @r#"{"version":"1.0.0","x":{"a":1.2,"b":2,"c":3},"streams":[],"tags":[1,2]}"#);
    assert_eq!(conflicts(INDEX, &base, &with("1", "[3]"), &with("2", "[4]")), [r#"the key "tags""#, r#"the key "x""#]);
}

#[test]
fn both_texts_of_a_conflict_are_there() {
    let base =
        threads("", r#"{"threadId": "01.01.01", "status": "pending"}, {"threadId": "01.01.02", "status": "pending"}"#);
    let ours = base.replacen("pending", "completed", 1);
    let theirs = base.replace("pending", "cancelled");
    let Merged::Conflict(text, what) = merge(THREADS, &base, &ours, &theirs) else { panic!() };
    assert_eq!(what.into_iter().collect::<Vec<_>>(), ["thread 01.01.01"]);
    insta::assert_snapshot!(text, @r#"
    {
      "version": "1.0.0",
      "threads": [
    <<<<<<< ours
        {
          "threadId": "01.01.01",
          "status": "completed"
        },
    =======
        {
          "threadId": "01.01.01",
          "status": "cancelled"
        },
    >>>>>>> theirs
        {
          "threadId": "01.01.02",
          "status": "cancelled"
        }
      ],
      "cycles": []
    }
    "#);
}

#[test]
fn what_cannot_be_read_keeps_both_sides() {
    let whole = threads("", r#"{"threadId": "01.01.01", "status": "pending"}"#);
    for (ours, theirs, expected) in [
        (
            whole.replace("1.0.0", "2.0"),
            whole.clone(),
            "ours cannot be read: its version is \"2.0\", this program knows 1.x",
        ),
        (whole.clone(), whole.replace("pending", "lost"), "theirs cannot be read: \"lost\" is no status"),
        (whole.clone(), format!("<<<<<<< ours\n{whole}"), "theirs cannot be read: line 1 is a conflict marker"),
        (whole.clone(), String::new(), "theirs cannot be read: EOF"),
        (
            whole.clone(),
            whole.replace("\"status\"", "\"x\": 1, \"x\": 2, \"status\""),
            "the key \"x\" stands here twice",
        ),
    ] {
        let Merged::Lines(text, why) = merge(THREADS, &whole.replace("pending", "blocked"), &ours, &theirs) else {
            panic!()
        };
        assert!(why.starts_with(expected), "{why}");
        assert!(ours.lines().chain(theirs.lines()).all(|line| text.contains(line)), "{text}");
    }
}

#[test]
fn a_file_is_known_by_its_name_or_its_content() {
    assert_eq!(Mergeable::of("a/work/index.json", ""), Some(INDEX));
    assert_eq!(Mergeable::of("work/001-a/threads.json", "{}"), Some(THREADS));
    assert_eq!(Mergeable::of(".merge_file_1", &index("")), Some(INDEX));
    assert_eq!(Mergeable::of(".merge_file_1", &threads("", "")), Some(THREADS));
    assert_eq!(Mergeable::of("package.json", "{\"name\": 1}"), None);
}
