//! A workspace in a real PostgreSQL server: machines that share it, and failures of the database and the connections.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::postgres_server::{Database, Mode, Server as Postgres, Settings, Tls, execute, skipped};
use crate::support::{PLAN, Server, Workspace};

/// A workspace that was pushed to a new database. Each workspace folder plays a machine without files.
struct Team {
    url: String,
    host: Workspace,
}

/// Returns the server that the tests of this process share. `None`: there is none; a line on stderr says why.
fn shared() -> Option<&'static Database> {
    static SERVER: OnceLock<Result<Database, String>> = OnceLock::new();
    match SERVER.get_or_init(Database::find) {
        Ok(server) => Some(server),
        Err(why) => {
            skipped(why);
            None
        }
    }
}

/// Starts a server for one test, which may stop it.
fn own(settings: Settings) -> Option<Postgres> {
    if let Err(why) = Postgres::find() {
        skipped(why);
        return None;
    }
    Some(Postgres::start_with(settings).unwrap())
}

impl Team {
    /// Moves a workspace of files to the database.
    fn with_plan(url: &str, plan: &str) -> Self {
        let files = Workspace::with_plan(plan);
        files.write("work/agents.yaml", "agents:\n  - name: default\n  - name: system-engineer-codex\n");
        let team = Self { url: url.to_owned(), host: Workspace::empty() };
        for arguments in [["approve", "plan"], ["current", "--set=001-search"]] {
            files.stdout(&arguments);
        }
        for arguments in [["store", "migrate"], ["store", "push"]] {
            let output = team.on(&files, &arguments).output().unwrap();
            assert!(output.status.success(), "{}", files.seen(&output));
        }
        team
    }

    fn on(&self, workspace: &Workspace, arguments: &[&str]) -> std::process::Command {
        let mut command = workspace.command(arguments);
        command.env("WORK_STORE", &self.url);
        command
    }

    /// Runs `work` on a host, which must succeed, and returns what it prints.
    fn stdout(&self, arguments: &[&str]) -> String {
        let output = self.on(&self.host, arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", self.host.seen(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn serve(&self) -> Server {
        self.host.serve_with("WORK_STORE", &self.url)
    }

    fn sql(&self, sql: &str) -> Vec<String> {
        execute(&self.url, sql)
    }

    fn threads(&self) -> Value {
        let exported: Value = serde_json::from_str(&self.stdout(&["export"])).unwrap();
        exported
    }
}

fn plan(threads: usize) -> String {
    let headings: Vec<String> = (1..=threads).map(|number| format!("###### Thread {number}: T{number}\n")).collect();
    format!("# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n{}", headings.concat())
}

/// Sends updates one after another until `stop` is set, and returns the reports that were acknowledged.
fn updates(mut server: Server, name: usize, stop: &AtomicBool) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (thread, report) = (format!("1.1.{}", name + 1), format!("report {name}-{round}"));
        let arguments = json!({"thread_id": thread, "status": "completed", "report": report});
        if !server.call("update_thread", &arguments).starts_with("error ") {
            acknowledged.push((thread, report));
        }
    }
    acknowledged
}

/// What an attempt used, as it stands in a session.
const USAGE: &str = "\"usage\": {
            \"inputTokens\": 3,
            \"cachedTokens\": 2,
            \"outputTokens\": 1,
            \"costUsd\": 0.0123
          }";

