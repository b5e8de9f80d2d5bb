//! Rows → a workstream. What was read is kept by revision, so that only what changed since is read again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::Object as Connection;
use serde_json::value::RawValue;
use tokio_postgres::GenericClient;
use tokio_postgres::types::ToSql;

use super::MAX_KEPT;
use super::engine::ROW_WAIT;
use super::failed::Failed;
use super::migrate;
use crate::board::{Board, ServerId};
use crate::fault::Fault;
use crate::format::json::Object;
use crate::format::threads_json::{self, Records};
use crate::format::{agents_yaml, index_json};
use crate::index::Index;
use crate::moment::Moment;
use crate::roster::Roster;
use crate::store::snapshot::{IndexFile, PlanFile, ThreadsFile, completed};

/// The workstream that is wanted, else the current one.
const OPEN: &str = "SELECT w.workstream_id, w.stream_id, w.revision, w.plan_hash, w.entry::text, s.current_workstream, s.roster,
        to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),
        s.current_workstream IS NULL
            AND NOT EXISTS (SELECT FROM work.workstreams o WHERE o.workspace_id = s.workspace_id AND o.workstream_id <> w.workstream_id),
        w.generation, (SELECT max(needs) FROM work.migrations), w.stamp::text
    FROM work.workspaces s JOIN work.workstreams w ON w.workspace_id = s.workspace_id
    WHERE s.name = $1 AND w.stream_id = coalesce($2, s.current_workstream)";

/// Locks its row. Who had to wait for that asks everything after it: a statement sees what was there when it began.
const LOCK: &str =
    "SELECT w.workstream_id FROM work.workspaces s JOIN work.workstreams w ON w.workspace_id = s.workspace_id
    WHERE s.name = $1 AND w.stream_id = coalesce($2, s.current_workstream) FOR NO KEY UPDATE OF w";

/// How often a workstream is read that is written all the time, before it is read as it is at one instant.
const PASSES: usize = 2;

/// Those whose lease runs, or would if the database had been there: $2 is what this process knows of that. A database
/// that has just started was away, and leaves its hosts some time to come back.
const ALIVE: &str = "SELECT id::text FROM work.servers WHERE id::text = ANY ($1)
    AND (lease_until + $2::text::interval > clock_timestamp()
        OR lease_until < pg_postmaster_start_time() + interval '3 seconds'
            AND clock_timestamp() < pg_postmaster_start_time() + interval '10 seconds')";

/// A workstream as it was read last.
#[derive(Debug)]
pub(super) struct CachedWorkstream {
    pub(super) revision: i64,
    /// The stamp of the revision.
    pub(super) stamp: String,
    /// Another one when all threads were replaced.
    pub(super) generation: i64,
    pub(super) threads: Arc<ThreadsFile>,
    pub(super) plan: Arc<PlanFile>,
    /// The text that a person approved last, once it was asked for.
    approved: OnceLock<Option<Arc<PlanFile>>>,
}

impl CachedWorkstream {
    /// Returns the workstream as a change has left it. An approval is looked at anew.
    pub(super) fn followed_by(&self, revision: i64, stamp: String, threads: ThreadsFile, is_approval: bool) -> Self {
        let approved = if is_approval { OnceLock::new() } else { self.approved.clone() };
        let plan = Arc::clone(&self.plan);
        Self { revision, stamp, generation: self.generation, threads: Arc::new(threads), plan, approved }
    }

    /// Returns the text that a person approved last, where the plan is another one by now.
    pub(super) fn approved(&self) -> Option<&Arc<PlanFile>> {
        self.approved.get()?.as_ref()
    }

    /// Returns whether it is what the row says. The plan is asked for by itself: between two statements one can be
    /// pushed.
    fn is_of(&self, revision: i64, stamp: &str, generation: i64, plan_hash: &str) -> bool {
        (self.revision, self.stamp.as_str(), self.generation) == (revision, stamp, generation)
            && self.plan.hash.is(plan_hash)
    }
}

/// A workstream as it is, and what stands around it.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) key: i64,
    pub(super) workstream: String,
    pub(super) current: Option<String>,
    /// It is the only one of its workspace.
    pub(super) is_only: bool,
    pub(super) is_default: bool,
    /// Its own entry of the index, and which workstream is the current one.
    pub(super) index: Arc<IndexFile>,
    pub(super) kept: Arc<CachedWorkstream>,
    /// Somebody else has written it since this process read it last, or this process never has.
    pub(super) is_news: bool,
    agents_yaml: Option<Arc<AgentsYaml>>,
    /// The server processes whose lease runs.
    pub(super) alive: BTreeSet<ServerId>,
    /// The database's time.
    pub(super) now: Moment,
    /// When it was asked.
    asked: Instant,
}

/// agents.yaml as it was pushed, parsed once for all decisions on what is known.
#[derive(Debug)]
struct AgentsYaml {
    text: String,
    roster: OnceLock<Arc<Roster>>,
}

