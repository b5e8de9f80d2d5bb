//! Measures the parts of a call, to show where its time goes: `cargo bench --bench core`. The results are in
//! docs/performance.md.
#![expect(clippy::unwrap_used, reason = "a measurement, not a program")]

use std::fmt::Write as _;
use std::fs;

use divan::{Bencher, black_box};
use tempfile::TempDir;
use workstream::board::{ReportedStatus, ServerId};
use workstream::clock::SystemClock;
use workstream::decide::{AgentRequest, Caller, Ledger, Mapping, PersonRequest, UpdateThread, decide_for_agent};
use workstream::plan::parse;
use workstream::store::{FileStore, Store as _, WorkspaceLocation};
use workstream::transact::{AgentDoor, Ask, transact_for_person};

/// The sizes of the plans that are measured, in threads.
const THREADS: [usize; 4] = [10, 100, 1_000, 10_000];
const SERVER: ServerId = ServerId::fixed(1);

fn main() {
    divan::main();
}

/// Returns a plan with batches of ten threads. A stage has at most 900 batches; the limit is 999.
fn plan(threads: usize) -> String {
    let mut plan = "# Plan: Bench\n## Stages\n".to_owned();
    for at in 0..threads {
        let batch = at / 10;
        if batch % 900 == 0 && at % 10 == 0 {
            let _ = writeln!(plan, "### Stage {}: Stage", batch / 900 + 1);
        }
        if at % 10 == 0 {
            let _ = writeln!(plan, "##### Batch {}: Batch", batch % 900 + 1);
        }
        let _ = writeln!(
            plan,
            "###### Thread {}: Thread {at}\n**Summary:** What to do in {at}.\n**Details:** How.",
            at % 10 + 1
        );
    }
    plan
}

/// Makes a workspace with an approved plan.
fn workspace(threads: usize) -> (TempDir, WorkspaceLocation) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::create_dir_all(folder.path().join("work/001-bench")).unwrap();
    fs::write(folder.path().join("work/001-bench/PLAN.md"), plan(threads)).unwrap();
    let place = WorkspaceLocation { root: Some(folder.path().to_owned()), ..WorkspaceLocation::default() };
    let approve =
        PersonRequest::ApprovePlan { force: false, mapping: Mapping::default(), by: "bench".to_owned(), seen: None };
    transact_for_person(&FileStore::new(place.clone(), None), &SystemClock, None, &approve).unwrap();
    // The store compares the bytes of a file whose last change is less than 20 ms old. Wait, so that this is not
    // measured.
    std::thread::sleep(std::time::Duration::from_millis(50));
    (folder, place)
}

/// Returns a report on the first thread.
fn update(report: &str) -> AgentRequest {
    AgentRequest::UpdateThread(UpdateThread::new("1.1.1".parse().unwrap(), ReportedStatus::Completed, report))
}

/// Parsing PLAN.md.
#[divan::bench(args = THREADS)]
fn parse_plan(bencher: Bencher, threads: usize) {
    let text = plan(threads);
    bencher.bench(|| parse(black_box(&text)));
}

/// Reading all files for the first time, with a store of its own each time.
#[divan::bench(args = THREADS, sample_count = 20)]
fn read_first(bencher: Bencher, threads: usize) {
    let (_folder, place) = workspace(threads);
    bencher.bench(|| FileStore::new(place.clone(), None).read(None).unwrap());
}

/// Reading all files again, when none has changed.
#[divan::bench(args = THREADS)]
fn read_again(bencher: Bencher, threads: usize) {
    let (_folder, place) = workspace(threads);
    let store = FileStore::new(place, None);
    bencher.bench(|| store.read(None).unwrap());
}

/// The decision of an `update_thread`, with the copy of the board that it changes. It writes nothing.
#[divan::bench(args = THREADS)]
fn decide_update(bencher: Bencher, threads: usize) {
    let (_folder, place) = workspace(threads);
    let snapshot = FileStore::new(place, Some(SERVER)).read(None).unwrap();
    let request = update("done");
    bencher.bench(|| {
        let mut ledger = Ledger::new(snapshot.board(), workstream::clock::Clock::now(&SystemClock));
        decide_for_agent(&snapshot.scene(), Caller::Server(SERVER), &request, &mut ledger).unwrap()
    });
}

/// A whole `update_thread`: lock, read, decide, serialise, write, two syncs.
#[divan::bench(args = THREADS, sample_count = 30)]
fn commit_update(bencher: Bencher, threads: usize) {
    let (_folder, place) = workspace(threads);
    let door = AgentDoor::new(Box::new(FileStore::new(place, Some(SERVER))), Box::new(SystemClock), SERVER);
    let mut round = 0;
    bencher.bench_local(|| {
        round += 1;
        door.ask(Ask::new(None, update(&format!("round {round}")))).unwrap()
    });
}
