//! Writes what a decision changes: all rows in one statement.
//!
//! **One statement.** A round trip to the database takes longer than everything else in a call. The statement is a
//! chain of `WITH` parts. The first part updates the row of the workstream and returns it as `w`; every other part
//! (threads, cycles, events, the lease) selects from `w`. If the first part finds its row changed, `w` is empty and
//! nothing is written. Separate statements would be easier to read, but the optimistic commit would have to wait for
//! the answer of the first one before it sends the others.
//!
//! **Under the lock.** The connection already has a transaction that has locked the row. The statement and its COMMIT
//! are sent together.
//!
//! **Optimistic concurrency.** Nothing is locked, and the statement is its own transaction: the call takes one round
//! trip instead of at least two. The `WHERE` of the first part compares all that the decision depended on: revision and
//! stamp, the current workstream, which servers live, and the time ([`Expected`]). If something differs, the commit
//! fails as [`Fault::Overtaken`] and `transact` decides again. A fact that a decision can depend on and that is missing
//! in [`Expected`] would be a lost update.
//!
//! **Uncertain commits.** If the connection breaks, it is not known whether the database committed. The commit must
//! never be sent again without an answer to that ([`RowChanges::settle`]).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use deadpool_postgres::Object as Connection;
use serde_json::value::RawValue;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::engine::{Claimed, Engine, ROW_WAIT};
use super::failed::{Failed, is_passing};
use super::lease::LEASE;
use super::rows::{CachedWorkstream, Opened};
use crate::board::{Board, ServerId};
use crate::decide::Ledger;
use crate::fault::Fault;
use crate::format::json::Object;
use crate::format::{index_json, threads_json};
use crate::index::IndexEvent;
use crate::plan::{PlanHash, ThreadId};
use crate::store::snapshot::ThreadsFile;

/// The part of a call's time that is kept to find out whether a broken commit was carried out.
const TO_SETTLE: Duration = Duration::from_secs(2);

/// The writer of a commit.
pub(super) struct Writer {
    /// The writer's identity, for the column `actor` of events.
    pub(super) actor: String,
    /// The server whose lease begins with this commit; `None`: it has one already, or needs none.
    pub(super) announces: Option<ServerId>,
    /// Whether the row of the workstream is locked. If not, the commit is optimistic.
    pub(super) has_lock: bool,
    /// The workspace in the form that people are shown.
    pub(super) shown: String,
}

/// What becomes of the current workstream of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Current {
    /// The workstream becomes it.
    This,
    /// The workstream is it no more, if it was.
    Another,
}

/// What a commit writes.
pub(super) struct RowChanges {
    /// The `workstream_id`.
    key: i64,
    /// The revision on which the decision was made.
    before: i64,
    /// The stamp of that revision.
    stamp: String,
    /// What must not have changed since the decision; `None`: the workstream is locked.
    known: Option<Expected>,
    /// The id of the commit: the stamp of the new revision, and the `commit_id` of its events.
    id: Uuid,
    /// threads.json without threads and cycles.
    rest: String,
    /// The new entry of index.json; `None`: it does not change.
    entry: Option<String>,
    /// Whether a person approves the plan, so that its text becomes the approved text.
    approves: bool,
    /// Whether records moved to other ids. Then the generation grows, and other processes read everything.
    moves: bool,
    threads: ThreadRows,
    /// The rows to delete: their ids have no record any more.
    gone: ThreadRows,
    cycles: CycleRows,
    /// The events as JSON, in their order.
    events: Vec<String>,
    actor: String,
    /// The server whose lease begins with this commit.
    lease: Option<String>,
    /// What becomes of the current workstream; `None`: nothing.
    current: Option<Current>,
    /// The state after the commit, for the cache.
    written: ThreadsFile,
}

