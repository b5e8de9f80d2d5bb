//! The tool `update_thread`: what happened to a thread (DESIGN §5).

use super::checks::Doing;
use super::{Arguments, WorkServer, lenient, schema};
use crate::board::ReportedStatus;
use crate::decide::{AgentRequest, Refusal, UpdateThread};
use rmcp::model::{CallToolResult, JsonObject};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;

/// The reviewed definition of this tool, from which the schemas are taken.
const DOCUMENT: &str = include_str!("../../tool-schemas/update_thread.json");

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateThreadArguments {
    /// SS.BB.TT
    thread_id: String,
    // No doc comment: it would be sent to models, and the values say enough.
    status: AgentStatus,
    /// Needed at the end, 240 characters at most.
    report: Option<String>,
    /// Timeout, crash or lost connection; no used-up quota.
    #[serde(default, deserialize_with = "lenient::boolean")]
    transient: Option<bool>,
    /// Paths or links.
    #[serde(default, deserialize_with = "lenient::texts")]
    artifacts: Option<Vec<String>>,
    /// What is left.
    #[serde(default, deserialize_with = "lenient::texts")]
    next_steps: Option<Vec<String>>,
    /// As given.
    #[serde(default, deserialize_with = "lenient::whole_number")]
    attempt: Option<u32>,
    /// Your worktree.
    directory: Option<String>,
    /// Default: current.
    workstream: Option<String>,
}

// The statuses that an agent can report. `pending` and `cancelled` are a person's (DESIGN §5). This is no doc comment,
// because that would be sent to models.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum AgentStatus {
    InProgress,
    Completed,
    Blocked,
    Failed,
}

impl Arguments for UpdateThreadArguments {
    fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal> {
        let request = UpdateThread {
            thread: schema::thread_id(&self.thread_id)?,
            status: match self.status {
                AgentStatus::InProgress => ReportedStatus::InProgress,
                AgentStatus::Completed => ReportedStatus::Completed,
                AgentStatus::Blocked => ReportedStatus::Blocked,
                AgentStatus::Failed => ReportedStatus::Failed,
            },
            report: self.report,
            transient: self.transient.unwrap_or_default(),
            artifacts: self.artifacts,
            next_steps: self.next_steps,
            attempt: self.attempt,
            force: false,
            directory: self.directory,
            checked: None,
            evidence: None,
        };
        Ok((self.workstream, AgentRequest::UpdateThread(request)))
    }
}

#[tool_router(router = update_thread_router, vis = "pub(super)")]
impl WorkServer {
    #[tool(
        title = "Update thread",
        description = "Worker: in_progress first, then completed or blocked. failed: the run broke; the planner acts on the decision.",
        input_schema = schema::input(DOCUMENT),
        output_schema = schema::output(DOCUMENT),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn update_thread(&self, arguments: JsonObject, context: RequestContext<RoleServer>) -> CallToolResult {
        let doing = context.extensions.get::<Doing>().cloned().unwrap_or_default();
        self.answer_while::<UpdateThreadArguments>(arguments, context.ct, &doing).await
    }
}
