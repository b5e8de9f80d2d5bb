//! A workspace for the tests of `work watch`, and what a real one looks like in the middle of its work.

use tempfile::TempDir;

use super::super::report::read;
use crate::board::ReportedStatus;
use crate::clock::SystemClock;
use crate::decide::{PersonRequest, Report, UpdateThread};
use crate::moment::Moment;
use crate::store::{FileStore, WorkspaceLocation};
use crate::transact::transact_for_person;

const PLAN: &str = "\
# Plan: Search over all documents
## Stages
### Stage 1: Index
##### Batch 1: Storage
###### Thread 1: Schema @agent:system-engineer-codex
**Check:** `cargo test schema`
###### Thread 2: Rows
### Stage 2: Search API
##### Batch 1: Queries
###### Thread 1: Parser @agent:system-engineer-codex
**Summary:** Parse what people type into a query.
**Details:** Quotes, minus and OR, as the old search had them.

Keep the old tests, and add one for each operator.
**Check:** `cargo test parser`
**Check:** `cargo clippy -- -D warnings`
###### Thread 2: Ranking of the results by their age and by the words in their titles
###### Thread 3: Cache
###### Thread 4: Pages
**After:** 02.01.02
##### Batch 2: Client
###### Thread 1: Page
";

const APPROVED: &str = r#"{"version":"1.0.0","streams":[{"id":"001-search","name":"search",
    "approval":{"status":"approved"}}]}"#;

const STAGE_APPROVED: &str = r#"{"version":"1.0.0","streams":[{"id":"001-search","name":"search","approval":{"status":"approved",
    "stages":{"1":{"status":"approved","approved_by":"ann","approved_at":"2026-01-01T10:00:00.000Z"}}}}]}"#;

const THREADS: &str = r#"{
  "version": "1.0.0", "stream_id": "001-search",
  "threads": [
    {"threadId": "01.01.01", "threadName": "Schema", "status": "completed", "report": "Three tables, with indexes.",
     "sessions": [{"agentName": "system-engineer-codex", "startedAt": "2026-01-01T09:00:00.000Z",
       "completedAt": "2026-01-01T09:12:00.000Z", "status": "completed", "attempt": 1, "cycle": 1,
       "report": "Three tables, with indexes.",
       "checks": [{"command": "cargo test schema", "exit_code": 0, "seconds": 31.5, "at": "2026-01-01T09:12:00.000Z"}]}]},
    {"threadId": "01.01.02", "threadName": "Rows", "status": "completed", "report": "Rows are written in batches.",
     "artifacts": ["docs/rows.md", "src/rows.rs"], "unproven": [{"missing": "docs/rows.md"}],
     "nextSteps": ["Measure batches of 1000 rows"],
     "sessions": [{"agentName": "default", "startedAt": "2026-01-01T09:00:00.000Z",
       "completedAt": "2026-01-01T09:40:00.000Z", "status": "completed", "attempt": 1, "cycle": 1,
       "report": "Rows are written in batches."}]},
    {"threadId": "02.01.01", "threadName": "Parser", "status": "blocked", "assignedAgent": "system-engineer-opus",
     "report": "The old search reads a minus as NOT only behind a blank, but its documents say that it does so everywhere. Both are in use: 214 saved searches have a word with a hyphen, 31 rely on the documents. I need a decision: keep the behaviour, or keep the documents and rewrite the saved searches.",
     "sessions": [
       {"agentName": "system-engineer-codex", "startedAt": "2026-01-01T11:00:00.000Z",
        "completedAt": "2026-01-01T11:20:00.000Z", "status": "failed", "attempt": 1, "cycle": 1, "failedChecks": 5,
        "report": "cargo test parser fails: minus_is_not",
        "checks": [{"command": "cargo test parser", "exit_code": 101, "seconds": 12, "at": "2026-01-01T11:20:00.000Z"}]},
       {"agentName": "system-engineer-opus", "startedAt": "2026-01-01T11:21:00.000Z",
        "completedAt": "2026-01-01T11:45:00.000Z", "status": "failed", "attempt": 2, "cycle": 1,
        "report": "The old search reads a minus as NOT only behind a blank, but its documents say that it does so everywhere. Both are in use: 214 saved searches have a word with a hyphen, 31 rely on the documents. I need a decision: keep the behaviour, or keep the documents and rewrite the saved searches.",
        "checks": [
          {"command": "cargo test parser", "exit_code": 101, "seconds": 12, "at": "2026-01-01T11:44:00.000Z"},
          {"command": "cargo clippy -- -D warnings", "exit_code": 0, "seconds": 4, "at": "2026-01-01T11:44:10.000Z"}]}]},
    {"threadId": "02.01.02", "threadName": "Ranking of the results by their age and by the words in their titles",
     "status": "in_progress", "breadcrumb": "titles count twice now; next are the ages, then the weights of both",
     "sessions": [{"agentName": "default", "startedAt": "2026-01-01T11:48:00.000Z", "status": "running", "attempt": 1,
       "cycle": 1}]},
    {"threadId": "02.01.03", "threadName": "Cache", "status": "pending", "report": "the registry answered 503",
     "sessions": [{"agentName": "default", "startedAt": "2026-01-01T11:00:00.000Z",
       "completedAt": "2026-01-01T11:03:00.000Z", "status": "failed", "attempt": 1, "cycle": 1, "transient": true,
       "report": "the registry answered 503"}]}
  ],
  "cycles": [
    {"batch": "01.01", "cycle": 1, "status": "closed", "openedAt": "2026-01-01T09:00:00.000Z",
     "closedAt": "2026-01-01T09:40:00.000Z", "threads": []},
    {"batch": "02.01", "cycle": 1, "status": "open", "holder": null, "openedAt": "2026-01-01T11:00:00.000Z",
     "threads": [{"threadId": "02.01.01", "reassignedAfter": 1, "reason": "a fresh look at the grammar"},
       {"threadId": "02.01.03", "retriedAfter": 1}]}
  ]
}"#;

/// A workspace with the workstream `001-search`.
pub(super) struct Made {
    folder: TempDir,
    store: FileStore,
}

impl Made {
    /// Makes one with a plan that is approved, and with nothing done.
    pub(super) fn of(plan: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = WorkspaceLocation { root: Some(folder.path().to_owned()), ..WorkspaceLocation::default() };
        let made = Self { store: FileStore::new(place, None), folder };
        made.write("001-search/PLAN.md", plan);
        made.write("index.json", APPROVED);
        made
    }

    /// Makes one in the middle of its work: stage 1 is approved, and in batch 02.01 a thread is blocked, one runs, one
    /// failed, and one waits.
    pub(super) fn half_way() -> Self {
        let made = Self::of(PLAN);
        made.write("index.json", STAGE_APPROVED);
        made.write("001-search/threads.json", THREADS);
        made
    }

    /// Writes a file below `work`.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("work").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Carries out what a person asks for.
    pub(super) fn person(&self, request: &PersonRequest) {
        transact_for_person(&self.store, &SystemClock, None, request).unwrap();
    }

    /// Says what happened to a thread.
    pub(super) fn update(&self, thread: &str, status: ReportedStatus, report: &str) {
        let update = UpdateThread::new(thread.parse().unwrap(), status, report);
        self.person(&PersonRequest::UpdateThread(update));
    }

    pub(super) fn report(&self) -> Report {
        read(&self.store).unwrap()
    }
}

/// The time at which a workspace half way is looked at.
pub(super) fn noon() -> Moment {
    Moment::parse("2026-01-01T12:00:00.000Z").unwrap()
}
