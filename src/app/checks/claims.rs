//! PURE. What an artifact claims. It is a text that a worker wrote: a path, a commit, a link, a branch, a sentence. Only
//! what can be nothing but a path of a file or a commit counts as one, since a false alarm costs more than a missed one.

use crate::path_style::PathStyle;

/// What an artifact says is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim<'a> {
    /// A path, as it was given.
    Path(&'a str),
    /// The name of a commit: at least 7 hexadecimal digits.
    Commit(&'a str),
}

/// The endings that make a word the name of a file. A word with another ending may be a branch, a domain or a version.
const ENDINGS: [&str; 99] = [
    "adoc",
    "astro",
    "bash",
    "bat",
    "bib",
    "c",
    "cc",
    "cfg",
    "cjs",
    "clj",
    "cmake",
    "conf",
    "cpp",
    "cs",
    "csproj",
    "css",
    "csv",
    "cts",
    "cxx",
    "dart",
    "diff",
    "docx",
    "erl",
    "ex",
    "exs",
    "gif",
    "go",
    "gradle",
    "graphql",
    "gz",
    "h",
    "hbs",
    "hpp",
    "hs",
    "htm",
    "html",
    "ico",
    "ini",
    "ipynb",
    "java",
    "jpeg",
    "jpg",
    "js",
    "json",
    "jsonc",
    "jsonl",
    "jsx",
    "kt",
    "kts",
    "less",
    "lock",
    "lua",
    "md",
    "mdx",
    "mjs",
    "ml",
    "mod",
    "mts",
    "nix",
    "parquet",
    "patch",
    "pdf",
    "php",
    "pl",
    "png",
    "prisma",
    "properties",
    "proto",
    "ps1",
    "py",
    "pyi",
    "r",
    "rb",
    "rs",
    "rst",
    "sass",
    "scala",
    "scss",
    "sh",
    "snap",
    "sol",
    "sql",
    "sum",
    "svelte",
    "svg",
    "swift",
    "tex",
    "tf",
    "toml",
    "ts",
    "tsx",
    "txt",
    "vue",
    "webp",
    "whl",
    "xml",
    "yaml",
    "yml",
    "zig",
];

/// Words that look like files and are names of software.
const NAMES: [&str; 10] =
    ["node.js", "next.js", "vue.js", "three.js", "chart.js", "d3.js", "react.js", "express.js", "nuxt.js", "alpine.js"];

/// What says that a file is not there on purpose, or is somewhere else.
const ELSEWHERE: [&str; 40] = [
    "delet",
    "remov",
    "renam",
    "moved",
    "gone",
    "drop",
    "replac",
    "ignored",
    "not ",
    "clean",
    "no longer",
    "obsolet",
    "rm",
    "merged",
    "inlin",
    "retir",
    "prun",
    "unlink",
    "supersed",
    "now ",
    "split",
    "attach",
    "upload",
    "artifact",
    "generat",
    "plann",
    "follow",
    "branch",
    "commit",
    "pr ",
    "pr)",
    "pr#",
    "submodule",
    "todo",
    "later",
    "future",
    "gelöscht",
    "package",
    "ci ",
    "old ",
];

/// Returns an artifact with `/` in the paths that it certainly names, as it is stored. The rest of its text stays.
pub(super) fn portable(artifact: &str, style: PathStyle) -> String {
    let slashed = style.portable(artifact);
    let mut portable = artifact.to_owned();
    let mut from = 0;
    for claim in claims(&slashed, style) {
        let Claim::Path(path) = claim else { continue };
        // Both texts have the same bytes but for the separators, and the paths come in their order.
        if let Some(at) = slashed[from..].find(path).map(|at| from + at) {
            from = at + path.len();
            portable.replace_range(at..from, path);
        }
    }
    portable
}

/// Returns what an artifact claims; nothing if that is not certain. Its paths have `/` between their parts.
pub(super) fn claims(artifact: &str, style: PathStyle) -> Vec<Claim<'_>> {
    let text = undecorated(artifact);
    if let Some(commit) = commit(text) {
        return vec![Claim::Commit(commit)];
    }
    if let Some(path) = noted(text, style) {
        return vec![Claim::Path(path)];
    }
    let words = text.split([' ', ',', ';', '\n', '\t']).map(undecorated).filter(|word| !word.is_empty());
    let claims: Option<Vec<Claim<'_>>> = words.map(|word| path(word, style).map(Claim::Path)).collect();
    claims.unwrap_or_default()
}

/// Returns a text without the quotes around it, and without `- ` before it.
fn undecorated(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("- ").unwrap_or(text).trim_matches(|c: char| matches!(c, '`' | '"' | '\'') || c.is_whitespace())
}

