//! The connections to a database: a pool, and the thread that drives it.
//!
//! The library of the database is asynchronous, and the rest of the program is not. So one thread runs a tokio runtime
//! for all connections of the store, and each call blocks its own thread in [`Engine::wait`]. Every wait has an end.
//!
//! No message or log of this module may contain a user or a password.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::DatabaseAddress;
use super::failed::{Failed, is_about_certificates, is_passing};
use super::migrate;
use crate::fault::{DatabaseRemedy, Fault};
use crate::store::LOCK_WAIT;

/// The most connections in the pool of one process. The lease and the watch have connections of their own.
const MAX_CONNECTIONS: usize = 8;

/// How long one call to the database may take. This includes the wait for other writers, for a database that restarts,
/// and for the outcome of a broken commit.
pub(super) const ANSWER_TIMEOUT: Duration = LOCK_WAIT;

/// How long PostgreSQL waits for a row lock. It is shorter than [`ANSWER_TIMEOUT`], so that its error still arrives in
/// time and is told as [`Fault::Busy`].
pub(super) const ROW_WAIT: Duration = Duration::from_secs(9);

/// The connections of one store.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) address: DatabaseAddress,
    pub(super) handle: Handle,
    pub(super) tls: Tls,
    pool: Pool,
    contact: Mutex<Contact>,
    /// Dropping this ends the thread.
    _end: oneshot::Sender<()>,
}

/// The TLS settings of connections, with a debug form.
#[derive(Clone)]
pub(super) struct Tls(pub(super) MakeRustlsConnect);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// A connection that may be in a transaction. Dropping it closes the connection, so that the database undoes the
/// transaction, and no other call gets it from the pool. [`Claimed::release`] returns it to the pool instead.
#[derive(Debug)]
pub(super) struct Claimed(Option<Object>);

impl Claimed {
    pub(super) fn new(client: Object) -> Self {
        Self(Some(client))
    }

    /// Gives the connection back to the pool. It must not be in a transaction.
    pub(super) fn release(mut self) {
        drop(self.0.take());
    }
}

impl std::ops::Deref for Claimed {
    type Target = Object;

    #[expect(clippy::expect_used, reason = "it is taken out only where `self` ends")]
    fn deref(&self) -> &Object {
        self.0.as_ref().expect("the connection is there until the end")
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

/// When this process could reach the database. The time of an outage does not count against the lease of another
/// process, because that process could not renew it either.
#[derive(Debug, Default)]
pub(super) struct Contact {
    /// When the database answered last.
    last: Option<Instant>,
    /// The outage that leases still allow for.
    outage: Option<Outage>,
}

/// A time in which the database did not answer.
#[derive(Debug)]
struct Outage {
    /// When the database answered last before the outage.
    since: Instant,
    /// When the database answered again; `None`: it has not yet.
    over: Option<Instant>,
}

/// How long other servers have, after an outage, to renew their leases.
const GRACE: Duration = Duration::from_secs(10);

impl Contact {
    /// Notes that the database has answered.
    pub(super) fn is_there(&mut self) {
        let now = Instant::now();
        self.last = Some(now);
        match &mut self.outage {
            Some(Outage { over: Some(over), .. }) if now - *over > GRACE => self.outage = None,
            Some(outage) => {
                outage.over.get_or_insert(now);
            }
            None => {}
        }
    }

    /// Notes that the database has not answered. Failures in a row, and those soon after an outage, belong to one
    /// outage.
    pub(super) fn is_lost(&mut self) {
        let since = self.outage.take().map(|outage| outage.since).or(self.last).unwrap_or_else(Instant::now);
        self.outage = Some(Outage { since, over: None });
    }

    /// Returns the time by which leases last longer than they say: zero, except during an outage and [`GRACE`] after
    /// it.
    pub(super) fn grace(&self) -> Duration {
        match &self.outage {
            Some(Outage { since, over }) if over.is_none_or(|over| over.elapsed() < GRACE) => since.elapsed(),
            _ => Duration::ZERO,
        }
    }
}

impl Engine {
    /// Starts the thread. Opens no connection yet.
    ///
    /// # Errors
    ///
    /// [`Fault::Database`] if the certificates cannot be read; [`Fault`] of the machine if the thread cannot start.
    pub(super) fn start(address: DatabaseAddress) -> Result<Self, Fault> {
        let fault =
            |why: String| Fault::Database { database: address.shown.clone(), why, remedy: DatabaseRemedy::Address };
        let tls = Tls(MakeRustlsConnect::new(tls(&address).map_err(fault)?));
        let manager = Manager::from_config(
            address.config.clone(),
            tls.0.clone(),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let prepared = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move {
                // Generic plans: each statement has one good plan, and planning takes longer than execution. The idle
                // timeout frees the row lock of a client that vanished in the middle of a transaction. Commits are
                // synchronous even if the server's default is not: an acknowledged change is durable.
                let settings = format!(
                    "SET lock_timeout = {}; SET statement_timeout = {}; \
                     SET idle_in_transaction_session_timeout = 20000; SET synchronous_commit = on; \
                     SET plan_cache_mode = force_generic_plan",
                    ROW_WAIT.as_millis(),
                    ANSWER_TIMEOUT.as_millis()
                );
                client.batch_execute(&settings).await.map_err(HookError::Backend)?;
                migrate::check(client).await
            })
        });
        let pool = Pool::builder(manager)
            .max_size(MAX_CONNECTIONS)
            .wait_timeout(Some(LOCK_WAIT))
            .create_timeout(Some(LOCK_WAIT))
            .runtime(Runtime::Tokio1)
            .post_create(prepared)
            .build()
            .map_err(|error| fault(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Fault::io("start", "a thread for the database"))?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("database".to_owned())
            .spawn(move || {
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })
            .map_err(Fault::io("start", "a thread for the database"))?;
        Ok(Self { address, handle, tls, pool, contact: Mutex::default(), _end: end })
    }

    /// Blocks this thread until `what` is done. This works also on a thread that drives another runtime, where tokio's
    /// own `block_on` would panic.
    pub(super) fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        let _context = self.handle.enter();
        pollster::block_on(what)
    }

