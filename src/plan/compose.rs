//! Writes the PLAN.md of a plan that another program made (DESIGN §3a).
//!
//! Its texts are not ours: one may have headings, fields or fences that would become structure here. So a text stands in
//! the plan as it is only if parsing the plan gives the same text back. Otherwise it stands in a code block. The parser
//! itself decides, so there is no second list of what it takes for structure. No text may be changed or cut.

use std::fmt::Write as _;

use super::lookalike::look;
use super::parse::{parse, with_line_feeds};
use super::problem::ProblemKind;
use super::{Batch, Plan, Stage, Thread, ThreadId};

/// The most threads of a batch, and batches of a stage, that are written. Ids stay short, and one cycle stays small.
pub const MAX_SIBLINGS: usize = 99;

/// The longest name of a stage, batch or thread, in characters. The whole text of a longer one stands in its texts.
pub const MAX_NAME_CHARS: usize = 72;

/// The texts of a plan. A list of texts is written with blank lines between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the parts of `Plan` with the same names")]
pub struct PlanTexts {
    pub name: String,
    pub summary: Vec<String>,
    pub conventions: Vec<String>,
    pub references: Vec<String>,
    pub stages: Vec<StageTexts>,
}

/// The texts of a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the parts of `Stage` with the same names")]
pub struct StageTexts {
    pub name: String,
    pub definition: Vec<String>,
    pub constitution: Vec<String>,
    pub batches: Vec<BatchTexts>,
}

/// The texts of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the parts of `Batch` with the same names")]
pub struct BatchTexts {
    pub name: String,
    pub summary: Vec<String>,
    pub threads: Vec<ThreadTexts>,
}

/// The texts of a thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the parts of `Thread` with the same names")]
pub struct ThreadTexts {
    pub name: String,
    pub summary: Vec<String>,
    pub details: Vec<String>,
    pub files: Vec<String>,
    /// The threads that come before it: their places in the batch, from 0, each smaller than its own.
    pub after: Vec<usize>,
}

/// Returns a text as it is written: with line feeds at the ends of lines, and without blank lines around it. A NUL, which
/// no database can keep, is replaced by U+FFFD.
pub fn tidy(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\0', "\u{fffd}");
    let text = with_line_feeds(&text);
    let mut text = text.trim_end();
    while let Some((first, rest)) = text.split_once('\n')
        && first.trim().is_empty()
    {
        text = rest;
    }
    text.to_owned()
}

/// Returns a text as one line that can be a name: without the marks of emphasis and code, and cut to `most` characters at
/// the end of a word.
pub fn short(text: &str, most: usize) -> String {
    let bare: String = text.chars().filter(|c| !matches!(c, '*' | '`')).collect();
    let line = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let head: String = line.chars().take(most).collect();
    let whole = head.rfind(' ').filter(|at| *at > head.len() / 2).unwrap_or(head.len());
    format!("{}…", head[..whole].trim_end_matches([' ', ',', ';', ':', '-', '(', '.']))
}

/// Splits batches with more than [`MAX_SIBLINGS`] threads, and stages with more than [`MAX_SIBLINGS`] batches. What runs first still does.
#[must_use]
pub fn fitted(mut plan: PlanTexts) -> PlanTexts {
    let numbered = |name: &str, part: usize, parts: usize| {
        if parts == 1 { name.to_owned() } else { format!("{} ({part} of {parts})", short(name, MAX_NAME_CHARS - 20)) }
    };
    let mut stages = Vec::new();
    for stage in plan.stages {
        let mut batches = Vec::new();
        for batch in stage.batches {
            let parts = batch.threads.len().div_ceil(MAX_SIBLINGS).max(1);
            let mut threads = batch.threads.into_iter();
            for part in 0..parts {
                let mut own: Vec<ThreadTexts> = threads.by_ref().take(MAX_SIBLINGS).collect();
                // The threads of an earlier part are complete before this one begins.
                for thread in &mut own {
                    thread.after = thread.after.iter().filter_map(|at| at.checked_sub(part * MAX_SIBLINGS)).collect();
                }
                let name = numbered(&batch.name, part + 1, parts);
                let summary = if part == 0 { batch.summary.clone() } else { Vec::new() };
                batches.push(BatchTexts { name, summary, threads: own });
            }
        }
        let parts = batches.len().div_ceil(MAX_SIBLINGS).max(1);
        let mut batches = batches.into_iter();
        for part in 0..parts {
            stages.push(StageTexts {
                name: numbered(&stage.name, part + 1, parts),
                definition: stage.definition.clone(),
                constitution: stage.constitution.clone(),
                batches: batches.by_ref().take(MAX_SIBLINGS).collect(),
            });
        }
    }
    plan.stages = stages;
    plan
}

