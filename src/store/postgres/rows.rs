//! Reads a workstream from its rows.
//!
//! **What for.** Every decision needs the whole workstream, but between two calls a process usually finds it unchanged,
//! or with one thread changed. So each process keeps the workstreams that it has read ([`CachedWorkstream`]). A read
//! asks for the row of the workstream first. If the cached copy fits that row, it is used; else only the thread records
//! with a higher revision are read (a delta read), and the board is rebuilt from them.
//!
//! **When a copy fits.** The revision grows with each change. The stamp is a random UUID per revision: after a restore,
//! or a failover to a standby that lags, the same revision can come again with another content. A delta read is only
//! sound on the same history. So it also checks that `work.events` has the commit that wrote the cached copy, and reads
//! everything if not. The generation changes when all threads are replaced, because a delta shows no removed rows.
//!
//! **Cost.** A copy of each workstream in memory, at most [`MAX_KEPT`]. Without the cache a call would transfer and
//! parse the whole state, which grows with every report.
//!
//! **One instant.** A transaction with PostgreSQL's default, READ COMMITTED, sees new commits with each statement. The
//! functions here must never mix rows of two revisions: under the row lock nobody else can commit, and without it
//! [`open`] reads again or uses a REPEATABLE READ transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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
use crate::board::{Board, Introduction, ServerId};
use crate::document::Recorded;
use crate::fault::Fault;
use crate::format::json::Object;
use crate::format::threads_json::{self, Records};
use crate::format::{agents_yaml, index_json};
use crate::index::Index;
use crate::moment::Moment;
use crate::roster::Roster;
use crate::store::snapshot::{IndexFile, PlanFile, ThreadsFile, completed};

/// Selects the row of the workstream with the id $2 in the workspace $1; without an id, of the current workstream. The
/// ninth column says whether it is the only one of its workspace and no current one is set.
const OPEN: &str = "SELECT w.workstream_id, w.stream_id, w.revision, w.plan_hash, w.entry::text, s.current_workstream, s.roster,
        to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),
        s.current_workstream IS NULL
            AND NOT EXISTS (SELECT FROM work.workstreams o WHERE o.workspace_id = s.workspace_id AND o.workstream_id <> w.workstream_id),
        w.generation, (SELECT max(needs) FROM work.migrations), w.stamp::text
    FROM work.workspaces s JOIN work.workstreams w ON w.workspace_id = s.workspace_id
    WHERE s.name = $1 AND w.stream_id = coalesce($2, s.current_workstream)";

/// Locks the row that [`OPEN`] selects. READ COMMITTED: query again after acquiring the row lock. A statement sees what
/// was committed when it began, and this one may have waited since then.
const LOCK: &str =
    "SELECT w.workstream_id FROM work.workspaces s JOIN work.workstreams w ON w.workspace_id = s.workspace_id
    WHERE s.name = $1 AND w.stream_id = coalesce($2, s.current_workstream) FOR NO KEY UPDATE OF w";

/// How many reads without a transaction [`open`] tries. A workstream that others write all the time is then read in a
/// REPEATABLE READ transaction, which needs two more statements.
const PASSES: usize = 2;

/// Selects the servers of $1 that count as alive (DESIGN §10). Time in which nobody could renew a lease must not end
/// it. So a lease counts in two cases: if it runs, prolonged by the grace $2 that this process knows of
/// ([`Contact::grace`](super::engine::Contact::grace)); and during the first 10 seconds after a start of the database,
/// if it ended before that start or in the 3 seconds after it.
const ALIVE: &str = "SELECT id::text, host(client) FROM work.servers WHERE id::text = ANY ($1)
    AND (lease_until + $2::text::interval > clock_timestamp()
        OR lease_until < pg_postmaster_start_time() + interval '3 seconds'
            AND clock_timestamp() < pg_postmaster_start_time() + interval '10 seconds')";

/// A workstream as it was read last.
#[derive(Debug)]
pub(super) struct CachedWorkstream {
    pub(super) revision: i64,
    /// The random UUID of the revision, which tells two histories with equal revisions apart.
    pub(super) stamp: String,
    /// A number that grows when all threads are replaced. Then a delta read is not possible.
    pub(super) generation: i64,
    pub(super) threads: Arc<ThreadsFile>,
    pub(super) plan: Arc<PlanFile>,
    /// The text that a person approved last. Read only if it differs from the plan; the inner `None`: the database has
    /// no text with the approved hash.
    approved: OnceLock<Option<Arc<PlanFile>>>,
}

