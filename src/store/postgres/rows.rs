//! Rows → a workstream, and what changed of it → rows, in one statement.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::Object as Connection;
use serde_json::value::RawValue;
use tokio_postgres::error::Severity;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::MAX_KEPT;
use super::engine::{Engine, Failed, InTransaction};
use super::lease::LEASE;
use super::migrate;
use super::transfer::Assembled;
use crate::board::{Board, ServerId};
use crate::clock::Moment;
use crate::decide::Ledger;
use crate::fault::Fault;
use crate::index::{Index, IndexEvent};
use crate::plan::ThreadId;
use crate::roster::Roster;
use crate::store::json::Object;
use crate::store::snapshot::{IndexFile, PlanFile, ThreadsFile, undeclared};
use crate::store::{agents_yaml, index_json, threads_json};

/// The workstream that is wanted, else the current one. The lock on its row follows, where it is to be written:
/// who had to wait for it sees the row as it is then.
const OPEN: &str = "SELECT w.key, w.id, w.revision, w.plan_hash, w.entry::text, s.current_workstream, s.roster,
        to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),
        s.current_workstream IS NULL
            AND NOT EXISTS (SELECT FROM work.workstreams o WHERE o.workspace = s.key AND o.key <> w.key),
        w.generation, (SELECT max(version) FROM work.migrations)
    FROM work.workspaces s JOIN work.workstreams w ON w.workspace = s.key
    WHERE s.name = $1 AND w.id = coalesce($2, s.current_workstream)";

const ALIVE: &str = "SELECT id::text FROM work.servers WHERE lease_until > clock_timestamp() AND id::text = ANY ($1)";

/// Everything that changes is written at once. Most commits need no more than the first part.
const COMMIT: &str = "WITH w AS (
        UPDATE work.workstreams SET revision = revision + 1, rest = $2::text::json,
            entry = coalesce($3::text::json, entry),
            approved_plan = CASE WHEN $4 THEN plan ELSE approved_plan END
        WHERE key = $1 AND revision = $13 RETURNING key, workspace, revision, id),
    t AS (
        INSERT INTO work.threads (workstream, stage, batch, thread, status, revision, record)
        SELECT w.key, u.stage, u.batch, u.thread, u.status, w.revision, u.record::json
        FROM w, unnest($5::smallint[], $6::smallint[], $7::smallint[], $8::text[], $9::text[])
            AS u (stage, batch, thread, status, record)
        ON CONFLICT (workstream, stage, batch, thread) DO UPDATE
            SET status = excluded.status, revision = excluded.revision, record = excluded.record),
    e AS (
        INSERT INTO work.events (commit, workstream, actor, event)
        SELECT $10::text::uuid, w.key, $11, u.event::json FROM w, unnest($12::text[]) WITH ORDINALITY AS u (event, place)
        ORDER BY u.place)";

const COMMIT_MORE: &str = ",
    c AS (
        INSERT INTO work.cycles (workstream, position, batch, number, open, holder, revision, record)
        SELECT w.key, u.position, u.batch, u.number, u.open, u.holder::uuid, w.revision, u.record::json
        FROM w, unnest($14::integer[], $15::text[], $16::integer[], $17::boolean[], $18::text[], $19::text[])
            AS u (position, batch, number, open, holder, record)
        ON CONFLICT (workstream, position) DO UPDATE
            SET open = excluded.open, holder = excluded.holder, revision = excluded.revision, record = excluded.record),
    s AS (
        INSERT INTO work.servers (id, lease_until)
        SELECT $20::text::uuid, clock_timestamp() + $21::text::interval WHERE $20::text IS NOT NULL
        ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until),
    k AS (
        UPDATE work.workspaces SET current_workstream = w.id FROM w
        WHERE work.workspaces.key = w.workspace AND $22)";

const COMMIT_END: &str = " SELECT revision FROM w";

/// A workstream as it was read last.
#[derive(Debug)]
pub(super) struct Kept {
    revision: i64,
    /// Another one when all threads were replaced.
    generation: i64,
    pub(super) threads: Arc<ThreadsFile>,
    pub(super) plan: Arc<PlanFile>,
}

