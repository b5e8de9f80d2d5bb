//! PURE. Finds the files that a task of spec-kit is about. A path that was misread would accuse a worker who did right, so
//! only what is clearly a path counts.

/// The most files of one task. A text with more is a report or a list of things to read.
const MAX_PATHS: usize = 12;

/// Endings of files. They tell `Cargo.toml` from `console.log` where no slash does.
const ENDINGS: [&str; 44] = [
    "c", "cc", "cjs", "cpp", "cs", "csproj", "css", "csv", "dart", "env", "ex", "exs", "go", "gradle", "graphql", "h",
    "hpp", "html", "java", "js", "json", "jsx", "kt", "lock", "md", "mjs", "php", "proto", "py", "rb", "rs", "scss",
    "sh", "sql", "svelte", "swift", "tf", "toml", "ts", "tsx", "vue", "xml", "yaml", "yml",
];

/// Endings of files that are known without a slash and without backticks. `Node.js` is none.
const PLAIN_ENDINGS: [&str; 5] = ["json", "lock", "md", "toml", "yml"];

/// The documents of a feature. Tasks name them because they are to be read.
const DOCUMENTS: [&str; 7] =
    ["plan.md", "spec.md", "research.md", "data-model.md", "quickstart.md", "tasks.md", "constitution.md"];

/// Returns the paths in a text, each once.
pub(super) fn paths(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, part) in text.split('`').enumerate() {
        let is_code = at % 2 == 1;
        // What stands between backticks is one thing: a command that names a file does not change it.
        let words: Vec<&str> = if is_code { vec![part] } else { part.split(is_between).map(bare).collect() };
        for word in words.into_iter().map(|word| word.strip_prefix("./").unwrap_or(word)) {
            if is_path(word, is_code) && !found.iter().any(|known| known == word) {
                found.push(word.to_owned());
            }
        }
    }
    if found.len() > MAX_PATHS { Vec::new() } else { found }
}

/// Returns whether a character stands between words.
fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '"' | '\'' | '→' | '|')
}

/// Returns a word without the marks around it.
fn bare(word: &str) -> &str {
    word.trim_start_matches(['*', '_']).trim_end_matches(['*', '_', ':', '.', '!', '?'])
}

/// Returns whether a word is clearly the path of a file or a folder of the project, and not of a document of the feature.
fn is_path(word: &str, is_code: bool) -> bool {
    let is_char = |c: char| {
        c.is_alphanumeric()
            || matches!(c, '_' | '-' | '.' | '/' | '[' | ']' | '*' | '+' | '$')
            || is_code && matches!(c, '(' | ')')
    };
    let is_odd = word.contains("..")
        || word.contains("//")
        || word.contains("()")
        || word.starts_with(['/', '-', '*', '+', '$']);
    if !word.chars().all(is_char) || is_odd || word.ends_with('.') {
        return false;
    }
    let (folder, name) = word.rsplit_once('/').unwrap_or(("", word));
    let ending = name.rsplit_once('.').map(|(stem, ending)| (!stem.is_empty(), ending));
    let is_file = ending.is_some_and(|(_, ending)| {
        ending.len() <= 8
            && ending.starts_with(|c: char| c.is_ascii_alphabetic())
            && ending.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if folder.is_empty() && !word.contains('/') {
        let endings: &[&str] = if is_code { &ENDINGS } else { &PLAIN_ENDINGS };
        return matches!(ending, Some((true, ending)) if endings.contains(&ending)) && !DOCUMENTS.contains(&word);
    }
    // `services/` alone may be a folder anywhere.
    let is_folder = name.is_empty() && folder.contains('/');
    let is_of_feature = ["specs/", ".specify/", "contracts/"].iter().any(|start| word.starts_with(start));
    (is_file || is_folder || name.contains('*')) && !is_of_feature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_clearly_a_path_counts() {
        for (text, wanted) in [
            ("Create the model in src/models/user.py", "src/models/user.py"),
            ("Tests in `tests/unit/a.test.ts`, and backend/src/.", "tests/unit/a.test.ts backend/src/"),
            (
                "Page `app/(auth)/[slug]/page.tsx` and .github/workflows/ci.yml",
                "app/(auth)/[slug]/page.tsx .github/workflows/ci.yml",
            ),
            ("Run `pytest tests/unit/a.py` on ./src/a.py (src/b.py): **src/c.py**", "src/a.py src/b.py src/c.py"),
            (
                "Add to `package.json`, Cargo.toml and README.md; see plan.md and `spec.md`",
                "package.json Cargo.toml README.md",
            ),
            ("Glob src/**/*.rs, once src/**/*.rs", "src/**/*.rs"),
            ("GET/POST /api/auth/login, and/or CI/CD with Node.js, `console.log` and application/json", ""),
            ("https://example.com/a.html, ../up/a.rs, /etc/hosts.conf, `foo()/bar.rs`, v1.2/v1.3", ""),
            ("Contract in specs/001-x/contracts/api.yaml and contracts/api.yaml, @scope/pkg.js", ""),
            ("an odd ` backtick in src/a.rs, and tests/", ""),
        ] {
            assert_eq!(paths(text).join(" "), wanted, "{text}");
        }
        let many: Vec<String> = (0..20).map(|number| format!("src/{number}.rs")).collect();
        assert!(paths(&many.join(" ")).is_empty());
    }
}
