//! Property tests: random calls of planners, workers and a person, on a disk on which processes die at any step of a
//! commit, and with a clock that jumps.
//!
//! The program is compared with [`Model`], a second, naive implementation of the rules of docs/design.md (DESIGN §4 to
//! §7) that shares no code with it. Answers, state and invariants are compared after each step. A failure shrinks to a
//! short transcript. The model is changed together with each change of a rule, so these tests find slips of either
//! side, and not misunderstandings that both share.

mod model;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use self::model::{Call, Caller as Who, Id, Model, invariants};
use super::*;
use crate::board::{CheckResult, ReportedStatus, ServerId, Usage};
use crate::decide::{
    AgentAnswer, AgentRequest, AssignThread, CheckEnd, CheckFailure, Checked, ClearAssignment, Decision, OpenDecision,
    RecordUsage, UpdateThread,
};
use crate::moment::Moment;
use crate::store::files::disk::Disk;
use crate::store::files::disk::faulty::{Failure, FaultyDisk};
use crate::store::files::disk::memory::{Arrived, MemoryDisk};
use crate::store::{FileStore, Store, WorkspaceLocation};

const PLAN: &str = "\
# Plan: Search
## Stages
### Stage 1: Index
##### Batch 1: Storage
###### Thread 1: Schema @agent:system-engineer-codex
###### Thread 2: Rows @agent:frontend-designer-grok
**Check:** `make`
###### Thread 3: Notes
**After:** 01.01.01
##### Batch 2: Queries
###### Thread 1: Parser @agent:system-engineer-codex
### Stage 2: API
##### Batch 1: Routes
###### Thread 1: Routes @agent:system-engineer-opus
";

