//! A report as one page of HTML (`work report --format html`), for a browser, for paper and to be passed on.
//!
//! The page needs nothing but itself: no script, no file, no network, and its own policy forbids them
//! (`Content-Security-Policy`). Every text comes from a plan or an agent and may be hostile. So markup is made by
//! `maud` alone, which escapes each text, and [`finished`] replaces what a reader cannot see. `PreEscaped` is for the
//! style sheet only.
//!
//! What a colour says is said by a mark and a word as well.

mod axis;
mod link;
mod parts;
mod stages;
mod timeline;

use std::fmt::Write;
use std::time::Duration;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::parts::{approved, marked, minute};
use super::figures::{UNRECORDED, columns, rows};
use super::{attempt_time, used};
use crate::board::{Status, Usage};
use crate::decide::{AgentFigures, Report, ThreadReport};
use crate::moment::Moment;
use crate::wording::{count, duration, printable};
use crate::words::{PersonWords, next_step};

/// Nothing is loaded, run, framed or sent. Styles stand in the page: a bar has its place in an attribute.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("page.css");

/// Writes the page. An attempt that still runs is counted up to `now`, which also stands at the end of the page.
pub(crate) fn write_page(page: &mut impl Write, report: &Report, now: Moment, words: &PersonWords) {
    let status = &report.status;
    let name = if status.name.is_empty() { &status.workstream } else { &status.name };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (name) " · work report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (head(report, name, now, words)) }
                main {
                    (timeline::section(report, now))
                    (agents(&report.agents))
                    @for stage in &report.stages { (stages::section(stage, now)) }
                }
                footer {
                    p {
                        "Made by " code { "work report --format html" } ", version " (env!("CARGO_PKG_VERSION")) ", on "
                        (minute(now)) ". All times are in UTC. Links to files lead from the folder in which this page lies: "
                        "keep it in the root of the project."
                    }
                }
            }
        }
    };
    let _ = writeln!(page, "{}", finished(&markup.into_string()));
}