    /// Returns a connection of the pool. Waits for a free one, at most [`LOCK_WAIT`].
    pub(super) async fn connection(&self) -> Result<Object, Failed> {
        self.pool.get().await.map_err(Failed::Pool)
    }

    /// Closes the idle connections of the pool. After one broke, the others may be broken too.
    pub(super) fn forget_connections(&self) {
        self.pool.retain(|_, _| false);
    }

    /// Opens a connection outside of the pool. The settings and the check of the tables' version do not apply to it.
    pub(super) async fn own_connection(&self) -> Result<tokio_postgres::Client, Failed> {
        let (client, connection) = self.address.config.connect(self.tls.0.clone()).await?;
        self.handle.spawn(connection);
        Ok(client)
    }

    /// Calls `ask` with a connection, and again if the connection broke, for at most [`ANSWER_TIMEOUT`]. So `ask` must
    /// be safe to repeat: it reads, or it is idempotent, or its transaction commits as its last step.
    pub(super) fn ask<T>(&self, ask: impl AsyncFn(Object) -> Result<T, Failed>) -> Result<T, Fault> {
        self.ask_until(Instant::now() + ANSWER_TIMEOUT, ask)
    }

    /// Does the same as [`Engine::ask`], until `end`.
    pub(super) fn ask_until<T>(
        &self,
        end: Instant,
        ask: impl AsyncFn(Object) -> Result<T, Failed>,
    ) -> Result<T, Fault> {
        self.wait(async {
            let mut pause = Duration::from_millis(10);
            loop {
                let asked = tokio::time::timeout_at(end.into(), async { ask(self.connection().await?).await });
                match asked.await {
                    Ok(Ok(answer)) => {
                        self.contact().is_there();
                        return Ok(answer);
                    }
                    Ok(Err(failed)) if is_passing(&failed) && Instant::now() + pause < end => {
                        self.contact().is_lost();
                        tracing::debug!(?failed, "the database is asked again");
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(Duration::from_millis(200));
                    }
                    Ok(Err(failed)) => return Err(self.fault(failed)),
                    Err(_) => {
                        self.contact().is_lost();
                        return Err(self.unanswered());
                    }
                }
            }
        })
    }

