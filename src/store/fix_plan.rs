//! `work validate --fix`: the one command here that writes a PLAN.md, and only what is certain.

use std::time::Duration;

use similar::TextDiff;

use super::LOCK_WAIT;
use super::commit::{Change, commit};
use super::file::FileStore;
use crate::decide::Validation;
use crate::fault::Stopped;
use crate::plan::{Fixed, fixed, parse};

/// How long a short difference is looked for: of thousands of edits the best one takes minutes, and any will do.
const DIFFERENCE_WAIT: Duration = Duration::from_millis(500);

/// What became of a PLAN.md whose certain problems were mended.
#[derive(Debug)]
pub struct FixedPlan {
    /// How many edits were made.
    pub fixed: usize,
    /// The difference, as a patch; empty where there is none.
    pub diff: String,
    /// What is left.
    pub validation: Validation,
}

impl FileStore {
    /// Mends what is certain in the plan of a workstream. Written is only a text that differs, as a whole,
    /// under the lock; with `dry_run` nothing is.
    pub fn fix_plan(&self, wanted: Option<&str>, dry_run: bool) -> Result<FixedPlan, Stopped> {
        let locked = self.lock_files(wanted, LOCK_WAIT)?;
        let scene = locked.snapshot().scene();
        let Fixed { text, applied } = fixed(scene.plan_text, scene.roster);
        let path = format!("{}/PLAN.md", scene.workstream);
        let name = format!("work/{path}");
        let diff = difference(&name, scene.plan_text, &text);
        let validation = Validation::of(scene.workstream, &parse(&text), &text, scene.roster);
        if applied > 0 && !dry_run {
            commit(self.disk(), &locked.snapshot().root, &[Change { path, text }])?;
        }
        Ok(FixedPlan { fixed: applied, diff, validation })
    }
}

/// Returns what changed as `diff -u` prints it; empty where nothing did.
fn difference(name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let mut lines = TextDiff::configure();
    let lines = lines.timeout(DIFFERENCE_WAIT).diff_lines(old, new);
    lines.unified_diff().context_radius(2).header(name, name).to_string()
}