#[test]
fn what_is_pushed_comes_back_byte_by_byte() {
    let Some(database) = shared() else { return };
    let files = Workspace::with_plan(PLAN);
    files.stdout(&["approve", "plan"]);
    files.write("work/agents.yaml", "# ours\nagents:\n  - name: default\n    note: kept\n");
    let mut server = files.serve();
    server.answer("next_batch", &json!({}));
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "blocked", "report": "no key \u{1f511}"}));
    drop(server);
    // What the attempt used, unknown keys in each kind of record, and a record that belongs to no thread.
    let threads = files.read("work/001-search/threads.json");
    let threads = threads
        .replacen("\"version\"", "\"ours\": {\n    \"number\": 1.50\n  },\n  \"version\"", 1)
        .replacen("\"threadId\"", "\"colour\": \"red\",\n      \"threadId\"", 1)
        .replacen("\"attempt\": 1", &format!("\"attempt\": 1,\n          {USAGE}"), 1)
        .replacen("\"holder\"", "\"mood\": null,\n      \"holder\"", 1);
    let stray = ",\n    {\n      \"threadId\": \"notes\",\n      \"text\": \"kept\"\n    }\n  ],\n  \"cycles\"";
    let threads = threads.replacen("\n  ],\n  \"cycles\"", stray, 1);
    assert!(
        threads.contains("notes") && threads.contains(USAGE) && threads.contains("colour") && threads.contains("mood"),
        "{threads}"
    );
    files.write("work/001-search/threads.json", &threads);
    let index = files.read("work/index.json").replacen("\"version\"", "\"ours\": [1, 2],\n  \"version\"", 1);
    let index = index.replacen("\"id\"", "\"owner\": \"ann\",\n      \"id\"", 1);
    files.write("work/index.json", &index);
    files.stdout(&["current", "--set=001-search"]);

    let team = Team { url: database.fresh(), host: Workspace::empty() };
    for arguments in [&["store", "migrate"][..], &["store", "push"], &["store", "push"]] {
        let output = team.on(&files, arguments).output().unwrap();
        assert!(output.status.success(), "{}", files.seen(&output));
    }
    team.stdout(&["store", "pull"]);
    for path in ["work/index.json", "work/agents.yaml", "work/001-search/PLAN.md", "work/001-search/threads.json"] {
        assert_eq!(team.host.read(path), files.read(path), "{path}");
    }
    let exported: Value = serde_json::from_str(&team.stdout(&["export", "--format", "json"])).unwrap();
    let attempt = &exported["stages"][0]["batches"][0]["threads"][0]["attempts"][0];
    let usage = json!({"input_tokens": 3, "cached_tokens": 2, "output_tokens": 1, "cost_usd": 0.0123});
    assert_eq!(attempt["usage"], usage, "{exported}");
    // A push does not overwrite another state in the database, and a pull does not overwrite other files.
    let mut server = team.serve();
    server.answer("update_thread", &json!({"thread_id": "1.1.2", "status": "completed", "report": "r"}));
    for arguments in [["store", "push"], ["store", "pull"]] {
        let output = team.on(&files, &arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", files.seen(&output));
    }
    let state = files.read("work/001-search/threads.json");
    assert_eq!(state, threads);
    let output = team.on(&files, &["store", "pull", "--force"]).output().unwrap();
    assert!(output.status.success(), "{}", files.seen(&output));
    assert!(files.read("work/001-search/threads.json").contains("\"colour\": \"red\""));
    // `store push --plan` sends a changed plan alone. It shuts the gate, as with files.
    files.write("work/001-search/PLAN.md", PLAN.replace("Parser", "Lexer"));
    let output = team.on(&files, &["store", "push", "--plan"]).output().unwrap();
    assert!(output.status.success(), "{}", files.seen(&output));
    assert!(team.stdout(&["status"]).contains("work approve plan"), "{}", team.stdout(&["status"]));
}

#[test]
fn eight_hosts_lose_nothing_and_do_nothing_twice() {
    let Some(database) = shared() else { return };
    let team = Team::with_plan(&database.fresh(), &plan(8 * 25));
    team.stdout(&["status"]);
    let servers: Vec<Server> = (0..8).map(|_| team.serve()).collect();
    thread::scope(|scope| {
        for (process, mut server) in servers.into_iter().enumerate() {
            scope.spawn(move || {
                for update in 0..25 {
                    let id = format!("1.1.{}", process * 25 + update + 1);
                    let report = format!("process {process}, update {update}");
                    server.answer("update_thread", &json!({"thread_id": id, "status": "completed", "report": report}));
                }
            });
        }
    });
    let kept = team.sql("SELECT record ->> 'report' FROM work.threads WHERE status = 'completed' ORDER BY thread");
    let expected: Vec<String> = (0..200).map(|at| format!("process {}, update {}", at / 25, at % 25)).collect();
    assert_eq!(kept, expected);
    let events = "SELECT count(*) FROM work.events WHERE event ->> 'event' = 'thread_became'";
    assert_eq!(team.sql(events), ["200"], "each once");
}

