//! `resources/list`, `resources/templates/list` and `resources/read` (DESIGN §8): a workstream as documents, in
//! Markdown for people and in JSON for programs.
//!
//! Only what exists is listed. Nothing here may change the state, and the same state must give the same text: that is
//! how subscriptions see changes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rmcp::ErrorData;
use rmcp::model::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use serde::Serialize;
use serde_json::json;

use crate::decide::{AgentAnswer, AgentRequest, Code, Extent, Report, Scope};
use crate::document::{write_brief, write_document, write_summary};
use crate::fault::Error;
use crate::plan::{BatchId, ThreadId};
use crate::transact::{AgentDoor, Ask};
use crate::wording::printable;
use crate::words::AgentWords;

/// How many resources one answer lists.
const PAGE: usize = 100;

const SCHEME: &str = "work://";

/// The templates: URI, name and description of each.
const TEMPLATES: [(&str, &str, &str); 4] = [
    ("work://{workstream}/plan.{format}", "plan", "The plan: its text, or all that happened as JSON."),
    ("work://{workstream}/batches/{batch}.{format}", "batch", "A batch with its threads and attempts."),
    ("work://{workstream}/threads/{thread}.{format}", "thread", "What a worker is told about a thread."),
    ("work://{workstream}/outcomes/{batch}.{format}", "outcome", "What came of a batch."),
];

/// The address of a resource: `work://WORKSTREAM/PART.FORMAT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResourceAddress {
    /// The workstream, by id or name. It is what the client wrote, percent-decoded: no path, and not checked yet.
    workstream: String,
    part: ResourcePart,
    format: Format,
}

/// What a resource shows of its workstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResourcePart {
    Plan,
    Batch(BatchId),
    Thread(ThreadId),
    Outcome(BatchId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Markdown,
    Json,
}

/// The error for a text that is not the address of a resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAnAddress;

/// Lists up to [`PAGE`] resources of the default workstream (DESIGN §3). `cursor` is the `next_cursor` of the answer
/// before, or nothing. A cursor that is no number is `invalid_params`.
pub(super) fn list(door: &AgentDoor, cursor: Option<&str>) -> Result<ListResourcesResult, ErrorData> {
    let start = match cursor {
        Some(cursor) => cursor.parse().map_err(|_| ErrorData::invalid_params("this cursor is none of mine", None))?,
        None => 0_usize,
    };
    // Without a workspace or a default workstream the list is empty, and not an error: clients ask when they connect.
    let Ok(AgentAnswer::Report(report)) = door.ask(Ask::new(None, AgentRequest::Report(Scope::Workstream))) else {
        return Ok(ListResourcesResult::default());
    };
    let all = resources(&report);
    let end = all.len().min(start.saturating_add(PAGE));
    let mut listed = ListResourcesResult::with_all_items(all.get(start..end).unwrap_or_default().to_vec());
    // A cursor beyond the end gets an empty page, and no cursor to go on with.
    listed.next_cursor = (end < all.len() && start < end).then(|| end.to_string());
    Ok(listed)
}

/// Returns all resources of a workstream: the plan, then each batch with its threads. A batch has an outcome only once
/// a cycle of it was opened.
fn resources(report: &Report) -> Vec<Resource> {
    let address = |part, format| ResourceAddress { workstream: report.status.workstream.clone(), part, format };
    let resource = |part, format: Format, title: String| {
        let uri = address(part, format).to_string();
        let name = uri[SCHEME.len()..].split_once('/').map_or(uri.as_str(), |(_, name)| name).to_owned();
        Resource::new(uri, name).with_title(printable(&title)).with_mime_type(format.mime_type())
    };
    let name = &report.status.name;
    let mut found = vec![
        resource(ResourcePart::Plan, Format::Markdown, name.clone()),
        resource(ResourcePart::Plan, Format::Json, format!("{name}, with all that happened")),
    ];
    for batch in report.batches() {
        let Ok(id) = batch.id.parse::<BatchId>() else { continue };
        found.push(resource(ResourcePart::Batch(id), Format::Markdown, format!("{} {}", batch.id, batch.name)));
        if !batch.cycles.is_empty() {
            found.push(resource(
                ResourcePart::Outcome(id),
                Format::Markdown,
                format!("{} {}: outcome", batch.id, batch.name),
            ));
        }
        for thread in &batch.threads {
            let Ok(id) = thread.thread_id.parse::<ThreadId>() else { continue };
            found.push(resource(
                ResourcePart::Thread(id),
                Format::Markdown,
                format!("{} {}", thread.thread_id, thread.name),
            ));
        }
    }
    found
}

/// Returns the templates of the addresses.
pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = |(uri, name, description)| ResourceTemplate::new(uri, name).with_description(description);
    ListResourceTemplatesResult::with_all_items(TEMPLATES.into_iter().map(template).collect())
}

/// Reads a resource. An address that is malformed, or names nothing that exists, is `resource_not_found`. Any other
/// refusal or fault is an internal error, with its hint.
pub(super) fn read(door: &AgentDoor, words: &AgentWords, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let not_found = |why: String| {
        let short: String = uri.chars().take(300).collect();
        ErrorData::resource_not_found(why, Some(json!({ "uri": short })))
    };
    let address: ResourceAddress = uri.parse().map_err(|NotAnAddress| {
        let templates: Vec<&str> = TEMPLATES.iter().map(|(uri, ..)| *uri).collect();
        not_found(format!("no resource has such an address; there are {}", templates.join(", ")))
    })?;
    match text(door, words, &address) {
        Ok(text) => {
            let contents = ResourceContents::text(text, uri).with_mime_type(address.format.mime_type());
            Ok(ReadResourceResult::new(vec![contents]))
        }
        Err(stopped) => Err(match stopped.code() {
            Code::UnknownWorkstream | Code::UnknownBatch | Code::UnknownThread | Code::NoWorkspace => {
                not_found(stopped.to_string())
            }
            _ => ErrorData::internal_error(format!("{stopped}. hint: {}", words.hint(&stopped)), None),
        }),
    }
}

