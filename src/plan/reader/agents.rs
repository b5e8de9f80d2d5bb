//! Agents that are named outside a thread's heading. The author meant to give them a thread, so each is a problem.

use std::collections::HashSet;
use std::ops::Range;

use super::super::agents::{Named, marked};
use super::super::outline::BlockKind;
use super::super::problem::ProblemKind;
use super::Reader;

impl Reader<'_, '_> {
    /// Keeps the names in a heading that is not part of the structure. `check` reports those that are agents of the
    /// roster.
    pub(super) fn mentioned(&mut self, named: &Named, line: &Range<usize>) {
        if self.in_stages {
            self.mentions(named, self.start_of_text(line), false);
        }
    }

    /// Reports each line below `## Stages` that names an agent with `@agent:`, unless the agent was read, the line
    /// has an error already, or it is code or a comment.
    pub(super) fn agents_of_nobody(&mut self) {
        let errors = self.plan.problems.iter().filter(|problem| problem.kind.forbids_approval());
        let mut known: HashSet<usize> = errors.map(|problem| problem.line).collect();
        known.extend(&self.agent_lines);
        let mut found = Vec::new();
        for (at, name) in marked(self.source.text) {
            let in_stages = self.stage_spans.iter().any(|span| span.contains(&at));
            let block = self.source.outline.block_at(at).map(|block| block.kind);
            let is_code = matches!(block, Some(BlockKind::Fence | BlockKind::Indented));
            if in_stages && !is_code && !self.source.outline.is_comment(at) && known.insert(self.source.line_number(at))
            {
                found.push((at, name));
            }
        }
        for (at, name) in found {
            self.problem(at, ProblemKind::AgentOfNobody(name), None);
        }
    }
}
