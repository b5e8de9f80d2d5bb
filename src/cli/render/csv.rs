//! `work export --format csv`: a table with one row per thread, for spreadsheets.

use std::fmt::Write as _;

use super::super::page::Page;
use crate::board::Usage;
use crate::decide::Report;
use crate::document::{run_time, thread_usage};
use crate::moment::Moment;

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

/// The columns behind them, where it is known of a thread what its attempts used.
const USAGE_COLUMNS: [&str; 4] = ["input_tokens", "cached_tokens", "output_tokens", "cost_usd"];

pub(super) fn write(page: &mut Page, report: &Report, now: Moment) {
    // All fields are quoted: some spreadsheets take a semicolon for the separator, and would split a text at it.
    let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    // The errors can be ignored: writing into memory does not fail, and every row has as many fields as there are
    // columns.
    let usage_columns = report.usage.map(|_| USAGE_COLUMNS);
    let _ = writer.write_record(COLUMNS.iter().chain(usage_columns.iter().flatten()));
    for stage in &report.stages {
        for batch in &stage.batches {
            for thread in &batch.threads {
                let first = thread.attempts.first().and_then(|attempt| attempt.started_at);
                let last = thread.attempts.last().and_then(|attempt| attempt.completed_at);
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
                    first.map(|at| at.to_string()).unwrap_or_default(),
                    last.map(|at| at.to_string()).unwrap_or_default(),
                    run_time(thread, Some(now)).map(|time| time.as_secs().to_string()).unwrap_or_default(),
                    thread.report.clone(),
                    thread.artifacts.join("\n"),
                    thread.next_steps.join("\n"),
                ];
                let usage = usage_columns.map(|_| usage_cells(thread_usage(thread)));
                let row = row.into_iter().chain(usage.into_iter().flatten());
                let _ = writer.write_record(row.map(without_formula));
            }
        }
    }
    let bytes = writer.into_inner().unwrap_or_default();
    let _ = page.write_str(&String::from_utf8_lossy(&bytes));
}

/// Returns the cells of [`USAGE_COLUMNS`]. What is not known is empty.
fn usage_cells(usage: Option<Usage>) -> [String; 4] {
    let cell = |of: fn(Usage) -> u64| usage.map(|usage| of(usage).to_string()).unwrap_or_default();
    let cost = usage.and_then(Usage::dollars).map(|cost| cost.to_string()).unwrap_or_default();
    [cell(|usage| usage.input_tokens), cell(|usage| usage.cached_tokens), cell(|usage| usage.output_tokens), cost]
}

/// Returns a cell that no spreadsheet takes for a formula. Agents write into cells, and a spreadsheet runs what begins
/// like a formula, so such a cell gets an apostrophe in front, which marks text.
fn without_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell
    }
}
