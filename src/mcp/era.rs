//! What a client of the modern era (2026-07-28) is told beside an answer, and a legacy client is not: how long
//! the answer keeps, and who gave it.

use rmcp::model::{CacheScope, Implementation, MetaObject, ProtocolVersion};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler as _};

use super::WorkServer;

/// How long lists keep that change only with the program, in milliseconds.
pub(super) const LIST_TTL_MS: u64 = 3_600_000;

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// How long an answer keeps, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// As long as the program is the same one; for anybody.
    WithTheProgram,
    /// Not at all: it is the state of a workspace.
    Never,
}

impl Keeps {
    pub(super) fn ttl_ms(self) -> u64 {
        match self {
            Self::WithTheProgram => LIST_TTL_MS,
            Self::Never => 0,
        }
    }

    pub(super) fn scope(self) -> CacheScope {
        match self {
            Self::WithTheProgram => CacheScope::Public,
            Self::Never => CacheScope::Private,
        }
    }
}

/// Dresses a result that can be kept as the era of the request has it.
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

/// Returns whether a request belongs to the modern era, which is stateless: each request says so itself.
pub(super) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

/// Says in a result's `_meta` who gave it.
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
