//! Reads the fields of a thread that are not texts: its checks, its files, and the threads before it (DESIGN §3).
//!
//! A field ends with its value, so that text below it belongs to the summary or the details again.

use std::ops::Range;

use super::ThreadId;
use super::id::number;
use super::outline::{Block, BlockKind, Marker};
use super::problem::ProblemKind;
use super::source::Source;

/// The longest command of a check, in characters.
const MAX_COMMAND_CHARS: usize = 2_000;

/// A field of a thread that is not a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Check,
    Files,
    After,
}

impl Field {
    /// Returns the field that a word in lower case names.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        match word {
            "check" | "checks" => Some(Self::Check),
            "files" | "file" => Some(Self::Files),
            "after" => Some(Self::After),
            _ => None,
        }
    }

    /// Returns the end of the value of the field whose marker or heading ends at `at`. The value is the rest of its
    /// paragraph or item; where that does not hold it, the block or the list right below. It ends before `bound`.
    pub(super) fn value_end(self, source: &Source<'_>, at: usize, marker: Option<&Marker>, bound: usize) -> usize {
        let own_end = match marker {
            Some(Marker { item_end: Some(end), .. }) => *end,
            Some(marker) => source.outline.block_at(marker.range.start).map_or(at, |block| block.range.end),
            None => at,
        };
        let own_end = own_end.clamp(at, bound);
        let is_said = match self {
            Self::Check => source.outline.codes.iter().any(|(place, _)| (at..own_end).contains(&place.start)),
            Self::Files | Self::After => !source.masked(at..own_end).trim().is_empty(),
        };
        if is_said || marker.is_some_and(|marker| marker.item_end.is_some()) {
            return own_end;
        }
        let rest = source.masked(own_end..bound);
        let below = own_end + rest.len() - rest.trim_start().len();
        let list = source.outline.lists.iter().find(|list| list.contains(&below));
        let end = match (list, source.outline.block_at(below)) {
            (Some(list), _) => list.end,
            (None, Some(Block { kind: BlockKind::Fence, range, .. })) => range.end,
            // A paragraph right below the marker is its value. Without code it is no check but text of the thread.
            (None, Some(Block { kind: BlockKind::Paragraph, range, .. })) if self.is_value(source, range) => range.end,
            _ => own_end,
        };
        end.clamp(own_end, bound)
    }

    fn is_value(self, source: &Source<'_>, paragraph: &Range<usize>) -> bool {
        self != Self::Check || source.outline.codes.iter().any(|(place, _)| paragraph.contains(&place.start))
    }
}

/// Returns the commands in a range: the texts between backticks, and the lines of code blocks (DESIGN §5b). The
/// problems have their offsets.
pub(super) fn commands(source: &Source<'_>, range: &Range<usize>) -> (Vec<String>, Vec<(usize, ProblemKind)>) {
    let mut found: Vec<(usize, String)> = source
        .outline
        .codes
        .iter()
        .filter(|(place, _)| range.contains(&place.start) && !source.outline.is_comment(place.start))
        .map(|(place, code)| (place.start, code.trim().to_owned()))
        .collect();
    for block in fences(source, range) {
        found.extend(lines_of_fence(source, &block.range).into_iter().map(|line| (block.range.start, line)));
    }
    found.sort_by_key(|(at, _)| *at);
    found.retain(|(_, command)| !command.is_empty());
    let mut problems: Vec<(usize, ProblemKind)> = found
        .iter()
        .filter(|(_, command)| command.chars().count() > MAX_COMMAND_CHARS || command.contains('\0'))
        .map(|(at, _)| (*at, ProblemKind::UnreadableCheck))
        .collect();
    if found.is_empty() {
        problems.push((range.start, ProblemKind::CheckWithoutCommand));
    } else if let Some(at) = prose(source, range) {
        problems.push((at, ProblemKind::Unread));
    }
    (found.into_iter().map(|(_, command)| command).collect(), problems)
}

fn fences<'s>(source: &'s Source<'_>, range: &Range<usize>) -> impl Iterator<Item = &'s Block> {
    let range = range.clone();
    let blocks = &source.outline.blocks;
    blocks.iter().filter(move |block| block.kind == BlockKind::Fence && range.contains(&block.range.start))
}

