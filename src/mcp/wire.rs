//! JSON-RPC over two streams, one message per line.
//!
//! rmcp's own line transport is correct for correct clients. This one is for the others too: whatever
//! has an id gets an answer with that id, where rmcp 3.9 would answer without one and leave the caller
//! waiting; and what comes before the first request does not end the process (MCP.md §2.7, 3 and 6).

use std::io;
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{ClientRequest, ErrorData, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::Mutex;

/// The longest line that is read, in bytes. A client that never ends its line cannot fill the memory.
pub(super) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// The server's end of the two streams.
pub(super) struct Wire<R, W> {
    input: BufReader<R>,
    line: Vec<u8>,
    /// The line at hand is too long: the rest of it is dropped.
    skipping: bool,
    output: Arc<Mutex<W>>,
    /// A request that opens a session has come.
    open: bool,
}

enum Line {
    Whole,
    TooLong,
    EndOfInput,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin + Send + 'static> Wire<R, W> {
    pub(super) fn new(input: R, output: W) -> Self {
        Self {
            input: BufReader::new(input),
            line: Vec::new(),
            skipping: false,
            output: Arc::new(Mutex::new(output)),
            open: false,
        }
    }

    /// Reads on until a line is whole. rmcp drops this future whenever it has something to send, so what
    /// was read so far stays in `self`, and nothing is taken from the input that is not kept.
    async fn next_line(&mut self) -> Line {
        loop {
            let available = match self.input.fill_buf().await {
                Ok([]) => return Line::EndOfInput,
                Ok(available) => available,
                Err(error) => {
                    tracing::error!(%error, "cannot read the input");
                    return Line::EndOfInput;
                }
            };
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |end| end + 1);
            let too_long = self.skipping || self.line.len() + taken > MAX_LINE_BYTES;
            if too_long {
                self.line.clear();
            } else {
                self.line.extend_from_slice(&available[..taken]);
            }
            self.skipping = too_long && end.is_none();
            self.input.consume(taken);
            match (end, too_long) {
                (Some(_), true) => return Line::TooLong,
                (Some(_), false) => return Line::Whole,
                (None, _) => {}
            }
        }
    }

    /// Returns the message of the line at hand, or answers it if it is none that can be handled.
    fn read(&self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let line = self.line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.line);
        let error = match serde_json::from_slice(line) {
            Ok(message) => return Some(message),
            Err(error) => error,
        };
        match serde_json::from_slice(line) {
            Ok(Value::Object(message)) => {
                let id = message.get("id").and_then(|id| serde_json::from_value::<RequestId>(id.clone()).ok());
                match (id, message.get("method").and_then(Value::as_str)) {
                    (Some(id), Some(method)) => {
                        let message = format!("malformed params for {method}");
                        self.answer(ErrorData::invalid_params(message, None), Some(id));
                    }
                    (Some(id), None) => self.answer(ErrorData::invalid_request("no method", None), Some(id)),
                    // A notification, or a response: nobody waits for an answer.
                    (None, _) => tracing::debug!(%error, "dropped a message"),
                }
            }
            Ok(_) => self.answer(ErrorData::invalid_request("a message is one JSON object", None), None),
            // Text that is not JSON has no id, and an answer could make two programs echo for ever.
            Err(error) => tracing::debug!(%error, "dropped a line"),
        }
        None
    }

    fn answer(&self, error: ErrorData, id: Option<RequestId>) {
        let sent = send(Arc::clone(&self.output), TxJsonRpcMessage::<RoleServer>::error(error, id));
        tokio::spawn(async move {
            if let Err(error) = sent.await {
                tracing::debug!(%error, "cannot answer");
            }
        });
    }
}

async fn send<W: AsyncWrite + Unpin>(
    output: Arc<Mutex<W>>,
    message: TxJsonRpcMessage<RoleServer>,
) -> Result<(), io::Error> {
    let mut line = serde_json::to_vec(&message)?;
    line.push(b'\n');
    let mut output = output.lock().await;
    output.write_all(&line).await?;
    output.flush().await
}

impl<R, W> Transport<RoleServer> for Wire<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        send(Arc::clone(&self.output), message)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message = match self.next_line().await {
                Line::EndOfInput => return None,
                Line::TooLong => {
                    let message = format!("the message has more than {MAX_LINE_BYTES} bytes");
                    self.answer(ErrorData::invalid_request(message, None), None);
                    continue;
                }
                Line::Whole => self.read(),
            };
            self.line.clear();
            match message {
                None => {}
                Some(message) if self.open => return Some(message),
                Some(JsonRpcMessage::Request(request)) => {
                    // These two may come before a session and do not open one.
                    self.open =
                        !matches!(request.request, ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_));
                    return Some(JsonRpcMessage::Request(request));
                }
                // rmcp would take it for a broken client and end the process.
                Some(_) => tracing::debug!("dropped a message that came before the first request"),
            }
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.output.lock().await.flush().await
    }
}