impl CachedWorkstream {
    /// Returns the workstream after a commit of this process. After an approval, the next read asks for the approved
    /// text.
    pub(super) fn followed_by(&self, revision: i64, stamp: String, threads: ThreadsFile, is_approval: bool) -> Self {
        let approved = if is_approval { OnceLock::new() } else { self.approved.clone() };
        let plan = Arc::clone(&self.plan);
        Self { revision, stamp, generation: self.generation, threads: Arc::new(threads), plan, approved }
    }

    /// Returns the text that a person approved last, if the plan has changed since. `None`: the plan is that text, or
    /// the text is not known.
    pub(super) fn approved(&self) -> Option<&Arc<PlanFile>> {
        self.approved.get()?.as_ref()
    }

    /// Returns whether this copy fits the row of the workstream. The hash of the plan is compared too: the plan is read
    /// by a statement of its own, and `work store push --plan` can commit between two statements.
    fn is_of(&self, revision: i64, stamp: &str, generation: i64, plan_hash: &str) -> bool {
        (self.revision, self.stamp.as_str(), self.generation) == (revision, stamp, generation)
            && self.plan.hash.is(plan_hash)
    }
}

/// A workstream that was read, and the facts beside it that a decision needs.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    /// The `workstream_id`.
    pub(super) key: i64,
    /// Its id, such as `001-search-api`.
    pub(super) workstream: String,
    /// The id of the current workstream of the workspace.
    pub(super) current: Option<String>,
    /// Whether it is the only workstream of its workspace, and none is set as the current one.
    pub(super) is_only: bool,
    /// Whether a call that names no workstream means it.
    pub(super) is_default: bool,
    /// An index.json with the entry of this workstream alone, and the current workstream.
    pub(super) index: Arc<IndexFile>,
    pub(super) kept: Arc<CachedWorkstream>,
    /// Whether the cached copy did not fit, so that something was read again: another process has written the
    /// workstream, or this process had not read it yet.
    pub(super) is_news: bool,
    agents_yaml: Option<Arc<AgentsYaml>>,
    /// The servers that the board names and that count as alive ([`ALIVE`]).
    pub(super) alive: BTreeSet<ServerId>,
    /// What is known of them.
    pub(super) introductions: BTreeMap<ServerId, Introduction>,
    /// The database's time at `asked`.
    pub(super) now: Moment,
    /// The instant of this machine at which the answer with `now` arrived.
    asked: Instant,
}

/// The agents.yaml of the workspace. Parsed when it is needed, and once for all optimistic decisions on one copy.
#[derive(Debug)]
struct AgentsYaml {
    text: String,
    roster: OnceLock<Arc<Roster>>,
}

impl Opened {
    /// Returns the board of the workstream.
    pub(super) fn board(&self) -> &Board {
        &self.kept.threads.threads.board
    }

    /// Advances `now` by the time that has passed on this machine since it was read, so that an optimistic decision
    /// needs no query for the time. The commit checks the result against the database's clock.
    pub(super) fn come_to_now(&mut self) {
        let asked = std::mem::replace(&mut self.asked, Instant::now());
        self.now = self.now.after(self.asked - asked);
    }
}

/// Reads the workstream of this id; without an id the current one. `None`: there is no such workstream.
///
/// With `lock` it begins a transaction, which the caller has to end, and locks the row. It waits at most that long for
/// other writers. `grace` is the time by which leases last longer than they say.
///
/// Without `lock` another process can commit between two statements of one read. So a read that found something new is
/// repeated, until one finds that the cached copy fits: then a single statement has confirmed all of it. If that does
/// not happen soon, a REPEATABLE READ transaction reads everything at one instant.
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
        // To PostgreSQL a timeout of 0 means none at all.
        wait => format!("BEGIN; SET LOCAL lock_timeout = {}", wait.as_millis().max(1)),
    };
    let locking = client.prepare_cached(LOCK).await?;
    let which: [&(dyn ToSql + Sync); 2] = [&workspace, &id];
    loop {
        // Pipelined: the three are sent in one go and carried out in this order, which saves two round trips. So
        // `open_once` reads after the row lock is acquired.
        let (transaction, locked, opened) = tokio::join!(
            client.batch_execute(&begin),
            client.query_opt(&locking, &which),
            open_once(client, workspace, id, grace, kept),
        );
        transaction?;
        let locked: Option<i64> = locked?.map(|row| row.try_get(0)).transpose()?;
        let opened = opened?;
        // Without an id, another workstream may have become the current one while LOCK waited. Then the wrong row is
        // locked: start again.
        if locked == opened.as_ref().map(|opened| opened.key) {
            return Ok(opened);
        }
        client.batch_execute("ROLLBACK").await?;
    }
}

