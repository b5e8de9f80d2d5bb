//! JSON-RPC over two streams, one message per line.
//!
//! rmcp's own line transport is correct for correct clients. This one is for the others too: whatever
//! has an id gets an answer with that id, where rmcp 3.9 would answer without one, or not at all, and
//! leave the caller waiting; and what comes before the first request does not end the process (MCP.md
//! §2.7, 3 and 6).

use std::io;
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{ClientRequest, ErrorData, GetExtensions as _, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader};
use tokio_util::sync::CancellationToken;

use super::backlog::Backlog;

/// The longest line that is read, in bytes. A client that never ends its line cannot fill the memory.
pub(super) const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// How much of the start, and of the end, of a line that is too long is kept, to find its id there.
const KEPT_BYTES: usize = 512;

/// How much memory for lines is kept while there is none, in bytes.
const KEPT_CAPACITY: usize = 64 * 1024;

/// The server's end of the two streams.
pub(super) struct Wire<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    /// The line at hand is too long: all but its start and end is dropped.
    skipping: bool,
    /// A message that was read and waits until there is room for it, and how many KiB it has.
    next: Option<(RxJsonRpcMessage<RoleServer>, u32)>,
    backlog: Arc<Backlog>,
    /// A request that opens a session has come.
    open: bool,
    /// Cancelled when the input has ended, so that who waits for the client waits no longer.
    ended: CancellationToken,
}

enum Line {
    Whole,
    TooLong,
    EndOfInput,
}

impl<R: AsyncRead + Unpin> Wire<R> {
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