#[test]
fn a_server_that_restarts_and_connections_that_are_cut_lose_nothing() {
    let Some(postgres) = own(Settings::default()) else { return };
    let team = Team::with_plan(&format!("{}?sslmode=disable", postgres.url()), &plan(3));
    let stop = AtomicBool::new(false);
    let servers: Vec<Server> = (0..3).map(|_| team.serve()).collect();
    let acknowledged: Vec<Vec<(String, String)>> = thread::scope(|scope| {
        let workers: Vec<_> = servers
            .into_iter()
            .enumerate()
            .map(|(name, server)| {
                let stop = &stop;
                scope.spawn(move || updates(server, name, stop))
            })
            .collect();
        // Cut all connections again and again; then crash the server; then restart it in order.
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE application_name = 'work' AND pid <> pg_backend_pid()";
        for _ in 0..25 {
            thread::sleep(Duration::from_millis(60));
            execute(&team.url, cut);
        }
        postgres.stop(Mode::Immediate).unwrap();
        thread::sleep(Duration::from_millis(500));
        postgres.restart().unwrap();
        thread::sleep(Duration::from_secs(1));
        postgres.restart().unwrap();
        thread::sleep(Duration::from_secs(1));
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let became = team.sql(
        "SELECT event ->> 'thread' || ' ' || (event ->> 'report') FROM work.events
         WHERE event ->> 'event' = 'thread_became' ORDER BY revision, ordinal",
    );
    for (name, acknowledged) in acknowledged.iter().enumerate() {
        assert!(acknowledged.len() > 20, "server {name} was acknowledged {} updates", acknowledged.len());
        for (_, report) in acknowledged {
            let times = became.iter().filter(|event| event.ends_with(&format!(" {report}"))).count();
            assert_eq!(times, 1, "{report} was acknowledged and stands there {times} times");
        }
        let (thread, last) = acknowledged.last().unwrap();
        let state = team.threads().to_string();
        assert!(state.contains(last), "the last report of {thread}, {last}: {state}");
    }
}

/// Sends more calls than a process has connections and than a commit takes.
#[test]
fn three_hundred_calls_at_once_are_all_answered() {
    const WORKSTREAMS: usize = 12;
    const THREADS: usize = 25;
    let Some(database) = shared() else { return };
    let files = Workspace::empty();
    for workstream in 1..=WORKSTREAMS {
        files.write(&format!("work/{workstream:03}-part/PLAN.md"), plan(THREADS));
        files.stdout(&["approve", "plan", "--workstream", &format!("{workstream:03}-part")]);
    }
    let team = Team { url: database.fresh(), host: Workspace::empty() };
    for arguments in [["store", "migrate"], ["store", "push"]] {
        assert!(team.on(&files, &arguments).output().unwrap().status.success());
    }
    let mut server = team.serve();
    let mut asked = BTreeSet::new();
    for thread in 1..=THREADS {
        for workstream in 1..=WORKSTREAMS {
            let (workstream, thread) = (format!("{workstream:03}-part"), format!("1.1.{thread}"));
            let arguments =
                json!({"workstream": workstream, "thread_id": thread, "status": "completed", "report": "x"});
            asked.insert(server.send("tools/call", &json!({"name": "update_thread", "arguments": arguments})));
        }
    }
    while !asked.is_empty() {
        let answer = server.receive();
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        assert!(asked.remove(&answer["id"].as_u64().unwrap()), "{answer}");
    }
    let done = team.sql("SELECT count(*) FROM work.threads WHERE status = 'completed'");
    assert_eq!(done, [(WORKSTREAMS * THREADS).to_string()]);
}

#[test]
fn a_database_that_takes_no_more_clients_is_told_and_waited_for() {
    let Some(postgres) = own(Settings { max_connections: 8, ..Settings::default() }) else { return };
    let team = Team::with_plan(&format!("{}?sslmode=disable", postgres.url()), PLAN);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let occupied = runtime.block_on(async {
        let mut clients = Vec::new();
        while let Ok((client, connection)) = tokio_postgres::connect(&team.url, tokio_postgres::NoTls).await {
            clients.push((client, tokio::spawn(connection)));
        }
        clients
    });
    let mut server = team.serve();
    let update = json!({"thread_id": "1.1.1", "status": "completed", "report": "x"});
    let refused = server.call("update_thread", &update);
    assert!(refused.starts_with("error io: ") && refused.contains("too many clients"), "{refused}");
    let waits = server.send("tools/call", &json!({"name": "update_thread", "arguments": update}));
    thread::sleep(Duration::from_millis(500));
    runtime.block_on(async {
        for (client, connection) in occupied {
            drop(client);
            let _ = connection.await;
        }
    });
    let answer = server.receive();
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(waits), &json!(false)), "{answer}");
}

/// Checks run on the machine whose server got the report. Their results, and what was not there, are in the database.
#[cfg(unix)]
#[test]
fn the_results_of_checks_and_the_evidence_are_in_the_database() {
    let Some(database) = shared() else { return };
    let team = Team::with_plan(&database.fresh(), &format!("{}\n**Check:** `test -f made.txt`\n", plan(1)));
    let mut server = team.serve();
    server.answer("next_batch", &json!({}));
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    let done = json!({"thread_id": "1.1.1", "status": "completed", "report": "r", "artifacts": ["none/at/all.rs"]});
    let text = server.call("update_thread", &done);
    assert!(text.starts_with("error check_failed: check `test -f made.txt` ended with exit code 1."), "{text}");
    let checks = "SELECT status || ' ' || failed_checks || ' ' || (checks -> 0 ->> 'exit_code') FROM work.attempts";
    assert_eq!(team.sql(checks), ["running 1 1"]);
    team.host.write("made.txt", "");
    assert_eq!(server.answer("update_thread", &done)["status"], "completed");
    assert_eq!(team.sql(checks), ["completed 1 0"]);
    assert_eq!(team.sql("SELECT record -> 'unproven' -> 0 ->> 'missing' FROM work.threads"), ["none/at/all.rs"]);
    let page = team.stdout(&["tree"]);
    assert!(page.contains("claims what was not there"), "{page}");
}

