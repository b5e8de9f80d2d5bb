//! Copies a workspace into the database and out of it, for `work store push` and `pull`.

use deadpool_postgres::Object as Connection;
use serde_json::value::RawValue;
use tokio_postgres::Transaction;

use super::PostgresStore;
use super::change::{CycleRows, Sql, ThreadRows};
use super::failed::Failed;
use crate::board::Board;
use crate::decide::{Refusal, TransferProblem};
use crate::fault::{Error, Fault};
use crate::format::threads_json::{self, Records, ThreadsText};
use crate::plan::PlanHash;
use crate::store::Store as _;
use crate::store::copy::{Copied, Overwrite, WorkspaceCopy, WorkstreamCopy};
use crate::store::snapshot::ThreadsFile;

/// The rows of a workstream that is copied.
pub(super) struct Rows {
    document: ThreadsText,
    threads: ThreadRows,
    cycles: CycleRows,
}

impl Rows {
    /// Returns the rows of a threads.json.
    pub(super) fn of(text: &str, id: &str) -> serde_json::Result<Self> {
        let file = ThreadsFile::of(text)?;
        let document = file.document(id)?.clone();
        let board = &file.threads.board;
        let mut threads = ThreadRows::default();
        for (id, thread) in board.threads.iter() {
            threads.add(id, thread.status.word(), document.record(id).unwrap_or("{}"));
        }
        let cycles = document.get::<Vec<Box<RawValue>>>("cycles")?.unwrap_or_default();
        Ok(Self { threads, cycles: CycleRows::of(&Board::default(), board, &cycles), document })
    }

    /// Returns the object of all top-level keys except `threads` and `cycles`.
    pub(super) fn rest(&self) -> serde_json::Result<String> {
        self.document.rest()
    }

    /// Returns the list of the records that belong to no thread.
    pub(super) fn strays(&self) -> serde_json::Result<String> {
        self.document.strays()
    }

    /// Appends the `WITH` parts that insert the rows with the key and the revision of `w`, and the final SELECT that
    /// the syntax needs.
    pub(super) fn insert<'v>(&'v self, sql: &mut Sql<'v>) {
        if !self.threads.record.is_empty() {
            sql.add(", t AS (", &[]);
            self.threads.insert(sql);
            sql.add(")", &[]);
        }
        if !self.cycles.record.is_empty() {
            sql.add(", c AS (", &[]);
            self.cycles.insert(sql);
            sql.add(")", &[]);
        }
        sql.add(" SELECT", &[]);
    }

    /// Returns the text of threads.json that a read of these rows would give.
    fn text(&self) -> serde_json::Result<String> {
        let (rest, strays) = (self.document.rest()?, self.document.strays()?);
        let (threads, cycles) = (self.threads.record.clone(), self.cycles.record.clone());
        threads_json::assembled(&Records { rest, strays, threads, cycles })
    }
}

