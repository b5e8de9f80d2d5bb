//! Tests of the rules as transcripts: each line is a request and is followed by its answer. `A` and `B` are servers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::board::{AttemptStatus, Board, CheckResult, Introduction, ReportedStatus, ServerId, Status, Usage};
use crate::clock::{Clock as _, SteppingClock};
use crate::index::{Approval, ApprovalStatus, Approvals, Entry, IndexEvent, StreamStatus};
use crate::plan::{PlanHash, StageNumber, ThreadId, check, parse};
use crate::roster::{ChecksBy, Roster};
use crate::words::{AgentWords, PersonWords};

#[path = "revision_tests.rs"]
mod revision;

const A: ServerId = ServerId::fixed(0xa);
const B: ServerId = ServerId::fixed(0xb);

const PLAN: &str = "\
# Plan: Search
## Stages
### Stage 1: Index
##### Batch 1: Storage
###### Thread 1: Schema @agent:system-engineer-codex
###### Thread 2: Rows @agent:frontend-designer-grok
###### Thread 3: Notes
##### Batch 2: Queries
###### Thread 1: Parser @agent:system-engineer-codex
### Stage 2: API
##### Batch 1: Routes
###### Thread 1: Routes @agent:system-engineer-opus
";

const AGENTS: [&str; 6] = [
    "default",
    "system-engineer-codex",
    "system-engineer-opus",
    "frontend-designer-grok",
    "frontend-designer-flash",
    "default-minimax",
];

/// How the checks end that a request needs.
#[derive(Debug, Clone, Copy)]
enum Checks {
    NotRun,
    Pass,
    /// The one at this place fails.
    FailAt(usize),
}

struct World {
    /// PLAN.md.
    text: String,
    /// The approved text.
    approved: Option<String>,
    entry: Option<Entry>,
    roster: Roster,
    board: Arc<Board>,
    alive: BTreeSet<ServerId>,
    unseen: BTreeMap<ServerId, String>,
    introductions: BTreeMap<ServerId, Introduction>,
    clock: SteppingClock,
    checks: Checks,
}

impl World {
    fn new() -> Self {
        let approved = Approval { status: ApprovalStatus::Approved, ..Approval::default() };
        let approvals = Approvals { plan: approved, ..Approvals::default() };
        Self {
            text: PLAN.to_owned(),
            approved: None,
            entry: Some(Entry { id: "001-search".into(), name: "search".into(), status: None, approvals }),
            roster: Roster { declared: true, ..Roster::undeclared(AGENTS) },
            board: Arc::default(),
            alive: BTreeSet::from([A, B]),
            unseen: BTreeMap::new(),
            introductions: BTreeMap::new(),
            clock: SteppingClock::default(),
            checks: Checks::NotRun,
        }
    }

    /// Carries out one line of a transcript and returns the answer in a short form.
    fn say(&mut self, line: &str) -> String {
        let mut words = line.splitn(4, ' ');
        let who = words.next().unwrap_or_default();
        let verb = words.next().unwrap_or_default();
        let what = words.next().unwrap_or_default();
        let rest = words.next().unwrap_or_default();
        let server = if who.starts_with('A') { A } else { B };
        match verb {
            "dies" => {
                self.alive.remove(&server);
                return "gone".to_owned();
            }
            "checks" => {
                self.checks = what.parse().map_or(Checks::Pass, Checks::FailAt);
                return what.to_owned();
            }
            "lives" => {
                self.alive.insert(server);
                return "back".to_owned();
            }
            "hides" => {
                self.unseen.insert(server, "it is hidden".to_owned());
                return "nobody can see whether it lives".to_owned();
            }
            _ => {}
        }
        let checks = self.checks;
        // `01.01.01#2` names an attempt.
        let (thread, attempt) = match what.split_once('#') {
            Some((thread, attempt)) => (thread, attempt.parse().ok()),
            None => (what, None),
        };
        let (verb, force) = verb.strip_suffix('!').map_or((verb, false), |verb| (verb, true));
        let (verb, transient) = verb.strip_suffix('~').map_or((verb, false), |verb| (verb, true));
        let id = || thread.parse::<ThreadId>().unwrap();
        let update = |said| UpdateThread { transient, attempt, force, ..UpdateThread::new(id(), said, rest) };
        let said = ReportedStatus::ALL.into_iter().find(|said| said.word() == verb);
        let assign =
            || AssignThread { thread: id(), agent: (!rest.is_empty()).then(|| rest.to_owned()), reason: None, force };
        if who == "person" {
            let by = "ann".to_owned();
            let request = match verb {
                "approve-plan" => {
                    let id = |text: &str| text.parse::<ThreadId>().unwrap();
                    let map = what.split(',').filter_map(|one| one.split_once('='));
                    let map = map.map(|(old, new)| (id(old), (new != "-").then(|| id(new)))).collect();
                    PersonRequest::ApprovePlan {
                        force,
                        mapping: Mapping { keep_ids: what == "keep-ids", map },
                        by,
                        seen: None,
                    }
                }
                "diff" => PersonRequest::Diff,
                "revoke-plan" => PersonRequest::RevokePlan { by, reason: None },
                "approve-stage" => {
                    PersonRequest::ApproveStage { stage: what.parse().unwrap(), force, by, checked: None }
                }
                "check" => PersonRequest::Check { thread: thread.parse().ok(), directory: None, checked: None },
                "complete" => PersonRequest::Complete,
                "release" => PersonRequest::Release,
                "retry" => PersonRequest::Retry((!what.is_empty()).then(id)),
                "assign" => PersonRequest::AssignThread(assign()),
                "clear" => PersonRequest::ClearAssignment(ClearAssignment { thread: id(), force }),
                _ => PersonRequest::UpdateThread(update(said.unwrap())),
            };
            let hint = |refusal: Refusal| PersonWords::default().hint(&refusal.into());
            return self.decide(hint, |scene, ledger| {
                let answer = proven(scene, checks, ledger, |scene, checked, ledger| {
                    let mut request = request.clone();
                    match &mut request {
                        PersonRequest::UpdateThread(update) => update.checked = checked,
                        PersonRequest::Check { checked: results, .. }
                        | PersonRequest::ApproveStage { checked: results, .. } => {
                            *results = checked;
                        }
                        _ => {}
                    }
                    decide_for_person(scene, &request, ledger)
                })?;
                Ok(short_person(&answer.worded(&AgentWords::default())))
            });
        }
        let request = match verb {
            "next" => AgentRequest::NextBatch,
            "outcome" => AgentRequest::BatchOutcome(what.parse().ok()),
            "assign" => AgentRequest::AssignThread(assign()),
            "status" => AgentRequest::WorkstreamStatus,
            "used" | "gives-back" => of_a_run(verb, id(), attempt.unwrap(), rest),
            _ => AgentRequest::UpdateThread(update(said.unwrap())),
        };
        let hint = |refusal: Refusal| AgentWords::default().hint(&refusal.into());
        self.decide(hint, |scene, ledger| {
            let answer = proven(scene, checks, ledger, |scene, checked, ledger| {
                let mut request = request.clone();
                if let AgentRequest::UpdateThread(update) = &mut request {
                    update.checked = checked;
                }
                decide_for_agent(scene, Caller::Server(server), &request, ledger)
            })?;
            Ok(short(&answer.worded(&AgentWords::default())))
        })
    }

    fn decide(
        &mut self,
        hint: impl Fn(Refusal) -> String,
        decide: impl Fn(&Scene<'_>, &mut Ledger) -> Result<String, Refusal>,
    ) -> String {
        let (now, hash) = (parse(&self.text), PlanHash::of(&self.text));
        let approved_hash = self.entry.as_ref().and_then(|entry| entry.approvals.plan_hash.as_deref());
        let is_approved = |text: &&String| approved_hash.is_some_and(|hash| PlanHash::of(text).is(hash));
        let approved = self.approved.as_ref().filter(is_approved).filter(|text| **text != self.text);
        let before = approved.map(|text| parse(text));
        let scene = Scene {
            workspace: "/w",
            worktree: None,
            workstream: "001-search",
            is_default: true,
            current: None,
            entry: self.entry.as_ref(),
            plan: before.as_ref().unwrap_or(&now),
            basis: match approved {
                Some(text) => Basis::ApprovedBefore(text),
                None if is_approved(&&self.text) => Basis::Approved { is_kept: self.approved.is_some() },
                None => Basis::Unknown,
            },
            plan_now: &now,
            plan_text: &self.text,
            plan_hash: &hash,
            roster: &self.roster,
            alive: &self.alive,
            unseen: &self.unseen,
            introductions: &self.introductions,
            state_warnings: &[],
        };
        let mut ledger = Ledger::new(&self.board, self.clock.now());
        match decide(&scene, &mut ledger) {
            Err(refusal) => format!("error {}: {refusal}. hint: {}", refusal.code().word(), hint(refusal.clone())),
            Ok(answer) => {
                let wrote = if ledger.is_empty() { " (no change)" } else { "" };
                for event in ledger.index_events().to_vec() {
                    self.index(&event);
                }
                self.board = ledger.board().clone();
                self.check_invariants();
                format!("{answer}{wrote}")
            }
        }
    }

    fn index(&mut self, event: &IndexEvent) {
        let Some(entry) = &mut self.entry else { return };
        match event {
            IndexEvent::Created | IndexEvent::CurrentSet => {}
            IndexEvent::PlanApproved { hash, .. } => {
                entry.approvals.plan.status = ApprovalStatus::Approved;
                entry.approvals.plan_hash = Some(hash.clone());
                self.approved = Some(self.text.clone());
            }
            IndexEvent::StageApproved { stage, .. } => {
                let approved = Approval { status: ApprovalStatus::Approved, ..Approval::default() };
                entry.approvals.stages.insert(*stage, approved);
            }
            IndexEvent::StagesMoved { stages } => {
                let approvals = std::mem::take(&mut entry.approvals.stages).into_iter();
                let now = approvals.filter_map(|(number, approval)| {
                    Some((stages.get(&number).copied().unwrap_or(Some(number))?, approval))
                });
                entry.approvals.stages = now.collect();
            }
            IndexEvent::PlanRevoked { .. } => entry.approvals.plan.status = ApprovalStatus::Revoked,
            IndexEvent::StageRevoked { stage, .. } => {
                entry
                    .approvals
                    .stages
                    .insert(*stage, Approval { status: ApprovalStatus::Revoked, ..Approval::default() });
            }
            IndexEvent::Reopened => entry.status = Some(StreamStatus::InProgress),
            IndexEvent::Completed => entry.status = Some(StreamStatus::Completed),
            IndexEvent::Archived => entry.status = Some(StreamStatus::Archived),
            IndexEvent::Restored => entry.status = Some(StreamStatus::Pending),
        }
    }

    /// Checks what must hold after every line.
    fn check_invariants(&self) {
        assert!(self.board.cycles().iter().filter(|cycle| cycle.is_open()).count() <= 1, "one open cycle");
        for (id, thread) in self.board.threads.iter() {
            let numbers: Vec<u32> = thread.attempts.iter().map(|attempt| attempt.number).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "{id}: attempt numbers only grow: {numbers:?}");
            let running = thread.attempts.iter().filter(|attempt| attempt.status == AttemptStatus::Running).count();
            let expected = usize::from(thread.status == Status::InProgress);
            assert_eq!(running, expected, "{id}: running attempts of a thread that is {:?}", thread.status);
        }
    }

    /// Carries out a whole transcript and returns it with the answers.
    fn transcript(&mut self, lines: &str) -> String {
        let mut out = String::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let came_back = self.say(line);
            let _ = writeln!(out, "{line}\n    {came_back}");
        }
        out.trim_end().to_owned()
    }
}

fn transcript(lines: &str) -> String {
    World::new().transcript(lines)
}

fn short(answer: &AgentAnswer<String, String, String>) -> String {
    match answer {
        AgentAnswer::NextBatch(next) => {
            let mut out = serde_json::to_value(next.batch_completion_status).unwrap().as_str().unwrap().to_owned();
            if let (Some(batch), Some(cycle)) = (&next.batch, next.cycle) {
                let _ = write!(out, " {} cycle {cycle}{}", batch.id, if next.resumed { " resumed" } else { "" });
            }
            if next.held_by.is_some() {
                out.push_str(" held");
            }
            if next.outcomes.is_some() {
                out.push_str(" outcomes []");
            }
            let threads: Vec<String> = next
                .threads
                .iter()
                .map(|thread| format!("{}#{} {} {}", thread.thread_id, thread.attempt, thread.status, thread.agent))
                .collect();
            if !threads.is_empty() {
                let _ = write!(out, " threads [{}] dispatch {:?}", threads.join(", "), next.dispatch);
            }
            for waiting in &next.waiting {
                let _ = write!(out, " {} waits for {:?}", waiting.thread_id, waiting.predecessors);
            }
            out + &ending(
                &next.failover,
                next.gate_command.as_deref(),
                next.next_user_command.as_deref(),
                &next.warnings,
            )
        }
        AgentAnswer::BatchOutcome(outcome) => {
            let mut out = serde_json::to_value(outcome.batch_completion_status).unwrap().as_str().unwrap().to_owned();
            if let Some(batch) = &outcome.batch {
                let _ = write!(out, " {}", batch.id);
            }
            for one in &outcome.outcomes {
                let failover = if one.failover_applied { " failover" } else { "" };
                let _ =
                    write!(out, " [{} {} {:?} {}{failover}]", one.thread_id, one.status, one.report, one.agent_used);
            }
            if !outcome.blocked_threads.is_empty() {
                let _ = write!(out, " blocked {:?}", outcome.blocked_threads);
            }
            let (gate, next) = (outcome.gate_command.as_deref(), outcome.next_user_command.as_deref());
            out + &ending(&outcome.failover, gate, next, &outcome.warnings)
        }
        AgentAnswer::Updated(updated) => short_updated(updated),
        AgentAnswer::Assignment(assignment) => short_assignment(assignment),
        AgentAnswer::CheckFailed(failed) => short_failed(failed),
        AgentAnswer::Recorded => "recorded".to_owned(),
        AgentAnswer::Brief(brief) => serde_json::to_string(brief).unwrap(),
        AgentAnswer::PlanText(_) | AgentAnswer::Report(_) => unreachable!("transcripts call tools"),
        AgentAnswer::WorkstreamStatus(status) => {
            ending(&[], status.gate_command.as_deref(), status.next_user_command.as_deref(), &status.warnings)
        }
    }
}