/// Returns a page in which nothing is hidden: characters that show nothing, or turn the reading direction, are replaced.
fn finished(page: &str) -> String {
    printable(&page.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Returns the top of the page: what the plan is, how far it is, and what comes next.
fn head(report: &Report, name: &str, now: Moment, words: &PersonWords) -> Markup {
    let status = &report.status;
    let threads: Vec<&ThreadReport> = report.threads().collect();
    let planned: usize = status.stages.iter().flat_map(|stage| &stage.batches).map(threads_of).sum();
    let next = next_step(status, words);
    html! {
        p.over { span.brand { "work report" } " " code { (status.workstream) } }
        h1 dir="auto" { (name) }
        p.plan {
            @if let Some(approval) = &report.approval { "Plan " (approved(approval)) ". " }
            // The gate of the plan can be shut all the same: PLAN.md has changed since.
            @if status.plan != "approved" { "Nothing is handed out: " (status.plan) "." }
            @if threads.len() < planned { " This page shows " (threads.len()) " of " (count(planned, "thread", "threads")) "." }
        }
        p.next {
            span.label { "Next" }
            " "
            (next_command(&next))
        }
        @if !threads.is_empty() { (totals(&threads, report.usage, now)) }
        @let blocked: Vec<_> = threads.iter().filter(|thread| thread.status == Status::Blocked).collect();
        @if !blocked.is_empty() {
            section.attention {
                h2 { (count(blocked.len(), "thread is blocked", "threads are blocked")) }
                ul {
                    @for thread in blocked {
                        li {
                            a href={ "#t-" (thread.thread_id) } { (thread.thread_id) " " bdi { (thread.name) } }
                            @let why = short(&thread.report);
                            @if !why.is_empty() { ": " bdi { (why) } }
                        }
                    }
                }
            }
        }
        @if !status.warnings.is_empty() {
            details.notes {
                summary { (count(status.warnings.len(), "warning", "warnings")) }
                ul { @for note in &status.warnings { li dir="auto" { (crate::decide::Words::note(words, note)) } } }
            }
        }
    }
}

/// Returns what comes next, with its command as code: it is the whole, or stands at the end.
fn next_command(next: &str) -> Markup {
    let at = if next.starts_with("work ") { Some(0) } else { next.rfind("then work ").map(|at| at + "then ".len()) };
    let (before, command) = next.split_at(at.unwrap_or(next.len()));
    html! { span { (before) @if !command.is_empty() { code { (command) } } } }
}

/// Returns the beginning of a text, as long as a line or two.
fn short(text: &str) -> String {
    let mut chars = text.trim().chars();
    let mut short: String = chars.by_ref().take(240).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

fn threads_of(batch: &crate::decide::BatchCounts) -> usize {
    batch.pending + batch.in_progress + batch.completed + batch.blocked + batch.cancelled
}

/// Returns the threads by status, as one bar and in words, and the figures of the whole.
fn totals(threads: &[&ThreadReport], usage: Option<Usage>, now: Moment) -> Markup {
    let with = |status: Status| threads.iter().filter(|thread| thread.status == status).count();
    let order = [Status::Completed, Status::InProgress, Status::Blocked, Status::Pending, Status::Cancelled];
    let shares: Vec<(Status, usize)> =
        order.into_iter().map(|status| (status, with(status))).filter(|(_, number)| *number > 0).collect();
    let sum = |of: fn(&ThreadReport) -> usize| threads.iter().map(|thread| of(thread)).sum::<usize>();
    let attempts = || threads.iter().flat_map(|thread| &thread.attempts);
    let checks = || attempts().flat_map(|attempt| &attempt.checks);
    let passed = checks().filter(|check| check.has_passed()).count();
    let worked: Duration = attempts().filter_map(|attempt| attempt_time(attempt, Some(now))).sum();
    let runs = || attempts().filter_map(|attempt| timeline::run(attempt, now));
    let passed_time = runs().map(|(from, _)| from).min().zip(runs().map(|(_, to)| to).max());
    let figure = |name: &str, value: String, note: String| {
        html! { div { dt { (name) } dd { (value) @if !note.is_empty() { " " small { (note) } } } } }
    };
    html! {
        div.share aria-hidden="true" {
            @for (status, number) in &shares { span class=(status.word()) style={ "flex-grow:" (number) } {} }
        }
        ul.legend { @for (status, number) in &shares { li { (number) " " (marked(*status)) } } }
        dl.totals {
            (figure("Threads", format!("{} of {}", with(Status::Completed), threads.len()), "completed".to_owned()))
            (figure("Attempts", attempts().count().to_string(), String::new()))
            (figure("Retries", sum(|thread| thread.retries).to_string(), String::new()))
            (figure("Reassignments", sum(|thread| thread.reassignments).to_string(), String::new()))
            @if checks().next().is_some() {
                (figure("Checks", format!("{passed} of {}", checks().count()), "passed".to_owned()))
            }
            @if let Some((from, to)) = passed_time {
                (figure("From start to end", duration(to.since(from)), String::new()))
                (figure("Agents’ time", duration(worked), String::new()))
            }
            @if let Some(usage) = usage { (figure("Used", used(usage), String::new())) }
        }
    }
}

/// Returns the table of what each agent did; nothing if nothing was attempted.
fn agents(agents: &[AgentFigures]) -> Markup {
    html! {
        @if !agents.is_empty() {
            section.agents aria-labelledby="agents" {
                h2 id="agents" { "Agents" }
                div.scroll tabindex="0" role="region" aria-labelledby="agents" {
                    table {
                        thead { tr { th scope="col" { "agent" } @for column in columns(agents) { th scope="col" { (column) } } } }
                        tbody {
                            @for (figures, row) in rows(agents) {
                                tr {
                                    th scope="row" dir="auto" {
                                        @if figures.agent.is_empty() { (UNRECORDED) } @else { (figures.agent) }
                                    }
                                    @for cell in row { td { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
