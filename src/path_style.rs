//! PURE. How a system writes paths. In files, in a database and in comparisons every path has `/` between its parts, so
//! that a team on several systems reads the same.

use std::borrow::Cow;

/// How a system writes paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStyle {
    /// `/src/a.rs`. A backslash is a character like any other.
    Unix,
    /// `C:\src\a.rs`, and `/` does as well.
    Windows,
}

impl Default for PathStyle {
    fn default() -> Self {
        Self::HERE
    }
}

impl PathStyle {
    /// That of the system for which this program was built.
    pub const HERE: Self = if cfg!(windows) { Self::Windows } else { Self::Unix };

    /// Returns a path with `/` between its parts. It has as many bytes as before.
    pub fn portable(self, path: &str) -> Cow<'_, str> {
        match self {
            Self::Windows if path.contains('\\') => Cow::Owned(path.replace('\\', "/")),
            Self::Unix | Self::Windows => Cow::Borrowed(path),
        }
    }

    /// Splits the drive off a path with `/` between its parts: `C:/src/a.rs` is `C:` and `/src/a.rs`. What has no drive
    /// is all path.
    pub fn split_drive(self, path: &str) -> (&str, &str) {
        let has_drive = self == Self::Windows
            && path.starts_with(|c: char| c.is_ascii_alphabetic())
            && path.get(1..).is_some_and(|rest| rest.starts_with(":/"));
        path.split_at(if has_drive { 2 } else { 0 })
    }
}

/// Returns a path as Windows' own functions find it without the prefix `\\?\`, by which no program shows it and which
/// many do not understand. A path that means something else without it stays as it is.
pub fn without_verbatim_prefix(path: &str) -> Cow<'_, str> {
    // The longest path that a program has to understand, with the NUL at its end.
    const MAX_PATH: usize = 260;
    let Some(rest) = path.strip_prefix(r"\\?\") else { return Cow::Borrowed(path) };
    let (short, parts) = match rest.strip_prefix(r"UNC\") {
        Some(share) => (Cow::Owned(format!(r"\\{share}")), share),
        None if rest.get(1..).is_some_and(|rest| rest.starts_with(r":\")) => (Cow::Borrowed(rest), &rest[3..]),
        None => return Cow::Borrowed(path),
    };
    let is_plain = |part: &str| !part.ends_with(['.', ' ']) && !part.contains('/') && !is_device(part);
    let keeps_meaning = parts.split('\\').all(is_plain) && short.encode_utf16().count() < MAX_PATH;
    if keeps_meaning { short } else { Cow::Borrowed(path) }
}

/// Returns whether Windows takes a name for that of a device, whatever stands behind a dot in it.
fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let is_numbered = |kind: &str| stem.strip_prefix(kind).is_some_and(|rest| rest.chars().count() == 1);
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || is_numbered("COM")
        || is_numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_is_a_separator_on_windows_only() {
        for (path, unix, windows) in [
            (r"src\a.rs", r"src\a.rs", "src/a.rs"),
            ("src/a.rs", "src/a.rs", "src/a.rs"),
            (r"C:\repo/src\a.rs", r"C:\repo/src\a.rs", "C:/repo/src/a.rs"),
            (r"\\server\share\a", r"\\server\share\a", "//server/share/a"),
            ("", "", ""),
        ] {
            assert_eq!(PathStyle::Unix.portable(path), unix);
            assert_eq!(PathStyle::Windows.portable(path), windows);
        }
    }

    #[test]
    fn a_drive_is_one_letter_before_a_root_on_windows_only() {
        for (path, split) in [
            ("C:/src/a.rs", ("C:", "/src/a.rs")),
            ("c:/", ("c:", "/")),
            ("C:a.rs", ("", "C:a.rs")),
            ("ab:/x", ("", "ab:/x")),
            ("é:/x", ("", "é:/x")),
            ("src/a.rs", ("", "src/a.rs")),
            ("", ("", "")),
        ] {
            assert_eq!(PathStyle::Windows.split_drive(path), split);
            assert_eq!(PathStyle::Unix.split_drive(path), ("", path));
        }
    }

    #[test]
    fn the_verbatim_prefix_stays_where_the_path_needs_it() {
        for (path, wanted) in [
            (r"\\?\C:\repo\src", r"C:\repo\src"),
            (r"\\?\c:\", r"c:\"),
            (r"\\?\UNC\server\share\repo", r"\\server\share\repo"),
            (r"C:\repo", r"C:\repo"),
            ("/repo", "/repo"),
        ] {
            assert_eq!(without_verbatim_prefix(path), wanted);
        }
        let long = format!(r"\\?\C:\{}", "x".repeat(260));
        let kept = [
            r"\\?\C:\repo\nul",
            r"\\?\C:\Con.txt\x",
            r"\\?\C:\com1",
            r"\\?\C:\x.",
            r"\\?\C:\x \y",
            r"\\?\Volume{1}\x",
            &long,
        ];
        for path in kept {
            assert_eq!(without_verbatim_prefix(path), path);
        }
        for name in ["console", "com10", "nulls", "lpt", "001-con", ""] {
            assert!(!is_device(name), "{name}");
        }
    }
}
