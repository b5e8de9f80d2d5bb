//! What becomes of the tasks of another program: the texts of a plan, and what happened to its threads. Adds both as a
//! workstream.

use super::{Imported, by_status};
use crate::board::Status;
use crate::decide::{ImportProblem, Refusal};
use crate::fault::Error;
use crate::format::json::{Object, close, open};
use crate::format::tasks_json::TasksJson;
use crate::format::threads_json;
use crate::moment::Moment;
use crate::plan::{MAX_NUMBER, Plan, PlanTexts, compose, fitted, parse};
use crate::store::files::unwritable;
use crate::store::{Added, NewWorkstream, Store};

/// A file of another program that can be imported.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'s> {
    /// Its path, as the plan names it.
    pub(super) path: &'s str,
    /// What the workstream is called if neither the person nor the file says it.
    pub(super) name: &'s str,
    /// The paths of documents that belong to it.
    pub(super) documents: &'s [String],
}

/// A plan made of the tasks of another program.
#[derive(Debug)]
pub(super) struct Mapped {
    pub(super) plan: PlanTexts,
    /// What the workstream is called if the person does not say it.
    pub(super) name: String,
    /// The status of each thread, in the order of the plan: pending, completed or cancelled.
    pub(super) statuses: Vec<Status>,
    /// What has no place in the plan, one sentence each.
    pub(super) left: Vec<String>,
}

impl Mapped {
    /// Adds the plan and the statuses as a new workstream, called `name` if that is given. `from` is the path of the
    /// source. Nothing is approved.
    ///
    /// # Errors
    ///
    /// [`ImportProblem::TooManyStages`], and those of [`Store::add`].
    pub(super) fn add(self, store: &dyn Store, from: &str, name: Option<&str>, at: Moment) -> Result<Imported, Error> {
        let texts = fitted(self.plan);
        if texts.stages.len() > usize::from(MAX_NUMBER) {
            let stages = texts.stages.len();
            return Err(
                Refusal::Import { path: from.to_owned(), problem: ImportProblem::TooManyStages { stages } }.into()
            );
        }
        let text = compose(&texts);
        let plan = parse(&text);
        let write = |error| unwritable(from.as_ref(), &error);
        let threads = threads(&plan, &self.statuses, from, at).map_err(write)?;
        // Reading the new threads.json proves that the store can read it later. Nothing has been written yet.
        let board = threads_json::read(Some(&threads), &TasksJson::default()).map_err(write)?.board;
        let name = name.unwrap_or(&self.name);
        let Added { id: workstream, executed } =
            store.add(&NewWorkstream { name, plan: &text, threads: Some(&threads) }, at)?;
        let threads = by_status(&board, plan.threads().map(|thread| thread.id));
        Ok(Imported { workstream, from: from.to_owned(), unchanged: false, threads, executed, left: self.left })
    }
}

/// Returns the text of a threads.json in which the threads that are not pending have their status and a report.
fn threads(plan: &Plan, statuses: &[Status], from: &str, at: Moment) -> serde_json::Result<String> {
    const FILE_ORDER: [&str; 4] = ["version", "stream_id", "last_updated", "threads"];
    const ORDER: [&str; 8] =
        ["threadId", "threadName", "stageName", "batchName", "status", "report", "sessions", "updatedAt"];
    let mut records = Vec::new();
    for (thread, status) in plan.threads().zip(statuses).filter(|(_, status)| **status != Status::Pending) {
        let id = thread.id;
        let did = if *status == Status::Completed { "done" } else { "cancelled" };
        let stage = plan.stage(id.batch.stage).map(|stage| stage.name.as_str());
        let batch = plan.batch(id.batch).map(|batch| batch.name.as_str());
        let mut record = Object::default();
        record.set("threadId", &id.to_string(), &ORDER)?;
        record.set("threadName", &thread.name, &ORDER)?;
        record.set("stageName", &stage, &ORDER)?;
        record.set("batchName", &batch, &ORDER)?;
        record.set("status", &status.word(), &ORDER)?;
        record.set("report", &format!("{did} in {from} before the import"), &ORDER)?;
        record.set("sessions", &[(); 0], &ORDER)?;
        record.set("updatedAt", &at.to_string(), &ORDER)?;
        records.push(record);
    }
    let mut file = open(None, &FILE_ORDER)?;
    file.set("last_updated", &at.to_string(), &FILE_ORDER)?;
    file.set("threads", &records, &FILE_ORDER)?;
    close(&file, None)
}
