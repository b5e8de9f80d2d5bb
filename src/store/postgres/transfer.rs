//! A workspace's way between files and the database, in both directions, with all that nobody knows.

use deadpool_postgres::Object as Connection;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio_postgres::Transaction;

use super::PostgresStore;
use super::change::{CycleRows, Sql, ThreadRows};
use super::engine::Failed;
use crate::board::Board;
use crate::decide::{Basis, Refusal};
use crate::fault::{Fault, Stopped};
use crate::plan::PlanHash;
use crate::store::commit::{Change, commit, create_folders, plain_folder};
use crate::store::json::{Object, close};
use crate::store::lock::lock;
use crate::store::snapshot::{APPROVED_PLAN, read_state};
use crate::store::threads_json::Document;
use crate::store::workspace::is_folder_name;
use crate::store::{FileStore, LOCK_WAIT, Store as _, index_json};

/// What is pushed over what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// Nothing: a workstream whose state is another one there is refused.
    New,
    /// The plans and the roster; states stay as they are there.
    Plans,
    /// Everything.
    Force,
}

/// What was moved.
#[derive(Debug, Default, Serialize)]
pub struct Moved {
    /// Where to: the database's workspace, or the folder that holds `work/`.
    pub to: String,
    /// The workstreams that are new there, or another one than before.
    pub written: Vec<String>,
    /// Those that were the same on both sides.
    pub unchanged: Vec<String>,
}

/// A workstream as rows hold it, or its parts on the way there.
pub(super) struct Assembled {
    pub(super) rest: String,
    pub(super) strays: String,
    pub(super) threads: Vec<String>,
    pub(super) cycles: Vec<String>,
}

impl Assembled {
    /// Returns threads.json with these records.
    pub(super) fn text(&self) -> serde_json::Result<String> {
        let raw = |texts: &[String]| {
            texts.iter().map(|text| RawValue::from_string(text.clone())).collect::<serde_json::Result<Vec<_>>>()
        };
        let mut file: Object = serde_json::from_str(&self.rest)?;
        let mut threads = raw(&self.threads)?;
        threads.extend(serde_json::from_str::<Vec<Box<RawValue>>>(&self.strays)?);
        file.set("threads", &threads, &Document::ORDER)?;
        if !self.cycles.is_empty() {
            file.set("cycles", &raw(&self.cycles)?, &Document::ORDER)?;
        }
        Ok(serde_json::to_string(&file)? + "\n")
    }
}

/// A workstream of files.
struct Parts {
    id: String,
    entry: Option<String>,
    plan: String,
    approved: Option<String>,
    document: Document,
    threads: ThreadRows,
    cycles: CycleRows,
}

impl Parts {
    /// Returns it as rows would hold it.
    fn assembled(&self) -> serde_json::Result<Assembled> {
        Ok(Assembled {
            rest: self.document.rest()?,
            strays: self.document.strays()?,
            threads: self.threads.record.clone(),
            cycles: self.cycles.record.clone(),
        })
    }
}

