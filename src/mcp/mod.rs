//! The agents' door: an MCP server over stdio, with one file per tool.
//!
//! A call is parsed into an [`AgentRequest`] and carried out on a worker thread (`workers`). A panic there becomes an
//! error result of that call.
//!
//! This door must never pass a gate: [`AgentRequest`] has no variant for one (DESIGN §7). It must never wait for a
//! disk, a lock or a database on the protocol's thread: `ping` is answered and signals are obeyed while any of them
//! stands still. And it must never write anything but JSON-RPC to stdout.

mod assign_thread;
mod backlog;
mod batch_outcome;
mod checks;
mod completion;
mod diagnostics;
mod era;
mod lenient;
mod next_batch;
mod prompts;
mod read_thread;
mod refused;
mod resources;
mod roots;
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
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, Peer, RoleServer, ServerHandler, tool_handler};

pub use serve::{Seat, serve};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use self::backlog::{Backlog, InFlight};
use self::checks::Doing;
use self::era::{Keeps, is_modern, sign, with_cache_hints};
use self::roots::RootsKnown;
use self::subscriptions::Subscriptions;
use self::workers::Workers;

use crate::app::Checker;
use crate::board::{Introduction, ServerId};
use crate::clock::Clock;
use crate::decide::{AgentAnswer, AgentRequest, Refusal};
use crate::fault::{Error, Fault};
use crate::moment::Moment;
use crate::store::{LOCK_WAIT, Store, WorkspaceLocation};
use crate::transact::{AgentDoor, Ask};
use crate::words::AgentWords;

/// The server's `instructions`. Clients put them into the model's context, so every session pays for their tokens
/// (DESIGN §13.3): keep them at three sentences.
pub const INSTRUCTIONS: &str = "work executes a plan batch by batch. \
A planner calls next_batch, launches in one response one worker per id in dispatch with that thread's agent, gives \
each its workstream, thread_id and attempt, then calls batch_outcome and carries out what its failover says; a worker calls read_thread, then update_thread in_progress, and at its end completed, \
blocked or failed with a report. \
Gates are passed by a person: show gate_command or next_user_command, never run it.";

/// The `instructions` of a server for a worker.
const WORKER_INSTRUCTIONS: &str = "work gives you one thread of a plan. \
Call read_thread, then update_thread in_progress, and at your end completed, blocked or failed with a report, each with \
your attempt. Gates are passed by a person, never by you.";

/// How long a call may queue for a worker thread; a call that queued for longer is refused. It is a little less than
/// [`LOCK_WAIT`]: all threads were blocked for that long, most likely by the lock, disk or database that this call
/// needs too.
const MAX_TURN: Duration = LOCK_WAIT.saturating_sub(Duration::from_millis(500));

/// The MCP methods that this server has. If the parameters of one do not decode, the answer is "malformed params" and
/// not "method not found", which is what rmcp answers (DESIGN §13.4).
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

/// The methods among [`METHODS`] that the modern era (2026-07-28) has removed.
const REMOVED: [&str; 3] = ["initialize", "resources/subscribe", "resources/unsubscribe"];

/// The MCP server. Clones are cheap and share everything. The state of the workspace is in the store, not here.
#[derive(Clone)]
pub struct WorkServer {
    door: Arc<AgentDoor>,
    tools: Arc<ToolRouter<Self>>,
    subscriptions: Arc<Subscriptions>,
    /// The answers that the client has not read yet.
    backlog: Arc<Backlog>,
    workers: Workers,
    /// Cancelled when the input has ended.
    ended: CancellationToken,
    words: Arc<AgentWords>,
    checker: Checker,
    /// Where the workspace is looked for.
    place: Arc<WorkspaceLocation>,
    roots_known: RootsKnown,
    seat: Arc<Seat>,
    /// When the process started; `None` in tests.
    started_at: Option<Moment>,
}

/// The arguments of a tool. They are checked once, here; the request that comes out has typed fields.
trait Arguments: serde::de::DeserializeOwned {
    /// Returns the workstream that the call names, if any, and the request. Refuses malformed values by the name of the
    /// argument.
    fn into_request(self) -> Result<(Option<String>, AgentRequest), Refusal>;
}

