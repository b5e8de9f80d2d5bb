//! The tool `next_batch`: hands out the next incomplete batch (DESIGN §5a).

use rmcp::model::{CallToolResult, JsonObject};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Arguments, WorkServer, schema};
use crate::decide::{AgentRequest, Refusal};

/// The reviewed definition of this tool, from which the schemas are taken.
const DOCUMENT: &str = include_str!("../../tool-schemas/next_batch.json");

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NextBatchArguments {
    /// Default: current.
    workstream: Option<String>,
}

impl Arguments for NextBatchArguments {
    fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal> {
        Ok((self.workstream, AgentRequest::NextBatch))
    }
}

#[tool_router(router = next_batch_router, vis = "pub(super)")]
impl WorkServer {
    #[tool(
        title = "Next batch",
        description = "Planner: opens or resumes the next batch. Launch one worker per id in dispatch, all in one response.",
        input_schema = schema::input(DOCUMENT),
        output_schema = schema::output(DOCUMENT),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn next_batch(&self, arguments: JsonObject, cancelled: CancellationToken) -> CallToolResult {
        self.answer::<NextBatchArguments>(arguments, cancelled).await
    }
}
