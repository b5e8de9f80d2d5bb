//! The server's transport: JSON-RPC over two byte streams, one message per line.
//!
//! rmcp 3.9.0 has a transport for this, `AsyncRwTransport`. It serves a client that sends only valid lines and reads
//! all answers. This one serves the other clients too (DESIGN §13.4): it never leaves a client waiting for the answer
//! to a line whose id can be read. What the stock transport does, and what its client sees:
//!
//! - **A line that is no JSON**: cut off, with text behind the message, or nested too deep for the parser. It is
//!   dropped, and the client waits until its own timeout. Here it is answered with its id, if that can be read.
//! - **Half of a surrogate pair** (JavaScript writes one when it cuts a string inside an emoji), **or a byte that is
//!   not UTF-8**. The parser refuses the line, so it is dropped as well. Here U+FFFD takes the place of the broken
//!   character, and the call is carried out.
//! - **JSON that is no valid message**: `jsonrpc` is not `"2.0"`, there is no method, or the request does not decode.
//!   It is answered without an id, so the client cannot tell which of its calls failed, and waits. Here the answer has
//!   the id, if there is a valid one.
//! - **A line over the limit** of 16 MiB. It is dropped without an answer. Here it is answered with its id, if that is
//!   near the start or at the end.
//! - **A last line without a line end.** It is dropped. Here it is a message.
//! - **A notification or a response before the first request.** rmcp takes it for a broken client and ends the process.
//!   Here it is dropped.
//! - **A client that sends and does not read.** Each answer waits in a task of its own, without a bound, and calls go
//!   on being carried out, so memory grows with every line. Here nothing more is read (see [`Backlog`]).
//! - **A half-closed stream**: the client has closed the end on which it reads, and keeps the other open. Each answer
//!   fails, and the server lives on, holding its batch. Here that is the end of the input.
//!
//! Malformed lines are answered here and never handed on, so they get one answer, not two. An id that may be cut off is
//! not used: `12` could be the start of `123`, whose request would then get two answers. One case is left open: of two
//! requests that are in flight with the same id, rmcp's service loop answers only one.
//!
//! Upstream, a malformed line was answered without an id for a while (modelcontextprotocol/rust-sdk#825), and is dropped
//! now, because such answers can go to and fro without an end (#938). That cannot happen here: what is not JSON is
//! answered only if it has an id and a method, and nothing that looks like a response is answered at all. An incomplete
//! first request left the client without any answer (#1157).
//!
//! This file can go when rmcp does all that: `tests/it/stdio.rs`, `tests/it/flood.rs` and `tests/it/eras.rs` must pass
//! with the stock transport. Until then, it must know nothing of a method but whether it opens a session.

use std::io;
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{
    ClientRequest, ErrorData, GetExtensions as _, GetMeta as _, JsonRpcMessage, ProtocolVersion, RequestId,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader};
use tokio_util::sync::CancellationToken;

use super::backlog::Backlog;

/// The longest line that is read, in bytes. It bounds the memory that a line without an end can take.
pub(super) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// How many bytes are kept of the start, and of the end, of a line that is too long. Its id is looked for there.
const KEPT_BYTES: usize = 512;

/// The capacity of the line buffer that is kept between lines, in bytes.
const KEPT_CAPACITY: usize = 64 * 1024;

/// The server's end of the two streams. It reads `input`; a task of the backlog writes the output.
pub(super) struct Wire<R> {
    input: BufReader<R>,
    /// What was read of the current line, with its line end once that has come.
    line: Vec<u8>,
    /// Whether the current line is over the limit. Of such a line only the start and the end are kept.
    skipping: bool,
    /// A message that was read and waits for its share of the in-flight budget, and the size of its line in KiB.
    next: Option<(RxJsonRpcMessage<RoleServer>, u32)>,
    backlog: Arc<Backlog>,
    /// Whether a request has come that opens a session. Before that, rmcp answers requests and ends the process on
    /// anything else.
    open: bool,
    /// Cancelled at the end of the input, to release handlers that wait for the client. rmcp would give them up to five
    /// seconds, and the process would end that much later.
    ended: CancellationToken,
}

/// The result of reading a line.
enum Line {
    /// `line` holds the whole line.
    Whole,
    /// The line was over the limit. `line` holds its start and its end.
    TooLong,
    EndOfInput,
}