impl WorkServer {
    /// Makes a server for the workspace of `store`, which must have been opened for `server` and `place`. Touches no file.
    pub fn new(
        store: Box<dyn Store>,
        clock: Box<dyn Clock>,
        server: ServerId,
        words: AgentWords,
        place: WorkspaceLocation,
    ) -> Self {
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
            checker: Checker::new(place.clone()),
            place: Arc::new(place),
            roots_known: RootsKnown::default(),
            seat: Arc::new(Seat::Any),
            started_at: None,
        }
    }

    /// Takes away all that a worker does not need, if it is for one: the tools of a planner, and the prompts of others.
    fn in_seat(self, seat: Seat) -> Self {
        if seat == Seat::Any {
            return self;
        }
        let tools = Self::read_thread_router() + Self::update_thread_router();
        Self { tools: Arc::new(tools), seat: Arc::new(seat), ..self }
    }

    /// Returns the tools as `tools/list` gives them, sorted by name.
    pub fn tools(&self) -> Vec<Tool> {
        let mut tools = self.tools.list_all();
        for tool in &mut tools {
            // Claude Code hides the tools of a server until a model looks for them, unless they say this.
            tool.meta.get_or_insert_default().0.insert("anthropic/alwaysLoad".to_owned(), true.into());
        }
        tools
    }

    /// Tells the store who this process is. The client has said it by the time of the first call.
    fn introduce(&self, peer: &Peer<RoleServer>) {
        let client = peer.peer_info().map(|client| {
            let Implementation { name, version, .. } = &client.client_info;
            format!("{name} {version}").trim_end().to_owned()
        });
        self.door.store().introduce(Introduction {
            client,
            process: Some(std::process::id()),
            address: None,
            started_at: self.started_at,
        });
    }

    /// Carries out a tool call and returns its result. A refusal, a fault or a panic becomes an `isError` result.
    async fn answer<A: Arguments + Send + 'static>(
        &self,
        arguments: JsonObject,
        cancelled: CancellationToken,
    ) -> CallToolResult {
        self.answer_while::<A>(arguments, cancelled, &Doing::default()).await
    }

    /// Does the same for a call that can take long, and keeps in `doing` what it does.
    async fn answer_while<A: Arguments + Send + 'static>(
        &self,
        arguments: JsonObject,
        cancelled: CancellationToken,
        doing: &Doing,
    ) -> CallToolResult {
        let parsed = catch_panic(|| {
            let (mut workstream, mut request) = schema::parse::<A>(arguments).and_then(A::into_request)?;
            if let Seat::Launched(worker) = self.seat.as_ref() {
                worker.complete(&mut workstream, &mut request)?;
            }
            Ok((workstream, request))
        });
        let answered = match parsed {
            Ok((workstream, request)) => {
                let is_cancelled = Arc::new(move || cancelled.is_cancelled());
                self.ask_proven(Ask { workstream, request, is_cancelled, since: Instant::now() }, doing).await
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

    /// Carries out a call. Calls that write at the same time share a commit (group commit).
    async fn ask(&self, ask: Ask) -> Result<AgentAnswer, Error> {
        self.roots_known.wait().await;
        // A call that changes nothing is answered here, without the lock. One that has to write after all goes on
        // below.
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
        // Sending fails only if the caller has stopped waiting; then nobody needs the answer.
        if let Some(lead) = self.door.submit(ask, move |answer| drop(sender.send(answer))) {
            // No other call of this queue is writing, so this one leads: it writes for all that queue up meanwhile.
            let door = Arc::clone(&self.door);
            self.workers.run(move |go| match go {
                Ok(()) => {
                    let written = catch_panic(|| {
                        door.run_as_leader(lead);
                        Ok(())
                    });
                    // A panic has dropped the senders of the queued calls; below, each receiver reports that as a bug.
                    drop(written);
                }
                Err(fault) => {
                    // There is no thread to write on. The queue must not wait for a leader that never comes.
                    let why = fault.to_string();
                    door.refuse_as_leader(lead, || Fault::NoThread { why: why.clone() });
                }
            });
        }
        receiver.await.unwrap_or_else(|_| Err(Fault::bug().into()))
    }

    /// Runs `work` on a worker thread and returns its result. It begins only when the client has read enough of its
    /// earlier answers (backpressure). Returns [`Fault::NoThread`] if no thread was free within [`MAX_TURN`], and
    /// [`Fault::Internal`] if `work` panicked.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&AgentDoor) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.roots_known.wait().await;
        self.blocking_at_once(work).await
    }

    /// Does the same without waiting for the client's roots.
    async fn blocking_at_once<T: Send + 'static>(
        &self,
        work: impl FnOnce(&AgentDoor) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.backlog.wait_for_capacity().await;
        let door = Arc::clone(&self.door);
        let (sender, receiver) = oneshot::channel();
        let since = Instant::now();
        self.workers.run(move |go| {
            let go = go.and_then(|()| if since.elapsed() < MAX_TURN { Ok(()) } else { Err(all_threads_blocked()) });
            let done = go.map_err(Error::from).and_then(|()| catch_panic(|| work(&door)));
            // Sending fails only if the caller has stopped waiting.
            drop(sender.send(done));
        });
        receiver.await.unwrap_or_else(|_| Err(Fault::bug().into()))
    }
}