/// Returns the commands of a code block: one per line, without comments, prompts and blank lines. A line that ends with
/// a backslash goes on in the next one.
fn lines_of_fence(source: &Source<'_>, range: &Range<usize>) -> Vec<String> {
    let text = &source.text[range.clone()];
    let mark: String = text.chars().take_while(|c| matches!(c, '`' | '~')).take(3).collect();
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines().skip(1).map(str::trim) {
        let is_end = line.starts_with(&mark) && line.chars().all(|c| mark.starts_with(c));
        if is_end || !goes_on && (line.is_empty() || line.starts_with('#')) {
            continue;
        }
        let line = if goes_on { line } else { line.strip_prefix("$ ").unwrap_or(line) };
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (line, false),
        };
        match commands.last_mut().filter(|_| goes_on) {
            Some(command) => {
                command.push(' ');
                command.push_str(part);
            }
            None => commands.push(part.to_owned()),
        }
        goes_on = more;
    }
    commands
}

/// Returns where the value of a check has words that are no command, and so reach no worker.
fn prose(source: &Source<'_>, range: &Range<usize>) -> Option<usize> {
    let mut text = source.masked(range.clone()).into_bytes();
    let codes = source.outline.codes.iter().map(|(place, _)| place);
    let blocks = fences(source, range).map(|block| &block.range);
    for place in codes.chain(blocks).filter(|place| range.contains(&place.start)) {
        let end = place.end.min(range.end) - range.start;
        text[place.start - range.start..end].fill(b' ');
    }
    let text = String::from_utf8(text).ok()?;
    let is_said = |word: &&str| !matches!(word.to_lowercase().as_str(), "and" | "then" | "run" | "with");
    let word = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).find(is_said)?;
    Some(range.start + word.as_ptr() as usize - text.as_ptr() as usize)
}

/// Returns the paths and globs in a range: the texts between backticks if there are any, else the items of the list, or
/// what stands between commas. The problems have their offsets.
pub(super) fn paths(source: &Source<'_>, range: &Range<usize>) -> (Vec<String>, Vec<(usize, ProblemKind)>) {
    let codes = source.outline.codes.iter().filter(|(place, _)| range.contains(&place.start));
    let mut found: Vec<String> = codes.map(|(_, code)| code.trim().to_owned()).collect();
    for block in fences(source, range) {
        found.extend(lines_of_fence(source, &block.range).iter().filter_map(|line| first_word(line)));
    }
    let mut problems = Vec::new();
    if found.is_empty() {
        let text = source.masked(range.clone());
        for item in items(&text) {
            match path_of(item) {
                Ok(path) => found.extend(path),
                Err(()) => problems.push((range.start, ProblemKind::UnreadableFiles(item.chars().take(60).collect()))),
            }
        }
    } else if let Some(at) = prose(source, range) {
        // Beside backticks a path without them would be lost.
        let text = source.masked(range.clone());
        let is_between = |c: char| c.is_whitespace() || c == ',';
        let words = text.split('`').step_by(2).flat_map(|text| text.split(is_between));
        if let Some(word) = words.into_iter().find(|word| looks_like_path(word)) {
            problems.push((at, ProblemKind::UnreadableFiles(word.chars().take(60).collect())));
        }
    }
    let mut seen = std::collections::HashSet::new();
    let paths = found.into_iter().map(|path| plain_path(&path)).filter(|path| !path.is_empty());
    (paths.filter(|path| seen.insert(path.clone())).collect(), problems)
}

fn first_word(text: &str) -> Option<String> {
    text.split_whitespace().next().map(str::to_owned)
}

/// Returns the parts of a text between commas, semicolons and line ends, but not those between braces.
fn items(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let is_end = |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '\n' || depth == 0 && matches!(c, ',' | ';')
    };
    let parts = text.split(is_end).flat_map(|item| item.split(" and ")).map(without_mark);
    parts.filter(|item| !item.is_empty()).collect()
}

