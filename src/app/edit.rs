//! `work validate --fix`: applies the certain edits to a PLAN.md (DESIGN §3).

use crate::decide::Validation;
use crate::fault::Error;
use crate::plan::{Fixed, fixed, parse, unified};
use crate::store::Store;

/// The result of fixing a plan.
#[derive(Debug)]
pub struct FixedPlan {
    /// How many edits there were.
    pub fixed: usize,
    /// The difference between the two texts, as a patch; empty if there is none.
    pub diff: String,
    /// The problems that the fixed text still has.
    pub validation: Validation,
}

/// Applies the certain edits to the plan of a workstream, and writes it as a whole under the lock. Writes nothing if
/// there are no edits, or with `dry_run`, or if the difference is another one than `seen`, which a person has agreed to.
pub fn fix_plan(
    store: &dyn Store,
    wanted: Option<&str>,
    dry_run: bool,
    seen: Option<&str>,
) -> Result<FixedPlan, Error> {
    let locked = store.lock(wanted)?;
    let scene = locked.snapshot().scene();
    let Fixed { text, applied } = fixed(scene.plan_text, scene.roster);
    let name = format!("work/{}/PLAN.md", scene.workstream);
    let diff = unified(&name, &name, scene.plan_text, &text);
    let validation = Validation::of(scene.workstream, &parse(&text), &text, scene.roster);
    if applied > 0 && !dry_run && seen.is_none_or(|seen| seen == diff) {
        locked.write_plan(&text)?;
    }
    Ok(FixedPlan { fixed: applied, diff, validation })
}