impl<R: AsyncRead + Unpin> Wire<R> {
    /// Makes the transport and starts the task that writes to `output`. Must be called inside a runtime. `ended` is
    /// cancelled at the end of the input.
    pub(super) fn new<W: AsyncWrite + Unpin + Send + 'static>(
        input: R,
        output: W,
        backlog: Arc<Backlog>,
        ended: CancellationToken,
    ) -> Self {
        backlog.write_to(output);
        Self {
            input: BufReader::new(input),
            line: Vec::new(),
            skipping: false,
            next: None,
            backlog,
            open: false,
            ended,
        }
    }

    /// Reads until `self.line` holds a whole line. Cancel-safe: rmcp drops this future whenever it has something to
    /// send, so a partial line stays in `self`, and no await separates taking bytes from the input from storing them.
    async fn next_line(&mut self) -> Line {
        loop {
            let available = match self.input.fill_buf().await {
                // The end of the input. What was read before it is a last line without a line end.
                Ok([]) if self.line.is_empty() || self.skipping => return Line::EndOfInput,
                Ok([]) => return Line::Whole,
                Ok(available) => available,
                Err(error) => {
                    tracing::error!(%error, "cannot read the input");
                    return Line::EndOfInput;
                }
            };
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |end| end + 1);
            let too_long = self.skipping || self.line.len() + taken > MAX_LINE_BYTES;
            self.line.extend_from_slice(&available[..taken]);
            // Drop the middle at once, so that a line without an end takes no more memory than the limit.
            if too_long && self.line.len() > 2 * KEPT_BYTES {
                self.line.drain(KEPT_BYTES..self.line.len() - KEPT_BYTES);
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

    /// Returns the message in `self.line`. If the line is no message, answers it with an error, or drops it if nobody
    /// waits for an answer, and returns `None`.
    fn read(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        // A byte order mark is no part of the JSON; a parser may ignore it (RFC 8259 §8.1).
        let line = self.line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.line);
        let error = match serde_json::from_slice(line) {
            Ok(message) => return Some(message),
            Err(error) => error,
        };
        // Only now: the repair copies the line, and almost every line needs none.
        let repaired = repaired(line);
        if let Ok(message) = serde_json::from_str(&repaired) {
            return Some(message);
        }
        match serde_json::from_str(&repaired) {
            Ok(Value::Object(message)) => self.answer_malformed(&message),
            Ok(_) => self.answer(ErrorData::invalid_request("a message is one JSON object", None), None),
            Err(_) => match Envelope::of(&repaired) {
                Envelope { id: Some(id), has_method: true } => {
                    self.answer(ErrorData::parse_error(error.to_string(), None), Some(id));
                }
                // Nobody waits for an answer without an id. And an error for each unreadable line could start an
                // endless exchange with a program that echoes what it reads.
                _ => tracing::debug!(%error, "dropped a line"),
            },
        }
        None
    }

    /// Answers a JSON object that is no valid message, with its id if it has a valid one. Drops it if it is no request.
    fn answer_malformed(&self, message: &Map<String, Value>) {
        let method = message.get("method").and_then(Value::as_str);
        // `None`: there is no id. `Some(None)`: there is one that cannot be an id, such as 1.5 or null.
        let id = message.get("id").map(|id| serde_json::from_value::<RequestId>(id.clone()).ok());
        match (id, method) {
            (Some(None), Some(_)) => {
                self.answer(ErrorData::invalid_request("an id is a string or a whole number", None), None);
            }
            (Some(id), Some(method)) if message.get("jsonrpc").is_some_and(|version| version == "2.0") => {
                let method: String = method.chars().take(60).collect();
                self.answer(ErrorData::invalid_params(format!("malformed params for {method}"), None), id);
            }
            (Some(id), Some(_)) => self.answer(ErrorData::invalid_request("jsonrpc is not \"2.0\"", None), id),
            // Neither a method nor a result: most likely a request, since a response would have a result or an error.
            (Some(id), None) if !message.contains_key("result") && !message.contains_key("error") => {
                self.answer(ErrorData::invalid_request("there is no method", None), id);
            }
            _ => tracing::debug!("dropped a message that nobody waits for"),
        }
    }

    /// Queues an error as the answer to the request `id`, or to none.
    fn answer(&self, error: ErrorData, id: Option<RequestId>) {
        push(&self.backlog, &TxJsonRpcMessage::<RoleServer>::error(error, id));
    }

    /// Reads the next valid message into `self.next`, unless one waits there already. Returns `false` at the end of the
    /// input. Cancel-safe.
    async fn read_next(&mut self) -> bool {
        while self.next.is_none() {
            // Backpressure: a client that does not read its answers is not read either.
            self.backlog.wait_for_capacity().await;
            let message = match self.next_line().await {
                Line::EndOfInput => return false,
                Line::TooLong => {
                    // The middle of the line is gone, so its two ends are looked at apart.
                    let (head, tail) = self.line.split_at(self.line.len().min(KEPT_BYTES));
                    let seen = Envelope::of_ends(&String::from_utf8_lossy(head), &String::from_utf8_lossy(tail));
                    if let Envelope { id: Some(id), has_method: true } = seen {
                        let message = format!("the message has more than {MAX_LINE_BYTES} bytes");
                        self.answer(ErrorData::invalid_request(message, None), Some(id));
                    }
                    None
                }
                Line::Whole => self.read(),
            };
            let kib = u32::try_from(self.line.len() / 1024).unwrap_or(u32::MAX);
            self.line.clear();
            // Give back what a large message needed.
            self.line.shrink_to(KEPT_CAPACITY);
            self.next = message.map(|message| (message, kib));
        }
        true
    }
}