    /// Returns the record of when the database could be reached.
    pub(super) fn contact(&self) -> MutexGuard<'_, Contact> {
        self.contact.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the fault of a database that does not answer.
    pub(super) fn unanswered(&self) -> Fault {
        self.database(format!("no answer in {} seconds", ANSWER_TIMEOUT.as_secs()), DatabaseRemedy::CallAgain)
    }

    /// Returns the fault of a commit that wrote nothing, because something had changed since the decision.
    pub(super) fn overtaken(&self) -> Fault {
        Fault::Overtaken { place: self.address.shown.clone() }
    }

    fn database(&self, why: String, remedy: DatabaseRemedy) -> Fault {
        Fault::Database { database: self.address.shown.clone(), why, remedy }
    }

    /// Returns the fault for a failure. Its text never has a user or a password of the address.
    pub(super) fn fault(&self, failed: Failed) -> Fault {
        match failed {
            Failed::Known(fault) => fault,
            Failed::Tables(why) => self.database(why, DatabaseRemedy::Migrate),
            Failed::Pool(PoolError::Timeout(deadpool_postgres::TimeoutType::Wait)) => {
                Fault::Busy { path: self.address.shown.clone().into() }
            }
            Failed::Pool(PoolError::Timeout(_)) => {
                self.database("it cannot be reached in time".to_owned(), DatabaseRemedy::CallAgain)
            }
            Failed::Pool(PoolError::PostCreateHook(HookError::Message(why))) => {
                self.database(why.into_owned(), DatabaseRemedy::Migrate)
            }
            Failed::Pool(PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error))) => {
                self.of_error(&error)
            }
            Failed::Pool(error) => self.database(error.to_string(), DatabaseRemedy::CallAgain),
            Failed::Asked(error) => self.of_error(&error),
        }
    }

    fn of_error(&self, error: &tokio_postgres::Error) -> Fault {
        let Some(said) = error.as_db_error() else {
            let mut why = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(error) = cause {
                why = format!("{why}: {error}");
                cause = error.source();
            }
            let remedy =
                if is_about_certificates(error) { DatabaseRemedy::Certificates } else { DatabaseRemedy::IsItRunning };
            return self.database(why, remedy);
        };
        let remedy = match said.code() {
            code if *code == SqlState::LOCK_NOT_AVAILABLE => {
                return Fault::Busy { path: self.address.shown.clone().into() };
            }
            code if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                DatabaseRemedy::Password
            }
            // A pooler gives each transaction another session, which has none or other ones of the statements that this
            // process has prepared.
            code if [SqlState::DUPLICATE_PSTATEMENT, SqlState::INVALID_SQL_STATEMENT_NAME].contains(code) => {
                DatabaseRemedy::SessionPooling
            }
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE => DatabaseRemedy::Grant,
            _ => DatabaseRemedy::LookAtIt,
        };
        self.database(said.message().to_owned(), remedy)
    }
}

/// Returns the TLS settings. Certificates are always checked: against those of the file that the address names, else
/// against those of the system.
fn tls(address: &DatabaseAddress) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if address.needs_tls() {
        match &address.root_certificates {
            Some(path) => {
                let unread = |error: rustls::pki_types::pem::Error| format!("{}: {error}", path.display());
                for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
                    roots.add(certificate.map_err(unread)?).map_err(|error| format!("{}: {error}", path.display()))?;
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lengthens_leases_until_the_others_had_time_to_come_back() {
        let ago = |seconds: u64| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let mut contact = Contact::default();
        assert_eq!(contact.grace(), Duration::ZERO);
        contact.is_there();
        assert_eq!(contact.grace(), Duration::ZERO);
        // It answered a minute ago, and not since.
        contact.last = Some(ago(60));
        contact.is_lost();
        contact.is_lost();
        assert_eq!(contact.grace().as_secs(), 60);
        contact.is_there();
        assert_eq!(contact.grace().as_secs(), 60, "it has just come back");
        // Lost again, within the same outage.
        contact.is_lost();
        contact.is_there();
        assert_eq!(contact.grace().as_secs(), 60);
        contact.outage.as_mut().unwrap().over = Some(ago(11));
        assert_eq!(contact.grace(), Duration::ZERO, "who has not come back by now does not");
        contact.is_there();
        assert!(contact.outage.is_none());
    }
}
