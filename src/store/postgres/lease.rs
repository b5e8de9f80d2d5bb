//! Who is alive, across hosts: a server process that holds something renews a lease, on a connection of its
//! own, so that it stays alive however slow its calls are. When its host vanishes, the lease ends.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::engine::Engine;
use super::failed::Failed;
use crate::board::ServerId;

/// How long a lease is, as PostgreSQL reads it. [`BEAT`] is a third of it.
pub(super) const LEASE: &str = "30 seconds";

const BEAT: Duration = Duration::from_secs(10);

/// Rows of servers that ended without a word are kept so long, as PostgreSQL reads it.
const KEPT: &str = "7 days";

/// How long one renewal may take, and how soon it is tried again.
const ANSWER: Duration = Duration::from_secs(4);
const AGAIN: Duration = Duration::from_secs(1);

const TIDY: &str = "DELETE FROM work.servers WHERE lease_until < clock_timestamp() - $1::text::interval";

const RENEW: &str = "INSERT INTO work.servers (id, lease_until)
    VALUES ($1::text::uuid, clock_timestamp() + $2::text::interval)
    ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until";

/// Renews the lease of the server process until the engine has ended.
pub(super) fn keep(engine: &Arc<Engine>, server: ServerId) {
    let weak = Arc::downgrade(engine);
    engine.handle.spawn(async move {
        let id = server.to_string();
        let mut client: Option<Client> = None;
        let mut pause = BEAT;
        let mut is_tidy = false;
        loop {
            tokio::time::sleep(pause).await;
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
                // Again by another connection, while there is time.
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

/// How long the end of the process waits for that of its lease.
const LAST_WORD: Duration = Duration::from_millis(100);

/// Ends the lease, so that nobody waits for it to run out. What cannot be done at once is left to that.
pub(super) fn give_back(engine: &Arc<Engine>, server: ServerId) {
    engine.wait(async {
        let given = async {
            let client = engine.connection().await.ok()?;
            // In one message: also one that nobody waits for any more is carried out.
            client.batch_execute(&format!("DELETE FROM work.servers WHERE id = '{server}'")).await.ok()
        };
        let _ = tokio::time::timeout(LAST_WORD, given).await;
    });
}
