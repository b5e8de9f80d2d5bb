//! Cuts the connection to the database after each message of a call. The call must be carried out once, or fail and
//! change nothing, and the next call must work.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::crash_tests::{A, EDIT, Process, SCENARIOS, Scenario, drafted, edited_plan};
use super::*;
use crate::app::push;
use crate::store::files::disk::memory::MemoryDisk;
use crate::store::{FileStore, Overwrite, PostgresStore, WorkspaceLocation, execute, open, postgres_for_tests};

/// A proxy between a process and its database. After a number of messages it cuts the connection, or calls an event
/// before the next message.
struct Cutter {
    port: u16,
    /// The number of messages still to let through; negative: all.
    left: Arc<AtomicI64>,
    happens: Arc<Mutex<Option<Event>>>,
}

type Event = Box<dyn FnOnce() + Send>;

impl Cutter {
    fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, server) = (listener.local_addr().unwrap().port(), server.to_owned());
        let left = Arc::new(AtomicI64::new(-1));
        let happens: Arc<Mutex<Option<Event>>> = Arc::default();
        let (count, event) = (Arc::clone(&left), Arc::clone(&happens));
        thread::spawn(move || {
            for near in listener.incoming() {
                let (near, far) = (near.unwrap(), TcpStream::connect(&server).unwrap());
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (count, event) = (Arc::clone(&count), Arc::clone(&event));
                    thread::spawn(move || Self::carry(from, to, &count, &event));
                }
            }
        });
        Self { port, left, happens }
    }

    /// Copies messages from one side to the other, until the connection is cut.
    fn carry(mut from: TcpStream, mut to: TcpStream, left: &AtomicI64, happens: &Mutex<Option<Event>>) {
        let _ = (from.set_nodelay(true), to.set_nodelay(true));
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| (left >= 0).then(|| left - 1));
            if before == Ok(0) {
                match happens.lock().unwrap().take() {
                    Some(event) => event(),
                    None => break,
                }
            }
            if to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Lets so many messages through, then cuts the connection.
    fn cut_after(&self, messages: i64) {
        self.left.store(messages, Ordering::SeqCst);
    }

    /// Lets so many messages through, then calls `event` before the next one.
    fn after(&self, messages: i64, event: impl FnOnce() + Send + 'static) {
        *self.happens.lock().unwrap() = Some(Box::new(event));
        self.cut_after(messages);
    }

    /// Lets everything through from now on. Returns whether the connection was cut or the event called.
    fn is_cut(&self) -> bool {
        self.left.swap(-1, Ordering::SeqCst) < 0
    }
}

/// A workspace in a database, and the processes that use it.
struct World {
    database: String,
    cutter: Cutter,
    /// The store that resets the workspace.
    pusher: PostgresStore,
    /// A process whose connections are not cut.
    other: Process,
}

fn files_place() -> WorkspaceLocation {
    WorkspaceLocation { root: Some(Path::new("/w").to_owned()), ..WorkspaceLocation::default() }
}

fn files() -> FileStore {
    FileStore::on(Arc::new(drafted()), files_place(), None)
}

fn place(url: &str) -> WorkspaceLocation {
    WorkspaceLocation { store: Some(url.to_owned()), ..WorkspaceLocation::default() }
}

fn process(url: &str) -> Process {
    Process::of(open(place(url), Some(A)).unwrap(), files())
}

/// Returns the text without the JSON strings that are times, such as "2026-11-22T12:00:00.000Z".
fn timeless(text: &str) -> String {
    text.split_inclusive("Z\"").map(|part| part.rsplit_once("\"20").map_or(part, |(before, _)| before)).collect()
}

impl World {
    fn new(database: String) -> Self {
        let (_, server) = database.split_once('@').unwrap();
        let cutter = Cutter::before(server.split_once('/').unwrap().0);
        let (pusher, other) = (PostgresStore::new(place(&database), None).unwrap(), process(&database));
        Self { database, cutter, pusher, other }
    }

    /// Starts a process whose connections go through the proxy.
    fn process(&self) -> Process {
        let (user, server) = self.database.split_once('@').unwrap();
        process(&format!("{user}@127.0.0.1:{}/{}", self.cutter.port, server.split_once('/').unwrap().1))
    }

    /// Resets the workspace and makes the calls before the failure, by `process`.
    fn prepare(&self, scenario: &Scenario, process: &Process) {
        push(&files(), &self.pusher, None, Overwrite::All).unwrap();
        for call in scenario.before {
            match *call {
                EDIT => {
                    let plan = edited_plan();
                    let files = [("/w/work/index.json", "{}"), ("/w/work/001-search/PLAN.md", plan.as_str())];
                    let files = FileStore::on(Arc::new(MemoryDisk::with(&files)), files_place(), None);
                    push(&files, &self.pusher, Some("001-search"), Overwrite::Plans).unwrap();
                }
                call => process.call(call).unwrap(),
            }
        }
    }