impl Opened {
    /// Returns its board.
    pub(super) fn board(&self) -> &Board {
        &self.kept.threads.threads.board
    }

    /// Lets the database's time go on as much as time has gone on here.
    pub(super) fn come_to_now(&mut self) {
        let asked = std::mem::replace(&mut self.asked, Instant::now());
        self.now = self.now.after(self.asked - asked);
    }
}

/// Reads the workstream; `None` where there is none of that id. With `lock` it begins a transaction and locks the row,
/// for which it waits so long.
///
/// Without the lock somebody can commit between two statements: what was read by several is looked at again, until
/// the first of them says that it is known, or in a transaction that sees one instant. By `grace` leases last longer
/// than they say.
pub(super) async fn open(
    client: &Connection,
    workspace: &str,
    id: Option<&str>,
    lock: Option<Duration>,
    grace: Duration,
    kept: &Mutex<HashMap<i64, Arc<CachedWorkstream>>>,
) -> Result<Option<Opened>, Failed> {
    let Some(wait) = lock else {
        for _ in 0..PASSES {
            match open_once(client, workspace, id, grace, kept).await? {
                Some(opened) if opened.is_news => {}
                opened => return Ok(opened),
            }
        }
        client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let opened = open_once(client, workspace, id, grace, kept).await?;
        client.batch_execute("COMMIT").await?;
        return Ok(opened);
    };
    let begin = match wait {
        wait if wait >= ROW_WAIT => "BEGIN".to_owned(),
        // None at all would be for ever.
        wait => format!("BEGIN; SET LOCAL lock_timeout = {}", wait.as_millis().max(1)),
    };
    let locking = client.prepare_cached(LOCK).await?;
    let which: [&(dyn ToSql + Sync); 2] = [&workspace, &id];
    loop {
        // All are sent at once.
        let (transaction, locked, opened) = tokio::join!(
            client.batch_execute(&begin),
            client.query_opt(&locking, &which),
            open_once(client, workspace, id, grace, kept),
        );
        transaction?;
        let locked: Option<i64> = locked?.map(|row| row.try_get(0)).transpose()?;
        let opened = opened?;
        // Another one may have become the current one while this waited.
        if locked == opened.as_ref().map(|opened| opened.key) {
            return Ok(opened);
        }
        client.batch_execute("ROLLBACK").await?;
    }
}