/// Returns the path of a text such as `src/a.rs (new)`, `src/a.rs: the parser` or `Created src/a.rs`. A note can say that
/// the file is gone or elsewhere: then it is nothing to look for.
fn noted(text: &str, style: PathStyle) -> Option<&str> {
    let (first, rest) = text.split_once(' ')?;
    let verbs = ["created", "added", "updated", "modified", "new", "edited", "changed", "wrote", "file:", "path:"];
    if verbs.contains(&first.to_lowercase().as_str()) {
        return path(undecorated(rest), style);
    }
    let note = rest.trim_start();
    let is_note = first.ends_with(':') || ["(", "- ", "– ", "— "].iter().any(|mark| note.starts_with(mark));
    let lower = format!("{} ", note.to_lowercase());
    let is_elsewhere = ELSEWHERE.iter().any(|word| lower.contains(word));
    if is_note && !is_elsewhere { path(undecorated(first.trim_end_matches(':')), style) } else { None }
}

/// Returns the commit that a text names: `commit 1a2b3c4`, `1a2b3c4`, or `1a2b3c4 Its subject` as git has it.
fn commit(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(word) = rest.split([' ', ':']).next()
        && matches!(word.to_lowercase().as_str(), "git" | "commit" | "sha" | "hash" | "rev")
        && word.len() < rest.len()
    {
        rest = rest[word.len()..].trim_start_matches([' ', ':', '`', '(', '#']);
    }
    let is_named = rest.len() < text.len();
    let rest = rest.trim_start_matches('(');
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let is_alone = after.trim_start_matches(['`', '.', ')', ':', ',']).is_empty();
    let subject = after.trim_start_matches([' ', ':']);
    let has_subject = after.starts_with([' ', ':']) && (is_named || subject.starts_with(char::is_uppercase));
    // Without the word it could be a number, a word such as `facade`, or a sum such as one of MD5 or SHA-256.
    let is_number =
        name.split_once('e').is_some_and(|(a, b)| [a, b].iter().all(|part| part.chars().all(|c| c.is_ascii_digit())));
    let is_typical = matches!(name.len(), 7..=12 | 40)
        && name.contains(|c: char| c.is_ascii_digit())
        && name.contains(|c: char| c.is_ascii_lowercase())
        && !name.contains(|c: char| c.is_ascii_uppercase())
        && !is_number;
    let is_one = if is_named {
        (7..=40).contains(&name.len()) && name.contains(|c: char| c.is_ascii_digit())
    } else {
        is_typical
    };
    (is_one && (is_alone || has_subject)).then_some(name)
}

/// Returns a word if it is the path of a file or a folder, without the line that follows it.
fn path(word: &str, style: PathStyle) -> Option<&str> {
    if word.contains("://")
        || word.contains(['*', '?', '[', ']', '{', '}', '<', '>', '|', '$', '@', '(', ')', '=', '~', '…'])
    {
        return None;
    }
    let path = without_line(word);
    let (_, rest) = style.split_drive(path);
    let plain = rest.strip_prefix("./").unwrap_or(rest);
    if plain.is_empty() || plain.contains([':', '#']) || plain.contains("...") {
        return None;
    }
    let (first, last) = (plain.split('/').next()?, plain.trim_end_matches('/').rsplit('/').next()?);
    // A first part with a dot in it is a host, unless the dot begins it.
    let has_folder = plain.contains('/');
    let is_domain = has_folder && (first.trim_start_matches('.').contains('.') || first == "localhost");
    let has_ending = last.rsplit_once('.').is_some_and(|(name, end)| {
        let end = end.to_ascii_lowercase();
        !name.is_empty() && ENDINGS.contains(&end.as_str())
    });
    let is_relative = path.starts_with("./") || path.starts_with("../");
    let is_folder = plain.ends_with('/') && !plain.starts_with('/');
    let is_name = NAMES.contains(&plain.to_lowercase().as_str());
    (!is_domain && !is_name && (has_ending || is_relative || is_folder)).then_some(path)
}

