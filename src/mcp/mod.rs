//! The agents' door: an MCP server over stdio. One tool per file.
//!
//! All that this door can ask is an [`AgentRequest`], which has no word for a gate. A call is parsed where it comes in
//! and carried out on a thread of its own (`workers`): whatever a disk, a lock or a database does, the protocol goes
//! on. A panic there becomes an answer like any other.

mod assign_thread;
mod backlog;
mod batch_outcome;
mod completion;
mod diagnostics;
mod era;
mod lenient;
mod next_batch;
mod prompts;
mod read_thread;
mod refused;
mod resources;
mod schema;
mod serve;
mod subscriptions;
mod update_thread;
mod wire;
mod workers;
mod workstream_status;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult, CustomRequest,
    CustomResult, DiscoverResult, ErrorCode, GetPromptRequestParams, GetPromptResponse, Implementation, JsonObject,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ProgressToken, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, Peer, RoleServer, ServerHandler, tool_handler};

pub use serve::serve;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use self::backlog::{Backlog, InFlight};
use self::era::{Keeps, is_modern, sign, with_cache_hints};
use self::subscriptions::Subscriptions;
use self::workers::Workers;

use crate::board::ServerId;
use crate::clock::Clock;
use crate::decide::{AgentAnswer, AgentRequest, Refusal};
use crate::fault::{Error, Fault};
use crate::store::{LOCK_WAIT, Store};
use crate::transact::{AgentDoor, Ask};
use crate::words::AgentWords;

/// What every session reads before its first call. Three sentences, paid for in every session.
pub const INSTRUCTIONS: &str = "work executes a plan batch by batch. \
A planner calls next_batch, launches in one response one worker per id in dispatch with that thread's agent, gives \
each its workstream, thread_id and attempt, then calls batch_outcome and carries out what its failover says; a worker calls read_thread, then update_thread in_progress, and at its end completed, \
blocked or failed with a report. \
Gates are passed by a person: show gate_command or next_user_command, never run it.";

/// How long a call waits for its turn. All threads wait then, for the same thing as it would: it would find it standing
/// still, as they do.
const MAX_TURN: Duration = LOCK_WAIT.saturating_sub(Duration::from_millis(500));

/// The methods of MCP that this server has, whose malformed calls deserve a better word than "unknown".
const METHODS: [&str; 13] = [
    "completion/complete",
    "initialize",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "server/discover",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
];

/// Those of them that the modern era does not have.
const REMOVED: [&str; 3] = ["initialize", "resources/subscribe", "resources/unsubscribe"];

/// The server. Cheap to clone; all state is on disk.
#[derive(Clone)]
pub struct WorkServer {
    door: Arc<AgentDoor>,
    tools: Arc<ToolRouter<Self>>,
    subscriptions: Arc<Subscriptions>,
    /// What the client has not read yet.
    backlog: Arc<Backlog>,
    workers: Workers,
    ended: CancellationToken,
    words: Arc<AgentWords>,
}

/// The arguments of a tool: parsed once, here, into a request.
trait Arguments: serde::de::DeserializeOwned {
    /// Returns the workstream that the call names, and the request.
    fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal>;
}

impl WorkServer {
    /// Makes a server for the workspace of a store that was opened for `server`. Touches no file.
    pub fn new(store: Box<dyn Store>, clock: Box<dyn Clock>, server: ServerId, words: AgentWords) -> Self {
        let tools = Self::next_batch_router()
            + Self::read_thread_router()
            + Self::assign_thread_router()
            + Self::update_thread_router()
            + Self::batch_outcome_router()
            + Self::workstream_status_router();
        let ended = CancellationToken::new();
        Self {
            door: Arc::new(AgentDoor::new(store, clock, server)),
            tools: Arc::new(tools),
            subscriptions: Arc::new(Subscriptions::new(ended.clone())),
            backlog: Arc::default(),
            workers: Workers::default(),
            ended,
            words: Arc::new(words),
        }
    }

    /// Returns the tools as `tools/list` gives them, sorted by name.
    pub fn tools(&self) -> Vec<Tool> {
        self.tools.list_all()
    }

