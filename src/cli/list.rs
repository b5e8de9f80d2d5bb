//! `work list`: all workstreams of the workspace.

use std::process::ExitCode;

use serde::Serialize;

use super::{Session, exit, render};
use crate::clock::SystemClock;
use crate::decide::{PersonAnswer, PersonRequest, WorkstreamStatus};
use crate::transact::transact_for_person;

/// A workstream of the list.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) workstream: String,
    /// Whether it is meant when nobody names one.
    pub(super) current: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<WorkstreamStatus>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

pub(super) fn run(session: &Session) -> ExitCode {
    let store = match session.store() {
        Ok(store) => store,
        Err(code) => return code,
    };
    let listed = match store.list() {
        Ok(listed) => listed,
        Err(stopped) => return exit::stopped(&stopped, &session.flags),
    };
    let row = |workstream: String| {
        // One that cannot be read does not hide the others.
        let (status, error) =
            match transact_for_person(store.as_ref(), &SystemClock, Some(&workstream), &PersonRequest::Status) {
                Ok(PersonAnswer::Status(status)) => (Some(status), None),
                Ok(_) => (None, None),
                Err(stopped) => (None, Some(stopped.to_string())),
            };
        Row { current: listed.current.as_ref() == Some(&workstream), workstream, status, error }
    };
    let rows: Vec<Row> = listed.workstreams.into_iter().map(row).collect();
    if session.output.is_json() {
        session.output.print_json(&rows)
    } else {
        session.output.print(render::list(&rows, &listed.importable))
    }
}
