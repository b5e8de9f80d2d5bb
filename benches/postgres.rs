//! Measures a workspace in PostgreSQL under load: `cargo bench --bench postgres`. The results are in
//! docs/performance.md.
//!
//! Eight processes with up to eight clients each report on threads of a thousand workstreams. They are compared with as
//! many clients that only do `BEGIN; UPDATE …; COMMIT`, by the same client library, on the same server, in the same
//! run. It needs the programs of PostgreSQL, and says so if they are missing.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not a program")]

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use workstream::app::push;
use workstream::board::{ReportedStatus, ServerId};
use workstream::clock::SystemClock;
use workstream::decide::{AgentRequest, UpdateThread};
use workstream::store::{FileStore, Overwrite, PostgresStore, WorkspaceLocation};
use workstream::transact::{AgentDoor, Ask};

#[path = "../tests/it/postgres_server.rs"]
#[expect(dead_code, reason = "the tests of the whole program use the rest")]
mod postgres_server;

use postgres_server::{Server, Settings};

/// The environment variable that tells a child process of this program what to do. It has four words: the mode (`bare`
/// or `work`), the number of clients and of workstreams, and the number of the process.
const TASK: &str = "WORK_BENCH_TASK";

/// The environment variable with the URL of the workspace, for a child process.
const URL: &str = "WORK_BENCH_URL";

/// How many threads a workstream has.
const THREADS: usize = 100;

/// How many workstreams the small workspace has.
const FEW: usize = 10;

/// How many workstreams the large workspace has.
const MANY: usize = 1_000;

/// How often each run is measured.
const ROUNDS: usize = 3;

/// How many processes there are, each with as many clients as the run says.
const PROCESSES: usize = 8;

/// The most clients of all processes together.
const CLIENTS: usize = 64;

/// How long a run takes, in seconds.
const SECONDS: usize = 8;

fn main() {
    if let Ok(task) = std::env::var(TASK) {
        return work(&task, &std::env::var(URL).unwrap());
    }
    if let Err(why) = Server::find() {
        println!("skipped: {why}");
        return;
    }
    let server = Server::start_with(Settings { max_connections: 200, ..Settings::default() }).unwrap();
    let url = |workstreams: usize| format!("{}?sslmode=disable&workspace=w{workstreams}", server.url());
    for workstreams in [FEW, MANY] {
        fill(&url(workstreams), workstreams);
    }
    // The small workspace is measured with one client per process only: 64 clients would mostly wait for each other's
    // rows.
    for (clients, runs) in
        [(1, &[("bare", MANY), ("work", MANY), ("work", FEW)][..]), (8, &[("bare", MANY), ("work", MANY)])]
    {
        // The runs take turns, because the load of the machine changes from minute to minute.
        let mut rates = vec![0.0; runs.len()];
        for _ in 0..ROUNDS {
            for ((mode, workstreams), sum) in runs.iter().zip(&mut rates) {
                let (rate, mut times) = run(&url(*workstreams), mode, clients, *workstreams);
                times.sort_unstable();
                let at = |share: usize| Duration::from_micros(times[(times.len() - 1) * share / 100]);
                let (threads, clients) = (workstreams * THREADS, clients * PROCESSES);
                println!(
                    "{clients:>2} clients, {threads:>6} threads, {mode}: {rate:>6.0} per second, p50 {:.2?}, p99 {:.2?}",
                    at(50),
                    at(99)
                );
                *sum += rate;
            }
        }
        println!("    ratio to bare transactions: {:.2}", rates[1] / rates[0]);
        if let Some(few) = rates.get(2) {
            println!("    growth from {} to {} threads: {:.2}", FEW * THREADS, MANY * THREADS, few / rates[1]);
        }
    }
}

/// Makes the tables and pushes a workspace of `workstreams` workstreams, whose threads are all completed.
fn fill(url: &str, workstreams: usize) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for number in 0..workstreams {
        let mut plan = "# Plan: Bench\n## Stages\n### Stage 1: Stage\n".to_owned();
        let mut threads = r#"{"version":"1.0.0","threads":["#.to_owned();
        for at in 0..THREADS {
            if at % 10 == 0 {
                let _ = writeln!(plan, "##### Batch {}: Batch", at / 10 + 1);
            }
            let _ = writeln!(plan, "###### Thread {}: Thread {at}\n**Summary:** What to do in {at}.", at % 10 + 1);
            let comma = if at == 0 { "" } else { "," };
            let id = format!("01.{:02}.{:02}", at / 10 + 1, at % 10 + 1);
            let _ = write!(
                threads,
                r#"{comma}{{"threadId":"{id}","threadName":"Thread {at}","status":"completed","report":"done","sessions":[]}}"#
            );
        }
        threads += "]}";
        let work = folder.path().join(format!("work/{number:03}-bench"));
        fs::create_dir_all(&work).unwrap();
        fs::write(work.join("PLAN.md"), plan).unwrap();
        fs::write(work.join("threads.json"), threads).unwrap();
    }
    let store = PostgresStore::new(place(url), None).unwrap();
    store.migrate().unwrap();
    let files = FileStore::new(
        WorkspaceLocation { root: Some(folder.path().to_owned()), ..WorkspaceLocation::default() },
        None,
    );
    push(&files, &store, None, Overwrite::Nothing).unwrap();
}

