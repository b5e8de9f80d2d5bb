//! Failures of the database, and the two questions about them: was nothing written, and can another try help?

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::error::{Severity, SqlState};

use crate::fault::Fault;

/// Why a question to the database has no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// The database reported an error, or the connection failed.
    Asked(tokio_postgres::Error),
    /// The pool gave no connection.
    Pool(PoolError),
    /// This program cannot use the tables, because of their version. The text says why.
    Tables(String),
    /// A fault that another part of the program has already worded.
    Known(Fault),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Asked(error)
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Known(fault)
    }
}

impl Failed {
    /// Returns whether the database reported an error and kept the connection open. Then it is certain that the
    /// transaction was undone. With severity FATAL it closes the connection, and that can be after the commit.
    pub(super) fn is_no(&self) -> bool {
        let Self::Asked(error) = self else { return false };
        error.as_db_error().is_some_and(|said| said.parsed_severity() == Some(Severity::Error))
    }
}

/// Returns whether another try can help: the database restarts or is full, the connection broke, or the transaction
/// lost against another one. It does not say whether something was written; [`Failed::is_no`] does.
pub(super) fn is_passing(failed: &Failed) -> bool {
    let error = match failed {
        Failed::Asked(error)
        | Failed::Pool(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error))) => error,
        Failed::Pool(_) | Failed::Tables(_) | Failed::Known(_) => return false,
    };
    match error.code() {
        Some(code) => [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .contains(code),
        None => error.is_closed() || is_out_of_reach(error),
    }
}

/// Returns whether TLS failed because of a certificate, the server's or a missing one of the client.
pub(super) fn is_about_certificates(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        // `io::Error::source` skips the error that it wraps and returns that error's source. So look inside.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) = tls {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Returns whether the connection failed below the protocol: refused, reset or cut.
fn is_out_of_reach(error: &tokio_postgres::Error) -> bool {
    use std::io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof,
    };
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    let kinds = [ConnectionRefused, ConnectionReset, ConnectionAborted, BrokenPipe, UnexpectedEof, NotFound];
    source.is_some_and(|source| kinds.contains(&source.kind()))
}
