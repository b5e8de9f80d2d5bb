//! `work validate --fix`: the one command here that writes a PLAN.md, and only what is certain.

use crate::decide::Validation;
use crate::fault::Error;
use crate::plan::{Fixed, fixed, parse, unified};
use crate::store::Store;

/// What became of a PLAN.md whose certain problems were fixed.
#[derive(Debug)]
pub struct FixedPlan {
    /// How many edits were made.
    pub fixed: usize,
    /// The difference, as a patch; empty where there is none.
    pub diff: String,
    /// What is left.
    pub validation: Validation,
}

/// Fixes what is certain in the plan of a workstream. Only a text that differs is written, as a whole, under the lock;
/// with `dry_run` nothing is.
pub fn fix_plan(store: &dyn Store, wanted: Option<&str>, dry_run: bool) -> Result<FixedPlan, Error> {
    let locked = store.lock(wanted)?;
    let scene = locked.snapshot().scene();
    let Fixed { text, applied } = fixed(scene.plan_text, scene.roster);
    let name = format!("work/{}/PLAN.md", scene.workstream);
    let diff = unified(&name, &name, scene.plan_text, &text);
    let validation = Validation::of(scene.workstream, &parse(&text), &text, scene.roster);
    if applied > 0 && !dry_run {
        locked.write_plan(&text)?;
    }
    Ok(FixedPlan { fixed: applied, diff, validation })
}
