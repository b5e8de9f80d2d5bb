//! The page of `work validate`: problems as compilers print them, with the line of PLAN.md.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::super::page::{Page, Tone, WIDTH, one_line, printable, wrapped};
use super::counts;
use crate::decide::{Finding, Validation};
use crate::wording::count;

/// Returns a problem of PLAN.md with its place and its help, in lines that fit the page. Line and column count from 1.
pub(in crate::cli) fn problem(workstream: &str, line: usize, column: usize, message: &str, help: &str) -> String {
    let told = format!("work/{workstream}/PLAN.md:{line}:{column}: {}", one_line(message));
    let mut text = String::new();
    for (text_to_wrap, first, next) in [(told, "  ", "    "), (format!("help: {help}"), "    ", "          ")] {
        for (at, line) in wrapped(&text_to_wrap, next.len()).into_iter().enumerate() {
            let _ = writeln!(text, "{}{line}", if at == 0 { first } else { next });
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Writes all problems, and how many there are. `flags` are those that a suggested command must repeat.
pub(in crate::cli) fn write(page: &mut Page, validation: &Validation, flags: &str) {
    let path = format!("work/{}/PLAN.md", validation.workstream);
    for finding in &validation.problems {
        let (word, tone) = if finding.forbids_approval { ("error", Tone::Bad) } else { ("warning", Tone::Busy) };
        let drawn = draw(&path, finding);
        // The drawing begins with the level, which gets its colour here: the renderer adds none.
        page.paint(tone, word);
        let _ = write!(page, "{}\n\n", drawn.strip_prefix(word).unwrap_or(&drawn));
    }
    let errors = validation.problems.iter().filter(|finding| finding.forbids_approval).count();
    let warnings = validation.problems.len() - errors;
    if validation.problems.is_empty() {
        let _ = write!(page, "{path}: no problems in {}", counts(validation.counts));
        return;
    }
    let _ = write!(page, "{path}: {}, {}", count(errors, "error", "errors"), count(warnings, "warning", "warnings"));
    if errors == 0 {
        let _ = write!(page, "; it can be approved");
    }
    let certain = validation.problems.iter().filter(|finding| finding.fix.is_some()).count();
    if certain > 0 {
        let _ = write!(page, "\nwork validate --fix{flags} fixes {certain} of them");
    }
}

/// Returns a problem drawn with its line of PLAN.md and carets below.
fn draw(path: &str, finding: &Finding) -> String {
    // Make the line printable before the place of the carets is worked out, so that they stand below the right
    // characters.
    let source = printable(&finding.source).replace('\t', " ");
    let start = source.char_indices().nth(finding.column.saturating_sub(1)).map_or(source.len(), |(at, _)| at);
    // The carets mark the rest of the line, but of an agent only its name.
    let is_agent = source[start..].starts_with("@agent:");
    let end = source[start..].find(|c: char| is_agent && c.is_whitespace()).map_or(source.len(), |at| start + at);
    let end = source[..end].trim_end().len().max(start);
    let mut snippet = Snippet::source(&source).path(path).line_start(finding.line);
    snippet = snippet.annotation(AnnotationKind::Primary.span(start..end));
    let level = if finding.forbids_approval { Level::ERROR } else { Level::WARNING };
    let message = one_line(&finding.message);
    let group = level.primary_title(message).element(snippet).element(Level::HELP.message(finding.help.as_str()));
    Renderer::plain().term_width(WIDTH).render(&[group])
}
