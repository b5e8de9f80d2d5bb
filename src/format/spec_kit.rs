//! The format of the tasks.md of GitHub's spec-kit: tasks with a box and an id, below headings that are mostly called
//! phases. It is read for an import, and must never be written.
//!
//! The format is prose that a model wrote after a template, so everything that is no task is kept as text.

use crate::plan::tidy;

/// A tasks.md.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TasksMd {
    /// The text of its first heading, without `Tasks:`; empty if it has none.
    pub(crate) title: String,
    /// The text above the first section.
    pub(crate) preface: String,
    /// What its headings divide it into, in order.
    pub(crate) sections: Vec<Section>,
    /// Whether it begins with settings between lines of dashes.
    pub(crate) has_front_matter: bool,
    /// How many HTML comments it has. They are not read.
    pub(crate) comments: usize,
}

/// A phase, or another section of the same level.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) title: String,
    /// The section by its sub-headings. The first part has what stands above them, and no title.
    pub(crate) parts: Vec<Part>,
}

/// What stands below a sub-heading.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) title: String,
    /// The text above its first task.
    pub(crate) intro: String,
    pub(crate) tasks: Vec<Task>,
    /// The text behind its tasks, such as a checkpoint.
    pub(crate) notes: String,
}

/// A task: `- [ ] T012 [P] [US1] Create the model in src/models/user.py`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) tick: Tick,
    /// Whether it has the mark `[P]`.
    pub(crate) is_parallel: bool,
    /// Its other marks, such as `US1`.
    pub(crate) labels: Vec<String>,
    /// Its first paragraph.
    pub(crate) text: String,
    /// What else stands below it, without its indentation.
    pub(crate) body: String,
}

/// What the box of a task says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    #[default]
    Open,
    Done,
    /// The task is struck out, and has no tick.
    StruckOut,
    /// The format knows no such box.
    Other(char),
}

impl TasksMd {
    /// Returns the sections that have tasks.
    pub(crate) fn phases(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.has_tasks())
    }
}

impl Section {
    pub(crate) fn has_tasks(&self) -> bool {
        self.parts.iter().any(|part| !part.tasks.is_empty())
    }

    /// Returns the text of the section without its tasks. Sub-headings are lines in bold.
    pub(crate) fn text(&self) -> String {
        let mut texts = Vec::new();
        for Part { title, intro, notes, .. } in &self.parts {
            let title = if title.is_empty() { String::new() } else { format!("**{title}**") };
            texts.extend([title, intro.clone(), notes.clone()]);
        }
        texts.retain(|text| !text.is_empty());
        texts.join("\n\n")
    }
}

/// Reads a tasks.md; `None` if it has no task.
pub(crate) fn read(text: &str) -> Option<TasksMd> {
    let text = tidy(text);
    let (text, has_front_matter) = without_front_matter(&text);
    let (lines, comments) = lines(text);
    let top = top_level(&lines);
    let mut reader = Reader { read: TasksMd { has_front_matter, comments, ..TasksMd::default() }, ..Reader::default() };
    for line in &lines {
        reader.line(line, top);
    }
    reader.end_task();
    reader.read.preface = tidy(&reader.read.preface);
    for part in reader.read.sections.iter_mut().flat_map(|section| &mut section.parts) {
        part.intro = tidy(&part.intro);
        part.notes = tidy(&part.notes);
    }
    reader.read.phases().next()?;
    Some(reader.read)
}

fn without_front_matter(text: &str) -> (&str, bool) {
    let rest = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    // Front matter holds settings, one `key: value` per line; a rule below a rule can have text between.
    match rest {
        Some((settings, rest)) if settings.lines().all(|line| line.trim().is_empty() || line.contains(':')) => {
            (rest, true)
        }
        _ => (text, false),
    }
}

/// A line without its comments.
struct Line {
    text: String,
    /// Whether it is a line of a code block, or one of its fences.
    is_code: bool,
    /// Its level and its text, if it is a heading.
    heading: Option<(usize, String)>,
}