/// A server that writes alone is optimistic: it sends no query before its commit.
#[test]
fn a_call_waits_for_a_database_that_restarts() {
    let Some(postgres) = own(Settings::default()) else { return };
    let team = Team::with_plan(&format!("{}?sslmode=disable", postgres.url()), PLAN);
    let mut server = team.serve();
    for round in 0..5 {
        let update = json!({"thread_id": "1.1.1", "status": "completed", "report": format!("round {round}")});
        if round == 3 {
            postgres.stop(Mode::Immediate).unwrap();
            let waits = server.send("tools/call", &json!({"name": "update_thread", "arguments": update}));
            thread::sleep(Duration::from_secs(1));
            postgres.restart().unwrap();
            let answer = server.receive();
            assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(waits), &json!(false)), "{answer}");
        } else {
            server.answer("update_thread", &update);
        }
    }
}

#[test]
fn a_planner_is_replaced_when_its_lease_ends_and_not_before() {
    let Some(database) = shared() else { return };
    let team = Team::with_plan(&database.fresh(), PLAN);
    let mut first = team.serve();
    let mut second = team.serve();
    assert_eq!(first.answer("next_batch", &json!({}))["resumed"], false);
    assert!(second.answer("next_batch", &json!({}))["held_by"].is_string());
    // A server whose machine vanished looks like a slow one until its lease has ended.
    first.kill();
    assert!(second.answer("next_batch", &json!({}))["held_by"].is_string(), "the lease still runs");
    team.sql("UPDATE work.servers SET lease_until = clock_timestamp()");
    let taken = second.answer("next_batch", &json!({}));
    assert!(taken["held_by"].is_null() && taken["dispatch"][0].is_string(), "{taken}");
    // A server that ends in order gives its lease back, so another one takes over at once.
    let mut third = team.serve();
    assert!(third.answer("next_batch", &json!({}))["held_by"].is_string());
    second.end();
    assert!(third.answer("next_batch", &json!({}))["held_by"].is_null());
}

