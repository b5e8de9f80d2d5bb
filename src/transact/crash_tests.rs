//! Kills or fails each step of a commit. The workspace must have the old state or the new one, the lock must be free,
//! and the next call must work (DESIGN §3, "Writing").

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

#[cfg(unix)]
use libc::{EIO, ENOSPC, EROFS, EXDEV};

use super::*;
use crate::app::{Chosen, InitRequest, create, init};
use crate::board::{CheckResult, ReportedStatus, ServerId};
use crate::clock::SteppingClock;
use crate::decide::{AgentRequest, CheckEnd, CheckFailure, Checked, MAX_REPORT_CHARS, Mapping, Proof, UpdateThread};
use crate::hosts::Direction;
use crate::store::files::disk::Disk;
use crate::store::files::disk::MachineDisk;
use crate::store::files::disk::faulty::{Failure, FaultyDisk};
use crate::store::files::disk::memory::{Arrived, MemoryDisk};
use crate::store::{FileStore, WorkspaceLocation};
use crate::words::AgentWords;

/// What Windows says in place of these.
#[cfg(windows)]
const EIO: i32 = 1117;
#[cfg(windows)]
const ENOSPC: i32 = 112;
#[cfg(windows)]
const EROFS: i32 = 19;
#[cfg(windows)]
const EXDEV: i32 = 17;

pub(super) const A: ServerId = ServerId::fixed(0xa);

const PLAN: &str = "\
# Plan: Search
## Stages
### Stage 1: Index
##### Batch 1: Storage
###### Thread 1: Schema @agent:default
###### Thread 2: Rows
**Check:** `make`
**After:** 01.01.01
### Stage 2: API
##### Batch 1: Routes
###### Thread 1: Routes
";

/// The calls before the failure, and the call that fails.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) before: &'static [&'static str],
    pub(super) call: &'static str,
}

/// A step that is no call: an edit of PLAN.md that puts a batch in front of the others.
pub(super) const EDIT: &str = "edit";

/// Returns the plan with a batch in front of the others.
pub(super) fn edited_plan() -> String {
    PLAN.replace("##### Batch 1: Storage", "##### Batch 2: Storage")
        .replace("### Stage 1: Index", "### Stage 1: Index\n##### Batch 1: First\n###### Thread 1: New")
}

pub(super) const SCENARIOS: [Scenario; 12] = [
    Scenario { name: "the first commit of a server", before: &["approve"], call: "next" },
    Scenario { name: "an attempt starts", before: &["approve", "next"], call: "start" },
    Scenario { name: "a worker reports", before: &["approve", "next", "start"], call: "complete" },
    Scenario {
        name: "a check fails",
        before: &["approve", "next", "complete", "start the checked one"],
        call: "report the checked one",
    },
    Scenario { name: "a person asks again", before: &["approve", "next", "block both"], call: "retry" },
    Scenario { name: "a plan is approved: three files", before: &[], call: "approve" },
    Scenario {
        name: "a plan with other numbers is approved: three files, and records that move",
        before: &["approve", "next", "start", "complete", EDIT],
        call: "approve",
    },
    Scenario {
        name: "a stage is approved with --force: two files",
        before: &["approve", "next", "start"],
        call: "approve stage",
    },
    Scenario { name: "a workstream is made: three files", before: &[], call: "create" },
    Scenario { name: "a workspace is made", before: &["remove all"], call: "init" },
    Scenario { name: "another workstream becomes the current one", before: &["create"], call: "current" },
    Scenario { name: "a planner is released", before: &["approve", "next"], call: "release" },
];

/// A process on a disk.
pub(super) struct Process {
    pub(super) door: AgentDoor,
    /// The same workspace as a store of files, for the calls that only files have.
    files: FileStore,
    clock: SteppingClock,
}

impl Process {
    fn on(disk: Arc<dyn Disk>, root: &Path) -> Self {
        let place = WorkspaceLocation { root: Some(root.to_owned()), ..WorkspaceLocation::default() };
        let store = FileStore::on(Arc::clone(&disk), place.clone(), Some(A));
        Self::of(Box::new(store), FileStore::on(disk, place, None))
    }

    pub(super) fn of(store: Box<dyn Store>, files: FileStore) -> Self {
        let door = AgentDoor::new(store, Box::new(SteppingClock::default()), A);
        Self { door, files, clock: SteppingClock::default() }
    }

    fn update(&self, thread: &str, said: ReportedStatus, report: &str) -> Result<String, Error> {
        let update = UpdateThread::new(thread.parse().unwrap(), said, report);
        self.agent(&AgentRequest::UpdateThread(update))
    }

