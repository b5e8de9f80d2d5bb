//! Converts plans of the 0.9 format, which has a PLAN.md and a REQUIREMENTS.md per stage, into one PLAN.md
//! (DESIGN §3).
//!
//! Texts stay byte for byte, except for headings that would become structure.

use std::ops::Range;

use super::label::{Label, label};
use super::lookalike::strip_word;
use super::outline::{Heading, Outline, outline};
use super::parse::parse;
use super::problem::Level;
use super::source::Source;

/// The files in the folder of a stage.
#[derive(Debug, Clone)]
pub struct StagePlan {
    /// The name of the folder, such as `01` or `01-r1`.
    pub folder: String,
    /// The text of its PLAN.md.
    pub plan: String,
    /// The text of its REQUIREMENTS.md, if it has one.
    pub requirements: Option<String>,
}

/// A PLAN.md that was assembled from the plans of stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembled {
    /// The text.
    pub text: String,
    /// What is missing in it or became text, one sentence each.
    pub left: Vec<String>,
}

/// Assembles one PLAN.md from the plans of stages.
///
/// `name` is the name of the plan if the README has none. `origin` says where the plans come from, for the
/// references.
pub fn assemble(name: &str, readme: Option<&str>, stages: &[StagePlan], origin: &str) -> Assembled {
    let readme = Document::new(readme.unwrap_or_default());
    let title = readme.title().unwrap_or_else(|| name.to_owned());
    let mut text = format!("# Plan: {title}\n\n## Summary\n");
    paragraph(&mut text, &readme.section("summary"));
    text.push_str("\n## References\n");
    paragraph(&mut text, &format!("- imported from {origin}"));
    readme.others(&mut text, &["summary"]);
    let mut body = String::new();
    let mut left = Vec::new();
    let mut number = 0_usize;
    for stage in stages {
        let plan = Document::new(&stage.plan);
        if !plan.is_filled() {
            left.push(format!(
                "stages/{}: nobody has filled it in; later stages move up, as they did before",
                stage.folder
            ));
            continue;
        }
        number += 1;
        let name = plan.stage_name(&stage.folder);
        titled(&mut text, &format!("Stage {number}: {name}"), &plan.section("references"));
        body += &format!("\n### Stage {number:02}: {name}\n");
        body += "\n#### Stage Definition\n";
        paragraph(&mut body, &plan.section("summary"));
        body += "\n#### Stage Constitution\n";
        plan.others(&mut body, &["summary", "references", "questions", "batches"]);
        let requirements = Document::new(stage.requirements.as_deref().unwrap_or_default());
        titled(&mut body, "Requirements", &requirements.section("summary"));
        requirements.others(&mut body, &["summary"]);
        body += "\n#### Stage Questions\n";
        paragraph(&mut body, &plan.section("questions"));
        body += "\n#### Stage Batches\n";
        plan.batches(&mut body);
        left.extend(plan.misplaced().into_iter().map(|heading| {
            format!("stages/{}/PLAN.md: {heading:?} stands at a level where it is none; it is text now", stage.folder)
        }));
    }
    let text = text + "\n## Stages\n" + &body;
    // A code block or a comment that is not closed swallows the stages behind it: count what can be read.
    let stages = parse(&text).stages.len();
    if stages < number {
        left.insert(
            0,
            format!(
                "{} of {number} stages: a code block or a comment before them is not closed; fix PLAN.md",
                number - stages
            ),
        );
    }
    Assembled { text, left }
}

/// Appends a paragraph, unless it is empty.
fn paragraph(text: &mut String, paragraph: &str) {
    if !paragraph.is_empty() {
        text.push('\n');
        text.push_str(paragraph);
        text.push('\n');
    }
}

/// Appends a paragraph below a bold title, unless it says nothing.
fn titled(text: &mut String, title: &str, content: &str) {
    if is_meaningful(content) {
        paragraph(text, &format!("**{title}**\n\n{content}"));
    }
}

/// The sections of a README in which version 0.9 explains itself. They are left out.
const SCAFFOLD: [&str; 2] = ["initial layout", "stage planning workflow"];

/// A Markdown text with its outline.
struct Document<'t> {
    text: &'t str,
    outline: Outline,
}