/// Returns the text of a PLAN.md. Parsing it gives all the texts back, some of them in code blocks; only a name can lose
/// characters that no heading can have.
pub fn compose(plan: &PlanTexts) -> String {
    let plan = tidied(plan);
    let text = written(&plan);
    if reads_back(&text, &plan) {
        return text;
    }
    written(&guarded(plan))
}

/// Returns the texts of a plan, each [`tidy`], without empty ones.
fn tidied(plan: &PlanTexts) -> PlanTexts {
    let mut plan = plan.clone();
    each_list(&mut plan, &mut |_, texts| {
        *texts = texts.iter().map(|text| tidy(text)).filter(|text| !text.trim().is_empty()).collect();
    });
    plan
}

/// Replaces each text that would not be read back by a code block with it, and each such name by one that is.
fn guarded(mut plan: PlanTexts) -> PlanTexts {
    each_list(&mut plan, &mut |place, texts| {
        let all_fenced = texts.iter().map(|text| fenced(text)).collect();
        for text in texts.iter_mut().filter(|text| !is_plain(place, text)) {
            *text = fenced(text);
        }
        // Texts that are harmless alone can change each other's meaning: one can end within a list, for example.
        if !stands(place, texts) {
            *texts = all_fenced;
        }
    });
    plan.name = plain_name(&plan.name, "Imported plan", |name| PlanTexts { name, ..probe(Place::Summary, &[]) });
    for stage in &mut plan.stages {
        stage.name = plain_name(&stage.name, "Imported stage", |name| {
            let mut probe = probe(Place::Summary, &[]);
            probe.stages[0].name = name;
            probe
        });
        for batch in &mut stage.batches {
            batch.name = plain_name(&batch.name, "Imported batch", |name| {
                let mut probe = probe(Place::Summary, &[]);
                probe.stages[0].batches[0].name = name;
                probe
            });
            for thread in &mut batch.threads {
                thread.name = plain_name(&thread.name, "Imported thread", |name| {
                    let mut probe = probe(Place::Summary, &[]);
                    probe.stages[0].batches[0].threads[0].name = name;
                    probe
                });
            }
        }
    }
    plan
}

/// A list of texts in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Summary,
    Conventions,
    References,
    Definition,
    Constitution,
    BatchSummary,
    ThreadSummary,
    Details,
}

/// Calls `change` with each list of texts of a plan.
fn each_list(plan: &mut PlanTexts, change: &mut impl FnMut(Place, &mut Vec<String>)) {
    change(Place::Summary, &mut plan.summary);
    change(Place::Conventions, &mut plan.conventions);
    change(Place::References, &mut plan.references);
    for stage in &mut plan.stages {
        change(Place::Definition, &mut stage.definition);
        change(Place::Constitution, &mut stage.constitution);
        for batch in &mut stage.batches {
            change(Place::BatchSummary, &mut batch.summary);
            for thread in &mut batch.threads {
                change(Place::ThreadSummary, &mut thread.summary);
                change(Place::Details, &mut thread.details);
            }
        }
    }
}