    /// Returns the state, and the events since the reset, without times.
    fn state(&self) -> String {
        let sql = "SELECT concat(current_workstream, entry) FROM work.workspaces, work.workstreams
            UNION ALL SELECT * FROM (SELECT record::text FROM work.threads ORDER BY stage, batch, thread) t
            UNION ALL SELECT * FROM (SELECT record::text FROM work.cycles ORDER BY position) c
            UNION ALL SELECT * FROM (SELECT event::text FROM work.events WHERE revision >
                (SELECT max(revision) FROM work.events WHERE event ->> 'event' = 'pushed') ORDER BY revision, ordinal) e";
        let rows = execute(&self.database, sql).join("\n");
        timeless(&rows)
    }

    /// Cuts the call after 0, 1, 2, … messages, until it has as many as it needs. `warm` is the process that makes the
    /// call, with open connections and a cached copy; without it each call has a new process. Returns the number of
    /// messages of a whole call.
    fn cut_everywhere(&self, scenario: &Scenario, warm: Option<&Process>) -> usize {
        self.prepare(scenario, &self.other);
        let old = self.state();
        let whole = timeless(&self.other.answer(scenario.call).unwrap());
        let new = self.state();
        assert_ne!(old, new, "{}: it changes something", scenario.name);
        for messages in 0.. {
            self.prepare(scenario, warm.unwrap_or(&self.other));
            let cold;
            let process = if let Some(warm) = warm {
                warm
            } else {
                cold = self.process();
                &cold
            };
            self.cutter.cut_after(messages);
            let answered = process.answer(scenario.call).map(|answer| timeless(&answer));
            let was_cut = self.cutter.is_cut();
            let what = format!("{}, cut after {messages} messages: {answered:?}", scenario.name);
            let now = self.state();
            assert!(now == new || answered.is_err() && now == old, "{what}: {now}");
            // A call that was carried out twice would have another answer: the second time it would find its own
            // change.
            assert!(answered.as_ref().map_or(true, |answer| *answer == whole), "{what}, not {whole}");
            for process in [process, &self.other] {
                match process.call(scenario.call) {
                    Ok(()) | Err(Error::Refusal(Refusal::AlreadyExists { .. })) => {}
                    Err(stopped) => panic!("{what}, then {stopped}"),
                }
            }
            if !was_cut {
                assert!(answered.is_ok(), "{what}");
                return usize::try_from(messages).unwrap();
            }
        }
        unreachable!("a call ends");
    }
}

#[test]
fn a_call_whose_connection_is_cut_at_any_message_is_carried_out_once_or_not_at_all() {
    let Some(database) = postgres_for_tests() else { return };
    let world = World::new(database);
    // A new process: this also cuts the login and the settings of a connection.
    assert!(world.cut_everywhere(&SCENARIOS[0], None) > 20);
    let warm = world.process();
    for scenario in SCENARIOS.iter().filter(|scenario| !["init", "create", "current"].contains(&scenario.call)) {
        // At least one request and one response.
        assert!(world.cut_everywhere(scenario, Some(&warm)) >= 2, "{}", scenario.name);
    }
}

/// Another process pushes a plan between any two messages of a read that has something new to read.
#[test]
fn a_plan_that_is_pushed_in_the_middle_of_a_read_is_seen() {
    let Some(database) = postgres_for_tests() else { return };
    let world = World::new(database.clone());
    let reader = world.process();
    for messages in 0.. {
        world.prepare(&SCENARIOS[2], &reader);
        world.other.call("complete").unwrap();
        let (url, name) = (database.clone(), format!("Search {messages}"));
        let plan = drafted().texts()["/w/work/001-search/PLAN.md"].replace("Search", &name);
        let (pushed, is_pushed) = std::sync::mpsc::channel();
        world.cutter.after(messages, move || {
            let files = [("/w/work/index.json", "{}"), ("/w/work/001-search/PLAN.md", plan.as_str())];
            let files = FileStore::on(Arc::new(MemoryDisk::with(&files)), files_place(), None);
            push(&files, &PostgresStore::new(place(&url), None).unwrap(), Some("001-search"), Overwrite::Plans)
                .unwrap();
            pushed.send(()).unwrap();
        });
        let _ = reader.door.store().read(Some("001-search")).unwrap();
        let happened = world.cutter.is_cut();
        if !happened {
            assert!(messages > 2, "{messages}");
            break;
        }
        // The read can end before the proxy calls the event at its last message. So wait for the push.
        is_pushed.recv().unwrap();
        let snapshot = reader.door.store().read(Some("001-search")).unwrap();
        assert!(snapshot.scene().plan_text.contains(&name), "pushed after {messages} messages");
    }
}