impl PostgresStore {
    /// Copies the workspace of the files, or one workstream of it, to the database, all of it or nothing.
    pub fn push(&self, files: &FileStore, wanted: Option<&str>, push: Push) -> Result<Moved, Stopped> {
        let listed = files.list()?;
        let ids = match wanted {
            Some(wanted) => vec![files.selected(Some(wanted))?],
            None => listed.workstreams.clone(),
        };
        let root = files.root()?;
        let work = root.join("work");
        let _lock = lock(files.disk(), &root, LOCK_WAIT)?;
        let roster = read_state(files.disk(), &work.join("agents.yaml"))?;
        let index = files.files().index(files.disk(), &root)?;
        let parts = ids.iter().map(|id| parts(files, id)).collect::<Result<Vec<_>, Stopped>>()?;
        if let Some(part) = parts.iter().find(|part| part.plan.contains('\0')) {
            let why = format!("work/{}/PLAN.md has a NUL, which a database cannot keep", part.id);
            return Err(Refusal::invalid(why, "remove it").into());
        }
        let places = listed.workstreams;
        let (rest, current) = index_rest(index.text.as_deref(), &places).map_err(|error| Fault::StateUnreadable {
            path: work.join("index.json"),
            at: None,
            why: error.to_string(),
        })?;
        let engine = self.engine()?;
        let moved = engine.ask(async |mut client: Connection| {
            let transaction = client.transaction().await?;
            // In the order in which commits take them: workstreams, then the workspace.
            let all = "SELECT w.key FROM work.workspaces s JOIN work.workstreams w ON w.workspace = s.key
                WHERE s.name = $1 ORDER BY w.key FOR NO KEY UPDATE OF w";
            transaction.query(all, &[&self.address.workspace]).await?;
            let key = if push == Push::Plans {
                let update = "UPDATE work.workspaces SET roster = coalesce($2, roster) WHERE name = $1 RETURNING key";
                transaction.query_opt(update, &[&self.address.workspace, &roster]).await?
            } else {
                // What is there already wins, unless it is to be written over.
                let insert = "INSERT INTO work.workspaces AS there (name, current_workstream, roster, rest)
                    VALUES ($1, $2, $3, $4::text::json)
                    ON CONFLICT (name) DO UPDATE SET
                        roster = CASE WHEN $5 THEN coalesce(excluded.roster, there.roster)
                            ELSE coalesce(there.roster, excluded.roster) END,
                        rest = CASE WHEN $5 THEN excluded.rest ELSE there.rest END,
                        current_workstream = CASE WHEN $5 THEN excluded.current_workstream
                            ELSE coalesce(there.current_workstream, excluded.current_workstream) END
                    RETURNING key";
                let force = push == Push::Force;
                transaction.query_opt(insert, &[&self.address.workspace, &current, &roster, &rest, &force]).await?
            };
            let Some(key) = key else { return Err(self.no_workspace().into()) };
            let key: i64 = key.try_get(0)?;
            let mut moved = Moved { to: self.shown(), ..Moved::default() };
            let mut refused = None;
            for part in &parts {
                let position = places.iter().position(|id| *id == part.id).unwrap_or(places.len());
                let position = i32::try_from(position).unwrap_or(i32::MAX);
                match push_one(&transaction, key, position, part, push).await? {
                    Some(true) => moved.written.push(part.id.clone()),
                    Some(false) => moved.unchanged.push(part.id.clone()),
                    None => refused = refused.or_else(|| Some(part.id.clone())),
                }
            }
            if let Some(id) = refused {
                return Ok(Err(id));
            }
            let all = "UPDATE work.workstreams SET revision = revision + 1, stamp = DEFAULT WHERE workspace = $1";
            transaction.execute(all, &[&key]).await?;
            transaction.commit().await?;
            Ok(Ok(moved))
        })?;
        self.notify(engine);
        moved.map_err(|id| {
            if push == Push::Plans {
                let why = format!("{id} is not in the database; nothing was pushed");
                return Refusal::invalid(why, "push it as a whole first: work store push --workstream ID").into();
            }
            Refusal::invalid(
                format!("{id} has another state or plan in the database; nothing was pushed"),
                "push only plans and roster by --plan, or write over it by --force; work store pull brings it here",
            )
            .into()
        })
    }

