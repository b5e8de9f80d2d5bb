//! The schemas of tools, and how arguments that a client sent are parsed.
//!
//! A test makes the schemas from types (`made`) and compares them with `tool-schemas/`, where they are reviewed. The
//! program takes them from there: making them at each start took two thirds of the start (docs/performance.md).

#[cfg(test)]
mod made;

use std::sync::Arc;

use rmcp::model::JsonObject;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::closest::closest;
use crate::decide::Refusal;
use crate::plan::{BatchId, MalformedId, ThreadId};

/// The longest message about arguments that do not fit, in characters.
const MAX_COMPLAINT_CHARS: usize = 300;

/// What the server reads of a document of `tool-schemas/`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolDocument {
    input_schema: JsonObject,
    output_schema: JsonObject,
}

/// Returns the input schema in a document: the schema of a tool's arguments, which models read.
pub(super) fn input(document: &str) -> Arc<JsonObject> {
    Arc::new(read(document).input_schema)
}

/// Returns the output schema in a document: the schema of a tool's answer, which programs check.
pub(super) fn output(document: &str) -> Arc<JsonObject> {
    Arc::new(read(document).output_schema)
}

#[expect(clippy::expect_used, reason = "the documents are part of the program, and a test reads each")]
fn read(document: &str) -> ToolDocument {
    serde_json::from_str(document).expect("a document of tool-schemas is one of a tool")
}

/// Parses the arguments of a call. Arguments that do not fit are refused as `invalid_argument`, by the name of the
/// argument; the hint on an unknown name is the closest one that exists (DESIGN §8).
pub(super) fn parse<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Value::Object(arguments)).map_err(|error| {
        let path = error.path().to_string();
        let message = match path.as_str() {
            "." => error.inner().to_string(),
            path => format!("{path}: {}", error.inner()),
        };
        // The message repeats what was sent, which can be of any length.
        let message: String = message.chars().take(MAX_COMPLAINT_CHARS).collect();
        let hint = match closest_argument(&message) {
            Some(argument) => format!("closest: {argument}"),
            None => "call again with arguments that fit the tool's schema".to_owned(),
        };
        Refusal::invalid(message, hint)
    })
}

/// Returns the argument whose name is closest to the unknown one in serde's message; `None` if the message is about
/// something else, or no name is close. serde gives the names in its message only.
fn closest_argument(complaint: &str) -> Option<String> {
    let (_, complaint) = complaint.split_once("unknown field `")?;
    let (given, known) = complaint.split_once("`, expected ")?;
    // The known names stand in backticks: every second piece is a name.
    closest(given, known.split('`').skip(1).step_by(2)).into_iter().next()
}

/// Parses the argument `thread_id`, with padded numbers or not. Refuses what is no thread id as `invalid_argument`.
pub(super) fn thread_id(text: &str) -> Result<ThreadId, Refusal> {
    text.trim().parse().map_err(|malformed: MalformedId| {
        Refusal::invalid(format!("thread_id: {malformed}"), "use the thread_id you were given")
    })
}

/// Parses the argument `batch`, with padded numbers or not. Refuses what is no batch id as `invalid_argument`.
pub(super) fn batch_id(text: &str) -> Result<BatchId, Refusal> {
    text.trim().parse().map_err(|malformed: MalformedId| {
        Refusal::invalid(format!("batch: {malformed}"), "leave it out for the batch handed out last")
    })
}

#[cfg(test)]
mod tests {
    use super::closest_argument;

    #[test]
    fn an_unknown_argument_is_told_the_closest_one() {
        let of_several = "thread: unknown field `thread`, expected one of `thread_id`, `status`, `workstream`";
        assert_eq!(closest_argument(of_several).as_deref(), Some("thread_id"));
        assert_eq!(closest_argument("x: unknown field `x`, expected `workstream`"), None);
        assert_eq!(closest_argument("attempt: 1.5 is not a whole number"), None);
    }
}