/// Returns an index in which the plan is approved, with its text: else no check of it may run.
fn index() -> String {
    let hash = crate::plan::PlanHash::of(PLAN);
    let (approval, hash) = (r#"{"status":"approved","plan_hash":"#, hash.as_str());
    format!(
        r#"{{"version":"1.0.0","streams":[{{"id":"001-search","name":"search","approval":{approval}"{hash}"}}}}]}}"#
    )
}

/// The number of servers at a time.
const SERVERS: usize = 3;

/// A step of a transcript.
#[derive(Clone)]
enum Step {
    Call(Caller, Call),
    /// The server dies at this step of its commit; if the commit has fewer steps, after the answer. Data that was not
    /// synced may be on the disk or not.
    Dies(usize, Call, usize, Option<Arrived>),
    /// The server ends and another one takes its place.
    Restarts(usize),
    /// The clock of the machine jumps by so many seconds.
    Clock(i64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Server(usize),
    Person,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |server: usize| char::from(b'A' + u8::try_from(server).unwrap_or_default());
        match self {
            Self::Call(Caller::Server(server), call) => write!(f, "{} {}", letter(*server), line(call)),
            Self::Call(Caller::Person, call) => write!(f, "person {}", line(call)),
            Self::Dies(server, call, step, arrived) => {
                let how =
                    arrived.map_or("is killed".to_owned(), |arrived| format!("loses power ({arrived:?} arrived)"));
                write!(f, "{} {how} at step {step} of: {}", letter(*server), line(call))
            }
            Self::Restarts(server) => write!(f, "{} restarts", letter(*server)),
            Self::Clock(seconds) => write!(f, "the clock jumps {seconds} s"),
        }
    }
}

fn line(call: &Call) -> String {
    let name = |id: &Id| format!("{:02}.{:02}.{:02}", id.0, id.1, id.2);
    match call {
        Call::Next => "next".to_owned(),
        Call::Outcome => "outcome".to_owned(),
        Call::Release => "release".to_owned(),
        Call::Complete => "complete".to_owned(),
        Call::ApproveStage { stage, force } => format!("approve stage {stage}{}", if *force { " --force" } else { "" }),
        Call::Assign { thread, agent, force } => {
            let force = if *force { " --force" } else { "" };
            format!("assign {} {}{force}", name(thread), agent.as_deref().unwrap_or(""))
        }
        Call::Clear { thread, force } => {
            format!("assign {} --clear{}", name(thread), if *force { " --force" } else { "" })
        }
        Call::Used { thread, attempt, tokens } => format!("{} #{attempt} used {tokens}", name(thread)),
        Call::Retry(thread) => format!("retry {}", thread.as_ref().map(name).unwrap_or_default()),
        Call::Update { thread, said, report, transient, attempt, passes, .. } => {
            let passes = if *passes { "" } else { " (its check fails)" };
            let transient = if *transient { " transient" } else { "" };
            let attempt = attempt.map(|number| format!(" #{number}")).unwrap_or_default();
            let report = report.as_ref().map(|report| format!(" {report:?}")).unwrap_or_default();
            format!("{said:?} {}{attempt}{transient}{report}{passes}", name(thread))
        }
    }
}

/// A clock that the test sets.
#[derive(Clone)]
struct SetClock(Arc<AtomicI64>);

impl Clock for SetClock {
    fn now(&self) -> Moment {
        let second = self.0.fetch_add(1, Ordering::Relaxed);
        Moment::parse(&jiff::Timestamp::from_second(second).unwrap().to_string()).unwrap()
    }
}

/// A server process.
struct Server {
    name: u8,
    disk: FaultyDisk,
    door: AgentDoor,
}

struct World {
    /// The URL of the database with the workspace; `None`: it is in the files of the disk.
    database: Option<String>,
    /// The person's store for that database. It is kept, because a login takes long in an unoptimised build.
    person: Option<Arc<AgentDoor>>,
    disk: MemoryDisk,
    clock: SetClock,
    servers: Vec<Server>,
    /// The number of servers so far, for the ids of new ones.
    names: u8,
    model: Model,
}

impl World {
    fn new() -> Self {
        let agents: Vec<String> = model::ROSTER.iter().map(|agent| format!("  - name: {agent}\n")).collect();
        let disk = MemoryDisk::with(&[
            ("/w/work/index.json", &index()),
            ("/w/work/agents.yaml", &format!("agents:\n{}", agents.concat())),
            ("/w/work/001-search/PLAN.md", PLAN),
        ]);
        let clock = SetClock(Arc::new(AtomicI64::new(1_767_225_600)));
        let mut world =
            Self { database: None, person: None, disk, clock, servers: Vec::new(), names: 0, model: Model::usual() };
        world.servers = (0..SERVERS).map(|_| world.start()).collect();
        world
    }

    /// Makes the same workspace in a database.
    #[cfg(feature = "postgres")]
    fn in_database(url: &str) -> Self {
        let mut world = Self::new();
        let place = WorkspaceLocation { store: Some(url.to_owned()), ..WorkspaceLocation::default() };
        let files = FileStore::on(Arc::new(world.disk.clone()), self::place(), None);
        let store = crate::store::PostgresStore::new(place, None).unwrap();
        crate::app::push(&files, &store, None, crate::store::Overwrite::Nothing).unwrap();
        world.database = Some(url.to_owned());
        world.person =
            Some(Arc::new(AgentDoor::new(Box::new(store), Box::new(world.clock.clone()), ServerId::fixed(0))));
        world.servers = (0..SERVERS).map(|_| world.start()).collect();
        world
    }

    fn store(&self, disk: Arc<dyn Disk>, server: Option<ServerId>) -> Box<dyn Store> {
        match &self.database {
            Some(url) => crate::store::open(
                WorkspaceLocation { store: Some(url.clone()), ..WorkspaceLocation::default() },
                server,
            )
            .unwrap(),
            None => Box::new(FileStore::on(disk, place(), server)),
        }
    }

    /// Returns a store for a caller that is no server.
    fn person(&self) -> Arc<AgentDoor> {
        self.person.clone().unwrap_or_else(|| {
            let store = self.store(Arc::new(self.disk.clone()), None);
            Arc::new(AgentDoor::new(store, Box::new(self.clock.clone()), ServerId::fixed(0)))
        })
    }

    /// Returns everything that a refusal must not change.
    fn tracked(&self) -> std::collections::BTreeMap<String, String> {
        if self.database.is_none() {
            return tracked(&self.disk);
        }
        let snapshot = self.person().store().read(None).unwrap();
        [("board".to_owned(), format!("{:?} {:?}", snapshot.board(), snapshot.scene().entry))].into()
    }

    fn start(&mut self) -> Server {
        self.names += 1;
        let disk = FaultyDisk::sound(Arc::new(self.disk.clone()));
        let server = ServerId::fixed(u128::from(self.names));
        let store = self.store(Arc::new(disk.clone()), Some(server));
        Server { name: self.names, door: AgentDoor::new(store, Box::new(self.clock.clone()), server), disk }
    }

    fn alive(&self) -> BTreeSet<u8> {
        self.servers.iter().map(|server| server.name).collect()
    }

    /// Asks a door; if the rules ask for checks, answers them as the call says and asks again, as the doors do.
    fn ask(&self, door: &AgentDoor, caller: &Who, call: &Call) -> Result<String, Error> {
        match (self.ask_with(door, caller, call, None), call) {
            (Err(Error::Refusal(Refusal::CheckRequired { run, .. })), Call::Update { passes, .. }) => {
                let result = |command: &String| CheckResult {
                    command: command.clone(),
                    exit_code: Some(i32::from(!passes)),
                    millis: 1,
                    at: self.clock.now(),
                };
                let failure = (!passes).then(|| CheckFailure {
                    end: CheckEnd::Exited(1),
                    output: String::new(),
                    log: String::new(),
                });
                let checked = Checked { of: run.of, results: run.commands.iter().map(result).collect(), failure };
                self.ask_with(door, caller, call, Some(&checked))
            }
            (answer, _) => answer,
        }
    }

    fn ask_with(
        &self,
        door: &AgentDoor,
        caller: &Who,
        call: &Call,
        checked: Option<&Checked>,
    ) -> Result<String, Error> {
        let update = || match call {
            Call::Update { thread, said, report, transient, attempt, force, .. } => UpdateThread {
                thread: thread_id(*thread),
                status: match said {
                    model::Said::InProgress => ReportedStatus::InProgress,
                    model::Said::Completed => ReportedStatus::Completed,
                    model::Said::Blocked => ReportedStatus::Blocked,
                    model::Said::Failed => ReportedStatus::Failed,
                    model::Said::Pending => ReportedStatus::Pending,
                    model::Said::Cancelled => ReportedStatus::Cancelled,
                },
                report: report.clone(),
                transient: *transient,
                artifacts: None,
                next_steps: None,
                attempt: *attempt,
                directory: None,
                checked: checked.cloned(),
                evidence: None,
                force: *force && matches!(caller, Who::Person),
            },
            _ => unreachable!(),
        };
        let assign = |thread: &Id, agent: &Option<String>, force: bool| AssignThread {
            thread: thread_id(*thread),
            agent: agent.clone(),
            reason: None,
            force,
        };
        if let Who::Server(_) = caller {
            let request = match call {
                Call::Next => AgentRequest::NextBatch,
                Call::Update { .. } => AgentRequest::UpdateThread(update()),
                Call::Assign { thread, agent, force } => AgentRequest::AssignThread(assign(thread, agent, *force)),
                Call::Used { thread, attempt, tokens } => AgentRequest::RecordUsage(RecordUsage {
                    thread: thread_id(*thread),
                    attempt: *attempt,
                    usage: Usage { input_tokens: *tokens, ..Usage::default() },
                }),
                Call::Outcome => AgentRequest::BatchOutcome(None),
                _ => unreachable!(),
            };
            return match door.ask(Ask::new(None, request))? {
                AgentAnswer::CheckFailed(failed) => Err(Refusal::CheckFailed(Box::new(failed)).into()),
                answer => Ok(told(&answer)),
            };
        }
        let by = "ann".to_owned();
        let request = match call {
            Call::Update { .. } => PersonRequest::UpdateThread(update()),
            Call::Assign { thread, agent, force } => PersonRequest::AssignThread(assign(thread, agent, *force)),
            Call::Clear { thread, force } => {
                PersonRequest::ClearAssignment(ClearAssignment { thread: thread_id(*thread), force: *force })
            }
            Call::Retry(thread) => PersonRequest::Retry(thread.map(thread_id)),
            Call::ApproveStage { stage, force } => PersonRequest::ApproveStage {
                stage: stage.to_string().parse().unwrap(),
                force: *force,
                by,
                checked: None,
            },
            Call::Release => PersonRequest::Release,
            Call::Complete => PersonRequest::Complete,
            _ => unreachable!(),
        };
        transact_for_person(door.store(), &self.clock, None, &request).map(|answer| match answer {
            PersonAnswer::Updated(updated) => told(&AgentAnswer::Updated(updated)),
            PersonAnswer::Assignment(assignment) => told(&AgentAnswer::Assignment(assignment)),
            _ => "ok".to_owned(),
        })
    }

    /// Carries out a step in the program and in the model, and compares.
    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let before = self.model.clone();
        let mut by_person = false;
        match step {
            Step::Clock(seconds) => {
                self.clock.0.fetch_add(*seconds, Ordering::Relaxed);
            }
            Step::Dies(server, call, at, _) if self.database.is_some() => {
                // A transaction is atomic, so the server dies before it or after it.
                if *at >= 6 {
                    self.step(&Step::Call(Caller::Server(*server), call.clone()))?;
                }
                return self.step(&Step::Restarts(*server));
            }
            Step::Restarts(server) => {
                self.servers[*server].door.store().end();
                let next = self.start();
                self.servers[*server] = next;
            }
            Step::Call(caller, call) => {
                let who = match caller {
                    Caller::Server(server) => Who::Server(self.servers[*server].name),
                    Caller::Person => Who::Person,
                };
                by_person = *caller == Caller::Person;
                let person;
                let door: &AgentDoor = match caller {
                    Caller::Server(server) => &self.servers[*server].door,
                    Caller::Person => {
                        person = self.person();
                        &person
                    }
                };
                let texts = self.tracked();
                let came = match self.ask(door, &who, call) {
                    Ok(answer) => Ok(answer),
                    Err(Error::Refusal(refusal)) => Err(refusal.code().word()),
                    Err(Error::Fault(fault)) => return Err(TestCaseError::fail(fault.to_string())),
                };
                let alive = self.alive();
                let expected = self.model.call(&who, &alive, call);
                prop_assert_eq!(&came, &expected, "the answer to {:?}", step);
                if came.as_ref().is_err_and(|code| *code != "check_failed") {
                    prop_assert!(texts == self.tracked(), "a refusal changes nothing");
                }
            }
            Step::Dies(server, call, at, arrived) => {
                let name = self.servers[*server].name;
                let alive = self.alive();
                let mut after = self.model.clone();
                let expected = after.call(&Who::Server(name), &alive, call);
                let texts = tracked(&self.disk);
                let dying = &self.servers[*server];
                let before = dying.disk.log().len();
                dying.disk.fail_in(*at, Failure::Death);
                let came = self.ask(&dying.door, &Who::Server(name), call);
                let is_whole = dying.disk.log().len() <= before + at;
                match arrived {
                    None => {
                        // Only the process died. The kernel still writes what the process did not sync.
                        self.disk.write_back();
                        let next = self.start();
                        self.servers[*server] = next;
                    }
                    Some(arrived) => {
                        // The machine died, and all its processes with it.
                        self.disk = self.disk.after_power_cut(*arrived);
                        self.servers = (0..SERVERS).map(|_| self.start()).collect();
                    }
                }
                // The next read finishes a commit whose journal is complete.
                let _ = FileStore::on(Arc::new(self.disk.clone()), place(), None).read(None);
                match came {
                    Ok(answer) => {
                        prop_assert_eq!(Ok(answer), expected, "the answer to {:?}", step);
                        self.model = after;
                    }
                    Err(Error::Refusal(refusal)) => {
                        prop_assert_eq!(
                            Err(refusal.code().word()),
                            expected.as_ref().map(|_| ()).map_err(|code| *code)
                        );
                        // A check that failed is counted.
                        if refusal.code().word() == "check_failed" {
                            self.model = after;
                        }
                    }
                    Err(Error::Fault(fault)) => {
                        prop_assert!(!is_whole, "{fault}");
                        // The commit is there as a whole, or not at all.
                        if texts != tracked(&self.disk) {
                            self.model = after;
                        }
                    }
                }
            }
        }
        prop_assert_eq!(self.state(), self.model.state(), "the state after {:?}", step);
        let others_died = before.has_a_dead_holder(&self.alive());
        invariants(&before, &self.model, by_person, others_died).map_err(TestCaseError::fail)
    }

    fn state(&self) -> String {
        let snapshot = self.person().store().read(None).unwrap();
        let board = snapshot.board();
        let mut lines = Vec::new();
        for (id, thread) in board.threads.iter() {
            let assigned = thread.assigned_agent.as_deref();
            if thread.status == crate::board::Status::Pending && assigned.is_none() && thread.attempts.is_empty() {
                continue;
            }
            let attempts: Vec<String> = thread
                .attempts
                .iter()
                .map(|attempt| {
                    let cycle = attempt.cycle.map_or("-".to_owned(), |cycle| cycle.to_string());
                    let failed = attempt.failed_checks;
                    let used = attempt.usage.map_or("-".to_owned(), |usage| usage.input_tokens.to_string());
                    format!("{} {} {} c{cycle} f{failed} u{used}", attempt.number, attempt.agent, attempt.status.word())
                })
                .collect();
            let (status, assigned) = (thread.status, assigned.unwrap_or("-"));
            lines.push(format!("{id} {status} assigned={assigned} attempts=[{}]", attempts.join(", ")));
        }
        for cycle in board.cycles() {
            let name = |holder: ServerId| (0..=u8::MAX).find(|name| ServerId::fixed(u128::from(*name)) == holder);
            let holder = cycle.holder().and_then(name).map_or("-".to_owned(), |name| name.to_string());
            let open = if cycle.is_open() { "open" } else { "closed" };
            let (batch, number, asked) = (cycle.batch, cycle.number, cycle.retry_asked);
            lines.push(format!("cycle {batch}/{number} {open} holder={holder} asked={asked}"));
        }
        lines.join("\n")
    }
}

