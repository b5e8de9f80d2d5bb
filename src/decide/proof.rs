//! What is said of checks and of evidence (DESIGN §5b): which checks have to run, how they ended, how one failed, and
//! what the artifacts of a report turned out to be. The rules are in `checks`.

use std::time::Duration;

use crate::board::{CheckResult, Unproven};
use crate::path_style::PathStyle;
use crate::plan::{StageNumber, ThreadId, touches};

/// How often the checks of an attempt may fail. The last failure ends the attempt.
pub const MAX_FAILED_CHECKS: u32 = 5;

/// The most characters of a check's output that are told.
pub const MAX_OUTPUT_CHARS: usize = 2_000;

/// The most claims of a report that are kept as unproven.
const MAX_CLAIMS: usize = 10;

/// The most files of a commit that are kept as evidence against it.
const MAX_FILES: usize = 5;

/// Commands that have to be run, in order, until one fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    /// What they prove.
    pub of: Proof,
    /// The workstream.
    pub workstream: String,
    /// The commands, from the text that a person approved.
    pub commands: Vec<String>,
    /// How long each may run.
    pub timeout: Duration,
    /// How many threads of the workspace may be checked at once.
    pub max_parallel: usize,
}

/// What checks prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// That the work of this attempt of a thread is done. The attempt is the latest one, 0 if there is none.
    Thread(ThreadId, u32),
    /// That a stage can be approved.
    Stage(StageNumber),
}

/// The results of a [`CheckRun`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What they prove.
    pub of: Proof,
    /// The results, one for each command that ran.
    pub results: Vec<CheckResult>,
    /// How the last one failed; `None`: all passed.
    pub failure: Option<CheckFailure>,
}

/// How a check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFailure {
    /// How it ended.
    pub end: CheckEnd,
    /// The end of its output, at most [`MAX_OUTPUT_CHARS`].
    pub output: String,
    /// The file with the whole output.
    pub log: String,
}

/// How a check that failed ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckEnd {
    /// With this exit code, which is not 0.
    Exited(i32),
    /// It was ended because its time was over.
    TimedOut(Duration),
    /// It printed more than this many bytes, and was ended.
    TooMuchOutput(u64),
    /// It could not be run, or was ended by something else.
    Broken(String),
}

/// The answer about a check that failed. The door makes it a `check_failed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFailed {
    /// What it was to prove.
    pub of: Proof,
    /// The command.
    pub command: String,
    /// How it failed.
    pub failure: CheckFailure,
    /// How many failures are left before the attempt ends; `None`: the failure does not count.
    pub left: Option<u32>,
}

/// What a door saw of the artifacts of a report, when it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// The artifacts that are paths, at which there is nothing.
    pub missing: Vec<String>,
    /// The artifacts that are commits, each with the files that it changes, as paths from the root of the workspace.
    /// `None`: git does not have it.
    pub commits: Vec<(String, Option<Vec<String>>)>,
    /// The folder of the workspace in its repository, with a slash at the end; empty: it is the top.
    pub inside: String,
    /// How the machine that looked writes paths.
    pub style: PathStyle,
}

impl Evidence {
    /// Returns what does not hold. `files`: what the thread may touch; empty: anything.
    pub(super) fn unproven(&self, files: &[String]) -> Vec<Unproven> {
        // A plan can name files from the workspace on, or from the top of the repository on, as git shows them.
        let may_touch = |file: &str| {
            touches(files, file, self.style) || touches(files, &format!("{}{file}", self.inside), self.style)
        };
        let of_commit = |(commit, changed): &(String, Option<Vec<String>>)| {
            let Some(changed) = changed else { return Some(Unproven::UnknownCommit(commit.clone())) };
            let outside: Vec<&String> = changed.iter().filter(|file| !files.is_empty() && !may_touch(file)).collect();
            (!outside.is_empty()).then(|| Unproven::OutsideFiles {
                commit: commit.clone(),
                files: outside.iter().take(MAX_FILES).map(|file| (*file).clone()).collect(),
                of: outside.len(),
            })
        };
        let missing = self.missing.iter().cloned().map(Unproven::Missing);
        let mut found: Vec<Unproven> = Vec::new();
        for claim in missing.chain(self.commits.iter().filter_map(of_commit)) {
            if found.len() < MAX_CLAIMS && !found.contains(&claim) {
                found.push(claim);
            }
        }
        found
    }
}

impl Checked {
    /// Returns the thread that was checked, if it was one.
    pub fn thread(&self) -> Option<ThreadId> {
        match self.of {
            Proof::Thread(thread, _) => Some(thread),
            Proof::Stage(_) => None,
        }
    }
}

impl CheckFailed {
    /// Returns the answer about checks of which one failed.
    pub(super) fn of(checked: Checked, left: Option<u32>) -> Option<Self> {
        let command = checked.results.last()?.command.clone();
        Some(Self { of: checked.of, command, failure: checked.failure?, left })
    }
}
