//! `completion/complete`: values for the arguments of prompts and of resource templates. It must never change the
//! state, and a refusal or a fault gives no values, not an error.

use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};

use super::resources::encoded;
use crate::decide::{AgentAnswer, AgentRequest, Report, Scope};
use crate::transact::{AgentDoor, Ask};

/// Returns the values of an argument that begin with what is typed already, at most 100. An argument that this server
/// does not know has none.
pub(super) fn complete(door: &AgentDoor, request: &CompleteRequestParams) -> CompleteResult {
    // Arguments that the client has filled in already.
    let given = |name: &str| request.context.as_ref()?.arguments.as_ref()?.get(name).cloned();
    let is_template = matches!(request.r#ref, Reference::Resource(_));
    let workstream = if is_template { given("workstream") } else { None };
    let report = || match door.ask(Ask::new(workstream.as_deref(), AgentRequest::Report(Scope::Workstream))) {
        Ok(AgentAnswer::Report(report)) => Some(*report),
        _ => None,
    };
    let values: Vec<String> = match (request.argument.name.as_str(), is_template) {
        ("workstream", true) => door
            .store()
            .list()
            .map(|listed| listed.workstreams)
            .unwrap_or_default()
            .iter()
            .map(|id| encoded(id))
            .collect(),
        ("format", true) => vec!["md".to_owned(), "json".to_owned()],
        ("batch", true) => report().map(|report| batches(&report)).unwrap_or_default(),
        ("thread", true) | ("thread_id", false) => {
            report().map(|report| report.threads().map(|thread| thread.thread_id.clone()).collect()).unwrap_or_default()
        }
        ("attempt", false) => {
            let wanted = given("thread_id").unwrap_or_default();
            let attempt = |report: Report| {
                report
                    .threads()
                    .filter(|thread| thread.thread_id == wanted)
                    .map(|thread| thread.attempt.to_string())
                    .collect()
            };
            report().map(attempt).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let mut values: Vec<String> =
        values.into_iter().filter(|value| value.starts_with(&request.argument.value)).collect();
    let total = values.len();
    values.truncate(CompletionInfo::MAX_VALUES);
    let more = total > values.len();
    let total = u32::try_from(total).unwrap_or(u32::MAX);
    CompletionInfo::with_pagination(values, Some(total), more).map(CompleteResult::new).unwrap_or_default()
}

/// Returns the ids of all batches.
fn batches(report: &Report) -> Vec<String> {
    report.batches().map(|batch| batch.id.clone()).collect()
}
