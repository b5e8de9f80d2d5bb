//! Bounds the size of a brief (DESIGN §8): each token costs, and hosts cut long answers anywhere. Here long fields are
//! cut, and `more` says what was cut and how to get it. Nothing may be left out without a word in `more`.

use super::brief::Brief;
use super::facts::{CutTo, Extent, Omission, Section};
use crate::wording::cut;

/// The largest brief, in bytes of JSON.
const MAX_BYTES: usize = 8_000;

/// The longest name in a brief, in bytes of JSON.
const MAX_NAME_BYTES: usize = 240;

/// The room that is reserved for the note on one section that was cut, in bytes.
const NOTE_BYTES: usize = 100;

/// Returns as much of a brief as was asked for.
pub(super) fn within(mut brief: Brief, extent: Extent) -> Brief {
    match extent {
        Extent::Whole => brief,
        Extent::Section(wanted) => {
            for section in Section::ALL.into_iter().filter(|section| *section != wanted) {
                match section.of(&mut brief) {
                    SectionMut::Text(text) => text.clear(),
                    SectionMut::List(mut list) => list.keep_last(0),
                }
            }
            brief.more.push(Omission::AllBut(wanted));
            brief
        }
        Extent::Brief => {
            let mut brief = brief.with_more(Vec::<String>::new());
            let more = fit(&mut brief);
            brief.with_more(more)
        }
    }
}

/// Cuts the long sections until the brief fits, and returns what was left out. Short sections stay whole.
fn fit(brief: &mut Brief<String>) -> Vec<Omission> {
    let mut more = Vec::new();
    let names = [&mut brief.name, &mut brief.plan.name, &mut brief.stage.name, &mut brief.batch.name];
    let others = brief.siblings.iter_mut().map(|sibling| &mut sibling.name);
    let others = others.chain(brief.done_before.iter_mut().map(|done| &mut done.name));
    let mut are_cut = false;
    for name in names.into_iter().chain(others) {
        let length = name.len();
        shorten(name, MAX_NAME_BYTES);
        are_cut |= name.len() != length;
    }
    if are_cut {
        more.push(Omission::LongNames(MAX_NAME_BYTES));
    }
    for done in &mut brief.done_before {
        let short = cut(&done.report);
        if short != done.report {
            done.report = short;
            note(&mut more, Section::DoneBefore, CutTo::ShortReports);
        }
    }
    let sizes = Section::ALL.map(|section| section.of(brief).size());
    let fixed = (size(brief) + more.len() * NOTE_BYTES).saturating_sub(sizes.iter().sum());
    let shares = shares(&sizes, MAX_BYTES.saturating_sub(fixed));
    for (at, section) in Section::ALL.into_iter().enumerate() {
        let share = shares[at].saturating_sub(NOTE_BYTES);
        let to = match section.of(brief) {
            _ if shares[at] >= sizes[at] => continue,
            SectionMut::Text(text) => {
                let of = text.len();
                shorten(text, share);
                CutTo::Start { of }
            }
            SectionMut::List(mut list) => {
                let sizes = list.sizes();
                let mut room = share;
                let fits = |size: &&usize| {
                    let is_room = **size <= room;
                    room = room.saturating_sub(**size);
                    is_room
                };
                // The last entries matter most: they are closest to the thread.
                let kept = sizes.iter().rev().take_while(fits).count();
                list.keep_last(kept);
                CutTo::Last { kept, of: sizes.len() }
            }
        };
        note(&mut more, section, to);
    }
    more
}

/// Adds the note that a section was cut, and replaces an earlier one on the same section.
fn note(more: &mut Vec<Omission>, section: Section, to: CutTo) {
    more.retain(|omission| !matches!(omission, Omission::Cut(cut, _) if *cut == section));
    more.push(Omission::Cut(section, to));
}

/// Returns the length of the JSON of a value, in bytes.
fn size(of: &impl serde::Serialize) -> usize {
    serde_json::to_string(of).map_or(0, |text| text.len())
}

