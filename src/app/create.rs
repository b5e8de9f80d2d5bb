//! `work create`: adds a workstream with a template as its plan.

use serde::Serialize;

use crate::decide::Refusal;
use crate::fault::Error;
use crate::moment::Moment;
use crate::plan::{MAX_NUMBER, template};
use crate::store::{Added, Executed, NewWorkstream, Store};

/// A workstream that was created.
#[derive(Debug, Serialize)]
pub struct Created {
    /// Its id.
    pub workstream: String,
    /// The path of its plan, relative to the root of the workspace.
    pub plan: String,
    /// How many stages the plan has.
    pub stages: u16,
    /// Whether it is the current workstream now.
    pub current: bool,
    /// The workstream that stays the current one, since a batch of it is executed; `None` if the new one is current.
    pub executed: Option<Executed>,
}

/// Adds a workstream whose plan is a template with `stages` stages. It becomes the current one unless a batch of the
/// current one is executed.
///
/// # Errors
///
/// [`Refusal::BadStageCount`], and those of [`Store::add`].
pub fn create(store: &dyn Store, name: &str, stages: u16, at: Moment) -> Result<Created, Error> {
    if !(1..=MAX_NUMBER).contains(&stages) {
        return Err(Refusal::BadStageCount { stages }.into());
    }
    let title = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let plan = template(&title, stages);
    let Added { id, executed } = store.add(&NewWorkstream { name: &title, plan: &plan, threads: None }, at)?;
    let (plan, current) = (format!("work/{id}/PLAN.md"), executed.is_none());
    Ok(Created { plan, workstream: id, stages, current, executed })
}