/// A workstream as it is, and what stands around it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) key: i64,
    pub(super) workstream: String,
    pub(super) current: Option<String>,
    /// It is the only one of its workspace.
    pub(super) is_only: bool,
    pub(super) is_default: bool,
    /// Its own entry of the index, and which workstream is the current one.
    pub(super) index: Arc<IndexFile>,
    pub(super) kept: Arc<Kept>,
    roster: Option<String>,
    /// The server processes whose lease runs.
    pub(super) alive: BTreeSet<ServerId>,
    /// The database's time.
    pub(super) now: Moment,
}

/// Reads the workstream; `None` where there is none of that id.
///
/// Without the lock somebody can commit between two statements: what was read by several is looked at again, until
/// the first of them says that it is known.
pub(super) async fn open(
    client: &Connection,
    workspace: &str,
    id: Option<&str>,
    locks: bool,
    known: &Mutex<HashMap<i64, Arc<Kept>>>,
) -> Result<Option<Opened>, Failed> {
    loop {
        match open_once(client, workspace, id, locks, known).await? {
            Some((_, true)) if !locks => {}
            opened => return Ok(opened.map(|(opened, _)| opened)),
        }
    }
}

/// Returns what was read, and whether more than one statement was needed for it.
async fn open_once(
    client: &Connection,
    workspace: &str,
    id: Option<&str>,
    locks: bool,
    known: &Mutex<HashMap<i64, Arc<Kept>>>,
) -> Result<Option<(Opened, bool)>, Failed> {
    let row = if locks {
        let select = client.prepare_cached(&format!("{OPEN} FOR NO KEY UPDATE OF w")).await?;
        let which: [&(dyn ToSql + Sync); 2] = [&workspace, &id];
        // Both are sent at once.
        let (begun, row) = tokio::join!(client.batch_execute("BEGIN"), client.query_opt(&select, &which));
        begun?;
        row?
    } else {
        let select = client.prepare_cached(OPEN).await?;
        client.query_opt(&select, &[&workspace, &id]).await?
    };
    let Some(row) = row else { return Ok(None) };
    migrate::require(row.try_get(10)?).map_err(|why| Fault::Database {
        database: workspace.to_owned(),
        why,
        hint: migrate::HINT,
    })?;
    let generation: i64 = row.try_get(9)?;
    let (key, workstream): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    let (revision, plan_hash): (i64, String) = (row.try_get(2)?, row.try_get(3)?);
    let entry: Option<String> = row.try_get(4)?;
    let current: Option<String> = row.try_get(5)?;
    let now: String = row.try_get(7)?;
    let index = index_file(entry.as_deref(), current.as_deref()).map_err(|error| unreadable(workspace, &error))?;
    let before = known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(Arc::clone);
    let (kept, is_new) = match before {
        Some(kept) if kept.revision == revision && kept.generation == generation => (kept, false),
        before => {
            let before = before.filter(|before| before.generation == generation);
            let kept = refreshed(client, key, &workstream, before.as_deref(), &plan_hash, generation).await?;
            let kept = Arc::new(kept);
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MAX_KEPT {
                known.clear();
            }
            known.insert(key, Arc::clone(&kept));
            (kept, true)
        }
    };
    // Asked when the row is locked: whoever wrote before has announced itself by then.
    let named: Vec<String> = kept.threads.threads.board.servers().map(|server| server.to_string()).collect();
    let mut alive = BTreeSet::new();
    if !named.is_empty() {
        let statement = client.prepare_cached(ALIVE).await?;
        for row in client.query(&statement, &[&named]).await? {
            alive.extend(row.try_get::<_, String>(0)?.parse::<ServerId>());
        }
    }
    let opened = Opened {
        key,
        workstream,
        current,
        is_only: row.try_get(8)?,
        is_default: true,
        index: Arc::new(index),
        kept,
        roster: row.try_get(6)?,
        alive,
        now: Moment::parse(&now).ok_or_else(|| Fault::Internal(format!("the database's time is {now:?}")))?,
    };
    Ok(Some((opened, is_new)))
}

