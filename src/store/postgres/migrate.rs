//! The tables, and their version: migrations are applied by a person, and looked for at every connection.

use std::borrow::Cow;

use deadpool_postgres::HookError;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::failed::Failed;

/// What has made the tables, in order. Never changed once it is released; a new one is added.
const MIGRATIONS: [&str; 2] = [include_str!("001.sql"), include_str!("002.sql")];

/// The number of the lock that keeps two migrations apart.
const LOCK: i64 = 0x776f_726b;

/// What the migration did.
#[derive(Debug, serde::Serialize)]
pub struct Migrated {
    /// The version of the tables before; 0: there were none.
    pub from: i32,
    /// The version now.
    pub to: i32,
}

fn latest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

async fn version(client: &Client) -> Result<i32, tokio_postgres::Error> {
    match client.query_one("SELECT coalesce(max(version), 0) FROM work.migrations", &[]).await {
        Ok(row) => row.try_get(0),
        Err(error)
            if [Some(&SqlState::UNDEFINED_TABLE), Some(&SqlState::INVALID_SCHEMA_NAME)].contains(&error.code()) =>
        {
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

/// Refuses tables of another version than this program's: newer ones it does not know, older ones lack
/// something.
pub(super) async fn check(client: &Client) -> Result<(), HookError> {
    let version = version(client).await.map_err(HookError::Backend)?;
    require(version).map_err(|why| HookError::Message(Cow::Owned(why)))
}

/// Says what is wrong with the version of the tables, if anything is.
pub(super) fn require(version: i32) -> Result<(), String> {
    let latest = latest();
    Err(match version {
        version if version > latest => too_new(version),
        0 => "it has no tables of work yet".to_owned(),
        version if version < latest => format!("its tables have version {version}, this program needs {latest}"),
        _ => return Ok(()),
    })
}

fn too_new(version: i32) -> String {
    format!("its tables have version {version}, this program knows {}: another host has a newer work", latest())
}

/// Applies what is missing, all of it or nothing. Tables of a newer version are left as they are.
pub(super) async fn migrate(client: &mut Client) -> Result<Migrated, Failed> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let there: bool =
        transaction.query_one("SELECT to_regclass('work.migrations') IS NOT NULL", &[]).await?.try_get(0)?;
    let from = if there {
        transaction.query_one("SELECT coalesce(max(version), 0) FROM work.migrations", &[]).await?.try_get(0)?
    } else {
        0_i32
    };
    if from > latest() {
        return Err(Failed::Tables(too_new(from)));
    }
    for (number, sql) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > from) {
        transaction.batch_execute(sql).await?;
        transaction.execute("INSERT INTO work.migrations (version) VALUES ($1)", &[&number]).await?;
    }
    // Who decides on what it knows looks at the version again.
    if from < latest() {
        transaction.execute("UPDATE work.workstreams SET revision = revision + 1, stamp = DEFAULT", &[]).await?;
    }
    transaction.commit().await?;
    Ok(Migrated { from, to: latest() })
}
