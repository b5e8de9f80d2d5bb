//! Compares the paths and globs of `**Files:**` (DESIGN §5c).

use fast_glob::glob_match;

use crate::path_style::PathStyle;

/// Returns whether a path lies within one of the patterns. A pattern is a path, a folder with all below it, or a glob.
/// One without a slash names files in every folder, as in `.gitignore`. `style` is that of the patterns; the path has `/`,
/// as git writes it.
pub fn touches(patterns: &[String], path: &str, style: PathStyle) -> bool {
    let path = path.trim_start_matches("./");
    patterns.iter().any(|pattern| is_within(&style.portable(pattern), path))
}

fn is_within(pattern: &str, path: &str) -> bool {
    let folder = pattern.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    path == folder
        || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        || glob_match(pattern, path)
        || is_glob(folder) && glob_match(format!("{folder}/**"), path)
        || !pattern.contains('/') && glob_match(pattern, name)
        // `[slug]` is a class of characters in a glob, and a folder in some frameworks.
        || pattern.contains('[') && glob_match(pattern.replace('[', "\\[").replace(']', "\\]"), path)
}

/// Returns whether two patterns may mean the same file. Two globs that differ only in the middle are taken to overlap.
pub fn may_overlap(one: &str, other: &str, style: PathStyle) -> bool {
    let (one, other) = (&*style.portable(one), &*style.portable(other));
    match (is_glob(one), is_glob(other)) {
        // A name without a slash can mean a file in any folder. Here it means the one at the root: most plans name that,
        // and a warning about all others would be no help.
        (false, false) => {
            let is_below = |folder: &str, path: &str| {
                let (folder, path) = (folder.trim_end_matches('/'), path.trim_end_matches('/'));
                path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            is_below(one, other) || is_below(other, one)
        }
        (true, false) => reaches(one, other),
        (false, true) => reaches(other, one),
        (true, true) => {
            let [one, other] = [one, other].map(Shape::of);
            let is_start = one.start.starts_with(other.start) || other.start.starts_with(one.start);
            let is_end = one.end.ends_with(other.end) || other.end.ends_with(one.end);
            let is_depth = one.depth.is_none() || other.depth.is_none() || one.depth == other.depth;
            is_start && is_end && is_depth
        }
    }
}

fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?', '[', '{'])
}

/// Returns whether a glob matches a path, or something below it if it is a folder.
fn reaches(glob: &str, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let depth = path.split('/').count();
    let segments: Vec<&str> = glob.split('/').collect();
    is_within(glob, path) || segments.len() > depth && glob_match(segments[..depth].join("/"), path)
}

/// What is certain of all paths that a glob matches.
struct Shape<'p> {
    /// The text that they all begin with.
    start: &'p str,
    /// The text that they all end with.
    end: &'p str,
    /// The number of their segments; `None`: any.
    depth: Option<usize>,
}

impl<'p> Shape<'p> {
    fn of(glob: &'p str) -> Self {
        let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}');
        let is_any_depth = glob.contains("**") || !glob.contains('/') || glob.contains('{');
        Self {
            start: glob.split(special).next().unwrap_or_default(),
            end: glob.rsplit(special).next().unwrap_or_default(),
            depth: (!is_any_depth).then(|| glob.split('/').count()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_lies_within_a_file_a_folder_or_a_glob() {
        for (pattern, path, wanted) in [
            ("src/a.rs", "src/a.rs", true),
            ("src/a.rs", "./src/a.rs", true),
            ("src/a.rs", "src/a.rs.bak", false),
            ("src/parser", "src/parser/mod.rs", true),
            ("src/parser/", "src/parser/deep/x.rs", true),
            ("src/parser", "src/parsers.rs", false),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/deep/a.rs", false),
            ("src/**", "src/deep/a.rs", true),
            ("src/**/*.{rs,md}", "src/deep/a.md", true),
            ("crates/*", "crates/a/src/lib.rs", true),
            ("Cargo.lock", "fuzz/Cargo.lock", true),
            ("*.md", "docs/a.md", true),
        ] {
            assert_eq!(touches(&[pattern.to_owned()], path, PathStyle::Unix), wanted, "{pattern} {path}");
            let on_windows = pattern.replace('/', "\\");
            assert_eq!(touches(&[on_windows], path, PathStyle::Windows), wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn a_backslash_in_a_pattern_is_a_separator_on_windows_only() {
        for (pattern, path, unix, windows) in [
            (r"src\a.rs", "src/a.rs", false, true),
            (r"src\**\*.rs", "src/deep/a.rs", false, true),
            (r".\src\", "src/a.rs", false, false),
        ] {
            let patterns = [pattern.to_owned()];
            let told = [PathStyle::Unix, PathStyle::Windows].map(|style| touches(&patterns, path, style));
            assert_eq!(told, [unix, windows], "{pattern} {path}");
        }
        assert!(may_overlap(r"src\a.rs", "src/*.rs", PathStyle::Windows));
        // A program for Windows matches globs with both separators, whatever it is told.
        assert!(cfg!(windows) || !may_overlap(r"src\a.rs", "src/*.rs", PathStyle::Unix));
    }

    #[test]
    fn patterns_overlap_where_one_file_can_be_meant_by_both() {
        for (one, other, wanted) in [
            ("src/a.rs", "src/a.rs", true),
            ("src/a.rs", "src/b.rs", false),
            ("src", "src/b.rs", true),
            ("src/*.rs", "src/b.rs", true),
            ("src/*.rs", "src/b.md", false),
            ("src/*.rs", "src/*.md", false),
            ("src/*.rs", "src/deep/*.rs", false),
            ("src/**/*.rs", "src/deep/*.rs", true),
            ("src/**", "docs/**", false),
            ("src/**", "src/deep", true),
            ("*.md", "docs/*.md", true),
            ("src/a*.rs", "src/b*.rs", false),
            ("src/deep", "src/deep/*.rs", true),
            ("src/deep", "src/*.rs", false),
            ("src/deep", "src/*/a.rs", true),
        ] {
            assert_eq!(may_overlap(one, other, PathStyle::Unix), wanted, "{one} {other}");
            assert_eq!(may_overlap(other, one, PathStyle::Unix), wanted, "{other} {one}");
        }
    }
}