impl<'t> Document<'t> {
    fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { text, outline: outline(text) }
    }

    /// Returns the text of a heading, without comments.
    fn title_of(&self, heading: &Heading) -> String {
        Source::new(self.text, &self.outline).span(heading.content.clone()).trim().to_owned()
    }

    /// Returns the text of the first heading of level 1, unless it is empty.
    fn title(&self) -> Option<String> {
        let heading = self.outline.headings.iter().find(|heading| heading.level == 1)?;
        Some(self.title_of(heading)).filter(|title| !title.is_empty())
    }

    /// Returns the name of a stage: `Discovery` from `# Stage 01 Discovery Plan`. Without one it is named after its
    /// folder.
    fn stage_name(&self, folder: &str) -> String {
        let title = self.title().unwrap_or_default();
        let rest = strip_word(&title, "stage").unwrap_or(&title).trim_start();
        let number = rest.strip_prefix(folder).unwrap_or_else(|| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        let name = number.trim_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '-' | '–' | '—'));
        let words: Vec<&str> = name.split_whitespace().collect();
        let words = match words.as_slice() {
            [head @ .., last] if last.eq_ignore_ascii_case("plan") => head,
            all => all,
        };
        if words.is_empty() { format!("Stage {folder}") } else { words.join(" ") }
    }

    /// Returns the text of a `##` section without comments; empty if there is no such section.
    fn section(&self, title: &str) -> String {
        self.section_range(title).map(|range| self.body(range)).unwrap_or_default()
    }

    /// Writes the text outside of sections, and each section that is not `known` under its title.
    fn others(&self, out: &mut String, known: &[&str]) {
        let sections: Vec<&Heading> = self.outline.headings.iter().filter(|heading| heading.level <= 2).collect();
        let mut seen: Vec<String> = Vec::new();
        if let Some(first) = sections.first().filter(|first| first.level == 2) {
            paragraph(out, &self.unquoted(0..first.range.start));
        }
        for (at, heading) in sections.iter().enumerate() {
            let end = sections.get(at + 1).map_or(self.text.len(), |next| next.range.start);
            let title = self.title_of(heading);
            let name = title.trim_end_matches(':').to_lowercase();
            // `section` reads the first section of a name. A second one of that name is written here.
            let is_known = known.contains(&name.as_str()) && !seen.contains(&name);
            if heading.level == 1 {
                paragraph(out, &self.unquoted(heading.range.end..end));
            } else if !is_known && !SCAFFOLD.contains(&name.as_str()) {
                titled(out, &title, &self.body(heading.range.end..end));
            }
            seen.push(name);
        }
    }

    /// Returns a text without quotations, in which version 0.9 keeps its own notes.
    fn unquoted(&self, range: Range<usize>) -> String {
        let text = self.body(range);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('>')).collect();
        lines.join("\n").trim().to_owned()
    }

    /// Returns the headings that look like batches or threads but are not at the place of one.
    fn misplaced(&self) -> Vec<String> {
        let range = self.section_range("batches").unwrap_or_default();
        let is_meant = |heading: &&Heading| {
            let within = range.contains(&heading.range.start);
            label(&self.title_of(heading)).is_some_and(|label| match label.level {
                Level::Batch => !within || heading.level != 3,
                Level::Thread => !within || heading.level != 4,
                Level::Stage => false,
            })
        };
        self.outline.headings.iter().filter(is_meant).map(|heading| self.title_of(heading)).collect()
    }

    /// Returns the range of the text of a `##` section.
    fn section_range(&self, title: &str) -> Option<Range<usize>> {
        let headings = &self.outline.headings;
        let is_section = |heading: &&Heading| {
            heading.level == 2 && self.title_of(heading).trim_end_matches(':').eq_ignore_ascii_case(title)
        };
        let start = headings.iter().position(|heading| is_section(&heading))?;
        let end = headings[start + 1..].iter().find(|heading| heading.level <= 2);
        Some(headings[start].range.end..end.map_or(self.text.len(), |heading| heading.range.start))
    }

    /// Returns a text in which headings that would be structure in a PLAN.md are bold lines instead.
    fn body(&self, range: Range<usize>) -> String {
        let source = Source::new(self.text, &self.outline);
        let mut pieces = Vec::new();
        let mut at = range.start;
        for heading in self.outline.headings.iter().filter(|heading| range.contains(&heading.range.start)) {
            let title = self.title_of(heading);
            if heading.level <= 4 || label(&title).is_some() {
                pieces.push(source.span(at..heading.range.start));
                pieces.push(if title.is_empty() { title } else { format!("**{title}**") });
                at = heading.range.end;
            }
        }
        pieces.push(source.span(at..range.end));
        pieces.retain(|piece| !piece.is_empty());
        pieces.join("\n\n")
    }

    /// Writes the batches and threads. Their headings get two more hashes than they have here.
    fn batches(&self, out: &mut String) {
        let Some(range) = self.section_range("batches") else { return };
        let within = self.outline.headings.iter().filter(|heading| range.contains(&heading.range.start));
        let parts: Vec<(&Heading, Label)> = within
            .filter_map(|heading| {
                let label = label(&self.title_of(heading))?;
                let is_structure = matches!((heading.level, label.level), (3, Level::Batch) | (4, Level::Thread));
                is_structure.then_some((heading, label))
            })
            .collect();
        paragraph(out, &self.body(range.start..parts.first().map_or(range.end, |(first, _)| first.range.start)));
        for (at, (heading, label)) in parts.iter().enumerate() {
            let end = parts.get(at + 1).map_or(range.end, |(next, _)| next.range.start);
            let (hashes, word) = if label.level == Level::Batch { ("#####", "Batch") } else { ("######", "Thread") };
            // A heading without a number stays without one, so that parsing the plan reports it.
            let number = label.number.map(|number| format!(" {number:02}")).unwrap_or_default();
            *out += &format!("\n{hashes} {word}{number}: {}\n", label.name);
            paragraph(out, &self.body(heading.range.end..end));
        }
    }

    /// Returns whether somebody has written anything into the template of a stage.
    fn is_filled(&self) -> bool {
        let in_batches = self.section_range("batches").unwrap_or_default();
        let is_named = |heading: &Heading| {
            in_batches.contains(&heading.range.start)
                && label(&self.title_of(heading)).is_some_and(|label| !label.name.is_empty())
        };
        ["summary", "references", "questions"].iter().any(|section| is_meaningful(&self.section(section)))
            || self.outline.headings.iter().any(is_named)
    }
}

