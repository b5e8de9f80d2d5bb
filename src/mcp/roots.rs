//! The client's MCP roots: where a server that was started in a folder without a workspace looks for one (DESIGN §3).
//! Only clients of the legacy era tell them; 2026-07-28 has deprecated roots.
#![expect(deprecated, reason = "rmcp marks roots as deprecated, and clients of today still have them")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rmcp::{Peer, RoleServer};
use tokio::sync::watch;

use super::WorkServer;
use crate::path_style::PathStyle;
use crate::store::Folder;
use crate::transact::AgentDoor;

/// How long calls wait for the roots of a client that has said that it has some.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the roots are known, as far as they are needed.
#[derive(Debug, Clone)]
pub(super) struct RootsKnown(watch::Sender<bool>);

impl Default for RootsKnown {
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl RootsKnown {
    /// Waits until a client that was asked has answered, or has not for [`PATIENCE`].
    pub(super) async fn wait(&self) {
        // Every call comes here, and nearly always they are known.
        if *self.0.borrow() {
            return;
        }
        let mut known = self.0.subscribe();
        let _ = tokio::time::timeout(PATIENCE, known.wait_for(|known| *known)).await;
    }
}

impl WorkServer {
    /// Asks the client for its roots, if it has any and no workspace is found without them. Calls wait for the answer.
    pub(super) fn ask_for_roots(&self, peer: Peer<RoleServer>) {
        if peer.peer_info().is_none_or(|client| client.capabilities.roots.is_none()) {
            return;
        }
        self.roots_known.0.send_replace(false);
        let server = self.clone();
        tokio::spawn(async move {
            let has_workspace = server.finds_workspace().await;
            if !has_workspace && let Ok(Ok(told)) = tokio::time::timeout(PATIENCE, peer.list_roots()).await {
                server
                    .place
                    .roots
                    .set(told.roots.iter().filter_map(|root| folder(&root.uri, PathStyle::HERE)).collect());
            }
            server.roots_known.0.send_replace(true);
        });
    }

    /// Returns whether a workspace is found as things are. A database is one.
    async fn finds_workspace(&self) -> bool {
        let place = Arc::clone(&self.place);
        let looks = move |_: &AgentDoor| Ok(place.database().is_some() || Folder::of_workspace(&place).is_some());
        self.blocking_at_once(looks).await.unwrap_or(true)
    }
}

/// Returns the folder of a root; `None` if its URI is not that of a local file.
fn folder(uri: &str, style: PathStyle) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let path = percent_decode_str(path).decode_utf8().ok()?.into_owned();
    // On Windows it is `file:///C:/project`.
    let path = path.strip_prefix('/').filter(|rest| !style.split_drive(rest).0.is_empty()).unwrap_or(&path);
    let is_absolute = !style.split_drive(path).0.is_empty() || style == PathStyle::Unix && path.starts_with('/');
    is_absolute.then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_a_local_folder() {
        let unix = |uri| folder(uri, PathStyle::Unix);
        assert_eq!(unix("file:///home/me/my%20project"), Some("/home/me/my project".into()));
        assert_eq!(unix("file://localhost/srv"), Some("/srv".into()));
        assert_eq!(unix("file:///C:/project"), Some("/C:/project".into()));
        let windows = |uri| folder(uri, PathStyle::Windows);
        assert_eq!(windows("file:///C:/project"), Some("C:/project".into()));
        assert_eq!(windows("file:///c%3A/my%20project"), Some("c:/my project".into()));
        assert_eq!(windows("file:///srv"), None);
        for other in ["https://example.com/x", "file://server/share", "file:relative", "/home", "file:///%ff"] {
            assert_eq!([unix(other), windows(other)], [None, None], "{other}");
        }
    }
}