/// Returns the text of a resource. The same state gives the same text: without a clock, the time of what still runs is
/// left out.
pub(super) fn text(door: &AgentDoor, words: &AgentWords, address: &ResourceAddress) -> Result<String, Error> {
    // An outcome is a report for people in Markdown, but the answer of `batch_outcome` in JSON.
    let request = match (address.part, address.format) {
        (ResourcePart::Plan, Format::Markdown) => AgentRequest::PlanText,
        (ResourcePart::Plan, Format::Json) => AgentRequest::Report(Scope::Workstream),
        (ResourcePart::Batch(batch), _) | (ResourcePart::Outcome(batch), Format::Markdown) => {
            AgentRequest::Report(Scope::Batch(batch))
        }
        (ResourcePart::Outcome(batch), Format::Json) => AgentRequest::BatchOutcome(Some(batch)),
        (ResourcePart::Thread(thread), _) => AgentRequest::ReadThread(thread, Extent::Whole),
    };
    let answer = door.ask(Ask::new(Some(&address.workstream), request))?;
    let mut text = String::new();
    match (&answer, address.part, address.format) {
        (AgentAnswer::PlanText(plan), ..) => return Ok(plan.clone()),
        (AgentAnswer::Report(report), ResourcePart::Outcome(_), Format::Markdown) => {
            write_summary(&mut text, report, None, &words.for_people());
        }
        (AgentAnswer::Report(report), _, Format::Markdown) => write_document(&mut text, report, None),
        (AgentAnswer::Brief(brief), _, Format::Markdown) => write_brief(&mut text, brief),
        (answer, ..) => return Ok(as_json(&answer.clone().worded(words))),
    }
    Ok(printable(&text))
}

/// Returns an answer as JSON. Serialising these types does not fail.
fn as_json(answer: &impl Serialize) -> String {
    serde_json::to_string_pretty(answer).unwrap_or_default()
}

impl Format {
    fn mime_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Json => "application/json",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Json => "json",
        }
    }
}

impl ResourceAddress {
    /// Returns the workstream, by id or name, as the client wrote it.
    pub(super) fn workstream(&self) -> &str {
        &self.workstream
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = self.format.ending();
        write!(f, "{SCHEME}{}/", encoded(&self.workstream))?;
        match self.part {
            ResourcePart::Plan => write!(f, "plan.{ending}"),
            ResourcePart::Batch(id) => write!(f, "batches/{id}.{ending}"),
            ResourcePart::Thread(id) => write!(f, "threads/{id}.{ending}"),
            ResourcePart::Outcome(id) => write!(f, "outcomes/{id}.{ending}"),
        }
    }
}

impl FromStr for ResourceAddress {
    type Err = NotAnAddress;

    fn from_str(uri: &str) -> Result<Self, NotAnAddress> {
        let (workstream, path) = uri.strip_prefix(SCHEME).and_then(|rest| rest.split_once('/')).ok_or(NotAnAddress)?;
        let (path, ending) = path.rsplit_once('.').ok_or(NotAnAddress)?;
        let format = [Format::Markdown, Format::Json].into_iter().find(|format| format.ending() == ending);
        let part = match path.split_once('/') {
            None if path == "plan" => Some(ResourcePart::Plan),
            Some(("batches", id)) => id.parse().ok().map(ResourcePart::Batch),
            Some(("threads", id)) => id.parse().ok().map(ResourcePart::Thread),
            Some(("outcomes", id)) => id.parse().ok().map(ResourcePart::Outcome),
            _ => None,
        };
        let workstream = decoded(workstream).filter(|workstream| !workstream.is_empty()).ok_or(NotAnAddress)?;
        Ok(Self { workstream, part: part.ok_or(NotAnAddress)?, format: format.ok_or(NotAnAddress)? })
    }
}

/// The characters that are percent-encoded: all but those that RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Returns a name percent-encoded, as one segment of a URI.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, ENCODED).to_string()
}

/// Returns a percent-decoded text; `None` if it is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for uri in [
            "work://001-search/plan.md",
            "work://001-search/plan.json",
            "work://001-search/batches/01.02.md",
            "work://001-search/threads/01.02.03.json",
            "work://001-search/outcomes/01.02.md",
            "work://002%20b%C3%BCro%2F..%2Fx/plan.md",
        ] {
            assert_eq!(uri.parse::<ResourceAddress>().map(|address| address.to_string()), Ok(uri.to_owned()));
        }
        let loose: ResourceAddress = "work://a/threads/1.2.3.md".parse().unwrap();
        assert_eq!(loose.to_string(), "work://a/threads/01.02.03.md");
        for uri in [
            "",
            "work://",
            "work:///plan.md",
            "work://a",
            "work://a/",
            "work://a/plan",
            "work://a/plan.txt",
            "work://a/plans/1.md",
            "work://a/threads/1.2.md",
            "work://a/threads/../../etc/passwd.md",
            "work://%FF/plan.md",
            "file:///etc/passwd",
        ] {
            assert_eq!(uri.parse::<ResourceAddress>(), Err(NotAnAddress), "{uri}");
        }
    }
}
