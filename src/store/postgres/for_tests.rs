//! Databases for the tests inside of the library.

#[path = "../../../tests/it/postgres_server.rs"]
#[expect(dead_code, reason = "the tests of the whole program use the rest")]
mod postgres_server;

use std::sync::OnceLock;

use self::postgres_server::Database;
pub(crate) use self::postgres_server::execute;
use super::PostgresStore;
use crate::store::WorkspaceLocation;

/// Returns the URL of a new database with empty tables, on the server that `WORK_TEST_POSTGRES` names, else on one that
/// it starts. `None`: there is no server; a line on stderr says why.
pub(crate) fn postgres_for_tests() -> Option<String> {
    static SERVER: OnceLock<Result<Database, String>> = OnceLock::new();
    match SERVER.get_or_init(Database::find) {
        Ok(server) => {
            let url = server.fresh();
            let place = WorkspaceLocation { store: Some(url.clone()), ..WorkspaceLocation::default() };
            PostgresStore::new(place, None).and_then(|store| store.migrate()).unwrap();
            Some(url)
        }
        Err(why) => {
            postgres_server::skipped(why);
            None
        }
    }
}