    /// Reads on until a line is whole. rmcp drops this future whenever it has something to send, so what
    /// was read so far stays in `self`, and nothing is taken from the input that is not kept.
    async fn next_line(&mut self) -> Line {
        loop {
            let available = match self.input.fill_buf().await {
                // The last line needs no line end.
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

    /// Returns the message of the line at hand, or answers it if it is none that can be handled.
    fn read(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let line = self.line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.line);
        let error = match serde_json::from_slice(line) {
            Ok(message) => return Some(message),
            Err(error) => error,
        };
        let repaired = repaired(line);
        if let Ok(message) = serde_json::from_str(&repaired) {
            return Some(message);
        }
        match serde_json::from_str(&repaired) {
            Ok(Value::Object(message)) => self.answer_malformed(&message),
            Ok(_) => self.answer(ErrorData::invalid_request("a message is one JSON object", None), None),
            Err(_) => match Glimpse::of(&repaired) {
                Glimpse { id: Some(id), has_method: true } => {
                    self.answer(ErrorData::parse_error(error.to_string(), None), Some(id));
                }
                // Nobody waits, or it is no JSON at all: an answer could make two programs echo for ever.
                _ => tracing::debug!(%error, "dropped a line"),
            },
        }
        None
    }

    fn answer_malformed(&self, message: &Map<String, Value>) {
        let method = message.get("method").and_then(Value::as_str);
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
            // A response, which nobody waits for; or a request of nothing.
            (Some(id), None) if !message.contains_key("result") && !message.contains_key("error") => {
                self.answer(ErrorData::invalid_request("there is no method", None), id);
            }
            _ => tracing::debug!("dropped a message that nobody waits for"),
        }
    }

    fn answer(&self, error: ErrorData, id: Option<RequestId>) {
        push(&self.backlog, &TxJsonRpcMessage::<RoleServer>::error(error, id));
    }

    /// Reads the next message that can be handled, into `self.next`. Returns whether there was one.
    async fn read_next(&mut self) -> bool {
        while self.next.is_none() {
            self.backlog.wait_for_capacity().await;
            let message = match self.next_line().await {
                Line::EndOfInput => return false,
                Line::TooLong => {
                    let (head, tail) = self.line.split_at(self.line.len().min(KEPT_BYTES));
                    let seen = Glimpse::of_ends(&String::from_utf8_lossy(head), &String::from_utf8_lossy(tail));
                    if let Glimpse { id: Some(id), has_method: true } = seen {
                        let message = format!("the message has more than {MAX_LINE_BYTES} bytes");
                        self.answer(ErrorData::invalid_request(message, None), Some(id));
                    }
                    None
                }
                Line::Whole => self.read(),
            };
            let kib = u32::try_from(self.line.len() / 1024).unwrap_or(u32::MAX);
            self.line.clear();
            // What one large message needed is not kept for ever.
            self.line.shrink_to(KEPT_CAPACITY);
            self.next = message.map(|message| (message, kib));
        }
        true
    }
}

/// Lets a line wait to be written.
fn push(backlog: &Backlog, message: &TxJsonRpcMessage<RoleServer>) {
    match serde_json::to_vec(message) {
        Ok(mut line) => {
            line.push(b'\n');
            backlog.push(line);
        }
        Err(error) => tracing::error!(%error, "cannot write an answer"),
    }
}

/// Returns the text with what some clients write by mistake replaced: bytes that are not UTF-8, and
/// halves of surrogate pairs (JavaScript's, of an emoji that was cut in two).
fn repaired(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let half = |at: usize| {
        let code = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(code, 16).ok().filter(|code| (0xd800..0xe000).contains(code))
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    let mut at = 0;
    while let Some(escape) = text[at..].find('\\').map(|found| at + found) {
        at = match (half(escape), half(escape + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => escape + 12,
            (Some(_), _) => {
                out.push_str(&text[rest..escape]);
                out.push_str("\\ufffd");
                rest = escape + 6;
                rest
            }
            // Another escape: the character behind the backslash belongs to it.
            (None, _) => escape + 1 + text[escape + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    out.push_str(&text[rest..]);
    out
}

/// What is known of a message whose text cannot be parsed as a whole: what stands in the outermost object before the
/// place where parsing ends.
#[derive(Debug, Default)]
struct Glimpse {
    id: Option<RequestId>,
    has_method: bool,
}

impl Glimpse {
    fn of(text: &str) -> Self {
        let mut seen = Self::default();
        // However deep its values are: they are skipped, not built.
        let _ = (&mut serde_json::Deserializer::from_str(text)).deserialize_map(&mut seen);
        seen
    }

    /// The same for a line that is too long, of which the start and the end are left. Clients write the
    /// id before the parameters or at the very end.
    fn of_ends(head: &str, tail: &str) -> Self {
        let mut seen = Self::of(head);
        if seen.has_method && seen.id.is_none() {
            // In a text the quotation marks would have a backslash before them.
            let rest = tail.rfind("\"id\":").map(|at| format!("{{{}", &tail[at..]));
            let whole = rest.and_then(|rest| serde_json::from_str::<Map<String, Value>>(rest.trim_end()).ok());
            seen.id = whole.and_then(|mut rest| serde_json::from_value(rest.remove("id")?).ok());
        }
        seen
    }
}

impl<'de> Visitor<'de> for &mut Glimpse {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut message: A) -> Result<(), A::Error> {
        let mut id = None;
        while let Some(key) = message.next_key::<String>()? {
            // Only now: one that the text ends in could be cut off.
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
            // Answers are as many as there are requests; nobody asked for anything else, so it waits.
            if !matches!(message, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_)) {
                backlog.wait_for_capacity().await;
            }
            push(&backlog, &message);
            Ok(())
        }
    }

    /// rmcp drops this future whenever it has something to send: what was read waits in `self`.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let backlog = Arc::clone(&self.backlog);
            let is_there = tokio::select! {
                is_there = self.read_next() => is_there,
                () = backlog.peer_closed() => false,
            };
            if !is_there {
                self.ended.cancel();
                return None;
            }
            let taken = match &self.next {
                Some((JsonRpcMessage::Request(_), kib)) => Some(self.backlog.take_in(*kib).await),
                _ => None,
            };
            match self.next.take().map(|(message, _)| message) {
                Some(JsonRpcMessage::Request(mut request)) => {
                    // These two may come before a session and do not open one.
                    self.open |=
                        !matches!(request.request, ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_));
                    if let Some(taken) = taken {
                        request.request.extensions_mut().insert(taken);
                    }
                    return Some(JsonRpcMessage::Request(request));
                }
                Some(message) if self.open => return Some(message),
                // rmcp would take it for a broken client and end the process.
                Some(_) => tracing::debug!("dropped a message that came before the first request"),
                None => {}
            }
        }
    }

    /// A client that does not read cannot keep the process alive.
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
        let found = |seen: Glimpse| seen.id.filter(|_| seen.has_method);
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
            assert_eq!(found(Glimpse::of(text)), expected, "{text}");
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
            assert_eq!(found(Glimpse::of_ends(head, tail)), expected, "{head} … {tail}");
        }
    }
}
