//! Leases: signs of life of server processes that work across machines (DESIGN §10).
//!
//! **What for.** The mark and the file lock by which a server shows that it lives (DESIGN §6a) are seen on its own
//! machine only. In a database a server that holds something has a row in `work.servers` with the end of its lease. The
//! row is written in the same commit that first names the server, so no other process sees the name without a lease.
//!
//! **Cost.** One small statement every 10 seconds and one connection per server process. And a machine that vanishes
//! holds its batch until its lease has ended, at most 30 seconds. A server that ends in order removes its lease at once
//! ([`give_back`]).
//!
//! **A connection of its own.** Calls can use up the pool or be slow. If the renewal waited behind them, a server that
//! works hard would count as dead, and another one would take over its batch.
//!
//! The wall clock of a machine must never decide about a lease: the ends of leases are times of the database.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::engine::Engine;
use super::failed::Failed;
use crate::board::ServerId;

/// The length of a lease, as an interval of PostgreSQL.
pub(super) const LEASE: &str = "30 seconds";

/// The time between two renewals: a third of [`LEASE`], so that one renewal can fail.
const BEAT: Duration = Duration::from_secs(10);

/// How long the row of a server is kept after its lease ended, as an interval of PostgreSQL.
const KEPT: &str = "7 days";

/// How long one renewal may take.
const ANSWER: Duration = Duration::from_secs(4);
/// The pause before a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Removes the rows of servers that ended long ago without giving their lease back.
const TIDY: &str = "DELETE FROM work.servers WHERE lease_until < clock_timestamp() - $1::text::interval";

const RENEW: &str = "INSERT INTO work.servers (id, lease_until)
    VALUES ($1::text::uuid, clock_timestamp() + $2::text::interval)
    ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until";

/// Starts a task that renews the lease of the server process until the engine is dropped.
pub(super) fn keep(engine: &Arc<Engine>, server: ServerId) {
    let weak = Arc::downgrade(engine);
    engine.handle.spawn(async move {
        let id = server.to_string();
        let mut client: Option<Client> = None;
        let mut pause = BEAT;
        let mut is_tidy = false;
        loop {
            tokio::time::sleep(pause).await;
            // A weak reference: the task must not keep the engine alive.
            let Some(engine) = weak.upgrade() else { return };
            let renewed = tokio::time::timeout(ANSWER, async {
                let connected = match client.take().filter(|client| !client.is_closed()) {
                    Some(client) => client,
                    None => engine.own_connection().await?,
                };
                connected.execute(RENEW, &[&id, &LEASE]).await?;
                if !std::mem::replace(&mut is_tidy, true) {
                    connected.execute(TIDY, &[&KEPT]).await?;
                }
                Ok::<_, Failed>(connected)
            });
            (client, pause) = match renewed.await {
                Ok(Ok(connected)) => {
                    engine.contact().is_there();
                    (Some(connected), BEAT)
                }
                // Soon again, by a new connection: there is time for several tries before the lease ends.
                missed => {
                    engine.contact().is_lost();
                    let why = missed.map_or_else(
                        |_| engine.unanswered(),
                        |failed| failed.map_or_else(|failed| engine.fault(failed), |_| engine.unanswered()),
                    );
                    tracing::warn!(%why, "the lease of this server could not be renewed");
                    (None, AGAIN)
                }
            };
        }
    });
}

/// How long the process waits at its end to give the lease back.
const LAST_WORD: Duration = Duration::from_millis(100);

/// Removes the lease, so that other servers can take over at once. If that fails or takes longer than [`LAST_WORD`],
/// the lease ends by itself.
pub(super) fn give_back(engine: &Arc<Engine>, server: ServerId) {
    engine.wait(async {
        let given = async {
            let client = engine.connection().await.ok()?;
            // One message without a prepare step: once it is sent, the database carries it out even if the wait is
            // over.
            client.batch_execute(&format!("DELETE FROM work.servers WHERE id = '{server}'")).await.ok()
        };
        let _ = tokio::time::timeout(LAST_WORD, given).await;
    });
}
