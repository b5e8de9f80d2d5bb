//! What stands below a thread's heading: its agent, its summary, its details (DESIGN §3).

use std::ops::Range;

use super::NamedAgent;
use super::source::{Source, is_agent_char};

#[derive(Debug, Default)]
pub(super) struct ThreadBody {
    pub(super) agent: Option<NamedAgent>,
    pub(super) summary: String,
    pub(super) details: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Intro,
    Summary,
    Details,
}

/// Reads the text between a thread's heading and the next heading of the plan's structure.
pub(super) fn thread_body(source: &Source<'_>, range: Range<usize>) -> ThreadBody {
    let mut body = ThreadBody::default();
    let mut start = range.start;
    if let Some((agent, end)) = source.agent_line(&range) {
        body.agent = Some(agent);
        start = end;
    }
    let mut open: (Part, usize) = (Part::Intro, start);
    let mut parts: Vec<(Part, Range<usize>)> = Vec::new();
    let markers = &source.outline.markers;
    let first = markers.partition_point(|marker| marker.range.start < start);
    for marker in markers[first..].iter().take_while(|marker| marker.range.start < range.end) {
        let seen = |part: Part| open.0 == part || parts.iter().any(|(known, _)| *known == part);
        match marker.word.as_str() {
            "summary" if !seen(Part::Summary) && !seen(Part::Details) => {
                parts.push((open.0, open.1..marker.range.start));
                open = (Part::Summary, marker.range.end);
            }
            "details" if !seen(Part::Details) => {
                parts.push((open.0, open.1..marker.range.start));
                open = (Part::Details, marker.range.end);
            }
            "agent" if !seen(Part::Details) && body.agent.is_none() => {
                let line = source.text[marker.range.end..range.end].lines().next().unwrap_or_default();
                let name = line.trim().trim_matches('`');
                let name = name.strip_prefix("@agent:").unwrap_or(name);
                if !name.is_empty() && name.chars().all(is_agent_char) {
                    body.agent = Some(source.named_agent(name.to_owned(), marker.range.start));
                    parts.push((open.0, open.1..marker.range.start));
                    open = (open.0, marker.range.end + line.len());
                }
            }
            _ => {}
        }
    }
    parts.push((open.0, open.1..range.end));
    let text = |wanted: Part| {
        let texts: Vec<String> = parts
            .iter()
            .filter(|(part, _)| *part == wanted)
            .map(|(_, range)| source.span(range.clone()))
            .filter(|text| !text.is_empty())
            .collect();
        texts.join("\n\n")
    };
    body.summary = text(Part::Summary);
    body.details = text(Part::Details);
    // Text that stands under no marker takes the place of the part that is missing.
    let intro = text(Part::Intro);
    if body.details.is_empty() && !parts.iter().any(|(part, _)| *part == Part::Details) {
        body.details = intro;
    } else if body.summary.is_empty() && !parts.iter().any(|(part, _)| *part == Part::Summary) {
        body.summary = intro;
    }
    body
}
