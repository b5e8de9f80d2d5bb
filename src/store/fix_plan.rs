//! `work validate --fix`: the one command here that writes a PLAN.md, and only what is certain.

use super::LOCK_WAIT;
use super::commit::{Change, commit};
use super::file::FileStore;
use crate::decide::Validation;
use crate::fault::Stopped;
use crate::plan::{Fixed, fixed, parse, unified};

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
        let diff = unified(&name, &name, scene.plan_text, &text);
        let validation = Validation::of(scene.workstream, &parse(&text), &text, scene.roster);
        if applied > 0 && !dry_run {
            commit(self.disk(), &locked.snapshot().root, &[Change { path, text }])?;
        }
        Ok(FixedPlan { fixed: applied, diff, validation })
    }
}