/// Reads what changed since it was read last; all of it, where it never was.
async fn refreshed(
    client: &Connection,
    key: i64,
    workstream: &str,
    before: Option<&Kept>,
    plan_hash: &str,
    generation: i64,
) -> Result<Kept, Failed> {
    let unread = |error: serde_json::Error| unreadable(workstream, &error);
    let plan = match before {
        Some(before) if before.plan.hash() == plan_hash => Arc::clone(&before.plan),
        _ => {
            let text = client.prepare_cached("SELECT plan FROM work.workstreams WHERE key = $1").await?;
            let text: String = client.query_one(&text, &[&key]).await?.try_get(0)?;
            Arc::new(PlanFile::of(&text))
        }
    };
    let since = before.map_or(0, |before| before.revision);
    let own = client.prepare_cached("SELECT revision, rest::text, strays::text FROM work.workstreams WHERE key = $1");
    let threads = client.prepare_cached(
        "SELECT record::text FROM work.threads WHERE workstream = $1 AND revision > $2 ORDER BY stage, batch, thread",
    );
    let cycles = client.prepare_cached("SELECT record::text FROM work.cycles WHERE workstream = $1 ORDER BY position");
    let (own, threads, cycles) = (own.await?, threads.await?, cycles.await?);
    // The first tells the revision: what is committed while the others are read is read again next time.
    let which: [&(dyn ToSql + Sync); 2] = [&key, &since];
    let (own, threads, cycles) = tokio::join!(
        client.query_one(&own, &which[..1]),
        client.query(&threads, &which),
        client.query(&cycles, &which[..1]),
    );
    let own = own?;
    let texts =
        |rows: Vec<tokio_postgres::Row>| rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>();
    let assembled = Assembled {
        rest: own.try_get(1)?,
        strays: own.try_get(2)?,
        threads: texts(threads?)?,
        cycles: texts(cycles?)?,
    };
    let text = assembled.text().map_err(unread)?;
    let threads = match before {
        Some(before) => before.threads.with_changes(&text, workstream).map_err(unread)?,
        None => ThreadsFile::of(&text).map_err(unread)?,
    };
    Ok(Kept { revision: own.try_get(0)?, generation, threads: Arc::new(threads), plan })
}

/// Returns the index of a workspace as far as one workstream needs it.
fn index_file(entry: Option<&str>, current: Option<&str>) -> serde_json::Result<IndexFile> {
    let entries: Vec<&RawValue> = entry.map(serde_json::from_str).transpose()?.into_iter().collect();
    let text = serde_json::to_string(&serde_json::json!({
        "version": "1.0.0",
        "current_stream": current,
    }))?;
    let mut file: Object = serde_json::from_str(&text)?;
    file.set("streams", &entries, &[])?;
    let text = serde_json::to_string(&file)?;
    Ok(IndexFile { index: index_json::read(&text)?, text: Some(text) })
}

/// Returns the roster: agents.yaml as it was pushed, else whom the plan and the board name.
pub(super) fn roster(opened: &Opened, workspace: &str) -> Result<Roster, Fault> {
    let named = || undeclared(opened.kept.plan.agents(), &opened.kept.threads.threads.board);
    let Some(text) = &opened.roster else { return Ok(named()) };
    let roster = agents_yaml::read(text).map_err(|bad| Fault::StateUnreadable {
        path: format!("{workspace}: agents.yaml").into(),
        at: bad.at,
        why: bad.why,
    })?;
    Ok(if roster.declared { roster } else { Roster { agents: named().agents, ..roster } })
}

/// Returns the index of the workspace and the ids of its workstreams; `None` where there is no such workspace.
pub(super) async fn catalogue(client: &Connection, workspace: &str) -> Result<Option<(Index, Vec<String>)>, Failed> {
    let current =
        client.query_opt("SELECT current_workstream FROM work.workspaces WHERE name = $1", &[&workspace]).await?;
    let Some(current) = current else { return Ok(None) };
    let rows = client
        .query(
            "SELECT w.id, w.entry::text FROM work.workspaces s JOIN work.workstreams w ON w.workspace = s.key
             WHERE s.name = $1 ORDER BY w.position, w.id",
            &[&workspace],
        )
        .await?;
    let (mut known, mut index) = (Vec::new(), Index { current: current.try_get(0)?, entries: Vec::new() });
    for row in rows {
        known.push(row.try_get(0)?);
        let entry: Option<String> = row.try_get(1)?;
        let one = index_file(entry.as_deref(), None).map_err(|error| unreadable(workspace, &error))?;
        index.entries.extend(one.index.entries);
    }
    Ok(Some((index, known)))
}