/// Returns the fault of a call that queued for longer than [`MAX_TURN`].
fn all_threads_blocked() -> Fault {
    Fault::NoThread { why: "all of them wait for a lock, a disk or a database that does not respond".to_owned() }
}

/// Runs `work` and turns a panic into [`Fault::Internal`].
fn catch_panic<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a call died");
        Err(Fault::bug().into())
    })
}

/// Returns the server's transport over two streams, for the fuzzers and the tests that replay their inputs.
#[cfg(any(test, fuzzing))]
pub(crate) fn wire<R, W>(input: R, output: W) -> impl rmcp::transport::Transport<RoleServer>
where
    R: tokio::io::AsyncRead + Unpin + Send + 'static,
    W: tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    wire::Wire::new(input, output, Arc::default(), CancellationToken::new())
}

/// Awaits a call, and sends the client a progress notification for every second that the call takes. Clients limit the
/// time of a call, and each notification starts that time again (DESIGN §13.8).
async fn with_progress<T>(
    call: impl Future<Output = T>,
    token: ProgressToken,
    peer: Peer<RoleServer>,
    doing: &Doing,
) -> T {
    const PATIENCE: Duration = Duration::from_secs(1);
    let mut call = std::pin::pin!(call);
    let mut seconds = 0.0;
    loop {
        if let Ok(answer) = tokio::time::timeout(PATIENCE, &mut call).await {
            return answer;
        }
        seconds += PATIENCE.as_secs_f64();
        let waits = ProgressNotificationParam::new(token.clone(), seconds)
            .with_message(doing.told().unwrap_or_else(|| "waiting for the workspace".to_owned()));
        // A notification that cannot be sent is no reason to give up the call.
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
        .with_instructions(if self.seat.is_a_workers() { WORKER_INSTRUCTIONS } else { INSTRUCTIONS })
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !self.tools.has_route(&request.name) {
            // The names are in the message, because clients drop the `data` of an error (DESIGN §13.2). The given name
            // is cut, because it can be of any length.
            let names: Vec<_> = self.tools().into_iter().map(|tool| tool.name).collect();
            let name: String = request.name.chars().take(60).collect();
            let message = format!("there is no tool {name:?}; the tools are {}", names.join(", "));
            return Err(ErrorData::invalid_params(message, None));
        }
        self.introduce(&context.peer);
        let is_modern = is_modern(&context);
        // The request's share of the in-flight budget. It is held here until the call is over; the router would drop it
        // earlier, together with the context.
        let _in_flight = context.extensions.get::<InFlight>().cloned();
        let (token, peer) = (context.meta.get_progress_token(), context.peer.clone());
        let doing = Doing::default();
        context.extensions.insert(doing.clone());
        let call = self.tools.call(ToolCallContext::new(self, request, context));
        let mut response = match token {
            Some(token) => with_progress(call, token, peer, &doing).await?,
            None => call.await?,
        };
        if let (true, CallToolResponse::Complete(result)) = (is_modern, &mut response) {
            sign(self, &mut result.meta);
        }
        Ok(response)
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.ask_for_roots(context.peer);
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.ask_for_roots(context.peer);
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(with_cache_hints!(self, context, Keeps::WithTheProgram, ListToolsResult::with_all_items(self.tools())))
    }

    async fn discover(&self, _context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        // Only the modern era has this method, so the hints need no check of the era.
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
        Ok(with_cache_hints!(self, context, Keeps::WithTheProgram, prompts::list(self.seat.is_a_workers())))
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
        // A fault completes nothing; it is no error, since the client asked only for suggestions.
        Ok(self.blocking(move |door| Ok(completion::complete(door, &request))).await.unwrap_or_default())
    }

    /// Answers a request that rmcp cannot decode: one of an unknown method, or one of a known method with malformed
    /// parameters.
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
    use crate::store::FileStore;

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
            WorkspaceLocation::default(),
        );
        let text = |result: CallToolResult| result.content[0].as_text().unwrap().text.clone();
        let panicked = text(server.answer::<Panics>(JsonObject::new(), CancellationToken::new()).await);
        assert!(panicked.starts_with("error io: the server failed inside"), "{panicked}");
        let next =
            text(server.answer::<next_batch::NextBatchArguments>(JsonObject::new(), CancellationToken::new()).await);
        assert!(next.starts_with("error no_workspace: "), "{next}");
    }
}