fn short_failed(failed: &CheckFailed) -> String {
    let refusal = Refusal::CheckFailed(Box::new(failed.clone()));
    let told = refusal.to_string();
    format!("check_failed: {told}. hint: {}", AgentWords::default().hint(&refusal.into()))
}

/// Decides a request; if the rules ask for checks and `checks` says how they end, decides again with their results.
fn proven<A>(
    scene: &Scene<'_>,
    checks: Checks,
    ledger: &mut Ledger,
    decide: impl Fn(&Scene<'_>, Option<Checked>, &mut Ledger) -> Result<A, Refusal>,
) -> Result<A, Refusal> {
    let mut trial = ledger.clone();
    match (decide(scene, None, &mut trial), checks) {
        (Err(Refusal::CheckRequired { run, by: ChecksBy::Server, .. }), Checks::Pass | Checks::FailAt(_)) => {
            let fails = if let Checks::FailAt(at) = checks { Some(at) } else { None };
            let results = run.commands.iter().enumerate().map(|(at, command)| CheckResult {
                command: command.clone(),
                exit_code: Some(i32::from(Some(at) == fails)),
                millis: 1_500,
                at: ledger.at(),
            });
            let failure = fails.map(|_| CheckFailure {
                end: CheckEnd::Exited(1),
                output: "no".to_owned(),
                log: "log".to_owned(),
            });
            let results = results.take(fails.map_or(usize::MAX, |at| at + 1)).collect();
            decide(scene, Some(Checked { of: run.of, results, failure }), ledger)
        }
        (decided, _) => {
            *ledger = trial;
            decided
        }
    }
}

fn short_updated(updated: &Updated) -> String {
    let decision = updated
        .decision
        .as_ref()
        .map(|decision| format!(" -> {:?} {}#{}", decision.action, decision.agent, decision.attempt));
    format!("{}#{} {}{}", updated.thread_id, updated.attempt, updated.status, decision.unwrap_or_default())
}

fn short_assignment(assignment: &Assignment) -> String {
    let failover = if assignment.failover_applied { " failover" } else { "" };
    format!("{}#{} {} {}{failover}", assignment.thread_id, assignment.attempt, assignment.status, assignment.agent)
}

fn short_person(answer: &PersonAnswer<String, String, String>) -> String {
    match answer {
        PersonAnswer::Updated(updated) => short_updated(updated),
        PersonAnswer::CheckFailed(failed) => short_failed(failed),
        PersonAnswer::Assignment(assignment) => short_assignment(assignment),
        other => serde_json::to_string(other).unwrap(),
    }
}

fn ending(failover: &[OpenDecision], gate: Option<&str>, next: Option<&str>, warnings: &[String]) -> String {
    let mut out = String::new();
    for open in failover {
        let _ = write!(out, " {{{} {:?} {}#{}}}", open.thread_id, open.action, open.agent, open.attempt);
    }
    if let Some(gate) = gate {
        let _ = write!(out, " gate `{gate}`");
    }
    if let Some(next) = next {
        let _ = write!(out, " next `{next}`");
    }
    if !warnings.is_empty() {
        let _ = write!(out, " warnings {warnings:?}");
    }
    out
}

#[test]
fn a_happy_batch() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01#1
        A in_progress 01.01.01#1
        A in_progress 01.01.01 reading the schema
        A next
        A outcome
        A completed 01.01.01#1 schema is there
        A completed 01.01.01#1 schema is there
        A completed 01.01.02 rows are there
        A completed 01.01.03 notes are there
        A outcome
        A next
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01#1
        01.01.01#1 in_progress
    A in_progress 01.01.01#1
        01.01.01#1 in_progress (no change)
    A in_progress 01.01.01 reading the schema
        01.01.01#1 in_progress
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 in_progress system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"] (no change)
    A outcome
        in_progress 01.01 [01.01.01 in_progress "" system-engineer-codex] [01.01.02 pending "" frontend-designer-grok] [01.01.03 pending "" default] warnings ["not started: 01.01.02 (attempt 1), 01.01.03 (attempt 1). If you have launched its worker it is lost: report it failed with that attempt; else call next_batch", "01.01.01 is in progress: if its worker has ended without a report, report it failed"] (no change)
    A completed 01.01.01#1 schema is there
        01.01.01#1 completed
    A completed 01.01.01#1 schema is there
        01.01.01#1 completed (no change)
    A completed 01.01.02 rows are there
        01.01.02#1 completed
    A completed 01.01.03 notes are there
        01.01.03#1 completed
    A outcome
        completed 01.01 [01.01.01 completed "schema is there" system-engineer-codex] [01.01.02 completed "rows are there" frontend-designer-grok] [01.01.03 completed "notes are there" default] (no change)
    A next
        in_progress 01.02 cycle 1 threads [01.02.01#1 pending system-engineer-codex] dispatch ["01.02.01"]
    "#);
}

#[test]
fn a_transient_failure_is_retried_once_then_reassigned_once_then_blocked() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A failed~ 01.01.01#1 timeout
        A failed~ 01.01.01#1 timeout, says the planner
        A next
        A in_progress 01.01.01#1
        A in_progress 01.01.01#2
        A failed~ 01.01.01#2 timeout again
        A in_progress 01.01.01
        A next
        A assign 01.01.01
        A assign 01.01.01
        A assign 01.01.01 system-engineer-opus
        A failed 01.01.01#2 timeout again
        A in_progress 01.01.01#3
        A completed 01.01.01#2 I was asleep
        A failed~ 01.01.01#3 compiler is broken
        A in_progress 01.01.01
        A assign 01.01.01
        A next
        A completed 01.01.01 done by hand after all
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A failed~ 01.01.01#1 timeout
        01.01.01#2 pending -> Retry system-engineer-codex#2
    A failed~ 01.01.01#1 timeout, says the planner
        01.01.01#2 pending -> Retry system-engineer-codex#2 (no change)
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#2 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"] {01.01.01 Retry system-engineer-codex#2} (no change)
    A in_progress 01.01.01#1
        error stale_attempt: attempt 1 of 01.01.01 is over. hint: stop working on it; the thread's next attempt is 2
    A in_progress 01.01.01#2
        01.01.01#2 in_progress
    A failed~ 01.01.01#2 timeout again
        01.01.01#3 pending -> Reassign system-engineer-opus#3
    A in_progress 01.01.01
        error reassignment_required: 01.01.01 must be reassigned before its next attempt. hint: call assign_thread with thread_id 01.01.01; it takes system-engineer-opus
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#3 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"] {01.01.01 Reassign system-engineer-opus#3} (no change)
    A assign 01.01.01
        01.01.01#3 pending system-engineer-opus failover
    A assign 01.01.01
        01.01.01#3 pending system-engineer-opus failover (no change)
    A assign 01.01.01 system-engineer-opus
        01.01.01#3 pending system-engineer-opus failover (no change)
    A failed 01.01.01#2 timeout again
        01.01.01#3 pending -> Reassign system-engineer-opus#3 (no change)
    A in_progress 01.01.01#3
        01.01.01#3 in_progress
    A completed 01.01.01#2 I was asleep
        error stale_attempt: attempt 2 of 01.01.01 is over, the latest is 3. hint: stop working on it; only reports of attempt 3 or later count
    A failed~ 01.01.01#3 compiler is broken
        01.01.01#3 blocked -> Block system-engineer-opus#3
    A in_progress 01.01.01
        error failover_exhausted: 01.01.01: its retry and its reassignment are used, or nobody else can take it. hint: leave 01.01.01 blocked and call batch_outcome; a person decides
    A assign 01.01.01
        error failover_exhausted: 01.01.01: its reassignment is used in this cycle. hint: leave 01.01.01 blocked and call batch_outcome; a person decides
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#3 blocked system-engineer-opus, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"] (no change)
    A completed 01.01.01 done by hand after all
        01.01.01#3 completed
    "#);
}

#[test]
fn a_failure_that_is_not_transient_is_reassigned_at_once() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.02
        A failed 01.01.02 cannot do CSS
        A assign 01.01.02 system-engineer-opus
        A assign 01.01.02 frontend-designer-gork
        A assign 01.01.02 default-minimax
        A next
        A in_progress 01.01.02
        A completed 01.01.02 done
        A outcome
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.02
        01.01.02#1 in_progress
    A failed 01.01.02 cannot do CSS
        01.01.02#2 pending -> Reassign frontend-designer-flash#2
    A assign 01.01.02 system-engineer-opus
        error not_in_family: system-engineer-opus is neither in the family of frontend-designer-grok nor a default agent. hint: use one that your host has a profile for: frontend-designer-flash, default, default-minimax
    A assign 01.01.02 frontend-designer-gork
        error unknown_agent: work/agents.yaml has no agent "frontend-designer-gork". hint: closest: frontend-designer-grok, frontend-designer-flash
    A assign 01.01.02 default-minimax
        01.01.02#2 pending default-minimax failover
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 pending system-engineer-codex, 01.01.02#2 pending default-minimax, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"] (no change)
    A in_progress 01.01.02
        01.01.02#2 in_progress
    A completed 01.01.02 done
        01.01.02#2 completed
    A outcome
        in_progress 01.01 [01.01.01 pending "" system-engineer-codex] [01.01.02 completed "done" default-minimax failover] [01.01.03 pending "" default] warnings ["not started: 01.01.01 (attempt 1), 01.01.03 (attempt 1). If you have launched its worker it is lost: report it failed with that attempt; else call next_batch"] (no change)
    "#);
}

