//! Reads the text of a section when the heading that ends it has been found.

use std::ops::Range;

use super::super::fields::commands;
use super::super::problem::{Level, Problem, ProblemKind};
use super::super::questions::{asked_boxes, questions};
use super::super::sections::Part;
use super::super::template::is_of_template;
use super::super::thread_body::{agent_lines, thread_body, unlabelled};
use super::{Reader, Section};

impl Reader<'_, '_> {
    /// Ends the current section at `end`, reads its text, and begins the section `next`.
    pub(super) fn close_section(&mut self, end: usize, next: Section) {
        let range = self.section_start.min(end)..end;
        let section = std::mem::replace(&mut self.section, next);
        self.section_start = end;
        match section {
            Section::Silent | Section::Lost | Section::Plan(Part::Stages) => {}
            Section::Unread | Section::Stage(Part::Batches) => self.unread(&range),
            Section::Plan(Part::Questions) | Section::Stage(Part::Questions) => self.questions(&range),
            Section::Plan(part) => {
                let text = self.source.span(range);
                let place = match part {
                    Part::Summary => &mut self.plan.summary,
                    Part::Conventions => &mut self.plan.conventions,
                    _ => &mut self.plan.references,
                };
                append(place, &text);
            }
            Section::Stage(Part::Checks) => {
                let (checks, problems) = commands(self.source, &range);
                for (offset, kind) in problems {
                    self.problem(offset, kind, None);
                }
                if let Some(stage) = self.plan.stages.last_mut() {
                    stage.checks.extend(checks);
                }
            }
            Section::Stage(part) => {
                let text = self.source.span(range);
                if let Some(stage) = self.plan.stages.last_mut() {
                    append(
                        if part == Part::Definition { &mut stage.definition } else { &mut stage.constitution },
                        &text,
                    );
                }
            }
            Section::BatchSummary => {
                for (place, named) in agent_lines(self.source, &range) {
                    for (name, _) in named.agents {
                        self.problem(place.start, ProblemKind::AgentOfNobody(name), None);
                    }
                }
                for (offset, wanted) in unlabelled(self.source, &range, true) {
                    self.problem(offset, ProblemKind::Lookalike { level: Level::Thread, wanted }, None);
                }
                let text = self.source.span(range);
                if let Some(batch) = self.batch_mut() {
                    batch.summary = text;
                }
            }
            Section::ThreadBody => self.thread_body(range),
        }
    }

    /// Reads the text of the current thread: its agent, its summary, its details, and the problems of them.
    pub(super) fn thread_body(&mut self, range: Range<usize>) {
        let (heading, body_range) = (range.start, range.clone());
        let Some(own) = self.batch_mut().and_then(|batch| batch.threads.last()).map(|thread| thread.id) else { return };
        let body = thread_body(self.source, range, own);
        for (offset, kind, edit) in body.problems {
            self.problem(offset, kind, edit);
        }
        self.fields.push((own, body.files_at, body.after_at));
        let mut agents = Vec::new();
        for (named, offset) in &body.named {
            agents.extend(self.named(named, *offset, true));
        }
        let text_of_template = [&body.summary, &body.details].into_iter().find(|text| is_of_template(text)).cloned();
        let Some(thread) = self.batch_mut().and_then(|batch| batch.threads.last_mut()) else { return };
        thread.summary = body.summary;
        thread.details = body.details;
        thread.checks = body.checks;
        thread.files = body.files;
        thread.after = body.after;
        let (id, summary, details) = (thread.id, !thread.summary.is_empty(), !thread.details.is_empty());
        // The agent of the heading wins over those in the text, and another one is a problem. It is added after the
        // loop, because `thread` borrows the plan.
        let mut two = None;
        for agent in agents {
            match &thread.agent {
                Some(first) if first.name != agent.name => {
                    two = Some((agent.line, agent.column, ProblemKind::TwoAgents(first.name.clone(), agent.name)));
                }
                Some(_) => {}
                None => thread.agent = Some(agent),
            }
        }
        if let Some((line, column, kind)) = two {
            self.plan.problems.push(Problem { line, column, kind, edit: None });
        }
        if let Some(text) = text_of_template {
            let at = self.source.text[body_range].find(text.lines().next().unwrap_or_default()).unwrap_or_default();
            self.problem(heading + at, ProblemKind::TemplateText(text), None);
        }
        if !summary || !details {
            let at = self.threads.get(&id).copied().unwrap_or(heading);
            self.problem(at, ProblemKind::Unspecified { thread: id, summary, details }, None);
        }
    }

    /// Reports the first text in `range`, from its heading on if it has one: it reaches no worker. Headings and
    /// quotations alone do not count, since other programs write such lines above and below a plan.
    pub(super) fn unread(&mut self, range: &Range<usize>) {
        let text = self.source.masked(range.clone());
        let mut at = range.start;
        let mut first = None;
        for line in text.split_inclusive('\n') {
            let bare = line.trim();
            let is_said = bare.contains(char::is_alphanumeric) && !bare.starts_with('>') && !bare.starts_with('#');
            if bare.starts_with('#') && first.is_none() {
                first = Some((at, false));
            }
            if is_said {
                let start = first.map_or(at, |(start, _)| start);
                return self.problem(start, ProblemKind::Unread, None);
            }
            at += line.len();
        }
    }

    /// Reports the empty boxes below a label about questions, where they are outside the ranges in which questions
    /// were read.
    pub(super) fn boxes(&mut self) {
        for (offset, question) in asked_boxes(self.source) {
            let next = self.question_spans.partition_point(|span| span.start <= offset);
            if !self.question_spans[..next].last().is_some_and(|span| span.contains(&offset)) {
                self.problem(offset, ProblemKind::OpenQuestion(question), None);
            }
        }
    }

    /// Reads a section of questions: open ones are problems, answered ones go to the stage.
    pub(super) fn questions(&mut self, range: &Range<usize>) {
        let found = questions(self.source, range);
        self.question_spans.push(range.clone());
        for offset in found.unread {
            self.problem(offset, ProblemKind::Unread, None);
        }
        for (offset, question) in found.open {
            self.problem(offset, ProblemKind::OpenQuestion(question), None);
        }
        if let Some(stage) = self.plan.stages.last_mut().filter(|_| self.place.stage_in_plan) {
            stage.answers.extend(found.answers);
        }
    }
}

/// Appends the text of a section to that of an earlier section of the same name.
fn append(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}