impl PostgresStore {
    /// Writes a copy to the database, all of it or nothing.
    ///
    /// # Errors
    ///
    /// [`Refusal::Transfer`] if the database has another state that `overwrite` protects, if a plan has no workstream
    /// there, or if its text has a NUL.
    pub fn copy_in(&self, copy: &WorkspaceCopy, overwrite: Overwrite) -> Result<Copied, Error> {
        let mut rows = Vec::new();
        for workstream in &copy.workstreams {
            if workstream.plan.contains('\0') {
                return Err(Refusal::Transfer(TransferProblem::PlanHasNul { workstream: workstream.id.clone() }).into());
            }
            let unreadable = |error| unreadable(&workstream.id, &error);
            rows.push((workstream, Rows::of(&workstream.threads, &workstream.id).map_err(unreadable)?));
        }
        let engine = self.engine()?;
        let copied = engine.ask(async |mut client: Connection| {
            let transaction = client.transaction().await?;
            // The locks are taken in the order of commits, workstreams before the workspace, so that no two wait for
            // each other.
            let all = "SELECT w.workstream_id FROM work.workspaces s JOIN work.workstreams w ON w.workspace_id = s.workspace_id
                WHERE s.name = $1 ORDER BY w.workstream_id FOR NO KEY UPDATE OF w";
            transaction.query(all, &[&self.address.workspace]).await?;
            let (name, roster) = (&self.address.workspace, &copy.roster);
            let key = if overwrite == Overwrite::Plans {
                let update = "UPDATE work.workspaces SET roster = coalesce($2, roster) WHERE name = $1 RETURNING workspace_id";
                transaction.query_opt(update, &[name, roster]).await?
            } else {
                // The values in the database win, unless `overwrite` is `All`.
                let insert = "INSERT INTO work.workspaces AS there (name, current_workstream, roster, rest)
                    VALUES ($1, $2, $3, $4::text::json)
                    ON CONFLICT (name) DO UPDATE SET
                        roster = CASE WHEN $5 THEN coalesce(excluded.roster, there.roster)
                            ELSE coalesce(there.roster, excluded.roster) END,
                        rest = CASE WHEN $5 THEN excluded.rest ELSE there.rest END,
                        current_workstream = CASE WHEN $5 THEN excluded.current_workstream
                            ELSE coalesce(there.current_workstream, excluded.current_workstream) END
                    RETURNING workspace_id";
                let force = overwrite == Overwrite::All;
                transaction.query_opt(insert, &[name, &copy.current, roster, &copy.rest, &force]).await?
            };
            let Some(key) = key else { return Err(self.no_workspace().into()) };
            let key: i64 = key.try_get(0)?;
            let mut copied = Copied { to: self.shown(), ..Copied::default() };
            let mut refused = None;
            for (workstream, rows) in &rows {
                match copy_one(&transaction, key, workstream, rows, overwrite).await? {
                    Some(true) => copied.written.push(workstream.id.clone()),
                    Some(false) => copied.unchanged.push(workstream.id.clone()),
                    None => refused = refused.or_else(|| Some(workstream.id.clone())),
                }
            }
            if let Some(id) = refused {
                return Ok(Err(id));
            }
            let all = "UPDATE work.workstreams SET revision = revision + 1, stamp = DEFAULT WHERE workspace_id = $1";
            transaction.execute(all, &[&key]).await?;
            transaction.commit().await?;
            Ok(Ok(copied))
        })?;
        self.notify(engine);
        copied.map_err(|workstream| {
            Refusal::Transfer(match overwrite {
                Overwrite::Plans => TransferProblem::NotInDatabase { workstream },
                Overwrite::Nothing | Overwrite::All => TransferProblem::Differs { workstream },
            })
            .into()
        })
    }

    /// Returns a copy of the workspace, or of one workstream, as it was at one instant.
    pub fn copy_out(&self, wanted: Option<&str>) -> Result<WorkspaceCopy, Error> {
        let wanted = wanted.map(|wanted| self.selected(Some(wanted))).transpose()?;
        let engine = self.engine()?;
        let copy = engine.ask(async |mut client: Connection| {
            let transaction = client
                .build_transaction()
                .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            copy_all(&transaction, &self.address.workspace, wanted.as_deref()).await
        })?;
        copy.ok_or_else(|| self.no_workspace().into())
    }
}

fn unreadable(id: &str, error: &serde_json::Error) -> Fault {
    Fault::StateUnreadable { path: id.into(), at: None, why: error.to_string() }
}

