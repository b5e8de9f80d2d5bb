//! The migrations of the tables, and the check of their version.
//!
//! A person applies migrations, by `work store migrate`: the program must never change tables by itself, because its
//! role may have no right to, and other machines may run an older release. Every new connection of the pool checks that
//! this program can use the tables.

use std::borrow::Cow;

use deadpool_postgres::HookError;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::failed::Failed;
use crate::store::LOCK_WAIT;

/// A step from one version of the tables to the next. The version after it is its place in [`MIGRATIONS`], from 1.
struct Migration {
    sql: &'static str,
    /// The version that a program must know at least to use the tables after this step. A step that only adds what
    /// older programs ignore has the value of the step before it.
    needs: i32,
}

/// All steps, in order. A released step must never be changed.
const MIGRATIONS: [Migration; 4] = [
    Migration { sql: include_str!("001.sql"), needs: 1 },
    Migration { sql: include_str!("002.sql"), needs: 2 },
    Migration { sql: include_str!("003.sql"), needs: 3 },
    Migration { sql: include_str!("004.sql"), needs: 3 },
];

/// The oldest version of the tables that this program can use. From it on `work.migrations` has the column `needs`.
const OLDEST: i32 = 3;

/// The key of the advisory lock that keeps two migrations apart: `work` in ASCII.
const LOCK: i64 = 0x776f_726b;

/// What a migration did.
#[derive(Debug, serde::Serialize)]
pub struct Migrated {
    /// The version of the tables before it; 0: there were no tables.
    pub from: i32,
    /// The version after it.
    pub to: i32,
}

/// Returns the version of the tables that this program makes.
fn latest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Returns the version of the tables; 0: there are no tables.
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

/// Fails if this program cannot use the tables. It can use a range of versions, so that the machines of a team can be
/// updated one after another: [`OLDEST`] and newer, as long as they need no more than this program knows.
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

/// Fails if the tables need a newer version than this program knows. Every read checks this again, because a migration
/// can run while connections are open. The error is a clause for a message.
pub(super) fn require(needs: i32) -> Result<(), String> {
    if needs > latest() { Err(too_new(needs)) } else { Ok(()) }
}

fn too_new(needs: i32) -> String {
    format!(
        "its tables need version {needs}, this program knows {}: another machine has a newer version of work",
        latest()
    )
}

/// Applies the missing steps, all of them or none. Does not change tables of a newer version.
///
/// # Errors
///
/// [`Failed::Tables`] if the tables need a newer version than this program knows.
pub(super) async fn migrate(client: &mut Client) -> Result<Migrated, Failed> {
    // A migration waits no longer for another one, or for whoever reads the tables, than a call does.
    client.batch_execute(&format!("SET lock_timeout = {}", LOCK_WAIT.as_millis())).await?;
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
        // A newer program has migrated the tables. This one may be able to use them all the same.
        let needs = transaction.query_one("SELECT max(needs) FROM work.migrations", &[]).await?.try_get(0)?;
        return require(needs).map(|()| Migrated { from, to: from }).map_err(Failed::Tables);
    }
    for (number, step) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > from) {
        transaction.batch_execute(step.sql).await?;
        if number < OLDEST {
            // The column `needs` does not exist yet.
            transaction.execute("INSERT INTO work.migrations (version) VALUES ($1)", &[&number]).await?;
        } else {
            let insert = "INSERT INTO work.migrations (version, needs) VALUES ($1, $2)";
            transaction.execute(insert, &[&number, &step.needs]).await?;
        }
    }
    // Optimistic commits do not check the version. A new revision makes each of them fail and read again, and the read
    // checks it.
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
        assert!(require(latest() + 1).unwrap_err().contains("another machine has a newer version of work"));
        for pair in MIGRATIONS.windows(2) {
            assert!(pair[0].needs <= pair[1].needs, "a step that needs less than the one before it");
        }
    }
}