    async fn answer<A: Arguments + Send + 'static>(
        &self,
        arguments: JsonObject,
        cancelled: CancellationToken,
    ) -> CallToolResult {
        let parsed = catch_panic(|| Ok(schema::parse::<A>(arguments).and_then(A::into_request)?));
        let answered = match parsed {
            Ok((workstream, request)) => {
                let is_cancelled = Arc::new(move || cancelled.is_cancelled());
                self.ask(Ask { workstream, request, is_cancelled, since: Instant::now() }).await
            }
            Err(stopped) => Err(stopped),
        };
        match answered {
            Ok(answer) => match serde_json::to_value(answer.worded(self.words.as_ref())) {
                Ok(answer) => CallToolResult::structured(answer),
                Err(error) => refused::refused(&Fault::Internal(error.to_string()).into(), &self.words),
            },
            Err(stopped) => refused::refused(&stopped, &self.words),
        }
    }

    /// Carries out a call. Those that write at the same time share commits.
    async fn ask(&self, ask: Ask) -> Result<AgentAnswer, Error> {
        let ask = if self.door.may_be_read_only(&ask) {
            match self.blocking(move |door| Ok((door.try_read_only(&ask)?, ask))).await? {
                (Some(answer), _) => return Ok(answer),
                (None, ask) => ask,
            }
        } else {
            ask
        };
        self.backlog.wait_for_capacity().await;
        let (sender, receiver) = oneshot::channel();
        // Who does not wait any more is not told.
        if let Some(lead) = self.door.submit(ask, move |answer| drop(sender.send(answer))) {
            let door = Arc::clone(&self.door);
            self.workers.run(move |go| match go {
                Ok(()) => {
                    let written = catch_panic(|| {
                        door.run_as_leader(lead);
                        Ok(())
                    });
                    // Whose call it was is told by the channel that is closed.
                    drop(written);
                }
                Err(fault) => {
                    let why = fault.to_string();
                    door.refuse_as_leader(lead, || Fault::NoThread { why: why.clone() });
                }
            });
        }
        receiver.await.unwrap_or_else(|_| Err(Fault::bug().into()))
    }

    /// Carries something out on a thread that may wait, once there is one and the client has read what it has
    /// asked for before; a panic there becomes an answer.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&AgentDoor) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.backlog.wait_for_capacity().await;
        let door = Arc::clone(&self.door);
        let (sender, receiver) = oneshot::channel();
        let since = Instant::now();
        self.workers.run(move |go| {
            let go = go.and_then(|()| if since.elapsed() < MAX_TURN { Ok(()) } else { Err(all_wait()) });
            let done = go.map_err(Error::from).and_then(|()| catch_panic(|| work(&door)));
            // Who does not wait any more is not told.
            drop(sender.send(done));
        });
        receiver.await.unwrap_or_else(|_| Err(Fault::bug().into()))
    }
}

/// Why a call is not begun any more.
fn all_wait() -> Fault {
    Fault::NoThread { why: "each of them waits for something that stands still".to_owned() }
}

/// Turns a panic into an answer.
fn catch_panic<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a call died");
        Err(Fault::bug().into())
    })
}

/// Returns the server's end of two streams, for the fuzzers.
#[cfg(any(test, fuzzing))]
pub(crate) fn wire<R, W>(input: R, output: W) -> impl rmcp::transport::Transport<RoleServer>
where
    R: tokio::io::AsyncRead + Unpin + Send + 'static,
    W: tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    wire::Wire::new(input, output, Arc::default(), CancellationToken::new())
}

