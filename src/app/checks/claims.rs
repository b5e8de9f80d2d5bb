//! PURE. What an artifact claims. It is a text that a worker wrote: a path, a commit, a link, a branch, a sentence. Only
//! what can be nothing but a path of a file or a commit counts as one, since a false alarm costs more than a missed one.

/// What an artifact says is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim<'a> {
    /// A path, as it was given.
    Path(&'a str),
    /// The name of a commit: at least 7 hexadecimal digits.
    Commit(&'a str),
}

/// The endings that make a word the name of a file. A word with another ending may be a branch, a domain or a version.
const ENDINGS: [&str; 78] = [
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
    "css",
    "csv",
    "cts",
    "cxx",
    "dart",
    "diff",
    "ex",
    "exs",
    "go",
    "gradle",
    "graphql",
    "h",
    "hbs",
    "hpp",
    "hs",
    "htm",
    "html",
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
    "log",
    "lua",
    "md",
    "mdx",
    "mjs",
    "ml",
    "mts",
    "patch",
    "pdf",
    "php",
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
    "scala",
    "scss",
    "sh",
    "snap",
    "sql",
    "svelte",
    "svg",
    "swift",
    "tex",
    "toml",
    "ts",
    "tsx",
];

/// More of them.
const MORE_ENDINGS: [&str; 12] = ["tf", "txt", "vue", "webp", "xml", "yaml", "yml", "zig", "zsh", "gif", "env", "tmpl"];

/// The last part of a domain: what begins with one is a link without its scheme.
const DOMAINS: [&str; 10] = ["com", "org", "net", "io", "dev", "app", "ai", "edu", "gov", "me"];

/// Returns what an artifact claims; nothing if that is not certain.
pub(super) fn claims(artifact: &str) -> Vec<Claim<'_>> {
    let text = undecorated(artifact);
    if let Some(commit) = commit(text) {
        return vec![Claim::Commit(commit)];
    }
    // A note in brackets says what became of the file, which can be that it is gone.
    let text = match text.split_once(" (") {
        Some((path, note)) if note.ends_with(')') && !says_gone(note) => undecorated(path),
        _ => text,
    };
    let words = text.split([' ', ',', ';', '\n', '\t']).map(undecorated).filter(|word| !word.is_empty());
    let claims: Option<Vec<Claim<'_>>> = words.map(|word| path(word).map(Claim::Path)).collect();
    claims.unwrap_or_default()
}

/// Returns a text without the quotes around it, and without `- ` before it.
fn undecorated(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("- ").unwrap_or(text).trim_matches(|c: char| matches!(c, '`' | '"' | '\'') || c.is_whitespace())
}

fn says_gone(note: &str) -> bool {
    let note = note.to_lowercase();
    ["delet", "remov", "renam", "moved", "gone", "drop", "replac", "ignored", "not "]
        .iter()
        .any(|word| note.contains(word))
}

/// Returns the commit that a text names: `commit 1a2b3c4`, `1a2b3c4`, or `1a2b3c4 Its subject` as git has it.
fn commit(text: &str) -> Option<&str> {
    let lower = text.get(..7).map(str::to_ascii_lowercase);
    let named = lower.is_some_and(|word| word.starts_with("commit") && !word.ends_with(|c: char| c.is_alphanumeric()));
    let rest = if named { text[6..].trim_start_matches([' ', ':', '`', '#']) } else { text };
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let is_whole = after.trim_start_matches(['`', '.', ')', ':', ',']).is_empty() || after.starts_with([' ', ':', ',']);
    // Without the word it could be a number, a word such as `facade`, or a sum such as one of MD5 or SHA-256.
    let is_typical = matches!(name.len(), 7..=12 | 40)
        && name.contains(|c: char| c.is_ascii_digit())
        && name.contains(|c: char| c.is_ascii_lowercase())
        && !name.contains(|c: char| c.is_ascii_uppercase());
    let is_one = if named { (7..=40).contains(&name.len()) } else { is_typical };
    (is_one && is_whole).then_some(name)
}

/// Returns a word if it is the path of a file or a folder, without the line that follows it.
fn path(word: &str) -> Option<&str> {
    if word.contains("://")
        || word.contains(['*', '?', '[', ']', '{', '}', '<', '>', '|', '$', '@', '(', ')', '=', '~', '…'])
    {
        return None;
    }
    let path = without_line(word);
    let plain = path.strip_prefix("./").unwrap_or(path);
    if plain.is_empty() || plain.contains([':', '#']) || plain.contains("...") {
        return None;
    }
    let (first, last) = (plain.split('/').next()?, plain.trim_end_matches('/').rsplit('/').next()?);
    let is_domain = first.rsplit_once('.').is_some_and(|(name, end)| !name.is_empty() && DOMAINS.contains(&end));
    let has_ending = last.rsplit_once('.').is_some_and(|(name, end)| {
        let end = end.to_ascii_lowercase();
        !name.is_empty() && (ENDINGS.contains(&end.as_str()) || MORE_ENDINGS.contains(&end.as_str()))
    });
    let is_relative = path.starts_with("./") || path.starts_with("../");
    let is_folder = plain.ends_with('/') && !plain.starts_with('/');
    (!is_domain && (has_ending || is_relative || is_folder)).then_some(path)
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
            claims(artifact).iter().map(one).collect::<Vec<_>>().join(", ")
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
            ("- docs/a.md", "path docs/a.md"),
            ("1a2b3c4", "commit 1a2b3c4"),
            ("commit 1a2b3c4", "commit 1a2b3c4"),
            ("Commit: `1234567`", "commit 1234567"),
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
}
