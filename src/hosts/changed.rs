//! What becomes of a file in a set-up.

/// What a piece makes of a file.
pub(super) struct Changed {
    /// The text of the file; `None`: there is to be no file.
    pub text: Option<String>,
    /// What was added or removed, a few words each. Empty: the file stays as it is.
    pub what: Vec<String>,
    /// What a person should look at, one sentence each.
    pub notes: Vec<String>,
}

impl Changed {
    /// Returns that a file stays as it is.
    pub(super) fn nothing(text: Option<String>) -> Self {
        Self { text, what: Vec::new(), notes: Vec::new() }
    }

    /// Returns that a file stays as it is, and why a person should look at it.
    pub(super) fn noted(text: Option<String>, note: String) -> Self {
        Self { text, what: Vec::new(), notes: vec![note] }
    }
}