    /// Copies the workspace of the database, or one workstream of it, to the files, all of it or nothing.
    pub fn pull(&self, files: &FileStore, wanted: Option<&str>, force: bool) -> Result<Moved, Stopped> {
        let wanted = wanted.map(|wanted| self.selected(Some(wanted))).transpose()?;
        let engine = self.engine()?;
        let pulled = engine.ask(async |mut client: Connection| {
            let transaction = client
                .build_transaction()
                .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            pull_all(&transaction, &self.address.workspace, wanted.as_deref()).await
        })?;
        let Some(pulled) = pulled else {
            return Err(self.no_workspace().into());
        };
        let disk = files.disk();
        let root = files.place().home(disk);
        let work = root.join("work");
        if !plain_folder(disk, &work)? {
            create_folders(disk, &work)?;
        }
        let _lock = lock(disk, &root, LOCK_WAIT)?;
        let unreadable = |error: serde_json::Error| Fault::StateUnreadable {
            path: self.shown().into(),
            at: None,
            why: error.to_string(),
        };
        let mut moved = Moved { to: root.display().to_string(), ..Moved::default() };
        let (mut changes, mut in_the_way) = (Vec::new(), Vec::new());
        let mut take = |path: String, text: String| -> Result<bool, Fault> {
            let there = read_state(disk, &work.join(&path))?;
            if there.as_deref() == Some(text.as_str()) {
                return Ok(false);
            }
            if there.is_some() {
                in_the_way.push(format!("work/{path}"));
            }
            changes.push(Change { path, text });
            Ok(true)
        };
        let own = read_state(disk, &work.join("index.json"))?;
        let own = if wanted.is_none() { None } else { own };
        take("index.json".to_owned(), pulled.index(own.as_deref()).map_err(unreadable)?)?;
        if let Some(roster) = pulled.roster {
            take("agents.yaml".to_owned(), roster)?;
        }
        for PulledWorkstream { id, plan, approved, state } in pulled.workstreams {
            if !is_folder_name(&id) {
                return Err(
                    Refusal::invalid(format!("{id:?} cannot name a folder"), "rename it in the database").into()
                );
            }
            let text = state.text().map_err(unreadable)?;
            let threads = Document::read(Some(&text), &id).and_then(|document| document.text()).map_err(unreadable)?;
            let mut is_new = take(format!("{id}/threads.json"), threads)? | take(format!("{id}/PLAN.md"), plan)?;
            if let Some(approved) = approved {
                is_new |= take(format!("{id}/{APPROVED_PLAN}"), approved)?;
            }
            if is_new { moved.written.push(id) } else { moved.unchanged.push(id) }
        }
        in_the_way.retain(|path| wanted.is_none() || path != "work/index.json");
        if !force && !in_the_way.is_empty() {
            let why = format!("other files are there: {}; nothing was pulled", in_the_way.join(", "));
            return Err(Refusal::invalid(why, "commit them and pull with --force, or pull into another --root").into());
        }
        commit(disk, &root, &changes)?;
        Ok(moved)
    }
}

/// A workspace of the database.
struct Pulled {
    current: Option<String>,
    roster: Option<String>,
    rest: String,
    entries: Vec<String>,
    workstreams: Vec<PulledWorkstream>,
}

/// A workstream of the database.
struct PulledWorkstream {
    id: String,
    plan: String,
    approved: Option<String>,
    state: Assembled,
}

impl Pulled {
    /// Returns index.json: as it was pushed, or with `own`, the one that is here, with the entries in it.
    fn index(&self, own: Option<&str>) -> serde_json::Result<String> {
        let order = &index_json::FILE_ORDER;
        let mut file: Object = serde_json::from_str(own.unwrap_or(&self.rest))?;
        let mut streams = file.get::<Vec<Object>>("streams")?.unwrap_or_default();
        for entry in &self.entries {
            let entry: Object = serde_json::from_str(entry)?;
            let id = entry.get::<String>("id")?;
            let mut known = None;
            for (at, stream) in streams.iter().enumerate() {
                if stream.get::<String>("id")? == id {
                    known = Some(at);
                }
            }
            match known {
                Some(at) => streams[at] = entry,
                None => streams.push(entry),
            }
        }
        if own.is_none() {
            file.set("current_stream", &self.current, order)?;
        }
        file.set("streams", &streams, order)?;
        close(&file, own)
    }
}