async fn open_once(
    client: &Connection,
    workspace: &str,
    id: Option<&str>,
    grace: Duration,
    kept_by_key: &Mutex<HashMap<i64, Arc<CachedWorkstream>>>,
) -> Result<Option<Opened>, Failed> {
    let select = client.prepare_cached(OPEN).await?;
    let row = client.query_opt(&select, &[&workspace, &id]).await?;
    let asked = Instant::now();
    let Some(row) = row else { return Ok(None) };
    migrate::require(row.try_get(10)?).map_err(Failed::Tables)?;
    let (generation, stamp): (i64, String) = (row.try_get(9)?, row.try_get(11)?);
    let (key, workstream): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    let (revision, plan_hash): (i64, String) = (row.try_get(2)?, row.try_get(3)?);
    let entry: Option<String> = row.try_get(4)?;
    let current: Option<String> = row.try_get(5)?;
    let text: Option<String> = row.try_get(6)?;
    let now: String = row.try_get(7)?;
    let index = index_file(entry.as_deref(), current.as_deref()).map_err(|error| unreadable(workspace, &error))?;
    let before = kept_by_key.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(Arc::clone);
    let (kept, is_news) = match before {
        Some(kept) if kept.is_of(revision, &stamp, generation, &plan_hash) => (kept, false),
        before => {
            let before = before.filter(|before| before.generation == generation);
            let kept = refreshed(client, key, &workstream, before.as_deref(), &plan_hash, generation).await?;
            let kept = Arc::new(kept);
            let mut all = kept_by_key.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= MAX_KEPT {
                all.clear();
            }
            all.insert(key, Arc::clone(&kept));
            (kept, true)
        }
    };
    let approved = index.index.entry(&workstream).and_then(|entry| entry.approvals.plan_hash.as_deref());
    if let Some(hash) = approved.filter(|hash| !kept.plan.hash.is(hash))
        && kept.approved.get().is_none()
    {
        let text = client.prepare_cached("SELECT approved_plan FROM work.workstreams WHERE workstream_id = $1").await?;
        let text: Option<String> = client.query_one(&text, &[&key]).await?.try_get(0)?;
        let plan = text.map(|text| PlanFile::of(&text)).filter(|plan| plan.hash.is(hash));
        let _ = kept.approved.set(plan.map(Arc::new));
    }
    // Asked when the row is locked: whoever wrote before has announced itself by then.
    let named: Vec<String> = kept.threads.threads.board.servers().map(|server| server.to_string()).collect();
    let mut alive = BTreeSet::new();
    if !named.is_empty() {
        let statement = client.prepare_cached(ALIVE).await?;
        let grace = format!("{} milliseconds", grace.as_millis());
        for row in client.query(&statement, &[&named, &grace]).await? {
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
        is_news,
        agents_yaml: text.map(|text| Arc::new(AgentsYaml { text, roster: OnceLock::new() })),
        alive,
        asked,
        now: Moment::parse(&now).ok_or_else(|| Fault::Internal(format!("the database's time is {now:?}")))?,
    };
    Ok(Some(opened))
}

/// Reads what changed since it was read last; all of it, where it never was.
async fn refreshed(
    client: &Connection,
    key: i64,
    workstream: &str,
    before: Option<&CachedWorkstream>,
    plan_hash: &str,
    generation: i64,
) -> Result<CachedWorkstream, Failed> {
    let unread = |error: serde_json::Error| unreadable(workstream, &error);
    let plan = match before {
        Some(before) if before.plan.hash.is(plan_hash) => Arc::clone(&before.plan),
        _ => {
            let text = client.prepare_cached("SELECT plan FROM work.workstreams WHERE workstream_id = $1").await?;
            let text: String = client.query_one(&text, &[&key]).await?.try_get(0)?;
            Arc::new(PlanFile::of(&text))
        }
    };
    let (since, stamp) = before.map_or((0, None), |before| (before.revision, Some(&before.stamp)));
    let own = client.prepare_cached(
        "SELECT revision, rest::text, unrecognized::text, stamp::text, EXISTS (SELECT FROM work.events
             WHERE workstream_id = $1 AND revision = $2 AND commit_id = $3::text::uuid)
         FROM work.workstreams WHERE workstream_id = $1",
    );
    let threads = client.prepare_cached(
        "SELECT record::text FROM work.threads WHERE workstream_id = $1 AND revision > $2 ORDER BY stage, batch, thread",
    );
    let cycles =
        client.prepare_cached("SELECT record::text FROM work.cycles WHERE workstream_id = $1 ORDER BY position");
    let (own, threads, cycles) = (own.await?, threads.await?, cycles.await?);
    // The first tells the revision: what is committed while the others are read is read again next time.
    let which: [&(dyn ToSql + Sync); 3] = [&key, &since, &stamp];
    let (own, threads, cycles) = tokio::join!(
        client.query_one(&own, &which),
        client.query(&threads, &which[..2]),
        client.query(&cycles, &which[..1]),
    );
    let own = own?;
    if before.is_some() && !own.try_get::<_, bool>(4)? {
        // What was read before is of another history: the database was restored, or nobody says who wrote it.
        return Box::pin(refreshed(client, key, workstream, None, plan_hash, generation)).await;
    }
    let texts =
        |rows: Vec<tokio_postgres::Row>| rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>();
    let records =
        Records { rest: own.try_get(1)?, strays: own.try_get(2)?, threads: texts(threads?)?, cycles: texts(cycles?)? };
    let text = threads_json::assembled(&records).map_err(unread)?;
    let threads = match before {
        Some(before) => before.threads.with_changes(&text, workstream).map_err(unread)?,
        None => ThreadsFile::of(&text).map_err(unread)?,
    };
    Ok(CachedWorkstream {
        revision: own.try_get(0)?,
        stamp: own.try_get(3)?,
        generation,
        threads: Arc::new(threads),
        plan,
        approved: OnceLock::new(),
    })
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
pub(super) fn roster(opened: &Opened, workspace: &str) -> Result<Arc<Roster>, Fault> {
    let declared = opened.agents_yaml.as_ref().map(|file| file.roster(workspace)).transpose()?;
    let plan = opened.kept.approved().unwrap_or(&opened.kept.plan);
    Ok(completed(declared, &plan.agents, &opened.kept.threads.threads.board))
}

impl AgentsYaml {
    fn roster(&self, workspace: &str) -> Result<&Arc<Roster>, Fault> {
        if let Some(roster) = self.roster.get() {
            return Ok(roster);
        }
        let roster = agents_yaml::read(&self.text).map_err(|bad| Fault::StateUnreadable {
            path: format!("{workspace}: agents.yaml").into(),
            at: bad.at,
            why: bad.why,
        })?;
        Ok(self.roster.get_or_init(|| Arc::new(roster)))
    }
}

/// Returns the index of the workspace and the ids of its workstreams; `None` where there is no such workspace.
pub(super) async fn catalogue(
    client: &impl GenericClient,
    workspace: &str,
) -> Result<Option<(Index, Vec<String>)>, Failed> {
    let current =
        client.query_opt("SELECT current_workstream FROM work.workspaces WHERE name = $1", &[&workspace]).await?;
    let Some(current) = current else { return Ok(None) };
    let rows = client
        .query(
            "SELECT w.stream_id, w.entry::text FROM work.workspaces s JOIN work.workstreams w ON w.workspace_id = s.workspace_id
             WHERE s.name = $1 ORDER BY w.position, w.stream_id",
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