/// Returns an item without the mark of a list or a checkbox before it.
fn without_mark(item: &str) -> &str {
    let item = item.trim();
    let digits = item.trim_start_matches(|c: char| c.is_ascii_digit());
    let item = match (item.strip_prefix(['-', '*', '+']), digits.strip_prefix(['.', ')'])) {
        (Some(rest), _) if rest.starts_with(' ') => rest,
        (_, Some(rest)) if digits.len() < item.len() && rest.starts_with(' ') => rest,
        _ => item,
    };
    let item = item.trim();
    ["[ ] ", "[x] ", "[X] "].iter().find_map(|mark| item.strip_prefix(mark)).unwrap_or(item).trim()
}

/// Returns the path that an item names without backticks; `None`: it says that there is none.
///
/// # Errors
///
/// If it is not clear which path is meant.
fn path_of(item: &str) -> Result<Option<String>, ()> {
    let whole = item.trim_end_matches('.').to_lowercase();
    if matches!(whole.as_str(), "none" | "none yet" | "n/a" | "tbd" | "any" | "all" | "-" | "nothing") {
        return Ok(None);
    }
    // What follows a path is a remark: `src/a.rs (new)`, `src/a.rs: the parser`.
    let (first, rest) = item.split_once(char::is_whitespace).unwrap_or((item, ""));
    let rest = rest.trim_start();
    let (path, is_remark) = match first.strip_suffix(':') {
        Some(path) => (path, true),
        None => (first, rest.is_empty() || rest.starts_with(['(', '-', '–', '—', '#'])),
    };
    let is_path =
        looks_like_path(path) || rest.is_empty() && path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if is_remark && is_path { Ok(Some(path.to_owned())) } else { Err(()) }
}

fn looks_like_path(word: &str) -> bool {
    word.contains(['/', '*'])
        || word.trim_end_matches('.').rsplit_once('.').is_some_and(|(name, end)| {
            (!name.is_empty() || word.starts_with('.')) && !end.is_empty() && end.chars().all(char::is_alphanumeric)
        })
}

/// Returns a path from the root of the workspace on, without quotes, lines and a dot at the end of a sentence.
fn plain_path(path: &str) -> String {
    let path = path.trim_matches(|c| matches!(c, '"' | '\''));
    let path = path
        .rsplit_once(':')
        .filter(|(_, line)| line.starts_with(|c: char| c.is_ascii_digit()))
        .map_or(path, |(path, _)| path);
    let path = path.strip_suffix('.').filter(|path| !path.is_empty() && !path.ends_with(['.', '/'])).unwrap_or(path);
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let mut plain = path.to_owned();
    while plain.contains("//") {
        plain = plain.replace("//", "/");
    }
    if matches!(plain.as_str(), "" | ".") { "**".to_owned() } else { plain }
}

