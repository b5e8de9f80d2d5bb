//! The tool `workstream_status`: where the workstream stands (DESIGN §8).

use rmcp::model::{CallToolResult, JsonObject};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Arguments, WorkServer, schema};
use crate::decide::{AgentRequest, Refusal};

/// The reviewed definition of this tool, from which the schemas are taken.
const DOCUMENT: &str = include_str!("../../tool-schemas/workstream_status.json");

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkstreamStatusArguments {
    /// Default: current.
    workstream: Option<String>,
}

impl Arguments for WorkstreamStatusArguments {
    fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal> {
        Ok((self.workstream, AgentRequest::WorkstreamStatus))
    }
}

#[tool_router(router = workstream_status_router, vis = "pub(super)")]
impl WorkServer {
    #[tool(
        title = "Workstream status",
        description = "Where the workstream stands: counts per batch, open threads, the next gate, problems of PLAN.md.",
        input_schema = schema::input(DOCUMENT),
        output_schema = schema::output(DOCUMENT),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn workstream_status(&self, arguments: JsonObject, cancelled: CancellationToken) -> CallToolResult {
        self.answer::<WorkstreamStatusArguments>(arguments, cancelled).await
    }
}
