//! `work export --format csv`: one row per thread.

use std::fmt::Write as _;

use super::super::page::Page;
use crate::clock::Moment;
use crate::decide::Report;
use crate::document::run_time;

const COLUMNS: [&str; 17] = [
    "thread_id",
    "thread",
    "stage",
    "batch",
    "status",
    "agent",
    "agent_source",
    "attempt",
    "attempts",
    "retries",
    "reassignments",
    "started_at",
    "completed_at",
    "seconds",
    "report",
    "artifacts",
    "next_steps",
];

pub(super) fn write(page: &mut Page, report: &Report, now: Moment) {
    // Quoted throughout, so that a separator of another country splits nothing.
    let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    // Writing into memory does not fail, and every row has as many fields as there are columns.
    let _ = writer.write_record(COLUMNS);
    for stage in &report.stages {
        for batch in &stage.batches {
            for thread in &batch.threads {
                let first = thread.attempts.first().and_then(|attempt| attempt.started_at.clone());
                let last = thread.attempts.last().and_then(|attempt| attempt.completed_at.clone());
                let row = [
                    thread.thread_id.clone(),
                    thread.name.clone(),
                    stage.name.clone(),
                    batch.name.clone(),
                    thread.status.to_string(),
                    thread.agent.clone(),
                    thread.agent_source.word().to_owned(),
                    thread.attempt.to_string(),
                    thread.attempts.len().to_string(),
                    thread.retries.to_string(),
                    thread.reassignments.to_string(),
                    first.unwrap_or_default(),
                    last.unwrap_or_default(),
                    run_time(thread, Some(now)).map(|time| time.as_secs().to_string()).unwrap_or_default(),
                    thread.report.clone(),
                    thread.artifacts.join("\n"),
                    thread.next_steps.join("\n"),
                ];
                let _ = writer.write_record(row.map(without_formula));
            }
        }
    }
    let bytes = writer.into_inner().unwrap_or_default();
    let _ = page.write_str(&String::from_utf8_lossy(&bytes));
}

/// Spreadsheets run a cell that starts like a formula, and agents write cells: such a one gets the
/// apostrophe by which spreadsheets know text.
fn without_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell
    }
}