/// Returns the lines of a text without HTML comments, and the number of those. A comment that is not closed takes the
/// rest of the text, as in Markdown.
fn lines(text: &str) -> (Vec<Line>, usize) {
    let (mut lines, mut comments) = (Vec::new(), 0);
    let mut fence: Option<String> = None;
    let mut in_comment = false;
    for whole in text.lines() {
        if let Some(open) = &fence {
            let mark = fence_of(whole);
            let is_end = mark.is_some_and(|mark| mark.starts_with(open.as_str()) && whole.trim() == mark);
            lines.push(Line { text: whole.to_owned(), is_code: true, heading: None });
            if is_end {
                fence = None;
            }
            continue;
        }
        let was_comment = in_comment;
        let mut text = String::new();
        let mut rest = whole;
        loop {
            if in_comment {
                let Some(end) = rest.find("-->") else { break };
                (in_comment, rest) = (false, &rest[end + 3..]);
            }
            let start = rest.match_indices("<!--").map(|(at, _)| at);
            // Between backticks it is code.
            let Some(start) = start.into_iter().find(|at| rest[..*at].matches('`').count() % 2 == 0) else {
                text.push_str(rest);
                break;
            };
            text.push_str(&rest[..start]);
            (in_comment, rest) = (true, &rest[start + 4..]);
            comments += 1;
        }
        // A line that was nothing but a comment would tear a paragraph apart.
        if text.trim().is_empty() && (was_comment || !whole.trim().is_empty()) {
            continue;
        }
        fence = fence_of(&text).map(str::to_owned);
        lines.push(Line { is_code: fence.is_some(), heading: heading(&text), text });
    }
    (lines, comments)
}

/// Returns the marks of the fence that a line is.
fn fence_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let width = line.len() - line.trim_start_matches(mark).len();
    (width >= 3 && !(mark == '`' && line[width..].contains('`'))).then_some(&line[..width])
}

fn heading(line: &str) -> Option<(usize, String)> {
    let bare = line.trim_start_matches(' ');
    let title = bare.trim_start_matches('#');
    let level = bare.len() - title.len();
    let is_heading = line.len() - bare.len() < 4 && (1..=6).contains(&level);
    // Models forget the space. `#1` is no heading, but nobody writes `##Phase` and means anything else.
    let is_glued = level > 1 && title.starts_with(char::is_alphanumeric);
    if !is_glued && !title.starts_with([' ', '\t']) {
        return None;
    }
    let title = title.trim().trim_end_matches('#').trim();
    is_heading.then(|| (level, title.trim_matches('*').trim().to_owned()))
}

/// Returns whether a heading is one of a phase.
fn is_phase(title: &str) -> bool {
    let word = title.trim_start_matches(|c: char| !c.is_alphanumeric());
    word.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("phase")) && !word[5..].starts_with(char::is_alphabetic)
}

/// Returns the level of the headings that divide the text into sections: that of the phases. Without phases it is the
/// highest one below the title that has several headings or any task.
fn top_level(lines: &[Line]) -> usize {
    let headings = || lines.iter().filter_map(|line| line.heading.as_ref());
    let phase = headings().find(|(level, title)| *level > 1 && is_phase(title)).map(|(level, _)| *level);
    phase.unwrap_or_else(|| headings().map(|(level, _)| *level).filter(|level| *level > 1).min().unwrap_or(2))
}

/// The state of reading the lines.
#[derive(Default)]
struct Reader {
    read: TasksMd,
    has_title: bool,
    /// The task whose lines are read, with its indentation and its lines so far.
    task: Option<(Task, usize, Vec<String>)>,
    is_task_in_code: bool,
}

impl Reader {
    fn line(&mut self, line: &Line, top: usize) {
        if let Some((level, title)) = &line.heading {
            self.end_task();
            let title = title.clone();
            if *level == 1 && !self.has_title && self.read.sections.is_empty() {
                self.has_title = true;
                self.read.title = without_tasks(&title);
            } else if *level <= top {
                self.read.sections.push(Section { title, parts: vec![Part::default()] });
            } else {
                self.section().parts.push(Part { title, ..Part::default() });
            }
            return;
        }
        if !line.is_code
            && let Some((indent, task)) = task(&line.text)
        {
            self.end_task();
            self.section();
            self.task = Some((task, indent, Vec::new()));
            return;
        }
        if let Some((_, indent, lines)) = &mut self.task {
            if goes_on(line, *indent, lines, self.is_task_in_code) {
                self.is_task_in_code = line.is_code;
                lines.push(line.text.clone());
                return;
            }
            self.end_task();
        }
        let text = match self.read.sections.last_mut().and_then(|section| section.parts.last_mut()) {
            None => &mut self.read.preface,
            Some(Part { intro, tasks, .. }) if tasks.is_empty() => intro,
            Some(Part { notes, .. }) => notes,
        };
        // A rule only divides what headings divide already.
        if line.is_code || !is_rule(&line.text) {
            text.push_str(&line.text);
            text.push('\n');
        }
    }

    /// Returns the section that is read. Tasks above the first heading get one without a title.
    fn section(&mut self) -> &mut Section {
        let sections = &mut self.read.sections;
        if sections.is_empty() {
            sections.push(Section { title: String::new(), parts: vec![Part::default()] });
        }
        let last = sections.len() - 1;
        &mut sections[last]
    }

