//! Problems that only the whole text shows: no title, no threads, numbers that are left out.

use super::super::Plan;
use super::super::agents::marked;
use super::super::before::before;
use super::super::id::{BatchId, ThreadId};
use super::super::label::label;
use super::super::lookalike::strip_word;
use super::super::lookalike::{look, other_number};
use super::super::outline::BlockKind;
use super::super::problem::{Edit, Level, ProblemKind};
use super::super::sections::part;
use super::super::source::Source;
use super::{Reader, Section};
use std::collections::HashSet;

impl Reader<'_, '_> {
    /// Ends the text, reports the problems that only the whole of it shows, and returns the plan, sorted by number.
    pub(in crate::plan) fn finish(mut self) -> Plan {
        self.close_section(self.source.text.len(), Section::Silent);
        if self.name.is_none() {
            self.no_plan_heading();
        }
        for comment in self.source.outline.comments.iter().filter(|comment| !comment.closed) {
            self.problem(comment.range.start, ProblemKind::UnclosedComment, None);
        }
        for (offset, kind) in crate::plan::fences::fence_problems(self.source) {
            self.problem(offset, kind, None);
        }
        self.conflicts();
        self.boxes();
        self.weak_lines();
        self.agents_of_nobody();
        self.missing();
        self.order();
        self.overlaps();
        self.gaps();
        if let Some((at, end)) = plan_in_fence(self.source) {
            // All other problems are consequences of the code block.
            self.plan.problems.clear();
            self.problem(at, ProblemKind::PlanInFence(end), None);
        }
        let mut plan = self.plan;
        plan.name = self.name.unwrap_or_default();
        plan.stages.sort_by_key(|stage| stage.number);
        for stage in &mut plan.stages {
            stage.batches.sort_by_key(|batch| batch.id);
            for batch in &mut stage.batches {
                batch.threads.sort_by_key(|thread| thread.id);
            }
        }
        plan.problems.sort_by_key(|problem| (problem.line, problem.column));
        plan
    }

    /// Reports where git could not merge the file. Each conflict ends with a line `>>>>>>>`.
    fn conflicts(&mut self) {
        let mut start = 0;
        for line in self.source.text.split_inclusive('\n') {
            let is_text = self.source.outline.block_at(start).is_none_or(|block| block.kind != BlockKind::Fence);
            if line.starts_with("<<<<<<< ") && is_text && self.source.text[start..].contains("\n>>>>>>> ") {
                self.problem(start, ProblemKind::ConflictMarker, None);
            }
            start += line.len();
        }
    }

    /// Reports that there is no `# Plan:` heading. If the first heading is clearly the title, the edit rewrites it.
    pub(super) fn no_plan_heading(&mut self) {
        let headings = &self.source.outline.headings;
        let first = headings.first();
        let edit = first.and_then(|heading| {
            let title = self.source.masked(heading.content.clone());
            let plan = strip_word(title.trim(), "plan").map(|rest| rest.trim_start_matches([':', '-', '–', '—', ' ']));
            let is_title = heading.level == 1 && label(&title).is_none() && part(&title).is_none();
            let name = match plan {
                Some("") => return None,
                Some(name) if heading.level == 1 || title.contains(':') => name,
                _ if is_title && !title.trim().is_empty() => title.trim(),
                _ => return None,
            };
            let has_comment = self.source.text[heading.range.clone()].contains("<!--");
            let edit = Edit { range: self.source.trimmed(heading.range.clone()), text: format!("# Plan: {name}") };
            (!has_comment).then_some(edit)
        });
        let at = edit.as_ref().map_or(0, |edit| edit.range.start);
        self.problem(at, ProblemKind::NoPlanHeading, edit);
    }