/// Returns index.json without the entries of the workstreams that are known, which rows hold, and the current one.
fn index_rest(text: Option<&str>, known: &[String]) -> serde_json::Result<(String, Option<String>)> {
    let mut file: Object = serde_json::from_str(text.unwrap_or(r#"{"version":"1.0.0"}"#))?;
    let current = file.get::<String>("current_stream")?;
    file.remove("current_stream");
    let mut others = Vec::new();
    for stream in file.get::<Vec<Object>>("streams")?.unwrap_or_default() {
        if stream.get::<String>("id")?.is_none_or(|id| !known.contains(&id)) {
            others.push(stream);
        }
    }
    file.remove("streams");
    if !others.is_empty() {
        file.set("streams", &others, &index_json::FILE_ORDER)?;
    }
    Ok((serde_json::to_string(&file)?, current))
}

fn parts(files: &FileStore, id: &str) -> Result<Parts, Stopped> {
    let snapshot = files.read_locked(id)?;
    let path = files.root()?.join("work").join(id).join("threads.json");
    let unreadable =
        |error: serde_json::Error| Fault::StateUnreadable { path: path.clone(), at: None, why: error.to_string() };
    if !snapshot.threads.threads.from_tasks.is_empty() {
        return Err(Refusal::invalid(format!("{id} keeps its state in tasks.json"), "run work import first").into());
    }
    let document = snapshot.threads.document(id).map_err(unreadable)?.clone();
    let mut entry = None;
    if let Some(text) = &snapshot.index.text {
        let file: Object = serde_json::from_str(text).map_err(unreadable)?;
        for stream in file.get::<Vec<Box<RawValue>>>("streams").map_err(unreadable)?.unwrap_or_default() {
            let of: Object = serde_json::from_str(stream.get()).map_err(unreadable)?;
            if of.get::<String>("id").map_err(unreadable)?.as_deref() == Some(id) {
                entry = Some(stream.get().to_owned());
            }
        }
    }
    let scene = snapshot.scene();
    let approved = match scene.basis {
        Basis::Approved { .. } => Some(scene.plan_text.to_owned()),
        Basis::ApprovedBefore(text) => Some(text.to_owned()),
        Basis::Unknown => None,
    };
    let board = snapshot.board();
    let mut threads = ThreadRows::default();
    for (id, thread) in board.threads.iter() {
        threads.add(id, thread.status.word(), document.record(id).unwrap_or("{}"));
    }
    let cycles = document.get::<Vec<Box<RawValue>>>("cycles").map_err(unreadable)?.unwrap_or_default();
    Ok(Parts {
        id: id.to_owned(),
        entry,
        plan: scene.plan_text.to_owned(),
        approved,
        document,
        threads,
        cycles: CycleRows::of(&Board::default(), board, &cycles),
    })
}

/// Pushes one workstream. Returns whether anything changed; `None`: its state is another one there.
async fn push_one(
    transaction: &Transaction<'_>,
    workspace: i64,
    position: i32,
    part: &Parts,
    push: Push,
) -> Result<Option<bool>, Failed> {
    let unreadable = |error: serde_json::Error| Fault::StateUnreadable {
        path: part.id.clone().into(),
        at: None,
        why: error.to_string(),
    };
    let hash = PlanHash::of(&part.plan).as_str().to_owned();
    let there = transaction
        .query_opt(
            "SELECT key, plan_hash, entry::text FROM work.workstreams WHERE workspace = $1 AND id = $2 FOR UPDATE",
            &[&workspace, &part.id],
        )
        .await?;
    if let Some(there) = there {
        let (key, known): (i64, String) = (there.try_get(0)?, there.try_get(1)?);
        let set_plan = "UPDATE work.workstreams SET plan = $2, plan_hash = $3 WHERE key = $1";
        if push == Push::Plans {
            if known == hash {
                return Ok(Some(false));
            }
            transaction.execute(set_plan, &[&key, &part.plan, &hash]).await?;
            return Ok(Some(true));
        }
        let entry: Option<String> = there.try_get(2)?;
        let text = assembled(transaction, key).await?.text().map_err(unreadable)?;
        let own = part.assembled().and_then(|assembled| assembled.text()).map_err(unreadable)?;
        // Both in the order and the layout of rows, in which nothing else is lost.
        let laid_out = |text: &str| Document::read(Some(text), &part.id).and_then(|document| document.text());
        let is_same = laid_out(&text).map_err(unreadable)? == laid_out(&own).map_err(unreadable)?;
        if is_same && entry == part.entry && known == hash {
            return Ok(Some(false));
        }
        if push == Push::New {
            return Ok(None);
        }
        // What happened stays: only the state is replaced.
        for sql in ["DELETE FROM work.threads WHERE workstream = $1", "DELETE FROM work.cycles WHERE workstream = $1"] {
            transaction.execute(sql, &[&key]).await?;
        }
    } else if push == Push::Plans {
        return Ok(None);
    }
    let rest = part.document.rest().map_err(unreadable)?;
    let strays = part.document.strays().map_err(unreadable)?;
    let key = transaction
        .query_one(
            "INSERT INTO work.workstreams
                 (workspace, id, position, entry, plan, plan_hash, approved_plan, rest, strays)
             VALUES ($1, $2, $3, $4::text::json, $5, $6, $7, $8::text::json, $9::text::json)
             ON CONFLICT (workspace, id) DO UPDATE SET position = excluded.position, entry = excluded.entry,
                 plan = excluded.plan, plan_hash = excluded.plan_hash, approved_plan = excluded.approved_plan,
                 rest = excluded.rest, strays = excluded.strays,
                 revision = work.workstreams.revision + 1, stamp = excluded.stamp,
                 generation = work.workstreams.generation + 1
             RETURNING key, revision, stamp::text",
            &[&workspace, &part.id, &position, &part.entry, &part.plan, &hash, &part.approved, &rest, &strays],
        )
        .await?;
    let (key, revision, stamp): (i64, i64, String) = (key.try_get(0)?, key.try_get(1)?, key.try_get(2)?);
    let pushed = r#"INSERT INTO work.events (workstream, revision, place, commit, actor, event)
        VALUES ($1, $2, 1, $3::text::uuid, current_user, '{"event":"pushed"}')"#;
    transaction.execute(pushed, &[&key, &revision, &stamp]).await?;
    let mut sql = Sql::default();
    sql.add("WITH w AS (SELECT $::bigint AS key, $::bigint AS revision), t AS (", &[&key, &revision]);
    part.threads.insert(&mut sql);
    sql.add(") ", &[]);
    part.cycles.insert(&mut sql);
    transaction.execute(&sql.text, &sql.values).await?;
    Ok(Some(true))
}

async fn assembled(transaction: &Transaction<'_>, key: i64) -> Result<Assembled, Failed> {
    let own =
        transaction.query_one("SELECT rest::text, strays::text FROM work.workstreams WHERE key = $1", &[&key]).await?;
    let threads = "SELECT record::text FROM work.threads WHERE workstream = $1 ORDER BY stage, batch, thread";
    let cycles = "SELECT record::text FROM work.cycles WHERE workstream = $1 ORDER BY position";
    let mut texts = [Vec::new(), Vec::new()];
    for (texts, sql) in texts.iter_mut().zip([threads, cycles]) {
        for row in transaction.query(sql, &[&key]).await? {
            texts.push(row.try_get(0)?);
        }
    }
    let [threads, cycles] = texts;
    Ok(Assembled { rest: own.try_get(0)?, strays: own.try_get(1)?, threads, cycles })
}

async fn pull_all(
    transaction: &Transaction<'_>,
    workspace: &str,
    wanted: Option<&str>,
) -> Result<Option<Pulled>, Failed> {
    let own = transaction
        .query_opt(
            "SELECT key, current_workstream, roster, rest::text FROM work.workspaces WHERE name = $1",
            &[&workspace],
        )
        .await?;
    let Some(own) = own else { return Ok(None) };
    let key: i64 = own.try_get(0)?;
    let rows = transaction
        .query(
            "SELECT key, id, entry::text, plan, approved_plan FROM work.workstreams
             WHERE workspace = $1 AND ($2::text IS NULL OR id = $2) ORDER BY position, id",
            &[&key, &wanted],
        )
        .await?;
    let mut pulled = Pulled {
        current: own.try_get(1)?,
        roster: own.try_get(2)?,
        rest: own.try_get(3)?,
        entries: Vec::new(),
        workstreams: Vec::new(),
    };
    for row in rows {
        let id: String = row.try_get(1)?;
        pulled.entries.extend(row.try_get::<_, Option<String>>(2)?);
        let state = assembled(transaction, row.try_get(0)?).await?;
        pulled.workstreams.push(PulledWorkstream { id, plan: row.try_get(3)?, approved: row.try_get(4)?, state });
    }
    Ok(Some(pulled))
}