/// Replaces the plan of a workstream whose row this connection has locked, and ends the transaction.
pub(super) async fn write_plan(client: &Connection, key: i64, text: &str, actor: &str) -> Result<(), Failed> {
    let hash = PlanHash::of(text).as_str().to_owned();
    let update = "WITH w AS (UPDATE work.workstreams
            SET plan = $2, plan_hash = $3, revision = revision + 1, stamp = DEFAULT
            WHERE workstream_id = $1 RETURNING workstream_id, revision, stamp)
        INSERT INTO work.events (workstream_id, revision, ordinal, commit_id, actor, event)
        SELECT workstream_id, revision, 1, stamp, $4, '{\"event\":\"plan_written\"}' FROM w";
    client.execute(update, &[&key, &text, &hash, &actor]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(())
}

/// What an optimistic decision depended on, beside the workstream itself. The commit compares it.
struct Expected {
    /// The time of the decision, computed from the database's time ([`Opened::come_to_now`]).
    now: SystemTime,
    /// The id of the current workstream.
    current: Option<String>,
    /// The ids of the servers that the board names, sorted.
    servers: Vec<String>,
    /// Those of them that counted as alive, sorted.
    alive: Vec<String>,
}

/// A statement that is being built, and the values of its parameters.
#[derive(Default)]
pub(super) struct Sql<'v> {
    pub(super) text: String,
    pub(super) values: Vec<&'v (dyn ToSql + Sync)>,
}

