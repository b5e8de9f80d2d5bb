//! Reads the text below a thread's heading: its agent, its summary, its details, its fields (DESIGN §3).

use std::collections::HashSet;
use std::ops::Range;

use super::ThreadId;
use super::agents::{Named, agent_line, unsigned_in};
use super::fields::{Field, commands, paths, predecessors};
use super::outline::{BlockKind, Heading, Marker};
use super::problem::{Edit, Level, ProblemKind};
use super::source::Source;

/// What the text below a thread's heading says.
#[derive(Debug, Default)]
pub(super) struct ThreadBody {
    /// The lines that name an agent, each with the offset at which it begins.
    pub(super) named: Vec<(Named, usize)>,
    pub(super) summary: String,
    pub(super) details: String,
    pub(super) checks: Vec<String>,
    /// The paths and globs of the thread, and where they stand.
    pub(super) files: Vec<String>,
    pub(super) files_at: Option<usize>,
    /// The threads that come before this one, and where they stand.
    pub(super) after: Vec<ThreadId>,
    pub(super) after_at: Option<usize>,
    /// The problems, each with its offset and its edit.
    pub(super) problems: Vec<(usize, ProblemKind, Option<Edit>)>,
}

/// A part of the text of a thread. `Intro` stands under neither marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Intro,
    Summary,
    Details,
}

/// A line that begins another part of the text or a field, or names an agent.
enum Cut<'o> {
    Part(Part),
    /// `None`: a heading names the field.
    Field(Field, Option<&'o Marker>),
    Agent(Named),
}

/// Reads the text between the heading of the thread `own` and the next heading of the plan's structure.
pub(super) fn thread_body(source: &Source<'_>, range: Range<usize>, own: ThreadId) -> ThreadBody {
    let mut body = ThreadBody::default();
    for (offset, wanted) in unlabelled(source, &range, false) {
        body.problems.push((offset, ProblemKind::Lookalike { level: Level::Thread, wanted }, None));
    }
    // The part that is open, and where its text begins.
    let mut open: (Part, usize) = (Part::Intro, range.start);
    let mut parts: Vec<(Part, Range<usize>)> = Vec::new();
    let cuts = cuts(source, &range);
    let bounds: Vec<usize> = cuts.iter().skip(1).map(|(place, _)| place.start).chain([range.end]).collect();
    for ((place, cut), bound) in cuts.into_iter().zip(bounds) {
        let seen = |part: Part| open.0 == part || parts.iter().any(|(known, _)| *known == part);
        match cut {
            // Behind the details, and at a second marker of a part, everything is text of the open part.
            Cut::Part(part) if !seen(part) && !seen(Part::Details) => {
                parts.push((open.0, open.1..place.start));
                open = (part, place.end);
            }
            Cut::Field(field, marker) => {
                parts.push((open.0, open.1..place.start));
                open.1 = field.value_end(source, place.end, marker, bound);
                body.field(source, field, &place, place.end..open.1, own);
            }
            Cut::Agent(named) if !seen(Part::Details) => {
                parts.push((open.0, open.1..place.start));
                open.1 = place.end;
                body.named.push((named, place.start));
            }
            // An agent below the details is part of their text, and runs nothing.
            Cut::Agent(Named { agents, .. }) => {
                let problem = |(name, _)| (place.start, ProblemKind::AgentOfNobody(name), None);
                body.problems.extend(agents.into_iter().map(problem));
            }
            Cut::Part(_) => {}
        }
    }
    parts.push((open.0, open.1..range.end));
    let known: HashSet<usize> = body.named.iter().map(|(_, start)| *start).collect();
    body.named.extend(unsigned_lines(source, &range).into_iter().filter(|(_, start)| !known.contains(start)));
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
    // Text under neither marker takes the place of the part that is missing. If none is missing, no worker reads it.
    let intro = text(Part::Intro);
    let has = |part: Part| parts.iter().any(|(known, _)| *known == part);
    if body.details.is_empty() && !has(Part::Details) {
        body.details = intro;
    } else if body.summary.is_empty() && !has(Part::Summary) {
        body.summary = intro;
    } else if !intro.is_empty() {
        let at = source.text[range.clone()].find(intro.lines().next().unwrap_or_default()).unwrap_or_default();
        body.problems.push((range.start + at, ProblemKind::Unread, None));
    }
    body
}

impl ThreadBody {
    /// Reads the value of a field, which stands at `value`. A second field of the same kind adds to the first.
    fn field(&mut self, source: &Source<'_>, field: Field, place: &Range<usize>, value: Range<usize>, own: ThreadId) {
        match field {
            Field::Check => {
                let (checks, problems) = commands(source, &value);
                self.checks.extend(checks);
                let at = |at: usize| if at == value.start { place.start } else { at };
                self.problems.extend(problems.into_iter().map(|(offset, kind)| (at(offset), kind, None)));
            }
            Field::Files => {
                let (files, problems) = paths(source, &value);
                // A part that was misread would accuse who touches what the author meant.
                self.files.extend(files.into_iter().filter(|_| problems.is_empty()));
                let at = |at: usize| if at == value.start { place.start } else { at };
                self.problems.extend(problems.into_iter().map(|(offset, kind)| (at(offset), kind, None)));
                self.files_at.get_or_insert(place.start);
            }
            Field::After => {
                match predecessors(&source.masked(value), own) {
                    Ok(threads) => self.after.extend(threads),
                    Err(text) => self.problems.push((place.start, ProblemKind::UnreadableAfter(text), None)),
                }
                self.after_at.get_or_insert(place.start);
            }
        }
    }
}