#[test]
fn a_lease_is_renewed_however_slow_the_calls_are() {
    let Some(database) = shared() else { return };
    let team = Team::with_plan(&database.fresh(), PLAN);
    let mut server = team.serve();
    server.answer("next_batch", &json!({}));
    let lease = || team.sql("SELECT extract(epoch FROM lease_until)::bigint FROM work.servers");
    let begun = lease();
    let patience = Instant::now();
    while lease() == begun {
        assert!(patience.elapsed() < Duration::from_secs(20), "the lease was not renewed");
        thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn a_change_on_one_host_is_told_on_another() {
    let Some(database) = shared() else { return };
    let team = Team::with_plan(&database.fresh(), PLAN);
    let (mut planner, mut listener) = (team.serve(), team.serve());
    planner.answer("next_batch", &json!({}));
    let uri = "work://001-search/threads/01.01.01.md";
    let answer = listener.request("resources/subscribe", &json!({"uri": uri}));
    assert!(answer.get("error").is_none(), "{answer}");
    thread::sleep(Duration::from_millis(500));
    planner.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    let news = listener.receive();
    assert_eq!((&news["method"], &news["params"]["uri"]), (&json!("notifications/resources/updated"), &json!(uri)));
    assert!(team.stdout(&["tree"]).contains("01.01.01"));
}

/// Returns what a person sees, without the parts that differ from run to run.
fn seen(team: &Team, arguments: &[&str]) -> String {
    let output = team.on(&team.host, arguments).output().unwrap();
    let seen = team.host.seen(&output);
    let host = team.url.split_once('@').unwrap().1.split('/').next().unwrap();
    assert!(!seen.contains("secret"), "{seen}");
    seen.replace(host, "[host]")
}

#[test]
fn a_refusal_says_what_is_wrong_and_never_the_password() {
    let Some(postgres) = own(Settings::default()) else { return };
    let url = format!("{}?sslmode=disable", postgres.url());
    let team = |url: &str| Team { url: url.to_owned(), host: Workspace::empty() };
    let mut said = String::new();
    let mut note = |what: &str, url: &str, arguments: &[&str]| {
        said += &format!("# {what}\n{}\n", seen(&team(url), arguments));
    };
    let secret = |url: &str| url.replace(postgres.password(), "secret");
    note("not migrated", &url, &["status"]);
    note("wrong password", &secret(&url), &["status"]);
    note("no such role", &url.replace("work_test:", "nobody:"), &["status"]);
    note("no such database", &url.replace("/postgres?", "/nowhere?"), &["status"]);
    note("TLS where there is none", &url.replace("disable", "require"), &["status"]);
    note("an option that nobody knows", &secret(&url.replace("sslmode", "sslmood")), &["status"]);
    note("no URL", "mysql://ann:secret@db/x@y/", &["status"]);
    note("a command for files", &secret(&url), &["create", "x"]);
    execute(
        &url,
        "CREATE SCHEMA work; CREATE TABLE work.migrations (version integer, needs integer); INSERT INTO work.migrations VALUES (99, 99)",
    );
    note("a newer schema", &url, &["status"]);
    note("a newer schema is left alone", &url, &["store", "migrate"]);
    execute(&url, "DROP SCHEMA work CASCADE");
    note("migrated", &url, &["store", "migrate"]);
    note("migrated again", &url, &["store", "migrate"]);
    note("no workspace", &url, &["status"]);
    insta::assert_snapshot!(said.trim_end(), @r#"
    # not migrated
    exit 6
    stderr: error: postgres://[host]/postgres: it has no tables of work yet
    stderr: Hint: install the same version of work on all machines, then run work store migrate
    # wrong password
    exit 6
    stderr: error: postgres://[host]/postgres: password authentication failed for user "work_test"
    stderr: Hint: fix user and password: in the URL, PGPASSWORD or the password file
    # no such role
    exit 6
    stderr: error: postgres://[host]/postgres: password authentication failed for user "nobody"
    stderr: Hint: fix user and password: in the URL, PGPASSWORD or the password file
    # no such database
    exit 6
    stderr: error: postgres://[host]/nowhere: database "nowhere" does not exist
    stderr: Hint: look at the database, then run it again
    # TLS where there is none
    exit 6
    stderr: error: postgres://[host]/postgres: error performing TLS handshake: server does not support TLS
    stderr: Hint: check that the database is running and reachable, then run it again
    # an option that nobody knows
    exit 6
    stderr: error: the database's URL: unknown option `sslmood`
    stderr: Hint: give it as postgres://USER@HOST/DATABASE?workspace=NAME
    # no URL
    exit 6
    stderr: error: the database's URL: it is no postgres:// URL
    stderr: Hint: give it as postgres://USER@HOST/DATABASE?workspace=NAME
    # a command for files
    exit 6
    stderr: error: postgres://[host]/postgres: password authentication failed for user "work_test"
    stderr: Hint: fix user and password: in the URL, PGPASSWORD or the password file
    # a newer schema
    exit 6
    stderr: error: postgres://[host]/postgres: its tables need version 99, this program knows 4: another machine has a newer version of work
    stderr: Hint: install the same version of work on all machines, then run work store migrate
    # a newer schema is left alone
    exit 6
    stderr: error: postgres://[host]/postgres: its tables need version 99, this program knows 4: another machine has a newer version of work
    stderr: Hint: install the same version of work on all machines, then run work store migrate
    # migrated
    exit 0
    the tables are there, version 4
    # migrated again
    exit 0
    the tables have version 4 already
    # no workspace
    exit 6
    stderr: error: postgres://[host]/postgres: it has no workspace "default"
    stderr: Hint: make it with work init, copy one there with work store push, or name another by ?workspace=NAME
    "#);
}

#[test]
fn a_database_that_does_not_answer_is_told_and_the_server_goes_on() {
    let Some(postgres) = own(Settings::default()) else { return };
    let team = Team::with_plan(&format!("{}?sslmode=disable", postgres.url()), PLAN);
    let mut server = team.serve();
    server.answer("next_batch", &json!({}));
    postgres.stop(Mode::Fast).unwrap();
    let refused = server.call("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    assert!(refused.starts_with("error io: postgres://127.0.0.1:"), "{refused}");
    assert!(!refused.contains(postgres.password()), "{refused}");
    postgres.restart().unwrap();
    let answer = server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    assert_eq!(answer["attempt"], 1, "{answer}");
    // A call waits for a database that is frozen for a moment.
    postgres.freeze().unwrap();
    server.send("tools/call", &json!({"name": "next_batch", "arguments": {}}));
    thread::sleep(Duration::from_secs(2));
    postgres.thaw().unwrap();
    let answer = server.receive();
    assert_ne!(answer["result"]["isError"], json!(true), "{answer}");
    // If it stays frozen, the call reports that within its bound. Meanwhile the protocol answers, and the process can
    // end.
    let update =
        json!({"name": "update_thread", "arguments": {"thread_id": "1.1.1", "status": "in_progress", "report": "x"}});
    for (tool, params) in
        [("a read", json!({"name": "read_thread", "arguments": {"thread_id": "1.1.1"}})), ("a write", update)]
    {
        postgres.freeze().unwrap();
        let begun = Instant::now();
        let id = server.send("tools/call", &params);
        thread::sleep(Duration::from_millis(100));
        let ping = server.send("ping", &json!({}));
        let first = server.receive();
        assert_eq!((&first["id"], &first["result"]), (&json!(ping), &json!({})), "{tool}: {first}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{tool}: ping after {:?}", begun.elapsed());
        let told = server.receive();
        let text = told["result"]["content"][0]["text"].as_str().unwrap();
        assert!(told["id"] == json!(id) && text.starts_with("error io: "), "{tool}: {told}");
        assert!(begun.elapsed() < Duration::from_secs(14), "{tool}: told after {:?}", begun.elapsed());
        postgres.thaw().unwrap();
        server.answer("workstream_status", &json!({}));
    }
    postgres.freeze().unwrap();
    server.send("tools/call", &json!({"name": "next_batch", "arguments": {}}));
    thread::sleep(Duration::from_millis(100));
    let (begun, pid) = (Instant::now(), server.child.id().to_string());
    assert!(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(4), "SIGTERM after {:?}", begun.elapsed());
    postgres.thaw().unwrap();
}

#[test]
fn time_in_which_the_database_was_away_does_not_count_against_a_lease() {
    let Some(postgres) = own(Settings::default()) else { return };
    let team = Team::with_plan(&format!("{}?sslmode=disable", postgres.url()), PLAN);
    let (mut first, mut second) = (team.serve(), team.serve());
    first.answer("next_batch", &json!({}));
    first.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    second.answer("update_thread", &json!({"thread_id": "1.1.2", "status": "in_progress"}));
    // This is the state after an outage that is longer than a lease.
    team.sql("UPDATE work.servers SET lease_until = clock_timestamp() - interval '1 minute'");
    postgres.stop(Mode::Fast).unwrap();
    postgres.restart().unwrap();
    assert!(
        second.answer("next_batch", &json!({}))["held_by"].is_string(),
        "the other hosts have had no time to come back"
    );
    for (server, thread) in [(&mut second, "1.1.2"), (&mut first, "1.1.1")] {
        let report = json!({"thread_id": thread, "status": "completed", "report": "done", "attempt": 1});
        assert_eq!(server.answer("update_thread", &report)["status"], "completed");
    }
}

#[test]
fn tls_is_checked() {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (cert, private) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, key.cert.pem()).unwrap();
    std::fs::write(&private, key.signing_key.serialize_pem()).unwrap();
    let tls = Some(Tls { cert: cert.clone(), key: private });
    let Some(postgres) = own(Settings { tls, ..Settings::default() }) else { return };
    let url = postgres.url();
    let trusted = Team::with_plan(&format!("{url}?sslmode=require&sslrootcert={}", cert.display()), PLAN);
    assert!(trusted.stdout(&["status"]).contains("001-search"));
    let unknown = Team { url: format!("{url}?sslmode=require"), host: Workspace::empty() };
    let output = unknown.on(&unknown.host, &["status"]).stdin(Stdio::null()).output().unwrap();
    let said = unknown.host.seen(&output);
    assert!(said.contains("certificate") && said.contains("sslrootcert"), "{said}");
    assert!(!said.contains(postgres.password()), "{said}");
}

#[test]
fn the_role_of_the_documentation_is_enough() {
    let Some(postgres) = own(Settings::default()) else { return };
    let url = format!("{}?sslmode=disable", postgres.url());
    let owner = Team::with_plan(&url, PLAN);
    // The SQL that docs/teams.md tells people to run.
    let text = include_str!("../../docs/teams.md");
    let from = text.find("CREATE ROLE work_user").unwrap();
    let sql: String = text[from..].lines().take_while(|line| !line.is_empty()).collect();
    execute(&url, &sql.replace('…', "word"));
    let user = url.replace("work_test:", "work_user:").replace(postgres.password(), "word");
    let team = Team { url: user, host: Workspace::empty() };
    let mut server = team.serve();
    server.answer("next_batch", &json!({}));
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "completed", "report": "r"}));
    team.stdout(&["assign", "--thread", "1.1.2", "--agent", "system-engineer-codex", "--force"]);
    server.end();
    team.stdout(&["approve", "plan", "--revoke"]);
    team.stdout(&["approve", "plan"]);
    team.stdout(&["current", "--set=001-search"]);
    let files = Workspace::with_plan(&PLAN.replace("Parser", "Lexer"));
    let output = team.on(&files, &["store", "push", "--plan"]).output().unwrap();
    assert!(output.status.success(), "{}", files.seen(&output));
    assert_eq!(owner.sql("SELECT count(*) > 6 FROM work.events"), ["t"]);
    // The role can neither change nor remove events.
    for sql in ["DELETE FROM work.events", "UPDATE work.events SET actor = 'me'", "DROP TABLE work.threads"] {
        let (program, url) = ("psql", team.url.clone());
        let Ok(output) = std::process::Command::new(program).args([&url, "-c", sql]).output() else { return };
        assert!(!output.status.success(), "{sql}");
    }
}