/// Returns the threads that are named in a range, such as `01.02.01, 01.02.03`, `Thread 2 and 3` or `none`. `own` is the
/// thread that waits for them: a number alone is a thread of its batch.
///
/// # Errors
///
/// The text, if a part of it is no thread. It has at most 60 characters.
pub(super) fn predecessors(text: &str, own: ThreadId) -> Result<Vec<ThreadId>, String> {
    let mut found = Vec::new();
    let mut numbers_alone = false;
    // What stands in parentheses is a remark: `01.01.01 (Schema)`.
    let mut depth = 0_usize;
    let bare: String = text
        .chars()
        .map(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ if depth == 0 => return c,
                _ => {}
            }
            ' '
        })
        .collect();
    // The mark of a list item is no dash between threads.
    let bare = bare.lines().map(|line| line.trim().trim_start_matches(['-', '*', '+'])).collect::<Vec<_>>().join(",");
    // Where there is nothing but a remark, it is the value.
    let bare = if bare.trim_matches([' ', ',']).is_empty() { text.replace(['(', ')'], " ") } else { bare };
    let unclear = || Err(text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect());
    let is_between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '`' | '*' | '&' | '[' | ']' | '#');
    for word in bare.split(is_between).map(|word| word.trim_end_matches(['.', ':'])).filter(|word| !word.is_empty()) {
        let in_batch = || number(word).filter(|_| numbers_alone || text.trim() == word);
        if let Ok(id) = word.parse::<ThreadId>() {
            found.push(id);
        } else if let Some(number) = in_batch() {
            found.push(ThreadId { batch: own.batch, number });
        } else {
            match word.to_lowercase().as_str() {
                "thread" | "threads" => numbers_alone = true,
                // Between two threads a dash could mean all of those between them.
                "-" | "–" | "—" if !found.is_empty() => return unclear(),
                "and" | "+" | "-" | "–" | "—" | "none" | "nothing" | "n/a" => {}
                _ => return unclear(),
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::BatchId;
    use super::super::StageNumber;
    use super::*;

    #[test]
    fn predecessors_in_the_ways_that_people_write_them() {
        let batch = BatchId { stage: StageNumber(1), number: 2 };
        let own = ThreadId { batch, number: 3 };
        for (text, wanted) in [
            ("01.02.01", "01.02.01"),
            ("1.2.1, 1.2.2", "01.02.01 01.02.02"),
            ("`01.02.02` and `01.02.01`", "01.02.01 01.02.02"),
            ("- 01.02.01\n- 01.02.02 (Rows)", "01.02.01 01.02.02"),
            ("Thread 1", "01.02.01"),
            ("Threads 1 and 2.", "01.02.01 01.02.02"),
            ("2", "01.02.02"),
            ("(01.02.01)", "01.02.01"),
            ("none", ""),
            ("", ""),
        ] {
            let found = predecessors(text, own).unwrap();
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), wanted, "{text}");
        }
        for text in ["the parser", "01.02.01 and Parser", "1.2", "01.02.01 - 01.02.03", "01.02.01 – 01.02.03"] {
            assert_eq!(predecessors(text, own), Err(text.to_owned()));
        }
    }

    fn shown(body: &str) -> String {
        let text = format!(
            "# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n###### Thread 1: A\n{body}\n\
             ###### Thread 2: Z\n**Summary:** s\n\n**Details:** d\n"
        );
        let plan = super::super::parse(&text);
        let thread = plan.threads().next().unwrap();
        let problems: Vec<String> = plan
            .problems
            .iter()
            .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.kind))
            .collect();
        let after: Vec<String> = thread.after.iter().map(ToString::to_string).collect();
        format!(
            "{:?} | {:?}\n  checks {:?} files {:?} after {after:?} {problems:?}",
            thread.summary, thread.details, thread.checks, thread.files
        )
    }

    #[test]
    fn fields_are_read_where_people_write_them_and_no_text_is_lost() {
        let text = "**Summary:** s\n\n**Details:** d\n\n";
        let all: Vec<String> = [
            "**Check:** `cargo test`\n\nmore details",
            "**Check:** `cargo test` and `cargo clippy -- -D warnings`",
            "**Checks:**\n```sh\n# first\n$ cargo build \\\n    --release\n\nmake check\n```\nmore",
            "**Check:**\n\n- `a`\n- `b`\n\nmore",
            "- **Check:** `a | b`\n- **Files:** `src/a.rs`, `src/b/`\n- **After:** 01.01.02",
            "**Files:** src/a.rs, ./src/b.rs (new)\n**After:** thread 2\n**Check:** ``echo `x` ``",
            "**Files:**\n- src/*.rs\n- docs/\n\n**After:** none",
            "\n#### Check\n\n`a`\n\nmore",
            "**Check:** the tests pass",
            "**Check:** `a` passes on Linux",
            "**Check:**\n\nmore details without a command",
            "**After:** the parser",
            "**After:** 01.01.09, 01.01.01",
            "Check: this is prose, and **Check:** inside a line too",
            "```\n**Check:** `no`\n```",
        ]
        .into_iter()
        .map(|fields| format!("{fields:?}\n  {}", shown(&format!("{text}{fields}"))))
        .collect();
        insta::assert_snapshot!(all.join("\n"), @r#"
        "**Check:** `cargo test`\n\nmore details"
          "s" | "d\n\nmore details"
          checks ["cargo test"] files [] after [] []
        "**Check:** `cargo test` and `cargo clippy -- -D warnings`"
          "s" | "d"
          checks ["cargo test", "cargo clippy -- -D warnings"] files [] after [] []
        "**Checks:**\n```sh\n# first\n$ cargo build \\\n    --release\n\nmake check\n```\nmore"
          "s" | "d\n\nmore"
          checks ["cargo build --release", "make check"] files [] after [] []
        "**Check:**\n\n- `a`\n- `b`\n\nmore"
          "s" | "d\n\nmore"
          checks ["a", "b"] files [] after [] []
        "- **Check:** `a | b`\n- **Files:** `src/a.rs`, `src/b/`\n- **After:** 01.01.02"
          "s" | "d"
          checks ["a | b"] files ["src/a.rs", "src/b/"] after ["01.01.02"] []
        "**Files:** src/a.rs, ./src/b.rs (new)\n**After:** thread 2\n**Check:** ``echo `x` ``"
          "s" | "d"
          checks ["echo `x`"] files ["src/a.rs", "src/b.rs"] after ["01.01.02"] []
        "**Files:**\n- src/*.rs\n- docs/\n\n**After:** none"
          "s" | "d"
          checks [] files ["src/*.rs", "docs/"] after [] []
        "\n#### Check\n\n`a`\n\nmore"
          "s" | "d\n\nmore"
          checks ["a"] files [] after [] []
        "**Check:** the tests pass"
          "s" | "d"
          checks [] files [] after [] ["10:1 this check has no command"]
        "**Check:** `a` passes on Linux"
          "s" | "d"
          checks ["a"] files [] after [] ["10:16 no worker is told this text"]
        "**Check:**\n\nmore details without a command"
          "s" | "d\n\nmore details without a command"
          checks [] files [] after [] ["10:1 this check has no command"]
        "**After:** the parser"
          "s" | "d"
          checks [] files [] after [] ["10:1 `the parser` names no thread"]
        "**After:** 01.01.09, 01.01.01"
          "s" | "d"
          checks [] files [] after ["01.01.01", "01.01.09"] ["10:1 this waits for thread 01.01.09, which the plan does not have", "10:1 this thread waits for itself"]
        "Check: this is prose, and **Check:** inside a line too"
          "s" | "d\n\nCheck: this is prose, and **Check:** inside a line too"
          checks [] files [] after [] []
        "```\n**Check:** `no`\n```"
          "s" | "d\n\n```\n**Check:** `no`\n```"
          checks [] files [] after [] []
        "#);
    }

    #[test]
    fn a_circle_and_files_in_common_are_problems() {
        let text = "# Plan: P\n## Stages\n### Stage 1: S\n##### Batch 1: B\n\
            ###### Thread 1: A\n**Summary:** s\n\n**Details:** d\n\n**After:** 1.1.3\n**Files:** src/**\n\
            ###### Thread 2: B\n**Summary:** s\n\n**Details:** d\n\n**After:** 1.1.1\n**Files:** src/a.rs\n\
            ###### Thread 3: C\n**Summary:** s\n\n**Details:** d\n\n**After:** 1.1.2, 1.2.1\n\
            ###### Thread 4: D\n**Summary:** s\n\n**Details:** d\n\n**Files:** `src/a.rs`\n\
            ##### Batch 2: Z\n###### Thread 1: E\n**Summary:** s\n\n**Details:** d\n\n**After:** 1.1.4\n";
        let plan = super::super::parse(text);
        let problems: Vec<String> = plan
            .problems
            .iter()
            .map(|problem| format!("{}:{}: {} -> {}", problem.line, problem.column, problem.kind, problem.kind.help()))
            .collect();
        insta::assert_snapshot!(problems.join("\n"), @r#"
        10:1: these threads wait for each other: 01.01.01, 01.01.02, 01.01.03 -> remove one of their `**After:**`
        24:1: this waits for thread 01.02.01, which runs in a later batch -> batches run one after another: move one of the two threads
        30:1: `src/a.rs` may be changed by thread 01.01.01 at the same time -> nothing to do, if they do not touch the same lines; else write `**After:** 01.01.01`, or give each its own files
        "#);
    }

    #[test]
    fn a_stage_has_checks_of_its_own() {
        let text = "# Plan: P\n## Stages\n### Stage 1: S\n#### Stage Checks\n\n```\nmake all\n```\n\n#### Batches\n\
            ##### Batch 1: B\n###### Thread 1: A\n**Summary:** s\n\n**Details:** d\n";
        let plan = super::super::parse(text);
        assert_eq!(plan.stages[0].checks, ["make all"]);
        assert_eq!(plan.problems, []);
    }
}