/// Returns the headings directly above a `**Summary:**`, each with its right spelling: they are probably threads.
/// With `has_own` false the first summary in `range` is that of the open thread.
pub(super) fn unlabelled(source: &Source<'_>, range: &Range<usize>, mut has_own: bool) -> Vec<(usize, String)> {
    let outline = source.outline;
    let first = outline.markers.partition_point(|marker| marker.range.start < range.start);
    let markers = outline.markers[first..].iter().take_while(|marker| marker.range.start < range.end);
    let mut found = Vec::new();
    for marker in markers.filter(|marker| marker.word == "summary") {
        if !std::mem::replace(&mut has_own, true) {
            continue;
        }
        let next = outline.headings.partition_point(|heading| heading.range.start < marker.range.start);
        let heading = outline.headings[..next].last().filter(|heading| heading.range.start >= range.start);
        if let Some(heading) = heading
            && source.text[heading.range.end..marker.range.start].trim().is_empty()
        {
            let name = source.masked(heading.content.clone());
            found.push((heading.range.start, format!("###### Thread N: {}", name.trim())));
        }
    }
    found
}

/// Returns the lines that begin a part or name an agent, in the order of the text.
fn cuts<'s>(source: &'s Source<'_>, range: &Range<usize>) -> Vec<(Range<usize>, Cut<'s>)> {
    let outline = source.outline;
    let part = |word: &str| match word {
        "summary" => Some(Part::Summary),
        "details" => Some(Part::Details),
        _ => None,
    };
    let first = outline.markers.partition_point(|marker| marker.range.start < range.start);
    let markers = outline.markers[first..].iter().take_while(|marker| marker.range.start < range.end);
    let field = |marker| move |field| Cut::Field(field, marker);
    let markers = markers.filter_map(|marker| {
        let word = &marker.word;
        let cut = part(word).map(Cut::Part).or_else(|| Field::of_word(word).map(field(Some(marker))))?;
        Some((marker.range.clone(), cut))
    });
    let first = outline.headings.partition_point(|heading| heading.range.start < range.start);
    let headings = outline.headings[first..].iter().take_while(|heading| heading.range.start < range.end);
    let title = |heading: &Heading| {
        let title = source.masked(heading.content.clone()).to_lowercase();
        let title = title.trim_matches([' ', ':', '*', '_']);
        part(title).map(Cut::Part).or_else(|| Field::of_word(title).map(field(None)))
    };
    let headings = headings.filter_map(|heading| Some((heading.range.clone(), title(heading)?)));
    let mut found: Vec<(Range<usize>, Cut<'s>)> = markers.chain(headings).collect();
    found.extend(agent_lines(source, range).into_iter().map(|(place, named)| (place, Cut::Agent(named))));
    found.sort_by_key(|(place, _)| place.start);
    found
}

/// Returns the lines that may name an agent in a sentence, each with the offset at which it begins.
fn unsigned_lines(source: &Source<'_>, range: &Range<usize>) -> Vec<(Named, usize)> {
    let mut found = Vec::new();
    let mut start = range.start;
    for line in source.masked(range.clone()).split_inclusive('\n') {
        if let Some(unsigned) = unsigned_in(line) {
            let kind = source.outline.block_at(start + unsigned.place.start).map(|block| block.kind);
            let is_text = !matches!(kind, Some(BlockKind::Fence | BlockKind::Indented | BlockKind::Heading));
            // `cuts` has read such a field, or has reported it.
            if is_text && !agent_line(line).is_some_and(|named| named.is_field) {
                found.push((Named { unsigned: Some(unsigned), ..Named::default() }, start));
            }
        }
        start += line.len();
    }
    found
}

/// Returns the lines that only name an agent, each with its range.
pub(super) fn agent_lines(source: &Source<'_>, range: &Range<usize>) -> Vec<(Range<usize>, Named)> {
    let mut found = Vec::new();
    let text = source.masked(range.clone());
    let mut start = range.start;
    let mut is_first = true;
    for line in text.split_inclusive('\n') {
        let place = start..start + line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        start = place.end;
        if line.trim().is_empty() {
            continue;
        }
        let at = place.start + line.len() - line.trim_start().len();
        let kind = source.outline.block_at(at).map(|block| block.kind);
        let is_text = !matches!(kind, Some(BlockKind::Fence | BlockKind::Indented | BlockKind::Heading));
        // A plain `Agent: NAME` is a field only directly under the heading. Further down it is prose.
        if let Some(named) = agent_line(line).filter(|named| is_text && (is_first || named.is_field)) {
            found.push((place, named));
        } else {
            is_first = false;
        }
    }
    found
}