#[test]
fn moving_one_workstream_leaves_the_others_alone() {
    let Some(database) = shared() else { return };
    let files = Workspace::empty();
    files.stdout(&["init"]);
    for name in ["alpha", "beta"] {
        files.stdout(&["create", name, "--stages", "1"]);
    }
    for id in ["001-alpha", "002-beta"] {
        files.write(&format!("work/{id}/PLAN.md"), PLAN);
        files.stdout(&["approve", "plan", "--workstream", id]);
    }
    // An entry whose folder is gone.
    let index = files.read("work/index.json").replacen("\"streams\": [", "\"streams\": [{\"id\": \"000-old\"},", 1);
    files.write("work/index.json", index);
    let team = Team { url: database.fresh(), host: Workspace::empty() };
    let run = |workspace: &Workspace, arguments: &[&str]| {
        let output = team.on(workspace, arguments).output().unwrap();
        (output.status.code().unwrap(), workspace.seen(&output))
    };
    assert_eq!(run(&files, &["store", "migrate"]).0, 0);
    assert_eq!(run(&files, &["store", "push", "--plan"]).0, 6, "there is nothing yet");
    assert_eq!(run(&files, &["store", "push"]).0, 0);
    assert_eq!(team.sql("SELECT count(*) FROM work.workstreams"), ["2"]);

    // A workstream that is not the current one, by its name.
    files.write("work/001-alpha/PLAN.md", PLAN.replace("Parser", "Lexer"));
    assert_eq!(run(&files, &["store", "push", "--plan", "--workstream", "alpha"]).0, 0);
    for name in ["alpha", "001-alpha"] {
        let (_, seen) = run(&team.host, &["status", "--workstream", name]);
        assert!(seen.contains("work approve plan --workstream"), "{seen}");
    }
    // A plain push does not bring the old plan back.
    files.write("work/001-alpha/PLAN.md", PLAN);
    let (code, seen) = run(&files, &["store", "push"]);
    assert!(code == 2 && seen.contains("001-alpha has another state or plan"), "{seen}");

    assert_eq!(run(&files, &["store", "pull", "--workstream", "alpha", "--force"]).0, 0);
    for id in ["000-old", "001-alpha", "002-beta"] {
        assert!(files.read("work/index.json").contains(&format!("\"{id}\"")), "{id}");
    }
    // The events stay, even if a push replaces the state.
    let mut server = team.serve();
    let update = json!({"workstream": "beta", "thread_id": "1.1.1", "status": "completed", "report": "there"});
    server.answer("update_thread", &update);
    let before: Vec<String> = team.sql("SELECT event::text FROM work.events ORDER BY workstream_id, revision, ordinal");
    files.write("work/agents.yaml", "agents: [{name: default}]\n");
    assert_eq!(run(&files, &["store", "push", "--force"]).0, 0);
    let after = team.sql("SELECT event::text FROM work.events ORDER BY workstream_id, revision, ordinal");
    assert!(after.starts_with(&before) && after.len() > before.len(), "{after:?}");
    // The server sees that everything was replaced.
    let answer = server.answer("read_thread", &json!({"workstream": "beta", "thread_id": "1.1.1"}));
    assert_eq!(answer["status"], "pending", "{answer}");
}

