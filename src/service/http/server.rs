//! The accept loop: connections with bounded heads and bounded patience, and a shutdown that lets them finish.
//!
//! In: listeners, each with its router. Out: nothing, until the shutdown is asked for and the last connection is gone
//! or [`Settings::drain`] has passed. Not here: TLS, which the reverse proxy of the e-office ends.

use super::socket::Socket;
use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Fields of the head of a request.
const MOST_HEADERS: usize = 64;
/// Bytes of the head of a request.
const HEAD_BYTES: usize = 32 * 1024;

/// Bounds on connections.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How long the head of a request may take; an idle connection is closed after as much.
    pub head: Duration,
    /// Connections open at once; more wait to be accepted.
    pub connections: usize,
    /// How long requests may still take once the shutdown is asked for.
    pub drain: Duration,
}

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Serves until `shutdown` is done.
pub async fn serve(
    listeners: Vec<(TcpListener, Router)>,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopped) = watch::channel(false);
    let permits = Arc::new(Semaphore::new(settings.connections));
    let mut loops = JoinSet::new();
    for (listener, router) in listeners {
        loops.spawn(accept(
            listener,
            router,
            settings,
            permits.clone(),
            stopped.clone(),
        ));
    }
    shutdown.await;
    let _ = stop.send(true);
    let drained = tokio::time::timeout(settings.drain, async {
        while loops.join_next().await.is_some() {}
    });
    if drained.await.is_err() {
        tracing::warn!("connections were cut: they did not end in time");
    }
}

/// Accepts until stopped, then waits for its connections. Dropped, it cuts them.
async fn accept(
    listener: TcpListener,
    router: Router,
    settings: Settings,
    permits: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let stop = stopped.clone();
    loop {
        let accepted = tokio::select! {
            () = told(&mut stopped) => break,
            accepted = next(&listener, &permits) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else {
            continue;
        };
        let connection = carry(stream, peer, router.clone(), settings, stop.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn next(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, permit)),
        Err(error) => {
            // Out of file descriptors, or the client is gone already: neither ends the service.
            tracing::warn!(error = %error.kind(), "accept failed");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// One connection, from its first request to its last.
async fn carry(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    settings: Settings,
    mut stopped: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        TowerToHyperService::new(router.clone()).call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head)
        .max_headers(MOST_HEADERS)
        .max_buf_size(HEAD_BYTES.max(64 * 1024))
        .max_header_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Socket::new(stream)), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Until the shutdown is asked for.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