impl<'v> Sql<'v> {
    /// Appends a part. Each `$` in it stands for the next value and becomes a numbered parameter.
    pub(super) fn add(&mut self, text: &str, values: &[&'v (dyn ToSql + Sync)]) {
        let mut parts = text.split('$');
        self.text.extend(parts.next());
        for (part, value) in parts.zip(values) {
            self.values.push(*value);
            let _ = write!(self.text, "${}{part}", self.values.len());
        }
    }

    /// Appends a table of one row.
    fn row<const N: usize>(&mut self, types: [&str; N], values: [&'v (dyn ToSql + Sync); N]) {
        self.add(&format!("(VALUES ({}))", types.map(|kind| format!("$::{kind}")).join(", ")), &values);
    }

    /// Appends a table of any number of rows, given as one array per column. The text does not depend on the number of
    /// rows, so it is prepared once.
    fn rows<const N: usize>(&mut self, types: [&str; N], columns: [&'v (dyn ToSql + Sync); N]) {
        self.add(&format!("unnest({})", types.map(|kind| format!("$::{kind}[]")).join(", ")), &columns);
    }
}

/// Rows of `work.threads`, one vector per column.
#[derive(Default)]
pub(super) struct ThreadRows {
    stage: Vec<i16>,
    batch: Vec<i16>,
    thread: Vec<i16>,
    status: Vec<&'static str>,
    pub(super) record: Vec<String>,
}

/// Rows of `work.cycles`, one vector per column.
#[derive(Default)]
pub(super) struct CycleRows {
    position: Vec<i32>,
    batch: Vec<String>,
    number: Vec<i32>,
    open: Vec<bool>,
    holder: Vec<Option<String>>,
    pub(super) record: Vec<String>,
}

impl RowChanges {
    /// Returns what the ledger changes in the rows of the opened workstream.
    ///
    /// # Errors
    ///
    /// [`Fault::StateUnreadable`] if a record that is kept cannot be written again.
    pub(super) fn of(opened: &Opened, ledger: &Ledger, writer: &Writer) -> Result<Self, Fault> {
        let unwritable = |error: serde_json::Error| Fault::StateUnreadable {
            path: writer.shown.clone().into(),
            at: None,
            why: error.to_string(),
        };
        let (before, after) = (&opened.kept.threads.threads.board, ledger.board());
        let document = opened.kept.threads.document(&opened.workstream).map_err(unwritable)?;
        let document = threads_json::write(document, before, after, ledger.moves(), &BTreeSet::new(), ledger.at())
            .map_err(unwritable)?;
        let mut threads = ThreadRows::default();
        let mut gone = ThreadRows::default();
        if let Some(moves) = ledger.moves() {
            // The key of a thread's row is its id. So each thread that moved is written under its new id, and old ids
            // that no thread has any more are deleted.
            for id in moves.threads.keys().filter(|id| after.threads.get(**id).is_none()) {
                gone.add(*id, "", "");
            }
            let has_moved: BTreeSet<ThreadId> = moves.threads.values().flatten().copied().collect();
            let before = before.with_new_ids(moves);
            let changed: BTreeSet<ThreadId> = after.threads.changed(&before.threads).map(|(id, ..)| id).collect();
            for (id, thread) in after.threads.iter().filter(|(id, _)| has_moved.contains(id) || changed.contains(id)) {
                threads.add(id, thread.status.word(), document.record(id).unwrap_or_default());
            }
        } else {
            for (id, _, thread) in after.threads.changed(&before.threads) {
                threads.add(id, thread.status.word(), document.record(id).unwrap_or_default());
            }
        }
        let records = document.get::<Vec<Box<RawValue>>>("cycles").map_err(unwritable)?.unwrap_or_default();
        let cycles = CycleRows::of(before, after, &records);
        let mut entry = None;
        let index_events = ledger.index_events();
        if !index_events.is_empty() {
            let text = index_json::write(opened.index.text.as_deref(), &opened.workstream, index_events, ledger.at());
            let file: Object = text.and_then(|text| serde_json::from_str(&text)).map_err(unwritable)?;
            let streams = file.get::<Vec<Box<RawValue>>>("streams").map_err(unwritable)?.unwrap_or_default();
            entry = streams.first().map(|entry| entry.get().to_owned());
        }
        let events = ledger.events().iter().map(serde_json::to_string);
        let events = events.chain(index_events.iter().map(serde_json::to_string));
        Ok(Self {
            key: opened.key,
            before: opened.kept.revision,
            stamp: opened.kept.stamp.clone(),
            known: (!writer.has_lock).then(|| Expected::of(opened)),
            id: Uuid::new_v4(),
            rest: document.rest().map_err(unwritable)?,
            entry,
            approves: ledger.approves_plan(),
            moves: ledger.moves().is_some(),
            threads,
            gone,
            cycles,
            events: events.collect::<serde_json::Result<_>>().map_err(unwritable)?,
            actor: writer.actor.clone(),
            lease: writer.announces.map(|server| server.to_string()),
            current: index_events.iter().find_map(|event| match event {
                IndexEvent::CurrentSet => Some(Current::This),
                IndexEvent::Archived => Some(Current::Another),
                _ => None,
            }),
            written: ThreadsFile::of_document(&opened.kept.threads, Arc::clone(after), document),
        })
    }

    /// Commits, on the connection that holds the lock if there is one, and returns the new revision. If the connection
    /// breaks, it is not known whether the database committed. Then another connection finds that out, until `end`.
    ///
    /// # Errors
    ///
    /// [`Fault::Overtaken`] if nothing was written because something had changed, or because the database undid the
    /// transaction; the caller decides again. [`Fault::Uncertain`] if it is still not known at `end` whether it was
    /// written.
    pub(super) async fn commit(&self, engine: &Engine, locked: Option<Claimed>, end: Instant) -> Result<i64, Fault> {
        let client = match locked {
            Some(client) => client,
            None => match engine.connection().await {
                Ok(client) => Claimed::new(client),
                // Nothing was sent. The next attempt takes the lock, and that waits until the database can be reached.
                Err(failed) if is_passing(&failed) => return Err(engine.overtaken()),
                Err(failed) => return Err(engine.fault(failed)),
            },
        };
        let until = end.checked_sub(TO_SETTLE).unwrap_or(end);
        match tokio::time::timeout_at(until.into(), self.write(&client)).await {
            Ok(Ok(revision)) => {
                engine.contact().is_there();
                client.release();
                return revision.ok_or_else(|| engine.overtaken());
            }
            // The database reported an error and undid the transaction: it is certain that nothing was written.
            Ok(Err(failed)) if failed.is_no() => {
                return Err(if is_passing(&failed) { engine.overtaken() } else { engine.fault(failed) });
            }
            Ok(Err(failed)) => tracing::debug!(?failed, "a commit broke"),
            Err(_) => tracing::debug!("a commit was not answered"),
        }
        // From here on the commit is uncertain. Closing the connection makes the server end its transaction, if it
        // still runs; the lock in `settle` waits for that.
        drop(client);
        engine.contact().is_lost();
        engine.forget_connections();
        tracing::warn!("the connection to the database broke in a commit; looking what became of it");
        let mut pause = Duration::from_millis(100);
        while Instant::now() < end {
            match tokio::time::timeout_at(end.into(), self.settle(engine)).await {
                Ok(Ok(settled)) => {
                    engine.contact().is_there();
                    return settled;
                }
                Ok(Err(failed)) => tracing::warn!(why = %engine.fault(failed), "not known yet"),
                Err(_) => tracing::warn!(why = %engine.unanswered(), "not known yet"),
            }
            tokio::time::sleep_until((Instant::now() + pause).min(end).into()).await;
            pause *= 2;
        }
        Err(Fault::Uncertain { database: engine.address.shown.clone() })
    }

    /// Sends the statement, and returns the new revision. `None`: something had changed, and nothing was written.
    async fn write(&self, client: &Connection) -> Result<Option<i64>, Failed> {
        let id = self.id.to_string();
        let sql = self.sql(&id);
        let statement = client.prepare_cached(&sql.text).await?;
        let written = client.query_opt(&statement, &sql.values);
        let row = if self.known.is_some() {
            written.await?
        } else {
            // Pipelined, to save a round trip. If the statement fails, the COMMIT becomes a rollback.
            let (row, committed) = tokio::join!(written, client.batch_execute("COMMIT"));
            let row = row?;
            committed?;
            row
        };
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Returns the statement that writes all changes. It has no parts for what does not change: PostgreSQL takes longer
    /// to set up a part than to carry it out.
    fn sql<'v>(&'v self, id: &'v String) -> Sql<'v> {
        let mut sql = Sql::default();
        let update = "WITH w AS (UPDATE work.workstreams SET revision = revision + 1, stamp = $::text::uuid,
                rest = $::text::json";
        sql.add(update, &[id, &self.rest]);
        if let Some(entry) = &self.entry {
            sql.add(", entry = $::text::json", &[entry]);
        }
        if self.approves {
            sql.add(", approved_plan = plan", &[]);
        }
        if self.moves {
            sql.add(", generation = generation + 1", &[]);
        }
        let still = " WHERE workstream_id = $ AND revision = $ AND stamp = $::text::uuid";
        sql.add(still, &[&self.key, &self.before, &self.stamp]);
        if let Some(known) = &self.known {
            // The decision used a computed time. If the machine was suspended since, or its clock runs at another
            // speed, that time is off, and the decision has to be made again.
            let is_now =
                " AND clock_timestamp() BETWEEN $::timestamptz - interval '1s' AND $::timestamptz + interval '1s'";
            sql.add(is_now, &[&known.now, &known.now]);
            let same_is_current = " AND EXISTS (SELECT FROM work.workspaces AS s
                WHERE s.workspace_id = workstreams.workspace_id AND s.current_workstream IS NOT DISTINCT FROM $)";
            sql.add(same_is_current, &[&known.current]);
            if !known.servers.is_empty() {
                let same_are_alive = " AND $::text[]::uuid[] = ARRAY(SELECT id FROM work.servers
                    WHERE id = ANY ($::text[]::uuid[]) AND lease_until > clock_timestamp() ORDER BY id)";
                sql.add(same_are_alive, &[&known.alive, &known.servers]);
            }
        }
        sql.add(" RETURNING workstream_id, workspace_id, revision, stream_id)", &[]);
        if !self.threads.record.is_empty() {
            sql.add(", t AS (", &[]);
            self.threads.insert(&mut sql);
            sql.add(")", &[]);
        }
        if !self.gone.record.is_empty() {
            let delete = ", g AS (DELETE FROM work.threads AS t USING w, ";
            sql.add(delete, &[]);
            let ThreadRows { stage, batch, thread, .. } = &self.gone;
            sql.rows(["smallint", "smallint", "smallint"], [stage, batch, thread]);
            let which = " AS u (stage, batch, thread)
                WHERE t.workstream_id = w.workstream_id AND (t.stage, t.batch, t.thread) = (u.stage, u.batch, u.thread))";
            sql.add(which, &[]);
        }
        if !self.cycles.record.is_empty() {
            sql.add(", c AS (", &[]);
            self.cycles.insert(&mut sql);
            sql.add(")", &[]);
        }
        if let Some(server) = &self.lease {
            let renew = ", l AS (INSERT INTO work.servers (id, lease_until)
                SELECT $::text::uuid, clock_timestamp() + $::text::interval FROM w
                ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until)";
            sql.add(renew, &[server, &LEASE]);
        }
        if self.current == Some(Current::Another) {
            let leave = ", k AS (UPDATE work.workspaces AS s SET current_workstream = NULL FROM w
                WHERE s.workspace_id = w.workspace_id AND s.current_workstream = w.stream_id)";
            sql.add(leave, &[]);
        }
        if self.current == Some(Current::This) {
            let set = ", k AS (UPDATE work.workspaces AS s SET current_workstream = w.stream_id FROM w WHERE s.workspace_id = w.workspace_id)";
            sql.add(set, &[]);
        }
        let events = ", e AS (INSERT INTO work.events (workstream_id, revision, ordinal, commit_id, actor, event)
            SELECT w.workstream_id, w.revision, u.ordinal, $::text::uuid, $, u.event::json FROM w, ";
        sql.add(events, &[id, &self.actor]);
        match self.events.as_slice() {
            [event] => sql.add("(VALUES (1, $)) AS u (ordinal, event)", &[event]),
            _ => sql.add("unnest($::text[]) WITH ORDINALITY AS u (event, ordinal)", &[&self.events]),
        }
        sql.add(") SELECT revision FROM w", &[]);
        sql
    }

    /// Finds out whether the commit was carried out: `Ok(Ok(revision))` if it was, `Ok(Err(Fault::Overtaken))` if it
    /// was not and cannot be any more. An outer `Err` means that it is still not known.
    async fn settle(&self, engine: &Engine) -> Result<Result<i64, Fault>, Failed> {
        // Not from the pool: connections there may be as broken as the one that failed.
        let client = engine.own_connection().await?;
        client.batch_execute(&format!("BEGIN; SET LOCAL lock_timeout = {}", ROW_WAIT.as_millis())).await?;
        // Waits until the old transaction is over, if it still holds the row.
        let lock = "SELECT revision FROM work.workstreams WHERE workstream_id = $1 FOR NO KEY UPDATE";
        let revision: i64 = client.query_one(lock, &[&self.key]).await?.try_get(0)?;
        let there = "SELECT EXISTS (SELECT FROM work.events
            WHERE workstream_id = $1 AND revision = $2 AND commit_id = $3::text::uuid)";
        let values: [&(dyn ToSql + Sync); 3] = [&self.key, &(self.before + 1), &self.id.to_string()];
        let was_committed: bool = client.query_one(there, &values).await?.try_get(0)?;
        if !was_committed {
            // An optimistic statement can still be on its way, and holds no lock yet. With another revision its `WHERE`
            // fits no row.
            let spend = "UPDATE work.workstreams SET revision = revision + 1, stamp = DEFAULT WHERE workstream_id = $1";
            client.execute(spend, &[&self.key]).await?;
        }
        client.batch_execute("COMMIT").await?;
        Ok(if was_committed { Ok(revision) } else { Err(engine.overtaken()) })
    }

    /// Returns whether no other commit lies between the opened revision and `revision`.
    pub(super) fn is_next(&self, revision: i64) -> bool {
        revision == self.before + 1
    }

    /// Returns whether the commit changes the index: the entry of the workstream, or which one is current.
    pub(super) fn changes_index(&self) -> bool {
        self.entry.is_some() || self.current.is_some()
    }

    /// Returns the cached copy of the workstream after the commit.
    pub(super) fn into_kept(self, opened: &Opened, revision: i64) -> CachedWorkstream {
        // If another process has committed since (found out by `settle`), the copy keeps the old revision and stamp.
        // They do not fit the row, so the next read brings it up to date.
        let (revision, stamp) =
            if self.is_next(revision) { (revision, self.id.to_string()) } else { (self.before, self.stamp) };
        let approves = self.entry.is_some();
        opened.kept.followed_by(revision, stamp, self.written, approves)
    }
}

