//! The connections to a database: a pool, and the thread that drives it. Whoever asks waits on its own thread.

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

/// How many connections one process has at the most.
const MAX_CONNECTIONS: usize = 8;

/// How long anything that is asked of the database may take: waiting for others, for one that restarts, and for what
/// became of a commit included.
pub(super) const ANSWER_TIMEOUT: Duration = LOCK_WAIT;

/// How long a row is waited for that somebody else has locked. The database says so before nobody waits for it any more.
pub(super) const ROW_WAIT: Duration = Duration::from_secs(9);

/// The connections of one store.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) address: DatabaseAddress,
    pub(super) handle: Handle,
    pub(super) tls: Tls,
    pool: Pool,
    contact: Mutex<Contact>,
    /// Dropped with the engine: then its thread ends.
    _end: oneshot::Sender<()>,
}

/// How connections are made safe.
#[derive(Clone)]
pub(super) struct Tls(pub(super) MakeRustlsConnect);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// A connection that may be in the middle of something, such as a transaction. When it is dropped it is closed, so that
/// the server undoes everything and nobody else gets it; unless it is released.
#[derive(Debug)]
pub(super) struct Claimed(Option<Object>);

impl Claimed {
    pub(super) fn new(client: Object) -> Self {
        Self(Some(client))
    }

    /// Returns the connection, which is in no transaction any more, to the pool.
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

/// When the database could be reached. Time in which it could not does not count against the lease of another process:
/// that one could not renew it either.
#[derive(Debug, Default)]
pub(super) struct Contact {
    last: Option<Instant>,
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    /// When the database was there last before it.
    since: Instant,
    /// When it was there again.
    over: Option<Instant>,
}

/// How long after an outage the others have to renew their leases.
const GRACE: Duration = Duration::from_secs(10);

impl Contact {
    /// The database has answered.
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

    /// The database has not answered.
    pub(super) fn is_lost(&mut self) {
        let since = self.outage.take().map(|outage| outage.since).or(self.last).unwrap_or_else(Instant::now);
        self.outage = Some(Outage { since, over: None });
    }

    /// Returns how much longer than they say leases last for now.
    pub(super) fn grace(&self) -> Duration {
        match &self.outage {
            Some(Outage { since, over }) if over.is_none_or(|over| over.elapsed() < GRACE) => since.elapsed(),
            _ => Duration::ZERO,
        }
    }
}

impl Engine {
    /// Starts the thread. Connects to nothing yet.
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
                // Each statement has one good plan, and to plan costs more than to carry out. And a client that
                // vanishes in the middle of a transaction must not hold its locks for ever.
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

    /// Waits for something on this thread, whichever it is: also one that drives another runtime.
    pub(super) fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        let _context = self.handle.enter();
        pollster::block_on(what)
    }

    /// Returns a connection.
    pub(super) async fn connection(&self) -> Result<Object, Failed> {
        self.pool.get().await.map_err(Failed::Pool)
    }

    /// Closes the connections that nobody uses: where one broke, the others may have too.
    pub(super) fn forget_connections(&self) {
        self.pool.retain(|_, _| false);
    }

    /// Returns a connection of its own, outside of the pool, on which nothing is checked or set.
    pub(super) async fn own_connection(&self) -> Result<tokio_postgres::Client, Failed> {
        let (client, connection) = self.address.config.connect(self.tls.0.clone()).await?;
        self.handle.spawn(connection);
        Ok(client)
    }

    /// Asks something that changes nothing until it is committed, again if the connection broke on the way, for as
    /// long as one call may wait.
    pub(super) fn ask<T>(&self, ask: impl AsyncFn(Object) -> Result<T, Failed>) -> Result<T, Fault> {
        self.ask_until(Instant::now() + ANSWER_TIMEOUT, ask)
    }

    /// The same, until then.
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

    /// Returns what this process knows of when the database could be reached.
    pub(super) fn contact(&self) -> MutexGuard<'_, Contact> {
        self.contact.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the fault of a database that says nothing.
    pub(super) fn unanswered(&self) -> Fault {
        self.database(format!("no answer in {} seconds", ANSWER_TIMEOUT.as_secs()), DatabaseRemedy::CallAgain)
    }

    /// Returns the fault of a commit that was not written, since something is not as it was when it was decided.
    pub(super) fn overtaken(&self) -> Fault {
        Fault::Overtaken { place: self.address.shown.clone() }
    }

    fn database(&self, why: String, remedy: DatabaseRemedy) -> Fault {
        Fault::Database { database: self.address.shown.clone(), why, remedy }
    }

    /// Says what went wrong, without a word of who asked by which password.
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
            code if *code == SqlState::INSUFFICIENT_PRIVILEGE => DatabaseRemedy::Grant,
            _ => DatabaseRemedy::LookAtIt,
        };
        self.database(said.message().to_owned(), remedy)
    }
}

/// Certificates are always checked: against the system's, or those of a file that is named.
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
        // It was there a minute ago, and not since.
        contact.last = Some(ago(60));
        contact.is_lost();
        contact.is_lost();
        assert_eq!(contact.grace().as_secs(), 60);
        contact.is_there();
        assert_eq!(contact.grace().as_secs(), 60, "it has just come back");
        // Again lost, within the same outage.
        contact.is_lost();
        contact.is_there();
        assert_eq!(contact.grace().as_secs(), 60);
        contact.outage.as_mut().unwrap().over = Some(ago(11));
        assert_eq!(contact.grace(), Duration::ZERO, "who has not come back by now does not");
        contact.is_there();
        assert!(contact.outage.is_none());
    }
}