/// Tells a client that a call takes its time, where it waits for another process, a disk or a database: a client
/// that counts the seconds starts again with each word.
async fn telling_progress<T>(call: impl Future<Output = T>, token: ProgressToken, peer: Peer<RoleServer>) -> T {
    const PATIENCE: Duration = Duration::from_secs(1);
    let mut call = std::pin::pin!(call);
    let mut seconds = 0.0;
    loop {
        if let Ok(answer) = tokio::time::timeout(PATIENCE, &mut call).await {
            return answer;
        }
        seconds += PATIENCE.as_secs_f64();
        let waits = ProgressNotificationParam::new(token.clone(), seconds).with_message("waiting for the workspace");
        // Who cannot be told waits all the same.
        let _ = peer.notify_progress(waits).await;
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for WorkServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_tools()
                .enable_prompts()
                .enable_resources()
                .enable_resources_subscribe()
                .enable_completions()
                .build(),
        )
        .with_server_info(Implementation::new("work", env!("CARGO_PKG_VERSION")).with_title("Workstreams"))
        .with_instructions(INSTRUCTIONS)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !self.tools.has_route(&request.name) {
            let names: Vec<_> = self.tools().into_iter().map(|tool| tool.name).collect();
            let name: String = request.name.chars().take(60).collect();
            let message = format!("there is no tool {name:?}; the tools are {}", names.join(", "));
            return Err(ErrorData::invalid_params(message, None));
        }
        let is_modern = is_modern(&context);
        // The router drops the context before the call is over.
        let _room = context.extensions.get::<InFlight>().cloned();
        let (token, peer) = (context.meta.get_progress_token(), context.peer.clone());
        let call = self.tools.call(ToolCallContext::new(self, request, context));
        let mut response = match token {
            Some(token) => telling_progress(call, token, peer).await?,
            None => call.await?,
        };
        if let (true, CallToolResponse::Complete(result)) = (is_modern, &mut response) {
            sign(self, &mut result.meta);
        }
        Ok(response)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(with_cache_hints!(self, context, Keeps::WithTheProgram, ListToolsResult::with_all_items(self.tools())))
    }

    async fn discover(&self, _context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        let keeps = Keeps::WithTheProgram;
        let discovered = DiscoverResult::from_server_info(versions, self.get_info());
        Ok(discovered.with_ttl_ms(keeps.ttl_ms()).with_cache_scope(keeps.scope()))
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(with_cache_hints!(self, context, Keeps::WithTheProgram, prompts::list()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let mut prompt = prompts::get(&request)?;
        if is_modern(&context) {
            sign(self, &mut prompt.meta);
        }
        Ok(prompt.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        let listed = self.blocking(move |door| Ok(resources::list(door, cursor.as_deref()))).await;
        let listed = listed.map_err(|stopped| ErrorData::internal_error(stopped.to_string(), None))??;
        Ok(with_cache_hints!(self, context, Keeps::Never, listed))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(with_cache_hints!(self, context, Keeps::WithTheProgram, resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        let words = Arc::clone(&self.words);
        let read = self.blocking(move |door| Ok(resources::read(door, &words, &uri))).await;
        let read = read.map_err(|stopped| ErrorData::internal_error(stopped.to_string(), None))??;
        Ok(with_cache_hints!(self, context, Keeps::Never, read).into())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.subscribe_to(request.uri, context.peer).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.unsubscribe_from(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let accepted = requested.supported_by(&self.get_info().capabilities);
        self.accept(&accepted);
        Some(accepted)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.listen_to(&context).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        // What cannot be read completes nothing.
        Ok(self.blocking(move |door| Ok(completion::complete(door, &request))).await.unwrap_or_default())
    }

    /// rmcp hands over here what it cannot parse, known methods with malformed parameters too.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let is_removed = is_modern(&context) && REMOVED.contains(&request.method.as_str());
        if METHODS.contains(&request.method.as_str()) && !is_removed {
            let message = format!("malformed params for {}", request.method);
            return Err(ErrorData::invalid_params(message, None));
        }
        let method: String = request.method.chars().take(60).collect();
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SteppingClock;
    use crate::store::{FileStore, WorkspaceLocation};

    #[derive(serde::Deserialize)]
    struct Panics {}

    impl Arguments for Panics {
        fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal> {
            panic!("a bug")
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_next_call_works() {
        let folder = tempfile::tempdir().unwrap();
        let place = WorkspaceLocation { root: Some(folder.path().to_owned()), ..WorkspaceLocation::default() };
        let store = FileStore::new(place, Some(ServerId::fixed(1)));
        let server = WorkServer::new(
            Box::new(store),
            Box::new(SteppingClock::default()),
            ServerId::fixed(1),
            AgentWords::default(),
        );
        let text = |result: CallToolResult| result.content[0].as_text().unwrap().text.clone();
        let panicked = text(server.answer::<Panics>(JsonObject::new(), CancellationToken::new()).await);
        assert!(panicked.starts_with("error io: the server failed inside"), "{panicked}");
        let next =
            text(server.answer::<next_batch::NextBatchArguments>(JsonObject::new(), CancellationToken::new()).await);
        assert!(next.starts_with("error no_workspace: "), "{next}");
    }
}
