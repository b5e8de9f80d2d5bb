//! Property test: two branches go on from a common state by the real rules, and are merged.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::Value;

use super::super::json::{laid_out, unknown_version};
use super::super::markers::marker_line;
use super::*;
use crate::board::{Board, Budget, ReportedStatus, ServerId, Thread, Usage};
use crate::clock::Clock;
use crate::decide::{AgentRequest, AssignThread, PersonRequest, RecordUsage, UpdateThread};
use crate::fault::Error;
use crate::index::Index;
use crate::moment::Moment;
use crate::plan::ThreadId;
use crate::store::files::disk::memory::MemoryDisk;
use crate::store::{FileStore, NewWorkstream, Store as _, WorkspaceLocation};
use crate::transact::{AgentDoor, Ask, transact_for_person};

const PLAN: &str = "\
# Plan: Search
## Stages
### Stage 1: Index
##### Batch 1: Storage
###### Thread 1: Schema @agent:system-engineer-codex
###### Thread 2: Rows @agent:frontend-designer-grok
###### Thread 3: Notes
##### Batch 2: Queries
###### Thread 1: Parser @agent:system-engineer-codex
###### Thread 2: Words
### Stage 2: API
##### Batch 1: Routes
###### Thread 1: Routes @agent:system-engineer-opus
";

const ROSTER: &str = "agents: [{name: system-engineer-codex}, {name: system-engineer-opus}, {name: frontend-designer-grok}, \
                      {name: frontend-designer-opus}, {name: default}]\n";

const THREADS: [(u16, u16, u16); 6] = [(1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 2, 1), (1, 2, 2), (2, 1, 1)];