impl Expected {
    fn of(opened: &Opened) -> Self {
        // Sorted as text of lower case, which is the order of PostgreSQL's type uuid: the statement compares arrays.
        let servers: BTreeSet<String> =
            opened.kept.threads.threads.board.servers().map(|server| server.to_string()).collect();
        let alive: BTreeSet<String> = opened.alive.iter().map(ToString::to_string).collect();
        Self {
            now: opened.now.into(),
            current: opened.current.clone(),
            alive: servers.intersection(&alive).cloned().collect(),
            servers: servers.into_iter().collect(),
        }
    }
}

impl ThreadRows {
    /// Appends the statement that inserts or updates these rows, with the key and the revision of `w`.
    pub(super) fn insert<'v>(&'v self, sql: &mut Sql<'v>) {
        let insert = "INSERT INTO work.threads (workstream_id, stage, batch, thread, status, revision, record)
            SELECT w.workstream_id, u.stage, u.batch, u.thread, u.status, w.revision, u.record::json FROM w, ";
        sql.add(insert, &[]);
        let types = ["smallint", "smallint", "smallint", "text", "text"];
        let Self { stage, batch, thread, status, record } = self;
        match record.len() {
            1 => sql.row(types, [&stage[0], &batch[0], &thread[0], &status[0], &record[0]]),
            _ => sql.rows(types, [stage, batch, thread, status, record]),
        }
        let update = " AS u (stage, batch, thread, status, record)
            ON CONFLICT (workstream_id, stage, batch, thread) DO UPDATE
                SET status = excluded.status, revision = excluded.revision, record = excluded.record";
        sql.add(update, &[]);
    }

    /// Appends a row.
    pub(super) fn add(&mut self, id: ThreadId, status: &'static str, record: &str) {
        // The conversion never fails: numbers of stages, batches and threads have at most three digits.
        let small = |number: u16| i16::try_from(number).unwrap_or(i16::MAX);
        self.stage.push(small(id.batch.stage.0));
        self.batch.push(small(id.batch.number));
        self.thread.push(small(id.number));
        self.status.push(status);
        self.record.push(record.to_owned());
    }
}