fn place() -> WorkspaceLocation {
    WorkspaceLocation { root: Some(Path::new("/w").to_owned()), ..WorkspaceLocation::default() }
}

/// Returns the files that a person commits to git.
fn tracked(disk: &MemoryDisk) -> std::collections::BTreeMap<String, String> {
    let mut texts = disk.texts();
    texts.retain(|path, _| !path.contains("/.run/") && !path.contains(".tmp"));
    texts
}

fn thread_id(id: Id) -> crate::plan::ThreadId {
    format!("{}.{}.{}", id.0, id.1, id.2).parse().unwrap()
}

/// Returns an answer in the form of the model's answers.
fn told(answer: &AgentAnswer) -> String {
    let word = |value: &dyn erased::Word| value.word();
    let decided = |decision: &Decision| format!("{} {} #{}", word(&decision.action), decision.agent, decision.attempt);
    let open = |decisions: &[OpenDecision]| {
        let told = decisions
            .iter()
            .map(|open| format!("{} {} {} #{}", open.thread_id, word(&open.action), open.agent, open.attempt));
        told.collect::<Vec<_>>().join(", ")
    };
    match answer {
        AgentAnswer::NextBatch(next) => format!(
            "{} {} cycle {} resumed={} held={} dispatch=[{}] failover=[{}]",
            word(&next.batch_completion_status),
            next.batch.as_ref().map_or("-", |batch| batch.id.as_str()),
            next.cycle.map_or("-".to_owned(), |cycle| cycle.to_string()),
            next.resumed,
            next.held_by.is_some(),
            next.dispatch.join(", "),
            open(&next.failover),
        ),
        AgentAnswer::Updated(updated) => {
            let decision = updated.decision.as_ref().map(|decision| format!(" {}", decided(decision)));
            format!("{} #{}{}", updated.status, updated.attempt, decision.unwrap_or_default())
        }
        AgentAnswer::Assignment(assigned) => {
            format!("{} {} #{} {}", assigned.agent, assigned.status, assigned.attempt, assigned.failover_applied)
        }
        AgentAnswer::Recorded => "recorded".to_owned(),
        AgentAnswer::BatchOutcome(outcome) => {
            let outcomes = outcome.outcomes.iter().map(|outcome| {
                format!("{} {} {} {}", outcome.thread_id, outcome.status, outcome.agent_used, outcome.failover_applied)
            });
            format!(
                "{} {} [{}]",
                word(&outcome.batch_completion_status),
                outcome.batch.as_ref().map_or("-", |batch| batch.id.as_str()),
                outcomes.collect::<Vec<_>>().join(", ")
            )
        }
        _ => unreachable!(),
    }
}