/// Divides the room among sections of these sizes, all in bytes. A section that needs less than its share gets what it
/// needs, and the others share the rest.
fn shares(sizes: &[usize; Section::ALL.len()], mut room: usize) -> [usize; Section::ALL.len()] {
    let mut shares = [0; Section::ALL.len()];
    let mut long: Vec<usize> = (0..sizes.len()).collect();
    loop {
        let weights: usize = long.iter().map(|at| Section::ALL[*at].weight()).sum();
        let share = |at: &usize| room * Section::ALL[*at].weight() / weights.max(1);
        let (fit, rest): (Vec<usize>, Vec<usize>) = long.iter().partition(|at| sizes[**at] <= share(at));
        if fit.is_empty() {
            for at in &rest {
                shares[*at] = share(at);
            }
            return shares;
        }
        for at in fit {
            shares[at] = sizes[at];
            room -= sizes[at];
        }
        long = rest;
    }
}

/// Cuts a text so that its JSON has at most `room` bytes, with an ellipsis at the end.
fn shorten(text: &mut String, room: usize) {
    let mut taken = '…'.len_utf8();
    let too_long = |(_, char): &(usize, char)| {
        taken += match char {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            control if control.is_control() => 6,
            other => other.len_utf8(),
        };
        taken > room
    };
    if let Some((end, _)) = text.char_indices().find(too_long) {
        text.truncate(end);
        text.push('…');
    }
}

/// A section of a brief that can be cut.
enum SectionMut<'b> {
    Text(&'b mut String),
    List(Box<dyn List + 'b>),
}

impl SectionMut<'_> {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => size(text),
            Self::List(list) => list.sizes().iter().sum(),
        }
    }
}

/// A list whose entries can be of any type.
trait List {
    /// Returns the length of the JSON of each entry, with the comma after it.
    fn sizes(&self) -> Vec<usize>;
    fn keep_last(&mut self, number: usize);
}

impl<T: serde::Serialize> List for &mut Vec<T> {
    fn sizes(&self) -> Vec<usize> {
        self.iter().map(|entry| size(entry) + 1).collect()
    }

    fn keep_last(&mut self, number: usize) {
        let gone = self.len().saturating_sub(number);
        self.drain(..gone);
    }
}

impl Section {
    /// Returns the weight of the section when the room is divided. The details say what to do, so they get the most.
    fn weight(self) -> usize {
        if self == Self::Details { 4 } else { 1 }
    }

