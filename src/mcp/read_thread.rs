//! The tool `read_thread`: the brief of a worker (DESIGN §8).

use rmcp::model::{CallToolResult, JsonObject};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Arguments, WorkServer, schema};
use crate::decide::{AgentRequest, Extent, Refusal, Section};

/// The reviewed definition of this tool, from which the schemas are taken.
const DOCUMENT: &str = include_str!("../../tool-schemas/read_thread.json");

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadThreadArguments {
    /// SS.BB.TT
    thread_id: String,
    /// One that `more` names, whole.
    section: Option<String>,
    /// Default: current.
    workstream: Option<String>,
}

impl Arguments for ReadThreadArguments {
    fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal> {
        let extent = match self.section.as_deref().map(str::trim).filter(|section| !section.is_empty()) {
            None => Extent::Brief,
            Some(word) => Extent::Section(section(word)?),
        };
        Ok((self.workstream, AgentRequest::ReadThread(schema::thread_id(&self.thread_id)?, extent)))
    }
}

/// Parses the argument `section`. Refuses an unknown word as `invalid_argument`, with all words as the hint.
fn section(word: &str) -> Result<Section, Refusal> {
    Section::ALL.into_iter().find(|section| section.word() == word).ok_or_else(|| {
        let given: String = word.chars().take(60).collect();
        let words: Vec<&str> = Section::ALL.into_iter().map(Section::word).collect();
        Refusal::invalid(format!("section: there is no {given:?}"), format!("use one of {}", words.join(", ")))
    })
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