    fn agent(&self, request: &AgentRequest) -> Result<String, Error> {
        let answer = self.door.ask(Ask::new(Some("001-search"), request.clone()))?;
        Ok(serde_json::to_string(&answer.worded(&AgentWords::default())).unwrap())
    }

    fn person(&self, request: &PersonRequest) -> Result<String, Error> {
        let answer = transact_for_person(self.door.store(), &self.clock, Some("001-search"), request)?;
        Ok(serde_json::to_string(&answer.worded(&AgentWords::default())).unwrap())
    }

    pub(super) fn call(&self, call: &str) -> Result<(), Error> {
        self.answer(call).map(drop)
    }

    /// Makes a call and returns its answer as JSON.
    pub(super) fn answer(&self, call: &str) -> Result<String, Error> {
        let by = "ann".to_owned();
        match call {
            "next" => self.agent(&AgentRequest::NextBatch),
            "start" => self.update("1.1.1", ReportedStatus::InProgress, ""),
            "complete" => self.update("1.1.1", ReportedStatus::Completed, &"x".repeat(MAX_REPORT_CHARS)),
            "start the checked one" => self.update("1.1.2", ReportedStatus::InProgress, ""),
            "report the checked one" => {
                let thread = "1.1.2".parse().unwrap();
                let result =
                    CheckResult { command: "make".to_owned(), exit_code: Some(1), millis: 1, at: self.clock.now() };
                let failure = CheckFailure { end: CheckEnd::Exited(1), output: "no".to_owned(), log: "log".to_owned() };
                let checked = Checked { of: Proof::Thread(thread, 1), results: vec![result], failure: Some(failure) };
                let update = UpdateThread::new(thread, ReportedStatus::Completed, "done");
                let update = UpdateThread { checked: Some(checked), ..update };
                self.door.ask(Ask::new(Some("001-search"), AgentRequest::UpdateThread(update))).map(|_| String::new())
            }
            "block both" => {
                ["1.1.1", "1.1.2"].iter().map(|id| self.update(id, ReportedStatus::Blocked, "no key")).collect()
            }
            "retry" => self.person(&PersonRequest::Retry(None)),
            "approve" => {
                self.person(&PersonRequest::ApprovePlan { force: false, mapping: Mapping::default(), by, seen: None })
            }
            "approve stage" => self.person(&PersonRequest::ApproveStage {
                stage: "1".parse().unwrap(),
                force: true,
                by,
                checked: None,
            }),
            "create" => create(&self.files, "other", 1, self.clock.now()).map(|_| String::new()),
            "init" => {
                let hosts = Chosen::These(Vec::new());
                let request = InitRequest { hosts, direction: Direction::Add, dry_run: false };
                init(&self.files, &request, self.clock.now()).map(|_| String::new())
            }
            "current" => self.person(&PersonRequest::SetCurrent),
            "release" => self.person(&PersonRequest::Release),
            _ => unreachable!("{call}"),
        }
    }
}

/// Returns the files that a person commits to git.
fn state(disk: &MemoryDisk) -> BTreeMap<String, String> {
    let mut texts = disk.texts();
    texts.retain(|path, _| !path.contains("/.run/") && !path.contains(".tmp"));
    texts
}

fn prepared(scenario: &Scenario) -> MemoryDisk {
    if scenario.before == ["remove all"] {
        return MemoryDisk::with(&[("/w/README.md", "")]);
    }
    let disk = drafted();
    let process = Process::on(Arc::new(disk.clone()), Path::new("/w"));
    for call in scenario.before {
        match *call {
            EDIT => disk.put("/w/work/001-search/PLAN.md", edited_plan().as_bytes()),
            call => process.call(call).unwrap(),
        }
    }
    disk
}

/// Returns a workspace with a plan that is not approved.
pub(super) fn drafted() -> MemoryDisk {
    let index = r#"{"version":"1.0.0","current_stream":"001-search","streams":[{"id":"001-search","name":"search","approval":{"status":"draft"}}]}"#;
    MemoryDisk::with(&[("/w/work/index.json", index), ("/w/work/001-search/PLAN.md", PLAN)])
}

/// Returns the journals and temporary files that are left.
fn litter(disk: &MemoryDisk) -> Vec<String> {
    disk.texts().into_keys().filter(|path| path.contains(".tmp") || path.ends_with("journal.json")).collect()
}

