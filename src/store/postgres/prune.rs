//! Retention: removes old events and old rows of servers when a person asks for it (`work store prune`).

use deadpool_postgres::Object as Connection;

use super::PostgresStore;
use crate::fault::Fault;

/// What was removed.
#[derive(Debug, serde::Serialize)]
pub struct Pruned {
    /// The number of events.
    pub events: u64,
    /// The number of server processes whose lease ended without being given back.
    pub servers: u64,
}

impl PostgresStore {
    /// Removes the events of all workspaces that are older than `days`, and the rows of servers whose lease ended
    /// before that. This removes no state: a process whose last event is gone reads its workstream as a whole.
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
