//! A transport that survives clients which talk before they introduce themselves.

use std::future::Future;

use rmcp::RoleServer;
use rmcp::model::{ClientRequest, JsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;

/// Drops notifications and responses that come before the first request which opens a session. rmcp 3.9
/// takes them for a fatal error and ends the process; a client that gave up probing sends exactly
/// such a `notifications/cancelled` (MCP.md §2.7, 3).
pub(super) struct Lenient<T> {
    inner: T,
    open: bool,
}

impl<T> Lenient<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, open: false }
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Lenient<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message = self.inner.receive().await?;
            if self.open {
                return Some(message);
            }
            if let JsonRpcMessage::Request(request) = &message {
                // Both may come before a session and do not open one.
                let probes =
                    matches!(request.request, ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_));
                self.open = !probes;
                return Some(message);
            }
            tracing::debug!("dropped a message that came before the first request");
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
}