/// Checks what must hold after the failure: the state is the old one or the new one, and the call can be made again.
fn check(
    what: &str,
    disk: &MemoryDisk,
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    call: &str,
    is_acknowledged: bool,
) {
    let next = Process::on(Arc::new(disk.clone()), Path::new("/w"));
    // A read finishes a commit whose journal is complete.
    let _ = next.door.store().read(Some("001-search"));
    let now = state(disk);
    if call == "init" {
        // `init` writes each file by itself, so some of them may be there.
        assert!(now.iter().all(|(path, text)| new.get(path) == Some(text)), "{what}: {now:?}");
        assert!(!is_acknowledged || now == *new, "{what}: acknowledged and lost");
    } else if is_acknowledged {
        assert!(now == *new, "{what}: acknowledged and lost: {now:#?}");
    } else {
        assert!(now == *old || now == *new, "{what}: neither the old state nor the new one: {now:#?}");
    }
    match next.call(call) {
        Ok(()) => {}
        // The first call was carried out.
        Err(Error::Refusal(Refusal::AlreadyExists { .. })) if now == *new => {}
        Err(stopped) => panic!("{what}: the next call: {stopped}"),
    }
    let after = state(disk);
    assert!(after.keys().eq(new.keys()), "{what}: {:?}", after.keys());
    let left: Vec<String> =
        litter(disk).into_iter().filter(|path| now != *new || path.ends_with("journal.json")).collect();
    assert_eq!(left, [""; 0], "{what}: stays behind");
}

#[test]
fn a_process_that_dies_at_any_step_leaves_the_old_state_or_the_new_one() {
    let mut cut = 0;
    for scenario in &SCENARIOS {
        let start = prepared(scenario);
        let old = state(&start);
        let whole = start.copy();
        let sound = FaultyDisk::sound(Arc::new(whole.clone()));
        Process::on(Arc::new(sound.clone()), Path::new("/w")).call(scenario.call).unwrap();
        let new = state(&whole);
        assert_ne!(old, new, "{}: it changes something", scenario.name);
        let steps = sound.log();
        for step in 0..=steps.len() {
            let disk = start.copy();
            let faulty = FaultyDisk::failing(Arc::new(disk.clone()), step, Failure::Death);
            let process = Process::on(Arc::new(faulty), Path::new("/w"));
            let answered = process.call(scenario.call);
            assert_eq!(answered.is_ok(), step == steps.len(), "{}: step {step}", scenario.name);
            for arrived in Arrived::ALL {
                let what =
                    format!("{}, a power cut before step {step} of {steps:?}, {arrived:?} arrived", scenario.name);
                let after = disk.after_power_cut(arrived);
                check(&what, &after, &old, &new, scenario.call, answered.is_ok());
                cut += 1;
            }
            drop(process);
            let what = format!("{}, death before step {step} of {steps:?}", scenario.name);
            check(&what, &disk, &old, &new, scenario.call, answered.is_ok());
        }
    }
    assert!(cut > 400, "{cut}");
}

#[test]
fn a_step_that_fails_is_told_and_leaves_the_old_state_or_the_new_one() {
    for scenario in &SCENARIOS {
        let start = prepared(scenario);
        let old = state(&start);
        let whole = start.copy();
        let sound = FaultyDisk::sound(Arc::new(whole.clone()));
        Process::on(Arc::new(sound.clone()), Path::new("/w")).call(scenario.call).unwrap();
        let new = state(&whole);
        for step in 0..sound.log().len() {
            for error in [EIO, ENOSPC, EROFS] {
                for failure in [Failure::Once(error), Failure::FromThenOn(error)] {
                    let disk = start.copy();
                    let faulty = FaultyDisk::failing(Arc::new(disk.clone()), step, failure);
                    let process = Process::on(Arc::new(faulty.clone()), Path::new("/w"));
                    let what = format!("{}, {failure:?} at {:?}", scenario.name, sound.log()[step]);
                    let answered = process.call(scenario.call);
                    match &answered {
                        Err(Error::Fault(fault)) => assert!(!fault.to_string().is_empty(), "{what}"),
                        Err(Error::Refusal(refusal)) => panic!("{what}: {refusal}"),
                        // A call may succeed without the removal of files that are no longer needed.
                        Ok(()) => assert!(faulty.log()[step].starts_with("remove"), "{what}"),
                    }
                    // The next call must work in the state after a power cut, and with the disk as it is.
                    let now = state(&disk);
                    check(
                        &what,
                        &disk.copy().after_power_cut(Arrived::Everything),
                        &old,
                        &new,
                        scenario.call,
                        answered.is_ok(),
                    );
                    drop(process);
                    check(&what, &disk, &old, &new, scenario.call, answered.is_ok() && now == new);
                }
            }
        }
    }
}

