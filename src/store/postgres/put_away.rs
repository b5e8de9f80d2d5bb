//! Renames and deletes workstreams in a database.

use deadpool_postgres::Object as Connection;
use serde_json::value::RawValue;

use super::failed::Failed;
use super::rows::Opened;
use crate::fault::Fault;
use crate::format::index_json;
use crate::format::json::Object;
use crate::moment::Moment;

/// What the row of a workstream has after it is renamed.
pub(super) struct Renaming {
    to: String,
    /// Its record of index.json; `None`: it has none.
    entry: Option<String>,
    /// Its threads.json without threads and cycles.
    rest: String,
}

impl Renaming {
    /// Returns it for a new id and a new name.
    pub(super) fn of(opened: &Opened, to: &str, name: &str, at: Moment) -> Result<Self, Fault> {
        let from = &opened.workstream;
        let unwritable = |error: serde_json::Error| Fault::StateUnreadable {
            path: from.clone().into(),
            at: None,
            why: error.to_string(),
        };
        let entry = match &opened.index.text {
            Some(text) => first_entry(&index_json::renamed(text, from, to, name, at).map_err(unwritable)?),
            None => Ok(None),
        };
        let rest = opened.kept.threads.document(from).and_then(|document| {
            let mut rest: Object = serde_json::from_str(&document.rest()?)?;
            rest.set("stream_id", &to, &[])?;
            serde_json::to_string(&rest)
        });
        Ok(Self { to: to.to_owned(), entry: entry.map_err(unwritable)?, rest: rest.map_err(unwritable)? })
    }
}

fn first_entry(index: &str) -> serde_json::Result<Option<String>> {
    let streams = serde_json::from_str::<Object>(index)?.get::<Vec<Box<RawValue>>>("streams")?.unwrap_or_default();
    Ok(streams.first().map(|entry| entry.get().to_owned()))
}

/// A decision can depend on which workstreams exist and which one is current. So the cached copies of the others must
/// not fit any more.
const OTHERS: &str = "UPDATE work.workstreams o SET revision = o.revision + 1, stamp = DEFAULT
    FROM work.workstreams w WHERE w.workstream_id = $1 AND o.workspace_id = w.workspace_id AND o.workstream_id <> $1";

/// Renames a workstream whose row this connection has locked, and ends the transaction.
pub(super) async fn rename(
    client: &Connection,
    opened: &Opened,
    renaming: &Renaming,
    actor: &str,
) -> Result<(), Failed> {
    let Renaming { to, entry, rest } = renaming;
    client.execute(OTHERS, &[&opened.key]).await?;
    let current = "UPDATE work.workspaces s SET current_workstream = $2 FROM work.workstreams w
        WHERE w.workstream_id = $1 AND s.workspace_id = w.workspace_id AND s.current_workstream = w.stream_id";
    client.execute(current, &[&opened.key, to]).await?;
    let update = "WITH w AS (UPDATE work.workstreams
            SET stream_id = $2, entry = $3::text::json, rest = $4::text::json, revision = revision + 1, stamp = DEFAULT
            WHERE workstream_id = $1 RETURNING workstream_id, revision, stamp)
        INSERT INTO work.events (workstream_id, revision, ordinal, commit_id, actor, event)
        SELECT workstream_id, revision, 1, stamp, $5, json_build_object('event', 'renamed', 'from', $6::text, 'to', $2::text) FROM w";
    client.execute(update, &[&opened.key, to, entry, rest, &actor, &opened.workstream]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(())
}

/// Deletes a workstream whose row this connection has locked, and ends the transaction. Its events stay.
pub(super) async fn delete(client: &Connection, opened: &Opened, actor: &str) -> Result<(), Failed> {
    client.execute(OTHERS, &[&opened.key]).await?;
    let current = "UPDATE work.workspaces s SET current_workstream = NULL FROM work.workstreams w
        WHERE w.workstream_id = $1 AND s.workspace_id = w.workspace_id AND s.current_workstream = w.stream_id";
    client.execute(current, &[&opened.key]).await?;
    let delete = "WITH w AS (DELETE FROM work.workstreams WHERE workstream_id = $1
            RETURNING workstream_id, revision + 1 AS revision, gen_random_uuid() AS stamp, stream_id)
        INSERT INTO work.events (workstream_id, revision, ordinal, commit_id, actor, event)
        SELECT workstream_id, revision, 1, stamp, $2, json_build_object('event', 'deleted', 'workstream', stream_id) FROM w";
    client.execute(delete, &[&opened.key, &actor]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(())
}
