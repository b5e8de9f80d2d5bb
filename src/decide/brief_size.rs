//! How much of a brief a worker is told at once: a model pays for each token, and hosts cut long answers wherever
//! they like. What is too long is left out by field, and the answer says how to get it.

use super::read_thread::Brief;

/// The largest brief that is told at once, in bytes of its JSON.
const MAX_BYTES: usize = 8_000;

/// What stays of a text that is too long, at the least, in bytes.
const KEPT_BYTES: usize = 400;

/// How much of a brief is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// As much as a worker is told at once.
    Brief,
    /// One section as a whole, and no other.
    Section(Section),
    /// All of it: a document for people and programs.
    Whole,
}

/// The parts of a brief that can be long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after the field that it is")]
pub enum Section {
    Details,
    Summary,
    Conventions,
    Batch,
    Definition,
    Constitution,
    Answers,
    Plan,
    References,
    DoneBefore,
    EarlierAttempts,
    Siblings,
}

impl Section {
    /// All sections, what a worker needs most first: the last ones are cut first.
    pub const ALL: [Self; 12] = [
        Self::Details,
        Self::Summary,
        Self::Conventions,
        Self::Batch,
        Self::Definition,
        Self::Constitution,
        Self::Answers,
        Self::EarlierAttempts,
        Self::DoneBefore,
        Self::Plan,
        Self::References,
        Self::Siblings,
    ];

    /// Returns the word by which it is asked for.
    pub fn word(self) -> &'static str {
        match self {
            Self::Details => "details",
            Self::Summary => "summary",
            Self::Conventions => "conventions",
            Self::Batch => "batch",
            Self::Definition => "definition",
            Self::Constitution => "constitution",
            Self::Answers => "answers",
            Self::Plan => "plan",
            Self::References => "references",
            Self::DoneBefore => "done_before",
            Self::EarlierAttempts => "earlier_attempts",
            Self::Siblings => "siblings",
        }
    }
}

/// Returns so much of a brief as is asked for.
pub(super) fn within(mut brief: Brief, extent: Extent) -> Brief {
    match extent {
        Extent::Whole => {}
        Extent::Section(wanted) => {
            for section in Section::ALL.into_iter().filter(|section| *section != wanted) {
                shorten(&mut brief, section, 0);
            }
        }
        Extent::Brief => {
            // What is needed least makes room, as much of it as is too much.
            for section in Section::ALL.into_iter().rev() {
                let over = size(&brief).saturating_sub(MAX_BYTES);
                if over == 0 {
                    break;
                }
                let length = shorten(&mut brief, section, over);
                if let Some(length) = length {
                    let word = section.word();
                    brief.more.push(format!("{word}: {length} bytes in all; call read_thread with section {word}"));
                }
            }
            brief.more.reverse();
        }
    }
    brief
}

fn size(brief: &Brief) -> usize {
    serde_json::to_string(brief).map_or(0, |text| text.len())
}

/// Takes at least so many bytes of a section away, if it has them, and all of it for 0. Returns how long it was, if
/// anything was taken.
fn shorten(brief: &mut Brief, section: Section, over: usize) -> Option<usize> {
    let text = match section {
        Section::Details => &mut brief.details,
        Section::Summary => &mut brief.summary,
        Section::Conventions => &mut brief.plan.conventions,
        Section::Batch => &mut brief.batch.summary,
        Section::Definition => &mut brief.stage.definition,
        Section::Constitution => &mut brief.stage.constitution,
        Section::Plan => &mut brief.plan.summary,
        Section::References => &mut brief.plan.references,
        Section::Answers => return drop_first(&mut brief.stage.answers, over),
        Section::DoneBefore => return drop_first(&mut brief.done_before, over),
        Section::EarlierAttempts => return drop_first(&mut brief.earlier_attempts, over),
        Section::Siblings => return drop_first(&mut brief.siblings, over),
    };
    let length = text.len();
    if over == 0 {
        text.clear();
        return None;
    }
    if length <= KEPT_BYTES {
        return None;
    }
    // What is escaped in JSON takes more than it has here; what says that it was cut takes some, too.
    let mut kept = length.saturating_sub(over + 120).max(KEPT_BYTES).min(length);
    while !text.is_char_boundary(kept) {
        kept -= 1;
    }
    text.truncate(kept);
    text.push('…');
    Some(length)
}

/// Of a list the first entries go: the last ones are nearest to the thread.
fn drop_first<T: serde::Serialize>(list: &mut Vec<T>, over: usize) -> Option<usize> {
    let lengths: Vec<usize> =
        list.iter().map(|entry| serde_json::to_string(entry).map_or(0, |text| text.len())).collect();
    let length: usize = lengths.iter().sum();
    if over == 0 {
        list.clear();
        return None;
    }
    let (mut gone, mut taken) = (0, 0);
    while gone < lengths.len() && taken < over + 120 {
        taken += lengths[gone];
        gone += 1;
    }
    list.drain(..gone);
    (gone > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Status;
    use crate::decide::{BatchSummary, BriefPlan, BriefStage, DoneBefore};

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
                })
                .collect(),
            earlier_attempts: Vec::new(),
            more: Vec::new(),
        }
    }

    #[test]
    fn a_short_brief_is_told_as_it_is() {
        let whole = brief(20);
        assert_eq!(within(whole.clone(), Extent::Brief), whole);
    }

    #[test]
    fn a_long_one_is_cut_where_it_hurts_least_and_says_so() {
        for length in [300, 700, 2_000, 10_000, 1_000_000] {
            let cut = within(brief(length), Extent::Brief);
            assert!(size(&cut) <= MAX_BYTES + 200, "{length}: {} bytes", size(&cut));
            assert!(!cut.more.is_empty(), "{length}");
            assert!(
                cut.details.len() >= (length - 10).min(KEPT_BYTES),
                "{length}: {} of the details",
                cut.details.len()
            );
            for more in &cut.more {
                let word = more.split(':').next().unwrap();
                let section = Section::ALL.into_iter().find(|section| section.word() == word).unwrap();
                let whole = within(brief(length), Extent::Section(section));
                assert!(size(&whole) > 300, "{more}");
                assert!(more.ends_with(&format!("section {word}")), "{more}");
            }
        }
        // The details are cut last.
        let cut = within(brief(2_000), Extent::Brief);
        assert_eq!(cut.details.len(), 2_000);
    }

    #[test]
    fn a_section_is_told_as_a_whole_and_nothing_else() {
        let section = within(brief(50_000), Extent::Section(Section::Details));
        assert_eq!(section.details.len(), 50_000);
        assert!(section.summary.is_empty() && section.done_before.is_empty() && section.more.is_empty());
    }
}
