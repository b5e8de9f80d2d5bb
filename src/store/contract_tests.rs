//! What every store promises ([`Store`], [`PendingWrite`]). The tests run on stores in memory, in files and in a database.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tempfile::TempDir;

use super::files::disk::memory::MemoryDisk;
use super::*;
#[cfg(feature = "postgres")]
use crate::app::push;
use crate::board::{ReportedStatus, Usage};
use crate::clock::{Clock, SystemClock};
use crate::decide::{
    AgentRequest, Caller, Mapping, PersonRequest, RecordUsage, Refusal, UpdateThread, decide_for_agent,
};
use crate::transact::{AgentDoor, Ask, require_a_clear_thread, transact_for_person};

pub(super) const PLAN: &str = "\
# Plan: Search
## Stages
### Stage 1: Index
##### Batch 1: Storage
###### Thread 1: Schema
###### Thread 2: Rows
";

pub(super) const INDEX: &str = r#"{"version":"1.0.0","current_stream":"001-search","streams":[
    {"id":"001-search","name":"search","approval":{"status":"approved"}},
    {"id":"002-api","name":"api","approval":{"status":"approved"}}]}"#;

pub(super) const A: ServerId = ServerId::fixed(0xa);
pub(super) const B: ServerId = ServerId::fixed(0xb);

/// Begins an optimistic write. `None`: the store took the lock.
pub(super) fn known(store: &dyn Store) -> Option<Box<dyn PendingWrite + '_>> {
    let begun = store.begin(None, LOCK_WAIT, Concurrency::Optimistic).ok()?;
    (begun.concurrency() == Concurrency::Optimistic).then_some(begun)
}

/// A workspace in one kind of store. Any number of processes can open it.
enum Workspace {
    Memory(MemoryDisk),
    Files(TempDir),
    #[cfg(feature = "postgres")]
    Database(String),
}

impl Workspace {
    /// Returns a workspace of each kind; of the database only if there is one.
    fn all() -> Vec<Self> {
        let files = [
            ("work/index.json", INDEX),
            ("work/001-search/PLAN.md", PLAN),
            ("work/002-api/PLAN.md", &PLAN.replace("Schema", "Routes")),
        ];
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let memory = MemoryDisk::with(
            &files
                .map(|(path, text)| (format!("/w/{path}"), text))
                .each_ref()
                .map(|(path, text)| (path.as_str(), *text)),
        );
        let mut all = vec![Self::Memory(memory)];
        #[cfg(feature = "postgres")]
        if let Some(url) = postgres_for_tests() {
            let place = WorkspaceLocation { store: Some(url.clone()), ..WorkspaceLocation::default() };
            let Self::Memory(memory) = &all[0] else { unreachable!() };
            let files = FileStore::on(Arc::new(memory.copy()), Self::at("/w".into()), None);
            push(&files, &PostgresStore::new(place, None).unwrap(), None, Overwrite::Nothing).unwrap();
            all.push(Self::Database(url));
        }
        all.push(Self::Files(folder));
        all
    }

    fn at(root: PathBuf) -> WorkspaceLocation {
        WorkspaceLocation { root: Some(root), ..WorkspaceLocation::default() }
    }

    /// Opens the workspace as a server process does; with `None` as the command line does.
    fn open(&self, server: Option<ServerId>) -> Box<dyn Store> {
        match self {
            Self::Memory(disk) => Box::new(FileStore::on(Arc::new(disk.clone()), Self::at("/w".into()), server)),
            Self::Files(folder) => open(Self::at(folder.path().to_owned()), server).unwrap(),
            #[cfg(feature = "postgres")]
            Self::Database(url) => {
                open(WorkspaceLocation { store: Some(url.clone()), ..WorkspaceLocation::default() }, server).unwrap()
            }
        }
    }