    /// Ends the task that is read, and puts it into the last part.
    fn end_task(&mut self) {
        self.is_task_in_code = false;
        let Some((mut task, _, lines)) = self.task.take() else { return };
        let is_first = |line: &&String| !line.trim().is_empty() && !begins_block(line);
        let first = lines.iter().take_while(is_first).count();
        for line in &lines[..first] {
            task.text.push('\n');
            task.text.push_str(line.trim());
        }
        let body = &lines[first..];
        let indent = |line: &String| line.len() - line.trim_start().len();
        let least = body.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
        let body: Vec<&str> = body.iter().map(|line| line.get(least..).unwrap_or_else(|| line.trim_start())).collect();
        task.body = tidy(&body.join("\n"));
        if let Some(part) = self.section().parts.last_mut() {
            part.tasks.push(task);
        }
    }
}

/// Returns whether a line belongs to the task above it: it is indented more than the task, or goes on with its paragraph.
fn goes_on(line: &Line, indent: usize, lines: &[String], is_in_code: bool) -> bool {
    let text = &line.text;
    if text.trim().is_empty() || line.is_code && is_in_code {
        return true;
    }
    let is_deeper = text.len() - text.trim_start().len() > indent;
    let is_paragraph = lines.iter().all(|line| !line.trim().is_empty() && !begins_block(line));
    is_deeper || is_paragraph && !line.is_code && !begins_block(text)
}

/// Returns whether a line cannot go on with a paragraph: it begins a list, a quotation, a table, a field or a code block.
fn begins_block(line: &str) -> bool {
    let line = line.trim_start();
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    is_rule(line)
        || line.starts_with(['>', '|', '#'])
        || line.starts_with("**")
        || ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
        || digits.len() < line.len() && digits.starts_with([')', '.'])
        || fence_of(line).is_some()
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && ['-', '*', '_'].iter().any(|mark| line.chars().all(|c| c == *mark))
}

/// Returns the name of a feature: `User login` from `Tasks: User login`.
fn without_tasks(title: &str) -> String {
    for word in ["tasks", "task list"] {
        if let Some(head) = title.get(..word.len())
            && head.eq_ignore_ascii_case(word)
            && let Some(name) = title[word.len()..].trim_start().strip_prefix([':', '-', '–', '—', '：'])
        {
            return name.trim().to_owned();
        }
    }
    title.to_owned()
}

/// Reads a line with a task: its indentation, and the task without what stands below it.
fn task(line: &str) -> Option<(usize, Task)> {
    let bare = line.trim_start();
    let digits = bare.trim_start_matches(|c: char| c.is_ascii_digit());
    let item =
        if digits.len() < bare.len() { digits.strip_prefix(['.', ')'])? } else { bare.strip_prefix(['-', '*', '+'])? };
    let mut signs = item.trim_start().strip_prefix('[')?.chars();
    let sign = signs.next()?;
    let rest = signs.as_str().strip_prefix(']')?.trim_start();
    let is_struck = rest.starts_with("~~");
    let marks = rest.len() - rest.trim_start_matches(['*', '_', '`', '~']).len();
    let (emphasis, rest) = rest.split_at(marks);
    let (id, rest) = id(rest)?;
    // The emphasis ends behind the id, behind the marks, or at the end of a title.
    let mut rest = rest.to_owned();
    if !emphasis.is_empty() {
        let end: String = emphasis.chars().rev().collect();
        rest = rest.replacen(&end, "", 1);
    }
    let mut task = Task { id: id.to_owned(), ..Task::default() };
    let mut text = rest.trim_start_matches([':', '.', '-', '–', '—', ' ', '\t']);
    while let Some((label, behind)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        && !behind.starts_with('(')
        && label.chars().count() <= 24
    {
        if label.eq_ignore_ascii_case("p") {
            task.is_parallel = true;
        } else {
            task.labels.push(label.trim().to_owned());
        }
        text = behind.trim_start_matches([':', '-', '–', '—', ' ', '\t']);
    }
    let text = text.trim_end();
    let text = match text.strip_suffix("[P]") {
        Some(text) => {
            task.is_parallel = true;
            text.trim_end()
        }
        None => text,
    };
    text.clone_into(&mut task.text);
    task.tick = match sign {
        'x' | 'X' | '✓' | '✔' | '✅' => Tick::Done,
        _ if is_struck => Tick::StruckOut,
        ' ' => Tick::Open,
        other => Tick::Other(other),
    };
    Some((line.len() - bare.len(), task))
}

/// Returns the id at the start of a text, such as `T012`, `T012a` or `T012.1`, and what stands behind it.
pub(crate) fn id(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('T')?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    if behind.len() == rest.len() {
        return None;
    }
    let mut behind = behind.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(behind);
    while let Some(part) = behind.strip_prefix('.')
        && part.starts_with(|c: char| c.is_ascii_digit())
    {
        behind = part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let is_whole = !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    is_whole.then(|| text.split_at(text.len() - behind.len()))
}

#[cfg(test)]
#[path = "spec_kit_tests.rs"]
mod tests;