/// Returns whether a text can stand at a place as it is. What looks like a heading of the structure cannot, because its
/// meaning depends on what else the plan has.
fn is_plain(place: Place, text: &String) -> bool {
    !text.lines().any(|line| look(line).is_some()) && stands(place, std::slice::from_ref(text))
}

/// Returns whether texts at a place are read back as they are.
fn stands(place: Place, texts: &[String]) -> bool {
    let plan = probe(place, texts);
    reads_back(&written(&plan), &plan)
}

/// Returns a small plan with these texts at a place. There is a thread, a batch and a stage behind it, which a text that
/// is not closed would swallow.
fn probe(place: Place, texts: &[String]) -> PlanTexts {
    let said = || vec!["Said.".to_owned()];
    let thread = || ThreadTexts {
        name: "Name".to_owned(),
        summary: said(),
        details: said(),
        files: vec!["a/b.c".to_owned()],
        after: Vec::new(),
    };
    let batch = || BatchTexts { name: "Name".to_owned(), summary: said(), threads: vec![thread()] };
    let stage =
        || StageTexts { name: "Name".to_owned(), definition: said(), constitution: said(), batches: vec![batch()] };
    let mut plan = PlanTexts {
        name: "Name".to_owned(),
        summary: said(),
        conventions: said(),
        references: said(),
        stages: vec![stage(), stage()],
    };
    plan.stages[0].batches.push(batch());
    let mut second = thread();
    second.files = vec!["d/e.f".to_owned()];
    plan.stages[0].batches[0].threads.push(second);
    let first = &mut plan.stages[0];
    let list = match place {
        Place::Summary => &mut plan.summary,
        Place::Conventions => &mut plan.conventions,
        Place::References => &mut plan.references,
        Place::Definition => &mut first.definition,
        Place::Constitution => &mut first.constitution,
        Place::BatchSummary => &mut first.batches[0].summary,
        Place::ThreadSummary => &mut first.batches[0].threads[0].summary,
        Place::Details => &mut first.batches[0].threads[0].details,
    };
    if !texts.is_empty() {
        *list = texts.to_vec();
    }
    plan
}

/// Returns the first of these that is read back as a name: the name, the name without unusual characters, `instead`.
fn plain_name(name: &str, instead: &str, probe: impl Fn(String) -> PlanTexts) -> String {
    let name = short(&tidy(name), MAX_NAME_CHARS);
    let is_usual = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '(' | ')' | '/' | '\'' | '…');
    let usual: String = name.chars().map(|c| if is_usual(c) { c } else { ' ' }).collect();
    let usual = usual.split_whitespace().collect::<Vec<_>>().join(" ");
    [name, usual]
        .into_iter()
        .find(|name| {
            let plan = probe(name.clone());
            !name.is_empty() && reads_back(&written(&plan), &plan)
        })
        .unwrap_or_else(|| instead.to_owned())
}

