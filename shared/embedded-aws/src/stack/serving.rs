//! The listeners of a stack: the front and the three services.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::StackError;

/// Time that open requests to the services have when the stack stops.
const SERVICE_LIMIT: Duration = Duration::from_secs(1);

/// Four servers.
pub(super) struct Servers {
    pub(super) front: Server,
    pub(super) sqs: Server,
    pub(super) secrets: Server,
    pub(super) dynamodb: Server,
    pub(super) sweeper: JoinHandle<()>,
}

/// One server. Dropping it ends it.
pub(super) struct Server {
    close: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Servers {
    pub(super) async fn close_services(&mut self) {
        self.sweeper.abort();
        for server in [&mut self.sqs, &mut self.secrets, &mut self.dynamodb] {
            server.close(SERVICE_LIMIT).await;
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.sweeper.abort();
    }
}

impl Server {
    pub(super) fn routes(listener: TcpListener, router: Router) -> Self {
        let (close, mut closed) = watch::channel(false);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            let graceful = async move {
                // An error means that the server was dropped.
                let _ = closed.wait_for(|closed| *closed).await;
            };
            let _ = axum::serve(listener, service).with_graceful_shutdown(graceful).await;
        });
        Self { close, task }
    }

    pub(super) fn database(listener: TcpListener, database: Database) -> Self {
        let (close, mut closed) = watch::channel(false);
        let task = tokio::spawn(async move {
            let graceful = async move {
                let _ = closed.wait_for(|closed| *closed).await;
            };
            let _ = dynoxide::server::serve_with_shutdown(listener, database, graceful).await;
        });
        Self { close, task }
    }

    /// Takes no more connections, and lets open requests finish within the limit.
    pub(super) async fn close(&mut self, limit: Duration) {
        self.close.send_replace(true);
        if tokio::time::timeout(limit, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens on loopback.
pub(super) async fn listen(port: u16) -> Result<(TcpListener, String), StackError> {
    let fail = |source| StackError::Listen { port, source };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok((listener, format!("http://{address}")))
}
