//! How a refusal or a fault is told to a model: one line of text, and a machine-readable copy where no
//! client looks for the tool's answer (DESIGN §8).

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::Value;

use crate::fault::Error;
use crate::wording::printable;
use crate::words::AgentWords;

/// The key of the machine-readable copy in a result's `_meta`.
const META_KEY: &str = "workstream-mcp/error";

/// Returns the tool result for a call that has no answer. It has no structured content: clients would
/// check that against the tool's output schema and show the model their complaint instead.
pub(super) fn refused(stopped: &Error, words: &AgentWords) -> CallToolResult {
    let (code, message) = (stopped.code().word(), one_line(&stopped.to_string()));
    let hint = one_line(&words.hint(stopped));
    if let Error::Fault(fault) = stopped {
        tracing::warn!(code, "{fault}");
    }
    let mut copy = serde_json::Map::new();
    copy.insert("code".to_owned(), code.into());
    copy.insert("message".to_owned(), message.clone().into());
    copy.insert("hint".to_owned(), hint.clone().into());
    if let Error::Refusal(refusal) = stopped {
        copy.extend(words.details(refusal));
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(format!("error {code}: {message}. hint: {hint}"))]);
    result.meta = Some(MetaObject(std::iter::once((META_KEY.to_owned(), Value::Object(copy))).collect()));
    result
}

/// What a client sent stands in some refusals, and a client may show one in a terminal.
fn one_line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}
