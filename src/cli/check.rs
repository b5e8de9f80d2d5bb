//! `work check`: runs the checks of a thread (DESIGN §5b). The other commands that need checks run them by this file, too.

use std::cell::RefCell;

use super::thread::MaybeThread;
use super::{Session, exit};
use crate::app::{Checker, LaunchedWorker, Watcher, is_in_check};
use crate::clock::SystemClock;
use crate::decide::{CheckRun, Checked, PersonAnswer, PersonRequest, Proof, Refusal};
use crate::fault::Error;
use crate::roster::ChecksBy;
use crate::store::{Store, linked_worktree};
use crate::transact::transact_for_person;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The commands are those of the text that a person approved. They run in the root of the workspace, or in the linked worktree in which you are.
Without THREAD they are those of the thread in progress that has some.
A thread in progress keeps the result; its status stays as it is.

Examples:
  work check 01.02.03
  work check                      of the thread that is in progress"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    thread: MaybeThread,
    #[command(flatten)]
    folder: Folder,
}

/// The folder in which checks run.
#[derive(Debug, clap::Args)]
pub(super) struct Folder {
    /// Where to run checks: the root of the workspace, or a worktree of its repository; default: the one you are in
    #[arg(long, value_name = "DIR")]
    directory: Option<String>,
}

impl Folder {
    /// Returns the folder that was named.
    pub(super) fn named(self) -> Option<String> {
        // A relative one begins in the working directory.
        self.directory.map(|folder| std::path::absolute(&folder).map_or(folder, |path| path.display().to_string()))
    }
}

impl Arguments {
    pub(super) fn into_request(self) -> PersonRequest {
        PersonRequest::Check { thread: self.thread.given(), directory: self.folder.named(), checked: None }
    }
}

/// Refuses what only a person or a worker decides in a command that a check runs: a check looks at work, and what it
/// runs was written by the worker that it checks.
pub(super) fn require_no_check(request: &PersonRequest) -> Result<(), Error> {
    let only_reads = matches!(
        request,
        PersonRequest::Status
            | PersonRequest::ShowCurrent
            | PersonRequest::ReadThread(_)
            | PersonRequest::Report(_)
            | PersonRequest::Validate
            | PersonRequest::Diff
    );
    if only_reads { Ok(()) } else { refuse_in_check() }
}

/// Refuses a command that runs in a check.
pub(super) fn refuse_in_check() -> Result<(), Error> {
    if !is_in_check() {
        return Ok(());
    }
    Err(Refusal::invalid("a check may not decide anything, and this command runs in one", "leave it out of the check")
        .into())
}

impl Session {
    /// Carries out a request. If the rules ask for checks, runs them and asks again with their results.
    pub(super) fn transact(
        &self,
        store: &dyn Store,
        wanted: Option<&str>,
        request: &PersonRequest,
    ) -> Result<PersonAnswer, Error> {
        let (mut request, mut wanted) = (request.clone(), wanted.map(str::to_owned));
        if let PersonRequest::UpdateThread(update) = &mut request {
            if let Some(worker) = LaunchedWorker::of_this_process()? {
                worker.complete_report(&store.selected(wanted.as_deref())?, update)?;
            }
            if update.artifacts.is_some() && update.directory.is_none() {
                // Who reports from a linked worktree has worked in it.
                update.directory = self.own_worktree();
            }
            Checker::new(self.place.clone()).prepare(update)?;
        }
        let mut has_run = false;
        loop {
            match transact_for_person(store, &SystemClock, wanted.as_deref(), &request) {
                Err(Error::Refusal(Refusal::CheckRequired { run, by: ChecksBy::Server, runs })) if !has_run => {
                    let checked = self.run_checks(&run, directory_of(&request))?;
                    has_run = checked.is_some();
                    if let PersonRequest::UpdateThread(update) = &mut request {
                        update.fix_attempt(run.of, runs);
                        // A check can make what the report names, such as a file with its results.
                        Checker::new(self.place.clone()).prepare(update)?;
                    }
                    if let Some(checked) = checked {
                        set_checked(&mut request, checked);
                    }
                    wanted = Some(run.workstream);
                }
                Ok(PersonAnswer::CheckFailed(failed)) => return Err(Refusal::CheckFailed(Box::new(failed)).into()),
                answered => return answered,
            }
        }
    }

    /// Returns the linked worktree of this command's working directory, if the workspace is that of the main worktree.
    fn own_worktree(&self) -> Option<String> {
        linked_worktree(&self.place).map(|linked| linked.worktree.display().to_string())
    }

    /// Runs checks, and tells on stderr which one runs and how each ended.
    fn run_checks(&self, run: &CheckRun, directory: Option<&str>) -> Result<Option<Checked>, Error> {
        // A stage is what was merged, so its checks run in the root.
        let own = if let Proof::Stage(_) = run.of { None } else { self.own_worktree() };
        let told = RefCell::new(String::new());
        // The seconds at the front of the message change again and again.
        let tell = |message: String| {
            let what = message.split_once(": ").map_or(message.as_str(), |(_, command)| command).to_owned();
            if *told.borrow() != what {
                exit::note(self.output.is_json(), &format!("check: {what}"));
                *told.borrow_mut() = what;
            }
        };
        let watcher = Watcher { is_cancelled: &|| false, tell: &tell };
        let checked =
            Checker::new(self.place.clone()).run(run, directory.or(own.as_deref()), &SystemClock, &watcher)?;
        for result in checked.iter().flat_map(|checked| &checked.results).filter(|result| result.has_passed()) {
            exit::note(self.output.is_json(), &format!("passed after {} ms: {}", result.millis, result.command));
        }
        Ok(checked)
    }
}

fn directory_of(request: &PersonRequest) -> Option<&str> {
    match request {
        PersonRequest::UpdateThread(update) => update.directory.as_deref(),
        PersonRequest::Check { directory, .. } => directory.as_deref(),
        _ => None,
    }
}

fn set_checked(request: &mut PersonRequest, results: Checked) {
    match request {
        PersonRequest::UpdateThread(update) => update.checked = Some(results),
        PersonRequest::Check { thread, checked, .. } => {
            *thread = results.thread();
            *checked = Some(results);
        }
        PersonRequest::ApproveStage { checked, .. } => *checked = Some(results),
        _ => {}
    }
}