    /// Reports batches without threads, stages without batches, and a plan without threads.
    pub(super) fn missing(&mut self) {
        let empty: Vec<(usize, ProblemKind)> = self
            .batches
            .iter()
            .filter(|(id, _)| {
                let first = ThreadId { batch: **id, number: 0 };
                self.threads.range(first..).next().is_none_or(|(thread, _)| thread.batch != **id)
            })
            .map(|(id, at)| (*at, ProblemKind::BatchWithoutThreads(*id)))
            .chain(self.stages.iter().filter_map(|(number, at)| {
                let first = BatchId { stage: *number, number: 0 };
                let has_batch = self.batches.range(first..).next().is_some_and(|(batch, _)| batch.stage == *number);
                (!has_batch).then_some((*at, ProblemKind::StageWithoutBatches(*number)))
            }))
            .collect();
        self.style(empty);
        if self.threads.is_empty() {
            self.problem(self.first_thread(), ProblemKind::NoThreads, None);
        }
    }

    /// Returns the offset of the first line that seems to be a thread, or 0.
    fn first_thread(&self) -> usize {
        let mut at = 0;
        for line in self.source.text.split_inclusive('\n') {
            let (_, start) = before(line);
            let seen = look(line).is_some_and(|look| look.level == Level::Thread);
            let is_one = seen
                || other_number(&line[start..]).is_some_and(|(level, ..)| level == Some(Level::Thread))
                || !marked(line).is_empty();
            if is_one && !self.source.outline.is_comment(at) {
                return at;
            }
            at += line.len();
        }
        0
    }

    /// Reports each number that follows a gap. Numbers begin with 1 in each plan, stage and batch.
    pub(super) fn gaps(&mut self) {
        // The first element of each entry says whose children it belongs to: the plan's, a stage's, or a batch's.
        let stages = self.stages.iter().map(|(number, at)| ((0, 0), Level::Stage, number.0, *at));
        let batches = self.batches.iter().map(|(id, at)| ((1, u32::from(id.stage.0)), Level::Batch, id.number, *at));
        let threads = self.threads.iter().map(|(id, at)| {
            let batch = u32::from(id.batch.stage.0) * 1_000 + u32::from(id.batch.number);
            ((2, batch), Level::Thread, id.number, *at)
        });
        let mut gaps = Vec::new();
        let mut last = ((3, 0), 0);
        for (group, level, number, at) in stages.chain(batches).chain(threads) {
            let expected = if group == last.0 { last.1 + 1 } else { 1 };
            if number > expected {
                gaps.push((at, ProblemKind::Gap(level, expected)));
            }
            last = (group, number);
        }
        self.style(gaps);
    }

    /// Adds warnings about headings, except in lines that have an error.
    pub(super) fn style(&mut self, odd: Vec<(usize, ProblemKind)>) {
        let errors = self.plan.problems.iter().filter(|problem| problem.kind.forbids_approval());
        let lines: HashSet<usize> = errors.map(|problem| problem.line).collect();
        for (at, kind) in odd {
            if !lines.contains(&self.source.position(at).0) {
                self.problem(at, kind, None);
            }
        }
    }
}

/// Returns the offset of a code block that holds the whole plan, and the line that closes it, if there is one.
fn plan_in_fence(source: &Source<'_>) -> Option<(usize, Option<usize>)> {
    let first = source.outline.blocks.first().filter(|block| block.kind == BlockKind::Fence)?;
    let start = first.range.start;
    let mut lines = source.text[start..].lines().skip(1).filter(|line| !line.trim().is_empty());
    let is_plan = lines
        .next()
        .and_then(|line| line.strip_prefix("# "))
        .is_some_and(|title| strip_word(title.trim_start(), "plan").is_some());
    if !source.text[..start].trim().is_empty() || !is_plan {
        return None;
    }
    let last = source.text.trim_end();
    let is_closed = last.lines().next_back().is_some_and(|line| line.starts_with("```") || line.starts_with("~~~"));
    Some((start, is_closed.then(|| source.line_number(last.len() - 1))))
}
