//! Recognises the headings of the parts of a plan and of its stages, such as `## Summary` and
//! `#### Stage Definition`.

/// A part of the plan or of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Summary,
    Conventions,
    References,
    Stages,
    Definition,
    Constitution,
    Questions,
    Checks,
    Batches,
}

/// The texts of headings, in lower case and without `stage `, and the parts that they name.
const PARTS: [(&str, Part); 13] = [
    ("summary", Part::Summary),
    ("conventions", Part::Conventions),
    ("references", Part::References),
    ("stages", Part::Stages),
    ("definition", Part::Definition),
    ("constitution", Part::Constitution),
    ("questions", Part::Questions),
    ("open questions", Part::Questions),
    ("unresolved questions", Part::Questions),
    ("questions and answers", Part::Questions),
    ("checks", Part::Checks),
    ("batches", Part::Batches),
    ("threads", Part::Batches),
];

/// Returns the part that a heading names, and whether the heading begins with `Stage`. Only parts of a stage may.
pub(super) fn part(title: &str) -> Option<(Part, bool)> {
    let title = title.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let (title, of_stage) = match title.strip_prefix("stage ") {
        Some(rest) => (rest.trim(), true),
        None => (title.as_str(), false),
    };
    let (_, part) = PARTS.into_iter().find(|(known, _)| *known == title)?;
    Some((part, of_stage)).filter(|(part, of_stage)| part.is_of_stage() || !of_stage)
}

/// Returns whether a title is about questions, in any words: `Questions for the user`.
pub(super) fn is_about_questions(title: &str) -> bool {
    let mut words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    title.len() < 80
        && words.clone().count() <= 8
        && words.any(|word| word.eq_ignore_ascii_case("question") || word.eq_ignore_ascii_case("questions"))
}

impl Part {
    /// Returns whether this is a part of a stage.
    pub(super) fn is_of_stage(self) -> bool {
        matches!(self, Self::Definition | Self::Constitution | Self::Questions | Self::Checks | Self::Batches)
    }
}