#[test]
fn a_team_begins_in_the_database() {
    let Some(database) = shared() else { return };
    let team = Team { url: database.fresh(), host: Workspace::empty() };
    let refused = |arguments: &[&str]| {
        let output = team.on(&team.host, arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    team.stdout(&["store", "migrate"]);
    let (code, told) = refused(&["create", "search"]);
    assert!(code == Some(6) && told.contains("make it with work init"), "{told}");
    assert!(team.stdout(&["init"]).contains("created  agents.yaml"));
    assert!(team.stdout(&["init"]).contains("kept     agents.yaml"), "what is there stays");
    let created = team.stdout(&["create", "Search API", "--stages", "2"]);
    assert!(created.starts_with("001-search-api is created, and is the current workstream"), "{created}");
    let (code, told) = refused(&["create", "search api"]);
    assert_eq!((code, told.lines().next()), (Some(1), Some("error: there is a workstream 001-search-api already")));
    // `work import` of an older format, with a plan per stage, makes a workstream with its state.
    let stages = Workspace::copied_from("stages");
    let imported = team.on(&stages, &["import", "work/000-search-api", "--name", "old search"]).output().unwrap();
    assert!(imported.status.success(), "{}", stages.seen(&imported));
    assert_eq!(team.stdout(&["current"]), "002-old-search\n");
    let tree = team.stdout(&["tree"]);
    assert!(tree.contains("[x] 01.01.01"), "{tree}");
    // So does that of another program's plan.
    stages.write("plans/tasks.md", "# Tasks\n- [x] T001 Done before\n- [ ] T002 Open\n");
    let imported = team.on(&stages, &["import", "plans"]).output().unwrap();
    assert!(imported.status.success(), "{}", stages.seen(&imported));
    let tree = team.stdout(&["tree"]);
    assert!(tree.contains("[x] 01.01.01 T001 Done before"), "{tree}");
    // `work validate --fix` works in the database too.
    assert!(team.stdout(&["validate", "--fix"]).contains("nothing that is certain"));
    // `store pull` writes everything to files, and the execution goes on from there.
    let files = Workspace::empty();
    assert!(team.on(&files, &["store", "pull"]).status().unwrap().success());
    let plan = files.read("work/001-search-api/PLAN.md");
    assert!(plan.starts_with("# Plan: Search API\n"), "{plan}");
    files.write("work/001-search-api/PLAN.md", PLAN);
    assert!(team.on(&files, &["store", "push", "--plan", "--workstream", "search-api"]).status().unwrap().success());
    team.stdout(&["approve", "plan", "--workstream", "search-api"]);
    // While one of its batches is executed, the current workstream stays current.
    team.stdout(&["current", "--set", "search-api"]);
    let mut server = team.serve();
    assert_eq!(server.answer("next_batch", &json!({}))["workstream"], "001-search-api");
    let created = team.stdout(&["create", "billing"]);
    assert!(created.contains("001-search-api stays the current one while its batch 01.01 is executed"), "{created}");
    assert_eq!(server.answer("next_batch", &json!({}))["workstream"], "001-search-api");
    let events = team.sql("SELECT DISTINCT event::jsonb ->> 'event' FROM work.events ORDER BY 1");
    assert!(events.contains(&"created".to_owned()), "{events:?}");
    // The log is made of the events: it names the person who did what.
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "in_progress"}));
    team.stdout(&["assign", "1.1.2", "--agent", "system-engineer-codex", "--force"]);
    let log = team.stdout(&["log"]);
    for line in [
        "plan approved by ",
        "01.01 begins\n",
        "01.01.01 #1 started by system-engineer-codex\n",
        "01.01.02 assigned to system-engineer-codex (",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(team.stdout(&["log", "--json"]).contains("\"actor\": \"server "), "a server is named to programs");
    // A workstream is put away, renamed and deleted there, too.
    team.stdout(&["rename", "002", "new search"]);
    assert_eq!(team.stdout(&["archive", "new-search"]), "002-new-search is archived\n");
    assert!(!team.stdout(&["list"]).contains("new-search"));
    team.stdout(&["delete", "002-new-search", "--force"]);
    assert!(!team.stdout(&["list", "--all"]).contains("new-search"));
}