/// What happens on a branch.
#[derive(Debug, Clone)]
enum Step {
    Next,
    /// A worker says something of the thread of this number.
    Report(usize, ReportedStatus, bool),
    Assign(usize, &'static str),
    /// It is told what an attempt used.
    Used(usize, u32, u64),
    /// The same by a person, who may do it to any thread at any time.
    Person(usize, ReportedStatus),
    Retry(usize),
    ApproveStage(u16),
    RevokeStage(u16),
    /// The plan is changed, and then approved.
    ApprovePlan,
    RevokePlan,
    Create,
    /// The server ends, and another one takes its place.
    Restart,
}

/// A repository with one server, on a machine of its own.
struct Branch {
    disk: MemoryDisk,
    clock: SetClock,
    /// What makes its texts different from those of others.
    name: &'static str,
    server: u128,
    texts: usize,
}

#[derive(Clone)]
struct SetClock(Arc<AtomicI64>);

impl Clock for SetClock {
    fn now(&self) -> Moment {
        let second = self.0.fetch_add(1, Ordering::Relaxed);
        Moment::parse(&jiff::Timestamp::from_second(second).unwrap().to_string()).unwrap()
    }
}

fn place() -> WorkspaceLocation {
    WorkspaceLocation { root: Some(Path::new("/w").to_owned()), ..WorkspaceLocation::default() }
}

fn id(of: usize) -> ThreadId {
    let (stage, batch, thread) = THREADS[of];
    ThreadId::new(stage, batch, thread)
}

const THREADS_FILE: &str = "/w/work/001-search/threads.json";
const INDEX_FILE: &str = "/w/work/index.json";

impl Branch {
    fn new() -> Self {
        let hash = crate::plan::PlanHash::of(PLAN);
        let approval = format!(r#"{{"status":"approved","plan_hash":"{}"}}"#, hash.as_str());
        let index = format!(r#"{{"version":"1.0.0","streams":[{{"id":"001-search","approval":{approval}}}]}}"#);
        let disk = MemoryDisk::with(&[
            (INDEX_FILE, &format!("{}\n", laid_out(&index, 0).unwrap())),
            ("/w/work/agents.yaml", ROSTER),
            ("/w/work/001-search/PLAN.md", PLAN),
            ("/w/work/001-search/.PLAN.approved.md", PLAN),
        ]);
        Self { disk, clock: SetClock(Arc::new(AtomicI64::new(1_767_225_600))), name: "base", server: 1, texts: 0 }
    }

    /// Returns a branch that begins with the files of this one, on another machine: no server of this one lives there.
    fn branch(&self, name: &'static str, server: u128, later: i64) -> Self {
        let texts: Vec<(String, String)> =
            self.disk.texts().into_iter().filter(|(path, _)| !path.contains("/.run/")).collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let clock = SetClock(Arc::new(AtomicI64::new(self.clock.0.load(Ordering::Relaxed) + later)));
        Self { disk: MemoryDisk::with(&files), clock, name, server, texts: 0 }
    }

    fn store(&self, server: Option<u128>) -> FileStore {
        FileStore::on(Arc::new(self.disk.clone()), place(), server.map(ServerId::fixed))
    }

    fn text(&self, path: &str) -> String {
        self.disk.bytes(path).map(|bytes| String::from_utf8(bytes).unwrap()).unwrap_or_default()
    }

    fn go(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        let new_door = |branch: &Self| {
            let store = Box::new(branch.store(Some(branch.server)));
            AgentDoor::new(store, Box::new(branch.clock.clone()), ServerId::fixed(branch.server))
        };
        let mut door = new_door(self);
        for step in steps {
            self.texts += 1;
            let (said, by) = (format!("{} {}", self.name, self.texts), "ann".to_owned());
            let update = |thread: &usize, status: ReportedStatus, transient, force| {
                let report = (!matches!(status, ReportedStatus::Pending)).then(|| said.clone());
                UpdateThread { report, transient, force, ..UpdateThread::new(id(*thread), status, "") }
            };
            let assign = |thread: &usize, agent: &&str| AssignThread {
                thread: id(*thread),
                agent: Some((*agent).to_owned()),
                reason: Some(said.clone()),
                force: false,
            };
            let stage = |number: &u16| crate::plan::StageNumber(*number);
            let reason = Some(said.clone());
            let request = match step {
                Step::Next => Ok(AgentRequest::NextBatch),
                Step::Report(thread, status, transient) => {
                    Ok(AgentRequest::UpdateThread(update(thread, *status, *transient, false)))
                }
                Step::Used(thread, attempt, input_tokens) => {
                    let usage = Usage { input_tokens: *input_tokens, ..Usage::default() };
                    Ok(AgentRequest::RecordUsage(RecordUsage { thread: id(*thread), attempt: *attempt, usage }))
                }
                Step::Assign(thread, agent) => Ok(AgentRequest::AssignThread(assign(thread, agent))),
                Step::Person(thread, status) => Err(PersonRequest::UpdateThread(update(thread, *status, false, true))),
                Step::Retry(thread) => Err(PersonRequest::Retry(Some(id(*thread)))),
                Step::ApproveStage(number) => {
                    Err(PersonRequest::ApproveStage { stage: stage(number), force: false, by, checked: None })
                }
                Step::RevokeStage(number) => Err(PersonRequest::RevokeStage { stage: stage(number), by, reason }),
                Step::ApprovePlan => {
                    let plan = self.text("/w/work/001-search/PLAN.md");
                    self.disk.put("/w/work/001-search/PLAN.md", format!("{plan}\n{said}\n"));
                    Err(PersonRequest::ApprovePlan {
                        force: true,
                        mapping: crate::decide::Mapping::default(),
                        by,
                        seen: None,
                    })
                }
                Step::RevokePlan => Err(PersonRequest::RevokePlan { by, reason }),
                Step::Create => {
                    let new = NewWorkstream { name: &said, plan: PLAN, threads: None };
                    self.store(None).add(&new, self.clock.now()).unwrap();
                    continue;
                }
                Step::Restart => {
                    door.store().end();
                    self.server += 10;
                    door = new_door(self);
                    continue;
                }
            };
            let done = match request {
                Ok(request) => door.ask(Ask::new(Some("001-search"), request)).map(drop),
                Err(request) => {
                    transact_for_person(&self.store(None), &self.clock, Some("001-search"), &request).map(drop)
                }
            };
            if let Err(Error::Fault(fault)) = done {
                return Err(TestCaseError::fail(fault.to_string()));
            }
        }
        door.store().end();
        Ok(())
    }
}

/// The three boards and indexes of a merge, and what came of it.
struct Versions<T> {
    base: T,
    ours: T,
    theirs: T,
}

fn board(text: &str) -> Arc<Board> {
    let text = (!text.is_empty()).then_some(text);
    threads_json::read(text, &TasksJson::default()).unwrap().board
}

fn index(text: &str) -> Index {
    index_json::read(text).unwrap()
}

/// Returns all that happened to a thread: its record, and its budgets in each cycle.
fn story(board: &Board, id: ThreadId) -> (Thread, Vec<Budget>) {
    let budgets = board.cycles().iter().map(|cycle| cycle.budget(id)).filter(|budget| *budget != Budget::default());
    (board.thread(id).into_owned(), budgets.collect())
}

/// Returns the document without what must depend on the side: the order of lists, the holder, the current workstream.
fn without_sides(text: &str) -> Value {
    fn sorted(value: &mut Value) {
        match value {
            Value::Array(values) => {
                values.iter_mut().for_each(sorted);
                values.sort_by_key(ToString::to_string);
            }
            Value::Object(map) => {
                map.remove("holder");
                map.remove("current_stream");
                map.values_mut().for_each(sorted);
                map.sort_keys();
            }
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).unwrap();
    sorted(&mut value);
    value
}

/// Returns the texts that a branch wrote.
fn texts_of(name: &str, text: &str) -> BTreeSet<String> {
    text.split('"').filter(|text| text.starts_with(&format!("{name} "))).map(str::to_owned).collect()
}

/// Checks what must hold of every merge, and returns the merged text if there was no conflict.
fn check(file: Mergeable, of: &Versions<String>) -> Result<Option<String>, TestCaseError> {
    let Versions { base, ours, theirs } = of;
    let merged = |base: &str, ours: &str, theirs: &str| {
        by_records(file, base, ours, theirs).map_err(|why| TestCaseError::fail(format!("{why}\n{ours}\n{theirs}")))
    };
    for side in [ours, theirs].into_iter().filter(|side| !side.is_empty()) {
        for (ours, theirs) in [(side, base), (base, side)].into_iter().filter(|_| !base.is_empty()) {
            match merged(base, ours, theirs)? {
                Merged::Clean(text) => prop_assert_eq!(without_sides(&text), without_sides(side)),
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
        prop_assert_eq!(merged(base, side, side)?, Merged::Clean(side.clone()));
    }
    if ours.is_empty() || theirs.is_empty() {
        return Ok(None);
    }
    let (merge, swapped) = (merged(base, ours, theirs)?, merged(base, theirs, ours)?);
    let text = match (&merge, &swapped) {
        (Merged::Clean(text), Merged::Clean(other)) => {
            prop_assert_eq!(without_sides(text), without_sides(other), "swapped sides");
            prop_assert_eq!(unknown_version(text).unwrap(), None);
            text
        }
        (Merged::Conflict(text, what), Merged::Conflict(_, others)) => {
            prop_assert_eq!(what, others, "swapped sides");
            prop_assert!(!what.is_empty() && marker_line(text).is_some());
            // Whoever keeps one side of all conflicts has a file that can be read.
            for kept in ["<<<<<<< ours", "======="] {
                let mut keeps = true;
                let mut one = String::new();
                for line in text.split_inclusive('\n') {
                    match line.trim_end() {
                        "<<<<<<< ours" => keeps = kept == "<<<<<<< ours",
                        "=======" => keeps = kept == "=======",
                        ">>>>>>> theirs" => keeps = true,
                        _ if keeps => one.push_str(line),
                        _ => {}
                    }
                }
                file.object(&one).map_err(|why| TestCaseError::fail(format!("{why}: {one}")))?;
            }
            text
        }
        other => return Err(TestCaseError::fail(format!("swapped sides: {other:?}"))),
    };
    for (name, side) in [("ours", ours), ("theirs", theirs)] {
        let lost: Vec<String> = texts_of(name, side).difference(&texts_of(name, text)).cloned().collect();
        prop_assert!(lost.is_empty(), "lost: {:?}\n{}", lost, text);
    }
    Ok(if let Merged::Clean(text) = merge { Some(text) } else { None })
}

/// Returns whether the stories of no thread were told by both sides; and checks that the merge has each of them.
fn check_threads(of: &Versions<String>) -> Result<bool, TestCaseError> {
    let merged = check(Mergeable::Threads, of)?;
    let boards = Versions { base: board(&of.base), ours: board(&of.ours), theirs: board(&of.theirs) };
    let ids = || (0..THREADS.len()).map(id);
    let is_changed = |side: &Board, id: ThreadId| story(side, id) != story(&boards.base, id);
    let overlaps = ids().any(|id| is_changed(&boards.ours, id) && is_changed(&boards.theirs, id));
    if of.ours.is_empty() || of.theirs.is_empty() {
        return Ok(false);
    }
    let Some(merged) = merged else {
        prop_assert!(overlaps, "a conflict without a reason:\n{}\n{}\n{}", of.base, of.ours, of.theirs);
        return Ok(false);
    };
    let merged = board(&merged);
    for id in ids() {
        let from = match (is_changed(&boards.ours, id), is_changed(&boards.theirs, id)) {
            (_, false) => &boards.ours,
            (false, true) => &boards.theirs,
            (true, true) => continue,
        };
        prop_assert_eq!(story(&merged, id), story(from, id), "thread {}", id);
    }
    for side in [&boards.ours, &boards.theirs] {
        for cycle in side.cycles() {
            let is_there = |other: &&crate::board::Cycle| (other.batch, other.number) == (cycle.batch, cycle.number);
            prop_assert_eq!(merged.cycles().iter().filter(is_there).count(), 1, "{:?}", cycle);
        }
    }
    Ok(!overlaps)
}

/// The same of index.json and its entries.
fn check_index(of: &Versions<String>) -> Result<(), TestCaseError> {
    let merged = check(Mergeable::Index, of)?;
    let indexes = Versions { base: index(&of.base), ours: index(&of.ours), theirs: index(&of.theirs) };
    let is_changed = |side: &Index, id: &str| side.entry(id) != indexes.base.entry(id);
    let both = is_changed(&indexes.ours, "001-search") && is_changed(&indexes.theirs, "001-search");
    let Some(merged) = merged.map(|text| index(&text)) else {
        prop_assert!(both, "a conflict without a reason:\n{}\n{}", of.ours, of.theirs);
        return Ok(());
    };
    for (side, other) in [(&indexes.ours, &indexes.theirs), (&indexes.theirs, &indexes.ours)] {
        for entry in side.entries.iter().filter(|entry| !is_changed(other, &entry.id)) {
            prop_assert_eq!(merged.entry(&entry.id), Some(entry));
        }
    }
    // No approval comes of a merge that neither side gave.
    if let Some(entry) = merged.entry("001-search") {
        let given = [&indexes.ours, &indexes.theirs].map(|side| side.entry("001-search").unwrap().approvals.clone());
        let plan = |approvals: &crate::index::Approvals| (approvals.plan.status, approvals.plan_hash.clone());
        prop_assert!(given.iter().any(|given| plan(given) == plan(&entry.approvals)));
        for (stage, approval) in &entry.approvals.stages {
            prop_assert!(given.iter().any(|given| given.stages.get(stage) == Some(approval)));
        }
    }
    Ok(())
}

fn step(threads: Vec<usize>, has_gates: bool) -> impl Strategy<Value = Step> {
    use ReportedStatus::{Blocked, Cancelled, Completed, Failed, InProgress, Pending};
    let thread = proptest::sample::select(threads);
    let said = proptest::sample::select(vec![InProgress, InProgress, Completed, Completed, Blocked, Failed]);
    let agent = proptest::sample::select(vec!["system-engineer-opus", "frontend-designer-opus", "default"]);
    let persons = proptest::sample::select(vec![Pending, Cancelled, Completed, Failed]);
    let stage = 1..=2_u16;
    prop_oneof![
        6 => Just(Step::Next),
        20 => (thread.clone(), said, any::<bool>()).prop_map(|(thread, said, transient)| Step::Report(thread, said, transient)),
        3 => (thread.clone(), 1..4_u32, 1..3_u64).prop_map(|(thread, attempt, used)| Step::Used(thread, attempt, used)),
        2 => (thread.clone(), agent).prop_map(|(thread, agent)| Step::Assign(thread, agent)),
        3 => (thread.clone(), persons).prop_map(|(thread, status)| Step::Person(thread, status)),
        2 => thread.prop_map(Step::Retry),
        if has_gates { 3 } else { 1 } => stage.clone().prop_map(Step::ApproveStage),
        if has_gates { 2 } else { 1 } => prop_oneof![
            stage.prop_map(Step::RevokeStage),
            Just(Step::ApprovePlan),
            Just(Step::RevokePlan),
        ].prop_map(move |step| if has_gates { step } else { Step::Next }),
        1 => Just(Step::Create),
        1 => Just(Step::Restart),
    ]
}

fn steps(threads: &[usize], has_gates: bool, number: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(threads.to_vec(), has_gates), number)
}

fn histories() -> impl Strategy<Value = [Vec<Step>; 3]> {
    const ALL: [usize; 6] = [0, 1, 2, 3, 4, 5];
    prop_oneof![
        // Each branch has threads of its own, or both may take any.
        2 => (steps(&ALL, false, 0..20), steps(&[0, 3, 4], true, 1..20), steps(&[1, 2, 5], false, 1..20)),
        1 => (steps(&ALL, true, 0..20), steps(&ALL, true, 1..20), steps(&ALL, true, 1..20)),
    ]
    .prop_map(|(base, ours, theirs)| [base, ours, theirs])
}

/// The same 300 histories each time; with `WORK_MODEL_CASES` that many random ones.
#[test]
#[expect(clippy::disallowed_methods, reason = "who runs the test says how long it runs")]
fn branches_that_went_on_by_the_rules_are_merged() {
    let wanted = std::env::var("WORK_MODEL_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = ProptestConfig {
        cases: wanted.unwrap_or(300),
        rng_seed: if wanted.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) },
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let (apart, both) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let done = TestRunner::new(config).run(&(histories(), -50..50_i64), |([base, ours, theirs], later)| {
        let mut origin = Branch::new();
        origin.go(&base)?;
        let (mut our, mut their) = (origin.branch("ours", 2, 100), origin.branch("theirs", 3, 100 + later));
        our.go(&ours)?;
        their.go(&theirs)?;
        let versions =
            |path: &str| Versions { base: origin.text(path), ours: our.text(path), theirs: their.text(path) };
        let is_apart = check_threads(&versions(THREADS_FILE))?;
        check_index(&versions(INDEX_FILE))?;
        if is_apart { &apart } else { &both }.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    done.unwrap();
    let (apart, both) = (apart.into_inner(), both.into_inner());
    assert!(apart > 60 && both > 60, "{apart} histories changed different threads, {both} did not");
}