#[test]
fn a_run_that_could_not_even_start_counts() {
    insta::assert_snapshot!(transcript("
        A next
        A failed~ 01.01.01 unknown agent type
        A failed~ 01.01.01 unknown agent type
        A failed~ 01.01.01#2 unknown agent type, again
        A failed 01.01.01#3 and again
        A assign 01.01.01
        A failed 01.01.01 no provider
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A failed~ 01.01.01 unknown agent type
        01.01.01#2 pending -> Retry system-engineer-codex#2
    A failed~ 01.01.01 unknown agent type
        01.01.01#2 pending -> Retry system-engineer-codex#2 (no change)
    A failed~ 01.01.01#2 unknown agent type, again
        01.01.01#3 pending -> Reassign system-engineer-opus#3
    A failed 01.01.01#3 and again
        error reassignment_required: 01.01.01 must be reassigned before its next attempt. hint: call assign_thread with thread_id 01.01.01; it takes system-engineer-opus
    A assign 01.01.01
        01.01.01#3 pending system-engineer-opus failover
    A failed 01.01.01 no provider
        01.01.01#3 blocked -> Block system-engineer-opus#3
    "#);
}

#[test]
fn a_workers_own_blocked_leaves_the_decision_to_the_planner() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A blocked 01.01.01 needs the schema of Rows
        A blocked 01.01.01 needs the schema of Rows
        A in_progress 01.01.01
        A blocked~ 01.01.01 the network is away
        A in_progress 01.01.01
        A blocked~ 01.01.01 the network is still away
        A in_progress 01.01.01
        A assign 01.01.01
        A next
        A in_progress 01.01.01
        A blocked~ 01.01.01 no network
        A in_progress 01.01.01
        A assign 01.01.01
        A completed 01.01.01 it is back
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A blocked 01.01.01 needs the schema of Rows
        01.01.01#1 blocked -> Reassign system-engineer-opus#2
    A blocked 01.01.01 needs the schema of Rows
        01.01.01#1 blocked -> Reassign system-engineer-opus#2 (no change)
    A in_progress 01.01.01
        error reassignment_required: 01.01.01 must be reassigned before its next attempt. hint: call assign_thread with thread_id 01.01.01; it takes system-engineer-opus
    A blocked~ 01.01.01 the network is away
        01.01.01#1 blocked -> Retry system-engineer-codex#2
    A in_progress 01.01.01
        01.01.01#2 in_progress
    A blocked~ 01.01.01 the network is still away
        01.01.01#2 blocked -> Reassign system-engineer-opus#3
    A in_progress 01.01.01
        error reassignment_required: 01.01.01 must be reassigned before its next attempt. hint: call assign_thread with thread_id 01.01.01; it takes system-engineer-opus
    A assign 01.01.01
        01.01.01#3 pending system-engineer-opus failover
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#3 pending system-engineer-opus, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"] (no change)
    A in_progress 01.01.01
        01.01.01#3 in_progress
    A blocked~ 01.01.01 no network
        01.01.01#3 blocked -> Block system-engineer-opus#3
    A in_progress 01.01.01
        error failover_exhausted: 01.01.01: its retry and its reassignment are used, or nobody else can take it. hint: leave 01.01.01 blocked and call batch_outcome; a person decides
    A assign 01.01.01
        error failover_exhausted: 01.01.01: its reassignment is used in this cycle. hint: leave 01.01.01 blocked and call batch_outcome; a person decides
    A completed 01.01.01 it is back
        01.01.01#3 completed
    "#);
}

#[test]
fn a_batch_that_ends_blocked_runs_again_when_a_person_says_so() {
    insta::assert_snapshot!(transcript("
        A next
        A completed 01.01.01 a
        A completed 01.01.02 b
        A in_progress 01.01.03
        person retry 01.01.03
        A blocked 01.01.03 unclear
        A next
        A outcome
        A next
        B next
        person retry
        person retry
        A next
        A next
        A outcome
        A in_progress 01.01.03
        A failed 01.01.03 unclear again
        person retry
        A completed 01.01.03 clear now
        A outcome
        A next
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A completed 01.01.01 a
        01.01.01#1 completed
    A completed 01.01.02 b
        01.01.02#1 completed
    A in_progress 01.01.03
        01.01.03#1 in_progress
    person retry 01.01.03
        error invalid_transition: 01.01.03 is in_progress: only a blocked thread is retried. hint: see work status
    A blocked 01.01.03 unclear
        01.01.03#1 blocked -> Reassign default-minimax#2
    A next
        blocked 01.01 cycle 1 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#1 blocked default] dispatch [] {01.01.03 Reassign default-minimax#2} next `!work retry` warnings ["settled with blocked threads: only a person has it executed again; what stands in failover can still be carried out"] (no change)
    A outcome
        blocked 01.01 [01.01.01 completed "a" system-engineer-codex] [01.01.02 completed "b" frontend-designer-grok] [01.01.03 blocked "unclear" default] blocked ["01.01.03"] {01.01.03 Reassign default-minimax#2} next `!work retry` (no change)
    A next
        blocked 01.01 cycle 1 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#1 blocked default] dispatch [] {01.01.03 Reassign default-minimax#2} next `!work retry` warnings ["settled with blocked threads: only a person has it executed again; what stands in failover can still be carried out"] (no change)
    B next
        blocked 01.01 cycle 1 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#1 blocked default] dispatch [] {01.01.03 Reassign default-minimax#2} next `!work retry` warnings ["settled with blocked threads: only a person has it executed again; what stands in failover can still be carried out"] (no change)
    person retry
        {"workstream":"001-search","batch":"01.01","threads":["01.01.03"],"unchanged":false,"next_user_command":null}
    person retry
        {"workstream":"001-search","batch":"01.01","threads":["01.01.03"],"unchanged":true,"next_user_command":null} (no change)
    A next
        in_progress 01.01 cycle 2 threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#2 blocked default] dispatch ["01.01.03"] warnings ["cycle 1 ended with blocked threads, this is a new cycle. 01.01.03: unclear"]
    A next
        in_progress 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#2 blocked default] dispatch ["01.01.03"] (no change)
    A outcome
        in_progress 01.01 [01.01.01 completed "a" system-engineer-codex] [01.01.02 completed "b" frontend-designer-grok] [01.01.03 blocked "unclear" default] blocked ["01.01.03"] warnings ["01.01.03 was blocked and is to be tried again: call next_batch"] (no change)
    A in_progress 01.01.03
        01.01.03#2 in_progress
    A failed 01.01.03 unclear again
        01.01.03#3 pending -> Reassign default-minimax#3
    person retry
        error invalid_transition: no thread is blocked. hint: see work status
    A completed 01.01.03 clear now
        01.01.03#2 completed
    A outcome
        completed 01.01 [01.01.01 completed "a" system-engineer-codex] [01.01.02 completed "b" frontend-designer-grok] [01.01.03 completed "clear now" default] (no change)
    A next
        in_progress 01.02 cycle 1 threads [01.02.01#1 pending system-engineer-codex] dispatch ["01.02.01"]
    "#);
}

#[test]
fn only_a_person_has_a_settled_batch_executed_again() {
    insta::assert_snapshot!(transcript("
        A next
        A completed 01.01.01 a
        A in_progress 01.01.02
        A blocked 01.01.02 unclear
        A in_progress 01.01.03
        A blocked 01.01.03 unclear too
        A blocked 01.01.03 still unclear
        A next
        person cancelled! 01.01.02 not needed
        A blocked 01.01.03 amending takes nothing back
        A next
        A in_progress 01.01.03
        A blocked 01.01.03 unclear for good
        A next
        person retry 01.01.03
        A next
        A in_progress 01.01.03
        A blocked 01.01.03 no
        B next
        person release
        B next
        B in_progress 01.01.03
        B blocked 01.01.03 never
        A next
        B dies
        A next
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A completed 01.01.01 a
        01.01.01#1 completed
    A in_progress 01.01.02
        01.01.02#1 in_progress
    A blocked 01.01.02 unclear
        01.01.02#1 blocked -> Reassign frontend-designer-flash#2
    A in_progress 01.01.03
        01.01.03#1 in_progress
    A blocked 01.01.03 unclear too
        01.01.03#1 blocked -> Reassign default-minimax#2
    A blocked 01.01.03 still unclear
        01.01.03#1 blocked -> Reassign default-minimax#2
    A next
        blocked 01.01 cycle 1 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 blocked frontend-designer-grok, 01.01.03#1 blocked default] dispatch [] {01.01.02 Reassign frontend-designer-flash#2} {01.01.03 Reassign default-minimax#2} next `!work retry` warnings ["settled with blocked threads: only a person has it executed again; what stands in failover can still be carried out"] (no change)
    person cancelled! 01.01.02 not needed
        01.01.02#1 cancelled
    A blocked 01.01.03 amending takes nothing back
        01.01.03#2 blocked
    A next
        in_progress 01.01 cycle 2 threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 cancelled frontend-designer-grok, 01.01.03#2 blocked default] dispatch ["01.01.03"] warnings ["cycle 1 ended with blocked threads, this is a new cycle. 01.01.03: amending takes nothing back"]
    A in_progress 01.01.03
        01.01.03#2 in_progress
    A blocked 01.01.03 unclear for good
        01.01.03#2 blocked -> Reassign default-minimax#3
    A next
        blocked 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 cancelled frontend-designer-grok, 01.01.03#2 blocked default] dispatch [] {01.01.03 Reassign default-minimax#3} next `!work retry` warnings ["settled with blocked threads: only a person has it executed again; what stands in failover can still be carried out"] (no change)
    person retry 01.01.03
        {"workstream":"001-search","batch":"01.01","threads":["01.01.03"],"unchanged":false,"next_user_command":null}
    A next
        in_progress 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 cancelled frontend-designer-grok, 01.01.03#3 pending default] dispatch ["01.01.03"] (no change)
    A in_progress 01.01.03
        01.01.03#3 in_progress
    A blocked 01.01.03 no
        01.01.03#3 blocked -> Reassign default-minimax#4
    B next
        blocked 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 cancelled frontend-designer-grok, 01.01.03#3 blocked default] dispatch [] {01.01.03 Reassign default-minimax#4} next `!work retry` warnings ["settled with blocked threads: only a person has it executed again; what stands in failover can still be carried out"] (no change)
    person release
        {"workstream":"001-search","batch":"01.01","held_by":"00000000-0000-0000-0000-00000000000a"}
    B next
        in_progress 01.01 cycle 3 threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 cancelled frontend-designer-grok, 01.01.03#4 blocked default] dispatch ["01.01.03"] warnings ["cycle 2 ended with blocked threads, this is a new cycle. 01.01.03: no"]
    B in_progress 01.01.03
        01.01.03#4 in_progress
    B blocked 01.01.03 never
        01.01.03#4 blocked -> Reassign default-minimax#5
    A next
        blocked 01.01 cycle 3 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 cancelled frontend-designer-grok, 01.01.03#4 blocked default] dispatch [] {01.01.03 Reassign default-minimax#5} next `!work retry` warnings ["settled with blocked threads: only a person has it executed again; what stands in failover can still be carried out"] (no change)
    B dies
        gone
    A next
        in_progress 01.01 cycle 4 threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 cancelled frontend-designer-grok, 01.01.03#5 blocked default] dispatch ["01.01.03"] warnings ["cycle 3 ended with blocked threads, this is a new cycle. 01.01.03: never"]
    "#);
}

#[test]
fn gates_are_a_persons() {
    let mut world = World::new();
    world.entry.as_mut().unwrap().approvals = Approvals::default();
    insta::assert_snapshot!(world.transcript("
        A next
        A in_progress 01.01.01
        A outcome
        person approve-plan
        person approve-plan
        A completed 02.01.01 too early
        A completed 01.01.01 a
        A completed 01.01.02 b
        A completed 01.01.03 c
        A completed 02.01.01 still too early
        person approve-stage 1
        person complete
        A completed 01.02.01 d
        A completed 02.01.01 before the gate
        A outcome
        A next
        person approve-stage 1
        A outcome
        A next
        A completed 02.01.01 e
        A outcome
        A next
        person approve-stage 2
        A outcome
        A next
        person complete
        person complete
        A next
        A outcome
        A in_progress 02.01.01
    "), @r#"
    A next
        awaiting_approval gate `!work approve plan` next `!work approve plan` warnings ["the plan is not approved"] (no change)
    A in_progress 01.01.01
        error awaiting_approval: the plan is not approved. hint: ask the person to run !work approve plan, then call next_batch
    A outcome
        awaiting_approval 01.01 [01.01.01 pending "" system-engineer-codex] [01.01.02 pending "" frontend-designer-grok] [01.01.03 pending "" default] gate `!work approve plan` next `!work approve plan` warnings ["01.01.01 is pending", "01.01.02 is pending", "01.01.03 is pending", "the plan is not approved"] (no change)
    person approve-plan
        {"workstream":"001-search","plan_hash":"071d02e2f70c15740b2c7a892ce513732675ae2bc46844d17a436d624ff3e297","counts":{"stages":2,"batches":3,"threads":5},"unchanged":false,"changes":{"workstream":"001-search","approved_text":false,"was_approved":false,"stages":[],"threads":[],"unclear":[],"text":""},"interrupted":[]}
    person approve-plan
        {"workstream":"001-search","plan_hash":"071d02e2f70c15740b2c7a892ce513732675ae2bc46844d17a436d624ff3e297","counts":{"stages":2,"batches":3,"threads":5},"unchanged":true,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[],"unclear":[],"text":""},"interrupted":[]} (no change)
    A completed 02.01.01 too early
        error batch_not_ready: batch 02.01 waits for batch 01.01. hint: finish 01.01 first: call next_batch
    A completed 01.01.01 a
        01.01.01#1 completed
    A completed 01.01.02 b
        01.01.02#1 completed
    A completed 01.01.03 c
        01.01.03#1 completed
    A completed 02.01.01 still too early
        error batch_not_ready: batch 02.01 waits for batch 01.02. hint: finish 01.02 first: call next_batch
    person approve-stage 1
        error not_complete: stage 1 is not complete: 01.02.01 is pending. hint: finish them, or cancel them all with --force
    person complete
        error not_complete: the workstream is not complete: 01.02.01 is pending, 02.01.01 is pending; stage 1 is not approved; stage 2 is not approved. hint: see work status
    A completed 01.02.01 d
        01.02.01#1 completed
    A completed 02.01.01 before the gate
        error awaiting_approval: stage 1 is complete and not approved. hint: ask the person to run !work approve stage 1, then call next_batch
    A outcome
        completed 01.02 [01.02.01 completed "d" system-engineer-codex] gate `!work approve stage 1` next `!work approve stage 1` (no change)
    A next
        awaiting_approval gate `!work approve stage 1` next `!work approve stage 1` (no change)
    person approve-stage 1
        {"workstream":"001-search","stage":1,"unchanged":false,"cancelled":[],"next_user_command":null}
    A outcome
        completed 01.02 [01.02.01 completed "d" system-engineer-codex] (no change)
    A next
        in_progress 02.01 cycle 1 threads [02.01.01#1 pending system-engineer-opus] dispatch ["02.01.01"]
    A completed 02.01.01 e
        02.01.01#1 completed
    A outcome
        completed 02.01 [02.01.01 completed "e" system-engineer-opus] gate `!work approve stage 2` next `!work approve stage 2` (no change)
    A next
        no_incomplete_batch outcomes [] gate `!work approve stage 2` next `!work status` (no change)
    person approve-stage 2
        {"workstream":"001-search","stage":2,"unchanged":false,"cancelled":[],"next_user_command":"!work complete"}
    A outcome
        no_incomplete_batch 02.01 [02.01.01 completed "e" system-engineer-opus] gate `!work complete` next `!work complete` (no change)
    A next
        no_incomplete_batch outcomes [] gate `!work complete` next `!work complete` (no change)
    person complete
        {"workstream":"001-search","unchanged":false}
    person complete
        {"workstream":"001-search","unchanged":true} (no change)
    A next
        no_incomplete_batch outcomes [] next `!work status` warnings ["the workstream is completed: its status in work/index.json says so"] (no change)
    A outcome
        no_incomplete_batch 02.01 [02.01.01 completed "e" system-engineer-opus] next `!work status` warnings ["the workstream is completed: its status in work/index.json says so"] (no change)
    A in_progress 02.01.01
        error invalid_transition: 02.01.01 is completed and cannot become in_progress. hint: it is done; report completed again to amend its report
    "#);
}

#[test]
fn what_a_person_has_signed_off_stays() {
    insta::assert_snapshot!(transcript("
        A completed 01.01.01 a
        A completed 01.01.02 b
        A completed 01.01.03 c
        A completed 01.02.01 d
        A completed 01.01.01 better said
        person approve-stage 1
        A completed 01.01.01 better said
        A completed 01.01.01 something else
        person completed 01.01.01 something else
        person completed! 01.01.01 something else
        A completed 02.01.01 e
        person approve-stage 2
        person complete
        A completed 02.01.01 something else
    "), @r#"
    A completed 01.01.01 a
        01.01.01#1 completed
    A completed 01.01.02 b
        01.01.02#1 completed
    A completed 01.01.03 c
        01.01.03#1 completed
    A completed 01.02.01 d
        01.02.01#1 completed
    A completed 01.01.01 better said
        01.01.01#1 completed
    person approve-stage 1
        {"workstream":"001-search","stage":1,"unchanged":false,"cancelled":[],"next_user_command":null}
    A completed 01.01.01 better said
        01.01.01#1 completed (no change)
    A completed 01.01.01 something else
        error invalid_transition: stage 1 is approved with the report of 01.01.01 as it is. hint: leave it as it is
    person completed 01.01.01 something else
        error invalid_transition: stage 1 is approved with the report of 01.01.01 as it is. hint: add --force if that is meant
    person completed! 01.01.01 something else
        01.01.01#1 completed
    A completed 02.01.01 e
        02.01.01#1 completed
    person approve-stage 2
        {"workstream":"001-search","stage":2,"unchanged":false,"cancelled":[],"next_user_command":"!work complete"}
    person complete
        {"workstream":"001-search","unchanged":false}
    A completed 02.01.01 something else
        error invalid_transition: stage 2 is approved with the report of 02.01.01 as it is. hint: leave it as it is
    "#);
}

#[test]
fn a_stage_can_be_approved_by_force() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A completed 01.01.02 b
        person approve-stage! 1
        A completed 01.01.01 too late
        A next
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A completed 01.01.02 b
        01.01.02#1 completed
    person approve-stage! 1
        {"workstream":"001-search","stage":1,"unchanged":false,"cancelled":["01.01.01","01.01.03","01.02.01"],"next_user_command":null}
    A completed 01.01.01 too late
        error invalid_transition: 01.01.01 is cancelled and cannot become completed. hint: leave it as it is
    A next
        in_progress 02.01 cycle 1 threads [02.01.01#1 pending system-engineer-opus] dispatch ["02.01.01"]
    "#);
}

#[test]
fn a_plan_that_changed_waits_but_running_attempts_report() {
    let mut world = World::new();
    world.entry.as_mut().unwrap().approvals.plan_hash = Some(PlanHash::of(PLAN).as_str().to_owned());
    world.approved = Some(PLAN.to_owned());
    let mut out = world.transcript(
        "
        A next
        A in_progress 01.01.01
    ",
    );
    world.text += "Changed.\n";
    out += "\n-- PLAN.md changes\n";
    out += &world.transcript(
        "
        A next
        A in_progress 01.01.01 still at it
        A in_progress 01.01.02
        A failed~ 01.01.01 timeout
        A in_progress 01.01.01
        A outcome
        person approve-plan
        A next
    ",
    );
    insta::assert_snapshot!(out, @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    -- PLAN.md changes
    A next
        awaiting_approval gate `!work approve plan` next `!work approve plan` warnings ["PLAN.md has changed since it was approved"] (no change)
    A in_progress 01.01.01 still at it
        01.01.01#1 in_progress
    A in_progress 01.01.02
        error awaiting_approval: PLAN.md has changed since it was approved. hint: ask the person to run !work approve plan, then call next_batch
    A failed~ 01.01.01 timeout
        01.01.01#2 pending -> Retry system-engineer-codex#2
    A in_progress 01.01.01
        error awaiting_approval: PLAN.md has changed since it was approved. hint: ask the person to run !work approve plan, then call next_batch
    A outcome
        awaiting_approval 01.01 [01.01.01 pending "timeout" system-engineer-codex failover] [01.01.02 pending "" frontend-designer-grok] [01.01.03 pending "" default] {01.01.01 Retry system-engineer-codex#2} gate `!work approve plan` next `!work approve plan` warnings ["01.01.01 is pending", "01.01.02 is pending", "01.01.03 is pending", "PLAN.md has changed since it was approved"] (no change)
    person approve-plan
        {"workstream":"001-search","plan_hash":"19e5323787b1b9f148068271fb7033f84bd6072d3c213ba9f66eff6c334f8034","counts":{"stages":2,"batches":3,"threads":5},"unchanged":false,"changes":{"workstream":"001-search","approved_text":true,"was_approved":true,"stages":[],"threads":[{"before":"02.01.01","now":"02.01.01","name":"Routes","renamed_from":null,"status":"pending","attempts":0,"edited":["details"],"consequence":"stays"}],"unclear":[],"text":"--- approved\n+++ PLAN.md\n@@ -11,2 +11,3 @@\n ##### Batch 1: Routes\n ###### Thread 1: Routes @agent:system-engineer-opus\n+Changed.\n"},"interrupted":[]}
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#2 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"] {01.01.01 Retry system-engineer-codex#2} (no change)
    "#);
}

#[test]
fn a_batch_that_leaves_the_plan_closes_its_cycle() {
    let mut world = World::new();
    let mut out = world.transcript(
        "
        A next
        A in_progress 01.01.01
    ",
    );
    world.text = PLAN.replace("##### Batch 1: Storage", "##### Batch 5: Storage");
    out += "\n-- batch 01.01 becomes 01.05\n";
    out += &world.transcript(
        "
        A next
        A failed 01.01.01 my thread is gone
        A in_progress 01.01.01
        A next
    ",
    );
    insta::assert_snapshot!(out, @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    -- batch 01.01 becomes 01.05
    A next
        in_progress 01.02 cycle 1 threads [01.02.01#1 pending system-engineer-codex] dispatch ["01.02.01"] warnings ["cycle 1 of batch 01.01 is closed: PLAN.md no longer has the batch", "no longer in PLAN.md, kept and ignored: 01.01.01"]
    A failed 01.01.01 my thread is gone
        01.01.01#1 blocked -> Block system-engineer-codex#1
    A in_progress 01.01.01
        error unknown_thread: PLAN.md has no thread 01.01.01. hint: closest: 01.02.01, 01.05.01, 01.05.02
    A next
        in_progress 01.02 cycle 1 resumed threads [01.02.01#1 pending system-engineer-codex] dispatch ["01.02.01"] warnings ["no longer in PLAN.md, kept and ignored: 01.01.01"] (no change)
    "#);
}

#[test]
fn one_planner_per_batch() {
    insta::assert_snapshot!(transcript("
        A next
        B next
        B assign 01.01.01
        B in_progress 01.01.01
        A in_progress 01.01.01
        A completed 01.01.01 whoever ran it
        B outcome
        A dies
        B next
        B next
        person release
        person release
        A lives
        A next
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    B next
        in_progress 01.01 cycle 1 resumed held threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch [] next `!work release` warnings ["another planner executes it: leave its threads alone"] (no change)
    B assign 01.01.01
        error held_by_another_planner: batch 01.01 is executed by another planner, server 00000000-0000-0000-0000-00000000000a. hint: let that planner finish, or ask the person to run !work release
    B in_progress 01.01.01
        01.01.01#1 in_progress
    A in_progress 01.01.01
        error already_running: attempt 1 of 01.01.01 is run by system-engineer-codex through another server process. hint: leave the thread to its worker
    A completed 01.01.01 whoever ran it
        01.01.01#1 completed
    B outcome
        in_progress 01.01 [01.01.01 completed "whoever ran it" system-engineer-codex] [01.01.02 pending "" frontend-designer-grok] [01.01.03 pending "" default] next `!work release` warnings ["not settled: another planner executes it, server 00000000-0000-0000-0000-00000000000a"] (no change)
    A dies
        gone
    B next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"]
    B next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"] (no change)
    person release
        {"workstream":"001-search","batch":"01.01","held_by":"00000000-0000-0000-0000-00000000000b"}
    person release
        {"workstream":"001-search","batch":null,"held_by":null} (no change)
    A lives
        back
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"]
    "#);
}

#[test]
fn release_ends_the_hold_of_a_server_that_only_counts_as_alive() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A hides
        B next
        B in_progress 01.01.01
        person release
        B next
        B in_progress 01.01.01
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A hides
        nobody can see whether it lives
    B next
        in_progress 01.01 cycle 1 resumed held threads [01.01.01#1 in_progress system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch [] next `!work release` warnings ["another planner executes it: leave its threads alone", "nobody can see whether server 00000000-0000-0000-0000-00000000000a lives, so it counts as alive (it is hidden); if it has ended, a person runs !work release"] (no change)
    B in_progress 01.01.01
        error already_running: attempt 1 of 01.01.01 is run by system-engineer-codex through another server process. hint: leave the thread to its worker
    person release
        {"workstream":"001-search","batch":"01.01","held_by":"00000000-0000-0000-0000-00000000000a"}
    B next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#2 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"] warnings ["nobody can see whether server 00000000-0000-0000-0000-00000000000a lives, so it counts as alive (it is hidden); if it has ended, a person runs !work release"]
    B in_progress 01.01.01
        01.01.01#2 in_progress
    "#);
}

#[test]
fn another_server_cannot_close_the_cycle_of_a_living_planner() {
    insta::assert_snapshot!(transcript("
        A next
        A completed 01.01.01 done
        A completed 01.01.02 done
        A completed 01.01.03 done
        A next
        A in_progress 01.02.01
        person pending! 01.01.03
        B in_progress 01.01.03
        B failed 01.01.03 it broke
        B blocked 01.01.03 it cannot be done
        person in_progress 01.01.03
        B next
        A in_progress 01.02.01
        A in_progress 01.01.03
        B next
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A completed 01.01.01 done
        01.01.01#1 completed
    A completed 01.01.02 done
        01.01.02#1 completed
    A completed 01.01.03 done
        01.01.03#1 completed
    A next
        in_progress 01.02 cycle 1 threads [01.02.01#1 pending system-engineer-codex] dispatch ["01.02.01"]
    A in_progress 01.02.01
        01.02.01#1 in_progress
    person pending! 01.01.03
        01.01.03#2 pending
    B in_progress 01.01.03
        error held_by_another_planner: batch 01.02 is executed by another planner, server 00000000-0000-0000-0000-00000000000a. hint: let that planner finish, or ask the person to run !work release
    B failed 01.01.03 it broke
        error held_by_another_planner: batch 01.02 is executed by another planner, server 00000000-0000-0000-0000-00000000000a. hint: let that planner finish, or ask the person to run !work release
    B blocked 01.01.03 it cannot be done
        error held_by_another_planner: batch 01.02 is executed by another planner, server 00000000-0000-0000-0000-00000000000a. hint: let that planner finish, or ask the person to run !work release
    person in_progress 01.01.03
        error held_by_another_planner: batch 01.02 is executed by another planner, server 00000000-0000-0000-0000-00000000000a. hint: let that planner finish, or run work release
    B next
        in_progress 01.02 cycle 1 resumed held threads [01.02.01#1 in_progress system-engineer-codex] dispatch [] next `!work release` warnings ["another planner executes it: leave its threads alone"] (no change)
    A in_progress 01.02.01
        01.02.01#1 in_progress (no change)
    A in_progress 01.01.03
        01.01.03#2 in_progress
    B next
        in_progress 01.01 cycle 2 resumed held threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#2 in_progress default] dispatch [] next `!work release` warnings ["another planner executes it: leave its threads alone"] (no change)
    "#);
}

#[test]
fn the_cycle_of_a_dead_server_is_taken_over_and_its_attempts_are_interrupted() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A in_progress 01.01.02
        A dies
        B next
        B in_progress 01.01.01#1
        B completed 01.01.02#1 it had been done
        B in_progress 01.01.01#2
        B dies
        A lives
        A next
        A in_progress 01.01.01#3
        A dies
        B lives
        B next
        B in_progress 01.01.01#4
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A in_progress 01.01.02
        01.01.02#1 in_progress
    A dies
        gone
    B next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#2 pending system-engineer-codex, 01.01.02#2 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    B in_progress 01.01.01#1
        error stale_attempt: attempt 1 of 01.01.01 is over. hint: stop working on it; the thread's next attempt is 2
    B completed 01.01.02#1 it had been done
        01.01.02#1 completed
    B in_progress 01.01.01#2
        01.01.01#2 in_progress
    B dies
        gone
    A lives
        back
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#3 pending system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.03"]
    A in_progress 01.01.01#3
        01.01.01#3 in_progress
    A dies
        gone
    B lives
        back
    B next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#4 pending system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.03"] {01.01.01 Retry system-engineer-codex#4}
    B in_progress 01.01.01#4
        01.01.01#4 in_progress
    "#);
}

#[test]
fn the_command_line_holds_nothing() {
    insta::assert_snapshot!(transcript("
        person in_progress 01.01.01
        A next
        A in_progress 01.01.01
        B in_progress 01.01.01
        person completed 01.01.01 done in a shell
        person pending 01.01.01
        person pending! 01.01.01
        person pending! 01.01.01
        person cancelled! 01.01.02
        person cancelled! 01.01.02
        A in_progress 01.01.02
        A next
    "), @r#"
    person in_progress 01.01.01
        01.01.01#1 in_progress
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 in_progress system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    B in_progress 01.01.01
        error already_running: attempt 1 of 01.01.01 is run by system-engineer-codex through another server process. hint: leave the thread to its worker
    person completed 01.01.01 done in a shell
        01.01.01#1 completed
    person pending 01.01.01
        error force_required: 01.01.01 is completed; setting it to pending is a person's decision. hint: add --force if that is meant
    person pending! 01.01.01
        01.01.01#2 pending
    person pending! 01.01.01
        01.01.01#2 pending (no change)
    person cancelled! 01.01.02
        01.01.02#0 cancelled
    person cancelled! 01.01.02
        01.01.02#0 cancelled (no change)
    A in_progress 01.01.02
        error invalid_transition: 01.01.02 is cancelled and cannot become in_progress. hint: leave it as it is
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#2 pending system-engineer-codex, 01.01.02#0 cancelled frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.03"] (no change)
    "#);
}

#[test]
fn a_batch_that_the_command_line_executed_waits_for_a_person_too() {
    insta::assert_snapshot!(transcript("
        person completed 01.01.01 a
        person completed 01.01.02 b
        person blocked 01.01.03 unclear
        A next
        person retry 01.01.01
        person retry
        A next
    "), @r#"
    person completed 01.01.01 a
        01.01.01#1 completed
    person completed 01.01.02 b
        01.01.02#1 completed
    person blocked 01.01.03 unclear
        01.01.03#0 blocked -> Block default#0
    A next
        blocked 01.01 cycle 1 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#0 blocked default] dispatch [] next `!work retry` warnings ["settled with blocked threads: only a person has it executed again"] (no change)
    person retry 01.01.01
        error invalid_transition: 01.01.01 is completed: only a blocked thread is retried. hint: a person can reset it to pending: work update --thread 01.01.01 --status pending --force
    person retry
        {"workstream":"001-search","batch":"01.01","threads":["01.01.03"],"unchanged":false,"next_user_command":null}
    A next
        in_progress 01.01 cycle 2 threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#1 blocked default] dispatch ["01.01.03"] warnings ["cycle 1 ended with blocked threads, this is a new cycle. 01.01.03: unclear"]
    "#);
}

#[test]
fn a_planner_gives_up_without_an_attempt() {
    insta::assert_snapshot!(transcript("
        A next
        A blocked 01.01.01#1 no worker can be had
        A blocked 01.01.01#1 no worker can be had
        A blocked 01.01.01 no worker at all
        A next
        A in_progress 01.01.01
        A failed 01.01.01 it could not start
        A in_progress 01.01.02
        A failed 01.01.02 no
        A blocked 01.01.02#2 stop
        A next
        A assign 01.01.02
        A in_progress 01.01.02
        A completed 01.01.02 after all
        A completed 01.01.01 a late success
        A outcome
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A blocked 01.01.01#1 no worker can be had
        01.01.01#0 blocked -> Block system-engineer-codex#0
    A blocked 01.01.01#1 no worker can be had
        01.01.01#0 blocked -> Block system-engineer-codex#0 (no change)
    A blocked 01.01.01 no worker at all
        01.01.01#0 blocked -> Block system-engineer-codex#0
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#0 blocked system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"] (no change)
    A in_progress 01.01.01
        error failover_exhausted: 01.01.01: its planner gave it up in this cycle. hint: leave 01.01.01 blocked and call batch_outcome; a person decides
    A failed 01.01.01 it could not start
        01.01.01#0 blocked -> Block system-engineer-codex#0
    A in_progress 01.01.02
        01.01.02#1 in_progress
    A failed 01.01.02 no
        01.01.02#2 pending -> Reassign frontend-designer-flash#2
    A blocked 01.01.02#2 stop
        01.01.02#1 blocked -> Block frontend-designer-grok#1
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#0 blocked system-engineer-codex, 01.01.02#1 blocked frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.03"] (no change)
    A assign 01.01.02
        01.01.02#2 pending frontend-designer-flash failover
    A in_progress 01.01.02
        01.01.02#2 in_progress
    A completed 01.01.02 after all
        01.01.02#2 completed
    A completed 01.01.01 a late success
        01.01.01#1 completed
    A outcome
        in_progress 01.01 [01.01.01 completed "a late success" system-engineer-codex] [01.01.02 completed "after all" frontend-designer-flash failover] [01.01.03 pending "" default] warnings ["not started: 01.01.03 (attempt 1). If you have launched its worker it is lost: report it failed with that attempt; else call next_batch"] (no change)
    "#);
}

#[test]
fn the_two_doors_reassign_by_one_rule() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A failed 01.01.01 no
        person assign 01.01.01 frontend-designer-grok
        person assign 01.01.01 system-engineer-opus
        person assign 01.01.01 system-engineer-opus
        A assign 01.01.01
        A in_progress 01.01.01
        A failed 01.01.01 no again
        person assign 01.01.01 default
        person assign! 01.01.01 default
        A next
        A in_progress 01.01.01
        A outcome
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A failed 01.01.01 no
        01.01.01#2 pending -> Reassign system-engineer-opus#2
    person assign 01.01.01 frontend-designer-grok
        error not_in_family: frontend-designer-grok is neither in the family of system-engineer-codex nor a default agent. hint: use system-engineer-opus, default, default-minimax
    person assign 01.01.01 system-engineer-opus
        01.01.01#2 pending system-engineer-opus failover
    person assign 01.01.01 system-engineer-opus
        01.01.01#2 pending system-engineer-opus failover (no change)
    A assign 01.01.01
        01.01.01#2 pending system-engineer-opus failover (no change)
    A in_progress 01.01.01
        01.01.01#2 in_progress
    A failed 01.01.01 no again
        01.01.01#2 blocked -> Block system-engineer-opus#2
    person assign 01.01.01 default
        error failover_exhausted: 01.01.01: its reassignment is used in this cycle. hint: leave it blocked; a person runs work retry --thread 01.01.01
    person assign! 01.01.01 default
        01.01.01#3 pending default failover
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#3 pending default, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"] (no change)
    A in_progress 01.01.01
        01.01.01#3 in_progress
    A outcome
        in_progress 01.01 [01.01.01 in_progress "attempt 1 (system-engineer-codex): no\nattempt 2 (system-engineer-opus): no again" default failover] [01.01.02 pending "" frontend-designer-grok] [01.01.03 pending "" default] warnings ["not started: 01.01.02 (attempt 1), 01.01.03 (attempt 1). If you have launched its worker it is lost: report it failed with that attempt; else call next_batch", "01.01.01 is in progress: if its worker has ended without a report, report it failed"] (no change)
    "#);
}

#[test]
fn clearing_an_assignment_uses_the_reassignment() {
    insta::assert_snapshot!(transcript("
        person assign 01.01.01 system-engineer-opus
        A next
        A in_progress 01.01.01
        A failed 01.01.01 no
        person clear 01.01.01
        person clear 01.01.01
        A in_progress 01.01.01
        A failed 01.01.01 no again
        person assign! 01.01.01 system-engineer-opus
        person clear 01.01.01
        person clear! 01.01.01
        A in_progress 01.01.01
        A blocked 01.01.01 cannot
        person assign! 01.01.01 system-engineer-codex
    "), @r#"
    person assign 01.01.01 system-engineer-opus
        01.01.01#1 pending system-engineer-opus
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-opus, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A failed 01.01.01 no
        01.01.01#2 pending -> Reassign system-engineer-codex#2
    person clear 01.01.01
        01.01.01#2 pending system-engineer-codex failover
    person clear 01.01.01
        01.01.01#2 pending system-engineer-codex failover (no change)
    A in_progress 01.01.01
        01.01.01#2 in_progress
    A failed 01.01.01 no again
        01.01.01#2 blocked -> Block system-engineer-codex#2
    person assign! 01.01.01 system-engineer-opus
        01.01.01#3 pending system-engineer-opus failover
    person clear 01.01.01
        error failover_exhausted: 01.01.01: its reassignment is used in this cycle. hint: launch the next attempt of 01.01.01 with the agent that it has, or report it blocked
    person clear! 01.01.01
        01.01.01#3 pending system-engineer-codex failover
    A in_progress 01.01.01
        01.01.01#3 in_progress
    A blocked 01.01.01 cannot
        01.01.01#3 blocked -> Block system-engineer-codex#3
    person assign! 01.01.01 system-engineer-codex
        01.01.01#4 pending system-engineer-codex failover
    "#);
}

#[test]
fn a_request_for_another_execution_survives_other_requests() {
    insta::assert_snapshot!(transcript("
        A next
        A completed 01.01.01 a
        A blocked 01.01.02 no key
        A blocked 01.01.03 no key either
        person retry
        A outcome
        person retry 01.01.02
        A next
        A blocked 01.01.02 no key yet
        A blocked 01.01.03 no key yet
        person retry
        A in_progress 01.01.03
        A next
        A blocked 01.01.02 no
        A blocked 01.01.03 no
        person retry
        A assign 01.01.02
        person assign! 01.01.03 default-minimax
        A next
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A completed 01.01.01 a
        01.01.01#1 completed
    A blocked 01.01.02 no key
        01.01.02#0 blocked -> Block frontend-designer-grok#0
    A blocked 01.01.03 no key either
        01.01.03#0 blocked -> Block default#0
    person retry
        {"workstream":"001-search","batch":"01.01","threads":["01.01.02","01.01.03"],"unchanged":false,"next_user_command":null}
    A outcome
        in_progress 01.01 [01.01.01 completed "a" system-engineer-codex] [01.01.02 blocked "no key" frontend-designer-grok] [01.01.03 blocked "no key either" default] blocked ["01.01.02", "01.01.03"] warnings ["01.01.02 was blocked and is to be tried again: call next_batch", "01.01.03 was blocked and is to be tried again: call next_batch"] (no change)
    person retry 01.01.02
        {"workstream":"001-search","batch":"01.01","threads":["01.01.02"],"unchanged":false,"next_user_command":null}
    A next
        in_progress 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 blocked default] dispatch ["01.01.02", "01.01.03"] (no change)
    A blocked 01.01.02 no key yet
        01.01.02#0 blocked -> Block frontend-designer-grok#0
    A blocked 01.01.03 no key yet
        01.01.03#1 blocked -> Reassign default-minimax#2
    person retry
        {"workstream":"001-search","batch":"01.01","threads":["01.01.02","01.01.03"],"unchanged":false,"next_user_command":null}
    A in_progress 01.01.03
        01.01.03#2 in_progress
    A next
        in_progress 01.01 cycle 3 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 blocked frontend-designer-grok, 01.01.03#2 in_progress default] dispatch ["01.01.02"] (no change)
    A blocked 01.01.02 no
        01.01.02#1 blocked -> Reassign frontend-designer-flash#2
    A blocked 01.01.03 no
        01.01.03#2 blocked -> Reassign default-minimax#3
    person retry
        {"workstream":"001-search","batch":"01.01","threads":["01.01.02","01.01.03"],"unchanged":false,"next_user_command":null}
    A assign 01.01.02
        01.01.02#2 pending frontend-designer-flash failover
    person assign! 01.01.03 default-minimax
        01.01.03#3 pending default-minimax
    A next
        in_progress 01.01 cycle 4 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#2 pending frontend-designer-flash, 01.01.03#3 pending default-minimax] dispatch ["01.01.02", "01.01.03"] (no change)
    "#);
}

#[test]
fn retry_names_the_gate_that_is_shut() {
    insta::assert_snapshot!(transcript("
        A next
        A completed 01.01.01 a
        A completed 01.01.02 b
        A blocked 01.01.03 why
        person revoke-plan
        person retry
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A completed 01.01.01 a
        01.01.01#1 completed
    A completed 01.01.02 b
        01.01.02#1 completed
    A blocked 01.01.03 why
        01.01.03#0 blocked -> Block default#0
    person revoke-plan
        {"workstream":"001-search","stage":null,"unchanged":false}
    person retry
        {"workstream":"001-search","batch":"01.01","threads":["01.01.03"],"unchanged":false,"next_user_command":"!work approve plan"}
    "#);
}

#[test]
fn a_cancelled_thread_that_never_ran_is_cancelled_by_any_number() {
    insta::assert_snapshot!(transcript("
        person cancelled! 01.01.01
        A completed 01.01.01#1 done
        A failed 01.01.01 lost
    "), @"
    person cancelled! 01.01.01
        01.01.01#0 cancelled
    A completed 01.01.01#1 done
        error invalid_transition: 01.01.01 is cancelled and cannot become completed. hint: leave it as it is
    A failed 01.01.01 lost
        error invalid_transition: 01.01.01 is cancelled and cannot become failed. hint: leave it as it is
    ");
}

#[test]
fn the_end_is_not_decided_anew_by_other_words() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A failed 01.01.01 no
        A assign 01.01.01
        A in_progress 01.01.01
        A failed 01.01.01#2 no again
        A failed~ 01.01.01#2 it was the network
        A in_progress 01.01.01
        person retry 01.01.01
        A completed 01.01.01#3 done
        A outcome
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A failed 01.01.01 no
        01.01.01#2 pending -> Reassign system-engineer-opus#2
    A assign 01.01.01
        01.01.01#2 pending system-engineer-opus failover
    A in_progress 01.01.01
        01.01.01#2 in_progress
    A failed 01.01.01#2 no again
        01.01.01#2 blocked -> Block system-engineer-opus#2
    A failed~ 01.01.01#2 it was the network
        01.01.01#2 blocked -> Block system-engineer-opus#2
    A in_progress 01.01.01
        error failover_exhausted: 01.01.01: its retry and its reassignment are used, or nobody else can take it. hint: leave 01.01.01 blocked and call batch_outcome; a person decides
    person retry 01.01.01
        {"workstream":"001-search","batch":"01.01","threads":["01.01.01"],"unchanged":false,"next_user_command":null}
    A completed 01.01.01#3 done
        01.01.01#3 completed
    A outcome
        in_progress 01.01 [01.01.01 completed "done" system-engineer-opus failover] [01.01.02 pending "" frontend-designer-grok] [01.01.03 pending "" default] warnings ["not started: 01.01.02 (attempt 1), 01.01.03 (attempt 1). If you have launched its worker it is lost: report it failed with that attempt; else call next_batch"] (no change)
    "#);
}

#[test]
fn a_person_assigns_as_they_like() {
    insta::assert_snapshot!(transcript("
        person assign 01.01.01 frontend-designer-flash
        person assign 01.01.01 nobody
        A next
        A in_progress 01.01.01
        A failed 01.01.01 no idea of back ends
        person assign! 01.01.01 system-engineer-opus
        A next
        A in_progress 01.01.01
        A failed 01.01.01 hm
        person assign! 01.01.01 system-engineer-codex
        A in_progress 01.01.01
        person pending! 01.01.01
        A in_progress 01.01.01
        A failed~ 01.01.01 a fresh budget
    "), @r#"
    person assign 01.01.01 frontend-designer-flash
        01.01.01#1 pending frontend-designer-flash
    person assign 01.01.01 nobody
        error unknown_agent: work/agents.yaml has no agent "nobody". hint: closest: default, system-engineer-codex, system-engineer-opus
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending frontend-designer-flash, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A failed 01.01.01 no idea of back ends
        01.01.01#2 pending -> Reassign frontend-designer-grok#2
    person assign! 01.01.01 system-engineer-opus
        01.01.01#2 pending system-engineer-opus
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#2 pending system-engineer-opus, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"] (no change)
    A in_progress 01.01.01
        01.01.01#2 in_progress
    A failed 01.01.01 hm
        01.01.01#3 pending -> Reassign system-engineer-codex#3
    person assign! 01.01.01 system-engineer-codex
        01.01.01#3 pending system-engineer-codex
    A in_progress 01.01.01
        01.01.01#3 in_progress
    person pending! 01.01.01
        01.01.01#4 pending
    A in_progress 01.01.01
        01.01.01#4 in_progress
    A failed~ 01.01.01 a fresh budget
        01.01.01#5 pending -> Retry system-engineer-codex#5
    "#);
}

#[test]
fn an_agent_that_hangs_is_given_up_by_assigning_another() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A assign 01.01.01 system-engineer-codex
        A assign 01.01.01 system-engineer-opus
        A completed 01.01.01#1 I am back
        A in_progress 01.01.01#2
        A completed 01.01.01#1 I am back
        A assign 01.01.01 default
        A assign 01.01.02
        A assign 01.01.02
        A assign 01.01.02 frontend-designer-grok
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A assign 01.01.01 system-engineer-codex
        01.01.01#1 in_progress system-engineer-codex (no change)
    A assign 01.01.01 system-engineer-opus
        01.01.01#2 pending system-engineer-opus failover
    A completed 01.01.01#1 I am back
        01.01.01#1 completed
    A in_progress 01.01.01#2
        error invalid_transition: 01.01.01 is completed and cannot become in_progress. hint: it is done; report completed again to amend its report
    A completed 01.01.01#1 I am back
        01.01.01#1 completed (no change)
    A assign 01.01.01 default
        error invalid_transition: 01.01.01 is completed and cannot become assigned. hint: leave it as it is
    A assign 01.01.02
        01.01.02#1 pending frontend-designer-flash failover
    A assign 01.01.02
        01.01.02#1 pending frontend-designer-flash failover (no change)
    A assign 01.01.02 frontend-designer-grok
        error failover_exhausted: 01.01.02: its reassignment is used in this cycle. hint: launch its next attempt with the agent it has: call next_batch
    "#);
}

#[test]
fn at_most_so_many_at_once() {
    let mut world = World::new();
    world.roster.max_parallel = Some(2);
    insta::assert_snapshot!(world.transcript("
        A next
        A in_progress 01.01.02
        A next
        A completed 01.01.02 b
        A next
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02"]
    A in_progress 01.01.02
        01.01.02#1 in_progress
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 in_progress frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01"] (no change)
    A completed 01.01.02 b
        01.01.02#1 completed
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.03"] (no change)
    "#);
}

#[test]
fn a_workstream_on_hold_hands_out_nothing() {
    let mut world = World::new();
    world.entry.as_mut().unwrap().status = Some(StreamStatus::OnHold);
    insta::assert_snapshot!(world.transcript("
        A next
        A in_progress 01.01.01
        A status
    "), @r#"
    A next
        awaiting_approval next `!work status` warnings ["the workstream is on hold: to resume it, a person changes its status in work/index.json"] (no change)
    A in_progress 01.01.01
        error awaiting_approval: the workstream is on hold: to resume it, a person changes its status in work/index.json. hint: stop; a person decides when it goes on
    A status
         next `!work status` warnings ["the workstream is on hold: to resume it, a person changes its status in work/index.json"] (no change)
    "#);
}

#[test]
fn a_plan_without_threads_and_one_without_an_index_entry() {
    let mut world = World::new();
    world.text = String::new();
    let mut out = world.transcript(
        "
        A next
        A outcome
    ",
    );
    world = World::new();
    world.entry = None;
    out += "\n-- no index entry\n";
    out += &world.transcript(
        "
        A next
        A outcome 01.02
        A outcome 09.09
        A in_progress 09.09.09
    ",
    );
    insta::assert_snapshot!(out, @r#"
    A next
        no_incomplete_batch outcomes [] next `!work status` warnings ["PLAN.md has no threads"] (no change)
    A outcome
        no_incomplete_batch next `!work status` warnings ["PLAN.md has no threads"] (no change)
    -- no index entry
    A next
        awaiting_approval gate `!work approve plan` next `!work approve plan` warnings ["the plan is not approved"] (no change)
    A outcome 01.02
        awaiting_approval 01.02 [01.02.01 pending "" system-engineer-codex] gate `!work approve plan` next `!work approve plan` warnings ["01.02.01 is pending", "the plan is not approved"] (no change)
    A outcome 09.09
        error unknown_batch: PLAN.md has no batch 09.09. hint: use one of 01.01, 01.02, 02.01
    A in_progress 09.09.09
        error unknown_thread: PLAN.md has no thread 09.09.09. hint: closest: 01.01.01, 01.01.02, 01.01.03
    "#);
}

#[test]
fn no_word_gets_around_an_open_reassignment() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A failed 01.01.01#1 no
        A failed 01.01.01#2 I never ran
        A failed 01.01.01 another story
        A in_progress 01.01.01
        A assign 01.01.01
        A completed 01.01.01 done without a number
        A outcome
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A failed 01.01.01#1 no
        01.01.01#2 pending -> Reassign system-engineer-opus#2
    A failed 01.01.01#2 I never ran
        error reassignment_required: 01.01.01 must be reassigned before its next attempt. hint: call assign_thread with thread_id 01.01.01; it takes system-engineer-opus
    A failed 01.01.01 another story
        error reassignment_required: 01.01.01 must be reassigned before its next attempt. hint: call assign_thread with thread_id 01.01.01; it takes system-engineer-opus
    A in_progress 01.01.01
        error reassignment_required: 01.01.01 must be reassigned before its next attempt. hint: call assign_thread with thread_id 01.01.01; it takes system-engineer-opus
    A assign 01.01.01
        01.01.01#2 pending system-engineer-opus failover
    A completed 01.01.01 done without a number
        01.01.01#2 completed
    A outcome
        in_progress 01.01 [01.01.01 completed "done without a number" system-engineer-opus failover] [01.01.02 pending "" frontend-designer-grok] [01.01.03 pending "" default] warnings ["not started: 01.01.02 (attempt 1), 01.01.03 (attempt 1). If you have launched its worker it is lost: report it failed with that attempt; else call next_batch"] (no change)
    "#);
}

#[test]
fn a_late_report_does_not_take_a_thread_from_its_new_agent() {
    insta::assert_snapshot!(transcript("
        A next
        A in_progress 01.01.01
        A blocked 01.01.01 no key
        person assign 01.01.01 system-engineer-opus
        A assign 01.01.01
        A blocked 01.01.01#1 no key
        A failed 01.01.01#1 another reason
        A in_progress 01.01.02
        A dies
        B next
        B assign 01.01.02
        B failed 01.01.02#1 lost
        B failed 01.01.02 it could not start
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A blocked 01.01.01 no key
        01.01.01#1 blocked -> Reassign system-engineer-opus#2
    person assign 01.01.01 system-engineer-opus
        01.01.01#2 pending system-engineer-opus failover
    A assign 01.01.01
        01.01.01#2 pending system-engineer-opus failover (no change)
    A blocked 01.01.01#1 no key
        01.01.01#2 pending -> Reassign system-engineer-opus#2 (no change)
    A failed 01.01.01#1 another reason
        01.01.01#2 pending -> Reassign system-engineer-opus#2 (no change)
    A in_progress 01.01.02
        01.01.02#1 in_progress
    A dies
        gone
    B next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#2 pending system-engineer-opus, 01.01.02#2 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    B assign 01.01.02
        01.01.02#2 pending frontend-designer-flash failover
    B failed 01.01.02#1 lost
        01.01.02#2 pending -> Reassign frontend-designer-flash#2 (no change)
    B failed 01.01.02 it could not start
        01.01.02#2 blocked -> Block frontend-designer-flash#2
    "#);
}

#[test]
fn history_costs_nothing() {
    insta::assert_snapshot!(transcript("
        A next
        A completed 01.01.01 a
        A completed 01.01.02 b
        A in_progress 01.01.03
        A blocked 01.01.03 unclear
        person retry
        A next
        A blocked 01.01.03#1 unclear
        A failed 01.01.03#1 unclear, says the planner
        A next
        person in_progress 01.01.03
        person pending! 01.01.03
        A failed 01.01.03#2 I am a zombie
        A blocked 01.01.03#2 I am a zombie
        A next
        A completed 01.01.03#2 I am a zombie, but done
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A completed 01.01.01 a
        01.01.01#1 completed
    A completed 01.01.02 b
        01.01.02#1 completed
    A in_progress 01.01.03
        01.01.03#1 in_progress
    A blocked 01.01.03 unclear
        01.01.03#1 blocked -> Reassign default-minimax#2
    person retry
        {"workstream":"001-search","batch":"01.01","threads":["01.01.03"],"unchanged":false,"next_user_command":null}
    A next
        in_progress 01.01 cycle 2 threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#2 blocked default] dispatch ["01.01.03"] warnings ["cycle 1 ended with blocked threads, this is a new cycle. 01.01.03: unclear"]
    A blocked 01.01.03#1 unclear
        01.01.03#2 blocked (no change)
    A failed 01.01.03#1 unclear, says the planner
        01.01.03#2 blocked
    A next
        in_progress 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#2 blocked default] dispatch ["01.01.03"] (no change)
    person in_progress 01.01.03
        01.01.03#2 in_progress
    person pending! 01.01.03
        01.01.03#3 pending
    A failed 01.01.03#2 I am a zombie
        01.01.03#3 pending (no change)
    A blocked 01.01.03#2 I am a zombie
        01.01.03#3 pending (no change)
    A next
        in_progress 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 completed frontend-designer-grok, 01.01.03#3 pending default] dispatch ["01.01.03"] (no change)
    A completed 01.01.03#2 I am a zombie, but done
        01.01.03#2 completed
    "#);
}

#[test]
fn a_thread_without_a_candidate_is_blocked() {
    let mut world = World::new();
    let mut out = world.transcript(
        "
        A next
        A in_progress 01.01.01
        A failed 01.01.01 no
    ",
    );
    world.roster.agents.truncate(2);
    world.roster.agents.remove(0);
    out += "\n-- only system-engineer-codex stays in agents.yaml\n";
    out += &world.transcript(
        "
        A in_progress 01.01.01
        A next
        A assign 01.01.01
    ",
    );
    insta::assert_snapshot!(out, @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A failed 01.01.01 no
        01.01.01#2 pending -> Reassign system-engineer-opus#2
    -- only system-engineer-codex stays in agents.yaml
    A in_progress 01.01.01
        error failover_exhausted: 01.01.01: its retry and its reassignment are used, or nobody else can take it. hint: leave 01.01.01 blocked and call batch_outcome; a person decides
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 blocked system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"] warnings ["01.01.02: agent frontend-designer-grok is not in work/agents.yaml", "01.01.03: agent default is not in work/agents.yaml"]
    A assign 01.01.01
        error failover_exhausted: 01.01.01: nobody else can take it. hint: leave 01.01.01 blocked and call batch_outcome; a person decides
    "#);
}

#[test]
fn without_agents_yaml_any_agent_of_the_family_will_do() {
    let mut world = World::new();
    world.roster = Roster::undeclared(["system-engineer-codex"]);
    insta::assert_snapshot!(world.transcript("
        A next
        A assign 01.01.01 frontend-designer-new
        A assign 01.01.01 system-engineer-new
        A assign 01.01.02 default-new
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A assign 01.01.01 frontend-designer-new
        error not_in_family: frontend-designer-new is neither in the family of system-engineer-codex nor a default agent. hint: use one that your host has a profile for: default
    A assign 01.01.01 system-engineer-new
        01.01.01#1 pending system-engineer-new failover
    A assign 01.01.02 default-new
        01.01.02#1 pending default-new failover
    "#);
}

#[test]
fn a_workstream_whose_plan_is_not_approved_is_not_completed() {
    let mut world = World::new();
    world.entry.as_mut().unwrap().approvals = Approvals::default();
    world.text = "# Plan: P".to_owned();
    insta::assert_snapshot!(world.transcript("person complete"), @"
    person complete
        error awaiting_approval: the plan is not approved. hint: a person runs work approve plan
    ");
}

#[test]
fn approving_a_plan_takes_its_new_names_over() {
    let mut world = World::new();
    let mut out = world.transcript(
        "
        A next
        A in_progress 01.01.01
    ",
    );
    world.text = PLAN.replace("Schema", "Tables");
    out += "\n-- Schema becomes Tables\n";
    out += &world.transcript(
        "
        A next
        person approve-plan keep-ids
        A next
    ",
    );
    insta::assert_snapshot!(out, @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    -- Schema becomes Tables
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 in_progress system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"] warnings ["01.01.01: PLAN.md calls it \"Tables\", the recorded state is of \"Schema\""] (no change)
    person approve-plan keep-ids
        {"workstream":"001-search","plan_hash":"713743fcf47ab89edbc89434658b1b782202620089b1ec4b1f98b2e921210368","counts":{"stages":2,"batches":3,"threads":5},"unchanged":false,"changes":{"workstream":"001-search","approved_text":false,"was_approved":true,"stages":[],"threads":[{"before":"01.01.01","now":"01.01.01","name":"Tables","renamed_from":"Schema","status":"in_progress","attempts":1,"edited":[],"consequence":"stays"}],"unclear":[],"text":""},"interrupted":[]}
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 in_progress system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.02", "01.01.03"] (no change)
    "#);
}

#[test]
fn bad_input_is_refused() {
    let long = "x".repeat(MAX_REPORT_CHARS + 1);
    insta::assert_snapshot!(transcript(&format!("
        A next
        A completed 01.01.01
        A completed 01.01.01 {long}
        A in_progress 01.01.01#0
        A in_progress 01.01.01#2
        A completed 01.01.01#7 x
        A completed 01.02.01 x
    ")), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A completed 01.01.01
        error report_required: status completed for 01.01.01 needs a report. hint: pass report: 1-2 sentences on what was done, or the reason
    A completed 01.01.01 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        error invalid_argument: report has 2001 characters, the limit is 2000. hint: say it in 1-2 sentences
    A in_progress 01.01.01#0
        error invalid_argument: 01.01.01 has no attempt 0. hint: attempts are numbered from 1
    A in_progress 01.01.01#2
        error invalid_argument: 01.01.01 has no attempt 2. hint: start attempt 1
    A completed 01.01.01#7 x
        error invalid_argument: 01.01.01 has no attempt 7. hint: pass attempt 1, or leave it out
    A completed 01.02.01 x
        error batch_not_ready: batch 01.02 waits for batch 01.01. hint: finish 01.01 first: call next_batch
    "#);
}

#[test]
fn every_approval_refusal_names_its_problems() {
    let mut world = World::new();
    world.text = "# Plan: P\n## Stages\n### Stage 1: S\n#### Questions\n- [ ] why\n##### Batch 1: B\n".to_owned();
    insta::assert_snapshot!(world.transcript("
        person approve-plan
        person approve-plan!
        person approve-stage 3
    "), @r#"
    person approve-plan
        error plan_has_problems: PLAN.md has 2 problems to settle before it is approved. hint: fix PLAN.md, or approve it as it is with --force
    person approve-plan!
        {"workstream":"001-search","plan_hash":"45679bf44a0a8506becd53ee4ebb531e2d07ce99548c5f559dd68eaa5668adae","counts":{"stages":1,"batches":1,"threads":0},"unchanged":false,"changes":{"workstream":"001-search","approved_text":false,"was_approved":true,"stages":[],"threads":[],"unclear":[],"text":""},"interrupted":[]}
    person approve-stage 3
        error unknown_stage: PLAN.md has no stage 3. hint: use one of 1
    "#);
    let plan = parse(&world.text);
    assert_eq!(check(&plan, &world.roster).len(), 3);
    assert!(plan.stage(StageNumber(1)).is_some());
}

/// Returns random lines of agents, and of servers that die and live again.
fn agents_line() -> impl Strategy<Value = String> {
    let who = prop_oneof![4 => Just("A"), 2 => Just("B")];
    let thread =
        prop_oneof![4 => Just("01.01.01"), 3 => Just("01.01.02"), 1 => Just("01.02.01"), 1 => Just("02.01.01")];
    let attempt = prop_oneof![3 => Just(String::new()), 3 => (1..6_u32).prop_map(|number| format!("#{number}"))];
    let report = prop_oneof![Just("x"), Just("y")];
    let said = prop_oneof![
        4 => Just("in_progress"),
        1 => Just("completed"),
        2 => Just("blocked"),
        2 => Just("blocked~"),
        3 => Just("failed"),
        3 => Just("failed~"),
    ];
    let agent = prop_oneof![
        4 => Just(""),
        1 => Just(" default"),
        1 => Just(" system-engineer-opus"),
        1 => Just(" system-engineer-codex"),
    ];
    prop_oneof![
        3 => who.clone().prop_map(|who| format!("{who} next")),
        2 => who.clone().prop_map(|who| format!("{who} outcome")),
        1 => who.clone().prop_map(|who| format!("{who} dies")),
        1 => who.clone().prop_map(|who| format!("{who} lives")),
        4 => (who.clone(), thread.clone(), agent).prop_map(|(who, thread, agent)| format!("{who} assign {thread}{agent}")),
        20 => (who, said, thread, attempt, report)
            .prop_map(|(who, said, thread, attempt, report)| format!("{who} {said} {thread}{attempt} {report}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_budgets_hold_for_any_calls_of_agents(lines in proptest::collection::vec(agents_line(), 1..60)) {
        let mut world = World::new();
        for line in &lines {
            let before = world.board.clone();
            let came_back = world.say(line);
            if came_back.starts_with("error ") {
                prop_assert_eq!(&world.board, &before, "a refusal changes nothing");
            } else if !line.ends_with("lives") && !line.ends_with("dies") {
                let again = world.say(line);
                let settled = world.board.clone();
                let once_more = world.say(line);
                // Calls are idempotent, with these exceptions: `next_batch` can open a new cycle for what the first
                // call closed, and `failed` without a number can be the next failure. `in_progress` is not checked.
                if !line.contains(" next") && !line.contains(" failed") && !line.contains(" in_progress") {
                    prop_assert_eq!(&settled, &world.board, "{}: {} / {}", line, again, once_more);
                }
            }
            for (id, thread) in world.board.threads.iter() {
                let was = before.status(id);
                prop_assert!(!was.is_done() || thread.status == was, "{} was {:?}: {}", id, was, line);
                for cycle in world.board.cycles().iter().filter(|cycle| cycle.batch == id.batch) {
                    let counted = thread.attempts_in(id, cycle);
                    let counted = counted.filter(|attempt| attempt.status != AttemptStatus::Interrupted).count();
                    prop_assert!(counted <= 3, "{} has {} attempts in cycle {}: {}", id, counted, cycle.number, line);
                }
            }
            let beyond_the_gate = world.board.threads.iter().filter(|(id, _)| id.batch.stage == StageNumber(2));
            prop_assert!(beyond_the_gate.map(|(_, thread)| thread).all(|thread| thread.attempts.is_empty()));
        }
    }
}

/// Returns a world whose first batch has an order: Rows after Schema, Notes after Rows.
fn ordered_world() -> World {
    let mut world = World::new();
    world.text = PLAN
        .replace("Thread 2: Rows @agent:frontend-designer-grok", "Thread 2: Rows\n**After:** 01.01.01")
        .replace("Thread 3: Notes", "Thread 3: Notes\n**After:** Thread 2");
    world.say("person approve-plan!");
    world
}

#[test]
fn a_thread_waits_for_those_before_it() {
    insta::assert_snapshot!(ordered_world().transcript("
        A next
        A in_progress 01.01.02
        A completed 01.01.02 too early
        A in_progress 01.01.01
        A outcome
        A next
        A completed 01.01.01 s
        A next
        A completed 01.01.02 r
        A completed 01.01.03 n
        A outcome
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending default, 01.01.03#1 pending default] dispatch ["01.01.01"] 01.01.02 waits for ["01.01.01"] 01.01.03 waits for ["01.01.02"]
    A in_progress 01.01.02
        error batch_not_ready: 01.01.02 waits for 01.01.01. hint: call next_batch when they are complete
    A completed 01.01.02 too early
        error batch_not_ready: 01.01.02 waits for 01.01.01. hint: call next_batch when they are complete
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A outcome
        in_progress 01.01 [01.01.01 in_progress "" system-engineer-codex] [01.01.02 pending "" default] [01.01.03 pending "" default] warnings ["01.01.01 is in progress: if its worker has ended without a report, report it failed", "01.01.02 waits for 01.01.01", "01.01.03 waits for 01.01.02"] (no change)
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 in_progress system-engineer-codex, 01.01.02#1 pending default, 01.01.03#1 pending default] dispatch [] 01.01.02 waits for ["01.01.01"] 01.01.03 waits for ["01.01.02"] (no change)
    A completed 01.01.01 s
        01.01.01#1 completed
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 pending default, 01.01.03#1 pending default] dispatch ["01.01.02"] 01.01.03 waits for ["01.01.02"] (no change)
    A completed 01.01.02 r
        01.01.02#1 completed
    A completed 01.01.03 n
        01.01.03#1 completed
    A outcome
        completed 01.01 [01.01.01 completed "s" system-engineer-codex] [01.01.02 completed "r" default] [01.01.03 completed "n" default] (no change)
    "#);
}

#[test]
fn a_blocked_thread_settles_those_that_wait_for_it() {
    insta::assert_snapshot!(ordered_world().transcript("
        A next
        A blocked 01.01.01 no schema
        A next
        A outcome
        A blocked 01.01.03 given up
        person retry
        A next
        A completed 01.01.01 s
        A next
        person cancelled! 01.01.02
        A next
        B next
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending default, 01.01.03#1 pending default] dispatch ["01.01.01"] 01.01.02 waits for ["01.01.01"] 01.01.03 waits for ["01.01.02"]
    A blocked 01.01.01 no schema
        01.01.01#0 blocked -> Block system-engineer-codex#0
    A next
        blocked 01.01 cycle 1 resumed threads [01.01.01#0 blocked system-engineer-codex, 01.01.02#1 pending default, 01.01.03#1 pending default] dispatch [] 01.01.02 waits for ["01.01.01"] 01.01.03 waits for ["01.01.02"] next `!work retry` warnings ["settled with blocked threads: only a person has it executed again"] (no change)
    A outcome
        blocked 01.01 [01.01.01 blocked "no schema" system-engineer-codex] [01.01.02 pending "" default] [01.01.03 pending "" default] blocked ["01.01.01"] next `!work retry` warnings ["01.01.02 waits for 01.01.01", "01.01.03 waits for 01.01.02"] (no change)
    A blocked 01.01.03 given up
        01.01.03#0 blocked -> Block default#0
    person retry
        {"workstream":"001-search","batch":"01.01","threads":["01.01.01","01.01.03"],"unchanged":false,"next_user_command":null}
    A next
        in_progress 01.01 cycle 2 threads [01.01.01#1 blocked system-engineer-codex, 01.01.02#1 pending default, 01.01.03#1 blocked default] dispatch ["01.01.01"] 01.01.02 waits for ["01.01.01"] 01.01.03 waits for ["01.01.02"] warnings ["cycle 1 ended with blocked threads, this is a new cycle. 01.01.01: no schema; 01.01.03: given up"]
    A completed 01.01.01 s
        01.01.01#1 completed
    A next
        in_progress 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#1 pending default, 01.01.03#1 blocked default] dispatch ["01.01.02"] 01.01.03 waits for ["01.01.02"] (no change)
    person cancelled! 01.01.02
        01.01.02#0 cancelled
    A next
        in_progress 01.01 cycle 2 resumed threads [01.01.01#1 completed system-engineer-codex, 01.01.02#0 cancelled default, 01.01.03#1 blocked default] dispatch ["01.01.03"] (no change)
    B next
        in_progress 01.01 cycle 2 resumed held threads [01.01.01#1 completed system-engineer-codex, 01.01.02#0 cancelled default, 01.01.03#1 blocked default] dispatch [] next `!work release` warnings ["another planner executes it: leave its threads alone"] (no change)
    "#);
}

#[test]
fn a_person_may_overrule_an_order() {
    insta::assert_snapshot!(ordered_world().transcript("
        person completed 01.01.02 r
        person completed! 01.01.02 r
        A next
    "), @r#"
    person completed 01.01.02 r
        error batch_not_ready: 01.01.02 waits for 01.01.01. hint: finish those first; see work status
    person completed! 01.01.02 r
        01.01.02#1 completed
    A next
        in_progress 01.01 cycle 1 resumed threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 completed default, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.03"]
    "#);
}

/// Returns a request that only `work run` makes.
fn of_a_run(verb: &str, thread: ThreadId, attempt: u32, input_tokens: &str) -> AgentRequest {
    if verb == "gives-back" {
        return AgentRequest::GiveBack(GiveBack { thread, attempt, report: "given back".to_owned() });
    }
    let usage = Usage { input_tokens: input_tokens.parse().unwrap(), ..Usage::default() };
    AgentRequest::RecordUsage(RecordUsage { thread, attempt, usage })
}

/// Returns the attempts of the board with what they used.
fn usages(world: &World) -> String {
    let attempts = world.board.threads.iter().flat_map(|(id, thread)| {
        let of = move |attempt: &crate::board::Attempt| {
            let used = attempt.usage.map_or("-".to_owned(), |usage| usage.input_tokens.to_string());
            format!("{id}#{} {} {used}", attempt.number, attempt.status.word())
        };
        thread.attempts.iter().map(of)
    });
    attempts.collect::<Vec<_>>().join(", ")
}

#[test]
fn what_is_given_back_costs_nothing_however_often() {
    let mut world = World::new();
    let out = world.transcript(
        "
        A next
        A in_progress 01.01.01
        B gives-back 01.01.01#1
        A gives-back 01.01.01#2
        A gives-back 01.01.01#1
        A in_progress 01.01.01
        A gives-back 01.01.01#2
        A in_progress 01.01.01
        A gives-back 01.01.01#3
        A in_progress 01.01.01
        A gives-back 01.01.01#4
        A gives-back 01.01.01#4
        A outcome
        A in_progress 01.01.01
        A failed~ 01.01.01 timeout
        A in_progress 01.01.01
        A gives-back 01.01.01#6
        A in_progress 01.01.01
        A failed 01.01.01 wrong
        A assign 01.01.01
        A in_progress 01.01.01
        A gives-back 01.01.01#8
        A in_progress 01.01.01
        A failed 01.01.01 wrong
    ",
    );
    insta::assert_snapshot!(out, @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    B gives-back 01.01.01#1
        recorded (no change)
    A gives-back 01.01.01#2
        recorded (no change)
    A gives-back 01.01.01#1
        recorded
    A in_progress 01.01.01
        01.01.01#2 in_progress
    A gives-back 01.01.01#2
        recorded
    A in_progress 01.01.01
        01.01.01#3 in_progress
    A gives-back 01.01.01#3
        recorded
    A in_progress 01.01.01
        01.01.01#4 in_progress
    A gives-back 01.01.01#4
        recorded
    A gives-back 01.01.01#4
        recorded (no change)
    A outcome
        in_progress 01.01 [01.01.01 pending "" system-engineer-codex] [01.01.02 pending "" frontend-designer-grok] [01.01.03 pending "" default] warnings ["not started: 01.01.01 (attempt 5), 01.01.02 (attempt 1), 01.01.03 (attempt 1). If you have launched its worker it is lost: report it failed with that attempt; else call next_batch"] (no change)
    A in_progress 01.01.01
        01.01.01#5 in_progress
    A failed~ 01.01.01 timeout
        01.01.01#6 pending -> Retry system-engineer-codex#6
    A in_progress 01.01.01
        01.01.01#6 in_progress
    A gives-back 01.01.01#6
        recorded
    A in_progress 01.01.01
        01.01.01#7 in_progress
    A failed 01.01.01 wrong
        01.01.01#8 pending -> Reassign system-engineer-opus#8
    A assign 01.01.01
        01.01.01#8 pending system-engineer-opus failover
    A in_progress 01.01.01
        01.01.01#8 in_progress
    A gives-back 01.01.01#8
        recorded
    A in_progress 01.01.01
        01.01.01#9 in_progress
    A failed 01.01.01 wrong
        01.01.01#9 blocked -> Block system-engineer-opus#9
    "#);
}

#[test]
fn what_an_attempt_used_is_kept_whatever_has_become_of_it() {
    let mut world = World::new();
    let mut out = world.transcript(
        "
        A used 01.01.01#1 10
        A used 01.09.01#1 10
        A in_progress 01.01.01
        A used 01.01.01#1 10
        A used 01.01.01#1 10
        A failed~ 01.01.01 timeout
        A in_progress 01.01.01
        A used 01.01.01#1 11
        A used 01.01.01#2 20
        A used 01.01.01#3 30
        A used 01.01.01#0 30
        A completed 01.01.01 a
        A completed 01.01.02 b
        A completed 01.01.03 c
        A completed 01.02.01 d
        person approve-stage 1
        person revoke-plan
        B used 01.01.01#2 21
        B used 01.01.02#1 5
    ",
    );
    out += "\n-- ";
    out += &usages(&world);
    insta::assert_snapshot!(out, @r#"
    A used 01.01.01#1 10
        error invalid_argument: 01.01.01 has no attempt 1. hint: start attempt 1
    A used 01.09.01#1 10
        error unknown_thread: PLAN.md has no thread 01.09.01. hint: closest: 01.02.01, 01.01.01, 01.01.02
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A used 01.01.01#1 10
        recorded
    A used 01.01.01#1 10
        recorded (no change)
    A failed~ 01.01.01 timeout
        01.01.01#2 pending -> Retry system-engineer-codex#2
    A in_progress 01.01.01
        01.01.01#2 in_progress
    A used 01.01.01#1 11
        recorded
    A used 01.01.01#2 20
        recorded
    A used 01.01.01#3 30
        error invalid_argument: 01.01.01 has no attempt 3. hint: the latest attempt is 2
    A used 01.01.01#0 30
        error invalid_argument: 01.01.01 has no attempt 0. hint: attempts are numbered from 1
    A completed 01.01.01 a
        01.01.01#2 completed
    A completed 01.01.02 b
        01.01.02#1 completed
    A completed 01.01.03 c
        01.01.03#1 completed
    A completed 01.02.01 d
        01.02.01#1 completed
    person approve-stage 1
        {"workstream":"001-search","stage":1,"unchanged":false,"cancelled":[],"next_user_command":null}
    person revoke-plan
        {"workstream":"001-search","stage":null,"unchanged":false}
    B used 01.01.01#2 21
        recorded
    B used 01.01.02#1 5
        recorded
    -- 01.01.01#1 failed 11, 01.01.01#2 completed 21, 01.01.02#1 completed 5, 01.01.03#1 completed -, 01.02.01#1 completed -
    "#);
}

#[test]
fn telling_what_was_used_ends_no_attempt_of_a_dead_server() {
    let mut world = World::new();
    let out = world.transcript(
        "
        A in_progress 01.01.01
        A dies
        B used 01.01.01#1 10
    ",
    );
    insta::assert_snapshot!(format!("{out}\n-- {}", usages(&world)), @"
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A dies
        gone
    B used 01.01.01#1 10
        recorded
    -- 01.01.01#1 running 10
    ");
}

/// Returns a world in which the thread Schema has two checks, and stage 1 has one.
fn checked_world() -> World {
    let mut world = World::new();
    world.text = PLAN
        .replace(
            "@agent:system-engineer-codex\n###### Thread 2",
            "@agent:system-engineer-codex\n**Check:** `make` and `make test`\n###### Thread 2",
        )
        .replace("##### Batch 1: Storage", "#### Stage Checks\n`make all`\n#### Batches\n##### Batch 1: Storage");
    world.say("person approve-plan!");
    world
}

#[test]
fn completed_needs_the_checks_of_the_plan() {
    insta::assert_snapshot!(checked_world().transcript("
        A next
        A in_progress 01.01.01
        A completed 01.01.01 done
        A checks 1
        A completed 01.01.01 done
        A checks all-pass
        A completed 01.01.01 done
        A completed 01.01.01 done
        A completed 01.01.02 has none
    "), @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A completed 01.01.01 done
        error check_failed: the checks of 01.01.01 have not passed. hint: the plan has changed meanwhile: report completed again
    A checks 1
        1
    A completed 01.01.01 done
        check_failed: check `make test` ended with exit code 1. hint: fix it and report completed again; 4 more failures end the attempt. If a sibling's unfinished work is what fails, report blocked and name it
    A checks all-pass
        all-pass
    A completed 01.01.01 done
        01.01.01#1 completed
    A completed 01.01.01 done
        01.01.01#1 completed (no change)
    A completed 01.01.02 has none
        01.01.02#1 completed
    "#);
}

#[test]
fn the_fifth_failure_ends_the_attempt() {
    let mut world = checked_world();
    let out = world.transcript(
        "
        A next
        A in_progress 01.01.01
        A checks 0
        A completed 01.01.01 done
        A completed 01.01.01 done
        A completed 01.01.01 done
        A completed 01.01.01 done
        A completed 01.01.01 done
        A outcome
        A completed 01.01.01#1 late and failing
        A checks all-pass
        A completed 01.01.01#1 late and proven
    ",
    );
    insta::assert_snapshot!(out, @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A checks 0
        0
    A completed 01.01.01 done
        check_failed: check `make` ended with exit code 1. hint: fix it and report completed again; 4 more failures end the attempt. If a sibling's unfinished work is what fails, report blocked and name it
    A completed 01.01.01 done
        check_failed: check `make` ended with exit code 1. hint: fix it and report completed again; 3 more failures end the attempt. If a sibling's unfinished work is what fails, report blocked and name it
    A completed 01.01.01 done
        check_failed: check `make` ended with exit code 1. hint: fix it and report completed again; 2 more failures end the attempt. If a sibling's unfinished work is what fails, report blocked and name it
    A completed 01.01.01 done
        check_failed: check `make` ended with exit code 1. hint: fix it and report completed again; one more failure ends the attempt. If a sibling's unfinished work is what fails, report blocked and name it
    A completed 01.01.01 done
        check_failed: check `make` ended with exit code 1. hint: that was one failure too many: the attempt has ended as failed. Stop, and tell your planner
    A outcome
        in_progress 01.01 [01.01.01 pending "its checks failed 5 times; at last: check `make` ended with exit code 1" system-engineer-codex] [01.01.02 pending "" frontend-designer-grok] [01.01.03 pending "" default] {01.01.01 Reassign system-engineer-opus#2} warnings ["not started: 01.01.02 (attempt 1), 01.01.03 (attempt 1). If you have launched its worker it is lost: report it failed with that attempt; else call next_batch", "01.01.01 is pending"] (no change)
    A completed 01.01.01#1 late and failing
        check_failed: check `make` ended with exit code 1. hint: attempt 1 has ended: stop, and tell your planner (no change)
    A checks all-pass
        all-pass
    A completed 01.01.01#1 late and proven
        01.01.01#1 completed
    "#);
}

#[test]
fn a_person_and_the_gates_come_before_the_checks() {
    insta::assert_snapshot!(checked_world().transcript("
        A checks 0
        A completed 01.02.01 a batch too early
        A completed 01.01.01
        person completed 01.01.01 fails
        person completed! 01.01.01 all the same
        person completed 01.01.02 r
        person completed 01.01.03 n
        person completed 01.02.01 p
        person approve-stage 1
        person approve-stage! 1
    "), @r#"
    A checks 0
        0
    A completed 01.02.01 a batch too early
        error batch_not_ready: batch 01.02 waits for batch 01.01. hint: finish 01.01 first: call next_batch
    A completed 01.01.01
        error report_required: status completed for 01.01.01 needs a report. hint: pass report: 1-2 sentences on what was done, or the reason
    person completed 01.01.01 fails
        check_failed: check `make` ended with exit code 1. hint: report in_progress, fix it, then report completed again (no change)
    person completed! 01.01.01 all the same
        01.01.01#1 completed
    person completed 01.01.02 r
        01.01.02#1 completed
    person completed 01.01.03 n
        01.01.03#1 completed
    person completed 01.02.01 p
        01.02.01#1 completed
    person approve-stage 1
        check_failed: check `make all` ended with exit code 1. hint: report in_progress, fix it, then report completed again (no change)
    person approve-stage! 1
        {"workstream":"001-search","stage":1,"unchanged":false,"cancelled":[],"next_user_command":null}
    "#);
}

#[test]
fn a_stage_is_approved_when_its_checks_pass() {
    insta::assert_snapshot!(checked_world().transcript("
        A checks all-pass
        person approve-stage 1
        person completed 01.01.01 s
        person completed 01.01.02 r
        person completed 01.01.03 n
        person completed 01.02.01 p
        person approve-stage 1
    "), @r#"
    A checks all-pass
        all-pass
    person approve-stage 1
        error not_complete: stage 1 is not complete: 01.01.01 is pending, 01.01.02 is pending, 01.01.03 is pending, 01.02.01 is pending. hint: finish them, or cancel them all with --force
    person completed 01.01.01 s
        01.01.01#1 completed
    person completed 01.01.02 r
        01.01.02#1 completed
    person completed 01.01.03 n
        01.01.03#1 completed
    person completed 01.02.01 p
        01.02.01#1 completed
    person approve-stage 1
        {"workstream":"001-search","stage":1,"unchanged":false,"cancelled":[],"next_user_command":null}
    "#);
}

#[test]
fn a_worker_or_nobody_may_run_the_checks() {
    let mut world = checked_world();
    world.roster.checks.by = ChecksBy::Worker;
    let mut out = world.transcript(
        "
        A checks all-pass
        A next
        A in_progress 01.01.01
        A completed 01.01.01 unproven
        person check
        A completed 01.01.01 proven
        person check
        person check 01.01.02
    ",
    );
    let mut world = checked_world();
    world.roster.checks.by = ChecksBy::Off;
    out += "\n-- off\n";
    out += &world.transcript(
        "
        A checks all-pass
        A next
        A in_progress 01.01.01
        A completed 01.01.01 s
        person completed! 01.01.01 s
    ",
    );
    insta::assert_snapshot!(out, @r#"
    A checks all-pass
        all-pass
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A completed 01.01.01 unproven
        error check_failed: the checks of 01.01.01 have not passed. hint: run `work check --thread 01.01.01` in your shell, where you worked; when it passes, report completed again
    person check
        {"thread_id":"01.01.01","checks":[{"command":"make","exit_code":0,"seconds":1.5,"at":"2026-01-01T00:00:04.000Z"},{"command":"make test","exit_code":0,"seconds":1.5,"at":"2026-01-01T00:00:04.000Z"}],"recorded":true}
    A completed 01.01.01 proven
        01.01.01#1 completed
    person check
        error invalid_argument: no thread that is in progress has checks. hint: name one with --thread ID
    person check 01.01.02
        error invalid_argument: 01.01.02 has no checks. hint: see the checks of the plan with work read ID
    -- off
    A checks all-pass
        all-pass
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    A completed 01.01.01 s
        error check_failed: 01.01.01 has checks, and work/agents.yaml has them off. hint: report blocked, and say that the work is done: only a person can complete it
    person completed! 01.01.01 s
        01.01.01#1 completed
    "#);
}

#[test]
fn checks_of_a_text_that_nobody_approved_never_count() {
    let mut world = checked_world();
    let mut out = world.transcript(
        "
        A next
        A in_progress 01.01.01
    ",
    );
    // The approved text is kept, so it still judges.
    world.text = world.text.replace("`make` and `make test`", "`true`");
    out += "\n-- edited\n";
    out += &world.transcript("A completed 01.01.01 s");
    let scene_commands = out.clone();
    assert!(!scene_commands.contains("`true`"));
    // Nobody has kept it.
    world.approved = None;
    out += "\n-- lost\n";
    out += &world.transcript(
        "
        A checks all-pass
        A completed 01.01.01 s
    ",
    );
    insta::assert_snapshot!(out, @r#"
    A next
        in_progress 01.01 cycle 1 threads [01.01.01#1 pending system-engineer-codex, 01.01.02#1 pending frontend-designer-grok, 01.01.03#1 pending default] dispatch ["01.01.01", "01.01.02", "01.01.03"]
    A in_progress 01.01.01
        01.01.01#1 in_progress
    -- edited
    A completed 01.01.01 s
        error check_failed: the checks of 01.01.01 have not passed. hint: the plan has changed meanwhile: report completed again
    -- lost
    A checks all-pass
        all-pass
    A completed 01.01.01 s
        error awaiting_approval: only checks that a person has approved may run, and the plan is not approved. hint: ask the person to run !work approve plan, then call next_batch
    "#);
}