/// Returns whether a text has more than empty bullets and boxes.
fn is_meaningful(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim().trim_start_matches(['-', '*']).trim();
        !matches!(line, "" | "[ ]" | "[x]" | "[]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: &str = "\
# Stage 01 Foundation Plan

> **Stage:** 01

## Summary

Build the index. <!-- a comment -->

### Not a stage

## References

- src/search.rs

## Risks

- it may be slow

## Questions

- [x] Which tokenizer?
- [ ] Which language?

## Batches

Two of them.

### Batch 01: Ground work

All that the rest needs.

#### Thread 01: Schema @agent:me

**Summary:** Decide.

**Details:**
- one

#### Notes

```md
## Stages
#### Thread 09: not one
```

### Batch 02: Build

#### Thread: without a number
";

    fn stage(folder: &str, plan: &str) -> StagePlan {
        StagePlan { folder: folder.into(), plan: plan.into(), requirements: None }
    }

    #[test]
    fn a_plan_of_stages_becomes_one_plan() {
        let mut first = stage("01", STAGE);
        first.requirements =
            Some("# Stage 01 Requirements\n\n## Deliverables\n\n- an index\n\n## Resources\n\n-\n".into());
        let scaffold = "# Stage 02 Plan\n\n## Summary\n\n<!-- what -->\n\n## Questions\n\n- [ ]\n\n## Batches\n\n\
                        ### Batch 01: <!-- Batch Name -->\n";
        let readme = "# Search\n\n## Summary\n\nFind.\n\n## Resources\n\n- a link\n";
        let last = stage("02-r1", "# Stage 02-r1: Endpoint\n\n## Summary\nAnswer.\n");
        let assembled = assemble("x", Some(readme), &[first, stage("02", scaffold), last], "work/000-x");
        assert_eq!(assembled.left, ["stages/02: nobody has filled it in; later stages move up, as they did before"]);
        insta::assert_snapshot!(assembled.text, @"
        # Plan: Search

        ## Summary

        Find.

        ## References

        - imported from work/000-x

        **Resources**

        - a link

        **Stage 1: Foundation**

        - src/search.rs

        ## Stages

        ### Stage 01: Foundation

        #### Stage Definition

        Build the index.

        **Not a stage**

        #### Stage Constitution

        **Risks**

        - it may be slow

        **Deliverables**

        - an index

        #### Stage Questions

        - [x] Which tokenizer?
        - [ ] Which language?

        #### Stage Batches

        Two of them.

        ##### Batch 01: Ground work

        All that the rest needs.

        ###### Thread 01: Schema @agent:me

        **Summary:** Decide.

        **Details:**
        - one

        **Notes**

        ```md
        ## Stages
        #### Thread 09: not one
        ```

        ##### Batch 02: Build

        ###### Thread: without a number

        ### Stage 02: Endpoint

        #### Stage Definition

        Answer.

        #### Stage Constitution

        #### Stage Questions

        #### Stage Batches
        ");
        let plan = parse(&assembled.text);
        assert_eq!((plan.stages.len(), plan.batches().count(), plan.threads().count()), (2, 2, 1));
        assert_eq!(plan.stages[1].name, "Endpoint");
        assert!(plan.stages[0].batches[0].threads[0].details.contains("#### Thread 09: not one"));
        let problems: Vec<String> = plan.problems.iter().map(|problem| problem.kind.to_string()).collect();
        assert_eq!(
            problems,
            [
                "open question: Which language?",
                "no worker is told this text",
                "this thread heading is in a code block: it is text",
                "batch 01.02 has no threads",
                "this thread has no number, or one that is not allowed",
                "stage 2 has no batches",
            ]
        );
    }

    #[test]
    fn what_could_not_be_converted_is_reported() {
        let plan = "# Stage 01 A\n\nBefore.\n\n## Summary\nx\n\n## Batches\n\n### Batch 01: B\n\n### Thread 01: T\n\n```\nopen\n";
        let assembled = assemble("x", None, &[stage("01", plan), stage("02", "# Stage 02 B\n\n## Summary\ny\n")], "o");
        assert!(assembled.text.contains("\nBefore.\n"));
        assert_eq!(
            assembled.left,
            [
                "1 of 2 stages: a code block or a comment before them is not closed; fix PLAN.md",
                "stages/01/PLAN.md: \"Thread 01: T\" stands at a level where it is none; it is text now",
            ]
        );
    }
}
