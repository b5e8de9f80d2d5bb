//! What the processes of a worker know of the run that has started it: which thread it works on, and for which planner.
//! The worker's MCP server reads it from its environment, and keeps the worker to that thread.

use serde::{Deserialize, Serialize};

use crate::app::supervisor::is_in_worker;
use crate::board::ServerId;
use crate::decide::{AgentRequest, Refusal, UpdateThread};
use crate::index::name_of;
use crate::plan::ThreadId;

/// The variable that has it.
pub(in super::super) const VARIABLE: &str = "WORK_WORKER";

/// A worker that `work run` has started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchedWorker {
    /// The planner, for which its MCP server speaks: its attempt lives as long as that process.
    pub server: ServerId,
    /// The workstream.
    pub workstream: String,
    /// Its thread.
    pub thread: ThreadId,
    /// The number of its attempt.
    pub attempt: u32,
    /// Its worktree, as far as it has one of its own.
    pub worktree: Option<OwnWorktree>,
}

/// The git worktree of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnWorktree {
    /// The place in it that is that of the workspace's root.
    pub directory: String,
    /// Its branch.
    pub branch: String,
}

/// The form in the variable.
#[derive(Serialize, Deserialize)]
struct Record {
    server: String,
    workstream: String,
    thread: String,
    attempt: u32,
    worktree: Option<OwnWorktree>,
}

impl LaunchedWorker {
    /// Returns the worker in whose environment this process runs; `None`: it runs in none.
    ///
    /// # Errors
    ///
    /// A refusal if it runs in one, and nothing says in which: nobody could keep that one to its thread.
    pub fn of_this_process() -> Result<Option<Self>, Refusal> {
        let refused = |told: &str| Refusal::invalid(format!("{VARIABLE} {told}"), "hand it on as work run has set it");
        match std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()) {
            Some(text) => Self::read(&text).map(Some).ok_or_else(|| refused("is not as work run sets it")),
            None if is_in_worker() => Err(refused("does not say which worker of work run this is")),
            None => Ok(None),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let Record { server, workstream, thread, attempt, worktree } = serde_json::from_str(text).ok()?;
        Some(Self { server: server.parse().ok()?, workstream, thread: thread.parse().ok()?, attempt, worktree })
    }

    /// Returns the text of the variable.
    pub(super) fn text(&self) -> String {
        let record = Record {
            server: self.server.to_string(),
            workstream: self.workstream.clone(),
            thread: self.thread.to_string(),
            attempt: self.attempt,
            worktree: self.worktree.clone(),
        };
        serde_json::to_string(&record).unwrap_or_default()
    }

    /// Completes a call of the worker: with its workstream and attempt where it names none, and with its worktree.
    ///
    /// # Errors
    ///
    /// A refusal of a report on another thread or attempt.
    pub fn complete(&self, workstream: &mut Option<String>, request: &mut AgentRequest) -> Result<(), Refusal> {
        let named = workstream.get_or_insert_with(|| self.workstream.clone());
        if named.trim().is_empty() {
            named.clone_from(&self.workstream);
        }
        match request {
            AgentRequest::UpdateThread(update) => self.complete_report(named, update),
            _ => Ok(()),
        }
    }

    /// Completes a report of the worker in the workstream `named`, by id or name, in the same way.
    ///
    /// # Errors
    ///
    /// A refusal of a report on another thread or attempt.
    pub fn complete_report(&self, named: &str, update: &mut UpdateThread) -> Result<(), Refusal> {
        let (thread, attempt, workstream) = (self.thread, self.attempt, &self.workstream);
        let is_own = named == workstream || named == name_of(workstream);
        if !is_own || update.thread != thread || update.attempt.is_some_and(|given| given != attempt) {
            return Err(Refusal::invalid(
                format!("you run thread {thread} of {workstream}, attempt {attempt}, and no other"),
                format!("report on {thread}"),
            ));
        }
        update.attempt = Some(attempt);
        if let (Some(own), true) = (&self.worktree, update.status.is_report()) {
            update.directory.get_or_insert_with(|| own.directory.clone());
            let artifacts = update.artifacts.get_or_insert_default();
            if !artifacts.iter().any(|artifact| artifact.contains(&own.branch)) {
                artifacts.push(own.branch.clone());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::ReportedStatus;

    fn worker(worktree: Option<OwnWorktree>) -> LaunchedWorker {
        let thread = "01.02.03".parse().unwrap();
        LaunchedWorker { server: ServerId::fixed(7), workstream: "001-x".to_owned(), thread, attempt: 2, worktree }
    }

    #[test]
    fn the_variable_is_read_as_it_was_written() {
        let own = OwnWorktree { directory: "/w".to_owned(), branch: "b".to_owned() };
        for worker in [worker(None), worker(Some(own))] {
            assert_eq!(LaunchedWorker::read(&worker.text()), Some(worker));
        }
        assert_eq!(LaunchedWorker::read("yes"), None);
    }

    #[test]
    fn a_worker_is_kept_to_its_thread_and_need_not_name_the_rest() {
        let report = |thread: &str| {
            AgentRequest::UpdateThread(UpdateThread::new(thread.parse().unwrap(), ReportedStatus::Completed, "done"))
        };
        let own = OwnWorktree { directory: "/w".to_owned(), branch: "work/001-x/01.02.03".to_owned() };
        let (mut workstream, mut request) = (None, report("01.02.03"));
        worker(Some(own)).complete(&mut workstream, &mut request).unwrap();
        assert_eq!(workstream.as_deref(), Some("001-x"));
        let AgentRequest::UpdateThread(update) = request else { panic!("another request") };
        assert_eq!((update.attempt, update.directory.as_deref()), (Some(2), Some("/w")));
        assert_eq!(update.artifacts, Some(vec!["work/001-x/01.02.03".to_owned()]));
        let named = |workstream: &str, thread: &str, attempt| {
            let mut request = report(thread);
            if let AgentRequest::UpdateThread(update) = &mut request {
                update.attempt = attempt;
            }
            worker(None).complete(&mut Some(workstream.to_owned()), &mut request).map_err(|refused| refused.to_string())
        };
        for workstream in ["001-x", "x", " "] {
            assert_eq!(named(workstream, "01.02.03", Some(2)), Ok(()));
        }
        let refused = Err("you run thread 01.02.03 of 001-x, attempt 2, and no other".to_owned());
        for (workstream, thread, attempt) in
            [("001-x", "01.02.04", None), ("002-y", "01.02.03", None), ("001-x", "01.02.03", Some(3))]
        {
            assert_eq!(named(workstream, thread, attempt), refused);
        }
    }
}
