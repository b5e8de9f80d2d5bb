//! The tables, and their version: migrations are applied by a person, and looked for at every connection.

use std::borrow::Cow;

use deadpool_postgres::HookError;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::failed::Failed;

/// A step from one version of the tables to the next one. Its version is its place in [`MIGRATIONS`], from 1.
struct Migration {
    sql: &'static str,
    /// The oldest version of the tables that a program must know to go on using them after this step. A step that only
    /// adds what older programs leave alone needs no more than the step before it.
    needs: i32,
}

/// What has made the tables, in order. A step is never changed once it is released.
const MIGRATIONS: [Migration; 3] = [
    Migration { sql: include_str!("001.sql"), needs: 1 },
    Migration { sql: include_str!("002.sql"), needs: 2 },
    Migration { sql: include_str!("003.sql"), needs: 3 },
];

/// The oldest tables that this program can use: from this version on they say what they need.
const OLDEST: i32 = 3;

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

/// Returns the version of the tables; 0: there are none.
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

/// Refuses tables that this program cannot use. A range of versions can be used, so that the hosts of a team can be
/// updated one after the other: tables at least as new as [`OLDEST`] that need no more than this program knows.
pub(super) async fn check(client: &Client) -> Result<(), HookError> {
    let refused = |why: String| Err(HookError::Message(Cow::Owned(why)));
    match version(client).await.map_err(HookError::Backend)? {
        0 => refused("it has no tables of work yet".to_owned()),
        old if old < OLDEST => refused(format!("its tables have version {old}, this program needs {OLDEST}")),
        _ => {
            let needs = "SELECT max(needs) FROM work.migrations";
            let needs = client.query_one(needs, &[]).await.and_then(|row| row.try_get(0));
            require(needs.map_err(HookError::Backend)?).or_else(refused)
        }
    }
}

/// Refuses tables that were migrated meanwhile and need more than this program knows.
pub(super) fn require(needs: i32) -> Result<(), String> {
    if needs > latest() { Err(too_new(needs)) } else { Ok(()) }
}

fn too_new(needs: i32) -> String {
    format!("its tables need version {needs}, this program knows {}: another host has a newer work", latest())
}

/// Applies the steps that are missing, all of them or none. Tables of a newer version are left as they are.
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
        // A newer program has made them, which this one may be able to use all the same.
        let needs = transaction.query_one("SELECT max(needs) FROM work.migrations", &[]).await?.try_get(0)?;
        return require(needs).map(|()| Migrated { from, to: from }).map_err(Failed::Tables);
    }
    for (number, step) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > from) {
        transaction.batch_execute(step.sql).await?;
        if number < OLDEST {
            transaction.execute("INSERT INTO work.migrations (version) VALUES ($1)", &[&number]).await?;
        } else {
            let insert = "INSERT INTO work.migrations (version, needs) VALUES ($1, $2)";
            transaction.execute(insert, &[&number, &step.needs]).await?;
        }
    }
    // Who decides on what it knows looks at the version again.
    if from < latest() {
        transaction.execute("UPDATE work.workstreams SET revision = revision + 1, stamp = DEFAULT", &[]).await?;
    }
    transaction.commit().await?;
    Ok(Migrated { from, to: latest() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_tables_are_used_as_long_as_they_need_no_more_than_this_program_knows() {
        assert_eq!(require(OLDEST), Ok(()));
        assert_eq!(require(latest()), Ok(()), "whatever their own version is");
        assert!(require(latest() + 1).unwrap_err().contains("another host has a newer work"));
        for pair in MIGRATIONS.windows(2) {
            assert!(pair[0].needs <= pair[1].needs, "a step that needs less than the one before it");
        }
    }
}
