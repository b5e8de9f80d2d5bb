//! Makes workspaces and workstreams in a database.

use deadpool_postgres::Object as Connection;
use serde_json::value::RawValue;
use tokio_postgres::Transaction;

use super::change::Sql;
use super::failed::Failed;
use super::rows;
use super::transfer::Rows;
use super::{PostgresStore, end};
use crate::decide::Refusal;
use crate::fault::{Error, Fault};
use crate::format::json::Object;
use crate::format::threads_json::{ThreadsText, named};
use crate::format::{agents_yaml, index_json};
use crate::index::IndexEvent;
use crate::moment::Moment;
use crate::plan::{MAX_PLAN_BYTES, PlanHash};
use crate::store::{Added, Executed, NewWorkstream, new_id};

impl PostgresStore {
    /// Makes the workspace, with the sample roster. Returns whether it was made; `false`: it exists already.
    pub fn make_workspace(&self, at: Moment) -> Result<bool, Fault> {
        let unwritable = |error: serde_json::Error| Fault::Internal(error.to_string());
        let mut rest: Object =
            index_json::empty(at).and_then(|text| serde_json::from_str(&text)).map_err(unwritable)?;
        rest.remove("current_stream");
        rest.remove("streams");
        let (rest, roster) = (serde_json::to_string(&rest).map_err(unwritable)?, agents_yaml::sample(&[]));
        self.engine()?.ask(async |client: Connection| {
            let insert = "INSERT INTO work.workspaces (name, roster, rest) VALUES ($1, $2, $3::text::json)
                ON CONFLICT (name) DO NOTHING";
            Ok(client.execute(insert, &[&self.address.workspace, &roster, &rest]).await? == 1)
        })
    }

    /// Returns the workspace in the form that people are shown.
    pub fn workspace(&self) -> String {
        self.shown()
    }
}

/// Adds a workstream. It becomes the current one unless a batch of the current one is executed.
///
/// # Errors
///
/// [`Fault::TooLarge`] for a plan over [`MAX_PLAN_BYTES`]; the refusals of [`Store::add`](crate::store::Store::add).
pub(super) fn add(store: &PostgresStore, new: &NewWorkstream<'_>, at: Moment) -> Result<Added, Error> {
    if new.plan.len() as u64 > MAX_PLAN_BYTES {
        let path = format!("{}: PLAN.md", store.shown()).into();
        return Err(Fault::TooLarge { path, bytes: new.plan.len(), limit: MAX_PLAN_BYTES }.into());
    }
    let executed = executed(store)?;
    let becomes_current = executed.is_none();
    let added = store.engine()?.ask(async |mut client: Connection| {
        let transaction = client.transaction().await?;
        let added = insert(&transaction, store, new, becomes_current, at).await?;
        if added.is_ok() {
            transaction.commit().await?;
        }
        Ok(added)
    })?;
    Ok(Added { id: added?, executed })
}

/// Returns the current workstream, or the only one, if a batch of it is executed. One that cannot be read is not
/// executed. The workstream that this shell or command line names does not count: other callers' bare calls mean the
/// current one.
fn executed(store: &PostgresStore) -> Result<Option<Executed>, Error> {
    let (index, mut known) = store.catalogue()?;
    let current = match index.current {
        Some(current) => Some(current),
        None if known.len() == 1 => known.pop(),
        None => None,
    };
    let opened = current.and_then(|current| store.open_one(Some(&current), None, end()).ok().flatten());
    Ok(opened.and_then(|(_, opened)| store.snapshot(&opened).ok()).as_ref().and_then(Executed::of))
}