/// Returns the word for a value in an answer.
mod erased {
    pub(super) trait Word {
        fn word(&self) -> String;
    }

    impl<T: serde::Serialize> Word for T {
        fn word(&self) -> String {
            serde_json::to_value(self).unwrap().as_str().unwrap().to_owned()
        }
    }
}

fn thread() -> impl Strategy<Value = Id> {
    prop_oneof![4 => Just((1, 1, 1)), 3 => Just((1, 1, 2)), 2 => Just((1, 1, 3)), 2 => Just((1, 2, 1)), 1 => Just((2, 1, 1))]
}

fn agent() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        4 => Just(None),
        1 => proptest::sample::select(model::ROSTER.to_vec()).prop_map(|agent| Some(agent.to_owned())),
    ]
}

fn update(said: impl Strategy<Value = model::Said>) -> impl Strategy<Value = Call> {
    let attempt = prop_oneof![3 => Just(None), 3 => (1..6_u32).prop_map(Some)];
    let passes = proptest::bool::weighted(0.3);
    (thread(), said, prop_oneof![Just("x"), Just("y")], any::<bool>(), attempt, passes).prop_map(
        |(thread, said, report, transient, attempt, passes)| Call::Update {
            thread,
            said,
            report: Some(report.to_owned()),
            transient,
            attempt,
            force: true,
            passes,
        },
    )
}

