//! What the modern era of the protocol (2026-07-28) adds to a result: how long a client may cache it, and which server
//! it is from (DESIGN §13.5). A legacy client must get neither.

use rmcp::model::{CacheScope, Implementation, MetaObject, ProtocolVersion};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler as _};

use super::WorkServer;

/// How long a client may cache a list that changes only with the program, in milliseconds: one hour.
pub(super) const LIST_TTL_MS: u64 = 3_600_000;

/// The key in a result's `_meta` for the name and version of the server.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// How long a result may be cached, and whether different clients may share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// For [`LIST_TTL_MS`], and for every client alike: it changes only with the program.
    WithTheProgram,
    /// Not at all: it shows the state of a workspace.
    Never,
}

impl Keeps {
    /// Returns the result's `ttlMs`.
    pub(super) fn ttl_ms(self) -> u64 {
        match self {
            Self::WithTheProgram => LIST_TTL_MS,
            Self::Never => 0,
        }
    }

    /// Returns the result's `cacheScope`.
    pub(super) fn scope(self) -> CacheScope {
        match self {
            Self::WithTheProgram => CacheScope::Public,
            Self::Never => CacheScope::Private,
        }
    }
}

/// Returns the result, with cache hints and the server's identity if the request `$context` is of the modern era. A
/// macro, because the result types of rmcp have these fields in common but no trait.
macro_rules! with_cache_hints {
    ($server:expr, $context:expr, $keeps:expr, $result:expr) => {{
        let mut result = $result;
        if $crate::mcp::era::is_modern(&$context) {
            result.ttl_ms = Some($keeps.ttl_ms());
            result.cache_scope = Some($keeps.scope());
            $crate::mcp::era::sign($server, &mut result.meta);
        }
        result
    }};
}
pub(super) use with_cache_hints;

/// Returns whether a request is of the modern era. That era has no sessions: each request carries its version.
pub(super) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

/// Adds the name, title and version of the server to a result's `_meta`.
pub(super) fn sign(server: &WorkServer, meta: &mut Option<MetaObject>) {
    let Implementation { name, version, title, .. } = server.get_info().server_info;
    let mut info = serde_json::Map::new();
    info.insert("name".to_owned(), name.into());
    if let Some(title) = title {
        info.insert("title".to_owned(), title.into());
    }
    info.insert("version".to_owned(), version.into());
    meta.get_or_insert_default().insert(SERVER_INFO.to_owned(), info.into());
}