/// Inserts the rows of the workstream and returns its id. An inner `Err` is a refusal, and nothing is written.
async fn insert(
    transaction: &Transaction<'_>,
    store: &PostgresStore,
    new: &NewWorkstream<'_>,
    becomes_current: bool,
    at: Moment,
) -> Result<Result<String, Refusal>, Failed> {
    let workspace = &store.address.workspace;
    // The locks are taken in the order of commits, workstreams before the workspace, so that no two wait for each
    // other. READ COMMITTED: the catalogue is read after the locks are acquired, so it has what others added meanwhile.
    let workstreams =
        "SELECT w.workstream_id FROM work.workspaces s JOIN work.workstreams w ON w.workspace_id = s.workspace_id
        WHERE s.name = $1 ORDER BY w.workstream_id FOR NO KEY UPDATE OF w";
    transaction.query(workstreams, &[workspace]).await?;
    let lock = "SELECT workspace_id FROM work.workspaces WHERE name = $1 FOR UPDATE";
    let Some(key) = transaction.query_opt(lock, &[workspace]).await? else { return Err(store.no_workspace().into()) };
    let key: i64 = key.try_get(0)?;
    let Some((index, known)) = rows::catalogue(transaction, workspace).await? else {
        return Err(store.no_workspace().into());
    };
    let id = match new_id(new.name, &index, &known, &known, |_| false) {
        Ok(id) => id,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let unwritable =
        |error: serde_json::Error| Fault::StateUnreadable { path: id.clone().into(), at: None, why: error.to_string() };
    let entry = new_entry(&id, at).map_err(unwritable)?;
    let threads = match new.threads {
        Some(threads) => named(threads, &id).map_err(unwritable)?,
        None => ThreadsText::read(None, &id).and_then(|document| document.text()).map_err(unwritable)?,
    };
    let rows = Rows::of(&threads, &id).map_err(unwritable)?;
    let hash = PlanHash::of(new.plan).as_str().to_owned();
    let (rest, strays) = (rows.rest().map_err(unwritable)?, rows.strays().map_err(unwritable)?);
    let insert = "INSERT INTO work.workstreams
            (workspace_id, stream_id, position, entry, plan, plan_hash, rest, unrecognized)
        SELECT $1, $2, coalesce(max(position), -1) + 1, $3::text::json, $4, $5, $6::text::json, $7::text::json
        FROM work.workstreams WHERE workspace_id = $1
        RETURNING workstream_id, revision, stamp::text";
    let row = transaction.query_one(insert, &[&key, &id, &entry, &new.plan, &hash, &rest, &strays]).await?;
    let (new_key, revision, stamp): (i64, i64, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let mut sql = Sql::default();
    sql.add("WITH w AS (SELECT $::bigint AS workstream_id, $::bigint AS revision)", &[&new_key, &revision]);
    rows.insert(&mut sql);
    transaction.execute(&sql.text, &sql.values).await?;
    if becomes_current {
        transaction
            .execute("UPDATE work.workspaces SET current_workstream = $2 WHERE workspace_id = $1", &[&key, &id])
            .await?;
    }
    let created = "INSERT INTO work.events (workstream_id, revision, ordinal, commit_id, actor, event)
        VALUES ($1, $2, 1, $3::text::uuid, $4, '{\"event\":\"created\"}')";
    transaction.execute(created, &[&new_key, &revision, &stamp, &store.actor()]).await?;
    // A decision can depend on which workstreams exist and which one is current. So their cached copies must not fit
    // any more.
    let others = "UPDATE work.workstreams SET revision = revision + 1, stamp = DEFAULT WHERE workspace_id = $1 AND workstream_id <> $2";
    transaction.execute(others, &[&key, &new_key]).await?;
    Ok(Ok(id))
}

/// Returns the entry of index.json for a new workstream.
fn new_entry(id: &str, at: Moment) -> serde_json::Result<String> {
    let text = index_json::write(None, id, &[IndexEvent::Created], at)?;
    let file: Object = serde_json::from_str(&text)?;
    let streams = file.get::<Vec<Box<RawValue>>>("streams")?.unwrap_or_default();
    Ok(streams.first().map(|entry| entry.get().to_owned()).unwrap_or_default())
}