/// Writes one workstream. Returns whether anything changed. `None`: `overwrite` does not allow it, since the database
/// has another state, or with [`Overwrite::Plans`] no such workstream.
async fn copy_one(
    transaction: &Transaction<'_>,
    workspace: i64,
    part: &WorkstreamCopy,
    rows: &Rows,
    overwrite: Overwrite,
) -> Result<Option<bool>, Failed> {
    let unreadable = |error: serde_json::Error| unreadable(&part.id, &error);
    let hash = PlanHash::of(&part.plan).as_str().to_owned();
    let there = transaction
        .query_opt(
            "SELECT workstream_id, plan_hash, entry::text FROM work.workstreams
             WHERE workspace_id = $1 AND stream_id = $2 FOR UPDATE",
            &[&workspace, &part.id],
        )
        .await?;
    if let Some(there) = there {
        let (key, known): (i64, String) = (there.try_get(0)?, there.try_get(1)?);
        let set_plan = "UPDATE work.workstreams SET plan = $2, plan_hash = $3 WHERE workstream_id = $1";
        if overwrite == Overwrite::Plans {
            if known == hash {
                return Ok(Some(false));
            }
            transaction.execute(set_plan, &[&key, &part.plan, &hash]).await?;
            return Ok(Some(true));
        }
        let entry: Option<String> = there.try_get(2)?;
        let text = threads_json::assembled(&records(transaction, key).await?).map_err(unreadable)?;
        let own = rows.text().map_err(unreadable)?;
        // Both texts pass through the form of rows, which loses only the layout and the order of the records. So equal
        // texts mean equal states.
        let laid_out = |text: &str| ThreadsText::read(Some(text), &part.id).and_then(|document| document.text());
        let is_same = laid_out(&text).map_err(unreadable)? == laid_out(&own).map_err(unreadable)?;
        if is_same && entry == part.entry && known == hash {
            return Ok(Some(false));
        }
        if overwrite == Overwrite::Nothing {
            return Ok(None);
        }
        // The events stay. Only the state is replaced.
        for sql in
            ["DELETE FROM work.threads WHERE workstream_id = $1", "DELETE FROM work.cycles WHERE workstream_id = $1"]
        {
            transaction.execute(sql, &[&key]).await?;
        }
    } else if overwrite == Overwrite::Plans {
        return Ok(None);
    }
    let position = i32::try_from(part.position).unwrap_or(i32::MAX);
    let rest = rows.rest().map_err(unreadable)?;
    let strays = rows.strays().map_err(unreadable)?;
    let key = transaction
        .query_one(
            "INSERT INTO work.workstreams
                 (workspace_id, stream_id, position, entry, plan, plan_hash, approved_plan, rest, unrecognized)
             VALUES ($1, $2, $3, $4::text::json, $5, $6, $7, $8::text::json, $9::text::json)
             ON CONFLICT (workspace_id, stream_id) DO UPDATE SET position = excluded.position, entry = excluded.entry,
                 plan = excluded.plan, plan_hash = excluded.plan_hash, approved_plan = excluded.approved_plan,
                 rest = excluded.rest, unrecognized = excluded.unrecognized,
                 revision = work.workstreams.revision + 1, stamp = excluded.stamp,
                 generation = work.workstreams.generation + 1
             RETURNING workstream_id, revision, stamp::text",
            &[&workspace, &part.id, &position, &part.entry, &part.plan, &hash, &part.approved, &rest, &strays],
        )
        .await?;
    let (key, revision, stamp): (i64, i64, String) = (key.try_get(0)?, key.try_get(1)?, key.try_get(2)?);
    let pushed = r#"INSERT INTO work.events (workstream_id, revision, ordinal, commit_id, actor, event)
        VALUES ($1, $2, 1, $3::text::uuid, current_user, '{"event":"pushed"}')"#;
    transaction.execute(pushed, &[&key, &revision, &stamp]).await?;
    let mut sql = Sql::default();
    sql.add("WITH w AS (SELECT $::bigint AS workstream_id, $::bigint AS revision)", &[&key, &revision]);
    rows.insert(&mut sql);
    transaction.execute(&sql.text, &sql.values).await?;
    Ok(Some(true))
}

async fn records(transaction: &Transaction<'_>, key: i64) -> Result<Records, Failed> {
    let own = transaction
        .query_one("SELECT rest::text, unrecognized::text FROM work.workstreams WHERE workstream_id = $1", &[&key])
        .await?;
    let threads = "SELECT record::text FROM work.threads WHERE workstream_id = $1 ORDER BY stage, batch, thread";
    let cycles = "SELECT record::text FROM work.cycles WHERE workstream_id = $1 ORDER BY position";
    let mut texts = [Vec::new(), Vec::new()];
    for (texts, sql) in texts.iter_mut().zip([threads, cycles]) {
        for row in transaction.query(sql, &[&key]).await? {
            texts.push(row.try_get(0)?);
        }
    }
    let [threads, cycles] = texts;
    Ok(Records { rest: own.try_get(0)?, strays: own.try_get(1)?, threads, cycles })
}

async fn copy_all(
    transaction: &Transaction<'_>,
    workspace: &str,
    wanted: Option<&str>,
) -> Result<Option<WorkspaceCopy>, Failed> {
    let own = transaction
        .query_opt(
            "SELECT workspace_id, current_workstream, roster, rest::text FROM work.workspaces WHERE name = $1",
            &[&workspace],
        )
        .await?;
    let Some(own) = own else { return Ok(None) };
    let key: i64 = own.try_get(0)?;
    let rows = transaction
        .query(
            "SELECT workstream_id, stream_id, entry::text, plan, approved_plan FROM work.workstreams
             WHERE workspace_id = $1 AND ($2::text IS NULL OR stream_id = $2) ORDER BY position, stream_id",
            &[&key, &wanted],
        )
        .await?;
    let mut workstreams = Vec::new();
    for (position, row) in rows.into_iter().enumerate() {
        let id: String = row.try_get(1)?;
        let threads = threads_json::assembled(&records(transaction, row.try_get(0)?).await?);
        workstreams.push(WorkstreamCopy {
            position,
            entry: row.try_get(2)?,
            plan: row.try_get(3)?,
            approved: row.try_get(4)?,
            threads: threads.map_err(|error| unreadable(&id, &error))?,
            id,
        });
    }
    let (current, roster, rest) = (own.try_get(1)?, own.try_get(2)?, own.try_get(3)?);
    Ok(Some(WorkspaceCopy { current, roster, rest, workstreams }))
}
