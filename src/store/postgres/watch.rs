//! Watches the workspace for changes by any machine: by `LISTEN`, and by a query of the revisions every few seconds,
//! because a notification can be lost and the end of a lease sends none.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_postgres::AsyncMessage;

use super::engine::Engine;
use super::failed::Failed;
use crate::fault::Fault;
use crate::store::Watch;

/// The channel of the notifications. Their payload is the name of the workspace.
pub(super) const CHANNEL: &str = "work";

/// The time between two queries of the revisions.
const LOOK: Duration = Duration::from_secs(5);

/// Selects a text that differs after each change: the sum of the revisions, the number of workstreams, and the number
/// of servers whose lease runs.
const REVISIONS: &str = "SELECT coalesce(sum(w.revision), 0)::text || ' ' || count(*) || ' '
        || (SELECT count(*) FROM work.servers WHERE lease_until > clock_timestamp())
    FROM work.workspaces s LEFT JOIN work.workstreams w ON w.workspace_id = s.workspace_id WHERE s.name = $1";

/// The watch on a workspace. Dropping it ends the task.
#[derive(Debug)]
struct Listener {
    _end: oneshot::Sender<()>,
}

impl Watch for Listener {
    fn follow(&mut self, _workstream: Option<&str>) -> Result<bool, Fault> {
        Ok(false)
    }
}

/// Notifies the listeners on all machines. Failures are ignored: a listener that misses it queries after some seconds.
pub(super) async fn tell(engine: &Engine) {
    if let Ok(client) = engine.connection().await
        && let Ok(notify) = client.prepare_cached("SELECT pg_notify($1, $2)").await
    {
        let _ = client.execute(&notify, &[&CHANNEL, &engine.address.workspace]).await;
    }
}

/// Starts to watch the workspace of the engine. A connection that fails is replaced after a second.
pub(super) fn watch(engine: &Arc<Engine>, tell: Box<dyn Fn() + Send + Sync>) -> impl Watch + use<> {
    let (end, mut ended) = oneshot::channel::<()>();
    let weak = Arc::downgrade(engine);
    engine.handle.spawn(async move {
        loop {
            let Some(engine) = weak.upgrade() else { return };
            tokio::select! {
                _ = &mut ended => return,
                listened = listen(&engine, tell.as_ref()) => {
                    if let Err(failed) = listened {
                        tracing::debug!(?failed, "the changes of the database are not heard for a moment");
                    }
                }
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    Listener { _end: end }
}

/// Calls `tell` for each change until the connection ends.
async fn listen(engine: &Engine, tell: &(dyn Fn() + Send + Sync)) -> Result<(), Failed> {
    let (client, mut connection) = engine.address.config.connect(engine.tls.0.clone()).await?;
    let mut messages = Box::pin(async {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notification(news)) if news.payload() == engine.address.workspace => tell(),
                Ok(_) => {}
                Err(error) => return Err(Failed::Asked(error)),
            }
        }
        Ok(())
    });
    let looks = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        let mut known = String::new();
        loop {
            let now: String = client.query_one(REVISIONS, &[&engine.address.workspace]).await?.try_get(0)?;
            if now != known {
                // The first time too: changes before the LISTEN sent no notification to this connection.
                known = now;
                tell();
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        ended = &mut messages => ended,
        failed = looks => failed,
    }
}
