//! `work list`: all workstreams of the workspace, one line each.

use std::process::ExitCode;

use super::import::importable_in;
use super::render::Row;
use super::{Session, exit, render};
use crate::clock::SystemClock;
use crate::decide::{PersonAnswer, PersonRequest};
use crate::transact::transact_for_person;

pub(super) fn run(session: &Session) -> ExitCode {
    let store = match session.store() {
        Ok(store) => store,
        Err(code) => return code,
    };
    let listed = match store.list() {
        Ok(listed) => listed,
        Err(stopped) => return exit::stopped(&stopped, &session.words),
    };
    let row = |workstream: String| {
        // A workstream that cannot be read must not hide the others: its row has the error instead.
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
        let words = session.words.for_programs();
        let worded = |row: Row| Row {
            workstream: row.workstream,
            current: row.current,
            status: row.status.map(|status| status.worded(&words)),
            error: row.error,
        };
        session.output.print_json(&rows.into_iter().map(worded).collect::<Vec<_>>())
    } else {
        session.output.print(render::list(&rows, &importable_in(session), &session.words))
    }
}