fn unreadable(what: &str, error: &serde_json::Error) -> Fault {
    Fault::StateUnreadable { path: format!("the database's {what}").into(), at: None, why: error.to_string() }
}

/// What a commit writes.
pub(super) struct Change {
    key: i64,
    before: i64,
    id: Uuid,
    rest: String,
    entry: Option<String>,
    approves: bool,
    threads: ThreadRows,
    cycles: CycleRows,
    events: Vec<String>,
    actor: String,
    lease: Option<String>,
    becomes_current: bool,
    written: ThreadsFile,
}

#[derive(Default)]
struct ThreadRows {
    stage: Vec<i16>,
    batch: Vec<i16>,
    thread: Vec<i16>,
    status: Vec<&'static str>,
    record: Vec<String>,
}

#[derive(Default)]
struct CycleRows {
    position: Vec<i32>,
    batch: Vec<String>,
    number: Vec<i32>,
    open: Vec<bool>,
    holder: Vec<Option<String>>,
    record: Vec<String>,
}

impl Change {
    /// Works out what the ledger changes of what was opened.
    pub(super) fn of(
        opened: &Opened,
        ledger: &Ledger,
        actor: &str,
        lease: Option<ServerId>,
        shown: &str,
    ) -> Result<Self, Fault> {
        let unwritable =
            |error: serde_json::Error| Fault::StateUnreadable { path: shown.into(), at: None, why: error.to_string() };
        let (before, after) = (&opened.kept.threads.threads.board, ledger.board());
        let document = opened.kept.threads.document(&opened.workstream).map_err(unwritable)?;
        let document =
            threads_json::write(document, before, after, &BTreeSet::new(), ledger.at()).map_err(unwritable)?;
        let mut threads = ThreadRows::default();
        for (id, _, thread) in after.threads.changed(&before.threads) {
            threads.add(id, thread.status.word(), document.record(id).unwrap_or_default());
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
            id: Uuid::new_v4(),
            rest: document.rest().map_err(unwritable)?,
            entry,
            approves: index_events.iter().any(|event| matches!(event, IndexEvent::PlanApproved { .. })),
            threads,
            cycles,
            events: events.collect::<serde_json::Result<_>>().map_err(unwritable)?,
            actor: actor.to_owned(),
            lease: lease.map(|server| server.to_string()),
            becomes_current: index_events.contains(&IndexEvent::CurrentSet),
            written: ThreadsFile::of_document(&opened.kept.threads, Arc::clone(after), document),
        })
    }

    /// Commits it on the connection that holds the lock. Returns the revision. If the connection breaks, nobody
    /// knows whether it was committed: then another one waits for the lock, looks for its events, and writes
    /// them if they are not there.
    pub(super) async fn commit(&self, engine: &Engine, client: InTransaction) -> Result<i64, Fault> {
        let tried = tokio::time::timeout(Duration::from_secs(30), self.write(&client)).await;
        match tried {
            Ok(Ok(revision)) => {
                client.release();
                return Ok(revision);
            }
            // The database has said no, and has undone everything.
            Ok(Err(Failed::Asked(error))) if is_no(&error) => {
                return Err(engine.fault(error.into()));
            }
            Ok(Err(failed)) => tracing::debug!(?failed, "a commit broke"),
            Err(_) => tracing::debug!("a commit was not answered"),
        }
        drop(client);
        tracing::warn!("the connection to the database broke in a commit; looking what became of it");
        for wait in [0, 200, 500, 1_000, 2_000, 4_000] {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            match tokio::time::timeout(Duration::from_secs(15), self.settle(engine)).await {
                Ok(Ok(settled)) => return settled,
                Ok(Err(failed)) => tracing::warn!(why = %engine.fault(failed), "not known yet"),
                Err(_) => tracing::warn!(why = %engine.unanswered(), "not known yet"),
            }
        }
        Err(Fault::Uncertain { database: engine.address.shown.clone() })
    }

    async fn write(&self, client: &Connection) -> Result<i64, Failed> {
        let (threads, cycles) = (&self.threads, &self.cycles);
        let needs_more = !cycles.position.is_empty() || self.lease.is_some() || self.becomes_current;
        let more = if needs_more { COMMIT_MORE } else { "" };
        let statement = client.prepare_cached(&[COMMIT, more, COMMIT_END].concat()).await?;
        let id = self.id.to_string();
        let values: [&(dyn ToSql + Sync); 22] = [
            &self.key,
            &self.rest,
            &self.entry,
            &self.approves,
            &threads.stage,
            &threads.batch,
            &threads.thread,
            &threads.status,
            &threads.record,
            &id,
            &self.actor,
            &self.events,
            &self.before,
            &cycles.position,
            &cycles.batch,
            &cycles.number,
            &cycles.open,
            &cycles.holder,
            &cycles.record,
            &self.lease,
            &LEASE,
            &self.becomes_current,
        ];
        let written = client.query_one(&statement, &values[..if needs_more { values.len() } else { 13 }]);
        // Both are sent at once; what failed before it makes a COMMIT undo everything.
        let (row, committed) = tokio::join!(written, client.batch_execute("COMMIT"));
        let row = row?;
        committed?;
        Ok(row.try_get(0)?)
    }

    /// Finds out what became of the commit, and carries it out if nothing did. The outer error: it is still not
    /// known.
    async fn settle(&self, engine: &Engine) -> Result<Result<i64, Fault>, Failed> {
        let client = InTransaction::new(engine.connection().await?);
        client.batch_execute("BEGIN").await?;
        let (was_committed, revision) = self.seen(&client).await?;
        if !was_committed && revision == self.before {
            let revision = self.write(&client).await?;
            client.release();
            return Ok(Ok(revision));
        }
        client.batch_execute("ROLLBACK").await?;
        client.release();
        if was_committed {
            return Ok(Ok(revision));
        }
        Ok(Err(Fault::Database {
            database: engine.address.shown.clone(),
            why: "the connection broke before anything was written, and others have written since".to_owned(),
            hint: "call again",
        }))
    }

    /// Waits until the old transaction is over, and looks whether its events are there.
    async fn seen(&self, client: &Connection) -> Result<(bool, i64), Failed> {
        let revision = client
            .query_one("SELECT revision FROM work.workstreams WHERE key = $1 FOR NO KEY UPDATE", &[&self.key])
            .await?
            .try_get(0)?;
        let there = "SELECT EXISTS (SELECT FROM work.events WHERE commit = $1::text::uuid)";
        Ok((client.query_one(there, &[&self.id.to_string()]).await?.try_get(0)?, revision))
    }

    /// Returns the workstream as it was written.
    pub(super) fn into_kept(self, opened: &Opened, revision: i64) -> Kept {
        // Whatever was written between is read next time.
        let revision = if revision == self.before + 1 { revision } else { self.before };
        let generation = opened.kept.generation;
        Kept { revision, generation, threads: Arc::new(self.written), plan: Arc::clone(&opened.kept.plan) }
    }
}