/// `work/.run` can be on another file system than the files that are renamed from there.
#[test]
fn a_rename_to_another_disk_is_a_copy() {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.call == "approve stage").unwrap();
    let start = prepared(scenario);
    let whole = start.copy();
    let sound = FaultyDisk::sound(Arc::new(whole.clone()));
    Process::on(Arc::new(sound.clone()), Path::new("/w")).call(scenario.call).unwrap();
    let (new, steps) = (state(&whole), sound.log());
    let renames =
        steps.iter().enumerate().filter(|(_, step)| step.starts_with("rename to") && !step.contains("journal"));
    for (step, name) in renames {
        let disk = start.copy();
        let faulty = FaultyDisk::failing(Arc::new(disk.clone()), step, Failure::Once(EXDEV));
        Process::on(Arc::new(faulty), Path::new("/w")).call(scenario.call).unwrap();
        assert_eq!(state(&disk), new, "{name}");
        // The same in the recovery, after a process died at this step.
        let disk = start.copy();
        let faulty = FaultyDisk::failing(Arc::new(disk.clone()), step, Failure::Death);
        Process::on(Arc::new(faulty), Path::new("/w")).call(scenario.call).unwrap_err();
        for step in 0..8 {
            let disk = disk.after_power_cut(Arrived::Everything);
            let faulty = FaultyDisk::failing(Arc::new(disk.clone()), step, Failure::Once(EXDEV));
            let _ = Process::on(Arc::new(faulty), Path::new("/w")).door.store().read(Some("001-search"));
            let _ = Process::on(Arc::new(disk.clone()), Path::new("/w")).door.store().read(Some("001-search"));
            assert_eq!(state(&disk), new, "{name}, step {step} of the next process");
        }
    }
}

#[test]
fn the_steps_of_a_commit() {
    let log = |name: &str| {
        let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap();
        let sound = FaultyDisk::sound(Arc::new(prepared(scenario)));
        Process::on(Arc::new(sound.clone()), Path::new("/w")).call(scenario.call).unwrap();
        sound.log().join("\n")
    };
    insta::assert_snapshot!(log("a worker reports"), @r#"
    lock lock
    remove 00000000-0000-0000-0000-00000000000a
    lock 00000000-0000-0000-0000-00000000000a
    create threads.json.tmp
    write threads.json.tmp
    sync threads.json.tmp
    rename to threads.json
    sync folder 001-search
    "#);
    insta::assert_snapshot!(log("a stage is approved with --force: two files"), @r#"
    lock lock
    remove 00000000-0000-0000-0000-00000000000a
    lock 00000000-0000-0000-0000-00000000000a
    create 0.staged.tmp
    write 0.staged.tmp
    sync 0.staged.tmp
    create 1.staged.tmp
    write 1.staged.tmp
    sync 1.staged.tmp
    sync folder .run
    create journal.json.tmp
    write journal.json.tmp
    sync journal.json.tmp
    rename to journal.json
    sync folder .run
    rename to threads.json
    sync folder 001-search
    rename to index.json
    sync folder work
    remove journal.json
    "#);
}

/// The same on a real file system, where the process dies without a power cut.
#[test]
fn on_a_real_disk_too() {
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.before != ["remove all"]) {
        let memory = prepared(scenario);
        let folder = |disk: &MemoryDisk| {
            let folder = tempfile::tempdir().unwrap();
            for (path, text) in disk.texts() {
                let path = folder.path().join(path.strip_prefix("/w/").unwrap());
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            folder
        };
        let read_all = |root: &Path| {
            let disk = MachineDisk;
            let mut texts = BTreeMap::new();
            for path in [
                "index.json",
                "001-search/threads.json",
                "002-other/PLAN.md",
                ".run/threads.json.tmp",
                ".run/journal.json",
            ] {
                if let Ok(bytes) = disk.read(&root.join("work").join(path), u64::MAX) {
                    texts.insert(path.to_owned(), String::from_utf8(bytes).unwrap());
                }
            }
            texts
        };
        let whole = folder(&memory);
        let old = read_all(whole.path());
        let sound = FaultyDisk::sound(Arc::new(MachineDisk));
        Process::on(Arc::new(sound.clone()), whole.path()).call(scenario.call).unwrap();
        let new = read_all(whole.path());
        for step in 0..sound.log().len() {
            for failure in [Failure::Death, Failure::Once(EIO), Failure::FromThenOn(ENOSPC)] {
                let folder = folder(&memory);
                let faulty = FaultyDisk::failing(Arc::new(MachineDisk), step, failure);
                let what = format!("{}, {failure:?} at {:?}", scenario.name, sound.log()[step]);
                let _ = Process::on(Arc::new(faulty), folder.path()).call(scenario.call);
                let next = Process::on(Arc::new(MachineDisk), folder.path());
                let _ = next.door.store().read(Some("001-search"));
                let mut now = read_all(folder.path());
                now.remove(".run/threads.json.tmp");
                assert!(now == old || now == new, "{what}: {now:#?}");
                match next.call(scenario.call) {
                    Ok(()) | Err(Error::Refusal(Refusal::AlreadyExists { .. })) => {}
                    Err(stopped) => panic!("{what}: {stopped}"),
                }
            }
        }
    }
}