/// Returns whether rmcp opens a session for a request. It opens one for `initialize`, and for a request of the modern
/// era, which carries its version and what goes with it; it answers all others and goes on waiting.
fn opens_a_session(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        request => {
            let meta = request.get_meta();
            let is_known = |version| ProtocolVersion::KNOWN_VERSIONS.contains(&version);
            meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
                && meta.protocol_version().is_some_and(is_known)
        }
    }
}

/// Queues a message, as one line, for the task that writes.
fn push(backlog: &Backlog, message: &TxJsonRpcMessage<RoleServer>) {
    match serde_json::to_vec(message) {
        Ok(mut line) => {
            line.push(b'\n');
            backlog.push(line);
        }
        Err(error) => tracing::error!(%error, "cannot write an answer"),
    }
}

/// Returns the text of a line in which U+FFFD stands in place of bytes that are not UTF-8, and of escapes of half a
/// surrogate pair. All else, malformed JSON too, stays as it is.
fn repaired(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    // The code of the surrogate whose escape, such as `\ud83d`, begins at a place; `None` if none begins there.
    let surrogate = |at: usize| {
        let code = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(code, 16).ok().filter(|code| (0xd800..0xe000).contains(code))
    };
    let mut out = String::with_capacity(text.len());
    // All before `rest` is in `out`. Escapes are looked for from `at` on.
    let mut rest = 0;
    let mut at = 0;
    while let Some(escape) = text[at..].find('\\').map(|found| at + found) {
        at = match (surrogate(escape), surrogate(escape + 6)) {
            // A whole pair, which is one character.
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => escape + 12,
            (Some(_), _) => {
                out.push_str(&text[rest..escape]);
                out.push_str("\\ufffd");
                rest = escape + 6;
                rest
            }
            // Another escape. Skip the character behind the backslash, which may be a backslash itself.
            (None, _) => escape + 1 + text[escape + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    out.push_str(&text[rest..]);
    out
}

/// What can be read of a message that does not parse as a whole: the members of its outermost object that stand before
/// the broken place.
#[derive(Debug, Default)]
struct Envelope {
    id: Option<RequestId>,
    /// Whether it has a method whose name is a string, so that it is no response.
    has_method: bool,
}

impl Envelope {
    /// Returns what stands before the place where `text` stops being JSON.
    fn of(text: &str) -> Self {
        let mut seen = Self::default();
        // The error is expected: the text is broken. Parameters that are nested too deep to be parsed do not end this,
        // as they are skipped and not built.
        let _ = (&mut serde_json::Deserializer::from_str(text)).deserialize_map(&mut seen);
        seen
    }

    /// Returns the same for a line of which only the start and the end are left. Clients write the id either before the
    /// parameters or as one of the last members.
    fn of_ends(head: &str, tail: &str) -> Self {
        let mut seen = Self::of(head);
        if seen.has_method && seen.id.is_none() {
            // The last `"id":` counts if the message ends properly behind it. Inside a string its quotation marks would
            // be escaped, and inside an inner object there would be a closing brace too many.
            let rest = tail.rfind("\"id\":").map(|at| format!("{{{}", &tail[at..]));
            let whole = rest.and_then(|rest| serde_json::from_str::<Map<String, Value>>(rest.trim_end()).ok());
            seen.id = whole.and_then(|mut rest| serde_json::from_value(rest.remove("id")?).ok());
        }
        seen
    }
}

impl<'de> Visitor<'de> for &mut Envelope {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut message: A) -> Result<(), A::Error> {
        let mut id = None;
        while let Some(key) = message.next_key::<String>()? {
            // Only now is it certain that the id is whole: another key follows it.
            self.id.clone_from(&id);
            match key.as_str() {
                "id" => id = serde_json::from_value(message.next_value()?).ok(),
                "method" => self.has_method = message.next_value::<Value>()?.is_string(),
                _ => drop(message.next_value::<IgnoredAny>()?),
            }
        }
        self.id = id;
        Ok(())
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> Transport<RoleServer> for Wire<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let backlog = Arc::clone(&self.backlog);
        async move {
            // Requests in flight are bounded, and so are their answers: they are queued at once. Notifications have no
            // such bound, so they wait for the client to read.
            if !matches!(message, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_)) {
                backlog.wait_for_capacity().await;
            }
            push(&backlog, &message);
            Ok(())
        }
    }

    /// Returns the next message; `None` at the end of the input, or when the client no longer reads. Cancel-safe: rmcp
    /// drops this future whenever it has something to send, so a message that was read waits in `self.next`.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let backlog = Arc::clone(&self.backlog);
            let has_message = tokio::select! {
                has_message = self.read_next() => has_message,
                () = backlog.peer_closed() => false,
            };
            if !has_message {
                self.ended.cancel();
                return None;
            }
            // The message stays in `self.next` during this await, which may be dropped: it would be lost with it.
            let taken = match &self.next {
                Some((JsonRpcMessage::Request(_), kib)) => Some(self.backlog.take_in(*kib).await),
                _ => None,
            };
            match self.next.take().map(|(message, _)| message) {
                Some(JsonRpcMessage::Request(mut request)) => {
                    self.open |= opens_a_session(&request.request);
                    if let Some(taken) = taken {
                        request.request.extensions_mut().insert(taken);
                    }
                    return Some(JsonRpcMessage::Request(request));
                }
                Some(message) if self.open => return Some(message),
                // Before the session is open, rmcp ends the process on anything but a request.
                Some(_) => tracing::debug!("dropped a message that came before the first request"),
                None => {}
            }
        }
    }

    /// Waits until the queued answers are written, as long as the client goes on reading. A client that does not read
    /// cannot keep the process alive.
    async fn close(&mut self) -> Result<(), io::Error> {
        self.backlog.finish().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_surrogate_pairs_are_replaced_and_whole_ones_kept() {
        for (given, expected) in [
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"a":"\ude00\ud83d x"}"#, r#"{"a":"\ufffd\ufffd x"}"#),
            (r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"\ud83d\ude00"}"#),
            (r#"{"a":"\\ud83d \u00e9 \"é"}"#, r#"{"a":"\\ud83d \u00e9 \"é"}"#),
            (r#"{"a":"\"#, r#"{"a":"\"#),
        ] {
            assert_eq!(repaired(given.as_bytes()), expected);
        }
        assert_eq!(repaired(b"{\"a\":\"\xff\"}"), "{\"a\":\"\u{fffd}\"}");
    }

    #[test]
    fn an_id_is_found_at_the_outermost_level_of_a_request_and_nowhere_else() {
        let found = |seen: Envelope| seen.id.filter(|_| seen.has_method);
        let number = |id: i64| Some(RequestId::Number(id));
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":[[["#, number(7)),
            (r#"{"id": "a,b\"c" ,"method":"x","params":"#, Some(RequestId::String("a,b\"c".into()))),
            (r#"{"method":"x","params":{"id":8,"a":nonsense},"jsonrpc":"2.0","id":7}"#, None),
            (r#"{"params":{"x":{"id":8,"a":[[{"id":9}]]}},"method":"x","id":7} trailing"#, number(7)),
            (r#"{"method":"notifications/x","params":{"id":7,"b":nonsense"#, None),
            (r#"{"jsonrpc":"2.0","result":{"a":nonsense},"id":7}"#, None),
            (r#"{"method":"x","id":1.5,"#, None),
            (r#"{"method":"x","id":5.7,"params":nonsense"#, None),
            (r#"{"method":"x","id":12"#, None),
            (r#"{"method":"x","id":12,"params":"#, number(12)),
            (r#"{"method":7,"id":12,"params":"#, None),
            ("not json", None),
            ("\"id\":7", None),
        ] {
            assert_eq!(found(Envelope::of(text)), expected, "{text}");
        }
        for (head, tail, expected) in [
            (r#"{"id":7,"method":"x","params":{"a":"xxx"#, r#"xxx","id":9}}"#, number(7)),
            (r#"{"method":"x","params":{"a":"xxx"#, r#"xxx"},"jsonrpc":"2.0","id":7}"#, number(7)),
            (r#"{"result":{"a":"xxx"#, r#"xxx"},"id":7}"#, None),
            (r#"{"method":"x","params":{"a":"xxx"#, r#"xxx","id":7}}"#, None),
            (r#"{"method":"x","params":{"a":"xxx"#, r#"xxx\"id\":7}"#, None),
            (r#"{"method":"x","params":{"a":"xxx"#, r#"xxx"},"jsonrpc":"2.0","id":7.5}"#, None),
            (r#"{"method":"notifications/x","params":{"a":"xxx"#, r#"xxx"}}"#, None),
        ] {
            assert_eq!(found(Envelope::of_ends(head, tail)), expected, "{head} … {tail}");
        }
    }
}
