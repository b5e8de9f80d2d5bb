//! The timeline: a row per thread and a bar per attempt, on one axis per stage.
//!
//! A stage has an axis of its own because a person's approval stands before the next one, which may take days. Within a
//! stage its batches follow one another on the same axis, so that it shows what waited for what.

use std::collections::BTreeMap;
use std::time::Duration;

use maud::{Markup, html};

use super::axis::Axis;
use super::parts::{agent, end_mark, end_word, follows, mark, minute};
use crate::board::{AttemptStatus, CheckResult};
use crate::decide::{AttemptEnd, AttemptReport, BatchReport, Follows, Report, StageReport, ThreadReport};
use crate::document::{attempt_time, used};
use crate::moment::Moment;
use crate::wording::{count, duration};

/// Returns from when to when an attempt ran: until `now` if it runs. One whose end is not known has only its beginning;
/// `None`: nothing is known.
pub(super) fn run(attempt: &AttemptReport, now: Moment) -> Option<(Moment, Moment)> {
    let from = attempt.started_at?;
    let to = match attempt.completed_at {
        Some(to) => to,
        None if attempt.status == AttemptStatus::Running => now,
        None => from,
    };
    Some((from, to.max(from)))
}

/// Returns the timeline of all stages in which something ran.
pub(super) fn section(report: &Report, now: Moment) -> Markup {
    let stages = report.stages.iter().filter_map(|stage| {
        let attempts = stage.batches.iter().flat_map(|batch| &batch.threads).flat_map(|thread| &thread.attempts);
        Some((stage, Axis::over(attempts.filter_map(|attempt| run(attempt, now)))?))
    });
    let stages: Vec<(&StageReport, Axis)> = stages.collect();
    let names = short_names(report);
    html! {
        @if !stages.is_empty() {
            section.timeline aria-labelledby="timeline" {
                h2 id="timeline" { "Timeline" }
                (legend(report, &stages))
                @for (stage, axis) in &stages { (figure(stage, axis, &names, now)) }
            }
        }
    }
}

/// Returns what the bars mean, as far as there are such.
fn legend(report: &Report, axes: &[(&StageReport, Axis)]) -> Markup {
    let attempts: Vec<(&AttemptReport, Option<AttemptEnd>)> = report.threads().flat_map(ThreadReport::ended).collect();
    let ends = [
        Some(AttemptEnd::Completed),
        Some(AttemptEnd::Failed),
        Some(AttemptEnd::Blocked),
        Some(AttemptEnd::Interrupted),
        None,
    ];
    let ends = ends.into_iter().filter(|end| attempts.iter().any(|(_, other)| other == end));
    let after = [Follows::Retry, Follows::Reassignment];
    let after = after.into_iter().filter(|after| attempts.iter().any(|(attempt, _)| attempt.follows == Some(*after)));
    let checks = || attempts.iter().flat_map(|(attempt, _)| &attempt.checks);
    html! {
        ul.legend {
            @for end in ends { li { span.key.(end_word(end)) aria-hidden="true" { (end_mark(end)) } " " (end_word(end)) } }
            @for after in after { li { span aria-hidden="true" { (follows(after).0) } " " (follows(after).1) } }
            @if checks().any(CheckResult::has_passed) { li { span.key.strip.passed aria-hidden="true" {} " check passed" } }
            @if !checks().all(CheckResult::has_passed) { li { span.key.strip.failed aria-hidden="true" {} " check failed" } }
            li { span.key.waits aria-hidden="true" {} " waits" }
            @if axes.iter().any(|(_, axis)| !axis.breaks().is_empty()) {
                li { span.key.idle-key aria-hidden="true" {} " nothing ran: shortened" }
            }
        }
    }
}

/// Returns names of agents as short as a bar is: what stands behind the last hyphen, where only one agent has that.
fn short_names(report: &Report) -> BTreeMap<&str, &str> {
    let short = |agent: &'_ str| -> usize { agent.rfind('-').map_or(0, |at| at + 1) };
    let ends = |end: &str| report.agents.iter().filter(|other| other.agent[short(&other.agent)..] == *end).count();
    let names = report.agents.iter().map(|figures| {
        let agent = figures.agent.as_str();
        let end = &agent[short(agent)..];
        (agent, if end.is_empty() || ends(end) > 1 { agent } else { end })
    });
    names.collect()
}

fn figure(stage: &StageReport, axis: &Axis, names: &BTreeMap<&str, &str>, now: Moment) -> Markup {
    let id = format!("time-{}", stage.number);
    html! {
        figure aria-labelledby=(id) {
            figcaption id=(id) {
                strong { "Stage " (stage.number) ": " bdi { (stage.name) } }
                @if let Some((from, to)) = axis.span() { " " span.span { (between(from, to)) " UTC" } }
            }
            div.rows {
                div.grid aria-hidden="true" {
                    @for label in axis.labels() {
                        span.tick style={ "left:" (percent(label.place)) } {
                            (label.time)
                            @if let Some(day) = &label.day { small { (day) } }
                        }
                    }
                    @for gap in axis.breaks() {
                        span.idle style={ "left:" (percent(gap.place)) ";width:" (percent(gap.width)) }
                            title={ (duration(gap.time)) " in which nothing ran" } { small { (idle(gap.time)) } }
                    }
                }
                @for batch in stage.batches.iter().filter(|batch| !batch.threads.is_empty()) { (rows(batch, axis, names, now)) }
            }
        }
    }
}