/// Returns a code block with the text. Its fence is longer than any in the text.
fn fenced(text: &str) -> String {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

/// Returns the text of a plan. Nothing in it is guarded.
fn written(plan: &PlanTexts) -> String {
    let mut out = format!("# Plan: {}\n", plan.name);
    part(&mut out, "## Summary", &plan.summary);
    part(&mut out, "## Conventions", &plan.conventions);
    part(&mut out, "## References", &plan.references);
    out.push_str("\n## Stages\n");
    for (stage, StageTexts { name, definition, constitution, batches }) in (1..).zip(&plan.stages) {
        let _ = write!(out, "\n### Stage {stage:02}: {name}\n");
        part(&mut out, "#### Stage Definition", definition);
        part(&mut out, "#### Stage Constitution", constitution);
        out.push_str("\n#### Stage Batches\n");
        for (batch, BatchTexts { name, summary, threads }) in (1..).zip(batches) {
            let _ = write!(out, "\n##### Batch {batch:02}: {name}\n");
            paragraphs(&mut out, summary);
            for (number, thread) in (1..).zip(threads) {
                let _ = write!(out, "\n###### Thread {number:02}: {}\n", thread.name);
                thread_body(&mut out, thread, stage, batch);
            }
        }
    }
    out
}

fn thread_body(out: &mut String, thread: &ThreadTexts, stage: u16, batch: u16) {
    match thread.summary.as_slice() {
        [] => {}
        [line] if !line.contains('\n') => {
            let _ = write!(out, "\n**Summary:** {line}\n");
        }
        texts => {
            out.push_str("\n**Summary:**\n");
            paragraphs(out, texts);
        }
    }
    if !thread.details.is_empty() {
        out.push_str("\n**Details:**\n");
        paragraphs(out, &thread.details);
    }
    if !thread.files.is_empty() {
        let _ = write!(out, "\n**Files:** `{}`\n", thread.files.join("`, `"));
    }
    if !thread.after.is_empty() {
        let ids: Vec<String> = thread.after.iter().map(|at| id(stage, batch, *at).to_string()).collect();
        let _ = write!(out, "\n**After:** {}\n", ids.join(", "));
    }
}

/// Returns the id of the thread at a place of a batch.
fn id(stage: u16, batch: u16, at: usize) -> ThreadId {
    ThreadId::new(stage, batch, u16::try_from(at + 1).unwrap_or(u16::MAX))
}

fn part(out: &mut String, heading: &str, texts: &[String]) {
    if !texts.is_empty() {
        let _ = write!(out, "\n{heading}\n");
        paragraphs(out, texts);
    }
}

fn paragraphs(out: &mut String, texts: &[String]) {
    for text in texts {
        let _ = write!(out, "\n{text}\n");
    }
}

/// Returns whether parsing `text` gives the plan, with no problem and no name that may be an agent. Files of threads may
/// overlap, which says nothing about the texts; and a code block may have headings, which are kept in it.
fn reads_back(text: &str, plan: &PlanTexts) -> bool {
    let read = parse(text);
    let is_about_texts =
        |kind: &ProblemKind| !matches!(kind, ProblemKind::FilesOverlap { .. } | ProblemKind::HeadingInFence(_));
    read.mentions.is_empty()
        && !read.problems.iter().any(|problem| is_about_texts(&problem.kind))
        && is_same(&read, plan)
}

fn is_same(read: &Plan, plan: &PlanTexts) -> bool {
    read.name == plan.name
        && read.summary == plan.summary.join("\n\n")
        && read.conventions == plan.conventions.join("\n\n")
        && read.references == plan.references.join("\n\n")
        && read.stages.len() == plan.stages.len()
        && (1..).zip(read.stages.iter().zip(&plan.stages)).all(|(number, (read, stage))| is_stage(read, stage, number))
}

fn is_stage(read: &Stage, stage: &StageTexts, number: u16) -> bool {
    read.name == stage.name
        && read.definition == stage.definition.join("\n\n")
        && read.constitution == stage.constitution.join("\n\n")
        && read.answers.is_empty()
        && read.checks.is_empty()
        && read.batches.len() == stage.batches.len()
        && (1..).zip(read.batches.iter().zip(&stage.batches)).all(|(own, (read, batch))| {
            is_batch(read, batch)
                && read.threads.iter().zip(&batch.threads).all(|(read, thread)| {
                    is_thread(read, thread)
                        && read.after.iter().copied().eq(thread.after.iter().map(|at| id(number, own, *at)))
                })
        })
}

fn is_batch(read: &Batch, batch: &BatchTexts) -> bool {
    read.name == batch.name && read.summary == batch.summary.join("\n\n") && read.threads.len() == batch.threads.len()
}

fn is_thread(read: &Thread, thread: &ThreadTexts) -> bool {
    read.name == thread.name
        && read.agent.is_none()
        && read.summary == thread.summary.join("\n\n")
        && read.details == thread.details.join("\n\n")
        && read.checks.is_empty()
        && read.files == thread.files
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
