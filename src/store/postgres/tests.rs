//! What can change in a database between the read of a server and its commit.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::PostgresStore;
use super::for_tests::{execute, postgres_for_tests};
use crate::app::push;
use crate::board::{ReportedStatus, Status};
use crate::clock::{Clock as _, SteppingClock, SystemClock};
use crate::decide::{AgentRequest, AssignThread, PersonRequest};
use crate::fault::Fault;
use crate::store::contract_tests::{A, B, INDEX, PLAN, decided, known, report, reports, update};
use crate::store::files::disk::memory::MemoryDisk;
use crate::store::{FileStore, Overwrite, Store, WorkspaceLocation, open};
use crate::transact::{AgentDoor, Ask, transact_for_person};

/// A workspace in a database that only one test uses.
struct Team(String);

impl Team {
    fn new() -> Option<Self> {
        let team = Self(postgres_for_tests()?);
        team.push(PLAN, "", Overwrite::Nothing);
        Some(team)
    }

    fn place(&self) -> WorkspaceLocation {
        WorkspaceLocation { store: Some(self.0.clone()), ..WorkspaceLocation::default() }
    }

    fn open(&self, server: crate::board::ServerId) -> Box<dyn Store> {
        open(self.place(), Some(server)).unwrap()
    }

    fn door(&self) -> AgentDoor {
        AgentDoor::new(self.open(A), Box::new(SystemClock), A)
    }

    /// Pushes a plan, and a roster unless it is empty.
    fn push(&self, plan: &str, roster: &str, overwrite: Overwrite) {
        let mut files = vec![("/w/work/index.json", INDEX), ("/w/work/001-search/PLAN.md", plan)];
        files.extend([("/w/work/002-api/PLAN.md", PLAN)]);
        if !roster.is_empty() {
            files.push(("/w/work/agents.yaml", roster));
        }
        let place = WorkspaceLocation { root: Some("/w".into()), ..WorkspaceLocation::default() };
        let files = FileStore::on(Arc::new(MemoryDisk::with(&files)), place, None);
        push(&files, &PostgresStore::new(self.place(), None).unwrap(), None, overwrite).unwrap();
    }

    fn choose(&self, workstream: &str) {
        let store = open(self.place(), None).unwrap();
        transact_for_person(store.as_ref(), &SystemClock, Some(workstream), &PersonRequest::SetCurrent).unwrap();
    }

    fn sql(&self, sql: &str) -> Vec<String> {
        execute(&self.0, sql)
    }
}

/// Makes server A decide on its own copy, then calls `happens`. The optimistic commit must fail and write nothing.
fn is_overtaken_by(team: &Team, a: &dyn Store, happens: impl FnOnce()) {
    for round in 0..3 {
        report(a, A, "1.1.1", &format!("round {round}"));
    }
    let known = known(a).unwrap();
    let ledger = decided(known.as_ref(), A, &update("1.1.1", ReportedStatus::Completed, "as it was"));
    happens();
    assert!(matches!(known.commit(&ledger), Err(Fault::Overtaken { .. })));
    assert_eq!(team.sql("SELECT count(*) FROM work.events WHERE event::text LIKE '%as it was%'"), ["0"]);
}

#[test]
fn a_plan_a_roster_and_another_current_workstream_are_seen() {
    let Some(team) = Team::new() else { return };
    let a = team.open(A);
    is_overtaken_by(&team, a.as_ref(), || team.push(PLAN, "agents: [{name: default}]\n", Overwrite::Plans));
    assert!(a.read(None).unwrap().scene().roster.declared);
    is_overtaken_by(&team, a.as_ref(), || team.push(&PLAN.replace("Rows", "Lines"), "", Overwrite::Plans));
    assert!(a.read(None).unwrap().scene().plan_text.contains("Lines"));
    is_overtaken_by(&team, a.as_ref(), || team.choose("api"));
    // The server goes on with the cycle that it holds, although another workstream is current.
    assert_eq!(a.read(None).unwrap().scene().workstream, "001-search");
    let shell = open(team.place(), None).unwrap();
    assert_eq!(shell.read(None).unwrap().scene().workstream, "002-api");
}

#[test]
fn a_host_that_stood_still_asks_what_time_it_is() {
    let Some(team) = Team::new() else { return };
    is_overtaken_by(&team, team.open(A).as_ref(), || thread::sleep(Duration::from_millis(1_200)));
}