/// Returns how long a break is, as short as can be.
fn idle(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..3600 => duration(Duration::from_secs(seconds)),
        seconds @ 3600..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

fn rows(batch: &BatchReport, axis: &Axis, names: &BTreeMap<&str, &str>, now: Moment) -> Markup {
    html! {
        h3.batch {
            code { (batch.id) } " " bdi { (batch.name) }
            @if batch.cycles.len() > 1 { " " small { (count(batch.cycles.len(), "cycle", "cycles")) } }
        }
        ol.threads {
            @for thread in &batch.threads {
                @let untimed = thread.attempts.iter().filter(|attempt| run(attempt, now).is_none()).count();
                li.row {
                    a.name href={ "#t-" (thread.thread_id) } title=(thread.name) {
                        span.mark.(thread.status.word()) aria-hidden="true" { (mark(thread.status)) }
                        " " code { (thread.thread_id) } " " bdi { (thread.name) }
                        @if untimed > 0 { " " small { "(+ " (untimed) " without times)" } }
                        span.hidden { ", " (thread.status.word().replace('_', " ")) }
                    }
                    (lane(batch, thread, axis, names, now))
                }
            }
        }
    }
}

/// Returns the bars of a thread. All that they show stands in the card of the thread in words.
fn lane(batch: &BatchReport, thread: &ThreadReport, axis: &Axis, names: &BTreeMap<&str, &str>, now: Moment) -> Markup {
    // From the opening of each cycle to the last end in it the thread waits where it does not run.
    let waits = batch.cycles.iter().filter_map(|cycle| {
        let counted = thread.attempts.iter().filter(|attempt| attempt.cycle == Some(cycle.cycle));
        let last = counted.filter_map(|attempt| run(attempt, now)).map(|(_, to)| to).max()?;
        Some((cycle.opened_at?, last))
    });
    html! {
        div.lane {
            @for (from, to) in waits { span.waits style=(place(axis, from, to)) {} }
            @for (attempt, end) in thread.ended() {
                @if let Some((from, to)) = run(attempt, now) {
                    a.bar.(end_word(end)).open[attempt.completed_at.is_none()] href={ "#t-" (thread.thread_id) "-" (attempt.attempt) }
                        style=(place(axis, from, to)) title=(told(attempt, end, from, to, now)) {
                        span aria-hidden="true" {
                            @if let Some(after) = attempt.follows { (follows(after).0) } (end_mark(end)) " " (names.get(attempt.agent.as_str()).unwrap_or(&""))
                        }
                    }
                    @for check in &attempt.checks {
                        span.strip.(if check.has_passed() { "passed" } else { "failed" }) style=(place(axis, began(check), check.at)) {}
                    }
                }
            }
            @if thread.attempts.is_empty() && !thread.waits_for.is_empty() {
                small.untimed { "waits for " (thread.waits_for.join(", ")) }
            }
        }
    }
}

/// Returns when a check began.
fn began(check: &CheckResult) -> Moment {
    check.at.before(Duration::from_millis(check.millis))
}

/// Returns an attempt as `attempt 2 (retry) by AGENT: completed after 3 min, 2026-11-26 22:05 – 22:08`, and what it used.
fn told(attempt: &AttemptReport, end: Option<AttemptEnd>, from: Moment, to: Moment, now: Moment) -> String {
    let after = attempt.follows.map(|after| format!(" ({})", follows(after).1)).unwrap_or_default();
    let (number, agent, end) = (attempt.attempt, agent(attempt), end_word(end));
    let usage = attempt.usage.map(|usage| format!("; {}", used(usage))).unwrap_or_default();
    match attempt_time(attempt, Some(now)) {
        Some(time) => {
            let (time, between) = (duration(time), between(from, to));
            let word = if attempt.status == AttemptStatus::Running { "for" } else { "after" };
            format!("attempt {number}{after} by {agent}: {end} {word} {time}, {between}{usage}")
        }
        None => {
            format!("attempt {number}{after} by {agent}: {end}, began {}; its end is not known{usage}", minute(from))
        }
    }
}

/// Returns two moments as `2026-11-26 22:05 – 22:08`; the day of the second only where it is another one.
pub(super) fn between(from: Moment, to: Moment) -> String {
    let to = if from.day() == to.day() { to.clock_time() } else { minute(to) };
    format!("{} – {to}", minute(from))
}

/// Returns the style of what lies between two moments.
fn place(axis: &Axis, from: Moment, to: Moment) -> String {
    let left = axis.place(from);
    format!("left:{};width:{}", percent(left), percent(axis.place(to).saturating_sub(left)))
}

/// Returns a place as a share of the row.
fn percent(place: u64) -> String {
    format!("{}.{:02}%", place / 100, place % 100)
}
