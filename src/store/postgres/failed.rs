//! What goes wrong when the database is asked something.

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::error::{Severity, SqlState};

use crate::fault::Fault;

/// What went wrong when something was asked.
#[derive(Debug)]
pub(super) enum Failed {
    /// The database said no, or cannot be reached.
    Asked(tokio_postgres::Error),
    /// There was no connection.
    Pool(PoolError),
    /// The tables have another version.
    Tables(String),
    /// What came back, or did not, is known.
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
    /// Returns whether the database has refused, and goes on. When it ends the connection instead, that can have been
    /// after the commit.
    pub(super) fn is_no(&self) -> bool {
        let Self::Asked(error) = self else { return false };
        error.as_db_error().is_some_and(|said| said.parsed_severity() == Some(Severity::Error))
    }
}

/// Returns whether asking again can help, and nothing has happened yet.
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

/// Returns whether TLS failed because of a certificate.
pub(super) fn is_about_certificates(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        // An error of the system can hold another one that is no source of it.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref()).or_else(|| error.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) = tls {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Returns whether the connection failed below the protocol: refused, reset, cut.
fn is_out_of_reach(error: &tokio_postgres::Error) -> bool {
    use std::io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof,
    };
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    let kinds = [ConnectionRefused, ConnectionReset, ConnectionAborted, BrokenPipe, UnexpectedEof, NotFound];
    source.is_some_and(|source| kinds.contains(&source.kind()))
}
