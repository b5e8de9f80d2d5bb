//! Faults: the machine failed, or a file cannot be used. (If the rules say no, that is a [`Refusal`].)
//!
//! The message of a fault says what failed and where. It must not say what to do: that is worded in `crate::words`.

use std::io;
use std::path::PathBuf;

use crate::decide::{Code, Refusal};

/// A failure of the machine, or a file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are the facts that their names say")]
pub enum Fault {
    /// PLAN.md is missing, empty, too large or not UTF-8.
    #[error("{}: {why}", path.display())]
    PlanUnreadable { path: PathBuf, why: String },
    /// A file of the state cannot be parsed. `at` is the line and the column, from 1. The file is never overwritten.
    #[error("{}{}: {why}", path.display(), position(*at))]
    StateUnreadable { path: PathBuf, at: Option<(usize, usize)>, why: String },
    /// A file has conflict markers: git could not merge it, and nobody has settled it yet. `line` is that of the first
    /// one, from 1. The file is never overwritten.
    #[error("{}:{line}: it has conflict markers of a git merge", path.display())]
    Conflicted { path: PathBuf, line: usize },
    /// A file of the state has a version that this program does not know. The file is never overwritten.
    #[error("{}: its version is {version:?}, this program knows 1.x", path.display())]
    UnknownFormat { path: PathBuf, version: String },
    /// A file of the state would become larger than this program reads.
    #[error("{} would have {bytes} bytes, the limit is {limit}", path.display())]
    TooLarge { path: PathBuf, bytes: usize, limit: u64 },
    /// The lock was not free within the wait.
    #[error("another process has held {} for too long", path.display())]
    Busy { path: PathBuf },
    /// The operating system gives no thread on which the call could be carried out.
    #[error("the server has no free operating-system thread for the call: {why}")]
    NoThread { why: String },
    /// The journal of a commit is written, but the commit could not be finished. The next process that can write will
    /// finish it.
    #[error("{why}; the change is recorded in the journal, and the next call that can write will finish it")]
    WillHappen { why: Box<Fault> },
    /// An operation of the operating system failed. `doing` is the verb of the message.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// The database cannot be reached, or refused a statement.
    #[error("{database}: {why}")]
    Database { database: String, why: String, remedy: DatabaseRemedy },
    /// The connection broke during a commit, so it is not known whether the change was written.
    #[error("{database}: the connection broke in a commit, and it is not known whether it was written")]
    Uncertain { database: String },
    /// The state has changed since the decision read it, so the commit wrote nothing. The request can be decided again.
    #[error("{place}: others have written meanwhile; nothing was written")]
    Overtaken { place: String },
    /// The client cancelled the call before it was written. Nothing was written, and no one is sent this.
    #[error("the call was cancelled")]
    Cancelled,
    /// A call panicked, or was lost on the way: a bug of this program.
    #[error("the server failed inside: {0}")]
    Internal(String),
}

/// What a person should do about a [`Fault::Database`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseRemedy {
    /// Install a build of this program with PostgreSQL.
    InstallWithPostgres,
    /// Correct the URL.
    GiveUrl,
    /// Create the workspace, copy one into the database, or name another one.
    MakeWorkspace,
    /// Migrate the tables to the version of this program.
    Migrate,
    /// Check the address and the certificates.
    Address,
    /// Name the certificates that are to be trusted.
    Certificates,
    /// Correct user and password.
    Password,
    /// Grant the role its rights.
    Grant,
    /// Connect to the server itself, or through a pooler that keeps sessions.
    SessionPooling,
    /// Check whether the database runs and can be reached.
    IsItRunning,
    /// Check the database itself.
    LookAtIt,
    /// Repeat the call.
    CallAgain,
}

impl Fault {
    /// Returns a closure for `map_err` that makes an [`Io`](Self::Io) fault. `doing` is a verb, such as `"read"`.
    pub fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }

    /// Returns the fault of a call that panicked.
    pub(crate) fn bug() -> Self {
        Self::Internal("a bug; its trace is on the server's stderr".to_owned())
    }

    /// Returns the machine-readable name of the fault.
    pub fn code(&self) -> Code {
        match self {
            Self::PlanUnreadable { .. } => Code::PlanUnreadable,
            Self::StateUnreadable { .. } | Self::Conflicted { .. } | Self::UnknownFormat { .. } => {
                Code::StateUnreadable
            }
            Self::WillHappen { why } => why.code(),
            Self::Busy { .. } | Self::NoThread { .. } | Self::Overtaken { .. } | Self::Cancelled => Code::Busy,
            Self::TooLarge { .. }
            | Self::Io { .. }
            | Self::Database { .. }
            | Self::Uncertain { .. }
            | Self::Internal(_) => Code::Io,
        }
    }
}

/// Returns whether the error means that a path is in the way, so that trying again cannot help: something is missing,
/// is of the wrong kind, or cannot be written.
pub(crate) fn is_in_the_way(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory, NotFound, ReadOnlyFilesystem};
    matches!(kind, AlreadyExists | IsADirectory | NotADirectory | NotFound | ReadOnlyFilesystem)
}

/// The reason why a request has no answer: the rules say no, or the machine failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is named after what it carries")]
pub enum Error {
    #[error("{0}")]
    Refusal(Refusal),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl Error {
    /// Returns the machine-readable name of the refusal or the fault.
    pub fn code(&self) -> Code {
        match self {
            Self::Refusal(refusal) => refusal.code(),
            Self::Fault(fault) => fault.code(),
        }
    }

    /// Returns a copy of the fault for the other calls of the same commit, if it would meet each of them alike. `None`:
    /// it may be due to one of them, so the others are worth another try.
    ///
    /// After an uncertain commit the calls must not be tried again, because they may have been written.
    pub(crate) fn shared_by_group(&self) -> Option<Fault> {
        match self {
            Self::Fault(Fault::Uncertain { database }) => Some(Fault::Uncertain { database: database.clone() }),
            Self::Fault(Fault::Database { database, why, remedy }) => {
                Some(Fault::Database { database: database.clone(), why: why.clone(), remedy: *remedy })
            }
            Self::Fault(Fault::Busy { path }) => Some(Fault::Busy { path: path.clone() }),
            Self::Fault(Fault::PlanUnreadable { path, why }) => {
                Some(Fault::PlanUnreadable { path: path.clone(), why: why.clone() })
            }
            _ => None,
        }
    }
}

/// Returns line and column as the message has them: `:3:7`, or nothing.
fn position(at: Option<(usize, usize)>) -> String {
    at.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default()
}