/// Returns whether the database has refused, and goes on. When it ends the connection instead, that can have been after
/// the commit.
fn is_no(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|said| said.parsed_severity() == Some(Severity::Error))
}

impl ThreadRows {
    fn add(&mut self, id: ThreadId, status: &'static str, record: &str) {
        // Numbers of stages, batches and threads have three digits.
        let small = |number: u16| i16::try_from(number).unwrap_or(i16::MAX);
        self.stage.push(small(id.batch.stage.0));
        self.batch.push(small(id.batch.number));
        self.thread.push(small(id.number));
        self.status.push(status);
        self.record.push(record.to_owned());
    }
}

impl CycleRows {
    fn of(before: &Board, after: &Board, records: &[Box<RawValue>]) -> Self {
        let mut rows = Self::default();
        for (at, (cycle, record)) in after.cycles.iter().zip(records).enumerate() {
            if before.cycles.get(at) == Some(cycle) {
                continue;
            }
            let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
            rows.position.push(number(at));
            rows.batch.push(cycle.batch.to_string());
            rows.number.push(cycle.number.cast_signed());
            rows.open.push(cycle.open);
            rows.holder.push(cycle.holder.map(|holder| holder.to_string()));
            rows.record.push(record.get().to_owned());
        }
        rows
    }
}