fn agents_call() -> impl Strategy<Value = Call> {
    use model::Said::{Blocked, Completed, Failed, InProgress};
    let said = prop_oneof![4 => Just(InProgress), 2 => Just(Completed), 3 => Just(Blocked), 5 => Just(Failed)];
    prop_oneof![
        4 => Just(Call::Next),
        3 => Just(Call::Outcome),
        4 => (thread(), agent()).prop_map(|(thread, agent)| Call::Assign { thread, agent, force: false }),
        20 => update(said),
        3 => (thread(), 0..5_u32, 1..4_u64).prop_map(|(thread, attempt, tokens)| Call::Used { thread, attempt, tokens }),
    ]
}

fn persons_call() -> impl Strategy<Value = Call> {
    use model::Said::{Cancelled, Completed, Failed, Pending};
    let said = prop_oneof![2 => Just(Pending), 1 => Just(Cancelled), 1 => Just(Completed), 1 => Just(Failed)];
    let stage = 1..=2_u16;
    prop_oneof![
        4 => update(said),
        1 => (thread(), agent(), any::<bool>()).prop_filter_map("a person names one", |(thread, agent, force)| {
            agent.map(|agent| Call::Assign { thread, agent: Some(agent), force })
        }),
        1 => (thread(), any::<bool>()).prop_map(|(thread, force)| Call::Clear { thread, force }),
        2 => proptest::option::of(thread()).prop_map(Call::Retry),
        2 => (stage, proptest::bool::weighted(0.2)).prop_map(|(stage, force)| Call::ApproveStage { stage, force }),
        1 => Just(Call::Release),
        1 => Just(Call::Complete),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let server = prop_oneof![5 => Just(0_usize), 2 => Just(1_usize), 1 => Just(2_usize)];
    let arrived = proptest::option::of(proptest::sample::select(Arrived::ALL.to_vec()));
    prop_oneof![
        30 => (server.clone(), agents_call()).prop_map(|(server, call)| Step::Call(Caller::Server(server), call)),
        3 => persons_call().prop_map(|call| Step::Call(Caller::Person, call)),
        2 => (server.clone(), agents_call(), 0..12_usize, arrived)
            .prop_map(|(server, call, at, arrived)| Step::Dies(server, call, at, arrived)),
        1 => server.prop_map(Step::Restarts),
        1 => (-100_000_i64..100_000).prop_map(Step::Clock),
    ]
}

/// Runs the same 250 transcripts each time, so that a change never fails on a transcript that has nothing to do with
/// it. With `WORK_MODEL_CASES` it runs that many random ones.
fn config() -> ProptestConfig {
    let wanted = std::env::var("WORK_MODEL_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: wanted.unwrap_or(250),
        rng_seed: if wanted.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) },
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_program_does_what_the_model_does(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step)?;
        }
    }
}

/// The same on PostgreSQL, with fewer transcripts, because each step asks a server.
#[cfg(feature = "postgres")]
#[test]
fn a_database_does_what_the_model_does() {
    let Some(server) = crate::store::postgres_for_tests() else { return };
    let cases = ProptestConfig { cases: config().cases.div_ceil(12), ..config() };
    let mut runner = proptest::test_runner::TestRunner::new(cases);
    let number = AtomicI64::new(0);
    let transcripts = proptest::collection::vec(step(), 1..60);
    let done = runner.run(&transcripts, |steps| {
        let case = number.fetch_add(1, Ordering::Relaxed);
        let mut world = World::in_database(&format!("{server}&workspace=model{case}"));
        steps.iter().try_for_each(|step| world.step(step))
    });
    done.unwrap();
}