/// Reads the workstream once, by several statements. They see one instant only if the caller makes sure of it.
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
            // In another generation rows have vanished, which a delta read would not show.
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
    // This must be a statement of its own, after the row lock: a server writes its lease in the commit in which it
    // first appears on the board.
    let named: Vec<String> = kept.threads.threads.board.servers().map(|server| server.to_string()).collect();
    let (mut alive, mut introductions) = (BTreeSet::new(), BTreeMap::new());
    if !named.is_empty() {
        let statement = client.prepare_cached(ALIVE).await?;
        let grace = format!("{} milliseconds", grace.as_millis());
        for row in client.query(&statement, &[&named, &grace]).await? {
            let Ok(server) = row.try_get::<_, String>(0)?.parse::<ServerId>() else { continue };
            alive.insert(server);
            introductions.insert(server, Introduction { address: row.try_get(1)?, ..Introduction::default() });
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
        introductions,
        asked,
        now: Moment::parse(&now).ok_or_else(|| Fault::Internal(format!("the database's time is {now:?}")))?,
    };
    Ok(Some(opened))
}

/// Reads the records that changed since `before`, and returns the workstream with them. Without `before` it reads all.
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
    // The first statement tells the revision of the result. If another process commits before the other two, they
    // return records newer than that revision, and the next delta read returns these records again. That does no harm.
    let which: [&(dyn ToSql + Sync); 3] = [&key, &since, &stamp];
    let (own, threads, cycles) = tokio::join!(
        client.query_one(&own, &which),
        client.query(&threads, &which[..2]),
        client.query(&cycles, &which[..1]),
    );
    let own = own?;
    if before.is_some() && !own.try_get::<_, bool>(4)? {
        // The commit that wrote `before` is not in the database: it was restored, or the event was pruned. A delta
        // would mix two histories, so read everything.
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

/// Returns an index.json with the entry of one workstream, if it has one, and the id of the current workstream.
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

/// Returns the roster that agents.yaml declares; if it lists no agents, those that the approved plan and the board
/// name.
///
/// # Errors
///
/// [`Fault::StateUnreadable`] if agents.yaml cannot be read.
pub(super) fn roster(opened: &Opened, workspace: &str) -> Result<Arc<Roster>, Fault> {
    let declared = opened.agents_yaml.as_ref().map(|file| file.roster(workspace)).transpose()?;
    let plan = opened.kept.approved().unwrap_or(&opened.kept.plan);
    Ok(completed(declared, &plan.agents, &opened.kept.threads.threads.board))
}

impl AgentsYaml {
    /// Returns the parsed text. `workspace` is only for the message of the fault.
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

/// Returns the events of a workstream, the oldest first.
pub(super) async fn events(
    client: &impl GenericClient,
    workspace: &str,
    workstream: &str,
) -> Result<Vec<Recorded>, Failed> {
    let select =
        "SELECT to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), e.actor, e.event::text
        FROM work.events e
        JOIN work.workstreams w ON w.workstream_id = e.workstream_id
        JOIN work.workspaces s ON s.workspace_id = w.workspace_id
        WHERE s.name = $1 AND w.stream_id = $2 ORDER BY e.revision, e.ordinal";
    let mut events = Vec::new();
    for row in client.query(select, &[&workspace, &workstream]).await? {
        let at: String = row.try_get(0)?;
        let Some(at) = Moment::parse(&at) else { continue };
        events.push(Recorded { at, actor: row.try_get(1)?, event: row.try_get(2)? });
    }
    Ok(events)
}

/// Returns the index of the workspace and the ids of its workstreams, in the order of index.json. `None`: there is no
/// such workspace.
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