fn place(url: &str) -> WorkspaceLocation {
    WorkspaceLocation {
        store: Some(url.to_owned()),
        directory: Path::new("/").to_owned(),
        ..WorkspaceLocation::default()
    }
}

/// Runs all processes at once. Returns the reports per second, and the time of each report in microseconds.
fn run(url: &str, mode: &str, clients: usize, workstreams: usize) -> (f64, Vec<u64>) {
    let program = std::env::current_exe().unwrap();
    let children: Vec<_> = (0..PROCESSES)
        .map(|process| {
            let task = format!("{mode} {clients} {workstreams} {process}");
            Command::new(&program).env(TASK, task).env(URL, url).stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut times = Vec::new();
    for mut child in children {
        let mut text = String::new();
        child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(child.wait().unwrap().success());
        times.extend(text.lines().map(|line| line.parse::<u64>().unwrap()));
    }
    let seconds = u32::try_from(SECONDS).unwrap();
    (f64::from(u32::try_from(times.len()).unwrap()) / f64::from(seconds), times)
}

/// Does what one child process does: runs its clients, and prints the time of each report, one a line.
fn work(task: &str, url: &str) {
    let parts: Vec<&str> = task.split(' ').collect();
    let (clients, workstreams): (usize, usize) = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
    let process: usize = parts[3].parse().unwrap();
    let server = ServerId::from(uuid::Uuid::new_v4());
    let door =
        AgentDoor::new(Box::new(PostgresStore::new(place(url), Some(server)).unwrap()), Box::new(SystemClock), server);
    let times: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|client| {
                let (door, seed) = (&door, process + PROCESSES * client);
                let bare = parts[0] == "bare";
                scope.spawn(
                    move || if bare { bare_updates(url, seed, workstreams) } else { updates(door, seed, workstreams) },
                )
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let mut out = String::new();
    for time in times.iter().flatten() {
        let _ = writeln!(out, "{time}");
    }
    print!("{out}");
}

/// Returns the workstream and the thread that a client reports on in a round. Each client has workstreams of its own,
/// if there are enough, as planners and their workers have.
fn next(seed: usize, round: usize, workstreams: usize) -> (usize, usize) {
    let own = (workstreams / CLIENTS).max(1);
    ((seed + CLIENTS * (round % own)) % workstreams, round * 7 % THREADS)
}

/// Calls `one` with the number of the round, for [`SECONDS`], and returns the times in microseconds.
fn measured(mut one: impl FnMut(usize)) -> Vec<u64> {
    // Connecting and the first read are not measured.
    for round in 0..20 {
        one(round);
    }
    let begun = Instant::now();
    let mut times = Vec::new();
    let seconds = Duration::from_secs(u64::try_from(SECONDS).unwrap());
    while begun.elapsed() < seconds {
        let started = Instant::now();
        one(20 + times.len());
        times.push(u64::try_from(started.elapsed().as_micros()).unwrap());
    }
    times
}

/// Reports on threads, as `update_thread` does, and returns the times.
fn updates(door: &AgentDoor, seed: usize, workstreams: usize) -> Vec<u64> {
    measured(|round| {
        let (workstream, thread) = next(seed, round, workstreams);
        let id = format!("1.{}.{}", thread / 10 + 1, thread % 10 + 1).parse().unwrap();
        let update = UpdateThread::new(id, ReportedStatus::Completed, &format!("round {round} of {seed}"));
        door.ask(Ask::new(Some(&format!("{workstream:03}-bench")), AgentRequest::UpdateThread(update))).unwrap();
    })
}

/// Does the bare transactions that the reports are compared with, and returns the times.
fn bare_updates(url: &str, seed: usize, workstreams: usize) -> Vec<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (url, workspace) = url.split_once("&workspace=").unwrap();
    let (client, statement, keys) = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let sql =
            "UPDATE work.threads SET status = $5 WHERE workstream_id = $1 AND stage = $2 AND batch = $3 AND thread = $4";
        let statement = client.prepare(sql).await.unwrap();
        let keys =
            "SELECT w.workstream_id FROM work.workstreams w JOIN work.workspaces s USING (workspace_id) WHERE s.name = $1";
        let keys: Vec<i64> = client.query(keys, &[&workspace]).await.unwrap().iter().map(|row| row.get(0)).collect();
        (client, statement, keys)
    });
    measured(|round| {
        let (workstream, thread) = next(seed, round, workstreams);
        let thread = i16::try_from(thread).unwrap();
        let (batch, number) = (thread / 10 + 1, thread % 10 + 1);
        runtime.block_on(async {
            client.batch_execute("BEGIN").await.unwrap();
            let key = &keys[workstream];
            let changed = client.execute(&statement, &[key, &1_i16, &batch, &number, &"completed"]).await.unwrap();
            assert_eq!(changed, 1);
            client.batch_execute("COMMIT").await.unwrap();
        });
    })
}
