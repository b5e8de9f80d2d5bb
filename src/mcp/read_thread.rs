//! The tool `read_thread`.

use rmcp::model::{CallToolResult, JsonObject};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Arguments, WorkServer, schema};
use crate::decide::{AgentRequest, Refusal};

const DOCUMENT: &str = include_str!("../../tool-schemas/read_thread.json");

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadThreadArguments {
    /// SS.BB.TT
    thread_id: String,
    /// Default: current.
    workstream: Option<String>,
}

impl Arguments for ReadThreadArguments {
    fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal> {
        Ok((self.workstream, AgentRequest::ReadThread(schema::thread_id(&self.thread_id)?)))
    }
}

#[tool_router(router = read_thread_router, vis = "pub(super)")]
impl WorkServer {
    #[tool(
        title = "Read thread",
        description = "Worker: the brief of a thread: what to do, in which stage and batch, beside whom, and what was tried before.",
        input_schema = schema::input(DOCUMENT),
        output_schema = schema::output(DOCUMENT),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn read_thread(&self, arguments: JsonObject, cancelled: CancellationToken) -> CallToolResult {
        self.answer::<ReadThreadArguments>(arguments, cancelled).await
    }
}
