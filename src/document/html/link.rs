//! Where an artifact leads. It is a text that a worker wrote: what is not certainly a web address, or a file of the
//! project, stays text.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::wording::is_hidden;

/// All but what RFC 3986 calls unreserved, and the slash between folders.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// The endings of files in which a browser runs what a worker wrote.
const ACTIVE: [&str; 9] = ["html", "htm", "xhtml", "xht", "shtml", "mhtml", "svg", "xml", "xsl"];

/// Where an artifact leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A web address, as it is.
    Web(String),
    /// A path from the root of the project, as a relative reference.
    File(String),
}

/// Returns where an artifact leads; `None` if it is not to be clicked.
pub(super) fn target(artifact: &str) -> Option<Target> {
    let is_strange = |c: char| is_hidden(c) || c.is_whitespace() || "\"'<>\\^`{|}*[]".contains(c);
    if artifact.contains(is_strange) {
        return None;
    }
    let (scheme, rest) = artifact.split_once("://").unwrap_or_default();
    if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") {
        return (!rest.starts_with(['/', '?', '#']) && !rest.is_empty()).then(|| Target::Web(artifact.to_owned()));
    }
    let path = artifact.strip_prefix("./").unwrap_or(artifact);
    let is_inside = path.split('/').all(|part| !matches!(part, "" | "." | ".." | "~"));
    // A word without an ending may as well be a branch or the name of a commit.
    let ending = path.rsplit('/').next()?.rsplit_once('.')?.1;
    let is_ending = (1..=10).contains(&ending.len())
        && ending.chars().all(|c| c.is_ascii_alphanumeric())
        && ending.contains(|c: char| c.is_ascii_alphabetic());
    let is_active = ACTIVE.iter().any(|active| ending.eq_ignore_ascii_case(active));
    // The dot keeps a path from being read as a host or a scheme.
    (is_inside && is_ending && !is_active && !path.contains(':'))
        .then(|| Target::File(format!("./{}", utf8_percent_encode(path, ENCODED))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_and_files_of_the_project_are_links() {
        let web = |text: &str| Some(Target::Web(text.to_owned()));
        let file = |text: &str| Some(Target::File(text.to_owned()));
        for (artifact, expected) in [
            ("https://git.example/pull/7?x=1#y", web("https://git.example/pull/7?x=1#y")),
            ("HTTP://a.example", web("HTTP://a.example")),
            ("src/a_b.rs", file("./src/a_b.rs")),
            ("./src/ä&b?c#d%2e.md", file("./src/%C3%A4%26b%3Fc%23d%252e.md")),
            ("Cargo.toml", file("./Cargo.toml")),
            ("javascript:alert(1)", None),
            ("JAVASCRIPT://a.b/%0aalert(1)", None),
            ("data:text/html,x.md", None),
            ("vbscript:x.rs", None),
            ("file:///etc/passwd.txt", None),
            ("http:///etc/x.rs", None),
            ("https://", None),
            ("//evil.example/x.rs", None),
            ("/etc/passwd.txt", None),
            ("~/x.rs", None),
            ("../x.rs", None),
            ("src/../../x.rs", None),
            ("src\\..\\x.rs", None),
            ("C:/x.rs", None),
            ("src/\u{202e}sr.x.rs", None),
            ("java\nscript:x.rs", None),
            ("https://a.example/\"onclick=x", None),
            ("src/**/*.rs", None),
            ("docs/page.HTML", None),
            ("logo.svg", None),
            ("feature/search", None),
            ("v1.2", None),
            ("a1b2c3d4", None),
            ("all tests pass.", None),
            ("src/a.rs:12", None),
            ("", None),
        ] {
            assert_eq!(target(artifact), expected, "{artifact:?}");
        }
    }
}
