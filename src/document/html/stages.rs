//! The stages with their threads: a card per thread with all that is known of it, and the gate of the stage.

use std::time::Duration;

use maud::{Markup, html};

use super::link::{Target, target};
use super::parts::{agent, approved, end_mark, end_word, follows, marked, minute, text};
use super::timeline::between;
use crate::board::{CheckResult, Status, Unproven};
use crate::decide::{
    AttemptEnd, AttemptReport, BatchReport, CycleReport, DecisionAction, ProofState, StageReport, ThreadReport,
};
use crate::document::{attempt_time, proof, run_time, thread_usage, used};
use crate::moment::Moment;
use crate::wording::{count, duration};
use crate::words::not_there;

pub(super) fn section(stage: &StageReport, now: Moment) -> Markup {
    let id = format!("stage-{}", stage.number);
    html! {
        section.stage aria-labelledby=(id) {
            h2 id=(id) { "Stage " (stage.number) ": " bdi { (stage.name) } }
            p.gate {
                @match &stage.approval {
                    Some(approval) => { span.mark.completed aria-hidden="true" { "✓" } " Stage " (approved(approval)) }
                    None => { span.mark.pending aria-hidden="true" { "○" } " Not approved" }
                }
            }
            @if !stage.checks.is_empty() {
                p.gate { "Before the approval: " @for check in &stage.checks { code.command { (check) } " " } }
            }
            (plan_text("What the stage is", &[&stage.definition, &stage.constitution]))
            @for batch in &stage.batches { (of_batch(batch, now)) }
        }
    }
}

fn of_batch(batch: &BatchReport, now: Moment) -> Markup {
    html! {
        h3.batch { code { (batch.id) } " " bdi { (batch.name) } }
        @if !batch.cycles.is_empty() {
            p.cycles { @for (at, cycle) in batch.cycles.iter().enumerate() { @if at > 0 { "; " } (of_cycle(cycle)) } }
        }
        (plan_text("What the batch is about", &[&batch.summary]))
        @if batch.threads.is_empty() { p.cycles { "No threads." } }
        div.cards { @for thread in &batch.threads { (card(thread, now)) } }
    }
}

/// Returns an execution of a batch as `cycle 1: 2026-11-26 22:05 – 22:40`.
fn of_cycle(cycle: &CycleReport) -> String {
    let when = match (cycle.opened_at, cycle.closed_at) {
        (Some(from), Some(to)) => format!(": {}", between(from, to)),
        (Some(from), None) => format!(": {}", minute(from)),
        (None, _) => String::new(),
    };
    let open = if cycle.open { ", open" } else { "" };
    format!("cycle {}{when}{open}", cycle.cycle)
}

fn card(thread: &ThreadReport, now: Moment) -> Markup {
    let id = format!("t-{}", thread.thread_id);
    let untold = |attempt: &AttemptReport| !attempt.report.is_empty() && attempt.report != thread.report;
    html! {
        article.card.(thread.status.word()) id=(id) aria-labelledby={ (id) "-name" } {
            h4 id={ (id) "-name" } { code { (thread.thread_id) } " " bdi { (thread.name) } }
            p.facts {
                span.status { (marked(thread.status)) }
                @if let Some(state) = thread.proof() { span.chip.(proof_class(state)) { (proof(state)) } }
                span { bdi { (thread.agent) } " " small { "(" (thread.agent_source.word()) ")" } }
                @if !thread.attempts.is_empty() {
                    span {
                        (count(thread.attempts.len(), "attempt", "attempts"))
                        @if let Some(time) = run_time(thread, Some(now)) { ", " (duration(time)) }
                    }
                    @if let Some(usage) = thread_usage(thread) { span { (used(usage)) } }
                }
            }
            @if !thread.waits_for.is_empty() { p { "Waits for " (thread.waits_for.join(", ")) "." } }
            @if let Some(decision) = &thread.decision {
                p.decision {
                    // For a blocked thread it is advice (DESIGN §6).
                    (if thread.status == Status::Blocked { "Advice to the planner: " } else { "Next: " })
                    @match decision.action {
                        DecisionAction::Retry => { "try it again with " bdi { (decision.agent) } ", attempt " (decision.attempt) "." }
                        DecisionAction::Reassign => { "reassign it to " bdi { (decision.agent) } ", attempt " (decision.attempt) "." }
                        DecisionAction::Block => { "nothing, retry and reassignment are used." }
                    }
                }
            }
            @if !thread.report.is_empty() { (text(&thread.report)) }
            @if !thread.breadcrumb.is_empty() && !thread.status.is_done() { h5 { "Last sign of life" } (text(&thread.breadcrumb)) }
            @if let Some(reason) = &thread.reason { h5 { "Reassigned because" } (text(reason)) }
            @if !thread.unproven.is_empty() { h5.bad { "Not proven" } (text(&not_there(&thread.unproven))) }
            (list("Artifacts", &thread.artifacts, |item| artifact(item, &thread.unproven)))
            (list("Next steps", &thread.next_steps, |item| html! { bdi { (item) } }))
            @if !thread.attempts.is_empty() {
                h5 { "Attempts" }
                ol.attempts {
                    @for (attempt, end) in thread.ended() {
                        li id={ (id) "-" (attempt.attempt) } {
                            (line(attempt, end, now))
                            @if untold(attempt) { (text(&attempt.report)) }
                        }
                    }
                }
            }
            @if thread.attempts.is_empty() && !thread.checks.is_empty() {
                h5 { "Checks" }
                ul.checks { @for check in &thread.checks { li { code.command { (check) } } } }
            }
            (plan_text("What the plan says", &[&thread.summary, &thread.details]))
        }
    }
}

