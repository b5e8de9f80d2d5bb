//! The tool `assign_thread`: gives a thread to another agent (DESIGN §6).

use rmcp::model::{CallToolResult, JsonObject};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Arguments, WorkServer, schema};
use crate::decide::{AgentRequest, AssignThread, Refusal};

/// The reviewed definition of this tool, from which the schemas are taken.
const DOCUMENT: &str = include_str!("../../tool-schemas/assign_thread.json");

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignThreadArguments {
    /// SS.BB.TT
    thread_id: String,
    /// Default: the candidate.
    agent: Option<String>,
    // No doc comment: it would be sent to models, and the name says enough.
    reason: Option<String>,
    /// Default: current.
    workstream: Option<String>,
}

impl Arguments for AssignThreadArguments {
    fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal> {
        let thread = schema::thread_id(&self.thread_id)?;
        let request = AssignThread { thread, agent: self.agent, reason: self.reason, force: false };
        Ok((self.workstream, AgentRequest::AssignThread(request)))
    }
}

#[tool_router(router = assign_thread_router, vis = "pub(super)")]
impl WorkServer {
    #[tool(
        title = "Assign thread",
        description = "Planner: gives a thread to another agent of its family or a default one, once per cycle; ends its attempt.",
        input_schema = schema::input(DOCUMENT),
        output_schema = schema::output(DOCUMENT),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn assign_thread(&self, arguments: JsonObject, cancelled: CancellationToken) -> CallToolResult {
        self.answer::<AssignThreadArguments>(arguments, cancelled).await
    }
}
