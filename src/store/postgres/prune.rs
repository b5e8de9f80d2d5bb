//! Retention: what nobody needs any more is removed when a person says so.

use deadpool_postgres::Object as Connection;

use super::PostgresStore;
use crate::fault::Fault;

/// What was removed.
#[derive(Debug, serde::Serialize)]
pub struct Pruned {
    /// How many events.
    pub events: u64,
    /// How many server processes that ended without a word.
    pub servers: u64,
}

impl PostgresStore {
    /// Removes the events of all workspaces that are older than so many days, and server processes whose lease ended
    /// before that. No state goes with them: a process that finds its last event gone reads its workstream as a whole.
    pub fn prune(&self, days: u16) -> Result<Pruned, Fault> {
        self.engine()?.ask(async |client: Connection| {
            let days = i32::from(days);
            let old = "clock_timestamp() - make_interval(days => $1)";
            let events =
                client.execute(&format!("DELETE FROM work.events WHERE recorded_at < {old}"), &[&days]).await?;
            let servers =
                client.execute(&format!("DELETE FROM work.servers WHERE lease_until < {old}"), &[&days]).await?;
            Ok(Pruned { events, servers })
        })
    }
}
