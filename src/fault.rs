//! How the machine can fail, as opposed to the rules saying no. Each says what failed and of what; what to do about it is
//! for the doors to say (`crate::words`).

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
    /// A file of the state is not what it should be. It is never written over.
    #[error("{}{}: {why}", path.display(), position(*at))]
    StateUnreadable { path: PathBuf, at: Option<(usize, usize)>, why: String },
    /// A file of the state has a format that this program does not know, and so never writes.
    #[error("{}: its version is {version:?}, this program knows 1.x", path.display())]
    UnknownFormat { path: PathBuf, version: String },
    /// A file of the state would become larger than any program reads it.
    #[error("{} would have {bytes} bytes, the limit is {limit}", path.display())]
    TooLarge { path: PathBuf, bytes: usize, limit: u64 },
    /// The lock was not free in time.
    #[error("another process has held {} for too long", path.display())]
    Busy { path: PathBuf },
    /// The system gives no thread on which a call could wait.
    #[error("there is no thread for the call: {why}")]
    NoThread { why: String },
    /// A decision of several files is written down, and something is in the way of carrying it out.
    #[error("{why}; what was decided is written down, and comes true with the next call that can write")]
    WillHappen { why: Box<Fault> },
    /// The operating system refused something.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// The database cannot be reached, or says no.
    #[error("{database}: {why}")]
    Database { database: String, why: String, remedy: DatabaseRemedy },
    /// A commit broke, and nobody can say what became of it.
    #[error("{database}: the connection broke in a commit, and it is not known whether it was written")]
    Uncertain { database: String },
    /// Somebody else has written since the decision was made. Nothing was written, and it can be made again.
    #[error("{place}: others have written meanwhile; nothing was written")]
    Overtaken { place: String },
    /// The caller does not want it any more; nothing was written, and nobody reads this.
    #[error("the call was cancelled")]
    Cancelled,
    /// A blocking task of the server died; a bug of this program.
    #[error("the server failed inside: {0}")]
    Internal(String),
}

/// What to do about a database that does not answer, or says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseRemedy {
    /// Install a build of this program that knows databases.
    InstallWithPostgres,
    /// Give the URL in the form that is read.
    GiveUrl,
    /// Make the workspace, copy one there, or name another one.
    MakeWorkspace,
    /// Bring the tables to the version of this program.
    Migrate,
    /// Look at the address and the certificates.
    Address,
    /// Name the certificates to trust.
    Certificates,
    /// Fix user and password.
    Password,
    /// Grant the role its rights.
    Grant,
    /// Look whether the database runs and can be reached.
    IsItRunning,
    /// Look at the database.
    LookAtIt,
    /// Ask again.
    CallAgain,
}

impl Fault {
    /// Returns a closure that names an operation, for `map_err`.
    pub fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }

    /// A call that died inside.
    pub(crate) fn bug() -> Self {
        Self::Internal("a bug; its trace is on the server's stderr".to_owned())
    }

    /// Returns the machine-readable name.
    pub fn code(&self) -> Code {
        match self {
            Self::PlanUnreadable { .. } => Code::PlanUnreadable,
            Self::StateUnreadable { .. } | Self::UnknownFormat { .. } => Code::StateUnreadable,
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

/// Returns whether the process, or the system, has too many files open.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [libc::EMFILE, libc::ENFILE];
    #[cfg(not(unix))]
    let codes: [i32; 0] = [];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// Returns whether calling again cannot help: something else stands where a file or folder should.
pub(crate) fn is_in_the_way(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory, NotFound, ReadOnlyFilesystem};
    matches!(kind, AlreadyExists | IsADirectory | NotADirectory | NotFound | ReadOnlyFilesystem)
}

/// Why there is no answer: the rules say no, or the machine failed.
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
    /// Returns the machine-readable name.
    pub fn code(&self) -> Code {
        match self {
            Self::Refusal(refusal) => refusal.code(),
            Self::Fault(fault) => fault.code(),
        }
    }

    /// Returns the same fault for another call of the same commit, if it cannot be the doing of one of them: it is not
    /// tried again for each, one after the other. What is uncertain may even be there.
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

fn position(at: Option<(usize, usize)>) -> String {
    at.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default()
}
