//! The tool `batch_outcome`: the outcomes of a batch (DESIGN §8).

use rmcp::model::{CallToolResult, JsonObject};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Arguments, WorkServer, schema};
use crate::decide::{AgentRequest, Refusal};

/// The reviewed definition of this tool, from which the schemas are taken.
const DOCUMENT: &str = include_str!("../../tool-schemas/batch_outcome.json");

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchOutcomeArguments {
    /// SS.BB; default: the last handed out.
    batch: Option<String>,
    /// Default: current.
    workstream: Option<String>,
}

impl Arguments for BatchOutcomeArguments {
    fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal> {
        let batch = self.batch.as_deref().map(schema::batch_id).transpose()?;
        Ok((self.workstream, AgentRequest::BatchOutcome(batch)))
    }
}

#[tool_router(router = batch_outcome_router, vis = "pub(super)")]
impl WorkServer {
    #[tool(
        title = "Batch outcome",
        description = "Planner: the outcomes of a batch when its workers have ended. Return outcomes unchanged.",
        input_schema = schema::input(DOCUMENT),
        output_schema = schema::output(DOCUMENT),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn batch_outcome(&self, arguments: JsonObject, cancelled: CancellationToken) -> CallToolResult {
        self.answer::<BatchOutcomeArguments>(arguments, cancelled).await
    }
}
