//! The tool result of a refusal or a fault: one line of text for the model, and a copy for programs in `_meta`
//! (DESIGN §8).
//!
//! The result must never have structured content. Clients would check that against the tool's output schema, and show
//! the model their own complaint instead (DESIGN §13.2).

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::Value;

use crate::decide::Refusal;
use crate::fault::Error;
use crate::wording::printable;
use crate::words::AgentWords;

/// The longest text about a check that failed, in characters (DESIGN §5b).
const MAX_CHECK_CHARS: usize = 2_500;

/// The key in a result's `_meta` of the copy for programs.
const META_KEY: &str = "workstream-mcp/error";

/// Returns the result of a call that was refused or failed: `isError`, and the text `error CODE: message. hint: …`. A
/// fault is logged too, since the client may not show it to anybody.
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
    let mut text = format!("error {code}: {message}. hint: {hint}");
    if let Error::Refusal(Refusal::CheckFailed(failed)) = stopped {
        // The whole answer is bounded, since the model pays for it.
        let log = if failed.failure.output.is_empty() {
            "\nit printed nothing".to_owned()
        } else {
            format!("\nthe end of its output, the whole is in {}:\n", failed.failure.log)
        };
        let room = MAX_CHECK_CHARS.saturating_sub(text.chars().count() + log.chars().count());
        let output = &failed.failure.output;
        let skipped = output.chars().count().saturating_sub(room);
        text += &log;
        text.extend(output.chars().skip(skipped));
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.meta = Some(MetaObject(std::iter::once((META_KEY.to_owned(), Value::Object(copy))).collect()));
    result
}

/// Returns a text as one line that a terminal shows as text. Refusals can repeat what a client sent, and a client may
/// show them in a terminal.
fn one_line(text: &str) -> String {
    printable(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}