impl CycleRows {
    /// Appends the statement that inserts or updates these rows, with the key and the revision of `w`.
    pub(super) fn insert<'v>(&'v self, sql: &mut Sql<'v>) {
        let insert = "INSERT INTO work.cycles
                (workstream_id, position, batch, number, is_open, holder, revision, record)
            SELECT w.workstream_id, u.position, u.batch, u.number, u.is_open, u.holder::uuid, w.revision, u.record::json FROM w, ";
        sql.add(insert, &[]);
        let types = ["integer", "text", "integer", "boolean", "text", "text"];
        let Self { position, batch, number, open, holder, record } = self;
        sql.rows(types, [position, batch, number, open, holder, record]);
        let update = " AS u (position, batch, number, is_open, holder, record)
            ON CONFLICT (workstream_id, position) DO UPDATE SET batch = excluded.batch, is_open = excluded.is_open, holder = excluded.holder,
                revision = excluded.revision, record = excluded.record";
        sql.add(update, &[]);
    }

    /// Returns the rows of the cycles that are new or changed in `after`. `records` has the record of each cycle of
    /// `after`, in their order.
    pub(super) fn of(before: &Board, after: &Board, records: &[Box<RawValue>]) -> Self {
        let mut rows = Self::default();
        for (at, (cycle, record)) in after.cycles().iter().zip(records).enumerate() {
            if before.cycles().get(at) == Some(cycle) {
                continue;
            }
            let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
            rows.position.push(number(at));
            rows.batch.push(cycle.batch.to_string());
            rows.number.push(cycle.number.cast_signed());
            rows.open.push(cycle.is_open());
            rows.holder.push(cycle.holder().map(|holder| holder.to_string()));
            rows.record.push(record.get().to_owned());
        }
        rows
    }
}