#[test]
fn a_host_whose_clock_is_wrong_writes_the_databases_time() {
    let Some(team) = Team::new() else { return };
    let door = AgentDoor::new(team.open(A), Box::new(SteppingClock::default()), A);
    let begun = SystemClock.now();
    for (thread, said, report) in [
        ("1.1.1", ReportedStatus::InProgress, ""),
        ("1.1.1", ReportedStatus::Completed, "done"),
        ("1.1.1", ReportedStatus::Completed, "done better"),
        // This decision is optimistic.
        ("1.1.2", ReportedStatus::InProgress, ""),
    ] {
        door.ask(Ask::new(None, update(thread, said, report))).unwrap();
    }
    let snapshot = door.store().read(None).unwrap();
    for id in ["1.1.1", "1.1.2"] {
        let started = snapshot.board().threads.get(id.parse().unwrap()).unwrap().attempts[0].started_at;
        let started = started.unwrap();
        assert!(started.since(begun) < Duration::from_secs(60) && begun.since(started) < Duration::from_secs(60));
    }
}

/// After a restore, or a failover to a standby that lags, the same revision comes again with another content.
#[test]
fn a_revision_that_comes_again_is_another_one() {
    let Some(team) = Team::new() else { return };
    let (a, b) = (team.open(A), team.open(B));
    report(b.as_ref(), B, "1.1.2", "b");
    let lost = "UPDATE work.workstreams SET stamp = DEFAULT;
        UPDATE work.events SET commit_id = w.stamp FROM work.workstreams w
            WHERE w.workstream_id = events.workstream_id AND w.revision = events.revision;
        UPDATE work.threads SET record = replace(record::text, '\"b\"', '\"c\"')::json, revision = w.revision
            FROM work.workstreams w WHERE w.workstream_id = threads.workstream_id AND thread = 2";
    is_overtaken_by(&team, a.as_ref(), || drop(team.sql(lost)));
    for store in [a, b] {
        assert_eq!(reports(store.as_ref(), None)[1], "c");
    }
}

#[test]
fn a_server_whose_lease_ran_out_begins_another_one_before_it_writes() {
    let Some(team) = Team::new() else { return };
    // A lease that ends earlier than 3 seconds after the start of the database counts for a while.
    team.sql("SELECT pg_sleep(greatest(0, 3.1 - extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())))");
    let door = team.door();
    let starts = update("1.1.2", ReportedStatus::InProgress, "");
    door.ask(Ask::new(None, starts)).unwrap();
    let run_out = "UPDATE work.servers SET lease_until = clock_timestamp()";
    is_overtaken_by(&team, door.store(), || drop(team.sql(run_out)));
    let runs = "SELECT count(*) FROM work.servers WHERE lease_until > now()";
    assert_eq!(team.sql(runs), ["0"]);
    door.ask(Ask::new(None, update("1.1.1", ReportedStatus::Completed, "later"))).unwrap();
    assert_eq!(team.sql(runs), ["1"]);
}

/// A push holds the row lock while it writes the roster.
#[test]
fn who_waited_for_a_row_decides_on_what_is_there_then() {
    let Some(team) = Team::new() else { return };
    team.push(PLAN, "agents: [{name: default}]\n", Overwrite::Plans);
    let door = team.door();
    let assign = AssignThread {
        thread: "1.1.1".parse().unwrap(),
        agent: Some("newcomer".to_owned()),
        reason: None,
        force: false,
    };
    let assign = Ask::new(None, AgentRequest::AssignThread(assign));
    door.ask(assign.clone()).unwrap_err();
    thread::scope(|scope| {
        let pushed = scope.spawn(|| {
            team.sql(
                "BEGIN; SELECT workstream_id FROM work.workstreams FOR NO KEY UPDATE;
                 UPDATE work.workspaces SET roster = 'agents: [{name: default}, {name: newcomer}]';
                 SELECT pg_sleep(0.6); UPDATE work.workstreams SET revision = revision + 1, stamp = DEFAULT; COMMIT",
            )
        });
        thread::sleep(Duration::from_millis(200));
        let refused = door.ask(assign.clone()).err().map(|stopped| stopped.to_string()).unwrap_or_default();
        assert!(!refused.contains("newcomer"), "{refused}");
        pushed.join().unwrap();
    });
}

#[test]
fn many_who_choose_the_current_workstream_do_not_stop_each_other() {
    let Some(team) = Team::new() else { return };
    thread::scope(|scope| {
        for chooser in 0..6 {
            let team = &team;
            scope.spawn(move || {
                for round in 0..5 {
                    team.choose(["001-search", "002-api"][(chooser + round) % 2]);
                }
            });
        }
    });
    let deadlocks = team.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
    assert_eq!(deadlocks, ["0"]);
}

#[test]
fn who_reads_comes_to_an_end_while_others_write() {
    let Some(team) = Team::new() else { return };
    let (a, b) = (team.open(A), team.open(B));
    let writes = std::sync::atomic::AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if !writes.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                report(b.as_ref(), B, "1.1.2", &format!("round {round}"));
            }
        });
        for _ in 0..100 {
            let snapshot = a.read(None).unwrap();
            assert!(snapshot.board().threads.iter().all(|(_, thread)| thread.status != Status::Blocked));
        }
        writes.store(false, std::sync::atomic::Ordering::Relaxed);
    });
}