/// Returns an attempt in a line, and the results of its checks.
fn line(attempt: &AttemptReport, end: Option<AttemptEnd>, now: Moment) -> Markup {
    let when = attempt.started_at.map(|from| match (attempt.completed_at, end) {
        (Some(to), _) => between(from, to),
        (None, None) => format!("since {}", minute(from)),
        (None, Some(_)) => format!("{}, its end is not known", minute(from)),
    });
    html! {
        p.line {
            span.mark.(end_word(end)) aria-hidden="true" { (end_mark(end)) }
            strong { "#" (attempt.attempt) " " (end_word(end)) }
            @if attempt.transient { span.chip { "transient" } }
            @if let Some(after) = attempt.follows { span.chip { (follows(after).0) " " (follows(after).1) } }
            @if attempt.failed_checks > 0 { span.chip.bad { "checks failed " (attempt.failed_checks) "×" } }
            span { bdi { (agent(attempt)) } }
            @if let Some(time) = attempt_time(attempt, Some(now)) { span { (duration(time)) } }
            @if let Some(usage) = attempt.usage { span { (used(usage)) } }
            span.when { (when.unwrap_or_else(|| "its times were not recorded".to_owned())) }
        }
        @if !attempt.checks.is_empty() { ul.checks { @for check in &attempt.checks { li { (of_check(check)) } } } }
    }
}

fn of_check(check: &CheckResult) -> Markup {
    let time = duration(Duration::from_millis(check.millis));
    html! {
        @let (class, mark) = if check.has_passed() { ("completed", "✓") } else { ("failed", "✗") };
        span.mark.(class) aria-hidden="true" { (mark) } " "
        code.command { (check.command) } " "
        @match check.exit_code {
            Some(0) => { "passed after " (time) }
            Some(code) => { "exit code " (code) " after " (time) }
            None => { "did not end after " (time) }
        }
    }
}

/// Returns an artifact, as a link where it can be followed.
fn artifact(artifact: &str, unproven: &[Unproven]) -> Markup {
    let is_missing = unproven.iter().any(|claim| matches!(claim, Unproven::Missing(path) if path == artifact));
    html! {
        @match target(artifact).filter(|_| !is_missing) {
            Some(Target::Web(address)) => { a href=(address) rel="noopener noreferrer nofollow" { (artifact) } }
            Some(Target::File(path)) => { a href=(path) { code { (artifact) } } }
            None => { bdi { (artifact) } }
        }
        @if is_missing { " " span.chip.bad { "was not there" } }
    }
}

/// Returns a list with its title; nothing if it is empty.
fn list(title: &str, items: &[String], item: impl Fn(&str) -> Markup) -> Markup {
    html! {
        @if !items.is_empty() {
            h5 { (title) }
            ul.items { @for each in items { li { (item(each)) } } }
        }
    }
}

/// Returns texts of the plan, closed; nothing if there are none.
fn plan_text(title: &str, texts: &[&String]) -> Markup {
    html! {
        @if texts.iter().any(|text| !text.trim().is_empty()) {
            details.plan {
                summary { (title) }
                @for text in texts.iter().filter(|text| !text.trim().is_empty()) { div.text dir="auto" { (text.trim()) } }
            }
        }
    }
}

fn proof_class(state: ProofState) -> &'static str {
    match state {
        ProofState::Unproven | ProofState::Failed(_) => "bad",
        ProofState::Passed => "good",
        ProofState::NotChecked | ProofState::Planned(_) => "plain",
    }
}