#[test]
fn old_events_are_removed_when_a_person_says_so_and_no_state_goes_with_them() {
    let Some(database) = shared() else { return };
    let team = Team::with_plan(&database.fresh(), PLAN);
    let mut server = team.serve();
    server.answer("next_batch", &json!({}));
    let report = |text: &str| json!({"thread_id": "1.1.1", "status": "completed", "report": text});
    server.answer("update_thread", &report("first"));
    team.sql("UPDATE work.events SET recorded_at = now() - interval '31 days'");
    server.answer("update_thread", &report("second"));
    assert_eq!(team.stdout(&["store", "prune", "--days", "40"]), "removed 0 events\n");
    let before = team.threads();
    assert!(team.stdout(&["store", "prune", "--days", "30"]).starts_with("removed "));
    assert_eq!(team.sql("SELECT count(*) > 0 AND min(recorded_at) > now() - interval '1 day' FROM work.events"), ["t"]);
    assert_eq!(team.threads(), before);
    server.answer("update_thread", &report("third"));
}

#[test]
fn a_program_goes_on_with_newer_tables_that_need_no_more_than_it_knows() {
    let Some(database) = shared() else { return };
    let team = Team::with_plan(&database.fresh(), PLAN);
    let mut server = team.serve();
    server.answer("next_batch", &json!({}));
    // Another machine is updated first. Its release adds something that this one neither knows nor needs.
    team.sql("ALTER TABLE work.threads ADD COLUMN colour text");
    team.sql("INSERT INTO work.migrations (version, needs) SELECT max(version) + 1, max(needs) FROM work.migrations");
    server.answer("update_thread", &json!({"thread_id": "1.1.1", "status": "completed", "report": "r"}));
    assert!(team.stdout(&["status"]).contains("1 completed"));
    // The next release changes something that this one uses.
    team.sql("INSERT INTO work.migrations (version, needs) SELECT max(version) + 1, 99 FROM work.migrations");
    team.sql("UPDATE work.workstreams SET revision = revision + 1, stamp = DEFAULT");
    let told = server.call("next_batch", &json!({}));
    assert!(told.contains("its tables need version 99"), "{told}");
    let output = team.on(&team.host, &["status"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("another machine has a newer version of work"));
}

#[test]
fn the_database_refuses_what_no_release_writes() {
    let Some(database) = shared() else { return };
    let team = Team::with_plan(&database.fresh(), PLAN);
    team.serve().answer("next_batch", &json!({}));
    for (sql, constraint) in [
        ("UPDATE work.threads SET status = 'done'", "status_is_known"),
        ("UPDATE work.threads SET stage = 1000", "numbers_have_three_digits"),
        ("UPDATE work.workstreams SET plan_hash = ''", "plan_hash_is_sha256"),
        ("UPDATE work.cycles SET is_open = false, holder = gen_random_uuid()", "only_an_open_cycle_is_held"),
    ] {
        // The server process goes on, and its refusal says why.
        let guarded = format!(
            "DO $$ BEGIN {sql}; RAISE 'it was accepted'; EXCEPTION WHEN check_violation THEN
             IF SQLERRM NOT LIKE '%{constraint}%' THEN RAISE; END IF; END $$"
        );
        team.sql(&guarded);
    }
}