    fn of<O>(self, brief: &mut Brief<O>) -> SectionMut<'_> {
        SectionMut::Text(match self {
            Self::Details => &mut brief.details,
            Self::Summary => &mut brief.summary,
            Self::Conventions => &mut brief.plan.conventions,
            Self::Batch => &mut brief.batch.summary,
            Self::Definition => &mut brief.stage.definition,
            Self::Constitution => &mut brief.stage.constitution,
            Self::Plan => &mut brief.plan.summary,
            Self::References => &mut brief.plan.references,
            Self::Checks => return SectionMut::List(Box::new(&mut brief.checks)),
            Self::Files => return SectionMut::List(Box::new(&mut brief.files)),
            Self::Answers => return SectionMut::List(Box::new(&mut brief.stage.answers)),
            Self::DoneBefore => return SectionMut::List(Box::new(&mut brief.done_before)),
            Self::EarlierAttempts => return SectionMut::List(Box::new(&mut brief.earlier_attempts)),
            Self::Siblings => return SectionMut::List(Box::new(&mut brief.siblings)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Status;
    use crate::decide::{BatchSummary, BriefPlan, BriefStage, DoneBefore};
    use crate::words::AgentWords;

    fn brief(length: usize) -> Brief {
        let text = |word: &str| word.repeat(length / word.len().max(1));
        Brief {
            thread_id: "01.02.01".into(),
            workstream: "001-a".into(),
            name: "T".into(),
            status: Status::Pending,
            agent: "default".into(),
            attempt: 1,
            summary: text("summary \"ä\" "),
            details: text("details\n"),
            checks: Vec::new(),
            files: Vec::new(),
            plan: BriefPlan {
                name: "P".into(),
                summary: text("plan "),
                conventions: text("house style "),
                references: text("ref "),
            },
            stage: BriefStage {
                number: 1,
                name: "S".into(),
                definition: text("def "),
                constitution: text("con "),
                answers: vec![text("why? so ")],
            },
            batch: BatchSummary { id: "01.02".into(), name: "B".into(), summary: text("batch ") },
            siblings: Vec::new(),
            done_before: (1..20)
                .map(|at| DoneBefore {
                    thread_id: format!("01.01.{at:02}"),
                    name: "D".into(),
                    report: text("done "),
                    artifacts: Vec::new(),
                    next_steps: Vec::new(),
                })
                .collect(),
            earlier_attempts: Vec::new(),
            more: Vec::new(),
        }
    }

    #[test]
    fn a_short_brief_is_not_cut() {
        let whole = brief(20);
        assert_eq!(within(whole.clone(), Extent::Brief), whole);
    }

    #[test]
    fn long_sections_are_cut_with_a_note() {
        for length in [300, 700, 2_000, 10_000, 1_000_000] {
            let cut = within(brief(length), Extent::Brief).worded(&AgentWords::default());
            assert!(size(&cut) <= MAX_BYTES, "{length}: {} bytes", size(&cut));
            assert!(!cut.more.is_empty(), "{length}");
            assert!(cut.details.len() >= (length - 10).min(1_800), "{length}: {} of the details", cut.details.len());
            for more in &cut.more {
                let word = more.split(':').next().unwrap();
                let section = Section::ALL.into_iter().find(|section| section.word() == word).unwrap();
                let whole = within(brief(length), Extent::Section(section)).worded(&AgentWords::default());
                assert!(size(&whole) > 300, "{more}");
                assert!(more.ends_with(&format!("section {word}")), "{more}");
            }
        }
    }

    #[test]
    fn short_sections_stay_whole_beside_long_ones() {
        let mut long = brief(20);
        long.stage.definition = "\u{1}\"ä\n".repeat(9_000);
        let cut = within(long.clone(), Extent::Brief);
        let told = size(&cut.clone().worded(&AgentWords::default()));
        assert!((MAX_BYTES - 200..=MAX_BYTES).contains(&told), "{told} bytes");
        assert_eq!(cut.more, [Omission::Cut(Section::Definition, CutTo::Start { of: 45_000 })]);
        let (definition, more) = (String::new(), Vec::new());
        for brief in [&mut long, &mut cut.clone()] {
            brief.stage.definition.clone_from(&definition);
            brief.more.clone_from(&more);
        }
        assert_eq!(
            Brief { stage: BriefStage { definition: String::new(), ..cut.stage }, more: Vec::new(), ..cut },
            long
        );
    }

    #[test]
    fn a_long_report_is_cut_and_whole_in_its_section() {
        let mut long = brief(20);
        long.done_before[0].report = "r".repeat(2_000);
        let cut = within(long.clone(), Extent::Brief);
        assert_eq!((cut.done_before.len(), cut.done_before[0].report.chars().count()), (19, 300));
        assert_eq!(cut.more, [Omission::Cut(Section::DoneBefore, CutTo::ShortReports)]);
        for extent in [Extent::Section(Section::DoneBefore), Extent::Whole] {
            assert_eq!(within(long.clone(), extent).done_before, long.done_before);
        }
    }

    #[test]
    fn a_section_that_was_asked_for_is_whole_and_alone() {
        let section = within(brief(50_000), Extent::Section(Section::Details));
        assert_eq!(section.details.len(), 50_000);
        assert!(section.summary.is_empty() && section.done_before.is_empty());
        assert_eq!(section.more, [Omission::AllBut(Section::Details)]);
    }
}
