//! `work create`: a workstream whose plan waits to be written.

use serde::Serialize;

use crate::clock::Moment;
use crate::decide::Refusal;
use crate::fault::Error;
use crate::plan::{MAX_NUMBER, template};
use crate::store::{Added, Executed, NewWorkstream, Store};

/// A workstream that was made.
#[derive(Debug, Serialize)]
pub struct Created {
    /// Its id.
    pub workstream: String,
    /// Its plan, from the workspace on.
    pub plan: String,
    /// How many stages the plan has.
    pub stages: u16,
    /// Whether it is the current one.
    pub current: bool,
    /// The one that stays the current one.
    pub executed: Option<Executed>,
}

/// Makes a workstream whose plan waits to be written, and makes it the current one unless a batch of the current one is
/// executed.
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