    /// Changes the plan of 001-search, as an editor does.
    fn edit(&self, plan: &str) {
        match self {
            Self::Memory(disk) => disk.put("/w/work/001-search/PLAN.md", plan.as_bytes()),
            Self::Files(folder) => std::fs::write(folder.path().join("work/001-search/PLAN.md"), plan).unwrap(),
            #[cfg(feature = "postgres")]
            Self::Database(url) => {
                let files = MemoryDisk::with(&[("/w/work/index.json", "{}"), ("/w/work/001-search/PLAN.md", plan)]);
                let files = FileStore::on(Arc::new(files), Self::at("/w".into()), None);
                let place = WorkspaceLocation { store: Some(url.clone()), ..WorkspaceLocation::default() };
                let database = PostgresStore::new(place, None).unwrap();
                push(&files, &database, Some("001-search"), Overwrite::Plans).unwrap();
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
            Self::Files(_) => "files",
            #[cfg(feature = "postgres")]
            Self::Database(_) => "a database",
        }
    }
}

pub(super) fn update(thread: &str, said: ReportedStatus, report: &str) -> AgentRequest {
    AgentRequest::UpdateThread(UpdateThread::new(thread.parse().unwrap(), said, report))
}

/// Returns the ledger of a server's request, decided on the snapshot of `locked`.
pub(super) fn decided(locked: &dyn PendingWrite, server: ServerId, request: &AgentRequest) -> Ledger {
    let snapshot = locked.snapshot();
    let mut ledger = Ledger::new(snapshot.board(), snapshot.now().unwrap_or_else(|| SystemClock.now()));
    decide_for_agent(&snapshot.scene(), Caller::Server(server), request, &mut ledger).unwrap();
    ledger
}

pub(super) fn report(store: &dyn Store, server: ServerId, thread: &str, report: &str) {
    let locked = store.lock(None).unwrap();
    let ledger = decided(locked.as_ref(), server, &update(thread, ReportedStatus::Completed, report));
    locked.commit(&ledger).unwrap();
}

/// Returns the reports of the threads 1.1.1 and 1.1.2 as this process reads them.
pub(super) fn reports(store: &dyn Store, workstream: Option<&str>) -> [String; 2] {
    let snapshot = store.read(workstream).unwrap();
    ["1.1.1", "1.1.2"].map(|id| {
        let thread = snapshot.board().threads.get(id.parse().unwrap());
        thread.map(|thread| thread.report.clone()).unwrap_or_default()
    })
}

#[test]
fn every_process_reads_what_is_committed_and_none_what_is_dropped() {
    for workspace in Workspace::all() {
        let (a, b) = (workspace.open(Some(A)), workspace.open(Some(B)));
        assert_eq!(reports(b.as_ref(), None), ["", ""], "{}", workspace.name());
        report(a.as_ref(), A, "1.1.1", "by A");
        report(b.as_ref(), B, "1.1.2", "by B");
        drop(a.lock(None).unwrap());
        let locked = a.lock(None).unwrap();
        let _ = decided(locked.as_ref(), A, &update("1.1.1", ReportedStatus::Completed, "never"));
        drop(locked);
        for store in [a, b, workspace.open(None)] {
            assert_eq!(reports(store.as_ref(), None), ["by A", "by B"], "{}", workspace.name());
            assert_eq!(reports(store.as_ref(), Some("api")), ["", ""], "{}", workspace.name());
        }
    }
}

#[test]
fn every_process_reads_what_an_attempt_used() {
    for workspace in Workspace::all() {
        let (a, b) = (workspace.open(Some(A)), workspace.open(Some(B)));
        report(a.as_ref(), A, "1.1.1", "by A");
        let usage = |cost_microdollars| Usage {
            input_tokens: 5_000_000_000,
            cached_tokens: 9_900,
            output_tokens: 1_200,
            cost_microdollars,
        };
        for told in [usage(None), usage(Some(1_234_567)), usage(Some(3)), usage(None)] {
            let request = RecordUsage { thread: "1.1.1".parse().unwrap(), attempt: 1, usage: told };
            let locked = b.lock(None).unwrap();
            let ledger = decided(locked.as_ref(), B, &AgentRequest::RecordUsage(request));
            locked.commit(&ledger).unwrap();
            for store in [&a, &b, &workspace.open(None)] {
                let snapshot = store.read(None).unwrap();
                let known = snapshot.board().thread("1.1.1".parse().unwrap()).attempts[0].usage;
                assert_eq!(known, Some(told), "{}", workspace.name());
            }
        }
    }
}

#[test]
fn every_process_finds_records_where_their_threads_moved() {
    for workspace in Workspace::all() {
        let (a, b, person) = (workspace.open(Some(A)), workspace.open(Some(B)), workspace.open(None));
        let approve = || {
            let request = PersonRequest::ApprovePlan {
                force: false,
                mapping: Mapping::default(),
                by: "ann".to_owned(),
                seen: None,
            };
            transact_for_person(person.as_ref(), &SystemClock, None, &request).unwrap();
        };
        approve();
        report(a.as_ref(), A, "1.1.1", "by A");
        assert_eq!(reports(b.as_ref(), None), ["by A", ""], "{}", workspace.name());

        let edited = PLAN.replace("Thread 2", "Thread 3").replace("Thread 1", "Thread 2");
        workspace.edit(&edited.replace("1: Storage", "1: Storage\n###### Thread 1: New"));
        // Until a person approves the edited plan, execution follows the approved text.
        report(b.as_ref(), B, "1.1.1", "amended by B");
        for store in [&a, &b, &person] {
            assert_eq!(reports(store.as_ref(), None), ["amended by B", ""], "{}", workspace.name());
        }
        approve();
        for store in [&a, &b, &person, &workspace.open(Some(B))] {
            assert_eq!(reports(store.as_ref(), None), ["", "amended by B"], "{}", workspace.name());
        }
        // Other threads had these ids before, so the calls have to name their attempts.
        for (store, server, thread, attempt, text) in [(&a, A, "1.1.1", 2, "the new one"), (&b, B, "1.1.3", 1, "rows")]
        {
            let thread = thread.parse().unwrap();
            let request =
                UpdateThread { attempt: Some(attempt), ..UpdateThread::new(thread, ReportedStatus::Completed, text) };
            let locked = store.lock(None).unwrap();
            let ledger = decided(locked.as_ref(), server, &AgentRequest::UpdateThread(request));
            locked.commit(&ledger).unwrap();
        }
        for store in [&a, &b, &person] {
            assert_eq!(reports(store.as_ref(), None), ["the new one", "amended by B"], "{}", workspace.name());
            let snapshot = store.read(None).unwrap();
            assert_eq!(snapshot.board().threads.iter().count(), 3, "{}", workspace.name());
        }
    }
}

#[test]
fn a_writer_waits_within_its_bound_and_a_reader_does_not_wait() {
    for workspace in Workspace::all() {
        let (a, b) = (workspace.open(Some(A)), workspace.open(Some(B)));
        report(a.as_ref(), A, "1.1.1", "first");
        let locked = a.lock(None).unwrap();
        let asked = Instant::now();
        match b.begin(None, Duration::from_millis(50), Concurrency::Locked).map(drop) {
            Err(Error::Fault(Fault::Busy { .. })) => {}
            other => panic!("{}: {other:?}", workspace.name()),
        }
        assert!(asked.elapsed() >= Duration::from_millis(50), "{}", workspace.name());
        assert_eq!(reports(b.as_ref(), None)[0], "first", "{}", workspace.name());
        let ledger = decided(locked.as_ref(), A, &update("1.1.1", ReportedStatus::Completed, "second"));
        locked.commit(&ledger).unwrap();
        b.begin(None, Duration::from_millis(50), Concurrency::Locked).map(drop).unwrap();
        assert_eq!(reports(b.as_ref(), None)[0], "second", "{}", workspace.name());
    }
}

#[test]
fn a_workstream_is_named_by_id_or_name_else_the_current_one_is_meant() {
    for workspace in Workspace::all() {
        let store = workspace.open(None);
        for (wanted, id) in [(None, "001-search"), (Some("api"), "002-api"), (Some("002-api"), "002-api")] {
            assert_eq!(store.selected(wanted).unwrap(), id, "{}", workspace.name());
            assert_eq!(store.read(wanted).unwrap().scene().workstream, id, "{}", workspace.name());
            assert_eq!(store.lock(wanted).unwrap().snapshot().scene().is_default, id == "001-search");
        }
        let listed = store.list().unwrap();
        assert_eq!(
            (listed.workstreams, listed.current),
            (vec!["001-search".to_owned(), "002-api".to_owned()], Some("001-search".to_owned()))
        );
        let known = vec!["001-search".to_owned(), "002-api".to_owned()];
        let refused = [
            store.read(Some("apis")).map(drop),
            store.lock(Some("apis")).map(drop),
            store.selected(Some("apis")).map(drop),
        ];
        for refused in refused {
            match refused {
                Err(Error::Refusal(Refusal::UnknownWorkstream { given, known: told })) => {
                    assert_eq!((given.as_str(), &told), ("apis", &known), "{}", workspace.name());
                }
                other => panic!("{}: {other:?}", workspace.name()),
            }
        }
    }
}

#[test]
fn a_server_at_work_in_a_workstream_means_that_one() {
    for workspace in Workspace::all() {
        let (a, b) = (workspace.open(Some(A)), workspace.open(Some(B)));
        // A report on a pending thread opens a cycle, which A holds from then on.
        for round in 0..3 {
            report(a.as_ref(), A, "1.1.1", &format!("round {round}"));
        }
        let person = workspace.open(None);
        transact_for_person(person.as_ref(), &SystemClock, Some("api"), &PersonRequest::SetCurrent).unwrap();
        for (store, id) in [(&a, "001-search"), (&b, "002-api"), (&person, "002-api")] {
            assert_eq!(store.selected(None).unwrap(), id, "{}", workspace.name());
            assert_eq!(store.read(None).unwrap().scene().workstream, id, "{}", workspace.name());
            assert_eq!(store.lock(None).unwrap().snapshot().scene().workstream, id, "{}", workspace.name());
            assert_eq!(store.list().unwrap().current.as_deref(), Some(id), "{}", workspace.name());
        }
        let is_default = a.read(None).unwrap().scene().is_default;
        assert!(!is_default, "{}: a bare command of a person means another one", workspace.name());
        for round in 3..6 {
            report(a.as_ref(), A, "1.1.2", &format!("round {round}"));
            let known = known(a.as_ref()).map(|known| known.snapshot().scene().workstream.to_owned());
            assert!(known.is_none_or(|known| known == "001-search"), "{}", workspace.name());
        }
        assert_eq!(reports(person.as_ref(), Some("api")), ["", ""], "{}", workspace.name());
        // A second hold makes it unclear which workstream A means, until a person ends one of them.
        let locked = a.lock(Some("api")).unwrap();
        let ledger = decided(locked.as_ref(), A, &update("1.1.1", ReportedStatus::Completed, "there"));
        locked.commit(&ledger).unwrap();
        let refused = [a.selected(None).map(drop), a.read(None).map(drop), a.lock(None).map(drop)];
        for refused in refused {
            match refused {
                Err(Error::Refusal(Refusal::WorksInSeveral { held })) => {
                    assert_eq!(held, ["001-search", "002-api"], "{}", workspace.name());
                }
                other => panic!("{}: {other:?}", workspace.name()),
            }
        }
        assert!(known(a.as_ref()).is_none(), "{}", workspace.name());
        transact_for_person(person.as_ref(), &SystemClock, Some("api"), &PersonRequest::Release).unwrap();
        assert_eq!(a.read(None).unwrap().scene().workstream, "001-search", "{}", workspace.name());
    }
}

#[test]
fn a_name_that_two_workstreams_have_is_refused() {
    let disk = MemoryDisk::with(&[
        ("/w/work/index.json", r#"{"streams": [{"id": "001-a", "name": "a"}, {"id": "b", "name": "a"}]}"#),
        ("/w/work/001-a/PLAN.md", "# Plan: A\n"),
        ("/w/work/b/PLAN.md", "# Plan: A\n"),
    ]);
    let store = FileStore::on(
        Arc::new(disk),
        WorkspaceLocation { directory: "/w".into(), ..WorkspaceLocation::default() },
        None,
    );
    let refused = store.read(Some("a")).unwrap_err();
    assert_eq!(refused.to_string(), "2 workstreams are called \"a\" or begin so");
    assert_eq!(store.read(Some("b")).unwrap().scene().workstream, "b");
}

#[test]
fn a_thread_that_runs_only_in_another_workstream_is_refused() {
    for workspace in Workspace::all() {
        let (a, person) = (workspace.open(Some(A)), workspace.open(None));
        let thread = "1.1.1".parse().unwrap();
        let clear = || require_a_clear_thread(person.as_ref(), thread);
        clear().unwrap();
        let start = |workstream: &str| {
            let locked = a.lock(Some(workstream)).unwrap();
            let ledger = decided(locked.as_ref(), A, &update("1.1.1", ReportedStatus::InProgress, ""));
            locked.commit(&ledger).unwrap();
        };
        start("api");
        match clear() {
            Err(Error::Refusal(Refusal::RunsElsewhere { selected, running, .. })) => {
                assert_eq!((selected.as_str(), running.as_slice()), ("001-search", &["002-api".to_owned()][..]));
            }
            other => panic!("{}: {other:?}", workspace.name()),
        }
        start("search");
        clear().unwrap();
    }
}

#[test]
fn a_report_that_names_no_workstream_does_not_land_in_the_wrong_one() {
    for workspace in Workspace::all() {
        let (planner, worker) =
            (workspace.open(Some(A)), AgentDoor::new(workspace.open(Some(B)), Box::new(SystemClock), B));
        let locked = planner.lock(Some("api")).unwrap();
        let ledger = decided(locked.as_ref(), A, &AgentRequest::NextBatch);
        locked.commit(&ledger).unwrap();
        let report = || update("1.1.1", ReportedStatus::Completed, "done");
        match worker.ask(Ask::new(None, report())) {
            Err(Error::Refusal(Refusal::RunsElsewhere { running, .. })) => {
                assert_eq!(running, ["002-api"], "{}", workspace.name());
            }
            other => panic!("{}: {:?}", workspace.name(), other.map(drop)),
        }
        worker.ask(Ask::new(Some("001-search"), report())).unwrap();
        worker.ask(Ask::new(None, report())).unwrap();
    }
}

#[test]
fn an_optimistic_write_fails_once_another_process_has_written() {
    for workspace in Workspace::all() {
        let (a, b) = (workspace.open(Some(A)), workspace.open(Some(B)));
        assert!(known(a.as_ref()).is_none(), "{}: it has read nothing yet", workspace.name());
        for round in 0..3 {
            report(a.as_ref(), A, "1.1.1", &format!("round {round}"));
        }
        // Only a store that locks single workstreams decides without the lock; files take it, since it costs little.
        assert_eq!(known(a.as_ref()).is_some(), a.lock_scope() == LockScope::Workstream, "{}", workspace.name());
        let Some(begun) = known(a.as_ref()) else { continue };
        let ledger = decided(begun.as_ref(), A, &update("1.1.1", ReportedStatus::Completed, "known"));
        begun.commit(&ledger).unwrap();
        assert_eq!(reports(b.as_ref(), None)[0], "known");

        let begun = known(a.as_ref()).unwrap();
        let ledger = decided(begun.as_ref(), A, &update("1.1.1", ReportedStatus::Completed, "too late"));
        report(b.as_ref(), B, "1.1.2", "before");
        assert!(matches!(begun.commit(&ledger), Err(Fault::Overtaken { .. })), "{}", workspace.name());
        assert_eq!(reports(b.as_ref(), None), ["known", "before"]);
        assert!(known(a.as_ref()).is_none(), "it is asked again");
    }
}

#[test]
fn a_server_that_holds_something_is_alive_until_it_ends() {
    for workspace in Workspace::all() {
        let (a, b) = (workspace.open(Some(A)), workspace.open(Some(B)));
        let lives = || b.read(None).unwrap().scene().alive.contains(&A);
        let locked = a.lock(None).unwrap();
        let ledger = decided(locked.as_ref(), A, &AgentRequest::NextBatch);
        locked.commit(&ledger).unwrap();
        assert!(lives(), "{}", workspace.name());
        a.end();
        drop(a);
        assert!(!lives(), "{}", workspace.name());
    }
}

#[test]
fn a_watch_tells_of_a_change() {
    for workspace in Workspace::all() {
        if matches!(workspace, Workspace::Memory(_)) {
            // A disk in memory reports no changes.
            continue;
        }
        let (a, b) = (workspace.open(Some(A)), workspace.open(Some(B)));
        report(a.as_ref(), A, "1.1.1", "before");
        let told = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&told);
        let mut watch = b.watch(Box::new(move || tell.store(true, Ordering::SeqCst))).unwrap();
        watch.follow(Some("001-search")).unwrap();
        let within = |limit: Duration| {
            let asked = Instant::now();
            while !told.load(Ordering::SeqCst) && asked.elapsed() < limit {
                std::thread::sleep(Duration::from_millis(5));
            }
            told.swap(false, Ordering::SeqCst)
        };
        // The watch may tell at once, since it does not know what changed before it began. Such a call is dropped here.
        let _ = within(Duration::from_millis(500));
        report(a.as_ref(), A, "1.1.1", "after");
        assert!(within(Duration::from_secs(10)), "{}", workspace.name());
    }
}

#[test]
fn a_workstream_gets_another_name_with_all_that_it_has() {
    for workspace in Workspace::all() {
        let (store, at) = (workspace.open(None), SystemClock.now());
        report(workspace.open(Some(A)).as_ref(), A, "1.1.1", "The schema is there.");
        let before = reports(store.as_ref(), Some("001-search"));
        let rename = |name: &str| store.lock(Some("001-search")).unwrap().rename(name, at);
        assert!(matches!(rename("API"), Err(Error::Refusal(Refusal::AlreadyExists { .. }))), "{}", workspace.name());
        assert!(matches!(rename("/"), Err(Error::Refusal(Refusal::BadName { .. }))), "{}", workspace.name());
        assert_eq!(rename("The Index").unwrap(), "001-the-index", "{}", workspace.name());
        // Also a process that knew it by its old name.
        for store in [store.as_ref(), workspace.open(None).as_ref()] {
            let listed = store.list().unwrap();
            assert_eq!(listed.workstreams, ["001-the-index", "002-api"], "{}", workspace.name());
            assert_eq!(listed.current.as_deref(), Some("001-the-index"), "{}", workspace.name());
            assert_eq!(reports(store, Some("the-index")), before, "{}", workspace.name());
            assert!(store.read(Some("001-search")).is_err(), "{}", workspace.name());
        }
        report(workspace.open(Some(A)).as_ref(), A, "1.1.2", "The rows are there.");
    }
}

#[test]
fn a_deleted_workstream_is_gone_and_the_others_stay() {
    for workspace in Workspace::all() {
        let (store, at) = (workspace.open(None), SystemClock.now());
        report(workspace.open(Some(A)).as_ref(), A, "1.1.1", "The schema is there.");
        store.lock(Some("001-search")).unwrap().delete(at).unwrap();
        for store in [store.as_ref(), workspace.open(None).as_ref()] {
            let listed = store.list().unwrap();
            assert_eq!(listed.workstreams, ["002-api"], "{}", workspace.name());
            assert_eq!(listed.current.as_deref(), Some("002-api"), "the only one; {}", workspace.name());
            assert!(store.read(Some("001-search")).is_err(), "{}", workspace.name());
        }
    }
}

#[test]
fn an_archived_workstream_is_not_the_current_one() {
    for workspace in Workspace::all() {
        let store = workspace.open(None);
        let request = |request: &PersonRequest| {
            transact_for_person(store.as_ref(), &SystemClock, Some("001-search"), request).unwrap();
            let listed = store.list().unwrap();
            (listed.archived, listed.current)
        };
        let (archived, current) = request(&PersonRequest::Archive);
        assert_eq!(
            (archived, current.as_deref()),
            (vec!["001-search".to_owned()], Some("002-api")),
            "{}",
            workspace.name()
        );
        assert_eq!(request(&PersonRequest::Restore), (Vec::new(), None), "{}", workspace.name());
    }
}
