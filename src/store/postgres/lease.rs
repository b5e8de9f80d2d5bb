//! Who is alive, across hosts: a server process that holds something renews a lease, on a connection of its
//! own, so that it stays alive however slow its calls are. When its host vanishes, the lease ends.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::engine::Engine;
use crate::board::ServerId;

/// How long a lease is, as PostgreSQL reads it. [`BEAT`] is a third of it.
pub(super) const LEASE: &str = "30 seconds";

const BEAT: Duration = Duration::from_secs(10);

const RENEW: &str = "INSERT INTO work.servers (id, lease_until)
    VALUES ($1::text::uuid, clock_timestamp() + $2::text::interval)
    ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until";

/// Renews the lease of the server process until the engine has ended.
pub(super) fn keep(engine: &Arc<Engine>, server: ServerId) {
    let weak = Arc::downgrade(engine);
    engine.handle.spawn(async move {
        let id = server.to_string();
        let mut client: Option<Client> = None;
        loop {
            tokio::time::sleep(BEAT).await;
            let Some(engine) = weak.upgrade() else { return };
            if client.as_ref().is_none_or(Client::is_closed) {
                client = engine.own_connection().await.ok();
            }
            let Some(connected) = &client else { continue };
            let renewed = tokio::time::timeout(BEAT, connected.execute(RENEW, &[&id, &LEASE])).await;
            if !matches!(renewed, Ok(Ok(_))) {
                tracing::warn!("the lease of this server could not be renewed");
                client = None;
            }
        }
    });
}

/// Ends the lease, so that nobody waits for it to run out. What cannot be done in a second is left to that.
pub(super) fn give_back(engine: &Arc<Engine>, server: ServerId) {
    engine.wait(async {
        let given = async {
            let client = engine.connection().await.ok()?;
            client.execute("DELETE FROM work.servers WHERE id = $1::text::uuid", &[&server.to_string()]).await.ok()
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), given).await;
    });
}