/// Returns a path without the line, the column or the test that follows it: `a.rs:10:5`, `a.rs#L10`, `a.py::test_a`.
fn without_line(word: &str) -> &str {
    let word = word.split_once("::").map_or(word, |(path, _)| path);
    let word = word.split_once("#L").map_or(word, |(path, _)| path);
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '-');
    let mut word = word.trim_end_matches(['.', ':']);
    while let Some((path, number)) = word.rsplit_once(':')
        && is_number(number)
    {
        word = path;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_a_path_or_a_commit() {
        let told = |artifact: &str| {
            let one = |claim: &Claim<'_>| match claim {
                Claim::Path(path) => format!("path {path}"),
                Claim::Commit(commit) => format!("commit {commit}"),
            };
            claims(artifact, PathStyle::Unix).iter().map(one).collect::<Vec<_>>().join(", ")
        };
        for (artifact, wanted) in [
            ("src/a.rs", "path src/a.rs"),
            (" `src/a.rs` ", "path src/a.rs"),
            ("README.md", "path README.md"),
            ("./tool", "path ./tool"),
            ("../wt/src/a.rs", "path ../wt/src/a.rs"),
            ("/srv/app/a.py", "path /srv/app/a.py"),
            ("src/parser/", "path src/parser/"),
            ("src/a.rs:12:3", "path src/a.rs"),
            ("src/a.rs:12-40", "path src/a.rs"),
            ("src/a.rs#L10-L20", "path src/a.rs"),
            ("tests/test_a.py::test_one", "path tests/test_a.py"),
            ("src/a.rs, src/b.rs", "path src/a.rs, path src/b.rs"),
            ("src/a.rs (new)", "path src/a.rs"),
            ("src/a.rs - adds the parser", "path src/a.rs"),
            ("`src/a.rs`: the parser", "path src/a.rs"),
            ("Created src/a.rs", "path src/a.rs"),
            ("go.mod", "path go.mod"),
            (".github/workflows/ci.yml", "path .github/workflows/ci.yml"),
            ("- docs/a.md", "path docs/a.md"),
            ("1a2b3c4", "commit 1a2b3c4"),
            ("commit 1a2b3c4", "commit 1a2b3c4"),
            ("Commit: `1234567`", "commit 1234567"),
            ("sha: 1a2b3c4", "commit 1a2b3c4"),
            ("git commit (1a2b3c4)", "commit 1a2b3c4"),
            ("1a2b3c4 Add the parser", "commit 1a2b3c4"),
            ("1a2b3c4: Add the parser", "commit 1a2b3c4"),
            ("b1946ac92492d2347c6235b4d2611184deadbeef", "commit b1946ac92492d2347c6235b4d2611184deadbeef"),
            // Links, branches, requests, globs, sums, versions, names of code, and sentences.
            ("https://example.org/a/b.html", ""),
            ("example.org/a/b.html", ""),
            ("work://001-search/plan.md", ""),
            ("file:///tmp/a.rs", ""),
            ("PR #12", ""),
            ("#12", ""),
            ("ann/repo#12", ""),
            ("feature/parser", ""),
            ("fix/a.b", ""),
            ("origin/main", ""),
            ("release/1.2.x", ""),
            ("v1.2.0", ""),
            ("src/**/*.rs", ""),
            ("src/{a,b}.rs", ""),
            ("b1946ac92492d2347c6235b4d2611184", ""),
            ("1234567", ""),
            ("defaced", ""),
            ("commits", ""),
            ("the parser in src/a.rs", ""),
            ("src/a.rs (deleted)", ""),
            ("src/a.rs (on branch feature)", ""),
            ("src/a.rs - no longer needed", ""),
            ("www.example.de/a.html", ""),
            ("docs.rs/serde/latest/serde/index.html", ""),
            ("127.0.0.1/app.js", ""),
            ("Node.js", ""),
            ("console.log", ""),
            ("12345e7", ""),
            ("550e8400 user id", ""),
            ("commit defaced", ""),
            ("src/a.rs -> src/b.rs", ""),
            ("removed src/a.rs", ""),
            ("cargo test", ""),
            ("foo.bar()", ""),
            ("auth.LoginService", ""),
            ("~/notes.md", ""),
            ("/api/users", ""),
            ("@scope/package", ""),
            ("main..feature", ""),
            ("", ""),
            ("…", ""),
            ("ä", ""),
        ] {
            assert_eq!(told(artifact), wanted, "{artifact}");
        }
    }

    #[test]
    fn what_is_stored_of_a_windows_path_has_slashes() {
        for (artifact, wanted) in [
            (r"src\a.rs", "src/a.rs"),
            (r" `src\a.rs` ", " `src/a.rs` "),
            (r"C:\repo\src\a.rs", "C:/repo/src/a.rs"),
            (r"c:\repo\src\a.rs:12:3", "c:/repo/src/a.rs:12:3"),
            (r"src\a.rs, src\deep\a.rs", "src/a.rs, src/deep/a.rs"),
            (r"src\parser\", "src/parser/"),
            (r".\tool", "./tool"),
            (r"..\wt\src\a.rs", "../wt/src/a.rs"),
            (r"src\a.rs (adds \n)", r"src/a.rs (adds \n)"),
            (r"Created src\a.rs", "Created src/a.rs"),
            // No paths, or nobody can say.
            (r"the regex \d+ matches", r"the regex \d+ matches"),
            (r"feature\parser", r"feature\parser"),
            (r"C:\Users", r"C:\Users"),
            (r"https://example.org/a\b.html", r"https://example.org/a\b.html"),
            ("src/a.rs", "src/a.rs"),
            ("1a2b3c4", "1a2b3c4"),
            ("", ""),
        ] {
            assert_eq!(portable(artifact, PathStyle::Windows), wanted);
            assert_eq!(portable(artifact, PathStyle::Unix), artifact, "a character like any other");
        }
        assert_eq!(claims("C:/repo/src/a.rs:12", PathStyle::Windows), [Claim::Path("C:/repo/src/a.rs")]);
        assert_eq!(claims("C:/repo/src/a.rs", PathStyle::Unix), []);
    }
}
